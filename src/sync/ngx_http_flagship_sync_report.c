
/*
 * Copyright (C) Flagship
 */


/*
 * What a build has to say about documents, each thing once.
 *
 * A report is a line for the log: tenant, environment, flag or segment, JSON
 * Pointer, message.  What was said stays in a table of hashes, so that a
 * reload in full is silent about errors that it finds again; it is forgotten
 * when its document is mended, so that the same error of a later day is news.
 * A segment belongs to a tenant and is compiled into each of its flag sets:
 * its environment takes no part in the hash.  A key of the API is known by its
 * id alone.
 *
 * Runs where a build runs; the leader logs the lines afterwards.
 */


#include "ngx_http_flagship_sync_build.h"


/* Lines of one build; the others are counted. */
#define NGX_HTTP_FLAGSHIP_REPORTS_MAX  NGX_HTTP_FLAGSHIP_SAID_MAX

#define NGX_HTTP_FLAGSHIP_REPORT_LEN   1024


/* of ngx_http_flagship_row_e */

static const char  *ngx_http_flagship_report_kinds[] = {
    "set",
    "segment",
    "",
    "flag",
    "API key"
};


static uint64_t ngx_http_flagship_report_hash(uint64_t h, const char *data,
    size_t len);
static uint64_t ngx_http_flagship_report_owner(flagship_str_t tenant,
    flagship_str_t environment, const char *kind, flagship_str_t key);
static size_t ngx_http_flagship_report_name(char *buf, size_t size,
    const char *what, flagship_str_t name);
static int ngx_http_flagship_report_said(ngx_http_flagship_said_t *said,
    uint64_t owner, uint64_t text);


void
ngx_http_flagship_report_begin(ngx_http_flagship_build_t *b)
{
    ngx_uint_t  i;

    for (i = 0; i < b->said->n; i++) {
        b->said->entries[i].again = 0;
    }
}


void
ngx_http_flagship_report_end(ngx_http_flagship_build_t *b)
{
    size_t                           r;
    uint64_t                         owner;
    ngx_uint_t                       i, n;
    ngx_http_flagship_row_t         *row;
    ngx_http_flagship_said_t        *said;
    ngx_http_flagship_said_entry_t  *e;

    said = b->said;

    if (b->whole) {

        for (i = 0, n = 0; i < said->n; i++) {
            if (said->entries[i].again) {
                said->entries[n++] = said->entries[i];
            }
        }

        said->n = n;

        return;
    }

    for (r = 0; r < b->nrows && said->n; r++) {

        row = &b->rows[r];

        if (row->kind == NGX_HTTP_FLAGSHIP_ROW_ENVIRONMENT) {
            continue;
        }

        owner = ngx_http_flagship_report_owner(row->tenant, row->environment,
                                  ngx_http_flagship_report_kinds[row->kind],
                                           row->key);

        for (i = 0, n = 0; i < said->n; i++) {
            e = &said->entries[i];

            if (e->owner != owner || e->again) {
                said->entries[n++] = *e;
            }
        }

        said->n = n;
    }
}


