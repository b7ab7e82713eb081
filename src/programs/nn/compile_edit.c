// SPDX-License-Identifier: MIT
//
// Changing a graph that is being compiled, with the tables kept right.
#include "programs/nn/pass.h"

#include <errno.h>
#include <math.h>

#include "base/fault.h"
#include "os/os.h"

// ---------------------------------------------------------------------------
// Tables that grow

// Room for `count` entries, the new ones all ones (-1).
static int grow(int **array, int *room, int count) {
    if (count <= *room)
        return 0;
    size_t wider = (size_t)count + (size_t)count / 2 + 16;
    int *grown = wr_malloc(wider * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown, 0xff, wider * sizeof *grown);
    if (*room > 0)
        memcpy(grown, *array, (size_t)*room * sizeof *grown);
    wr_free(*array);
    *array = grown;
    *room = (int)wider;
    return 0;
}

static int grow_values(wr_nn_compiler *c) {
    int count = c->graph->values, room = c->values_room;
    int rooms[3] = {room, room, room};
    int **table[3] = {&c->producer, &c->head, &c->uses};
    for (int i = 0; i < 3; i++)
        if (grow(table[i], &rooms[i], count) != 0) {
            // All have at least the old room: a retry grows each again.
            return -ENOMEM;
        }
    for (int i = room; i < rooms[2]; i++)
        c->uses[i] = 0;
    c->values_room = rooms[0];
    return 0;
}

