// SPDX-License-Identifier: MIT
// Budgets: no more run than there are tokens, and nobody sleeps while there is
// a token and work for it; a pool may go while others give it tokens.
#include "model/models/rooms.h"
#include "pool/gang.h"

static weir_budget *budget;
static unsigned tokens;

static void make_budget(unsigned count) {
    tokens = count;
    MC_CHECK(weir_budget_create(&budget, count) == 0);
}

static weir_pool *pool_of(int threads, int stand_ins) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = stand_ins == 0 ? WEIR_STAND_INS_NONE : stand_ins;
    options.fork_depth = 2;
    options.budget = budget;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    return pool;
}

static void destroy_budget(void) {
    unsigned highest = 0;
    MC_CHECK(weir_budget_held(budget, &highest) == 0);
    MC_CHECK(highest <= tokens);
    weir_budget_destroy(budget);
}

// Who is in a job and does not wait there.
static mc_mutex busy_lock;
static unsigned busy;

static void begin(void) {
    mc_lock(&busy_lock);
    MC_CHECK(++busy <= tokens);
    mc_unlock(&busy_lock);
}

static void end(void) {
    mc_lock(&busy_lock);
    busy--;
    mc_unlock(&busy_lock);
}

// ---- one pool --------------------------------------------------------------

static weir_job waiter, other;
static weir_event event;
static unsigned runs;

static int wait_for_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    begin();
    end();
    MC_CHECK(weir_event_wait(&event, WEIR_FOREVER, NULL) == 0);
    begin();
    runs++;
    end();
    return 0;
}

static int fire_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    begin();
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    runs++;
    end();
    return 0;
}

// The stand-in has the only token when the one that waited comes back.
static void who_comes_back_waits_for_its_token(void) {
    make_budget(1);
    weir_pool *pool = pool_of(1, 1);
    weir_event_init(&event, pool, 1);
    waiter = (weir_job)WEIR_JOB_INIT(wait_for_event, NULL);
    other = (weir_job)WEIR_JOB_INIT(fire_event, NULL);
    MC_CHECK(weir_submit(pool, &waiter) == 0);
    MC_CHECK(weir_submit(pool, &other) == 0);
    weir_pool_destroy(pool);
    MC_CHECK(runs == 2);
    destroy_budget();
}

// ---- two pools -------------------------------------------------------------

typedef struct pair {
    weir_job jobs[2];
    rooms_flag here[2];
} pair;

static pair pairs[2];

// Goes on when the other runs too, so it takes two tokens.
static int meet(weir_worker *self, weir_job *job) {
    (void)self;
    pair *own = job < pairs[1].jobs ? &pairs[0] : &pairs[1];
    unsigned at = job == &own->jobs[1];
    begin();
    rooms_raise(&own->here[at]);
    rooms_await(&own->here[1 - at]);
    end();
    return 0;
}

static void submit_pair(weir_pool *pool, unsigned number,
                        int (*run)(weir_worker *self, weir_job *job)) {
    for (unsigned i = 0; i < 2; i++) {
        weir_job *job = &pairs[number].jobs[i];
        *job = (weir_job)WEIR_JOB_INIT(run, NULL);
        MC_CHECK(weir_submit(pool, job) == 0);
    }
}

static rooms_flag going;

static int run_until_told(weir_worker *self, weir_job *job) {
    (void)self;
    begin();
    rooms_raise(&pairs[0].here[job == &pairs[0].jobs[1]]);
    rooms_await(&going);
    end();
    return 0;
}

// One of three is nobody's own: the first pool has it, the second needs it.
static void a_token_that_comes_free_wakes_who_needs_it(void) {
    make_budget(3);
    weir_pool *first = pool_of(2, 0);
    submit_pair(first, 0, run_until_told);
    rooms_await(&pairs[0].here[0]);
    rooms_await(&pairs[0].here[1]);
    weir_pool *second = pool_of(2, 0);
    submit_pair(second, 1, meet);
    rooms_await(&pairs[1].here[0]);
    rooms_raise(&going);
    weir_pool_destroy(second);
    weir_pool_destroy(first);
    destroy_budget();
}

static void a_pool_that_goes_leaves_its_token(void) {
    make_budget(2);
    weir_pool *stays = pool_of(2, 0);
    weir_pool *goes = pool_of(1, 0);
    submit_pair(stays, 0, meet);
    weir_pool_destroy(goes);
    weir_pool_destroy(stays);
    destroy_budget();
}

static int run_simple(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    begin();
    end();
    return 0;
}

