// SPDX-License-Identifier: MIT
// The loop's side: the descriptor, the drain and its limits, looking before
// sleeping, waiting, and whose thread it is.
#include "support/loop.h"

// ---- the descriptor --------------------------------------------------------

static void readable(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK(weir_loop_fd(loop) >= 0);
    CHECK(!fd_readable(loop));
    CHECK_EQ(drain(loop), 0);
    CHECK(!fd_readable(loop));
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0), other = errand_of(0);
    call_on(loop, pool, &e);
    call_on(loop, pool, &other);
    CHECK(!fd_readable(loop)); // nothing has ended
    CHECK_EQ(weir_call_cancel(&other.call), 0);
    CHECK(fd_readable(loop));
    CHECK(fd_readable(loop)); // looking changes nothing
    CHECK_EQ(drain(loop), 1);
    fd_settle(loop);
    release_all(pool, &h);
    fd_await(loop);
    CHECK_EQ(drain(loop), 1);
    fd_settle(loop);
    loop_close(loop);
}

static void the_descriptor_is_readable_when_something_is_to_be_done(void) {
    on_each_pool(readable);
}

static void one_write(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static errand e[200];
    for (uint64_t round = 1; round <= 3; round++) {
        for (int i = 0; i < 200; i++) {
            e[i] = errand_of(0);
            call_on(loop, pool, &e[i]);
        }
        ended_await(loop, pool, 200);
        fd_await(loop);
        wait_idle(pool);
        CHECK_EQ(loop_counts_of(loop).wakes, round);
        CHECK_EQ(drain(loop), 200);
        fd_settle(loop);
    }
    loop_close(loop);
}

static void a_burst_writes_the_descriptor_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, one_write, 20);
}

