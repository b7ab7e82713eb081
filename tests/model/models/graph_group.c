// SPDX-License-Identifier: MIT
// Tasks of several members: the task ends with the last of them, which sees
// what the others did; it begins as a whole or not at all; what came of it does
// not depend on who was first. Threads of the model run the tickets, but where
// the pool is stopped.
#include "model/models/graph_world.h"

enum { MEMBERS = 2 };

static void submit_group(const weir_kernel *kernel) {
    MC_CHECK(world_submit_to(flow, kernel, WEIR_READWRITE, MEMBERS, NULL) == 0);
}

// The second member, then whatever has become ready.
static void *run_second(void *ticket) {
    world_run_claimed(ticket);
    return world_run_all(NULL);
}

// Both members of the first group, a thread each; and what comes after.
static void run_group(void) {
    wr_ticket *tickets = world_take();
    MC_CHECK(tickets->members == MEMBERS && wr_ticket_claim(tickets));
    unsigned other = mc_spawn(run_second, &tickets[1]);
    world_run_claimed(&tickets[0]);
    (void)world_run_all(NULL);
    (void)mc_join(other);
}

// ---- the end ---------------------------------------------------------------

static int add_own(const weir_kernel_call *call) {
    ((uint64_t *)call->data[0])[call->member]++;
    return 0;
}

static const weir_kernel adds_own = {"adds own", add_own};

static void who_comes_after_a_group_sees_all_of_it(void) {
    world_open_by_hand();
    submit_group(&adds_own);
    world_submit(&world_double);
    run_group();
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2 && data[1] == 2);
}

// ---- failure ---------------------------------------------------------------

// Each fails in its own way: the lowest counts.
static int fail_own(const weir_kernel_call *call) {
    return call->member == 0 ? -EIO : -EPERM;
}

static const weir_kernel fails_own = {"fails own", fail_own};

static void the_lowest_member_that_failed_counts(void) {
    world_open_by_hand();
    submit_group(&fails_own);
    run_group();
    MC_CHECK(world_close() == -EIO);
}

// ---- a cancel --------------------------------------------------------------

static unsigned ran[MEMBERS];

static int count_own(const weir_kernel_call *call) {
    ran[call->member]++;
    return 0;
}

static const weir_kernel counts_own = {"counts own", count_own};

static void a_group_is_cancelled_as_a_whole(void) {
    world_open_by_hand();
    submit_group(&counts_own);
    unsigned canceller = mc_spawn(world_cancel, NULL);
    wr_ticket *tickets = world_take();
    bool claimed = wr_ticket_claim(tickets);
    if (claimed)
        for (uint32_t i = MEMBERS; i-- > 0;)
            world_run_claimed(&tickets[i]);
    (void)mc_join(canceller);
    MC_CHECK(world_close() == (claimed ? 0 : -ECANCELED));
    MC_CHECK(ran[0] == claimed && ran[1] == claimed);
    mc_outcome(claimed);
}

// ---- the pool is stopped ---------------------------------------------------

// Workers end the members' jobs, one each: the last gives the tickets away. It
// reads, so that nothing is missing for which the task would be kept.
static void a_stop_ends_a_group_or_it_runs(void) {
    world_open(2);
    MC_CHECK(world_submit_to(flow, &counts_own, WEIR_READ, MEMBERS, NULL) == 0);
    weir_flow_release(flow);
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL) == 0);
    MC_CHECK(ran[0] == ran[1] && ran[0] <= 1);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    mc_outcome(ran[0]);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    WORLD_CASE(who_comes_after_a_group_sees_all_of_it, 1, 1, NULL),
    WORLD_CASE(the_lowest_member_that_failed_counts, 1, 1, NULL),
    WORLD_CASE(a_group_is_cancelled_as_a_whole, 1, 1, either),
    WORLD_CASE(a_stop_ends_a_group_or_it_runs, 1, 0, either),
    {.name = NULL},
};
