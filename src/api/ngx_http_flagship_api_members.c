
/*
 * Copyright (C) Flagship
 */


/*
 * The members of an id set: read whole, replaced, added, removed.
 *
 * What is read is streamed in pages, a short query each, so that a slow client
 * holds no connection to PostgreSQL.  What is written is an array of JSON or
 * lines of text, and goes to PostgreSQL as one array.  A worker's event loop.
 */


#include "ngx_http_flagship_api_sets.h"


#define NGX_HTTP_FLAGSHIP_MEMBERS_PAGE  "2000"
#define NGX_HTTP_FLAGSHIP_MEMBER_MAX    1024     /* bytes */


typedef struct {
    ngx_http_flagship_entity_t  *e;
    ngx_http_flagship_out_t     *stream;   /* NULL: not begun */
    unsigned                     started:1;    /* some page was read */
    unsigned                     more:1;   /* there are others */
    char                         last[NGX_HTTP_FLAGSHIP_MEMBER_MAX + 1];
} ngx_http_flagship_members_t;


static ngx_int_t ngx_http_flagship_members_write(
    ngx_http_flagship_call_t *call, const char *act);
static const char *ngx_http_flagship_members_text(
    ngx_http_flagship_entity_t *e);
static void ngx_http_flagship_members_member(ngx_http_flagship_entity_t *e,
    const char *place, const u_char *data, size_t len);
static ngx_int_t ngx_http_flagship_members_page(ngx_http_flagship_members_t *m);
static void ngx_http_flagship_members_result(ngx_http_flagship_call_t *call,
    PGresult *result);
static void ngx_http_flagship_members_done(ngx_http_flagship_call_t *call);
static ngx_int_t ngx_http_flagship_members_begin(
    ngx_http_flagship_members_t *m);
static void ngx_http_flagship_members_more(ngx_http_flagship_call_t *call);


ngx_int_t
ngx_http_flagship_members_replace(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_members_write(call, "replace");
}


ngx_int_t
ngx_http_flagship_members_add(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_members_write(call, "add");
}


ngx_int_t
ngx_http_flagship_members_remove(ngx_http_flagship_call_t *call)
{
    return ngx_http_flagship_members_write(call, "remove");
}


static ngx_int_t
ngx_http_flagship_members_write(ngx_http_flagship_call_t *call,
    const char *act)
{
    ngx_int_t                    rc;
    const char                  *list;
    ngx_http_flagship_entity_t  *e;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc == NGX_OK) {
        rc = ngx_http_flagship_entity_unbound(e);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    e->errors = ngx_http_flagship_call_errors(call);
    if (e->errors == NULL) {
        return NGX_ERROR;
    }

    if (call->plain) {
        list = ngx_http_flagship_members_text(e);

    } else {
        ngx_http_flagship_members_check(e, call->body, "");

        list = e->errors->errors ? ""
               : ngx_http_flagship_members_json(e, call->body);
    }

    if (list == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_flagship_entity_refused(e)) {
        return NGX_OK;
    }

    e->params[0] = e->actor;
    e->params[1] = e->tenant;
    e->params[2] = e->ref;
    e->params[3] = act;
    e->params[4] = list;
    e->params[5] = e->match;
    e->params[6] = e->dry_run ? "true" : "false";

    return ngx_http_flagship_entity_query(e,
          "SELECT * FROM flagship.change_members($1, $2, $3, $4, $5, $6, $7)",
          7, 1, ngx_http_flagship_entity_changed);
}


void
ngx_http_flagship_members_check(ngx_http_flagship_entity_t *e,
    const flagship_json_node_t *list, const char *pointer)
{
    char                         place[64];
    uint32_t                     i;
    const flagship_json_node_t  *node;

    if (list->type != FLAGSHIP_JSON_ARRAY) {
        flagship_errors_add(e->errors, 0, flagship_str("", 0), pointer,
                            "must be an array of ids");
        return;
    }

    node = list + 1;

    for (i = 0; i < list->len; i++, node++) {

        (void) snprintf(place, sizeof(place), "%s/%u", pointer, (unsigned) i);

        if (node->type != FLAGSHIP_JSON_STRING
            && node->type != FLAGSHIP_JSON_NUMBER)
        {
            flagship_errors_add(e->errors, 0, flagship_str("", 0), place,
                                "must be a string");
            node += node->next - 1;
            continue;
        }

        ngx_http_flagship_members_member(e, place, (u_char *) node->str,
                                         node->len);
    }
}


