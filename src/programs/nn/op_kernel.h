// SPDX-License-Identifier: MIT
//
// The inner loops, as a table: the same source (op_kernel_body.h) compiled for
// several sets of instructions. All sets give the same bits: no fused
// multiply-add, no reordering, sums in a fixed order.
#ifndef WEIR_PROGRAMS_NN_OP_KERNEL_H
#define WEIR_PROGRAMS_NN_OP_KERNEL_H

#include <stddef.h>
#include <stdint.h>

// Elements of 4 and 8 bytes that are moved, whatever they are.
typedef uint32_t wr_nn_four __attribute__((may_alias));
typedef uint64_t wr_nn_eight __attribute__((may_alias));

// Element by element, with two parameters. out and in do not overlap. Largest
// errors, in ULP of the exact result: exp, log, erf, elu 1 (measured), sigmoid,
// tanh, softplus 2, gelu 11 (far out, 2 above -3), gelu_tanh 134 (far out),
// swish and mish as sigmoid but for denormal results. test_nn_ops_math.c holds
// them to that, and a little.
typedef enum wr_nn_map_kind {
    WR_NN_MAP_RELU,
    WR_NN_MAP_CLIP,   // a: low, b: high
    WR_NN_MAP_LINEAR, // a * x + b
    WR_NN_MAP_SIGMOID,
    WR_NN_MAP_TANH,
    WR_NN_MAP_HARDSIGMOID, // clip(a * x + b, 0, 1)
    WR_NN_MAP_HARDSWISH,   // x * clip(a * x + b, 0, 1)
    WR_NN_MAP_SWISH,       // x * sigmoid(a * x)
    WR_NN_MAP_GELU,        // exact
    WR_NN_MAP_GELU_TANH,   // approximate="tanh"
    WR_NN_MAP_ERF,
    WR_NN_MAP_EXP,
    WR_NN_MAP_EXP_LESS, // exp(x - a)
    WR_NN_MAP_LOG,
    WR_NN_MAP_SQRT,
    WR_NN_MAP_ABS,
    WR_NN_MAP_NEG,
    WR_NN_MAP_RECIPROCAL,
    WR_NN_MAP_SQUARE,
    WR_NN_MAP_FLOOR,
    WR_NN_MAP_CEIL,
    WR_NN_MAP_ROUND, // halves to even
    WR_NN_MAP_SIGN,
    WR_NN_MAP_SELU,  // b * (x > 0 ? x : a * (exp(x) - 1)); b = 1: Elu
    WR_NN_MAP_CELU,  // x > 0 ? x : a * (exp(x / a) - 1)
    WR_NN_MAP_LEAKY, // x < 0 ? a * x : x
    WR_NN_MAP_SOFTPLUS,
    WR_NN_MAP_SOFTSIGN,
    WR_NN_MAP_MISH,      // x * tanh(softplus(x))
    WR_NN_MAP_THRESHOLD, // x > a ? x : 0
    WR_NN_MAP_SHRINK,    // a: bias, b: lambda
    WR_NN_MAP_SIN,       // from here on: the C library's, one by one
    WR_NN_MAP_COS,
    WR_NN_MAP_TAN,
    WR_NN_MAP_ASIN,
    WR_NN_MAP_ACOS,
    WR_NN_MAP_ATAN,
    WR_NN_MAP_SINH,
    WR_NN_MAP_COSH,
    WR_NN_MAP_ASINH,
    WR_NN_MAP_ACOSH,
    WR_NN_MAP_ATANH,
    WR_NN_MAPS,
} wr_nn_map_kind;

typedef void wr_nn_map(float *restrict out, const float *restrict in,
                       size_t count, float a, float b);

// Two operands. NaN in either gives NaN, also in MAX and MIN.
typedef enum wr_nn_zip_kind {
    WR_NN_ZIP_ADD,
    WR_NN_ZIP_SUB,
    WR_NN_ZIP_MUL,
    WR_NN_ZIP_DIV,
    WR_NN_ZIP_MAX,
    WR_NN_ZIP_MIN,
    WR_NN_ZIP_POW,
    WR_NN_ZIP_PRELU, // x < 0 ? x * y : x
    WR_NN_ZIP_FMOD,  // the sign of x
    WR_NN_ZIPS,
} wr_nn_zip_kind;

// Which operand is one element that stays.
typedef enum wr_nn_form {
    WR_NN_BOTH,
    WR_NN_SECOND_STAYS,
    WR_NN_FIRST_STAYS,
    WR_NN_FORMS,
} wr_nn_form;

typedef void wr_nn_zip(float *restrict out, const float *restrict a,
                       const float *restrict b, size_t count);

typedef enum wr_nn_compare_kind {
    WR_NN_EQUAL,
    WR_NN_GREATER,
    WR_NN_LESS,
    WR_NN_GREATER_EQUAL,
    WR_NN_LESS_EQUAL,
    WR_NN_COMPARES,
} wr_nn_compare_kind;

typedef void wr_nn_compare(uint8_t *restrict out, const float *restrict a,
                           const float *restrict b, size_t count);

typedef enum wr_nn_fold_kind {
    WR_NN_FOLD_SUM,
    WR_NN_FOLD_MAX,
    WR_NN_FOLD_MIN,
    WR_NN_FOLD_PRODUCT,
    WR_NN_FOLDS,
} wr_nn_fold_kind;

typedef struct wr_nn_kernels {
    const char *name;
    wr_nn_map *map[WR_NN_MAPS];
    wr_nn_zip *zip[WR_NN_ZIPS][WR_NN_FORMS];
    wr_nn_compare *compare[WR_NN_COMPARES][WR_NN_FORMS];

    // Of count > 0 neighbours, in 32 lanes, the lanes pairwise at the end.
    float (*fold[WR_NN_FOLDS])(const float *x, size_t count);
    // acc[i] = acc[i] op x[i * step]
    void (*into[WR_NN_FOLDS])(float *restrict acc, const float *restrict x,
                              size_t count, size_t step);
    // acc[i] = acc[i] op x[0][i] op x[1][i] ...: `rows` of them, in order.
    void (*gather[WR_NN_FOLDS])(float *restrict acc,
                                const float *const *restrict x, size_t rows,
                                size_t count);
    // x[i] *= by
    void (*scale)(float *x, size_t count, float by);
    // out[i] = (x[i] - mean) * factor * weight[i] + bias[i]; weight and bias
    // may be NULL: 1 and 0.
    void (*norm)(float *restrict out, const float *restrict x, size_t count,
                 float mean, float factor, const float *weight,
                 const float *bias);
    // out[i] = (x[i] - mean[i]) * factor[i] + bias[i]
    void (*norm_each)(float *restrict out, const float *restrict x,
                      size_t count, const float *mean, const float *factor,
                      const float *bias);
    // out[c * out_row + r] = in[r * in_row + c], 4-byte elements.
    void (*transpose)(wr_nn_four *restrict out, size_t out_row,
                      const wr_nn_four *restrict in, size_t in_row, size_t rows,
                      size_t columns);
} wr_nn_kernels;

// op_kernel.c; op_kernel_avx2.c and op_kernel_avx512.c (x86-64 alone).
extern const wr_nn_kernels wr_nn_kernels_plain;
extern const wr_nn_kernels wr_nn_kernels_avx2;
extern const wr_nn_kernels wr_nn_kernels_avx512;

// The best set that this processor can run. In op_kernel_avx2.c; elsewhere than
// on x86-64 kernel_noisa.c takes its place.
const wr_nn_kernels *wr_nn_kernels_best(void);

#endif
