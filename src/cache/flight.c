// SPDX-License-Identifier: MIT
// Flights: one load of one key. README.md has the protocol: started, landed,
// finished.
#include "base/fault.h"
#include "cache/internal.h"

static weir_flight *flight_of(weir_job *job) {
    return wr_container_of(job, weir_flight, job);
}

// ---- references ------------------------------------------------------------

weir_flight *wr_flight_keep(weir_flight *flight) {
    wr_refs_add(&flight->refs, 1);
    return flight;
}

void wr_flight_discard(weir_flight *flight) {
    wr_entry_discard(flight->entry);
    wr_node_drop(flight->node);
    wr_free(flight);
}

void wr_flight_drop(weir_flight *flight) {
    if (!wr_refs_drop(&flight->refs, 1))
        return;
    weir_entry_release(flight->entry);
    wr_node_drop(flight->node);
    wr_free(flight);
}

// ---- the end of a load -----------------------------------------------------

// Nobody will call on it any more. The cache may be gone afterwards.
static void finish(weir_flight *flight) {
    weir_cache *cache = flight->cache;
    if (flight->holds && flight->argument != NULL &&
        cache->options.drop != NULL)
        cache->options.drop(cache->options.context, flight->argument);
    wr_cache_lock(cache);
    while (wr_list_pop_front(&flight->waits) != NULL)
        continue; // what its load asked for is still asked for
    wr_list_remove(&flight->open);
    wr_cache_unlock(cache);
    wr_flight_drop(flight);
    wr_cache_lock(cache);
    wr_cache_leave(cache);
}

static int late_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void late_done(weir_job *job, int status) {
    (void)status;
    finish(wr_container_of(job, weir_flight, late));
}

void wr_flight_hold(weir_flight *flight) { flight->parts++; }

// Has a worker finish it, without a switch point: the caller may hold a lock
// that the next wants. False: the pool is stopping.
static bool finish_later(weir_flight *flight) {
    weir_pool *pool = flight->cache->pool;
    void *captured = wr_job_capture(pool);
    wr_pool_lock(pool);
    int error = wr_job_submit(pool, &flight->late, captured);
    if (error == 0)
        wr_pool_notify(pool);
    wr_pool_unlock(pool);
    if (error != 0)
        wr_job_release(pool, captured);
    return error == 0;
}

void wr_flight_unhold(weir_flight *flight, bool late) {
    weir_cache *cache = flight->cache;
    wr_cache_lock(cache);
    bool last = --flight->parts == 0;
    if (late)
        wr_mutex_unlock(&cache->lock); // no switch point either
    else
        wr_cache_unlock(cache);
    if (last && (!late || !finish_later(flight)))
        finish(flight);
}

// ---- landing ---------------------------------------------------------------

static int64_t keep_for(const weir_flight *flight, int status,
                        const weir_result *result) {
    const weir_cache *cache = flight->cache;
    // Only what a load came to by itself is remembered.
    if (status != 0 && (!flight->began || flight->barred ||
                        weir_flight_cancelled(flight) != 0))
        return -1;
    int64_t given = result != NULL ? result->ttl_ns : 0;
    if (given != 0)
        return given;
    if (status != 0)
        return cache->options.failure_ttl_ns > 0 ? cache->options.failure_ttl_ns
                                                 : -1;
    return cache->options.ttl_ns > 0 ? cache->options.ttl_ns : WEIR_FOREVER;
}

static void count_landing(weir_cache *cache, const weir_flight *flight,
                          int status, bool current) {
    weir_cache_counts *counts = &cache->counts;
    bool told = wr_load(&flight->told, relaxed, ALONE, "a figure") != 0 ||
                (status != 0 && weir_flight_cancelled(flight) != 0);
    if (told || !flight->began)
        counts->abandoned++;
    else if (status != 0)
        counts->failed++;
    else
        counts->loaded++;
    if (!current && !told && flight->began)
        counts->stale++;
    uint64_t took = (uint64_t)(wr_now_ns() - flight->started_ns);
    counts->load_total_ns += took;
    if (took > counts->load_max_ns)
        counts->load_max_ns = took;
}

