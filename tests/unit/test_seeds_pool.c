// SPDX-License-Identifier: MIT
// The pool under many seeds: jobs of every kind, cancelled, detached, late, in
// scopes and forks, and a stop of any mode in the middle. Each ends once, with
// the truth, and the accounts are right at every step.
#include "support/seeds.h"

enum { JOBS = 40, CHILDREN = 6, EVENTS = 4 };

typedef struct task {
    work w; // first
    int cancelled, late, detached, attached_to;
    uint64_t yields, children; // what it does
    int child_fails[CHILDREN];
    int stops_on_error;
} task;

typedef struct session {
    weir_pool *pool;
    weir_event events[EVENTS];
    int fired[EVENTS];
    task tasks[JOBS];
    size_t count;
    int stopped;
} session;

static session s;

static int child_run(weir_worker *self, weir_job *job) {
    work *w = (work *)job;
    weir_yield(self);
    w->ran++;
    return w->result;
}

// The first failed child, by key; and none after it need have run.
static void run_children(weir_worker *self, task *t) {
    work children[CHILDREN];
    weir_scope scope;
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.stop_on_error = t->stops_on_error;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    int expected = 0;
    for (uint64_t i = 0; i < t->children; i++) {
        children[i] = work_of(t->child_fails[i] ? -(int)i - 1 : 0);
        children[i].job.run = child_run;
        children[i].job.key = i;
        if (expected == 0)
            expected = children[i].result;
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    int status = weir_scope_wait(self, &scope);
    int told = weir_cancelled(self);
    for (uint64_t i = 0; i < t->children; i++)
        CHECK_EQ(children[i].ended, 1);
    if (told == 0)
        CHECK_EQ(status, expected);
    else
        CHECK(status <= 0);
}

static int task_run(weir_worker *self, weir_job *job) {
    task *t = (task *)job;
    CHECK_EQ(t->w.ran++, 0);
    for (uint64_t i = t->yields; i > 0; i--)
        weir_yield(self);
    if (t->children > 0)
        run_children(self, t);
    return t->w.result;
}

static task *draw_task(void) {
    task *t = &s.tasks[s.count];
    *t = (task){.w = work_of(seed_one_in(4) ? -EIO : 0), .attached_to = -1};
    t->w.job.run = task_run;
    t->w.job.priority = (int32_t)seed_below(3) - 1;
    t->yields = seed_below(4);
    t->children = seed_one_in(3) ? seed_below(CHILDREN + 1) : 0;
    t->stops_on_error = seed_one_in(2);
    for (int i = 0; i < CHILDREN; i++)
        t->child_fails[i] = seed_one_in(4);
    t->late = seed_one_in(5);
    if (t->late)
        t->w.job.deadline_ns = in_ms(3600000);
    return t;
}

static void submit_one(void) {
    task *t = draw_task();
    int error = 0;
    if (seed_one_in(3)) {
        t->attached_to = (int)seed_below(EVENTS);
        error = weir_event_attach(&s.events[t->attached_to], NULL, &t->w.job);
        SAY("task %zu is attached to %d: %d", s.count, t->attached_to, error);
    } else {
        error = weir_submit(s.pool, &t->w.job);
        SAY("task %zu is submitted: %d", s.count, error);
    }
    CHECK_EQ(error, 0);
    s.count++;
}

static void cancel_one(void) {
    size_t i = seed_below(s.count);
    task *t = &s.tasks[i];
    if (t->w.ended || t->detached)
        return;
    int error = weir_cancel(s.pool, &t->w.job);
    SAY("task %zu is cancelled: %d", i, error);
    CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    t->cancelled |= error == 0;
    CHECK(error == 0 || t->w.ran || t->late || t->cancelled);
}

static void detach_one(void) {
    size_t i = seed_below(s.count);
    task *t = &s.tasks[i];
    if (t->attached_to < 0 || t->w.ended || t->detached)
        return;
    int error = weir_event_detach(&s.events[t->attached_to], &t->w.job);
    SAY("task %zu is detached: %d", i, error);
    CHECK(error == 0 || error == -EALREADY);
    t->detached = error == 0;
}

static void fire_one(void) {
    size_t i = seed_below(EVENTS);
    int error = weir_event_fire(&s.events[i], 0);
    SAY("event %zu is fired: %d", i, error);
    CHECK_EQ(error, s.fired[i] ? -EALREADY : 0);
    s.fired[i] = 1;
}

static void check_task(const task *t) {
    if (t->detached) {
        CHECK_EQ(t->w.ran + t->w.ended, 0);
        return;
    }
    CHECK_EQ(t->w.ended, 1);
    CHECK_EQ(t->w.said_ran, t->w.ran);
    if (t->w.ran)
        CHECK_EQ(t->w.status, t->w.result);
    else
        CHECK((t->w.status == -ECANCELED && t->cancelled) ||
              (t->w.status == -ETIMEDOUT && t->late) ||
              (t->w.status == -ESHUTDOWN && s.stopped));
}

static void end(void) {
    s.stopped = seed_one_in(2);
    if (s.stopped) {
        weir_stop_mode mode =
            seed_one_in(2) ? WEIR_STOP_CANCEL : WEIR_STOP_ABORT;
        SAY("the pool is stopped, mode %d", (int)mode);
        weir_stop_report report = {.size = sizeof(report)};
        CHECK_EQ(weir_pool_stop(s.pool, mode, WEIR_FOREVER, &report), 0);
        check_accounts(s.pool, &report);
    } else {
        for (size_t i = 0; i < EVENTS; i++)
            (void)weir_event_fire(&s.events[i], 0);
        wait_idle(s.pool);
    }
    for (size_t i = 0; i < s.count; i++)
        check_task(&s.tasks[i]);
}

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    s = (session){.pool = pool};
    for (size_t i = 0; i < EVENTS; i++)
        weir_event_init(&s.events[i], pool, 1);
    for (uint64_t acts = 40 + seed_below(100); acts > 0; acts--) {
        uint64_t what = seed_below(9);
        if (what < 2 && s.count < JOBS)
            submit_one();
        else if (what == 2 && s.count > 0)
            cancel_one();
        else if (what == 3 && s.count > 0)
            detach_one();
        else if (what == 4)
            fire_one();
        else
            (void)weir_pool_step(pool);
        check_sum(pool);
    }
    end();
}

SEEDS_MAIN("pool", scenario, 2000 / TEST_SMALLER)
