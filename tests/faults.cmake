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
    metrics_of_all_kinds
    a_trace_and_a_watchdog
    a_descriptor_moves_up
    a_process_is_watched)
weir_test(faults_graph
    a_graph_whose_tables_grow
    a_flow_within_a_task
    an_allocation_that_waits
    processes_that_lack_something_say_so)
target_compile_definitions(test_faults_graph PRIVATE TEST_SMALLER=1)
