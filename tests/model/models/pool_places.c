// SPDX-License-Identifier: MIT
// A worker that waits lends its place, and somebody takes it: with one place,
// what is waited for could not run otherwise.
#include "model/models/rooms.h"

static weir_job waiter, other;
static weir_event event;
static rooms_flag flag;

static int wait_for_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    int status = 0;
    MC_CHECK(weir_event_wait(&event, WEIR_FOREVER, &status) == 0);
    return status;
}

static int fire_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    return 0;
}

static void a_stand_in_runs_what_a_worker_waits_for(void) {
    weir_pool *pool = rooms_pool(1, 1);
    weir_event_init(&event, pool, 1);
    waiter = (weir_job)WEIR_JOB_INIT(wait_for_event, NULL);
    other = (weir_job)WEIR_JOB_INIT(fire_event, NULL);
    MC_CHECK(weir_submit(pool, &waiter) == 0);
    MC_CHECK(weir_submit(pool, &other) == 0);
    weir_pool_destroy(pool);
}

// Nobody can stand in: then something outside must fire, and the worker sleeps.
static void a_worker_wakes_for_what_comes_from_outside(void) {
    weir_pool *pool = rooms_pool(1, 0);
    weir_event_init(&event, pool, 1);
    waiter = (weir_job)WEIR_JOB_INIT(wait_for_event, NULL);
    MC_CHECK(weir_submit(pool, &waiter) == 0);
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    weir_pool_destroy(pool);
}

static int block(weir_worker *self, weir_job *job) {
    (void)job;
    MC_CHECK(weir_blocking_begin(self) == 0);
    rooms_await(&flag);
    weir_blocking_end(self);
    return 0;
}

static int raise_flag(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    rooms_raise(&flag);
    return 0;
}

static void a_stand_in_runs_while_a_section_blocks(void) {
    weir_pool *pool = rooms_pool(1, 1);
    waiter = (weir_job)WEIR_JOB_INIT(block, NULL);
    other = (weir_job)WEIR_JOB_INIT(raise_flag, NULL);
    MC_CHECK(weir_submit(pool, &waiter) == 0);
    MC_CHECK(weir_submit(pool, &other) == 0);
    weir_pool_destroy(pool);
}

// ---- calls from outside ----------------------------------------------------

static int called(weir_worker *self, void *argument) {
    MC_CHECK(weir_worker_self() == self);
    ++*(int *)argument;
    return 5;
}

static void a_run_returns_what_it_did(void) {
    weir_pool *pool = rooms_pool(1, 0);
    int calls = 0;
    int status = 0;
    MC_CHECK(weir_run(pool, called, &calls, &status) == 0);
    MC_CHECK(calls == 1 && status == 5);
    weir_pool_destroy(pool);
}

static unsigned served[2];

static void serve(weir_worker *self, void *argument) {
    (void)argument;
    served[weir_worker_index(self)]++;
}

static void a_broadcast_reaches_each_worker_once(void) {
    weir_pool *pool = rooms_pool(2, 0);
    MC_CHECK(weir_broadcast(pool, serve, NULL) == 0);
    MC_CHECK(served[0] == 1 && served[1] == 1);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

const mc_case mc_cases[] = {
    BOUNDED(a_stand_in_runs_what_a_worker_waits_for, 1),
    BOUNDED(a_worker_wakes_for_what_comes_from_outside, 2),
    BOUNDED(a_stand_in_runs_while_a_section_blocks, 1),
    BOUNDED(a_run_returns_what_it_did, 2),
    BOUNDED(a_broadcast_reaches_each_worker_once, 1),
    {.name = NULL},
};
