// SPDX-License-Identifier: MIT
// R-trees. Tiles, columns and rows of a matrix are rectangles that are apart,
// although the ranges of memory that they span interleave; so there is a tree
// of rectangles for each stride, and one for plain ranges. A search from one
// stride in the tree of another asks of each node whether the bytes that it
// spans, a shape too, meet those that are looked for, exactly.
// Source: Guttman, "R-trees: a dynamic index structure for spatial searching",
// 1984; the choice of a split by overlap first, as in Beckmann, Kriegel,
// Schneider, Seeger, "The R*-tree", 1990.
#include "graph/region_tree.h"

#include "base/check.h"
#include "base/fault.h"
#include "graph/region_shape.h"

#include <errno.h>

enum {
    FAN = 16,
    LEAST = 5,  // entries of each half of a split
    SMALL = 4,  // entries of a node that pruning looks to merge
    DEEP = 40,  // levels; LEAST ^ 40 is more than there can be
    SPARE = 32, // nodes that are kept after pruning
};

// Rows [top, bottom), columns [left, right).
typedef struct box {
    size_t top, bottom, left, right;
} box;

typedef union child {
    wr_tree_node *node;
    wr_region *region; // in a leaf
} child;

struct wr_tree_node {
    uint32_t count;
    box box[FAN];
    child child[FAN];
    wr_tree_node *next; // in spare
};

// ---- boxes -----------------------------------------------------------------

static size_t lower(size_t a, size_t b) { return a < b ? a : b; }
static size_t higher(size_t a, size_t b) { return a > b ? a : b; }

static box both(const box *a, const box *b) {
    return (box){lower(a->top, b->top), higher(a->bottom, b->bottom),
                 lower(a->left, b->left), higher(a->right, b->right)};
}

static double area(const box *b) {
    return (double)(ptrdiff_t)(b->bottom - b->top) *
           (double)(ptrdiff_t)(b->right - b->left);
}

static bool meet(const box *a, const box *b) {
    return (a->left < b->right) & (b->left < a->right) & (a->top < b->bottom) &
           (b->top < a->bottom);
}

static double area_of_both(const box *a, const box *b) {
    if (!meet(a, b))
        return 0;
    box common = {higher(a->top, b->top), lower(a->bottom, b->bottom),
                  higher(a->left, b->left), lower(a->right, b->right)};
    return area(&common);
}

static box box_of(const wr_tree_node *node) {
    box all = node->box[0];
    for (uint32_t i = 1; i < node->count; i++)
        all = both(&all, &node->box[i]);
    return all;
}

static box range(const wr_lattice *l) {
    return (box){0, 1, l->offset,
                 l->offset + (size_t)(l->rows - 1) * l->stride + l->bytes};
}

// Where a shape is in a tree of its own stride, or in the first.
static box place(const wr_tree *tree, const wr_shape *shape) {
    wr_lattice l = wr_lattice_of(shape);
    if (tree->stride == 0)
        return range(&l);
    size_t row = l.offset / l.stride, column = l.offset % l.stride;
    return (box){row, row + shape->rows, column, column + l.bytes};
}

// The bytes in a box, and perhaps more. A box around several regions may reach
// over the end of the buffer, and of the numbers.
static wr_lattice bytes_of(const wr_tree *tree, const box *b) {
    size_t stride = tree->stride, width = b->right - b->left;
    size_t from = b->top * stride + b->left, more, end;
    uint64_t rows = b->bottom - b->top;
    if (__builtin_mul_overflow(rows - 1, stride, &more) ||
        __builtin_add_overflow(from, more, &end) ||
        __builtin_add_overflow(end, width, &end))
        return (wr_lattice){from, SIZE_MAX - from, 0, 1};
    if (rows > 1 && width < stride)
        return (wr_lattice){from, width, stride, rows};
    return (wr_lattice){from, more + width, 0, 1};
}

// ---- nodes -----------------------------------------------------------------

static wr_tree_node *take_spare(wr_trees *trees) {
    wr_tree_node *node = trees->spare;
    trees->spare = node->next;
    trees->spare_count--;
    node->count = 0;
    return node;
}

static void make_spare(wr_trees *trees, wr_tree_node *node) {
    node->next = trees->spare;
    trees->spare = node;
    trees->spare_count++;
}

static void add(wr_tree_node *node, const box *b, child c) {
    node->box[node->count] = *b;
    node->child[node->count++] = c;
}

static void free_spare(wr_trees *trees, size_t keep) {
    while (trees->spare_count > keep)
        wr_free(take_spare(trees));
}

static void free_below(wr_trees *trees, wr_tree_node *node, unsigned height) {
    if (height > 1)
        for (uint32_t i = 0; i < node->count; i++)
            free_below(trees, node->child[i].node, height - 1);
    make_spare(trees, node);
}

