// SPDX-License-Identifier: MIT
// The deterministic pool: the same seed replays, other seeds explore, nothing
// waits for the clock, and what can never end is said.
#include "support/pool.h"

#include "base/random.h"

// ---- traces ----------------------------------------------------------------

// What ran in which order: a hash of (step, job, worker), and the start order.
static uint64_t trace;
static int trace_ids[256];
static int trace_length;

static void trace_add(weir_worker *self, int step, int id) {
    uint64_t state =
        trace ^ (uint64_t)(step * 1000 + id) << 8 ^ weir_worker_index(self);
    trace = wr_random_next(&state);
    if (step == 0 && trace_length < 256)
        trace_ids[trace_length++] = id;
}

typedef struct traced {
    weir_job job;
    int id;
} traced;

static int traced_child_run(weir_worker *self, weir_job *job) {
    trace_add(self, 0, ((traced *)job)->id);
    weir_yield(self);
    trace_add(self, 1, ((traced *)job)->id);
    return 0;
}

static int traced_run(weir_worker *self, weir_job *job) {
    traced *t = (traced *)job;
    trace_add(self, 0, t->id);
    for (int i = 0; i < 3; i++) {
        weir_yield(self);
        trace_add(self, 2, t->id);
    }
    traced children[2];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 2; i++) {
        children[i] = (traced){.job = WEIR_JOB_INIT(traced_child_run, NULL),
                               .id = 100 + 10 * t->id + i};
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    trace_add(self, 3, t->id);
    return 0;
}

static uint64_t trace_of(uint64_t seed, unsigned workers) {
    weir_pool *pool = pool_seeded(seed, workers);
    traced jobs[6];
    trace = 0;
    trace_length = 0;
    for (int i = 0; i < 6; i++) {
        jobs[i] = (traced){.job = WEIR_JOB_INIT(traced_run, NULL), .id = i};
        submit(pool, &jobs[i].job);
    }
    wait_idle(pool);
    CHECK_EQ(trace_length, 18);
    pool_close(pool);
    return trace;
}

static void the_same_seed_replays_the_same_run(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        unsigned workers = 1 + (unsigned)seed % 5;
        uint64_t first = trace_of(seed, workers);
        int ids[256];
        memcpy(ids, trace_ids, sizeof(ids));
        CHECK(trace_of(seed, workers) == first);
        CHECK_EQ(memcmp(ids, trace_ids, 18 * sizeof(ids[0])), 0);
    }
}

static void other_seeds_give_other_runs(void) {
    uint64_t seen[TEST_SEEDS];
    int distinct = 0;
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        seen[seed] = trace_of(seed, 3);
        int is_new = 1;
        for (uint64_t i = 0; i < seed; i++)
            is_new &= seen[i] != seen[seed];
        distinct += is_new;
    }
    CHECK(distinct > (int)TEST_SEEDS / 2);
}

// ---- it finds what it is for: a check and an act with a switch between ------

static int balance;

static int withdraw_run(weir_worker *self, weir_job *job) {
    (void)job;
    if (balance >= 10) {
        weir_yield(self); // another may go on here
        balance -= 10;
    }
    return 0;
}

static int overdrawn(uint64_t seed) {
    weir_pool *pool = pool_seeded(seed, 2);
    balance = 10;
    weir_job jobs[2];
    for (int i = 0; i < 2; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(withdraw_run, NULL);
        submit(pool, &jobs[i]);
    }
    wait_idle(pool);
    pool_close(pool);
    return balance < 0;
}

static void some_seed_finds_a_race_and_not_every_seed_does(void) {
    int found = 0;
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        int result = overdrawn(seed);
        CHECK_EQ(overdrawn(seed), result);
        found += result;
    }
    CHECK(found > 0);
    CHECK(found < (int)TEST_SEEDS);
}

// ---- no threads, no clock --------------------------------------------------

static void it_has_no_threads_and_runs_nothing_by_itself(void) {
    unsigned before = threads_before();
    weir_pool *pool = pool_seeded(1, 4);
    CHECK_EQ(weir_pool_width(pool), 4);
    work w = work_of(0);
    submit(pool, &w.job);
    CHECK_EQ(threads_alive(), before);
    CHECK_EQ(counts_of(pool).queued, 1);
    CHECK_EQ(w.ran, 0);
    wait_idle(pool);
    check_ran(&w, 0);
    pool_close(pool);
}

static int order[8];
static int order_count;

static void order_done(weir_job *job, int status) {
    CHECK_EQ(status, -ETIMEDOUT);
    order[order_count++] = (int)job->key;
}

