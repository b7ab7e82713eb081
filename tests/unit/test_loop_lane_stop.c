// SPDX-License-Identifier: MIT
// Stopping a lane: in each mode, in time or not, with calls in any state.
#include "support/loop.h"

static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                       WEIR_STOP_ABORT};

// A thread that stops a lane.
typedef struct lane_stopper {
    weir_lane *lane;
    weir_stop_mode mode;
    int result;
    pthread_t thread;
} lane_stopper;

static void *lane_stopper_main(void *arg) {
    lane_stopper *s = arg;
    s->result = weir_lane_stop(s->lane, s->mode, WEIR_FOREVER);
    return NULL;
}

// It has begun: the lane refuses, also after the time is over.
static void stop_begin(weir_lane *lane, weir_stop_mode mode) {
    CHECK_EQ(weir_lane_stop(lane, mode, in_ms(1)), -ETIMEDOUT);
}

static void stopped_in(weir_stop_mode mode) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    gate g;
    gate_init(&g);
    errand e[6], refused = errand_of(0), before = refused;
    for (int i = 0; i < 6; i++) {
        e[i] = errand_at(&g);
        call_in(loop, lane, &e[i]);
    }
    gate_await(&g, 2);
    stop_begin(lane, mode);
    CHECK_EQ(weir_call_submit_lane(loop, lane, &refused.call), -ESHUTDOWN);
    check_call_untouched(&refused, &before);
    if (mode != WEIR_STOP_DRAIN) // though no thread is free
        ended_await(loop, NULL, 4);
    gate_open(&g);
    CHECK_EQ(weir_lane_stop(lane, mode, WEIR_FOREVER), 0);
    CHECK_EQ(loop_counts_of(loop).ended, 6); // nobody drained meanwhile
    CHECK_EQ(lane_counts_of(lane).threads, 0);
    CHECK_EQ(drain(loop), 6);
    int ran = 0;
    for (int i = 0; i < 6; i++) {
        ran += e[i].ran;
        if (e[i].ran)
            check_call_ran(&e[i], 0);
        else
            check_call_not_run(&e[i], -ESHUTDOWN);
    }
    CHECK_EQ(ran, mode == WEIR_STOP_DRAIN ? 6 : 2);
    CHECK_EQ(lane_counts_of(lane).cancelled, 6 - ran);
    CHECK_EQ(weir_lane_stop(lane, mode, 0), 0); // stopped is stopped
    CHECK_EQ(weir_call_submit_lane(loop, lane, &refused.call), -ESHUTDOWN);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void drain_runs_all_calls(void) { stopped_in(WEIR_STOP_DRAIN); }

static void cancel_and_abort_end_queued_calls(void) {
    stopped_in(WEIR_STOP_CANCEL);
    stopped_in(WEIR_STOP_ABORT);
}

static void abort_alone_tells_running_calls(void) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        weir_lane *lane = lane_of(2);
        tally_init(&obedient_started);
        errand e = errand_obedient();
        call_in(loop, lane, &e);
        started_await(NULL, &obedient_started, 1);
        if (modes[i] != WEIR_STOP_ABORT) {
            stop_begin(lane, modes[i]);
            CHECK_EQ(e.ended, 0);
            CHECK_EQ(loop_counts_of(loop).ended, 0);
        }
        CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_ABORT, WEIR_FOREVER), 0);
        CHECK_EQ(drain(loop), 1);
        check_call_ran(&e, -ESHUTDOWN);
        loop_close(loop);
        lane_close(lane);
    }
}

static void a_harder_mode_may_follow(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    tally_init(&obedient_started);
    errand running = errand_obedient(), queued = errand_of(0);
    call_in(loop, lane, &running);
    call_in(loop, lane, &queued);
    started_await(NULL, &obedient_started, 1);
    stop_begin(lane, WEIR_STOP_DRAIN);
    CHECK_EQ(loop_counts_of(loop).ended, 0);
    stop_begin(lane, WEIR_STOP_CANCEL);
    CHECK_EQ(drain(loop), 1);
    check_call_not_run(&queued, -ESHUTDOWN);
    stop_begin(lane, WEIR_STOP_DRAIN); // a softer mode changes nothing
    CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_ABORT, WEIR_FOREVER), 0);
    CHECK_EQ(drain(loop), 1);
    check_call_ran(&running, -ESHUTDOWN);
    loop_close(loop);
    lane_close(lane);
}

