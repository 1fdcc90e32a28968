
/*
 * Copyright (C) Flagship
 */


/*
 * Surgery on nginx's header lists.
 *
 * Elements are never moved: headers_in points to some of them, upstream
 * modules compare their addresses, and a subrequest's headers_in is a copy of
 * the structure that shares them.  So a removal describes the runs of
 * elements that stay by parts of their own, and the old parts are left as they
 * are for whoever still reads them.
 *
 * A list has one "nalloc" for all of its parts, by which ngx_list_push()
 * knows when the last one is full; it is set to the last part's room.  Only a
 * first part may be empty: loops over a list read the first element of any
 * other without looking.
 */


#include "ngx_http_flagship_edge.h"


static ngx_list_part_t *ngx_http_flagship_list_run(ngx_list_part_t *first,
    ngx_list_part_t *last, ngx_pool_t *pool, ngx_table_elt_t *elts,
    ngx_uint_t n);


/* Letters in lower case, digits, and '-' for every other byte. */

const u_char  ngx_http_flagship_folded[256] =
    "----------------" "----------------"
    "----------------" "0123456789------"
    "-abcdefghijklmno" "pqrstuvwxyz-----"
    "-abcdefghijklmno" "pqrstuvwxyz-----"
    "----------------" "----------------"
    "----------------" "----------------"
    "----------------" "----------------"
    "----------------" "---------------";


ngx_uint_t
ngx_http_flagship_same(ngx_str_t *a, ngx_str_t *b)
{
    size_t  i;

    if (a->len != b->len) {
        return 0;
    }

    for (i = 0; i < a->len; i++) {
        if (ngx_http_flagship_fold(a->data[i])
            != ngx_http_flagship_fold(b->data[i]))
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_flagship_list_remove(ngx_list_t *list, ngx_pool_t *pool,
    ngx_http_flagship_match_pt match, void *data)
{
    ngx_uint_t        i, start, room;
    ngx_list_t        fresh;
    ngx_table_elt_t  *h, *end;
    ngx_list_part_t  *part, *last, first;

    first.nelts = 0;
    first.next = NULL;

    last = NULL;
    end = NULL;

    for (part = &list->part; part; part = part->next) {

        h = part->elts;
        end = h + part->nelts;
        start = 0;

        for (i = 0; i <= part->nelts; i++) {

            if (i < part->nelts && !match(&h[i], data)) {
                continue;
            }

            if (i > start) {
                last = ngx_http_flagship_list_run(&first, last, pool,
                                                  &h[start], i - start);
                if (last == NULL) {
                    return NGX_ERROR;
                }
            }

            start = i + 1;
        }
    }

    if (last == NULL) {
        if (ngx_list_init(&fresh, pool, 4, sizeof(ngx_table_elt_t)) != NGX_OK)
        {
            return NGX_ERROR;
        }

        list->part = fresh.part;
        list->last = &list->part;
        list->nalloc = fresh.nalloc;

        return NGX_OK;
    }

    /* what followed the last element may still be pushed to */

    room = 0;

    if ((ngx_table_elt_t *) last->elts + last->nelts == end) {
        room = list->nalloc - list->last->nelts;
    }

    list->nalloc = last->nelts + room;
    list->part = first;
    list->last = (last == &first) ? &list->part : last;

    return NGX_OK;
}


static ngx_list_part_t *
ngx_http_flagship_list_run(ngx_list_part_t *first, ngx_list_part_t *last,
    ngx_pool_t *pool, ngx_table_elt_t *elts, ngx_uint_t n)
{
    ngx_list_part_t  *part;

    if (last == NULL) {
        part = first;

    } else {
        part = ngx_palloc(pool, sizeof(ngx_list_part_t));
        if (part == NULL) {
            return NULL;
        }

        last->next = part;
    }

    part->elts = elts;
    part->nelts = n;
    part->next = NULL;

    return part;
}


void
ngx_http_flagship_list_append(ngx_list_t *list, ngx_list_part_t *part,
    ngx_uint_t size)
{
    part->next = NULL;

    if (list->last->nelts == 0) {
        list->last->elts = part->elts;
        list->last->nelts = part->nelts;

    } else {
        list->last->next = part;
        list->last = part;
    }

    list->nalloc = size;
}
