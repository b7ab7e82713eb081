// SPDX-License-Identifier: MIT
// Which forks others may take, and when: a worker keeps some to itself until
// what lay open is taken.
#include "support/pool.h"

enum { FORKS = 8 };

typedef struct shown {
    weir_fork fork;
    tally ran;
    unsigned index; // of the worker that ran it
} shown;

static weir_event *fired_by_last;

static void show(weir_worker *self, weir_fork *fork) {
    shown *s = (shown *)fork;
    s->index = weir_worker_index(self);
    mark_set(&s->ran);
}

static void show_and_fire(weir_worker *self, weir_fork *fork) {
    show(self, fork);
    CHECK_EQ(weir_event_fire(fired_by_last, 0), 0);
}

// ---- two workers, one of them busy while the other forks -------------------

typedef void with_forks(weir_worker *self, shown *forks);

static gate busy_gate;
static tally busy;
static with_forks *current;

static int be_busy(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    mark_set(&busy);
    gate_pass(&busy_gate);
    return 0;
}

static void join_all(weir_worker *self, shown *forks, int count) {
    for (int i = count - 1; i >= 0; i--)
        weir_fork_join(self, &forks[i].fork, show);
}

// Begins FORKS forks that nobody can take yet; then lets the other worker go.
static int fork_beside_a_busy_one(weir_worker *self, void *arg) {
    (void)arg;
    shown forks[FORKS];
    mark_await(&busy, 1);
    for (int i = 0; i < FORKS; i++) {
        tally_init(&forks[i].ran);
        weir_fork_begin(self, &forks[i].fork, show);
    }
    gate_open(&busy_gate);
    current(self, forks);
    for (int i = 0; i < FORKS; i++)
        CHECK_EQ(tally_get(&forks[i].ran), 1);
    return 0;
}

static void beside_a_busy_one(with_forks *function) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < 50; i++) {
        current = function;
        gate_init(&busy_gate);
        tally_init(&busy);
        weir_job job = WEIR_JOB_INIT(be_busy, NULL);
        submit(pool, &job);
        int status = 1;
        CHECK_EQ(weir_run(pool, fork_beside_a_busy_one, NULL, &status), 0);
        CHECK_EQ(status, 0);
        wait_idle(pool);
        gate_fini(&busy_gate);
    }
    pool_close(pool);
}

// Goes on only when the other worker has run them all.
static void ask_until_all_ran(weir_worker *self, shown *forks) {
    while (tally_get(&forks[FORKS - 1].ran) == 0) {
        CHECK_EQ(weir_cancelled(self), 0);
        sched_yield();
    }
    join_all(self, forks, FORKS);
}

static void who_asks_whether_it_is_cancelled_opens_its_forks(void) {
    beside_a_busy_one(ask_until_all_ran);
}

static void yield_until_all_ran(weir_worker *self, shown *forks) {
    while (tally_get(&forks[FORKS - 1].ran) == 0)
        weir_yield(self);
    join_all(self, forks, FORKS);
}

static void who_yields_opens_its_forks(void) {
    beside_a_busy_one(yield_until_all_ran);
}

// The oldest is taken first; the next join opens more.
static void join_one_by_one(weir_worker *self, shown *forks) {
    mark_await(&forks[0].ran, 1);
    weir_fork_join(self, &forks[FORKS - 1].fork, show);
    mark_await(&forks[1].ran, 1);
    CHECK(forks[1].index != weir_worker_index(self));
    join_all(self, forks, FORKS - 1);
}

static void who_joins_one_opens_others(void) {
    beside_a_busy_one(join_one_by_one);
}

static void fork_one_more(weir_worker *self, shown *forks) {
    shown more;
    tally_init(&more.ran);
    mark_await(&forks[0].ran, 1);
    weir_fork_begin(self, &more.fork, show);
    mark_await(&forks[1].ran, 1);
    CHECK(forks[1].index != weir_worker_index(self));
    weir_fork_join(self, &more.fork, show);
    join_all(self, forks, FORKS);
}

static void who_forks_one_opens_others(void) {
    beside_a_busy_one(fork_one_more);
}

// The event is fired by a fork that was not open.
static void wait_for_the_last(weir_worker *self, shown *forks) {
    weir_event event;
    shown last;
    weir_event_init(&event, weir_worker_pool(self), 1);
    fired_by_last = &event;
    tally_init(&last.ran);
    weir_fork_begin(self, &last.fork, show_and_fire);
    int status = 1;
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    CHECK(last.index != weir_worker_index(self));
    weir_fork_join(self, &last.fork, show_and_fire);
    join_all(self, forks, FORKS);
}

static void who_waits_opens_all_its_forks(void) {
    beside_a_busy_one(wait_for_the_last);
}

