// SPDX-License-Identifier: MIT
// Stopping against those who still come: each accepted job ends exactly once,
// and after the stop nothing of the pool is left.
#include "model/models/rooms.h"

#include <string.h>

static weir_job jobs[2];
static unsigned ended[2]; // by done
static unsigned started;

static int count_start(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    started++;
    return 0;
}

static void count_end(weir_job *job, int status) {
    MC_CHECK(weir_job_ran(job) ? status == 0 : status == -ESHUTDOWN);
    ended[job - jobs]++;
}

static int submit(weir_pool *pool, unsigned at) {
    jobs[at] = (weir_job)WEIR_JOB_INIT(count_start, count_end);
    int error = weir_submit(pool, &jobs[at]);
    MC_CHECK(error == 0 || error == -ESHUTDOWN);
    return error;
}

static void *submit_one(void *pool) {
    return submit(pool, 0) == 0 ? pool : NULL;
}

static void stop_while_one_submits(weir_stop_mode mode) {
    weir_pool *pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(submit_one, pool);
    weir_stop_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pool_stop(pool, mode, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.remaining == 0 && report.running == 0);
    uint64_t told = report.run + report.not_run;
    bool accepted = mc_join(other) != NULL;
    MC_CHECK(told == accepted);
    MC_CHECK(ended[0] == accepted && started == report.run);
    MC_CHECK(mode != WEIR_STOP_DRAIN || started == accepted);
    weir_pool_destroy(pool);
}

static void a_drain_runs_what_was_accepted(void) {
    stop_while_one_submits(WEIR_STOP_DRAIN);
}

static void a_cancel_ends_what_was_accepted(void) {
    stop_while_one_submits(WEIR_STOP_CANCEL);
}

// A pool that drains still takes what its own workers submit.
static int submit_next(weir_worker *self, weir_job *job) {
    (void)job;
    MC_CHECK(submit(weir_worker_pool(self), 1) == 0);
    return 0;
}

static void a_drain_lets_jobs_submit_more(void) {
    weir_pool *pool = rooms_pool(1, 0);
    jobs[0] = (weir_job)WEIR_JOB_INIT(submit_next, count_end);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    weir_pool_destroy(pool);
    MC_CHECK(ended[0] == 1 && ended[1] == 1 && started == 1);
}

static void *stop_too(void *pool) {
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL) == 0);
    return NULL;
}

static void two_may_stop_at_once(void) {
    weir_pool *pool = rooms_pool(1, 0);
    MC_CHECK(submit(pool, 0) == 0);
    unsigned other = mc_spawn(stop_too, pool);
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL) == 0);
    MC_CHECK(ended[0] == 1);
    (void)mc_join(other);
    weir_pool_destroy(pool);
}

// Its end is the submitter's sign that the pool may go.
static rooms_flag over;

static void tell(weir_job *job, int status) {
    (void)job;
    MC_CHECK(status == 0);
    rooms_raise(&over);
}

static void *submit_and_leave(void *pool) {
    jobs[0] = (weir_job)WEIR_JOB_INIT(count_start, tell);
    MC_CHECK(weir_submit(pool, &jobs[0]) == 0);
    return NULL;
}

static void the_pool_may_go_while_a_submit_returns(void) {
    weir_pool *pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(submit_and_leave, pool);
    rooms_await(&over);
    weir_pool_destroy(pool);
    (void)mc_join(other);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

const mc_case mc_cases[] = {
    BOUNDED(a_drain_runs_what_was_accepted, 3),
    BOUNDED(a_cancel_ends_what_was_accepted, 3),
    BOUNDED(a_drain_lets_jobs_submit_more, 2),
    BOUNDED(two_may_stop_at_once, 1),
    BOUNDED(the_pool_may_go_while_a_submit_returns, 2),
    {.name = NULL},
};
