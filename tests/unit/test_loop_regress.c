// SPDX-License-Identifier: MIT
// Promises of the loop that were broken once: when hooks are called, whose
// clock counts, forked children, what is counted where, and one CPU.
#include "loop/types.h"
#include "support/loop.h"

static const weir_site here =
    WEIR_SITE_INIT_MODE("begins here", WEIR_SITE_INLINE);
static const weir_site adaptive =
    WEIR_SITE_INIT_MODE("begins where it fits", WEIR_SITE_ADAPTIVE);

static weir_site_stats stats_of(weir_loop *loop) {
    weir_site_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_loop_site(loop, 0, &stats), 0);
    return stats;
}

// ---- hooks of the pool -----------------------------------------------------

// What a pool's release hook sees of the loop: nothing has ended yet.
static weir_loop *watched;
static tally captures, releases, too_late;

static void *empty_capture(void *context) {
    (void)context;
    tally_add(&captures);
    return NULL; // a fine thing to carry
}

static void early_release(void *context, void *captured) {
    (void)context;
    CHECK(captured == NULL);
    tally_add(&releases);
    weir_loop_counts c = loop_counts_of(watched);
    if (c.ended > 0 || c.accepted > c.pending)
        tally_add(&too_late);
}

static weir_pool *pool_hooked(int threads) {
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .capture = empty_capture,
                             .release = early_release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.hooks = &hooks; // copied
    tally_init(&captures);
    tally_init(&releases);
    tally_init(&too_late);
    return pool_open(&options);
}

static void check_hooks(uint64_t count) {
    CHECK_EQ(tally_get(&captures), count);
    CHECK_EQ(tally_get(&releases), count);
    CHECK_EQ(tally_get(&too_late), 0);
}

// Nothing runs there: a deterministic pool that is not driven.
static void a_pools_release_hook_is_called_before_a_cancelled_call_ends(void) {
    watched = loop_open();
    weir_pool *pool = pool_hooked(0);
    errand e = errand_of(0);
    call_on(watched, pool, &e);
    CHECK_EQ(weir_call_cancel(&e.call), 0);
    check_hooks(1);
    CHECK_EQ(drain(watched), 1);
    check_call_not_run(&e, -ECANCELED);
    weir_pool_destroy(pool);
    check_hooks(1);
    loop_close(watched);
}

typedef struct leaver {
    errand errand; // first
    weir_pool *pool;
} leaver;

static int leaver_run(weir_worker *self, weir_call *call) {
    (void)self;
    weir_call_continue(call, ((leaver *)call)->pool, NULL, errand_run);
    return 0;
}

