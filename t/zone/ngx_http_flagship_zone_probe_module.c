
/*
 * Copyright (C) Flagship
 */


/*
 * The zone alone in a real nginx: a module of src/zone and this file, for
 * t/40-zone.t.  Blobs are made up: a name, a revision, bytes that follow from
 * both, and a digest, so that whoever reads one can tell whether it is whole
 * and whose it is.  A name is TENANT.ENV of an image, "set/TENANT.KEY" of an
 * id set, "keys/." of the API keys.
 *
 *     probe_zone SIZE;                 http
 *     probe_master REVISION SETS;      http: published in the master, at start
 *                                      and at each reload
 *     probe_every MS SIZE NSETS;       http: the worker that leads publishes a
 *                                      random change so often
 *     probe;                           location, "?do=" ...
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


#include "ngx_http_flagship_zone_root.h"


#define PROBE_SETS  256


typedef struct {
    flagship_image_t           image;
    uint64_t                   revision;
    char                       name[64];
    uint64_t                   word[];
} probe_image_t;

typedef struct {
    ngx_http_flagship_publication_t      p;
    ngx_http_flagship_publication_set_t  sets[PROBE_SETS];
    probe_image_t                       *images[PROBE_SETS];
    char                                 names[PROBE_SETS][64];
    ngx_http_flagship_zone_t            *zone;
    ngx_http_flagship_view_t            *view;
    char                                 epoch[40];
} probe_publication_t;

typedef struct {
    ngx_http_flagship_zone_t  *zone;
    ngx_thread_pool_t         *threads;
    ngx_uint_t                 master_revision;
    ngx_str_t                  master_sets;
    ngx_msec_t                 every;
    size_t                     size;
    ngx_uint_t                 nsets;
} probe_main_conf_t;

typedef struct {
    ngx_event_t                tick;
    ngx_connection_t           dummy;
    ngx_thread_task_t         *task;       /* one at a time */
    ngx_pool_t                *pool;
    probe_main_conf_t         *conf;
    probe_publication_t       *parked;
    ngx_uint_t                 busy;
    uint64_t                   seed;
} probe_worker_t;

typedef struct {
    ngx_http_request_t        *request;
    ngx_http_flagship_view_t  *view;
    ngx_event_t                timer;
    ngx_uint_t                 bad;
} probe_read_t;


