// SPDX-License-Identifier: MIT
// A drain: the pipeline whose source claims items from a queue, then works on
// them in parallel, then delivers the results.
#include "stream/internal.h"

#include "base/fault.h"
#include "base/options.h"

enum { BATCH_DEFAULT = 64 };

static void *group_item(const wr_group *group, size_t i) {
    return group->items + i * group->pipeline->drain->item_size;
}

static void *group_result(const wr_group *group, size_t i) {
    return group->results + i * group->pipeline->drain->options.result_size;
}

// ---- stages ----------------------------------------------------------------

// An item costs one call of work and nothing else: its token is looked at only
// when it is lost.
static weir_token *lost_token(wr_group *group, size_t i) {
    weir_token *token = wr_group_token(group, i);
    token->sequence = group->base + i;
    return token;
}

static wr_progress drain_claim(weir_worker *self, wr_group *group) {
    (void)self;
    weir_pipeline *pipeline = group->pipeline;
    weir_drain *drain = pipeline->drain;
    if (wr_sequence_unwanted(pipeline, group->base))
        return WR_PROGRESS_DONE; // with nothing in it
    size_t count = 0;
    int error = wr_queue_claim(drain->queue, group->items, pipeline->batch,
                               weir_pool_width(pipeline->pool), &count);
    if (error == -EAGAIN)
        return WR_PROGRESS_EMPTY;
    if (error != 0) {
        wr_source_ended(pipeline);
        return WR_PROGRESS_DONE;
    }
    group->count = count;
    group->ran.started += count;
    group->ran.ended += count;
    return WR_PROGRESS_DONE;
}

static void work_failed(wr_group *group, size_t i, int status) {
    wr_check(status < 0, "a drain's work gives 0 or a negative errno");
    weir_token *token = lost_token(group, i);
    token->seen = 1;
    group->ran.failed++;
    wr_token_fail(token, status);
}

// Works on item i and maybe more. Returns how many that were.
static size_t work_one(weir_worker *self, wr_group *group, size_t i) {
    const weir_drain_options *options = &group->pipeline->drain->options;
    int status = options->work(self, options->context, group->base + i,
                               group_item(group, i), group_result(group, i));
    if (status != 0)
        work_failed(group, i, status);
    return 1;
}

static size_t work_many(weir_worker *self, wr_group *group, size_t i) {
    const weir_drain_options *options = &group->pipeline->drain->options;
    size_t count = group->count - i;
    size_t done = 0;
    int status = options->work_batch(self, options->context, group->base + i,
                                     group_item(group, i),
                                     group_result(group, i), count, &done);
    if (status == 0)
        return count;
    wr_check(done < count, "a drain's work_batch sets *done when it fails");
    work_failed(group, i + done, status);
    return done + 1;
}

static wr_progress drain_work(weir_worker *self, wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    bool many = pipeline->drain->options.work_batch != NULL;
    size_t started = 0;
    for (size_t i = 0; i < group->count;) {
        if (wr_sequence_unwanted(pipeline, group->base + i)) {
            wr_token_drop(lost_token(group, i++));
            continue;
        }
        wr_assert(self != NULL);
        size_t done =
            many ? work_many(self, group, i) : work_one(self, group, i);
        started += done;
        i += done;
    }
    group->ran.started += started;
    group->ran.ended += started;
    return WR_PROGRESS_DONE;
}

// Delivers the results of tokens `from` to `end`.
static void deliver_run(weir_worker *self, wr_group *group, size_t from,
                        size_t end) {
    weir_drain *drain = group->pipeline->drain;
    wr_assert(self != NULL);
    int status =
        drain->options.deliver(self, drain->options.context, group->base + from,
                               group_result(group, from), end - from);
    group->ran.started += end - from;
    group->ran.ended += end - from;
    if (status == 0)
        return;
    wr_check(status < 0, "a drain's deliver gives 0 or a negative errno");
    group->ran.failed += end - from;
    for (size_t i = from; i < end; i++) {
        weir_token *token = lost_token(group, i);
        token->seen = 1;
        wr_token_fail(token, status);
    }
}

// There is a result, and deliver will not be called with it.
static void deliver_drop(wr_group *group, size_t i) {
    weir_token *token = lost_token(group, i);
    token->seen = 1;
    token->left_over = 1;
    wr_token_drop(token);
}

static wr_progress drain_deliver(weir_worker *self, wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    for (size_t i = 0; i < group->count;) {
        size_t end = i;
        while (end < group->count &&
               (!group->lost || wr_group_token(group, end)->status == 0) &&
               !wr_sequence_unwanted(pipeline, group->base + end))
            end++;
        if (end > i)
            deliver_run(self, group, i, end);
        else if (!group->lost || wr_group_token(group, i)->status == 0)
            deliver_drop(group, i);
        i = end > i ? end : i + 1;
    }
    return WR_PROGRESS_DONE;
}

static void group_clean(wr_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        weir_token *token = wr_group_token(group, i);
        *token = (weir_token){.group = group, .index = token->index};
    }
}

void wr_drain_group_ended(weir_drain *drain, wr_group *group) {
    const weir_queue_options *queue = &drain->queue->options;
    const weir_drain_options *options = &drain->options;
    for (size_t i = 0; i < group->count && group->lost; i++) {
        weir_token *token = wr_group_token(group, i);
        if (token->status == 0)
            continue;
        if (!token->seen && queue->dropped != NULL)
            queue->dropped(queue->context, group_item(group, i));
        if (token->left_over && options->undelivered != NULL)
            options->undelivered(options->context, token->sequence,
                                 group_result(group, i));
    }
    if (group->lost)
        group_clean(group);
    wr_queue_release(drain->queue, group->count);
}

