// SPDX-License-Identifier: MIT
// Sites: queue, run and delivery apart; counts of every outcome; advice.
#include "support/loop.h"

static const weir_site plain = WEIR_SITE_INIT("plain work");
static const weir_site here =
    WEIR_SITE_INIT_MODE("work done here", WEIR_SITE_INLINE);

static weir_site_stats stats_of(weir_loop *loop, unsigned index) {
    weir_site_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_loop_site(loop, index, &stats), 0);
    return stats;
}

static errand errand_with(const weir_site *site, int result) {
    errand e = errand_of(result);
    e.call.site = site;
    return e;
}

static void check_histogram(const weir_histogram *h) {
    uint64_t sum = 0;
    for (int i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++)
        sum += h->bucket[i];
    CHECK_EQ(sum, h->count);
    CHECK(h->max_ns <= h->sum_ns);
    CHECK(weir_histogram_quantile(h, 1) <= h->max_ns);
}

// ---- three times, apart ----------------------------------------------------

// A call that notes the time, between which its site's figures must lie.
typedef struct timed {
    errand errand; // first
    int64_t run_begin, run_end, done_at;
} timed;

static int timed_run(weir_worker *self, weir_call *call) {
    timed *t = (timed *)call;
    t->run_begin = weir_now_ns();
    int result = errand_run(self, call);
    t->run_end = weir_now_ns();
    return result;
}

static void timed_done(weir_call *call, int status) {
    ((timed *)call)->done_at = weir_now_ns();
    errand_done(call, status);
}

static timed timed_with(const weir_site *site) {
    timed t = {.errand = errand_with(site, 0)};
    t.errand.call.run = timed_run;
    t.errand.call.done = timed_done;
    return t;
}

static void check_between(uint64_t value, int64_t low, int64_t high) {
    if ((int64_t)value < low || (int64_t)value > high)
        CHECK_FAIL("%llu ns are not between %lld and %lld",
                   (unsigned long long)value, (long long)low, (long long)high);
}

// The worker is held for a while, the call for a while, the drain for a while:
// each is seen where it belongs, and nowhere else.
static void apart(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    gate g;
    gate_init(&g);
    timed t = timed_with(&plain);
    t.errand.gate = &g;
    int64_t submit_begin = weir_now_ns();
    call_on(loop, pool, &t.errand);
    int64_t submit_end = weir_now_ns();
    until(submit_end + 3000000);
    int64_t released = weir_now_ns();
    for (unsigned i = 0; i < h.count; i++)
        release(&h.each[i]);
    gate_await(&g, 1);
    until(in_ms(5));
    gate_open(&g);
    ended_await(loop, pool, 1);
    int64_t seen_ended = weir_now_ns();
    until(in_ms(7));
    int64_t drain_begin = weir_now_ns();
    CHECK_EQ(drain(loop), 1);
    weir_site_stats s = stats_of(loop, 0);
    CHECK_EQ(s.queue.count, 1);
    CHECK_EQ(s.run.count, 1);
    CHECK_EQ(s.delivery.count, 1);
    check_between(s.queue.sum_ns, released - submit_end,
                  t.run_begin - submit_begin);
    check_between(s.run.sum_ns, t.run_end - t.run_begin, seen_ended - released);
    check_between(s.delivery.sum_ns, drain_begin - seen_ended,
                  t.done_at - t.run_end);
    check_between(s.queue.sum_ns + s.run.sum_ns + s.delivery.sum_ns,
                  drain_begin - submit_end, t.done_at - submit_begin);
    CHECK_EQ(s.run.max_ns, s.run.sum_ns);
    check_histogram(&s.queue);
    check_histogram(&s.run);
    check_histogram(&s.delivery);
    release_all(pool, &h);
    loop_close(loop);
    gate_fini(&g);
}

static void queue_run_and_delivery_are_measured_apart(void) {
    for_each_width(apart);
}

