// SPDX-License-Identifier: MIT
// What the files of the pool call of each other. `_locked` in a comment: the
// pool's lock is held on entry and on return; where it may be let go meanwhile
// the comment says "may unlock".
#ifndef WR_POOL_INTERNAL_H
#define WR_POOL_INTERNAL_H

#include "pool/types.h"

// ---- pool.c ----------------------------------------------------------------

bool wr_pool_forked(const weir_pool *pool);
static inline void wr_pool_lock(weir_pool *pool) { wr_mutex_lock(&pool->lock); }
void wr_pool_unlock_slow(weir_pool *pool);
// wr_pool_unlock also sends the wakes and pokes that were held back.
static inline void wr_pool_unlock(weir_pool *pool) {
    if (pool->wakes_count == 0 && !pool->poke)
        wr_mutex_unlock(&pool->lock);
    else
        wr_pool_unlock_slow(pool);
}
// wr_pool_check_thread aborts if a deterministic pool is used by a thread that
// did not create it.
void wr_pool_check_thread(const weir_pool *pool);

// ---- sleep.c: who sleeps, who wakes ----------------------------------------

// All _locked.
void wr_worker_set_state(weir_worker *worker, enum wr_worker_state state);
// wr_worker_sleep: until woken, or until deadline_ns, or without a reason. May
// unlock.
void wr_worker_sleep(weir_worker *worker, int64_t deadline_ns);
void wr_worker_wake(weir_worker *worker);
// wr_word_wake wakes all that sleep on one of the pool's words.
void wr_word_wake(weir_pool *pool, wr_atomic_u32 *word);
// wr_outside_wake: the same for `outside`, and nothing if nobody does.
void wr_outside_wake(weir_pool *pool);
// What tells a worker that spins to look again under the lock. now: _locked;
// changed: not.
typedef struct wr_signs {
    uint32_t pushes;
    uint32_t wake;
} wr_signs;
wr_signs wr_signs_now(const weir_worker *worker);
bool wr_signs_changed(const weir_worker *worker, const wr_signs *before);
// wr_pool_notify: something was queued that any worker may run.
void wr_pool_notify(weir_pool *pool);
// wr_pool_keeper_notify: the first timer has changed.
void wr_pool_keeper_notify(weir_pool *pool);
// wr_pool_has_work: maybe; forks are looked at without their locks.
bool wr_pool_has_work(weir_pool *pool);
// wr_worker_rest: a searcher found nothing: spins a while, then sleeps as
// IDLE. May unlock.
void wr_worker_rest(weir_worker *worker);
// wr_worker_rest_placeless: there is work but no place: sleeps as IDLE until a
// place is lent or a token is free. May unlock.
void wr_worker_rest_placeless(weir_worker *worker);

// ---- place.c: places and stand-ins -----------------------------------------

// All _locked.
bool wr_place_take(weir_worker *worker);   // SEARCHING -> PLACED, if it may
void wr_place_drop(weir_worker *worker);   // PLACED -> SEARCHING
bool wr_place_excess(weir_worker *worker); // it should give its place up
// wr_place_lend: PLACED -> LENT; starts a stand-in if need be. With `strict`
// fails with -EAGAIN if no other worker could take the place. May unlock.
int wr_place_lend(weir_worker *worker, bool strict);
void wr_place_return(weir_worker *worker); // LENT -> PLACED. May unlock.
// wr_worker_start gives a worker its thread or fiber. May unlock.
int wr_worker_start(weir_worker *worker);

// ---- worker.c: what runs ---------------------------------------------------

// A piece of work that was taken out of its queue, to be run.
typedef struct wr_item {
    weir_job *job;    // or NULL
    wr_fork *fork;    // or NULL
    wr_frame *parent; // the frame it descends from
    int status;       // of a job that ends without running
    bool run;         // false: just end it
    bool quiet;       // ended by stop_on_error
} wr_item;

