// SPDX-License-Identifier: MIT
// Blocking lanes: made, fed, stopped. lane_thread.c has what the threads do.
#include "base/fault.h"
#include "base/options.h"
#include "loop/internal.h"

#include <stdio.h>
#include <string.h>

// ---- create and destroy ----------------------------------------------------

static int read_options(weir_lane *lane, const weir_lane_options *options) {
    weir_lane_options *given = &lane->options;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (given->keep_ns < 0 || given->threads_max > WR_LANE_THREADS_LIMIT)
        return -EINVAL;
    if (given->threads_max == 0)
        given->threads_max = WR_LANE_THREADS;
    if (given->keep_ns == 0)
        given->keep_ns = WR_LANE_KEEP_NS;
    snprintf(lane->name, sizeof(lane->name), "%s",
             given->name != NULL ? given->name : "lane");
    return 0;
}

int weir_lane_create(weir_lane **out, const weir_lane_options *options) {
    weir_lane *lane = wr_calloc(1, sizeof(*lane));
    if (lane == NULL)
        return -ENOMEM;
    int error = read_options(lane, options);
    if (error == 0) {
        lane->threads =
            wr_calloc(lane->options.threads_max, sizeof(*lane->threads));
        error =
            lane->threads != NULL ? wr_forkmark_init(&lane->forkmark) : -ENOMEM;
    }
    if (error != 0) {
        wr_free(lane->threads);
        wr_free(lane);
        return error;
    }
    for (unsigned i = 0; i < lane->options.threads_max; i++) {
        lane->threads[i].lane = lane;
        lane->threads[i].index = i;
        wr_atomic_init(&lane->threads[i].wake, 0);
    }
    wr_mutex_init(&lane->lock);
    wr_list_init(&lane->queue);
    wr_list_init(&lane->idle);
    wr_atomic_init(&lane->outside, 0);
    *out = lane;
    return 0;
}

void weir_lane_destroy(weir_lane *lane) {
    if (lane == NULL || wr_forkmark_forked(&lane->forkmark))
        return;
    int error = weir_lane_stop(lane, WEIR_STOP_DRAIN, WEIR_FOREVER);
    wr_check(error == 0, "weir_lane_destroy on a thread of the lane");
    wr_mutex_fini(&lane->lock);
    wr_forkmark_fini(&lane->forkmark);
    wr_free(lane->threads);
    wr_free(lane);
}

// ---- starting threads ------------------------------------------------------

// A slot for one more thread: a free one, or one whose thread has left and can
// be joined. lane->lock is held. NULL: none.
static wr_lane_thread *reserve(weir_lane *lane) {
    if (lane->used == lane->options.threads_max)
        return NULL;
    for (unsigned i = 0; i < lane->options.threads_max; i++) {
        wr_lane_thread *thread = &lane->threads[i];
        if (thread->used && !(thread->left && thread->handle))
            continue;
        thread->used = true;
        thread->left = false;
        thread->fresh = true;
        lane->coming++;
        lane->used++;
        return thread;
    }
    return NULL;
}

// Ends the first that is queued; false: nothing is. lane->lock is held, may
// unlock.
static bool end_first(weir_lane *lane, int status) {
    wr_call *call = wr_lane_take(lane);
    if (call == NULL)
        return false;
    lane->counts.running--;
    wr_lane_count_unrun(lane, status);
    wr_mutex_unlock(&lane->lock);
    wr_call_unrun(call, status);
    wr_mutex_lock(&lane->lock);
    return true;
}

