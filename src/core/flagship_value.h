
/*
 * Copyright (C) Flagship
 */


/*
 * A value that an evaluation computes with, and how JsonLogic coerces it.
 *
 * Values do not own what they point to: strings lie in the image, in the
 * request's memory or in the evaluation's scratch block.
 */


#ifndef _FLAGSHIP_VALUE_H_INCLUDED_
#define _FLAGSHIP_VALUE_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_json.h"


typedef enum {
    FLAGSHIP_NULL = 0,               /* also an absent attribute */
    FLAGSHIP_FALSE,
    FLAGSHIP_TRUE,
    FLAGSHIP_NUMBER,                 /* finite */
    FLAGSHIP_STRING,                 /* UTF-8 where the source was; any bytes
                                        where nginx handed them on */
    FLAGSHIP_JSON                    /* an array or an object */
} flagship_type_e;


typedef struct {
    uint32_t                         type;    /* flagship_type_e */
    uint32_t                         len;     /* bytes of str */
    union {
        double                       number;
        const char                  *str;
        const flagship_json_node_t  *node;
    } u;
} flagship_value_t;


#endif /* _FLAGSHIP_VALUE_H_INCLUDED_ */
