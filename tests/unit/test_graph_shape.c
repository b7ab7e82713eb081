// SPDX-License-Identifier: MIT
// Shapes of accesses, and how two of them lie to each other, against a map of
// their bytes.
#include "base/random.h"
#include "graph/region.h"
#include "support/check.h"

#include <errno.h>
#include <stdbool.h>

static wr_shape made(size_t offset, size_t bytes, size_t stride,
                     uint32_t rows) {
    wr_shape shape;
    CHECK_EQ(wr_shape_make(&shape, SIZE_MAX, offset, bytes, stride, rows), 0);
    return shape;
}

static void check_shape(const wr_shape *shape, size_t offset, size_t bytes,
                        size_t stride, uint32_t rows) {
    CHECK_EQ(shape->offset, offset);
    CHECK_EQ(shape->bytes, bytes);
    CHECK_EQ(shape->stride, stride);
    CHECK_EQ(shape->rows, rows);
}

static void a_shape_has_one_form(void) {
    wr_shape s = made(3, 5, 0, 0);
    check_shape(&s, 3, 5, 0, 1);
    s = made(3, 5, 77, 1); // the stride of one row is nothing
    check_shape(&s, 3, 5, 0, 1);
    s = made(3, 5, 1, 0);
    check_shape(&s, 3, 5, 0, 1);
    s = made(3, 5, 5, 4); // rows that touch
    check_shape(&s, 3, 20, 0, 1);
    s = made(3, 5, 6, 4);
    check_shape(&s, 3, 5, 6, 4);
}

static int error_of(size_t size, size_t offset, size_t bytes, size_t stride,
                    uint32_t rows) {
    wr_shape shape;
    return wr_shape_make(&shape, size, offset, bytes, stride, rows);
}

static void what_is_beyond_the_buffer_is_refused(void) {
    CHECK_EQ(error_of(10, 0, 0, 0, 0), -EINVAL);
    CHECK_EQ(error_of(10, 5, 0, 4, 2), -EINVAL);
    CHECK_EQ(error_of(10, 0, 10, 0, 1), 0);
    CHECK_EQ(error_of(10, 0, 11, 0, 1), -EINVAL);
    CHECK_EQ(error_of(10, 9, 1, 0, 1), 0);
    CHECK_EQ(error_of(10, 10, 1, 0, 1), -EINVAL);
    CHECK_EQ(error_of(10, 11, 1, 0, 1), -EINVAL);
    CHECK_EQ(error_of(10, 2, 2, 3, 3), 0); // to the last byte
    CHECK_EQ(error_of(10, 3, 2, 3, 3), -EINVAL);
    CHECK_EQ(error_of(10, 0, 5, 5, 2), 0);
    CHECK_EQ(error_of(10, 0, 5, 5, 3), -EINVAL);
    CHECK_EQ(error_of(10, 0, 3, 2, 2), -EINVAL); // rows over each other
    CHECK_EQ(error_of(10, 0, 3, 0, 2), -EINVAL);
}

static void no_sum_goes_over_the_end_of_numbers(void) {
    size_t most = SIZE_MAX;
    CHECK_EQ(error_of(most, 1, most, 0, 1), -EINVAL);
    CHECK_EQ(error_of(most, most, 1, 0, 1), -EINVAL);
    CHECK_EQ(error_of(most, most - 1, 1, 0, 1), 0);
    CHECK_EQ(error_of(most, most - 1, 2, 0, 1), -EINVAL);
    CHECK_EQ(error_of(100, most - 1, 3, 0, 1), -EINVAL);
    CHECK_EQ(error_of(100, 0, 1, most, 2), -EINVAL);
    CHECK_EQ(error_of(100, 10, 1, most - 9, 2), -EINVAL);
    CHECK_EQ(error_of(most, 0, 1, most - 1, 2), 0);
    CHECK_EQ(error_of(most, 1, 1, most - 1, 2), -EINVAL);
    CHECK_EQ(error_of(most, 0, 1, (size_t)1 << 32, UINT32_MAX), 0);
    CHECK_EQ(error_of(most, 0, 1, ((size_t)1 << 32) + 3, UINT32_MAX), -EINVAL);
    CHECK_EQ(error_of(most, 0, (size_t)1 << 40, (size_t)1 << 40, 1 << 24),
             -EINVAL);
    CHECK_EQ(error_of(most, 0, most / 3, most / 3, 3), 0);
}

