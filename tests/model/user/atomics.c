// SPDX-License-Identifier: MIT
// What tools/model.sh makes of C11's <stdatomic.h>: each operation does what it
// does elsewhere, and orders what it orders there.
#include <stdatomic.h>
#include <stdbool.h>

#include "model/model.h"

// ---- values ----------------------------------------------------------------

static atomic_int number = ATOMIC_VAR_INIT(-1);
static atomic_ullong large;
static int *_Atomic pointer;
static atomic_flag flag = ATOMIC_FLAG_INIT;

static void integers_keep_their_sign(void) {
    MC_CHECK(atomic_load(&number) == -1);
    int expected = -1;
    MC_CHECK(atomic_compare_exchange_strong(&number, &expected, -5));
    MC_CHECK(!atomic_compare_exchange_weak(&number, &expected, 7));
    MC_CHECK(expected == -5);
    MC_CHECK(atomic_exchange(&number, 6) == -5);
    MC_CHECK(atomic_fetch_add(&number, 4) == 6);
    MC_CHECK(atomic_fetch_sub(&number, 12) == 10);
    MC_CHECK(atomic_load_explicit(&number, memory_order_relaxed) == -2);
    atomic_store(&number, 12);
    MC_CHECK(atomic_fetch_or(&number, 3) == 12);
    MC_CHECK(atomic_fetch_and(&number, 6) == 15);
    MC_CHECK(atomic_load(&number) == 6);
}

static void eight_bytes_are_kept(void) {
    atomic_init(&large, 1);
    MC_CHECK(atomic_fetch_sub(&large, 2) == 1);
    MC_CHECK(atomic_load(&large) == ~0ULL);
    atomic_store(&large, 1ULL << 40);
    unsigned long long expected = 1ULL << 40;
    MC_CHECK(atomic_compare_exchange_strong(&large, &expected, 3));
}

static void pointers_are_kept(void) {
    static int here;
    MC_CHECK(atomic_load(&pointer) == NULL);
    atomic_store(&pointer, &here);
    int *expected = NULL;
    MC_CHECK(!atomic_compare_exchange_strong(&pointer, &expected, NULL));
    MC_CHECK(expected == &here);
    MC_CHECK(atomic_exchange(&pointer, NULL) == &here);
}

static void an_atomic_local_may_be_initialised(void) {
    atomic_int local = 4;
    MC_CHECK(atomic_load(&local) == 4);
}

// ---- order -----------------------------------------------------------------

static int data; // no atomic object

static void *write_data(void *unused) {
    data = 1;
    atomic_store_explicit(&number, 1, memory_order_release);
    return unused;
}

#define FAIL(object, expected, order, fails)                                   \
    MC_CHECK(!atomic_compare_exchange_strong_explicit(object, expected, 9,     \
                                                      order, fails))

static void look(bool acquires) {
    unsigned writer = mc_spawn(write_data, NULL);
    int expected = 5;
    if (acquires)
        FAIL(&number, &expected, memory_order_acq_rel, memory_order_acquire);
    else
        FAIL(&number, &expected, memory_order_acq_rel, memory_order_relaxed);
    if (expected == 1)
        MC_CHECK(data == 1);
    mc_join(writer);
}

static void a_failure_that_acquires_does(void) { look(true); }
static void a_failure_that_is_relaxed_does_not(void) { look(false); }

// Each of two stores, and does not see what the other one stores.
static atomic_int one, other;
static int seen[2];

static void *fail_seq_cst(void *unused) {
    atomic_store(&one, 1);
    seen[0] = 5;
    FAIL(&other, &seen[0], memory_order_seq_cst, memory_order_seq_cst);
    return unused;
}

static void *fail_relaxed(void *unused) {
    atomic_store(&one, 1);
    seen[0] = 5;
    FAIL(&other, &seen[0], memory_order_seq_cst, memory_order_relaxed);
    return unused;
}

static void beside(void *(*main)(void *)) {
    unsigned thread = mc_spawn(main, NULL);
    atomic_store(&other, 1);
    seen[1] = atomic_load(&one);
    mc_join(thread);
    mc_outcome((uint64_t)(seen[0] * 2 + seen[1]));
}

static void failures_may_be_seq_cst(void) { beside(fail_seq_cst); }
static void failures_may_be_less(void) { beside(fail_relaxed); }

static void a_weak_one_may_fail_for_no_reason(void) {
    int expected = -1;
    mc_outcome(atomic_compare_exchange_weak(&number, &expected, 1));
    MC_CHECK(expected == -1);
}

static void *fence_and_write(void *unused) {
    data = 1;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&number, 1, memory_order_relaxed);
    return unused;
}

static void fences_order(void) {
    unsigned writer = mc_spawn(fence_and_write, NULL);
    if (atomic_load_explicit(&number, memory_order_relaxed) == 1) {
        atomic_thread_fence(memory_order_acquire);
        MC_CHECK(data == 1);
    }
    mc_join(writer);
}

static void *count_one(void *unused) {
    while (atomic_flag_test_and_set_explicit(&flag, memory_order_acquire))
        mc_await();
    data++;
    atomic_flag_clear_explicit(&flag, memory_order_release);
    return unused;
}

static void a_flag_is_a_lock(void) {
    unsigned thread = mc_spawn(count_one, NULL);
    count_one(NULL);
    mc_join(thread);
    MC_CHECK(data == 2);
}

// Two loads of one line, with an order each.
#define SEEN(first, second)                                                    \
    (atomic_load_explicit(first, memory_order_relaxed) == 0 &&                 \
     atomic_load_explicit(second, memory_order_acquire) == 1)

static void orders_of_one_line_are_apart(void) {
    unsigned writer = mc_spawn(write_data, NULL);
    if (SEEN(&large, &number))
        MC_CHECK(data == 1);
    mc_join(writer);
}

static const uint64_t both[] = {0, 1, MC_OUTCOMES_END};
static const uint64_t one_saw[] = {1, 2, 3, MC_OUTCOMES_END};
static const uint64_t any[] = {0, 1, 2, 3, MC_OUTCOMES_END};

#define CASE(name) #name, name

const mc_case mc_cases[] = {
    {CASE(integers_keep_their_sign)},
    {CASE(eight_bytes_are_kept)},
    {CASE(pointers_are_kept)},
    {CASE(an_atomic_local_may_be_initialised)},
    {CASE(a_failure_that_acquires_does)},
    {CASE(a_failure_that_is_relaxed_does_not), .finds = MC_RACE},
    {CASE(failures_may_be_seq_cst), .outcomes = one_saw},
    {CASE(failures_may_be_less), .outcomes = any},
    {CASE(a_weak_one_may_fail_for_no_reason), .spurious = 1, .outcomes = both},
    {CASE(fences_order)},
    {CASE(a_flag_is_a_lock)},
    {CASE(orders_of_one_line_are_apart)},
    {NULL},
};
