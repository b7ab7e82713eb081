// SPDX-License-Identifier: MIT
//
// A set of names, each with a number: a crit-bit tree. A hash table would do
// for honest models; here the work for one name is bounded by its own length,
// whatever the other names are, so a hostile model cannot make it slow.
#ifndef WEIR_PROGRAMS_NN_GRAPH_NAMES_H
#define WEIR_PROGRAMS_NN_GRAPH_NAMES_H

#include <stddef.h>

// Zeroed, it is empty.
typedef struct wr_nn_names {
    struct wr_nn_names_leaf *leaf;
    struct wr_nn_names_branch *branch; // always one less than leaves
    int count, room;
    int root; // >= 0: a branch; < 0: the leaf ~root. Undefined if empty.
} wr_nn_names;

// wr_nn_names_get returns the name's number, or -1.
int wr_nn_names_get(const wr_nn_names *names, const char *name);

// wr_nn_names_put adds a name, which is not copied, with a number >= 0. Returns
// 0, 1 if the name is there already (and stays as it is), or -ENOMEM.
int wr_nn_names_put(wr_nn_names *names, const char *name, int number);

void wr_nn_names_free(wr_nn_names *names);

#endif
