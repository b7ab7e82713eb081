// SPDX-License-Identifier: MIT
// Ends other than the usual: cancelled, too late, or the pool was stopped.
#include "support/loop.h"

#include "base/random.h"

// ---- cancel ----------------------------------------------------------------

static void cancel_queued(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[5];
    for (int i = 0; i < 5; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
    }
    CHECK_EQ(weir_call_cancel(&e[2].call), 0);
    CHECK_EQ(e[2].ended, 0); // never inside cancel
    CHECK_EQ(weir_call_cancel(&e[2].call), -EALREADY);
    CHECK(fd_readable(loop)); // though no worker became free
    CHECK_EQ(drain(loop), 1);
    check_call_not_run(&e[2], -ECANCELED);
    CHECK_EQ(weir_loop_pending(loop), 4);
    CHECK_EQ(weir_call_cancel(&e[0].call), 0);
    CHECK_EQ(weir_call_cancel(&e[4].call), 0);
    CHECK_EQ(drain(loop), 2);
    CHECK(e[0].end_order < e[4].end_order);
    release_all(pool, &h);
    settle(loop, pool);
    check_call_not_run(&e[0], -ECANCELED);
    check_call_ran(&e[1], 1);
    check_call_ran(&e[3], 3);
    check_call_not_run(&e[4], -ECANCELED);
    CHECK_EQ(loop_counts_of(loop).cancelled, 3);
    loop_close(loop);
}

static void a_queued_call_is_cancelled_though_no_worker_is_free(void) {
    on_each_pool(cancel_queued);
}

static void cancel_batch(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[30];
    weir_call *calls[30];
    for (int i = 0; i < 30; i++) {
        e[i] = errand_of(0);
        calls[i] = &e[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 30), 0);
    static uint64_t state = 1;
    int cancelled = 0;
    for (int tries = 0; tries < 40; tries++) {
        errand *one = &e[wr_random_next(&state) % 30];
        int error = weir_call_cancel(&one->call);
        CHECK(error == 0 || error == -EALREADY);
        cancelled += error == 0;
        if (tries % 8 == 7)
            drain(loop);
    }
    drain(loop);
    CHECK_EQ(weir_loop_pending(loop), 30 - cancelled);
    release_all(pool, &h);
    settle(loop, pool);
    int ran = 0;
    for (int i = 0; i < 30; i++) {
        ran += e[i].ran;
        CHECK_EQ(e[i].ended, 1);
        CHECK_EQ(e[i].status, e[i].ran ? 0 : -ECANCELED);
    }
    CHECK_EQ(ran, 30 - cancelled);
    loop_close(loop);
}

static void calls_of_a_batch_are_cancelled_one_by_one(void) {
    on_each_pool(cancel_batch);
}

static void cancel_running(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    errand e = errand_obedient();
    call_on(loop, pool, &e);
    started_await(pool, &obedient_started, 1);
    tell(&e);
    settle(loop, pool);
    check_call_ran(&e, -ECANCELED); // FAILED, for it ran
    CHECK_EQ(loop_counts_of(loop).failed, 1);

    e = errand_obedient(); // no trace is left in the memory, nor told again
    e.call.run = errand_run;
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_ran(&e, 0);
    loop_close(loop);
}

static void a_running_call_is_told(void) { on_each_pool(cancel_running); }

static void a_running_call_need_not_obey(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    gate g;
    gate_init(&g);
    errand e = errand_at(&g);
    call_on(loop, pool, &e);
    gate_await(&g, 1);
    CHECK_EQ(weir_call_cancel(&e.call), -EBUSY);
    CHECK_EQ(weir_call_cancel(&e.call), -EBUSY);
    gate_open(&g);
    settle(loop, pool);
    check_call_ran(&e, 0);
    loop_close(loop);
    pool_close(pool);
    gate_fini(&g);
}

// The same memory, submitted again in done after it was cancelled.
typedef struct recycled {
    errand errand; // first
    weir_loop *loop;
    weir_pool *pool;
    int told; // what the second run saw
} recycled;

static int recycled_run(weir_worker *self, weir_call *call) {
    (void)self;
    recycled *r = (recycled *)call;
    r->errand.ran++;
    r->told = weir_call_cancelled(call);
    return 0;
}

