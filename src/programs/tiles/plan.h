// SPDX-License-Identifier: MIT
//
// Which tasks an algorithm is made of, in the order in which a plain program
// would do them, and what each touches. The graph finds the rest.
//
// Threads: a plan does not change once it is made. Blocking: none. Errors:
// -ENOMEM, -E2BIG (more than WR_TILES_TASKS_MAX tasks).
#ifndef WEIR_PROGRAMS_TILES_PLAN_H
#define WEIR_PROGRAMS_TILES_PLAN_H

#include "programs/tiles/kernel.h"
#include "programs/tiles/types.h"

enum { WR_TILES_TASKS_MAX = 1 << 22, WR_TILES_TOUCHES_MAX = 3 };

// Row i, column j, step k of the tiles; what a kernel has no use for is equal
// to another.
typedef struct wr_tiles_op {
    uint32_t i, j, k;
    uint8_t kernel;
    int8_t priority;
    uint16_t phase; // all of one have ended before the next begins
} wr_tiles_op;

typedef enum wr_tiles_place {
    WR_TILES_IN_A,
    WR_TILES_IN_B, // products: the right factor
    WR_TILES_IN_C, // and what comes of them
    WR_TILES_IN_PIVOTS,
} wr_tiles_place;

typedef struct wr_tiles_touch {
    wr_tiles_place place;
    uint32_t mode;        // weir_access_mode
    size_t row, column;   // of the first element; pivots: row
    size_t height, width; // pivots: height
} wr_tiles_touch;

typedef struct wr_tiles_plan {
    wr_tiles_algorithm algorithm;
    wr_tiles_real real;
    size_t order, tile, lead;
    uint32_t side; // tiles in a row
    uint32_t phases;
    size_t count;
    wr_tiles_op *ops;
} wr_tiles_plan;

int wr_tiles_plan_make(wr_tiles_plan *out, wr_tiles_algorithm algorithm,
                       wr_tiles_real real, size_t order, size_t tile);
void wr_tiles_plan_free(wr_tiles_plan *plan);

// How many tasks there would be.
uint64_t wr_tiles_plan_size(wr_tiles_algorithm algorithm, size_t order,
                            size_t tile);

// What a task touches, in the order of the kernel's data. Returns how many.
size_t wr_tiles_plan_touches(const wr_tiles_plan *plan, const wr_tiles_op *op,
                             wr_tiles_touch out[WR_TILES_TOUCHES_MAX]);

void wr_tiles_plan_arguments(const wr_tiles_plan *plan, const wr_tiles_op *op,
                             wr_tiles_arguments *out);

// A task that was cut off in the middle leaves what it was changing in pieces.
// Its region is what has to be as it was in the beginning, for all tasks that
// changed it to be done once more: a tile, or in LU, whose pivots move rows
// through it, a column of tiles. What they read meanwhile is not changed any
// more by then. Last phases, of other regions' final data, have none: those
// run where nothing is cut off.
typedef struct wr_tiles_region {
    size_t number; // below side * side
    size_t row, column, height, width;
} wr_tiles_region;

void wr_tiles_plan_region(const wr_tiles_plan *plan, const wr_tiles_op *op,
                          wr_tiles_region *out);

double wr_tiles_plan_flops(const wr_tiles_plan *plan);

#endif
