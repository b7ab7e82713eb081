// SPDX-License-Identifier: MIT
// weir_run, broadcast, yield, blocking sections, indices and slots: what waits
// and what runs meanwhile.
#include "support/pool.h"

static const int widths[] = {1, 2, 4};

// ---- weir_run --------------------------------------------------------------

static int add_body(weir_worker *self, void *arg) {
    CHECK(weir_worker_self() == self);
    *(int *)arg += 1; // plain memory of the caller
    return -*(int *)arg;
}

static void run_in(weir_pool *pool) {
    int count = 0, status = 0;
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(weir_run(pool, add_body, &count, &status), 0);
        CHECK_EQ(count, i + 1);
        CHECK_EQ(status, -count);
    }
    CHECK_EQ(weir_run(pool, add_body, &count, NULL), 0);
    CHECK_EQ(count, 21);
}

static void run_returns_what_the_function_returned(void) {
    for_each_pool(run_in);
}

typedef struct direct {
    weir_worker *self;
    pthread_t thread;
    int depth;
} direct;

static int direct_body(weir_worker *self, void *arg) {
    direct *d = arg;
    if (d->self != NULL) {
        CHECK(self == d->self);
        CHECK(pthread_equal(pthread_self(), d->thread));
    }
    *d = (direct){self, pthread_self(), d->depth + 1};
    if (d->depth < 5) {
        int status = 1;
        CHECK_EQ(weir_run(weir_worker_pool(self), direct_body, d, &status), 0);
        CHECK_EQ(status, -7);
    }
    return -7;
}

static void direct_in(weir_pool *pool) {
    direct d = {.depth = 0};
    CHECK_EQ(weir_run(pool, direct_body, &d, NULL), 0);
    CHECK_EQ(d.depth, 5);
}

static void run_on_the_pools_own_worker_is_a_direct_call(void) {
    for_each_pool(direct_in);
}

static void *run_main(void *arg) {
    int count = 0;
    for (int i = 0; i < 200; i++)
        CHECK_EQ(weir_run(arg, add_body, &count, NULL), 0);
    CHECK_EQ(count, 200);
    return NULL;
}

static void many_threads_run_at_once(void) {
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        pthread_t threads[5];
        for (int j = 0; j < 5; j++)
            threads[j] = thread_start(run_main, pool);
        for (int j = 0; j < 5; j++)
            thread_join(threads[j]);
        pool_close(pool);
    }
}

// From a worker of one pool into another, back, and so on.
typedef struct bounce {
    weir_pool *pools[2];
    int left;
    int calls;
} bounce;

static int bounce_body(weir_worker *self, void *arg) {
    bounce *b = arg;
    unsigned index = weir_worker_index(self);
    CHECK(weir_worker_pool(self) == b->pools[b->calls % 2]);
    b->calls++;
    if (b->left-- > 0) {
        int status = 1;
        CHECK_EQ(weir_run(b->pools[b->calls % 2], bounce_body, b, &status), 0);
        CHECK_EQ(status, -3);
    }
    CHECK(weir_worker_self() == self);
    CHECK_EQ(weir_worker_index(self), index);
    return -3;
}

static void bounce_between(weir_pool *a, weir_pool *b, int times) {
    bounce ball = {.pools = {a, b}, .left = times};
    int status = 1;
    CHECK_EQ(weir_run(a, bounce_body, &ball, &status), 0);
    CHECK_EQ(status, -3);
    CHECK_EQ(ball.calls, times + 1);
}

static void runs_go_to_another_pool_and_back(void) {
    weir_pool *a = pool_of(1), *b = pool_of(1);
    for (int i = 0; i < 100; i++)
        bounce_between(a, b, 2);
    bounce_between(a, b, 6);
    pool_close(a);
    pool_close(b);
}

static void a_run_that_comes_back_needs_no_stand_in(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *a = pool_open(&options), *b = pool_open(&options);
    for (int i = 0; i < 100; i++)
        bounce_between(a, b, 5);
    CHECK_EQ(counts_of(a).loans + counts_of(b).loans, 0);
    pool_close(a);
    pool_close(b);
}

// The caller holds the only worker of a and waits for b, where the function is
// held at a gate; what opens the gate is queued in a.
typedef struct caller {
    weir_job job;
    weir_pool *other;
    gate gate;
    int status;
} caller;

