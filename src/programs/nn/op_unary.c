// SPDX-License-Identifier: MIT
//
// Operators of one operand, element by element: Relu to Erf, Clip, Not.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

typedef struct unary {
    const char *name;
    wr_nn_map_kind map;
    const char *a_name; // attributes that become the map's parameters, or NULL
    float a;
    const char *b_name;
    float b;
    double cost_ns; // of an element, measured; op_kernel_body.h
} unary;

static const unary table[] = {
    {"Relu", WR_NN_MAP_RELU, NULL, 0, NULL, 0, 0.15},
    {"LeakyRelu", WR_NN_MAP_LEAKY, "alpha", 0.01f, NULL, 0, 0.15},
    {"Elu", WR_NN_MAP_SELU, "alpha", 1, NULL, 1, 0.7},
    {"Selu", WR_NN_MAP_SELU, "alpha", 1.67326319217681884765625f, "gamma",
     1.05070102214813232421875f, 0.7},
    {"Celu", WR_NN_MAP_CELU, "alpha", 1, NULL, 0, 1.0},
    {"ThresholdedRelu", WR_NN_MAP_THRESHOLD, "alpha", 1, NULL, 0, 0.15},
    {"Shrink", WR_NN_MAP_SHRINK, "bias", 0, "lambd", 0.5f, 0.4},
    {"Sigmoid", WR_NN_MAP_SIGMOID, NULL, 0, NULL, 0, 0.9},
    {"HardSigmoid", WR_NN_MAP_HARDSIGMOID, "alpha", 0.2f, "beta", 0.5f, 0.4},
    {"HardSwish", WR_NN_MAP_HARDSWISH, NULL, 1.0f / 6.0f, NULL, 0.5f, 0.4},
    {"Swish", WR_NN_MAP_SWISH, "alpha", 1, NULL, 0, 1.1},
    {"Tanh", WR_NN_MAP_TANH, NULL, 0, NULL, 0, 0.9},
    {"Gelu", WR_NN_MAP_GELU, NULL, 0, NULL, 0, 2.1},
    {"Erf", WR_NN_MAP_ERF, NULL, 0, NULL, 0, 2.1},
    {"Softplus", WR_NN_MAP_SOFTPLUS, NULL, 0, NULL, 0, 2.1},
    {"Softsign", WR_NN_MAP_SOFTSIGN, NULL, 0, NULL, 0, 0.3},
    {"Mish", WR_NN_MAP_MISH, NULL, 0, NULL, 0, 3.8},
    {"Exp", WR_NN_MAP_EXP, NULL, 0, NULL, 0, 0.7},
    {"Log", WR_NN_MAP_LOG, NULL, 0, NULL, 0, 1.0},
    {"Sqrt", WR_NN_MAP_SQRT, NULL, 0, NULL, 0, 0.3},
    {"Reciprocal", WR_NN_MAP_RECIPROCAL, NULL, 0, NULL, 0, 0.3},
    {"Abs", WR_NN_MAP_ABS, NULL, 0, NULL, 0, 0.15},
    {"Neg", WR_NN_MAP_NEG, NULL, 0, NULL, 0, 0.15},
    {"Sign", WR_NN_MAP_SIGN, NULL, 0, NULL, 0, 0.2},
    {"Floor", WR_NN_MAP_FLOOR, NULL, 0, NULL, 0, 0.4},
    {"Ceil", WR_NN_MAP_CEIL, NULL, 0, NULL, 0, 0.4},
    {"Round", WR_NN_MAP_ROUND, NULL, 0, NULL, 0, 0.3},
    {"Sin", WR_NN_MAP_SIN, NULL, 0, NULL, 0, 15},
    {"Cos", WR_NN_MAP_COS, NULL, 0, NULL, 0, 15},
    {"Tan", WR_NN_MAP_TAN, NULL, 0, NULL, 0, 25},
    {"Asin", WR_NN_MAP_ASIN, NULL, 0, NULL, 0, 15},
    {"Acos", WR_NN_MAP_ACOS, NULL, 0, NULL, 0, 15},
    {"Atan", WR_NN_MAP_ATAN, NULL, 0, NULL, 0, 20},
    {"Sinh", WR_NN_MAP_SINH, NULL, 0, NULL, 0, 30},
    {"Cosh", WR_NN_MAP_COSH, NULL, 0, NULL, 0, 30},
    {"Asinh", WR_NN_MAP_ASINH, NULL, 0, NULL, 0, 30},
    {"Acosh", WR_NN_MAP_ACOSH, NULL, 0, NULL, 0, 30},
    {"Atanh", WR_NN_MAP_ATANH, NULL, 0, NULL, 0, 30},
};

