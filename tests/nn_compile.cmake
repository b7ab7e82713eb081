# SPDX-License-Identifier: MIT
# The compiler: its passes, its plans, graphs made by chance, large graphs.
if(NOT TARGET weir_nn)
    return()
endif()
weir_test(nn_compile
    constants_are_folded
    shapes_are_folded
    shapes_are_folded_even_without_folding
    views_of_constants_have_their_bytes
    large_results_are_not_folded
    dead_nodes_go
    nodes_that_change_nothing_go
    nodes_that_change_something_stay
    outputs_that_are_something_else_are_copied
    batch_norm_goes_into_the_weights
    batch_norm_of_groups_and_bias
    batch_norm_alone_is_a_scale_and_a_shift
    batch_norm_of_two_dimensions
    transposed_convolutions_take_scales
    scales_and_shifts_go_into_the_weights
    weights_that_would_overflow_are_left
    what_others_read_is_not_scaled
    hard_swish_is_seen_in_any_order
    what_is_not_quite_hard_swish_is_not_taken_for_it
    swish_is_seen
    gelu_is_seen
    layer_norm_is_seen
    the_norm_of_another_axis_is_not_layer_norm
    inverse_transposes_cancel
    transposes_of_ones_are_reshapes
    views_between_transposes_go
    views_that_do_not_fit_stay)
weir_test(nn_layout
    convolutions_in_a_row_are_one_region
    what_is_between_is_turned_as_well
    a_squeeze_and_excitation_stays_inside
    what_enlarges_stays_inside
    borders_of_one_row_cost_nothing
    a_region_that_does_not_pay_is_given_up
    what_others_read_is_turned_back_once
    nothing_that_is_fixed_is_turned
    turned_bytes_stay_below_what_is_saved
    activations_become_steps
    numbers_become_linear_steps
    a_residual_goes_into_what_comes_last
    what_others_read_is_not_fused
    operands_that_stretch_the_data_are_not_steps
    long_chains_are_cut
    biases_keep_their_place)
weir_test(nn_plan
    a_chain_lies_in_one_place
    a_chain_of_products_needs_two_places
    branches_do_not_share_memory
    what_comes_later_by_the_order_shares
    nothing_is_shared_if_it_must_not
    results_lie_in_place_where_nobody_else_reads
    inputs_are_never_written
    an_output_that_is_read_on_stays
    edges_that_follow_from_others_are_left_out
    large_nodes_are_cut_into_parts
    what_a_plan_holds_is_counted
    the_checker_sees_what_is_read_and_overwritten
    the_checker_agrees_with_a_plain_one
    the_checker_sees_missing_edges
    the_checker_sees_impossible_places
    integer_inputs_become_constants
    bindings_must_fit
    keys_tell_plans_apart
    too_large_a_run_is_refused
    sizes_that_overflow_are_refused
    bombs_of_constants_are_left_or_refused
    a_cancel_leaves_nothing
    lack_of_memory_leaves_nothing)
weir_test(nn_random
    all_passes_give_the_plain_result
    sharing_memory_changes_no_bit
    each_pass_alone_gives_the_plain_result
    any_order_of_the_tasks_gives_the_same_bits)
weir_test(nn_hostile
    work_without_end_is_refused
    a_long_chain_compiles
    a_long_chain_of_steps_compiles
    a_long_chain_of_views_compiles
    a_chain_with_one_old_friend_compiles
    a_wide_fan_compiles
    a_wide_fan_of_views_compiles
    many_convolutions_compile
    memory_by_cuts_is_sound
    cuts_know_branches_sources_and_ends)
set(nodes 100000)
if("thread" IN_LIST WEIR_SANITIZE)
    set(nodes 20000)
endif()
target_compile_definitions(test_nn_hostile PRIVATE WEIR_NODES=${nodes})
foreach(program compile layout plan random hostile)
    target_link_libraries(test_nn_${program} PRIVATE weir_nn m)
endforeach()
