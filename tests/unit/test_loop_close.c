// SPDX-License-Identifier: MIT
// Closing a loop: every accepted call is delivered, closed comes last.
#include "support/loop.h"

#include "base/random.h"

static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                       WEIR_STOP_ABORT};

static int stage_run(weir_worker *self, weir_call *call);

// A call whose run goes on with stage_run on its own pool, from a gate.
typedef struct staged {
    errand errand; // first
    weir_pool *pool;
    int second; // runs of the second stage
} staged;

static int staged_run(weir_worker *self, weir_call *call) {
    staged *s = (staged *)call;
    weir_call_continue(call, s->pool, NULL, stage_run);
    return errand_run(self, call);
}

static int stage_run(weir_worker *self, weir_call *call) {
    CHECK(self != NULL);
    ((staged *)call)->second++;
    return 5;
}

// ---- modes -----------------------------------------------------------------

static void close_empty(weir_pool *pool) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        errand e = errand_of(0);
        call_on(loop, pool, &e);
        settle(loop, pool);
        closing c = closing_of(loop);
        close_begin(&c, modes[i]);
        CHECK_EQ(c.called, 0); // never inside close
        CHECK(fd_readable(loop));
        CHECK_EQ(drain(loop), 0);
        CHECK_EQ(c.called, 1);
        loop_close(loop);
    }
}

static void closed_is_called_by_a_drain_also_if_nothing_is_left(void) {
    on_each_pool(close_empty);
}

// closed may be left out.
static void nobody_need_be_told(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    CHECK_EQ(weir_loop_close(loop, WEIR_STOP_DRAIN, NULL, NULL), 0);
    settle(loop, pool);
    drain(loop);
    check_call_ran(&e, 0);
    loop_close(loop);
    pool_close(pool);
}

static void close_with(weir_pool *pool, weir_stop_mode mode) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[10];
    for (int i = 0; i < 10; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
    }
    closing c = closing_of(loop);
    close_begin(&c, mode);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(e[i].ended, 0);
    if (mode == WEIR_STOP_DRAIN) {
        CHECK_EQ(drain(loop), 0);
        CHECK_EQ(c.called, 0);
        release_all(pool, &h);
        close_settle(&c, pool);
    } else {
        close_settle(&c, NULL); // though no worker became free
        release_all(pool, &h);
    }
    for (int i = 0; i < 10; i++)
        if (mode == WEIR_STOP_DRAIN)
            check_call_ran(&e[i], i);
        else
            check_call_not_run(&e[i], -ESHUTDOWN);
    loop_close(loop);
}

static void close_drain(weir_pool *pool) { close_with(pool, WEIR_STOP_DRAIN); }
static void close_cancel(weir_pool *pool) {
    close_with(pool, WEIR_STOP_CANCEL);
}
static void close_abort(weir_pool *pool) { close_with(pool, WEIR_STOP_ABORT); }

static void drain_lets_all_calls_run(void) { on_each_pool(close_drain); }

static void cancel_ends_what_has_not_started(void) {
    on_each_pool(close_cancel);
    on_each_pool(close_abort);
}

static void who_is_told(void) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(2);
        gate g;
        gate_init(&g);
        tally_init(&obedient_started);
        errand held_one = errand_at(&g), obedient = errand_obedient();
        call_on(loop, pool, &held_one);
        call_on(loop, pool, &obedient);
        gate_await(&g, 1);
        started_await(pool, &obedient_started, 1);
        closing c = closing_of(loop);
        close_begin(&c, modes[i]);
        if (modes[i] == WEIR_STOP_ABORT) { // told, and obeys at once
            while (obedient.ended == 0)
                turn(loop, pool);
            check_call_ran(&obedient, -ESHUTDOWN);
            CHECK_EQ(held_one.ended, 0);
            gate_open(&g);
        } else { // told nothing
            gate_open(&g);
            while (held_one.ended == 0)
                turn(loop, pool);
            CHECK_EQ(obedient.ended, 0);
            tell(&obedient);
        }
        close_settle(&c, pool);
        check_call_ran(&held_one, 0);
        check_call_ran(&obedient,
                       modes[i] == WEIR_STOP_ABORT ? -ESHUTDOWN : -ECANCELED);
        loop_close(loop);
        pool_close(pool);
        gate_fini(&g);
    }
}

static void abort_alone_tells_running_calls(void) { who_is_told(); }

