// SPDX-License-Identifier: MIT
//
// Shapes of all values, in order; what depends on constants alone is computed
// right away, since shapes may depend on it.
#include "programs/nn/pass.h"

#include <errno.h>
#include <inttypes.h>

#include "base/fault.h"
#include "os/os.h"

// A graph may ask for any amount of work in constants. What is above these is
// left for the run, where limits and cancelling hold.
enum {
    FOLD_BYTES_MAX = 16 << 20, // of one output
    FOLD_SMALL = 64,           // elements: folded even WITHOUT_FOLDING
};
static const double fold_ns_max = 5e7;       // one node
static const double fold_ns_total_max = 1e9; // all

static int read_shapes(wr_nn_compiler *c, const wr_nn_node *node) {
    for (int k = 0; k < node->inputs; k++)
        if (node->input[k] >= 0 &&
            !wr_nn_known(&wr_nn_value_at(c, node->input[k])->shape))
            return wr_nn_refuse(c->why, -EINVAL, node,
                                "the shape of input %d is not known", k);
    return 0;
}

static int check_outputs(const wr_nn_compiler *c, const wr_nn_node *node) {
    char text[WR_NN_SHAPE_TEXT];
    for (int k = 0; k < node->outputs; k++) {
        if (node->output[k] < 0)
            continue;
        const wr_nn_shape *shape = &wr_nn_value_at(c, node->output[k])->shape;
        if (!wr_nn_known(shape) || wr_nn_type_size(shape->type) == 0)
            return wr_nn_refuse(c->why, -ENOTSUP, node,
                                "the shape of output %d cannot be worked out",
                                k);
        size_t bytes = wr_nn_bytes(shape);
        if (bytes > c->limits->tensor_max)
            return wr_nn_refuse(c->why, -E2BIG, node,
                                "the result %s is above the limit of %zu bytes",
                                wr_nn_shape_text(text, shape),
                                c->limits->tensor_max);
    }
    return 0;
}

static int check_not_empty(const wr_nn_compiler *c, const wr_nn_node *node) {
    char text[WR_NN_SHAPE_TEXT];
    for (int k = 0; k < node->outputs; k++)
        if (node->output[k] >= 0) {
            const wr_nn_shape *shape =
                &wr_nn_value_at(c, node->output[k])->shape;
            if (wr_nn_elements(shape) == 0)
                return wr_nn_refuse(c->why, -ENOTSUP, node,
                                    "the result %s is empty",
                                    wr_nn_shape_text(text, shape));
        }
    return 0;
}

// ---------------------------------------------------------------------------
// Folding

static bool all_constant(const wr_nn_compiler *c, const wr_nn_node *node) {
    for (int k = 0; k < node->inputs; k++)
        if (node->input[k] >= 0 &&
            wr_nn_value_at(c, node->input[k])->data == NULL)
            return false;
    return node->inputs > 0;
}

static void done(wr_nn_compiler *c, int index) {
    wr_nn_at(c, index)->op = NULL;
}

static void set_data(wr_nn_compiler *c, int value, const void *data) {
    c->graph->value[value].data = data;
}

// Shape and Size need no data of their input.
static int fold_shape(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    const wr_nn_shape *in = &wr_nn_value_at(c, node->input[0])->shape;
    const wr_nn_shape *out = &wr_nn_value_at(c, node->output[0])->shape;
    int64_t *data = wr_nn_allocate(c->graph, sizeof in->dim);
    if (data == NULL)
        return -ENOMEM;
    if (wr_nn_is(node, "Size")) {
        data[0] = (int64_t)wr_nn_elements(in);
    } else {
        int64_t start = wr_nn_attr_int(node, "start", 0);
        if (start < 0)
            start += in->rank;
        if (start < 0)
            start = 0;
        for (int64_t i = 0; i < out->dim[0] && start + i < in->rank; i++)
            data[i] = in->dim[start + i];
    }
    set_data(c, node->output[0], data);
    done(c, index);
    return 0;
}

