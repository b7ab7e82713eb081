// SPDX-License-Identifier: MIT
// Plans: where values are, in which order tasks may run, and what is refused.
#include "support/nn_text.h"

#include "base/fault.h"

#include <errno.h>

static wr_nn_plan *plan_of(const char *lines, unsigned without,
                           wr_nn_graph **graph) {
    *graph = text_read(lines);
    return text_compile(*graph, without);
}

static void destroy(wr_nn_plan *plan, wr_nn_graph *graph) {
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

// ---------------------------------------------------------------------------
// Memory

static void a_chain_lies_in_one_place(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 64; a = Exp x; b = Tanh a; c = Abs b; y = Erf c; output y;",
        WR_NN_WITHOUT_FUSION, &graph);
    // All of it in the caller's memory for the result
    CHECK_EQ(plan->graph->nodes, 4);
    CHECK_EQ(plan->arena_bytes, 0);
    destroy(plan, graph);
}

static void a_chain_of_products_needs_two_places(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 16 16; const w 16 16; a = MatMul x w; b = MatMul a w;"
        "c = MatMul b w; d = MatMul c w; e = MatMul d w; y = MatMul e w;"
        "output y;",
        0, &graph);
    CHECK_EQ(plan->arena_bytes, 2 * 1024);
    CHECK_EQ(plan->serial_bytes, 2 * 1024);
    destroy(plan, graph);
}

static void branches_do_not_share_memory(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 16 16; const w 16 16; a = MatMul x w; a2 = MatMul a w;"
        "b = MatMul x w; b2 = MatMul b w; c = MatMul x w; c2 = MatMul c w;"
        "y = Concat a2 b2 c2 | axis=0; output y;",
        0, &graph);
    // Of three branches none waits for another: two values of each
    CHECK_EQ(plan->arena_bytes, 6 * 1024);
    CHECK_EQ(plan->serial_bytes, 4 * 1024);
    destroy(plan, graph);
}

static void what_comes_later_by_the_order_shares(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 16 16; const w 16 16; a = MatMul x w; b = MatMul x w;"
        "c = MatMul a b; d = MatMul c w; e = MatMul c w; y = MatMul d e;"
        "output y;",
        0, &graph);
    // c comes after both a and b have been read, d and e after c is there
    CHECK_EQ(plan->arena_bytes, 3 * 1024);
    destroy(plan, graph);
}

static void nothing_is_shared_if_it_must_not(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 64; a = Exp x; b = Tanh a; ints s 8 8; c = Reshape b s;"
        "d = Abs c; y = Erf d; output y;",
        15, &graph);
    CHECK_EQ(plan->arena_bytes, 4 * 256);
    destroy(plan, graph);
}

static void results_lie_in_place_where_nobody_else_reads(void) {
    wr_nn_graph *graph;
    // a is read by both: the one that comes first in the list may not write
    // over it, nor the other, since neither waits for the other.
    wr_nn_plan *plan = plan_of(
        "input x 64; a = Exp x; b = Tanh a; c = Erf a; y = Add b c; output y;",
        WR_NN_WITHOUT_FUSION, &graph);
    const wr_nn_spot *a = &plan->spot[text_find(plan->graph, "a")];
    const wr_nn_spot *b = &plan->spot[text_find(plan->graph, "b")];
    const wr_nn_spot *c = &plan->spot[text_find(plan->graph, "c")];
    CHECK(a->place == WR_NN_ARENA);
    CHECK(b->place != a->place || b->offset != a->offset);
    CHECK(c->place != a->place || c->offset != a->offset);
    destroy(plan, graph);
}

static void inputs_are_never_written(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan =
        plan_of("input x 64; ints s 8 8; v = Reshape x s; a = Exp v; b = Erf x;"
                "output a; output b;",
                0, &graph);
    for (int i = 0; i < plan->graph->nodes; i++)
        if ((plan->graph->node[i].op->flags & WR_NN_VIEW) == 0)
            CHECK(plan->spot[plan->graph->node[i].output[0]].place ==
                  WR_NN_OUTPUT);
    float in[64], keep[64], out[2][64];
    text_fill(in, 64, 1);
    memcpy(keep, in, sizeof in);
    const void *input[1] = {in};
    void *output[2] = {out[0], out[1]};
    CHECK_EQ(wr_nn_run_serial(plan, input, output, true), 0);
    CHECK(memcmp(in, keep, sizeof in) == 0);
    destroy(plan, graph);
}

