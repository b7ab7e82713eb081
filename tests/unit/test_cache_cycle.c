// SPDX-License-Identifier: MIT
// Loads that get other keys: what would wait for itself is refused, and what
// only looks like it is not.
#include "support/cache.h"

enum { KEY = 7 };

// ---- what is no cycle ------------------------------------------------------

static void chain(weir_pool *pool) {
    enum { LENGTH = 32 };
    static uint64_t next[LENGTH];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i + 1 < LENGTH; i++) {
        next[i] = i + 1;
        needs(&b, i, &next[i], 1);
    }
    ask a;
    ask_pending(&b, &a, 0);
    settle(&b, 1);
    check_value(&a, 1);
    CHECK_EQ(b.loads, LENGTH);
    CHECK_EQ(cache_counts(&b).entries, LENGTH);
    bench_close(&b);
}

static void a_long_chain_is_loaded_from_its_end(void) { for_each_pool(chain); }

// A diamond of diamonds: 2^n ways, 3n + 1 loads.
static void diamond(weir_pool *pool) {
    enum { LEVELS = 10 };
    static uint64_t below[LEVELS][3];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i < LEVELS; i++) {
        below[i][0] = 3 * i + 1;
        below[i][1] = 3 * i + 2;
        below[i][2] = 3 * i + 3;
        needs(&b, 3 * i, below[i], 2);
        needs(&b, 3 * i + 1, &below[i][2], 1);
        needs(&b, 3 * i + 2, &below[i][2], 1);
    }
    ask a;
    ask_pending(&b, &a, 0);
    settle(&b, 1);
    check_value(&a, 1);
    CHECK_EQ(b.loads, 3 * LEVELS + 1);
    CHECK_EQ(b.refused_deadlk, 0);
    bench_close(&b);
}

static void a_diamond_is_no_cycle(void) { for_each_pool(diamond); }

// The same key twice, by one load.
static void twice(weir_pool *pool) {
    static const uint64_t same[] = {2, 2, 2};
    bench b;
    bench_open(&b, pool);
    needs(&b, 1, same, 3);
    ask a;
    ask_pending(&b, &a, 1);
    settle(&b, 1);
    check_value(&a, 1);
    CHECK_EQ(b.loads, 2);
    bench_close(&b);
}

static void one_load_may_get_a_key_twice(void) { for_each_pool(twice); }

// Many parents, one child; some are asked for outside as well.
static void fan(weir_pool *pool) {
    static const uint64_t child[] = {100, 101, 102};
    bench b;
    bench_open(&b, pool);
    ask asks[20];
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t key = i < 16 ? i : 100 + i % 3;
        if (i < 16)
            needs(&b, i, child, 3);
        ask_init(&b, &asks[i], key);
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, 20);
    CHECK_EQ(b.loads, 19);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(asks[i].status, 0);
    bench_close(&b);
}

static void many_loads_may_get_the_same(void) { for_each_pool(fan); }

// A load that has got its answer waits for nothing any more: the other way
// round is allowed then.
static void no_more_an_edge(weir_pool *pool) {
    static const uint64_t one[] = {1}, two[] = {2};
    bench b;
    bench_open(&b, pool);
    b.may_overlap = 1;
    needs(&b, 1, two, 1);
    ask a;
    ask_pending(&b, &a, 1);
    settle(&b, 1);
    CHECK_EQ(invalidate(&b, 2), 0);
    needs(&b, 2, one, 1); // READY
    ask_pending(&b, &a, 2);
    settle(&b, 2);
    CHECK_EQ(a.status, 0);
    CHECK_EQ(invalidate(&b, 1), 0);
    needs(&b, 1, NULL, 0);
    CHECK_EQ(invalidate(&b, 2), 0);
    ask_pending(&b, &a, 2); // gets 1, which needs nothing now
    settle(&b, 3);
    CHECK_EQ(a.status, 0);
    CHECK_EQ(b.refused_deadlk, 0);
    bench_close(&b);
}