// ---- how two lie to each other ---------------------------------------------

static wr_overlap between(wr_shape a, wr_shape b) {
    wr_overlap there = wr_shape_overlap(&a, &b);
    wr_overlap back = wr_shape_overlap(&b, &a);
    wr_overlap turned = there == WR_WITHIN   ? WR_AROUND
                        : there == WR_AROUND ? WR_WITHIN
                                             : there;
    CHECK_EQ(back, turned);
    return there;
}

static void ranges_that_touch_are_apart(void) {
    CHECK_EQ(between(made(0, 8, 0, 1), made(8, 8, 0, 1)), WR_APART);
    CHECK_EQ(between(made(0, 9, 0, 1), made(8, 8, 0, 1)), WR_CROSS);
    CHECK_EQ(between(made(0, 16, 0, 1), made(8, 8, 0, 1)), WR_WITHIN);
    CHECK_EQ(between(made(8, 4, 0, 1), made(8, 8, 0, 1)), WR_AROUND);
    CHECK_EQ(between(made(8, 8, 0, 1), made(8, 8, 0, 1)), WR_SAME);
}

static void columns_are_apart_though_they_interleave(void) {
    // A matrix of 8 rows of 16 bytes.
    wr_shape left = made(0, 8, 16, 8), right = made(8, 8, 16, 8);
    CHECK_EQ(between(left, right), WR_APART);
    CHECK_EQ(between(left, made(4, 8, 16, 8)), WR_CROSS);
    CHECK_EQ(between(left, made(4, 4, 16, 8)), WR_WITHIN);
    CHECK_EQ(between(left, made(0, 8, 16, 3)), WR_WITHIN);
}

static void tiles_are_apart_and_cross_exactly(void) {
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 16; j++) {
            wr_shape a = made(i / 4 * 64 + i % 4 * 4, 4, 16, 4);
            wr_shape b = made(j / 4 * 64 + j % 4 * 4, 4, 16, 4);
            CHECK_EQ(between(a, b), i == j ? WR_SAME : WR_APART);
        }
    wr_shape tile = made(64 + 4, 4, 16, 4);
    CHECK_EQ(between(tile, made(64, 64, 0, 1)), WR_AROUND); // its block of rows
    CHECK_EQ(between(tile, made(0, 64, 0, 1)), WR_APART);
    CHECK_EQ(between(tile, made(4, 4, 16, 16)), WR_AROUND); // of columns
    CHECK_EQ(between(tile, made(8, 4, 16, 16)), WR_APART);
    CHECK_EQ(between(made(64, 64, 0, 1), made(4, 4, 16, 16)), WR_CROSS);
}

static void a_row_may_begin_before_the_next_column(void) {
    // Columns from 12 on, of 8 bytes: the last 4 are the next row's first.
    wr_shape around = made(12, 8, 16, 3);
    CHECK_EQ(between(around, made(0, 4, 16, 4)), WR_CROSS);
    CHECK_EQ(between(around, made(4, 8, 16, 4)), WR_APART);
    CHECK_EQ(between(around, made(0, 4, 0, 1)), WR_APART);
    CHECK_EQ(between(around, made(48, 4, 0, 1)), WR_WITHIN);
}

// Bytes of a small buffer.
enum { MAP = 640 };

typedef struct map {
    uint64_t word[MAP / 64];
} map;

static map map_of(const wr_shape *s) {
    map m = {{0}};
    for (uint32_t i = 0; i < s->rows; i++)
        for (size_t j = 0; j < s->bytes; j++) {
            size_t at = s->offset + i * s->stride + j;
            m.word[at / 64] |= (uint64_t)1 << at % 64;
        }
    return m;
}

static wr_overlap expected(const wr_shape *a, const wr_shape *b) {
    map x = map_of(a), y = map_of(b);
    bool common = false, only_a = false, only_b = false;
    for (size_t i = 0; i < MAP / 64; i++) {
        common |= (x.word[i] & y.word[i]) != 0;
        only_a |= (x.word[i] & ~y.word[i]) != 0;
        only_b |= (y.word[i] & ~x.word[i]) != 0;
    }
    if (!common)
        return WR_APART;
    if (only_a)
        return only_b ? WR_CROSS : WR_WITHIN;
    return only_b ? WR_AROUND : WR_SAME;
}

