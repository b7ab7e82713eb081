// SPDX-License-Identifier: MIT
// OpenBLAS with its own threads: one call for the whole matrix, by columns.
//
//   peer_graph_blas cholesky [--size N] [--threads N] [--rounds N]
#include "graph.h"

#include <stdlib.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda,
             int *info);
void openblas_set_num_threads(int threads);
int openblas_get_num_threads(void);

// Columns a power of two apart fall on the same cache lines: 8 more do not.
enum { PADDING = 8 };

static void cholesky(void) {
    bench_meter m = {.rounds = 0};
    size_t n = bench_set.size, lda = n + PADDING;
    double *a = bench_memory(lda * n * sizeof(double));
    double *saved = bench_memory(lda * n * sizeof(double));
    uint32_t x = 1;
    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            x = x * UINT32_C(1664525) + UINT32_C(1013904223);
            double value = (double)x / 4294967296.0 - 0.5;
            saved[j * lda + i] = i == j ? value + (double)n : value;
        }
    openblas_set_num_threads((int)bench_set.threads);
    bench_same("threads", (uint64_t)openblas_get_num_threads(),
               bench_set.threads);
    while (bench_more(&m)) {
        int order = (int)n, leading = (int)lda, info;
        memcpy(a, saved, lda * n * sizeof(double));
        bench_begin(&m);
        dpotrf_("L", &order, a, &leading, &info);
        bench_end(&m, 1e6);
        bench_ok("dpotrf", info);
    }
    bench_meter_print(&m, "cholesky", "ms");
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {{"cholesky", cholesky}, {NULL, NULL}};
    return bench_main(argc, argv, cases);
}
