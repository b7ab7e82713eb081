// SPDX-License-Identifier: MIT
//
// Elementwise nodes become steps of the node that makes their data, as long as
// nobody else reads that: of Conv, Gemm and MatMul, or of one another.
#include "programs/nn/pass.h"

#include <errno.h>
#include <math.h>

// A node as steps over one of its inputs. Operands are values here; they get
// their place among the inputs when the steps are given to a node.
typedef struct program {
    int stream; // the value that the steps begin with
    wr_nn_step step[WR_NN_STEPS_MAX];
    int value[WR_NN_STEPS_MAX]; // the operand of each, or -1
    int steps;
} program;

static bool push(program *p, wr_nn_step_kind kind, float a, float b,
                 int value) {
    if (p->steps == WR_NN_STEPS_MAX)
        return false;
    p->value[p->steps] = value;
    p->step[p->steps++] = (wr_nn_step){kind, -1, a, b};
    return true;
}

// Two linear steps are one.
static bool push_linear(program *p, float a, float b) {
    wr_nn_step *last = p->steps == 0 ? NULL : &p->step[p->steps - 1];
    if (last == NULL || last->kind != WR_NN_STEP_LINEAR)
        return push(p, WR_NN_STEP_LINEAR, a, b, -1);
    float scale = last->a * a, shift = last->b * a + b;
    if (!isfinite(scale) || !isfinite(shift))
        return push(p, WR_NN_STEP_LINEAR, a, b, -1);
    last->a = scale;
    last->b = shift;
    return true;
}

static bool append(program *p, const program *more) {
    for (int i = 0; i < more->steps; i++) {
        const wr_nn_step *s = &more->step[i];
        if (s->kind == WR_NN_STEP_LINEAR
                ? !push_linear(p, s->a, s->b)
                : !push(p, s->kind, s->a, s->b, more->value[i]))
            return false;
    }
    return true;
}

// ---------------------------------------------------------------------------
// Nodes as steps

