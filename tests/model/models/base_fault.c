// SPDX-License-Identifier: MIT
// Failures on demand: who sees that a window is armed sees all of it.
#include "base/fault.h"
#include "model/model.h"

// Attempt 5 is to fail: nobody makes so many here.
static void *arm_late(void *unused) {
    MC_CHECK(wr_fault_arm(WR_FAULT_FD, 5, 1));
    return unused;
}

static void a_window_is_seen_whole(void) {
    unsigned other = mc_spawn(arm_late, NULL);
    MC_CHECK(!wr_fault(WR_FAULT_FD));
    MC_CHECK(!wr_fault(WR_FAULT_FD));
    (void)mc_join(other);
}

static void *attempt(void *unused) {
    return wr_fault(WR_FAULT_FD) ? unused : NULL;
}

static void one_of_two_attempts_fails(void) {
    static int failed;
    MC_CHECK(wr_fault_arm(WR_FAULT_FD, 1, 1));
    unsigned other = mc_spawn(attempt, &failed);
    bool mine = wr_fault(WR_FAULT_FD);
    bool theirs = mc_join(other) != NULL;
    MC_CHECK(mine != theirs);
    MC_CHECK(wr_fault_seen(WR_FAULT_FD) == 2);
    mc_outcome(mine);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "a_window_is_seen_whole",
     .body = a_window_is_seen_whole,
     .mode = MC_EXHAUSTIVE},
    {.name = "one_of_two_attempts_fails",
     .body = one_of_two_attempts_fails,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    {.name = NULL},
};
