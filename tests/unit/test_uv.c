// SPDX-License-Identifier: MIT
// The libuv adapter while it is attached: it delivers, and costs nothing.
#include "support/uv.h"

// ---- alive exactly while pending -------------------------------------------

static void nothing_pending_does_not_keep_the_loop(void) {
    bench b;
    bench_open(&b, 1);
    CHECK_EQ(uv_loop_alive(&b.uv), 0);
    CHECK_EQ(uv_run(&b.uv, UV_RUN_DEFAULT), 0);
    CHECK_EQ(uv_run(&b.uv, UV_RUN_ONCE), 0);
    CHECK_EQ(uv_run(&b.uv, UV_RUN_NOWAIT), 0);
    bench_close(&b);
}

static void outcomes_are_delivered_inside_uv_run(void) {
    bench b;
    bench_open(&b, 2);
    errand well = errand_of(0), better = errand_of(7), bad = errand_of(-EIO);
    bench_call(&b, &well);
    bench_call(&b, &better);
    bench_call(&b, &bad);
    CHECK(uv_loop_alive(&b.uv) != 0);
    ended_await(b.loop, NULL, 3);
    CHECK_EQ(well.ended + better.ended + bad.ended, 0);
    bench_run(&b);
    check_call_ran(&well, 0);
    check_call_ran(&better, 7);
    check_call_ran(&bad, -EIO);
    bench_close(&b);
}

static void the_loop_lives_while_a_call_runs(void) {
    bench b;
    bench_open(&b, 1);
    for (int i = 0; i < 3; i++) { // also for the second time
        gate door;
        gate_init(&door);
        errand e = errand_at(&door);
        bench_call(&b, &e);
        gate_await(&door, 1);
        for (int round = 0; round < 5; round++)
            CHECK(uv_run(&b.uv, UV_RUN_NOWAIT) != 0);
        CHECK_EQ(e.ended, 0);
        gate_open(&door);
        bench_run(&b);
        check_call_ran(&e, 0);
        gate_fini(&door);
    }
    bench_close(&b);
}

// A call whose run, or whose done, submits the next one.
typedef struct relay {
    errand errand;
    bench *bench;
    struct relay *next;
    gate *before; // the next one is let through only when this is delivered
} relay;

static int relay_run(weir_worker *self, weir_call *call) {
    relay *r = (relay *)call;
    if (r->next != NULL)
        bench_call(r->bench, &r->next->errand);
    return errand_run(self, call);
}

static void relay_done(weir_call *call, int status) {
    relay *r = (relay *)call;
    errand_done(call, status);
    if (r->before != NULL)
        gate_open(r->before);
}

static void a_pending_calls_run_keeps_the_loop_for_the_next(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    relay second = {.errand = errand_at(&door), .bench = &b};
    relay first = {
        .errand = errand_of(0), .bench = &b, .next = &second, .before = &door};
    first.errand.call.run = relay_run;
    first.errand.call.done = relay_done;
    bench_call(&b, &first.errand);
    bench_run(&b); // not before the second, which only now may end
    check_call_ran(&first.errand, 0);
    check_call_ran(&second.errand, 0);
    gate_fini(&door);
    bench_close(&b);
}

static void relay_done_next(weir_call *call, int status) {
    relay *r = (relay *)call;
    errand_done(call, status);
    if (r->next != NULL)
        bench_call(r->bench, &r->next->errand);
}

static void done_may_submit_the_next_call(void) {
    enum { CHAIN = 500 };
    bench b;
    bench_open(&b, 1);
    static relay chain[CHAIN];
    for (int i = 0; i < CHAIN; i++) {
        chain[i] = (relay){.errand = errand_of(0), .bench = &b};
        chain[i].next = i + 1 < CHAIN ? &chain[i + 1] : NULL;
        chain[i].errand.call.done = relay_done_next;
    }
    bench_call(&b, &chain[0].errand);
    bench_run(&b);
    for (int i = 0; i < CHAIN; i++) {
        check_call_ran(&chain[i].errand, 0);
        CHECK(i == 0 ||
              chain[i].errand.end_order == chain[i - 1].errand.end_order + 1);
    }
    bench_close(&b);
}

