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
LITMUS(races_1, "abcdefx", 10, OUTCOMES(0x0100001, 0x0101001, 0x0102001, 0x0111001, 0x0121001, 0x0122001, 0x1100001), races_1_0, races_1_1)

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
LITMUS(races_3, "abcdefgx", 12, OUTCOMES(0x33010001, 0x33020001, 0x33030001, 0x33122002, 0x33210001, 0x33230001, 0x34310001, 0x34340001, 0x44310001, 0x44340001), races_3_0, races_3_1)

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
LITMUS(races_5, "abcdefghxy", 8, OUTCOMES(0x0100000011, 0x0100010011, 0x0100110011, 0x0101110011, 0x0110000011, 0x0110010011, 0x0110110011, 0x0111110011), races_5_0, races_5_1)

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

