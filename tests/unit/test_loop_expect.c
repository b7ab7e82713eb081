// SPDX-License-Identifier: MIT
// Calls that nobody runs here: expected, completed by somebody else, once.
#include "support/loop.h"

static void expect(weir_loop *loop, errand *e) {
    CHECK_EQ(weir_call_expect(loop, &e->call), 0);
}

static void check_completed(const errand *e, int status) {
    CHECK_EQ(e->ran, 0); // run is not used
    CHECK_EQ(e->ended, 1);
    CHECK_EQ(e->status, status);
    CHECK_EQ(e->outcome, status < 0 ? WEIR_OUTCOME_FAILED : WEIR_OUTCOME_DONE);
}

// ---- completion ------------------------------------------------------------

static void complete_is_delivered_by_a_drain_with_its_status(void) {
    static const int statuses[] = {0, 11, -EIO, -ECANCELED, -ETIMEDOUT};
    weir_loop *loop = loop_open();
    errand e[TEST_COUNT(statuses)];
    for (size_t i = 0; i < TEST_COUNT(statuses); i++) {
        e[i] = errand_of(0);
        e[i].call.run = NULL;
        expect(loop, &e[i]);
    }
    CHECK_EQ(weir_loop_pending(loop), TEST_COUNT(statuses));
    CHECK(!fd_readable(loop));
    CHECK_EQ(drain(loop), 0);
    for (size_t i = 0; i < TEST_COUNT(statuses); i++)
        weir_call_complete(&e[i].call, statuses[i]);
    CHECK_EQ(e[0].ended, 0); // never inside complete
    CHECK_EQ(loop_counts_of(loop).ended, TEST_COUNT(statuses));
    CHECK_EQ(loop_counts_of(loop).wakes, 1);
    CHECK(fd_readable(loop));
    CHECK_EQ(drain(loop), (int)TEST_COUNT(statuses));
    for (size_t i = 0; i < TEST_COUNT(statuses); i++) {
        check_completed(&e[i], statuses[i]);
        CHECK(i == 0 || e[i].end_order > e[i - 1].end_order);
    }
    weir_loop_counts c = loop_counts_of(loop);
    CHECK_EQ(c.done, 2);
    CHECK_EQ(c.failed, 3);
    fd_settle(loop);
    loop_close(loop);
}

typedef struct completer {
    errand e[500];
    int first, step;
} completer;

static void *completer_main(void *arg) {
    completer *c = arg;
    for (int i = c->first; i < 500; i += c->step)
        weir_call_complete(&c->e[i].call, i);
    return NULL;
}

static void any_thread_may_complete(void) {
    weir_loop *loop = loop_open();
    static completer c[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 500; j++) {
            c[i].e[j] = errand_of(0);
            expect(loop, &c[i].e[j]);
        }
        c[i].first = 0;
        c[i].step = 1;
        threads[i] = thread_start(completer_main, &c[i]);
    }
    settle(loop, NULL);
    for (int i = 0; i < 4; i++) {
        thread_join(threads[i]);
        for (int j = 0; j < 500; j++)
            check_completed(&c[i].e[j], j);
    }
    loop_close(loop);
}

// Any thread may expect, too: a call and its completer need not know the loop's
// thread.
static weir_loop *far_loop;

static void *far_main(void *arg) {
    errand *e = arg;
    for (int i = 0; i < 200; i++) {
        expect(far_loop, &e[i]);
        weir_call_complete(&e[i].call, i);
    }
    return NULL;
}

static void any_thread_may_expect(void) {
    weir_loop *loop = far_loop = loop_open();
    static errand e[3][200];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 200; j++)
            e[i][j] = errand_of(0);
        threads[i] = thread_start(far_main, e[i]);
    }
    while (loop_counts_of(loop).done < 600)
        turn(loop, NULL);
    for (int i = 0; i < 3; i++) {
        thread_join(threads[i]);
        for (int j = 0; j < 200; j++)
            check_completed(&e[i][j], j);
    }
    loop_close(loop);
}

// A call on the pool that completes one.
typedef struct pair {
    errand errand; // first
    errand *other;
} pair;

