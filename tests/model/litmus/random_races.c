// SPDX-License-Identifier: MIT
// Made by generate.py races 1 20, and laid out by clang-format.
#include "model/litmus/litmus.h"

static void races_1_0(void) {
    LOAD(a, x, relaxed);
    GET(e, p);
    STORE(x, 2, relaxed);
    STORE(x, 1, release);
    LOAD(b, x, seq_cst);
}
static void races_1_1(void) {
    LOAD(c, x, relaxed);
    if (c == 0)
        GET(f, p);
    EXCHANGE(d, x, 1, seq_cst);
}
LITMUS(races_1, "abcdefx", 10,
       OUTCOMES(0x0100001, 0x0101001, 0x0102001, 0x0111001, 0x0121001,
                0x0122001, 0x1100001),
       races_1_0, races_1_1)

static void races_2_0(void) {
    STORE(x, 3, release);
    EXCHANGE(a, x, 2, seq_cst);
    GET(d, p);
    STORE(x, 3, release);
}
static void races_2_1(void) {
    ADD(b, x, 2, seq_cst);
    if (b == 0)
        SET(p, 1);
    ADD(c, x, 2, seq_cst);
}
RACE(races_2, races_2_0, races_2_1)

static void races_3_0(void) {
    STORE(x, 2, seq_cst);
    STORE(x, 3, release);
    CAS(a, x, 2, 3, release);
    GET(f, p);
    EXCHANGE(b, x, 1, acq_rel);
}
static void races_3_1(void) {
    ADD(c, x, 1, seq_cst);
    CAS(d, x, 0, 2, release);
    if (c == 1)
        CAS(e, x, 0, 1, acquire);
    if (c == 0)
        GET(g, p);
}
LITMUS(races_3, "abcdefgx", 12,
       OUTCOMES(0x33010001, 0x33020001, 0x33030001, 0x33122002, 0x33210001,
                0x33230001, 0x34310001, 0x34340001, 0x44310001, 0x44340001),
       races_3_0, races_3_1)

static void races_4_0(void) {
    STORE(z, 3, release);
    SET(p, 3);
    STORE(x, 1, release);
}
static void races_4_1(void) {
    STORE(x, 3, seq_cst);
    EXCHANGE(a, x, 2, seq_cst);
    if (a == 3)
        SET(p, 1);
    LOAD(b, x, acquire);
}
RACE(races_4, races_4_0, races_4_1)

static void races_5_0(void) {
    GET(g, p);
    STORE(y, 1, release);
    ADD(a, x, 1, release);
    LOAD(b, x, relaxed);
}
static void races_5_1(void) {
    LOAD(c, y, relaxed);
    LOAD(d, x, acquire);
    LOAD(e, x, seq_cst);
    LOAD(f, x, acquire);
    if (c == 0)
        GET(h, p);
}
LITMUS(races_5, "abcdefghxy", 8,
       OUTCOMES(0x0100000011, 0x0100010011, 0x0100110011, 0x0101110011,
                0x0110000011, 0x0110010011, 0x0110110011, 0x0111110011),
       races_5_0, races_5_1)

static void races_6_0(void) {
    LOAD(a, y, seq_cst);
    STORE(z, 3, seq_cst);
    SET(p, 2);
    LOAD(b, z, seq_cst);
}
static void races_6_1(void) {
    LOAD(c, z, seq_cst);
    EXCHANGE(d, z, 2, acquire);
    if (d == 0)
        SET(p, 3);
    ADD(e, x, 3, seq_cst);
    ADD(f, z, 3, seq_cst);
}
RACE(races_6, races_6_0, races_6_1)

static void races_7_0(void) {
    ADD(a, x, 1, relaxed);
    LOAD(b, x, seq_cst);
    STORE(x, 3, seq_cst);
    GET(d, p);
}
static void races_7_1(void) {
    STORE(x, 1, release);
    LOAD(c, x, seq_cst);
    if (c == 2)
        GET(e, p);
}
LITMUS(races_7, "abcdex", 8,
       OUTCOMES(0x011001, 0x011003, 0x013003, 0x121003, 0x122003, 0x123003),
       races_7_0, races_7_1)

