// SPDX-License-Identifier: MIT
// Bursts: what a worker has taken at one look is still queued for everybody
// else.
#include "support/bursts.h"
#include "weir/observe.h"

// ---- order -----------------------------------------------------------------

static void what_is_held_starts_first_in_first_out(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 10; i++) {
        check_ran(&steps[i].work, 0);
        CHECK_EQ(steps[i].at, i + 1);
    }
    middle_end(&m);
}

static void what_comes_later_starts_behind(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    submit(m.pool, &steps[10].work.job);
    (void)counts_of(m.pool); // takes all back
    submit(m.pool, &steps[11].work.job);
    CHECK_EQ(held_now(m.pool), 0);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 12; i++)
        CHECK_EQ(steps[i].at, i + 1);
    middle_end(&m);
}

static void a_higher_priority_starts_before_what_is_held(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    steps[10].work.job.priority = WEIR_PRIORITY_HIGH;
    submit(m.pool, &steps[10].work.job);
    gate_open(&m.gate);
    wait_idle(m.pool);
    CHECK_EQ(steps[2].at, 3);
    CHECK_EQ(steps[10].at, 4);
    for (unsigned i = 3; i < 10; i++)
        CHECK_EQ(steps[i].at, i + 2);
    middle_end(&m);
}

// Two workers, each in a job with a gate, and holding two; then a look takes
// all back, and the second goes on alone.
static void what_two_hold_comes_back_in_order(void) {
    set_steps();
    weir_pool *pool = burst_pool(2, WEIR_STAND_INS_NONE);
    wr_pool_lock(pool);
    pool->workers[0].burst_most = pool->workers[1].burst_most = 3;
    wr_pool_unlock(pool);
    gate gates[2];
    gate_init(&gates[0]);
    gate_init(&gates[1]);
    steps[0].gate = &gates[0];
    steps[3].gate = &gates[1];
    submit_steps(pool, 20);
    gate_await(&gates[0], 1);
    gate_await(&gates[1], 1);
    CHECK_EQ(held_now(pool), 4);
    (void)counts_of(pool);
    CHECK_EQ(held_now(pool), 0);
    gate_open(&gates[1]);
    tally_await(&begun, 20);
    gate_open(&gates[0]);
    wait_idle(pool);
    CHECK_EQ(steps[0].at + steps[3].at, 3);
    CHECK_EQ(steps[1].at, 3);
    CHECK_EQ(steps[2].at, 4);
    for (unsigned i = 4; i < 20; i++)
        CHECK_EQ(steps[i].at, i + 1);
    pool_close(pool);
    gate_fini(&gates[0]);
    gate_fini(&gates[1]);
}

// A child of a scope goes before what another worker holds.
typedef struct spawner {
    weir_job job;
    weir_job child;
    gate start, spawned;
    unsigned child_at;
} spawner;

static int spawned_run(weir_worker *self, weir_job *job) {
    (void)self;
    wr_container_of(job, spawner, child)->child_at =
        (unsigned)tally_add(&begun);
    return 0;
}

static int spawner_run(weir_worker *self, weir_job *job) {
    spawner *s = (spawner *)job;
    gate_pass(&s->start);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &s->child);
    gate_pass(&s->spawned);
    return weir_scope_wait(self, &scope);
}

static void a_child_starts_before_what_is_held(void) {
    set_steps();
    weir_pool *pool = burst_pool(2, WEIR_STAND_INS_NONE);
    spawner s = {.job = WEIR_JOB_INIT(spawner_run, NULL),
                 .child = WEIR_JOB_INIT(spawned_run, NULL)};
    gate_init(&s.start);
    gate_init(&s.spawned);
    submit(pool, &s.job);
    gate_await(&s.start, 1);
    gate g;
    gate_init(&g);
    steps[2].gate = &g;
    submit_steps(pool, 22);
    gate_await(&g, 1);
    CHECK(held_now(pool) > 0);
    gate_open(&s.start);
    gate_await(&s.spawned, 1);
    gate_open(&g);
    tally_await(&begun, 4);
    gate_open(&s.spawned);
    wait_idle(pool);
    CHECK_EQ(s.child_at, 4);
    pool_close(pool);
    gate_fini(&g);
    gate_fini(&s.start);
    gate_fini(&s.spawned);
}

