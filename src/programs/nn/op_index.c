// SPDX-License-Identifier: MIT
//
// Operators that choose elements: Gather, GatherElements, GatherND, Where.
// An index out of range is refused if it is a constant; computed ones are
// brought into range, since run cannot fail.
#include <errno.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

static int64_t index_at(wr_nn_type type, const void *in, size_t at) {
    return type == WR_NN_I64 ? ((const int64_t *)in)[at]
                             : ((const int32_t *)in)[at];
}

static size_t in_range(int64_t index, size_t dim) {
    int64_t high = (int64_t)dim - 1;
    index = index < 0 ? index + (int64_t)dim : index;
    return (size_t)(index < 0 ? 0 : index > high ? high : index);
}

// Constant indices (input 1), each one of [-dim, dim). dims: one for each of
// the last dimension's, or (step 1) one for all.
static int check_indices(const wr_nn_graph *graph, const wr_nn_node *node,
                         const int64_t *dims, size_t step, wr_nn_why *why) {
    const wr_nn_value *value = wr_nn_op_input(graph, node, 1);
    size_t count = wr_nn_elements(&value->shape);
    for (size_t i = 0; i < count; i++)
        if (dims[i % step] == 0)
            return wr_nn_refuse(why, -EINVAL, node,
                                "there is nothing to choose from");
    for (size_t i = 0; value->data != NULL && i < count; i++) {
        int64_t index = index_at(value->shape.type, value->data, i);
        int64_t dim = dims[i % step];
        if (index < -dim || index >= dim)
            return wr_nn_refuse(why, -EINVAL, node,
                                "index %lld is out of range for %lld elements",
                                (long long)index, (long long)dim);
    }
    return 0;
}

static int begin(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 1, WR_NN_INTEGERS, why);
    return status;
}

static void copy_one(void *out, const void *in, size_t size, size_t to,
                     size_t from) {
    if (size == 4)
        ((wr_nn_four *)out)[to] = ((const wr_nn_four *)in)[from];
    else if (size == 8)
        ((wr_nn_eight *)out)[to] = ((const wr_nn_eight *)in)[from];
    else
        ((uint8_t *)out)[to] = ((const uint8_t *)in)[from];
}

// ---------------------------------------------------------------------------
// Gather

typedef struct gather {
    size_t outer, dim, count; // of the data before and at the axis; of indices
    size_t bytes;             // of one chosen slice
    wr_nn_type type;
} gather;

static int infer_gather(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *indices = wr_nn_op_in(graph, node, 1);
    int axis = 0;
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), data->rank,
                           &axis, why);
    if (status == 0)
        status = check_indices(graph, node, &data->dim[axis], 1, why);
    if (status < 0)
        return status;
    int rank = data->rank - 1 + indices->rank;
    if (rank > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %d is more than %d",
                            rank, WR_NN_RANK_MAX);
    gather *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (gather){.outer = 1, .bytes = wr_nn_type_size(data->type)};
    wr_nn_shape out = {.type = data->type};
    for (int i = 0; i < axis; i++) {
        out.dim[out.rank++] = data->dim[i];
        made->outer *= (size_t)data->dim[i];
    }
    for (int i = 0; i < indices->rank; i++)
        out.dim[out.rank++] = indices->dim[i];
    for (int i = axis + 1; i < data->rank; i++) {
        out.dim[out.rank++] = data->dim[i];
        made->bytes *= (size_t)data->dim[i];
    }
    made->dim = (size_t)data->dim[axis];
    made->count = wr_nn_elements(indices);
    made->type = indices->type;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_gather(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const gather *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->outer * self->count, 1, node->parts, part, &from, &to);
    for (size_t i = from; i < to; i++) {
        int64_t index = index_at(self->type, in[1], i % self->count);
        size_t row = i / self->count * self->dim + in_range(index, self->dim);
        memcpy((uint8_t *)out[0] + i * self->bytes,
               (const uint8_t *)in[0] + row * self->bytes, self->bytes);
    }
}

// ---------------------------------------------------------------------------
// GatherElements

typedef struct elements {
    wr_nn_walk walk; // over the indices, operand 0 the data without the axis
    size_t size, dim;
    ptrdiff_t stride;
    wr_nn_type type;
} elements;

