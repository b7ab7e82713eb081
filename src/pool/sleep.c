// SPDX-License-Identifier: MIT
// Who sleeps and who wakes. README.md, "Parking", has the protocol.
#include "pool/internal.h"

#include <limits.h>

// Forks are pushed without the pool's lock; this hint tells the forker that
// somebody sleeps and nobody is looking. It is stored before the sleeper looks
// at the deques a last time, under their locks.
static void set_hungry(weir_pool *pool) {
    bool wanted =
        pool->searching == 0 && pool->placed < pool->width && !pool->tokenless;
    uint32_t hungry = wanted ? pool->idle_count : 0;
    wr_store(&pool->hungry, hungry, relaxed, ALONE,
             "ordered by the deque locks: see README.md, Parking");
}

void wr_worker_set_state(weir_worker *worker, enum wr_worker_state state) {
    weir_pool *pool = worker->pool;
    wr_figures_state(worker, state);
    switch (worker->state) {
    case WR_SEARCHING: pool->searching--; break;
    case WR_PLACED: pool->placed--; break;
    case WR_LENT:
        pool->lent--;
        pool->seated_lent -= worker->seated;
        break;
    case WR_IDLE:
        pool->idle_count--;
        wr_list_remove(&worker->idle);
        break;
    case WR_AWAY: break;
    }
    worker->state = state;
    switch (state) {
    case WR_SEARCHING: pool->searching++; break;
    case WR_PLACED:
        pool->placed++;
        if (pool->placed > pool->counts.place_highest)
            pool->counts.place_highest = pool->placed;
        break;
    case WR_LENT:
        pool->lent++;
        pool->seated_lent += worker->seated;
        break;
    case WR_IDLE:
        pool->idle_count++;
        if (worker->index < pool->width)
            wr_list_push_front(&pool->idle, &worker->idle);
        else
            wr_list_push_back(&pool->idle, &worker->idle);
        break;
    case WR_AWAY: break;
    }
    set_hungry(pool);
    if (pool->watch_sleeps && pool->placed + pool->lent > 0) {
        pool->watch_sleeps = false;
        wr_word_wake(pool, &pool->watch);
    }
    // Whoever goes to work sees to it that somebody watches the timers.
    if (state == WR_PLACED && pool->keeper == NULL && !pool->deterministic &&
        wr_heap_first(&pool->timers) != NULL)
        wr_pool_keeper_notify(pool);
}

void wr_word_wake(weir_pool *pool, wr_atomic_u32 *word) {
    wr_fetch_add(word, 1, relaxed, ALONE,
                 "sleepers take the lock after it; the kernel compares it");
    if (pool->wakes_count < WR_WAKES_MAX)
        pool->wakes[pool->wakes_count++] = word;
    else
        wr_futex_wake(word, INT_MAX);
}

void wr_worker_wake(weir_worker *worker) {
    if (!worker->parked)
        return;
    worker->parked = false;
    worker->pool->counts.wakes++;
    worker->wakes++;
    if (worker->state == WR_IDLE)
        wr_worker_set_state(worker, WR_SEARCHING);
    wr_word_wake(worker->pool, &worker->wake);
}

// A parked worker that can take over as keeper of the timers.
static weir_worker *find_parked(weir_pool *pool) {
    if (!wr_list_empty(&pool->idle)) {
        weir_worker *worker =
            wr_container_of(pool->idle.next, weir_worker, idle);
        if (worker->parked)
            return worker;
    }
    for (unsigned i = 0; i < pool->index_limit; i++)
        if (pool->workers[i].live && pool->workers[i].parked)
            return &pool->workers[i];
    return NULL;
}

void wr_pool_keeper_notify(weir_pool *pool) {
    weir_worker *worker =
        pool->keeper != NULL ? pool->keeper : find_parked(pool);
    if (worker != NULL)
        wr_worker_wake(worker);
}

static void park_thread(weir_worker *worker, int64_t deadline_ns) {
    weir_pool *pool = worker->pool;
    uint32_t seen = wr_load(&worker->wake, relaxed, ALONE,
                            "changed under the lock, which is held");
    wr_pool_unlock(pool);
    int error = 0;
    while (error != -ETIMEDOUT &&
           wr_load(&worker->wake, relaxed, ALONE,
                   "only a change matters; the lock orders the rest") == seen)
        error = wr_futex_wait(&worker->wake, seen, deadline_ns);
    wr_pool_lock(pool);
}

