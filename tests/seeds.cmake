# SPDX-License-Identifier: MIT
# Each room under many seeds; `make replay CASE=... SEED=...` shows one again.
function(weir_seeds room)
    weir_test(seeds_${room} ${ARGN})
    set(smaller 1)
    if(WEIR_SANITIZE)
        set(smaller 5)
    endif()
    target_compile_definitions(test_seeds_${room}
        PRIVATE TEST_SMALLER=${smaller})
endfunction()

foreach(room pool parallel sort stream loop frontier)
    weir_seeds(${room} all)
endforeach()
foreach(room cache graph)
    weir_seeds(${room} all its_pool_may_stop_at_any_step)
endforeach()
weir_seeds(loop_lane
    each_call_runs_in_turn_and_ends_once
    a_lane_may_stop_at_any_moment
    a_loop_may_close_at_any_moment)
weir_seeds(stream_pipeline
    it_does_what_one_worker_would
    it_may_be_cancelled_at_any_step
    its_pool_may_stop_at_any_step)
