
/*
 * Copyright (C) Flagship
 */


/*
 * Headers: a client's are stripped before anything reads them, those of the
 * location that proxies are injected once access is decided, and the response
 * gets its own.
 *
 * What does not depend on the request is a plan, made once for a list and an
 * image: which flags in which order under which names.  A request evaluates
 * them and writes all elements and texts into one allocation.  Everything an
 * element points to lies in the request's pool or in the configuration, never
 * in an image or a plan: a mirror subrequest may outlive both.
 *
 * Only a main request injects: subrequests share its list.
 */


#include "ngx_http_flagship_edge.h"


typedef struct {
    ngx_table_elt_t           *elts;
    ngx_uint_t                 n;
} ngx_http_flagship_range_t;


static ngx_int_t ngx_http_flagship_plan_list(
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    const flagship_image_t *image, ngx_log_t *log);
static ngx_int_t ngx_http_flagship_plan_all(
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    const flagship_image_t *image, ngx_log_t *log);
static size_t ngx_http_flagship_plan_room(ngx_http_flagship_plan_t *plan,
    const flagship_image_t *image);
static ngx_uint_t ngx_http_flagship_plan_name(ngx_http_flagship_name_t *names,
    ngx_uint_t n, u_char *p, ngx_str_t *prefix, flagship_str_t key);
static void ngx_http_flagship_plans_free(void *data);
static ngx_int_t ngx_http_flagship_take_back(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx);
static ngx_int_t ngx_http_flagship_fill(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_list_part_t **ppart,
    ngx_uint_t spare);
static ngx_int_t ngx_http_flagship_write_headers(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    ngx_list_part_t *part, u_char *p);
static ngx_inline ngx_int_t ngx_http_flagship_value(
    ngx_http_flagship_ctx_t *ctx, const flagship_decision_t *decision,
    ngx_str_t *value, u_char **p);
static void ngx_http_flagship_dropped(ngx_http_flagship_ctx_t *ctx,
    ngx_uint_t n);
static void ngx_http_flagship_over(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_uint_t n);
static ngx_uint_t ngx_http_flagship_any_prefixed(ngx_list_t *list,
    ngx_http_flagship_edge_conf_t *conf);
static ngx_uint_t ngx_http_flagship_match_prefix(ngx_table_elt_t *h,
    void *data);
static ngx_uint_t ngx_http_flagship_match_range(ngx_table_elt_t *h,
    void *data);
static ngx_uint_t ngx_http_flagship_match_names(ngx_table_elt_t *h,
    void *data);


/* Of names that meet, the least key in byte order stays. */

ngx_http_flagship_headers_t *
ngx_http_flagship_headers_make(ngx_conf_t *cf,
    ngx_http_flagship_headers_t *headers, ngx_str_t *prefix, ngx_uint_t limit)
{
    u_char                       *p;
    size_t                        len;
    ngx_str_t                    *key;
    ngx_uint_t                    i, n;
    ngx_pool_cleanup_t           *cln;
    ngx_http_flagship_headers_t  *made;

    if (headers->prefix.data) {

        if (headers->limit == limit && headers->prefix.len == prefix->len
            && ngx_memcmp(headers->prefix.data, prefix->data, prefix->len)
               == 0)
        {
            return headers;
        }

        made = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_headers_t));
        if (made == NULL) {
            return NULL;
        }

        made->all = headers->all;
        made->exposed = headers->exposed;
        made->keys = headers->keys;

        headers = made;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_flagship_plans_free;
    cln->data = headers;

    headers->prefix = *prefix;
    headers->limit = limit;

    if (headers->all) {
        return headers;
    }

    key = headers->keys.elts;
    len = 0;

    for (i = 0; i < headers->keys.nelts; i++) {
        len += 2 * (prefix->len + key[i].len);
    }

    headers->names = ngx_pcalloc(cf->pool, headers->keys.nelts
                                           * sizeof(ngx_http_flagship_name_t));
    p = ngx_pnalloc(cf->pool, len);

    if (headers->names == NULL || p == NULL) {
        return NULL;
    }

    n = 0;

    for (i = 0; i < headers->keys.nelts; i++) {

        if (!ngx_http_flagship_plan_name(headers->names, n, p, prefix,
                           flagship_str((char *) key[i].data, key[i].len)))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "flagship: flag \"%V\" is not sent: another flag "
                          "of the list has its header's name", &key[i]);
            continue;
        }

        headers->names[n++].key = key[i];
        p += 2 * (prefix->len + key[i].len);
    }

    headers->n = n;

    return headers;
}


