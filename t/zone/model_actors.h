
/*
 * Copyright (C) Flagship
 */


/*
 * What the model's files share.  model.c has the schedules; model_actors.c what
 * actors do and what must hold; model_nginx.c what src/zone needs of nginx.
 */


#ifndef _MODEL_ACTORS_H_INCLUDED_
#define _MODEL_ACTORS_H_INCLUDED_


#include "ngx_http_flagship_zone_root.h"
#include "ngx_http_flagship_zone_count.h"

#include <ucontext.h>


#define MODEL_ACTORS  3
#define MODEL_PID     1000       /* of the first */


typedef struct {
    const char                *name;
    void                     (*run)(ngx_http_flagship_zone_t *zone);

    ngx_http_flagship_zone_t   zone;
    ucontext_t                 context;
    ngx_uint_t                 done;
    ngx_uint_t                 dead;
} model_actor_t;


/* model.c: of the schedule that runs. */

extern model_actor_t              model_actors[MODEL_ACTORS + 1];
                                            /* the last looks at the end */
extern ngx_uint_t                 model_current;
extern ngx_uint_t                 model_published[8];
                                            /* by revision: told that it is */
extern ngx_uint_t                 model_counted[2][2];
                                            /* by flag and reason */
extern ngx_slab_pool_t            model_shpool;
extern ngx_http_flagship_root_t  *model_root;

/* Before each atomic operation: whoever is to run does. */
void model_step(const volatile void *p);
/* Somebody else first, if there is somebody. */
void model_pause(void);
void model_become(ngx_uint_t i);
/* Says what does not hold, and in which schedule; does not return. */
void model_fail(const char *what);


/* model_nginx.c */

extern ngx_cycle_t                model_cycle;


/* model_actors.c */

/* Publishes "names", each an upper case letter: new, or lower case: dropped. */
ngx_int_t model_publish(ngx_http_flagship_zone_t *zone, uint64_t revision,
    const char *names);

/* Two views that overlap, of whatever is live. */
void model_run_reader(ngx_http_flagship_zone_t *zone);
/* A worker from its start to its end, with nothing but ticks between. */
void model_run_ticker(ngx_http_flagship_zone_t *zone);
void model_run_publisher(ngx_http_flagship_zone_t *zone);
void model_run_other_publisher(ngx_http_flagship_zone_t *zone);
void model_run_touching(ngx_http_flagship_zone_t *zone);
/* Everything twice: the first time makes a series, the second one finds it. */
void model_run_counting(ngx_http_flagship_zone_t *zone);

/* What any state may come to: one more worker looks, and goes on. */
void model_check_end(void);


#endif /* _MODEL_ACTORS_H_INCLUDED_ */