// Any shape in `size` bytes; strides to `strides`, so that there are many rows.
static wr_shape any(uint64_t *state, uint32_t size, uint32_t strides) {
    wr_shape shape;
    uint32_t stride, bytes, rows, offset;
    do {
        stride = 1 + wr_random_below(state, strides);
        bytes = 1 + wr_random_below(state, stride);
        if (wr_random_below(state, 4) == 0)
            bytes = 1 + wr_random_below(state, size);
        offset = wr_random_below(state, size);
        rows = 1 + wr_random_below(state, size / stride + 1);
        if (wr_random_below(state, 4) == 0)
            rows = 1;
    } while (wr_shape_make(&shape, size, offset, bytes, stride, rows) != 0);
    return shape;
}

static void any_two_lie_as_a_map_of_their_bytes_says(void) {
    unsigned seen[5] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint64_t state = seed;
        uint32_t size = 2 + wr_random_below(&state, MAP - 1);
        uint32_t strides = 1 + wr_random_below(&state, size);
        if (seed % 2 == 0 && strides > 12)
            strides = 2 + wr_random_below(&state, 11);
        for (int i = 0; i < 24; i++) {
            wr_shape a = any(&state, size, strides);
            wr_shape b = any(&state, size, strides);
            wr_overlap is = between(a, b);
            CHECK_EQ(is, expected(&a, &b));
            seen[is]++;
        }
    }
    for (int i = 0; i < 5; i++)
        CHECK(seen[i] > 100);
}

static wr_shape scaled(const wr_shape *s, size_t by, size_t from) {
    return (wr_shape){from + s->offset * by, s->bytes * by, s->stride * by,
                      s->rows};
}

// As above, but as large, and as far up, as there are numbers.
static void the_largest_lie_as_the_small_ones(void) {
    for (uint64_t seed = 0; seed < 3000; seed++) {
        uint64_t state = seed;
        uint32_t size = 2 + wr_random_below(&state, MAP - 1);
        uint32_t strides = 1 + wr_random_below(&state, size < 24 ? size : 24);
        size_t by = (size_t)1 << wr_random_below(&state, 55);
        if (wr_random_below(&state, 2) == 0)
            by = SIZE_MAX / size;
        for (int i = 0; i < 16; i++) {
            wr_shape a = any(&state, size, strides);
            wr_shape b = any(&state, size, strides);
            wr_overlap is = expected(&a, &b);
            size_t from = SIZE_MAX - size * by;
            CHECK_EQ(between(scaled(&a, by, from), scaled(&b, by, from)), is);
            from = SIZE_MAX - size;
            CHECK_EQ(between(scaled(&a, 1, from), scaled(&b, 1, from)), is);
        }
    }
}

// Thousands of pairs with 10^9 rows and more each.
static void rows_are_not_counted_one_by_one(void) {
    uint64_t state = 1;
    for (int i = 0; i < 3000; i++) {
        uint32_t rows = 2000000000 + wr_random_below(&state, 1000000000);
        size_t p = 1000 + 2 * (size_t)wr_random_below(&state, 1000);
        size_t q = p + 2 + 2 * (size_t)wr_random_below(&state, 500);
        // Even bytes and odd ones never meet; even strides keep them so.
        wr_shape a = made(0, 1, p, rows), b = made(p + 1, 1, q, rows);
        CHECK_EQ(between(a, b), WR_APART);
        // All even bytes up to there.
        wr_shape even = made(0, 1, 2, UINT32_MAX);
        a = made(2, 1, p, 4000000);
        CHECK_EQ(between(even, a),
                 a.offset + (a.rows - 1) * a.stride < 2 * (size_t)UINT32_MAX
                     ? WR_WITHIN
                     : WR_CROSS);
        // They meet first after p * q / 2 bytes or less, at the same phase.
        CHECK_EQ(between(made(0, 1, p, rows), made(p * q, 1, q, rows)),
                 WR_CROSS);
    }
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_shape_has_one_form),
    CASE(what_is_beyond_the_buffer_is_refused),
    CASE(no_sum_goes_over_the_end_of_numbers),
    CASE(ranges_that_touch_are_apart),
    CASE(columns_are_apart_though_they_interleave),
    CASE(tiles_are_apart_and_cross_exactly),
    CASE(a_row_may_begin_before_the_next_column),
    CASE(any_two_lie_as_a_map_of_their_bytes_says),
    CASE(the_largest_lie_as_the_small_ones),
    CASE(rows_are_not_counted_one_by_one),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
