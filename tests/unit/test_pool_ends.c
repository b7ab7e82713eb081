// SPDX-License-Identifier: MIT
// The ends a job can come to: cancel, deadline and completion, one of them,
// once, told truthfully and on a worker.
#include "pool/internal.h"
#include "support/pool.h"

// ---- cancel ----------------------------------------------------------------

static void cancel_queued_in(weir_pool *pool) {
    work works[20];
    int answers[20];
    for (int i = 0; i < 20; i++) {
        works[i] = work_of(-7);
        submit(pool, &works[i].job);
    }
    for (int i = 0; i < 20; i++)
        answers[i] = weir_cancel(pool, &works[i].job);
    wait_idle(pool);
    for (int i = 0; i < 20; i++)
        if (answers[i] == 0) {
            check_not_run(&works[i], -ECANCELED);
        } else {
            CHECK(answers[i] == -EBUSY || answers[i] == -EALREADY);
            check_ran(&works[i], -7);
        }
}

static void a_cancelled_job_ends_and_never_runs(void) {
    for_each_pool(cancel_queued_in);
}

static void cancel_takes_a_queued_job_out(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    work works[3];
    for (int i = 0; i < 3; i++) {
        works[i] = work_of(0);
        submit(pool, &works[i].job);
    }
    CHECK_EQ(weir_cancel(pool, &works[1].job), 0);
    CHECK(weir_cancel(pool, &works[1].job) != 0);
    release(&h);
    wait_idle(pool);
    check_ran(&works[0], 0);
    check_not_run(&works[1], -ECANCELED);
    check_ran(&works[2], 0);
    weir_pool_counts c = counts_of(pool);
    CHECK_EQ(c.cancelled, 1);
    CHECK_EQ(c.succeeded, 3);
    pool_close(pool);
}

// The only worker cancels: done cannot have been called when cancel returns,
// since nobody else is there to call it.
typedef struct canceller {
    weir_job job;
    work *victim;
    int answer;
    int ended_inside;
} canceller;

static int canceller_run(weir_worker *self, weir_job *job) {
    canceller *c = (canceller *)job;
    c->answer = weir_cancel(weir_worker_pool(self), &c->victim->job);
    c->ended_inside = c->victim->ended;
    return 0;
}

static void check_cancel_on_the_only_worker(weir_pool *pool) {
    work victim = work_of(0);
    canceller c = {.job = WEIR_JOB_INIT(canceller_run, NULL),
                   .victim = &victim};
    weir_job *batch[] = {&c.job, &victim.job};
    CHECK_EQ(weir_submit_batch(pool, batch, 2), 0);
    wait_idle(pool);
    CHECK_EQ(c.answer, 0);
    CHECK_EQ(c.ended_inside, 0);
    check_not_run(&victim, -ECANCELED);
}

static void done_is_never_called_inside_cancel(void) {
    weir_pool *pool = pool_of(1);
    for (int i = 0; i < 200; i++)
        check_cancel_on_the_only_worker(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        check_cancel_on_the_only_worker(pool);
        pool_close(pool);
    }
}

// Its done comes when no job is beneath: not while the only worker waits in
// the scope of the job that cancelled.
static int waiting_canceller_run(weir_worker *self, weir_job *job) {
    canceller *c = (canceller *)job;
    c->answer = weir_cancel(weir_worker_pool(self), &c->victim->job);
    work child = work_of(0);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child.job);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    weir_yield(self);
    c->ended_inside = c->victim->ended;
    return 0;
}

static void done_of_a_job_that_never_ran_has_no_job_beneath(void) {
    weir_pool *pool = pool_of(1);
    for (int i = 0; i < 100; i++) {
        work victim = work_of(0);
        canceller c = {.job = WEIR_JOB_INIT(waiting_canceller_run, NULL),
                       .victim = &victim};
        weir_job *batch[] = {&c.job, &victim.job};
        CHECK_EQ(weir_submit_batch(pool, batch, 2), 0);
        wait_idle(pool);
        CHECK_EQ(c.answer, 0);
        CHECK_EQ(c.ended_inside, 0);
        check_not_run(&victim, -ECANCELED);
    }
    pool_close(pool);
}

static pthread_t done_thread;
static int done_unlocked;

static void thread_done(weir_job *job, int status) {
    work_done(job, status);
    done_thread = pthread_self();
    weir_pool_counts counts = {.size = sizeof(counts)};
    weir_pool *pool = weir_worker_pool(weir_worker_self());
    done_unlocked = weir_pool_count(pool, &counts) == 0;
    CHECK_EQ(weir_cancelled(weir_worker_self()), 0);
}

