// SPDX-License-Identifier: MIT
// Promises of weir/observe.h, "figures of a pool", and weir_observe_stalls.
#include "base/fault.h"
#include "support/observe.h"

// ---- one moment ------------------------------------------------------------

static void check_histogram(const weir_histogram *histogram, uint64_t count) {
    CHECK_EQ(histogram->count, count);
    uint64_t sum = 0;
    for (int i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++)
        sum += histogram->bucket[i];
    CHECK_EQ(sum, count);
}

static void check_stats(const weir_pool_stats *stats) {
    const weir_pool_counts *c = &stats->counts;
    CHECK_EQ(c->submitted, c->succeeded + c->failed + c->cancelled +
                               c->timed_out + c->detached + c->queued +
                               c->attached + c->running);
    CHECK(c->started >= c->succeeded + c->failed);
    check_histogram(&stats->queue, c->started);
    check_histogram(&stats->run, c->succeeded + c->failed);
    CHECK(stats->slow <= stats->run.count);
    CHECK(stats->busy_ns >= 0);
    CHECK(stats->age_ns > 0);
}

static tally looking_stop;

static void *looking_main(void *arg) {
    int64_t age = 0;
    int64_t busy = 0;
    while (tally_get(&looking_stop) == 0) {
        weir_pool_stats stats = stats_of(arg);
        check_stats(&stats);
        CHECK(stats.age_ns > age);
        CHECK(stats.busy_ns >= busy);
        age = stats.age_ns;
        busy = stats.busy_ns;
        for (unsigned i = 0; i < weir_pool_index_limit(arg); i++)
            (void)worker_of(arg, i);
        weir_stall stalls[2];
        CHECK(weir_observe_stalls(arg, 0, stalls, 2) >= 0);
    }
    return NULL;
}

static int children_run(weir_worker *self, weir_job *job) {
    work *children = ((work *)job) + 1;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 3; i++)
        weir_scope_spawn(self, &scope, &children[i].job);
    return weir_scope_wait(self, &scope);
}

static void hammer(weir_pool *pool, work *works, int count) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    for (int i = 0; i < count; i += 4) {
        for (int k = 0; k < 4; k++)
            works[i + k] = work_of(k == 1 ? -1 : 0);
        works[i].job.run = children_run;
        works[i].job.deadline_ns = i % 28 == 0 ? 1 : 0;
        if (i % 12 == 0)
            CHECK_EQ(weir_event_attach(&event, NULL, &works[i].job), 0);
        else
            submit(pool, &works[i].job);
        if (i % 44 == 0)
            (void)weir_cancel(pool, &works[i].job);
    }
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
}

static void a_snapshot_adds_up_while_jobs_run(void) {
    static work works[400];
    for (int threads = 1; threads <= 4; threads++) {
        tally_init(&looking_stop);
        weir_pool *pool = pool_measured(threads);
        pthread_t looker = thread_start(looking_main, pool);
        for (int round = 0; round < 20; round++)
            hammer(pool, works, 400);
        tally_add(&looking_stop);
        thread_join(looker);
        weir_pool_stats stats = stats_of(pool);
        check_stats(&stats);
        CHECK(stats.run.count > 0);
        CHECK(stats.counts.submitted > stats.run.count); // some never ran
        pool_close(pool);
    }
}

static void the_counts_are_those_of_weir_pool_count(void) {
    static work works[400];
    weir_pool *pool = pool_of(2);
    hammer(pool, works, 400);
    // Workers may still be going to sleep.
    weir_pool_counts before, after;
    weir_pool_stats stats;
    do {
        before = counts_of(pool);
        stats = stats_of(pool);
        after = counts_of(pool);
    } while (memcmp(&before, &after, sizeof(before)) != 0);
    CHECK_EQ(memcmp(&stats.counts, &before, sizeof(before)), 0);
    CHECK_EQ(stats.width, 2);
    CHECK_EQ(stats.threads, 2 + before.stand_ins);
    pool_close(pool);
}

