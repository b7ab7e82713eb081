// SPDX-License-Identifier: MIT
// What the compiler makes of small graphs: the nodes that are left, and that
// they give what the model gives without any pass.
#include "support/nn_text.h"

// Compiles with everything, looks at the nodes, and compares with nothing.
static void expect_within(const char *lines, const char *nodes,
                          double tolerance) {
    wr_nn_graph *graph = text_read(lines);
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_STR(text_of(plan), nodes);
    static const unsigned without[] = {
        WR_NN_WITHOUT_FOLDING, WR_NN_WITHOUT_FUSION, WR_NN_WITHOUT_LAYOUT,
        WR_NN_WITHOUT_SHARING, WR_NN_WITHOUT_FOLDING | WR_NN_WITHOUT_FUSION};
    wr_nn_plan *plain = text_compile(graph, 15);
    text_compare(plan, plain, tolerance);
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        wr_nn_plan *less = text_compile(graph, without[i]);
        text_compare(less, plain, tolerance);
        wr_nn_plan_destroy(less);
    }
    wr_nn_plan_destroy(plan);
    wr_nn_plan_destroy(plain);
    wr_nn_graph_destroy(graph);
}

static void expect(const char *lines, const char *nodes) {
    expect_within(lines, nodes, 1e-5);
}

// ---------------------------------------------------------------------------
// Folding

static void constants_are_folded(void) {
    expect("input x 2 3; const a 2 3; const b 3; c = Mul a b; d = Relu c;"
           "y = Add x d; output y;",
           "Add");
}

static void shapes_are_folded(void) {
    expect("input x -1 3 4; s = Shape x; ints zero 0; ints one 1; ints m -1;"
           "n = Slice s zero one; t = Concat n m | axis=0; y = Reshape x t;"
           "output y;",
           "Reshape");
}

