# SPDX-License-Identifier: MIT
weir_test(graph_ring
    blocks_are_aligned_and_follow_each_other
    more_than_the_ring_has_is_too_big
    no_bytes_are_refused
    a_ring_without_memory_holds_nothing
    what_comes_back_in_the_middle_waits
    it_goes_on_in_front
    the_newest_come_back_too
    the_newest_come_back_around_the_end
    back_may_free_the_block
    used_and_highest_are_true
    what_is_held_stays_in_could
    several_fit_one_after_the_other
    rings_share_nothing
    a_block_goes_back_once
    d1_an_empty_ring_is_whole
    d2_one_block_back_is_room_for_one
    d5_no_request_is_rounded_to_nothing
    d6_an_odd_size_says_what_it_holds
    it_does_what_a_map_of_its_bytes_says)
weir_test(graph_shape
    a_shape_has_one_form
    what_is_beyond_the_buffer_is_refused
    no_sum_goes_over_the_end_of_numbers
    ranges_that_touch_are_apart
    columns_are_apart_though_they_interleave
    tiles_are_apart_and_cross_exactly
    a_row_may_begin_before_the_next_column
    any_two_lie_as_a_map_of_their_bytes_says
    the_largest_lie_as_the_small_ones
    rows_are_not_counted_one_by_one)
weir_test(graph_region
    a_new_region_is_empty
    a_shape_is_found_again
    a_region_stays_where_it_is
    each_visits_all_once
    what_touches_is_no_neighbour
    all_that_overlap_are_neighbours
    what_is_covered_is_marked
    a_whole_buffer_covers_all
    columns_are_no_neighbours
    tiles_know_their_panels
    what_is_quiet_is_forgotten
    long_lists_come_and_go
    what_is_kept_is_not_swept
    it_does_not_grow_with_what_was
    sweeps_in_vain_are_few
    create_says_when_there_is_no_memory
    a_find_without_memory_has_changed_nothing
    a_sweep_needs_no_memory
    it_is_what_maps_of_bytes_say
    it_is_so_with_many
    d10_slices_are_found_at_once
    d10_sliding_ranges_cost_what_they_overlap
    d10_columns_are_found_at_once
    d10_rows_and_tiles_are_found_at_once
    d10_tiles_panels_and_the_whole_too
    d10_two_strides_do_not_look_at_each_other
    d10_many_strides_are_found_too
    d10_what_was_forgotten_costs_nothing)
weir_test(graph_region_hash
    d13_shapes_of_one_hash_are_two
    an_even_series_spreads)
weir_test(graph_region_tree
    nodes_hold_what_is_below_them
    pruned_trees_are_low)

add_executable(fuzz_graph_region fuzz/fuzz_graph_region.c)
target_include_directories(fuzz_graph_region
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(fuzz_graph_region
    PRIVATE weir_static weir_settings Threads::Threads)

# The same seed each time; `make fuzz` takes fresh ones.
add_test(NAME graph.fuzz.region COMMAND fuzz_graph_region 1 3)
set_tests_properties(graph.fuzz.region PROPERTIES TIMEOUT 120)
