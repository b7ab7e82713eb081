// SPDX-License-Identifier: MIT
//
// What a graph computes, in 32 bytes. Each node has a sum over its operator,
// its attributes and the sums of what it reads, so names within and the order
// of independent nodes cannot count; the graph's sum is over what it says to
// the outside, the sums behind its outputs, and all nodes (dead ones too: what
// is wrong in them may be refused).
#include "programs/nn/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/delta/blake2b.h"
#include "programs/delta/kernels.h"

enum { SUM = WR_BLAKE2B_SUM, BUFFER = 4096 };

// ---------------------------------------------------------------------------
// A sum of many fields. The kernel takes one buffer, so a full one is summed
// and the next begins with that; its number keeps a first buffer from looking
// like a later one.
typedef struct writer {
    uint8_t buffer[BUFFER];
    size_t used;
    uint32_t number;
} writer;

static void sum_of(uint8_t sum[SUM], const void *bytes, size_t size) {
    const uint8_t *data = bytes;
    wr_blake2b_portable(&data, size, (uint8_t(*)[WR_STRONG_MAX])sum);
}

static void put(writer *w, const void *bytes, size_t size);

static void begin(writer *w, uint32_t number) {
    w->used = 0;
    w->number = number;
    put(w, &number, sizeof number);
}

static void put(writer *w, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    while (size > 0) {
        if (w->used == BUFFER) {
            uint8_t sum[SUM];
            sum_of(sum, w->buffer, BUFFER);
            begin(w, w->number + 1);
            put(w, sum, SUM);
        }
        size_t part = BUFFER - w->used;
        part = part < size ? part : size;
        memcpy(w->buffer + w->used, from, part);
        w->used += part;
        from += part;
        size -= part;
    }
}

// Every field has its length before it or has always the same one.
static void put_number(writer *w, uint64_t number) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    put(w, bytes, sizeof bytes);
}

static void put_bytes(writer *w, const void *bytes, size_t size) {
    put_number(w, size);
    if (size <= BUFFER) {
        put(w, bytes, size);
        return;
    }
    uint8_t sum[SUM]; // without a detour through the buffer
    sum_of(sum, bytes, size);
    put(w, sum, SUM);
}

static void put_text(writer *w, const char *text) {
    put_bytes(w, text, strlen(text));
}

static void put_shape(writer *w, const wr_nn_shape *shape) {
    put_number(w, (uint64_t)shape->type);
    put_number(w, (uint64_t)shape->rank);
    for (int i = 0; i < shape->rank; i++)
        put_number(w, (uint64_t)shape->dim[i]);
}

static void put_value(writer *w, const wr_nn_value *value) {
    put_shape(w, &value->shape);
    put_bytes(w, value->data, wr_nn_bytes(&value->shape));
}

// ---------------------------------------------------------------------------
// The graph's parts

typedef struct origin {
    uint8_t sum[SUM]; // of the node or constant, zeros and a number for inputs
    uint32_t number;  // which of its outputs, or which input of the graph, + 1
} origin;

static void put_attr(writer *w, const wr_nn_attr *attr) {
    put_text(w, attr->name);
    put_number(w, (uint64_t)attr->kind);
    switch (attr->kind) {
    case WR_NN_INT: put_number(w, (uint64_t)attr->i); break;
    case WR_NN_FLOAT: put(w, &attr->f, sizeof attr->f); break;
    case WR_NN_STRING: put_bytes(w, attr->string, attr->count); break;
    case WR_NN_INTS:
        put_bytes(w, attr->ints, attr->count * sizeof *attr->ints);
        break;
    case WR_NN_FLOATS:
        put_bytes(w, attr->floats, attr->count * sizeof *attr->floats);
        break;
    case WR_NN_TENSOR: put_value(w, attr->tensor); break;
    }
}

static void put_edge(writer *w, const wr_nn_graph *graph, origin *origins,
                     int value) {
    if (value < 0) {
        put_number(w, 0);
        return;
    }
    origin *from = &origins[value];
    const wr_nn_value *constant = &graph->value[value];
    if (from->number == 0 && constant->data != NULL) {
        writer inner; // the first time that it is met
        begin(&inner, 0);
        put_text(&inner, "constant");
        put_value(&inner, constant);
        sum_of(from->sum, inner.buffer, inner.used);
        from->number = 1;
    }
    put_number(w, from->number);
    put(w, from->sum, SUM);
}

static void node_sum(uint8_t sum[SUM], const wr_nn_graph *graph,
                     const wr_nn_node *node, origin *origins) {
    writer w;
    begin(&w, 0);
    put_text(&w, node->op == NULL ? "" : node->op->name);
    put_number(&w, node->attrs); // they are kept sorted
    for (size_t i = 0; i < node->attrs; i++)
        put_attr(&w, &node->attr[i]);
    put_number(&w, (uint64_t)node->inputs);
    for (int i = 0; i < node->inputs; i++)
        put_edge(&w, graph, origins, node->input[i]);
    put_number(&w, (uint64_t)node->outputs);
    for (int i = 0; i < node->outputs; i++)
        put_number(&w, node->output[i] >= 0); // some decide by it what to do
    sum_of(sum, w.buffer, w.used);
}

int wr_nn_graph_digest(wr_nn_graph *graph) {
    origin *origins = calloc((size_t)graph->values + 1, sizeof *origins);
    if (origins == NULL)
        return -ENOMEM;
    writer w;
    begin(&w, 0);
    put_text(&w, "weir nn graph 1");
    put_number(&w, (uint64_t)graph->opset);
    put_number(&w, (uint64_t)graph->inputs);
    for (int i = 0; i < graph->inputs; i++) {
        const wr_nn_value *value = &graph->value[graph->input[i]];
        put_text(&w, value->name);
        put_shape(&w, &value->shape);
        origins[graph->input[i]].number = (uint32_t)i + 1;
    }

    // Added up, the order of the nodes does not count.
    uint64_t all[SUM / sizeof(uint64_t)] = {0};
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        uint8_t sum[SUM];
        node_sum(sum, graph, node, origins);
        for (int j = 0; j < node->outputs; j++) {
            if (node->output[j] < 0)
                continue;
            origin *out = &origins[node->output[j]];
            memcpy(out->sum, sum, SUM);
            out->number = (uint32_t)j + 1;
        }
        uint64_t words[SUM / sizeof(uint64_t)];
        memcpy(words, sum, SUM);
        for (size_t j = 0; j < SUM / sizeof(uint64_t); j++)
            all[j] += words[j];
    }

    put_number(&w, (uint64_t)graph->outputs);
    for (int i = 0; i < graph->outputs; i++) {
        const wr_nn_value *value = &graph->value[graph->output[i]];
        put_text(&w, value->name);
        put_shape(&w, &value->shape);
        put_edge(&w, graph, origins, graph->output[i]);
    }
    put_number(&w, (uint64_t)graph->nodes);
    put(&w, all, sizeof all);
    sum_of(graph->digest, w.buffer, w.used);
    free(origins);
    return 0;
}
