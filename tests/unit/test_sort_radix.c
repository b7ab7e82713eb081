// SPDX-License-Identifier: MIT
// What weir/sort.h promises of the sort by keys that are numbers.
#include "base/fault.h"
#include "support/sorting.h"

#include <stdio.h>

// ---- keys as their type compares them --------------------------------------

// The position of a key in its order, from what the standard says of the type,
// not from its bits; for floats the order of finite ones and infinities.
static int before(weir_sort_key key, const void *a, const void *b) {
    switch (key) {
    case WEIR_KEY_U32: return *(const uint32_t *)a < *(const uint32_t *)b;
    case WEIR_KEY_I32: return *(const int32_t *)a < *(const int32_t *)b;
    case WEIR_KEY_F32: return *(const float *)a < *(const float *)b;
    case WEIR_KEY_U64: return *(const uint64_t *)a < *(const uint64_t *)b;
    case WEIR_KEY_I64: return *(const int64_t *)a < *(const int64_t *)b;
    case WEIR_KEY_F64: return *(const double *)a < *(const double *)b;
    default: return 0;
    }
}

static size_t width_of(weir_sort_key key) { return key < WEIR_KEY_U64 ? 4 : 8; }

// How keys are made: over all bits, few different, in a narrow range, ...
enum { SHAPES = 7 };

static uint64_t shaped(int shape, size_t i, uint64_t random) {
    switch (shape) {
    case 0: return random;
    case 1: return random % 3 * UINT64_C(0x0101010101010101);
    case 2: return UINT64_C(0x4040404040400000) + random % 1000;
    case 3: return i;
    case 4: return UINT64_MAX - i;
    case 5: return random << 56 | random << 24; // one byte of each half
    default: return 42;
    }
}

// A float of any size, but a number; and its negative.
static double real(uint64_t bits) {
    double value = (double)(bits >> 12) / 7.0;
    return (bits & 1) != 0 ? -value : value;
}

static void make_key(weir_sort_key key, uint64_t bits, void *to) {
    double number = real(bits);
    float small = (float)number;
    uint32_t low = (uint32_t)(bits >> 16);
    switch (key) {
    case WEIR_KEY_F32: memcpy(to, &small, sizeof(small)); break;
    case WEIR_KEY_F64: memcpy(to, &number, sizeof(number)); break;
    case WEIR_KEY_U32:
    case WEIR_KEY_I32: memcpy(to, &low, sizeof(low)); break;
    default: memcpy(to, &bits, sizeof(bits));
    }
}

// A record: where it was, and a key at an offset, among bytes that tell.
typedef struct radix_case {
    weir_sort_key key;
    size_t size, offset, count;
    int shape;
    int scratch;
} radix_case;

static unsigned char tell(size_t index, size_t byte) {
    return (unsigned char)(index * 31 + byte * 7);
}

static void fill(const radix_case *c, unsigned char *records) {
    uint64_t state = c->count;
    for (size_t i = 0; i < c->count; i++) {
        unsigned char *record = records + i * c->size;
        uint64_t high = sort_random(&state);
        uint64_t random = high << 32 | sort_random(&state);
        uint64_t key = 0;
        make_key(c->key, shaped(c->shape, i, random), &key);
        for (size_t b = 0; b < c->size; b++)
            record[b] = tell(i, b);
        memcpy(record + c->offset, &key, width_of(c->key));
        uint32_t index = (uint32_t)i;
        if (c->offset >= sizeof(index))
            memcpy(record, &index, sizeof(index));
    }
}

// That the records are those of `all`, sorted; with an index also that the sort
// was stable and each record whole.
static void check(const radix_case *c, const unsigned char *after,
                  const unsigned char *all) {
    int indexed = c->offset >= sizeof(uint32_t);
    uint64_t sum_before = 0;
    uint64_t sum_after = 0;
    for (size_t i = 0; i < c->count; i++) {
        const unsigned char *record = after + i * c->size;
        uint64_t key = 0;
        uint64_t last = 0;
        memcpy(&key, all + i * c->size + c->offset, width_of(c->key));
        sum_before += key * key + key;
        memcpy(&key, record + c->offset, width_of(c->key));
        sum_after += key * key + key;
        uint32_t index, previous;
        memcpy(&index, record, sizeof(index));
        if (indexed) {
            CHECK(index < c->count);
            CHECK_EQ(memcmp(record, all + index * c->size, c->size), 0);
        }
        if (i == 0)
            continue;
        memcpy(&last, record - c->size + c->offset, width_of(c->key));
        memcpy(&previous, record - c->size, sizeof(previous));
        CHECK(!before(c->key, &key, &last));
        if (indexed && key == last)
            CHECK(previous < index);
    }
    CHECK_EQ(sum_after, sum_before);
}

