// SPDX-License-Identifier: MIT
// The axioms of seq_cst in RC11: the relation psc has no cycle. With the names
// of the paper (PLDI 2017, figure 2):
//
//     scb = sb + (sb, other object);hb;(sb, other object) + hb on one object
//           + mo + rb
//     psc = ([SC] + [SC fence];hb?) ; scb ; ([SC] + hb?;[SC fence])
//           + [SC fence] ; (hb + hb;eco;hb) ; [SC fence]
#include "model/graph.h"

#include <stdlib.h>

enum { EVENTS = MC_STEPS_MAX, SC_MAX = 256 };

typedef struct axioms {
    unsigned known; // of sc: their edges are there
    unsigned count; // of the events in this graph
    mg_node *node[EVENTS];
    unsigned sc_count;
    mg_node *sc[SC_MAX];
    bool edge[SC_MAX][SC_MAX];
    uint8_t colour[SC_MAX];
    bool first[EVENTS], second[EVENTS], away[EVENTS], after[EVENTS];
} axioms;

static axioms *ax;

static bool hb(const mg_node *a, const mg_node *b) {
    return a != b && b->e.clock[a->e.thread] >= a->e.index;
}

static bool sb(const mg_node *a, const mg_node *b) {
    return a->e.thread == b->e.thread && a->e.index < b->e.index;
}

static bool is_fence(const mg_node *node) { return node->e.does == MC_FENCE; }

static bool same_object(const mg_node *a, const mg_node *b) {
    return a->e.location != 0 && a->e.location == b->e.location;
}

// Where a node stands in its modification order: as one that writes, or as one
// that reads.
static unsigned read_place(const mg_node *node) {
    return mg_place_of(node->e.from);
}

static bool mo(const mg_node *a, const mg_node *b) {
    return same_object(a, b) && a->e.writes && b->e.writes &&
           a->place < b->place;
}

static bool rb(const mg_node *a, const mg_node *b) {
    return a != b && same_object(a, b) && a->e.reads && b->e.writes &&
           read_place(a) < b->place;
}

// eco: reads-from, mo, rb, and what follows from several of them.
static bool eco(const mg_node *a, const mg_node *b) {
    if (a == b || !same_object(a, b))
        return false;
    if (mo(a, b) || rb(a, b))
        return true;
    if (!b->e.reads)
        return false;
    return (a->e.writes && a->place <= read_place(b)) ||
           (a->e.reads && read_place(a) < read_place(b));
}

// second := what scb leads to from `first`.
static void follow(void) {
    for (unsigned i = 0; i < ax->count; i++)
        ax->second[i] = ax->away[i] = false;
    for (unsigned i = 0; i < ax->count; i++) {
        const mg_node *a = ax->node[i];
        for (unsigned k = 0; ax->first[i] && k < ax->count; k++) {
            const mg_node *b = ax->node[k];
            if (sb(a, b) || mo(a, b) || rb(a, b) ||
                (same_object(a, b) && hb(a, b)))
                ax->second[k] = true;
            if (sb(a, b) && !same_object(a, b))
                ax->away[k] = true;
        }
    }
    for (unsigned i = 0; i < ax->count; i++)
        ax->after[i] = false;
    for (unsigned i = 0; i < ax->count; i++)
        for (unsigned k = 0; ax->away[i] && k < ax->count; k++)
            if (hb(ax->node[i], ax->node[k]))
                ax->after[k] = true;
    for (unsigned i = 0; i < ax->count; i++)
        for (unsigned k = 0; ax->after[i] && k < ax->count; k++)
            if (sb(ax->node[i], ax->node[k]) &&
                !same_object(ax->node[i], ax->node[k]))
                ax->second[k] = true;
}

static void edges_from(unsigned from) {
    const mg_node *a = ax->sc[from];
    for (unsigned i = 0; i < ax->count; i++)
        ax->first[i] = ax->node[i] == a || (is_fence(a) && hb(a, ax->node[i]));
    follow();
    for (unsigned to = 0; to < ax->sc_count; to++) {
        const mg_node *b = ax->sc[to];
        bool edge = false;
        for (unsigned i = 0; !edge && i < ax->count; i++)
            edge = ax->second[i] &&
                   (ax->node[i] == b || (is_fence(b) && hb(ax->node[i], b)));
        ax->edge[from][to] = edge;
    }
}

