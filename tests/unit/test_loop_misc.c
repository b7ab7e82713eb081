// SPDX-License-Identifier: MIT
// Nesting, fork(2), options, memory, broken rules, and that idle costs nothing.
#include "support/loop.h"

#include <sys/resource.h>
#include <time.h>

// ---- nesting: all of it is defined -----------------------------------------

// A call that runs something on a pool from inside.
typedef struct nested {
    errand errand; // first
    weir_pool *pool;
    weir_worker *inner; // the worker that the inner function had
} nested;

static int inner_body(weir_worker *self, void *arg) {
    nested *n = arg;
    CHECK(self == weir_worker_self());
    CHECK(weir_worker_pool(self) == n->pool);
    n->inner = self;
    return 17;
}

static int nested_run(weir_worker *self, weir_call *call) {
    nested *n = (nested *)call;
    int status = 0;
    CHECK_EQ(weir_run(n->pool, inner_body, n, &status), 0);
    (void)errand_run(self, call);
    return status;
}

static nested nested_on(weir_pool *pool) {
    nested n = {.errand = errand_of(0), .pool = pool};
    n.errand.call.run = nested_run;
    return n;
}

static void run_on_own_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    nested n[8];
    for (int i = 0; i < 8; i++) {
        n[i] = nested_on(pool);
        call_on(loop, pool, &n[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 8; i++) {
        check_call_ran(&n[i].errand, 17);
        CHECK(n[i].inner == n[i].errand.self); // a direct call
    }
    loop_close(loop);
}

static void run_on_its_own_pool_is_a_direct_call(void) {
    on_each_pool(run_on_own_pool);
}

static void run_on_other_pool(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool *other = pool_of(1);
    nested n[8];
    for (int i = 0; i < 8; i++) {
        n[i] = nested_on(other);
        call_on(loop, pool, &n[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 8; i++) {
        check_call_ran(&n[i].errand, 17);
        CHECK(n[i].inner != n[i].errand.self);
    }
    loop_close(loop);
    pool_close(other);
}

static void run_on_another_pool_waits_for_it(void) {
    for_each_width(run_on_other_pool);
}

// There and back again: what comes back is run by who waits, so one worker on
// each side is enough.
typedef struct round_trip {
    nested nested; // first
    weir_pool *other;
} round_trip;

static int back_body(weir_worker *self, void *arg) {
    round_trip *r = arg;
    CHECK(weir_worker_pool(self) == r->other);
    int status = 0;
    CHECK_EQ(weir_run(r->nested.pool, inner_body, &r->nested, &status), 0);
    return status;
}

static int round_trip_run(weir_worker *self, weir_call *call) {
    round_trip *r = (round_trip *)call;
    int status = 0;
    CHECK_EQ(weir_run(r->other, back_body, r, &status), 0);
    (void)errand_run(self, call);
    return status;
}

static void there_and_back(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *other = pool_open(&options);
    round_trip r[8];
    for (int i = 0; i < 8; i++) {
        r[i] = (round_trip){.nested = nested_on(pool), .other = other};
        r[i].nested.errand.call.run = round_trip_run;
        call_on(loop, pool, &r[i].nested.errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 8; i++)
        check_call_ran(&r[i].nested.errand, 17);
    loop_close(loop);
    pool_close(other);
}

static void run_there_and_back_needs_no_spare_worker(void) {
    for_each_width(there_and_back);
}

// Two pools of one worker each that need each other at once, with nobody to
// stand in: waits could deadlock, continuations cannot.
typedef struct crossing {
    errand errand; // first
    weir_pool *pools[2];
} crossing;

static int crossing_run(weir_worker *self, weir_call *call) {
    crossing *c = (crossing *)call;
    int here_now = weir_worker_pool(self) == c->pools[1];
    if (++c->errand.ran < 20)
        weir_call_continue(call, c->pools[!here_now], NULL, crossing_run);
    return c->errand.ran < 20 ? 0 : 3;
}

static void crossings(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *other = pool_open(&options);
    crossing c[20];
    for (int i = 0; i < 20; i++) {
        c[i] = (crossing){.errand = errand_of(0), .pools = {pool, other}};
        c[i].errand.call.run = crossing_run;
        call_on(loop, c[i].pools[i % 2], &c[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(c[i].errand.ran, 20);
        CHECK_EQ(c[i].errand.status, 3);
    }
    loop_close(loop);
    pool_close(other);
}

static void pools_that_need_each_other_go_on_by_continuation(void) {
    for_each_width(crossings);
}

static int section_run(weir_worker *self, weir_call *call) {
    nested *n = (nested *)call;
    int status = 0;
    CHECK_EQ(weir_blocking_begin(self), 0);
    CHECK_EQ(weir_run(n->pool, inner_body, n, &status), 0);
    weir_blocking_end(self);
    (void)errand_run(self, call);
    return status;
}

static void run_in_section(weir_pool *pool) {
    weir_loop *loop = loop_open();
    weir_pool *other = pool_of(1);
    for (int i = 0; i < 20; i++) {
        nested n = nested_on(i % 2 == 0 ? pool : other);
        n.errand.call.run = section_run;
        call_on(loop, pool, &n.errand);
        settle(loop, pool);
        check_call_ran(&n.errand, 17);
        CHECK(n.inner != n.errand.self); // like a call from outside
    }
    loop_close(loop);
    pool_close(other);
}

static void run_from_a_blocking_section_is_one_from_outside(void) {
    for_each_width(run_in_section);
}

// A scope inside a call: a cancel of the call reaches it.
static tally children_started;

static int child_run(weir_worker *self, weir_job *job) {
    (void)job;
    tally_add(&children_started);
    for (;;) {
        int why = weir_cancelled(self);
        if (why != 0)
            return why;
        weir_yield(self);
    }
}

static int scope_run(weir_worker *self, weir_call *call) {
    weir_job children[3];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 3; i++) {
        children[i] = (weir_job)WEIR_JOB_INIT(child_run, NULL);
        weir_scope_spawn(self, &scope, &children[i]);
    }
    int status = weir_scope_wait(self, &scope);
    CHECK_EQ(weir_call_cancelled(call), status);
    CHECK_EQ(weir_cancelled(self), status);
    ((errand *)call)->ran++;
    return status;
}

static void cancel_scope(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&children_started);
    errand e = errand_of(0);
    e.call.run = scope_run;
    call_on(loop, pool, &e);
    started_await(pool, &children_started, 1);
    tell(&e);
    settle(loop, pool);
    check_call_ran(&e, -ECANCELED);
    loop_close(loop);
}

static void a_cancel_reaches_the_scopes_inside(void) {
    on_each_pool(cancel_scope);
}

static void late_scope(weir_pool *pool) {
    weir_loop *loop = loop_open();
    tally_init(&children_started);
    errand e;
    do { // it must have started in time
        e = errand_of(0);
        e.call.run = scope_run;
        e.call.deadline_ns = in_ms(50);
        call_on(loop, pool, &e);
        settle(loop, pool);
        CHECK_EQ(e.status, -ETIMEDOUT);
    } while (e.ran == 0);
    check_call_ran(&e, -ETIMEDOUT);
    loop_close(loop);
}

static void a_deadline_reaches_the_scopes_inside(void) {
    for_each_width(late_scope);
}

// ---- fork(2) ---------------------------------------------------------------

static void child_calls(weir_loop *loop, weir_pool *pool, weir_lane *lane,
                        errand *pending) {
    errand e = errand_of(0), before = e;
    weir_call *batch[] = {&e.call};
    weir_loop_counts counts = {.size = sizeof(counts)};
    weir_site_stats stats = {.size = sizeof(stats)};
    weir_lane_counts lane_counts = {.size = sizeof(lane_counts)};
    CHECK_EQ(weir_loop_own(loop), -ECHILD);
    CHECK_EQ(weir_loop_drain(loop), -ECHILD);
    CHECK_EQ(weir_loop_drain_spin(loop), -ECHILD);
    CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), -ECHILD);
    CHECK_EQ(weir_loop_close(loop, WEIR_STOP_ABORT, NULL, NULL), -ECHILD);
    CHECK_EQ(weir_call_submit(loop, pool, &e.call), -ECHILD);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e.call), -ECHILD);
    CHECK_EQ(weir_call_submit_batch(loop, pool, batch, 1), -ECHILD);
    CHECK_EQ(weir_call_submit_lane(loop, lane, &e.call), -ECHILD);
    CHECK_EQ(weir_call_expect(loop, &e.call), -ECHILD);
    CHECK_EQ(weir_call_cancel(&pending->call), -ECHILD);
    CHECK_EQ(weir_loop_count(loop, &counts), -ECHILD);
    CHECK_EQ(weir_loop_site(loop, 0, &stats), -ECHILD);
    CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_ABORT, WEIR_FOREVER), -ECHILD);
    CHECK_EQ(weir_lane_count(lane, &lane_counts), -ECHILD);
    weir_call_complete(&pending->call, 0); // does nothing
    check_call_untouched(&e, &before);
    CHECK_EQ(pending->ended, 0);
    weir_loop_destroy(loop); // free nothing
    weir_lane_destroy(lane);
    CHECK(weir_loop_fd(loop) >= 0);
}

