// SPDX-License-Identifier: MIT
// Lock-free structures with one thing missing, each beside the whole one.
#include "base/atomic.h"
#include "model/model.h"

static bool right; // set before threads start

// ---- the deque of Chase and Lev --------------------------------------------
//
// As in "Correct and efficient work-stealing for weak memory models" (PPoPP
// 2013). Without the fence in take, the owner may not see that the last but
// one element is gone while a thief does not see that the last one is.

enum { CAPACITY = 2, NOTHING = 0 };

static wr_atomic_u32 top, bottom, slots[CAPACITY];
static uint32_t taken[3], stolen[3]; // how often each of the elements 1 and 2

static void push(uint32_t element) {
    uint32_t b = wr_load(&bottom, relaxed, DEQUE, "the owner's own");
    uint32_t t = wr_load(&top, acquire, DEQUE, "slots below are free");
    MC_CHECK(b - t < CAPACITY);
    wr_store(&slots[b % CAPACITY], element, relaxed, DEQUE, "");
    mc_fence(release, DEQUE, "the element before the new bottom");
    wr_store(&bottom, b + 1, relaxed, DEQUE, "");
}

static uint32_t take(void) {
    uint32_t b = wr_load(&bottom, relaxed, DEQUE, "the owner's own") - 1;
    wr_store(&bottom, b, relaxed, DEQUE, "reserves the last element");
    if (right)
        mc_fence(seq_cst, DEQUE, "reserved before the look at top");
    uint32_t t = wr_load(&top, relaxed, DEQUE, "after the fence");
    uint32_t element = NOTHING;
    if ((int32_t)(b - t) >= 0) {
        element = wr_load(&slots[b % CAPACITY], relaxed, DEQUE, "");
        if (t != b)
            return element;
        if (!wr_compare_exchange(&top, &t, t + 1, seq_cst, DEQUE,
                                 "the last one: against thieves"))
            element = NOTHING;
    }
    wr_store(&bottom, b + 1, relaxed, DEQUE, "");
    return element;
}

static uint32_t steal(void) {
    uint32_t t = wr_load(&top, acquire, DEQUE, "");
    mc_fence(seq_cst, DEQUE, "top before bottom");
    uint32_t b = wr_load(&bottom, acquire, DEQUE, "its element is written");
    if ((int32_t)(b - t) <= 0)
        return NOTHING;
    uint32_t element = wr_load(&slots[t % CAPACITY], relaxed, DEQUE, "");
    if (!wr_compare_exchange(&top, &t, t + 1, seq_cst, DEQUE,
                             "against the owner and other thieves"))
        return NOTHING;
    return element;
}

static void *thief(void *unused) {
    stolen[steal()]++;
    stolen[steal()]++;
    return unused;
}

static void deque(bool is_right) {
    right = is_right;
    mc_bound("capacity 2");
    push(1);
    push(2);
    unsigned other = mc_spawn(thief, NULL);
    taken[take()]++;
    mc_join(other);
    taken[take()]++;
    taken[take()]++;
    MC_CHECK(taken[1] + stolen[1] == 1);
    MC_CHECK(taken[2] + stolen[2] == 1);
}
static void chase_lev_without_fence(void) { deque(false); }
static void chase_lev(void) { deque(true); }

// The same where the owner pushes while the thief is there.
static void deque_in_use(bool is_right) {
    right = is_right;
    mc_bound("capacity 2");
    unsigned other = mc_spawn(thief, NULL);
    push(1);
    push(2);
    taken[take()]++;
    mc_join(other);
    taken[take()]++;
    taken[take()]++;
    MC_CHECK(taken[1] + stolen[1] == 1);
    MC_CHECK(taken[2] + stolen[2] == 1);
}
static void chase_lev_in_use_without_fence(void) { deque_in_use(false); }
static void chase_lev_in_use(void) { deque_in_use(true); }

// ---- Treiber's stack, with nodes that are used again
// -------------------------
//
// Nodes 1 and 2 are on it. One pops; the other pops both and pushes 1 again.
// The head is the node in its low byte, and above, if right, a count of pushes:
// without it, the first one's compare-exchange takes the old 1 for the new one.

static wr_atomic_u32 head, next[3];

static uint32_t pop(void) {
    uint32_t old = wr_load(&head, acquire, STACK, "its node's next is written");
    for (;;) {
        uint32_t node = old & 255;
        if (node == 0)
            return 0;
        uint32_t below = wr_load(&next[node], relaxed, STACK, "");
        if (wr_compare_exchange(&head, &old, (old & ~255u) | below, acq_rel,
                                STACK, "the node is ours"))
            return node;
        old = wr_load(&head, acquire, STACK, "its node's next is written");
    }
}

static void put_back(uint32_t node) {
    uint32_t old = wr_load(&head, relaxed, STACK, "");
    for (;;) {
        wr_store(&next[node], old & 255, relaxed, STACK, "");
        uint32_t count = right ? (old & ~255u) + 256 : 0;
        if (wr_compare_exchange(&head, &old, count | node, acq_rel, STACK,
                                "next is written"))
            return;
    }
}

static uint32_t mine, theirs;

static void *pop_one(void *unused) {
    mine = pop();
    return unused;
}

static void *pop_both_put_back(void *unused) {
    uint32_t one = pop();
    theirs = pop();
    if (one != 0)
        put_back(one);
    return unused;
}

// Each node is in one place: held by one of the two, or on the stack.
static void stack(bool is_right) {
    right = is_right;
    wr_store(&next[1], 2, relaxed, STACK, "");
    wr_store(&head, 1, relaxed, STACK, "");
    unsigned one = mc_spawn(pop_one, NULL);
    unsigned other = mc_spawn(pop_both_put_back, NULL);
    mc_join(one);
    mc_join(other);
    uint32_t seen[3] = {0};
    seen[mine]++;
    seen[theirs]++;
    for (uint32_t node = pop(); node != 0; node = pop())
        seen[node]++;
    MC_CHECK(seen[1] == 1);
    MC_CHECK(seen[2] == 1);
}
static void treiber_takes_the_old_for_the_new(void) { stack(false); }
static void treiber_with_a_count(void) { stack(true); }

// ---- the table -------------------------------------------------------------

const mc_case mc_cases[] = {
    {.name = "chase_lev_without_fence",
     .body = chase_lev_without_fence,
     .finds = MC_FAILED_CHECK},
    {.name = "chase_lev", .body = chase_lev},
    {.name = "chase_lev_in_use_without_fence",
     .body = chase_lev_in_use_without_fence,
     .finds = MC_FAILED_CHECK},
    {.name = "chase_lev_in_use", .body = chase_lev_in_use},
    {.name = "treiber_takes_the_old_for_the_new",
     .body = treiber_takes_the_old_for_the_new,
     .finds = MC_FAILED_CHECK},
    {.name = "treiber_with_a_count", .body = treiber_with_a_count},
    {.name = NULL},
};
