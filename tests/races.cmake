# SPDX-License-Identifier: MIT
# The naive twins: each shows a bug on bare pthreads (and must, so the test
# wants it to fail), beside the weir version that cannot have it.

# weir_race(name): examples/races/<name>.c, run as `naive` and as `weir`.
# Status 0: all is well; 1: the bug was seen; anything else is a failure.
function(weir_race name)
    add_executable(race_${name} ${PROJECT_SOURCE_DIR}/examples/races/${name}.c)
    target_link_libraries(race_${name}
        PRIVATE weir_static weir_settings Threads::Threads)
    add_test(NAME race.${name}.naive_shows_the_bug
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/race.sh 1
            $<TARGET_FILE:race_${name}> naive)
    add_test(NAME race.${name}.weir_has_it_not
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/race.sh 0
            $<TARGET_FILE:race_${name}> weir)
    set_tests_properties(race.${name}.naive_shows_the_bug
        race.${name}.weir_has_it_not PROPERTIES TIMEOUT 120)
endfunction()

weir_race(queue_bound)
weir_race(relay)
weir_race(nested_wait)
weir_race(lost_compile)
weir_race(waiters_fill_pool)
weir_race(count_after_push)
weir_race(early_reset)
weir_race(lost_child)

# The page that explains them. Looks at the tree alone, so once is enough.
if(NOT WEIR_SANITIZE)
    weir_script(docs.races races_page.sh ${PROJECT_SOURCE_DIR})
endif()
