// SPDX-License-Identifier: MIT
// The model of spsc_ring.h: small programs that use it, run in every way they
// can go.
//
//   tools/model.sh examples/model/spsc_ring.c
//   tools/model.sh examples/model/spsc_ring.c -- --show too_early_is_found
//
// docs/guide/prove.md explains it.
#include "spsc_ring.h"

#include "model/model.h"

enum { ITEMS = 3 }; // one more than there is room, so that slots are reused

static ring r; // as new in each execution

static void *put_all(void *unused) {
    for (int i = 1; i <= ITEMS; i++)
        while (!ring_put(&r, i))
            mc_await(); // looks again when something has changed
    return unused;
}

static void take_all(void) {
    for (int i = 1; i <= ITEMS; i++) {
        int value;
        while (!ring_take(&r, &value))
            mc_await();
        MC_CHECK(value == i);
    }
}

static void all_come_out_in_order(void) {
    unsigned producer = mc_spawn(put_all, NULL);
    take_all();
    mc_join(producer);
    int value;
    MC_CHECK(!ring_take(&r, &value));
}

// Nobody waits: how many find room depends on the order of the steps.
static void *put_some(void *unused) {
    uintptr_t accepted = 0;
    for (int i = 1; i <= ITEMS; i++)
        accepted += ring_put(&r, i);
    (void)unused;
    return (void *)accepted;
}

static void a_full_ring_refuses(void) {
    unsigned producer = mc_spawn(put_some, NULL);
    int value;
    (void)ring_take(&r, &value);
    mc_outcome((uintptr_t)mc_join(producer));
}

// ring_put, with one order weakened: the slot may be seen after the count.
static bool put_too_early(int value) {
    unsigned put = atomic_load_explicit(&r.put, memory_order_relaxed);
    unsigned taken = atomic_load_explicit(&r.taken, memory_order_acquire);
    if (put - taken == RING_ROOM)
        return false;
    r.slots[put % RING_ROOM] = value;
    atomic_store_explicit(&r.put, put + 1, memory_order_relaxed);
    return true;
}

static void *put_one_too_early(void *unused) {
    put_too_early(1);
    return unused;
}

static void too_early_is_found(void) {
    unsigned producer = mc_spawn(put_one_too_early, NULL);
    int value;
    (void)ring_take(&r, &value);
    mc_join(producer);
}

static const uint64_t accepted[] = {2, 3, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "all_come_out_in_order", .body = all_come_out_in_order},
    {.name = "a_full_ring_refuses",
     .body = a_full_ring_refuses,
     .outcomes = accepted},
    {.name = "too_early_is_found",
     .body = too_early_is_found,
     .finds = MC_RACE},
    {.name = NULL},
};
