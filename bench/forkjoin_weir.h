// SPDX-License-Identifier: MIT
// How weir's contestants start and stop: forkjoin_pool.c.
#ifndef BENCH_FORKJOIN_WEIR_H
#define BENCH_FORKJOIN_WEIR_H

#include "forkjoin.h"

#include "weir/pool.h"

void fj_weir_start(unsigned workers, unsigned pools);
void fj_weir_stop(void);
void fj_weir_inside(unsigned pool, fj_inside_function *function, void *context);

#define FJ_WEIR_BASE                                                           \
    .start = fj_weir_start, .stop = fj_weir_stop, .inside = fj_weir_inside

#endif
