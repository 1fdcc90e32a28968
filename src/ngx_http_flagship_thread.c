
/*
 * Copyright (C) Flagship
 */


/*
 * A thread gets its tasks by a semaphore, NULL as the last one, and writes the
 * address of each that it has run to a pipe, whose other end is among nginx's
 * events.  There is one while there are threads.  ngx_notify() would not do:
 * it holds one handler at a time, and thread pools use it.
 *
 * A timer sends home those that were idle for long, and joins them once they
 * have gone.
 */


#include "ngx_http_flagship_thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>


#define NGX_HTTP_FLAGSHIP_THREAD_IDLE  100      /* ms */


struct ngx_http_flagship_thread_s {
    pthread_t                       id;
    sem_t                           wake;
    ngx_http_flagship_task_t       *task;       /* set before wake */
    ngx_queue_t                     queue;
    ngx_msec_t                      since;      /* it has been idle */
};


static ngx_int_t ngx_http_flagship_thread_open(void);
static ngx_http_flagship_thread_t *ngx_http_flagship_thread_create(void);
static void ngx_http_flagship_thread_give(ngx_http_flagship_thread_t *thread,
    ngx_queue_t *queue, ngx_http_flagship_task_t *task);
static void *ngx_http_flagship_thread_main(void *data);
static void ngx_http_flagship_thread_handler(ngx_event_t *ev);
static ngx_http_flagship_task_t *ngx_http_flagship_thread_take(void);
static void ngx_http_flagship_thread_tick(ngx_event_t *ev);
static void ngx_http_flagship_thread_send_home(
    ngx_http_flagship_thread_t *thread);
static void ngx_http_flagship_thread_free(ngx_http_flagship_thread_t *thread);
static void ngx_http_flagship_thread_close(void);


/*
 * The master starts none, so that a forked worker begins without any.  Those
 * with a task; those without, the one that has been so for longest last; those
 * that were told to end.
 */

static ngx_queue_t        ngx_http_flagship_threads = {
    &ngx_http_flagship_threads, &ngx_http_flagship_threads
};

static ngx_queue_t        ngx_http_flagship_threads_idle = {
    &ngx_http_flagship_threads_idle, &ngx_http_flagship_threads_idle
};

static ngx_queue_t        ngx_http_flagship_threads_going = {
    &ngx_http_flagship_threads_going, &ngx_http_flagship_threads_going
};

static ngx_event_t        ngx_http_flagship_thread_timer;
static ngx_connection_t   ngx_http_flagship_thread_dummy;

static ngx_connection_t  *ngx_http_flagship_thread_ended;
static int                ngx_http_flagship_thread_end;
static ngx_uint_t         ngx_http_flagship_thread_failed;   /* it was logged */


ngx_int_t
ngx_http_flagship_thread_start(ngx_http_flagship_task_t *task)
{
    ngx_queue_t                 *q;
    ngx_http_flagship_thread_t  *thread;

    if (!ngx_queue_empty(&ngx_http_flagship_threads_idle)) {

        q = ngx_queue_head(&ngx_http_flagship_threads_idle);
        thread = ngx_queue_data(q, ngx_http_flagship_thread_t, queue);

        ngx_queue_remove(q);

    } else {
        if (ngx_http_flagship_thread_ended == NULL
            && ngx_http_flagship_thread_open() != NGX_OK)
        {
            return NGX_ERROR;
        }

        thread = ngx_http_flagship_thread_create();

        if (thread == NULL) {
            ngx_http_flagship_thread_close();
            return NGX_ERROR;
        }
    }

    task->thread = thread;

    ngx_http_flagship_thread_give(thread, &ngx_http_flagship_threads, task);

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


static ngx_http_flagship_thread_t *
ngx_http_flagship_thread_create(void)
{
    int                          err;
    sigset_t                     all, before;
    ngx_http_flagship_thread_t  *thread;

    thread = ngx_calloc(sizeof(ngx_http_flagship_thread_t), ngx_cycle->log);
    if (thread == NULL) {
        return NULL;
    }

    (void) sem_init(&thread->wake, 0, 0);

    /* signals are the event loop's, but for those that a fault raises */

    sigfillset(&all);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);

    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    err = pthread_create(&thread->id, NULL, ngx_http_flagship_thread_main,
                         thread);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (err) {
        ngx_http_flagship_thread_free(thread);

        if (!ngx_http_flagship_thread_failed) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, err,
                          "flagship: no thread can be started");
        }

        ngx_http_flagship_thread_failed = 1;

        return NULL;
    }

    ngx_http_flagship_thread_failed = 0;

    return thread;
}


static void
ngx_http_flagship_thread_give(ngx_http_flagship_thread_t *thread,
    ngx_queue_t *queue, ngx_http_flagship_task_t *task)
{
    ngx_queue_insert_tail(queue, &thread->queue);

    thread->task = task;

    (void) sem_post(&thread->wake);
}


static void *
ngx_http_flagship_thread_main(void *data)
{
    ngx_http_flagship_thread_t *thread = data;

    ssize_t                    n;
    struct sched_param         param;
    ngx_http_flagship_task_t  *task;

    /* its share of a processor, but not in the middle of what the loop does */

    ngx_memzero(&param, sizeof(struct sched_param));

    (void) pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);

    for ( ;; ) {

        while (sem_wait(&thread->wake) == -1) { /* void */ }

        task = thread->task;

        if (task == NULL) {
            return NULL;
        }

        task->run(task->data);

        /* as few bytes as these are written at once, or not at all */

        do {
            n = write(ngx_http_flagship_thread_end, &task, sizeof(task));
        } while (n == -1 && ngx_errno == NGX_EINTR);
    }
}


