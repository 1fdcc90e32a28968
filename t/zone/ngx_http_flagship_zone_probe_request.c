
/*
 * Copyright (C) Flagship
 */


/*
 * What a request may ask of the zone, by "?do=":
 *
 *     pid        of the worker
 *     read       every blob of the view, checked; wait=MS holds the view and
 *                checks once more
 *     publish    revision=, epoch=, whole=, force=, back=,
 *                sets=NAME:BYTES,... (0 bytes: dropped; "=": the live blob
 *                once more); die=reserve or copy or commit kills the
 *                worker behind that step; park=1 stops behind copy
 *     commit     what was parked; abort, likewise
 *     lead       ms=; resign
 *     touch      revision=
 *     lock       takes the mutex and dies (die=1), or stops the process
 *     stat
 */


#include "ngx_http_flagship_zone_probe.h"


typedef struct {
    ngx_http_request_t        *request;
    ngx_http_flagship_view_t  *view;
    ngx_event_t                timer;
    ngx_uint_t                 bad;
} probe_read_t;


static const char *
probe_code(ngx_int_t rc)
{
    switch (rc) {
    case NGX_OK:        return "ok";
    case NGX_AGAIN:     return "again";
    case NGX_DECLINED:  return "declined";
    default:            return "error";
    }
}


