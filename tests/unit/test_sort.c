// SPDX-License-Identifier: MIT
// What weir/sort.h promises of sorts by comparison and of merges.
#include "base/atomic.h"
#include "base/fault.h"
#include "support/sorting.h"
#include "weir/parallel.h"
#include "weir/sort_inline.h"

typedef wr_atomic_u64 tally;

static uint64_t count_one(tally *t) {
    return wr_fetch_add(t, 1, relaxed, ALONE, "a count, orders nothing");
}

static inline int less_u32(const void *a, const void *b, void *context) {
    (void)context;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}
WEIR_SORT_KIND(by_u32, uint32_t, less_u32);
WEIR_SORT_KIND(by_key, sort_record, less_u32);

// An order may also be the opposite of `<`, and elements big.
typedef struct big {
    uint32_t key;
    uint32_t rest[24];
} big;
static inline int more(const void *a, const void *b, void *context) {
    return less_u32(b, a, context);
}
WEIR_SORT_KIND(big_first, big, more);

static int compare_u32(const void *a, const void *b, void *context) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    (void)context;
    return x < y ? -1 : x > y;
}

static int plain_compare(const void *a, const void *b) {
    return compare_u32(a, b, NULL);
}

// ---- patterns --------------------------------------------------------------

enum { LENGTHS = 74, LONGEST = 300000 };

// 0 to 70, then what has a leaf, forks, and a partition by many.
static size_t length_of(int i) {
    static const size_t more_of[] = {1000, 20000, LONGEST};
    return i <= 70 ? (size_t)i : more_of[i - 71];
}

typedef struct pattern_case {
    int lengths;
    int stable;
} pattern_case;

static void sort_pattern(weir_worker *self, size_t count, int pattern) {
    uint32_t *expected = malloc((count + 1) * sizeof(*expected));
    uint32_t *one = malloc((count + 1) * sizeof(*one));
    uint32_t *two = malloc((count + 1) * sizeof(*two));
    CHECK(expected != NULL && one != NULL && two != NULL);
    sort_fill(expected, count, pattern);
    memcpy(one, expected, count * sizeof(*one));
    memcpy(two, expected, count * sizeof(*two));
    qsort(expected, count, sizeof(*expected), plain_compare);
    CHECK_EQ(weir_sort_of(self, one, count, &by_u32, NULL), 0);
    CHECK_EQ(weir_sort(self, two, count, sizeof(*two), compare_u32, NULL), 0);
    CHECK_EQ(memcmp(one, expected, count * sizeof(*one)), 0);
    CHECK_EQ(memcmp(two, expected, count * sizeof(*two)), 0);
    free(expected);
    free(one);
    free(two);
}

static void sort_pattern_stably(weir_worker *self, size_t count, int pattern) {
    sort_record *before = malloc((count + 1) * sizeof(*before));
    sort_record *after = malloc((count + 1) * sizeof(*after));
    sort_record *scratch = malloc((count + 1) * sizeof(*scratch));
    CHECK(before != NULL && after != NULL && scratch != NULL);
    sort_records_make(before, count, pattern);
    memcpy(after, before, count * sizeof(*after));
    CHECK_EQ(weir_sort_stable(self, after, count, sizeof(*after), compare_u32,
                              NULL, NULL),
             0);
    sort_records_check(after, count, before, 1);
    memcpy(after, before, count * sizeof(*after));
    CHECK_EQ(weir_sort_stable_of(self, after, count, &by_key, NULL, scratch),
             0);
    sort_records_check(after, count, before, 1);
    free(before);
    free(after);
    free(scratch);
}

static int run_patterns(weir_worker *self, void *argument) {
    const pattern_case *all = argument;
    for (int i = 0; i < all->lengths; i++)
        for (int pattern = 0; pattern < SORT_PATTERNS; pattern++) {
            if (length_of(i) == LONGEST && pattern % 3 != 0)
                continue; // a few are enough for the partition by many
            if (all->stable)
                sort_pattern_stably(self, length_of(i), pattern);
            else
                sort_pattern(self, length_of(i), pattern);
        }
    return 0;
}