static int infer_elements(wr_nn_graph *graph, wr_nn_node *node,
                          wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *indices = wr_nn_op_in(graph, node, 1);
    int axis = 0;
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), data->rank,
                           &axis, why);
    if (status < 0)
        return status;
    bool fits = data->rank == indices->rank;
    for (int i = 0; fits && i < data->rank; i++)
        fits = i == axis || indices->dim[i] <= data->dim[i];
    if (!fits) {
        char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(why, -EINVAL, node, "indices %s do not fit data %s",
                            wr_nn_shape_text(a, indices),
                            wr_nn_shape_text(b, data));
    }
    status = check_indices(graph, node, &data->dim[axis], 1, why);
    if (status < 0)
        return status;
    elements *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    ptrdiff_t stride[WR_NN_RANK_MAX], stays = 0;
    wr_nn_op_strides(data, stride);
    wr_nn_walk_begin(&made->walk, 1);
    for (int i = 0; i < data->rank; i++)
        wr_nn_walk_add(&made->walk, (size_t)indices->dim[i],
                       i == axis ? &stays : &stride[i]);
    wr_nn_walk_finish(&made->walk);
    made->size = wr_nn_type_size(data->type);
    made->dim = (size_t)data->dim[axis];
    made->stride = stride[axis];
    made->type = indices->type;
    wr_nn_shape out = *indices;
    out.type = data->type;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_elements(const wr_nn_graph *graph, const wr_nn_node *node,
                         const void *const *in, void *const *out, void *scratch,
                         unsigned part) {
    (void)graph, (void)scratch;
    const elements *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->walk.total, WR_NN_GRAIN, node->parts, part, &from, &to);
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, &self->walk, from);
    for (; from < to; from++) {
        size_t index = in_range(index_at(self->type, in[1], from), self->dim);
        ptrdiff_t at = cursor.offset[0] + (ptrdiff_t)index * self->stride;
        copy_one(out[0], in[0], self->size, from, (size_t)at);
        wr_nn_cursor_advance(&cursor, &self->walk, 1);
    }
}

// ---------------------------------------------------------------------------
// GatherND

typedef struct nd {
    size_t batch, each; // batches; index tuples of each
    size_t depth;       // of a tuple
    int64_t dim[WR_NN_RANK_MAX];
    size_t data;  // slices of one batch of the data
    size_t bytes; // of a slice
    wr_nn_type type;
} nd;

static int check_nd(const wr_nn_node *node, const wr_nn_shape *data,
                    const wr_nn_shape *indices, int64_t batch, wr_nn_why *why) {
    bool fits = batch >= 0 && indices->rank > 0 && batch < indices->rank &&
                batch < data->rank;
    if (fits) {
        int64_t depth = indices->dim[indices->rank - 1];
        fits = depth >= 1 && depth <= data->rank - batch;
        for (int i = 0; fits && i < batch; i++)
            fits = data->dim[i] == indices->dim[i];
    }
    if (fits)
        return 0;
    char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
    return wr_nn_refuse(why, -EINVAL, node,
                        "indices %s with batch_dims %lld do not fit data %s",
                        wr_nn_shape_text(a, indices), (long long)batch,
                        wr_nn_shape_text(b, data));
}

static int infer_nd(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *indices = wr_nn_op_in(graph, node, 1);
    int64_t batch = wr_nn_attr_int(node, "batch_dims", 0);
    status = check_nd(node, data, indices, batch, why);
    if (status < 0)
        return status;
    int b = (int)batch, depth = (int)indices->dim[indices->rank - 1];
    status = check_indices(graph, node, &data->dim[b], (size_t)depth, why);
    if (status < 0)
        return status;
    int rank = indices->rank - 1 + data->rank - b - depth;
    if (rank > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %d is more than %d",
                            rank, WR_NN_RANK_MAX);
    nd *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (nd){.batch = 1,
                 .each = 1,
                 .data = 1,
                 .depth = (size_t)depth,
                 .bytes = wr_nn_type_size(data->type),
                 .type = indices->type};
    wr_nn_shape out = {.type = data->type};
    for (int i = 0; i < indices->rank - 1; i++) {
        out.dim[out.rank++] = indices->dim[i];
        *(i < b ? &made->batch : &made->each) *= (size_t)indices->dim[i];
    }
    for (int i = 0; i < depth; i++) {
        made->dim[i] = data->dim[b + i];
        made->data *= (size_t)data->dim[b + i];
    }
    for (int i = b + depth; i < data->rank; i++) {
        out.dim[out.rank++] = data->dim[i];
        made->bytes *= (size_t)data->dim[i];
    }
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_nd(const wr_nn_graph *graph, const wr_nn_node *node,
                   const void *const *in, void *const *out, void *scratch,
                   unsigned part) {
    (void)graph, (void)scratch;
    const nd *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->batch * self->each, 1, node->parts, part, &from, &to);
    for (; from < to; from++) {
        size_t slice = 0;
        for (size_t k = 0; k < self->depth; k++) {
            int64_t index = index_at(self->type, in[1], from * self->depth + k);
            size_t dim = (size_t)self->dim[k];
            slice = slice * dim + in_range(index, dim);
        }
        slice += from / self->each * self->data;
        memcpy((uint8_t *)out[0] + from * self->bytes,
               (const uint8_t *)in[0] + slice * self->bytes, self->bytes);
    }
}

