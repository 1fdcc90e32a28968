
/*
 * Copyright (C) Flagship
 */


/*
 * Flagship as the peers are asked: see lib/Flagship/Bench/Peers.pm.
 *
 *     peers answers FLAGS CONTEXTS [turn]       variants, a line a context
 *     peers measure FLAGS CONTEXTS MILLISECONDS "flag<TAB>ns" a line
 *     peers turn FLAGS CONTEXTS MILLISECONDS    of many flags
 *     peers count FLAGS CONTEXTS FLAG           a pass of it for callgrind
 *     peers million N CONTEXTS MILLISECONDS     of so many simple flags
 *
 * FLAGS is a document, CONTEXTS JSON lines.
 */


#include "bench.h"


#define CONTEXTS  256
#define BULK      100      /* flags */
#define STEP      7919     /* from a flag to the next, a prime */
#define SLICE     50000    /* flags of a document that is linked to others */


typedef struct {
    char                     *data;
    size_t                    len;
} text_t;

typedef struct {
    text_t                    text;
    flagship_json_t           json;
    built_t                   built;
    const flagship_idset_t  **sets;
    flagship_str_t           *keys;      /* in the document's order */
    uint32_t                 *flags;
    unsigned                  n;
    double                    compiled;  /* ns */
} flags_t;

typedef struct {
    flagship_str_t           *lines;
    unsigned                  n;
    flagship_context_t        list[CONTEXTS];
    flagship_eval_t          *ev[CONTEXTS];
    unsigned                  nlist;
} contexts_t;

/* What is timed: a pass over the contexts. */

typedef struct {
    const flags_t            *flags;
    contexts_t               *contexts;
    uint32_t                  flag;
    unsigned                  turn;
    void                     *memory;
} pass_t;

typedef void (*pass_pt)(pass_t *pass);


static text_t slurp(const char *file);
static void load(flags_t *flags, const char *file);
static void keys(flags_t *flags);
static int take_set(void *data, flagship_str_t name, flagship_idset_t *set);
static void read_lines(contexts_t *contexts, const char *file);
static void fill(contexts_t *contexts, const flags_t *flags);
static flagship_eval_t *begin(const flags_t *flags, void *memory,
    flagship_context_t *context, flagship_str_t line);
static void answers(const flags_t *flags, const contexts_t *contexts,
    int turn);
static void answer(const flags_t *flags, flagship_eval_t *ev, uint32_t flag,
    int last);
static double timed(pass_pt code, pass_t *pass, double milliseconds);
static void one(pass_t *pass);
static void from_text(pass_t *pass);
static void in_turn(pass_t *pass);
static void bulk(pass_t *pass);
void counted(pass_t *pass);
static built_t million(unsigned n);


static flagship_scratch_t  scratch;


int
main(int argc, char **argv)
{
    double       milliseconds;
    unsigned     i;
    const char  *mode;
    pass_t       pass;
    flags_t      flags;

    static contexts_t  contexts;

    if (argc < 4) {
        fprintf(stderr, "usage: peers MODE FLAGS CONTEXTS [OPTION]\n");
        return 2;
    }

    mode = argv[1];
    milliseconds = argc > 4 ? atof(argv[4]) : 0;

    memset(&flags, 0, sizeof(flags_t));
    memset(&pass, 0, sizeof(pass_t));

    if (strcmp(mode, "million") == 0) {
        flags.n = atoi(argv[2]);
        flags.built = million(flags.n);

    } else {
        load(&flags, argv[2]);
    }

    read_lines(&contexts, argv[3]);

    if (strcmp(mode, "answers") == 0) {
        answers(&flags, &contexts, argc > 4);
        return 0;
    }

    fill(&contexts, &flags);

    pass.flags = &flags;
    pass.contexts = &contexts;
    pass.memory = checked(malloc(flagship_eval_size(flags.built.image)));

    if (strcmp(mode, "million") == 0) {
        printf("turn\t%.3f\nbytes\t%.3f\n",
               timed(in_turn, &pass, milliseconds),
               (double) flags.built.len / flags.n);
        return 0;
    }

    if (strcmp(mode, "turn") == 0) {
        printf("compile\t%.4f\n", flags.n / flags.compiled * 1e9);
        printf("turn\t%.3f\n", timed(in_turn, &pass, milliseconds));
        printf("bulk\t%.3f\n", timed(bulk, &pass, milliseconds));
        return 0;
    }

    if (strcmp(mode, "count") == 0) {
        pass.flag = flagship_image_find(flags.built.image,
                                        flagship_str(argv[4],
                                                     strlen(argv[4])));
        one(&pass);
        counted(&pass);
        return 0;
    }

    for (i = 0; i < flags.n; i++) {
        pass.flag = flags.flags[i];

        printf("%.*s\t%.3f\n", (int) flags.keys[i].len, flags.keys[i].data,
               timed(one, &pass, milliseconds));
        printf("%.*s from text\t%.3f\n", (int) flags.keys[i].len,
               flags.keys[i].data, timed(from_text, &pass, milliseconds));
    }

    return 0;
}


