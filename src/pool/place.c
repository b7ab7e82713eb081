// SPDX-License-Identifier: MIT
// Places: who may run, and who runs instead of a worker that waits. README.md,
// "Places", has the rules.
#include "pool/internal.h"

#include <stdio.h>

bool wr_place_take(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    if (pool->placed >= pool->width)
        return false;
    if (pool->budget != NULL) {
        pool->tokenless = !wr_budget_take(pool);
        if (pool->tokenless)
            return false;
    }
    wr_worker_set_state(worker, WR_PLACED);
    return true;
}

void wr_place_drop(weir_worker *worker) {
    wr_worker_set_state(worker, WR_SEARCHING);
    if (worker->pool->budget != NULL && !worker->tokenless)
        wr_budget_give(worker->pool);
    worker->tokenless = false;
}

bool wr_place_excess(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    return pool->placed > pool->width || worker->tokenless ||
           (pool->budget != NULL && wr_budget_wanted(pool));
}

static weir_worker *find_unused(weir_pool *pool) {
    for (unsigned i = pool->width; i < pool->index_limit; i++)
        if (!pool->workers[i].live)
            return &pool->workers[i];
    return NULL;
}

// Makes sure that, once one more worker is lent, as many others are alive as
// there are places.
static bool ensure_spare(weir_pool *pool) {
    while (pool->live - pool->lent - 1 < pool->width) {
        weir_worker *stand_in = find_unused(pool);
        if (stand_in == NULL || wr_worker_start(stand_in) != 0)
            return false;
        pool->counts.stand_ins++;
    }
    return true;
}

int wr_place_lend(weir_worker *worker, bool strict) {
    weir_pool *pool = worker->pool;
    wr_forks_lay_open(worker);
    // Whoever goes on here takes the oldest first, and this job may wait for
    // it.
    if (wr_link_linked(&worker->bursting))
        (void)wr_bursts_recall(pool);
    bool spare = ensure_spare(pool);
    if (!spare && strict)
        return -EAGAIN;
    wr_worker_set_state(worker, WR_LENT);
    if (pool->budget != NULL && !worker->tokenless)
        wr_budget_give(pool);
    pool->counts.loans += spare;
    wr_gangs_look(pool);
    wr_relay_lent(worker);
    // The hints may lag behind a fork of just now: look under the locks.
    if (wr_pool_has_work(pool) || (pool->idle_count > 0 && wr_forks_open(pool)))
        wr_pool_notify(pool);
    return 0;
}

void wr_place_return(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    // Without a budget the worker goes on at once, maybe as one too many: the
    // stand-in gives its place up when its job ends. To wait for that could be
    // to wait for a job that blocks until this one goes on.
    while (pool->budget != NULL && !worker->tokenless &&
           !wr_budget_take(pool)) {
        worker->wants_token = true;
        pool->token_waiters++;
        wr_worker_sleep(worker, WEIR_FOREVER);
        pool->token_waiters--;
        worker->wants_token = false;
        wr_timers_expire(pool);
    }
    // The token took the pool out of the line: a searcher that sleeps in want
    // of one must line up again.
    pool->tokenless = false;
    wr_worker_set_state(worker, WR_PLACED);
    if (pool->placed > pool->width)
        (void)wr_bursts_recall(pool); // whoever ends a job first makes room
    wr_gangs_look(pool);
    wr_relay_back(worker);
    if (pool->budget != NULL && wr_pool_has_work(pool))
        wr_pool_notify(pool);
}

static void *thread_main(void *argument) {
    weir_worker *worker = argument;
    wr_worker_set_current(worker);
    wr_worker_loop(worker);
    wr_worker_set_current(NULL);
    return NULL;
}

int wr_worker_start(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    // Counted before it runs, so that nobody starts one too many meanwhile.
    worker->live = true;
    pool->live++;
    worker->broadcast_seen = pool->broadcast_number;
    wr_worker_set_state(worker, WR_SEARCHING);
    wr_pool_unlock(pool);

    int error;
    if (pool->deterministic) {
        error = wr_determ_start(worker);
    } else {
        char name[32];
        snprintf(name, sizeof(name), "%.8s/%u", pool->name, worker->index);
        wr_thread_options options = {
            .name = name, .stack_size = pool->options.stack_size, .cpu = -1};
        if (pool->cpus != NULL && worker->index < pool->width)
            options.cpu = pool->cpus[worker->index % pool->options.cpus_count];
        error = wr_thread_start(&worker->thread, &options, thread_main, worker);
    }

    wr_pool_lock(pool);
    if (error != 0) {
        wr_worker_set_state(worker, WR_AWAY);
        worker->live = false;
        pool->live--;
        // It counted as one who looks for work.
        if (wr_pool_has_work(pool))
            wr_pool_notify(pool);
    }
    return error;
}

int weir_blocking_begin(weir_worker *self) {
    weir_pool *pool = self->pool;
    wr_check(self->frame != NULL, "weir_blocking_begin outside of run");
    wr_check(self->state == WR_PLACED, "blocking sections do not nest");
    wr_pool_lock(pool);
    int error = wr_place_lend(self, true);
    self->section = error == 0;
    wr_pool_unlock(pool);
    wr_determ_point();
    return error;
}

void weir_blocking_end(weir_worker *self) {
    weir_pool *pool = self->pool;
    wr_check(self->section && self->state == WR_LENT,
             "weir_blocking_end without weir_blocking_begin, or after a wait");
    wr_pool_lock(pool);
    self->section = false;
    wr_place_return(self);
    wr_pool_unlock(pool);
    wr_determ_point();
}
