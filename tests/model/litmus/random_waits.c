// SPDX-License-Identifier: MIT
// Made by generate.py waits 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void waits_1_0(void) {
    STORE(x, 3, release);
    STORE(y, 1, relaxed);
    LOAD(a, y, relaxed);
}
static void waits_1_1(void) {
    CAS(b, y, 1, 1, relaxed);
    AWAIT(c, x, 3, seq_cst);
    if (c == 2)
        STORE(x, 2, relaxed);
}
LITMUS(waits_1, "abcxy", 0, OUTCOMES(0x10331, 0x11331), waits_1_0, waits_1_1)

static void waits_2_0(void) {
    ADD(a, y, 1, acq_rel);
    CAS(b, y, 2, 1, release);
    EXCHANGE(c, y, 3, release);
}
static void waits_2_1(void) {
    AWAIT(d, x, 0, seq_cst);
    ADD(e, y, 1, acq_rel);
}
LITMUS(waits_2, "abcdexy", 0,
       OUTCOMES(0x0110304, 0x0120103, 0x0210103, 0x1210003), waits_2_0,
       waits_2_1)

static void waits_3_0(void) {
    STORE(z, 2, relaxed);
    CAS(a, x, 1, 1, seq_cst);
    STORE(y, 2, release);
}
static void waits_3_1(void) {
    ADD(b, x, 2, seq_cst);
    AWAIT(c, x, 2, relaxed);
    STORE(z, 1, relaxed);
}
LITMUS(waits_3, "abcxyz", 0, OUTCOMES(0x002221, 0x002222, 0x202221, 0x202222),
       waits_3_0, waits_3_1)

static void waits_4_0(void) {
    AWAIT(a, y, 0, relaxed);
    LOAD(b, x, acquire);
}
static void waits_4_1(void) {
    ADD(c, x, 1, release);
    ADD(d, x, 2, acquire);
    if (c == 0)
        STORE(x, 1, release);
}
LITMUS(waits_4, "abcdxy", 0, OUTCOMES(0x000110, 0x010110, 0x030110), waits_4_0,
       waits_4_1)

static void waits_5_0(void) {
    STORE(x, 1, release);
    STORE(x, 1, release);
    EXCHANGE(a, z, 2, relaxed);
    LOAD(b, x, relaxed);
}
static void waits_5_1(void) {
    AWAIT(c, x, 1, relaxed);
    FENCE(acq_rel);
    ADD(d, z, 1, relaxed);
}
LITMUS(waits_5, "abcdxz", 0, OUTCOMES(0x011213, 0x111012), waits_5_0, waits_5_1)

static void waits_6_0(void) {
    AWAIT(a, x, 1, seq_cst);
    LOAD(b, x, relaxed);
    STORE(x, 1, release);
    STORE(x, 1, release);
}
static void waits_6_1(void) {
    STORE(x, 1, release);
    LOAD(c, x, acquire);
}
LITMUS(waits_6, "abcx", 0, OUTCOMES(0x1111), waits_6_0, waits_6_1)

static void waits_7_0(void) {
    EXCHANGE(a, x, 2, relaxed);
    LOAD(b, y, acquire);
}
static void waits_7_1(void) {
    AWAIT(c, y, 0, seq_cst);
    STORE(y, 3, seq_cst);
    if (c == 0)
        STORE(x, 3, seq_cst);
}
LITMUS(waits_7, "abcxy", 0, OUTCOMES(0x00033, 0x03033, 0x30023, 0x33023),
       waits_7_0, waits_7_1)

static void waits_8_0(void) {
    CAS(a, x, 0, 2, relaxed);
    LOAD(b, x, acquire);
    STORE(x, 3, seq_cst);
}
static void waits_8_1(void) {
    STORE(x, 3, seq_cst);
    AWAIT(c, x, 3, relaxed);
    EXCHANGE(d, x, 1, relaxed);
    if (c == 0)
        LOAD(e, x, relaxed);
}
LITMUS(waits_8, "abcdex", 0,
       OUTCOMES(0x013303, 0x023301, 0x023303, 0x033301, 0x033303, 0x113303,
                0x313303, 0x333301, 0x333303),
       waits_8_0, waits_8_1)

static void waits_9_0(void) {
    AWAIT(a, x, 0, relaxed);
    STORE(x, 2, release);
    STORE(x, 3, release);
}
static void waits_9_1(void) {
    CAS(b, x, 2, 1, acquire);
    if (b == 2)
        CAS(c, x, 0, 3, acquire);
}
LITMUS(waits_9, "abcx", 0, OUTCOMES(0x0003, 0x0213, 0x0233, 0x0303), waits_9_0,
       waits_9_1)

static void waits_10_0(void) {
    CAS(a, x, 1, 2, seq_cst);
    LOAD(b, x, acquire);
}
static void waits_10_1(void) {
    LOAD(c, x, seq_cst);
    STORE(x, 2, release);
    AWAIT(d, x, 2, seq_cst);
    STORE(x, 1, relaxed);
}
LITMUS(waits_10, "abcdx", 0,
       OUTCOMES(0x00021, 0x01021, 0x02021, 0x12022, 0x21021, 0x22021),
       waits_10_0, waits_10_1)

static void waits_11_0(void) {
    STORE(x, 2, release);
    FENCE(acq_rel);
    LOAD(a, x, seq_cst);
}
static void waits_11_1(void) {
    STORE(x, 2, relaxed);
    STORE(x, 2, relaxed);
    STORE(x, 2, relaxed);
    AWAIT(b, x, 2, relaxed);
}
LITMUS(waits_11, "abx", 0, OUTCOMES(0x222), waits_11_0, waits_11_1)