static void what_was_answered_is_no_wait(void) {
    for_each_pool(no_more_an_edge);
}

// A failure below is told above, for the load to make of it what it likes.
static void fails_below(weir_pool *pool) {
    static const uint64_t next[] = {1, 2};
    bench b;
    bench_open(&b, pool);
    needs(&b, 0, &next[0], 1);
    needs(&b, 1, &next[1], 1);
    plan_of(&b, 2)->status = -EIO;
    ask a;
    ask_pending(&b, &a, 0);
    settle(&b, 1);
    check_failed(&a, -EIO);
    CHECK_EQ(cache_counts(&b).failed, 3);
    CHECK_EQ(cache_counts(&b).entries, 0);
    bench_close(&b);
}

static void a_failure_below_reaches_the_top(void) {
    for_each_pool(fails_below);
}

// ---- cycles ----------------------------------------------------------------

// Of `length` keys each of which gets the next and the last the first: one get
// is refused, and all flights end.
static unsigned cycle_length;

static void cycle(weir_pool *pool) {
    static uint64_t next[64];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i < cycle_length; i++) {
        next[i] = (i + 1) % cycle_length;
        needs(&b, i, &next[i], 1);
    }
    ask a;
    ask_pending(&b, &a, 0);
    settle(&b, 1);
    check_failed(&a, cycle_length == 1 ? -EDEADLK : a.status);
    CHECK(a.status == -EDEADLK || a.status == -ELOOP);
    CHECK_EQ(b.refused_deadlk, 1);
    CHECK_EQ(b.loads, cycle_length);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.failed, cycle_length);
    CHECK_EQ(c.waiting, 0);
    CHECK_EQ(c.coalesced, 0); // the refused one left nothing
    for (uint64_t i = 0; i < cycle_length; i++)
        CHECK_EQ(find(&b, i, NULL), -ENOENT);
    bench_close(&b);
}

static void a_load_that_gets_its_own_key_is_refused(void) {
    cycle_length = 1;
    for_each_pool(cycle);
}

static void two_loads_that_get_each_other_are_refused_once(void) {
    cycle_length = 2;
    for_each_pool(cycle);
}

static void a_long_cycle_is_refused_where_it_closes(void) {
    cycle_length = 24;
    for_each_pool(cycle);
}

// A refused get has changed nothing: it may be asked again, elsewhere.
static int gets_itself(bench *b, plan *p, weir_worker *self,
                       weir_flight *flight) {
    (void)self;
    ask *a = p->argument;
    weir_cache_counts before = cache_counts(b);
    ask_init(b, a, KEY);
    a->get.from = flight;
    a->get.argument = a;
    CHECK_EQ(ask_try(a), -EDEADLK);
    CHECK(a->get.entry == NULL);
    CHECK_EQ(weir_get_cancel(b->cache, &a->get), -EALREADY);
    weir_cache_counts after = cache_counts(b);
    CHECK_EQ(after.misses, before.misses);
    CHECK_EQ(after.coalesced, before.coalesced);
    CHECK_EQ(after.flights, before.flights);
    a->get.from = NULL; // nobody's load: it simply waits
    CHECK_EQ(ask_try(a), WEIR_CACHE_PENDING);
    return 0;
}

