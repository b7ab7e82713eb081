// SPDX-License-Identifier: MIT
// The frontier itself: made, fed, looked at.
#include "base/fault.h"
#include "base/options.h"
#include "frontier/internal.h"

// ---- create ----------------------------------------------------------------

static int read_options(weir_frontier *frontier,
                        const weir_frontier_options *options) {
    weir_frontier_options *given = &frontier->options;
    if (options == NULL)
        return -EINVAL;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (given->pool == NULL || given->visit == NULL ||
        given->attempts_max == 0 || given->attempts_max > UINT16_MAX ||
        given->backoff_ns < 0 || given->backoff_max_ns < 0 ||
        given->deadline_ns < 0 || (unsigned)given->policy > 1 ||
        (unsigned)given->engine > WEIR_FRONTIER_OWNER ||
        (given->no_edges && given->policy == WEIR_FRONTIER_FIRST))
        return -EINVAL;
    frontier->pool = given->pool;
    frontier->deterministic = frontier->pool->deterministic;
    frontier->owned = given->engine == WEIR_FRONTIER_OWNER;
    frontier->edges = given->no_edges == 0;
    frontier->places = weir_pool_index_limit(frontier->pool);
    if (given->name == NULL)
        given->name = "frontier";
    return 0;
}

static void init_places(weir_frontier *frontier) {
    for (unsigned i = 0; i <= frontier->places; i++) {
        wr_place *place = &frontier->place[i];
        wr_mutex_init(&place->lock);
        wr_items_init(&place->list);
    }
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        wr_class *c = &frontier->visit_class[i];
        wr_mutex_init(&c->lock);
        c->cap = frontier->options.caps[i];
        c->capped = c->cap > 0;
        frontier->classes += c->capped;
        wr_items_init(&c->demand);
        wr_items_init(&c->prefetch);
    }
}

static int make_parts(weir_frontier *frontier) {
    frontier->place = wr_aligned_alloc(
        WR_CACHE_LINE, (frontier->places + 1) * sizeof(*frontier->place));
    frontier->runner = wr_calloc(frontier->places, sizeof(*frontier->runner));
    if (frontier->place == NULL || frontier->runner == NULL)
        return -ENOMEM;
    wr_keys_init(frontier);
    init_places(frontier);
    wr_mutex_init(&frontier->lock);
    wr_mutex_init(&frontier->outside_lock);
    wr_mutex_init(&frontier->chunk_lock);
    wr_mutex_init(&frontier->mail_lock);
    wr_mutex_init(&frontier->result_lock);
    wr_list_init(&frontier->later);
    wr_list_init(&frontier->pauses);
    frontier->failed = frontier->deferred = WR_NOBODY;
    wr_atomic_init(&frontier->outstanding, 1); // until it is closed
    wr_refs_init(&frontier->parts, 2);         // the work, and create
    wr_refs_init(&frontier->last, 1);          // the call of done
    weir_event_init(&frontier->ended, frontier->pool, 1);
    weir_event_init(&frontier->never, frontier->pool, 1);
    return 0;
}

// The pool is stopping, and some jobs may wait already: they end by that.
static int give_up(weir_frontier *frontier, int error) {
    frontier->options.done = NULL;
    wr_end_early(frontier, error);
    wr_end_drop(frontier);
    int ended = weir_event_wait(&frontier->ended, WEIR_FOREVER, NULL);
    wr_assert(ended == 0);
    wr_end_empty(frontier);
    wr_free(frontier);
    return error;
}

int weir_frontier_create(weir_frontier **out,
                         const weir_frontier_options *options) {
    if (options != NULL && options->pool != NULL &&
        wr_pool_forked(options->pool))
        return -ECHILD;
    weir_frontier *frontier =
        wr_aligned_alloc(WR_CACHE_LINE, sizeof(*frontier));
    if (frontier == NULL)
        return -ENOMEM;
    int error = read_options(frontier, options);
    if (error == 0)
        error = make_parts(frontier);
    if (error != 0) {
        wr_free(frontier->place);
        wr_free(frontier->runner);
        wr_free(frontier);
        return error;
    }
    error = wr_owner_init(frontier);
    if (error == 0)
        error = wr_runner_init(frontier);
    // Last: its deadline may be over already.
    if (error == 0)
        error = wr_end_watch(frontier);
    // Until here nothing has called done: create has a part.
    if (error == 0 && wr_frontier_told(frontier) == -ESHUTDOWN)
        error = -ESHUTDOWN;
    if (error != 0)
        return give_up(frontier, error);
    *out = frontier;
    wr_end_drop(frontier);
    return 0;
}