// A child that the waiter runs itself, above forks that nobody could take.
static int fork_and_ask(weir_worker *self, weir_job *job) {
    (void)job;
    shown own;
    tally_init(&own.ran);
    weir_fork_begin(self, &own.fork, show);
    gate_open(&busy_gate);
    while (tally_get(&own.ran) == 0) {
        CHECK_EQ(weir_cancelled(self), 0);
        sched_yield();
    }
    weir_fork_join(self, &own.fork, show);
    CHECK(own.index != weir_worker_index(self));
    return 0;
}

static int wait_above_forks(weir_worker *self, void *arg) {
    (void)arg;
    shown forks[FORKS];
    mark_await(&busy, 1);
    for (int i = 0; i < FORKS; i++) {
        tally_init(&forks[i].ran);
        weir_fork_begin(self, &forks[i].fork, show);
    }
    weir_scope scope;
    weir_scope_begin(self, &scope, NULL);
    weir_job child = WEIR_JOB_INIT(fork_and_ask, NULL);
    weir_scope_spawn(self, &scope, &child);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    join_all(self, forks, FORKS);
    return 0;
}

static void what_a_waiter_runs_opens_forks_of_its_own(void) {
    weir_pool *pool = pool_of(2);
    gate_init(&busy_gate);
    tally_init(&busy);
    weir_job job = WEIR_JOB_INIT(be_busy, NULL);
    submit(pool, &job);
    int status = 1;
    CHECK_EQ(weir_run(pool, wait_above_forks, NULL, &status), 0);
    CHECK_EQ(status, 0);
    wait_idle(pool);
    gate_fini(&busy_gate);
    pool_close(pool);
}

static void block_until_all_ran(weir_worker *self, shown *forks) {
    CHECK_EQ(weir_blocking_begin(self), 0);
    mark_await(&forks[FORKS - 1].ran, 1);
    weir_blocking_end(self);
    join_all(self, forks, FORKS);
}

static void who_blocks_opens_all_its_forks(void) {
    beside_a_busy_one(block_until_all_ran);
}

static int await_ran(weir_worker *self, void *arg) {
    (void)self;
    mark_await(&((shown *)arg)->ran, 1);
    return 0;
}

static int other_threads; // of the pool where it waits

static void run_elsewhere(weir_worker *self, shown *forks) {
    weir_pool *other = pool_of(other_threads);
    CHECK_EQ(weir_run(other, await_ran, &forks[FORKS - 1], NULL), 0);
    pool_close(other);
    join_all(self, forks, FORKS);
}

static void who_waits_on_another_pool_opens_its_forks(void) {
    other_threads = 1;
    beside_a_busy_one(run_elsewhere);
    other_threads = 0; // it runs on the thread of the worker that waits
    beside_a_busy_one(run_elsewhere);
}

// ---- how many are wanted ---------------------------------------------------

static tally met;

static void meet(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
    tally_add(&met);
    mark_await(&met, 3);
}

static int fork_three(weir_worker *self, void *arg) {
    (void)arg;
    weir_fork forks[3];
    for (int i = 0; i < 3; i++)
        weir_fork_begin(self, &forks[i], meet);
    mark_await(&met, 3);
    for (int i = 2; i >= 0; i--)
        weir_fork_join(self, &forks[i], meet);
    return 0;
}

static void each_other_worker_finds_a_fork(void) {
    weir_pool *pool = pool_of(4);
    for (int i = 0; i < 50; i++) {
        tally_init(&met);
        CHECK_EQ(weir_run(pool, fork_three, NULL, NULL), 0);
    }
    pool_close(pool);
}

static void ask_whether_more_are_wanted(weir_worker *self, shown *forks) {
    join_all(self, forks, FORKS);
    CHECK(weir_fork_wanted(self) != 0);
}

static int fork_until_enough(weir_worker *self, void *arg) {
    (void)arg;
    shown forks[FORKS + 1];
    mark_await(&busy, 1);
    int count = 0;
    for (; count <= FORKS && weir_fork_wanted(self); count++) {
        tally_init(&forks[count].ran);
        weir_fork_begin(self, &forks[count].fork, show);
    }
    CHECK_EQ(count, 3);
    gate_open(&busy_gate);
    mark_await(&forks[0].ran, 1); // taken
    CHECK(weir_fork_wanted(self) != 0);
    join_all(self, forks, count);
    return 0;
}

static void a_fork_is_wanted_until_a_few_wait(void) {
    beside_a_busy_one(ask_whether_more_are_wanted);
    weir_pool *pool = pool_of(2);
    gate_init(&busy_gate);
    tally_init(&busy);
    weir_job job = WEIR_JOB_INIT(be_busy, NULL);
    submit(pool, &job);
    CHECK_EQ(weir_run(pool, fork_until_enough, NULL, NULL), 0);
    pool_close(pool);
    gate_fini(&busy_gate);
}

// ---- taken from the middle -------------------------------------------------

typedef struct helper {
    weir_job job; // first
    tally *begun;
    unsigned outer; // index of the worker that waits for both
} helper;