static void an_output_that_is_read_on_stays(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 64; a = Exp x; b = Tanh a; ints s 8 8; c = Reshape b s;"
        "d = Erf c; output b; output c; output d;",
        WR_NN_WITHOUT_FUSION, &graph);
    wr_nn_plan *plain = text_compile(graph, 15);
    text_compare(plan, plain, 0);
    wr_nn_plan_destroy(plain);
    destroy(plan, graph);
}

// ---------------------------------------------------------------------------
// Tasks

static void edges_that_follow_from_others_are_left_out(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan =
        plan_of("input x 8 8; const w 8 8; a = MatMul x w; b = MatMul a w;"
                "c = MatMul a b; y = MatMul c a; output y;",
                0, &graph);
    CHECK_EQ(plan->graph->nodes, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(plan->task[i].needs, i > 0);
        CHECK_EQ(plan->task[i].unblocks_count, i < 3);
    }
    destroy(plan, graph);
}

static void large_nodes_are_cut_into_parts(void) {
    wr_nn_graph *graph =
        text_read("input x 512 512; const w 512 512; a = MatMul x w; ints s 1;"
                  "numbers k : 1; input z 4; y = Tanh z; output a; output y;");
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    wr_nn_plan *plan;
    wr_nn_why why;
    static const unsigned most[] = {1, 3, 8};
    for (int i = 0; i < 3; i++) {
        options.parts_max = most[i];
        CHECK_EQ(text_try(&plan, graph, 1, &options, &why), 0);
        CHECK(plan->task[0].parts <= most[i]);
        CHECK((plan->task[0].parts > 1) == (most[i] > 1));
        CHECK_EQ(plan->task[1].parts, 1);
        wr_nn_plan_destroy(plan);
    }
    options.part_ns = 1e12; // no part would have so much to do
    CHECK_EQ(text_try(&plan, graph, 1, &options, &why), 0);
    CHECK_EQ(plan->task[0].parts, 1);
    destroy(plan, graph);
}

static void what_a_plan_holds_is_counted(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(
        "input x 1 64 8 8; const w 64 64 3 3; const k 64 1 1; a = Conv x w;"
        "y = Mul a k; output y;",
        0, &graph);
    CHECK(plan->made_bytes >= 64 * 64 * 9 * 4); // scaled weights
    CHECK(wr_nn_plan_bytes(plan) > plan->made_bytes + plan->state_bytes);
    CHECK(plan->compile_ns > 0);
    CHECK(plan->cost_ns > 0);
    CHECK_EQ(plan->nodes_read, 2);
    destroy(plan, graph);
}

// ---------------------------------------------------------------------------
// The checker

// A plan with branches, views, results in place and two outputs.
static const char *const rich =
    "input x 8 8; const w 8 8; a = MatMul x w; b = MatMul x w; c = Exp a;"
    "d = MatMul c w; e = MatMul b w; ints s 4 16; f = Reshape e s;"
    "g = Softmax f | axis=1; ints t 8 8; h = Reshape g t; i = MatMul d h;"
    "j = MatMul i h; y = MatMul j d; output y; output j;";

typedef struct copy {
    wr_nn_plan plan;
    wr_nn_spot *spot;
    wr_nn_task *task;
} copy;

static copy copy_of(const wr_nn_plan *plan) {
    copy c = {.plan = *plan};
    size_t values = (size_t)plan->graph->values;
    size_t nodes = (size_t)plan->graph->nodes;
    c.spot = malloc(values * sizeof *c.spot);
    c.task = malloc(nodes * sizeof *c.task);
    memcpy(c.spot, plan->spot, values * sizeof *c.spot);
    memcpy(c.task, plan->task, nodes * sizeof *c.task);
    c.plan.spot = c.spot;
    c.plan.task = c.task;
    return c;
}

static int check_and_free(copy *c) {
    wr_nn_why why = {""};
    int status = wr_nn_plan_check(&c->plan, &why);
    CHECK((status == 0) == (why.text[0] == '\0'));
    free(c->spot);
    free(c->task);
    return status;
}

