# SPDX-License-Identifier: MIT
# The parts of the model checker below its explorer, on their own: the test
# program stands in for the explorer.
set(cases
    a_write_and_a_read_race_unless_ordered
    what_comes_after_the_order_races
    order_goes_on_from_thread_to_thread
    each_reader_must_be_ordered_before_a_write
    bytes_of_a_word_do_not_race
    a_word_races_with_its_half
    structs_are_accesses_too
    libc_calls_are_accesses
    an_atomic_access_races_with_plain_ones_only
    plain_accesses_to_atomic_bytes_are_told
    a_lent_local_may_be_used_when_ordered
    a_local_is_not_used_before_its_function_began
    a_function_ends_after_who_uses_its_locals
    a_local_is_gone_when_its_function_returned
    a_thread_uses_no_frame_that_it_left
    a_later_frame_at_the_same_place_may_be_lent
    threads_go_on_where_they_paused
    each_thread_has_its_thread_locals
    statics_are_as_new_in_each_execution
    stacks_are_at_the_same_addresses
    addresses_depend_on_the_thread_alone
    freed_memory_is_not_used
    memory_is_not_used_beyond_its_end
    an_allocation_is_ordered_before_its_use
    freeing_is_ordered_after_all_uses
    memory_is_freed_once
    what_nobody_frees_leaks
    reallocated_memory_keeps_what_it_held
    endless_allocation_ends
    an_abort_is_a_finding
    a_crash_is_a_finding
    a_loop_without_a_step_ends
    the_checker_itself_may_touch_all)
add_library(model_subject OBJECT model/self/subject.c)
target_link_libraries(model_subject PRIVATE model_flags)
add_executable(test_model_runtime
    model/self/test_model_runtime.c $<TARGET_OBJECTS:model_subject>)
target_compile_options(test_model_runtime PRIVATE
    -O2 -g -fno-strict-aliasing)
target_include_directories(test_model_runtime PRIVATE
    ${model_folder}/shim ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_link_options(test_model_runtime PRIVATE -no-pie -Wl,-z,now
    -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset)
target_link_libraries(test_model_runtime PRIVATE weir_settings model_checker)
foreach(case ${cases})
    add_test(NAME model.runtime.${case} COMMAND test_model_runtime ${case})
    set_tests_properties(model.runtime.${case} PROPERTIES
        TIMEOUT 60 LABELS model)
endforeach()
add_test(NAME model.cases.runtime COMMAND test_model_runtime --expect ${cases})

# An atomic operation that does not come through base/atomic.h, or memory of
# libc's, would not be seen.
set(libraries)
foreach(room ${model_rooms})
    list(APPEND libraries $<TARGET_FILE:model_${room}>)
endforeach()
add_test(NAME model.sources_reach_nothing_unseen
    COMMAND ${model_folder}/symbols.sh ${CMAKE_NM} ${libraries})
set_tests_properties(model.sources_reach_nothing_unseen PROPERTIES
    TIMEOUT 60 LABELS model)
