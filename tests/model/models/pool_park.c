// SPDX-License-Identifier: MIT
// Nobody sleeps while there is work: a real pool, and threads that give it
// something to do while its workers fall asleep. What is lost is a deadlock.
#include "model/models/rooms.h"

static weir_job jobs[3];
static rooms_flag ran[3];

static int run_nothing(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void raise_own(weir_job *job, int status) {
    MC_CHECK(status == 0);
    rooms_raise(&ran[job - jobs]);
}

static void submit(weir_pool *pool, unsigned at) {
    jobs[at] = (weir_job)WEIR_JOB_INIT(run_nothing, raise_own);
    MC_CHECK(weir_submit(pool, &jobs[at]) == 0);
}

// The worker has run a job and falls asleep as the next one arrives.
static void a_job_that_arrives_as_the_worker_falls_asleep_runs(void) {
    weir_pool *pool = rooms_pool(1, 0);
    submit(pool, 0);
    rooms_await(&ran[0]);
    submit(pool, 1);
    rooms_await(&ran[1]);
    weir_pool_destroy(pool);
}

static void *submit_another(void *pool) {
    submit(pool, 1);
    return NULL;
}

static void jobs_of_two_threads_run(void) {
    weir_pool *pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(submit_another, pool);
    submit(pool, 0);
    rooms_await(&ran[0]);
    rooms_await(&ran[1]);
    (void)mc_join(other);
    weir_pool_destroy(pool);
}

// A bound takes the way in under the pool's lock.
static void who_waits_for_room_is_told(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.jobs_max = 1;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    for (unsigned i = 0; i < 2; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(run_nothing, raise_own);
        MC_CHECK(weir_submit_wait(pool, &jobs[i], WEIR_FOREVER) == 0);
    }
    weir_pool_destroy(pool);
    MC_CHECK(rooms_raised(&ran[0]) && rooms_raised(&ran[1]));
}

// ---- forks -----------------------------------------------------------------

static rooms_flag taken;

static void run_fork(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
    rooms_raise(&taken);
}

// It does not join before somebody else has taken the fork.
static int fork_and_wait(weir_worker *self, weir_job *job) {
    (void)job;
    weir_fork fork;
    weir_fork_begin(self, &fork, run_fork);
    rooms_await(&taken);
    weir_fork_join(self, &fork, run_fork);
    return 0;
}

static void a_fork_wakes_a_worker(void) {
    weir_pool *pool = rooms_pool(2, 0);
    rooms_await_idle(pool, 2);
    jobs[0] = (weir_job)WEIR_JOB_INIT(fork_and_wait, raise_own);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    rooms_await(&ran[0]);
    weir_pool_destroy(pool);
}

static void a_fork_is_taken_though_the_other_worker_falls_asleep(void) {
    weir_pool *pool = rooms_pool(2, 0);
    jobs[0] = (weir_job)WEIR_JOB_INIT(fork_and_wait, raise_own);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    rooms_await(&ran[0]);
    weir_pool_destroy(pool);
}

// It forks when the main thread says so, whatever the other worker is at then.
static rooms_flag began, go;

static int fork_when_told(weir_worker *self, weir_job *job) {
    rooms_raise(&began);
    rooms_await(&go);
    return fork_and_wait(self, job);
}

static void a_fork_is_taken_by_who_is_about_to_sleep(void) {
    weir_pool *pool = rooms_pool(2, 0);
    jobs[0] = (weir_job)WEIR_JOB_INIT(fork_when_told, raise_own);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    rooms_await(&began);
    rooms_raise(&go);
    rooms_await(&ran[0]);
    weir_pool_destroy(pool);
}

// Each of two jobs goes on when both run.
static rooms_flag runs[2];

static int meet(weir_worker *self, weir_job *job) {
    (void)self;
    unsigned own = (unsigned)(job - jobs);
    rooms_raise(&runs[own]);
    rooms_await(&runs[1 - own]);
    return 0;
}

static void who_finds_a_job_wakes_the_next(void) {
    weir_pool *pool = rooms_pool(2, 0);
    rooms_await_idle(pool, 2);
    for (unsigned i = 0; i < 2; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(meet, raise_own);
        MC_CHECK(weir_submit(pool, &jobs[i]) == 0);
    }
    weir_pool_destroy(pool);
    MC_CHECK(rooms_raised(&ran[0]) && rooms_raised(&ran[1]));
}

#define BOUNDED(case, most, older)                                             \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = older                                                         \
    }

const mc_case mc_cases[] = {
    BOUNDED(a_job_that_arrives_as_the_worker_falls_asleep_runs, 2, 1),
    BOUNDED(jobs_of_two_threads_run, 1, 0),
    BOUNDED(who_waits_for_room_is_told, 2, 0),
    BOUNDED(a_fork_wakes_a_worker, 0, 1),
    BOUNDED(a_fork_is_taken_though_the_other_worker_falls_asleep, 1, 1),
    BOUNDED(a_fork_is_taken_by_who_is_about_to_sleep, 1, 1),
    BOUNDED(who_finds_a_job_wakes_the_next, 1, 1),
    {.name = NULL},
};