static int gated_body(weir_worker *self, void *arg) {
    (void)self;
    gate_pass(arg);
    return -2;
}

static int caller_run(weir_worker *self, weir_job *job) {
    (void)self;
    caller *c = (caller *)job;
    CHECK_EQ(weir_run(c->other, gated_body, &c->gate, &c->status), 0);
    return 0;
}

typedef struct unlock {
    weir_job job;
    gate *gate;
} unlock;

static int unlock_run(weir_worker *self, weir_job *job) {
    (void)self;
    gate_open(((unlock *)job)->gate);
    return 0;
}

static void a_wait_for_another_pool_lends_the_place(void) {
    weir_pool *a = pool_of(1), *b = pool_of(1);
    for (int i = 0; i < 100; i++) {
        caller c = {.job = WEIR_JOB_INIT(caller_run, NULL), .other = b};
        gate_init(&c.gate);
        unlock u = {.job = WEIR_JOB_INIT(unlock_run, NULL), .gate = &c.gate};
        weir_job *batch[] = {&c.job, &u.job};
        CHECK_EQ(weir_submit_batch(a, batch, 2), 0);
        wait_idle(a);
        CHECK_EQ(c.status, -2);
        gate_fini(&c.gate);
    }
    CHECK(counts_of(a).loans >= 100);
    pool_close(a);
    pool_close(b);
}

// The same for the other calls that wait for another pool.
typedef struct idler {
    weir_job job;
    weir_pool *other;
    work *room;
    int answers[2];
} idler;

static int idler_run(weir_worker *self, weir_job *job) {
    (void)self;
    idler *i = (idler *)job;
    i->answers[0] = weir_submit_wait(i->other, &i->room->job, WEIR_FOREVER);
    i->answers[1] = weir_pool_wait_idle(i->other, WEIR_FOREVER);
    return 0;
}

static void waiting_for_room_or_idleness_elsewhere_lends_the_place(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    weir_pool *a = pool_open(&options);
    options.jobs_max = 1;
    weir_pool *b = pool_open(&options);
    for (int i = 0; i < 100; i++) {
        held h;
        hold(b, &h);
        work room = work_of(0);
        idler waits = {
            .job = WEIR_JOB_INIT(idler_run, NULL), .other = b, .room = &room};
        unlock u = {.job = WEIR_JOB_INIT(unlock_run, NULL), .gate = &h.gate};
        weir_job *batch[] = {&waits.job, &u.job};
        CHECK_EQ(weir_submit_batch(a, batch, 2), 0);
        wait_idle(a);
        CHECK_EQ(waits.answers[0], 0);
        CHECK_EQ(waits.answers[1], 0);
        check_ran(&room, 0);
        gate_fini(&h.gate);
    }
    pool_close(a);
    pool_close(b);
}

// ---- broadcast -------------------------------------------------------------

enum { INDEXES = 256 };

typedef struct census {
    int seen[INDEXES];
    tally total;
} census;

static void census_take(weir_worker *self, void *arg) {
    census *c = arg;
    CHECK(weir_worker_self() == self);
    c->seen[weir_worker_index(self)]++;
    tally_add(&c->total);
}

static void census_check(weir_pool *pool, const census *c, int times) {
    for (unsigned i = 0; i < INDEXES; i++)
        CHECK_EQ(c->seen[i], i < weir_pool_width(pool) ? times : 0);
}

static void broadcast_in(weir_pool *pool) {
    census c = {.seen = {0}};
    for (int i = 1; i <= 10; i++) {
        CHECK_EQ(weir_broadcast(pool, census_take, &c), 0);
        census_check(pool, &c, i);
    }
}

static void a_broadcast_runs_once_on_each_worker(void) {
    for_each_pool(broadcast_in);
}

static int broadcast_body(weir_worker *self, void *arg) {
    CHECK_EQ(weir_broadcast(weir_worker_pool(self), census_take, arg), 0);
    return 0;
}

static void broadcast_inside_in(weir_pool *pool) {
    census c = {.seen = {0}};
    for (int i = 1; i <= 5; i++) {
        CHECK_EQ(weir_run(pool, broadcast_body, &c, NULL), 0);
        census_check(pool, &c, i);
    }
}

static void a_broadcast_may_come_from_a_job(void) {
    for_each_pool(broadcast_inside_in);
}

typedef struct caster {
    weir_job job;
    census *census;
} caster;

