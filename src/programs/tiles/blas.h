// SPDX-License-Identifier: MIT
//
// The BLAS and LAPACK routines that tiles are made of, from a shared OpenBLAS
// that runs on the thread that calls it and starts none of its own. It is
// loaded when the first matrix is wanted: other commands do not pay for it.
//
// Threads: load before there are others; the routines then on any. Errors:
// -ENOENT (no library, or one that will not do), with the reason.
#ifndef WEIR_PROGRAMS_TILES_BLAS_H
#define WEIR_PROGRAMS_TILES_BLAS_H

#include "programs/tiles/types.h"

// Fortran's calling convention: everything by address, and no lengths for
// letters, which OpenBLAS's own routines do not look at. `void`: double or
// float.
typedef struct wr_tiles_blas {
    void (*potrf)(const char *uplo, const int *n, void *a, const int *lda,
                  int *info);
    void (*trsm)(const char *side, const char *uplo, const char *trans,
                 const char *diag, const int *m, const int *n,
                 const void *alpha, const void *a, const int *lda, void *b,
                 const int *ldb);
    void (*syrk)(const char *uplo, const char *trans, const int *n,
                 const int *k, const void *alpha, const void *a, const int *lda,
                 const void *beta, void *c, const int *ldc);
    void (*gemm)(const char *transa, const char *transb, const int *m,
                 const int *n, const int *k, const void *alpha, const void *a,
                 const int *lda, const void *b, const int *ldb,
                 const void *beta, void *c, const int *ldc);
    void (*getrf)(const int *m, const int *n, void *a, const int *lda,
                  int *pivots, int *info);
    void (*laswp)(const int *n, void *a, const int *lda, const int *first,
                  const int *last, const int *pivots, const int *step);
} wr_tiles_blas;

// wr_tiles_blas_load finds all of it; called again it does nothing. sharing: 1
// if several threads will call at once, which a library that was built without
// threads does not bear.
int wr_tiles_blas_load(int sharing, wr_tiles_why *why);

const wr_tiles_blas *wr_tiles_blas_of(wr_tiles_real real); // once loaded

const char *wr_tiles_blas_name(void); // version and kernels; "" before
#endif