static int run_case(weir_worker *self, void *argument) {
    const radix_case *c = argument;
    size_t bytes = c->count * c->size + 16;
    unsigned char *all = calloc(bytes, 1);
    unsigned char *after = calloc(bytes, 1);
    unsigned char *scratch = c->scratch ? malloc(bytes) : NULL;
    CHECK(all != NULL && after != NULL);
    fill(c, all);
    memcpy(after, all, bytes);
    int status = weir_sort_radix(self, after, c->count, c->size, c->offset,
                                 c->key, scratch);
    CHECK_EQ(status, 0);
    check(c, after, all);
    free(all);
    free(after);
    free(scratch);
    return 0;
}

static int run_lengths(weir_worker *self, void *argument) {
    static const size_t lengths[] = {100, 159, 160, 161, 1000, 20000};
    radix_case c = *(const radix_case *)argument;
    for (c.shape = 0; c.shape < SHAPES; c.shape++) {
        for (c.count = 0; c.count <= 70; c.count++)
            run_case(self, &c);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            c.count = lengths[i];
            c.scratch = !c.scratch;
            run_case(self, &c);
        }
    }
    return 0;
}

static void every_key_is_sorted_as_numbers(void) {
    for (int key = WEIR_KEY_U32; key <= WEIR_KEY_F64; key++) {
        radix_case c = {.key = (weir_sort_key)key};
        c.size = width_of(c.key);
        sort_on_every_pool(run_lengths, &c);
    }
}

// ---- records ---------------------------------------------------------------

static void records_of_equal_keys_keep_their_order(void) {
    static const size_t layouts[][2] = {{8, 4},   {9, 5},  {16, 8},
                                        {24, 16}, {13, 4}, {64, 40}};
    for (int key = WEIR_KEY_U32; key <= WEIR_KEY_F64; key++)
        for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
            radix_case c = {.key = (weir_sort_key)key,
                            .size = layouts[i][0],
                            .offset = layouts[i][1]};
            if (c.offset + width_of(c.key) > c.size)
                continue;
            CHECK_EQ(sort_on_pool(1, run_lengths, &c), 0);
        }
}

static int run_shared(weir_worker *self, void *argument) {
    radix_case c = *(const radix_case *)argument;
    // One bucket takes nearly all, again and again.
    unsigned char *all = calloc(c.count, c.size);
    unsigned char *after = calloc(c.count, c.size);
    CHECK(all != NULL && after != NULL);
    uint64_t state = 1;
    for (size_t i = 0; i < c.count; i++) {
        uint64_t high = sort_random(&state);
        uint64_t key = (high << 32 | sort_random(&state)) & 0xffffff;
        if (i % 1000 == 0)
            key <<= i % 40;
        uint32_t index = (uint32_t)i;
        memcpy(all + i * c.size, &index, sizeof(index));
        memcpy(all + i * c.size + c.offset, &key, sizeof(key));
    }
    memcpy(after, all, c.count * c.size);
    CHECK_EQ(
        weir_sort_radix(self, after, c.count, c.size, c.offset, c.key, NULL),
        0);
    check(&c, after, all);
    free(all);
    free(after);
    return 0;
}

static void keys_that_share_digits_are_sorted(void) {
    radix_case c = {
        .key = WEIR_KEY_U64, .size = 16, .offset = 8, .count = 100000};
    sort_on_every_pool(run_shared, &c);
}

static void big_arrays_are_sorted_at_any_width(void) {
    radix_case c = {.count = 400000};
    for (int i = 0; i < 3; i++) {
        c.key = i == 0 ? WEIR_KEY_U32 : i == 1 ? WEIR_KEY_F64 : WEIR_KEY_I32;
        c.offset = i == 2 ? 4 : 0;
        c.size = width_of(c.key) + c.offset;
        sort_on_threads(run_case, &c);
    }
}

