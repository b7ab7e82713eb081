// SPDX-License-Identifier: MIT
// What the files of the loop room call of each other. `_locked` in a comment:
// the loop's lock is held on entry and on return; where it may be let go
// meanwhile the comment says "may unlock".
#ifndef WR_LOOP_INTERNAL_H
#define WR_LOOP_INTERNAL_H

#include "loop/types.h"
#include "pool/internal.h"
#include "pool/trace.h"

// ---- loop.c ----------------------------------------------------------------

bool wr_loop_forked(const weir_loop *loop);
// wr_loop_mine: this is the thread that owns it, and not inside a job.
bool wr_loop_mine(const weir_loop *loop);
void wr_loop_check_thread(const weir_loop *loop);
// wr_loop_signal makes the descriptor readable; post_lock is held.
void wr_loop_signal(weir_loop *loop);
// wr_loop_wake does the same, taking post_lock.
void wr_loop_wake(weir_loop *loop);
// wr_loop_hold tells the owner's event loop whether calls are pending, if that
// has changed. The loop's thread, not locked.
void wr_loop_hold(weir_loop *loop, bool pending);
void wr_loop_enter(const weir_loop *loop, void *captured);
void wr_loop_leave(const weir_loop *loop, void *captured);

// ---- call.c: accepted, and sent to where they run --------------------------

// wr_call_to_pool queues an accepted call, whose pool_captured is set. On 0 a
// lock of the pool's is held, to be let go by wr_call_sent after the loop's:
// wakes are sent then. _locked. Errors: -ESHUTDOWN; nothing is held then.
int wr_call_to_pool(wr_call *call, weir_pool *pool, bool *arrived);
void wr_call_sent(weir_pool *pool, bool arrived);

// ---- end.c: how a call ends ------------------------------------------------

// wr_call_run_part runs what the call does now, on this thread, and measures
// it if somebody wants to know. started_ns: now.
int wr_call_run_part(weir_worker *self, wr_call *call, int64_t started_ns);
// wr_call_ran: a part has run and its pool or lane has let go of it: goes on
// with the next part, or posts the outcome. Not locked.
void wr_call_ran(wr_call *call, int status);
// wr_call_unrun posts the outcome of a part that did not run. Takes post_lock.
void wr_call_unrun(wr_call *call, int status);
// wr_call_end ends a call that has not started, wherever it is queued, with
// `status`; one that runs is told if `tell`. Returns what weir_call_cancel
// does. _locked, may unlock.
int wr_call_end(wr_call *call, int status, bool tell);
// wr_loop_expire ends calls whose deadline has passed. _locked, may unlock.
void wr_loop_expire(weir_loop *loop);

// ---- site.c ----------------------------------------------------------------

// wr_site_cell_of finds or makes the cell of a site; NULL: no room. _locked.
wr_site_cell *wr_site_cell_of(weir_loop *loop, const weir_site *site);
// wr_site_inline decides where a call that is submitted now runs. The loop's
// thread.
bool wr_site_inline(const weir_loop *loop, wr_site_cell *cell);
// wr_site_learn takes note of how long a run took, for the decision. The loop's
// thread.
void wr_site_learn(wr_site_cell *cell, int64_t run_ns, bool inlined);
// wr_site_delivered takes note of a call that is about to be delivered. The
// loop's thread, _locked.
void wr_site_delivered(wr_site_cell *cell, const wr_call *call, int64_t now);

// ---- lane.c, lane_thread.c -------------------------------------------------

// wr_lane_ready makes sure that there is a thread, so that wr_lane_push can
// succeed. Not locked. Errors: -EAGAIN, -ESHUTDOWN, -ECHILD.
int wr_lane_ready(weir_lane *lane);
// wr_lane_push queues a call; takes lane->lock inside loop->lock. What it sets
// *wake and *grow to goes to wr_lane_pushed when nothing is locked. Errors:
// -ENOENT (the last thread has left: make it ready again), -ESHUTDOWN, -EAGAIN
// (calls_max).
int wr_lane_push(weir_lane *lane, wr_call *call, wr_lane_thread **wake,
                 wr_lane_thread **grow);
void wr_lane_pushed(wr_lane_thread *wake, wr_lane_thread *grow);
// wr_lane_withdraw takes a queued call back, counted as ended with `status`.
// Takes lane->lock inside loop->lock. Errors: -EBUSY (it runs).
int wr_lane_withdraw(weir_lane *lane, wr_call *call, int status);
// wr_lane_main is what a thread does. Takes the lane's lock.
void *wr_lane_main(void *argument);
// With lane->lock held: take the next call out of the queue, or NULL; take an
// idle thread off the list, to be woken, or NULL; count a call that ended
// without running; wake who waits for the lane to become quiet.
wr_call *wr_lane_take(weir_lane *lane);
wr_lane_thread *wr_lane_rouse(weir_lane *lane);
void wr_lane_count_unrun(weir_lane *lane, int status);
void wr_lane_wake_outside(weir_lane *lane);
// wr_lane_here is the lane that the calling thread belongs to, or NULL.
const weir_lane *wr_lane_here(void);

#endif
