// SPDX-License-Identifier: MIT
// Everything at once, drawn from seeds: submitted in every way, cancelled,
// late, continued, completed, the pool, the lane and the loop stopped at any
// time. Every accepted call is delivered exactly once, with the truth.
#include "support/loop.h"

#include "base/random.h"

enum { TRIPS = 48, STEPS = 600, FOREIGN = 300 };

struct world;

// A call on its way, again and again. Only `ran` is not of the loop's thread.
typedef struct trip {
    weir_call call; // first
    struct world *world;
    int live;
    int expected;  // and nobody has completed it
    int completes; // ... it ended by weir_call_complete
    int cancelled; // a cancel said 0
    int refuses;   // what run returns
    int ran, stages;
    uint64_t accepted, delivered;
} trip;

typedef struct world {
    uint64_t seed; // state of the random numbers
    weir_loop *loop;
    weir_pool *pool, *other; // other NULL: deterministic
    weir_lane *lane;
    int closing;
    trip trips[TRIPS];
    trip foreign[FOREIGN];
    uint64_t outcomes[5];
} world;

static uint64_t draw(world *w, uint64_t below) {
    return wr_random_next(&w->seed) % below;
}

static const weir_site sites[] = {
    WEIR_SITE_INIT("offloaded"),
    WEIR_SITE_INIT_MODE("inline", WEIR_SITE_INLINE),
    WEIR_SITE_INIT_MODE("adaptive", WEIR_SITE_ADAPTIVE)};

// ---- what calls do ---------------------------------------------------------

static int trip_run(weir_worker *self, weir_call *call) {
    trip *t = (trip *)call;
    world *w = t->world;
    t->ran++;
    if (self != NULL && t->stages % 2 == 1)
        weir_yield(self);
    int why = weir_call_cancelled(call);
    CHECK(why == 0 || why == -ECANCELED || why == -ETIMEDOUT ||
          why == -ESHUTDOWN);
    if (t->stages-- > 0) {
        if (w->other == NULL || t->stages % 3 == 0)
            weir_call_continue(call, w->pool, NULL, trip_run);
        else if (t->stages % 3 == 1)
            weir_call_continue(call, w->other, NULL, trip_run);
        else
            weir_call_continue(call, NULL, w->lane, trip_run);
        return 0;
    }
    return t->refuses;
}

static void trip_start(trip *t);

static void check_fate(const trip *t, int status, weir_outcome outcome) {
    switch (outcome) {
    case WEIR_OUTCOME_DONE:
    case WEIR_OUTCOME_FAILED:
        CHECK_EQ(t->cancelled, 0);
        CHECK_EQ(t->ran > 0, !t->completes);
        CHECK_EQ(status, t->refuses);
        CHECK_EQ(status < 0, outcome == WEIR_OUTCOME_FAILED);
        break;
    case WEIR_OUTCOME_CANCELLED:
        CHECK(status == -ECANCELED || status == -ESHUTDOWN);
        CHECK_EQ(t->completes, 0);
        break;
    case WEIR_OUTCOME_TIMED_OUT:
        CHECK_EQ(status, -ETIMEDOUT);
        CHECK(t->call.deadline_ns != 0);
        CHECK_EQ(t->cancelled, 0);
        break;
    default: CHECK_FAIL("outcome %d in done", (int)outcome);
    }
    if (t->cancelled)
        CHECK_EQ(status, -ECANCELED);
}

static void trip_done(weir_call *call, int status) {
    trip *t = (trip *)call;
    world *w = t->world;
    CHECK_EQ(t->live, 1);
    CHECK_EQ(t->expected, 0);
    t->live = 0;
    t->delivered++;
    weir_outcome outcome = weir_call_outcome(call);
    check_fate(t, status, outcome);
    w->outcomes[outcome]++;
    if (draw(w, 4) == 0)
        trip_start(t);
    if (draw(w, 16) == 0)
        CHECK(weir_loop_drain(w->loop) >= 0);
}

// ---- what the loop's thread does -------------------------------------------

static void trip_init(world *w, trip *t) {
    static const int64_t ahead[] = {
        0, 0, 0, 1000, 20000, 100000, INT64_C(3600000000000)};
    weir_call call = WEIR_CALL_INIT(trip_run, trip_done);
    t->call = call;
    t->world = w;
    uint64_t which = draw(w, TEST_COUNT(ahead));
    t->call.deadline_ns = which == 0   ? 1
                          : which <= 2 ? 0
                                       : weir_now_ns() + ahead[which];
    t->call.priority = (int32_t)draw(w, 3) - 1;
    t->call.site = draw(w, 2) == 0 ? NULL : &sites[draw(w, 3)];
    t->expected = t->completes = t->cancelled = t->ran = 0;
    t->stages = draw(w, 3) == 0 ? (int)draw(w, 6) : 0;
    t->refuses = draw(w, 4) == 0 ? -EIO : (int)draw(w, 3);
}

