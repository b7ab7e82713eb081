// SPDX-License-Identifier: MIT
// It ends exactly when all is done: never early, never not at all, once.
#include "support/frontier_model.h"

enum { KINDS = 6 };

// ---- shapes ----------------------------------------------------------------

// Trees, chains, cycles, bursts, ladders, chance: `later` says which visits
// end in other hands.
static void shape_world(world *w, int kind, size_t count, uint64_t *dice) {
    for (size_t i = 0; i < count; i++) {
        size_t next = (i + 1) % count;
        if (kind == 0) { // a tree
            for (size_t k = 3 * i + 1; k <= 3 * i + 3 && k < count; k++)
                link_nodes(w, i, k);
        } else if (kind == 1) { // a chain
            if (i + 1 < count)
                link_nodes(w, i, next);
        } else if (kind == 2) { // a cycle with chords
            link_nodes(w, i, next);
            link_nodes(w, i, (i * 7 + 3) % count);
        } else if (kind == 3) { // a burst from the first, and back
            link_nodes(w, i, 0);
            for (size_t k = 1; i == 0 && k < count; k++)
                link_nodes(w, 0, k);
        } else if (kind == 4) { // narrow and wide by turns
            if (i % 8 == 0)
                for (size_t k = i + 1; k <= i + 8 && k < count; k++)
                    link_nodes(w, i, k);
        } else { // chance
            for (int k = 0; k < 3; k++)
                link_nodes(w, i, (size_t)dice_below(dice, count));
        }
    }
    world_seed(w, (edge){.to = 0});
}

static void run_shape(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed, int kind, size_t count) {
    world w;
    uint64_t dice = seed * 31 + (uint64_t)kind;
    world_make(&w, pool, engine, count, seed);
    shape_world(&w, kind, count, &dice);
    unsigned later = (unsigned)dice_below(&dice, 3) * 8; // none, half, all
    for (size_t i = 0; i < count; i++) {
        w.nodes[i].is_later = dice_below(&dice, 16) < later;
        if (dice_below(&dice, 8) == 0)
            w.nodes[i].fails = 1;
    }
    w.options.attempts_max = 2;
    w.options.caps[0] = (unsigned)dice_below(&dice, 4);
    w.is_yielding = 1;
    enders_start(&w, 2);
    world_start(&w);
    int status = world_wait(&w);
    CHECK_EQ(status, 0);
    check_world(&w, 0);
    world_end(&w);
}

static void all_shapes(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    for (int kind = 0; kind < KINDS; kind++)
        run_shape(pool, engine, seed, kind, 5 + seed % 13);
}

static void every_shape_ends_exactly(void) { for_each_world(all_shapes); }

static void many_runs(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return;
    for (uint64_t round = 0; round < 60; round++)
        run_shape(pool, engine, seed + round, (int)(round % KINDS),
                  2 + (size_t)(round % 30));
}

static void it_ends_on_threads_again_and_again(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, many_runs, 1);
}

// ---- done ------------------------------------------------------------------

static int turns(world *w, node *n, weir_worker *self, weir_visit *visit) {
    // The ender has it; it must not be over before this returns.
    (void)self;
    pending_push(w, visit);
    for (int i = 0; i < 50; i++) {
        world_yield(w);
        if (!w->is_deterministic)
            sched_yield();
        CHECK_EQ(tally_get(&w->done), 0);
        CHECK(weir_visit_item(visit) == n->item);
    }
    return WEIR_VISIT_LATER;
}

static void held_back(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 4, seed);
    w.is_yielding = 1;
    w.options.attempts_max = 2;
    for (size_t i = 0; i < 4; i++) {
        w.nodes[i].act = turns;
        w.nodes[i].fails = i == 2;
        if (i < 3)
            link_nodes(&w, i, i + 1);
    }
    world_seed(&w, (edge){.to = 0});
    enders_start(&w, 2);
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    world_end(&w);
}

static void a_visit_is_not_over_before_it_has_returned(void) {
    for_each_world(held_back);
}

static void looks_at_results(world *w, int status) {
    CHECK_EQ(status, 0);
    mark_set(&w->done); // world_counts asks
    check_world(w, status);
    weir_key key = WEIR_KEY_INIT("1", 1);
    CHECK_EQ(weir_frontier_seed(w->frontier, &key), -ESHUTDOWN);
    weir_frontier_close(w->frontier);
    weir_frontier_cancel(w->frontier); // too late
}

