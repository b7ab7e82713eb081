// SPDX-License-Identifier: MIT
//
// Walks: see op_kit.h.
#include "programs/nn/op_kit.h"

#include <string.h>

void wr_nn_walk_begin(wr_nn_walk *walk, int operands) {
    *walk = (wr_nn_walk){.total = 1, .operands = operands};
}

void wr_nn_walk_add(wr_nn_walk *walk, size_t dim, const ptrdiff_t *stride) {
    walk->total *= dim;
    if (dim == 1)
        return;
    // One with the dimension before it, if each operand's steps go on.
    int last = walk->rank - 1;
    bool joins = last >= 0;
    for (int k = 0; joins && k < walk->operands; k++)
        joins = walk->stride[k][last] == stride[k] * (ptrdiff_t)dim;
    if (!joins)
        last = walk->rank++;
    walk->dim[last] = joins ? walk->dim[last] * dim : dim;
    for (int k = 0; k < walk->operands; k++)
        walk->stride[k][last] = stride[k];
}

void wr_nn_walk_finish(wr_nn_walk *walk) {
    if (walk->rank > 0)
        return;
    walk->rank = 1;
    walk->dim[0] = 1;
    for (int k = 0; k < walk->operands; k++)
        walk->stride[k][0] = 1;
}

void wr_nn_op_strides(const wr_nn_shape *shape, ptrdiff_t *stride) {
    ptrdiff_t step = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= (ptrdiff_t)shape->dim[i];
    }
}

void wr_nn_walk_broadcast(wr_nn_walk *walk, const wr_nn_shape *out,
                          const wr_nn_shape *const *in, int operands) {
    ptrdiff_t stride[WR_NN_WALK_OPERANDS][WR_NN_RANK_MAX];
    for (int k = 0; k < operands; k++)
        wr_nn_op_strides(in[k], stride[k]);
    wr_nn_walk_begin(walk, operands);
    for (int i = 0; i < out->rank; i++) {
        ptrdiff_t here[WR_NN_WALK_OPERANDS];
        for (int k = 0; k < operands; k++) {
            int j = i - (out->rank - in[k]->rank);
            here[k] = j < 0 || in[k]->dim[j] == 1 ? 0 : stride[k][j];
        }
        wr_nn_walk_add(walk, (size_t)out->dim[i], here);
    }
    wr_nn_walk_finish(walk);
}

bool wr_nn_walk_plain(const wr_nn_walk *walk, int k) {
    ptrdiff_t step = 1;
    for (int i = walk->rank - 1; i >= 0; i--) {
        if (walk->stride[k][i] != step)
            return false;
        step *= (ptrdiff_t)walk->dim[i];
    }
    return true;
}

void wr_nn_cursor_set(wr_nn_cursor *cursor, const wr_nn_walk *walk,
                      size_t position) {
    for (int k = 0; k < walk->operands; k++)
        cursor->offset[k] = 0;
    for (int i = walk->rank - 1; i >= 0; i--) {
        size_t dim = walk->dim[i];
        cursor->index[i] = dim == 0 ? 0 : position % dim;
        position = dim == 0 ? 0 : position / dim;
        for (int k = 0; k < walk->operands; k++)
            cursor->offset[k] +=
                (ptrdiff_t)cursor->index[i] * walk->stride[k][i];
    }
}

size_t wr_nn_cursor_row(const wr_nn_cursor *cursor, const wr_nn_walk *walk,
                        size_t most) {
    size_t left = walk->dim[walk->rank - 1] - cursor->index[walk->rank - 1];
    return left < most ? left : most;
}

void wr_nn_cursor_advance(wr_nn_cursor *cursor, const wr_nn_walk *walk,
                          size_t count) {
    int i = walk->rank - 1;
    cursor->index[i] += count;
    for (int k = 0; k < walk->operands; k++)
        cursor->offset[k] += (ptrdiff_t)count * walk->stride[k][i];
    while (i > 0 && cursor->index[i] == walk->dim[i]) {
        cursor->index[i] = 0;
        cursor->index[i - 1]++;
        for (int k = 0; k < walk->operands; k++)
            cursor->offset[k] += walk->stride[k][i - 1] -
                                 (ptrdiff_t)walk->dim[i] * walk->stride[k][i];
        i--;
    }
}

#define COPY_ROW(type)                                                         \
    static void copy_row_##type(type *restrict out, const type *restrict in,   \
                                ptrdiff_t stride, size_t count) {              \
        if (stride == 0) {                                                     \
            type value = in[0];                                                \
            for (size_t i = 0; i < count; i++)                                 \
                out[i] = value;                                                \
        } else {                                                               \
            for (size_t i = 0; i < count; i++)                                 \
                out[i] = in[(ptrdiff_t)i * stride];                            \
        }                                                                      \
    }
COPY_ROW(uint8_t)
COPY_ROW(wr_nn_four)
COPY_ROW(wr_nn_eight)

void wr_nn_walk_copy(const wr_nn_walk *walk, int k, size_t size, void *out,
                     const void *in, size_t from, size_t to) {
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, walk, from);
    ptrdiff_t stride = walk->stride[k][walk->rank - 1];
    uint8_t *row = out;
    const uint8_t *from_bytes = in;
    while (from < to) {
        size_t count = wr_nn_cursor_row(&cursor, walk, to - from);
        const void *source = from_bytes + cursor.offset[k] * (ptrdiff_t)size;
        if (stride == 1)
            memcpy(row, source, count * size);
        else if (size == 4)
            copy_row_wr_nn_four((void *)row, source, stride, count);
        else if (size == 8)
            copy_row_wr_nn_eight((void *)row, source, stride, count);
        else
            copy_row_uint8_t(row, source, stride, count);
        row += count * size;
        from += count;
        wr_nn_cursor_advance(&cursor, walk, count);
    }
}

static int64_t integer_at(wr_nn_type type, const void *in, ptrdiff_t at) {
    if (type == WR_NN_I64)
        return ((const int64_t *)in)[at];
    if (type == WR_NN_I32)
        return ((const int32_t *)in)[at];
    return ((const uint8_t *)in)[at] != 0;
}

void wr_nn_walk_integers(const wr_nn_walk *walk, int k, wr_nn_type type,
                         const void *in, size_t from, size_t to, int64_t *out) {
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, walk, from);
    for (; from < to; from++) {
        *out++ = integer_at(type, in, cursor.offset[k]);
        wr_nn_cursor_advance(&cursor, walk, 1);
    }
}

void wr_nn_store_integers(void *out, wr_nn_type type, size_t at,
                          const int64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (type == WR_NN_I64)
            ((int64_t *)out)[at + i] = values[i];
        else if (type == WR_NN_I32)
            ((int32_t *)out)[at + i] = (int32_t)values[i];
        else
            ((uint8_t *)out)[at + i] = values[i] != 0;
    }
}
