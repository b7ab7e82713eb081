// SPDX-License-Identifier: MIT
//
// The command line of `weir delta`: rdiff's, with a few long options more.
#ifndef WR_DELTA_OPTIONS_H
#define WR_DELTA_OPTIONS_H

#include "programs/delta/failure.h"
#include "programs/delta/hash.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum wr_action {
    WR_ACTION_NONE,
    WR_ACTION_SIGNATURE,
    WR_ACTION_DELTA,
    WR_ACTION_PATCH,
    WR_ACTION_HELP,
    WR_ACTION_VERSION
} wr_action;

typedef enum wr_progress_mode {
    WR_PROGRESS_AUTO, // if standard error is a terminal
    WR_PROGRESS_ON,
    WR_PROGRESS_OFF
} wr_progress_mode;

enum { WR_FILES_MAX = 3, WR_THREADS_MAX = 1024 };

typedef struct wr_delta_options {
    wr_action action;
    const char *files[WR_FILES_MAX + 1]; // the last one is one too many
    int file_count;                      // at most WR_FILES_MAX + 1

    int64_t block_len;  // 0: choose
    int64_t strong_len; // 0: longest, -1: shortest recommended
    const char *hash;
    const char *rollsum;
    int64_t input_size; // 0: choose. Matters for slack deltas alone.
    int64_t output_size;
    bool force;
    bool statistics;

    int64_t threads;    // 0: as many as there are
    int64_t piece_size; // bytes a thread takes at once; 0: choose
    const wr_hash_kernels *kernels;
    wr_progress_mode progress;
} wr_delta_options;

// argv[0] is skipped. Errors: WR_SYNTAX_ERROR.
wr_status wr_delta_options_parse(wr_delta_options *options, int argc,
                                 char **argv, wr_failure *failure);

#endif
