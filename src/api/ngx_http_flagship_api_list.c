
/*
 * Copyright (C) Flagship
 */


/*
 * Lists, page by page.  A worker's event loop.
 *
 * A cursor is base64url of "<sort>\n<id>\n<value>".  It is the client's, so it
 * is read as any input; whatever is in it, the conditions hold.
 */


#include "ngx_http_flagship_api_list.h"
#include "flagship_time.h"


#define NGX_HTTP_FLAGSHIP_LIST_LIMIT   100
#define NGX_HTTP_FLAGSHIP_LIST_MAX     500
#define NGX_HTTP_FLAGSHIP_LIST_PAGE    128   /* rows a query: a list of the
                                                default limit is one */
#define NGX_HTTP_FLAGSHIP_LIST_CURSOR  4096  /* bytes */


static ngx_int_t ngx_http_flagship_list_limit(ngx_http_flagship_list_t *list);
static ngx_int_t ngx_http_flagship_list_order(ngx_http_flagship_list_t *list);
static ngx_int_t ngx_http_flagship_list_place(ngx_http_flagship_list_t *list);
static ngx_int_t ngx_http_flagship_list_wrong(ngx_http_flagship_list_t *list,
    const char *name, const char *detail);
static ngx_int_t ngx_http_flagship_list_query(ngx_http_flagship_list_t *list);
static char *ngx_http_flagship_list_text(ngx_http_flagship_list_t *list);
static void ngx_http_flagship_list_result(ngx_http_flagship_call_t *call,
    PGresult *result);
static ngx_int_t ngx_http_flagship_list_keep(ngx_http_flagship_list_t *list,
    PGresult *result, int row);
static void ngx_http_flagship_list_done(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_list_more(ngx_http_flagship_call_t *call);
static void ngx_http_flagship_list_next(ngx_http_flagship_list_t *list,
    ngx_http_flagship_out_t *out);


ngx_int_t
ngx_http_flagship_list_create(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_list_options_t *options,
    ngx_http_flagship_list_t **listp)
{
    ngx_int_t                  rc;
    ngx_http_flagship_list_t  *list;

    list = ngx_pcalloc(call->request->pool, sizeof(ngx_http_flagship_list_t));
    if (list == NULL) {
        return NGX_ERROR;
    }

    list->call = call;
    list->options = options;
    list->missing = (options->missing != NULL);

    call->data = list;

    ngx_http_flagship_out_init(&list->where, call->request->pool, 0);

    rc = ngx_http_flagship_list_limit(list);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_list_order(list);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_list_place(list);
    }

    *listp = list;

    return rc;
}


static ngx_int_t
ngx_http_flagship_list_limit(ngx_http_flagship_list_t *list)
{
    ngx_int_t  n;
    ngx_str_t  value;

    list->left = NGX_HTTP_FLAGSHIP_LIST_LIMIT;

    if (ngx_http_flagship_call_arg(list->call, "limit", &value) != NGX_OK) {
        return NGX_OK;
    }

    n = ngx_atoi(value.data, value.len);

    if (n < 1 || n > NGX_HTTP_FLAGSHIP_LIST_MAX) {
        return ngx_http_flagship_list_wrong(list, "#/query/limit",
                                            "must be a number from 1 to 500");
    }

    list->left = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_list_order(ngx_http_flagship_list_t *list)
{
    ngx_str_t                             name;
    const ngx_http_flagship_list_sort_t  *sort;

    name.data = (u_char *) list->options->sort;
    name.len = ngx_strlen(name.data);

    (void) ngx_http_flagship_call_arg(list->call, "sort", &name);

    list->sort_name = name;

    if (name.len && name.data[0] == '-') {
        list->descending = 1;
        name.data++;
        name.len--;
    }

    for (sort = list->options->sorts; sort->name; sort++) {
        if (ngx_strlen(sort->name) == name.len
            && ngx_strncmp(sort->name, name.data, name.len) == 0)
        {
            list->sort = sort;
            return NGX_OK;
        }
    }

    return ngx_http_flagship_list_wrong(list, "#/query/sort",
                                        "is none of the fields to sort by");
}


/* Where the last list ended. */

static ngx_int_t
ngx_http_flagship_list_place(ngx_http_flagship_list_t *list)
{
    u_char     *id, *value, *last;
    ngx_str_t   cursor, text;

    if (ngx_http_flagship_call_arg(list->call, "cursor", &cursor) != NGX_OK) {
        return NGX_OK;
    }

    list->missing = 0;

    if (cursor.len == 0 || cursor.len > NGX_HTTP_FLAGSHIP_LIST_CURSOR) {
        goto wrong;
    }

    text.data = ngx_pnalloc(list->call->request->pool,
                            ngx_base64_decoded_length(cursor.len) + 1);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_decode_base64url(&text, &cursor) != NGX_OK
        || !ngx_http_flagship_call_utf8(&text))
    {
        goto wrong;
    }

    last = text.data + text.len;
    *last = '\0';

    id = ngx_strlchr(text.data, last, '\n');
    value = id ? ngx_strlchr(id + 1, last, '\n') : NULL;

    if (value == NULL
        || (size_t) (id - text.data) != list->sort_name.len
        || ngx_memcmp(text.data, list->sort_name.data, list->sort_name.len)
           != 0)
    {
        goto wrong;
    }

    *id++ = '\0';
    *value++ = '\0';

    list->id = id;
    list->value = value;

    return NGX_OK;

wrong:

    return ngx_http_flagship_list_wrong(list, "#/query/cursor",
                                        "is none of a list in this order");
}