static int grow_edges(wr_nn_compiler *c, int count) {
    if (count <= c->edges_room)
        return 0;
    size_t wider = (size_t)count + (size_t)count / 2 + 64;
    wr_nn_edge *grown = wr_malloc(wider * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    if (c->edges > 0)
        memcpy(grown, c->edge, (size_t)c->edges * sizeof *grown);
    wr_free(c->edge);
    c->edge = grown;
    c->edges_room = (int)wider;
    return 0;
}

// ---------------------------------------------------------------------------
// Edges

static void link_edge(wr_nn_compiler *c, int edge, int value) {
    if (value < 0)
        return;
    int head = c->head[value];
    c->edge[edge].next = head;
    c->edge[edge].previous = -1;
    if (head >= 0)
        c->edge[head].previous = edge;
    c->head[value] = edge;
    c->uses[value]++;
}

static void unlink_edge(wr_nn_compiler *c, int edge, int value) {
    if (value < 0)
        return;
    wr_nn_edge *at = &c->edge[edge];
    if (at->previous >= 0)
        c->edge[at->previous].next = at->next;
    else
        c->head[value] = at->next;
    if (at->next >= 0)
        c->edge[at->next].previous = at->previous;
    c->uses[value]--;
}

// New edges for all inputs of a node.
static int link_node(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    int status = grow_edges(c, c->edges + node->inputs);
    if (status != 0)
        return status;
    c->first[index] = c->edges;
    for (int k = 0; k < node->inputs; k++) {
        c->edge[c->edges] = (wr_nn_edge){index, -1, -1};
        link_edge(c, c->edges++, node->input[k]);
    }
    for (int k = 0; k < node->outputs; k++)
        if (node->output[k] >= 0)
            c->producer[node->output[k]] = index;
    return 0;
}

static void unlink_node(wr_nn_compiler *c, int index) {
    const wr_nn_node *node = wr_nn_at(c, index);
    for (int k = 0; k < node->inputs; k++)
        unlink_edge(c, c->first[index] + k, node->input[k]);
}

int wr_nn_link(wr_nn_compiler *c) {
    wr_nn_graph *graph = c->graph;
    int status = grow_values(c);
    if (status == 0)
        status = grow(&c->first, &c->nodes_room, graph->nodes);
    if (status != 0)
        return status;
    c->edges = 0;
    for (int i = 0; i < graph->values; i++) {
        c->producer[i] = c->head[i] = -1;
        c->uses[i] = 0;
    }
    for (int i = 0; i < graph->nodes && status == 0; i++)
        status = link_node(c, i);
    for (int i = 0; i < graph->outputs; i++)
        c->uses[graph->output[i]]++;
    return status;
}

// ---------------------------------------------------------------------------
// Nodes

int wr_nn_edit_add(wr_nn_compiler *c, const wr_nn_op *op, const char *name,
                   const int *inputs, int count, int outputs) {
    wr_nn_graph *graph = c->graph;
    int index = wr_nn_node_add(graph, op, name, count, outputs);
    if (index < 0)
        return index;
    for (int k = 0; k < outputs; k++) {
        int value = wr_nn_value_add(graph, "", NULL, NULL);
        if (value < 0)
            return value;
        graph->node[index].output[k] = value;
    }
    if (count > 0)
        memcpy(graph->node[index].input, inputs,
               (size_t)count * sizeof *inputs);
    int status = grow_values(c);
    if (status == 0)
        status = grow(&c->first, &c->nodes_room, graph->nodes);
    if (status == 0)
        status = link_node(c, index);
    return status == 0 ? index : status;
}

void wr_nn_edit_input(wr_nn_compiler *c, int node, int slot, int value) {
    int edge = c->first[node] + slot;
    int *input = &wr_nn_at(c, node)->input[slot];
    unlink_edge(c, edge, *input);
    *input = value;
    link_edge(c, edge, value);
}

int wr_nn_edit_inputs(wr_nn_compiler *c, int node, const int *inputs,
                      int count) {
    int *copy = wr_nn_allocate(c->graph, (size_t)count * sizeof *copy);
    if (copy == NULL || grow_edges(c, c->edges + count) != 0)
        return -ENOMEM;
    memcpy(copy, inputs, (size_t)count * sizeof *copy);
    unlink_node(c, node);
    wr_nn_at(c, node)->input = copy;
    wr_nn_at(c, node)->inputs = count;
    return link_node(c, node);
}

void wr_nn_edit_replace(wr_nn_compiler *c, int from, int to) {
    while (c->head[from] >= 0) {
        int edge = c->head[from], node = c->edge[edge].node;
        wr_nn_edit_input(c, node, edge - c->first[node], to);
    }
    if (c->uses[from] == 0)
        return;
    for (int i = 0; i < c->graph->outputs; i++)
        if (c->graph->output[i] == from) {
            c->graph->output[i] = to;
            c->uses[from]--;
            c->uses[to]++;
        }
}

void wr_nn_edit_drop(wr_nn_compiler *c, int node) {
    unlink_node(c, node);
    wr_nn_node *at = wr_nn_at(c, node);
    for (int k = 0; k < at->outputs; k++)
        if (at->output[k] >= 0 && c->producer[at->output[k]] == node)
            c->producer[at->output[k]] = -1;
    at->op = NULL;
    at->inputs = 0;
}

void wr_nn_edit_move(wr_nn_compiler *c, int node, int value) {
    wr_nn_node *at = wr_nn_at(c, node);
    c->producer[at->output[0]] = -1;
    at->output[0] = value;
    c->producer[value] = node;
}

int wr_nn_edit_infer(wr_nn_compiler *c, int node) {
    wr_nn_node *at = wr_nn_at(c, node);
    return at->op->infer(c->graph, at, c->why);
}

// ---------------------------------------------------------------------------
// Values

void *wr_nn_make(wr_nn_compiler *c, size_t bytes) {
    if (bytes > c->made_max || c->made_bytes > c->made_max - bytes)
        return NULL;
    if (c->mades == c->mades_room) {
        size_t wider = 2 * (size_t)c->mades_room + 64;
        wr_nn_made *grown = wr_malloc(wider * sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (c->mades > 0)
            memcpy(grown, c->made, (size_t)c->mades * sizeof *grown);
        wr_free(c->made);
        c->made = grown;
        c->mades_room = (int)wider;
    }
    // Never of 0 bytes: a constant without elements has an address too.
    void *data = wr_aligned_alloc(WR_NN_ALIGN, bytes + 1);
    if (data == NULL)
        return NULL;
    c->made[c->mades++] = (wr_nn_made){data, bytes + 1, false};
    c->made_bytes += bytes;
    return data;
}

int wr_nn_edit_value(wr_nn_compiler *c, const wr_nn_shape *shape,
                     const void *data) {
    int value = wr_nn_value_add(c->graph, "", shape, data);
    if (value < 0 || grow_values(c) != 0)
        return -ENOMEM;
    return value;
}

int wr_nn_edit_reshape(wr_nn_compiler *c, int value, const wr_nn_shape *shape) {
    wr_nn_shape list = {WR_NN_I64, 1, {shape->rank}};
    int64_t *dims = wr_nn_allocate(c->graph, sizeof shape->dim);
    if (dims == NULL)
        return -ENOMEM;
    memcpy(dims, shape->dim, sizeof shape->dim);
    int inputs[2] = {value, wr_nn_edit_value(c, &list, dims)};
    if (inputs[1] < 0)
        return inputs[1];
    int node = wr_nn_edit_add(c, wr_nn_op_find("Reshape"), NULL, inputs, 2, 1);
    int status = node < 0 ? node : wr_nn_edit_infer(c, node);
    return status < 0 ? status : wr_nn_at(c, node)->output[0];
}

int wr_nn_edit_transpose(wr_nn_compiler *c, int value, const int64_t *perm) {
    int rank = wr_nn_value_at(c, value)->shape.rank;
    int node =
        wr_nn_edit_add(c, wr_nn_op_find("Transpose"), NULL, &value, 1, 1);
    if (node < 0)
        return node;
    int status = wr_nn_attr_set_ints(c->graph, wr_nn_at(c, node), "perm", perm,
                                     (size_t)rank);
    if (status == 0)
        status = wr_nn_edit_infer(c, node);
    return status < 0 ? status : wr_nn_at(c, node)->output[0];
}

// ---------------------------------------------------------------------------
// Asking

int wr_nn_made_by(const wr_nn_compiler *c, int value, const char *op) {
    if (value < 0 || c->producer[value] < 0)
        return -1;
    int node = c->producer[value];
    return wr_nn_is(wr_nn_at(c, node), op) ? node : -1;
}

const float *wr_nn_floats(const wr_nn_compiler *c, int value) {
    if (value < 0 || wr_nn_value_at(c, value)->shape.type != WR_NN_F32)
        return NULL;
    return wr_nn_value_at(c, value)->data;
}

bool wr_nn_scalar(const wr_nn_compiler *c, int value, float *number) {
    const float *data = wr_nn_floats(c, value);
    if (data == NULL || wr_nn_elements(&wr_nn_value_at(c, value)->shape) != 1)
        return false;
    *number = data[0];
    return true;
}

const int64_t *wr_nn_int64s(const wr_nn_compiler *c, int value, size_t *count) {
    if (value < 0 || wr_nn_value_at(c, value)->shape.type != WR_NN_I64)
        return NULL;
    *count = wr_nn_elements(&wr_nn_value_at(c, value)->shape);
    return wr_nn_value_at(c, value)->data;
}

bool wr_nn_same(const wr_nn_compiler *c, int a, int b) {
    return wr_nn_same_shape(&wr_nn_value_at(c, a)->shape,
                            &wr_nn_value_at(c, b)->shape);
}

bool wr_nn_clip(const wr_nn_compiler *c, const wr_nn_node *node, float *low,
                float *high) {
    *low = wr_nn_attr_float(node, "min", -INFINITY);
    *high = wr_nn_attr_float(node, "max", INFINITY);
    int bounds[2] = {wr_nn_input_of(node, 1), wr_nn_input_of(node, 2)};
    return (bounds[0] < 0 || wr_nn_scalar(c, bounds[0], low)) &&
           (bounds[1] < 0 || wr_nn_scalar(c, bounds[1], high));
}
