// SPDX-License-Identifier: MIT
// Asking: a hit, a get that joins a flight, a get that starts one.
#include "base/fault.h"
#include "cache/internal.h"

// ---- a pending get ---------------------------------------------------------

static wr_get *get_of(weir_job *job) {
    return wr_container_of(job, wr_get, job);
}

// The flight has landed, and the caller has joined it.
static void answer(weir_get *get, const weir_flight *flight) {
    get->status = flight->status;
    get->answered = 1;
    get->entry = flight->entry != NULL ? weir_entry_keep(flight->entry) : NULL;
}

static int get_run(weir_worker *self, weir_job *job) {
    wr_get *own = get_of(job);
    weir_get *get = wr_get_public(own);
    answer(get, own->flight);
    wr_flight_leave(own);
    return get->run != NULL ? get->run(self, get) : get->status;
}

static void get_done(weir_job *job, int status) {
    wr_get *own = get_of(job);
    weir_get *get = wr_get_public(own);
    weir_cache *cache = own->cache;
    if (!weir_job_ran(job)) {
        if (status != -ESHUTDOWN) {
            wr_cache_lock(cache);
            cache->counts.left++;
            wr_cache_unlock(cache);
        }
        wr_flight_leave(own);
        get->status = status;
    }
    wr_store(&own->pending, 0, relaxed, ALONE, "a check of the caller's rules");
    if (get->done != NULL)
        get->done(get, status);
    wr_cache_lock(cache);
    wr_cache_leave(cache);
}

// ---- looking ---------------------------------------------------------------

bool wr_cache_refuses(const weir_cache *cache, const weir_flight *from) {
    return cache->stopping && (cache->mode != WEIR_STOP_DRAIN || from == NULL);
}

// Gives a kept entry that has not expired; one that has goes. _locked.
static weir_entry *look(weir_cache *cache, wr_cache_node *node,
                        wr_trash *trash) {
    weir_entry *entry = node->entry;
    if (entry == NULL)
        return NULL;
    if (cache->timed) {
        int64_t now_ns = wr_cache_now(cache);
        if (wr_keep_expired(cache, entry, now_ns)) {
            wr_keep_remove(cache, entry, WEIR_REMOVED_EXPIRED, trash);
            return NULL;
        }
        entry->used_ns = now_ns;
    }
    if (!entry->used)
        entry->used = true;
    return entry;
}

typedef struct question {
    weir_cache *cache;
    weir_get *get;
    uint64_t hash;
    bool joins; // it will want the outcome
    bool waits; // on this thread
    // What a new flight needs, if it came to that.
    weir_flight *spare;
    // The answer.
    weir_flight *flight; // with a reference, or NULL: get has the answer
    bool leads;
    wr_trash trash;
} question;

static bool may_wait(const weir_cache *cache);

static void hit(weir_cache *cache, weir_entry *entry, int32_t *status,
                weir_entry **out) {
    if (entry->status == 0)
        cache->counts.hits++;
    else
        cache->counts.failed_hits++;
    *status = entry->status;
    bool empty = entry->status != 0 && entry->value == NULL;
    if (!empty)
        entry->lent++;
    *out = empty ? NULL : entry;
}

// The usual case, alone: a hit, and nothing that could have expired. _locked.
static inline bool quick_hit(weir_cache *cache, uint64_t hash, const void *key,
                             size_t key_size, int32_t *status,
                             weir_entry **out) {
    const wr_cache_table *table = &cache->table;
    const wr_cache_node *node = wr_bucket_find(
        table->bucket[wr_cache_table_slot(table, hash)], hash, key, key_size);
    if (node == NULL || node->entry == NULL || cache->timed ||
        node->entry->status != 0)
        return false;
    weir_entry *entry = node->entry;
    if (!entry->used)
        entry->used = true;
    cache->counts.hits++;
    entry->lent++;
    *status = 0;
    *out = entry;
    return true;
}

static void join(question *ask, weir_flight *flight) {
    ask->flight = wr_flight_keep(flight);
    // The call itself counts, so that the cache outlives it.
    ask->cache->outstanding++;
    if (!ask->joins) {
        flight->kept_alive = true;
        return;
    }
    wr_get *own = wr_get_of(ask->get);
    wr_flight_join(flight, own);
    if (ask->get->from != NULL)
        wr_list_push_back(&ask->get->from->waits, &own->edge);
}

// May a get that finds no answer go on?
static int may_go_on(const question *ask) {
    const weir_get *get = ask->get;
    if (ask->waits && !may_wait(ask->cache))
        return -EDEADLK;
    return ask->joins && wr_deadline_passed(ask->cache->pool, get->deadline_ns)
               ? -ETIMEDOUT
               : 0;
}

static int may_start(const question *ask) {
    const weir_cache *cache = ask->cache;
    size_t most = cache->options.flights_max;
    return most > 0 && ask->get->from == NULL && cache->counts.loading >= most
               ? -EAGAIN
               : 0;
}

