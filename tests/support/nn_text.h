// SPDX-License-Identifier: MIT
// Graphs written down as text, for tests of the compiler, and plans as text:
//
//   input x 1 3 8 8          an input (-1: any size); `input i x 2` of int64
//   const w 4 3 3 3          a constant of numbers that depend on its name
//   numbers c 3 1 : 1 2.5 3  a constant of these
//   ints k 1 -1 12           a list of int64
//   y = Conv x w | pads=1,1,1,1 group=1     a node; . is an absent input
//   a b = Split x | axis=1   one with two outputs
//   output y
//
// An attribute with a comma is a list (`axes=2,`), one with a point a float.
#ifndef TEST_NN_TEXT_H
#define TEST_NN_TEXT_H

#include "programs/nn/graph.h"
#include "programs/nn/ops.h"
#include "programs/nn/plan.h"
#include "programs/nn/run.h"

#include "base/random.h"
#include "support/check.h"

#include <math.h>
#include <stdbool.h>

// ---------------------------------------------------------------------------
// Reading

typedef struct text_graph {
    wr_nn_graph *graph;
    int input[16], output[32];
} text_graph;

static inline uint64_t text_seed(const char *name) {
    uint64_t seed = 1;
    for (; *name != '\0'; name++)
        seed = seed * 131 + (unsigned char)*name;
    return seed;
}

// Numbers of [-1, 1).
static inline void text_fill(float *to, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; i++)
        to[i] = (float)wr_random_below(&seed, 1 << 20) / (float)(1 << 19) - 1;
}

static inline int text_find(const wr_nn_graph *graph, const char *name) {
    if (strcmp(name, ".") == 0)
        return -1;
    for (int i = 0; i < graph->values; i++)
        if (strcmp(graph->value[i].name, name) == 0)
            return i;
    return -2;
}

static inline int text_value(wr_nn_graph *graph, const char *name) {
    int value = text_find(graph, name);
    if (value == -2)
        value = wr_nn_value_add(graph, name, NULL, NULL);
    CHECK(value >= -1);
    return value;
}

static inline wr_nn_shape text_shape(wr_nn_type type, char **word, int words) {
    wr_nn_shape shape = {.type = type, .rank = words};
    for (int i = 0; i < words; i++)
        shape.dim[i] = strtoll(word[i], NULL, 10);
    return shape;
}

static inline void text_constant(wr_nn_graph *graph, char **word, int words) {
    int colon = 2;
    while (colon < words && strcmp(word[colon], ":") != 0)
        colon++;
    bool ints = strcmp(word[0], "ints") == 0;
    wr_nn_shape shape = text_shape(WR_NN_F32, word + 2, colon - 2);
    if (ints)
        shape = (wr_nn_shape){WR_NN_I64, 1, {words - 2}};
    void *data = wr_nn_allocate(graph, wr_nn_bytes(&shape) + 1);
    CHECK(data != NULL);
    if (ints)
        for (int i = 2; i < words; i++)
            ((int64_t *)data)[i - 2] = strtoll(word[i], NULL, 10);
    else if (strcmp(word[0], "const") == 0)
        text_fill(data, wr_nn_elements(&shape), text_seed(word[1]));
    else
        for (size_t i = 0; i < wr_nn_elements(&shape); i++)
            ((float *)data)[i] = strtof(word[colon + 1 + (int)i], NULL);
    int value = text_value(graph, word[1]);
    graph->value[value].shape = shape;
    graph->value[value].data = data;
}

static inline void text_attr(wr_nn_graph *graph, wr_nn_node *node, char *word) {
    char *equals = strchr(word, '=');
    CHECK(equals != NULL);
    *equals = '\0';
    const char *text = equals + 1;
    if (strchr(text, ',') == NULL) {
        if (strchr(text, '.') == NULL)
            wr_nn_attr_set_int(graph, node, word, strtoll(text, NULL, 10));
        else
            wr_nn_attr_set_float(graph, node, word, strtof(text, NULL));
        return;
    }
    int64_t ints[16];
    size_t count = 0;
    for (char *at = equals + 1; *at != '\0';) {
        ints[count++] = strtoll(at, &at, 10);
        at += *at == ',';
    }
    wr_nn_attr_set_ints(graph, node, word, ints, count);
}

