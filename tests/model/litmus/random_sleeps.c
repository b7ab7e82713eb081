// SPDX-License-Identifier: MIT
// Made at random. oracle.py knows no sleeps: these are the outcomes on which
// both modes agreed. In the last six somebody may sleep for ever.
#include "model/litmus/litmus.h"

static void sleeps_1_0(void) {
    SLEEP_TIMED(a, y, 0);
    ADD(b, x, 1, relaxed);
}
static void sleeps_1_1(void) {
    WAKE(y, 2);
    STORE(y, 1, seq_cst);
}
static void sleeps_1_2(void) { LOAD(c, y, relaxed); }
LITMUS(sleeps_1, "abcxy", 0,
       OUTCOMES(0x00011, 0x00111, 0x10011, 0x10111, 0x20011, 0x20111),
       sleeps_1_0, sleeps_1_1, sleeps_1_2)

static void sleeps_2_0(void) {
    SLEEP_TIMED(a, x, 0);
    STORE(y, 2, relaxed);
}
static void sleeps_2_1(void) {
    STORE(x, 1, seq_cst);
    WAKE(x, 1);
}
LITMUS(sleeps_2, "axy", 0, OUTCOMES(0x012, 0x112, 0x212), sleeps_2_0,
       sleeps_2_1)

static void sleeps_3_0(void) {
    SLEEP_TIMED(a, x, 1);
    SLEEP_TIMED(b, x, 0);
    STORE(x, 1, relaxed);
}
static void sleeps_3_1(void) {
    STORE(x, 2, release);
    LOAD(c, x, seq_cst);
    STORE(y, 1, release);
    WAKE(x, 1);
}
LITMUS(sleeps_3, "abcxy", 0,
       OUTCOMES(0x10211, 0x10221, 0x11111, 0x11211, 0x12111, 0x12211, 0x12221),
       sleeps_3_0, sleeps_3_1)

static void sleeps_4_0(void) {
    STORE(y, 1, release);
    SLEEP(a, x, 0);
}
static void sleeps_4_1(void) {
    STORE(x, 2, relaxed);
    STORE(y, 2, seq_cst);
    WAKE(x, 1);
}
LITMUS(sleeps_4, "axy", 0, OUTCOMES(0x021, 0x022, 0x121, 0x122), sleeps_4_0,
       sleeps_4_1)

static void sleeps_5_0(void) {
    SLEEP_TIMED(a, y, 0);
    STORE(x, 2, relaxed);
    SLEEP_TIMED(b, x, 1);
}
static void sleeps_5_1(void) {
    STORE(y, 2, relaxed);
    LOAD(c, x, relaxed);
    WAKE(x, 1);
}
LITMUS(sleeps_5, "abcxy", 0, OUTCOMES(0x11022, 0x11222, 0x21022, 0x21222),
       sleeps_5_0, sleeps_5_1)

static void sleeps_6_0(void) {
    ADD(a, x, 1, seq_cst);
    STORE(x, 1, seq_cst);
    ADD(b, x, 1, seq_cst);
    SLEEP(e, x, 0);
}
static void sleeps_6_1(void) {
    LOAD(c, x, acquire);
    LOAD(d, x, acquire);
    WAKE(y, 1);
}
LITMUS(sleeps_6, "abcdexy", 0,
       OUTCOMES(0x0100120, 0x0101120, 0x0102120, 0x0111120, 0x0112120,
                0x0122120),
       sleeps_6_0, sleeps_6_1)

static void sleeps_7_0(void) {
    ADD(a, y, 1, acq_rel);
    SLEEP(e, x, 0);
}
static void sleeps_7_1(void) {
    LOAD(b, y, acquire);
    ADD(c, x, 1, relaxed);
    CAS(d, y, 0, 2, acq_rel);
    WAKE(x, 1);
}
LITMUS(sleeps_7, "abcdexy", 0,
       OUTCOMES(0x0001011, 0x0001111, 0x0101011, 0x0101111, 0x2000113),
       sleeps_7_0, sleeps_7_1)

static void sleeps_8_0(void) {
    LOAD(a, x, seq_cst);
    SLEEP_TIMED(d, x, 0);
}
static void sleeps_8_1(void) {
    STORE(x, 2, seq_cst);
    CAS(b, y, 0, 2, acq_rel);
    WAKE(x, 1);
}
static void sleeps_8_2(void) { ADD(c, x, 1, acq_rel); }
LITMUS(sleeps_8, "abcdxy", 0,
       OUTCOMES(0x000022, 0x000122, 0x000222, 0x002032, 0x002132, 0x002232,
                0x100122, 0x200122, 0x202132, 0x302132),
       sleeps_8_0, sleeps_8_1, sleeps_8_2)

static void sleeps_9_0(void) {
    STORE(x, 1, release);
    STORE(x, 2, release);
    SLEEP(b, x, 0);
}
static void sleeps_9_1(void) {
    ADD(a, x, 1, relaxed);
    WAKE(x, 1);
}
LITMUS(sleeps_9, "abxy", 0, OUTCOMES(0x0120, 0x1120, 0x2130), sleeps_9_0,
       sleeps_9_1)

static void sleeps_10_0(void) {
    LOAD(a, x, acquire);
    STORE(y, 1, relaxed);
    SLEEP(c, x, 0);
}
static void sleeps_10_1(void) {
    STORE(x, 1, seq_cst);
    STORE(y, 2, release);
    CAS(b, y, 0, 2, acq_rel);
    WAKE(x, 1);
}
LITMUS(sleeps_10, "abcxy", 0,
       OUTCOMES(0x01011, 0x01111, 0x02011, 0x02012, 0x02111, 0x02112, 0x11111,
                0x12111, 0x12112),
       sleeps_10_0, sleeps_10_1)

