
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
 *
 * Four names are published: A and B are images, C an id set, D the keys.
 */


#include "ngx_http_flagship_zone_root.h"
#include "ngx_http_flagship_zone_count.h"

#include <ucontext.h>


#define ACTORS  3
#define STACK   (256 * 1024)
#define HEAP    8192
#define COUNTS  4096
#define KILL    ACTORS
#define EVENTS  4
#define PID     1000


typedef struct {
    const char                *name;
    void                     (*run)(ngx_http_flagship_zone_t *zone);

    ngx_http_flagship_zone_t   zone;
    ucontext_t                 context;
    ngx_uint_t                 done;
    ngx_uint_t                 dead;
} actor_t;

typedef struct {
    flagship_image_t           image;
    uint64_t                   revision;
    uint64_t                   word[20];
    flagship_flag_t            flag[2];    /* "f" and "g" */
    char                       keys[2];
} model_image_t;

typedef struct {
    ngx_uint_t                 at;
    ngx_uint_t                 what;       /* an actor, or KILL */
} event_t;


void model_step(const volatile void *p);


static actor_t      actors[ACTORS + 1];    /* the last looks at the end */
static char         stacks[ACTORS][STACK];
static ucontext_t   scheduler;
static ngx_uint_t   current, wanted, begins, steps, events_done;
static event_t      events[EVENTS];
static ngx_uint_t   nevents;
static ngx_uint_t   published[8];          /* by revision: told that it is */
static ngx_uint_t   counted[2][2];         /* by flag and reason */
static const char  *scene;

static ngx_slab_pool_t            shpool;
static ngx_http_flagship_root_t  *root;
static u_char                    *fresh;
static size_t                     size;


/* nginx, as far as src/zone needs it */

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
static ngx_cycle_t      model_cycle;

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
    if (shpool.lock.lock) {
        return 0;
    }

    model_step(&shpool);

    if (shpool.lock.lock) {
        return 0;
    }

    shpool.lock.lock = ngx_pid;

    return 1;
}


void
ngx_shmtx_unlock(ngx_shmtx_t *mutex)
{
    model_step(&shpool);
    shpool.lock.lock = 0;
}


ngx_uint_t
ngx_shmtx_force_unlock(ngx_shmtx_t *mutex, ngx_pid_t pid)
{
    if (shpool.lock.lock == (ngx_atomic_uint_t) pid) {
        shpool.lock.lock = 0;
        return 1;
    }

    return 0;
}


/* Signal 0 alone: whether the actor lives. */

int
kill(pid_t pid, int signal)
{
    if (pid >= PID && pid <= PID + ACTORS && actors[pid - PID].dead) {
        errno = ESRCH;
        return -1;
    }

    return 0;
}


static void
fail(const char *what)
{
    ngx_uint_t  i;

    printf("not ok - %s: %s, in %s at step %lu\n", scene, what,
           current < ACTORS ? actors[current].name : "the end",
           (unsigned long) steps);

    printf("#   %s begins\n", actors[begins].name);

    for (i = 0; i < nevents; i++) {
        printf("#   step %lu: %s\n", (unsigned long) events[i].at,
               events[i].what == KILL ? "killed"
                                      : actors[events[i].what].name);
    }

    exit(1);
}


/* Slots and holds that no actor ever uses are read by everybody: no step. */

static ngx_uint_t
boring(const volatile void *p)
{
    const volatile u_char  *address = p;

    if (address >= (u_char *) &root->slots[ACTORS + 3]
        && address < (u_char *) root->holds)
    {
        return 1;
    }

    return address >= (u_char *) &root->holds[ACTORS]
           && address < (u_char *) (root + 1);
}


void
model_step(const volatile void *p)
{
    event_t  *event;

    if (current == ACTORS || boring(p)) {
        return;
    }

    steps++;

    if (events_done == nevents || steps != events[events_done].at) {
        return;
    }

    event = &events[events_done++];

    if (event->what == KILL) {
        actors[current].dead = 1;

    } else {
        wanted = event->what;
    }

    swapcontext(&actors[current].context, &scheduler);
}


/* Somebody else first, if there is somebody. */

static void
pause_actor(void)
{
    if (current != ACTORS) {
        wanted = (current + 1) % ACTORS;
        swapcontext(&actors[current].context, &scheduler);
    }
}


static void
start_actor(void)
{
    actors[current].run(&actors[current].zone);
    actors[current].done = 1;
}


static uint64_t
digest(const model_image_t *image)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = image->revision;

    for (i = 0; i < 20; i++) {
        sum = (sum ^ image->word[i]) * 0x100000001b3ull;
    }

    return sum;
}


