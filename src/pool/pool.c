// SPDX-License-Identifier: MIT
// Making and freeing pools, and looking at them.
#include "base/fault.h"
#include "base/options.h"
#include "pool/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char thread_mark; // its address stands for the thread

bool wr_pool_forked(const weir_pool *pool) {
    return wr_forkmark_forked(&pool->forkmark);
}

void wr_pool_check_thread(const weir_pool *pool) {
    wr_check(!pool->deterministic || pool->creator == &thread_mark,
             "a deterministic pool is used by another thread than made it");
}

void wr_pool_unlock_slow(weir_pool *pool) {
    // Wakes are sent without the lock, so that the woken does not run into it.
    // The words may be gone by then; a wake does not touch them.
    wr_atomic_u32 *wakes[WR_WAKES_MAX];
    unsigned count = pool->wakes_count;
    for (unsigned i = 0; i < count; i++)
        wakes[i] = pool->wakes[i];
    pool->wakes_count = 0;
    bool poke = pool->poke;
    pool->poke = false;
    if (poke)
        wr_budget_pin(pool);
    wr_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < count; i++)
        wr_futex_wake(wakes[i], INT_MAX);
    if (poke)
        wr_budget_poke(pool);
}

// ---- options ---------------------------------------------------------------

static int read_options(weir_pool *pool, const weir_pool_options *options) {
    weir_pool_options *given = &pool->options;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (options == NULL)
        given->threads = WEIR_THREADS_DEFAULT;
    if (given->hooks != NULL) {
        error =
            wr_options_copy(&pool->hooks, sizeof(pool->hooks), given->hooks);
        if (error != 0)
            return error;
    }
    if (given->threads < WEIR_THREADS_BESIDE_LOOP ||
        given->threads > WR_THREADS_MAX ||
        given->virtual_workers > WR_VIRTUAL_MAX ||
        given->stand_ins < WEIR_STAND_INS_NONE ||
        given->stand_ins > WR_THREADS_MAX ||
        given->fork_depth > WR_FORK_DEPTH_MAX ||
        given->pinning > WEIR_PIN_LIST || given->bursts < 0 ||
        given->bursts > 1)
        return -EINVAL;
    if (given->pinning == WEIR_PIN_LIST &&
        (given->cpus == NULL || given->cpus_count == 0))
        return -EINVAL;
    pool->deterministic = given->threads == 0;
    if (pool->deterministic && given->budget != NULL)
        return -EINVAL;
    if (given->fork_depth == 0)
        given->fork_depth = WR_FORK_DEPTH;
    snprintf(pool->name, sizeof(pool->name), "%s",
             given->name != NULL ? given->name : "weir");
    pool->budget = given->budget;
    return 0;
}

static void choose_width(weir_pool *pool) {
    weir_pool_options *options = &pool->options;
    wr_cpu_limits limits;
    if (pool->deterministic) {
        pool->width = options->virtual_workers != 0 ? options->virtual_workers
                                                    : WR_VIRTUAL_DEFAULT;
        snprintf(pool->reason, sizeof(pool->reason),
                 "%u virtual workers: deterministic", pool->width);
    } else if (options->threads == WEIR_THREADS_DEFAULT) {
        wr_cpu_limits_read(&limits);
        pool->width = (unsigned)limits.usable;
        memcpy(pool->reason, limits.reason, sizeof(pool->reason));
    } else if (options->threads == WEIR_THREADS_BESIDE_LOOP) {
        wr_cpu_limits_read(&limits);
        pool->width = limits.usable > 1 ? (unsigned)limits.usable - 1 : 1;
        snprintf(pool->reason, sizeof(pool->reason), "%u beside a loop: %.120s",
                 pool->width, limits.reason);
    } else {
        pool->width = (unsigned)options->threads;
        snprintf(pool->reason, sizeof(pool->reason), "%u threads: asked for",
                 pool->width);
    }
    unsigned stand_ins = pool->width;
    if (options->stand_ins == WEIR_STAND_INS_NONE)
        stand_ins = 0;
    else if (options->stand_ins > 0)
        stand_ins = (unsigned)options->stand_ins;
    pool->index_limit = pool->width + stand_ins;
}

static int choose_cpus(weir_pool *pool) {
    weir_pool_options *options = &pool->options;
    if (options->pinning == WEIR_PIN_NONE || pool->deterministic)
        return 0;
    int usable[WR_CPUS_MAX];
    int count = wr_cpu_list(
        options->pinning == WEIR_PIN_SPREAD ? WR_CPU_SPREAD : WR_CPU_COMPACT,
        usable, WR_CPUS_MAX);
    const int *chosen = usable;
    if (options->pinning == WEIR_PIN_LIST)
        chosen = options->cpus;
    else
        options->cpus_count = (size_t)count;
    for (size_t i = 0; i < options->cpus_count; i++) {
        bool ours = false;
        for (int k = 0; k < count; k++)
            ours = ours || usable[k] == chosen[i];
        if (!ours)
            return -EINVAL;
    }
    if (options->cpus_count == 0)
        return -EINVAL;
    pool->cpus = wr_calloc(options->cpus_count, sizeof(int));
    if (pool->cpus == NULL)
        return -ENOMEM;
    memcpy(pool->cpus, chosen, options->cpus_count * sizeof(int));
    return 0;
}

// ---- create ----------------------------------------------------------------

