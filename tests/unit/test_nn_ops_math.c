// SPDX-License-Identifier: MIT
// How far the inner loops' functions are from the C library's in double
// precision, over floats from all of the number line; and that every set of
// instructions gives the same bits.
#include <math.h>
#include <stdint.h>

#include "programs/nn/op_kernel.h"
#include "support/check.h"

enum { BLOCK = 1024 };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double gelu(double x) { return x * 0.5 * erfc(-x * M_SQRT1_2); }

static double elu(double x) { return x > 0 ? x : expm1(x); }

static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

static double swish(double x) { return x * sigmoid(x); }

static double mish(double x) { return x * tanh(softplus(x)); }

static double gelu_tanh(double x) {
    return x * sigmoid(2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x));
}

// What the header promises. Below `smallest` a result may be off by as much
// as `smallest` itself is by.
static const struct promise {
    const char *name;
    wr_nn_map_kind kind;
    double (*exact)(double);
    double ulps;
    float smallest;
} promises[] = {
    {"exp", WR_NN_MAP_EXP, exp, 2, 0},
    {"log", WR_NN_MAP_LOG, log, 2, 0},
    {"sigmoid", WR_NN_MAP_SIGMOID, sigmoid, 3, 0},
    {"tanh", WR_NN_MAP_TANH, tanh, 3, 0},
    {"erf", WR_NN_MAP_ERF, erf, 2, 0},
    {"gelu", WR_NN_MAP_GELU, gelu, 12, 1e-37f},
    {"gelu_tanh", WR_NN_MAP_GELU_TANH, gelu_tanh, 150, 1e-36f},
    {"elu", WR_NN_MAP_SELU, elu, 2, 0},
    {"softplus", WR_NN_MAP_SOFTPLUS, softplus, 3, 0},
    {"swish", WR_NN_MAP_SWISH, swish, 4, 1e-36f},
    {"mish", WR_NN_MAP_MISH, mish, 5, 1e-36f},
    {"floor", WR_NN_MAP_FLOOR, floor, 0, 0},
    {"ceil", WR_NN_MAP_CEIL, ceil, 0, 0},
    {"round", WR_NN_MAP_ROUND, rint, 0, 0},
    {"sign", WR_NN_MAP_SIGN, sign, 0, 0},
};

static int64_t ordered(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? -(int64_t)(bits & INT32_MAX) : bits;
}

// Every float whose bits are a multiple of `step`, and those around 0 and 1.
static size_t next_block(uint64_t *bits, uint32_t step, float *out) {
    size_t count = 0;
    for (; count < BLOCK && *bits <= UINT32_MAX; count++, *bits += step) {
        uint32_t low = (uint32_t)*bits;
        memcpy(&out[count], &low, sizeof low);
    }
    return count;
}

static void hold_to(const struct promise *p, const float *x, const float *y,
                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        float exact = (float)p->exact((double)x[i]);
        if (isnan(exact)) {
            // inf - inf in the reference's own tails.
            if (!isnan(y[i]) && !isinf(x[i]))
                CHECK_FAIL("%s(%.9g) is no NaN", p->name, (double)x[i]);
            continue;
        }
        if (fabsf(exact) < p->smallest && fabsf(y[i]) < 2 * p->smallest)
            continue;
        int64_t off = ordered(exact) - ordered(y[i]);
        if (isnan(y[i]) || (double)llabs((long long)off) > p->ulps)
            CHECK_FAIL("%s(%.9g) is %.9g, not %.9g", p->name, (double)x[i],
                       (double)y[i], (double)exact);
    }
}

static void functions_are_as_near_as_they_say(void) {
    const wr_nn_kernels *kernels = wr_nn_kernels_best();
    for (size_t k = 0; k < sizeof promises / sizeof promises[0]; k++) {
        static float x[BLOCK], y[BLOCK];
        uint64_t bits = k; // not the same floats for each
        size_t count;
        while ((count = next_block(&bits, 49999, x)) > 0) {
            kernels->map[promises[k].kind](y, x, count, 1.0f, 1.0f);
            hold_to(&promises[k], x, y, count);
        }
    }
}

