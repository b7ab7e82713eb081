// SPDX-License-Identifier: MIT
//
// Operators that give the same bytes another shape. The compiler usually
// leaves them out; run copies.
#include <errno.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// Reshape's target: 0 keeps a dimension (unless allowzero), -1 is what is left.
static int resolve(const wr_nn_node *node, const wr_nn_shape *from,
                   const int64_t *list, size_t count, bool allow_zero,
                   wr_nn_shape *to, wr_nn_why *why) {
    if (count > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %zu is more than %d",
                            count, WR_NN_RANK_MAX);
    *to = (wr_nn_shape){.type = from->type, .rank = (int)count};
    int open = -1;
    for (int i = 0; i < to->rank; i++) {
        int64_t dim = list[i];
        if (dim == -1 && open < 0) {
            open = i;
            dim = 1;
        } else if (dim == 0 && !allow_zero) {
            if (i >= from->rank)
                return wr_nn_refuse(why, -EINVAL, node,
                                    "0 keeps dimension %d, which the input "
                                    "does not have",
                                    i);
            dim = from->dim[i];
        } else if (dim < 0) {
            return wr_nn_refuse(why, -EINVAL, node,
                                "dimension %d of the new shape is %lld", i,
                                (long long)dim);
        }
        to->dim[i] = dim;
    }
    size_t have = wr_nn_elements(from), want = wr_nn_elements(to);
    if (open >= 0 && want != 0 && have % want == 0) {
        to->dim[open] = (int64_t)(have / want);
        want = have;
    }
    if (have != want) {
        char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(why, -EINVAL, node, "%s does not become %s",
                            wr_nn_shape_text(a, from), wr_nn_shape_text(b, to));
    }
    return 0;
}

static int begin(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL | 1 << WR_NN_F64, why);
    return status;
}

static int infer_reshape(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const int64_t *list;
    size_t count;
    int status = begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list_or_attr(graph, node, 1, "shape", 5, &list,
                                       &count, why);
    if (status < 0)
        return status;
    if (list == NULL)
        return wr_nn_refuse(why, -EINVAL, node, "the new shape is missing");
    bool allow_zero =
        graph->opset >= 14 && wr_nn_attr_int(node, "allowzero", 0) != 0;
    wr_nn_shape out;
    status = resolve(node, wr_nn_op_in(graph, node, 0), list, count, allow_zero,
                     &out, why);
    return status < 0 ? status : wr_nn_op_set(graph, node, 0, &out, why);
}

