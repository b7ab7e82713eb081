// SPDX-License-Identifier: MIT
// One operator at a time: a graph with one node, inferred and run in several
// numbers of parts, and in place where it says it may.
//
//   call c = call_begin(13, "Softmax");
//   call_in(&c, &x);                   // known when it runs
//   call_const(&c, &axes);             // known when it is compiled
//   call_int(&c, "axis", 1);
//   CHECK_EQ(call_infer(&c), 0);       // or: c.why.text says why not
//   call_run(&c);                      // results in c.out[0 .. c.outputs)
//   call_end(&c);                      // frees the results
#ifndef TEST_NN_OPS_H
#define TEST_NN_OPS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "programs/nn/graph.h"
#include "programs/nn/ops.h"
#include "support/check.h"

typedef struct tensor {
    wr_nn_shape shape;
    void *data; // exactly as long as it is: a sanitizer sees what is beyond
} tensor;

enum { CALL_INPUTS = 16, CALL_OUTPUTS = 8 };

typedef struct call {
    wr_nn_graph *graph;
    wr_nn_node *node; // after call_node
    const wr_nn_op *op;
    const void *data[CALL_INPUTS];
    int value[CALL_INPUTS];
    int inputs, outputs;
    tensor out[CALL_OUTPUTS];
    wr_nn_why why;
    // Attributes are set once the node is there.
    struct {
        const char *name;
        wr_nn_attr_kind kind;
        int64_t ints[16];
        size_t count;
        float f;
        const char *text;
    } attr[8];
    int attrs;
} call;

// ---- tensors ---------------------------------------------------------------

static inline void *room_for(size_t bytes) {
    void *data = malloc(bytes == 0 ? 1 : bytes);
    CHECK(data != NULL);
    return data;
}

static inline tensor tensor_of(wr_nn_type type, int rank, const int64_t *dim) {
    tensor t = {.shape = {.type = type, .rank = rank}};
    for (int i = 0; i < rank; i++)
        t.shape.dim[i] = dim[i];
    t.data = room_for(wr_nn_bytes(&t.shape));
    memset(t.data, 0, wr_nn_bytes(&t.shape));
    return t;
}

#define DIMS(...)                                                              \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) {   \
        __VA_ARGS__                                                            \
    }
#define SCALAR 0, NULL

static inline tensor floats(int rank, const int64_t *dim, const float *data) {
    tensor t = tensor_of(WR_NN_F32, rank, dim);
    memcpy(t.data, data, wr_nn_bytes(&t.shape));
    return t;
}

// Numbers that differ from each other, of both signs.
static inline tensor some_floats(int rank, const int64_t *dim) {
    tensor t = tensor_of(WR_NN_F32, rank, dim);
    size_t count = wr_nn_elements(&t.shape);
    for (size_t i = 0; i < count; i++)
        ((float *)t.data)[i] = (float)((int)(i * 7919 % 2003) - 1000) / 337.0f;
    return t;
}

static inline tensor longs(int64_t count, const int64_t *data) {
    tensor t = tensor_of(WR_NN_I64, 1, &count);
    if (count > 0)
        memcpy(t.data, data, (size_t)count * sizeof *data);
    return t;
}

#define LONGS(...)                                                             \
    longs(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                  \
          (int64_t[]){__VA_ARGS__})

static inline void tensor_free(tensor *t) {
    free(t->data);
    t->data = NULL;
}

// ---- calls -----------------------------------------------------------------

static inline call call_begin(int opset, const char *op) {
    call c = {.graph = wr_nn_graph_create(NULL), .outputs = 1};
    CHECK(c.graph != NULL);
    c.graph->opset = opset;
    c.op = wr_nn_op_find(op);
    if (c.op == NULL)
        CHECK_FAIL("no operator %s", op);
    return c;
}

static inline void call_add(call *c, const tensor *t, bool constant) {
    CHECK(c->inputs < CALL_INPUTS);
    int i = c->inputs++;
    c->data[i] = t->data;
    c->value[i] =
        wr_nn_value_add(c->graph, "", &t->shape, constant ? t->data : NULL);
    CHECK(c->value[i] >= 0);
}

static inline void call_in(call *c, const tensor *t) { call_add(c, t, false); }

static inline void call_const(call *c, const tensor *t) {
    call_add(c, t, true);
}

static inline void call_absent(call *c) { c->value[c->inputs++] = -1; }

static inline void call_int(call *c, const char *name, int64_t value) {
    c->attr[c->attrs].name = name;
    c->attr[c->attrs].kind = WR_NN_INT;
    c->attr[c->attrs++].ints[0] = value;
}

static inline void call_ints(call *c, const char *name, int count,
                             const int64_t *values) {
    c->attr[c->attrs].name = name;
    c->attr[c->attrs].kind = WR_NN_INTS;
    c->attr[c->attrs].count = (size_t)count;
    memcpy(c->attr[c->attrs++].ints, values, (size_t)count * sizeof *values);
}

static inline void call_float(call *c, const char *name, float value) {
    c->attr[c->attrs].name = name;
    c->attr[c->attrs].kind = WR_NN_FLOAT;
    c->attr[c->attrs++].f = value;
}

static inline void call_text(call *c, const char *name, const char *text) {
    c->attr[c->attrs].name = name;
    c->attr[c->attrs].kind = WR_NN_STRING;
    c->attr[c->attrs++].text = text;
}

