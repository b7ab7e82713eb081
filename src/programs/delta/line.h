// SPDX-License-Identifier: MIT
//
// How work flows through `weir delta`: tokens are filled one after the other,
// worked on by any thread, and drained one after the other in the order they
// were filled. This is the seam between what is computed and who computes it:
// fill and drain may keep state, work may not.
//
// Threads:   fill calls never overlap each other, nor do drain calls, and each
//            sees what the one before did; work may run beside anything.
// Blocking:  wr_line_run returns when every token is at rest.
// Errors:    fill and work note failures in the token; drain meets them in
//            order, so the first error in the order of the data is reported.
// Ownership: tokens belong to the caller and are reused, drained before filled.
#ifndef WR_DELTA_LINE_H
#define WR_DELTA_LINE_H

#include "programs/delta/failure.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct wr_line {
    void *context;
    // True: the token is to be worked on and drained. False: the end.
    bool (*fill)(void *context, void *token);
    void (*work)(void *context, void *token);
    // Anything but WR_OK ends the line: no later token is drained.
    wr_status (*drain)(void *context, void *token, wr_failure *failure);
} wr_line;

// Runs the line over `count` tokens (>= 1), which bound what is in flight.
// `threads` 1: on this thread alone.
wr_status wr_line_run(const wr_line *line, void *const *tokens, size_t count,
                      unsigned threads, wr_failure *failure);

// The same, always on this thread, with the first token alone.
wr_status wr_line_run_serial(const wr_line *line, void *token,
                             wr_failure *failure);

// How many threads to use for a wish (0: as many as this process may).
unsigned wr_line_threads(unsigned wish);

#endif