// What is left when node->prepare may have made state.
static int run_now(wr_nn_compiler *c, int index, void *const *out) {
    wr_nn_graph *graph = c->graph;
    wr_nn_node *node = wr_nn_at(c, index);
    const wr_nn_op *op = node->op;
    const void *in[WR_NN_ARGS_MAX];
    for (int k = 0; k < node->inputs; k++)
        in[k] =
            node->input[k] < 0 ? NULL : wr_nn_value_at(c, node->input[k])->data;
    node->parts = 1;
    size_t bytes = 0;
    int status =
        op->prepare == NULL ? 0 : op->prepare(graph, node, &bytes, c->why);
    if (status != 0)
        return status;
    size_t scratch_bytes = op->scratch == NULL ? 0 : op->scratch(graph, node);
    void *scratch = wr_aligned_alloc(WR_NN_ALIGN, scratch_bytes + WR_NN_ALIGN);
    if (scratch != NULL)
        op->run(graph, node, in, out, scratch, 0);
    wr_free(scratch);
    if (op->forget != NULL && node->state != NULL)
        op->forget(node);
    node->state = NULL;
    return scratch == NULL ? -ENOMEM : 0;
}

// Is the work small enough to do it now?
static bool worth(const wr_nn_compiler *c, const wr_nn_node *node,
                  double *cost) {
    size_t elements = 0;
    bool floats = false;
    for (int k = 0; k < node->outputs; k++) {
        if (node->output[k] < 0)
            continue;
        const wr_nn_shape *shape = &wr_nn_value_at(c, node->output[k])->shape;
        if (wr_nn_bytes(shape) > FOLD_BYTES_MAX)
            return false;
        elements += wr_nn_elements(shape);
        floats |= shape->type == WR_NN_F32;
    }
    if ((c->options->without & WR_NN_WITHOUT_FOLDING) != 0 && floats &&
        elements > FOLD_SMALL)
        return false;
    *cost = node->op->cost == NULL ? (double)elements
                                   : node->op->cost(c->graph, node);
    return *cost <= fold_ns_max && c->fold_ns + *cost <= fold_ns_total_max;
}

static int compute(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    void *out[WR_NN_ARGS_MAX] = {NULL};
    bool empty = true;
    for (int k = 0; k < node->outputs; k++) {
        if (node->output[k] < 0)
            continue;
        size_t bytes = wr_nn_bytes(&wr_nn_value_at(c, node->output[k])->shape);
        out[k] = wr_nn_make(c, bytes);
        if (out[k] == NULL) // too much already: left for the run
            return 0;
        empty &= bytes == 0;
    }
    int status = empty ? 0 : run_now(c, index, out);
    if (status != 0)
        return status;
    for (int k = 0; k < node->outputs; k++)
        if (node->output[k] >= 0)
            set_data(c, node->output[k], out[k]);
    done(c, index);
    return 0;
}

static bool one_output(const wr_nn_node *node) {
    for (int k = 1; k < node->outputs; k++)
        if (node->output[k] >= 0)
            return false;
    return node->outputs > 0 && node->output[0] >= 0;
}

static int fold(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    if ((wr_nn_is(node, "Shape") || wr_nn_is(node, "Size")) &&
        node->input[0] >= 0)
        return fold_shape(c, index);
    if (!all_constant(c, node))
        return 0;
    if ((node->op->flags & WR_NN_VIEW) != 0 && one_output(node) &&
        node->input[0] >= 0) {
        set_data(c, node->output[0], wr_nn_value_at(c, node->input[0])->data);
        done(c, index);
        return 0;
    }
    double cost = 0;
    if (!worth(c, node, &cost))
        return 0;
    c->fold_ns += cost;
    return compute(c, index);
}

int wr_nn_pass_infer(wr_nn_compiler *c) {
    wr_nn_graph *graph = c->graph;
    for (int i = 0; i < graph->nodes; i++) {
        int status = wr_nn_cancelled(c);
        if (status == 0)
            status = read_shapes(c, &graph->node[i]);
        if (status == 0)
            status = wr_nn_edit_infer(c, i);
        if (status == 0)
            status = check_outputs(c, &graph->node[i]);
        if (status == 0)
            status = fold(c, i);
        if (status == 0 && graph->node[i].op != NULL)
            status = check_not_empty(c, &graph->node[i]);
        if (status != 0)
            return status;
    }
    return 0;
}
