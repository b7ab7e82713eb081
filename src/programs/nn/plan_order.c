// SPDX-License-Identifier: MIT
//
// Which task must end before which: edges without repeats, what follows from
// them, and the schedule.
#include "programs/nn/pass.h"

#include <errno.h>

#include "base/fault.h"

enum {
    BITS_NODES_MAX = 8192, // 8 MiB of bits
    REDUCE_MAX = 16,       // edges of one task that are compared
};

// ---------------------------------------------------------------------------
// Edges

static int *find_producers(const wr_nn_graph *graph) {
    int *producer = wr_malloc(((size_t)graph->values + 1) * sizeof *producer);
    if (producer == NULL)
        return NULL;
    for (int i = 0; i < graph->values; i++)
        producer[i] = -1;
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].outputs; k++)
            if (graph->node[i].output[k] >= 0)
                producer[graph->node[i].output[k]] = i;
    return producer;
}

// Calls for each edge once, by its later end: count[maker]++, or, if `next` is
// there, the edge is put down at next[count[maker]++].
static void walk(const wr_nn_graph *graph, const int *producer, int *seen,
                 int *count, int *next) {
    for (int i = 0; i < graph->nodes; i++)
        seen[i] = -1;
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].inputs; k++) {
            int value = graph->node[i].input[k];
            int maker = value < 0 ? -1 : producer[value];
            if (maker < 0 || seen[maker] == i)
                continue;
            seen[maker] = i;
            if (next != NULL)
                next[count[maker]] = i;
            count[maker]++;
        }
}

static int find_edges(wr_nn_order *order, const wr_nn_graph *graph) {
    size_t nodes = (size_t)graph->nodes;
    int *producer = find_producers(graph);
    int *seen = wr_malloc((nodes + 1) * sizeof *seen);
    int *count = wr_calloc(nodes + 1, sizeof *count);
    order->start = wr_calloc(nodes + 1, sizeof *order->start);
    int status = -ENOMEM;
    if (producer != NULL && seen != NULL && count != NULL &&
        order->start != NULL) {
        walk(graph, producer, seen, count, NULL);
        for (size_t i = 0; i < nodes; i++) {
            order->start[i + 1] = order->start[i] + count[i];
            count[i] = order->start[i];
        }
        order->next =
            wr_malloc(((size_t)order->start[nodes] + 1) * sizeof *order->next);
        if (order->next != NULL) {
            walk(graph, producer, seen, count, order->next);
            status = 0;
        }
    }
    wr_free(producer);
    wr_free(seen);
    wr_free(count);
    return status;
}

// ---------------------------------------------------------------------------
// What follows from them

static int find_after(wr_nn_order *order) {
    int nodes = order->nodes;
    order->words = ((size_t)nodes + 63) / 64;
    if (nodes > BITS_NODES_MAX)
        return 0;
    order->after =
        wr_calloc((size_t)nodes + 1, order->words * sizeof *order->after);
    if (order->after == NULL)
        return -ENOMEM;
    for (int i = nodes - 1; i >= 0; i--) {
        uint64_t *row = order->after + (size_t)i * order->words;
        for (int e = order->start[i]; e < order->start[i + 1]; e++) {
            int to = order->next[e];
            const uint64_t *more = order->after + (size_t)to * order->words;
            for (size_t w = (size_t)to / 64; w < order->words; w++)
                row[w] |= more[w];
            row[to / 64] |= UINT64_C(1) << (to % 64);
        }
    }
    return 0;
}