void wr_end_empty(weir_frontier *frontier) {
    wr_keys_fini(frontier);
    wr_result_fini(frontier);
    for (unsigned i = 0; i <= frontier->places; i++) {
        wr_place *place = &frontier->place[i];
        wr_free(place->spare);
        wr_mutex_fini(&place->lock);
    }
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++)
        wr_mutex_fini(&frontier->visit_class[i].lock);
    wr_mutex_fini(&frontier->outside_lock);
    wr_mutex_fini(&frontier->chunk_lock);
    wr_mutex_fini(&frontier->mail_lock);
    wr_mutex_fini(&frontier->result_lock);
    wr_free(frontier->place);
    wr_free(frontier->runner);
}

// ---- seeds -----------------------------------------------------------------

int weir_frontier_seed(weir_frontier *frontier, const weir_key *key) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    if (!wr_key_good(key))
        return -EINVAL;
    wr_mutex_lock(&frontier->lock);
    bool closed = frontier->closed;
    if (!closed)
        wr_end_count(frontier, 1); // for this call
    wr_mutex_unlock(&frontier->lock);
    if (closed)
        return -ESHUTDOWN;
    size_t wake = 0;
    wr_mutex_lock(&frontier->outside_lock);
    int error = wr_visit_find(frontier, &frontier->place[frontier->places],
                              WR_NOBODY, &frontier->seeds, key, 1, &wake);
    wr_mutex_unlock(&frontier->outside_lock);
    wr_visit_found(frontier, wake);
    wr_end_uncount(frontier, 1);
    return error;
}

void weir_frontier_close(weir_frontier *frontier) {
    if (wr_frontier_forked(frontier))
        return;
    wr_mutex_lock(&frontier->lock);
    bool closed = frontier->closed;
    frontier->closed = true;
    wr_mutex_unlock(&frontier->lock);
    if (!closed)
        wr_end_uncount(frontier, 1);
}

int weir_frontier_set_cap(weir_frontier *frontier, unsigned visit_class,
                          unsigned cap) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    if (visit_class >= WEIR_FRONTIER_CLASSES || cap == 0 ||
        !frontier->visit_class[visit_class].capped)
        return -EINVAL;
    wr_ready_set_cap(frontier, visit_class, cap);
    return 0;
}

// ---- figures ---------------------------------------------------------------

static uint64_t cell(wr_atomic_u64 *figure) {
    return wr_load(figure, relaxed, ALONE, "a figure");
}

static void sum_place(weir_frontier_counts *now, wr_cells *cells) {
    now->adds += cell(&cells->adds);
    now->duplicates += cell(&cells->duplicates);
    now->done += cell(&cells->done);
    now->failed += cell(&cells->failed);
    now->cancelled += cell(&cells->cancelled);
    now->attempts += cell(&cells->attempts);
    now->retries += cell(&cells->retries);
    now->bytes += cell(&cells->bytes);
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        now->in_flight[i] += cell(&cells->begun[i]);
        now->in_flight[i] -= cell(&cells->ended[i]);
    }
}

int weir_frontier_count(weir_frontier *frontier, weir_frontier_counts *counts) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    weir_frontier_counts now = {.size = sizeof(now)};
    for (unsigned i = 0; i <= frontier->places; i++)
        sum_place(&now, &frontier->place[i].cells);
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        wr_class *c = &frontier->visit_class[i];
        if ((int64_t)now.in_flight[i] < 0)
            now.in_flight[i] = 0; // begun and ended were not read at once
        now.queued += wr_ready_class_queued(c, &now.in_flight_max[i]);
    }
    for (unsigned i = 0; i <= frontier->places; i++)
        now.queued += wr_ready_place_queued(&frontier->place[i]);
    wr_mutex_lock(&frontier->lock);
    now.waiting = frontier->pausing;
    wr_mutex_unlock(&frontier->lock);
    now.bytes += wr_keys_bytes(frontier, &now.items);
    return wr_out_copy(counts, &now, sizeof(now));
}
