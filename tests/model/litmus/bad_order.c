// SPDX-License-Identifier: MIT
// Algorithms with too little order, each beside the same one with enough. The
// first must be caught, the second found right in every way it can go.
#include "base/atomic.h"
#include "model/model.h"

static bool right; // which of the two; set before threads start
static uint32_t guarded;

static void two_threads(bool is_right, void *(*one)(void *),
                        void *(*other)(void *)) {
    right = is_right;
    unsigned first = mc_spawn(one, NULL);
    unsigned second = mc_spawn(other, NULL);
    mc_join(first);
    mc_join(second);
}

// ---- Dekker: each says that it wants in, and looks at the other ------------

static wr_atomic_u32 wants[2];

static void enter_if_free(unsigned self) {
    wr_store(&wants[self], 1, relaxed, DEKKER, "said before the look");
    if (right)
        mc_fence(seq_cst, DEKKER, "the store is before the load");
    if (wr_load(&wants[1 - self], relaxed, DEKKER, "after the fence") == 0)
        guarded++;
}

static void *dekker_0(void *unused) {
    enter_if_free(0);
    return unused;
}
static void *dekker_1(void *unused) {
    enter_if_free(1);
    return unused;
}
static void dekker_without_fences(void) {
    two_threads(false, dekker_0, dekker_1);
}
static void dekker_with_fences(void) { two_threads(true, dekker_0, dekker_1); }

// ---- Peterson --------------------------------------------------------------

static wr_atomic_u32 turn;

static bool must_wait(unsigned self) {
    if (!right)
        return wr_load(&wants[1 - self], acquire, PETERSON, "") == 1 &&
               wr_load(&turn, acquire, PETERSON, "") == 1 - self;
    return wr_load(&wants[1 - self], seq_cst, PETERSON, "") == 1 &&
           wr_load(&turn, seq_cst, PETERSON, "") == 1 - self;
}

static void peterson(unsigned self) {
    if (right) {
        wr_store(&wants[self], 1, seq_cst, PETERSON, "before the looks");
        wr_store(&turn, 1 - self, seq_cst, PETERSON, "before the looks");
    } else {
        wr_store(&wants[self], 1, release, PETERSON, "");
        wr_store(&turn, 1 - self, release, PETERSON, "");
    }
    while (must_wait(self))
        mc_await();
    guarded++;
    wr_store(&wants[self], 0, release, PETERSON, "the section is over");
}

static void *peterson_0(void *unused) {
    peterson(0);
    return unused;
}
static void *peterson_1(void *unused) {
    peterson(1);
    return unused;
}
static void peterson_with_release_acquire(void) {
    two_threads(false, peterson_0, peterson_1);
}
static void peterson_with_seq_cst(void) {
    two_threads(true, peterson_0, peterson_1);
    MC_CHECK(guarded == 2);
}

// ---- a spin lock -----------------------------------------------------------

static wr_atomic_u32 spin;

static void *spin_and_count(void *unused) {
    uint32_t expected = 0;
    while (!wr_compare_exchange(&spin, &expected, 1, acquire, SPIN,
                                "after the last holder")) {
        expected = 0;
        mc_await();
    }
    guarded++;
    if (right)
        wr_store(&spin, 0, release, SPIN, "what was done is written");
    else
        wr_store(&spin, 0, relaxed, SPIN, "");
    return unused;
}
static void spin_lock_unlocked_relaxed(void) {
    two_threads(false, spin_and_count, spin_and_count);
}
static void spin_lock(void) {
    two_threads(true, spin_and_count, spin_and_count);
    MC_CHECK(guarded == 2);
}

// ---- a message -------------------------------------------------------------

static wr_atomic_u32 ready;

static void *send(void *unused) {
    guarded = 42;
    if (right)
        wr_store(&ready, 1, release, MESSAGE, "the data is written");
    else
        wr_store(&ready, 1, relaxed, MESSAGE, "");
    return unused;
}
static void *receive(void *unused) {
    if (wr_load(&ready, acquire, MESSAGE, "then it may be read") == 1)
        MC_CHECK(guarded == 42);
    return unused;
}
static void message_behind_relaxed_flag(void) {
    two_threads(false, send, receive);
}
static void message_behind_released_flag(void) {
    two_threads(true, send, receive);
}

// ---- double-checked initialisation -----------------------------------------

static mc_mutex once;

static bool is_ready(void) {
    if (right)
        return wr_load(&ready, acquire, ONCE, "what was set up is seen") == 1;
    return wr_load(&ready, relaxed, ONCE, "") == 1;
}

static void *set_up_and_use(void *unused) {
    if (!is_ready()) {
        mc_lock(&once);
        if (wr_load(&ready, relaxed, ONCE, "under the lock") == 0) {
            guarded += 7;
            wr_store(&ready, 1, release, ONCE, "it is set up");
        }
        mc_unlock(&once);
    }
    MC_CHECK(guarded == 7);
    return unused;
}
static void double_checked_relaxed(void) {
    two_threads(false, set_up_and_use, set_up_and_use);
}
static void double_checked(void) {
    two_threads(true, set_up_and_use, set_up_and_use);
}

// ---- a sequence lock -------------------------------------------------------

static wr_atomic_u32 sequence, left_half, right_half;

static void *write_both(void *unused) {
    wr_store(&sequence, 1, relaxed, SEQUENCE, "odd: being written");
    if (right)
        mc_fence(release, SEQUENCE, "odd before the halves change");
    wr_store(&left_half, 1, relaxed, SEQUENCE, "");
    wr_store(&right_half, 1, relaxed, SEQUENCE, "");
    wr_store(&sequence, 2, release, SEQUENCE, "even: both are written");
    return unused;
}
static void *read_both(void *unused) {
    uint32_t before = wr_load(&sequence, acquire, SEQUENCE, "");
    uint32_t one = wr_load(&left_half, relaxed, SEQUENCE, "");
    uint32_t other = wr_load(&right_half, relaxed, SEQUENCE, "");
    if (right)
        mc_fence(acquire, SEQUENCE, "the halves before the second look");
    uint32_t after = wr_load(&sequence, relaxed, SEQUENCE, "");
    if (before == after && before % 2 == 0)
        MC_CHECK(one == other);
    return unused;
}
static void sequence_lock_without_fences(void) {
    two_threads(false, write_both, read_both);
}
static void sequence_lock(void) { two_threads(true, write_both, read_both); }

// ---- the table -------------------------------------------------------------

const mc_case mc_cases[] = {
    {.name = "dekker_without_fences",
     .body = dekker_without_fences,
     .finds = MC_RACE},
    {.name = "dekker_with_fences", .body = dekker_with_fences},
    {.name = "peterson_with_release_acquire",
     .body = peterson_with_release_acquire,
     .finds = MC_RACE},
    {.name = "peterson_with_seq_cst", .body = peterson_with_seq_cst},
    {.name = "spin_lock_unlocked_relaxed",
     .body = spin_lock_unlocked_relaxed,
     .finds = MC_RACE},
    {.name = "spin_lock", .body = spin_lock},
    {.name = "message_behind_relaxed_flag",
     .body = message_behind_relaxed_flag,
     .finds = MC_RACE},
    {.name = "message_behind_released_flag",
     .body = message_behind_released_flag},
    {.name = "double_checked_relaxed",
     .body = double_checked_relaxed,
     .finds = MC_RACE},
    {.name = "double_checked", .body = double_checked},
    {.name = "sequence_lock_without_fences",
     .body = sequence_lock_without_fences,
     .finds = MC_FAILED_CHECK},
    {.name = "sequence_lock", .body = sequence_lock},
    {.name = NULL},
};
