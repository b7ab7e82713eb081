// SPDX-License-Identifier: MIT
// The tiled Cholesky that all contestants of bench/graph.sh run: matrix, tile
// kernels (OpenBLAS with OPENBLAS_NUM_THREADS=1) and check. Tiles lie one after
// the other, each as a matrix by columns.
#ifndef BENCH_GRAPH_TILES_H
#define BENCH_GRAPH_TILES_H

#include "graph.h"

typedef struct tiles {
    unsigned side; // tiles in a row
    unsigned nb;   // rows of a tile
    size_t bytes;  // of a tile
    double *data;  // all tiles of the lower triangle
    double *saved; // as they were made
    uint64_t *spent;
} tiles;

// tiles_make makes a symmetric positive definite matrix of bench_set.size. The
// memory, tiles_bytes() of it, is the caller's, zeroed; so that processes can
// share it.
size_t tiles_bytes(void);
void tiles_make(tiles *t, void *memory);
void tiles_reset(tiles *t);

// tiles_check fails unless L L' x is A x, for some x.
void tiles_check(const tiles *t);

static inline double *tiles_at(const tiles *t, unsigned i, unsigned j) {
    return t->data + ((size_t)i * (i + 1) / 2 + j) * t->nb * t->nb;
}

// The kernels; each adds its time to *t->spent.
void tile_potrf(const tiles *t, double *a);
void tile_trsm(const tiles *t, const double *l, double *a);
void tile_syrk(const tiles *t, const double *a, double *c);
void tile_gemm(const tiles *t, const double *a, const double *b, double *c);

// How many tasks, and how urgent one is: 0 gemm to 3 potrf.
double tiles_tasks(const tiles *t);

// tiles_end ends a round and keeps the kernels' time; tiles_print prints
// cholesky.wall (ms, of the round), .cpu, .kernels, .gflops, .peak.
typedef struct tiles_meter {
    bench_meter meter;
    double kernels[ROUNDS_MAX + 1];
} tiles_meter;
void tiles_begin(tiles *t, tiles_meter *m);
void tiles_end(tiles *t, tiles_meter *m);
void tiles_print(tiles_meter *m, const char *name);

#endif
