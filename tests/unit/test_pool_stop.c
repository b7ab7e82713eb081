// SPDX-License-Identifier: MIT
// Stopping: drain, cancel, abort; limits; what is left; who may.
#include "base/fault.h"
#include "support/pool.h"

static weir_stop_report stop(weir_pool *pool, weir_stop_mode mode) {
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, &report), 0);
    return report;
}

static weir_stop_report stop_late(weir_pool *pool, weir_stop_mode mode) {
    weir_stop_report report = {.size = sizeof(report)};
    int64_t deadline_ns = in_ms(10);
    CHECK_EQ(weir_pool_stop(pool, mode, deadline_ns, &report), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline_ns);
    return report;
}

// ---- drain -----------------------------------------------------------------

typedef struct growing {
    weir_job job;
    int depth;
} growing;

static tally grown;

static void growing_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    free(job);
}

static void growing_submit(weir_pool *pool, int depth);

static int growing_run(weir_worker *self, weir_job *job) {
    growing *g = (growing *)job;
    tally_add(&grown);
    for (int i = 0; g->depth > 0 && i < 2; i++)
        growing_submit(weir_worker_pool(self), g->depth - 1);
    return 0;
}

static void growing_submit(weir_pool *pool, int depth) {
    growing *g = calloc(1, sizeof(*g));
    CHECK(g != NULL);
    g->job = (weir_job)WEIR_JOB_INIT(growing_run, growing_done);
    g->depth = depth;
    submit(pool, &g->job);
}

static void drain_in(weir_pool *pool) {
    tally_init(&grown);
    for (int i = 0; i < 4; i++)
        growing_submit(pool, 5);
    weir_stop_report report = stop(pool, WEIR_STOP_DRAIN);
    CHECK_EQ(tally_get(&grown), 4 * 63);
    CHECK_EQ(report.run, 4 * 63);
    CHECK_EQ(report.not_run, 0);
    CHECK_EQ(report.shut_down, 0);
}

static void drain_runs_all_jobs_and_those_they_submit(void) {
    for_each_pool(drain_in);
}

static void while_draining_only_workers_may_submit(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        tally_init(&grown);
        held h;
        hold(pool, &h);
        stopper s;
        stopper_start(&s, pool, WEIR_STOP_DRAIN);
        work w = work_of(0), before = w;
        CHECK_EQ(weir_submit(pool, &w.job), -ESHUTDOWN);
        CHECK_EQ(weir_try_submit(pool, &w.job), -ESHUTDOWN);
        check_untouched(&w, &before);
        release(&h);
        stopper_join(&s);
        check_accounts(pool, &s.report);
        CHECK_EQ(s.report.not_run, 0);
        weir_pool_destroy(pool);
    }
}

// A job that is running while the pool drains submits and attaches more.
typedef struct late {
    weir_job job;
    gate gate;
    work submitted;
    work attached;
    weir_event event;
    int answers[2];
} late;

static int late_run(weir_worker *self, weir_job *job) {
    late *l = (late *)job;
    gate_pass(&l->gate);
    weir_pool *pool = weir_worker_pool(self);
    l->answers[0] = weir_submit(pool, &l->submitted.job);
    l->answers[1] = weir_event_attach(&l->event, NULL, &l->attached.job);
    CHECK_EQ(weir_event_fire(&l->event, 0), 0);
    return 0;
}

static void a_job_may_submit_while_its_pool_drains(void) {
    weir_pool *pool = pool_of(1);
    late l = {.job = WEIR_JOB_INIT(late_run, NULL)};
    gate_init(&l.gate);
    l.submitted = work_of(0);
    l.attached = work_of(0);
    weir_event_init(&l.event, pool, 1);
    submit(pool, &l.job);
    gate_await(&l.gate, 1);
    stopper s;
    stopper_start(&s, pool, WEIR_STOP_DRAIN);
    gate_open(&l.gate);
    stopper_join(&s);
    CHECK_EQ(l.answers[0], 0);
    check_ran(&l.submitted, 0);
    CHECK_EQ(l.answers[1], 0);
    check_ran(&l.attached, 0);
    weir_pool_destroy(pool);
}

