// SPDX-License-Identifier: MIT
// The reorder window of weir/stream.h.
#include "support/stream.h"

#include "base/random.h"

static weir_order *order_of(size_t capacity) {
    weir_order_options options = WEIR_ORDER_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = capacity;
    weir_order *order = NULL;
    CHECK_EQ(weir_order_create(&order, &options), 0);
    return order;
}

static int put(weir_order *order, uint64_t sequence) {
    uint64_t item = sequence * 10;
    return weir_order_put(order, sequence, &item);
}

static void items_come_out_in_sequence(void) {
    weir_order *order = order_of(4);
    uint64_t item = 1, sequence = 1;
    CHECK_EQ(put(order, 2), 0);
    CHECK_EQ(weir_order_take(order, &item, &sequence), -EAGAIN);
    CHECK_EQ(item, 1);
    CHECK_EQ(sequence, 1);
    CHECK_EQ(put(order, 0), 0);
    CHECK_EQ(put(order, 1), 0);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQ(weir_order_take(order, &item, i == 1 ? NULL : &sequence), 0);
        CHECK_EQ(item, i * 10);
        if (i != 1)
            CHECK_EQ(sequence, i);
    }
    CHECK_EQ(weir_order_take(order, &item, NULL), -EAGAIN);
    weir_order_destroy(order);
    weir_order_destroy(NULL);
}

static void a_window_can_begin_anywhere(void) {
    weir_order_options options = WEIR_ORDER_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = 3;
    options.first = UINT64_MAX - 4;
    weir_order *order;
    CHECK_EQ(weir_order_create(&order, &options), 0);
    uint64_t item;
    CHECK_EQ(put(order, UINT64_MAX - 5), -EALREADY);
    CHECK_EQ(put(order, UINT64_MAX - 1), -EAGAIN);
    CHECK_EQ(put(order, UINT64_MAX - 4), 0);
    CHECK_EQ(weir_order_take(order, &item, NULL), 0);
    CHECK_EQ(put(order, UINT64_MAX - 1), 0);
    weir_order_destroy(order);
}

// The reference grew its ring to the sequence: 1.6 GB for one item.
static void w8_the_window_never_grows(void) {
    weir_order *order = order_of(4);
    bool faults = wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    CHECK_EQ(put(order, 4), -EAGAIN);
    CHECK_EQ(put(order, 100000000), -EAGAIN);
    CHECK_EQ(put(order, UINT64_MAX), -EAGAIN);
    CHECK_EQ(put(order, 3), 0);
    if (faults)
        CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
    weir_order_destroy(order);
}

static void w9_too_early_and_too_late_are_told_apart(void) {
    weir_order *order = order_of(4);
    uint64_t item;
    CHECK_EQ(put(order, 0), 0);
    CHECK_EQ(put(order, 1), 0);
    CHECK_EQ(weir_order_take(order, &item, NULL), 0);
    CHECK_EQ(put(order, 0), -EALREADY); // taken
    CHECK_EQ(put(order, 1), -EALREADY); // there
    CHECK_EQ(put(order, 5), -EAGAIN);   // early
    CHECK_EQ(put(order, 4), 0);
    weir_order_destroy(order);
}

static void w9_nothing_is_overwritten(void) {
    weir_order *order = order_of(4);
    uint64_t item = 11;
    CHECK_EQ(weir_order_put(order, 0, &item), 0);
    item = 22;
    CHECK_EQ(weir_order_put(order, 0, &item), -EALREADY);
    CHECK_EQ(item, 22); // still the caller's
    CHECK_EQ(weir_order_take(order, &item, NULL), 0);
    CHECK_EQ(item, 11);
    weir_order_destroy(order);
}

static weir_order_gap gap_of(weir_order *order, uint64_t end, int expected) {
    weir_order_gap gap = {.size = sizeof(gap)};
    CHECK_EQ(weir_order_finish(order, end, &gap), expected);
    CHECK_EQ(weir_order_finish(order, end, NULL), expected);
    return gap;
}

static void w4_a_gap_is_found_at_the_end(void) {
    weir_order *order = order_of(8);
    uint64_t item;
    gap_of(order, 0, 0);
    for (uint64_t i = 0; i < 8; i++)
        if (i != 3 && i != 6)
            CHECK_EQ(put(order, i), 0);
    weir_order_gap gap = gap_of(order, 8, -ENOENT);
    CHECK_EQ(gap.next, 0);
    CHECK_EQ(gap.missing, 3);
    CHECK_EQ(gap.stranded, 3);
    while (weir_order_take(order, &item, NULL) == 0)
        continue;
    gap = gap_of(order, 8, -ENOENT);
    CHECK_EQ(gap.next, 3);
    CHECK_EQ(gap.missing, 3);
    CHECK_EQ(gap.stranded, 3);
    CHECK_EQ(put(order, 3), 0);
    CHECK_EQ(put(order, 6), 0);
    gap = gap_of(order, 8, -EBUSY);
    CHECK_EQ(gap.missing, 8);
    CHECK_EQ(gap.stranded, 0);
    while (weir_order_take(order, &item, NULL) == 0)
        continue;
    gap = gap_of(order, 8, 0);
    CHECK_EQ(gap.next, 8);
    gap_of(order, 7, -EALREADY);
    gap = gap_of(order, 9, -ENOENT); // the last one was lost
    CHECK_EQ(gap.missing, 8);
    gap.size = 0;
    CHECK_EQ(weir_order_finish(order, 8, &gap), -EINVAL);
    weir_order_destroy(order);
}