static int caster_run(weir_worker *self, weir_job *job) {
    return broadcast_body(self, ((caster *)job)->census);
}

static void two_casters_in(weir_pool *pool) {
    census c[4];
    caster jobs[4];
    memset(c, 0, sizeof(c));
    for (int i = 0; i < 4; i++) {
        jobs[i] =
            (caster){.job = WEIR_JOB_INIT(caster_run, NULL), .census = &c[i]};
        submit(pool, &jobs[i].job);
    }
    wait_idle(pool);
    for (int i = 0; i < 4; i++)
        census_check(pool, &c[i], 1);
}

static void broadcasts_at_once_do_not_wait_for_each_other(void) {
    for_each_pool(two_casters_in);
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        for (int j = 0; j < 200; j++)
            two_casters_in(pool);
        pool_close(pool);
    }
}

static void *broadcast_main(void *arg) {
    for (int i = 0; i < 200; i++) {
        census c = {.seen = {0}};
        CHECK_EQ(weir_broadcast(arg, census_take, &c), 0);
        census_check(arg, &c, 1);
    }
    return NULL;
}

static void broadcasts_from_many_threads(void) {
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        pthread_t threads[3];
        for (int j = 0; j < 3; j++)
            threads[j] = thread_start(broadcast_main, pool);
        for (int j = 0; j < 3; j++)
            thread_join(threads[j]);
        pool_close(pool);
    }
}

// A job that yields until the broadcast has run on top of it.
static census yield_census;

static int yielding_run(weir_worker *self, weir_job *job) {
    (void)job;
    while (tally_get(&yield_census.total) <
           weir_pool_width(weir_worker_pool(self)))
        weir_yield(self);
    return 0;
}

static void a_yield_lets_a_broadcast_run(void) {
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        memset(&yield_census, 0, sizeof(yield_census));
        weir_job jobs[4];
        for (int j = 0; j < widths[i]; j++) {
            jobs[j] = (weir_job)WEIR_JOB_INIT(yielding_run, NULL);
            submit(pool, &jobs[j]);
        }
        CHECK_EQ(weir_broadcast(pool, census_take, &yield_census), 0);
        census_check(pool, &yield_census, 1);
        pool_close(pool);
    }
}

// Width 2: worker A waits in a scope for a child that B holds at a gate which
// only the broadcast on A opens.
static gate wait_gate;

static void open_on_other(weir_worker *self, void *arg) {
    if (weir_worker_index(self) != *(unsigned *)arg)
        gate_open(&wait_gate);
}

static unsigned held_index;
static tally child_runs;

static int held_child_run(weir_worker *self, weir_job *job) {
    (void)job;
    held_index = weir_worker_index(self);
    mark_set(&child_runs);
    gate_pass(&wait_gate);
    return 0;
}

static int scope_wait_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_job child = WEIR_JOB_INIT(held_child_run, NULL);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child);
    mark_await(&child_runs, 1); // B has it
    return weir_scope_wait(self, &scope);
}

static void *scope_wait_main(void *arg) {
    CHECK_EQ(weir_run(arg, scope_wait_body, NULL, NULL), 0);
    return NULL;
}

static void a_broadcast_reaches_a_worker_that_waits(void) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < 50; i++) {
        gate_init(&wait_gate);
        tally_init(&child_runs);
        pthread_t thread = thread_start(scope_wait_main, pool);
        mark_await(&child_runs, 1);
        CHECK_EQ(weir_broadcast(pool, open_on_other, &held_index), 0);
        thread_join(thread);
        gate_fini(&wait_gate);
    }
    pool_close(pool);
}

// A worker that waits in a call on another pool waits like any other: it runs
// the broadcast meanwhile.
typedef struct away {
    weir_job job;
    weir_pool *other;
    weir_event *event; // of the other pool
    gate *gate;
} away;

static int away_event_run(weir_worker *self, weir_job *job) {
    (void)self;
    return weir_event_wait(((away *)job)->event, WEIR_FOREVER, NULL);
}

static int away_idle_run(weir_worker *self, weir_job *job) {
    (void)self;
    return weir_pool_wait_idle(((away *)job)->other, WEIR_FOREVER);
}

static int away_gate_body(weir_worker *self, void *arg) {
    (void)self;
    gate_pass(arg);
    return 0;
}