static void a_stopped_pool_has_no_thread_and_keeps_its_figures(void) {
    weir_pool *pool = pool_measured(2);
    work works[10];
    for (int i = 0; i < 10; i++) {
        works[i] = work_of(0);
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    CHECK_EQ(stats_of(pool).threads, 2);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    weir_pool_stats stats = stats_of(pool);
    check_stats(&stats);
    CHECK_EQ(stats.threads, 0);
    CHECK_EQ(stats.run.count, 10);
    CHECK_EQ(worker_of(pool, 0).alive, 0);
    weir_pool_destroy(pool);
}

// ---- busy ------------------------------------------------------------------

static void a_pool_is_busy_while_a_worker_runs_something(void) {
    weir_pool *pool = pool_of(2);
    CHECK_EQ(stats_of(pool).busy_ns, 0);
    held h;
    hold(pool, &h);
    weir_pool_stats first = stats_of(pool);
    until(in_ms(3));
    weir_pool_stats second = stats_of(pool);
    // One of two workers, all the time.
    CHECK_EQ(second.busy_ns - first.busy_ns, second.age_ns - first.age_ns);
    CHECK(second.busy_ns - first.busy_ns >= 3000000);
    CHECK(second.utilisation > 0 && second.utilisation < 0.5);
    double used = (double)second.busy_ns / ((double)second.age_ns * 2);
    CHECK(second.utilisation > used * 0.999999);
    CHECK(second.utilisation < used * 1.000001);
    release_all(pool, &h, 1);
    // It gives its place up as soon as it finds nothing more.
    int64_t busy = stats_of(pool).busy_ns;
    for (int64_t now; (now = stats_of(pool).busy_ns) != busy;)
        busy = now;
    CHECK(busy >= second.busy_ns);
    pool_close(pool);
}

static void a_lent_worker_is_not_busy(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold_lent(pool, &h, "reads");
    weir_worker_stats first = worker_of(pool, h.index);
    CHECK_EQ(first.lent, 1);
    CHECK_EQ(first.alive, 1);
    CHECK_STR(first.name, "reads");
    until(in_ms(2));
    weir_worker_stats second = worker_of(pool, h.index);
    CHECK_EQ(second.busy_ns, first.busy_ns);
    CHECK(second.for_ns >= first.for_ns + 2000000);
    CHECK_EQ(stats_of(pool).counts.loans, 1);
    CHECK_EQ(stats_of(pool).threads, 2);
    release_all(pool, &h, 1);
    CHECK_EQ(worker_of(pool, h.index).lent, 0);
    pool_close(pool);
}

typedef struct back {
    weir_job job;
    gate gate;
} back;

static int back_run(weir_worker *self, weir_job *job) {
    CHECK_EQ(weir_blocking_begin(self), 0);
    weir_blocking_end(self);
    gate_pass(&((back *)job)->gate);
    return 0;
}

static void a_worker_that_is_back_from_a_loan_is_busy(void) {
    weir_pool *pool = pool_of(1);
    back b = {.job = WEIR_JOB_INIT(back_run, NULL)};
    gate_init(&b.gate);
    submit(pool, &b.job);
    gate_await(&b.gate, 1);
    weir_pool_stats first = stats_of(pool);
    until(in_ms(1));
    weir_pool_stats second = stats_of(pool);
    CHECK_EQ(second.busy_ns - first.busy_ns, second.age_ns - first.age_ns);
    gate_open(&b.gate);
    wait_idle(pool);
    gate_fini(&b.gate);
    pool_close(pool);
}

// ---- times -----------------------------------------------------------------

static void times_are_zero_unless_they_are_asked_for(void) {
    weir_pool *pool = pool_of(1);
    work w = work_of(0);
    submit(pool, &w.job);
    wait_idle(pool);
    static const weir_histogram none;
    weir_pool_stats stats = stats_of(pool);
    CHECK_EQ(stats.counts.succeeded, 1);
    CHECK_EQ(memcmp(&stats.queue, &none, sizeof(none)), 0);
    CHECK_EQ(memcmp(&stats.run, &none, sizeof(none)), 0);
    CHECK_EQ(stats.slow, 0);
    pool_close(pool);
}

static void time_in_the_queue_and_time_to_run_are_apart(void) {
    weir_pool *pool = pool_measured(1);
    int64_t start = weir_now_ns();
    held h;
    hold(pool, &h);
    work w = work_of(0);
    submit(pool, &w.job);
    until(in_ms(5));
    release_all(pool, &h, 1);
    int64_t all = weir_now_ns() - start;
    weir_pool_stats stats = stats_of(pool);
    CHECK_EQ(stats.queue.count, 2);
    CHECK_EQ(stats.run.count, 2);
    // The one ran while the other was queued.
    CHECK(stats.run.max_ns >= 5000000);
    CHECK(stats.queue.max_ns >= 5000000);
    CHECK(stats.run.sum_ns + stats.queue.sum_ns <= 2 * (uint64_t)all);
    CHECK(stats.run.max_ns <= (uint64_t)all);
    pool_close(pool);
}

static void an_attached_job_is_queued_when_its_event_happens(void) {
    weir_pool *pool = pool_measured(1);
    weir_event event;
    weir_event_init(&event, pool, 1);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    until(in_ms(20));
    int64_t fired = weir_now_ns();
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    int64_t after = weir_now_ns() - fired;
    weir_pool_stats stats = stats_of(pool);
    CHECK_EQ(stats.queue.count, 1);
    CHECK(stats.queue.max_ns <= (uint64_t)after);
    pool_close(pool);
}

typedef struct family {
    weir_job job;
    work child;
    uint64_t own_ns; // of the parent, in the queue
    int64_t spawned_ns;
} family;

static int family_run(weir_worker *self, weir_job *job) {
    family *f = (family *)job;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    until(in_ms(5));
    f->own_ns = stats_of(weir_worker_pool(self)).queue.sum_ns;
    f->spawned_ns = weir_now_ns();
    weir_scope_spawn(self, &scope, &f->child.job);
    until(in_ms(5));
    return weir_scope_wait(self, &scope);
}

static void a_child_is_queued_when_it_is_spawned(void) {
    weir_pool *pool = pool_measured(1);
    family f = {.job = WEIR_JOB_INIT(family_run, NULL), .child = work_of(0)};
    submit(pool, &f.job);
    wait_idle(pool);
    uint64_t after = (uint64_t)(weir_now_ns() - f.spawned_ns);
    weir_pool_stats stats = stats_of(pool);
    CHECK_EQ(stats.queue.count, 2);
    CHECK(stats.queue.sum_ns - f.own_ns >= 5000000);
    CHECK(stats.queue.sum_ns - f.own_ns <= after);
    pool_close(pool);
}

static void jobs_that_never_ran_are_not_measured(void) {
    weir_pool *pool = pool_measured(1);
    held h;
    hold(pool, &h);
    work cancelled = work_of(0);
    work late = work_of(0);
    late.job.deadline_ns = 1;
    submit(pool, &cancelled.job);
    submit(pool, &late.job);
    CHECK_EQ(weir_cancel(pool, &cancelled.job), 0);
    release_all(pool, &h, 1);
    check_not_run(&cancelled, -ECANCELED);
    check_not_run(&late, -ETIMEDOUT);
    weir_pool_stats stats = stats_of(pool);
    check_stats(&stats);
    CHECK_EQ(stats.run.count, 1);
    pool_close(pool);
}

static void measuring_works_on_every_kind_of_pool_test(weir_pool *pool) {
    static work works[40];
    hammer(pool, works, 40);
    weir_pool_stats stats = stats_of(pool);
    check_stats(&stats);
    CHECK(stats.run.count > 0);
    CHECK(stats.busy_ns > 0);
}

static void measuring_works_on_every_kind_of_pool(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.measure = 1;
    for_each_pool_with(&options, measuring_works_on_every_kind_of_pool_test,
                       TEST_SEEDS);
}

// ---- advice ----------------------------------------------------------------

static int slow_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    until(in_ms(101));
    return 0;
}

