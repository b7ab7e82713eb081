// SPDX-License-Identifier: MIT
// The one door to atomic operations. Every call names its order, a label and a
// reason:
//
//     wr_store(&rec->state, FORK_DONE, release, FORK_1, "result is written");
//     wr_load(&rec->state, acquire, FORK_1, "then the result may be read");
//
// A label pairs the sides: tests/atomics.sh checks that each occurs with a
// writer that releases and a reader that acquires. ALONE is for an operation
// that orders nothing else; its reason says why that is enough.
//
// An atomic object is a struct, so that it cannot be touched past this door,
// and has one width for life. The label, the reason and the place reach the
// macros, so that a simulated memory can be compiled in underneath later
// without a change to any user.
#ifndef WR_ATOMIC_H
#define WR_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct wr_atomic_u32 {
    _Atomic uint32_t value;
} wr_atomic_u32;

typedef struct wr_atomic_u64 {
    _Atomic uint64_t value;
} wr_atomic_u64;

typedef struct wr_atomic_ptr {
    _Atomic(void *) value;
} wr_atomic_ptr;

// The reason must be a string literal: sizeof("" why) does not compile
// otherwise. The label is a bare word.
#define WR_ATOMIC_SITE(label, why) ((void)sizeof(#label ": " why))

// wr_atomic_init gives an object its first value before it is shared.
#define wr_atomic_init(object, v) atomic_init(&(object)->value, v)

#define wr_load(object, order, label, why)                                     \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_load_explicit(&(object)->value, memory_order_##order))

#define wr_store(object, v, order, label, why)                                 \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_store_explicit(&(object)->value, v, memory_order_##order))

#define wr_exchange(object, v, order, label, why)                              \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_exchange_explicit(&(object)->value, v, memory_order_##order))

#define wr_fetch_add(object, v, order, label, why)                             \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_fetch_add_explicit(&(object)->value, v, memory_order_##order))

#define wr_fetch_sub(object, v, order, label, why)                             \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_fetch_sub_explicit(&(object)->value, v, memory_order_##order))

#define wr_fetch_or(object, v, order, label, why)                              \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_fetch_or_explicit(&(object)->value, v, memory_order_##order))

// Strong compare-exchange; on failure *expected is what was found, loaded
// relaxed. True when it stored.
#define wr_compare_exchange(object, expected, v, order, label, why)            \
    (WR_ATOMIC_SITE(label, why),                                               \
     atomic_compare_exchange_strong_explicit(&(object)->value, expected, v,    \
                                             memory_order_##order,             \
                                             memory_order_relaxed))

#endif
