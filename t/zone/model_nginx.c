
/*
 * Copyright (C) Flagship
 */


/* nginx made up for the model, as far as src/zone needs it. */


#include "model_actors.h"


ngx_pid_t               ngx_pid;
ngx_int_t               ngx_process_slot;
ngx_uint_t              ngx_process = NGX_PROCESS_WORKER;
ngx_uint_t              ngx_exiting;
ngx_uint_t              ngx_pagesize = 4096;
volatile ngx_msec_t     ngx_current_msec = 1000;
ngx_rbtree_t            ngx_event_timer_rbtree;
ngx_module_t            ngx_http_flagship_module;
ngx_module_t            ngx_core_module;

static ngx_log_t        model_log;
ngx_cycle_t             model_cycle = { .log = &model_log };

volatile ngx_cycle_t   *ngx_cycle = &model_cycle;


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
}


void
ngx_conf_log_error(ngx_uint_t level, ngx_conf_t *cf, ngx_err_t err,
    const char *fmt, ...)
{
}


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t len)
{
    return NULL;
}


void *
ngx_slab_alloc(ngx_slab_pool_t *pool, size_t len)
{
    return NULL;
}


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t len, void *tag)
{
    return NULL;
}


ngx_int_t
ngx_memn2cmp(u_char *s1, u_char *s2, size_t n1, size_t n2)
{
    int  rc;

    rc = memcmp(s1, s2, ngx_min(n1, n2));

    return rc ? rc : (n1 > n2) - (n1 < n2);
}


ngx_uint_t
ngx_shmtx_trylock(ngx_shmtx_t *mutex)
{
    if (model_shpool.lock.lock) {
        return 0;
    }

    model_step(&model_shpool);

    if (model_shpool.lock.lock) {
        return 0;
    }

    model_shpool.lock.lock = ngx_pid;

    return 1;
}


void
ngx_shmtx_unlock(ngx_shmtx_t *mutex)
{
    model_step(&model_shpool);
    model_shpool.lock.lock = 0;
}


ngx_uint_t
ngx_shmtx_force_unlock(ngx_shmtx_t *mutex, ngx_pid_t pid)
{
    if (model_shpool.lock.lock == (ngx_atomic_uint_t) pid) {
        model_shpool.lock.lock = 0;
        return 1;
    }

    return 0;
}


/* Signal 0 alone: whether the actor lives. */

int
kill(pid_t pid, int signal)
{
    if (pid >= MODEL_PID && pid <= MODEL_PID + MODEL_ACTORS
        && model_actors[pid - MODEL_PID].dead)
    {
        errno = ESRCH;
        return -1;
    }

    return 0;
}
