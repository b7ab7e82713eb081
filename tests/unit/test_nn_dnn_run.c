// SPDX-License-Identifier: MIT
//
// How the operators on oneDNN run: steps, parts, threads, memory, refusals.
// What they compute is test_nn_dnn.c's.
#include "programs/nn/dnn.h"
#include "support/nn_dnn.h"

#include <spawn.h>

// ---- nodes to try things on ------------------------------------------------

typedef struct kind {
    const char *op;
    // MatMul, Gemm: h products of n rows, c by o
    int n, h, w, c, o, k, groups, stride;
    bool nhwc, constant;
} kind;

// A node with all its own inputs. Steps may follow.
static void build(bench *b, const kind *k, int more) {
    bool conv = strncmp(k->op, "Conv", 4) == 0;
    bool three = strcmp(k->op, "MatMul") != 0;
    begin(b, k->op, (three ? 3 : 2) + more);
    wr_nn_shape x = !conv     ? shape_of(2, k->n, k->c)
                    : k->nhwc ? shape_of(4, k->n, k->h, k->w, k->c)
                              : shape_of(4, k->n, k->c, k->h, k->w);
    bool turned = strcmp(k->op, "ConvTranspose") == 0;
    wr_nn_shape w = !conv    ? shape_of(2, k->c, k->o)
                    : turned ? shape_of(4, k->c, k->o, k->k, k->k)
                             : shape_of(4, k->o, k->c / k->groups, k->k, k->k);
    wr_nn_shape bias = shape_of(1, k->o);
    if (!conv && k->h > 1) {
        x = shape_of(3, k->h, k->n, k->c);
        w = shape_of(3, k->h, k->c, k->o);
    }
    input(b, 0, &x, false);
    input(b, 1, &w, k->constant);
    if (three)
        input(b, 2, &bias, true);
    if (!conv)
        return;
    int64_t strides[] = {k->stride, k->stride};
    int64_t pad = turned ? 0 : k->k / 2, pads[] = {pad, pad, pad, pad};
    wr_nn_attr_set_ints(b->graph, b->node, "strides", strides, 2);
    wr_nn_attr_set_ints(b->graph, b->node, "pads", pads, 4);
    wr_nn_attr_set_int(b->graph, b->node, "group", k->groups);
    wr_nn_attr_set_int(b->graph, b->node, "weir_nhwc", k->nhwc);
}

static void build_and_infer(bench *b, const kind *k) {
    build(b, k, 0);
    if (infer(b) != 0)
        CHECK_FAIL("%s", b->why.text);
}

static float *result(const bench *b) {
    size_t count = wr_nn_elements(result_of(b));
    float *y = wr_aligned_alloc(WR_NN_ALIGN, count * sizeof(float));
    CHECK(y != NULL);
    for (size_t i = 0; i < count; i++)
        y[i] = NAN;
    return y;
}

static float *result_in(bench *b, unsigned parts) {
    float *y = result(b);
    prepare(b, parts);
    run_parts(b, y, parts - 1);
    b->node->op->forget(b->node);
    return y;
}

// Convolutions with channels last have the same bits however they are cut. So
// has all else where oneDNN has kernels for it (those named brg, which need
// AVX-512); its general matrix product picks an order of sums by the sizes.
static bool is_exact(const bench *b) {
    unsigned parts = b->node->parts;
    bool conv = strcmp(b->node->op->name, "Conv") == 0 &&
                wr_nn_attr_int(b->node, "weir_nhwc", 0) != 0;
    prepare((bench *)(uintptr_t)b, 1);
    const wr_nn_dnn *dnn = b->node->state;
    bool brg =
        dnn->kernels == 0 || strncmp(wr_nn_dnn_name(dnn, 0), "brg", 3) == 0;
    b->node->op->forget(b->node);
    b->node->parts = parts;
    return conv || brg;
}

static bool same_bits(const bench *b, const float *x, const float *y) {
    return memcmp(x, y, wr_nn_bytes(result_of(b))) == 0;
}

static bool same(const bench *b, const float *x, const float *y) {
    if (is_exact(b))
        return same_bits(b, x, y);
    for (size_t i = 0; i < wr_nn_elements(result_of(b)); i++)
        if (!(fabsf(x[i] - y[i]) <= 1e-5f * (8 + fabsf(x[i]))))
            return false;
    return true;
}