static void patterns(int stable) {
    pattern_case all = {LENGTHS, stable};
    for (int i = 0; i < SORT_WIDTHS + 2; i++) {
        // The partition by many: where there are some.
        all.lengths = i == 1 || i == 2 ? LENGTHS : LENGTHS - 1;
        CHECK_EQ(sort_on_pool(i, run_patterns, &all), 0);
    }
}

static void all_patterns_are_sorted_in_place(void) { patterns(0); }

static void all_patterns_are_sorted_stably(void) { patterns(1); }

// ---- sizes -----------------------------------------------------------------

enum { SIZE_MAX_TESTED = 66, SIZE_COUNT = 9000 };

static int compare_bytes(const void *a, const void *b, void *context) {
    return memcmp(a, b, *(const size_t *)context);
}

static int compare_first(const void *a, const void *b, void *context) {
    (void)context;
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

// A stable sort by the first byte, told by its definition.
static void sort_by_first(const unsigned char *from, size_t count, size_t size,
                          unsigned char *to) {
    for (int byte = 0; byte < 256; byte++)
        for (size_t i = 0; i < count; i++)
            if (from[i * size] == byte) {
                memcpy(to, from + i * size, size);
                to += size;
            }
}

static void sort_size(weir_worker *self, size_t size, size_t count) {
    size_t bytes = size * count;
    unsigned char *before = malloc(bytes + 1);
    unsigned char *after = malloc(bytes + 1);
    unsigned char *expected = malloc(bytes + 1);
    CHECK(before != NULL && after != NULL && expected != NULL);
    uint64_t state = size;
    for (size_t i = 0; i < bytes; i++)
        before[i] = (unsigned char)(sort_random(&state) % 5);

    memcpy(after, before, bytes);
    CHECK_EQ(weir_sort(self, after, count, size, compare_bytes, &size), 0);
    for (size_t i = 1; i < count; i++)
        CHECK(memcmp(after + (i - 1) * size, after + i * size, size) <= 0);
    // The same elements, if sorting them stably gives the same again.
    memcpy(expected, before, bytes);
    CHECK_EQ(weir_sort_stable(self, expected, count, size, compare_bytes, &size,
                              NULL),
             0);
    CHECK_EQ(memcmp(after, expected, bytes), 0);

    sort_by_first(before, count, size, expected);
    memcpy(after, before, bytes);
    CHECK_EQ(
        weir_sort_stable(self, after, count, size, compare_first, NULL, NULL),
        0);
    CHECK_EQ(memcmp(after, expected, bytes), 0);
    free(before);
    free(after);
    free(expected);
}

static int run_sizes(weir_worker *self, void *argument) {
    (void)argument;
    for (size_t size = 1; size <= SIZE_MAX_TESTED; size++)
        sort_size(self, size, 200 + 13 * (size % 4));
    sort_size(self, 3, SIZE_COUNT);
    sort_size(self, 16, SIZE_COUNT);
    sort_size(self, 40, SIZE_COUNT);
    sort_size(self, 1000, 50);
    return 0;
}

static void every_size_of_element_is_sorted(void) {
    sort_on_every_pool(run_sizes, NULL);
}

static int run_typed(weir_worker *self, void *argument) {
    enum { N = 30000 };
    big *values = calloc(N, sizeof(*values));
    uint64_t state = 5;
    (void)argument;
    CHECK(values != NULL);
    for (size_t i = 0; i < N; i++) {
        values[i].key = sort_random(&state) % 1000;
        for (int k = 0; k < 24; k++)
            values[i].rest[k] = values[i].key + (uint32_t)k;
    }
    CHECK_EQ(weir_sort_of(self, values, N, &big_first, NULL), 0);
    for (size_t i = 0; i < N; i++) {
        CHECK(i == 0 || values[i - 1].key >= values[i].key);
        for (int k = 0; k < 24; k++)
            CHECK_EQ(values[i].rest[k], values[i].key + (uint32_t)k);
    }
    free(values);
    return 0;
}

static void elements_of_a_type_are_sorted(void) {
    sort_on_every_pool(run_typed, NULL);
}

// ---- alignment -------------------------------------------------------------

// Bigger than what malloc aligns to: of 32 bytes, which are copied to a room on
// the stack, and of 64, which are not.
typedef struct aligned_32 {
    _Alignas(32) uint32_t key;
    uint32_t index;
} aligned_32;
typedef struct aligned_64 {
    _Alignas(64) uint32_t key;
    uint32_t index;
} aligned_64;

static int compare_aligned(const void *a, const void *b, void *context) {
    uintptr_t mask = *(const size_t *)context - 1;
    CHECK_EQ((uintptr_t)a & mask, 0);
    CHECK_EQ((uintptr_t)b & mask, 0);
    return compare_u32(a, b, NULL);
}

static inline int less_aligned(const void *a, const void *b, void *context) {
    return compare_aligned(a, b, context) < 0;
}
WEIR_SORT_KIND(by_aligned_32, aligned_32, less_aligned);
WEIR_SORT_KIND(by_aligned_64, aligned_64, less_aligned);

static void sort_aligned(weir_worker *self, size_t size, size_t count) {
    const weir_sort_kind *kind =
        size == sizeof(aligned_32) ? &by_aligned_32 : &by_aligned_64;
    unsigned char *base = aligned_alloc(size, size * count);
    CHECK(base != NULL);
    for (int call = 0; call < 4; call++) {
        uint64_t state = count;
        for (uint32_t i = 0; i < count; i++) {
            aligned_32 element = {.key = sort_random(&state) % 1000,
                                  .index = i};
            memcpy(base + i * size, &element, sizeof(element));
        }
        int status = 0;
        if (call == 0)
            status = weir_sort(self, base, count, size, compare_aligned, &size);
        else if (call == 1)
            status = weir_sort_of(self, base, count, kind, &size);
        else if (call == 2)
            status = weir_sort_stable(self, base, count, size, compare_aligned,
                                      &size, NULL);
        else
            status = weir_sort_stable_of(self, base, count, kind, &size, NULL);
        CHECK_EQ(status, 0);
        for (size_t i = 1; i < count; i++) {
            const aligned_32 *one = (const aligned_32 *)(base + (i - 1) * size);
            const aligned_32 *two = (const aligned_32 *)(base + i * size);
            CHECK(one->key <= two->key);
            CHECK(call < 2 || one->key < two->key || one->index < two->index);
        }
    }
    free(base);
}

static int run_aligned(weir_worker *self, void *argument) {
    static const size_t counts[] = {2, 5, 32, 33, 200, 3000, 40000};
    (void)argument;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        sort_aligned(self, sizeof(aligned_32), counts[i]);
        sort_aligned(self, sizeof(aligned_64), counts[i]);
    }
    return 0;
}