static void deadlines_fire_in_order_without_waiting(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1);
        weir_event never;
        weir_event_init(&never, pool, 1);
        weir_job jobs[5];
        order_count = 0;
        for (int i = 0; i < 5; i++) { // 4, 2, 0, 3, 1 hours ahead
            int hours = (4 - i * 2 + 10) % 5;
            jobs[i] = (weir_job)WEIR_JOB_INIT(probe_run, order_done);
            jobs[i].key = (uint64_t)hours;
            jobs[i].deadline_ns = in_ms((hours + 1) * INT64_C(3600000));
            CHECK_EQ(weir_event_attach(&never, NULL, &jobs[i]), 0);
        }
        wait_idle(pool);
        CHECK_EQ(order_count, 5);
        for (int i = 0; i < 5; i++)
            CHECK_EQ(order[i], i);
        pool_close(pool);
    }
}

static int late_done_status;

static void late_done(weir_job *job, int status) {
    (void)job;
    late_done_status = status;
}

static void a_seed_decides_whether_a_deadline_comes_first(void) {
    int ran = 0, late = 0;
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 2);
        weir_job jobs[4];
        for (int i = 0; i < 4; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(probe_run, late_done);
            jobs[i].deadline_ns = in_ms(3600000);
            submit(pool, &jobs[i]);
        }
        wait_idle(pool);
        weir_pool_counts c = counts_of(pool);
        CHECK_EQ(c.succeeded + c.timed_out, 4);
        ran += c.succeeded > 0;
        late += c.timed_out > 0;
        pool_close(pool);
    }
    CHECK(ran > 0);
    CHECK(late > 0);
}

// Both are true, and either may be said.
static void check_gave_up(int answer) {
    CHECK(answer == -ETIMEDOUT || answer == -EDEADLK);
}

static void a_wait_with_a_limit_gives_up_without_waiting(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 2);
        weir_event never;
        weir_event_init(&never, pool, 1);
        check_gave_up(weir_event_wait(&never, in_ms(3600000), NULL));
        work w = work_of(0);
        CHECK_EQ(weir_event_attach(&never, NULL, &w.job), 0);
        check_gave_up(weir_pool_wait_idle(pool, in_ms(3600000)));
        check_gave_up(
            weir_pool_stop(pool, WEIR_STOP_DRAIN, in_ms(3600000), NULL));
        pool_close_how(pool, WEIR_STOP_CANCEL);
        check_not_run(&w, -ESHUTDOWN);
    }
}

// ---- what can never end ----------------------------------------------------

typedef struct stuck {
    weir_event *event;
    int result;
    int passed;
} stuck;

static int stuck_body(weir_worker *self, void *arg) {
    (void)self;
    stuck *s = arg;
    s->result = weir_event_wait(s->event, WEIR_FOREVER, NULL);
    s->passed = 1;
    return 5;
}

static void a_run_that_can_never_end_says_deadlock(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 3);
        weir_event event;
        weir_event_init(&event, pool, 1);
        stuck s = {.event = &event};
        int status = 12345;
        int answer = weir_run(pool, stuck_body, &s, &status);
        if (s.passed) { // the wait itself said so
            CHECK_EQ(s.result, -EDEADLK);
            CHECK_EQ(answer, 0);
            CHECK_EQ(status, 5);
        } else {
            CHECK_EQ(answer, -EDEADLK);
            CHECK_EQ(status, 12345);
            CHECK_EQ(weir_event_fire(&event, 0), 0);
            wait_idle(pool); // it goes on
            CHECK_EQ(s.result, 0);
            CHECK_EQ(s.passed, 1);
            CHECK_EQ(status, 12345); // never written
        }
        pool_close(pool);
    }
}

// ---- driven from a loop that never waits -----------------------------------

static int step_inside_body(weir_worker *self, void *arg) {
    (void)arg;
    return weir_pool_step(weir_worker_pool(self));
}

static void step_goes_on_bit_by_bit(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
        CHECK_EQ(weir_pool_step(pool), 0);
        traced jobs[3];
        trace_length = 0;
        for (int i = 0; i < 3; i++) {
            jobs[i] = (traced){.job = WEIR_JOB_INIT(traced_run, NULL), .id = i};
            submit(pool, &jobs[i].job);
        }
        int steps = 0, answer;
        while ((answer = weir_pool_step(pool)) == 1)
            steps++;
        CHECK_EQ(answer, 0);
        CHECK(steps > 3); // each job has switch points
        CHECK_EQ(trace_length, 9);
        CHECK_EQ(weir_pool_wait_idle(pool, 0), 0);
        int status = 1;
        CHECK_EQ(weir_run(pool, step_inside_body, NULL, &status), 0);
        CHECK_EQ(status, -EDEADLK);
        pool_close(pool);
    }
}

static void step_is_not_for_a_pool_with_threads(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(weir_pool_step(pool), -EINVAL);
    pool_close(pool);
}

// ---- it is exactly as strict as the real one -------------------------------

// Many submitters inside: jobs that submit, attach, fire, cancel, by seed.
enum { ACTORS = 24 };

typedef struct actor {
    weir_job job;
    int ran;
    int ended;
    int accepted;
} actor;

static actor actors[ACTORS];
static weir_event stage;
static uint64_t actor_state;

