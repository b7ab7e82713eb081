// SPDX-License-Identifier: MIT
// What the tests of `weir tiles` share: a problem with its memory, and plain
// code that solves it.
#ifndef TEST_TILES_H
#define TEST_TILES_H

#include "programs/tiles/blas.h"
#include "programs/tiles/matrix.h"
#include "programs/tiles/plan.h"
#include "programs/tiles/run.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct problem {
    wr_tiles_plan plan;
    wr_tiles_data data;
    size_t bytes; // of a matrix
} problem;

static const wr_tiles_algorithm tiles_algorithms[] = {
    WR_TILES_CHOLESKY, WR_TILES_LU, WR_TILES_GEMM};

static inline wr_tiles_matrix tiles_matrix(size_t order, wr_tiles_real real) {
    wr_tiles_matrix m = {NULL, order, wr_tiles_lead(order, real), real};
    m.data = calloc(1, wr_tiles_matrix_bytes(&m));
    CHECK(m.data != NULL);
    return m;
}

static inline void tiles_blas(void) {
    wr_tiles_why why;
    if (wr_tiles_blas_load(1, &why) != 0)
        SKIP(why.text);
}

// Fills data's matrices, wherever they are.
static inline void tiles_fill(problem *p, uint64_t seed) {
    bool positive = p->plan.algorithm == WR_TILES_CHOLESKY;
    wr_tiles_generate(&p->data.a, seed, positive);
    if (p->data.b.data != NULL)
        wr_tiles_generate(&p->data.b, seed + 1, false);
    if (p->data.original.data != NULL)
        wr_tiles_copy(&p->data.original, &p->data.a);
}

static inline void tiles_make(problem *p, wr_tiles_algorithm algorithm,
                              wr_tiles_real real, size_t order, size_t tile) {
    *p = (problem){.bytes = 0};
    CHECK_EQ(wr_tiles_plan_make(&p->plan, algorithm, real, order, tile), 0);
    p->data.a = tiles_matrix(order, real);
    p->bytes = wr_tiles_matrix_bytes(&p->data.a);
    if (algorithm == WR_TILES_GEMM) {
        p->data.b = tiles_matrix(order, real);
        p->data.c = tiles_matrix(order, real);
    } else {
        p->data.original = tiles_matrix(order, real);
    }
    p->data.pivots = calloc(order, sizeof(int32_t));
    CHECK(p->data.pivots != NULL);
    tiles_fill(p, order * 1000 + tile);
}

static inline void tiles_free(problem *p) {
    wr_tiles_plan_free(&p->plan);
    free(p->data.a.data);
    free(p->data.b.data);
    free(p->data.c.data);
    free(p->data.original.data);
    free(p->data.pivots);
}

static inline wr_tiles_matrix *tiles_result(problem *p) {
    return p->plan.algorithm == WR_TILES_GEMM ? &p->data.c : &p->data.a;
}

// The pivots of the whole, from 0.
static inline int32_t *tiles_pivots(const problem *p) {
    size_t n = p->plan.order;
    int32_t *out = malloc(n * sizeof(*out));
    CHECK(out != NULL);
    for (size_t i = 0; i < n; i++)
        out[i] =
            p->data.pivots[i] - 1 + (int32_t)(i / p->plan.tile * p->plan.tile);
    return out;
}

static inline double tiles_residual(problem *p) {
    bool product = p->plan.algorithm == WR_TILES_GEMM;
    bool lu = p->plan.algorithm == WR_TILES_LU;
    int32_t *pivots = lu ? tiles_pivots(p) : NULL;
    double out = NAN;
    CHECK_EQ(wr_tiles_residual(
                 p->plan.algorithm, product ? &p->data.a : &p->data.original,
                 product ? &p->data.b : NULL, tiles_result(p), pivots, &out),
             0);
    free(pivots);
    return out;
}

// ---- plain code ------------------------------------------------------------

