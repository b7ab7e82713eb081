// SPDX-License-Identifier: MIT
// The trees of regions from within: all that is in region_tree.c is compiled
// here, so that what must hold of every node can be looked at.
#include "graph/region_tree.c"

#include "base/random.h"
#include "support/check.h"

#include <string.h>

enum { MANY = 3000 };

typedef struct forest {
    wr_trees trees;
    wr_region region[MANY];
    bool in[MANY];
    size_t count;
} forest;

// Every entry's box has just what is below it, every node has entries, and all
// leaves are at one depth. Returns how many regions there are.
static size_t check_node(const wr_tree *tree, const wr_tree_node *node,
                         unsigned height) {
    CHECK(node->count > 0 && node->count <= FAN);
    size_t regions = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const box *b = &node->box[i];
        CHECK(b->top < b->bottom && b->left < b->right);
        if (height == 1) {
            box exact = place(tree, &node->child[i].region->shape);
            CHECK(memcmp(b, &exact, sizeof(exact)) == 0);
            CHECK(tree->stride == 0 || exact.right <= tree->stride ||
                  tree->beyond);
            node->child[i].region->hash++;
            regions++;
        } else {
            box under = box_of(node->child[i].node);
            CHECK(memcmp(b, &under, sizeof(under)) == 0);
            regions += check_node(tree, node->child[i].node, height - 1);
        }
    }
    return regions;
}

static void check(forest *f) {
    size_t regions = 0;
    for (unsigned i = 0; i < f->trees.count; i++) {
        const wr_tree *tree = &f->trees.tree[i];
        CHECK((i == 0) == (tree->stride == 0));
        for (unsigned k = 0; k < i; k++)
            CHECK(f->trees.tree[k].stride != tree->stride);
        if (tree->height > 0)
            regions += check_node(tree, tree->root, tree->height);
        else
            CHECK_EQ(i, 0); // a stride without regions is given up
    }
    CHECK_EQ(regions, f->count);
    for (size_t i = 0; i < MANY; i++) {
        CHECK_EQ(f->region[i].hash, f->in[i]); // each once
        f->region[i].hash = 0;
    }
    size_t spare = 0;
    for (wr_tree_node *node = f->trees.spare; node != NULL; node = node->next)
        if (++spare == f->trees.spare_count)
            break;
    CHECK_EQ(spare, f->trees.spare_count);
}

static void put_one(forest *f, uint64_t *state, uint32_t kind) {
    size_t i = wr_random_below(state, MANY);
    wr_region *region = &f->region[i];
    if (f->in[i])
        return;
    uint32_t stride = 0, rows = 1;
    if (wr_random_below(state, 4) < kind) {
        stride = 100 + 7 * wr_random_below(state, kind * kind * 3);
        rows = 2 + wr_random_below(state, 30);
    }
    size_t bytes = 1 + wr_random_below(state, rows > 1 ? stride - 1 : 500);
    size_t offset = wr_random_below(state, 2) ? wr_random_below(state, 100000)
                                              : (size_t)i * 40;
    *region = (wr_region){.shape = {offset, bytes, stride, rows}};
    CHECK_EQ(wr_trees_reserve(&f->trees, &region->shape), 0);
    wr_trees_put(&f->trees, region);
    f->in[i] = true;
    f->count++;
}

static void take_some(forest *f, uint64_t *state, uint32_t of_eight) {
    for (size_t i = 0; i < MANY; i++)
        if (f->in[i] && wr_random_below(state, 8) < of_eight) {
            f->in[i] = false;
            f->region[i].shape.bytes = 0;
            f->count--;
        }
    wr_trees_prune(&f->trees);
}

// Regions are never moved: their nodes point at them.
static forest forest_of;

static void nodes_hold_what_is_below_them(void) {
    forest *f = &forest_of;
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint64_t state = seed;
        uint32_t kind = (uint32_t)seed % 4;
        memset(f, 0, sizeof(*f));
        wr_trees_init(&f->trees);
        for (int step = 0; step < 4000; step++) {
            put_one(f, &state, kind);
            if (step % 100 == 0)
                check(f);
            if (wr_random_below(&state, 1000) == 0) {
                take_some(f, &state, wr_random_below(&state, 9));
                check(f);
            }
        }
        take_some(f, &state, 8);
        check(f);
        CHECK_EQ(f->count, 0);
        CHECK(f->trees.spare_count <= SPARE);
        wr_trees_clear(&f->trees);
        CHECK_EQ(f->trees.spare_count, 0);
    }
}

// After most regions went the nodes are still well filled.
static void pruned_trees_are_low(void) {
    forest *f = &forest_of;
    memset(f, 0, sizeof(*f));
    wr_trees_init(&f->trees);
    uint64_t state = 1;
    while (f->count < MANY)
        put_one(f, &state, 0);
    unsigned before = f->trees.tree[0].height;
    take_some(f, &state, 7);
    while (f->count > 30)
        take_some(f, &state, 4);
    check(f);
    CHECK(before >= 3 && f->trees.tree[0].height <= 2);
    wr_trees_clear(&f->trees);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"nodes_hold_what_is_below_them", nodes_hold_what_is_below_them},
        {"pruned_trees_are_low", pruned_trees_are_low},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
