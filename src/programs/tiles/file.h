// SPDX-License-Identifier: MIT
//
// Matrices in files: Matrix Market (market.h), or raw: the elements of a square
// matrix by columns, as the machine has them, and nothing else. And files that
// are written whole or not at all.
//
// Threads: one at a time per object. Blocking: reads and writes files. Errors:
// negative errnos, and the reason without the file's name.
#ifndef WEIR_PROGRAMS_TILES_FILE_H
#define WEIR_PROGRAMS_TILES_FILE_H

#include "programs/tiles/market.h"
#include "programs/tiles/types.h"

#include <stdio.h>

typedef struct wr_tiles_input {
    int file;   // raw: not read yet; else -1
    char *text; // Matrix Market: all of it
    wr_tiles_market market;
    size_t order;
    wr_tiles_real real; // that a raw file has
} wr_tiles_input;

// wr_tiles_input_open: Matrix Market if the name ends in .mtx or the file
// begins with its banner, else raw. Says the order.
int wr_tiles_input_open(wr_tiles_input *input, const char *path,
                        wr_tiles_real real, wr_tiles_why *why);
int wr_tiles_input_read(wr_tiles_input *input, const wr_tiles_matrix *out,
                        wr_tiles_why *why);
void wr_tiles_input_close(wr_tiles_input *input); // all zero: nothing

// wr_tiles_save has `write` fill a new file, which then takes the place of
// `path`; a device or a pipe is written to as it is. Whoever is killed leaves
// nothing behind.
int wr_tiles_save(const char *path, int (*write)(void *context, FILE *out),
                  void *context, wr_tiles_why *why);

// wr_tiles_save_matrix: as Matrix Market if the name ends in .mtx, else raw.
int wr_tiles_save_matrix(const char *path, const wr_tiles_matrix *m,
                         wr_tiles_why *why);

#endif
