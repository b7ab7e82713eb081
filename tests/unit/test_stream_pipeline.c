// SPDX-License-Identifier: MIT
// Pipelines: order, bound, stages, tokens, finishing later, errors. Shapes
// drawn at random are in test_stream_stress.c, ends and sources in
// test_stream_ends.c.
#include "support/line.h"

// ---- order and bound -------------------------------------------------------

static void order_in_pool(weir_pool *pool) {
    static const size_t batches[] = {1, 3, 64};
    for (size_t i = 0; i < TEST_COUNT(batches); i++) {
        line *l = line_open(pool, 200);
        l->options.batch = batches[i];
        l->options.tokens_max = batches[i] * 4;
        line_create(l);
        line_run(l);
        CHECK_EQ(l->report.status, 0);
        CHECK_EQ(l->report.delivered, 200);
        CHECK(l->hash == hash_of(200));
        line_close(l);
        wait_idle(pool);
    }
}

static void results_come_out_in_input_order(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT,
                       order_in_pool, 60);
}

static void an_empty_input_ends_at_once(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 0);
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.status, 0);
    CHECK_EQ(l->report.delivered, 0);
    line_close(l);
    pool_close(pool);
}

static void w1_in_pool(weir_pool *pool) {
    line *l = line_open(pool, 100);
    weir_event hold;
    weir_event_init(&hold, pool, 1);
    l->hold = &hold;
    l->hold_at = 0; // the first is stuck, the others pile up behind it
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    bool determ = is_deterministic(pool);
    if (determ)
        while (weir_pool_step(pool) == 1)
            continue;
    else
        mark_await(&l->reached, 8);
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_count(l->pipeline, &counts), 0);
    CHECK(counts.begun <= 8);
    CHECK(counts.in_flight <= 8);
    CHECK_EQ(l->sunk, 0);
    CHECK_EQ(weir_event_fire(&hold, 0), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.delivered, 100);
    check_sums(l);
    CHECK_EQ(l->live_highest, 8);
    line_close(l);
}

// Queued, running, and finished behind one that is not: eight in all.
static void w1_tokens_are_the_only_bound(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = 2; // one token waits
    static const int widths[] = {1, 2, 4};
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        options.threads = widths[i];
        weir_pool *pool = pool_open(&options);
        w1_in_pool(pool);
        pool_close(pool);
    }
    for (uint64_t seed = 0; seed < 60; seed++) {
        weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 3);
        w1_in_pool(pool);
        pool_close(pool);
    }
}

static int run_from_inside(weir_worker *self, void *argument) {
    (void)self;
    line_run(argument);
    return 0;
}

static void strict_in_pool(weir_pool *pool) {
    for (size_t tokens = 1; tokens < 10; tokens += 4) {
        line *l = line_open(pool, 50);
        l->options.tokens_max = tokens;
        line_create(l);
        actor a;
        act(pool, &a, run_from_inside, l);
        wait_idle(pool);
        CHECK_EQ(l->report.delivered, 50);
        line_close(l);
    }
}

static void w2_one_worker_may_even_wait_for_it(void) {
    for_each_strict_pool(strict_in_pool);
}

// A thousand tokens' worth of input with memory for eight: the reference
// needed the whole file mapped.
static void w12_memory_is_the_tokens_alone(void) {
    weir_pool *pool = pool_of(2);
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    line *l = line_open(pool, TOKENS);
    line_create(l);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    CHECK_EQ(weir_pipeline_run(l->pipeline, &l->report), 0);
    CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
    check_sums(l);
    CHECK_EQ(l->report.delivered, TOKENS);
    CHECK(l->live_highest <= 8);
    line_close(l);
    pool_close(pool);
}

// ---- few tokens ------------------------------------------------------------

static void e8_few_tokens_run_on_one_worker_same_bytes(void) {
    weir_pool *pool = pool_of(4);
    uint64_t hashes[3];
    static const size_t after[] = {0, 100, TOKENS};
    for (size_t i = 0; i < 3; i++) {
        line *l = line_open(pool, 400);
        l->options.parallel_after = after[i];
        line_create(l);
        line_run(l);
        weir_pipeline_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(weir_pipeline_count(l->pipeline, &counts), 0);
        if (after[i] == TOKENS)
            CHECK_EQ(counts.runners_highest, 1);
        hashes[i] = l->hash;
        line_close(l);
    }
    CHECK(hashes[0] == hashes[1] && hashes[0] == hashes[2]);
    pool_close(pool);
}

