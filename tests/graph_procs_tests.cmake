# SPDX-License-Identifier: MIT
# Processes under a graph, from outside.

# Libraries of kernels, which processes load.
foreach(library kernels crashing hanging)
    add_library(graph_${library} MODULE graph/${library}.c)
    target_include_directories(graph_${library}
        PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(graph_${library} PRIVATE weir_settings)
endforeach()

weir_test(graph_procs_run
    kernels_are_found_by_name_and_see_shared_memory
    what_a_kernel_returns_is_the_tasks_status
    a_reason_comes_back_whole
    a_reason_is_cut_between_characters
    a_success_has_no_reason
    a_kernel_is_told_all_about_its_call
    arguments_and_addresses_fit_up_to_the_payload
    a_task_may_have_all_the_accesses_there_are
    arguments_are_copied
    processes_have_the_memory_of_the_zygotes_birth
    start_is_called_once_in_each_new_process
    processes_have_one_thread_and_nothing_of_the_programs
    a_pipe_of_the_program_ends_when_the_program_closes_it
    what_the_program_has_printed_is_printed_once
    pids_are_those_of_living_processes
    every_task_runs_once
    one_process_serves_a_round_trip_after_the_other
    all_processes_are_used
    what_waits_behind_a_long_task_goes_to_an_idle_process)
weir_test(graph_procs_errors
    a_zygote_wants_good_options
    the_table_and_its_names_are_copied
    a_zygote_without_kernels_is_a_zygote
    a_program_with_threads_is_refused
    zygotes_come_and_go
    shared_memory_is_zeroed_and_comes_back
    threads_may_take_shared_memory_at_once
    a_group_wants_good_options
    a_group_without_shared_memory_is_refused
    a_process_that_does_not_want_to_start_is_an_error
    a_process_that_dies_before_it_is_ready_is_an_error
    processes_that_are_not_ready_in_time_are_an_error
    what_can_never_run_in_a_process_is_refused
    counts_have_a_size
    a_forked_child_is_refused_and_disturbs_nothing
    a_kernel_may_have_a_zygote_of_its_own)
weir_test(graph_procs_load
    a_kernel_may_come_from_a_library_at_any_time
    a_process_that_is_made_later_loads_for_itself
    what_cannot_be_loaded_fails_its_tasks_with_the_loaders_words
    a_library_that_crashes_fails_its_tasks_alone
    a_library_that_never_loads_is_a_task_that_overruns
    a_name_means_one_thing
    names_paths_and_symbols_have_a_length
    as_many_can_be_loaded_as_it_says
    threads_may_load_at_once
    loading_waits_for_no_process)
target_compile_definitions(test_graph_procs_load PRIVATE
    TEST_KERNELS="$<TARGET_FILE:graph_kernels>"
    TEST_CRASHING_LIBRARY="$<TARGET_FILE:graph_crashing>"
    TEST_HANGING_LIBRARY="$<TARGET_FILE:graph_hanging>")
add_dependencies(test_graph_procs_load graph_kernels graph_crashing
    graph_hanging)
weir_test(graph_procs_crash
    every_way_to_go_fails_its_task_and_no_other
    a_crash_says_what_it_was_in_words
    a_process_that_is_gone_is_replaced_by_another
    what_waits_behind_a_crash_runs_once_elsewhere
    crashes_in_a_row_lose_nothing_that_waits
    all_processes_may_crash_at_once
    an_idle_process_that_is_killed_is_replaced
    a_process_may_be_killed_while_it_works
    a_kill_may_meet_the_end_of_a_kernel
    what_a_dead_process_had_finished_counts
    a_loss_is_told_when_the_process_is_dead
    a_stopped_process_is_not_a_dead_one
    a_stopped_process_can_overrun_and_be_killed
    who_overruns_is_killed
    a_limit_counts_from_the_kernels_start
    a_limit_that_is_not_reached_changes_nothing
    a_limit_concerns_its_own_task
    a_crash_poisons_what_reads_its_data)
weir_test(graph_procs_order
    members_run_at_once_in_different_processes
    groups_among_single_tasks_do_not_hang
    groups_of_several_graphs_share_the_processes
    a_group_fails_with_its_first_member_that_failed
    a_group_with_a_dead_member_ends_when_all_have_ended
    a_group_that_is_too_large_is_refused_at_once
    what_waits_comes_by_priority_and_then_in_order
    threads_and_processes_work_on_the_same_data_in_order
    any_program_does_what_it_would_do_alone
    the_graphs_heap_may_be_in_the_zygotes_memory
    a_private_heap_is_not_for_processes
    a_kernel_in_a_process_sees_that_it_is_cancelled
    a_cancel_may_come_at_any_moment
    a_pool_that_is_stopped_ends_tasks_of_processes
    groups_of_processes_are_independent
    many_threads_may_make_groups_at_once
    many_threads_may_submit_and_wait_at_once
    outcomes_come_back_without_anybody_waiting
    a_chain_through_processes_needs_nobody)
weir_test(graph_procs_death
    when_the_program_is_killed_all_are
    when_the_program_is_killed_what_is_stopped_goes_too
    a_program_may_end_without_a_word
    the_program_may_be_killed_at_any_moment
    d21_the_program_may_die_while_processes_start
    the_first_thread_may_end_before_the_program
    a_group_outlives_the_thread_that_made_it
    when_the_zygote_is_killed_its_tasks_end
    the_zygote_may_be_killed_at_any_moment
    an_idle_zygote_that_is_killed_is_noticed
    a_stopped_zygote_holds_up_nothing_that_runs
    the_dead_are_buried
    d27_a_program_may_wait_for_any_child
    nobody_may_be_interested_in_children
    a_signal_to_the_process_group_kills_no_process
    signals_of_the_program_disturb_nothing
    a_program_may_have_no_standard_files
    without_descriptors_it_says_so_and_leaves_none)
weir_test(graph_procs_defects
    d18_who_has_nothing_to_do_uses_no_cpu
    d18_who_waits_for_a_process_uses_no_cpu
    d17_a_group_has_its_turn_among_singles
    d16_what_can_never_run_is_refused_and_hangs_nobody
    d20_a_mailbox_with_noise_in_it_harms_nobody_else
    d22_a_dead_process_attracts_no_tasks
    d23_a_process_that_is_stuck_holds_up_no_other
    d24_processes_start_at_the_same_time
    d24_there_is_one_thread_for_all_processes
    d25_a_reason_of_400_bytes_is_not_cut
    d25_there_may_be_many_kernels
    d26_the_environment_is_left_alone)
weir_test(graph_procs_attack
    a_kernel_may_close_every_descriptor
    a_kernels_files_are_its_own
    a_kernel_that_forks_comes_back_once
    a_kernel_that_becomes_a_daemon_is_lost
    a_kernel_may_destroy_its_view_of_the_memory
    a_kernel_that_ignores_all_signals_can_be_killed
    a_thread_of_a_kernel_ends_with_its_process
    a_process_that_spoils_the_bell_holds_up_no_outcome
    a_process_that_hides_a_sleeper_holds_up_no_task
    a_stopped_process_does_not_hold_up_the_end
    a_stopped_zygote_does_not_hold_up_the_end
    a_world_may_end_while_dead_processes_are_replaced
    a_graph_may_be_destroyed_while_its_tasks_run
    a_wait_for_a_process_has_a_deadline
    there_may_be_many_processes
    who_creates_processes_on_a_worker_opens_its_forks)
weir_test(graph_procs_faults
    a_zygote_that_cannot_be_made_leaves_nothing
    a_group_that_cannot_be_made_leaves_nothing
    loading_without_memory_has_changed_nothing
    a_submission_without_memory_has_changed_nothing
    what_was_accepted_ends_whatever_fails
    a_replacement_is_tried_again
    without_any_process_tasks_fail
    a_zygote_that_cannot_be_asked_is_given_up)

# Thread sanitizer does not take threads in a forked process.
set(graph_procs_tsan 0)
if(WEIR_SANITIZE STREQUAL thread)
    set(graph_procs_tsan 1)
endif()
foreach(part errors attack death)
    target_compile_definitions(test_graph_procs_${part} PRIVATE
        TEST_UNDER_TSAN=${graph_procs_tsan})
endforeach()

# Processes are killed at random, results checked. The same seed each time;
# soak_graph_procs SECONDS SEED takes others.
add_executable(soak_graph_procs soak/soak_graph_procs.c)
target_include_directories(soak_graph_procs
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(soak_graph_procs
    PRIVATE weir_static weir_settings Threads::Threads)
add_test(NAME graph.soak_procs COMMAND soak_graph_procs 3 1)
set_tests_properties(graph.soak_procs PROPERTIES TIMEOUT 120
    SKIP_RETURN_CODE 77)
