// SPDX-License-Identifier: MIT
// What an attack on the protocols found: each case is one defect that was
// there. The number in its comment is that of the finding.
#include "base/fault.h"
#include "support/pool.h"
#include "weir/frontier.h"

static const weir_frontier_engine engines[] = {WEIR_FRONTIER_WORKERS,
                                               WEIR_FRONTIER_OWNER};

enum { SEEDS = 60, MS = 1000000 };

typedef struct attack {
    weir_pool *pool;
    weir_frontier *frontier;
    weir_frontier_options options;
    int error; // of create
    int created;
    int done;
    int status;
    weir_visit *later;
    unsigned visits, demands, prefetches;
    unsigned rare_at;
    uint8_t rare_class, common_class;
    tally marks[4];
    weir_event event;
} attack;

static int plain_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    (void)visit;
    ((attack *)context)->visits++;
    return 0;
}

static void attack_done(void *context, int status) {
    attack *a = context;
    a->done++;
    a->status = status;
}

static void attack_init(attack *a, weir_pool *pool, weir_frontier_engine engine,
                        int (*visit)(void *, weir_worker *, weir_visit *)) {
    *a = (attack){.pool = pool};
    a->options = (weir_frontier_options)WEIR_FRONTIER_OPTIONS_INIT;
    a->options.pool = pool;
    a->options.context = a;
    a->options.visit = visit;
    a->options.done = attack_done;
    a->options.engine = engine;
}

static void attack_open(attack *a, weir_pool *pool, weir_frontier_engine engine,
                        int (*visit)(void *, weir_worker *, weir_visit *)) {
    attack_init(a, pool, engine, visit);
    CHECK_EQ(weir_frontier_create(&a->frontier, &a->options), 0);
}

static void seed_text(attack *a, const char *text) {
    weir_key key = WEIR_KEY_INIT(text, strlen(text));
    CHECK_EQ(weir_frontier_seed(a->frontier, &key), 0);
}

static void attack_close(attack *a) {
    weir_frontier_close(a->frontier);
    CHECK_EQ(weir_frontier_wait(a->frontier, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(a->done, 1);
    weir_frontier_destroy(a->frontier);
}

static char first_byte(const weir_visit *visit) {
    return *(const char *)weir_visit_key(visit, NULL);
}

// ---- A1: create against a stop ---------------------------------------------

typedef struct creation {
    weir_job job;
    attack *a;
} creation;

static int creation_run(weir_worker *self, weir_job *job) {
    (void)self;
    attack *a = ((creation *)(void *)job)->a;
    a->error = weir_frontier_create(&a->frontier, &a->options);
    a->created = 1;
    return 0;
}

static void stop_in_create(weir_frontier_engine engine, uint64_t seed,
                           int steps) {
    attack a;
    weir_pool *pool = pool_seeded(seed, 2);
    attack_init(&a, pool, engine, plain_visit);
    creation c = {.job = WEIR_JOB_INIT(creation_run, NULL), .a = &a};
    submit(pool, &c.job);
    for (int i = 0; i < steps; i++)
        (void)weir_pool_step(pool);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL), 0);
    if (a.created && a.error == 0) {
        CHECK_EQ(a.done, 1);
        CHECK_EQ(a.status, -ESHUTDOWN);
        weir_frontier_destroy(a.frontier);
    } else {
        CHECK_EQ(a.error, a.created ? -ESHUTDOWN : 0);
        CHECK_EQ(a.done, 0);
    }
    weir_pool_destroy(pool);
}

static void a_create_that_a_stop_meets_fails_or_has_made_one(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            for (int steps = 0; steps < 12; steps++)
                stop_in_create(engines[e], seed, steps);
}

// ---- A2: a letter after the owner has gone ---------------------------------

static int later_child(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    attack *a = context;
    if (first_byte(visit) == 'L') {
        a->later = visit;
        return WEIR_VISIT_LATER;
    }
    static const char names[] = "Lb";
    for (size_t i = 0; i < 2; i++) {
        weir_key key = WEIR_KEY_INIT(&names[i], 1);
        weir_visit_add(visit, &key);
    }
    return 0;
}

static void end_after_stop(weir_frontier_engine engine, uint64_t seed,
                           int steps) {
    attack a;
    weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 2);
    attack_open(&a, pool, engine, later_child);
    seed_text(&a, "a");
    weir_frontier_close(a.frontier);
    for (int i = 0; i < steps; i++)
        (void)weir_pool_step(pool);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(a.done, a.later == NULL);
    if (a.later != NULL)
        weir_visit_end(a.later, 0);
    CHECK_EQ(a.done, 1);
    weir_frontier_destroy(a.frontier);
    weir_pool_destroy(pool);
}