// Past the threshold the others come: tokens meet in the parallel stage.
static int meeting_work(weir_worker *self, void *context, weir_token *token) {
    line *l = context;
    if (weir_token_sequence(token) >= 20 && weir_token_sequence(token) < 22) {
        mark_set(&l->reached);
        mark_await(&l->reached, 2);
    }
    (void)self;
    uint64_t *data = weir_token_data(token);
    *data = *data * 3 + 1;
    return 0;
}

static void e8_more_tokens_are_promoted(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 100);
    l->stages[1].run = meeting_work;
    l->options.parallel_after = 10;
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.delivered, 100);
    CHECK(l->hash == hash_of(100));
    line_close(l);
    pool_close(pool);
}

// ---- stages ----------------------------------------------------------------

typedef struct modes {
    pthread_mutex_t lock;
    unsigned in_serial;
    uint64_t tokens;
    uint64_t serial_count;
    weir_event *second_first;
} modes;

static int modes_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    modes *m = context;
    return weir_token_sequence(token) == m->tokens ? WEIR_STAGE_END : 0;
}

// Token 0 waits until token 1 has been through the serial stage behind.
static int modes_shuffle(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    modes *m = context;
    if (weir_token_sequence(token) == 0)
        CHECK_EQ(weir_event_wait(m->second_first, WEIR_FOREVER, NULL), 0);
    return 0;
}

static int modes_serial(weir_worker *self, void *context, weir_token *token) {
    modes *m = context;
    pthread_mutex_lock(&m->lock);
    CHECK_EQ(m->in_serial++, 0);
    m->serial_count++;
    pthread_mutex_unlock(&m->lock);
    weir_yield(self);
    if (weir_token_sequence(token) == 1)
        CHECK_EQ(weir_event_fire(m->second_first, 0), 0);
    pthread_mutex_lock(&m->lock);
    m->in_serial--;
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static void a_serial_stage_takes_them_as_they_come(void) {
    for (int threads = 1; threads <= 4; threads *= 2) {
        weir_pool *pool = pool_of(threads);
        modes m = {.tokens = 100};
        weir_event second;
        weir_event_init(&second, pool, 1);
        m.second_first = &second;
        pthread_mutex_init(&m.lock, NULL);
        const weir_stage stages[] = {
            {"source", WEIR_STAGE_SERIAL, modes_source},
            {"shuffle", WEIR_STAGE_PARALLEL, modes_shuffle},
            {"serial", WEIR_STAGE_SERIAL, modes_serial},
        };
        weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
        options.stages = stages;
        options.stages_count = 3;
        options.context = &m;
        options.tokens_max = 4;
        weir_pipeline *pipeline;
        CHECK_EQ(weir_pipeline_create(&pipeline, pool, &options), 0);
        weir_stream_report report = report_empty();
        CHECK_EQ(weir_pipeline_run(pipeline, &report), 0);
        CHECK_EQ(report.delivered, 100);
        CHECK_EQ(m.serial_count, 100);
        weir_pipeline_destroy(pipeline);
        pool_close(pool);
    }
}

static void stages_are_counted_by_name(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 60);
    l->fails_at = 40;
    l->options.on_error = WEIR_ON_ERROR_SKIP;
    l->options.batch = 4;
    line_create(l);
    line_run(l);
    static const char *names[] = {"read", "work", "write"};
    static const uint64_t started[] = {60, 60, 59};
    for (size_t i = 0; i < 3; i++) {
        weir_stage_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(weir_pipeline_stage_count(l->pipeline, i, &counts), 0);
        CHECK_STR(counts.name, names[i]);
        CHECK_EQ(counts.started, started[i]);
        CHECK_EQ(counts.ended, started[i]);
        CHECK_EQ(counts.failed, i == 1);
        CHECK_EQ(counts.later, 0);
        CHECK_EQ(weir_pipeline_stage_count(l->pipeline, 3, &counts), -EINVAL);
        counts.size = 0;
        CHECK_EQ(weir_pipeline_stage_count(l->pipeline, i, &counts), -EINVAL);
    }
    line_close(l);
    pool_close(pool);
}

