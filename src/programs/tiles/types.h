// SPDX-License-Identifier: MIT
//
// What the parts of `weir tiles` have in common.
#ifndef WEIR_PROGRAMS_TILES_TYPES_H
#define WEIR_PROGRAMS_TILES_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wr_tiles_algorithm {
    WR_TILES_CHOLESKY, // A = L Lt
    WR_TILES_LU,       // P A = L U, partial pivoting
    WR_TILES_GEMM,     // C = A B
} wr_tiles_algorithm;

typedef enum wr_tiles_real {
    WR_TILES_DOUBLE,
    WR_TILES_SINGLE,
} wr_tiles_real;

static inline size_t wr_tiles_real_size(wr_tiles_real real) {
    return real == WR_TILES_DOUBLE ? sizeof(double) : sizeof(float);
}

enum {
    WR_TILES_ORDER_MAX = 1 << 20,
    WR_TILES_WHY_MAX = 1024,
};

// A square matrix by columns, each `lead` elements after the one before.
typedef struct wr_tiles_matrix {
    void *data;
    size_t order, lead;
    wr_tiles_real real;
} wr_tiles_matrix;

static inline size_t wr_tiles_matrix_bytes(const wr_tiles_matrix *m) {
    return m->order * m->lead * wr_tiles_real_size(m->real);
}

static inline double wr_tiles_at(const wr_tiles_matrix *m, size_t i, size_t j) {
    size_t at = j * m->lead + i;
    return m->real == WR_TILES_DOUBLE ? ((const double *)m->data)[at]
                                      : (double)((const float *)m->data)[at];
}

static inline void wr_tiles_put(const wr_tiles_matrix *m, size_t i, size_t j,
                                double value) {
    size_t at = j * m->lead + i;
    if (m->real == WR_TILES_DOUBLE)
        ((double *)m->data)[at] = value;
    else
        ((float *)m->data)[at] = (float)value;
}

// Why something failed, in one line.
typedef struct wr_tiles_why {
    char text[WR_TILES_WHY_MAX];
} wr_tiles_why;

// wr_tiles_refuse writes the line, printf-like, and returns status.
int wr_tiles_refuse(wr_tiles_why *why, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