weir_worker *wr_worker_current(void);
void wr_worker_set_current(weir_worker *worker);
void wr_worker_loop(weir_worker *worker); // not locked
// wr_worker_turn does one thing, or rests; false: nothing to do and it may
// not rest (no fibers). _locked, may unlock.
bool wr_worker_turn(weir_worker *worker, bool rest);
// wr_item_run runs it on top of the worker's stack. _locked, may unlock.
void wr_item_run(weir_worker *worker, const wr_item *item);
// wr_item_take_job fills `item` with a job that is being taken out of its
// queue. _locked.
void wr_item_take_job(weir_pool *pool, wr_job *job, wr_item *item);

// wr_deadline_passed: 0 is no deadline. Any thread.
bool wr_deadline_passed(const weir_pool *pool, int64_t deadline_ns);
// wr_worker_cancelled is weir_cancelled without a switch point. The worker.
int wr_worker_cancelled(const weir_worker *worker);

// ---- wait.c ----------------------------------------------------------------

typedef enum wr_wait_kind {
    WR_WAIT_SCOPE,
    WR_WAIT_FORK,
    WR_WAIT_EVENT,
    WR_WAIT_RUN, // object: the wr_run
    WR_WAIT_BROADCAST
} wr_wait_kind;

// wr_worker_wait waits on a worker, helping descendants of `object` only.
// Returns 0, -ETIMEDOUT, -EDEADLK (deterministic, without fibers). _locked,
// may unlock.
int wr_worker_wait(weir_worker *worker, wr_wait_kind kind, const void *object,
                   int64_t deadline_ns);
// wr_waiters_wake has workers that wait for events look whether they were told
// to end. _locked.
void wr_waiters_wake(weir_pool *pool);
// wr_outside_wait waits on a thread that is no worker of this pool until
// ready(pool, argument), asked _locked, after each wake of *word. Returns 0,
// -ETIMEDOUT, -EDEADLK (deterministic). _locked, may unlock.
int wr_outside_wait(weir_pool *pool, wr_atomic_u32 *word,
                    bool (*ready)(weir_pool *pool, void *argument),
                    void *argument, int64_t deadline_ns);

// ---- arrivals.c: the way in that does not take the pool's lock -------------

// wr_arrivals_take: this job may come that way. Any thread.
bool wr_arrivals_take(const weir_pool *pool, const weir_job *job);
// wr_arrivals_open: the pool has not been told to stop. Any thread.
bool wr_arrivals_open(weir_pool *pool);
// wr_arrivals_begin locks the arrivals, or returns false: a worker must be
// woken, or the pool is stopping; then it goes by wr_job_submit.
// wr_arrivals_add accepts a job meanwhile; wr_arrivals_end unlocks.
bool wr_arrivals_begin(weir_pool *pool);
void wr_arrivals_add(weir_pool *pool, weir_job *job, void *captured);
void wr_arrivals_end(weir_pool *pool);
// wr_arrivals_chain submits `count` jobs whose links are a list.
// Errors: -ESHUTDOWN. Not locked.
int wr_arrivals_chain(weir_pool *pool, wr_link *chain, weir_job *const *jobs,
                      size_t count);
// All _locked: whether there are any, exactly; move them to the inbox, so that
// all that was submitted is counted there; the same, and none come any more.
bool wr_arrivals_any(weir_pool *pool);
void wr_arrivals_gather(weir_pool *pool);
void wr_arrivals_close(weir_pool *pool);

// ---- burst.c: many short jobs at one look ----------------------------------

// wr_burst_init: before the workers start.
void wr_burst_init(weir_pool *pool);
// wr_burst_begin: a worker begins what is in the frame; takes a burst for what
// comes after it, if that pays. _locked.
bool wr_burst_begin(weir_worker *worker, const wr_frame *frame);
// wr_burst_next: what the frame had has run; `item` and the frame become the
// next of the burst. False: there is none, and the lock of the pool is needed
// to go on. The worker itself, not locked.
bool wr_burst_next(weir_worker *worker, wr_frame *frame, int status,
                   wr_item *item);
