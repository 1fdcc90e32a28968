
/*
 * Copyright (C) Flagship
 */


/*
 * A conninfo, taken apart while the configuration is read (master process).
 *
 * libpq's own parser splits the text, so that what psql takes is taken; what
 * it would only notice when it connects is checked here, and hosts, ports,
 * target_session_attrs and connect_timeout are kept apart, because libpq's
 * asynchronous connect would walk the hosts without a time limit.  Nothing is
 * resolved and nothing is opened.
 *
 * Messages never quote a value, and quote a part of a text that libpq could
 * not split only where it cannot be of a password.
 */


#include "ngx_http_flagship_pg_local.h"


#define NGX_HTTP_FLAGSHIP_PG_DEFAULTS  8


typedef enum {
    NGX_HTTP_FLAGSHIP_PG_OWN = 0,     /* read elsewhere, not for libpq */
    NGX_HTTP_FLAGSHIP_PG_ONE_OF,      /* one of these words */
    NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI,   /* ... in any case */
    NGX_HTTP_FLAGSHIP_PG_NUMBER,
    NGX_HTTP_FLAGSHIP_PG_PATH,
    NGX_HTTP_FLAGSHIP_PG_REFUSED      /* for this reason */
} ngx_http_flagship_pg_kind_e;

typedef struct {
    const char                       *name;
    ngx_http_flagship_pg_kind_e       kind;
    const char                       *text;
} ngx_http_flagship_pg_keyword_t;


static char *ngx_http_flagship_pg_parse_error(ngx_conf_t *cf, char *text,
    char *error);
static char *ngx_http_flagship_pg_check_text(ngx_conf_t *cf, char *text);
static char *ngx_http_flagship_pg_check(ngx_conf_t *cf,
    PQconninfoOption *option);
static char *ngx_http_flagship_pg_params(ngx_conf_t *cf,
    ngx_http_flagship_pg_conninfo_t *info, PQconninfoOption *options);


/* A keyword that is not here goes to libpq as it is. */

static const ngx_http_flagship_pg_keyword_t  ngx_http_flagship_pg_keywords[] = {

    { "host", NGX_HTTP_FLAGSHIP_PG_OWN, NULL },
    { "hostaddr", NGX_HTTP_FLAGSHIP_PG_OWN, NULL },
    { "port", NGX_HTTP_FLAGSHIP_PG_OWN, NULL },

    { "sslmode", NGX_HTTP_FLAGSHIP_PG_ONE_OF,
      "disable allow prefer require verify-ca verify-full" },
    { "target_session_attrs", NGX_HTTP_FLAGSHIP_PG_ONE_OF,
      "any read-write read-only primary standby prefer-standby" },
    { "gssencmode", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "disable prefer require" },
    { "channel_binding", NGX_HTTP_FLAGSHIP_PG_ONE_OF,
      "disable prefer require" },
    { "gsslib", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "gssapi sspi" },
    { "gssdelegation", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "0 1" },
    { "sslcompression", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "0 1" },
    { "sslsni", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "0 1" },
    { "sslcertmode", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "disable allow require" },
    { "sslnegotiation", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "postgres direct" },
    { "keepalives", NGX_HTTP_FLAGSHIP_PG_ONE_OF, "0 1" },

    { "ssl_min_protocol_version", NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI,
      "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3" },
    { "ssl_max_protocol_version", NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI,
      "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3" },

    /* every text of ours is UTF-8 */
    { "client_encoding", NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI, "UTF8 UTF-8" },

    { "connect_timeout", NGX_HTTP_FLAGSHIP_PG_NUMBER, NULL },
    { "keepalives_idle", NGX_HTTP_FLAGSHIP_PG_NUMBER, NULL },
    { "keepalives_interval", NGX_HTTP_FLAGSHIP_PG_NUMBER, NULL },
    { "keepalives_count", NGX_HTTP_FLAGSHIP_PG_NUMBER, NULL },
    { "tcp_user_timeout", NGX_HTTP_FLAGSHIP_PG_NUMBER, NULL },

    { "passfile", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },
    { "sslcert", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },
    { "sslkey", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },
    { "sslrootcert", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },
    { "sslcrl", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },
    { "sslcrldir", NGX_HTTP_FLAGSHIP_PG_PATH, NULL },

    { "service", NGX_HTTP_FLAGSHIP_PG_REFUSED,
      "write out what the service file says" },
    { "replication", NGX_HTTP_FLAGSHIP_PG_REFUSED,
      "flags are read by ordinary connections" },
    { "load_balance_hosts", NGX_HTTP_FLAGSHIP_PG_REFUSED,
      "hosts are tried in their order" },

    { NULL, 0, NULL }
};


