// SPDX-License-Identifier: MIT
// Each room is created, used and destroyed while one attempt after the other
// of what the system may refuse fails: the documented error, nothing left,
// nothing changed, and the same succeeds afterwards. What single calls leave
// unchanged is tested in their own rooms; tests/faults.md has the table.
#include "support/faults.h"

#include "os/os.h"
#include "weir/cache.h"
#include "weir/frontier.h"
#include "weir/loop.h"
#include "weir/observe.h"
#include "weir/parallel.h"
#include "weir/stream.h"

#include <fcntl.h>

// TRY leaves to `out` with the error of a call.
#define TRY(call)                                                              \
    do {                                                                       \
        if ((error = (call)) != 0)                                             \
            goto out;                                                          \
    } while (0)

enum { THREADLESS = 1u << WR_FAULT_THREAD };

// ---- pool and parallel -----------------------------------------------------

typedef struct summing {
    weir_fork fork;
    int n;
    long result;
} summing;

static void sum_run(weir_worker *self, weir_fork *fork) {
    summing *s = (summing *)fork;
    if (s->n < 2) {
        s->result = s->n;
        return;
    }
    summing right = {.n = s->n - 2}, left = {.n = s->n - 1};
    weir_fork_begin(self, &right.fork, sum_run);
    sum_run(self, &left.fork);
    weir_fork_join(self, &right.fork, sum_run);
    s->result = left.result + right.result;
}

static int leaf(weir_worker *self, void *context, size_t from, size_t to,
                void *partial) {
    (void)self;
    (void)context;
    *(uint64_t *)partial = 0;
    for (size_t i = from; i < to; i++)
        *(uint64_t *)partial += i;
    return 0;
}

static void combine(void *context, void *left, const void *right) {
    (void)context;
    *(uint64_t *)left += *(const uint64_t *)right;
}

static int range_body(weir_worker *self, void *context, size_t from,
                      size_t to) {
    (void)self;
    unsigned char *bytes = context;
    for (size_t i = from; i < to; i++)
        bytes[i]++;
    return 0;
}

// All that a worker may ask for.
static int pool_body(weir_worker *self, void *argument) {
    (void)argument;
    summing s = {.n = 12};
    sum_run(self, &s.fork);
    CHECK_EQ(s.result, 144);
    uint64_t sum = 0;
    const weir_reduction reduction = {sizeof(sum), leaf, combine, NULL, NULL};
    CHECK_EQ(weir_parallel_reduce(self, 0, 1000, &reduction, &sum), 0);
    CHECK_EQ(sum, 499500);
    unsigned char bytes[500] = {0};
    CHECK_EQ(weir_parallel_for(self, 0, sizeof(bytes), range_body, bytes), 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], 1);
    work children[10];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 10; i++) {
        children[i] = work_of(0);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    for (int i = 0; i < 10; i++)
        check_ran(&children[i], 0);
    int lent = weir_blocking_begin(self);
    CHECK(lent == 0 || lent == -EAGAIN);
    if (lent == 0)
        weir_blocking_end(self);
    return 0;
}

static void broadcast_body(weir_worker *self, void *argument) {
    (void)self;
    tally_add(argument);
}

// `error` is that of weir_run alone: nothing else here may fail.
static int pool_use(weir_pool *pool, int is_deterministic) {
    work w = work_of(0), attached = work_of(0);
    weir_event event;
    weir_event_init(&event, pool, 1);
    CHECK_EQ(weir_event_attach(&event, NULL, &attached.job), 0);
    CHECK_EQ(weir_submit_wait(pool, &w.job, WEIR_FOREVER), 0);
    int status = 77;
    int error = weir_run(pool, pool_body, NULL, &status);
    CHECK_EQ(status, error == 0 ? 0 : 77);
    tally told;
    tally_init(&told);
    if (!is_deterministic) {
        CHECK_EQ(weir_broadcast(pool, broadcast_body, &told), 0);
        CHECK_EQ(tally_get(&told), weir_pool_width(pool));
    }
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    check_ran(&w, 0);
    check_ran(&attached, 0);
    return error;
}

