
/*
 * Copyright (C) Flagship
 */


/*
 * Writes that wait until this node serves them.
 *
 * The revision that is waited for is left in the zone ("wanted"), where the
 * leader sees that it is behind, in whichever worker it is.  While anybody
 * waits, a timer looks at the revision that the zone serves: one word.  The
 * leader itself need not wait for its timer: it looks when it has published.
 * Those who wait lie in one queue a worker, in the order of their deadlines
 * but for locations whose flagship_write_wait differs.
 */


#include "ngx_http_flagship_api_query.h"
#include "ngx_http_flagship_sync.h"


#define NGX_HTTP_FLAGSHIP_WRITTEN_LOOK  1    /* ms */


typedef struct ngx_http_flagship_written_s {
    ngx_queue_t                queue;
    ngx_http_flagship_call_t  *call;
    uint64_t                   revision;
    ngx_msec_t                 deadline;
    ngx_uint_t                 status;
    ngx_str_t                 *tag;
    ngx_http_flagship_out_t   *out;
} ngx_http_flagship_written_t;


static void ngx_http_flagship_written_handler(ngx_event_t *ev);
static void ngx_http_flagship_written_answer(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_str_t *tag, ngx_http_flagship_out_t *out);


void
ngx_http_flagship_written_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf)
{
    ngx_http_flagship_api_main_t  *main;

    main = fmcf->api;

    ngx_queue_init(&main->waiting);

    /* a timer's data is a connection to whoever logs it */

    main->dummy.fd = (ngx_socket_t) -1;
    main->dummy.data = fmcf;

    main->look.handler = ngx_http_flagship_written_handler;
    main->look.data = &main->dummy;
    main->look.log = cycle->log;

    fmcf->sync->served = &main->look;
}


void
ngx_http_flagship_call_written(ngx_http_flagship_call_t *call,
    uint64_t revision, ngx_uint_t status, ngx_str_t *tag,
    ngx_http_flagship_out_t *out)
{
    ngx_str_t                         text;
    ngx_http_request_t               *r;
    ngx_http_flagship_written_t      *w;
    ngx_http_flagship_main_conf_t    *fmcf;
    ngx_http_flagship_zone_shared_t  *shared;

    r = call->request;
    fmcf = ngx_http_flagship_get_main_conf(r);
    shared = ngx_http_flagship_zone_shared(fmcf->zone);

    w = ngx_palloc(r->pool, sizeof(ngx_http_flagship_written_t));
    text.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);

    if (w == NULL || text.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    text.len = ngx_sprintf(text.data, "%uL", revision) - text.data;

    if (ngx_http_flagship_call_header(call, "Flagship-Revision", &text)
        != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (shared->revision >= revision) {
        ngx_http_flagship_written_answer(call, status, tag, out);
        return;
    }

    w->call = call;
    w->revision = revision;
    w->deadline = ngx_current_msec
                  + ngx_http_flagship_get_loc_conf(r)->api->write_wait;
    w->status = status;
    w->tag = tag;
    w->out = out;

    call->written = w;

    ngx_queue_insert_tail(&fmcf->api->waiting, &w->queue);

    if (!fmcf->api->look.timer_set) {
        ngx_add_timer(&fmcf->api->look, NGX_HTTP_FLAGSHIP_WRITTEN_LOOK);
    }
}


void
ngx_http_flagship_written_cancel(ngx_http_flagship_call_t *call)
{
    if (call->written) {
        ngx_queue_remove(&call->written->queue);
        call->written = NULL;
    }
}


static void
ngx_http_flagship_written_handler(ngx_event_t *ev)
{
    uint64_t                        revision;
    ngx_str_t                       pending;
    ngx_queue_t                    *q, *next, due;
    ngx_connection_t               *c, *dummy;
    ngx_http_flagship_call_t       *call;
    ngx_http_flagship_written_t    *w;
    ngx_http_flagship_main_conf_t  *fmcf;

    dummy = ev->data;
    fmcf = dummy->data;

    revision = ngx_http_flagship_zone_shared(fmcf->zone)->revision;

    /* an answer may end other requests: those to answer are moved first, and
       whichever ends meanwhile leaves this queue by itself */

    ngx_queue_init(&due);

    for (q = ngx_queue_head(&fmcf->api->waiting);
         q != ngx_queue_sentinel(&fmcf->api->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        w = ngx_queue_data(q, ngx_http_flagship_written_t, queue);

        if (revision >= w->revision
            || (ngx_msec_int_t) (w->deadline - ngx_current_msec) <= 0)
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&due, q);
        }
    }

    ngx_str_set(&pending, "pending");

    while (!ngx_queue_empty(&due)) {

        q = ngx_queue_head(&due);
        w = ngx_queue_data(q, ngx_http_flagship_written_t, queue);

        ngx_queue_remove(q);

        call = w->call;
        call->written = NULL;
        c = call->request->connection;

        if (revision < w->revision
            && ngx_http_flagship_call_header(call, "Flagship-Applied",
                                             &pending)
               != NGX_OK)
        {
            ngx_http_finalize_request(call->request,
                                      NGX_HTTP_INTERNAL_SERVER_ERROR);

        } else {
            ngx_http_flagship_written_answer(call, w->status, w->tag, w->out);
        }

        ngx_http_run_posted_requests(c);
    }

    if (!ngx_queue_empty(&fmcf->api->waiting)) {
        ngx_add_timer(ev, NGX_HTTP_FLAGSHIP_WRITTEN_LOOK);
    }
}


static void
ngx_http_flagship_written_answer(ngx_http_flagship_call_t *call,
    ngx_uint_t status, ngx_str_t *tag, ngx_http_flagship_out_t *out)
{
    if (tag) {
        ngx_http_flagship_call_entity(call, status, tag, out);

    } else {
        ngx_http_flagship_call_answer(call, status, out);
    }
}