void wr_trees_init(wr_trees *trees) { *trees = (wr_trees){.count = 1}; }

void wr_trees_clear(wr_trees *trees) {
    for (unsigned i = 0; i < trees->count; i++) {
        if (trees->tree[i].height > 0)
            free_below(trees, trees->tree[i].root, trees->tree[i].height);
        trees->tree[i] = (wr_tree){0};
    }
    trees->count = 1;
    free_spare(trees, 0);
}

// ---- putting ---------------------------------------------------------------

// The tree of this stride: the first if there is none, and none may be added.
static wr_tree *tree_of(wr_trees *trees, size_t stride, bool may_add) {
    for (unsigned i = 0; i < trees->count; i++)
        if (trees->tree[i].stride == stride)
            return &trees->tree[i];
    if (!may_add || trees->count == 1 + WR_TREES)
        return &trees->tree[0];
    trees->tree[trees->count] = (wr_tree){.stride = stride};
    return &trees->tree[trees->count++];
}

int wr_trees_reserve(wr_trees *trees, const wr_shape *shape) {
    const wr_tree *tree = tree_of(trees, shape->stride, false);
    // Each node on the way is split, and the root gets one above it.
    while (trees->spare_count <= tree->height) {
        wr_tree_node *node = wr_malloc(sizeof(*node));
        if (node == NULL)
            return -ENOMEM;
        make_spare(trees, node);
    }
    return 0;
}

// The child that has to grow least: in one dimension, as most are, without
// floating point.
static uint32_t choose_range(const wr_tree_node *node, const box *b) {
    uint32_t best = 0;
    size_t best_growth = SIZE_MAX;
    for (uint32_t i = 0; i < node->count; i++) {
        const box *at = &node->box[i];
        size_t growth = higher(at->right, b->right) - at->right +
                        (at->left - lower(at->left, b->left));
        best = growth < best_growth ? i : best;
        best_growth = lower(growth, best_growth);
    }
    return best;
}

static uint32_t choose(const wr_tree_node *node, const box *b) {
    uint32_t best = 0;
    double best_growth = 0, best_area = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        box grown = both(&node->box[i], b);
        double before = area(&node->box[i]);
        double growth = area(&grown) - before;
        if (i == 0 || growth < best_growth ||
            (growth <= best_growth && before < best_area)) {
            best = i;
            best_growth = growth;
            best_area = before;
        }
    }
    return best;
}

// All entries of a node that is split, and one more.
typedef struct split {
    box box[FAN + 1];
    child child[FAN + 1];
    uint8_t order[2][FAN + 1]; // by rows, by columns
    unsigned axis;
    uint32_t first; // so many in that order stay
    double common;  // area of both halves
    double sum;     // of their areas
} split;

static bool before(const box *a, const box *b, unsigned axis) {
    size_t a_low = axis == 0 ? a->top : a->left;
    size_t b_low = axis == 0 ? b->top : b->left;
    size_t a_high = axis == 0 ? a->bottom : a->right;
    size_t b_high = axis == 0 ? b->bottom : b->right;
    return a_low < b_low || (a_low == b_low && a_high < b_high);
}

