// SPDX-License-Identifier: MIT
// Three workers that sleep: each job and each fork wakes one, though who finds
// something to do wakes only one more; a fork of a thief wakes the third.
#include "model/models/rooms.h"

static rooms_flag here[3];

// Goes on when all three are here.
static void meet(unsigned own) {
    rooms_raise(&here[own]);
    for (unsigned i = 0; i < 3; i++)
        rooms_await(&here[i]);
}

// ---- jobs ------------------------------------------------------------------

static weir_job jobs[3];

static int run_and_meet(weir_worker *self, weir_job *job) {
    (void)self;
    meet((unsigned)(job - jobs));
    return 0;
}

static void submit_and_meet(weir_pool *pool, unsigned at) {
    jobs[at] = (weir_job)WEIR_JOB_INIT(run_and_meet, NULL);
    MC_CHECK(weir_submit(pool, &jobs[at]) == 0);
}

static void three_jobs_wake_three_workers(void) {
    weir_pool *pool = rooms_pool(3, 0);
    rooms_await_idle(pool, 3);
    for (unsigned i = 0; i < 3; i++)
        submit_and_meet(pool, i);
    weir_pool_destroy(pool);
}

// ---- forks -----------------------------------------------------------------

typedef struct record {
    weir_fork fork; // first
    unsigned own;
} record;

static record *record_of(weir_fork *fork) {
    return wr_container_of(fork, record, fork);
}

static void run_fork(weir_worker *self, weir_fork *fork) {
    (void)self;
    meet(record_of(fork)->own);
}

static int fork_two(weir_worker *self, weir_job *job) {
    (void)job;
    record r[2] = {{.own = 1}, {.own = 2}};
    for (int i = 0; i < 2; i++)
        weir_fork_begin(self, &r[i].fork, run_fork);
    meet(0);
    for (int i = 1; i >= 0; i--)
        weir_fork_join(self, &r[i].fork, run_fork);
    return 0;
}

static void run_alone(int (*run)(weir_worker *self, weir_job *job)) {
    weir_pool *pool = rooms_pool(3, 0);
    rooms_await_idle(pool, 3);
    jobs[0] = (weir_job)WEIR_JOB_INIT(run, NULL);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    weir_pool_destroy(pool);
}

static void two_forks_wake_two_workers(void) { run_alone(fork_two); }

// The thief forks again.
static void fork_again(weir_worker *self, weir_fork *fork) {
    record inner = {.own = 2};
    weir_fork_begin(self, &inner.fork, run_fork);
    meet(record_of(fork)->own);
    weir_fork_join(self, &inner.fork, run_fork);
}

static int fork_nested(weir_worker *self, weir_job *job) {
    (void)job;
    record r = {.own = 1};
    weir_fork_begin(self, &r.fork, fork_again);
    meet(0);
    weir_fork_join(self, &r.fork, fork_again);
    return 0;
}

static void a_fork_of_a_thief_wakes_the_third(void) { run_alone(fork_nested); }

#define BOUNDED(case, most, older)                                             \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = older                                                         \
    }

const mc_case mc_cases[] = {
    BOUNDED(three_jobs_wake_three_workers, 0, 1),
    BOUNDED(two_forks_wake_two_workers, 0, 1),
    BOUNDED(a_fork_of_a_thief_wakes_the_third, 0, 1),
    {.name = NULL},
};