typedef int64_t integer_fn(int64_t x, int64_t low, int64_t high);

typedef struct params {
    wr_nn_map *map; // floats
    float a, b;
    integer_fn *integer; // integers and bools
    double cost_ns;
} params;

static int64_t absolute(int64_t x, int64_t low, int64_t high) {
    (void)low, (void)high;
    return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

static int64_t negative(int64_t x, int64_t low, int64_t high) {
    (void)low, (void)high;
    return (int64_t)(0 - (uint64_t)x);
}

static int64_t sign(int64_t x, int64_t low, int64_t high) {
    (void)low, (void)high;
    return (x > 0) - (x < 0);
}

static int64_t not(int64_t x, int64_t low, int64_t high) {
    (void)low, (void)high;
    return x == 0;
}

static int64_t clip(int64_t x, int64_t low, int64_t high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

// ---------------------------------------------------------------------------
// Shapes and attributes

static params *begin(wr_nn_graph *graph, wr_nn_node *node, int types,
                     int *status, wr_nn_why *why) {
    *status = wr_nn_op_begin(graph, node, why);
    if (*status == 0)
        *status = wr_nn_op_type(graph, node, 0, types, why);
    if (*status == 0)
        *status =
            wr_nn_op_set(graph, node, 0, wr_nn_op_in(graph, node, 0), why);
    if (*status < 0)
        return NULL;
    params *made = wr_nn_op_params(graph, node, sizeof *made, why);
    *status = made == NULL ? -ENOMEM : 0;
    return made;
}

static const unary *find(const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static int infer_types(wr_nn_graph *graph, wr_nn_node *node, int types,
                       integer_fn *integer, wr_nn_why *why) {
    int status;
    params *made = begin(graph, node, types, &status, why);
    if (made == NULL)
        return status;
    const unary *op = find(node->op->name);
    made->map = wr_nn_kernels_best()->map[op->map];
    made->integer = integer;
    made->a =
        op->a_name == NULL ? op->a : wr_nn_attr_float(node, op->a_name, op->a);
    made->b =
        op->b_name == NULL ? op->b : wr_nn_attr_float(node, op->b_name, op->b);
    made->cost_ns = op->cost_ns;
    return 0;
}

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    return infer_types(graph, node, WR_NN_FLOATS_ONLY, NULL, why);
}

static int infer_abs(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    return infer_types(graph, node, WR_NN_NUMBERS, absolute, why);
}

static int infer_neg(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    return infer_types(graph, node, WR_NN_NUMBERS, negative, why);
}

static int infer_sign(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    return infer_types(graph, node, WR_NN_NUMBERS, sign, why);
}

static int infer_not(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status;
    params *made = begin(graph, node, WR_NN_BOOLS, &status, why);
    if (made == NULL)
        return status;
    made->integer = not ;
    made->cost_ns = 2;
    return 0;
}

static int infer_gelu(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = infer(graph, node, why);
    if (status < 0)
        return status;
    const char *approximate = wr_nn_attr_string(node, "approximate", "none");
    if (strcmp(approximate, "none") == 0)
        return 0;
    if (strcmp(approximate, "tanh") != 0)
        return wr_nn_refuse(why, -EINVAL, node,
                            "approximate is '%.32s', not 'none' or 'tanh'",
                            approximate);
    params *made = (params *)(uintptr_t)node->params;
    made->map = wr_nn_kernels_best()->map[WR_NN_MAP_GELU_TANH];
    return 0;
}

// Clip's bounds: attributes before opset 11, then inputs of one element, which
// may be computed.
static int infer_clip(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status;
    int types = graph->opset < 12 ? WR_NN_FLOATS_ONLY : WR_NN_NUMBERS;
    params *made = begin(graph, node, types, &status, why);
    if (made == NULL)
        return status;
    made->map = wr_nn_kernels_best()->map[WR_NN_MAP_CLIP];
    made->integer = clip;
    made->a = wr_nn_attr_float(node, "min", -INFINITY);
    made->b = wr_nn_attr_float(node, "max", INFINITY);
    made->cost_ns = 0.15;
    bool attrs = wr_nn_attr_find(node, "min") != NULL ||
                 wr_nn_attr_find(node, "max") != NULL;
    if (graph->opset >= 11 && attrs)
        return wr_nn_refuse(why, -EINVAL, node,
                            "min and max are inputs from opset 11 on");
    if (graph->opset < 11 && node->inputs > 1)
        return wr_nn_refuse(why, -EINVAL, node,
                            "min and max are attributes before opset 11");
    for (int i = 1; i < node->inputs; i++) {
        if (node->input[i] < 0)
            continue;
        status = wr_nn_op_alike(graph, node, 0, i, why);
        if (status < 0)
            return status;
        if (wr_nn_elements(wr_nn_op_in(graph, node, i)) != 1)
            return wr_nn_refuse(why, -EINVAL, node,
                                "input %d is not one element", i);
    }
    return 0;
}

// IsNaN and IsInf: floats to bools.
static int infer_is(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status;
    params *made = begin(graph, node, WR_NN_FLOATS_ONLY, &status, why);
    if (made == NULL)
        return status;
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    out.type = WR_NN_BOOL;
    made->a = wr_nn_attr_int(node, "detect_negative", 1) != 0;
    made->b = wr_nn_attr_int(node, "detect_positive", 1) != 0;
    made->cost_ns = 0.3;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// ---------------------------------------------------------------------------
// Running

static int64_t bound(const void *in, wr_nn_type type, int64_t missing) {
    if (in == NULL)
        return missing;
    return type == WR_NN_I64 ? *(const int64_t *)in : *(const int32_t *)in;
}

static void run_integers(const params *self, wr_nn_type type,
                         const void *const *in, int inputs, void *out,
                         size_t from, size_t to) {
    int64_t low = bound(inputs > 1 ? in[1] : NULL, type, INT64_MIN);
    int64_t high = bound(inputs > 2 ? in[2] : NULL, type, INT64_MAX);
    wr_nn_walk walk;
    ptrdiff_t one = 1;
    wr_nn_walk_begin(&walk, 1);
    wr_nn_walk_add(&walk, to, &one);
    wr_nn_walk_finish(&walk);
    for (size_t i = from; i < to; i++) {
        int64_t x;
        wr_nn_walk_integers(&walk, 0, type, in[0], i, i + 1, &x);
        x = self->integer(x, low, high);
        wr_nn_store_integers(out, type, i, &x, 1);
    }
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    const params *self = node->params;
    const wr_nn_shape *shape = wr_nn_op_in(graph, node, 0);
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(shape), WR_NN_GRAIN, node->parts, part, &from,
                  &to);
    if (shape->type != WR_NN_F32) {
        run_integers(self, shape->type, in, node->inputs, out[0], from, to);
        return;
    }
    float a = self->a, b = self->b;
    if (node->inputs > 1 && in[1] != NULL)
        a = *(const float *)in[1];
    if (node->inputs > 2 && in[2] != NULL)
        b = *(const float *)in[2];
    wr_nn_map_any(self->map, (float *)out[0] + from,
                  (const float *)in[0] + from, to - from, a, b);
}

static void run_nan(const wr_nn_graph *graph, const wr_nn_node *node,
                    const void *const *in, void *const *out, void *scratch,
                    unsigned part) {
    (void)scratch;
    const float *x = in[0];
    uint8_t *y = out[0];
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(wr_nn_op_in(graph, node, 0)), WR_NN_GRAIN,
                  node->parts, part, &from, &to);
    for (size_t i = from; i < to; i++)
        y[i] = x[i] != x[i];
}

static void run_inf(const wr_nn_graph *graph, const wr_nn_node *node,
                    const void *const *in, void *const *out, void *scratch,
                    unsigned part) {
    (void)scratch;
    const params *self = node->params;
    const float *x = in[0];
    uint8_t *y = out[0];
    float low = self->a != 0 ? -INFINITY : NAN;
    float high = self->b != 0 ? INFINITY : NAN;
    size_t from, to;
    wr_nn_op_part(wr_nn_elements(wr_nn_op_in(graph, node, 0)), WR_NN_GRAIN,
                  node->parts, part, &from, &to);
    for (size_t i = from; i < to; i++)
        y[i] = x[i] == low || x[i] == high;
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const params *self = node->params;
    const wr_nn_shape *shape = wr_nn_op_in(graph, node, 0);
    double each = shape->type == WR_NN_F32 ? self->cost_ns : 3.0;
    return (double)wr_nn_elements(shape) * each;
}

#define OP(name, most, since, flags, infer, run)                               \
    {                                                                          \
        name, 1, most, 1, 1, since, flags, infer, NULL, NULL, cost,            \
            wr_nn_op_parts_elements, NULL, run                                 \
    }
#define UNARY WR_NN_UNARY | WR_NN_INPLACE

const wr_nn_op wr_nn_ops_unary[] = {
    OP("Relu", 1, 6, UNARY, infer, run),
    OP("LeakyRelu", 1, 6, UNARY, infer, run),
    OP("Elu", 1, 6, UNARY, infer, run),
    OP("Selu", 1, 6, UNARY, infer, run),
    OP("Celu", 1, 12, UNARY, infer, run),
    OP("ThresholdedRelu", 1, 10, UNARY, infer, run),
    OP("Shrink", 1, 9, UNARY, infer, run),
    OP("Sigmoid", 1, 6, UNARY, infer, run),
    OP("HardSigmoid", 1, 6, UNARY, infer, run),
    OP("HardSwish", 1, 14, UNARY, infer, run),
    OP("Swish", 1, 24, UNARY, infer, run),
    OP("Tanh", 1, 6, UNARY, infer, run),
    OP("Gelu", 1, 20, UNARY, infer_gelu, run),
    OP("Erf", 1, 9, UNARY, infer, run),
    OP("Softplus", 1, 1, UNARY, infer, run),
    OP("Softsign", 1, 1, UNARY, infer, run),
    OP("Mish", 1, 18, UNARY, infer, run),
    OP("Exp", 1, 6, UNARY, infer, run),
    OP("Log", 1, 6, UNARY, infer, run),
    OP("Sqrt", 1, 6, UNARY, infer, run),
    OP("Reciprocal", 1, 6, UNARY, infer, run),
    OP("Abs", 1, 6, UNARY, infer_abs, run),
    OP("Neg", 1, 6, UNARY, infer_neg, run),
    OP("Sign", 1, 9, UNARY, infer_sign, run),
    OP("Floor", 1, 6, UNARY, infer, run),
    OP("Ceil", 1, 6, UNARY, infer, run),
    OP("Round", 1, 11, UNARY, infer, run),
    OP("Sin", 1, 7, UNARY, infer, run),
    OP("Cos", 1, 7, UNARY, infer, run),
    OP("Tan", 1, 7, UNARY, infer, run),
    OP("Asin", 1, 7, UNARY, infer, run),
    OP("Acos", 1, 7, UNARY, infer, run),
    OP("Atan", 1, 7, UNARY, infer, run),
    OP("Sinh", 1, 9, UNARY, infer, run),
    OP("Cosh", 1, 9, UNARY, infer, run),
    OP("Asinh", 1, 9, UNARY, infer, run),
    OP("Acosh", 1, 9, UNARY, infer, run),
    OP("Atanh", 1, 9, UNARY, infer, run),
    OP("Clip", 3, 6, UNARY, infer_clip, run),
    OP("Not", 1, 1, UNARY, infer_not, run),
    OP("IsNaN", 1, 9, WR_NN_UNARY, infer_is, run_nan),
    OP("IsInf", 1, 10, WR_NN_UNARY, infer_is, run_inf),
    {.name = NULL},
};
