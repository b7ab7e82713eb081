// SPDX-License-Identifier: MIT
//
// ScatterElements (Scatter) and ScatterND: a copy of the data with some
// elements replaced. In one part: where two updates meet, the last one counts.
#include <errno.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

typedef enum joining { REPLACE, ADD, MULTIPLY, MOST, LEAST } joining;

typedef struct scatter {
    joining joining;
    wr_nn_type type, index_type;
    size_t bytes; // of the data
    // ScatterElements
    wr_nn_walk walk; // over the updates, operand 0 the data without the axis
    size_t dim;
    ptrdiff_t stride;
    // ScatterND
    size_t tuples, depth, slice; // slice: elements
    int64_t dims[WR_NN_RANK_MAX];
} scatter;

static int read_joining(const wr_nn_node *node, joining *out, wr_nn_why *why) {
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *text = wr_nn_attr_string(node, "reduction", "none");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (joining)i;
            return 0;
        }
    return wr_nn_refuse(why, -EINVAL, node, "reduction is '%.32s'", text);
}

static scatter *begin(wr_nn_graph *graph, wr_nn_node *node, int *status,
                      wr_nn_why *why) {
    *status = wr_nn_op_begin(graph, node, why);
    if (*status == 0)
        *status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    if (*status == 0)
        *status = wr_nn_op_type(graph, node, 1, WR_NN_INTEGERS, why);
    if (*status == 0)
        *status = wr_nn_op_alike(graph, node, 0, 2, why);
    if (*status < 0)
        return NULL;
    scatter *made = wr_nn_op_params(graph, node, sizeof *made, why);
    *status = made == NULL ? -ENOMEM : read_joining(node, &made->joining, why);
    if (*status < 0)
        return NULL;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    made->type = data->type;
    made->index_type = wr_nn_op_in(graph, node, 1)->type;
    made->bytes = wr_nn_bytes(data);
    if (made->joining != REPLACE && data->type == WR_NN_BOOL) {
        *status = wr_nn_refuse(why, -ENOTSUP, node,
                               "a reduction of bools: not supported");
        return NULL;
    }
    *status = wr_nn_op_set(graph, node, 0, data, why);
    return *status < 0 ? NULL : made;
}

static int misfit(const wr_nn_graph *graph, const wr_nn_node *node,
                  wr_nn_why *why) {
    char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT], c[WR_NN_SHAPE_TEXT];
    wr_nn_shape_text(a, wr_nn_op_in(graph, node, 0));
    wr_nn_shape_text(b, wr_nn_op_in(graph, node, 1));
    wr_nn_shape_text(c, wr_nn_op_in(graph, node, 2));
    return wr_nn_refuse(why, -EINVAL, node,
                        "data %.60s, indices %.60s, updates %.60s do not go", a,
                        b, c);
}

static int64_t index_at(wr_nn_type type, const void *in, size_t at) {
    return type == WR_NN_I64 ? ((const int64_t *)in)[at]
                             : ((const int32_t *)in)[at];
}

// Computed indices are brought into range, since run cannot fail; constant
// ones were checked.
static size_t in_range(int64_t index, size_t dim) {
    int64_t high = (int64_t)dim - 1;
    index = index < 0 ? index + (int64_t)dim : index;
    return (size_t)(index < 0 ? 0 : index > high ? high : index);
}

static int check_indices(const wr_nn_graph *graph, const wr_nn_node *node,
                         const int64_t *dims, size_t step, wr_nn_why *why) {
    const wr_nn_value *value = wr_nn_op_input(graph, node, 1);
    size_t count = wr_nn_elements(&value->shape);
    for (size_t i = 0; i < count; i++) {
        int64_t dim = dims[i % step];
        int64_t index = value->data == NULL
                            ? 0
                            : index_at(value->shape.type, value->data, i);
        if (index < -dim || index >= dim)
            return wr_nn_refuse(why, -EINVAL, node,
                                "index %lld is out of range for %lld elements",
                                (long long)index, (long long)dim);
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Joining

static float join_floats(joining how, float old, float more) {
    switch (how) {
    case ADD: return old + more;
    case MULTIPLY: return old * more;
    case MOST: return old > more || old != old ? old : more;
    case LEAST: return old < more || old != old ? old : more;
    case REPLACE: break;
    }
    return more;
}

static int64_t join_integers(joining how, int64_t old, int64_t more) {
    switch (how) {
    case ADD: return (int64_t)((uint64_t)old + (uint64_t)more);
    case MULTIPLY: return (int64_t)((uint64_t)old * (uint64_t)more);
    case MOST: return old > more ? old : more;
    case LEAST: return old < more ? old : more;
    case REPLACE: break;
    }
    return more;
}

static void put(const scatter *self, void *out, size_t to, const void *from,
                size_t at) {
    if (self->type == WR_NN_F32) {
        float *x = (float *)out + to;
        *x = join_floats(self->joining, *x, ((const float *)from)[at]);
    } else if (self->type == WR_NN_BOOL) {
        ((uint8_t *)out)[to] = ((const uint8_t *)from)[at];
    } else {
        int64_t x = join_integers(self->joining, index_at(self->type, out, to),
                                  index_at(self->type, from, at));
        wr_nn_store_integers(out, self->type, to, &x, 1);
    }
}

// ---------------------------------------------------------------------------
// ScatterElements

static int infer_elements(wr_nn_graph *graph, wr_nn_node *node,
                          wr_nn_why *why) {
    int status, axis = 0;
    scatter *made = begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *indices = wr_nn_op_in(graph, node, 1);
    const wr_nn_shape *updates = wr_nn_op_in(graph, node, 2);
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), data->rank,
                           &axis, why);
    if (status < 0)
        return status;
    bool fits = data->rank == indices->rank && data->rank == updates->rank;
    for (int i = 0; fits && i < data->rank; i++)
        fits = indices->dim[i] == updates->dim[i] &&
               (i == axis || indices->dim[i] <= data->dim[i]);
    if (!fits)
        return misfit(graph, node, why);
    ptrdiff_t stride[WR_NN_RANK_MAX], stays = 0;
    wr_nn_op_strides(data, stride);
    wr_nn_walk_begin(&made->walk, 1);
    for (int i = 0; i < data->rank; i++)
        wr_nn_walk_add(&made->walk, (size_t)indices->dim[i],
                       i == axis ? &stays : &stride[i]);
    wr_nn_walk_finish(&made->walk);
    made->dim = (size_t)data->dim[axis];
    made->stride = stride[axis];
    return check_indices(graph, node, &data->dim[axis], 1, why);
}

