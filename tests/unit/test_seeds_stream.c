// SPDX-License-Identifier: MIT
// Drains and pipelines under many seeds: items that fail, both policies,
// cancels, small queues. What is delivered is what one worker would deliver.
#include "support/seeds.h"
#include "support/stream.h"

enum { ITEMS = 60 };

typedef struct session {
    weir_queue *queue;
    weir_sender *sender;
    uint64_t items, next; // to be sent; delivered in order so far
    int fails[ITEMS];
    int is_skipping;
    int closed; // the sender was told so
    uint64_t delivered[ITEMS];
    int worked[ITEMS], undelivered[ITEMS], dropped;
} session;

static session s;

static uint64_t first_failure(void) {
    for (uint64_t i = 0; i < s.items; i++)
        if (s.fails[i])
            return i;
    return UINT64_MAX;
}

static int send_all(weir_worker *self, void *argument) {
    (void)argument;
    for (uint64_t i = 0; i < s.items && !s.closed; i++) {
        int error = weir_sender_send(s.sender, &i, WEIR_FOREVER);
        SAY("item %llu is sent: %d", (unsigned long long)i, error);
        CHECK(error == 0 || error == -EPIPE);
        s.closed = error != 0;
        weir_yield(self);
    }
    weir_sender_drop(s.sender);
    return 0;
}

static int item_work(weir_worker *self, void *context, uint64_t sequence,
                     void *item, void *result) {
    (void)context;
    uint64_t number = 0;
    memcpy(&number, item, sizeof(number));
    CHECK_EQ(number, sequence);
    CHECK_EQ(s.worked[number]++, 0);
    weir_yield(self);
    if (s.fails[number])
        return -(int)(number % 30) - 1;
    memcpy(result, &number, sizeof(number));
    return 0;
}

static int deliver(weir_worker *self, void *context, uint64_t sequence,
                   void *results, size_t count) {
    (void)self;
    (void)context;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 0;
        memcpy(&number, (char *)results + i * sizeof(number), sizeof(number));
        if (!s.is_skipping)
            CHECK_EQ(number, sequence + i);
        CHECK(s.next == 0 || s.delivered[s.next - 1] < number); // in order
        s.delivered[s.next++] = number;
    }
    return 0;
}

static void undelivered(void *context, uint64_t sequence, void *result) {
    (void)context;
    (void)result;
    CHECK_EQ(s.undelivered[sequence]++, 0);
}

static void dropped(void *context, void *item) {
    (void)context;
    (void)item;
    s.dropped++;
}

static void check_report(const weir_stream_report *report, int cancelled) {
    uint64_t failure = first_failure();
    SAY("status %d at %llu, %llu delivered", report->status,
        (unsigned long long)report->error_sequence,
        (unsigned long long)report->delivered);
    CHECK_EQ(report->delivered, s.next);
    if (!cancelled) {
        CHECK_EQ(report->status,
                 failure == UINT64_MAX ? 0 : -(int)(failure % 30) - 1);
        if (failure != UINT64_MAX)
            CHECK_EQ(report->error_sequence, failure);
    }
    uint64_t at = 0;
    for (uint64_t i = 0; i < s.items && at < s.next; i++) {
        if (s.fails[i] && s.is_skipping)
            continue;
        CHECK_EQ(s.delivered[at++], i); // none is left out
    }
    if (!cancelled && (s.is_skipping || failure == UINT64_MAX)) {
        uint64_t good = 0;
        for (uint64_t i = 0; i < s.items; i++)
            good += !s.fails[i];
        CHECK_EQ(s.next, good);
    } else if (!cancelled) {
        CHECK_EQ(s.next, failure);
    }
}

static void draw(weir_pool *pool) {
    memset(&s, 0, sizeof(s));
    s.items = seed_below(ITEMS + 1);
    s.is_skipping = seed_one_in(2);
    for (uint64_t i = 0; i < s.items; i++)
        s.fails[i] = seed_one_in(20);
    weir_queue_options options = queue_options(1 + seed_below(12));
    options.dropped = dropped;
    CHECK_EQ(weir_queue_create(&s.queue, &s.sender, pool, &options), 0);
}

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    draw(pool);
    weir_drain_options how = WEIR_DRAIN_OPTIONS_INIT;
    how.work = item_work;
    how.deliver = deliver;
    how.undelivered = undelivered;
    how.result_size = sizeof(uint64_t);
    how.batch = 1 + seed_below(5);
    how.parallel_after = seed_below(4);
    how.ordered = 1;
    how.on_error = s.is_skipping ? WEIR_ON_ERROR_SKIP : WEIR_ON_ERROR_STOP;
    actor sender;
    weir_drain *drain = NULL;
    act(pool, &sender, send_all, NULL);
    CHECK_EQ(weir_drain_start(&drain, pool, s.queue, &how), 0);
    int cancelled = seed_one_in(4);
    if (cancelled) {
        for (uint64_t i = seed_below(100); i > 0; i--)
            (void)weir_pool_step(pool);
        int error = weir_drain_cancel(drain);
        SAY("it is cancelled: %d", error);
        CHECK(error == 0 || error == -EALREADY);
    }
    weir_stream_report report = report_empty();
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &report), 0);
    wait_idle(pool);
    check_report(&report, cancelled);
    weir_drain_destroy(drain);
    weir_queue_destroy(s.queue);
    // Each item that succeeded was delivered or given back.
    for (uint64_t i = 0, at = 0; i < s.items; i++) {
        int was = at < s.next && s.delivered[at] == i;
        at += (uint64_t)was;
        CHECK_EQ(s.worked[i] && !s.fails[i], was + s.undelivered[i]);
    }
}

SEEDS_MAIN("stream", scenario, 1500 / TEST_SMALLER)
