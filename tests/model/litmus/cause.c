// SPDX-License-Identifier: MIT
// Three and four threads: does what one thread saw hold for those who hear of
// it, and do all agree on the order of writes by different threads? The shapes
// with seq_cst mixed in are those of the paper that gave RC11 its name.
#include "model/litmus/litmus.h"

static void x1(void) { STORE(x, 1, relaxed); }
static void x1_release(void) { STORE(x, 1, release); }
static void x1_sc(void) { STORE(x, 1, seq_cst); }
static void y1(void) { STORE(y, 1, relaxed); }
static void y1_release(void) { STORE(y, 1, release); }
static void y1_sc(void) { STORE(y, 1, seq_cst); }

// ---- WRC: write to read causality ------------------------------------------

static void see_x_tell_y(void) {
    LOAD(a, x, relaxed);
    STORE(y, 1, relaxed);
}
static void see_x_tell_y_release(void) {
    LOAD(a, x, acquire);
    STORE(y, 1, release);
}
static void see_x_relaxed_tell_y(void) {
    LOAD(a, x, relaxed);
    STORE(y, 1, release);
}
static void hear_y_see_x(void) {
    LOAD(b, y, relaxed);
    LOAD(c, x, relaxed);
}
static void hear_y_see_x_acquire(void) {
    LOAD(b, y, acquire);
    LOAD(c, x, relaxed);
}

// 110: seen by the second thread, and not by the third that heard of it.
LITMUS(wrc_relaxed, "abc", 8,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x110, 0x111), x1,
       see_x_tell_y, hear_y_see_x)
LITMUS(wrc_acq_rel, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x111), x1_release,
       see_x_tell_y_release, hear_y_see_x_acquire)
// The write need not release: seeing it is before telling of it, and a read
// that happens before another one is not behind it.
LITMUS(wrc_first_relaxed, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x111), x1,
       see_x_relaxed_tell_y, hear_y_see_x_acquire)

// ---- ISA2: through two hands ------------------------------------------------

static void isa2_first(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, release);
}
static void isa2_second(void) {
    LOAD(a, y, acquire);
    STORE(z, 1, release);
}
static void isa2_second_relaxed(void) {
    LOAD(a, y, relaxed);
    STORE(z, 1, relaxed);
}
static void isa2_third(void) {
    LOAD(b, z, acquire);
    LOAD(c, x, relaxed);
}

LITMUS(isa2_acq_rel, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x111), isa2_first,
       isa2_second, isa2_third)
LITMUS(isa2_broken, "abc", 8,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x110, 0x111),
       isa2_first, isa2_second_relaxed, isa2_third)

// ---- IRIW: two readers, two independent writes
// -------------------------------

static void x_then_y(void) {
    LOAD(a, x, relaxed);
    LOAD(b, y, relaxed);
}
static void y_then_x(void) {
    LOAD(c, y, relaxed);
    LOAD(d, x, relaxed);
}
static void x_then_y_acquire(void) {
    LOAD(a, x, acquire);
    LOAD(b, y, acquire);
}
static void y_then_x_acquire(void) {
    LOAD(c, y, acquire);
    LOAD(d, x, acquire);
}
static void x_then_y_sc(void) {
    LOAD(a, x, seq_cst);
    LOAD(b, y, seq_cst);
}
static void y_then_x_sc(void) {
    LOAD(c, y, seq_cst);
    LOAD(d, x, seq_cst);
}
static void x_then_y_fence(void) {
    LOAD(a, x, relaxed);
    FENCE(seq_cst);
    LOAD(b, y, relaxed);
}
static void y_then_x_fence(void) {
    LOAD(c, y, relaxed);
    FENCE(seq_cst);
    LOAD(d, x, relaxed);
}
static void x_acquire_then_y_sc(void) {
    LOAD(a, x, acquire);
    LOAD(b, y, seq_cst);
}
static void y_acquire_then_x_sc(void) {
    LOAD(c, y, acquire);
    LOAD(d, x, seq_cst);
}

// 1010: each has seen the other one's second write first.
LITMUS(iriw_relaxed, "abcd", 16,
       OUTCOMES(0x0000, 0x0001, 0x0010, 0x0011, 0x0100, 0x0101, 0x0110, 0x0111,
                0x1000, 0x1001, 0x1010, 0x1011, 0x1100, 0x1101, 0x1110, 0x1111),
       x1, y1, x_then_y, y_then_x)
LITMUS(iriw_acq_rel, "abcd", 16,
       OUTCOMES(0x0000, 0x0001, 0x0010, 0x0011, 0x0100, 0x0101, 0x0110, 0x0111,
                0x1000, 0x1001, 0x1010, 0x1011, 0x1100, 0x1101, 0x1110, 0x1111),
       x1_release, y1_release, x_then_y_acquire, y_then_x_acquire)
LITMUS(iriw_sc, "abcd", 15,
       OUTCOMES(0x0000, 0x0001, 0x0010, 0x0011, 0x0100, 0x0101, 0x0110, 0x0111,
                0x1000, 0x1001, 0x1011, 0x1100, 0x1101, 0x1110, 0x1111),
       x1_sc, y1_sc, x_then_y_sc, y_then_x_sc)