static int pool_scenario(void *context) {
    int is_deterministic = context != NULL;
    weir_budget *budget = NULL;
    weir_trace *trace = NULL;
    weir_pool *pool = NULL;
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = is_deterministic ? 0 : 3;
    options.virtual_workers = is_deterministic ? 3 : 0;
    options.jobs_max = 10;
    options.measure = 1;
    options.pinning = is_deterministic ? WEIR_PIN_NONE : WEIR_PIN_COMPACT;
    int error = 0;
    TRY(weir_trace_create(&trace, NULL));
    options.trace = trace;
    if (!is_deterministic) {
        TRY(weir_budget_create(&budget, 2));
        options.budget = budget;
    }
    error = weir_pool_create(&pool, &options);
    CHECK_EQ(pool == NULL, error != 0);
    if (error == 0) {
        weir_trace_start(trace);
        error = pool_use(pool, is_deterministic);
        weir_pool_counts counts = counts_of(pool);
        CHECK_EQ(counts.queued + counts.attached + counts.running, 0);
        pool_close(pool);
    }
out:
    weir_budget_destroy(budget);
    weir_trace_destroy(trace);
    return error;
}

static void a_pool_with_all_options(void) {
    const fault_scenario s = {pool_scenario, NULL, {-ENOMEM, -EAGAIN}, 0};
    faults_sweep(&s);
}

static void a_deterministic_pool(void) {
    static int yes;
    const fault_scenario s = {pool_scenario, &yes, {-ENOMEM}, 0};
    faults_sweep(&s);
}

// ---- stream ----------------------------------------------------------------

static int queue_scenario(void *context) {
    weir_pool *pool = context;
    weir_queue *queue = NULL, *shared = NULL;
    weir_sender *sender = NULL;
    weir_shared_sender *one = NULL, *two = NULL;
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = 8;
    int error = 0, item = 5, got = 0;
    error = weir_queue_create(&queue, &sender, pool, &options);
    CHECK((queue == NULL && sender == NULL) == (error != 0));
    TRY(error);
    CHECK_EQ(weir_sender_send(sender, &item, WEIR_FOREVER), 0);
    CHECK_EQ(weir_queue_receive(queue, &got, WEIR_FOREVER), 0);
    CHECK_EQ(got, 5);
    error = weir_queue_create_shared(&shared, &one, pool, &options);
    CHECK((shared == NULL && one == NULL) == (error != 0));
    TRY(error);
    error = weir_shared_sender_clone(one, &two);
    CHECK_EQ(two == NULL, error != 0);
    weir_queue_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_queue_count(shared, &counts), 0);
    CHECK_EQ(counts.senders, error == 0 ? 2 : 1);
    TRY(error);
    CHECK_EQ(weir_shared_sender_try_send(two, &item), 0);
    CHECK_EQ(weir_queue_try_receive(shared, &got), 0);
out:
    weir_sender_drop(sender);
    weir_shared_sender_drop(one);
    weir_shared_sender_drop(two);
    weir_queue_destroy(queue);
    weir_queue_destroy(shared);
    return error;
}

static int drain_work(weir_worker *self, void *context, uint64_t sequence,
                      void *item, void *result) {
    (void)self;
    (void)context;
    CHECK_EQ(*(int *)item, (int)sequence);
    *(int *)result = *(int *)item * 2;
    return 0;
}

static int drain_deliver(weir_worker *self, void *context, uint64_t sequence,
                         void *results, size_t count) {
    (void)self;
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(((int *)results)[i], (int)(sequence + i) * 2);
    *(uint64_t *)context += count;
    return 0;
}

