// SPDX-License-Identifier: MIT
// Intrusive pairing heap: the smallest key first, equal keys first in first
// out. Insert O(1), remove any node O(log n) amortized, no allocation.
// Not thread safe: the user says which lock guards it.
// Source: Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", 1986.
#ifndef WR_HEAP_H
#define WR_HEAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct wr_heap_node wr_heap_node;
struct wr_heap_node {
    wr_heap_node *child;    // first child
    wr_heap_node *next;     // next sibling
    wr_heap_node *previous; // sibling before, or the parent of a first child
    int64_t key;
    uint64_t order; // ties: the lower was inserted earlier
};

typedef struct wr_heap {
    wr_heap_node *root;
    uint64_t inserted; // gives `order`
} wr_heap;

// A node that is all zero, or was removed, is in no heap; the caller keeps
// track of that. wr_heap_insert overwrites all of the node.
void wr_heap_insert(wr_heap *heap, wr_heap_node *node, int64_t key);
void wr_heap_remove(wr_heap *heap, wr_heap_node *node);

// wr_heap_first returns the node with the smallest key, or NULL.
static inline wr_heap_node *wr_heap_first(const wr_heap *heap) {
    return heap->root;
}

#endif
