// SPDX-License-Identifier: MIT
// Calls of several stages: one call, one delivery, any place for each stage.
#include "support/loop.h"

// ---- stages ----------------------------------------------------------------

// A call that goes from the pool to the lane, to the other pool, and ends.
typedef struct chain {
    errand errand; // first
    weir_pool *pool, *other;
    weir_lane *lane;
    int stages;   // that have run
    int fails_at; // the stage that returns `fails`
    int fails;
} chain;

static int chain_next(chain *c) {
    c->stages++;
    return c->stages == c->fails_at ? c->fails : 0;
}

static int third_run(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    CHECK(weir_worker_pool(self) == c->other);
    int result = chain_next(c);
    return result == 0 ? 42 : result;
}

static int second_run(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    CHECK(self == NULL);
    CHECK(weir_worker_self() == NULL);
    CHECK_EQ(c->stages, 1);
    weir_call_continue(call, c->other, NULL, third_run);
    return chain_next(c);
}

static int first_run(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    CHECK(weir_worker_pool(self) == c->pool);
    weir_call_continue(call, NULL, c->lane, second_run);
    return chain_next(c);
}

static void chain_through(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    weir_pool *other = pool_of(2);
    chain c[20];
    for (int i = 0; i < 20; i++) {
        c[i] = (chain){.errand = errand_of(0),
                       .pool = pool,
                       .other = other,
                       .lane = lane,
                       .fails_at = i % 4,
                       .fails = i % 8 < 4 ? -EIO : 7};
        c[i].errand.call.run = first_run;
        call_on(loop, pool, &c[i].errand);
    }
    CHECK_EQ(weir_loop_pending(loop), 20); // each is one call
    settle(loop, pool);
    for (int i = 0; i < 20; i++) {
        errand *e = &c[i].errand;
        CHECK_EQ(e->ended, 1);
        CHECK_EQ(c[i].stages, i % 4 == 0 ? 3 : i % 4);
        CHECK_EQ(e->status, i % 4 == 0 ? 42 : c[i].fails);
        CHECK_EQ(e->outcome,
                 e->status < 0 ? WEIR_OUTCOME_FAILED : WEIR_OUTCOME_DONE);
    }
    CHECK_EQ(loop_counts_of(loop).accepted, 20);
    loop_close(loop);
    lane_close(lane);
    pool_close(other);
}

static void a_call_goes_from_pool_to_lane_to_pool_in_one_delivery(void) {
    for_each_width(chain_through);
}

static int lap_run(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    CHECK(weir_worker_pool(self) == c->pool);
    CHECK_EQ(weir_call_cancelled(call), 0);
    if (++c->stages < 500)
        weir_call_continue(call, c->pool, NULL, lap_run);
    return c->stages < 500 ? 0 : c->fails;
}

static void many_laps(weir_pool *pool) {
    weir_loop *loop = loop_open();
    chain c[3];
    for (int i = 0; i < 3; i++) {
        c[i] = (chain){.errand = errand_of(0), .pool = pool, .fails = i};
        c[i].errand.call.run = lap_run;
        call_on(loop, pool, &c[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(c[i].stages, 500);
        CHECK_EQ(c[i].errand.ended, 1);
        CHECK_EQ(c[i].errand.status, i);
    }
    CHECK_EQ(loop_counts_of(loop).done, 3);
    loop_close(loop);
}

static void a_call_may_have_any_number_of_stages(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, many_laps, 20);
}

static int wrong_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    CHECK_FAIL("a continuation that was replaced has run");
}

static int right_run(weir_worker *self, weir_call *call) {
    CHECK(self != NULL);
    ((chain *)call)->stages++;
    return 9;
}

static int twice_run(weir_worker *self, weir_call *call) {
    weir_pool *pool = weir_worker_pool(self);
    weir_call_continue(call, NULL, ((chain *)call)->lane, wrong_run);
    weir_call_continue(call, pool, NULL, wrong_run);
    weir_call_continue(call, pool, NULL, right_run);
    return 0;
}

static void last_counts(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    chain c = {.errand = errand_of(0), .lane = lane};
    c.errand.call.run = twice_run;
    call_on(loop, pool, &c.errand);
    settle(loop, pool);
    CHECK_EQ(c.stages, 1);
    CHECK_EQ(c.errand.status, 9);
    CHECK_EQ(lane_counts_of(lane).accepted, 0);
    loop_close(loop);
    lane_close(lane);
}

