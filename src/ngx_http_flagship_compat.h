
/*
 * Copyright (C) Flagship
 */


/*
 * Everything that differs between nginx 1.22 and the mainline.
 */


#ifndef _NGX_HTTP_FLAGSHIP_COMPAT_H_INCLUDED_
#define _NGX_HTTP_FLAGSHIP_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* 1.23 linked header elements of one name; ngx_list_push() does not clear. */

#if (nginx_version >= 1023000)
#define ngx_http_flagship_header_next(h, n)  (h)->next = (n)
#else
#define ngx_http_flagship_header_next(h, n)
#endif


#endif /* _NGX_HTTP_FLAGSHIP_COMPAT_H_INCLUDED_ */