static void several_threads_may_stop_a_lane(void) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        weir_lane *lane = lane_of(2);
        static errand e[50];
        for (int j = 0; j < 50; j++) {
            e[j] = errand_of(0);
            call_in(loop, lane, &e[j]);
        }
        lane_stopper s[3];
        for (int j = 0; j < 3; j++) {
            s[j] = (lane_stopper){.lane = lane, .mode = modes[(i + j) % 3]};
            s[j].thread = thread_start(lane_stopper_main, &s[j]);
        }
        for (int j = 0; j < 3; j++) {
            thread_join(s[j].thread);
            CHECK_EQ(s[j].result, 0);
        }
        CHECK_EQ(drain(loop), 50);
        for (int j = 0; j < 50; j++)
            if (e[j].ran)
                check_call_ran(&e[j], 0);
            else
                check_call_not_run(&e[j], -ESHUTDOWN);
        loop_close(loop);
        lane_close(lane);
    }
}

// A stop that the lane's own thread asks for would wait for itself.
typedef struct suicidal {
    errand errand; // first
    weir_lane *lane;
} suicidal;

static int suicidal_run(weir_worker *self, weir_call *call) {
    (void)self;
    suicidal *s = (suicidal *)call;
    s->errand.ran++;
    return weir_lane_stop(s->lane, WEIR_STOP_CANCEL, WEIR_FOREVER);
}

static void a_thread_of_the_lane_cannot_stop_it(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1), *other = lane_of(1);
    suicidal s = {.errand = errand_of(0), .lane = lane};
    s.errand.call.run = suicidal_run;
    call_in(loop, lane, &s.errand);
    settle(loop, NULL);
    check_call_ran(&s.errand, -EDEADLK);
    errand e = errand_of(1);
    call_in(loop, lane, &e); // nothing has changed
    settle(loop, NULL);
    check_call_ran(&e, 1);

    s = (suicidal){.errand = errand_of(0), .lane = other};
    s.errand.call.run = suicidal_run;
    call_in(loop, lane, &s.errand); // another lane is another matter
    settle(loop, NULL);
    check_call_ran(&s.errand, 0);
    loop_close(loop);
    lane_close(lane);
    lane_close(other);
}

static void a_mode_that_is_none_is_refused(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    CHECK_EQ(weir_lane_stop(lane, (weir_stop_mode)3, WEIR_FOREVER), -EINVAL);
    errand e = errand_of(2);
    call_in(loop, lane, &e);
    settle(loop, NULL);
    check_call_ran(&e, 2);
    loop_close(loop);
    lane_close(lane);
}

static int next_run(weir_worker *self, weir_call *call) {
    (void)self;
    errand *e = (errand *)call;
    e->ran++;
    return 8;
}

// A first stage that goes on in its lane, from a gate.
static int goes_on_run(weir_worker *self, weir_call *call) {
    (void)self;
    suicidal *s = (suicidal *)call;
    weir_call_continue(call, NULL, s->lane, next_run);
    return errand_run(self, call);
}

static void while_it_drains_its_calls_may_go_on_in_it(void) {
    for (int i = 0; i < 3; i++) {
        weir_loop *loop = loop_open();
        weir_lane *lane = lane_of(1);
        gate g;
        gate_init(&g);
        suicidal s = {.errand = errand_at(&g), .lane = lane};
        s.errand.call.run = goes_on_run;
        call_in(loop, lane, &s.errand);
        gate_await(&g, 1);
        stop_begin(lane, modes[i]);
        gate_open(&g);
        CHECK_EQ(weir_lane_stop(lane, modes[i], WEIR_FOREVER), 0);
        CHECK_EQ(drain(loop), 1);
        CHECK_EQ(s.errand.ended, 1);
        CHECK_EQ(s.errand.ran, modes[i] == WEIR_STOP_DRAIN ? 2 : 1);
        CHECK_EQ(s.errand.status, modes[i] == WEIR_STOP_DRAIN ? 8 : -ESHUTDOWN);
        CHECK_EQ(s.errand.outcome, modes[i] == WEIR_STOP_DRAIN
                                       ? WEIR_OUTCOME_DONE
                                       : WEIR_OUTCOME_CANCELLED);
        loop_close(loop);
        lane_close(lane);
        gate_fini(&g);
    }
}

