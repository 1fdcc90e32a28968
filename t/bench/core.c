
/*
 * Copyright (C) Flagship
 */


/*
 * One round of what core costs without nginx: nanoseconds an evaluation,
 * milliseconds from JSON to an image, of a change among many flags, bytes a
 * flag; the same of id sets.
 *
 *     core FLAGS          prints "name value" a line
 *
 * An evaluation is measured with the context in slots and from the context's
 * JSON text, over CONTEXTS contexts in turn, so that branches are not the same
 * every time.  Before anything is
 * measured, the answers are counted: they must be mixed where they should be.
 */


#include "bench.h"
#include "flagship_ofrep.h"


#define CONTEXTS     256
#define PASSES       400
#define FLAGS        100             /* that a client asks for at once */
#define WARM         10000           /* contexts that ask a set in turn */
#define COLD         (1 << 18)       /* the same, more than caches hold */
#define ID           sizeof("user-00000000")


typedef struct {
    char                  user[32];
    const char           *country;
    const char           *plan;
    char                  version[16];
    char                  text[256]; /* all of it, as JSON */
    size_t                len;
} context_t;

typedef struct {
    const char           *name;
    const char           *rule;      /* the flag's fields */
    int                   mixed;     /* the contexts differ in its answer */
} case_t;

static char *id_list(void);
static char *chain(void);
static char *document(const case_t *cases, unsigned n);
static void measure(const built_t *built, const case_t *c, context_t *contexts);
static void fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value);
static void measure_text(const built_t *built, const char *name,
    uint32_t flag, context_t *contexts);
static void reading(const built_t *built, unsigned members);
static void all(context_t *contexts);
static char *flag_set(void);
static void all_mixed(const built_t *built, flagship_eval_t **ev);
static void all_rendered(const built_t *built, context_t *contexts);
static void many(unsigned n);
static void id_set(unsigned n);
static flagship_idset_t *id_set_build(unsigned n);
static void id_set_ask(const built_t *built, const flagship_idset_t *set,
    const char *what, unsigned first, unsigned step);
static void id_set_time(flagship_eval_t *ev, const flagship_idset_t *set,
    const char *name, char (*ids)[ID], unsigned n, unsigned passes);


static const char  *countries[] = { "de", "at", "ch", "fr", "us", "gb", "pl",
                                    "br" };

static flagship_scratch_t  scratch;


int
main(int argc, char **argv)
{
    char       *text;
    built_t     built;
    unsigned    i;
    context_t   contexts[CONTEXTS];

    case_t      cases[] = {
        { "static", "\"default_variant\": \"on\"", 0 },
        { "two conditions",
          "\"rules\": [{\"when\": {\"and\": ["
          "{\"in\": [{\"var\": \"country\"}, [\"de\", \"at\", \"ch\"]]}, "
          "{\"==\": [{\"var\": \"plan\"}, \"pro\"]}]}, \"serve\": \"on\"}]",
          1 },
        { "split",
          "\"rules\": [{\"serve\": {\"split\": {\"on\": 25, \"off\": 75}}}]",
          1 },
        { "rollout by SHA-256", "\"rollout\": 50", 1 },
        { "11 rules with semver", NULL, 1 },
        { "list of 1000 ids", NULL, 1 },
    };

    cases[4].rule = chain();
    cases[5].rule = id_list();

    for (i = 0; i < CONTEXTS; i++) {
        sprintf(contexts[i].user, "user%u", i * 7919 % 100000);
        contexts[i].country = countries[i * 31 % 8];
        contexts[i].plan = (i * 17 % 3 == 0) ? "pro" : "free";
        sprintf(contexts[i].version, "%u.%u.0", 1 + i % 4, i % 13);

        contexts[i].len = sprintf(contexts[i].text,
            "{\"targetingKey\":\"%s\",\"email\":\"%s@example.com\","
            "\"country\":\"%s\",\"plan\":\"%s\",\"version\":\"%s\","
            "\"age\":%u,\"beta\":%s,\"device\":\"phone\","
            "\"locale\":\"en-GB\",\"company\":\"Example Limited\"}",
            contexts[i].user, contexts[i].user, contexts[i].country,
            contexts[i].plan, contexts[i].version, 18 + i % 60,
            i % 3 ? "true" : "false");
    }

    text = document(cases, sizeof(cases) / sizeof(cases[0]));
    built = compile(text, strlen(text), NULL);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        measure(&built, &cases[i], contexts);
    }

    all(contexts);

    reading(&built, 10);
    reading(&built, 100);
    reading(&built, 4000);

    free(built.image);
    free(text);
    free((char *) cases[4].rule);
    free((char *) cases[5].rule);

    many(argc > 1 ? (unsigned) atoi(argv[1]) : 10000);

    id_set(1000);
    id_set(100000);
    id_set(1000000);

    return 0;
}