static int completing_run(weir_worker *self, weir_call *call) {
    pair *p = (pair *)call;
    weir_call_complete(&p->other->call, 4);
    return errand_run(self, call);
}

static void completing_done(weir_call *call, int status) {
    pair *p = (pair *)call;
    errand_done(call, status);
    weir_call_complete(&p->other->call, 5);
    CHECK_EQ(p->other->ended, 0);
}

static void complete_from_calls(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int in_done = 0; in_done < 2; in_done++) {
        errand e = errand_of(0);
        pair p = {.errand = errand_of(0), .other = &e};
        if (in_done)
            p.errand.call.done = completing_done;
        else
            p.errand.call.run = completing_run;
        expect(loop, &e);
        call_on(loop, pool, &p.errand);
        settle(loop, pool);
        check_call_ran(&p.errand, 0);
        check_completed(&e, in_done ? 5 : 4);
    }
    loop_close(loop);
}

static void a_run_or_a_done_may_complete_another_call(void) {
    on_each_pool(complete_from_calls);
}

static int laps;

static void lap_done(weir_call *call, int status) {
    errand_done(call, status);
    CHECK_EQ(status, laps);
    if (laps++ == 20)
        return;
    CHECK_EQ(weir_call_expect(far_loop, call), 0);
    weir_call_complete(call, laps);
}

static void an_expected_call_may_be_expected_again_in_done(void) {
    far_loop = loop_open();
    errand e = errand_of(0);
    e.call.done = lap_done;
    laps = 0;
    expect(far_loop, &e);
    weir_call_complete(&e.call, 0);
    settle(far_loop, NULL);
    CHECK_EQ(e.ended, 21);
    loop_close(far_loop);
}

static void done_may_be_left_out_here_too(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    e.call.done = NULL;
    expect(loop, &e);
    weir_call_complete(&e.call, -EIO);
    CHECK_EQ(drain(loop), 1);
    CHECK_EQ(loop_counts_of(loop).failed, 1);
    loop_close(loop);
}

// ---- only told -------------------------------------------------------------

static void cancel_only_raises_the_flag(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0), other = errand_of(0);
    expect(loop, &e);
    expect(loop, &other);
    CHECK_EQ(weir_call_cancelled(&e.call), 0);
    CHECK_EQ(weir_call_cancel(&e.call), -EBUSY);
    CHECK_EQ(weir_call_cancelled(&e.call), -ECANCELED);
    CHECK_EQ(weir_call_cancelled(&other.call), 0);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(e.ended, 0);
    weir_call_complete(&e.call, -ECANCELED);
    CHECK_EQ(weir_call_cancel(&e.call), -EALREADY);
    weir_call_complete(&other.call, 1);
    CHECK_EQ(drain(loop), 2);
    check_completed(&e, -ECANCELED); // FAILED: it was not cancelled here
    check_completed(&other, 1);
    loop_close(loop);
}

static void a_deadline_only_raises_the_flag(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    e.call.deadline_ns = in_ms(1);
    expect(loop, &e);
    until(e.call.deadline_ns);
    CHECK_EQ(weir_call_cancelled(&e.call), -ETIMEDOUT);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(e.ended, 0);
    CHECK(weir_loop_next_deadline(loop) > weir_now_ns()); // nothing to do
    CHECK_EQ(weir_loop_wait(loop, in_ms(1)), -ETIMEDOUT);
    weir_call_complete(&e.call, 3);
    CHECK_EQ(drain(loop), 1);
    check_completed(&e, 3);
    CHECK_EQ(loop_counts_of(loop).timed_out, 0);
    loop_close(loop);
}

// The flag is that of the call, not of the work that asks about it.
static int asking_run(weir_worker *self, weir_call *call) {
    (void)self;
    pair *p = (pair *)call;
    while (weir_call_cancelled(call) == 0)
        sched_yield();
    p->errand.ran++;
    return weir_call_cancelled(&p->other->call);
}