static void copies_are_aligned_like_the_elements(void) {
    sort_on_threads(run_aligned, NULL);
}

// ---- the same result -------------------------------------------------------

typedef struct same_case {
    size_t count;
    const sort_record *before;
    sort_record *expected; // of the first pool
    int known;
} same_case;

static int run_same(weir_worker *self, void *argument) {
    same_case *same = argument;
    size_t bytes = same->count * sizeof(sort_record);
    sort_record *after = malloc(bytes);
    CHECK(after != NULL);
    memcpy(after, same->before, bytes);
    CHECK_EQ(weir_sort_of(self, after, same->count, &by_key, NULL), 0);
    if (!same->known)
        memcpy(same->expected, after, bytes);
    same->known = 1;
    sort_records_check(after, same->count, same->before, 0);
    CHECK_EQ(memcmp(after, same->expected, bytes), 0);
    free(after);
    return 0;
}

static void equal_elements_end_in_the_same_places_at_any_width(void) {
    static sort_record before[LONGEST], expected[LONGEST];
    for (int i = 0; i < 2; i++) {
        same_case same = {i == 0 ? LONGEST : 30000, before, expected, 0};
        sort_records_make(before, same.count, 6);
        sort_on_threads(run_same, &same);
        if (i == 1)
            sort_on_every_pool(run_same, &same);
    }
}

// ---- killers ---------------------------------------------------------------

// The adversary of McIlroy, "A killer adversary for quicksort", 1999: it
// decides what an element is worth when it is first compared to a pivot, so
// that the pivot turns out to be nearly the least.
typedef struct adversary {
    uint32_t *worth; // of each element; count: not decided
    uint32_t solid, candidate, count;
    uint64_t compares;
} adversary;

