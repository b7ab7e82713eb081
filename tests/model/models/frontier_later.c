// SPDX-License-Identifier: MIT
// Visits that end later, from a thread outside, beside a close, a cancel and a
// pool that stops; and caps: no more visits of a class at once than that, and
// what waits for room is visited.
#include "model/models/rooms.h"
#include "weir/frontier.h"

static weir_pool *pool;
static weir_frontier *frontier;
static unsigned visits[2]; // of keys "a", "b"
static unsigned told[2];   // by cancelled
static unsigned done_calls;
static int done_status;

static unsigned key_of(const weir_visit *visit) {
    size_t size = 0;
    return (unsigned)(*(const char *)weir_visit_key(visit, &size) - 'a');
}

static void note_done(void *context, int status) {
    (void)context;
    done_status = status;
    done_calls++;
}

static void seed(const char *key) {
    weir_key wanted = WEIR_KEY_INIT(key, 1);
    int error = weir_frontier_seed(frontier, &wanted);
    MC_CHECK(error == 0);
}

static weir_frontier_options
options_of(weir_frontier_engine engine,
           int (*visit)(void *context, weir_worker *self, weir_visit *visit)) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit;
    options.done = note_done;
    options.engine = engine;
    return options;
}

static void wait_and_destroy(int expected) {
    int status = 1;
    MC_CHECK(weir_frontier_wait(frontier, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == expected && done_status == expected);
    MC_CHECK(done_calls == 1);
    weir_frontier_destroy(frontier);
    weir_pool_destroy(pool);
}

// ---- ended from outside ----------------------------------------------------

static weir_visit *kept;
static rooms_flag is_kept;

// "a" is ended by a thread outside, which adds "b".
static int keep_first(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    visits[key_of(visit)]++;
    if (key_of(visit) == 1)
        return 0;
    kept = visit;
    rooms_raise(&is_kept);
    return WEIR_VISIT_LATER;
}

static void *add_and_end(void *unused) {
    rooms_await(&is_kept);
    weir_key found = WEIR_KEY_INIT("b", 1);
    weir_visit_add(kept, &found);
    weir_visit_end(kept, 0);
    return unused;
}

static void an_end_from_outside_counts(weir_frontier_engine engine) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options = options_of(engine, keep_first);
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    unsigned other = mc_spawn(add_and_end, NULL);
    weir_frontier_close(frontier);
    wait_and_destroy(0);
    (void)mc_join(other);
    MC_CHECK(visits[0] == 1 && visits[1] == 1);
}

static void workers_wait_for_who_ends_later(void) {
    an_end_from_outside_counts(WEIR_FRONTIER_WORKERS);
}

static void an_owner_waits_for_who_ends_later(void) {
    an_end_from_outside_counts(WEIR_FRONTIER_OWNER);
}

// ---- beside a cancel -------------------------------------------------------

// It is told once at most, and the visit is there as long as this looks.
static void note_told(void *context, weir_visit *visit, int why) {
    (void)context;
    MC_CHECK(why == -ECANCELED || why == -ESHUTDOWN);
    MC_CHECK(weir_visit_cancelled(visit) == why);
    told[key_of(visit)]++;
}

static void *end_kept(void *unused) {
    rooms_await(&is_kept);
    int why = weir_visit_cancelled(kept);
    weir_visit_end(kept, why);
    return unused;
}

static void a_cancel_tells_once(weir_frontier_engine engine) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options = options_of(engine, keep_first);
    options.cancelled = note_told;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    unsigned other = mc_spawn(end_kept, NULL);
    rooms_await(&is_kept);
    weir_frontier_cancel(frontier);
    wait_and_destroy(-ECANCELED);
    (void)mc_join(other);
    MC_CHECK(visits[0] == 1 && visits[1] == 0 && told[0] <= 1);
}

static void workers_tell_who_ends_later_once(void) {
    a_cancel_tells_once(WEIR_FRONTIER_WORKERS);
}

