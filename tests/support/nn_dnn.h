// SPDX-License-Identifier: MIT
// A graph with one node that runs on oneDNN, in parts, and what its result may
// be: sums in double precision with the room that float sums need.
#ifndef TEST_NN_DNN_H
#define TEST_NN_DNN_H

#include "base/fault.h"
#include "base/random.h"
#include "os/os.h"
#include "programs/nn/graph.h"
#include "programs/nn/ops.h"
#include "support/pool.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>

enum { PARTS = 5, GUARD = 64 };

// ---- a graph with one node -------------------------------------------------

typedef struct bench {
    wr_nn_graph *graph;
    wr_nn_node *node;
    float *data[WR_NN_ARGS_MAX]; // of the inputs, constant or not
    size_t sizes[WR_NN_ARGS_MAX];
    wr_nn_why why;
} bench;

static _Thread_local uint64_t seed = 7;

static inline float *numbers(size_t count) {
    float *data = wr_aligned_alloc(WR_NN_ALIGN, count * sizeof(float));
    CHECK(data != NULL);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)wr_random_below(&seed, 2001) / 1000.0f - 1.0f;
    return data;
}

static inline const wr_nn_op *op_named(const char *name) {
    const wr_nn_op *tables[] = {wr_nn_ops_conv, wr_nn_ops_matmul};
    for (size_t i = 0; i < 2; i++)
        for (const wr_nn_op *op = tables[i]; op->name != NULL; op++)
            if (strcmp(op->name, name) == 0)
                return op;
    CHECK_FAIL("no operator %s", name);
}

static inline wr_nn_shape shape_of(int rank, ...) {
    wr_nn_shape shape = {.type = WR_NN_F32, .rank = rank};
    va_list list;
    va_start(list, rank);
    for (int i = 0; i < rank; i++)
        shape.dim[i] = va_arg(list, int);
    va_end(list);
    return shape;
}

static inline void begin(bench *b, const char *op, int inputs) {
    *b = (bench){.graph = wr_nn_graph_create(NULL)};
    CHECK(b->graph != NULL);
    CHECK_EQ(wr_nn_node_add(b->graph, op_named(op), "it", inputs, 1), 0);
    b->node = &b->graph->node[0];
}

static inline void input(bench *b, int index, const wr_nn_shape *shape,
                         bool constant) {
    b->sizes[index] = wr_nn_elements(shape);
    b->data[index] = numbers(b->sizes[index]);
    b->node->input[index] =
        wr_nn_value_add(b->graph, "", shape, constant ? b->data[index] : NULL);
    CHECK(b->node->input[index] >= 0);
}

static inline int infer(bench *b) {
    wr_nn_shape unknown = {.type = WR_NN_NONE, .rank = -1};
    b->node->output[0] = wr_nn_value_add(b->graph, "y", &unknown, NULL);
    CHECK(b->node->output[0] >= 0);
    int status = b->node->op->infer(b->graph, b->node, &b->why);
    CHECK((status == 0) == (b->why.text[0] == '\0'));
    return status;
}

static inline void end(bench *b) {
    wr_nn_graph_destroy(b->graph);
    for (size_t i = 0; i < WR_NN_ARGS_MAX; i++)
        wr_free(b->data[i]);
}

static inline const wr_nn_shape *result_of(const bench *b) {
    return &b->graph->value[b->node->output[0]].shape;
}

static inline unsigned parts_max(const bench *b) {
    return b->node->op->parts_max(b->graph, b->node);
}

static inline size_t prepare(bench *b, unsigned parts) {
    size_t bytes = 0;
    b->node->parts = parts;
    if (b->node->op->prepare(b->graph, b->node, &bytes, &b->why) != 0)
        CHECK_FAIL("%s", b->why.text);
    return bytes;
}

// Runs the prepared parts into y, in the order first, first + 1, ..., and
// around. Scratch has something in it, and nothing is written past it.
static inline void run_parts(const bench *b, float *y, unsigned first) {
    size_t bytes = b->node->op->scratch(b->graph, b->node);
    unsigned char *scratch = wr_aligned_alloc(WR_NN_ALIGN, bytes + GUARD);
    CHECK(scratch != NULL);
    memset(scratch, 0xFF, bytes + GUARD);
    const void *in[WR_NN_ARGS_MAX];
    for (size_t i = 0; i < WR_NN_ARGS_MAX; i++)
        in[i] = b->data[i];
    void *out[] = {y};
    for (unsigned i = 0; i < b->node->parts; i++)
        b->node->op->run(b->graph, b->node, in, out, scratch,
                         (first + i) % b->node->parts);
    for (size_t i = 0; i < GUARD; i++)
        CHECK_EQ(scratch[bytes + i], 0xFF);
    wr_free(scratch);
}

// ---- what is right ---------------------------------------------------------

// Expected results with how far off each may be: float sums of `terms` terms
// whose absolute values add up to `weight`.
typedef struct oracle {
    size_t count;
    double *want, *weight;
    size_t terms;
} oracle;

static inline oracle oracle_of(const bench *b, size_t terms) {
    oracle o = {.count = wr_nn_elements(result_of(b)), .terms = terms};
    o.want = calloc(o.count, sizeof(double));
    o.weight = calloc(o.count, sizeof(double));
    CHECK(o.want != NULL && o.weight != NULL);
    return o;
}

static inline void oracle_drop(oracle *o) {
    free(o->want);
    free(o->weight);
}

static inline void oracle_add(oracle *o, size_t at, double value) {
    o->want[at] += value;
    o->weight[at] += fabs(value);
}

static inline void compare(const bench *b, const oracle *o, const float *y,
                           const char *what) {
    for (size_t i = 0; i < o->count; i++) {
        double room = ((double)o->terms + 8) * FLT_EPSILON * o->weight[i];
        if (!(fabs((double)y[i] - o->want[i]) <= room + 1e-30)) {
            char text[WR_NN_SHAPE_TEXT];
            CHECK_FAIL("%s, %s in %u parts: [%zu] is %.9g, not %.9g", what,
                       wr_nn_shape_text(text, result_of(b)), b->node->parts, i,
                       (double)y[i], o->want[i]);
        }
    }
}

// Runs the node in 1 to PARTS parts, as far as it can be cut, and compares.
static inline void check_parts(bench *b, const oracle *o, const char *what) {
    float *y = wr_aligned_alloc(WR_NN_ALIGN, (o->count + 1) * sizeof(float));
    CHECK(y != NULL);
    for (unsigned parts = 1; parts <= PARTS && parts <= parts_max(b); parts++) {
        prepare(b, parts);
        for (size_t i = 0; i <= o->count; i++)
            y[i] = NAN;
        run_parts(b, y, parts / 2);
        compare(b, o, y, what);
        CHECK(isnan(y[o->count]));
        b->node->op->forget(b->node);
        CHECK(b->node->state == NULL);
    }
    wr_free(y);
}

#endif // TEST_NN_DNN_H