static int compare_adversary(const void *a, const void *b, void *context) {
    adversary *all = context;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    all->compares++;
    if (all->worth[x] == all->count && all->worth[y] == all->count)
        all->worth[x == all->candidate ? x : y] = all->solid++;
    if (all->worth[x] == all->count)
        all->candidate = x;
    else if (all->worth[y] == all->count)
        all->candidate = y;
    return all->worth[x] < all->worth[y] ? -1 : all->worth[x] > all->worth[y];
}

static int run_killer(weir_worker *self, void *argument) {
    adversary all = {.count = *(uint32_t *)argument};
    uint32_t *values = malloc(all.count * sizeof(*values));
    all.worth = malloc(all.count * sizeof(*all.worth));
    CHECK(values != NULL && all.worth != NULL);
    uint64_t logarithm = 0;
    for (uint32_t n = all.count; n > 0; n /= 2)
        logarithm++;
    for (uint32_t i = 0; i < all.count; i++) {
        values[i] = i;
        all.worth[i] = all.count;
    }
    // Neither a run up nor one down: else it would make the array one.
    all.worth[0] = 1;
    all.worth[1] = 0;
    all.worth[2] = 2;
    all.solid = 3;
    CHECK_EQ(weir_sort(self, values, all.count, sizeof(*values),
                       compare_adversary, &all),
             0);
    CHECK(all.compares < 5 * all.count * logarithm);
    for (uint32_t i = 1; i < all.count; i++)
        CHECK(all.worth[values[i - 1]] <= all.worth[values[i]]);
    // And the input that it made, to be sorted as it is.
    memcpy(values, all.worth, all.count * sizeof(*values));
    CHECK_EQ(weir_sort_of(self, values, all.count, &by_u32, NULL), 0);
    for (uint32_t i = 1; i < all.count; i++)
        CHECK(values[i - 1] <= values[i]);
    free(values);
    free(all.worth);
    return 0;
}

static void a_killer_of_quick_sorts_takes_n_log_n(void) {
    uint32_t counts[] = {100, 3000, 8192, 200000};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(sort_on_pool(0, run_killer, &counts[i]), 0);
}

// ---- merge -----------------------------------------------------------------

typedef struct twelve {
    uint32_t key, index, twice;
} twelve;

static void merge_two(weir_worker *self, size_t a, size_t b, uint32_t keys) {
    size_t count = a + b;
    sort_record *all = malloc((count + 1) * sizeof(*all));
    sort_record *out = malloc((count + 1) * sizeof(*out));
    twelve *wide = malloc((count + 1) * sizeof(*wide));
    twelve *wide_out = malloc((count + 1) * sizeof(*wide_out));
    CHECK(all != NULL && out != NULL && wide != NULL && wide_out != NULL);
    uint64_t state = count;
    for (size_t i = 0; i < count; i++)
        all[i].key = sort_random(&state) % keys;
    qsort(all, a, sizeof(*all), plain_compare);
    qsort(all + a, b, sizeof(*all), plain_compare);
    for (size_t i = 0; i < count; i++) {
        all[i].index = (uint32_t)i;
        wide[i] = (twelve){all[i].key, (uint32_t)i, (uint32_t)(2 * i)};
    }
    CHECK_EQ(weir_merge_of(self, all, a, all + a, b, out, &by_key, NULL), 0);
    sort_records_check(out, count, all, 1);
    CHECK_EQ(weir_merge(self, wide, a, wide + a, b, wide_out, sizeof(*wide),
                        compare_u32, NULL),
             0);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(wide_out[i].key, out[i].key);
        CHECK_EQ(wide_out[i].index, out[i].index);
        CHECK_EQ(wide_out[i].twice, 2 * out[i].index);
    }
    free(all);
    free(out);
    free(wide);
    free(wide_out);
}