static void destroy_drains(void) {
    unsigned before = threads_before();
    int64_t taken = wr_fault_held();
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    errand e[20];
    for (int i = 0; i < 20; i++) {
        e[i] = errand_of(i);
        call_in(loop, lane, &e[i]);
    }
    settle(loop, NULL);
    weir_lane_destroy(lane);
    threads_await(before); // no thread is left
    for (int i = 0; i < 20; i++)
        check_call_ran(&e[i], i);
    weir_lane_destroy(lane_of(3)); // one that was never used
    loop_close(loop);
    CHECK_EQ(wr_fault_held(), taken); // and all were joined
}

// Threads submit until they are refused; every call that was taken comes back.
typedef struct crowd {
    weir_loop *loop;
    weir_lane *lane;
    tally taken;
    tally delivered;
} crowd;

typedef struct crowd_call {
    weir_call call;
    crowd *crowd;
} crowd_call;

static int crowd_run(weir_worker *self, weir_call *call) {
    (void)call;
    CHECK(self == NULL);
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
        int error = weir_call_submit_lane(c->loop, c->lane, &one->call);
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

static void each_call_offered_during_a_stop_comes_back_or_is_refused(void) {
    for (int i = 0; i < 3; i++) {
        crowd c = {.loop = loop_open(), .lane = lane_of(3)};
        tally_init(&c.taken);
        tally_init(&c.delivered);
        pthread_t threads[3];
        for (int j = 0; j < 3; j++)
            threads[j] = thread_start(crowd_main, &c);
        while (tally_get(&c.delivered) < 300)
            turn(c.loop, NULL);
        CHECK_EQ(weir_lane_stop(c.lane, modes[i], WEIR_FOREVER), 0);
        for (int j = 0; j < 3; j++)
            thread_join(threads[j]);
        settle(c.loop, NULL);
        CHECK_EQ(tally_get(&c.taken), tally_get(&c.delivered));
        CHECK_EQ(lane_counts_of(c.lane).accepted, tally_get(&c.taken));
        lane_close(c.lane);
        loop_close(c.loop);
    }
}

// The equation holds at any time, seen from another thread.
static tally counting_stop;

static void *counting_main(void *arg) {
    uint64_t ended_before = 0;
    while (tally_get(&counting_stop) == 0) {
        weir_lane_counts c = lane_counts_of(arg);
        check_lane_sum(&c);
        CHECK_EQ((c.running > 0 || c.longest_ns == 0), 1);
        uint64_t ended = c.succeeded + c.failed + c.cancelled + c.timed_out;
        CHECK(ended >= ended_before);
        ended_before = ended;
    }
    return NULL;
}

static void a_snapshot_adds_up_at_any_time(void) {
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(3);
    options.keep_ns = 1000;
    weir_lane *lane = lane_open_with(&options);
    tally_init(&counting_stop);
    pthread_t counter = thread_start(counting_main, lane);
    static errand e[300];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 300; i++) {
            e[i] = errand_of(i % 5 == 0 ? -EIO : 0);
            e[i].call.deadline_ns = i % 7 == 0 ? 1 : 0;
            call_in(loop, lane, &e[i]);
            if (i % 11 == 0)
                (void)weir_call_cancel(&e[i].call);
        }
        settle(loop, NULL);
    }
    tally_add(&counting_stop);
    thread_join(counter);
    CHECK_EQ(lane_counts_of(lane).accepted, 3000);
    loop_close(loop);
    lane_close(lane);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"drain_runs_all_calls", drain_runs_all_calls},
        {"cancel_and_abort_end_queued_calls",
         cancel_and_abort_end_queued_calls},
        {"abort_alone_tells_running_calls", abort_alone_tells_running_calls},
        {"a_harder_mode_may_follow", a_harder_mode_may_follow},
        {"several_threads_may_stop_a_lane", several_threads_may_stop_a_lane},
        {"a_thread_of_the_lane_cannot_stop_it",
         a_thread_of_the_lane_cannot_stop_it},
        {"a_mode_that_is_none_is_refused", a_mode_that_is_none_is_refused},
        {"while_it_drains_its_calls_may_go_on_in_it",
         while_it_drains_its_calls_may_go_on_in_it},
        {"destroy_drains", destroy_drains},
        {"each_call_offered_during_a_stop_comes_back_or_is_refused",
         each_call_offered_during_a_stop_comes_back_or_is_refused},
        {"a_snapshot_adds_up_at_any_time", a_snapshot_adds_up_at_any_time},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