// Starts the thread of a reserved slot. Nothing is locked.
static int start(wr_lane_thread *thread) {
    weir_lane *lane = thread->lane;
    if (thread->handle) // the one before it has left
        wr_thread_join(&thread->thread);
    thread->handle = false;
    char name[32];
    snprintf(name, sizeof(name), "%.8s/%u", lane->name, thread->index);
    wr_thread_options options = {
        .name = name, .stack_size = lane->options.stack_size, .cpu = -1};
    int error =
        wr_thread_start(&thread->thread, &options, wr_lane_main, thread);
    wr_mutex_lock(&lane->lock);
    thread->handle = error == 0;
    if (error != 0) {
        thread->used = false;
        lane->coming -= thread->fresh;
        thread->fresh = false;
        // Others may have relied on it. If nobody is left to run their calls
        // they end here.
        lane->used--;
        while (lane->used == 0 && end_first(lane, -EAGAIN))
            continue;
    }
    wr_lane_wake_outside(lane);
    wr_mutex_unlock(&lane->lock);
    return error;
}

void wr_lane_wake_outside(weir_lane *lane) {
    wr_fetch_add(&lane->outside, 1, relaxed, ALONE,
                 "under the lock; the kernel compares it");
    wr_futex_wake(&lane->outside, INT_MAX);
}

// ---- feeding ---------------------------------------------------------------

// Calls that run on a lane which drains may continue on it.
static bool refuses(const weir_lane *lane) {
    return lane->stopping &&
           (lane->mode != WEIR_STOP_DRAIN || wr_lane_here() != lane);
}

int wr_lane_ready(weir_lane *lane) {
    if (wr_forkmark_forked(&lane->forkmark))
        return -ECHILD;
    wr_lane_thread *thread = NULL;
    wr_mutex_lock(&lane->lock);
    while (!refuses(lane) && lane->used == 0 &&
           (thread = reserve(lane)) == NULL) {
        // Every slot is of a thread that has come and gone before its starter
        // stored the handle: that one is about to.
        uint32_t seen = wr_load(&lane->outside, relaxed, ALONE,
                                "changed under the lock, which is held");
        wr_mutex_unlock(&lane->lock);
        (void)wr_futex_wait(&lane->outside, seen, WEIR_FOREVER);
        wr_mutex_lock(&lane->lock);
    }
    int error = thread == NULL && refuses(lane) ? -ESHUTDOWN : 0;
    wr_mutex_unlock(&lane->lock);
    return thread != NULL ? start(thread) : error;
}

int wr_lane_push(weir_lane *lane, wr_call *call, wr_lane_thread **wake,
                 wr_lane_thread **grow) {
    wr_mutex_lock(&lane->lock);
    weir_lane_counts *counts = &lane->counts;
    int error = 0;
    if (refuses(lane))
        error = -ESHUTDOWN;
    else if (lane->options.calls_max > 0 &&
             counts->queued + counts->running >= lane->options.calls_max)
        error = -EAGAIN;
    else if (lane->used == 0)
        error = -ENOENT;
    if (error == 0) {
        call->lane = lane;
        call->pool = NULL;
        call->lane_running = false;
        wr_list_push_back(&lane->queue, &call->link);
        counts->accepted++;
        if (++counts->queued > counts->queued_max)
            counts->queued_max = counts->queued;
        // As many threads come as calls wait.
        if (lane->coming < counts->queued && !wr_list_empty(&lane->idle))
            *wake = wr_lane_rouse(lane);
        else if (lane->coming < counts->queued)
            *grow = reserve(lane);
    }
    wr_mutex_unlock(&lane->lock);
    return error;
}

wr_lane_thread *wr_lane_rouse(weir_lane *lane) {
    wr_link *link = wr_list_pop_front(&lane->idle);
    if (link == NULL)
        return NULL;
    wr_lane_thread *thread = wr_container_of(link, wr_lane_thread, idle);
    thread->fresh = true;
    lane->coming++;
    wr_fetch_add(&thread->wake, 1, relaxed, ALONE,
                 "under the lock; the kernel compares it");
    return thread;
}

void wr_lane_pushed(wr_lane_thread *wake, wr_lane_thread *grow) {
    if (wake != NULL)
        wr_futex_wake(&wake->wake, 1);
    if (grow != NULL)
        (void)start(grow); // others are there, so the call will run
}

