// SPDX-License-Identifier: MIT
// A process is killed for a task that is over its time limit, and for no
// other: what began behind that one does not die for it (procs.md, "Time
// limits"). The keeper's turn is the program's own; nothing dies here, and what
// the process does after it was killed is what it was at.
#include "model/models/graph_mail.h"

static rooms_flag first_begun, second_begun;

static int begin_either(const weir_kernel_call *call) {
    rooms_raise(call->number == 0 ? &first_begun : &second_begun);
    return begin(call);
}

// The process of before is told to stop, so that its thread can be joined.
static void free_killed(void) {
    wr_child *child = &group->child[0];
    wr_store(&child->mail->stop, 1, seq_cst, MAIL_6,
             "before asleep is looked at");
    wr_child_wake(child);
    (void)mc_join(threads[0]);
    MC_CHECK(group->counts.queued == 1); // the second, for another process
    wr_wakefd_close(&zygote.bell);
    wr_mutex_fini(&group->lock);
    wr_free(group);
}

// The first is over its limit, and ends as the keeper looks at it.
static void what_began_behind_it_does_not_die_for_it(void) {
    mc_bound("two tasks, one process");
    world_open(begin_either, 1, 1, TASKS, true);
    limit_ns = 1;
    submit_task(0);
    limit_ns = 0;
    submit_task(1);
    start(0);
    rooms_await(&first_begun);
    for (int i = 0; i < 50; i++)
        (void)wr_now_ns(); // each thread has a time of its own
    (void)keep();
    bool killed = group->child[0].cause == WR_KILL_OVERRAN;
    if (killed) {
        free_killed();
        MC_CHECK(!rooms_raised(&second_begun));
    } else {
        collect_until_over(0);
        collect_until_over(1);
        world_end();
        MC_CHECK(tasks[0].ending.status == 0 && tasks[1].ending.status == 0);
    }
    mc_outcome(killed);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "what_began_behind_it_does_not_die_for_it",
     .body = what_began_behind_it_does_not_die_for_it,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .stale = 1,
     .outcomes = either},
    {.name = NULL},
};
