// SPDX-License-Identifier: MIT
// A pipeline's life and counts. How it runs is in pipeline_run.c.
#include "stream/internal.h"

#include "base/fault.h"
#include "base/options.h"

#include <string.h>

enum { TOKENS_DEFAULT = 64, BATCHES_DEFAULT = 4 };

static const size_t bytes_max = SIZE_MAX / 4;

static size_t round_up(size_t bytes, size_t to) {
    return (bytes + to - 1) / to * to;
}

// ---- what is asked for -----------------------------------------------------

static int stages_check(const wr_pipeline_plan *plan) {
    const weir_pipeline_options *options = &plan->options;
    if (options->stages == NULL || options->stages_count == 0 ||
        options->stages_count > WEIR_STAGES_MAX)
        return -EINVAL;
    for (size_t i = 0; i < options->stages_count; i++) {
        const weir_stage *stage = &options->stages[i];
        bool parallel = stage->mode == WEIR_STAGE_PARALLEL;
        if (!parallel && stage->mode != WEIR_STAGE_SERIAL &&
            stage->mode != WEIR_STAGE_SERIAL_IN_ORDER)
            return -EINVAL;
        if (stage->run == NULL && plan->run[i] == NULL)
            return -EINVAL;
        if (i == 0 && parallel && !options->external_source)
            return -EINVAL;
    }
    return 0;
}

// Fills in defaults and checks the sizes. *group_bytes: memory per group.
static int sizes_check(wr_pipeline_plan *plan, size_t *group_bytes) {
    weir_pipeline_options *options = &plan->options;
    if (options->batch == 0)
        options->batch = 1;
    if (options->batch > bytes_max / BATCHES_DEFAULT)
        return -EINVAL;
    if (options->tokens_max == 0) {
        options->tokens_max = options->batch * BATCHES_DEFAULT;
        if (options->tokens_max < TOKENS_DEFAULT)
            options->tokens_max = TOKENS_DEFAULT;
    }
    size_t groups = options->tokens_max / options->batch;
    if (groups == 0 || options->tokens_max > UINT32_MAX)
        return -EINVAL;
    if (options->on_error != WEIR_ON_ERROR_STOP &&
        options->on_error != WEIR_ON_ERROR_SKIP)
        return -EINVAL;
    if (options->token_size > bytes_max || plan->item_size > bytes_max ||
        plan->result_stride > bytes_max)
        return -EINVAL;
    size_t each = sizeof(weir_token) + round_up(options->token_size, 16) +
                  round_up(plan->item_size, 16) +
                  round_up(plan->result_stride, 16) + WR_CACHE_LINE;
    if (each > bytes_max / options->batch / groups)
        return -EINVAL;
    size_t stride = sizeof(weir_token) + round_up(options->token_size, 16);
    *group_bytes = round_up(stride * options->batch, 16) +
                   round_up(plan->item_size * options->batch, 16) +
                   round_up(plan->result_stride * options->batch, 16);
    *group_bytes = round_up(*group_bytes, WR_CACHE_LINE);
    return 0;
}

// ---- build and free --------------------------------------------------------

static void pipeline_free(weir_pipeline *pipeline) {
    wr_free(pipeline->memory);
    wr_free(pipeline->runners);
    wr_free(pipeline->slots);
    wr_free(pipeline->groups);
    wr_free(pipeline->drain);
    wr_mutex_fini(&pipeline->lock);
    wr_free(pipeline);
}

void wr_pipeline_unref(weir_pipeline *pipeline) {
    wr_mutex_lock(&pipeline->lock);
    wr_assert(pipeline->refs > 0);
    bool last = --pipeline->refs == 0;
    wr_mutex_unlock(&pipeline->lock);
    if (last)
        pipeline_free(pipeline);
}

