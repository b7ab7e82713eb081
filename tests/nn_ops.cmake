# SPDX-License-Identifier: MIT
# The operators that are our own: beside plain loops, and what they refuse.
if(NOT TARGET weir_nn)
    return()
endif()
weir_test(nn_ops
    operands_broadcast_as_numpys_do
    comparisons_broadcast_and_give_bools
    many_operands_are_taken_in_order
    a_later_operand_may_be_the_long_one
    nan_goes_through
    zeros_keep_their_sign_and_denormals_count
    integers_wrap_and_never_trap
    casts_stay_within_their_type
    steps_are_the_operators_they_are_named_for
    steps_may_be_applied_to_any_stretch
    transposing_moves_every_element_to_its_place
    slices_are_pythons
    what_is_split_can_be_joined_again
    computed_indices_are_brought_into_range
    empty_lists_do_in_shape_arithmetic
    padding_mirrors_repeats_and_cuts)
weir_test(nn_ops_fold
    reductions_are_right_over_any_axes
    long_sums_stay_exact
    an_empty_list_of_axes_is_all_or_nothing
    integers_are_reduced_too
    searches_find_the_first_or_last
    softmax_has_one_axis_or_all_from_it_on
    softmax_of_large_numbers_does_not_overflow
    windows_are_right_in_both_orders
    whole_planes_are_right_in_both_orders
    padding_is_chosen_as_the_model_says
    maxima_have_indices
    layers_are_normalised_with_any_weights
    batches_are_normalised_by_given_numbers)
weir_test(nn_ops_math
    functions_are_as_near_as_they_say
    special_values_are_kept
    instructions_do_not_matter
    folds_do_not_depend_on_instructions)
weir_test(nn_ops_refuse
    elementwise_operators_check_what_they_get
    views_check_that_elements_are_kept
    moving_checks_axes_and_lists
    shapes_and_indices_are_checked
    folding_checks_axes_and_windows
    results_that_fit_nowhere_are_refused
    unknown_shapes_are_not_guessed
    wrong_steps_are_refused)
foreach(program
        test_nn_ops test_nn_ops_fold test_nn_ops_math test_nn_ops_refuse)
    target_link_libraries(${program} PRIVATE weir_nn weir_settings m)
endforeach()

# The web platform's cases are data beside the source, not in it.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(WEIR_JANSSON IMPORTED_TARGET jansson)
endif()
if(NOT WEIR_JANSSON_FOUND)
    message(STATUS "no tests of the web platform's cases: libjansson-dev is "
        "missing")
    return()
endif()
set(WEIR_WEBNN_CASES ${PROJECT_SOURCE_DIR}/../shared/data/webnn/cases.json
    CACHE FILEPATH "Operator cases of the web-platform-tests, as JSON")
weir_test(nn_ops_webnn
    cases_of_the_web_platform_have_their_results)
target_link_libraries(test_nn_ops_webnn
    PRIVATE weir_nn weir_settings PkgConfig::WEIR_JANSSON m)
target_compile_definitions(test_nn_ops_webnn
    PRIVATE WEBNN_CASES="${WEIR_WEBNN_CASES}")
