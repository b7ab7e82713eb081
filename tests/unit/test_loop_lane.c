// SPDX-License-Identifier: MIT
// Lanes: threads for calls that sleep in the system. They grow, stay bounded,
// leave when there is nothing to do, and take nothing from a pool.
#include "support/loop.h"

#include <arpa/inet.h>
#include <netdb.h>

// ---- running ---------------------------------------------------------------

static int lane_run(weir_worker *self, weir_call *call) {
    CHECK(self == NULL);
    CHECK(weir_worker_self() == NULL);
    CHECK(!pthread_equal(((errand *)call)->home, pthread_self()));
    return errand_run(self, call);
}

static void a_call_runs_on_a_thread_of_the_lane(void) {
    static const int results[] = {0, 3, -EIO, -ECANCELED};
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    CHECK_EQ(lane_counts_of(lane).threads, 0); // none before the first call
    CHECK_EQ(lane_counts_of(lane).started_threads, 0);
    errand e[4];
    for (int i = 0; i < 4; i++) {
        e[i] = errand_of(results[i]);
        e[i].call.run = lane_run;
        call_in(loop, lane, &e[i]);
    }
    settle(loop, NULL);
    for (int i = 0; i < 4; i++)
        check_call_ran(&e[i], results[i]);
    weir_lane_counts c = lane_counts_of(lane);
    check_lane_sum(&c);
    CHECK_EQ(c.accepted, 4);
    CHECK_EQ(loop_counts_of(loop).done, 2);
    CHECK_EQ(loop_counts_of(loop).failed, 2);
    loop_close(loop);
    lane_close(lane);
}

static void one_thread_takes_calls_in_order(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    static errand e[200];
    gate g;
    gate_init(&g);
    errand first = errand_at(&g);
    call_in(loop, lane, &first);
    gate_await(&g, 1); // the others will wait for it
    uint64_t before = tally_get(&errands_run);
    for (int i = 0; i < 200; i++) {
        e[i] = errand_of(i);
        e[i].call.priority = i % 3 - 1; // does not apply
        call_in(loop, lane, &e[i]);
    }
    gate_open(&g);
    settle(loop, NULL);
    gate_fini(&g);
    for (int i = 0; i < 200; i++) {
        check_call_ran(&e[i], i);
        CHECK_EQ(e[i].run_order - before, i + 1);
    }
    CHECK_EQ(lane_counts_of(lane).started_threads, 1);
    loop_close(loop);
    lane_close(lane);
}

static char thread_name[64];

static int named_run(weir_worker *self, weir_call *call) {
    CHECK_EQ(
        pthread_getname_np(pthread_self(), thread_name, sizeof(thread_name)),
        0);
    pthread_attr_t attributes;
    size_t stack_size = 0;
    CHECK_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    CHECK_EQ(pthread_attr_getstacksize(&attributes, &stack_size), 0);
    pthread_attr_destroy(&attributes);
    CHECK(stack_size >= 3 << 20);
    CHECK(stack_size < 6 << 20);
    return errand_run(self, call);
}

static void threads_have_the_name_and_the_stack_asked_for(void) {
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(1);
    char name[] = "dns";
    options.name = name;
    options.stack_size = 3 << 20;
    weir_lane *lane = lane_open_with(&options);
    memset(name, 'x', 3); // it was copied
    errand e = errand_of(0);
    e.call.run = named_run;
    call_in(loop, lane, &e);
    settle(loop, NULL);
    CHECK_STR(thread_name, "dns/0");
    loop_close(loop);
    lane_close(lane);
}

static int asking_run(weir_worker *self, weir_call *call) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    CHECK_EQ(getaddrinfo("127.0.0.1", NULL, &hints, &found), 0);
    const struct sockaddr_in *address = (const void *)found->ai_addr;
    CHECK_EQ(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
    freeaddrinfo(found);
    return errand_run(self, call);
}

