// SPDX-License-Identifier: MIT
// Ended early: cancel and deadline, at any moment.
#include "support/frontier_model.h"

enum { MS = 1000000, HOUR_MS = 3600000 };

// ---- what is true of any run that was ended early --------------------------

// Each item is DONE, FAILED with its own error, or CANCELLED with the cause.
static void check_early(world *w, int why) {
    weir_item *const *items = NULL;
    size_t count = 0;
    weir_frontier_counts c = world_counts(w);
    CHECK_EQ(weir_frontier_items(w->frontier, &items, &count), 0);
    CHECK_EQ(count, c.items);
    uint64_t done = 0, failed = 0, cancelled = 0;
    for (size_t i = 0; i < count; i++) {
        const node *n = &w->nodes[number_of_item(items[i])];
        weir_item_state state = weir_item_outcome(items[i]);
        int status = weir_item_status(items[i]);
        check_item(w, items[i]);
        done += state == WEIR_ITEM_DONE;
        failed += state == WEIR_ITEM_FAILED;
        cancelled += state == WEIR_ITEM_CANCELLED;
        if (state == WEIR_ITEM_DONE) {
            CHECK_EQ(status, 0);
            CHECK(n->attempts > 0);
        } else if (state == WEIR_ITEM_FAILED) {
            CHECK_EQ(status, n->status);
            CHECK(n->attempts > 0);
        } else {
            CHECK_EQ(state, WEIR_ITEM_CANCELLED);
            CHECK_EQ(status, why);
        }
    }
    CHECK_EQ(done, c.done);
    CHECK_EQ(failed, c.failed);
    CHECK_EQ(cancelled, c.cancelled);
    weir_key key = WEIR_KEY_INIT("0", 1);
    CHECK_EQ(weir_frontier_seed(w->frontier, &key), -ESHUTDOWN);
}

static void check_whole(world *w, int status, int why) {
    if (status == why)
        check_early(w, why);
    else
        check_world(w, status); // it came too late
}

// ---- cancel at every step --------------------------------------------------

static void make_mixed(world *w, weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed, size_t count) {
    uint64_t dice = seed;
    world_make(w, pool, engine, count, seed);
    const shape s = {.nodes = count,
                     .edges = 2 * count,
                     .seeds = 2,
                     .later = 5,
                     .fails = 2,
                     .retries = 4,
                     .attempts = 3,
                     .classes = 2,
                     .prefetch = 1};
    world_chance(w, &s, &dice);
    w->options.caps[1] = 1;
    w->options.cancelled = world_cancelled;
    w->is_yielding = 1;
}

static int cancel_after(uint64_t seed, weir_frontier_engine engine,
                        unsigned steps, int policy) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
    world w;
    make_mixed(&w, pool, engine, seed, 8);
    w.options.policy = (weir_frontier_policy)policy;
    world_open(&w);
    int was_over = 1;
    for (size_t i = 0; i < w.seeds_count; i++)
        world_seed_now(&w, w.seeds[i]);
    if (seed % 3 != 0)
        weir_frontier_close(w.frontier);
    for (unsigned i = 0; i < steps; i++) {
        if (world_roll(&w, 3) == 0)
            (void)world_end_one(&w);
        was_over = weir_pool_step(pool) == 0;
    }
    weir_frontier_counts c = world_counts(&w);
    int has_work = c.queued + c.waiting + c.in_flight[0] + c.in_flight[1] > 0;
    int was_done = tally_get(&w.done) == 1;
    CHECK(!was_done || !has_work);
    weir_frontier_cancel(w.frontier);
    weir_frontier_cancel(w.frontier); // nothing
    int status = world_wait(&w);
    CHECK(!has_work || status == -ECANCELED);
    if (status == -ECANCELED)
        check_early(&w, -ECANCELED);
    else if (policy == WEIR_FRONTIER_ALL)
        check_world(&w, status);
    else
        check_first(&w, status);
    weir_frontier_cancel(w.frontier); // too late
    CHECK_EQ(weir_frontier_wait(w.frontier, 0, &was_done), 0);
    CHECK_EQ(was_done, status);
    world_end(&w);
    pool_close(pool);
    return was_over && steps > 20;
}

