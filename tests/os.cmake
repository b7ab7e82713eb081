# SPDX-License-Identifier: MIT
set(os_cases
    clock_never_goes_back
    mutex_excludes
    mutex_wakes_all_who_sleep_on_it
    trylock_says_when_it_is_taken
    mutex_may_be_freed_right_after_the_last_unlock
    wake_ends_a_sleep
    wake_ends_a_sleep_long_before_its_deadline
    wake_reaches_all_sleepers
    a_changed_word_is_not_waited_for
    a_deadline_is_kept_and_never_early
    a_deadline_in_the_past_does_not_sleep
    no_wakeup_is_lost
    waking_nobody_is_harmless
    a_thread_runs_once_and_is_joined
    a_name_may_be_absent_or_too_long
    new_threads_block_signals_but_not_faults
    a_stack_too_small_is_raised
    a_stack_beyond_memory_is_refused
    a_cpu_that_cannot_be_is_refused
    a_thread_refused_by_the_system_leaves_nothing
    usable_cpus_are_the_fewest_of_the_limits
    cpu_list_names_each_cpu_once
    wakefd_is_readable_exactly_while_signalled
    wakefd_signals_coalesce_and_never_block
    wakefd_wakes_another_threads_poll
    wakefd_is_not_inherited_by_programs
    wakefd_without_descriptors_is_emfile
    wakefd_fails_on_demand
    pages_are_zeroed_and_aligned
    aligned_memory_is_zeroed_and_aligned
    memory_fails_on_demand
    forkmark_tells_children_from_their_maker)
weir_test(os ${os_cases})

if(WEIR_HAVE_UCONTEXT)
    weir_test(fiber
        a_fiber_keeps_its_stack_over_1000_switches
        many_fibers_take_turns
        fibers_enter_fibers_and_come_back
        a_fiber_may_end_before_it_begins_or_half_way
        threads_have_fibers_of_their_own
        a_stack_has_the_size_asked_for
        a_stack_that_overflows_faults
        a_stack_beyond_memory_is_enomem
        creation_fails_on_demand)
endif()

# What a libc without ucontext gets.
get_target_property(base_sources weir_objects SOURCES)
list(FILTER base_sources INCLUDE REGEX "/src/base/.*[.]c$")
add_executable(test_fiber_none unit/test_fiber_none.c
    ${PROJECT_SOURCE_DIR}/src/os/fiber_none.c ${base_sources})
target_include_directories(test_fiber_none PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(test_fiber_none PRIVATE weir_settings Threads::Threads)
add_test(NAME unit.fiber_none.there_are_no_fibers_is_enosys
    COMMAND test_fiber_none there_are_no_fibers_is_enosys)

if(WEIR_OS STREQUAL "linux")
    weir_test(os_linux
        a_thread_shows_its_name_from_the_start
        a_pinned_thread_runs_on_its_cpu_alone
        pinning_to_a_cpu_that_is_not_there_is_refused
        pages_beyond_memory_are_refused
        huge_pages_begin_at_a_huge_page
        pages_are_given_back_whole
        forkmark_is_a_page_that_fork_wipes
        forkmark_without_the_page_asks_for_the_pid
        affinity_shrinks_what_is_usable
        cpu_list_is_what_affinity_allows
        the_reason_names_the_tightest_limit
        compact_fills_a_core_then_a_package
        spread_takes_packages_then_cores_then_threads
        v2_quota_is_read
        v2_max_is_no_quota
        v2_tightest_parent_wins
        v2_siblings_do_not_matter
        v1_quota_is_read
        v1_tightest_parent_wins
        hybrid_takes_the_tighter_of_v1_and_v2
        a_mount_of_a_part_is_followed
        a_mount_of_another_part_is_passed_over
        a_path_outside_falls_back_to_the_mount_point
        a_namespace_root_has_the_containers_quota
        a_removed_cgroup_leaves_its_parents
        mount_points_with_spaces_are_read
        garbage_is_no_quota
        garbage_in_proc_is_no_quota
        very_long_lines_are_survived
        missing_files_are_no_quota)

    # The portable backend keeps the same promises: the same program again,
    # with that backend under it.
    set(posix_sources ${base_sources})
    foreach(source posix.c process_none.c common.c mutex.c)
        list(APPEND posix_sources ${PROJECT_SOURCE_DIR}/src/os/${source})
    endforeach()
    add_library(weir_os_posix STATIC ${posix_sources})
    target_include_directories(weir_os_posix
        PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(weir_os_posix PRIVATE weir_settings Threads::Threads)

    add_executable(test_os_posix unit/test_os.c)
    target_include_directories(test_os_posix
        PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(test_os_posix
        PRIVATE weir_os_posix weir_settings Threads::Threads)
    foreach(case ${os_cases})
        add_test(NAME unit.os_posix.${case} COMMAND test_os_posix ${case})
        set_tests_properties(unit.os_posix.${case} PROPERTIES
            TIMEOUT 60 SKIP_RETURN_CODE 77)
    endforeach()
endif()
