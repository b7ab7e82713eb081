// SPDX-License-Identifier: MIT
// How a call ends: it ran, or it did not, and its outcome is posted to the
// loop. README.md, "Ending", has the protocol.
#include "loop/internal.h"

// ---- running ---------------------------------------------------------------

int wr_call_run_part(weir_worker *self, wr_call *call, int64_t started_ns) {
    weir_loop *loop = call->loop;
    call->ran = true;
    wr_loop_enter(loop, call->captured);
    int status = call->part(self, wr_call_public(call));
    wr_loop_leave(loop, call->captured);
    if (call->accepted_ns != 0) {
        call->ended_ns = wr_now_ns();
        call->queue_ns += started_ns - call->accepted_ns;
        call->run_ns += call->ended_ns - started_ns;
    }
    return status;
}

void weir_call_continue(weir_call *public, weir_pool *pool, weir_lane *lane,
                        int (*run)(weir_worker *self, weir_call *call)) {
    wr_call *call = wr_call_of(public);
    wr_check(run != NULL, "a call has no run function");
    wr_check((pool == NULL) != (lane == NULL),
             "weir_call_continue wants a pool or a lane");
    wr_check(call->ran, "weir_call_continue outside of run");
    call->next_run = run;
    call->next_pool = pool;
    call->next_lane = lane;
}

// ---- posting ---------------------------------------------------------------

static weir_outcome outcome_unrun(int status) {
    return status == -ETIMEDOUT ? WEIR_OUTCOME_TIMED_OUT
                                : WEIR_OUTCOME_CANCELLED;
}

static void post(wr_call *call, int status, weir_outcome outcome) {
    weir_loop *loop = call->loop;
    call->status = status;
    call->outcome = (uint8_t)outcome;
    wr_mutex_lock(&loop->post_lock);
    wr_store(&call->state, WR_CALL_ENDED, relaxed, ALONE,
             "under the lock that the drain takes");
    wr_list_push_back(&loop->ended, &call->link);
    uint32_t count = wr_load(&loop->ended_count, relaxed, ALONE,
                             "changed under the lock only");
    wr_store(&loop->ended_count, count + 1, relaxed, ALONE,
             "a spinner that sees it takes the lock");
    if (loop->armed)
        wr_loop_signal(loop);
    // The last touch: from here on the loop may be gone.
    wr_mutex_unlock(&loop->post_lock);
}

void wr_call_unrun(wr_call *call, int status) {
    post(call, status, outcome_unrun(status));
}

static void post_ran(wr_call *call, int status) {
    post(call, status, status < 0 ? WEIR_OUTCOME_FAILED : WEIR_OUTCOME_DONE);
}

// ---- the next part ---------------------------------------------------------

// Why the next part may not start, or 0. _locked.
static int stopped(const wr_call *call) {
    const weir_loop *loop = call->loop;
    if (call->cancelled)
        return -ECANCELED;
    if (loop->closing && loop->mode != WEIR_STOP_DRAIN)
        return -ESHUTDOWN;
    int64_t deadline_ns =
        wr_call_public((wr_call *)(uintptr_t)call)->deadline_ns;
    if (call->pool != NULL ? wr_deadline_passed(call->pool, deadline_ns)
                           : deadline_ns != 0 && wr_now_ns() >= deadline_ns)
        return -ETIMEDOUT;
    return 0;
}

static void go_on_pool(wr_call *call) {
    weir_loop *loop = call->loop;
    weir_pool *pool = call->next_pool;
    wr_pool_check_thread(pool);
    void *captured = wr_job_capture(pool);
    bool arrived = false;
    wr_mutex_lock(&loop->lock);
    int error = stopped(call);
    if (error == 0) {
        call->pool_captured = captured;
        error = wr_call_to_pool(call, pool, &arrived);
    }
    wr_mutex_unlock(&loop->lock);
    if (error == 0) {
        wr_call_sent(pool, arrived);
        return;
    }
    // Posted last: once it is delivered the pool may go.
    wr_job_release(pool, captured);
    wr_call_unrun(call, error);
}

static void go_on_lane(wr_call *call) {
    weir_loop *loop = call->loop;
    weir_lane *lane = call->next_lane;
    wr_lane_thread *wake = NULL;
    wr_lane_thread *grow = NULL;
    int error;
    do {
        error = wr_lane_ready(lane);
        wr_mutex_lock(&loop->lock);
        if (error == 0)
            error = stopped(call);
        if (error == 0)
            error = wr_lane_push(lane, call, &wake, &grow);
        if (error != 0 && error != -ENOENT)
            wr_call_unrun(call, error);
        wr_mutex_unlock(&loop->lock);
    } while (error == -ENOENT); // its last thread left meanwhile
    wr_lane_pushed(wake, grow);
}