static inline void text_node(wr_nn_graph *graph, char **word, int words) {
    int outputs = 0, end = 0;
    while (strcmp(word[outputs], "=") != 0)
        outputs++;
    while (end < words && strcmp(word[end], "|") != 0)
        end++;
    const wr_nn_op *op = wr_nn_op_find(word[outputs + 1]);
    if (op == NULL)
        CHECK_FAIL("no operator %s", word[outputs + 1]);
    int inputs = end - outputs - 2;
    int index = wr_nn_node_add(graph, op, word[0], inputs, outputs);
    CHECK(index >= 0);
    for (int k = 0; k < outputs; k++)
        graph->node[index].output[k] = text_value(graph, word[k]);
    for (int k = 0; k < inputs; k++)
        graph->node[index].input[k] = text_value(graph, word[outputs + 2 + k]);
    for (int i = end + 1; i < words; i++)
        text_attr(graph, &graph->node[index], word[i]);
}

static inline void text_line(text_graph *t, char *line) {
    char *word[64];
    int words = 0;
    for (char *at = strtok(line, " "); at != NULL; at = strtok(NULL, " "))
        word[words++] = at;
    if (words == 0)
        return;
    wr_nn_graph *graph = t->graph;
    if (strcmp(word[0], "input") == 0) {
        int ints = strcmp(word[1], "i") == 0;
        int value = text_value(graph, word[1 + ints]);
        graph->value[value].shape = text_shape(
            ints ? WR_NN_I64 : WR_NN_F32, word + 2 + ints, words - 2 - ints);
        graph->input[graph->inputs++] = value;
    } else if (strcmp(word[0], "output") == 0) {
        graph->output[graph->outputs++] = text_value(graph, word[1]);
    } else if (strcmp(word[0], "const") == 0 || strcmp(word[0], "ints") == 0 ||
               strcmp(word[0], "numbers") == 0) {
        text_constant(graph, word, words);
    } else {
        text_node(graph, word, words);
    }
}

// An empty graph of opset 14.
static inline text_graph text_begin(void) {
    text_graph t = {.graph = wr_nn_graph_create(NULL)};
    CHECK(t.graph != NULL);
    t.graph->opset = 14;
    t.graph->name = "text";
    t.graph->input = wr_nn_allocate(t.graph, 16 * sizeof(int));
    t.graph->output = wr_nn_allocate(t.graph, 32 * sizeof(int));
    return t;
}

static inline void text_add(text_graph *t, const char *lines) {
    while (*lines != '\0') {
        char line[512];
        size_t length = strcspn(lines, "\n;");
        CHECK(length < sizeof line);
        memcpy(line, lines, length);
        line[length] = '\0';
        text_line(t, line);
        lines += length + (lines[length] != '\0');
    }
}

// A checked graph; lines end with a newline or a semicolon.
static inline wr_nn_graph *text_read(const char *lines) {
    text_graph t = text_begin();
    wr_nn_why why = {""};
    text_add(&t, lines);
    if (wr_nn_graph_check(t.graph, &why) != 0)
        CHECK_FAIL("%s", why.text);
    wr_nn_graph_digest(t.graph);
    return t.graph;
}

// ---------------------------------------------------------------------------
// Compiling and running

// Inputs are bound to their own shape, with -1 as `any`.
static inline int text_try(wr_nn_plan **plan, const wr_nn_graph *graph,
                           int64_t any, const wr_nn_compile_options *options,
                           wr_nn_why *why) {
    wr_nn_binding binding[16] = {0};
    for (int i = 0; i < graph->inputs; i++) {
        binding[i].shape = graph->value[graph->input[i]].shape;
        for (int d = 0; d < binding[i].shape.rank; d++)
            if (binding[i].shape.dim[d] < 0)
                binding[i].shape.dim[d] = any;
    }
    return wr_nn_compile(plan, graph, binding, graph->inputs, options, NULL,
                         why);
}