static void an_inline_call_is_delivered_by_uv_run(void) {
    static const weir_site here =
        WEIR_SITE_INIT_MODE("test inline", WEIR_SITE_INLINE);
    bench b;
    bench_open(&b, 1);
    errand e = errand_of(4);
    e.call.site = &here;
    bench_call(&b, &e);
    CHECK_EQ(e.ran, 1);
    CHECK(e.self == NULL);
    CHECK_EQ(e.ended, 0);
    CHECK(uv_loop_alive(&b.uv) != 0);
    bench_run(&b);
    check_call_ran(&e, 4);
    bench_close(&b);
}

typedef struct stranger {
    bench *bench;
    errand errand;
    uv_timer_t *keeper;
} stranger;

static void *stranger_main(void *argument) {
    stranger *s = argument;
    bench_call(s->bench, &s->errand);
    return NULL;
}

static void stranger_done(weir_call *call, int status) {
    stranger *s = (stranger *)((char *)call - offsetof(stranger, errand.call));
    errand_done(call, status);
    uv_close((uv_handle_t *)s->keeper, NULL);
}

static void never(uv_timer_t *timer) {
    (void)timer;
    CHECK_FAIL("a timer of an hour fired");
}

static void a_call_of_another_thread_is_delivered_here(void) {
    bench b;
    bench_open(&b, 1);
    uv_timer_t keeper;
    uv_timer_init(&b.uv, &keeper);
    uv_timer_start(&keeper, never, 3600 * 1000, 0);
    stranger s = {.bench = &b, .errand = errand_of(0), .keeper = &keeper};
    s.errand.call.done = stranger_done;
    pthread_t thread = thread_start(stranger_main, &s);
    bench_run(&b);
    thread_join(thread);
    check_call_ran(&s.errand, 0);
    bench_close(&b);
}

static void every_outcome_is_delivered(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand running = errand_at(&door);
    errand good = errand_of(0), bad = errand_of(-EIO);
    errand gone = errand_of(0), late = errand_of(0);
    late.call.deadline_ns = weir_now_ns();
    bench_call(&b, &running);
    bench_call(&b, &good);
    bench_call(&b, &bad);
    bench_call(&b, &gone);
    bench_call(&b, &late);
    gate_await(&door, 1);
    CHECK_EQ(weir_call_cancel(&gone.call), 0);
    CHECK_EQ(gone.ended, 0);
    while (late.ended + gone.ended < 2) // while the only worker is held
        CHECK(uv_run(&b.uv, UV_RUN_ONCE) != 0);
    CHECK_EQ(good.ended + bad.ended + running.ended, 0);
    gate_open(&door);
    bench_run(&b);
    check_call_ran(&running, 0);
    check_call_ran(&good, 0);
    check_call_ran(&bad, -EIO);
    check_call_not_run(&gone, -ECANCELED);
    check_call_not_run(&late, -ETIMEDOUT);
    gate_fini(&door);
    bench_close(&b);
}

// ---- the three ways to run -------------------------------------------------

static void run_once_sleeps_until_there_is_something(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand e = errand_at(&door);
    bench_call(&b, &e);
    gate_await(&door, 1);
    alarm_clock alarm;
    alarm_set(&alarm, &b.uv, 20, ring_gate, &door);
    unsigned turns = 0;
    while (uv_run(&b.uv, UV_RUN_ONCE) != 0)
        turns++;
    CHECK_EQ(alarm.rang, 1);
    check_call_ran(&e, 0);
    // For the alarm, its closing, the call; a clock that is early, or a look
    // too many, may add some, but not what fits into 20 ms.
    CHECK(turns <= 10);
    gate_fini(&door);
    bench_close(&b);
}

