// SPDX-License-Identifier: MIT
//
// What models spell out in small operators and what we have as one:
//   x * clip(x + p, 0, q) * s       hard swish, hard sigmoid
//   x * sigmoid(a * x)              swish
//   x * (1 + erf(x / sqrt 2)) / 2   gelu
//   (x - mean) / sqrt(var + e) ...  layer norm
//
// A product is taken apart into its factors first, so that the order in which
// a model writes it does not matter.
#include "programs/nn/pass.h"

#include <errno.h>
#include <math.h>

typedef struct product {
    double scale;
    int factor[2]; // values that are not constants
    int factors;
    bool fits; // no more than two
} product;

enum { DEPTH_MAX = 6 };

// Every value but the root is read once: otherwise it is needed anyway.
static void take_apart(const wr_nn_compiler *c, int value, int depth,
                       bool inverse, product *p) {
    float number;
    if (wr_nn_scalar(c, value, &number)) {
        p->scale =
            inverse ? p->scale / (double)number : p->scale * (double)number;
        return;
    }
    int node = c->producer[value];
    const wr_nn_node *at = node < 0 ? NULL : wr_nn_at(c, node);
    bool open = at != NULL && !inverse && depth < DEPTH_MAX &&
                (depth == 0 || c->uses[value] == 1) && at->inputs == 2;
    if (open && wr_nn_is(at, "Mul")) {
        take_apart(c, at->input[0], depth + 1, false, p);
        take_apart(c, at->input[1], depth + 1, false, p);
        return;
    }
    if (open && wr_nn_is(at, "Div") && wr_nn_scalar(c, at->input[1], &number)) {
        take_apart(c, at->input[0], depth + 1, false, p);
        take_apart(c, at->input[1], depth + 1, true, p);
        return;
    }
    if (p->factors == 2 || inverse)
        p->fits = false;
    else
        p->factor[p->factors++] = value;
}

// value = source + *plus. A bare source has 0.
static int added(const wr_nn_compiler *c, int value, float *plus) {
    int node = wr_nn_made_by(c, value, "Add");
    if (node < 0)
        return -1;
    const wr_nn_node *at = wr_nn_at(c, node);
    if (wr_nn_scalar(c, at->input[1], plus))
        return at->input[0];
    return wr_nn_scalar(c, at->input[0], plus) ? at->input[1] : -1;
}

static bool near(double value, double expected) {
    return fabs(value - expected) <= 1e-6 * fabs(expected);
}

// value = clip(a * x + b, 0, 1) / *top for some x, which is returned.
static int hard_sigmoid(const wr_nn_compiler *c, int value, float *a, float *b,
                        double *top) {
    float low, high, plus = 0;
    int node = wr_nn_made_by(c, value, "HardSigmoid");
    if (node >= 0) {
        *a = wr_nn_attr_float(wr_nn_at(c, node), "alpha", 0.2f);
        *b = wr_nn_attr_float(wr_nn_at(c, node), "beta", 0.5f);
        *top = 1;
        return wr_nn_at(c, node)->input[0];
    }
    node = wr_nn_made_by(c, value, "Clip");
    if (node < 0 || !wr_nn_clip(c, wr_nn_at(c, node), &low, &high) ||
        low != 0 || !(high > 0) || !isfinite(high))
        return -1;
    int source = added(c, wr_nn_at(c, node)->input[0], &plus);
    if (source < 0)
        return -1;
    *a = 1 / high;
    *b = plus / high;
    *top = 1 / (double)high;
    return source;
}

// value = sigmoid(a * x).
static bool sigmoid(const wr_nn_compiler *c, int value, int x, float *a) {
    int node = wr_nn_made_by(c, value, "Sigmoid");
    if (node < 0)
        return false;
    int inner = wr_nn_at(c, node)->input[0];
    *a = 1;
    if (inner == x)
        return true;
    node = wr_nn_made_by(c, inner, "Mul");
    if (node < 0)
        return false;
    const wr_nn_node *at = wr_nn_at(c, node);
    return (at->input[0] == x && wr_nn_scalar(c, at->input[1], a)) ||
           (at->input[1] == x && wr_nn_scalar(c, at->input[0], a));
}

