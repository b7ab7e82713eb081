// SPDX-License-Identifier: MIT
// What the files of the stream room call of each other. `_locked`: the
// object's lock is held.
#ifndef WR_STREAM_INTERNAL_H
#define WR_STREAM_INTERNAL_H

#include "stream/types.h"

#include <string.h>

// ---- watch.c ---------------------------------------------------------------

// wr_stream_enter begins every public call: 0 or -ECHILD. With a deterministic
// pool another fiber may go on here.
int wr_stream_enter(weir_pool *pool);

// wr_caller_id tells threads (or fibers) apart; never 0.
uintptr_t wr_caller_id(const weir_pool *pool);

// wr_watch_init prepares a watch of an object with this lock and attaches the
// job, if any. Errors: -ESHUTDOWN, -ECHILD.
int wr_watch_init(weir_watch *watch, weir_pool *pool, wr_mutex *lock,
                  weir_job *job);

// wr_watch_init_notify prepares one that calls a function instead.
void wr_watch_init_notify(weir_watch *watch, wr_mutex *lock,
                          void (*notify)(weir_watch *watch));

// wr_watches_take moves up to `count` of the watches that wait to a list of the
// caller's own: they are his to fire from here on. The object is locked.
void wr_watches_take(wr_link *fire, wr_link *waiting, size_t count);

// wr_watches_fire fires what was moved to a list of the caller's own. Not
// locked.
void wr_watches_fire_all(wr_link *list);

static inline void wr_watches_fire(wr_link *list) {
    if (!wr_list_empty(list))
        wr_watches_fire_all(list);
}

// wr_watch_fire fires one that is in no list. Not locked.
void wr_watch_fire(weir_watch *watch);

// wr_watch_wait waits for a watch on the caller's stack that was linked.
// Returns 0 (it was fired), or what weir_event_wait failed with (it was not,
// and is in no list any more).
int wr_watch_wait(weir_watch *watch, int64_t deadline_ns);

// wr_event_settle returns when an event that another thread is about to fire
// has happened. That thread is past all waiting, so this is soon; it may be
// called where waiting is not allowed.
void wr_event_settle(weir_event *event);

// wr_copy is memcpy, without a call for items that are one word.
static inline void wr_copy(void *to, const void *from, size_t bytes) {
    if (bytes == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, bytes);
}

// ---- queue.c ---------------------------------------------------------------

// wr_queue_lock_both takes lock and send_lock, and evens out.
void wr_queue_lock_both(weir_queue *queue);
void wr_queue_unlock_both(weir_queue *queue);
// wr_queue_tell_both: `count` items were sent. Moves the watches to be fired
// to `fire`. Under both locks.
void wr_queue_tell_both(weir_queue *queue, size_t count, wr_link *fire);

// wr_queue_claim moves the oldest items out, at most count_max; they count as
// claimed until wr_queue_release. *count is how many. With share > 1 leaves
// some for share - 1 others. Errors: -EAGAIN, -EPIPE.
int wr_queue_claim(weir_queue *queue, void *items, size_t count_max,
                   size_t share, size_t *count);
void wr_queue_release(weir_queue *queue, size_t count);

// wr_queue_close is weir_queue_close; returns how many items were dropped.
size_t wr_queue_close(weir_queue *queue);

// wr_queue_watch links a watch that was set up, or fires it at once.
void wr_queue_watch(weir_queue *queue, weir_watch *watch);

// wr_queue_put is every send. `sender` NULL: several producers. `wait` false:
// as many as fit now.
int wr_queue_put(weir_queue *queue, weir_sender *sender, const void *items,
                 size_t count, size_t *sent, int64_t deadline_ns, bool wait);
int wr_queue_watch_writable(weir_queue *queue, weir_watch *watch,
                            weir_job *job);
// wr_queue_sender_gone takes one handle off, and may free the queue.
void wr_queue_sender_gone(weir_queue *queue);

// ---- pipeline.c: life and counts -------------------------------------------

// What a drain has different from other pipelines.
typedef struct wr_pipeline_plan {
    weir_pipeline_options options;
    wr_stage_run *run[WEIR_STAGES_MAX]; // NULL: wr_stage_run_tokens
    weir_drain *drain;
    size_t item_size;
    size_t result_stride;
} wr_pipeline_plan;

int wr_pipeline_build(weir_pipeline **out, weir_pool *pool,
                      const wr_pipeline_plan *plan);
// wr_pipeline_unref may free the pipeline, and the drain with it.
void wr_pipeline_unref(weir_pipeline *pipeline);

// ---- pipeline_run.c: the engine --------------------------------------------

