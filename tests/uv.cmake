# SPDX-License-Identifier: MIT
if(NOT TARGET weir_uv)
    return()
endif()

weir_test(uv
    nothing_pending_does_not_keep_the_loop
    outcomes_are_delivered_inside_uv_run
    the_loop_lives_while_a_call_runs
    a_pending_calls_run_keeps_the_loop_for_the_next
    done_may_submit_the_next_call
    an_inline_call_is_delivered_by_uv_run
    a_call_of_another_thread_is_delivered_here
    every_outcome_is_delivered
    run_once_sleeps_until_there_is_something
    run_once_delivers_what_it_slept_for
    run_once_returns_when_it_has_delivered
    run_nowait_never_sleeps
    one_round_delivers_no_more_than_the_limit
    timers_fire_while_100000_calls_come_back
    a_deadline_passes_while_all_workers_are_held
    a_deadline_that_comes_while_uv_runs_is_seen
    a_deadline_that_another_thread_brings_is_seen
    a_call_that_made_it_leaves_no_timer
    an_idle_adapter_wakes_nobody
    a_call_that_takes_long_lets_the_loop_sleep
    two_uv_loops_share_a_pool
    one_uv_loop_may_have_two
    a_loop_made_here_may_run_on_another_thread)
target_link_libraries(test_uv PRIVATE weir_uv_static)
weir_test(uv_ends
    detaching_an_idle_adapter_closes_its_handles
    detached_may_be_null
    drain_runs_all_that_was_accepted
    cancel_ends_what_has_not_started
    abort_tells_what_runs
    detach_again_in_a_harder_mode
    an_unknown_mode_changes_nothing
    done_may_detach
    a_detach_while_uv_runs_ends_it
    a_detach_just_before_uv_sleeps_is_seen
    bad_options_are_refused
    loop_options_are_heeded
    no_memory_no_thread_no_descriptor_no_trace
    a_pool_of_its_own_is_destroyed_with_it
    a_pool_of_yours_is_left_alone
    work_runs_on_the_pool_and_comes_back
    work_may_go_without_after_work
    work_may_be_queued_on_any_thread
    cancelled_work_does_not_run
    detaching_cancels_work_in_uvs_words
    works_site_is_measured
    a_forked_child_goes_on_without)
target_link_libraries(test_uv_ends PRIVATE weir_uv_static)
weir_test(uv_patterns
    d1_four_patterns_run_on_one_pool_at_the_same_time
    d2_a_full_stream_leaves_its_socket_unread)
target_link_libraries(test_uv_patterns PRIVATE weir_uv_static)