// ---- an empty queue --------------------------------------------------------

bool wr_drain_park_locked(weir_drain *drain) {
    weir_pipeline *pipeline = drain->pipeline;
    if (pipeline->source_done)
        return false;
    pipeline->source_parked = true;
    pipeline->refs++; // the watch's
    pipeline->busy++;
    return true;
}

// The queue is readable, or closed. On the thread that made it so.
static void drain_wake(weir_watch *watch) {
    weir_drain *drain = wr_container_of(watch, weir_drain, watch);
    weir_pipeline *pipeline = drain->pipeline;
    wr_mutex_lock(&pipeline->lock);
    pipeline->source_parked = false;
    wr_pipeline_unlock(pipeline);
    wr_pipeline_unref(pipeline);
}

void wr_drain_arm(weir_drain *drain) {
    weir_pipeline *pipeline = drain->pipeline;
    wr_watch_init_notify(&drain->watch, &drain->queue->lock, drain_wake);
    wr_queue_watch(drain->queue, &drain->watch);
    wr_mutex_lock(&pipeline->lock);
    pipeline->busy--;
    wr_pipeline_unlock(pipeline);
}

void wr_drain_stopped(weir_drain *drain) {
    weir_pipeline *pipeline = drain->pipeline;
    size_t dropped = wr_queue_close(drain->queue);
    wr_mutex_lock(&pipeline->lock);
    pipeline->report.never_started += dropped;
    wr_mutex_unlock(&pipeline->lock);
}

// ---- life ------------------------------------------------------------------

// How many items move as one: what was asked for, but so few that each worker
// can have a batch in work and one that waits.
static size_t drain_batch(size_t batch, size_t in_flight, size_t width) {
    if (batch == 0)
        batch = BATCH_DEFAULT;
    size_t share = in_flight / (2 * width);
    if (share == 0)
        share = 1;
    return batch < share ? batch : share;
}

static int drain_build(weir_drain *drain, weir_pool *pool) {
    const weir_drain_options *options = &drain->options;
    size_t in_flight = drain->queue->options.capacity;
    if (options->in_flight_max != 0 && options->in_flight_max < in_flight)
        in_flight = options->in_flight_max;
    if (in_flight > UINT32_MAX)
        in_flight = UINT32_MAX;
    const weir_stage stages[] = {
        {"claim", WEIR_STAGE_SERIAL, NULL},
        {"work", WEIR_STAGE_PARALLEL, NULL},
        {"deliver",
         options->ordered ? WEIR_STAGE_SERIAL_IN_ORDER : WEIR_STAGE_PARALLEL,
         NULL},
    };
    wr_pipeline_plan plan = {
        .options = {.stages = stages,
                    .stages_count = options->deliver != NULL ? 3 : 2,
                    .tokens_max = in_flight,
                    .batch = drain_batch(options->batch, in_flight,
                                         weir_pool_width(pool)),
                    .parallel_after = options->parallel_after,
                    .on_error = options->on_error,
                    .deadline_ns = options->deadline_ns},
        .run = {drain_claim, drain_work, drain_deliver},
        .drain = drain,
        .item_size = drain->item_size,
        .result_stride = options->result_size,
    };
    return wr_pipeline_build(&drain->pipeline, pool, &plan);
}

int weir_drain_start(weir_drain **out, weir_pool *pool, weir_queue *queue,
                     const weir_drain_options *options) {
    int error = wr_stream_enter(pool);
    if (error != 0)
        return error;
    weir_drain_options opts;
    error = wr_options_copy(&opts, sizeof(opts), options);
    if (error != 0)
        return error;
    if ((opts.work == NULL) == (opts.work_batch == NULL))
        return -EINVAL;

    weir_drain *drain = wr_calloc(1, sizeof(*drain));
    if (drain == NULL)
        return -ENOMEM;
    drain->queue = queue;
    drain->options = opts;
    drain->item_size = queue->options.item_size;
    error = drain_build(drain, pool);
    if (error != 0) {
        wr_free(drain);
        return error;
    }
    error = wr_pipeline_start(drain->pipeline);
    if (error != 0) {
        wr_pipeline_destroy(drain->pipeline); // and the drain with it
        return error;
    }
    *out = drain;
    return 0;
}

int weir_drain_wait(weir_drain *drain, int64_t deadline_ns,
                    weir_stream_report *report) {
    return weir_pipeline_wait(drain->pipeline, deadline_ns, report);
}

weir_event *weir_drain_finished(weir_drain *drain) {
    return weir_pipeline_finished(drain->pipeline);
}

int weir_drain_cancel(weir_drain *drain) {
    return weir_pipeline_cancel(drain->pipeline);
}

void weir_drain_destroy(weir_drain *drain) {
    if (drain != NULL)
        weir_pipeline_destroy(drain->pipeline);
}

int weir_drain_run(weir_pool *pool, weir_queue *queue,
                   const weir_drain_options *options,
                   weir_stream_report *report) {
    if (report != NULL && report->size < sizeof(report->size))
        return -EINVAL;
    weir_drain *drain;
    int error = weir_drain_start(&drain, pool, queue, options);
    if (error != 0)
        return error;
    error = weir_drain_wait(drain, WEIR_FOREVER, report);
    weir_drain_destroy(drain);
    return error;
}
