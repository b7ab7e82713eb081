// SPDX-License-Identifier: MIT
// Fork and join: the record lies on the stack of the work that joins it, and
// the thief's last touch comes before the join returns (FORK_1). A join helps
// with descendants of its fork only.
#include "model/models/rooms.h"

typedef struct record {
    weir_fork fork; // first
    int value;
} record;

static record *record_of(weir_fork *fork) {
    return wr_container_of(fork, record, fork);
}

static void run_fork(weir_worker *self, weir_fork *fork) {
    (void)self;
    record_of(fork)->value = 7;
}

static int fork_and_join(weir_worker *self, weir_job *job) {
    (void)job;
    record r = {.value = 0};
    weir_fork_begin(self, &r.fork, run_fork);
    weir_fork_join(self, &r.fork, run_fork);
    MC_CHECK(r.value == 7);
    return 0;
}

static weir_job forker;

static void a_join_sees_what_the_thief_did(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(fork_and_join, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

// ---- asleep in the join ----------------------------------------------------

static rooms_flag has_it, goes_on;

static void run_slowly(weir_worker *self, weir_fork *fork) {
    rooms_raise(&has_it);
    rooms_await(&goes_on);
    run_fork(self, fork);
}

// The thief ends while the joiner looks, lends its place or sleeps.
static int join_a_thief(weir_worker *self, weir_job *job) {
    (void)job;
    record r = {.value = 0};
    weir_fork_begin(self, &r.fork, run_slowly);
    rooms_await(&has_it);
    rooms_raise(&goes_on);
    weir_fork_join(self, &r.fork, run_slowly);
    MC_CHECK(r.value == 7);
    return 0;
}

static void a_join_that_sleeps_is_woken(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(join_a_thief, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

// ---- nested ----------------------------------------------------------------

static rooms_flag stolen;

static void fork_again(weir_worker *self, weir_fork *fork) {
    rooms_raise(&stolen);
    record inner = {.value = 0};
    weir_fork_begin(self, &inner.fork, run_fork);
    weir_fork_join(self, &inner.fork, run_fork);
    record_of(fork)->value = inner.value;
}

static int fork_nested(weir_worker *self, weir_job *job) {
    (void)job;
    record r = {.value = 0};
    weir_fork_begin(self, &r.fork, fork_again);
    rooms_await(&stolen);
    weir_fork_join(self, &r.fork, fork_again);
    MC_CHECK(r.value == 7);
    return 0;
}

// The joiner may take back what the thief forks.
static void a_join_helps_with_what_its_fork_forks(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(fork_nested, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

// ---- descendants only ------------------------------------------------------

static rooms_flag joined;
static weir_job unrelated;

// Beneath the join it would wait for itself: a deadlock.
static int run_unrelated(weir_worker *self, weir_job *job) {
    (void)job;
    MC_CHECK(self->frame->below == NULL);
    rooms_await(&joined);
    return 0;
}

// It is queued while the other worker has the fork.
static int join_with_others_about(weir_worker *self, weir_job *job) {
    (void)job;
    record r = {.value = 0};
    weir_fork_begin(self, &r.fork, run_slowly);
    rooms_await(&has_it);
    unrelated = (weir_job)WEIR_JOB_INIT(run_unrelated, NULL);
    MC_CHECK(weir_submit(weir_worker_pool(self), &unrelated) == 0);
    rooms_raise(&goes_on);
    weir_fork_join(self, &r.fork, run_slowly);
    rooms_raise(&joined);
    return 0;
}

static void a_join_waits_without_unrelated_work(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(join_with_others_about, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

// ---- forks that are not open ------------------------------------------------

// Of two forks one lies open. The other is private, unless the thief has taken
// the first, and is popped without a lock.
static int fork_two(weir_worker *self, weir_job *job) {
    (void)job;
    record r[3] = {{.value = 0}};
    for (int i = 0; i < 2; i++)
        weir_fork_begin(self, &r[i].fork, run_fork);
    weir_fork_join(self, &r[1].fork, run_fork);
    weir_fork_begin(self, &r[2].fork, run_fork);
    weir_fork_join(self, &r[2].fork, run_fork);
    weir_fork_join(self, &r[0].fork, run_fork);
    for (int i = 0; i < 3; i++)
        MC_CHECK(r[i].value == 7);
    return 0;
}

static void a_private_fork_is_the_owners(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(fork_two, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

static weir_event fired_by_a_fork;

static void run_and_fire(weir_worker *self, weir_fork *fork) {
    run_fork(self, fork);
    MC_CHECK(weir_event_fire(&fired_by_a_fork, 0) == 0);
}

// Only another worker can run the second: this one does not help it.
static int fork_and_wait(weir_worker *self, weir_job *job) {
    (void)job;
    record r[2] = {{.value = 0}};
    weir_event_init(&fired_by_a_fork, weir_worker_pool(self), 1);
    weir_fork_begin(self, &r[0].fork, run_fork);
    weir_fork_begin(self, &r[1].fork, run_and_fire);
    MC_CHECK(weir_event_wait(&fired_by_a_fork, WEIR_FOREVER, NULL) == 0);
    weir_fork_join(self, &r[1].fork, run_and_fire);
    weir_fork_join(self, &r[0].fork, run_fork);
    MC_CHECK(r[0].value == 7 && r[1].value == 7);
    return 0;
}

static void who_waits_opens_its_forks(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(fork_and_wait, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

// ---- opened by a wait, taken back by joins ---------------------------------

static int fork_and_be_told(weir_worker *self, weir_job *job) {
    (void)job;
    record r[3] = {{.value = 0}};
    for (int i = 0; i < 3; i++)
        weir_fork_begin(self, &r[i].fork, run_fork);
    MC_CHECK(weir_event_wait(&fired_by_a_fork, WEIR_FOREVER, NULL) == 0);
    for (int i = 2; i >= 0; i--) {
        weir_fork_join(self, &r[i].fork, run_fork);
        MC_CHECK(r[i].value == 7);
    }
    return 0;
}

static void who_has_waited_takes_its_forks_back(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.fork_depth = 4;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    weir_event_init(&fired_by_a_fork, pool, 1);
    forker = (weir_job)WEIR_JOB_INIT(fork_and_be_told, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    MC_CHECK(weir_event_fire(&fired_by_a_fork, 0) == 0);
    weir_pool_destroy(pool);
}

// ---- a full deque ----------------------------------------------------------

static int fork_too_many(weir_worker *self, weir_job *job) {
    (void)job;
    record r[3] = {{.value = 0}};
    for (int i = 0; i < 3; i++) // room for two
        weir_fork_begin(self, &r[i].fork, run_fork);
    for (int i = 2; i >= 0; i--) {
        weir_fork_join(self, &r[i].fork, run_fork);
        MC_CHECK(r[i].value == 7);
    }
    return 0;
}

static void a_fork_too_many_runs_at_once(void) {
    weir_pool *pool = rooms_pool(2, 0);
    forker = (weir_job)WEIR_JOB_INIT(fork_too_many, NULL);
    MC_CHECK(weir_submit(pool, &forker) == 0);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(a_join_sees_what_the_thief_did, 1),
    BOUNDED(a_join_that_sleeps_is_woken, 1),
    BOUNDED(a_join_helps_with_what_its_fork_forks, 1),
    BOUNDED(a_join_waits_without_unrelated_work, 1),
    BOUNDED(a_private_fork_is_the_owners, 1),
    BOUNDED(who_waits_opens_its_forks, 1),
    BOUNDED(who_has_waited_takes_its_forks_back, 1),
    BOUNDED(a_fork_too_many_runs_at_once, 1),
    {.name = NULL},
};
