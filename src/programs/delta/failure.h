// SPDX-License-Identifier: MIT
//
// How `weir delta` fails: a status, which is rdiff's exit code, and one line of
// text for the user. A failure is written once, where the failure is seen, and
// travels by value (inside a token, say) to the one place that prints it.
#ifndef WR_DELTA_FAILURE_H
#define WR_DELTA_FAILURE_H

// The numbers are librsync's results, which rdiff exits with.
typedef enum wr_status {
    WR_OK = 0,
    WR_IO_ERROR = 100,
    WR_SYNTAX_ERROR = 101,
    WR_MEMORY_ERROR = 102,
    WR_INPUT_ENDED = 103,
    WR_BAD_MAGIC = 104,
    WR_CORRUPT = 106,
    WR_INTERNAL_ERROR = 107,
    WR_PARAM_ERROR = 108
} wr_status;

enum { WR_FAILURE_TEXT_MAX = 512 };

typedef struct wr_failure {
    wr_status status;
    char text[WR_FAILURE_TEXT_MAX]; // no newline; empty when status is WR_OK
} wr_failure;

// Fills the failure in, unless it already holds an earlier one, and returns the
// status it now holds.
wr_status wr_fail(wr_failure *failure, wr_status status, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

// Like wr_fail with WR_MEMORY_ERROR.
wr_status wr_fail_memory(wr_failure *failure, const char *what);

#endif