// ---- tokens ----------------------------------------------------------------

typedef struct memory {
    uint64_t tokens;
    uint8_t used[16];
    uint64_t comes_round;
} memory;

static int memory_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    memory *m = context;
    if (weir_token_sequence(token) == m->tokens)
        return WEIR_STAGE_END;
    CHECK_EQ((uintptr_t)weir_token_data(token) % 16, 0);
    CHECK(weir_token_index(token) < 6);
    CHECK_EQ(m->used[weir_token_index(token)]++, 0);
    uint64_t *data = weir_token_data(token);
    // Zero at first, then what was left in it.
    CHECK(data[0] == 0 || data[0] == weir_token_index(token) + 1);
    m->comes_round += data[0] != 0;
    data[0] = weir_token_index(token) + 1;
    for (size_t i = 1; i < 5; i++)
        data[i] = ~(uint64_t)0;
    return 0;
}

static int memory_sink(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    memory *m = context;
    uint64_t *data = weir_token_data(token);
    CHECK_EQ(data[0], weir_token_index(token) + 1);
    m->used[weir_token_index(token)]--;
    return 0;
}

static void a_token_keeps_its_memory(void) {
    weir_pool *pool = pool_of(1);
    memory m = {.tokens = 100};
    const weir_stage stages[] = {
        {"source", WEIR_STAGE_SERIAL_IN_ORDER, memory_source},
        {"sink", WEIR_STAGE_SERIAL_IN_ORDER, memory_sink},
    };
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = 2;
    options.context = &m;
    options.tokens_max = 7; // rounded down to two batches
    options.batch = 3;
    options.token_size = 40;
    weir_pipeline *pipeline;
    CHECK_EQ(weir_pipeline_create(&pipeline, pool, &options), 0);
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_count(pipeline, &counts), 0);
    CHECK_EQ(counts.tokens_max, 6);
    weir_stream_report report = report_empty();
    CHECK_EQ(weir_pipeline_run(pipeline, &report), 0);
    CHECK_EQ(report.delivered, 100);
    CHECK(m.comes_round >= 94);
    weir_pipeline_destroy(pipeline);
    pool_close(pool);
}

// ---- finishing later -------------------------------------------------------

static int finish_held(weir_worker *self, void *argument) {
    line *l = argument;
    for (uint64_t done = 0; done < l->tokens;) {
        pthread_mutex_lock(&l->lock);
        weir_token *token = NULL;
        if (l->held_count > 0)
            token = l->held[--l->held_count]; // the newest first
        pthread_mutex_unlock(&l->lock);
        if (token == NULL) {
            if (self != NULL)
                weir_yield(self);
            else
                sched_yield();
            continue;
        }
        bool fails = weir_token_sequence(token) == l->fails_at;
        weir_token_finish(token, fails ? -EIO : 0);
        done++;
    }
    return 0;
}

static void *finish_held_thread(void *argument) {
    finish_held(NULL, argument);
    return NULL;
}

static void later_run(weir_pool *pool, size_t batch, uint64_t fails_at) {
    line *l = line_open(pool, 60);
    l->keep = true;
    l->options.batch = batch;
    l->options.tokens_max = 8 * batch;
    l->options.on_error = WEIR_ON_ERROR_SKIP;
    l->fails_at = fails_at;
    line_create(l);
    actor a;
    pthread_t thread;
    bool determ = is_deterministic(pool);
    if (determ)
        act(pool, &a, finish_held, l);
    else
        thread = thread_start(finish_held_thread, l);
    line_run(l);
    if (determ)
        wait_idle(pool);
    else
        thread_join(thread);
    CHECK_EQ(l->report.delivered, 60 - (fails_at < 60));
    CHECK_EQ(l->report.failed, fails_at < 60);
    weir_stage_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_stage_count(l->pipeline, 1, &counts), 0);
    CHECK_EQ(counts.later, 60);
    CHECK_EQ(counts.ended, 60);
    line_close(l);
}

static void later_in_pool(weir_pool *pool) {
    later_run(pool, 1, UINT64_MAX);
    later_run(pool, 5, UINT64_MAX);
    later_run(pool, 5, 7);
}