// What has no elements may be NULL. Elements of 4 bytes and of 12.
static void merge_with_none(weir_worker *self, size_t count) {
    uint32_t *all = calloc(3 * count, sizeof(*all));
    uint32_t *out = calloc(3 * count, sizeof(*out));
    CHECK(all != NULL && out != NULL);
    for (int call = 0; call < 6; call++) {
        size_t size = call < 4 ? 4 : 12;
        size_t step = size / sizeof(*all);
        const uint32_t *a = call % 2 == 0 ? NULL : all;
        const uint32_t *b = call % 2 == 0 ? all : NULL;
        size_t a_count = a == NULL ? 0 : count;
        for (size_t i = 0; i < count * step; i++)
            all[i] = (uint32_t)(i / step);
        memset(out, 0xee, size * count);
        int status = call < 2
                         ? weir_merge_of(self, a, a_count, b, count - a_count,
                                         out, &by_u32, NULL)
                         : weir_merge(self, a, a_count, b, count - a_count, out,
                                      size, compare_u32, NULL);
        CHECK_EQ(status, 0);
        CHECK_EQ(memcmp(out, all, size * count), 0);
    }
    free(all);
    free(out);
}

static int run_merges(weir_worker *self, void *argument) {
    static const size_t counts[][2] = {
        {0, 0},    {0, 5},    {5, 0},       {1, 1},         {1, 1000},
        {1000, 1}, {77, 500}, {100, 60000}, {30000, 50000}, {40000, 0}};
    (void)argument;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        merge_two(self, counts[i][0], counts[i][1], 3);
        merge_two(self, counts[i][0], counts[i][1], 1000000);
    }
    merge_with_none(self, 5);
    merge_with_none(self, 40000);
    return 0;
}

static void merges_are_stable_and_complete(void) {
    sort_on_every_pool(run_merges, NULL);
}

// ---- orders that contradict themselves -------------------------------------

typedef struct liar {
    int kind;
    tally calls;
} liar;

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static int compare_lying(const void *a, const void *b, void *context) {
    liar *self = context;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    switch (self->kind) {
    case 0: return -1;
    case 1: return 1;
    case 2: // paper, scissors, stone
        return (int)((x - y) % 3) - 1;
    case 3: // as it likes, but always the same for two
        return (int)(mix((uint64_t)x << 32 | y) % 3) - 1;
    default: // as it likes
        return (int)(mix(count_one(&self->calls)) % 3) - 1;
    }
}

static inline int less_lying(const void *a, const void *b, void *context) {
    return compare_lying(a, b, context) < 0;
}
WEIR_SORT_KIND(lying, sort_record, less_lying);

static void sort_lying(weir_worker *self, size_t count, liar *context) {
    sort_record *before = malloc(count * sizeof(*before) + 1);
    sort_record *after = malloc(count * sizeof(*after) + 1);
    CHECK(before != NULL && after != NULL);
    sort_records_make(before, count, 0);
    for (int call = 0; call < 5; call++) {
        memcpy(after, before, count * sizeof(*after));
        int status = 0;
        if (call == 0)
            status = weir_sort(self, after, count, sizeof(*after),
                               compare_lying, context);
        else if (call == 1)
            status = weir_sort_stable(self, after, count, sizeof(*after),
                                      compare_lying, context, NULL);
        else if (call == 2)
            status = weir_sort_of(self, after, count, &lying, context);
        else if (call == 3)
            status =
                weir_sort_stable_of(self, after, count, &lying, context, NULL);
        else
            status = weir_merge_of(self, before, count / 3, before + count / 3,
                                   count - count / 3, after, &lying, context);
        CHECK_EQ(status, 0);
        sort_records_permuted(after, count, before);
    }
    free(before);
    free(after);
}

// Elements that are too big for networks and copies.
static void sort_lying_big(weir_worker *self, liar *context) {
    enum { N = 500 };
    static const size_t sizes[] = {12, 20, 36, 100};
    for (int i = 0; i < 4; i++)
        for (int stable = 0; stable < 2; stable++) {
            size_t size = sizes[i];
            unsigned char *all = calloc(N, size);
            uint32_t seen[N] = {0};
            CHECK(all != NULL);
            for (uint32_t k = 0; k < N; k++)
                memcpy(all + k * size, &k, sizeof(k));
            int status =
                stable ? weir_sort_stable(self, all, N, size, compare_lying,
                                          context, NULL)
                       : weir_sort(self, all, N, size, compare_lying, context);
            CHECK_EQ(status, 0);
            for (uint32_t k = 0; k < N; k++) {
                uint32_t value;
                memcpy(&value, all + k * size, sizeof(value));
                CHECK(value < N);
                CHECK_EQ(seen[value]++, 0);
            }
            free(all);
        }
}

