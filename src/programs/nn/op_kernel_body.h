// SPDX-License-Identifier: MIT
//
// The inner loops. Included once by each file that defines TARGET (the
// functions' attribute), KERNELS (the table's name) and KERNELS_NAME.
//
// The polynomials are our own: Chebyshev fits (mpmath's chebyfit at 40 digits)
// of the functions named beside them, rounded to float. What the whole comes to
// is measured in test_nn_ops_math.c.
#ifndef WEIR_PROGRAMS_NN_OP_KERNEL_BODY_H
#define WEIR_PROGRAMS_NN_OP_KERNEL_BODY_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "programs/nn/op_kernel.h"

#define INLINE TARGET __attribute__((always_inline)) static inline

// ---------------------------------------------------------------------------
// Floats as bits

INLINE float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE float magnitude(float x) { return from_bits(to_bits(x) & 0x7fffffffu); }

INLINE float with_sign_of(float x, float sign) {
    return from_bits((to_bits(x) & 0x7fffffffu) |
                     (to_bits(sign) & 0x80000000u));
}

// NaN stays NaN in all of these.
INLINE float at_least(float x, float low) { return x < low ? low : x; }

INLINE float at_most(float x, float high) { return x > high ? high : x; }

INLINE float clip(float x, float low, float high) {
    return at_most(at_least(x, low), high);
}

// Halves to even, by adding what leaves no room for a fraction.
INLINE float round_even(float x) {
    float y = magnitude(x);
    float rounded = (y + 8388608.0f) - 8388608.0f;
    return with_sign_of(y < 8388608.0f ? rounded : y, x);
}

INLINE float round_down(float x) {
    float y = round_even(x);
    return y > x ? y - 1.0f : y;
}

INLINE float round_up(float x) {
    float y = round_even(x);
    return y < x ? with_sign_of(y + 1.0f, x) : y;
}

INLINE float sign(float x) {
    float one = with_sign_of(1.0f, x);
    return x == 0.0f || x != x ? x : one;
}

// ---------------------------------------------------------------------------
// exp

// x = n ln 2 + r with |r| <= (ln 2) / 2; *half and *rest are powers of two
// whose product is 2^n, each a normal number. Returns exp(r) - 1.
// x is within [-104, 89] or NaN.
INLINE float exp_parts(float x, float *half, float *rest) {
    const float magic = 12582912.0f; // 1.5 * 2^23: its last bit is worth 1
    float shifted = x * 1.44269504f + magic;
    float n = shifted - magic;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    // (exp(r) - 1 - r) / r^2, relative error 6.5e-8
    float q = 0.0013926183588f;
    q = q * r + 0.0083631790527f;
    q = q * r + 0.041666554617f;
    q = q * r + 0.1666657699f;
    q = q * r + 0.5f;
    // n + 256 is in [105, 385], halves of it are exponents of normal numbers.
    uint32_t biased = to_bits(shifted) - 0x4b400000u + 256u;
    uint32_t first = biased >> 1;
    *half = from_bits((first - 1u) << 23);
    *rest = from_bits((biased - first - 1u) << 23);
    return r + r * r * q;
}

INLINE float exp_(float x) {
    float half, rest;
    float less_one = exp_parts(clip(x, -104.0f, 89.0f), &half, &rest);
    return (half + half * less_one) * rest;
}

// For x <= 64. Right to a few ULP near 0 too.
INLINE float expm1_(float x) {
    float half, rest;
    float less_one = exp_parts(at_least(x, -104.0f), &half, &rest);
    float scale = half * rest;
    return scale * less_one + (scale - 1.0f);
}