static void recycled_done(weir_call *call, int status) {
    recycled *r = (recycled *)call;
    CHECK_EQ(weir_call_cancel(call), -EALREADY);
    if (r->errand.ended++ > 0) {
        CHECK_EQ(status, 0);
        return;
    }
    CHECK_EQ(status, -ECANCELED);
    call->run = recycled_run;
    CHECK_EQ(weir_call_submit(r->loop, r->pool, call), 0);
}

static void recycle(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    for (int queued = 0; queued < 2; queued++) {
        recycled r = {
            .errand = errand_obedient(), .loop = loop, .pool = pool, .told = 1};
        r.errand.call.done = recycled_done;
        if (!queued) {
            uint64_t started = tally_get(&obedient_started);
            call_on(loop, pool, &r.errand);
            started_await(pool, &obedient_started, started + 1);
            tell(&r.errand);
            settle(loop, pool);
            CHECK_EQ(r.errand.ran, 2);
        } else {
            held_all h;
            hold_all(pool, &h);
            call_on(loop, pool, &r.errand);
            CHECK_EQ(weir_call_cancel(&r.errand.call), 0);
            CHECK_EQ(drain(loop), 1);
            release_all(pool, &h);
            settle(loop, pool);
            CHECK_EQ(r.errand.ran, 1);
        }
        CHECK_EQ(r.errand.ended, 2);
        CHECK_EQ(r.told, 0);
    }
    loop_close(loop);
}

static void a_cancelled_call_submitted_again_starts_afresh(void) {
    on_each_pool(recycle);
}

static void cancel_too_late(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e = errand_of(5), never = errand_of(0);
    CHECK_EQ(weir_call_cancel(&never.call), -EALREADY);
    call_on(loop, pool, &e);
    ended_await(loop, pool, 1);
    CHECK_EQ(weir_call_cancel(&e.call), -EALREADY);
    settle(loop, pool);
    check_call_ran(&e, 5);
    CHECK_EQ(weir_call_cancel(&e.call), -EALREADY);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(e.ended, 1);
    loop_close(loop);
}

static void what_has_ended_cannot_be_cancelled(void) {
    on_each_pool(cancel_too_late);
}

// Another thread cancels while calls start; nobody drains meanwhile.
typedef struct canceller {
    errand e[300];
    int said[300];
    gate begin;
} canceller;

static void *canceller_main(void *arg) {
    canceller *c = arg;
    gate_pass(&c->begin);
    for (int i = 0; i < 300; i++)
        c->said[i] = weir_call_cancel(&c->e[299 - i].call);
    return NULL;
}

static void cancel_elsewhere(weir_pool *pool) {
    static canceller c;
    for (int round = 0; round < 5; round++) {
        weir_loop *loop = loop_open();
        gate_init(&c.begin);
        pthread_t thread = thread_start(canceller_main, &c);
        for (int i = 0; i < 300; i++) {
            c.e[i] = errand_of(0);
            call_on(loop, pool, &c.e[i]);
        }
        gate_open(&c.begin);
        thread_join(thread);
        settle(loop, pool);
        for (int i = 0; i < 300; i++) {
            int said = c.said[299 - i];
            if (said == 0)
                check_call_not_run(&c.e[i], -ECANCELED);
            else
                check_call_ran(&c.e[i], 0);
            CHECK(said == 0 || said == -EBUSY || said == -EALREADY);
        }
        loop_close(loop);
        gate_fini(&c.begin);
    }
}

static void cancel_and_start_race_to_one_outcome(void) {
    for_each_width(cancel_elsewhere);
}

// ---- deadlines -------------------------------------------------------------

