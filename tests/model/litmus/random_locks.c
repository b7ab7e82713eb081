// SPDX-License-Identifier: MIT
// Made by generate.py locks 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void locks_1_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_1_0(void) {
    CHOOSE(a, 2);
    if (a == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
    STORE(x, 2, seq_cst);
}
static void locks_1_1(void) {
    SPAWN(2, locks_1_2);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
    JOIN(2);
}
LITMUS(locks_1, "apqx", 4, OUTCOMES(0x0322, 0x1322), locks_1_0, locks_1_1)

static void locks_2_0(void) {
    CHOOSE(a, 2);
    if (a == 1)
        STORE(x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
    STORE(x, 3, release);
}
static void locks_2_1(void) {
    LOCK(m);
    GET(b, q);
    SET(q, b + 1);
    UNLOCK(m);
}
static void locks_2_2(void) {
    LOCK(m);
    GET(c, q);
    SET(q, c + 1);
    UNLOCK(m);
}
LITMUS(locks_2, "abcqx", 12,
       OUTCOMES(0x00133, 0x00343, 0x01033, 0x03043, 0x03453, 0x04353, 0x10133,
                0x10343, 0x11033, 0x13043, 0x13453, 0x14353),
       locks_2_0, locks_2_1, locks_2_2)

static void locks_3_2(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_3_0(void) {
    SPAWN(2, locks_3_2);
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
    STORE(x, 1, release);
    JOIN(2);
}
static void locks_3_1(void) {
    LOCK(l);
    GET(a, p);
    SET(p, a + 1);
    UNLOCK(l);
    LOAD(b, y, acquire);
}
LITMUS(locks_3, "abpxy", 6,
       OUTCOMES(0x00210, 0x00310, 0x20310, 0x30210, 0x30410), locks_3_0,
       locks_3_1)

static void locks_4_2(void) {
    LOCK(m);
    GET(c, q);
    SET(q, c + 2);
    UNLOCK(m);
}
static void locks_4_0(void) {
    EXCHANGE(a, x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_4_1(void) {
    SPAWN(2, locks_4_2);
    LOCK(m);
    GET(b, q);
    SET(q, b + 2);
    UNLOCK(m);
    JOIN(2);
}
LITMUS(locks_4, "abcqx", 6,
       OUTCOMES(0x00231, 0x00351, 0x02031, 0x03051, 0x03571, 0x05371),
       locks_4_0, locks_4_1)

static void locks_5_0(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
    LOAD(a, x, relaxed);
}
static void locks_5_1(void) {
    LOAD(c, x, relaxed);
    LOCK(m);
    GET(b, q);
    SET(q, b + 1);
    UNLOCK(m);
}
static void locks_5_2(void) {
    FENCE(seq_cst);
    LOCK(m);
    GET(d, q);
    SET(q, d + 1);
    UNLOCK(m);
}
LITMUS(locks_5, "abcdqx", 6,
       OUTCOMES(0x000130, 0x000340, 0x010030, 0x030040, 0x030450, 0x040350),
       locks_5_0, locks_5_1, locks_5_2)

static void locks_6_2(void) {
    LOCK(l);
    GET(b, p);
    SET(p, b + 2);
    UNLOCK(l);
}
static void locks_6_0(void) {
    CHOOSE(a, 2);
    if (a == 1)
        STORE(x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_6_1(void) {
    SPAWN(2, locks_6_2);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
    JOIN(2);
}
LITMUS(locks_6, "abpqx", 4, OUTCOMES(0x00220, 0x00230, 0x10221, 0x10231),
       locks_6_0, locks_6_1)

static void locks_7_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
static void locks_7_1(void) {
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
    LOAD(c, y, relaxed);
}
static void locks_7_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_7, "abcpqxy", 4,
       OUTCOMES(0x0001200, 0x0101210, 0x1003200, 0x1103210), locks_7_0,
       locks_7_1, locks_7_2)

static void locks_8_0(void) {
    CAS(b, x, 2, 1, relaxed);
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_8_1(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_8_2(void) {
    CHOOSE(d, 2);
    if (d == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
    LOAD(c, x, acquire);
}
LITMUS(locks_8, "abcdpqx", 6,
       OUTCOMES(0x0000120, 0x0011121, 0x0111121, 0x2000130, 0x2011131,
                0x2111131),
       locks_8_0, locks_8_1, locks_8_2)

static void locks_9_0(void) {
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
static void locks_9_1(void) {
    CAS(a, x, 2, 2, acquire);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_9_2(void) {
    LOCK(l);
    GET(b, p);
    SET(p, b + 1);
    UNLOCK(l);
    CAS(c, x, 0, 3, release);
}
LITMUS(locks_9, "abcpqx", 4, OUTCOMES(0x000123, 0x010223, 0x300123, 0x310223),
       locks_9_0, locks_9_1, locks_9_2)

static void locks_10_0(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
    STORE(x, 1, relaxed);
}
static void locks_10_1(void) {
    LOCK(m);
    GET(a, q);
    SET(q, a + 2);
    UNLOCK(m);
    EXCHANGE(b, x, 1, seq_cst);
}
static void locks_10_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_10, "abqx", 12,
       OUTCOMES(0x0011, 0x0021, 0x0111, 0x0121, 0x1021, 0x1031, 0x1121, 0x1131,
                0x2011, 0x2041, 0x2111, 0x2141),
       locks_10_0, locks_10_1, locks_10_2)

static void locks_11_0(void) {
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_11_1(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_11_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_11, "aq", 6, OUTCOMES(0x01, 0x02, 0x12, 0x21, 0x23), locks_11_0,
       locks_11_1, locks_11_2)

static void locks_12_0(void) {
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
static void locks_12_1(void) {
    LOCK(m);
    GET(b, q);
    SET(q, b + 1);
    UNLOCK(m);
}
static void locks_12_2(void) {
    CHOOSE(c, 2);
    if (c == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
LITMUS(locks_12, "abcpqx", 4, OUTCOMES(0x000210, 0x001211, 0x200410, 0x201411),
       locks_12_0, locks_12_1, locks_12_2)

static void locks_13_0(void) {
    ADD(a, y, 3, seq_cst);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
static void locks_13_1(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_13_2(void) {
    LOCK(l);
    GET(c, p);
    SET(p, c + 2);
    UNLOCK(l);
}
LITMUS(locks_13, "abcpxy", 12,
       OUTCOMES(0x000103, 0x000203, 0x001203, 0x001303, 0x002103, 0x002403,
                0x010113, 0x010213, 0x011213, 0x011313, 0x012113, 0x012413),
       locks_13_0, locks_13_1, locks_13_2)

static void locks_14_0(void) {
    STORE(y, 3, seq_cst);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_14_1(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
    STORE(y, 2, release);
}
static void locks_14_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_14, "abqxy", 18,
       OUTCOMES(0x00202, 0x00203, 0x00302, 0x00303, 0x01212, 0x01213, 0x01312,
                0x01313, 0x20302, 0x20303, 0x21312, 0x21313, 0x30202, 0x30402,
                0x31212, 0x31412),
       locks_14_0, locks_14_1, locks_14_2)

static void locks_15_0(void) {
    LOCK(l);
    SET(p, 1);
    LOCK(m);
    GET(a, q);
    SET(q, a + 2);
    UNLOCK(m);
    UNLOCK(l);
}
static void locks_15_1(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_15_2(void) {
    CAS(b, x, 2, 2, relaxed);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_15, "abpqx", 6, OUTCOMES(0x00120, 0x20120, 0x20140), locks_15_0,
       locks_15_1, locks_15_2)

static void locks_16_0(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_16_1(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    FENCE(seq_cst);
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_16_2(void) {
    LOCK(m);
    GET(c, q);
    SET(q, c + 2);
    UNLOCK(m);
}
LITMUS(locks_16, "abcqx", 12,
       OUTCOMES(0x00110, 0x00130, 0x01111, 0x01131, 0x10020, 0x10240, 0x11021,
                0x11241, 0x20010, 0x21011, 0x30140, 0x31141),
       locks_16_0, locks_16_1, locks_16_2)

static void locks_17_0(void) {
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
    STORE(x, 2, relaxed);
}
static void locks_17_1(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    GET(a, p);
    SET(p, a + 1);
    UNLOCK(l);
}
static void locks_17_2(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_17, "abpqx", 5,
       OUTCOMES(0x00222, 0x01222, 0x20322, 0x21321, 0x21322), locks_17_0,
       locks_17_1, locks_17_2)

static void locks_18_0(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
    STORE(y, 1, relaxed);
}
static void locks_18_1(void) {
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
    LOAD(a, y, acquire);
}
static void locks_18_2(void) {
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
LITMUS(locks_18, "apqy", 4, OUTCOMES(0x0121, 0x1121), locks_18_0, locks_18_1,
       locks_18_2)

static void locks_19_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_19_1(void) {
    LOCK(l);
    GET(c, p);
    SET(p, c + 2);
    UNLOCK(l);
}
static void locks_19_2(void) {
    STORE(y, 2, relaxed);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
LITMUS(locks_19, "abcpqxy", 4,
       OUTCOMES(0x0002202, 0x0102212, 0x2002302, 0x2102312), locks_19_0,
       locks_19_1, locks_19_2)

static void locks_20_0(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
}
static void locks_20_1(void) {
    CHOOSE(a, 2);
    if (a == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
static void locks_20_2(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
LITMUS(locks_20, "apqx", 4, OUTCOMES(0x0130, 0x0330, 0x1131, 0x1331),
       locks_20_0, locks_20_1, locks_20_2)

const mc_case mc_cases[] = {
    BOTH(locks_1),  BOTH(locks_2),  BOTH(locks_3),  BOTH(locks_4),
    BOTH(locks_5),  BOTH(locks_6),  BOTH(locks_7),  BOTH(locks_8),
    BOTH(locks_9),  BOTH(locks_10), BOTH(locks_11), BOTH(locks_12),
    BOTH(locks_13), BOTH(locks_14), BOTH(locks_15), BOTH(locks_16),
    BOTH(locks_17), BOTH(locks_18), BOTH(locks_19), BOTH(locks_20),
    {.name = NULL},
};
