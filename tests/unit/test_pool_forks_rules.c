// SPDX-License-Identifier: MIT
// Whose a fork is: who may begin one, and who may join it.
#include "support/pool.h"

static void nothing(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
}

typedef int on_worker(weir_worker *self, void *argument);

static void run_on(int threads, on_worker *function) {
    weir_pool *pool = pool_of(threads);
    int error = weir_run(pool, function, NULL, NULL);
    (void)error;
}

// ---- joined by another worker ----------------------------------------------

typedef struct two {
    weir_fork taken, other;
} two;

static void join_the_other(weir_worker *self, weir_fork *fork) {
    two *t = (two *)fork;
    weir_fork_join(self, &t->other, nothing);
}

static int by_another_worker_body(weir_worker *self, void *argument) {
    (void)argument;
    two t;
    tally never;
    tally_init(&never);
    weir_fork_begin(self, &t.taken, join_the_other); // the oldest is taken
    weir_fork_begin(self, &t.other, nothing);
    tally_await(&never, 1); // the thief aborts
    return 0;
}

static void by_another_worker(void) { run_on(2, by_another_worker_body); }

// ---- joined by other work of the same worker -------------------------------

typedef struct child {
    weir_job job;
    weir_fork *fork;
} child;

static int join_the_mothers(weir_worker *self, weir_job *job) {
    weir_fork_join(self, ((child *)job)->fork, nothing);
    return 0;
}

static int by_a_child_body(weir_worker *self, void *argument) {
    (void)argument;
    weir_fork fork;
    weir_scope scope;
    child c = {.job = WEIR_JOB_INIT(join_the_mothers, NULL), .fork = &fork};
    weir_fork_begin(self, &fork, nothing);
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &c.job);
    return weir_scope_wait(self, &scope);
}

static void by_a_child(void) { run_on(1, by_a_child_body); }

static void a_join_by_other_work_aborts(void) {
    check_aborts(by_another_worker, "by other work");
    check_aborts(by_a_child, "by other work");
}

// ---- begun outside of run --------------------------------------------------

static weir_fork begun_late;

static int do_nothing(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void begin_in_done(weir_job *job, int status) {
    (void)job;
    (void)status;
    weir_fork_begin(weir_worker_self(), &begun_late, nothing);
}

static void in_done(void) {
    static weir_job job;
    tally never;
    tally_init(&never);
    job = (weir_job)WEIR_JOB_INIT(do_nothing, begin_in_done);
    int error = weir_submit(pool_of(1), &job);
    CHECK_EQ(error, 0);
    tally_await(&never, 1);
}

static void a_fork_outside_of_run_aborts(void) {
    check_aborts(in_done, "outside of run");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_join_by_other_work_aborts", a_join_by_other_work_aborts},
        {"a_fork_outside_of_run_aborts", a_fork_outside_of_run_aborts},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