static bool read_unary(const wr_nn_compiler *c, const wr_nn_node *node,
                       program *p) {
    static const struct {
        const char *name;
        wr_nn_step_kind kind;
        float a, b;
    } plain[] = {
        {"Relu", WR_NN_STEP_RELU, 0, 0},
        {"Sigmoid", WR_NN_STEP_SIGMOID, 0, 0},
        {"Tanh", WR_NN_STEP_TANH, 0, 0},
        {"HardSwish", WR_NN_STEP_HARDSWISH, 1.0f / 6, 0.5f},
        {"Neg", WR_NN_STEP_LINEAR, -1, 0},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (wr_nn_is(node, plain[i].name))
            return push(p, plain[i].kind, plain[i].a, plain[i].b, -1);
    if (wr_nn_is(node, "Gelu"))
        return strcmp(wr_nn_attr_string(node, "approximate", "none"), "none") ==
                   0 &&
               push(p, WR_NN_STEP_GELU, 0, 0, -1);
    if (wr_nn_is(node, "HardSigmoid"))
        return push(p, WR_NN_STEP_LINEAR, wr_nn_attr_float(node, "alpha", 0.2f),
                    wr_nn_attr_float(node, "beta", 0.5f), -1) &&
               push(p, WR_NN_STEP_CLIP, 0, 1, -1);
    float low, high;
    return wr_nn_is(node, "Clip") && wr_nn_clip(c, node, &low, &high) &&
           push(p, WR_NN_STEP_CLIP, low, high, -1);
}

// With a number as the other operand: y = a * x + b where that is exact
// enough. `second`: x is the second operand.
static bool read_number(const wr_nn_node *node, float number, bool second,
                        program *p) {
    if (wr_nn_is(node, "Add"))
        return push(p, WR_NN_STEP_LINEAR, 1, number, -1);
    if (wr_nn_is(node, "Sub"))
        return second ? push(p, WR_NN_STEP_LINEAR, -1, number, -1)
                      : push(p, WR_NN_STEP_LINEAR, 1, -number, -1);
    if (wr_nn_is(node, "Mul"))
        return push(p, WR_NN_STEP_LINEAR, number, 0, -1);
    if (wr_nn_is(node, "Div") && !second && isnormal(1 / number))
        return push(p, WR_NN_STEP_LINEAR, 1 / number, 0, -1);
    if (wr_nn_is(node, "Max"))
        return push(p, WR_NN_STEP_CLIP, number, INFINITY, -1);
    return wr_nn_is(node, "Min") &&
           push(p, WR_NN_STEP_CLIP, -INFINITY, number, -1);
}

static bool read_binary(const wr_nn_compiler *c, const wr_nn_node *node,
                        int slot, program *p) {
    static const struct {
        const char *name;
        wr_nn_step_kind kind;
        bool either; // operands may be exchanged
    } plain[] = {
        {"Add", WR_NN_STEP_ADD, true}, {"Sub", WR_NN_STEP_SUB, false},
        {"Mul", WR_NN_STEP_MUL, true}, {"Div", WR_NN_STEP_DIV, false},
        {"Max", WR_NN_STEP_MAX, true}, {"Min", WR_NN_STEP_MIN, true},
        {"Sum", WR_NN_STEP_ADD, true},
    };
    float number;
    int other = node->input[1 - slot];
    if (other < 0 || wr_nn_value_at(c, other)->shape.type != WR_NN_F32)
        return false;
    if (wr_nn_scalar(c, other, &number) && isfinite(number) &&
        read_number(node, number, slot == 1, p))
        return true;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (!wr_nn_is(node, plain[i].name))
            continue;
        if (slot == 0 || plain[i].either)
            return push(p, plain[i].kind, 0, 0, other);
        // y - x is -x + y; y / x is nothing that we have.
        return plain[i].kind == WR_NN_STEP_SUB &&
               push(p, WR_NN_STEP_LINEAR, -1, 0, -1) &&
               push(p, WR_NN_STEP_ADD, 0, 0, other);
    }
    return false;
}

// Steps that a node has already.
static bool read_steps(const wr_nn_node *node, program *p) {
    size_t count = 0;
    const wr_nn_step *steps = wr_nn_steps_get(node, &count);
    for (size_t i = 0; i < count; i++) {
        int operand = steps[i].operand;
        if (!push(p, steps[i].kind, steps[i].a, steps[i].b,
                  operand < 0 ? -1 : node->input[operand]))
            return false;
    }
    return true;
}

// The node as steps over its input `slot`, which has the result's shape.
static bool read_node(const wr_nn_compiler *c, const wr_nn_node *node, int slot,
                      program *p) {
    *p = (program){.stream = node->input[slot]};
    if (p->stream < 0 || !wr_nn_same(c, p->stream, node->output[0]) ||
        wr_nn_value_at(c, p->stream)->shape.type != WR_NN_F32)
        return false;
    if (wr_nn_is(node, "WeirFused"))
        return slot == 0 && read_steps(node, p);
    if (slot == 0 && (node->inputs == 1 || wr_nn_is(node, "Clip")))
        return read_unary(c, node, p);
    return node->inputs == 2 && read_binary(c, node, slot, p);
}

// ---------------------------------------------------------------------------
// Fusing

// Nodes that take steps, and how many inputs are their own.
static int own_inputs(const wr_nn_node *node) {
    if (wr_nn_is(node, "Conv") || wr_nn_is(node, "Gemm"))
        return 3;
    if (wr_nn_is(node, "MatMul"))
        return 2;
    return wr_nn_is(node, "WeirFused") ? 1 : 0;
}

