
/*
 * Copyright (C) Flagship
 */


/*
 * The edge: a request becomes a context, flags become headers, variables and
 * gates.
 *
 *   _edge_conf.c    what is inherited; flag set, prefix, attributes
 *   _directives.c   lists of headers, gates, identity, variables
 *   _lint.c         what "nginx -t" warns of
 *   _request.c      one request, one answer: pin, evaluate once, release
 *   _context.c      attributes of a request, typed
 *   _list.c         surgery on nginx's header lists
 *   _plan.c         headers of a flag set, ready but for the decisions
 *   _headers.c      strip, inject, take back; response headers
 *   _gate.c         gates
 *   _variables.c    $flagship_...
 *   _identity.c     flagship_identity
 *
 * All of it runs in a worker's event loop, configuration apart.  What a worker
 * caches (plans, indices) lies in the configuration of its cycle, is its own
 * after the fork, and is checked by the image's address and digest.
 */


#ifndef _NGX_HTTP_FLAGSHIP_EDGE_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_EDGE_H_INCLUDED_


#include "ngx_http_flagship.h"
#include "ngx_http_flagship_zone.h"
#include "ngx_http_flagship_zone_count.h"
#include "flagship_eval.h"
#include "flagship_hash.h"
#include "flagship_json.h"


#define NGX_HTTP_FLAGSHIP_LIMIT        64      /* flagship_headers_limit */
#define NGX_HTTP_FLAGSHIP_HEADERS_MAX  8192    /* bytes that "on" injects */
#define NGX_HTTP_FLAGSHIP_TEXT         64      /* bytes: longer values get an
                                                  allocation of their own */
#define NGX_HTTP_FLAGSHIP_ROOM         2048    /* bytes, at most */
#define NGX_HTTP_FLAGSHIP_PLANS        8       /* flag sets that a list keeps
                                                  ready */
#define NGX_HTTP_FLAGSHIP_CACHES       4       /* modules that cache */


/* Where a key was found last.  Valid for one image; see _index(). */

typedef struct {
    const flagship_image_t        *image;
    uint64_t                       digest;
    uint32_t                       flag;
} ngx_http_flagship_index_t;


/* A flag and the name of the header that carries it. */

typedef struct {
    ngx_str_t                      key;
    ngx_str_t                      name;
    u_char                        *lowcase;
    ngx_uint_t                     hash;
    uint32_t                       flag;      /* while a plan is made */
} ngx_http_flagship_name_t;


/* What a plan knows of a flag. */

typedef struct {
    uint32_t                       flag;      /* of the plan's image */
    uint32_t                       n;
    ngx_str_t                     *values;    /* texts; the first is that of no
                                                 variant.  Without data: it
                                                 has none, must not be sent or
                                                 is long */
} ngx_http_flagship_header_t;


/* The headers of a location for one image, in the order they are sent. */

typedef struct {
    ngx_uint_t                     refs;      /* the list's and requests' */
    const flagship_image_t        *image;
    uint64_t                       digest;
    ngx_uint_t                     n;
    ngx_uint_t                     over;      /* exposed, but past the limit */
    ngx_table_elt_t               *elts;      /* but for their values */
    ngx_http_flagship_header_t    *headers;
} ngx_http_flagship_plan_t;


/* A plan that headers of a request point into. */

typedef struct ngx_http_flagship_used_s  ngx_http_flagship_used_t;

struct ngx_http_flagship_used_s {
    ngx_http_flagship_plan_t      *plan;
    ngx_http_flagship_used_t      *next;
};


/* flagship_headers and flagship_response_headers, neither "off" */

typedef struct {
    unsigned                       all:1;     /* "on" */
    unsigned                       exposed:1; /* only exposed flags */
    unsigned                       logged:1;  /* that some did not fit */
    ngx_uint_t                     limit;
    ngx_str_t                      prefix;    /* of names; empty: not made */
    ngx_array_t                    keys;      /* of ngx_str_t, as written */
    ngx_uint_t                     n;
    ngx_http_flagship_name_t      *names;     /* of the list */
    ngx_http_flagship_plan_t      *plans[NGX_HTTP_FLAGSHIP_PLANS];
} ngx_http_flagship_headers_t;