/* Every fourth of the contexts' users is in. */

static char *
id_list(void)
{
    char      *text, *p;
    unsigned   i;

    text = checked(malloc(64 + 1000 * 24));
    p = text + sprintf(text, "\"user_ids\": [");

    for (i = 0; i < 1000; i++) {
        p += sprintf(p, "%s\"user%u\"", i ? ", " : "",
                     i < CONTEXTS / 4 ? i * 4 * 7919 % 100000 : 200000 + i);
    }

    strcpy(p, "]");

    return text;
}


/* Ten rules that miss on a version or a country, an eleventh that splits. */

static char *
chain(void)
{
    char      *text, *p;
    unsigned   i;

    text = checked(malloc(4096));
    p = text + sprintf(text, "\"rules\": [");

    for (i = 0; i < 10; i++) {
        p += sprintf(p, "{\"when\": {\"and\": ["
                     "{\"==\": [{\"var\": \"country\"}, \"%c%c\"]}, "
                     "{\"sem_ver\": [{\"var\": \"version\"}, \">=\", "
                     "\"%u.0.0\"]}]}, \"serve\": \"on\"}, ",
                     'a' + i, 'x', i);
    }

    strcpy(p, "{\"when\": {\"sem_ver\": [{\"var\": \"version\"}, \">=\", "
              "\"1.0.0\"]}, \"serve\": {\"split\": {\"on\": 50, "
              "\"off\": 50}}}]");

    return text;
}


static char *
document(const case_t *cases, unsigned n)
{
    char      *text, *p;
    size_t     size;
    unsigned   i;

    for (size = 64, i = 0; i < n; i++) {
        size += strlen(cases[i].rule) + strlen(cases[i].name) + 256;
    }

    text = checked(malloc(size));
    p = text + sprintf(text, "{\"flags\": [");

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s{\"key\": \"flag%u\", \"type\": \"boolean\", "
                     "\"enabled\": true, \"variants\": {\"on\": true, "
                     "\"off\": false}, \"off_variant\": \"off\", "
                     "%s%s}", i ? ", " : "", i,
                     strstr(cases[i].rule, "default_variant") ? ""
                         : "\"default_variant\": \"off\", ", cases[i].rule);
    }

    strcpy(p, "]}");

    return text;
}


static void
fetch(void *data, flagship_str_t path, uint32_t hash, flagship_value_t *value)
{
    context_t   *context = data;
    const char  *s;

    if (flagship_str_is(path, "targetingKey")) {
        s = context->user;

    } else if (flagship_str_is(path, "country")) {
        s = context->country;

    } else if (flagship_str_is(path, "plan")) {
        s = context->plan;

    } else {
        s = context->version;
    }

    value->type = FLAGSHIP_STRING;
    value->len = strlen(s);
    value->u.str = s;
}


/*
 * The first pass fills the slots, which stay filled; the passes after it are
 * measured.
 */