// So many bytes that their copies are not malloc's.
static void copies_in_pages_of_their_own(void) {
    radix_case c = {
        .key = WEIR_KEY_U64, .size = 4096, .offset = 8, .count = 8200};
    sort_on_threads(run_case, &c);
}

// ---- floats ----------------------------------------------------------------

static int run_floats(weir_worker *self, void *argument) {
    // In the order that is promised: bits.
    static const uint32_t order32[] = {
        0xffffffff, 0xffc00000, 0xff800001, 0xff800000, 0xc0490fdb, 0x80800000,
        0x80000001, 0x80000000, 0x00000000, 0x00000001, 0x00800000, 0x40490fdb,
        0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff};
    enum { N = sizeof(order32) / sizeof(order32[0]), TIMES = 30000 };
    uint32_t *values = malloc(N * TIMES * sizeof(*values));
    uint64_t *wide = malloc(N * TIMES * sizeof(*wide));
    size_t times = *(const size_t *)argument;
    CHECK(values != NULL && wide != NULL);
    for (size_t i = 0; i < N * times; i++) {
        // 7 and 16 have no divisor in common: each comes as often.
        values[i] = order32[i * 7 % N];
        wide[i] = (uint64_t)values[i] << 32;
    }
    CHECK_EQ(weir_sort_radix(self, values, N * times, 4, 0, WEIR_KEY_F32, NULL),
             0);
    CHECK_EQ(weir_sort_radix(self, wide, N * times, 8, 0, WEIR_KEY_F64, NULL),
             0);
    for (size_t i = 0; i < N * times; i++) {
        CHECK_EQ(values[i], order32[i / times]);
        CHECK_EQ(wide[i] >> 32, order32[i / times]);
    }
    free(values);
    free(wide);
    return 0;
}

static void floats_are_in_the_total_order(void) {
    size_t times[] = {1, 5, 100, 30000};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(sort_on_pool(0, run_floats, &times[i]), 0);
        CHECK_EQ(sort_on_pool(1, run_floats, &times[i]), 0);
    }
}

// ---- cancel, memory, arguments ---------------------------------------------

typedef struct cancel_case {
    sort_child child;
    sort_child canceller;
    size_t count;
    sort_record *records;
    int yields; // before the cancel
    int status; // of the sort
} cancel_case;

typedef struct cancels {
    const sort_record *before;
    int yields;  // of the canceller
    int halfway; // cancelled when records had been moved
} cancels;

static int cancel_job(weir_worker *self, void *argument) {
    cancel_case *c = argument;
    for (int i = 0; i < c->yields; i++)
        weir_yield(self);
    weir_scope_cancel(&c->child.scope);
    return 0;
}

static int sort_cancelled(weir_worker *self, void *argument) {
    cancel_case *c = argument;
    weir_job *canceller = &c->canceller.job;
    *canceller = (weir_job)WEIR_JOB_INIT(sort_child_run, NULL);
    c->canceller.function = cancel_job;
    c->canceller.argument = c;
    weir_scope_spawn(self, &c->child.scope, canceller);
    c->status = weir_sort_radix(self, c->records, c->count, sizeof(*c->records),
                                0, WEIR_KEY_U32, NULL);
    return c->status;
}

static int run_cancels(weir_worker *self, void *argument) {
    cancels *all = argument;
    const sort_record *before_it = all->before;
    cancel_case *c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    c->yields = all->yields;
    for (c->count = 100000; c->count <= 300000; c->count += 100000) {
        size_t bytes = c->count * sizeof(*c->records);
        c->records = malloc(bytes);
        CHECK(c->records != NULL);
        memcpy(c->records, before_it, bytes);
        int status = sort_in_scope(self, &c->child, sort_cancelled, c, 0);
        CHECK(status == 0 || status == -ECANCELED);
        all->halfway += c->status == -ECANCELED &&
                        memcmp(c->records, before_it, bytes) != 0;
        if (status == 0)
            sort_records_check(c->records, c->count, before_it, 1);
        else
            sort_records_permuted(c->records, c->count, before_it);
        free(c->records);
    }
    free(c);
    return 0;
}