/*
 * A value with variables.  Most are one variable and nothing else, which is
 * read in place: its bytes live as long as the request.
 */

typedef struct {
    ngx_http_complex_value_t       complex;
    ngx_int_t                      index;     /* NGX_ERROR: not just one */
} ngx_http_flagship_source_t;


typedef enum {
    NGX_HTTP_FLAGSHIP_STRING = 0,
    NGX_HTTP_FLAGSHIP_NUMBER,
    NGX_HTTP_FLAGSHIP_BOOLEAN,
    NGX_HTTP_FLAGSHIP_JSON
} ngx_http_flagship_attribute_e;

typedef struct {
    ngx_str_t                      name;
    uint32_t                       hash;      /* flagship_hash32() */
    ngx_http_flagship_attribute_e  type;
    ngx_http_flagship_source_t     value;
} ngx_http_flagship_attribute_t;


typedef struct {
    ngx_str_t                      key;
    ngx_str_t                      variant;
    ngx_uint_t                     status;    /* otherwise=404 */
    ngx_str_t                      named;     /* otherwise=@named */
    ngx_http_complex_value_t      *uri;       /* otherwise=/uri */
    u_char                        *file;      /* where it was written */
    ngx_uint_t                     line;
    unsigned                       variant_set:1;
    unsigned                       open:1;
    unsigned                       early:1;
    ngx_http_flagship_index_t      index;
} ngx_http_flagship_gate_t;


typedef struct {
    ngx_str_t                      variable;  /* "cookie_NAME" */
    ngx_uint_t                     hash;
    ngx_str_t                      name;
    ngx_str_t                      attributes;
    unsigned                       secure:1;  /* whatever the scheme */
} ngx_http_flagship_identity_t;


typedef enum {
    NGX_HTTP_FLAGSHIP_VALUE = 0,
    NGX_HTTP_FLAGSHIP_VARIANT,
    NGX_HTTP_FLAGSHIP_REASON,
    NGX_HTTP_FLAGSHIP_ENABLED
} ngx_http_flagship_what_e;


/* flagship_variable */

typedef struct {
    ngx_str_t                      name;
    ngx_str_t                      key;
    ngx_str_t                      text;      /* default= */
    ngx_http_flagship_what_e       what;
    unsigned                       text_set:1;
    ngx_http_flagship_index_t      index;
} ngx_http_flagship_variable_t;


typedef struct ngx_http_flagship_edge_main_s {
    ngx_array_t                    variables; /* of pointers */

    /* the first directive that cannot do without flagship_zone */
    ngx_str_t                      needs;
    u_char                        *needs_file;
    ngx_uint_t                     needs_line;

    ngx_int_t                      keys[NGX_HTTP_FLAGSHIP_CACHES];
                                              /* lint's; 0: not looked for */
    unsigned                       early:1;   /* some location's gate */

    /* a worker's */
    flagship_scratch_t            *scratch;
    ngx_http_flagship_index_t     *indices;   /* of nginx's variables */
    ngx_queue_t                    leaving;   /* contexts to release */
    ngx_event_t                    leave;
} ngx_http_flagship_edge_main_t;


typedef struct ngx_http_flagship_edge_conf_s {
    ngx_str_t                      prefix;
    u_char                        *fold;      /* the prefix, folded */
    ngx_flag_t                     strip;

    ngx_http_flagship_source_t    *targeting_key;
    ngx_array_t                   *attributes;

    ngx_http_flagship_headers_t   *request;   /* NULL: off */
    ngx_http_flagship_headers_t   *response;
    ngx_uint_t                     limit;

    ngx_array_t                   *gates;     /* of pointers */
    unsigned                       own:1;     /* gates written here */
    unsigned                       early:1;   /* one of them */

    ngx_http_flagship_identity_t  *identity;

    /* a worker's: the flag set, where its names are constant */
    uint64_t                       generation;
    const flagship_image_t        *image;
    size_t                         room;      /* bytes that contexts made
                                                 here come with */
} ngx_http_flagship_edge_conf_t;


/*
 * What a flag gave this request.  The strings lie in the image until they
 * are kept; kept ones outlive it.
 */

typedef struct ngx_http_flagship_answer_s  ngx_http_flagship_answer_t;