static void actor_done(weir_job *job, int status) {
    actor *a = (actor *)job;
    a->ended++;
    CHECK(a->ran ? status == 0 : status == -ECANCELED || status == -ETIMEDOUT);
}

static int actor_run(weir_worker *self, weir_job *job) {
    weir_pool *pool = weir_worker_pool(self);
    ((actor *)job)->ran++;
    for (int i = 0; i < 3; i++) {
        uint32_t pick = wr_random_below(&actor_state, ACTORS);
        actor *other = &actors[pick];
        if (!other->accepted) {
            other->accepted = 1;
            if (pick % 3 == 0)
                CHECK_EQ(weir_event_attach(&stage, NULL, &other->job), 0);
            else
                submit(pool, &other->job);
        } else if (pick % 5 == 0) {
            (void)weir_cancel(pool, &other->job);
        }
        weir_yield(self);
    }
    return 0;
}

static void any_order_of_submit_attach_cancel_ends_each_once(void) {
    for (uint64_t seed = 0; seed < 2 * TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 6);
        actor_state = seed;
        weir_event_init(&stage, pool, 1);
        for (int i = 0; i < ACTORS; i++) {
            actors[i] = (actor){.job = WEIR_JOB_INIT(actor_run, actor_done)};
            actors[i].job.deadline_ns = i % 7 == 0 ? in_ms(3600000) : 0;
        }
        actors[0].accepted = 1;
        submit(pool, &actors[0].job);
        while (weir_pool_step(pool) == 1)
            check_sum(pool);
        CHECK_EQ(weir_event_fire(&stage, 0), 0);
        pool_close(pool);
        for (int i = 0; i < ACTORS; i++) {
            CHECK_EQ(actors[i].ended, actors[i].accepted);
            CHECK(actors[i].ran <= actors[i].ended);
        }
    }
}

// ---- one thread only -------------------------------------------------------

static void *foreign_main(void *arg) {
    work w = work_of(0);
    int error = weir_submit(arg, &w.job);
    (void)error;
    return NULL;
}

static void foreign_thread(void) {
    weir_pool *pool = pool_seeded(0, 1);
    thread_join(thread_start(foreign_main, pool));
}

static void another_thread_aborts(void) {
    check_aborts(foreign_thread, "thread");
}

// ---- a run from a section --------------------------------------------------

// A job that is cancelled, and then calls weir_run in a blocking section.
typedef struct lender {
    weir_job job; // first
    weir_pool *pool;
    int runs, error, status, returned;
} lender;

static int lender_function(weir_worker *self, void *argument) {
    (void)self;
    lender *l = argument;
    CHECK_EQ(l->returned, 0); // its argument may be on the caller's stack
    l->runs++;
    return 5;
}

static int lender_run(weir_worker *self, weir_job *job) {
    lender *l = (lender *)job;
    CHECK_EQ(weir_cancel(l->pool, job), -EBUSY);
    CHECK_EQ(weir_blocking_begin(self), 0);
    l->error = weir_run(l->pool, lender_function, l, &l->status);
    l->returned = 1;
    weir_blocking_end(self);
    return 0;
}

static void a_run_from_a_section_is_over_when_it_returns(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 3);
        lender l = {.job = WEIR_JOB_INIT(lender_run, NULL), .pool = pool};
        submit(pool, &l.job);
        wait_idle(pool);
        CHECK_EQ(l.error, 0);
        CHECK_EQ(l.status, 5);
        CHECK_EQ(l.runs, 1);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_same_seed_replays_the_same_run",
         the_same_seed_replays_the_same_run},
        {"other_seeds_give_other_runs", other_seeds_give_other_runs},
        {"some_seed_finds_a_race_and_not_every_seed_does",
         some_seed_finds_a_race_and_not_every_seed_does},
        {"it_has_no_threads_and_runs_nothing_by_itself",
         it_has_no_threads_and_runs_nothing_by_itself},
        {"deadlines_fire_in_order_without_waiting",
         deadlines_fire_in_order_without_waiting},
        {"a_seed_decides_whether_a_deadline_comes_first",
         a_seed_decides_whether_a_deadline_comes_first},
        {"a_wait_with_a_limit_gives_up_without_waiting",
         a_wait_with_a_limit_gives_up_without_waiting},
        {"a_run_that_can_never_end_says_deadlock",
         a_run_that_can_never_end_says_deadlock},
        {"step_goes_on_bit_by_bit", step_goes_on_bit_by_bit},
        {"step_is_not_for_a_pool_with_threads",
         step_is_not_for_a_pool_with_threads},
        {"any_order_of_submit_attach_cancel_ends_each_once",
         any_order_of_submit_attach_cancel_ends_each_once},
        {"another_thread_aborts", another_thread_aborts},
        {"a_run_from_a_section_is_over_when_it_returns",
         a_run_from_a_section_is_over_when_it_returns},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
