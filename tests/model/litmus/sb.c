// SPDX-License-Identifier: MIT
// Store buffering and its kin: two threads, each writes and then looks at what
// the other one wrote. The outcome 00 is what only seq_cst rules out.
#include "model/litmus/litmus.h"

static void put_x_relaxed(void) {
    STORE(x, 1, relaxed);
    LOAD(a, y, relaxed);
}
static void put_y_relaxed(void) {
    STORE(y, 1, relaxed);
    LOAD(b, x, relaxed);
}
static void put_x_release(void) {
    STORE(x, 1, release);
    LOAD(a, y, acquire);
}
static void put_y_release(void) {
    STORE(y, 1, release);
    LOAD(b, x, acquire);
}
static void put_x_sc(void) {
    STORE(x, 1, seq_cst);
    LOAD(a, y, seq_cst);
}
static void put_y_sc(void) {
    STORE(y, 1, seq_cst);
    LOAD(b, x, seq_cst);
}
static void put_x_sc_store(void) {
    STORE(x, 1, seq_cst);
    LOAD(a, y, acquire);
}
static void put_y_sc_load(void) {
    STORE(y, 1, release);
    LOAD(b, x, seq_cst);
}
static void put_x_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(seq_cst);
    LOAD(a, y, relaxed);
}
static void put_y_fence(void) {
    STORE(y, 1, relaxed);
    FENCE(seq_cst);
    LOAD(b, x, relaxed);
}
static void put_y_weak_fence(void) {
    STORE(y, 1, relaxed);
    FENCE(acq_rel);
    LOAD(b, x, relaxed);
}
static void swap_x_sc(void) {
    EXCHANGE(c, x, 1, seq_cst);
    LOAD(a, y, relaxed);
}
static void swap_y_sc(void) {
    EXCHANGE(d, y, 1, seq_cst);
    LOAD(b, x, relaxed);
}
static void add_y_acq_rel(void) {
    STORE(x, 1, relaxed);
    ADD(a, y, 0, acq_rel);
}
static void add_x_acq_rel(void) {
    STORE(y, 1, relaxed);
    ADD(b, x, 0, acq_rel);
}

LITMUS(sb_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), put_x_relaxed,
       put_y_relaxed)
LITMUS(sb_acq_rel, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), put_x_release,
       put_y_release)
LITMUS(sb_sc, "ab", 3, OUTCOMES(0x01, 0x10, 0x11), put_x_sc, put_y_sc)
LITMUS(sb_half_sc, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), put_x_sc_store,
       put_y_sc_load)
LITMUS(sb_fences, "ab", 3, OUTCOMES(0x01, 0x10, 0x11), put_x_fence, put_y_fence)
LITMUS(sb_one_fence, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), put_x_fence,
       put_y_relaxed)
LITMUS(sb_weak_fence, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), put_x_fence,
       put_y_weak_fence)
// A fence on one side and seq_cst accesses on the other are enough.
LITMUS(sb_fence_and_sc, "ab", 3, OUTCOMES(0x01, 0x10, 0x11), put_x_fence,
       put_y_sc)
LITMUS(sb_swap_then_relaxed, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       swap_x_sc, swap_y_sc)
// To look by adding 0 is no fence: each may come before the other's store.
LITMUS(sb_adds, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11), add_y_acq_rel,
       add_x_acq_rel)

const mc_case mc_cases[] = {
    BOTH(sb_relaxed),    BOTH(sb_acq_rel),      BOTH(sb_sc),
    BOTH(sb_half_sc),    BOTH(sb_fences),       BOTH(sb_one_fence),
    BOTH(sb_weak_fence), BOTH(sb_fence_and_sc), BOTH(sb_swap_then_relaxed),
    BOTH(sb_adds),       {.name = NULL},
};