static void accepted(trip *t, int error) {
    if (error == 0) {
        t->accepted++;
        return;
    }
    CHECK(error == -ESHUTDOWN || error == -EAGAIN);
    t->live = t->expected = t->completes = 0;
}

static void start_batch(world *w, trip *t) {
    trip *batch[4] = {t};
    weir_call *calls[4] = {&t->call};
    size_t count = 1;
    for (int i = 0; i < TRIPS && count < 4; i++)
        if (!w->trips[i].live) {
            trip_init(w, &w->trips[i]);
            w->trips[i].live = 1;
            batch[count] = &w->trips[i];
            calls[count++] = &w->trips[i].call;
        }
    int error = weir_call_submit_batch(w->loop, w->pool, calls, count);
    for (size_t i = 0; i < count; i++)
        accepted(batch[i], error);
}

static void trip_start(trip *t) {
    world *w = t->world;
    trip_init(w, t);
    t->live = 1;
    weir_pool *pool = w->other != NULL && draw(w, 3) == 0 ? w->other : w->pool;
    switch (draw(w, 6)) {
    case 0: start_batch(w, t); break;
    case 1:
        t->expected = t->completes = 1;
        accepted(t, weir_call_expect(w->loop, &t->call));
        break;
    case 2: accepted(t, weir_call_try_submit(w->loop, pool, &t->call)); break;
    case 3:
        if (w->lane != NULL) {
            accepted(t, weir_call_submit_lane(w->loop, w->lane, &t->call));
            break;
        }
        accepted(t, weir_call_submit(w->loop, pool, &t->call));
        break;
    default: accepted(t, weir_call_submit(w->loop, pool, &t->call));
    }
}

static void trip_poke(trip *t) {
    if (t->expected && draw(t->world, 2) == 0) {
        t->expected = 0;
        weir_call_complete(&t->call, t->refuses);
        return;
    }
    int error = weir_call_cancel(&t->call);
    CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    CHECK(error == -EBUSY || !t->expected);
    t->cancelled |= error == 0;
}

static void step(world *w) {
    switch (draw(w, 8)) {
    case 0:
        (void)weir_pool_step(w->pool);
        CHECK(weir_loop_drain(w->loop) >= 0);
        break;
    case 1: CHECK(weir_loop_drain_spin(w->loop) >= 0); break;
    case 2:
        (void)weir_pool_step(w->pool);
        (void)weir_loop_next_deadline(w->loop);
        break;
    default: {
        trip *t = &w->trips[draw(w, TRIPS)];
        if (t->live)
            trip_poke(t);
        else
            trip_start(t);
    }
    }
}

// ---- a thread of its own ---------------------------------------------------

static void foreign_done(weir_call *call, int status) {
    trip *t = (trip *)call;
    CHECK(status == 0 || status == -ESHUTDOWN);
    t->delivered++;
    t->world->outcomes[weir_call_outcome(call)]++;
}

static int foreign_run(weir_worker *self, weir_call *call) {
    (void)self;
    ((trip *)call)->ran++;
    return 0;
}

static void *foreign_main(void *arg) {
    world *w = arg;
    for (int i = 0; i < FOREIGN; i++) {
        trip *t = &w->foreign[i];
        t->world = w;
        t->call = (weir_call)WEIR_CALL_INIT(foreign_run, foreign_done);
        int error = i % 3 == 0
                        ? weir_call_submit_lane(w->loop, w->lane, &t->call)
                        : weir_call_submit(w->loop, w->pool, &t->call);
        CHECK(error == 0 || error == -ESHUTDOWN);
        t->accepted = error == 0;
        if (i % 16 == 0)
            sched_yield();
    }
    return NULL;
}

// ---- a life ----------------------------------------------------------------

