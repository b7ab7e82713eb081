// SPDX-License-Identifier: MIT
// The deterministic pool: workers are fibers, the thread that waits drives
// them. Each choice is drawn from the pool's seed: which worker goes on,
// whether it is left at a switch point, whether a deadline fires now.
#include "pool/internal.h"

#include <stdlib.h>

enum { TIMER_ODDS = 16, SWITCH_ODDS = 2 };

int wr_determ_init(weir_pool *pool) {
    pool->random = pool->options.seed;
    pool->virtual_now_ns = wr_now_ns();
    int error = wr_fiber_adopt(&pool->driver);
    if (error == -ENOSYS)
        error = 0;
    return error;
}

void wr_determ_fini(weir_pool *pool) {
    for (unsigned i = 0; pool->workers != NULL && i < pool->allocated; i++)
        if (pool->workers[i].fiber != NULL)
            wr_fiber_destroy(pool->workers[i].fiber);
    if (pool->driver != NULL)
        wr_fiber_destroy(pool->driver);
}

static void fiber_main(void *argument) {
    weir_worker *worker = argument;
    wr_worker_loop(worker);
    worker->parked = true; // for ever
    worker->sleep_until_ns = WEIR_FOREVER;
    wr_determ_leave(worker);
    abort();
}

int wr_determ_start(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    if (pool->no_fibers)
        return -EAGAIN;
    size_t stack = pool->options.stack_size != 0 ? pool->options.stack_size
                                                 : WR_FIBER_STACK;
    int error = wr_fiber_create(&worker->fiber, stack, fiber_main, worker);
    if (error == -ENOSYS && worker->index == 0) {
        pool->no_fibers = true; // one worker, on the driver's own stack
        error = 0;
    }
    return error;
}

void wr_determ_leave(weir_worker *worker) {
    wr_fiber_switch(worker->fiber, worker->pool->driver);
}

void wr_determ_point(void) {
    weir_worker *self = wr_worker_current();
    weir_pool *pool = self != NULL ? self->pool : NULL;
    if (pool == NULL || !pool->deterministic || pool->no_fibers)
        return;
    if (wr_random_below(&pool->random, SWITCH_ODDS) == 0)
        wr_determ_leave(self);
}

// ---- driving ---------------------------------------------------------------

static weir_worker *choose(weir_pool *pool) {
    unsigned runnable = 0;
    for (unsigned i = 0; i < pool->index_limit; i++)
        runnable += pool->workers[i].live && !pool->workers[i].parked;
    if (runnable == 0)
        return NULL;
    unsigned pick = wr_random_below(&pool->random, runnable);
    for (unsigned i = 0;; i++)
        if (pool->workers[i].live && !pool->workers[i].parked && pick-- == 0)
            return &pool->workers[i];
}

// The next deadline of a timer or of a worker that sleeps, or WEIR_FOREVER.
static int64_t next_deadline(const weir_pool *pool) {
    const wr_heap_node *first = wr_heap_first(&pool->timers);
    int64_t next = first != NULL ? first->key : WEIR_FOREVER;
    for (unsigned i = 0; i < pool->index_limit; i++) {
        const weir_worker *worker = &pool->workers[i];
        if (worker->live && worker->parked && worker->sleep_until_ns < next)
            next = worker->sleep_until_ns;
    }
    return next;
}

static void fire_deadline(weir_pool *pool, int64_t deadline_ns) {
    if (deadline_ns > pool->virtual_now_ns)
        pool->virtual_now_ns = deadline_ns;
    wr_timers_expire(pool);
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        if (worker->live && worker->parked &&
            worker->sleep_until_ns <= pool->virtual_now_ns)
            wr_worker_wake(worker);
    }
}

static void enter(weir_pool *pool, weir_worker *worker) {
    weir_worker *before = wr_worker_current();
    wr_pool_unlock(pool);
    wr_worker_set_current(worker);
    wr_fiber_switch(pool->driver, worker->fiber);
    wr_worker_set_current(before);
    wr_pool_lock(pool);
}

// Without fibers: one turn of the only worker, on this stack.
static bool turn_inline(weir_pool *pool) {
    weir_worker *before = wr_worker_current();
    weir_worker *worker = &pool->workers[0];
    if (pool->quit) {
        bool more = pool->finished < pool->live;
        pool->finished = pool->live;
        return more;
    }
    wr_worker_set_current(worker);
    bool more = wr_worker_turn(worker, false);
    wr_worker_set_current(before);
    return more;
}

// Goes on with somebody, or with time. False: nothing can go on.
static bool step(weir_pool *pool, int64_t limit_ns) {
    if (pool->no_fibers && turn_inline(pool))
        return true;
    weir_worker *worker = pool->no_fibers ? NULL : choose(pool);
    int64_t next = next_deadline(pool);
    bool fires =
        next != WEIR_FOREVER && next <= limit_ns &&
        (worker == NULL || wr_random_below(&pool->random, TIMER_ODDS) == 0);
    if (fires)
        fire_deadline(pool, next);
    else if (worker != NULL)
        enter(pool, worker);
    return fires || worker != NULL;
}

void wr_determ_settle(weir_pool *pool) {
    pool->driving = true;
    for (weir_worker *worker = NULL;
         !pool->no_fibers && (worker = choose(pool)) != NULL;)
        enter(pool, worker);
    pool->driving = false;
}

int wr_determ_drive(weir_pool *pool,
                    bool (*ready)(weir_pool *pool, void *argument),
                    void *argument, int64_t deadline_ns) {
    if (pool->driving)
        return -EDEADLK; // from inside a fiber of this pool, or of another
    if (deadline_ns == 0 && !ready(pool, argument))
        return -ETIMEDOUT; // look once
    pool->driving = true;
    int error = 0;
    while (error == 0 && !ready(pool, argument))
        if (!step(pool, deadline_ns))
            error = deadline_ns == WEIR_FOREVER ? -EDEADLK : -ETIMEDOUT;
    pool->driving = false;
    return error;
}

int weir_pool_step(weir_pool *pool) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (!pool->deterministic)
        return -EINVAL;
    wr_pool_check_thread(pool);
    if (pool->driving)
        return -EDEADLK;
    wr_pool_lock(pool);
    pool->driving = true;
    bool ran = step(pool, WEIR_FOREVER);
    pool->driving = false;
    wr_pool_unlock(pool);
    return ran;
}
