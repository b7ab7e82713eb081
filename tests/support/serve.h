// SPDX-License-Identifier: MIT
// What the tests of the service share: a service on a pool of any kind, small
// models whose results are known, requests that record their fate, and a hand
// on the engine: compiles and runs that wait until the test lets them go on.
//
// The thread of the test is the loop's thread, and results are plain variables.
#ifndef TEST_SERVE_H
#define TEST_SERVE_H

#include "base/fault.h"
#include "base/random.h"
#include "programs/nn/graph.h"
#include "programs/nn/run.h"
#include "programs/serve/service.h"
#include "support/loop.h"
#include "support/onnx.h"
#include "support/pool.h"

#include <math.h>

// ---- a hand on the engine --------------------------------------------------

// The test programs are linked so that these come first: --wrap.
int __real_wr_nn_compile(wr_nn_plan **out, const wr_nn_graph *model,
                         const wr_nn_binding *bindings, int count,
                         const wr_nn_compile_options *options,
                         const wr_nn_limits *limits, wr_nn_why *why);
int __wrap_wr_nn_compile(wr_nn_plan **out, const wr_nn_graph *model,
                         const wr_nn_binding *bindings, int count,
                         const wr_nn_compile_options *options,
                         const wr_nn_limits *limits, wr_nn_why *why);
int __real_wr_nn_onnx_read(wr_nn_graph **out, const void *bytes, size_t size,
                           const wr_nn_limits *limits, wr_nn_why *why);
int __wrap_wr_nn_onnx_read(wr_nn_graph **out, const void *bytes, size_t size,
                           const wr_nn_limits *limits, wr_nn_why *why);
int __real_wr_nn_run_start(wr_nn_cell *cell, weir_pool *pool, wr_nn_run *run);
int __wrap_wr_nn_run_start(wr_nn_cell *cell, weir_pool *pool, wr_nn_run *run);

enum { HAND_RUNS = 256 };

typedef struct hand {
    // Readings of models.
    wr_atomic_u32 hold_read; // the next one waits
    tally read_held;         // it does
    tally reads;             // ended
    // Compiles.
    wr_atomic_u32 hold;    // those that begin wait
    wr_atomic_u32 deaf;    // and are not told either
    wr_atomic_u32 failing; // so many of the next fail
    int failure;           // with this, or -EINVAL
    tally compiles;        // begun
    tally held;            // that wait, so far
    tally told;            // ended because they were cancelled
    // Runs; the loop's thread.
    bool hold_runs;
    int error; // what the next start returns, once
    int starts;
    int count; // held, in order
    struct {
        wr_nn_cell *cell;
        weir_pool *pool;
        wr_nn_run *run;
    } run[HAND_RUNS];
} hand;

static hand the_hand;

static inline void hand_set(wr_atomic_u32 *flag, uint32_t value) {
    wr_store(flag, value, release, TEST_SERVE_1, "what the test did is done");
}

static inline uint32_t hand_get(wr_atomic_u32 *flag) {
    return wr_load(flag, acquire, TEST_SERVE_1, "then the compile goes on");
}

static inline void hand_reset(void) { memset(&the_hand, 0, sizeof(the_hand)); }

// Other workers go on meanwhile, on a deterministic pool too: there a fire is a
// point where they may, also in a blocking section.
static inline void hand_pause(void) {
    weir_event event;
    weir_event_init(&event, weir_worker_pool(weir_worker_self()), 1);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    sched_yield();
}

static inline bool hand_fails(void) {
    uint32_t left = hand_get(&the_hand.failing);
    while (left > 0 &&
           !wr_compare_exchange(&the_hand.failing, &left, left - 1, acq_rel,
                                TEST_SERVE_1, "one of them"))
        continue;
    return left > 0;
}

int __wrap_wr_nn_onnx_read(wr_nn_graph **out, const void *bytes, size_t size,
                           const wr_nn_limits *limits, wr_nn_why *why) {
    if (hand_get(&the_hand.hold_read) && tally_add(&the_hand.read_held) == 1)
        while (hand_get(&the_hand.hold_read))
            hand_pause();
    int status = __real_wr_nn_onnx_read(out, bytes, size, limits, why);
    tally_add(&the_hand.reads);
    return status;
}

