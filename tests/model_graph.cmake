# SPDX-License-Identifier: MIT
# Models of the task graph.
weir_model(graph_child ROOMS graph pool observe CASES
    who_comes_after_a_task_sees_what_its_flows_did
    a_task_fails_with_a_flow_of_its_own
    a_kernel_waits_for_a_flow_of_its_own
    a_cancel_reaches_the_flows_of_a_task)
weir_model(graph_ends ROOMS graph pool observe CASES
    after_a_cancel_nothing_begins
    who_skips_an_ended_task_sees_what_it_did
    who_sees_an_end_sees_what_was_done
    who_sees_an_end_early_sees_all_of_it
    who_waits_for_a_flow_sees_what_was_done
    who_finds_a_flow_ended_sees_what_was_done
    who_closes_a_buffer_may_use_it
    who_closes_an_unordered_buffer_may_use_it
    a_reset_is_refused_or_comes_after_all
    a_reset_waits_for_a_ticket_that_is_claimed_late)
weir_model(graph_group ROOMS graph pool observe CASES
    who_comes_after_a_group_sees_all_of_it
    the_lowest_member_that_failed_counts
    a_group_is_cancelled_as_a_whole
    a_stop_ends_a_group_or_it_runs)
weir_model(graph_tasks ROOMS graph pool observe CASES
    a_task_sees_what_the_one_before_did
    two_workers_keep_the_order
    who_waits_for_a_task_sees_what_it_did
    a_cancel_ends_each_task_once
    a_slot_may_be_used_again
    a_reset_waits_for_a_worker_that_comes_late
    a_failure_reaches_who_comes_after
    a_continuation_comes_after_its_task)

weir_model(graph_heap ROOMS graph pool observe CASES
    two_threads_take_turns
    a_flow_that_ends_gives_all_back
    who_waits_too_long_is_told
    a_cancel_ends_the_wait)

weir_model(graph_mail ROOMS graph pool CASES
    a_task_is_run_once_and_its_outcome_comes
    a_frame_is_used_again
    two_tasks_in_a_mailbox_are_run_once_each
    who_has_nothing_to_do_stops
    a_task_with_a_limit_may_end_in_time
    a_turn_of_the_keeper_leaves_no_outcome
    a_task_is_taken_back_or_begun_not_both
    a_frame_holds_another_task_after_one_was_taken_back
    two_processes_run_a_task_once
    no_outcome_is_left_by_who_stops_looking
    no_outcome_is_left_by_a_thread_and_the_keeper
    what_is_cancelled_is_told_or_does_not_begin
    what_moves_to_another_frame_is_told_too
    each_process_is_seen_to_be_ready)

weir_model(graph_limit ROOMS graph pool CASES
    what_began_behind_it_does_not_die_for_it)

# The keeper with a system of its own.
weir_model(graph_keeper ROOMS graph pool
    SOURCES
        src/graph/procs_keeper.c
        src/graph/procs_collect.c
        src/graph/procs_death.c
    DEFINES
        close=model_close
        fork=model_fork
        poll=model_poll
        ppoll=model_ppoll
        recv=model_recv
        send=model_send
        wr_process_kill=model_kill
        wr_process_reap=model_reap
        wr_process_watch=model_watch
    CASES
        a_group_comes_up_and_is_gone
        the_keeper_brings_an_outcome
        a_dead_process_loses_what_it_was_at_and_no_more
        what_was_done_before_a_death_counts
        what_overruns_is_killed_and_no_other)
