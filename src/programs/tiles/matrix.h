// SPDX-License-Identifier: MIT
//
// Matrices: made from a seed, copied, and what came of them judged.
//
// Threads: one at a time per matrix. Blocking: none. Errors: as each says.
#ifndef WEIR_PROGRAMS_TILES_MATRIX_H
#define WEIR_PROGRAMS_TILES_MATRIX_H

#include "programs/tiles/types.h"

// wr_tiles_lead is the distance of two columns: at least the order, whole cache
// lines, and not a multiple of a page, so that a tile's columns do not fall on
// the same lines of the cache.
size_t wr_tiles_lead(size_t order, wr_tiles_real real);

// wr_tiles_generate: each element by seed and place alone. positive: symmetric
// and positive definite; else anything from -1 to 1.
void wr_tiles_generate(const wr_tiles_matrix *m, uint64_t seed, bool positive);

// Of order and type alike, leads may differ.
void wr_tiles_copy(const wr_tiles_matrix *to, const wr_tiles_matrix *from);

// wr_tiles_symmetric: -EDOM and the place in why, if it is not.
int wr_tiles_symmetric(const wr_tiles_matrix *m, wr_tiles_why *why);

// wr_tiles_keep_triangle zeroes what is above the diagonal.
void wr_tiles_keep_triangle(const wr_tiles_matrix *m);

enum { WR_TILES_RESIDUAL_MAX = 16 }; // what is above it is wrong

// wr_tiles_residual: how far the result is from right, for three vectors x of
// 1 and -1, the largest of
//     |A x - F x| / (n eps |A|)          Cholesky (F = L Lt), LU (F = Pt L U)
//     |A (B x) - C x| / (n eps |A| |B|)  product
// in the maximum norm, computed in double. pivots: LU alone, as LAPACK has them
// but counted from 0. b: product alone. Errors: -ENOMEM.
int wr_tiles_residual(wr_tiles_algorithm algorithm, const wr_tiles_matrix *a,
                      const wr_tiles_matrix *b, const wr_tiles_matrix *result,
                      const int32_t *pivots, double *out);

#endif