// What blocks in the lane holds no worker of the pool, and the other way round.
static void a_call_that_blocks_does_not_occupy_the_pool(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    weir_lane *lane = lane_of(4);
    gate g;
    gate_init(&g);
    errand blocked[4], e = errand_of(1);
    for (int i = 0; i < 4; i++) {
        blocked[i] = errand_at(&g);
        blocked[i].call.run = asking_run;
        call_in(loop, lane, &blocked[i]);
    }
    gate_await(&g, 4); // the lane is full
    for (int i = 0; i < 100; i++) {
        e = errand_of(i);
        call_on(loop, pool, &e);
        while (e.ended == 0)
            turn(loop, NULL);
        check_call_ran(&e, i);
    }
    CHECK_EQ(weir_loop_pending(loop), 4);
    gate_open(&g);
    settle(loop, NULL);

    held_all h;
    hold_all(pool, &h);
    e = errand_of(2);
    call_in(loop, lane, &e);
    settle(loop, NULL);
    check_call_ran(&e, 2);
    release_all(pool, &h);
    loop_close(loop);
    lane_close(lane);
    pool_close(pool);
    gate_fini(&g);
}

// ---- growth ----------------------------------------------------------------

static void it_grows_while_calls_wait_and_not_beyond_threads_max(void) {
    for (unsigned most = 1; most <= 5; most++) {
        weir_loop *loop = loop_open();
        weir_lane *lane = lane_of(most);
        gate g;
        gate_init(&g);
        errand e[8];
        for (int i = 0; i < 8; i++) {
            e[i] = errand_at(&g);
            call_in(loop, lane, &e[i]);
        }
        gate_await(&g, most); // so many do run at once
        weir_lane_counts c = lane_counts_of(lane);
        check_lane_sum(&c);
        CHECK_EQ(c.running, most);
        CHECK_EQ(c.queued, 8 - most);
        CHECK_EQ(c.threads, most);
        CHECK(c.queued_max >= 8 - most);
        CHECK(c.longest_ns >= 0);
        gate_open(&g);
        settle(loop, NULL);
        for (int i = 0; i < 8; i++)
            check_call_ran(&e[i], 0);
        CHECK_EQ(lane_counts_of(lane).threads_highest, most);
        CHECK_EQ(lane_counts_of(lane).started_threads, most);
        loop_close(loop);
        lane_close(lane);
        gate_fini(&g);
    }
}

static void threads_with_nothing_to_do_leave_after_a_while(void) {
    unsigned before = threads_before();
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(4);
    options.keep_ns = 1000000;
    weir_lane *lane = lane_open_with(&options);
    for (int round = 0; round < 5; round++) {
        gate g;
        gate_init(&g);
        errand e[4];
        for (int i = 0; i < 4; i++) {
            e[i] = errand_at(&g);
            call_in(loop, lane, &e[i]);
        }
        gate_await(&g, 4);
        CHECK_EQ(lane_counts_of(lane).threads, 4);
        gate_open(&g);
        settle(loop, NULL);
        while (lane_counts_of(lane).threads > 0)
            sched_yield();
        threads_await(before); // not only by its own count
        gate_fini(&g);
    }
    CHECK(lane_counts_of(lane).started_threads >= 20); // a late one may leave
    loop_close(loop);
    lane_close(lane);
}

static void threads_that_are_kept_are_used_again(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(4);
    for (int i = 0; i < 100; i++) {
        errand e = errand_of(i);
        call_in(loop, lane, &e);
        settle(loop, NULL);
        check_call_ran(&e, i);
    }
    weir_lane_counts c = lane_counts_of(lane);
    CHECK(c.started_threads <= 4);
    CHECK_EQ(c.threads, c.started_threads); // none has left
    loop_close(loop);
    lane_close(lane);
}