static void run_nowait_never_sleeps(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand e = errand_at(&door);
    bench_call(&b, &e);
    CHECK(uv_run(&b.uv, UV_RUN_NOWAIT) != 0); // else it would be for ever
    CHECK_EQ(e.ended, 0);
    gate_open(&door);
    ended_await(b.loop, NULL, 1);
    CHECK_EQ(uv_run(&b.uv, UV_RUN_NOWAIT), 0);
    check_call_ran(&e, 0);
    gate_fini(&door);
    bench_close(&b);
}

static void *open_main(void *argument) {
    gate_open(argument);
    return NULL;
}

static void run_once_delivers_what_it_slept_for(void) {
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    loop.spin_ns = -1;
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.loop = &loop;
    options.pool = pool_threads(1);
    bench b;
    bench_open_with(&b, &options);
    for (int i = 0; i < 100; i++) {
        gate door;
        gate_init(&door);
        errand e = errand_at(&door);
        bench_call(&b, &e);
        gate_await(&door, 1);
        // A turn after one that has delivered does not sleep: not this one.
        CHECK(uv_run(&b.uv, UV_RUN_NOWAIT) != 0);
        pthread_t thread = thread_start(open_main, &door);
        uv_run(&b.uv, UV_RUN_ONCE);
        check_call_ran(&e, 0);
        thread_join(thread);
        gate_fini(&door);
    }
    bench_run(&b);
    bench_close(&b);
}

static void run_once_returns_when_it_has_delivered(void) {
    bench b;
    bench_open(&b, 1);
    uv_timer_t keeper; // or each run would return for want of anything
    uv_timer_init(&b.uv, &keeper);
    uv_timer_start(&keeper, never, 3600 * 1000, 0);
    for (int i = 0; i < 1000; i++) {
        errand e = errand_of(i);
        bench_call(&b, &e);
        if (i % 2 == 0)
            ended_await(b.loop, NULL, 1);
        while (e.ended == 0)
            CHECK(uv_run(&b.uv, UV_RUN_ONCE) != 0);
        check_call_ran(&e, i);
    }
    uv_close((uv_handle_t *)&keeper, NULL);
    bench_close(&b);
}

// ---- everybody else gets their turn ----------------------------------------

static void one_round_delivers_no_more_than_the_limit(void) {
    enum { CALLS = 500, LIMIT = 64 };
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    loop.drain_calls = LIMIT;
    loop.drain_ns = WEIR_FOREVER;
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.loop = &loop;
    options.pool = pool_threads(2);
    bench b;
    bench_open_with(&b, &options);
    static errand errands[CALLS];
    for (int i = 0; i < CALLS; i++) {
        errands[i] = errand_of(0);
        bench_call(&b, &errands[i]);
    }
    ended_await(b.loop, NULL, CALLS);
    size_t left = CALLS;
    while (left > 0) {
        CHECK_EQ(uv_run(&b.uv, UV_RUN_NOWAIT) != 0, left > LIMIT);
        left -= left < LIMIT ? left : LIMIT;
        CHECK_EQ(weir_loop_pending(b.loop), left);
    }
    for (int i = 0; i < CALLS; i++)
        check_call_ran(&errands[i], 0);
    bench_close(&b);
}

// Calls that are submitted again from their done until there were enough.
typedef struct flood {
    bench bench;
    int left, ended;
    int in_round, in_round_max; // deliveries between two looks at timers
    unsigned rounds, ticks;
    uv_check_t check;
    uv_timer_t ticker;
} flood;

typedef struct drop {
    weir_call call;
    flood *flood;
} drop;

static int drop_run(weir_worker *self, weir_call *call) {
    (void)self, (void)call;
    return 0;
}