static int drain_scenario(void *context) {
    weir_pool *pool = context;
    weir_queue *queue = NULL;
    weir_sender *sender = NULL;
    weir_drain *drain = NULL;
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = 32;
    uint64_t delivered = 0;
    weir_drain_options how = WEIR_DRAIN_OPTIONS_INIT;
    how.context = &delivered;
    how.work = drain_work;
    how.deliver = drain_deliver;
    how.result_size = sizeof(int);
    how.batch = 4;
    how.ordered = 1;
    int error = 0;
    TRY(weir_queue_create(&queue, &sender, pool, &options));
    for (int i = 0; i < 20; i++)
        CHECK_EQ(weir_sender_try_send(sender, &i), 0);
    error = weir_drain_start(&drain, pool, queue, &how);
    CHECK_EQ(drain == NULL, error != 0);
    weir_queue_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_queue_count(queue, &counts), 0);
    if (error != 0)
        CHECK_EQ(counts.queued, 20); // nothing has changed
    weir_sender_drop(sender);
    sender = NULL;
    TRY(error);
    weir_stream_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_drain_wait(drain, WEIR_FOREVER, &report), 0);
    CHECK_EQ(report.status, 0);
    CHECK_EQ(delivered, 20);
out:
    weir_drain_destroy(drain);
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    return error;
}

static int stage_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    return weir_token_sequence(token) < 50 ? 0 : WEIR_STAGE_END;
}

static int stage_count(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    uint64_t *count = context;
    CHECK_EQ(weir_token_sequence(token), *count);
    ++*count;
    return 0;
}

static int pipeline_scenario(void *context) {
    weir_pool *pool = context;
    static const weir_stage stages[] = {
        {"source", WEIR_STAGE_SERIAL_IN_ORDER, stage_source},
        {"count", WEIR_STAGE_SERIAL_IN_ORDER, stage_count},
    };
    uint64_t count = 0;
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = 2;
    options.context = &count;
    options.token_size = 8;
    weir_pipeline *pipeline = NULL;
    int error = weir_pipeline_create(&pipeline, pool, &options);
    CHECK_EQ(pipeline == NULL, error != 0);
    if (error == 0) {
        weir_stream_report report = {.size = sizeof(report)};
        CHECK_EQ(weir_pipeline_run(pipeline, &report), 0);
        CHECK_EQ(report.status, 0);
        CHECK_EQ(report.delivered, 50);
        CHECK_EQ(count, 50);
    }
    weir_pipeline_destroy(pipeline);
    weir_order *order = NULL;
    if (error == 0) {
        weir_order_options window = WEIR_ORDER_OPTIONS_INIT;
        window.item_size = 4;
        error = weir_order_create(&order, &window);
        CHECK_EQ(order == NULL, error != 0);
    }
    weir_order_destroy(order);
    return error;
}

// A room that is given its pool, which is made before the sweep.
static void with_pools(int (*run)(void *context)) {
    faults_sweep_in(faults_pool(), run);
    faults_sweep_in(pool_seeded(1, 3), run);
}

static void a_queue_and_its_senders(void) { with_pools(queue_scenario); }

static void a_drain(void) { with_pools(drain_scenario); }

static void a_pipeline_and_an_order(void) { with_pools(pipeline_scenario); }

// ---- loop ------------------------------------------------------------------

static int call_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    return 0;
}

typedef struct counted_call {
    weir_call call;
    int ended;
} counted_call;

static void call_done(weir_call *call, int status) {
    CHECK_EQ(status, 0);
    ((counted_call *)call)->ended++;
}

static int loop_scenario(void *context) {
    weir_pool *pool = context;
    weir_loop *loop = NULL;
    weir_lane *lane = NULL;
    static const weir_site site = WEIR_SITE_INIT("a call");
    counted_call on_pool = {.call = WEIR_CALL_INIT(call_run, call_done)};
    counted_call on_lane = {.call = WEIR_CALL_INIT(call_run, call_done)};
    on_pool.call.site = &site;
    int error = weir_loop_create(&loop, NULL);
    CHECK_EQ(loop == NULL, error != 0);
    TRY(error);
    error = weir_lane_create(&lane, NULL);
    CHECK_EQ(lane == NULL, error != 0);
    TRY(error);
    CHECK_EQ(weir_call_submit(loop, pool, &on_pool.call), 0);
    error = weir_call_submit_lane(loop, lane, &on_lane.call);
    CHECK_EQ(weir_loop_pending(loop), error == 0 ? 2 : 1);
    while (weir_loop_pending(loop) > 0) {
        CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
        CHECK(weir_loop_drain(loop) >= 0);
    }
    CHECK_EQ(on_pool.ended, 1);
    CHECK_EQ(on_lane.ended, error == 0);
out:
    weir_lane_destroy(lane);
    weir_loop_destroy(loop);
    return error;
}

