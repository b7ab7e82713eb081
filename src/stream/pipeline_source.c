// SPDX-License-Identifier: MIT
// The external source of a pipeline: an event loop, or any thread, that takes
// tokens, fills and pushes them.
#include "stream/internal.h"

bool wr_source_has_room_locked(const weir_pipeline *pipeline) {
    return pipeline->source_done || pipeline->stopped || pipeline->handed ||
           pipeline->current != NULL || !wr_list_empty(&pipeline->free);
}

// The group being filled goes on its way, or back if nothing came in.
static void source_dispatch_locked(weir_pipeline *pipeline) {
    wr_group *group = pipeline->current;
    if (group == NULL)
        return;
    pipeline->current = NULL;
    if (group->count == 0) {
        wr_list_push_front(&pipeline->free, &group->link);
        pipeline->live--;
        return;
    }
    group->number = pipeline->next_number++;
    wr_pipeline_enter_locked(group);
}

void wr_source_stop_locked(weir_pipeline *pipeline) {
    if (pipeline->stopped)
        return;
    pipeline->stopped = true;
    pipeline->close_queue = pipeline->drain != NULL;
    if (!pipeline->options.external_source) {
        pipeline->source_done = true;
    } else if (!pipeline->handed) {
        source_dispatch_locked(pipeline);
        pipeline->source_done = true;
    }
}

// The next token: the one handed out already, or the next of the group being
// filled, or the first of a free group.
static int source_begin_locked(weir_pipeline *pipeline, weir_token **out) {
    if (!pipeline->started)
        return -EINVAL;
    if (pipeline->source_done || pipeline->stopped)
        return -EPIPE;
    if (pipeline->current == NULL) {
        wr_link *link = wr_list_pop_front(&pipeline->free);
        if (link == NULL)
            return -EAGAIN;
        pipeline->live++;
        pipeline->current = wr_container_of(link, wr_group, link);
        wr_group_begin(pipeline->current, pipeline->next_sequence);
    }
    wr_group *group = pipeline->current;
    weir_token *token = wr_group_token(group, group->count);
    token->sequence = pipeline->next_sequence;
    token->status = 0;
    token->seen = 0;
    token->failed = 0;
    pipeline->handed = true;
    *out = token;
    return 0;
}

static int source_check(weir_pipeline *pipeline) {
    int error = wr_stream_enter(pipeline->pool);
    if (error != 0)
        return error;
    return pipeline->options.external_source ? 0 : -EINVAL;
}

// One attempt; on -EAGAIN with `waiter` it is linked, to be woken.
static int source_begin_once(weir_pipeline *pipeline, weir_token **out,
                             weir_watch *waiter) {
    wr_mutex_lock(&pipeline->lock);
    int error = source_begin_locked(pipeline, out);
    if (error == -EAGAIN && waiter != NULL)
        wr_list_push_back(&pipeline->room, &wr_watch_of(waiter)->link);
    wr_mutex_unlock(&pipeline->lock);
    return error;
}

int weir_pipeline_try_begin(weir_pipeline *pipeline, weir_token **token) {
    int error = source_check(pipeline);
    return error != 0 ? error : source_begin_once(pipeline, token, NULL);
}

int weir_pipeline_begin(weir_pipeline *pipeline, weir_token **token,
                        int64_t deadline_ns) {
    int error = source_check(pipeline);
    if (error != 0)
        return error;
    error = source_begin_once(pipeline, token, NULL);
    while (error == -EAGAIN) {
        weir_watch waiter;
        (void)wr_watch_init(&waiter, pipeline->pool, &pipeline->lock, NULL);
        error = source_begin_once(pipeline, token, &waiter);
        if (error != -EAGAIN)
            return error;
        int waited = wr_watch_wait(&waiter, deadline_ns);
        if (waited != 0)
            return waited;
        error = source_begin_once(pipeline, token, NULL);
    }
    return error;
}

void weir_pipeline_push(weir_pipeline *pipeline, weir_token *token) {
    if (wr_stream_enter(pipeline->pool) != 0)
        return;
    wr_mutex_lock(&pipeline->lock);
    wr_group *group = pipeline->current;
    wr_check(pipeline->handed && token == wr_group_token(group, group->count),
             "weir_pipeline_push: the token that was begun, once");
    pipeline->handed = false;
    group->count++;
    pipeline->next_sequence++;
    pipeline->in_flight++;
    if (pipeline->in_flight > pipeline->in_flight_highest)
        pipeline->in_flight_highest = pipeline->in_flight;
    if (group->count == pipeline->batch || pipeline->stopped)
        source_dispatch_locked(pipeline);
    if (pipeline->stopped)
        pipeline->source_done = true;
    wr_pipeline_unlock(pipeline);
}

void weir_pipeline_flush(weir_pipeline *pipeline) {
    if (wr_stream_enter(pipeline->pool) != 0)
        return;
    wr_mutex_lock(&pipeline->lock);
    // A token that is begun lies in the group's memory, so it goes with it.
    if (!pipeline->handed)
        source_dispatch_locked(pipeline);
    wr_pipeline_unlock(pipeline);
}

void weir_pipeline_close(weir_pipeline *pipeline) {
    if (wr_stream_enter(pipeline->pool) != 0)
        return;
    wr_mutex_lock(&pipeline->lock);
    if (!pipeline->options.external_source || !pipeline->started ||
        pipeline->ended) {
        wr_mutex_unlock(&pipeline->lock);
        return;
    }
    pipeline->handed = false;
    source_dispatch_locked(pipeline);
    if (!pipeline->stopped)
        pipeline->source_ended = true;
    pipeline->source_done = true;
    wr_pipeline_unlock(pipeline);
}

int weir_pipeline_on_room(weir_pipeline *pipeline, weir_watch *watch,
                          weir_job *job) {
    int error = source_check(pipeline);
    if (error != 0)
        return error;
    wr_mutex_lock(&pipeline->lock);
    bool started = pipeline->started;
    wr_mutex_unlock(&pipeline->lock);
    if (!started)
        return -EINVAL;
    error = wr_watch_init(watch, pipeline->pool, &pipeline->lock, job);
    if (error != 0)
        return error;
    wr_mutex_lock(&pipeline->lock);
    bool now = wr_source_has_room_locked(pipeline);
    if (!now)
        wr_list_push_back(&pipeline->room, &wr_watch_of(watch)->link);
    wr_mutex_unlock(&pipeline->lock);
    if (now)
        wr_watch_fire(watch);
    return 0;
}

// ---- tokens ----------------------------------------------------------------

void *weir_token_data(weir_token *token) { return token + 1; }

uint64_t weir_token_sequence(const weir_token *token) {
    return token->sequence;
}

size_t weir_token_index(const weir_token *token) { return token->index; }

int weir_token_cancelled(const weir_token *token) {
    return wr_sequence_unwanted(token->group->pipeline, token->sequence);
}