static ngx_int_t
ngx_http_flagship_list_wrong(ngx_http_flagship_list_t *list,
    const char *name, const char *detail)
{
    ngx_http_flagship_call_error(list->call, name, "%s", detail);
    ngx_http_flagship_call_problem(list->call,
                                   NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                   "an argument of the query is wrong");
    return NGX_DONE;
}


void
ngx_http_flagship_list_sql(ngx_http_flagship_list_t *list, const char *sql)
{
    ngx_http_flagship_out_text(&list->where, sql);
}


void
ngx_http_flagship_list_param(ngx_http_flagship_list_t *list, ngx_str_t *value)
{
    u_char  *p;

    p = ngx_pnalloc(list->call->request->pool, value->len + 1);

    /* the last three are the place's and the limit's */

    if (p == NULL || list->nparams + 3 == NGX_HTTP_FLAGSHIP_LIST_PARAMS) {
        list->failed = 1;
        return;
    }

    *ngx_cpymem(p, value->data, value->len) = '\0';

    list->params[list->nparams++] = (char *) p;

    ngx_http_flagship_out_literal(&list->where, "$");
    ngx_http_flagship_out_uint(&list->where, list->nparams);
}


void
ngx_http_flagship_list_filter(ngx_http_flagship_list_t *list,
    const char *name, const char *sql)
{
    ngx_str_t  value;

    if (ngx_http_flagship_call_arg_get(list->call, name, ngx_strlen(name),
                                       &value)
        != NGX_OK)
    {
        return;
    }

    list->missing = 0;

    ngx_http_flagship_list_sql(list, " AND ");
    ngx_http_flagship_list_sql(list, sql);
    ngx_http_flagship_list_param(list, &value);
}