static void a_cancel_from_outside_ends_the_job_on_a_worker(void) {
    weir_pool *pool = pool_of(1);
    weir_event never;
    weir_event_init(&never, pool, 1);
    for (int i = 0; i < 100; i++) {
        work w = work_of(0);
        w.job.done = thread_done;
        CHECK_EQ(weir_event_attach(&never, NULL, &w.job), 0);
        CHECK_EQ(weir_cancel(pool, &w.job), 0);
        wait_idle(pool);
        check_not_run(&w, -ECANCELED);
        CHECK_EQ(done_unlocked, 1);
        CHECK(!pthread_equal(done_thread, pthread_self()));
    }
    pool_close(pool);
}

typedef struct flagged {
    weir_job job;
    gate running;
    int why;
    int ended;
    int status;
} flagged;

static int flagged_run(weir_worker *self, weir_job *job) {
    flagged *f = (flagged *)job;
    if (job->deadline_ns == 0)
        CHECK_EQ(weir_cancelled(self), 0);
    gate_pass(&f->running);
    while ((f->why = weir_cancelled(self)) == 0)
        sched_yield();
    return -55;
}

static void flagged_done(weir_job *job, int status) {
    flagged *f = (flagged *)job;
    f->ended++;
    f->status = status;
}

static flagged flagged_start(void) {
    flagged f = {.job = WEIR_JOB_INIT(flagged_run, flagged_done)};
    gate_init(&f.running);
    return f;
}

static void a_running_job_is_told_and_ends_with_its_own_status(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        flagged f = flagged_start();
        submit(pool, &f.job);
        gate_await(&f.running, 1);
        CHECK_EQ(weir_cancel(pool, &f.job), -EBUSY);
        CHECK_EQ(weir_cancel(pool, &f.job), -EBUSY);
        gate_open(&f.running);
        wait_idle(pool);
        CHECK_EQ(f.why, -ECANCELED);
        CHECK_EQ(f.ended, 1);
        CHECK_EQ(f.status, -55);
        CHECK_EQ(counts_of(pool).failed, 1);
        CHECK_EQ(counts_of(pool).cancelled, 0);
        // The next job starts with its flag down.
        flagged next = flagged_start();
        submit(pool, &next.job);
        gate_await(&next.running, 1);
        CHECK_EQ(weir_cancel(pool, &next.job), -EBUSY);
        gate_open(&next.running);
        pool_close(pool);
    }
}

static void cancel_in(weir_pool *pool) {
    work never = work_of(0), ended = work_of(0);
    CHECK_EQ(weir_cancel(pool, &never.job), -EALREADY);
    submit(pool, &ended.job);
    wait_idle(pool);
    CHECK_EQ(weir_cancel(pool, &ended.job), -EALREADY);
    check_ran(&ended, 0);
    CHECK_EQ(never.ended, 0);
}

static void cancelling_what_does_not_live_says_so(void) {
    for_each_pool(cancel_in);
}

static weir_pool *victim_pool;
static work *victims;
static tally offered, taken_off;

static void *cancel_main(void *arg) {
    (void)arg;
    for (uint64_t i = 0; i < 2000; i++) {
        mark_await(&offered, i + 1);
        int answer = weir_cancel(victim_pool, &victims[i].job);
        CHECK(answer == 0 || answer == -EBUSY || answer == -EALREADY);
        if (answer == 0)
            tally_add(&taken_off);
    }
    return NULL;
}

static void a_cancel_that_races_the_start_has_one_outcome(void) {
    static work works[2000];
    weir_pool *pool = victim_pool = pool_of(2);
    victims = works;
    tally_init(&offered);
    tally_init(&taken_off);
    pthread_t cancellers[2];
    for (int i = 0; i < 2; i++)
        cancellers[i] = thread_start(cancel_main, NULL);
    for (int i = 0; i < 2000; i++) {
        works[i] = work_of(-9);
        submit(pool, &works[i].job);
        mark_set(&offered);
    }
    for (int i = 0; i < 2; i++)
        thread_join(cancellers[i]);
    wait_idle(pool);
    uint64_t not_run = 0;
    for (int i = 0; i < 2000; i++) {
        CHECK_EQ(works[i].ended, 1);
        CHECK_EQ(works[i].status, works[i].ran ? -9 : -ECANCELED);
        not_run += works[i].ran == 0;
    }
    CHECK_EQ(tally_get(&taken_off), not_run);
    pool_close(pool);
}

