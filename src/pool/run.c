// SPDX-License-Identifier: MIT
// weir_run: a function call that happens on a worker.
#include "base/fault.h"
#include "pool/internal.h"

#include <string.h>

static wr_run *run_of(weir_job *job) {
    return wr_container_of(job, wr_run, job);
}

static int run_call(weir_worker *self, weir_job *job) {
    wr_run *call = run_of(job);
    call->ran = true;
    call->status = call->function(self, call->argument);
    return call->status;
}

static void call_done(weir_job *job, int status) {
    wr_run *call = run_of(job);
    if (call->abandoned)
        wr_free(call);
    else
        (void)weir_event_fire(&call->event, status < 0 ? status : 0);
}

// Workers beneath whose wait this call comes back to the pool can run it.
static void wake_ancestors(weir_pool *pool, const wr_frame *frame) {
    for (; frame != NULL; frame = frame->parent)
        if (frame->worker->pool == pool)
            wr_worker_wake(frame->worker);
}

static int submit_call(weir_pool *pool, wr_run *call) {
    void *captured = wr_job_capture(pool);
    wr_pool_lock(pool);
    int error = wr_job_accept_check(pool, &call->job, false);
    if (error == 0) {
        wr_job_accept(pool, &call->job, NULL, captured);
        wr_job_of(&call->job)->call = call;
        wr_inbox_push(pool, &call->job);
        pool->runs_queued++;
        wr_pool_notify(pool);
        wake_ancestors(pool, call->frame);
    }
    wr_pool_unlock(pool);
    if (error != 0)
        wr_job_release(pool, captured);
    return error;
}

// Waits for the call. Returns 0, -ESHUTDOWN, -EDEADLK; *gone: the call is no
// longer the caller's.
static int wait_call(wr_run *call, int *status, bool *gone) {
    weir_event *event = &call->event;
    int error = wr_event_wait(event, WR_WAIT_RUN, call, WEIR_FOREVER, NULL);
    *gone = error != 0;
    if (error != 0) {
        call->abandoned = true;
        return error;
    }
    if (!call->ran)
        return -ESHUTDOWN;
    if (status != NULL)
        *status = call->status;
    return 0;
}

int weir_run(weir_pool *pool,
             int (*function)(weir_worker *self, void *argument), void *argument,
             int *status) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    weir_worker *self = wr_worker_current();
    // In a blocking section the worker's place is lent: there it is a thread
    // like any outside the pool.
    if (self != NULL && self->pool == pool && !self->section) {
        int result = function(self, argument);
        if (status != NULL)
            *status = result;
        return 0;
    }
    wr_run stack_call;
    wr_run *call = &stack_call;
    if (pool->deterministic && (call = wr_malloc(sizeof(*call))) == NULL)
        return -ENOMEM;
    memset(call, 0, sizeof(*call));
    call->job.run = run_call;
    call->job.done = call_done;
    call->job.name = "weir_run";
    call->function = function;
    call->argument = argument;
    call->frame = self != NULL ? self->frame : NULL;
    // A worker that waits is woken, and finds what it may help, in its own
    // pool.
    bool mine = self != NULL && !self->section && !self->pool->deterministic &&
                !pool->deterministic;
    weir_event_init(&call->event, mine ? self->pool : pool, 1);
    bool gone = false;
    int error = submit_call(pool, call);
    if (error == 0)
        error = wait_call(call, status, &gone);
    if (pool->deterministic && !gone)
        wr_free(call);
    return error;
}
