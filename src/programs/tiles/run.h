// SPDX-License-Identifier: MIT
//
// A plan, carried out: every task submitted to a graph, and once more what was
// lost when a process died.
//
// Threads: one at a time per crew. Blocking: until all is done. Errors: as
// below, with the reason.
#ifndef WEIR_PROGRAMS_TILES_RUN_H
#define WEIR_PROGRAMS_TILES_RUN_H

#include "programs/tiles/crew.h"
#include "programs/tiles/plan.h"
#include "programs/tiles/shape.h"

typedef struct wr_tiles_data {
    wr_tiles_matrix a, b, c;  // b, c: products; b may be a
    wr_tiles_matrix original; // of a, for what has to be done again: LU and
                              // Cholesky on processes; data NULL: there is none
    int32_t *pivots;          // LU; by panels, from 1, as getrf has them
} wr_tiles_data;

typedef struct wr_tiles_run_options {
    int kill_worker; // this process is killed, once, after a third of the
                     // tasks; -1: none
    unsigned kills;  // so many are, one after the other, at random moments
    uint64_t seed;   // which, and when
    bool progress;   // a line on standard error
} wr_tiles_run_options;

typedef struct wr_tiles_ran {
    int64_t ns;
    uint64_t killed; // processes, by the options
    uint64_t lost;   // tasks that ended with their process
    uint64_t again;  // tasks that ran to their end a second time
} wr_tiles_ran;

// wr_tiles_run. shape: initialised, and full afterwards. Errors: -EDOM (a
// kernel's: not positive definite, singular), -EOWNERDEAD (processes die and
// die), -ENOMEM, and what the graph says.
int wr_tiles_run(const wr_tiles_plan *plan, const wr_tiles_data *data,
                 wr_tiles_crew *crew, const wr_tiles_run_options *options,
                 wr_tiles_shape *shape, wr_tiles_ran *out, wr_tiles_why *why);

#endif
