
/*
 * Copyright (C) Flagship
 */


/*
 * A thread's last act is to write the address of its task to a pipe, whose
 * other end is among nginx's events.  There is one while threads run.
 * ngx_notify() would not do: it holds one handler at a time, and thread pools
 * use it.
 */


#include "ngx_http_flagship_thread.h"

#include <signal.h>


static ngx_int_t ngx_http_flagship_thread_open(void);
static void *ngx_http_flagship_thread_main(void *data);
static void ngx_http_flagship_thread_handler(ngx_event_t *ev);
static void ngx_http_flagship_thread_close(void);


/* The master starts none, so that a forked worker begins without any. */

static ngx_queue_t        ngx_http_flagship_threads = {
    &ngx_http_flagship_threads, &ngx_http_flagship_threads
};

static ngx_connection_t  *ngx_http_flagship_thread_ended;
static int                ngx_http_flagship_thread_end;
static ngx_uint_t         ngx_http_flagship_thread_failed;   /* it was logged */


ngx_int_t
ngx_http_flagship_thread_start(ngx_http_flagship_task_t *task)
{
    int       err;
    sigset_t  all, before;

    if (ngx_http_flagship_thread_ended == NULL
        && ngx_http_flagship_thread_open() != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* signals are the event loop's, but for those that a fault raises */

    sigfillset(&all);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);

    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    err = pthread_create(&task->thread, NULL, ngx_http_flagship_thread_main,
                         task);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (err) {
        if (ngx_queue_empty(&ngx_http_flagship_threads)) {
            ngx_http_flagship_thread_close();
        }

        if (!ngx_http_flagship_thread_failed) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, err,
                          "flagship: no thread can be started");
        }

        ngx_http_flagship_thread_failed = 1;

        return NGX_ERROR;
    }

    ngx_http_flagship_thread_failed = 0;

    ngx_queue_insert_tail(&ngx_http_flagship_threads, &task->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_http_flagship_thread_open(void)
{
    int                fd[2];
    ngx_log_t         *log;
    ngx_connection_t  *c;

    log = ngx_cycle->log;

    /* nginx would log an alert */

    if (ngx_cycle->free_connection_n == 0
        && ngx_cycle->reusable_connections_n == 0)
    {
        return NGX_ERROR;
    }

    if (pipe(fd) == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "flagship: pipe() failed");
        return NGX_ERROR;
    }

    if (ngx_nonblocking(fd[0]) == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "flagship: " ngx_nonblocking_n " failed");
        goto failed;
    }

    c = ngx_get_connection(fd[0], log);
    if (c == NULL) {
        goto failed;
    }

    c->log = log;

    c->read->handler = ngx_http_flagship_thread_handler;
    c->read->log = log;
    c->write->log = log;

    /* no client's: a worker that exits does not miss it */

    c->read->channel = 1;
    c->write->channel = 1;

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_free_connection(c);
        goto failed;
    }

    ngx_http_flagship_thread_ended = c;
    ngx_http_flagship_thread_end = fd[1];

    return NGX_OK;

failed:

    (void) close(fd[0]);
    (void) close(fd[1]);

    return NGX_ERROR;
}


static void *
ngx_http_flagship_thread_main(void *data)
{
    ngx_http_flagship_task_t *task = data;

    ssize_t  n;

    task->run(task->data);

    /* as few bytes as these are written at once, or not at all */

    do {
        n = write(ngx_http_flagship_thread_end, &task, sizeof(task));
    } while (n == -1 && ngx_errno == NGX_EINTR);

    return NULL;
}


static void
ngx_http_flagship_thread_handler(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_flagship_task_t  *task;

    c = ev->data;

    while (read(c->fd, &task, sizeof(task)) == (ssize_t) sizeof(task)) {

        (void) pthread_join(task->thread, NULL);

        ngx_queue_remove(&task->queue);

        task->done(task->data);

        if (ngx_queue_empty(&ngx_http_flagship_threads)) {
            ngx_http_flagship_thread_close();
            return;
        }
    }
}


static void
ngx_http_flagship_thread_close(void)
{
    (void) close(ngx_http_flagship_thread_end);

    ngx_close_connection(ngx_http_flagship_thread_ended);
    ngx_http_flagship_thread_ended = NULL;
}


void
ngx_http_flagship_thread_exit_process(void)
{
    ngx_queue_t               *q;
    ngx_http_flagship_task_t  *task;

    while (!ngx_queue_empty(&ngx_http_flagship_threads)) {

        q = ngx_queue_head(&ngx_http_flagship_threads);
        task = ngx_queue_data(q, ngx_http_flagship_task_t, queue);

        (void) pthread_join(task->thread, NULL);

        ngx_queue_remove(q);
    }

    if (ngx_http_flagship_thread_ended) {
        ngx_http_flagship_thread_close();
    }
}
