// SPDX-License-Identifier: MIT
//
// Checking what operators get, and cutting their work into parts.
#include "programs/nn/op_kit.h"

#include <errno.h>
#include <string.h>

// ---------------------------------------------------------------------------
// Inputs and attributes

// Attributes have the same kind in all operators that have them, but "value"
// and its like in Constant, which the reader resolves.
static const struct kind {
    const char *name;
    wr_nn_attr_kind kind;
} kinds[] = {
    {"allowzero", WR_NN_INT},
    {"alpha", WR_NN_FLOAT},
    {"approximate", WR_NN_STRING},
    {"auto_pad", WR_NN_STRING},
    {"axes", WR_NN_INTS},
    {"axis", WR_NN_INT},
    {"batch_dims", WR_NN_INT},
    {"beta", WR_NN_FLOAT},
    {"bias", WR_NN_FLOAT},
    {"blocksize", WR_NN_INT},
    {"broadcast", WR_NN_INT},
    {"ceil_mode", WR_NN_INT},
    {"coordinate_transformation_mode", WR_NN_STRING},
    {"count_include_pad", WR_NN_INT},
    {"cubic_coeff_a", WR_NN_FLOAT},
    {"detect_negative", WR_NN_INT},
    {"detect_positive", WR_NN_INT},
    {"dilations", WR_NN_INTS},
    {"direction", WR_NN_STRING},
    {"end", WR_NN_INT},
    {"ends", WR_NN_INTS},
    {"epsilon", WR_NN_FLOAT},
    {"exclude_outside", WR_NN_INT},
    {"exclusive", WR_NN_INT},
    {"extrapolation_value", WR_NN_FLOAT},
    {"fmod", WR_NN_INT},
    {"gamma", WR_NN_FLOAT},
    {"keepdims", WR_NN_INT},
    {"kernel_shape", WR_NN_INTS},
    {"lambd", WR_NN_FLOAT},
    {"max", WR_NN_FLOAT},
    {"min", WR_NN_FLOAT},
    {"mode", WR_NN_STRING},
    {"nearest_mode", WR_NN_STRING},
    {"noop_with_empty_axes", WR_NN_INT},
    {"num_outputs", WR_NN_INT},
    {"p", WR_NN_INT},
    {"pads", WR_NN_INTS},
    {"perm", WR_NN_INTS},
    {"reduction", WR_NN_STRING},
    {"reverse", WR_NN_INT},
    {"select_last_index", WR_NN_INT},
    {"shape", WR_NN_INTS},
    {"split", WR_NN_INTS},
    {"start", WR_NN_INT},
    {"starts", WR_NN_INTS},
    {"stash_type", WR_NN_INT},
    {"storage_order", WR_NN_INT},
    {"strides", WR_NN_INTS},
    {"to", WR_NN_INT},
    {"training_mode", WR_NN_INT},
    {"upper", WR_NN_INT},
    {"weir_nhwc", WR_NN_INT},
};

static const char *kind_name(wr_nn_attr_kind kind) {
    switch (kind) {
    case WR_NN_INT: return "an integer";
    case WR_NN_FLOAT: return "a float";
    case WR_NN_STRING: return "a string";
    case WR_NN_INTS: return "a list of integers";
    case WR_NN_FLOATS: return "a list of floats";
    case WR_NN_TENSOR: return "a tensor";
    }
    return "?";
}

static int check_kind(const wr_nn_node *node, const wr_nn_attr *attr,
                      wr_nn_why *why) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, attr->name) == 0 &&
            kinds[i].kind != attr->kind)
            return wr_nn_refuse(
                why, -EINVAL, node, "attribute '%s' is %s, not %s", attr->name,
                kind_name(attr->kind), kind_name(kinds[i].kind));
    return 0;
}

int wr_nn_op_begin(const wr_nn_graph *graph, const wr_nn_node *node,
                   wr_nn_why *why) {
    if (node->inputs < node->op->inputs_min ||
        node->inputs > node->op->inputs_max)
        return wr_nn_refuse(why, -EINVAL, node, "has %d inputs", node->inputs);
    if (node->outputs < node->op->outputs_min ||
        node->outputs > node->op->outputs_max)
        return wr_nn_refuse(why, -EINVAL, node, "has %d outputs",
                            node->outputs);
    for (int i = 0; i < node->op->inputs_min; i++)
        if (node->input[i] < 0)
            return wr_nn_refuse(why, -EINVAL, node, "input %d is missing", i);
    for (int i = 0; i < node->inputs; i++)
        if (node->input[i] >= 0 &&
            !wr_nn_known(&graph->value[node->input[i]].shape))
            return wr_nn_refuse(why, -ENOTSUP, node,
                                "the shape of input %d is not known", i);
    for (size_t i = 0; i < node->attrs; i++) {
        int status = check_kind(node, &node->attr[i], why);
        if (status < 0)
            return status;
    }
    return 0;
}

const wr_nn_value *wr_nn_op_input(const wr_nn_graph *graph,
                                  const wr_nn_node *node, int i) {
    if (i >= node->inputs || node->input[i] < 0)
        return NULL;
    return &graph->value[node->input[i]];
}

const wr_nn_shape *wr_nn_op_in(const wr_nn_graph *graph, const wr_nn_node *node,
                               int i) {
    return &graph->value[node->input[i]].shape;
}

const wr_nn_shape *wr_nn_op_out(const wr_nn_graph *graph,
                                const wr_nn_node *node, int i) {
    return &graph->value[node->output[i]].shape;
}

