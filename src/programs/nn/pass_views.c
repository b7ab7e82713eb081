// SPDX-License-Identifier: MIT
//
// Chains of Reshape, Squeeze, Transpose and their like. What such a chain does
// as a whole: the source's elements are split into atoms (runs of places that
// stay together), and the atoms end in another order. If they end in the same
// one, the chain is a Reshape at most; else it is one Transpose between
// Reshapes. That cancels inverse pairs, merges what can be merged, and turns
// Transposes that move nothing but dimensions of size 1 into Reshapes.
#include "programs/nn/pass.h"

#include <errno.h>

enum { ATOMS_MAX = 2 * WR_NN_RANK_MAX, CHAIN_MAX = 24 };

typedef struct atom {
    int64_t size;
    int place; // its rank in the source
} atom;

// A value as a list of the source's atoms; dimension i has group[i] of them.
typedef struct arrangement {
    atom atom[ATOMS_MAX];
    int atoms;
    int group[WR_NN_RANK_MAX];
    int rank;
} arrangement;

static void arrange(arrangement *a, const wr_nn_shape *shape) {
    *a = (arrangement){.rank = shape->rank};
    for (int i = 0; i < shape->rank; i++) {
        a->group[i] = shape->dim[i] != 1;
        if (shape->dim[i] != 1) {
            a->atom[a->atoms] = (atom){shape->dim[i], a->atoms};
            a->atoms++;
        }
    }
}

static bool transpose(arrangement *a, const wr_nn_node *node) {
    size_t count = 0;
    const int64_t *perm = wr_nn_attr_ints(node, "perm", &count);
    arrangement from = *a;
    int start[WR_NN_RANK_MAX], at = 0;
    if (perm != NULL && count != (size_t)a->rank)
        return false;
    for (int i = 0; i < a->rank; i++) {
        start[i] = at;
        at += a->group[i];
    }
    at = 0;
    for (int i = 0; i < a->rank; i++) {
        int64_t axis = perm == NULL ? a->rank - 1 - i : perm[i];
        if (axis < 0)
            axis += a->rank;
        if (axis < 0 || axis >= a->rank)
            return false;
        a->group[i] = from.group[axis];
        for (int k = 0; k < from.group[axis]; k++)
            a->atom[at++] = from.atom[start[axis] + k];
    }
    return true;
}

// Splits atom k into two, the first of them of `size`.
static bool split(arrangement *a, int k, int64_t size) {
    int64_t whole = a->atom[k].size;
    if (a->atoms == ATOMS_MAX || whole % size != 0)
        return false;
    for (int i = 0; i < a->atoms; i++)
        if (a->atom[i].place > a->atom[k].place)
            a->atom[i].place++;
    memmove(&a->atom[k + 1], &a->atom[k],
            (size_t)(a->atoms - k) * sizeof *a->atom);
    a->atoms++;
    a->atom[k].size = size;
    a->atom[k + 1].size = whole / size;
    a->atom[k + 1].place++;
    return true;
}

// Neighbours that were neighbours in the source become one.
static void merge(arrangement *a) {
    int kept = 0;
    for (int i = 0; i < a->atoms; i++) {
        if (kept > 0 && a->atom[i].place == a->atom[kept - 1].place + 1) {
            // The one that goes leaves no gap among the places.
            int gone = a->atom[i].place;
            a->atom[kept - 1].size *= a->atom[i].size;
            for (int j = 0; j < a->atoms; j++)
                if (a->atom[j].place >= gone)
                    a->atom[j].place--;
            continue;
        }
        a->atom[kept++] = a->atom[i];
    }
    a->atoms = kept;
}

static bool reshape(arrangement *a, const wr_nn_shape *to) {
    int at = 0;
    merge(a);
    a->rank = to->rank;
    for (int i = 0; i < to->rank; i++) {
        int64_t left = to->dim[i];
        a->group[i] = 0;
        while (left > 1) {
            if (at == a->atoms)
                return false;
            if (left % a->atom[at].size != 0 && !split(a, at, left))
                return false;
            left /= a->atom[at++].size;
            a->group[i]++;
        }
    }
    return at == a->atoms;
}

// ---------------------------------------------------------------------------
// Chains

static bool is_view(const wr_nn_node *node) {
    return (node->op->flags & WR_NN_VIEW) != 0;
}