static void sort(split *s, unsigned axis) {
    uint8_t *order = s->order[axis];
    for (unsigned i = 0; i <= FAN; i++) {
        unsigned at = i;
        for (; at > 0 && before(&s->box[i], &s->box[order[at - 1]], axis); at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

// Number `step` of the places to split at: of equal ones the first counts. In
// the middle, but for a series: where one after the other is added at an end,
// the other side is left alone from here on, so it had better be full.
static uint32_t place_to_split(const split *s, unsigned axis, unsigned step) {
    enum { MIDDLE = (FAN + 1) / 2 };
    if (s->order[axis][FAN] == FAN)
        return FAN + 1 - LEAST - step;
    if (s->order[axis][0] == FAN)
        return LEAST + step;
    return step % 2 == 0 ? MIDDLE - step / 2 : MIDDLE + (step + 1) / 2;
}

static void weigh(split *s, unsigned axis) {
    sort(s, axis);
    const uint8_t *order = s->order[axis];
    box head[FAN + 1], tail[FAN + 1]; // of those up to i, of those from i
    head[0] = s->box[order[0]];
    tail[FAN] = s->box[order[FAN]];
    for (unsigned i = 1; i <= FAN; i++) {
        head[i] = both(&head[i - 1], &s->box[order[i]]);
        tail[FAN - i] = both(&tail[FAN - i + 1], &s->box[order[FAN - i]]);
    }
    for (unsigned step = 0; step <= FAN + 1 - 2 * LEAST; step++) {
        uint32_t first = place_to_split(s, axis, step);
        double common = area_of_both(&head[first - 1], &tail[first]);
        double sum = area(&head[first - 1]) + area(&tail[first]);
        if (s->first == 0 || common < s->common ||
            (common <= s->common && sum < s->sum)) {
            s->axis = axis;
            s->first = first;
            s->common = common;
            s->sum = sum;
        }
    }
}

// Adds an entry to a full node: half of all goes to a new one.
static wr_tree_node *add_to_full(wr_trees *trees, wr_tree_node *node,
                                 const box *b, child c, bool two_dimensions) {
    split s;
    s.first = 0;
    for (unsigned i = 0; i < FAN; i++) {
        s.box[i] = node->box[i];
        s.child[i] = node->child[i];
    }
    s.box[FAN] = *b;
    s.child[FAN] = c;
    if (two_dimensions)
        weigh(&s, 0);
    weigh(&s, 1);
    wr_tree_node *other = take_spare(trees);
    node->count = 0;
    for (unsigned i = 0; i <= FAN; i++) {
        unsigned from = s.order[s.axis][i];
        add(i < s.first ? node : other, &s.box[from], s.child[from]);
    }
    return other;
}

// Nodes from the root to a leaf; which child of each is the next.
typedef struct path {
    wr_tree_node *node[DEEP];
    uint32_t at[DEEP];
} path;

static void insert(wr_trees *trees, wr_tree *tree, const box *entry,
                   wr_region *region) {
    path p;
    box b = *entry;
    wr_tree_node *node = tree->root;
    for (unsigned level = tree->height; level > 1; level--) {
        p.node[level] = node;
        p.at[level] =
            tree->stride == 0 ? choose_range(node, &b) : choose(node, &b);
        node = node->child[p.at[level]].node;
    }
    child c = {.region = region};
    for (unsigned level = 1;; level++) {
        wr_tree_node *other = NULL;
        if (node->count == FAN)
            other = add_to_full(trees, node, &b, c, tree->stride != 0);
        else
            add(node, &b, c);
        if (other == NULL) { // what is above has only the new entry more
            while (++level <= tree->height) {
                box *grown = &p.node[level]->box[p.at[level]];
                *grown = both(grown, entry);
            }
            return;
        }
        if (level == tree->height) {
            wr_tree_node *root = take_spare(trees);
            box left = box_of(node), right = box_of(other);
            add(root, &left, (child){.node = node});
            add(root, &right, (child){.node = other});
            tree->root = root;
            tree->height++;
            wr_assert(tree->height < DEEP);
            return;
        }
        wr_tree_node *parent = p.node[level + 1];
        parent->box[p.at[level + 1]] = box_of(node);
        b = box_of(other);
        c.node = other;
        node = parent;
    }
}

void wr_trees_put(wr_trees *trees, wr_region *region) {
    wr_tree *tree = tree_of(trees, region->shape.stride, true);
    box b = place(tree, &region->shape);
    if (tree->stride != 0 && b.right > tree->stride)
        tree->beyond = true;
    if (tree->height == 0) {
        tree->root = take_spare(trees);
        tree->height = 1;
    }
    insert(trees, tree, &b, region);
}

// ---- searching -------------------------------------------------------------

typedef struct search {
    wr_trees *trees;
    const wr_tree *tree;
    box box;
    const wr_lattice *lattice; // NULL: the box alone
    uint64_t number;
    int (*visit)(void *argument, wr_region *region);
    void *argument;
} search;

// Whether an entry is worth a look: its box meets what is looked for; or, in
// the tree of another stride, the bytes of its box do.
static bool worth(const search *s, const box *b) {
    if (s->lattice == NULL)
        return meet(&s->box, b);
    wr_lattice bytes = bytes_of(s->tree, b);
    box spans = range(&bytes);
    return spans.left < s->box.right && s->box.left < spans.right &&
           wr_lattice_meets(&bytes, s->lattice);
}

static int below(const search *s, const wr_tree_node *node, unsigned height) {
    s->trees->looks++;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!worth(s, &node->box[i]))
            continue;
        int stop = 0;
        if (height > 1) {
            stop = below(s, node->child[i].node, height - 1);
        } else if (node->child[i].region->seen != s->number) {
            node->child[i].region->seen = s->number;
            s->trees->looks++;
            stop = s->visit(s->argument, node->child[i].region);
        }
        if (stop != 0)
            return stop;
    }
    return 0;
}

static int whole(search *s) {
    if (s->tree->height == 0)
        return 0;
    return below(s, s->tree->root, s->tree->height);
}

// Looks for a box. The bytes of columns from the stride on are those of the
// row below, too.
static int boxed(search *s, box b) {
    size_t stride = s->tree->stride;
    s->box = b;
    int stop = whole(s);
    if (stop == 0 && s->tree->beyond && b.bottom > 1 &&
        b.left <= SIZE_MAX - stride) {
        size_t top = b.top > 0 ? b.top - 1 : 0;
        size_t right =
            b.right <= SIZE_MAX - stride ? b.right + stride : SIZE_MAX;
        s->box = (box){top, b.bottom - 1, b.left + stride, right};
        stop = whole(s);
    }
    if (stop == 0 && stride != 0 && b.right > stride) {
        size_t left = b.left > stride ? b.left - stride : 0;
        s->box = (box){b.top + 1, b.bottom + 1, left, b.right - stride};
        stop = whole(s);
    }
    return stop;
}

// Looks for a range in a tree with rows: the end of a row, whole rows, the
// beginning of one.
static int ranged(search *s, size_t from, size_t to) {
    size_t stride = s->tree->stride;
    size_t top = from / stride, left = from % stride;
    size_t bottom = to / stride, right = to % stride;
    if (top == bottom)
        return boxed(s, (box){top, top + 1, left, right});
    int stop = 0;
    if (left > 0)
        stop = boxed(s, (box){top, top + 1, left, stride});
    if (left > 0)
        top++;
    if (stop == 0 && top < bottom)
        stop = boxed(s, (box){top, bottom, 0, stride});
    if (stop == 0 && right > 0)
        stop = boxed(s, (box){bottom, bottom + 1, 0, right});
    return stop;
}

int wr_trees_search(wr_trees *trees, const wr_shape *shape,
                    int (*visit)(void *argument, wr_region *region),
                    void *argument) {
    wr_lattice lattice = wr_lattice_of(shape);
    box spans = range(&lattice);
    search s = {.trees = trees,
                .number = ++trees->searches,
                .visit = visit,
                .argument = argument};
    int stop = 0;
    for (unsigned i = 0; i < trees->count && stop == 0; i++) {
        s.tree = &trees->tree[i];
        s.lattice = NULL;
        if (s.tree->stride == shape->stride) {
            stop = boxed(&s, place(s.tree, shape));
        } else if (shape->rows == 1) {
            stop = ranged(&s, spans.left, spans.right);
        } else {
            s.lattice = &lattice;
            s.box = spans;
            stop = whole(&s);
        }
    }
    return stop;
}

// ---- pruning ---------------------------------------------------------------

// The child of `node` that can take what is in number `from`, and grows least.
static uint32_t partner(const wr_tree_node *node, uint32_t from) {
    uint32_t best = from;
    double least = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        box grown = both(&node->box[i], &node->box[from]);
        double growth = area(&grown) - area(&node->box[i]);
        if (i != from &&
            node->child[i].node->count + node->child[from].node->count <= FAN &&
            (best == from || growth < least)) {
            best = i;
            least = growth;
        }
    }
    return best;
}

