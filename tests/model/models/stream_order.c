// SPDX-License-Identifier: MIT
// The reorder window: whoever puts, items come out by number, each once, and
// none beyond the window gets in.
#include "model/model.h"
#include "weir/stream.h"

#include <errno.h>

static weir_order *order;

static void make_order(size_t capacity) {
    weir_order_options options = WEIR_ORDER_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = capacity;
    mc_bound("capacity 2 or less");
    MC_CHECK(weir_order_create(&order, &options) == 0);
}

static void *put_second(void *unused) {
    int item = 11;
    MC_CHECK(weir_order_put(order, 1, &item) == 0);
    return unused;
}

// Takes what is there; returns how many there were, from `first` on.
static uint64_t take_all(uint64_t first) {
    int item = 0;
    uint64_t sequence = 0;
    uint64_t count = 0;
    while (weir_order_take(order, &item, &sequence) == 0) {
        MC_CHECK(sequence == first + count && item == 10 + (int)sequence);
        count++;
    }
    return count;
}

static void items_come_out_by_number(void) {
    make_order(2);
    unsigned other = mc_spawn(put_second, NULL);
    uint64_t before = take_all(0);
    MC_CHECK(before == 0); // 0 is not there
    int item = 10;
    MC_CHECK(weir_order_put(order, 0, &item) == 0);
    uint64_t taken = take_all(0);
    MC_CHECK(taken == 1 || taken == 2);
    (void)mc_join(other);
    MC_CHECK(taken + take_all(taken) == 2);
    MC_CHECK(weir_order_finish(order, 2, NULL) == 0);
    weir_order_destroy(order);
    mc_outcome(taken);
}

static void *put_same(void *error) {
    int item = 10;
    *(int *)error = weir_order_put(order, 0, &item);
    return NULL;
}

static void one_of_two_that_put_the_same_wins(void) {
    make_order(1);
    int errors[2] = {0, 0};
    unsigned other = mc_spawn(put_same, &errors[0]);
    (void)put_same(&errors[1]);
    uint64_t taken = take_all(0);
    (void)mc_join(other);
    MC_CHECK(taken == 1 && take_all(1) == 0);
    MC_CHECK(errors[0] + errors[1] == -EALREADY);
    weir_order_destroy(order);
}

static const uint64_t takes[] = {1, 2, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "items_come_out_by_number",
     .body = items_come_out_by_number,
     .mode = MC_EXHAUSTIVE,
     .outcomes = takes},
    {.name = "one_of_two_that_put_the_same_wins",
     .body = one_of_two_that_put_the_same_wins,
     .mode = MC_EXHAUSTIVE},
    {.name = NULL},
};
