// SPDX-License-Identifier: MIT
// The figures of the stream room, ours only: queue, drain, pipeline. Prints
// lines "name value unit": wall time, and as "name.cpu" the processor time of
// all threads together, each the best of --rounds runs.
//
//   bench_stream [--rounds N] [--only PREFIX]
#include "weir/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int rounds = 9;
static const char *only = "";

_Noreturn static void fail(const char *what, long long got) {
    fprintf(stderr, "bench_stream: %s: %lld\n", what, got);
    exit(1);
}

static void ok(const char *what, int error) {
    if (error != 0)
        fail(what, error);
}

static void expect(const char *what, uint64_t got, uint64_t wanted) {
    if (got != wanted)
        fail(what, (long long)got);
}

static bool wanted(const char *name) {
    return strncmp(name, only, strlen(only)) == 0;
}

static weir_pool *pool_of(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    weir_pool *pool;
    ok("pool", weir_pool_create(&pool, &options));
    return pool;
}

static int64_t cpu_ns(void) {
    struct timespec now;
    ok("clock", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print(const char *name, double value, const char *unit) {
    printf("%s %.2f %s\n", name, value, unit);
    fflush(stdout);
}

// Prints the best of all rounds, in nanoseconds per item, and returns it. The
// processor time is of the whole round, with what it prepares and takes down.
static double measure(const char *name, int64_t (*once)(void *), void *argument,
                      uint64_t items) {
    int64_t lowest = INT64_MAX;
    int64_t lowest_cpu = INT64_MAX;
    for (int i = 0; i < rounds; i++) {
        int64_t start = cpu_ns();
        int64_t took = once(argument);
        int64_t cpu = cpu_ns() - start;
        lowest = took < lowest ? took : lowest;
        lowest_cpu = cpu < lowest_cpu ? cpu : lowest_cpu;
    }
    char cpu_name[96];
    snprintf(cpu_name, sizeof(cpu_name), "%s.cpu", name);
    print(name, (double)lowest / (double)items, "ns/item");
    print(cpu_name, (double)lowest_cpu / (double)items, "ns/item");
    return (double)lowest / (double)items;
}

// ---- queue: one producer thread or several, one consumer thread ------------

enum { PRODUCERS_MAX = 4, BATCH_MAX = 256 };

typedef struct flow {
    weir_pool *pool;
    uint64_t items;
    size_t batch; // 1: one by one
    unsigned producers;
    bool shared; // weir_shared_sender, also with one producer
    size_t capacity;
    weir_sender *sender;
    weir_shared_sender *senders[PRODUCERS_MAX];
} flow;

typedef struct producer {
    flow *flow;
    unsigned number;
    pthread_t thread;
} producer;

static int send_some(const flow *f, unsigned number, const uint64_t *items,
                     size_t count) {
    size_t sent;
    if (!f->shared)
        return count == 1 ? weir_sender_send(f->sender, items, WEIR_FOREVER)
                          : weir_sender_send_batch(f->sender, items, count,
                                                   &sent, WEIR_FOREVER);
    weir_shared_sender *sender = f->senders[number];
    return count == 1 ? weir_shared_sender_send(sender, items, WEIR_FOREVER)
                      : weir_shared_sender_send_batch(sender, items, count,
                                                      &sent, WEIR_FOREVER);
}

static void *produce(void *argument) {
    producer *p = argument;
    flow *f = p->flow;
    uint64_t buffer[BATCH_MAX];
    uint64_t share = f->items / f->producers;
    for (uint64_t i = 0; i < share;) {
        size_t count = share - i < f->batch ? (size_t)(share - i) : f->batch;
        for (size_t j = 0; j < count; j++)
            buffer[j] = 1;
        ok("send", send_some(f, p->number, buffer, count));
        i += count;
    }
    if (f->shared)
        weir_shared_sender_drop(f->senders[p->number]);
    else
        weir_sender_drop(f->sender);
    return NULL;
}

static uint64_t consume(weir_queue *queue, size_t batch) {
    uint64_t sum = 0;
    uint64_t buffer[BATCH_MAX];
    for (;;) {
        size_t count = 1;
        int error = batch == 1
                        ? weir_queue_receive(queue, buffer, WEIR_FOREVER)
                        : weir_queue_receive_batch(queue, buffer, BATCH_MAX,
                                                   &count, WEIR_FOREVER);
        if (error == -EPIPE)
            return sum;
        ok("receive", error);
        for (size_t i = 0; i < count; i++)
            sum += buffer[i];
    }
}

static int64_t flow_once(void *argument) {
    flow *f = argument;
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = f->capacity;
    weir_queue *queue;
    if (f->shared)
        ok("queue",
           weir_queue_create_shared(&queue, &f->senders[0], f->pool, &options));
    else
        ok("queue", weir_queue_create(&queue, &f->sender, f->pool, &options));
    producer producers[PRODUCERS_MAX];
    for (unsigned i = 1; i < f->producers; i++)
        ok("clone", weir_shared_sender_clone(f->senders[0], &f->senders[i]));
    int64_t start = weir_now_ns();
    for (unsigned i = 0; i < f->producers; i++) {
        producers[i] = (producer){.flow = f, .number = i};
        ok("thread",
           pthread_create(&producers[i].thread, NULL, produce, &producers[i]));
    }
    uint64_t sum = consume(queue, f->batch);
    int64_t took = weir_now_ns() - start;
    for (unsigned i = 0; i < f->producers; i++)
        ok("join", pthread_join(producers[i].thread, NULL));
    expect("items received", sum, f->items / f->producers * f->producers);
    weir_queue_destroy(queue);
    return took;
}

static void bench_flow(weir_pool *pool, const char *name, uint64_t items,
                       size_t batch, unsigned producers, bool shared) {
    if (!wanted(name))
        return;
    flow f = {.pool = pool,
              .items = items,
              .batch = batch,
              .producers = producers,
              .shared = shared,
              .capacity = 4096};
    (void)measure(name, flow_once, &f, items);
}

// ---- queue on one thread: what the calls themselves cost -------------------

static int64_t alone_once(void *argument) {
    flow *f = argument;
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = f->capacity;
    weir_queue *queue;
    weir_sender *sender;
    ok("queue", weir_queue_create(&queue, &sender, f->pool, &options));
    uint64_t sum = 0;
    int64_t start = weir_now_ns();
    for (uint64_t i = 0; i < f->items;) {
        size_t fit = f->capacity;
        for (size_t j = 0; j < fit; j++)
            ok("send", weir_sender_try_send(sender, &i));
        uint64_t item;
        for (size_t j = 0; j < fit; j++) {
            ok("receive", weir_queue_try_receive(queue, &item));
            sum++;
        }
        i += fit;
    }
    int64_t took = weir_now_ns() - start;
    expect("items", sum, f->items);
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    return took;
}

// ---- drain: E4, three collectors, about 10 ns of work per item -------------

enum { SHARDS_MAX = 64 };

// About ten nanoseconds when called in a loop: see drain.plain_loop.
static uint64_t ten_ns(uint64_t x) {
    for (int i = 0; i < 20; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

typedef enum collector {
    PER_THREAD, // vectors by worker index, joined at the end
    SHARDS,     // a lock per worker, taken for each result
    CHANNEL,    // every result through one queue
} collector;

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    uint64_t *results;
    size_t count;
} shard;

typedef struct draining {
    weir_pool *pool;
    uint64_t items;
    collector collector;
    bool ordered;
    bool by_item; // a call of work per item
    size_t batch;
    shard shards[SHARDS_MAX];
    weir_shared_sender *results;
    uint64_t *joined;
    uint64_t *input;
} draining;

static int drain_work(weir_worker *self, void *context, uint64_t sequence,
                      void *item, void *result) {
    (void)self;
    (void)context;
    (void)sequence;
    uint64_t value;
    memcpy(&value, item, sizeof(value));
    value = ten_ns(value) | 1;
    memcpy(result, &value, sizeof(value));
    return 0;
}

static int drain_work_batch(weir_worker *self, void *context, uint64_t sequence,
                            void *items, void *results, size_t count,
                            size_t *done) {
    (void)done;
    for (size_t i = 0; i < count; i++)
        (void)drain_work(self, context, sequence + i, (uint64_t *)items + i,
                         (uint64_t *)results + i);
    return 0;
}

static int drain_deliver(weir_worker *self, void *context, uint64_t sequence,
                         void *results, size_t count) {
    draining *d = context;
    (void)sequence;
    const uint64_t *values = results;
    shard *s = &d->shards[weir_worker_index(self)];
    if (d->collector == PER_THREAD) {
        memcpy(s->results + s->count, values, count * sizeof(*values));
        s->count += count;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (d->collector == CHANNEL) {
            int error =
                weir_shared_sender_send(d->results, &values[i], WEIR_FOREVER);
            if (error != 0)
                return error;
            continue;
        }
        pthread_mutex_lock(&s->lock);
        s->results[s->count++] = values[i];
        pthread_mutex_unlock(&s->lock);
    }
    return 0;
}

static void *collect(void *argument) {
    weir_queue *queue = argument;
    uint64_t *count = malloc(sizeof(*count));
    *count = 0;
    uint64_t buffer[BATCH_MAX];
    size_t got;
    while (weir_queue_receive_batch(queue, buffer, BATCH_MAX, &got,
                                    WEIR_FOREVER) == 0)
        *count += got;
    return count;
}

// The items are in the queue before the clock starts, as in the figures this
// is compared with; joining the vectors is inside.
static int64_t drain_once(void *argument) {
    draining *d = argument;
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = d->items;
    weir_queue *queue;
    weir_sender *sender;
    ok("queue", weir_queue_create(&queue, &sender, d->pool, &options));
    size_t sent;
    ok("send",
       weir_sender_send_batch(sender, d->input, d->items, &sent, WEIR_FOREVER));
    weir_sender_drop(sender);
    for (unsigned i = 0; i < SHARDS_MAX; i++)
        d->shards[i].count = 0;

    weir_queue *channel = NULL;
    pthread_t collecting;
    options.capacity = 4096;
    if (d->collector == CHANNEL) {
        ok("channel",
           weir_queue_create_shared(&channel, &d->results, d->pool, &options));
        ok("thread", pthread_create(&collecting, NULL, collect, channel));
    }
    weir_drain_options drain = WEIR_DRAIN_OPTIONS_INIT;
    drain.context = d;
    if (d->by_item)
        drain.work = drain_work;
    else
        drain.work_batch = drain_work_batch;
    drain.deliver = drain_deliver;
    drain.result_size = sizeof(uint64_t);
    drain.batch = d->batch;
    drain.ordered = d->ordered;
    // As many as keep all workers busy: a window, not the whole input.
    drain.in_flight_max = d->batch * 4 * weir_pool_width(d->pool);
    weir_stream_report report = {.size = sizeof(report)};
    int64_t start = weir_now_ns();
    ok("drain", weir_drain_run(d->pool, queue, &drain, &report));
    uint64_t joined = 0;
    if (d->collector == CHANNEL) {
        weir_shared_sender_drop(d->results);
        uint64_t *count;
        ok("join", pthread_join(collecting, (void **)&count));
        joined = *count;
        free(count);
    } else {
        for (unsigned i = 0; i < SHARDS_MAX; i++) {
            memcpy(d->joined + joined, d->shards[i].results,
                   d->shards[i].count * sizeof(uint64_t));
            joined += d->shards[i].count;
        }
    }
    int64_t took = weir_now_ns() - start;
    expect("results", joined, d->items);
    expect("delivered", report.delivered, d->items);
    if (channel != NULL)
        weir_queue_destroy(channel);
    weir_queue_destroy(queue);
    return took;
}

static void *room_for(uint64_t items) {
    // Touched once, so that no round pays for fresh pages.
    void *memory = malloc(items * sizeof(uint64_t));
    if (memory == NULL)
        fail("memory", (long long)items);
    memset(memory, 1, items * sizeof(uint64_t));
    return memory;
}

static void bench_drain(int threads, uint64_t items, collector how,
                        bool ordered, bool by_item, const char *name) {
    if (!wanted(name))
        return;
    draining d = {.pool = pool_of(threads),
                  .items = items,
                  .collector = how,
                  .ordered = ordered,
                  .by_item = by_item,
                  .batch = 256};
    for (unsigned i = 0; i < SHARDS_MAX; i++) {
        ok("lock", pthread_mutex_init(&d.shards[i].lock, NULL));
        if (i < weir_pool_index_limit(d.pool))
            d.shards[i].results = room_for(items);
        else
            d.shards[i].results = NULL;
    }
    d.joined = room_for(items);
    d.input = room_for(items);
    (void)measure(name, drain_once, &d, items);
    for (unsigned i = 0; i < SHARDS_MAX; i++)
        free(d.shards[i].results);
    free(d.joined);
    free(d.input);
    weir_pool_destroy(d.pool);
}

// The same work in a plain loop on one thread, called as a drain calls it: what
// an item costs by itself.
static int64_t loop_once(void *argument) {
    draining *d = argument;
    int (*volatile work)(weir_worker *, void *, uint64_t, void *, void *) =
        drain_work;
    int64_t start = weir_now_ns();
    for (uint64_t i = 0; i < d->items; i++)
        work(NULL, NULL, i, &d->input[i], &d->joined[i]);
    return weir_now_ns() - start;
}

static void bench_drains(void) {
    static const int widths[] = {2, 4, 8, 16};
    static const uint64_t sizes[] = {10000, 100000};
    static const char *names[] = {"per_thread", "shards", "channel"};
    for (size_t s = 0; s < 2; s++)
        for (size_t w = 0; w < 4; w++) {
            char name[80];
            for (int how = PER_THREAD; how <= CHANNEL; how++) {
                snprintf(name, sizeof(name), "drain.%s.%dk.t%d", names[how],
                         (int)(sizes[s] / 1000), widths[w]);
                bench_drain(widths[w], sizes[s], (collector)how, false, false,
                            name);
            }
            snprintf(name, sizeof(name), "drain.ordered.%dk.t%d",
                     (int)(sizes[s] / 1000), widths[w]);
            bench_drain(widths[w], sizes[s], PER_THREAD, true, false, name);
            snprintf(name, sizeof(name), "drain.by_item.%dk.t%d",
                     (int)(sizes[s] / 1000), widths[w]);
            bench_drain(widths[w], sizes[s], PER_THREAD, false, true, name);
        }
    draining d = {.items = 100000};
    d.input = room_for(d.items);
    d.joined = room_for(d.items);
    if (wanted("drain.plain_loop"))
        (void)measure("drain.plain_loop", loop_once, &d, d.items);
    free(d.input);
    free(d.joined);
}

// ---- dispatch: E6, against a plain synchronous channel ---------------------

typedef struct plain {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool full;
    bool ended;
    uint64_t item;
    uint64_t items;
} plain;

static void *plain_produce(void *argument) {
    plain *p = argument;
    for (uint64_t i = 0; i < p->items; i++) {
        pthread_mutex_lock(&p->lock);
        while (p->full)
            pthread_cond_wait(&p->changed, &p->lock);
        p->item = i;
        p->full = true;
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_lock(&p->lock);
    while (p->full)
        pthread_cond_wait(&p->changed, &p->lock);
    p->ended = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

// A slot of one item between two threads: each item is handed over in person.
static int64_t plain_once(void *argument) {
    plain *p = argument;
    p->full = p->ended = false;
    uint64_t got = 0;
    pthread_t thread;
    int64_t start = weir_now_ns();
    ok("thread", pthread_create(&thread, NULL, plain_produce, p));
    pthread_mutex_lock(&p->lock);
    while (!p->ended) {
        if (p->full) {
            got++;
            p->full = false;
            pthread_cond_signal(&p->changed);
        }
        if (!p->ended && !p->full)
            pthread_cond_wait(&p->changed, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    ok("join", pthread_join(thread, NULL));
    int64_t took = weir_now_ns() - start;
    expect("handed over", got, p->items);
    return took;
}

static int nothing(weir_worker *self, void *context, uint64_t sequence,
                   void *item, void *result) {
    (void)self;
    (void)context;
    (void)sequence;
    (void)item;
    (void)result;
    return 0;
}

typedef struct dispatch {
    weir_pool *pool;
    uint64_t items;
    size_t batch;
} dispatch;

static void *dispatch_produce(void *argument) {
    producer *p = argument;
    return produce(p);
}

// Items go from a thread through a queue to a drain that does nothing.
static int64_t dispatch_once(void *argument) {
    dispatch *d = argument;
    flow f = {.pool = d->pool,
              .items = d->items,
              .batch = d->batch,
              .producers = 1,
              .capacity = 1024};
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = f.capacity;
    weir_queue *queue;
    ok("queue", weir_queue_create(&queue, &f.sender, d->pool, &options));
    weir_drain_options drain = WEIR_DRAIN_OPTIONS_INIT;
    drain.work = nothing;
    producer p = {.flow = &f};
    weir_stream_report report = {.size = sizeof(report)};
    int64_t start = weir_now_ns();
    ok("thread", pthread_create(&p.thread, NULL, dispatch_produce, &p));
    ok("drain", weir_drain_run(d->pool, queue, &drain, &report));
    int64_t took = weir_now_ns() - start;
    ok("join", pthread_join(p.thread, NULL));
    expect("delivered", report.delivered, d->items);
    weir_queue_destroy(queue);
    return took;
}

static void bench_dispatch(weir_pool *pool) {
    plain p = {.items = 100000};
    ok("lock", pthread_mutex_init(&p.lock, NULL));
    ok("cond", pthread_cond_init(&p.changed, NULL));
    if (wanted("dispatch.plain_channel"))
        (void)measure("dispatch.plain_channel", plain_once, &p, p.items);
    dispatch d = {.pool = pool, .items = 100000, .batch = 1};
    if (wanted("dispatch.drain.one_by_one"))
        (void)measure("dispatch.drain.one_by_one", dispatch_once, &d, d.items);
    d.batch = 64;
    if (wanted("dispatch.drain.batch64"))
        (void)measure("dispatch.drain.batch64", dispatch_once, &d, d.items);
}

// ---- pipeline: three real stages, one token = one item ---------------------

typedef struct piped {
    weir_pool *pool;
    uint64_t items;
    size_t batch;
    uint64_t sum;
} piped;

static int pipe_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    piped *p = context;
    uint64_t *data = weir_token_data(token);
    *data = weir_token_sequence(token);
    return *data == p->items ? WEIR_STAGE_END : 0;
}

static int pipe_work(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    uint64_t *data = weir_token_data(token);
    *data = ten_ns(*data);
    return 0;
}

static int pipe_sink(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    piped *p = context;
    const uint64_t *data = weir_token_data(token);
    p->sum = p->sum * 31 + *data;
    return 0;
}

static int64_t pipe_once(void *argument) {
    piped *p = argument;
    const weir_stage stages[] = {
        {"source", WEIR_STAGE_SERIAL_IN_ORDER, pipe_source},
        {"work", WEIR_STAGE_PARALLEL, pipe_work},
        {"sink", WEIR_STAGE_SERIAL_IN_ORDER, pipe_sink},
    };
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = 3;
    options.context = p;
    options.batch = p->batch;
    options.tokens_max = p->batch * 8 * weir_pool_width(p->pool);
    options.token_size = sizeof(uint64_t);
    weir_pipeline *pipeline;
    ok("pipeline", weir_pipeline_create(&pipeline, p->pool, &options));
    weir_stream_report report = {.size = sizeof(report)};
    p->sum = 0;
    int64_t start = weir_now_ns();
    ok("run", weir_pipeline_run(pipeline, &report));
    int64_t took = weir_now_ns() - start;
    expect("delivered", report.delivered, p->items);
    uint64_t sum = 0;
    static uint64_t known_items, known_sum;
    if (known_items != p->items) {
        for (uint64_t i = 0; i < p->items; i++)
            sum = sum * 31 + ten_ns(i);
        known_items = p->items;
        known_sum = sum;
    }
    expect("the sum of a plain loop", p->sum, known_sum);
    weir_pipeline_destroy(pipeline);
    return took;
}

static void bench_pipelines(weir_pool *pool) {
    static const size_t batches[] = {1, 16, 256};
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof(name), "pipeline.batch%zu", batches[i]);
        if (!wanted(name))
            continue;
        piped p = {.pool = pool, .items = 500000, .batch = batches[i]};
        double ns = measure(name, pipe_once, &p, p.items);
        char rate[80];
        snprintf(rate, sizeof(rate), "%s.rate", name);
        print(rate, 1e3 / ns, "million/s");
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            rounds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
    }
    weir_pool *pool = pool_of(2);
    bench_flow(pool, "queue.sp.1p.one_by_one", 1000000, 1, 1, false);
    bench_flow(pool, "queue.sp.1p.batch64", 4000000, 64, 1, false);
    bench_flow(pool, "queue.sp.1p.batch256", 4000000, 256, 1, false);
    bench_flow(pool, "queue.mp.1p.one_by_one", 1000000, 1, 1, true);
    bench_flow(pool, "queue.mp.2p.one_by_one", 1000000, 1, 2, true);
    bench_flow(pool, "queue.mp.3p.one_by_one", 1000000, 1, 3, true);
    bench_flow(pool, "queue.mp.4p.one_by_one", 1000000, 1, 4, true);
    bench_flow(pool, "queue.mp.1p.batch64", 4000000, 64, 1, true);
    bench_flow(pool, "queue.mp.4p.batch64", 4000000, 64, 4, true);
    bench_flow(pool, "e5.sp.1p.100k", 100000, 1, 1, false);
    bench_flow(pool, "e5.mp.4p.100k", 100000, 1, 4, true);
    if (wanted("queue.alone")) {
        flow f = {.pool = pool, .items = 1 << 20, .capacity = 4096};
        (void)measure("queue.alone.send_and_receive", alone_once, &f, f.items);
    }
    bench_drains();
    bench_dispatch(pool);
    bench_pipelines(pool);
    weir_pool_destroy(pool);
    return 0;
}