static void drain_waits_for_attached_jobs_and_their_events(void) {
    weir_pool *pool = pool_of(2);
    weir_event event;
    weir_event_init(&event, pool, 1);
    work w = work_of(0), timed = work_of(0);
    timed.job.deadline_ns = in_ms(10);
    weir_event never;
    weir_event_init(&never, pool, 1);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    CHECK_EQ(weir_event_attach(&never, NULL, &timed.job), 0);
    stopper s;
    stopper_start(&s, pool, WEIR_STOP_DRAIN);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    stopper_join(&s);
    check_ran(&w, 0);
    check_not_run(&timed, -ETIMEDOUT);
    weir_pool_destroy(pool);
}

// ---- cancel and abort ------------------------------------------------------

static void cancel_mode_in(weir_pool *pool) {
    weir_event never;
    weir_event_init(&never, pool, 1);
    work works[30], attached = work_of(0);
    CHECK_EQ(weir_event_attach(&never, NULL, &attached.job), 0);
    for (int i = 0; i < 30; i++) {
        works[i] = work_of(-2);
        submit(pool, &works[i].job);
    }
    weir_stop_report report = stop(pool, WEIR_STOP_CANCEL);
    uint64_t ran = 0;
    for (int i = 0; i < 30; i++) {
        ran += (uint64_t)works[i].ran;
        if (works[i].ran)
            check_ran(&works[i], -2);
        else
            check_not_run(&works[i], -ESHUTDOWN);
    }
    check_not_run(&attached, -ESHUTDOWN);
    CHECK_EQ(report.run, ran);
    CHECK_EQ(report.not_run, 31 - ran);
    CHECK_EQ(report.shut_down, 31 - ran);
    CHECK_EQ(counts_of(pool).cancelled, 31 - ran);
}

static void cancel_ends_queued_and_attached_jobs(void) {
    for_each_pool(cancel_mode_in);
}

// A job that polls its flag, held until the test has looked.
typedef struct polling {
    weir_job job;
    gate gate;
    int why;
    int wait_for_it;
} polling;

static int polling_run(weir_worker *self, weir_job *job) {
    polling *p = (polling *)job;
    gate_pass(&p->gate);
    do {
        p->why = weir_cancelled(self);
    } while (p->wait_for_it && p->why == 0);
    return -77;
}

static void cancel_does_not_tell_running_jobs_and_abort_does(void) {
    for (int mode = WEIR_STOP_CANCEL; mode <= WEIR_STOP_ABORT; mode++) {
        weir_pool *pool = pool_of(2);
        polling p = {.job = WEIR_JOB_INIT(polling_run, NULL)};
        gate_init(&p.gate);
        p.wait_for_it = mode == WEIR_STOP_ABORT;
        submit(pool, &p.job);
        gate_await(&p.gate, 1);
        stopper s;
        stopper_start(&s, pool, (weir_stop_mode)mode);
        gate_open(&p.gate);
        stopper_join(&s);
        CHECK_EQ(p.why, mode == WEIR_STOP_ABORT ? -ESHUTDOWN : 0);
        CHECK_EQ(counts_of(pool).failed, 1);
        weir_pool_destroy(pool);
    }
}

// A running job that spawns children after the stop has begun.
typedef struct spawning {
    weir_job job;
    gate gate;
    work before, after;
    int status;
} spawning;

static int spawning_run(weir_worker *self, weir_job *job) {
    spawning *s = (spawning *)job;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &s->before.job);
    gate_pass(&s->gate);
    weir_scope_spawn(self, &scope, &s->after.job);
    s->status = weir_scope_wait(self, &scope);
    return 0;
}

