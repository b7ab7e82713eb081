// SPDX-License-Identifier: MIT
// What weir/parallel.h promises, one promise a case, at widths 1, 2, 4 and on
// deterministic pools of many seeds.
#include "support/parallel.h"

#include <sched.h>
#include <stdlib.h>

enum { N = 20000 };

// ---- each index once -------------------------------------------------------

static wr_atomic_u32 visits[N];

// No piece may be much of its loop: nobody can take half of it.
static int visit(weir_worker *self, void *context, size_t from, size_t to) {
    const size_t *length = context;
    (void)self;
    CHECK(from < to);
    CHECK(to - from <= *length / 8 + 1);
    for (size_t i = from; i < to; i++)
        count(&visits[i], 1);
    return 0;
}

static int visit_all(weir_worker *self, void *argument) {
    static size_t lengths[] = {0, 1, 2, 3, 255, 256, 257, 1000, N};
    (void)argument;
    for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
        memset(visits, 0, sizeof(visits));
        CHECK_EQ(weir_parallel_for(self, 0, lengths[n], visit, &lengths[n]), 0);
        for (size_t i = 0; i < N; i++)
            CHECK_EQ(counted(&visits[i]), i < lengths[n]);
    }
    CHECK_EQ(weir_parallel_for(self, 5, 3, visit, &lengths[0]), 0);
    return 0;
}

static void every_index_is_visited_once(void) {
    on_every_pool(visit_all, NULL, 0);
}

// ---- errors ----------------------------------------------------------------

// Fails at 700 with -ENOENT, at 900 with -ENOMEM, at each index above 10,000.
static int fail_some(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    (void)context;
    for (size_t i = from; i < to; i++) {
        count(&visits[i], 1);
        if (i == 700)
            return -ENOENT;
        if (i == 900)
            return -ENOMEM;
        if (i > 10000)
            return -EINVAL;
    }
    return 0;
}

static int run_failing(weir_worker *self, void *argument) {
    (void)argument;
    memset(visits, 0, sizeof(visits));
    int status = weir_parallel_for(self, 0, N, fail_some, NULL);
    for (size_t i = 0; i <= 700; i++)
        CHECK_EQ(counted(&visits[i]), 1); // all before the error ran
    return status;
}

static void the_error_of_the_lowest_index_is_returned(void) {
    on_every_pool(run_failing, NULL, -ENOENT);
}

// ---- long bodies and short ones --------------------------------------------

// Each of two indices waits for the other: without two workers at once the
// loop does not end.
static int meet(weir_worker *self, void *context, size_t from, size_t to) {
    wr_atomic_u32 *inside = context;
    (void)self;
    CHECK_EQ(to - from, 1);
    count(inside, 1);
    while (counted(inside) < 2)
        sched_yield();
    return 0;
}

static int run_meeting(weir_worker *self, void *argument) {
    (void)argument;
    // Where no second thread could be started nobody would come.
    if (weir_pool_width(weir_worker_pool(self)) < 2)
        return 0;
    wr_atomic_u32 inside;
    wr_atomic_init(&inside, 0);
    return weir_parallel_for(self, 0, 2, meet, &inside);
}

static void a_loop_of_few_indices_is_spread_at_once(void) {
    on_pool(2, 0, run_meeting, NULL, 0);
    on_pool(4, 0, run_meeting, NULL, 0);
}

// The first indices are over in no time, the others are not.
static int be_long_later(weir_worker *self, void *context, size_t from,
                         size_t to) {
    wr_atomic_u32 *by = context; // of each worker
    for (size_t i = from; i < to; i++)
        if (i > 300) {
            count(&by[weir_worker_index(self)], 1);
            work_a_while();
        }
    return 0;
}

static int run_later(weir_worker *self, void *argument) {
    (void)argument;
    wr_atomic_u32 by[4] = {0};
    if (weir_pool_width(weir_worker_pool(self)) < 2)
        return 0; // as above
    CHECK_EQ(weir_pool_index_limit(weir_worker_pool(self)), 4);
    // Some rounds: the other worker may have no processor for a while.
    for (int i = 0; i < 5000; i++) {
        CHECK_EQ(weir_parallel_for(self, 0, 1000, be_long_later, by), 0);
        int workers = 0;
        for (int k = 0; k < 4; k++)
            workers += counted(&by[k]) > 0;
        if (workers > 1)
            return 0;
    }
    CHECK_FAIL("only one worker has taken part");
}

