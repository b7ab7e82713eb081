// SPDX-License-Identifier: MIT
// Several pools: calls from one into the other and back, broadcasts at home
// while a worker waits elsewhere, a cancel across a call. And hooks: what is
// captured for a job is released once, however the job ends.
#include "model/models/rooms.h"

static weir_pool *home, *away;
static weir_job job_at_home, job_away;
static rooms_flag begun;

static void make_two(void) {
    home = rooms_pool(1, 0);
    away = rooms_pool(1, 0);
}

static void destroy_two(void) {
    weir_pool_destroy(home);
    weir_pool_destroy(away);
}

// ---- calls there and back --------------------------------------------------

static int come_back(weir_worker *self, void *calls) {
    MC_CHECK(weir_worker_pool(self) == home);
    ++*(int *)calls;
    return 7;
}

static int call_home(weir_worker *self, void *calls) {
    MC_CHECK(weir_worker_pool(self) == away);
    int status = 0;
    MC_CHECK(weir_run(home, come_back, calls, &status) == 0);
    MC_CHECK(status == 7);
    ++*(int *)calls;
    return 5;
}

static int call_away(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    int calls = 0;
    int status = 0;
    MC_CHECK(weir_run(away, call_home, &calls, &status) == 0);
    MC_CHECK(status == 5 && calls == 2);
    return 0;
}

// The only worker waits for the call: what comes back descends from it.
static void a_call_may_come_back(void) {
    make_two();
    job_at_home = (weir_job)WEIR_JOB_INIT(call_away, NULL);
    MC_CHECK(weir_submit(home, &job_at_home) == 0);
    MC_CHECK(weir_pool_wait_idle(home, WEIR_FOREVER) == 0);
    destroy_two();
}

// ---- a cancel goes along ---------------------------------------------------

static weir_event never;

static int wait_there(weir_worker *self, void *unused) {
    (void)self;
    (void)unused;
    rooms_raise(&begun);
    return weir_event_wait(&never, WEIR_FOREVER, NULL);
}

static int call_and_wait(weir_worker *self, weir_job *job) {
    (void)job;
    int status = 0;
    MC_CHECK(weir_run(away, wait_there, NULL, &status) == 0);
    MC_CHECK(status == -ECANCELED && weir_cancelled(self) == -ECANCELED);
    return status;
}

static void a_cancel_ends_what_is_waited_for_elsewhere(void) {
    make_two();
    weir_event_init(&never, away, 1);
    job_at_home = (weir_job)WEIR_JOB_INIT(call_and_wait, NULL);
    MC_CHECK(weir_submit(home, &job_at_home) == 0);
    rooms_await(&begun);
    MC_CHECK(weir_cancel(home, &job_at_home) == -EBUSY);
    destroy_two();
}

// ---- broadcasts ------------------------------------------------------------

static unsigned served_at_home, served_away;

static void serve(weir_worker *self, void *pool) {
    MC_CHECK(weir_worker_pool(self) == pool);
    ++*(pool == home ? &served_at_home : &served_away);
}

static int broadcast_away(weir_worker *self, weir_job *job) {
    (void)job;
    weir_pool *other = weir_worker_pool(self) == home ? away : home;
    MC_CHECK(weir_broadcast(other, serve, other) == 0);
    return 0;
}

// Each waits for the only worker of the other's pool.
static void two_pools_may_broadcast_to_each_other(void) {
    make_two();
    job_at_home = (weir_job)WEIR_JOB_INIT(broadcast_away, NULL);
    job_away = (weir_job)WEIR_JOB_INIT(broadcast_away, NULL);
    MC_CHECK(weir_submit(home, &job_at_home) == 0);
    MC_CHECK(weir_submit(away, &job_away) == 0);
    MC_CHECK(weir_pool_wait_idle(home, WEIR_FOREVER) == 0);
    MC_CHECK(weir_pool_wait_idle(away, WEIR_FOREVER) == 0);
    destroy_two();
    MC_CHECK(served_at_home == 1 && served_away == 1);
}

static weir_event event;

static int wait_for_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    rooms_raise(&begun);
    MC_CHECK(weir_event_wait(&event, WEIR_FOREVER, NULL) == 0);
    MC_CHECK(served_at_home == 1);
    return 0;
}