static void children_in_mode(weir_stop_mode mode) {
    weir_pool *pool = pool_of(1);
    spawning sp = {.job = WEIR_JOB_INIT(spawning_run, NULL)};
    gate_init(&sp.gate);
    sp.before = work_of(0);
    sp.after = work_of(0);
    submit(pool, &sp.job);
    gate_await(&sp.gate, 1);
    stopper s;
    stopper_start(&s, pool, mode);
    gate_open(&sp.gate);
    stopper_join(&s);
    if (mode == WEIR_STOP_ABORT) {
        check_not_run(&sp.before, -ESHUTDOWN);
        check_not_run(&sp.after, -ESHUTDOWN);
        CHECK_EQ(sp.status, -ESHUTDOWN);
    } else {
        check_ran(&sp.before, 0);
        check_ran(&sp.after, 0);
        CHECK_EQ(sp.status, 0);
    }
    check_accounts(pool, &s.report);
    weir_pool_destroy(pool);
}

static void children_run_under_cancel_and_end_under_abort(void) {
    children_in_mode(WEIR_STOP_DRAIN);
    children_in_mode(WEIR_STOP_CANCEL);
    children_in_mode(WEIR_STOP_ABORT);
}

typedef struct waiting {
    weir_job job;
    weir_event *event;
    int result;
} waiting;

static int waiting_run(weir_worker *self, weir_job *job) {
    (void)self;
    waiting *w = (waiting *)job;
    w->result = weir_event_wait(w->event, WEIR_FOREVER, NULL);
    return 0;
}

static void abort_ends_a_wait_for_an_event(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        weir_event never;
        weir_event_init(&never, pool, 1);
        waiting w = {.job = WEIR_JOB_INIT(waiting_run, NULL), .event = &never};
        submit(pool, &w.job);
        while (counts_of(pool).started == 0)
            sched_yield();
        weir_stop_report report = stop(pool, WEIR_STOP_ABORT);
        CHECK_EQ(w.result, -ESHUTDOWN);
        CHECK_EQ(report.run, 1);
        weir_pool_destroy(pool);
    }
}

static void *submit_wait_main(void *arg) {
    weir_pool *pool = arg;
    work w = work_of(0), before = w;
    CHECK_EQ(weir_submit_wait(pool, &w.job, WEIR_FOREVER), -ESHUTDOWN);
    check_untouched(&w, &before);
    return NULL;
}

static void stopping_ends_a_wait_for_room(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.jobs_max = 1;
    for (int i = 0; i < 50; i++) {
        weir_pool *pool = pool_open(&options);
        held h;
        hold(pool, &h);
        pthread_t thread = thread_start(submit_wait_main, pool);
        stopper s;
        stopper_start(&s, pool, WEIR_STOP_CANCEL);
        thread_join(thread);
        release(&h);
        stopper_join(&s);
        weir_pool_destroy(pool);
    }
}

static int never_body(weir_worker *self, void *arg) {
    (void)self;
    *(int *)arg = 1;
    return 0;
}

static void *run_queued_main(void *arg) {
    int ran = 0, status = 12345;
    CHECK_EQ(weir_run(arg, never_body, &ran, &status), -ESHUTDOWN);
    CHECK_EQ(status, 12345);
    CHECK_EQ(ran, 0);
    return NULL;
}

static void stopping_ends_a_run_that_has_not_started(void) {
    for (int mode = WEIR_STOP_CANCEL; mode <= WEIR_STOP_ABORT; mode++) {
        weir_pool *pool = pool_of(1);
        held h;
        hold(pool, &h);
        pthread_t thread = thread_start(run_queued_main, pool);
        while (counts_of(pool).queued == 0)
            sched_yield();
        stopper s;
        stopper_start(&s, pool, (weir_stop_mode)mode);
        release(&h);
        thread_join(thread);
        stopper_join(&s);
        weir_pool_destroy(pool);
    }
}

// ---- limits ----------------------------------------------------------------

