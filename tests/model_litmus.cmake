# SPDX-License-Identifier: MIT
# Tests of the checker itself (tests/model/litmus/README.md).

# weir_litmus(name): all BOTH, RACY, SLEEPS and STUCK of litmus/<name>.c, two
# cases each: they are read from the file, so that none is written and not run.
function(weir_litmus name)
    set(file ${model_folder}/litmus/${name}.c)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(REGEX MATCHALL "(BOTH|RACY|SLEEPS|STUCK)\\([a-z0-9_]+"
        tests "${text}")
    list(TRANSFORM tests REPLACE "[A-Z]+\\((.*)" "\\1")
    set(cases)
    foreach(test ${tests})
        list(APPEND cases ${test} ${test}_brute)
    endforeach()
    weir_model(${name} CASES ${cases})
    set(model_programs ${model_programs} PARENT_SCOPE)
endfunction()

set(litmus_tests sb mp order cause sync random_atomics random_waits random_races
    random_locks)
foreach(name ${litmus_tests})
    weir_litmus(${name})
endforeach()
weir_litmus(random_sleeps)

# The outcomes and counts in those files are right: found in another way.
list(TRANSFORM litmus_tests REPLACE "(.+)" "${model_folder}/litmus/\\1.c"
    OUTPUT_VARIABLE litmus_files)
weir_script(model.oracle model/litmus/oracle.sh check ${litmus_files})

# Hundreds more, made up now: cmake --build ... --target litmus_more. Another
# first number gives other tests.
set(WEIR_LITMUS_FIRST 1000 CACHE STRING
    "number of the first random litmus test of litmus_more")
set(litmus_more)
function(weir_litmus_more name kind count)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/more_${name}.c)
    add_custom_command(OUTPUT ${file}
        COMMAND python3 ${model_folder}/litmus/generate.py
            ${kind} ${WEIR_LITMUS_FIRST} ${count} ${ARGN} > ${file}
        DEPENDS ${model_folder}/litmus/generate.py
            ${model_folder}/litmus/oracle.py
        COMMENT "Making up ${count} litmus tests; takes minutes")
    add_executable(model_more_${name} EXCLUDE_FROM_ALL ${file})
    weir_model_link(model_more_${name} model_base model_os model_checker)
    set(litmus_more ${litmus_more} COMMAND model_more_${name} PARENT_SCOPE)
endfunction()
weir_litmus_more(atomics atomics 50)
weir_litmus_more(waits waits 50)
weir_litmus_more(races races 50)
weir_litmus_more(locks locks 50)
weir_litmus_more(large atomics 10 large)
add_custom_target(litmus_more ${litmus_more})

# Algorithms that are wrong, which must be caught, beside those that are right.
weir_model(bad_order CASES
    dekker_without_fences
    dekker_with_fences
    peterson_with_release_acquire
    peterson_with_seq_cst
    spin_lock_unlocked_relaxed
    spin_lock
    message_behind_relaxed_flag
    message_behind_released_flag
    double_checked_relaxed
    double_checked
    sequence_lock_without_fences
    sequence_lock)
weir_model(bad_lockfree CASES
    chase_lev_without_fence
    chase_lev
    chase_lev_in_use_without_fence
    chase_lev_in_use
    treiber_takes_the_old_for_the_new
    treiber_with_a_count)
weir_model(bad_waits CASES
    wake_up_before_the_sleep_is_lost
    sleep_on_what_was_seen_before
    registered_after_the_look
    registered_before_the_look
    woken_for_no_reason_goes_on
    woken_for_no_reason_looks_again
    semaphore_with_if
    semaphore_with_while
    counted_after_the_push
    counted_before_the_push
    locks_in_two_orders
    locks_in_one_order
    spin_that_waits_for_nobody
    spin_that_ends
    spin_without_await)
weir_model(bad_memory CASES
    freed_while_the_completer_is_inside
    freed_after_the_completer_left
    reset_while_the_completer_is_inside
    reset_after_the_completer_left
    reference_dropped_relaxed
    reference_dropped
    freed_twice
    freed_once
    overwritten_and_lost
    exchanged
    never_freed
    freed_at_the_end
    frame_left_while_lent
    frame_left_when_returned)

# Two preemptions are enough to catch them.
foreach(name bad_order bad_lockfree bad_waits)
    add_test(NAME model.${name}.bounded COMMAND model_${name} --preemptions 2)
    set_tests_properties(model.${name}.bounded PROPERTIES
        TIMEOUT 300 LABELS model)
endforeach()