static void refused(weir_pool *pool) {
    bench b;
    ask inner, outer;
    bench_open(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->act = gets_itself;
    p->argument = &inner;
    ask_pending(&b, &outer, KEY);
    settle(&b, 2);
    check_value(&inner, 1);
    check_value(&outer, 1);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(inner.is_dropped + inner.ran, 0);
    bench_free(&b);
}

static void a_refused_get_has_changed_nothing(void) { for_each_pool(refused); }

// Both flights are started before either load gets the other.
static void from_two_sides(weir_pool *pool) {
    static const uint64_t one[] = {1}, two[] = {2};
    bench b;
    bench_open(&b, pool);
    held h[4];
    unsigned width = b.is_deterministic ? 0 : weir_pool_width(pool);
    for (unsigned i = 0; i < width; i++)
        hold(pool, &h[i]);
    needs(&b, 1, two, 1);
    needs(&b, 2, one, 1);
    ask asks[2];
    for (uint64_t i = 0; i < 2; i++)
        ask_pending(&b, &asks[i], i + 1);
    for (unsigned i = 0; i < width; i++)
        release(&h[i]);
    settle(&b, 2);
    wait_idle(pool);
    CHECK_EQ(b.refused_deadlk, 1); // exactly one, whoever asks last
    CHECK_EQ(b.loads, 2);
    int deadlk = (asks[0].status == -EDEADLK) + (asks[1].status == -EDEADLK);
    int told = (asks[0].status == -ELOOP) + (asks[1].status == -ELOOP);
    CHECK_EQ(deadlk, 1);
    CHECK_EQ(told, 1);
    bench_close(&b);
    for (unsigned i = 0; i < width; i++)
        gate_fini(&h[i].gate);
}

static void a_cycle_closed_from_two_sides_is_refused_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, from_two_sides, 5 * TEST_SEEDS);
}

// Five sides at once, and outsiders that wait.
static void from_five_sides(weir_pool *pool) {
    static const uint64_t next[] = {1, 2, 3, 4, 0};
    bench b;
    bench_open(&b, pool);
    held h[4];
    unsigned width = b.is_deterministic ? 0 : weir_pool_width(pool);
    for (unsigned i = 0; i < width; i++)
        hold(pool, &h[i]);
    ask asks[10];
    for (uint64_t i = 0; i < 5; i++)
        needs(&b, i, &next[i], 1);
    for (uint64_t i = 0; i < 10; i++) {
        ask_init(&b, &asks[i], i % 5);
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    for (unsigned i = 0; i < width; i++)
        release(&h[i]);
    settle(&b, 10);
    wait_idle(pool);
    CHECK_EQ(b.refused_deadlk, 1);
    for (int i = 0; i < 10; i++)
        CHECK(asks[i].status < 0);
    bench_close(&b);
    for (unsigned i = 0; i < width; i++)
        gate_fini(&h[i].gate);
}

static void a_cycle_closed_from_five_sides_is_refused_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, from_five_sides, 2 * TEST_SEEDS);
}

// A cycle behind a branch: the load that closes it is not the first.
static void behind_a_branch(weir_pool *pool) {
    static const uint64_t from0[] = {1, 4}, from1[] = {2}, from2[] = {3, 5},
                          from3[] = {1};
    bench b;
    bench_open(&b, pool);
    needs(&b, 0, from0, 2);
    needs(&b, 1, from1, 1);
    needs(&b, 2, from2, 2);
    needs(&b, 3, from3, 1);
    ask a, good;
    ask_pending(&b, &a, 0);
    ask_init(&b, &good, 5);
    CHECK(ask_try(&good) >= 0);
    settle(&b, 2);
    CHECK_EQ(a.status, -ELOOP);
    CHECK_EQ(good.status, 0);
    CHECK_EQ(b.refused_deadlk, 1);
    CHECK_EQ(find(&b, 4, NULL), 0);
    CHECK_EQ(find(&b, 1, NULL), -ENOENT);
    bench_close(&b);
}

static void a_cycle_behind_a_branch_is_found(void) {
    for_each_pool(behind_a_branch);
}

