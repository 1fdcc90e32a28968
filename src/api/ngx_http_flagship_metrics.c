
/*
 * Copyright (C) Flagship
 */


/*
 * flagship_metrics: what the zone knows, as Prometheus reads it (text format
 * 0.0.4).  A number is the host's, whichever worker answers.
 *
 * The text grows with the flags that were evaluated, which the zone bounds.
 * Runs in a worker's event loop; reads the zone only.
 */


#include "ngx_http_flagship_api.h"
#include "ngx_http_flagship_api_out.h"
#include "ngx_http_flagship_zone_count.h"
#include "flagship_keys.h"


#define NGX_HTTP_FLAGSHIP_METRICS_BUFFER  16384


/* A number of the shared part of the zone; "is" is its type. */

typedef struct {
    const char                *name;
    const char                *is;
    const char                *help;
    size_t                     offset;
} ngx_http_flagship_metric_t;


static ngx_int_t ngx_http_flagship_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_flagship_metrics_send(ngx_http_request_t *r,
    ngx_http_flagship_out_t *out);
static void ngx_http_flagship_metrics_head(ngx_http_flagship_out_t *out,
    const char *name, const char *is, const char *help);
static void ngx_http_flagship_metrics_label(ngx_http_flagship_out_t *out,
    const char *name, const u_char *data, size_t len);
static void ngx_http_flagship_metrics_value(ngx_http_flagship_out_t *out,
    uint64_t n);
static void ngx_http_flagship_metrics_one(ngx_http_flagship_out_t *out,
    const char *name, const char *is, const char *help, uint64_t n);
static void ngx_http_flagship_metrics_zone(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone);
static void ngx_http_flagship_metrics_shared(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone);
static void ngx_http_flagship_metrics_calls(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone);
static void ngx_http_flagship_metrics_sets(ngx_http_flagship_out_t *out,
    ngx_http_flagship_view_t *view);
static void ngx_http_flagship_metrics_keys(ngx_http_flagship_out_t *out,
    ngx_http_flagship_view_t *view);
static void ngx_http_flagship_metrics_evaluations(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone);


static const ngx_http_flagship_metric_t  ngx_http_flagship_metrics_table[] = {

    { "flagship_publications_total", "counter",
      "Generations of flag sets that were published.",
      offsetof(ngx_http_flagship_zone_shared_t, publications) },

    { "flagship_publish_failed_total", "counter",
      "Times that the zone began to have no room for a generation.",
      offsetof(ngx_http_flagship_zone_shared_t, publish_failed) },

    { "flagship_connect_failures", "gauge",
      "Attempts to reach PostgreSQL that failed since the last success.",
      offsetof(ngx_http_flagship_zone_shared_t, failures) },

    { "flagship_notify_missed_total", "counter",
      "Changes that a poll found before any notification came.",
      offsetof(ngx_http_flagship_zone_shared_t, notify_missed) },

    { "flagship_file_refused_total", "counter",
      "Times that the file of flags was refused as a whole.",
      offsetof(ngx_http_flagship_zone_shared_t, file_refused) },

    { "flagship_headers_dropped_total", "counter",
      "Values that no header can carry.",
      offsetof(ngx_http_flagship_zone_shared_t, headers_dropped) },

    { "flagship_headers_over_total", "counter",
      "Flags that did not fit into the headers of their request.",
      offsetof(ngx_http_flagship_zone_shared_t, headers_over) },

    { "flagship_auth_failures_total", "counter",
      "Credentials that were refused.",
      offsetof(ngx_http_flagship_zone_shared_t, auth_refused) },

    { NULL, NULL, NULL, 0 }
};


char *
ngx_http_flagship_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_flagship_metrics_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_flagship_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_flagship_out_t    out;
    ngx_http_flagship_view_t  *view;
    ngx_http_flagship_zone_t  *zone;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    zone = ngx_http_flagship_get_main_conf(r)->zone;

    ngx_http_flagship_out_init(&out, r->pool,
                               NGX_HTTP_FLAGSHIP_METRICS_BUFFER);

    ngx_http_flagship_metrics_head(&out, "flagship_build_info", "gauge",
                                   "The versions that run; always 1.");
    ngx_http_flagship_out_literal(&out, "flagship_build_info{version=\""
                                        NGX_HTTP_FLAGSHIP_VERSION
                                        "\",nginx=\"" NGINX_VERSION "\"");
    ngx_http_flagship_metrics_value(&out, 1);

    ngx_http_flagship_metrics_one(&out, "flagship_workers", "gauge",
                                  "Workers that use the zone.",
                                  ngx_http_flagship_zone_workers(zone));

    ngx_http_flagship_metrics_zone(&out, zone);
    ngx_http_flagship_metrics_shared(&out, zone);
    ngx_http_flagship_metrics_calls(&out, zone);

    view = ngx_http_flagship_zone_acquire(zone);

    if (view) {
        ngx_http_flagship_metrics_sets(&out, view);
        ngx_http_flagship_metrics_keys(&out, view);
        ngx_http_flagship_view_release(view);
    }

    ngx_http_flagship_metrics_evaluations(&out, zone);

    if (out.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_flagship_metrics_send(r, &out);
}


