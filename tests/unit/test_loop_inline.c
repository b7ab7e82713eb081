// SPDX-License-Identifier: MIT
// Calls that run inside submit: where the site says so, and where its history
// does, within hard ceilings.
#include "support/loop.h"

static const weir_site here =
    WEIR_SITE_INIT_MODE("work done here", WEIR_SITE_INLINE);
static const weir_site adaptive =
    WEIR_SITE_INIT_MODE("work done where it fits", WEIR_SITE_ADAPTIVE);

static errand errand_with(const weir_site *site, int result) {
    errand e = errand_of(result);
    e.call.site = site;
    return e;
}

static uint64_t inlined(weir_loop *loop) {
    return loop_counts_of(loop).inlined;
}

// ---- INLINE ----------------------------------------------------------------

static void inside_submit(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand e[5];
    for (int i = 0; i < 5; i++) {
        e[i] = errand_with(&here, i - 2);
        call_on(loop, pool, &e[i]);
        CHECK_EQ(e[i].ran, 1);
        CHECK(e[i].self == NULL);
        CHECK_EQ(e[i].ended, 0); // never inside submit
        CHECK_EQ(weir_call_cancel(&e[i].call), -EALREADY);
    }
    CHECK(fd_readable(loop));
    CHECK_EQ(drain(loop), 5);
    for (int i = 0; i < 5; i++)
        check_call_ran(&e[i], i - 2);
    fd_settle(loop);
    CHECK_EQ(inlined(loop), 5);
    weir_site_stats s = {.size = sizeof(s)};
    CHECK_EQ(weir_loop_site(loop, 0, &s), 0);
    CHECK_EQ(s.inlined, 5);
    CHECK_EQ(s.done, 3);
    CHECK_EQ(s.failed, 2);
    CHECK_EQ(s.run.count, 5);
    CHECK_EQ(s.queue.count, 0); // of offloaded calls alone
    release_all(pool, &h);
    loop_close(loop);
}

static void an_inline_site_runs_inside_submit_and_ends_in_a_drain(void) {
    on_each_pool(inside_submit);
}

static void try_inline(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.calls_max = 2;
    weir_loop *loop = loop_open_with(&options);
    errand e[3];
    for (int i = 0; i < 3; i++)
        e[i] = errand_with(&here, 0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[0].call), 0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[1].call), 0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[2].call), -EAGAIN);
    CHECK_EQ(e[2].ran, 0);
    CHECK_EQ(drain(loop), 2);
    CHECK_EQ(inlined(loop), 2);
    loop_close(loop);
}

static void the_bound_holds_for_inline_calls_too(void) {
    on_each_pool(try_inline);
}

static void late_inline(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e = errand_with(&here, 0);
    e.call.deadline_ns = 1;
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_not_run(&e, -ETIMEDOUT);
    loop_close(loop);
}

static void a_call_that_is_late_does_not_run_inline(void) {
    for_each_width(late_inline);
}

static int told_run(weir_worker *self, weir_call *call) {
    CHECK(self == NULL);
    CHECK_EQ(weir_call_cancelled(call), 0);
    until(call->deadline_ns);
    CHECK_EQ(weir_call_cancelled(call), -ETIMEDOUT);
    CHECK_EQ(weir_call_cancel(call), -EBUSY);
    ((errand *)call)->ran++;
    return weir_call_cancelled(call) != 0 ? 6 : 0;
}

static void an_inline_run_is_told(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e;
    do {
        e = errand_with(&here, 0);
        e.call.run = told_run;
        e.call.deadline_ns = in_ms(20);
        call_on(loop, pool, &e);
        drain(loop);
    } while (e.ran == 0);
    check_call_ran(&e, 6);
    loop_close(loop);
    pool_close(pool);
}

// An inline run that submits inline runs.
typedef struct doll {
    errand errand; // first
    weir_loop *loop;
    weir_pool *pool;
    struct doll *inner;
} doll;

static int doll_run(weir_worker *self, weir_call *call) {
    doll *d = (doll *)call;
    if (d->inner != NULL) {
        call_on(d->loop, d->pool, &d->inner->errand);
        CHECK_EQ(d->inner->errand.ran, 1);
        CHECK_EQ(d->inner->errand.ended, 0);
    }
    return errand_run(self, call);
}

static void dolls(weir_pool *pool) {
    weir_loop *loop = loop_open();
    doll d[5];
    for (int i = 0; i < 5; i++) {
        d[i] = (doll){.errand = errand_with(&here, i),
                      .loop = loop,
                      .pool = pool,
                      .inner = i < 4 ? &d[i + 1] : NULL};
        d[i].errand.call.run = doll_run;
    }
    call_on(loop, pool, &d[0].errand);
    CHECK_EQ(drain(loop), 5);
    for (int i = 0; i < 5; i++) {
        check_call_ran(&d[i].errand, i);
        CHECK(i == 4 || d[i].errand.end_order > d[i + 1].errand.end_order);
    }
    loop_close(loop);
}