static void each_is_counted(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static timed t[100];
    uint64_t run_ns = 0;
    for (int i = 0; i < 100; i++) {
        t[i] = timed_with(&plain);
        call_on(loop, pool, &t[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 100; i++)
        run_ns += (uint64_t)(t[i].run_end - t[i].run_begin);
    weir_site_stats s = stats_of(loop, 0);
    CHECK(s.site == &plain);
    CHECK_EQ(s.done, 100);
    CHECK_EQ(s.active, 0);
    CHECK(s.active_max >= 1 && s.active_max <= 100);
    CHECK_EQ(s.queue.count, 100);
    CHECK_EQ(s.run.count, 100);
    CHECK_EQ(s.delivery.count, 100);
    CHECK(s.run.sum_ns >= run_ns);
    CHECK_EQ(s.inlined, 0);
    check_histogram(&s.queue);
    check_histogram(&s.run);
    check_histogram(&s.delivery);
    loop_close(loop);
}

static void every_run_is_counted_once(void) { on_each_pool(each_is_counted); }

// A stage on the pool and one on the lane: one run, whose parts add up.
typedef struct staged {
    timed timed; // first
    weir_lane *lane;
    int64_t second_begin, second_end;
} staged;

static int second_run(weir_worker *self, weir_call *call) {
    (void)self;
    staged *s = (staged *)call;
    s->second_begin = weir_now_ns();
    until(weir_now_ns() + 1000000);
    s->second_end = weir_now_ns();
    return 0;
}

static int staged_run(weir_worker *self, weir_call *call) {
    weir_call_continue(call, NULL, ((staged *)call)->lane, second_run);
    return timed_run(self, call);
}

static void stages_add_up(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    gate g;
    gate_init(&g);
    errand before = errand_at(&g); // so the second stage waits
    call_in(loop, lane, &before);
    gate_await(&g, 1);
    staged s = {.timed = timed_with(&plain), .lane = lane};
    s.timed.errand.call.run = staged_run;
    int64_t begin = weir_now_ns();
    call_on(loop, pool, &s.timed.errand);
    while (lane_counts_of(lane).queued == 0)
        sched_yield();
    int64_t queued = weir_now_ns();
    until(queued + 1000000);
    int64_t released = weir_now_ns();
    gate_open(&g);
    settle(loop, NULL);
    weir_site_stats stats = stats_of(loop, 0);
    CHECK_EQ(stats.run.count, 1);
    CHECK_EQ(stats.queue.count, 1);
    CHECK_EQ(stats.delivery.count, 1);
    CHECK_EQ(stats.done, 1);
    int64_t first = s.timed.run_end - s.timed.run_begin;
    int64_t second = s.second_end - s.second_begin;
    CHECK(stats.run.sum_ns >= (uint64_t)(first + second));
    CHECK(stats.queue.sum_ns >= (uint64_t)(released - queued));
    CHECK(stats.queue.sum_ns + stats.run.sum_ns + stats.delivery.sum_ns <=
          (uint64_t)(weir_now_ns() - begin));
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void the_parts_of_a_call_add_up(void) { for_each_width(stages_add_up); }

static void slow_ones_are_counted(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    gate g;
    gate_init(&g);
    errand e = errand_with(&plain, 0);
    e.gate = &g;
    call_on(loop, pool, &e);
    gate_await(&g, 1);
    until(in_ms(101));
    gate_open(&g);
    settle(loop, pool);
    CHECK_EQ(stats_of(loop, 0).slow, 1);
    loop_close(loop);
    pool_close(pool);
    gate_fini(&g);
}

static void lanes_and_expected_calls_have_sites_too(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    errand e = errand_with(&plain, 0), expected = errand_with(&plain, -EIO);
    call_in(loop, lane, &e);
    CHECK_EQ(weir_call_expect(loop, &expected.call), 0);
    CHECK_EQ(stats_of(loop, 0).active, 2);
    CHECK_EQ(stats_of(loop, 0).active_max, 2);
    weir_call_complete(&expected.call, -EIO);
    settle(loop, NULL);
    weir_site_stats s = stats_of(loop, 0);
    CHECK_EQ(s.done, 1);
    CHECK_EQ(s.failed, 1);
    CHECK_EQ(s.active, 0);
    CHECK(s.run.count >= 1);
    loop_close(loop);
    lane_close(lane);
}

// ---- outcomes --------------------------------------------------------------

static void all_outcomes(weir_pool *pool) {
    weir_loop *loop = loop_open();
    held_all h;
    hold_all(pool, &h);
    errand done = errand_with(&plain, 0), failed = errand_with(&plain, -EIO),
           cancelled = errand_with(&plain, 0), late = errand_with(&plain, 0),
           other = errand_with(&here, 0);
    late.call.deadline_ns = 1;
    call_on(loop, pool, &done);
    call_on(loop, pool, &failed);
    call_on(loop, pool, &cancelled);
    call_on(loop, pool, &late);
    call_on(loop, pool, &other);
    weir_site_stats s = stats_of(loop, 0);
    CHECK_EQ(s.active, 4);
    CHECK_EQ(s.done + s.failed + s.cancelled + s.timed_out, 0);
    CHECK_EQ(weir_call_cancel(&cancelled.call), 0);
    release_all(pool, &h);
    settle(loop, pool);
    s = stats_of(loop, 0);
    CHECK_EQ(s.done, 1);
    CHECK_EQ(s.failed, 1);
    CHECK_EQ(s.cancelled, 1);
    CHECK_EQ(s.timed_out, 1);
    CHECK_EQ(s.active, 0);
    CHECK_EQ(s.active_max, 4);
    CHECK_EQ(s.run.count, 2); // what never ran is only counted
    CHECK_EQ(s.queue.count, 2);
    CHECK_EQ(s.delivery.count, 2);
    CHECK_EQ(stats_of(loop, 1).done, 1);
    CHECK_EQ(stats_of(loop, 1).active, 0);
    loop_close(loop);
}

static void active_comes_back_to_zero_after_every_outcome(void) {
    for_each_width(all_outcomes);
}

static void refused_calls_leave_no_trace(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    errand e = errand_with(&plain, 0);
    weir_call *batch[] = {&e.call};
    CHECK_EQ(weir_call_submit(loop, pool, &e.call), -ESHUTDOWN);
    CHECK_EQ(weir_call_submit_batch(loop, pool, batch, 1), -ESHUTDOWN);
    weir_site_stats s = {.size = sizeof(s)};
    int error = weir_loop_site(loop, 0, &s);
    CHECK(error == -ENOENT || (error == 0 && s.active == 0));
    if (error == 0)
        CHECK_EQ(s.done + s.failed + s.cancelled + s.timed_out, 0);
    loop_close(loop);
}

static void a_refused_call_is_not_counted(void) {
    on_each_pool(refused_calls_leave_no_trace);
}

// ---- which sites -----------------------------------------------------------

static void sites_are_numbered(weir_pool *pool) {
    static const weir_site sites[] = {
        WEIR_SITE_INIT("first"), WEIR_SITE_INIT("second"),
        WEIR_SITE_INIT("third"), WEIR_SITE_INIT("fourth")};
    weir_loop_options options = loop_options();
    options.sites_max = 2;
    weir_loop *loop = loop_open_with(&options);
    weir_site_stats s = {.size = sizeof(s)};
    CHECK_EQ(weir_loop_site(loop, 0, &s), -ENOENT);
    errand e[13];
    for (int i = 0; i < 13; i++) {
        e[i] = errand_with(i < 12 ? &sites[i % 4] : NULL, 0);
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    for (unsigned i = 0; i < 2; i++) {
        s = stats_of(loop, i);
        CHECK(s.site == &sites[i]); // in the order they were first seen
        CHECK_EQ(s.done, 3);
        CHECK_EQ(s.run.count, 3);
    }
    CHECK_EQ(weir_loop_site(loop, 2, &s), -ENOENT);
    CHECK_EQ(weir_loop_site(loop, UINT_MAX, &s), -ENOENT);
    CHECK_EQ(loop_counts_of(loop).unmeasured, 6); // without a site: not asked
    for (int i = 0; i < 13; i++)
        check_call_ran(&e[i], 0);
    loop_close(loop);
}

static void sites_beyond_sites_max_are_only_counted(void) {
    on_each_pool(sites_are_numbered);
}

static void each_loop_measures_on_its_own(void) {
    weir_loop *loops[2] = {loop_open(), loop_open()};
    weir_pool *pool = pool_of(1);
    errand e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = errand_with(&plain, 0);
        call_on(loops[i % 2], pool, &e[i]);
    }
    settle(loops[0], pool);
    settle(loops[1], pool);
    CHECK_EQ(stats_of(loops[0], 0).done, 2);
    CHECK_EQ(stats_of(loops[1], 0).done, 1);
    loop_close(loops[0]);
    loop_close(loops[1]);
    pool_close(pool);
}

static void stats_have_a_size(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_with(&plain, 0);
    call_on(loop, pool, &e);
    settle(loop, pool);
    weir_site_stats s = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_loop_site(loop, 0, &s), -EINVAL);
    memset(&s, 0x5a, sizeof(s));
    s.size = offsetof(weir_site_stats, failed); // an older caller
    CHECK_EQ(weir_loop_site(loop, 0, &s), 0);
    CHECK_EQ(s.done, 1);
    CHECK_EQ(s.failed, 0x5a5a5a5a5a5a5a5a);
    loop_close(loop);
    pool_close(pool);
}

// ---- advice ----------------------------------------------------------------

static int64_t busy_ns;

static int busy_run(weir_worker *self, weir_call *call) {
    int64_t end = weir_now_ns() + busy_ns;
    while (weir_now_ns() < end)
        continue;
    return errand_run(self, call);
}

// What the site's advice is after `runs` runs of `ns` each. A loaded machine
// may make a short run long: the test is repeated then.
static weir_advice advice_after(weir_pool *pool, const weir_site *site,
                                int runs, int64_t ns) {
    weir_loop *loop = loop_open();
    busy_ns = ns;
    for (int i = 0; i < runs; i++) {
        errand e = errand_with(site, 0);
        e.call.run = busy_run;
        call_on(loop, pool, &e);
        settle(loop, pool);
        check_call_ran(&e, 0);
    }
    weir_advice advice = stats_of(loop, 0).advice;
    loop_close(loop);
    return advice;
}

static void await_advice(const weir_site *site, int64_t ns,
                         weir_advice expected) {
    weir_pool *pool = pool_of(1);
    while (advice_after(pool, site, 64, ns) != expected)
        continue; // never right: the test ends by its time limit
    pool_close(pool);
}

static void too_few_runs_give_no_advice(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(advice_after(pool, &plain, 1, 0), WEIR_ADVICE_WAIT);
    CHECK_EQ(advice_after(pool, &plain, 31, 0), WEIR_ADVICE_WAIT);
    CHECK_EQ(advice_after(pool, &here, 31, 2000000), WEIR_ADVICE_WAIT);
    CHECK(advice_after(pool, &plain, 32, 0) != WEIR_ADVICE_WAIT);
    pool_close(pool);
}

static void short_runs_should_be_inline(void) {
    await_advice(&plain, 0, WEIR_ADVICE_INLINE);
}

static void longer_runs_are_rightly_offloaded(void) {
    await_advice(&plain, 200000, WEIR_ADVICE_KEEP);
    weir_pool *pool = pool_of(1); // whatever the machine does
    CHECK_EQ(advice_after(pool, &plain, 40, 200000), WEIR_ADVICE_KEEP);
    pool_close(pool);
}

static void long_runs_should_not_be_inline(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(advice_after(pool, &here, 40, 1500000), WEIR_ADVICE_OFFLOAD);
    pool_close(pool);
}

static void short_runs_are_rightly_inline(void) {
    await_advice(&here, 0, WEIR_ADVICE_KEEP);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"queue_run_and_delivery_are_measured_apart",
         queue_run_and_delivery_are_measured_apart},
        {"every_run_is_counted_once", every_run_is_counted_once},
        {"the_parts_of_a_call_add_up", the_parts_of_a_call_add_up},
        {"slow_ones_are_counted", slow_ones_are_counted},
        {"lanes_and_expected_calls_have_sites_too",
         lanes_and_expected_calls_have_sites_too},
        {"active_comes_back_to_zero_after_every_outcome",
         active_comes_back_to_zero_after_every_outcome},
        {"a_refused_call_is_not_counted", a_refused_call_is_not_counted},
        {"sites_beyond_sites_max_are_only_counted",
         sites_beyond_sites_max_are_only_counted},
        {"each_loop_measures_on_its_own", each_loop_measures_on_its_own},
        {"stats_have_a_size", stats_have_a_size},
        {"too_few_runs_give_no_advice", too_few_runs_give_no_advice},
        {"short_runs_should_be_inline", short_runs_should_be_inline},
        {"longer_runs_are_rightly_offloaded",
         longer_runs_are_rightly_offloaded},
        {"long_runs_should_not_be_inline", long_runs_should_not_be_inline},
        {"short_runs_are_rightly_inline", short_runs_are_rightly_inline},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