static void results_in_done(weir_pool *pool, weir_frontier_engine engine,
                            uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 9, seed);
    uint64_t dice = seed;
    shape_world(&w, 2, 9, &dice);
    w.on_done = looks_at_results;
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    check_world(&w, 0);
    world_end(&w);
}

static void done_may_ask_for_results(void) { for_each_world(results_in_done); }

static void destroys(world *w, int status) {
    CHECK_EQ(status, 0);
    weir_frontier_destroy(w->frontier);
    w->frontier = NULL;
    mark_set(&w->done);
}

static void gone_in_done(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    // Ended by a worker, by another thread, by close.
    for (int who = 0; who < 3; who++) {
        world w;
        world_make(&w, pool, engine, 5, seed);
        w.on_done = destroys;
        if (who < 2)
            world_seed(&w, (edge){.to = 0});
        for (size_t i = 0; i < 4; i++)
            link_nodes(&w, i, i + 1);
        w.nodes[4].is_later = who == 1;
        enders_start(&w, 1);
        world_start(&w);
        world_drive(&w);
        mark_await(&w.done, 1);
        enders_join(&w);
        CHECK(w.frontier == NULL);
        wait_idle(pool); // ending jobs
        world_forget(&w);
    }
}

static void done_may_destroy(void) { for_each_world(gone_in_done); }

// Who learns of the end destroys at once, while the call that ended it may
// still be on its way back.
static void *destroyer_main(void *arg) {
    world *w = arg;
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w->frontier, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    weir_frontier_destroy(w->frontier);
    return NULL;
}

static void meets(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    if (weir_pool_step(pool) != -EINVAL)
        return;
    for (int round = 0; round < 300; round++) {
        world w;
        world_make(&w, pool, engine, 3, seed);
        link_nodes(&w, 0, 1);
        link_nodes(&w, 0, 2);
        w.nodes[1].is_later = w.nodes[2].is_later = round % 2;
        if (round % 3 != 0)
            world_seed(&w, (edge){.to = 0});
        world_open(&w);
        enders_start(&w, 2);
        for (size_t i = 0; i < w.seeds_count; i++)
            world_seed_now(&w, w.seeds[i]);
        pthread_t destroyer = thread_start(destroyer_main, &w);
        weir_frontier_close(w.frontier);
        thread_join(destroyer);
        CHECK_EQ(tally_get(&w.done), 1);
        enders_join(&w);
        world_forget(&w);
    }
}

static void destroy_may_meet_what_ended_it(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, meets, 1);
}

static void slow_done(world *w, int status) {
    (void)status;
    int *over = w->argument;
    mark_set(&w->done);
    for (int i = 0; i < 200; i++)
        sched_yield();
    *over = 1;
}

// done posts, and whoever waits for that destroys: done is still running.
static void destroy_waits_for_done(void) {
    for (int round = 0; round < 100; round++) {
        weir_pool *pool = pool_of(2);
        world w;
        int over = 0;
        world_make(&w, pool, (weir_frontier_engine)(1 + round % 2), 2, 1);
        w.on_done = slow_done;
        w.argument = &over;
        world_seed(&w, (edge){.to = 0});
        world_start(&w);
        mark_await(&w.done, 1);
        weir_frontier_destroy(w.frontier);
        CHECK_EQ(over, 1);
        world_forget(&w);
        pool_close(pool);
    }
}

// ---- waiting ---------------------------------------------------------------

typedef struct waiter {
    world *w;
    int error, status;
    pthread_t thread;
} waiter;

static void *waiter_main(void *arg) {
    waiter *t = arg;
    t->error = weir_frontier_wait(t->w->frontier, WEIR_FOREVER, &t->status);
    return NULL;
}