// The shapes of small convnets for reading text, made smaller.
static const kind kinds[] = {
    {"Conv", 1, 24, 40, 3, 16, 3, 1, 2, true, true},
    {"Conv", 1, 12, 20, 24, 24, 3, 24, 1, true, true},
    {"Conv", 1, 13, 17, 33, 33, 5, 33, 2, true, true},
    {"Conv", 1, 12, 20, 16, 32, 1, 1, 1, true, true},
    {"Conv", 3, 9, 7, 30, 60, 3, 2, 1, true, true},
    {"Conv", 2, 5, 5, 200, 130, 3, 1, 1, true, true},
    {"Conv", 1, 1, 40, 480, 60, 1, 1, 1, true, true},
    {"Conv", 6, 4, 4, 8, 8, 3, 1, 1, false, true},
    {"Conv", 1, 8, 8, 12, 12, 3, 12, 1, false, true},
    {"ConvTranspose", 2, 7, 60, 24, 8, 2, 1, 2, true, true},
    {"ConvTranspose", 2, 7, 60, 24, 3, 2, 1, 2, false, true},
    {"MatMul", 40, 1, 1, 120, 700, 0, 0, 0, false, true},
    {"MatMul", 5, 1, 1, 90, 300, 0, 0, 0, false, true},
    {"MatMul", 9, 6, 1, 40, 30, 0, 0, 0, false, true},
    {"MatMul", 9, 2, 1, 40, 30, 0, 0, 0, false, false},
    {"MatMul", 50, 1, 1, 60, 20, 0, 0, 0, false, false},
    {"MatMul", 7, 1, 1, 300, 400, 0, 0, 0, false, true},
    {"Gemm", 12, 1, 1, 30, 90, 0, 0, 0, false, true},
};

static void parts_give_the_same_bits(void) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        bench b;
        build_and_infer(&b, &kinds[i]);
        CHECK(parts_max(&b) >= 5);
        float *whole = result_in(&b, 1);
        for (unsigned parts = 2; parts <= 8 && parts <= parts_max(&b);
             parts++) {
            float *y = result_in(&b, parts);
            if (!same(&b, whole, y))
                CHECK_FAIL("kind %zu has other numbers in %u parts", i, parts);
            wr_free(y);
        }
        wr_free(whole);
        end(&b);
    }
}

// ---- steps -----------------------------------------------------------------

static double step(const wr_nn_step *s, double x, double y) {
    double a = (double)s->a, b = (double)s->b;
    switch (s->kind) {
    case WR_NN_STEP_RELU: return fmax(x, 0);
    case WR_NN_STEP_CLIP: return fmin(fmax(x, a), b);
    case WR_NN_STEP_LINEAR: return a * x + b;
    case WR_NN_STEP_SIGMOID: return 1 / (1 + exp(-x));
    case WR_NN_STEP_TANH: return tanh(x);
    case WR_NN_STEP_HARDSWISH: return x * fmin(fmax(a * x + b, 0), 1);
    case WR_NN_STEP_SWISH: return x / (1 + exp(-a * x));
    case WR_NN_STEP_GELU: return x / 2 * (1 + erf(x / sqrt(2)));
    case WR_NN_STEP_ADD: return x + y;
    case WR_NN_STEP_SUB: return x - y;
    case WR_NN_STEP_MUL: return x * y;
    case WR_NN_STEP_DIV: return x / y;
    case WR_NN_STEP_MAX: return fmax(x, y);
    case WR_NN_STEP_MIN: return fmin(x, y);
    }
    return NAN;
}

enum { FULL, LAST, ONE, ROW }; // an operand; a row is constant

typedef struct program {
    size_t count;
    wr_nn_step steps[3];
    int operands[3];
} program;