static void *probe_create_main_conf(ngx_conf_t *cf);
static char *probe_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_master(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_every(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t probe_init_module(ngx_cycle_t *cycle);
static ngx_int_t probe_init_process(ngx_cycle_t *cycle);
static void probe_exit_process(ngx_cycle_t *cycle);


static probe_worker_t  probe_worker;


static ngx_command_t  probe_commands[] = {

    { ngx_string("probe_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      probe_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("probe_master"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      probe_set_master,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("probe_every"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3,
      probe_set_every,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      probe_set_handler,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  probe_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    probe_create_main_conf,                /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


/* src/zone knows this name as the owner of its shared memory */

ngx_module_t  ngx_http_flagship_module = {
    NGX_MODULE_V1,
    &probe_ctx,                            /* module context */
    probe_commands,                        /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    probe_init_module,                     /* init module */
    probe_init_process,                    /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    probe_exit_process,                    /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* what nginx's build generates for a dynamic module */

ngx_module_t  *ngx_modules[] = { &ngx_http_flagship_module, NULL };
char          *ngx_module_names[] = { "ngx_http_flagship_module", NULL };
char          *ngx_module_order[] = { NULL };


static const char  *probe_kinds[] = { "", "set/", "keys/" };


static uint64_t
probe_random(uint64_t *state)
{
    uint64_t  x;

    x = *state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;

    return x ^ x >> 31;
}


static uint64_t
probe_digest(const probe_image_t *image)
{
    size_t      i, n;
    uint64_t    digest, *word;

    digest = image->revision;

    for (i = 0; i < sizeof(image->name); i++) {
        digest = digest * 31 + image->name[i];
    }

    word = (uint64_t *) image->word;
    n = (image->image.len - sizeof(probe_image_t)) / sizeof(uint64_t);

    for (i = 0; i < n; i++) {
        digest = (digest ^ word[i]) * 0x100000001b3ull;
    }

    return digest;
}


static probe_image_t *
probe_image(const char *name, uint64_t revision, size_t len)
{
    size_t          i, n;
    uint64_t        seed;
    probe_image_t  *image;

    len = ngx_max(len, sizeof(probe_image_t));
    len = ngx_align(len, sizeof(uint64_t));

    image = calloc(1, len);
    if (image == NULL) {
        abort();
    }

    image->image.len = len;
    image->revision = revision;
    snprintf(image->name, sizeof(image->name), "%s", name);

    seed = revision;
    n = (len - sizeof(probe_image_t)) / sizeof(uint64_t);

    for (i = 0; i < n; i++) {
        image->word[i] = probe_random(&seed);
    }

    image->image.digest = probe_digest(image);

    return image;
}


static ngx_uint_t
probe_wrong(ngx_http_flagship_view_t *view, ngx_uint_t i)
{
    char                      name[64];
    size_t                    len;
    ngx_str_t                 tenant, environment;
    const probe_image_t      *image;
    ngx_http_flagship_blob_t  blob;

    ngx_http_flagship_view_entry(view, i, &blob);
    image = blob.data;

    if ((uintptr_t) image % FLAGSHIP_IMAGE_ALIGN) {
        return 1;
    }

    snprintf(name, sizeof(name), "%s%.*s.%.*s", probe_kinds[blob.kind],
             (int) blob.tenant.len, blob.tenant.data,
             (int) blob.name.len, blob.name.data);

    if (strcmp(name, image->name) != 0
        || image->revision > view->revision
        || image->image.len != blob.len
        || image->image.digest != probe_digest(image))
    {
        return 1;
    }

    if (ngx_http_flagship_view_blob(view, blob.kind, &blob.tenant, &blob.name,
                                    &len)
        != image || len != blob.len)
    {
        return 1;
    }

    /* the flag sets come first, and are found by themselves alone */

    if ((blob.kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE) != (i < view->nsets)) {
        return 1;
    }

    if (i >= view->nsets) {
        return 0;
    }

    return (const void *) ngx_http_flagship_view_set(view, i, &tenant,
                                                     &environment)
           != image
           || (const void *) ngx_http_flagship_view_find(view, &tenant,
                                                         &environment)
              != image;
}


static ngx_uint_t
probe_check(ngx_http_flagship_view_t *view)
{
    ngx_uint_t  i, bad;

    bad = 0;

    for (i = 0; i < view->nblobs; i++) {
        bad += probe_wrong(view, i);
    }

    return bad;
}


static probe_publication_t *
probe_publication(ngx_http_flagship_zone_t *zone, uint64_t revision,
    const char *epoch)
{
    probe_publication_t  *pub;

    pub = calloc(1, sizeof(probe_publication_t));
    if (pub == NULL) {
        abort();
    }

    pub->zone = zone;
    pub->p.revision = revision;
    pub->p.sets = pub->sets;

    snprintf(pub->epoch, sizeof(pub->epoch), "%s", epoch);
    pub->p.epoch.data = (u_char *) pub->epoch;
    pub->p.epoch.len = strlen(pub->epoch);

    return pub;
}


static void
probe_add(probe_publication_t *pub, const char *name, size_t len,
    ngx_uint_t live)
{
    char                                 *dot, *slash;
    ngx_uint_t                            n;
    ngx_http_flagship_publication_set_t  *set;

    n = pub->p.nsets++;
    set = &pub->sets[n];

    snprintf(pub->names[n], sizeof(pub->names[n]), "%s", name);
    slash = strchr(pub->names[n], '/');

    if (slash) {
        set->kind = name[0] == 's' ? NGX_HTTP_FLAGSHIP_BLOB_SET
                                   : NGX_HTTP_FLAGSHIP_BLOB_KEYS;
    }

    set->tenant.data = (u_char *) (slash ? slash + 1 : pub->names[n]);

    dot = strchr((char *) set->tenant.data, '.');

    set->tenant.len = (u_char *) dot - set->tenant.data;
    set->name.data = (u_char *) dot + 1;
    set->name.len = strlen(dot + 1);

    if (live) {
        if (pub->view == NULL) {
            pub->view = ngx_http_flagship_zone_acquire(pub->zone);
        }

        set->data = ngx_http_flagship_view_blob(pub->view, set->kind,
                                                &set->tenant, &set->name,
                                                &set->len);

    } else if (len) {
        pub->images[n] = probe_image(name, pub->p.revision, len);
        set->data = pub->images[n];
        set->len = pub->images[n]->image.len;
    }
}


/* NAME:BYTES,... */

static void
probe_parse(probe_publication_t *pub, ngx_str_t *sets)
{
    char  *text, *item, *colon, *rest;

    text = strndup((char *) sets->data, sets->len);

    for (item = strtok_r(text, ",", &rest); item;
         item = strtok_r(NULL, ",", &rest))
    {
        colon = strchr(item, ':');
        *colon++ = '\0';
        probe_add(pub, item, strtoul(colon, NULL, 10), *colon == '=');
    }

    free(text);
}


static void
probe_free(probe_publication_t *pub)
{
    ngx_uint_t  i;

    for (i = 0; i < pub->p.nsets; i++) {
        free(pub->images[i]);
    }

    if (pub->view) {
        ngx_http_flagship_view_release(pub->view);
    }

    free(pub);
}


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


/* What the leader does on its own: sometimes everything, else one set. */

static void
probe_copy(void *data, ngx_log_t *log)
{
    probe_publication_t *pub = *(probe_publication_t **) data;

    ngx_http_flagship_zone_copy(pub->zone, &pub->p);
}


static void
probe_copied(ngx_event_t *ev)
{
    probe_publication_t *pub = *(probe_publication_t **) ev->data;

    probe_worker.busy = 0;

    (void) ngx_http_flagship_zone_commit(pub->zone, &pub->p);
    probe_free(pub);
}


static void
probe_change(probe_worker_t *worker)
{
    char                              name[64];
    size_t                            len;
    uint64_t                          n, revision;
    ngx_uint_t                        i;
    probe_main_conf_t                *conf;
    probe_publication_t              *pub;
    ngx_http_flagship_view_t         *view;
    ngx_http_flagship_zone_shared_t  *shared;

    conf = worker->conf;
    shared = ngx_http_flagship_zone_shared(conf->zone);

    revision = shared->revision + 1;
    pub = probe_publication(conf->zone, revision, "torture");

    view = ngx_http_flagship_zone_acquire(conf->zone);
    n = probe_random(&worker->seed);

    pub->p.whole = view == NULL || n % 16 == 0;
    pub->p.force = 1;

    for (i = 0; i < conf->nsets; i++) {
        if (!pub->p.whole && i != n / 16 % conf->nsets) {
            continue;
        }

        /* rarely a set is dropped; else from half its size up to all */

        n = probe_random(&worker->seed);
        len = n % 32 == 0 ? 0
              : conf->size / 2 + probe_random(&worker->seed) % conf->size / 2;

        snprintf(name, sizeof(name), "%stenant%u.prod", probe_kinds[i % 3],
                 (unsigned) i);
        probe_add(pub, name, len, 0);
    }

    if (view) {
        ngx_http_flagship_view_release(view);
    }

    if (ngx_http_flagship_zone_reserve(conf->zone, &pub->p) != NGX_OK) {
        probe_free(pub);
        return;
    }

    *(probe_publication_t **) worker->task->ctx = pub;
    worker->task->handler = probe_copy;
    worker->task->event.handler = probe_copied;
    worker->task->event.data = worker->task->ctx;
    worker->busy = 1;

    if (ngx_thread_task_post(conf->threads, worker->task) != NGX_OK) {
        worker->busy = 0;
        ngx_http_flagship_zone_abort(conf->zone, &pub->p);
        probe_free(pub);
    }
}


static void
probe_tick(ngx_event_t *ev)
{
    probe_worker_t  *worker;

    worker = &probe_worker;

    if (!worker->busy
        && ngx_http_flagship_zone_lead(worker->conf->zone, 1000))
    {
        probe_change(worker);
    }

    ngx_add_timer(ev, worker->conf->every);
}


static ngx_int_t
probe_init_module(ngx_cycle_t *cycle)
{
    probe_main_conf_t    *conf;
    probe_publication_t  *pub;

    conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_flagship_module);

    if (conf == NULL || conf->zone == NULL || conf->master_revision == 0
        || ngx_test_config)
    {
        return NGX_OK;
    }

    pub = probe_publication(conf->zone, conf->master_revision, "e");
    probe_parse(pub, &conf->master_sets);

    if (ngx_http_flagship_zone_reserve(conf->zone, &pub->p) == NGX_OK) {
        ngx_http_flagship_zone_copy(conf->zone, &pub->p);
        (void) ngx_http_flagship_zone_commit(conf->zone, &pub->p);
    }

    probe_free(pub);

    return NGX_OK;
}


static ngx_int_t
probe_init_process(ngx_cycle_t *cycle)
{
    probe_worker_t     *worker;
    probe_main_conf_t  *conf;

    conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_flagship_module);

    if (conf == NULL || conf->zone == NULL) {
        return NGX_OK;
    }

    if (ngx_http_flagship_zone_init_process(conf->zone, cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    worker = &probe_worker;
    ngx_memzero(worker, sizeof(probe_worker_t));

    worker->conf = conf;
    worker->seed = ngx_pid * 1000003u + ngx_current_msec;
    worker->dummy.fd = (ngx_socket_t) -1;

    if (conf->every == 0) {
        return NGX_OK;
    }

    worker->task = ngx_thread_task_alloc(cycle->pool, sizeof(void *));
    if (worker->task == NULL) {
        return NGX_ERROR;
    }

    worker->tick.handler = probe_tick;
    worker->tick.data = &worker->dummy;
    worker->tick.log = cycle->log;
    worker->tick.cancelable = 1;

    ngx_add_timer(&worker->tick, conf->every);

    return NGX_OK;
}


static void
probe_exit_process(ngx_cycle_t *cycle)
{
    probe_worker_t       *worker;
    probe_main_conf_t    *conf;
    probe_publication_t  *pub;

    conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_flagship_module);

    if (conf == NULL || conf->zone == NULL) {
        return;
    }

    worker = &probe_worker;

    /* the thread pool has ended before us, and tells nobody */

    if (worker->busy) {
        pub = *(probe_publication_t **) worker->task->ctx;
        ngx_http_flagship_zone_abort(conf->zone, &pub->p);
        probe_free(pub);
    }

    ngx_http_flagship_zone_exit_process(conf->zone);
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


static ngx_int_t
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


static void *
probe_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(probe_main_conf_t));
}


static char *
probe_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    probe_main_conf_t *pmcf = conf;

    ssize_t     size;
    ngx_str_t  *value, name;

    value = cf->args->elts;
    ngx_str_set(&name, "flagship");

    size = ngx_parse_size(&value[1]);
    if (size == NGX_ERROR) {
        return "has an invalid size";
    }

    pmcf->threads = ngx_thread_pool_add(cf, NULL);
    pmcf->zone = ngx_http_flagship_zone_add(cf, &name, size);

    return pmcf->zone && pmcf->threads ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
probe_set_master(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    probe_main_conf_t *pmcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    pmcf->master_revision = ngx_atoi(value[1].data, value[1].len);
    pmcf->master_sets = value[2];

    return NGX_CONF_OK;
}


static char *
probe_set_every(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    probe_main_conf_t *pmcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    pmcf->every = ngx_atoi(value[1].data, value[1].len);
    pmcf->size = ngx_parse_size(&value[2]);
    pmcf->nsets = ngx_atoi(value[3].data, value[3].len);

    return NGX_CONF_OK;
}


static char *
probe_set_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = probe_handler;

    return NGX_CONF_OK;
}
