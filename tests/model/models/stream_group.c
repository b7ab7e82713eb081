// SPDX-License-Identifier: MIT
// Pipelines whose groups have two tokens: a group goes on when all of it is
// done, the last may be half full, each token ends once with an outcome of its
// own; also where they are finished later, in any order, and where one of a
// group is lost.
#include "model/models/stream_tokens.h"

enum { BATCH = 2 };

static void make_pipeline(const weir_stage *stages, size_t count,
                          unsigned source) {
    tokens = source;
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = count;
    options.tokens_max = TOKENS_MAX;
    options.token_size = sizeof(unsigned);
    options.batch = BATCH;
    options.ended = note_end;
    MC_CHECK(weir_pipeline_create(&pipeline, pool, &options) == 0);
    MC_CHECK(weir_pipeline_start(pipeline) == 0);
}

static weir_stream_report wait_and_destroy(void) {
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pipeline_wait(pipeline, WEIR_FOREVER, &report) == 0);
    weir_pipeline_destroy(pipeline);
    weir_pool_destroy(pool);
    return report;
}

static void all_are_delivered(void) {
    weir_stream_report report = wait_and_destroy();
    MC_CHECK(report.status == 0 && report.delivered == tokens);
    for (unsigned i = 0; i < tokens; i++)
        MC_CHECK(worked[i] == 1 && ended[i] == 1 && outcome[i] == 0);
}

// ---- in order --------------------------------------------------------------

static void run_stages(int threads, weir_stage_mode mode, unsigned source) {
    pool = rooms_pool(threads, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"work", mode, work},
                           {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, source);
    all_are_delivered();
    MC_CHECK(delivered == source);
}

// The second group overtakes the first, and is half full.
static void groups_come_out_in_order(void) {
    run_stages(2, WEIR_STAGE_PARALLEL, 3);
}

static void a_serial_stage_passes_groups_on(void) {
    run_stages(2, WEIR_STAGE_SERIAL, 3);
}

// ---- finished later --------------------------------------------------------

static void *finish_in_order(void *unused) {
    for (unsigned i = 0; i < BATCH; i++) {
        rooms_await(&is_kept[i]);
        if (alone > 0)
            alone--;
        weir_token_finish(kept[i], 0);
    }
    return unused;
}

static void *finish_last_first(void *unused) {
    for (unsigned i = BATCH; i-- > 0;) {
        rooms_await(&is_kept[i]);
        weir_token_finish(kept[i], 0);
    }
    return unused;
}

