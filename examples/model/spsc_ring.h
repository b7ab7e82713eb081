// SPDX-License-Identifier: MIT
// A ring for one thread that puts and one that takes, in plain C11. It knows
// nothing of any checker.
#ifndef SPSC_RING_H
#define SPSC_RING_H

#include <stdatomic.h>
#include <stdbool.h>

enum { RING_ROOM = 2 };

typedef struct ring {
    atomic_uint taken; // written by who takes
    atomic_uint put;   // written by who puts
    int slots[RING_ROOM];
} ring;

// ring_put: false if it is full.
static inline bool ring_put(ring *r, int value) {
    unsigned put = atomic_load_explicit(&r->put, memory_order_relaxed);
    unsigned taken = atomic_load_explicit(&r->taken, memory_order_acquire);
    if (put - taken == RING_ROOM)
        return false;
    r->slots[put % RING_ROOM] = value;
    atomic_store_explicit(&r->put, put + 1, memory_order_release);
    return true;
}

// ring_take: false if it is empty.
static inline bool ring_take(ring *r, int *value) {
    unsigned taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
    unsigned put = atomic_load_explicit(&r->put, memory_order_acquire);
    if (put == taken)
        return false;
    *value = r->slots[taken % RING_ROOM];
    atomic_store_explicit(&r->taken, taken + 1, memory_order_release);
    return true;
}

#endif
