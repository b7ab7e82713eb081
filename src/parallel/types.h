// SPDX-License-Identifier: MIT
// The data of one loop. It lives on the stack of the call.
#ifndef WR_PARALLEL_TYPES_H
#define WR_PARALLEL_TYPES_H

#include "base/atomic.h"
#include "os/os.h"
#include "weir/parallel.h"

enum {
    WR_FOR_PIECES = 256,     // a loop is cut into at most about so many pieces
    WR_FOR_PIECE_MAX = 8192, // indices
    WR_REDUCE_LEAVES = 256,
};

// Shared by all pieces of one weir_parallel_for.
typedef struct wr_for {
    // Read-only.
    weir_range_body *body;
    void *context;
    size_t piece;

    // The start of the lowest piece that failed so far, SIZE_MAX: none.
    // Lowered under lock, read by anyone as a hint to stop.
    wr_atomic_u64 failed;

    wr_mutex lock;
    int error; // of that piece
    int told;  // why the work around it should end, 0: it should not
} wr_for;

// A half that another worker may take.
typedef struct wr_for_half {
    weir_fork fork;
    wr_for *loop;
    size_t from, to;
} wr_for_half;

// The right half of a node of the reduction tree.
typedef struct wr_reduce_half {
    weir_fork fork;
    const weir_reduction *reduction;
    size_t from, to, leaf;
    int status;
    _Alignas(max_align_t) unsigned char partial[WEIR_PARTIAL_MAX];
} wr_reduce_half;

#endif