static void one_slow_job_of_ten_is_advised(void) {
    weir_pool *pool = pool_measured(1);
    CHECK_EQ(stats_of(pool).advice, WEIR_POOL_FINE);
    work works[10];
    works[0] = work_of(0);
    works[0].job.run = slow_run;
    for (int i = 0; i < 10; i++) {
        if (i > 0)
            works[i] = work_of(0);
        submit(pool, &works[i].job);
        wait_idle(pool);
    }
    weir_pool_stats stats = stats_of(pool);
    CHECK_EQ(stats.slow, 1);
    CHECK(stats.run.max_ns > 100000000);
    CHECK_EQ(stats.advice, WEIR_POOL_SLOW);
    // One of eleven is not one of ten.
    submit(pool, &works[9].job);
    wait_idle(pool);
    stats = stats_of(pool);
    CHECK_EQ(stats.slow, 1);
    CHECK_EQ(stats.advice, WEIR_POOL_FINE);
    pool_close(pool);
}

static void more_than_twice_as_many_jobs_as_places_are_advised(void) {
    weir_pool *pool = pool_of(2);
    held running[2];
    for (int i = 0; i < 2; i++)
        hold(pool, &running[i]);
    work works[3];
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(stats_of(pool).advice, WEIR_POOL_FINE);
        works[i] = work_of(0);
        submit(pool, &works[i].job);
    }
    CHECK_EQ(stats_of(pool).advice, WEIR_POOL_CROWDED);
    release_all(pool, running, 2);
    CHECK_EQ(stats_of(pool).advice, WEIR_POOL_FINE);
    pool_close(pool);
}