static void inline_runs_nest(void) { on_each_pool(dolls); }

static void stopped_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    errand e = errand_with(&here, 0);
    CHECK_EQ(weir_call_submit(loop, pool, &e.call), -ESHUTDOWN);
    CHECK_EQ(e.ran, 0);
    loop_close(loop);
}

// The pool's state decides, not where the call would have run.
static void a_stopped_pool_refuses_inline_calls(void) {
    on_each_pool(stopped_pool);
}

// ---- what never runs inline ------------------------------------------------

static void never_inline(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.sites_max = 1;
    weir_loop *loop = loop_open_with(&options);
    weir_lane *lane = lane_of(1);
    errand batch[3], in_lane = errand_with(&here, 0);
    weir_call *calls[3];
    for (int i = 0; i < 3; i++) {
        batch[i] = errand_with(&here, 0);
        calls[i] = &batch[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 3), 0);
    call_in(loop, lane, &in_lane);
    far_call s = {.loop = loop, .pool = pool, .e = errand_with(&here, 0)};
    thread_join(thread_start(far_call_main, &s));
    static const weir_site beyond =
        WEIR_SITE_INIT_MODE("one too many", WEIR_SITE_INLINE);
    errand unmeasured = errand_with(&beyond, 0);
    call_on(loop, pool, &unmeasured);
    settle(loop, NULL);
    for (int i = 0; i < 3; i++)
        CHECK(batch[i].self != NULL);
    CHECK(s.e.self != NULL);
    CHECK(unmeasured.self != NULL);
    check_call_ran(&in_lane, 0);
    CHECK_EQ(inlined(loop), 0);
    loop_close(loop);
    lane_close(lane);
}

static void batches_lanes_other_threads_and_unmeasured_sites_never_do(void) {
    for_each_width(never_inline);
}

// ---- ADAPTIVE --------------------------------------------------------------

static int64_t busy_ns;

static int busy_run(weir_worker *self, weir_call *call) {
    int64_t end = weir_now_ns() + busy_ns;
    while (weir_now_ns() < end)
        continue;
    return errand_run(self, call);
}

// One call, delivered. Says whether it ran inline.
static int one(weir_loop *loop, weir_pool *pool, int64_t ns) {
    busy_ns = ns;
    errand e = errand_with(&adaptive, 0);
    e.call.run = busy_run;
    uint64_t before = inlined(loop);
    call_on(loop, pool, &e);
    CHECK_EQ(e.ended, 0);
    settle(loop, pool);
    int is_inline = inlined(loop) > before;
    check_call_ran(&e, 0);
    CHECK_EQ(is_inline, e.self == NULL);
    return is_inline;
}

// Short calls until one is inline. A loaded machine may make some of them long;
// a site that never goes inline ends the test by its time limit.
static int until_inline(weir_loop *loop, weir_pool *pool) {
    int calls = 1;
    while (!one(loop, pool, 0))
        calls++;
    return calls;
}

static void after_16(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK(until_inline(loop, pool) > 16); // not before 16 are measured
    loop_close(loop);
}

static void it_goes_inline_after_16_short_runs(void) {
    for_each_width(after_16);
    // On a quiet machine it is the 17th.
    weir_pool *pool = pool_of(1);
    int calls;
    do {
        weir_loop *loop = loop_open();
        calls = until_inline(loop, pool);
        loop_close(loop);
    } while (calls != 17);
    pool_close(pool);
}

static void long_runs(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int i = 0; i < 60; i++)
        CHECK(!one(loop, pool, 300000));
    loop_close(loop);
}

static void long_runs_never_go_inline(void) { for_each_width(long_runs); }

static void medium_runs(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int i = 0; i < 100; i++) // 150 us: below 250, but on average above 100
        CHECK(!one(loop, pool, 150000));
    loop_close(loop);
}

static void runs_of_more_than_100_us_on_average_never_go_inline(void) {
    for_each_width(medium_runs);
}

static void a_long_one_bars(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int i = 0; i < 40; i++)
        one(loop, pool, 0);
    one(loop, pool, 400000);     // inline or not
    for (int i = 0; i < 31; i++) // none of the last 32 may be so long
        CHECK(!one(loop, pool, 0));
    loop_close(loop);
}

static void one_long_run_among_the_last_32_bars_it(void) {
    for_each_width(a_long_one_bars);
}