// The node, with nothing inferred yet.
static inline void call_node(call *c) {
    int outputs[CALL_OUTPUTS];
    wr_nn_shape none = {.rank = -1};
    for (int i = 0; i < c->outputs; i++)
        outputs[i] = wr_nn_value_add(c->graph, "", &none, NULL);
    int index = wr_nn_node_add(c->graph, c->op, "it", c->inputs, c->outputs);
    CHECK(index >= 0);
    c->node = &c->graph->node[index];
    memcpy(c->node->input, c->value, (size_t)c->inputs * sizeof(int));
    memcpy(c->node->output, outputs, (size_t)c->outputs * sizeof(int));
    for (int i = 0; i < c->attrs; i++) {
        const char *name = c->attr[i].name;
        int status = -1;
        switch (c->attr[i].kind) {
        case WR_NN_INT:
            status =
                wr_nn_attr_set_int(c->graph, c->node, name, c->attr[i].ints[0]);
            break;
        case WR_NN_INTS:
            status = wr_nn_attr_set_ints(c->graph, c->node, name,
                                         c->attr[i].ints, c->attr[i].count);
            break;
        case WR_NN_FLOAT:
            status =
                wr_nn_attr_set_float(c->graph, c->node, name, c->attr[i].f);
            break;
        default:
            status =
                wr_nn_attr_set_string(c->graph, c->node, name, c->attr[i].text);
        }
        CHECK_EQ(status, 0);
    }
}

static inline int call_infer(call *c) {
    if (c->node == NULL)
        call_node(c);
    return c->op->infer(c->graph, c->node, &c->why);
}

static inline const wr_nn_shape *call_shape(const call *c, int i) {
    return &c->graph->value[c->node->output[i]].shape;
}

// Runs the parts from the last to the first: they do not depend on each other.
static inline void call_parts(call *c, unsigned parts, void *const *out,
                              const void *const *in) {
    c->node->parts = parts;
    size_t bytes = 0;
    if (c->op->prepare != NULL &&
        c->op->prepare(c->graph, c->node, &bytes, &c->why) != 0)
        CHECK_FAIL("prepare: %s", c->why.text);
    size_t scratch =
        c->op->scratch == NULL ? 0 : c->op->scratch(c->graph, c->node);
    for (unsigned part = parts; part-- > 0;) {
        void *memory = NULL;
        CHECK(posix_memalign(&memory, WR_NN_ALIGN, scratch + 1) == 0);
        c->op->run(c->graph, c->node, in, out, memory, part);
        free(memory);
    }
    if (c->op->forget != NULL)
        c->op->forget(c->node);
}

static inline void call_again(call *c, unsigned parts) {
    void *out[CALL_OUTPUTS] = {NULL};
    for (int i = 0; i < c->outputs; i++) {
        out[i] = room_for(wr_nn_bytes(&c->out[i].shape));
        memset(out[i], 0xa5, wr_nn_bytes(&c->out[i].shape));
    }
    call_parts(c, parts, out, c->data);
    for (int i = 0; i < c->outputs; i++) {
        size_t bytes = wr_nn_bytes(&c->out[i].shape);
        // What oneDNN does in parts is its own test's affair; here it has to
        // be right.
        if (c->op->prepare != NULL)
            memcpy(c->out[i].data, out[i], bytes);
        else if (memcmp(out[i], c->out[i].data, bytes) != 0)
            CHECK_FAIL("%s: other bits in %u parts", c->op->name, parts);
        free(out[i]);
    }
}

// On a copy of input 0.
static inline void call_in_place(call *c) {
    size_t bytes = wr_nn_bytes(&c->out[0].shape);
    void *memory = room_for(bytes);
    memcpy(memory, c->data[0], bytes);
    void *out[CALL_OUTPUTS] = {memory};
    const void *in[CALL_INPUTS];
    memcpy(in, c->data, sizeof in);
    in[0] = memory;
    call_parts(c, 2, out, in);
    if (memcmp(memory, c->out[0].data, bytes) != 0)
        CHECK_FAIL("%s: other bits in place", c->op->name);
    free(memory);
}

// After call_infer. The first run is serial; all others give the same bits.
static inline void call_run(call *c) {
    void *out[CALL_OUTPUTS];
    for (int i = 0; i < c->outputs; i++) {
        c->out[i].shape = *call_shape(c, i);
        size_t bytes = wr_nn_bytes(&c->out[i].shape);
        CHECK(bytes != SIZE_MAX);
        out[i] = c->out[i].data = room_for(bytes);
        memset(out[i], 0x5a, bytes);
    }
    if (c->op->cost != NULL && c->op->prepare == NULL)
        CHECK(c->op->cost(c->graph, c->node) >= 0);
    call_parts(c, 1, out, c->data);
    unsigned most =
        c->op->parts_max == NULL ? 1 : c->op->parts_max(c->graph, c->node);
    CHECK(most >= 1);
    // Small tensors in parts too, where cuts are allowed at all: run must
    // bear parts with nothing to do.
    if (c->op->parts_max != NULL && c->op->prepare == NULL) {
        call_again(c, 2);
        call_again(c, 7);
    }
    if (most > 1)
        call_again(c, most < 5 ? most : 5);
    if ((c->op->flags & WR_NN_INPLACE) != 0 && c->outputs == 1 &&
        c->data[0] != NULL &&
        wr_nn_bytes(&c->out[0].shape) ==
            wr_nn_bytes(&c->graph->value[c->value[0]].shape) &&
        (c->inputs < 2 || c->data[1] != c->data[0]))
        call_in_place(c);
}

static inline void call_end(call *c) {
    for (int i = 0; i < c->outputs; i++)
        free(c->out[i].data);
    wr_nn_graph_destroy(c->graph);
}

// How many floats lie between two floats.
static inline double ulps(float a, float b) {
    int32_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    int64_t i = x < 0 ? -(int64_t)(x & INT32_MAX) : x;
    int64_t j = y < 0 ? -(int64_t)(y & INT32_MAX) : y;
    return (double)(i > j ? i - j : j - i);
}

#endif // TEST_NN_OPS_H
