// SPDX-License-Identifier: MIT
//
// Building and reading graphs. Rules: see types.h. Functions that return a
// pointer into the pile return NULL for lack of memory.
#ifndef WEIR_PROGRAMS_NN_GRAPH_H
#define WEIR_PROGRAMS_NN_GRAPH_H

#include "programs/nn/types.h"

// ---- why -------------------------------------------------------------------

// wr_nn_refuse writes the line and returns `status`. node may be NULL; else the
// line begins "node 'NAME' (OP): ".
int wr_nn_refuse(wr_nn_why *why, int status, const wr_nn_node *node,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

// ---- shapes ----------------------------------------------------------------

size_t wr_nn_type_size(wr_nn_type type); // 0: not a type of ours
const char *wr_nn_type_name(wr_nn_type type);

// wr_nn_elements and wr_nn_bytes of a known shape, or SIZE_MAX on overflow or
// if a dimension is unknown.
size_t wr_nn_elements(const wr_nn_shape *shape);
size_t wr_nn_bytes(const wr_nn_shape *shape);
bool wr_nn_known(const wr_nn_shape *shape);
bool wr_nn_same_shape(const wr_nn_shape *a, const wr_nn_shape *b); // and type

// wr_nn_shape_text writes "float32[1,3,?,48]"; returns its argument.
enum { WR_NN_SHAPE_TEXT = 128 };
const char *wr_nn_shape_text(char text[WR_NN_SHAPE_TEXT],
                             const wr_nn_shape *shape);

// wr_nn_broadcast is numpy's rule (right-aligned, 1 stretches).
// Errors: -EINVAL, with the line.
int wr_nn_broadcast(wr_nn_shape *out, const wr_nn_shape *a,
                    const wr_nn_shape *b, const wr_nn_node *node,
                    wr_nn_why *why);

// ---- graphs ----------------------------------------------------------------

// wr_nn_graph_create makes an empty graph; parent (or NULL) must outlive it.
wr_nn_graph *wr_nn_graph_create(const wr_nn_graph *parent);
// wr_nn_graph_destroy forgets the nodes' state too. NULL is allowed.
void wr_nn_graph_destroy(wr_nn_graph *graph);

void *wr_nn_allocate(wr_nn_graph *graph, size_t bytes); // zeroed, aligned
const char *wr_nn_text(wr_nn_graph *graph, const char *text);

// wr_nn_value_add returns the new value's index, or -ENOMEM. `data` is not
// copied. Adding values or nodes moves the arrays: keep indices, not pointers.
int wr_nn_value_add(wr_nn_graph *graph, const char *name,
                    const wr_nn_shape *shape, const void *data);

// wr_nn_node_add appends a node with room for so many inputs and outputs, all
// -1, and returns its index, or -ENOMEM.
int wr_nn_node_add(wr_nn_graph *graph, const wr_nn_op *op, const char *name,
                   int inputs, int outputs);

// wr_nn_graph_copy makes a graph of its own with the same values (constants and
// names shared with `from`, which becomes the parent) and nodes without params
// and state, for the compiler to change. NULL: no memory.
wr_nn_graph *wr_nn_graph_copy(const wr_nn_graph *from);

// wr_nn_graph_check makes sure of what types.h promises of a finished graph:
// each name once, produced before it is used (it sorts the nodes; a cycle is
// refused, naming a node on it), produced once, inputs not produced, outputs
// there, counts of inputs and outputs as the operator has them, opset.
int wr_nn_graph_check(wr_nn_graph *graph, wr_nn_why *why);

// wr_nn_graph_compact removes the nodes whose op is NULL and keeps the order.
void wr_nn_graph_compact(wr_nn_graph *graph);

// wr_nn_graph_bytes is the memory its pile holds.
size_t wr_nn_graph_bytes(const wr_nn_graph *graph);

// wr_nn_graph_digest fills graph->digest (BLAKE2b, 32 bytes): operators,
// attributes, edges, constants' types, shapes and bytes, names and shapes of
// inputs and outputs, opset. Names of nodes and of values within do not count,
// nor does the order of nodes that do not depend on each other, nor constants
// that nobody reads. The graph must have been checked. Errors: -ENOMEM.
int wr_nn_graph_digest(wr_nn_graph *graph);

// ---- attributes ------------------------------------------------------------

const wr_nn_attr *wr_nn_attr_find(const wr_nn_node *node, const char *name);
// The value, or `missing` where there is none or it has another kind.
int64_t wr_nn_attr_int(const wr_nn_node *node, const char *name,
                       int64_t missing);
float wr_nn_attr_float(const wr_nn_node *node, const char *name, float missing);
const char *wr_nn_attr_string(const wr_nn_node *node, const char *name,
                              const char *missing);
// NULL and count 0 where there is none.
const int64_t *wr_nn_attr_ints(const wr_nn_node *node, const char *name,
                               size_t *count);
// Setting replaces; values are copied. Errors: -ENOMEM.
int wr_nn_attr_set_int(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                       int64_t value);
int wr_nn_attr_set_ints(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                        const int64_t *values, size_t count);
int wr_nn_attr_set_float(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                         float value);
int wr_nn_attr_set_string(wr_nn_graph *graph, wr_nn_node *node,
                          const char *name, const char *value);
// The same for any bytes: `count` of them, aligned to WR_NN_ALIGN.
int wr_nn_attr_set_bytes(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                         const void *bytes, size_t count);

#endif
