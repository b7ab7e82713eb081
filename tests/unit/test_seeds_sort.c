// SPDX-License-Identifier: MIT
// Sorts and merges under many seeds, some cancelled at any step: the same bits
// as on one worker, and the same elements always.
#include "support/seeds.h"
#include "support/sorting.h"
#include "weir/sort_inline.h"

enum { LONG = 50000, LONGEST = 290000, SPLIT_EVERY = 25 };
enum { SORTED = 1, REVERSED = 2 }; // patterns of sort_fill
enum { STEPS_FEW = 10, STEPS = 60 };
enum { WORKERS_MAX = 4, MERGE_LEAF = 16384 };

enum sort_kind { QUICK, QUICK_POINTER, STABLE, STABLE_POINTER, RADIX, MERGE };

typedef struct sorted {
    enum sort_kind kind;
    size_t count, a_count; // a_count: of a merge
    int status;            // its own; the scope around it may be cancelled
    bool told;
    size_t compared; // since it was told
    sort_record before[LONGEST], after[LONGEST], out[LONGEST];
} sorted;

static sorted now;

static inline int less(const void *a, const void *b, void *context) {
    (void)context;
    now.compared += now.told;
    return ((const sort_record *)a)->key < ((const sort_record *)b)->key;
}
WEIR_SORT_KIND(by_key, sort_record, less);

static int compare(const void *a, const void *b, void *context) {
    return less(b, a, context) - less(a, b, context);
}

static int sort_it(weir_worker *self) {
    size_t size = sizeof(sort_record);
    switch (now.kind) {
    case QUICK: return weir_sort_of(self, now.after, now.count, &by_key, NULL);
    case QUICK_POINTER:
        return weir_sort(self, now.after, now.count, size, compare, NULL);
    case STABLE:
        return weir_sort_stable_of(self, now.after, now.count, &by_key, NULL,
                                   now.out);
    case STABLE_POINTER:
        return weir_sort_stable(self, now.after, now.count, size, compare, NULL,
                                NULL);
    case RADIX:
        return weir_sort_radix(self, now.after, now.count, size, 0,
                               WEIR_KEY_U32, now.out);
    default:
        return weir_merge_of(self, now.before, now.a_count,
                             now.before + now.a_count, now.count - now.a_count,
                             now.after, &by_key, NULL);
    }
}

// ---- cancelled at any step -------------------------------------------------

typedef struct canceller {
    weir_job job;
    weir_scope *scope;
    uint64_t steps; // from which on it is cancelled
} canceller;

static int cancel_after(weir_worker *self, weir_job *job) {
    canceller *c = (canceller *)job;
    for (uint64_t i = 0; i < c->steps; i++)
        weir_yield(self);
    SAY("it is cancelled");
    weir_scope_cancel(c->scope);
    now.told = true;
    return 0;
}

static int child_run(weir_worker *self, weir_job *job) {
    (void)job;
    now.status = sort_it(self);
    return now.status;
}

static int sort_beside(weir_worker *self, void *argument) {
    canceller *c = argument;
    weir_scope scope;
    weir_job child = WEIR_JOB_INIT(child_run, NULL);
    now.status = -ECANCELED; // if it never runs
    now.told = false;
    now.compared = 0;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child);
    if (c->steps > 0) {
        c->scope = &scope;
        c->job = (weir_job)WEIR_JOB_INIT(cancel_after, NULL);
        weir_scope_spawn(self, &scope, &c->job);
    }
    int status = weir_scope_wait(self, &scope);
    CHECK(status == now.status || (now.status == 0 && c->steps > 0));
    return now.status;
}

// ---- what it came to -------------------------------------------------------

static void check_with_one(void) {
    static sort_record expected[LONGEST];
    canceller none = {.steps = 0};
    int status = 1;
    bool stable = now.kind != QUICK && now.kind != QUICK_POINTER;
    memcpy(expected, now.after, now.count * sizeof(*expected));
    sort_records_check(expected, now.count, now.before, stable);
    memcpy(now.after, now.before, now.count * sizeof(*now.after));
    weir_pool *pool = pool_seeded(1, 1);
    CHECK_EQ(weir_run(pool, sort_beside, &none, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(memcmp(now.after, expected, now.count * sizeof(*expected)), 0);
    pool_close(pool);
}

static int by_key_then_place(const void *a, const void *b) {
    const sort_record *x = a, *y = b;
    int order = compare(x, y, NULL);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

// Two runs, with equal keys in both; the indices tell where each was.
static void make_runs(void) {
    now.a_count = seed_below(now.count + 1);
    size_t b_count = now.count - now.a_count;
    qsort(now.before, now.a_count, sizeof(*now.before), by_key_then_place);
    qsort(now.before + now.a_count, b_count, sizeof(*now.before),
          by_key_then_place);
    for (size_t i = 0; i < now.count; i++)
        now.before[i].index = (uint32_t)i;
}

// Most sorts have few steps.
static uint64_t draw_steps(void) {
    return 1 + seed_below(seed_one_in(2) ? STEPS_FEW : STEPS);
}

static void scenario(weir_pool *pool, uint64_t seed) {
    canceller c = {.steps = seed_one_in(2) ? draw_steps() : 0};
    int pattern = seed_one_in(4) ? REVERSED : (int)seed_below(SORT_PATTERNS);
    now.kind = seed_one_in(4) ? MERGE : (enum sort_kind)seed_below(MERGE + 1);
    // The partition by many takes long arrays, and so long; a merge, and what
    // is one run, does not.
    bool quick = now.kind == MERGE || pattern == SORTED || pattern == REVERSED;
    now.count =
        seed % SPLIT_EVERY == 0 ? LONGEST : seed_below(quick ? LONGEST : LONG);
    sort_records_make(now.before, now.count, pattern);
    if (now.kind == MERGE)
        make_runs();
    memcpy(now.after, now.before, now.count * sizeof(*now.after));
    SAY("kind %d of %zu elements, pattern %d", (int)now.kind, now.count,
        pattern);
    int status = 1;
    CHECK_EQ(weir_run(pool, sort_beside, &c, &status), 0);
    SAY("it ends with %d", status);
    CHECK(status == 0 || (status == -ECANCELED && c.steps > 0));
    // Each worker ends the leaf that it is at; a cut is looked for once more.
    if (now.kind == MERGE)
        CHECK(now.compared <= WORKERS_MAX * (MERGE_LEAF + 20));
    if (status == 0)
        check_with_one();
    else if (now.kind != MERGE)
        sort_records_permuted(now.after, now.count, now.before);
}

SEEDS_MAIN("sort", scenario, 300 / TEST_SMALLER)
