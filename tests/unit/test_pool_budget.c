// SPDX-License-Identifier: MIT
// Budgets: pools that share tokens are together never busier than those.
#include "support/pool.h"

static weir_budget *budget_of(unsigned tokens) {
    weir_budget *budget = NULL;
    CHECK_EQ(weir_budget_create(&budget, tokens), 0);
    CHECK_EQ(weir_budget_held(budget, NULL), 0);
    return budget;
}

static weir_pool *pool_with(weir_budget *budget, int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.budget = budget;
    return pool_open(&options);
}

static void check_never_more_than(weir_budget *budget, unsigned tokens) {
    unsigned highest = 0;
    CHECK(weir_budget_held(budget, &highest) <= tokens);
    CHECK(highest <= tokens);
    CHECK(highest >= 1);
}

static void a_budget_has_at_least_one_token(void) {
    weir_budget *untouched = (weir_budget *)&untouched;
    weir_budget *budget = untouched;
    CHECK_EQ(weir_budget_create(&budget, 0), -EINVAL);
    CHECK(budget == untouched);
    weir_budget_destroy(NULL);
}

static void each_pool_needs_a_token_of_its_own(void) {
    weir_budget *budget = budget_of(2);
    weir_pool *a = pool_with(budget, 2), *b = pool_with(budget, 1);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.budget = budget;
    weir_pool *c = NULL;
    CHECK_EQ(weir_pool_create(&c, &options), -EAGAIN);
    CHECK(c == NULL);
    pool_close(a);
    c = pool_open(&options); // a's token is free again
    pool_close(b);
    pool_close(c);
    CHECK_EQ(weir_budget_held(budget, NULL), 0);
    weir_budget_destroy(budget);
}

// ---- never more than the tokens --------------------------------------------

static tally busy, busiest;

static void busy_enter(void) { tally_highest(&busiest, tally_add(&busy)); }

static int busy_run(weir_worker *self, weir_job *job) {
    busy_enter();
    for (int i = 0; i < 20; i++)
        sched_yield();
    tally_take(&busy);
    if (job->key % 4 == 0)
        weir_yield(self); // may hand the token on
    busy_enter();
    tally_take(&busy);
    return 0;
}

static void busy_fork_run(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
    busy_enter();
    sched_yield();
    tally_take(&busy);
}

static int busy_forks_run(weir_worker *self, weir_job *job) {
    (void)job;
    weir_fork forks[4];
    for (int i = 0; i < 4; i++)
        weir_fork_begin(self, &forks[i], busy_fork_run);
    for (int i = 3; i >= 0; i--)
        weir_fork_join(self, &forks[i], busy_fork_run);
    return 0;
}

enum { JOBS = 400 };
static weir_job jobs[3][JOBS];

static void busy_submit(weir_pool *pool, int which) {
    for (int i = 0; i < JOBS; i++) {
        jobs[which][i] = (weir_job)WEIR_JOB_INIT(
            i % 5 == 0 ? busy_forks_run : busy_run, NULL);
        jobs[which][i].key = (uint64_t)i;
        submit(pool, &jobs[which][i]);
    }
}

static void pools_together_never_exceed_the_tokens(void) {
    for (unsigned tokens = 2; tokens <= 3; tokens++) {
        tally_init(&busy);
        tally_init(&busiest);
        weir_budget *budget = budget_of(tokens);
        weir_pool *pools[2] = {pool_with(budget, 2), pool_with(budget, 2)};
        busy_submit(pools[0], 0);
        busy_submit(pools[1], 1);
        wait_idle(pools[0]);
        wait_idle(pools[1]);
        CHECK(tally_get(&busiest) <= tokens);
        check_never_more_than(budget, tokens);
        pool_close(pools[0]);
        pool_close(pools[1]);
        CHECK_EQ(weir_budget_held(budget, NULL), 0);
        weir_budget_destroy(budget);
    }
}

static void a_wide_pool_keeps_to_a_small_budget(void) {
    for (unsigned tokens = 1; tokens <= 2; tokens++) {
        tally_init(&busy);
        tally_init(&busiest);
        weir_budget *budget = budget_of(tokens);
        weir_pool *pool = pool_with(budget, 4);
        busy_submit(pool, 0);
        wait_idle(pool);
        CHECK(tally_get(&busiest) <= tokens);
        check_never_more_than(budget, tokens);
        pool_close(pool);
        weir_budget_destroy(budget);
    }
}

static gate both;

static int both_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    gate_meet(&both, 2);
    return 0;
}