// wr_burst_end: after that, whatever wr_burst_next said last. _locked.
void wr_burst_end(weir_worker *worker);
bool wr_bursts_take_back(weir_pool *pool); // _locked
// wr_bursts_recall: from here on until the lock is let go the pool is as if
// there were no bursts: all that is queued is in its queue, all that has ended
// is counted, and no worker begins or ends anything. True: there was something
// to be queued again. _locked.
static inline bool wr_bursts_recall(weir_pool *pool) {
    return !wr_list_empty(&pool->bursts) && wr_bursts_take_back(pool);
}
// wr_bursts_recall_overdue: the same, if the oldest of them, there is one,
// should have been over long ago: one of its jobs is not short, and others wait
// behind it while what was queued later is taken. _locked.
void wr_bursts_recall_overdue(weir_pool *pool);
void wr_bursts_settle(weir_pool *pool); // _locked: counts what has ended
// wr_bursts_open: some burst is not empty, maybe. _locked; false is exact.
bool wr_bursts_open(const weir_pool *pool);

// ---- job.c -----------------------------------------------------------------

// wr_pool_refuses: 0, or -ESHUTDOWN: it takes nothing from outside. Not locked.
int wr_pool_refuses(weir_pool *pool);
// wr_job_check aborts on a job that is in use or not filled in.
void wr_job_check(const weir_job *job);
// wr_pool_accepts: 0 or -ESHUTDOWN. continues: see wr_job_accept_check.
// _locked.
int wr_pool_accepts(const weir_pool *pool, bool continues);
// wr_job_accept_check: 0, -ESHUTDOWN; aborts on a job that is in use.
// continues: it is part of work that has been accepted and has not ended, so a
// pool that drains takes it from any thread. _locked.
int wr_job_accept_check(weir_pool *pool, const weir_job *job, bool continues);
// wr_job_fill gives a job's private words what each accepted job starts with.
void wr_job_fill(weir_pool *pool, wr_job *job, wr_scope *scope, void *captured);
// wr_job_accept makes a job the pool's: counted, timed; its state and queue
// are the caller's to set next. _locked.
void wr_job_accept(weir_pool *pool, weir_job *job, wr_scope *scope,
                   void *captured);
void wr_inbox_push(weir_pool *pool, weir_job *job);              // _locked
void wr_job_end_unrun(weir_pool *pool, wr_job *job, int status); // _locked
// wr_job_submit is the heart of weir_submit: accepts and queues, and notifies
// nobody. Errors: -ESHUTDOWN. _locked.
int wr_job_submit(weir_pool *pool, weir_job *job, void *captured);
// wr_job_withdraw takes a job that has not started back at once, whether a
// worker is free or not: its done is not called, it counts as ended with
// *status, and wr_job_release(*captured) is the caller's to do, unlocked. A job
// that is about to end unrun is taken too; *status is then its own. One that
// runs is told to end if `tell`.
// Errors: -EBUSY (it runs), -EALREADY (it has ended, or done is about to be
// called). _locked.
int wr_job_withdraw(weir_pool *pool, weir_job *job, bool tell, int *status,
                    void **captured);
void wr_job_untime(weir_pool *pool, wr_job *job); // _locked
// wr_job_queue makes it QUEUED, linked after `where`. _locked.
void wr_job_queue(weir_pool *pool, wr_job *job, wr_link *where);
// wr_queued_add: so many have got into queues. _locked.
void wr_queued_add(weir_pool *pool, uint64_t count);
// wr_timer_start: false: deadline_ns is none. _locked.
bool wr_timer_start(weir_pool *pool, wr_timer *timer, int64_t deadline_ns);
// What is left of a job that has ended: its memory is gone.
typedef struct wr_ended {
    wr_scope *scope;
    uint64_t key;
    uint64_t sequence;
    int status;
    bool ran;
    bool quiet;
} wr_ended;

// wr_job_account: a job has ended and its done has returned. _locked.
void wr_job_account(weir_pool *pool, const wr_ended *ended);
// wr_job_leave takes a job, of `scope` or of none (NULL; only compared), off
// what is outstanding. _locked.
void wr_job_leave(weir_pool *pool, const wr_scope *scope);
void *wr_job_capture(weir_pool *pool);                // not locked
void wr_job_release(weir_pool *pool, void *captured); // not locked
// wr_timers_expire ends what is due and returns whether it ended anything.
bool wr_timers_expire(weir_pool *pool); // _locked