static void the_last_of_several_continuations_counts(void) {
    on_each_pool(last_counts);
}

// ---- what ends a chain -----------------------------------------------------

// A first stage at a gate that goes on with right_run on `other`.
static int gated_run(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    weir_call_continue(call, c->other, NULL, right_run);
    return errand_run(self, call);
}

static chain chain_gated(weir_pool *other, gate *g) {
    gate_init(g);
    chain c = {.errand = errand_at(g), .other = other};
    c.errand.call.run = gated_run;
    return c;
}

static void check_ended_between(const chain *c, int status) {
    CHECK_EQ(c->errand.ran, 1);
    CHECK_EQ(c->stages, 0);
    CHECK_EQ(c->errand.ended, 1);
    CHECK_EQ(c->errand.status, status);
    CHECK_EQ(c->errand.outcome, status == -ETIMEDOUT ? WEIR_OUTCOME_TIMED_OUT
                                                     : WEIR_OUTCOME_CANCELLED);
}

static void cancel_between(weir_pool *pool) {
    weir_loop *loop = loop_open();
    gate g;
    chain c = chain_gated(pool, &g);
    call_on(loop, pool, &c.errand);
    gate_await(&g, 1);
    CHECK_EQ(weir_call_cancel(&c.errand.call), -EBUSY);
    gate_open(&g);
    settle(loop, pool);
    check_ended_between(&c, -ECANCELED);
    CHECK_EQ(loop_counts_of(loop).cancelled, 1);
    loop_close(loop);
    gate_fini(&g);
}

static void a_call_cancelled_in_one_stage_does_not_start_the_next(void) {
    for_each_width(cancel_between);
}

static void late_between(weir_pool *pool) {
    weir_loop *loop = loop_open();
    gate g;
    chain c;
    uint64_t tries = 0;
    do { // the first stage must have started in time
        tries++;
        c = chain_gated(pool, &g);
        c.errand.call.deadline_ns = in_ms(50);
        call_on(loop, pool, &c.errand);
        while (c.errand.ended == 0 && !gate_reached(&g))
            drain(loop);
    } while (c.errand.ended == 1);
    until(c.errand.call.deadline_ns);
    CHECK_EQ(drain(loop), 0);
    gate_open(&g);
    settle(loop, pool);
    check_ended_between(&c, -ETIMEDOUT);
    CHECK_EQ(loop_counts_of(loop).timed_out, tries);
    loop_close(loop);
    gate_fini(&g);
}

static void a_stage_that_would_start_too_late_does_not_start(void) {
    for_each_width(late_between);
}

// Waits until a pool's queue holds the continuation.
static void queued_await(weir_pool *pool, uint64_t n) {
    while (counts_of(pool).queued < n)
        sched_yield();
}

static void cancel_waiting(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool *other = pool_of(1);
    held_all h;
    hold_all(other, &h);
    gate g;
    chain c = chain_gated(other, &g);
    gate_open(&g);
    call_on(loop, pool, &c.errand);
    queued_await(other, 1);
    wait_idle(pool);
    CHECK_EQ(weir_call_cancel(&c.errand.call), 0);
    CHECK_EQ(c.errand.ended, 0);
    CHECK_EQ(drain(loop), 1); // though the other worker is not free
    check_ended_between(&c, -ECANCELED);
    CHECK_EQ(weir_call_cancel(&c.errand.call), -EALREADY);
    release_all(other, &h);
    loop_close(loop);
    pool_close(other);
    gate_fini(&g);
}

static void a_stage_that_waits_is_cancelled_like_a_call(void) {
    for_each_width(cancel_waiting);
}

static void late_waiting(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool *other = pool_of(1);
    held_all h;
    hold_all(other, &h);
    gate g;
    chain c;
    do {
        c = chain_gated(other, &g);
        gate_open(&g);
        c.errand.call.deadline_ns = in_ms(50);
        call_on(loop, pool, &c.errand);
        while (c.errand.ended == 0 && counts_of(other).queued == 0)
            drain(loop);
    } while (c.errand.ran == 0);
    wait_idle(pool);
    CHECK(c.errand.ended == 1 ||
          weir_loop_next_deadline(loop) == c.errand.call.deadline_ns);
    until(c.errand.call.deadline_ns);
    drain(loop);
    check_ended_between(&c, -ETIMEDOUT);
    release_all(other, &h);
    loop_close(loop);
    pool_close(other);
    gate_fini(&g);
}