// ---- deadline --------------------------------------------------------------

static void a_deadline_passes_while_all_workers_are_busy(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        held busy[4];
        for (int j = 0; j < widths[i]; j++)
            hold(pool, &busy[j]);
        work late = work_of(0), calm = work_of(0), far = work_of(0);
        late.job.deadline_ns = in_ms(2);
        far.job.deadline_ns = in_ms(3600 * 1000);
        submit(pool, &late.job);
        submit(pool, &calm.job);
        submit(pool, &far.job);
        until(late.job.deadline_ns);
        for (int j = 0; j < widths[i]; j++)
            release(&busy[j]);
        wait_idle(pool);
        check_not_run(&late, -ETIMEDOUT);
        check_ran(&calm, 0);
        check_ran(&far, 0);
        CHECK_EQ(counts_of(pool).timed_out, 1);
        pool_close(pool);
    }
}

static void a_deadline_passes_while_the_pool_sleeps(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        weir_event never;
        weir_event_init(&never, pool, 1);
        work w = work_of(0);
        int64_t deadline_ns = w.job.deadline_ns = in_ms(20);
        CHECK_EQ(weir_event_attach(&never, NULL, &w.job), 0);
        wait_idle(pool);
        CHECK(weir_now_ns() >= deadline_ns);
        check_not_run(&w, -ETIMEDOUT);
        CHECK_EQ(weir_event_detach(&never, &w.job), -EALREADY);
        CHECK_EQ(weir_cancel(pool, &w.job), -EALREADY);
        pool_close(pool);
    }
}

// Returns once a worker sleeps until the nearest deadline that there is.
static void await_keeper(weir_pool *pool) {
    for (bool asleep = false; !asleep; sched_yield()) {
        wr_pool_lock(pool);
        asleep = pool->keeper != NULL && pool->keeper->parked;
        wr_pool_unlock(pool);
    }
}

static void a_nearer_deadline_does_not_wait_for_the_farther(void) {
    weir_pool *pool = pool_of(2);
    weir_event never;
    weir_event_init(&never, pool, 1);
    work far = work_of(0), near[10];
    far.job.deadline_ns = in_ms(3600 * 1000);
    CHECK_EQ(weir_event_attach(&never, NULL, &far.job), 0);
    await_keeper(pool);
    for (int i = 9; i >= 0; i--) {
        near[i] = work_of(0);
        near[i].job.deadline_ns = in_ms(10 + 2 * i);
        CHECK_EQ(weir_event_attach(&never, NULL, &near[i].job), 0);
    }
    weir_pool_counts c;
    do {
        sched_yield();
        c = counts_of(pool);
    } while (c.timed_out < 10);
    CHECK_EQ(weir_cancel(pool, &far.job), 0);
    wait_idle(pool);
    check_not_run(&far, -ECANCELED);
    for (int i = 0; i < 10; i++)
        check_not_run(&near[i], -ETIMEDOUT);
    pool_close(pool);
}

// Whoever sleeps until the first deadline may be the one that is woken for a
// job: somebody else must then watch the clock.
// The near deadline is to pass while a worker is held, with the other asleep.
// False: it passed before, for this thread was held up; ms was too few.
static bool deadline_beside_a_busy_one(int64_t ms) {
    weir_pool *pool = pool_of(2);
    weir_event never;
    weir_event_init(&never, pool, 1);
    work far = work_of(0), near = work_of(0);
    far.job.deadline_ns = in_ms(3600 * 1000);
    near.job.deadline_ns = in_ms(ms);
    until(in_ms(2)); // they sleep by now, most likely
    CHECK_EQ(weir_event_attach(&never, NULL, &far.job), 0);
    until(in_ms(2));
    CHECK_EQ(weir_event_attach(&never, NULL, &near.job), 0);
    until(in_ms(2));
    held h;
    hold(pool, &h);
    bool was_near = weir_now_ns() < near.job.deadline_ns;
    while (counts_of(pool).timed_out == 0)
        sched_yield();
    release(&h);
    CHECK_EQ(weir_cancel(pool, &far.job), 0);
    wait_idle(pool);
    check_not_run(&near, -ETIMEDOUT);
    pool_close(pool);
    return was_near;
}

static void a_deadline_passes_while_one_worker_is_busy(void) {
    int64_t ms = 15;
    for (int passed = 0; passed < 10;)
        if (deadline_beside_a_busy_one(ms))
            passed++;
        else
            ms *= 2;
}

