// SPDX-License-Identifier: MIT
//
// What the passes of the compiler share: the graph that is being changed, who
// makes and who reads each value, and the memory of constants made on the way.
//
// A pass is a function that returns 0 or a negative errno with the line in
// c->why. It begins on a settled graph (nodes sorted, dead ones gone, tables
// right) and may leave nodes in any order: wr_nn_settle puts that right.
#ifndef WEIR_PROGRAMS_NN_PASS_H
#define WEIR_PROGRAMS_NN_PASS_H

#include <string.h>

#include "programs/nn/graph.h"
#include "programs/nn/ops.h"
#include "programs/nn/plan.h"

// One input of a node, in the list of that value's readers.
typedef struct wr_nn_edge {
    int node;
    int next, previous; // edges, or -1
} wr_nn_edge;

// Memory of a constant.
typedef struct wr_nn_made {
    void *data;
    size_t bytes;
    bool used; // in the end
} wr_nn_made;

typedef struct wr_nn_compiler {
    wr_nn_graph *graph;
    const wr_nn_compile_options *options;
    const wr_nn_limits *limits;
    wr_nn_why *why;

    // Tables of the settled graph, kept right by wr_nn_edit_*.
    int *producer; // [value]: the node, or -1
    int *head;     // [value]: its first edge, or -1
    int *uses;     // [value]: inputs of nodes and outputs of the graph
    int values_room;
    int *first; // [node]: its input k is edge first + k
    int nodes_room;
    wr_nn_edge *edge;
    int edges, edges_room;

    // Constants that were made; those still in use in the end go to the plan.
    wr_nn_made *made;
    int mades, mades_room;
    size_t made_bytes, made_max;
    double fold_ns;
} wr_nn_compiler;

// wr_nn_cancelled asks the caller of wr_nn_compile: 0 means go on.
int wr_nn_cancelled(const wr_nn_compiler *c);

// ---- the passes, in order --------------------------------------------------

int wr_nn_pass_infer(wr_nn_compiler *c);    // shapes; constants folded
int wr_nn_pass_elide(wr_nn_compiler *c);    // nodes that change nothing
int wr_nn_pass_patterns(wr_nn_compiler *c); // activations, layer norm
int wr_nn_pass_weights(wr_nn_compiler *c);  // batch norm, scales into weights
int wr_nn_pass_layout(wr_nn_compiler *c);   // regions in N, H, W, C
int wr_nn_pass_views(wr_nn_compiler *c);    // chains of reshape and transpose
int wr_nn_pass_fuse(wr_nn_compiler *c);     // steps into what makes their data

// ---- changing the graph ----------------------------------------------------

// wr_nn_settle sorts the nodes (keeping their order where it can), removes
// those that no output needs and rebuilds the tables; then it makes sure that
// the graph is well formed.
int wr_nn_settle(wr_nn_compiler *c);
// wr_nn_link rebuilds the tables alone.
int wr_nn_link(wr_nn_compiler *c);

// wr_nn_edit_add appends a node with new values as outputs. Returns its index
// or -ENOMEM. Shapes come from wr_nn_edit_infer.
int wr_nn_edit_add(wr_nn_compiler *c, const wr_nn_op *op, const char *name,
                   const int *inputs, int count, int outputs);
int wr_nn_edit_infer(wr_nn_compiler *c, int node);

void wr_nn_edit_input(wr_nn_compiler *c, int node, int slot, int value);
// wr_nn_edit_inputs gives a node other inputs. Errors: -ENOMEM.
int wr_nn_edit_inputs(wr_nn_compiler *c, int node, const int *inputs,
                      int count);
// wr_nn_edit_replace lets all that read `from` read `to`.
void wr_nn_edit_replace(wr_nn_compiler *c, int from, int to);
void wr_nn_edit_drop(wr_nn_compiler *c, int node);
// wr_nn_edit_move makes `node` the one that produces `value` (its output 0);
// what it had there is nobody's.
void wr_nn_edit_move(wr_nn_compiler *c, int node, int value);

