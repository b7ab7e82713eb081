// SPDX-License-Identifier: MIT
// The engine of pipelines and drains: groups of tokens go through stages.
#include "stream/internal.h"

#include "os/os.h"
#include "pool/internal.h"

// ---- one group in one stage ------------------------------------------------

static void token_fail_locked(weir_token *token, int status) {
    weir_pipeline *pipeline = token->group->pipeline;
    token->status = status;
    token->failed = 1;
    token->group->lost = true;
    if (pipeline->options.on_error == WEIR_ON_ERROR_SKIP)
        return;
    uint64_t cutoff =
        wr_load(&pipeline->cutoff, relaxed, ALONE, "written under this lock");
    if (token->sequence + 1 < cutoff)
        wr_store(&pipeline->cutoff, token->sequence + 1, relaxed, ALONE,
                 "see wr_sequence_unwanted");
    wr_source_stop_locked(pipeline);
}

void wr_token_fail(weir_token *token, int status) {
    weir_pipeline *pipeline = token->group->pipeline;
    wr_mutex_lock(&pipeline->lock);
    token_fail_locked(token, status);
    wr_mutex_unlock(&pipeline->lock);
}

void wr_token_drop(weir_token *token) {
    weir_pipeline *pipeline = token->group->pipeline;
    wr_mutex_lock(&pipeline->lock);
    token->status = pipeline->halt != 0 ? pipeline->halt : -ECANCELED;
    token->group->lost = true;
    wr_mutex_unlock(&pipeline->lock);
}

void wr_source_ended(weir_pipeline *pipeline) {
    wr_mutex_lock(&pipeline->lock);
    pipeline->source_done = true;
    // A queue that was closed because all is to end has not come to its end.
    pipeline->source_ended = !pipeline->stopped;
    wr_mutex_unlock(&pipeline->lock);
}

// What a stage said of a token, now or later. Returns false when the source
// has no more after this.
static bool token_outcome_locked(weir_token *token, int status) {
    wr_group *group = token->group;
    weir_pipeline *pipeline = group->pipeline;
    bool source = wr_group_in_source(group);
    token->later = WR_LATER_NO;
    if (source && status == WEIR_STAGE_END) {
        // There was no token. A source is serial, so `ran` is nobody else's.
        group->ran.started--;
        pipeline->source_done = true;
        pipeline->source_ended = !pipeline->stopped;
        return false;
    }
    wr_check(status <= 0, "a stage gives 0, a negative errno or "
                          "WEIR_STAGE_LATER; the source also WEIR_STAGE_END");
    weir_stage_counts *counts = &pipeline->stages[group->stage].counts;
    counts->ended++;
    if (source)
        group->count++;
    if (status == 0)
        return true;
    counts->failed++;
    token_fail_locked(token, status);
    // An input that fails would fail for ever.
    if (source)
        pipeline->source_done = true;
    return !source;
}

// The stage returned WEIR_STAGE_LATER. True: *status is there already.
static bool token_later(weir_token *token, bool serial, int *status) {
    wr_group *group = token->group;
    weir_pipeline *pipeline = group->pipeline;
    wr_mutex_lock(&pipeline->lock);
    group->ran.later++;
    bool finished = token->later == WR_LATER_FINISHED;
    if (finished) {
        *status = token->status;
        token->status = 0;
    } else {
        token->later = WR_LATER_WAITING;
        group->pending++;
        // From the unlock on the group may be somebody else's.
        group->suspended = serial;
    }
    wr_mutex_unlock(&pipeline->lock);
    return finished;
}

static void token_begin(wr_group *group, size_t i) {
    weir_token *token = wr_group_token(group, i);
    token->sequence = group->base + i;
    token->status = 0;
    token->seen = 0;
    token->failed = 0;
}

// All tokens of a parallel stage were started. False: some are pending.
static bool group_complete(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    wr_mutex_lock(&pipeline->lock);
    bool complete = group->pending == 0;
    group->suspended = !complete;
    wr_mutex_unlock(&pipeline->lock);
    return complete;
}

// Calls the stage for a token; the trace has it if it wants to.
static int stage_call(weir_worker *self, const weir_stage *stage, void *context,
                      weir_token *token) {
    weir_trace *trace = self->pool->options.trace;
    if (!wr_trace_on(trace))
        return stage->run(self, context, token);
    uint64_t sequence = token->sequence;
    int64_t begin_ns = wr_now_ns();
    int status = stage->run(self, context, token);
    if (status != WEIR_STAGE_END)
        wr_trace_emit(trace, wr_worker_ring(self), WR_TRACE_TOKEN, stage->name,
                      sequence, begin_ns, wr_now_ns());
    return status;
}

