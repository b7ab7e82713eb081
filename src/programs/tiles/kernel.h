// SPDX-License-Identifier: MIT
//
// The kernels: what one task does to its tiles, in this process or another.
//
// Threads: any. Blocking: none. Errors: -EDOM, with the reason (the matrix is
// not positive definite, or singular).
#ifndef WEIR_PROGRAMS_TILES_KERNEL_H
#define WEIR_PROGRAMS_TILES_KERNEL_H

#include "programs/tiles/types.h"

#include "weir/procs.h"

typedef enum wr_tiles_kernel {
    WR_TILES_POTRF, // A(k,k) = L Lt          data: A(k,k)
    WR_TILES_TRSM,  // A(i,k) = A(i,k) / Lt   data: L(k,k), A(i,k)
    WR_TILES_SYRK,  // A(j,j) -= L Lt         data: L(j,k), A(j,j)
    WR_TILES_MINUS, // A(i,j) -= L B or L Bt  data: L(i,k), B, A(i,j)
    WR_TILES_PLUS,  // C(i,j) += A B          data: A(i,k), B(k,j), C(i,j)
    WR_TILES_GETRF, // panel k = L U          data: panel k, its pivots
    WR_TILES_SWAP,  // the pivots of panel k, then A(k,j) = A(k,j) / L
                    //                        data: panel k, pivots, column j
    WR_TILES_LEFT,  // all later pivots       data: pivots, column k below it
    WR_TILES_KERNELS,
} wr_tiles_kernel;

// By wr_tiles_kernel.
extern const weir_kernel wr_tiles_kernels[WR_TILES_KERNELS];

// What a kernel is told beside its tiles.
typedef struct wr_tiles_arguments {
    uint8_t kernel, real;
    uint8_t transpose; // MINUS: B is transposed
    uint8_t first;     // PLUS: of its chain: C = A B
    int32_t m, n, k;   // GETRF: m by n; SWAP: the column is m by n, k pivots;
                       // LEFT: m pivots in pieces of k, n columns
    int32_t lead;
    int32_t row; // of the matrix, where the tile begins; for reasons
} wr_tiles_arguments;

#endif
