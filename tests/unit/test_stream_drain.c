// SPDX-License-Identifier: MIT
// Drains: exactly once, in order or not, bounded, with any number of workers,
// and truthful about what did not come through.
#include "support/stream.h"

// ---- a drain and what it did -----------------------------------------------

enum { ITEMS_MAX = 4096 };

typedef struct result {
    uint64_t item;
    uint64_t sequence;
} result;

typedef struct bench {
    weir_pool *pool;
    weir_queue *queue;
    weir_sender *sender;
    weir_drain_options options;
    weir_stream_report report;

    pthread_mutex_t lock;
    uint64_t items;  // sent
    uint64_t worked; // calls of work
    uint64_t deliver_calls;
    uint64_t next; // ordered: the sequence that must come next
    uint64_t out;  // results delivered
    uint64_t in_work, in_work_highest;
    uint8_t seen[ITEMS_MAX]; // delivered, by item
    uint8_t undelivered[ITEMS_MAX];
    uint8_t dropped[ITEMS_MAX];
    uint64_t dropped_count, undelivered_count;
    uint64_t fail_at, fail_at_2; // items
    uint64_t deliver_fails_at;   // sequence
    weir_event *hold;            // work waits for it
    weir_event *hold_deliver;    // deliver does, or what a test says
    weir_drain *drain;
    gate *gate;    // work waits here
    tally working; // calls of work that have begun
} bench;

static int bench_work(weir_worker *self, void *context, uint64_t sequence,
                      void *item, void *out) {
    bench *b = context;
    uint64_t value;
    memcpy(&value, item, sizeof(value));
    pthread_mutex_lock(&b->lock);
    b->worked++;
    if (++b->in_work > b->in_work_highest)
        b->in_work_highest = b->in_work;
    pthread_mutex_unlock(&b->lock);
    mark_set(&b->working);
    if (b->hold != NULL)
        CHECK_EQ(weir_event_wait(b->hold, WEIR_FOREVER, NULL), 0);
    if (b->gate != NULL)
        gate_pass(b->gate);
    if (value % 16 == 0)
        weir_yield(self);
    if (b->options.result_size > 0)
        *(result *)out = (result){.item = value, .sequence = sequence};
    pthread_mutex_lock(&b->lock);
    b->in_work--;
    pthread_mutex_unlock(&b->lock);
    return value == b->fail_at ? -EIO : value == b->fail_at_2 ? -EDOM : 0;
}

static int bench_deliver(weir_worker *self, void *context, uint64_t sequence,
                         void *results, size_t count) {
    (void)self;
    bench *b = context;
    const result *r = results;
    int status = 0;
    pthread_mutex_lock(&b->lock);
    b->deliver_calls++;
    CHECK(count > 0);
    if (b->options.ordered && b->options.on_error == WEIR_ON_ERROR_STOP)
        CHECK_EQ(sequence, b->next);
    if (b->options.ordered)
        CHECK(sequence >= b->next);
    b->next = sequence + count;
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(r[i].sequence, sequence + i);
        if (r[i].sequence == b->deliver_fails_at)
            status = -ENOSPC;
        CHECK_EQ(b->seen[r[i].item]++, 0);
    }
    if (status == 0)
        b->out += count;
    pthread_mutex_unlock(&b->lock);
    return status;
}

static void bench_undelivered(void *context, uint64_t sequence, void *out) {
    bench *b = context;
    const result *r = out;
    CHECK_EQ(r->sequence, sequence);
    pthread_mutex_lock(&b->lock);
    CHECK_EQ(b->undelivered[r->item]++, 0);
    b->undelivered_count++;
    pthread_mutex_unlock(&b->lock);
}

static void bench_dropped(void *context, void *item) {
    bench *b = context;
    uint64_t value;
    memcpy(&value, item, sizeof(value));
    pthread_mutex_lock(&b->lock);
    CHECK_EQ(b->dropped[value]++, 0);
    b->dropped_count++;
    pthread_mutex_unlock(&b->lock);
}

static bench *bench_open(weir_pool *pool, size_t capacity) {
    bench *b = calloc(1, sizeof(*b));
    CHECK(b != NULL);
    b->pool = pool;
    pthread_mutex_init(&b->lock, NULL);
    tally_init(&b->working);
    weir_queue_options queue = queue_options(capacity);
    queue.dropped = bench_dropped;
    queue.context = b;
    CHECK_EQ(weir_queue_create(&b->queue, &b->sender, pool, &queue), 0);
    b->options = (weir_drain_options)WEIR_DRAIN_OPTIONS_INIT;
    b->options.context = b;
    b->options.work = bench_work;
    b->options.deliver = bench_deliver;
    b->options.undelivered = bench_undelivered;
    b->options.result_size = sizeof(result);
    b->report = report_empty();
    b->fail_at = b->fail_at_2 = b->deliver_fails_at = UINT64_MAX;
    return b;
}