// The child's own loop works.
static void child_loop(void) {
    weir_pool *pool = pool_seeded(1, 2);
    weir_loop *loop = loop_open();
    errand e = errand_of(4);
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_ran(&e, 4);
    loop_close(loop);
    pool_close(pool);
}

static void check_child(pid_t child) {
    CHECK(child > 0);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

static void a_forked_child_cannot_use_its_parents_loop(void) {
    for (int threads = 0; threads <= 3; threads++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(threads);
        weir_lane *lane = lane_of(1);
        errand pending = errand_of(0), in_lane = errand_of(0);
        CHECK_EQ(weir_call_expect(loop, &pending.call), 0);
        call_in(loop, lane, &in_lane);
        ended_await(loop, NULL, 1);
        pid_t child = fork();
        if (child == 0) {
            child_calls(loop, pool, lane, &pending);
            child_loop();
            _exit(0);
        }
        check_child(child);
        CHECK_EQ(drain(loop), 1); // the parent is as it was
        CHECK_EQ(pending.ended, 0);
        weir_call_complete(&pending.call, 3);
        CHECK_EQ(drain(loop), 1);
        CHECK_EQ(pending.status, 3);
        loop_close(loop);
        lane_close(lane);
        pool_close(pool);
    }
}

// ---- options ---------------------------------------------------------------

static void check_refused(const weir_loop_options *options, int error) {
    weir_loop *loop = NULL;
    CHECK_EQ(weir_loop_create(&loop, options), error);
    CHECK(loop == NULL);
}

static void options_out_of_range_are_refused(void) {
    weir_loop_options options = loop_options();
    options.size = sizeof(size_t) - 1;
    check_refused(&options, -EINVAL);
    options = loop_options();
    options.drain_ns = -1;
    check_refused(&options, -EINVAL);
    options = loop_options();
    options.spin_ns = -2;
    check_refused(&options, -EINVAL);
    struct {
        weir_loop_options known;
        size_t from_the_future;
    } newer = {.known = WEIR_LOOP_OPTIONS_INIT, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    check_refused(&newer.known, -E2BIG);
    newer.from_the_future = 0;
    loop_close(loop_open_with(&newer.known));
    options = loop_options();
    options.size = offsetof(weir_loop_options, drain_ns); // an older caller
    options.drain_ns = -1;
    loop_close(loop_open_with(&options));
    options = loop_options();
    options.name = "a name that is much longer than thirty-one bytes are";
    loop_close(loop_open_with(&options));
    weir_loop_destroy(NULL);
}

static void defaults(weir_pool *pool) {
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    for (int i = 0; i < 2; i++) {
        weir_loop *loop = loop_open_with(i == 0 ? NULL : &options);
        errand e[20];
        for (int j = 0; j < 20; j++) {
            e[j] = errand_of(j);
            call_on(loop, pool, &e[j]);
        }
        settle(loop, pool);
        for (int j = 0; j < 20; j++)
            check_call_ran(&e[j], j);
        loop_close(loop);
    }
}

static void options_may_be_left_out(void) { on_each_pool(defaults); }

static void counts_have_a_size(void) {
    weir_loop *loop = loop_open();
    weir_loop_counts counts = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_loop_count(loop, &counts), -EINVAL);
    memset(&counts, 0x5a, sizeof(counts));
    counts.size = offsetof(weir_loop_counts, done); // an older caller
    CHECK_EQ(weir_loop_count(loop, &counts), 0);
    CHECK_EQ(counts.accepted, 0);
    CHECK_EQ(counts.done, 0x5a5a5a5a5a5a5a5a);
    loop_close(loop);
}

static void a_failed_create_leaves_nothing(void) {
    need_faults();
    weir_loop_options options = loop_options();
    weir_loop_hooks hooks = {.size = sizeof(hooks)};
    options.hooks = &hooks;
    options.sites_max = 1000;
    static const wr_fault_kind kinds[] = {WR_FAULT_ALLOC, WR_FAULT_FD};
    static const int errors[] = {-ENOMEM, -EMFILE};
    for (int i = 0; i < 2; i++)
        for (uint64_t n = 0;; n++) {
            weir_loop *loop = NULL;
            int64_t taken = wr_fault_held();
            wr_fault_arm(kinds[i], n, 1);
            int error = weir_loop_create(&loop, &options);
            int reached = wr_fault_seen(kinds[i]) > n;
            wr_fault_arm(kinds[i], 0, 0);
            CHECK_EQ(error, reached ? errors[i] : 0);
            CHECK_EQ(loop != NULL, error == 0);
            CHECK(error == 0 || wr_fault_held() == taken);
            if (!reached) {
                CHECK(n > 0); // AddressSanitizer looks for what is lost
                loop_close(loop);
                break;
            }
        }
}

static void without_descriptors_create_says_so(void) {
    weir_pool *pool = pool_of(1);
    weir_loop *loops[64];
    struct rlimit old, few;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 24;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    int count = 0, error = 0;
    while (error == 0) {
        CHECK(count < 64);
        error = weir_loop_create(&loops[count], NULL);
        count += error == 0;
    }
    CHECK_EQ(error, -EMFILE);
    errand e = errand_of(0); // those that are there work without any more
    call_on(loops[0], pool, &e);
    settle(loops[0], pool);
    check_call_ran(&e, 0);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    while (count > 0)
        loop_close(loops[--count]);
    pool_close(pool);
}

// ---- memory ----------------------------------------------------------------

static int on_again_run(weir_worker *self, weir_call *call) {
    nested *n = (nested *)call;
    weir_call_continue(call, n->pool, NULL, errand_run);
    (void)self;
    return 0;
}

static const weir_site measured = WEIR_SITE_INIT("measured");
static const weir_site here = WEIR_SITE_INIT_MODE("here", WEIR_SITE_INLINE);

static void all_ways(weir_loop *loop, weir_pool *pool, weir_lane *lane) {
    nested e[7];
    weir_call *batch[2];
    for (int i = 0; i < 7; i++) {
        e[i] = (nested){.errand = errand_of(0), .pool = pool};
        e[i].errand.call.site = i == 3 ? &here : &measured;
        e[i].errand.call.deadline_ns = i % 2 == 0 ? in_ms(3600000) : 0;
    }
    e[1].errand.call.run = on_again_run;
    batch[0] = &e[4].errand.call;
    batch[1] = &e[5].errand.call;
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[0].errand.call), 0);
    call_on(loop, pool, &e[1].errand);
    call_in(loop, lane, &e[2].errand);
    call_on(loop, pool, &e[3].errand);
    CHECK_EQ(weir_call_submit_batch(loop, pool, batch, 2), 0);
    CHECK_EQ(weir_call_expect(loop, &e[6].errand.call), 0);
    weir_call_complete(&e[6].errand.call, 0);
    (void)weir_call_cancel(&e[0].errand.call);
    while (weir_loop_pending(loop) > 0) {
        CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
        CHECK(weir_loop_drain_spin(loop) >= 0);
    }
    for (int i = 0; i < 7; i++)
        CHECK_EQ(e[i].errand.ended, 1);
}