LITMUS(iriw_fences, "abcd", 15,
       OUTCOMES(0x0000, 0x0001, 0x0010, 0x0011, 0x0100, 0x0101, 0x0110, 0x0111,
                0x1000, 0x1001, 0x1011, 0x1100, 0x1101, 0x1110, 0x1111),
       x1, y1, x_then_y_fence, y_then_x_fence)
// IRIW-acq-sc: C11 forbids it, POWER does it, RC11 allows it.
LITMUS(iriw_acquire_sc, "abcd", 16,
       OUTCOMES(0x0000, 0x0001, 0x0010, 0x0011, 0x0100, 0x0101, 0x0110, 0x0111,
                0x1000, 0x1001, 0x1010, 0x1011, 0x1100, 0x1101, 0x1110, 0x1111),
       x1_sc, y1_sc, x_acquire_then_y_sc, y_acquire_then_x_sc)

// ---- RWC: read to write causality
// --------------------------------------------

static void see_x_see_y(void) {
    LOAD(a, x, acquire);
    LOAD(b, y, relaxed);
}
static void see_x_fence_see_y(void) {
    LOAD(a, x, relaxed);
    FENCE(seq_cst);
    LOAD(b, y, relaxed);
}
static void see_x_see_y_sc(void) {
    LOAD(a, x, seq_cst);
    LOAD(b, y, seq_cst);
}
static void put_y_see_x(void) {
    STORE(y, 1, release);
    LOAD(c, x, acquire);
}
static void put_y_fence_see_x(void) {
    STORE(y, 1, relaxed);
    FENCE(seq_cst);
    LOAD(c, x, relaxed);
}
static void put_y_see_x_sc(void) {
    STORE(y, 1, seq_cst);
    LOAD(c, x, seq_cst);
}
static void x1_z1_release(void) {
    STORE(x, 1, relaxed);
    STORE(z, 1, release);
}
static void see_z_fence_see_y(void) {
    LOAD(a, z, acquire);
    FENCE(seq_cst);
    LOAD(b, y, relaxed);
}

// 100: x is seen, y not, and who wrote y does not see x. RC11 makes fences
// strong enough to rule it out (C11 did not).
LITMUS(rwc_acq_rel, "abc", 8,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x101, 0x110, 0x111),
       x1_release, see_x_see_y, put_y_see_x)
LITMUS(rwc_fences, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x101, 0x110, 0x111), x1,
       see_x_fence_see_y, put_y_fence_see_x)
LITMUS(rwc_sc, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x101, 0x110, 0x111), x1_sc,
       see_x_see_y_sc, put_y_see_x_sc)
LITMUS(w_rwc_fences, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x101, 0x110, 0x111), x1_z1_release,
       see_z_fence_see_y, put_y_fence_see_x)

// ---- Z6.U
// ----------------------------------------------------------------------

static void x1_sc_y1_release(void) {
    STORE(x, 1, seq_cst);
    STORE(y, 1, release);
}
static void x1_sc_y1_sc(void) {
    STORE(x, 1, seq_cst);
    STORE(y, 1, seq_cst);
}
static void add_y_see_y(void) {
    ADD(b, y, 1, seq_cst);
    LOAD(c, y, relaxed);
}
static void y3_sc_see_x(void) {
    STORE(y, 3, seq_cst);
    LOAD(a, x, seq_cst);
}

// 013: the release store between the seq_cst accesses lets it happen.
LITMUS(z6u, "abc", 24,
       OUTCOMES(0x001, 0x003, 0x012, 0x013, 0x031, 0x034, 0x101, 0x103, 0x112,
                0x113, 0x131, 0x134),
       x1_sc_y1_release, add_y_see_y, y3_sc_see_x)
LITMUS(z6u_sc, "abc", 18,
       OUTCOMES(0x001, 0x003, 0x012, 0x031, 0x034, 0x101, 0x103, 0x112, 0x113,
                0x131, 0x134),
       x1_sc_y1_sc, add_y_see_y, y3_sc_see_x)

// 3.SB: around three corners.
static void x1_see_y_sc(void) {
    STORE(x, 1, seq_cst);
    LOAD(a, y, seq_cst);
}
static void y1_see_z_sc(void) {
    STORE(y, 1, seq_cst);
    LOAD(b, z, seq_cst);
}
static void z1_see_x_sc(void) {
    STORE(z, 1, seq_cst);
    LOAD(c, x, seq_cst);
}
LITMUS(sb3_sc, "abc", 7,
       OUTCOMES(0x001, 0x010, 0x011, 0x100, 0x101, 0x110, 0x111), x1_see_y_sc,
       y1_see_z_sc, z1_see_x_sc)

const mc_case mc_cases[] = {
    BOTH(wrc_relaxed),     BOTH(wrc_acq_rel),  BOTH(wrc_first_relaxed),
    BOTH(isa2_acq_rel),    BOTH(isa2_broken),  BOTH(iriw_relaxed),
    BOTH(iriw_acq_rel),    BOTH(iriw_sc),      BOTH(iriw_fences),
    BOTH(iriw_acquire_sc), BOTH(rwc_acq_rel),  BOTH(rwc_fences),
    BOTH(rwc_sc),          BOTH(w_rwc_fences), BOTH(z6u),
    BOTH(z6u_sc),          BOTH(sb3_sc),       {.name = NULL},
};