static void the_checker_sees_what_is_read_and_overwritten(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(rich, WR_NN_WITHOUT_FUSION, &graph);
    int killed = 0;
    for (int i = 0; i < plan->graph->nodes; i++) {
        const wr_nn_node *node = &plan->graph->node[i];
        for (int k = 0; k < node->inputs; k++) {
            int in = node->input[k], out = node->output[0];
            bool aliased = plan->spot[in].place == plan->spot[out].place &&
                           plan->spot[in].offset == plan->spot[out].offset;
            if (plan->spot[in].place != WR_NN_ARENA ||
                plan->spot[out].place != WR_NN_ARENA || aliased ||
                ((node->op->flags & (WR_NN_INPLACE | WR_NN_VIEW)) != 0))
                continue;
            copy c = copy_of(plan);
            c.spot[out].offset = c.spot[in].offset;
            CHECK_EQ(check_and_free(&c), -EINVAL);
            killed++;
        }
    }
    CHECK(killed >= 4);
    destroy(plan, graph);
}

// Every place of every value: the checker agrees with a plain walk over all
// schedules' common order, done here with paths.
static bool path(const wr_nn_plan *plan, int from, int to) {
    if (from == to)
        return true;
    for (int e = 0; e < plan->task[from].unblocks_count; e++)
        if (path(plan, plan->task[from].unblocks[e], to))
            return true;
    return false;
}

static bool over_before(const wr_nn_plan *plan, int a, int b) {
    const wr_nn_graph *graph = plan->graph;
    int maker = -1;
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].outputs; k++)
            if (graph->node[i].output[k] == b)
                maker = i;
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        bool touches = node->output[0] == a;
        for (int k = 0; k < node->inputs; k++)
            touches |= node->input[k] == a;
        if (touches && (i == maker || !path(plan, i, maker)))
            return false;
    }
    return true;
}

static void the_checker_agrees_with_a_plain_one(void) {
    wr_nn_graph *graph;
    // Nothing in place and no views: then the rule is a simple one
    wr_nn_plan *plan = plan_of(
        "input x 8 8; const w 8 8; a = MatMul x w; b = MatMul x w;"
        "c = MatMul a w; d = MatMul a b; e = MatMul b w; f = MatMul c d;"
        "g = MatMul d e; h = MatMul f g; i = MatMul h w; y = MatMul i h;"
        "output y;",
        0, &graph);
    int allowed = 0, refused = 0, values = plan->graph->values;
    for (int a = 0; a < values; a++)
        for (int b = 0; b < values; b++) {
            if (a == b || plan->spot[a].place != WR_NN_ARENA ||
                plan->spot[b].place != WR_NN_ARENA)
                continue;
            // All apart, but for these two
            copy c = copy_of(plan);
            for (int v = 0; v < values; v++)
                if (c.spot[v].place == WR_NN_ARENA)
                    c.spot[v].offset = (size_t)v * 256;
            c.spot[a].offset = c.spot[b].offset;
            c.plan.arena_bytes = (size_t)values * 256;
            bool fine = over_before(plan, a, b) || over_before(plan, b, a);
            CHECK_EQ(check_and_free(&c), fine ? 0 : -EINVAL);
            allowed += fine;
            refused += !fine;
        }
    CHECK(allowed > 10 && refused > 10);
    destroy(plan, graph);
}

static void the_checker_sees_missing_edges(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(rich, WR_NN_WITHOUT_FUSION, &graph);
    for (int i = 0; i < plan->graph->nodes; i++) {
        if (plan->task[i].unblocks_count == 0)
            continue;
        copy c = copy_of(plan);
        int to = c.task[i].unblocks[--c.task[i].unblocks_count];
        c.task[to].needs--;
        CHECK_EQ(check_and_free(&c), -EINVAL);
        c = copy_of(plan); // a wrong count
        c.task[to].needs++;
        CHECK_EQ(check_and_free(&c), -EINVAL);
    }
    destroy(plan, graph);
}