static ngx_uint_t
kind(ngx_uint_t name)
{
    return name == 'C' ? NGX_HTTP_FLAGSHIP_BLOB_SET
           : name == 'D' ? NGX_HTTP_FLAGSHIP_BLOB_KEYS
           : NGX_HTTP_FLAGSHIP_BLOB_IMAGE;
}


static void
check(ngx_http_flagship_view_t *view)
{
    size_t                    len;
    ngx_uint_t                i, name;
    const model_image_t      *image;
    ngx_http_flagship_blob_t  blob;

    name = 0;

    for (i = 0; i < view->nblobs; i++) {
        ngx_http_flagship_view_entry(view, i, &blob);
        image = blob.data;

        if (blob.tenant.len != 1 || blob.name.len != 1
            || blob.tenant.data[0] <= name)
        {
            fail("a name is wrong");
        }

        name = blob.tenant.data[0];

        if (blob.kind != kind(name) || (blob.kind == 0) != (i < view->nsets)) {
            fail("a kind is wrong");
        }

        if (image->word[0] != name || image->revision > view->revision
            || blob.len != sizeof(model_image_t)
            || image->image.digest != digest(image))
        {
            fail("a blob is not whole");
        }

        if (ngx_http_flagship_view_blob(view, blob.kind, &blob.tenant,
                                        &blob.name, &len)
            != image)
        {
            fail("a blob is not found");
        }

        if (blob.kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE
            && (const void *) ngx_http_flagship_view_find(view, &blob.tenant,
                                                          &blob.name)
               != image)
        {
            fail("an image is not found");
        }
    }
}


/* Publishes "names", each an upper case letter: new, or lower case: dropped. */

static ngx_int_t
publish(ngx_http_flagship_zone_t *zone, uint64_t revision, const char *names)
{
    u_char                               upper[4];
    ngx_int_t                            rc;
    ngx_uint_t                           i, k, n, tries;
    model_image_t                        image[4];
    ngx_http_flagship_publication_t      p;
    ngx_http_flagship_publication_set_t  set[4];

    n = strlen(names);

    memset(set, 0, sizeof(set));
    memset(image, 0, sizeof(image));

    for (i = 0; i < n; i++) {
        upper[i] = names[i] & ~0x20;

        set[i].kind = kind(upper[i]);
        set[i].tenant.data = &upper[i];
        set[i].tenant.len = 1;
        set[i].name.data = (u_char *) "e";
        set[i].name.len = 1;

        if (names[i] & 0x20) {
            continue;
        }

        image[i].revision = revision;
        memset(image[i].word, (int) revision, sizeof(image[i].word));
        image[i].word[0] = upper[i];
        image[i].image.len = sizeof(model_image_t);
        image[i].image.flags.offset = offsetof(model_image_t, flag);
        image[i].image.flags.n = 2;

        for (k = 0; k < 2; k++) {
            image[i].keys[k] = 'f' + k;
            image[i].flag[k].chunk = offsetof(model_image_t, keys);
            image[i].flag[k].key = k;
            image[i].flag[k].key_len = 1;
        }

        image[i].image.digest = digest(&image[i]);

        set[i].data = &image[i];
        set[i].len = sizeof(model_image_t);
    }

    for (tries = 0; tries < 4; tries++) {
        memset(&p, 0, sizeof(p));

        p.revision = revision;
        p.force = 1;
        p.nsets = n;
        p.sets = set;
        p.epoch.data = (u_char *) "epoch";
        p.epoch.len = 5;

        rc = ngx_http_flagship_zone_reserve(zone, &p);

        if (rc == NGX_OK) {
            ngx_http_flagship_zone_copy(zone, &p);
            rc = ngx_http_flagship_zone_commit(zone, &p);
        }

        if (rc == NGX_OK) {
            published[revision] = 1;
            return NGX_OK;
        }

        if (rc == NGX_DECLINED && root->shared.revision > revision) {
            return NGX_DECLINED;
        }

        pause_actor();
    }

    return rc;
}


/* Two views that overlap, of whatever is live */

static void
run_reader(ngx_http_flagship_zone_t *zone)
{
    ngx_http_flagship_view_t  *one, *two;

    one = ngx_http_flagship_zone_acquire(zone);
    check(one);

    model_step(NULL);

    two = ngx_http_flagship_zone_acquire(zone);

    if (two->generation < one->generation) {
        fail("a reader went back");
    }

    check(one);
    ngx_http_flagship_view_release(one);

    model_step(NULL);

    check(two);
    ngx_http_flagship_view_release(two);
}


/* A worker from its start to its end, with nothing but ticks between */

