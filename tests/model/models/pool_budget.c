// SPDX-License-Identifier: MIT
// Budgets: a pool that found no token is told when there may be one, and is
// not gone while another pool tells it. The pools' side of budgets alone:
// threads outside take and give tokens as a worker would, under the pool's
// lock; there are no workers.
#include "base/fault.h"
#include "model/models/rooms.h"

enum { TOKENS = 3 };

static weir_budget *budget;

static weir_pool *pool_with_budget(void) {
    weir_pool *pool = wr_calloc(1, sizeof(*pool));
    MC_CHECK(pool != NULL);
    wr_mutex_init(&pool->lock);
    wr_list_init(&pool->idle);
    pool->budget = budget;
    MC_CHECK(wr_budget_join(pool) == 0);
    return pool;
}

// As weir_pool_destroy does.
static void pool_go(weir_pool *pool) {
    wr_budget_leave(pool);
    wr_mutex_fini(&pool->lock);
    wr_free(pool);
}

static bool take(weir_pool *pool) {
    wr_pool_lock(pool);
    bool taken = wr_budget_take(pool);
    wr_pool_unlock(pool);
    return taken;
}

static void *give(void *pool_arg) {
    weir_pool *pool = pool_arg;
    wr_pool_lock(pool);
    wr_budget_give(pool);
    wr_pool_unlock(pool);
    return NULL;
}

static uint32_t told(weir_pool *pool) {
    wr_pool_lock(pool);
    uint32_t pushes =
        wr_load(&pool->pushes, relaxed, ALONE, "changed under the lock only");
    wr_pool_unlock(pool);
    return pushes;
}

// Two pools, each with the token that is its own; one has the third too.
static weir_pool *rich, *poor;

static void begin(void) {
    mc_bound("three tokens, two pools");
    MC_CHECK(weir_budget_create(&budget, TOKENS) == 0);
    rich = pool_with_budget();
    poor = pool_with_budget();
    MC_CHECK(take(rich) && take(rich) && take(poor));
}

static void end(void) {
    (void)give(rich);
    pool_go(rich);
    unsigned highest = 0;
    MC_CHECK(weir_budget_held(budget, &highest) == 0 && highest <= TOKENS);
    weir_budget_destroy(budget);
}

static void who_found_no_token_is_told_of_one(void) {
    begin();
    uint32_t before = told(poor);
    unsigned other = mc_spawn(give, rich);
    bool taken = take(poor);
    (void)mc_join(other);
    MC_CHECK(taken || told(poor) != before);
    MC_CHECK(taken || take(poor));
    (void)give(poor);
    (void)give(poor);
    pool_go(poor);
    end();
    mc_outcome(taken);
}

// It needs no token any more and goes, as the other pool gives back its own.
static void a_pool_may_go_while_another_tells_it(void) {
    begin();
    MC_CHECK(!take(poor));
    unsigned other = mc_spawn(give, rich);
    wr_pool_lock(poor);
    wr_budget_withdraw(poor);
    wr_budget_give(poor);
    wr_pool_unlock(poor);
    pool_go(poor);
    (void)mc_join(other);
    end();
}

static const uint64_t both[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "who_found_no_token_is_told_of_one",
     .body = who_found_no_token_is_told_of_one,
     .outcomes = both},
    {.name = "a_pool_may_go_while_another_tells_it",
     .body = a_pool_may_go_while_another_tells_it},
    {.name = NULL},
};
