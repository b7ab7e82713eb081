# SPDX-License-Identifier: MIT
weir_test(base
    every_error_has_its_own_text
    other_numbers_are_unknown_errors
    version_is_that_of_the_header
    a_failed_check_names_the_rule_and_aborts
    no_options_are_all_zero
    options_of_the_same_age_are_copied
    an_older_callers_options_leave_the_rest_zero
    newer_options_that_ask_for_nothing_new_work
    newer_options_that_ask_for_more_are_refused
    options_without_their_size_are_refused
    an_older_caller_gets_what_it_has_room_for
    a_newer_caller_gets_zero_for_what_is_unknown
    a_result_without_its_size_is_refused
    list_keeps_order_at_both_ends
    a_link_knows_whether_it_is_in_a_list
    splice_moves_all_and_leaves_an_empty_list
    heap_gives_the_smallest_key_first
    heap_gives_equal_keys_first_in_first_out
    heap_removes_any_node
    heap_of_a_million_needs_no_deep_stack
    random_numbers_are_those_of_splitmix64
    random_below_reaches_all_and_only_what_is_below
    armed_attempts_fail_and_no_others
    allocation_fails_on_demand)

weir_test(histogram
    a_value_is_below_its_bound_and_not_below_the_one_before
    bounds_rise_by_an_eighth_at_most
    the_last_bucket_has_no_bound
    a_time_below_zero_counts_as_zero
    a_quantile_is_not_too_low_and_an_eighth_too_high_at_most
    a_quantile_is_never_above_the_highest_value
    no_values_have_no_quantile)

# Every atomic operation goes through one door and has its other side. Looks
# at the text alone, so once is enough.
if(NOT WEIR_SANITIZE)
    weir_script(atomics atomics.sh ${PROJECT_SOURCE_DIR})
    weir_script(atomics.selftest atomics_selftest.sh)
endif()
weir_test(hash
    every_byte_and_the_size_count
    the_secret_decides
    keys_spread_evenly
    the_last_reference_is_told_once
    of_two_at_once_one_is_the_last)
