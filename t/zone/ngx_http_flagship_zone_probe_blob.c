
/*
 * Copyright (C) Flagship
 */


/*
 * Blobs that are made up: a name, a revision, bytes that follow from both, and
 * a digest, so that whoever reads one can tell whether it is whole and whose
 * it is.  A name is TENANT.ENV of an image, "set/TENANT.KEY" of an id set,
 * "keys/." of the API keys.
 */


#include "ngx_http_flagship_zone_probe.h"


const char  *probe_kinds[] = { "", "set/", "keys/" };


uint64_t
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


ngx_uint_t
probe_check(ngx_http_flagship_view_t *view)
{
    ngx_uint_t  i, bad;

    bad = 0;

    for (i = 0; i < view->nblobs; i++) {
        bad += probe_wrong(view, i);
    }

    return bad;
}


probe_publication_t *
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


void
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


void
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


void
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