// A node is a cut if no edge jumps over it, everything before it is needed by
// something, and everything behind it needs something: then all that is before
// it leads to it, and all that is behind it comes from it.
static int find_cuts(wr_nn_order *order) {
    int nodes = order->nodes;
    int *jumps = wr_calloc((size_t)nodes + 2, sizeof *jumps);
    order->cuts = wr_calloc((size_t)nodes + 1, sizeof *order->cuts);
    order->cut = wr_calloc((size_t)nodes + 1, 1);
    if (jumps == NULL || order->cuts == NULL || order->cut == NULL) {
        wr_free(jumps);
        return -ENOMEM;
    }
    int last_source = 0, first_end = nodes - 1;
    for (int i = 0; i < nodes; i++) {
        if (order->needs[i] == 0)
            last_source = i;
        if (order->start[i] == order->start[i + 1] && i < first_end)
            first_end = i;
        for (int e = order->start[i]; e < order->start[i + 1]; e++) {
            jumps[i + 1]++;
            jumps[order->next[e]]--;
        }
    }
    for (int i = 0, open = 0, cuts = 0; i < nodes; i++) {
        open += jumps[i];
        order->cut[i] = open == 0 && i >= last_source && i <= first_end;
        cuts += order->cut[i];
        order->cuts[i] = cuts;
    }
    wr_free(jumps);
    return 0;
}

int wr_nn_order_create(wr_nn_order *order, const wr_nn_graph *graph) {
    *order = (wr_nn_order){.nodes = graph->nodes};
    int status = find_edges(order, graph);
    if (status == 0) {
        order->needs =
            wr_calloc((size_t)graph->nodes + 1, sizeof *order->needs);
        status = order->needs == NULL ? -ENOMEM : 0;
    }
    if (status == 0) {
        for (int e = 0; e < order->start[graph->nodes]; e++)
            order->needs[order->next[e]]++;
        status = find_cuts(order);
    }
    return status == 0 ? find_after(order) : status;
}

void wr_nn_order_destroy(wr_nn_order *order) {
    wr_free(order->start);
    wr_free(order->next);
    wr_free(order->needs);
    wr_free(order->after);
    wr_free(order->cuts);
    wr_free(order->cut);
}

bool wr_nn_before(const wr_nn_order *order, int a, int b) {
    if (a >= b)
        return false;
    if (order->after != NULL)
        return (order->after[(size_t)a * order->words + (size_t)b / 64] >>
                    (b % 64) &
                1) != 0;
    // A cut from a to b, one of them perhaps.
    int from = order->cuts[a] - order->cut[a];
    if (order->cuts[b] > from)
        return true;
    for (int e = order->start[a], left = REDUCE_MAX;
         e < order->start[a + 1] && left > 0; e++, left--)
        if (order->next[e] == b)
            return true;
    return false;
}

// ---------------------------------------------------------------------------
// The schedule

// Does another edge of `from` lead to `to` as well?
static bool is_implied(const wr_nn_order *order, int from, int to) {
    int first = order->start[from], end = order->start[from + 1];
    if (order->after == NULL || end - first > REDUCE_MAX)
        return false;
    for (int e = first; e < end; e++)
        if (order->next[e] != to && wr_nn_before(order, order->next[e], to))
            return true;
    return false;
}

int wr_nn_plan_tasks(wr_nn_plan *plan, const wr_nn_order *order,
                     const double *cost) {
    wr_nn_graph *graph = plan->graph;
    size_t nodes = (size_t)graph->nodes;
    wr_nn_task *task = wr_nn_allocate(graph, (nodes + 1) * sizeof *task);
    int *next =
        wr_nn_allocate(graph, ((size_t)order->start[nodes] + 1) * sizeof *next);
    if (task == NULL || next == NULL)
        return -ENOMEM;
    int used = 0;
    plan->cost_ns = 0;
    for (int i = 0; i < graph->nodes; i++) {
        task[i].unblocks = next + used;
        for (int e = order->start[i]; e < order->start[i + 1]; e++) {
            int to = order->next[e];
            if (is_implied(order, i, to))
                continue;
            next[used++] = to;
            task[to].needs++;
            task[i].unblocks_count++;
        }
        task[i].parts = graph->node[i].parts;
        task[i].cost_ns = cost[i];
        plan->cost_ns += cost[i];
    }
    plan->task = task;
    return 0;
}
