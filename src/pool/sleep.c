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

void wr_outside_wake(weir_pool *pool) {
    if (pool->outside_waiters > 0)
        wr_word_wake(pool, &pool->outside);
}

void wr_worker_wake(weir_worker *worker) {
    if (!worker->parked) {
        wr_fetch_add(&worker->wake, 1, relaxed, ALONE,
                     "for one that spins; it looks again under the lock");
        return;
    }
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
    if (pool->counts.queued > pool->gang_jobs + pool->burst_jobs ||
        pool->gang != NULL || !wr_list_empty(&pool->ending) ||
        wr_bursts_open(pool) || wr_arrivals_any(pool))
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

wr_signs wr_signs_now(const weir_worker *worker) {
    return (wr_signs){wr_load(&worker->pool->pushes, relaxed, ALONE,
                              "changed under the lock, which is held"),
                      wr_load(&worker->wake, relaxed, ALONE,
                              "changed under the lock, which is held")};
}

bool wr_signs_changed(const weir_worker *worker, const wr_signs *before) {
    return wr_load(&worker->pool->pushes, relaxed, ALONE, "a hint") !=
               before->pushes ||
           wr_load(&worker->wake, relaxed, ALONE, "a hint") != before->wake;
}

static bool sees_work(const weir_worker *worker, const wr_signs *before) {
    const weir_pool *pool = worker->pool;
    if (wr_signs_changed(worker, before) ||
        wr_load(&pool->arrived, relaxed, ALONE, "a hint") > 0)
        return true;
    for (unsigned i = 0; i < pool->allocated; i++)
        if (wr_load(&pool->workers[i].deque_open, relaxed, ALONE,
                    "a hint; taking a fork looks again") > 0)
            return true;
    return false;
}

// Looks for a sign of work for a while, without the lock. Where there are more
// threads than cores, what it waits for may need this core.
static bool spin(const weir_worker *worker, const wr_signs *before,
                 int64_t now_ns) {
    bool pays = worker->spin_pays > WR_SPIN_PAYS_MAX / 2;
    int64_t end = now_ns + (pays ? WR_SPIN_NS : WR_SPIN_SHORT_NS);
    for (unsigned round = 0;; round++) {
        wr_spin_pause();
        if (sees_work(worker, before))
            return true;
        if (round % WR_SPIN_ROUNDS != 0)
            continue;
        if (wr_now_ns() >= end)
            return false;
        if (round % WR_SPIN_YIELD == 0)
            wr_thread_yield();
    }
}

// Work has come, after it was looked for since then: was it soon enough?
static void note_gap(weir_worker *worker, int64_t since_ns) {
    bool pays = wr_now_ns() - since_ns < WR_SPIN_NS + WR_SPIN_NS / 2;
    if (pays && worker->spin_pays < WR_SPIN_PAYS_MAX)
        worker->spin_pays++;
    else if (!pays && worker->spin_pays > 0)
        worker->spin_pays--;
}

void wr_worker_rest(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    if (pool->budget != NULL)
        wr_budget_withdraw(pool);
    int64_t since_ns = 0;
    if (!pool->deterministic && pool->searching == 1 && !pool->quit) {
        wr_signs before = wr_signs_now(worker);
        wr_pool_unlock(pool);
        since_ns = wr_now_ns();
        bool found = spin(worker, &before, since_ns);
        wr_pool_lock(pool);
        if (found || wr_pool_has_work(pool) || pool->quit ||
            wr_broadcasts_unseen(worker)) {
            note_gap(worker, since_ns);
            return;
        }
    }
    wr_worker_set_state(worker, WR_IDLE);
    if (!wr_forks_open(pool) && !wr_arrivals_any(pool))
        wr_worker_sleep(worker, WEIR_FOREVER);
    if (since_ns != 0)
        note_gap(worker, since_ns);
    if (worker->state == WR_IDLE)
        wr_worker_set_state(worker, WR_SEARCHING);
}

void wr_worker_rest_placeless(weir_worker *worker) {
    wr_worker_set_state(worker, WR_IDLE);
    wr_worker_sleep(worker, WEIR_FOREVER);
    if (worker->state == WR_IDLE)
        wr_worker_set_state(worker, WR_SEARCHING);
}