// value = 1 + erf(x / sqrt 2).
static int error_function(const wr_nn_compiler *c, int value) {
    float number;
    int inner = added(c, value, &number);
    int node = inner < 0 || number != 1 ? -1 : wr_nn_made_by(c, inner, "Erf");
    if (node < 0)
        return -1;
    inner = wr_nn_at(c, node)->input[0];
    int scaled = c->producer[inner];
    if (scaled < 0 || wr_nn_at(c, scaled)->inputs != 2)
        return -1;
    const wr_nn_node *at = wr_nn_at(c, scaled);
    double root = sqrt(2.0);
    if (wr_nn_is(at, "Div") && wr_nn_scalar(c, at->input[1], &number))
        return near((double)number, root) ? at->input[0] : -1;
    if (!wr_nn_is(at, "Mul"))
        return -1;
    for (int k = 0; k < 2; k++)
        if (wr_nn_scalar(c, at->input[k], &number) &&
            near((double)number, 1 / root))
            return at->input[1 - k];
    return -1;
}

// The step that the product is, of the value that is returned; or -1.
static int as_step(const wr_nn_compiler *c, const product *p,
                   wr_nn_step *step) {
    float a = 0, b = 0;
    double top = 0;
    *step = (wr_nn_step){.operand = -1};
    for (int k = 0; p->factors == 2 && k < 2; k++) {
        int x = p->factor[k], other = p->factor[1 - k];
        if (hard_sigmoid(c, other, &a, &b, &top) == x && near(p->scale, top)) {
            *step = (wr_nn_step){WR_NN_STEP_HARDSWISH, -1, a, b};
            return x;
        }
        if (near(p->scale, 1) && sigmoid(c, other, x, &a)) {
            *step = (wr_nn_step){WR_NN_STEP_SWISH, -1, a, 0};
            return x;
        }
        if (near(p->scale, 0.5) && error_function(c, other) == x) {
            *step = (wr_nn_step){WR_NN_STEP_GELU, -1, 0, 0};
            return x;
        }
    }
    return -1;
}

static int activation(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    if (!wr_nn_is(node, "Mul") && !wr_nn_is(node, "Div"))
        return 0;
    int result = node->output[0];
    product p = {.scale = 1, .fits = true};
    take_apart(c, result, 0, false, &p);
    wr_nn_step step;
    int x = p.fits ? as_step(c, &p, &step) : -1;
    if (x < 0 || !wr_nn_same(c, x, result) ||
        wr_nn_value_at(c, x)->shape.type != WR_NN_F32)
        return 0;
    int fused =
        wr_nn_edit_add(c, wr_nn_op_find("WeirFused"), node->name, &x, 1, 1);
    if (fused < 0)
        return fused;
    int status = wr_nn_steps_set(c->graph, wr_nn_at(c, fused), &step, 1);
    if (status == 0)
        status = wr_nn_edit_infer(c, fused);
    if (status == 0) {
        wr_nn_edit_replace(c, result, wr_nn_at(c, fused)->output[0]);
        wr_nn_edit_drop(c, index);
    }
    return status;
}

// ---------------------------------------------------------------------------
// Layer norm

// value = the mean of its source over the last axis, which stays as a 1.
static int mean_of(const wr_nn_compiler *c, int value) {
    int node = wr_nn_made_by(c, value, "ReduceMean");
    if (node < 0)
        return -1;
    const wr_nn_node *at = wr_nn_at(c, node);
    size_t count = 0;
    const int64_t *axes = wr_nn_attr_ints(at, "axes", &count);
    if (axes == NULL)
        axes = wr_nn_int64s(c, wr_nn_input_of(at, 1), &count);
    int rank = wr_nn_value_at(c, at->input[0])->shape.rank;
    if (axes == NULL || count != 1 || (axes[0] != -1 && axes[0] != rank - 1) ||
        wr_nn_attr_int(at, "keepdims", 1) != 1)
        return -1;
    return at->input[0];
}

static int squared(const wr_nn_compiler *c, int value) {
    float power;
    int node = wr_nn_made_by(c, value, "Pow");
    if (node >= 0 && wr_nn_scalar(c, wr_nn_at(c, node)->input[1], &power))
        return power == 2 ? wr_nn_at(c, node)->input[0] : -1;
    node = wr_nn_made_by(c, value, "Mul");
    if (node < 0 || wr_nn_at(c, node)->input[0] != wr_nn_at(c, node)->input[1])
        return -1;
    return wr_nn_at(c, node)->input[0];
}

