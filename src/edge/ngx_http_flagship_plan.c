
/*
 * Copyright (C) Flagship
 */


/*
 * Plans: what of a location's headers does not depend on the request.
 *
 * A list and an image make one, once in a worker: which flags in which order,
 * their headers as nginx wants them, and the texts of their variants.  A
 * request decides the flags and writes two pointers for each.
 *
 * A plan is one block of memory and points into nothing else.  The list refers
 * to it, and so does each request whose headers point into it, until its pool
 * goes: an image may be replaced, and a mirror subrequest may outlive that.
 */


#include "ngx_http_flagship_edge.h"


/* variants of a flag whose texts a plan keeps, from the first one on */
#define NGX_HTTP_FLAGSHIP_VALUES  32


static ngx_uint_t ngx_http_flagship_plan_list(
    ngx_http_flagship_headers_t *headers, const flagship_image_t *image,
    ngx_http_flagship_name_t *names);
static ngx_uint_t ngx_http_flagship_plan_all(
    ngx_http_flagship_headers_t *headers, const flagship_image_t *image,
    ngx_http_flagship_name_t *names, ngx_uint_t max, ngx_uint_t *over);
static ngx_http_flagship_plan_t *ngx_http_flagship_plan_make(
    const flagship_image_t *image, ngx_http_flagship_name_t *names,
    ngx_uint_t n, ngx_log_t *log);
static ngx_uint_t ngx_http_flagship_plan_values(const flagship_image_t *image,
    uint32_t flag, size_t *len);
static u_char *ngx_http_flagship_plan_texts(const flagship_image_t *image,
    ngx_http_flagship_header_t *header, u_char *p);
static ngx_uint_t ngx_http_flagship_plan_name(ngx_http_flagship_name_t *names,
    ngx_uint_t n, u_char *p, ngx_str_t *prefix, flagship_str_t key);
static void ngx_http_flagship_plans_free(void *data);


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
    size_t                      text;
    ngx_uint_t                  n, max, over;
    ngx_http_flagship_name_t   *names;
    ngx_http_flagship_plan_t  **place, *plan;

    place = &headers->plans[((uintptr_t) image / FLAGSHIP_IMAGE_ALIGN)
                            % NGX_HTTP_FLAGSHIP_PLANS];

    if (*place && (*place)->image == image
        && (*place)->digest == image->digest)
    {
        return *place;
    }

    max = headers->n;
    text = 0;

    if (headers->all) {
        max = ngx_min(headers->limit, NGX_HTTP_FLAGSHIP_HEADERS_MAX
                                      / (headers->prefix.len + 1 + 4));
        text = 2 * (NGX_HTTP_FLAGSHIP_HEADERS_MAX + headers->prefix.len
                    + FLAGSHIP_MAX_KEY);
    }

    names = ngx_alloc((max + 1) * sizeof(ngx_http_flagship_name_t) + text,
                      log);
    if (names == NULL) {
        return NULL;
    }

    over = 0;
    n = headers->all
        ? ngx_http_flagship_plan_all(headers, image, names, max, &over)
        : ngx_http_flagship_plan_list(headers, image, names);

    plan = ngx_http_flagship_plan_make(image, names, n, log);

    ngx_free(names);

    if (plan == NULL) {
        return NULL;
    }

    plan->over = over;

    if (*place) {
        ngx_http_flagship_plan_release(*place);
    }

    *place = plan;

    return plan;
}


static ngx_uint_t
ngx_http_flagship_plan_list(ngx_http_flagship_headers_t *headers,
    const flagship_image_t *image, ngx_http_flagship_name_t *names)
{
    ngx_uint_t                 i, n;
    ngx_http_flagship_name_t  *name;

    n = 0;

    for (i = 0; i < headers->n; i++) {
        name = &names[n];
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

        n++;
    }

    return n;
}


/*
 * Names that cannot be sent in any case, because those before them fill the
 * headers, are left out: so a plan is small, however many flags there are.
 * Their text goes behind max + 1 names.
 */

static ngx_uint_t
ngx_http_flagship_plan_all(ngx_http_flagship_headers_t *headers,
    const flagship_image_t *image, ngx_http_flagship_name_t *names,
    ngx_uint_t max, ngx_uint_t *over)
{
    u_char                 *p;
    size_t                  sent;
    uint32_t                i;
    ngx_uint_t              n;
    flagship_str_t          key;
    const flagship_flag_t  *flags;

    flags = flagship_flags(image);
    p = (u_char *) (names + max + 1);
    n = 0;
    sent = 0;

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
            (*over)++;
            max = n;
            continue;
        }

        sent += names[n].name.len + 4;
        p += 2 * names[n].name.len;
        names[n++].flag = i;
    }

    return n;
}


