// SPDX-License-Identifier: MIT
#include "programs/tiles/matrix.h"

#include "base/random.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, PAGE = 4096, VECTORS = 3 };

size_t wr_tiles_lead(size_t order, wr_tiles_real real) {
    size_t line = LINE / wr_tiles_real_size(real);
    size_t lead = (order + line - 1) / line * line;
    if (lead * wr_tiles_real_size(real) % PAGE == 0)
        lead += line;
    return lead;
}

static double drawn(uint64_t seed, size_t i, size_t j) {
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) +
                     i * UINT64_C(0x2545f4914f6cdd1d) +
                     j * UINT64_C(0x9e6c63d0876a9a47);
    return (double)(wr_random_next(&state) >> 11) * 0x1p-52 - 1;
}

void wr_tiles_generate(const wr_tiles_matrix *m, uint64_t seed, bool positive) {
    double diagonal = positive ? (double)m->order : 0;
    for (size_t j = 0; j < m->order; j++)
        for (size_t i = 0; i < m->order; i++) {
            double value =
                positive && i < j ? drawn(seed, j, i) : drawn(seed, i, j);
            wr_tiles_put(m, i, j, i == j ? value + diagonal : value);
        }
}

void wr_tiles_copy(const wr_tiles_matrix *to, const wr_tiles_matrix *from) {
    size_t size = wr_tiles_real_size(from->real);
    for (size_t j = 0; j < from->order; j++)
        memcpy((char *)to->data + j * to->lead * size,
               (const char *)from->data + j * from->lead * size,
               from->order * size);
}

int wr_tiles_symmetric(const wr_tiles_matrix *m, wr_tiles_why *why) {
    for (size_t j = 0; j < m->order; j++)
        for (size_t i = j + 1; i < m->order; i++)
            if (wr_tiles_at(m, i, j) != wr_tiles_at(m, j, i))
                return wr_tiles_refuse(
                    why, -EDOM,
                    "it is not symmetric: row %zu, column %zu is %.17g, row "
                    "%zu, column %zu is %.17g",
                    i + 1, j + 1, wr_tiles_at(m, i, j), j + 1, i + 1,
                    wr_tiles_at(m, j, i));
    return 0;
}

void wr_tiles_keep_triangle(const wr_tiles_matrix *m) {
    size_t size = wr_tiles_real_size(m->real);
    for (size_t j = 1; j < m->order; j++)
        memset((char *)m->data + j * m->lead * size, 0, j * size);
}

// ---- products with a vector ------------------------------------------------

// Which part of a matrix counts, and what its diagonal is.
typedef enum part {
    WHOLE,
    LOWER,      // with the diagonal
    LOWER_UNIT, // ones in its place
    LOWER_TRANSPOSED,
    UPPER, // with the diagonal
} part;

static double row_sum(const wr_tiles_matrix *m, size_t j, size_t from,
                      const double *x) {
    double sum = 0;
    for (size_t i = from; i < m->order; i++)
        sum += wr_tiles_at(m, i, j) * x[i];
    return sum;
}

// y = part of m times x.
static void times(const wr_tiles_matrix *m, part which, const double *x,
                  double *y) {
    size_t n = m->order;
    for (size_t i = 0; i < n; i++)
        y[i] = which == LOWER_UNIT ? x[i] : 0;
    for (size_t j = 0; j < n; j++) {
        size_t from = which == LOWER ? j : which == LOWER_UNIT ? j + 1 : 0;
        size_t to = which == UPPER ? j + 1 : n;
        if (which == LOWER_TRANSPOSED)
            y[j] = row_sum(m, j, j, x);
        else
            for (size_t i = from; i < to; i++)
                y[i] += wr_tiles_at(m, i, j) * x[j];
    }
}

// The largest sum of a row.
static double norm(const wr_tiles_matrix *m, double *sums) {
    double most = 0;
    memset(sums, 0, m->order * sizeof(*sums));
    for (size_t j = 0; j < m->order; j++)
        for (size_t i = 0; i < m->order; i++)
            sums[i] += fabs(wr_tiles_at(m, i, j));
    for (size_t i = 0; i < m->order; i++)
        most = fmax(most, sums[i]);
    return most;
}

// The rows as they were before pivoting.
static void swap_back(double *x, const int32_t *pivots, size_t n) {
    for (size_t i = n; i-- > 0;) {
        double value = x[i];
        x[i] = x[pivots[i]];
        x[pivots[i]] = value;
    }
}

// y = what the result says of x, z is scratch.
static void as_computed(wr_tiles_algorithm algorithm, const wr_tiles_matrix *r,
                        const int32_t *pivots, const double *x, double *y,
                        double *z) {
    switch (algorithm) {
    case WR_TILES_CHOLESKY:
        times(r, LOWER_TRANSPOSED, x, z);
        times(r, LOWER, z, y);
        break;
    case WR_TILES_LU:
        times(r, UPPER, x, z);
        times(r, LOWER_UNIT, z, y);
        swap_back(y, pivots, r->order);
        break;
    case WR_TILES_GEMM: times(r, WHOLE, x, y); break;
    }
}

int wr_tiles_residual(wr_tiles_algorithm algorithm, const wr_tiles_matrix *a,
                      const wr_tiles_matrix *b, const wr_tiles_matrix *result,
                      const int32_t *pivots, double *out) {
    size_t n = a->order;
    double *memory = malloc(4 * n * sizeof(*memory));
    if (memory == NULL)
        return -ENOMEM;
    double *x = memory, *y = x + n, *z = y + n, *right = z + n;
    double scale = (double)n * norm(a, z) *
                   (a->real == WR_TILES_DOUBLE ? DBL_EPSILON : FLT_EPSILON);
    double most = 0;
    if (b != NULL)
        scale *= norm(b, z);
    uint64_t state = 1;
    for (int vector = 0; vector < VECTORS; vector++) {
        for (size_t i = 0; i < n; i++)
            x[i] = wr_random_next(&state) >> 63 != 0 ? 1 : -1;
        if (b != NULL)
            times(b, WHOLE, x, z);
        times(a, WHOLE, b != NULL ? z : x, right);
        as_computed(algorithm, result, pivots, x, y, z);
        for (size_t i = 0; i < n; i++) {
            double off = fabs(right[i] - y[i]);
            // Not fmax: it would lose what is no number.
            most = off > most || isnan(off) ? off : most;
        }
    }
    free(memory);
    *out = most == 0 ? 0 : most / scale;
    return 0;
}