struct ngx_http_flagship_answer_s {
    flagship_decision_t            decision;
    ngx_str_t                      key;
    ngx_str_t                      variant;
    ngx_str_t                      text;      /* as headers carry it */
    unsigned                       value:1;   /* has one that may be sent */
    unsigned                       enabled:1; /* once kept; _enabled() */
    unsigned                       kept:1;    /* nothing lies in the image */
    ngx_http_flagship_answer_t    *next;      /* evaluated before it */
};


/* An attribute that was read, so that it stays what it was. */

typedef struct ngx_http_flagship_fetched_s  ngx_http_flagship_fetched_t;

struct ngx_http_flagship_fetched_s {
    uint32_t                       hash;
    ngx_str_t                      path;
    flagship_value_t               value;
    ngx_http_flagship_fetched_t   *next;
};

typedef struct ngx_http_flagship_text_s  ngx_http_flagship_text_t;

struct ngx_http_flagship_text_s {             /* parsed JSON */
    flagship_json_t                json;
    ngx_http_flagship_text_t      *next;
};

typedef struct ngx_http_flagship_turned_s  ngx_http_flagship_turned_t;

struct ngx_http_flagship_turned_s {           /* away, and by which gate */
    ngx_http_request_t            *request;
    ngx_http_flagship_gate_t      *gate;
    ngx_http_flagship_turned_t    *next;
};


/* Of a main request; lives in its pool, found by its cleanup. */

typedef struct {
    ngx_http_request_t            *request;   /* the main one */
    ngx_http_flagship_edge_main_t *main;
    u_char                        *room;      /* allocated with it */
    size_t                         left;      /* bytes of the room */
    size_t                         asked;     /* bytes in all */

    /* first use: pinned is set; view and image are NULL where there are none,
       and again once they are released */
    ngx_http_flagship_view_t      *view;
    const flagship_image_t        *image;
    flagship_eval_t               *ev;
    ngx_str_t                      tenant;
    ngx_str_t                      environment;
    ngx_http_flagship_loc_conf_t  *scope;     /* whose choice the two are */
    uint64_t                       revision;  /* 0: none */
    unsigned                       pinned:1;
    unsigned                       released:1;
    unsigned                       leaving:1; /* in main's queue */
    unsigned                       busy:1;    /* evaluating */
    ngx_queue_t                    queue;

    /* answers by flag; table_image says whose flags */
    ngx_http_flagship_answer_t   **table;
    ngx_uint_t                     size;      /* a power of two */
    ngx_http_flagship_answer_t    *answers;   /* newest first */
    ngx_uint_t                     n;
    ngx_http_flagship_answer_t    *free;      /* of the last chunk */
    ngx_uint_t                     nfree;
    const flagship_image_t        *table_image;
    uint64_t                       table_digest;

    /* what headers were made of: answers only once somebody asks */
    flagship_decision_t           *decided;
    ngx_uint_t                     ndecided;  /* 0, too, without an image */

    ngx_http_flagship_fetched_t   *fetched;   /* but for ev's slots, until
                                                 ev goes */
    ngx_http_flagship_text_t      *texts;

    ngx_http_flagship_headers_t   *injected;  /* NULL: nothing is */
    ngx_table_elt_t               *elts;
    ngx_uint_t                     nelts;
    ngx_http_flagship_used_t      *used;

    ngx_http_flagship_turned_t    *turned;

    ngx_str_t                      identity;
    ngx_http_flagship_identity_t  *identity_conf;     /* whose cookie is to be
                                                         set */
} ngx_http_flagship_ctx_t;


/* An argument of a directive: is it, or does it begin with, a literal? */

#define ngx_http_flagship_is(s, literal)                                      \
    ((s)->len == sizeof(literal) - 1                                          \
     && ngx_strncmp((s)->data, literal, sizeof(literal) - 1) == 0)

#define ngx_http_flagship_has(s, literal)                                     \
    ((s)->len >= sizeof(literal) - 1                                          \
     && ngx_strncmp((s)->data, literal, sizeof(literal) - 1) == 0)


#define ngx_http_flagship_edge_conf(r)                                        \
    ngx_http_flagship_get_loc_conf(r)->edge


/* Configuration: _edge_conf.c, _directives.c, _lint.c */