// value = (x - mean x) / sqrt(mean (x - mean x)^2 + epsilon): x, or -1.
static int normalized(const wr_nn_compiler *c, int value, float *epsilon) {
    int node = wr_nn_made_by(c, value, "Div");
    if (node < 0)
        return -1;
    int centred = wr_nn_at(c, node)->input[0];
    int root = wr_nn_made_by(c, wr_nn_at(c, node)->input[1], "Sqrt");
    int subtract = wr_nn_made_by(c, centred, "Sub");
    if (root < 0 || subtract < 0)
        return -1;
    int variance = added(c, wr_nn_at(c, root)->input[0], epsilon);
    int square = variance < 0 ? -1 : mean_of(c, variance);
    if (square < 0 || squared(c, square) != centred)
        return -1;
    int x = wr_nn_at(c, subtract)->input[0];
    return mean_of(c, wr_nn_at(c, subtract)->input[1]) == x ? x : -1;
}

// The other input of a node with two if this one is a constant of as many
// elements as the last dimension of x has; or -1. *vector is the constant.
static int along_last(const wr_nn_compiler *c, const wr_nn_node *node,
                      const wr_nn_shape *x, int *vector) {
    for (int k = 0; k < 2; k++) {
        if (wr_nn_floats(c, node->input[k]) == NULL)
            continue;
        const wr_nn_shape *shape = &wr_nn_value_at(c, node->input[k])->shape;
        int64_t last = x->dim[x->rank - 1];
        if (shape->rank < 1 || shape->rank > x->rank ||
            shape->dim[shape->rank - 1] != last ||
            wr_nn_elements(shape) != (size_t)last)
            continue;
        *vector = node->input[k];
        return node->input[1 - k];
    }
    return -1;
}

// The vector with rank 1.
static int flat(wr_nn_compiler *c, int vector) {
    wr_nn_shape shape = wr_nn_value_at(c, vector)->shape;
    if (shape.rank == 1)
        return vector;
    shape.dim[0] = shape.dim[shape.rank - 1];
    shape.rank = 1;
    return wr_nn_edit_value(c, &shape, wr_nn_value_at(c, vector)->data);
}

static int layer_norm(wr_nn_compiler *c, int index) {
    const wr_nn_op *op = wr_nn_op_find("LayerNormalization");
    const wr_nn_node *node = wr_nn_at(c, index);
    if (op == NULL || !wr_nn_is(node, "Add"))
        return 0;
    int result = node->output[0], bias, weight, in[3];
    const wr_nn_shape *shape = &wr_nn_value_at(c, result)->shape;
    if (shape->rank < 1 || shape->type != WR_NN_F32)
        return 0;
    int scaled = along_last(c, node, shape, &bias);
    int multiply = scaled < 0 ? -1 : wr_nn_made_by(c, scaled, "Mul");
    if (multiply < 0 || c->uses[scaled] != 1)
        return 0;
    int unit = along_last(c, wr_nn_at(c, multiply), shape, &weight);
    float epsilon = 0;
    int x = unit < 0 || c->uses[unit] != 1 ? -1 : normalized(c, unit, &epsilon);
    if (x < 0 || !wr_nn_same(c, x, result))
        return 0;
    in[0] = x;
    in[1] = flat(c, weight);
    in[2] = flat(c, bias);
    if (in[1] < 0 || in[2] < 0)
        return -ENOMEM;
    int fresh = wr_nn_edit_add(c, op, wr_nn_at(c, index)->name, in, 3, 1);
    if (fresh < 0)
        return fresh;
    wr_nn_node *at = wr_nn_at(c, fresh);
    int status = wr_nn_attr_set_int(c->graph, at, "axis", -1);
    if (status == 0)
        status = wr_nn_attr_set_float(c->graph, at, "epsilon", epsilon);
    if (status == 0)
        status = wr_nn_edit_infer(c, fresh);
    if (status == 0) {
        wr_nn_edit_replace(c, result, wr_nn_at(c, fresh)->output[0]);
        wr_nn_edit_drop(c, index);
    }
    return status;
}

int wr_nn_pass_patterns(wr_nn_compiler *c) {
    bool fused = wr_nn_op_find("WeirFused") != NULL;
    int nodes = c->graph->nodes;
    for (int i = 0; i < nodes; i++) {
        if (wr_nn_at(c, i)->op == NULL)
            continue;
        int status = fused ? activation(c, i) : 0;
        if (status == 0 && wr_nn_at(c, i)->op != NULL)
            status = layer_norm(c, i);
        if (status != 0)
            return status;
    }
    return 0;
}
