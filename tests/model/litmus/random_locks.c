// SPDX-License-Identifier: MIT
// Made by generate.py locks 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void locks_1_0(void) {
    CHOOSE(c, 2);
    if (c == 1)
        STORE(x, 1, release);
    LOAD(b, x, relaxed);
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_1_1(void) {
    TRY(d, l);
    if (d == 1)
        SET(p, 2);
    if (d == 1)
        UNLOCK(l);
}
static void locks_1_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_1, "abcdpqx", 8,
       OUTCOMES(0x0001220, 0x0111221, 0x1000120, 0x1001120, 0x1001220,
                0x1110121, 0x1111121, 0x1111221),
       locks_1_0, locks_1_1, locks_1_2)

static void locks_2_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_2_1(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_2_2(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
LITMUS(locks_2, "abpqx", 6, OUTCOMES(0x00230, 0x01231, 0x10230, 0x11231),
       locks_2_0, locks_2_1, locks_2_2)

static void locks_3_0(void) {
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
static void locks_3_1(void) {
    LOCK(m);
    GET(b, q);
    SET(q, b + 1);
    UNLOCK(m);
}
static void locks_3_2(void) {
    TRY(c, l);
    if (c == 1)
        SET(p, 2);
    if (c == 1)
        UNLOCK(l);
}
LITMUS(locks_3, "abcpq", 3, OUTCOMES(0x00021, 0x00121, 0x20141), locks_3_0,
       locks_3_1, locks_3_2)

static void locks_4_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    GET(a, p);
    SET(p, a + 1);
    UNLOCK(l);
}
static void locks_4_1(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_4_2(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
LITMUS(locks_4, "abpqx", 4, OUTCOMES(0x00110, 0x00130, 0x01111, 0x01131),
       locks_4_0, locks_4_1, locks_4_2)

static void locks_5_0(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_5_1(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_5_2(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
LITMUS(locks_5, "abpqx", 4, OUTCOMES(0x00220, 0x00230, 0x01221, 0x01231),
       locks_5_0, locks_5_1, locks_5_2)

static void locks_6_0(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_6_1(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_6_2(void) {
    LOCK(l);
    GET(b, p);
    SET(p, b + 2);
    UNLOCK(l);
    STORE(y, 1, relaxed);
}
LITMUS(locks_6, "abpqy", 3, OUTCOMES(0x00211, 0x10111, 0x11311), locks_6_0,
       locks_6_1, locks_6_2)

static void locks_7_0(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
    STORE(y, 1, relaxed);
}
static void locks_7_1(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_7_2(void) {
    LOCK(m);
    GET(b, q);
    SET(q, b + 2);
    UNLOCK(m);
}
LITMUS(locks_7, "abpqy", 3, OUTCOMES(0x00321, 0x10121, 0x10321), locks_7_0,
       locks_7_1, locks_7_2)

static void locks_8_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 3);
    if (a == 1)
        UNLOCK(l);
    ADD(b, y, 1, acquire);
}
static void locks_8_1(void) {
    LOAD(d, y, acquire);
    TRY(c, l);
    if (c == 1)
        SET(p, 2);
    if (c == 1)
        UNLOCK(l);
}
static void locks_8_2(void) {
    TRY(e, l);
    if (e == 1)
        SET(p, 3);
    if (e == 1)
        UNLOCK(l);
}
LITMUS(locks_8, "abcdepy", 33,
       OUTCOMES(0x0000131, 0x0001131, 0x0010021, 0x0010121, 0x0010131,
                0x0011121, 0x1000031, 0x1000131, 0x1001031, 0x1001131,
                0x1010021, 0x1010031, 0x1010121, 0x1010131, 0x1011021,
                0x1011121, 0x1011131),
       locks_8_0, locks_8_1, locks_8_2)

static void locks_9_0(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_9_1(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
    STORE(x, 1, release);
}
static void locks_9_2(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
LITMUS(locks_9, "apqx", 3, OUTCOMES(0x0231, 0x1231), locks_9_0, locks_9_1,
       locks_9_2)

static void locks_10_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 3);
    if (a == 1)
        UNLOCK(l);
    FENCE(release);
}
static void locks_10_1(void) {
    STORE(x, 3, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_10_2(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
}
LITMUS(locks_10, "apqx", 3, OUTCOMES(0x0333, 0x1333), locks_10_0, locks_10_1,
       locks_10_2)

static void locks_11_0(void) {
    FENCE(seq_cst);
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_11_1(void) {
    LOAD(b, x, relaxed);
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_11_2(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
LITMUS(locks_11, "abpx", 10, OUTCOMES(0x0020, 0x1010, 0x1020), locks_11_0,
       locks_11_1, locks_11_2)

static void locks_12_0(void) {
    STORE(x, 3, release);
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_12_1(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_12_2(void) {
    TRY(b, l);
    if (b == 1)
        SET(p, 2);
    if (b == 1)
        UNLOCK(l);
    ADD(c, x, 2, acquire);
}
LITMUS(locks_12, "abcpx", 27,
       OUTCOMES(0x00023, 0x00325, 0x01023, 0x01325, 0x10023, 0x10325, 0x11023,
                0x11325),
       locks_12_0, locks_12_1, locks_12_2)

static void locks_13_0(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
}
static void locks_13_1(void) {
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
static void locks_13_2(void) {
    TRY(b, l);
    if (b == 1)
        SET(p, 1);
    if (b == 1)
        UNLOCK(l);
    STORE(x, 2, release);
}
LITMUS(locks_13, "abpx", 10,
       OUTCOMES(0x0032, 0x0112, 0x0132, 0x1132, 0x3052, 0x3112, 0x3152),
       locks_13_0, locks_13_1, locks_13_2)

static void locks_14_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_14_1(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_14_2(void) {
    LOCK(l);
    GET(b, p);
    SET(p, b + 1);
    UNLOCK(l);
}
LITMUS(locks_14, "abpq", 3, OUTCOMES(0x0011, 0x1021, 0x1231), locks_14_0,
       locks_14_1, locks_14_2)

static void locks_15_0(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_15_1(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
    LOAD(a, x, acquire);
}
static void locks_15_2(void) {
    TRY(b, l);
    if (b == 1)
        SET(p, 3);
    if (b == 1)
        UNLOCK(l);
    ADD(c, x, 1, relaxed);
}
LITMUS(locks_15, "abcpqx", 6,
       OUTCOMES(0x000221, 0x010221, 0x010321, 0x100221, 0x110221, 0x110321),
       locks_15_0, locks_15_1, locks_15_2)

static void locks_16_0(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_16_1(void) {
    CHOOSE(a, 2);
    if (a == 1)
        STORE(x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_16_2(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
LITMUS(locks_16, "aqx", 12, OUTCOMES(0x020, 0x030, 0x121, 0x131), locks_16_0,
       locks_16_1, locks_16_2)

static void locks_17_0(void) {
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_17_1(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_17_2(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
LITMUS(locks_17, "aq", 6, OUTCOMES(0x01, 0x02, 0x12, 0x21, 0x23), locks_17_0,
       locks_17_1, locks_17_2)

static void locks_18_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_18_1(void) {
    LOAD(b, y, acquire);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_18_2(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
    LOAD(c, x, relaxed);
}
LITMUS(locks_18, "abcpqxy", 3, OUTCOMES(0x0003200, 0x1002200, 0x1003200),
       locks_18_0, locks_18_1, locks_18_2)

static void locks_19_0(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
    CAS(a, x, 0, 1, relaxed);
}
static void locks_19_1(void) {
    TRY(b, l);
    if (b == 1)
        SET(p, 2);
    if (b == 1)
        UNLOCK(l);
    ADD(c, x, 2, release);
}
static void locks_19_2(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
LITMUS(locks_19, "abcpqx", 4, OUTCOMES(0x011213, 0x210212), locks_19_0,
       locks_19_1, locks_19_2)

static void locks_20_2(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_20_0(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_20_1(void) {
    SPAWN(2, locks_20_2);
    LOCK(m);
    GET(a, q);
    SET(q, a + 2);
    UNLOCK(m);
    JOIN(2);
}
LITMUS(locks_20, "aq", 6, OUTCOMES(0x01, 0x03, 0x13, 0x31, 0x35), locks_20_0,
       locks_20_1)

const mc_case mc_cases[] = {
    BOTH(locks_1),  BOTH(locks_2),  BOTH(locks_3),  BOTH(locks_4),
    BOTH(locks_5),  BOTH(locks_6),  BOTH(locks_7),  BOTH(locks_8),
    BOTH(locks_9),  BOTH(locks_10), BOTH(locks_11), BOTH(locks_12),
    BOTH(locks_13), BOTH(locks_14), BOTH(locks_15), BOTH(locks_16),
    BOTH(locks_17), BOTH(locks_18), BOTH(locks_19), BOTH(locks_20),
    {.name = NULL},
};
