
/*
 * Copyright (C) Flagship
 */


/*
 * Decisions as the bodies of OFREP, the OpenFeature Remote Evaluation
 * Protocol, written into the caller's memory: nothing allocates.  Text is
 * compact ASCII.  No value is no "value": the client's default serves.
 *
 * Any thread may call these, also for one image.
 */


#ifndef _FLAGSHIP_OFREP_H_INCLUDED_
#define _FLAGSHIP_OFREP_H_INCLUDED_


#include "flagship_eval.h"


/*
 * What is answered for a decision about a flag of the image.  The buffer holds
 * at least flagship_ofrep_size() bytes, which is more than the answer takes:
 * copies go in whole blocks.  Returns the answer's length.
 */

size_t flagship_ofrep_size(const flagship_image_t *image,
    const flagship_decision_t *decision);
size_t flagship_ofrep_answer(const flagship_image_t *image,
    const flagship_decision_t *decision, char *buf);

/*
 * The answer for all flags of the image, in the order of their keys, in as
 * many pieces as the caller's buffers make it: *flag is 0 for the first, and
 * what a call leaves there for the next; FLAGSHIP_NONE: that was the last one.
 * Returns the piece's length; 0 with another *flag: the buffer, of "size"
 * bytes, is too small for the next flag.
 */

size_t flagship_ofrep_answers(flagship_eval_t *ev, uint32_t *flag, char *buf,
    size_t size);

/*
 * An error that no decision stands for; "key" with no data: it concerns no
 * flag.  Returns the length; writes at most "size" bytes; called with size 0
 * it only measures.
 */

size_t flagship_ofrep_error(flagship_str_t key, unsigned error,
    flagship_str_t details, char *buf, size_t size);


#endif /* _FLAGSHIP_OFREP_H_INCLUDED_ */
