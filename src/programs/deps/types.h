// SPDX-License-Identifier: MIT
// What the parts of `weir deps` have in common. Everything here is about npm's
// world; the runtime knows nothing of it.
//
//   errors     0 or a negative errno; with `why` what to tell people: npm's
//              code and one line.
#ifndef WEIR_PROGRAMS_DEPS_TYPES_H
#define WEIR_PROGRAMS_DEPS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Text that is somebody else's; not ended by a 0.
typedef struct wr_text {
    const char *at;
    size_t size;
} wr_text;

// Why something failed. Empty code: no failure.
typedef struct wr_why {
    char code[40];  // E404, ETARGET, EJSONPARSE, ...
    char text[480]; // one line, no newline
} wr_why;

// wr_refuse fills in why (which may be NULL) and returns `error`. What is no
// printable text comes out escaped; too long a line is cut.
int wr_refuse(wr_why *why, int error, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