// One token in the stage. False: the group stops here, see *progress.
static bool token_step(weir_worker *self, wr_group *group, weir_token *token,
                       bool serial, wr_progress *progress) {
    weir_pipeline *pipeline = group->pipeline;
    const weir_stage *stage = &pipeline->stages[group->stage].user;
    token->later = WR_LATER_RUNNING;
    token->seen = 1;
    group->ran.started++;
    int status = stage_call(self, stage, pipeline->options.context, token);
    if (status == WEIR_STAGE_LATER && !token_later(token, serial, &status)) {
        *progress = WR_PROGRESS_SUSPENDED;
        return !serial;
    }
    if (status == 0) {
        token->later = WR_LATER_NO;
        group->ran.ended++;
        group->count += wr_group_in_source(group);
        return true;
    }
    wr_mutex_lock(&pipeline->lock);
    bool more = token_outcome_locked(token, status);
    wr_mutex_unlock(&pipeline->lock);
    return more;
}

wr_progress wr_stage_run_tokens(weir_worker *self, wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    bool source = wr_group_in_source(group);
    bool serial =
        pipeline->stages[group->stage].user.mode != WEIR_STAGE_PARALLEL;
    size_t limit = source ? pipeline->batch : group->count;
    wr_progress progress = WR_PROGRESS_DONE;
    while (group->at < limit) {
        size_t i = group->at++;
        weir_token *token = wr_group_token(group, i);
        if (source)
            token_begin(group, i);
        else if (token->status != 0)
            continue;
        if (wr_sequence_unwanted(pipeline, token->sequence)) {
            if (source)
                break;
            wr_token_drop(token);
            continue;
        }
        wr_assert(self != NULL);
        if (!token_step(self, group, token, serial, &progress))
            return progress;
    }
    if (progress == WR_PROGRESS_SUSPENDED && group_complete(group))
        progress = WR_PROGRESS_DONE;
    return progress;
}

// ---- between stages --------------------------------------------------------

static void group_ready_locked(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    wr_list_push_back(&pipeline->ready[group->stage], &group->link);
    pipeline->ready_count++;
}

// May the group go into its stage now? Then a serial stage is taken.
static bool stage_take_locked(wr_stage *stage, const wr_group *group) {
    if (stage->user.mode == WEIR_STAGE_PARALLEL)
        return true;
    if (stage->taken)
        return false;
    if (stage->user.mode == WEIR_STAGE_SERIAL_IN_ORDER &&
        stage->next != group->number)
        return false;
    stage->taken = true;
    return true;
}

static void stage_park_locked(wr_stage *stage, wr_group *group) {
    if (stage->user.mode == WEIR_STAGE_SERIAL) {
        wr_list_push_back(&stage->parked, &group->link);
        return;
    }
    // Groups between the one whose turn it is and this one are all alive, so
    // no two of them share a slot.
    wr_group **slot =
        &stage->slots[group->number % group->pipeline->groups_count];
    wr_assert(*slot == NULL);
    *slot = group;
}

void wr_pipeline_enter_locked(wr_group *group) {
    wr_stage *stage = &group->pipeline->stages[group->stage];
    if (stage_take_locked(stage, group))
        group_ready_locked(group);
    else
        stage_park_locked(stage, group);
}

// A group leaves a serial stage: the next one's turn.
static void stage_pass_locked(weir_pipeline *pipeline, wr_stage *stage) {
    if (stage->user.mode == WEIR_STAGE_PARALLEL)
        return;
    wr_group *next = NULL;
    if (stage->user.mode == WEIR_STAGE_SERIAL) {
        wr_link *link = wr_list_pop_front(&stage->parked);
        if (link != NULL)
            next = wr_container_of(link, wr_group, link);
    } else {
        stage->next++;
        wr_group **slot = &stage->slots[stage->next % pipeline->groups_count];
        next = *slot;
        *slot = NULL;
    }
    stage->taken = next != NULL;
    if (next != NULL)
        group_ready_locked(next);
}

static void group_free_locked(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    wr_list_push_front(&pipeline->free, &group->link);
    pipeline->live--;
}

