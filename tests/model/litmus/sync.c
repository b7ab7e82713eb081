// SPDX-License-Identifier: MIT
// What continues a release sequence, and that read-modify-writes lose nothing.
#include "model/litmus/litmus.h"

// ---- release sequences -----------------------------------------------------

static void send(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, release);
}
static void send_by_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(release);
    STORE(y, 1, relaxed);
}
static void send_and_store_again(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, release);
    STORE(y, 2, relaxed);
}
static void send_and_add(void) {
    STORE(x, 1, relaxed);
    STORE(y, 1, release);
    ADD(c, y, 1, relaxed);
}
static void add_relaxed(void) { ADD(c, y, 1, relaxed); }
static void add_twice(void) {
    ADD(c, y, 1, relaxed);
    ADD(d, y, 1, relaxed);
}
static void exchange_relaxed(void) { EXCHANGE(c, y, 5, relaxed); }
static void cas_relaxed(void) { CAS(c, y, 1, 5, relaxed); }
static void store_relaxed(void) { STORE(y, 2, relaxed); }
static void store_and_add(void) {
    STORE(y, 2, relaxed);
    ADD(c, y, 1, relaxed);
}
static void receive(void) {
    LOAD(a, y, acquire);
    LOAD(b, x, relaxed);
}
static void receive_by_fence(void) {
    LOAD(a, y, relaxed);
    FENCE(acquire);
    LOAD(b, x, relaxed);
}

// a: what was received; b: whether the message was; c: what the one between
// found. 201 does not occur: the 2 is a 1 that was released, plus 1.
LITMUS(sequence_add, "abc", 9,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x110, 0x111, 0x211), send,
       add_relaxed, receive)
LITMUS(sequence_two_adds, "abcd", 18,
       OUTCOMES(0x0001, 0x0012, 0x0101, 0x0112, 0x1001, 0x1101, 0x1112, 0x2001,
                0x2101, 0x2112, 0x3112),
       send, add_twice, receive)
LITMUS(sequence_exchange, "abc", 9,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x110, 0x111, 0x500, 0x510, 0x511),
       send, exchange_relaxed, receive)
LITMUS(sequence_cas, "abc", 7,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x110, 0x111, 0x511), send,
       cas_relaxed, receive)
LITMUS(sequence_of_fence, "abc", 9,
       OUTCOMES(0x000, 0x001, 0x010, 0x011, 0x100, 0x110, 0x111, 0x211),
       send_by_fence, add_relaxed, receive_by_fence)
LITMUS(sequence_own_add, "ab", 4, OUTCOMES(0x00, 0x01, 0x11, 0x21),
       send_and_add, receive)
// A plain store ends it: 20 occurs, be it another thread's or the same one's.
// (C11 lets the same thread's store continue it; C++20 does not, nor do we.)
LITMUS(sequence_other_store, "ab", 10, OUTCOMES(0x00, 0x01, 0x11, 0x20, 0x21),
       send, store_relaxed, receive)
LITMUS(sequence_own_store, "ab", 5, OUTCOMES(0x00, 0x01, 0x11, 0x20, 0x21),
       send_and_store_again, receive)
LITMUS(sequence_store_and_add, "abc", 20,
       OUTCOMES(0x001, 0x002, 0x011, 0x012, 0x111, 0x112, 0x201, 0x202, 0x211,
                0x212, 0x302, 0x312),
       send, store_and_add, receive)

// ---- atomicity -------------------------------------------------------------

static void add_a(void) { ADD(a, x, 1, relaxed); }
static void add_b(void) { ADD(b, x, 1, relaxed); }
static void add_c(void) { ADD(c, x, 1, relaxed); }
static void swap_a(void) { EXCHANGE(a, x, 1, relaxed); }
static void swap_b(void) { EXCHANGE(b, x, 2, relaxed); }
static void store_5(void) { STORE(x, 5, relaxed); }
static void store_1_then_2(void) {
    STORE(x, 1, relaxed);
    STORE(x, 2, relaxed);
}
static void cas_a(void) { CAS(a, x, 0, 1, relaxed); }
static void cas_b(void) { CAS(b, x, 0, 2, relaxed); }
static void cas_1_to_5(void) { CAS(a, x, 1, 5, relaxed); }
static void add_then_look(void) {
    ADD(a, x, 1, relaxed);
    LOAD(b, x, relaxed);
}