static void a_call_allocates_nothing(void) {
    need_faults();
    for (int threads = 1; threads <= 4; threads++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(threads);
        weir_lane *lane = lane_of(1);
        all_ways(loop, pool, lane); // now the lane has its thread
        wr_fault_arm(WR_FAULT_ALLOC, 0, UINT64_MAX / 2);
        wr_fault_arm(WR_FAULT_FD, 0, UINT64_MAX / 2);
        for (int i = 0; i < 200; i++)
            all_ways(loop, pool, lane);
        closing c = closing_of(loop);
        close_begin(&c, WEIR_STOP_DRAIN);
        close_settle(&c, pool);
        CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
        CHECK_EQ(wr_fault_seen(WR_FAULT_FD), 0);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        wr_fault_arm(WR_FAULT_FD, 0, 0);
        loop_close(loop);
        lane_close(lane);
        pool_close(pool);
    }
}

// ---- counters --------------------------------------------------------------

static tally counting_stop;

static void *counting_main(void *arg) {
    uint64_t ended_before = 0;
    while (tally_get(&counting_stop) == 0) {
        weir_loop_counts c = loop_counts_of(arg);
        check_loop_sum(&c);
        uint64_t ended = c.done + c.failed + c.cancelled + c.timed_out;
        CHECK(ended >= ended_before);
        ended_before = ended;
        CHECK(weir_loop_pending(arg) <= 300);
        weir_site_stats s = {.size = sizeof(s)};
        CHECK_EQ(weir_loop_site(arg, 0, &s), 0);
        CHECK(s.active <= 301);
        CHECK(s.run.count <= s.done + s.failed + s.active);
    }
    return NULL;
}