static void the_last_visit_ends_it_after_a_stop_at_any_step(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint64_t seed = 0; seed < 2 * SEEDS; seed++)
            for (int steps = 8; steps < 24; steps++)
                end_after_stop(engines[e], seed, steps);
}

// ---- A3: cancel wakes each runner once -------------------------------------

static int listed_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    attack *a = context;
    a->later = visit;
    mark_set(&a->marks[0]);
    return WEIR_VISIT_LATER;
}

// Each time that a runner goes idle again it is one more job of the pool.
static void a_cancel_wakes_nobody_again_and_again(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (int round = 0; round < 100; round++) {
            attack a;
            weir_pool *pool = pool_of(2);
            attack_open(&a, pool, engines[e], listed_visit);
            seed_text(&a, "a");
            mark_await(&a.marks[0], 1);
            uint64_t before = counts_of(pool).submitted;
            weir_frontier_cancel(a.frontier);
            uint64_t most = 4 * weir_pool_index_limit(pool);
            CHECK(counts_of(pool).submitted - before <= most);
            weir_visit_end(a.later, 0);
            attack_close(&a);
            weir_pool_destroy(pool);
        }
}

// ---- A4: prefetches of all classes have their turn -------------------------

static void add_numbered(attack *a, weir_visit *visit, int prefetch) {
    char text[16];
    unsigned *number = prefetch ? &a->prefetches : &a->demands;
    int size =
        snprintf(text, sizeof(text), "%c%u", prefetch ? 'p' : 'd', (*number)++);
    weir_key key = WEIR_KEY_INIT(text, (size_t)size);
    key.visit_class = prefetch ? a->common_class : 3;
    key.prefetch = (uint8_t)prefetch;
    weir_visit_add(visit, &key);
}

static int breeding_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    attack *a = context;
    a->visits++;
    char kind = first_byte(visit);
    if (kind == 'r')
        a->rare_at = a->visits;
    if (kind == 'r' || a->visits > 8000)
        return 0;
    if (kind == 'S') {
        weir_key key = WEIR_KEY_INIT("r", 1);
        key.visit_class = a->rare_class;
        key.prefetch = 1;
        weir_visit_add(visit, &key);
    }
    for (int i = kind == 'S' ? 50 : 1; i > 0; i--) {
        add_numbered(a, visit, 1);
        add_numbered(a, visit, 0);
    }
    return 0;
}

static void prefetches_of_all_classes_have_their_turn(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint8_t rare = 0; rare < WEIR_FRONTIER_CLASSES; rare++)
            for (uint8_t common = 0; common < WEIR_FRONTIER_CLASSES; common++) {
                attack a;
                if (rare == common || rare == 3 || common == 3 ||
                    (rare != 0 && common != 0 && rare + common != 7))
                    continue;
                weir_pool *pool = pool_of(1);
                attack_open(&a, pool, engines[e], breeding_visit);
                a.rare_class = rare;
                a.common_class = common;
                weir_key key = WEIR_KEY_INIT("S", 1);
                key.visit_class = 3;
                CHECK_EQ(weir_frontier_seed(a.frontier, &key), 0);
                attack_close(&a);
                CHECK(a.rare_at > 0 && a.rare_at < 1000);
                weir_pool_destroy(pool);
            }
}

// ---- A5: what a visit was told first ---------------------------------------

static int cancelling_visit(void *context, weir_worker *self,
                            weir_visit *visit) {
    (void)self;
    attack *a = context;
    int why;
    while ((why = weir_visit_cancelled(visit)) == 0)
        sched_yield();
    CHECK_EQ(why, -ETIMEDOUT);
    weir_frontier_cancel(a->frontier);
    return why;
}