static void a_loop_that_becomes_long_is_spread(void) {
    on_pool(2, 0, run_later, NULL, 0);
}

// ---- nesting and cancelling ------------------------------------------------

static int inner(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    count(context, (uint32_t)(to - from));
    return 0;
}

static int outer(weir_worker *self, void *context, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        CHECK_EQ(weir_parallel_for(self, 0, i, inner, context), 0);
    return 0;
}

static int run_nested(weir_worker *self, void *argument) {
    (void)argument;
    wr_atomic_u32 total;
    wr_atomic_init(&total, 0);
    CHECK_EQ(weir_parallel_for(self, 0, 60, outer, &total), 0);
    CHECK_EQ(counted(&total), 60 * 59 / 2);
    return 0;
}

static void loops_nest(void) { on_every_pool(run_nested, NULL, 0); }

static int cancel_from_inside(weir_worker *self, void *context, size_t from,
                              size_t to) {
    (void)from;
    (void)to;
    cancel_all(self, context);
    return 0;
}

static int child_run(weir_worker *self, weir_job *job) {
    return weir_parallel_for(self, 0, N, cancel_from_inside, job);
}

static int run_cancelled(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, child_run, 64);
}

static void a_cancelled_loop_says_so_and_stops_early(void) {
    on_every_pool(run_cancelled, NULL, -ECANCELED);
}

// ---- reduction -------------------------------------------------------------

static float values[N];

static int sum_leaf(weir_worker *self, void *context, size_t from, size_t to,
                    void *partial) {
    (void)self;
    (void)context;
    float sum = 0;
    for (size_t i = from; i < to; i++)
        sum += values[i];
    memcpy(partial, &sum, sizeof(sum));
    return 0;
}

static void sum_combine(void *context, void *left, const void *right) {
    (void)context;
    float a, b;
    memcpy(&a, left, sizeof(a));
    memcpy(&b, right, sizeof(b));
    a += b;
    memcpy(left, &a, sizeof(a));
}

static int run_sum(weir_worker *self, void *argument) {
    static const weir_reduction sum = {
        .size = sizeof(float), .leaf = sum_leaf, .combine = sum_combine};
    float result = -1;
    CHECK_EQ(weir_parallel_reduce(self, 3, 3, &sum, &result), 0);
    CHECK(result == -1);
    CHECK_EQ(weir_parallel_reduce(self, 0, N, &sum, &result), 0);
    float *first = argument;
    if (*first == 0)
        *first = result;
    CHECK_EQ(memcmp(first, &result, sizeof(result)), 0);
    return 0;
}

static void a_sum_of_floats_has_the_same_bits_at_any_width(void) {
    uint64_t random = 42;
    for (int i = 0; i < N; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        values[i] = (float)(random >> 40) / 3.0F;
    }
    float first = 0;
    on_every_pool(run_sum, &first, 0);
    CHECK(first > 0);
}

// A sum whose leaves fail where one holds 9000, 9500 or 15000.
static int failing_leaf(weir_worker *self, void *context, size_t from,
                        size_t to, void *partial) {
    (void)self;
    count(context, 1);
    work_a_while();
    *(size_t *)partial = to - from;
    for (size_t i = from; i < to; i++)
        if (i == 9000 || i == 9500 || i == 15000)
            return i == 9000 ? -ENOENT : -ENOMEM;
    return 0;
}

static void size_combine(void *context, void *left, const void *right) {
    (void)context;
    *(size_t *)left += *(const size_t *)right;
}

static int run_failing_sum(weir_worker *self, void *argument) {
    wr_atomic_u32 leaves;
    wr_atomic_init(&leaves, 0);
    weir_reduction sum = {sizeof(size_t), failing_leaf, size_combine, &leaves,
                          NULL};
    size_t result = 77;
    int status = weir_parallel_reduce(self, 0, N, &sum, &result);
    CHECK_EQ(result, 77);
    if (weir_pool_width(weir_worker_pool(self)) == 1)
        *(uint32_t *)argument = counted(&leaves);
    CHECK_EQ(weir_parallel_reduce(self, 0, 9000, &sum, &result), 0);
    CHECK_EQ(result, 9000);
    return status;
}