static inline void plain_cholesky(double *a, size_t n) {
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            for (size_t i = j; i < n; i++)
                a[j * n + i] -= a[k * n + i] * a[k * n + j];
        double root = sqrt(a[j * n + j]);
        for (size_t i = j; i < n; i++)
            a[j * n + i] /= root;
    }
}

static inline void plain_swap(double *a, size_t n, size_t i, size_t j) {
    for (size_t c = 0; c < n; c++) {
        double value = a[c * n + i];
        a[c * n + i] = a[c * n + j];
        a[c * n + j] = value;
    }
}

static inline void plain_lu(double *a, size_t n, int32_t *pivots) {
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[k * n + i]) > fabs(a[k * n + best]))
                best = i;
        pivots[k] = (int32_t)best;
        plain_swap(a, n, k, best);
        for (size_t i = k + 1; i < n; i++)
            a[k * n + i] /= a[k * n + k];
        for (size_t j = k + 1; j < n; j++)
            for (size_t i = k + 1; i < n; i++)
                a[j * n + i] -= a[k * n + i] * a[j * n + k];
    }
}

static inline void plain_product(const double *a, const double *b, double *c,
                                 size_t n) {
    memset(c, 0, n * n * sizeof(*c));
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < n; i++)
                c[j * n + i] += a[k * n + i] * b[j * n + k];
}

static inline double *plain_copy(const wr_tiles_matrix *m) {
    double *out = malloc(m->order * m->order * sizeof(*out));
    CHECK(out != NULL);
    for (size_t j = 0; j < m->order; j++)
        for (size_t i = 0; i < m->order; i++)
            out[j * m->order + i] = wr_tiles_at(m, i, j);
    return out;
}

static inline void plain_compare(const problem *p, const double *right,
                                 const wr_tiles_matrix *result) {
    size_t n = p->plan.order;
    double off = (double)n * (p->plan.real == WR_TILES_DOUBLE ? 1e-13 : 1e-4);
    for (size_t j = 0; j < n; j++)
        for (size_t i = p->plan.algorithm == WR_TILES_CHOLESKY ? j : 0; i < n;
             i++)
            if (!(fabs(wr_tiles_at(result, i, j) - right[j * n + i]) <=
                  off * (1 + fabs(right[j * n + i]))))
                CHECK_FAIL("algorithm %d, order %zu, tile %zu: (%zu, %zu) is "
                           "%g, not %g",
                           (int)p->plan.algorithm, n, p->plan.tile, i, j,
                           wr_tiles_at(result, i, j), right[j * n + i]);
}

// Holds what was computed against plain code. LU in single precision may
// choose other pivots: there the residual alone counts.
static inline void tiles_check(problem *p) {
    size_t n = p->plan.order;
    double residual = tiles_residual(p);
    if (!(residual <= WR_TILES_RESIDUAL_MAX))
        CHECK_FAIL("algorithm %d, order %zu, tile %zu: the residual is %g",
                   (int)p->plan.algorithm, n, p->plan.tile, residual);
    double *a = plain_copy(p->data.original.data != NULL ? &p->data.original
                                                         : &p->data.a);
    if (p->plan.algorithm == WR_TILES_CHOLESKY) {
        plain_cholesky(a, n);
        plain_compare(p, a, &p->data.a);
    } else if (p->plan.algorithm == WR_TILES_GEMM) {
        double *b = plain_copy(&p->data.b), *c = plain_copy(&p->data.c);
        plain_product(a, b, c, n);
        plain_compare(p, c, &p->data.c);
        free(b);
        free(c);
    } else if (p->plan.real == WR_TILES_DOUBLE) {
        int32_t *pivots = calloc(n, sizeof(*pivots)), *found = tiles_pivots(p);
        CHECK(pivots != NULL);
        plain_lu(a, n, pivots);
        for (size_t i = 0; i < n; i++)
            CHECK_EQ(found[i], pivots[i]);
        plain_compare(p, a, &p->data.a);
        free(pivots);
        free(found);
    }
    free(a);
}

#endif