static void a_cancelled_job_that_was_held_never_runs(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    CHECK_EQ(weir_cancel(m.pool, &steps[6].work.job), 0);
    CHECK_EQ(weir_cancel(m.pool, &steps[6].work.job), -EALREADY);
    CHECK_EQ(weir_cancel(m.pool, &steps[2].work.job), -EBUSY);
    CHECK_EQ(weir_cancel(m.pool, &steps[1].work.job), -EALREADY);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 10; i++)
        if (i == 6)
            check_not_run(&steps[i].work, -ECANCELED);
        else
            check_ran(&steps[i].work, 0);
    CHECK_EQ(counts_of(m.pool).cancelled, 1);
    CHECK_EQ(counts_of(m.pool).succeeded, 9);
    middle_end(&m);
}

static int not_told(weir_worker *self) { return weir_cancelled(self); }

static int told(weir_worker *self) {
    return weir_cancelled(self) == -ECANCELED ? 0 : -EIO;
}

static void a_cancel_tells_the_job_that_runs_and_no_other(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    for (unsigned i = 0; i < 10; i++)
        steps[i].also = i == 2 ? told : not_told;
    middle_start(&m);
    CHECK_EQ(weir_cancel(m.pool, &steps[2].work.job), -EBUSY);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 10; i++)
        check_ran(&steps[i].work, 0);
    middle_end(&m);
}

// ---- figures ---------------------------------------------------------------

static void figures_are_exact_in_the_middle(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    steps[0].work.result = -EIO;
    steps[2].work.job.name = "third";
    middle_start(&m);
    weir_pool_counts c = counts_of(m.pool);
    CHECK_EQ(c.submitted, 10);
    CHECK_EQ(c.started, 3);
    CHECK_EQ(c.succeeded, 1);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.running, 1);
    CHECK_EQ(c.queued, 7);
    weir_worker_stats w = {.size = sizeof(w)};
    CHECK_EQ(weir_observe_worker(m.pool, 0, &w), 0);
    CHECK_EQ(w.jobs, 2);
    CHECK_STR(w.name, "third");
    gate_open(&m.gate);
    wait_idle(m.pool);
    c = counts_of(m.pool);
    CHECK_EQ(c.started, 10);
    CHECK_EQ(c.succeeded, 9);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.running, 0);
    CHECK_EQ(c.queued, 0);
    middle_end(&m);
}

static void the_most_that_were_queued_is_exact(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    for (unsigned i = 10; i < 13; i++)
        submit(m.pool, &steps[i].work.job);
    steps[13].work.job.priority = WEIR_PRIORITY_HIGH;
    submit(m.pool, &steps[13].work.job); // counts the others first
    CHECK_EQ(counts_of(m.pool).queued, 11);
    CHECK_EQ(counts_of(m.pool).queued_max, 11);
    gate_open(&m.gate);
    middle_end(&m);
}

// ---- who takes it ----------------------------------------------------------

// The first waits, where the pool does not see it, for the last of what its
// worker holds: the other worker must take that.
static int wait_for_the_last(weir_worker *self) {
    (void)self;
    tally_await(&begun, 12);
    return 0;
}

static void who_is_free_takes_what_is_held(void) {
    for (unsigned round = 0; round < 50; round++) {
        set_steps();
        weir_pool *pool = burst_pool(2, WEIR_STAND_INS_NONE);
        steps[0].also = wait_for_the_last;
        submit_steps(pool, 12);
        wait_idle(pool);
        for (unsigned i = 0; i < 12; i++)
            check_ran(&steps[i].work, 0);
        pool_close(pool);
    }
}

static int wait_for_all_four(weir_worker *self) {
    (void)self;
    tally_await(&begun, 4);
    return 0;
}

static int block_for_all_four(weir_worker *self) {
    CHECK_EQ(weir_blocking_begin(self), 0);
    tally_await(&begun, 4);
    weir_blocking_end(self);
    return 0;
}

// The other worker has taken all else when it blocks.
static void who_stands_in_takes_what_is_held(void) {
    for (unsigned round = 0; round < 50; round++) {
        set_steps();
        weir_pool *pool = burst_pool(2, 1);
        steps[0].also = wait_for_all_four;
        steps[3].also = block_for_all_four;
        submit_steps(pool, 4);
        wait_idle(pool);
        for (unsigned i = 0; i < 4; i++)
            check_ran(&steps[i].work, 0);
        pool_close(pool);
    }
}