static void late_while_held(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    held_all h;
    hold_all(pool, &h);
    errand late = errand_of(0), later = errand_of(0), far = errand_of(0),
           none = errand_of(0);
    late.call.deadline_ns = in_ms(1);
    later.call.deadline_ns = late.call.deadline_ns + 1000000;
    far.call.deadline_ns = in_ms(3600000);
    call_on(loop, pool, &none);
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    call_on(loop, pool, &far);
    CHECK_EQ(weir_loop_next_deadline(loop), far.call.deadline_ns);
    call_on(loop, pool, &late);
    call_on(loop, pool, &later);
    CHECK_EQ(weir_loop_next_deadline(loop), late.call.deadline_ns);
    until(later.call.deadline_ns);
    int delivered = drain(loop); // though no worker became free
    CHECK_EQ(delivered, 2);
    check_call_not_run(&late, -ETIMEDOUT);
    check_call_not_run(&later, -ETIMEDOUT);
    CHECK_EQ(weir_loop_next_deadline(loop), far.call.deadline_ns);
    CHECK_EQ(weir_loop_pending(loop), 2);
    release_all(pool, &h);
    settle(loop, pool);
    check_call_ran(&far, 0);
    check_call_ran(&none, 0);
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    CHECK_EQ(loop_counts_of(loop).timed_out, 2);
    loop_close(loop);
}

static void a_queued_call_times_out_though_no_worker_is_free(void) {
    for_each_width(late_while_held);
}

static void the_next_deadline_is_the_earliest(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held_all h;
    hold_all(pool, &h);
    static errand e[100];
    int64_t now = weir_now_ns(), hour = INT64_C(3600000000000);
    uint64_t state = 7;
    for (int i = 0; i < 100; i++) {
        e[i] = errand_of(0);
        e[i].call.deadline_ns =
            now + hour + (int64_t)(wr_random_next(&state) % 1000) * 1000;
        call_on(loop, pool, &e[i]);
    }
    for (int left = 100; left > 0; left--) { // cancel the earliest each time
        errand *first = NULL;
        for (int i = 0; i < 100; i++)
            if (e[i].ended == 0 &&
                (first == NULL ||
                 e[i].call.deadline_ns < first->call.deadline_ns))
                first = &e[i];
        CHECK_EQ(weir_loop_next_deadline(loop), first->call.deadline_ns);
        CHECK_EQ(weir_call_cancel(&first->call), 0);
        CHECK_EQ(drain(loop), 1);
        CHECK_EQ(first->ended, 1);
    }
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    release_all(pool, &h);
    loop_close(loop);
    pool_close(pool);
}

// Nobody drains: then it is the worker that finds it too late.
static void late_at_the_worker(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[20];
    for (int i = 0; i < 20; i++) {
        e[i] = errand_of(0);
        e[i].call.deadline_ns = i % 2 == 0 ? in_ms(1) : 0;
        call_on(loop, pool, &e[i]);
    }
    until(e[18].call.deadline_ns);
    release_all(pool, &h);
    ended_await(loop, pool, 20);
    CHECK_EQ(drain(loop), 20);
    for (int i = 0; i < 20; i++)
        if (i % 2 == 0)
            check_call_not_run(&e[i], -ETIMEDOUT);
        else
            check_call_ran(&e[i], 0);
    loop_close(loop);
}

static void a_worker_that_comes_too_late_does_not_start(void) {
    for_each_width(late_at_the_worker);
}