static void a_late_stop_names_what_still_runs(void) {
    weir_pool *pool = pool_of(2);
    work queued = work_of(0);
    held one, two;
    hold_named(pool, &one, "held");
    hold_named(pool, &two, NULL);
    submit(pool, &queued.job);
    for (int i = 0; i < 2; i++) {
        weir_stop_report report = stop_late(pool, WEIR_STOP_DRAIN);
        CHECK_EQ(report.remaining, 3);
        CHECK_EQ(report.running, 2);
        CHECK_EQ(report.run + report.not_run, 0);
        unsigned indexes = 0;
        for (int j = 0; j < 2; j++) {
            const weir_stop_running *running = &report.running_jobs[j];
            CHECK_STR(running->name,
                      running->worker == one.index ? "held" : "?");
            CHECK(running->for_ns >= 10000000);
            indexes |= 1u << running->worker;
        }
        CHECK_EQ(indexes, 1u << one.index | 1u << two.index);
        CHECK(report.running_jobs[2].name == NULL);
    }
    release(&one);
    release(&two);
    weir_stop_report report = stop(pool, WEIR_STOP_DRAIN);
    CHECK_EQ(report.run, 3);
    CHECK_EQ(report.remaining, 0);
    CHECK_EQ(report.running, 0);
    check_ran(&queued, 0);
    weir_pool_destroy(pool);
}

static void a_report_counts_all_but_names_only_the_first(void) {
    enum { WIDE = WEIR_STOP_RUNNING_MAX + 3 };
    weir_pool *pool = pool_of(WIDE);
    CHECK_EQ(weir_pool_width(pool), WIDE);
    held busy[WIDE];
    for (int i = 0; i < WIDE; i++)
        hold(pool, &busy[i]);
    weir_stop_report report = stop_late(pool, WEIR_STOP_DRAIN);
    CHECK_EQ(report.running, WIDE);
    for (int i = 0; i < WEIR_STOP_RUNNING_MAX; i++)
        CHECK_STR(report.running_jobs[i].name, "held");
    for (int i = 0; i < WIDE; i++)
        release(&busy[i]);
    pool_close(pool);
}

static void a_harder_mode_holds_for_good(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    work works[5];
    for (int i = 0; i < 5; i++) {
        works[i] = work_of(0);
        submit(pool, &works[i].job);
    }
    CHECK_EQ(stop_late(pool, WEIR_STOP_DRAIN).remaining, 6);
    stop_late(pool, WEIR_STOP_CANCEL);
    stop_late(pool, WEIR_STOP_DRAIN); // softer: no way back
    release(&h);
    weir_stop_report report = stop(pool, WEIR_STOP_DRAIN);
    for (int i = 0; i < 5; i++)
        check_not_run(&works[i], -ESHUTDOWN);
    CHECK_EQ(report.run, 1);
    CHECK_EQ(report.not_run, 5);
    CHECK_EQ(report.shut_down, 5);
    weir_pool_destroy(pool);
}

static void a_softer_stop_does_not_let_workers_submit_again(void) {
    weir_pool *pool = pool_of(1);
    late l = {.job = WEIR_JOB_INIT(late_run, NULL)};
    gate_init(&l.gate);
    l.submitted = work_of(0);
    l.attached = work_of(0);
    weir_event_init(&l.event, pool, 1);
    submit(pool, &l.job);
    gate_await(&l.gate, 1);
    stop_late(pool, WEIR_STOP_CANCEL);
    stop_late(pool, WEIR_STOP_DRAIN);
    gate_open(&l.gate);
    weir_stop_report report = stop(pool, WEIR_STOP_DRAIN);
    CHECK_EQ(l.answers[0], -ESHUTDOWN);
    CHECK_EQ(l.answers[1], -ESHUTDOWN);
    CHECK_EQ(l.submitted.ended + l.attached.ended, 0);
    CHECK_EQ(report.run, 1);
    weir_pool_destroy(pool);
}

