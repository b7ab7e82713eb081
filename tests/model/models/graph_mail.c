// SPDX-License-Identifier: MIT
// The mailbox of a process (procs.md, "A frame", "Work against sleep",
// "Outcomes"): each task is run once with what was written for it, its outcome
// is seen, and nobody sleeps over work, an outcome or the end.
#include "model/models/graph_mail.h"

// ---- one process, one thread -----------------------------------------------

// The process may sleep, look or be about to, when the task comes, when the
// next one does, and when it is told to stop.
static void a_task_is_run_once_and_its_outcome_comes(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    submit_task(0);
    keep_until_over(0);
    MC_CHECK(tasks[0].ending.status == 0);
    MC_CHECK(tasks[0].ending.end_ns >= tasks[0].ending.begin_ns);
    world_close();
}

static void a_frame_is_used_again(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    submit_task(0);
    submit_task(1);
    collect_until_over(0);
    collect_until_over(1);
    world_close();
}

static void two_tasks_in_a_mailbox_are_run_once_each(void) {
    world_open(begin, 1, 1, 2, true);
    start(0);
    submit_task(0);
    submit_task(1);
    collect_until_over(0);
    collect_until_over(1);
    world_close();
}

static void who_has_nothing_to_do_stops(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    world_close();
}

const mc_case mc_cases[] = {
    {.name = "a_task_is_run_once_and_its_outcome_comes",
     .body = a_task_is_run_once_and_its_outcome_comes},
    {.name = "a_frame_is_used_again", .body = a_frame_is_used_again},
    {.name = "two_tasks_in_a_mailbox_are_run_once_each",
     .body = two_tasks_in_a_mailbox_are_run_once_each},
    {.name = "who_has_nothing_to_do_stops",
     .body = who_has_nothing_to_do_stops},
    {.name = NULL},
};