static void waiters(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    waiter t[3];
    world_make(&w, pool, engine, 2, seed);
    w.nodes[1].fails = ALWAYS;
    w.nodes[1].is_later = 1;
    world_seed(&w, (edge){.to = 1});
    world_start(&w);
    world_begun(&w, 1, 1);
    int status = 12345;
    if (pending_count(&w) == 1 && !w.is_deterministic) {
        CHECK_EQ(weir_frontier_wait(w.frontier, 0, &status), -ETIMEDOUT);
        CHECK_EQ(weir_frontier_wait(w.frontier, in_ms(1), &status), -ETIMEDOUT);
        CHECK_EQ(status, 12345);
    }
    for (int i = 0; i < 3 && !w.is_deterministic; i++) {
        t[i] = (waiter){.w = &w};
        t[i].thread = thread_start(waiter_main, &t[i]);
    }
    while (!world_end_one(&w) && tally_get(&w.done) == 0)
        if (w.is_deterministic)
            world_drive(&w);
        else
            sched_yield();
    CHECK_EQ(world_wait(&w), -EIO);
    CHECK_EQ(weir_frontier_wait(w.frontier, 0, &status), 0); // again
    CHECK_EQ(status, -EIO);
    for (int i = 0; i < 3 && !w.is_deterministic; i++) {
        thread_join(t[i].thread);
        CHECK_EQ(t[i].error, 0);
        CHECK_EQ(t[i].status, -EIO);
    }
    world_end(&w);
}

static void many_may_wait_and_wait_again(void) { for_each_world(waiters); }

static int waits_for_it(world *w, node *n, weir_worker *self,
                        weir_visit *visit) {
    (void)n;
    (void)self;
    (void)visit;
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w->frontier, WEIR_FOREVER, &status), -EDEADLK);
    CHECK_EQ(status, 12345);
    return 0;
}

static void own_worker(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 1, seed);
    w.nodes[0].act = waits_for_it;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    world_end(&w);
}

static void a_worker_cannot_wait_for_its_own_pool(void) {
    for_each_world(own_worker);
}

static int waits_elsewhere(weir_worker *self, void *argument) {
    world *w = argument;
    (void)self;
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w->frontier, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    return 0;
}

static void a_worker_of_another_pool_may_wait(void) {
    weir_pool *pool = pool_of(1), *other = pool_of(1);
    for (int engine = 0; engine < 3; engine++) {
        world w;
        gate g;
        gate_init(&g);
        world_make(&w, pool, (weir_frontier_engine)engine, 2, 1);
        w.nodes[0].gate = &g;
        link_nodes(&w, 0, 1);
        world_seed(&w, (edge){.to = 0});
        world_start(&w);
        gate_await(&g, 1);
        gate_open(&g);
        int status = 12345;
        CHECK_EQ(weir_run(other, waits_elsewhere, &w, &status), 0);
        CHECK_EQ(status, 0);
        world_end(&w);
        gate_fini(&g);
    }
    pool_close(other);
    pool_close(pool);
}

static void without_threads_a_wait_that_cannot_end_is_said(void) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
        world w;
        int status = 12345;
        world_make(&w, pool, (weir_frontier_engine)(seed % 3), 2, seed);
        world_open(&w);
        CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status),
                 -EDEADLK);
        world_seed_now(&w, (edge){.to = 0});
        CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status),
                 -EDEADLK);
        CHECK_EQ(tally_get(&w.visits), 1); // it did what could be done
        CHECK_EQ(status, 12345);
        weir_frontier_close(w.frontier);
        CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status), 0);
        CHECK_EQ(status, 0);
        world_end(&w);
        pool_close(pool);
    }
}

// ---- destroy without an end ------------------------------------------------

static void abandoned(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    // Open and empty; open with seeds; closed and at work; with visits that
    // others end.
    for (int kind = 0; kind < 4; kind++) {
        world w;
        uint64_t dice = seed;
        world_make(&w, pool, engine, 40, seed);
        shape_world(&w, 0, 40, &dice);
        w.is_yielding = 1;
        for (size_t i = 0; i < 40 && kind == 3 && !w.is_deterministic; i++)
            w.nodes[i].is_later = 1;
        enders_start(&w, 2);
        world_open(&w);
        if (kind > 0)
            world_seed_now(&w, w.seeds[0]);
        if (kind > 1)
            weir_frontier_close(w.frontier);
        for (uint64_t i = dice_below(&dice, 30); i > 0 && w.is_deterministic;
             i--)
            if (weir_pool_step(pool) == 0)
                break;
        weir_frontier_destroy(w.frontier);
        CHECK_EQ(tally_get(&w.done), 1);
        CHECK(w.done_status == -ECANCELED || w.done_status == 0);
        CHECK_EQ(tally_get(&w.live), 0);
        enders_join(&w);
        world_forget(&w);
    }
}

