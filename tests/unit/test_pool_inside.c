// SPDX-License-Identifier: MIT
// What src/pool/README.md promises and no caller sees: what ran before on a
// worker says nothing of what runs there now, records need not be zeroed, who
// waits long for work does not spin for it, and a deterministic pool has no
// private forks.
#include "pool/internal.h"
#include "support/pool.h"

// ---- frames ----------------------------------------------------------------

// A job holds one of two workers and has things run on the other: first one
// that is told to end, then one that is not.
typedef struct told {
    union {
        weir_job job;
        weir_fork fork;
    };
    weir_scope *scope; // that it cancels
    tally begun, over;
    int why; // what weir_cancelled said at last
} told;

typedef void told_first(weir_worker *self, told *t);

static void told_init(told *t) {
    t->scope = NULL;
    t->why = 1;
    tally_init(&t->begun);
    tally_init(&t->over);
}

static int run_until_told(weir_worker *self, weir_job *job) {
    told *t = (told *)job;
    mark_set(&t->begun);
    if (t->scope != NULL)
        weir_scope_cancel(t->scope);
    while ((t->why = weir_cancelled(self)) == 0)
        sched_yield();
    return 0;
}

static void note_over(weir_job *job, int status) {
    (void)status;
    mark_set(&((told *)job)->over);
}

static void cancel_a_job(weir_worker *self, told *t) {
    weir_pool *pool = weir_worker_pool(self);
    t->job = (weir_job)WEIR_JOB_INIT(run_until_told, note_over);
    submit(pool, &t->job);
    mark_await(&t->begun, 1);
    CHECK_EQ(weir_cancel(pool, &t->job), -EBUSY);
    mark_await(&t->over, 1);
    CHECK_EQ(t->why, -ECANCELED);
}

// Again with more time, if its deadline passed before it began.
static void run_late(weir_worker *self, told *t) {
    for (int64_t ms = 20; tally_get(&t->begun) == 0; ms *= 2) {
        told_init(t);
        t->job = (weir_job)WEIR_JOB_INIT(run_until_told, note_over);
        t->job.deadline_ns = in_ms(ms);
        submit(weir_worker_pool(self), &t->job);
        mark_await(&t->over, 1);
    }
    CHECK_EQ(t->why, -ETIMEDOUT);
}

// Its memory stays, and says that it was cancelled.
static weir_scope cancelled_scope;

static void cancel_a_scope(weir_worker *self, told *t) {
    t->scope = &cancelled_scope;
    t->job = (weir_job)WEIR_JOB_INIT(run_until_told, note_over);
    CHECK_EQ(weir_scope_begin(self, t->scope, NULL), 0);
    weir_scope_spawn(self, t->scope, &t->job);
    mark_await(&t->over, 1);
    CHECK_EQ(weir_scope_wait(self, t->scope), 0);
    CHECK_EQ(t->why, -ECANCELED);
}

static void run_nothing(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
}

// It may fork and open scopes, and was not told to end.
static void ask(weir_worker *self, told *t) {
    weir_fork inner;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_fork_begin(self, &inner, run_nothing);
    weir_fork_join(self, &inner, run_nothing);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    t->why = weir_cancelled(self);
    mark_set(&t->over);
}

static int ask_in_job(weir_worker *self, weir_job *job) {
    ask(self, (told *)job);
    return 0;
}

static void ask_in_fork(weir_worker *self, weir_fork *fork) {
    ask(self, (told *)fork);
}

static void then_a_job(weir_worker *self, told *t) {
    told_init(t);
    t->job = (weir_job)WEIR_JOB_INIT(ask_in_job, NULL);
    submit(weir_worker_pool(self), &t->job);
    mark_await(&t->over, 1);
    CHECK_EQ(t->why, 0);
}

static void then_a_fork(weir_worker *self, told *t) {
    told_init(t);
    weir_fork_begin(self, &t->fork, ask_in_fork);
    mark_await(&t->over, 1);
    weir_fork_join(self, &t->fork, ask_in_fork);
    CHECK_EQ(t->why, 0);
}

static int one_after_the_other(weir_worker *self, void *arg) {
    static told_first *const first[] = {cancel_a_job, run_late, cancel_a_scope};
    (void)arg;
    for (size_t i = 0; i < TEST_COUNT(first); i++) {
        // The jobs may still be ending when the next one begins.
        static told before[2 * TEST_COUNT(first)];
        static told after[TEST_COUNT(first)];
        told fork;
        told_init(&before[2 * i]);
        first[i](self, &before[2 * i]);
        then_a_job(self, &after[i]);
        told_init(&before[2 * i + 1]);
        first[i](self, &before[2 * i + 1]);
        then_a_fork(self, &fork);
    }
    return 0;
}