// The node that makes `value` if it only moves its input 0 around; or -1.
static int mover(const wr_nn_compiler *c, int value) {
    int node = c->producer[value];
    if (node < 0)
        return -1;
    const wr_nn_node *at = wr_nn_at(c, node);
    if ((!wr_nn_is(at, "Transpose") && !is_view(at)) ||
        at->output[0] != value || at->input[0] < 0)
        return -1;
    for (int k = 1; k < at->outputs; k++)
        if (at->output[k] >= 0)
            return -1;
    return node;
}

typedef struct chain {
    int node[CHAIN_MAX]; // from the last to the first
    int nodes;
    int source;
    int transposes;
} chain;

static void find_chain(const wr_nn_compiler *c, int value, chain *found) {
    *found = (chain){.source = value};
    while (found->nodes < CHAIN_MAX) {
        int node = mover(c, found->source);
        if (node < 0)
            return;
        found->node[found->nodes++] = node;
        found->transposes += !is_view(wr_nn_at(c, node));
        found->source = wr_nn_at(c, node)->input[0];
    }
}

// From the source on, as far as it works: the chain is cut where it does not.
static void follow(const wr_nn_compiler *c, chain *found, arrangement *a) {
    arrange(a, &wr_nn_value_at(c, found->source)->shape);
    for (int i = found->nodes - 1; i >= 0; i--) {
        const wr_nn_node *node = wr_nn_at(c, found->node[i]);
        const wr_nn_shape *to = &wr_nn_value_at(c, node->output[0])->shape;
        if (is_view(node) ? reshape(a, to) : transpose(a, node))
            continue;
        // Start anew behind this node.
        found->nodes = i;
        found->source = node->output[0];
        found->transposes = 0;
        for (int k = 0; k < i; k++)
            found->transposes += !is_view(wr_nn_at(c, found->node[k]));
        arrange(a, to);
    }
}

static bool in_order(const arrangement *a) {
    for (int i = 0; i < a->atoms; i++)
        if (a->atom[i].place != i)
            return false;
    return true;
}

static int reshaped(wr_nn_compiler *c, int value, const wr_nn_shape *shape) {
    if (wr_nn_same_shape(&wr_nn_value_at(c, value)->shape, shape))
        return value;
    return wr_nn_edit_reshape(c, value, shape);
}

// Which atom each dimension of `shape` is part of, given their sizes in that
// order; -1: of none, it is 1. false: a dimension has parts of several.
static bool find_owners(const wr_nn_shape *shape, const int64_t *size,
                        int atoms, int owner[WR_NN_RANK_MAX]) {
    int at = 0;
    int64_t left = atoms == 0 ? 1 : size[0];
    for (int i = 0; i < shape->rank; i++) {
        owner[i] = -1;
        if (shape->dim[i] == 1)
            continue;
        if (left == 1 && at + 1 < atoms)
            left = size[++at];
        if (left % shape->dim[i] != 0)
            return false;
        left /= shape->dim[i];
        owner[i] = at;
    }
    return true;
}

// One Transpose, of `before`, to `after`.
typedef struct turning {
    wr_nn_shape before, after;
    int64_t perm[WR_NN_RANK_MAX];
} turning;

static void set_after(turning *t) {
    t->after = t->before;
    for (int i = 0; i < t->before.rank; i++)
        t->after.dim[i] = t->before.dim[t->perm[i]];
}

// Dimensions of size 1 may be anywhere: where `to` has them, if that gives
// `to`.
static void spread_ones(turning *t, const wr_nn_shape *to, int ones) {
    int64_t one[WR_NN_RANK_MAX], other[WR_NN_RANK_MAX];
    memcpy(one, t->perm, (size_t)ones * sizeof *one);
    memcpy(other, t->perm + ones,
           (size_t)(t->before.rank - ones) * sizeof *other);
    turning spread = *t;
    int a = 0, b = 0;
    if (to->rank != t->before.rank)
        return;
    for (int i = 0; i < to->rank; i++) {
        bool is_one = to->dim[i] == 1;
        if (is_one ? a == ones : b == to->rank - ones)
            return;
        spread.perm[i] = is_one ? one[a++] : other[b++];
    }
    set_after(&spread);
    if (wr_nn_same_shape(&spread.after, to))
        *t = spread;
}

