
/*
 * Copyright (C) Flagship
 */


/*
 * The evaluator's way into id sets.  The members of a set are not the image's:
 * who evaluates binds them, and one that nobody bound is empty.
 */


#include "flagship_frame.h"
#include "flagship_hash.h"


static __attribute__((noinline)) int flagship_eval_in_set_number(
    const flagship_idset_t *set, double number);


int
flagship_eval_in_set(flagship_eval_t *ev, flagship_frame_t *fr,
    const flagship_code_t *code)
{
    const flagship_value_t  *id;
    const flagship_idset_t  *set;

    id = flagship_eval_operand(ev, fr, code->a);
    set = ev->sets ? ev->sets[code->imm] : NULL;

    if (set == NULL) {
        return 0;
    }

    if (id->type == FLAGSHIP_STRING) {
        return flagship_idset_has(set, flagship_str(id->u.str, id->len),
                                  flagship_hash32(id->u.str, id->len));
    }

    return id->type == FLAGSHIP_NUMBER
           && flagship_eval_in_set_number(set, id->u.number);
}


/* Apart, so that a text needs no room for a number's. */

static __attribute__((noinline)) int
flagship_eval_in_set_number(const flagship_idset_t *set, double number)
{
    char    buf[FLAGSHIP_NUMBER_LEN];
    size_t  len;

    len = flagship_number_print(number, buf);

    return flagship_idset_has(set, flagship_str(buf, len),
                              flagship_hash32(buf, len));
}
