# SPDX-License-Identifier: MIT
# `weir serve` as a program: its configuration and codecs as functions, then the
# whole over real connections.
if(NOT TARGET weir_serve)
    return()
endif()
weir_test(serve_config
    every_kind_of_value_is_read
    sizes_and_times_have_units
    profiles_set_what_nobody_has_set
    an_option_wins_over_the_file
    what_is_printed_reads_back
    an_unknown_key_or_section_is_refused
    a_bad_value_is_refused_with_what_is_allowed
    a_line_that_is_nothing_is_refused
    a_key_that_is_set_twice_is_refused
    odd_bytes_are_refused
    keys_that_contradict_each_other_are_refused
    a_refused_file_changes_nothing
    a_bad_option_is_refused
    a_file_that_is_not_there_is_an_error)
weir_test(serve_codec
    tensors_are_read_from_json
    bad_json_is_refused_with_its_place
    bad_shapes_and_data_are_refused
    results_are_written_as_json
    any_line_becomes_a_string
    graphs_and_tensors_are_read
    dispatches_are_read
    shapes_are_read_from_a_header
    frames_read_back
    damaged_frames_are_refused)
weir_test(serve_http
    pages_health_and_figures_are_served
    models_are_loaded_listed_and_forgotten
    numbers_come_and_go_as_json
    numbers_come_and_go_as_bytes
    several_tensors_come_and_go_in_frames
    a_wrong_inference_is_refused_with_a_line
    much_json_is_read_in_turns_and_not_written
    a_context_is_a_timeline
    a_failed_dispatch_flags_what_it_should_have_written
    what_the_engine_cannot_do_is_a_422_for_all_who_ask
    wrong_things_of_contexts_are_refused
    wrong_paths_methods_and_types_are_refused
    bad_requests_end_their_connection
    chunks_and_continue_are_understood
    requests_may_come_one_behind_the_other
    models_of_the_command_line_are_there_at_once
    a_wrong_command_line_is_refused)
weir_test(serve_wire
    slow_clients_are_cut
    headers_and_paths_have_a_limit
    bodies_have_limits_each_and_together
    a_full_queue_is_a_503
    a_request_has_a_time_limit
    connections_over_the_limit_are_refused
    an_address_has_a_limit_of_its_own
    a_client_that_vanishes_takes_its_work_along
    half_a_connection_gets_what_is_there
    a_stop_answers_what_was_accepted
    a_draining_server_says_so
    a_second_signal_waits_for_nobody
    memory_stays_within_its_bound)
foreach(test serve_config serve_codec)
    target_link_libraries(test_${test} PRIVATE weir_serve)
endforeach()
foreach(test serve_http serve_wire)
    target_compile_definitions(test_${test}
        PRIVATE WEIR_PROGRAM="$<TARGET_FILE:weir_program>"
            WEIR_SANITIZED=$<BOOL:${WEIR_SANITIZE}>)
    add_dependencies(test_${test} weir_program)
endforeach()

# The same seed each time; `make fuzz` takes fresh ones.
foreach(fuzz request config)
    add_executable(fuzz_${fuzz} fuzz/fuzz_${fuzz}.c)
    target_link_libraries(fuzz_${fuzz}
        PRIVATE weir_serve weir_settings Threads::Threads)
    add_test(NAME serve.fuzz.${fuzz} COMMAND fuzz_${fuzz} 1)
    set_tests_properties(serve.fuzz.${fuzz} PROPERTIES TIMEOUT 120)
endforeach()

# The page about the wire is true.
add_executable(serve_model serve/make_model.c)
target_include_directories(serve_model
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(serve_model PRIVATE weir_settings)
weir_script(serve.examples serve/examples.sh $<TARGET_FILE:weir_program>
    $<TARGET_FILE:serve_model> ${PROJECT_SOURCE_DIR}/docs/serve.md)
weir_script(serve.keys serve/keys.sh $<TARGET_FILE:weir_program>
    ${PROJECT_SOURCE_DIR}/man/weir-serve.1.scd)
