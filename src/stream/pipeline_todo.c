// SPDX-License-Identifier: MIT
// What follows from a change of state: under the lock it is planned, once the
// lock is free it is done.
#include "stream/internal.h"

void wr_todo_init(wr_todo *todo) {
    *todo = (wr_todo){.submit = NULL};
    wr_list_init(&todo->fire);
}

// Somebody is to come for the groups that are ready.
static void plan_work_locked(weir_pipeline *pipeline, wr_todo *todo) {
    size_t limit = wr_pipeline_limit_locked(pipeline);
    if (pipeline->executing >= limit)
        return; // whoever executes comes back here
    if (pipeline->no_pool) {
        if (pipeline->executing == 0) {
            pipeline->refs++;
            todo->pump = true;
        }
        return;
    }
    // A worker that waits for the end helps first: perhaps it is the only one,
    // and then no runner would ever run.
    if (!wr_list_empty(&pipeline->helpers)) {
        wr_watches_take(&todo->fire, &pipeline->helpers, 1);
        return;
    }
    if (pipeline->executing + pipeline->pending >= limit)
        return;
    wr_link *link = wr_list_pop_front(&pipeline->idle);
    if (link == NULL)
        return; // all are out; the first that is done comes back here
    wr_runner *runner = wr_container_of(link, wr_runner, link);
    runner->began = false;
    pipeline->pending++;
    pipeline->refs++;
    todo->submit = runner;
}

// What the report says of a source that was cut off.
static void report_cut_locked(weir_pipeline *pipeline) {
    weir_stream_report *report = &pipeline->report;
    if (pipeline->lost_any || pipeline->source_ended || pipeline->halt == 0)
        return;
    report->status = pipeline->halt;
    report->error_sequence = pipeline->next_sequence;
}

static void plan_end_locked(weir_pipeline *pipeline, wr_todo *todo) {
    if (!pipeline->started || !pipeline->source_done || pipeline->handed ||
        pipeline->live > 0 || pipeline->executing > 0 || pipeline->busy > 0 ||
        pipeline->ended)
        return;
    if (!pipeline->settled) {
        pipeline->settled = true;
        pipeline->busy++;
        todo->settle = true;
        return;
    }
    report_cut_locked(pipeline);
    pipeline->ended = true;
    wr_watches_take(&todo->fire, &pipeline->helpers, SIZE_MAX);
    todo->finish = true;
}

void wr_todo_plan_locked(weir_pipeline *pipeline, wr_todo *todo) {
    if (pipeline->close_queue) {
        pipeline->close_queue = false;
        pipeline->busy++;
        todo->close_queue = true;
    }
    if (pipeline->options.external_source &&
        wr_source_has_room_locked(pipeline))
        wr_watches_take(&todo->fire, &pipeline->room, SIZE_MAX);
    if (wr_pipeline_work_locked(pipeline))
        plan_work_locked(pipeline, todo);
    else
        plan_end_locked(pipeline, todo);
}

static void runner_submit(wr_runner *runner) {
    weir_pipeline *pipeline = runner->pipeline;
    int error = weir_submit(pipeline->pool, &runner->job);
    if (error == 0)
        return; // nothing of the pipeline may be touched any more
    wr_mutex_lock(&pipeline->lock);
    pipeline->pending--;
    wr_list_push_back(&pipeline->idle, &runner->link);
    wr_mutex_unlock(&pipeline->lock);
    (void)wr_pipeline_halt(pipeline, error, true);
    wr_pipeline_unref(pipeline);
}

static void busy_over(weir_pipeline *pipeline) {
    wr_mutex_lock(&pipeline->lock);
    pipeline->busy--;
    wr_pipeline_unlock(pipeline);
}

void wr_todo_do(weir_pipeline *pipeline, wr_todo *todo) {
    wr_watches_fire(&todo->fire);
    // Each of these holds the pipeline by itself, so the order is free.
    if (todo->submit != NULL)
        runner_submit(todo->submit);
    if (todo->pump) {
        wr_pipeline_execute(pipeline, NULL, 0);
        wr_pipeline_unref(pipeline);
    }
    if (todo->close_queue) {
        wr_drain_stopped(pipeline->drain);
        busy_over(pipeline);
    }
    if (todo->settle) {
        wr_pipeline_settle(pipeline);
        busy_over(pipeline);
    }
    if (todo->finish)
        (void)weir_event_fire(&pipeline->finished, 0);
}

void wr_pipeline_unlock(weir_pipeline *pipeline) {
    wr_todo todo;
    wr_todo_init(&todo);
    wr_todo_plan_locked(pipeline, &todo);
    wr_mutex_unlock(&pipeline->lock);
    wr_todo_do(pipeline, &todo);
}

int wr_pipeline_halt(weir_pipeline *pipeline, int status, bool no_pool) {
    wr_mutex_lock(&pipeline->lock);
    if (no_pool)
        pipeline->no_pool = true;
    int error = pipeline->ended ? -EALREADY : 0;
    if (error == 0) {
        if (pipeline->halt == 0)
            pipeline->halt = status;
        wr_store(&pipeline->cutoff, 0, relaxed, ALONE,
                 "see wr_sequence_unwanted");
        wr_source_stop_locked(pipeline);
    }
    wr_pipeline_unlock(pipeline);
    return error;
}