static void a_loop_and_a_lane(void) {
    faults_sweep_in(faults_pool(), loop_scenario);
}

// ---- cache -----------------------------------------------------------------

static int cache_load(void *context, weir_worker *self, weir_flight *flight,
                      weir_result *result) {
    (void)context;
    (void)self;
    size_t size = 0;
    uint64_t key = 0;
    const void *at = weir_flight_key(flight, &size);
    CHECK_EQ(size, sizeof(key));
    memcpy(&key, at, sizeof(key));
    result->value = (void *)(uintptr_t)(key + 1);
    result->weight = 1;
    return 0;
}

static int cache_fill(weir_cache *cache) {
    int error = 0;
    for (uint64_t key = 0; key < 60; key++) {
        weir_get get = WEIR_GET_INIT(&key, sizeof(key), NULL);
        weir_entry *entry = NULL;
        weir_result result = {(void *)(uintptr_t)(key + 1), 1, 0};
        error = key % 20 == 0
                    ? weir_cache_get_wait(cache, &get)
                    : weir_cache_put(cache, &key, sizeof(key), &result, &entry);
        CHECK_EQ(entry != NULL, error == 0 && key % 20 != 0);
        if (error != 0) {
            int status = 0;
            CHECK_EQ(weir_cache_find(cache, &key, sizeof(key), &status, &entry),
                     -ENOENT);
            return error;
        }
        const weir_entry *have = entry != NULL ? entry : get.entry;
        CHECK_EQ((uintptr_t)weir_entry_value(have), key + 1);
        weir_entry_release(entry);
        weir_entry_release(get.entry);
    }
    return 0;
}

static int cache_scenario(void *context) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = context;
    options.load = cache_load;
    weir_cache *cache = NULL;
    int error = weir_cache_create(&cache, &options);
    CHECK_EQ(cache == NULL, error != 0);
    if (error == 0)
        error = cache_fill(cache);
    weir_cache_destroy(cache);
    return error;
}

static void a_cache_with_many_keys(void) { with_pools(cache_scenario); }

// ---- frontier --------------------------------------------------------------

enum { FAN = 12, LONG = 70000 };

// The seed asks for many, one of them with a long key.
static int visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    size_t size = 0;
    weir_visit_key(visit, &size);
    if (size != 4)
        return 0;
    static const char text[LONG];
    for (size_t i = 0; i < FAN; i++) {
        weir_key key = WEIR_KEY_INIT(text, i == 4 ? LONG : i);
        weir_visit_add(visit, &key);
    }
    return 0;
}

static int frontier_results(weir_frontier *frontier) {
    weir_item *const *items = NULL;
    size_t count = 0;
    int error = weir_frontier_items(frontier, &items, &count);
    CHECK_EQ(items == NULL, error != 0);
    if (error != 0)
        return error;
    CHECK_EQ(count, FAN + 1);
    const weir_requirer *asked = NULL;
    error = weir_item_requirers(frontier, items[count - 1], &asked, &count);
    CHECK_EQ(asked == NULL, error != 0);
    if (error != 0)
        return error;
    CHECK_EQ(count, 1);
    weir_requirer chain[4];
    int64_t length = weir_item_chain(frontier, items[FAN - 1], chain, 4);
    if (length > 0)
        CHECK_EQ(length, 2);
    return length < 0 ? (int)length : 0;
}