static void
measure(const built_t *built, const case_t *c, context_t *contexts)
{
    char                   key[16];
    double                 start, ns;
    size_t                 size;
    uint32_t               flag;
    unsigned               i, k, on;
    flagship_eval_t       *ev[CONTEXTS];
    flagship_decision_t    decision;
    static unsigned        number;

    sprintf(key, "flag%u", number++);
    flag = flagship_image_find(built->image, flagship_str(key, strlen(key)));
    size = flagship_eval_size(built->image);
    on = 0;

    for (i = 0; i < CONTEXTS; i++) {
        ev[i] = flagship_eval_init(checked(malloc(size)), built->image,
                                   &scratch, 1700000000, fetch, &contexts[i]);
        flagship_eval(ev[i], flag, &decision);

        if (decision.error) {
            fprintf(stderr, "%s: error %u\n", c->name, decision.error);
            exit(1);
        }

        on += flagship_decision_enabled(built->image, &decision) != 0;
    }

    if (c->mixed ? on == 0 || on == CONTEXTS : on != CONTEXTS) {
        fprintf(stderr, "%s: on for %u of %u\n", c->name, on, CONTEXTS);
        exit(1);
    }

    start = now();

    for (k = 0; k < PASSES; k++) {
        for (i = 0; i < CONTEXTS; i++) {
            flagship_eval(ev[i], flag, &decision);
            __asm__ volatile ("" : : "r" (&decision) : "memory");
        }
    }

    ns = (now() - start) / (PASSES * CONTEXTS);

    printf("evaluation: %s\t%.3f\n", c->name, ns);

    for (i = 0; i < CONTEXTS; i++) {
        free(ev[i]);
    }

    measure_text(built, c->name, flag, contexts);
}


static void
measure_text(const built_t *built, const char *name, uint32_t flag,
    context_t *contexts)
{
    void                  *memory;
    double                 start;
    unsigned               i, k;
    flagship_eval_t       *ev;
    flagship_context_t     context;
    flagship_decision_t    decision;

    flagship_context_init(&context);
    memory = checked(malloc(flagship_eval_size(built->image)));

    start = now();

    for (k = 0; k < PASSES; k++) {
        for (i = 0; i < CONTEXTS; i++) {
            ev = flagship_eval_init(memory, built->image, &scratch,
                                    1700000000, flagship_context_fetch,
                                    &context);

            if (flagship_context_read(&context, ev, contexts[i].text,
                                      contexts[i].len, NULL)
                != FLAGSHIP_OK)
            {
                fprintf(stderr, "%s: a context is refused\n", name);
                exit(1);
            }

            flagship_eval(ev, flag, &decision);
            __asm__ volatile ("" : : "r" (&decision) : "memory");
        }
    }

    printf("evaluation from text: %s\t%.3f\n", name,
           (now() - start) / (PASSES * CONTEXTS));

    free(memory);
    flagship_context_free(&context);
}


/* Contexts of so many members, four of which are asked for. */

static void
reading(const built_t *built, unsigned members)
{
    char                *text, *p;
    void                *memory;
    double               start;
    size_t               len;
    unsigned             i, n;
    flagship_eval_t     *ev;
    flagship_context_t   context;

    text = checked(malloc(256 + (size_t) members * 64));
    p = text + sprintf(text, "{\"targetingKey\":\"user\",\"plan\":\"pro\","
                       "\"country\":\"de\",\"version\":\"1.0.0\"");

    for (i = 0; i < members; i++) {
        p += (i % 3 == 0) ? sprintf(p, ",\"attribute%u\":%u", i, i * 7919)
             : (i % 3 == 1) ? sprintf(p, ",\"attribute%u\":\"a text\"", i)
             : sprintf(p, ",\"attribute%u\":true", i);
    }

    *p++ = '}';
    len = p - text;
    n = 20000000 / len;

    flagship_context_init(&context);
    memory = checked(malloc(flagship_eval_size(built->image)));

    start = now();

    for (i = 0; i < n; i++) {
        ev = flagship_eval_init(memory, built->image, &scratch, 1700000000,
                                flagship_context_fetch, &context);

        if (flagship_context_read(&context, ev, text, len, NULL)
            != FLAGSHIP_OK)
        {
            fprintf(stderr, "the context is refused\n");
            exit(1);
        }
    }

    printf("context: GB/s of %u members\t%.3f\n", members,
           (double) len * n / (now() - start));

    free(memory);
    free(text);
    flagship_context_free(&context);
}


/* All flags of a set: what each serves, and as the body that says so. */