static void a_stage_that_waits_times_out_like_a_call(void) {
    for_each_width(late_waiting);
}

static int goes_on_obediently(weir_worker *self, weir_call *call) {
    weir_call_continue(call, weir_worker_pool(self), NULL, obedient_run);
    return 0;
}

static void second_told(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    errand e = errand_of(0);
    e.call.run = goes_on_obediently;
    call_on(loop, pool, &e);
    started_await(pool, &obedient_started, 1);
    tell(&e);
    settle(loop, pool);
    check_call_ran(&e, -ECANCELED);
    loop_close(loop);
}

static void a_later_stage_is_told_like_the_first(void) {
    on_each_pool(second_told);
}

// ---- refused continuations -------------------------------------------------

static void refused_by_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool *other = pool_of(1);
    CHECK_EQ(weir_pool_stop(other, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    gate g;
    chain c = chain_gated(other, &g);
    gate_open(&g);
    call_on(loop, pool, &c.errand);
    settle(loop, pool);
    check_ended_between(&c, -ESHUTDOWN);
    loop_close(loop);
    pool_close(other);
    gate_fini(&g);
}

static void a_stage_that_a_pool_refuses_ends_the_call(void) {
    on_each_pool(refused_by_pool);
}

static int to_lane_run(weir_worker *self, weir_call *call) {
    weir_call_continue(call, NULL, ((chain *)call)->lane, wrong_run);
    return errand_run(self, call);
}

static int in_lane_run(weir_worker *self, weir_call *call) {
    CHECK(self == NULL);
    ((chain *)call)->stages++;
    return 8;
}

static int hand_to_lane_run(weir_worker *self, weir_call *call) {
    weir_call_continue(call, NULL, ((chain *)call)->lane, in_lane_run);
    return errand_run(self, call);
}

static void refused_by_lane(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(1);
    options.calls_max = 1;
    weir_lane *lane = lane_open_with(&options);
    gate g;
    gate_init(&g);
    errand running = errand_at(&g);
    call_in(loop, lane, &running);
    gate_await(&g, 1);
    chain c = {.errand = errand_of(0), .lane = lane};
    c.errand.call.run = to_lane_run;
    call_on(loop, pool, &c.errand);
    while (c.errand.ended == 0)
        turn(loop, pool);
    check_ended_between(&c, -EAGAIN);
    gate_open(&g);
    settle(loop, NULL);
    CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_DRAIN, WEIR_FOREVER), 0);
    c = (chain){.errand = errand_of(0), .lane = lane};
    c.errand.call.run = to_lane_run;
    call_on(loop, pool, &c.errand);
    settle(loop, pool);
    check_ended_between(&c, -ESHUTDOWN);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void a_stage_that_a_lane_refuses_ends_the_call(void) {
    on_each_pool(refused_by_lane);
}

// ---- destroying what a stage was on ----------------------------------------

// Delivered is delivered: who handed the stage over must not look at the pool
// or the lane any more, be it taken or refused there.
static void destroy_after(weir_pool *pool) {
    weir_loop *loop = loop_open();
    gate g;
    for (int i = 0; i < 400; i++) {
        weir_pool *other = pool_of(1);
        weir_lane *lane = lane_of(1);
        int refuses = i % 4 == 3;
        if (refuses) {
            CHECK_EQ(weir_pool_stop(other, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL),
                     0);
            CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_DRAIN, WEIR_FOREVER), 0);
        }
        chain c = chain_gated(other, &g), to_lane = c;
        to_lane.lane = lane;
        to_lane.errand.call.run = hand_to_lane_run;
        gate_open(&g);
        call_on(loop, pool, &c.errand);
        call_on(loop, pool, &to_lane.errand);
        while (c.errand.ended == 0)
            turn(loop, pool);
        weir_pool_destroy(other);
        while (to_lane.errand.ended == 0)
            turn(loop, pool);
        weir_lane_destroy(lane);
        CHECK_EQ(c.errand.status, refuses ? -ESHUTDOWN : 9);
        CHECK_EQ(to_lane.errand.status, refuses ? -ESHUTDOWN : 8);
        gate_fini(&g);
    }
    loop_close(loop);
}