static int run_lying(weir_worker *self, void *argument) {
    static liar context;
    (void)argument;
    for (context.kind = 0; context.kind < 5; context.kind++) {
        for (size_t count = 0; count <= 70; count++)
            sort_lying(self, count, &context);
        sort_lying(self, 1000, &context);
        sort_lying(self, 20000, &context);
        sort_lying_big(self, &context);
    }
    return 0;
}

static void inconsistent_orders_lose_nothing(void) {
    sort_on_every_pool(run_lying, NULL);
}

// ---- cancel ----------------------------------------------------------------

typedef struct cancel_case {
    sort_child child;
    int stable;
    uint64_t after; // compares
    tally compares;
    size_t count;
    sort_record *records;
    int64_t deadline_ns;
} cancel_case;

static int compare_cancelling(const void *a, const void *b, void *context) {
    cancel_case *c = context;
    if (count_one(&c->compares) == c->after) {
        if (c->deadline_ns == 0)
            weir_scope_cancel(&c->child.scope);
        while (weir_now_ns() < c->deadline_ns)
            continue;
    }
    return compare_u32(a, b, NULL);
}

static int sort_cancelled(weir_worker *self, void *argument) {
    cancel_case *c = argument;
    if (c->stable)
        return weir_sort_stable(self, c->records, c->count, sizeof(*c->records),
                                compare_cancelling, c, NULL);
    return weir_sort(self, c->records, c->count, sizeof(*c->records),
                     compare_cancelling, c);
}

static int cancel_at(weir_worker *self, size_t count, uint64_t after,
                     int stable, int64_t deadline_ns) {
    sort_record *before = malloc(count * sizeof(*before));
    cancel_case *c = calloc(1, sizeof(*c));
    CHECK(before != NULL && c != NULL);
    *c = (cancel_case){.stable = stable,
                       .after = after,
                       .count = count,
                       .deadline_ns = deadline_ns};
    c->records = malloc(count * sizeof(*c->records));
    CHECK(c->records != NULL);
    sort_records_make(before, count, 0);
    memcpy(c->records, before, count * sizeof(*before));
    int status = sort_in_scope(self, &c->child, sort_cancelled, c, deadline_ns);
    if (status == 0)
        sort_records_check(c->records, count, before, stable);
    else
        sort_records_permuted(c->records, count, before);
    free(c->records);
    free(c);
    free(before);
    return status;
}

static int run_cancels(weir_worker *self, void *argument) {
    size_t count = *(const size_t *)argument;
    for (int stable = 0; stable < 2; stable++) {
        // Early enough it cannot have been all; later it may.
        for (uint64_t share = 1; share < 24; share += count < 100000 ? 3 : 6) {
            int status = cancel_at(self, count, share * count / 2, stable, 0);
            CHECK(status == -ECANCELED || (status == 0 && share > 3));
        }
        CHECK_EQ(cancel_at(self, count, 0, stable, 0), -ECANCELED);
    }
    return 0;
}

static void a_cancelled_sort_leaves_a_permutation(void) {
    size_t count = 270000;
    sort_on_threads(run_cancels, &count);
    count = 40000;
    sort_on_every_pool(run_cancels, &count);
}

static int run_deadlines(weir_worker *self, void *argument) {
    (void)argument;
    for (int stable = 0; stable < 2; stable++)
        CHECK_EQ(
            cancel_at(self, 100000, 1000, stable, weir_now_ns() + 20 * 1000000),
            -ETIMEDOUT);
    return 0;
}

static void a_deadline_ends_a_sort(void) {
    sort_on_threads(run_deadlines, NULL);
}

// ---- the rest --------------------------------------------------------------

static int sort_one(weir_worker *self, void *context, size_t from, size_t to) {
    (void)context;
    for (size_t i = from; i < to; i++) {
        sort_pattern(self, 10000 + i, (int)(i % SORT_PATTERNS));
        sort_pattern_stably(self, 10000 + i, (int)(i % SORT_PATTERNS));
    }
    return 0;
}