static const program programs[] = {
    {1, {{WR_NN_STEP_RELU, -1, 0, 0}}, {0}},
    {1, {{WR_NN_STEP_CLIP, -1, -0.5f, 6}}, {0}},
    {1, {{WR_NN_STEP_HARDSWISH, -1, 1.0f / 6, 0.5f}}, {0}},
    {1, {{WR_NN_STEP_HARDSWISH, -1, 0.2f, 0.5f}}, {0}},
    {2, {{WR_NN_STEP_SIGMOID, -1, 0, 0}, {WR_NN_STEP_LINEAR, -1, 2, -1}}, {0}},
    {2, {{WR_NN_STEP_TANH, -1, 0, 0}, {WR_NN_STEP_SWISH, -1, 1.5f, 0}}, {0}},
    {1, {{WR_NN_STEP_GELU, -1, 0, 0}}, {0}},
    {1, {{WR_NN_STEP_ADD, 0, 0, 0}}, {FULL}},
    {2, {{WR_NN_STEP_ADD, 0, 0, 0}, {WR_NN_STEP_RELU, -1, 0, 0}}, {LAST}},
    {1, {{WR_NN_STEP_ADD, 0, 0, 0}}, {ROW}},
    {2, {{WR_NN_STEP_ADD, 0, 0, 0}, {WR_NN_STEP_SWISH, -1, 1, 0}}, {ROW}},
    {2, {{WR_NN_STEP_ADD, 0, 0, 0}, {WR_NN_STEP_ADD, 0, 0, 0}}, {ROW, FULL}},
    // Two of one kind with different numbers: oneDNN 2.6 takes one for both.
    {2,
     {{WR_NN_STEP_LINEAR, -1, 2, -1}, {WR_NN_STEP_LINEAR, -1, 0.5f, 3}},
     {0}},
    {3,
     {{WR_NN_STEP_LINEAR, -1, 2, -1},
      {WR_NN_STEP_RELU, -1, 0, 0},
      {WR_NN_STEP_LINEAR, -1, -1, 2}},
     {0}},
    {3,
     {{WR_NN_STEP_CLIP, -1, -1, 1},
      {WR_NN_STEP_SIGMOID, -1, 0, 0},
      {WR_NN_STEP_CLIP, -1, 0.3f, 0.6f}},
     {0}},
    {3,
     {{WR_NN_STEP_RELU, -1, 0, 0},
      {WR_NN_STEP_MUL, 0, 0, 0},
      {WR_NN_STEP_SUB, 0, 0, 0}},
     {0, LAST, FULL}},
    {3,
     {{WR_NN_STEP_MAX, 0, 0, 0},
      {WR_NN_STEP_MIN, 0, 0, 0},
      {WR_NN_STEP_DIV, 0, 0, 0}},
     {LAST, FULL, ONE}},
};

// The node again, with the same numbers and the steps behind.
static void with_steps(bench *b, const bench *plain, const kind *k,
                       const program *p) {
    build(b, k, (int)p->count);
    int own = b->node->inputs - (int)p->count;
    for (int i = 0; i < own; i++)
        if (plain->data[i] != NULL)
            memcpy(b->data[i], plain->data[i], plain->sizes[i] * sizeof(float));
    wr_nn_step steps[3];
    for (int i = 0; i < (int)p->count; i++) {
        steps[i] = p->steps[i];
        if (steps[i].operand < 0)
            continue;
        steps[i].operand = own + i;
        wr_nn_shape shape = *result_of(plain);
        if (p->operands[i] == LAST || p->operands[i] == ROW)
            shape = shape_of(1, (int)shape.dim[shape.rank - 1]);
        if (p->operands[i] == ONE)
            shape = shape_of(0);
        input(b, own + i, &shape, p->operands[i] == ROW);
    }
    CHECK_EQ(wr_nn_steps_set(b->graph, b->node, steps, p->count), 0);
    if (infer(b) != 0)
        CHECK_FAIL("%s", b->why.text);
}

static void check_steps(const bench *b, const program *p, const float *before,
                        const float *after) {
    size_t count = wr_nn_elements(result_of(b));
    int own = b->node->inputs - (int)p->count;
    for (size_t i = 0; i < count; i++) {
        double x = (double)before[i], scale = fabs(x) + 1;
        for (size_t s = 0; s < p->count; s++) {
            const float *operand = b->data[own + (int)s];
            double y = operand == NULL
                           ? 0
                           : (double)operand[i % b->sizes[own + (int)s]];
            x = step(&p->steps[s], x, y);
            scale = fmax(scale, fabs(x));
            if (p->steps[s].kind == WR_NN_STEP_DIV)
                scale /= fabs(y);
        }
        if (!(fabs(x - (double)after[i]) <= 3e-6 * scale))
            CHECK_FAIL("steps %zu, %s in %u parts: [%zu] is %.9g, not %.9g",
                       (size_t)(p - programs), b->node->op->name,
                       b->node->parts, i, (double)after[i], x);
    }
}

