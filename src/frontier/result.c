// SPDX-License-Identifier: MIT
// What came of it, in orders that no timing changes.
#include "base/fault.h"
#include "frontier/internal.h"

#include <stdlib.h>

static bool ended(const weir_frontier *frontier) {
    weir_frontier *own = (weir_frontier *)(uintptr_t)frontier;
    return wr_load(&own->has_ended, acquire, FRONTIER_2,
                   "then results may be looked at") != 0;
}

// ---- distance --------------------------------------------------------------

bool wr_result_before(const weir_frontier *frontier, const weir_item *a,
                      const weir_item *b) {
    uint32_t p = wr_item_level(a), q = wr_item_level(b);
    if (frontier->edges && p != q)
        return p < q;
    return wr_item_compare(a, b) < 0;
}

// Adds the items that `edges` lead to and that have no level yet to a queue.
static void reach(const weir_frontier *frontier, const wr_edges *edges,
                  uint32_t level, wr_items *queue) {
    for (; edges != NULL; edges = edges->next)
        for (uint32_t i = 0; i < edges->count; i++) {
            weir_item *item = wr_item_of(frontier, edges->out[i].item);
            if (wr_item_level(item) != WR_NOBODY)
                continue;
            wr_item_set_level(item, level);
            item->next = WR_NOBODY;
            if (queue->first == WR_NOBODY)
                queue->first = item->id;
            else
                wr_item_of(frontier, queue->last)->next = item->id;
            queue->last = item->id;
        }
}

static void level_all(weir_frontier *frontier) {
    wr_walk walk = {0, 0};
    weir_item *item;
    while ((item = wr_keys_next(frontier, &walk)) != NULL)
        wr_item_set_level(item, WR_NOBODY);
    wr_items queue;
    wr_items_init(&queue);
    reach(frontier, frontier->seeds, 0, &queue);
    while (queue.first != WR_NOBODY) {
        item = wr_item_of(frontier, queue.first);
        reach(frontier, item->out, wr_item_level(item) + 1, &queue);
        queue.first = item->next;
    }
}

weir_item *wr_result_level(weir_frontier *frontier) {
    if (frontier->edges)
        level_all(frontier);
    frontier->levelled = true;
    weir_item *first = NULL;
    for (uint32_t id = frontier->failed; id != WR_NOBODY;) {
        weir_item *item = wr_item_of(frontier, id);
        if (first == NULL || wr_result_before(frontier, item, first))
            first = item;
        id = item->prev;
    }
    return first;
}

// ---- lists -----------------------------------------------------------------

static int by_key(const void *a, const void *b) {
    return wr_item_compare(*(weir_item *const *)a, *(weir_item *const *)b);
}

static int by_policy(const void *a, const void *b) {
    const weir_item *x = *(weir_item *const *)a, *y = *(weir_item *const *)b;
    // Without edges all have the same level.
    uint32_t p = wr_item_level(x), q = wr_item_level(y);
    if (p != q)
        return p < q ? -1 : 1;
    return wr_item_compare(x, y);
}

static size_t count_items(weir_frontier *frontier) {
    uint64_t items;
    (void)wr_keys_bytes(frontier, &items);
    return (size_t)items;
}

static int sort_items(weir_frontier *frontier) {
    if (frontier->sorted != NULL)
        return 0;
    size_t count = count_items(frontier), at = 0;
    weir_item **sorted = wr_malloc((count + 1) * sizeof(weir_item *));
    if (sorted == NULL)
        return -ENOMEM;
    if (!frontier->levelled)
        (void)wr_result_level(frontier); // it needs `next` too
    wr_walk walk = {0, 0};
    weir_item *item;
    while ((item = wr_keys_next(frontier, &walk)) != NULL)
        sorted[at++] = item;
    qsort(sorted, count, sizeof(weir_item *), by_key);
    for (size_t i = 0; i < count; i++)
        sorted[i]->next = (uint32_t)i; // its rank
    frontier->sorted = sorted;
    frontier->sorted_count = count;
    return 0;
}

static int sort_failed(weir_frontier *frontier) {
    if (frontier->sorted_failed != NULL)
        return 0;
    size_t count = frontier->failed_count, at = 0;
    weir_item **sorted = wr_malloc((count + 1) * sizeof(weir_item *));
    if (sorted == NULL)
        return -ENOMEM;
    for (uint32_t id = frontier->failed; id != WR_NOBODY;) {
        sorted[at++] = wr_item_of(frontier, id);
        id = sorted[at - 1]->prev;
    }
    qsort(sorted, count, sizeof(weir_item *), by_policy);
    frontier->sorted_failed = sorted;
    return 0;
}

// Runs `make` once there is something to be made.
static int prepare(weir_frontier *frontier, int (*make)(weir_frontier *)) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    if (!ended(frontier))
        return -EBUSY;
    wr_mutex_lock(&frontier->result_lock);
    int error = make(frontier);
    wr_mutex_unlock(&frontier->result_lock);
    return error;
}

int weir_frontier_items(weir_frontier *frontier, weir_item *const **items,
                        size_t *count) {
    int error = prepare(frontier, sort_items);
    if (error != 0)
        return error;
    *items = frontier->sorted;
    *count = frontier->sorted_count;
    return 0;
}

int weir_frontier_failed(weir_frontier *frontier, weir_item *const **items,
                         size_t *count) {
    int error = prepare(frontier, sort_failed);
    if (error != 0)
        return error;
    *items = frontier->sorted_failed;
    *count = frontier->failed_count;
    return 0;
}

int weir_frontier_find(weir_frontier *frontier, const void *key, size_t size,
                       weir_item **item) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    if (!ended(frontier))
        return -EBUSY;
    weir_item *found = wr_keys_find(frontier, key, size);
    if (found == NULL)
        return -ENOENT;
    *item = found;
    return 0;
}

