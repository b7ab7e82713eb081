# SPDX-License-Identifier: MIT
# The engine's graphs, and their digest.
if(NOT TARGET weir_nn)
    return()
endif()
weir_test(nn_graph
    a_refusal_is_one_line_that_names_the_node
    a_long_name_leaves_room_for_what_is_said
    a_refusal_is_printable_text
    types_are_as_wide_as_they_are
    sizes_do_not_overflow
    shapes_have_a_text
    shapes_are_the_same_with_their_type
    shapes_broadcast_as_numpys_do
    shapes_that_do_not_broadcast_are_named
    what_is_allocated_is_zeroed_and_aligned
    attributes_are_found_by_name_and_kind
    setting_an_attribute_replaces_it
    names_are_kept_apart
    a_graph_in_order_stays_as_it_is
    producers_come_before_consumers
    a_cycle_names_a_node_on_it
    every_value_has_one_origin
    names_are_there_once
    outputs_are_there
    counts_are_as_the_operator_has_them
    what_is_no_value_is_refused
    an_old_opset_is_refused
    a_copy_is_a_graph_of_its_own
    compacting_keeps_the_order)
weir_test(nn_digest
    the_same_graph_has_the_same_digest
    names_within_do_not_count
    the_order_of_nodes_does_not_count
    the_order_of_values_does_not_count
    constants_that_nobody_reads_do_not_count
    the_order_of_attributes_does_not_count
    shapes_within_do_not_count
    weights_count
    attributes_count
    what_a_node_does_counts
    which_result_is_read_counts
    what_is_outside_counts
    dead_nodes_count
    a_second_node_is_not_the_first
    a_deep_graph_is_digested
    much_counts_to_its_end)
foreach(program test_nn_graph test_nn_digest)
    target_link_libraries(${program} PRIVATE weir_nn)
endforeach()