static void a_pools_release_hook_is_called_before_a_refused_stage_ends(void) {
    watched = loop_open();
    weir_pool *first = pool_of(1);
    leaver l = {.errand = errand_of(0), .pool = pool_hooked(1)};
    l.errand.call.run = leaver_run;
    CHECK_EQ(weir_pool_stop(l.pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    call_on(watched, first, &l.errand);
    settle(watched, NULL);
    weir_pool_destroy(l.pool);
    check_hooks(1);
    check_call_not_run(&l.errand, -ESHUTDOWN);
    pool_close(first);
    loop_close(watched);
}

// ---- whose clock -----------------------------------------------------------

// How a call with a deadline ends on a deterministic pool, on a machine that is
// slow or is not.
static int fate_of(uint64_t seed, int slow) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_seeded(seed, 2);
    errand e[4];
    int fate = 0;
    int64_t deadline_ns = in_ms(2);
    for (int i = 0; i < 4; i++) {
        e[i] = errand_of(0);
        e[i].call.deadline_ns = deadline_ns;
        call_on(loop, pool, &e[i]);
    }
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    if (slow)
        until(deadline_ns);
    CHECK_EQ(drain(loop), 0);
    settle(loop, pool);
    for (int i = 0; i < 4; i++)
        fate = fate * 2 + (e[i].status == 0);
    loop_close(loop);
    pool_close(pool);
    return fate;
}

static void a_deadline_on_a_deterministic_pool_is_not_the_machines(void) {
    for (uint64_t seed = 0; seed < 20; seed++)
        CHECK_EQ(fate_of(seed, 1), fate_of(seed, 0));
}

// ---- forked children -------------------------------------------------------

// Forks while the lock is held, as it may be when other threads use the loop.
static void a_child_forked_while_a_thread_is_inside_does_not_hang(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(0);
    errand e = errand_of(0);
    CHECK_EQ(weir_call_expect(loop, &e.call), 0);
    fflush(NULL);
    wr_mutex_lock(&loop->lock);
    wr_mutex_lock(&loop->post_lock);
    pid_t child = fork();
    if (child == 0) {
        alarm(20); // how it ends if it hangs
        weir_loop_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(weir_loop_pending(loop), 0);
        CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
        CHECK_EQ(weir_loop_count(loop, &counts), -ECHILD);
        CHECK_EQ(weir_loop_drain(loop), -ECHILD);
        CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), -ECHILD);
        CHECK_EQ(weir_call_cancel(&e.call), -ECHILD);
        weir_call_complete(&e.call, 0);
        weir_loop_destroy(loop);
        _exit(0);
    }
    wr_mutex_unlock(&loop->post_lock);
    wr_mutex_unlock(&loop->lock);
    CHECK(child > 0);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(weir_loop_pending(loop), 1);
    weir_call_complete(&e.call, 0);
    CHECK_EQ(drain(loop), 1);
    loop_close(loop);
    pool_close(pool);
}

// ---- counting --------------------------------------------------------------

static void closing_a_loop_shuts_nothing_down_in_its_pool(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    errand e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    closing c = closing_of(loop);
    close_begin(&c, WEIR_STOP_CANCEL);
    close_settle(&c, NULL);
    for (int i = 0; i < 3; i++)
        check_call_not_run(&e[i], -ESHUTDOWN);
    release(&h);
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, &report), 0);
    CHECK_EQ(report.not_run, 3);
    CHECK_EQ(report.shut_down, 0); // by the pool's stop
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
    loop_close(loop);
}

static void a_refused_call_moves_no_maximum(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e[2];
    weir_call *calls[2];
    for (int i = 0; i < 2; i++) {
        e[i] = errand_of(0);
        e[i].call.site = &adaptive;
        calls[i] = &e[i].call;
    }
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_call_submit(loop, pool, &e[0].call), -ESHUTDOWN);
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 2), -ESHUTDOWN);
    CHECK_EQ(loop_counts_of(loop).pending_max, 0);
    CHECK_EQ(stats_of(loop).active_max, 0);
    weir_pool_destroy(pool);
    loop_close(loop);
}

// ---- a call in two parts, the first inline ---------------------------------

typedef struct halves {
    errand errand; // first
    weir_lane *lane;
    int64_t second_ns; // how long the second takes
} halves;

static int second_half(weir_worker *self, weir_call *call) {
    until(weir_now_ns() + ((halves *)call)->second_ns);
    return errand_run(self, call);
}

static int first_half(weir_worker *self, weir_call *call) {
    (void)self;
    weir_call_continue(call, NULL, ((halves *)call)->lane, second_half);
    return 0;
}

static halves halves_with(const weir_site *site, weir_lane *lane) {
    halves h = {.errand = errand_of(0), .lane = lane};
    h.errand.call.site = site;
    h.errand.call.run = first_half;
    return h;
}

static void a_call_that_begins_inline_waits_for_its_lane(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    weir_lane *lane = lane_of(1);
    gate g;
    gate_init(&g);
    errand before = errand_at(&g);
    call_in(loop, lane, &before); // its only thread
    gate_await(&g, 1);
    halves h = halves_with(&here, lane);
    call_on(loop, pool, &h.errand);
    int64_t queued = weir_now_ns();
    until(in_ms(3));
    int64_t waited = weir_now_ns() - queued;
    gate_open(&g);
    settle(loop, pool);
    check_call_ran(&h.errand, 0);
    weir_site_stats s = stats_of(loop);
    CHECK_EQ(s.inlined, 1);
    CHECK_EQ(s.run.count, 1);
    CHECK_EQ(s.queue.count, 1);
    CHECK(s.queue.sum_ns >= (uint64_t)waited);
    loop_close(loop);
    lane_close(lane);
    pool_close(pool);
    gate_fini(&g);
}