static ngx_http_flagship_plan_t *
ngx_http_flagship_plan_make(const flagship_image_t *image,
    ngx_http_flagship_name_t *names, ngx_uint_t n, ngx_log_t *log)
{
    u_char                      *p;
    size_t                       len;
    ngx_str_t                   *values;
    ngx_uint_t                   i, nvalues;
    ngx_table_elt_t             *h;
    ngx_http_flagship_plan_t    *plan;
    ngx_http_flagship_header_t  *header;

    len = 0;
    nvalues = 0;

    for (i = 0; i < n; i++) {
        len += 2 * names[i].name.len;
        nvalues += ngx_http_flagship_plan_values(image, names[i].flag, &len);
    }

    plan = ngx_alloc(sizeof(ngx_http_flagship_plan_t)
                     + n * (sizeof(ngx_table_elt_t)
                            + sizeof(ngx_http_flagship_header_t))
                     + nvalues * sizeof(ngx_str_t) + len, log);
    if (plan == NULL) {
        return NULL;
    }

    plan->refs = 1;
    plan->image = image;
    plan->digest = image->digest;
    plan->n = n;
    plan->elts = (ngx_table_elt_t *) (plan + 1);
    plan->headers = (ngx_http_flagship_header_t *) (plan->elts + n);

    values = (ngx_str_t *) (plan->headers + n);
    p = (u_char *) (values + nvalues);

    for (i = 0; i < n; i++) {
        h = &plan->elts[i];
        header = &plan->headers[i];

        h->hash = names[i].hash;
        h->key.len = names[i].name.len;
        h->key.data = p;
        ngx_str_null(&h->value);
        h->lowcase_key = p + h->key.len;
        ngx_http_flagship_header_next(h, NULL);

        p = ngx_cpymem(p, names[i].name.data, h->key.len);
        p = ngx_cpymem(p, names[i].lowcase, h->key.len);

        header->flag = names[i].flag;
        header->values = values;
        header->n = ngx_http_flagship_plan_values(image, names[i].flag, &len);

        p = ngx_http_flagship_plan_texts(image, header, p);
        values += header->n;
    }

    return plan;
}


/* The values of a flag, and in *len the bytes that their texts add. */

static ngx_uint_t
ngx_http_flagship_plan_values(const flagship_image_t *image, uint32_t flag,
    size_t *len)
{
    ngx_uint_t                 i, n;
    const flagship_variant_t  *variant;

    n = ngx_min(flagship_flags(image)[flag].nvariants,
                NGX_HTTP_FLAGSHIP_VALUES);

    for (i = 0; i < n; i++) {
        variant = flagship_flag_variant(image, flag, i);

        if (variant->text_len <= NGX_HTTP_FLAGSHIP_TEXT) {
            *len += variant->text_len;
        }
    }

    return n + 1;
}


/* Texts that may be sent and are short; the others' values stay empty. */

static u_char *
ngx_http_flagship_plan_texts(const flagship_image_t *image,
    ngx_http_flagship_header_t *header, u_char *p)
{
    ngx_uint_t                 i;
    flagship_str_t             text;
    const flagship_variant_t  *variant;

    ngx_str_null(&header->values[0]);

    for (i = 1; i < header->n; i++) {
        variant = flagship_flag_variant(image, header->flag, i - 1);

        ngx_str_null(&header->values[i]);

        if (variant->unsendable
            || variant->text_len > NGX_HTTP_FLAGSHIP_TEXT)
        {
            continue;
        }

        text = flagship_variant_text(image, header->flag, i - 1);

        header->values[i].len = text.len;
        header->values[i].data = p;

        p = ngx_cpymem(p, text.data, text.len);
    }

    return p;
}


void
ngx_http_flagship_plan_release(ngx_http_flagship_plan_t *plan)
{
    if (--plan->refs == 0) {
        ngx_free(plan);
    }
}


/* Plans are made while requests run, and go with the configuration. */

static void
ngx_http_flagship_plans_free(void *data)
{
    ngx_http_flagship_headers_t *headers = data;

    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FLAGSHIP_PLANS; i++) {
        if (headers->plans[i]) {
            ngx_http_flagship_plan_release(headers->plans[i]);
            headers->plans[i] = NULL;
        }
    }
}
