// SPDX-License-Identifier: MIT
// A drain for tests, that keeps account of every item's fate.
#ifndef TEST_DRAIN_H
#define TEST_DRAIN_H

#include "support/stream.h"

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

static inline int bench_work(weir_worker *self, void *context,
                             uint64_t sequence, void *item, void *out) {
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

static inline int bench_work_batch(weir_worker *self, void *context,
                                   uint64_t sequence, void *items,
                                   void *results, size_t count, size_t *done) {
    for (size_t i = 0; i < count; i++) {
        int status = bench_work(self, context, sequence + i,
                                (uint64_t *)items + i, (result *)results + i);
        if (status != 0) {
            *done = i;
            return status;
        }
    }
    return 0;
}

static inline int bench_deliver(weir_worker *self, void *context,
                                uint64_t sequence, void *results,
                                size_t count) {
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

static inline void bench_undelivered(void *context, uint64_t sequence,
                                     void *out) {
    bench *b = context;
    const result *r = out;
    CHECK_EQ(r->sequence, sequence);
    pthread_mutex_lock(&b->lock);
    CHECK_EQ(b->undelivered[r->item]++, 0);
    b->undelivered_count++;
    pthread_mutex_unlock(&b->lock);
}

static inline void bench_dropped(void *context, void *item) {
    bench *b = context;
    uint64_t value;
    memcpy(&value, item, sizeof(value));
    pthread_mutex_lock(&b->lock);
    CHECK_EQ(b->dropped[value]++, 0);
    b->dropped_count++;
    pthread_mutex_unlock(&b->lock);
}

static inline bench *bench_open(weir_pool *pool, size_t capacity) {
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

static inline void bench_by_batch(bench *b) {
    b->options.work = NULL;
    b->options.work_batch = bench_work_batch;
}

static inline void bench_close(bench *b) {
    weir_queue_destroy(b->queue);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static inline void bench_send(bench *b, uint64_t count) {
    for (uint64_t i = 0; i < count; i++, b->items++)
        CHECK_EQ(weir_sender_try_send(b->sender, &b->items), 0);
}

// Every item that was sent has exactly one fate, and the report agrees.
static inline void check_fates(bench *b, uint64_t sent) {
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

static inline int bench_produce(weir_worker *self, void *argument) {
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

static inline void *bench_produce_thread(void *argument) {
    bench_produce(NULL, argument);
    return NULL;
}

#endif // TEST_DRAIN_H
