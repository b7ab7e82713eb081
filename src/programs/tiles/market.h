// SPDX-License-Identifier: MIT
//
// The Matrix Market exchange format: dense (array) and sparse (coordinate)
// files of real, integer and pattern matrices, general or symmetric, square.
// Source: NIST, "The Matrix Market Exchange Formats: Initial Design", 1996.
//
// What is read beyond it: indices given twice add up. What is refused: complex
// and Hermitian and skew-symmetric matrices, numbers that are not finite, and
// in a symmetric file what is above the diagonal.
//
// Threads: any. Blocking: none. Errors: -EBADMSG, with the line and what is
// wrong there.
#ifndef WEIR_PROGRAMS_TILES_MARKET_H
#define WEIR_PROGRAMS_TILES_MARKET_H

#include "programs/tiles/types.h"

typedef struct wr_tiles_market {
    const char *next, *end; // what is not read yet
    size_t line;            // of the text, from 1
    size_t order;
    uint64_t entries; // that the file says it has
    bool sparse, pattern, integer, symmetric;
} wr_tiles_market;

// wr_tiles_market_open reads the head: what kind it is, and its order, which is
// 1 to WR_TILES_ORDER_MAX.
int wr_tiles_market_open(wr_tiles_market *market, const char *text, size_t size,
                         wr_tiles_why *why);

// wr_tiles_market_read reads the rest into a matrix of that order.
int wr_tiles_market_read(wr_tiles_market *market, const wr_tiles_matrix *out,
                         wr_tiles_why *why);

#endif
