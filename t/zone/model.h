
/*
 * Copyright (C) Flagship
 */


/*
 * Put before each source of src/zone by the compiler (-include) when the model
 * is built: each atomic operation and each copy first asks the model who runs.
 */


#ifndef _MODEL_H_INCLUDED_
#define _MODEL_H_INCLUDED_


#define _GNU_SOURCE

#include <string.h>


void model_step(const volatile void *p);


#define __atomic_load_n(p, o)                                                 \
    (model_step(p), __atomic_load_n(p, o))

#define __atomic_store_n(p, v, o)                                             \
    (model_step(p), __atomic_store_n(p, v, o))

#define __atomic_exchange_n(p, v, o)                                          \
    (model_step(p), __atomic_exchange_n(p, v, o))

#define __atomic_fetch_or(p, v, o)                                            \
    (model_step(p), __atomic_fetch_or(p, v, o))

#define __atomic_fetch_and(p, v, o)                                           \
    (model_step(p), __atomic_fetch_and(p, v, o))

#define __atomic_fetch_add(p, v, o)                                           \
    (model_step(p), __atomic_fetch_add(p, v, o))

#define __atomic_compare_exchange_n(p, e, v, w, s, f)                         \
    (model_step(p), __atomic_compare_exchange_n(p, e, v, w, s, f))

#define memcpy(d, s, n)  (model_step(d), memcpy(d, s, n))


#endif /* _MODEL_H_INCLUDED_ */
