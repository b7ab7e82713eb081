// SPDX-License-Identifier: MIT
// What the files of the stream room call of each other. `_locked`: the
// object's lock is held.
#ifndef WR_STREAM_INTERNAL_H
#define WR_STREAM_INTERNAL_H

#include "stream/types.h"

// ---- watch.c ---------------------------------------------------------------

// wr_stream_enter begins every public call: 0 or -ECHILD. With a deterministic
// pool another fiber may go on here.
int wr_stream_enter(weir_pool *pool);

// wr_caller_id tells threads (or fibers) apart; never 0.
uintptr_t wr_caller_id(void);

// wr_watch_init prepares a watch of an object with this lock and attaches the
// job, if any. Errors: -ESHUTDOWN, -ECHILD.
int wr_watch_init(weir_watch *watch, weir_pool *pool, wr_mutex *lock,
                  weir_job *job);

// wr_watches_fire fires what was moved to a list of the caller's own. Not
// locked.
void wr_watches_fire(wr_link *list);

// wr_watch_fire fires one that is in no list. Not locked.
void wr_watch_fire(weir_watch *watch);

// wr_watch_wait waits for a watch on the caller's stack that was linked.
// Returns 0 (it was fired), or what weir_event_wait failed with (it was not,
// and is in no list any more).
int wr_watch_wait(weir_watch *watch, int64_t deadline_ns);

// wr_watch_settle returns when a watch that somebody else took out of its list
// has happened. That thread is past all waiting, so this is soon; it may be
// called where waiting is not allowed. After it the watch's memory may go.
void wr_watch_settle(weir_watch *watch);

// ---- queue.c ---------------------------------------------------------------

// wr_queue_claim moves the oldest items out, at most count_max; they count as
// claimed until wr_queue_release. *count is how many. With share > 1 leaves
// some for share - 1 others. Errors: -EAGAIN, -EPIPE.
int wr_queue_claim(weir_queue *queue, void *items, size_t count_max,
                   size_t share, size_t *count);
void wr_queue_release(weir_queue *queue, size_t count);

// wr_queue_close is weir_queue_close; returns how many items were dropped.
size_t wr_queue_close(weir_queue *queue);

// wr_queue_watch is weir_queue_on_readable with the job on any pool.
int wr_queue_watch(weir_queue *queue, weir_watch *watch, weir_pool *pool,
                   weir_job *job);

// wr_queue_put is every send. `sender` NULL: several producers. `wait` false:
// as many as fit now.
int wr_queue_put(weir_queue *queue, weir_sender *sender, const void *items,
                 size_t count, size_t *sent, int64_t deadline_ns, bool wait);
int wr_queue_watch_writable(weir_queue *queue, weir_watch *watch,
                            weir_job *job);
// wr_queue_sender_gone takes one handle off, and may free the queue.
void wr_queue_sender_gone(weir_queue *queue);

// ---- pipeline.c ------------------------------------------------------------

// What a drain has different from other pipelines.
typedef struct wr_pipeline_plan {
    weir_pipeline_options options; // tokens_max a multiple of batch
    wr_progress (*run[WEIR_STAGES_MAX])(weir_worker *self, wr_group *group);
    weir_drain *drain;
    size_t group_bytes; // of items and results per group
} wr_pipeline_plan;

int wr_pipeline_build(weir_pipeline **out, weir_pool *pool,
                      const wr_pipeline_plan *plan);
void wr_pipeline_free(weir_pipeline *pipeline);

// ---- pipeline_run.c: the engine --------------------------------------------

// wr_stage_run_tokens calls the user's stage for each token of the group.
wr_progress wr_stage_run_tokens(weir_worker *self, wr_group *group);

// wr_token_unwanted: the token's sequence is past the cutoff.
static inline bool wr_token_unwanted(const weir_token *token,
                                     const weir_pipeline *pipeline) {
    return token->sequence >= wr_load(&pipeline->cutoff, relaxed, ALONE,
                                      "a late look costs work, not truth: the "
                                      "lock orders stages of one token");
}

// wr_token_end_early marks a token that will not be delivered: `failed` by its
// own error `status`, or because it is not wanted (status is looked up).
void wr_token_fail_locked(weir_token *token, int status);
void wr_token_fail(weir_token *token, int status);
void wr_token_drop(weir_token *token);

// wr_pipeline_halt ends everything for this reason. Not locked.
void wr_pipeline_halt(weir_pipeline *pipeline, int status);

// What is to be done once the lock is free.
typedef struct wr_todo {
    wr_link fire;      // wr_watch.link
    wr_runner *submit; // or NULL
    bool pump;         // take groups through stages here and now
    bool settle;       // see pipeline_end.c
    bool finish;       // fire the end: nothing may be touched after it
} wr_todo;

void wr_todo_init(wr_todo *todo);
// wr_todo_plan looks what is to be done: wakes a runner, ends the pipeline.
void wr_todo_plan_locked(weir_pipeline *pipeline, wr_todo *todo);
// wr_todo_do does it. Not locked; the pipeline may be gone afterwards.
void wr_todo_do(weir_pipeline *pipeline, wr_todo *todo);

// wr_pipeline_enter_locked lets a group into its stage, or parks it. True: it
// may run.
bool wr_pipeline_enter_locked(wr_group *group);
void wr_pipeline_ready_locked(wr_group *group);

// wr_pipeline_execute takes ready groups through their stages, at most
// turns_max (0: until none is ready). self NULL only when everything is to
// end. False: enough others do already.
bool wr_pipeline_execute(weir_pipeline *pipeline, weir_worker *self,
                         unsigned turns_max);

int wr_runner_run(weir_worker *self, weir_job *job);
void wr_runner_done(weir_job *job, int status);

// ---- pipeline_end.c: start, wait, end ---------------------------------------

// wr_pipeline_settle takes the extras back when all else is done. Not locked.
void wr_pipeline_settle(weir_pipeline *pipeline);
int wr_pipeline_wait(weir_pipeline *pipeline, int64_t deadline_ns,
                     weir_stream_report *report);
// wr_pipeline_extra_done: an extra job is ours again. Not locked; the
// pipeline may be gone afterwards.
void wr_pipeline_extra_done(weir_pipeline *pipeline);

// ---- pipeline_source.c
// -------------------------------------------------------

// wr_source_stop_locked: no more input is wanted.
void wr_source_stop_locked(weir_pipeline *pipeline);

// ---- drain.c
// -----------------------------------------------------------------

// wr_drain_stopped: the cutoff was lowered: closes the queue. Not locked.
void wr_drain_stopped(weir_drain *drain);
// wr_drain_park: the queue was empty: waits for it. Not locked.
void wr_drain_park(weir_drain *drain);
// wr_drain_group_ended gives back what a group held. Not locked.
void wr_drain_group_ended(weir_drain *drain, wr_group *group);

#endif