static void one_pool_may_have_what_the_others_do_not_reserve(void) {
    weir_budget *budget = budget_of(3); // one reserved each, one shared
    weir_pool *a = pool_with(budget, 2), *b = pool_with(budget, 2);
    weir_pool *turn[] = {a, b, a, b};
    for (int i = 0; i < 4; i++) {
        gate_init(&both);
        weir_job pair[2];
        for (int j = 0; j < 2; j++) { // they run at once or not at all
            pair[j] = (weir_job)WEIR_JOB_INIT(both_run, NULL);
            submit(turn[i], &pair[j]);
        }
        wait_idle(turn[i]);
        gate_fini(&both);
    }
    pool_close(a);
    pool_close(b);
    weir_budget_destroy(budget);
}

// ---- progress --------------------------------------------------------------

static tally churn_stop;

static void churn_done(weir_job *job, int status) {
    (void)status;
    if (tally_get(&churn_stop) == 0)
        submit(weir_worker_pool(weir_worker_self()), job);
}

static void a_busy_pool_does_not_starve_another(void) {
    for (unsigned tokens = 2; tokens <= 3; tokens++) {
        tally_init(&churn_stop);
        weir_budget *budget = budget_of(tokens);
        weir_pool *a = pool_with(budget, 3), *b = pool_with(budget, 2);
        weir_job churn[6];
        for (int i = 0; i < 6; i++) {
            churn[i] = (weir_job)WEIR_JOB_INIT(probe_run, churn_done);
            submit(a, &churn[i]);
        }
        work works[50];
        for (int i = 0; i < 50; i++) {
            works[i] = work_of(0);
            submit(b, &works[i].job);
        }
        wait_idle(b);
        for (int i = 0; i < 50; i++)
            check_ran(&works[i], 0);
        tally_add(&churn_stop);
        pool_close(a);
        pool_close(b);
        weir_budget_destroy(budget);
    }
}

static tally yield_go;

static int yield_body(weir_worker *self, weir_job *job) {
    (void)job;
    while (tally_get(&yield_go) == 0)
        weir_yield(self);
    return 0;
}

static int go_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    tally_add(&yield_go);
    return 0;
}

// Three tokens, two reserved: a's two jobs have the shared one and yield; b
// needs it for the job that ends all of this, since its first job yields too.
static void a_yield_hands_the_token_to_who_waits_for_it(void) {
    weir_budget *budget = budget_of(3);
    weir_pool *a = pool_with(budget, 2), *b = pool_with(budget, 2);
    for (int i = 0; i < 50; i++) {
        tally_init(&yield_go);
        weir_job yielding[3];
        weir_job go = WEIR_JOB_INIT(go_run, NULL);
        for (int j = 0; j < 3; j++) {
            yielding[j] = (weir_job)WEIR_JOB_INIT(yield_body, NULL);
            submit(j < 2 ? a : b, &yielding[j]);
        }
        submit(b, &go);
        wait_idle(b);
        wait_idle(a);
    }
    check_never_more_than(budget, 3);
    pool_close(a);
    pool_close(b);
    weir_budget_destroy(budget);
}

static int run_there(weir_worker *self, void *arg) {
    (void)self;
    (void)arg;
    busy_enter();
    tally_take(&busy);
    return 0;
}

// One job of each pool calls the other pool, over and over.
typedef struct crossing {
    weir_job job;
    weir_pool *own, *other;
    int left;
} crossing;

static int crossing_run(weir_worker *self, weir_job *job) {
    (void)self;
    busy_enter();
    tally_take(&busy);
    CHECK_EQ(weir_run(((crossing *)job)->other, run_there, NULL, NULL), 0);
    busy_enter();
    tally_take(&busy);
    return 0;
}

static void crossing_done(weir_job *job, int status) {
    crossing *c = (crossing *)job;
    CHECK_EQ(status, 0);
    if (--c->left > 0)
        submit(c->own, &c->job);
}

static void a_wait_gives_its_token_back_meanwhile(void) {
    weir_budget *budget = budget_of(2);
    weir_pool *a = pool_with(budget, 2), *b = pool_with(budget, 2);
    tally_init(&busy);
    tally_init(&busiest);
    crossing both_ways[2] = {
        {WEIR_JOB_INIT(crossing_run, crossing_done), a, b, 300},
        {WEIR_JOB_INIT(crossing_run, crossing_done), b, a, 300}};
    submit(a, &both_ways[0].job);
    submit(b, &both_ways[1].job);
    wait_idle(a);
    wait_idle(b);
    wait_idle(a);
    CHECK(tally_get(&busiest) <= 2);
    check_never_more_than(budget, 2);
    pool_close(a);
    pool_close(b);
    weir_budget_destroy(budget);
}

