
/*
 * Copyright (C) Flagship
 */


/*
 * One request, one answer.
 *
 * A main request's context is a pool cleanup's data, so it is found again
 * after internal redirects, named locations and error pages, all of which
 * clear r->ctx.  Subrequests use their main request's.
 *
 * The first use pins a view, and with it generation, tenant and environment.
 * The view is released at the end of the event loop's turn in which the
 * response header was sent, at the latest with the pool.  Before it goes,
 * what was evaluated is copied to the request's pool (most requests have ended
 * by then): nothing ever points into an image that is not held.  What is read
 * for the first time after that is evaluated on the generation current then;
 * flags that have an answer keep it.
 */


#include "ngx_http_flagship_edge.h"


#define NGX_HTTP_FLAGSHIP_TABLE  16     /* answers to begin with: half of it */


static void ngx_http_flagship_cleanup(void *data);
static void ngx_http_flagship_leave_handler(ngx_event_t *ev);
static void ngx_http_flagship_release(ngx_http_flagship_ctx_t *ctx);
static ngx_int_t ngx_http_flagship_scope(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_loc_conf_t *flcf);
static const flagship_image_t *ngx_http_flagship_find_set(
    ngx_http_flagship_ctx_t *ctx, ngx_http_flagship_view_t *view);
static void ngx_http_flagship_rehash(ngx_http_flagship_ctx_t *ctx,
    const flagship_image_t *image);
static ngx_int_t ngx_http_flagship_evaluate(ngx_http_flagship_ctx_t *ctx,
    uint32_t flag, flagship_decision_t *decision);
static ngx_int_t ngx_http_flagship_enter(ngx_http_flagship_ctx_t *ctx);
static ngx_int_t ngx_http_flagship_reserve(ngx_http_flagship_ctx_t *ctx,
    ngx_uint_t n);
static void ngx_http_flagship_table_add(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer);
static ngx_int_t ngx_http_flagship_keep_all(ngx_http_flagship_ctx_t *ctx);
static u_char *ngx_http_flagship_keep_str(u_char *p, ngx_str_t *s);


ngx_http_flagship_ctx_t *
ngx_http_flagship_ctx_recover(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_flagship_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_flagship_module);
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_flagship_ctx_t *
ngx_http_flagship_ctx_get(ngx_http_request_t *r)
{
    size_t                          room;
    ngx_pool_cleanup_t             *cln;
    ngx_http_flagship_ctx_t        *ctx;
    ngx_http_flagship_main_conf_t  *fmcf;

    ctx = ngx_http_flagship_ctx_find(r);
    if (ctx) {
        return ctx;
    }

    r = r->main;
    room = ngx_http_flagship_edge_conf(r)->room;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_flagship_ctx_t)
                                        + room);
    if (cln == NULL) {
        return NULL;
    }

    fmcf = ngx_http_flagship_get_main_conf(r);

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_flagship_ctx_t));

    ctx->request = r;
    ctx->main = fmcf->edge;
    ctx->room = (u_char *) (ctx + 1);
    ctx->left = room;

    cln->handler = ngx_http_flagship_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_flagship_module);

    return ctx;
}


void *
ngx_http_flagship_alloc(ngx_http_flagship_ctx_t *ctx, size_t size)
{
    u_char                         *p;
    ngx_http_flagship_edge_conf_t  *conf;

    ctx->asked += size;

    if (size > ctx->left) {
        conf = ngx_http_flagship_edge_conf(ctx->request);

        if (ctx->asked <= NGX_HTTP_FLAGSHIP_ROOM) {
            conf->room = ngx_max(conf->room, ctx->asked);
        }

        return ngx_palloc(ctx->request->pool, size);
    }

    p = ctx->room;

    ctx->room += size;
    ctx->left -= size;

    return p;
}


static void
ngx_http_flagship_cleanup(void *data)
{
    ngx_http_flagship_ctx_t  *ctx = data;

    ngx_http_flagship_text_t  *text;
    ngx_http_flagship_used_t  *used;

    for (text = ctx->texts; text; text = text->next) {
        flagship_json_free(&text->json);
    }

    for (used = ctx->used; used; used = used->next) {
        ngx_http_flagship_plan_release(used->plan);
    }

    if (ctx->leaving) {
        ngx_queue_remove(&ctx->queue);
    }

    if (ctx->view) {
        ngx_http_flagship_view_release(ctx->view);
    }
}