static void the_checker_sees_impossible_places(void) {
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(rich, 0, &graph);
    int in_arena = text_find(plan->graph, "d");
    int out = plan->graph->output[1];
    CHECK(plan->spot[in_arena].place == WR_NN_ARENA);
    static const wr_nn_spot wrong[] = {
        {WR_NN_ARENA, 0, 1 << 20}, // beyond the end
        {WR_NN_ARENA, 0, 4},       // not aligned
        {WR_NN_NOWHERE, 0, 0},     {WR_NN_CONSTANT, 0, 0},
        {WR_NN_INPUT, 0, 0}, // would be written
        {WR_NN_OUTPUT, 7, 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        copy c = copy_of(plan);
        c.spot[in_arena] = wrong[i];
        CHECK_EQ(check_and_free(&c), -EINVAL);
    }
    copy c = copy_of(plan);
    c.spot[out] = c.spot[in_arena];
    CHECK_EQ(check_and_free(&c), -EINVAL);
    // Read after the result is there
    c = copy_of(plan);
    c.spot[in_arena] = c.spot[out];
    CHECK_EQ(check_and_free(&c), -EINVAL);
    destroy(plan, graph);
}

// ---------------------------------------------------------------------------
// Inputs

static void integer_inputs_become_constants(void) {
    wr_nn_graph *graph =
        text_read("input x 2 6; input i s 2; y = Reshape x s; output y;");
    wr_nn_binding binding[2] = {{.shape = {WR_NN_F32, 2, {2, 6}}},
                                {.shape = {WR_NN_I64, 1, {2}}}};
    int64_t sizes[2] = {3, 4};
    wr_nn_plan *plan;
    wr_nn_why why;
    CHECK_EQ(wr_nn_compile(&plan, graph, binding, 2, NULL, NULL, &why),
             -ENOTSUP); // a shape that is not known
    CHECK(strstr(why.text, "Reshape") != NULL);
    binding[1].data = sizes;
    CHECK_EQ(wr_nn_compile(&plan, graph, binding, 2, NULL, NULL, &why), 0);
    sizes[0] = 99; // it was copied
    CHECK_EQ(plan->inputs, 2);
    CHECK_EQ(plan->output[0].dim[0], 3);
    CHECK_STR(plan->input_name[1], "s");
    CHECK_STR(plan->output_name[0], "y");
    float x[12], y[12];
    text_fill(x, 12, 5);
    const void *input[2] = {x, NULL}; // it is not read either
    void *output[1] = {y};
    CHECK_EQ(wr_nn_run_serial(plan, input, output, true), 0);
    CHECK(memcmp(x, y, sizeof x) == 0);
    destroy(plan, graph);
}

static void bindings_must_fit(void) {
    wr_nn_graph *graph =
        text_read("input image -1 3 -1; y = Relu image; output y;");
    static const wr_nn_binding wrong[] = {
        {.shape = {WR_NN_I64, 3, {1, 3, 4}}}, // type
        {.shape = {WR_NN_F32, 2, {1, 3}}},    // rank
        {.shape = {WR_NN_F32, 3, {1, 4, 4}}}, // a size that is known
        {.shape = {WR_NN_F32, 3, {0, 3, 4}}},
        {.shape = {WR_NN_F32, 3, {-1, 3, 4}}},
        {.shape = {WR_NN_F32, -1, {0}}},
    };
    wr_nn_plan *plan;
    wr_nn_why why;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQ(wr_nn_compile(&plan, graph, &wrong[i], 1, NULL, NULL, &why),
                 -EINVAL);
        CHECK(strstr(why.text, "image") != NULL);
        CHECK(plan == NULL);
    }
    CHECK_EQ(wr_nn_compile(&plan, graph, wrong, 0, NULL, NULL, &why), -EINVAL);
    CHECK_STR(why.text, "the model has 1 inputs, not 0");
    wr_nn_graph_destroy(graph);
}