static void drop_done(weir_call *call, int status) {
    flood *f = ((drop *)call)->flood;
    CHECK_EQ(status, 0);
    f->ended++;
    if (++f->in_round > f->in_round_max)
        f->in_round_max = f->in_round;
    if (f->left > 0) {
        f->left--;
        CHECK_EQ(weir_call_submit(f->bench.loop, f->bench.pool, call), 0);
    } else if (weir_loop_pending(f->bench.loop) == 0) {
        uv_close((uv_handle_t *)&f->ticker, NULL);
        uv_close((uv_handle_t *)&f->check, NULL);
    }
}

static void flood_check(uv_check_t *check) {
    flood *f = check->data;
    f->rounds++;
    f->in_round = 0;
}

static void flood_tick(uv_timer_t *timer) { ((flood *)timer->data)->ticks++; }

static void flood_open(flood *f, unsigned limit) {
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    loop.drain_calls = limit;
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.loop = &loop;
    options.pool = pool_threads(2);
    bench_open_with(&f->bench, &options);
    uv_timer_init(&f->bench.uv, &f->ticker);
    uv_timer_start(&f->ticker, flood_tick, 1, 1);
    uv_check_init(&f->bench.uv, &f->check);
    uv_check_start(&f->check, flood_check);
    f->ticker.data = f->check.data = f;
}

