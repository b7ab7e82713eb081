// SPDX-License-Identifier: MIT
#include "graph_tiles.h"

#include "base/atomic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Fortran's, so that no header has to be looked for.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda,
             int *info);
void dtrsm_(const char *side, const char *uplo, const char *trans,
            const char *diag, const int *m, const int *n, const double *alpha,
            const double *a, const int *lda, double *b, const int *ldb);
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda,
            const double *beta, double *c, const int *ldc);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc);
int openblas_get_num_threads(void);

static const double one = 1, minus_one = -1;

// ---- the matrix ------------------------------------------------------------

static size_t triangle_bytes(void) {
    size_t side = bench_set.size / bench_set.tile;
    return side * (side + 1) / 2 * bench_set.tile * bench_set.tile *
           sizeof(double);
}

size_t tiles_bytes(void) { return triangle_bytes() + 64; }

static double element(unsigned i, unsigned j) {
    uint32_t x = i * UINT32_C(0x9e3779b9) + j * UINT32_C(0x85ebca6b) + 1;
    x ^= x >> 15;
    x *= UINT32_C(0xc2b2ae35);
    x ^= x >> 13;
    double value = (double)x / 4294967296.0 - 0.5;
    return i == j ? value + bench_set.size : value;
}

void tiles_make(tiles *t, void *memory) {
    // Threads of its own would not be the same kernels, and they start before
    // main. (OpenBLAS built without threads is no choice: two callers at once
    // share its buffers, and get wrong results.)
    bench_same("OPENBLAS_NUM_THREADS must be 1; threads it has",
               (uint64_t)openblas_get_num_threads(), 1);
    t->nb = bench_set.tile;
    t->side = bench_set.size / t->nb;
    t->bytes = (size_t)t->nb * t->nb * sizeof(double);
    t->data = memory;
    t->spent = (uint64_t *)(void *)((char *)memory + triangle_bytes());
    t->saved = bench_memory(triangle_bytes());
    double *to = t->saved;
    for (unsigned i = 0; i < t->side; i++)
        for (unsigned j = 0; j <= i; j++)
            for (unsigned c = 0; c < t->nb; c++)
                for (unsigned r = 0; r < t->nb; r++) {
                    unsigned row = i * t->nb + r, column = j * t->nb + c;
                    *to++ = row >= column ? element(row, column)
                                          : element(column, row);
                }
}

void tiles_reset(tiles *t) {
    memcpy(t->data, t->saved, triangle_bytes());
    *t->spent = 0;
}

// y += L x, or L' x; of the diagonal's tiles the lower half alone.
static void multiply(const tiles *t, int transposed, const double *x,
                     double *y) {
    unsigned nb = t->nb;
    for (unsigned i = 0; i < t->side; i++)
        for (unsigned j = 0; j <= i; j++) {
            const double *a = tiles_at(t, i, j);
            for (unsigned c = 0; c < nb; c++)
                for (unsigned r = i == j ? c : 0; r < nb; r++) {
                    double value = a[(size_t)c * nb + r];
                    if (transposed)
                        y[j * nb + c] += value * x[i * nb + r];
                    else
                        y[i * nb + r] += value * x[j * nb + c];
                }
        }
}

void tiles_check(const tiles *t) {
    unsigned n = bench_set.size;
    double *x = bench_memory(n * sizeof(double));
    double *half = bench_memory(n * sizeof(double));
    double *got = bench_memory(n * sizeof(double));
    double worst = 0;
    for (unsigned i = 0; i < n; i++)
        x[i] = element(i, n) + 1;
    multiply(t, 1, x, half);
    multiply(t, 0, half, got);
    for (unsigned i = 0; i < n; i++) {
        double wanted = 0;
        for (unsigned j = 0; j < n; j++)
            wanted += x[j] * (i >= j ? element(i, j) : element(j, i));
        worst = fmax(worst, fabs(got[i] - wanted) / fabs(wanted));
    }
    if (!(worst < 1e-11))
        bench_fail("the factor is wrong, 10^-15", (long long)(worst * 1e15));
    free(x);
    free(half);
    free(got);
}

double tiles_tasks(const tiles *t) {
    double n = t->side;
    return n * (n + 1) * (n + 2) / 6;
}

// ---- kernels ---------------------------------------------------------------

static void spent(const tiles *t, int64_t begun) {
    wr_fetch_add((wr_atomic_u64 *)(void *)t->spent,
                 (uint64_t)(bench_now_ns() - begun), relaxed, ALONE,
                 "a sum, read when all is over");
}

void tile_potrf(const tiles *t, double *a) {
    int nb = (int)t->nb, info;
    int64_t begun = bench_now_ns();
    dpotrf_("L", &nb, a, &nb, &info);
    bench_ok("dpotrf", info);
    spent(t, begun);
}

void tile_trsm(const tiles *t, const double *l, double *a) {
    int nb = (int)t->nb;
    int64_t begun = bench_now_ns();
    dtrsm_("R", "L", "T", "N", &nb, &nb, &one, l, &nb, a, &nb);
    spent(t, begun);
}

void tile_syrk(const tiles *t, const double *a, double *c) {
    int nb = (int)t->nb;
    int64_t begun = bench_now_ns();
    dsyrk_("L", "N", &nb, &nb, &minus_one, a, &nb, &one, c, &nb);
    spent(t, begun);
}

void tile_gemm(const tiles *t, const double *a, const double *b, double *c) {
    int nb = (int)t->nb;
    int64_t begun = bench_now_ns();
    dgemm_("N", "T", &nb, &nb, &nb, &minus_one, a, &nb, b, &nb, &one, c, &nb);
    spent(t, begun);
}

// ---- figures ---------------------------------------------------------------

void tiles_begin(tiles *t, tiles_meter *m) {
    tiles_reset(t);
    bench_begin(&m->meter);
}

void tiles_end(tiles *t, tiles_meter *m) {
    bench_end(&m->meter, 1e6);
    m->kernels[m->meter.rounds - 1] = (double)*t->spent / 1e6;
    if (m->meter.rounds == 1)
        tiles_check(t);
}

void tiles_print(tiles_meter *m, const char *name) {
    // The round of the median, so that its figures belong together.
    unsigned which = 1, below = 0;
    for (unsigned i = 1; i < m->meter.rounds; i++, below = 0) {
        for (unsigned j = 1; j < m->meter.rounds; j++)
            below += m->meter.wall[j] < m->meter.wall[i];
        if (below == (m->meter.rounds - 1) / 2)
            which = i;
    }
    double n = bench_set.size, wall = m->meter.wall[which];
    bench_print(name, "wall", wall, "ms");
    bench_print(name, "cpu", m->meter.cpu[which], "ms");
    bench_print(name, "kernels", m->kernels[which], "ms");
    bench_print(name, "gflops", n * n * n / 3 / wall / 1e6, "GFLOP/s");
    bench_print(name, "peak", bench_peak(), "MB");
}
