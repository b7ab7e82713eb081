// SPDX-License-Identifier: MIT
//
// Two broadcast operands, element by element: finding long rows for the inner
// loops.
#include <string.h>

#include "programs/nn/op_kit.h"

// Floats that are copied or spread out at a time; they stay in the first cache.
enum { BLOCK = 1024 };

// Rows shorter than this are not worth a call of their own. A bias that is
// spread out once for all of them is worth it for longer.
enum { ROW_LEAST = 128, PERIODIC_LEAST = 512 };

static void apply(const wr_nn_zipper *zipper, wr_nn_form form, void *out,
                  const float *a, const float *b, size_t count) {
    if (zipper->compare != NULL) {
        zipper->compare[form](out, a, b, count);
        return;
    }
    float *to = out;
    if (to != a) {
        zipper->zip[form](to, a, b, count);
        return;
    }
    // In place: the kernels' operands do not overlap their result.
    float copy[BLOCK];
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        memcpy(copy, a + i, some * sizeof *copy);
        const float *other = form == WR_NN_BOTH ? b + i : b;
        zipper->zip[form](to + i, copy, other == a + i ? copy : other, some);
    }
}

void wr_nn_map_any(wr_nn_map *map, float *out, const float *in, size_t count,
                   float a, float b) {
    if (out != in) {
        map(out, in, count, a, b);
        return;
    }
    float copy[BLOCK];
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        memcpy(copy, in + i, some * sizeof *copy);
        map(out + i, copy, some, a, b);
    }
}

// How far the result moves for `count` elements.
static void *after(const wr_nn_zipper *zipper, void *out, size_t count) {
    return (uint8_t *)out + count * (zipper->compare != NULL ? 1 : 4);
}

// Row by row; within one each operand moves by 1 or stays.
static void zip_rows(const wr_nn_zipper *zipper, const wr_nn_walk *walk,
                     void *out, const float *a_here, const float *a,
                     const float *b, size_t from, size_t to) {
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, walk, from);
    int last = walk->rank - 1;
    wr_nn_form form = walk->stride[0][last] == 0   ? WR_NN_FIRST_STAYS
                      : walk->stride[1][last] == 0 ? WR_NN_SECOND_STAYS
                                                   : WR_NN_BOTH;
    while (from < to) {
        size_t count = wr_nn_cursor_row(&cursor, walk, to - from);
        const float *first = a_here != NULL ? a_here : a + cursor.offset[0];
        apply(zipper, form, out, first, b + cursor.offset[1], count);
        out = after(zipper, out, count);
        a_here = a_here != NULL ? a_here + count : NULL;
        from += count;
        wr_nn_cursor_advance(&cursor, walk, count);
    }
}

// Operand 1 is one row, again and again.
static bool is_periodic(const wr_nn_walk *walk) {
    return walk->rank == 2 && walk->stride[1][0] == 0 &&
           walk->stride[1][1] == 1 && wr_nn_walk_plain(walk, 0);
}

// Short rows: what does not lie in order is spread out first.
static void zip_spread(const wr_nn_zipper *zipper, const wr_nn_walk *walk,
                       void *out, const float *a_here, const float *a,
                       const float *b, size_t from, size_t to) {
    float a_spread[BLOCK], b_spread[BLOCK];
    size_t block = BLOCK;
    size_t row = walk->dim[walk->rank - 1];
    // A bias that is the same for every row is spread out once.
    bool periodic = is_periodic(walk);
    if (periodic)
        block -= block % row;
    bool b_plain = wr_nn_walk_plain(walk, 1), spread = false;
    while (from < to) {
        size_t count = to - from < block ? to - from : block;
        const float *first = a_here, *second = b_spread;
        if (first == NULL) {
            wr_nn_walk_copy(walk, 0, sizeof *a, a_spread, a, from,
                            from + count);
            first = a_spread;
        }
        if (b_plain)
            second = b + from;
        else if (!spread || !periodic)
            wr_nn_walk_copy(walk, 1, sizeof *b, b_spread, b, from,
                            from + count);
        spread = true;
        apply(zipper, WR_NN_BOTH, out, first, second, count);
        out = after(zipper, out, count);
        a_here = a_here != NULL ? a_here + count : NULL;
        from += count;
    }
}

// Both stay where they are along the last dimension: of such rows there is no
// form.
static bool both_stay(const wr_nn_walk *walk) {
    int last = walk->rank - 1;
    return walk->stride[0][last] == 0 && walk->stride[1][last] == 0;
}

void wr_nn_zip_walk(const wr_nn_zipper *zipper, const wr_nn_walk *walk,
                    void *out, const float *a_here, const float *a,
                    const float *b, size_t from, size_t to) {
    if (from >= to)
        return;
    if (a_here == NULL && wr_nn_walk_plain(walk, 0))
        a_here = a + from;
    if (a_here != NULL && wr_nn_walk_plain(walk, 1))
        apply(zipper, WR_NN_BOTH, out, a_here, b + from, to - from);
    else if (!both_stay(walk) &&
             (walk->rank == 1 ||
              walk->dim[walk->rank - 1] >=
                  (is_periodic(walk) ? PERIODIC_LEAST : ROW_LEAST)))
        zip_rows(zipper, walk, out, a_here, a, b, from, to);
    else
        zip_spread(zipper, walk, out, a_here, a, b, from, to);
}
