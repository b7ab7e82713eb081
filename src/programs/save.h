// SPDX-License-Identifier: MIT
// Files that are there whole or not at all, for programs that write what they
// have at hand. (`weir delta` writes while it works: delta/output.c.)
#ifndef WR_PROGRAMS_SAVE_H
#define WR_PROGRAMS_SAVE_H

#include <stdio.h>

// wr_save has write(context, out) write a file that takes the place of what is
// at `path`: nobody sees a part of it, whatever happens meanwhile. A link stays
// one, permissions stay. Devices and pipes, and standard output (path NULL),
// are written to, not replaced, with SIGINT and SIGTERM let through: whoever
// reads may never come. write returns 0 or a negative errno; it need not look
// at errors of `out`. Errors: a negative errno, and nothing has changed.
int wr_save(const char *path, int (*write)(void *context, FILE *out),
            void *context);

#endif
