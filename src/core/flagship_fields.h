
/*
 * Copyright (C) Flagship
 */


/*
 * What a client sends of a resource -> the fields of the resource.
 *
 * A resource has fields, known by the names of the contract, and spellings of
 * them, among them those of the services that Flagship replaces.  The tables
 * of flagship_fields_table.c are the one place that knows the spellings.
 *
 * All errors of a document are found at once, each with a JSON Pointer into
 * what the client sent.  A field whose value is refused counts as sent but has
 * no node, so that whoever looks at the document next says nothing of it.
 *
 * Threads: any; an object belongs to one thread at a time.
 */


#ifndef _FLAGSHIP_FIELDS_H_INCLUDED_
#define _FLAGSHIP_FIELDS_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"


typedef enum {
    FLAGSHIP_VALUE_TEXT = 0,         /* a string */
    FLAGSHIP_VALUE_KEY,              /* a key */
    FLAGSHIP_VALUE_BOOLEAN,
    FLAGSHIP_VALUE_SWITCH,           /* "on" or "off": a boolean */
    FLAGSHIP_VALUE_NUMBER,
    FLAGSHIP_VALUE_STRINGS,          /* an array of strings */
    FLAGSHIP_VALUE_IDS,              /* the same; numbers become strings */
    FLAGSHIP_VALUE_METADATA,         /* names of strings, numbers, booleans */
    FLAGSHIP_VALUE_TYPED,            /* of the type that the document names */
    FLAGSHIP_VALUE_JSON              /* another looks at it */
} flagship_value_kind_e;


typedef struct {
    flagship_str_t               path;   /* members, joined by dots */
    uint8_t                      field;
    uint8_t                      kind;   /* flagship_value_kind_e */
    uint16_t                     max;    /* characters of a text; 0: any */
} flagship_spelling_t;


/* The first spelling of a field is its name. */

typedef struct {
    const flagship_spelling_t   *spellings;  /* up to an empty path */
    unsigned                     nfields;    /* of the document */
    unsigned                     id;         /* the field that is the id */
    unsigned                     key;        /* the field that is the key */
    unsigned                     name;       /* taken for a key where a new
                                                one has none; nfields: no */
    uint32_t                     fixed;      /* bits of fields that are not
                                                the client's to set */
} flagship_resource_t;


#define FLAGSHIP_FIELDS_MAX  32
#define FLAGSHIP_FIELDS_ALL  0xffffffffu

#define flagship_field_bit(field)  ((uint32_t) 1 << (field))


typedef struct {
    const flagship_json_node_t  *node;   /* NULL: not sent, or refused */
    const flagship_spelling_t   *spelling;   /* as sent; NULL: not sent */
} flagship_field_t;


typedef struct {
    const flagship_resource_t   *resource;
    const char                  *text;   /* what the nodes are of */
    flagship_errors_t           *errors;
    unsigned                     create:1;
    unsigned                     key_is_name:1;
    flagship_field_t             list[FLAGSHIP_FIELDS_MAX];
} flagship_fields_t;


/* A flag.  Those from FLAGSHIP_FLAG_FIELDS on are no part of a document. */

typedef enum {
    FLAGSHIP_FIELD_ID = 0,
    FLAGSHIP_FIELD_TENANT,
    FLAGSHIP_FIELD_ENVIRONMENT,
    FLAGSHIP_FIELD_KEY,
    FLAGSHIP_FIELD_NAME,
    FLAGSHIP_FIELD_DESCRIPTION,
    FLAGSHIP_FIELD_TAGS,
    FLAGSHIP_FIELD_METADATA,
    FLAGSHIP_FIELD_TYPE,
    FLAGSHIP_FIELD_ENABLED,
    FLAGSHIP_FIELD_VARIANTS,
    FLAGSHIP_FIELD_DEFAULT_VARIANT,
    FLAGSHIP_FIELD_OFF_VARIANT,
    FLAGSHIP_FIELD_RULES,
    FLAGSHIP_FIELD_USER_IDS,
    FLAGSHIP_FIELD_ROLLOUT,
    FLAGSHIP_FIELD_PREREQUISITES,
    FLAGSHIP_FIELD_ENABLE_AT,
    FLAGSHIP_FIELD_DISABLE_AT,
    FLAGSHIP_FIELD_EXPOSE,
    FLAGSHIP_FIELD_VERSION,
    FLAGSHIP_FIELD_CREATED_AT,
    FLAGSHIP_FIELD_UPDATED_AT,
    FLAGSHIP_FIELD_ARCHIVED_AT,
    FLAGSHIP_FLAG_FIELDS,
    FLAGSHIP_FIELD_DEFAULT_VALUE = FLAGSHIP_FLAG_FIELDS,
    FLAGSHIP_FIELD_OFF_VALUE
} flagship_flag_field_e;


/* A segment. */

typedef enum {
    FLAGSHIP_SEGMENT_ID = 0,
    FLAGSHIP_SEGMENT_TENANT,
    FLAGSHIP_SEGMENT_KEY,
    FLAGSHIP_SEGMENT_NAME,
    FLAGSHIP_SEGMENT_DESCRIPTION,
    FLAGSHIP_SEGMENT_WHEN,
    FLAGSHIP_SEGMENT_VERSION,
    FLAGSHIP_SEGMENT_CREATED_AT,
    FLAGSHIP_SEGMENT_UPDATED_AT,
    FLAGSHIP_SEGMENT_ARCHIVED_AT,
    FLAGSHIP_SEGMENT_FIELDS
} flagship_segment_field_e;