// wr_nn_make returns memory for a constant, or NULL: no memory, or so much was
// made already that it is not worth it.
void *wr_nn_make(wr_nn_compiler *c, size_t bytes);
// wr_nn_edit_value adds a value (a constant, if data is not NULL).
int wr_nn_edit_value(wr_nn_compiler *c, const wr_nn_shape *shape,
                     const void *data);
// wr_nn_edit_reshape appends a Reshape of `value` and returns the new value.
int wr_nn_edit_reshape(wr_nn_compiler *c, int value, const wr_nn_shape *shape);
int wr_nn_edit_transpose(wr_nn_compiler *c, int value, const int64_t *perm);

// wr_nn_made_keep gives the plan the constants that the settled graph uses;
// the rest is freed.
int wr_nn_made_keep(wr_nn_compiler *c, wr_nn_plan *plan);
// wr_nn_compiler_free frees all but the graph.
void wr_nn_compiler_free(wr_nn_compiler *c);

// ---- asking ----------------------------------------------------------------

static inline wr_nn_node *wr_nn_at(const wr_nn_compiler *c, int node) {
    return &c->graph->node[node];
}

static inline const wr_nn_value *wr_nn_value_at(const wr_nn_compiler *c,
                                                int value) {
    return &c->graph->value[value];
}

static inline bool wr_nn_is(const wr_nn_node *node, const char *op) {
    return node->op != NULL && strcmp(node->op->name, op) == 0;
}

static inline int wr_nn_input_of(const wr_nn_node *node, int slot) {
    return slot < node->inputs ? node->input[slot] : -1;
}

// wr_nn_made_by returns the node that makes `value` if it is an `op`, or -1.
int wr_nn_made_by(const wr_nn_compiler *c, int value, const char *op);

// wr_nn_floats returns a float32 constant's data, or NULL.
const float *wr_nn_floats(const wr_nn_compiler *c, int value);
// wr_nn_scalar: is `value` a float32 constant of one element?
bool wr_nn_scalar(const wr_nn_compiler *c, int value, float *number);
// wr_nn_int64s returns the data of an int64 constant, or NULL.
const int64_t *wr_nn_int64s(const wr_nn_compiler *c, int value, size_t *count);
// wr_nn_same: do the two have the same type and shape?
bool wr_nn_same(const wr_nn_compiler *c, int a, int b);

// wr_nn_clip reads the bounds of a Clip, of whatever opset; false: they are
// not constants.
bool wr_nn_clip(const wr_nn_compiler *c, const wr_nn_node *node, float *low,
                float *high);

// ---- the plan's parts (plan_*.c) -------------------------------------------

// wr_nn_order are the tasks' edges and what follows from them.
typedef struct wr_nn_order {
    int nodes;
    int *start;      // [node + 1] into next
    int *next;       // tasks that need it
    int *needs;      // [node]
    size_t words;    // of a row of bits
    uint64_t *after; // [node][words]: its descendants; NULL: too many nodes
    // Positions that every other node is before or behind: how many there are
    // up to and with each node.
    int *cuts;    // [node]
    uint8_t *cut; // [node]: is one
} wr_nn_order;

int wr_nn_order_create(wr_nn_order *order, const wr_nn_graph *graph);
void wr_nn_order_destroy(wr_nn_order *order);
// wr_nn_before: is `a` an ancestor of `b`, as far as the order knows?
bool wr_nn_before(const wr_nn_order *order, int a, int b);

// wr_nn_plan_memory fills in plan->spot and the sizes.
int wr_nn_plan_memory(wr_nn_plan *plan, const wr_nn_order *order,
                      const wr_nn_compile_options *options, wr_nn_why *why);
// wr_nn_plan_tasks fills in plan->task, but for scratch.
int wr_nn_plan_tasks(wr_nn_plan *plan, const wr_nn_order *order,
                     const double *cost);

#endif