static int away_call_run(weir_worker *self, weir_job *job) {
    (void)self;
    away *a = (away *)job;
    return weir_run(a->other, away_gate_body, a->gate, NULL);
}

static void broadcast_while_away(int (*run)(weir_worker *, weir_job *)) {
    weir_pool *here = pool_of(1), *there = pool_of(2);
    held h;
    hold(there, &h);
    weir_event event;
    weir_event_init(&event, there, 1);
    away a = {.job = WEIR_JOB_INIT(run, NULL),
              .other = there,
              .event = &event,
              .gate = &h.gate};
    submit(here, &a.job);
    while (counts_of(here).started == 0)
        sched_yield();
    census c = {.seen = {0}};
    CHECK_EQ(weir_broadcast(here, census_take, &c), 0); // before it returns
    census_check(here, &c, 1);
    release(&h);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    pool_close(here);
    pool_close(there);
}

static void a_broadcast_reaches_a_worker_that_waits_elsewhere(void) {
    for (int i = 0; i < 20; i++) {
        broadcast_while_away(away_event_run);
        broadcast_while_away(away_idle_run);
        broadcast_while_away(away_call_run);
    }
}

static void *stop_drain_main(void *arg) {
    weir_pool *pool = arg;
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    return NULL;
}

static void an_accepted_broadcast_is_completed_before_a_stop_returns(void) {
    for (int i = 0; i < 200; i++) {
        weir_pool *pool = pool_of(widths[i % 3]);
        census c = {.seen = {0}};
        pthread_t thread = thread_start(stop_drain_main, pool);
        int error = weir_broadcast(pool, census_take, &c);
        CHECK(error == 0 || error == -ESHUTDOWN);
        census_check(pool, &c, error == 0);
        thread_join(thread);
        census_check(pool, &c, error == 0);
        weir_pool_destroy(pool);
    }
}

// ---- yield -----------------------------------------------------------------

static work yield_other;

static int never_nests_body(weir_worker *self, void *arg) {
    (void)arg;
    submit(weir_worker_pool(self), &yield_other.job);
    for (int i = 0; i < 1000; i++) {
        weir_yield(self);
        CHECK_EQ(yield_other.ran + yield_other.ended, 0);
    }
    return 0;
}

static void a_yield_never_runs_another_job_on_this_stack(void) {
    weir_pool *pool = pool_of(1); // nobody else could run it
    yield_other = work_of(0);
    CHECK_EQ(weir_run(pool, never_nests_body, NULL, NULL), 0);
    wait_idle(pool);
    check_ran(&yield_other, 0);
    yield_other = work_of(0);
    yield_other.job.deadline_ns = 1; // its done does not come here either
    CHECK_EQ(weir_run(pool, never_nests_body, NULL, NULL), 0);
    wait_idle(pool);
    check_not_run(&yield_other, -ETIMEDOUT);
    pool_close(pool);
}

// ---- blocking sections -----------------------------------------------------

typedef struct blocker {
    weir_job job;
    gate gate;
    int answer;
    unsigned before, after;
} blocker;

static int blocker_run(weir_worker *self, weir_job *job) {
    blocker *b = (blocker *)job;
    b->before = weir_worker_index(self);
    b->answer = weir_blocking_begin(self);
    if (b->answer != 0)
        return 0;
    gate_pass(&b->gate);
    weir_blocking_end(self);
    CHECK(weir_worker_self() == self);
    b->after = weir_worker_index(self);
    return 0;
}

static void a_blocking_section_lends_the_place(void) {
    weir_pool *pool = pool_of(1);
    for (int i = 0; i < 100; i++) {
        blocker b = {.job = WEIR_JOB_INIT(blocker_run, NULL)};
        gate_init(&b.gate);
        unlock u = {.job = WEIR_JOB_INIT(unlock_run, NULL), .gate = &b.gate};
        weir_job *batch[] = {&b.job, &u.job};
        CHECK_EQ(weir_submit_batch(pool, batch, 2), 0);
        wait_idle(pool);
        CHECK_EQ(b.answer, 0);
        CHECK_EQ(b.before, b.after);
        gate_fini(&b.gate);
    }
    CHECK(counts_of(pool).loans >= 100);
    pool_close(pool);
}

// After its section the worker goes on, and once the stand-in has reached a job
// boundary nobody runs beside it.
static tally beside, churned;

static int beside_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    tally_add(&beside);
    return 0;
}

