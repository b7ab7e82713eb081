// SPDX-License-Identifier: MIT
//
// Proves a plan: from the tasks' edges alone, not from what the compiler
// believed, it works out what may run at the same time, and looks at every two
// values whose bytes overlap.
#include "programs/nn/plan.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "programs/nn/graph.h"

enum { NODES_MAX = 32768 };

typedef struct checking {
    const wr_nn_plan *plan;
    const wr_nn_graph *graph;
    wr_nn_why *why;
    size_t words;
    uint64_t *after;     // [node][words]
    int *producer;       // [value]
    int *start, *reader; // [value + 1]: its readers
    uint8_t *kept;       // [value]: an output of the graph
    size_t *bytes;       // [value]
    int *root;           // [value]: what it is a view of
} checking;

static bool before(const checking *c, int a, int b) {
    return (c->after[(size_t)a * c->words + (size_t)b / 64] >> (b % 64) & 1) !=
           0;
}

// ---------------------------------------------------------------------------
// The schedule

static int check_edges(checking *c) {
    int nodes = c->graph->nodes;
    int *needs = wr_calloc((size_t)nodes + 1, sizeof *needs);
    if (needs == NULL)
        return -ENOMEM;
    int status = 0;
    for (int i = nodes - 1; i >= 0; i--) {
        const wr_nn_task *task = &c->plan->task[i];
        uint64_t *row = c->after + (size_t)i * c->words;
        for (int e = 0; e < task->unblocks_count; e++) {
            int to = task->unblocks[e];
            if (to <= i || to >= nodes) {
                status = wr_nn_refuse(c->why, -EINVAL, &c->graph->node[i],
                                      "unblocks task %d", to);
                continue;
            }
            needs[to]++;
            const uint64_t *more = c->after + (size_t)to * c->words;
            for (size_t w = 0; w < c->words; w++)
                row[w] |= more[w];
            row[to / 64] |= UINT64_C(1) << (to % 64);
        }
    }
    for (int i = 0; i < nodes && status == 0; i++) {
        const wr_nn_task *task = &c->plan->task[i];
        if (needs[i] != task->needs)
            status = wr_nn_refuse(c->why, -EINVAL, &c->graph->node[i],
                                  "needs %d tasks, but %d unblock it",
                                  task->needs, needs[i]);
        else if (task->parts < 1 || task->parts != c->graph->node[i].parts)
            status = wr_nn_refuse(c->why, -EINVAL, &c->graph->node[i],
                                  "has %u parts", task->parts);
    }
    wr_free(needs);
    return status;
}