static void counts_add(weir_stage_counts *to, const weir_stage_counts *from) {
    to->started += from->started;
    to->ended += from->ended;
    to->failed += from->failed;
    to->later += from->later;
}

// The source is done with a group. False: nothing came in.
static bool source_leave_locked(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    pipeline->stages[0].taken = false;
    if (group->count == 0) {
        group_free_locked(group);
        return false;
    }
    group->number = pipeline->next_number++;
    pipeline->next_sequence += group->count;
    pipeline->in_flight += group->count;
    if (pipeline->in_flight > pipeline->in_flight_highest)
        pipeline->in_flight_highest = pipeline->in_flight;
    return true;
}

typedef enum move { MOVE_ON, MOVE_AWAY, MOVE_OUT } move;

// The group's stage is done: where to now. MOVE_AWAY: it is not ours any more.
static move group_move_locked(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    wr_stage *stage = &pipeline->stages[group->stage];
    counts_add(&stage->counts, &group->ran);
    group->ran = (weir_stage_counts){0};
    if (!wr_group_in_source(group))
        stage_pass_locked(pipeline, stage);
    else if (!source_leave_locked(group))
        return MOVE_AWAY;
    group->at = 0;
    group->stage++;
    if (group->stage == pipeline->stages_count)
        return MOVE_OUT;
    stage = &pipeline->stages[group->stage];
    if (stage_take_locked(stage, group))
        return MOVE_ON;
    stage_park_locked(stage, group);
    return MOVE_AWAY;
}

// ---- the end of a group ----------------------------------------------------

// Adds up what became of the tokens; reports the first that was lost.
static void group_report(const wr_group *group, weir_stream_report *sum) {
    if (!group->lost) {
        sum->delivered = group->count;
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        const weir_token *token = wr_group_token(group, i);
        if (token->status == 0) {
            sum->delivered++;
            continue;
        }
        if (token->failed)
            sum->failed++;
        else if (token->seen)
            sum->cancelled++;
        else
            sum->never_started++;
        if (sum->status == 0) {
            sum->status = token->status;
            sum->error_sequence = token->sequence;
        }
    }
}

// Tells everybody what became of the tokens. Not locked.
static void group_tell(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    if (pipeline->options.ended != NULL)
        for (size_t i = 0; i < group->count; i++) {
            weir_token *token = wr_group_token(group, i);
            pipeline->options.ended(pipeline->options.context, token,
                                    token->status);
        }
    if (pipeline->drain != NULL)
        wr_drain_group_ended(pipeline->drain, group);
}

static void group_end_locked(wr_group *group, const weir_stream_report *sum) {
    weir_pipeline *pipeline = group->pipeline;
    weir_stream_report *report = &pipeline->report;
    report->delivered += sum->delivered;
    report->failed += sum->failed;
    report->cancelled += sum->cancelled;
    report->never_started += sum->never_started;
    if (sum->status != 0 &&
        (!pipeline->lost_any || sum->error_sequence < report->error_sequence)) {
        pipeline->lost_any = true;
        report->status = sum->status;
        report->error_sequence = sum->error_sequence;
    }
    pipeline->in_flight -= group->count;
    group_free_locked(group);
}

// ---- taking groups through -------------------------------------------------

static bool source_ready_locked(const weir_pipeline *pipeline) {
    return pipeline->started && !pipeline->options.external_source &&
           !pipeline->source_done && !pipeline->source_parked &&
           !pipeline->stages[0].taken && !wr_list_empty(&pipeline->free);
}

bool wr_pipeline_work_locked(const weir_pipeline *pipeline) {
    return pipeline->ready_count > 0 || source_ready_locked(pipeline);
}

// The latest stage first: that is what makes room.
static wr_group *next_group_locked(weir_pipeline *pipeline) {
    for (unsigned s = pipeline->stages_count; s-- > 0;) {
        wr_link *link = wr_list_pop_front(&pipeline->ready[s]);
        if (link != NULL) {
            pipeline->ready_count--;
            return wr_container_of(link, wr_group, link);
        }
    }
    if (!source_ready_locked(pipeline))
        return NULL;
    wr_link *link = wr_list_pop_front(&pipeline->free);
    wr_group *group = wr_container_of(link, wr_group, link);
    pipeline->live++;
    pipeline->stages[0].taken = true;
    wr_group_begin(group, pipeline->next_sequence);
    return group;
}