static int set_steps(wr_nn_compiler *c, int index, program *p) {
    wr_nn_node *node = wr_nn_at(c, index);
    int own = own_inputs(node), in[WR_NN_ARGS_MAX], count = own;
    for (int k = 0; k < own; k++)
        in[k] = wr_nn_input_of(node, k);
    for (int i = 0; i < p->steps; i++) {
        p->step[i].operand = -1;
        if (p->value[i] < 0)
            continue;
        p->step[i].operand = count;
        in[count++] = p->value[i];
    }
    // An absent bias stays absent where nothing follows it.
    while (count > 1 && in[count - 1] < 0)
        count--;
    // The shape stays; parameters are worked out again after all passes.
    int status = wr_nn_steps_set(c->graph, node, p->step, (size_t)p->steps);
    return status == 0 ? wr_nn_edit_inputs(c, index, in, count) : status;
}

// The maker of the stream as something to add steps to: *base are the steps it
// has. false: it takes none.
static bool read_maker(const wr_nn_compiler *c, int maker, int result,
                       program *base, bool *lift) {
    const wr_nn_node *node = wr_nn_at(c, maker);
    *lift = false;
    for (int k = 1; k < node->outputs; k++)
        if (node->output[k] >= 0)
            return false;
    if (!wr_nn_same(c, node->output[0], result))
        return false;
    *base = (program){.stream = wr_nn_input_of(node, 0)};
    if (own_inputs(node) > 0)
        return read_steps(node, base);
    *lift = true;
    for (int slot = 0; slot < node->inputs && slot < 2; slot++)
        if (read_node(c, node, slot, base))
            return true;
    return false;
}

// Replaces node `index` by WeirFused with these steps and returns that.
static int lift_node(wr_nn_compiler *c, int index, program *p) {
    int value = wr_nn_at(c, index)->output[0];
    int fresh = wr_nn_edit_add(c, wr_nn_op_find("WeirFused"),
                               wr_nn_at(c, index)->name, &p->stream, 1, 1);
    if (fresh < 0)
        return fresh;
    wr_nn_edit_drop(c, index);
    wr_nn_edit_move(c, fresh, value);
    return fresh;
}

static int rank_of(const wr_nn_compiler *c, int maker) {
    int own = own_inputs(wr_nn_at(c, maker));
    return own > 1 ? 2 : own;
}

static int join(wr_nn_compiler *c, int index, int maker, program *whole,
                bool lift) {
    int result = wr_nn_at(c, index)->output[0];
    if (lift)
        maker = lift_node(c, maker, whole);
    if (maker < 0)
        return maker;
    wr_nn_edit_drop(c, index);
    int status = set_steps(c, maker, whole);
    if (status == 0)
        wr_nn_edit_move(c, maker, result);
    return status;
}

static int fuse(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    if (node->outputs < 1 || node->output[0] < 0)
        return 0;
    int best = -1;
    bool best_lift = false;
    program best_whole;
    for (int slot = 0; slot < node->inputs && slot < 2; slot++) {
        program steps, whole;
        bool lift;
        if (!read_node(c, node, slot, &steps) || c->uses[steps.stream] != 1)
            continue;
        int maker = c->producer[steps.stream];
        if (maker < 0 ||
            !read_maker(c, maker, node->output[0], &whole, &lift) ||
            !append(&whole, &steps))
            continue;
        // Rather into a Conv than into another chain; of two, the later.
        if (best < 0 || rank_of(c, maker) > rank_of(c, best) ||
            (rank_of(c, maker) == rank_of(c, best) && maker > best)) {
            best = maker;
            best_whole = whole;
            best_lift = lift;
        }
    }
    return best < 0 ? 0 : join(c, index, best, &best_whole, best_lift);
}

int wr_nn_pass_fuse(wr_nn_compiler *c) {
    if (wr_nn_op_find("WeirFused") == NULL)
        return 0;
    int nodes = c->graph->nodes;
    for (int i = 0; i < nodes; i++) {
        int status = wr_nn_at(c, i)->op == NULL ? 0 : fuse(c, i);
        if (status != 0)
            return status;
    }
    return 0;
}