static void
run_ticker(ngx_http_flagship_zone_t *zone)
{
    (void) ngx_http_flagship_zone_init_process(zone, &model_cycle);

    zone->tick.timer_set = 0;
    zone->tick.handler(&zone->tick);
    run_reader(zone);
    zone->tick.timer_set = 0;
    zone->tick.handler(&zone->tick);

    ngx_http_flagship_zone_exit_process(zone);
}


static void
run_publisher(ngx_http_flagship_zone_t *zone)
{
    (void) publish(zone, 2, "A");
    (void) publish(zone, 3, "bD");
}


static void
run_other_publisher(ngx_http_flagship_zone_t *zone)
{
    (void) publish(zone, 4, "C");
    (void) publish(zone, 6, "BD");
}


static void
run_touching(ngx_http_flagship_zone_t *zone)
{
    (void) publish(zone, 2, "A");

    if (ngx_http_flagship_zone_lead(zone, 1000)) {
        ngx_http_flagship_zone_touch(zone, 5);
        ngx_http_flagship_zone_touch(zone, 4);
    }

    ngx_http_flagship_zone_resign(zone);
}


/* Everything twice: the first time makes a series, the second one finds it. */

static void
run_counting(ngx_http_flagship_zone_t *zone)
{
    ngx_str_t                  tenant, environment;
    ngx_uint_t                 i;
    flagship_decision_t        decision;
    const flagship_image_t    *image;
    ngx_http_flagship_view_t  *view;

    ngx_http_flagship_count_enter(zone);

    view = ngx_http_flagship_zone_acquire(zone);
    image = ngx_http_flagship_view_set(view, 0, &tenant, &environment);

    for (i = 0; i < 8; i++) {
        decision.flag = i & 1;
        decision.reason = i >> 1 & 1;
        decision.variant = FLAGSHIP_NO_VARIANT;

        ngx_http_flagship_count(view, image, &decision, 1);
        counted[decision.flag][decision.reason]++;
    }

    ngx_http_flagship_view_release(view);
    ngx_http_flagship_count_leave(zone);
}


static void
check_counts(ngx_http_flagship_zone_t *zone)
{
    ngx_uint_t                    i, next, dead, found[2][2];
    ngx_http_flagship_counted_t   is;

    memset(found, 0, sizeof(found));
    dead = 0;

    for (i = 0; i < ACTORS; i++) {
        dead += actors[i].dead;
    }

    next = 0;

    while (ngx_http_flagship_counted(zone, &next, &is)) {

        if (is.other) {
            if (is.n) {
                fail("a count is nobody's");
            }

            continue;
        }

        if (is.tenant.len != 1 || is.tenant.data[0] != 'A'
            || is.environment.len != 1 || is.flag.len != 1
            || is.flag.data[0] < 'f' || is.flag.data[0] > 'g'
            || is.reason > 1)
        {
            fail("a count has no name");
        }

        i = is.flag.data[0] - 'f';

        if (found[i][is.reason]++) {
            fail("a count is there twice");
        }

        if (is.n < counted[i][is.reason]
            || is.n > counted[i][is.reason] + dead)
        {
            fail("a count is wrong");
        }
    }

    for (i = 0; i < 4; i++) {
        if (counted[i & 1][i >> 1] && !found[i & 1][i >> 1]) {
            fail("a count is lost");
        }
    }
}


static void
become(ngx_uint_t i)
{
    current = i;
    ngx_pid = PID + i;
    ngx_process_slot = i;
}


/* What any state may come to: one more worker looks, and goes on. */

static void
check_end(void)
{
    uint64_t                       offset;
    ngx_uint_t                     sets, revision;
    ngx_http_flagship_zone_t      *zone;
    ngx_http_flagship_view_t      *view;
    ngx_http_flagship_block_t     *block;
    ngx_http_flagship_zone_stat_t  stat;

    become(ACTORS);
    zone = &actors[ACTORS].zone;

    for (offset = root->heap; offset < root->size; offset += block->size) {
        block = ngx_http_flagship_at(root, offset);

        if (block->size == 0 || block->size % NGX_HTTP_FLAGSHIP_ZONE_ALIGN) {
            fail("the heap is broken");
        }
    }

    if (offset != root->size) {
        fail("the heap does not end at its end");
    }

    view = ngx_http_flagship_zone_acquire(zone);

    check(view);
    sets = view->nblobs;

    for (revision = 2; revision < 7; revision++) {
        if (published[revision] && view->revision < revision) {
            fail("a publication is lost");
        }
    }

    ngx_http_flagship_view_release(view);
    check_counts(zone);
    ngx_http_flagship_zone_stat(zone, &stat);

    if (shpool.lock.lock) {
        fail("the mutex is not free");
    }

    if (stat.catalogs != 1 || stat.images != sets) {
        fail("memory is not reclaimed");
    }

    if (publish(zone, 7, "ABCD") != NGX_OK) {
        fail("nothing can be published any more");
    }

    view = ngx_http_flagship_zone_acquire(zone);
    check(view);

    if (view->revision != 7 || view->nsets != 2
        || view->nblobs != 4
        || root->shared.revision != 7)
    {
        fail("the last publication does not serve");
    }

    ngx_http_flagship_view_release(view);
    ngx_http_flagship_zone_stat(zone, &stat);

    if (stat.catalogs != 1 || stat.images != 4) {
        fail("memory is not reclaimed in the end");
    }
}