static int run_nested(weir_worker *self, void *argument) {
    (void)argument;
    return weir_parallel_for(self, 0, 8, sort_one, NULL);
}

static void sorts_nest_in_loops(void) { sort_on_every_pool(run_nested, NULL); }

static int run_bad_sizes(weir_worker *self, void *argument) {
    uint32_t one = 1;
    size_t most = (size_t)PTRDIFF_MAX / 4 + 1;
    (void)argument;
    CHECK_EQ(weir_sort(self, &one, 1, 0, compare_u32, NULL), -EINVAL);
    CHECK_EQ(weir_sort(self, &one, most, 4, compare_u32, NULL), -EINVAL);
    CHECK_EQ(weir_sort_stable(self, &one, most, 4, compare_u32, NULL, NULL),
             -EINVAL);
    CHECK_EQ(weir_sort_stable(self, &one, 1, 0, compare_u32, NULL, NULL),
             -EINVAL);
    CHECK_EQ(weir_merge(self, &one, 1, &one, 1, &one, 0, compare_u32, NULL),
             -EINVAL);
    CHECK_EQ(weir_merge(self, &one, most / 2, &one, most / 2, &one, 4,
                        compare_u32, NULL),
             -EINVAL);
    CHECK_EQ(one, 1);
    return 0;
}

static void sizes_that_no_memory_has_are_refused(void) {
    CHECK_EQ(sort_on_pool(0, run_bad_sizes, NULL), 0);
}

static int run_without_memory(weir_worker *self, void *argument) {
    enum { N = 30000 };
    uint32_t *values = argument;
    uint32_t *scratch = malloc(N * sizeof(*scratch));
    CHECK(scratch != NULL);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1000);
    // 2: strictly in reverse, which needs no room to be put in order.
    for (int pattern = 0; pattern <= 2; pattern += 2) {
        sort_fill(values, N, pattern);
        memcpy(scratch, values, N * sizeof(*scratch));
        CHECK_EQ(weir_sort_stable_of(self, values, N, &by_u32, NULL, NULL),
                 -ENOMEM);
        CHECK_EQ(weir_sort_stable(self, values, N, 4, compare_u32, NULL, NULL),
                 -ENOMEM);
        CHECK_EQ(memcmp(values, scratch, N * sizeof(*scratch)), 0);
    }
    sort_fill(values, N, 0);
    CHECK_EQ(weir_sort_of(self, values, N, &by_u32, NULL), 0);
    sort_fill(values, N, 0);
    CHECK_EQ(weir_sort_stable_of(self, values, N, &by_u32, NULL, scratch), 0);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    for (size_t i = 1; i < N; i++)
        CHECK(values[i - 1] <= values[i]);
    free(scratch);
    return 0;
}

static void without_memory_nothing_changes(void) {
    static uint32_t values[30000];
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    sort_on_threads(run_without_memory, values);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"all_patterns_are_sorted_in_place", all_patterns_are_sorted_in_place},
        {"all_patterns_are_sorted_stably", all_patterns_are_sorted_stably},
        {"every_size_of_element_is_sorted", every_size_of_element_is_sorted},
        {"elements_of_a_type_are_sorted", elements_of_a_type_are_sorted},
        {"copies_are_aligned_like_the_elements",
         copies_are_aligned_like_the_elements},
        {"equal_elements_end_in_the_same_places_at_any_width",
         equal_elements_end_in_the_same_places_at_any_width},
        {"a_killer_of_quick_sorts_takes_n_log_n",
         a_killer_of_quick_sorts_takes_n_log_n},
        {"merges_are_stable_and_complete", merges_are_stable_and_complete},
        {"inconsistent_orders_lose_nothing", inconsistent_orders_lose_nothing},
        {"a_cancelled_sort_leaves_a_permutation",
         a_cancelled_sort_leaves_a_permutation},
        {"a_deadline_ends_a_sort", a_deadline_ends_a_sort},
        {"sorts_nest_in_loops", sorts_nest_in_loops},
        {"sizes_that_no_memory_has_are_refused",
         sizes_that_no_memory_has_are_refused},
        {"without_memory_nothing_changes", without_memory_nothing_changes},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