/*
 * Writes the name of a key and its lower case form behind it; 0 where one of
 * the n names before it is the same.
 */

static ngx_uint_t
ngx_http_flagship_plan_name(ngx_http_flagship_name_t *names, ngx_uint_t n,
    u_char *p, ngx_str_t *prefix, flagship_str_t key)
{
    size_t                     i;
    ngx_http_flagship_name_t  *name;

    name = &names[n];

    name->name.len = prefix->len + key.len;
    name->name.data = p;

    p = ngx_cpymem(p, prefix->data, prefix->len);

    for (i = 0; i < key.len; i++) {
        *p++ = (key.data[i] == '_' || key.data[i] == '.') ? '-' : key.data[i];
    }

    name->lowcase = p;
    name->hash = ngx_hash_strlow(p, name->name.data, name->name.len);

    while (n--) {
        if (names[n].hash == name->hash
            && names[n].name.len == name->name.len
            && ngx_memcmp(names[n].lowcase, name->lowcase, name->name.len)
               == 0)
        {
            return 0;
        }
    }

    return 1;
}


ngx_http_flagship_plan_t *
ngx_http_flagship_plan(ngx_http_flagship_headers_t *headers,
    const flagship_image_t *image, ngx_log_t *log)
{
    ngx_int_t                  rc;
    ngx_http_flagship_plan_t  *plan;

    plan = &headers->plans[((uintptr_t) image / FLAGSHIP_IMAGE_ALIGN)
                           % NGX_HTTP_FLAGSHIP_PLANS];

    if (plan->image == image && plan->digest == image->digest) {
        return plan;
    }

    plan->image = NULL;

    rc = headers->all ? ngx_http_flagship_plan_all(headers, plan, image, log)
                      : ngx_http_flagship_plan_list(headers, plan, image, log);
    if (rc != NGX_OK) {
        return NULL;
    }

    plan->image = image;
    plan->digest = image->digest;
    plan->room = ngx_http_flagship_plan_room(plan, image);

    return plan;
}


/* For the short ones of the texts that a request copies. */

static size_t
ngx_http_flagship_plan_room(ngx_http_flagship_plan_t *plan,
    const flagship_image_t *image)
{
    size_t                     room, longest;
    ngx_uint_t                 i, j;
    const flagship_flag_t     *flag;
    const flagship_variant_t  *variant;

    room = 0;

    for (i = 0; i < plan->n; i++) {
        flag = flagship_flags(image) + plan->names[i].flag;
        longest = 0;

        if (flag->type == FLAGSHIP_TYPE_BOOLEAN) {
            continue;
        }

        for (j = 0; j < flag->nvariants; j++) {
            variant = flagship_flag_variant(image, plan->names[i].flag, j);

            if (variant->text_len <= NGX_HTTP_FLAGSHIP_TEXT) {
                longest = ngx_max(longest, variant->text_len);
            }
        }

        room += longest;
    }

    return room;
}


/* Plans are made while requests run, and go with the configuration. */

static void
ngx_http_flagship_plans_free(void *data)
{
    ngx_http_flagship_headers_t *headers = data;

    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_PLANS; i++) {
        if (headers->plans[i].names) {
            ngx_free(headers->plans[i].names);
            headers->plans[i].names = NULL;
        }
    }
}


static ngx_int_t
ngx_http_flagship_plan_list(ngx_http_flagship_headers_t *headers,
    ngx_http_flagship_plan_t *plan, const flagship_image_t *image,
    ngx_log_t *log)
{
    ngx_uint_t                 i;
    ngx_http_flagship_name_t  *name;

    if (plan->names == NULL) {
        plan->names = ngx_alloc(headers->n * sizeof(ngx_http_flagship_name_t),
                                log);
        if (plan->names == NULL) {
            return NGX_ERROR;
        }
    }

    plan->n = 0;

    for (i = 0; i < headers->n; i++) {
        name = &plan->names[plan->n];
        *name = headers->names[i];

        name->flag = flagship_image_find(image,
                                         flagship_str((char *) name->key.data,
                                                      name->key.len));

        if (name->flag == FLAGSHIP_NONE
            || (headers->exposed && !(flagship_flags(image)[name->flag].bits
                                      & FLAGSHIP_FLAG_EXPOSE)))
        {
            continue;
        }

        plan->n++;
    }

    return NGX_OK;
}


