# SPDX-License-Identifier: MIT
# What the system may refuse, refused at every place in turn: faults.md.
weir_test(faults_rooms
    a_pool_with_all_options
    a_deterministic_pool
    a_queue_and_its_senders
    a_drain
    a_pipeline_and_an_order
    a_loop_and_a_lane
    a_cache_with_many_keys
    a_frontier_of_either_engine
    a_frontier_of_many_edges
    metrics_of_all_kinds
    a_trace_and_a_watchdog
    a_descriptor_moves_up
    a_process_is_watched
    pages_of_any_size)
weir_test(faults_graph
    a_graph_whose_tables_grow
    a_flow_within_a_task
    an_allocation_that_waits
    processes_that_lack_something_say_so)
target_compile_definitions(test_faults_graph PRIVATE TEST_SMALLER=1)

# The other backend's places, with the same scenarios.
if(TARGET weir_posix AND WEIR_FAULTS)
    weir_variant_test(weir_posix faults_rooms faults_posix
        a_queue_and_its_senders
        a_loop_and_a_lane
        a_frontier_of_either_engine
        pages_of_any_size)
    target_sources(faults_posix PRIVATE ${fault_log})
endif()

# Every place of the rooms has failed in some test: those of this page, and
# the cases of other pages that are listed in faults/cases.txt. They leave
# notes, and the last test reads them.
if(WEIR_FAULTS AND CMAKE_BUILD_TYPE STREQUAL Debug)
    set(fault_notes ${CMAKE_CURRENT_BINARY_DIR}/fault_notes)
    add_test(NAME faults.begin
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${fault_notes})
    add_test(NAME faults.folder
        COMMAND ${CMAKE_COMMAND} -E make_directory ${fault_notes})
    set_tests_properties(faults.begin PROPERTIES FIXTURES_SETUP fault_begin)
    set_tests_properties(faults.folder PROPERTIES
        DEPENDS faults.begin FIXTURES_SETUP fault_begin)
    file(STRINGS faults/cases.txt fault_cases REGEX "^unit")
    get_property(known DIRECTORY PROPERTY TESTS)
    foreach(name ${known})
        if(name MATCHES "^unit[.]faults_" OR name IN_LIST fault_cases)
            set_tests_properties(${name} PROPERTIES
                ENVIRONMENT WEIR_FAULTS_LOG=${fault_notes}/${name}
                FIXTURES_REQUIRED fault_begin FIXTURES_SETUP fault_notes)
        endif()
    endforeach()
    set(rooms src/base src/os src/pool src/parallel src/stream src/loop
        src/cache src/frontier src/graph src/observe)
    weir_script(faults.each_place_has_failed faults/reached.sh
        ${PROJECT_SOURCE_DIR} ${fault_notes}
        ${CMAKE_CURRENT_SOURCE_DIR}/faults/unreached.txt
        "wr_fault|wr_(m|c)alloc|wr_grow|wr_aligned_alloc|wr_pages_alloc\
|wr_pages_alloc_huge|wr_shared_alloc|wr_thread_start|wr_wakefd_open\
|wr_fiber_create|wr_fiber_adopt|wr_forkmark_init|wr_process_watch|wr_high_fd"
        ${rooms})
    set_tests_properties(faults.each_place_has_failed PROPERTIES
        FIXTURES_REQUIRED fault_notes)
endif()

# Whole programs, on a system that says no: once, and not under a sanitizer,
# which would be asked too.
if(NOT WEIR_SANITIZE AND CMAKE_SYSTEM_NAME STREQUAL "Linux"
        AND TARGET weir_program)
    add_library(fault_system MODULE faults/system.c)
    set_target_properties(fault_system PROPERTIES
        C_VISIBILITY_PRESET default)
    add_executable(fault_sweep faults/sweep.c)
    foreach(part fault_system fault_sweep)
        target_include_directories(${part}
            PRIVATE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${part} PRIVATE weir_settings ${CMAKE_DL_LIBS})
    endforeach()
    set(parts delta)
    if(TARGET weir_tiles)
        list(APPEND parts tiles)
    endif()
    if(TARGET weir_nn)
        list(APPEND parts run)
    endif()
    if(TARGET weir_serve)
        list(APPEND parts serve)
        add_executable(fault_serve faults/serve.c)
        target_link_libraries(fault_serve PRIVATE weir_settings)
    endif()
    if(TARGET weir_deps AND TARGET deps_registry)
        list(APPEND parts deps)
    endif()
    foreach(part ${parts})
        set(inputs $<TARGET_FILE:delta_inputs>)
        set(sweep $<TARGET_FILE:fault_sweep>)
        if(part STREQUAL run)
            set(inputs "${WEIR_ONNX_TESTDATA}")
        endif()
        if(part STREQUAL serve)
            set(inputs $<TARGET_FILE:serve_model>)
            set(sweep $<TARGET_FILE:fault_serve>)
        elseif(part STREQUAL deps)
            set(inputs $<TARGET_FILE:deps_registry>)
        endif()
        weir_script(faults.program.${part} faults/programs.sh ${part}
            $<TARGET_FILE:weir_program> $<TARGET_FILE:fault_system>
            ${sweep} ${PROJECT_SOURCE_DIR} ${inputs})
    endforeach()
endif()