// wr_stage_run_tokens calls the user's stage for each token of the group.
wr_progress wr_stage_run_tokens(weir_worker *self, wr_group *group);

static inline bool wr_sequence_unwanted(const weir_pipeline *pipeline,
                                        uint64_t sequence) {
    return sequence >= wr_load(&pipeline->cutoff, relaxed, ALONE,
                               "a late look costs work, never truth: the lock "
                               "orders the stages of one token");
}

// wr_stage_is_source: the group is in the stage that is the input.
static inline bool wr_group_in_source(const wr_group *group) {
    return group->stage == 0 && !group->pipeline->options.external_source;
}

// wr_group_begin: a free group is to be filled.
static inline void wr_group_begin(wr_group *group, uint64_t base) {
    group->base = base;
    group->count = 0;
    group->at = 0;
    group->stage = 0;
    group->lost = false;
}

// wr_token_fail: it will not be delivered, by its own error.
void wr_token_fail(weir_token *token, int status);
// wr_token_drop: it will not be delivered, because it is not wanted any more.
void wr_token_drop(weir_token *token);

// wr_source_ended: the input has come to its end.
void wr_source_ended(weir_pipeline *pipeline);

// wr_pipeline_halt ends everything for this reason; `no_pool`: and the pool
// takes no more jobs. Errors: -EALREADY. The pipeline may be gone afterwards.
int wr_pipeline_halt(weir_pipeline *pipeline, int status, bool no_pool);

// What is to be done once the lock is free.
typedef struct wr_todo {
    wr_link fire;      // wr_watch.link
    wr_runner *submit; // or NULL
    bool pump;         // take groups through stages here; holds a ref
    bool close_queue;  // counted in busy
    bool settle;       // counted in busy
    bool finish;       // fire the end: nothing may be touched after it
} wr_todo;

void wr_todo_init(wr_todo *todo);
// wr_todo_plan_locked looks what is to be done: wake a runner, tell a source,
// end the pipeline. Every change of state is followed by it.
void wr_todo_plan_locked(weir_pipeline *pipeline, wr_todo *todo);
// wr_todo_do does it. Not locked; the pipeline may be gone afterwards.
void wr_todo_do(weir_pipeline *pipeline, wr_todo *todo);
// wr_pipeline_unlock is plan, unlock, do. The pipeline may be gone afterwards.
void wr_pipeline_unlock(weir_pipeline *pipeline);

// wr_pipeline_enter_locked lets a group into its stage: it is ready, or parked.
void wr_pipeline_enter_locked(wr_group *group);

// wr_pipeline_work_locked: there is a group that could run now.
bool wr_pipeline_work_locked(const weir_pipeline *pipeline);
// wr_pipeline_limit_locked: how many may execute at once.
size_t wr_pipeline_limit_locked(const weir_pipeline *pipeline);

// wr_pipeline_execute takes ready groups through their stages, at most
// turns_max (0: until none is ready). self NULL only when no function of the
// user's is to be called any more.
void wr_pipeline_execute(weir_pipeline *pipeline, weir_worker *self,
                         unsigned turns_max);

// ---- pipeline_end.c: start, wait, end --------------------------------------

int wr_runner_run(weir_worker *self, weir_job *job);
void wr_runner_done(weir_job *job, int status);
int wr_anchor_run(weir_worker *self, weir_job *job);
void wr_anchor_done(weir_job *job, int status);

int wr_pipeline_start(weir_pipeline *pipeline);
// wr_pipeline_settle takes the anchor back. Not locked.
void wr_pipeline_settle(weir_pipeline *pipeline);
int wr_pipeline_wait(weir_pipeline *pipeline, int64_t deadline_ns,
                     weir_stream_report *report);
// wr_pipeline_destroy cancels, waits and unrefs.
void wr_pipeline_destroy(weir_pipeline *pipeline);

// ---- pipeline_source.c -----------------------------------------------------

// wr_source_stop_locked: no more input is wanted.
void wr_source_stop_locked(weir_pipeline *pipeline);
// wr_source_has_room_locked: weir_pipeline_begin would not wait.
bool wr_source_has_room_locked(const weir_pipeline *pipeline);

// ---- drain.c ---------------------------------------------------------------

// wr_drain_stopped: nothing more is wanted of the queue. Not locked.
void wr_drain_stopped(weir_drain *drain);
// wr_drain_park_locked: the queue was empty. True: call wr_drain_arm once the
// lock is free (counted in busy).
bool wr_drain_park_locked(weir_drain *drain);
void wr_drain_arm(weir_drain *drain);
// wr_drain_group_ended gives back what a group held. Not locked.
void wr_drain_group_ended(weir_drain *drain, wr_group *group);

#endif