/*
 * Names that cannot be sent in any case, because those before them fill the
 * headers, are left out: so a plan is small, however many flags there are.
 */

static ngx_int_t
ngx_http_flagship_plan_all(ngx_http_flagship_headers_t *headers,
    ngx_http_flagship_plan_t *plan, const flagship_image_t *image,
    ngx_log_t *log)
{
    u_char                    *p, *text;
    size_t                     sent, longest;
    uint32_t                   i;
    ngx_uint_t                 n, max;
    flagship_str_t             key;
    const flagship_flag_t     *flags;
    ngx_http_flagship_name_t  *names;

    longest = headers->prefix.len + FLAGSHIP_MAX_KEY;
    max = ngx_min(headers->limit, NGX_HTTP_FLAGSHIP_HEADERS_MAX
                                  / (headers->prefix.len + 1 + 4));

    names = ngx_alloc((max + 1) * sizeof(ngx_http_flagship_name_t)
                      + 2 * (NGX_HTTP_FLAGSHIP_HEADERS_MAX + longest), log);
    if (names == NULL) {
        return NGX_ERROR;
    }

    flags = flagship_flags(image);
    text = (u_char *) (names + max + 1);
    p = text;
    n = 0;
    sent = 0;

    plan->over = 0;

    for (i = 0; i < image->flags.n; i++) {

        if (!(flags[i].bits & FLAGSHIP_FLAG_EXPOSE)) {
            continue;
        }

        key = flagship_flag_key(image, i);

        if (!ngx_http_flagship_plan_name(names, n, p, &headers->prefix, key)) {
            continue;
        }

        if (n == max || sent + names[n].name.len + 4
                        > NGX_HTTP_FLAGSHIP_HEADERS_MAX)
        {
            plan->over++;
            max = n;
            continue;
        }

        sent += names[n].name.len + 4;
        p += 2 * names[n].name.len;
        names[n++].flag = i;
    }

    /* keep what is used of it */

    if (plan->names) {
        ngx_free(plan->names);
    }

    plan->n = n;
    plan->len = p - text;

    plan->names = ngx_alloc(n * sizeof(ngx_http_flagship_name_t) + plan->len
                            + 1, log);
    if (plan->names == NULL) {
        ngx_free(names);
        return NGX_ERROR;
    }

    plan->text = (u_char *) (plan->names + n);
    p = plan->text;

    for (i = 0; i < n; i++) {
        plan->names[i] = names[i];
        plan->names[i].name.data = p;
        plan->names[i].lowcase = p + names[i].name.len;

        p = ngx_cpymem(p, names[i].name.data, 2 * names[i].name.len);
    }

    ngx_free(names);

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_strip(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    if (!ngx_http_flagship_any_prefixed(&r->headers_in.headers, conf)) {
        return NGX_OK;
    }

    return ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                         ngx_http_flagship_match_prefix,
                                         conf);
}


