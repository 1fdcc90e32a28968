
/*
 * Copyright (C) Flagship
 */


/*
 * flagshipctl: the engine on the command line.  What its files share.
 *
 *   flagshipctl.c           subcommands, options, buffers, files
 *   flagshipctl_document.c  a file of flags -> images, and where errors lie
 *   flagshipctl_idsets.c    the id sets of an image
 *   flagshipctl_lines.c     JSON lines in, JSON lines out
 *   flagshipctl_ofrep.c     a decision as an OFREP body
 *   flagshipctl_*.c         a subcommand each
 *
 * One thread; what it allocates it may leave to the end of the process.
 */


#ifndef _FLAGSHIPCTL_H_INCLUDED_
#define _FLAGSHIPCTL_H_INCLUDED_


#include "flagship_compile.h"
#include "flagship_context.h"
#include "flagship_document.h"
#include "flagship_eval.h"
#include "flagship_explain.h"
#include "flagship_ofrep.h"


/* Exit codes. */

#define FLAGSHIPCTL_DONE     0
#define FLAGSHIPCTL_FOUND    1      /* errors in what was looked at */
#define FLAGSHIPCTL_USAGE    2      /* or a file that is not to be had */


typedef struct {
    char                        *data;
    size_t                       len;
    size_t                       size;
} flagshipctl_buf_t;


typedef struct {
    const char                  *name;       /* "--flag"; NULL: the end */
    const char                 **value;      /* NULL: it takes none */
    int                         *set;
} flagshipctl_option_t;


/* A flag set of a document.  The names lie in it. */

typedef struct {
    flagship_str_t               tenant;
    flagship_str_t               environment;
    flagship_image_t            *image;
    size_t                       len;
} flagshipctl_set_t;


/* "pointer" is from the document's root, terminated. */

typedef void (*flagshipctl_message_pt)(void *data, const char *file,
    const char *pointer, const flagship_error_t *error);


typedef struct {
    const char                  *file;
    flagship_str_t               tenant;     /* of flags that name none */
    flagship_str_t               environment;
    flagshipctl_buf_t            text;
    flagship_json_t              json;
    flagshipctl_set_t           *sets;
    uint32_t                     nsets;

    unsigned                     fractional; /* 0: the document's */
    unsigned                     lint;       /* 1: warn of all there is */
    flagshipctl_message_pt       message;
    void                        *data;

    /* the flag that was found last: messages come in the flags' order */
    uint32_t                     index;
    const flagship_json_node_t  *flag;

    flagship_error_t            *pending;    /* of a set not known yet */
    size_t                       npending;
    flagshipctl_buf_t            pointer;
} flagshipctl_document_t;


/* A line without its end; the answer goes to "out". */

typedef struct {
    void                       (*line)(void *data, char *line, size_t len,
                                       flagshipctl_buf_t *out);
    void                       (*pause)(void *data, flagshipctl_buf_t *out);
    void                       (*overlong)(void *data, flagshipctl_buf_t *out);
    void                        *data;
} flagshipctl_lines_t;


int flagshipctl_logic(int argc, char **argv);
int flagshipctl_eval(int argc, char **argv);
int flagshipctl_check(int argc, char **argv);
int flagshipctl_image(int argc, char **argv);
int flagshipctl_inspect(int argc, char **argv);
int flagshipctl_export(int argc, char **argv);

/*
 * Takes options out of argv, whose first is the subcommand's name, and returns
 * how many other arguments are left, from argv[1] on.  Ends the process at
 * --help and where the options are wrong.
 */

int flagshipctl_options(int argc, char **argv,
    const flagshipctl_option_t *options, const char *usage);

/* 1, 2 or 3; 0 where there is no text.  Ends the process at any other. */
unsigned flagshipctl_generation(const char *text);

/* Says what is wrong, on standard error, and ends the process with code 2. */
void flagshipctl_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

void *flagshipctl_alloc(void *old, size_t size);

/* Room for n more bytes behind the buffer's end. */
char *flagshipctl_buf_room(flagshipctl_buf_t *buf, size_t n);
void flagshipctl_buf_add(flagshipctl_buf_t *buf, const char *data, size_t n);
void flagshipctl_buf_text(flagshipctl_buf_t *buf, const char *text);
void flagshipctl_buf_string(flagshipctl_buf_t *buf, flagship_str_t s);
void flagshipctl_buf_pointer(flagshipctl_buf_t *buf, flagship_str_t name);

/* Writes all, or ends the process. */
void flagshipctl_write(int fd, const char *name, const char *data,
    size_t len);

/* The whole of a file, "-" for standard input. */
void flagshipctl_read(const char *file, flagshipctl_buf_t *buf);

/* NULL: the default names.  Set a handler and a generation, then read it. */

void flagshipctl_document_init(flagshipctl_document_t *document,
    const char *file, const char *tenant, const char *environment);
void flagshipctl_document_free(flagshipctl_document_t *document);

/*
 * Reads, compiles and links every flag set of a file.  FLAGSHIP_DECLINED: it
 * is no document; whatever is wrong with it went to the handler.
 */

int flagshipctl_document(flagshipctl_document_t *document);

/*
 * The set with these names, NULL where they are not given, of a file; the
 * process ends where there is no such set.  Errors go to standard error.
 */

const flagshipctl_set_t *flagshipctl_load(flagshipctl_document_t *document,
    const char *file, const char *tenant, const char *environment,
    unsigned fractional);

/* The id sets of a file that an image of it looks into, in its order. */
const flagship_idset_t **flagshipctl_idsets(
    const flagshipctl_document_t *document, const flagship_image_t *image);

/*
 * An image's file: the image, and its id sets in its order.  "buf" holds what
 * is returned.  NULL: it is not valid, which is said on standard error.
 */

const flagship_image_t *flagshipctl_image_load(const char *file,
    flagshipctl_buf_t *buf, const flagship_idset_t ***sets);

/* Standard input to standard output. */
void flagshipctl_lines(const flagshipctl_lines_t *lines);

/* Bodies: of a flag (0: it is an error), of all flags, of an error; with
   "trace" where "explain" is set. */

int flagshipctl_ofrep_flag(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    flagship_str_t key, int explain);
void flagshipctl_ofrep_flags(flagshipctl_buf_t *buf, flagship_eval_t *ev,
    int explain);

/* "key" with no data: the error is of no flag. */

void flagshipctl_ofrep_error(flagshipctl_buf_t *buf, flagship_str_t key,
    unsigned error, const char *details);


#endif /* _FLAGSHIPCTL_H_INCLUDED_ */