static void a_cancel_may_come_at_any_step(void) {
    for (int engine = 1; engine < 3; engine++)
        for (uint64_t seed = 0; seed < 60; seed++)
            for (unsigned steps = (unsigned)seed % 3; steps < 400; steps += 3)
                if (cancel_after(seed, (weir_frontier_engine)engine, steps,
                                 seed % 4 == 0))
                    break;
}

// ---- cancel on threads -----------------------------------------------------

static void *canceller_main(void *arg) {
    world *w = arg;
    for (uint64_t spin = world_roll(w, 40); spin > 0; spin--)
        sched_yield();
    weir_frontier_cancel(w->frontier);
    return NULL;
}

static void raced(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return;
    for (uint64_t round = 0; round < 100; round++) {
        world w;
        pthread_t threads[2];
        make_mixed(&w, pool, engine, seed + round, 30);
        world_open(&w);
        enders_start(&w, 2);
        for (int i = 0; i < 2; i++)
            threads[i] = thread_start(canceller_main, &w);
        for (size_t i = 0; i < w.seeds_count; i++) {
            weir_key key = key_of(&w, &w.seeds[i]);
            int error = weir_frontier_seed(w.frontier, &key);
            CHECK(error == 0 || error == -ESHUTDOWN);
        }
        if (round % 2 == 0)
            weir_frontier_close(w.frontier);
        int status = world_wait(&w);
        check_whole(&w, status, -ECANCELED);
        for (int i = 0; i < 2; i++)
            thread_join(threads[i]);
        world_end(&w);
    }
}

static void threads_may_cancel_at_any_moment(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, raced, 1);
}

// ---- what a cancel does ----------------------------------------------------

static void nothing_begins(weir_pool *pool, weir_frontier_engine engine,
                           uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    world_open(&w);
    weir_frontier_cancel(w.frontier);
    weir_key key = WEIR_KEY_INIT("0", 1);
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -ESHUTDOWN);
    CHECK_EQ(world_wait(&w), -ECANCELED);
    CHECK_EQ(tally_get(&w.visits), 0);
    world_end(&w);
    if (weir_pool_step(pool) == -EINVAL)
        return;
    world_make(&w, pool, engine, 10, seed);
    world_open(&w); // no step yet: nothing has begun
    for (uint32_t i = 0; i < 10; i++)
        world_seed_now(&w, (edge){.to = i});
    weir_frontier_cancel(w.frontier);
    CHECK_EQ(world_wait(&w), -ECANCELED);
    CHECK_EQ(tally_get(&w.visits), 0);
    CHECK_EQ(world_counts(&w).cancelled, 10);
    check_early(&w, -ECANCELED);
    world_end(&w);
}

static void nothing_new_is_visited(void) { for_each_world(nothing_begins); }

static int cancels_within(world *w, node *n, weir_worker *self,
                          weir_visit *visit) {
    (void)n;
    (void)self;
    CHECK_EQ(weir_visit_cancelled(visit), 0);
    weir_frontier_cancel(w->frontier);
    CHECK_EQ(weir_visit_cancelled(visit), -ECANCELED);
    weir_key key = key_of(w, &(edge){.to = 1});
    weir_visit_add(visit, &key); // ends CANCELLED
    weir_key seed = key_of(w, &(edge){.to = 2});
    CHECK_EQ(weir_frontier_seed(w->frontier, &seed), -ESHUTDOWN);
    return *(const int *)n->argument;
}