// A drain's queue was empty.
static void source_park_locked(wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    pipeline->stages[0].taken = false;
    group_free_locked(group);
    if (!wr_drain_park_locked(pipeline->drain))
        return;
    wr_mutex_unlock(&pipeline->lock);
    wr_drain_arm(pipeline->drain);
    wr_mutex_lock(&pipeline->lock);
}

// Runs a group through its stage. The stages of a drain take all its items at
// once, and so does the trace.
static wr_progress stage_run(weir_worker *self, wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    const wr_stage *stage = &pipeline->stages[group->stage];
    bool drain = pipeline->drain != NULL && self != NULL;
    weir_trace *trace = drain ? self->pool->options.trace : NULL;
    if (!wr_trace_on(trace))
        return stage->run(self, group);
    uint64_t sequence = group->base;
    int64_t begin_ns = wr_now_ns();
    wr_progress progress = stage->run(self, group);
    if (progress == WR_PROGRESS_DONE && group->count > 0)
        wr_trace_emit(trace, wr_worker_ring(self), WR_TRACE_TOKEN,
                      stage->user.name, sequence, begin_ns, wr_now_ns());
    return progress;
}

// Takes one group as far as it goes. The lock is held on entry and on return,
// and let go while a stage runs: one lock per stage. This thread is executing,
// so the pipeline stays.
static void group_advance_locked(weir_worker *self, wr_group *group) {
    weir_pipeline *pipeline = group->pipeline;
    for (;;) {
        unsigned stage = group->stage;
        wr_pipeline_unlock(pipeline);
        wr_progress progress = stage_run(self, group);
        if (progress == WR_PROGRESS_SUSPENDED) {
            wr_mutex_lock(&pipeline->lock);
            return;
        }
        weir_stream_report sum = {0};
        if (stage + 1 == pipeline->stages_count) {
            group_report(group, &sum);
            group_tell(group);
        }
        wr_mutex_lock(&pipeline->lock);
        if (progress == WR_PROGRESS_EMPTY) {
            source_park_locked(group);
            return;
        }
        move to = group_move_locked(group);
        if (to == MOVE_OUT)
            group_end_locked(group, &sum);
        if (to != MOVE_ON)
            return;
    }
}

size_t wr_pipeline_limit_locked(const weir_pipeline *pipeline) {
    bool small = pipeline->next_sequence <= pipeline->options.parallel_after;
    return small && pipeline->options.parallel_after > 0
               ? 1
               : pipeline->runners_count;
}

void wr_pipeline_execute(weir_pipeline *pipeline, weir_worker *self,
                         unsigned turns_max) {
    wr_mutex_lock(&pipeline->lock);
    if (pipeline->executing >= wr_pipeline_limit_locked(pipeline)) {
        wr_pipeline_unlock(pipeline);
        return;
    }
    pipeline->executing++;
    if (pipeline->executing > pipeline->executing_highest)
        pipeline->executing_highest = pipeline->executing;
    for (unsigned turn = 0;; turn++) {
        bool enough = turns_max > 0 && turn >= turns_max;
        // Without a pool nobody else would come.
        if (enough && !pipeline->no_pool)
            break;
        wr_group *group = next_group_locked(pipeline);
        if (group == NULL)
            break;
        group_advance_locked(self, group);
    }
    pipeline->executing--;
    wr_pipeline_unlock(pipeline);
}

// ---- finishing later -------------------------------------------------------

void weir_token_finish(weir_token *token, int status) {
    wr_group *group = token->group;
    weir_pipeline *pipeline = group->pipeline;
    if (wr_stream_enter(pipeline->pool) != 0)
        return;
    wr_mutex_lock(&pipeline->lock);
    if (token->later == WR_LATER_RUNNING) {
        token->later = WR_LATER_FINISHED;
        token->status = status;
        wr_mutex_unlock(&pipeline->lock);
        return;
    }
    wr_check(token->later == WR_LATER_WAITING,
             "weir_token_finish: once for each WEIR_STAGE_LATER");
    if (!token_outcome_locked(token, status))
        group->at = pipeline->batch; // of the source: no more of this batch
    group->pending--;
    if (group->suspended && group->pending == 0) {
        group->suspended = false;
        group_ready_locked(group);
    }
    wr_pipeline_unlock(pipeline);
}