// Two tokens. The owner waits in its scope for the first child, which another
// worker runs; the owner's token goes to a held job. Then the first child
// spawns the second, which the owner would run: it has no token. Whatever
// state the second child is in, it can be cancelled and is counted.
typedef struct crowded {
    weir_job first, second;
    weir_scope scope;
    tally first_runs;
    gate first_gate, spawned;
} crowded;

static crowded crowd;

static int crowded_first_run(weir_worker *self, weir_job *job) {
    (void)job;
    mark_set(&crowd.first_runs);
    gate_pass(&crowd.first_gate);
    weir_scope_spawn(self, &crowd.scope, &crowd.second);
    gate_pass(&crowd.spawned);
    return 0;
}

static int crowded_owner_run(weir_worker *self, weir_job *job) {
    (void)job;
    CHECK_EQ(weir_scope_begin(self, &crowd.scope, NULL), 0);
    weir_scope_spawn(self, &crowd.scope, &crowd.first);
    mark_await(&crowd.first_runs, 1);
    int status = weir_scope_wait(self, &crowd.scope);
    CHECK(status == 0 || status == -ECANCELED);
    return 0;
}

static void a_child_may_be_cancelled_while_its_worker_has_no_token(void) {
    for (int i = 0; i < 20; i++) {
        weir_budget *budget = budget_of(2);
        weir_pool *pool = pool_with(budget, 2);
        memset(&crowd, 0, sizeof(crowd));
        gate_init(&crowd.first_gate);
        gate_init(&crowd.spawned);
        crowd.first = (weir_job)WEIR_JOB_INIT(crowded_first_run, NULL);
        crowd.second = (weir_job)WEIR_JOB_INIT(probe_run, NULL);
        weir_job owner = WEIR_JOB_INIT(crowded_owner_run, NULL);
        submit(pool, &owner);
        gate_await(&crowd.first_gate, 1);
        held h;
        hold(pool, &h); // has the owner's token
        gate_open(&crowd.first_gate);
        gate_await(&crowd.spawned, 1);
        for (int j = 0; j < 2000 && counts_of(pool).queued > 0; j++)
            sched_yield(); // somebody may take it, or nobody
        check_sum(pool);
        int answer = weir_cancel(pool, &crowd.second);
        CHECK(answer == 0 || answer == -EBUSY);
        check_sum(pool);
        gate_open(&crowd.spawned);
        release(&h);
        pool_close(pool);
        weir_budget_destroy(budget);
    }
}

static int section_run(weir_worker *self, weir_job *job) {
    (void)job;
    if (weir_blocking_begin(self) == 0) {
        sched_yield();
        weir_blocking_end(self);
    }
    busy_enter();
    tally_take(&busy);
    return 0;
}

static void a_blocking_section_comes_back_within_the_budget(void) {
    weir_budget *budget = budget_of(2);
    weir_pool *a = pool_with(budget, 2), *b = pool_with(budget, 2);
    tally_init(&busy);
    tally_init(&busiest);
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < JOBS; i++) {
            jobs[which][i] = (weir_job)WEIR_JOB_INIT(
                i % 2 == 0 ? section_run : busy_run, NULL);
            submit(which == 0 ? a : b, &jobs[which][i]);
        }
    wait_idle(a);
    wait_idle(b);
    CHECK(tally_get(&busiest) <= 2);
    check_never_more_than(budget, 2);
    pool_close(a);
    pool_close(b);
    weir_budget_destroy(budget);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_budget_has_at_least_one_token", a_budget_has_at_least_one_token},
        {"each_pool_needs_a_token_of_its_own",
         each_pool_needs_a_token_of_its_own},
        {"pools_together_never_exceed_the_tokens",
         pools_together_never_exceed_the_tokens},
        {"a_wide_pool_keeps_to_a_small_budget",
         a_wide_pool_keeps_to_a_small_budget},
        {"one_pool_may_have_what_the_others_do_not_reserve",
         one_pool_may_have_what_the_others_do_not_reserve},
        {"a_busy_pool_does_not_starve_another",
         a_busy_pool_does_not_starve_another},
        {"a_yield_hands_the_token_to_who_waits_for_it",
         a_yield_hands_the_token_to_who_waits_for_it},
        {"a_wait_gives_its_token_back_meanwhile",
         a_wait_gives_its_token_back_meanwhile},
        {"a_child_may_be_cancelled_while_its_worker_has_no_token",
         a_child_may_be_cancelled_while_its_worker_has_no_token},
        {"a_blocking_section_comes_back_within_the_budget",
         a_blocking_section_comes_back_within_the_budget},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