static void within(weir_pool *pool, weir_frontier_engine engine,
                   uint64_t seed) {
    static const int results[] = {0, -EIO, -ECANCELED, -ETIMEDOUT};
    static const weir_item_state states[] = {WEIR_ITEM_DONE, WEIR_ITEM_FAILED,
                                             WEIR_ITEM_CANCELLED,
                                             WEIR_ITEM_FAILED};
    for (size_t i = 0; i < TEST_COUNT(results); i++) {
        world w;
        int result = results[i];
        world_make(&w, pool, engine, 3, seed);
        w.options.attempts_max = 5; // no other attempt follows
        w.options.cancelled = world_cancelled;
        w.nodes[0].act = cancels_within;
        w.nodes[0].argument = &result;
        world_seed(&w, (edge){.to = 0});
        world_start(&w);
        CHECK_EQ(world_wait(&w), -ECANCELED);
        weir_item *item = item_of(&w, 0);
        CHECK_EQ(weir_item_status(item), result);
        CHECK_EQ(weir_item_outcome(item), states[i]);
        CHECK_EQ(weir_item_attempts(item), 1);
        item = item_of(&w, 1);
        CHECK_EQ(weir_item_status(item), -ECANCELED);
        CHECK_EQ(weir_item_outcome(item), WEIR_ITEM_CANCELLED);
        CHECK_EQ(weir_item_attempts(item), 0);
        CHECK(weir_item_value(item) == NULL);
        const weir_requirer *list = NULL;
        size_t count = 0;
        CHECK_EQ(weir_item_requirers(w.frontier, item, &list, &count), 0);
        CHECK_EQ(count, 1);
        CHECK(list[0].item == item_of(&w, 0));
        weir_item *const *failed = NULL;
        CHECK_EQ(weir_frontier_failed(w.frontier, &failed, &count), 0);
        CHECK_EQ(count, states[i] == WEIR_ITEM_FAILED);
        CHECK_EQ(tally_get(&w.told), 0); // it did not say LATER
        world_end(&w);
    }
}

static void a_visit_may_cancel_and_ends_as_it_likes(void) {
    for_each_world(within);
}

// ---- LATER visits are told -------------------------------------------------

static int only_listed(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    (void)n;
    (void)self;
    pending_push(w, visit);
    return WEIR_VISIT_LATER;
}

static void make_listed(world *w, weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed, size_t count) {
    world_make(w, pool, engine, count, seed);
    w->options.cancelled = world_cancelled;
    for (uint32_t i = 0; i < count; i++) {
        w->nodes[i].act = only_listed;
        world_seed(w, (edge){.to = i});
    }
}

static void await_visits(world *w, uint64_t n) {
    while (w->is_deterministic && weir_pool_step(w->pool) == 1)
        continue;
    tally_await(&w->visits, n);
    while (pending_count(w) < n)
        sched_yield();
}

static void await_told(world *w, uint64_t n) {
    while (w->is_deterministic && weir_pool_step(w->pool) == 1)
        continue;
    tally_await(&w->told, n);
}

static void each_told(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    make_listed(&w, pool, engine, seed, 10);
    world_start(&w);
    await_visits(&w, 10);
    CHECK(world_end_one(&w));
    weir_frontier_cancel(w.frontier);
    await_told(&w, 9);
    weir_frontier_cancel(w.frontier);
    while (w.is_deterministic && weir_pool_step(pool) == 1)
        continue;
    CHECK_EQ(tally_get(&w.told), 9);
    CHECK_EQ(tally_get(&w.done), 0); // not before they have ended
    if (!w.is_deterministic)
        CHECK_EQ(weir_frontier_wait(w.frontier, 0, NULL), -ETIMEDOUT);
    while (world_counts(&w).in_flight[0] != 9)
        sched_yield(); // the one may still be on its way to be counted
    while (pending_count(&w) > 0) {
        weir_visit *visit = pending_take(&w);
        node *n = node_of(&w, visit);
        CHECK_EQ(weir_visit_cancelled(visit), -ECANCELED);
        visit_ends(&w, n);
        weir_visit_end(visit, n == &w.nodes[3] ? -EIO : -ECANCELED);
    }
    CHECK_EQ(world_wait(&w), -ECANCELED);
    CHECK_EQ(tally_get(&w.told), 9);
    weir_frontier_counts c = world_counts(&w);
    CHECK(c.failed <= 1 && c.done == 1 && c.cancelled >= 8);
    check_early(&w, -ECANCELED);
    world_end(&w);
}

