// SPDX-License-Identifier: MIT
//
// Programs of elementwise steps, and WeirFused, which is one.
#include <errno.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// ---------------------------------------------------------------------------
// The attribute

int wr_nn_steps_set(wr_nn_graph *graph, wr_nn_node *node,
                    const wr_nn_step *steps, size_t count) {
    return wr_nn_attr_set_bytes(graph, node, "weir_steps", steps,
                                count * sizeof *steps);
}

const wr_nn_step *wr_nn_steps_get(const wr_nn_node *node, size_t *count) {
    const wr_nn_attr *attr = wr_nn_attr_find(node, "weir_steps");
    *count = attr == NULL || attr->kind != WR_NN_STRING
                 ? 0
                 : attr->count / sizeof(wr_nn_step);
    return *count == 0 ? NULL : (const wr_nn_step *)(const void *)attr->string;
}

// ---------------------------------------------------------------------------
// What the steps are

typedef struct made_of {
    bool zip; // else a map
    int kind;
    double cost_ns;
} made_of;

static const made_of kinds[] = {
    [WR_NN_STEP_RELU] = {false, WR_NN_MAP_RELU, 0.1},
    [WR_NN_STEP_CLIP] = {false, WR_NN_MAP_CLIP, 0.1},
    [WR_NN_STEP_LINEAR] = {false, WR_NN_MAP_LINEAR, 0.1},
    [WR_NN_STEP_SIGMOID] = {false, WR_NN_MAP_SIGMOID, 0.9},
    [WR_NN_STEP_TANH] = {false, WR_NN_MAP_TANH, 0.9},
    [WR_NN_STEP_HARDSWISH] = {false, WR_NN_MAP_HARDSWISH, 0.4},
    [WR_NN_STEP_SWISH] = {false, WR_NN_MAP_SWISH, 1.1},
    [WR_NN_STEP_GELU] = {false, WR_NN_MAP_GELU, 2.1},
    [WR_NN_STEP_ADD] = {true, WR_NN_ZIP_ADD, 0.15},
    [WR_NN_STEP_SUB] = {true, WR_NN_ZIP_SUB, 0.15},
    [WR_NN_STEP_MUL] = {true, WR_NN_ZIP_MUL, 0.15},
    [WR_NN_STEP_DIV] = {true, WR_NN_ZIP_DIV, 0.25},
    [WR_NN_STEP_MAX] = {true, WR_NN_ZIP_MAX, 0.2},
    [WR_NN_STEP_MIN] = {true, WR_NN_ZIP_MIN, 0.2},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

int wr_nn_steps_check(const wr_nn_graph *graph, const wr_nn_node *node,
                      const wr_nn_shape *result, wr_nn_why *why) {
    size_t count;
    const wr_nn_step *step = wr_nn_steps_get(node, &count);
    if (count > WR_NN_STEPS_MAX)
        return wr_nn_refuse(why, -EINVAL, node, "%zu steps are more than %d",
                            count, WR_NN_STEPS_MAX);
    for (size_t i = 0; i < count; i++) {
        unsigned kind = (unsigned)step[i].kind;
        if (kind >= KINDS)
            return wr_nn_refuse(why, -EINVAL, node, "step %zu is unknown", i);
        if (!kinds[kind].zip)
            continue;
        int operand = step[i].operand;
        if (operand < 0 || operand >= node->inputs || node->input[operand] < 0)
            return wr_nn_refuse(why, -EINVAL, node,
                                "step %zu has no operand %d", i, operand);
        int status =
            wr_nn_op_type(graph, node, operand, WR_NN_FLOATS_ONLY, why);
        if (status < 0)
            return status;
        const wr_nn_shape *y = wr_nn_op_in(graph, node, operand);
        wr_nn_shape both;
        status = wr_nn_broadcast(&both, result, y, node, why);
        if (status < 0)
            return status;
        both.type = result->type;
        if (!wr_nn_same_shape(&both, result)) {
            char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
            return wr_nn_refuse(
                why, -EINVAL, node, "step %zu: %s does not broadcast to %s", i,
                wr_nn_shape_text(a, y), wr_nn_shape_text(b, result));
        }
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Running

// Steps ready to run: what their operands' walks are.
typedef struct program {
    const wr_nn_kernels *kernels;
    const wr_nn_step *step;
    size_t steps;
    wr_nn_walk walk[WR_NN_STEPS_MAX]; // of the result and the operand
} program;

static void program_make(program *self, const wr_nn_graph *graph,
                         const wr_nn_node *node, const wr_nn_shape *shape) {
    self->kernels = wr_nn_kernels_best();
    self->step = wr_nn_steps_get(node, &self->steps);
    for (size_t i = 0; i < self->steps; i++)
        if (kinds[self->step[i].kind].zip) {
            const wr_nn_shape *pair[2] = {
                shape, wr_nn_op_in(graph, node, self->step[i].operand)};
            wr_nn_walk_broadcast(&self->walk[i], shape, pair, 2);
        }
}

static void step_run(const program *self, size_t i, float *out, const float *x,
                     const void *const *in, size_t from, size_t count) {
    const wr_nn_step *step = &self->step[i];
    int kind = kinds[step->kind].kind;
    if (kinds[step->kind].zip) {
        wr_nn_zipper zipper = {.zip = self->kernels->zip[kind]};
        wr_nn_zip_walk(&zipper, &self->walk[i], out, x, NULL, in[step->operand],
                       from, from + count);
    } else {
        wr_nn_map_any(self->kernels->map[kind], out, x, count, step->a,
                      step->b);
    }
}

// Blocks stay in the first cache from the first step to the last. They go to
// and fro between the result and a buffer, since kernels do not work in place.
enum { BLOCK = 1024 };

static void program_run(const program *self, float *out, const float *x,
                        const void *const *in, size_t from, size_t to) {
    float buffer[BLOCK];
    while (from < to) {
        size_t count = to - from < BLOCK ? to - from : BLOCK;
        const float *at = x + from;
        for (size_t i = 0; i < self->steps; i++) {
            // The last one writes to the result, unless it reads that.
            bool last = i + 1 == self->steps;
            float *next = at == buffer || (last && at != out + from)
                              ? out + from
                              : buffer;
            step_run(self, i, next, at, in, from, count);
            at = next;
        }
        if (at != out + from)
            memcpy(out + from, at, count * sizeof *at);
        from += count;
    }
}

void wr_nn_steps_apply(const wr_nn_graph *graph, const wr_nn_node *node,
                       const wr_nn_shape *shape, float *x, size_t first,
                       size_t count, const void *const *in) {
    program self;
    program_make(&self, graph, node, shape);
    program_run(&self, x, x, in, first, first + count);
}

// ---------------------------------------------------------------------------
// WeirFused

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    status = wr_nn_steps_check(graph, node, &out, why);
    if (status == 0)
        status = wr_nn_op_set(graph, node, 0, &out, why);
    if (status < 0)
        return status;
    program *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    program_make(made, graph, node, &out);
    return 0;
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(wr_nn_op_in(graph, node, 0)), WR_NN_GRAIN,
                  node->parts, part, &from, &to);
    program_run(node->params, out[0], in[0], in, from, to);
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const program *self = node->params;
    double each = 0.1;
    for (size_t i = 0; i < self->steps; i++)
        each += kinds[self->step[i].kind].cost_ns;
    return each * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

const wr_nn_op wr_nn_ops_fused[] = {
    {"WeirFused", 1, WR_NN_ARGS_MAX, 1, 1, 1, WR_NN_INPLACE, infer, NULL, NULL,
     cost, wr_nn_op_parts_elements, NULL, run},
    {.name = NULL},
};
