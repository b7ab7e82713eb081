// SPDX-License-Identifier: MIT
// Stopping, and waiting for a pool to be idle. README.md, "Stopping".
#include "base/options.h"
#include "pool/internal.h"

#include <string.h>

bool wr_quiet(weir_pool *pool, void *unused) {
    (void)unused;
    wr_arrivals_gather(pool);
    return pool->outstanding == 0 && wr_list_empty(&pool->broadcasts);
}

void wr_pool_maybe_quit(weir_pool *pool) {
    if (pool->mode == WR_MODE_RUN || pool->quit || !wr_quiet(pool, NULL))
        return;
    pool->quit = true;
    if (pool->budget != NULL)
        wr_budget_withdraw(pool);
    for (unsigned i = 0; i < pool->index_limit; i++)
        wr_worker_wake(&pool->workers[i]);
    wr_outside_wake(pool);
}

static void end_list(weir_pool *pool, wr_link *list) {
    while (!wr_list_empty(list))
        wr_job_end_unrun(pool, wr_container_of(list->next, wr_job, link),
                         -ESHUTDOWN);
}

static void end_queued(weir_pool *pool) {
    for (int i = 0; i < WR_PRIORITIES; i++)
        end_list(pool, &pool->inbox[i]);
    while (!wr_list_empty(&pool->events)) {
        wr_event *event =
            wr_container_of(pool->events.next, wr_event, attached);
        wr_job_end_unrun(pool, wr_container_of(event->jobs.next, wr_job, link),
                         -ESHUTDOWN);
    }
    wr_gangs_end(pool);
}

static void enter_mode(weir_pool *pool, enum wr_pool_mode mode) {
    if (mode <= pool->mode)
        return;
    pool->mode = mode;
    wr_arrivals_close(pool);
    if (mode >= WR_MODE_CANCEL) {
        (void)wr_bursts_recall(pool);
        wr_store(&pool->ending_all, 1, relaxed, ALONE,
                 "a flag; it orders nothing");
        end_queued(pool);
    }
    if (mode == WR_MODE_ABORT) {
        wr_store(&pool->abort, 1, relaxed, ALONE, "a flag; it orders nothing");
        wr_waiters_wake(pool);
    }
    if (pool->room_waiters > 0)
        wr_outside_wake(pool);
    wr_pool_maybe_quit(pool);
}

static void fill_running(const weir_worker *worker, weir_stop_report *report,
                         int64_t now_ns) {
    for (const wr_frame *frame = worker->frame; frame != NULL;
         frame = frame->below) {
        if (frame->fork != NULL)
            continue;
        const char *name = wr_frame_own_name(frame);
        if (report->running < WEIR_STOP_RUNNING_MAX)
            report->running_jobs[report->running] = (weir_stop_running){
                .name = name != NULL ? name : "?",
                .worker = worker->index,
                .for_ns = now_ns - frame->started_ns,
            };
        report->running++;
    }
}

static void fill_report(weir_pool *pool, weir_stop_report *report) {
    (void)wr_bursts_recall(pool);
    wr_arrivals_gather(pool);
    const weir_pool_counts *counts = &pool->counts;
    report->run = counts->succeeded + counts->failed;
    report->not_run = counts->cancelled + counts->timed_out;
    report->shut_down = pool->shut_down;
    report->remaining = pool->outstanding;
    int64_t now_ns = wr_now_ns();
    for (unsigned i = 0; i < pool->index_limit; i++)
        fill_running(&pool->workers[i], report, now_ns);
}

static bool all_finished(weir_pool *pool, void *unused) {
    (void)unused;
    return pool->quit && pool->finished == pool->live;
}

static bool joined(weir_pool *pool, void *unused) {
    (void)unused;
    return pool->stopped;
}

// All threads have left their loops; one caller joins them, others wait for
// it, which is short.
static int join_all(weir_pool *pool) {
    if (pool->joining)
        return wr_outside_wait(pool, &pool->outside, joined, NULL,
                               WEIR_FOREVER);
    pool->joining = true;
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        if (!worker->live)
            continue;
        worker->live = false;
        if (pool->deterministic)
            continue;
        wr_pool_unlock(pool);
        wr_thread_join(&worker->thread);
        wr_pool_lock(pool);
    }
    pool->counts.stand_ins = 0;
    pool->stopped = true;
    wr_outside_wake(pool);
    return 0;
}

int weir_pool_stop(weir_pool *pool, weir_stop_mode mode, int64_t deadline_ns,
                   weir_stop_report *report) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    weir_stop_report filled = {0};
    if ((report != NULL && report->size < sizeof(size_t)) ||
        mode > WEIR_STOP_ABORT)
        return -EINVAL;
    const weir_worker *self = wr_worker_current();
    if (self != NULL && self->pool == pool)
        return -EDEADLK;
    wr_pool_lock(pool);
    int error = 0;
    if (!pool->stopped) {
        enter_mode(pool, WR_MODE_DRAIN + (enum wr_pool_mode)mode);
        error = wr_outside_wait(pool, &pool->outside, all_finished, NULL,
                                deadline_ns);
        if (error == 0 && !pool->stopped)
            error = join_all(pool);
    }
    if (report != NULL)
        fill_report(pool, &filled);
    wr_pool_unlock(pool);
    if (report != NULL)
        (void)wr_out_copy(report, &filled, sizeof(filled));
    return error;
}

int weir_pool_wait_idle(weir_pool *pool, int64_t deadline_ns) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    const weir_worker *self = wr_worker_current();
    if (self != NULL && self->pool == pool)
        return -EDEADLK;
    wr_pool_lock(pool);
    int error =
        wr_outside_wait(pool, &pool->outside, wr_quiet, NULL, deadline_ns);
    wr_pool_unlock(pool);
    return error;
}
