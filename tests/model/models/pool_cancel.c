// SPDX-License-Identifier: MIT
// Cancel, deadline and start race to one outcome, and done is told the truth.
#include "model/models/rooms.h"

typedef struct task {
    weir_job job;
    unsigned ran, ended;
    int status; // what done was told
} task;

static task one;
static rooms_flag over;

static task *task_of(weir_job *job) { return wr_container_of(job, task, job); }

static int run(weir_worker *self, weir_job *job) {
    (void)self;
    task_of(job)->ran++;
    return 0;
}

static void end(weir_job *job, int status) {
    task *t = task_of(job);
    MC_CHECK(t->ran == (unsigned)weir_job_ran(job));
    MC_CHECK(t->ran == 0 || status == 0);
    t->status = status;
    t->ended++;
    rooms_raise(&over);
}

static void *cancel_one(void *pool) {
    int error = weir_cancel(pool, &one.job);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    return error == 0 ? &one : NULL;
}

static void start_and_cancel_have_one_outcome(void) {
    weir_pool *pool = rooms_pool(1, 0);
    one.job = (weir_job)WEIR_JOB_INIT(run, end);
    MC_CHECK(weir_submit(pool, &one.job) == 0);
    unsigned other = mc_spawn(cancel_one, pool);
    rooms_await(&over);
    bool cancelled = mc_join(other) != NULL;
    weir_pool_destroy(pool);
    MC_CHECK(one.ended == 1 && one.ran == !cancelled);
    MC_CHECK(one.status == (cancelled ? -ECANCELED : 0));
    mc_outcome(cancelled);
}

// ---- beside the submission -------------------------------------------------

static rooms_flag held, goes_on;

static int hold(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    rooms_raise(&held);
    rooms_await(&goes_on);
    return 0;
}

// It arrives while it is looked for: the worker is up, so it comes by the way
// that does not take the pool's lock.
static void a_cancel_may_meet_the_submission(void) {
    static weir_job holder;
    weir_pool *pool = rooms_pool(1, 0);
    holder = (weir_job)WEIR_JOB_INIT(hold, NULL);
    one.job = (weir_job)WEIR_JOB_INIT(run, end);
    MC_CHECK(weir_submit(pool, &holder) == 0);
    rooms_await(&held);
    unsigned other = mc_spawn(cancel_one, pool);
    MC_CHECK(weir_submit(pool, &one.job) == 0);
    bool cancelled = mc_join(other) != NULL;
    rooms_raise(&goes_on);
    weir_pool_destroy(pool);
    MC_CHECK(one.ended == 1 && one.ran == !cancelled);
    mc_outcome(cancelled);
}

// ---- too late --------------------------------------------------------------

// What one learns from -EALREADY here is that it has run.
static void who_comes_too_late_sees_what_it_did(void) {
    weir_pool *pool = rooms_pool(1, 0);
    one.job = (weir_job)WEIR_JOB_INIT(run, NULL);
    MC_CHECK(weir_submit(pool, &one.job) == 0);
    int error = weir_cancel(pool, &one.job);
    if (error == -EALREADY)
        MC_CHECK(one.ran == 1);
    weir_pool_destroy(pool);
    MC_CHECK(one.ran == (error != 0));
    mc_outcome((uint64_t)-error);
}

// The caller's lock, as the header says, makes sure of the memory.
static mc_mutex lock;
static task *alive;

static void free_task(weir_job *job, int status) {
    mc_lock(&lock);
    alive = NULL;
    mc_unlock(&lock);
    MC_CHECK(status == (weir_job_ran(job) ? 0 : -ECANCELED));
    free(task_of(job));
}

static void *cancel_alive(void *pool) {
    mc_lock(&lock);
    if (alive != NULL)
        (void)weir_cancel(pool, &alive->job);
    mc_unlock(&lock);
    return NULL;
}

static void done_may_free_what_is_cancelled(void) {
    weir_pool *pool = rooms_pool(1, 0);
    alive = calloc(1, sizeof(*alive));
    MC_CHECK(alive != NULL);
    alive->job = (weir_job)WEIR_JOB_INIT(run, free_task);
    MC_CHECK(weir_submit(pool, &alive->job) == 0);
    unsigned other = mc_spawn(cancel_alive, pool);
    (void)mc_join(other);
    weir_pool_destroy(pool);
}

// Both look at the arrivals: each under the right lock.
static task another;