// One of two that run at the same time. Where it is not the worker of the work
// around it, it lies on the stack of one that waits with forks in its deque;
// what it forks is for the worker around it alone, which waits for this.
static int fork_on_top(weir_worker *self, weir_job *job) {
    helper *h = (helper *)job;
    mark_set(h->begun);
    mark_await(h->begun, 2);
    if (weir_worker_index(self) == h->outer)
        return 0;
    weir_event event;
    shown last;
    weir_event_init(&event, weir_worker_pool(self), 1);
    fired_by_last = &event;
    tally_init(&last.ran);
    weir_fork_begin(self, &last.fork, show_and_fire);
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
    CHECK(weir_fork_wanted(self) != 0);
    weir_fork_join(self, &last.fork, show_and_fire);
    return 0;
}

typedef struct outer {
    weir_job job; // first
    tally begun;
} outer;

static int help_each_other(weir_worker *self, weir_job *job) {
    tally begun;
    tally_init(&begun);
    helper h[2];
    weir_scope scope;
    mark_set(&((outer *)job)->begun);
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 2; i++) {
        h[i] = (helper){.job = WEIR_JOB_INIT(fork_on_top, NULL),
                        .begun = &begun,
                        .outer = weir_worker_index(self)};
        weir_scope_spawn(self, &scope, &h[i].job);
    }
    return weir_scope_wait(self, &scope);
}

static int fork_below(weir_worker *self, void *arg) {
    (void)arg;
    outer o = {.job = WEIR_JOB_INIT(help_each_other, NULL)};
    shown forks[2];
    weir_scope scope;
    tally_init(&o.begun);
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &o.job);
    mark_await(&o.begun, 1); // the other worker has it
    for (int i = 0; i < 2; i++) {
        tally_init(&forks[i].ran);
        weir_fork_begin(self, &forks[i].fork, show);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    join_all(self, forks, 2);
    return 0;
}

// Two wait to be taken, the third was taken though it was begun after them.
static void what_was_taken_from_the_middle_does_not_wait(void) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < 200; i++) {
        int status = 1;
        CHECK_EQ(weir_run(pool, fork_below, NULL, &status), 0);
        CHECK_EQ(status, 0);
    }
    pool_close(pool);
}

static int ask_alone(weir_worker *self, void *arg) {
    (void)arg;
    shown one;
    CHECK_EQ(weir_fork_wanted(self), 0);
    tally_init(&one.ran);
    weir_fork_begin(self, &one.fork, show);
    CHECK_EQ(weir_fork_wanted(self), 0);
    weir_fork_join(self, &one.fork, show);
    return 0;
}

static void without_another_worker_none_is_wanted(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(weir_run(pool, ask_alone, NULL, NULL), 0);
    pool_close(pool);
}

// ---- from other languages --------------------------------------------------

typedef struct sum {
    weir_fork fork;
    int n;
    long value;
} sum;

static void sum_run(weir_worker *self, weir_fork *fork) {
    sum *s = (sum *)fork;
    s->value = s->n;
    if (s->n < 2)
        return;
    sum left = {.n = s->n - 1}, right = {.n = s->n - 2};
    weir_fork_begin_v1(self, &right.fork, sum_run);
    sum_run(self, &left.fork);
    if (weir_fork_pop_v1(self, &right.fork, sum_run))
        sum_run(self, &right.fork);
    s->value = left.value + right.value;
}

static int sum_in(weir_worker *self, void *arg) {
    (void)arg;
    sum s = {.n = 11};
    sum_run(self, &s.fork);
    CHECK_EQ(s.value, 89);
    return 0;
}

static void run_sum(weir_pool *pool) {
    int status = 1;
    CHECK_EQ(weir_run(pool, sum_in, NULL, &status), 0);
    CHECK_EQ(status, 0);
}

static void begin_and_join_may_be_called_without_the_inline_part(void) {
    for_each_pool(run_sum);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"who_asks_whether_it_is_cancelled_opens_its_forks",
         who_asks_whether_it_is_cancelled_opens_its_forks},
        {"who_yields_opens_its_forks", who_yields_opens_its_forks},
        {"who_joins_one_opens_others", who_joins_one_opens_others},
        {"who_forks_one_opens_others", who_forks_one_opens_others},
        {"who_waits_opens_all_its_forks", who_waits_opens_all_its_forks},
        {"what_a_waiter_runs_opens_forks_of_its_own",
         what_a_waiter_runs_opens_forks_of_its_own},
        {"who_blocks_opens_all_its_forks", who_blocks_opens_all_its_forks},
        {"who_waits_on_another_pool_opens_its_forks",
         who_waits_on_another_pool_opens_its_forks},
        {"each_other_worker_finds_a_fork", each_other_worker_finds_a_fork},
        {"a_fork_is_wanted_until_a_few_wait",
         a_fork_is_wanted_until_a_few_wait},
        {"what_was_taken_from_the_middle_does_not_wait",
         what_was_taken_from_the_middle_does_not_wait},
        {"without_another_worker_none_is_wanted",
         without_another_worker_none_is_wanted},
        {"begin_and_join_may_be_called_without_the_inline_part",
         begin_and_join_may_be_called_without_the_inline_part},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