static text_t
slurp(const char *file)
{
    long     size;
    FILE    *fp;
    text_t   text;

    fp = fopen(file, "r");

    if (fp == NULL || fseek(fp, 0, SEEK_END) != 0 || (size = ftell(fp)) < 0) {
        fprintf(stderr, "cannot read %s\n", file);
        exit(1);
    }

    rewind(fp);

    text.data = checked(malloc(size + 1));
    text.len = fread(text.data, 1, size, fp);
    fclose(fp);

    return text;
}


/* The clock runs from the text to what can be asked, id sets left out: they
   are no part of a flag set. */

static void
load(flags_t *flags, const char *file)
{
    double  start;

    flags->text = slurp(file);

    start = now();
    flags->built = compile(flags->text.data, flags->text.len, NULL);
    flags->compiled = now() - start;

    flagship_json_init(&flags->json);

    if (flagship_json_parse(&flags->json, flags->text.data, flags->text.len)
        != FLAGSHIP_OK)
    {
        exit(1);
    }

    keys(flags);

    flags->sets = checked(calloc(flags->built.image->sets.n + 1,
                                 sizeof(flagship_idset_t *)));

    if (flagship_document_idsets(flags->json.nodes, take_set, flags)
        != FLAGSHIP_OK)
    {
        exit(1);
    }
}


static void
keys(flags_t *flags)
{
    unsigned                     i;
    const flagship_json_node_t  *list, *node;

    list = flagship_json_get(flags->json.nodes, "flags");
    node = list + 1;

    flags->n = list->len;
    flags->keys = checked(malloc(flags->n * sizeof(flagship_str_t)));
    flags->flags = checked(malloc(flags->n * sizeof(uint32_t)));

    for (i = 0; i < flags->n; i++) {

        if (list->type == FLAGSHIP_JSON_OBJECT) {
            flags->keys[i] = flagship_json_str(node);
            node++;

        } else {
            flags->keys[i] = flagship_json_str(flagship_json_get(node, "key"));
        }

        flags->flags[i] = flagship_image_find(flags->built.image,
                                              flags->keys[i]);
        node += node->next;
    }
}


static int
take_set(void *data, flagship_str_t name, flagship_idset_t *set)
{
    uint32_t   i;
    flags_t   *flags = data;

    for (i = 0; i < flags->built.image->sets.n; i++) {
        if (flagship_str_eq(flagship_image_set(flags->built.image, i), name)) {
            flags->sets[i] = set;
            return FLAGSHIP_OK;
        }
    }

    free(set);

    return FLAGSHIP_OK;
}


static void
read_lines(contexts_t *contexts, const char *file)
{
    char    *p, *end, *last;
    text_t   text;

    text = slurp(file);
    last = text.data + text.len;

    contexts->lines = checked(malloc((text.len / 2 + 1)
                                     * sizeof(flagship_str_t)));

    for (p = text.data; p < last; p = end + 1) {
        end = memchr(p, '\n', last - p);
        end = end ? end : last;
        contexts->lines[contexts->n++] = flagship_str(p, end - p);
    }

    contexts->nlist = contexts->n < CONTEXTS ? contexts->n : CONTEXTS;
}


/* Evaluations whose slots are filled. */

static void
fill(contexts_t *contexts, const flags_t *flags)
{
    size_t    size;
    unsigned  i;

    size = flagship_eval_size(flags->built.image);

    for (i = 0; i < contexts->nlist; i++) {
        flagship_context_init(&contexts->list[i]);
        contexts->ev[i] = begin(flags, checked(malloc(size)),
                                &contexts->list[i], contexts->lines[i]);
    }
}


static flagship_eval_t *
begin(const flags_t *flags, void *memory, flagship_context_t *context,
    flagship_str_t line)
{
    flagship_eval_t  *ev;

    ev = flagship_eval_init(memory, flags->built.image, &scratch, 1700000000,
                            flagship_context_fetch, context);
    flagship_eval_bind_sets(ev, flags->sets);

    if (flagship_context_read(context, ev, line.data, line.len, NULL)
        != FLAGSHIP_OK)
    {
        fprintf(stderr, "a context is refused\n");
        exit(1);
    }

    return ev;
}