int __wrap_wr_nn_compile(wr_nn_plan **out, const wr_nn_graph *model,
                         const wr_nn_binding *bindings, int count,
                         const wr_nn_compile_options *options,
                         const wr_nn_limits *limits, wr_nn_why *why) {
    tally_add(&the_hand.compiles);
    if (hand_get(&the_hand.hold)) {
        tally_add(&the_hand.held);
        while (hand_get(&the_hand.hold)) {
            int told = options->cancelled(options->context);
            if (told != 0 && !hand_get(&the_hand.deaf)) {
                tally_add(&the_hand.told);
                return told;
            }
            hand_pause();
        }
    }
    if (hand_fails())
        return wr_nn_refuse(why,
                            the_hand.failure != 0 ? the_hand.failure : -EINVAL,
                            NULL, "the test says no");
    return __real_wr_nn_compile(out, model, bindings, count, options, limits,
                                why);
}

int __wrap_wr_nn_run_start(wr_nn_cell *cell, weir_pool *pool, wr_nn_run *run) {
    the_hand.starts++;
    int error = the_hand.error;
    the_hand.error = 0;
    if (error != 0)
        return error;
    if (!the_hand.hold_runs)
        return __real_wr_nn_run_start(cell, pool, run);
    CHECK(the_hand.count < HAND_RUNS);
    the_hand.run[the_hand.count].cell = cell;
    the_hand.run[the_hand.count].pool = pool;
    the_hand.run[the_hand.count++].run = run;
    return 0;
}

// hand_let_one starts the i-th of those that are held.
static inline void hand_let_one(int i) {
    CHECK(i < the_hand.count);
    CHECK_EQ(__real_wr_nn_run_start(the_hand.run[i].cell, the_hand.run[i].pool,
                                    the_hand.run[i].run),
             0);
    the_hand.count--;
    memmove(&the_hand.run[i], &the_hand.run[i + 1],
            (size_t)(the_hand.count - i) * sizeof(the_hand.run[0]));
}

static inline void hand_let_go(void) {
    hand_set(&the_hand.hold, 0);
    hand_set(&the_hand.hold_read, 0);
    the_hand.hold_runs = false;
    while (the_hand.count > 0)
        hand_let_one(0);
}

// ---- a bed -----------------------------------------------------------------

typedef struct bed {
    weir_pool *pool;
    weir_loop *loop;
    wr_service *service;
    int threads;    // 0: deterministic
    int64_t now_ns; // of the service, if it is not the machine's
    int stopped;
} bed;

