# SPDX-License-Identifier: MIT
# Reading ONNX models.
if(NOT TARGET weir_nn)
    return()
endif()
# ONNX's own models (libonnx-testdata), where they are installed.
set(WEIR_ONNX_TESTDATA /usr/share/libonnx-testdata/data
    CACHE PATH "ONNX's test data: folders node, simple, ...")
weir_test(nn_onnx
    a_model_is_read_as_it_is_written
    reading_again_gives_the_same_digest
    constant_nodes_become_constants
    initializers_listed_as_inputs_are_constants
    numbers_are_read_in_lists_of_their_type
    large_tensors_are_read_in_every_form
    truth_is_one
    an_empty_list_is_a_constant
    absent_inputs_are_minus_one
    attributes_of_every_kind_are_read
    nodes_may_be_in_any_order
    likely_names_are_found_soon
    inputs_may_lack_a_shape
    what_is_of_no_use_is_skipped
    a_tensor_alone_is_read
    onnxs_own_models_are_read_or_refused_with_a_line)
weir_test(nn_onnx_wrong
    a_cut_model_is_refused_at_every_byte
    a_turned_bit_is_read_or_refused_with_a_line
    what_is_no_model_is_refused
    nested_subgraphs_are_refused_however_deep
    versions_out_of_range_are_refused
    an_operator_that_is_not_there_names_its_node
    hostile_names_make_no_second_line
    a_cycle_is_refused
    every_name_is_produced_once
    names_of_ends_are_there_once
    inputs_that_must_be_there_are
    attributes_have_the_type_that_they_say
    attributes_have_the_type_that_operators_want
    attributes_are_there_once_and_few
    constants_have_one_value
    data_has_the_size_of_its_shape
    data_belongs_to_its_type
    types_that_are_not_ours_are_named
    impossible_dimensions_are_refused
    data_elsewhere_is_refused
    inputs_that_cannot_be_are_refused
    ends_are_tensors
    limits_are_kept
    few_bytes_cannot_ask_for_many_constants
    few_bytes_cannot_ask_for_much_memory)
weir_test(nn_onnx_memory
    weights_are_not_there_twice
    running_out_of_memory_is_told_and_leaves_nothing
    a_tensor_alone_that_does_not_fit_leaves_nothing
    a_copy_that_does_not_fit_leaves_nothing
    a_hostile_file_is_held_back
    a_small_file_cannot_ask_for_much)
target_link_options(test_nn_onnx_memory PRIVATE
    LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc
    LINKER:--wrap=reallocarray,--wrap=free)

add_executable(fuzz_onnx fuzz/fuzz_onnx.c)
target_include_directories(fuzz_onnx
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(fuzz_onnx
    PRIVATE weir_static weir_settings Threads::Threads)
foreach(program test_nn_onnx fuzz_onnx)
    target_compile_definitions(${program} PRIVATE
        ONNX_TESTDATA="${WEIR_ONNX_TESTDATA}")
endforeach()
foreach(program test_nn_onnx test_nn_onnx_wrong test_nn_onnx_memory fuzz_onnx)
    target_link_libraries(${program} PRIVATE weir_nn)
endforeach()

# The same seed each time; `make fuzz` takes fresh ones.
add_test(NAME nn.fuzz_onnx COMMAND fuzz_onnx 1)
set_tests_properties(nn.fuzz_onnx PROPERTIES TIMEOUT 120)
