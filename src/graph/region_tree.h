// SPDX-License-Identifier: MIT
// Where regions are: finds those that may share bytes with a shape without a
// look at the others. Owned and locked by a table of regions.
#ifndef WR_GRAPH_REGION_TREE_H
#define WR_GRAPH_REGION_TREE_H

#include "graph/region.h"

enum {
    WR_TREES = 8, // strides that have a tree of their own
};

typedef struct wr_tree_node wr_tree_node;

// Regions of one stride s, as rectangles: byte n is in row n / s, column n % s,
// and a region has its columns from where its first row begins, also beyond s.
// The first tree has stride 0, one row, and in it are plain ranges, and regions
// of all strides without a tree, as the range that they span.
typedef struct wr_tree {
    size_t stride;
    wr_tree_node *root;
    unsigned height; // of the root; 0: empty
    bool beyond;     // some region has columns beyond the stride
} wr_tree;

typedef struct wr_trees {
    wr_tree tree[1 + WR_TREES];
    unsigned count;
    wr_tree_node *spare;
    size_t spare_count;
    uint64_t searches;
    uint64_t looks; // nodes and regions that searches have looked at
} wr_trees;

void wr_trees_init(wr_trees *trees);

// wr_trees_clear forgets all regions, and gives all memory back.
void wr_trees_clear(wr_trees *trees);

// wr_trees_reserve makes sure that a region of this shape can be put. Errors:
// -ENOMEM.
int wr_trees_reserve(wr_trees *trees, const wr_shape *shape);
void wr_trees_put(wr_trees *trees, wr_region *region);

// wr_trees_search calls visit once for each region that may share bytes with
// the shape, all that do among them, until it returns other than 0, and returns
// that.
int wr_trees_search(wr_trees *trees, const wr_shape *shape,
                    int (*visit)(void *argument, wr_region *region),
                    void *argument);

// wr_trees_prune forgets regions with a shape of 0 bytes: those must be still
// there. Takes about as long as there are regions.
void wr_trees_prune(wr_trees *trees);

#endif
