
/*
 * Copyright (C) Flagship
 */


/*
 * Work that would hold up the event loop: a task in a thread of its own.
 *
 * A thread that has done its task waits a moment for another one, so that many
 * changes in a row do not start one each, and ends where none comes.  nginx's
 * thread pools start theirs in every worker and keep them, and a process with
 * threads pays for them all the time: the kernel then counts references to the
 * open files in each system call, and the C library locks in each malloc().
 * That is more than deciding some flags costs, while flags are compiled in one
 * worker and seldom.
 *
 * All calls are made in the event loop of a worker, and none waits for a
 * thread: on a processor that is busy that takes as long as others let it.
 */


#ifndef _NGX_HTTP_FLAGSHIP_THREAD_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_THREAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


typedef struct ngx_http_flagship_thread_s  ngx_http_flagship_thread_t;


/* The caller's memory, from start() until done() is called. */

typedef struct {
    void                          (*run)(void *data);   /* in the thread */
    void                          (*done)(void *data);  /* in the loop, when
                                                           that is over */
    void                           *data;

    /* of the callee */
    ngx_http_flagship_thread_t     *thread;
} ngx_http_flagship_task_t;


/* NGX_ERROR: nothing was started; no thread, no descriptor, no connection is
   free. */
ngx_int_t ngx_http_flagship_thread_start(ngx_http_flagship_task_t *task);

/* The worker exits: waits for all threads.  done() is not called. */
void ngx_http_flagship_thread_exit_process(void);


#endif /* _NGX_HTTP_FLAGSHIP_THREAD_H_INCLUDED_ */