static void shapes_are_folded_even_without_folding(void) {
    wr_nn_graph *graph = text_read(
        "input x -1 3 4; s = Shape x; ints zero 0; ints one 1; ints m -1;"
        "n = Slice s zero one; t = Concat n m | axis=0; y = Reshape x t;"
        "output y;");
    wr_nn_plan *plan = text_compile(graph, 15);
    CHECK_STR(text_of(plan), "Reshape");
    CHECK_EQ(plan->output[0].dim[0], 4);
    CHECK_EQ(plan->output[0].dim[1], 12);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

static void views_of_constants_have_their_bytes(void) {
    wr_nn_graph *graph =
        text_read("input x 4 6; const w 2 12; ints s 4 6; v = Reshape w s;"
                  "y = Add x v; output y;");
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_STR(text_of(plan), "Add");
    const wr_nn_node *add = &plan->graph->node[0];
    CHECK(plan->graph->value[add->input[1]].data ==
          graph->value[text_find(graph, "w")].data);
    CHECK_EQ(plan->made_bytes, 0);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

static void large_results_are_not_folded(void) {
    // 32 MiB of a number
    wr_nn_graph *graph = text_read(
        "input x 1; numbers c 1 : 2; ints s 8 1024 1024; e = Expand c s;"
        "y = Add x e; output y;");
    wr_nn_plan *plan = text_compile(graph, 0);
    CHECK_STR(text_of(plan), "Expand Add");
    CHECK_EQ(plan->made_bytes, 0);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

// ---------------------------------------------------------------------------
// Removing

static void dead_nodes_go(void) {
    expect("input x 2 3; a = Relu x; b = Tanh a; y = Sigmoid x; output y;",
           "Sigmoid");
}

static void nodes_that_change_nothing_go(void) {
    expect(
        "input x 2 3 4; a = Identity x; b = Cast a | to=1; ints s 2 3 4;"
        "c = Reshape b s; d = Transpose c | perm=0,1,2; e = Concat d | axis=1;"
        "numbers one : 1; f = Mul one e; g = Div f one; numbers zero : 0;"
        "h = Sub g zero; ints b0 0; ints e0 9; ints a0 1;"
        "i = Slice h b0 e0 a0; j = Dropout i; y = Exp j; output y;",
        "Exp");
}

static void nodes_that_change_something_stay(void) {
    expect("input x 2 3 3; ints b0 -1; ints e0 -9; ints a0 1; ints s0 -1;"
           "i = Slice x b0 e0 a0 s0; t = Transpose i | perm=0,2,1;"
           "y = Exp t; output y;",
           "Slice Transpose Exp");
    // A Mul by 1 that stretches its operand
    expect("input x 1 3; const o 2 3; numbers one 2 1 : 1 1; a = Mul x one;"
           "y = Exp a; output y;",
           "Mul Exp");
}

static void outputs_that_are_something_else_are_copied(void) {
    // An input, a constant, an output twice, a view of an input
    expect("input x 2 3; const c 4; a = Identity x; b = Identity c; r = Relu x;"
           "s = Identity r; ints k 3 2; v = Reshape x k;"
           "output a; output b; output r; output s; output v; output x;",
           "Relu Reshape Identity Identity Identity Identity");
}

// ---------------------------------------------------------------------------
// Weights

static void batch_norm_goes_into_the_weights(void) {
    expect("input x 1 3 8 8; const w 4 3 3 3; const s 4; const b 4; const m 4;"
           "numbers v 4 : 1 2 3 0.5;"
           "c = Conv x w | pads=1,1,1,1; n = BatchNormalization c s b m v;"
           "y = Identity n; output y;",
           "Transpose Conv@ Transpose");
}

static void batch_norm_of_groups_and_bias(void) {
    expect("input x 2 4 5 5; const w 6 2 3 3; const wb 6; const s 6; const b 6;"
           "const m 6; numbers v 6 : 1 2 3 0.5 4 2;"
           "c = Conv x w wb | group=2; y = BatchNormalization c s b m v;"
           "output y;",
           "Transpose Conv@ Transpose");
}

static void batch_norm_alone_is_a_scale_and_a_shift(void) {
    expect("input x 2 3 4 4; const s 3; const b 3; const m 3;"
           "numbers v 3 : 1 2 0.5; y = BatchNormalization x s b m v; output y;",
           "WeirFused[mul,add]");
}

static void batch_norm_of_two_dimensions(void) {
    expect("input x 4 5; const w 5 3; const wb 3; const s 3; const b 3;"
           "const m 3; numbers v 3 : 1 2 0.5; g = Gemm x w wb;"
           "y = BatchNormalization g s b m v; output y;",
           "Gemm");
}

static void transposed_convolutions_take_scales(void) {
    expect("input x 1 4 3 3; const w 4 2 2 2; const wb 4; const s 4; const b 4;"
           "const m 4; numbers v 4 : 1 2 0.5 1;"
           "c = ConvTranspose x w wb | group=2 strides=2,2;"
           "y = BatchNormalization c s b m v; output y;",
           "Transpose ConvTranspose@ Transpose");
}

static void scales_and_shifts_go_into_the_weights(void) {
    expect("input x 1 3 6 6; const w 4 3 1 1; const k 1 4 1 1; numbers h : 0.5;"
           "numbers t 1 : 3; const u 4 1 1;"
           "a = Conv x w; b = Mul k a; c = Sub b h; d = Div c t; e = Add d u;"
           "y = Mul e h; output y;",
           "Transpose Conv@ Transpose");
    expect("input x 4 5; const w 3 5; const k 3; numbers t : 3;"
           "a = Gemm x w | transB=1; b = Mul a k; c = Add b t; y = Div c t;"
           "output y;",
           "Gemm");
    expect("input x 2 4 5; const w 5 3; const k 3; a = MatMul x w;"
           "y = Mul a k; output y;",
           "MatMul");
}

static void weights_that_would_overflow_are_left(void) {
    wr_nn_graph *graph =
        text_read("input x 1 1 2 2; numbers w 1 1 1 1 : 1e30; numbers k : 1e30;"
                  "a = Conv x w; y = Mul a k; output y;");
    wr_nn_plan *plan = text_compile(graph, WR_NN_WITHOUT_FUSION);
    CHECK_STR(text_of(plan), "Reshape Conv@ Mul Reshape");
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

static void what_others_read_is_not_scaled(void) {
    expect("input x 1 3 6 6; const w 4 3 1 1; numbers h : 0.5; a = Conv x w;"
           "b = Mul a h; c = Exp a; y = Exp b; output y; output c;",
           "Transpose Conv@ Mul Exp Exp Transpose Transpose");
}

// ---------------------------------------------------------------------------
// Patterns

static void hard_swish_is_seen_in_any_order(void) {
    expect("input x 2 8; numbers a : 3; numbers six : 6; numbers z : 0;"
           "p = Add x a; c = Clip p z six; m = Mul x c; y = Div m six;"
           "output y;",
           "WeirFused[hardswish]");
    expect("input x 2 8; numbers a : 3; numbers six : 6; numbers z : 0;"
           "p = Add a x; c = Clip p z six; m = Div c six; y = Mul m x;"
           "output y;",
           "WeirFused[hardswish]");
    expect("input x 2 8; numbers a : 3; numbers r : 0.16666667;"
           "numbers six : 6; numbers z : 0; p = Add a x; c = Clip p z six;"
           "d = Mul x r; y = Mul d c; output y;",
           "WeirFused[hardswish]");
    expect("input x 2 8; h = HardSigmoid x | alpha=0.2 beta=0.5; y = Mul x h;"
           "output y;",
           "WeirFused[hardswish]");
}

static void what_is_not_quite_hard_swish_is_not_taken_for_it(void) {
    // divided by 5; of another value; and the inside is read as well
    expect("input x 2 8; numbers a : 3; numbers six : 6; numbers z : 0;"
           "numbers five : 5; p = Add x a; c = Clip p z six; m = Mul x c;"
           "y = Div m five; output y;",
           "WeirFused[linear,clip,mul,linear]");
    expect(
        "input x 2 8; input w 2 8; h = HardSigmoid x; y = Mul w h; output y;",
        "WeirFused[linear,clip,mul]");
}

static void swish_is_seen(void) {
    expect("input x 2 8; s = Sigmoid x; y = Mul x s; output y;",
           "WeirFused[swish]");
    expect("input x 2 8; numbers b : 1.5; t = Mul b x; s = Sigmoid t;"
           "y = Mul s x; output y;",
           "WeirFused[swish]");
    expect("input w 2 8; numbers b : 1.5; x = Mul w b; s = Sigmoid x;"
           "y = Mul s x; output y;",
           "WeirFused[linear,swish]");
}

static void gelu_is_seen(void) {
    expect("input x 2 8; numbers r : 1.41421356; numbers one : 1;"
           "numbers h : 0.5; d = Div x r; e = Erf d; a = Add e one;"
           "m = Mul x a; y = Mul m h; output y;",
           "WeirFused[gelu]");
}

static void layer_norm_is_seen(void) {
    expect("input x 2 3 8; numbers two : 2; numbers e : 0.01; const w 8;"
           "const b 8; m = ReduceMean x | axes=-1,; d = Sub x m;"
           "q = Pow d two; v = ReduceMean q | axes=-1,; ve = Add v e;"
           "r = Sqrt ve; n = Div d r; s = Mul n w; y = Add s b; output y;",
           "LayerNormalization");
    expect("input x 2 3 8; numbers e : 0.01; const w 8; const b 8;"
           "m = ReduceMean x | axes=2,; d = Sub x m; q = Mul d d;"
           "v = ReduceMean q | axes=2,; ve = Add e v; r = Sqrt ve;"
           "n = Div d r; s = Mul w n; y = Add b s; output y;",
           "LayerNormalization");
}

static void the_norm_of_another_axis_is_not_layer_norm(void) {
    expect("input x 2 8 8; numbers two : 2; numbers e : 0.01; const w 8;"
           "const b 8; m = ReduceMean x | axes=1,; d = Sub x m;"
           "q = Pow d two; v = ReduceMean q | axes=1,; ve = Add v e;"
           "r = Sqrt ve; n = Div d r; s = Mul n w; y = Add s b; output y;",
           "ReduceMean Sub Pow ReduceMean Add Sqrt "
           "WeirFused[div,mul,add]");
}

// ---------------------------------------------------------------------------
// Views

static void inverse_transposes_cancel(void) {
    expect("input x 2 3 4 5; a = Transpose x | perm=0,2,3,1;"
           "b = Transpose a | perm=0,3,1,2; y = Exp b; output y;",
           "Exp");
    expect("input x 2 3 4 5; a = Transpose x | perm=1,0,3,2;"
           "b = Transpose a | perm=0,3,1,2; y = Exp b; output y;",
           "Transpose Exp");
}

static void transposes_of_ones_are_reshapes(void) {
    expect("input x 1 3 1 5; a = Transpose x | perm=2,1,0,3; y = Exp a;"
           "output y;",
           "Exp");
    expect("input x 1 3 4 1; a = Transpose x | perm=1,3,2,0; y = Exp a;"
           "output y;",
           "Reshape Exp");
}

static void views_between_transposes_go(void) {
    // What is left of N, H, W, C with one row that is squeezed and turned
    expect("input x 1 1 6 5; a = Transpose x | perm=0,3,1,2; ints two 2;"
           "b = Squeeze a two; c = Transpose b | perm=0,2,1; y = Exp c;"
           "output y;",
           "Reshape Exp");
    expect("input x 2 12; ints s 2 3 4; a = Reshape x s;"
           "b = Transpose a | perm=0,2,1; ints t 8 3; c = Reshape b t;"
           "ints u 2 4 3; d = Reshape c u; e = Transpose d | perm=0,2,1;"
           "y = Exp e; output y;",
           "Reshape Exp");
    expect("input x 4 6; ints s 4 2 3; a = Reshape x s; ints t 24;"
           "b = Reshape a t; ints u 6 4; c = Reshape b u; y = Exp c; output y;",
           "Reshape Exp");
}

static void views_that_do_not_fit_stay(void) {
    // 6 = 2 * 3 is turned, then cut as 3 * 2
    expect(
        "input x 2 3 5; a = Transpose x | perm=1,0,2; ints s 2 3 5;"
        "b = Reshape a s; c = Transpose b | perm=1,0,2; y = Exp c; output y;",
        "Transpose Reshape Transpose Exp");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"constants_are_folded", constants_are_folded},
        {"shapes_are_folded", shapes_are_folded},
        {"shapes_are_folded_even_without_folding",
         shapes_are_folded_even_without_folding},
        {"views_of_constants_have_their_bytes",
         views_of_constants_have_their_bytes},
        {"large_results_are_not_folded", large_results_are_not_folded},
        {"dead_nodes_go", dead_nodes_go},
        {"nodes_that_change_nothing_go", nodes_that_change_nothing_go},
        {"nodes_that_change_something_stay", nodes_that_change_something_stay},
        {"outputs_that_are_something_else_are_copied",
         outputs_that_are_something_else_are_copied},
        {"batch_norm_goes_into_the_weights", batch_norm_goes_into_the_weights},
        {"batch_norm_of_groups_and_bias", batch_norm_of_groups_and_bias},
        {"batch_norm_alone_is_a_scale_and_a_shift",
         batch_norm_alone_is_a_scale_and_a_shift},
        {"batch_norm_of_two_dimensions", batch_norm_of_two_dimensions},
        {"transposed_convolutions_take_scales",
         transposed_convolutions_take_scales},
        {"scales_and_shifts_go_into_the_weights",
         scales_and_shifts_go_into_the_weights},
        {"weights_that_would_overflow_are_left",
         weights_that_would_overflow_are_left},
        {"what_others_read_is_not_scaled", what_others_read_is_not_scaled},
        {"hard_swish_is_seen_in_any_order", hard_swish_is_seen_in_any_order},
        {"what_is_not_quite_hard_swish_is_not_taken_for_it",
         what_is_not_quite_hard_swish_is_not_taken_for_it},
        {"swish_is_seen", swish_is_seen},
        {"gelu_is_seen", gelu_is_seen},
        {"layer_norm_is_seen", layer_norm_is_seen},
        {"the_norm_of_another_axis_is_not_layer_norm",
         the_norm_of_another_axis_is_not_layer_norm},
        {"inverse_transposes_cancel", inverse_transposes_cancel},
        {"transposes_of_ones_are_reshapes", transposes_of_ones_are_reshapes},
        {"views_between_transposes_go", views_between_transposes_go},
        {"views_that_do_not_fit_stay", views_that_do_not_fit_stay},
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