static void start(question *ask) {
    weir_cache *cache = ask->cache;
    weir_flight *flight = ask->spare;
    ask->spare = NULL;
    wr_cache_table_add(cache, wr_node_keep(flight->node));
    wr_flight_publish(cache, flight, ask->get->argument);
    cache->counts.misses += ask->joins;
    ask->leads = true;
    ask->get->leads = 1;
    join(ask, flight);
}

// Answers under the lock if it can. Returns WR_ASK_SPARE if it needs a spare.
enum { WR_ASK_SPARE = 1 };
static int settle(question *ask) {
    weir_cache *cache = ask->cache;
    weir_get *get = ask->get;
    if (wr_cache_refuses(cache, ask->joins ? get->from : NULL))
        return -ESHUTDOWN;
    wr_cache_node *node =
        wr_cache_table_find(cache, ask->hash, get->key, get->key_size);
    weir_entry *entry = node != NULL ? look(cache, node, &ask->trash) : NULL;
    if (entry != NULL) {
        if (ask->joins) {
            hit(cache, entry, &get->status, &get->entry);
            get->answered = 1;
        }
        return 0;
    }
    weir_flight *flight = node != NULL ? node->flight : NULL;
    if (node != NULL)
        wr_cache_table_settle(cache, node); // its entry may have expired
    int error = may_go_on(ask);
    if (error == 0 && flight != NULL && ask->joins && get->from != NULL &&
        wr_flight_reaches(cache, flight, get->from))
        error = -EDEADLK;
    if (error == 0 && flight == NULL)
        error = may_start(ask);
    if (error != 0)
        return error;
    if (flight == NULL && ask->spare == NULL)
        return WR_ASK_SPARE;
    if (flight == NULL) {
        start(ask);
    } else {
        cache->counts.coalesced += ask->joins;
        join(ask, flight);
    }
    return 0;
}

// ask->flight with ask->trash, and for a hit the get's answer, are the caller's
// to see to.
static int put_question(question *ask) {
    weir_cache *cache = ask->cache;
    weir_get *get = ask->get;
    wr_check(get->from == NULL || get->from->cache == cache,
             "get.from is a flight of another cache");
    ask->hash = wr_hash(&cache->seed, get->key, get->key_size);
    get->leads = 0;
    get->answered = 0;
    get->entry = NULL;
    wr_cache_lock(cache);
    if (ask->joins && !cache->stopping &&
        quick_hit(cache, ask->hash, get->key, get->key_size, &get->status,
                  &get->entry)) {
        wr_cache_unlock(cache);
        get->answered = 1;
        return 0;
    }
    wr_trash_init(&ask->trash);
    int error = settle(ask);
    wr_cache_unlock(cache);
    if (error == WR_ASK_SPARE) {
        // Allocated without the lock: somebody may have been faster meanwhile.
        wr_cache_node *node =
            wr_node_create(ask->hash, get->key, get->key_size);
        ask->spare = node != NULL ? wr_flight_create(cache, node) : NULL;
        if (node != NULL)
            wr_node_drop(node);
        error = -ENOMEM;
        if (ask->spare != NULL) {
            wr_cache_lock(cache);
            error = settle(ask);
            wr_cache_unlock(cache);
            if (ask->spare != NULL)
                wr_flight_discard(ask->spare);
        }
    }
    // With a flight to launch, what has expired waits until that is under way.
    if (ask->flight == NULL)
        wr_trash_empty(cache, &ask->trash);
    return error;
}

static int check(const weir_cache *cache, weir_get *get) {
    get->leads = 0;
    if (wr_cache_forked(cache))
        return -ECHILD;
    if (get->key_size > UINT32_MAX || (get->key == NULL && get->key_size > 0))
        return -EINVAL;
    wr_check(wr_load(&wr_get_of(get)->pending, relaxed, ALONE,
                     "a check of the caller's rules") == 0,
             "a get is asked that is pending");
    return 0;
}

// ---- get -------------------------------------------------------------------

static int launch(const question *ask) {
    if (!ask->leads)
        return 0;
    int error = wr_flight_launch(ask->flight, ask->get->priority);
    if (error != 0)
        ask->get->leads = 0;
    return error;
}

// A get that had joined is refused after all. _locked.
static void uncount(const question *ask) {
    if (ask->leads)
        ask->cache->counts.misses--;
    else
        ask->cache->counts.coalesced--;
}

// The call is over: what `join` counted for it.
static void call_over(question *ask) {
    weir_cache *cache = ask->cache;
    wr_trash_empty(cache, &ask->trash);
    wr_flight_drop(ask->flight);
    wr_cache_lock(cache);
    wr_cache_leave(cache);
}