// A wait that has ended for lack of time is no wait: no cycle is left of it.
static void a_get_that_left_is_no_part_of_a_cycle(void) {
    for (unsigned seed = 0; seed < 50; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 3);
        bench b;
        bench_open(&b, pool);
        plan_of(&b, 1)->is_later = 1;
        plan_of(&b, 2)->is_later = 1;
        ask one, two, inner, back;
        ask_pending(&b, &one, 1);
        ask_pending(&b, &two, 2);
        begun(&b, 1, 1);
        begun(&b, 2, 1);
        ask_init(&b, &inner, 2); // 1 waits for 2
        inner.get.from = plan_of(&b, 1)->flight;
        CHECK_EQ(ask_try(&inner), WEIR_CACHE_PENDING);
        ask_init(&b, &back, 1); // 2 would wait for 1
        back.get.from = plan_of(&b, 2)->flight;
        CHECK_EQ(ask_try(&back), -EDEADLK);
        CHECK_EQ(weir_get_cancel(b.cache, &inner.get), 0);
        settle(&b, 1);
        CHECK_EQ(ask_try(&back), WEIR_CACHE_PENDING);
        inner.ended = 0;
        CHECK_EQ(ask_try(&inner), -EDEADLK);
        land(&b, 1, 0);
        settle(&b, 3);
        land(&b, 2, 0);
        settle(&b, 4);
        check_value(&one, 1 + (uint64_t)(one.value == 2));
        check_value(&back, one.value);
        bench_close(&b);
        pool_close(pool);
    }
}

// What was invalidated is another flight: the old one may wait for the new.
static void old_waits_for_new(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    b.may_overlap = 1;
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask first, second, inner;
    ask_pending(&b, &first, KEY);
    begun(&b, KEY, 1);
    weir_flight *old = p->flight;
    CHECK_EQ(invalidate(&b, KEY), 0);
    ask_pending(&b, &second, KEY);
    begun(&b, KEY, 2);
    ask_init(&b, &inner, KEY);
    inner.get.from = old;
    CHECK_EQ(ask_try(&inner), WEIR_CACHE_PENDING);
    land(&b, KEY, 0);
    settle(&b, 2);
    check_value(&inner, 2);
    land_flight(&b, p, old, 1, 0);
    settle(&b, 3);
    check_value(&first, 1);
    bench_close(&b);
}

static void a_superseded_load_may_get_its_key_anew(void) {
    for_each_pool(old_waits_for_new);
}

// F waits for G, which waits for H. G gives up: F is answered, if not told yet.
// Then H may get F.
typedef struct gives_up {
    bench b; // first
    ask back;
    int result;
    int is_set; // they wait for each other as above
    tally calls;
} gives_up;

enum { F = 1, G = 2, H = 3 };

static void gave_up(void *context, weir_flight *flight, int why) {
    gives_up *t = context;
    if (flight_key(flight) != G || !t->is_set)
        return;
    CHECK_EQ(why, -ETIMEDOUT);
    ask_init(&t->b, &t->back, F);
    t->back.get.from = plan_of(&t->b, H)->flight;
    t->result = ask_try(&t->back);
    mark_set(&t->calls);
}

static void what_gave_up_is_no_part_of_a_cycle(void) {
    int seen = 0;
    for (unsigned seed = 0; seed < 20; seed++) {
        weir_pool *pool = pool_seeded(seed, 1);
        gives_up t = {.result = 0};
        ask asks[3], inner[2];
        weir_cache_options options = bench_options(&t.b, pool);
        options.load_ns = INT64_C(1000000000);
        options.cancelled = gave_up;
        tally_init(&t.calls);
        bench_start(&t.b, &options);
        static const uint64_t order[] = {G, F, H}; // G gives up first
        for (int i = 0; i < 3; i++) {
            plan_of(&t.b, order[i])->is_later = 1;
            ask_pending(&t.b, &asks[i], order[i]);
            until(weir_now_ns() + 1000);
        }
        ask_init(&t.b, &inner[0], G);
        ask_init(&t.b, &inner[1], H);
        while (loads_of(&t.b, F) + loads_of(&t.b, G) + loads_of(&t.b, H) < 3 &&
               find(&t.b, G, NULL) == -EAGAIN)
            CHECK_EQ(weir_pool_step(pool), 1);
        // Else a deadline came first.
        if (loads_of(&t.b, F) + loads_of(&t.b, H) == 2 &&
            find(&t.b, F, NULL) == -EAGAIN && find(&t.b, G, NULL) == -EAGAIN &&
            find(&t.b, H, NULL) == -EAGAIN) {
            inner[0].get.from = plan_of(&t.b, F)->flight;
            CHECK_EQ(ask_try(&inner[0]), WEIR_CACHE_PENDING);
            inner[1].get.from = plan_of(&t.b, G)->flight;
            CHECK_EQ(ask_try(&inner[1]), WEIR_CACHE_PENDING);
            t.is_set = 1;
            bench_until(&t.b, &t.calls, 1);
            CHECK_EQ(t.result, WEIR_CACHE_PENDING);
            seen++;
        }
        rest(&t.b);
        for (int i = 0; i < 3; i++)
            if (loads_of(&t.b, order[i]) > 0)
                land(&t.b, order[i], 0);
        bench_close(&t.b);
        pool_close(pool);
    }
    CHECK(seen > 0);
}