static void special_values_are_kept(void) {
    static const struct {
        wr_nn_map_kind kind;
        float x, y;
    } values[] = {
        {WR_NN_MAP_EXP, -INFINITY, 0},
        {WR_NN_MAP_EXP, INFINITY, INFINITY},
        {WR_NN_MAP_EXP, 0, 1},
        {WR_NN_MAP_LOG, 0, -INFINITY},
        {WR_NN_MAP_LOG, -1, NAN},
        {WR_NN_MAP_LOG, INFINITY, INFINITY},
        {WR_NN_MAP_SIGMOID, -INFINITY, 0},
        {WR_NN_MAP_SIGMOID, INFINITY, 1},
        {WR_NN_MAP_TANH, -INFINITY, -1},
        {WR_NN_MAP_TANH, -0.0f, -0.0f},
        {WR_NN_MAP_ERF, INFINITY, 1},
        {WR_NN_MAP_ERF, -0.0f, -0.0f},
        {WR_NN_MAP_GELU, INFINITY, INFINITY},
        {WR_NN_MAP_GELU, -INFINITY, -0.0f},
        {WR_NN_MAP_SOFTPLUS, -INFINITY, 0},
        {WR_NN_MAP_SOFTPLUS, INFINITY, INFINITY},
        {WR_NN_MAP_RELU, -0.0f, -0.0f},
        {WR_NN_MAP_NEG, 0, -0.0f},
        {WR_NN_MAP_ABS, -0.0f, 0},
        {WR_NN_MAP_FLOOR, -0.0f, -0.0f},
        {WR_NN_MAP_CEIL, -0.5f, -0.0f},
        {WR_NN_MAP_ROUND, 2.5f, 2},
        {WR_NN_MAP_ROUND, -0.25f, -0.0f},
        {WR_NN_MAP_SQRT, 1e-45f, 3.74339207e-23f},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        float y;
        wr_nn_kernels_best()->map[values[i].kind](&y, &values[i].x, 1, 1, 1);
        if (isnan(values[i].y) ? !isnan(y)
                               : memcmp(&y, &values[i].y, sizeof y) != 0)
            CHECK_FAIL("value %zu: %.9g becomes %.9g, not %.9g", i,
                       (double)values[i].x, (double)y, (double)values[i].y);
    }
    // NaN goes through everything.
    for (unsigned kind = 0; kind < WR_NN_MAPS; kind++) {
        float x = NAN, y = 0;
        wr_nn_kernels_best()->map[kind](&y, &x, 1, 1.0f, 2.0f);
        if (!isnan(y))
            CHECK_FAIL("map %u makes %g of NaN", kind, (double)y);
    }
}

static void same_bits(const char *what, unsigned kind, const void *a,
                      const void *b, size_t bytes) {
    if (memcmp(a, b, bytes) != 0)
        CHECK_FAIL("%s %u differs between sets of instructions", what, kind);
}

// Only where neither is NaN: which NaN it is may differ.
static void no_nans(float *y, size_t count) {
    for (size_t i = 0; i < count; i++)
        y[i] = isnan(y[i]) ? 0 : y[i];
}

static void instructions_do_not_matter(void) {
    const wr_nn_kernels *a = &wr_nn_kernels_plain, *b = wr_nn_kernels_best();
    if (a == b)
        SKIP("one set of instructions alone");
    static float x[BLOCK], y[BLOCK], p[BLOCK], q[BLOCK];
    uint64_t bits = 12345, more = 54321;
    size_t count;
    while ((count = next_block(&bits, 1999993, x)) > 0) {
        if (next_block(&more, 1999957, y) < count)
            break;
        for (unsigned k = 0; k < WR_NN_MAPS; k++) {
            a->map[k](p, x, count, 0.3f, 1.5f);
            b->map[k](q, x, count, 0.3f, 1.5f);
            no_nans(p, count);
            no_nans(q, count);
            same_bits("map", k, p, q, count * sizeof *p);
        }
        for (unsigned k = 0; k < WR_NN_ZIPS * WR_NN_FORMS; k++) {
            a->zip[k / WR_NN_FORMS][k % WR_NN_FORMS](p, x, y, count);
            b->zip[k / WR_NN_FORMS][k % WR_NN_FORMS](q, x, y, count);
            no_nans(p, count);
            no_nans(q, count);
            same_bits("zip", k, p, q, count * sizeof *p);
        }
        for (unsigned k = 0; k < WR_NN_COMPARES * WR_NN_FORMS; k++) {
            uint8_t u[BLOCK], v[BLOCK];
            a->compare[k / WR_NN_FORMS][k % WR_NN_FORMS](u, x, y, count);
            b->compare[k / WR_NN_FORMS][k % WR_NN_FORMS](v, x, y, count);
            same_bits("compare", k, u, v, count);
        }
    }
}

static void folds_do_not_depend_on_instructions(void) {
    const wr_nn_kernels *a = &wr_nn_kernels_plain, *b = wr_nn_kernels_best();
    static float x[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        x[i] = (float)(i * 7919 % 2003 - 1000) / 997.0f;
    for (unsigned k = 0; k < WR_NN_FOLDS; k++)
        for (size_t count = 1; count <= BLOCK; count += count < 80 ? 1 : 59) {
            float p = a->fold[k](x, count), q = b->fold[k](x, count);
            same_bits("fold", k, &p, &q, sizeof p);
        }
}

static const test_case cases[] = {
    {"functions_are_as_near_as_they_say", functions_are_as_near_as_they_say},
    {"special_values_are_kept", special_values_are_kept},
    {"instructions_do_not_matter", instructions_do_not_matter},
    {"folds_do_not_depend_on_instructions",
     folds_do_not_depend_on_instructions},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