static void several_threads_may_stop_a_pool_the_hardest_mode_holds(void) {
    for (int i = 0; i < 30; i++) {
        weir_pool *pool = pool_of(1);
        polling p = {.job = WEIR_JOB_INIT(polling_run, NULL)};
        gate_init(&p.gate);
        p.wait_for_it = 1;
        gate_open(&p.gate);
        submit(pool, &p.job);
        gate_await(&p.gate, 1);
        work w = work_of(0);
        submit(pool, &w.job);
        stopper drain, cancel, abort_it;
        stopper_start(&drain, pool, WEIR_STOP_DRAIN);
        stopper_start(&cancel, pool, WEIR_STOP_CANCEL);
        stopper_start(&abort_it, pool, WEIR_STOP_ABORT);
        stopper_join(&drain);
        stopper_join(&cancel);
        stopper_join(&abort_it);
        CHECK_EQ(p.why, -ESHUTDOWN);
        check_not_run(&w, -ESHUTDOWN);
        check_accounts(pool, &drain.report);
        check_accounts(pool, &cancel.report);
        check_accounts(pool, &abort_it.report);
        weir_pool_destroy(pool);
    }
}

static void stopping_a_stopped_pool_answers_again(void) {
    weir_pool *pool = pool_of(2);
    work w = work_of(-1);
    submit(pool, &w.job);
    weir_stop_report first = stop(pool, WEIR_STOP_DRAIN);
    weir_stop_report second = stop(pool, WEIR_STOP_ABORT);
    CHECK_EQ(first.run, 1);
    CHECK_EQ(second.run, 1);
    CHECK_EQ(second.not_run, 0);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, 0, NULL), 0);
    CHECK_EQ(weir_pool_wait_idle(pool, 0), 0);
    weir_pool_destroy(pool);
}

static void a_report_has_a_size(void) {
    weir_pool *pool = pool_of(1);
    weir_stop_report report = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, &report),
             -EINVAL);
    CHECK_EQ(weir_pool_stop(pool, (weir_stop_mode)99, WEIR_FOREVER, NULL),
             -EINVAL);
    work w = work_of(0);
    submit(pool, &w.job); // that stopped nothing
    memset(&report, 0x5a, sizeof(report));
    report.size = offsetof(weir_stop_report, not_run); // an older caller
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, &report), 0);
    CHECK_EQ(report.run, 1);
    CHECK_EQ(report.not_run, 0x5a5a5a5a5a5a5a5a);
    CHECK_EQ(report.size, offsetof(weir_stop_report, not_run));
    weir_pool_destroy(pool);
}

// ---- who may, what is left -------------------------------------------------

static int own_answers[2];

static int stop_own_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_pool *pool = weir_worker_pool(self);
    own_answers[0] = weir_pool_stop(pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL);
    own_answers[1] = weir_pool_wait_idle(pool, WEIR_FOREVER);
    return weir_cancelled(self);
}

static void stop_own_in(weir_pool *pool) {
    int status = 1;
    CHECK_EQ(weir_run(pool, stop_own_body, NULL, &status), 0);
    CHECK_EQ(own_answers[0], -EDEADLK);
    CHECK_EQ(own_answers[1], -EDEADLK);
    CHECK_EQ(status, 0);
    work w = work_of(0);
    submit(pool, &w.job);
    wait_idle(pool);
    check_ran(&w, 0);
}

static void a_worker_cannot_stop_its_own_pool(void) {
    for_each_pool(stop_own_in);
}

static int nothing(weir_worker *self, void *arg) {
    (void)self;
    CHECK(arg == NULL);
    return 0;
}

static void nothing_broadcast(weir_worker *self, void *arg) {
    (void)self;
    CHECK(arg == NULL);
}

static void a_stopped_pool_refuses_everything(void) {
    static const int threads[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(threads[i]);
        stop(pool, WEIR_STOP_DRAIN);
        work w = work_of(0), before = w;
        int status = 12345;
        CHECK_EQ(weir_submit(pool, &w.job), -ESHUTDOWN);
        CHECK_EQ(weir_run(pool, nothing, &w, &status), -ESHUTDOWN);
        CHECK_EQ(status, 12345);
        CHECK_EQ(weir_broadcast(pool, nothing_broadcast, &w), -ESHUTDOWN);
        check_untouched(&w, &before);
        weir_pool_destroy(pool);
    }
}