static ngx_int_t
probe_answer(ngx_http_request_t *r, char *text)
{
    size_t        len;
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    len = strlen(text);

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, text, len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


static ngx_str_t
probe_arg(ngx_http_request_t *r, const char *name)
{
    ngx_str_t  value;

    if (ngx_http_arg(r, (u_char *) name, strlen(name), &value) != NGX_OK) {
        ngx_str_set(&value, "");
    }

    return value;
}


static uint64_t
probe_number(ngx_http_request_t *r, const char *name)
{
    ngx_str_t  value;

    value = probe_arg(r, name);

    return value.len ? strtoull((char *) value.data, NULL, 10) : 0;
}


static ngx_uint_t
probe_is(ngx_http_request_t *r, const char *name, const char *text)
{
    ngx_str_t  value;

    value = probe_arg(r, name);

    return value.len == strlen(text)
           && ngx_strncmp(value.data, text, value.len) == 0;
}


static ngx_int_t
probe_read_answer(ngx_http_request_t *r, ngx_http_flagship_view_t *view,
    ngx_uint_t bad)
{
    char                     *text, *p;
    size_t                    size;
    ngx_str_t                 epoch;
    ngx_uint_t                i;
    const probe_image_t      *image;
    ngx_http_flagship_blob_t  blob;

    size = 512 + view->nblobs * 160;

    text = ngx_palloc(r->pool, size);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    epoch = ngx_http_flagship_view_epoch(view);

    p = text;
    p += snprintf(p, text + size - p,
                  "{\"pid\": %d, \"generation\": %lu, \"revision\": %lu, "
                  "\"epoch\": \"%.*s\", \"bad\": %lu, \"nsets\": %lu, "
                  "\"sets\": {",
                  (int) ngx_pid, (unsigned long) view->generation,
                  (unsigned long) view->revision, (int) epoch.len, epoch.data,
                  (unsigned long) bad, (unsigned long) view->nsets);

    for (i = 0; i < view->nblobs; i++) {
        ngx_http_flagship_view_entry(view, i, &blob);
        image = blob.data;

        p += snprintf(p, text + size - p, "%s\"%s\": %lu", i ? ", " : "",
                      image->name, (unsigned long) image->revision);
    }

    snprintf(p, text + size - p, "}}\n");

    return probe_answer(r, text);
}


static void
probe_read_cleanup(void *data)
{
    probe_read_t *read = data;

    if (read->timer.timer_set) {
        ngx_del_timer(&read->timer);
    }

    ngx_http_flagship_view_release(read->view);
}


static void
probe_read_later(ngx_event_t *ev)
{
    probe_read_t        *read = ev->data;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = read->request;
    c = r->connection;

    read->bad += probe_check(read->view);

    ngx_http_finalize_request(r, probe_read_answer(r, read->view, read->bad));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
probe_read(ngx_http_request_t *r, ngx_http_flagship_zone_t *zone)
{
    char                      *text;
    ngx_msec_t                 wait;
    probe_read_t              *read;
    ngx_pool_cleanup_t        *cln;
    ngx_http_flagship_view_t  *view;

    view = ngx_http_flagship_zone_acquire(zone);

    if (view == NULL) {
        text = "{\"generation\": 0, \"revision\": 0, \"sets\": {}, "
               "\"bad\": 0}\n";
        return probe_answer(r, text);
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(probe_read_t));
    if (cln == NULL) {
        ngx_http_flagship_view_release(view);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    read = cln->data;
    ngx_memzero(read, sizeof(probe_read_t));

    read->request = r;
    read->view = view;
    read->bad = probe_check(view);

    cln->handler = probe_read_cleanup;

    wait = probe_number(r, "wait");

    if (wait == 0) {
        return probe_read_answer(r, view, read->bad);
    }

    /* ngx_add_timer() logs the fourth word as a descriptor: harmless here */

    read->timer.handler = probe_read_later;
    read->timer.data = read;
    read->timer.log = r->connection->log;

    ngx_add_timer(&read->timer, wait);

    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;

    return NGX_DONE;
}


static void
probe_die(ngx_http_request_t *r, const char *step)
{
    if (probe_is(r, "die", step)) {
        (void) kill(ngx_pid, SIGKILL);
    }
}


static ngx_int_t
probe_publish(ngx_http_request_t *r, ngx_http_flagship_zone_t *zone)
{
    char                  text[256], epoch[64];
    ngx_int_t             rc;
    ngx_str_t             value;
    probe_publication_t  *pub;

    value = probe_arg(r, "epoch");
    snprintf(epoch, sizeof(epoch), "%.*s", (int) value.len,
             value.len ? (char *) value.data : "");

    pub = probe_publication(zone, probe_number(r, "revision"),
                            value.len ? epoch : "e");
    pub->p.whole = probe_number(r, "whole");
    pub->p.force = probe_number(r, "force");
    pub->p.back = probe_number(r, "back");

    value = probe_arg(r, "sets");
    probe_parse(pub, &value);

    rc = ngx_http_flagship_zone_reserve(zone, &pub->p);

    if (rc == NGX_OK) {
        probe_die(r, "reserve");
        ngx_http_flagship_zone_copy(zone, &pub->p);
        probe_die(r, "copy");

        if (probe_number(r, "park")) {
            probe_worker.parked = pub;
            return probe_answer(r, "{\"code\": \"parked\"}\n");
        }

        rc = ngx_http_flagship_zone_commit(zone, &pub->p);
        probe_die(r, "commit");
    }

    snprintf(text, sizeof(text),
             "{\"code\": \"%s\", \"needed\": %lu, \"available\": %lu}\n",
             probe_code(rc), (unsigned long) pub->p.needed,
             (unsigned long) pub->p.available);

    probe_free(pub);

    return probe_answer(r, text);
}


static ngx_int_t
probe_finish(ngx_http_request_t *r, ngx_http_flagship_zone_t *zone)
{
    char        text[64];
    ngx_int_t   rc;

    rc = NGX_OK;

    if (probe_worker.parked == NULL) {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (probe_is(r, "do", "abort")) {
        ngx_http_flagship_zone_abort(zone, &probe_worker.parked->p);

    } else {
        rc = ngx_http_flagship_zone_commit(zone, &probe_worker.parked->p);
    }

    probe_free(probe_worker.parked);
    probe_worker.parked = NULL;

    snprintf(text, sizeof(text), "{\"code\": \"%s\"}\n", probe_code(rc));

    return probe_answer(r, text);
}


static ngx_int_t
probe_stat(ngx_http_request_t *r, ngx_http_flagship_zone_t *zone)
{
    char                              text[512];
    ngx_http_flagship_zone_stat_t     stat;
    ngx_http_flagship_zone_shared_t  *shared;

    shared = ngx_http_flagship_zone_shared(zone);
    ngx_http_flagship_zone_stat(zone, &stat);

    snprintf(text, sizeof(text),
             "{\"size\": %lu, \"used\": %lu, \"largest\": %lu, "
             "\"images\": %lu, \"catalogs\": %lu, \"full\": %lu, "
             "\"needed\": %lu, \"revision\": %lu, \"publications\": %lu, "
             "\"publish_failed\": %lu, \"failures\": %lu, \"pid\": %d}\n",
             (unsigned long) stat.size, (unsigned long) stat.used,
             (unsigned long) stat.largest, (unsigned long) stat.images,
             (unsigned long) stat.catalogs, (unsigned long) stat.full,
             (unsigned long) stat.needed, (unsigned long) shared->revision,
             (unsigned long) shared->publications,
             (unsigned long) shared->publish_failed,
             (unsigned long) shared->failures, (int) ngx_pid);

    return probe_answer(r, text);
}


ngx_int_t
probe_handler(ngx_http_request_t *r)
{
    char                       text[64];
    ngx_int_t                  rc;
    probe_main_conf_t         *conf;
    ngx_http_flagship_zone_t  *zone;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    conf = ngx_http_get_module_main_conf(r, ngx_http_flagship_module);
    zone = conf->zone;

    if (probe_is(r, "do", "read")) {
        return probe_read(r, zone);
    }

    if (probe_is(r, "do", "publish")) {
        return probe_publish(r, zone);
    }

    if (probe_is(r, "do", "commit") || probe_is(r, "do", "abort")) {
        return probe_finish(r, zone);
    }

    if (probe_is(r, "do", "stat")) {
        return probe_stat(r, zone);
    }

    if (probe_is(r, "do", "lead")) {
        snprintf(text, sizeof(text), "{\"leads\": %d}\n",
                 (int) ngx_http_flagship_zone_lead(zone,
                                                   probe_number(r, "ms")));
        return probe_answer(r, text);
    }

    if (probe_is(r, "do", "resign")) {
        ngx_http_flagship_zone_resign(zone);

    } else if (probe_is(r, "do", "touch")) {
        ngx_http_flagship_zone_touch(zone, probe_number(r, "revision"));

    } else if (probe_is(r, "do", "fail")) {
        (void) ngx_atomic_fetch_add(
                   &ngx_http_flagship_zone_shared(zone)->failures, 1);

    } else if (probe_is(r, "do", "lock")) {
        ngx_shmtx_lock(&zone->shpool->mutex);
        (void) kill(ngx_pid, probe_number(r, "die") ? SIGKILL : SIGSTOP);
        ngx_shmtx_unlock(&zone->shpool->mutex);
    }

    snprintf(text, sizeof(text), "{\"pid\": %d}\n", (int) ngx_pid);

    return probe_answer(r, text);
}
