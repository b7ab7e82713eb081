// SPDX-License-Identifier: MIT
// Drains: exactly once, in order or not, bounded, with any number of workers.
// What fails or ends early is in test_stream_drain_ends.c.
#include "support/drain.h"

// ---- exactly once ----------------------------------------------------------

static void drain_all(weir_pool *pool, size_t capacity, size_t batch,
                      int ordered, uint64_t items) {
    bench *b = bench_open(pool, capacity);
    b->options.batch = batch;
    b->options.ordered = ordered;
    b->items = items;
    if (items % 200 == 100)
        bench_by_batch(b);
    actor producing;
    act(pool, &producing, bench_produce, b);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    wait_idle(pool);
    CHECK_EQ(b->report.status, 0);
    CHECK_EQ(b->report.delivered, items);
    check_fates(b, items);
    for (uint64_t i = 0; i < items; i++)
        CHECK_EQ(b->seen[i], 1);
    bench_close(b);
}

static void unordered_in_pool(weir_pool *pool) {
    drain_all(pool, 8, 3, 0, 100);
    drain_all(pool, 64, 16, 0, 300);
    drain_all(pool, 1, 1, 0, 20);
    drain_all(pool, 5, 0, 0, 0);
}

static void every_item_is_delivered_once(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT,
                       unordered_in_pool, 60);
}

static void ordered_in_pool(weir_pool *pool) {
    drain_all(pool, 8, 3, 1, 100);
    drain_all(pool, 64, 16, 1, 300);
    drain_all(pool, 1, 1, 1, 20);
}

static void ordered_results_come_in_the_order_of_the_queue(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT,
                       ordered_in_pool, 60);
}

static void results_may_be_of_no_size_and_go_nowhere(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 64);
    b->options.result_size = 0;
    b->options.deliver = NULL;
    b->options.undelivered = NULL;
    bench_send(b, 50);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    CHECK_EQ(b->worked, 50);
    CHECK_EQ(b->report.delivered, 50);
    check_fates(b, 50);
    bench_close(b);
    pool_close(pool);
}

static void two_drains_share_a_queue(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 16);
    b->items = 2000;
    weir_drain *drains[2];
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weir_drain_start(&drains[i], pool, b->queue, &b->options), 0);
    bench_produce(NULL, b);
    uint64_t delivered = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(weir_drain_wait(drains[i], WEIR_FOREVER, &b->report), 0);
        CHECK_EQ(b->report.status, 0);
        delivered += b->report.delivered;
        weir_drain_destroy(drains[i]);
    }
    CHECK_EQ(delivered, 2000);
    bench_close(b);
    pool_close(pool);
}

// ---- the bound -------------------------------------------------------------

static void w1_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 4);
    weir_event hold;
    weir_event_init(&hold, pool, 1);
    b->hold = &hold;
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    uint64_t admitted = 0;
    while (admitted < 4) {
        CHECK_EQ(weir_sender_try_send(b->sender, &admitted), 0);
        admitted++;
    }
    // Workers take what they can, and sleep in it. Still nobody gets in.
    bool determ = is_deterministic(pool);
    if (determ)
        while (weir_pool_step(pool) == 1)
            CHECK_EQ(weir_sender_try_send(b->sender, &admitted), -EAGAIN);
    else
        mark_await(&b->working, 1);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weir_sender_try_send(b->sender, &admitted), -EAGAIN);
    weir_queue_counts counts = queue_counts(b->queue);
    CHECK_EQ(counts.queued + counts.claimed, 4);
    CHECK(counts.claimed >= 1);
    CHECK_EQ(counts.highest, 4);
    CHECK_EQ(b->out, 0);
    CHECK_EQ(weir_event_fire(&hold, 0), 0);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    weir_drain_destroy(drain);
    wait_idle(pool);
    CHECK_EQ(b->report.delivered, 4);
    check_fates(b, 4);
    bench_close(b);
}

// The reference drained its channel into an unbounded list of tasks: capacity
// 4, and 100,000 items were in.
static void w1_the_bound_covers_what_runs(void) { for_each_pool(w1_in_pool); }