static void keys_tell_plans_apart(void) {
    wr_nn_graph *graph = text_read("input x -1 3; y = Relu x; output y;");
    wr_nn_graph *other = text_read("input x -1 3; y = Tanh x; output y;");
    wr_nn_compile_options usual = WR_NN_COMPILE_OPTIONS_INIT;
    int64_t one[2] = {1, 2}, two[2] = {1, 3};
    enum { KEYS = 10 };
    wr_nn_compile_options options[KEYS];
    wr_nn_binding binding[KEYS];
    uint8_t key[KEYS][32], again[32];
    for (int i = 0; i < KEYS; i++) {
        options[i] = usual;
        binding[i] = (wr_nn_binding){.shape = {WR_NN_F32, 2, {1, 3}}};
    }
    binding[1].shape.dim[0] = 2;
    binding[2].shape.rank = 1;
    binding[3].shape.type = WR_NN_I64;
    binding[4] = (wr_nn_binding){{WR_NN_I64, 1, {2}}, one};
    binding[5] = (wr_nn_binding){{WR_NN_I64, 1, {2}}, two};
    options[6].parts_max = 2;
    options[7].arena_max = 1;
    options[8].without = 1;
    for (int i = 0; i < KEYS; i++)
        wr_nn_plan_key(key[i], i == 9 ? other : graph, &binding[i], 1,
                       &options[i]);
    for (int i = 0; i < KEYS; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(key[i], key[j], 32) != 0);
    options[0].cancelled = (int (*)(void *))(uintptr_t)1; // does not matter
    wr_nn_plan_key(again, graph, &binding[0], 1, &options[0]);
    CHECK(memcmp(again, key[0], 32) == 0);
    wr_nn_graph_destroy(graph);
    wr_nn_graph_destroy(other);
}

// ---------------------------------------------------------------------------
// Refusals

static void expect_refusal(const char *lines, size_t arena_max, int status,
                           const char *part) {
    wr_nn_graph *graph = text_read(lines);
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.arena_max = arena_max;
    wr_nn_plan *plan;
    wr_nn_why why;
    CHECK_EQ(text_try(&plan, graph, 1, &options, &why), status);
    if (strstr(why.text, part) == NULL)
        CHECK_FAIL("\"%s\" is not in \"%s\"", part, why.text);
    CHECK(plan == NULL);
    wr_nn_graph_destroy(graph);
}

static void too_large_a_run_is_refused(void) {
    const char *lines = "input x 64 64; const w 64 64; a = MatMul x w;"
                        "b = MatMul a w; y = MatMul b w; output y;";
    expect_refusal(lines, 10000, -E2BIG, "above the limit of 10000");
    wr_nn_graph *graph = text_read(lines);
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    wr_nn_plan *plan = text_compile(graph, 0);
    options.arena_max = plan->arena_bytes + plan->scratch_bytes;
    wr_nn_plan_destroy(plan);
    CHECK_EQ(text_try(&plan, graph, 1, &options, NULL), 0);
    wr_nn_plan_destroy(plan);
    options.arena_max--;
    CHECK_EQ(text_try(&plan, graph, 1, &options, NULL), -E2BIG);
    wr_nn_graph_destroy(graph);
}

static void sizes_that_overflow_are_refused(void) {
    expect_refusal("input x 1; ints s 1099511627776 1099511627776 65536;"
                   "y = Expand x s; output y;",
                   1 << 30, -E2BIG, "Expand");
    expect_refusal("numbers c 1 : 1; ints s 4611686018427387904 4 3;"
                   "e = Expand c s; input x 1; y = Add e x; output y;",
                   1 << 30, -E2BIG, "Expand");
    // Each is allowed, but not one after another
    expect_refusal("input x 1 1; ints s 1000 1000; a = Expand x s;"
                   "ints t 1000 1000 1 1; b = Reshape a t;"
                   "ints u 1000 1000 1000 1000; y = Expand b u; output y;",
                   1 << 30, -E2BIG, "Expand");
}

static void bombs_of_constants_are_left_or_refused(void) {
    char lines[16384] = "input x 1;numbers c 1 : 1;ints s 1024 1024 3;"
                        "e0 = Expand c s;";
    // Hundreds of 12 MiB: what is folded is bounded
    for (int i = 0; i < 200; i++) {
        char line[64];
        snprintf(line, sizeof line, "e%d = Neg e%d;", i + 1, i);
        strcat(lines, line);
    }
    strcat(lines, "y = Add x e200; output y;");
    wr_nn_graph *graph;
    wr_nn_plan *plan = plan_of(lines, 0, &graph);
    CHECK(plan->made_bytes <= 128u << 20);
    CHECK(wr_nn_plan_bytes(plan) <= 128u << 20);
    destroy(plan, graph);
}

// ---------------------------------------------------------------------------
// Endings

