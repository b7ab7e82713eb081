// SPDX-License-Identifier: MIT
// Bursts: whose memory, what is held and where, and everything at once.
#include "support/bursts.h"

static int child_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

// ---- done ------------------------------------------------------------------

static void free_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    tally_add(&begun);
    free(job);
}

static void done_may_free_what_was_held(void) {
    tally_init(&begun);
    weir_pool *pool = burst_pool(1, WEIR_STAND_INS_NONE);
    weir_job *jobs[JOBS];
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = calloc(1, sizeof(weir_job));
        CHECK(jobs[i] != NULL);
        *jobs[i] = (weir_job)WEIR_JOB_INIT(child_run, free_done);
    }
    CHECK_EQ(weir_submit_batch(pool, jobs, JOBS), 0);
    pool_close(pool);
    CHECK_EQ(tally_get(&begun), JOBS);
}

static weir_pool *home;

static void again_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    if (tally_add(&begun) < UINT64_C(100) * JOBS)
        submit(home, job);
}

static void done_may_submit_again_what_was_held(void) {
    for (int threads = 1; threads <= 4; threads *= 2) {
        tally_init(&begun);
        home = burst_pool(threads, WEIR_STAND_INS_NONE);
        weir_job jobs[JOBS];
        for (unsigned i = 0; i < JOBS; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(child_run, again_done);
            submit(home, &jobs[i]);
        }
        wait_idle(home);
        CHECK(tally_get(&begun) >= UINT64_C(100) * JOBS);
        pool_close(home);
    }
}

// ---- calls -----------------------------------------------------------------

static int call_nothing(weir_worker *self, void *unused) {
    (void)self;
    (void)unused;
    return 0;
}

static int run_in_home(weir_worker *self, weir_job *job) {
    (void)job;
    (void)self;
    return weir_run(home, call_nothing, NULL, NULL);
}

static bool call_is_queued(weir_pool *pool) {
    wr_pool_lock(pool);
    bool queued = pool->runs_queued > 0;
    wr_pool_unlock(pool);
    return queued;
}

static int not_descended(weir_worker *self) {
    const wr_frame *frame = self->frame;
    return frame->parent == NULL && frame->call == NULL ? 0 : -EIO;
}

// A job of another pool has called; others are queued behind.
static void what_follows_a_weir_run_is_no_part_of_it(void) {
    set_steps();
    home = burst_pool(1, WEIR_STAND_INS_NONE);
    weir_pool *other = pool_of(1);
    held h;
    hold(home, &h);
    work caller = work_of(0);
    caller.job.run = run_in_home;
    submit(other, &caller.job);
    while (!call_is_queued(home))
        sched_yield();
    for (unsigned i = 0; i < 10; i++)
        steps[i].also = not_descended;
    submit_steps(home, 10);
    release(&h);
    wait_idle(home);
    wait_idle(other);
    for (unsigned i = 0; i < 10; i++)
        check_ran(&steps[i].work, 0);
    pool_close(other);
    pool_close(home);
}

// ---- where -----------------------------------------------------------------

static void what_a_long_job_leaves_is_given_back(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    gate g;
    gate_init(&g);
    steps[4].gate = &g;
    middle_start(&m);
    wr_pool_lock(m.pool);
    m.pool->burst.job_ns = -1; // whatever a job takes is too long
    wr_pool_unlock(m.pool);
    gate_open(&m.gate);
    gate_await(&g, 1);
    CHECK_EQ(held_now(m.pool), 0);
    gate_open(&g);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(steps[i].at, i + 1);
    middle_end(&m);
    gate_fini(&g);
}

static void nothing_is_held_while_a_higher_priority_is_queued(void) {
    set_steps();
    weir_pool *pool = burst_pool(1, WEIR_STAND_INS_NONE);
    held h;
    hold(pool, &h);
    for (unsigned i = 0; i < 6; i++) {
        steps[i].work.job.priority =
            i >= 4 ? WEIR_PRIORITY_HIGH : WEIR_PRIORITY_NORMAL;
        submit(pool, &steps[i].work.job);
    }
    release(&h);
    wait_idle(pool);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(steps[i].at, i >= 4 ? i - 3 : i + 3);
    pool_close(pool);
}

static void nothing_is_held_where_nobody_asked_for_it(void) {
    for (unsigned i = 0; i < 6; i++) {
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.bursts = i > 0;
        options.jobs_max = i == 1 ? 1000 : 0;
        options.measure = i == 2;
        options.threads = i == 3 ? 0 : i == 4 ? 1 : 2;
        weir_pool *pool = pool_open(&options);
        CHECK_EQ(pool->burst.used, i == 5);
        pool_close(pool);
    }
}

static void a_job_with_a_deadline_is_not_held(void) {
    set_steps();
    weir_pool *pool = burst_pool(1, WEIR_STAND_INS_NONE);
    held h;
    hold(pool, &h);
    gate g;
    gate_init(&g);
    steps[0].gate = &g;
    steps[3].work.job.deadline_ns = weir_now_ns() + INT64_C(1) * 3600000000000;
    submit_steps(pool, 10);
    release(&h);
    gate_await(&g, 1);
    CHECK_EQ(held_now(pool), 2);
    gate_open(&g);
    wait_idle(pool);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(steps[i].at, i + 1);
    pool_close(pool);
    gate_fini(&g);
}

// ---- all at once -----------------------------------------------------------

static tally stop_looking;

static void *look_main(void *pool) {
    while (tally_get(&stop_looking) == 0) {
        check_sum(pool);
        sched_yield();
    }
    return NULL;
}

static void *cancel_main(void *pool) {
    for (unsigned i = 0; tally_get(&stop_looking) == 0; i++) {
        (void)weir_cancel(pool, &steps[i % JOBS].work.job);
        sched_yield();
    }
    return NULL;
}

// Cancelled, looked at and run, again and again: each ends once each time.
static void everything_ends_once_whatever_races(void) {
    for (int threads = 1; threads <= 4; threads *= 2) {
        weir_pool *pool = burst_pool(threads, 0);
        tally_init(&stop_looking);
        set_steps();
        pthread_t looks = thread_start(look_main, pool);
        pthread_t cancels = thread_start(cancel_main, pool);
        for (unsigned round = 0; round < 200; round++) {
            submit_steps(pool, JOBS);
            wait_idle(pool);
            for (unsigned i = 0; i < JOBS; i++)
                CHECK_EQ(steps[i].work.ended, round + 1);
        }
        tally_add(&stop_looking);
        thread_join(looks);
        thread_join(cancels);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"done_may_free_what_was_held", done_may_free_what_was_held},
        {"done_may_submit_again_what_was_held",
         done_may_submit_again_what_was_held},
        {"what_a_long_job_leaves_is_given_back",
         what_a_long_job_leaves_is_given_back},
        {"nothing_is_held_while_a_higher_priority_is_queued",
         nothing_is_held_while_a_higher_priority_is_queued},
        {"what_follows_a_weir_run_is_no_part_of_it",
         what_follows_a_weir_run_is_no_part_of_it},
        {"nothing_is_held_where_nobody_asked_for_it",
         nothing_is_held_where_nobody_asked_for_it},
        {"a_job_with_a_deadline_is_not_held",
         a_job_with_a_deadline_is_not_held},
        {"everything_ends_once_whatever_races",
         everything_ends_once_whatever_races},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
