// SPDX-License-Identifier: MIT
//
// Graphs: their memory, and adding to them.
#include "programs/nn/graph.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/nn/graph_pile.h"

// ---------------------------------------------------------------------------
// The pile

// Small things are cut from pieces of PIECE bytes, large ones have their own.
enum { PIECE = 32768 };

typedef struct wr_nn_piece wr_nn_piece;
struct wr_nn_piece {
    wr_nn_piece *next, *previous;
    void *block;  // what malloc gave
    size_t bytes; // of the block
};

struct wr_nn_pile {
    wr_nn_piece *pieces;
    uint8_t *at; // where the next small thing goes
    size_t left;
    size_t bytes; // of all pieces and both arrays
};

static uint8_t *align_up(uint8_t *at) {
    size_t over = (size_t)((uintptr_t)at % WR_NN_ALIGN);
    return over == 0 ? at : at + (WR_NN_ALIGN - over);
}

static void link_piece(wr_nn_graph *graph, wr_nn_piece *piece) {
    struct wr_nn_pile *pile = graph->pile;
    piece->previous = NULL;
    piece->next = pile->pieces;
    if (piece->next != NULL)
        piece->next->previous = piece;
    pile->pieces = piece;
    pile->bytes += piece->bytes;
}

static wr_nn_piece *piece_of(void *data) { return (wr_nn_piece *)data - 1; }

// Room for `bytes`, zeroed and aligned; it belongs to the graph.
static void *add_piece(wr_nn_graph *graph, size_t bytes) {
    // The header lies just before the aligned data.
    size_t spare = sizeof(wr_nn_piece) + WR_NN_ALIGN, total;
    if (__builtin_add_overflow(bytes, spare, &total))
        return NULL;
    uint8_t *block = calloc(1, total); // large ones are fresh pages: no cost
    if (block == NULL)
        return NULL;
    void *data = align_up(block + sizeof(wr_nn_piece));
    wr_nn_piece *piece = piece_of(data);
    *piece = (wr_nn_piece){.block = block, .bytes = total};
    link_piece(graph, piece);
    return data;
}

bool wr_nn_graph_move(wr_nn_graph *to, wr_nn_graph *from, void *data,
                      size_t bytes) {
    if (bytes <= WR_NN_PIECE_SHARED)
        return false;
    wr_nn_piece *piece = piece_of(data);
    if (piece->previous != NULL)
        piece->previous->next = piece->next;
    else
        from->pile->pieces = piece->next;
    if (piece->next != NULL)
        piece->next->previous = piece->previous;
    from->pile->bytes -= piece->bytes;
    link_piece(to, piece);
    return true;
}

// `aligned` to WR_NN_ALIGN; else to a byte.
static void *take(wr_nn_graph *graph, size_t bytes, bool aligned) {
    struct wr_nn_pile *pile = graph->pile;
    if (bytes > WR_NN_PIECE_SHARED)
        return add_piece(graph, bytes);
    size_t skip = pile->at == NULL || !aligned
                      ? 0
                      : (size_t)(align_up(pile->at) - pile->at);
    if (skip + bytes > pile->left) {
        uint8_t *piece = add_piece(graph, PIECE);
        if (piece == NULL)
            return NULL;
        pile->at = piece;
        pile->left = PIECE;
        skip = 0;
    }
    void *result = pile->at + skip;
    pile->at += skip + bytes;
    pile->left -= skip + bytes;
    return result;
}

void *wr_nn_allocate(wr_nn_graph *graph, size_t bytes) {
    return take(graph, bytes == 0 ? 1 : bytes, true);
}

const char *wr_nn_text(wr_nn_graph *graph, const char *text) {
    if (text == NULL || text[0] == '\0')
        return "";
    size_t bytes = strlen(text) + 1;
    char *copy = take(graph, bytes, false);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

size_t wr_nn_graph_bytes(const wr_nn_graph *graph) {
    return sizeof *graph + sizeof *graph->pile + graph->pile->bytes;
}

// ---------------------------------------------------------------------------
// Life

wr_nn_graph *wr_nn_graph_create(const wr_nn_graph *parent) {
    wr_nn_graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL)
        return NULL;
    graph->pile = calloc(1, sizeof *graph->pile);
    if (graph->pile == NULL) {
        free(graph);
        return NULL;
    }
    graph->parent = parent;
    graph->name = "";
    return graph;
}

static void forget(wr_nn_node *node) {
    if (node->state == NULL || node->op == NULL || node->op->forget == NULL)
        return;
    node->op->forget(node);
    node->state = NULL;
}

void wr_nn_graph_destroy(wr_nn_graph *graph) {
    if (graph == NULL)
        return;
    for (int i = 0; i < graph->nodes; i++)
        forget(&graph->node[i]);
    wr_nn_piece *next;
    for (wr_nn_piece *at = graph->pile->pieces; at != NULL; at = next) {
        next = at->next;
        free(at->block);
    }
    // The two arrays grow: they are pieces of their own kind.
    free(graph->value);
    free(graph->node);
    free(graph->pile);
    free(graph);
}

// ---------------------------------------------------------------------------
// Adding

