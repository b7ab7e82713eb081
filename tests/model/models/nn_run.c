// SPDX-License-Identifier: MIT
// A network's requests: the last part of a task to end speaks for all, a task
// sees what all that it needs have written, and the last job hands the block
// back (NN_RUN_1). The pool is two threads that run what was submitted.
#include "model/model.h"
#include "programs/nn/run.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

enum { JOBS = 2 };

static weir_job *submitted[JOBS];
static size_t submissions;

int weir_submit_batch(weir_pool *pool, weir_job *const *jobs, size_t count) {
    (void)pool;
    for (size_t i = 0; i < count; i++) {
        MC_CHECK(submissions < JOBS);
        submitted[submissions++] = jobs[i];
    }
    return 0;
}

int weir_job_ran(const weir_job *job) { return job != NULL; }

unsigned weir_worker_index(const weir_worker *self) {
    (void)self;
    return 0;
}

unsigned weir_pool_index_limit(const weir_pool *pool) {
    (void)pool;
    return 1;
}

size_t wr_nn_scratch(const wr_nn_plan *plan) {
    (void)plan;
    return 0;
}

// Parts write a byte each. The task that needs them adds all up.
enum { SUM = 3, WRITTEN = 2, PARTS = 2 };

static int sum_task;
static int delivered;

void wr_nn_call(const wr_nn_plan *plan, const wr_nn_desk *desk, void *scratch,
                int task, unsigned part) {
    (void)plan;
    (void)scratch;
    if (task == sum_task)
        desk->arena[SUM] = (unsigned char)(desk->arena[0] + desk->arena[1]);
    else
        desk->arena[(unsigned)task + part] = WRITTEN;
}

void wr_nn_deliver(const wr_nn_plan *plan, const wr_nn_desk *desk) {
    (void)plan;
    delivered = desk->arena[SUM];
}

static int status_told = 1;

static void run_over(wr_nn_run *run, int status) {
    (void)run;
    status_told = status;
}

static void *run_job(void *memory) {
    weir_job *job = memory;
    int status = job->run(NULL, job);
    job->done(job, status);
    return NULL;
}

static void run_plan(const wr_nn_plan *plan, bool cancel) {
    wr_nn_cell *cell = NULL;
    MC_CHECK(wr_nn_cell_create(&cell, plan, 0) == 0);
    wr_nn_run run = {.done = run_over};
    MC_CHECK(wr_nn_run_start(cell, NULL, &run) == 0);
    MC_CHECK(submissions == JOBS);
    unsigned other = mc_spawn(run_job, submitted[0]);
    if (cancel)
        wr_nn_run_cancel(&run);
    (void)run_job(submitted[1]);
    (void)mc_join(other);
    MC_CHECK(status_told == 0 || (cancel && status_told == -ECANCELED));
    MC_CHECK(status_told != 0 || delivered == JOBS * WRITTEN);
    wr_nn_cell_destroy(cell);
}

static wr_nn_node nodes[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
static const int first_unblocked[] = {1};
static const int last_unblocked[] = {2};

static void the_last_part_speaks_for_all(void) {
    static const wr_nn_task tasks[] = {
        {.parts = PARTS, .unblocks = first_unblocked, .unblocks_count = 1},
        {.parts = 1, .needs = 1},
    };
    wr_nn_graph graph = {.node = nodes, .nodes = 2};
    wr_nn_plan plan = {.graph = &graph, .task = tasks, .arena_bytes = 4};
    sum_task = 1;
    run_plan(&plan, false);
}

static wr_nn_graph diamond_graph = {.node = nodes, .nodes = 3};
static const wr_nn_task diamond_tasks[] = {
    {.parts = 1, .unblocks = last_unblocked, .unblocks_count = 1},
    {.parts = 1, .unblocks = last_unblocked, .unblocks_count = 1},
    {.parts = 1, .needs = 2},
};

static void a_task_sees_what_it_needs(void) {
    wr_nn_plan plan = {
        .graph = &diamond_graph, .task = diamond_tasks, .arena_bytes = 4};
    sum_task = 2;
    run_plan(&plan, false);
}

static void a_cancelled_run_ends_once(void) {
    wr_nn_plan plan = {
        .graph = &diamond_graph, .task = diamond_tasks, .arena_bytes = 4};
    sum_task = 2;
    run_plan(&plan, true);
}

#define EXHAUSTIVE(case)                                                       \
    { .name = #case, .body = case, .mode = MC_EXHAUSTIVE }

const mc_case mc_cases[] = {
    EXHAUSTIVE(the_last_part_speaks_for_all),
    EXHAUSTIVE(a_task_sees_what_it_needs),
    EXHAUSTIVE(a_cancelled_run_ends_once),
    {.name = NULL},
};