static void writes_and_drains(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static errand e[3000];
    for (int i = 0; i < 3000; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    uint64_t drains = 0;
    while (weir_loop_pending(loop) > 0) {
        drain(loop);
        drains++;
        sched_yield();
    }
    weir_loop_counts c = loop_counts_of(loop);
    CHECK(c.wakes <= drains + 1);
    CHECK(c.drains <= drains);
    CHECK(c.drains > 0);
    loop_close(loop);
}

static void it_is_written_at_most_once_between_two_drains(void) {
    for_each_width(writes_and_drains);
}

// ---- limits ----------------------------------------------------------------

static void limited_calls(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.drain_calls = 3;
    options.drain_ns = WEIR_FOREVER;
    weir_loop *loop = loop_open_with(&options);
    errand e[10];
    for (int i = 0; i < 10; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    ended_await(loop, pool, 10);
    for (int left = 10; left > 0; left -= 3) {
        fd_await(loop);
        CHECK_EQ(drain(loop), left < 3 ? left : 3);
        if (left > 3) {
            CHECK(fd_readable(loop)); // it stays so
            CHECK_EQ(weir_loop_wait(loop, 0), 0);
        }
    }
    fd_settle(loop);
    weir_loop_counts c = loop_counts_of(loop);
    CHECK_EQ(c.drains, 4);
    CHECK_EQ(c.limited, 3);
    loop_close(loop);
}

static void a_drain_stops_at_its_limit_of_calls_and_stays_readable(void) {
    on_each_pool(limited_calls);
}

static void slow_done(weir_call *call, int status) {
    errand_done(call, status);
    until(weir_now_ns() + 400000);
}

static void limited_time(weir_pool *pool) {
    for (int by_default = 0; by_default < 2; by_default++) {
        weir_loop_options options = loop_options();
        options.drain_calls = UINT_MAX;
        options.drain_ns = by_default ? 0 : 1;
        weir_loop *loop = loop_open_with(&options);
        errand e[10];
        for (int i = 0; i < 10; i++) {
            e[i] = errand_of(0);
            e[i].call.done = slow_done;
            call_on(loop, pool, &e[i]);
        }
        ended_await(loop, pool, 10);
        int left = 10;
        while (left > 0) {
            int delivered = drain(loop);
            CHECK(delivered >= 1);
            CHECK(delivered <= (by_default ? 3 : 1)); // 3 take over 1 ms
            left -= delivered;
            CHECK(left == 0 || fd_readable(loop));
        }
        CHECK(loop_counts_of(loop).limited >= 3);
        loop_close(loop);
    }
}

static void a_drain_stops_at_its_limit_of_time(void) {
    for_each_width(limited_time);
}

static void as_many_as(weir_pool *pool) {
    static errand e[1500];
    for (int none = 0; none < 2; none++) {
        weir_loop_options options = loop_options();
        options.drain_calls = none ? UINT_MAX : 0;
        options.drain_ns = WEIR_FOREVER;
        weir_loop *loop = loop_open_with(&options);
        for (int i = 0; i < 1500; i++) {
            e[i] = errand_of(0);
            call_on(loop, pool, &e[i]);
        }
        ended_await(loop, pool, 1500);
        CHECK_EQ(drain(loop), none ? 1500 : 1024);
        CHECK_EQ(loop_counts_of(loop).limited, !none);
        settle(loop, NULL);
        loop_close(loop);
    }
}

// It has delivered as many as it may, and nothing is left: what ends after that
// is told of.
static void stopped_at_the_limit(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.drain_calls = 1;
    weir_loop *loop = loop_open_with(&options);
    errand e[20];
    for (int i = 0; i < 20; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
        CHECK_EQ(weir_loop_wait(loop, in_ms(20 * 1000)), 0);
        ended_await(loop, pool, 1);
        CHECK_EQ(drain(loop), 1);
        check_call_ran(&e[i], i);
    }
    loop_close(loop);
}

static void after_a_drain_at_its_limit_the_next_end_is_told(void) {
    for_each_width(stopped_at_the_limit);
}

static void by_default_1024_calls_and_without_limit_all(void) {
    for_each_width(as_many_as);
}

// ---- inside a drain --------------------------------------------------------

typedef struct nosy {
    errand errand; // first
    weir_loop *loop, *other;
    int delivered_here, delivered_there;
} nosy;

static void nosy_done(weir_call *call, int status) {
    nosy *n = (nosy *)call;
    errand_done(call, status);
    CHECK_EQ(weir_loop_own(n->loop), -EBUSY);
    CHECK_EQ(weir_loop_wait(n->loop, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(weir_loop_wait(n->loop, 0), -EDEADLK);
    n->delivered_there += drain(n->other);
    n->delivered_here += drain(n->loop);
    CHECK_EQ(drain(n->loop), 0);
    CHECK_EQ(weir_loop_drain_spin(n->loop), 0);
}

static void drain_in_done(weir_pool *pool) {
    weir_loop *loop = loop_open(), *other = loop_open();
    nosy n = {.errand = errand_of(0), .loop = loop, .other = other};
    errand first = errand_of(0), e[3], there = errand_of(0);
    n.errand.call.done = nosy_done;
    call_on(other, pool, &there);
    ended_await(other, pool, 1);
    call_on(loop, pool, &first);
    ended_await(loop, pool, 1);
    call_on(loop, pool, &n.errand);
    ended_await(loop, pool, 2);
    for (int i = 0; i < 3; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    ended_await(loop, pool, 5);
    CHECK(drain(loop) >= 2);
    CHECK_EQ(n.delivered_here, 3);
    CHECK_EQ(n.delivered_there, 1);
    check_call_ran(&n.errand, 0);
    check_call_ran(&there, 0);
    CHECK(first.end_order < n.errand.end_order);
    for (int i = 0; i < 3; i++) {
        check_call_ran(&e[i], 0);
        CHECK(n.errand.end_order < e[i].end_order);
    }
    fd_settle(loop);
    loop_close(loop);
    loop_close(other);
}

static void done_may_drain_and_gets_what_is_left(void) {
    on_each_pool(drain_in_done);
}

// Each done drains: the stack grows, the order stays, nothing comes twice.
static weir_loop *nested_loop;

static void nested_done(weir_call *call, int status) {
    errand_done(call, status);
    drain(nested_loop);
}

static void drain_in_each_done(weir_pool *pool) {
    weir_loop *loop = nested_loop = loop_open();
    errand e[50];
    for (int i = 0; i < 50; i++) {
        e[i] = errand_of(i);
        e[i].call.done = nested_done;
        call_on(loop, pool, &e[i]);
        if (i % 3 == 0)
            drain(loop);
    }
    settle(loop, pool);
    for (int i = 0; i < 50; i++)
        check_call_ran(&e[i], i);
    loop_close(loop);
}

static void every_done_may_drain(void) { on_each_pool(drain_in_each_done); }

// What ends while a drain is at work waits for the next one.
static const weir_site inline_site =
    WEIR_SITE_INIT_MODE("again and again", WEIR_SITE_INLINE);
static weir_loop *endless_loop;
static weir_pool *endless_pool;
static int endless_left;

static void endless_done(weir_call *call, int status) {
    CHECK_EQ(status, 0);
    if (endless_left-- > 0)
        CHECK_EQ(weir_call_submit(endless_loop, endless_pool, call), 0);
}

static void endless(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.drain_calls = UINT_MAX;
    options.drain_ns = WEIR_FOREVER;
    endless_loop = loop_open_with(&options);
    endless_pool = pool;
    endless_left = 50;
    errand e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = errand_of(0);
        e[i].call.site = &inline_site;
        e[i].call.done = endless_done;
        call_on(endless_loop, pool, &e[i]);
    }
    while (weir_loop_pending(endless_loop) > 0) {
        CHECK(fd_readable(endless_loop));
        CHECK(drain(endless_loop) <= 3);
    }
    CHECK_EQ(e[0].ran + e[1].ran + e[2].ran, 53);
    fd_settle(endless_loop);
    loop_close(endless_loop);
}

static void a_drain_delivers_what_had_ended_when_it_began(void) {
    on_each_pool(endless);
}

// ---- hold ------------------------------------------------------------------

static int hold_now, hold_calls;

static void hold_told(void *context, int pending) {
    CHECK(pthread_equal(*(pthread_t *)context, pthread_self()));
    CHECK(pending == 0 || pending == 1);
    CHECK_EQ(pending, !hold_now); // told of changes alone
    hold_now = pending;
    hold_calls++;
}

static weir_loop *loop_holding(pthread_t *home) {
    *home = pthread_self();
    hold_now = hold_calls = 0;
    weir_loop_options options = loop_options();
    options.hold = hold_told;
    options.hold_context = home;
    return loop_open_with(&options);
}

static void hold_changes(weir_pool *pool) {
    pthread_t home;
    weir_loop *loop = loop_holding(&home);
    CHECK_EQ(hold_calls, 0);
    for (int round = 1; round <= 3; round++) {
        held_all h;
        hold_all(pool, &h);
        errand e[4];
        for (int i = 0; i < 4; i++) {
            e[i] = errand_of(0);
            call_on(loop, pool, &e[i]);
            CHECK_EQ(hold_now, 1); // inside submit, on the loop's thread
        }
        CHECK_EQ(weir_call_cancel(&e[0].call), 0);
        CHECK_EQ(drain(loop), 1);
        CHECK_EQ(hold_now, 1);
        release_all(pool, &h);
        settle(loop, pool);
        CHECK_EQ(hold_now, 0);
        CHECK_EQ(hold_calls, 2 * round);
    }
    closing c = closing_of(loop);
    close_begin(&c, WEIR_STOP_DRAIN);
    CHECK_EQ(hold_now, 1); // until closed
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(c.called, 1);
    CHECK_EQ(hold_now, 0);
    errand expected = errand_of(0);
    loop_close(loop);

    loop = loop_holding(&home);
    CHECK_EQ(weir_call_expect(loop, &expected.call), 0);
    CHECK_EQ(hold_now, 1);
    weir_call_complete(&expected.call, 0);
    CHECK_EQ(drain(loop), 1);
    CHECK_EQ(hold_now, 0);
    loop_close(loop);
}

static void hold_is_told_when_calls_become_pending_and_when_none_is(void) {
    on_each_pool(hold_changes);
}

static void hold_elsewhere(weir_pool *pool) {
    pthread_t home;
    weir_loop *loop = loop_holding(&home);
    held_all h;
    hold_all(pool, &h);
    far_call s = {.loop = loop, .pool = pool, .e = errand_of(0)};
    thread_join(thread_start(far_call_main, &s));
    CHECK_EQ(hold_now, 0); // it cannot be told there
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(hold_now, 1);
    release_all(pool, &h);
    settle(loop, pool);
    CHECK_EQ(hold_now, 0);
    CHECK_EQ(hold_calls, 2);
    loop_close(loop);
}

static void a_call_submitted_elsewhere_holds_from_the_next_drain(void) {
    for_each_width(hold_elsewhere);
}

// ---- looking before sleeping -----------------------------------------------

static weir_loop *loop_spinning(int64_t spin_ns) {
    weir_loop_options options = loop_options();
    options.spin_ns = spin_ns;
    return loop_open_with(&options);
}

// A thread that opens a gate a little later.
typedef struct opener {
    weir_loop *loop;
    gate *gate;
} opener;

static void *opener_main(void *arg) {
    opener *o = arg;
    for (int i = 0; i < 100; i++)
        sched_yield();
    gate_open(o->gate);
    return NULL;
}

// The calls here come from elsewhere: a loop looks seldom for one for which it
// woke a worker itself.
static void spin_finds(weir_pool *pool) {
    weir_loop *loop = loop_spinning(INT64_C(60000000000));
    gate g;
    gate_init(&g);
    far_call s = {.loop = loop, .pool = pool, .e = errand_at(&g)};
    thread_join(thread_start(far_call_main, &s));
    gate_await(&g, 1);
    opener o = {.loop = loop, .gate = &g};
    pthread_t thread = thread_start(opener_main, &o);
    CHECK_EQ(weir_loop_drain_spin(loop), 1);
    check_call_ran(&s.e, 0);
    thread_join(thread);
    weir_loop_counts c = loop_counts_of(loop);
    CHECK(c.spins <= 1); // 0: it had ended before anybody looked
    CHECK_EQ(c.spins_paid, c.spins);
    loop_close(loop);
    gate_fini(&g);
}

static void looking_before_sleeping_finds_a_call_that_ends(void) {
    for_each_width(spin_finds);
}

static void spin_in_vain(weir_pool *pool) {
    weir_loop *loop = loop_spinning(1000);
    gate g;
    gate_init(&g);
    CHECK_EQ(weir_loop_drain_spin(loop), 0); // nothing runs: no look
    CHECK_EQ(loop_counts_of(loop).spins, 0);
    far_call s = {.loop = loop, .pool = pool, .e = errand_at(&g)};
    thread_join(thread_start(far_call_main, &s));
    gate_await(&g, 1);
    for (int i = 0; i < 10000; i++)
        CHECK_EQ(weir_loop_drain_spin(loop), 0);
    weir_loop_counts c = loop_counts_of(loop);
    CHECK(c.spins > 0);
    CHECK(c.spins < 5000); // it has learned
    CHECK_EQ(c.spins_paid, 0);
    gate_open(&g);
    ended_await(loop, pool, 1);
    CHECK_EQ(weir_loop_drain_spin(loop), 1);
    check_call_ran(&s.e, 0);
    loop_close(loop);
    gate_fini(&g);
}

static void looking_in_vain_is_given_up(void) { for_each_width(spin_in_vain); }

static void spin_never(weir_pool *pool) {
    weir_loop *loop = loop_spinning(-1);
    gate g;
    gate_init(&g);
    errand e = errand_at(&g);
    call_on(loop, pool, &e);
    gate_await(&g, 1);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(weir_loop_drain_spin(loop), 0);
    gate_open(&g);
    while (e.ended == 0)
        CHECK(weir_loop_drain_spin(loop) >= 0);
    check_call_ran(&e, 0);
    CHECK_EQ(loop_counts_of(loop).spins, 0);
    loop_close(loop);
    gate_fini(&g);
}

static void without_spinning_it_is_a_drain(void) { for_each_width(spin_never); }

static void spin_seeded(weir_pool *pool) {
    weir_loop *loop = loop_spinning(1000);
    errand e[5];
    for (int i = 0; i < 5; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
    }
    while (weir_loop_pending(loop) > 0) {
        int stepped = weir_pool_step(pool);
        CHECK(stepped == 0 || stepped == 1 || stepped == -EINVAL);
        CHECK(weir_loop_drain_spin(loop) >= 0);
    }
    for (int i = 0; i < 5; i++)
        check_call_ran(&e[i], i);
    loop_close(loop);
}

static void drain_spin_delivers_like_drain(void) { on_each_pool(spin_seeded); }

// Bursts found by looking are as complete and as ordered as any.
static void spin_burst(weir_pool *pool) {
    weir_loop *loop = loop_spinning(100000);
    static errand e[2000];
    for (int i = 0; i < 2000; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
        if (i % 7 == 0)
            CHECK(weir_loop_drain_spin(loop) >= 0);
    }
    while (weir_loop_pending(loop) > 0)
        if (weir_loop_drain_spin(loop) == 0)
            CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
    for (int i = 0; i < 2000; i++)
        check_call_ran(&e[i], i);
    loop_close(loop);
}

static void no_wake_up_is_lost_between_looking_and_sleeping(void) {
    for_each_width(spin_burst);
}

// ---- wait ------------------------------------------------------------------

static void wait_ends(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK_EQ(weir_loop_wait(loop, 0), -ETIMEDOUT);
    CHECK_EQ(weir_loop_wait(loop, in_ms(1)), -ETIMEDOUT);
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    int64_t deadline = in_ms(2);
    CHECK_EQ(weir_loop_wait(loop, deadline), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline);
    release_all(pool, &h);
    CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
    CHECK_EQ(weir_loop_wait(loop, 0), 0); // it took nothing
    CHECK_EQ(e.ended, 0);
    CHECK_EQ(drain(loop), 1);
    check_call_ran(&e, 0);
    loop_close(loop);
}

static void a_wait_ends_when_there_is_something_or_at_its_deadline(void) {
    for_each_width(wait_ends);
}

static void sleep_and_wake(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int i = 0; i < 500; i++) { // each time it really has to be woken
        errand e = errand_of(i);
        call_on(loop, pool, &e);
        while (e.ended == 0) {
            CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
            drain(loop);
        }
        check_call_ran(&e, i);
    }
    loop_close(loop);
}

static void a_wait_is_woken_by_every_call(void) {
    for_each_width(sleep_and_wake);
}

// The loop's own calls' deadlines end a wait as well.
static void wait_for_deadline(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0);
    e.call.deadline_ns = in_ms(2);
    call_on(loop, pool, &e);
    CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
    CHECK(weir_now_ns() >= e.call.deadline_ns);
    CHECK_EQ(drain(loop), 1);
    check_call_not_run(&e, -ETIMEDOUT);
    e = errand_of(0);
    e.call.deadline_ns = in_ms(3600000);
    call_on(loop, pool, &e);
    CHECK_EQ(weir_loop_wait(loop, in_ms(1)), -ETIMEDOUT);
    CHECK_EQ(weir_call_cancel(&e.call), 0);
    CHECK_EQ(drain(loop), 1);
    release_all(pool, &h);
    loop_close(loop);
}

static void a_wait_ends_at_the_deadline_of_a_call(void) {
    for_each_width(wait_for_deadline);
}

static void earlier_elsewhere(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand far = errand_of(0);
    far.call.deadline_ns = in_ms(3600000);
    call_on(loop, pool, &far);
    drain(loop);
    fd_settle(loop);
    far_call s = {.loop = loop, .pool = pool, .e = errand_of(0)};
    s.e.call.deadline_ns = in_ms(1800000);
    thread_join(thread_start(far_call_main, &s));
    CHECK(fd_readable(loop)); // so that the loop asks again
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(weir_loop_next_deadline(loop), s.e.call.deadline_ns);
    fd_settle(loop);
    release_all(pool, &h);
    settle(loop, pool);
    loop_close(loop);
}

static void a_deadline_from_elsewhere_makes_it_readable(void) {
    for_each_width(earlier_elsewhere);
}

// ---- whose thread ----------------------------------------------------------

static void *own_main(void *arg) {
    far_call *s = arg;
    CHECK_EQ(weir_loop_own(s->loop), 0);
    CHECK_EQ(weir_loop_own(s->loop), 0); // again is no error
    s->e = errand_of(3);
    call_on(s->loop, s->pool, &s->e);
    while (s->e.ended == 0)
        turn(s->loop, NULL); // done checks that it is here
    check_call_ran(&s->e, 3);
    CHECK_EQ(weir_loop_next_deadline(s->loop), WEIR_FOREVER);
    return NULL;
}

static void owned_elsewhere(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    settle(loop, pool);
    far_call s = {.loop = loop, .pool = pool};
    thread_join(thread_start(own_main, &s));
    thread_join(thread_start(own_main, &s));
    CHECK_EQ(weir_loop_own(loop), 0);
    e = errand_of(1);
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_ran(&e, 1);
    loop_close(loop);
}

static void a_loop_may_be_handed_to_another_thread(void) {
    for_each_width(owned_elsewhere);
}

static void *drain_main(void *arg) {
    (void)weir_loop_drain(arg);
    return NULL;
}

static void *drain_spin_main(void *arg) {
    (void)weir_loop_drain_spin(arg);
    return NULL;
}

static void *wait_main(void *arg) {
    CHECK(weir_loop_wait(arg, 0) != 12345);
    return NULL;
}

static void *next_deadline_main(void *arg) {
    (void)weir_loop_next_deadline(arg);
    return NULL;
}

static void *close_main(void *arg) {
    (void)weir_loop_close(arg, WEIR_STOP_DRAIN, closing_closed, NULL);
    return NULL;
}

static void *destroy_main(void *arg) {
    weir_loop_destroy(arg);
    return NULL;
}

static void *(*foreign)(void *);

static void on_a_foreign_thread(void) {
    thread_join(thread_start(foreign, loop_open()));
}

static void *own_only_main(void *arg) {
    CHECK_EQ(weir_loop_own(arg), 0);
    return NULL;
}

static void on_the_old_thread(void) {
    weir_loop *loop = loop_open();
    thread_join(thread_start(own_only_main, loop));
    (void)weir_loop_drain(loop);
}

static int own_run(weir_worker *self, void *arg) {
    (void)self;
    return weir_loop_own(arg);
}

static void on_a_worker(void) {
    CHECK_EQ(weir_run(pool_of(1), own_run, loop_open(), NULL), 0);
}

static void in_a_deterministic_job(void) {
    CHECK_EQ(weir_run(pool_seeded(0, 1), own_run, loop_open(), NULL), 0);
}

static void a_worker_cannot_be_the_loops_thread(void) {
    check_aborts(on_a_worker, "worker");
    check_aborts(in_a_deterministic_job, "worker");
}

static void a_foreign_thread_aborts(void) {
    static void *(*const functions[])(void *) = {drain_main, drain_spin_main,
                                                 wait_main,  next_deadline_main,
                                                 close_main, destroy_main};
    for (size_t i = 0; i < TEST_COUNT(functions); i++) {
        foreign = functions[i];
        check_aborts(on_a_foreign_thread, "thread");
    }
    check_aborts(on_the_old_thread, "thread");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_descriptor_is_readable_when_something_is_to_be_done",
         the_descriptor_is_readable_when_something_is_to_be_done},
        {"a_burst_writes_the_descriptor_once",
         a_burst_writes_the_descriptor_once},
        {"it_is_written_at_most_once_between_two_drains",
         it_is_written_at_most_once_between_two_drains},
        {"a_drain_stops_at_its_limit_of_calls_and_stays_readable",
         a_drain_stops_at_its_limit_of_calls_and_stays_readable},
        {"a_drain_stops_at_its_limit_of_time",
         a_drain_stops_at_its_limit_of_time},
        {"by_default_1024_calls_and_without_limit_all",
         by_default_1024_calls_and_without_limit_all},
        {"done_may_drain_and_gets_what_is_left",
         done_may_drain_and_gets_what_is_left},
        {"every_done_may_drain", every_done_may_drain},
        {"a_drain_delivers_what_had_ended_when_it_began",
         a_drain_delivers_what_had_ended_when_it_began},
        {"hold_is_told_when_calls_become_pending_and_when_none_is",
         hold_is_told_when_calls_become_pending_and_when_none_is},
        {"a_call_submitted_elsewhere_holds_from_the_next_drain",
         a_call_submitted_elsewhere_holds_from_the_next_drain},
        {"looking_before_sleeping_finds_a_call_that_ends",
         looking_before_sleeping_finds_a_call_that_ends},
        {"looking_in_vain_is_given_up", looking_in_vain_is_given_up},
        {"without_spinning_it_is_a_drain", without_spinning_it_is_a_drain},
        {"drain_spin_delivers_like_drain", drain_spin_delivers_like_drain},
        {"no_wake_up_is_lost_between_looking_and_sleeping",
         no_wake_up_is_lost_between_looking_and_sleeping},
        {"a_wait_ends_when_there_is_something_or_at_its_deadline",
         a_wait_ends_when_there_is_something_or_at_its_deadline},
        {"a_wait_is_woken_by_every_call", a_wait_is_woken_by_every_call},
        {"a_wait_ends_at_the_deadline_of_a_call",
         a_wait_ends_at_the_deadline_of_a_call},
        {"a_deadline_from_elsewhere_makes_it_readable",
         a_deadline_from_elsewhere_makes_it_readable},
        {"a_loop_may_be_handed_to_another_thread",
         a_loop_may_be_handed_to_another_thread},
        {"a_worker_cannot_be_the_loops_thread",
         a_worker_cannot_be_the_loops_thread},
        {"a_foreign_thread_aborts", a_foreign_thread_aborts},
        {"after_a_drain_at_its_limit_the_next_end_is_told",
         after_a_drain_at_its_limit_the_next_end_is_told},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
