// SPDX-License-Identifier: MIT
// Where a pipeline meets the pool: its jobs, its start, the wait for its end.
#include "stream/internal.h"

#include "base/options.h"
#include "pool/internal.h"

// Groups that a runner takes in one go before it queues up again behind other
// jobs of the pool.
enum { RUNNER_TURNS = 8 };

// ---- jobs ------------------------------------------------------------------

int wr_runner_run(weir_worker *self, weir_job *job) {
    wr_runner *runner = wr_container_of(job, wr_runner, job);
    weir_pipeline *pipeline = runner->pipeline;
    wr_mutex_lock(&pipeline->lock);
    runner->began = true;
    pipeline->pending--;
    wr_mutex_unlock(&pipeline->lock);
    wr_pipeline_execute(pipeline, self, RUNNER_TURNS);
    return 0;
}

void wr_runner_done(weir_job *job, int status) {
    wr_runner *runner = wr_container_of(job, wr_runner, job);
    weir_pipeline *pipeline = runner->pipeline;
    wr_mutex_lock(&pipeline->lock);
    bool began = runner->began;
    if (!began)
        pipeline->pending--;
    wr_list_push_back(&pipeline->idle, &runner->link);
    wr_pipeline_unlock(pipeline);
    // It never ran: the pool is being stopped.
    if (!began)
        (void)wr_pipeline_halt(pipeline, status, status == -ESHUTDOWN);
    wr_pipeline_unref(pipeline);
}

int wr_anchor_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

// The deadline passed, or the pool is being stopped.
void wr_anchor_done(weir_job *job, int status) {
    weir_pipeline *pipeline = wr_container_of(job, weir_pipeline, anchor);
    (void)wr_pipeline_halt(pipeline, status, status == -ESHUTDOWN);
    wr_pipeline_unref(pipeline);
}

void wr_pipeline_settle(weir_pipeline *pipeline) {
    // Not attached any more: its done has come, or comes, and lets go itself.
    if (weir_event_detach(&pipeline->anchor_event, &pipeline->anchor) == 0)
        wr_pipeline_unref(pipeline);
}

// ---- start -----------------------------------------------------------------

// Hands anchor and runner to the pool, or neither. *kept: a job that was taken
// and could not be had back; it lets go of the pipeline by itself.
static int start_jobs(weir_pipeline *pipeline, wr_runner *runner,
                      size_t *kept) {
    int error = weir_event_attach(&pipeline->anchor_event, pipeline->pool,
                                  &pipeline->anchor);
    if (error != 0)
        return error;
    error = weir_submit(pipeline->pool, &runner->job);
    if (error != 0)
        *kept =
            weir_event_detach(&pipeline->anchor_event, &pipeline->anchor) != 0;
    return error;
}

int wr_pipeline_start(weir_pipeline *pipeline) {
    wr_mutex_lock(&pipeline->lock);
    if (pipeline->started) {
        wr_mutex_unlock(&pipeline->lock);
        return -EALREADY;
    }
    wr_link *link = wr_list_pop_front(&pipeline->idle);
    wr_runner *runner = wr_container_of(link, wr_runner, link);
    runner->began = false;
    pipeline->started = true;
    pipeline->pending++;
    pipeline->refs += 2;
    pipeline->busy++; // it cannot end before this call does
    wr_mutex_unlock(&pipeline->lock);

    size_t kept = 0;
    int error = start_jobs(pipeline, runner, &kept);
    wr_mutex_lock(&pipeline->lock);
    pipeline->busy--;
    if (error == 0) {
        wr_pipeline_unlock(pipeline);
        return 0;
    }
    pipeline->started = false;
    pipeline->pending--;
    pipeline->refs -= 2 - kept;
    wr_list_push_back(&pipeline->idle, &runner->link);
    wr_mutex_unlock(&pipeline->lock);
    return error;
}

// ---- the end ---------------------------------------------------------------

// Links a helper, to be woken when there is work or the end. False: there is
// already.
static bool helper_link(weir_pipeline *pipeline, weir_watch *watch) {
    wr_mutex_lock(&pipeline->lock);
    bool work = wr_pipeline_work_locked(pipeline) &&
                pipeline->executing < wr_pipeline_limit_locked(pipeline);
    bool link = !work && !pipeline->ended;
    if (link)
        wr_list_push_back(&pipeline->helpers, &wr_watch_of(watch)->link);
    wr_mutex_unlock(&pipeline->lock);
    return link;
}

// A worker of the pool waits: it takes part, because it may be the only one.
static int help_until_end(weir_pipeline *pipeline, weir_worker *self,
                          int64_t deadline_ns) {
    int64_t own_ns = pipeline->options.deadline_ns;
    for (int status;;) {
        int error = weir_event_status(&pipeline->finished, &status);
        if (error != -EAGAIN)
            return error;
        wr_pipeline_execute(pipeline, self, 0);
        weir_watch watch;
        (void)wr_watch_init(&watch, pipeline->pool, &pipeline->lock, NULL);
        if (!helper_link(pipeline, &watch)) {
            weir_yield(self);
            continue;
        }
        // The pipeline's own deadline too: its job needs a free worker.
        bool own = own_ns != 0 && own_ns < deadline_ns;
        error = wr_watch_wait(&watch, own ? own_ns : deadline_ns);
        if (error == 0)
            continue;
        if (own && error == -ETIMEDOUT && weir_cancelled(self) == 0) {
            own_ns = 0;
            (void)wr_pipeline_halt(pipeline, -ETIMEDOUT, false);
            continue;
        }
        // Work that came meanwhile may have counted on this helper.
        wr_mutex_lock(&pipeline->lock);
        wr_pipeline_unlock(pipeline);
        return error;
    }
}

int wr_pipeline_wait(weir_pipeline *pipeline, int64_t deadline_ns,
                     weir_stream_report *report) {
    if (report != NULL && report->size < sizeof(report->size))
        return -EINVAL;
    wr_mutex_lock(&pipeline->lock);
    bool started = pipeline->started;
    wr_mutex_unlock(&pipeline->lock);
    if (!started)
        return -EDEADLK;
    weir_worker *self = weir_worker_self();
    bool help = self != NULL && weir_worker_pool(self) == pipeline->pool;
    int error = help ? help_until_end(pipeline, self, deadline_ns)
                     : weir_event_wait(&pipeline->finished, deadline_ns, NULL);
    if (error != 0 || report == NULL)
        return error;
    return wr_out_copy(report, &pipeline->report, sizeof(pipeline->report));
}

void wr_pipeline_destroy(weir_pipeline *pipeline) {
    wr_mutex_lock(&pipeline->lock);
    bool started = pipeline->started;
    wr_mutex_unlock(&pipeline->lock);
    if (started) {
        (void)wr_pipeline_halt(pipeline, -ECANCELED, false);
        weir_pipeline_close(pipeline);
    }
    while (started) {
        int error = wr_pipeline_wait(pipeline, WEIR_FOREVER, NULL);
        if (error == 0)
            break;
        wr_check(error != -EDEADLK,
                 "a pipeline ends after each token kept for later is finished");
        if (error == -ECHILD)
            return;
        // The job around this was told to end; the memory still may not go.
        weir_yield(weir_worker_self());
    }
    wr_pipeline_unref(pipeline);
}
