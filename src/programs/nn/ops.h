// SPDX-License-Identifier: MIT
//
// The operators. op_*.c have one family each and list their operators in a
// table; ops.c knows the tables.
//
// Types: float32 everywhere; shape arithmetic (int64, int32, bool) works too in
// Shape, Constant..., Cast, Gather, Slice, Concat, Squeeze, Unsqueeze, Reshape,
// Transpose, Identity, Add, Sub, Mul, Div, Min, Max, Range, ... so that the
// compiler can fold it; what is left of it after folding may run too.
//
// Our own operators, made by the compiler alone (their names are not read from
// models):
//   Conv, MaxPool, AveragePool, GlobalAveragePool with the attribute
//                "weir_nhwc" = 1: the data (not the weights) is N, H, W, C
//   WeirFused    elementwise steps over one tensor shape, see wr_nn_step
//   Conv, Gemm, MatMul with the attribute "weir_steps": the steps are applied
//                to their result while it is warm; extra inputs follow theirs
#ifndef WEIR_PROGRAMS_NN_OPS_H
#define WEIR_PROGRAMS_NN_OPS_H

#include "programs/nn/types.h"

// wr_nn_op_find returns the operator, or NULL.
const wr_nn_op *wr_nn_op_find(const char *name);

// One family: ends with an entry whose name is NULL.
extern const wr_nn_op wr_nn_ops_arith[]; // Add .. Min, Pow, comparisons, Where
extern const wr_nn_op wr_nn_ops_unary[]; // Relu .. Erf, Clip, HardSwish, ...
extern const wr_nn_op wr_nn_ops_move[];  // Transpose, Concat, Slice, Gather ..
extern const wr_nn_op wr_nn_ops_view[];  // Reshape, Flatten, Squeeze, Identity
extern const wr_nn_op wr_nn_ops_shape[]; // Shape, Size, Range, Cast, ...
extern const wr_nn_op wr_nn_ops_index[]; // Gather, GatherND, Where, ...
extern const wr_nn_op wr_nn_ops_scatter[]; // ScatterElements, ScatterND
extern const wr_nn_op wr_nn_ops_pad[];     // Pad, DepthToSpace, Trilu, ...
extern const wr_nn_op wr_nn_ops_reduce[];  // Reduce*, ArgMax, ArgMin
extern const wr_nn_op wr_nn_ops_norm[];    // Softmax, BatchNormalization, ...
extern const wr_nn_op wr_nn_ops_resize[];  // Resize, Upsample
extern const wr_nn_op wr_nn_ops_pool[];    // MaxPool, AveragePool, Global*
extern const wr_nn_op wr_nn_ops_conv[];    // Conv, ConvTranspose: oneDNN
extern const wr_nn_op wr_nn_ops_matmul[];  // MatMul, Gemm: oneDNN
extern const wr_nn_op wr_nn_ops_fused[];   // WeirFused

// ---- steps -----------------------------------------------------------------

// A step of a fused elementwise program: x is the element, y the other operand.
typedef enum wr_nn_step_kind {
    WR_NN_STEP_RELU,
    WR_NN_STEP_CLIP,   // a: low, b: high
    WR_NN_STEP_LINEAR, // a * x + b
    WR_NN_STEP_SIGMOID,
    WR_NN_STEP_TANH,
    WR_NN_STEP_HARDSWISH, // x * clip(a * x + b, 0, 1)
    WR_NN_STEP_SWISH,     // x * sigmoid(a * x)
    WR_NN_STEP_GELU,      // exact: x/2 * (1 + erf(x / sqrt 2))
    WR_NN_STEP_ADD,       // x + y; y is the node's input `operand`
    WR_NN_STEP_SUB,       // x - y
    WR_NN_STEP_MUL,
    WR_NN_STEP_DIV, // x / y
    WR_NN_STEP_MAX,
    WR_NN_STEP_MIN,
} wr_nn_step_kind;

enum { WR_NN_STEPS_MAX = 16 };

typedef struct wr_nn_step {
    wr_nn_step_kind kind;
    int operand; // index into the node's inputs, for steps with y; else -1
    float a, b;
} wr_nn_step;

// The attribute "weir_steps" is of kind STRING and holds `count` of these as
// bytes: see wr_nn_steps_set and wr_nn_steps_get.
int wr_nn_steps_set(wr_nn_graph *graph, wr_nn_node *node,
                    const wr_nn_step *steps, size_t count);
const wr_nn_step *wr_nn_steps_get(const wr_nn_node *node, size_t *count);

// wr_nn_steps_check: every operand has the type float32 and is, by broadcasting
// to `result`: one element, of the last dimension's length, the full shape, or
// anything else that broadcasts (slower). For use in infer.
int wr_nn_steps_check(const wr_nn_graph *graph, const wr_nn_node *node,
                      const wr_nn_shape *result, wr_nn_why *why);

// wr_nn_steps_apply runs all steps in place over elements [first, first +
// count) of a tensor of shape `shape` at `x` (the whole tensor's address);
// in[] are the node's inputs. Vectorised by the compiler.
void wr_nn_steps_apply(const wr_nn_graph *graph, const wr_nn_node *node,
                       const wr_nn_shape *shape, float *x, size_t first,
                       size_t count, const void *const *in);

#endif
