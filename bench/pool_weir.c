// SPDX-License-Identifier: MIT
// weir as a form of bench/pool.c: bench_pool, and with the option `bursts`
// bench_pool_bursts (CMakeLists.txt says which).
#include "pool.h"

#include "weir/pool.h"

#include <stdlib.h>

typedef struct weir_task {
    task head;
    weir_job job;
} weir_task;

// What both needs: a fork stands first in its record.
typedef struct branch {
    weir_fork fork;
    task *t;
} branch;

typedef struct own {
    weir_pool *pool;
    weir_job **jobs; // of the array that was prepared
} own;

static void check(const char *what, int error) {
    if (error != 0)
        bench_fail(what, error);
}

static task *task_of(weir_job *job) {
    return (task *)(void *)((char *)job - offsetof(weir_task, job));
}

static int run(weir_worker *self, weir_job *job) {
    (void)self;
    task *t = task_of(job);
    t->run(t);
    return 0;
}

static void done(weir_job *job, int status) {
    (void)status;
    task *t = task_of(job);
    t->done(t);
}

static void *open_pool(unsigned workers) {
    own *o = calloc(1, sizeof(*o));
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)workers;
    options.bursts = BENCH_BURSTS;
    if (o == NULL)
        bench_fail("no memory", 0);
    check("weir_pool_create", weir_pool_create(&o->pool, &options));
    return o;
}

static void prepare(void *pool, task *first, size_t count) {
    own *o = pool;
    weir_task *tasks = (weir_task *)(void *)first;
    free(o->jobs);
    o->jobs = malloc(count * sizeof(weir_job *));
    if (o->jobs == NULL)
        bench_fail("no memory for jobs", (long long)count);
    for (size_t i = 0; i < count; i++) {
        o->jobs[i] = &tasks[i].job;
        tasks[i].job.run = run;
        tasks[i].job.done = tasks[i].head.done != NULL ? done : NULL;
    }
}

static void submit(void *pool, task *t) {
    own *o = pool;
    weir_job *job = &((weir_task *)(void *)t)->job;
    check("weir_submit", weir_submit(o->pool, job));
}

static void submit_all(void *pool, task *first, size_t count) {
    own *o = pool;
    (void)first; // as prepared
    check("weir_submit_batch", weir_submit_batch(o->pool, o->jobs, count));
}

static void finish(void *pool) {
    own *o = pool;
    check("weir_pool_wait_idle", weir_pool_wait_idle(o->pool, WEIR_FOREVER));
}

static void fork_run(weir_worker *self, weir_fork *fork) {
    (void)self;
    branch *b = (branch *)(void *)fork;
    b->t->run(b->t);
}

static void both(task *here, task *there) {
    weir_worker *self = weir_worker_self();
    branch b = {.t = there};
    weir_fork_begin(self, &b.fork, fork_run);
    here->run(here);
    weir_fork_join(self, &b.fork, fork_run);
}

static void close_pool(void *pool) {
    own *o = pool;
    weir_pool_destroy(o->pool);
    free(o->jobs);
    free(o);
}

const form bench_form = {.name = BENCH_NAME,
                         .task_size = sizeof(weir_task),
                         .outside = 1,
                         .stops = 1,
                         .open = open_pool,
                         .prepare = prepare,
                         .submit = submit,
                         .submit_all = submit_all,
                         .finish = finish,
                         .both = both,
                         .close = close_pool};
