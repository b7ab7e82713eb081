# SPDX-License-Identifier: MIT
# `weir delta`: its parts, then the whole beside rdiff.
weir_test(delta_format
    big_endian_both_ways
    header_has_rdiffs_four_magics
    bad_headers_have_rdiffs_status
    zeros_in_a_header_mean_the_default
    sizes_are_chosen_as_rdiff_does
    unusable_choices_are_refused
    literals_have_the_shortest_form
    copies_have_the_shortest_form
    commands_have_rdiffs_bytes
    every_opcode_has_its_kind_and_size
    impossible_lengths_are_corrupt)
weir_test(delta_scan
    stripes_give_the_one_scans_delta
    long_blocks_give_the_one_scans_delta
    doubts_are_resolved_in_order
    zeros_out_of_step_are_not_scanned_twice
    stripes_in_step_are_not_scanned_twice
    equal_cut_sums_are_not_taken_for_equal_bytes
    the_first_of_equal_blocks_is_found
    weak_zero_is_the_same_as_its_alias)
weir_test(delta_io
    an_output_appears_when_it_is_complete
    an_abandoned_output_leaves_nothing
    what_exists_is_refused_without_force
    what_comes_meanwhile_is_not_replaced
    force_replaces_and_keeps_the_mode
    a_new_file_has_the_umasks_mode
    force_follows_a_link
    an_impossible_place_is_an_error
    a_signal_leaves_nothing
    the_writer_keeps_order_and_bytes
    a_write_error_is_reported
    a_pipe_is_read_to_its_end
    standard_input_begins_where_it_stands
    a_missing_or_unreadable_input_is_an_error
    the_line_drains_in_order
    the_line_stops_at_an_error)

add_executable(delta_inputs delta/make_inputs.c)
target_link_libraries(delta_inputs PRIVATE weir_settings)
add_executable(fuzz_delta fuzz/fuzz_delta.c)
foreach(program test_delta_format test_delta_scan test_delta_io fuzz_delta)
    target_link_libraries(${program}
        PRIVATE weir_programs weir_settings Threads::Threads)
endforeach()

foreach(part kinds options pipes sizes)
    weir_script(delta.as_rdiff.${part} delta/compare_rdiff.sh
        $<TARGET_FILE:weir_program> $<TARGET_FILE:delta_inputs> ${part})
endforeach()
foreach(part truncated flipped files interrupted full)
    weir_script(delta.faults.${part} delta/faults.sh
        $<TARGET_FILE:weir_program> $<TARGET_FILE:delta_inputs> ${part})
endforeach()

# A sanitizer's own memory would be counted.
if(NOT WEIR_SANITIZE)
    add_executable(delta_peak delta/peak.c)
    target_link_libraries(delta_peak PRIVATE weir_settings)
    weir_script(delta.memory delta/memory.sh
        $<TARGET_FILE:weir_program> $<TARGET_FILE:delta_peak>)
endif()

# The same seed each time; `make fuzz` takes fresh ones.
add_test(NAME delta.fuzz COMMAND fuzz_delta 1)
set_tests_properties(delta.fuzz PROPERTIES TIMEOUT 120)