#define CASE(name)                                                             \
    { #name, name }

static inline int64_t bed_clock(void *context) {
    return ((bed *)context)->now_ns;
}

static inline wr_service_options bed_options(void) {
    wr_service_options options = WR_SERVICE_OPTIONS_INIT;
    return options;
}

// bed_open_with takes the pool. The service's clock stands still.
static inline void bed_open_on(bed *b, weir_pool *pool, int threads,
                               const wr_service_options *base) {
    hand_reset();
    *b = (bed){.pool = pool, .threads = threads, .now_ns = 1};
    b->loop = loop_open();
    wr_service_options options = *base;
    options.loop = b->loop;
    options.pool = pool;
    options.clock = bed_clock;
    options.clock_context = b;
    // There deadlines of the pool pass when the seed says so.
    if (threads == 0)
        options.compile_ns = 0;
    CHECK_EQ(wr_service_create(&b->service, &options), 0);
}

static inline void bed_open_with(bed *b, int threads,
                                 const wr_service_options *base) {
    bed_open_on(b, pool_of(threads), threads, base);
}

static inline void bed_open(bed *b, int threads) {
    wr_service_options options = bed_options();
    bed_open_with(b, threads, &options);
}

static inline void bed_tick(bed *b, int64_t ns) {
    b->now_ns += ns;
    wr_service_tick(b->service);
}

// bed_turn lets something happen.
static inline void bed_turn(bed *b) {
    if (b->threads == 0)
        CHECK(weir_pool_step(b->pool) >= 0);
    else
        (void)!weir_loop_wait(b->loop, in_ms(1));
    drain(b->loop);
}

#define bed_until(b, condition)                                                \
    do {                                                                       \
        while (!(condition))                                                   \
            bed_turn(b);                                                       \
    } while (0)

static inline void bed_stopped(wr_service *service, void *context) {
    (void)service;
    ((bed *)context)->stopped++;
}

static inline wr_service_counts bed_counts(bed *b) {
    wr_service_counts counts;
    wr_service_count(b->service, &counts);
    return counts;
}

static inline void check_counts(const wr_service_counts *c) {
    CHECK_EQ(c->requests, c->succeeded + c->failed + c->cancelled +
                              c->timed_out + c->shut_down + c->pending);
    CHECK_EQ(c->latency.count, c->requests - c->pending);
}

static inline void bed_stop(bed *b, int hard) {
    wr_service_stop(b->service, hard, bed_stopped, b);
    CHECK_EQ(b->stopped, 0);
    bed_until(b, b->stopped > 0);
    CHECK_EQ(b->stopped, 1);
}

// bed_close ends every test: nothing may be left anywhere.
static inline void bed_close(bed *b) {
    hand_let_go();
    if (b->stopped == 0)
        bed_stop(b, 0);
    wr_service_counts counts = bed_counts(b);
    check_counts(&counts);
    CHECK_EQ(counts.pending, 0);
    CHECK_EQ(counts.running, 0);
    CHECK_EQ(counts.operations, 0);
    wr_service_destroy(b->service);
    loop_close(b->loop);
    pool_close(b->pool);
}

// for_each_bed runs the test on pools of 1, 2 and 4 threads, and on
// deterministic ones under many seeds.
typedef void bed_test(bed *b);

static inline void for_each_bed(const wr_service_options *base, bed_test *test,
                                unsigned seeds) {
    static const int widths[] = {1, 2, 4};
    bed b;
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        printf("  threads %d\n", widths[i]);
        fflush(stdout);
        bed_open_with(&b, widths[i], base);
        test(&b);
        bed_close(&b);
    }
    for (unsigned seed = 0; seed < seeds; seed++) {
        printf("  deterministic, seed %u\n", seed);
        fflush(stdout);
        bed_open_on(&b, pool_seeded(seed, 1 + seed % 4), 0, base);
        test(&b);
        bed_close(&b);
    }
}

enum { BED_SEEDS = 40 };

// ---- models ----------------------------------------------------------------

enum { WIDTH = 4 };

// y = x * factor + plus, rows of WIDTH; `rows` -1: as many as you like.
static inline onnx_bytes affine(float factor, float plus, int64_t rows) {
    float f[WIDTH], p[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        f[i] = factor;
        p[i] = plus;
    }
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(rows, WIDTH));
    onnx_initializer(&m, "f", ONNX_FLOAT, ONNX_DIMS(WIDTH), f);
    onnx_initializer(&m, "p", ONNX_FLOAT, ONNX_DIMS(WIDTH), p);
    onnx_node(&m, "Mul", "times", "x f", "z");
    onnx_node(&m, "Add", "plus", "z p", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(rows, WIDTH));
    return onnx_end(&m);
}

