# SPDX-License-Identifier: MIT
# The operators that run on oneDNN, beside plain loops in double precision.
if(NOT TARGET weir_nn)
    return()
endif()
weir_test(nn_dnn
    conv_is_right_with_channels_last
    conv_is_right_with_channels_first
    conv_of_odd_sizes_is_right
    conv_has_one_dimension_too
    transposed_conv_is_right
    transposed_conv_works_out_its_pads
    weights_need_not_be_constant
    matmul_broadcasts_as_numpy
    matmul_is_right_in_any_number_of_parts
    gemm_scales_turns_and_adds
    older_instructions_will_do)
weir_test(nn_dnn_run
    parts_give_the_same_bits
    steps_are_applied_to_the_result
    steps_of_small_products_are_too
    data_need_not_be_aligned
    weights_below_the_least_normal_count_as_zero
    wrong_convolutions_are_refused
    wrong_products_are_refused
    what_is_not_there_is_refused
    no_thread_appears
    one_node_runs_on_many_threads
    a_failed_allocation_leaves_nothing
    what_is_held_is_counted)
foreach(program test_nn_dnn test_nn_dnn_run)
    target_link_libraries(${program}
        PRIVATE weir_nn weir_settings Threads::Threads m)
endforeach()
target_include_directories(test_nn_dnn_run PRIVATE ${WEIR_DNNL_INCLUDE})
target_link_libraries(test_nn_dnn_run PRIVATE ${WEIR_DNNL_LIBRARY})