typedef struct patience {
    int left, asked;
} patience;

static int lose_patience(void *context) {
    patience *p = context;
    p->asked++;
    return p->left-- == 0 ? -ECANCELED : 0;
}

static void a_cancel_leaves_nothing(void) {
    wr_nn_graph *graph = text_read(rich);
    patience p = {.left = -1};
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.cancelled = lose_patience;
    options.context = &p;
    wr_nn_plan *plan;
    wr_nn_why why;
    CHECK_EQ(text_try(&plan, graph, 1, &options, &why), 0);
    wr_nn_plan_destroy(plan);
    int times = p.asked;
    CHECK(times > 40); // between passes and between nodes
    for (int i = 0; i < times; i++) {
        p = (patience){.left = i};
        CHECK_EQ(text_try(&plan, graph, 1, &options, &why), -ECANCELED);
        CHECK_EQ(p.asked, i + 1);
        CHECK(plan == NULL);
        CHECK_STR(why.text, "compiling was cancelled");
    }
    wr_nn_graph_destroy(graph);
}

static void lack_of_memory_leaves_nothing(void) {
    wr_nn_graph *graph = text_read(
        "input x 1 4 8 8; const w 4 4 1 1; const k 4 1 1; const z 3;"
        "f = Neg z; a = Conv x w; b = Mul a k; c = Conv b w; s = Sigmoid c;"
        "d = Mul c s; e = Mul d d; g = Exp f; output e; output g;");
    wr_nn_plan *plan;
    wr_nn_why why;
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without faults");
    int status = -ENOMEM;
    uint64_t at = 0;
    for (; status == -ENOMEM; at++) {
        CHECK(wr_fault_arm(WR_FAULT_ALLOC, at, 1));
        status = text_try(&plan, graph, 1, NULL, &why);
        CHECK(status == 0 || status == -ENOMEM);
        CHECK(status == 0 || why.text[0] != '\0');
        // What has no room for new weights keeps the old ones: it may work out.
        if (status == 0 && wr_fault_seen(WR_FAULT_ALLOC) > at) {
            wr_nn_plan_destroy(plan);
            status = -ENOMEM;
        }
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    CHECK(at > 30);
    wr_nn_plan_destroy(plan);
    wr_nn_graph_destroy(graph);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_chain_lies_in_one_place", a_chain_lies_in_one_place},
        {"a_chain_of_products_needs_two_places",
         a_chain_of_products_needs_two_places},
        {"branches_do_not_share_memory", branches_do_not_share_memory},
        {"what_comes_later_by_the_order_shares",
         what_comes_later_by_the_order_shares},
        {"nothing_is_shared_if_it_must_not", nothing_is_shared_if_it_must_not},
        {"results_lie_in_place_where_nobody_else_reads",
         results_lie_in_place_where_nobody_else_reads},
        {"inputs_are_never_written", inputs_are_never_written},
        {"an_output_that_is_read_on_stays", an_output_that_is_read_on_stays},
        {"edges_that_follow_from_others_are_left_out",
         edges_that_follow_from_others_are_left_out},
        {"large_nodes_are_cut_into_parts", large_nodes_are_cut_into_parts},
        {"what_a_plan_holds_is_counted", what_a_plan_holds_is_counted},
        {"the_checker_sees_what_is_read_and_overwritten",
         the_checker_sees_what_is_read_and_overwritten},
        {"the_checker_agrees_with_a_plain_one",
         the_checker_agrees_with_a_plain_one},
        {"the_checker_sees_missing_edges", the_checker_sees_missing_edges},
        {"the_checker_sees_impossible_places",
         the_checker_sees_impossible_places},
        {"integer_inputs_become_constants", integer_inputs_become_constants},
        {"bindings_must_fit", bindings_must_fit},
        {"keys_tell_plans_apart", keys_tell_plans_apart},
        {"too_large_a_run_is_refused", too_large_a_run_is_refused},
        {"sizes_that_overflow_are_refused", sizes_that_overflow_are_refused},
        {"bombs_of_constants_are_left_or_refused",
         bombs_of_constants_are_left_or_refused},
        {"a_cancel_leaves_nothing", a_cancel_leaves_nothing},
        {"lack_of_memory_leaves_nothing", lack_of_memory_leaves_nothing},
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
