# SPDX-License-Identifier: MIT
# The models of the rooms os, base, pool, stream, loop, cache and frontier, and
# of the programs' own atomics. Graph's are in model_graph.cmake.

# Only a part of a source is under the model: the rest, and what that would
# call, is left out when it is linked.
function(weir_model_part name)
    target_compile_options(model_${name} PRIVATE -ffunction-sections)
    target_link_options(model_${name} PRIVATE -Wl,--gc-sections)
endfunction()

weir_model(base_fault
    SOURCES src/base/fault_on.c
    CASES
        a_window_is_seen_whole
        one_of_two_attempts_fails)

weir_model(base_refs
    CASES
        one_of_three_is_the_last
        a_reference_may_be_passed_on
        many_may_be_given_back_at_once)

weir_model(cache_entries
    ROOMS pool cache observe
    CASES
        who_holds_a_value_may_use_it_though_it_is_removed
        who_holds_a_value_may_use_it_though_it_is_evicted
        the_last_holder_releases_it)

weir_model(cache_flight
    ROOMS pool cache observe
    CASES
        callers_at_once_share_one_load
        what_was_invalidated_is_not_published
        who_leaves_takes_only_himself_along
        a_cycle_is_refused_and_all_are_answered)

weir_model(deps_chosen
    SOURCES src/programs/deps/resolve_fetch.c
    CASES
        a_version_is_shared)
weir_model_part(deps_chosen)

weir_model(deps_node
    CASES
        who_sees_it_known_may_use_it
        an_item_uses_it_or_waits)
weir_model_part(deps_node)

weir_model(frontier_end
    ROOMS pool frontier observe
    CASES
        workers_visit_all_and_end
        an_owner_has_all_visited_and_ends
        workers_find_a_key_once
        an_owner_finds_a_key_once
        done_sees_what_all_visits_did
        who_finds_it_ended_may_look
        workers_end_when_cancelled
        an_owner_ends_when_cancelled)

weir_model(frontier_later
    ROOMS pool frontier observe
    CASES
        workers_wait_for_who_ends_later
        an_owner_waits_for_who_ends_later
        workers_tell_who_ends_later_once
        an_owner_tells_who_ends_later_once
        who_is_told_may_end_it
        a_cancel_may_return_after_the_end
        a_pool_that_stops_tells_too
        a_cap_holds_and_all_are_visited
        an_end_from_outside_makes_room)

weir_model(graph_loaded
    SOURCES src/graph/kernel.c
        src/graph/zygote_kernels.c
    CASES
        who_finds_a_kernel_finds_all_of_it)
weir_model_part(graph_loaded)

weir_model(loop_lane
    ROOMS pool loop observe
    CASES
        a_call_that_comes_as_the_last_thread_leaves_runs
        two_calls_in_a_row_run)

weir_model(loop_mailbox
    ROOMS pool loop observe
    CASES
        a_call_that_ends_wakes_the_loop
        each_of_two_is_delivered_once
        a_loop_that_looks_first_is_woken_too
        closed_comes_once_and_last
        a_call_on_a_pool_comes_back
        a_cancelled_call_ends_once)

weir_model(nn_run
    SOURCES src/programs/nn/run.c
    CASES
        the_last_part_speaks_for_all
        a_task_sees_what_it_needs
        a_cancelled_run_ends_once)
weir_model_part(nn_run)

weir_model(os_mutex
    SOURCES src/os/mutex.c
    DEFINES WR_MODEL_REAL_LOCK
    CASES
        two_threads_exclude_each_other
        three_threads_lose_no_wake_up
        who_comes_back_loses_none_either
        a_try_takes_it_or_not
        the_last_holder_may_free_it)

weir_model(pool_again
    ROOMS pool observe
    CASES
        a_job_may_be_used_again_once_it_has_ended
        a_job_that_was_taken_back_may_be_used_again
        a_job_may_be_taken_back_as_it_arrives
        a_job_that_has_parted_may_be_used_again
        a_name_may_be_read_once_it_is_seen)

weir_model(pool_budget
    ROOMS pool observe
    CASES
        who_found_no_token_is_told_of_one
        a_pool_may_go_while_another_tells_it)

weir_model(pool_burst
    ROOMS pool observe
    CASES
        a_cancel_and_the_next_have_one_outcome
        a_cancel_tells_no_other_job
        a_running_job_is_told
        a_cancel_may_meet_the_next_submission
        a_cancel_may_meet_a_batch
        what_is_taken_back_does_not_run
        who_waits_for_idleness_is_told
        what_is_counted_is_of_one_moment
        who_looks_sees_one_job
        a_stop_ends_what_is_held
        what_comes_first_is_begun_first
        what_is_given_back_keeps_its_order
        who_is_free_takes_what_is_held
        who_waits_holds_nothing
        two_may_take_it_back)

weir_model(pool_cancel
    ROOMS pool observe
    CASES
        start_and_cancel_have_one_outcome
        a_cancel_may_meet_the_submission
        who_comes_too_late_sees_what_it_did
        done_may_free_what_is_cancelled
        a_cancel_leaves_the_others_alone
        a_running_job_is_told
        a_deadline_is_kept_though_all_sleep
        fire_cancel_and_deadline_have_one_outcome)

weir_model(pool_event
    ROOMS pool observe
    CASES
        who_has_waited_may_free_it
        all_who_wait_are_told
        the_last_of_two_fires_counts
        a_wait_that_times_out_leaves_it_as_it_was
        a_continuation_may_free_its_event
        a_detach_or_the_event_wins
        a_job_may_be_waited_for_by_its_done)

