// SPDX-License-Identifier: MIT
// Made by generate.py locks 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void locks_1_2(void) {
    LOCK(m);
    SET(q, 3);
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
LITMUS(locks_1, "apqx", 4, OUTCOMES(0x0322, 0x0332, 0x1322, 0x1332), locks_1_0,
       locks_1_1)

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

static void locks_5_2(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
}
static void locks_5_0(void) {
    SPAWN(2, locks_5_2);
    LOCK(m);
    GET(a, q);
    SET(q, a + 2);
    UNLOCK(m);
    JOIN(2);
}
static void locks_5_1(void) {
    TRY(b, l);
    if (b == 1)
        SET(p, 1);
    if (b == 1)
        UNLOCK(l);
    EXCHANGE(c, x, 2, relaxed);
}
LITMUS(locks_5, "abcpqx", 3, OUTCOMES(0x000322, 0x010122, 0x010322), locks_5_0,
       locks_5_1)

static void locks_6_2(void) {
    LOCK(m);
    GET(a, q);
    SET(q, a + 2);
    UNLOCK(m);
}
static void locks_6_0(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
    STORE(y, 2, release);
}
static void locks_6_1(void) {
    SPAWN(2, locks_6_2);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
    JOIN(2);
}
LITMUS(locks_6, "aqy", 6, OUTCOMES(0x012, 0x032, 0x132, 0x312, 0x352),
       locks_6_0, locks_6_1)

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
    LOAD(b, y, relaxed);
    LOCK(l);
    GET(a, p);
    SET(p, a + 1);
    UNLOCK(l);
}
static void locks_8_1(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_8_2(void) {
    CHOOSE(c, 2);
    if (c == 1)
        STORE(x, 1, release);
    STORE(y, 2, relaxed);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
LITMUS(locks_8, "abcpqxy", 8,
       OUTCOMES(0x0001302, 0x0011312, 0x0201302, 0x0211312, 0x1002302,
                0x1012312, 0x1202302, 0x1212312),
       locks_8_0, locks_8_1, locks_8_2)

static void locks_9_0(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_9_1(void) {
    CHOOSE(c, 2);
    if (c == 1)
        STORE(x, 1, release);
    ADD(b, x, 2, seq_cst);
    LOCK(l);
    GET(a, p);
    SET(p, a + 1);
    UNLOCK(l);
}
static void locks_9_2(void) {
    LOCK(m);
    GET(d, q);
    SET(q, d + 1);
    UNLOCK(m);
}
LITMUS(locks_9, "abcdpqx", 4,
       OUTCOMES(0x0000122, 0x0002132, 0x0110123, 0x0112133), locks_9_0,
       locks_9_1, locks_9_2)

static void locks_10_0(void) {
    FENCE(release);
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_10_1(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_10_2(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
LITMUS(locks_10, "abpqx", 6,
       OUTCOMES(0x00110, 0x01111, 0x10110, 0x10210, 0x11111, 0x11211),
       locks_10_0, locks_10_1, locks_10_2)

static void locks_11_0(void) {
    FENCE(acq_rel);
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_11_1(void) {
    CHOOSE(d, 2);
    if (d == 1)
        STORE(x, 1, release);
    LOCK(m);
    GET(b, q);
    SET(q, b + 2);
    UNLOCK(m);
    LOAD(c, y, seq_cst);
}
static void locks_11_2(void) {
    TRY(e, l);
    if (e == 1)
        SET(p, 2);
    if (e == 1)
        UNLOCK(l);
}
LITMUS(locks_11, "abcdepqxy", 8,
       OUTCOMES(0x000012200, 0x000112210, 0x100001200, 0x100011200, 0x100012200,
                0x100101210, 0x100111210, 0x100112210),
       locks_11_0, locks_11_1, locks_11_2)

static void locks_12_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_12_1(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_12_2(void) {
    CHOOSE(c, 2);
    if (c == 1)
        STORE(x, 1, release);
    STORE(x, 1, relaxed);
    LOCK(m);
    GET(b, q);
    SET(q, b + 1);
    UNLOCK(m);
}
LITMUS(locks_12, "abcpqx", 4, OUTCOMES(0x100131, 0x101131, 0x130141, 0x131141),
       locks_12_0, locks_12_1, locks_12_2)

static void locks_13_0(void) {
    LOAD(b, y, seq_cst);
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
}
static void locks_13_1(void) {
    TRY(c, l);
    if (c == 1)
        SET(p, 3);
    if (c == 1)
        UNLOCK(l);
}
static void locks_13_2(void) {
    CHOOSE(e, 2);
    if (e == 1)
        STORE(x, 1, release);
    STORE(y, 2, release);
    LOCK(l);
    GET(d, p);
    SET(p, d + 1);
    UNLOCK(l);
}
LITMUS(locks_13, "abcdepxy", 60,
       OUTCOMES(0x00000102, 0x00001112, 0x00100302, 0x00101312, 0x00130402,
                0x00131412, 0x02000102, 0x02001112, 0x02100302, 0x02101312,
                0x02130402, 0x02131412, 0x10000202, 0x10001212, 0x10020302,
                0x10021312, 0x10100202, 0x10100302, 0x10101212, 0x10101312,
                0x10120302, 0x10121312, 0x10130202, 0x10130402, 0x10131212,
                0x10131412, 0x12000202, 0x12001212, 0x12020302, 0x12021312,
                0x12100202, 0x12100302, 0x12101212, 0x12101312, 0x12120302,
                0x12121312, 0x12130202, 0x12130402, 0x12131212, 0x12131412),
       locks_13_0, locks_13_1, locks_13_2)

static void locks_14_0(void) {
    STORE(x, 2, seq_cst);
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
}
static void locks_14_1(void) {
    LOCK(l);
    GET(a, p);
    SET(p, a + 2);
    UNLOCK(l);
}
static void locks_14_2(void) {
    CHOOSE(d, 2);
    if (d == 1)
        STORE(x, 1, release);
    LOAD(c, x, relaxed);
    TRY(b, l);
    if (b == 1)
        SET(p, 1);
    if (b == 1)
        UNLOCK(l);
}
LITMUS(locks_14, "abcdpqx", 15,
       OUTCOMES(0x0000222, 0x0011221, 0x0011222, 0x0020222, 0x0021222,
                0x0100122, 0x0111121, 0x0111122, 0x0120122, 0x0121122,
                0x1100322, 0x1111321, 0x1111322, 0x1120322, 0x1121322),
       locks_14_0, locks_14_1, locks_14_2)

static void locks_15_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 2);
    if (a == 1)
        UNLOCK(l);
    LOAD(b, y, relaxed);
}
static void locks_15_1(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
static void locks_15_2(void) {
    CHOOSE(d, 2);
    if (d == 1)
        STORE(x, 1, release);
    LOCK(l);
    GET(c, p);
    SET(p, c + 1);
    UNLOCK(l);
}
LITMUS(locks_15, "abcdpqxy", 6,
       OUTCOMES(0x00001300, 0x00011310, 0x10002300, 0x10012310, 0x10203300,
                0x10213310),
       locks_15_0, locks_15_1, locks_15_2)

static void locks_16_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    FENCE(seq_cst);
    LOCK(m);
    GET(a, q);
    SET(q, a + 1);
    UNLOCK(m);
}
static void locks_16_1(void) {
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
static void locks_16_2(void) {
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
LITMUS(locks_16, "abpqx", 4, OUTCOMES(0x00110, 0x01111, 0x10120, 0x11121),
       locks_16_0, locks_16_1, locks_16_2)

static void locks_17_0(void) {
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
    STORE(x, 2, relaxed);
}
static void locks_17_1(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
    STORE(x, 3, relaxed);
}
static void locks_17_2(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
    FENCE(seq_cst);
}
LITMUS(locks_17, "abpqx", 13,
       OUTCOMES(0x10132, 0x10133, 0x11131, 0x11132, 0x11133), locks_17_0,
       locks_17_1, locks_17_2)

static void locks_18_0(void) {
    LOAD(a, x, seq_cst);
    LOCK(l);
    SET(p, 2);
    UNLOCK(l);
}
static void locks_18_1(void) {
    LOCK(l);
    GET(b, p);
    SET(p, b + 2);
    UNLOCK(l);
    LOAD(c, y, relaxed);
}
static void locks_18_2(void) {
    CHOOSE(d, 2);
    if (d == 1)
        STORE(x, 1, release);
    LOCK(m);
    SET(q, 3);
    UNLOCK(m);
}
LITMUS(locks_18, "abcdpqxy", 6,
       OUTCOMES(0x00002300, 0x00012310, 0x02004300, 0x02014310, 0x10012310,
                0x12014310),
       locks_18_0, locks_18_1, locks_18_2)

static void locks_19_0(void) {
    TRY(a, l);
    if (a == 1)
        SET(p, 1);
    if (a == 1)
        UNLOCK(l);
}
static void locks_19_1(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOCK(l);
    SET(p, 1);
    UNLOCK(l);
}
static void locks_19_2(void) {
    LOCK(m);
    GET(c, q);
    SET(q, c + 1);
    UNLOCK(m);
    ADD(d, x, 2, seq_cst);
}
LITMUS(locks_19, "abcdpqx", 9,
       OUTCOMES(0x0000112, 0x0100111, 0x0101113, 0x1000112, 0x1100111,
                0x1101113),
       locks_19_0, locks_19_1, locks_19_2)

static void locks_20_0(void) {
    CHOOSE(b, 2);
    if (b == 1)
        STORE(x, 1, release);
    LOAD(a, x, acquire);
    LOCK(m);
    SET(q, 1);
    UNLOCK(m);
}
static void locks_20_1(void) {
    LOCK(m);
    SET(q, 2);
    UNLOCK(m);
    LOAD(c, y, relaxed);
}
static void locks_20_2(void) {
    LOCK(l);
    SET(p, 3);
    UNLOCK(l);
}
LITMUS(locks_20, "abcpqxy", 4,
       OUTCOMES(0x0003100, 0x0003200, 0x1103110, 0x1103210), locks_20_0,
       locks_20_1, locks_20_2)

const mc_case mc_cases[] = {
    BOTH(locks_1),  BOTH(locks_2),  BOTH(locks_3),  BOTH(locks_4),
    BOTH(locks_5),  BOTH(locks_6),  BOTH(locks_7),  BOTH(locks_8),
    BOTH(locks_9),  BOTH(locks_10), BOTH(locks_11), BOTH(locks_12),
    BOTH(locks_13), BOTH(locks_14), BOTH(locks_15), BOTH(locks_16),
    BOTH(locks_17), BOTH(locks_18), BOTH(locks_19), BOTH(locks_20),
    {.name = NULL},
};
