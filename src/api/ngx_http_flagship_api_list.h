
/*
 * Copyright (C) Flagship
 */


/*
 * Lists: {"<member>": [...], "next_cursor": ...}, by "limit", "cursor" and
 * "sort" of the query and what conditions the handler adds.
 *
 * Rows are read by keyset, a small page after the other, and streamed: neither
 * PostgreSQL nor this worker ever holds the list, and a client that is slow
 * holds no connection.  A cursor is the place of the last row; it holds for
 * the order that it was made in.
 *
 * SQL is put together from texts of the program alone; what a client sends is
 * always a parameter.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_LIST_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_LIST_H_INCLUDED_


#include "ngx_http_flagship_api_query.h"


#define NGX_HTTP_FLAGSHIP_LIST_PARAMS  16


/* A column to sort by, of a type that its text can be cast to. */

typedef struct {
    const char                       *name;     /* for "sort"; "-name": the
                                                   other way round */
    const char                       *column;   /* SQL */
    const char                       *text;     /* its text, exactly; SQL */
    const char                       *type;     /* SQL */
    ngx_uint_t                        unique;   /* no two rows have one value;
                                                   else the id decides */
} ngx_http_flagship_list_sort_t;


typedef struct {
    const char                       *member;   /* of the answer */
    const char                       *document; /* the row as JSON; SQL */
    const char                       *from;     /* SQL */
    const char                       *id;       /* a column; SQL */
    const char                       *id_type;
    const ngx_http_flagship_list_sort_t  *sorts;    /* up to a NULL name */
    const char                       *sort;     /* where none is asked for */
    const char                       *missing;  /* without any row: 404 with
                                                   this detail; NULL: [] */
} ngx_http_flagship_list_options_t;


typedef struct {
    ngx_http_flagship_call_t         *call;
    const ngx_http_flagship_list_options_t  *options;
    const ngx_http_flagship_list_sort_t     *sort;
    ngx_str_t                         sort_name;
    ngx_uint_t                        descending;
    ngx_uint_t                        left;     /* rows, of the limit */
    ngx_uint_t                        page;     /* rows that were asked for */
    ngx_uint_t                        rows;     /* ... and came */
    ngx_uint_t                        written;  /* of the whole list */
    unsigned                          missing:1;    /* options->missing holds */
    unsigned                          last:1;   /* there are more rows, but
                                                   for another list */
    unsigned                          failed:1;
    ngx_http_flagship_out_t           where;    /* SQL */
    char                             *sql[2];   /* from the start, from a
                                                   place */
    ngx_uint_t                        nparams;  /* of the conditions */
    const char                       *params[NGX_HTTP_FLAGSHIP_LIST_PARAMS];
    u_char                           *id;       /* the place */
    u_char                           *value;
    size_t                            size;     /* allocated for each */
    u_char                            limit[NGX_INT_T_LEN + 1];
} ngx_http_flagship_list_t;


/*
 * NGX_OK; NGX_DONE: the query is wrong, which was answered; NGX_ERROR.
 * The options must live as long as the request.
 */

ngx_int_t ngx_http_flagship_list_create(ngx_http_flagship_call_t *call,
    const ngx_http_flagship_list_options_t *options,
    ngx_http_flagship_list_t **list);

/* Conditions: text of the program; a parameter, which is copied. */
void ngx_http_flagship_list_sql(ngx_http_flagship_list_t *list,
    const char *sql);
void ngx_http_flagship_list_param(ngx_http_flagship_list_t *list,
    ngx_str_t *value);

/* " AND <sql>" and a parameter, where the query has the argument. */
void ngx_http_flagship_list_filter(ngx_http_flagship_list_t *list,
    const char *name, const char *sql);

/* The same for what must be true or false, or an RFC 3339 time.  NGX_DONE: it
   is not, which was answered. */
ngx_int_t ngx_http_flagship_list_filter_switch(ngx_http_flagship_list_t *list,
    const char *name, const char *sql);
ngx_int_t ngx_http_flagship_list_filter_time(ngx_http_flagship_list_t *list,
    const char *name, const char *sql);

/* " AND <sql> ILIKE" what contains the argument "search". */
void ngx_http_flagship_list_filter_search(ngx_http_flagship_list_t *list,
    const char *sql);

/* Streams the list, and answers.  The result is a handler's. */
ngx_int_t ngx_http_flagship_list_run(ngx_http_flagship_list_t *list);


#endif /* _NGX_HTTP_FLAGSHIP_API_LIST_H_INCLUDED_ */