static int check_data(const checking *c) {
    for (int i = 0; i < c->graph->nodes; i++) {
        const wr_nn_node *node = &c->graph->node[i];
        for (int k = 0; k < node->inputs; k++) {
            int value = node->input[k];
            int maker = value < 0 ? -1 : c->producer[value];
            if (maker >= 0 && !before(c, maker, i))
                return wr_nn_refuse(c->why, -EINVAL, node,
                                    "may run before input %d is made", k);
            if (value >= 0 && c->plan->spot[value].place == WR_NN_NOWHERE)
                return wr_nn_refuse(c->why, -EINVAL, node,
                                    "input %d is nowhere", k);
        }
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Places

static size_t bytes_of(const checking *c, int value) { return c->bytes[value]; }

static int check_place(const checking *c, int value) {
    const wr_nn_plan *plan = c->plan;
    const wr_nn_spot *spot = &plan->spot[value];
    int maker = c->producer[value];
    bool wrong = false;
    switch (spot->place) {
    case WR_NN_NOWHERE: wrong = maker >= 0; break;
    case WR_NN_CONSTANT: wrong = c->graph->value[value].data == NULL; break;
    case WR_NN_INPUT:
        wrong = spot->slot < 0 || spot->slot >= plan->inputs ||
                spot->offset + bytes_of(c, value) >
                    wr_nn_bytes(&plan->input[spot->slot]);
        break;
    case WR_NN_OUTPUT:
        wrong = maker < 0 || spot->slot < 0 || spot->slot >= plan->outputs ||
                spot->offset + bytes_of(c, value) >
                    wr_nn_bytes(&plan->output[spot->slot]);
        break;
    case WR_NN_ARENA:
        wrong = maker < 0 || spot->offset % WR_NN_ALIGN != 0 ||
                spot->offset + bytes_of(c, value) > plan->arena_bytes;
        break;
    }
    if (!wrong)
        return 0;
    return wr_nn_refuse(c->why, -EINVAL,
                        maker < 0 ? NULL : &c->graph->node[maker],
                        "value %d is at a wrong place", value);
}

static int check_outputs(const checking *c) {
    for (int i = 0; i < c->graph->outputs; i++) {
        const wr_nn_spot *spot = &c->plan->spot[c->graph->output[i]];
        if (spot->place != WR_NN_OUTPUT || spot->slot != i || spot->offset != 0)
            return wr_nn_refuse(c->why, -EINVAL, NULL,
                                "output %d is not in the caller's memory", i);
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Overlaps

// Do both begin at the same place and have the same size?
static bool same_bytes(const checking *c, int a, int b) {
    const wr_nn_spot *x = &c->plan->spot[a], *y = &c->plan->spot[b];
    return x->place == y->place && x->slot == y->slot &&
           x->offset == y->offset && bytes_of(c, a) == bytes_of(c, b);
}

static bool overlap(const checking *c, int a, int b) {
    const wr_nn_spot *x = &c->plan->spot[a], *y = &c->plan->spot[b];
    if (x->place != y->place || (x->place != WR_NN_ARENA && x->slot != y->slot))
        return false;
    return x->offset < y->offset + bytes_of(c, b) &&
           y->offset < x->offset + bytes_of(c, a);
}

static bool reads_once(const wr_nn_node *node, int value) {
    int times = 0;
    for (int k = 0; k < node->inputs; k++)
        times += node->input[k] == value;
    return times == 1 && node->input[0] == value;
}

// Are all that read `a`, and what made it, over before `b` is made? The one
// that makes `b` may read `a` if it may work in place.
static bool over(const checking *c, int a, int b) {
    int by = c->producer[b], maker = c->producer[a];
    if (by < 0 || c->kept[a] || (maker >= 0 && !before(c, maker, by)))
        return false;
    const wr_nn_node *node = &c->graph->node[by];
    for (int e = c->start[a]; e < c->start[a + 1]; e++) {
        if (c->reader[e] == by) {
            if ((node->op->flags & WR_NN_INPLACE) == 0 ||
                node->output[0] != b || !reads_once(node, a) ||
                !same_bytes(c, a, b))
                return false;
        } else if (!before(c, c->reader[e], by)) {
            return false;
        }
    }
    return true;
}

// The value that `value` is a view of, through all views at the same place.
static int viewed(const checking *c, int value) {
    for (;;) {
        int maker = c->producer[value];
        if (maker < 0)
            return value;
        const wr_nn_node *node = &c->graph->node[maker];
        if ((node->op->flags & WR_NN_VIEW) == 0 || node->output[0] != value ||
            node->input[0] < 0 || !same_bytes(c, value, node->input[0]))
            return value;
        value = node->input[0];
    }
}

// A result in place of a view of `a` is made by a node that does not read `a`
// itself: the readers of a are then before it, or it is refused.
static int check_pair(const checking *c, int a, int b) {
    if (!overlap(c, a, b) || c->root[a] == c->root[b])
        return 0;
    if (c->plan->spot[a].place == WR_NN_INPUT)
        return wr_nn_refuse(c->why, -EINVAL, NULL,
                            "values %d and %d lie on one input", a, b);
    if (over(c, a, b) || over(c, b, a))
        return 0;
    int maker =
        c->producer[a] > c->producer[b] ? c->producer[a] : c->producer[b];
    return wr_nn_refuse(c->why, -EINVAL,
                        maker < 0 ? NULL : &c->graph->node[maker],
                        "values %d and %d may live at the same time, but "
                        "overlap",
                        a, b);
}

static int check_pairs(const checking *c) {
    const wr_nn_graph *graph = c->graph;
    for (int v = 0; v < graph->values; v++)
        c->root[v] = viewed(c, v);
    for (int a = 0; a < graph->values; a++) {
        wr_nn_place place = c->plan->spot[a].place;
        int status = check_place(c, a);
        if (status != 0)
            return status;
        if (place == WR_NN_NOWHERE || place == WR_NN_CONSTANT)
            continue;
        for (int b = a + 1; b < graph->values && status == 0; b++)
            if (c->plan->spot[b].place == place)
                status = check_pair(c, a, b);
        if (status != 0)
            return status;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// The whole

static void fill_tables(checking *c) {
    const wr_nn_graph *graph = c->graph;
    for (int v = 0; v < graph->values; v++) {
        c->producer[v] = -1;
        c->bytes[v] = wr_nn_known(&graph->value[v].shape)
                          ? wr_nn_bytes(&graph->value[v].shape)
                          : 0;
    }
    for (int i = 0; i < graph->outputs; i++)
        c->kept[graph->output[i]] = 1;
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        for (int k = 0; k < node->outputs; k++)
            if (node->output[k] >= 0)
                c->producer[node->output[k]] = i;
        for (int k = 0; k < node->inputs; k++)
            if (node->input[k] >= 0)
                c->start[node->input[k] + 2]++;
    }
    for (int v = 0; v < graph->values; v++)
        c->start[v + 2] += c->start[v + 1];
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].inputs; k++)
            if (graph->node[i].input[k] >= 0)
                c->reader[c->start[graph->node[i].input[k] + 1]++] = i;
}

static size_t count_inputs(const wr_nn_graph *graph) {
    size_t sum = 0;
    for (int i = 0; i < graph->nodes; i++)
        sum += (size_t)graph->node[i].inputs;
    return sum;
}

int wr_nn_plan_check(const wr_nn_plan *plan, wr_nn_why *why) {
    const wr_nn_graph *graph = plan->graph;
    size_t nodes = (size_t)graph->nodes, values = (size_t)graph->values;
    if (nodes > NODES_MAX)
        return wr_nn_refuse(why, -E2BIG, NULL,
                            "%zu nodes are too many to check", nodes);
    checking c = {.plan = plan,
                  .graph = graph,
                  .why = why,
                  .words = (nodes + 63) / 64,
                  .producer = wr_malloc((values + 1) * sizeof(int)),
                  .start = wr_calloc(values + 2, sizeof(int)),
                  .reader = wr_malloc((count_inputs(graph) + 1) * sizeof(int)),
                  .kept = wr_calloc(values + 1, 1),
                  .bytes = wr_malloc((values + 1) * sizeof(size_t)),
                  .root = wr_malloc((values + 1) * sizeof(int))};
    c.after = wr_calloc(nodes + 1, (c.words + 1) * sizeof *c.after);
    int status = -ENOMEM;
    if (c.after != NULL && c.producer != NULL && c.start != NULL &&
        c.reader != NULL && c.kept != NULL && c.bytes != NULL &&
        c.root != NULL) {
        fill_tables(&c);
        status = check_edges(&c);
        if (status == 0)
            status = check_data(&c);
        if (status == 0)
            status = check_outputs(&c);
        if (status == 0)
            status = check_pairs(&c);
    }
    wr_free(c.after);
    wr_free(c.producer);
    wr_free(c.start);
    wr_free(c.reader);
    wr_free(c.kept);
    wr_free(c.bytes);
    wr_free(c.root);
    return status;
}