static void an_owner_tells_who_ends_later_once(void) {
    a_cancel_tells_once(WEIR_FRONTIER_OWNER);
}

// Only who is told ends the visit: from inside.
static void end_when_told(void *context, weir_visit *visit, int why) {
    note_told(context, visit, why);
    weir_visit_end(visit, why);
}

static void who_is_told_may_end_it(void) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options =
        options_of(WEIR_FRONTIER_WORKERS, keep_first);
    options.cancelled = end_when_told;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    rooms_await(&is_kept);
    weir_frontier_cancel(frontier);
    wait_and_destroy(-ECANCELED);
    MC_CHECK(visits[0] == 1 && told[0] == 1);
}

static void *cancel(void *unused) {
    weir_frontier_cancel(frontier);
    return unused;
}

// Who sees that it was cancelled ends the last visit, and all of it may go.
static void a_cancel_may_return_after_the_end(void) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options =
        options_of(WEIR_FRONTIER_WORKERS, keep_first);
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    weir_frontier_close(frontier);
    rooms_await(&is_kept);
    unsigned other = mc_spawn(cancel, NULL);
    while (weir_visit_cancelled(kept) == 0)
        mc_await();
    weir_visit_end(kept, -ECANCELED);
    wait_and_destroy(-ECANCELED);
    (void)mc_join(other);
}

static void a_pool_that_stops_tells_too(void) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options =
        options_of(WEIR_FRONTIER_WORKERS, keep_first);
    options.cancelled = end_when_told;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    rooms_await(&is_kept);
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL) == 0);
    wait_and_destroy(-ESHUTDOWN);
    MC_CHECK(visits[0] == 1 && told[0] == 1);
}

// ---- caps ------------------------------------------------------------------

static mc_mutex at_once_lock;
static unsigned at_once;
static rooms_flag begun, going;

static int visit_alone(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    mc_lock(&at_once_lock);
    MC_CHECK(++at_once == 1);
    mc_unlock(&at_once_lock);
    visits[key_of(visit)]++;
    rooms_raise(&begun);
    rooms_await(&going);
    mc_lock(&at_once_lock);
    at_once--;
    mc_unlock(&at_once_lock);
    return 0;
}

static void a_cap_holds_and_all_are_visited(void) {
    pool = rooms_pool(2, 0);
    weir_frontier_options options =
        options_of(WEIR_FRONTIER_WORKERS, visit_alone);
    options.caps[0] = 1;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    rooms_await(&begun);
    seed("b");
    rooms_raise(&going);
    weir_frontier_close(frontier);
    wait_and_destroy(0);
    MC_CHECK(visits[0] == 1 && visits[1] == 1);
}

// The room in the class is the first visit's until the thread outside ends it:
// nobody looks for work by then.
static void an_end_from_outside_makes_room(void) {
    pool = rooms_pool(1, 0);
    weir_frontier_options options =
        options_of(WEIR_FRONTIER_WORKERS, keep_first);
    options.caps[0] = 1;
    MC_CHECK(weir_frontier_create(&frontier, &options) == 0);
    seed("a");
    unsigned other = mc_spawn(end_kept, NULL);
    seed("b");
    weir_frontier_close(frontier);
    wait_and_destroy(0);
    (void)mc_join(other);
    MC_CHECK(visits[0] == 1 && visits[1] == 1);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(workers_wait_for_who_ends_later, 1),
    BOUNDED(an_owner_waits_for_who_ends_later, 1),
    BOUNDED(workers_tell_who_ends_later_once, 1),
    BOUNDED(an_owner_tells_who_ends_later_once, 0),
    BOUNDED(who_is_told_may_end_it, 1),
    BOUNDED(a_cancel_may_return_after_the_end, 1),
    BOUNDED(a_pool_that_stops_tells_too, 1),
    BOUNDED(a_cap_holds_and_all_are_visited, 0),
    BOUNDED(an_end_from_outside_makes_room, 1),
    {.name = NULL},
};