// ---- workers ---------------------------------------------------------------

static void count_down(weir_worker *self, weir_fork *fork);

typedef struct counting {
    weir_fork fork;
    int depth;
} counting;

static void count_down(weir_worker *self, weir_fork *fork) {
    counting *c = (counting *)fork;
    if (c->depth == 0)
        return;
    counting left = {.depth = c->depth - 1};
    counting right = {.depth = c->depth - 1};
    weir_fork_begin(self, &left.fork, count_down);
    count_down(self, &right.fork);
    weir_fork_join(self, &left.fork, count_down);
}

static int forks_run(weir_worker *self, weir_job *job) {
    (void)job;
    counting all = {.depth = 10};
    count_down(self, &all.fork);
    return 0;
}

static void the_workers_figures_add_up_to_the_pools(void) {
    static work works[400];
    weir_pool *pool = pool_of(4);
    for (int round = 0; round < 20; round++) {
        weir_job forks = WEIR_JOB_INIT(forks_run, NULL);
        submit(pool, &forks);
        hammer(pool, works, 400);
    }
    // At rest: workers may still be on their way to sleep.
    weir_pool_stats stats, again;
    weir_worker_stats sum;
    do {
        stats = stats_of(pool);
        sum = (weir_worker_stats){0};
        for (unsigned i = 0; i < weir_pool_index_limit(pool); i++) {
            weir_worker_stats one = worker_of(pool, i);
            sum.alive += one.alive;
            sum.lent += one.lent;
            sum.jobs += one.jobs;
            sum.steals += one.steals;
            sum.parks += one.parks;
            sum.wakes += one.wakes;
            sum.busy_ns += one.busy_ns;
        }
        again = stats_of(pool);
    } while (again.busy_ns != stats.busy_ns ||
             memcmp(&again.counts, &stats.counts, sizeof(stats.counts)) != 0);
    CHECK_EQ(sum.alive, stats.threads);
    CHECK_EQ(sum.lent, 0);
    CHECK_EQ(sum.jobs, stats.counts.succeeded + stats.counts.failed);
    CHECK_EQ(sum.steals, stats.counts.steals);
    CHECK_EQ(sum.parks, stats.counts.parks);
    CHECK_EQ(sum.wakes, stats.counts.wakes);
    CHECK_EQ(sum.busy_ns, stats.busy_ns);
    pool_close(pool);
}

typedef struct thief {
    weir_fork fork;
    tally *stolen;
} thief;

static void steal_me(weir_worker *self, weir_fork *fork) {
    (void)self;
    mark_set(((thief *)fork)->stolen);
}

typedef struct robbed {
    weir_job job;
    unsigned index;
    tally stolen;
} robbed;

static int robbed_run(weir_worker *self, weir_job *job) {
    robbed *r = (robbed *)job;
    r->index = weir_worker_index(self);
    thief t = {.stolen = &r->stolen};
    weir_fork_begin(self, &t.fork, steal_me);
    mark_await(&r->stolen, 1); // the other worker takes it
    weir_fork_join(self, &t.fork, steal_me);
    return 0;
}

