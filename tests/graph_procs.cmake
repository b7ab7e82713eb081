# SPDX-License-Identifier: MIT
# Zygotes and groups of processes below the graph: the tests own the tickets.
weir_test(zygote
    nothing_is_left
    a_second_is_refused_while_the_first_lives
    options_are_checked
    names_are_checked
    a_program_with_threads_is_refused
    memory_is_zeroed_and_aligned
    memory_comes_back_whole
    it_knows_its_memory
    what_is_given_back_is_looked_at
    a_name_is_loaded_once
    texts_have_a_length
    so_many_can_be_loaded
    kernels_are_found_by_name
    each_failure_leaves_nothing
    a_forked_child_is_refused
    a_group_without_a_zygote_is_refused
    the_programs_end_is_the_processes_end
    who_has_another_parent_is_not_followed)
weir_test(procs_seam
    a_task_is_run_as_it_was_given
    failures_come_back_with_their_reason
    outcomes_come_to_those_who_do_not_look
    an_outcome_may_submit_the_next
    threads_may_submit_at_once
    who_stops_looking_leaves_nothing_behind
    a_process_does_not_sleep_over_its_work
    what_cannot_run_is_refused
    what_was_withdrawn_does_not_run
    a_crash_fails_its_task_and_no_other
    what_waited_behind_runs_elsewhere
    what_waits_behind_goes_to_one_that_has_nothing
    a_process_that_spoils_its_mailbox_is_killed
    a_process_that_ran_what_nobody_gave_is_killed
    any_process_may_die_at_any_moment
    who_runs_is_told
    what_overruns_is_killed_and_nothing_else
    a_limit_may_pass_as_the_task_ends)
weir_test(procs_groups
    members_run_at_once_each_on_its_own
    groups_and_singles_take_turns
    a_stream_of_singles_does_not_bypass_a_group
    a_member_that_dies_fails_and_the_others_can_be_told
    a_group_goes_on_with_fewer
    without_the_zygote_everything_ends
    create_says_why_not
    group_options_are_checked
    a_create_that_fails_leaves_nothing
    several_groups_share_a_zygote
    exit_in_a_kernel_is_no_end_of_the_program
    descriptors_may_be_closed
    low_descriptors_are_not_used
    a_stopped_process_overruns
    a_stopped_zygote_holds_up_no_outcome
    members_begin_even_when_told)

# The portable backend: backends.cmake.
if(COMMAND weir_variant_test)
    weir_variant_test(weir_posix zygote_elsewhere zygote_elsewhere
        a_zygote_is_refused)
endif()
