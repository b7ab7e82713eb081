// SPDX-License-Identifier: MIT
// Bursts: what a worker holds and begins under a lock of its own, against all
// who look for it under the pool's. The limits are set so that every queue is
// long and every job short.
#include "model/models/rooms.h"
#include "pool/gang.h"

typedef struct task {
    weir_job job;
    unsigned ran, ended;
    int status; // what done was told
} task;

static task tasks[4];
static rooms_flag over[4];
static unsigned started; // how many have begun
static unsigned order[4];

static task *task_of(weir_job *job) { return wr_container_of(job, task, job); }

static unsigned index_of(weir_job *job) {
    return (unsigned)(task_of(job) - tasks);
}

static int run(weir_worker *self, weir_job *job) {
    (void)self;
    task_of(job)->ran++;
    return 0;
}

// One worker: so that it is known who began before whom.
static int run_in_order(weir_worker *self, weir_job *job) {
    order[started++] = index_of(job);
    return run(self, job);
}

static rooms_flag begun, goes_on;

static int run_held(weir_worker *self, weir_job *job) {
    rooms_raise(&begun);
    rooms_await(&goes_on);
    return run_in_order(self, job);
}

static void end(weir_job *job, int status) {
    task *t = task_of(job);
    MC_CHECK(t->ran == (unsigned)weir_job_ran(job));
    t->status = status;
    t->ended++;
    rooms_raise(&over[t - tasks]);
}

// The first top-level job has the queue's next `held` jobs held.
static weir_pool *burst_pool(int threads, int stand_ins, unsigned held) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = stand_ins == 0 ? WEIR_STAND_INS_NONE : stand_ins;
    options.bursts = 1;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    wr_pool_lock(pool);
    pool->burst.used = true; // with one worker too
    pool->burst.least = 1;
    pool->burst.job_ns = INT64_MAX / 4;
    pool->burst.burst_ns = INT64_MAX / 4;
    for (unsigned i = 0; i < pool->index_limit; i++)
        pool->workers[i].burst_most = held + 1;
    wr_pool_unlock(pool);
    return pool;
}

static void set(unsigned at, int (*function)(weir_worker *, weir_job *)) {
    tasks[at].job = (weir_job)WEIR_JOB_INIT(function, end);
}

static void submit_all(weir_pool *pool, unsigned count) {
    weir_job *jobs[4];
    for (unsigned i = 0; i < count; i++)
        jobs[i] = &tasks[i].job;
    MC_CHECK(weir_submit_batch(pool, jobs, count) == 0);
}

static void check_ended(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        MC_CHECK(tasks[i].ended == 1);
}

// ---- cancel against next ---------------------------------------------------

static void a_cancel_and_the_next_have_one_outcome(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    set(1, run);
    submit_all(pool, 2);
    int error = weir_cancel(pool, &tasks[1].job);
    rooms_await(&over[1]);
    weir_pool_destroy(pool);
    check_ended(2);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    MC_CHECK(tasks[0].ran == 1 && tasks[1].ran == (error != 0));
    MC_CHECK(tasks[1].status == (error == 0 ? -ECANCELED : 0));
    mc_outcome((uint64_t)-error);
}

static int run_untold(weir_worker *self, weir_job *job) {
    MC_CHECK(weir_cancelled(self) == 0);
    return run(self, job);
}

static void a_cancel_tells_no_other_job(void) {
    weir_pool *pool = burst_pool(1, 0, 2);
    set(0, run_untold);
    set(1, run);
    set(2, run_untold);
    submit_all(pool, 3);
    int error = weir_cancel(pool, &tasks[1].job);
    weir_pool_destroy(pool);
    check_ended(3);
    MC_CHECK(tasks[1].ran == (error != 0));
}

static int run_until_told(weir_worker *self, weir_job *job) {
    while (weir_cancelled(self) == 0)
        mc_await();
    return run(self, job);
}

static void a_running_job_is_told(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    set(1, run_until_told);
    submit_all(pool, 2);
    int error = weir_cancel(pool, &tasks[1].job);
    MC_CHECK(error == 0 || error == -EBUSY);
    weir_pool_destroy(pool);
    check_ended(2);
}

static weir_pool *home;

// Its done submits it again: it arrives anew while it is looked for.
static void submit_once_more(weir_job *job, int status) {
    task *t = task_of(job);
    t->status = status;
    if (++t->ended == 1)
        MC_CHECK(weir_submit(home, job) == 0);
    else
        rooms_raise(&over[t - tasks]);
}

