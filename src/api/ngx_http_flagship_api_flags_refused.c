
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


ngx_uint_t
ngx_http_flagship_flag_refused(ngx_http_flagship_entity_t *e,
    ngx_http_flagship_query_error_t *error)
{
    char                       pointer[192];
    ngx_uint_t                 i;
    const char                *place;
    ngx_http_flagship_flag_t  *fl;

    fl = e->data;

    for (i = 0; ngx_http_flagship_flag_constraints[i].constraint; i++) {

        if (!ngx_http_flagship_entity_is(&error->constraint,
                            ngx_http_flagship_flag_constraints[i].constraint))
        {
            continue;
        }

        place = ngx_http_flagship_flag_constraints[i].pointer;

        if (!(fl->sent
              & flagship_field_bit(
                    ngx_http_flagship_flag_constraints[i].field))
            && (fl->sent
                & flagship_field_bit(
                      ngx_http_flagship_flag_constraints[i].other)))
        {
            place = ngx_http_flagship_flag_constraints[i].other_pointer;
        }

        flagship_flag_fields_pointer(&fl->fields, place, pointer,
                                     sizeof(pointer));

        ngx_http_flagship_flag_tell(fl, pointer,
                                ngx_http_flagship_flag_constraints[i].detail);

        ngx_http_flagship_call_problem(e->call,
                                       NGX_HTTP_FLAGSHIP_UNPROCESSABLE,
                                       "the flag has 1 error");
        return 1;
    }

    return 0;
}