static world *world_open(uint64_t seed, int threads) {
    world *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    w->seed = seed;
    weir_loop_options options = loop_options();
    options.calls_max = 1 + draw(w, TRIPS);
    options.drain_calls = draw(w, 2) == 0 ? 0 : 1 + (unsigned)draw(w, 5);
    options.spin_ns = draw(w, 2) == 0 ? -1 : 2000;
    options.sites_max = 1 + (unsigned)draw(w, 3);
    w->loop = loop_open_with(&options);
    if (threads == 0) {
        w->pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
    } else {
        w->pool = pool_of(threads);
        w->other = pool_of(1);
        weir_lane_options lane = lane_options(1 + (unsigned)draw(w, 3));
        lane.keep_ns = draw(w, 2) == 0 ? 1000 : WEIR_FOREVER;
        w->lane = lane_open_with(&lane);
    }
    for (int i = 0; i < TRIPS; i++)
        w->trips[i].world = w;
    return w;
}

static void world_check(world *w) {
    uint64_t taken = 0, delivered = 0;
    for (int i = 0; i < TRIPS; i++) {
        trip *t = &w->trips[i];
        CHECK_EQ(t->live, 0);
        CHECK_EQ(t->accepted, t->delivered);
        taken += t->accepted;
        delivered += t->delivered;
    }
    for (int i = 0; i < FOREIGN; i++) {
        CHECK_EQ(w->foreign[i].accepted, w->foreign[i].delivered);
        taken += w->foreign[i].accepted;
        delivered += w->foreign[i].delivered;
    }
    weir_loop_counts c = loop_counts_of(w->loop);
    CHECK_EQ(c.accepted, taken);
    CHECK_EQ(c.done + c.failed + c.cancelled + c.timed_out, delivered);
    CHECK_EQ(c.done, w->outcomes[WEIR_OUTCOME_DONE]);
    CHECK_EQ(c.failed, w->outcomes[WEIR_OUTCOME_FAILED]);
    CHECK_EQ(c.cancelled, w->outcomes[WEIR_OUTCOME_CANCELLED]);
    CHECK_EQ(c.timed_out, w->outcomes[WEIR_OUTCOME_TIMED_OUT]);
    weir_site_stats s = {.size = sizeof(s)};
    for (unsigned i = 0; weir_loop_site(w->loop, i, &s) == 0; i++) {
        CHECK_EQ(s.active, 0);
        CHECK(s.run.count <= s.done + s.failed + s.cancelled + s.timed_out);
    }
}

// The loop's own end: closed comes, and what was expected is completed.
static void world_end(world *w) {
    closing c = closing_of(w->loop);
    weir_stop_mode mode = (weir_stop_mode)draw(w, 3);
    close_begin(&c, mode);
    for (int i = 0; i < TRIPS; i++)
        if (w->trips[i].expected) {
            w->trips[i].expected = 0;
            weir_call_complete(&w->trips[i].call, w->trips[i].refuses);
        }
    close_settle(&c, w->pool);
    CHECK_EQ(drain(w->loop), 0);
}

static void life(uint64_t seed, int threads) {
    world *w = world_open(seed, threads);
    pthread_t foreign = {0};
    if (threads > 0)
        foreign = thread_start(foreign_main, w);
    uint64_t stop_pool = draw(w, 3 * STEPS), stop_lane = draw(w, 3 * STEPS);
    for (uint64_t i = 0; i < STEPS; i++) {
        if (i == stop_pool)
            CHECK_EQ(weir_pool_stop(w->pool, (weir_stop_mode)draw(w, 3),
                                    WEIR_FOREVER, NULL),
                     0);
        if (i == stop_lane && w->lane != NULL)
            CHECK_EQ(weir_lane_stop(w->lane, (weir_stop_mode)draw(w, 3),
                                    WEIR_FOREVER),
                     0);
        step(w);
    }
    if (threads > 0 && draw(w, 2) == 0) {
        thread_join(foreign);
        threads = -1;
    }
    world_end(w);
    if (threads > 0)
        thread_join(foreign);
    world_check(w);
    loop_close(w->loop);
    if (w->lane != NULL)
        lane_close(w->lane);
    if (w->other != NULL)
        pool_close(w->other);
    pool_close(w->pool);
    free(w);
}

static void lives(int threads, uint64_t seeds) {
    for (uint64_t seed = 0; seed < seeds; seed++) {
        printf("  threads %d, seed %llu\n", threads, (unsigned long long)seed);
        fflush(stdout);
        life(seed, threads);
    }
}

static void any_life_on_no_thread(void) { lives(0, 150); }
static void any_life_on_one_thread(void) { lives(1, 60); }
static void any_life_on_two_threads(void) { lives(2, 60); }
static void any_life_on_four_threads(void) { lives(4, 60); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"any_life_on_no_thread", any_life_on_no_thread},
        {"any_life_on_one_thread", any_life_on_one_thread},
        {"any_life_on_two_threads", any_life_on_two_threads},
        {"any_life_on_four_threads", any_life_on_four_threads},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
