// SPDX-License-Identifier: MIT
//
// Nodes whose result is their first input, bit for bit, go.
#include "programs/nn/pass.h"

static bool is_one_of(const wr_nn_node *node, const char *const *names) {
    for (; *names != NULL; names++)
        if (wr_nn_is(node, *names))
            return true;
    return false;
}

// All elements of an int64 constant are `expected`; true as well if it is
// absent.
static bool all_are(const wr_nn_compiler *c, const wr_nn_node *node, int slot,
                    int64_t expected) {
    int value = wr_nn_input_of(node, slot);
    if (value < 0)
        return true;
    size_t count = 0;
    const int64_t *data = wr_nn_int64s(c, value, &count);
    for (size_t i = 0; data != NULL && i < count; i++)
        if (data[i] != expected)
            return false;
    return data != NULL;
}

static bool pads_nothing(const wr_nn_compiler *c, const wr_nn_node *node) {
    size_t count = 0;
    const int64_t *pads = wr_nn_attr_ints(node, "pads", &count);
    for (size_t i = 0; i < count; i++)
        if (pads[i] != 0)
            return false;
    return pads != NULL || (node->inputs > 1 && all_are(c, node, 1, 0));
}

static bool keeps_order(const wr_nn_compiler *c, const wr_nn_node *node) {
    const wr_nn_shape *shape = &wr_nn_value_at(c, node->input[0])->shape;
    size_t count = 0;
    const int64_t *perm = wr_nn_attr_ints(node, "perm", &count);
    if (perm == NULL || count != (size_t)shape->rank)
        return shape->rank < 2;
    for (size_t i = 0; i < count; i++)
        if (perm[i] != (int64_t)i)
            return false;
    return true;
}

// x * 1, x / 1, x - 0, x ** 1: which input is the x? -1: no such thing.
static int neutral(const wr_nn_compiler *c, const wr_nn_node *node) {
    float number;
    if (node->inputs != 2 || node->input[0] < 0 || node->input[1] < 0)
        return -1;
    bool multiplies = wr_nn_is(node, "Mul");
    if (multiplies && wr_nn_scalar(c, node->input[0], &number) && number == 1)
        return 1;
    if (!wr_nn_scalar(c, node->input[1], &number))
        return -1;
    if (number == 1)
        return multiplies || wr_nn_is(node, "Div") || wr_nn_is(node, "Pow")
                   ? 0
                   : -1;
    return number == 0 && wr_nn_is(node, "Sub") ? 0 : -1;
}

// The slot of the input that the result equals, if shapes agree; or -1.
static int passes_on(const wr_nn_compiler *c, const wr_nn_node *node) {
    static const char *const always[] = {
        "Identity",  "Dropout", "Cast",   "Reshape", "Squeeze",
        "Unsqueeze", "Flatten", "Expand", "Tile",    NULL};
    static const char *const alone[] = {"Concat", "Sum",  "Max",
                                        "Min",    "Mean", NULL};
    if (is_one_of(node, always))
        return 0;
    if (is_one_of(node, alone))
        return node->inputs == 1 ? 0 : -1;
    if (wr_nn_is(node, "Transpose"))
        return keeps_order(c, node) ? 0 : -1;
    if (wr_nn_is(node, "Slice"))
        return all_are(c, node, 4, 1) ? 0 : -1;
    if (wr_nn_is(node, "Pad"))
        return pads_nothing(c, node) ? 0 : -1;
    return neutral(c, node);
}

static bool others_unused(const wr_nn_compiler *c, const wr_nn_node *node) {
    for (int k = 1; k < node->outputs; k++)
        if (node->output[k] >= 0 && c->uses[node->output[k]] > 0)
            return false;
    return true;
}

int wr_nn_pass_elide(wr_nn_compiler *c) {
    for (int i = 0; i < c->graph->nodes; i++) {
        const wr_nn_node *node = wr_nn_at(c, i);
        if (node->op == NULL || node->outputs < 1 || node->output[0] < 0)
            continue;
        int slot = passes_on(c, node);
        int from = slot < 0 ? -1 : wr_nn_input_of(node, slot);
        // Same type and shape is part of every case: Cast to another type,
        // Mul that stretches its operand, and so on are no such nodes.
        if (from < 0 || !wr_nn_same(c, from, node->output[0]) ||
            !others_unused(c, node))
            continue;
        wr_nn_edit_replace(c, node->output[0], from);
        wr_nn_edit_drop(c, i);
    }
    return 0;
}