static void a_cancel_may_meet_the_next_submission(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    home = pool;
    set(1, run);
    tasks[1].job.done = submit_once_more;
    submit_all(pool, 2);
    int error = weir_cancel(pool, &tasks[1].job);
    rooms_await(&over[1]);
    weir_pool_destroy(pool);
    MC_CHECK(tasks[1].ended == 2);
    MC_CHECK(tasks[1].ran == (error == 0 ? 1 : 2));
}

// Until its batch is in a queue a cancel finds nothing.
static void *cancel_second(void *pool) {
    int error = weir_cancel(pool, &tasks[1].job);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    return error == 0 ? &tasks[1] : NULL;
}

static void a_cancel_may_meet_a_batch(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    set(1, run);
    unsigned other = mc_spawn(cancel_second, pool);
    submit_all(pool, 2);
    bool cancelled = mc_join(other) != NULL;
    weir_pool_destroy(pool);
    check_ended(2);
    MC_CHECK(tasks[1].ran == !cancelled);
    mc_outcome(cancelled);
}

static void what_is_taken_back_does_not_run(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    set(1, run);
    submit_all(pool, 2);
    bool back = wr_job_take_back(pool, &tasks[1].job);
    weir_pool_destroy(pool);
    MC_CHECK(tasks[1].ran == !back && tasks[1].ended == !back);
    mc_outcome(back);
}

// ---- who is told -----------------------------------------------------------

static void who_waits_for_idleness_is_told(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    set(0, run);
    set(1, run);
    submit_all(pool, 2);
    MC_CHECK(weir_pool_wait_idle(pool, WEIR_FOREVER) == 0);
    check_ended(2);
    weir_pool_counts counts = {.size = sizeof(counts)};
    MC_CHECK(weir_pool_count(pool, &counts) == 0);
    MC_CHECK(counts.succeeded == 2 && counts.started == 2);
    MC_CHECK(counts.queued == 0 && counts.running == 0);
    weir_pool_destroy(pool);
}

static void what_is_counted_is_of_one_moment(void) {
    weir_pool *pool = burst_pool(1, 0, 2);
    for (unsigned i = 0; i < 3; i++)
        set(i, run);
    submit_all(pool, 3);
    weir_pool_counts c = {.size = sizeof(c)};
    MC_CHECK(weir_pool_count(pool, &c) == 0);
    MC_CHECK(c.submitted == 3);
    MC_CHECK(c.queued + c.running + c.succeeded == 3 && c.running <= 1);
    MC_CHECK(c.started == c.running + c.succeeded);
    weir_pool_destroy(pool);
    check_ended(3);
    mc_outcome(c.succeeded);
}

// A name is read whole, and of a job that runs.
static char names[2][2];

static void who_looks_sees_one_job(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    for (unsigned i = 0; i < 2; i++) {
        names[i][0] = (char)('a' + i);
        set(i, i == 0 ? run : run_held);
        tasks[i].job.name = names[i];
    }
    submit_all(pool, 2);
    weir_stop_report report = {.size = sizeof(report)};
    int error = weir_pool_stop(pool, WEIR_STOP_DRAIN, 0, &report);
    MC_CHECK(error == 0 || error == -ETIMEDOUT);
    int found = 0;
    if (report.running == 1)
        found = report.running_jobs[0].name[0];
    MC_CHECK(found == 0 || found == 'a' || found == 'b');
    MC_CHECK(report.run + report.remaining == 2);
    rooms_raise(&goes_on);
    weir_pool_destroy(pool);
    check_ended(2);
    mc_outcome((uint64_t)found);
}

// ---- stop ------------------------------------------------------------------

static void a_stop_ends_what_is_held(void) {
    weir_pool *pool = burst_pool(1, 0, 2);
    for (unsigned i = 0; i < 3; i++)
        set(i, run);
    submit_all(pool, 3);
    weir_stop_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, &report) ==
             0);
    check_ended(3);
    unsigned ran = 0;
    for (unsigned i = 0; i < 3; i++) {
        MC_CHECK(tasks[i].status == (tasks[i].ran ? 0 : -ESHUTDOWN));
        ran += tasks[i].ran;
    }
    MC_CHECK(report.run == ran && report.not_run == 3 - ran);
    weir_pool_destroy(pool);
    mc_outcome(ran);
}

// ---- order -----------------------------------------------------------------