static void run_elements(const wr_nn_graph *graph, const wr_nn_node *node,
                         const void *const *in, void *const *out, void *scratch,
                         unsigned part) {
    (void)graph, (void)scratch;
    const scatter *self = node->params;
    if (part != 0)
        return;
    memmove(out[0], in[0], self->bytes);
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, &self->walk, 0);
    for (size_t i = 0; i < self->walk.total; i++) {
        size_t index =
            in_range(index_at(self->index_type, in[1], i), self->dim);
        ptrdiff_t to = cursor.offset[0] + (ptrdiff_t)index * self->stride;
        put(self, out[0], (size_t)to, in[2], i);
        wr_nn_cursor_advance(&cursor, &self->walk, 1);
    }
}

// ---------------------------------------------------------------------------
// ScatterND

static int infer_nd(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status;
    scatter *made = begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    const wr_nn_shape *data = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *indices = wr_nn_op_in(graph, node, 1);
    const wr_nn_shape *updates = wr_nn_op_in(graph, node, 2);
    if (indices->rank < 1 || indices->dim[indices->rank - 1] < 1 ||
        indices->dim[indices->rank - 1] > data->rank)
        return misfit(graph, node, why);
    int outer = indices->rank - 1, depth = (int)indices->dim[outer];
    bool fits = updates->rank == outer + data->rank - depth;
    made->tuples = made->slice = 1;
    made->depth = (size_t)depth;
    for (int i = 0; fits && i < updates->rank; i++) {
        int64_t dim =
            i < outer ? indices->dim[i] : data->dim[i - outer + depth];
        fits = updates->dim[i] == dim;
        *(i < outer ? &made->tuples : &made->slice) *= (size_t)dim;
    }
    if (!fits)
        return misfit(graph, node, why);
    for (int i = 0; i < depth; i++)
        made->dims[i] = data->dim[i];
    return check_indices(graph, node, made->dims, made->depth, why);
}

static void run_nd(const wr_nn_graph *graph, const wr_nn_node *node,
                   const void *const *in, void *const *out, void *scratch,
                   unsigned part) {
    (void)graph, (void)scratch;
    const scatter *self = node->params;
    if (part != 0)
        return;
    memmove(out[0], in[0], self->bytes);
    for (size_t i = 0; i < self->tuples; i++) {
        size_t to = 0;
        for (size_t k = 0; k < self->depth; k++) {
            size_t dim = (size_t)self->dims[k];
            to = to * dim + in_range(index_at(self->index_type, in[1],
                                              i * self->depth + k),
                                     dim);
        }
        for (size_t j = 0; j < self->slice; j++)
            put(self, out[0], to * self->slice + j, in[2], i * self->slice + j);
    }
}

// ---------------------------------------------------------------------------

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 0.2 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0)) +
           5.0 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 2));
}

#define OP(name, since, infer, run)                                            \
    {                                                                          \
        name, 3, 3, 1, 1, since, WR_NN_INPLACE, infer, NULL, NULL, cost, NULL, \
            NULL, run                                                          \
    }

const wr_nn_op wr_nn_ops_scatter[] = {
    OP("Scatter", 9, infer_elements, run_elements),
    OP("ScatterElements", 11, infer_elements, run_elements),
    OP("ScatterND", 11, infer_nd, run_nd),
    {.name = NULL},
};