static int frontier_with(weir_pool *pool, weir_frontier_engine engine) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit;
    options.engine = engine;
    options.attempts_max = 1;
    weir_frontier *frontier = NULL;
    int error = weir_frontier_create(&frontier, &options);
    CHECK_EQ(frontier == NULL, error != 0);
    if (error != 0)
        return error;
    weir_key key = WEIR_KEY_INIT("seed", 4);
    error = weir_frontier_seed(frontier, &key);
    int status = 0;
    weir_frontier_close(frontier);
    CHECK_EQ(weir_frontier_wait(frontier, WEIR_FOREVER, &status), 0);
    if (error == 0)
        error = status;
    if (error == 0)
        error = frontier_results(frontier);
    weir_frontier_destroy(frontier);
    return error;
}

static int frontier_scenario(void *context) {
    int error = frontier_with(context, WEIR_FRONTIER_WORKERS);
    return error != 0 ? error : frontier_with(context, WEIR_FRONTIER_OWNER);
}

static void a_frontier_of_either_engine(void) { with_pools(frontier_scenario); }

// One that asks for the same again and again: its edges take large pieces.
static int asking_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    size_t size = 0;
    weir_visit_key(visit, &size);
    for (uint32_t i = 0; i < 3000 && size == 4; i++) {
        weir_key key = WEIR_KEY_INIT("x", 1);
        key.tag = i;
        weir_visit_add(visit, &key);
        if (weir_visit_cancelled(visit) != 0)
            break; // -ENOMEM: it has failed
    }
    return 0;
}

static int edges_scenario(void *context) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = context;
    options.visit = asking_visit;
    options.engine = WEIR_FRONTIER_WORKERS;
    weir_frontier *frontier = NULL;
    int error = weir_frontier_create(&frontier, &options);
    if (error != 0)
        return error;
    weir_key key = WEIR_KEY_INIT("seed", 4);
    error = weir_frontier_seed(frontier, &key);
    int status = 0;
    weir_frontier_close(frontier);
    CHECK_EQ(weir_frontier_wait(frontier, WEIR_FOREVER, &status), 0);
    CHECK(error == 0 || status == 0);
    weir_frontier_destroy(frontier);
    return error != 0 ? error : status;
}

static void a_frontier_of_many_edges(void) {
    faults_sweep_in(pool_seeded(1, 1), edges_scenario);
}

// ---- observe ---------------------------------------------------------------

static int observe_all(weir_metrics *metrics, weir_pool *pool) {
    weir_loop *loop = NULL;
    weir_lane *lane = NULL;
    weir_cache *cache = NULL;
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = cache_load;
    FILE *out = fopen("/dev/null", "w");
    CHECK(out != NULL);
    int error = 0;
    TRY(weir_loop_create(&loop, NULL));
    TRY(weir_lane_create(&lane, NULL));
    TRY(weir_cache_create(&cache, &options));
    TRY(weir_metrics_add_pool(metrics, pool, "pool"));
    TRY(weir_metrics_add_loop(metrics, loop, "loop"));
    TRY(weir_metrics_add_lane(metrics, lane, "lane"));
    TRY(weir_metrics_add_cache(metrics, cache, "cache"));
    TRY(weir_metrics_text(metrics, out));
    TRY(weir_metrics_prometheus(metrics, out));
out:
    // What was not added is not there.
    (void)weir_metrics_remove(metrics, pool);
    (void)weir_metrics_remove(metrics, loop);
    (void)weir_metrics_remove(metrics, lane);
    (void)weir_metrics_remove(metrics, cache);
    weir_cache_destroy(cache);
    weir_lane_destroy(lane);
    weir_loop_destroy(loop);
    CHECK_EQ(fclose(out), 0);
    return error;
}

static int metrics_scenario(void *context) {
    weir_metrics *metrics = NULL;
    int error = weir_metrics_create(&metrics);
    CHECK_EQ(metrics == NULL, error != 0);
    if (error == 0)
        error = observe_all(metrics, context);
    weir_metrics_destroy(metrics);
    return error;
}

static void metrics_of_all_kinds(void) {
    faults_sweep_in(faults_pool(), metrics_scenario);
}

