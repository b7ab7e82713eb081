// SPDX-License-Identifier: MIT
// Stopping: what is open ends, and whoever stops waits for it.
#include "base/fault.h"
#include "base/options.h"
#include "cache/internal.h"

// The next flight that has not been told of this mode, held if it is to end, or
// NULL. Those that were told stand at the end of the list. _locked.
static weir_flight *next_to_tell(weir_cache *cache, weir_stop_mode *told,
                                 bool *ends) {
    weir_stop_mode mode = *told = cache->mode; // maybe harder by now
    if (mode == WEIR_STOP_DRAIN || wr_list_empty(&cache->flights))
        return NULL;
    weir_flight *flight =
        wr_container_of(cache->flights.next, weir_flight, open);
    if (flight->stopped >= (unsigned)mode)
        return NULL;
    flight->stopped = (unsigned)mode;
    wr_list_remove(&flight->open);
    wr_list_push_back(&cache->flights, &flight->open);
    // One without parts is being finished.
    *ends = flight->parts > 0 && (mode == WEIR_STOP_ABORT || !flight->began);
    if (!*ends)
        return flight;
    wr_flight_hold(flight);
    flight->barred = true;
    // Nobody finds it any more: what it still makes is not published.
    wr_flight_supersede(cache, flight);
    if (mode == WEIR_STOP_ABORT)
        wr_flight_tell(flight, -ESHUTDOWN);
    return flight;
}

static void end_flights(weir_cache *cache) {
    for (;;) {
        weir_stop_mode mode;
        bool ends = false;
        wr_cache_lock(cache);
        weir_flight *flight = next_to_tell(cache, &mode, &ends);
        wr_cache_unlock(cache);
        if (flight == NULL)
            return;
        if (!ends)
            continue;
        (void)weir_cancel(cache->pool, &flight->job);
        if (mode == WEIR_STOP_ABORT)
            wr_flight_land(flight, -ESHUTDOWN, NULL, false);
        wr_flight_notify(flight);
        wr_flight_unhold(flight, false);
    }
}

// Waits until nothing is outstanding.
static int wait_quiet(weir_cache *cache, int64_t deadline_ns) {
    wr_cache_stopper own = {.link = {NULL, NULL}};
    weir_event_init(&own.quiet, cache->pool, 1);
    wr_cache_lock(cache);
    bool wait = cache->outstanding > 0;
    if (wait)
        wr_list_push_back(&cache->stoppers, &own.link);
    wr_cache_unlock(cache);
    if (!wait)
        return 0;
    int error = weir_event_wait(&own.quiet, deadline_ns, NULL);
    if (error == 0)
        return 0;
    wr_cache_lock(cache);
    bool fired = own.taken;
    if (!fired)
        wr_list_remove(&own.link);
    wr_cache_unlock(cache);
    // Whoever took it off the list is about to fire.
    return fired ? weir_event_wait(&own.quiet, WEIR_FOREVER, NULL) : error;
}

int weir_cache_stop(weir_cache *cache, weir_stop_mode mode, int64_t deadline_ns,
                    weir_cache_counts *counts) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    weir_cache_counts none = {.size = sizeof(none)};
    if (mode < WEIR_STOP_DRAIN || mode > WEIR_STOP_ABORT ||
        (counts != NULL && counts->size < sizeof(counts->size)))
        return -EINVAL;
    const weir_worker *self = wr_worker_current();
    if (self != NULL && self->pool == cache->pool)
        return -EDEADLK;
    wr_cache_lock(cache);
    if (!cache->stopping || cache->mode < mode)
        cache->mode = mode;
    cache->stopping = true;
    wr_cache_unlock(cache);
    end_flights(cache);
    int error = wait_quiet(cache, deadline_ns);
    if (error == 0) {
        wr_cache_lock(cache);
        cache->stopped = true;
        wr_cache_unlock(cache);
        (void)wr_cache_remove_all(cache, WEIR_REMOVED_STOPPED);
    }
    (void)weir_cache_count(cache, counts != NULL ? counts : &none);
    return error;
}

void weir_cache_destroy(weir_cache *cache) {
    if (cache == NULL || wr_cache_forked(cache))
        return;
    int error = weir_cache_stop(cache, WEIR_STOP_ABORT, WEIR_FOREVER, NULL);
    wr_check(error != -EDEADLK,
             "a cache is destroyed on a worker of its pool, or with a load "
             "that nothing will end");
    wr_assert(error == 0);
    wr_cache_table_fini(cache);
    wr_mutex_fini(&cache->lock);
    wr_core_drop(cache->core);
    wr_free(cache);
}
