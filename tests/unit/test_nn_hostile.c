// SPDX-License-Identifier: MIT
// Graphs that are large in one way or another compile in a time that grows
// with them, not with their square.
#include "support/nn_text.h"

#include <errno.h>

#include "os/os.h"

// The square of 100,000 nodes would be hours. All is on one thread: where
// threads are watched, which costs much, fewer will do.
enum { MANY = WEIR_NODES };

// Builds graphs of many nodes without names to look up.
typedef struct many {
    wr_nn_graph *graph;
    int input;
} many;

static many many_begin(const char *shape) {
    text_graph t = text_begin();
    text_add(&t, shape);
    return (many){t.graph, t.graph->input[0]};
}

// Returns the new node's result.
static int many_add(many *m, const char *op, int a, int b) {
    int node =
        wr_nn_node_add(m->graph, wr_nn_op_find(op), "n", b < 0 ? 1 : 2, 1);
    int value = wr_nn_value_add(m->graph, "", NULL, NULL);
    CHECK(node >= 0 && value >= 0);
    m->graph->node[node].input[0] = a;
    if (b >= 0)
        m->graph->node[node].input[1] = b;
    m->graph->node[node].output[0] = value;
    return value;
}

// The square of what it takes would be hours: ctest ends that.
static wr_nn_plan *compile_as_it_is(many *m, unsigned without) {
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.without = without;
    wr_nn_plan *plan;
    wr_nn_why why;
    if (wr_nn_graph_check(m->graph, &why) != 0 ||
        text_try(&plan, m->graph, 1, &options, &why) != 0)
        CHECK_FAIL("%s", why.text);
    printf("%d nodes: %.0f ms, %zu bytes, %zu at least\n", plan->graph->nodes,
           (double)plan->compile_ns / 1e6, plan->arena_bytes,
           plan->serial_bytes);
    return plan;
}

static wr_nn_plan *compile_soon(many *m, int output, unsigned without) {
    m->graph->output[0] = output;
    m->graph->outputs = 1;
    return compile_as_it_is(m, without);
}

static void finish(many *m, wr_nn_plan *plan) {
    void *output[32];
    text_run(plan, output, false);
    CHECK(isfinite(((const float *)output[0])[0]));
    free(output[0]);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(m->graph);
}

static void a_long_chain_compiles(void) {
    many m = many_begin("input x 4 4; const w 4 4; output x;");
    int value = m.input, w = text_find(m.graph, "w");
    for (int i = 0; i < MANY; i++)
        value = i % 2 == 0 ? many_add(&m, "MatMul", value, w)
                           : many_add(&m, "Softsign", value, -1);
    wr_nn_plan *plan = compile_soon(&m, value, 0);
    // Every node is a cut: what is behind it is shared.
    CHECK_EQ(plan->arena_bytes, 2 * 64);
    finish(&m, plan);
}

static void a_long_chain_of_steps_compiles(void) {
    many m = many_begin("input x 4 4; const c 4; output x;");
    int value = m.input, c = text_find(m.graph, "c");
    for (int i = 0; i < MANY; i++)
        value = i % 2 == 0 ? many_add(&m, "Add", value, c)
                           : many_add(&m, "Tanh", value, -1);
    wr_nn_plan *plan = compile_soon(&m, value, 0);
    CHECK_EQ(plan->graph->nodes, MANY / WR_NN_STEPS_MAX);
    finish(&m, plan);
}

static void a_long_chain_of_views_compiles(void) {
    many m = many_begin("input x 2 3 4; output x;");
    int value = m.input;
    for (int i = 0; i < MANY; i++)
        value = many_add(&m, i % 3 == 0 ? "Identity" : "Transpose", value, -1);
    wr_nn_plan *plan = compile_soon(&m, value, 0);
    CHECK(plan->graph->nodes <= 1);
    finish(&m, plan);
}

static void a_chain_with_one_old_friend_compiles(void) {
    // Every second node reads the first value too: no cut anywhere
    many m = many_begin("input x 4 4; output x;");
    int first = many_add(&m, "Exp", m.input, -1), value = first;
    for (int i = 0; i < MANY / 2; i++)
        value = many_add(&m, "Softsign", many_add(&m, "Add", value, first), -1);
    finish(&m, compile_soon(&m, value, 0));
}

static void a_wide_fan_compiles(void) {
    many m = many_begin("input x 4 4; output x;");
    int *row = malloc(MANY * sizeof *row);
    for (int i = 0; i < MANY / 2; i++)
        row[i] = many_add(&m, i % 2 == 0 ? "Softsign" : "Erf", m.input, -1);
    for (int count = MANY / 2; count > 1; count = (count + 1) / 2)
        for (int i = 0; i < (count + 1) / 2; i++)
            row[i] = 2 * i + 1 < count
                         ? many_add(&m, "Add", row[2 * i], row[2 * i + 1])
                         : row[2 * i];
    wr_nn_plan *plan = compile_soon(&m, row[0], 0);
    finish(&m, plan);
    free(row);
}

static void a_wide_fan_of_views_compiles(void) {
    many m = many_begin("input x 4 4; output x;");
    int first = many_add(&m, "Exp", m.input, -1);
    int sum = first;
    for (int i = 0; i < MANY / 2; i++)
        sum = many_add(
            &m, "Add", sum,
            many_add(&m, i % 2 == 0 ? "Transpose" : "Flatten", first, -1));
    finish(&m, compile_soon(&m, sum, 0));
}