static void any_order_of_puts_comes_out_sorted(void) {
    enum { ITEMS = 500, WINDOW = 16 };
    for (uint64_t seed = 0; seed < 50; seed++) {
        weir_order *order = order_of(WINDOW);
        uint8_t put_already[ITEMS] = {0};
        uint64_t random = seed, next = 0;
        while (next < ITEMS) {
            uint64_t pick = next + wr_random_below(&random, WINDOW + 4);
            if (pick < ITEMS) {
                int expected = pick >= next + WINDOW ? -EAGAIN
                               : put_already[pick]   ? -EALREADY
                                                     : 0;
                CHECK_EQ(put(order, pick), expected);
                put_already[pick] |= expected == 0;
            }
            uint64_t item, sequence;
            if (wr_random_below(&random, 2) == 0 &&
                weir_order_take(order, &item, &sequence) == 0) {
                CHECK_EQ(sequence, next++);
                CHECK_EQ(item, sequence * 10);
            }
        }
        gap_of(order, ITEMS, 0);
        weir_order_destroy(order);
    }
}

enum { THREADS = 4, ITEMS = 20000 };

typedef struct putter {
    weir_order *order;
    uint64_t first;
} putter;

static void *putter_main(void *argument) {
    putter *p = argument;
    for (uint64_t i = p->first; i < ITEMS; i += THREADS)
        while (put(p->order, i) == -EAGAIN)
            sched_yield();
    return NULL;
}

static void many_threads_put_and_one_takes(void) {
    weir_order *order = order_of(32);
    pthread_t threads[THREADS];
    putter putters[THREADS];
    for (uint64_t t = 0; t < THREADS; t++) {
        putters[t] = (putter){order, t};
        threads[t] = thread_start(putter_main, &putters[t]);
    }
    for (uint64_t next = 0; next < ITEMS;) {
        uint64_t item;
        if (weir_order_take(order, &item, NULL) == 0)
            CHECK_EQ(item, 10 * next++);
        else
            sched_yield();
    }
    for (int t = 0; t < THREADS; t++)
        thread_join(threads[t]);
    gap_of(order, ITEMS, 0);
    weir_order_destroy(order);
}

static void bad_options_and_no_memory_are_refused(void) {
    weir_order *order = NULL;
    weir_order_options options = WEIR_ORDER_OPTIONS_INIT;
    CHECK_EQ(weir_order_create(&order, NULL), -EINVAL);
    CHECK_EQ(weir_order_create(&order, &options), -EINVAL);
    options.item_size = 16;
    options.capacity = SIZE_MAX / 8;
    CHECK_EQ(weir_order_create(&order, &options), -EINVAL);
    options.capacity = 0;
    struct {
        weir_order_options known;
        size_t from_the_future;
    } newer = {.known = options, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_order_create(&order, &newer.known), -E2BIG);
    if (wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        for (uint64_t i = 0; i < 3; i++) {
            wr_fault_arm(WR_FAULT_ALLOC, i, 1);
            CHECK_EQ(weir_order_create(&order, &options), -ENOMEM);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        }
    CHECK(order == NULL);
    CHECK_EQ(weir_order_create(&order, &options), 0);
    weir_order_destroy(order);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"items_come_out_in_sequence", items_come_out_in_sequence},
        {"a_window_can_begin_anywhere", a_window_can_begin_anywhere},
        {"w8_the_window_never_grows", w8_the_window_never_grows},
        {"w9_too_early_and_too_late_are_told_apart",
         w9_too_early_and_too_late_are_told_apart},
        {"w9_nothing_is_overwritten", w9_nothing_is_overwritten},
        {"w4_a_gap_is_found_at_the_end", w4_a_gap_is_found_at_the_end},
        {"any_order_of_puts_comes_out_sorted",
         any_order_of_puts_comes_out_sorted},
        {"many_threads_put_and_one_takes", many_threads_put_and_one_takes},
        {"bad_options_and_no_memory_are_refused",
         bad_options_and_no_memory_are_refused},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
