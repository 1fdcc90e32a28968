
/*
 * Copyright (C) Flagship
 */


/* What the tests of evaluations share: flags' members, and what came of one. */


#ifndef _FLAGSHIP_EVAL_TEST_H_INCLUDED_
#define _FLAGSHIP_EVAL_TEST_H_INCLUDED_


#include "engine.h"


#define ON_OFF  "\"enabled\": true, \"variants\": {\"on\": true,"             \
                " \"off\": false}, \"default_variant\": \"off\","             \
                " \"off_variant\": \"off\""

#define COLOURS  "\"enabled\": true, \"variants\": {\"red\": \"r\","          \
                 " \"green\": \"g\", \"blue\": \"b\"},"                       \
                 " \"default_variant\": \"green\", \"off_variant\": \"blue\""


static inline void
expect(const engine_result_t *got, const char *what, const char *context,
    const char *variant, const char *reason, const char *error)
{
    if (strcmp(got->variant, variant) != 0
        || strcmp(got->reason, reason) != 0
        || strcmp(got->error, error) != 0)
    {
        fail_msg("%s\n%s\ngave \"%s\" (%s %s), not \"%s\" (%s %s)", what,
                 context, got->variant, got->reason, got->error, variant,
                 reason, error);
    }
}


#endif /* _FLAGSHIP_EVAL_TEST_H_INCLUDED_ */
