
/*
 * Copyright (C) Flagship
 */


/*
 * The id sets of an image: out of a file of flags, or of an image's file, in
 * which they stand behind the image, in the order in which it names them.
 */


#include "flagshipctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    const flagship_image_t   *image;
    const flagship_idset_t  **sets;
} flagshipctl_idsets_t;


static int flagshipctl_idsets_take(void *data, flagship_str_t name,
    flagship_idset_t *set);


const flagship_idset_t **
flagshipctl_idsets(const flagshipctl_document_t *d,
    const flagship_image_t *image)
{
    size_t                size;
    flagshipctl_idsets_t  ctx;

    size = (image->sets.n + 1) * sizeof(flagship_idset_t *);

    ctx.image = image;
    ctx.sets = flagshipctl_alloc(NULL, size);
    memset(ctx.sets, 0, size);

    if (flagship_document_idsets(d->json.nodes, flagshipctl_idsets_take, &ctx)
        != FLAGSHIP_OK)
    {
        flagshipctl_fail("no memory");
    }

    return ctx.sets;
}


static int
flagshipctl_idsets_take(void *data, flagship_str_t name, flagship_idset_t *set)
{
    uint32_t               i;
    flagshipctl_idsets_t  *ctx = data;

    for (i = 0; i < ctx->image->sets.n; i++) {
        if (flagship_str_eq(flagship_image_set(ctx->image, i), name)) {
            ctx->sets[i] = set;
            return FLAGSHIP_OK;
        }
    }

    free(set);

    return FLAGSHIP_OK;
}


const flagship_image_t *
flagshipctl_image_load(const char *file, flagshipctl_buf_t *buf,
    const flagship_idset_t ***sets)
{
    size_t                   at, len;
    uint32_t                 i;
    const char              *error;
    const flagship_image_t  *image;
    const flagship_idset_t  *set;

    buf->len = 0;
    flagshipctl_read(file, buf);

    image = (const flagship_image_t *) buf->data;
    len = buf->len;

    if (len >= sizeof(flagship_image_t) && image->len < len) {
        len = image->len;
    }

    switch (flagship_image_verify(image, len, &error)) {

    case FLAGSHIP_OK:
        break;

    case FLAGSHIP_DECLINED:
        fprintf(stderr, "%s: %s\n", file, error);
        return NULL;

    default:
        flagshipctl_fail("no memory");
    }

    *sets = flagshipctl_alloc(NULL, (image->sets.n + 1)
                                    * sizeof(flagship_idset_t *));
    at = len;

    for (i = 0; i < image->sets.n; i++) {

        set = (const flagship_idset_t *) (buf->data + at);
        len = buf->len - at;

        if (len >= sizeof(flagship_idset_t) && set->len < len) {
            len = set->len;
        }

        if (flagship_idset_verify(set, len, &error) != FLAGSHIP_OK) {
            fprintf(stderr, "%s: set \"%.*s\": %s\n", file,
                    (int) flagship_image_set(image, i).len,
                    flagship_image_set(image, i).data, error);
            return NULL;
        }

        (*sets)[i] = set;
        at += len;
    }

    if (at != buf->len) {
        fprintf(stderr, "%s: there is more behind its end\n", file);
        return NULL;
    }

    return image;
}