static void a_stage_may_finish_a_token_later(void) {
    static const int widths[] = {1, 2, 4};
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        weir_pool *pool = pool_of(widths[i]);
        later_in_pool(pool);
        pool_close(pool);
    }
    // One fiber is the finisher's.
    for (uint64_t seed = 0; seed < 60; seed++) {
        weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 3);
        later_in_pool(pool);
        pool_close(pool);
    }
}

static int finish_at_once(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line *l = context;
    uint64_t *data = weir_token_data(token);
    *data = *data * 3 + 1;
    bool fails = weir_token_sequence(token) == l->fails_at;
    weir_token_finish(token, fails ? -EIO : 0);
    return WEIR_STAGE_LATER;
}

static void later_may_be_before_the_stage_returns(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 60);
    l->stages[1].run = finish_at_once;
    l->fails_at = 30;
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.delivered, 30);
    CHECK_EQ(l->report.error_sequence, 30);
    line_close(l);
    pool_close(pool);
}

static weir_token *kept;

static int keep_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line *l = context;
    *(uint64_t *)weir_token_data(token) = weir_token_sequence(token) * 7;
    pthread_mutex_lock(&l->lock);
    kept = token;
    pthread_mutex_unlock(&l->lock);
    mark_set(&l->reached);
    return WEIR_STAGE_LATER;
}

static void a_source_may_finish_later_too(void) {
    static const size_t batches[] = {1, 4};
    for (size_t b = 0; b < 2; b++) {
        weir_pool *pool = pool_of(1);
        line *l = line_open(pool, 0);
        l->stages[0].run = keep_source;
        l->stages[1].run = plain_work;
        l->options.ended = NULL;
        l->options.batch = batches[b];
        line_create(l);
        CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
        for (uint64_t i = 0; i <= 10; i++) {
            mark_await(&l->reached, i + 1);
            pthread_mutex_lock(&l->lock);
            weir_token *token = kept;
            pthread_mutex_unlock(&l->lock);
            CHECK_EQ(weir_token_sequence(token), i);
            weir_token_finish(token, i == 10 ? WEIR_STAGE_END : 0);
        }
        CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
        CHECK_EQ(l->report.status, 0);
        CHECK_EQ(l->report.delivered, 10);
        CHECK_EQ(l->sunk, 10);
        line_close(l);
        pool_close(pool);
    }
}

static int finish_twice(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    weir_token_finish(token, 0);
    weir_token_finish(token, 0);
    return WEIR_STAGE_LATER;
}

static void run_with(int (*run)(weir_worker *, void *, weir_token *)) {
    weir_pool *pool = pool_seeded(1, 1);
    line *l = line_open(pool, 2);
    l->stages[1].run = run;
    line_create(l);
    line_run(l);
}

static void run_finish_twice(void) { run_with(finish_twice); }

static int positive(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    (void)token;
    return WEIR_STAGE_END;
}

static void run_positive(void) { run_with(positive); }

static void a_token_finished_twice_aborts(void) {
    check_aborts(run_finish_twice, "once for each WEIR_STAGE_LATER");
}

static void a_stage_that_makes_no_sense_aborts(void) {
    check_aborts(run_positive, "a stage gives 0, a negative errno");
}

// ---- errors ----------------------------------------------------------------

static void w4_in_pool(weir_pool *pool) {
    static const uint64_t places[] = {0, 1, 9, 10, 49};
    for (size_t i = 0; i < TEST_COUNT(places); i++) {
        line *l = line_open(pool, 50);
        l->fails_at = places[i];
        l->options.batch = 1 + i % 3;
        line_create(l);
        line_run(l);
        CHECK_EQ(l->report.delivered, places[i]);
        CHECK_EQ(l->report.failed, 1);
        CHECK_EQ(l->report.status, -EIO);
        CHECK_EQ(l->report.error_sequence, places[i]);
        line_close(l);
        wait_idle(pool);
    }
}

// Everything before it is delivered, nothing after it, wherever it is.
static void w4_an_error_stops_what_comes_after_it(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT, w4_in_pool,
                       60);
}