static void late_from_the_beginning(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[10];
    for (int i = 0; i < 10; i++) {
        e[i] = errand_of(0);
        e[i].call.deadline_ns = 1;
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    for (int i = 0; i < 10; i++)
        check_call_not_run(&e[i], -ETIMEDOUT);
    loop_close(loop);
}

static void a_deadline_that_has_passed_is_accepted_and_times_out(void) {
    for_each_width(late_from_the_beginning);
}

static void told_of_time(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    tally_init(&obedient_started);
    do { // it must have started in time
        e = errand_obedient();
        e.call.deadline_ns = in_ms(50);
        call_on(loop, pool, &e);
        settle(loop, pool);
        CHECK_EQ(e.ended, 1);
        CHECK_EQ(e.status, -ETIMEDOUT);
    } while (e.ran == 0);
    CHECK_EQ(e.outcome, WEIR_OUTCOME_FAILED);
    CHECK(weir_now_ns() > e.call.deadline_ns);
    loop_close(loop);
}

static void a_running_call_is_told_of_its_deadline(void) {
    for_each_width(told_of_time);
}

// What cannot be ended by a drain is no reason to drain again and again.
static void a_passed_deadline_of_a_running_call_keeps_no_loop_busy(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    gate g;
    gate_init(&g);
    errand e = errand_of(0);
    do {
        e = errand_at(&g);
        e.call.deadline_ns = in_ms(50);
        call_on(loop, pool, &e);
        while (e.ended == 0 && !gate_reached(&g))
            drain(loop); // it started in time, or it times out
    } while (e.ended == 1);
    until(e.call.deadline_ns);
    CHECK_EQ(drain(loop), 0);
    CHECK(weir_loop_next_deadline(loop) > weir_now_ns());
    fd_settle(loop);
    gate_open(&g);
    settle(loop, pool);
    check_call_ran(&e, 0);
    loop_close(loop);
    pool_close(pool);
    gate_fini(&g);
}

static void far_deadlines(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[20];
    for (int i = 0; i < 20; i++) {
        e[i] = errand_of(0);
        e[i].call.deadline_ns = i % 2 == 0 ? in_ms(3600000) : WEIR_FOREVER;
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    for (int i = 0; i < 20; i++)
        check_call_ran(&e[i], 0);
    loop_close(loop);
}

static void a_deadline_that_does_not_pass_changes_nothing(void) {
    for_each_width(far_deadlines);
}

static void deadlines_race(weir_pool *pool) {
    static errand e[200];
    for (int round = 0; round < 20; round++) {
        weir_loop *loop = loop_open();
        int64_t now = weir_now_ns();
        for (int i = 0; i < 200; i++) {
            e[i] = errand_of(0);
            e[i].call.deadline_ns = now + i * 1000;
            call_on(loop, pool, &e[i]);
        }
        while (weir_loop_pending(loop) > 0) {
            // An event loop's way: sleep until something is to be done.
            int error = weir_loop_wait(loop, weir_loop_next_deadline(loop));
            CHECK(error == 0 || error == -ETIMEDOUT);
            drain(loop);
        }
        for (int i = 0; i < 200; i++)
            if (e[i].ran)
                check_call_ran(&e[i], 0);
            else
                check_call_not_run(&e[i], -ETIMEDOUT);
        loop_close(loop);
    }
}

static void deadline_and_start_race_to_one_outcome(void) {
    for_each_width(deadlines_race);
}

static void a_seed_decides_whether_a_deadline_comes_first(void) {
    int ran = 0, late = 0;
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 2);
        weir_loop *loop = loop_open();
        errand e[4];
        for (int i = 0; i < 4; i++) {
            e[i] = errand_of(0);
            e[i].call.deadline_ns = in_ms(3600000);
            call_on(loop, pool, &e[i]);
        }
        settle(loop, pool);
        for (int i = 0; i < 4; i++) {
            CHECK_EQ(e[i].ended, 1);
            CHECK_EQ(e[i].status, e[i].ran ? 0 : -ETIMEDOUT);
            ran += e[i].ran;
            late += !e[i].ran;
        }
        loop_close(loop);
        pool_close(pool);
    }
    CHECK(ran > 0);
    CHECK(late > 0);
}

// ---- the pool is stopped ---------------------------------------------------

static void stopped_with(weir_pool *pool, weir_stop_mode mode) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[10];
    for (int i = 0; i < 10; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    stopper s;
    if (h.count == 0) // no threads
        CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, NULL), 0);
    else
        stopper_start(&s, pool, mode);
    for (unsigned i = 0; i < h.count; i++)
        release(&h.each[i]);
    if (h.count != 0)
        stopper_join(&s); // nobody drained meanwhile
    for (unsigned i = 0; i < h.count; i++)
        gate_fini(&h.each[i].gate);
    CHECK_EQ(loop_counts_of(loop).ended, 10);
    errand refused = errand_of(0);
    CHECK_EQ(weir_call_submit(loop, pool, &refused.call), -ESHUTDOWN);
    CHECK_EQ(drain(loop), 10);
    for (int i = 0; i < 10; i++)
        if (mode == WEIR_STOP_DRAIN)
            check_call_ran(&e[i], 0);
        else
            check_call_not_run(&e[i], -ESHUTDOWN);
    loop_close(loop);
}

static void stopped_drain(weir_pool *pool) {
    stopped_with(pool, WEIR_STOP_DRAIN);
}

static void stopped_cancel(weir_pool *pool) {
    stopped_with(pool, WEIR_STOP_CANCEL);
}

static void stopped_abort(weir_pool *pool) {
    stopped_with(pool, WEIR_STOP_ABORT);
}

