
/*
 * Copyright (C) Flagship
 */


/*
 * JSON Pointers, step by step.  Any thread.
 */


#include <stdio.h>
#include <string.h>

#include "flagship_pointer.h"


void
flagship_pointer_init(flagship_pointer_t *p, char *buf, size_t size)
{
    p->buf = buf;
    p->size = size;
    p->len = 0;

    buf[0] = '\0';
}


void
flagship_pointer_index(flagship_pointer_t *p, unsigned i)
{
    char  number[16];

    (void) snprintf(number, sizeof(number), "/%u", i);
    flagship_pointer_put(p, number, strlen(number));
}


void
flagship_pointer_back(flagship_pointer_t *p, size_t len)
{
    p->len = len;
    p->buf[len] = '\0';
}


void
flagship_pointer_path(flagship_pointer_t *p, flagship_str_t path)
{
    const char  *dot;

    while (path.len) {
        dot = memchr(path.data, '.', path.len);

        if (dot == NULL) {
            flagship_pointer_step(p, path.data, path.len);
            return;
        }

        flagship_pointer_step(p, path.data, (size_t) (dot - path.data));

        path.len -= (size_t) (dot - path.data) + 1;
        path.data = dot + 1;
    }
}


void
flagship_pointer_step(flagship_pointer_t *p, const char *s, size_t len)
{
    size_t  i;

    flagship_pointer_put(p, "/", 1);

    for (i = 0; i < len; i++) {

        if (s[i] == '~') {
            flagship_pointer_put(p, "~0", 2);

        } else if (s[i] == '/') {
            flagship_pointer_put(p, "~1", 2);

        } else {
            flagship_pointer_put(p, &s[i], 1);
        }
    }
}


/* What is too long is cut. */

void
flagship_pointer_put(flagship_pointer_t *p, const char *s, size_t len)
{
    if (len > p->size - 1 - p->len) {
        len = p->size - 1 - p->len;
    }

    memcpy(p->buf + p->len, s, len);

    p->len += len;
    p->buf[p->len] = '\0';
}