static void take_out(wr_tree_node *node, uint32_t at) {
    node->box[at] = node->box[--node->count];
    node->child[at] = node->child[node->count];
}

// Nodes with few entries become one.
static void merge(wr_trees *trees, wr_tree_node *node) {
    for (uint32_t i = 0; i < node->count;) {
        wr_tree_node *from = node->child[i].node;
        uint32_t to = from->count <= SMALL ? partner(node, i) : i;
        if (to == i) {
            i++;
            continue;
        }
        for (uint32_t j = 0; j < from->count; j++)
            add(node->child[to].node, &from->box[j], from->child[j]);
        node->box[to] = both(&node->box[to], &node->box[i]);
        make_spare(trees, from);
        take_out(node, i);
    }
}

static void prune(wr_trees *trees, wr_tree_node *node, unsigned height) {
    for (uint32_t i = 0; i < node->count;) {
        bool empty;
        if (height == 1) {
            empty = node->child[i].region->shape.bytes == 0;
        } else {
            wr_tree_node *under = node->child[i].node;
            prune(trees, under, height - 1);
            empty = under->count == 0;
            if (empty)
                make_spare(trees, under);
            else
                node->box[i] = box_of(under);
        }
        if (empty)
            take_out(node, i);
        else
            i++;
    }
    if (height > 1)
        merge(trees, node);
}

void wr_trees_prune(wr_trees *trees) {
    for (unsigned i = trees->count; i-- > 0;) {
        wr_tree *tree = &trees->tree[i];
        if (tree->height > 0)
            prune(trees, tree->root, tree->height);
        while (tree->height > 0 &&
               tree->root->count <= (tree->height > 1 ? 1 : 0)) {
            wr_tree_node *root = tree->root;
            if (root->count > 0)
                tree->root = root->child[0].node;
            tree->height = root->count > 0 ? tree->height - 1 : 0;
            make_spare(trees, root);
        }
        if (tree->height == 0 && i > 0) // its stride is given up
            *tree = trees->tree[--trees->count];
    }
    free_spare(trees, SPARE);
}