ngx_int_t
ngx_http_flagship_bind(ngx_http_flagship_ctx_t *ctx)
{
    void                           *memory;
    ngx_int_t                       rc;
    ngx_http_request_t             *r;
    const flagship_image_t         *image;
    ngx_http_flagship_view_t       *view;
    ngx_http_flagship_main_conf_t  *fmcf;

    if (ctx->image) {
        return NGX_OK;
    }

    if (ctx->pinned && !ctx->released) {
        return NGX_DECLINED;
    }

    r = ctx->request;

    if (ctx->scope == NULL) {
        if (ctx->busy) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "flagship: the name of the tenant or environment "
                          "asks for a flag, which needs that name");
            return NGX_DECLINED;
        }

        ctx->busy = 1;
        rc = ngx_http_flagship_scope(ctx, ngx_http_flagship_get_loc_conf(r));
        ctx->busy = 0;

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    fmcf = ngx_http_flagship_get_main_conf(r);

    view = ngx_http_flagship_zone_acquire(fmcf->zone);

    if (view == NULL) {
        ctx->pinned = 1;
        ctx->released = 0;
        return NGX_DECLINED;
    }

    if (!ctx->pinned) {
        ctx->revision = view->revision;
    }

    ctx->pinned = 1;
    ctx->released = 0;

    image = ngx_http_flagship_find_set(ctx, view);

    if (image == NULL) {
        ngx_http_flagship_view_release(view);
        return NGX_DECLINED;
    }

    memory = ngx_http_flagship_alloc(ctx, flagship_eval_size(image));
    if (memory == NULL) {
        ngx_http_flagship_view_release(view);
        return NGX_ERROR;
    }

    ctx->ev = flagship_eval_init(memory, image, ctx->main->scratch,
                                 r->start_sec, ngx_http_flagship_fetch, ctx);

    if (ngx_http_flagship_view_bind_sets(view, image, ctx->ev) != NGX_OK) {
        ctx->ev = NULL;
        ngx_http_flagship_view_release(view);
        return NGX_ERROR;
    }

    ctx->view = view;
    ctx->image = image;

    if (ctx->table_image != image || ctx->table_digest != image->digest) {
        ngx_http_flagship_rehash(ctx, image);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_scope(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_loc_conf_t *flcf)
{
    if (!flcf->tenant->lengths && !flcf->environment->lengths) {
        ctx->tenant = flcf->tenant->value;
        ctx->environment = flcf->environment->value;

    } else if (ngx_http_complex_value(ctx->request, flcf->tenant,
                                      &ctx->tenant)
               != NGX_OK
               || ngx_http_complex_value(ctx->request, flcf->environment,
                                         &ctx->environment)
                  != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->scope = flcf;

    return NGX_OK;
}


/* Where both names are constant, one search a location and generation. */

static const flagship_image_t *
ngx_http_flagship_find_set(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_view_t *view)
{
    ngx_http_flagship_loc_conf_t   *flcf;
    ngx_http_flagship_edge_conf_t  *conf;

    flcf = ctx->scope;

    if (flcf->tenant->lengths || flcf->environment->lengths) {
        return ngx_http_flagship_view_find(view, &ctx->tenant,
                                           &ctx->environment);
    }

    conf = flcf->edge;

    if (conf->generation != view->generation) {
        conf->image = ngx_http_flagship_view_find(view, &ctx->tenant,
                                                  &ctx->environment);
        conf->generation = view->generation;
    }

    return conf->image;
}


static ngx_int_t
ngx_http_flagship_evaluate(ngx_http_flagship_ctx_t *ctx, uint32_t flag,
    flagship_decision_t *decision)
{
    if (ngx_http_flagship_enter(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    flagship_eval(ctx->ev, flag, decision);
    ctx->busy = 0;

    ngx_http_flagship_count(ctx->view, ctx->image, decision, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_enter(ngx_http_flagship_ctx_t *ctx)
{
    if (ctx->busy) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "flagship: an attribute of the context asks for a flag, "
                      "which may need that attribute");
        return NGX_ERROR;
    }

    ctx->busy = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_flagship_decide_begin(ngx_http_flagship_ctx_t *ctx,
    flagship_decision_t *decided)
{
    if (ngx_http_flagship_enter(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->decided = decided;
    ctx->ndecided = 0;

    return NGX_OK;
}


void
ngx_http_flagship_decide_end(ngx_http_flagship_ctx_t *ctx)
{
    ctx->busy = 0;

    ngx_http_flagship_count(ctx->view, ctx->image, ctx->decided,
                            ctx->ndecided);
}


ngx_int_t
ngx_http_flagship_settle(ngx_http_flagship_ctx_t *ctx)
{
    ngx_uint_t  i;

    if (ctx->ndecided == 0) {
        return NGX_OK;
    }

    if (ngx_http_flagship_reserve(ctx, ctx->ndecided) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < ctx->ndecided; i++) {
        if (ngx_http_flagship_answer(ctx, ctx->decided[i].flag) == NULL) {
            return NGX_ERROR;
        }
    }

    /* a flag's attribute may ask what was decided so far: they are yet to be
       counted */

    if (!ctx->busy) {
        ctx->ndecided = 0;
    }

    return NGX_OK;
}


ngx_http_flagship_answer_t *
ngx_http_flagship_answer(ngx_http_flagship_ctx_t *ctx, uint32_t flag)
{
    ngx_uint_t                   i;
    flagship_decision_t          decision;
    const flagship_image_t      *image;
    const flagship_variant_t    *variant;
    ngx_http_flagship_answer_t  *a;

    a = ngx_http_flagship_find(ctx, flag);
    if (a) {
        return a;
    }

    for (i = 0; i < ctx->ndecided; i++) {
        if (ctx->decided[i].flag == flag) {
            decision = ctx->decided[i];
            break;
        }
    }

    if (i == ctx->ndecided
        && ngx_http_flagship_evaluate(ctx, flag, &decision) != NGX_OK)
    {
        return NULL;
    }

    if (ctx->nfree == 0 && ngx_http_flagship_reserve(ctx, 4) != NGX_OK) {
        return NULL;
    }

    a = ctx->free++;
    ctx->nfree--;

    ngx_memzero(a, sizeof(ngx_http_flagship_answer_t));

    image = ctx->image;

    a->decision = decision;

    a->key.len = flagship_flags(image)[flag].key_len;
    a->key.data = (u_char *) flagship_flag_key(image, flag).data;

    if (a->decision.variant != FLAGSHIP_NO_VARIANT) {
        variant = flagship_flag_variant(image, flag, a->decision.variant);

        a->variant.len = variant->name_len;
        a->variant.data = (u_char *) flagship_variant_name(image, flag,
                                                a->decision.variant).data;
        a->text.len = variant->text_len;
        a->text.data = (u_char *) flagship_variant_text(image, flag,
                                                a->decision.variant).data;
        a->value = !variant->unsendable;
    }

    a->next = ctx->answers;
    ctx->answers = a;
    ctx->n++;

    ngx_http_flagship_table_add(ctx, a);

    return a;
}


/*
 * Room for n more answers.  The table is never more than half full, so probing
 * ends.
 */

static ngx_int_t
ngx_http_flagship_reserve(ngx_http_flagship_ctx_t *ctx, ngx_uint_t n)
{
    ngx_uint_t                    size;
    ngx_pool_t                   *pool;
    ngx_http_flagship_answer_t   *a, **table;

    pool = ctx->request->pool;

    if (ctx->nfree < n) {
        a = ngx_palloc(pool, n * sizeof(ngx_http_flagship_answer_t));
        if (a == NULL) {
            return NGX_ERROR;
        }

        ctx->free = a;
        ctx->nfree = n;
    }

    size = ctx->size ? ctx->size : NGX_HTTP_FLAGSHIP_TABLE;

    while (size < 2 * (ctx->n + ctx->nfree)) {
        size *= 2;
    }

    if (size == ctx->size) {
        return NGX_OK;
    }

    table = ngx_pcalloc(pool, size * sizeof(ngx_http_flagship_answer_t *));
    if (table == NULL) {
        ctx->nfree = 0;
        return NGX_ERROR;
    }

    ctx->table = table;
    ctx->size = size;

    for (a = ctx->answers; a; a = a->next) {
        ngx_http_flagship_table_add(ctx, a);
    }

    return NGX_OK;
}


static void
ngx_http_flagship_table_add(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer)
{
    ngx_uint_t  i;

    if (answer->decision.flag == FLAGSHIP_NONE) {
        return;
    }

    i = answer->decision.flag & (ctx->size - 1);

    while (ctx->table[i]) {
        i = (i + 1) & (ctx->size - 1);
    }

    ctx->table[i] = answer;
}


/* Another generation: answers are its flags' of the same keys. */

static void
ngx_http_flagship_rehash(ngx_http_flagship_ctx_t *ctx,
    const flagship_image_t *image)
{
    ngx_http_flagship_answer_t  *a;

    ctx->table_image = image;
    ctx->table_digest = image->digest;

    if (ctx->answers == NULL) {
        return;
    }

    ngx_memzero(ctx->table,
                ctx->size * sizeof(ngx_http_flagship_answer_t *));

    for (a = ctx->answers; a; a = a->next) {
        a->decision.flag = flagship_image_find(image,
                               flagship_str((char *) a->key.data, a->key.len));
        ngx_http_flagship_table_add(ctx, a);
    }
}


ngx_int_t
ngx_http_flagship_keep(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer)
{
    u_char  *p;

    if (answer->kept) {
        return NGX_OK;
    }

    answer->enabled = ngx_http_flagship_enabled(ctx, answer);

    p = ngx_pnalloc(ctx->request->pool, answer->key.len + answer->variant.len
                                        + answer->text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_flagship_keep_str(p, &answer->key);
    p = ngx_http_flagship_keep_str(p, &answer->variant);
    (void) ngx_http_flagship_keep_str(p, &answer->text);

    answer->kept = 1;

    return NGX_OK;
}


static u_char *
ngx_http_flagship_keep_str(u_char *p, ngx_str_t *s)
{
    if (s->len) {
        ngx_memcpy(p, s->data, s->len);
    }

    s->data = p;

    return p + s->len;
}


ngx_uint_t
ngx_http_flagship_enabled(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer)
{
    if (answer->kept) {
        return answer->enabled;
    }

    return flagship_decision_enabled(ctx->image, &answer->decision) ? 1 : 0;
}


void
ngx_http_flagship_leave_init(ngx_http_flagship_edge_main_t *fmcf,
    ngx_log_t *log)
{
    ngx_queue_init(&fmcf->leaving);

    fmcf->leave.handler = ngx_http_flagship_leave_handler;
    fmcf->leave.data = fmcf;
    fmcf->leave.log = log;
}


void
ngx_http_flagship_leave(ngx_http_flagship_ctx_t *ctx)
{
    if (ctx->view == NULL || ctx->leaving) {
        return;
    }

    ctx->leaving = 1;
    ngx_queue_insert_tail(&ctx->main->leaving, &ctx->queue);

    ngx_post_event(&ctx->main->leave, &ngx_posted_events);
}


static void
ngx_http_flagship_leave_handler(ngx_event_t *ev)
{
    ngx_queue_t                    *q;
    ngx_http_flagship_ctx_t        *ctx;
    ngx_http_flagship_edge_main_t  *fmcf;

    fmcf = ev->data;

    while (!ngx_queue_empty(&fmcf->leaving)) {

        q = ngx_queue_head(&fmcf->leaving);
        ctx = ngx_queue_data(q, ngx_http_flagship_ctx_t, queue);

        ngx_queue_remove(q);
        ctx->leaving = 0;

        ngx_http_flagship_release(ctx);
    }
}


static void
ngx_http_flagship_release(ngx_http_flagship_ctx_t *ctx)
{
    if (ctx->view == NULL) {
        return;
    }

    if (ngx_http_flagship_settle(ctx) != NGX_OK
        || ngx_http_flagship_keep_all(ctx) != NGX_OK
        || ngx_http_flagship_fetch_keep(ctx) != NGX_OK)
    {
        return;
    }

    ngx_http_flagship_view_release(ctx->view);

    ctx->view = NULL;
    ctx->image = NULL;
    ctx->ev = NULL;
    ctx->released = 1;
}


static ngx_int_t
ngx_http_flagship_keep_all(ngx_http_flagship_ctx_t *ctx)
{
    u_char                       *p;
    size_t                        len;
    ngx_http_flagship_answer_t   *a;

    len = 0;

    for (a = ctx->answers; a; a = a->next) {
        if (!a->kept) {
            len += a->key.len + a->variant.len + a->text.len;
        }
    }

    p = ngx_pnalloc(ctx->request->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (a = ctx->answers; a; a = a->next) {
        if (a->kept) {
            continue;
        }

        a->enabled = ngx_http_flagship_enabled(ctx, a);

        p = ngx_http_flagship_keep_str(p, &a->key);
        p = ngx_http_flagship_keep_str(p, &a->variant);
        p = ngx_http_flagship_keep_str(p, &a->text);

        a->kept = 1;
    }

    return NGX_OK;
}


uint32_t
ngx_http_flagship_index(ngx_http_flagship_index_t *index,
    const flagship_image_t *image, ngx_str_t *key, ngx_uint_t folded)
{
    flagship_str_t  s;

    if (index->image == image && index->digest == image->digest) {
        return index->flag;
    }

    s = flagship_str((char *) key->data, key->len);

    index->flag = folded ? flagship_image_find_folded(image, s)
                         : flagship_image_find(image, s);
    index->image = image;
    index->digest = image->digest;

    return index->flag;
}
