// SPDX-License-Identifier: MIT
// <stdatomic.h> of programs that tools/model.sh builds: C11's names, with the
// checker behind them. It comes before the compiler's own there, and nowhere
// else, so that code that is checked need not be changed for it.
//
// Objects of 4 and 8 bytes that hold integers or pointers; memory orders that
// are constants (consume is acquire). What the checker cannot do does not
// compile, and says why. An atomic object that is used like another one
// (`x = 1`, `x++`) does not link: the checker would not see it.
#ifndef MC_STDATOMIC_H
#define MC_STDATOMIC_H

#include "model/engine.h"

typedef enum memory_order {
    memory_order_relaxed = MC_RELAXED,
    memory_order_consume = MC_ACQUIRE,
    memory_order_acquire = MC_ACQUIRE,
    memory_order_release = MC_RELEASE,
    memory_order_acq_rel = MC_ACQ_REL,
    memory_order_seq_cst = MC_SEQ_CST
} memory_order;

typedef _Atomic(_Bool) atomic_bool;
typedef _Atomic(char) atomic_char;
typedef _Atomic(signed char) atomic_schar;
typedef _Atomic(unsigned char) atomic_uchar;
typedef _Atomic(short) atomic_short;
typedef _Atomic(unsigned short) atomic_ushort;
typedef _Atomic(int) atomic_int;
typedef _Atomic(unsigned) atomic_uint;
typedef _Atomic(long) atomic_long;
typedef _Atomic(unsigned long) atomic_ulong;
typedef _Atomic(long long) atomic_llong;
typedef _Atomic(unsigned long long) atomic_ullong;
typedef _Atomic(int_least32_t) atomic_int_least32_t;
typedef _Atomic(uint_least32_t) atomic_uint_least32_t;
typedef _Atomic(int_least64_t) atomic_int_least64_t;
typedef _Atomic(uint_least64_t) atomic_uint_least64_t;
typedef _Atomic(int_fast32_t) atomic_int_fast32_t;
typedef _Atomic(uint_fast32_t) atomic_uint_fast32_t;
typedef _Atomic(int_fast64_t) atomic_int_fast64_t;
typedef _Atomic(uint_fast64_t) atomic_uint_fast64_t;
typedef _Atomic(intptr_t) atomic_intptr_t;
typedef _Atomic(uintptr_t) atomic_uintptr_t;
typedef _Atomic(size_t) atomic_size_t;
typedef _Atomic(ptrdiff_t) atomic_ptrdiff_t;
typedef _Atomic(intmax_t) atomic_intmax_t;
typedef _Atomic(uintmax_t) atomic_uintmax_t;

typedef struct atomic_flag {
    _Atomic(unsigned) word;
} atomic_flag;

#define ATOMIC_FLAG_INIT                                                       \
    { 0 }
#define ATOMIC_VAR_INIT(value) (value)
#define ATOMIC_BOOL_LOCK_FREE 2
#define ATOMIC_CHAR_LOCK_FREE 2
#define ATOMIC_SHORT_LOCK_FREE 2
#define ATOMIC_INT_LOCK_FREE 2
#define ATOMIC_LONG_LOCK_FREE 2
#define ATOMIC_LLONG_LOCK_FREE 2
#define ATOMIC_POINTER_LOCK_FREE 2
#define atomic_is_lock_free(object) ((void)(object), (_Bool)1)
#define kill_dependency(value) (value)

// ---- what the checker can do -----------------------------------------------

// What an object holds, without _Atomic.
#define MC_VALUE(object) __typeof__((void)0, *(object))
// 1 to 4: integers; 5: pointers.
#define MC_CLASS(object) __builtin_classify_type(((void)0, *(object)))
#define MC_IS_POINTER(object) (MC_CLASS(object) == 5)

#define MC_CAN(object)                                                         \
    _Static_assert(sizeof(*(object)) == 4 || sizeof(*(object)) == 8,           \
                   "the model checker knows atomic objects of 4 or 8 bytes; "  \
                   "this one has another size");                               \
    _Static_assert(MC_CLASS(object) <= 5,                                      \
                   "the model checker knows atomic integers and pointers; "    \
                   "this is neither")

#define MC_CAN_ORDER(order)                                                    \
    _Static_assert(__builtin_constant_p(order),                                \
                   "the model checker needs a memory order that is a "         \
                   "constant; this is a variable")