static void
answers(const flags_t *flags, const contexts_t *contexts, int turn)
{
    void                *memory;
    unsigned             i, k;
    flagship_eval_t     *ev;
    flagship_context_t   context;

    flagship_context_init(&context);
    memory = checked(malloc(flagship_eval_size(flags->built.image)));

    for (i = 0; i < contexts->n; i++) {
        ev = begin(flags, memory, &context, contexts->lines[i]);

        if (turn) {
            answer(flags, ev, flags->flags[(size_t) i * STEP % flags->n], 1);
            continue;
        }

        for (k = 0; k < flags->n; k++) {
            answer(flags, ev, flags->flags[k], k == flags->n - 1);
        }
    }
}


static void
answer(const flags_t *flags, flagship_eval_t *ev, uint32_t flag, int last)
{
    flagship_str_t       name;
    flagship_decision_t  decision;

    flagship_eval(ev, flag, &decision);

    if (decision.error || decision.variant == FLAGSHIP_NO_VARIANT) {
        fprintf(stderr, "no variant: error %u\n", decision.error);
        exit(1);
    }

    name = flagship_variant_name(flags->built.image, flag, decision.variant);

    printf("%.*s%c", (int) name.len, name.data, last ? '\n' : ' ');
}


static double
timed(pass_pt code, pass_t *pass, double milliseconds)
{
    double    is, start;
    unsigned  passes;

    code(pass);

    start = now();

    for (passes = 1; /* void */ ; passes++) {
        code(pass);

        is = now() - start;

        if (is >= milliseconds * 1e6) {
            return is / ((double) passes * pass->contexts->nlist);
        }
    }
}


static void
one(pass_t *pass)
{
    unsigned             i;
    flagship_decision_t  decision;

    for (i = 0; i < pass->contexts->nlist; i++) {
        flagship_eval(pass->contexts->ev[i], pass->flag, &decision);
        __asm__ volatile ("" : : "r" (&decision) : "memory");
    }
}


static void
from_text(pass_t *pass)
{
    unsigned              i;
    flagship_eval_t      *ev;
    flagship_decision_t   decision;
    flagship_context_t   *context;

    context = &pass->contexts->list[0];

    for (i = 0; i < pass->contexts->nlist; i++) {
        ev = begin(pass->flags, pass->memory, context,
                   pass->contexts->lines[i]);
        flagship_eval(ev, pass->flag, &decision);
        __asm__ volatile ("" : : "r" (&decision) : "memory");
    }
}


/* Each context asks for another flag, by its key where it has one here. */

static void
in_turn(pass_t *pass)
{
    unsigned              i;
    uint32_t              flag;
    flagship_decision_t   decision;
    const flags_t        *flags = pass->flags;

    for (i = 0; i < pass->contexts->nlist; i++) {
        pass->turn = (pass->turn + STEP) % flags->n;

        flag = flags->keys
               ? flagship_image_find(flags->built.image,
                                     flags->keys[pass->turn])
               : pass->turn;

        flagship_eval(pass->contexts->ev[i], flag, &decision);
        __asm__ volatile ("" : : "r" (&decision) : "memory");
    }
}


static void
bulk(pass_t *pass)
{
    unsigned             i, k, n;
    flagship_decision_t  decision;

    n = pass->flags->n < BULK ? pass->flags->n : BULK;

    for (i = 0; i < pass->contexts->nlist; i++) {
        for (k = 0; k < n; k++) {
            flagship_eval(pass->contexts->ev[i], pass->flags->flags[k],
                          &decision);
            __asm__ volatile ("" : : "r" (&decision) : "memory");
        }
    }
}


/* What callgrind counts. */

__attribute__((noinline)) void
counted(pass_t *pass)
{
    one(pass);
}


/* Documents of a size that is taken, linked to one image. */

static built_t
million(unsigned n)
{
    char      *text, *p;
    built_t    built, last;
    unsigned   i, k;

    text = checked(malloc(64 + (size_t) SLICE * 128));
    last.image = NULL;
    built.image = NULL;

    for (i = 0; i < n; i += SLICE) {
        p = text + sprintf(text, "{\"flags\": [");

        for (k = i; k < n && k < i + SLICE; k++) {
            p += sprintf(p, "%s{\"key\": \"simple_flag_%07u\", "
                         "\"enabled\": true, \"rollout\": %u}",
                         k > i ? ", " : "", k, k % 100);
        }

        p += sprintf(p, "]}");

        built = compile(text, p - text, last.image);

        free(last.image);
        last = built;
    }

    free(text);

    return built;
}