static const char  *ngx_http_flagship_pg_defaults[][2] = {
    /* looking for a Kerberos ticket blocks */
    { "gssencmode", "disable" },
    /* a peer that vanished is noticed within a minute, and what was sent to
       it within half of one */
    { "keepalives_idle", "30" },
    { "keepalives_interval", "10" },
    { "keepalives_count", "3" },
    { "tcp_user_timeout", "30000" },
    { "client_encoding", "UTF8" },
    { NULL, NULL }
};


char *
ngx_http_flagship_pg_message(ngx_conf_t *cf, const char *fmt, ...)
{
    char     *message;
    u_char   *last;
    va_list   args;

    message = ngx_pnalloc(cf->pool, NGX_MAX_CONF_ERRSTR);
    if (message == NULL) {
        return (char *) "no memory";
    }

    va_start(args, fmt);
    last = ngx_vslprintf((u_char *) message,
                         (u_char *) message + NGX_MAX_CONF_ERRSTR - 1, fmt,
                         args);
    va_end(args);

    *last = '\0';

    return message;
}


char *
ngx_http_flagship_pg_copy(ngx_pool_t *pool, const char *data, size_t len)
{
    char  *copy;

    copy = ngx_pnalloc(pool, len + 1);
    if (copy) {
        (void) ngx_cpystrn((u_char *) copy, (u_char *) data, len + 1);
    }

    return copy;
}


const char *
ngx_http_flagship_pg_option(PQconninfoOption *options, const char *name)
{
    PQconninfoOption  *option;

    for (option = options; option->keyword; option++) {

        if (ngx_strcmp(option->keyword, name) == 0) {
            return (option->val && option->val[0]) ? option->val : NULL;
        }
    }

    return NULL;
}


char *
ngx_http_flagship_pg_parse(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_flagship_pg_conninfo_t **conninfo)
{
    char                             *copy, *error, *rc;
    PQconninfoOption                 *options;
    ngx_http_flagship_pg_conninfo_t  *info;

    info = ngx_pcalloc(cf->pool, sizeof(ngx_http_flagship_pg_conninfo_t));
    copy = ngx_http_flagship_pg_copy(cf->pool, (char *) text->data, text->len);

    if (info == NULL || copy == NULL) {
        return (char *) "no memory";
    }

    if (ngx_strlen(copy) != text->len) {
        return (char *) "a zero byte in the conninfo";
    }

    rc = ngx_http_flagship_pg_check_text(cf, copy);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    error = NULL;
    options = PQconninfoParse(copy, &error);

    if (options == NULL) {
        if (error == NULL) {
            return (char *) "no memory";
        }

        rc = ngx_http_flagship_pg_parse_error(cf, copy, error);
        PQfreemem(error);
        return rc;
    }

    rc = ngx_http_flagship_pg_params(cf, info, options);

    if (rc == NGX_CONF_OK) {
        rc = ngx_http_flagship_pg_hosts(cf, info, options);
    }

    PQconninfoFree(options);

    if (rc == NGX_CONF_OK) {
        *conninfo = info;
    }

    return rc;
}


/*
 * libpq's message on a text that it cannot split repeats a part of it, which
 * can be of a password with a forgotten quote or "%".  A part is shown only
 * where no password can stand: behind the "@" of a URI, and not at all where
 * the text speaks of one.
 */

static char *
ngx_http_flagship_pg_parse_error(ngx_conf_t *cf, char *text, char *error)
{
    char   *p, *end, *open;
    u_char *safe;

    error[strcspn(error, "\r\n")] = '\0';

    p = strrchr(text, '@');
    safe = (u_char *) (p ? p + 1 : text);

    if (ngx_strcasestrn((u_char *) text, "pass", 4 - 1) != NULL) {
        safe = NULL;
    }

    for (p = error; (open = strchr(p, '"')) != NULL; p = end + 1) {

        end = strchr(open + 1, '"');
        if (end == NULL) {
            break;
        }

        if (end == open + 2 && strchr("=]:/", open[1]) != NULL) {
            continue;
        }

        *end = '\0';

        if (safe == NULL || strchr(open + 1, '@') != NULL
            || ngx_strstr(safe, open + 1) == NULL)
        {
            *open = '\0';
            return ngx_http_flagship_pg_message(cf, "%s... (the text is not "
                                   "shown, it may hold a password)", error);
        }

        *end = '"';
    }

    return ngx_http_flagship_pg_message(cf, "%s", error);
}


