// SPDX-License-Identifier: MIT
//
// Operators of two and more operands that broadcast: Add to Min, Pow, Mod,
// comparisons, logic, PRelu.
#include <errno.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// ---------------------------------------------------------------------------
// What there is

typedef int64_t integer_fn(int64_t a, int64_t b);

typedef struct arith {
    const char *name;
    int types; // of the operands
    bool gives_bool;
    int zip;     // wr_nn_zip_kind, or -1
    int compare; // wr_nn_compare_kind, or -1
    integer_fn *integer;
} arith;

// Wraps around; a division by zero gives 0 (ONNX does not say).
static int64_t add(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t sub(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t mul(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static int64_t divide(int64_t a, int64_t b) {
    if (b == -1)
        return sub(0, a);
    return b == 0 ? 0 : a / b;
}

// The sign of the divisor, as ONNX wants it.
static int64_t modulo(int64_t a, int64_t b) {
    if (b == 0 || b == -1)
        return 0;
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t remainder_c(int64_t a, int64_t b) {
    return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t power(int64_t a, int64_t b) {
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
    int64_t result = 1;
    for (; b > 0; b >>= 1, a = mul(a, a))
        if ((b & 1) != 0)
            result = mul(result, a);
    return result;
}

static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t equal(int64_t a, int64_t b) { return a == b; }
static int64_t greater(int64_t a, int64_t b) { return a > b; }
static int64_t less(int64_t a, int64_t b) { return a < b; }
static int64_t greater_equal(int64_t a, int64_t b) { return a >= b; }
static int64_t less_equal(int64_t a, int64_t b) { return a <= b; }
static int64_t and (int64_t a, int64_t b) { return a != 0 && b != 0; }
static int64_t or (int64_t a, int64_t b) { return a != 0 || b != 0; }
static int64_t xor (int64_t a, int64_t b) { return (a != 0) != (b != 0); }

    // Mean divides in the end. Mod's entry for fmod is "Mod=1".
    static const arith table[] = {
    {"Add", WR_NN_NUMBERS, false, WR_NN_ZIP_ADD, -1, add},
    {"Sub", WR_NN_NUMBERS, false, WR_NN_ZIP_SUB, -1, sub},
    {"Mul", WR_NN_NUMBERS, false, WR_NN_ZIP_MUL, -1, mul},
    {"Div", WR_NN_NUMBERS, false, WR_NN_ZIP_DIV, -1, divide},
    {"Max", WR_NN_NUMBERS, false, WR_NN_ZIP_MAX, -1, max},
    {"Min", WR_NN_NUMBERS, false, WR_NN_ZIP_MIN, -1, min},
    {"Sum", WR_NN_FLOATS_ONLY, false, WR_NN_ZIP_ADD, -1, NULL},
    {"Mean", WR_NN_FLOATS_ONLY, false, WR_NN_ZIP_ADD, -1, NULL},
    {"Pow", WR_NN_NUMBERS, false, WR_NN_ZIP_POW, -1, power},
    {"PRelu", WR_NN_FLOATS_ONLY, false, WR_NN_ZIP_PRELU, -1, NULL},
    {"Mod", WR_NN_INTEGERS, false, -1, -1, modulo},
    {"Mod=1", WR_NN_NUMBERS, false, WR_NN_ZIP_FMOD, -1, remainder_c},
    {"Equal", WR_NN_ALL, true, -1, WR_NN_EQUAL, equal},
    {"Greater", WR_NN_NUMBERS, true, -1, WR_NN_GREATER, greater},
    {"Less", WR_NN_NUMBERS, true, -1, WR_NN_LESS, less},
    {"GreaterOrEqual", WR_NN_NUMBERS, true, -1, WR_NN_GREATER_EQUAL,
     greater_equal},
    {"LessOrEqual", WR_NN_NUMBERS, true, -1, WR_NN_LESS_EQUAL, less_equal},
    {"And", WR_NN_BOOLS, true, -1, -1, and},
    {"Or", WR_NN_BOOLS, true, -1, -1, or },
    {"Xor", WR_NN_BOOLS, true, -1, -1, xor},
};

static const arith *find(const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

// ---------------------------------------------------------------------------
// Shapes

typedef struct params {
    const arith *arith;
    wr_nn_zipper zipper;
    void (*scale)(float *x, size_t count, float by); // Mean's, or NULL
    bool exponent; // Pow: the exponent has another type than the base
    int walks;
    wr_nn_walk walk[]; // inputs 0 and 1, then the result so far and the next
} params;

static int make_walks(wr_nn_graph *graph, wr_nn_node *node, const arith *kind,
                      const wr_nn_shape *out, wr_nn_why *why) {
    int walks = node->inputs > 1 ? node->inputs - 1 : 1;
    params *made = wr_nn_op_params(
        graph, node, sizeof *made + (size_t)walks * sizeof made->walk[0], why);
    if (made == NULL)
        return -ENOMEM;
    const wr_nn_kernels *kernels = wr_nn_kernels_best();
    made->arith = kind;
    if (kind->zip >= 0)
        made->zipper.zip = kernels->zip[kind->zip];
    if (kind->compare >= 0)
        made->zipper.compare = kernels->compare[kind->compare];
    if (strcmp(kind->name, "Mean") == 0)
        made->scale = kernels->scale;
    made->walks = walks;
    for (int i = 0; i < walks; i++) {
        const wr_nn_shape *pair[2] = {out, out};
        if (i == 0)
            pair[0] = wr_nn_op_in(graph, node, 0);
        if (node->inputs > 1)
            pair[1] = wr_nn_op_in(graph, node, i + 1);
        wr_nn_walk_broadcast(&made->walk[i], out, pair, 2);
    }
    return 0;
}

// The exponent may have a type of its own.
static int check_types(const wr_nn_graph *graph, const wr_nn_node *node,
                       const arith *kind, wr_nn_why *why) {
    bool pow = strcmp(kind->name, "Pow") == 0;
    for (int i = 0; i < node->inputs; i++) {
        if (node->input[i] < 0)
            return wr_nn_refuse(why, -EINVAL, node, "input %d is missing", i);
        int status = wr_nn_op_type(graph, node, i, kind->types, why);
        if (status == 0 && !pow)
            status = wr_nn_op_alike(graph, node, 0, i, why);
        if (status < 0)
            return status;
    }
    if (pow && wr_nn_op_in(graph, node, 0)->type != WR_NN_F32 &&
        wr_nn_op_in(graph, node, 1)->type == WR_NN_F32)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "integers with a float32 exponent: not supported");
    return 0;
}

static int infer_kind(wr_nn_graph *graph, wr_nn_node *node, const arith *kind,
                      wr_nn_why *why) {
    int status = check_types(graph, node, kind, why);
    if (status < 0)
        return status;
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    for (int i = 1; i < node->inputs; i++) {
        wr_nn_shape both;
        status = wr_nn_broadcast(&both, &out, wr_nn_op_in(graph, node, i), node,
                                 why);
        if (status < 0)
            return status;
        both.type = out.type;
        out = both;
    }
    const wr_nn_shape *x = wr_nn_op_in(graph, node, 0);
    if (strcmp(kind->name, "PRelu") == 0 && !wr_nn_same_shape(&out, x))
        return wr_nn_refuse(why, -EINVAL, node,
                            "the slope does not broadcast to the input");
    if (kind->gives_bool)
        out.type = WR_NN_BOOL;
    status = wr_nn_op_set(graph, node, 0, &out, why);
    if (status == 0)
        status = make_walks(graph, node, kind, &out, why);
    if (status < 0)
        return status;
    if (strcmp(kind->name, "Pow") == 0) {
        params *made = (params *)(uintptr_t)node->params;
        made->exponent = wr_nn_op_in(graph, node, 1)->type != x->type;
    }
    return 0;
}

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status < 0)
        return status;
    return infer_kind(graph, node, find(node->op->name), why);
}

static int infer_mod(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status < 0)
        return status;
    bool fmod = wr_nn_attr_int(node, "fmod", 0) != 0;
    if (!fmod && wr_nn_op_in(graph, node, 0)->type == WR_NN_F32)
        return wr_nn_refuse(why, -EINVAL, node, "float32 needs fmod=1");
    return infer_kind(graph, node, find(fmod ? "Mod=1" : "Mod"), why);
}

// ---------------------------------------------------------------------------
// Running

enum { BLOCK = 256 };

static void run_integers(const wr_nn_walk *walk, integer_fn *integer,
                         const wr_nn_type type[2], wr_nn_type out_type,
                         void *out, const void *a, const void *b, size_t from,
                         size_t to) {
    int64_t first[BLOCK], second[BLOCK];
    while (from < to) {
        size_t count = to - from < BLOCK ? to - from : BLOCK;
        wr_nn_walk_integers(walk, 0, type[0], a, from, from + count, first);
        wr_nn_walk_integers(walk, 1, type[1], b, from, from + count, second);
        for (size_t i = 0; i < count; i++)
            first[i] = integer(first[i], second[i]);
        wr_nn_store_integers(out, out_type, from, first, count);
        from += count;
    }
}

// Pow with an integer exponent: that becomes floats.
static void run_exponent(const params *self, wr_nn_type type, float *out,
                         const float *a, const void *b, size_t from,
                         size_t to) {
    const wr_nn_walk *walk = &self->walk[0];
    int64_t integers[BLOCK];
    float base[BLOCK], exponent[BLOCK];
    while (from < to) {
        size_t count = to - from < BLOCK ? to - from : BLOCK;
        wr_nn_walk_copy(walk, 0, sizeof *a, base, a, from, from + count);
        wr_nn_walk_integers(walk, 1, type, b, from, from + count, integers);
        for (size_t i = 0; i < count; i++)
            exponent[i] = (float)integers[i];
        self->zipper.zip[WR_NN_BOTH](out + from, base, exponent, count);
        from += count;
    }
}

static void run_floats(const params *self, const wr_nn_node *node,
                       const void *const *in, void *out, size_t from,
                       size_t to) {
    size_t size = self->zipper.compare != NULL ? 1 : sizeof(float);
    void *here = (uint8_t *)out + from * size;
    if (node->inputs == 1) {
        if (from < to)
            memmove(here, (const float *)in[0] + from, (to - from) * size);
        return;
    }
    wr_nn_zip_walk(&self->zipper, &self->walk[0], here, NULL, in[0], in[1],
                   from, to);
    for (int i = 1; i < self->walks; i++)
        wr_nn_zip_walk(&self->zipper, &self->walk[i], here, here, NULL,
                       in[i + 1], from, to);
    if (self->scale != NULL)
        self->scale(here, to - from, 1.0f / (float)node->inputs);
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    const params *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->walk[0].total, WR_NN_GRAIN, node->parts, part, &from,
                  &to);
    wr_nn_type result = wr_nn_op_out(graph, node, 0)->type;
    wr_nn_type type[2] = {wr_nn_op_in(graph, node, 0)->type,
                          wr_nn_op_in(graph, node, node->inputs > 1)->type};
    if (self->exponent && type[0] == WR_NN_F32) {
        run_exponent(self, type[1], out[0], in[0], in[1], from, to);
    } else if (type[0] == WR_NN_F32) {
        run_floats(self, node, in, out[0], from, to);
    } else if (node->inputs == 1) {
        size_t size = wr_nn_type_size(result);
        if (from < to)
            memmove((uint8_t *)out[0] + from * size,
                    (const uint8_t *)in[0] + from * size, (to - from) * size);
    } else {
        run_integers(&self->walk[0], self->arith->integer, type, result, out[0],
                     in[0], in[1], from, to);
        for (int i = 1; i < self->walks; i++)
            run_integers(&self->walk[i], self->arith->integer, type, result,
                         out[0], out[0], in[i + 1], from, to);
    }
}

// Nanoseconds for each element and input, measured: see op_kernel_body.h.
static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const params *self = node->params;
    double each =
        self->arith->zip == WR_NN_ZIP_POW || self->arith->zip == WR_NN_ZIP_FMOD
            ? 15.0
            : 0.2;
    if (wr_nn_op_in(graph, node, 0)->type != WR_NN_F32)
        each = 5.0;
    return (double)self->walk[0].total * each * self->walks;
}