static void abort_in_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    errand e = errand_obedient();
    call_on(loop, pool, &e);
    started_await(pool, &obedient_started, 1);
    closing c = closing_of(loop);
    close_begin(&c, WEIR_STOP_ABORT);
    close_settle(&c, pool);
    check_call_ran(&e, -ESHUTDOWN);
    loop_close(loop);
}

static void a_running_call_that_is_told_may_give_up(void) {
    on_each_pool(abort_in_pool);
}

static void harder_later(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    errand running = errand_obedient(), queued[5];
    call_on(loop, pool, &running);
    started_await(pool, &obedient_started, 1);
    held_all h = {.count = 0};
    unsigned width = weir_pool_width(pool);
    if (weir_pool_step(pool) == -EINVAL)
        for (; h.count + 1 < width; h.count++)
            hold(pool, &h.each[h.count]);
    for (int i = 0; i < 5; i++) {
        queued[i] = errand_of(0);
        call_on(loop, pool, &queued[i]);
    }
    closing c = closing_of(loop), other = closing_of(loop);
    close_begin(&c, WEIR_STOP_DRAIN);
    CHECK_EQ(drain(loop), 0);
    close_begin(&other, WEIR_STOP_CANCEL);
    CHECK_EQ(drain(loop), 5);
    for (int i = 0; i < 5; i++)
        check_call_not_run(&queued[i], -ESHUTDOWN);
    CHECK_EQ(running.ended, 0);
    CHECK_EQ(c.called, 0);
    close_begin(&other, WEIR_STOP_ABORT);
    close_begin(&other, WEIR_STOP_DRAIN); // a softer mode changes nothing
    close_settle(&c, pool);
    check_call_ran(&running, -ESHUTDOWN);
    CHECK_EQ(other.called, 0); // closed is that of the first call
    release_all(pool, &h);
    loop_close(loop);
}

static void a_harder_mode_may_follow(void) { on_each_pool(harder_later); }

// ---- continuations ---------------------------------------------------------

static void close_continued(weir_pool *pool, weir_stop_mode mode) {
    weir_loop *loop = loop_open();
    gate g;
    gate_init(&g);
    staged s = {.errand = errand_at(&g), .pool = pool};
    s.errand.call.run = staged_run;
    call_on(loop, pool, &s.errand);
    gate_await(&g, 1);
    closing c = closing_of(loop);
    close_begin(&c, mode);
    close_begin(&c, WEIR_STOP_DRAIN); // a softer mode changes nothing
    gate_open(&g);
    close_settle(&c, pool);
    CHECK_EQ(s.errand.ran, 1);
    CHECK_EQ(s.errand.ended, 1);
    if (mode == WEIR_STOP_DRAIN) {
        CHECK_EQ(s.second, 1);
        CHECK_EQ(s.errand.status, 5);
        CHECK_EQ(s.errand.outcome, WEIR_OUTCOME_DONE);
    } else {
        CHECK_EQ(s.second, 0);
        CHECK_EQ(s.errand.status, -ESHUTDOWN);
        CHECK_EQ(s.errand.outcome, WEIR_OUTCOME_CANCELLED);
    }
    loop_close(loop);
    gate_fini(&g);
}

static void continued_drain(weir_pool *pool) {
    close_continued(pool, WEIR_STOP_DRAIN);
}

static void continued_cancel(weir_pool *pool) {
    close_continued(pool, WEIR_STOP_CANCEL);
    close_continued(pool, WEIR_STOP_ABORT);
}

static void drain_lets_continuations_run(void) {
    for_each_width(continued_drain);
}

static void cancel_ends_continuations(void) {
    for_each_width(continued_cancel);
}

// ---- refusals --------------------------------------------------------------

static void refusals(weir_pool *pool) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        weir_lane *lane = lane_of(1);
        closing c = closing_of(loop);
        close_begin(&c, modes[i]);
        for (int closed = 0; closed < 2; closed++) {
            errand e = errand_of(0), before = e;
            weir_call *batch[] = {&e.call};
            CHECK_EQ(weir_call_submit(loop, pool, &e.call), -ESHUTDOWN);
            CHECK_EQ(weir_call_try_submit(loop, pool, &e.call), -ESHUTDOWN);
            CHECK_EQ(weir_call_submit_batch(loop, pool, batch, 1), -ESHUTDOWN);
            CHECK_EQ(weir_call_submit_lane(loop, lane, &e.call), -ESHUTDOWN);
            CHECK_EQ(weir_call_expect(loop, &e.call), -ESHUTDOWN);
            check_call_untouched(&e, &before);
            CHECK_EQ(loop_counts_of(loop).accepted, 0);
            if (!closed)
                close_settle(&c, pool);
        }
        CHECK_EQ(weir_loop_close(loop, modes[i], closing_closed, &c),
                 -EALREADY);
        CHECK_EQ(drain(loop), 0);
        CHECK_EQ(c.called, 1);
        lane_close(lane);
        loop_close(loop);
    }
}

