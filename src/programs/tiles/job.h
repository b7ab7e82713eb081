// SPDX-License-Identifier: MIT
//
// One `weir tiles`, once the command line is understood.
#ifndef WEIR_PROGRAMS_TILES_JOB_H
#define WEIR_PROGRAMS_TILES_JOB_H

#include "programs/tiles/types.h"

enum {
    WR_TILES_GOOD = 0,
    WR_TILES_FAILED = 1,
    WR_TILES_USAGE = 2,
    WR_TILES_BAD_INPUT = 3,
    WR_TILES_NO_FACTOR = 4,
};

typedef struct wr_tiles_options {
    wr_tiles_algorithm algorithm;
    wr_tiles_real real;
    size_t size; // 0: that of the input
    size_t tile;
    bool processes;
    unsigned workers; // 0: as many as there are CPUs
    uint64_t seed;
    const char *input[2]; // the second: products; NULL: none
    const char *output, *pivots, *timeline, *dot, *report; // NULL: none
    int kill_worker;                                       // -1: none
    bool quiet;
} wr_tiles_options;

// wr_tiles_job does it, says what came of it, and returns the exit status.
int wr_tiles_job(const wr_tiles_options *options);

#endif