static void who_ends_as_told_is_cancelled_whatever_was_told_since(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++) {
        attack a;
        weir_pool *pool = pool_of(1);
        attack_init(&a, pool, engines[e], cancelling_visit);
        // Behind the visit on the only worker, which sees it by itself.
        a.options.deadline_ns = in_ms(50);
        CHECK_EQ(weir_frontier_create(&a.frontier, &a.options), 0);
        weir_key key = WEIR_KEY_INIT("a", 1);
        int error = weir_frontier_seed(a.frontier, &key);
        CHECK(error == 0 || error == -ESHUTDOWN); // a slow machine
        weir_frontier_close(a.frontier);
        CHECK_EQ(weir_frontier_wait(a.frontier, WEIR_FOREVER, NULL), 0);
        weir_frontier_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(weir_frontier_count(a.frontier, &counts), 0);
        CHECK_EQ(counts.failed, 0);
        CHECK_EQ(counts.cancelled, counts.items);
        weir_frontier_destroy(a.frontier);
        weir_pool_destroy(pool);
    }
}

// ---- A6: what one visit found may be what the next one waits for -----------

enum { BUSY_IN, BUSY_GO, FINDER_IN, FINDER_GO };

static int waiting_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    attack *a = context;
    weir_key key = WEIR_KEY_INIT("k", 1);
    switch (first_byte(visit)) {
    case 'c':
        mark_set(&a->marks[BUSY_IN]);
        mark_await(&a->marks[BUSY_GO], 1);
        break;
    case 'A':
        mark_set(&a->marks[FINDER_IN]);
        mark_await(&a->marks[FINDER_GO], 1);
        weir_visit_add(visit, &key);
        break;
    case 'B':
        mark_set(&a->marks[BUSY_GO]);
        return weir_event_wait(&a->event, WEIR_FOREVER, NULL);
    case 'k': return weir_event_fire(&a->event, 0);
    default: break;
    }
    return 0;
}

static void what_a_visit_found_does_not_wait_for_the_next(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++) {
        attack a;
        weir_pool *pool = pool_of(2);
        attack_open(&a, pool, engines[e], waiting_visit);
        weir_event_init(&a.event, pool, 1);
        seed_text(&a, "c");
        mark_await(&a.marks[BUSY_IN], 1);
        seed_text(&a, "A");
        mark_await(&a.marks[FINDER_IN], 1);
        // All runners are called, so that nobody seems to be idle.
        seed_text(&a, "B");
        seed_text(&a, "D");
        seed_text(&a, "E");
        mark_set(&a.marks[FINDER_GO]);
        attack_close(&a);
        CHECK_EQ(a.status, 0);
        weir_pool_destroy(pool);
    }
}

// ---- A7: names in reports --------------------------------------------------

static void a_report_after_its_end_knows_the_name(void) {
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        attack a;
        weir_pool *pool = pool_seeded(seed, 2);
        attack_open(&a, pool, engines[seed % 2], plain_visit);
        seed_text(&a, "a");
        attack_close(&a);
        weir_stop_report report = {.size = sizeof(report)};
        (void)weir_pool_stop(pool, WEIR_STOP_DRAIN, 0, &report);
        for (unsigned i = 0; i < report.running; i++, seen++)
            CHECK_STR(report.running_jobs[i].name, "frontier");
        weir_pool_destroy(pool);
    }
    CHECK(seen > 0);
}

static void step_all(weir_pool *pool) {
    while (weir_pool_step(pool) == 1)
        continue;
}

// ---- A9: the pool may be gone when the last job of a frontier has left ------

// Held up once done was called: what is released then is the last job's.
static attack *releasing;

static void *capture_nothing(void *context) { return context; }

static void slow_release(void *context, void *captured) {
    (void)context;
    (void)captured;
    attack *a = releasing;
    if (weir_worker_self() == NULL && a != NULL && a->done > 0) {
        mark_set(&a->marks[1]);
        mark_await(&a->marks[2], 1);
    }
}

static void *end_elsewhere(void *argument) {
    weir_visit_end(((attack *)argument)->later, 0);
    return NULL;
}

static void the_pool_is_not_idle_before_all_is_released(void) {
    attack a;
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .capture = capture_nothing,
                             .release = slow_release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.hooks = &hooks;
    weir_pool *pool = pool_open(&options);
    // With an owner it is he who ends it, on a worker.
    attack_open(&a, pool, WEIR_FRONTIER_WORKERS, listed_visit);
    releasing = &a;
    seed_text(&a, "a");
    weir_frontier_close(a.frontier);
    mark_await(&a.marks[0], 1);
    // Its runner rests: so that whoever ends it takes the last job back.
    while (counts_of(pool).running > 0)
        sched_yield();
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, end_elsewhere, &a), 0);
    mark_await(&a.marks[1], 1);
    CHECK_EQ(weir_pool_wait_idle(pool, 0), -ETIMEDOUT);
    mark_set(&a.marks[2]);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    releasing = NULL;
    attack_close(&a);
    weir_pool_destroy(pool);
}

