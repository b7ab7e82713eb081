// SPDX-License-Identifier: MIT
// Pipelines: each token goes through its stages as their modes say and ends
// once; also one that is finished later by a thread outside, beside an error, a
// cancel or a pool that stops. There are never more tokens than the bound.
#include "model/models/stream_tokens.h"

enum { TOKENS = 2 };

// As `work`, where one token is there at a time: more would race.
static int work_alone(weir_worker *self, void *context, weir_token *token) {
    alone++;
    return work(self, context, token);
}

static void make_pipeline(const weir_stage *stages, size_t count,
                          size_t tokens_max, int external) {
    tokens = TOKENS;
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = count;
    options.tokens_max = tokens_max;
    options.token_size = sizeof(unsigned);
    options.batch = 1;
    options.external_source = external;
    options.ended = note_end;
    MC_CHECK(weir_pipeline_create(&pipeline, pool, &options) == 0);
    MC_CHECK(weir_pipeline_start(pipeline) == 0);
}

static weir_stream_report wait_for_end(void) {
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pipeline_wait(pipeline, WEIR_FOREVER, &report) == 0);
    return report;
}

static void check_bound(uint64_t most) {
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    MC_CHECK(weir_pipeline_count(pipeline, &counts) == 0);
    MC_CHECK(counts.in_flight == 0 && counts.in_flight_highest <= most);
}

static void destroy_both(void) {
    weir_pipeline_destroy(pipeline);
    weir_pool_destroy(pool);
}

static void all_are_delivered(size_t tokens_max) {
    weir_stream_report report = wait_for_end();
    MC_CHECK(report.status == 0 && report.delivered == TOKENS);
    for (unsigned i = 0; i < TOKENS; i++)
        MC_CHECK(worked[i] == 1 && ended[i] == 1 && outcome[i] == 0);
    check_bound(tokens_max);
    destroy_both();
}

// ---- modes and the bound ---------------------------------------------------

static void run_stages(int threads, size_t tokens_max, weir_stage_mode mode) {
    pool = rooms_pool(threads, 0);
    weir_stage stages[] = {
        {"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
        {"work", mode, mode == WEIR_STAGE_SERIAL ? work_alone : work},
        {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, tokens_max, 0);
    all_are_delivered(tokens_max);
    MC_CHECK(delivered == TOKENS);
}

static void tokens_overtake_and_come_out_in_order(void) {
    run_stages(2, 2, WEIR_STAGE_PARALLEL);
}

static void a_serial_stage_passes_tokens_on(void) {
    run_stages(2, 2, WEIR_STAGE_SERIAL);
}

static void one_token_is_enough(void) { run_stages(2, 1, WEIR_STAGE_PARALLEL); }

static void who_pushes_waits_for_room(void) {
    pool = rooms_pool(1, 0);
    weir_stage stages[] = {{"work", WEIR_STAGE_PARALLEL, work}};
    make_pipeline(stages, 1, 1, 1);
    for (unsigned i = 0; i < TOKENS; i++) {
        weir_token *token = NULL;
        MC_CHECK(weir_pipeline_begin(pipeline, &token, WEIR_FOREVER) == 0);
        *(unsigned *)weir_token_data(token) = i;
        weir_pipeline_push(pipeline, token);
    }
    weir_pipeline_close(pipeline);
    all_are_delivered(1);
}

// ---- finished later --------------------------------------------------------

static void *finish_all(void *unused) {
    for (unsigned i = 0; i < TOKENS; i++) {
        rooms_await(&is_kept[i]);
        if (alone > 0)
            alone--;
        weir_token_finish(kept[i], 0);
    }
    return unused;
}

static void finish_outside(weir_stage_mode mode) {
    pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(finish_all, NULL);
    weir_stage stages[] = {
        {"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
        {"keep", mode, mode == WEIR_STAGE_SERIAL ? keep_alone : keep}};
    make_pipeline(stages, 2, 2, 0);
    (void)mc_join(other);
    all_are_delivered(2);
}

static void a_parallel_stage_may_finish_later(void) {
    finish_outside(WEIR_STAGE_PARALLEL);
}

static void a_serial_stage_may_finish_later(void) {
    finish_outside(WEIR_STAGE_SERIAL);
}

// ---- ended early -----------------------------------------------------------

static int keep_first(weir_worker *self, void *context, weir_token *token) {
    bool first = weir_token_sequence(token) == 0;
    return first ? keep(self, context, token) : work(self, context, token);
}

static void *finish_first(void *unused) {
    rooms_await(&is_kept[0]);
    weir_token_finish(kept[0], 0);
    return unused;
}

// One token that is kept, while the pipeline is told to end: each that came in
// has one outcome.
static void check_outcomes(const weir_stream_report *report, int why) {
    MC_CHECK(report->failed == 0);
    MC_CHECK(report->delivered + report->cancelled + report->never_started ==
             begun);
    for (unsigned i = 0; i < TOKENS; i++) {
        MC_CHECK(ended[i] == (i < begun));
        MC_CHECK(outcome[i] == 0 || outcome[i] == why);
    }
}

static void a_cancel_waits_for_what_is_kept(void) {
    pool = rooms_pool(1, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"keep", WEIR_STAGE_SERIAL, keep_first}};
    make_pipeline(stages, 2, 1, 0);
    rooms_await(&is_kept[0]);
    unsigned other = mc_spawn(finish_first, NULL);
    int error = weir_pipeline_cancel(pipeline);
    MC_CHECK(error == 0 || error == -EALREADY);
    weir_stream_report report = wait_for_end();
    check_outcomes(&report, -ECANCELED);
    (void)mc_join(other);
    destroy_both();
}

static void *stop_pool(void *unused) {
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL) == 0);
    return unused;
}

