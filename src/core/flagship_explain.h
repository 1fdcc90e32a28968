
/*
 * Copyright (C) Flagship
 */


/*
 * Why a flag is decided as it is: an evaluation that writes down what it does,
 * as one JSON object.
 *
 *     {"flag": key, "enabled": true,
 *      "schedule": {"enable_at": seconds, "disable_at": seconds,
 *                   "now": seconds, "holds": true},
 *      "prerequisites": {"steps": [...], "holds": true},
 *      "user_ids": {"steps": [...], "holds": false},
 *      "rules": [{"index": 0, "name": text, "asked": true, "steps": [...],
 *                 "holds": true, "serves": variant}],
 *      "targeting": {"steps": [...], "serves": variant},
 *      "rollout": {"steps": [...], "holds": true},
 *      "variant": name, "reason": text, "error": text}
 *
 * Only what the flag has is there.  All rules are: one that was not reached
 * has "asked" false and neither "steps" nor "holds".  "serves" is null where
 * the rule decides nothing, "variant" where there is no value; "error" is left
 * out where there is none.
 *
 * A step is what an instruction of the compiled rules saw and gave, in the
 * order in which they ran, so what did not matter is not there, and a "!=" is
 * the "==" that does not hold:
 *
 *     {"op": "==", "attribute": path, "value": v, "with": v, "holds": false}
 *     {"op": "in", "attribute": path, "value": v, "among": 5, "holds": true}
 *     {"op": "lower", "attribute": path, "value": v, "result": v}
 *     {"op": "rollout", "attribute": path, "value": v, "bucket": 69.25,
 *      "percentage": 25, "holds": false}
 *     {"op": "split", "attribute": path, "value": v, "hash": n, "bucket": n,
 *      "total": n, "parts": [{"variant": name, "from": n, "to": n}],
 *      "result": name}
 *     {"op": "segment", "segment": key, "steps": [...], "holds": true}
 *     {"op": "flag", "flag": key, "trace": {...}, "served": variant,
 *      "reason": text, "variant": name, "holds": true}
 *
 * "attribute" is left out where the value was computed; an attribute that is
 * absent has "absent" true.  A segment or a flag that was asked before in the
 * same explanation has no "steps", no "trace".  A part takes in the buckets
 * from "from" up to and not including "to".  A loop is one step.
 */


#ifndef _FLAGSHIP_EXPLAIN_H_INCLUDED_
#define _FLAGSHIP_EXPLAIN_H_INCLUDED_


#include "flagship_core.h"
#include "flagship_eval.h"


/* Bytes after which steps are left out, and "cut" true is at the object's
   end; a value of over 256 bytes becomes a text that ends with "...". */

#define FLAGSHIP_EXPLAIN_MAX  (1 << 20)


typedef struct {
    char                *data;       /* malloc()ed, the caller free()s it */
    size_t               len;
    size_t               size;       /* allocated */
} flagship_explanation_t;


/*
 * Decides as flagship_eval() does, by the same code, and appends the object.
 * The explanation is zeroed at first; FLAGSHIP_ERROR: no memory for it, and
 * what it holds is of no use, but the decision is made.
 */

int flagship_explain(flagship_eval_t *ev, uint32_t flag,
    flagship_decision_t *decision, flagship_explanation_t *explanation);


#endif /* _FLAGSHIP_EXPLAIN_H_INCLUDED_ */