// ---- scope.c, fork.c, event.c, broadcast.c, stop.c -------------------------

// wr_event_attach: as weir_event_attach. continues: it is part of work that
// has been accepted and has not ended, so a pool that drains takes it from any
// thread.
int wr_event_attach(weir_event *event, weir_job *job, bool continues);

// wr_scope_why: 0, or the errno that ends this scope or one around it. NULL is
// allowed. On work inside it, or _locked.
int wr_scope_why(const wr_scope *scope);
// wr_scope_after_error: stop_on_error, and this child comes after the error.
bool wr_scope_after_error(const wr_scope *scope, const wr_job *job);
wr_job *wr_scope_take(wr_scope *scope); // _locked; NULL: no queued child
// wr_scope_end takes note that a child has ended. _locked.
void wr_scope_child_ended(wr_scope *scope, const wr_ended *ended);
void wr_scope_expire(wr_scope *scope); // _locked: its deadline has passed

// Forks begun and not joined. The worker itself.
unsigned wr_forks_count(const weir_worker *worker);
void wr_forks_init(weir_worker *worker);
// wr_forks_poll opens some of the worker's private forks if others took what
// lay open; cheap if there is nothing to do. The worker itself, not locked.
void wr_forks_poll(weir_worker *self);
// wr_forks_lay_open opens them all: the worker is about to wait, or to run
// something on top. The worker itself, _locked.
void wr_forks_lay_open(weir_worker *self);
// wr_forks_hidden_here: this thread is a worker, and has private forks.
// wr_forks_lay_open_here opens them: it is about to wait where its pool does
// not see it. No pool is locked.
bool wr_forks_hidden_here(void);
void wr_forks_lay_open_here(void);
// wr_forks_resized: the pool has become smaller. Any thread.
void wr_forks_resized(weir_worker *worker);
bool wr_fork_steal(weir_worker *thief, wr_item *item); // _locked
// wr_fork_steal_below takes only a fork that descends from `object`. _locked.
bool wr_fork_steal_below(weir_worker *thief, wr_wait_kind kind,
                         const void *object, wr_item *item);
// wr_forks_open: some lie open. _locked; exact.
bool wr_forks_open(weir_pool *pool);
// wr_fork_wanted: somebody may want a fork: none of the worker's own is there
// to be taken. The worker itself.
bool wr_fork_wanted(const weir_worker *worker);
bool wr_frame_descends(const wr_frame *frame, wr_wait_kind kind,
                       const void *object);

// wr_event_unlink takes an ATTACHED job off its event. _locked.
void wr_event_unlink(wr_job *job);
// wr_event_wait is weir_event_wait, on a worker as a wait of `kind` for
// `object`. Not locked, waits.
int wr_event_wait(weir_event *event, wr_wait_kind kind, const void *object,
                  int64_t deadline_ns, int *status);
// wr_broadcasts_serve runs the oldest broadcast this worker has not run, if
// any. _locked, may unlock.
bool wr_broadcasts_serve(weir_worker *worker);
bool wr_broadcasts_unseen(const weir_worker *worker); // _locked
void wr_pool_maybe_quit(weir_pool *pool);             // _locked
bool wr_quiet(weir_pool *pool, void *unused);

// ---- gang.c: see also gang.h -----------------------------------------------

// All _locked.
// wr_gangs_look: workers may have become free for gangs, or fewer are.
void wr_gangs_look(weir_pool *pool);
void wr_gangs_end(weir_pool *pool); // those that wait end with -ESHUTDOWN
// wr_gang_join: a worker with nothing on its stack waits for the rest of the
// gang that assembles. True: `item` is its part. False: there is nothing to do
// for it, but it has a place to give up. May unlock.
bool wr_gang_join(weir_worker *worker, wr_item *item);
void wr_gang_stand_up(weir_worker *worker); // its part has run
// The worker has lent its place, or is back: if it has a runner.
void wr_relay_lent(weir_worker *worker);
void wr_relay_back(weir_worker *worker);

// ---- figures.c: what a pool knows of itself -------------------------------

