// SPDX-License-Identifier: MIT
// The pool is stopped beneath it, the process is forked, the rules are broken.
#include "support/frontier_model.h"

enum { MS = 1000000 };

static int only_listed(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    (void)n;
    (void)self;
    pending_push(w, visit);
    return WEIR_VISIT_LATER;
}

static void await_pending(world *w, size_t n) {
    while (pending_count(w) < n)
        if (w->is_deterministic)
            CHECK_EQ(weir_pool_step(w->pool), 1);
        else
            sched_yield();
}

static void stop_now(weir_pool *pool, weir_stop_mode mode, int64_t deadline,
                     int expected) {
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, mode, deadline, &report), expected);
    if (expected == 0)
        check_accounts(pool, &report);
}

static void make_tree(world *w, weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed, size_t count) {
    world_make(w, pool, engine, count, seed);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < count; k++)
            link_nodes(w, i, k);
    w->is_yielding = 1;
    w->options.attempts_max = 3;
    w->options.cancelled = world_cancelled;
    world_seed(w, (edge){.to = 0});
}

typedef void end_test(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed);

// A pool of its own for each run, which the test itself stops.
static void for_each_end(end_test *test, int first) {
    static const int widths[] = {1, 2, 4};
    for (int engine = 1; engine < 3; engine++) {
        printf(" engine %d\n", engine);
        for (size_t i = 0; i < TEST_COUNT(widths) * 20; i++) {
            printf("  threads %d\n", widths[i % 3]);
            fflush(stdout);
            weir_pool *pool = pool_of(widths[i % 3]);
            test(pool, (weir_frontier_engine)engine, i);
            weir_pool_destroy(pool);
        }
        for (uint64_t seed = (uint64_t)first; seed < TEST_SEEDS; seed++) {
            printf("  deterministic, seed %d\n", (int)seed);
            fflush(stdout);
            weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
            test(pool, (weir_frontier_engine)engine, seed);
            weir_pool_destroy(pool);
        }
    }
}

// ---- drain -----------------------------------------------------------------

static void drained(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    make_tree(&w, pool, engine, seed, 60);
    for (size_t i = 0; i < 60; i++) {
        w.nodes[i].fails = i % 7 == 0;
        w.nodes[i].is_later = !w.is_deterministic && i % 5 == 0;
    }
    w.options.caps[0] = 3;
    enders_start(&w, 2);
    world_start(&w);
    stop_now(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, 0);
    CHECK_EQ(tally_get(&w.live), 0);
    CHECK_EQ(world_wait(&w), 0);
    check_world(&w, 0); // results outlive the pool's work
    world_end(&w);
}

static void a_drain_waits_for_a_closed_frontier(void) {
    for_each_end(drained, 0);
}

static void drain_open(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    world w;
    make_tree(&w, pool, engine, seed, 10);
    world_open(&w);
    world_seed_now(&w, w.seeds[0]);
    weir_stop_report report = {.size = sizeof(report)};
    int error = weir_pool_stop(pool, WEIR_STOP_DRAIN, in_ms(2), &report);
    CHECK(error == -ETIMEDOUT || (w.is_deterministic && error == -EDEADLK));
    CHECK_EQ(tally_get(&w.done), 0);
    weir_frontier *other = NULL;
    CHECK_EQ(weir_frontier_create(&other, &w.options), -ESHUTDOWN);
    CHECK(other == NULL);
    weir_frontier_close(w.frontier);
    stop_now(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, 0);
    CHECK_EQ(world_wait(&w), 0);
    check_world(&w, 0);
    CHECK_EQ(weir_frontier_create(&other, &w.options), -ESHUTDOWN);
    world_end(&w);
}

static void a_drain_waits_for_the_close(void) { for_each_end(drain_open, 0); }

// ---- harder modes ----------------------------------------------------------

static void check_shut(world *w, int status) {
    weir_item *const *items = NULL;
    size_t count = 0;
    CHECK_EQ(weir_frontier_items(w->frontier, &items, &count), 0);
    uint64_t cancelled = 0;
    for (size_t i = 0; i < count; i++) {
        int got = weir_item_status(items[i]);
        weir_item_state state = weir_item_outcome(items[i]);
        check_item(w, items[i]);
        CHECK(got == 0 || got == -ESHUTDOWN || got == -EIO);
        CHECK_EQ(got == 0, state == WEIR_ITEM_DONE);
        CHECK_EQ(got == -EIO, state == WEIR_ITEM_FAILED);
        cancelled += got == -ESHUTDOWN;
    }
    CHECK_EQ(world_counts(w).cancelled, cancelled);
    CHECK(status == -ESHUTDOWN || cancelled == 0);
}

