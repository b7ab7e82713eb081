// SPDX-License-Identifier: MIT
// What a pool knows of itself: cells of its workers, times of its jobs, and
// what goes to the trace. README.md, "Figures", says what each costs.
#include "base/fault.h"
#include "base/histogram.h"
#include "pool/internal.h"

int wr_figures_init(weir_pool *pool) {
    const weir_pool_options *options = &pool->options;
    pool->created_ns = wr_now_ns();
    pool->timing = options->measure != 0 || options->trace != NULL;
    if (options->measure != 0) {
        pool->times = wr_calloc(1, sizeof(*pool->times));
        if (pool->times == NULL)
            return -ENOMEM;
    }
    if (options->trace == NULL)
        return 0;
    return wr_trace_join(options->trace, pool->name, pool->allocated,
                         &pool->rings);
}

// The rings are the trace's.
void wr_figures_fini(weir_pool *pool) { wr_free(pool->times); }

const char *wr_frame_name(const wr_frame *frame) {
    while (frame != NULL && frame->fork != NULL)
        frame = frame->parent;
    return frame != NULL ? wr_frame_own_name(frame) : NULL;
}

static void record(const weir_worker *worker, enum wr_trace_kind kind,
                   const char *name, uint64_t id, int64_t begin_ns,
                   int64_t end_ns) {
    wr_trace_emit(worker->pool->options.trace, wr_worker_ring(worker), kind,
                  name, id, begin_ns, end_ns);
}

static uint64_t id_of(const void *object) { return (uintptr_t)object; }

// ---- workers ---------------------------------------------------------------

const wr_frame *wr_worker_lender(const weir_worker *worker) {
    const wr_frame *frame = worker->frame;
    while (frame != NULL && frame->started_ns > worker->lent_ns)
        frame = frame->below;
    return frame;
}

void wr_figures_state_changes(weir_worker *worker, enum wr_worker_state state) {
    int64_t now_ns = wr_now_ns();
    if (worker->placed_ns != 0)
        worker->busy_ns += now_ns - worker->placed_ns;
    if (worker->lent_ns != 0 && wr_trace_on(worker->pool->options.trace)) {
        const wr_frame *lender = wr_worker_lender(worker);
        record(worker, WR_TRACE_LOAN, wr_frame_name(lender),
               id_of(lender != NULL ? lender->job : NULL), worker->lent_ns,
               now_ns);
    }
    worker->placed_ns = state == WR_PLACED ? now_ns : 0;
    worker->lent_ns = state == WR_LENT ? now_ns : 0;
    worker->told = 0;
}

void wr_figures_slept(const weir_worker *worker, int64_t begin_ns) {
    // Sleep with a place lent is shown as the loan.
    if (begin_ns != 0 && worker->state != WR_LENT &&
        wr_trace_on(worker->pool->options.trace))
        record(worker, WR_TRACE_PARK, NULL, 0, begin_ns, wr_now_ns());
}

// ---- jobs ------------------------------------------------------------------

void wr_figures_started(weir_pool *pool, const wr_frame *frame) {
    wr_histogram_add(&pool->times->queue, frame->started_ns - frame->queued_ns);
}

void wr_figures_ran(weir_worker *worker, wr_frame *frame) {
    frame->ended_ns = wr_now_ns();
    if (!wr_trace_on(worker->pool->options.trace))
        return;
    const char *name = wr_frame_name(frame);
    if (frame->fork != NULL) {
        record(worker, WR_TRACE_FORK, name, id_of(frame->fork),
               frame->started_ns, frame->ended_ns);
        return;
    }
    wr_trace_emit_job(worker->pool->options.trace, wr_worker_ring(worker), name,
                      id_of(frame->job), frame->queued_ns, frame->started_ns,
                      frame->ended_ns);
}

void wr_figures_ended(weir_pool *pool, const wr_frame *frame) {
    wr_times *times = pool->times;
    int64_t ran_ns = frame->ended_ns - frame->started_ns;
    wr_histogram_add(&times->run, ran_ns);
    times->slow += ran_ns > WR_SLOW_NS;
}

weir_pool_counts wr_figures_count(weir_pool *pool) {
    (void)wr_bursts_recall(pool);
    wr_arrivals_gather(pool);
    weir_pool_counts now = pool->counts;
    for (unsigned i = 0; i < pool->allocated; i++)
        now.forks_inline += wr_load(&pool->workers[i].forks_inline, relaxed,
                                    ALONE, "a counter");
    return now;
}