// ---- who asked -------------------------------------------------------------

// The rank of who asked, and of who never was: seeds come first.
static uint32_t rank_of(const weir_requirer *requirer) {
    return requirer->item == NULL ? 0 : requirer->item->next + 1;
}

static int by_requirer(const void *a, const void *b) {
    const weir_requirer *x = a, *y = b;
    uint32_t p = rank_of(x), q = rank_of(y);
    if (p != q)
        return p < q ? -1 : 1;
    return x->tag < y->tag ? -1 : x->tag > y->tag;
}

// Counts, or with `into` writes, who asked for what `edges` lead to. at[r] is
// where the requirers of rank r go next, and is moved on.
static void gather(weir_frontier *frontier, const weir_item *from,
                   const wr_edges *edges, size_t *at, weir_requirer *into) {
    for (; edges != NULL; edges = edges->next)
        for (uint32_t i = 0; i < edges->count; i++) {
            uint32_t rank = wr_item_of(frontier, edges->out[i].item)->next;
            if (into != NULL)
                into[at[rank]] = (weir_requirer){from, edges->out[i].tag, 0};
            at[rank]++;
        }
}

static void gather_all(weir_frontier *frontier, size_t *at,
                       weir_requirer *into) {
    gather(frontier, NULL, frontier->seeds, at, into);
    for (size_t i = 0; i < frontier->sorted_count; i++)
        gather(frontier, frontier->sorted[i], frontier->sorted[i]->out, at,
               into);
}

static void gather_first(weir_frontier *frontier, size_t *at,
                         weir_requirer *into) {
    for (size_t i = 0; i < frontier->sorted_count; i++, at[i - 1]++) {
        const weir_item *item = frontier->sorted[i];
        const weir_item *from =
            item->first == WR_NOBODY ? NULL : wr_item_of(frontier, item->first);
        if (into != NULL)
            into[at[i]] = (weir_requirer){from, item->first_tag, 0};
    }
}

// Sorts those of each item and leaves each one once. at[r] is the end of rank
// r's; afterwards at[r] is where they begin, and at[r + 1] where they end.
static void tidy(size_t *at, size_t count, weir_requirer *all) {
    size_t from = 0, to = 0;
    for (size_t r = 0; r < count; r++) {
        size_t end = at[r];
        qsort(all + from, end - from, sizeof(*all), by_requirer);
        at[r] = to;
        for (size_t i = from; i < end; i++)
            if (to == at[r] || by_requirer(&all[to - 1], &all[i]) != 0)
                all[to++] = all[i];
        from = end;
    }
    at[count] = to;
}

static int make_requirers(weir_frontier *frontier) {
    int error = sort_items(frontier);
    if (error != 0 || frontier->requirers != NULL)
        return error;
    void (*each)(weir_frontier *, size_t *, weir_requirer *) =
        frontier->edges ? gather_all : gather_first;
    size_t count = frontier->sorted_count, total = 0;
    size_t *at = wr_calloc(count + 1, sizeof(*at));
    if (at == NULL)
        return -ENOMEM;
    each(frontier, at, NULL);
    for (size_t r = 0; r < count; r++) {
        size_t own = at[r];
        at[r] = total;
        total += own;
    }
    weir_requirer *all = wr_malloc((total + 1) * sizeof(*all));
    if (all == NULL) {
        wr_free(at);
        return -ENOMEM;
    }
    each(frontier, at, all);
    tidy(at, count, all);
    frontier->requirers = all;
    frontier->requirers_at = at;
    return 0;
}

int weir_item_requirers(weir_frontier *frontier, const weir_item *item,
                        const weir_requirer **requirers, size_t *count) {
    int error = prepare(frontier, make_requirers);
    if (error != 0)
        return error;
    size_t from = frontier->requirers_at[item->next];
    *requirers = frontier->requirers + from;
    *count = frontier->requirers_at[item->next + 1] - from;
    return 0;
}

int64_t weir_item_chain(weir_frontier *frontier, const weir_item *item,
                        weir_requirer *chain, size_t count_max) {
    int error = prepare(frontier, make_requirers);
    if (error != 0)
        return error;
    int64_t length = 0;
    while (item != NULL) {
        // Its requirers are sorted: the first that is nearer is the one.
        const weir_requirer *by =
            frontier->requirers + frontier->requirers_at[item->next];
        while (frontier->edges && by->item != NULL &&
               wr_item_level(by->item) + 1 != wr_item_level(item))
            by++;
        if ((size_t)length < count_max)
            chain[length] = (weir_requirer){item, by->tag, 0};
        length++;
        item = by->item;
    }
    return length;
}

// ---- an item ---------------------------------------------------------------

const void *weir_item_key(const weir_item *item, size_t *size) {
    if (size != NULL)
        *size = item->key_size;
    return wr_item_bytes(item);
}

void *weir_item_value(const weir_item *item) { return item->value; }

weir_item_state weir_item_outcome(const weir_item *item) {
    switch (wr_item_state((weir_item *)(uintptr_t)item)) {
    case WR_ITEM_DONE: return WEIR_ITEM_DONE;
    case WR_ITEM_FAILED: return WEIR_ITEM_FAILED;
    case WR_ITEM_CANCELLED: return WEIR_ITEM_CANCELLED;
    default: return WEIR_ITEM_OPEN;
    }
}

int weir_item_status(const weir_item *item) { return item->status; }

unsigned weir_item_attempts(const weir_item *item) { return item->attempts; }

void wr_result_fini(weir_frontier *frontier) {
    wr_free(frontier->sorted);
    wr_free(frontier->sorted_failed);
    wr_free(frontier->requirers);
    wr_free(frontier->requirers_at);
}
