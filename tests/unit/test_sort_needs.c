// SPDX-License-Identifier: MIT
// What sorts take: all the workers there are, and little stack.
#include "base/atomic.h"
#include "support/sorting.h"
#include "weir/sort_inline.h"

static inline int less_u32(const void *a, const void *b, void *context) {
    (void)context;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}
WEIR_SORT_KIND(by_u32, uint32_t, less_u32);

static int compare_u32(const void *a, const void *b, void *context) {
    return less_u32(b, a, context) - less_u32(a, b, context);
}

// ---- by many ---------------------------------------------------------------

static _Thread_local char here; // its address is the thread's

typedef struct watched_order {
    const char *first;    // the thread that sorts
    wr_atomic_u64 others; // compares by other threads
} watched_order;

static int watched_compare(const void *a, const void *b, void *context) {
    watched_order *w = context;
    if (&here != w->first)
        wr_fetch_add(&w->others, 1, relaxed, ALONE, "a count");
    return compare_u32(a, b, NULL);
}

static int run_watched(weir_worker *self, void *argument) {
    enum { FEW = 4000 };
    static uint32_t values[FEW];
    (void)argument;
    // Where no second thread could be started nobody would come.
    if (weir_pool_width(weir_worker_pool(self)) < 2)
        return 0;
    // Some rounds: the other worker may have no processor for a while.
    for (int i = 0; i < 8000; i++) {
        watched_order w = {.first = &here};
        wr_atomic_init(&w.others, 0);
        sort_fill(values, FEW, 0);
        CHECK_EQ(weir_sort(self, values, FEW, 4, watched_compare, &w), 0);
        if (wr_load(&w.others, relaxed, ALONE, "the sort is over") > 0)
            return 0;
    }
    CHECK_FAIL("only one worker has taken part");
}

// For their order may be slow.
static void some_thousand_elements_are_sorted_by_many(void) {
    CHECK_EQ(sort_on_pool(1, run_watched, NULL), 0);
}

// ---- stack -----------------------------------------------------------------

// What weir/sort.h says, and as much again for the pool and the compiler.
enum { STACK = 128 * 1024 };

static int run_on_little_stack(weir_worker *self, void *argument) {
    enum { N = 300000 };
    uint32_t *values = malloc(N * sizeof(*values));
    uint32_t *scratch = malloc(N * sizeof(*scratch));
    (void)argument;
    CHECK(values != NULL && scratch != NULL);
    for (int pattern = 0; pattern < SORT_PATTERNS; pattern++) {
        sort_fill(values, N, pattern);
        CHECK_EQ(weir_sort_of(self, values, N, &by_u32, NULL), 0);
        sort_fill(values, N, pattern);
        CHECK_EQ(
            weir_sort_stable(self, values, N, 4, compare_u32, NULL, scratch),
            0);
        sort_fill(values, N, pattern);
        CHECK_EQ(weir_sort_radix(self, values, N, 4, 0, WEIR_KEY_U32, scratch),
                 0);
    }
    free(values);
    free(scratch);
    return 0;
}

static void sorts_need_little_stack(void) {
    if (WEIR_SANITIZED)
        SKIP("a sanitizer: frames are larger");
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stack_size = STACK;
    weir_pool *pool;
    int status = 1;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    CHECK_EQ(weir_run(pool, run_on_little_stack, NULL, &status), 0);
    CHECK_EQ(status, 0);
    weir_pool_destroy(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"some_thousand_elements_are_sorted_by_many",
         some_thousand_elements_are_sorted_by_many},
        {"sorts_need_little_stack", sorts_need_little_stack},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
