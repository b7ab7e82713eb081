// SPDX-License-Identifier: MIT
// base/atomic.h as models see it: the same door, with the checker behind it.
// It stands before src/ in their include path. What does not come through it
// does not link (the sanitizer's own atomics are not there).
#ifndef WR_ATOMIC_H
#define WR_ATOMIC_H

#include "model/engine.h"

typedef struct wr_atomic_u32 {
    uint32_t value;
} wr_atomic_u32;

typedef struct wr_atomic_u64 {
    uint64_t value;
} wr_atomic_u64;

typedef struct wr_atomic_ptr {
    void *value;
} wr_atomic_ptr;

enum {
    MC_ORDER_relaxed = MC_RELAXED,
    MC_ORDER_acquire = MC_ACQUIRE,
    MC_ORDER_release = MC_RELEASE,
    MC_ORDER_acq_rel = MC_ACQ_REL,
    MC_ORDER_seq_cst = MC_SEQ_CST
};

#define MC_SITE(does, object, order, label, why)                               \
    __extension__({                                                            \
        static const mc_site mc_here                                           \
            __attribute__((section("mc_sites"), used)) = {                     \
                __FILE__, __LINE__, does,   MC_ORDER_##order,                  \
                #label,   #object,  "" why, MC_PLAIN};                         \
        &mc_here;                                                              \
    })

// A value as 64 bits, and back as what the object holds.
#define MC_BITS(v) ((uint64_t)(uintptr_t)(v))
#define MC_AS(object, bits) ((__typeof__((object)->value))(uintptr_t)(bits))
#define MC_WIDTH(object) ((unsigned)sizeof((object)->value))

#define wr_atomic_init(object, v)                                              \
    mc_atomic_init(&(object)->value, MC_WIDTH(object), MC_BITS(v))

#define wr_load(object, order, label, why)                                     \
    MC_AS(object, mc_atomic_load(MC_SITE(MC_LOAD, object, order, label, why),  \
                                 &(object)->value, MC_WIDTH(object)))

#define wr_store(object, v, order, label, why)                                 \
    mc_atomic_store(MC_SITE(MC_STORE, object, order, label, why),              \
                    &(object)->value, MC_WIDTH(object), MC_BITS(v))

#define MC_CHANGE(does, object, v, order, label, why)                          \
    MC_AS(object,                                                              \
          mc_atomic_change(MC_SITE(does, object, order, label, why),           \
                           &(object)->value, MC_WIDTH(object), MC_BITS(v)))

#define wr_exchange(object, v, order, label, why)                              \
    MC_CHANGE(MC_EXCHANGE, object, v, order, label, why)
#define wr_fetch_add(object, v, order, label, why)                             \
    MC_CHANGE(MC_ADD, object, v, order, label, why)
#define wr_fetch_sub(object, v, order, label, why)                             \
    MC_CHANGE(MC_SUB, object, v, order, label, why)
#define wr_fetch_or(object, v, order, label, why)                              \
    MC_CHANGE(MC_OR, object, v, order, label, why)

#define wr_compare_exchange(object, expected, v, order, label, why)            \
    MC_COMPARE(MC_CAS, object, expected, v, order, label, why)
#define MC_COMPARE(does, object, expected, v, order, label, why)               \
    __extension__({                                                            \
        __typeof__((object)->value) *mc_expected = (expected);                 \
        uint64_t mc_found = MC_BITS(*mc_expected);                             \
        bool mc_stored = mc_atomic_cas(                                        \
            MC_SITE(does, object, order, label, why), &(object)->value,        \
            MC_WIDTH(object), &mc_found, MC_BITS(v));                          \
        if (!mc_stored)                                                        \
            *mc_expected = MC_AS(object, mc_found);                            \
        mc_stored;                                                             \
    })

// For models of known algorithms; the library has no fences.
#define mc_fence(order, label, why)                                            \
    mc_atomic_fence(MC_SITE(MC_FENCE, fence, order, label, why))

#endif