static void a_later_visit_is_told_once(void) { for_each_world(each_told); }

static void ends_when_told(void *context, weir_visit *visit, int why) {
    world *w = context;
    node *n = node_of(w, visit);
    world_cancelled(context, visit, why);
    visit_ends(w, n);
    weir_visit_end(visit, why);
    CHECK(node_of(w, visit) == n); // valid until this returns
}

static void told_and_ends(weir_pool *pool, weir_frontier_engine engine,
                          uint64_t seed) {
    for (int how = 0; how < 3; how++) {
        world w;
        make_listed(&w, pool, engine, seed, 6);
        w.options.cancelled = ends_when_told;
        w.options.attempts_max = 3;
        if (how == 2)
            w.options.deadline_ns = 1; // long ago
        if (how == 2) {
            world_open(&w);
            for (size_t i = 0; i < w.seeds_count; i++) {
                weir_key key = key_of(&w, &w.seeds[i]);
                int error = weir_frontier_seed(w.frontier, &key);
                CHECK(error == 0 || error == -ESHUTDOWN);
            }
        } else {
            world_start(&w);
            await_visits(&w, 6);
        }
        if (how == 0)
            weir_frontier_cancel(w.frontier);
        if (how == 1) { // destroy tells them too
            weir_frontier_destroy(w.frontier);
            CHECK_EQ(w.done_status, -ECANCELED);
            CHECK_EQ(tally_get(&w.told), 6);
            world_forget(&w);
            continue;
        }
        int status = 12345;
        CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status), 0);
        CHECK_EQ(status, how == 2 ? -ETIMEDOUT : -ECANCELED);
        CHECK_EQ(tally_get(&w.live), 0);
        check_early(&w, status);
        world_end(&w);
    }
}

static void who_is_told_may_end_its_visit(void) {
    for_each_world(told_and_ends);
}

// Others end visits while they are told.
static void told_and_raced(weir_pool *pool, weir_frontier_engine engine,
                           uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return;
    for (int round = 0; round < 100; round++) {
        world w;
        make_listed(&w, pool, engine, seed, 12);
        w.is_yielding = 1;
        world_start(&w);
        if (round % 2 == 0)
            await_visits(&w, 12);
        enders_start(&w, 2);
        weir_frontier_cancel(w.frontier);
        CHECK_EQ(world_wait(&w) | 0, w.done_status);
        CHECK(w.done_status == -ECANCELED || w.done_status == 0);
        world_end(&w);
    }
}

static void others_may_end_what_is_told(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, told_and_raced, 1);
}

static int cancels_and_stays(world *w, node *n, weir_worker *self,
                             weir_visit *visit) {
    (void)self;
    (void)n;
    weir_frontier_cancel(w->frontier);
    for (int i = 0; i < 10; i++)
        world_yield(w);
    CHECK_EQ(tally_get(&w->told), 0); // not inside visit
    pending_push(w, visit);
    return WEIR_VISIT_LATER;
}

static void told_afterwards(weir_pool *pool, weir_frontier_engine engine,
                            uint64_t seed) {
    world w;
    make_listed(&w, pool, engine, seed, 1);
    w.is_yielding = 1;
    w.nodes[0].act = cancels_and_stays;
    world_start(&w);
    await_visits(&w, 1);
    await_told(&w, 1); // who says LATER afterwards is told as well
    CHECK(world_end_one(&w));
    CHECK_EQ(world_wait(&w), -ECANCELED);
    world_end(&w);
}

static void who_says_later_after_a_cancel_is_told_then(void) {
    for_each_world(told_afterwards);
}

// ---- back-off --------------------------------------------------------------

static int never_transient(void *context, weir_visit *visit, int status) {
    (void)context;
    (void)visit;
    CHECK_FAIL("asked after the end, status %d", status);
}