static void destroy_ends_what_has_not_ended(void) { for_each_world(abandoned); }

// ---- fairness --------------------------------------------------------------

static int sees_other(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)w;
    (void)self;
    (void)visit;
    CHECK_EQ(tally_get(n->argument), 1);
    return 0;
}

static int counts_itself(weir_worker *self, weir_job *job) {
    (void)self;
    tally *ran = (tally *)(void *)(job + 1);
    (void)tally_add(ran);
    return 0;
}

// On one worker, a job that came after the first visit runs before the last.
static void other_jobs_have_their_turn(void) {
    enum { MANY = 20000 };
    for (int engine = 0; engine < 3; engine++) {
        weir_pool *pool = pool_of(1);
        struct {
            weir_job job;
            tally ran;
        } other = {.job = WEIR_JOB_INIT(counts_itself, NULL)};
        tally_init(&other.ran);
        world w;
        gate g;
        gate_init(&g);
        world_make(&w, pool, (weir_frontier_engine)engine, MANY, 1);
        for (size_t i = 0; i + 1 < MANY; i++)
            link_nodes(&w, i, i + 1);
        w.nodes[0].gate = &g;
        w.nodes[MANY - 1].act = sees_other;
        w.nodes[MANY - 1].argument = &other.ran;
        world_seed(&w, (edge){.to = 0});
        world_start(&w);
        gate_await(&g, 1);
        submit(pool, &other.job);
        gate_open(&g);
        CHECK_EQ(world_wait(&w), 0);
        world_end(&w);
        gate_fini(&g);
        pool_close(pool);
    }
}

// ---- soak ------------------------------------------------------------------

static void soak(int threads, weir_frontier_engine engine, size_t count) {
    weir_pool *pool = pool_of(threads);
    world w;
    uint64_t dice = 7;
    world_make(&w, pool, engine, count, 7);
    const shape s = {.nodes = count,
                     .edges = 3 * count,
                     .seeds = 20,
                     .later = 4,
                     .retries = 1,
                     .attempts = 4,
                     .classes = 8,
                     .prefetch = 1};
    world_chance(&w, &s, &dice);
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++)
        w.options.caps[i] = i * 5;
    enders_start(&w, 2);
    world_start(&w);
    int status = world_wait(&w);
    CHECK_EQ(status, 0);
    check_world(&w, status);
    world_end(&w);
    pool_close(pool);
}

static void many_items_of_all_classes(void) {
    soak(2, WEIR_FRONTIER_WORKERS, 100000);
    soak(2, WEIR_FRONTIER_OWNER, 100000);
    soak(4, WEIR_FRONTIER_DEFAULT, 30000);
    soak(0, WEIR_FRONTIER_WORKERS, 3000);
    soak(0, WEIR_FRONTIER_OWNER, 3000);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_shape_ends_exactly", every_shape_ends_exactly},
        {"it_ends_on_threads_again_and_again",
         it_ends_on_threads_again_and_again},
        {"a_visit_is_not_over_before_it_has_returned",
         a_visit_is_not_over_before_it_has_returned},
        {"done_may_ask_for_results", done_may_ask_for_results},
        {"done_may_destroy", done_may_destroy},
        {"destroy_may_meet_what_ended_it", destroy_may_meet_what_ended_it},
        {"destroy_waits_for_done", destroy_waits_for_done},
        {"many_may_wait_and_wait_again", many_may_wait_and_wait_again},
        {"a_worker_cannot_wait_for_its_own_pool",
         a_worker_cannot_wait_for_its_own_pool},
        {"a_worker_of_another_pool_may_wait",
         a_worker_of_another_pool_may_wait},
        {"without_threads_a_wait_that_cannot_end_is_said",
         without_threads_a_wait_that_cannot_end_is_said},
        {"destroy_ends_what_has_not_ended", destroy_ends_what_has_not_ended},
        {"other_jobs_have_their_turn", other_jobs_have_their_turn},
        {"many_items_of_all_classes", many_items_of_all_classes},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