static void
ngx_http_flagship_thread_handler(ngx_event_t *ev)
{
    ngx_event_t               *timer;
    ngx_http_flagship_task_t  *task;

    timer = &ngx_http_flagship_thread_timer;

    if (!timer->timer_set) {

        /* a debugging nginx logs data->fd */

        ngx_http_flagship_thread_dummy.fd = (ngx_socket_t) -1;

        timer->handler = ngx_http_flagship_thread_tick;
        timer->data = &ngx_http_flagship_thread_dummy;
        timer->log = ngx_cycle->log;
        timer->cancelable = 1;

        ngx_add_timer(timer, NGX_HTTP_FLAGSHIP_THREAD_IDLE);
    }

    /* the event comes again for another one */

    task = ngx_http_flagship_thread_take();

    if (task) {
        task->done(task->data);
    }
}


/* The next task that was run; its thread is idle. */

static ngx_http_flagship_task_t *
ngx_http_flagship_thread_take(void)
{
    ngx_queue_t               *q;
    ngx_http_flagship_task_t  *task;

    if (read(ngx_http_flagship_thread_ended->fd, &task, sizeof(task))
        != (ssize_t) sizeof(task))
    {
        return NULL;
    }

    q = &task->thread->queue;

    task->thread->since = ngx_current_msec;

    ngx_queue_remove(q);
    ngx_queue_insert_head(&ngx_http_flagship_threads_idle, q);

    return task;
}


static void
ngx_http_flagship_thread_tick(ngx_event_t *ev)
{
    ngx_queue_t                 *q, *next;
    ngx_http_flagship_thread_t  *thread;

    q = ngx_queue_head(&ngx_http_flagship_threads_going);

    for ( /* void */ ; q != &ngx_http_flagship_threads_going; q = next) {
        next = ngx_queue_next(q);
        thread = ngx_queue_data(q, ngx_http_flagship_thread_t, queue);

        if (pthread_tryjoin_np(thread->id, NULL) == 0) {
            ngx_queue_remove(q);
            ngx_http_flagship_thread_free(thread);
        }
    }

    while (!ngx_queue_empty(&ngx_http_flagship_threads_idle)) {

        q = ngx_queue_last(&ngx_http_flagship_threads_idle);
        thread = ngx_queue_data(q, ngx_http_flagship_thread_t, queue);

        if (ngx_current_msec - thread->since < NGX_HTTP_FLAGSHIP_THREAD_IDLE) {
            break;
        }

        ngx_http_flagship_thread_send_home(thread);
    }

    if (!ngx_queue_empty(&ngx_http_flagship_threads_idle)
        || !ngx_queue_empty(&ngx_http_flagship_threads_going))
    {
        ngx_add_timer(ev, NGX_HTTP_FLAGSHIP_THREAD_IDLE);
        return;
    }

    ngx_http_flagship_thread_close();
}


static void
ngx_http_flagship_thread_send_home(ngx_http_flagship_thread_t *thread)
{
    ngx_queue_remove(&thread->queue);

    ngx_http_flagship_thread_give(thread, &ngx_http_flagship_threads_going,
                                  NULL);
}


static void
ngx_http_flagship_thread_free(ngx_http_flagship_thread_t *thread)
{
    (void) sem_destroy(&thread->wake);
    ngx_free(thread);
}


/* Where no thread is left. */

static void
ngx_http_flagship_thread_close(void)
{
    if (ngx_http_flagship_thread_ended == NULL
        || !ngx_queue_empty(&ngx_http_flagship_threads)
        || !ngx_queue_empty(&ngx_http_flagship_threads_idle)
        || !ngx_queue_empty(&ngx_http_flagship_threads_going))
    {
        return;
    }

    (void) close(ngx_http_flagship_thread_end);

    ngx_close_connection(ngx_http_flagship_thread_ended);
    ngx_http_flagship_thread_ended = NULL;
}


void
ngx_http_flagship_thread_exit_process(void)
{
    ngx_queue_t                 *q;
    ngx_http_flagship_thread_t  *thread;

    if (ngx_http_flagship_thread_ended == NULL) {
        return;
    }

    if (ngx_http_flagship_thread_timer.timer_set) {
        ngx_del_timer(&ngx_http_flagship_thread_timer);
    }

    (void) ngx_blocking(ngx_http_flagship_thread_ended->fd);

    while (!ngx_queue_empty(&ngx_http_flagship_threads)) {
        (void) ngx_http_flagship_thread_take();
    }

    while (!ngx_queue_empty(&ngx_http_flagship_threads_idle)) {

        q = ngx_queue_head(&ngx_http_flagship_threads_idle);
        thread = ngx_queue_data(q, ngx_http_flagship_thread_t, queue);

        ngx_http_flagship_thread_send_home(thread);
    }

    while (!ngx_queue_empty(&ngx_http_flagship_threads_going)) {

        q = ngx_queue_head(&ngx_http_flagship_threads_going);
        thread = ngx_queue_data(q, ngx_http_flagship_thread_t, queue);

        (void) pthread_join(thread->id, NULL);

        ngx_queue_remove(q);
        ngx_http_flagship_thread_free(thread);
    }

    ngx_http_flagship_thread_close();
}