void wr_worker_sleep(weir_worker *worker, int64_t deadline_ns) {
    weir_pool *pool = worker->pool;
    worker->parked = true;
    worker->sleep_until_ns = deadline_ns;
    pool->counts.parks++;
    worker->parks++;
    int64_t begin_ns = wr_trace_on(pool->options.trace) ? wr_now_ns() : 0;
    if (pool->deterministic) {
        wr_pool_unlock(pool);
        wr_determ_leave(worker);
        wr_pool_lock(pool);
        worker->parked = false;
        wr_figures_slept(worker, begin_ns);
        return;
    }
    wr_heap_node *first = wr_heap_first(&pool->timers);
    if (pool->keeper == NULL) {
        pool->keeper = worker;
        if (first != NULL && first->key < deadline_ns)
            deadline_ns = first->key;
    }
    park_thread(worker, deadline_ns);
    worker->parked = false;
    wr_figures_slept(worker, begin_ns);
    if (pool->keeper == worker) {
        // Somebody else must watch the timers while this one works.
        pool->keeper = NULL;
        if (wr_heap_first(&pool->timers) != NULL)
            wr_pool_keeper_notify(pool);
    }
}

bool wr_pool_has_work(weir_pool *pool) {
    if (pool->counts.queued > pool->gang_jobs || pool->gang != NULL ||
        !wr_list_empty(&pool->ending) || wr_arrivals_any(pool))
        return true;
    for (unsigned i = 0; i < pool->index_limit; i++)
        if (wr_load(&pool->workers[i].deque_open, relaxed, ALONE,
                    "a hint; taking a fork looks again under its lock") > 0)
            return true;
    return false;
}

void wr_pool_notify(weir_pool *pool) {
    uint32_t pushes =
        wr_load(&pool->pushes, relaxed, ALONE, "changed under the lock only");
    wr_store(&pool->pushes, pushes + 1, relaxed, ALONE,
             "a spinner that sees it takes the lock");
    // One searcher at a time: when it finds work it wakes the next.
    if (pool->searching == 0 && pool->placed < pool->width &&
        !pool->tokenless && !wr_list_empty(&pool->idle))
        wr_worker_wake(wr_container_of(pool->idle.next, weir_worker, idle));
}

// Looks for a sign of work for a while, without the lock.
static bool spin(weir_worker *worker, uint32_t pushes) {
    weir_pool *pool = worker->pool;
    int64_t budget = worker->spin_pays ? WR_SPIN_NS : WR_SPIN_NS / 8;
    int64_t end = wr_now_ns() + budget;
    do {
        for (int i = 0; i < 16; i++)
            wr_spin_pause();
        if (wr_load(&pool->pushes, relaxed, ALONE, "a hint") != pushes ||
            wr_load(&pool->arrived, relaxed, ALONE, "a hint") > 0)
            return true;
        for (unsigned i = 0; i < pool->allocated; i++)
            if (wr_load(&pool->workers[i].deque_open, relaxed, ALONE,
                        "a hint; taking a fork looks again") > 0)
                return true;
    } while (wr_now_ns() < end);
    return false;
}

void wr_worker_rest(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    if (pool->budget != NULL)
        wr_budget_withdraw(pool);
    if (!pool->deterministic && pool->searching == 1 && !pool->quit) {
        uint32_t pushes = wr_load(&pool->pushes, relaxed, ALONE,
                                  "changed under the lock, which is held");
        wr_pool_unlock(pool);
        bool found = spin(worker, pushes);
        wr_pool_lock(pool);
        worker->spin_pays = found;
        if (found || wr_pool_has_work(pool) || pool->quit ||
            wr_broadcasts_unseen(worker))
            return;
    }
    wr_worker_set_state(worker, WR_IDLE);
    if (!wr_forks_open(pool) && !wr_arrivals_any(pool))
        wr_worker_sleep(worker, WEIR_FOREVER);
    if (worker->state == WR_IDLE)
        wr_worker_set_state(worker, WR_SEARCHING);
}

void wr_worker_rest_placeless(weir_worker *worker) {
    wr_worker_set_state(worker, WR_IDLE);
    wr_worker_sleep(worker, WEIR_FOREVER);
    if (worker->state == WR_IDLE)
        wr_worker_set_state(worker, WR_SEARCHING);
}