static void sleeps_11_0(void) { STORE(x, 2, release); }
static void sleeps_11_1(void) {
    LOAD(a, x, relaxed);
    WAKE(x, 1);
}
static void sleeps_11_2(void) {
    SLEEP_TIMED(b, x, 0);
    STORE(x, 2, release);
}
LITMUS(sleeps_11, "abxy", 0,
       OUTCOMES(0x0020, 0x0120, 0x0220, 0x2020, 0x2120, 0x2220), sleeps_11_0,
       sleeps_11_1, sleeps_11_2)

static void sleeps_12_0(void) {
    LOAD(a, x, acquire);
    SLEEP_TIMED(b, x, 0);
}
static void sleeps_12_1(void) {
    STORE(x, 2, seq_cst);
    WAKE(x, 1);
}
LITMUS(sleeps_12, "abxy", 0, OUTCOMES(0x0020, 0x0120, 0x0220, 0x2120),
       sleeps_12_0, sleeps_12_1)

static void sleeps_13_0(void) { SLEEP_TIMED(a, x, 0); }
static void sleeps_13_1(void) {
    WAKE(y, 2);
    CAS(b, x, 0, 2, acq_rel);
    SLEEP_TIMED(c, x, 1);
}
LITMUS(sleeps_13, "abcxy", 0, OUTCOMES(0x00120, 0x10120, 0x20120), sleeps_13_0,
       sleeps_13_1)

static void sleeps_14_0(void) { SLEEP(a, x, 0); }
static void sleeps_14_1(void) {
    LOAD(b, x, seq_cst);
    CAS(c, x, 0, 2, acq_rel);
    WAKE(x, 1);
}
static void sleeps_14_2(void) {
    CAS(d, x, 0, 2, acq_rel);
    STORE(x, 1, seq_cst);
}
LITMUS(sleeps_14, "abcdxy", 0,
       OUTCOMES(0x000210, 0x001010, 0x002010, 0x011010, 0x021010, 0x022010,
                0x100210, 0x101010, 0x102010, 0x111010, 0x121010, 0x122010),
       sleeps_14_0, sleeps_14_1, sleeps_14_2)

static void sleeps_15_0(void) {
    LOAD(a, y, seq_cst);
    SLEEP(b, x, 0);
}
static void sleeps_15_1(void) {
    CAS(c, y, 0, 2, acq_rel);
    LOAD(d, x, acquire);
    WAKE(x, 1);
}
DEADLOCK(sleeps_15, sleeps_15_0, sleeps_15_1)

static void sleeps_16_0(void) {
    STORE(x, 2, relaxed);
    SLEEP(a, y, 0);
}
static void sleeps_16_1(void) {
    STORE(x, 1, relaxed);
    WAKE(x, 1);
}
DEADLOCK(sleeps_16, sleeps_16_0, sleeps_16_1)

static void sleeps_17_0(void) {
    SLEEP(a, x, 1);
    ADD(b, x, 1, acq_rel);
    SLEEP(c, y, 0);
}
static void sleeps_17_1(void) {
    ADD(d, y, 1, acq_rel);
    STORE(x, 1, relaxed);
    WAKE(x, 1);
}
DEADLOCK(sleeps_17, sleeps_17_0, sleeps_17_1)

static void sleeps_18_0(void) { SLEEP(a, x, 1); }
static void sleeps_18_1(void) {
    WAKE(x, 2);
    LOAD(b, x, acquire);
}
static void sleeps_18_2(void) {
    STORE(x, 1, release);
    WAKE(y, 1);
}
DEADLOCK(sleeps_18, sleeps_18_0, sleeps_18_1, sleeps_18_2)

static void sleeps_19_0(void) {
    STORE(x, 1, seq_cst);
    SLEEP(a, x, 1);
}
static void sleeps_19_1(void) {
    STORE(x, 1, relaxed);
    WAKE(x, 1);
}
static void sleeps_19_2(void) {
    ADD(b, x, 1, acq_rel);
    STORE(x, 2, release);
}
DEADLOCK(sleeps_19, sleeps_19_0, sleeps_19_1, sleeps_19_2)

static void sleeps_20_0(void) {
    SLEEP(a, y, 0);
    STORE(x, 1, seq_cst);
}
static void sleeps_20_1(void) {
    WAKE(x, 1);
    STORE(x, 2, seq_cst);
}
DEADLOCK(sleeps_20, sleeps_20_0, sleeps_20_1)

const mc_case mc_cases[] = {
    SLEEPS(sleeps_1, 0, 1),  SLEEPS(sleeps_2, 1, 1),  SLEEPS(sleeps_3, 0, 1),
    SLEEPS(sleeps_4, 1, 0),  SLEEPS(sleeps_5, 0, 1),  SLEEPS(sleeps_6, 1, 0),
    SLEEPS(sleeps_7, 1, 0),  SLEEPS(sleeps_8, 0, 1),  SLEEPS(sleeps_9, 1, 0),
    SLEEPS(sleeps_10, 1, 0), SLEEPS(sleeps_11, 1, 1), SLEEPS(sleeps_12, 1, 1),
    SLEEPS(sleeps_13, 1, 1), SLEEPS(sleeps_14, 1, 0), STUCK(sleeps_15),
    STUCK(sleeps_16),        STUCK(sleeps_17),        STUCK(sleeps_18),
    STUCK(sleeps_19),        STUCK(sleeps_20),        {.name = NULL},
};