// The event happens only after the broadcast.
static void a_wait_elsewhere_serves_broadcasts_at_home(void) {
    home = rooms_pool(1, 0);
    away = rooms_pool_without_workers();
    weir_event_init(&event, away, 1);
    job_at_home = (weir_job)WEIR_JOB_INIT(wait_for_event, NULL);
    MC_CHECK(weir_submit(home, &job_at_home) == 0);
    rooms_await(&begun);
    MC_CHECK(weir_broadcast(home, serve, home) == 0);
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    weir_pool_destroy(home);
}

// ---- hooks -----------------------------------------------------------------

// Memory of its own, so that a second release, or a use after it, is seen; and
// a missing one is a leak.
static void *capture(void *context) {
    int *captured = malloc(sizeof(*captured));
    *captured = *(int *)context;
    return captured;
}

static void enter(void *context, void *captured) {
    MC_CHECK(*(int *)captured == *(int *)context);
    *(int *)captured = 2;
}

static void leave(void *context, void *captured) {
    (void)context;
    MC_CHECK(*(int *)captured == 2);
}

static void release(void *context, void *captured) {
    (void)context;
    free(captured);
}

static weir_pool *pool_with_hooks(void) {
    static int context = 1;
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &context,
                             .capture = capture,
                             .enter = enter,
                             .leave = leave,
                             .release = release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.fork_depth = 2;
    options.hooks = &hooks;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    return pool;
}

static unsigned runs, ends;

static int run_job(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    runs++;
    return 0;
}

static void end_job(weir_job *job, int status) {
    MC_CHECK(status == 0 || !weir_job_ran(job));
    ends++;
}

static void what_a_cancelled_job_captured_is_released_once(void) {
    weir_pool *pool = pool_with_hooks();
    job_at_home = (weir_job)WEIR_JOB_INIT(run_job, end_job);
    MC_CHECK(weir_submit(pool, &job_at_home) == 0);
    int error = weir_cancel(pool, &job_at_home);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    weir_pool_destroy(pool);
    MC_CHECK(runs == (error != 0) && ends == 1);
}

static void *stop(void *pool) {
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL) == 0);
    return NULL;
}

static void what_a_refused_job_captured_is_released_once(void) {
    weir_pool *pool = pool_with_hooks();
    unsigned other = mc_spawn(stop, pool);
    job_at_home = (weir_job)WEIR_JOB_INIT(run_job, end_job);
    int error = weir_submit(pool, &job_at_home);
    MC_CHECK(error == 0 || error == -ESHUTDOWN);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(ends == (error == 0) && runs <= ends);
}

// The wait for the event and its continuation: attached, then taken back, or
// it runs.
static void what_a_detached_job_captured_is_released_once(void) {
    weir_pool *pool = pool_with_hooks();
    weir_event_init(&event, pool, 1);
    job_away = (weir_job)WEIR_JOB_INIT(run_job, end_job);
    MC_CHECK(weir_event_attach(&event, pool, &job_away) == 0);
    unsigned other = mc_spawn(stop, pool);
    int error = weir_event_detach(&event, &job_away);
    MC_CHECK(error == 0 || error == -EALREADY);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(runs == 0 && ends == (error != 0));
}

static void *detach(void *unused) {
    MC_CHECK(weir_event_detach(&event, &job_away) == 0);
    return unused;
}

// The release is before the job leaves, which lets the pool go.
static void a_pool_may_go_while_a_detach_returns(void) {
    weir_pool *pool = pool_with_hooks();
    weir_event_init(&event, pool, 1);
    job_away = (weir_job)WEIR_JOB_INIT(run_job, end_job);
    MC_CHECK(weir_event_attach(&event, pool, &job_away) == 0);
    unsigned other = mc_spawn(detach, NULL);
    weir_pool_destroy(pool);
    (void)mc_join(other);
    MC_CHECK(runs == 0 && ends == 0);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(a_call_may_come_back, 1),
    BOUNDED(a_cancel_ends_what_is_waited_for_elsewhere, 1),
    BOUNDED(two_pools_may_broadcast_to_each_other, 1),
    BOUNDED(a_wait_elsewhere_serves_broadcasts_at_home, 2),
    BOUNDED(what_a_cancelled_job_captured_is_released_once, 2),
    BOUNDED(what_a_refused_job_captured_is_released_once, 2),
    BOUNDED(what_a_detached_job_captured_is_released_once, 2),
    BOUNDED(a_pool_may_go_while_a_detach_returns, 2),
    {.name = NULL},
};