static void the_error_of_the_lowest_leaf_is_returned(void) {
    uint32_t leaves = 0;
    on_every_pool(run_failing_sum, &leaves, -ENOENT);
    CHECK(leaves > 0 && leaves < 64 / 2); // on one worker, none after it
}

// The tree of a length, as text: "((0 1) (2 3))".
typedef struct tree {
    char text[250];
} tree;

static int tree_leaf(weir_worker *self, void *context, size_t from, size_t to,
                     void *partial) {
    (void)self;
    (void)context;
    work_a_while();
    tree *leaf = partial;
    snprintf(leaf->text, sizeof(leaf->text), "%zu:%zu", from, to - from);
    return 0;
}

static void tree_combine(void *context, void *left, const void *right) {
    (void)context;
    tree both, *to = left;
    const tree *from = right;
    // No more text than fits: of a long one a hash says enough.
    uint64_t hash = 0;
    for (const char *c = to->text; *c != '\0'; c++)
        hash = hash * 31 + (unsigned char)*c;
    for (const char *c = from->text; *c != '\0'; c++)
        hash = hash * 37 + (unsigned char)*c;
    snprintf(both.text, sizeof(both.text), "(%.100s %.100s %016llx)", to->text,
             from->text, (unsigned long long)hash);
    *to = both;
}

static int run_trees(weir_worker *self, void *argument) {
    static const size_t lengths[] = {1,   2,    31,   32,   33,
                                     100, 1024, 1025, 9000, 70000};
    enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };
    static const weir_reduction how = {sizeof(tree), tree_leaf, tree_combine,
                                       NULL, NULL};
    tree *first = argument;
    for (size_t i = 0; i < LENGTHS; i++) {
        tree result;
        CHECK_EQ(weir_parallel_reduce(self, 0, lengths[i], &how, &result), 0);
        if (first[i].text[0] == '\0')
            first[i] = result;
        CHECK_STR(result.text, first[i].text);
    }
    return 0;
}

static void the_tree_depends_on_the_length_alone(void) {
    tree first[10] = {0};
    on_every_pool_of(5, run_trees, first, 0);
    CHECK_STR(first[0].text, "0:1");
}

// What a range is, put together: [first, end), or nothing that fits.
typedef struct range {
    size_t first, end;
} range;

static int range_leaf(weir_worker *self, void *context, size_t from, size_t to,
                      void *partial) {
    if (context != NULL)
        cancel_all(self, context);
    *(range *)partial = (range){from, to};
    return 0;
}

static void range_combine(void *context, void *left, const void *right) {
    (void)context;
    range *to = left;
    const range *from = right;
    CHECK_EQ(to->end, from->first);
    to->end = from->end;
}

static const weir_reduction ranges = {
    .size = sizeof(range), .leaf = range_leaf, .combine = range_combine};

static int run_ranges(weir_worker *self, void *argument) {
    (void)argument;
    range result = {0, 0};
    CHECK_EQ(weir_parallel_reduce(self, 3, N, &ranges, &result), 0);
    CHECK_EQ(result.first, 3);
    CHECK_EQ(result.end, N);
    return 0;
}

static void the_left_part_is_combined_with_the_right_one(void) {
    on_every_pool(run_ranges, NULL, 0);
}

static int reduce_run(weir_worker *self, weir_job *job) {
    weir_reduction cancelling = ranges;
    cancelling.context = job;
    range result = {77, 78};
    int status = weir_parallel_reduce(self, 0, N, &cancelling, &result);
    CHECK_EQ(result.first, 77);
    CHECK_EQ(result.end, 78);
    return status;
}

static int run_cancelled_sum(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, reduce_run, 32);
}

static void a_cancelled_sum_says_so_and_leaves_the_result(void) {
    on_every_pool(run_cancelled_sum, NULL, -ECANCELED);
}

// Values that hold memory: how many there are, and what becomes of them.
typedef struct holding {
    wr_atomic_u32 made, given_back;
    size_t fails; // the leaf with this index, SIZE_MAX: none
    cancelled_child *child;
} holding;