static void no_thread_is_left(void) {
    unsigned before = threads_before();
    int64_t taken = wr_fault_held();
    static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                           WEIR_STOP_ABORT};
    for (int i = 0; i < 12; i++) {
        weir_pool *pool = pool_of(1 + i % 4);
        weir_event event;
        weir_event_init(&event, pool, 1);
        waiting w = {.job = WEIR_JOB_INIT(waiting_run, NULL), .event = &event};
        submit(pool, &w.job);
        while (counts_of(pool).started == 0)
            sched_yield();
        work other = work_of(0); // run by a stand-in, if need be
        submit(pool, &other.job);
        while (counts_of(pool).succeeded == 0)
            sched_yield();
        CHECK(threads_alive() > before);
        CHECK_EQ(weir_event_fire(&event, 0), 0);
        stop(pool, modes[i % 3]);
        threads_await(before);
        weir_pool_destroy(pool);
        CHECK_EQ(wr_fault_held(), taken); // and all were joined
    }
}

// A job that arrives while the only worker is busy: who submitted it may still
// be about to return when it has run.
typedef struct arriving {
    weir_pool *pool;
    weir_job job;
    tally ended;
} arriving;

static int arriving_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void arriving_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    tally_add(
        &((arriving *)(void *)((char *)job - offsetof(arriving, job)))->ended);
}

static void *arriving_main(void *arg) {
    arriving *a = arg;
    submit(a->pool, &a->job);
    return NULL;
}

static void a_pool_may_go_while_an_arrival_returns(void) {
    for (int i = 0; i < 10; i++) {
        arriving a = {.pool = pool_of(1),
                      .job = WEIR_JOB_INIT(arriving_run, arriving_done)};
        tally_init(&a.ended);
        held h;
        hold(a.pool, &h);
        pthread_t thread = thread_start(arriving_main, &a);
        while (counts_of(a.pool).queued == 0)
            sched_yield();
        release(&h);
        tally_await(&a.ended, 1);
        weir_pool_destroy(a.pool);
        thread_join(thread);
        gate_fini(&h.gate);
    }
}

static void destroy_drains_and_null_is_allowed(void) {
    weir_pool_destroy(NULL);
    static const int threads[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(threads[i]);
        work works[50];
        for (int j = 0; j < 50; j++) {
            works[j] = work_of(0);
            submit(pool, &works[j].job);
        }
        weir_pool_destroy(pool);
        for (int j = 0; j < 50; j++)
            check_ran(&works[j], 0);
    }
}

static void deterministic_says_when_a_drain_can_never_end(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 4);
        weir_event never;
        weir_event_init(&never, pool, 1);
        work w = work_of(0), other = work_of(0);
        CHECK_EQ(weir_event_attach(&never, NULL, &w.job), 0);
        submit(pool, &other.job);
        weir_stop_report report = {.size = sizeof(report)};
        CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, &report),
                 -EDEADLK);
        CHECK_EQ(w.ended, 0);
        report = stop(pool, WEIR_STOP_CANCEL);
        check_not_run(&w, -ESHUTDOWN);
        check_ran(&other, 0);
        check_accounts(pool, &report);
        weir_pool_destroy(pool);
    }
}

static void destroy_stuck(void) {
    weir_pool *pool = pool_seeded(0, 2);
    weir_event never;
    weir_event_init(&never, pool, 1);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(&never, NULL, &w.job), 0);
    weir_pool_destroy(pool);
}

static void destroying_what_cannot_drain_aborts(void) {
    check_aborts(destroy_stuck, "never end");
}

static tally offered_count;
static weir_pool *offered_pool;

