// SPDX-License-Identifier: MIT
//
// A line on the terminal that says how far a resolve is.
//
// Threads: one at a time. Blocking: writes to standard error. Errors: none;
// what cannot be shown is not shown.
#ifndef WEIR_PROGRAMS_DEPS_PROGRESS_H
#define WEIR_PROGRAMS_DEPS_PROGRESS_H

#include "programs/deps/resolve.h"

typedef struct wr_deps_progress {
    bool on;
    bool shown; // a line is on the terminal
} wr_deps_progress;

void wr_deps_progress_show(wr_deps_progress *progress,
                           const wr_resolve_counts *counts);

// Takes the line away.
void wr_deps_progress_end(wr_deps_progress *progress);

#endif