ngx_http_flagship_edge_main_t *ngx_http_flagship_edge_create_main(
    ngx_conf_t *cf);
ngx_http_flagship_edge_conf_t *ngx_http_flagship_edge_create_conf(
    ngx_conf_t *cf);
char *ngx_http_flagship_edge_merge_conf(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *prev, ngx_http_flagship_edge_conf_t *conf);

/* Without a zone: fails where something needs it, else does nothing. */
ngx_int_t ngx_http_flagship_edge_check_zone(ngx_conf_t *cf,
    ngx_http_flagship_main_conf_t *fmcf);
void ngx_http_flagship_edge_needs_zone(ngx_conf_t *cf);

ngx_int_t ngx_http_flagship_edge_init_process(ngx_cycle_t *cycle,
    ngx_http_flagship_main_conf_t *fmcf);

ngx_int_t ngx_http_flagship_key_valid(ngx_str_t *key);

/* flagship_tenant and flagship_environment; "conf" is the location's whole */
char *ngx_http_flagship_edge_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_strip(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_targeting_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_attribute(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_headers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_response_headers(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_flagship_edge_limit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_gate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_identity(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_flagship_edge_variable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Warnings about one location, once everything of it is merged. */
ngx_int_t ngx_http_flagship_lint(ngx_conf_t *cf,
    ngx_http_flagship_edge_conf_t *conf);


/* Request: _request.c */

/* Behind the pool's cleanups, where r->ctx was cleared. */
ngx_http_flagship_ctx_t *ngx_http_flagship_ctx_recover(ngx_http_request_t *r);


/* The main request's context, or NULL where there is none yet. */

static ngx_inline ngx_http_flagship_ctx_t *
ngx_http_flagship_ctx_find(ngx_http_request_t *r)
{
    ngx_http_flagship_ctx_t  *ctx;

    r = r->main;
    ctx = ngx_http_get_module_ctx(r, ngx_http_flagship_module);

    if (ctx != NULL || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    return ngx_http_flagship_ctx_recover(r);
}


/* The same, made where there is none; NULL: no memory. */
ngx_http_flagship_ctx_t *ngx_http_flagship_ctx_get(ngx_http_request_t *r);

/*
 * From the room that came with the context, else from the pool: the next
 * context of the location then comes with more.  "size" is a multiple of 8.
 */
void *ngx_http_flagship_alloc(ngx_http_flagship_ctx_t *ctx, size_t size);

/*
 * Pins a generation at the first use; after the release, the current one.
 * NGX_OK: ctx->image may be asked; NGX_DECLINED: there is no flag set;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_flagship_bind(ngx_http_flagship_ctx_t *ctx);

/* The answer of ctx->image's flag; evaluates at most once.  NULL: no memory,
   or the flag asks for itself. */
ngx_http_flagship_answer_t *ngx_http_flagship_answer(
    ngx_http_flagship_ctx_t *ctx, uint32_t flag);

/* Makes answers of ctx->decided.  NGX_ERROR: no memory. */
ngx_int_t ngx_http_flagship_settle(ngx_http_flagship_ctx_t *ctx);

/*
 * Decisions of many flags: begin(), a decide() each, end().  "decided" has room
 * for all of them; those of flags without an answer go there, and answers are
 * made of them when somebody asks.  NGX_ERROR: a flag is being evaluated.
 */
ngx_int_t ngx_http_flagship_decide_begin(ngx_http_flagship_ctx_t *ctx,
    flagship_decision_t *decided);
void ngx_http_flagship_decide_end(ngx_http_flagship_ctx_t *ctx);


static ngx_inline ngx_http_flagship_answer_t *
ngx_http_flagship_find(ngx_http_flagship_ctx_t *ctx, uint32_t flag)
{
    ngx_uint_t  i;

    if (ctx->size == 0) {
        return NULL;
    }

    i = flag & (ctx->size - 1);

    while (ctx->table[i]) {
        if (ctx->table[i]->decision.flag == flag) {
            return ctx->table[i];
        }

        i = (i + 1) & (ctx->size - 1);
    }

    return NULL;
}


static ngx_inline const flagship_decision_t *
ngx_http_flagship_decide(ngx_http_flagship_ctx_t *ctx, uint32_t flag)
{
    flagship_decision_t         *decision;
    ngx_http_flagship_answer_t  *answer;

    answer = ngx_http_flagship_find(ctx, flag);
    if (answer) {
        return &answer->decision;
    }

    decision = &ctx->decided[ctx->ndecided];

    flagship_eval(ctx->ev, flag, decision);

    ctx->ndecided++;

    return decision;
}


/* Copies what still lies in the image into the request's pool. */
ngx_int_t ngx_http_flagship_keep(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer);

/* The contract's "enabled" of the answer's flag. */
ngx_uint_t ngx_http_flagship_enabled(ngx_http_flagship_ctx_t *ctx,
    ngx_http_flagship_answer_t *answer);

/*
 * The response header is sent: the generation may go.  It does so at the end
 * of this turn of the event loop; most requests have ended by then, and need
 * no copy of what they were answered.
 */
void ngx_http_flagship_leave(ngx_http_flagship_ctx_t *ctx);
void ngx_http_flagship_leave_init(ngx_http_flagship_edge_main_t *fmcf,
    ngx_log_t *log);

/* The flag with this key, by the cache; "folded" as variables spell keys. */
uint32_t ngx_http_flagship_index(ngx_http_flagship_index_t *index,
    const flagship_image_t *image, ngx_str_t *key, ngx_uint_t folded);


/* Context: _context.c */

void ngx_http_flagship_fetch(void *data, flagship_str_t path, uint32_t hash,
    flagship_value_t *value);

/* The slots of ctx->ev, copied into ctx->fetched. */
ngx_int_t ngx_http_flagship_fetch_keep(ngx_http_flagship_ctx_t *ctx);


/* Header lists: _list.c */

extern const u_char  ngx_http_flagship_folded[256];

#define ngx_http_flagship_fold(c)  ngx_http_flagship_folded[(u_char) (c)]

typedef ngx_uint_t (*ngx_http_flagship_match_pt)(ngx_table_elt_t *h,
    void *data);

/* 1 where both fold to the same. */
ngx_uint_t ngx_http_flagship_same(ngx_str_t *a, ngx_str_t *b);

/* Removes what matches; moves no element.  NGX_ERROR: nothing was done. */
ngx_int_t ngx_http_flagship_list_remove(ngx_list_t *list, ngx_pool_t *pool,
    ngx_http_flagship_match_pt match, void *data);

/* Adds a part with room for "size" elements, of which part->nelts are set. */
void ngx_http_flagship_list_append(ngx_list_t *list, ngx_list_part_t *part,
    ngx_uint_t size);


/* Plans: _plan.c */

/* Names of a list for a prefix; a clone where they exist for another. */
ngx_http_flagship_headers_t *ngx_http_flagship_headers_make(ngx_conf_t *cf,
    ngx_http_flagship_headers_t *headers, ngx_str_t *prefix,
    ngx_uint_t limit);

/* NULL: no memory. */
ngx_http_flagship_plan_t *ngx_http_flagship_plan(
    ngx_http_flagship_headers_t *headers, const flagship_image_t *image,
    ngx_log_t *log);
void ngx_http_flagship_plan_release(ngx_http_flagship_plan_t *plan);


/* Headers: _headers.c */

ngx_int_t ngx_http_flagship_strip(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf);
ngx_int_t ngx_http_flagship_inject(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf);
ngx_int_t ngx_http_flagship_respond(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf);


/* Gates: _gate.c.  NGX_DECLINED: the request passes. */

ngx_int_t ngx_http_flagship_gates(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf, ngx_uint_t early);


/* Variables: _variables.c */

ngx_int_t ngx_http_flagship_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_flagship_get_defined(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* Identity: _identity.c */

/* The visitor's id; NGX_DECLINED where the location gives none. */
ngx_int_t ngx_http_flagship_identify(ngx_http_request_t *r, ngx_str_t *id);
/* Set-Cookie and Cache-Control, where this answer brings a new id. */
ngx_int_t ngx_http_flagship_identity_send(ngx_http_request_t *r,
    ngx_http_flagship_edge_conf_t *conf);


#endif /* _NGX_HTTP_FLAGSHIP_EDGE_H_INCLUDED_ */
