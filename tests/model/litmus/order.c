// SPDX-License-Identifier: MIT
// What is in order without being asked: each location by itself, in every
// order; and the shapes in which two writes to each other's location meet.
#include "model/litmus/litmus.h"

// ---- one location ----------------------------------------------------------

static void write_1(void) { STORE(x, 1, relaxed); }
static void write_2(void) { STORE(x, 2, relaxed); }
static void write_1_then_2(void) {
    STORE(x, 1, relaxed);
    STORE(x, 2, relaxed);
}
static void read_twice(void) {
    LOAD(a, x, relaxed);
    LOAD(b, x, relaxed);
}
static void read_twice_too(void) {
    LOAD(c, x, relaxed);
    LOAD(d, x, relaxed);
}
static void read_then_write(void) {
    LOAD(a, x, relaxed);
    STORE(x, 1, relaxed);
}
static void write_then_read(void) {
    STORE(x, 1, relaxed);
    LOAD(a, x, relaxed);
}

// CoRR: what was seen stays seen (12 and 21 are fine, 10 and 20 are not).
LITMUS(corr, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), write_1, read_twice)
LITMUS(corr_two_writers, "ab", 12,
       OUTCOMES(0x00, 0x01, 0x02, 0x11, 0x12, 0x21, 0x22), write_1, write_2,
       read_twice)
// Two readers agree on the order of two writes: 1221 does not occur.
LITMUS(corr_two_readers, "abcd", 72,
       OUTCOMES(0x0000, 0x0001, 0x0002, 0x0011, 0x0012, 0x0021, 0x0022, 0x0100,
                0x0101, 0x0102, 0x0111, 0x0112, 0x0121, 0x0122, 0x0200, 0x0201,
                0x0202, 0x0211, 0x0212, 0x0221, 0x0222, 0x1100, 0x1101, 0x1102,
                0x1111, 0x1112, 0x1121, 0x1122, 0x1200, 0x1201, 0x1202, 0x1211,
                0x1212, 0x1222, 0x2100, 0x2101, 0x2102, 0x2111, 0x2121, 0x2122,
                0x2200, 0x2201, 0x2202, 0x2211, 0x2212, 0x2221, 0x2222),
       write_1, write_2, read_twice, read_twice_too)
// CoWW: the later one of a thread's writes stays.
LITMUS(coww, "x", 1, OUTCOMES(0x2), write_1_then_2)
LITMUS(coww_seen, "abx", 6, OUTCOMES(0x002, 0x012, 0x022, 0x112, 0x122, 0x222),
       write_1_then_2, read_twice)
// CoRW: a read does not see what its thread writes afterwards, nor what comes
// after that: a = 2 and x = 2 do not go together.
LITMUS(corw, "ax", 3, OUTCOMES(0x01, 0x02, 0x21), read_then_write, write_2)
// CoWR: one's own write hides what came before it: a = 2 leaves x = 2.
LITMUS(cowr, "ax", 3, OUTCOMES(0x11, 0x12, 0x22), write_then_read, write_2)

// ---- two locations, writes against writes ----------------------------------

static void x1_y2(void) {
    STORE(x, 1, relaxed);
    STORE(y, 2, relaxed);
}
static void y1_x2(void) {
    STORE(y, 1, relaxed);
    STORE(x, 2, relaxed);
}
static void x1_y2_release(void) {
    STORE(x, 1, release);
    STORE(y, 2, release);
}
static void y1_x2_release(void) {
    STORE(y, 1, release);
    STORE(x, 2, release);
}
static void x1_y2_sc(void) {
    STORE(x, 1, seq_cst);
    STORE(y, 2, seq_cst);
}
static void y1_x2_sc(void) {
    STORE(y, 1, seq_cst);
    STORE(x, 2, seq_cst);
}
static void x1_fence_y2(void) {
    STORE(x, 1, relaxed);
    FENCE(seq_cst);
    STORE(y, 2, relaxed);
}
static void y1_fence_x2(void) {
    STORE(y, 1, relaxed);
    FENCE(seq_cst);
    STORE(x, 2, relaxed);
}

// 2+2W: both first writes last (11).
LITMUS(w2w2_relaxed, "xy", 4, OUTCOMES(0x11, 0x12, 0x21, 0x22), x1_y2, y1_x2)
LITMUS(w2w2_release, "xy", 4, OUTCOMES(0x11, 0x12, 0x21, 0x22), x1_y2_release,
       y1_x2_release)