static int run_when_it_goes(weir_worker *self, weir_job *job) {
    rooms_await(&going);
    return run_simple(self, job);
}

static void *destroy(void *pool) {
    rooms_raise(&going);
    weir_pool_destroy(pool);
    return NULL;
}

// Its token is for the other pool, which needs one or is gone.
static void a_pool_may_go_while_it_is_given_a_token(void) {
    make_budget(2);
    weir_pool *gives = pool_of(1, 0);
    MC_CHECK(weir_pool_stop(gives, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL) == 0);
    weir_pool *pool = pool_of(2, 0);
    submit_pair(pool, 0, run_when_it_goes);
    unsigned thread = mc_spawn(destroy, gives);
    weir_pool_destroy(pool);
    (void)mc_join(thread);
    destroy_budget();
}

// ---- given away by a yield -------------------------------------------------

// A pool's side of the budget alone; a thread outside takes its tokens.
static weir_pool *pool_without_workers(void) {
    static weir_pool pool;
    wr_mutex_init(&pool.lock);
    wr_list_init(&pool.idle);
    pool.budget = budget;
    MC_CHECK(wr_budget_join(&pool) == 0);
    return &pool;
}

static bool take(weir_pool *pool) {
    wr_pool_lock(pool);
    bool taken = wr_budget_take(pool);
    wr_pool_unlock(pool);
    return taken;
}

static void give(weir_pool *pool) {
    wr_pool_lock(pool);
    wr_budget_give(pool);
    wr_pool_unlock(pool);
}

static uint32_t told(weir_pool *pool) {
    return wr_load(&pool->pushes, relaxed, ALONE, "looked at again");
}

// It runs until the other pool has the token that this one has too many.
static int yield_until_told(weir_worker *self, weir_job *job) {
    begin();
    rooms_raise(&pairs[0].here[job == &pairs[0].jobs[1]]);
    while (!rooms_raised(&going)) {
        end();
        weir_yield(self);
        begin();
    }
    end();
    return 0;
}

// One of two that run yields, and comes back.
static void who_yields_gives_a_token_away(void) {
    make_budget(3);
    weir_pool *poor = pool_without_workers();
    weir_pool *rich = pool_of(2, 0);
    for (unsigned i = 0; i < 2; i++) {
        pairs[0].jobs[i] = (weir_job)WEIR_JOB_INIT(
            i == 0 ? yield_until_told : run_until_told, NULL);
        MC_CHECK(weir_submit(rich, &pairs[0].jobs[i]) == 0);
    }
    rooms_await(&pairs[0].here[0]);
    rooms_await(&pairs[0].here[1]);
    MC_CHECK(take(poor));
    for (uint32_t before = told(poor); !take(poor); before = told(poor))
        while (told(poor) == before)
            mc_await();
    begin(); // in the name of both
    begin();
    rooms_raise(&going);
    end();
    end();
    give(poor);
    give(poor);
    weir_pool_destroy(rich);
    wr_budget_leave(poor);
    wr_mutex_fini(&poor->lock);
    destroy_budget();
}

// ---- gangs -----------------------------------------------------------------

static bool claim(weir_job *first) {
    (void)first;
    return true;
}

static int meet_without_token(weir_worker *self, weir_job *job) {
    (void)self;
    unsigned at = job == &pairs[0].jobs[1];
    rooms_raise(&pairs[0].here[at]);
    rooms_await(&pairs[0].here[1 - at]);
    return 0;
}

// The pool can never have two tokens.
static void a_gang_may_be_wider_than_its_tokens(void) {
    make_budget(1);
    weir_pool *pool = pool_of(2, 0);
    for (unsigned i = 0; i < 2; i++)
        pairs[0].jobs[i] = (weir_job)WEIR_JOB_INIT(meet_without_token, NULL);
    MC_CHECK(wr_gang_submit(pool, pairs[0].jobs, sizeof(weir_job), 2, claim) ==
             0);
    other = (weir_job)WEIR_JOB_INIT(run_simple, NULL);
    MC_CHECK(weir_submit(pool, &other) == 0);
    weir_pool_destroy(pool);
    destroy_budget();
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(who_comes_back_waits_for_its_token, 1),
    BOUNDED(a_token_that_comes_free_wakes_who_needs_it, 0),
    BOUNDED(a_pool_that_goes_leaves_its_token, 1),
    BOUNDED(a_pool_may_go_while_it_is_given_a_token, 1),
    BOUNDED(who_yields_gives_a_token_away, 1),
    BOUNDED(a_gang_may_be_wider_than_its_tokens, 1),
    {.name = NULL},
};