static void a_job_submitted_after_its_deadline_does_not_run(void) {
    weir_pool *pool = pool_of(2);
    work works[50];
    for (int i = 0; i < 50; i++) {
        works[i] = work_of(0);
        works[i].job.deadline_ns = 1;
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    for (int i = 0; i < 50; i++)
        check_not_run(&works[i], -ETIMEDOUT);
    pool_close(pool);
}

static void a_running_job_is_told_of_its_deadline(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        flagged f = flagged_start();
        // Far enough that it has started; the gate then lets it pass.
        int64_t deadline_ns = f.job.deadline_ns = in_ms(200);
        submit(pool, &f.job);
        gate_open(&f.running);
        wait_idle(pool);
        CHECK_EQ(f.ended, 1);
        if (f.status == -55) {
            CHECK_EQ(f.why, -ETIMEDOUT);
            CHECK(weir_now_ns() >= deadline_ns);
        } else { // a very slow machine
            CHECK_EQ(f.status, -ETIMEDOUT);
        }
        pool_close(pool);
    }
}

static void a_job_that_ended_leaves_no_deadline_behind(void) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < 500; i++) {
        work *w = malloc(sizeof(*w));
        CHECK(w != NULL);
        *w = work_of(0);
        w->job.deadline_ns = in_ms(i % 2 == 0 ? 1 : 3600 * 1000);
        submit(pool, &w->job);
        wait_idle(pool);
        CHECK_EQ(w->ended, 1);
        CHECK_EQ(w->status, w->ran ? 0 : -ETIMEDOUT);
        memset(w, 0xa5, sizeof(*w));
        free(w);
    }
    until(in_ms(3));
    pool_close(pool);
}

// Deterministic: the clock is not asked.
static void a_deadline_of_a_deterministic_pool_needs_no_waiting(void) {
    int64_t begin = weir_now_ns();
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 4);
        weir_event never;
        weir_event_init(&never, pool, 1);
        work first = work_of(0), second = work_of(0);
        first.job.deadline_ns = in_ms(3600 * 1000);
        second.job.deadline_ns = in_ms(2 * 3600 * 1000);
        CHECK_EQ(weir_event_attach(&never, NULL, &second.job), 0);
        CHECK_EQ(weir_event_attach(&never, NULL, &first.job), 0);
        wait_idle(pool);
        check_not_run(&first, -ETIMEDOUT);
        check_not_run(&second, -ETIMEDOUT);
        pool_close(pool);
    }
    CHECK(weir_now_ns() - begin < INT64_C(3600) * 1000000000);
}

// ---- all ends at once ------------------------------------------------------

enum { CROWD = 3000, EVENTS = 8 };

typedef struct member {
    weir_job job;
    tally ended;
    tally ran;
    int status;
    int accepted;
} member;

static member crowd[CROWD];
static weir_event crowd_events[EVENTS];
static tally crowd_offered;
static weir_pool *crowd_pool;

static int member_run(weir_worker *self, weir_job *job) {
    (void)self;
    tally_add(&((member *)job)->ran);
    return -(int)((size_t)((member *)job - crowd) % 5);
}

static void member_done(weir_job *job, int status) {
    member *m = (member *)job;
    m->status = status;
    CHECK_EQ(tally_add(&m->ended), 1);
}

static void *crowd_cancel(void *arg) {
    uint64_t random = *(uint64_t *)arg;
    for (uint64_t i = 0; i < CROWD; i++) {
        mark_await(&crowd_offered, i + 1);
        random = random * 6364136223846793005u + 1442695040888963407u;
        if ((random >> 33) % 3 == 0 && crowd[i].accepted)
            (void)weir_cancel(crowd_pool, &crowd[i].job);
        if ((random >> 40) % 97 == 0)
            (void)weir_event_fire(&crowd_events[(random >> 50) % EVENTS], -1);
    }
    return NULL;
}

static void crowd_offer(uint64_t random) {
    for (uint64_t i = 0; i < CROWD; i++) {
        member *m = &crowd[i];
        random = random * 6364136223846793005u + 1442695040888963407u;
        *m = (member){.job = WEIR_JOB_INIT(member_run, member_done)};
        m->job.priority = (int32_t)((random >> 35) % 3) - 1;
        if ((random >> 38) % 3 == 0)
            m->job.deadline_ns = weir_now_ns() + (int64_t)(random >> 44);
        int error =
            (random >> 40) % 4 == 0
                ? weir_event_attach(&crowd_events[(random >> 42) % EVENTS],
                                    NULL, &m->job)
                : weir_submit(crowd_pool, &m->job);
        CHECK(error == 0 || error == -ESHUTDOWN);
        m->accepted = error == 0;
        mark_set(&crowd_offered);
    }
}