// Random graphs: whatever the edges are, every get ends, and one that was
// refused had a cycle.
static void random_graphs(weir_pool *pool) {
    enum { NODES = 12 };
    static uint64_t edges[NODES][2];
    uint32_t random = 12345;
    for (int round = 0; round < 3; round++) {
        bench b;
        bench_open(&b, pool);
        int forward = round == 0; // then there is no cycle
        for (uint64_t i = 0; i < NODES; i++) {
            for (int j = 0; j < 2; j++) {
                random = random * 1664525u + 1013904223u;
                uint64_t to = (random >> 16) % NODES;
                edges[i][j] = forward && to <= i ? NODES + i : to;
            }
            needs(&b, i, edges[i], 2);
        }
        ask asks[2 * NODES];
        for (uint64_t i = 0; i < 2 * NODES; i++) {
            ask_init(&b, &asks[i], i % NODES);
            CHECK(ask_try(&asks[i]) >= 0);
        }
        settle(&b, 2 * NODES);
        for (int i = 0; i < 2 * NODES; i++)
            CHECK(asks[i].status == 0 ||
                  (!forward &&
                   (asks[i].status == -EDEADLK || asks[i].status == -ELOOP)));
        if (forward)
            CHECK_EQ(b.refused_deadlk, 0);
        bench_close(&b);
    }
}

static void every_get_of_a_random_graph_ends(void) {
    for_each_pool(random_graphs);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_long_chain_is_loaded_from_its_end",
         a_long_chain_is_loaded_from_its_end},
        {"a_diamond_is_no_cycle", a_diamond_is_no_cycle},
        {"one_load_may_get_a_key_twice", one_load_may_get_a_key_twice},
        {"many_loads_may_get_the_same", many_loads_may_get_the_same},
        {"what_was_answered_is_no_wait", what_was_answered_is_no_wait},
        {"a_failure_below_reaches_the_top", a_failure_below_reaches_the_top},
        {"a_load_that_gets_its_own_key_is_refused",
         a_load_that_gets_its_own_key_is_refused},
        {"two_loads_that_get_each_other_are_refused_once",
         two_loads_that_get_each_other_are_refused_once},
        {"a_long_cycle_is_refused_where_it_closes",
         a_long_cycle_is_refused_where_it_closes},
        {"a_refused_get_has_changed_nothing",
         a_refused_get_has_changed_nothing},
        {"a_cycle_closed_from_two_sides_is_refused_once",
         a_cycle_closed_from_two_sides_is_refused_once},
        {"a_cycle_closed_from_five_sides_is_refused_once",
         a_cycle_closed_from_five_sides_is_refused_once},
        {"a_cycle_behind_a_branch_is_found", a_cycle_behind_a_branch_is_found},
        {"a_get_that_left_is_no_part_of_a_cycle",
         a_get_that_left_is_no_part_of_a_cycle},
        {"a_superseded_load_may_get_its_key_anew",
         a_superseded_load_may_get_its_key_anew},
        {"what_gave_up_is_no_part_of_a_cycle",
         what_gave_up_is_no_part_of_a_cycle},
        {"every_get_of_a_random_graph_ends", every_get_of_a_random_graph_ends},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