weir_model(pool_fork
    ROOMS pool observe
    CASES
        a_join_sees_what_the_thief_did
        a_join_that_sleeps_is_woken
        a_join_helps_with_what_its_fork_forks
        a_join_waits_without_unrelated_work
        a_private_fork_is_the_owners
        who_waits_opens_its_forks
        who_has_waited_takes_its_forks_back
        a_fork_too_many_runs_at_once)

weir_model(pool_gangs
    ROOMS pool observe
    CASES
        gangs_do_not_take_half_the_seats_each
        a_gang_and_a_single_job_both_run
        a_gang_that_is_not_claimed_is_not_touched
        a_stop_ends_a_gang_or_it_runs
        a_member_may_wait_for_a_single_job
        who_is_reserved_runs_what_the_other_waits_for
        who_is_reserved_serves_broadcasts)

weir_model(pool_open
    ROOMS pool observe
    CASES
        a_join_that_opens_a_fork_wakes_a_worker
        who_asks_opens_a_fork_and_wakes_a_worker
        who_waits_elsewhere_opens_its_forks
        what_is_taken_from_the_middle_stays_taken)

weir_model(pool_park
    ROOMS pool observe
    CASES
        a_job_that_arrives_as_the_worker_falls_asleep_runs
        jobs_of_two_threads_run
        who_waits_for_room_is_told
        a_fork_wakes_a_worker
        a_fork_is_taken_though_the_other_worker_falls_asleep
        a_fork_is_taken_by_who_is_about_to_sleep
        who_finds_a_job_wakes_the_next)

weir_model(pool_places
    ROOMS pool observe
    CASES
        a_stand_in_runs_what_a_worker_waits_for
        a_worker_wakes_for_what_comes_from_outside
        a_stand_in_runs_while_a_section_blocks
        a_run_returns_what_it_did
        a_broadcast_reaches_each_worker_once)

weir_model(pool_pools
    ROOMS pool observe
    CASES
        a_call_may_come_back
        a_cancel_ends_what_is_waited_for_elsewhere
        two_pools_may_broadcast_to_each_other
        a_wait_elsewhere_serves_broadcasts_at_home
        what_a_cancelled_job_captured_is_released_once
        what_a_refused_job_captured_is_released_once
        what_a_detached_job_captured_is_released_once
        a_pool_may_go_while_a_detach_returns)

weir_model(pool_scope
    ROOMS pool observe
    CASES
        a_scope_may_go_when_its_wait_returns
        a_cancel_ends_what_has_not_started
        a_scope_waits_without_unrelated_work)

weir_model(pool_stop
    ROOMS pool observe
    CASES
        a_drain_runs_what_was_accepted
        a_cancel_ends_what_was_accepted
        a_drain_lets_jobs_submit_more
        two_may_stop_at_once
        the_pool_may_go_while_a_submit_returns)

weir_model(pool_three
    ROOMS pool observe
    CASES
        three_jobs_wake_three_workers
        two_forks_wake_two_workers
        a_fork_of_a_thief_wakes_the_third)

weir_model(pool_tokens
    ROOMS pool observe
    CASES
        who_comes_back_waits_for_its_token
        a_token_that_comes_free_wakes_who_needs_it
        a_pool_that_goes_leaves_its_token
        a_pool_may_go_while_it_is_given_a_token
        who_yields_gives_a_token_away
        a_gang_may_be_wider_than_its_tokens)

weir_model(stream_drain
    ROOMS pool stream observe
    CASES
        one_worker_is_enough
        two_workers_keep_the_order
        a_cancelled_drain_loses_no_account)

weir_model(stream_end
    ROOMS pool stream observe
    CASES
        the_report_says_all_when_it_has_ended
        who_hears_of_the_end_may_free_it_while_start_returns
        nobody_works_on_what_has_ended)

weir_model(stream_group
    ROOMS pool stream observe
    CASES
        groups_come_out_in_order
        a_serial_stage_passes_groups_on
        a_group_goes_on_when_all_of_it_is_finished
        a_group_may_be_finished_last_first
        a_serial_stage_takes_one_of_a_group_at_a_time
        one_of_a_group_may_be_finished_later
        one_of_a_group_may_fail_later
        what_comes_after_one_that_fails_is_not_delivered
        a_cancel_waits_for_the_kept_one_of_a_group)

weir_model(stream_order
    ROOMS stream
    CASES
        items_come_out_by_number
        one_of_two_that_put_the_same_wins)

weir_model(stream_pipeline
    ROOMS pool stream observe
    CASES
        tokens_overtake_and_come_out_in_order
        a_serial_stage_passes_tokens_on
        one_token_is_enough
        who_pushes_waits_for_room
        a_parallel_stage_may_finish_later
        a_serial_stage_may_finish_later
        a_cancel_waits_for_what_is_kept
        a_pool_that_stops_ends_it
        what_is_kept_ends_without_the_pool
        an_error_ends_what_comes_after)

weir_model(stream_queue
    ROOMS pool stream observe
    CASES
        all_that_was_sent_is_received_in_order
        who_closes_frees_who_waits
        a_receive_that_times_out_takes_nothing
        each_item_wakes_a_receiver
        each_free_place_wakes_a_sender
        the_last_side_to_go_frees_it)