LITMUS(w2w2_sc, "xy", 3, OUTCOMES(0x12, 0x21, 0x22), x1_y2_sc, y1_x2_sc)
LITMUS(w2w2_fences, "xy", 3, OUTCOMES(0x12, 0x21, 0x22), x1_fence_y2,
       y1_fence_x2)

// ---- S and R ---------------------------------------------------------------

static void x2_y1(void) {
    STORE(x, 2, relaxed);
    STORE(y, 1, relaxed);
}
static void x2_y1_release(void) {
    STORE(x, 2, relaxed);
    STORE(y, 1, release);
}
static void see_y_x1(void) {
    LOAD(a, y, relaxed);
    STORE(x, 1, relaxed);
}
static void see_y_x1_acquire(void) {
    LOAD(a, y, acquire);
    STORE(x, 1, relaxed);
}
static void y2_see_x(void) {
    STORE(y, 2, relaxed);
    LOAD(a, x, relaxed);
}
static void y2_see_x_release(void) {
    STORE(y, 2, release);
    LOAD(a, x, acquire);
}
static void y2_see_x_sc(void) {
    STORE(y, 2, seq_cst);
    LOAD(a, x, seq_cst);
}
static void x1_y1(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, relaxed);
}
static void x1_y1_release(void) {
    STORE(x, 1, release);
    STORE(y, 1, release);
}
static void x1_y1_sc(void) {
    STORE(x, 1, seq_cst);
    STORE(y, 1, seq_cst);
}
static void x1_fence_y1(void) {
    STORE(x, 1, relaxed);
    FENCE(seq_cst);
    STORE(y, 1, relaxed);
}
static void y2_fence_see_x(void) {
    STORE(y, 2, relaxed);
    FENCE(seq_cst);
    LOAD(a, x, relaxed);
}

// S: y is seen and yet x = 2, written before it, comes last (12).
LITMUS(s_relaxed, "ax", 4, OUTCOMES(0x01, 0x02, 0x11, 0x12), x2_y1, see_y_x1)
LITMUS(s_acquire, "ax", 3, OUTCOMES(0x01, 0x02, 0x11), x2_y1_release,
       see_y_x1_acquire)
// R: y = 2 comes last and yet x = 1 is not seen (02).
LITMUS(r_relaxed, "ay", 4, OUTCOMES(0x01, 0x02, 0x11, 0x12), x1_y1, y2_see_x)
LITMUS(r_acq_rel, "ay", 4, OUTCOMES(0x01, 0x02, 0x11, 0x12), x1_y1_release,
       y2_see_x_release)
LITMUS(r_sc, "ay", 3, OUTCOMES(0x01, 0x11, 0x12), x1_y1_sc, y2_see_x_sc)
LITMUS(r_fences, "ay", 3, OUTCOMES(0x01, 0x11, 0x12), x1_fence_y1,
       y2_fence_see_x)

// ---- load buffering --------------------------------------------------------

static void see_x_y1(void) {
    LOAD(b, x, relaxed);
    STORE(y, 1, relaxed);
}
static void copy_x_to_y(void) {
    LOAD(a, x, relaxed);
    STORE(y, a, relaxed);
}
static void copy_y_to_x(void) {
    LOAD(b, y, relaxed);
    STORE(x, b, relaxed);
}

// LB: C11 allows 11, RC11 does not, and so it is not looked for.
LITMUS(lb_relaxed, "ab", 3, OUTCOMES(0x00, 0x01, 0x10), see_y_x1, see_x_y1)
LITMUS(lb_out_of_thin_air, "ab", 3, OUTCOMES(0x00), copy_x_to_y, copy_y_to_x)

const mc_case mc_cases[] = {
    BOTH(corr),
    BOTH(corr_two_writers),
    BOTH(corr_two_readers),
    BOTH(coww),
    BOTH(coww_seen),
    BOTH(corw),
    BOTH(cowr),
    BOTH(w2w2_relaxed),
    BOTH(w2w2_release),
    BOTH(w2w2_sc),
    BOTH(w2w2_fences),
    BOTH(s_relaxed),
    BOTH(s_acquire),
    BOTH(r_relaxed),
    BOTH(r_acq_rel),
    BOTH(r_sc),
    BOTH(r_fences),
    BOTH(lb_relaxed),
    BOTH(lb_out_of_thin_air),
    {.name = NULL},
};
