// SPDX-License-Identifier: MIT
// The loop itself: made, owned, looked at, freed.
#include "base/fault.h"
#include "base/options.h"
#include "loop/internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

// Its address stands for the thread.
static _Thread_local char here;

bool wr_loop_forked(const weir_loop *loop) {
    return wr_forkmark_forked(&loop->forkmark);
}

bool wr_loop_mine(const weir_loop *loop) {
    return wr_load(&loop->owner, relaxed, ALONE,
                   "equal to ours only if we stored it") == &here &&
           weir_worker_self() == NULL;
}

void wr_loop_check_thread(const weir_loop *loop) {
    wr_check(wr_loop_mine(loop),
             "a loop is used on a thread that does not own it "
             "(see weir_loop_own)");
}

void wr_loop_signal(weir_loop *loop) {
    loop->armed = false;
    if (loop->signalled)
        return;
    loop->signalled = true;
    loop->wakes++;
    // Under the lock, so that `signalled` is the truth about the descriptor and
    // nobody is inside this when the loop is freed.
    wr_wakefd_signal(&loop->fd);
}

void wr_loop_wake(weir_loop *loop) {
    wr_mutex_lock(&loop->post_lock);
    wr_loop_signal(loop);
    wr_mutex_unlock(&loop->post_lock);
}

void wr_loop_hold(weir_loop *loop, bool pending) {
    if (loop->held == pending)
        return;
    loop->held = pending;
    if (loop->options.hold != NULL)
        loop->options.hold(loop->options.hold_context, pending);
}

void wr_loop_enter(const weir_loop *loop, void *captured) {
    if (loop->hooks.enter != NULL)
        loop->hooks.enter(loop->hooks.context, captured);
}

void wr_loop_leave(const weir_loop *loop, void *captured) {
    if (loop->hooks.leave != NULL)
        loop->hooks.leave(loop->hooks.context, captured);
}

// ---- create and destroy ----------------------------------------------------

static int read_options(weir_loop *loop, const weir_loop_options *options) {
    weir_loop_options *given = &loop->options;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (given->hooks != NULL) {
        error =
            wr_options_copy(&loop->hooks, sizeof(loop->hooks), given->hooks);
        if (error != 0)
            return error;
    }
    if (given->drain_ns < 0 || given->spin_ns < -1 ||
        given->sites_max > WR_SITES_LIMIT)
        return -EINVAL;
    if (given->drain_calls == 0)
        given->drain_calls = WR_DRAIN_CALLS;
    if (given->drain_ns == 0)
        given->drain_ns = WR_DRAIN_NS;
    if (given->spin_ns == 0) {
        // With one CPU the spinner keeps the worker from ending the call.
        wr_cpu_limits limits;
        wr_cpu_limits_read(&limits);
        given->spin_ns = limits.usable > 1 ? WR_LOOP_SPIN_NS : -1;
    }
    if (given->sites_max == 0)
        given->sites_max = WR_SITES_MAX;
    snprintf(loop->name, sizeof(loop->name), "%s",
             given->name != NULL ? given->name : "loop");
    return 0;
}

static int make_sites(weir_loop *loop) {
    // At most half full, so that a search ends soon.
    unsigned slots = 4;
    while (slots < 2 * loop->options.sites_max)
        slots *= 2;
    loop->table_mask = slots - 1;
    loop->table = wr_calloc(slots, sizeof(*loop->table));
    loop->cells = wr_calloc(loop->options.sites_max, sizeof(*loop->cells));
    return loop->table != NULL && loop->cells != NULL ? 0 : -ENOMEM;
}

static void free_memory(weir_loop *loop) {
    wr_free(loop->cells);
    wr_free(loop->table);
    wr_free(loop);
}

int weir_loop_create(weir_loop **out, const weir_loop_options *options) {
    weir_loop *loop = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*loop));
    if (loop == NULL)
        return -ENOMEM;
    int error = read_options(loop, options);
    if (error == 0)
        error = make_sites(loop);
    if (error == 0)
        error = wr_forkmark_init(&loop->forkmark);
    if (error != 0) {
        free_memory(loop);
        return error;
    }
    error = wr_wakefd_open(&loop->fd);
    if (error != 0) {
        wr_forkmark_fini(&loop->forkmark);
        free_memory(loop);
        return error;
    }
    wr_mutex_init(&loop->lock);
    wr_mutex_init(&loop->post_lock);
    wr_list_init(&loop->ended);
    wr_list_init(&loop->taken);
    wr_list_init(&loop->calls);
    loop->armed = true;
    loop->spin_rest_next = WR_SPIN_REST;
    wr_atomic_init(&loop->ended_count, 0);
    wr_atomic_init(&loop->owner, &here);
    *out = loop;
    return 0;
}