static void
all(context_t *contexts)
{
    char                 *text;
    double                start;
    built_t               built;
    unsigned              i, k;
    uint32_t              flag;
    flagship_eval_t      *ev[CONTEXTS];
    flagship_decision_t   decision;

    text = flag_set();
    built = compile(text, strlen(text), NULL);

    for (i = 0; i < CONTEXTS; i++) {
        ev[i] = flagship_eval_init(checked(malloc(flagship_eval_size(
                                                      built.image))),
                                   built.image, &scratch, 1700000000, fetch,
                                   &contexts[i]);
    }

    all_mixed(&built, ev);

    start = now();

    for (k = 0; k < PASSES / 4; k++) {
        for (i = 0; i < CONTEXTS; i++) {

            /* segments are asked anew */
            memset(ev[i]->known, 0, built.image->nmemo);

            for (flag = 0; flag < FLAGS; flag++) {
                flagship_eval(ev[i], flag, &decision);
                __asm__ volatile ("" : : "r" (&decision) : "memory");
            }
        }
    }

    printf("evaluation: all of %u flags\t%.4f\n", FLAGS,
           (now() - start) / (PASSES / 4 * CONTEXTS * 1000.0));

    all_rendered(&built, contexts);

    for (i = 0; i < CONTEXTS; i++) {
        free(ev[i]);
    }

    free(built.image);
    free(text);
}


/* Of 25 flags, 15 are switches, 5 have conditions, 3 a segment; then a split
   and a rollout. */

static char *
flag_set(void)
{
    char      *text, *p;
    unsigned   i;

    static const char  *rules[] = {
        "\"rules\": [{\"when\": {\"in\": [{\"var\": \"country\"}, "
            "[\"de\", \"at\", \"ch\"]]}, \"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"and\": [{\"==\": [{\"var\": \"plan\"}, "
            "\"pro\"]}, {\"!=\": [{\"var\": \"country\"}, \"us\"]}]}, "
            "\"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"sem_ver\": [{\"var\": \"version\"}, "
            "\">=\", \"3.0.0\"]}, \"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"==\": [{\"var\": \"plan\"}, \"free\"]}, "
            "\"serve\": \"on\"}, {\"when\": {\"==\": [{\"var\": "
            "\"country\"}, \"fr\"]}, \"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"ends_with\": [{\"var\": \"targetingKey\"}, "
            "\"7\"]}, \"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"segment\": \"europe\"}, "
            "\"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"!\": [{\"segment\": \"europe\"}]}, "
            "\"serve\": \"on\"}]",
        "\"rules\": [{\"when\": {\"and\": [{\"segment\": \"europe\"}, "
            "{\"==\": [{\"var\": \"plan\"}, \"pro\"]}]}, "
            "\"serve\": \"on\"}]",
        "\"rules\": [{\"serve\": {\"split\": {\"on\": 50, \"off\": 50}}}]",
        "\"rollout\": 50"
    };

    text = checked(malloc(FLAGS * 512 + 512));
    p = text + sprintf(text, "{\"segments\": [{\"key\": \"europe\", \"when\": "
                       "{\"in\": [{\"var\": \"country\"}, [\"de\", \"at\", "
                       "\"ch\", \"fr\", \"pl\"]]}}], \"flags\": [");

    for (i = 0; i < FLAGS; i++) {
        p += sprintf(p, "%s{\"key\": \"team%u.feature-%02u\", \"type\": "
                     "\"boolean\", \"enabled\": %s, \"variants\": "
                     "{\"on\": true, \"off\": false}, \"off_variant\": "
                     "\"off\", \"default_variant\": \"%s\"%s%s}",
                     i ? ", " : "", i % 3, i, i % 25 == 24 ? "false" : "true",
                     i % 25 < 10 ? "off" : "on", i % 25 < 10 ? ", " : "",
                     i % 25 < 10 ? rules[i % 25] : "");
    }

    strcpy(p, "]}");

    return text;
}


/* What is not a switch has to have both answers. */