static void shut(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    uint64_t dice = seed;
    make_tree(&w, pool, engine, seed, 40);
    for (size_t i = 0; i < 40; i++) {
        w.nodes[i].fails = i % 7 == 0;
        w.nodes[i].is_later = i % 5 == 0;
    }
    w.options.caps[0] = (unsigned)dice_below(&dice, 4);
    world_open(&w);
    world_seed_now(&w, w.seeds[0]);
    if (seed % 3 != 0)
        weir_frontier_close(w.frontier);
    for (uint64_t i = dice_below(&dice, 150); i > 0; i--)
        if (!w.is_deterministic)
            sched_yield();
        else if (world_roll(&w, 3) == 0)
            (void)world_end_one(&w);
        else
            (void)weir_pool_step(pool);
    stop_now(pool, seed % 2 == 0 ? WEIR_STOP_CANCEL : WEIR_STOP_ABORT,
             WEIR_FOREVER, 0);
    // What is in other hands must still be ended; the last one calls done.
    CHECK_EQ(pending_count(&w), tally_get(&w.live));
    CHECK_EQ(tally_get(&w.done), pending_count(&w) == 0);
    if (pending_count(&w) > 0)
        CHECK_EQ(tally_get(&w.told), pending_count(&w));
    while (world_end_one(&w))
        continue;
    CHECK_EQ(tally_get(&w.done), 1);
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status), 0);
    CHECK(status == -ESHUTDOWN || status == 0);
    CHECK_EQ(status, w.done_status);
    check_ended_counts(&w);
    check_shut(&w, status);
    if (seed % 3 == 0)
        CHECK_EQ(status, -ESHUTDOWN); // it was open
    weir_key key = WEIR_KEY_INIT("0", 1);
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -ESHUTDOWN);
    weir_frontier_close(w.frontier);
    weir_frontier_cancel(w.frontier);
    world_end(&w);
}

static void a_stop_ends_it_at_any_moment(void) { for_each_end(shut, 0); }

static void many_stops(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    (void)pool;
    for (uint64_t i = 0; i < 6; i++) {
        weir_pool *own = pool_seeded(seed * 6 + i, 1 + (unsigned)i % 4);
        shut(own, engine, seed * 6 + i);
        weir_pool_destroy(own);
    }
}

static void a_stop_ends_it_under_many_seeds(void) {
    for_each_end(many_stops, 0);
}

// Running ones are told.
static int spins(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)n;
    (void)self;
    mark_set(w->argument);
    int why = 0;
    while ((why = weir_visit_cancelled(visit)) == 0)
        continue;
    return why;
}

static void an_abort_is_seen_by_running_visits(void) {
    for (int engine = 0; engine < 3; engine++)
        for (int width = 1; width < 3; width++) {
            weir_pool *pool = pool_of(width);
            world w;
            tally begun;
            tally_init(&begun);
            world_make(&w, pool, (weir_frontier_engine)engine, 2, 1);
            w.argument = &begun;
            w.nodes[0].act = spins;
            world_seed(&w, (edge){.to = 0});
            world_start(&w);
            mark_await(&begun, 1);
            stop_now(pool, WEIR_STOP_ABORT, WEIR_FOREVER, 0);
            CHECK_EQ(world_wait(&w), -ESHUTDOWN);
            CHECK_EQ(weir_item_outcome(item_of(&w, 0)), WEIR_ITEM_CANCELLED);
            CHECK_EQ(weir_item_status(item_of(&w, 0)), -ESHUTDOWN);
            world_end(&w);
            weir_pool_destroy(pool);
        }
}

// ---- destroy without a pool ------------------------------------------------

static void *late_ender(void *arg) {
    world *w = arg;
    for (int i = 0; i < 50; i++)
        sched_yield();
    while (world_end_one(w))
        continue;
    return NULL;
}

static void a_stopped_pool_leaves_visits_in_other_hands(void) {
    for (int engine = 0; engine < 3; engine++)
        for (int round = 0; round < 50; round++) {
            weir_pool *pool = pool_of(2);
            world w;
            world_make(&w, pool, (weir_frontier_engine)engine, 5, 1);
            for (uint32_t i = 0; i < 5; i++) {
                w.nodes[i].act = only_listed;
                w.nodes[i].fails = 0;
                world_edge(&w, i, (edge){.to = (i + 1) % 5});
                world_seed(&w, (edge){.to = i});
            }
            w.options.cancelled = round % 2 ? NULL : world_cancelled;
            world_start(&w);
            await_pending(&w, 5);
            stop_now(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, 0);
            CHECK_EQ(tally_get(&w.done), 0);
            pthread_t thread = thread_start(late_ender, &w);
            if (round % 4 < 2) // waits for them
                weir_frontier_destroy(w.frontier);
            else
                CHECK_EQ(world_wait(&w), -ESHUTDOWN);
            thread_join(thread);
            CHECK_EQ(tally_get(&w.done), 1);
            CHECK_EQ(w.done_status, -ESHUTDOWN);
            if (round % 4 >= 2)
                weir_frontier_destroy(w.frontier);
            world_forget(&w);
            weir_pool_destroy(pool);
        }
}