/* One schedule; the number of steps that it took. */

static ngx_uint_t
run(void)
{
    ngx_uint_t  i, next;

    memcpy(root, fresh, size);
    memset(published, 0, sizeof(published));
    memset(counted, 0, sizeof(counted));
    shpool.lock.lock = 0;
    steps = 0;
    events_done = 0;
    wanted = begins;

    for (i = 0; i <= ACTORS; i++) {
        memset(&actors[i].zone, 0, sizeof(ngx_http_flagship_zone_t));
        actors[i].zone.root = root;
        actors[i].zone.shpool = &shpool;
        actors[i].done = actors[i].run == NULL;
        actors[i].dead = 0;

        if (actors[i].run) {
            getcontext(&actors[i].context);
            actors[i].context.uc_stack.ss_sp = stacks[i];
            actors[i].context.uc_stack.ss_size = STACK;
            actors[i].context.uc_link = &scheduler;
            makecontext(&actors[i].context, start_actor, 0);
        }
    }

    for ( ;; ) {
        next = wanted;

        for (i = 0; i < ACTORS; i++) {
            if (!actors[next].done && !actors[next].dead) {
                break;
            }

            next = (next + 1) % ACTORS;
        }

        if (i == ACTORS) {
            break;
        }

        become(next);
        wanted = next;
        swapcontext(&scheduler, &actors[next].context);
    }

    check_end();

    /* views of the dead, and what was kept */

    for (i = 0; i <= ACTORS; i++) {
        if (actors[i].zone.view && !actors[i].dead) {
            free(actors[i].zone.view);
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

            if (what < ACTORS && actors[what].run == NULL) {
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

    begins = random() % ACTORS;
    nevents = EVENTS;

    for (i = 0; i < EVENTS; i++) {
        events[i].at = 1 + random() % length;
        events[i].what = random() % (i ? ACTORS : ACTORS + 1);
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

    actors[0].name = "one";
    actors[0].run = one;
    actors[1].name = "two";
    actors[1].run = two;
    actors[2].name = "three";
    actors[2].run = three;

    length = 0;
    runs = n;

    for (begins = 0; begins < ACTORS; begins++) {
        if (actors[begins].run) {
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

    model_cycle.log = &model_log;
    shpool.mutex.lock = &shpool.lock.lock;

    size = ngx_align(sizeof(ngx_http_flagship_root_t), 64) + COUNTS + HEAP;
    root = aligned_alloc(4096, ngx_align(size, 4096));
    fresh = malloc(size);

    memset(root, 0, size);
    root->magic = NGX_HTTP_FLAGSHIP_ZONE_MAGIC;
    root->layout = NGX_HTTP_FLAGSHIP_ZONE_LAYOUT;
    ngx_http_flagship_heap_init(root, size, COUNTS);
    ngx_http_flagship_counts_init(root, COUNTS, 1);

    /* what every run starts from */

    become(ACTORS);
    actors[ACTORS].zone.root = root;
    actors[ACTORS].zone.shpool = &shpool;

    if (publish(&actors[ACTORS].zone, 1, "ABC") != NGX_OK) {
        fail("the first publication");
    }

    ngx_http_flagship_hold_leave(root, ACTORS);
    memcpy(fresh, root, size);

    printf("1..7\n");

    play("a publisher, a reader", stride, n, run_publisher, run_reader, NULL);
    play("a publisher, a reader, a worker that comes and goes", stride, n,
         run_publisher, run_reader, run_ticker);
    play("two publishers, a reader", stride, n, run_publisher,
         run_other_publisher, run_reader);
    play("two publishers, a worker that comes and goes", stride, n,
         run_publisher, run_other_publisher, run_ticker);
    play("a revision that moves on, a publisher, a reader", stride, n,
         run_touching, run_other_publisher, run_reader);
    play("two that count", stride, n, run_counting, run_counting, NULL);
    play("two that count, a publisher", stride, n, run_counting, run_counting,
         run_publisher);

    return 0;
}