// The event nearest to `node` in its thread, from there on in steps of `step`,
// that touches another object; NULL: none.
static const mg_node *elsewhere(const mg_node *node, int step) {
    unsigned thread = node->e.thread;
    unsigned last = mg->thread[thread].count;
    for (unsigned i = (unsigned)(node->e.index + step); i > 0 && i <= last;
         i = (unsigned)((int)i + step))
        if (!same_object(node, &mg->node[thread][i]))
            return &mg->node[thread][i];
    return NULL;
}

// scb from one to the other. Without fences that is all of psc, and events
// that are not seq_cst cannot matter any more. What is nearest to either end
// is ordered if anything is.
static bool scb(const mg_node *a, const mg_node *b) {
    if (a == b)
        return false;
    if (sb(a, b) || mo(a, b) || rb(a, b) || (same_object(a, b) && hb(a, b)))
        return true;
    const mg_node *first = elsewhere(a, 1);
    const mg_node *last = elsewhere(b, -1);
    return first != NULL && last != NULL && hb(first, last);
}

static bool fences_ordered(const mg_node *a, const mg_node *b) {
    if (hb(a, b))
        return true;
    for (unsigned i = 0; i < ax->count; i++) {
        if (!hb(a, ax->node[i]))
            continue;
        for (unsigned k = 0; k < ax->count; k++)
            if (hb(ax->node[k], b) && eco(ax->node[i], ax->node[k]))
                return true;
    }
    return false;
}

static bool visit(unsigned at, unsigned count) {
    ax->colour[at] = 1;
    for (unsigned to = 0; to < count; to++) {
        if (!ax->edge[at][to])
            continue;
        if (ax->colour[to] == 1 || (ax->colour[to] == 0 && visit(to, count)))
            return true;
    }
    ax->colour[at] = 2;
    return false;
}

static bool has_cycle(unsigned at) { return visit(at, ax->sc_count); }

// Among those up to `at`, the newest.
static bool has_cycle_within(unsigned at) { return visit(at, at + 1); }

void mg_seqcst_begin(void) { ax->known = ax->sc_count = 0; }

void mg_seqcst_note(mg_node *node) {
    if (ax->sc_count == SC_MAX) {
        mc_report(MC_ENDLESS, "more than %u seq_cst steps", SC_MAX);
        return;
    }
    ax->sc[ax->sc_count++] = node;
}

static void gather(void) {
    ax->count = ax->sc_count = 0;
    for (unsigned i = 0; i < mg->steps; i++) {
        mg_node *node = mg_node_of(mg->trace[i]);
        ax->node[ax->count++] = node;
        if (node->e.order == MC_SEQ_CST)
            mg_seqcst_note(node);
    }
}

void mg_seqcst_setup(void) { ax = mr_own(sizeof(*ax)); }

static bool all_edges(void) {
    gather();
    for (unsigned i = 0; i < ax->sc_count; i++) {
        edges_from(i);
        ax->colour[i] = 0;
    }
    for (unsigned i = 0; i < ax->sc_count; i++)
        for (unsigned k = 0; k < ax->sc_count; k++)
            if (i != k && !ax->edge[i][k] && is_fence(ax->sc[i]) &&
                is_fence(ax->sc[k]))
                ax->edge[i][k] = fences_ordered(ax->sc[i], ax->sc[k]);
    for (unsigned i = 0; i < ax->sc_count; i++)
        if (ax->colour[i] == 0 && has_cycle(i))
            return false;
    return true;
}

// A new event changes nothing between those that were there.
static bool new_edges(void) {
    // In a plan write parts may still have been missing.
    if (mg->graph)
        ax->known = 0;
    for (; ax->known < ax->sc_count; ax->known++) {
        const mg_node *node = ax->sc[ax->known];
        bool counts = node->e.order == MC_SEQ_CST;
        for (unsigned i = 0; i <= ax->known; i++) {
            bool both = counts && ax->sc[i]->e.order == MC_SEQ_CST;
            ax->edge[ax->known][i] = both && scb(node, ax->sc[i]);
            ax->edge[i][ax->known] = both && scb(ax->sc[i], node);
        }
        if (!counts)
            continue;
        for (unsigned i = 0; i <= ax->known; i++)
            ax->colour[i] = 0;
        if (has_cycle_within(ax->known))
            return false;
    }
    return true;
}

bool mg_consistent(void) {
    if (mg->seq_cst < 2)
        return true;
    return mg->fences ? all_edges() : new_edges();
}
