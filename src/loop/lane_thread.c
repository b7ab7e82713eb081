// SPDX-License-Identifier: MIT
// What a lane's thread does: take a call, run it, again; with nothing to do for
// a while, leave.
#include "loop/internal.h"

// The lane that this thread belongs to: stop must not wait for itself.
static _Thread_local const weir_lane *here;

const weir_lane *wr_lane_here(void) { return here; }

wr_call *wr_lane_take(weir_lane *lane) {
    wr_link *link = wr_list_pop_front(&lane->queue);
    if (link == NULL)
        return NULL;
    wr_call *call = wr_container_of(link, wr_call, link);
    call->lane_running = true;
    lane->counts.queued--;
    lane->counts.running++;
    return call;
}

void wr_lane_count_unrun(weir_lane *lane, int status) {
    if (status == -ETIMEDOUT)
        lane->counts.timed_out++;
    else
        lane->counts.cancelled++;
}

static bool too_late(const weir_call *call) {
    return call->deadline_ns != 0 && call->deadline_ns != WEIR_FOREVER &&
           wr_now_ns() >= call->deadline_ns;
}

// Runs or ends a call that was taken. lane->lock is held, unlocks.
static void serve(wr_lane_thread *thread, wr_call *call) {
    weir_lane *lane = thread->lane;
    int64_t now = wr_now_ns();
    thread->call = call;
    thread->since_ns = now;
    wr_mutex_unlock(&lane->lock);
    bool late = too_late(wr_call_public(call));
    int status = late ? -ETIMEDOUT : wr_call_run_part(NULL, call, now);
    // Accounted for before it is posted: then it is somebody else's, and a call
    // that goes on with this lane is a new one for it.
    wr_mutex_lock(&lane->lock);
    thread->call = NULL;
    lane->counts.running--;
    if (late)
        wr_lane_count_unrun(lane, status);
    else if (status < 0)
        lane->counts.failed++;
    else
        lane->counts.succeeded++;
    wr_mutex_unlock(&lane->lock);
    if (late)
        wr_call_unrun(call, status);
    else
        wr_call_ran(call, status);
    wr_mutex_lock(&lane->lock);
}

// Sleeps until there may be something to do; false: it was for nothing, and
// long enough. lane->lock is held, unlocks.
static bool rest(wr_lane_thread *thread) {
    weir_lane *lane = thread->lane;
    int64_t keep_ns = lane->options.keep_ns;
    int64_t until =
        keep_ns == WEIR_FOREVER ? WEIR_FOREVER : wr_now_ns() + keep_ns;
    wr_list_push_front(&lane->idle, &thread->idle);
    int error = 0;
    while (wr_link_linked(&thread->idle) && error != -ETIMEDOUT) {
        uint32_t seen = wr_load(&thread->wake, relaxed, ALONE,
                                "changed under the lock, which is held");
        wr_mutex_unlock(&lane->lock);
        error = wr_futex_wait(&thread->wake, seen, until);
        wr_mutex_lock(&lane->lock);
    }
    if (!wr_link_linked(&thread->idle))
        return true; // somebody took it off the list, to have it look
    wr_list_remove(&thread->idle);
    return !wr_list_empty(&lane->queue);
}

void *wr_lane_main(void *argument) {
    wr_lane_thread *thread = argument;
    weir_lane *lane = thread->lane;
    here = lane;
    wr_mutex_lock(&lane->lock);
    lane->counts.started_threads++;
    if (++lane->counts.threads > lane->counts.threads_highest)
        lane->counts.threads_highest = lane->counts.threads;
    for (;;) {
        if (thread->fresh) {
            thread->fresh = false;
            lane->coming--;
        }
        wr_call *call = wr_lane_take(lane);
        if (call != NULL)
            serve(thread, call);
        else if (lane->stopping || !rest(thread))
            break;
    }
    thread->left = true;
    lane->used--;
    lane->counts.threads--;
    wr_lane_wake_outside(lane);
    wr_mutex_unlock(&lane->lock);
    here = NULL;
    return NULL;
}
