// SPDX-License-Identifier: MIT
// Drains that do not come to their end: first error, leftovers, cancel,
// deadline, a stopped pool, and what is refused.
#include "support/drain.h"

// ---- errors ----------------------------------------------------------------

static void w4_with(weir_pool *pool, bool by_batch) {
    bench *b = bench_open(pool, 32);
    if (by_batch)
        bench_by_batch(b);
    b->options.ordered = 1;
    b->options.batch = 4;
    b->fail_at = 10;
    b->items = 1000;
    actor producing;
    act(pool, &producing, bench_produce, b);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    wait_idle(pool);
    // All before it, nothing after it, its own error, and nobody forgotten.
    CHECK_EQ(b->report.delivered, 10);
    for (uint64_t i = 0; i < 10; i++)
        CHECK_EQ(b->seen[i], 1);
    CHECK_EQ(b->report.status, -EIO);
    CHECK_EQ(b->report.error_sequence, 10);
    CHECK_EQ(b->report.failed, 1);
    CHECK(b->items < 1000); // the producer was told
    check_fates(b, b->items);
    bench_close(b);
}

static void w4_in_pool(weir_pool *pool) {
    w4_with(pool, false);
    w4_with(pool, true);
}

// The reference: 10 results, 989 stranded, and join() said all was well.
static void w4_a_failure_is_never_silent(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT, w4_in_pool,
                       100);
}

static int first_error_work(weir_worker *self, void *context, uint64_t sequence,
                            void *item, void *out) {
    bench *b = context;
    int status = bench_work(self, context, sequence, item, out);
    if (sequence == 3) // fails late: after the other has failed
        CHECK_EQ(weir_event_wait(b->hold_deliver, WEIR_FOREVER, NULL), 0);
    if (sequence == 7)
        CHECK_EQ(weir_event_fire(b->hold_deliver, 0), 0);
    return status;
}

static void first_error_in_pool(weir_pool *pool) {
    for (int ordered = 0; ordered < 2; ordered++) {
        bench *b = bench_open(pool, 16);
        weir_event other;
        weir_event_init(&other, pool, 1);
        b->hold_deliver = &other;
        b->options.work = first_error_work;
        b->options.ordered = ordered;
        b->options.batch = 1;
        b->fail_at = 3;
        b->fail_at_2 = 7;
        bench_send(b, 16);
        weir_sender_drop(b->sender);
        CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
        CHECK_EQ(b->report.status, -EIO);
        CHECK_EQ(b->report.error_sequence, 3);
        CHECK_EQ(b->report.failed, 2);
        for (uint64_t i = 0; i < 3; i++)
            CHECK_EQ(b->seen[i], 1);
        if (ordered)
            CHECK_EQ(b->report.delivered, 3);
        check_fates(b, 16);
        bench_close(b);
        wait_idle(pool);
    }
}

static void the_first_error_is_reported_whatever_the_timing(void) {
    // Item 3 waits for item 7, so somebody must be there for it.
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = 2;
    static const int widths[] = {1, 2, 4};
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        options.threads = widths[i];
        weir_pool *pool = pool_open(&options);
        first_error_in_pool(pool);
        pool_close(pool);
    }
    for (uint64_t seed = 0; seed < 100; seed++) {
        weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 3);
        first_error_in_pool(pool);
        pool_close(pool);
    }
}

static void skip_in_pool(weir_pool *pool) {
    for (int how = 0; how < 4; how++) {
        bench *b = bench_open(pool, 32);
        int ordered = how % 2;
        if (how >= 2)
            bench_by_batch(b);
        b->options.on_error = WEIR_ON_ERROR_SKIP;
        b->options.ordered = ordered;
        b->options.batch = 8;
        b->fail_at = 3;
        b->fail_at_2 = 12;
        bench_send(b, 32);
        weir_sender_drop(b->sender);
        CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
        CHECK_EQ(b->report.status, -EIO);
        CHECK_EQ(b->report.error_sequence, 3);
        CHECK_EQ(b->report.failed, 2);
        CHECK_EQ(b->report.delivered, 30);
        CHECK_EQ(b->seen[3] + b->seen[12], 0);
        check_fates(b, 32);
        bench_close(b);
        wait_idle(pool);
    }
}

static void a_failed_item_may_be_left_out(void) { for_each_pool(skip_in_pool); }

// The reference: the consumer left after 5 results, 1000 of 1000 were worked
// on.
static void w7_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 16);
    b->options.ordered = 1;
    b->options.batch = 1;
    b->deliver_fails_at = 5;
    b->items = 1000;
    actor producing;
    act(pool, &producing, bench_produce, b);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    wait_idle(pool);
    CHECK_EQ(b->report.delivered, 5);
    CHECK_EQ(b->report.status, -ENOSPC);
    CHECK_EQ(b->report.error_sequence, 5);
    CHECK(b->worked <= 5 + 16);
    CHECK(b->items <= 5 + 2 * 16); // and few more were sent
    b->out = b->report.delivered;
    check_fates(b, b->items);
    // What deliver failed on it has taken; the results behind it are handed
    // back.
    CHECK_EQ(b->undelivered_count, b->report.cancelled);
    bench_close(b);
}

