// SPDX-License-Identifier: MIT
//
// What graph*.c and the reader know of a graph's memory and others do not.
#ifndef WEIR_PROGRAMS_NN_GRAPH_PILE_H
#define WEIR_PROGRAMS_NN_GRAPH_PILE_H

#include "programs/nn/types.h"

// Things of more bytes than this are pieces of their own.
enum { WR_NN_PIECE_SHARED = 4096 };

// wr_nn_graph_move gives what wr_nn_allocate(from, bytes) returned to the other
// graph, so that it need not be copied; false if it is too small for that.
bool wr_nn_graph_move(wr_nn_graph *to, wr_nn_graph *from, void *data,
                      size_t bytes);

// wr_nn_attr_put returns the node's attribute of that name, a new one if there
// is none (*fresh), or NULL. The name is not copied. It keeps them sorted.
wr_nn_attr *wr_nn_attr_put(wr_nn_graph *graph, wr_nn_node *node,
                           const char *name, bool *fresh);

// How many attributes there is room for behind node->attr.
size_t wr_nn_attr_room(size_t attrs);

#endif
