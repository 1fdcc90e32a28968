
/*
 * Copyright (C) Flagship
 */


/*
 * The zone's protocol under every schedule with few switches: src/zone as it
 * is, with nginx around it made up, run by actors that are coroutines of one
 * process and take turns at each atomic operation.
 *
 *     model [STRIDE [RANDOM [SEED]]]
 *
 * An actor is a worker: it has a pid, a process slot and a handle of its own.
 * A schedule is who begins, and a list of events, each at a step of the whole
 * run: another actor goes on, or the one that runs is killed there.  Run are
 * all schedules of up to two events (a STRIDE makes the second one skip
 * steps), and RANDOM ones of four.
 *
 * What must hold: a blob that a view lists is whole as long as the view is
 * held; a reader never goes back; who publishes and is told so is not lost;
 * in the end nothing remains but the live catalog and its blobs, and the zone
 * takes another publication.
 *
 * Evaluations are counted, too: no count is lost or made up but the one at
 * which its worker is killed, and each is found under one name.
 */


#include "model_actors.h"


#define STACK   (256 * 1024)
#define HEAP    8192
#define COUNTS  4096
#define KILL    MODEL_ACTORS
#define EVENTS  4


typedef struct {
    ngx_uint_t                 at;
    ngx_uint_t                 what;       /* an actor, or KILL */
} event_t;


model_actor_t              model_actors[MODEL_ACTORS + 1];
ngx_uint_t                 model_current;
ngx_uint_t                 model_published[8];
ngx_uint_t                 model_counted[2][2];
ngx_slab_pool_t            model_shpool;
ngx_http_flagship_root_t  *model_root;

static char                stacks[MODEL_ACTORS][STACK];
static ucontext_t          scheduler;
static ngx_uint_t          wanted, begins, steps, events_done;
static event_t             events[EVENTS];
static ngx_uint_t          nevents;
static const char         *scene;
static u_char             *fresh;
static size_t              size;


void
model_fail(const char *what)
{
    ngx_uint_t  i;

    printf("not ok - %s: %s, in %s at step %lu\n", scene, what,
           model_current < MODEL_ACTORS ? model_actors[model_current].name
                                        : "the end",
           (unsigned long) steps);

    printf("#   %s begins\n", model_actors[begins].name);

    for (i = 0; i < nevents; i++) {
        printf("#   step %lu: %s\n", (unsigned long) events[i].at,
               events[i].what == KILL ? "killed"
                                      : model_actors[events[i].what].name);
    }

    exit(1);
}


/* Slots and holds that no actor ever uses are read by everybody: no step. */

static ngx_uint_t
boring(const volatile void *p)
{
    const volatile u_char  *address = p;

    if (address >= (u_char *) &model_root->slots[MODEL_ACTORS + 3]
        && address < (u_char *) model_root->holds)
    {
        return 1;
    }

    return address >= (u_char *) &model_root->holds[MODEL_ACTORS]
           && address < (u_char *) (model_root + 1);
}


void
model_step(const volatile void *p)
{
    event_t  *event;

    if (model_current == MODEL_ACTORS || boring(p)) {
        return;
    }

    steps++;

    if (events_done == nevents || steps != events[events_done].at) {
        return;
    }

    event = &events[events_done++];

    if (event->what == KILL) {
        model_actors[model_current].dead = 1;

    } else {
        wanted = event->what;
    }

    swapcontext(&model_actors[model_current].context, &scheduler);
}


void
model_pause(void)
{
    if (model_current != MODEL_ACTORS) {
        wanted = (model_current + 1) % MODEL_ACTORS;
        swapcontext(&model_actors[model_current].context, &scheduler);
    }
}


static void
start_actor(void)
{
    model_actors[model_current].run(&model_actors[model_current].zone);
    model_actors[model_current].done = 1;
}


void
model_become(ngx_uint_t i)
{
    model_current = i;
    ngx_pid = MODEL_PID + i;
    ngx_process_slot = i;
}


/* One schedule; the number of steps that it took. */

static ngx_uint_t
run(void)
{
    ngx_uint_t  i, next;

    memcpy(model_root, fresh, size);
    memset(model_published, 0, sizeof(model_published));
    memset(model_counted, 0, sizeof(model_counted));
    model_shpool.lock.lock = 0;
    steps = 0;
    events_done = 0;
    wanted = begins;

    for (i = 0; i <= MODEL_ACTORS; i++) {
        memset(&model_actors[i].zone, 0, sizeof(ngx_http_flagship_zone_t));
        model_actors[i].zone.root = model_root;
        model_actors[i].zone.shpool = &model_shpool;
        model_actors[i].done = model_actors[i].run == NULL;
        model_actors[i].dead = 0;

        if (model_actors[i].run) {
            getcontext(&model_actors[i].context);
            model_actors[i].context.uc_stack.ss_sp = stacks[i];
            model_actors[i].context.uc_stack.ss_size = STACK;
            model_actors[i].context.uc_link = &scheduler;
            makecontext(&model_actors[i].context, start_actor, 0);
        }
    }

    for ( ;; ) {
        next = wanted;

        for (i = 0; i < MODEL_ACTORS; i++) {
            if (!model_actors[next].done && !model_actors[next].dead) {
                break;
            }

            next = (next + 1) % MODEL_ACTORS;
        }

        if (i == MODEL_ACTORS) {
            break;
        }

        model_become(next);
        wanted = next;
        swapcontext(&scheduler, &model_actors[next].context);
    }

    model_check_end();

    /* views of the dead, and what was kept */

    for (i = 0; i <= MODEL_ACTORS; i++) {
        if (model_actors[i].zone.view && !model_actors[i].dead) {
            free(model_actors[i].zone.view);
        }
    }

    return steps;
}