static void try_steps(const kind *k) {
    bench plain;
    build_and_infer(&plain, k);
    float *before = result_in(&plain, 1);
    for (size_t p = 0; p < TEST_COUNT(programs); p++) {
        bench b;
        with_steps(&b, &plain, k, &programs[p]);
        float *whole = result_in(&b, 1);
        check_steps(&b, &programs[p], before, whole);
        for (unsigned parts = 2; parts <= 5 && parts <= parts_max(&b);
             parts += 3) {
            float *y = result_in(&b, parts);
            CHECK(same(&b, whole, y));
            wr_free(y);
        }
        wr_free(whole);
        end(&b);
    }
    wr_free(before);
    end(&plain);
}

static void steps_are_applied_to_the_result(void) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++)
        try_steps(&kinds[i]);
}

static void steps_of_small_products_are_too(void) {
    static const kind small[] = {
        {"Conv", 2, 1, 1, 20, 37, 1, 1, 1, true, true},
        {"Conv", 1, 1, 1, 40, 10, 1, 1, 1, false, true},
        {"MatMul", 1, 1, 1, 200, 2, 0, 0, 0, false, true},
        {"Gemm", 3, 1, 1, 50, 33, 0, 0, 0, false, true},
    };
    for (size_t i = 0; i < TEST_COUNT(small); i++)
        try_steps(&small[i]);
}

// ---- addresses, instructions -----------------------------------------------

// Inputs and outputs are aligned to an element, constants too.
static void data_need_not_be_aligned(void) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        bench b;
        build_and_infer(&b, &kinds[i]);
        size_t count = wr_nn_elements(result_of(&b));
        float *want = result_in(&b, 1);
        float *aligned[3], *y = numbers(count + 1);
        for (int j = 0; j < 3; j++) {
            aligned[j] = b.data[j];
            if (aligned[j] == NULL)
                continue;
            b.data[j] = numbers(b.sizes[j] + 1) + 1;
            memcpy(b.data[j], aligned[j], b.sizes[j] * sizeof(float));
            wr_nn_value *value = &b.graph->value[b.node->input[j]];
            if (value->data != NULL)
                value->data = b.data[j];
        }
        for (unsigned parts = 1; parts <= 3; parts += 2) {
            prepare(&b, parts);
            run_parts(&b, y + 1, 0);
            b.node->op->forget(b.node);
            CHECK(same(&b, want, y + 1));
        }
        for (int j = 0; j < 3; j++)
            if (aligned[j] != NULL) {
                wr_free(b.data[j] - 1);
                b.data[j] = aligned[j];
            }
        wr_free(y);
        wr_free(want);
        end(&b);
    }
}

// Products with them would take a hundred times as long.
static void weights_below_the_least_normal_count_as_zero(void) {
    static const kind tried[] = {
        {"Conv", 1, 6, 6, 16, 16, 3, 1, 1, true, true},
        {"Conv", 1, 1, 1, 40, 10, 1, 1, 1, true, true},
        {"MatMul", 20, 1, 1, 30, 40, 0, 0, 0, false, true},
    };
    for (size_t i = 0; i < TEST_COUNT(tried); i++) {
        bench b;
        build_and_infer(&b, &tried[i]);
        for (size_t j = 0; j < b.sizes[1]; j++)
            b.data[1][j] = j % 2 == 0 ? FLT_MIN / 2 : -FLT_MIN / 4;
        for (size_t j = 0; j < b.sizes[0]; j++)
            b.data[0][j] = 1e30f;
        for (size_t j = 0; j < b.sizes[2]; j++)
            b.data[2][j] = 0;
        float *y = result_in(&b, 1);
        for (size_t j = 0; j < wr_nn_elements(result_of(&b)); j++)
            CHECK(y[j] == 0);
        wr_free(y);
        end(&b);
    }
}

// ---- what is refused -------------------------------------------------------

typedef struct refusal {
    const char *op;
    wr_nn_shape x, w, bias; // bias of rank -1: none
    const char *name;       // an attribute
    int64_t ints[4];
    int count; // 0: one int; -1: the text "BAD"; -2: nothing
    int status;
    const char *line; // what it says
} refusal;