static void a_steal_is_the_thiefs(void) {
    weir_pool *pool = pool_of(2);
    robbed r = {.job = WEIR_JOB_INIT(robbed_run, NULL)};
    tally_init(&r.stolen);
    submit(pool, &r.job);
    wait_idle(pool);
    CHECK_EQ(worker_of(pool, r.index).steals, 0);
    CHECK_EQ(worker_of(pool, r.index).jobs, 1);
    CHECK_EQ(worker_of(pool, 1 - r.index).steals, 1);
    CHECK_EQ(worker_of(pool, 1 - r.index).jobs, 0);
    pool_close(pool);
}

static void a_worker_shows_the_job_that_it_runs(void) {
    weir_pool *pool = pool_of(1);
    weir_worker_stats stats = worker_of(pool, 0);
    CHECK_STR(stats.name, "");
    CHECK_EQ(stats.for_ns, 0);
    held h;
    hold_named(pool, &h, "resize");
    until(in_ms(1));
    stats = worker_of(pool, 0);
    CHECK_STR(stats.name, "resize");
    CHECK(stats.for_ns >= 1000000);
    CHECK_EQ(stats.jobs, 0); // it has not run yet
    release_all(pool, &h, 1);
    stats = worker_of(pool, 0);
    CHECK_STR(stats.name, "");
    CHECK_EQ(stats.jobs, 1);
    hold_named(pool, &h, NULL);
    CHECK_STR(worker_of(pool, 0).name, "?");
    release_all(pool, &h, 1);
    pool_close(pool);
}

static void a_long_name_is_cut_at_a_character(void) {
    static const char name[] = "0123456789012345678901234567890123456789012345"
                               "\xC3\xA4" // byte 46 and 47
                               "x";
    weir_pool *pool = pool_of(1);
    held h;
    hold_named(pool, &h, name);
    CHECK_STR(worker_of(pool, 0).name,
              "0123456789012345678901234567890123456789012345");
    release_all(pool, &h, 1);
    pool_close(pool);
}

// ---- stalls ----------------------------------------------------------------

static void stalls_are_listed_the_longest_first(void) {
    static const char *const names[] = {"oldest", "middle", "youngest"};
    weir_pool *pool = pool_of(3);
    held list[3];
    for (int i = 0; i < 3; i++) {
        hold_named(pool, &list[i], names[i]);
        until(in_ms(1));
    }
    weir_stall stalls[4];
    CHECK_EQ(weir_observe_stalls(pool, 0, stalls, 4), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_STR(stalls[i].name, names[i]);
        CHECK_EQ(stalls[i].worker, list[i].index);
        CHECK_EQ(stalls[i].lent, 0);
        CHECK(stalls[i].for_ns >= (3 - i) * 1000000);
        CHECK(i == 0 || stalls[i].for_ns <= stalls[i - 1].for_ns);
    }
    // With less room: all are counted, the longest listed.
    memset(stalls, 0, sizeof(stalls));
    CHECK_EQ(weir_observe_stalls(pool, 0, stalls, 2), 3);
    CHECK_STR(stalls[0].name, names[0]);
    CHECK_STR(stalls[1].name, names[1]);
    CHECK_STR(stalls[2].name, "");
    CHECK_EQ(weir_observe_stalls(pool, 0, NULL, 0), 3);
    release_all(pool, list, 3);
    CHECK_EQ(weir_observe_stalls(pool, 0, stalls, 4), 0);
    pool_close(pool);
}

static void only_what_takes_long_enough_is_a_stall(void) {
    weir_pool *pool = pool_of(2);
    held old, young;
    hold_named(pool, &old, "old");
    until(in_ms(20));
    hold_named(pool, &young, "young");
    int64_t over_ns = worker_of(pool, old.index).for_ns;
    weir_stall stalls[2];
    int found = weir_observe_stalls(pool, over_ns, stalls, 2);
    CHECK(found >= 1);
    CHECK_STR(stalls[0].name, "old");
    for (int i = 0; i < found; i++)
        CHECK(stalls[i].for_ns >= over_ns);
    CHECK_EQ(weir_observe_stalls(pool, in_ms(3600000), stalls, 2), 0);
    release(&old);
    release_all(pool, &young, 1);
    gate_fini(&old.gate);
    pool_close(pool);
}

