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
    world_end();
}

static void two_tasks_in_a_mailbox_are_run_once_each(void) {
    world_open(begin, 1, 1, 2, true);
    start(0);
    submit_task(0);
    submit_task(1);
    collect_until_over(0);
    collect_until_over(1);
    world_end();
}

static void who_has_nothing_to_do_stops(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    world_close();
}

// The keeper looks at when it began.
static void a_task_with_a_limit_may_end_in_time(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    limit_ns = INT64_MAX / 2;
    submit_task(0);
    (void)keep();
    collect_until_over(0);
    world_end();
    MC_CHECK(tasks[0].ending.status == 0);
}

// The keeper counts as one who looks, for a while.
static void a_turn_of_the_keeper_leaves_no_outcome(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    submit_task(0);
    (void)keep();
    collect_until_over(0);
    world_end();
}

// ---- taken back ------------------------------------------------------------

// What was taken back is put into the same frame anew.
static void a_task_is_taken_back_or_begun_not_both(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    submit_task(0);
    wr_mutex_lock(&group->lock);
    wr_child_take_back_locked(&group->child[0]);
    bool taken = wr_child_used(&group->child[0]) == 0;
    wr_procs_dispatch_locked(group);
    wr_mutex_unlock(&group->lock);
    collect_until_over(0);
    world_end();
    MC_CHECK(tasks[0].begun == 1 && tasks[0].claimed == 1);
    mc_outcome(taken);
}

// Another task is put into the frame from which one was taken back.
static void a_frame_holds_another_task_after_one_was_taken_back(void) {
    world_open(begin, 1, 1, 1, true);
    start(0);
    submit_task(0);
    wr_mutex_lock(&group->lock);
    wr_child_take_back_locked(&group->child[0]);
    wr_mutex_unlock(&group->lock);
    submit_task(1);
    collect_until_over(0);
    collect_until_over(1);
    world_end();
    MC_CHECK(tasks[0].begun == 1 && tasks[1].begun == 1);
}

// A process comes, and gets what waits behind another one's task.
static void two_processes_run_a_task_once(void) {
    world_open(begin, 1, 2, 2, false);
    wr_mutex_lock(&group->lock);
    take_for_ready(&group->child[0]);
    wr_mutex_unlock(&group->lock);
    submit_task(0);
    submit_task(1);
    threads[0] = mc_spawn(ready_process_main, &workers[0]);
    threads[1] = mc_spawn(ready_process_main, &workers[1]);
    wr_mutex_lock(&group->lock);
    take_for_ready(&group->child[1]);
    wr_procs_dispatch_locked(group);
    wr_mutex_unlock(&group->lock);
    collect_until_over(0);
    collect_until_over(1);
    world_end();
    MC_CHECK(tasks[0].begun == 1 && tasks[1].begun == 1);
}

// ---- who looks -------------------------------------------------------------

static bool is_over(void *task) {
    return rooms_raised(&((mail_task *)task)->over);
}

static void *collect_main(void *unused) {
    collect_until_over(0);
    return unused;
}

static void *keep_main(void *unused) {
    keep_until_over(0);
    return unused;
}

// Whoever sees it last, somebody does: the one that lingers, or the keeper.
static void linger_beside(void *(*other_main)(void *)) {
    world_open(begin, 2, 1, 1, true);
    unsigned other = mc_spawn(other_main, NULL);
    start(0);
    submit_task(0);
    wr_procs_linger(group, is_over, &tasks[0]);
    rooms_await(&tasks[0].over);
    wr_keeper_ring(&zygote);
    (void)mc_join(other);
    world_end();
}

static void no_outcome_is_left_by_who_stops_looking(void) {
    linger_beside(collect_main);
}

static void no_outcome_is_left_by_a_thread_and_the_keeper(void) {
    linger_beside(keep_main);
}

// ---- cancelled -------------------------------------------------------------

// Goes on until it is told.
static int obey(const weir_kernel_call *call) {
    (void)begin(call);
    while (!weir_kernel_cancelled(call))
        mc_await();
    return -ECANCELED;
}

static void what_is_cancelled_is_told_or_does_not_begin(void) {
    world_open(obey, 1, 1, 1, true);
    start(0);
    submit_task(0);
    tell(&group->endpoint, &tasks[0].ticket, true);
    collect_until_over(0);
    world_end();
    MC_CHECK(tasks[0].ending.status == -ECANCELED);
    mc_outcome(tasks[0].ending.unrun);
}

static void *tell_main(void *unused) {
    tell(&group->endpoint, &tasks[0].ticket, true);
    return unused;
}

static void what_moves_to_another_frame_is_told_too(void) {
    world_open(obey, 1, 1, 1, true);
    start(0);
    submit_task(0);
    unsigned other = mc_spawn(tell_main, NULL);
    wr_mutex_lock(&group->lock);
    wr_child_take_back_locked(&group->child[0]);
    wr_mutex_unlock(&group->lock);
    wr_procs_dispatch(group);
    collect_until_over(0);
    (void)mc_join(other);
    world_end();
    MC_CHECK(tasks[0].ending.status == -ECANCELED);
}

// ---- ready -----------------------------------------------------------------

// Nobody else wakes the keeper.
static void each_process_is_seen_to_be_ready(void) {
    world_open(begin, 1, 2, 1, false);
    start(0);
    start(1);
    while (wr_load(&group->phase, acquire, KEEPER_3, "by this thread") !=
           WR_PROCS_UP) {
        await_bell();
        (void)keep();
    }
    MC_CHECK(group->live == 2);
    world_end();
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

#define BOUNDED(case, most, old)                                               \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = old                                                           \
    }

const mc_case mc_cases[] = {
    {.name = "a_task_is_run_once_and_its_outcome_comes",
     .body = a_task_is_run_once_and_its_outcome_comes},
    BOUNDED(a_frame_is_used_again, 2, 1),
    BOUNDED(two_tasks_in_a_mailbox_are_run_once_each, 2, 1),
    {.name = "who_has_nothing_to_do_stops",
     .body = who_has_nothing_to_do_stops},
    BOUNDED(a_task_with_a_limit_may_end_in_time, 2, 1),
    BOUNDED(a_turn_of_the_keeper_leaves_no_outcome, 2, 1),
    {.name = "a_task_is_taken_back_or_begun_not_both",
     .body = a_task_is_taken_back_or_begun_not_both,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .stale = 1,
     .outcomes = either},
    BOUNDED(a_frame_holds_another_task_after_one_was_taken_back, 2, 1),
    BOUNDED(two_processes_run_a_task_once, 1, 1),
    BOUNDED(no_outcome_is_left_by_who_stops_looking, 2, 1),
    BOUNDED(no_outcome_is_left_by_a_thread_and_the_keeper, 1, 1),
    {.name = "what_is_cancelled_is_told_or_does_not_begin",
     .body = what_is_cancelled_is_told_or_does_not_begin,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .stale = 1,
     .outcomes = either},
    BOUNDED(what_moves_to_another_frame_is_told_too, 2, 1),
    BOUNDED(each_process_is_seen_to_be_ready, 1, 1),
    {.name = NULL},
};
