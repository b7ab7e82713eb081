// SPDX-License-Identifier: MIT
// Shapes, and how two of them lie to each other. Exact, and without a loop over
// the rows where there are many: rows of different strides meet where a
// multiple of one stride modulo the other is small enough, and how often that
// is so is counted as Euclid would divide.
// Source of the counting: the sum of floor((a i + b) / m), as in Graham, Knuth,
// Patashnik, "Concrete Mathematics", 1989, section 3.5.
#include "graph/region_shape.h"

#include <errno.h>

__extension__ typedef unsigned __int128 wide;

// So few rows are looked at one after the other.
enum { FEW_ROWS = 24 };

int wr_shape_make(wr_shape *out, size_t size, size_t offset, size_t bytes,
                  size_t stride, uint32_t rows) {
    if (bytes == 0 || offset > size || bytes > size - offset)
        return -EINVAL;
    *out = (wr_shape){.offset = offset, .bytes = bytes, .rows = 1};
    if (rows <= 1)
        return 0;
    // Beyond the first row.
    size_t more = rows - 1;
    if (stride < bytes || stride > (size - offset - bytes) / more)
        return -EINVAL;
    if (stride == bytes) {
        out->bytes += more * stride;
    } else {
        out->stride = stride;
        out->rows = rows;
    }
    return 0;
}

// How two sets of bytes lie to each other.
typedef struct relation {
    bool meet;
    bool a_inside; // all of a is in b
    bool b_inside;
} relation;

static size_t end_of(const wr_lattice *l) {
    return l->offset + (size_t)(l->rows - 1) * l->stride + l->bytes;
}

static relation ranges(size_t a, size_t a_end, size_t b, size_t b_end) {
    return (relation){a < b_end && b < a_end, b <= a && a_end <= b_end,
                      a <= b && b_end <= a_end};
}

static size_t lower(size_t a, size_t b) { return a < b ? a : b; }

// Rows [from, to) of b are those with a byte in [x, x + w), rows [in, in_to)
// those that are all in it. b's stride is not 0.
static void rows_at(const wr_lattice *b, size_t x, size_t w, relation *found,
                    uint64_t *inside) {
    size_t first_end = b->offset + b->bytes, end = x + w;
    uint64_t rows = b->rows, from = 0, to = 0, in = 0, in_to = 0;
    if (x >= first_end)
        from = (x - first_end) / b->stride + 1;
    if (end > b->offset)
        to = lower(rows, (end - 1 - b->offset) / b->stride + 1);
    if (from >= to) {
        found->a_inside = false;
        return;
    }
    found->meet = true;
    if (x > b->offset)
        in = (x - b->offset - 1) / b->stride + 1;
    if (end >= first_end)
        in_to = lower(rows, (end - first_end) / b->stride + 1);
    if (in < in_to)
        *inside += in_to - in;
    // A row with a byte in the piece is the only one that can have all.
    size_t at = b->offset + (size_t)from * b->stride;
    if (at > x || end - at > b->bytes)
        found->a_inside = false;
}

// a has few rows.
static relation by_rows(const wr_lattice *a, const wr_lattice *b,
                        bool only_meet) {
    relation found = {.a_inside = true};
    wr_lattice other = *b;
    if (other.rows == 1)
        other.stride = SIZE_MAX;
    uint64_t inside = 0;
    size_t x = a->offset;
    for (uint64_t i = 0; i < a->rows; i++, x += a->stride) {
        rows_at(&other, x, a->bytes, &found, &inside);
        if (found.meet && only_meet)
            break;
    }
    found.b_inside = inside == b->rows;
    return found;
}

