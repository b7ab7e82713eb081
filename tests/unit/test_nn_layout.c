// SPDX-License-Identifier: MIT
// Which part of a graph works in N, H, W, C, and what becomes a step of what
// makes its data.
#include "support/nn_text.h"

static void compare_all(const wr_nn_graph *graph, const wr_nn_plan *plan) {
    wr_nn_plan *plain = text_compile(graph, 15);
    text_compare(plan, plain, 1e-5);
    for (unsigned without = 1; without < 15; without++) {
        wr_nn_plan *less = text_compile(graph, without);
        text_compare(less, plain, 1e-5);
        wr_nn_plan_destroy(less);
    }
    wr_nn_plan_destroy(plain);
}

static void expect(const char *lines, const char *nodes) {
    wr_nn_graph *graph = text_read(lines);
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_STR(text_of(plan), nodes);
    compare_all(graph, plan);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

// ---------------------------------------------------------------------------
// Layout

static void convolutions_in_a_row_are_one_region(void) {
    expect("input x 1 3 8 8; const w 8 3 3 3; const v 8 8 3 3; const u 4 8 1 1;"
           "a = Conv x w | pads=1,1,1,1; b = Relu a;"
           "c = MaxPool b | kernel_shape=2,2 strides=2,2;"
           "d = Conv c v | pads=1,1,1,1; e = Tanh d;"
           "f = AveragePool e | kernel_shape=2,2;"
           "y = Conv f u; output y;",
           "Transpose Conv@[relu] MaxPool@ Conv@[tanh] AveragePool@ Conv@ "
           "Transpose");
}

static void what_is_between_is_turned_as_well(void) {
    // Concat, reductions and constants of every form have their axes turned
    expect(
        "input x 2 4 6 6; const w 8 4 1 1; const v 8 8 3 3; const k 8 1 1;"
        "const full 1 8 6 6; const row 6; const col 6 1; const t 1 4 6 6;"
        "a = Conv x w; b = Conv a v | pads=1,1,1,1; c = Concat a b | axis=-3;"
        "const p 16 1 1; c2 = Mul c p; const u 8 16 1 1; d = Conv c2 u;"
        "e = Max d k; f = Min e full; g = PRelu f row; h = PRelu g col;"
        "m = ReduceMean h | axes=1,; n = Sub h m; o = Softmax n | axis=1;"
        "q = Conv o v | pads=1,1,1,1; y = Conv q v; output y;",
        "Transpose Conv@ Conv@ Concat Mul Conv@[max,min] PRelu PRelu "
        "ReduceMean "
        "Sub Softmax Conv@ Conv@ Transpose");
}

static void a_squeeze_and_excitation_stays_inside(void) {
    expect("input x 1 3 8 8; const w 8 3 3 3; const s 2 8 1 1; const t 8 2 1 1;"
           "const v 4 8 1 1; a = Conv x w; r = Relu a;"
           "g = GlobalAveragePool r; b = Conv g s; c = Relu b; d = Conv c t;"
           "e = HardSigmoid d; f = Mul r e; y = Conv f v; output y;",
           "Transpose Conv@[relu] GlobalAveragePool@ Conv@[relu] "
           "Conv@[linear,clip] Mul Conv@ Transpose");
}

static void what_enlarges_stays_inside(void) {
    expect("input x 1 3 8 6; const w 8 3 3 3; const v 8 4 2 2; const u 4 4 1 1;"
           "numbers k 4 : 1 1 2 2; ints s 1 4 24 16; a = Conv x w;"
           "b = Resize a . k; c = ConvTranspose b v | strides=2,2;"
           "d = Resize c . . s; y = Conv d u; output y;",
           "Transpose Conv@ Resize ConvTranspose@ Resize Conv@ Transpose");
    // Two dimensions alone
    wr_nn_graph *graph = text_read(
        "input x 1 3 8 6; const w 8 3 3 3; const v 4 8 1 1;"
        "numbers k 2 : 3 2; a = Conv x w; b = Resize a . k | axes=2,3;"
        "y = Conv b v; output y;");
    graph->opset = 18;
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_STR(text_of(plan), "Transpose Conv@ Resize Conv@ Transpose");
    compare_all(graph, plan);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

static void borders_of_one_row_cost_nothing(void) {
    expect(
        "input x 1 1 1 9; const w 4 1 1 3; const v 6 4 1 3; a = Conv x w;"
        "b = Relu a; c = Conv b v; ints two 2; d = Squeeze c two;"
        "e = Transpose d | perm=0,2,1; const m 6 3; y = MatMul e m; output y;",
        "Reshape Conv@[relu] Conv@ Reshape MatMul");
}

static void a_region_that_does_not_pay_is_given_up(void) {
    // One point each of a large input: little work for what it reads
    expect("input x 1 16 32 32; const w 16 16 1 1; a = Exp x; y = Conv a w;"
           "output y; output a;",
           "Exp Conv");
    expect("input x 1 16 32 32; const w 16 16 3 3; a = Exp x; y = Conv a w;"
           "output y; output a;",
           "Exp Transpose Conv@ Transpose");
    // Pools gain nothing
    expect("input x 1 4 8 8; a = MaxPool x | kernel_shape=2,2; output a;",
           "MaxPool");
}

static void what_others_read_is_turned_back_once(void) {
    expect("input x 1 8 8 8; const w 8 8 1 1; a = Conv x w; b = Conv a w;"
           "c = Conv b w; ints s 8 64; r = Reshape b s; e = Exp r; t = Reshape "
           "b s;"
           "f = Tanh t; output c; output e; output f;",
           "Transpose Conv@ Conv@ Conv@ Transpose Reshape Exp Reshape Tanh "
           "Transpose");
}

static void nothing_that_is_fixed_is_turned(void) {
    // A cumulative axis is not one we know, nor are five dimensions
    expect("input x 1 4 4 4; const w 4 4 1 1; const v 4 4 1 1; a = Conv x w;"
           "b = Conv a v; ints r 4 3 2 1; ints s 1 2 2 4 4; c = Reshape b s;"
           "d = Transpose c | perm=0,2,1,3,4; ints t 1 4 4 4; y = Reshape d t;"
           "output y;",
           "Transpose Conv@ Conv@ Reshape Transpose Reshape");
}

// The bytes that Transposes write.
static size_t transposed(const wr_nn_plan *plan) {
    size_t bytes = 0;
    for (int i = 0; i < plan->graph->nodes; i++) {
        const wr_nn_node *node = &plan->graph->node[i];
        if (strcmp(node->op->name, "Transpose") == 0)
            bytes += wr_nn_bytes(&plan->graph->value[node->output[0]].shape);
    }
    return bytes;
}

static void turned_bytes_stay_below_what_is_saved(void) {
    // Transposes for all sorts of channels, with large fixed parts beside
    for (int channels = 1; channels <= 64; channels *= 4)
        for (int out = 1; out <= 64; out *= 4) {
            char lines[512];
            snprintf(lines, sizeof lines,
                     "input x 1 %d 8 8; const w %d %d 1 1; a = Exp x;"
                     "b = Conv a w; c = Relu b; ints s -1; d = Reshape c s;"
                     "e = Exp d; f = Reshape a s; output e; output f;",
                     channels, out, channels);
            wr_nn_graph *graph = text_read(lines);
            wr_nn_plan *plan = text_compile(graph, 0);
            size_t saved = (size_t)(channels + out) * 64 * sizeof(float);
            CHECK(transposed(plan) <= saved);
            compare_all(graph, plan);
            wr_nn_plan_destroy(plan);
            wr_nn_graph_destroy(graph);
        }
}

// ---------------------------------------------------------------------------
// Fusing

static void activations_become_steps(void) {
    expect("input x 4 8; const w 8 8; a = MatMul x w; b = Relu a;"
           "const b2 8; c = Add b b2; d = HardSwish c; e = Gemm d w;"
           "numbers lo : -0.5; numbers hi : 0.75; f = Clip e lo hi;"
           "y = Sigmoid f; output y;",
           "MatMul[relu,add,hardswish] Gemm[clip,sigmoid]");
}

static void numbers_become_linear_steps(void) {
    expect("input x 4 8; numbers a : 2; numbers b : 3; numbers c 1 1 : 4;"
           "p = Mul x a; q = Add b p; r = Sub q c; s = Sub a r; t = Div s b;"
           "u = Neg t; v = Tanh u; w = Max v a; y = Min w b; output y;",
           "WeirFused[linear,tanh,clip,clip]");
}

static void a_residual_goes_into_what_comes_last(void) {
    expect("input x 4 8; const w 8 8; const v 8 8; a = MatMul x w; b = Tanh a;"
           "c = MatMul b v; d = Add c x; y = Relu d; output y;",
           "MatMul[tanh] MatMul[add,relu]");
    expect("input x 4 8; const w 8 8; const v 8 8; a = MatMul x w;"
           "c = MatMul x v; y = Sub a c; output y;",
           "MatMul MatMul[linear,add]");
}

static void what_others_read_is_not_fused(void) {
    expect("input x 4 8; const w 8 8; a = MatMul x w; b = Relu a; c = Tanh a;"
           "y = Mul b c; output y;",
           "MatMul Relu WeirFused[tanh,mul]");
    expect("input x 4 8; const w 8 8; a = MatMul x w; b = Relu a; output a;"
           "output b;",
           "MatMul Relu");
    expect("input x 4 8; const w 8 8; a = MatMul x w; b = Mul a a;"
           "c = Relu b; output c;",
           "MatMul WeirFused[mul,relu]");
}

static void operands_that_stretch_the_data_are_not_steps(void) {
    expect("input x 4 1; const w 4 8; const v 8; a = Tanh x; b = Mul a w;"
           "c = Div v b; y = Relu c; output y;",
           "Tanh Mul Div Relu");
}

static void long_chains_are_cut(void) {
    char lines[2048] = "input x 4 8; const w 8; a0 = Tanh x;";
    for (int i = 0; i < 40; i++) {
        char line[64];
        snprintf(line, sizeof line, "a%d = %s a%d %s;", i + 1,
                 i % 2 == 0 ? "Add" : "Tanh", i, i % 2 == 0 ? "w" : "");
        strcat(lines, line);
    }
    strcat(lines, "output a40;");
    wr_nn_graph *graph = text_read(lines);
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_EQ(plan->graph->nodes, 3);
    for (int i = 0; i < 3; i++) {
        size_t steps;
        wr_nn_steps_get(&plan->graph->node[i], &steps);
        CHECK(steps > 0 && steps <= WR_NN_STEPS_MAX);
    }
    compare_all(graph, plan);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

static void biases_keep_their_place(void) {
    // An absent bias is no operand, and an operand no bias
    expect("input x 1 8 6 6; const w 8 8 1 1; const v 8 8 1 1; const wb 8;"
           "input r 1 8 6 6; a = Conv x w; b = Mul a r; c = Conv b v wb;"
           "d = Add c r; e = Conv d w; output e;",
           "Transpose Transpose Conv@[mul] Conv@[add] Conv@ Transpose");
    expect("input x 4 8; input r 4 8; const w 8 8; a = Gemm x w; y = Mul a r;"
           "output y;",
           "Gemm[mul]");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"convolutions_in_a_row_are_one_region",
         convolutions_in_a_row_are_one_region},
        {"what_is_between_is_turned_as_well",
         what_is_between_is_turned_as_well},
        {"a_squeeze_and_excitation_stays_inside",
         a_squeeze_and_excitation_stays_inside},
        {"what_enlarges_stays_inside", what_enlarges_stays_inside},
        {"borders_of_one_row_cost_nothing", borders_of_one_row_cost_nothing},
        {"a_region_that_does_not_pay_is_given_up",
         a_region_that_does_not_pay_is_given_up},
        {"what_others_read_is_turned_back_once",
         what_others_read_is_turned_back_once},
        {"nothing_that_is_fixed_is_turned", nothing_that_is_fixed_is_turned},
        {"turned_bytes_stay_below_what_is_saved",
         turned_bytes_stay_below_what_is_saved},
        {"activations_become_steps", activations_become_steps},
        {"numbers_become_linear_steps", numbers_become_linear_steps},
        {"a_residual_goes_into_what_comes_last",
         a_residual_goes_into_what_comes_last},
        {"what_others_read_is_not_fused", what_others_read_is_not_fused},
        {"operands_that_stretch_the_data_are_not_steps",
         operands_that_stretch_the_data_are_not_steps},
        {"long_chains_are_cut", long_chains_are_cut},
        {"biases_keep_their_place", biases_keep_their_place},
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
