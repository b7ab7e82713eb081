// SPDX-License-Identifier: MIT
// Which failures matter: those that the project needs, that is, those that are
// reached from it over edges of which none is optional.
#include "programs/deps/resolve_parts.h"

// Where an item is in resolve->item.
typedef struct place {
    const weir_item *item;
    uint32_t index;
} place;

// Who is asked for by whom: `to` of item i from first[i] to first[i + 1].
typedef struct graph {
    place *place;
    size_t *first;
    uint32_t *to;
    uint32_t *queue;
} graph;

static int by_address(const void *left, const void *right) {
    const place *a = left, *b = right;
    return (a->item > b->item) - (a->item < b->item);
}

static uint32_t index_of(const wr_resolve *resolve, const graph *g,
                         const weir_item *item) {
    place wanted = {item, 0};
    const place *found = bsearch(&wanted, g->place, resolve->items,
                                 sizeof(*g->place), by_address);
    return found->index;
}

static bool needs(const wr_resolve *resolve, const weir_requirer *requirer) {
    const wr_edge *edge = wr_resolve_edge(resolve, requirer);
    return edge->type != WR_EDGE_OPTIONAL &&
           edge->type != WR_EDGE_PEER_OPTIONAL;
}

static bool is_fetch(const weir_item *item) {
    wr_text name, spec;
    uint8_t kind;
    wr_resolve_key(item, &kind, &name, &spec);
    return kind == WR_KIND_FETCH;
}

// Calls `take` for each edge that counts; from < 0: a seed's.
static int each_edge(wr_resolve *resolve, graph *g,
                     void (*take)(wr_resolve *, graph *, int64_t from,
                                  uint32_t to)) {
    for (uint32_t i = 0; i < resolve->items; i++) {
        const weir_requirer *requirer;
        size_t count;
        if (is_fetch(resolve->item[i]))
            continue;
        int error = weir_item_requirers(resolve->frontier, resolve->item[i],
                                        &requirer, &count);
        if (error != 0)
            return error;
        for (size_t j = 0; j < count; j++) {
            if (!needs(resolve, &requirer[j]))
                continue;
            const weir_item *item = requirer[j].item;
            take(resolve, g,
                 item != NULL ? (int64_t)index_of(resolve, g, item) : -1, i);
        }
    }
    return 0;
}

static void count_edge(wr_resolve *resolve, graph *g, int64_t from,
                       uint32_t to) {
    (void)resolve;
    (void)to;
    if (from >= 0)
        g->first[from + 1]++;
}

static void add_edge(wr_resolve *resolve, graph *g, int64_t from, uint32_t to) {
    if (from >= 0)
        g->to[g->first[from]++] = to;
    else
        resolve->verdict[to].distance = 1;
}

static int make_graph(wr_resolve *resolve, graph *g) {
    size_t items = resolve->items;
    resolve->verdict = wr_calloc(items + 1, sizeof(*resolve->verdict));
    g->place = wr_calloc(items + 1, sizeof(*g->place));
    g->first = wr_calloc(items + 2, sizeof(*g->first));
    g->queue = wr_calloc(items + 1, sizeof(*g->queue));
    if (resolve->verdict == NULL || g->place == NULL || g->first == NULL ||
        g->queue == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < items; i++)
        g->place[i] = (place){resolve->item[i], i};
    qsort(g->place, items, sizeof(*g->place), by_address);
    int error = each_edge(resolve, g, count_edge);
    if (error != 0)
        return error;
    for (size_t i = 0; i < items; i++)
        g->first[i + 1] += g->first[i];
    g->to = wr_calloc(g->first[items] + 1, sizeof(*g->to));
    if (g->to == NULL)
        return -ENOMEM;
    error = each_edge(resolve, g, add_edge);
    // Filling has moved each beginning to its end.
    memmove(g->first + 1, g->first, items * sizeof(*g->first));
    g->first[0] = 0;
    return error;
}

// How far each item is from the project.
static void walk(wr_resolve *resolve, graph *g) {
    size_t head = 0, tail = 0;
    for (uint32_t i = 0; i < resolve->items; i++)
        if (resolve->verdict[i].distance == 1)
            g->queue[tail++] = i;
    while (head < tail) {
        uint32_t from = g->queue[head++];
        for (size_t j = g->first[from]; j < g->first[from + 1]; j++) {
            uint32_t to = g->to[j];
            if (resolve->verdict[to].distance != 0)
                continue;
            resolve->verdict[to].distance = resolve->verdict[from].distance + 1;
            g->queue[tail++] = to;
        }
    }
}

static int judge(wr_resolve *resolve) {
    graph g = {NULL, NULL, NULL, NULL};
    int error = make_graph(resolve, &g);
    if (error == 0)
        walk(resolve, &g);
    free(g.place);
    free(g.first);
    free(g.to);
    free(g.queue);
    return error;
}

int wr_resolve_judge(wr_resolve *resolve) {
    size_t failed = 0, optional = 0;
    if (resolve->judged)
        return 0;
    int error =
        weir_frontier_items(resolve->frontier, &resolve->item, &resolve->items);
    if (error != 0)
        return error;
    for (size_t i = 0; i < resolve->items; i++)
        failed += weir_item_status(resolve->item[i]) != 0 &&
                  !is_fetch(resolve->item[i]);
    if (failed != 0)
        error = judge(resolve);
    if (error != 0)
        return error;
    for (size_t i = 0; failed != 0 && i < resolve->items; i++) {
        const weir_item *item = resolve->item[i];
        if (weir_item_status(item) == 0 || is_fetch(item))
            continue;
        // Without a reason, or without memory, it is this machine that failed,
        // not the package.
        const wr_found *found = weir_item_value(item);
        bool ours = found == NULL || found->why == NULL ||
                    weir_item_status(item) == -ENOMEM;
        if (ours && resolve->verdict[i].distance == 0)
            resolve->verdict[i].distance = UINT32_MAX;
        optional += resolve->verdict[i].distance == 0;
    }
    resolve->fatal = failed - optional;
    wr_resolve_add(resolve, WR_TALLY_FATAL, resolve->fatal);
    wr_resolve_add(resolve, WR_TALLY_OPTIONAL_FAILED, optional);
    resolve->judged = true;
    return 0;
}