void weir_loop_destroy(weir_loop *loop) {
    if (loop == NULL || wr_loop_forked(loop))
        return;
    wr_loop_check_thread(loop);
    // Who submitted or posted the last call may be about to let go of a lock.
    wr_mutex_lock(&loop->post_lock);
    wr_mutex_unlock(&loop->post_lock);
    wr_mutex_lock(&loop->lock);
    wr_check(loop->counts.pending == 0,
             "weir_loop_destroy with calls pending: close it first");
    wr_check(loop->drains == 0, "weir_loop_destroy inside done");
    wr_mutex_unlock(&loop->lock);
    wr_loop_hold(loop, false);
    wr_mutex_fini(&loop->lock);
    wr_mutex_fini(&loop->post_lock);
    wr_wakefd_close(&loop->fd);
    wr_forkmark_fini(&loop->forkmark);
    free_memory(loop);
}

int weir_loop_own(weir_loop *loop) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_check(weir_worker_self() == NULL, "a worker cannot own a loop");
    if (loop->drains > 0)
        return -EBUSY;
    wr_store(&loop->owner, &here, relaxed, ALONE,
             "the caller hands it over by means of its own");
    return 0;
}

// ---- looking ---------------------------------------------------------------

int weir_loop_fd(const weir_loop *loop) { return loop->fd.read_fd; }

size_t weir_loop_pending(weir_loop *loop) {
    if (wr_loop_forked(loop)) // who knows who holds the lock
        return 0;
    wr_mutex_lock(&loop->lock);
    size_t pending = (size_t)loop->counts.pending;
    wr_mutex_unlock(&loop->lock);
    return pending;
}

int64_t weir_loop_next_deadline(weir_loop *loop) {
    if (wr_loop_forked(loop))
        return WEIR_FOREVER;
    wr_loop_check_thread(loop);
    wr_mutex_lock(&loop->lock);
    wr_heap_node *first = wr_heap_first(&loop->timers);
    int64_t deadline_ns = first != NULL ? first->key : WEIR_FOREVER;
    wr_mutex_unlock(&loop->lock);
    return deadline_ns;
}

int weir_loop_count(weir_loop *loop, weir_loop_counts *counts) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_mutex_lock(&loop->lock);
    weir_loop_counts now = loop->counts;
    now.ended = loop->taken_count;
    wr_mutex_lock(&loop->post_lock);
    now.ended += wr_load(&loop->ended_count, relaxed, ALONE, "under the lock");
    now.wakes = loop->wakes;
    wr_mutex_unlock(&loop->post_lock);
    wr_mutex_unlock(&loop->lock);
    if (now.ended > now.ended_max)
        now.ended_max = now.ended;
    now.size = counts->size;
    return wr_out_copy(counts, &now, sizeof(now));
}

// Poll's limit in milliseconds, rounded up; a deadline of 0 is over.
static int poll_ms(int64_t deadline_ns) {
    if (deadline_ns == WEIR_FOREVER)
        return -1;
    int64_t left = deadline_ns - wr_now_ns();
    if (left <= 0)
        return 0;
    int64_t ms = (left + 999999) / 1000000;
    return ms < 60 * 1000 ? (int)ms : 60 * 1000;
}

int weir_loop_wait(weir_loop *loop, int64_t deadline_ns) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_loop_check_thread(loop);
    if (loop->drains > 0)
        return -EDEADLK;
    for (;;) {
        int64_t next = weir_loop_next_deadline(loop);
        struct pollfd fd = {.fd = loop->fd.read_fd, .events = POLLIN};
        int ready =
            poll(&fd, 1, poll_ms(next < deadline_ns ? next : deadline_ns));
        if (ready > 0 || (next != WEIR_FOREVER && next <= wr_now_ns()))
            return 0;
        if (deadline_ns != WEIR_FOREVER && deadline_ns <= wr_now_ns())
            return -ETIMEDOUT;
    }
}
