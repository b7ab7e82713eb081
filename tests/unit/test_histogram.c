// SPDX-License-Identifier: MIT
// Promises of weir_histogram in weir/base.h.
#include "base/histogram.h"
#include "base/random.h"
#include "support/check.h"

enum { LAST = WEIR_HISTOGRAM_BUCKETS - 1 };

// The bucket that counts this value.
static unsigned bucket_of(uint64_t value) {
    weir_histogram one = {0};
    wr_histogram_add(&one, (int64_t)value);
    CHECK_EQ(one.count, 1);
    CHECK_EQ(one.sum_ns, value);
    CHECK_EQ(one.max_ns, value);
    unsigned found = WEIR_HISTOGRAM_BUCKETS;
    for (unsigned i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++) {
        CHECK(one.bucket[i] <= 1);
        if (one.bucket[i] == 1) {
            CHECK_EQ(found, WEIR_HISTOGRAM_BUCKETS);
            found = i;
        }
    }
    CHECK(found < WEIR_HISTOGRAM_BUCKETS);
    return found;
}

static void check_place(uint64_t value) {
    unsigned bucket = bucket_of(value);
    CHECK(value < weir_histogram_bound(bucket));
    CHECK(bucket == 0 || value >= weir_histogram_bound(bucket - 1));
}

static void a_value_is_below_its_bound_and_not_below_the_one_before(void) {
    for (uint64_t value = 0; value < 70000; value++)
        check_place(value);
    for (unsigned i = 0; i < LAST; i++) {
        uint64_t bound = weir_histogram_bound(i);
        check_place(bound - 1);
        check_place(bound);
        check_place(bound + 1);
    }
    check_place(INT64_MAX);
}

static void bounds_rise_by_an_eighth_at_most(void) {
    for (unsigned i = 1; i < LAST; i++) {
        uint64_t low = weir_histogram_bound(i - 1);
        uint64_t high = weir_histogram_bound(i);
        CHECK(high > low);
        CHECK(high - low <= (low >= 8 ? low / 8 : 1));
    }
    // Far enough for anything one waits for: a quarter of an hour.
    CHECK(weir_histogram_bound(LAST - 1) > UINT64_C(900000000000));
    for (unsigned k = 3; k < 40; k++) {
        uint64_t power = UINT64_C(1) << k;
        CHECK_EQ(weir_histogram_bound(bucket_of(power) - 1), power);
    }
}

static void the_last_bucket_has_no_bound(void) {
    CHECK_EQ(weir_histogram_bound(LAST), UINT64_MAX);
    CHECK_EQ(weir_histogram_bound(LAST + 1), UINT64_MAX);
    CHECK_EQ(bucket_of(INT64_MAX), LAST);
}

static void a_time_below_zero_counts_as_zero(void) {
    weir_histogram histogram = {0};
    wr_histogram_add(&histogram, -1);
    wr_histogram_add(&histogram, INT64_MIN);
    CHECK_EQ(histogram.count, 2);
    CHECK_EQ(histogram.bucket[0], 2);
    CHECK_EQ(histogram.sum_ns, 0);
    CHECK_EQ(histogram.max_ns, 0);
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void a_quantile_is_not_too_low_and_an_eighth_too_high_at_most(void) {
    enum { VALUES = 5000 };
    static uint64_t values[VALUES];
    uint64_t random = 1;
    for (int round = 0; round < 8; round++) {
        weir_histogram histogram = {0};
        for (int i = 0; i < VALUES; i++) {
            values[i] = wr_random_next(&random) >> (26 + 4 * round);
            wr_histogram_add(&histogram, (int64_t)values[i]);
        }
        qsort(values, VALUES, sizeof(values[0]), by_value);
        for (int percent = 1; percent <= 100; percent++) {
            uint64_t exact = values[VALUES / 100 * percent - 1];
            uint64_t said =
                weir_histogram_quantile(&histogram, (double)percent / 100);
            CHECK(said >= exact);
            CHECK(said <= exact + exact / 8 + 1);
        }
    }
}

static void a_quantile_is_never_above_the_highest_value(void) {
    static const double qs[] = {0, 0.5, 0.99, 1};
    static const int64_t values[] = {0, 1, 7, 8, 1000, 1000001, INT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        weir_histogram histogram = {0};
        wr_histogram_add(&histogram, values[i]);
        for (size_t k = 0; k < sizeof(qs) / sizeof(qs[0]); k++)
            CHECK_EQ(weir_histogram_quantile(&histogram, qs[k]), values[i]);
    }
}

static void no_values_have_no_quantile(void) {
    weir_histogram histogram = {0};
    CHECK_EQ(weir_histogram_quantile(&histogram, 0), 0);
    CHECK_EQ(weir_histogram_quantile(&histogram, 0.5), 0);
    CHECK_EQ(weir_histogram_quantile(&histogram, 1), 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_value_is_below_its_bound_and_not_below_the_one_before",
         a_value_is_below_its_bound_and_not_below_the_one_before},
        {"bounds_rise_by_an_eighth_at_most", bounds_rise_by_an_eighth_at_most},
        {"the_last_bucket_has_no_bound", the_last_bucket_has_no_bound},
        {"a_time_below_zero_counts_as_zero", a_time_below_zero_counts_as_zero},
        {"a_quantile_is_not_too_low_and_an_eighth_too_high_at_most",
         a_quantile_is_not_too_low_and_an_eighth_too_high_at_most},
        {"a_quantile_is_never_above_the_highest_value",
         a_quantile_is_never_above_the_highest_value},
        {"no_values_have_no_quantile", no_values_have_no_quantile},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