static void a_snapshot_adds_up_at_any_time(void) {
    static errand e[300];
    for (int threads = 1; threads <= 4; threads++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(threads);
        errand first = errand_of(0);
        first.call.site = &measured;
        call_on(loop, pool, &first);
        tally_init(&counting_stop);
        pthread_t counter = thread_start(counting_main, loop);
        settle(loop, pool);
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 300; i++) {
                e[i] = errand_of(i % 5 == 0 ? -EIO : 0);
                e[i].call.site = &measured;
                e[i].call.deadline_ns = i % 7 == 0 ? 1 : 0;
                call_on(loop, pool, &e[i]);
                if (i % 11 == 0)
                    (void)weir_call_cancel(&e[i].call);
            }
            settle(loop, pool);
        }
        tally_add(&counting_stop);
        thread_join(counter);
        CHECK_EQ(loop_counts_of(loop).accepted, 3001);
        loop_close(loop);
        pool_close(pool);
    }
}

// ---- broken rules ----------------------------------------------------------

static void submit_twice(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    call_on(loop, pool, &e);
}

static void submit_undelivered(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    ended_await(loop, pool, 1);
    call_on(loop, pool, &e);
}

static void batch_twice(void) {
    errand e = errand_of(0);
    weir_call *calls[] = {&e.call, &e.call};
    CHECK_EQ(weir_call_submit_batch(loop_open(), pool_of(1), calls, 2), 0);
}