static void a_closing_loop_takes_no_call(void) { on_each_pool(refusals); }

static void a_mode_that_is_none_is_refused(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    closing c = closing_of(loop);
    CHECK_EQ(weir_loop_close(loop, (weir_stop_mode)3, closing_closed, &c),
             -EINVAL);
    CHECK_EQ(weir_loop_close(loop, (weir_stop_mode)-1, closing_closed, &c),
             -EINVAL);
    errand e = errand_of(0);
    call_on(loop, pool, &e); // it is not closing
    settle(loop, pool);
    check_call_ran(&e, 0);
    CHECK_EQ(c.called, 0);
    loop_close(loop);
    pool_close(pool);
}

// ---- in callbacks ----------------------------------------------------------

static void destroy_in_closed(weir_pool *pool) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        errand e[5];
        for (int j = 0; j < 5; j++) {
            e[j] = errand_of(0);
            call_on(loop, pool, &e[j]);
        }
        closing c = closing_of(loop);
        c.destroys = 1;
        close_begin(&c, modes[i]);
        close_settle(&c, pool); // AddressSanitizer looks on
        for (int j = 0; j < 5; j++)
            CHECK_EQ(e[j].ended, 1);
    }
}

static void a_loop_may_be_destroyed_in_closed(void) {
    on_each_pool(destroy_in_closed);
}

// A done that closes the loop and then submits.
typedef struct closer {
    errand errand; // first
    closing *closing;
    weir_pool *pool;
    weir_stop_mode mode;
} closer;

static void closer_done(weir_call *call, int status) {
    closer *c = (closer *)call;
    errand_done(call, status);
    close_begin(c->closing, c->mode);
    CHECK_EQ(weir_call_submit(c->closing->loop, c->pool, call), -ESHUTDOWN);
    CHECK_EQ(c->closing->called, 0);
}

static void close_in_done(weir_pool *pool) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        closing c = closing_of(loop);
        c.destroys = 1;
        closer first = {.errand = errand_of(0),
                        .closing = &c,
                        .pool = pool,
                        .mode = modes[i]};
        first.errand.call.done = closer_done;
        errand e[5];
        call_on(loop, pool, &first.errand);
        for (int j = 0; j < 5; j++) {
            e[j] = errand_of(0);
            call_on(loop, pool, &e[j]);
        }
        close_settle(&c, pool);
        check_call_ran(&first.errand, 0);
        for (int j = 0; j < 5; j++)
            if (e[j].ran)
                check_call_ran(&e[j], 0);
            else
                check_call_not_run(&e[j], -ESHUTDOWN);
    }
}

static void a_loop_may_be_closed_in_done(void) { on_each_pool(close_in_done); }

static int closed_says;

static void calls_in_closed(weir_loop *loop, void *context) {
    CHECK_EQ(weir_loop_drain(loop), 0);
    CHECK_EQ(weir_loop_drain_spin(loop), 0);
    CHECK_EQ(weir_loop_close(loop, WEIR_STOP_ABORT, calls_in_closed, context),
             -EALREADY);
    CHECK_EQ(loop_counts_of(loop).pending, 0);
    closed_says += *(int *)context;
}

static void closed_gets_its_context_and_is_called_once(void) {
    weir_loop *loop = loop_open();
    int five = 5;
    closed_says = 0;
    CHECK_EQ(weir_loop_close(loop, WEIR_STOP_DRAIN, calls_in_closed, &five), 0);
    drain(loop);
    CHECK_EQ(closed_says, 5);
    drain(loop);
    CHECK_EQ(closed_says, 5);
    loop_close(loop);
}

// ---- nothing is lost -------------------------------------------------------

// Threads submit until they are refused; every call that was taken comes back.
typedef struct crowd {
    weir_loop *loop;
    weir_pool *pool;
    tally taken;
    tally delivered; // on the loop's thread
} crowd;