int wr_lane_withdraw(weir_lane *lane, wr_call *call, int status) {
    wr_mutex_lock(&lane->lock);
    int error = call->lane_running ? -EBUSY : 0;
    if (error == 0) {
        wr_list_remove(&call->link);
        lane->counts.queued--;
        wr_lane_count_unrun(lane, status);
    }
    wr_mutex_unlock(&lane->lock);
    return error;
}

// ---- stopping --------------------------------------------------------------

static bool quiet(const weir_lane *lane) {
    for (unsigned i = 0; i < lane->options.threads_max; i++) {
        const wr_lane_thread *thread = &lane->threads[i];
        if (thread->used && !(thread->left && thread->handle))
            return false;
    }
    return true;
}

static void tell_running(weir_lane *lane) {
    for (unsigned i = 0; i < lane->options.threads_max; i++)
        if (lane->threads[i].call != NULL)
            wr_store(&lane->threads[i].call->told, ESHUTDOWN, relaxed, ALONE,
                     "a flag; it orders nothing");
}

static void join_all(weir_lane *lane) {
    for (unsigned i = 0; i < lane->options.threads_max; i++) {
        wr_lane_thread *thread = &lane->threads[i];
        if (!thread->used || !thread->handle)
            continue;
        thread->handle = false;
        thread->used = false;
        wr_mutex_unlock(&lane->lock);
        wr_thread_join(&thread->thread);
        wr_mutex_lock(&lane->lock);
    }
}

int weir_lane_stop(weir_lane *lane, weir_stop_mode mode, int64_t deadline_ns) {
    if (wr_forkmark_forked(&lane->forkmark))
        return -ECHILD;
    if (mode < WEIR_STOP_DRAIN || mode > WEIR_STOP_ABORT)
        return -EINVAL;
    if (wr_lane_here() == lane)
        return -EDEADLK;
    wr_forks_lay_open_here();
    wr_mutex_lock(&lane->lock);
    if (!lane->stopping || mode > lane->mode)
        lane->mode = mode;
    lane->stopping = true;
    if (lane->mode != WEIR_STOP_DRAIN)
        while (end_first(lane, -ESHUTDOWN))
            continue;
    if (lane->mode == WEIR_STOP_ABORT)
        tell_running(lane);
    wr_lane_thread *idle;
    while ((idle = wr_lane_rouse(lane)) != NULL)
        wr_futex_wake(&idle->wake, 1);
    int error = 0;
    while (!quiet(lane) && error != -ETIMEDOUT) {
        uint32_t seen = wr_load(&lane->outside, relaxed, ALONE,
                                "changed under the lock, which is held");
        wr_mutex_unlock(&lane->lock);
        error = wr_futex_wait(&lane->outside, seen, deadline_ns);
        wr_mutex_lock(&lane->lock);
    }
    error = quiet(lane) ? 0 : -ETIMEDOUT;
    if (error == 0)
        join_all(lane);
    wr_mutex_unlock(&lane->lock);
    return error;
}

int weir_lane_count(weir_lane *lane, weir_lane_counts *counts) {
    if (wr_forkmark_forked(&lane->forkmark))
        return -ECHILD;
    wr_mutex_lock(&lane->lock);
    weir_lane_counts now = lane->counts;
    int64_t oldest = WEIR_FOREVER;
    for (unsigned i = 0; i < lane->options.threads_max; i++) {
        const wr_lane_thread *thread = &lane->threads[i];
        if (thread->call != NULL && thread->since_ns < oldest)
            oldest = thread->since_ns;
    }
    wr_mutex_unlock(&lane->lock);
    now.longest_ns = oldest != WEIR_FOREVER ? wr_now_ns() - oldest : 0;
    now.size = counts->size;
    return wr_out_copy(counts, &now, sizeof(now));
}
