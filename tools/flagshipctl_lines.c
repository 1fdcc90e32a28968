
/*
 * Copyright (C) Flagship
 */


/*
 * JSON lines: a line of standard input gives a line of standard output, in
 * order.  Whatever one read brings is answered before the next one, so an
 * asker that waits for its answer gets it, and one that sends in bulk is
 * served in bulk.
 */


#include "flagshipctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>


#define FLAGSHIPCTL_BLOCK  (256 * 1024)


static size_t flagshipctl_lines_take(const flagshipctl_lines_t *lines,
    flagshipctl_buf_t *in, int *skip, flagshipctl_buf_t *out);


void
flagshipctl_lines(const flagshipctl_lines_t *lines)
{
    int                skip;
    char              *p;
    size_t             used;
    ssize_t            n;
    flagshipctl_buf_t  in, out;

    memset(&in, 0, sizeof(in));
    memset(&out, 0, sizeof(out));

    skip = 0;

    for ( ;; ) {
        p = flagshipctl_buf_room(&in, FLAGSHIPCTL_BLOCK);
        n = read(STDIN_FILENO, p, FLAGSHIPCTL_BLOCK);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }

            flagshipctl_fail("cannot read standard input: %s",
                             strerror(errno));
        }

        in.len += (size_t) n;

        if (n == 0 && in.len) {

            /* a last line without its end */

            flagshipctl_buf_add(&in, "\n", 1);
        }

        used = flagshipctl_lines_take(lines, &in, &skip, &out);

        in.len -= used;
        memmove(in.data, in.data + used, in.len);

        flagshipctl_write(STDOUT_FILENO, "standard output", out.data, out.len);
        out.len = 0;

        if (n == 0) {
            return;
        }
    }
}


/* All lines that have come to their end.  Returns the bytes done with. */

static size_t
flagshipctl_lines_take(const flagshipctl_lines_t *lines,
    flagshipctl_buf_t *in, int *skip, flagshipctl_buf_t *out)
{
    char  *p, *last, *end;

    p = in->data;
    last = in->data + in->len;

    while (p < last) {
        end = memchr(p, '\n', (size_t) (last - p));

        if (end == NULL) {
            break;
        }

        if (*skip) {
            *skip = 0;

        } else {
            lines->line(lines->data, p, (size_t) (end - p)
                                        - (end > p && end[-1] == '\r'), out);
        }

        p = end + 1;
    }

    lines->pause(lines->data, out);

    if (last - p > FLAGSHIP_MAX_DOCUMENT) {

        if (!*skip) {
            lines->overlong(lines->data, out);
        }

        *skip = 1;
    }

    if (*skip) {
        p = last;
    }

    return (size_t) (p - in->data);
}