static void a_long_inline_run(weir_pool *pool) {
    weir_loop *loop = loop_open();
    until_inline(loop, pool);
    for (int barred = 64; barred <= 256; barred *= 2) {
        while (!one(loop, pool, 300000)) // it happens once
            until_inline(loop, pool);
        for (int i = 0; i < barred; i++)
            CHECK(!one(loop, pool, 0));
        until_inline(loop, pool); // but not for ever
    }
    loop_close(loop);
}

static void a_long_inline_run_sends_the_next_64_to_the_pool_then_128(void) {
    weir_pool *pool = pool_of(1);
    a_long_inline_run(pool);
    pool_close(pool);
}

// Without a drain only so much runs inline: the loop has other business.
static int64_t spent_ns, spent_before_last_ns;

static int spending_run(weir_worker *self, weir_call *call) {
    int64_t begin = weir_now_ns();
    while (weir_now_ns() < begin + 60000)
        continue;
    if (self == NULL) {
        spent_before_last_ns = spent_ns;
        spent_ns += weir_now_ns() - begin;
    }
    return errand_run(self, call);
}

static int fill_between_drains(weir_loop *loop, weir_pool *pool) {
    errand e[20];
    spent_ns = spent_before_last_ns = 0;
    uint64_t before = inlined(loop);
    for (int i = 0; i < 20; i++) {
        e[i] = errand_with(&adaptive, 0);
        e[i].call.run = spending_run;
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    int count = (int)(inlined(loop) - before);
    CHECK(spent_before_last_ns < 250000); // it began within the limit
    CHECK(count <= 5);
    for (int i = 0; i < 20; i++)
        check_call_ran(&e[i], 0);
    return count;
}

static void only_250_us_run_inline_between_two_drains(void) {
    weir_pool *pool = pool_of(1);
    int most = 0; // a loaded machine may bar it at once
    for (int tries = 0; tries < 50 || most < 2; tries++) {
        weir_loop *loop = loop_open();
        until_inline(loop, pool);
        int count = fill_between_drains(loop, pool);
        most = count > most ? count : most;
        loop_close(loop);
    }
    pool_close(pool);
}

static void elsewhere(weir_pool *pool) {
    weir_loop *loop = loop_open();
    until_inline(loop, pool);
    weir_lane *lane = lane_of(1);
    errand in_lane = errand_with(&adaptive, 0), e = errand_with(&adaptive, 0);
    weir_call *batch[] = {&e.call};
    uint64_t before = inlined(loop);
    call_in(loop, lane, &in_lane);
    CHECK_EQ(weir_call_submit_batch(loop, pool, batch, 1), 0);
    far_call s = {.loop = loop, .pool = pool, .e = errand_with(&adaptive, 0)};
    thread_join(thread_start(far_call_main, &s));
    settle(loop, NULL);
    CHECK_EQ(inlined(loop), before);
    CHECK(e.self != NULL);
    CHECK(s.e.self != NULL);
    loop_close(loop);
    lane_close(lane);
}

static void only_single_calls_from_the_loops_thread_adapt(void) {
    for_each_width(elsewhere);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"an_inline_site_runs_inside_submit_and_ends_in_a_drain",
         an_inline_site_runs_inside_submit_and_ends_in_a_drain},
        {"the_bound_holds_for_inline_calls_too",
         the_bound_holds_for_inline_calls_too},
        {"a_call_that_is_late_does_not_run_inline",
         a_call_that_is_late_does_not_run_inline},
        {"an_inline_run_is_told", an_inline_run_is_told},
        {"inline_runs_nest", inline_runs_nest},
        {"a_stopped_pool_refuses_inline_calls",
         a_stopped_pool_refuses_inline_calls},
        {"batches_lanes_other_threads_and_unmeasured_sites_never_do",
         batches_lanes_other_threads_and_unmeasured_sites_never_do},
        {"it_goes_inline_after_16_short_runs",
         it_goes_inline_after_16_short_runs},
        {"long_runs_never_go_inline", long_runs_never_go_inline},
        {"runs_of_more_than_100_us_on_average_never_go_inline",
         runs_of_more_than_100_us_on_average_never_go_inline},
        {"one_long_run_among_the_last_32_bars_it",
         one_long_run_among_the_last_32_bars_it},
        {"a_long_inline_run_sends_the_next_64_to_the_pool_then_128",
         a_long_inline_run_sends_the_next_64_to_the_pool_then_128},
        {"only_250_us_run_inline_between_two_drains",
         only_250_us_run_inline_between_two_drains},
        {"only_single_calls_from_the_loops_thread_adapt",
         only_single_calls_from_the_loops_thread_adapt},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