static void bench_close(bench *b) {
    weir_queue_destroy(b->queue);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void bench_send(bench *b, uint64_t count) {
    for (uint64_t i = 0; i < count; i++, b->items++)
        CHECK_EQ(weir_sender_try_send(b->sender, &b->items), 0);
}

// Every item that was sent has exactly one fate, and the report agrees.
static void check_fates(bench *b, uint64_t sent) {
    const weir_stream_report *r = &b->report;
    CHECK_EQ(r->delivered + r->failed + r->cancelled + r->never_started, sent);
    CHECK_EQ(r->delivered, b->options.deliver != NULL ? b->out : r->delivered);
    CHECK_EQ(r->never_started, b->dropped_count);
    CHECK_EQ(r->failed + r->cancelled + r->delivered, b->worked);
    for (uint64_t i = 0; i < sent; i++)
        CHECK(b->seen[i] + b->undelivered[i] + b->dropped[i] <= 1);
    weir_queue_counts counts = queue_counts(b->queue);
    CHECK_EQ(counts.claimed, 0);
    CHECK_EQ(counts.queued, 0);
    CHECK(counts.highest <= counts.capacity);
}

static int bench_produce(weir_worker *self, void *argument) {
    (void)self;
    bench *b = argument;
    for (uint64_t i = 0; i < b->items; i++) {
        int error = weir_sender_send(b->sender, &i, WEIR_FOREVER);
        if (error == -EPIPE) {
            b->items = i; // so many were taken
            break;
        }
        CHECK_EQ(error, 0);
    }
    weir_sender_drop(b->sender);
    return 0;
}

static void *bench_produce_thread(void *argument) {
    bench_produce(NULL, argument);
    return NULL;
}

// ---- exactly once ----------------------------------------------------------

static void drain_all(weir_pool *pool, size_t capacity, size_t batch,
                      int ordered, uint64_t items) {
    bench *b = bench_open(pool, capacity);
    b->options.batch = batch;
    b->options.ordered = ordered;
    b->items = items;
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
        for (int round = 0; round < 50; round++) {
            gate g;
            gate_init(&g);
            meeting all[4];
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

// ---- errors ----------------------------------------------------------------

static void w4_in_pool(weir_pool *pool) {
    bench *b = bench_open(pool, 32);
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
    for (int ordered = 0; ordered < 2; ordered++) {
        bench *b = bench_open(pool, 32);
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

static void cancel_in_pool(weir_pool *pool) {
    for (int ordered = 0; ordered < 2; ordered++) {
        bench *b = bench_open(pool, 64);
        b->options.work = cancel_work;
        b->options.ordered = ordered;
        b->options.batch = 2;
        CHECK_EQ(weir_drain_start(&b->drain, pool, b->queue, &b->options), 0);
        bench_send(b, 64);
        CHECK_EQ(weir_drain_wait(b->drain, WEIR_FOREVER, &b->report), 0);
        CHECK_EQ(weir_drain_cancel(b->drain), -EALREADY);
        CHECK_EQ(b->report.status, -ECANCELED);
        CHECK(b->report.delivered < 64);
        if (ordered)
            CHECK_EQ(b->report.error_sequence, b->report.delivered);
        CHECK_EQ(b->report.failed, 0);
        weir_drain_destroy(b->drain);
        weir_sender_drop(b->sender);
        check_fates(b, 64);
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
    CHECK_EQ(weir_drain_wait(drain, 0, NULL), -ETIMEDOUT);
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

static void bad_options_are_refused(void) {
    weir_pool *pool = pool_of(1);
    bench *b = bench_open(pool, 4);
    weir_drain *drain = NULL;
    weir_drain_options good = b->options;
    CHECK_EQ(weir_drain_start(&drain, pool, b->queue, NULL), -EINVAL);
    b->options.work = NULL;
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
        {"w11_jobs_are_per_batch_and_counted",
         w11_jobs_are_per_batch_and_counted},
        {"few_items_run_on_one_worker", few_items_run_on_one_worker},
        {"bad_options_are_refused", bad_options_are_refused},
        {"no_memory_changes_nothing", no_memory_changes_nothing},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