void wr_flight_land(weir_flight *flight, int status, const weir_result *result,
                    bool over) {
    weir_cache *cache = flight->cache;
    wr_trash trash;
    wr_trash_init(&trash);
    weir_entry *idle = NULL; // an entry nobody needs
    wr_cache_lock(cache);
    // Before anybody is told: who asks next is not in the way of his last.
    if (over && !flight->over)
        cache->counts.loading--;
    flight->over = flight->over || over;
    if (flight->landed) {
        wr_cache_unlock(cache);
        wr_core_release(cache->core, result);
        return;
    }
    uint32_t told = wr_load(&flight->told, relaxed, ALONE, "under the lock");
    if (status != 0 && told != 0)
        status = -(int)told; // why it was told to end, not what it made of it
    flight->landed = true;
    flight->status = status;
    weir_entry *entry = flight->entry;
    wr_cache_node *node = flight->node;
    wr_entry_fill(entry, status, result);
    bool current = node->flight == flight;
    count_landing(cache, flight, status, current);
    if (current) {
        node->flight = NULL;
        wr_keep_publish(cache, entry, keep_for(flight, status, result), &trash);
        wr_cache_table_settle(cache, node);
    }
    if (status != 0 && entry->value == NULL) {
        flight->entry = NULL;
        idle = entry;
    }
    wr_cache_unlock(cache);
    (void)weir_event_fire(&flight->landing, 0);
    wr_trash_empty(cache, &trash);
    weir_entry_release(idle);
}

void wr_flight_supersede(weir_cache *cache, weir_flight *flight) {
    wr_cache_node *node = flight->node;
    if (node->flight != flight)
        return;
    node->flight = NULL;
    wr_cache_table_settle(cache, node);
}

void wr_flight_tell(weir_flight *flight, int why) {
    uint32_t told = wr_load(&flight->told, relaxed, ALONE, "under the lock");
    if (told == 0)
        wr_store(&flight->told, (uint32_t)-why, relaxed, ALONE,
                 "a word on its own");
}

void wr_flight_notify(weir_flight *flight) {
    weir_cache *cache = flight->cache;
    uint32_t told = wr_load(&flight->told, relaxed, ALONE, "looked at again");
    if (told == 0 || cache->options.cancelled == NULL)
        return;
    wr_cache_lock(cache);
    bool due = flight->later && !flight->ending && !flight->notified;
    if (due) {
        flight->notified = true;
        wr_flight_hold(flight);
    }
    wr_cache_unlock(cache);
    if (!due)
        return;
    cache->options.cancelled(cache->options.context, flight, -(int)told);
    wr_flight_unhold(flight, false);
}

// ---- the load --------------------------------------------------------------

static int load_run(weir_worker *self, weir_job *job) {
    weir_flight *flight = flight_of(job);
    weir_cache *cache = flight->cache;
    wr_cache_lock(cache);
    flight->began = !flight->barred;
    wr_cache_unlock(cache);
    if (!flight->began) {
        flight->returned = -ESHUTDOWN;
        wr_flight_land(flight, -ESHUTDOWN, NULL, true);
        return -ESHUTDOWN;
    }
    int status = cache->options.load(cache->options.context, self, flight,
                                     &flight->result);
    wr_check(status <= 0 || status == WEIR_LOAD_LATER,
             "a load returned neither 0, an error nor WEIR_LOAD_LATER");
    // With LATER the flight may have been ended by now; not finished, for its
    // job is not over.
    flight->returned = status;
    if (status == WEIR_LOAD_LATER) {
        wr_cache_lock(cache);
        flight->later = true;
        wr_cache_unlock(cache);
        wr_flight_notify(flight);
        return 0;
    }
    wr_flight_land(flight, status, &flight->result, true);
    return status;
}

