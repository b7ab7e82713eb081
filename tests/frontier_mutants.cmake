# SPDX-License-Identifier: MIT
# The frontier room broken on purpose, and what notices it.
weir_test(frontier_windows
    a_seed_may_come_at_any_step
    a_second_close_is_nothing
    what_a_failed_attempt_added_stays)

# Half a minute, and the same with any compiler: once, where it is quick.
if(NOT WEIR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    weir_script(frontier.mutants frontier/mutants.sh ${PROJECT_SOURCE_DIR}
        $<TARGET_FILE:weir_static> ${CMAKE_CURRENT_BINARY_DIR}/frontier_mutants
        ${CMAKE_C_COMPILER})
endif()