static void check_refusal(const refusal *r) {
    bench b;
    begin(&b, r->op, r->bias.rank >= 0 ? 3 : 2);
    input(&b, 0, &r->x, false);
    input(&b, 1, &r->w, true);
    if (r->bias.rank >= 0)
        input(&b, 2, &r->bias, true);
    if (r->count > 0)
        wr_nn_attr_set_ints(b.graph, b.node, r->name, r->ints,
                            (size_t)r->count);
    else if (r->count == 0)
        wr_nn_attr_set_int(b.graph, b.node, r->name, r->ints[0]);
    else if (r->count == -1)
        wr_nn_attr_set_string(b.graph, b.node, r->name, "BAD");
    CHECK_EQ(infer(&b), r->status);
    if (strstr(b.why.text, r->line) == NULL ||
        strstr(b.why.text, "node 'it' (") == NULL)
        CHECK_FAIL("'%s' does not say '%s'", b.why.text, r->line);
    end(&b);
}

static void wrong_convolutions_are_refused(void) {
    const wr_nn_shape none = {.rank = -1}, eight = shape_of(1, 8);
    const wr_nn_shape x = shape_of(4, 1, 4, 5, 5), w = shape_of(4, 8, 4, 3, 3);
    const refusal cases[] = {
        {"Conv", x, w, shape_of(1, 7), "", {0}, -2, -EINVAL, "bias"},
        {"Conv", x, w, shape_of(2, 1, 8), "", {0}, -2, -EINVAL, "bias"},
        {"Conv", x, w, none, "group", {2}, 0, -EINVAL, "2 groups"},
        {"Conv", x, w, none, "group", {0}, 0, -EINVAL, "group is 0"},
        {"Conv", x, w, none, "group", {INT64_MAX}, 0, -EINVAL, "group is"},
        {"Conv",
         x,
         shape_of(4, 6, 1, 3, 3),
         none,
         "group",
         {4},
         0,
         -EINVAL,
         "4 groups"},
        {"Conv", x, w, eight, "strides", {0, 1}, 2, -EINVAL, "strides has 0"},
        {"Conv", x, w, eight, "strides", {1}, 1, -EINVAL, "1 numbers, not 2"},
        {"Conv", x, w, none, "strides", {1}, 0, -EINVAL, "not a list"},
        {"Conv", x, w, none, "dilations", {1, -1}, 2, -EINVAL, "has -1"},
        {"Conv", x, w, none, "dilations", {1, INT64_MAX}, 2, -EINVAL, "range"},
        {"Conv", x, w, none, "dilations", {3, 1}, 2, -EINVAL, "reaches over 7"},
        {"Conv", x, w, none, "pads", {0, 0, -1, 0}, 4, -EINVAL, "pads has -1"},
        {"Conv", x, w, none, "pads", {1, 1}, 2, -EINVAL, "2 numbers, not 4"},
        {"Conv", x, w, none, "kernel_shape", {3, 2}, 2, -EINVAL, "weights'"},
        {"Conv", x, w, none, "auto_pad", {0}, -1, -EINVAL, "'BAD'"},
        {"Conv",
         x,
         shape_of(4, 8, 4, 7, 7),
         none,
         "",
         {0},
         -2,
         -EINVAL,
         "reaches over 7"},
        {"Conv",
         x,
         shape_of(3, 8, 4, 3),
         none,
         "",
         {0},
         -2,
         -EINVAL,
         "weights are"},
        {"Conv", shape_of(2, 4, 5), w, none, "", {0}, -2, -EINVAL, "data is"},
        {"ConvTranspose", x, w, none, "", {0}, -2, -EINVAL, "4 channels"},
        {"ConvTranspose",
         x,
         shape_of(4, 4, 2, 3, 3),
         none,
         "output_padding",
         {1, 1},
         2,
         -EINVAL,
         "output_padding"},
        {"ConvTranspose",
         x,
         shape_of(4, 4, 2, 3, 3),
         none,
         "pads",
         {9, 9, 9, 9},
         4,
         -EINVAL,
         "nothing is left"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_refusal(&cases[i]);
}

static void wrong_products_are_refused(void) {
    const wr_nn_shape none = {.rank = -1}, eight = shape_of(1, 8);
    const wr_nn_shape a = shape_of(2, 3, 4), b = shape_of(2, 4, 5);
    const refusal cases[] = {
        {"MatMul", a, a, none, "", {0}, -2, -EINVAL, "[3,4] by"},
        {"MatMul", a, shape_of(0), none, "", {0}, -2, -EINVAL, "by"},
        {"MatMul", a, b, eight, "", {0}, -2, -EINVAL, "3 inputs"},
        {"MatMul",
         shape_of(3, 2, 3, 4),
         shape_of(3, 3, 4, 5),
         none,
         "",
         {0},
         -2,
         -EINVAL,
         ""},
        {"Gemm", a, b, none, "transA", {1}, 0, -EINVAL, "by"},
        {"Gemm", a, b, none, "transB", {1}, 0, -EINVAL, "by"},
        {"Gemm", a, b, shape_of(1, 4), "", {0}, -2, -EINVAL, ""},
        {"Gemm", a, b, shape_of(3, 2, 3, 5), "", {0}, -2, -EINVAL, "C is"},
        {"Gemm", shape_of(3, 1, 3, 4), b, none, "", {0}, -2, -EINVAL, "by"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_refusal(&cases[i]);
}

static void what_is_not_there_is_refused(void) {
    wr_nn_shape none = {.rank = -1}, ints = shape_of(2, 4, 5);
    ints.type = WR_NN_I64;
    const refusal cases[] = {
        {"Conv",
         shape_of(5, 1, 2, 3, 3, 3),
         shape_of(5, 2, 2, 1, 1, 1),
         none,
         "",
         {0},
         -2,
         -ENOTSUP,
         "three spatial"},
        {"MatMul",
         shape_of(2, 3, 4),
         ints,
         none,
         "",
         {0},
         -2,
         -ENOTSUP,
         "input 1 is int64"},
        {"Gemm",
         shape_of(2, 3, 4),
         ints,
         none,
         "",
         {0},
         -2,
         -ENOTSUP,
         "input 1 is int64"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_refusal(&cases[i]);
}

// ---- threads ---------------------------------------------------------------

typedef struct task {
    weir_job job;
    gate *gate; // NULL: there is one worker, and nobody to meet
    unsigned workers;
    unsigned seen; // how many threads there were when all had done theirs
} task;

// Prepares and runs a node of each kind in parts.
static int run_task(weir_worker *self, weir_job *job) {
    (void)self;
    task *t = (task *)job;
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        bench b;
        build_and_infer(&b, &kinds[i]);
        wr_free(result_in(&b, 1));
        wr_free(result_in(&b, 3));
        end(&b);
    }
    if (t->gate != NULL)
        gate_meet(t->gate, t->workers);
    t->seen = threads_alive();
    if (t->gate != NULL)
        gate_meet(t->gate, 2 * t->workers);
    return 0;
}

// Beside `others` there are those of the pool.
static void check_threads(weir_pool *pool, unsigned workers, unsigned others,
                          unsigned own) {
    task tasks[4];
    gate g;
    gate_init(&g);
    for (unsigned i = 0; i < workers; i++) {
        tasks[i] = (task){.job = WEIR_JOB_INIT(run_task, NULL),
                          .gate = workers > 1 ? &g : NULL,
                          .workers = workers};
        submit(pool, &tasks[i].job);
    }
    wait_idle(pool);
    for (unsigned i = 0; i < workers; i++)
        CHECK_EQ(tasks[i].seen, others + own);
    CHECK_EQ(threads_alive(), others + own);
    gate_fini(&g);
    pool_close(pool);
    threads_await(others); // joined ones may stay in /proc for a moment
}

// libgomp reads how many threads it may use when it is loaded: the environment
// asks for more of them than there are CPUs, in a process of its own.
static void no_thread_appears(void) {
    if (getenv("OMP_NUM_THREADS") == NULL) {
        char *words[] = {"test_nn_dnn_run", "no_thread_appears", NULL};
        pid_t child;
        int status;
        CHECK_EQ(setenv("OMP_NUM_THREADS", "5", 1), 0);
        CHECK_EQ(
            posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ),
            0);
        CHECK_EQ(unsetenv("OMP_NUM_THREADS"), 0);
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    unsigned others = threads_before();
    check_threads(pool_of(1), 1, others, 1);
    check_threads(pool_of(2), 2, others, 2);
    check_threads(pool_of(4), 4, others, 4);
    check_threads(pool_seeded(1, 1), 1, others, 0);
}

// ---- one node, many threads ------------------------------------------------

enum { RUNNERS = 4, ROUNDS = 30 };

typedef struct runner {
    const bench *b;
    const float *want;
    gate *gate;
} runner;

static void *run_often(void *arg) {
    runner *r = arg;
    float *y = result(r->b);
    gate_meet(r->gate, RUNNERS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        run_parts(r->b, y, i % r->b->node->parts);
        CHECK(same_bits(r->b, r->want, y));
        memset(y, 0, wr_nn_bytes(result_of(r->b)));
    }
    wr_free(y);
    return NULL;
}

static void one_node_runs_on_many_threads(void) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        bench b;
        build_and_infer(&b, &kinds[i]);
        float *want = result_in(&b, 2);
        gate g;
        gate_init(&g);
        prepare(&b, 2);
        runner runners[RUNNERS];
        pthread_t ids[RUNNERS];
        for (int j = 0; j < RUNNERS; j++) {
            runners[j] = (runner){&b, want, &g};
            ids[j] = thread_start(run_often, &runners[j]);
        }
        for (int j = 0; j < RUNNERS; j++)
            CHECK_EQ(pthread_join(ids[j], NULL), 0);
        b.node->op->forget(b.node);
        gate_fini(&g);
        wr_free(want);
        end(&b);
    }
}

// ---- memory ----------------------------------------------------------------

// Each allocation of ours fails once, until none is left to fail.
static void a_failed_allocation_leaves_nothing(void) {
    static const kind gemv = {"Conv", 1, 1, 1, 40, 10, 1, 1, 1, 1, true};
    for (size_t i = 0; i <= TEST_COUNT(kinds); i++) {
        bench b;
        build_and_infer(&b, i < TEST_COUNT(kinds) ? &kinds[i] : &gemv);
        b.node->parts = parts_max(&b) > 3 ? 3 : 1;
        int status = -ENOMEM;
        unsigned failed = 0;
        for (; status != 0; failed++) {
            size_t bytes = 0;
            if (!wr_fault_arm(WR_FAULT_ALLOC, failed, 1))
                SKIP("this build has no faults");
            status = b.node->op->prepare(b.graph, b.node, &bytes, &b.why);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
            if (status == 0)
                break;
            CHECK_EQ(status, -ENOMEM);
            CHECK(strstr(b.why.text, "no memory") != NULL);
            CHECK(b.node->state == NULL);
            CHECK_EQ(bytes, 0);
        }
        CHECK(failed >= 4);
        b.node->op->forget(b.node);
        end(&b);
    }
}

static size_t bytes_in(const kind *k, unsigned parts, size_t *weights) {
    bench b;
    build_and_infer(&b, k);
    size_t bytes = prepare(&b, parts);
    *weights = b.sizes[1] * sizeof(float);
    b.node->op->forget(b.node);
    end(&b);
    return bytes;
}

static void what_is_held_is_counted(void) {
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        size_t weights, bytes = bytes_in(&kinds[i], 1, &weights);
        CHECK(bytes > (kinds[i].nhwc ? weights : 0));
    }
    // Weights are packed once, however many parts there are.
    static const kind big[] = {
        {"Conv", 1, 8, 20, 480, 480, 1, 1, 1, true, true},
        {"MatMul", 40, 1, 1, 120, 6625, 0, 0, 0, false, true},
    };
    for (size_t i = 0; i < TEST_COUNT(big); i++) {
        size_t weights, one = bytes_in(&big[i], 1, &weights);
        size_t five = bytes_in(&big[i], 5, &weights);
        CHECK(five < 2 * weights && one < 2 * weights);
    }
}

static const test_case cases[] = {
    {"parts_give_the_same_bits", parts_give_the_same_bits},
    {"steps_are_applied_to_the_result", steps_are_applied_to_the_result},
    {"steps_of_small_products_are_too", steps_of_small_products_are_too},
    {"data_need_not_be_aligned", data_need_not_be_aligned},
    {"weights_below_the_least_normal_count_as_zero",
     weights_below_the_least_normal_count_as_zero},
    {"wrong_convolutions_are_refused", wrong_convolutions_are_refused},
    {"wrong_products_are_refused", wrong_products_are_refused},
    {"what_is_not_there_is_refused", what_is_not_there_is_refused},
    {"no_thread_appears", no_thread_appears},
    {"one_node_runs_on_many_threads", one_node_runs_on_many_threads},
    {"a_failed_allocation_leaves_nothing", a_failed_allocation_leaves_nothing},
    {"what_is_held_is_counted", what_is_held_is_counted},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