INLINE float sigmoid(float x) {
    float e = exp_(-magnitude(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

INLINE float tanh_(float x) {
    float e = expm1_(at_most(2.0f * magnitude(x), 20.0f));
    return with_sign_of(e / (e + 2.0f), x);
}

// ---------------------------------------------------------------------------
// log

// Of a normal number above 0.
INLINE float log_normal(float x, float exponent) {
    // x = 2^n * (1 + f) with 1 + f within [sqrt 1/2, sqrt 2)
    uint32_t bits = to_bits(x) - 0x3f3504f3u;
    float n = (float)((int32_t)bits >> 23) + exponent;
    float f = from_bits((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    // (log(1 + f) - f + f^2 / 2) / f^3, error 2.9e-8
    float q = 0.069725186339f;
    q = q * f + -0.11481212059f;
    q = q * f + 0.11685784721f;
    q = q * f + -0.1242552336f;
    q = q * f + 0.14249007241f;
    q = q * f + -0.16667807133f;
    q = q * f + 0.20000717213f;
    q = q * f + -0.24999996925f;
    q = q * f + 0.33333331174f;
    float square = f * f;
    float tail = f * square * q + n * -2.12194440e-4f;
    return (tail - 0.5f * square + f) + n * 0.693359375f;
}

INLINE float log_(float x) {
    bool small = x < 1.17549435e-38f;
    float y = log_normal(small ? x * 8388608.0f : x, small ? -23.0f : 0.0f);
    y = x < 0.0f ? NAN : y;
    y = x == 0.0f ? -INFINITY : y;
    return x == INFINITY || x != x ? x : y;
}

// log(1 + x) for x within [0, 1]: the rounding of 1 + x is put right by its
// first order.
INLINE float log1p_(float x) {
    float u = 1.0f + x;
    return log_normal(u, 0.0f) + (x - (u - 1.0f)) / u;
}

INLINE float softplus(float x) {
    return at_least(x, 0.0f) + log1p_(exp_(-magnitude(x)));
}

INLINE float mish(float x) { return x * tanh_(softplus(x)); }

// ---------------------------------------------------------------------------
// erf

// What z * z lacks to the exact square.
INLINE float square_rest(float z, float square) {
    float high = from_bits(to_bits(z) & 0xfffff000u);
    float low = z - high;
    return ((high * high - square) + 2.0f * high * low) + low * low;
}

// erfc(z) for z within [0, 10.3], given z^2 as square + rest.
INLINE float erfc_(float z, float square, float rest) {
    float u = (z - 3.0f) / (z + 3.0f);
    // exp(z^2) erfc(z) (1 + 2 z), error 3.6e-9
    float p = -0.00027545601873f;
    p = p * u + -0.00079318257791f;
    p = p * u + 0.0019982250991f;
    p = p * u + 0.0025782180724f;
    p = p * u + -0.023792458331f;
    p = p * u + 0.068293239989f;
    p = p * u + -0.11927229239f;
    p = p * u + 0.12964664792f;
    p = p * u + -0.047562298596f;
    p = p * u + -0.13562114626f;
    p = p * u + 1.253008058f;
    return exp_(-square) * (p / (1.0f + 2.0f * z)) * (1.0f - rest);
}

INLINE float erf_(float x) {
    float z = magnitude(x);
    float w = at_most(z, 10.3f); // erfc(10.3) is 0
    float ww = w * w;
    float far = with_sign_of(1.0f - erfc_(w, ww, square_rest(w, ww)), x);
    float s = x * x;
    // erf(x) / x - 1 in x^2 up to 1, error 1.2e-9
    float p = 7.8758750627e-5f;
    p = p * s + -0.00080168642872f;
    p = p * s + 0.0051890874234f;
    p = p * s + -0.026854212011f;
    p = p * s + 0.11283594715f;
    p = p * s + -0.37612626667f;
    p = p * s + 0.12837916585f;
    float near = x + x * p;
    return z < 1.0f ? near : far;
}

INLINE float gelu(float x) {
    // Both halves of the square are exact, so the tail is right far out.
    float t = at_most(magnitude(x), 14.5f);
    float tt = t * t;
    float tail =
        0.5f * erfc_(t * 0.707106781f, 0.5f * tt, 0.5f * square_rest(t, tt));
    float y = x * (x < 0.0f ? tail : 1.0f - tail);
    return x == -INFINITY ? -0.0f : y;
}

INLINE float gelu_tanh(float x) {
    float y = 0.797884561f * (x + 0.044715f * x * x * x);
    // 0.5 (1 + tanh y) is sigmoid(2 y), without the cancellation
    return x == -INFINITY ? -0.0f : x * sigmoid(2.0f * y);
}

// ---------------------------------------------------------------------------
// Element by element

#define MAP(name, expression)                                                  \
    TARGET static void map_##name(float *restrict out,                         \
                                  const float *restrict in, size_t count,      \
                                  float a, float b) {                          \
        (void)a;                                                               \
        (void)b;                                                               \
        for (size_t i = 0; i < count; i++) {                                   \
            float x = in[i];                                                   \
            out[i] = (expression);                                             \
        }                                                                      \
    }

MAP(relu, at_least(x, 0.0f))
MAP(clip, clip(x, a, b))
MAP(linear, a *x + b)
MAP(sigmoid, sigmoid(x))
MAP(tanh, tanh_(x))
MAP(hardsigmoid, clip(a *x + b, 0.0f, 1.0f))
MAP(hardswish, x *clip(a *x + b, 0.0f, 1.0f))
MAP(swish, x *sigmoid(a *x))
MAP(gelu, gelu(x))
MAP(gelu_tanh, gelu_tanh(x))
MAP(erf, erf_(x))
MAP(exp, exp_(x))
MAP(exp_less, exp_(x - a))
MAP(log, log_(x))
MAP(sqrt, sqrtf(x))
MAP(abs, magnitude(x))
MAP(neg, -x)
MAP(reciprocal, 1.0f / x)
MAP(square, x *x)
MAP(floor, round_down(x))
MAP(ceil, round_up(x))
MAP(round, round_even(x))
MAP(sign, sign(x))
MAP(selu, b *(x > 0.0f ? x : a * expm1_(at_most(x, 0.0f))))
MAP(celu, x > 0.0f ? x : a * expm1_(at_most(x / a, 64.0f)))
MAP(leaky, x < 0.0f ? a * x : x)
MAP(softplus, softplus(x))
MAP(softsign, x / (1.0f + magnitude(x)))
MAP(mish, mish(x))
MAP(threshold, x > a || x != x ? x : 0.0f)
MAP(shrink, x < -b ? x + a : (x > b ? x - a : (x != x ? x : 0.0f)))
MAP(sin, sinf(x))
MAP(cos, cosf(x))
MAP(tan, tanf(x))
MAP(asin, asinf(x))
MAP(acos, acosf(x))
MAP(atan, atanf(x))
MAP(sinh, sinhf(x))
MAP(cosh, coshf(x))
MAP(asinh, asinhf(x))
MAP(acosh, acoshf(x))
MAP(atanh, atanhf(x))

#define ZIP_FORM(name, form, type, first, second, expression)                  \
    TARGET static void name##_##form(type *restrict out,                       \
                                     const float *restrict a,                  \
                                     const float *restrict b, size_t count) {  \
        float a0 = a[0], b0 = b[0];                                            \
        (void)a0;                                                              \
        (void)b0;                                                              \
        for (size_t i = 0; i < count; i++) {                                   \
            float x = first, y = second;                                       \
            out[i] = (expression);                                             \
        }                                                                      \
    }
#define ZIP(name, type, expression)                                            \
    ZIP_FORM(name, both, type, a[i], b[i], expression)                         \
    ZIP_FORM(name, second, type, a[i], b0, expression)                         \
    ZIP_FORM(name, first, type, a0, b[i], expression)
#define ZIP_NAMES(name)                                                        \
    { name##_both, name##_second, name##_first }

ZIP(add, float, x + y)
ZIP(sub, float, x - y)
ZIP(mul, float, x *y)
ZIP(div, float, x / y)
ZIP(max, float, x > y || x != x ? x : y)
ZIP(min, float, x < y || x != x ? x : y)
ZIP_FORM(pow, both, float, a[i], b[i], powf(x, y))
ZIP_FORM(pow, first, float, a0, b[i], powf(x, y))
ZIP(prelu, float, x < 0.0f ? x * y : x)
ZIP(fmod, float, fmodf(x, y))
ZIP(equal, uint8_t, x == y)
ZIP(greater, uint8_t, x > y)
ZIP(less, uint8_t, x < y)
ZIP(greater_equal, uint8_t, x >= y)
ZIP(less_equal, uint8_t, x <= y)

TARGET static void pow_second(float *restrict out, const float *restrict a,
                              const float *restrict b, size_t count) {
    float exponent = b[0];
    if (exponent == 2.0f) // what graphs use it for; exactly powf's result
        map_square(out, a, count, 0.0f, 0.0f);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = powf(a[i], exponent);
}

// ---------------------------------------------------------------------------
// Folding

enum { LANES = 32 };

#define FOLD(name, expression)                                                 \
    INLINE float name##_two(float x, float y) { return (expression); }         \
    TARGET static float fold_##name(const float *in, size_t count) {           \
        if (count < LANES) {                                                   \
            float few = in[0];                                                 \
            for (size_t i = 1; i < count; i++)                                 \
                few = name##_two(few, in[i]);                                  \
            return few;                                                        \
        }                                                                      \
        float lane[LANES];                                                     \
        memcpy(lane, in, sizeof lane);                                         \
        size_t i = LANES;                                                      \
        for (; i + LANES <= count; i += LANES)                                 \
            for (size_t j = 0; j < LANES; j++)                                 \
                lane[j] = name##_two(lane[j], in[i + j]);                      \
        for (size_t j = 0; i + j < count; j++)                                 \
            lane[j] = name##_two(lane[j], in[i + j]);                          \
        for (size_t width = LANES / 2; width > 0; width /= 2)                  \
            for (size_t j = 0; j < width; j++)                                 \
                lane[j] = name##_two(lane[j], lane[j + width]);                \
        return lane[0];                                                        \
    }                                                                          \
    TARGET static void into_##name(float *restrict acc,                        \
                                   const float *restrict in, size_t count,     \
                                   size_t step) {                              \
        if (step == 1)                                                         \
            for (size_t i = 0; i < count; i++)                                 \
                acc[i] = name##_two(acc[i], in[i]);                            \
        else if (step == 2)                                                    \
            for (size_t i = 0; i < count; i++)                                 \
                acc[i] = name##_two(acc[i], in[2 * i]);                        \
        else                                                                   \
            for (size_t i = 0; i < count; i++)                                 \
                acc[i] = name##_two(acc[i], in[step * i]);                     \
    }

typedef float floats __attribute__((vector_size(16)));
typedef int32_t masks __attribute__((vector_size(16)));

INLINE floats choose(masks mask, floats x, floats y) {
    return (floats)((mask & (masks)x) | (~mask & (masks)y));
}

// Said with vectors, so that the accumulators stay in registers while the rows
// go by.
enum { WIDTH = 4, SUMS = LANES / WIDTH };

#define GATHER(name, expression)                                               \
    TARGET static void gather_##name(float *restrict acc,                      \
                                     const float *const *restrict in,          \
                                     size_t rows, size_t count) {              \
        size_t i = 0;                                                          \
        for (; i + LANES <= count; i += LANES) {                               \
            floats sum[SUMS];                                                  \
            memcpy(sum, acc + i, sizeof sum);                                  \
            for (size_t row = 0; row < rows; row++) {                          \
                floats more[SUMS];                                             \
                memcpy(more, in[row] + i, sizeof more);                        \
                for (size_t j = 0; j < SUMS; j++) {                            \
                    floats x = sum[j], y = more[j];                            \
                    sum[j] = (expression);                                     \
                }                                                              \
            }                                                                  \
            memcpy(acc + i, sum, sizeof sum);                                  \
        }                                                                      \
        for (; i < count; i++)                                                 \
            for (size_t row = 0; row < rows; row++)                            \
                acc[i] = name##_two(acc[i], in[row][i]);                       \
    }

FOLD(sum, x + y)
FOLD(max, x > y || x != x ? x : y)
FOLD(min, x < y || x != x ? x : y)
FOLD(product, x *y)
GATHER(sum, x + y)
GATHER(max, choose((x > y) | (x != x), x, y))
GATHER(min, choose((x < y) | (x != x), x, y))
GATHER(product, x *y)

TARGET static void scale(float *x, size_t count, float by) {
    for (size_t i = 0; i < count; i++)
        x[i] *= by;
}

TARGET static void norm(float *restrict out, const float *restrict x,
                        size_t count, float mean, float factor,
                        const float *weight, const float *bias) {
    const float *restrict w = weight, *restrict b = bias;
    if (w != NULL && b != NULL)
        for (size_t i = 0; i < count; i++)
            out[i] = (x[i] - mean) * factor * w[i] + b[i];
    else if (w != NULL)
        for (size_t i = 0; i < count; i++)
            out[i] = (x[i] - mean) * factor * w[i];
    else if (b != NULL)
        for (size_t i = 0; i < count; i++)
            out[i] = (x[i] - mean) * factor + b[i];
    else
        for (size_t i = 0; i < count; i++)
            out[i] = (x[i] - mean) * factor;
}

TARGET static void norm_each(float *restrict out, const float *restrict x,
                             size_t count, const float *mean,
                             const float *factor, const float *bias) {
    const float *restrict m = mean, *restrict f = factor, *restrict b = bias;
    for (size_t i = 0; i < count; i++)
        out[i] = (x[i] - m[i]) * f[i] + b[i];
}

// ---------------------------------------------------------------------------
// Transposing

typedef uint32_t four __attribute__((vector_size(16)));

INLINE four load_four(const wr_nn_four *at) {
    four value;
    memcpy(&value, at, sizeof value);
    return value;
}

INLINE void store_four(wr_nn_four *at, four value) {
    memcpy(at, &value, sizeof value);
}

// 4 rows of 4 become their columns.
INLINE void transpose_four(wr_nn_four *out, size_t out_row,
                           const wr_nn_four *in, size_t in_row) {
    four r0 = load_four(in), r1 = load_four(in + in_row);
    four r2 = load_four(in + 2 * in_row), r3 = load_four(in + 3 * in_row);
    four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
    four high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    four high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    store_four(out, __builtin_shufflevector(low01, low23, 0, 1, 4, 5));
    store_four(out + out_row,
               __builtin_shufflevector(low01, low23, 2, 3, 6, 7));
    store_four(out + 2 * out_row,
               __builtin_shufflevector(high01, high23, 0, 1, 4, 5));
    store_four(out + 3 * out_row,
               __builtin_shufflevector(high01, high23, 2, 3, 6, 7));
}

enum { SIDE = 16 };

// A tile of 16 by 16: every line of memory is read, and written, in one go,
// also where lines lie a power of two apart and push each other out.
INLINE void transpose_tile(wr_nn_four *restrict out, size_t out_row,
                           const wr_nn_four *restrict in, size_t in_row) {
    wr_nn_four tile[SIDE * SIDE];
    for (size_t r = 0; r < SIDE; r += 4)
        for (size_t c = 0; c < SIDE; c += 4)
            transpose_four(tile + c * SIDE + r, SIDE, in + r * in_row + c,
                           in_row);
    for (size_t c = 0; c < SIDE; c++)
        memcpy(out + c * out_row, tile + c * SIDE, SIDE * sizeof *out);
}

TARGET static void transpose(wr_nn_four *restrict out, size_t out_row,
                             const wr_nn_four *restrict in, size_t in_row,
                             size_t rows, size_t columns) {
    size_t whole_rows = rows - rows % SIDE, whole = columns - columns % SIDE;
    for (size_t r = 0; r < whole_rows; r += SIDE)
        for (size_t c = 0; c < whole; c += SIDE)
            transpose_tile(out + c * out_row + r, out_row, in + r * in_row + c,
                           in_row);
    for (size_t c = whole; c < columns; c++)
        for (size_t r = 0; r < whole_rows; r++)
            out[c * out_row + r] = in[r * in_row + c];
    for (size_t c = 0; c < columns; c++)
        for (size_t r = whole_rows; r < rows; r++)
            out[c * out_row + r] = in[r * in_row + c];
}

// ---------------------------------------------------------------------------

const wr_nn_kernels KERNELS = {
    .name = KERNELS_NAME,
    .map =
        {
            [WR_NN_MAP_RELU] = map_relu,
            [WR_NN_MAP_CLIP] = map_clip,
            [WR_NN_MAP_LINEAR] = map_linear,
            [WR_NN_MAP_SIGMOID] = map_sigmoid,
            [WR_NN_MAP_TANH] = map_tanh,
            [WR_NN_MAP_HARDSIGMOID] = map_hardsigmoid,
            [WR_NN_MAP_HARDSWISH] = map_hardswish,
            [WR_NN_MAP_SWISH] = map_swish,
            [WR_NN_MAP_GELU] = map_gelu,
            [WR_NN_MAP_GELU_TANH] = map_gelu_tanh,
            [WR_NN_MAP_ERF] = map_erf,
            [WR_NN_MAP_EXP] = map_exp,
            [WR_NN_MAP_EXP_LESS] = map_exp_less,
            [WR_NN_MAP_LOG] = map_log,
            [WR_NN_MAP_SQRT] = map_sqrt,
            [WR_NN_MAP_ABS] = map_abs,
            [WR_NN_MAP_NEG] = map_neg,
            [WR_NN_MAP_RECIPROCAL] = map_reciprocal,
            [WR_NN_MAP_SQUARE] = map_square,
            [WR_NN_MAP_FLOOR] = map_floor,
            [WR_NN_MAP_CEIL] = map_ceil,
            [WR_NN_MAP_ROUND] = map_round,
            [WR_NN_MAP_SIGN] = map_sign,
            [WR_NN_MAP_SELU] = map_selu,
            [WR_NN_MAP_CELU] = map_celu,
            [WR_NN_MAP_LEAKY] = map_leaky,
            [WR_NN_MAP_SOFTPLUS] = map_softplus,
            [WR_NN_MAP_SOFTSIGN] = map_softsign,
            [WR_NN_MAP_MISH] = map_mish,
            [WR_NN_MAP_THRESHOLD] = map_threshold,
            [WR_NN_MAP_SHRINK] = map_shrink,
            [WR_NN_MAP_SIN] = map_sin,
            [WR_NN_MAP_COS] = map_cos,
            [WR_NN_MAP_TAN] = map_tan,
            [WR_NN_MAP_ASIN] = map_asin,
            [WR_NN_MAP_ACOS] = map_acos,
            [WR_NN_MAP_ATAN] = map_atan,
            [WR_NN_MAP_SINH] = map_sinh,
            [WR_NN_MAP_COSH] = map_cosh,
            [WR_NN_MAP_ASINH] = map_asinh,
            [WR_NN_MAP_ACOSH] = map_acosh,
            [WR_NN_MAP_ATANH] = map_atanh,
        },
    .zip =
        {
            [WR_NN_ZIP_ADD] = ZIP_NAMES(add),
            [WR_NN_ZIP_SUB] = ZIP_NAMES(sub),
            [WR_NN_ZIP_MUL] = ZIP_NAMES(mul),
            [WR_NN_ZIP_DIV] = ZIP_NAMES(div),
            [WR_NN_ZIP_MAX] = ZIP_NAMES(max),
            [WR_NN_ZIP_MIN] = ZIP_NAMES(min),
            [WR_NN_ZIP_POW] = ZIP_NAMES(pow),
            [WR_NN_ZIP_PRELU] = ZIP_NAMES(prelu),
            [WR_NN_ZIP_FMOD] = ZIP_NAMES(fmod),
        },
    .compare =
        {
            [WR_NN_EQUAL] = ZIP_NAMES(equal),
            [WR_NN_GREATER] = ZIP_NAMES(greater),
            [WR_NN_LESS] = ZIP_NAMES(less),
            [WR_NN_GREATER_EQUAL] = ZIP_NAMES(greater_equal),
            [WR_NN_LESS_EQUAL] = ZIP_NAMES(less_equal),
        },
    .fold =
        {
            [WR_NN_FOLD_SUM] = fold_sum,
            [WR_NN_FOLD_MAX] = fold_max,
            [WR_NN_FOLD_MIN] = fold_min,
            [WR_NN_FOLD_PRODUCT] = fold_product,
        },
    .into =
        {
            [WR_NN_FOLD_SUM] = into_sum,
            [WR_NN_FOLD_MAX] = into_max,
            [WR_NN_FOLD_MIN] = into_min,
            [WR_NN_FOLD_PRODUCT] = into_product,
        },
    .gather =
        {
            [WR_NN_FOLD_SUM] = gather_sum,
            [WR_NN_FOLD_MAX] = gather_max,
            [WR_NN_FOLD_MIN] = gather_min,
            [WR_NN_FOLD_PRODUCT] = gather_product,
        },
    .scale = scale,
    .norm = norm,
    .norm_each = norm_each,
    .transpose = transpose,
};

#endif
