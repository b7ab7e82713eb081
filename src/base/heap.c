// SPDX-License-Identifier: MIT
#include "base/heap.h"

#include <stddef.h>

static bool before(const wr_heap_node *a, const wr_heap_node *b) {
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

// Joins two trees, each alone (no siblings), and returns the root.
static wr_heap_node *meld(wr_heap_node *a, wr_heap_node *b) {
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (before(b, a)) {
        wr_heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next != NULL)
        b->next->previous = b;
    b->previous = a;
    a->child = b;
    return a;
}

static wr_heap_node *cut(wr_heap_node *node) {
    node->next = NULL;
    node->previous = NULL;
    return node;
}

// Two passes, as in the paper: siblings in pairs from the left, then the pairs
// into one from the right. A list between the passes in place of recursion:
// a heap may have a million siblings.
static wr_heap_node *meld_siblings(wr_heap_node *first) {
    wr_heap_node *pairs = NULL;
    while (first != NULL) {
        wr_heap_node *a = first;
        wr_heap_node *b = a->next;
        first = b == NULL ? NULL : b->next;
        wr_heap_node *pair = meld(cut(a), b == NULL ? NULL : cut(b));
        pair->next = pairs;
        pairs = pair;
    }
    wr_heap_node *root = NULL;
    while (pairs != NULL) {
        wr_heap_node *pair = pairs;
        pairs = pair->next;
        root = meld(root, cut(pair));
    }
    return root;
}

void wr_heap_insert(wr_heap *heap, wr_heap_node *node, int64_t key) {
    *node = (wr_heap_node){.key = key, .order = heap->inserted++};
    heap->root = meld(heap->root, node);
}

void wr_heap_remove(wr_heap *heap, wr_heap_node *node) {
    wr_heap_node *rest = meld_siblings(node->child);
    if (node == heap->root) {
        heap->root = rest;
    } else {
        if (node->previous->child == node)
            node->previous->child = node->next;
        else
            node->previous->next = node->next;
        if (node->next != NULL)
            node->next->previous = node->previous;
        heap->root = meld(heap->root, rest);
    }
    *node = (wr_heap_node){0};
}