static void backing(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return; // there it does not take an hour
    world w;
    world_make(&w, pool, engine, 4, seed);
    w.options.attempts_max = 2;
    w.options.backoff_ns = (int64_t)3600000 * MS;
    w.options.backoff_max_ns = (int64_t)3600000 * MS;
    for (uint32_t i = 0; i < 4; i++) {
        w.nodes[i].fails = 1;
        world_seed(&w, (edge){.to = i});
    }
    world_start(&w);
    while (world_counts(&w).waiting < 4)
        sched_yield();
    stop_now(pool, WEIR_STOP_DRAIN, in_ms(1), -ETIMEDOUT);
    stop_now(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, 0);
    CHECK_EQ(world_wait(&w), -ESHUTDOWN);
    CHECK_EQ(world_counts(&w).cancelled, 4);
    check_shut(&w, -ESHUTDOWN);
    world_end(&w);
}

static void a_stop_ends_back_offs(void) { for_each_end(backing, TEST_SEEDS); }

// ---- fork(2) ---------------------------------------------------------------

static void child_calls(world *w, weir_visit *visit, weir_frontier *ended,
                        const weir_item *item) {
    weir_key key = WEIR_KEY_INIT("7", 1);
    weir_frontier_counts counts = {.size = sizeof(counts)};
    weir_frontier *other = NULL;
    weir_item *const *items = NULL;
    weir_item *found = NULL;
    const weir_requirer *list = NULL;
    size_t count = 0, size = 0;
    CHECK_EQ(weir_frontier_create(&other, &w->options), -ECHILD);
    CHECK_EQ(weir_frontier_seed(w->frontier, &key), -ECHILD);
    CHECK_EQ(weir_frontier_set_cap(w->frontier, 0, 3), -ECHILD);
    CHECK_EQ(weir_frontier_count(w->frontier, &counts), -ECHILD);
    CHECK_EQ(weir_frontier_wait(w->frontier, WEIR_FOREVER, NULL), -ECHILD);
    CHECK_EQ(weir_frontier_items(ended, &items, &count), -ECHILD);
    CHECK_EQ(weir_frontier_failed(ended, &items, &count), -ECHILD);
    CHECK_EQ(weir_frontier_find(ended, "1", 1, &found), -ECHILD);
    CHECK_EQ(weir_item_requirers(ended, item, &list, &count), -ECHILD);
    CHECK_EQ(weir_item_chain(ended, item, NULL, 0), -ECHILD);
    CHECK(other == NULL && items == NULL && found == NULL && list == NULL);
    weir_frontier_close(w->frontier);
    weir_frontier_cancel(w->frontier);
    weir_visit_add(visit, &key);
    weir_visit_add_batch(visit, &key, 1);
    weir_visit_delay(visit, 5);
    weir_visit_end(visit, 0);
    weir_visit_end(visit, 0); // nothing, twice
    CHECK_EQ(weir_visit_attempt(visit), 1);
    CHECK(weir_visit_item(visit) != NULL);
    CHECK_EQ(number_of_item(item), 1);
    const void *bytes = weir_visit_key(visit, &size);
    CHECK_EQ(number_of(bytes, size), 0);
    CHECK_EQ(weir_item_status(item), 0);
    CHECK_EQ(weir_item_outcome(item), WEIR_ITEM_DONE);
    CHECK_EQ(weir_item_attempts(item), 1);
    CHECK_EQ(((int *)weir_item_value(item))[1], 1);
    weir_frontier_destroy(w->frontier);
    weir_frontier_destroy(ended);
    CHECK_EQ(tally_get(&w->done), 0);
    _exit(0);
}