static void races_8_0(void) {
    STORE(x, 3, release);
    SET(p, 1);
    EXCHANGE(a, x, 1, acquire);
}
static void races_8_1(void) {
    ADD(b, x, 2, release);
    CAS(c, x, 2, 3, release);
    CAS(d, x, 1, 1, relaxed);
    if (c == 1)
        SET(p, 1);
}
RACE(races_8, races_8_0, races_8_1)

static void races_9_0(void) {
    CAS(a, x, 2, 2, release);
    ADD(b, x, 3, seq_cst);
    GET(e, p);
    if (a == 0)
        STORE(x, 2, relaxed);
}
static void races_9_1(void) {
    ADD(c, x, 2, seq_cst);
    STORE(x, 3, relaxed);
    if (c == 3)
        GET(f, p);
    CAS(d, x, 0, 2, acq_rel);
}
LITMUS(races_9, "abcdefx", 15,
       OUTCOMES(0x0023003, 0x0032002, 0x0033002, 0x0033003, 0x0202002,
                0x0203002, 0x0203003, 0x0302002, 0x0303002, 0x0306002,
                0x2203003, 0x2303006, 0x2306006, 0x3303006, 0x3306006),
       races_9_0, races_9_1)

static void races_10_0(void) {
    SET(p, 2);
    ADD(a, x, 3, acquire);
    EXCHANGE(b, x, 1, acquire);
    STORE(x, 2, relaxed);
}
static void races_10_1(void) {
    CAS(c, x, 0, 2, seq_cst);
    if (c == 2)
        SET(p, 1);
    STORE(x, 2, seq_cst);
}
RACE(races_10, races_10_0, races_10_1)

static void races_11_0(void) {
    EXCHANGE(a, x, 1, acq_rel);
    ADD(b, x, 3, release);
    STORE(x, 2, release);
    GET(d, p);
    if (b == 1)
        STORE(x, 3, relaxed);
}
static void races_11_1(void) {
    LOAD(c, x, acquire);
    STORE(x, 1, seq_cst);
    if (c == 1)
        GET(e, p);
}
LITMUS(races_11, "abcdex", 15,
       OUTCOMES(0x010001, 0x010003, 0x011001, 0x011003, 0x012001, 0x012003,
                0x013001, 0x014001, 0x014003, 0x110003),
       races_11_0, races_11_1)

static void races_12_0(void) {
    ADD(a, x, 2, release);
    GET(e, p);
    STORE(x, 1, relaxed);
}
static void races_12_1(void) {
    LOAD(b, x, seq_cst);
    if (b == 0)
        GET(f, p);
    STORE(x, 1, release);
}
static void races_12_2(void) {
    EXCHANGE(c, x, 2, relaxed);
    if (c == 0)
        SET(p, 1);
    EXCHANGE(d, x, 3, seq_cst);
}
RACE(races_12, races_12_0, races_12_1, races_12_2)

static void races_13_0(void) {
    ADD(a, x, 1, relaxed);
    GET(g, p);
    LOAD(b, x, seq_cst);
    CAS(c, x, 2, 2, release);
    CAS(d, x, 0, 2, acquire);
}
static void races_13_1(void) {
    LOAD(e, x, seq_cst);
    if (e == 0)
        GET(h, p);
    LOAD(f, x, relaxed);
}
LITMUS(races_13, "abcdefghx", 3,
       OUTCOMES(0x011100001, 0x011101001, 0x011111001), races_13_0, races_13_1)

static void races_14_0(void) {
    SET(p, 1);
    STORE(y, 1, release);
    STORE(z, 1, relaxed);
}
static void races_14_1(void) {
    STORE(x, 3, relaxed);
    LOAD(a, z, relaxed);
    if (a == 2)
        SET(p, 1);
}
static void races_14_2(void) {
    EXCHANGE(b, x, 2, relaxed);
    if (b == 0)
        SET(p, 3);
    CAS(c, x, 0, 3, acquire);
}
RACE(races_14, races_14_0, races_14_1, races_14_2)