static void *offer_main(void *arg) {
    work *works = arg;
    for (int i = 0; i < 500; i++) {
        works[i] = work_of(0);
        int error = weir_submit(offered_pool, &works[i].job);
        CHECK(error == 0 || error == -ESHUTDOWN);
        if (error == 0)
            tally_add(&offered_count);
        else
            works[i].index = 12345; // refused
    }
    return NULL;
}

static void each_job_offered_during_a_stop_runs_ends_or_is_refused(void) {
    static work works[3][500];
    static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                           WEIR_STOP_ABORT};
    for (int round = 0; round < 60; round++) {
        weir_pool *pool = offered_pool = pool_of(1 + round % 3);
        tally_init(&offered_count);
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            threads[i] = thread_start(offer_main, works[i]);
        tally_await(&offered_count, (uint64_t)round * 5);
        weir_stop_report report = stop(pool, modes[round % 3]);
        for (int i = 0; i < 3; i++)
            thread_join(threads[i]);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 500; j++) {
                work *w = &works[i][j];
                CHECK_EQ(w->ended, w->index != 12345);
                if (!w->ran && w->ended)
                    check_not_run(w, -ESHUTDOWN);
            }
        CHECK_EQ(report.run + report.not_run, tally_get(&offered_count));
        weir_pool_destroy(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"drain_runs_all_jobs_and_those_they_submit",
         drain_runs_all_jobs_and_those_they_submit},
        {"while_draining_only_workers_may_submit",
         while_draining_only_workers_may_submit},
        {"a_job_may_submit_while_its_pool_drains",
         a_job_may_submit_while_its_pool_drains},
        {"drain_waits_for_attached_jobs_and_their_events",
         drain_waits_for_attached_jobs_and_their_events},
        {"cancel_ends_queued_and_attached_jobs",
         cancel_ends_queued_and_attached_jobs},
        {"cancel_does_not_tell_running_jobs_and_abort_does",
         cancel_does_not_tell_running_jobs_and_abort_does},
        {"children_run_under_cancel_and_end_under_abort",
         children_run_under_cancel_and_end_under_abort},
        {"abort_ends_a_wait_for_an_event", abort_ends_a_wait_for_an_event},
        {"stopping_ends_a_wait_for_room", stopping_ends_a_wait_for_room},
        {"stopping_ends_a_run_that_has_not_started",
         stopping_ends_a_run_that_has_not_started},
        {"a_late_stop_names_what_still_runs",
         a_late_stop_names_what_still_runs},
        {"a_report_counts_all_but_names_only_the_first",
         a_report_counts_all_but_names_only_the_first},
        {"a_harder_mode_holds_for_good", a_harder_mode_holds_for_good},
        {"a_softer_stop_does_not_let_workers_submit_again",
         a_softer_stop_does_not_let_workers_submit_again},
        {"several_threads_may_stop_a_pool_the_hardest_mode_holds",
         several_threads_may_stop_a_pool_the_hardest_mode_holds},
        {"stopping_a_stopped_pool_answers_again",
         stopping_a_stopped_pool_answers_again},
        {"a_report_has_a_size", a_report_has_a_size},
        {"a_worker_cannot_stop_its_own_pool",
         a_worker_cannot_stop_its_own_pool},
        {"a_stopped_pool_refuses_everything",
         a_stopped_pool_refuses_everything},
        {"no_thread_is_left", no_thread_is_left},
        {"destroy_drains_and_null_is_allowed",
         destroy_drains_and_null_is_allowed},
        {"deterministic_says_when_a_drain_can_never_end",
         deterministic_says_when_a_drain_can_never_end},
        {"destroying_what_cannot_drain_aborts",
         destroying_what_cannot_drain_aborts},
        {"each_job_offered_during_a_stop_runs_ends_or_is_refused",
         each_job_offered_during_a_stop_runs_ends_or_is_refused},
        {"a_pool_may_go_while_an_arrival_returns",
         a_pool_may_go_while_an_arrival_returns},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
