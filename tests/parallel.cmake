# SPDX-License-Identifier: MIT
weir_test(parallel
    every_index_is_visited_once
    the_error_of_the_lowest_index_is_returned
    loops_nest
    a_cancelled_loop_says_so_and_stops_early
    a_sum_of_floats_has_the_same_bits_at_any_width
    a_partial_of_a_bad_size_is_refused
    the_left_part_is_combined_with_the_right_one
    a_cancelled_sum_says_so_and_leaves_the_result)
