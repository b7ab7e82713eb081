// SPDX-License-Identifier: MIT
// How a call is accepted and sent on its way. README.md, "Accepting", has the
// protocol.
#include "loop/internal.h"

// ---- accepting -------------------------------------------------------------

// Counted before anybody can end it. A deterministic pool has a time of its
// own, and ends calls that are late by that. _locked.
static void accept_call(weir_loop *loop, const weir_pool *pool,
                        weir_call *public, enum wr_call_state state) {
    wr_call *call = wr_call_of(public);
    weir_loop_counts *counts = &loop->counts;
    counts->accepted++;
    counts->pending++;
    wr_list_push_back(&loop->calls, &call->all);
    call->timed = state == WR_CALL_AWAY && public->deadline_ns != 0 &&
                  public->deadline_ns != WEIR_FOREVER &&
                  (pool == NULL || !pool->deterministic);
    if (call->timed)
        wr_heap_insert(&loop->timers, &call->timer, public->deadline_ns);
    call->cell = NULL;
    if (public->site != NULL) {
        call->cell = wr_site_cell_of(loop, public->site);
        if (call->cell != NULL)
            call->cell->stats.active++;
        else
            counts->unmeasured++;
    }
    wr_store(&call->state, state, relaxed, ALONE, "under the lock");
    // A thread that does not own the loop cannot tell its event loop to stay,
    // nor when to look for the deadline.
    bool news = (counts->pending == 1 && loop->options.hold != NULL) ||
                (call->timed && wr_heap_first(&loop->timers) == &call->timer);
    if (news && !wr_loop_mine(loop))
        wr_loop_wake(loop);
}

// It was handed over, too. The call may be over by now, but not delivered.
// _locked.
static void accepted(weir_loop *loop, wr_site_cell *cell) {
    if (loop->counts.pending > loop->counts.pending_max)
        loop->counts.pending_max = loop->counts.pending;
    if (cell != NULL && cell->stats.active > cell->stats.active_max)
        cell->stats.active_max = cell->stats.active;
}

// It was refused after all. _locked.
static void unaccept(weir_loop *loop, wr_call *call) {
    loop->counts.accepted--;
    loop->counts.pending--;
    wr_list_remove(&call->all);
    if (call->timed)
        wr_heap_remove(&loop->timers, &call->timer);
    if (call->cell != NULL)
        call->cell->stats.active--;
    else if (wr_call_public(call)->site != NULL)
        loop->counts.unmeasured--;
    wr_store(&call->state, WR_CALL_IDLE, relaxed, ALONE, "under the lock");
}

// What each call starts with. Not locked: it is still the caller's.
static void fill(weir_loop *loop, weir_call *public, void *captured,
                 int64_t now) {
    wr_call *call = wr_call_of(public);
    wr_check(public->reserved == 0, "a call's reserved field is not zero");
    wr_check(wr_load(&call->state, relaxed, ALONE,
                     "a call in use is a bug that is caught when it shows") ==
                 WR_CALL_IDLE,
             "a call was submitted twice, or was not zeroed");
    call->loop = loop;
    call->pool = NULL;
    call->lane = NULL;
    call->captured = captured;
    call->part = public->run;
    call->next_run = NULL;
    call->ran = false;
    call->inlined = false;
    call->cancelled = false;
    call->lane_running = false;
    call->queue_ns = 0;
    call->run_ns = 0;
    call->ended_ns = 0;
    call->accepted_ns = now;
    call->submitted_ns = now;
    wr_store(&call->told, 0, relaxed, ALONE, "nobody else has it yet");
}

static void *capture(const weir_loop *loop) {
    return loop->hooks.capture != NULL
               ? loop->hooks.capture(loop->hooks.context)
               : NULL;
}

static void release(const weir_loop *loop, void *captured) {
    if (loop->hooks.release != NULL)
        loop->hooks.release(loop->hooks.context, captured);
}

// ---- sending ---------------------------------------------------------------

static int run_job(weir_worker *self, weir_job *job) {
    wr_call *call = wr_container_of(job, wr_call, job);
    return wr_call_run_part(self, call, self->frame->started_ns);
}

static void end_job(weir_job *job, int status) {
    wr_call *call = wr_container_of(job, wr_call, job);
    if (weir_job_ran(job))
        wr_call_ran(call, status);
    else
        wr_call_unrun(call, status);
}