static void stages_build(weir_pipeline *pipeline,
                         const wr_pipeline_plan *plan) {
    for (unsigned i = 0; i < pipeline->stages_count; i++) {
        wr_stage *stage = &pipeline->stages[i];
        stage->user = plan->options.stages[i];
        stage->run = plan->run[i] != NULL ? plan->run[i] : wr_stage_run_tokens;
        stage->slots = pipeline->slots + i * pipeline->groups_count;
        wr_list_init(&stage->parked);
        wr_list_init(&pipeline->ready[i]);
    }
}

static void groups_build(weir_pipeline *pipeline, size_t group_bytes,
                         const wr_pipeline_plan *plan) {
    size_t items_at = round_up(pipeline->stride * pipeline->batch, 16);
    size_t results_at =
        items_at + round_up(plan->item_size * pipeline->batch, 16);
    for (size_t g = 0; g < pipeline->groups_count; g++) {
        wr_group *group = &pipeline->groups[g];
        group->pipeline = pipeline;
        group->tokens = pipeline->memory + g * group_bytes;
        group->items = group->tokens + items_at;
        group->results = group->tokens + results_at;
        wr_list_push_back(&pipeline->free, &group->link);
        for (size_t i = 0; i < pipeline->batch; i++) {
            weir_token *token = wr_group_token(group, i);
            token->group = group;
            token->index = (uint32_t)(g * pipeline->batch + i);
        }
    }
}

static void runners_build(weir_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->runners_count; i++) {
        wr_runner *runner = &pipeline->runners[i];
        runner->pipeline = pipeline;
        runner->job.run = wr_runner_run;
        runner->job.done = wr_runner_done;
        runner->job.name = pipeline->drain != NULL ? "drain" : "pipeline";
        wr_list_push_back(&pipeline->idle, &runner->link);
    }
}

static void lists_init(weir_pipeline *pipeline) {
    wr_mutex_init(&pipeline->lock);
    wr_list_init(&pipeline->free);
    wr_list_init(&pipeline->idle);
    wr_list_init(&pipeline->helpers);
    wr_list_init(&pipeline->room);
    wr_atomic_init(&pipeline->cutoff, UINT64_MAX);
    weir_event_init(&pipeline->finished, pipeline->pool, 1);
    weir_event_init(&pipeline->anchor_event, pipeline->pool, 1);
    pipeline->anchor.run = wr_anchor_run;
    pipeline->anchor.done = wr_anchor_done;
    pipeline->anchor.name = "pipeline";
    pipeline->anchor.deadline_ns = pipeline->options.deadline_ns;
}

int wr_pipeline_build(weir_pipeline **out, weir_pool *pool,
                      const wr_pipeline_plan *wanted) {
    wr_pipeline_plan plan = *wanted;
    size_t group_bytes = 0;
    int error = stages_check(&plan);
    if (error == 0)
        error = sizes_check(&plan, &group_bytes);
    if (error != 0)
        return error;

    weir_pipeline *pipeline =
        wr_aligned_alloc(WR_CACHE_LINE, sizeof(*pipeline));
    if (pipeline == NULL)
        return -ENOMEM;
    pipeline->pool = pool;
    pipeline->options = plan.options;
    pipeline->options.stages = NULL; // the caller's; ours are in stages[]
    pipeline->stages_count = (unsigned)plan.options.stages_count;
    pipeline->batch = plan.options.batch;
    pipeline->groups_count = plan.options.tokens_max / plan.options.batch;
    pipeline->stride =
        sizeof(weir_token) + round_up(plan.options.token_size, 16);
    pipeline->refs = 1;
    lists_init(pipeline);

    // Runners may be more than the pool is wide: a stage in a blocking section
    // has lent its place, and another may take it.
    size_t runners = weir_pool_index_limit(pool);
    if (runners > pipeline->groups_count)
        runners = pipeline->groups_count;
    pipeline->runners_count = runners;
    pipeline->groups =
        wr_calloc(pipeline->groups_count, sizeof(*pipeline->groups));
    pipeline->slots = wr_calloc(pipeline->groups_count * pipeline->stages_count,
                                sizeof(wr_group *));
    pipeline->runners = wr_calloc(runners, sizeof(*pipeline->runners));
    pipeline->memory =
        wr_aligned_alloc(WR_CACHE_LINE, group_bytes * pipeline->groups_count);
    if (pipeline->groups == NULL || pipeline->slots == NULL ||
        pipeline->runners == NULL || pipeline->memory == NULL) {
        pipeline_free(pipeline); // the drain is still the caller's
        return -ENOMEM;
    }
    pipeline->drain = plan.drain;
    stages_build(pipeline, &plan);
    groups_build(pipeline, group_bytes, &plan);
    runners_build(pipeline);
    *out = pipeline;
    return 0;
}

