// SPDX-License-Identifier: MIT
// Message passing: x is written, then y says so; who sees y must see x. The
// outcome 10 (the flag seen, the message not) is there as soon as one side
// does not order its two steps. Fences serve as well as orders do.
#include "model/litmus/litmus.h"

static void send_relaxed(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, relaxed);
}
static void send_release(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, release);
}
static void send_sc(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, seq_cst);
}
static void send_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(release);
    STORE(y, 1, relaxed);
}
static void send_acquire_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(acquire);
    STORE(y, 1, relaxed);
}
static void send_sc_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(seq_cst);
    STORE(y, 1, relaxed);
}
static void send_late_fence(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, relaxed);
    FENCE(seq_cst);
}
static void send_add(void) {
    STORE(x, 1, relaxed);
    ADD(c, y, 1, release);
}
static void send_exchange_acquire(void) {
    STORE(x, 1, relaxed);
    EXCHANGE(c, y, 1, acquire);
}

static void get_relaxed(void) {
    LOAD(a, y, relaxed);
    LOAD(b, x, relaxed);
}
static void get_acquire(void) {
    LOAD(a, y, acquire);
    LOAD(b, x, relaxed);
}
static void get_sc(void) {
    LOAD(a, y, seq_cst);
    LOAD(b, x, relaxed);
}
static void get_fence(void) {
    LOAD(a, y, relaxed);
    FENCE(acquire);
    LOAD(b, x, relaxed);
}
static void get_release_fence(void) {
    LOAD(a, y, relaxed);
    FENCE(release);
    LOAD(b, x, relaxed);
}
static void get_sc_fence(void) {
    LOAD(a, y, relaxed);
    FENCE(seq_cst);
    LOAD(b, x, relaxed);
}
static void get_cas_acquire(void) {
    CAS(a, y, 1, 2, acquire);
    LOAD(b, x, relaxed);
}
// The order of a compare-exchange that fails is relaxed.
static void get_cas_fails(void) {
    CAS(a, y, 7, 8, acquire);
    LOAD(b, x, relaxed);
}
static void get_if_set(void) {
    LOAD(a, y, acquire);
    if (a == 1)
        LOAD(b, x, relaxed);
}

LITMUS(mp_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), send_relaxed,
       get_relaxed)
LITMUS(mp_relaxed_acquire, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_relaxed, get_acquire)
LITMUS(mp_release_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_release, get_relaxed)
LITMUS(mp_release_acquire, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_release,
       get_acquire)
LITMUS(mp_release_sc, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_release, get_sc)
LITMUS(mp_sc_acquire, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_sc, get_acquire)
LITMUS(mp_sc_sc, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_sc, get_sc)
LITMUS(mp_sc_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), send_sc,
       get_relaxed)
LITMUS(mp_fence_fence, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_fence,
       get_fence)
LITMUS(mp_fence_acquire, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_fence,
       get_acquire)
LITMUS(mp_release_fence, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_release,
       get_fence)
LITMUS(mp_sc_fences, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_sc_fence,
       get_sc_fence)
LITMUS(mp_fence_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), send_fence,
       get_relaxed)
LITMUS(mp_relaxed_fence, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_relaxed, get_fence)
LITMUS(mp_wrong_fence_sent, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_acquire_fence, get_acquire)
LITMUS(mp_wrong_fence_got, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_release, get_release_fence)
LITMUS(mp_late_fence, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_late_fence, get_acquire)
LITMUS(mp_add_acquire, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_add,
       get_acquire)
LITMUS(mp_exchange_acquire, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_exchange_acquire, get_acquire)
LITMUS(mp_release_cas, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), send_release,
       get_cas_acquire)
LITMUS(mp_release_cas_fails, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       send_release, get_cas_fails)
LITMUS(mp_control, "ab", 2, OUTCOMES(0x00, 0x11), send_release, get_if_set)

const mc_case mc_cases[] = {
    BOTH(mp_relaxed),
    BOTH(mp_relaxed_acquire),
    BOTH(mp_release_relaxed),
    BOTH(mp_release_acquire),
    BOTH(mp_release_sc),
    BOTH(mp_sc_acquire),
    BOTH(mp_sc_sc),
    BOTH(mp_sc_relaxed),
    BOTH(mp_fence_fence),
    BOTH(mp_fence_acquire),
    BOTH(mp_release_fence),
    BOTH(mp_sc_fences),
    BOTH(mp_fence_relaxed),
    BOTH(mp_relaxed_fence),
    BOTH(mp_wrong_fence_sent),
    BOTH(mp_wrong_fence_got),
    BOTH(mp_late_fence),
    BOTH(mp_add_acquire),
    BOTH(mp_exchange_acquire),
    BOTH(mp_release_cas),
    BOTH(mp_release_cas_fails),
    BOTH(mp_control),
    {.name = NULL},
};
