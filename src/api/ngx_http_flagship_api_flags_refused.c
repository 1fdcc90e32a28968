
/*
 * Copyright (C) Flagship
 */


/*
 * What PostgreSQL refuses, as what is wrong with a field: constraints that
 * look at several fields of a flag, of which a request may have sent one.
 * What a request can break alone was found before.  A worker's event loop.
 */


#include "ngx_http_flagship_api_flags.h"


static const struct {
    const char  *constraint;
    unsigned     field;
    const char  *pointer;
    unsigned     other;      /* where the first was not sent */
    const char  *other_pointer;
    const char  *detail;
} ngx_http_flagship_flag_constraints[] = {

    { "flags_on_variant_known", FLAGSHIP_FIELD_ROLLOUT, "/rollout",
      FLAGSHIP_FIELD_USER_IDS, "/user_ids", "needs a variant \"on\"" },

    { "flags_schedule_order", FLAGSHIP_FIELD_DISABLE_AT, "/disable_at",
      FLAGSHIP_FIELD_ENABLE_AT, "/enable_at",
      "\"disable_at\" must be after \"enable_at\"" },

    { "flags_schedule_range", FLAGSHIP_FIELD_ENABLE_AT, "/enable_at",
      FLAGSHIP_FIELD_DISABLE_AT, "/disable_at",
      "must be in the years 1 to 9999" },

    { "flags_variants_typed", FLAGSHIP_FIELD_VARIANTS, "/variants",
      FLAGSHIP_FIELD_TYPE, "/type",
      "each variant must have a name and the flag's type" },

    { "flags_prerequisites_shape", FLAGSHIP_FIELD_PREREQUISITES,
      "/prerequisites", FLAGSHIP_FIELD_PREREQUISITES, "/prerequisites",
      "must be [{\"flag\": key, \"variant\": name}] of other flags" },

    { "flags_size", FLAGSHIP_FIELD_KEY, "", FLAGSHIP_FIELD_KEY, "",
      "the flag has more than a million bytes" },

    { NULL, 0, NULL, 0, NULL, NULL }
};


static ngx_uint_t ngx_http_flagship_flag_constraint(ngx_str_t *name,
    const char *constraint);


ngx_uint_t
ngx_http_flagship_flag_refused(ngx_http_flagship_call_t *call,
    ngx_http_flagship_query_error_t *error)
{
    char                            pointer[192];
    ngx_uint_t                      i;
    const char                     *place;
    ngx_http_flagship_flag_call_t  *fc;

    fc = call->data;

    if (ngx_http_flagship_flag_constraint(&error->constraint,
                                          "flags_environment_fkey"))
    {
        ngx_http_flagship_call_problem(call, NGX_HTTP_NOT_FOUND,
                                       "there is no environment \"%V\"",
                                       &call->environment);
        return 1;
    }

    for (i = 0; ngx_http_flagship_flag_constraints[i].constraint; i++) {

        if (!ngx_http_flagship_flag_constraint(&error->constraint,
                            ngx_http_flagship_flag_constraints[i].constraint))
        {
            continue;
        }

        place = ngx_http_flagship_flag_constraints[i].pointer;

        if (!(fc->sent
              & flagship_field_bit(
                    ngx_http_flagship_flag_constraints[i].field))
            && (fc->sent
                & flagship_field_bit(
                      ngx_http_flagship_flag_constraints[i].other)))
        {
            place = ngx_http_flagship_flag_constraints[i].other_pointer;
        }

        flagship_flag_fields_pointer(&fc->fields, place, pointer,
                                     sizeof(pointer));

        ngx_http_flagship_flag_tell(fc, pointer,
                                ngx_http_flagship_flag_constraints[i].detail);

        ngx_http_flagship_call_problem(call, NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                       "the flag has 1 error");
        return 1;
    }

    return 0;
}


static ngx_uint_t
ngx_http_flagship_flag_constraint(ngx_str_t *name, const char *constraint)
{
    return name->len == ngx_strlen(constraint)
           && ngx_strncmp(name->data, constraint, name->len) == 0;
}