/*
 * Makes "postgresql+driver://" a URI of libpq, drops the white space of a file
 * around it, and refuses a URI whose password has an "@" or "/" that is not
 * percent-encoded: libpq would look for its host, port or database in the rest
 * of the password, and tell the log about it.
 */

static char *
ngx_http_flagship_pg_check_text(ngx_conf_t *cf, char *text)
{
    char    *p, *scheme, *slash, *last;
    size_t   len;

    len = ngx_strlen(text);

    while (len && strchr(" \t\r\n", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }

    p = text + strspn(text, " \t\r\n");
    ngx_memmove(text, p, ngx_strlen(p) + 1);

    p = strstr(text, "://");

    if (p == NULL || ngx_strncmp(text, "postgres", 8) != 0
        || strcspn(text, " =") < (size_t) (p - text))
    {
        return NGX_CONF_OK;
    }

    scheme = strchr(text, '+');

    if (scheme && scheme < p) {
        ngx_memmove(scheme, p, ngx_strlen(p) + 1);
        p = scheme;
    }

    len = p - text;

    if (!(len == 8 || (len == 10 && ngx_strncmp(text, "postgresql", 10) == 0)))
    {
        return (char *) "a URI begins with \"postgresql://\"";
    }

    p += 3;
    slash = strchr(p, '/');

    if (slash == NULL) {
        slash = p + ngx_strlen(p);
    }

    last = slash + strcspn(slash, "?");

    if (memchr(slash, '@', last - slash) != NULL) {
        goto unencoded;
    }

    p = memchr(p, '@', slash - p);

    if (p && memchr(p + 1, '@', slash - p - 1) != NULL) {
        goto unencoded;
    }

    return NGX_CONF_OK;

unencoded:

    return (char *) "\"@\" and \"/\" of a user name, password or database are "
                    "written \"%40\" and \"%2F\" in a URI";
}


/* The word's place in a list, 0 where it is not there. */

static ngx_uint_t
ngx_http_flagship_pg_word(const char *words, const char *value,
    ngx_uint_t any_case)
{
    size_t       len;
    ngx_uint_t   n;

    for (n = 1; *words; n++) {

        len = strcspn(words, " ");

        if (len == ngx_strlen(value)
            && (any_case ? ngx_strncasecmp((u_char *) words, (u_char *) value,
                                           len)
                         : ngx_strncmp(words, value, len))
               == 0)
        {
            return n;
        }

        words += len;
        words += strspn(words, " ");
    }

    return 0;
}


static const ngx_http_flagship_pg_keyword_t *
ngx_http_flagship_pg_keyword(const char *name)
{
    const ngx_http_flagship_pg_keyword_t  *keyword;

    for (keyword = ngx_http_flagship_pg_keywords; keyword->name; keyword++) {

        if (ngx_strcmp(keyword->name, name) == 0) {
            return keyword;
        }
    }

    return NULL;
}


/* Makes a path a full one, as nginx's own directives do. */

static char *
ngx_http_flagship_pg_path(ngx_conf_t *cf, PQconninfoOption *option,
    const char **value)
{
    ngx_str_t  path;

    /* "system" and an engine's key are no files */

    if ((ngx_strcmp(option->keyword, "sslrootcert") == 0
         && ngx_strcmp(option->val, "system") == 0)
        || (ngx_strcmp(option->keyword, "sslkey") == 0
            && strchr(option->val, ':') != NULL))
    {
        return NGX_CONF_OK;
    }

    path.data = (u_char *) *value;
    path.len = ngx_strlen(*value);

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return (char *) "no memory";
    }

    *value = (char *) path.data;

    return NGX_CONF_OK;
}


