
/*
 * Copyright (C) Flagship
 */


/*
 * The zone alone in a real nginx: a module of src/zone and the probe, for
 * t/40-zone.t.
 *
 *     probe_zone SIZE;                 http
 *     probe_master REVISION SETS;      http: published in the master, at start
 *                                      and at each reload
 *     probe_every MS SIZE NSETS;       http: the worker that leads publishes a
 *                                      random change so often
 *     probe;                           location: see
 *                                      ngx_http_flagship_zone_probe_request.c
 */


#include "ngx_http_flagship_zone_probe.h"


static void *probe_create_main_conf(ngx_conf_t *cf);
static char *probe_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_master(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_every(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *probe_set_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t probe_init_module(ngx_cycle_t *cycle);
static ngx_int_t probe_init_process(ngx_cycle_t *cycle);
static void probe_exit_process(ngx_cycle_t *cycle);


probe_worker_t  probe_worker;


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