static void w7_a_consumer_that_stops_stops_the_work(void) {
    for_each_pool(w7_in_pool);
}

static void leftovers_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 64);
    b->options.ordered = 1;
    b->options.batch = 4;
    b->fail_at = 0;
    bench_send(b, 64);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    uint64_t item = 1;
    CHECK_EQ(weir_sender_try_send(b->sender, &item), -EPIPE);
    weir_sender_drop(b->sender);
    CHECK_EQ(b->report.delivered, 0);
    CHECK_EQ(b->report.failed, 1);
    CHECK(b->report.never_started > 0);
    CHECK_EQ(b->dropped_count, b->report.never_started);
    CHECK_EQ(b->undelivered_count, b->report.cancelled);
    check_fates(b, 64);
    bench_close(b);
}

static void leftovers_are_handed_back_each_once(void) {
    for_each_pool(leftovers_in_pool);
}

// ---- ending early ----------------------------------------------------------

static int cancel_work(weir_worker *self, void *context, uint64_t sequence,
                       void *item, void *out) {
    bench *b = context;
    (void)sequence;
    if (sequence == 20 && b->drain != NULL)
        CHECK_EQ(weir_drain_cancel(b->drain), 0);
    return bench_work(self, context, sequence, item, out);
}

// Sends until the drain that is cancelled meanwhile closes its queue.
static uint64_t send_until_closed(bench *b, uint64_t count) {
    for (uint64_t i = 0; i < count; i++, b->items++) {
        int error = weir_sender_try_send(b->sender, &b->items);
        if (error == -EPIPE)
            return i;
        CHECK_EQ(error, 0);
    }
    return count;
}

static void cancel_in_pool(weir_pool *pool) {
    for (int ordered = 0; ordered < 2; ordered++) {
        bench *b = bench_open(pool, 64);
        b->options.work = cancel_work;
        b->options.ordered = ordered;
        b->options.batch = 2;
        CHECK_EQ(weir_drain_start(&b->drain, pool, b->queue, &b->options), 0);
        uint64_t sent = send_until_closed(b, 64);
        CHECK(sent > 20);
        CHECK_EQ(weir_drain_wait(b->drain, WEIR_FOREVER, &b->report), 0);
        CHECK_EQ(weir_drain_cancel(b->drain), -EALREADY);
        CHECK_EQ(b->report.status, -ECANCELED);
        CHECK(b->report.delivered < 64);
        if (ordered)
            CHECK_EQ(b->report.error_sequence, b->report.delivered);
        CHECK_EQ(b->report.failed, 0);
        weir_drain_destroy(b->drain);
        weir_sender_drop(b->sender);
        check_fates(b, sent);
        bench_close(b);
        wait_idle(pool);
    }
}

static void cancelling_accounts_for_every_item(void) {
    for_each_pool(cancel_in_pool);
}

static void destroy_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 8);
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    bench_send(b, 4);
    weir_drain_destroy(drain); // the sender lives
    CHECK_EQ(b->out + b->dropped_count + b->undelivered_count, 4);
    uint64_t item = 1;
    CHECK_EQ(weir_sender_try_send(b->sender, &item), -EPIPE);
    weir_sender_drop(b->sender);
    bench_close(b);
    weir_drain_destroy(NULL);
}

static void destroying_cancels_first(void) { for_each_pool(destroy_in_pool); }

static void a_deadline_ends_a_drain(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 8);
    b->options.deadline_ns = in_ms(5);
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    CHECK_EQ(b->report.status, -ETIMEDOUT);
    CHECK_EQ(b->report.error_sequence, 0);
    CHECK_EQ(b->report.delivered, 0);
    weir_drain_destroy(drain);
    weir_sender_drop(b->sender);
    bench_close(b);
    pool_close(pool);
}

static int deadline_from_inside(weir_worker *self, void *argument) {
    bench *b = argument;
    b->options.deadline_ns = in_ms(5);
    CHECK_EQ(weir_drain_run(weir_worker_pool(self), b->queue, &b->options,
                            &b->report),
             0);
    return 0;
}

static void a_deadline_holds_for_the_only_worker_too(void) {
    weir_pool *pool = pool_strict(1);
    bench *b = bench_open(pool, 8);
    actor a;
    act(pool, &a, deadline_from_inside, b);
    wait_idle(pool);
    CHECK_EQ(b->report.status, -ETIMEDOUT);
    weir_sender_drop(b->sender);
    bench_close(b);
    pool_close(pool);
}

