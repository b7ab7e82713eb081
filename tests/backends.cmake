# SPDX-License-Identifier: MIT
# The pool on the other backends: POSIX alone, and a system without fibers.
function(weir_variant name remove add)
    get_target_property(sources weir_objects SOURCES)
    list(FILTER sources EXCLUDE REGEX ${remove})
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${sources} ${add})
    target_include_directories(${name}
        PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_compile_options(${name} PRIVATE -fno-strict-aliasing)
    target_link_libraries(${name} PRIVATE weir_settings)
endfunction()

set(os_dir ${PROJECT_SOURCE_DIR}/src/os)
weir_variant(weir_posix "/os/(linux|cpu|cgroup|process)[.]c$"
    "${os_dir}/posix.c;${os_dir}/process_none.c")
weir_variant(weir_nofibers "/os/fiber[.]c$" ${os_dir}/fiber_none.c)

function(weir_variant_test variant test case_prefix)
    add_executable(${case_prefix} unit/test_${test}.c)
    target_include_directories(${case_prefix}
        PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${case_prefix}
        PRIVATE ${variant} weir_settings Threads::Threads)
    foreach(case ${ARGN})
        add_test(NAME unit.${case_prefix}.${case}
            COMMAND ${case_prefix} ${case})
        set_tests_properties(unit.${case_prefix}.${case} PROPERTIES
            TIMEOUT 60 SKIP_RETURN_CODE 77)
    endforeach()
endfunction()

weir_variant_test(weir_posix pool_jobs pool_posix_jobs
    each_job_runs_once_and_done_gets_its_status
    as_many_jobs_run_at_once_as_the_pool_is_wide
    done_may_free_the_job)
weir_variant_test(weir_posix pool_forks pool_posix_forks
    forks_give_the_right_sum
    an_idle_worker_takes_a_fork)
weir_variant_test(weir_posix pool_stop pool_posix_stop
    drain_runs_all_jobs_and_those_they_submit
    no_thread_is_left)
weir_variant_test(weir_posix pool_ends pool_posix_ends
    a_deadline_passes_while_the_pool_sleeps
    every_job_ends_once_whatever_races)

weir_variant_test(weir_nofibers pool_nofibers pool_nofibers
    jobs_scopes_and_forks_run_on_one_stack
    a_wait_that_nothing_can_end_is_edeadlk)