static char *
ngx_http_flagship_pg_check(ngx_conf_t *cf, PQconninfoOption *option)
{
    ngx_uint_t                             any_case;
    const ngx_http_flagship_pg_keyword_t  *keyword;

    keyword = ngx_http_flagship_pg_keyword(option->keyword);
    if (keyword == NULL) {
        return NGX_CONF_OK;
    }

    switch (keyword->kind) {

    case NGX_HTTP_FLAGSHIP_PG_ONE_OF:
    case NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI:

        any_case = (keyword->kind == NGX_HTTP_FLAGSHIP_PG_ONE_OF_CI);

        if (ngx_http_flagship_pg_word(keyword->text, option->val, any_case)
            == 0)
        {
            return ngx_http_flagship_pg_message(cf, "\"%s\" must be one of: "
                                                "%s", keyword->name,
                                                keyword->text);
        }

        break;

    case NGX_HTTP_FLAGSHIP_PG_NUMBER:

        if (ngx_strlen(option->val) > 7
            || ngx_atoi((u_char *) option->val, ngx_strlen(option->val))
               == NGX_ERROR)
        {
            return ngx_http_flagship_pg_message(cf, "\"%s\" must be a number "
                                                "from 0 to 9999999",
                                                keyword->name);
        }

        break;

    case NGX_HTTP_FLAGSHIP_PG_REFUSED:

        return ngx_http_flagship_pg_message(cf, "\"%s\" is not supported, %s",
                                            keyword->name, keyword->text);

    default:
        break;
    }

    return NGX_CONF_OK;
}


/* What libpq gets with every host, and what of the rest we do in its place. */

static char *
ngx_http_flagship_pg_params(ngx_conf_t *cf,
    ngx_http_flagship_pg_conninfo_t *info, PQconninfoOption *options)
{
    char                                  *rc;
    ngx_uint_t                             n;
    const char                            *min, *max, *value, *versions;
    PQconninfoOption                      *option;
    const ngx_http_flagship_pg_keyword_t  *keyword;

    n = NGX_HTTP_FLAGSHIP_PG_DEFAULTS;

    for (option = options; option->keyword; option++) {
        n++;
    }

    info->keywords = ngx_pcalloc(cf->pool, n * sizeof(char *));
    info->values = ngx_pcalloc(cf->pool, n * sizeof(char *));

    if (info->keywords == NULL || info->values == NULL) {
        return (char *) "no memory";
    }

    for (option = options; option->keyword; option++) {

        if (option->val == NULL || option->val[0] == '\0') {
            continue;
        }

        rc = ngx_http_flagship_pg_check(cf, option);
        if (rc != NGX_CONF_OK) {
            return rc;
        }

        if (ngx_strcmp(option->keyword, "target_session_attrs") == 0) {
            keyword = ngx_http_flagship_pg_keyword("target_session_attrs");
            info->role = ngx_http_flagship_pg_word(keyword->text, option->val,
                                                   0) - 1;
            continue;
        }

        if (ngx_strcmp(option->keyword, "connect_timeout") == 0) {
            info->timeout = 1000 * ngx_atoi((u_char *) option->val,
                                            ngx_strlen(option->val));
            continue;
        }

        keyword = ngx_http_flagship_pg_keyword(option->keyword);

        if (keyword && keyword->kind == NGX_HTTP_FLAGSHIP_PG_OWN) {
            continue;
        }

        value = ngx_http_flagship_pg_copy(cf->pool, option->val,
                                          ngx_strlen(option->val));
        if (value == NULL) {
            return (char *) "no memory";
        }

        if (keyword && keyword->kind == NGX_HTTP_FLAGSHIP_PG_PATH) {
            rc = ngx_http_flagship_pg_path(cf, option, &value);
            if (rc != NGX_CONF_OK) {
                return rc;
            }
        }

        n = info->nparams++;
        info->values[n] = value;
        info->keywords[n] = ngx_http_flagship_pg_copy(cf->pool,
                                    option->keyword,
                                    ngx_strlen(option->keyword));
        if (info->keywords[n] == NULL) {
            return (char *) "no memory";
        }
    }

    for (n = 0; ngx_http_flagship_pg_defaults[n][0]; n++) {

        if (ngx_http_flagship_pg_option(options,
                                        ngx_http_flagship_pg_defaults[n][0])
            == NULL)
        {
            info->keywords[info->nparams] =
                ngx_http_flagship_pg_defaults[n][0];
            info->values[info->nparams++] =
                ngx_http_flagship_pg_defaults[n][1];
        }
    }

    min = ngx_http_flagship_pg_option(options, "ssl_min_protocol_version");
    max = ngx_http_flagship_pg_option(options, "ssl_max_protocol_version");

    keyword = ngx_http_flagship_pg_keyword("ssl_max_protocol_version");
    versions = keyword->text;

    /* libpq's own least version is 1.2 */

    if (max && ngx_http_flagship_pg_word(versions, max, 1)
               < ngx_http_flagship_pg_word(versions, min ? min : "TLSv1.2", 1))
    {
        return (char *) "\"ssl_max_protocol_version\" is less than "
                        "\"ssl_min_protocol_version\"";
    }

    return NGX_CONF_OK;
}