static void in_back_off(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return; // there it is over at once
    world w;
    world_make(&w, pool, engine, 5, seed);
    w.options.attempts_max = 2;
    w.options.backoff_ns = (int64_t)HOUR_MS * MS;
    w.options.backoff_max_ns = (int64_t)HOUR_MS * MS;
    for (uint32_t i = 0; i < 5; i++) {
        w.nodes[i].fails = 1;
        world_seed(&w, (edge){.to = i});
    }
    world_start(&w);
    while (world_counts(&w).waiting < 5)
        sched_yield();
    weir_frontier_cancel(w.frontier);
    CHECK_EQ(world_wait(&w), -ECANCELED);
    for (size_t i = 0; i < 5; i++) {
        weir_item *item = item_of(&w, i);
        CHECK_EQ(weir_item_outcome(item), WEIR_ITEM_CANCELLED);
        CHECK_EQ(weir_item_status(item), -ECANCELED);
        CHECK_EQ(weir_item_attempts(item), 1);
        CHECK(weir_item_value(item) != NULL);
    }
    CHECK_EQ(world_counts(&w).retries, 0);
    world_end(&w);
}

static void what_backs_off_ends_cancelled(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, in_back_off, 1);
}

static void nobody_asked(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    world w;
    make_listed(&w, pool, engine, seed, 4);
    w.options.attempts_max = 3;
    w.options.transient = never_transient;
    for (size_t i = 0; i < 4; i++)
        w.nodes[i].fails = ALWAYS;
    world_start(&w);
    await_visits(&w, 4);
    weir_frontier_cancel(w.frontier);
    while (world_end_one(&w))
        continue;
    CHECK_EQ(world_wait(&w), -ECANCELED);
    CHECK_EQ(world_counts(&w).failed, 4);
    CHECK_EQ(world_counts(&w).retries, 0);
    world_end(&w);
}

static void after_a_cancel_nothing_is_tried_again(void) {
    for_each_world(nobody_asked);
}

// ---- deadlines -------------------------------------------------------------

static void stalled(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    // Nothing runs that could look: visits in other hands, or none and open.
    for (int open = 0; open < 2; open++) {
        world w;
        make_listed(&w, pool, engine, seed, 3);
        w.options.deadline_ns = in_ms(3);
        world_open(&w);
        for (size_t i = 0; i < w.seeds_count && !open; i++) {
            weir_key key = key_of(&w, &w.seeds[i]);
            int error = weir_frontier_seed(w.frontier, &key);
            CHECK(error == 0 || error == -ESHUTDOWN);
        }
        while (w.is_deterministic && weir_pool_step(pool) == 1)
            continue;
        while (tally_get(&w.told) < tally_get(&w.live))
            sched_yield();
        weir_key key = WEIR_KEY_INIT("0", 1);
        while (open && weir_frontier_seed(w.frontier, &key) == 0)
            CHECK(!w.is_deterministic);
        enders_start(&w, 1);
        CHECK_EQ(world_wait(&w), -ETIMEDOUT);
        check_early(&w, -ETIMEDOUT);
        world_end(&w);
    }
}

static void a_deadline_is_noticed_when_nothing_runs(void) {
    for_each_world(stalled);
}

static int spins(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)self;
    (void)n;
    int why = 0;
    while (why == 0)
        why = weir_visit_cancelled(visit);
    CHECK_EQ(why, -ETIMEDOUT);
    CHECK(weir_now_ns() >= w->options.deadline_ns);
    return why;
}

static void a_busy_visit_sees_the_deadline(void) {
    for (int engine = 0; engine < 3; engine++) {
        weir_pool *pool = pool_of(1);
        world w;
        world_make(&w, pool, (weir_frontier_engine)engine, 2, 1);
        w.nodes[0].act = spins;
        link_nodes(&w, 0, 1);
        w.options.deadline_ns = in_ms(200);
        world_open(&w);
        weir_key key = key_of(&w, &(edge){.to = 0});
        int error = weir_frontier_seed(w.frontier, &key);
        CHECK(error == 0 || error == -ESHUTDOWN); // a slow machine
        weir_frontier_close(w.frontier);
        CHECK_EQ(world_wait(&w), -ETIMEDOUT);
        check_early(&w, -ETIMEDOUT);
        world_end(&w);
        pool_close(pool);
    }
}