static void a_forked_child_is_refused(void) {
    for (int threads = 0; threads <= 2; threads++)
        for (int engine = 0; engine < 3; engine++) {
            weir_pool *pool = pool_of(threads);
            world w, over;
            world_make(&over, pool, (weir_frontier_engine)engine, 2, 1);
            world_seed(&over, (edge){.to = 1});
            world_start(&over);
            CHECK_EQ(world_wait(&over), 0);
            world_make(&w, pool, (weir_frontier_engine)engine, 8, 1);
            w.nodes[0].act = only_listed;
            w.options.caps[0] = 2;
            world_open(&w);
            world_seed_now(&w, (edge){.to = 0});
            await_pending(&w, 1);
            weir_item *item = item_of(&over, 1);
            fflush(NULL);
            pid_t child = fork();
            CHECK(child >= 0);
            if (child == 0)
                child_calls(&w, w.nodes[0].visit, over.frontier, item);
            int status = 0;
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            weir_frontier_close(w.frontier);
            CHECK(world_end_one(&w));
            CHECK_EQ(world_wait(&w), 0);
            CHECK_EQ(world_counts(&w).items, 1);
            world_end(&w);
            world_end(&over);
            pool_close(pool);
        }
}

// ---- broken rules ----------------------------------------------------------

static weir_frontier_engine broken_engine;

static void broken_run(world *w, int (*act)(world *, node *, weir_worker *,
                                            weir_visit *)) {
    weir_pool *pool = pool_of(1);
    world_make(w, pool, broken_engine, 3, 1);
    w->nodes[0].act = act;
    world_seed(w, (edge){.to = 0});
    world_start(w);
    CHECK_FAIL("wait: %d", weir_frontier_wait(w->frontier, in_ms(60000), NULL));
}

static int act_nonsense(world *w, node *n, weir_worker *self,
                        weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    (void)visit;
    return 2;
}

static void returns_nonsense(void) {
    world w;
    broken_run(&w, act_nonsense);
}

static int act_twice(world *w, node *n, weir_worker *self, weir_visit *visit) {
    visit_ends(w, n);
    (void)self;
    weir_visit_end(visit, 0);
    weir_visit_end(visit, 0);
    return WEIR_VISIT_LATER;
}

static void ends_twice(void) {
    world w;
    broken_run(&w, act_twice);
}

static int act_both(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    weir_visit_end(visit, 0);
    return -EIO;
}

static void ends_and_returns(void) {
    world w;
    broken_run(&w, act_both);
}

static int act_two_classes(world *w, node *n, weir_worker *self,
                           weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    weir_key key = WEIR_KEY_INIT("1", 1);
    weir_visit_add(visit, &key);
    key.visit_class = 3;
    weir_visit_add(visit, &key);
    return 0;
}

static void adds_two_classes(void) {
    world w;
    broken_run(&w, act_two_classes);
}

static int act_positive(world *w, node *n, weir_worker *self,
                        weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    weir_visit_end(visit, 1);
    return WEIR_VISIT_LATER;
}

static void ends_with_nonsense(void) {
    world w;
    broken_run(&w, act_positive);
}

static int act_destroys(world *w, node *n, weir_worker *self,
                        weir_visit *visit) {
    (void)n;
    (void)self;
    (void)visit;
    weir_frontier_destroy(w->frontier);
    return 0;
}

static void destroys_on_a_worker(void) {
    world w;
    broken_run(&w, act_destroys);
}

static void destroys_what_cannot_end(void) {
    weir_pool *pool = pool_seeded(1, 2);
    world w;
    world_make(&w, pool, broken_engine, 1, 1);
    w.nodes[0].act = only_listed;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    await_pending(&w, 1);
    weir_frontier_destroy(w.frontier);
}

static void broken_rules_abort(void) {
    for (int engine = 1; engine < 3; engine++) {
        broken_engine = (weir_frontier_engine)engine;
        check_aborts(returns_nonsense, "visit");
        check_aborts(ends_twice, "twice");
        check_aborts(ends_and_returns, "visit");
        check_aborts(adds_two_classes, "class");
        check_aborts(ends_with_nonsense, "visit");
        check_aborts(destroys_on_a_worker, "worker");
        check_aborts(destroys_what_cannot_end, "destroyed");
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_drain_waits_for_a_closed_frontier",
         a_drain_waits_for_a_closed_frontier},
        {"a_drain_waits_for_the_close", a_drain_waits_for_the_close},
        {"a_stop_ends_it_at_any_moment", a_stop_ends_it_at_any_moment},
        {"a_stop_ends_it_under_many_seeds", a_stop_ends_it_under_many_seeds},
        {"an_abort_is_seen_by_running_visits",
         an_abort_is_seen_by_running_visits},
        {"a_stopped_pool_leaves_visits_in_other_hands",
         a_stopped_pool_leaves_visits_in_other_hands},
        {"a_stop_ends_back_offs", a_stop_ends_back_offs},
        {"a_forked_child_is_refused", a_forked_child_is_refused},
        {"broken_rules_abort", broken_rules_abort},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