// Room for one more of `size` bytes.
static int reserve(wr_nn_graph *graph, void **array, int used, int *room,
                   size_t size) {
    if (used < *room)
        return 0;
    if (*room > INT_MAX / 2)
        return -ENOMEM;
    int wider = *room == 0 ? 16 : 2 * *room;
    void *grown = reallocarray(*array, (size_t)wider, size);
    if (grown == NULL)
        return -ENOMEM;
    graph->pile->bytes += (size_t)(wider - *room) * size;
    *array = grown;
    *room = wider;
    return 0;
}

int wr_nn_value_add(wr_nn_graph *graph, const char *name,
                    const wr_nn_shape *shape, const void *data) {
    const char *copy = wr_nn_text(graph, name);
    void *array = graph->value;
    if (copy == NULL || reserve(graph, &array, graph->values,
                                &graph->values_room, sizeof *graph->value) != 0)
        return -ENOMEM;
    graph->value = array;
    wr_nn_value *value = &graph->value[graph->values];
    *value = (wr_nn_value){.name = copy, .data = data};
    value->shape = shape != NULL ? *shape : (wr_nn_shape){.rank = -1};
    return graph->values++;
}

static int *no_values(wr_nn_graph *graph, int count) {
    int *values = wr_nn_allocate(graph, (size_t)count * sizeof *values);
    for (int i = 0; values != NULL && i < count; i++)
        values[i] = -1;
    return values;
}

int wr_nn_node_add(wr_nn_graph *graph, const wr_nn_op *op, const char *name,
                   int inputs, int outputs) {
    char made_up[64];
    if (name == NULL || name[0] == '\0') {
        snprintf(made_up, sizeof made_up, "%.40s #%d",
                 op == NULL ? "node" : op->name, graph->nodes);
        name = made_up;
    }
    wr_nn_node node = {.op = op,
                       .name = wr_nn_text(graph, name),
                       .inputs = inputs,
                       .outputs = outputs,
                       .input = no_values(graph, inputs),
                       .output = no_values(graph, outputs),
                       .parts = 1};
    void *array = graph->node;
    if (node.name == NULL || node.input == NULL || node.output == NULL ||
        reserve(graph, &array, graph->nodes, &graph->nodes_room,
                sizeof *graph->node) != 0)
        return -ENOMEM;
    graph->node = array;
    graph->node[graph->nodes] = node;
    return graph->nodes++;
}

void wr_nn_graph_compact(wr_nn_graph *graph) {
    int kept = 0;
    for (int i = 0; i < graph->nodes; i++)
        if (graph->node[i].op != NULL)
            graph->node[kept++] = graph->node[i];
    graph->nodes = kept;
}

// ---------------------------------------------------------------------------
// Copying

static int *copy_ints(wr_nn_graph *graph, const int *from, int count) {
    int *copy = wr_nn_allocate(graph, (size_t)count * sizeof *copy);
    if (copy != NULL && count > 0)
        memcpy(copy, from, (size_t)count * sizeof *copy);
    return copy;
}

// A whole array in one go: nobody grows it bit by bit.
static void *copy_array(wr_nn_graph *graph, const void *from, int count,
                        size_t size) {
    void *copy = calloc((size_t)count + 1, size);
    if (copy == NULL)
        return NULL;
    if (count > 0)
        memcpy(copy, from, (size_t)count * size);
    graph->pile->bytes += ((size_t)count + 1) * size;
    return copy;
}

static bool copy_node(wr_nn_graph *graph, wr_nn_node *node) {
    node->params = NULL;
    node->state = NULL;
    node->input = copy_ints(graph, node->input, node->inputs);
    node->output = copy_ints(graph, node->output, node->outputs);
    if (node->input == NULL || node->output == NULL)
        return false;
    if (node->attrs == 0) {
        node->attr = NULL;
        return true;
    }
    // Values that attributes point at are shared.
    const wr_nn_attr *from = node->attr;
    node->attr = wr_nn_allocate(graph, wr_nn_attr_room(node->attrs) *
                                           sizeof *node->attr);
    if (node->attr != NULL)
        memcpy(node->attr, from, node->attrs * sizeof *from);
    return node->attr != NULL;
}

wr_nn_graph *wr_nn_graph_copy(const wr_nn_graph *from) {
    wr_nn_graph *graph = wr_nn_graph_create(from);
    if (graph == NULL)
        return NULL;
    graph->opset = from->opset;
    graph->name = from->name;
    memcpy(graph->digest, from->digest, sizeof graph->digest);

    graph->value =
        copy_array(graph, from->value, from->values, sizeof *graph->value);
    graph->node =
        copy_array(graph, from->node, from->nodes, sizeof *graph->node);
    graph->input = copy_ints(graph, from->input, from->inputs);
    graph->output = copy_ints(graph, from->output, from->outputs);
    bool whole = graph->value != NULL && graph->node != NULL &&
                 graph->input != NULL && graph->output != NULL;
    graph->inputs = from->inputs;
    graph->outputs = from->outputs;
    if (whole) {
        graph->values = from->values;
        graph->values_room = from->values + 1;
        // Nodes count once they are the copy's own: destroying forgets state.
        for (int i = 0; whole && i < from->nodes; i++)
            whole = copy_node(graph, &graph->node[i]);
        graph->nodes = whole ? from->nodes : 0;
        graph->nodes_room = from->nodes + 1;
    }
    if (!whole) {
        wr_nn_graph_destroy(graph);
        return NULL;
    }
    return graph;
}