static inline wr_nn_plan *text_compile(const wr_nn_graph *graph,
                                       unsigned without) {
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.without = without;
    wr_nn_plan *plan;
    wr_nn_why why;
    if (text_try(&plan, graph, 4, &options, &why) != 0)
        CHECK_FAIL("%s", why.text);
    if (wr_nn_plan_check(plan, &why) != 0)
        CHECK_FAIL("%s", why.text);
    return plan;
}

// Runs it with numbers that depend on the inputs' places; free each output.
static inline void text_run(const wr_nn_plan *plan, void **output,
                            bool poison) {
    void *input[16] = {NULL};
    for (int i = 0; i < plan->inputs; i++) {
        size_t count = wr_nn_elements(&plan->input[i]);
        input[i] = malloc(wr_nn_bytes(&plan->input[i]));
        if (plan->input[i].type == WR_NN_F32)
            text_fill(input[i], count, (uint64_t)i + 77);
        else
            memset(input[i], 0, wr_nn_bytes(&plan->input[i]));
    }
    for (int i = 0; i < plan->outputs; i++)
        output[i] = malloc(wr_nn_bytes(&plan->output[i]));
    CHECK_EQ(wr_nn_run_serial(plan, (const void *const *)input, output, poison),
             0);
    for (int i = 0; i < plan->inputs; i++)
        free(input[i]);
}

// The same within `tolerance` times the largest number?
static inline void text_compare(const wr_nn_plan *a, const wr_nn_plan *b,
                                double tolerance) {
    void *one[32], *two[32];
    CHECK_EQ(a->outputs, b->outputs);
    text_run(a, one, true);
    text_run(b, two, false);
    for (int i = 0; i < a->outputs; i++) {
        CHECK(wr_nn_same_shape(&a->output[i], &b->output[i]));
        size_t count = wr_nn_elements(&a->output[i]);
        const float *x = one[i], *y = two[i];
        double most = 1;
        if (a->output[i].type != WR_NN_F32) {
            CHECK(memcmp(x, y, wr_nn_bytes(&a->output[i])) == 0);
            count = 0;
        }
        for (size_t k = 0; k < count; k++)
            most = fabs((double)y[k]) > most ? fabs((double)y[k]) : most;
        for (size_t k = 0; k < count; k++)
            if (!(fabs((double)x[k] - (double)y[k]) <= tolerance * most))
                CHECK_FAIL("output %d, element %zu is %g, not %g", i, k,
                           (double)x[k], (double)y[k]);
        free(one[i]);
        free(two[i]);
    }
}

// ---------------------------------------------------------------------------
// Plans as text: "Conv@[relu,add] Reshape"; @ is N, H, W, C.

static inline const char *text_step(wr_nn_step_kind kind) {
    static const char *const names[] = {
        "relu", "clip", "linear", "sigmoid", "tanh", "hardswish", "swish",
        "gelu", "add",  "sub",    "mul",     "div",  "max",       "min"};
    return names[kind];
}

static inline const char *text_of(const wr_nn_plan *plan) {
    static char text[4096];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < plan->graph->nodes; i++) {
        const wr_nn_node *node = &plan->graph->node[i];
        size_t steps;
        const wr_nn_step *step = wr_nn_steps_get(node, &steps);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s",
                                 i == 0 ? "" : " ", node->op->name,
                                 wr_nn_attr_int(node, "weir_nhwc", 0) != 0 ? "@"
                                                                           : "",
                                 steps > 0 ? "[" : "");
        for (size_t k = 0; k < steps; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                     text_step(step[k].kind),
                                     k + 1 < steps ? "," : "]");
        CHECK(used < sizeof text - 64);
    }
    return text;
}

#endif // TEST_NN_TEXT_H