// y = a + b.
static inline onnx_bytes adder(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "a", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    onnx_input(&m, "b", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    onnx_node(&m, "Add", "plus", "a b", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    return onnx_end(&m);
}

typedef struct loading {
    wr_upload load;
    int ended;
    int status;
} loading;

static inline void loading_done(wr_upload *load, int status) {
    loading *l = (loading *)load;
    l->ended++;
    l->status = status;
    CHECK((status == 0) == (load->why.text[0] == 0));
}

static inline void load_start(bed *b, loading *l, const char *name,
                              onnx_bytes file, int replace) {
    *l = (loading){.load.done = loading_done};
    wr_nn_why why = {{0}};
    int error = wr_service_load_take(b->service, &l->load, name, file.data,
                                     file.size, replace, &why);
    if (error != 0)
        CHECK_FAIL("load: %d: %s", error, why.text);
    CHECK_EQ(l->ended, 0);
}

static inline void load_now(bed *b, const char *name, onnx_bytes file) {
    loading l;
    load_start(b, &l, name, file, 0);
    bed_until(b, l.ended);
    if (l.status != 0)
        CHECK_FAIL("load of %s: %d: %s", name, l.status, l.load.why.text);
}

// ---- requests --------------------------------------------------------------

enum { ROWS_MAX = 8 };

typedef struct request {
    wr_infer infer;
    wr_infer_tensor input;
    float x[ROWS_MAX * WIDTH];
    float y[ROWS_MAX * WIDTH];
    int rows;
    int ended;
    int status;
    uint64_t order; // among those that have ended
} request;

static uint64_t requests_ended;

static inline void request_done(wr_infer *infer, int status) {
    request *r = (request *)infer;
    r->ended++;
    r->status = status;
    r->order = ++requests_ended;
    CHECK((status == 0) == (infer->why.text[0] == 0));
    if (status != 0) {
        CHECK(infer->results == NULL);
        return;
    }
    CHECK_EQ(infer->results_count, 1);
    CHECK_STR(infer->results[0].name, "y");
    CHECK_EQ(infer->results[0].shape.dim[0], r->rows);
    memcpy(r->y, infer->results[0].data,
           sizeof(float) * (size_t)(r->rows * WIDTH));
}

static inline void request_init(request *r, const char *model, int rows,
                                float value) {
    *r = (request){.rows = rows};
    for (int i = 0; i < rows * WIDTH; i++)
        r->x[i] = value + (float)i;
    r->input.name = "x";
    r->input.shape =
        (wr_nn_shape){.type = WR_NN_F32, .rank = 2, .dim = {rows, WIDTH}};
    r->input.data = r->x;
    r->infer.model = model;
    r->infer.inputs = &r->input;
    r->infer.count = 1;
    r->infer.done = request_done;
}

static inline int request_try(bed *b, request *r, wr_nn_why *why) {
    why->text[0] = 0;
    int error = wr_service_infer(b->service, &r->infer, why);
    CHECK((error == 0) == (why->text[0] == 0));
    CHECK_EQ(r->ended, 0);
    return error;
}

static inline void request_send(bed *b, request *r) {
    wr_nn_why why;
    int error = request_try(b, r, &why);
    if (error != 0)
        CHECK_FAIL("infer: %d: %s", error, why.text);
}

static inline void request_start(bed *b, request *r, const char *model,
                                 int rows, float value) {
    request_init(r, model, rows, value);
    request_send(b, r);
}

static inline void request_end(bed *b, request *r) {
    wr_service_infer_end(b->service, &r->infer);
}

// check_result: it succeeded with x * factor + plus.
static inline void check_result(bed *b, request *r, float factor, float plus) {
    bed_until(b, r->ended);
    CHECK_EQ(r->ended, 1);
    if (r->status != 0)
        CHECK_FAIL("infer: %d: %s", r->status, r->infer.why.text);
    for (int i = 0; i < r->rows * WIDTH; i++)
        CHECK(fabsf(r->y[i] - (r->x[i] * factor + plus)) < 1e-4f);
    request_end(b, r);
}

static inline void check_ends(bed *b, request *r, int status,
                              const char *text) {
    bed_until(b, r->ended);
    CHECK_EQ(r->ended, 1);
    CHECK_EQ(r->status, status);
    if (strstr(r->infer.why.text, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, r->infer.why.text);
    request_end(b, r);
}

static inline weir_cache_counts cache_counts_of(bed *b) {
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_count(wr_service_cache(b->service), &counts), 0);
    return counts;
}

#endif // TEST_SERVE_H
