// SPDX-License-Identifier: MIT
// The cache itself: made, locked, looked at.
#include "base/fault.h"
#include "base/options.h"
#include "cache/internal.h"

#include <stdio.h>

int64_t wr_cache_now(const weir_cache *cache) {
    return cache->options.clock != NULL
               ? cache->options.clock(cache->options.context)
               : wr_now_ns();
}

void wr_cache_leave(weir_cache *cache) {
    wr_link quiet;
    wr_list_init(&quiet);
    if (--cache->outstanding == 0) {
        for (wr_link *link = cache->stoppers.next; link != &cache->stoppers;
             link = link->next)
            wr_container_of(link, wr_cache_stopper, link)->taken = true;
        wr_list_splice_back(&quiet, &cache->stoppers);
    }
    wr_cache_unlock(cache);
    // A stopper that finds itself in no list waits for this.
    wr_link *link;
    while ((link = wr_list_pop_front(&quiet)) != NULL)
        (void)weir_event_fire(
            &wr_container_of(link, wr_cache_stopper, link)->quiet, 0);
}

// ---- create ----------------------------------------------------------------

static int read_options(weir_cache *cache, const weir_cache_options *options) {
    weir_cache_options *given = &cache->options;
    if (options == NULL)
        return -EINVAL;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (given->pool == NULL || given->load == NULL || given->ttl_ns < 0 ||
        given->idle_ns < 0 || given->failure_ttl_ns < 0 || given->load_ns < 0)
        return -EINVAL;
    snprintf(cache->name, sizeof(cache->name), "%s",
             given->name != NULL ? given->name : "cache");
    return 0;
}

static int make_parts(weir_cache *cache) {
    int error = wr_cache_table_init(cache);
    if (error != 0)
        return error;
    cache->core = wr_calloc(1, sizeof(*cache->core));
    if (cache->core == NULL) {
        wr_cache_table_fini(cache);
        return -ENOMEM;
    }
    wr_refs_init(&cache->core->refs, 1);
    wr_atomic_init(&cache->core->lent, 0);
    cache->core->context = cache->options.context;
    cache->core->release = cache->options.release;
    return 0;
}

int weir_cache_create(weir_cache **out, const weir_cache_options *options) {
    if (options != NULL && options->pool != NULL &&
        wr_pool_forked(options->pool))
        return -ECHILD;
    weir_cache *cache = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*cache));
    if (cache == NULL)
        return -ENOMEM;
    int error = read_options(cache, options);
    if (error == 0)
        error = make_parts(cache);
    if (error != 0) {
        wr_free(cache);
        return error;
    }
    cache->pool = cache->options.pool;
    cache->deterministic = cache->pool->deterministic;
    cache->capacity = cache->options.capacity;
    wr_entropy(&cache->seed, sizeof(cache->seed));
    wr_mutex_init(&cache->lock);
    wr_list_init(&cache->kept);
    wr_list_init(&cache->flights);
    wr_list_init(&cache->stoppers);
    *out = cache;
    return 0;
}

// ---- figures ---------------------------------------------------------------

int weir_cache_count(weir_cache *cache, weir_cache_counts *counts) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    wr_cache_lock(cache);
    weir_cache_counts now = cache->counts;
    now.bytes = cache->bytes;
    now.capacity = cache->capacity;
    now.lent_bytes = wr_load(&cache->core->lent, relaxed, ALONE, "a figure");
    int64_t oldest_ns = INT64_MAX;
    for (wr_link *link = cache->flights.next; link != &cache->flights;
         link = link->next) {
        const weir_flight *flight = wr_container_of(link, weir_flight, open);
        if (flight->over)
            continue;
        now.orphans += flight->landed;
        if (flight->started_ns < oldest_ns)
            oldest_ns = flight->started_ns;
    }
    if (oldest_ns != INT64_MAX)
        now.oldest_ns = (uint64_t)(wr_now_ns() - oldest_ns);
    wr_cache_unlock(cache);
    return wr_out_copy(counts, &now, sizeof(now));
}

const char *weir_cache_name(const weir_cache *cache) { return cache->name; }