void
ngx_http_flagship_report(ngx_http_flagship_build_t *b, flagship_str_t tenant,
    flagship_str_t environment, const char *kind, flagship_str_t key,
    const char *pointer, const char *message, int warning)
{
    char                         text[NGX_HTTP_FLAGSHIP_REPORT_LEN];
    size_t                       n, size;
    uint64_t                     owner, hash;
    ngx_http_flagship_report_t  *report;

    owner = ngx_http_flagship_report_owner(tenant, environment, kind, key);

    hash = ngx_http_flagship_report_hash(owner, pointer, strlen(pointer));
    hash = ngx_http_flagship_report_hash(hash, message, strlen(message));

    if (ngx_http_flagship_report_said(b->said, owner, hash)) {
        return;
    }

    if (b->nreports == NGX_HTTP_FLAGSHIP_REPORTS_MAX) {
        b->unsaid++;
        return;
    }

    size = sizeof(text);

    n = ngx_http_flagship_report_name(text, size, "tenant", tenant);

    if (environment.len && strcmp(kind, "segment") != 0) {
        n += ngx_http_flagship_report_name(text + n, size - n, "environment",
                                           environment);
    }

    if (kind[0]) {
        n += ngx_http_flagship_report_name(text + n, size - n, kind, key);
    }

    n += snprintf(text + n, size - n, "at \"%.191s\": %.191s", pointer,
                  message);

    report = malloc(sizeof(ngx_http_flagship_report_t) + n);
    if (report == NULL) {
        b->unsaid++;
        return;
    }

    report->next = NULL;
    report->warning = warning ? 1 : 0;
    report->len = n;
    memcpy(report->text, text, n);

    /* a key, a tenant or a message may hold what a row was given by hand */

    while (n--) {
        if ((unsigned char) report->text[n] < 0x20
            || report->text[n] == 0x7f)
        {
            report->text[n] = '?';
        }
    }

    *b->last_report = report;
    b->last_report = &report->next;
    b->nreports++;
}


void
ngx_http_flagship_report_errors(ngx_http_flagship_build_t *b,
    flagship_str_t tenant, flagship_str_t environment, const char *kind,
    flagship_str_t key, const flagship_errors_t *errors, unsigned from)
{
    unsigned                 i;
    flagship_str_t           k;
    const flagship_error_t  *e;

    for (i = from; i < errors->n; i++) {
        e = &errors->list[i];

        k = e->key[0] ? flagship_str(e->key, strlen(e->key)) : key;

        ngx_http_flagship_report(b, tenant, environment, k.len ? kind : "", k,
                                 e->pointer, e->message, e->warning);
    }
}


static int
ngx_http_flagship_report_said(ngx_http_flagship_said_t *said, uint64_t owner,
    uint64_t text)
{
    ngx_uint_t                       i;
    ngx_http_flagship_said_entry_t  *e;

    for (i = 0; i < said->n; i++) {
        e = &said->entries[i];

        if (e->owner == owner && e->text == text) {
            e->again = 1;
            return 1;
        }
    }

    if (said->n < NGX_HTTP_FLAGSHIP_SAID_MAX) {
        e = &said->entries[said->n++];
        e->owner = owner;
        e->text = text;
        e->again = 1;
    }

    return 0;
}


static uint64_t
ngx_http_flagship_report_owner(flagship_str_t tenant,
    flagship_str_t environment, const char *kind, flagship_str_t key)
{
    uint64_t  h;

    if (strcmp(kind, "API key") == 0) {
        tenant.len = 0;
        environment.len = 0;
    }

    h = ngx_http_flagship_report_hash(0xcbf29ce484222325u, kind,
                                      strlen(kind) + 1);
    h = ngx_http_flagship_report_hash(h, tenant.data, tenant.len);
    h = ngx_http_flagship_report_hash(h, "", 1);

    if (strcmp(kind, "segment") != 0) {
        h = ngx_http_flagship_report_hash(h, environment.data,
                                          environment.len);
    }

    h = ngx_http_flagship_report_hash(h, "", 1);

    /* as flagship_errors_t cuts it */

    return ngx_http_flagship_report_hash(h, key.data,
                                         ngx_min(key.len, FLAGSHIP_MAX_KEY));
}


/* FNV-1a: nothing depends on it but what is said twice. */

static uint64_t
ngx_http_flagship_report_hash(uint64_t h, const char *data, size_t len)
{
    while (len--) {
        h ^= (unsigned char) *data++;
        h *= 0x100000001b3u;
    }

    return h;
}


static size_t
ngx_http_flagship_report_name(char *buf, size_t size, const char *what,
    flagship_str_t name)
{
    return snprintf(buf, size, "%s \"%.*s\" ", what,
                    (int) ngx_min(name.len, FLAGSHIP_MAX_KEY),
                    name.data ? name.data : "");
}
