
/*
 * Copyright (C) Flagship
 */


/*
 * What the model's actors do, and what must hold whatever became of them.
 *
 * Four names are published: A and B are images, C an id set, D the keys.
 */


#include "model_actors.h"


typedef struct {
    flagship_image_t           image;
    uint64_t                   revision;
    uint64_t                   word[20];
    flagship_flag_t            flag[2];    /* "f" and "g" */
    char                       keys[2];
} model_image_t;


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
            model_fail("a name is wrong");
        }

        name = blob.tenant.data[0];

        if (blob.kind != kind(name) || (blob.kind == 0) != (i < view->nsets)) {
            model_fail("a kind is wrong");
        }

        if (image->word[0] != name || image->revision > view->revision
            || blob.len != sizeof(model_image_t)
            || image->image.digest != digest(image))
        {
            model_fail("a blob is not whole");
        }

        if (ngx_http_flagship_view_blob(view, blob.kind, &blob.tenant,
                                        &blob.name, &len)
            != image)
        {
            model_fail("a blob is not found");
        }

        if (blob.kind == NGX_HTTP_FLAGSHIP_BLOB_IMAGE
            && (const void *) ngx_http_flagship_view_find(view, &blob.tenant,
                                                          &blob.name)
               != image)
        {
            model_fail("an image is not found");
        }
    }
}


ngx_int_t
model_publish(ngx_http_flagship_zone_t *zone, uint64_t revision,
    const char *names)
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
            model_published[revision] = 1;
            return NGX_OK;
        }

        if (rc == NGX_DECLINED && model_root->shared.revision > revision) {
            return NGX_DECLINED;
        }

        model_pause();
    }

    return rc;
}


void
model_run_reader(ngx_http_flagship_zone_t *zone)
{
    ngx_http_flagship_view_t  *one, *two;

    one = ngx_http_flagship_zone_acquire(zone);
    check(one);

    model_step(NULL);

    two = ngx_http_flagship_zone_acquire(zone);

    if (two->generation < one->generation) {
        model_fail("a reader went back");
    }

    check(one);
    ngx_http_flagship_view_release(one);

    model_step(NULL);

    check(two);
    ngx_http_flagship_view_release(two);
}


void
model_run_ticker(ngx_http_flagship_zone_t *zone)
{
    (void) ngx_http_flagship_zone_init_process(zone, &model_cycle);

    zone->tick.timer_set = 0;
    zone->tick.handler(&zone->tick);
    model_run_reader(zone);
    zone->tick.timer_set = 0;
    zone->tick.handler(&zone->tick);

    ngx_http_flagship_zone_exit_process(zone);
}


void
model_run_publisher(ngx_http_flagship_zone_t *zone)
{
    (void) model_publish(zone, 2, "A");
    (void) model_publish(zone, 3, "bD");
}


void
model_run_other_publisher(ngx_http_flagship_zone_t *zone)
{
    (void) model_publish(zone, 4, "C");
    (void) model_publish(zone, 6, "BD");
}


void
model_run_touching(ngx_http_flagship_zone_t *zone)
{
    (void) model_publish(zone, 2, "A");

    if (ngx_http_flagship_zone_lead(zone, 1000)) {
        ngx_http_flagship_zone_touch(zone, 5);
        ngx_http_flagship_zone_touch(zone, 4);
    }

    ngx_http_flagship_zone_resign(zone);
}


void
model_run_counting(ngx_http_flagship_zone_t *zone)
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
        model_counted[decision.flag][decision.reason]++;
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

    for (i = 0; i < MODEL_ACTORS; i++) {
        dead += model_actors[i].dead;
    }

    next = 0;

    while (ngx_http_flagship_counted(zone, &next, &is)) {

        if (is.other) {
            if (is.n) {
                model_fail("a count is nobody's");
            }

            continue;
        }

        if (is.tenant.len != 1 || is.tenant.data[0] != 'A'
            || is.environment.len != 1 || is.flag.len != 1
            || is.flag.data[0] < 'f' || is.flag.data[0] > 'g'
            || is.reason > 1)
        {
            model_fail("a count has no name");
        }

        i = is.flag.data[0] - 'f';

        if (found[i][is.reason]++) {
            model_fail("a count is there twice");
        }

        if (is.n < model_counted[i][is.reason]
            || is.n > model_counted[i][is.reason] + dead)
        {
            model_fail("a count is wrong");
        }
    }

    for (i = 0; i < 4; i++) {
        if (model_counted[i & 1][i >> 1] && !found[i & 1][i >> 1]) {
            model_fail("a count is lost");
        }
    }
}


void
model_check_end(void)
{
    uint64_t                       offset;
    ngx_uint_t                     sets, revision;
    ngx_http_flagship_zone_t      *zone;
    ngx_http_flagship_view_t      *view;
    ngx_http_flagship_block_t     *block;
    ngx_http_flagship_zone_stat_t  stat;

    model_become(MODEL_ACTORS);
    zone = &model_actors[MODEL_ACTORS].zone;

    for (offset = model_root->heap; offset < model_root->size;
         offset += block->size)
    {
        block = ngx_http_flagship_at(model_root, offset);

        if (block->size == 0 || block->size % NGX_HTTP_FLAGSHIP_ZONE_ALIGN) {
            model_fail("the heap is broken");
        }
    }

    if (offset != model_root->size) {
        model_fail("the heap does not end at its end");
    }

    view = ngx_http_flagship_zone_acquire(zone);

    check(view);
    sets = view->nblobs;

    for (revision = 2; revision < 7; revision++) {
        if (model_published[revision] && view->revision < revision) {
            model_fail("a publication is lost");
        }
    }

    ngx_http_flagship_view_release(view);
    check_counts(zone);
    ngx_http_flagship_zone_stat(zone, &stat);

    if (model_shpool.lock.lock) {
        model_fail("the mutex is not free");
    }

    if (stat.catalogs != 1 || stat.images != sets) {
        model_fail("memory is not reclaimed");
    }

    if (model_publish(zone, 7, "ABCD") != NGX_OK) {
        model_fail("nothing can be published any more");
    }

    view = ngx_http_flagship_zone_acquire(zone);
    check(view);

    if (view->revision != 7 || view->nsets != 2
        || view->nblobs != 4
        || model_root->shared.revision != 7)
    {
        model_fail("the last publication does not serve");
    }

    ngx_http_flagship_view_release(view);
    ngx_http_flagship_zone_stat(zone, &stat);

    if (stat.catalogs != 1 || stat.images != 4) {
        model_fail("memory is not reclaimed in the end");
    }
}