ngx_int_t
ngx_http_flagship_inject(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_int_t                 rc;
    ngx_list_part_t          *ours;
    ngx_http_flagship_ctx_t  *ctx;

    if (conf->request == NULL) {
        ctx = ngx_http_flagship_ctx_find(r);

        if (ctx == NULL || ctx->injected == NULL) {
            return NGX_OK;
        }

        return ngx_http_flagship_take_back(r, ctx);
    }

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->injected == conf->request) {
        return NGX_OK;
    }

    if (ctx->injected && ngx_http_flagship_take_back(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_flagship_fill(ctx, conf->request, &ours, 0);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    /*
     * What has one of our names by now came from a hop that was trusted, or
     * from another module
     */

    if (ngx_http_flagship_any_prefixed(&r->headers_in.headers, conf)
        && ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                         ngx_http_flagship_match_names, ours)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->injected = conf->request;
    ctx->elts = ours->elts;
    ctx->nelts = ours->nelts;

    ngx_http_flagship_list_append(&r->headers_in.headers, ours, ours->nelts);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_take_back(ngx_http_request_t *r,
    ngx_http_flagship_ctx_t *ctx)
{
    ngx_http_flagship_range_t  range;

    range.elts = ctx->elts;
    range.n = ctx->nelts;

    if (ngx_http_flagship_list_remove(&r->headers_in.headers, r->pool,
                                      ngx_http_flagship_match_range, &range)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->injected = NULL;

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_respond(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_list_part_t          *part, *ours;
    ngx_table_elt_t          *h;
    ngx_http_flagship_ctx_t  *ctx;

    ctx = ngx_http_flagship_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* room for what later filters push */

    rc = ngx_http_flagship_fill(ctx, conf->response, &ours, 8);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash && ngx_http_flagship_match_prefix(&h[i], conf)
                && ngx_http_flagship_match_names(&h[i], ours))
            {
                h[i].hash = 0;
            }
        }
    }

    ngx_http_flagship_list_append(&r->headers_out.headers, ours,
                                  ours->nelts + 8);

    return NGX_OK;
}


/*
 * The part of a list that holds our headers: part, elements, decisions and
 * most texts are one allocation.  NGX_DECLINED: there are none.
 */

static ngx_int_t
ngx_http_flagship_fill(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_list_part_t **ppart,
    ngx_uint_t spare)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_list_part_t           *part;
    flagship_decision_t       *decision;
    ngx_http_flagship_plan_t  *plan;

    rc = ngx_http_flagship_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    plan = ngx_http_flagship_plan(headers, ctx->image,
                                  ctx->request->connection->log);
    if (plan == NULL || ngx_http_flagship_settle(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (plan->n == 0) {
        return NGX_DECLINED;
    }

    part = ngx_palloc(ctx->request->pool,
                      sizeof(ngx_list_part_t)
                      + (plan->n + spare) * sizeof(ngx_table_elt_t)
                      + plan->n * sizeof(flagship_decision_t)
                      + plan->len + plan->room);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->elts = part + 1;
    part->nelts = 0;

    decision = (flagship_decision_t *) ((ngx_table_elt_t *) part->elts
                                        + plan->n + spare);
    p = (u_char *) (decision + plan->n);

    ctx->decided = decision;

    if (ngx_http_flagship_write_headers(ctx, headers, plan, part, p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *ppart = part;

    return part->nelts ? NGX_OK : NGX_DECLINED;
}


/* Decides what the plan names and writes it down; texts go to p. */

static ngx_int_t
ngx_http_flagship_write_headers(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_http_flagship_plan_t *plan,
    ngx_list_part_t *part, u_char *p)
{
    size_t                     sent;
    ptrdiff_t                  moved;
    ngx_uint_t                 i, dropped, over;
    ngx_table_elt_t           *h;
    flagship_decision_t       *decision;
    ngx_http_flagship_name_t  *name;

    h = part->elts;
    decision = ctx->decided;
    moved = 0;
    sent = 0;
    dropped = 0;
    over = plan->over;

    if (headers->all) {
        moved = p - plan->text;
        p = ngx_cpymem(p, plan->text, plan->len);
    }

    for (i = 0; i < plan->n; i++) {
        name = &plan->names[i];

        if (ngx_http_flagship_decide(ctx, name->flag, &decision[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        ctx->ndecided = i + 1;

        if (decision[i].variant == FLAGSHIP_NO_VARIANT) {
            continue;
        }

        switch (ngx_http_flagship_value(ctx, &decision[i], &h->value, &p)) {

        case NGX_OK:
            break;

        case NGX_DECLINED:
            dropped++;
            continue;

        default:
            return NGX_ERROR;
        }

        if (headers->all) {
            sent += name->name.len + h->value.len + 4;

            if (sent > NGX_HTTP_FLAGSHIP_HEADERS_MAX) {
                over += plan->n - i;
                break;
            }
        }

        h->hash = name->hash;
        h->key.len = name->name.len;
        h->key.data = name->name.data + moved;
        h->lowcase_key = name->lowcase + moved;
        ngx_http_flagship_header_next(h, NULL);

        h++;
    }

    part->nelts = h - (ngx_table_elt_t *) part->elts;

    if (over) {
        ngx_http_flagship_over(ctx, headers, over);
    }

    if (dropped) {
        ngx_http_flagship_dropped(ctx, dropped);
    }

    return NGX_OK;
}


/*
 * A decision's text, copied to *p where it is short.  Booleans' are the same
 * for all.  NGX_DECLINED: it must not be sent.
 */

static ngx_inline ngx_int_t
ngx_http_flagship_value(ngx_http_flagship_ctx_t *ctx,
    const flagship_decision_t *decision, ngx_str_t *value, u_char **p)
{
    u_char                    *dst;
    const char                *chunk;
    const flagship_flag_t     *flag;
    const flagship_variant_t  *variant;

    static ngx_str_t  on = ngx_string("true");
    static ngx_str_t  off = ngx_string("false");

    flag = flagship_flags(ctx->image) + decision->flag;
    chunk = flagship_at(ctx->image, flag->chunk);
    variant = (const flagship_variant_t *) chunk + decision->variant;

    if (flag->type == FLAGSHIP_TYPE_BOOLEAN) {
        *value = (variant->text_len == on.len) ? on : off;
        return NGX_OK;
    }

    if (variant->unsendable) {
        return NGX_DECLINED;
    }

    dst = *p;

    if (variant->text_len <= NGX_HTTP_FLAGSHIP_TEXT) {
        *p += variant->text_len;

    } else {
        dst = ngx_pnalloc(ctx->request->pool, variant->text_len);
        if (dst == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_memcpy(dst, chunk + variant->text, variant->text_len);

    value->len = variant->text_len;
    value->data = dst;

    return NGX_OK;
}


static void
ngx_http_flagship_dropped(ngx_http_flagship_ctx_t *ctx, ngx_uint_t n)
{
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    fmcf = ngx_http_flagship_get_main_conf(ctx->request);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    (void) ngx_atomic_fetch_add(&shared->headers_dropped, n);
}


static void
ngx_http_flagship_over(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_headers_t *headers, ngx_uint_t n)
{
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    fmcf = ngx_http_flagship_get_main_conf(ctx->request);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    (void) ngx_atomic_fetch_add(&shared->headers_over, n);

    if (headers->logged) {
        return;
    }

    headers->logged = 1;

    ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                  "flagship: %ui exposed flags of tenant \"%V\", environment "
                  "\"%V\" are not sent: the headers are limited to %ui and "
                  "%d bytes; name the flags that are needed",
                  n, &ctx->tenant, &ctx->environment, headers->limit,
                  NGX_HTTP_FLAGSHIP_HEADERS_MAX);
}


/* Few headers share even the prefix's first byte. */

static ngx_uint_t
ngx_http_flagship_any_prefixed(ngx_list_t *list,
    ngx_http_flagship_edge_conf_t *conf)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len
                && ngx_http_flagship_fold(h[i].key.data[0]) == conf->fold[0]
                && ngx_http_flagship_match_prefix(&h[i], conf))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_flagship_match_prefix(ngx_table_elt_t *h, void *data)
{
    ngx_http_flagship_edge_conf_t *conf = data;

    size_t  i;

    if (h->key.len < conf->prefix.len) {
        return 0;
    }

    for (i = 0; i < conf->prefix.len; i++) {
        if (ngx_http_flagship_fold(h->key.data[i]) != conf->fold[i]) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_flagship_match_range(ngx_table_elt_t *h, void *data)
{
    ngx_http_flagship_range_t *range = data;

    return h >= range->elts && h < range->elts + range->n;
}


static ngx_uint_t
ngx_http_flagship_match_names(ngx_table_elt_t *h, void *data)
{
    ngx_list_part_t *part = data;

    ngx_uint_t        i;
    ngx_table_elt_t  *ours;

    ours = part->elts;

    for (i = 0; i < part->nelts; i++) {
        if (ngx_http_flagship_same(&h->key, &ours[i].key)) {
            return 1;
        }
    }

    return 0;
}