static void a_pool_that_drains_runs_its_calls(void) {
    on_each_pool(stopped_drain);
}

static void a_pool_that_is_stopped_gives_its_calls_back(void) {
    on_each_pool(stopped_cancel);
    on_each_pool(stopped_abort);
}

static void abort_running(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&obedient_started);
    errand e = errand_obedient();
    call_on(loop, pool, &e);
    started_await(pool, &obedient_started, 1);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(drain(loop), 1);
    check_call_ran(&e, -ESHUTDOWN);
    loop_close(loop);
}

static void a_pool_that_is_aborted_tells_running_calls(void) {
    on_each_pool(abort_running);
}

static void a_stopped_pool_may_be_destroyed_once_all_is_delivered(void) {
    for (int threads = 0; threads <= 4; threads++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(threads);
        errand e[20];
        for (int i = 0; i < 20; i++) {
            e[i] = errand_of(i);
            call_on(loop, pool, &e[i]);
        }
        CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
        CHECK(fd_readable(loop));
        CHECK_EQ(drain(loop), 20);
        weir_pool_destroy(pool);
        for (int i = 0; i < 20; i++)
            check_call_ran(&e[i], i);
        CHECK_EQ(weir_call_cancel(&e[0].call), -EALREADY);
        loop_close(loop);
    }
}

// A stop that has not come to its end yet: the call's end is decided.
static void what_a_stop_has_ended_was_not_cancelled(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, 1, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_call_cancel(&e.call), -EALREADY);
    settle(loop, pool);
    check_call_not_run(&e, -ESHUTDOWN);
    release(&h);
    loop_close(loop);
    pool_close_how(pool, WEIR_STOP_CANCEL);
    gate_fini(&h.gate);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_queued_call_is_cancelled_though_no_worker_is_free",
         a_queued_call_is_cancelled_though_no_worker_is_free},
        {"calls_of_a_batch_are_cancelled_one_by_one",
         calls_of_a_batch_are_cancelled_one_by_one},
        {"a_running_call_is_told", a_running_call_is_told},
        {"a_running_call_need_not_obey", a_running_call_need_not_obey},
        {"a_cancelled_call_submitted_again_starts_afresh",
         a_cancelled_call_submitted_again_starts_afresh},
        {"what_has_ended_cannot_be_cancelled",
         what_has_ended_cannot_be_cancelled},
        {"cancel_and_start_race_to_one_outcome",
         cancel_and_start_race_to_one_outcome},
        {"a_queued_call_times_out_though_no_worker_is_free",
         a_queued_call_times_out_though_no_worker_is_free},
        {"the_next_deadline_is_the_earliest",
         the_next_deadline_is_the_earliest},
        {"a_worker_that_comes_too_late_does_not_start",
         a_worker_that_comes_too_late_does_not_start},
        {"a_deadline_that_has_passed_is_accepted_and_times_out",
         a_deadline_that_has_passed_is_accepted_and_times_out},
        {"a_running_call_is_told_of_its_deadline",
         a_running_call_is_told_of_its_deadline},
        {"a_passed_deadline_of_a_running_call_keeps_no_loop_busy",
         a_passed_deadline_of_a_running_call_keeps_no_loop_busy},
        {"a_deadline_that_does_not_pass_changes_nothing",
         a_deadline_that_does_not_pass_changes_nothing},
        {"deadline_and_start_race_to_one_outcome",
         deadline_and_start_race_to_one_outcome},
        {"a_seed_decides_whether_a_deadline_comes_first",
         a_seed_decides_whether_a_deadline_comes_first},
        {"a_pool_that_drains_runs_its_calls",
         a_pool_that_drains_runs_its_calls},
        {"a_pool_that_is_stopped_gives_its_calls_back",
         a_pool_that_is_stopped_gives_its_calls_back},
        {"a_pool_that_is_aborted_tells_running_calls",
         a_pool_that_is_aborted_tells_running_calls},
        {"a_stopped_pool_may_be_destroyed_once_all_is_delivered",
         a_stopped_pool_may_be_destroyed_once_all_is_delivered},
        {"what_a_stop_has_ended_was_not_cancelled",
         what_a_stop_has_ended_was_not_cancelled},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