/* One that could not stand in a line could not be read as one again. */

static void
ngx_http_flagship_members_member(ngx_http_flagship_entity_t *e,
    const char *place, const u_char *data, size_t len)
{
    size_t  i;

    if (len == 0 || len > NGX_HTTP_FLAGSHIP_MEMBER_MAX) {
        flagship_errors_add(e->errors, 0, flagship_str("", 0), place,
                            "must have 1 to %d bytes",
                            NGX_HTTP_FLAGSHIP_MEMBER_MAX);
        return;
    }

    for (i = 0; i < len; i++) {

        if (data[i] < 0x20) {
            flagship_errors_add(e->errors, 0, flagship_str("", 0), place,
                                "must not have control characters");
            return;
        }
    }
}


const char *
ngx_http_flagship_members_json(ngx_http_flagship_entity_t *e,
    const flagship_json_node_t *list)
{
    char    *text;
    size_t   len;

    len = flagship_json_print(list, NULL, 0);

    text = ngx_pnalloc(e->call->request->pool, len + 1);
    if (text == NULL) {
        return NULL;
    }

    (void) flagship_json_print(list, text, len);
    text[len] = '\0';

    return text;
}


/* Lines, which may end as on Windows; empty ones do not count. */

static const char *
ngx_http_flagship_members_text(ngx_http_flagship_entity_t *e)
{
    char         place[32];
    u_char      *p, *end, *out, *text, *last;
    size_t       size;
    ngx_str_t    line;
    ngx_uint_t   n;

    p = e->call->text.data;
    last = p + e->call->text.len;

    /* each line gets quotes and a comma, each quote or backslash another one;
       what needs more is refused */

    size = 2 * e->call->text.len + sizeof("[]");

    for (end = p; end < last; end++) {
        size += (*end == '\n') ? 3 : 0;
    }

    text = ngx_pnalloc(e->call->request->pool, size + 3);
    if (text == NULL) {
        return NULL;
    }

    out = text;
    *out++ = '[';

    for (n = 0; p < last; n++, p = end + 1) {

        end = ngx_strlchr(p, last, '\n');

        if (end == NULL) {
            end = last;
        }

        line.data = p;
        line.len = end - p;

        if (line.len && line.data[line.len - 1] == '\r') {
            line.len--;
        }

        if (line.len == 0) {
            continue;
        }

        (void) snprintf(place, sizeof(place), "/%u", (unsigned) n);

        ngx_http_flagship_members_member(e, place, line.data, line.len);

        if (e->errors->errors == 0) {

            if (out != text + 1) {
                *out++ = ',';
            }

            *out++ = '"';
            out = (u_char *) ngx_escape_json(out, line.data, line.len);
            *out++ = '"';
        }
    }

    *out++ = ']';
    *out = '\0';

    return (const char *) text;
}


ngx_int_t
ngx_http_flagship_members_get(ngx_http_flagship_call_t *call)
{
    ngx_int_t                     rc;
    ngx_http_flagship_entity_t   *e;
    ngx_http_flagship_members_t  *m;

    rc = ngx_http_flagship_entity_start(call, &ngx_http_flagship_set, &e);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    m = ngx_pcalloc(call->request->pool, sizeof(ngx_http_flagship_members_t));
    if (m == NULL) {
        return NGX_ERROR;
    }

    m->e = e;
    call->data = m;

    ngx_http_flagship_out_init(&e->out, call->request->pool, 0);
    ngx_http_flagship_out_literal(&e->out, "[");

    return ngx_http_flagship_members_page(m);
}


static ngx_int_t
ngx_http_flagship_members_page(ngx_http_flagship_members_t *m)
{
    ngx_http_flagship_query_t    query;
    ngx_http_flagship_entity_t  *e;

    e = m->e;

    e->params[0] = e->tenant;
    e->params[1] = e->ref;
    e->params[2] = m->started ? m->last : NULL;
    e->params[3] = NGX_HTTP_FLAGSHIP_MEMBERS_PAGE;

    ngx_memzero(&query, sizeof(ngx_http_flagship_query_t));

    query.sql = "SELECT * FROM flagship.read_members($1, $2, $3, $4)";
    query.nparams = 4;
    query.params = e->params;
    query.on_result = ngx_http_flagship_members_result;
    query.on_done = ngx_http_flagship_members_done;

    return ngx_http_flagship_call_query(e->call, &query);
}