static void init_shared(weir_pool *pool) {
    wr_mutex_init(&pool->lock);
    wr_mutex_init(&pool->arrivals_lock);
    wr_list_init(&pool->arrivals);
    // Not where each job must be counted, or drawn, as it comes.
    pool->arrivals_used = !pool->deterministic && pool->budget == NULL &&
                          pool->options.jobs_max == 0;
    pool->arrivals_open = pool->arrivals_used;
    for (int i = 0; i < WR_PRIORITIES; i++)
        wr_list_init(&pool->inbox[i]);
    wr_list_init(&pool->ending);
    wr_list_init(&pool->scopes);
    wr_list_init(&pool->events);
    wr_list_init(&pool->broadcasts);
    wr_list_init(&pool->gangs);
    wr_list_init(&pool->idle);
    pool->creator = &thread_mark;
}

static int make_workers(weir_pool *pool) {
    pool->allocated = pool->index_limit;
    size_t bytes = pool->allocated * sizeof(weir_worker);
    pool->workers = wr_aligned_alloc(WR_CACHE_LINE, bytes);
    if (pool->workers == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < pool->allocated; i++) {
        weir_worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->index = i;
        worker->random = pool->options.seed + i;
        worker->spin_pays = WR_SPIN_PAYS_MAX;
        wr_mutex_init(&worker->deque_lock);
    }
    wr_burst_init(pool);
    for (unsigned i = 0; i < pool->allocated; i++) {
        weir_worker *worker = &pool->workers[i];
        worker->deque =
            wr_malloc(pool->options.fork_depth * sizeof(weir_fork *));
        if (worker->deque == NULL)
            return -ENOMEM;
        wr_forks_init(worker);
    }
    return 0;
}

static void free_workers(weir_pool *pool) {
    for (unsigned i = 0; pool->workers != NULL && i < pool->allocated; i++) {
        wr_free(pool->workers[i].deque);
        wr_mutex_fini(&pool->workers[i].deque_lock);
        wr_mutex_fini(&pool->workers[i].burst_lock);
    }
    wr_free(pool->workers);
    wr_free(pool->cpus);
}

// Starts what can be started. Fewer threads than asked for is a smaller pool.
static int start_workers(weir_pool *pool) {
    unsigned wanted = pool->width;
    unsigned started = 0;
    int error = 0;
    wr_pool_lock(pool);
    while (started < wanted && error == 0 && !pool->no_fibers) {
        error = wr_worker_start(&pool->workers[started]);
        started += error == 0;
    }
    if (started < wanted) {
        pool->width = started;
        pool->index_limit -= wanted - started;
        snprintf(pool->reason, sizeof(pool->reason),
                 "%u of %u threads: the system refused more", started, wanted);
        for (unsigned i = 0; i < pool->allocated; i++)
            wr_forks_resized(&pool->workers[i]);
    }
    if (pool->deterministic)
        wr_determ_settle(pool);
    wr_pool_unlock(pool);
    return started > 0 ? 0 : error;
}

static void free_pool(weir_pool *pool) {
    wr_figures_fini(pool);
    if (pool->deterministic)
        wr_determ_fini(pool);
    free_workers(pool);
    wr_forkmark_fini(&pool->forkmark);
    wr_mutex_fini(&pool->arrivals_lock);
    wr_mutex_fini(&pool->lock);
    wr_free(pool);
}

int weir_pool_create(weir_pool **out, const weir_pool_options *options) {
    weir_pool *pool = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*pool));
    if (pool == NULL)
        return -ENOMEM;
    int error = read_options(pool, options);
    if (error == 0)
        error = wr_forkmark_init(&pool->forkmark);
    if (error != 0) {
        wr_free(pool);
        return error;
    }
    init_shared(pool);
    choose_width(pool);
    error = choose_cpus(pool);
    if (error == 0)
        error = make_workers(pool);
    if (error == 0 && pool->deterministic)
        error = wr_determ_init(pool);
    if (error == 0)
        error = wr_figures_init(pool);
    if (error == 0 && pool->budget != NULL)
        error = wr_budget_join(pool);
    if (error == 0) {
        error = start_workers(pool);
        if (error != 0 && pool->budget != NULL)
            wr_budget_leave(pool);
    }
    if (error != 0) {
        free_pool(pool);
        return error;
    }
    *out = pool;
    return 0;
}

void weir_pool_destroy(weir_pool *pool) {
    if (pool == NULL || wr_pool_forked(pool))
        return;
    int error = weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL);
    wr_check(error != -EDEADLK || !pool->deterministic,
             "weir_pool_destroy cannot drain a deterministic pool whose jobs "
             "can never end: stop it in a harder mode first");
    wr_check(error == 0, "weir_pool_destroy on one of the pool's own workers");
    wr_check(pool->watchdog == NULL,
             "weir_pool_destroy before weir_watchdog_stop");
    if (pool->budget != NULL)
        wr_budget_leave(pool);
    free_pool(pool);
}

// ---- looking ---------------------------------------------------------------

unsigned weir_pool_width(const weir_pool *pool) { return pool->width; }

unsigned weir_pool_index_limit(const weir_pool *pool) {
    return pool->index_limit;
}

const char *weir_pool_reason(const weir_pool *pool) { return pool->reason; }

void **weir_pool_slot(weir_pool *pool, unsigned index) {
    return index < pool->index_limit ? &pool->workers[index].slot : NULL;
}

int weir_pool_count(weir_pool *pool, weir_pool_counts *counts) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (counts->size < sizeof(size_t))
        return -EINVAL;
    wr_pool_lock(pool);
    weir_pool_counts now = wr_figures_count(pool);
    wr_pool_unlock(pool);
    return wr_out_copy(counts, &now, sizeof(now));
}