// Both have several rows, at one stride; a does not begin after b. A row of b
// begins p bytes after one of a, or after where one would be.
static relation same_stride(const wr_lattice *a, const wr_lattice *b) {
    size_t q = (b->offset - a->offset) / a->stride;
    size_t p = (b->offset - a->offset) % a->stride;
    // The last row of a may end before the first of b begins, and the row of a
    // before that of b, or the next one, may reach it.
    bool meet = (p < a->bytes && q < a->rows) ||
                (b->bytes > a->stride - p && q + 1 < a->rows);
    return (relation){
        meet, p == 0 && q == 0 && a->bytes <= b->bytes && a->rows <= b->rows,
        p <= a->bytes && b->bytes <= a->bytes - p && q < a->rows &&
            b->rows <= a->rows - q};
}

// The sum of floor((a i + b) / m) for i below n, modulo 2^128.
static wide floors(wide n, wide m, wide a, wide b) {
    wide sum = 0;
    while (n > 0) {
        sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
        a %= m;
        b %= m;
        wide most = a * n + b;
        if (most < m)
            break;
        n = most / m;
        b = most % m;
        wide swap = m;
        m = a;
        a = swap;
    }
    return sum;
}

// For how many i below n (a i + c) mod m is not over `most`, which is below m.
static uint64_t count(uint64_t n, size_t a, size_t c, size_t m, size_t most) {
    wide b = (wide)(c % m) + m;
    return (uint64_t)(floors(n, m, a % m, b) -
                      floors(n, m, a % m, b - most - 1));
}

// Both have several rows.
static bool many_meet(const wr_lattice *a, const wr_lattice *b) {
    size_t a_end = end_of(a), b_end = end_of(b);
    if (a_end <= b->offset || b_end <= a->offset)
        return false;
    // Rows [from, to) of a reach into what b spans.
    uint64_t from = 0, to = a->rows;
    if (a->offset + a->bytes <= b->offset)
        from = (b->offset - a->offset - a->bytes) / a->stride + 1;
    if (a->offset + (size_t)(to - 1) * a->stride >= b_end)
        to = (b_end - a->offset - 1) / a->stride + 1;
    if (from >= to)
        return false;
    if (a->bytes > b->stride - b->bytes)
        return true;
    // Those that meet a row of b end after it has begun, modulo b's stride, by
    // at most so many bytes.
    size_t last = a->offset + (size_t)from * a->stride + a->bytes - 1;
    return count(to - from, a->stride, last - b->offset, b->stride,
                 a->bytes + b->bytes - 2) > 0;
}

static bool many_inside(const wr_lattice *a, const wr_lattice *b) {
    return a->offset >= b->offset && end_of(a) <= end_of(b) &&
           a->bytes <= b->bytes &&
           count(a->rows, a->stride, a->offset - b->offset, b->stride,
                 b->bytes - a->bytes) == a->rows;
}

static relation turned(relation r) {
    return (relation){r.meet, r.b_inside, r.a_inside};
}

static relation relate(const wr_lattice *a, const wr_lattice *b,
                       bool only_meet) {
    if (a->rows == 1 && b->rows == 1)
        return ranges(a->offset, a->offset + a->bytes, b->offset,
                      b->offset + b->bytes);
    if (a->stride == b->stride)
        return a->offset <= b->offset ? same_stride(a, b)
                                      : turned(same_stride(b, a));
    if (a->rows <= b->rows && a->rows <= FEW_ROWS)
        return by_rows(a, b, only_meet);
    if (b->rows <= FEW_ROWS)
        return turned(by_rows(b, a, only_meet));
    relation found = {.meet = many_meet(a, b)};
    if (found.meet && !only_meet) {
        found.a_inside = many_inside(a, b);
        found.b_inside = many_inside(b, a);
    }
    return found;
}

bool wr_lattice_meets(const wr_lattice *a, const wr_lattice *b) {
    return relate(a, b, true).meet;
}

wr_overlap wr_shape_overlap(const wr_shape *a, const wr_shape *b) {
    wr_lattice left = wr_lattice_of(a), right = wr_lattice_of(b);
    relation found = relate(&left, &right, false);
    if (!found.meet)
        return WR_APART;
    if (found.a_inside)
        return found.b_inside ? WR_SAME : WR_AROUND;
    return found.b_inside ? WR_WITHIN : WR_CROSS;
}