// A place, labelled with the function that it is in.
#define MC_HERE(does, object, order, fails)                                    \
    __extension__({                                                            \
        MC_CAN_ORDER(order);                                                   \
        MC_CAN_ORDER(fails);                                                   \
        static const mc_site mc_here                                           \
            __attribute__((section("mc_sites"), used)) = {                     \
                __FILE__, __LINE__, does, (uint8_t)(order),                    \
                __func__, #object,  "",   (uint8_t)(fails)};                   \
        &mc_here;                                                              \
    })

// A value as 64 bits, those beyond the object's zero; and back.
#define MC_BITS(object, value)                                                 \
    (sizeof(*(object)) == 4 ? (uint64_t)(uint32_t)(uintptr_t)(value)           \
                            : (uint64_t)(uintptr_t)(value))
#define MC_AS(object, bits) ((MC_VALUE(object))(uintptr_t)(bits))
#define MC_AT(object) ((void *)(uintptr_t)(object))

// ---- operations ------------------------------------------------------------

#define atomic_init(object, value)                                             \
    __extension__({                                                            \
        MC_CAN(object);                                                        \
        MC_VALUE(object) mc_value = (value);                                   \
        mc_atomic_init(MC_AT(object), sizeof(*(object)),                       \
                       MC_BITS(object, mc_value));                             \
    })

#define atomic_load_explicit(object, order)                                    \
    __extension__({                                                            \
        MC_CAN(object);                                                        \
        MC_AS(object, mc_atomic_load(MC_HERE(MC_LOAD, object, order, 0),       \
                                     MC_AT(object), sizeof(*(object))));       \
    })

#define atomic_store_explicit(object, value, order)                            \
    __extension__({                                                            \
        MC_CAN(object);                                                        \
        MC_VALUE(object) mc_value = (value);                                   \
        mc_atomic_store(MC_HERE(MC_STORE, object, order, 0), MC_AT(object),    \
                        sizeof(*(object)), MC_BITS(object, mc_value));         \
    })

#define MC_CHANGE(does, object, type, value, order)                            \
    __extension__({                                                            \
        MC_CAN(object);                                                        \
        type mc_value = (value);                                               \
        MC_AS(object,                                                          \
              mc_atomic_change(MC_HERE(does, object, order, 0), MC_AT(object), \
                               sizeof(*(object)), MC_BITS(object, mc_value))); \
    })

#define atomic_exchange_explicit(object, value, order)                         \
    MC_CHANGE(MC_EXCHANGE, object, MC_VALUE(object), value, order)

// Compilers differ in what it means to add to an atomic pointer.
#define MC_COUNT(does, object, value, order)                                   \
    __extension__({                                                            \
        _Static_assert(!MC_IS_POINTER(object),                                 \
                       "the model checker counts with integers; this is a "    \
                       "pointer");                                             \
        MC_CHANGE(does, object, MC_VALUE(object), value, order);               \
    })

#define atomic_fetch_add_explicit(object, value, order)                        \
    MC_COUNT(MC_ADD, object, value, order)
#define atomic_fetch_sub_explicit(object, value, order)                        \
    MC_COUNT(MC_SUB, object, value, order)
#define atomic_fetch_or_explicit(object, value, order)                         \
    MC_COUNT(MC_OR, object, value, order)
#define atomic_fetch_and_explicit(object, value, order)                        \
    MC_COUNT(MC_AND, object, value, order)
#define atomic_fetch_xor_explicit(object, value, order)                        \
    __extension__({                                                            \
        _Static_assert(sizeof(object) == 0,                                    \
                       "the model checker has no fetch_xor; a loop with a "    \
                       "compare_exchange does the same");                      \
        (MC_VALUE(object))0;                                                   \
    })

#define MC_COMPARE(does, object, expected, value, order, fails)                \
    __extension__({                                                            \
        MC_CAN(object);                                                        \
        _Static_assert((fails) != MC_SEQ_CST || (order) == MC_SEQ_CST,         \
                       "the model checker knows no seq_cst for a failure "     \
                       "alone");                                               \
        MC_VALUE(object) *mc_expected = (expected);                            \
        MC_VALUE(object) mc_value = (value);                                   \
        uint64_t mc_found = MC_BITS(object, *mc_expected);                     \
        _Bool mc_stored = mc_atomic_cas(MC_HERE(does, object, order, fails),   \
                                        MC_AT(object), sizeof(*(object)),      \
                                        &mc_found, MC_BITS(object, mc_value)); \
        if (!mc_stored)                                                        \
            *mc_expected = MC_AS(object, mc_found);                            \
        mc_stored;                                                             \
    })

#define atomic_compare_exchange_strong_explicit(object, expected, value,       \
                                                order, fails)                  \
    MC_COMPARE(MC_CAS, object, expected, value, order, fails)
// It fails for no reason as often as the case says (`spurious`).
#define atomic_compare_exchange_weak_explicit(object, expected, value, order,  \
                                              fails)                           \
    MC_COMPARE(MC_CAS_WEAK, object, expected, value, order, fails)

#define atomic_thread_fence(order)                                             \
    mc_atomic_fence(MC_HERE(MC_FENCE, fence, order, 0))
#define atomic_signal_fence(order) ((void)(order))

#define atomic_flag_test_and_set_explicit(object, order)                       \
    (atomic_exchange_explicit(&(object)->word, 1, order) != 0)
#define atomic_flag_clear_explicit(object, order)                              \
    atomic_store_explicit(&(object)->word, 0, order)

// ---- the same, seq_cst -----------------------------------------------------

#define atomic_load(object) atomic_load_explicit(object, memory_order_seq_cst)
#define atomic_store(object, value)                                            \
    atomic_store_explicit(object, value, memory_order_seq_cst)
#define atomic_exchange(object, value)                                         \
    atomic_exchange_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_add(object, value)                                        \
    atomic_fetch_add_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_sub(object, value)                                        \
    atomic_fetch_sub_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_or(object, value)                                         \
    atomic_fetch_or_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_and(object, value)                                        \
    atomic_fetch_and_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_xor(object, value)                                        \
    atomic_fetch_xor_explicit(object, value, memory_order_seq_cst)
#define atomic_compare_exchange_strong(object, expected, value)                \
    atomic_compare_exchange_strong_explicit(                                   \
        object, expected, value, memory_order_seq_cst, memory_order_seq_cst)
#define atomic_compare_exchange_weak(object, expected, value)                  \
    atomic_compare_exchange_weak_explicit(                                     \
        object, expected, value, memory_order_seq_cst, memory_order_seq_cst)
#define atomic_flag_test_and_set(object)                                       \
    atomic_flag_test_and_set_explicit(object, memory_order_seq_cst)
#define atomic_flag_clear(object)                                              \
    atomic_flag_clear_explicit(object, memory_order_seq_cst)

#endif