// Submits and delivers. Says whether it began inline.
static int begins_inline(weir_loop *loop, weir_pool *pool, weir_call *call) {
    uint64_t before = loop_counts_of(loop).inlined;
    CHECK_EQ(weir_call_submit(loop, pool, call), 0);
    settle(loop, pool);
    return loop_counts_of(loop).inlined > before;
}

static int short_inline(weir_loop *loop, weir_pool *pool) {
    errand e = errand_of(0);
    e.call.site = &adaptive;
    return begins_inline(loop, pool, &e.call);
}

// Were the second part counted, the next call would never be inline. A loaded
// machine may make a first part long as well, so there are several tries.
static void what_follows_an_inline_part_does_not_bar_the_next(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    weir_lane *lane = lane_of(1);
    for (int tries = 0; tries < 8; tries++) {
        while (!short_inline(loop, pool))
            continue;
        halves h = halves_with(&adaptive, lane);
        h.second_ns = 2000000;
        if (!begins_inline(loop, pool, &h.errand.call))
            continue;
        if (!short_inline(loop, pool))
            continue;
        loop_close(loop);
        lane_close(lane);
        pool_close(pool);
        return;
    }
    CHECK_FAIL("a long second part barred the site each time");
}

// ---- one CPU ---------------------------------------------------------------

// Looking would keep the worker from ending the call that is looked for.
// From another thread: a loop looks seldom in any case for a call for which it
// woke a worker itself.
static void beside_one_cpu_nobody_looks_before_sleeping(void) {
    cpu_set_t set;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    weir_pool *pool = pool_of(1);
    weir_loop *loop = loop_open();
    for (int round = 0; round < 100; round++) {
        gate g;
        gate_init(&g);
        far_call s = {.loop = loop, .pool = pool, .e = errand_at(&g)};
        thread_join(thread_start(far_call_main, &s));
        gate_await(&g, 1);
        CHECK_EQ(weir_loop_drain_spin(loop), 0); // it is away: worth a look
        gate_open(&g);
        while (s.e.ended == 0) {
            CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
            CHECK(weir_loop_drain_spin(loop) >= 0);
        }
        gate_fini(&g);
    }
    CHECK_EQ(loop_counts_of(loop).spins, 0);
    pool_close(pool);
    loop_close(loop);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_pools_release_hook_is_called_before_a_cancelled_call_ends",
         a_pools_release_hook_is_called_before_a_cancelled_call_ends},
        {"a_pools_release_hook_is_called_before_a_refused_stage_ends",
         a_pools_release_hook_is_called_before_a_refused_stage_ends},
        {"a_deadline_on_a_deterministic_pool_is_not_the_machines",
         a_deadline_on_a_deterministic_pool_is_not_the_machines},
        {"a_child_forked_while_a_thread_is_inside_does_not_hang",
         a_child_forked_while_a_thread_is_inside_does_not_hang},
        {"closing_a_loop_shuts_nothing_down_in_its_pool",
         closing_a_loop_shuts_nothing_down_in_its_pool},
        {"a_refused_call_moves_no_maximum", a_refused_call_moves_no_maximum},
        {"a_call_that_begins_inline_waits_for_its_lane",
         a_call_that_begins_inline_waits_for_its_lane},
        {"what_follows_an_inline_part_does_not_bar_the_next",
         what_follows_an_inline_part_does_not_bar_the_next},
        {"beside_one_cpu_nobody_looks_before_sleeping",
         beside_one_cpu_nobody_looks_before_sleeping},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