static void finish_outside(weir_stage_mode mode, void *(*finish)(void *)) {
    pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(finish, NULL);
    weir_stage stages[] = {
        {"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
        {"keep", mode, mode == WEIR_STAGE_SERIAL ? keep_alone : keep},
        {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, BATCH);
    (void)mc_join(other);
    all_are_delivered();
    MC_CHECK(delivered == BATCH);
}

static void a_group_goes_on_when_all_of_it_is_finished(void) {
    finish_outside(WEIR_STAGE_PARALLEL, finish_in_order);
}

static void a_group_may_be_finished_last_first(void) {
    finish_outside(WEIR_STAGE_PARALLEL, finish_last_first);
}

static void a_serial_stage_takes_one_of_a_group_at_a_time(void) {
    finish_outside(WEIR_STAGE_SERIAL, finish_in_order);
}

// One is kept, the runner goes on with the other.
static int keep_second(weir_worker *self, void *context, weir_token *token) {
    bool second = weir_token_sequence(token) == 1;
    return second ? keep(self, context, token) : work(self, context, token);
}

static int fate; // of the one that is kept

static void *finish_second(void *unused) {
    rooms_await(&is_kept[1]);
    weir_token_finish(kept[1], fate);
    return unused;
}

static void finish_one(unsigned source) {
    pool = rooms_pool(1, 0);
    unsigned other = mc_spawn(finish_second, NULL);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"keep", WEIR_STAGE_PARALLEL, keep_second},
                           {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, source);
    (void)mc_join(other);
}

static void one_of_a_group_may_be_finished_later(void) {
    finish_one(BATCH);
    all_are_delivered();
    MC_CHECK(delivered == BATCH);
}

// ---- lost ------------------------------------------------------------------

// The first of its group is delivered all the same; what comes after is not,
// whether or not it has come in.
static void one_of_a_group_may_fail_later(void) {
    fate = -EIO;
    finish_one(3);
    weir_stream_report report = wait_and_destroy();
    MC_CHECK(report.status == -EIO && report.error_sequence == 1);
    MC_CHECK(report.failed == 1 && begun >= BATCH);
    MC_CHECK(report.delivered == 1 && delivered == 1);
    MC_CHECK(report.cancelled + report.never_started == begun - BATCH);
    for (unsigned i = 0; i < 3; i++)
        MC_CHECK(ended[i] == (i < begun));
    MC_CHECK(outcome[0] == 0 && outcome[1] == -EIO);
    MC_CHECK(outcome[2] == (begun == 3 ? -ECANCELED : 0));
}

static int fail_second(weir_worker *self, void *context, weir_token *token) {
    return weir_token_sequence(token) == 1 ? -EIO : work(self, context, token);
}

static void what_comes_after_one_that_fails_is_not_delivered(void) {
    pool = rooms_pool(2, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"fail", WEIR_STAGE_PARALLEL, fail_second},
                           {"deliver", WEIR_STAGE_SERIAL_IN_ORDER, deliver}};
    make_pipeline(stages, 3, 3);
    weir_stream_report report = wait_and_destroy();
    MC_CHECK(report.status == -EIO && report.error_sequence == 1);
    MC_CHECK(report.failed == 1 && report.delivered == 1 && delivered == 1);
    MC_CHECK(ended[0] == 1 && ended[1] == 1 && ended[2] == (begun == 3));
    MC_CHECK(outcome[0] == 0 && outcome[1] == -EIO);
}

static int keep_first(weir_worker *self, void *context, weir_token *token) {
    bool first = weir_token_sequence(token) == 0;
    return first ? keep(self, context, token) : work(self, context, token);
}

static void *finish_first(void *unused) {
    rooms_await(&is_kept[0]);
    weir_token_finish(kept[0], 0);
    return unused;
}

// The second of the group is begun or not when the cancel comes.
static void a_cancel_waits_for_the_kept_one_of_a_group(void) {
    pool = rooms_pool(1, 0);
    weir_stage stages[] = {{"begin", WEIR_STAGE_SERIAL_IN_ORDER, begin_token},
                           {"keep", WEIR_STAGE_PARALLEL, keep_first}};
    make_pipeline(stages, 2, BATCH);
    rooms_await(&is_kept[0]);
    unsigned other = mc_spawn(finish_first, NULL);
    int error = weir_pipeline_cancel(pipeline);
    MC_CHECK(error == 0 || error == -EALREADY);
    (void)mc_join(other);
    weir_stream_report report = wait_and_destroy();
    MC_CHECK(report.failed == 0);
    MC_CHECK(report.delivered + report.cancelled + report.never_started ==
             begun);
    for (unsigned i = 0; i < BATCH; i++) {
        MC_CHECK(ended[i] == (i < begun));
        MC_CHECK(outcome[i] == 0 || outcome[i] == -ECANCELED);
    }
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(groups_come_out_in_order, 1),
    BOUNDED(a_serial_stage_passes_groups_on, 1),
    BOUNDED(a_group_goes_on_when_all_of_it_is_finished, 1),
    BOUNDED(a_group_may_be_finished_last_first, 1),
    BOUNDED(a_serial_stage_takes_one_of_a_group_at_a_time, 1),
    BOUNDED(one_of_a_group_may_be_finished_later, 1),
    BOUNDED(one_of_a_group_may_fail_later, 1),
    BOUNDED(what_comes_after_one_that_fails_is_not_delivered, 1),
    BOUNDED(a_cancel_waits_for_the_kept_one_of_a_group, 1),
    {.name = NULL},
};