int wr_nn_op_type(const wr_nn_graph *graph, const wr_nn_node *node, int i,
                  int types, wr_nn_why *why) {
    wr_nn_type type = wr_nn_op_in(graph, node, i)->type;
    if ((types & 1 << type) != 0)
        return 0;
    return wr_nn_refuse(why, -ENOTSUP, node, "input %d is %s: not supported", i,
                        wr_nn_type_name(type));
}

int wr_nn_op_alike(const wr_nn_graph *graph, const wr_nn_node *node, int a,
                   int b, wr_nn_why *why) {
    wr_nn_type first = wr_nn_op_in(graph, node, a)->type;
    wr_nn_type second = wr_nn_op_in(graph, node, b)->type;
    if (first == second)
        return 0;
    return wr_nn_refuse(why, -EINVAL, node, "input %d is %s, but input %d %s",
                        a, wr_nn_type_name(first), b, wr_nn_type_name(second));
}

int wr_nn_op_axis(const wr_nn_node *node, int64_t axis, int rank, int *out,
                  wr_nn_why *why) {
    if (axis < -rank || axis >= rank)
        return wr_nn_refuse(why, -EINVAL, node,
                            "axis %lld is out of range for rank %d",
                            (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return 0;
}

int wr_nn_op_set(wr_nn_graph *graph, const wr_nn_node *node, int i,
                 const wr_nn_shape *shape, wr_nn_why *why) {
    if (i >= node->outputs || node->output[i] < 0)
        return 0;
    if (wr_nn_bytes(shape) == SIZE_MAX) {
        char text[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(why, -E2BIG, node, "the result %s is too large",
                            wr_nn_shape_text(text, shape));
    }
    graph->value[node->output[i]].shape = *shape;
    return 0;
}

void *wr_nn_op_params(wr_nn_graph *graph, wr_nn_node *node, size_t bytes,
                      wr_nn_why *why) {
    void *params = wr_nn_allocate(graph, bytes);
    if (params == NULL)
        wr_nn_refuse(why, -ENOMEM, node, "out of memory");
    node->params = params;
    return params;
}

int wr_nn_op_list(wr_nn_graph *graph, const wr_nn_node *node, int i,
                  const int64_t **out, size_t *count, wr_nn_why *why) {
    const wr_nn_value *value = wr_nn_op_input(graph, node, i);
    if ((WR_NN_INTEGERS & 1 << value->shape.type) == 0)
        return wr_nn_refuse(why, -EINVAL, node, "input %d is %s, not integers",
                            i, wr_nn_type_name(value->shape.type));
    if (value->shape.rank > 1)
        return wr_nn_refuse(why, -EINVAL, node, "input %d has rank %d, not 1",
                            i, value->shape.rank);
    *count = wr_nn_elements(&value->shape);
    if (*count != 0 && value->data == NULL)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "input %d, which decides the shape, is computed "
                            "from data",
                            i);
    int64_t *list = wr_nn_allocate(graph, (*count + 1) * sizeof *list);
    if (list == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "out of memory");
    for (size_t k = 0; k < *count; k++)
        list[k] = value->shape.type == WR_NN_I32
                      ? ((const int32_t *)value->data)[k]
                      : ((const int64_t *)value->data)[k];
    *out = list;
    return 0;
}

int wr_nn_op_list_or_attr(wr_nn_graph *graph, const wr_nn_node *node, int i,
                          const char *name, int since, const int64_t **out,
                          size_t *count, wr_nn_why *why) {
    bool given = wr_nn_op_input(graph, node, i) != NULL;
    if (graph->opset >= since) {
        *out = NULL;
        *count = 0;
        if (wr_nn_attr_find(node, name) != NULL)
            return wr_nn_refuse(why, -EINVAL, node,
                                "'%s' is an input from opset %d on, not an "
                                "attribute",
                                name, since);
        return given ? wr_nn_op_list(graph, node, i, out, count, why) : 0;
    }
    if (given)
        return wr_nn_refuse(why, -EINVAL, node,
                            "'%s' is an attribute before opset %d, not an "
                            "input",
                            name, since);
    *out = wr_nn_attr_ints(node, name, count);
    return 0;
}

int wr_nn_op_axes(const wr_nn_node *node, const int64_t *axes, size_t count,
                  int rank, unsigned *out, wr_nn_why *why) {
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        int status = wr_nn_op_axis(node, axes[i], rank, &axis, why);
        if (status < 0)
            return status;
        if ((*out & 1u << axis) != 0)
            return wr_nn_refuse(why, -EINVAL, node, "axis %d is there twice",
                                axis);
        *out |= 1u << axis;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Parts

void wr_nn_op_part(size_t total, size_t grain, unsigned parts, unsigned part,
                   size_t *from, size_t *to) {
    size_t grains = total / grain + (total % grain != 0);
    size_t each = grains / parts, more = grains % parts;
    size_t first = part * each + (part < more ? part : more);
    size_t last = first + each + (part < more);
    *from = first * grain < total ? first * grain : total;
    *to = last * grain < total ? last * grain : total;
}

unsigned wr_nn_op_parts(size_t total, size_t least) {
    size_t parts = total / least;
    return parts < 1 ? 1 : parts > 1024 ? 1024 : (unsigned)parts;
}

unsigned wr_nn_op_parts_elements(const wr_nn_graph *graph,
                                 const wr_nn_node *node) {
    return wr_nn_op_parts(wr_nn_elements(wr_nn_op_out(graph, node, 0)),
                          WR_NN_PART_LEAST);
}