/* An id set.  Its members are no part of the document. */

typedef enum {
    FLAGSHIP_SET_ID = 0,
    FLAGSHIP_SET_TENANT,
    FLAGSHIP_SET_KEY,
    FLAGSHIP_SET_NAME,
    FLAGSHIP_SET_DESCRIPTION,
    FLAGSHIP_SET_SIZE,
    FLAGSHIP_SET_VERSION,
    FLAGSHIP_SET_CREATED_AT,
    FLAGSHIP_SET_UPDATED_AT,
    FLAGSHIP_SET_FIELDS,
    FLAGSHIP_SET_MEMBERS = FLAGSHIP_SET_FIELDS
} flagship_set_field_e;


/* A key of the API. */

typedef enum {
    FLAGSHIP_API_KEY_ID = 0,
    FLAGSHIP_API_KEY_TENANT,
    FLAGSHIP_API_KEY_ENVIRONMENT,
    FLAGSHIP_API_KEY_NAME,
    FLAGSHIP_API_KEY_ROLE,
    FLAGSHIP_API_KEY_SEE_UNEXPOSED,
    FLAGSHIP_API_KEY_EXPIRES_AT,
    FLAGSHIP_API_KEY_REVOKED_AT,
    FLAGSHIP_API_KEY_VERSION,
    FLAGSHIP_API_KEY_CREATED_AT,
    FLAGSHIP_API_KEY_UPDATED_AT,
    FLAGSHIP_API_KEY_FIELDS
} flagship_api_key_field_e;


extern const flagship_resource_t  flagship_resource_flag;
extern const flagship_resource_t  flagship_resource_segment;
extern const flagship_resource_t  flagship_resource_set;
extern const flagship_resource_t  flagship_resource_api_key;


/*
 * Reads a document, whose text and nodes must live as long as the fields.
 * "create": a new one, whose key may be its name and which has no id yet.
 * FLAGSHIP_OK, or FLAGSHIP_DECLINED: "errors" says why, and what could be read
 * was.
 */

int flagship_fields_read(flagship_fields_t *f,
    const flagship_resource_t *resource, const char *text,
    const flagship_json_node_t *root, int create, flagship_errors_t *errors);

/* The bits of what was sent, refused values included. */
uint32_t flagship_fields_sent(const flagship_fields_t *f);

/* An error about a field, at the place where the client wrote it. */
void flagship_fields_error(const flagship_fields_t *f, unsigned field,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * A pointer into the document of the fields' names -> a pointer into what the
 * client sent: of a field that was not sent, the pointer as it is.  "buf" holds
 * the 192 bytes of a flagship_error_t's.
 */

void flagship_fields_pointer(const flagship_fields_t *f, const char *pointer,
    char *buf, size_t size);

/*
 * JSON with the fields' names, in their order, of those among "fields" that
 * are part of the document, were sent and not refused.  Values are as written
 * but for blanks between tokens.  Returns the length; writes at most "size"
 * bytes; of size 0 only measures.
 */

size_t flagship_fields_print(const flagship_fields_t *f, uint32_t fields,
    char *buf, size_t size);


/* An argument of a query string, decoded. */

typedef struct {
    flagship_str_t               name;
    flagship_str_t               value;
} flagship_argument_t;

/*
 * Arguments -> the JSON document that they mean, each value of its field's
 * kind: enabled=true, rollout=25, tags=a&tags=b.  What is not of the kind
 * becomes a string, which flagship_fields_read() refuses.  Returns the length
 * as flagship_fields_print() does.
 */

size_t flagship_fields_query(const flagship_resource_t *resource,
    const flagship_argument_t *args, size_t n, char *buf, size_t size);


/*
 * Flags: what depends on several fields.
 *
 * "current" is the flag that is changed, as the contract has it, or NULL for
 * one that is made; "current_text" its text.
 */

typedef struct {
    flagship_fields_t            fields;
    const flagship_json_node_t  *current;
    const char                  *current_text;
    unsigned                     type;   /* of "default_value" */
    unsigned                     simple:1;   /* it makes the variants */
    unsigned                     listed:1;   /* the variants are a list */
    unsigned                     weighted:1; /* ... with weights: a split */
    unsigned                     replaces:1; /* ... in place of the last rule,
                                                which is such a split */
} flagship_flag_fields_t;


/*
 * To be called after flagship_fields_read() of "fields", once.  FLAGSHIP_OK,
 * or FLAGSHIP_DECLINED: "errors" has more.
 */

int flagship_flag_fields(flagship_flag_fields_t *f,
    const flagship_json_node_t *current, const char *current_text);

/*
 * What is to be written: the fields that the client sent, in their canonical
 * form.  With "merged" the whole document that comes of it, for the compiler:
 * "metadata" is then not merged by name.
 */

size_t flagship_flag_fields_print(const flagship_flag_fields_t *f, int merged,
    char *buf, size_t size);

/* flagship_fields_pointer() of that document. */
void flagship_flag_fields_pointer(const flagship_flag_fields_t *f,
    const char *pointer, char *buf, size_t size);


#endif /* _FLAGSHIP_FIELDS_H_INCLUDED_ */