static void prepare_job(wr_call *call, weir_pool *pool) {
    const weir_call *public = wr_call_public(call);
    call->job.run = run_job;
    call->job.done = end_job;
    call->job.name = public->site != NULL ? public->site->name : NULL;
    call->job.deadline_ns = public->deadline_ns;
    call->job.priority = public->priority;
    call->pool = pool;
    call->lane = NULL;
}

int wr_call_to_pool(wr_call *call, weir_pool *pool, bool *arrived) {
    prepare_job(call, pool);
    *arrived = wr_arrivals_take(pool, &call->job) && wr_arrivals_begin(pool);
    if (*arrived) {
        wr_arrivals_add(pool, &call->job, call->pool_captured);
        return 0;
    }
    wr_pool_lock(pool);
    int error = wr_job_submit(pool, &call->job, call->pool_captured);
    if (error != 0) {
        wr_pool_unlock(pool);
        return error;
    }
    wr_pool_notify(pool);
    // Looking may not pay: see README.md, "Spinning".
    if (pool->wakes_count > 0 && wr_loop_mine(call->loop))
        call->loop->woke = true;
    return 0;
}

void wr_call_sent(weir_pool *pool, bool arrived) {
    if (arrived)
        wr_arrivals_end(pool);
    else
        wr_pool_unlock(pool);
}

// _locked.
static int refused(const weir_loop *loop, bool bounded) {
    if (loop->closing)
        return -ESHUTDOWN;
    bool full = loop->options.calls_max > 0 &&
                loop->counts.pending >= loop->options.calls_max;
    return bounded && full ? -EAGAIN : 0;
}

// Runs it here. Its done is called by a drain, as ever.
static void run_inline(weir_loop *loop, const weir_pool *pool, wr_call *call) {
    if (wr_deadline_passed(pool, wr_call_public(call)->deadline_ns)) {
        wr_call_unrun(call, -ETIMEDOUT);
        return;
    }
    call->inlined = true;
    call->accepted_ns = wr_now_ns(); // it has not waited
    int status = wr_call_run_part(NULL, call, call->accepted_ns);
    // At once, not when it is delivered: another may be submitted before.
    wr_site_learn(call->cell, call->run_ns, true);
    if (wr_call_public(call)->site->mode == WEIR_SITE_ADAPTIVE)
        loop->inline_ns += call->run_ns;
    wr_call_ran(call, status);
}

// Whether this call runs here and now. The loop's thread, _locked.
static bool runs_here(const weir_loop *loop, weir_call *public) {
    const weir_site *site = public->site;
    if (site == NULL || site->mode == WEIR_SITE_OFFLOAD)
        return false;
    wr_site_cell *cell = wr_call_of(public)->cell;
    return cell != NULL &&
           (site->mode == WEIR_SITE_INLINE || wr_site_inline(loop, cell));
}

// The clock is read only for those who want to know.
static int64_t stamp(const weir_loop *loop, const weir_call *public) {
    return public->site != NULL || wr_trace_on(loop->options.trace)
               ? wr_now_ns()
               : 0;
}

