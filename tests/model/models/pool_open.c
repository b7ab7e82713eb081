// SPDX-License-Identifier: MIT
// Which forks lie open, and who is told of one that is opened: by a join, by
// who asks whether it was cancelled, by who waits elsewhere. What was taken
// from the middle of a deque stays taken. What nobody is told of is a deadlock.
#include "model/models/rooms.h"

typedef struct record {
    weir_fork fork; // first
    rooms_flag *taken;
    int ran;
} record;

static record *record_of(weir_fork *fork) {
    return wr_container_of(fork, record, fork);
}

static void run_fork(weir_worker *self, weir_fork *fork) {
    (void)self;
    record *r = record_of(fork);
    r->ran++;
    if (r->taken != NULL)
        rooms_raise(r->taken);
}

static void begin(weir_worker *self, record *r, rooms_flag *taken) {
    *r = (record){.taken = taken};
    weir_fork_begin(self, &r->fork, run_fork);
}

static void join(weir_worker *self, record *r) {
    weir_fork_join(self, &r->fork, run_fork);
    MC_CHECK(r->ran == 1);
}

static weir_pool *pool_of(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.fork_depth = 4;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    return pool;
}

static weir_job job;

static void run_alone(weir_pool *pool,
                      int (*run)(weir_worker *self, weir_job *job)) {
    job = (weir_job)WEIR_JOB_INIT(run, NULL);
    MC_CHECK(weir_submit(pool, &job) == 0);
    weir_pool_destroy(pool);
}

// ---- opened while the other worker falls asleep ----------------------------

static rooms_flag taken[2];

// The first was open; the second is opened by the join of the third.
static int join_and_await(weir_worker *self, weir_job *unused) {
    (void)unused;
    record r[3];
    begin(self, &r[0], &taken[0]);
    begin(self, &r[1], &taken[1]);
    begin(self, &r[2], NULL);
    rooms_await(&taken[0]);
    join(self, &r[2]);
    rooms_await(&taken[1]);
    join(self, &r[1]);
    join(self, &r[0]);
    return 0;
}

static void a_join_that_opens_a_fork_wakes_a_worker(void) {
    run_alone(pool_of(2), join_and_await);
}

static int ask_and_await(weir_worker *self, weir_job *unused) {
    (void)unused;
    record r[2];
    begin(self, &r[0], &taken[0]);
    begin(self, &r[1], &taken[1]);
    rooms_await(&taken[0]);
    MC_CHECK(weir_cancelled(self) == 0);
    rooms_await(&taken[1]);
    join(self, &r[1]);
    join(self, &r[0]);
    return 0;
}

static void who_asks_opens_a_fork_and_wakes_a_worker(void) {
    run_alone(pool_of(2), ask_and_await);
}

// ---- asleep in another pool ------------------------------------------------

static weir_pool *elsewhere;
static weir_job fills, waits;

// It has the only room there until the second fork has run.
static int run_until_taken(weir_worker *self, weir_job *unused) {
    (void)self;
    (void)unused;
    rooms_await(&taken[1]);
    return 0;
}

static int run_nothing(weir_worker *self, weir_job *unused) {
    (void)self;
    (void)unused;
    return 0;
}

// Of the two one was open.
static int wait_for_room(weir_worker *self, weir_job *unused) {
    (void)unused;
    record r[2];
    begin(self, &r[0], NULL);
    begin(self, &r[1], &taken[1]);
    waits = (weir_job)WEIR_JOB_INIT(run_nothing, NULL);
    MC_CHECK(weir_submit_wait(elsewhere, &waits, WEIR_FOREVER) == 0);
    join(self, &r[1]);
    join(self, &r[0]);
    return 0;
}

static void who_waits_elsewhere_opens_its_forks(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.jobs_max = 1;
    MC_CHECK(weir_pool_create(&elsewhere, &options) == 0);
    fills = (weir_job)WEIR_JOB_INIT(run_until_taken, NULL);
    MC_CHECK(weir_submit(elsewhere, &fills) == 0);
    run_alone(pool_of(2), wait_for_room);
    weir_pool_destroy(elsewhere);
}

// ---- taken from the middle -------------------------------------------------

// One worker runs the job, and `child` beneath its join; the other `below` and,
// beneath the wait for the child, `grandchild`. So the forks of that lie above
// two that are open and that the first worker may not take.
static rooms_flag spawned, forked, is_taken, may_end;
static weir_event over;
static weir_job child;

static void run_middle(weir_worker *self, weir_fork *fork) {
    run_fork(self, fork);
    rooms_await(&may_end);
}

static void run_grandchild(weir_worker *self, weir_fork *fork) {
    record y[2] = {{.taken = &is_taken}};
    weir_fork_begin(self, &y[0].fork, run_middle);
    begin(self, &y[1], NULL);
    MC_CHECK(weir_event_wait(&over, WEIR_FOREVER, NULL) == 0); // opens them
    rooms_raise(record_of(fork)->taken);
    rooms_await(&is_taken);
    join(self, &y[1]);
    rooms_raise(&may_end);
    weir_fork_join(self, &y[0].fork, run_middle);
    MC_CHECK(y[0].ran == 1);
}

static int run_child(weir_worker *self, weir_job *unused) {
    (void)unused;
    record z = {.taken = &taken[0]};
    weir_fork_begin(self, &z.fork, run_grandchild);
    rooms_raise(&forked);
    rooms_await(&taken[0]);
    weir_fork_join(self, &z.fork, run_grandchild);
    return 0;
}

static void run_below(weir_worker *self, weir_fork *fork) {
    (void)fork;
    record x[2];
    begin(self, &x[0], NULL);
    begin(self, &x[1], NULL);
    weir_scope scope;
    MC_CHECK(weir_scope_begin(self, &scope, NULL) == 0);
    child = (weir_job)WEIR_JOB_INIT(run_child, NULL);
    weir_scope_spawn(self, &scope, &child);
    rooms_raise(&spawned);
    rooms_await(&forked);
    MC_CHECK(weir_scope_wait(self, &scope) == 0);
    join(self, &x[1]);
    join(self, &x[0]);
}

static int help_below(weir_worker *self, weir_job *unused) {
    (void)unused;
    record p = {.ran = 0};
    weir_fork_begin(self, &p.fork, run_below);
    rooms_await(&spawned);
    weir_fork_join(self, &p.fork, run_below);
    return 0;
}

static void what_is_taken_from_the_middle_stays_taken(void) {
    weir_pool *pool = pool_of(2);
    weir_event_init(&over, pool, 0);
    run_alone(pool, help_below);
}

#define BOUNDED(case, most, older)                                             \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = older                                                         \
    }

const mc_case mc_cases[] = {
    BOUNDED(a_join_that_opens_a_fork_wakes_a_worker, 1, 1),
    BOUNDED(who_asks_opens_a_fork_and_wakes_a_worker, 1, 1),
    BOUNDED(who_waits_elsewhere_opens_its_forks, 0, 1),
    BOUNDED(what_is_taken_from_the_middle_stays_taken, 1, 1),
    {.name = NULL},
};
