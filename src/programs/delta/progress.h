// SPDX-License-Identifier: MIT
//
// A line on the terminal that says how far we are: bytes, rate, time left.
//
// Threads: one at a time. Blocking: writes to standard error, at most five
// times a second. Errors: none; what cannot be shown is not shown.
#ifndef WR_DELTA_PROGRESS_H
#define WR_DELTA_PROGRESS_H

#include "programs/delta/options.h"

#include <stdint.h>

typedef struct wr_progress {
    bool shown; // a line is on the terminal
    bool on;
    const char *what;
    uint64_t total; // bytes; 0: not known
    uint64_t done;
    int64_t start_ns;
    int64_t next_ns; // when to show it again
} wr_progress;

void wr_progress_begin(wr_progress *progress, wr_progress_mode mode,
                       const char *what, uint64_t total);
void wr_progress_add(wr_progress *progress, uint64_t bytes);

// Takes the line away.
void wr_progress_end(wr_progress *progress);

#endif