// ---- public ----------------------------------------------------------------

int weir_pipeline_create(weir_pipeline **out, weir_pool *pool,
                         const weir_pipeline_options *options) {
    int error = wr_stream_enter(pool);
    if (error != 0)
        return error;
    wr_pipeline_plan plan = {.drain = NULL};
    error = wr_options_copy(&plan.options, sizeof(plan.options), options);
    return error != 0 ? error : wr_pipeline_build(out, pool, &plan);
}

void weir_pipeline_destroy(weir_pipeline *pipeline) {
    if (pipeline != NULL && wr_stream_enter(pipeline->pool) == 0)
        wr_pipeline_destroy(pipeline);
}

int weir_pipeline_start(weir_pipeline *pipeline) {
    int error = wr_stream_enter(pipeline->pool);
    return error != 0 ? error : wr_pipeline_start(pipeline);
}

int weir_pipeline_wait(weir_pipeline *pipeline, int64_t deadline_ns,
                       weir_stream_report *report) {
    int error = wr_stream_enter(pipeline->pool);
    return error != 0 ? error : wr_pipeline_wait(pipeline, deadline_ns, report);
}

int weir_pipeline_run(weir_pipeline *pipeline, weir_stream_report *report) {
    if (report != NULL && report->size < sizeof(report->size))
        return -EINVAL;
    int error = weir_pipeline_start(pipeline);
    if (error != 0)
        return error;
    return weir_pipeline_wait(pipeline, WEIR_FOREVER, report);
}

weir_event *weir_pipeline_finished(weir_pipeline *pipeline) {
    return &pipeline->finished;
}

int weir_pipeline_cancel(weir_pipeline *pipeline) {
    int error = wr_stream_enter(pipeline->pool);
    return error != 0 ? error : wr_pipeline_halt(pipeline, -ECANCELED, false);
}

int weir_pipeline_stage_count(weir_pipeline *pipeline, size_t stage,
                              weir_stage_counts *counts) {
    int error = wr_stream_enter(pipeline->pool);
    if (error != 0)
        return error;
    if (stage >= pipeline->stages_count)
        return -EINVAL;
    wr_mutex_lock(&pipeline->lock);
    weir_stage_counts now = pipeline->stages[stage].counts;
    wr_mutex_unlock(&pipeline->lock);
    now.name = pipeline->stages[stage].user.name;
    return wr_out_copy(counts, &now, sizeof(now));
}

int weir_pipeline_count(weir_pipeline *pipeline, weir_pipeline_counts *counts) {
    int error = wr_stream_enter(pipeline->pool);
    if (error != 0)
        return error;
    wr_mutex_lock(&pipeline->lock);
    weir_pipeline_counts now = {
        .tokens_max = pipeline->groups_count * pipeline->batch,
        .in_flight = pipeline->in_flight,
        .in_flight_highest = pipeline->in_flight_highest,
        .begun = pipeline->next_sequence,
        .runners = pipeline->executing,
        .runners_highest = pipeline->executing_highest,
    };
    wr_mutex_unlock(&pipeline->lock);
    return wr_out_copy(counts, &now, sizeof(now));
}
