// SPDX-License-Identifier: MIT
// A frontier ends when all is done and not before, in both engines: each key
// is visited once, done is called once, and nothing is touched afterwards.
#include "model/models/rooms.h"
#include "weir/frontier.h"

static weir_pool *pool;
static weir_frontier *frontier;
static unsigned visits[2]; // of keys "a", "b"
static unsigned done_calls;
static int done_status;

static void add(weir_visit *visit, const char *key) {
    weir_key found = WEIR_KEY_INIT(key, 1);
    weir_visit_add(visit, &found);
}

// "a" asks for "b".
static int visit_one(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    size_t size = 0;
    char key = *(const char *)weir_visit_key(visit, &size);
    visits[key - 'a']++;
    if (key == 'a')
        add(visit, "b");
    return 0;
}

static void note_done(void *context, int status) {
    (void)context;
    done_status = status;
    done_calls++;
}

static void make_frontier(weir_frontier_engine engine, int threads) {
    pool = rooms_pool(threads, 0);
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit_one;
    options.done = note_done;
    options.engine = engine;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
}

static void seed(const char *key) {
    weir_key wanted = WEIR_KEY_INIT(key, 1);
    MC_CHECK(weir_frontier_seed(frontier, &wanted) == 0);
}

static void wait_and_destroy(int expected) {
    int status = 1;
    MC_CHECK(weir_frontier_wait(frontier, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == expected && done_status == expected);
    MC_CHECK(done_calls == 1);
    weir_frontier_destroy(frontier);
    weir_pool_destroy(pool);
}

static void all_is_visited_once(weir_frontier_engine engine) {
    make_frontier(engine, 1);
    seed("a");
    weir_frontier_close(frontier);
    wait_and_destroy(0);
    MC_CHECK(visits[0] == 1 && visits[1] == 1);
}

static void workers_visit_all_and_end(void) {
    all_is_visited_once(WEIR_FRONTIER_WORKERS);
}

static void an_owner_has_all_visited_and_ends(void) {
    all_is_visited_once(WEIR_FRONTIER_OWNER);
}

static void *seed_another(void *unused) {
    seed("b");
    return unused;
}

// A key that two make known at once is visited by one.
static void a_seed_beside_a_visit_is_known_once(weir_frontier_engine engine) {
    make_frontier(engine, 1);
    seed("a");
    unsigned other = mc_spawn(seed_another, NULL);
    (void)mc_join(other);
    weir_frontier_close(frontier);
    wait_and_destroy(0);
    MC_CHECK(visits[0] == 1 && visits[1] == 1);
}

static void workers_find_a_key_once(void) {
    a_seed_beside_a_visit_is_known_once(WEIR_FRONTIER_WORKERS);
}

static void an_owner_finds_a_key_once(void) {
    a_seed_beside_a_visit_is_known_once(WEIR_FRONTIER_OWNER);
}

// ---- what is seen at the end -----------------------------------------------

static rooms_flag begun[2];
static int written[2];

// Two visits on two workers: each writes once the other has begun too. One
// fails: whoever ends the work looks for that.
static int visit_beside(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    size_t size = 0;
    int own = *(const char *)weir_visit_key(visit, &size) - 'a';
    rooms_raise(&begun[own]);
    rooms_await(&begun[1 - own]);
    written[own] = 1;
    return own == 0 ? 0 : -EIO;
}

static void look_at_all(void *context, int status) {
    MC_CHECK(written[0] == 1 && written[1] == 1);
    note_done(context, status);
}

static void done_sees_what_all_visits_did(void) {
    pool = rooms_pool(2, 0);
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit_beside;
    options.done = look_at_all;
    options.engine = WEIR_FRONTIER_WORKERS;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    seed("b");
    weir_frontier_close(frontier);
    wait_and_destroy(-EIO);
}

// Who waits for nothing, and finds that it has ended, sees all of it.
static void who_finds_it_ended_may_look(void) {
    make_frontier(WEIR_FRONTIER_WORKERS, 1);
    seed("b");
    weir_frontier_close(frontier);
    weir_item *const *items = NULL;
    size_t count = 0;
    while (weir_frontier_items(frontier, &items, &count) == -EBUSY)
        mc_await();
    MC_CHECK(count == 1 && visits[1] == 1);
    MC_CHECK(weir_item_outcome(items[0]) == WEIR_ITEM_DONE);
    wait_and_destroy(0);
}

static void a_cancel_ends_it(weir_frontier_engine engine) {
    make_frontier(engine, 1);
    seed("a");
    weir_frontier_cancel(frontier);
    int status = 1;
    MC_CHECK(weir_frontier_wait(frontier, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == -ECANCELED && done_calls == 1);
    MC_CHECK(visits[0] <= 1 && visits[1] <= visits[0]);
    weir_frontier_destroy(frontier);
    weir_pool_destroy(pool);
}

static void workers_end_when_cancelled(void) {
    a_cancel_ends_it(WEIR_FRONTIER_WORKERS);
}

static void an_owner_ends_when_cancelled(void) {
    a_cancel_ends_it(WEIR_FRONTIER_OWNER);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(workers_visit_all_and_end, 1),
    BOUNDED(an_owner_has_all_visited_and_ends, 1),
    BOUNDED(workers_find_a_key_once, 1),
    BOUNDED(an_owner_finds_a_key_once, 1),
    BOUNDED(done_sees_what_all_visits_did, 0),
    BOUNDED(who_finds_it_ended_may_look, 0),
    BOUNDED(workers_end_when_cancelled, 1),
    BOUNDED(an_owner_ends_when_cancelled, 1),
    {.name = NULL},
};