// Threads that leave just when a call comes: none may be forgotten.
static void a_call_that_comes_while_a_thread_leaves_is_run(void) {
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(2);
    options.keep_ns = 1;
    weir_lane *lane = lane_open_with(&options);
    for (int i = 0; i < 1000; i++) {
        errand e = errand_of(i);
        call_in(loop, lane, &e);
        settle(loop, NULL);
        check_call_ran(&e, i);
        for (int yields = 0; yields < i % 8; yields++)
            sched_yield();
    }
    weir_lane_counts c = lane_counts_of(lane);
    check_lane_sum(&c);
    CHECK_EQ(c.succeeded, 1000);
    loop_close(loop);
    lane_close(lane);
}

// ---- refusals --------------------------------------------------------------

static void the_bound_counts_what_is_queued_and_what_runs(void) {
    weir_loop *loop = loop_open();
    weir_lane_options options = lane_options(1);
    options.calls_max = 3;
    weir_lane *lane = lane_open_with(&options);
    gate g;
    gate_init(&g);
    errand e[3], more = errand_of(0), before = more;
    for (int i = 0; i < 3; i++) {
        e[i] = errand_at(&g);
        call_in(loop, lane, &e[i]);
        gate_await(&g, 1);
    }
    CHECK_EQ(weir_call_submit_lane(loop, lane, &more.call), -EAGAIN);
    check_call_untouched(&more, &before);
    CHECK_EQ(loop_counts_of(loop).accepted, 3);
    CHECK_EQ(lane_counts_of(lane).accepted, 3);
    CHECK_EQ(weir_call_cancel(&e[2].call), 0);
    call_in(loop, lane, &more); // it has ended, that makes room
    gate_open(&g);
    settle(loop, NULL);
    check_call_ran(&more, 0);
    check_call_not_run(&e[2], -ECANCELED);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void without_a_thread_a_call_is_refused(void) {
    need_faults();
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    errand e = errand_of(1), before = e;
    wr_fault_arm(WR_FAULT_THREAD, 0, 1000);
    CHECK_EQ(weir_call_submit_lane(loop, lane, &e.call), -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    check_call_untouched(&e, &before);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(lane_counts_of(lane).accepted, 0);
    CHECK_EQ(lane_counts_of(lane).threads, 0);
    CHECK_EQ(weir_loop_pending(loop), 0);
    call_in(loop, lane, &e);
    settle(loop, NULL);
    check_call_ran(&e, 1);
    loop_close(loop);
    lane_close(lane);
}

static void with_one_thread_a_call_waits_if_no_other_can_be_started(void) {
    need_faults();
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(4);
    gate g;
    gate_init(&g);
    errand first = errand_at(&g), e[5];
    call_in(loop, lane, &first);
    gate_await(&g, 1);
    wr_fault_arm(WR_FAULT_THREAD, 0, 1000);
    for (int i = 0; i < 5; i++) {
        e[i] = errand_of(i);
        call_in(loop, lane, &e[i]);
    }
    CHECK_EQ(lane_counts_of(lane).threads, 1);
    gate_open(&g);
    settle(loop, NULL);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    for (int i = 0; i < 5; i++)
        check_call_ran(&e[i], i);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void options_are_checked(void) {
    static const int errors[] = {-EINVAL, -EINVAL};
    weir_lane_options options[2] = {WEIR_LANE_OPTIONS_INIT,
                                    WEIR_LANE_OPTIONS_INIT};
    options[0].size = sizeof(size_t) - 1;
    options[1].keep_ns = -1;
    weir_lane *lane = NULL;
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weir_lane_create(&lane, &options[i]), errors[i]);
    struct {
        weir_lane_options known;
        size_t from_the_future;
    } newer = {.known = WEIR_LANE_OPTIONS_INIT, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_lane_create(&lane, &newer.known), -E2BIG);
    CHECK(lane == NULL);
    newer.from_the_future = 0;
    lane_close(lane_open_with(&newer.known));
    lane_close(lane_open_with(NULL));
    weir_lane_destroy(NULL);
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        return;
    for (uint64_t n = 0;; n++) {
        wr_fault_arm(WR_FAULT_ALLOC, n, 1);
        int error = weir_lane_create(&lane, NULL);
        int reached = wr_fault_seen(WR_FAULT_ALLOC) > n;
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK_EQ(error, reached ? -ENOMEM : 0);
        if (!reached)
            break;
        CHECK(lane == NULL);
    }
    lane_close(lane);
}

static void counts_have_a_size(void) {
    weir_lane *lane = lane_of(1);
    weir_lane_counts counts = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_lane_count(lane, &counts), -EINVAL);
    memset(&counts, 0x5a, sizeof(counts));
    counts.size = offsetof(weir_lane_counts, succeeded); // an older caller
    CHECK_EQ(weir_lane_count(lane, &counts), 0);
    CHECK_EQ(counts.accepted, 0);
    CHECK_EQ(counts.succeeded, 0x5a5a5a5a5a5a5a5a);
    lane_close(lane);
}

// ---- cancel, deadlines -----------------------------------------------------

static void calls_are_cancelled_and_time_out_though_no_thread_is_free(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    gate g;
    gate_init(&g);
    errand running = errand_at(&g), cancelled = errand_of(0),
           late = errand_of(0), left = errand_of(6);
    late.call.deadline_ns = in_ms(1);
    call_in(loop, lane, &running);
    gate_await(&g, 1);
    call_in(loop, lane, &cancelled);
    call_in(loop, lane, &late);
    call_in(loop, lane, &left);
    CHECK_EQ(weir_call_cancel(&cancelled.call), 0);
    CHECK_EQ(weir_call_cancel(&cancelled.call), -EALREADY);
    CHECK_EQ(weir_call_cancel(&running.call), -EBUSY);
    CHECK_EQ(cancelled.ended, 0);
    CHECK(fd_readable(loop));
    CHECK_EQ(weir_loop_next_deadline(loop), late.call.deadline_ns);
    until(late.call.deadline_ns);
    CHECK_EQ(drain(loop), 2);
    check_call_not_run(&cancelled, -ECANCELED);
    check_call_not_run(&late, -ETIMEDOUT);
    CHECK_EQ(weir_loop_next_deadline(loop), WEIR_FOREVER);
    gate_open(&g);
    settle(loop, NULL);
    check_call_ran(&running, 0);
    check_call_ran(&left, 6);
    weir_lane_counts c = lane_counts_of(lane);
    CHECK_EQ(c.cancelled, 1);
    CHECK_EQ(c.timed_out, 1);
    CHECK_EQ(c.accepted, 4);
    check_lane_sum(&c);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

static void a_running_call_is_told(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(2);
    tally_init(&obedient_started);
    errand e = errand_obedient(), late;
    call_in(loop, lane, &e);
    started_await(NULL, &obedient_started, 1);
    tell(&e);
    settle(loop, NULL);
    check_call_ran(&e, -ECANCELED);
    do {
        late = errand_obedient();
        late.call.deadline_ns = in_ms(50);
        call_in(loop, lane, &late);
        settle(loop, NULL);
        CHECK_EQ(late.status, -ETIMEDOUT);
    } while (late.ran == 0);
    check_call_ran(&late, -ETIMEDOUT);
    loop_close(loop);
    lane_close(lane);
}

static void a_thread_that_comes_too_late_does_not_start_a_call(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    gate g;
    gate_init(&g);
    errand running = errand_at(&g), late = errand_of(0);
    call_in(loop, lane, &running);
    gate_await(&g, 1);
    late.call.deadline_ns = in_ms(1);
    call_in(loop, lane, &late);
    until(late.call.deadline_ns);
    gate_open(&g);
    ended_await(loop, NULL, 2);
    CHECK_EQ(drain(loop), 2);
    check_call_not_run(&late, -ETIMEDOUT);
    loop_close(loop);
    lane_close(lane);
    gate_fini(&g);
}

// ---- from where ------------------------------------------------------------

typedef struct nested {
    errand errand; // first
    weir_loop *loop;
    weir_lane *lane;
    weir_pool *pool;
    errand child;
} nested;

static int add_body(weir_worker *self, void *arg) {
    CHECK(self != NULL);
    return *(int *)arg + 1;
}

static int nested_run(weir_worker *self, weir_call *call) {
    nested *n = (nested *)call;
    CHECK(self == NULL);
    call_in(n->loop, n->lane, &n->child);
    int status = 0, argument = 41; // a lane's thread is one from outside
    CHECK_EQ(weir_run(n->pool, add_body, &argument, &status), 0);
    return status;
}

static void a_thread_of_the_lane_may_submit_and_run(void) {
    weir_loop *loop = loop_open();
    weir_lane *lane = lane_of(1);
    weir_pool *pool = pool_of(1);
    nested n[10];
    for (int i = 0; i < 10; i++) {
        n[i] = (nested){.errand = errand_of(0),
                        .loop = loop,
                        .lane = lane,
                        .pool = pool,
                        .child = errand_of(i)};
        n[i].errand.call.run = nested_run;
        call_in(loop, lane, &n[i].errand);
    }
    settle(loop, NULL);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(n[i].errand.status, 42);
        check_call_ran(&n[i].child, i);
    }
    loop_close(loop);
    lane_close(lane);
    pool_close(pool);
}

static void loops_share_a_lane(void) {
    weir_loop *loops[2] = {loop_open(), loop_open()};
    weir_lane *lane = lane_of(2);
    errand e[2][20];
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 2; j++) {
            e[j][i] = errand_of(i);
            call_in(loops[j], lane, &e[j][i]);
        }
    settle(loops[1], NULL);
    for (int i = 0; i < 20; i++) {
        check_call_ran(&e[1][i], i);
        CHECK_EQ(e[0][i].ended, 0);
    }
    settle(loops[0], NULL);
    for (int i = 0; i < 20; i++)
        check_call_ran(&e[0][i], i);
    loop_close(loops[0]);
    loop_close(loops[1]);
    lane_close(lane);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_call_runs_on_a_thread_of_the_lane",
         a_call_runs_on_a_thread_of_the_lane},
        {"one_thread_takes_calls_in_order", one_thread_takes_calls_in_order},
        {"threads_have_the_name_and_the_stack_asked_for",
         threads_have_the_name_and_the_stack_asked_for},
        {"a_call_that_blocks_does_not_occupy_the_pool",
         a_call_that_blocks_does_not_occupy_the_pool},
        {"it_grows_while_calls_wait_and_not_beyond_threads_max",
         it_grows_while_calls_wait_and_not_beyond_threads_max},
        {"threads_with_nothing_to_do_leave_after_a_while",
         threads_with_nothing_to_do_leave_after_a_while},
        {"threads_that_are_kept_are_used_again",
         threads_that_are_kept_are_used_again},
        {"a_call_that_comes_while_a_thread_leaves_is_run",
         a_call_that_comes_while_a_thread_leaves_is_run},
        {"the_bound_counts_what_is_queued_and_what_runs",
         the_bound_counts_what_is_queued_and_what_runs},
        {"without_a_thread_a_call_is_refused",
         without_a_thread_a_call_is_refused},
        {"with_one_thread_a_call_waits_if_no_other_can_be_started",
         with_one_thread_a_call_waits_if_no_other_can_be_started},
        {"options_are_checked", options_are_checked},
        {"counts_have_a_size", counts_have_a_size},
        {"calls_are_cancelled_and_time_out_though_no_thread_is_free",
         calls_are_cancelled_and_time_out_though_no_thread_is_free},
        {"a_running_call_is_told", a_running_call_is_told},
        {"a_thread_that_comes_too_late_does_not_start_a_call",
         a_thread_that_comes_too_late_does_not_start_a_call},
        {"a_thread_of_the_lane_may_submit_and_run",
         a_thread_of_the_lane_may_submit_and_run},
        {"loops_share_a_lane", loops_share_a_lane},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