// It has joined ask->flight; the outcome comes as a job.
static int attach(question *ask) {
    weir_cache *cache = ask->cache;
    weir_get *get = ask->get;
    wr_get *own = wr_get_of(get);
    weir_flight *flight = ask->flight;
    int32_t priority = get->priority;
    own->job = (weir_job)WEIR_JOB_INIT(get_run, get_done);
    own->job.name = cache->name;
    own->job.deadline_ns = get->deadline_ns;
    own->job.priority = priority;
    wr_store(&own->pending, 1, relaxed, ALONE, "a check of the caller's rules");
    wr_cache_lock(cache);
    cache->outstanding++; // the get
    wr_cache_unlock(cache);
    // The load first: once it is attached the get may be gone.
    int error = launch(ask);
    if (error == 0)
        error = weir_event_attach(&flight->landing, NULL, &own->job);
    if (error != 0) {
        wr_store(&own->pending, 0, relaxed, ALONE,
                 "a check of the caller's rules");
        wr_flight_leave(own);
        wr_cache_lock(cache);
        uncount(ask);
        wr_cache_leave(cache);
    }
    call_over(ask);
    return error != 0 ? error : WEIR_CACHE_PENDING;
}

int weir_cache_get(weir_cache *cache, weir_get *get) {
    int error = check(cache, get);
    if (error == 0 && get->run == NULL && get->done == NULL)
        error = -EINVAL;
    if (error != 0)
        return error;
    question ask = {.cache = cache, .get = get, .joins = true};
    error = put_question(&ask);
    return error != 0 || ask.flight == NULL ? error : attach(&ask);
}

int weir_cache_prefetch(weir_cache *cache, weir_get *get) {
    int error = check(cache, get);
    if (error != 0)
        return error;
    question ask = {.cache = cache, .get = get};
    error = put_question(&ask);
    if (error != 0 || ask.flight == NULL)
        return error;
    error = launch(&ask);
    call_over(&ask);
    return error;
}

int weir_get_cancel(weir_cache *cache, weir_get *get) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    wr_get *own = wr_get_of(get);
    int error = weir_cancel(cache->pool, &own->job);
    // Without a run it is over as soon as its job runs.
    if (error == -EBUSY && get->run == NULL)
        return -EALREADY;
    if (error != 0)
        return error;
    // done comes, but maybe late: the only worker may be inside the very load
    // that nobody wants any more. So that is told now. If done has been here
    // `left` says so, and the flight may be gone.
    weir_flight *unwanted = NULL;
    wr_cache_lock(cache);
    if (wr_flight_unwait(own)) {
        unwanted = own->flight;
        wr_flight_hold(unwanted);
    }
    wr_mutex_unlock(&cache->lock); // no switch point: see pool.h, weir_cancel
    if (unwanted != NULL) {
        (void)weir_cancel(cache->pool, &unwanted->job);
        wr_flight_unhold(unwanted, true);
    }
    return 0;
}

// ---- waiting ---------------------------------------------------------------

// A worker of the pool must not wait, except in a blocking section.
static bool may_wait(const weir_cache *cache) {
    const weir_worker *self = wr_worker_current();
    return self == NULL || self->pool != cache->pool || self->section;
}

int weir_cache_get_wait(weir_cache *cache, weir_get *get) {
    int error = check(cache, get);
    if (error != 0)
        return error;
    question ask = {.cache = cache, .get = get, .joins = true, .waits = true};
    error = put_question(&ask);
    if (error != 0 || ask.flight == NULL)
        return error;
    error = launch(&ask);
    if (error != 0) {
        wr_cache_lock(cache);
        uncount(&ask);
        wr_cache_unlock(cache);
    } else {
        wr_trash_empty(cache, &ask.trash);
        wr_trash_init(&ask.trash);
        error = weir_event_wait(
            &ask.flight->landing,
            get->deadline_ns != 0 ? get->deadline_ns : WEIR_FOREVER, NULL);
    }
    if (error == 0)
        answer(get, ask.flight);
    else if (error == -ETIMEDOUT) {
        wr_cache_lock(cache);
        cache->counts.left++;
        wr_cache_unlock(cache);
    }
    wr_flight_leave(wr_get_of(get));
    call_over(&ask);
    return error;
}

// ---- find ------------------------------------------------------------------

int weir_cache_find(weir_cache *cache, const void *key, size_t key_size,
                    int *status, weir_entry **out) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    if (key_size > UINT32_MAX || (key == NULL && key_size > 0))
        return -ENOENT;
    uint64_t hash = wr_hash(&cache->seed, key, key_size);
    wr_cache_lock(cache);
    if (quick_hit(cache, hash, key, key_size, status, out)) {
        wr_cache_unlock(cache);
        return 0;
    }
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_node *node = wr_cache_table_find(cache, hash, key, key_size);
    weir_entry *entry = node != NULL ? look(cache, node, &trash) : NULL;
    int error = 0;
    if (entry != NULL)
        hit(cache, entry, status, out);
    else
        error = node != NULL && node->flight != NULL ? -EAGAIN : -ENOENT;
    if (node != NULL)
        wr_cache_table_settle(cache, node);
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return error;
}
