# SPDX-License-Identifier: MIT
# `weir tiles`, where it is built.
if(NOT TARGET weir_tiles)
    return()
endif()
weir_test(tiles_file
    arrays_are_by_columns
    coordinates_are_placed_and_the_rest_is_zero
    entries_of_one_place_add_up
    what_others_write_is_understood
    what_is_wrong_is_named_with_its_line
    what_is_wrong_with_an_entry_is_named
    what_a_float_cannot_hold_is_refused_as_one
    what_is_written_is_read_back_to_the_bit
    raw_files_are_squares_of_numbers
    a_market_file_is_known_by_its_banner_too
    what_cannot_be_opened_is_told
    a_file_is_whole_or_as_it_was
    a_full_device_is_told
    asymmetry_is_named)
weir_test(tiles_plan
    plans_compute_what_plain_code_does
    tiles_of_one_element_work
    tasks_are_counted_before_they_are_made
    what_a_task_changes_is_in_its_region
    any_order_that_is_allowed_gives_the_same_bytes
    what_was_cut_off_is_done_again_to_the_same_bytes
    what_has_no_factor_is_named
    a_wrong_element_shows_in_the_residual
    columns_do_not_fall_on_the_same_cache_lines)
weir_test(tiles_run
    threads_compute_what_plain_code_does
    processes_compute_what_plain_code_does
    the_bytes_do_not_depend_on_who_works
    a_killed_worker_changes_nothing
    many_killed_workers_change_nothing
    what_has_no_factor_ends_with_its_reason
    the_critical_path_is_that_of_the_algorithm
    a_product_may_have_one_matrix_twice)
weir_test(tiles_death
    a_cholesky_factor_survives_deaths
    an_lu_factor_survives_deaths
    a_product_survives_deaths
    who_only_dies_is_given_up)
foreach(part file plan run death)
    target_link_libraries(test_tiles_${part} PRIVATE weir_tiles)
endforeach()

# The same seed each time; `make fuzz` takes fresh ones.
add_executable(fuzz_matrix_market fuzz/fuzz_matrix_market.c)
target_include_directories(fuzz_matrix_market
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(fuzz_matrix_market PRIVATE
    weir_tiles weir_static weir_settings Threads::Threads)
add_test(NAME tiles.fuzz.matrix_market COMMAND fuzz_matrix_market 1)
set_tests_properties(tiles.fuzz.matrix_market PROPERTIES TIMEOUT 120)

foreach(case help usage input output singular figures pictures killed ended)
    weir_script(tiles.${case} tiles/command.sh ${case}
        $<TARGET_FILE:weir_program>)
endforeach()
