// SPDX-License-Identifier: MIT
// A drain: what is sent comes out in order, each item once, and it ends when
// the sender is gone, or is cancelled; no runner is missing when there is work.
#include "model/models/rooms.h"
#include "weir/stream.h"

static weir_queue *queue;
static weir_sender *sender;
static int worked[2];
static uint64_t delivered;
static unsigned dropped;

static void drop_item(void *context, void *item) {
    (void)context;
    (void)item;
    dropped++;
}

static int work(weir_worker *self, void *context, uint64_t sequence, void *item,
                void *result) {
    (void)self;
    (void)context;
    worked[sequence]++;
    *(int *)result = *(int *)item * 10;
    return 0;
}

static int deliver(weir_worker *self, void *context, uint64_t sequence,
                   void *results, size_t count) {
    (void)self;
    (void)context;
    for (size_t i = 0; i < count; i++) {
        MC_CHECK(sequence + i == delivered);
        MC_CHECK(((int *)results)[i] == (int)(sequence + i) * 10);
        delivered++;
    }
    return 0;
}

static void make_queue(weir_pool *pool, size_t capacity) {
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = capacity;
    options.dropped = drop_item;
    MC_CHECK(weir_queue_create(&queue, &sender, pool, &options) == 0);
}

static weir_drain *start(weir_pool *pool) {
    weir_drain_options options = WEIR_DRAIN_OPTIONS_INIT;
    options.work = work;
    options.deliver = deliver;
    options.result_size = sizeof(int);
    options.batch = 1;
    options.ordered = 1;
    weir_drain *drain = NULL;
    MC_CHECK(weir_drain_start(&drain, pool, queue, &options) == 0);
    return drain;
}

static int send_all(int count) {
    int sent = 0;
    int error = 0;
    for (int i = 0; error == 0 && i < count; i++) {
        error = weir_sender_send(sender, &i, WEIR_FOREVER);
        sent += error == 0;
    }
    MC_CHECK(error == 0 || error == -EPIPE);
    weir_sender_drop(sender);
    return sent;
}

static void items_come_out_in_order(int threads, size_t capacity) {
    weir_pool *pool = rooms_pool(threads, 0);
    make_queue(pool, capacity);
    weir_drain *drain = start(pool);
    MC_CHECK(send_all(2) == 2);
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_drain_wait(drain, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.status == 0 && report.delivered == 2 && delivered == 2);
    MC_CHECK(worked[0] == 1 && worked[1] == 1);
    weir_drain_destroy(drain);
    weir_queue_destroy(queue);
    weir_pool_destroy(pool);
}

static void one_worker_is_enough(void) { items_come_out_in_order(1, 1); }

static void two_workers_keep_the_order(void) { items_come_out_in_order(2, 2); }

static void a_cancelled_drain_loses_no_account(void) {
    weir_pool *pool = rooms_pool(1, 0);
    make_queue(pool, 1);
    weir_drain *drain = start(pool);
    int first = 0;
    int sent = weir_sender_send(sender, &first, WEIR_FOREVER) == 0;
    int error = weir_drain_cancel(drain);
    MC_CHECK(error == 0 || error == -EALREADY);
    weir_sender_drop(sender);
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_drain_wait(drain, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.failed == 0 && report.delivered == delivered);
    MC_CHECK(report.delivered + report.cancelled + dropped == (unsigned)sent);
    weir_drain_destroy(drain);
    weir_queue_destroy(queue);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(one_worker_is_enough, 1),
    BOUNDED(two_workers_keep_the_order, 1),
    BOUNDED(a_cancelled_drain_loses_no_account, 2),
    {.name = NULL},
};