static void
all_mixed(const built_t *built, flagship_eval_t **ev)
{
    unsigned              i, on, ruled;
    uint32_t              flag;
    flagship_decision_t   decision;

    ruled = 0;

    for (flag = 0; flag < FLAGS; flag++) {
        on = 0;

        for (i = 0; i < CONTEXTS; i++) {
            flagship_eval(ev[i], flag, &decision);
            on += decision.variant == 0;
        }

        ruled += on && on < CONTEXTS;
    }

    if (ruled != FLAGS / 25 * 10) {
        fprintf(stderr, "%u of %u flags are mixed\n", ruled, FLAGS);
        exit(1);
    }
}


static void
all_rendered(const built_t *built, context_t *contexts)
{
    char                *body;
    void                *memory;
    double               start;
    size_t               len;
    unsigned             i, k;
    uint32_t             next;
    flagship_eval_t     *ev;
    flagship_context_t   context;

    flagship_context_init(&context);
    memory = checked(malloc(flagship_eval_size(built->image)));
    body = checked(malloc(FLAGS * 1024));

    start = now();

    for (k = 0; k < PASSES / 4; k++) {
        for (i = 0; i < CONTEXTS; i++) {
            ev = flagship_eval_init(memory, built->image, &scratch,
                                    1700000000, flagship_context_fetch,
                                    &context);
            next = 0;

            if (flagship_context_read(&context, ev, contexts[i].text,
                                      contexts[i].len, NULL)
                != FLAGSHIP_OK)
            {
                fprintf(stderr, "a context is refused\n");
                exit(1);
            }

            len = flagship_ofrep_answers(ev, &next, body, FLAGS * 1024);

            if (next != FLAGSHIP_NONE || len < FLAGS * 64) {
                fprintf(stderr, "not all flags are answered\n");
                exit(1);
            }
        }
    }

    printf("evaluation from text: all of %u flags as OFREP\t%.4f\n", FLAGS,
           (now() - start) / (PASSES / 4 * CONTEXTS * 1000.0));

    free(body);
    free(memory);
    flagship_context_free(&context);
}


/* A set of n simple flags: from JSON, a change in it, its size. */

static void
many(unsigned n)
{
    char      *text, *p;
    double     start;
    built_t    all, changed;
    unsigned   i;
    char       one[512];

    text = checked(malloc(64 + (size_t) n * 256));
    p = text + sprintf(text, "{\"flags\": [");

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s{\"key\": \"simple_flag_%05u\", "
                     "\"type\": \"boolean\", \"enabled\": true, "
                     "\"variants\": {\"on\": true, \"off\": false}, "
                     "\"default_variant\": \"off\", \"off_variant\": \"off\", "
                     "\"rollout\": %u}", i ? ", " : "", i, i % 100);
    }

    strcpy(p, "]}");

    start = now();
    all = compile(text, strlen(text), NULL);
    printf("load: flags from JSON to an image\t%.4f\n", (now() - start) / 1e6);

    sprintf(one, "{\"flags\": [{\"key\": \"simple_flag_%05u\", "
            "\"type\": \"boolean\", \"enabled\": true, "
            "\"variants\": {\"on\": true, \"off\": false}, "
            "\"default_variant\": \"off\", \"off_variant\": \"off\", "
            "\"rollout\": 33.5}]}", n / 2);

    start = now();
    changed = compile(one, strlen(one), all.image);
    printf("load: one change among them\t%.4f\n", (now() - start) / 1e6);

    printf("memory: image bytes a simple flag\t%.2f\n",
           (double) all.len / n);

    free(all.image);
    free(changed.image);
    free(text);
}


/* A set of so many ids: what one of them costs, asked for and kept. */

static void
id_set(unsigned n)
{
    built_t            built;
    flagship_idset_t  *set;

    static const char  text[] =
        "{\"flags\": [{\"key\": \"set\", \"type\": \"boolean\", "
        "\"enabled\": true, \"variants\": {\"on\": true, \"off\": false}, "
        "\"default_variant\": \"off\", \"rules\": [{\"when\": {\"in_set\": "
        "[{\"var\": \"targetingKey\"}, \"ids\"]}, \"serve\": \"on\"}]}], "
        "\"sets\": {\"ids\": []}}";

    set = id_set_build(n);
    built = compile(text, sizeof(text) - 1, NULL);

    id_set_ask(&built, set, "members", 0, 2);
    id_set_ask(&built, set, "others", 1, 2);
    id_set_ask(&built, set, "mixed", 0, 1);

    free(built.image);
    free(set);
}