/* tag, last, more, members; a set that is gone meanwhile has no more. */

static void
ngx_http_flagship_members_result(ngx_http_flagship_call_t *call,
    PGresult *result)
{
    ngx_http_flagship_out_t      *out;
    ngx_http_flagship_members_t  *m;

    m = call->data;
    m->more = 0;

    if (PQntuples(result) != 1 || PQnfields(result) != 4
        || PQgetisnull(result, 0, 0))
    {
        return;
    }

    if (!m->started) {
        m->e->tag.len = PQgetlength(result, 0, 0);
        m->e->tag.data = (u_char *) ngx_http_flagship_entity_cstr(m->e,
                                                 PQgetvalue(result, 0, 0),
                                                 m->e->tag.len);
        if (m->e->tag.data == NULL) {
            m->e->out.failed = 1;
            return;
        }
    }

    if (PQgetisnull(result, 0, 1)) {
        return;
    }

    (void) ngx_cpystrn((u_char *) m->last, (u_char *) PQgetvalue(result, 0, 1),
                       sizeof(m->last));

    m->more = (PQgetvalue(result, 0, 2)[0] == 't');

    out = m->stream ? m->stream : &m->e->out;

    if (m->started) {
        ngx_http_flagship_out_literal(out, ",");
    }

    ngx_http_flagship_out_data(out, PQgetvalue(result, 0, 3),
                               PQgetlength(result, 0, 3));

    m->started = 1;
}


static void
ngx_http_flagship_members_done(ngx_http_flagship_call_t *call)
{
    ngx_http_flagship_entity_t   *e;
    ngx_http_flagship_members_t  *m;

    m = call->data;
    e = m->e;

    if (e->tag.len == 0) {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no set \"%s\"", e->ref);
        return;
    }

    if (m->stream == NULL && !m->more) {
        ngx_http_flagship_out_literal(&e->out, "]");
        ngx_http_flagship_call_entity(call, NGX_HTTP_OK, &e->tag, &e->out);
        return;
    }

    if (m->stream == NULL && ngx_http_flagship_members_begin(m) != NGX_OK) {
        return;
    }

    if (!m->more) {
        ngx_http_flagship_out_literal(m->stream, "]");
        ngx_http_flagship_call_end(call);
        return;
    }

    call->more = ngx_http_flagship_members_more;

    if (ngx_http_flagship_call_send(call) == NGX_OK) {
        ngx_http_flagship_members_more(call);
    }
}


/* Of a list of more than one page: NGX_DONE where nobody wants it. */

static ngx_int_t
ngx_http_flagship_members_begin(ngx_http_flagship_members_t *m)
{
    ngx_str_t                    etag;
    ngx_chain_t                 *cl;
    ngx_http_flagship_call_t    *call;
    ngx_http_flagship_entity_t  *e;

    e = m->e;
    call = e->call;

    if (ngx_http_flagship_etag_known(call->request, &e->tag)) {
        /* which it says */
        ngx_http_flagship_call_entity(call, NGX_HTTP_OK, &e->tag, &e->out);
        return NGX_DONE;
    }

    etag.len = e->tag.len + 2;
    etag.data = ngx_pnalloc(call->request->pool, etag.len);

    if (etag.data == NULL) {
        ngx_http_flagship_entity_fail(call);
        return NGX_DONE;
    }

    (void) ngx_sprintf(etag.data, "\"%V\"", &e->tag);

    if (ngx_http_flagship_call_header(call, "ETag", &etag) != NGX_OK) {
        ngx_http_flagship_entity_fail(call);
        return NGX_DONE;
    }

    m->stream = ngx_http_flagship_call_begin(call, NGX_HTTP_OK);

    if (m->stream == NULL) {
        return NGX_DONE;
    }

    for (cl = e->out.first; cl; cl = cl->next) {
        ngx_http_flagship_out_data(m->stream, cl->buf->pos,
                                   cl->buf->last - cl->buf->pos);
    }

    return NGX_OK;
}


static void
ngx_http_flagship_members_more(ngx_http_flagship_call_t *call)
{
    if (ngx_http_flagship_members_page(call->data) != NGX_OK) {
        ngx_http_flagship_call_abort(call);
    }
}
