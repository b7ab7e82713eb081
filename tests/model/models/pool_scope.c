// SPDX-License-Identifier: MIT
// Scopes and their children lie on the stack of the work that waits for them:
// when the wait returns nobody may touch them any more. And who waits runs
// descendants only.
#include "model/models/rooms.h"

typedef struct child {
    weir_job job;
    int value;
} child;

static unsigned done_calls;

static int run_child(weir_worker *self, weir_job *job) {
    (void)self;
    wr_container_of(job, child, job)->value = 7;
    return 0;
}

static void child_done(weir_job *job, int status) {
    (void)job;
    (void)status;
    done_calls++;
}

static int open_scope(weir_worker *self, weir_job *job) {
    (void)job;
    child c = {.job = WEIR_JOB_INIT(run_child, child_done)};
    weir_scope scope;
    MC_CHECK(weir_scope_begin(self, &scope, NULL) == 0);
    weir_scope_spawn(self, &scope, &c.job);
    MC_CHECK(weir_scope_wait(self, &scope) == 0);
    MC_CHECK(c.value == 7 && done_calls == 1);
    return 0;
}

static weir_job opener;

static void a_scope_may_go_when_its_wait_returns(void) {
    weir_pool *pool = rooms_pool(2, 0);
    opener = (weir_job)WEIR_JOB_INIT(open_scope, NULL);
    MC_CHECK(weir_submit(pool, &opener) == 0);
    weir_pool_destroy(pool);
    MC_CHECK(done_calls == 1);
}

// ---- cancelled from outside ------------------------------------------------

static weir_scope *open_one; // under open_lock
static mc_mutex open_lock;

static int open_for_all(weir_worker *self, weir_job *job) {
    (void)job;
    child c = {.job = WEIR_JOB_INIT(run_child, child_done)};
    weir_scope scope;
    MC_CHECK(weir_scope_begin(self, &scope, NULL) == 0);
    mc_lock(&open_lock);
    open_one = &scope;
    mc_unlock(&open_lock);
    weir_scope_spawn(self, &scope, &c.job);
    mc_lock(&open_lock);
    open_one = NULL;
    mc_unlock(&open_lock);
    int status = weir_scope_wait(self, &scope);
    MC_CHECK(c.value == (status == 0 ? 7 : 0));
    MC_CHECK(status == 0 || status == -ECANCELED);
    return 0;
}

static void a_cancel_ends_what_has_not_started(void) {
    weir_pool *pool = rooms_pool(1, 0);
    opener = (weir_job)WEIR_JOB_INIT(open_for_all, NULL);
    MC_CHECK(weir_submit(pool, &opener) == 0);
    mc_lock(&open_lock);
    if (open_one != NULL)
        weir_scope_cancel(open_one);
    mc_unlock(&open_lock);
    weir_pool_destroy(pool);
    MC_CHECK(done_calls == 1);
}

// ---- descendants only ------------------------------------------------------

static rooms_flag waited; // the scope's wait has returned
static weir_job unrelated;

static int wait_with_others_about(weir_worker *self, weir_job *job) {
    int status = open_scope(self, job);
    rooms_raise(&waited);
    return status;
}

// Beneath the wait it would wait for itself: a deadlock.
static int run_unrelated(weir_worker *self, weir_job *job) {
    (void)job;
    MC_CHECK(self->frame->below == NULL);
    rooms_await(&waited);
    return 0;
}

static void a_scope_waits_without_unrelated_work(void) {
    weir_pool *pool = rooms_pool(2, 0);
    opener = (weir_job)WEIR_JOB_INIT(wait_with_others_about, NULL);
    unrelated = (weir_job)WEIR_JOB_INIT(run_unrelated, NULL);
    MC_CHECK(weir_submit(pool, &opener) == 0);
    MC_CHECK(weir_submit(pool, &unrelated) == 0);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

const mc_case mc_cases[] = {
    BOUNDED(a_scope_may_go_when_its_wait_returns, 1),
    BOUNDED(a_cancel_ends_what_has_not_started, 2),
    BOUNDED(a_scope_waits_without_unrelated_work, 1),
    {.name = NULL},
};
