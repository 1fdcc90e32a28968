
/*
 * Copyright (C) Flagship
 */


/*
 * The hosts of a conninfo (master process, while the configuration is read):
 * the lists of names, addresses and ports that libpq would only compare when
 * it connects.  Messages name a host by its number: what a mistyped URI makes
 * of a password can stand here.
 */


#include "ngx_http_flagship_pg_local.h"

#include <sys/un.h>


static char *ngx_http_flagship_pg_host(ngx_conf_t *cf,
    ngx_http_flagship_pg_host_t *host, ngx_uint_t n);


static ngx_uint_t
ngx_http_flagship_pg_count(const char *list)
{
    ngx_uint_t  n;

    if (list == NULL) {
        return 0;
    }

    for (n = 1; *list; list++) {
        n += (*list == ',');
    }

    return n;
}


/* The n-th (from 0) part of a list, "" where there is no list. */

static ngx_int_t
ngx_http_flagship_pg_part(ngx_conf_t *cf, const char *list, ngx_uint_t n,
    ngx_str_t *part)
{
    if (list == NULL) {
        ngx_str_set(part, "");
        return NGX_OK;
    }

    while (n--) {
        list = strchr(list, ',') + 1;
    }

    part->len = strcspn(list, ",");
    part->data = (u_char *) ngx_http_flagship_pg_copy(cf->pool, list,
                                                      part->len);

    return part->data ? NGX_OK : NGX_ERROR;
}


char *
ngx_http_flagship_pg_hosts(ngx_conf_t *cf,
    ngx_http_flagship_pg_conninfo_t *info, PQconninfoOption *options)
{
    char                         *rc;
    ngx_int_t                     number;
    ngx_str_t                     port;
    ngx_uint_t                    i, nhosts, naddrs, nports;
    const char                   *hosts, *addrs, *ports;
    ngx_http_flagship_pg_host_t  *host;

    hosts = ngx_http_flagship_pg_option(options, "host");
    addrs = ngx_http_flagship_pg_option(options, "hostaddr");
    ports = ngx_http_flagship_pg_option(options, "port");

    nhosts = ngx_http_flagship_pg_count(hosts);
    naddrs = ngx_http_flagship_pg_count(addrs);
    nports = ngx_http_flagship_pg_count(ports);

    if (nhosts && naddrs && nhosts != naddrs) {
        return ngx_http_flagship_pg_message(cf, "%ui hosts, but %ui values of "
                                            "\"hostaddr\"", nhosts, naddrs);
    }

    info->nhosts = nhosts ? nhosts : (naddrs ? naddrs : 1);

    if (nports > 1 && nports != info->nhosts) {
        return ngx_http_flagship_pg_message(cf, "%ui hosts, but %ui ports",
                                            info->nhosts, nports);
    }

    info->hosts = ngx_pcalloc(cf->pool, info->nhosts
                              * sizeof(ngx_http_flagship_pg_host_t));
    if (info->hosts == NULL) {
        return (char *) "no memory";
    }

    for (i = 0; i < info->nhosts; i++) {
        host = &info->hosts[i];

        if (ngx_http_flagship_pg_part(cf, hosts, i, &host->host) != NGX_OK
            || ngx_http_flagship_pg_part(cf, addrs, i, &host->hostaddr)
               != NGX_OK
            || ngx_http_flagship_pg_part(cf, ports, nports > 1 ? i : 0, &port)
               != NGX_OK)
        {
            return (char *) "no memory";
        }

        if (port.len == 0) {
            ngx_str_set(&port, "5432");
        }

        number = ngx_atoi(port.data, port.len);

        if (port.len > 5 || number < 1 || number > 65535) {
            return ngx_http_flagship_pg_message(cf, "the port of host %ui is "
                                   "not a number from 1 to 65535", i + 1);
        }

        host->port = (char *) port.data;

        rc = ngx_http_flagship_pg_host(cf, host, i + 1);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_flagship_pg_is_addr(ngx_str_t *text)
{
    char              *p, addr[NGX_HTTP_FLAGSHIP_PG_ADDR_LEN];
    struct in6_addr    in6;

    if (text->len >= sizeof(addr)) {
        return 0;
    }

    (void) ngx_cpystrn((u_char *) addr, text->data, text->len + 1);

    if (inet_pton(AF_INET, addr, &in6) == 1) {
        return 1;
    }

    /* "fe80::1%eth0" */
    p = strchr(addr, '%');
    if (p) {
        *p = '\0';
    }

    return inet_pton(AF_INET6, addr, &in6) == 1;
}


/* A host that is no socket: an address, "localhost" or another name. */

static ngx_int_t
ngx_http_flagship_pg_name(ngx_http_flagship_pg_host_t *host)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  plain;

    plain = 1;

    for (i = 0; i < host->host.len; i++) {
        c = host->host.data[i];

        if (c == ':' || c == '%') {
            plain = 0;

        } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z')
                   && !(c >= 'A' && c <= 'Z')
                   && c != '-' && c != '_' && c != '.')
        {
            return NGX_ERROR;
        }
    }

    if (host->hostaddr.len) {
        return NGX_OK;
    }

    if (ngx_http_flagship_pg_is_addr(&host->host)) {
        host->hostaddr = host->host;
        return NGX_OK;
    }

    if (!plain) {
        return NGX_ERROR;
    }

    if (ngx_strcasecmp(host->host.data, (u_char *) "localhost") == 0) {
        host->loopback = 1;

    } else {
        host->name = 1;
    }

    return NGX_OK;
}


/* What kind of host this is; its peer name. */

static char *
ngx_http_flagship_pg_host(ngx_conf_t *cf, ngx_http_flagship_pg_host_t *host,
    ngx_uint_t n)
{
    u_char              c;
    ngx_str_t          *shown;
    const char         *fmt;
    struct sockaddr_un  sun;

    if (host->hostaddr.len && !ngx_http_flagship_pg_is_addr(&host->hostaddr)) {
        return ngx_http_flagship_pg_message(cf, "\"hostaddr\" of host %ui is "
                                            "not an IP address", n);
    }

    c = host->host.len ? host->host.data[0] : '/';

    if (c == '/' || c == '@') {

        /* with an address, this is but the name that libpq calls it */

        host->local = (host->hostaddr.len == 0);

        if (host->local && host->host.len + sizeof("/.s.PGSQL.65535")
                           > sizeof(sun.sun_path))
        {
            return ngx_http_flagship_pg_message(cf, "the socket folder of "
                                                "host %ui is too long", n);
        }

    } else if (host->host.len > 255) {
        return ngx_http_flagship_pg_message(cf, "the name of host %ui is too "
                                            "long", n);

    } else if (ngx_http_flagship_pg_name(host) != NGX_OK) {
        return ngx_http_flagship_pg_message(cf, "host %ui is neither a name "
                                  "nor an address nor a full path", n);
    }

    shown = host->host.len ? &host->host : &host->hostaddr;

    host->peer.data = ngx_pnalloc(cf->pool, shown->len + sizeof("[]:65535"));

    if (host->peer.data == NULL) {
        return (char *) "no memory";
    }

    fmt = "%V:%s";

    if (!host->local && strchr((char *) shown->data, ':') != NULL) {
        fmt = "[%V]:%s";
    }

    host->peer.len = ngx_sprintf(host->peer.data, fmt, shown, host->port)
                     - host->peer.data;

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_flagship_pg_has_names(ngx_http_flagship_pg_conninfo_t *info)
{
    ngx_uint_t  i;

    for (i = 0; i < info->nhosts; i++) {

        if (info->hosts[i].name) {
            return 1;
        }
    }

    return 0;
}