ngx_int_t
ngx_http_flagship_list_filter_switch(ngx_http_flagship_list_t *list,
    const char *name, const char *sql)
{
    ngx_uint_t  value;

    if (ngx_http_flagship_call_switch(list->call, name, &value) != NGX_OK) {
        return NGX_DONE;
    }

    ngx_http_flagship_list_filter(list, name, sql);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_list_filter_time(ngx_http_flagship_list_t *list,
    const char *name, const char *sql)
{
    char       pointer[64];
    int64_t    seconds;
    ngx_str_t  value;

    if (ngx_http_flagship_call_arg_get(list->call, name, ngx_strlen(name),
                                       &value)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (flagship_time_parse(flagship_str((char *) value.data, value.len),
                            &seconds)
        != FLAGSHIP_OK)
    {
        (void) ngx_snprintf((u_char *) pointer, sizeof(pointer),
                            "#/query/%s%Z", name);

        return ngx_http_flagship_list_wrong(list, pointer,
                                            "must be an RFC 3339 time");
    }

    ngx_http_flagship_list_filter(list, name, sql);

    return NGX_OK;
}


void
ngx_http_flagship_list_filter_search(ngx_http_flagship_list_t *list,
    const char *sql)
{
    ngx_str_t  value;

    if (ngx_http_flagship_call_arg(list->call, "search", &value) != NGX_OK
        || value.len == 0)
    {
        return;
    }

    ngx_http_flagship_list_sql(list, " AND ");
    ngx_http_flagship_list_sql(list, sql);
    ngx_http_flagship_list_sql(list,
                               " ILIKE '%' || replace(replace(replace(");
    ngx_http_flagship_list_param(list, &value);
    ngx_http_flagship_list_sql(list, ", '\\', '\\\\'), '%', '\\%'), '_', "
                                     "'\\_') || '%'");
}


ngx_int_t
ngx_http_flagship_list_run(ngx_http_flagship_list_t *list)
{
    return ngx_http_flagship_list_query(list);
}


/* The next page: one row more than are wanted says whether there are more. */

static ngx_int_t
ngx_http_flagship_list_query(ngx_http_flagship_list_t *list)
{
    ngx_uint_t                  n, placed;
    ngx_http_flagship_query_t   query;

    placed = (list->id != NULL);

    if (list->sql[placed] == NULL) {
        list->sql[placed] = ngx_http_flagship_list_text(list);
    }

    if (list->sql[placed] == NULL || list->failed) {
        return NGX_ERROR;
    }

    list->page = ngx_min(list->left + 1, NGX_HTTP_FLAGSHIP_LIST_PAGE);
    list->rows = 0;

    *ngx_sprintf(list->limit, "%ui", list->page) = '\0';

    n = list->nparams;

    list->params[n++] = (char *) list->limit;

    if (placed) {
        list->params[n++] = (char *) list->value;

        if (!list->sort->unique) {
            list->params[n++] = (char *) list->id;
        }
    }

    ngx_memzero(&query, sizeof(ngx_http_flagship_query_t));

    query.sql = list->sql[placed];
    query.nparams = n;
    query.params = list->params;
    query.on_result = ngx_http_flagship_list_result;
    query.on_done = ngx_http_flagship_list_done;

    return ngx_http_flagship_call_query(list->call, &query);
}


static char *
ngx_http_flagship_list_text(ngx_http_flagship_list_t *list)
{
    u_char                                  *sql, *p, *last;
    size_t                                   size;
    ngx_chain_t                             *cl;
    const char                              *down;
    const ngx_http_flagship_list_sort_t     *sort;
    const ngx_http_flagship_list_options_t  *o;

    o = list->options;
    sort = list->sort;
    down = list->descending ? " DESC" : "";

    if (list->where.failed) {
        return NULL;
    }

    size = list->where.len + 1024;

    sql = ngx_pnalloc(list->call->request->pool, size);
    if (sql == NULL) {
        return NULL;
    }

    p = sql;
    last = sql + size;

    p = ngx_slprintf(p, last, "SELECT %s, %s, %s FROM %s WHERE true",
                     o->document, o->id, sort->text, o->from);

    for (cl = list->where.first; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    if (list->id) {

        if (sort->unique) {
            p = ngx_slprintf(p, last, " AND %s %s $%ui::%s", sort->column,
                             list->descending ? "<" : ">", list->nparams + 2,
                             sort->type);

        } else {
            p = ngx_slprintf(p, last, " AND (%s, %s) %s ($%ui::%s, $%ui::%s)",
                             sort->column, o->id,
                             list->descending ? "<" : ">", list->nparams + 2,
                             sort->type, list->nparams + 3, o->id_type);
        }
    }

    p = ngx_slprintf(p, last, " ORDER BY %s%s", sort->column, down);

    if (!sort->unique) {
        p = ngx_slprintf(p, last, ", %s%s", o->id, down);
    }

    p = ngx_slprintf(p, last, " LIMIT $%ui::bigint", list->nparams + 1);

    if (p == last) {
        return NULL;
    }

    *p = '\0';

    return (char *) sql;
}


static void
ngx_http_flagship_list_result(ngx_http_flagship_call_t *call,
    PGresult *result)
{
    int                        i, n;
    ngx_http_flagship_out_t   *out;
    ngx_http_flagship_list_t  *list;

    list = call->data;

    list->rows = PQntuples(result);

    if (list->rows == 0 && list->missing && list->written == 0) {
        return;
    }

    out = call->stream;

    if (out == NULL) {
        out = ngx_http_flagship_call_begin(call, NGX_HTTP_OK);
        if (out == NULL) {
            return;
        }

        ngx_http_flagship_out_literal(out, "{\"");
        ngx_http_flagship_out_text(out, list->options->member);
        ngx_http_flagship_out_literal(out, "\":[");
    }

    n = ngx_min(list->rows, list->left);
    list->last = (list->rows > list->left);

    for (i = 0; i < n; i++) {

        if (list->written++) {
            ngx_http_flagship_out_literal(out, ",");
        }

        ngx_http_flagship_out_data(out, PQgetvalue(result, i, 0),
                                   PQgetlength(result, i, 0));
    }

    list->left -= n;

    if (n && ngx_http_flagship_list_keep(list, result, n - 1) != NGX_OK) {
        out->failed = 1;
    }
}


/* The place of a row.  Its memory is used again. */

static ngx_int_t
ngx_http_flagship_list_keep(ngx_http_flagship_list_t *list, PGresult *result,
    int row)
{
    size_t       len;
    ngx_pool_t  *pool;

    pool = list->call->request->pool;
    len = ngx_max(PQgetlength(result, row, 1), PQgetlength(result, row, 2))
          + 1;

    if (len > list->size) {
        list->size = ngx_max(2 * len, 256);

        list->id = ngx_pnalloc(pool, list->size);
        list->value = ngx_pnalloc(pool, list->size);

        if (list->id == NULL || list->value == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_cpystrn(list->id, (u_char *) PQgetvalue(result, row, 1), list->size);
    ngx_cpystrn(list->value, (u_char *) PQgetvalue(result, row, 2),
                list->size);

    return NGX_OK;
}


static void
ngx_http_flagship_list_done(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_out_t   *out;
    ngx_http_flagship_list_t  *list;

    list = call->data;
    out = call->stream;

    if (out == NULL) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND, "%s",
                                       list->options->missing);
        return;
    }

    if (list->rows < list->page) {
        ngx_http_flagship_out_literal(out, "],\"next_cursor\":null}");
        ngx_http_flagship_call_end(call);
        return;
    }

    if (list->last) {
        ngx_http_flagship_out_literal(out, "],\"next_cursor\":\"");
        ngx_http_flagship_list_next(list, out);
        ngx_http_flagship_out_literal(out, "\"}");
        ngx_http_flagship_call_end(call);
        return;
    }

    call->more = ngx_http_flagship_list_more;

    if (ngx_http_flagship_call_send(call) == NGX_OK) {
        ngx_http_flagship_list_more(call);
    }
}


static void
ngx_http_flagship_list_more(ngx_http_flagship_call_t *call)
{
    if (ngx_http_flagship_list_query(call->data) != NGX_OK) {
        ngx_http_flagship_call_abort(call);
    }
}


static void
ngx_http_flagship_list_next(ngx_http_flagship_list_t *list,
    ngx_http_flagship_out_t *out)
{
    ngx_str_t    text, cursor;
    ngx_pool_t  *pool;

    pool = list->call->request->pool;

    text.len = list->sort_name.len + ngx_strlen(list->id)
               + ngx_strlen(list->value) + 2;
    text.data = ngx_pnalloc(pool, text.len);
    cursor.data = ngx_pnalloc(pool, ngx_base64_encoded_length(text.len));

    if (text.data == NULL || cursor.data == NULL) {
        out->failed = 1;
        return;
    }

    (void) ngx_sprintf(text.data, "%V\n%s\n%s", &list->sort_name, list->id,
                       list->value);

    ngx_encode_base64url(&cursor, &text);

    ngx_http_flagship_out_str(out, &cursor);
}