// Straight from the source, if its dimensions stay whole.
static bool turn_source(const wr_nn_shape *from, const wr_nn_shape *to,
                        const arrangement *a, turning *t) {
    int64_t size[ATOMS_MAX];
    int owner[WR_NN_RANK_MAX], at = 0;
    for (int i = 0; i < a->atoms; i++)
        size[a->atom[i].place] = a->atom[i].size;
    if (!find_owners(from, size, a->atoms, owner))
        return false;
    t->before = *from;
    for (int i = 0; i < from->rank; i++)
        if (owner[i] < 0)
            t->perm[at++] = i;
    int ones = at;
    for (int k = 0; k < a->atoms; k++)
        for (int i = 0; i < from->rank; i++)
            if (owner[i] == a->atom[k].place)
                t->perm[at++] = i;
    set_after(t);
    spread_ones(t, to, ones);
    return true;
}

// Straight to the result, if its dimensions are whole.
static bool turn_result(const wr_nn_shape *to, const arrangement *a,
                        turning *t) {
    int64_t size[ATOMS_MAX];
    int owner[WR_NN_RANK_MAX], at = 0;
    for (int i = 0; i < a->atoms; i++)
        size[i] = a->atom[i].size;
    if (!find_owners(to, size, a->atoms, owner))
        return false;
    t->before = *to;
    for (int place = -1; place < a->atoms; place++)
        for (int i = 0; i < to->rank; i++) {
            int from = owner[i] < 0 ? -1 : a->atom[owner[i]].place;
            if (from != place)
                continue;
            t->before.dim[at] = to->dim[i];
            t->perm[i] = at++;
        }
    set_after(t);
    return true;
}

static void turn_atoms(wr_nn_type type, const arrangement *a, turning *t) {
    t->before = (wr_nn_shape){.type = type, .rank = a->atoms};
    for (int i = 0; i < a->atoms; i++) {
        t->perm[i] = a->atom[i].place;
        t->before.dim[a->atom[i].place] = a->atom[i].size;
    }
    set_after(t);
}

static int count_nodes(const wr_nn_shape *from, const wr_nn_shape *to,
                       const turning *t) {
    return 1 + !wr_nn_same_shape(from, &t->before) +
           !wr_nn_same_shape(&t->after, to);
}

// The way with the fewest nodes; their number.
static int find_turning(const wr_nn_shape *from, const wr_nn_shape *to,
                        const arrangement *a, turning *best) {
    turning other;
    turn_atoms(to->type, a, best);
    int nodes = count_nodes(from, to, best);
    if (turn_result(to, a, &other) && count_nodes(from, to, &other) <= nodes) {
        *best = other;
        nodes = count_nodes(from, to, best);
    }
    if (turn_source(from, to, a, &other) &&
        count_nodes(from, to, &other) <= nodes) {
        *best = other;
        nodes = count_nodes(from, to, best);
    }
    return nodes;
}

static int build(wr_nn_compiler *c, int source, const turning *t,
                 const wr_nn_shape *to) {
    int value = reshaped(c, source, &t->before);
    if (value >= 0)
        value = wr_nn_edit_transpose(c, value, t->perm);
    return value < 0 ? value : reshaped(c, value, to);
}

static int simplify(wr_nn_compiler *c, int index) {
    int value = wr_nn_at(c, index)->output[0];
    if (value < 0 || mover(c, value) != index)
        return 0;
    chain found;
    arrangement a;
    find_chain(c, value, &found);
    follow(c, &found, &a);
    if (found.nodes == 0)
        return 0;
    merge(&a);
    if (a.atoms > WR_NN_RANK_MAX)
        return 0;
    wr_nn_shape from = wr_nn_value_at(c, found.source)->shape;
    wr_nn_shape to = wr_nn_value_at(c, value)->shape;
    turning turn;
    bool turns = !in_order(&a);
    int nodes = turns ? find_turning(&from, &to, &a, &turn)
                      : !wr_nn_same_shape(&from, &to);
    if ((int)turns == found.transposes && nodes >= found.nodes)
        return 0;
    int fresh = turns ? build(c, found.source, &turn, &to)
                      : reshaped(c, found.source, &to);
    if (fresh < 0)
        return fresh;
    wr_nn_edit_replace(c, value, fresh);
    wr_nn_edit_drop(c, index);
    return 0;
}

int wr_nn_pass_views(wr_nn_compiler *c) {
    int nodes = c->graph->nodes;
    for (int i = 0; i < nodes; i++) {
        int status = wr_nn_at(c, i)->op == NULL ? 0 : simplify(c, i);
        if (status != 0)
            return status;
    }
    return 0;
}