static void any_thread_may_ask_about_an_expected_call(void) {
    static const int reasons[] = {0, -ECANCELED, -ETIMEDOUT};
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    weir_lane *lane = lane_of(1);
    for (int i = 0; i < 6; i++) {
        errand e = errand_of(0);
        pair p = {.errand = errand_of(0), .other = &e};
        p.errand.call.run = asking_run;
        e.call.deadline_ns = i % 3 == 2 ? 1 : 0;
        expect(loop, &e);
        if (i % 3 == 1)
            CHECK_EQ(weir_call_cancel(&e.call), -EBUSY);
        do {
            p.errand.call.deadline_ns = in_ms(50); // it is told of its own
            if (i < 3)
                call_on(loop, pool, &p.errand);
            else
                call_in(loop, lane, &p.errand);
            p.errand.ended = 0;
            while (p.errand.ended == 0)
                turn(loop, pool);
        } while (p.errand.ran == 0);
        CHECK_EQ(p.errand.status, reasons[i % 3]);
        weir_call_complete(&e.call, 0);
        settle(loop, pool);
        check_completed(&e, 0);
    }
    loop_close(loop);
    lane_close(lane);
    pool_close(pool);
}

static void closing_waits_for_expected_calls(void) {
    static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                           WEIR_STOP_ABORT};
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        errand e = errand_of(0);
        expect(loop, &e);
        closing c = closing_of(loop);
        close_begin(&c, modes[i]);
        drain(loop);
        CHECK_EQ(e.ended, 0);
        CHECK_EQ(c.called, 0);
        CHECK_EQ(weir_call_cancelled(&e.call),
                 modes[i] == WEIR_STOP_ABORT ? -ESHUTDOWN : 0);
        weir_call_complete(&e.call, 0);
        close_settle(&c, NULL);
        check_completed(&e, 0);
        errand late = errand_of(0), before = late;
        CHECK_EQ(weir_call_expect(loop, &late.call), -ESHUTDOWN);
        check_call_untouched(&late, &before);
        loop_close(loop);
    }
}

// ---- broken rules ----------------------------------------------------------

static void complete_unexpected(void) {
    errand e = errand_of(0);
    weir_call_complete(&e.call, 0);
}

static void complete_twice(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    expect(loop, &e);
    weir_call_complete(&e.call, 0);
    weir_call_complete(&e.call, 0);
}

static void complete_delivered(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    expect(loop, &e);
    weir_call_complete(&e.call, 0);
    drain(loop);
    weir_call_complete(&e.call, 0);
}

static void complete_submitted(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    weir_call_complete(&e.call, 0);
}

static void expect_twice(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    expect(loop, &e);
    expect(loop, &e);
}

static void submit_expected(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    expect(loop, &e);
    call_on(loop, pool_of(1), &e);
}

static void what_is_not_expected_cannot_be_completed(void) {
    check_aborts(complete_unexpected, "weir_call_complete");
    check_aborts(complete_twice, "weir_call_complete");
    check_aborts(complete_delivered, "weir_call_complete");
    check_aborts(complete_submitted, "weir_call_complete");
    check_aborts(expect_twice, "twice");
    check_aborts(submit_expected, "twice");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"complete_is_delivered_by_a_drain_with_its_status",
         complete_is_delivered_by_a_drain_with_its_status},
        {"any_thread_may_complete", any_thread_may_complete},
        {"any_thread_may_expect", any_thread_may_expect},
        {"a_run_or_a_done_may_complete_another_call",
         a_run_or_a_done_may_complete_another_call},
        {"an_expected_call_may_be_expected_again_in_done",
         an_expected_call_may_be_expected_again_in_done},
        {"done_may_be_left_out_here_too", done_may_be_left_out_here_too},
        {"cancel_only_raises_the_flag", cancel_only_raises_the_flag},
        {"a_deadline_only_raises_the_flag", a_deadline_only_raises_the_flag},
        {"any_thread_may_ask_about_an_expected_call",
         any_thread_may_ask_about_an_expected_call},
        {"closing_waits_for_expected_calls", closing_waits_for_expected_calls},
        {"what_is_not_expected_cannot_be_completed",
         what_is_not_expected_cannot_be_completed},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