static void timers_fire_while_100000_calls_come_back(void) {
    enum { DROPS = 1000, CALLS = 100000, LIMIT = 64 };
    static flood f;
    static drop drops[DROPS];
    static weir_call *calls[DROPS];
    flood_open(&f, LIMIT);
    f.left = CALLS - DROPS;
    for (int i = 0; i < DROPS; i++) {
        drops[i] = (drop){WEIR_CALL_INIT(drop_run, drop_done), &f};
        calls[i] = &drops[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(f.bench.loop, f.bench.pool, calls, DROPS),
             0);
    bench_run(&f.bench);
    CHECK_EQ(f.ended, CALLS);
    CHECK(f.in_round_max <= LIMIT); // so nothing waits for more than that
    CHECK(f.rounds + 1 >= CALLS / LIMIT);
    CHECK(f.ticks > 0);
    bench_close(&f.bench);
}

// ---- deadlines -------------------------------------------------------------

// A call with a deadline, whose end opens the gate that holds the worker.
typedef struct overdue {
    errand errand;
    gate *door;
    int64_t ended_ns;
} overdue;

static void overdue_done(weir_call *call, int status) {
    overdue *o = (overdue *)call;
    errand_done(call, status);
    o->ended_ns = weir_now_ns();
    if (o->door != NULL)
        gate_open(o->door);
}

static overdue overdue_of(int64_t ms, gate *door) {
    overdue o = {.errand = errand_of(0), .door = door};
    o.errand.call.done = overdue_done;
    o.errand.call.deadline_ns = in_ms(ms);
    return o;
}

static void check_overdue(const overdue *o) {
    check_call_not_run(&o->errand, -ETIMEDOUT);
    CHECK(o->ended_ns >= o->errand.call.deadline_ns);
}

static void a_deadline_passes_while_all_workers_are_held(void) {
    bench b;
    bench_open(&b, 2);
    gate door;
    gate_init(&door);
    errand busy[2] = {errand_at(&door), errand_at(&door)};
    bench_call(&b, &busy[0]);
    bench_call(&b, &busy[1]);
    gate_await(&door, 2);
    overdue late = overdue_of(60, &door), sooner = overdue_of(30, NULL);
    bench_call(&b, &late.errand);
    bench_call(&b, &sooner.errand); // later, but due before
    bench_run(&b);
    check_overdue(&sooner);
    check_overdue(&late);
    CHECK(sooner.errand.end_order < late.errand.end_order);
    check_call_ran(&busy[0], 0);
    check_call_ran(&busy[1], 0);
    gate_fini(&door);
    bench_close(&b);
}

static void ring_submit(void *argument) {
    relay *r = argument;
    bench_call(r->bench, &r->errand);
}

static void a_deadline_that_comes_while_uv_runs_is_seen(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand busy = errand_at(&door);
    bench_call(&b, &busy);
    gate_await(&door, 1);
    relay late = {.errand = errand_of(0), .bench = &b, .before = &door};
    late.errand.call.done = relay_done;
    late.errand.call.deadline_ns = in_ms(30);
    alarm_clock alarm;
    alarm_set(&alarm, &b.uv, 5, ring_submit, &late);
    bench_run(&b);
    check_call_not_run(&late.errand, -ETIMEDOUT);
    check_call_ran(&busy, 0);
    gate_fini(&door);
    bench_close(&b);
}

static void *submit_main(void *argument) {
    ring_submit(argument);
    return NULL;
}

static void a_deadline_that_another_thread_brings_is_seen(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand busy = errand_at(&door);
    bench_call(&b, &busy);
    gate_await(&door, 1);
    relay late = {.errand = errand_of(0), .bench = &b, .before = &door};
    late.errand.call.done = relay_done;
    late.errand.call.deadline_ns = in_ms(30);
    pthread_t thread = thread_start(submit_main, &late);
    bench_run(&b);
    thread_join(thread);
    check_call_not_run(&late.errand, -ETIMEDOUT);
    check_call_ran(&busy, 0);
    gate_fini(&door);
    bench_close(&b);
}

static void a_call_that_made_it_leaves_no_timer(void) {
    bench b;
    bench_open(&b, 1);
    errand e = errand_of(0);
    e.call.deadline_ns = in_ms(3600 * 1000);
    bench_call(&b, &e);
    bench_run(&b); // not an hour
    check_call_ran(&e, 0);
    bench_close(&b);
}

// ---- idle ------------------------------------------------------------------

static void an_idle_adapter_wakes_nobody(void) {
    bench b;
    bench_open(&b, 2);
    errand e = errand_of(0);
    bench_call(&b, &e);
    bench_run(&b);
    rounds r;
    rounds_open(&r, &b.uv);
    alarm_clock alarm;
    alarm_set(&alarm, &b.uv, 100, NULL, NULL);
    bench_run(&b);
    CHECK_EQ(alarm.rang, 1);
    CHECK(r.count <= 5); // the alarm, its closing, a clock that is early
    rounds_close(&r);
    bench_close(&b);
}

static void a_call_that_takes_long_lets_the_loop_sleep(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand e = errand_at(&door);
    bench_call(&b, &e);
    gate_await(&door, 1);
    rounds r;
    rounds_open(&r, &b.uv);
    alarm_clock alarm;
    alarm_set(&alarm, &b.uv, 100, ring_gate, &door);
    bench_run(&b);
    check_call_ran(&e, 0);
    CHECK(r.count <= 10);
    rounds_close(&r);
    gate_fini(&door);
    bench_close(&b);
}

// ---- several ---------------------------------------------------------------

static void two_uv_loops_share_a_pool(void) {
    enum { CALLS = 50 };
    bench a, b;
    bench_open(&a, 2);
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.pool = a.pool;
    bench_open_with(&b, &options);
    errand of_a[CALLS], of_b[CALLS];
    for (int i = 0; i < CALLS; i++) {
        of_a[i] = errand_of(i);
        of_b[i] = errand_of(-i);
        bench_call(&a, &of_a[i]);
        bench_call(&b, &of_b[i]);
    }
    bench_run(&a);
    for (int i = 0; i < CALLS; i++) {
        check_call_ran(&of_a[i], i);
        CHECK_EQ(of_b[i].ended, 0);
    }
    bench_run(&b);
    for (int i = 0; i < CALLS; i++)
        check_call_ran(&of_b[i], -i);
    bench_detach(&b, WEIR_STOP_DRAIN);
    bench_closed(&b);
    bench_close(&a);
}

static void one_uv_loop_may_have_two(void) {
    bench b;
    bench_open(&b, 1);
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.pool = b.pool;
    weir_uv *other;
    CHECK_EQ(weir_uv_attach(&other, &b.uv, &options), 0);
    gate door;
    gate_init(&door);
    errand busy = errand_at(&door), e = errand_of(0);
    call_on(weir_uv_loop(other), b.pool, &busy);
    gate_await(&door, 1);
    bench_call(&b, &e);
    CHECK_EQ(weir_call_cancel(&e.call), 0);
    while (e.ended == 0)
        CHECK(uv_run(&b.uv, UV_RUN_ONCE) != 0); // the other keeps it
    gate_open(&door);
    bench_run(&b);
    check_call_ran(&busy, 0);
    check_call_not_run(&e, -ECANCELED);
    CHECK_EQ(weir_uv_detach(other, WEIR_STOP_DRAIN, NULL, NULL), 0);
    gate_fini(&door);
    bench_close(&b);
}

static void *other_thread_main(void *argument) {
    bench *b = argument;
    CHECK_EQ(weir_loop_own(b->loop), 0);
    errand e = errand_of(3);
    bench_call(b, &e);
    bench_run(b);
    check_call_ran(&e, 3);
    bench_detach(b, WEIR_STOP_DRAIN);
    bench_closed(b);
    return NULL;
}

static void a_loop_made_here_may_run_on_another_thread(void) {
    bench b;
    bench_open(&b, 1);
    thread_join(thread_start(other_thread_main, &b));
    CHECK_EQ(b.detached, 1);
    pool_close(b.pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"nothing_pending_does_not_keep_the_loop",
         nothing_pending_does_not_keep_the_loop},
        {"outcomes_are_delivered_inside_uv_run",
         outcomes_are_delivered_inside_uv_run},
        {"the_loop_lives_while_a_call_runs", the_loop_lives_while_a_call_runs},
        {"a_pending_calls_run_keeps_the_loop_for_the_next",
         a_pending_calls_run_keeps_the_loop_for_the_next},
        {"done_may_submit_the_next_call", done_may_submit_the_next_call},
        {"an_inline_call_is_delivered_by_uv_run",
         an_inline_call_is_delivered_by_uv_run},
        {"a_call_of_another_thread_is_delivered_here",
         a_call_of_another_thread_is_delivered_here},
        {"every_outcome_is_delivered", every_outcome_is_delivered},
        {"run_once_sleeps_until_there_is_something",
         run_once_sleeps_until_there_is_something},
        {"run_once_delivers_what_it_slept_for",
         run_once_delivers_what_it_slept_for},
        {"run_once_returns_when_it_has_delivered",
         run_once_returns_when_it_has_delivered},
        {"run_nowait_never_sleeps", run_nowait_never_sleeps},
        {"one_round_delivers_no_more_than_the_limit",
         one_round_delivers_no_more_than_the_limit},
        {"timers_fire_while_100000_calls_come_back",
         timers_fire_while_100000_calls_come_back},
        {"a_deadline_passes_while_all_workers_are_held",
         a_deadline_passes_while_all_workers_are_held},
        {"a_deadline_that_comes_while_uv_runs_is_seen",
         a_deadline_that_comes_while_uv_runs_is_seen},
        {"a_deadline_that_another_thread_brings_is_seen",
         a_deadline_that_another_thread_brings_is_seen},
        {"a_call_that_made_it_leaves_no_timer",
         a_call_that_made_it_leaves_no_timer},
        {"an_idle_adapter_wakes_nobody", an_idle_adapter_wakes_nobody},
        {"a_call_that_takes_long_lets_the_loop_sleep",
         a_call_that_takes_long_lets_the_loop_sleep},
        {"two_uv_loops_share_a_pool", two_uv_loops_share_a_pool},
        {"one_uv_loop_may_have_two", one_uv_loop_may_have_two},
        {"a_loop_made_here_may_run_on_another_thread",
         a_loop_made_here_may_run_on_another_thread},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