static int held_deliver(weir_worker *self, void *context, uint64_t sequence,
                        void *results, size_t count) {
    bench *b = context;
    CHECK_EQ(weir_event_wait(b->hold_deliver, WEIR_FOREVER, NULL), 0);
    return bench_deliver(self, context, sequence, results, count);
}

static void w6_with(int ordered) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 16);
    weir_event hold;
    weir_event_init(&hold, pool, 1);
    b->hold_deliver = &hold;
    b->options.deliver = held_deliver;
    b->options.batch = 1;
    b->options.ordered = ordered;
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    uint64_t admitted = 0;
    for (; admitted < 16; admitted++)
        CHECK_EQ(weir_sender_try_send(b->sender, &admitted), 0);
    // In order, all the work is done behind the one result that is stuck.
    mark_await(&b->working, ordered ? 16 : 1);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weir_sender_try_send(b->sender, &admitted), -EAGAIN);
    CHECK_EQ(weir_event_fire(&hold, 0), 0);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    weir_drain_destroy(drain);
    CHECK_EQ(b->report.delivered, 16);
    check_fates(b, 16);
    bench_close(b);
    pool_close(pool);
}

// Nobody takes the results, so nothing more is admitted: what is finished and
// not delivered counts.
static void w6_the_output_is_bounded(void) {
    w6_with(0);
    w6_with(1);
}

static void in_flight_max_bounds_what_is_claimed(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 64);
    weir_event hold;
    weir_event_init(&hold, pool, 1);
    b->hold = &hold;
    b->options.batch = 1;
    b->options.in_flight_max = 3;
    bench_send(b, 64);
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    mark_await(&b->working, 3);
    CHECK_EQ(queue_counts(b->queue).claimed, 3);
    CHECK_EQ(queue_counts(b->queue).queued, 61);
    CHECK_EQ(weir_drain_wait(drain, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_drain_wait(drain, in_ms(2), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_event_fire(&hold, 0), 0);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    CHECK(b->in_work_highest <= 3);
    weir_drain_destroy(drain);
    check_fates(b, 64);
    bench_close(b);
    pool_close(pool);
}

// ---- one worker ------------------------------------------------------------

static int drain_from_inside(weir_worker *self, void *argument) {
    bench *b = argument;
    CHECK_EQ(weir_drain_run(weir_worker_pool(self), b->queue, &b->options,
                            &b->report),
             0);
    return 0;
}

// The reference needed a worker for the loop that receives, and another for
// the work: with one, for ever.
static void w2_one_worker_is_enough(void) {
    for (int inside = 0; inside < 2; inside++)
        for (int ordered = 0; ordered < 2; ordered++) {
            weir_pool *pool = pool_strict(1);
            bench *b = bench_open(pool, 2);
            b->options.ordered = ordered;
            b->items = 100;
            pthread_t thread = thread_start(bench_produce_thread, b);
            if (inside) {
                actor a;
                act(pool, &a, drain_from_inside, b);
                wait_idle(pool);
            } else {
                CHECK_EQ(
                    weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
            }
            thread_join(thread);
            CHECK_EQ(b->report.status, 0);
            CHECK_EQ(b->report.delivered, 100);
            check_fates(b, 100);
            bench_close(b);
            pool_close(pool);
        }
}

static void inside_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 8);
    b->options.ordered = 1;
    b->options.batch = 2;
    bench_send(b, 8);
    weir_sender_drop(b->sender);
    actor a;
    act(pool, &a, drain_from_inside, b);
    wait_idle(pool);
    CHECK_EQ(b->report.delivered, 8);
    check_fates(b, 8);
    bench_close(b);
}

static void a_worker_may_wait_for_a_drain(void) {
    for_each_strict_pool(inside_in_pool);
}

// Both workers meet, so neither can be held by the drain, whose queue is empty
// while its producer lives.
typedef struct meeting {
    actor actor;
    gate *gate;
    unsigned count;
} meeting;

static int meet(weir_worker *self, void *argument) {
    (void)self;
    meeting *m = argument;
    gate_meet(m->gate, m->count);
    return 0;
}