static void what_ran_before_tells_nothing(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    CHECK_EQ(weir_run(pool, one_after_the_other, NULL, NULL), 0);
    pool_close(pool);
}

// ---- records ---------------------------------------------------------------

typedef struct shown {
    weir_fork fork;
    tally ran;
} shown;

// Returns when the other worker sleeps.
static void show_and_see_it_sleep(weir_worker *self, weir_fork *fork) {
    weir_pool *pool = weir_worker_pool(self);
    uint64_t parks = counts_of(pool).parks;
    mark_set(&((shown *)fork)->ran);
    while (counts_of(pool).parks == parks)
        sched_yield();
}

static int join_what_was_not_zeroed(weir_worker *self, void *arg) {
    (void)arg;
    shown s;
    memset(&s.fork, 0xff, sizeof(s.fork));
    tally_init(&s.ran);
    weir_fork_begin(self, &s.fork, show_and_see_it_sleep);
    mark_await(&s.ran, 1); // the other worker has it
    weir_fork_join(self, &s.fork, show_and_see_it_sleep);
    return 0;
}

// The join looks at the worker that took the fork.
static void a_record_need_not_be_zeroed(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(weir_run(pool, join_what_was_not_zeroed, NULL, NULL), 0);
    pool_close(pool);
}

// ---- spinning --------------------------------------------------------------

static void await_parked(weir_pool *pool) {
    for (bool parked = false; !parked;) {
        wr_pool_lock(pool);
        parked = pool->workers[0].parked;
        wr_pool_unlock(pool);
        sched_yield();
    }
}

// Each time it sleeps for longer than it would spin; that it wakes late, on a
// loaded machine, makes it longer.
static void who_waits_long_spins_no_more(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(pool->workers[0].spin_pays, WR_SPIN_PAYS_MAX);
    for (unsigned i = 0; i <= WR_SPIN_PAYS_MAX; i++) {
        work w = work_of(0);
        await_parked(pool);
        until(weir_now_ns() + 2 * WR_SPIN_NS);
        submit(pool, &w.job);
        wait_idle(pool);
    }
    wr_pool_lock(pool);
    unsigned pays = pool->workers[0].spin_pays;
    wr_pool_unlock(pool);
    CHECK_EQ(pays, 0);
    pool_close(pool);
}

// ---- no private forks ------------------------------------------------------

enum { ROW = 3 };

static int rows_taken; // at one switch point

static void count_run(weir_worker *self, weir_fork *fork) {
    (void)self;
    tally_add(&((shown *)fork)->ran);
}

static uint64_t ran(shown *row) {
    uint64_t sum = 0;
    for (int i = 0; i < ROW; i++)
        sum += tally_get(&row[i].ran);
    return sum;
}

static int begin_a_row(weir_worker *self, void *arg) {
    (void)arg;
    shown row[ROW];
    uint64_t before = 0;
    for (int i = 0; i < ROW; i++)
        tally_init(&row[i].ran);
    for (int i = 0; i < ROW; i++) {
        CHECK(!wr_forks_hidden_here());
        before = ran(row);
        weir_fork_begin(self, &row[i].fork, count_run);
    }
    CHECK(!wr_forks_hidden_here());
    rows_taken += before == 0 && ran(row) == ROW;
    for (int i = ROW - 1; i >= 0; i--)
        weir_fork_join(self, &row[i].fork, count_run);
    CHECK_EQ(ran(row), ROW);
    return 0;
}

// So that every order of forks and joins is tried there.
static void a_deterministic_pool_has_no_private_forks(void) {
    rows_taken = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        weir_pool *pool = pool_seeded(seed, 2);
        CHECK_EQ(weir_run(pool, begin_a_row, NULL, NULL), 0);
        pool_close(pool);
    }
    CHECK(rows_taken > 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"what_ran_before_tells_nothing", what_ran_before_tells_nothing},
        {"a_record_need_not_be_zeroed", a_record_need_not_be_zeroed},
        {"who_waits_long_spins_no_more", who_waits_long_spins_no_more},
        {"a_deterministic_pool_has_no_private_forks",
         a_deterministic_pool_has_no_private_forks},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