// Where the cancel comes in depends on the seed and the yields before it;
// wherever it does, nothing may be lost.
static void a_cancelled_radix_sort_leaves_a_permutation(void) {
    enum { N = 300000, SEEDS = 24 };
    sort_record *records = malloc(N * sizeof(*records));
    CHECK(records != NULL);
    sort_records_make(records, N, 0);
    cancels all = {.before = records, .yields = 3};
    for (int i = 0; i < SORT_WIDTHS; i++)
        CHECK_EQ(sort_on_pool(i, run_cancels, &all), 0);
    all.halfway = 0; // of threads it may come too late each time
    for (int i = 0; i < SEEDS; i++, all.yields += 6)
        CHECK_EQ(sort_on_pool(SORT_WIDTHS + i, run_cancels, &all), 0);
    CHECK(all.halfway > 0);
    free(records);
}

static int run_bad_layouts(weir_worker *self, void *argument) {
    uint64_t one[2] = {1, 2};
    (void)argument;
    CHECK_EQ(weir_sort_radix(self, one, 2, 0, 0, WEIR_KEY_U32, NULL), -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 3, 0, WEIR_KEY_U32, NULL), -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 4, 1, WEIR_KEY_U32, NULL), -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 8, 5, WEIR_KEY_F32, NULL), -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 8, SIZE_MAX, WEIR_KEY_F32, NULL),
             -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 8, 1, WEIR_KEY_I64, NULL), -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 8, 0, (weir_sort_key)6, NULL),
             -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, 2, 8, 0, (weir_sort_key)-1, NULL),
             -EINVAL);
    CHECK_EQ(weir_sort_radix(self, one, (size_t)PTRDIFF_MAX / 8 + 1, 8, 0,
                             WEIR_KEY_U64, NULL),
             -EINVAL);
    CHECK_EQ(weir_sort_radix(self, NULL, 0, 8, 0, WEIR_KEY_U64, NULL), 0);
    return 0;
}

static void bad_layouts_are_refused(void) {
    CHECK_EQ(sort_on_pool(0, run_bad_layouts, NULL), 0);
}

static int run_without_memory(weir_worker *self, void *argument) {
    enum { N = 100000 };
    uint32_t *values = argument;
    enum { MANY = 9 << 20 }; // too much for malloc's way
    uint32_t *scratch = malloc(N * sizeof(*scratch));
    uint32_t *many = calloc(MANY, sizeof(*many));
    CHECK(scratch != NULL && many != NULL);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1000);
    CHECK_EQ(weir_sort_radix(self, many, MANY, 4, 0, WEIR_KEY_U32, NULL),
             -ENOMEM);
    for (uint32_t i = 0; i < N; i++)
        values[i] = N - i;
    CHECK_EQ(weir_sort_radix(self, values, N, 4, 0, WEIR_KEY_U32, NULL),
             -ENOMEM);
    for (uint32_t i = 0; i < N; i++)
        CHECK_EQ(values[i], N - i);
    CHECK_EQ(weir_sort_radix(self, values, N, 4, 0, WEIR_KEY_U32, scratch), 0);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    for (uint32_t i = 0; i < N; i++)
        CHECK_EQ(values[i], i + 1);
    free(scratch);
    free(many);
    return 0;
}

static void without_memory_nothing_changes(void) {
    static uint32_t values[100000];
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    sort_on_threads(run_without_memory, values);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_key_is_sorted_as_numbers", every_key_is_sorted_as_numbers},
        {"floats_are_in_the_total_order", floats_are_in_the_total_order},
        {"records_of_equal_keys_keep_their_order",
         records_of_equal_keys_keep_their_order},
        {"keys_that_share_digits_are_sorted",
         keys_that_share_digits_are_sorted},
        {"big_arrays_are_sorted_at_any_width",
         big_arrays_are_sorted_at_any_width},
        {"copies_in_pages_of_their_own", copies_in_pages_of_their_own},
        {"a_cancelled_radix_sort_leaves_a_permutation",
         a_cancelled_radix_sort_leaves_a_permutation},
        {"bad_layouts_are_refused", bad_layouts_are_refused},
        {"without_memory_nothing_changes", without_memory_nothing_changes},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