typedef struct crowd_call {
    weir_call call;
    crowd *crowd;
} crowd_call;

static int crowd_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    return 0;
}

static void crowd_done(weir_call *call, int status) {
    CHECK(status == 0 || status == -ESHUTDOWN);
    tally_add(&((crowd_call *)call)->crowd->delivered);
    free(call);
}

static void *crowd_main(void *arg) {
    crowd *c = arg;
    for (;;) {
        crowd_call *one = calloc(1, sizeof(*one));
        CHECK(one != NULL);
        one->call = (weir_call)WEIR_CALL_INIT(crowd_run, crowd_done);
        one->crowd = c;
        int error = weir_call_submit(c->loop, c->pool, &one->call);
        if (error != 0) {
            CHECK_EQ(error, -ESHUTDOWN);
            free(one);
            return NULL;
        }
        tally_add(&c->taken);
        if (weir_loop_pending(c->loop) > 500)
            sched_yield();
    }
}

static void crowd_closes(weir_pool *pool, weir_stop_mode mode) {
    crowd c = {.loop = loop_open(), .pool = pool};
    tally_init(&c.taken);
    tally_init(&c.delivered);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = thread_start(crowd_main, &c);
    while (tally_get(&c.delivered) < 300)
        turn(c.loop, pool);
    closing end = closing_of(c.loop);
    close_begin(&end, mode);
    close_settle(&end, pool);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    CHECK_EQ(drain(c.loop), 0);
    CHECK_EQ(tally_get(&c.taken), tally_get(&c.delivered));
    weir_loop_counts counts = loop_counts_of(c.loop);
    CHECK_EQ(counts.accepted, tally_get(&c.taken));
    loop_close(c.loop);
}

static void crowd_drain(weir_pool *pool) {
    crowd_closes(pool, WEIR_STOP_DRAIN);
}
static void crowd_cancel(weir_pool *pool) {
    crowd_closes(pool, WEIR_STOP_CANCEL);
}
static void crowd_abort(weir_pool *pool) {
    crowd_closes(pool, WEIR_STOP_ABORT);
}

static void each_call_offered_while_closing_comes_back_or_is_refused(void) {
    for_each_width(crowd_drain);
    for_each_width(crowd_cancel);
    for_each_width(crowd_abort);
}

static void closed_on_a_stopped_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[10];
    for (int i = 0; i < 10; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    closing c = closing_of(loop);
    close_begin(&c, WEIR_STOP_DRAIN);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL), 0);
    close_settle(&c, NULL);
    for (int i = 0; i < 10; i++)
        if (e[i].ran)
            check_call_ran(&e[i], 0);
        else
            check_call_not_run(&e[i], -ESHUTDOWN);
    loop_close(loop);
}

static void a_closing_loop_whose_pool_is_stopped_ends(void) {
    on_each_pool(closed_on_a_stopped_pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"closed_is_called_by_a_drain_also_if_nothing_is_left",
         closed_is_called_by_a_drain_also_if_nothing_is_left},
        {"nobody_need_be_told", nobody_need_be_told},
        {"drain_lets_all_calls_run", drain_lets_all_calls_run},
        {"cancel_ends_what_has_not_started", cancel_ends_what_has_not_started},
        {"abort_alone_tells_running_calls", abort_alone_tells_running_calls},
        {"a_running_call_that_is_told_may_give_up",
         a_running_call_that_is_told_may_give_up},
        {"a_harder_mode_may_follow", a_harder_mode_may_follow},
        {"drain_lets_continuations_run", drain_lets_continuations_run},
        {"cancel_ends_continuations", cancel_ends_continuations},
        {"a_closing_loop_takes_no_call", a_closing_loop_takes_no_call},
        {"a_mode_that_is_none_is_refused", a_mode_that_is_none_is_refused},
        {"a_loop_may_be_destroyed_in_closed",
         a_loop_may_be_destroyed_in_closed},
        {"a_loop_may_be_closed_in_done", a_loop_may_be_closed_in_done},
        {"closed_gets_its_context_and_is_called_once",
         closed_gets_its_context_and_is_called_once},
        {"each_call_offered_while_closing_comes_back_or_is_refused",
         each_call_offered_while_closing_comes_back_or_is_refused},
        {"a_closing_loop_whose_pool_is_stopped_ends",
         a_closing_loop_whose_pool_is_stopped_ends},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