/* All schedules that begin with the events that there are */

static ngx_uint_t
enumerate(ngx_uint_t first, ngx_uint_t last, ngx_uint_t stride)
{
    ngx_uint_t  at, what, runs, length;

    runs = 0;

    for (at = first; at <= last; at += nevents ? stride : 1) {
        for (what = 0; what <= KILL; what++) {

            if (what < MODEL_ACTORS && model_actors[what].run == NULL) {
                continue;
            }

            events[nevents].at = at;
            events[nevents].what = what;
            nevents++;

            length = run();
            runs++;

            /* an event behind the end has not happened */

            if (nevents < 2 && events_done == nevents) {
                runs += enumerate(at + 1, length, stride);
            }

            nevents--;
        }
    }

    return runs;
}


static int
event_compare(const void *one, const void *two)
{
    const event_t  *first = one;
    const event_t  *second = two;

    return (first->at > second->at) - (first->at < second->at);
}


static void
play_random(ngx_uint_t length)
{
    ngx_uint_t  i;

    begins = random() % MODEL_ACTORS;
    nevents = EVENTS;

    for (i = 0; i < EVENTS; i++) {
        events[i].at = 1 + random() % length;
        events[i].what = random() % (i ? MODEL_ACTORS : MODEL_ACTORS + 1);
    }

    qsort(events, EVENTS, sizeof(event_t), event_compare);

    (void) run();

    nevents = 0;
}


static void
play(const char *name, ngx_uint_t stride, ngx_uint_t n,
    void (*one)(ngx_http_flagship_zone_t *),
    void (*two)(ngx_http_flagship_zone_t *),
    void (*three)(ngx_http_flagship_zone_t *))
{
    ngx_uint_t         i, length, runs;
    static ngx_uint_t  number;

    scene = name;

    model_actors[0].name = "one";
    model_actors[0].run = one;
    model_actors[1].name = "two";
    model_actors[1].run = two;
    model_actors[2].name = "three";
    model_actors[2].run = three;

    length = 0;
    runs = n;

    for (begins = 0; begins < MODEL_ACTORS; begins++) {
        if (model_actors[begins].run) {
            length = run();
            runs += 1 + enumerate(1, length, stride);
        }
    }

    for (i = 0; i < n; i++) {
        play_random(length);
    }

    printf("ok %lu - %s: %lu schedules of %lu steps and more\n",
           (unsigned long) ++number, name, (unsigned long) runs,
           (unsigned long) length);
}


int
main(int argc, char **argv)
{
    ngx_uint_t  stride, n;

    stride = argc > 1 ? atoi(argv[1]) : 1;
    n = argc > 2 ? atoi(argv[2]) : 10000;
    srandom(argc > 3 ? atoi(argv[3]) : 1);

    setvbuf(stdout, NULL, _IOLBF, 0);

    model_shpool.mutex.lock = &model_shpool.lock.lock;

    size = ngx_align(sizeof(ngx_http_flagship_root_t), 64) + COUNTS + HEAP;
    model_root = aligned_alloc(4096, ngx_align(size, 4096));
    fresh = malloc(size);

    memset(model_root, 0, size);
    model_root->magic = NGX_HTTP_FLAGSHIP_ZONE_MAGIC;
    model_root->layout = NGX_HTTP_FLAGSHIP_ZONE_LAYOUT;
    ngx_http_flagship_heap_init(model_root, size, COUNTS);
    ngx_http_flagship_counts_init(model_root, COUNTS, 1);

    /* what every run starts from */

    model_become(MODEL_ACTORS);
    model_actors[MODEL_ACTORS].zone.root = model_root;
    model_actors[MODEL_ACTORS].zone.shpool = &model_shpool;

    if (model_publish(&model_actors[MODEL_ACTORS].zone, 1, "ABC") != NGX_OK) {
        model_fail("the first publication");
    }

    ngx_http_flagship_hold_leave(model_root, MODEL_ACTORS);
    memcpy(fresh, model_root, size);

    printf("1..7\n");

    play("a publisher, a reader", stride, n,
         model_run_publisher, model_run_reader, NULL);
    play("a publisher, a reader, a worker that comes and goes", stride, n,
         model_run_publisher, model_run_reader, model_run_ticker);
    play("two publishers, a reader", stride, n, model_run_publisher,
         model_run_other_publisher, model_run_reader);
    play("two publishers, a worker that comes and goes", stride, n,
         model_run_publisher, model_run_other_publisher, model_run_ticker);
    play("a revision that moves on, a publisher, a reader", stride, n,
         model_run_touching, model_run_other_publisher, model_run_reader);
    play("two that count", stride, n,
         model_run_counting, model_run_counting, NULL);
    play("two that count, a publisher", stride, n,
         model_run_counting, model_run_counting, model_run_publisher);

    return 0;
}