static void early_enough(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return; // there a deadline may be over at any time
    world w;
    make_mixed(&w, pool, engine, seed, 30);
    w.options.deadline_ns = in_ms(HOUR_MS);
    enders_start(&w, 1);
    world_start(&w);
    int status = world_wait(&w);
    CHECK(status != -ETIMEDOUT);
    check_world(&w, status);
    world_end(&w);
}

static void a_deadline_that_is_not_reached_changes_nothing(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, early_enough, 1);
}

// Cancelled, and later out of time. Says whether that was the order.
static bool causes_in_order(weir_pool *pool, weir_frontier_engine engine,
                            uint64_t seed, int64_t ms) {
    world w;
    make_listed(&w, pool, engine, seed, 2);
    w.options.deadline_ns = in_ms(ms);
    world_open(&w);
    weir_key key = key_of(&w, &(edge){.to = 0});
    int error = weir_frontier_seed(w.frontier, &key);
    weir_frontier_cancel(w.frontier);
    bool in_order = w.is_deterministic || weir_now_ns() < w.options.deadline_ns;
    while (!w.is_deterministic && weir_now_ns() <= w.options.deadline_ns)
        sched_yield();
    enders_start(&w, 1);
    int status = world_wait(&w);
    if (in_order) {
        CHECK_EQ(error, 0);
        CHECK_EQ(status, -ECANCELED);
        check_early(&w, -ECANCELED);
    }
    world_end(&w);
    return in_order;
}

// The first cause is the one that is told.
static void two_causes(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    int64_t ms = 200;
    while (!causes_in_order(pool, engine, seed, ms))
        ms *= 2; // a slow machine
}

static void the_first_cause_counts(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, two_causes, 20);
}

static void any_time(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    world w;
    make_mixed(&w, pool, engine, seed, 20);
    w.options.deadline_ns = weir_now_ns() + (int64_t)(seed % 50) * 10000;
    enders_start(&w, 2);
    world_open(&w);
    for (size_t i = 0; i < w.seeds_count; i++) {
        weir_key key = key_of(&w, &w.seeds[i]);
        int error = weir_frontier_seed(w.frontier, &key);
        CHECK(error == 0 || error == -ESHUTDOWN);
    }
    weir_frontier_close(w.frontier);
    int status = world_wait(&w);
    check_whole(&w, status, -ETIMEDOUT);
    world_end(&w);
}

static void a_deadline_may_come_at_any_time(void) { for_each_world(any_time); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_cancel_may_come_at_any_step", a_cancel_may_come_at_any_step},
        {"threads_may_cancel_at_any_moment", threads_may_cancel_at_any_moment},
        {"nothing_new_is_visited", nothing_new_is_visited},
        {"a_visit_may_cancel_and_ends_as_it_likes",
         a_visit_may_cancel_and_ends_as_it_likes},
        {"a_later_visit_is_told_once", a_later_visit_is_told_once},
        {"who_is_told_may_end_its_visit", who_is_told_may_end_its_visit},
        {"others_may_end_what_is_told", others_may_end_what_is_told},
        {"who_says_later_after_a_cancel_is_told_then",
         who_says_later_after_a_cancel_is_told_then},
        {"what_backs_off_ends_cancelled", what_backs_off_ends_cancelled},
        {"after_a_cancel_nothing_is_tried_again",
         after_a_cancel_nothing_is_tried_again},
        {"a_deadline_is_noticed_when_nothing_runs",
         a_deadline_is_noticed_when_nothing_runs},
        {"a_busy_visit_sees_the_deadline", a_busy_visit_sees_the_deadline},
        {"a_deadline_that_is_not_reached_changes_nothing",
         a_deadline_that_is_not_reached_changes_nothing},
        {"the_first_cause_counts", the_first_cause_counts},
        {"a_deadline_may_come_at_any_time", a_deadline_may_come_at_any_time},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