static void a_loan_is_listed_with_its_own_time(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold_lent(pool, &h, "reads");
    until(in_ms(2));
    weir_stall stalls[2];
    CHECK_EQ(weir_observe_stalls(pool, 1000000, stalls, 2), 1);
    CHECK_STR(stalls[0].name, "reads");
    CHECK_EQ(stalls[0].lent, 1);
    CHECK_EQ(stalls[0].worker, h.index);
    CHECK(stalls[0].for_ns >= 2000000);
    CHECK(stalls[0].for_ns <= worker_of(pool, h.index).for_ns);
    release_all(pool, &h, 1);
    pool_close(pool);
}

typedef struct nested {
    weir_job job;
    held child;
} nested;

static int nested_run(weir_worker *self, weir_job *job) {
    nested *n = (nested *)job;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &n->child.job);
    return weir_scope_wait(self, &scope);
}

static void a_job_that_helps_another_is_listed_too(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    weir_pool *pool = pool_open(&options);
    nested n = {.job = WEIR_JOB_INIT(nested_run, NULL)};
    n.job.name = "parent";
    n.child.job = (weir_job)WEIR_JOB_INIT(held_run, NULL);
    n.child.job.name = "child";
    gate_init(&n.child.gate);
    submit(pool, &n.job);
    gate_await(&n.child.gate, 1);
    weir_stall stalls[3];
    CHECK_EQ(weir_observe_stalls(pool, 0, stalls, 3), 2);
    CHECK_STR(stalls[0].name, "parent");
    CHECK_STR(stalls[1].name, "child");
    CHECK_EQ(stalls[0].worker, stalls[1].worker);
    CHECK_EQ(stalls[0].lent, 0);
    // The worker's newest is what runs.
    CHECK_STR(worker_of(pool, stalls[0].worker).name, "child");
    release(&n.child);
    wait_idle(pool);
    gate_fini(&n.child.gate);
    pool_close(pool);
}

// ---- errors ----------------------------------------------------------------

static void figures_have_a_size(void) {
    weir_pool *pool = pool_of(1);
    weir_pool_stats stats = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_observe_pool(pool, &stats), -EINVAL);
    weir_worker_stats worker = {.size = 0};
    CHECK_EQ(weir_observe_worker(pool, 0, &worker), -EINVAL);
    // An older caller gets what it has room for.
    memset(&stats, 7, sizeof(stats));
    stats.size = offsetof(weir_pool_stats, threads);
    CHECK_EQ(weir_observe_pool(pool, &stats), 0);
    CHECK_EQ(stats.width, 1);
    CHECK_EQ(stats.threads, 0x07070707);
    pool_close(pool);
}

static void there_is_no_worker_beyond_the_limit(void) {
    weir_pool *pool = pool_of(1);
    weir_worker_stats stats = {.size = sizeof(stats)};
    unsigned limit = weir_pool_index_limit(pool);
    CHECK_EQ(weir_observe_worker(pool, limit, &stats), -ENOENT);
    CHECK_EQ(weir_observe_worker(pool, UINT32_MAX, &stats), -ENOENT);
    CHECK_EQ(worker_of(pool, limit - 1).alive, 0); // no stand-in yet
    pool_close(pool);
}

static void look_in_child(void *argument) {
    weir_pool *pool = argument;
    weir_pool_stats stats = {.size = sizeof(stats)};
    weir_worker_stats worker = {.size = sizeof(worker)};
    weir_stall stall;
    CHECK_EQ(weir_observe_pool(pool, &stats), -ECHILD);
    CHECK_EQ(weir_observe_worker(pool, 0, &worker), -ECHILD);
    CHECK_EQ(weir_observe_stalls(pool, 0, &stall, 1), -ECHILD);
}

static void a_forked_child_cannot_look(void) {
    weir_pool *pool = pool_of(1);
    check_in_child(look_in_child, pool);
    pool_close(pool);
}