static void waits_12_0(void) {
    EXCHANGE(a, x, 1, relaxed);
    CAS(b, x, 1, 1, acq_rel);
    if (b == 2)
        LOAD(c, x, seq_cst);
}
static void waits_12_1(void) {
    AWAIT(d, x, 1, relaxed);
    CAS(e, x, 2, 3, acq_rel);
    EXCHANGE(f, x, 2, acq_rel);
    CAS(g, x, 0, 1, seq_cst);
}
LITMUS(waits_12, "abcdefgx", 0, OUTCOMES(0x01011122, 0x02211122), waits_12_0,
       waits_12_1)

static void waits_13_0(void) {
    AWAIT(a, x, 0, relaxed);
    ADD(b, y, 1, release);
    ADD(c, x, 2, relaxed);
}
static void waits_13_1(void) {
    STORE(y, 1, relaxed);
    STORE(y, 1, release);
}
LITMUS(waits_13, "abcxy", 0, OUTCOMES(0x00021, 0x01021, 0x01022), waits_13_0,
       waits_13_1)

static void waits_14_0(void) {
    LOAD(a, x, acquire);
    ADD(b, y, 2, relaxed);
    STORE(y, 3, release);
}
static void waits_14_1(void) {
    STORE(y, 2, release);
    AWAIT(c, x, 0, relaxed);
    if (c == 1)
        STORE(y, 3, release);
}
LITMUS(waits_14, "abcxy", 0, OUTCOMES(0x00002, 0x00003, 0x02003), waits_14_0,
       waits_14_1)

static void waits_15_0(void) {
    AWAIT(a, x, 2, relaxed);
    CAS(b, x, 2, 1, relaxed);
    if (a == 1)
        STORE(x, 3, seq_cst);
}
static void waits_15_1(void) {
    STORE(x, 2, seq_cst);
    EXCHANGE(c, x, 2, relaxed);
    CAS(d, x, 0, 1, relaxed);
}
LITMUS(waits_15, "abcdx", 0, OUTCOMES(0x22122, 0x22211, 0x22221), waits_15_0,
       waits_15_1)

static void waits_16_0(void) {
    LOAD(a, x, relaxed);
    STORE(x, 3, relaxed);
    if (a == 0)
        STORE(x, 3, relaxed);
}
static void waits_16_1(void) {
    AWAIT(b, x, 3, acquire);
    STORE(x, 1, release);
    STORE(x, 2, relaxed);
    if (b == 1)
        STORE(x, 2, relaxed);
}
LITMUS(waits_16, "abx", 0, OUTCOMES(0x032, 0x033), waits_16_0, waits_16_1)

static void waits_17_0(void) {
    FENCE(release);
    EXCHANGE(a, z, 2, relaxed);
    STORE(z, 1, seq_cst);
    if (a == 0)
        STORE(x, 2, relaxed);
}
static void waits_17_1(void) {
    STORE(x, 1, seq_cst);
    AWAIT(b, z, 1, relaxed);
    ADD(c, x, 3, acquire);
}
LITMUS(waits_17, "abcxz", 0, OUTCOMES(0x01121, 0x01141, 0x01251), waits_17_0,
       waits_17_1)

static void waits_18_0(void) {
    LOAD(a, y, relaxed);
    ADD(b, x, 2, relaxed);
    LOAD(c, y, relaxed);
}
static void waits_18_1(void) {
    EXCHANGE(d, y, 3, relaxed);
    AWAIT(e, x, 2, seq_cst);
    LOAD(f, y, acquire);
    if (e == 2)
        STORE(y, 1, seq_cst);
}
LITMUS(waits_18, "abcdefxy", 0,
       OUTCOMES(0x00002321, 0x00102321, 0x00302321, 0x30102321, 0x30302321),
       waits_18_0, waits_18_1)

static void waits_19_0(void) {
    STORE(y, 1, seq_cst);
    AWAIT(a, x, 0, seq_cst);
    ADD(b, x, 3, acquire);
}
static void waits_19_1(void) {
    ADD(c, z, 2, seq_cst);
    STORE(y, 3, seq_cst);
    if (c == 0)
        EXCHANGE(d, y, 1, seq_cst);
}
LITMUS(waits_19, "abcdxyz", 0, OUTCOMES(0x0001312, 0x0003312), waits_19_0,
       waits_19_1)

static void waits_20_0(void) {
    AWAIT(a, x, 0, relaxed);
    STORE(x, 1, release);
    ADD(b, x, 3, release);
}
static void waits_20_1(void) {
    LOAD(c, x, relaxed);
    if (c == 1)
        STORE(x, 1, release);
}
LITMUS(waits_20, "abcx", 0, OUTCOMES(0x0104, 0x0111, 0x0114, 0x0144),
       waits_20_0, waits_20_1)

const mc_case mc_cases[] = {
    BOTH(waits_1),  BOTH(waits_2),  BOTH(waits_3),  BOTH(waits_4),
    BOTH(waits_5),  BOTH(waits_6),  BOTH(waits_7),  BOTH(waits_8),
    BOTH(waits_9),  BOTH(waits_10), BOTH(waits_11), BOTH(waits_12),
    BOTH(waits_13), BOTH(waits_14), BOTH(waits_15), BOTH(waits_16),
    BOTH(waits_17), BOTH(waits_18), BOTH(waits_19), BOTH(waits_20),
    {.name = NULL},
};
