# SPDX-License-Identifier: MIT
# A resolve with the test as its web, then `weir deps fetch` from end to end, on
# the loopback registry.
weir_test(deps_fetch
    any_order_gives_the_same_document
    what_passes_is_tried_again
    a_cancel_at_any_step_ends_it
    a_failure_that_matters_has_its_chain
    one_that_is_optional_does_not_matter
    what_was_forgotten_is_loaded_again
    a_web_may_come_late_or_never
    offline_nothing_is_asked
    lack_of_memory_is_told)
target_link_libraries(test_deps_fetch PRIVATE weir_deps)
if(NOT TARGET deps_registry)
    return()
endif()
foreach(case identical faults_that_pass faults_that_stay chains names
        closed semantics workspaces tokens count killed at_once interrupted
        command_line)
    weir_script(deps.fetch.${case} deps/fetch.sh ${case}
        "$<TARGET_FILE:weir_program> deps" $<TARGET_FILE:deps_registry>
        ${PROJECT_SOURCE_DIR}/bench/registry/walk.mjs)
endforeach()