static ngx_int_t
ngx_http_flagship_metrics_send(ngx_http_request_t *r,
    ngx_http_flagship_out_t *out)
{
    ngx_int_t  rc;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = out->len;
    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out->buf->last_buf = (r == r->main) ? 1 : 0;
    out->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out->first);
}


static void
ngx_http_flagship_metrics_head(ngx_http_flagship_out_t *out, const char *name,
    const char *is, const char *help)
{
    ngx_http_flagship_out_literal(out, "# HELP ");
    ngx_http_flagship_out_text(out, name);
    ngx_http_flagship_out_literal(out, " ");
    ngx_http_flagship_out_text(out, help);
    ngx_http_flagship_out_literal(out, "\n# TYPE ");
    ngx_http_flagship_out_text(out, name);
    ngx_http_flagship_out_literal(out, " ");
    ngx_http_flagship_out_text(out, is);
    ngx_http_flagship_out_literal(out, "\n");
}


/* ,name="value" with what the format escapes; "name" brings the comma or the
   brace before it. */

static void
ngx_http_flagship_metrics_label(ngx_http_flagship_out_t *out, const char *name,
    const u_char *data, size_t len)
{
    size_t  from, i;

    ngx_http_flagship_out_text(out, name);
    ngx_http_flagship_out_literal(out, "=\"");

    for (from = 0, i = 0; i < len; i++) {

        if (data[i] != '"' && data[i] != '\\' && data[i] != '\n') {
            continue;
        }

        ngx_http_flagship_out_data(out, data + from, i - from);

        if (data[i] == '\n') {
            ngx_http_flagship_out_literal(out, "\\n");
            from = i + 1;

        } else {
            ngx_http_flagship_out_literal(out, "\\");
            from = i;
        }
    }

    ngx_http_flagship_out_data(out, data + from, len - from);
    ngx_http_flagship_out_literal(out, "\"");
}


static void
ngx_http_flagship_metrics_value(ngx_http_flagship_out_t *out, uint64_t n)
{
    ngx_http_flagship_out_literal(out, "} ");
    ngx_http_flagship_out_uint(out, n);
    ngx_http_flagship_out_literal(out, "\n");
}


static void
ngx_http_flagship_metrics_one(ngx_http_flagship_out_t *out, const char *name,
    const char *is, const char *help, uint64_t n)
{
    ngx_http_flagship_metrics_head(out, name, is, help);
    ngx_http_flagship_out_text(out, name);
    ngx_http_flagship_out_literal(out, " ");
    ngx_http_flagship_out_uint(out, n);
    ngx_http_flagship_out_literal(out, "\n");
}


static void
ngx_http_flagship_metrics_zone(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone)
{
    ngx_http_flagship_zone_stat_t  stat;

    ngx_http_flagship_zone_stat(zone, &stat);

    ngx_http_flagship_metrics_head(out, "flagship_shm_bytes", "gauge",
                                   "The zone's memory.");
    ngx_http_flagship_out_literal(out, "flagship_shm_bytes{state=\"used\"");
    ngx_http_flagship_metrics_value(out, stat.used);
    ngx_http_flagship_out_literal(out, "flagship_shm_bytes{state=\"free\"");
    ngx_http_flagship_metrics_value(out, stat.size - stat.used);

    ngx_http_flagship_metrics_one(out, "flagship_shm_largest_free_bytes",
                                  "gauge",
                                  "The largest piece of it that is free.",
                                  stat.largest);
    ngx_http_flagship_metrics_one(out, "flagship_shm_full", "gauge",
                                  "1 while it has no room for the newest "
                                  "generation.", stat.full);
    ngx_http_flagship_metrics_one(out, "flagship_generations", "gauge",
                                  "Generations in it that are served, or "
                                  "still held by requests.", stat.catalogs);
}


static void
ngx_http_flagship_metrics_shared(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone)
{
    time_t                             checked;
    const ngx_http_flagship_metric_t  *m;
    ngx_http_flagship_zone_shared_t   *shared;

    shared = ngx_http_flagship_zone_shared(zone);

    ngx_http_flagship_metrics_one(out, "flagship_snapshot_revision", "gauge",
                                  "The revision that is served.",
                                  shared->revision);

    checked = (time_t) shared->checked;

    if (checked) {
        ngx_http_flagship_metrics_one(out, "flagship_snapshot_age_seconds",
                                      "gauge", "Since the source was last "
                                      "found to have nothing newer.",
                                      ngx_max(ngx_time() - checked, 0));
    }

    for (m = ngx_http_flagship_metrics_table; m->name; m++) {
        ngx_http_flagship_metrics_one(out, m->name, m->is, m->help,
                        *(ngx_atomic_t *) ((u_char *) shared + m->offset));
    }
}