/* Every second of the numbers, in no order. */

static flagship_idset_t *
id_set_build(unsigned n)
{
    char                     (*ids)[ID];
    double                     start;
    unsigned                   i;
    flagship_idset_t          *set;
    flagship_idset_builder_t  *builder;

    ids = checked(malloc(n * sizeof(*ids)));

    for (i = 0; i < n; i++) {
        sprintf(ids[i], "user-%08u", (unsigned) (i * 7919ull % n) * 2);
    }

    start = now();
    builder = checked(flagship_idset_create());

    for (i = 0; i < n; i++) {
        if (flagship_idset_add(builder, flagship_str(ids[i], ID - 1))
            != FLAGSHIP_OK)
        {
            checked(NULL);
        }
    }

    if (flagship_idset_build(builder, &set) != FLAGSHIP_OK || set->n != n) {
        checked(NULL);
    }

    flagship_idset_destroy(builder);

    printf("id set: building one of %u ids\t%.4f\n", n, (now() - start) / 1e6);
    printf("id set: bytes an id beside its own, of %u\t%.2f\n", n,
           (double) set->len / n - (ID - 1));

    free(ids);

    return set;
}


/*
 * The id is in the slot and is asked for the first time: what a request can
 * keep of it is not there yet.  Members, others, or both in no order: whose
 * number is "first" and a multiple of "step".
 *
 * WARM contexts in turn, as the other evaluations and other engines are
 * measured: that is what the code takes.  COLD ones are as many as no cache
 * holds, neither they nor what the set keeps of them: a million ids cost what
 * this machine's memory takes then.
 */

static void
id_set_ask(const built_t *built, const flagship_idset_t *set, const char *what,
    unsigned first, unsigned step)
{
    char               (*ids)[ID], name[64];
    unsigned             i;
    uint64_t             random;
    flagship_eval_t     *ev;

    ids = checked(malloc(COLD * sizeof(*ids)));
    random = 88172645463325252ull;

    for (i = 0; i < COLD; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;

        sprintf(ids[i], "user-%08u",
                (unsigned) (first + random % (set->n * 2 / step) * step));
    }

    ev = flagship_eval_init(checked(malloc(flagship_eval_size(built->image))),
                            built->image, &scratch, 1700000000, NULL, NULL);
    flagship_eval_bind_sets(ev, &set);

    ev->filled[0] = 1;
    ev->slots[0].value.type = FLAGSHIP_STRING;
    ev->slots[0].value.len = ID - 1;

    id_set_time(ev, set, what, ids, WARM, 80);

    sprintf(name, "%s, cold", what);
    id_set_time(ev, set, name, ids, COLD, 3);

    free(ev);
    free(ids);
}


static void
id_set_time(flagship_eval_t *ev, const flagship_idset_t *set, const char *name,
    char (*ids)[ID], unsigned n, unsigned passes)
{
    double                 start;
    unsigned               i, k, on, number;
    flagship_decision_t    decision;

    on = 0;

    for (i = 0; i < n; i++) {
        ev->slots[0].value.u.str = ids[i];
        flagship_eval(ev, 0, &decision);

        number = atoi(ids[i] + sizeof("user-") - 1);

        if ((decision.variant == 0) != (number % 2 == 0)) {
            fprintf(stderr, "%s: a wrong answer of %s\n", name, ids[i]);
            exit(1);
        }
    }

    start = now();

    for (k = 0; k < passes; k++) {
        for (i = 0; i < n; i++) {
            ev->slots[0].value.u.str = ids[i];
            flagship_eval(ev, 0, &decision);
            on += decision.variant == 0;
        }
    }

    __asm__ volatile ("" : : "r" (on));

    printf("evaluation: set of %u ids, %s\t%.3f\n", set->n, name,
           (now() - start) / ((double) passes * n));
}