void wr_call_ran(wr_call *call, int status) {
    if (call->next_run == NULL || status != 0) {
        post_ran(call, status);
        return;
    }
    call->part = call->next_run;
    call->next_run = NULL;
    if (call->accepted_ns != 0)
        call->accepted_ns = call->ended_ns;
    if (call->next_pool != NULL)
        go_on_pool(call);
    else
        go_on_lane(call);
}

void weir_call_complete(weir_call *public, int status) {
    wr_call *call = wr_call_of(public);
    weir_loop *loop = call->loop;
    wr_check(loop != NULL, "weir_call_complete without weir_call_expect");
    if (wr_loop_forked(loop))
        return;
    wr_check(wr_load(&call->state, relaxed, ALONE,
                     "expect has returned, or the caller knows") ==
                 WR_CALL_EXPECTED,
             "weir_call_complete of a call that is not expected");
    if (call->accepted_ns != 0)
        call->ended_ns = wr_now_ns();
    post_ran(call, status);
}

// ---- ending what has not started -------------------------------------------

static int end_on_pool(wr_call *call, int status, bool tell_it) {
    weir_loop *loop = call->loop;
    weir_pool *pool = call->pool;
    void *captured = NULL;
    int truth = status;
    wr_pool_check_thread(pool);
    wr_pool_lock(pool);
    int error = wr_job_withdraw(pool, &call->job, tell_it, &truth, &captured);
    wr_pool_unlock(pool);
    if (error != 0)
        return -EBUSY;
    if (pool->hooks.release != NULL) {
        wr_mutex_unlock(&loop->lock);
        wr_job_release(pool, captured);
        wr_mutex_lock(&loop->lock);
    }
    wr_call_unrun(call, truth);
    return truth == status ? 0 : -EALREADY;
}

int wr_call_end(wr_call *call, int status, bool tell_it) {
    weir_loop *loop = call->loop;
    uint32_t state = wr_load(&call->state, relaxed, ALONE, "under the lock");
    if (state == WR_CALL_IDLE || state == WR_CALL_ENDED)
        return -EALREADY;
    // First, so that run hears this reason and not the pool's. If it turns out
    // not to run, nobody looks.
    if (tell_it)
        wr_store(&call->told, (uint32_t)-status, relaxed, ALONE,
                 "a flag; it orders nothing");
    int error = -EBUSY;
    if (state == WR_CALL_AWAY && call->pool != NULL) {
        error = end_on_pool(call, status, tell_it);
    } else if (state == WR_CALL_AWAY && call->lane != NULL) {
        error = wr_lane_withdraw(call->lane, call, status);
        if (error == 0)
            wr_call_unrun(call, status);
    }
    if (error != -EBUSY)
        return error;
    // It runs, or is between two parts, or it has just been posted.
    wr_mutex_lock(&loop->post_lock);
    state = wr_load(&call->state, relaxed, ALONE, "under the lock");
    wr_mutex_unlock(&loop->post_lock);
    return state == WR_CALL_ENDED ? -EALREADY : -EBUSY;
}

int weir_call_cancel(weir_call *public) {
    wr_call *call = wr_call_of(public);
    weir_loop *loop = call->loop;
    if (loop == NULL)
        return -EALREADY;
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_mutex_lock(&loop->lock);
    int error = wr_call_end(call, -ECANCELED, true);
    if (error == -EBUSY)
        call->cancelled = true;
    wr_mutex_unlock(&loop->lock);
    wr_determ_point();
    return error;
}

void wr_loop_expire(weir_loop *loop) {
    wr_heap_node *first = wr_heap_first(&loop->timers);
    if (first == NULL)
        return;
    int64_t now = wr_now_ns();
    for (; first != NULL && first->key <= now;
         first = wr_heap_first(&loop->timers)) {
        wr_call *call = wr_container_of(first, wr_call, timer);
        wr_heap_remove(&loop->timers, first);
        call->timed = false;
        (void)wr_call_end(call, -ETIMEDOUT, false);
    }
}

int weir_call_cancelled(weir_call *public) {
    wr_call *call = wr_call_of(public);
    weir_worker *self = weir_worker_self();
    bool on_pool = self != NULL && self->pool == call->pool;
    int why = 0;
    if (on_pool)
        why = weir_cancelled(self);
    else if (public->deadline_ns != 0 && wr_now_ns() >= public->deadline_ns)
        why = -ETIMEDOUT;
    // What was said of the call itself goes before what follows from it.
    uint32_t told =
        wr_load(&call->told, relaxed, ALONE, "a flag; it orders nothing");
    return told != 0 ? -(int)told : why;
}

weir_outcome weir_call_outcome(const weir_call *public) {
    const wr_call *call = (const void *)public->weir_private;
    bool delivered =
        wr_load(&call->state, relaxed, ALONE,
                "in done, on the thread that stored it") == WR_CALL_IDLE;
    return delivered ? (weir_outcome)call->outcome : WEIR_OUTCOME_NONE;
}