static void w3_no_worker_waits_for_the_queue(void) {
    for (int threads = 1; threads <= 4; threads *= 2) {
        weir_pool *pool = pool_strict(threads);
        bench *b = bench_open(pool, 8);
        weir_drain *drain;
        CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
        // A job that has ended may still be in its done: none is used twice.
        meeting meetings[50][4];
        for (int round = 0; round < 50; round++) {
            gate g;
            gate_init(&g);
            meeting *all = meetings[round];
            for (int i = 0; i < threads; i++) {
                all[i].gate = &g;
                all[i].count = (unsigned)threads;
                act(pool, &all[i].actor, meet, &all[i]);
            }
            gate_await(&g, (unsigned)threads);
            bench_send(b, 1);
            mark_await(&b->working, b->items);
            // They have met; their jobs may still be ending.
            for (int i = 0; i < threads; i++)
                while (weir_cancel(pool, &all[i].actor.job) != -EALREADY)
                    sched_yield();
            gate_fini(&g);
        }
        weir_sender_drop(b->sender);
        CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
        weir_drain_destroy(drain);
        CHECK_EQ(counts_of(pool).loans, 0);
        check_fates(b, 50);
        bench_close(b);
        pool_close(pool);
    }
}

// ---- cost ------------------------------------------------------------------

// One job per item was 242 to 860 ns each in the reference.
static void w11_jobs_are_per_batch_and_counted(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, ITEMS_MAX);
    b->options.batch = 64;
    bench_send(b, ITEMS_MAX);
    weir_sender_drop(b->sender);
    bool faults = wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    uint64_t before = counts_of(pool).submitted;
    weir_drain *drain;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    uint64_t allocations = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    if (faults)
        CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), allocations);
    weir_drain_destroy(drain);
    uint64_t jobs = counts_of(pool).submitted - before;
    CHECK(jobs < ITEMS_MAX / 16);
    CHECK(b->deliver_calls < ITEMS_MAX / 16);
    check_fates(b, ITEMS_MAX);
    bench_close(b);
    pool_close(pool);
}

static void few_items_run_on_one_worker(void) {
    weir_pool *pool = pool_of(4);
    bench *b = bench_open(pool, 1024);
    b->options.batch = 4;
    b->options.parallel_after = 1024;
    bench_send(b, 1024);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_run(pool, b->queue, &b->options, &b->report), 0);
    CHECK_EQ(b->in_work_highest, 1);
    check_fates(b, 1024);
    bench_close(b);
    pool_close(pool);
}

// This looks at the clock to measure, not to wait: jobs of nothing would be
// many by then.
static void an_empty_queue_costs_nothing(void) {
    weir_pool *pool = pool_of(2);
    bench *b = bench_open(pool, 8);
    weir_drain *drain = NULL;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, &b->options), 0);
    while (counts_of(pool).succeeded == 0)
        sched_yield();
    uint64_t started = counts_of(pool).started;
    until(in_ms(300));
    CHECK(counts_of(pool).started - started < 10);
    weir_sender_drop(b->sender);
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &b->report), 0);
    weir_drain_destroy(drain);
    bench_close(b);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_item_is_delivered_once", every_item_is_delivered_once},
        {"ordered_results_come_in_the_order_of_the_queue",
         ordered_results_come_in_the_order_of_the_queue},
        {"results_may_be_of_no_size_and_go_nowhere",
         results_may_be_of_no_size_and_go_nowhere},
        {"two_drains_share_a_queue", two_drains_share_a_queue},
        {"w1_the_bound_covers_what_runs", w1_the_bound_covers_what_runs},
        {"w6_the_output_is_bounded", w6_the_output_is_bounded},
        {"in_flight_max_bounds_what_is_claimed",
         in_flight_max_bounds_what_is_claimed},
        {"w2_one_worker_is_enough", w2_one_worker_is_enough},
        {"a_worker_may_wait_for_a_drain", a_worker_may_wait_for_a_drain},
        {"w3_no_worker_waits_for_the_queue", w3_no_worker_waits_for_the_queue},
        {"w11_jobs_are_per_batch_and_counted",
         w11_jobs_are_per_batch_and_counted},
        {"few_items_run_on_one_worker", few_items_run_on_one_worker},
        {"an_empty_queue_costs_nothing", an_empty_queue_costs_nothing},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