static void a_deterministic_pool_can_be_observed(void) {
    weir_pool *pool = pool_seeded(1, 2);
    CHECK_EQ(stats_of(pool).threads, 0);
    CHECK_EQ(stats_of(pool).width, 2);
    work w = work_of(0);
    submit(pool, &w.job);
    wait_idle(pool);
    CHECK_EQ(stats_of(pool).counts.succeeded, 1);
    CHECK_EQ(worker_of(pool, w.index).jobs, 1);
    pool_close(pool);
}

static void measuring_needs_memory_once(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    weir_trace *trace;
    CHECK_EQ(weir_trace_create(&trace, NULL), 0);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.measure = 1;
    options.trace = trace;
    int error = -ENOMEM;
    for (uint64_t first = 0; error != 0; first++) {
        CHECK(error == -ENOMEM || error == -EAGAIN); // the thread's own
        CHECK(first < 100);
        weir_pool *pool = NULL;
        wr_fault_arm(WR_FAULT_ALLOC, first, 1);
        error = weir_pool_create(&pool, &options);
        CHECK(error == 0 || pool == NULL);
        if (error == 0) {
            wr_fault_arm(WR_FAULT_ALLOC, 0, UINT64_MAX);
            work w = work_of(0);
            submit(pool, &w.job);
            wait_idle(pool);
            CHECK_EQ(stats_of(pool).run.count, 1);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
            pool_close(pool);
        }
    }
    weir_trace_destroy(trace);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_snapshot_adds_up_while_jobs_run",
         a_snapshot_adds_up_while_jobs_run},
        {"the_counts_are_those_of_weir_pool_count",
         the_counts_are_those_of_weir_pool_count},
        {"a_stopped_pool_has_no_thread_and_keeps_its_figures",
         a_stopped_pool_has_no_thread_and_keeps_its_figures},
        {"a_pool_is_busy_while_a_worker_runs_something",
         a_pool_is_busy_while_a_worker_runs_something},
        {"a_lent_worker_is_not_busy", a_lent_worker_is_not_busy},
        {"a_worker_that_is_back_from_a_loan_is_busy",
         a_worker_that_is_back_from_a_loan_is_busy},
        {"times_are_zero_unless_they_are_asked_for",
         times_are_zero_unless_they_are_asked_for},
        {"time_in_the_queue_and_time_to_run_are_apart",
         time_in_the_queue_and_time_to_run_are_apart},
        {"an_attached_job_is_queued_when_its_event_happens",
         an_attached_job_is_queued_when_its_event_happens},
        {"a_child_is_queued_when_it_is_spawned",
         a_child_is_queued_when_it_is_spawned},
        {"jobs_that_never_ran_are_not_measured",
         jobs_that_never_ran_are_not_measured},
        {"measuring_works_on_every_kind_of_pool",
         measuring_works_on_every_kind_of_pool},
        {"one_slow_job_of_ten_is_advised", one_slow_job_of_ten_is_advised},
        {"more_than_twice_as_many_jobs_as_places_are_advised",
         more_than_twice_as_many_jobs_as_places_are_advised},
        {"the_workers_figures_add_up_to_the_pools",
         the_workers_figures_add_up_to_the_pools},
        {"a_steal_is_the_thiefs", a_steal_is_the_thiefs},
        {"a_worker_shows_the_job_that_it_runs",
         a_worker_shows_the_job_that_it_runs},
        {"a_long_name_is_cut_at_a_character",
         a_long_name_is_cut_at_a_character},
        {"stalls_are_listed_the_longest_first",
         stalls_are_listed_the_longest_first},
        {"only_what_takes_long_enough_is_a_stall",
         only_what_takes_long_enough_is_a_stall},
        {"a_loan_is_listed_with_its_own_time",
         a_loan_is_listed_with_its_own_time},
        {"a_job_that_helps_another_is_listed_too",
         a_job_that_helps_another_is_listed_too},
        {"figures_have_a_size", figures_have_a_size},
        {"there_is_no_worker_beyond_the_limit",
         there_is_no_worker_beyond_the_limit},
        {"a_forked_child_cannot_look", a_forked_child_cannot_look},
        {"a_deterministic_pool_can_be_observed",
         a_deterministic_pool_can_be_observed},
        {"measuring_needs_memory_once", measuring_needs_memory_once},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