static void races_15_0(void) {
    SET(p, 2);
    LOAD(a, y, relaxed);
    CAS(b, x, 2, 3, relaxed);
    if (b == 0)
        STORE(y, 1, release);
}
static void races_15_1(void) {
    EXCHANGE(c, y, 3, seq_cst);
    STORE(y, 1, relaxed);
    STORE(y, 2, relaxed);
    if (c == 1)
        SET(p, 3);
    if (c == 2)
        LOAD(d, y, relaxed);
}
LITMUS(races_15, "abcdxy", 10,
       OUTCOMES(0x000001, 0x000002, 0x001002, 0x100001, 0x100002, 0x200001,
                0x300001, 0x300002),
       races_15_0, races_15_1)

static void races_16_0(void) {
    STORE(y, 3, relaxed);
    LOAD(a, x, seq_cst);
    EXCHANGE(b, x, 2, seq_cst);
    if (b == 1)
        STORE(y, 2, seq_cst);
    GET(d, p);
}
static void races_16_1(void) {
    EXCHANGE(c, y, 2, acquire);
    STORE(x, 1, seq_cst);
    if (c == 0)
        SET(p, 1);
}
RACE(races_16, races_16_0, races_16_1)

static void races_17_0(void) {
    GET(c, p);
    STORE(x, 1, release);
    STORE(x, 2, relaxed);
}
static void races_17_1(void) {
    EXCHANGE(a, x, 1, seq_cst);
    if (a == 2)
        GET(d, p);
    LOAD(b, x, acquire);
}
LITMUS(races_17, "abcdx", 6,
       OUTCOMES(0x01002, 0x02002, 0x11002, 0x12002, 0x21001), races_17_0,
       races_17_1)

static void races_18_0(void) {
    FENCE(acq_rel);
    FENCE(acquire);
    GET(d, p);
    STORE(x, 2, relaxed);
}
static void races_18_1(void) {
    STORE(y, 3, seq_cst);
    LOAD(a, y, relaxed);
    LOAD(b, x, relaxed);
    if (b == 0)
        SET(p, 3);
    LOAD(c, x, acquire);
}
RACE(races_18, races_18_0, races_18_1)

static void races_19_0(void) {
    FENCE(acquire);
    ADD(a, x, 1, acquire);
    GET(d, p);
}
static void races_19_1(void) {
    ADD(b, x, 2, relaxed);
    LOAD(c, x, relaxed);
    STORE(x, 3, seq_cst);
    if (b == 0)
        GET(e, p);
}
LITMUS(races_19, "abcdex", 4, OUTCOMES(0x013003, 0x202003, 0x203003, 0x302004),
       races_19_0, races_19_1)

static void races_20_0(void) {
    EXCHANGE(a, y, 1, acquire);
    CAS(b, x, 0, 2, acq_rel);
    SET(p, 1);
    if (a == 1)
        LOAD(c, x, seq_cst);
}
static void races_20_1(void) {
    LOAD(d, x, relaxed);
    ADD(e, y, 1, acquire);
    EXCHANGE(f, y, 1, relaxed);
    if (e == 1)
        CAS(g, x, 0, 1, release);
    if (d == 2)
        SET(p, 3);
}
RACE(races_20, races_20_0, races_20_1)

const mc_case mc_cases[] = {
    BOTH(races_1),  RACY(races_2),  BOTH(races_3),  RACY(races_4),
    BOTH(races_5),  RACY(races_6),  BOTH(races_7),  RACY(races_8),
    BOTH(races_9),  RACY(races_10), BOTH(races_11), RACY(races_12),
    BOTH(races_13), RACY(races_14), BOTH(races_15), RACY(races_16),
    BOTH(races_17), RACY(races_18), BOTH(races_19), RACY(races_20),
    {.name = NULL},
};