static void load_done(weir_job *job, int status) {
    weir_flight *flight = flight_of(job);
    weir_cache *cache = flight->cache;
    bool ran = weir_job_ran(job) != 0;
    if (!ran) {
        wr_cache_lock(cache);
        uint32_t told =
            wr_load(&flight->told, relaxed, ALONE, "under the lock");
        if (told != 0)
            status = -(int)told;
        else if (flight->barred)
            status = -ESHUTDOWN;
        wr_cache_unlock(cache);
        wr_flight_land(flight, status, NULL, true);
    }
    if (!ran || flight->returned != WEIR_LOAD_LATER) {
        wr_cache_lock(cache);
        bool ended = flight->ending;
        flight->ending = true;
        flight->parts--;
        wr_cache_unlock(cache);
        wr_check(!ended, "a flight was ended by its load's return and by "
                         "weir_flight_end");
    }
    wr_flight_unhold(flight, false);
}

void weir_flight_end(weir_flight *flight, int status,
                     const weir_result *result) {
    weir_cache *cache = flight->cache;
    if (wr_cache_forked(cache))
        return;
    wr_check(status <= 0, "a flight is ended with a positive status");
    wr_check(status != 0 || result != NULL,
             "a flight is ended with 0 and no result");
    wr_cache_lock(cache);
    bool again = flight->ending;
    flight->ending = true;
    wr_cache_unlock(cache);
    wr_check(!again, "a flight was ended twice");
    wr_flight_land(flight, status, result, true);
    wr_flight_unhold(flight, false);
}

const void *weir_flight_key(const weir_flight *flight, size_t *size) {
    if (size != NULL)
        *size = flight->node->key_size;
    return flight->node->key;
}

void *weir_flight_argument(const weir_flight *flight) {
    return flight->argument;
}

int weir_flight_cancelled(const weir_flight *flight) {
    weir_flight *own = (weir_flight *)(uintptr_t)flight;
    uint32_t told = wr_load(&own->told, relaxed, ALONE, "a hint");
    if (told != 0)
        return -(int)told;
    return wr_load(&flight->cache->pool->abort, relaxed, ALONE, "a hint") != 0
               ? -ESHUTDOWN
               : 0;
}

// ---- too long --------------------------------------------------------------

static int watch_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0; // it has landed
}

static void watch_done(weir_job *job, int status) {
    weir_flight *flight = wr_container_of(job, weir_flight, watch);
    weir_cache *cache = flight->cache;
    if (!weir_job_ran(job) && status == -ETIMEDOUT) {
        wr_cache_lock(cache);
        wr_flight_supersede(cache, flight);
        wr_flight_tell(flight, -ETIMEDOUT);
        wr_cache_unlock(cache);
        wr_flight_land(flight, -ETIMEDOUT, NULL, false);
        (void)weir_cancel(cache->pool, &flight->job);
        wr_flight_notify(flight);
    }
    wr_flight_drop(flight);
    wr_cache_lock(cache);
    wr_cache_leave(cache);
}

static void watch_start(weir_flight *flight) {
    weir_cache *cache = flight->cache;
    int64_t most = cache->options.load_ns;
    int64_t now_ns =
        cache->deterministic ? cache->pool->virtual_now_ns : flight->started_ns;
    flight->watch.deadline_ns =
        most > WEIR_FOREVER - now_ns ? WEIR_FOREVER : now_ns + most;
    flight->watch.name = cache->name;
    if (weir_event_attach(&flight->landing, NULL, &flight->watch) == 0)
        return;
    // The pool stops: it ends the flight, or lets it run to its end.
    wr_flight_drop(flight);
    wr_cache_lock(cache);
    wr_cache_leave(cache);
}

// ---- starting --------------------------------------------------------------