static weir_loop *self_loop;

static int submits_itself(weir_worker *self, weir_call *call) {
    return weir_call_submit(self_loop, weir_worker_pool(self), call);
}

static void submit_itself(void) {
    self_loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    e.call.run = submits_itself;
    call_on(self_loop, pool, &e);
    settle(self_loop, pool);
}

static void lane_twice(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    gate g;
    gate_init(&g);
    errand e = errand_at(&g);
    call_in(loop, lane, &e);
    call_in(loop, lane, &e);
}

static void destroy_pending(void) {
    weir_loop *loop = loop_open();
    errand e = errand_of(0);
    CHECK_EQ(weir_call_expect(loop, &e.call), 0);
    weir_loop_destroy(loop);
}

static void destroy_undelivered(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    ended_await(loop, pool, 1);
    weir_loop_destroy(loop);
}

static void destroying_done(weir_call *call, int status) {
    (void)call;
    (void)status;
    weir_loop_destroy(self_loop);
}

static void destroy_in_done(void) {
    self_loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    e.call.done = destroying_done;
    call_on(self_loop, pool, &e);
    settle(self_loop, pool);
}

static void broken_rules_abort(void) {
    check_aborts(submit_twice, "twice");
    check_aborts(submit_undelivered, "twice");
    check_aborts(batch_twice, "twice");
    check_aborts(submit_itself, "twice");
    check_aborts(lane_twice, "twice");
    check_aborts(destroy_pending, "weir_loop_destroy");
    check_aborts(destroy_undelivered, "weir_loop_destroy");
    check_aborts(destroy_in_done, "weir_loop_destroy");
}

