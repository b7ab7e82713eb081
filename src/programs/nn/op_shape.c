// SPDX-License-Identifier: MIT
//
// Shapes as data, and types: Shape, Size, ConstantOfShape, Range, Cast.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// ---------------------------------------------------------------------------
// Shape and Size

typedef struct list {
    int count;
    int64_t value[WR_NN_RANK_MAX];
} list;

static int infer_shape(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status < 0)
        return status;
    list *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    // What is out of range is cut off, not refused.
    int64_t from = wr_nn_attr_int(node, "start", 0);
    int64_t to = wr_nn_attr_int(node, "end", in->rank);
    from = from < 0 ? from + in->rank : from;
    to = to < 0 ? to + in->rank : to;
    from = from < 0 ? 0 : from;
    to = to > in->rank ? in->rank : to;
    for (int64_t i = from; i < to; i++)
        made->value[made->count++] = in->dim[i];
    wr_nn_shape out = {.type = WR_NN_I64, .rank = 1, .dim = {made->count}};
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static int infer_size(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status < 0)
        return status;
    list *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    made->count = 1;
    made->value[0] = (int64_t)wr_nn_elements(wr_nn_op_in(graph, node, 0));
    wr_nn_shape out = {.type = WR_NN_I64, .rank = 0};
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_list(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)graph, (void)in, (void)scratch;
    const list *self = node->params;
    if (part == 0)
        memcpy(out[0], self->value, (size_t)self->count * sizeof(int64_t));
}

// ---------------------------------------------------------------------------
// ConstantOfShape and Range

static int infer_constant_of_shape(wr_nn_graph *graph, wr_nn_node *node,
                                   wr_nn_why *why) {
    const int64_t *dims;
    size_t count;
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list(graph, node, 0, &dims, &count, why);
    if (status < 0)
        return status;
    if (count > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %zu is more than %d",
                            count, WR_NN_RANK_MAX);
    wr_nn_shape out = {.type = WR_NN_F32, .rank = (int)count};
    for (size_t i = 0; i < count; i++) {
        out.dim[i] = dims[i];
        if (dims[i] < 0)
            return wr_nn_refuse(why, -EINVAL, node, "dimension %zu is %lld", i,
                                (long long)dims[i]);
    }
    uint64_t *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    const wr_nn_attr *attr = wr_nn_attr_find(node, "value");
    if (attr != NULL) {
        if (attr->kind != WR_NN_TENSOR || attr->tensor->data == NULL ||
            wr_nn_elements(&attr->tensor->shape) != 1)
            return wr_nn_refuse(why, -EINVAL, node,
                                "value is not a tensor of one element");
        out.type = attr->tensor->shape.type;
        if ((WR_NN_ALL & 1 << out.type) == 0)
            return wr_nn_refuse(why, -ENOTSUP, node, "%s: not supported",
                                wr_nn_type_name(out.type));
        memcpy(made, attr->tensor->data, wr_nn_type_size(out.type));
    }
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_fill(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)in, (void)scratch;
    const wr_nn_shape *shape = wr_nn_op_out(graph, node, 0);
    size_t size = wr_nn_type_size(shape->type), from, to;
    wr_nn_op_part(wr_nn_elements(shape), WR_NN_GRAIN, node->parts, part, &from,
                  &to);
    wr_nn_walk walk;
    ptrdiff_t stays = 0;
    wr_nn_walk_begin(&walk, 1);
    wr_nn_walk_add(&walk, to, &stays);
    wr_nn_walk_finish(&walk);
    if (from < to)
        wr_nn_walk_copy(&walk, 0, size, (uint8_t *)out[0] + from * size,
                        node->params, from, to);
}

typedef struct range {
    int64_t start, delta;
    double float_start, float_delta;
} range;

static int range_integers(const wr_nn_node *node, const wr_nn_value *const *v,
                          range *made, int64_t *count, wr_nn_why *why) {
    int64_t at[3];
    for (int i = 0; i < 3; i++)
        at[i] = v[i]->shape.type == WR_NN_I64 ? *(const int64_t *)v[i]->data
                                              : *(const int32_t *)v[i]->data;
    made->start = at[0];
    made->delta = at[2];
    int64_t span;
    if (at[2] == 0 || __builtin_sub_overflow(at[1], at[0], &span))
        return wr_nn_refuse(why, -EINVAL, node,
                            at[2] == 0 ? "the step is 0"
                                       : "the range is too large");
    bool forward = at[2] > 0;
    if (span == 0 || (span > 0) != forward)
        *count = 0;
    else if (at[2] == INT64_MIN || span == INT64_MIN)
        return wr_nn_refuse(why, -EINVAL, node, "the range is too large");
    else
        *count = (span - (forward ? 1 : -1)) / at[2] + 1;
    return 0;
}

static int range_floats(const wr_nn_node *node, const wr_nn_value *const *v,
                        range *made, int64_t *count, wr_nn_why *why) {
    double start = *(const float *)v[0]->data;
    double limit = *(const float *)v[1]->data;
    double delta = *(const float *)v[2]->data;
    double steps = ceil((limit - start) / delta);
    made->float_start = start;
    made->float_delta = delta;
    if (!(steps < 9e15))
        return wr_nn_refuse(why, -EINVAL, node,
                            "the range from %g to %g by %g has no end", start,
                            limit, delta);
    *count = steps > 0 ? (int64_t)steps : 0;
    return 0;
}