static int trace_scenario(void *context) {
    (void)context;
    weir_trace *trace = NULL;
    weir_pool *pool = NULL;
    weir_watchdog *dog = NULL;
    FILE *out = fopen("/dev/null", "w");
    CHECK(out != NULL);
    int error = 0;
    TRY(weir_trace_create(&trace, NULL));
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.trace = trace;
    TRY(weir_pool_create(&pool, &options));
    weir_watchdog_options watch = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    error = weir_watchdog_start(&dog, &watch);
    CHECK_EQ(dog == NULL, error != 0);
    TRY(error);
    weir_trace_start(trace);
    TRY(weir_run(pool, pool_body, NULL, NULL));
    weir_trace_stop(trace);
    TRY(weir_trace_json(trace, out));
    TRY(weir_trace_svg(trace, out, 0));
out:
    weir_watchdog_stop(dog);
    weir_pool_destroy(pool);
    weir_trace_destroy(trace);
    CHECK_EQ(fclose(out), 0);
    return error;
}

static void a_trace_and_a_watchdog(void) {
    const fault_scenario s = {
        trace_scenario, NULL, {-ENOMEM, -EAGAIN}, THREADLESS};
    faults_sweep(&s);
}

// ---- os --------------------------------------------------------------------

// A descriptor that would be standard input, output or error moves up.
static int descriptors_scenario(void *context) {
    (void)context;
    wr_wakefd bell;
    int error = wr_wakefd_open(&bell);
    if (error != 0)
        return error;
    int low = dup2(bell.read_fd, STDIN_FILENO);
    CHECK_EQ(low, STDIN_FILENO);
    int high = wr_high_fd(low);
    CHECK(high == -EMFILE || high > 2);
    if (high > 2)
        close(high);
    wr_wakefd_close(&bell);
    CHECK_EQ(fcntl(STDIN_FILENO, F_GETFD), -1); // closed in either case
    return high < 0 ? high : 0;
}

static void a_descriptor_moves_up(void) {
    close(STDIN_FILENO);
    const fault_scenario s = {descriptors_scenario, NULL, {-EMFILE}, 0};
    faults_sweep(&s);
}

static int watch_scenario(void *context) {
    (void)context;
    int watch = wr_process_watch(getpid());
    if (watch < 0)
        return watch;
    CHECK(watch > 2);
    close(watch);
    return 0;
}

static void a_process_is_watched(void) {
    if (wr_process_support() != 0)
        SKIP("no processes here");
    close(STDIN_FILENO); // so that its descriptor has to move
    const fault_scenario s = {watch_scenario, NULL, {-EMFILE}, 0};
    faults_sweep(&s);
}

static int pages_scenario(void *context) {
    (void)context;
    static const size_t sizes[] = {100, (size_t)8 << 20};
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        char *plain = wr_pages_alloc(sizes[i]);
        if (plain == NULL)
            return -ENOMEM;
        char *huge = wr_pages_alloc_huge(sizes[i]);
        if (huge != NULL)
            CHECK(huge[0] == 0 && huge[sizes[i] - 1] == 0);
        wr_pages_free(plain, sizes[i]);
        wr_pages_free(huge, sizes[i]);
        if (huge == NULL)
            return -ENOMEM;
    }
    return 0;
}

static void pages_of_any_size(void) {
    const fault_scenario s = {pages_scenario, NULL, {-ENOMEM}, 0};
    faults_sweep(&s);
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_pool_with_all_options),  CASE(a_deterministic_pool),
        CASE(a_queue_and_its_senders),  CASE(a_drain),
        CASE(a_pipeline_and_an_order),  CASE(a_loop_and_a_lane),
        CASE(a_cache_with_many_keys),   CASE(a_frontier_of_either_engine),
        CASE(a_frontier_of_many_edges), CASE(metrics_of_all_kinds),
        CASE(a_trace_and_a_watchdog),   CASE(a_descriptor_moves_up),
        CASE(a_process_is_watched),     CASE(pages_of_any_size),
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