static void *crowd_stop(void *arg) {
    stopper *s = arg;
    tally_await(&crowd_offered, CROWD / 2);
    return stopper_main(s);
}

static void crowd_check(const weir_stop_report *report) {
    uint64_t accepted = 0, ran = 0;
    for (int i = 0; i < CROWD; i++) {
        member *m = &crowd[i];
        uint64_t runs = tally_get(&m->ran);
        CHECK_EQ(tally_get(&m->ended), m->accepted);
        CHECK(runs <= (uint64_t)m->accepted);
        accepted += (uint64_t)m->accepted;
        ran += runs;
        if (runs == 1)
            CHECK_EQ(m->status, -(i % 5));
        else if (m->accepted)
            CHECK(m->status == -ECANCELED || m->status == -ETIMEDOUT ||
                  m->status == -ESHUTDOWN);
    }
    CHECK_EQ(report->run, ran);
    CHECK_EQ(report->not_run, accepted - ran);
}

static void crowd_round(weir_stop_mode mode, int width, uint64_t seed) {
    weir_pool *pool = crowd_pool = pool_of(width);
    tally_init(&crowd_offered);
    for (int i = 0; i < EVENTS; i++)
        weir_event_init(&crowd_events[i], pool, 1);
    stopper s = {.pool = pool, .mode = mode};
    uint64_t seeds[] = {seed, seed + 1000};
    pthread_t threads[] = {thread_start(crowd_cancel, &seeds[0]),
                           thread_start(crowd_cancel, &seeds[1]),
                           thread_start(crowd_stop, &s)};
    crowd_offer(seed * 77 + 1);
    thread_join(threads[0]);
    thread_join(threads[1]);
    for (int i = 0; i < EVENTS; i++) // a drain waits for what is attached
        (void)weir_event_fire(&crowd_events[i], 0);
    thread_join(threads[2]);
    CHECK_EQ(s.result, 0);
    crowd_check(&s.report);
    check_accounts(pool, &s.report);
    weir_pool_destroy(pool);
}

static void every_job_ends_once_whatever_races(void) {
    static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                           WEIR_STOP_ABORT};
    for (uint64_t seed = 0; seed < 24; seed++)
        crowd_round(modes[seed % 3], 1 + (int)(seed % 4), seed);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_cancelled_job_ends_and_never_runs",
         a_cancelled_job_ends_and_never_runs},
        {"cancel_takes_a_queued_job_out", cancel_takes_a_queued_job_out},
        {"done_is_never_called_inside_cancel",
         done_is_never_called_inside_cancel},
        {"done_of_a_job_that_never_ran_has_no_job_beneath",
         done_of_a_job_that_never_ran_has_no_job_beneath},
        {"a_cancel_from_outside_ends_the_job_on_a_worker",
         a_cancel_from_outside_ends_the_job_on_a_worker},
        {"a_running_job_is_told_and_ends_with_its_own_status",
         a_running_job_is_told_and_ends_with_its_own_status},
        {"cancelling_what_does_not_live_says_so",
         cancelling_what_does_not_live_says_so},
        {"a_cancel_that_races_the_start_has_one_outcome",
         a_cancel_that_races_the_start_has_one_outcome},
        {"a_deadline_passes_while_all_workers_are_busy",
         a_deadline_passes_while_all_workers_are_busy},
        {"a_deadline_passes_while_the_pool_sleeps",
         a_deadline_passes_while_the_pool_sleeps},
        {"a_nearer_deadline_does_not_wait_for_the_farther",
         a_nearer_deadline_does_not_wait_for_the_farther},
        {"a_deadline_passes_while_one_worker_is_busy",
         a_deadline_passes_while_one_worker_is_busy},
        {"a_job_submitted_after_its_deadline_does_not_run",
         a_job_submitted_after_its_deadline_does_not_run},
        {"a_running_job_is_told_of_its_deadline",
         a_running_job_is_told_of_its_deadline},
        {"a_job_that_ended_leaves_no_deadline_behind",
         a_job_that_ended_leaves_no_deadline_behind},
        {"a_deadline_of_a_deterministic_pool_needs_no_waiting",
         a_deadline_of_a_deterministic_pool_needs_no_waiting},
        {"every_job_ends_once_whatever_races",
         every_job_ends_once_whatever_races},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