static int holding_leaf(weir_worker *self, void *context, size_t from,
                        size_t to, void *partial) {
    holding *h = context;
    (void)self;
    work_a_while();
    if (h->child != NULL && from > N / 2)
        cancel_all(self, h->child);
    if (from <= h->fails && h->fails < to)
        return -ENOENT;
    size_t *sum = malloc(sizeof(*sum));
    CHECK(sum != NULL);
    *sum = to - from;
    count(&h->made, 1);
    *(size_t **)partial = sum;
    return 0;
}

static void holding_discard(void *context, void *partial) {
    count(&((holding *)context)->given_back, 1);
    free(*(size_t **)partial);
}

static void holding_combine(void *context, void *left, const void *right) {
    size_t *other = *(size_t *const *)right;
    **(size_t **)left += *other;
    holding_discard(context, &other);
}

static int hold_and_sum(weir_worker *self, holding *h) {
    const weir_reduction how = {sizeof(size_t *), holding_leaf, holding_combine,
                                h, holding_discard};
    size_t *result = NULL;
    wr_atomic_init(&h->made, 0);
    wr_atomic_init(&h->given_back, 0);
    int status = weir_parallel_reduce(self, 0, N, &how, &result);
    CHECK_EQ(result == NULL, status != 0);
    if (status == 0) {
        CHECK_EQ(*result, N);
        holding_discard(h, &result);
    }
    CHECK(counted(&h->made) > 0 || h->fails == 0);
    CHECK_EQ(counted(&h->given_back), counted(&h->made));
    return status;
}

static int holding_job(weir_worker *self, weir_job *job) {
    holding h = {.fails = SIZE_MAX, .child = (cancelled_child *)job};
    return hold_and_sum(self, &h);
}

static int run_holdings(weir_worker *self, void *argument) {
    static const size_t fails[] = {SIZE_MAX, 0, 1000, N / 2, N - 1};
    (void)argument;
    for (size_t i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
        holding h = {.fails = fails[i]};
        CHECK_EQ(hold_and_sum(self, &h), fails[i] == SIZE_MAX ? 0 : -ENOENT);
    }
    return run_in_scope(self, holding_job, N);
}

static void what_a_failed_sum_has_made_is_discarded_once(void) {
    on_every_pool(run_holdings, NULL, -ECANCELED);
}

static int run_bad_sizes(weir_worker *self, void *argument) {
    weir_reduction bad = {.size = 0, .leaf = sum_leaf, .combine = sum_combine};
    (void)argument;
    CHECK_EQ(weir_parallel_reduce(self, 0, 9, &bad, NULL), -EINVAL);
    bad.size = WEIR_PARTIAL_MAX + 1;
    return weir_parallel_reduce(self, 0, 9, &bad, NULL);
}

static void a_partial_of_a_bad_size_is_refused(void) {
    on_every_pool(run_bad_sizes, NULL, -EINVAL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_index_is_visited_once", every_index_is_visited_once},
        {"the_error_of_the_lowest_index_is_returned",
         the_error_of_the_lowest_index_is_returned},
        {"loops_nest", loops_nest},
        {"a_loop_of_few_indices_is_spread_at_once",
         a_loop_of_few_indices_is_spread_at_once},
        {"a_loop_that_becomes_long_is_spread",
         a_loop_that_becomes_long_is_spread},
        {"the_error_of_the_lowest_leaf_is_returned",
         the_error_of_the_lowest_leaf_is_returned},
        {"the_tree_depends_on_the_length_alone",
         the_tree_depends_on_the_length_alone},
        {"a_cancelled_loop_says_so_and_stops_early",
         a_cancelled_loop_says_so_and_stops_early},
        {"a_sum_of_floats_has_the_same_bits_at_any_width",
         a_sum_of_floats_has_the_same_bits_at_any_width},
        {"a_partial_of_a_bad_size_is_refused",
         a_partial_of_a_bad_size_is_refused},
        {"what_a_failed_sum_has_made_is_discarded_once",
         what_a_failed_sum_has_made_is_discarded_once},
        {"the_left_part_is_combined_with_the_right_one",
         the_left_part_is_combined_with_the_right_one},
        {"a_cancelled_sum_says_so_and_leaves_the_result",
         a_cancelled_sum_says_so_and_leaves_the_result},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