#define OP(name, most, since, flags, infer)                                    \
    {                                                                          \
        name, most > 2 ? 1 : 2, most, 1, 1, since, flags, infer, NULL, NULL,   \
            cost, wr_nn_op_parts_elements, NULL, run                           \
    }
#define BINARY WR_NN_BINARY | WR_NN_INPLACE

const wr_nn_op wr_nn_ops_arith[] = {
    OP("Add", 2, 7, BINARY, infer),
    OP("Sub", 2, 7, BINARY, infer),
    OP("Mul", 2, 7, BINARY, infer),
    OP("Div", 2, 7, BINARY, infer),
    OP("Max", WR_NN_ARGS_MAX, 6, BINARY, infer),
    OP("Min", WR_NN_ARGS_MAX, 6, BINARY, infer),
    OP("Sum", WR_NN_ARGS_MAX, 6, BINARY, infer),
    OP("Mean", WR_NN_ARGS_MAX, 6, BINARY, infer),
    OP("Pow", 2, 7, BINARY, infer),
    OP("PRelu", 2, 7, BINARY, infer),
    OP("Mod", 2, 10, BINARY, infer_mod),
    OP("Equal", 2, 7, WR_NN_BINARY, infer),
    OP("Greater", 2, 7, WR_NN_BINARY, infer),
    OP("Less", 2, 7, WR_NN_BINARY, infer),
    OP("GreaterOrEqual", 2, 12, WR_NN_BINARY, infer),
    OP("LessOrEqual", 2, 12, WR_NN_BINARY, infer),
    OP("And", 2, 7, WR_NN_BINARY, infer),
    OP("Or", 2, 7, WR_NN_BINARY, infer),
    OP("Xor", 2, 7, WR_NN_BINARY, infer),
    {.name = NULL},
};