static void many_convolutions_compile(void) {
    many m = many_begin("input x 1 2 4 4; const w 2 2 1 1; const k 2 1 1;"
                        "output x;");
    int value = m.input, w = text_find(m.graph, "w");
    int k = text_find(m.graph, "k");
    for (int i = 0; i < 2000; i++) {
        value = many_add(&m, "Conv", value, w);
        value = many_add(&m, "Mul", value, k);
        value = many_add(&m, "Tanh", value, -1);
    }
    wr_nn_plan *plan = compile_soon(&m, value, 0);
    CHECK_EQ(plan->graph->nodes, 2000 + 2);
    wr_nn_why why;
    CHECK_EQ(wr_nn_plan_check(plan, &why), 0);
    finish(&m, plan);
}

// Above 8192 nodes the memory is planned by cuts: that is checked too.
static void memory_by_cuts_is_sound(void) {
    for (int bridge = 4; bridge <= 32; bridge *= 8) {
        many m = many_begin("input x 4 4; const w 4 4; output x;");
        int value = m.input, w = text_find(m.graph, "w"), kept = -1;
        uint64_t seed = (uint64_t)bridge;
        for (int i = 0; i < 6600; i++) {
            if (kept < 0 && wr_random_below(&seed, 8) == 0)
                kept = value;
            if (kept >= 0 && wr_random_below(&seed, (uint32_t)bridge) == 0) {
                value = many_add(&m, "Add", value, kept);
                kept = -1;
            }
            value = many_add(&m, "MatMul", value, w);
            if (wr_random_below(&seed, 3) == 0)
                value = many_add(&m, "Softsign", value, -1);
        }
        wr_nn_plan *plan = compile_soon(&m, value, WR_NN_WITHOUT_FUSION);
        wr_nn_why why;
        CHECK(plan->graph->nodes > 8192);
        if (wr_nn_plan_check(plan, &why) != 0)
            CHECK_FAIL("%s", why.text);
        wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
        options.without = WR_NN_WITHOUT_FUSION | WR_NN_WITHOUT_SHARING;
        wr_nn_plan *apart;
        CHECK_EQ(text_try(&apart, m.graph, 1, &options, &why), 0);
        CHECK(plan->arena_bytes <= apart->arena_bytes / 16);
        wr_nn_plan_destroy(apart);
        finish(&m, plan);
    }
}

// Branches that wait for nothing, a source that comes late, a result that comes
// early: none of them is behind or before a cut.
static void cuts_know_branches_sources_and_ends(void) {
    static const int lates[] = {1400, 700, -1};
    for (int variant = 0; variant < 3; variant++) {
        many m = many_begin("input x 4 4; const w 4 4; output x;");
        int w = text_find(m.graph, "w");
        int value = many_add(&m, "Softsign", m.input, -1), early = -1;
        for (int i = 0; i < 1400; i++) {
            int a = many_add(&m, "MatMul", value, w);
            int b = many_add(&m, "MatMul", value, w);
            a = many_add(&m, "MatMul", a, w);
            b = many_add(&m, "MatMul", b, w);
            value = many_add(&m, "Softsign", many_add(&m, "Add", a, b), -1);
            if (i == 700)
                early = many_add(&m, "MatMul", value, w);
        }
        int other = m.input;
        for (int i = 0; i < lates[variant]; i++)
            other = many_add(&m, "MatMul", other, w);
        if (other != m.input)
            value = many_add(&m, "Add", value, other);
        m.graph->output[0] = value;
        m.graph->output[1] = early;
        m.graph->outputs = 1 + (variant > 0);
        wr_nn_plan *plan = compile_as_it_is(&m, WR_NN_WITHOUT_FUSION);
        wr_nn_why why;
        CHECK(plan->graph->nodes > 8192);
        if (wr_nn_plan_check(plan, &why) != 0)
            CHECK_FAIL("%s", why.text);
        void *output[32];
        text_run(plan, output, false);
        for (int i = 0; i < plan->outputs; i++)
            free(output[i]);
        wr_nn_plan_destroy(plan);
        wr_nn_graph_destroy(m.graph);
    }
}

// A few bytes that ask for years: every result looks at 4 million numbers.
static void work_without_end_is_refused(void) {
    wr_nn_graph *graph = text_read(
        "input x 1 1 2048 2048\n"
        "y = MaxPool x | kernel_shape=2047,2047 pads=1023,1023,1023,1023\n"
        "output y\n");
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    wr_nn_plan *plan = NULL;
    wr_nn_why why = {""};
    options.cost_max_ns = 60e9;
    CHECK_EQ(text_try(&plan, graph, 1, &options, &why), -E2BIG);
    CHECK(plan == NULL);
    CHECK(strstr(why.text, "(MaxPool): with it one run would take more than "
                           "60 s") != NULL);
    options.cost_max_ns = 0; // nobody is in a hurry
    CHECK_EQ(text_try(&plan, graph, 1, &options, &why), 0);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"work_without_end_is_refused", work_without_end_is_refused},
        {"a_long_chain_compiles", a_long_chain_compiles},
        {"a_long_chain_of_steps_compiles", a_long_chain_of_steps_compiles},
        {"a_long_chain_of_views_compiles", a_long_chain_of_views_compiles},
        {"a_chain_with_one_old_friend_compiles",
         a_chain_with_one_old_friend_compiles},
        {"a_wide_fan_compiles", a_wide_fan_compiles},
        {"a_wide_fan_of_views_compiles", a_wide_fan_of_views_compiles},
        {"many_convolutions_compile", many_convolutions_compile},
        {"memory_by_cuts_is_sound", memory_by_cuts_is_sound},
        {"cuts_know_branches_sources_and_ends",
         cuts_know_branches_sources_and_ends},
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