static void *submit_another(void *pool) {
    another.job = (weir_job)WEIR_JOB_INIT(run, NULL);
    MC_CHECK(weir_submit(pool, &another.job) == 0);
    return NULL;
}

static void a_cancel_leaves_the_others_alone(void) {
    weir_pool *pool = rooms_pool(1, 0);
    one.job = (weir_job)WEIR_JOB_INIT(run, end);
    MC_CHECK(weir_submit(pool, &one.job) == 0);
    unsigned other = mc_spawn(submit_another, pool);
    int error = weir_cancel(pool, &one.job);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(one.ended == 1 && one.ran == (error != 0) && another.ran == 1);
}

static int run_until_told(weir_worker *self, weir_job *job) {
    task_of(job)->ran++;
    while (weir_cancelled(self) == 0)
        mc_await();
    return 0;
}

static void a_running_job_is_told(void) {
    weir_pool *pool = rooms_pool(1, 0);
    one.job = (weir_job)WEIR_JOB_INIT(run_until_told, end);
    MC_CHECK(weir_submit(pool, &one.job) == 0);
    int error = weir_cancel(pool, &one.job);
    MC_CHECK(error == 0 || error == -EBUSY);
    weir_pool_destroy(pool);
    MC_CHECK(one.ended == 1 && one.ran == (error != 0));
}

// ---- deadlines -------------------------------------------------------------

// Nobody fires the event: the job's own deadline is all that can end it.
static void a_deadline_is_kept_though_all_sleep(void) {
    static weir_event never;
    weir_pool *pool = rooms_pool(1, 0);
    if (mc_choose("worker asleep", 2) == 1)
        rooms_await_idle(pool, 1);
    weir_event_init(&never, pool, 1);
    one.job = (weir_job)WEIR_JOB_INIT(run, end);
    one.job.deadline_ns = INT64_MAX / 2;
    MC_CHECK(weir_event_attach(&never, NULL, &one.job) == 0);
    rooms_await(&over);
    MC_CHECK(one.ended == 1 && one.ran == 0 && one.status == -ETIMEDOUT);
    weir_pool_destroy(pool);
}

static void *fire(void *event) {
    MC_CHECK(weir_event_fire(event, 0) == 0);
    return NULL;
}

static void fire_cancel_and_deadline_have_one_outcome(void) {
    static weir_event event;
    weir_pool *pool = rooms_pool(1, 0);
    weir_event_init(&event, pool, 1);
    one.job = (weir_job)WEIR_JOB_INIT(run, end);
    one.job.deadline_ns = INT64_MAX / 2;
    MC_CHECK(weir_event_attach(&event, NULL, &one.job) == 0);
    unsigned firing = mc_spawn(fire, &event);
    int error = weir_cancel(pool, &one.job);
    rooms_await(&over);
    (void)mc_join(firing);
    weir_pool_destroy(pool);
    MC_CHECK(one.ended == 1);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    MC_CHECK(one.ran == (one.status == 0));
    MC_CHECK((error == 0) == (one.status == -ECANCELED));
    mc_outcome((uint64_t)-one.status);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};
static const uint64_t cancels[] = {0, EBUSY, EALREADY, MC_OUTCOMES_END};
static const uint64_t all_three[] = {0, ECANCELED, ETIMEDOUT, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "start_and_cancel_have_one_outcome",
     .body = start_and_cancel_have_one_outcome,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .outcomes = either},
    {.name = "a_cancel_may_meet_the_submission",
     .body = a_cancel_may_meet_the_submission,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .outcomes = either},
    {.name = "who_comes_too_late_sees_what_it_did",
     .body = who_comes_too_late_sees_what_it_did,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .outcomes = cancels},
    BOUNDED(done_may_free_what_is_cancelled, 2),
    BOUNDED(a_cancel_leaves_the_others_alone, 1),
    BOUNDED(a_running_job_is_told, 2),
    {.name = "a_deadline_is_kept_though_all_sleep",
     .body = a_deadline_is_kept_though_all_sleep,
     .mode = MC_BOUNDED,
     .preemptions = 1,
     .stale = 1,
     .timeouts = 1},
    {.name = "fire_cancel_and_deadline_have_one_outcome",
     .body = fire_cancel_and_deadline_have_one_outcome,
     .mode = MC_BOUNDED,
     .preemptions = 1,
     .timeouts = 1,
     .outcomes = all_three},
    {.name = NULL},
};