// ---- idle ------------------------------------------------------------------

static int64_t cpu_ns(void) {
    struct timespec t;
    CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

// How often a thread of this process went to sleep.
static long sleeps_of(void) {
    struct rusage use;
    CHECK_EQ(getrusage(RUSAGE_SELF, &use), 0);
    return use.ru_nvcsw;
}

// This sleeps to measure, not to wait: of three seconds at least one must pass
// without work.
static void an_idle_loop_and_an_idle_lane_use_no_cpu(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(2);
    weir_lane *lane = lane_of(4);
    errand e[20];
    for (int i = 0; i < 20; i++) {
        e[i] = errand_of(0);
        if (i % 2 == 0)
            call_on(loop, pool, &e[i]);
        else
            call_in(loop, lane, &e[i]);
    }
    settle(loop, pool);
    CHECK(lane_counts_of(lane).threads > 0);
    int64_t least = INT64_MAX;
    long sleeps = LONG_MAX;
    for (int i = 0; i < 3 && (least >= 20000000 || sleeps >= 100); i++) {
        int64_t cpu = cpu_ns();
        long before = sleeps_of();
        CHECK_EQ(weir_loop_wait(loop, in_ms(1000)), -ETIMEDOUT);
        cpu = cpu_ns() - cpu;
        before = sleeps_of() - before;
        least = cpu < least ? cpu : least;
        sleeps = before < sleeps ? before : sleeps;
    }
    CHECK(least < 20000000);
    CHECK(sleeps < 100);
    loop_close(loop);
    lane_close(lane);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"run_on_its_own_pool_is_a_direct_call",
         run_on_its_own_pool_is_a_direct_call},
        {"run_on_another_pool_waits_for_it", run_on_another_pool_waits_for_it},
        {"run_there_and_back_needs_no_spare_worker",
         run_there_and_back_needs_no_spare_worker},
        {"pools_that_need_each_other_go_on_by_continuation",
         pools_that_need_each_other_go_on_by_continuation},
        {"run_from_a_blocking_section_is_one_from_outside",
         run_from_a_blocking_section_is_one_from_outside},
        {"a_cancel_reaches_the_scopes_inside",
         a_cancel_reaches_the_scopes_inside},
        {"a_deadline_reaches_the_scopes_inside",
         a_deadline_reaches_the_scopes_inside},
        {"a_forked_child_cannot_use_its_parents_loop",
         a_forked_child_cannot_use_its_parents_loop},
        {"options_out_of_range_are_refused", options_out_of_range_are_refused},
        {"options_may_be_left_out", options_may_be_left_out},
        {"counts_have_a_size", counts_have_a_size},
        {"a_failed_create_leaves_nothing", a_failed_create_leaves_nothing},
        {"without_descriptors_create_says_so",
         without_descriptors_create_says_so},
        {"a_call_allocates_nothing", a_call_allocates_nothing},
        {"a_snapshot_adds_up_at_any_time", a_snapshot_adds_up_at_any_time},
        {"broken_rules_abort", broken_rules_abort},
        {"an_idle_loop_and_an_idle_lane_use_no_cpu",
         an_idle_loop_and_an_idle_lane_use_no_cpu},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