// The second worker never runs out of work; it takes what is overdue.
static void what_is_overdue_starts_before_what_came_later(void) {
    set_steps();
    weir_pool *pool = burst_pool(2, WEIR_STAND_INS_NONE);
    gate first;
    gate_init(&first);
    held h;
    hold(pool, &h); // nothing is behind it
    steps[0].gate = &first;
    submit_steps(pool, 7); // of the six behind it two are held
    gate_await(&first, 1);
    CHECK_EQ(held_now(pool), 2);
    wr_pool_lock(pool);
    pool->burst.burst_ns = 0;
    pool->burst.least = JOBS; // the other one holds nothing
    wr_pool_unlock(pool);
    release(&h);
    tally_await(&begun, 7);
    gate_open(&first);
    wait_idle(pool);
    CHECK_EQ(steps[0].at, 1);
    for (unsigned i = 1; i < 7; i++)
        CHECK_EQ(steps[i].at, i + 1);
    pool_close(pool);
    gate_fini(&first);
}

// ---- waits -----------------------------------------------------------------

static weir_event event;

static int await_event(weir_worker *self) {
    (void)self;
    return weir_event_wait(&event, WEIR_FOREVER, NULL);
}

static int fire_event(weir_worker *self) {
    (void)self;
    return weir_event_fire(&event, 0);
}

static void who_waits_gives_back_what_it_holds(void) {
    set_steps();
    middle m = middle_open(1);
    weir_event_init(&event, m.pool, 1);
    steps[2].also = await_event;
    steps[9].also = fire_event;
    middle_start(&m);
    gate_open(&m.gate);
    wait_idle(m.pool);
    middle_end(&m);
}

// Two are held behind one that waits, the others are in the queue. Who goes on
// in its place takes the held ones first: else it waits for one of them itself.
static void who_stands_in_begins_what_was_held_first(void) {
    set_steps();
    middle m = middle_open(1);
    weir_event_init(&event, m.pool, 1);
    wr_pool_lock(m.pool);
    m.pool->workers[0].burst_most = 5;
    wr_pool_unlock(m.pool);
    steps[2].also = await_event;
    steps[3].also = fire_event;
    steps[5].also = await_event;
    gate_init(&m.gate);
    steps[2].gate = &m.gate;
    submit_steps(m.pool, 10);
    gate_await(&m.gate, 1);
    CHECK_EQ(held_now(m.pool), 2);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(steps[i].at, i + 1);
    middle_end(&m);
}

static int block_for_the_last(weir_worker *self) {
    CHECK_EQ(weir_blocking_begin(self), 0);
    tally_await(&begun, 10);
    weir_blocking_end(self);
    return 0;
}

static void who_blocks_gives_back_what_it_holds(void) {
    set_steps();
    middle m = middle_open(1);
    steps[2].also = block_for_the_last;
    middle_start(&m);
    gate_open(&m.gate);
    wait_idle(m.pool);
    middle_end(&m);
}

static int not_beneath(weir_worker *self) {
    // A job on top of another would be one that a wait has picked up.
    return self->frame->below == NULL ? 0 : -EIO;
}

static int child_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static int spawn_and_wait(weir_worker *self) {
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_job children[3];
    for (unsigned i = 0; i < 3; i++) {
        children[i] = (weir_job)WEIR_JOB_INIT(child_run, NULL);
        weir_scope_spawn(self, &scope, &children[i]);
    }
    return weir_scope_wait(self, &scope);
}

static void a_wait_runs_nothing_of_what_is_held(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    for (unsigned i = 0; i < 10; i++)
        steps[i].also = i == 2 ? spawn_and_wait : not_beneath;
    middle_start(&m);
    gate_open(&m.gate);
    wait_idle(m.pool);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(steps[i].at, i + 1);
    middle_end(&m);
}

static unsigned broadcast_at;

static void note_broadcast(weir_worker *self, void *unused) {
    (void)self;
    (void)unused;
    broadcast_at = (unsigned)tally_get(&begun);
}

static void *broadcast_main(void *pool) {
    CHECK_EQ(weir_broadcast(pool, note_broadcast, NULL), 0);
    return NULL;
}

static bool broadcast_waits(weir_pool *pool) {
    wr_pool_lock(pool);
    bool waits = !wr_list_empty(&pool->broadcasts);
    wr_pool_unlock(pool);
    return waits;
}