static int two_errors(weir_worker *self, void *context, weir_token *token) {
    line *l = context;
    uint64_t sequence = weir_token_sequence(token);
    if (sequence == 3) // the other fails first
        CHECK_EQ(weir_event_wait(l->hold, WEIR_FOREVER, NULL), 0);
    int status = plain_work(self, context, token);
    if (sequence == 6)
        CHECK_EQ(weir_event_fire(l->hold, 0), 0);
    return sequence == 3 ? -EIO : sequence == 6 ? -EDOM : status;
}

static void the_first_error_is_reported_whatever_the_timing(void) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        weir_pool *pool = seed < 3 ? pool_of(1 << seed)
                                   : pool_seeded(seed, 2 + (unsigned)seed % 3);
        line *l = line_open(pool, 50);
        weir_event hold;
        weir_event_init(&hold, pool, 1);
        l->hold = &hold;
        l->stages[1].run = two_errors;
        line_create(l);
        line_run(l);
        CHECK_EQ(l->report.status, -EIO);
        CHECK_EQ(l->report.error_sequence, 3);
        CHECK_EQ(l->report.delivered, 3);
        CHECK_EQ(l->report.failed, 2);
        line_close(l);
        pool_close(pool);
    }
}

static void skip_in_pool(weir_pool *pool) {
    line *l = line_open(pool, 50);
    l->fails_at = 20;
    l->options.batch = 3;
    l->options.tokens_max = 12;
    l->options.on_error = WEIR_ON_ERROR_SKIP;
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.delivered, 49);
    CHECK_EQ(l->report.failed, 1);
    CHECK_EQ(l->report.error_sequence, 20);
    line_close(l);
}

static void e7_a_failed_item_neither_stalls_nor_reorders_the_rest(void) {
    for_each_pool(skip_in_pool);
}

static void source_error_in_pool(weir_pool *pool) {
    for (int skip = 0; skip < 2; skip++) {
        line *l = line_open(pool, 50);
        l->source_fails_at = 17;
        l->options.batch = 4;
        l->options.on_error = skip ? WEIR_ON_ERROR_SKIP : WEIR_ON_ERROR_STOP;
        line_create(l);
        line_run(l);
        CHECK_EQ(l->report.delivered, 17);
        CHECK_EQ(l->report.failed, 1);
        CHECK_EQ(l->report.status, -ENXIO);
        CHECK_EQ(l->report.error_sequence, 17);
        CHECK_EQ(l->ended_count, 18);
        line_close(l);
        wait_idle(pool);
    }
}

static void a_source_that_fails_ends_the_input(void) {
    for_each_pool(source_error_in_pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"results_come_out_in_input_order", results_come_out_in_input_order},
        {"an_empty_input_ends_at_once", an_empty_input_ends_at_once},
        {"w1_tokens_are_the_only_bound", w1_tokens_are_the_only_bound},
        {"w2_one_worker_may_even_wait_for_it",
         w2_one_worker_may_even_wait_for_it},
        {"w12_memory_is_the_tokens_alone", w12_memory_is_the_tokens_alone},
        {"e8_few_tokens_run_on_one_worker_same_bytes",
         e8_few_tokens_run_on_one_worker_same_bytes},
        {"e8_more_tokens_are_promoted", e8_more_tokens_are_promoted},
        {"a_serial_stage_takes_them_as_they_come",
         a_serial_stage_takes_them_as_they_come},
        {"stages_are_counted_by_name", stages_are_counted_by_name},
        {"a_token_keeps_its_memory", a_token_keeps_its_memory},
        {"a_stage_may_finish_a_token_later", a_stage_may_finish_a_token_later},
        {"later_may_be_before_the_stage_returns",
         later_may_be_before_the_stage_returns},
        {"a_source_may_finish_later_too", a_source_may_finish_later_too},
        {"a_token_finished_twice_aborts", a_token_finished_twice_aborts},
        {"a_stage_that_makes_no_sense_aborts",
         a_stage_that_makes_no_sense_aborts},
        {"w4_an_error_stops_what_comes_after_it",
         w4_an_error_stops_what_comes_after_it},
        {"the_first_error_is_reported_whatever_the_timing",
         the_first_error_is_reported_whatever_the_timing},
        {"e7_a_failed_item_neither_stalls_nor_reorders_the_rest",
         e7_a_failed_item_neither_stalls_nor_reorders_the_rest},
        {"a_source_that_fails_ends_the_input",
         a_source_that_fails_ends_the_input},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