static int infer_flatten(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    int64_t axis = wr_nn_attr_int(node, "axis", 1);
    // Here the rank itself is an axis too.
    if (axis < -in->rank || axis > in->rank)
        return wr_nn_refuse(why, -EINVAL, node,
                            "axis %lld is out of range for rank %d",
                            (long long)axis, in->rank);
    axis += axis < 0 ? in->rank : 0;
    wr_nn_shape out = {.type = in->type, .rank = 2, .dim = {1, 1}};
    for (int i = 0; i < in->rank; i++)
        if (__builtin_mul_overflow(out.dim[i >= axis], in->dim[i],
                                   &out.dim[i >= axis]))
            return wr_nn_refuse(why, -E2BIG, node, "the result is too large");
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static int infer_squeeze(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const int64_t *axes;
    size_t count;
    int status = begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list_or_attr(graph, node, 1, "axes", 13, &axes,
                                       &count, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    unsigned set = 0;
    for (int i = 0; axes == NULL && i < in->rank; i++)
        set |= in->dim[i] == 1 ? 1u << i : 0;
    if (axes != NULL)
        status = wr_nn_op_axes(node, axes, count, in->rank, &set, why);
    if (status < 0)
        return status;
    wr_nn_shape out = {.type = in->type};
    for (int i = 0; i < in->rank; i++) {
        if ((set & 1u << i) == 0)
            out.dim[out.rank++] = in->dim[i];
        else if (in->dim[i] != 1)
            return wr_nn_refuse(why, -EINVAL, node,
                                "dimension %d is %lld, not 1", i,
                                (long long)in->dim[i]);
    }
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static int infer_unsqueeze(wr_nn_graph *graph, wr_nn_node *node,
                           wr_nn_why *why) {
    const int64_t *axes;
    size_t count;
    int status = begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list_or_attr(graph, node, 1, "axes", 13, &axes,
                                       &count, why);
    if (status < 0)
        return status;
    if (axes == NULL)
        return wr_nn_refuse(why, -EINVAL, node, "the axes are missing");
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    if (count > (size_t)(WR_NN_RANK_MAX - in->rank))
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %zu is more than %d",
                            count + (size_t)in->rank, WR_NN_RANK_MAX);
    wr_nn_shape out = {.type = in->type, .rank = in->rank + (int)count};
    unsigned set = 0;
    status = wr_nn_op_axes(node, axes, count, out.rank, &set, why);
    if (status < 0)
        return status;
    for (int i = 0, j = 0; i < out.rank; i++)
        out.dim[i] = (set & 1u << i) != 0 ? 1 : in->dim[j++];
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static int infer_identity(wr_nn_graph *graph, wr_nn_node *node,
                          wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    return wr_nn_op_set(graph, node, 0, wr_nn_op_in(graph, node, 0), why);
}

// Inference only: the data goes through, the mask is all true.
static int infer_dropout(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = infer_identity(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_value *training = wr_nn_op_input(graph, node, 2);
    if (training != NULL &&
        (training->data == NULL || training->shape.type != WR_NN_BOOL ||
         wr_nn_elements(&training->shape) != 1 ||
         *(const uint8_t *)training->data != 0))
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "training_mode must be a constant false");
    wr_nn_shape mask = *wr_nn_op_in(graph, node, 0);
    mask.type = graph->opset < 10 ? mask.type : WR_NN_BOOL;
    return wr_nn_op_set(graph, node, 1, &mask, why);
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    const wr_nn_shape *shape = wr_nn_op_in(graph, node, 0);
    size_t from, to;
    wr_nn_op_part(wr_nn_bytes(shape), WR_NN_ALIGN, node->parts, part, &from,
                  &to);
    if (out[0] != NULL && out[0] != in[0] && from < to)
        memmove((uint8_t *)out[0] + from, (const uint8_t *)in[0] + from,
                to - from);
}

static void run_dropout(const wr_nn_graph *graph, const wr_nn_node *node,
                        const void *const *in, void *const *out, void *scratch,
                        unsigned part) {
    run(graph, node, in, out, scratch, part);
    if (node->outputs < 2 || out[1] == NULL)
        return;
    const wr_nn_shape *mask = wr_nn_op_out(graph, node, 1);
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(mask), WR_NN_GRAIN, node->parts, part, &from,
                  &to);
    for (size_t i = from; i < to; i++) {
        if (mask->type == WR_NN_BOOL)
            ((uint8_t *)out[1])[i] = 1;
        else
            ((float *)out[1])[i] = 1.0f;
    }
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 0.1 * (double)wr_nn_bytes(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_max(const wr_nn_graph *graph, const wr_nn_node *node) {
    return wr_nn_op_parts(wr_nn_bytes(wr_nn_op_in(graph, node, 0)), 1 << 16);
}

#define OP(name, least, most, outputs, since, infer, run)                      \
    {                                                                          \
        name, least, most, 1, outputs, since, WR_NN_VIEW | WR_NN_INPLACE,      \
            infer, NULL, NULL, cost, parts_max, NULL, run                      \
    }

const wr_nn_op wr_nn_ops_view[] = {
    OP("Reshape", 1, 2, 1, 1, infer_reshape, run),
    OP("Flatten", 1, 1, 1, 1, infer_flatten, run),
    OP("Squeeze", 1, 2, 1, 1, infer_squeeze, run),
    OP("Unsqueeze", 1, 2, 1, 1, infer_unsqueeze, run),
    OP("Identity", 1, 1, 1, 1, infer_identity, run),
    OP("Dropout", 1, 3, 2, 7, infer_dropout, run_dropout),
    {.name = NULL},
};
