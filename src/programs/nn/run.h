// SPDX-License-Identifier: MIT
//
// Running a plan: one request is one arena and a chain of jobs. A task is
// submitted when the last that it needs has ended; a task cut into parts is as
// many jobs, and the last to end goes on. No worker ever waits. Short tasks
// that follow one another run in one job, up to a bound of time, then the next
// is submitted anew: many requests share the pool fairly.
#ifndef WEIR_PROGRAMS_NN_RUN_H
#define WEIR_PROGRAMS_NN_RUN_H

#include "base/atomic.h"
#include "programs/nn/plan.h"

#include "weir/pool.h"

typedef struct wr_nn_run wr_nn_run;

// A cell keeps arenas of one plan for reuse, at most `keep` idle ones, and
// scratch for the workers of each pool that it was used with.
typedef struct wr_nn_cell wr_nn_cell;
// Errors: -ENOMEM, -E2BIG (more parts than can be counted).
int wr_nn_cell_create(wr_nn_cell **out, const wr_nn_plan *plan, unsigned keep);
// wr_nn_cell_destroy: no run of it may be under way; it may be called in the
// done of the last. NULL is allowed.
void wr_nn_cell_destroy(wr_nn_cell *cell);
// wr_nn_cell_bytes: of idle and used arenas, with their tables and scratch.
size_t wr_nn_cell_bytes(const wr_nn_cell *cell);

// One request, in the caller's memory until done is called. Fill in the first
// fields; zero the rest, each time anew.
struct wr_nn_run {
    const void *const *input; // plan->inputs of them, aligned to an element
    void *const *output;      // plan->outputs of them
    void (*done)(wr_nn_run *run, int status); // on a worker; must not wait
    int32_t priority;
    // Filled in before done.
    int64_t run_ns; // from start to done
    // The engine's.
    wr_atomic_u32 cancelled;
    int64_t start_ns;
};

// wr_nn_run_start: done is called exactly once if it returns 0, with 0,
// -ECANCELED or -ESHUTDOWN (the pool was stopped); never with -ENOMEM: memory
// is taken here. It may be called before this returns. Outputs are whole only
// if the status is 0; nothing reads or writes inputs and outputs after done is
// called. In done the run may be started again, or freed.
// Errors: -ENOMEM, -ESHUTDOWN, -ECHILD: done is not called.
int wr_nn_run_start(wr_nn_cell *cell, weir_pool *pool, wr_nn_run *run);

// wr_nn_run_cancel: no further task starts; done comes when the pool reaches
// what is queued of it, with -ECANCELED unless it ended first. Until done is
// called, also before start; any thread. It waits for nothing, so the caller
// may hold the lock that keeps done away.
void wr_nn_run_cancel(wr_nn_run *run);

// wr_nn_run_serial runs the plan on the calling thread, in order, for folding,
// tests and as the yardstick of the parallel run. poison: the arena begins as
// NaNs, a task's outputs (but those that lie on its own inputs) and scratch
// are filled with NaNs before it runs, and what nobody reads any more is after
// it: wrong liveness, and bytes that are not written, show as NaN. Quadratic.
// Errors: -ENOMEM.
int wr_nn_run_serial(const wr_nn_plan *plan, const void *const *input,
                     void *const *output, bool poison);

// What a task of the plan took, for `weir run` and the timeline: if not NULL,
// called after each part on its thread.
typedef void wr_nn_observer(void *context, int task, unsigned part,
                            int64_t from_ns, int64_t to_ns, int worker);
// While no run is under way.
void wr_nn_cell_observe(wr_nn_cell *cell, wr_nn_observer *observer,
                        void *context);

// ---- inside (run*.c) -------------------------------------------------------

// The memory that one request works on.
typedef struct wr_nn_desk {
    unsigned char *arena;
    const void *const *input;
    void *const *output;
} wr_nn_desk;

// wr_nn_call runs one part of one task.
void wr_nn_call(const wr_nn_plan *plan, const wr_nn_desk *desk, void *scratch,
                int task, unsigned part);

// wr_nn_deliver copies outputs that are an input, a constant or another output
// to where the caller wants them: after all tasks.
void wr_nn_deliver(const wr_nn_plan *plan, const wr_nn_desk *desk);

// wr_nn_scratch is the most bytes that one part of any task needs, as a
// multiple of WR_NN_ALIGN.
size_t wr_nn_scratch(const wr_nn_plan *plan);

#endif
