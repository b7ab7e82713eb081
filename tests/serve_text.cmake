# SPDX-License-Identifier: MIT
# Reading text in pictures: its parts as functions, then the whole over real
# connections. weir_serve's own libraries are not seen from here.
find_package(PkgConfig QUIET)
pkg_check_modules(WEIR_PNG REQUIRED IMPORTED_TARGET libpng)
weir_test(serve_reading
    a_picture_is_read
    light_on_dark_is_turned_round
    a_damaged_picture_is_refused_at_every_byte
    a_huge_picture_is_refused_before_it_is_decoded
    lines_are_found_from_top_to_bottom
    a_dot_above_belongs_to_its_line
    a_box_has_no_ink_but_its_own
    dirt_and_an_empty_picture_have_no_lines
    a_pool_finds_the_same_lines
    a_line_is_scaled_to_the_models_input
    a_turned_line_is_the_other_way_round
    tiny_boxes_have_a_width
    a_dictionary_has_none_and_space_besides
    a_wrong_dictionary_is_refused_with_its_line
    a_letter_of_any_length_is_one
    what_is_no_likelihood_is_0_or_1
    repeats_and_none_are_left_out)
weir_test(serve_text
    a_dictionary_is_kept_under_its_name
    a_bad_dictionary_is_refused_with_its_line
    dictionaries_have_limits
    lines_are_read_from_top_to_bottom
    lines_on_their_heads_are_turned
    an_empty_picture_has_no_lines
    more_than_64_lines_are_the_first_64
    two_pictures_at_once_share_plans
    a_wrong_request_is_refused_with_a_line
    a_damaged_picture_is_refused_with_a_line
    a_model_of_another_shape_is_one_clear_error
    a_client_that_vanishes_takes_its_picture_along
    clients_may_vanish_at_any_moment
    pictures_at_once_have_a_limit
    a_stop_finishes_the_pictures_that_were_accepted
    a_hard_stop_ends_pictures)
target_link_libraries(test_serve_reading
    PRIVATE weir_serve PkgConfig::WEIR_PNG m)
target_link_libraries(test_serve_text PRIVATE PkgConfig::WEIR_PNG)
target_compile_definitions(test_serve_text
    PRIVATE WEIR_PROGRAM="$<TARGET_FILE:weir_program>")
add_dependencies(test_serve_text weir_program)
add_executable(fuzz_picture fuzz/fuzz_picture.c)
target_link_libraries(fuzz_picture
    PRIVATE weir_serve weir_settings PkgConfig::WEIR_PNG Threads::Threads)
add_test(NAME serve.fuzz.picture COMMAND fuzz_picture 1)
set_tests_properties(serve.fuzz.picture PROPERTIES TIMEOUT 120)
# It writes a page too.
target_link_libraries(serve_model PRIVATE PkgConfig::WEIR_PNG)