weir_flight *wr_flight_create(weir_cache *cache, wr_cache_node *node) {
    weir_flight *flight = wr_calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    flight->entry = wr_entry_create(cache, node);
    if (flight->entry == NULL) {
        wr_free(flight);
        return NULL;
    }
    flight->job = (weir_job)WEIR_JOB_INIT(load_run, load_done);
    flight->job.name = cache->name;
    flight->watch = (weir_job)WEIR_JOB_INIT(watch_run, watch_done);
    flight->late = (weir_job)WEIR_JOB_INIT(late_run, late_done);
    flight->parts = 2; // the job, and what it began
    weir_event_init(&flight->landing, cache->pool, 1);
    flight->cache = cache;
    flight->node = wr_node_keep(node);
    wr_refs_init(&flight->refs, 1);
    wr_atomic_init(&flight->told, 0);
    wr_list_init(&flight->waits);
    return flight;
}

void wr_flight_publish(weir_cache *cache, weir_flight *flight, void *argument) {
    flight->argument = argument;
    flight->holds = true;
    flight->started_ns = wr_now_ns();
    flight->node->flight = flight;
    wr_list_push_back(&cache->flights, &flight->open);
    cache->counts.flights++;
    cache->counts.loading++;
    cache->outstanding++;
    if (cache->options.load_ns > 0) {
        cache->outstanding++;
        wr_flight_keep(flight);
    }
}

int wr_flight_launch(weir_flight *flight, int32_t priority) {
    weir_cache *cache = flight->cache;
    bool watched = cache->options.load_ns > 0;
    wr_flight_keep(flight);
    flight->job.priority = priority;
    int error = weir_submit(cache->pool, &flight->job);
    if (watched)
        watch_start(flight);
    if (error != 0) {
        wr_flight_land(flight, error, NULL, true);
        flight->holds = false;
        wr_cache_lock(cache);
        flight->ending = true;
        flight->parts--;
        wr_cache_unlock(cache);
        wr_flight_unhold(flight, false);
    }
    wr_flight_drop(flight);
    return error;
}

// ---- waiters ---------------------------------------------------------------

void wr_flight_join(weir_flight *flight, wr_get *get) {
    wr_flight_keep(flight);
    flight->waiting++;
    flight->cache->counts.waiting++;
    get->cache = flight->cache;
    get->flight = flight;
    get->edge = (wr_link){NULL, NULL};
    get->left = false;
}

bool wr_flight_unwait(wr_get *get) {
    weir_flight *flight = get->flight;
    weir_cache *cache = get->cache;
    if (get->left)
        return false;
    get->left = true;
    if (wr_link_linked(&get->edge))
        wr_list_remove(&get->edge);
    cache->counts.waiting--;
    if (--flight->waiting > 0 || flight->landed || flight->kept_alive ||
        cache->options.cancel_unwanted == 0)
        return false;
    wr_flight_supersede(cache, flight);
    wr_flight_tell(flight, -ECANCELED);
    return true;
}

void wr_flight_leave(wr_get *get) {
    weir_flight *flight = get->flight;
    weir_cache *cache = get->cache;
    wr_cache_lock(cache);
    bool unwanted = wr_flight_unwait(get);
    wr_cache_unlock(cache);
    if (unwanted)
        (void)weir_cancel(cache->pool, &flight->job);
    wr_flight_notify(flight);
    wr_flight_drop(flight);
}

bool wr_flight_reaches(weir_cache *cache, weir_flight *from,
                       const weir_flight *to) {
    uint64_t visit = ++cache->visits;
    weir_flight *todo = from;
    from->next = NULL;
    from->visit = visit;
    while (todo != NULL) {
        weir_flight *flight = todo;
        todo = flight->next;
        if (flight->landed)
            continue; // it keeps nobody waiting, whatever its load still does
        if (flight == to)
            return true;
        for (wr_link *link = flight->waits.next; link != &flight->waits;
             link = link->next) {
            weir_flight *other = wr_container_of(link, wr_get, edge)->flight;
            if (other->visit == visit)
                continue;
            other->visit = visit;
            other->next = todo;
            todo = other;
        }
    }
    return false;
}
