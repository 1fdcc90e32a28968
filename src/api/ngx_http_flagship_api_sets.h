
/*
 * Copyright (C) Flagship
 */


/*
 * What the two files of sets share.  Private to _api_sets.c and
 * _api_members.c.
 */


#ifndef _NGX_HTTP_FLAGSHIP_API_SETS_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_API_SETS_H_INCLUDED_


#include "ngx_http_flagship_api_entity.h"


extern const ngx_http_flagship_entity_kind_t  ngx_http_flagship_set;


/* Errors of a list of members, at "pointer" and an index each. */
void ngx_http_flagship_members_check(ngx_http_flagship_entity_t *e,
    const flagship_json_node_t *list, const char *pointer);

/* The list as an array of strings, null-terminated.  NULL: no memory. */
const char *ngx_http_flagship_members_json(ngx_http_flagship_entity_t *e,
    const flagship_json_node_t *list);


#endif /* _NGX_HTTP_FLAGSHIP_API_SETS_H_INCLUDED_ */