static int infer_range(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    const wr_nn_value *value[3];
    for (int i = 0; i < 3 && status == 0; i++) {
        value[i] = wr_nn_op_input(graph, node, i);
        status = wr_nn_op_type(graph, node, i, WR_NN_NUMBERS, why);
        if (status == 0)
            status = wr_nn_op_alike(graph, node, 0, i, why);
        if (status == 0 && wr_nn_elements(&value[i]->shape) != 1)
            status = wr_nn_refuse(why, -EINVAL, node,
                                  "input %d is not one element", i);
        if (status == 0 && value[i]->data == NULL)
            status = wr_nn_refuse(why, -ENOTSUP, node,
                                  "input %d, which decides the shape, is "
                                  "computed from data",
                                  i);
    }
    if (status < 0)
        return status;
    range *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    wr_nn_shape out = {.type = value[0]->shape.type, .rank = 1};
    status = out.type == WR_NN_F32
                 ? range_floats(node, value, made, &out.dim[0], why)
                 : range_integers(node, value, made, &out.dim[0], why);
    return status < 0 ? status : wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_range(const wr_nn_graph *graph, const wr_nn_node *node,
                      const void *const *in, void *const *out, void *scratch,
                      unsigned part) {
    (void)in, (void)scratch;
    const range *self = node->params;
    const wr_nn_shape *shape = wr_nn_op_out(graph, node, 0);
    if (part != 0)
        return;
    for (int64_t i = 0; i < shape->dim[0]; i++) {
        int64_t value = self->start + i * self->delta;
        if (shape->type == WR_NN_F32)
            ((float *)out[0])[i] =
                (float)(self->float_start + (double)i * self->float_delta);
        else
            wr_nn_store_integers(out[0], shape->type, (size_t)i, &value, 1);
    }
}

// ---------------------------------------------------------------------------
// Cast

static int infer_cast(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL | 1 << WR_NN_F64, why);
    if (status < 0)
        return status;
    int64_t to = wr_nn_attr_int(node, "to", 0);
    if (to != WR_NN_F32 && to != WR_NN_I32 && to != WR_NN_I64 &&
        to != WR_NN_BOOL)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "casts to ONNX's type %lld: not supported",
                            (long long)to);
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    out.type = (wr_nn_type)to;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// Towards 0; what does not fit becomes the nearest that does, NaN 0. (In C it
// would be undefined.)
static int64_t to_integer(double x, wr_nn_type type) {
    double low = type == WR_NN_I32 ? (double)INT32_MIN : (double)INT64_MIN;
    double high = type == WR_NN_I32 ? (double)INT32_MAX : (double)INT64_MAX;
    if (x != x)
        return 0;
    if (x <= low)
        return type == WR_NN_I32 ? INT32_MIN : INT64_MIN;
    if (x >= high)
        return type == WR_NN_I32 ? INT32_MAX : INT64_MAX;
    return (int64_t)x;
}

static void cast_floats(void *out, wr_nn_type to, const void *in,
                        wr_nn_type from, size_t i) {
    double x = from == WR_NN_F32 ? (double)((const float *)in)[i]
                                 : ((const double *)in)[i];
    if (to == WR_NN_F32) {
        ((float *)out)[i] = (float)x;
        return;
    }
    int64_t value = to == WR_NN_BOOL ? x != 0 : to_integer(x, to);
    wr_nn_store_integers(out, to, i, &value, 1);
}

static void cast_integers(void *out, wr_nn_type to, const void *in,
                          wr_nn_type from, size_t i) {
    int64_t x = from == WR_NN_I64   ? ((const int64_t *)in)[i]
                : from == WR_NN_I32 ? ((const int32_t *)in)[i]
                                    : ((const uint8_t *)in)[i] != 0;
    if (to == WR_NN_F32)
        ((float *)out)[i] = (float)x;
    else
        wr_nn_store_integers(out, to, i, &x, 1);
}

static void run_cast(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)scratch;
    const wr_nn_shape *shape = wr_nn_op_in(graph, node, 0);
    wr_nn_type to_type = wr_nn_op_out(graph, node, 0)->type;
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(shape), WR_NN_GRAIN, node->parts, part, &from,
                  &to);
    if (shape->type == to_type) {
        size_t size = wr_nn_type_size(to_type);
        if (from < to)
            memmove((uint8_t *)out[0] + from * size,
                    (const uint8_t *)in[0] + from * size, (to - from) * size);
        return;
    }
    bool floats = shape->type == WR_NN_F32 || shape->type == WR_NN_F64;
    for (size_t i = from; i < to; i++) {
        if (floats)
            cast_floats(out[0], to_type, in[0], shape->type, i);
        else
            cast_integers(out[0], to_type, in[0], shape->type, i);
    }
}

// ---------------------------------------------------------------------------

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 2.0 * (double)wr_nn_elements(wr_nn_op_out(graph, node, 0));
}

#define OP(name, inputs, since, infer, parts, run)                             \
    {                                                                          \
        name, inputs, inputs, 1, 1, since, 0, infer, NULL, NULL, cost, parts,  \
            NULL, run                                                          \
    }

const wr_nn_op wr_nn_ops_shape[] = {
    OP("Shape", 1, 1, infer_shape, NULL, run_list),
    OP("Size", 1, 1, infer_size, NULL, run_list),
    OP("ConstantOfShape", 1, 9, infer_constant_of_shape,
       wr_nn_op_parts_elements, run_fill),
    OP("Range", 3, 11, infer_range, NULL, run_range),
    OP("Cast", 1, 6, infer_cast, wr_nn_op_parts_elements, run_cast),
    {.name = NULL},
};
