// SPDX-License-Identifier: MIT
// Budgets: tokens that several pools share. A token is held by a worker in
// state PLACED. Each pool has one token reserved; the rest is shared, first
// come first served among pools that found none (they are "starved").
//
// Lock order: a pool's lock, then the budget's. A starved pool is woken with
// no lock held, pinned so that it is not destroyed meanwhile.
#include "base/fault.h"
#include "pool/internal.h"

struct weir_budget {
    // Read-only after create.
    unsigned tokens;

    // lock.
    wr_mutex lock;
    wr_link pools;   // weir_pool.budget_link
    wr_link starved; // weir_pool.starved_link, the longest first
    unsigned pools_count;
    unsigned held;
    unsigned shared; // held beyond each pool's first
    unsigned highest;
};

int weir_budget_create(weir_budget **out, unsigned tokens) {
    if (tokens == 0)
        return -EINVAL;
    weir_budget *budget = wr_calloc(1, sizeof(*budget));
    if (budget == NULL)
        return -ENOMEM;
    budget->tokens = tokens;
    wr_mutex_init(&budget->lock);
    wr_list_init(&budget->pools);
    wr_list_init(&budget->starved);
    *out = budget;
    return 0;
}

void weir_budget_destroy(weir_budget *budget) {
    if (budget == NULL)
        return;
    wr_check(budget->pools_count == 0,
             "weir_budget_destroy before its pools are destroyed");
    wr_mutex_fini(&budget->lock);
    wr_free(budget);
}

unsigned weir_budget_held(weir_budget *budget, unsigned *highest) {
    wr_mutex_lock(&budget->lock);
    unsigned held = budget->held;
    if (highest != NULL)
        *highest = budget->highest;
    wr_mutex_unlock(&budget->lock);
    return held;
}

int wr_budget_join(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    wr_mutex_lock(&budget->lock);
    // A new pool's reserved token must not be in somebody's hands.
    bool room = budget->pools_count + budget->shared < budget->tokens;
    if (room) {
        budget->pools_count++;
        wr_list_push_back(&budget->pools, &pool->budget_link);
    }
    wr_mutex_unlock(&budget->lock);
    return room ? 0 : -EAGAIN;
}

static void starve(weir_budget *budget, weir_pool *pool) {
    if (!pool->starved)
        wr_list_push_back(&budget->starved, &pool->starved_link);
    pool->starved = true;
}

static void not_starved(weir_pool *pool) {
    if (pool->starved)
        wr_list_remove(&pool->starved_link);
    pool->starved = false;
}

void wr_budget_leave(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    wr_mutex_lock(&budget->lock);
    not_starved(pool);
    while (pool->pins > 0) {
        wr_mutex_unlock(&budget->lock);
        wr_thread_yield();
        wr_mutex_lock(&budget->lock);
    }
    wr_list_remove(&pool->budget_link);
    budget->pools_count--;
    pool->pins++;
    wr_mutex_unlock(&budget->lock);
    wr_budget_poke(pool); // its reserved token is free for all now
}

bool wr_budget_take(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    wr_mutex_lock(&budget->lock);
    bool first = pool->tokens == 0;
    bool turn = wr_list_empty(&budget->starved) ||
                budget->starved.next == &pool->starved_link;
    bool free = budget->pools_count + budget->shared < budget->tokens;
    bool taken = first || (turn && free);
    if (taken) {
        not_starved(pool);
        pool->tokens++;
        budget->held++;
        if (!first)
            budget->shared++;
        if (budget->held > budget->highest)
            budget->highest = budget->held;
        // Others of this pool may still wait for one: at the end of the line.
        if (pool->token_waiters > 0)
            starve(budget, pool);
    } else {
        starve(budget, pool);
    }
    // The next in line may find one too.
    if (taken && !wr_list_empty(&budget->starved))
        pool->poke = true;
    wr_mutex_unlock(&budget->lock);
    return taken;
}

// The pool may find a token now: for workers that come back from a wait first,
// else for one that looks for work. _locked.
static void wake_waiters(weir_pool *pool) {
    for (unsigned i = 0; i < pool->index_limit && pool->token_waiters > 0; i++)
        if (pool->workers[i].wants_token)
            wr_worker_wake(&pool->workers[i]);
    pool->tokenless = false;
    wr_pool_notify(pool);
}

void wr_budget_give(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    wr_mutex_lock(&budget->lock);
    budget->held--;
    if (--pool->tokens > 0)
        budget->shared--;
    if (!wr_list_empty(&budget->starved))
        pool->poke = true;
    bool own = pool->starved;
    wr_mutex_unlock(&budget->lock);
    // A poke wakes other pools only.
    if (own)
        wake_waiters(pool);
}

bool wr_budget_wanted(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    wr_mutex_lock(&budget->lock);
    bool wanted = pool->tokens > 1 && !wr_list_empty(&budget->starved) &&
                  budget->starved.next != &pool->starved_link;
    wr_mutex_unlock(&budget->lock);
    return wanted;
}

void wr_budget_withdraw(weir_pool *pool) {
    weir_budget *budget = pool->budget;
    if (pool->token_waiters > 0)
        return;
    pool->tokenless = false;
    wr_mutex_lock(&budget->lock);
    if (pool->starved && !wr_list_empty(&budget->starved))
        pool->poke = true;
    not_starved(pool);
    wr_mutex_unlock(&budget->lock);
}

void wr_budget_pin(weir_pool *pool) {
    wr_mutex_lock(&pool->budget->lock);
    pool->pins++;
    wr_mutex_unlock(&pool->budget->lock);
}

static void unpin(weir_budget *budget, weir_pool *pool) {
    wr_mutex_lock(&budget->lock);
    pool->pins--;
    wr_mutex_unlock(&budget->lock);
}

// Wakes the pool that is first in line, or whose turn it now is.
void wr_budget_poke(weir_pool *from) {
    weir_budget *budget = from->budget;
    wr_mutex_lock(&budget->lock);
    weir_pool *pool = NULL;
    if (!wr_list_empty(&budget->starved)) {
        pool = wr_container_of(budget->starved.next, weir_pool, starved_link);
        if (pool == from)
            pool = NULL;
        else
            pool->pins++;
    }
    from->pins--;
    wr_mutex_unlock(&budget->lock);
    if (pool == NULL)
        return;
    wr_pool_lock(pool);
    wake_waiters(pool);
    wr_pool_unlock(pool);
    unpin(budget, pool);
}