// ---------------------------------------------------------------------------
// Where

typedef struct choice {
    wr_nn_walk walk; // condition, then, else
    size_t size;
} choice;

static int infer_where(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_BOOLS, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 1, WR_NN_ALL, why);
    if (status == 0)
        status = wr_nn_op_alike(graph, node, 1, 2, why);
    const wr_nn_shape *in[3];
    wr_nn_shape both, out;
    for (int i = 0; i < 3 && status == 0; i++)
        in[i] = wr_nn_op_in(graph, node, i);
    if (status == 0)
        status = wr_nn_broadcast(&both, in[0], in[1], node, why);
    if (status == 0)
        status = wr_nn_broadcast(&out, &both, in[2], node, why);
    if (status < 0)
        return status;
    out.type = in[1]->type;
    choice *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    made->size = wr_nn_type_size(out.type);
    status = wr_nn_op_set(graph, node, 0, &out, why);
    if (status == 0)
        wr_nn_walk_broadcast(&made->walk, &out, in, 3);
    return status;
}

enum { BLOCK = 512 };

#define CHOOSE(type)                                                           \
    static void choose_##type(type *restrict out, const uint8_t *condition,    \
                              const type *a, const type *b, size_t count) {    \
        for (size_t i = 0; i < count; i++)                                     \
            out[i] = condition[i] != 0 ? a[i] : b[i];                          \
    }
CHOOSE(uint8_t)
CHOOSE(wr_nn_four)
CHOOSE(wr_nn_eight)

static void run_where(const wr_nn_graph *graph, const wr_nn_node *node,
                      const void *const *in, void *const *out, void *scratch,
                      unsigned part) {
    (void)graph, (void)scratch;
    const choice *self = node->params;
    size_t size = self->size, from, to;
    wr_nn_op_part(self->walk.total, WR_NN_GRAIN, node->parts, part, &from, &to);
    uint8_t condition[BLOCK];
    wr_nn_eight a[BLOCK], b[BLOCK];
    while (from < to) {
        size_t count = to - from < BLOCK ? to - from : BLOCK;
        wr_nn_walk_copy(&self->walk, 0, 1, condition, in[0], from,
                        from + count);
        wr_nn_walk_copy(&self->walk, 1, size, a, in[1], from, from + count);
        wr_nn_walk_copy(&self->walk, 2, size, b, in[2], from, from + count);
        void *here = (uint8_t *)out[0] + from * size;
        if (size == 4)
            choose_wr_nn_four(here, condition, (void *)a, (void *)b, count);
        else if (size == 8)
            choose_wr_nn_eight(here, condition, a, b, count);
        else
            choose_uint8_t(here, condition, (void *)a, (void *)b, count);
        from += count;
    }
}

// ---------------------------------------------------------------------------

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 1.0 * (double)wr_nn_elements(wr_nn_op_out(graph, node, 0));
}

#define OP(name, inputs, since, infer, run)                                    \
    {                                                                          \
        name, inputs, inputs, 1, 1, since, 0, infer, NULL, NULL, cost,         \
            wr_nn_op_parts_elements, NULL, run                                 \
    }

const wr_nn_op wr_nn_ops_index[] = {
    OP("Gather", 2, 1, infer_gather, run_gather),
    OP("GatherElements", 2, 11, infer_elements, run_elements),
    OP("GatherND", 2, 11, infer_nd, run_nd),
    OP("Where", 3, 9, infer_where, run_where),
    {.name = NULL},
};