static void beside_done(weir_job *job, int status) {
    (void)status;
    if (tally_get(&churned) == 0)
        submit(weir_worker_pool(weir_worker_self()), job);
}

static int alone_run(weir_worker *self, weir_job *job) {
    (void)job;
    CHECK_EQ(weir_blocking_begin(self), 0);
    tally_await(&beside, 100);
    weir_blocking_end(self);
    uint64_t before = tally_get(&beside);
    for (int i = 0; i < 2000; i++)
        sched_yield();
    // The one that ran, and perhaps one that was being taken.
    CHECK(tally_get(&beside) <= before + 2);
    tally_add(&churned);
    return 0;
}

static void a_stand_in_leaves_at_its_next_job_boundary(void) {
    for (int i = 0; i < 20; i++) {
        weir_pool *pool = pool_of(1);
        tally_init(&beside);
        tally_init(&churned);
        weir_job churn = WEIR_JOB_INIT(beside_run, beside_done);
        weir_job alone = WEIR_JOB_INIT(alone_run, NULL);
        weir_job *batch[] = {&alone, &churn};
        CHECK_EQ(weir_submit_batch(pool, batch, 2), 0);
        wait_idle(pool);
        pool_close(pool);
    }
}

static void without_a_stand_in_a_blocking_section_is_refused(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    for (int i = 0; i < 2; i++) { // nothing was lent: it may be tried again
        blocker b = {.job = WEIR_JOB_INIT(blocker_run, NULL)};
        submit(pool, &b.job);
        wait_idle(pool);
        CHECK_EQ(b.answer, -EAGAIN);
    }
    CHECK_EQ(counts_of(pool).loans, 0);
    pool_close(pool);
}

static void at_the_limit_a_blocking_section_is_refused(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = 1;
    for (int i = 0; i < 30; i++) {
        weir_pool *pool = pool_open(&options);
        CHECK_EQ(weir_pool_index_limit(pool), 3);
        blocker first = {.job = WEIR_JOB_INIT(blocker_run, NULL)};
        blocker second = {.job = WEIR_JOB_INIT(blocker_run, NULL)};
        gate_init(&first.gate);
        gate_init(&second.gate);
        submit(pool, &first.job);
        gate_await(&first.gate, 1); // it is in its section
        // Its stand-in is busy with this one, so that it cannot be lent again.
        held h, other;
        hold(pool, &h);
        hold(pool, &other);
        release(&other);
        submit(pool, &second.job);
        while (counts_of(pool).succeeded < 2)
            sched_yield();
        CHECK_EQ(second.answer, -EAGAIN);
        release(&h);
        gate_open(&first.gate);
        wait_idle(pool);
        CHECK_EQ(first.answer, 0);
        pool_close(pool);
    }
}

static int nested_section_body(weir_worker *self, void *arg) {
    (void)arg;
    CHECK_EQ(weir_blocking_begin(self), 0);
    return weir_blocking_begin(self);
}

static int unbegun_section_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_blocking_end(self);
    return 0;
}

static void nested_section(void) {
    weir_pool *pool = pool_of(1);
    int error = weir_run(pool, nested_section_body, NULL, NULL);
    (void)error;
}

static void unbegun_section(void) {
    weir_pool *pool = pool_of(1);
    int error = weir_run(pool, unbegun_section_body, NULL, NULL);
    (void)error;
}

static void a_nested_or_unbegun_blocking_section_aborts(void) {
    check_aborts(nested_section, "blocking");
    check_aborts(unbegun_section, "blocking");
}

// ---- indices and slots -----------------------------------------------------

static tally owners[INDEXES];
static weir_event turn;

static int owner_run(weir_worker *self, weir_job *job) {
    unsigned index = weir_worker_index(self);
    CHECK(index < weir_pool_index_limit(weir_worker_pool(self)));
    CHECK_EQ(tally_add(&owners[index]), 1);
    if (job->key % 2 == 0) {
        CHECK_EQ(weir_event_wait(&turn, WEIR_FOREVER, NULL), 0);
    } else if (weir_blocking_begin(self) == 0) {
        sched_yield();
        weir_blocking_end(self);
    }
    CHECK_EQ(weir_worker_index(self), index);
    CHECK_EQ(tally_take(&owners[index]), 0);
    return 0;
}

static int turn_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    CHECK_EQ(weir_event_fire(&turn, 0), 0);
    return 0;
}