// ---- A10: a shorter way to what was set aside ------------------------------

typedef struct ways {
    attack a;
    weir_visit *shortcut, *bystander, *failing, *longcut;
    int reached;
} ways;

static void add_letter(weir_visit *visit, const char *letter) {
    weir_key key = WEIR_KEY_INIT(letter, 1);
    weir_visit_add(visit, &key);
}

static int ways_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    ways *w = context;
    switch (first_byte(visit)) {
    case 'S': w->shortcut = visit; return WEIR_VISIT_LATER;
    case 'W': w->bystander = visit; return WEIR_VISIT_LATER;
    case 'F': w->failing = visit; return WEIR_VISIT_LATER;
    case 'Y': w->longcut = visit; return WEIR_VISIT_LATER;
    case 'P': add_letter(visit, "Q"); return 0;
    case 'Q':
        add_letter(visit, "F");
        add_letter(visit, "Y");
        return 0;
    default: w->reached++; return 0;
    }
}

static void a_shorter_way(weir_frontier_engine engine, uint64_t seed) {
    ways w = {.reached = 0};
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 3);
    attack_init(&w.a, pool, engine, ways_visit);
    w.a.options.policy = WEIR_FRONTIER_FIRST;
    CHECK_EQ(weir_frontier_create(&w.a.frontier, &w.a.options), 0);
    seed_text(&w.a, "S");
    seed_text(&w.a, "W");
    seed_text(&w.a, "P");
    step_all(pool);
    weir_visit_end(w.failing, -EIO); // two steps from a seed
    step_all(pool);
    add_letter(w.longcut, "X"); // three
    step_all(pool);
    CHECK_EQ(w.reached, 0);
    add_letter(w.shortcut, "X"); // one
    step_all(pool);
    CHECK_EQ(w.reached, 1);
    weir_visit_end(w.shortcut, 0);
    weir_visit_end(w.longcut, 0);
    weir_visit_end(w.bystander, 0);
    attack_close(&w.a);
    CHECK_EQ(w.a.status, -EIO);
    weir_pool_destroy(pool);
}

static void a_shorter_way_brings_back_what_was_set_aside_at_once(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            a_shorter_way(engines[e], seed);
}

// ---- A12: memory that comes back -------------------------------------------

static int first_later(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    attack *a = context;
    a->visits++;
    if (a->later != NULL)
        return 0;
    a->later = visit;
    return WEIR_VISIT_LATER;
}

static void memory_that_comes_back_is_used(void) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        attack a;
        weir_pool *pool = pool_seeded(seed, 2);
        attack_open(&a, pool, engines[seed % 2], first_later);
        seed_text(&a, "R");
        seed_text(&a, "b");
        if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 1000000))
            SKIP("built without faults");
        step_all(pool);
        (void)wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK_EQ(a.visits, 1);
        seed_text(&a, "c");
        step_all(pool);
        CHECK_EQ(a.visits, 3);
        weir_visit_end(a.later, 0);
        attack_close(&a);
        weir_pool_destroy(pool);
    }
}

// ----------------------------------------------------------------------------

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_create_that_a_stop_meets_fails_or_has_made_one",
         a_create_that_a_stop_meets_fails_or_has_made_one},
        {"the_last_visit_ends_it_after_a_stop_at_any_step",
         the_last_visit_ends_it_after_a_stop_at_any_step},
        {"a_cancel_wakes_nobody_again_and_again",
         a_cancel_wakes_nobody_again_and_again},
        {"prefetches_of_all_classes_have_their_turn",
         prefetches_of_all_classes_have_their_turn},
        {"who_ends_as_told_is_cancelled_whatever_was_told_since",
         who_ends_as_told_is_cancelled_whatever_was_told_since},
        {"what_a_visit_found_does_not_wait_for_the_next",
         what_a_visit_found_does_not_wait_for_the_next},
        {"a_report_after_its_end_knows_the_name",
         a_report_after_its_end_knows_the_name},
        {"the_pool_is_not_idle_before_all_is_released",
         the_pool_is_not_idle_before_all_is_released},
        {"a_shorter_way_brings_back_what_was_set_aside_at_once",
         a_shorter_way_brings_back_what_was_set_aside_at_once},
        {"memory_that_comes_back_is_used", memory_that_comes_back_is_used},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