// wr_figures_init makes room for times and joins the trace, if they are
// wanted. Errors: -ENOMEM.
int wr_figures_init(weir_pool *pool);
void wr_figures_fini(weir_pool *pool);
// wr_pool_timed: somebody wants to know when jobs are queued and ended. Any
// thread.
static inline bool wr_pool_timed(const weir_pool *pool) {
    return pool->timing &&
           (pool->times != NULL || wr_trace_on(pool->options.trace));
}
// wr_figures_state: the worker is about to change its state. The clock is read
// only where it stops being busy, or a loan begins or ends: never once per job.
// _locked.
void wr_figures_state_changes(weir_worker *worker, enum wr_worker_state state);
static inline void wr_figures_state(weir_worker *worker,
                                    enum wr_worker_state state) {
    if (worker->placed_ns != 0 || worker->lent_ns != 0 || state == WR_LENT)
        wr_figures_state_changes(worker, state);
}
// wr_figures_started: a job has its frame and is about to run. Where it is
// measured. _locked.
void wr_figures_started(weir_pool *pool, const wr_frame *frame);
// wr_figures_ran: what is in the frame has run. Where wr_pool_timed; before
// done, and before a fork is DONE. Not locked.
void wr_figures_ran(weir_worker *worker, wr_frame *frame);
// wr_figures_ended: the job's done has returned. Where it is measured. _locked.
void wr_figures_ended(weir_pool *pool, const wr_frame *frame);
// wr_figures_slept: since begin_ns, 0: the trace was off then.
void wr_figures_slept(const weir_worker *worker, int64_t begin_ns);
// wr_figures_count adds it all up, as weir_pool_count gives it. _locked.
weir_pool_counts wr_figures_count(weir_pool *pool);
// wr_frame_name: of the job that this is, or that this fork belongs to, or
// NULL. wr_frame_own_name: of this frame. _locked, or on the frame's own
// worker.
static inline const char *wr_frame_own_name(const wr_frame *frame) {
    return wr_load(&frame->name, acquire, FRAME_1, "then it may be read");
}
const char *wr_frame_name(const wr_frame *frame);
// wr_worker_lender: the frame that lent the place, while it is LENT. A frame
// that it has begun to help with since is not. _locked.
const wr_frame *wr_worker_lender(const weir_worker *worker);
// wr_worker_ring: where the trace has this worker, or NULL. Any thread.
static inline wr_trace_ring *wr_worker_ring(const weir_worker *worker) {
    return worker->pool->rings != NULL ? worker->pool->rings[worker->index]
                                       : NULL;
}

// ---- budget.c --------------------------------------------------------------

int wr_budget_join(weir_pool *pool);
void wr_budget_leave(weir_pool *pool);
bool wr_budget_take(weir_pool *pool);     // _locked
void wr_budget_give(weir_pool *pool);     // _locked
bool wr_budget_wanted(weir_pool *pool);   // _locked: another pool is starved
void wr_budget_withdraw(weir_pool *pool); // _locked: wants none any more
// wr_budget_pin keeps `pool` from being destroyed until wr_budget_poke, which
// wakes the pool that is first in line. Pin _locked, poke not locked.
void wr_budget_pin(weir_pool *pool);
void wr_budget_poke(weir_pool *pool);

// ---- determ.c --------------------------------------------------------------

int wr_determ_init(weir_pool *pool);
void wr_determ_fini(weir_pool *pool);
int wr_determ_start(weir_worker *worker);
// wr_determ_settle runs new fibers until all sleep. _locked, unlocks.
void wr_determ_settle(weir_pool *pool);
// wr_determ_leave goes from a fiber back to the driver. Not locked.
void wr_determ_leave(weir_worker *worker);
// wr_determ_point: if this thread runs a fiber, another may go on here. Touches
// no pool but the fiber's own. Not locked.
void wr_determ_point(void);
// The same, by who knows that it is on a worker of this pool or outside.
static inline void wr_determ_point_of(const weir_pool *pool) {
    if (pool->deterministic)
        wr_determ_point();
}
int wr_determ_drive(weir_pool *pool,
                    bool (*ready)(weir_pool *pool, void *argument),
                    void *argument, int64_t deadline_ns); // _locked, unlocks

#endif