LITMUS(two_adds, "abx", 2, OUTCOMES(0x012, 0x102), add_a, add_b)
LITMUS(three_adds, "abcx", 6,
       OUTCOMES(0x0123, 0x0213, 0x1023, 0x1203, 0x2013, 0x2103), add_a, add_b,
       add_c)
LITMUS(two_exchanges, "abx", 2, OUTCOMES(0x012, 0x201), swap_a, swap_b)
LITMUS(exchange_and_add, "abx", 2, OUTCOMES(0x012, 0x101), swap_a, add_b)
LITMUS(add_and_store, "ax", 2, OUTCOMES(0x05, 0x56), add_a, store_5)
LITMUS(one_cas_wins, "abx", 2, OUTCOMES(0x011, 0x202), cas_a, cas_b)
LITMUS(cas_in_the_middle, "ax", 3, OUTCOMES(0x02, 0x12, 0x22), store_1_then_2,
       cas_1_to_5)
LITMUS(add_then_see, "abx", 3, OUTCOMES(0x015, 0x055, 0x566), add_then_look,
       store_5)

// A compare-exchange orders by what it was given only where it succeeds.
static void fill_then_cas_release(void) {
    STORE(x, 1, relaxed);
    CAS(c, y, 0, 1, release);
}
static void fill_then_cas_acquire(void) {
    STORE(x, 1, relaxed);
    CAS(c, y, 0, 1, acquire);
}
static void cas_acquire_then_look(void) {
    CAS(a, y, 1, 2, acquire);
    LOAD(b, x, relaxed);
}
static void cas_release_then_look(void) {
    CAS(a, y, 1, 2, release);
    LOAD(b, x, relaxed);
}
static void cas_sc_then_look(void) {
    CAS(a, y, 1, 2, seq_cst);
    LOAD(b, x, relaxed);
}
LITMUS(cas_acq_rel, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), fill_then_cas_release,
       cas_acquire_then_look)
LITMUS(cas_wrong_sides, "ab", 4, OUTCOMES(0x00, 0x01, 0x10, 0x11),
       fill_then_cas_acquire, cas_release_then_look)
LITMUS(cas_sc, "ab", 3, OUTCOMES(0x00, 0x01, 0x11), fill_then_cas_release,
       cas_sc_then_look)

// ---- mutual exclusion ------------------------------------------------------

static void dekker_left(void) {
    STORE(x, 1, seq_cst);
    LOAD(a, y, seq_cst);
    if (a == 0)
        SET(p, 1);
}
static void dekker_right(void) {
    STORE(y, 1, seq_cst);
    LOAD(b, x, seq_cst);
    if (b == 0)
        SET(p, 2);
}
static void dekker_left_fence(void) {
    STORE(x, 1, relaxed);
    FENCE(seq_cst);
    LOAD(a, y, relaxed);
    if (a == 0)
        SET(p, 1);
}
static void dekker_right_fence(void) {
    STORE(y, 1, relaxed);
    FENCE(seq_cst);
    LOAD(b, x, relaxed);
    if (b == 0)
        SET(p, 2);
}
static void count_c(void) {
    LOCK(l);
    GET(c, p);
    SET(p, c + 1);
    UNLOCK(l);
}
static void count_d(void) {
    LOCK(l);
    GET(d, p);
    SET(p, d + 1);
    UNLOCK(l);
}
static void count_e(void) {
    LOCK(l);
    GET(e, p);
    SET(p, e + 1);
    UNLOCK(l);
}
static void count_atomic_c(void) {
    LOCK(l);
    LOAD(c, x, relaxed);
    STORE(x, c + 1, relaxed);
    UNLOCK(l);
}
static void count_atomic_d(void) {
    LOCK(l);
    LOAD(d, x, relaxed);
    STORE(x, d + 1, relaxed);
    UNLOCK(l);
}
static void look_outside(void) {
    LOAD(a, x, relaxed);
    LOAD(b, x, relaxed);
}