static int submit(weir_loop *loop, weir_pool *pool, weir_call *public,
                  bool bounded) {
    if (wr_loop_forked(loop) || wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_check(public->run != NULL, "a call has no run function");
    wr_call *call = wr_call_of(public);
    void *captured = capture(loop);
    fill(loop, public, captured, stamp(loop, public));
    void *pool_captured = wr_job_capture(pool);
    call->pool_captured = pool_captured;

    bool mine = wr_loop_mine(loop);
    bool here = false;
    bool arrived = false;
    wr_mutex_lock(&loop->lock);
    int error = refused(loop, bounded);
    if (error == 0) {
        accept_call(loop, pool, public, WR_CALL_AWAY);
        here = mine && runs_here(loop, public);
        if (here)
            error = wr_pool_refuses(pool);
        else
            error = wr_call_to_pool(call, pool, &arrived);
        if (error != 0)
            unaccept(loop, call);
        else
            accepted(loop, call->cell);
    }
    wr_mutex_unlock(&loop->lock);
    // From here on, if it is on the pool, it may be over: call and loop are
    // not looked at on a foreign thread.
    if (error == 0 && !here)
        wr_call_sent(pool, arrived);
    else
        wr_job_release(pool, pool_captured);
    if (error != 0)
        release(loop, captured);
    else if (mine)
        wr_loop_hold(loop, true);
    if (here && error == 0)
        run_inline(loop, pool, call);
    wr_determ_point();
    return error;
}

int weir_call_submit(weir_loop *loop, weir_pool *pool, weir_call *call) {
    return submit(loop, pool, call, false);
}

int weir_call_try_submit(weir_loop *loop, weir_pool *pool, weir_call *call) {
    return submit(loop, pool, call, true);
}

// ---- many at once ----------------------------------------------------------

// Hands all of them over, or none; wr_call_sent comes after it in any case.
// _locked.
static int hand_over(weir_loop *loop, weir_pool *pool, weir_call *const *calls,
                     size_t count, bool *arrived) {
    int error = refused(loop, false);
    *arrived = true;
    for (size_t i = 0; i < count; i++) {
        prepare_job(wr_call_of(calls[i]), pool);
        *arrived =
            *arrived && wr_arrivals_take(pool, &wr_call_of(calls[i])->job);
    }
    *arrived = *arrived && wr_arrivals_begin(pool);
    if (!*arrived)
        wr_pool_lock(pool);
    for (size_t i = 0; i < count && error == 0; i++) {
        // The pool refuses the first or none: its lock is held all along.
        wr_call *call = wr_call_of(calls[i]);
        accept_call(loop, pool, calls[i], WR_CALL_AWAY);
        if (*arrived)
            wr_arrivals_add(pool, &call->job, call->pool_captured);
        else
            error = wr_job_submit(pool, &call->job, call->pool_captured);
        if (error != 0)
            unaccept(loop, call);
        else
            accepted(loop, call->cell);
    }
    if (error == 0 && !*arrived)
        wr_pool_notify(pool);
    return error;
}

int weir_call_submit_batch(weir_loop *loop, weir_pool *pool,
                           weir_call *const *calls, size_t count) {
    if (wr_loop_forked(loop) || wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        wr_check(calls[i]->run != NULL, "a call has no run function");
        fill(loop, calls[i], capture(loop), stamp(loop, calls[i]));
        wr_call_of(calls[i])->pool_captured = wr_job_capture(pool);
    }
    bool mine = wr_loop_mine(loop);
    bool arrived;
    wr_mutex_lock(&loop->lock);
    int error = hand_over(loop, pool, calls, count, &arrived);
    wr_mutex_unlock(&loop->lock);
    wr_call_sent(pool, arrived);
    for (size_t i = 0; i < count && error != 0; i++) {
        wr_job_release(pool, wr_call_of(calls[i])->pool_captured);
        release(loop, wr_call_of(calls[i])->captured);
    }
    if (error == 0 && mine)
        wr_loop_hold(loop, true);
    wr_determ_point();
    return error;
}

// ---- lanes -----------------------------------------------------------------

int weir_call_submit_lane(weir_loop *loop, weir_lane *lane, weir_call *public) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_check(public->run != NULL, "a call has no run function");
    void *captured = capture(loop);
    fill(loop, public, captured, stamp(loop, public));
    bool mine = wr_loop_mine(loop);
    wr_lane_thread *wake = NULL;
    wr_lane_thread *grow = NULL;
    int error;
    do {
        error = wr_lane_ready(lane);
        if (error != 0)
            break;
        wr_mutex_lock(&loop->lock);
        error = refused(loop, false);
        if (error == 0) {
            accept_call(loop, NULL, public, WR_CALL_AWAY);
            error = wr_lane_push(lane, wr_call_of(public), &wake, &grow);
            if (error != 0)
                unaccept(loop, wr_call_of(public));
            else
                accepted(loop, wr_call_of(public)->cell);
        }
        wr_mutex_unlock(&loop->lock);
    } while (error == -ENOENT); // its last thread left meanwhile
    wr_lane_pushed(wake, grow);
    if (error != 0)
        release(loop, captured);
    else if (mine)
        wr_loop_hold(loop, true);
    return error;
}

// ---- calls that somebody else ends -----------------------------------------

int weir_call_expect(weir_loop *loop, weir_call *public) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    void *captured = capture(loop);
    fill(loop, public, captured, stamp(loop, public));
    bool mine = wr_loop_mine(loop);
    wr_mutex_lock(&loop->lock);
    int error = refused(loop, false);
    if (error == 0) {
        accept_call(loop, NULL, public, WR_CALL_EXPECTED);
        accepted(loop, wr_call_of(public)->cell);
    }
    wr_mutex_unlock(&loop->lock);
    if (error != 0)
        release(loop, captured);
    else if (mine)
        wr_loop_hold(loop, true);
    return error;
}