static void a_broadcast_runs_before_what_is_held(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    middle_start(&m);
    pthread_t thread = thread_start(broadcast_main, m.pool);
    while (!broadcast_waits(m.pool))
        sched_yield();
    gate_open(&m.gate);
    thread_join(thread);
    CHECK_EQ(broadcast_at, 3);
    wait_idle(m.pool);
    middle_end(&m);
}

// ---- stop ------------------------------------------------------------------

static void a_stop_ends_what_is_held(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    steps[2].work.job.name = "third";
    middle_start(&m);
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(m.pool, WEIR_STOP_CANCEL, 0, &report), -ETIMEDOUT);
    CHECK_EQ(report.run, 2);
    CHECK_EQ(report.running, 1);
    CHECK_STR(report.running_jobs[0].name, "third");
    CHECK_EQ(report.remaining, 8);
    gate_open(&m.gate);
    CHECK_EQ(weir_pool_stop(m.pool, WEIR_STOP_CANCEL, WEIR_FOREVER, &report),
             0);
    CHECK_EQ(report.run, 3);
    CHECK_EQ(report.not_run, 7);
    CHECK_EQ(report.shut_down, 7);
    for (unsigned i = 0; i < 10; i++)
        if (i < 3)
            check_ran(&steps[i].work, 0);
        else
            check_not_run(&steps[i].work, -ESHUTDOWN);
    weir_pool_destroy(m.pool);
    gate_fini(&m.gate);
}

static void a_drain_tells_of_what_is_held_and_runs_it(void) {
    set_steps();
    middle m = middle_open(WEIR_STAND_INS_NONE);
    steps[2].work.job.name = "third";
    middle_start(&m);
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(m.pool, WEIR_STOP_DRAIN, 0, &report), -ETIMEDOUT);
    CHECK_EQ(report.run, 2);
    CHECK_EQ(report.running, 1);
    CHECK_STR(report.running_jobs[0].name, "third");
    CHECK_EQ(report.remaining, 8);
    stopper s;
    stopper_start(&s, m.pool, WEIR_STOP_DRAIN);
    gate_open(&m.gate);
    stopper_join(&s);
    CHECK_EQ(s.report.not_run, 0);
    for (unsigned i = 0; i < 10; i++)
        check_ran(&steps[i].work, 0);
    weir_pool_destroy(m.pool);
    gate_fini(&m.gate);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"what_is_held_starts_first_in_first_out",
         what_is_held_starts_first_in_first_out},
        {"what_comes_later_starts_behind", what_comes_later_starts_behind},
        {"a_higher_priority_starts_before_what_is_held",
         a_higher_priority_starts_before_what_is_held},
        {"what_two_hold_comes_back_in_order",
         what_two_hold_comes_back_in_order},
        {"a_child_starts_before_what_is_held",
         a_child_starts_before_what_is_held},
        {"a_cancelled_job_that_was_held_never_runs",
         a_cancelled_job_that_was_held_never_runs},
        {"a_cancel_tells_the_job_that_runs_and_no_other",
         a_cancel_tells_the_job_that_runs_and_no_other},
        {"figures_are_exact_in_the_middle", figures_are_exact_in_the_middle},
        {"the_most_that_were_queued_is_exact",
         the_most_that_were_queued_is_exact},
        {"who_is_free_takes_what_is_held", who_is_free_takes_what_is_held},
        {"who_stands_in_takes_what_is_held", who_stands_in_takes_what_is_held},
        {"what_is_overdue_starts_before_what_came_later",
         what_is_overdue_starts_before_what_came_later},
        {"who_waits_gives_back_what_it_holds",
         who_waits_gives_back_what_it_holds},
        {"who_stands_in_begins_what_was_held_first",
         who_stands_in_begins_what_was_held_first},
        {"who_blocks_gives_back_what_it_holds",
         who_blocks_gives_back_what_it_holds},
        {"a_wait_runs_nothing_of_what_is_held",
         a_wait_runs_nothing_of_what_is_held},
        {"a_broadcast_runs_before_what_is_held",
         a_broadcast_runs_before_what_is_held},
        {"a_stop_ends_what_is_held", a_stop_ends_what_is_held},
        {"a_drain_tells_of_what_is_held_and_runs_it",
         a_drain_tells_of_what_is_held_and_runs_it},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