LITMUS(dekker_sc, "abp", 3, OUTCOMES(0x011, 0x102, 0x110), dekker_left,
       dekker_right)
LITMUS(dekker_fences, "abp", 3, OUTCOMES(0x011, 0x102, 0x110),
       dekker_left_fence, dekker_right_fence)
LITMUS(lock_two, "cdp", 2, OUTCOMES(0x012, 0x102), count_c, count_d)
LITMUS(lock_three, "cdep", 6,
       OUTCOMES(0x0123, 0x0213, 0x1023, 0x1203, 0x2013, 0x2103), count_c,
       count_d, count_e)
LITMUS(lock_and_look, "abx", 12,
       OUTCOMES(0x002, 0x012, 0x022, 0x112, 0x122, 0x222), count_atomic_c,
       count_atomic_d, look_outside)

// Two more threads, whose reads come out of the order of threads: what a graph
// comes to is right also while it is built again.
static void look_at_z(void) { LOAD(c, z, relaxed); }
static void write_z(void) { STORE(z, 1, relaxed); }

LITMUS(dekker_beside_others, "abcp", 6,
       OUTCOMES(0x0101, 0x0111, 0x1002, 0x1012, 0x1100, 0x1110), look_at_z,
       dekker_left, dekker_right, write_z)

// ---- choices, and threads of threads ---------------------------------------

static void choose_a(void) {
    CHOOSE(a, 3);
    STORE(x, a, relaxed);
}
static void choose_b(void) {
    CHOOSE(b, 2);
    if (b == 1)
        LOAD(c, x, relaxed);
}
static void child(void) {
    GET(b, p);
    LOAD(c, x, relaxed);
    STORE(y, 1, relaxed);
    SET(q, 3);
}
static void parent(void) {
    SET(p, 2);
    STORE(x, 1, relaxed);
    SPAWN(2, child);
    LOAD(a, y, relaxed);
    JOIN(2);
    LOAD(d, y, relaxed);
    GET(e, q);
}
static void bystander(void) { STORE(x, 2, relaxed); }

LITMUS(choices, "abcx", 9,
       OUTCOMES(0x0000, 0x0100, 0x1001, 0x1101, 0x1111, 0x2002, 0x2102, 0x2122),
       choose_a, choose_b)
LITMUS(parent_and_child, "abcde", 6,
       OUTCOMES(0x02113, 0x02213, 0x12113, 0x12213), parent, bystander)

const mc_case mc_cases[] = {
    BOTH(sequence_add),
    BOTH(sequence_two_adds),
    BOTH(sequence_exchange),
    BOTH(sequence_cas),
    BOTH(sequence_of_fence),
    BOTH(sequence_own_add),
    BOTH(sequence_other_store),
    BOTH(sequence_own_store),
    BOTH(sequence_store_and_add),
    BOTH(two_adds),
    BOTH(three_adds),
    BOTH(two_exchanges),
    BOTH(exchange_and_add),
    BOTH(add_and_store),
    BOTH(one_cas_wins),
    BOTH(cas_in_the_middle),
    BOTH(add_then_see),
    BOTH(cas_acq_rel),
    BOTH(cas_wrong_sides),
    BOTH(cas_sc),
    BOTH(dekker_sc),
    BOTH(dekker_fences),
    BOTH(lock_two),
    BOTH(lock_three),
    BOTH(lock_and_look),
    BOTH(dekker_beside_others),
    BOTH(choices),
    BOTH(parent_and_child),
    {.name = NULL},
};
