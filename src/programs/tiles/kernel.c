// SPDX-License-Identifier: MIT
#include "programs/tiles/kernel.h"

#include "programs/tiles/blas.h"

#include <errno.h>

typedef wr_tiles_arguments arguments;

// Fortran wants the address of a number of the right type.
typedef struct numbers {
    double d[3];
    float s[3];
} numbers;
static const numbers known = {{-1, 0, 1}, {-1, 0, 1}};

static const void *number(const arguments *a, int value) {
    return a->real == WR_TILES_DOUBLE ? (const void *)&known.d[value + 1]
                                      : (const void *)&known.s[value + 1];
}

static void *element(const arguments *a, void *data, int64_t at) {
    size_t size = wr_tiles_real_size((wr_tiles_real)a->real);
    return (char *)data + at * (int64_t)size;
}

static const wr_tiles_blas *blas_of(const arguments *a) {
    return wr_tiles_blas_of((wr_tiles_real)a->real);
}

static int run_potrf(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    int info = 0;
    blas_of(a)->potrf("L", &a->n, call->data[0], &a->lead, &info);
    if (info == 0)
        return 0;
    return weir_kernel_fail(call, -EDOM, "minor %lld is not positive",
                            (long long)a->row + info);
}

// X Lt = B by halves: OpenBLAS's own is slow at this, its products are not.
static void trsm(const arguments *a, int n, void *l, void *b) {
    const wr_tiles_blas *blas = blas_of(a);
    if (n <= 64) {
        blas->trsm("R", "L", "T", "N", &a->m, &n, number(a, 1), l, &a->lead, b,
                   &a->lead);
        return;
    }
    int left = (n / 2 + 31) / 32 * 32, right = n - left;
    void *b2 = element(a, b, (int64_t)left * a->lead);
    trsm(a, left, l, b);
    blas->gemm("N", "T", &a->m, &right, &left, number(a, -1), b, &a->lead,
               element(a, l, left), &a->lead, number(a, 1), b2, &a->lead);
    trsm(a, right, element(a, l, (int64_t)left * a->lead + left), b2);
}

static int run_trsm(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    trsm(a, a->n, call->data[0], call->data[1]);
    return 0;
}

static int run_syrk(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    blas_of(a)->syrk("L", "N", &a->n, &a->k, number(a, -1), call->data[0],
                     &a->lead, number(a, 1), call->data[1], &a->lead);
    return 0;
}

static int run_minus(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    blas_of(a)->gemm("N", a->transpose ? "T" : "N", &a->m, &a->n, &a->k,
                     number(a, -1), call->data[0], &a->lead, call->data[1],
                     &a->lead, number(a, 1), call->data[2], &a->lead);
    return 0;
}

static int run_plus(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    blas_of(a)->gemm("N", "N", &a->m, &a->n, &a->k, number(a, 1), call->data[0],
                     &a->lead, call->data[1], &a->lead,
                     number(a, a->first ? 0 : 1), call->data[2], &a->lead);
    return 0;
}

static int run_getrf(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    int info = 0;
    blas_of(a)->getrf(&a->m, &a->n, call->data[0], &a->lead, call->data[1],
                      &info);
    if (info == 0)
        return 0;
    return weir_kernel_fail(call, -EDOM, "no pivot is left in column %lld",
                            (long long)a->row + info);
}

static int run_swap(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    const wr_tiles_blas *blas = blas_of(a);
    const int one = 1;
    blas->laswp(&a->n, call->data[2], &a->lead, &one, &a->k, call->data[1],
                &one);
    blas->trsm("L", "L", "N", "U", &a->k, &a->n, number(a, 1), call->data[0],
               &a->lead, call->data[2], &a->lead);
    return 0;
}

static int run_left(const weir_kernel_call *call) {
    const arguments *a = call->arguments;
    const int *pivots = call->data[0];
    const int one = 1;
    for (int done = 0; done < a->m; done += a->k) {
        int count = a->m - done < a->k ? a->m - done : a->k;
        blas_of(a)->laswp(&a->n, element(a, call->data[1], done), &a->lead,
                          &one, &count, pivots + done, &one);
    }
    return 0;
}

const weir_kernel wr_tiles_kernels[WR_TILES_KERNELS] = {
    [WR_TILES_POTRF] = {"potrf", run_potrf},
    [WR_TILES_TRSM] = {"trsm", run_trsm},
    [WR_TILES_SYRK] = {"syrk", run_syrk},
    [WR_TILES_MINUS] = {"gemm", run_minus},
    [WR_TILES_PLUS] = {"multiply", run_plus},
    [WR_TILES_GETRF] = {"getrf", run_getrf},
    [WR_TILES_SWAP] = {"swap", run_swap},
    [WR_TILES_LEFT] = {"left", run_left},
};