static void a_stopped_pool_ends_a_drain(void) {
    static const weir_stop_mode modes[] = {WEIR_STOP_CANCEL, WEIR_STOP_ABORT};
    for (size_t i = 0; i < TEST_COUNT(modes); i++) {
        weir_pool *pool = pool_of(2);
        bench *b = bench_open(pool, 64);
        gate g;
        gate_init(&g);
        b->gate = &g;
        b->options.batch = 1;
        b->options.ordered = 1;
        bench_send(b, 64);
        weir_drain *drain;
        CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
        gate_await(&g, 2);
        stopper s;
        stopper_start(&s, pool, modes[i]);
        gate_open(&g);
        stopper_join(&s);
        CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
        CHECK_EQ(b->report.status, -ESHUTDOWN);
        CHECK(b->report.delivered < 64);
        weir_drain_destroy(drain);
        check_fates(b, 64);
        CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options),
                 -ESHUTDOWN);
        weir_sender_drop(b->sender);
        bench_close(b);
        weir_pool_destroy(pool);
        gate_fini(&g);
    }
}

static void a_drain_that_can_never_end_is_said(void) {
    weir_pool *pool = pool_seeded(3, 2);
    bench *b = bench_open(pool, 4);
    bench_send(b, 3);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), -EDEADLK);
    uint64_t item = 0;
    CHECK_EQ(weir_sender_try_send(b->sender, &item), -EPIPE); // cancelled
    weir_sender_drop(b->sender);
    bench_close(b);
    pool_close(pool);
}

static void the_end_is_an_event(void) {
    weir_pool *pool = pool_of(1);
    bench *b = bench_open(pool, 4);
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(weir_drain_finished(drain), pool, &w.job), 0);
    bench_send(b, 4);
    weir_sender_drop(b->sender);
    wait_idle(pool);
    check_ran(&w, 0);
    CHECK_EQ(weir_drain_wait(drain, 0, &b->report), 0);
    CHECK_EQ(b->report.delivered, 4);
    weir_drain_destroy(drain);
    bench_close(b);
    pool_close(pool);
}

// ---- errors of the calls ---------------------------------------------------

static void bad_options_are_refused(void) {
    weir_pool *pool = pool_of(1);
    bench *b = bench_open(pool, 4);
    weir_drain *drain = NULL;
    weir_drain_options good = b->options;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, NULL), -EINVAL);
    b->options.work = NULL;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), -EINVAL);
    b->options = good;
    b->options.work_batch = bench_work_batch;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), -EINVAL);
    b->options = good;
    b->options.result_size = SIZE_MAX;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), -EINVAL);
    b->options = good;
    b->options.on_error = (weir_on_error)7;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), -EINVAL);
    struct {
        weir_drain_options known;
        size_t from_the_future;
    } newer = {.known = good, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &newer.known), -E2BIG);
    b->report.size = 0;
    CHECK_EQ(weir_drain_run(pool, b->queue, &good, &b->report), -EINVAL);
    CHECK(drain == NULL);
    // None of that closed the queue.
    uint64_t item = 0;
    CHECK_EQ(weir_sender_try_send(b->sender, &item), 0);
    weir_sender_drop(b->sender);
    bench_close(b);
    pool_close(pool);
}

static void no_memory_changes_nothing(void) {
    weir_pool *pool = pool_of(1);
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    bench *b = bench_open(pool, 4);
    weir_drain *drain = NULL;
    for (uint64_t i = 0;; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        int error = weir_drain_start(&drain, pool, b->queue, &b->options);
        uint64_t seen = wr_fault_seen(WR_FAULT_ALLOC);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        if (seen <= i) {
            CHECK_EQ(error, 0);
            CHECK(i >= 6);
            break;
        }
        CHECK_EQ(error, -ENOMEM);
        CHECK(drain == NULL);
    }
    weir_drain_destroy(drain);
    weir_sender_drop(b->sender);
    bench_close(b);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"w4_a_failure_is_never_silent", w4_a_failure_is_never_silent},
        {"the_first_error_is_reported_whatever_the_timing",
         the_first_error_is_reported_whatever_the_timing},
        {"a_failed_item_may_be_left_out", a_failed_item_may_be_left_out},
        {"w7_a_consumer_that_stops_stops_the_work",
         w7_a_consumer_that_stops_stops_the_work},
        {"leftovers_are_handed_back_each_once",
         leftovers_are_handed_back_each_once},
        {"cancelling_accounts_for_every_item",
         cancelling_accounts_for_every_item},
        {"destroying_cancels_first", destroying_cancels_first},
        {"a_deadline_ends_a_drain", a_deadline_ends_a_drain},
        {"a_deadline_holds_for_the_only_worker_too",
         a_deadline_holds_for_the_only_worker_too},
        {"a_stopped_pool_ends_a_drain", a_stopped_pool_ends_a_drain},
        {"a_drain_that_can_never_end_is_said",
         a_drain_that_can_never_end_is_said},
        {"the_end_is_an_event", the_end_is_an_event},
        {"bad_options_are_refused", bad_options_are_refused},
        {"no_memory_changes_nothing", no_memory_changes_nothing},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