static void
ngx_http_flagship_metrics_calls(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone)
{
    ngx_http_flagship_calls_t  calls;

    ngx_http_flagship_calls_sum(zone, &calls);

    ngx_http_flagship_metrics_head(out, "flagship_db_connections", "gauge",
                                   "The workers' connections to PostgreSQL "
                                   "for the API.");
    ngx_http_flagship_out_literal(out,
                                  "flagship_db_connections{state=\"idle\"");
    ngx_http_flagship_metrics_value(out, calls.idle);
    ngx_http_flagship_out_literal(out,
                                  "flagship_db_connections{state=\"busy\"");
    ngx_http_flagship_metrics_value(out, calls.busy);

    ngx_http_flagship_metrics_one(out, "flagship_db_waiting", "gauge",
                                  "Calls of the API that wait for a "
                                  "connection.", calls.waiting);
    ngx_http_flagship_metrics_one(out, "flagship_db_refused_total", "counter",
                                  "Calls of the API that were not sent: no "
                                  "server, or too many before them.",
                                  calls.refused);
    ngx_http_flagship_metrics_one(out, "flagship_db_unknown_total", "counter",
                                  "Calls of the API that may have happened: "
                                  "the connection broke, or it took too long.",
                                  calls.unknown);
}


static void
ngx_http_flagship_metrics_sets(ngx_http_flagship_out_t *out,
    ngx_http_flagship_view_t *view)
{
    ngx_str_t                tenant, environment;
    ngx_uint_t               i, broken;
    const char              *name;
    const flagship_image_t  *image;

    for (broken = 0; broken < 2; broken++) {

        if (broken) {
            name = "flagship_quarantined_flags";
            ngx_http_flagship_metrics_head(out, name, "gauge",
                                           "Flags that do not compile and "
                                           "have no last good form.");
        } else {
            name = "flagship_flags";
            ngx_http_flagship_metrics_head(out, name, "gauge",
                                           "Flags that are served.");
        }

        for (i = 0; i < view->nsets; i++) {
            image = ngx_http_flagship_view_set(view, i, &tenant,
                                               &environment);

            ngx_http_flagship_out_text(out, name);
            ngx_http_flagship_metrics_label(out, "{tenant", tenant.data,
                                            tenant.len);
            ngx_http_flagship_metrics_label(out, ",environment",
                                            environment.data,
                                            environment.len);
            ngx_http_flagship_metrics_value(out, broken ? image->broken
                                                        : image->flags.n);
        }
    }
}


static void
ngx_http_flagship_metrics_keys(ngx_http_flagship_out_t *out,
    ngx_http_flagship_view_t *view)
{
    size_t       len;
    ngx_str_t    none;
    const void  *keys;

    ngx_str_set(&none, "");

    keys = ngx_http_flagship_view_blob(view, NGX_HTTP_FLAGSHIP_BLOB_KEYS,
                                       &none, &none, &len);
    if (keys == NULL) {
        return;
    }

    ngx_http_flagship_metrics_one(out, "flagship_api_keys", "gauge",
                                  "Keys of the API that are not revoked.",
                                  flagship_keys_n(keys));
}


/* One without any name is the sum of those for which there was no room. */

static void
ngx_http_flagship_metrics_evaluations(ngx_http_flagship_out_t *out,
    ngx_http_flagship_zone_t *zone)
{
    ngx_uint_t                    next;
    flagship_str_t                reason;
    ngx_http_flagship_counted_t   counted;

    ngx_http_flagship_metrics_head(out, "flagship_evaluations_total",
                                   "counter",
                                   "Evaluations by what came of them; all "
                                   "labels are empty where no more could be "
                                   "told apart.");

    next = 0;

    while (ngx_http_flagship_counted(zone, &next, &counted)) {

        reason = counted.other ? flagship_str("", 0)
                               : flagship_reason_name(counted.reason);

        ngx_http_flagship_out_literal(out, "flagship_evaluations_total");
        ngx_http_flagship_metrics_label(out, "{tenant", counted.tenant.data,
                                        counted.tenant.len);
        ngx_http_flagship_metrics_label(out, ",environment",
                                        counted.environment.data,
                                        counted.environment.len);
        ngx_http_flagship_metrics_label(out, ",flag", counted.flag.data,
                                        counted.flag.len);
        ngx_http_flagship_metrics_label(out, ",variant", counted.variant.data,
                                        counted.variant.len);
        ngx_http_flagship_metrics_label(out, ",reason",
                                        (u_char *) reason.data, reason.len);
        ngx_http_flagship_metrics_value(out, counted.n);
    }
}