// The first is running, the next two are held, or about to be begun.
static void what_comes_first_is_begun_first(void) {
    weir_pool *pool = burst_pool(1, 0, 2);
    set(0, run_held);
    for (unsigned i = 1; i < 4; i++)
        set(i, run_in_order);
    tasks[3].job.priority = WEIR_PRIORITY_HIGH;
    submit_all(pool, 3);
    rooms_await(&begun);
    MC_CHECK(weir_submit(pool, &tasks[3].job) == 0);
    rooms_raise(&goes_on);
    weir_pool_destroy(pool);
    check_ended(4);
    MC_CHECK(order[0] == 0 && order[1] == 3 && order[2] == 1 && order[3] == 2);
}

static void *look(void *pool) {
    weir_pool_counts counts = {.size = sizeof(counts)};
    MC_CHECK(weir_pool_count(pool, &counts) == 0);
    return NULL;
}

static void what_is_given_back_keeps_its_order(void) {
    weir_pool *pool = burst_pool(1, 0, 1);
    for (unsigned i = 0; i < 3; i++)
        set(i, run_in_order);
    submit_all(pool, 3);
    unsigned other = mc_spawn(look, pool);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    check_ended(3);
    MC_CHECK(order[0] == 0 && order[1] == 1 && order[2] == 2);
}

// ---- nobody waits behind ---------------------------------------------------

static int run_until_the_next_is_over(weir_worker *self, weir_job *job) {
    rooms_await(&over[index_of(job) + 1]);
    return run(self, job);
}

// Two workers; where the pool does not see that the first waits, the other one
// takes what is behind it, also as it falls asleep.
static void who_is_free_takes_what_is_held(void) {
    weir_pool *pool = burst_pool(2, 0, 1);
    set(0, run_until_the_next_is_over);
    for (unsigned i = 1; i < 4; i++)
        set(i, run);
    submit_all(pool, 4);
    rooms_await(&over[0]);
    weir_pool_destroy(pool);
    check_ended(4);
}

static weir_event event;

static int run_and_wait(weir_worker *self, weir_job *job) {
    MC_CHECK(weir_event_wait(&event, WEIR_FOREVER, NULL) == 0);
    return run(self, job);
}

static int run_and_fire(weir_worker *self, weir_job *job) {
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    return run(self, job);
}

// It lends its place to a stand-in, that runs what it held.
static void who_waits_holds_nothing(void) {
    weir_pool *pool = burst_pool(1, 1, 1);
    weir_event_init(&event, pool, 1);
    set(0, run_and_wait);
    set(1, run_and_fire);
    submit_all(pool, 2);
    rooms_await(&over[0]);
    weir_pool_destroy(pool);
    check_ended(2);
}

// Two look at once, and one of them is a worker.
static void two_may_take_it_back(void) {
    weir_pool *pool = burst_pool(2, 0, 1);
    for (unsigned i = 0; i < 4; i++)
        set(i, run);
    submit_all(pool, 4);
    int error = weir_cancel(pool, &tasks[1].job);
    weir_pool_destroy(pool);
    check_ended(4);
    MC_CHECK(tasks[1].ran == (error != 0));
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }
#define OUTCOMES(case, most, list)                                             \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .outcomes = list                                                       \
    }

static const uint64_t cancels[] = {0, EBUSY, EALREADY, MC_OUTCOMES_END};
static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};
static const uint64_t none_to_all[] = {0, 1, 2, 3, MC_OUTCOMES_END};
static const uint64_t a_or_b[] = {0, 'a', 'b', MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    OUTCOMES(a_cancel_and_the_next_have_one_outcome, 2, cancels),
    BOUNDED(a_cancel_tells_no_other_job, 2),
    BOUNDED(a_running_job_is_told, 2),
    BOUNDED(a_cancel_may_meet_the_next_submission, 2),
    OUTCOMES(a_cancel_may_meet_a_batch, 2, either),
    OUTCOMES(what_is_taken_back_does_not_run, 2, either),
    BOUNDED(who_waits_for_idleness_is_told, 2),
    OUTCOMES(what_is_counted_is_of_one_moment, 2, none_to_all),
    {.name = "who_looks_sees_one_job",
     .body = who_looks_sees_one_job,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .timeouts = 1,
     .outcomes = a_or_b},
    OUTCOMES(a_stop_ends_what_is_held, 2, none_to_all),
    BOUNDED(what_comes_first_is_begun_first, 1),
    BOUNDED(what_is_given_back_keeps_its_order, 2),
    BOUNDED(who_is_free_takes_what_is_held, 1),
    BOUNDED(who_waits_holds_nothing, 1),
    BOUNDED(two_may_take_it_back, 1),
    {.name = NULL},
};