static void what_a_stage_was_on_may_be_destroyed_once_it_is_delivered(void) {
    for_each_width(destroy_after);
}

// ---- inline ----------------------------------------------------------------

static const weir_site inline_site =
    WEIR_SITE_INIT_MODE("goes on elsewhere", WEIR_SITE_INLINE);

static int inline_first(weir_worker *self, weir_call *call) {
    chain *c = (chain *)call;
    CHECK(self == NULL);
    c->stages++;
    weir_call_continue(call, c->pool, NULL, right_run);
    return 0;
}

static void continue_inline(weir_pool *pool) {
    weir_loop *loop = loop_open();
    chain c = {.errand = errand_of(0), .pool = pool};
    c.errand.call.site = &inline_site;
    c.errand.call.run = inline_first;
    call_on(loop, pool, &c.errand);
    CHECK_EQ(c.errand.ended, 0);
    settle(loop, pool);
    CHECK_EQ(c.stages, 2);
    CHECK_EQ(c.errand.ended, 1);
    CHECK_EQ(c.errand.status, 9);
    loop_close(loop);
}

static void a_call_that_begins_inline_may_go_on_on_a_pool(void) {
    on_each_pool(continue_inline);
}

// ---- broken rules ----------------------------------------------------------

static void continue_unsubmitted(void) {
    errand e = errand_of(0);
    weir_call_continue(&e.call, pool_of(1), NULL, right_run);
}

static int nowhere_run(weir_worker *self, weir_call *call) {
    (void)self;
    weir_call_continue(call, NULL, NULL, right_run);
    return 0;
}

static int both_run(weir_worker *self, weir_call *call) {
    weir_call_continue(call, weir_worker_pool(self), ((chain *)call)->lane,
                       right_run);
    return 0;
}

static void continue_nowhere(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    chain c = {.errand = errand_of(0)};
    c.errand.call.run = nowhere_run;
    call_on(loop, pool, &c.errand);
    settle(loop, pool);
}

static void continue_to_both(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    chain c = {.errand = errand_of(0), .lane = lane_of(1)};
    c.errand.call.run = both_run;
    call_on(loop, pool, &c.errand);
    settle(loop, pool);
}

static void a_continuation_that_makes_no_sense_aborts(void) {
    check_aborts(continue_unsubmitted, "weir_call_continue");
    check_aborts(continue_nowhere, "weir_call_continue");
    check_aborts(continue_to_both, "weir_call_continue");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_call_goes_from_pool_to_lane_to_pool_in_one_delivery",
         a_call_goes_from_pool_to_lane_to_pool_in_one_delivery},
        {"a_call_may_have_any_number_of_stages",
         a_call_may_have_any_number_of_stages},
        {"the_last_of_several_continuations_counts",
         the_last_of_several_continuations_counts},
        {"a_call_cancelled_in_one_stage_does_not_start_the_next",
         a_call_cancelled_in_one_stage_does_not_start_the_next},
        {"a_stage_that_would_start_too_late_does_not_start",
         a_stage_that_would_start_too_late_does_not_start},
        {"a_stage_that_waits_is_cancelled_like_a_call",
         a_stage_that_waits_is_cancelled_like_a_call},
        {"a_stage_that_waits_times_out_like_a_call",
         a_stage_that_waits_times_out_like_a_call},
        {"a_later_stage_is_told_like_the_first",
         a_later_stage_is_told_like_the_first},
        {"a_stage_that_a_pool_refuses_ends_the_call",
         a_stage_that_a_pool_refuses_ends_the_call},
        {"a_stage_that_a_lane_refuses_ends_the_call",
         a_stage_that_a_lane_refuses_ends_the_call},
        {"what_a_stage_was_on_may_be_destroyed_once_it_is_delivered",
         what_a_stage_was_on_may_be_destroyed_once_it_is_delivered},
        {"a_call_that_begins_inline_may_go_on_on_a_pool",
         a_call_that_begins_inline_may_go_on_on_a_pool},
        {"a_continuation_that_makes_no_sense_aborts",
         a_continuation_that_makes_no_sense_aborts},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
