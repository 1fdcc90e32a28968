
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl: finds the subcommand, and owns what all of them need.
 */


#include "flagshipctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


typedef struct {
    const char           *name;
    int                 (*run)(int argc, char **argv);
} flagshipctl_command_t;


static const flagshipctl_command_t  flagshipctl_commands[] = {
    { "logic", flagshipctl_logic },
    { "eval", flagshipctl_eval },
    { "check", flagshipctl_check },
    { "image", flagshipctl_image },
    { "inspect", flagshipctl_inspect },
    { "export", flagshipctl_export },
    { NULL, NULL }
};

static const char  flagshipctl_usage[] =
    "usage: flagshipctl COMMAND [OPTION...]\n"
    "\n"
    "  logic    JsonLogic, JSON lines in and out\n"
    "  eval     what flags of a file evaluate to\n"
    "  check    errors and warnings of files of flags\n"
    "  image    compiles a file of flags\n"
    "  inspect  what a compiled file holds\n"
    "  export   a compiled file as a document, Flagship's form or flagd's\n"
    "\n"
    "flagshipctl COMMAND --help says more.  Exit codes: 0 done, 1 errors were\n"
    "found in what was looked at, 2 wrong usage or a file that cannot be read\n"
    "or written.\n";


int
main(int argc, char **argv)
{
    const flagshipctl_command_t  *command;

    /* a reader that went away is an error of writing, with its message */

    (void) signal(SIGPIPE, SIG_IGN);

    if (argc < 2) {
        fputs(flagshipctl_usage, stderr);
        return FLAGSHIPCTL_USAGE;
    }

    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(flagshipctl_usage, stdout);
        return FLAGSHIPCTL_DONE;
    }

    for (command = flagshipctl_commands; command->name; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            return command->run(argc - 1, argv + 1);
        }
    }

    fprintf(stderr, "flagshipctl: unknown command \"%s\"\n%s", argv[1],
            flagshipctl_usage);

    return FLAGSHIPCTL_USAGE;
}


void
flagshipctl_fail(const char *fmt, ...)
{
    va_list  args;

    fputs("flagshipctl: ", stderr);

    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);

    exit(FLAGSHIPCTL_USAGE);
}


static void
flagshipctl_wrong(const char *usage, const char *what, const char *name)
{
    fprintf(stderr, "flagshipctl: %s \"%s\"\n%s", what, name, usage);
    exit(FLAGSHIPCTL_USAGE);
}


int
flagshipctl_options(int argc, char **argv,
    const flagshipctl_option_t *options, const char *usage)
{
    int                          i, n, only;
    char                        *value;
    size_t                       len;
    const flagshipctl_option_t  *option;

    n = 0;
    only = 0;

    for (i = 1; i < argc; i++) {

        if (only || argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[++n] = argv[i];
            continue;
        }

        if (strcmp(argv[i], "--") == 0) {
            only = 1;
            continue;
        }

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            exit(FLAGSHIPCTL_DONE);
        }

        value = strchr(argv[i], '=');
        len = value ? (size_t) (value - argv[i]) : strlen(argv[i]);

        for (option = options; option->name; option++) {
            if (strlen(option->name) == len
                && memcmp(option->name, argv[i], len) == 0)
            {
                break;
            }
        }

        if (option->name == NULL) {
            flagshipctl_wrong(usage, "unknown option", argv[i]);
        }

        if (option->value == NULL) {
            if (value) {
                flagshipctl_wrong(usage, "no value belongs to", option->name);
            }

            *option->set = 1;
            continue;
        }

        if (value) {
            *option->value = value + 1;

        } else if (i + 1 < argc) {
            *option->value = argv[++i];

        } else {
            flagshipctl_wrong(usage, "a value is missing after", argv[i]);
        }
    }

    return n;
}


unsigned
flagshipctl_generation(const char *text)
{
    if (text == NULL) {
        return 0;
    }

    if (text[0] < '1' || text[0] > '3' || text[1] != '\0') {
        flagshipctl_fail("--fractional is 1, 2 or 3, not \"%s\"", text);
    }

    return (unsigned) (text[0] - '0');
}


void *
flagshipctl_alloc(void *old, size_t size)
{
    void  *p;

    p = realloc(old, size ? size : 1);

    if (p == NULL) {
        flagshipctl_fail("no memory");
    }

    return p;
}


char *
flagshipctl_buf_room(flagshipctl_buf_t *buf, size_t n)
{
    if (buf->size - buf->len < n) {

        buf->size = buf->size * 2 + n + 256;
        buf->data = flagshipctl_alloc(buf->data, buf->size);
    }

    return buf->data + buf->len;
}


void
flagshipctl_buf_add(flagshipctl_buf_t *buf, const char *data, size_t n)
{
    char  *p;

    p = flagshipctl_buf_room(buf, n);

    if (n) {
        memcpy(p, data, n);
        buf->len += n;
    }
}


void
flagshipctl_buf_text(flagshipctl_buf_t *buf, const char *text)
{
    flagshipctl_buf_add(buf, text, strlen(text));
}


/* As JSON. */

void
flagshipctl_buf_string(flagshipctl_buf_t *buf, flagship_str_t s)
{
    char    *p;
    size_t   n, size;

    size = s.len + 64;
    p = flagshipctl_buf_room(buf, size);
    n = flagship_json_print_string(s, p, size);

    if (n > size) {
        p = flagshipctl_buf_room(buf, n);
        n = flagship_json_print_string(s, p, n);
    }

    buf->len += n;
}


/* A step of a JSON Pointer. */

void
flagshipctl_buf_pointer(flagshipctl_buf_t *buf, flagship_str_t name)
{
    size_t  i;

    flagshipctl_buf_add(buf, "/", 1);

    for (i = 0; i < name.len; i++) {

        if (name.data[i] == '~' || name.data[i] == '/') {
            flagshipctl_buf_text(buf, name.data[i] == '~' ? "~0" : "~1");

        } else {
            flagshipctl_buf_add(buf, &name.data[i], 1);
        }
    }
}


void
flagshipctl_write(int fd, const char *name, const char *data, size_t len)
{
    ssize_t  n;

    while (len) {
        n = write(fd, data, len);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }

            flagshipctl_fail("cannot write %s: %s", name, strerror(errno));
        }

        data += n;
        len -= (size_t) n;
    }
}


void
flagshipctl_read(const char *file, flagshipctl_buf_t *buf)
{
    int       fd;
    char     *p;
    ssize_t   n;

    fd = STDIN_FILENO;

    if (strcmp(file, "-") != 0) {
        fd = open(file, O_RDONLY|O_CLOEXEC);

        if (fd < 0) {
            flagshipctl_fail("cannot open %s: %s", file, strerror(errno));
        }
    }

    buf->len = 0;

    for ( ;; ) {
        p = flagshipctl_buf_room(buf, 65536);
        n = read(fd, p, buf->size - buf->len);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }

            flagshipctl_fail("cannot read %s: %s", file, strerror(errno));
        }

        if (n == 0) {
            break;
        }

        buf->len += (size_t) n;
    }

    if (fd != STDIN_FILENO) {
        (void) close(fd);
    }
}