static void owners_in(weir_pool *pool) {
    for (int round = 0; round < 10; round++) {
        // No more waiters than stand-ins, or nobody is left to fire.
        unsigned waiters = weir_pool_width(pool);
        weir_job jobs[16], last = WEIR_JOB_INIT(turn_run, NULL);
        weir_event_init(&turn, pool, 1);
        for (unsigned i = 0; i < 2 * waiters; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(owner_run, NULL);
            jobs[i].key = i;
            submit(pool, &jobs[i]);
        }
        submit(pool, &last);
        wait_idle(pool);
    }
}

static void live_stacks_never_share_an_index(void) {
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        for (int round = 0; round < 20; round++)
            owners_in(pool);
        pool_close(pool);
    }
}

static int slot_run(weir_worker *self, weir_job *job) {
    (void)job;
    void **slot = weir_worker_slot(self);
    CHECK(slot ==
          weir_pool_slot(weir_worker_pool(self), weir_worker_index(self)));
    *slot = (char *)*slot + 1; // plain: the pool orders users of an index
    return 0;
}

static void slot_in(weir_pool *pool) {
    unsigned limit = weir_pool_index_limit(pool);
    for (unsigned i = 0; i < limit; i++)
        CHECK(*weir_pool_slot(pool, i) == NULL);
    CHECK(weir_pool_slot(pool, limit) == NULL);
    weir_job jobs[100];
    for (int i = 0; i < 100; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(slot_run, NULL);
        submit(pool, &jobs[i]);
    }
    wait_idle(pool);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    size_t sum = 0;
    for (unsigned i = 0; i < limit; i++)
        sum += (size_t)*weir_pool_slot(pool, i);
    CHECK_EQ(sum, 100);
}

static void a_slot_is_null_at_first_and_kept(void) { for_each_pool(slot_in); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"run_returns_what_the_function_returned",
         run_returns_what_the_function_returned},
        {"run_on_the_pools_own_worker_is_a_direct_call",
         run_on_the_pools_own_worker_is_a_direct_call},
        {"many_threads_run_at_once", many_threads_run_at_once},
        {"runs_go_to_another_pool_and_back", runs_go_to_another_pool_and_back},
        {"a_run_that_comes_back_needs_no_stand_in",
         a_run_that_comes_back_needs_no_stand_in},
        {"a_wait_for_another_pool_lends_the_place",
         a_wait_for_another_pool_lends_the_place},
        {"waiting_for_room_or_idleness_elsewhere_lends_the_place",
         waiting_for_room_or_idleness_elsewhere_lends_the_place},
        {"a_broadcast_runs_once_on_each_worker",
         a_broadcast_runs_once_on_each_worker},
        {"a_broadcast_may_come_from_a_job", a_broadcast_may_come_from_a_job},
        {"broadcasts_at_once_do_not_wait_for_each_other",
         broadcasts_at_once_do_not_wait_for_each_other},
        {"broadcasts_from_many_threads", broadcasts_from_many_threads},
        {"a_yield_lets_a_broadcast_run", a_yield_lets_a_broadcast_run},
        {"a_broadcast_reaches_a_worker_that_waits",
         a_broadcast_reaches_a_worker_that_waits},
        {"a_broadcast_reaches_a_worker_that_waits_elsewhere",
         a_broadcast_reaches_a_worker_that_waits_elsewhere},
        {"an_accepted_broadcast_is_completed_before_a_stop_returns",
         an_accepted_broadcast_is_completed_before_a_stop_returns},
        {"a_yield_never_runs_another_job_on_this_stack",
         a_yield_never_runs_another_job_on_this_stack},
        {"a_blocking_section_lends_the_place",
         a_blocking_section_lends_the_place},
        {"a_stand_in_leaves_at_its_next_job_boundary",
         a_stand_in_leaves_at_its_next_job_boundary},
        {"without_a_stand_in_a_blocking_section_is_refused",
         without_a_stand_in_a_blocking_section_is_refused},
        {"at_the_limit_a_blocking_section_is_refused",
         at_the_limit_a_blocking_section_is_refused},
        {"a_nested_or_unbegun_blocking_section_aborts",
         a_nested_or_unbegun_blocking_section_aborts},
        {"live_stacks_never_share_an_index", live_stacks_never_share_an_index},
        {"a_slot_is_null_at_first_and_kept", a_slot_is_null_at_first_and_kept},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
