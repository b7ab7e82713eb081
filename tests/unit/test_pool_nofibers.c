// SPDX-License-Identifier: MIT
// The deterministic pool where the system has no fibers: one virtual worker on
// the stack of the thread that waits.
#include "support/check.h"
#include "weir/parallel.h"
#include "weir/pool.h"

#include <errno.h>

static weir_pool *pool_open(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 0;
    weir_pool *pool;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    CHECK_EQ(weir_pool_width(pool), 1);
    return pool;
}

static int runs;

static int count_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    runs++;
    return 0;
}

static int count_range(weir_worker *self, void *context, size_t from,
                       size_t to) {
    (void)self;
    *(size_t *)context += to - from;
    return 0;
}

static int body(weir_worker *self, void *argument) {
    weir_job children[10];
    weir_scope scope;
    size_t visited = 0;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 10; i++) {
        children[i] = (weir_job)WEIR_JOB_INIT(count_run, NULL);
        weir_scope_spawn(self, &scope, &children[i]);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(weir_parallel_for(self, 0, 1000, count_range, &visited), 0);
    CHECK_EQ(visited, 1000);
    CHECK(argument == NULL);
    return 5;
}

static void jobs_scopes_and_forks_run_on_one_stack(void) {
    weir_pool *pool = pool_open();
    weir_job jobs[5];
    runs = 0;
    for (int i = 0; i < 5; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(count_run, NULL);
        CHECK_EQ(weir_submit(pool, &jobs[i]), 0);
    }
    CHECK_EQ(runs, 0);
    CHECK_EQ(weir_pool_wait_idle(pool, WEIR_FOREVER), 0);
    CHECK_EQ(runs, 5);
    int status = 0;
    CHECK_EQ(weir_run(pool, body, NULL, &status), 0);
    CHECK_EQ(status, 5);
    CHECK_EQ(runs, 15);
    weir_pool_destroy(pool);
}

static int wait_body(weir_worker *self, void *argument) {
    (void)self;
    return weir_event_wait(argument, WEIR_FOREVER, NULL);
}

static void a_wait_that_nothing_can_end_is_edeadlk(void) {
    weir_pool *pool = pool_open();
    weir_event never;
    int status = 0;
    weir_event_init(&never, pool, 1);
    CHECK_EQ(weir_run(pool, wait_body, &never, &status), 0);
    CHECK_EQ(status, -EDEADLK);
    CHECK_EQ(weir_event_wait(&never, WEIR_FOREVER, NULL), -EDEADLK);
    weir_pool_destroy(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"jobs_scopes_and_forks_run_on_one_stack",
         jobs_scopes_and_forks_run_on_one_stack},
        {"a_wait_that_nothing_can_end_is_edeadlk",
         a_wait_that_nothing_can_end_is_edeadlk},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