static void a_pool_that_stops_ends_it(void) {
    pool = rooms_pool(1, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"work", WEIR_STAGE_PARALLEL, work}};
    make_pipeline(stages, 2, 2, 0);
    unsigned other = mc_spawn(stop_pool, NULL);
    weir_stream_report report = wait_for_end();
    check_outcomes(&report, -ESHUTDOWN);
    (void)mc_join(other);
    destroy_both();
}

// No worker is there any more when the token is finished.
static void what_is_kept_ends_without_the_pool(void) {
    pool = rooms_pool(1, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"keep", WEIR_STAGE_SERIAL, keep_first}};
    make_pipeline(stages, 2, 1, 0);
    rooms_await(&is_kept[0]);
    unsigned other = mc_spawn(finish_first, NULL);
    (void)stop_pool(NULL);
    weir_stream_report report = wait_for_end();
    check_outcomes(&report, -ESHUTDOWN);
    (void)mc_join(other);
    destroy_both();
}

static int fail_first(weir_worker *self, void *context, weir_token *token) {
    return weir_token_sequence(token) == 0 ? -EIO : work(self, context, token);
}

// What comes after an error is not delivered, whoever is sooner.
static void an_error_ends_what_comes_after(void) {
    pool = rooms_pool(2, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"fail", WEIR_STAGE_PARALLEL, fail_first},
                           {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, 2, 0);
    weir_stream_report report = wait_for_end();
    MC_CHECK(report.status == -EIO && report.error_sequence == 0);
    MC_CHECK(report.failed == 1 && report.delivered == 0 && delivered == 0);
    MC_CHECK(ended[0] == 1 && ended[1] == (begun == 2));
    MC_CHECK(outcome[0] == -EIO);
    destroy_both();
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(tokens_overtake_and_come_out_in_order, 1),
    BOUNDED(a_serial_stage_passes_tokens_on, 1),
    BOUNDED(one_token_is_enough, 1),
    BOUNDED(who_pushes_waits_for_room, 2),
    BOUNDED(a_parallel_stage_may_finish_later, 1),
    BOUNDED(a_serial_stage_may_finish_later, 1),
    BOUNDED(a_cancel_waits_for_what_is_kept, 1),
    BOUNDED(a_pool_that_stops_ends_it, 1),
    BOUNDED(what_is_kept_ends_without_the_pool, 1),
    BOUNDED(an_error_ends_what_comes_after, 1),
    {.name = NULL},
};
