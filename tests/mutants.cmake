# SPDX-License-Identifier: MIT
# Each mutant names text of the sources: is it still there?
if(NOT WEIR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    weir_script(mutants.text mutants/run.sh --text ${PROJECT_SOURCE_DIR}
        ${CMAKE_CURRENT_BINARY_DIR}/mutants_text)
endif()

# The laws broken on purpose, one mutant for each: that the machinery works and
# the laws have teeth. All of them: `make mutants` (mutants/README.md). Once,
# where it is quick, and with the builder that it knows.
if(NOT WEIR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL Debug AND
        CMAKE_GENERATOR STREQUAL Ninja)
    set(by_model)
    if(TARGET model_pool_budget)
        set(by_model pool.budget_goes_pinned)
    endif()
    weir_script(mutants.smoke mutants/run.sh ${PROJECT_SOURCE_DIR}
        ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/mutants
        cache.published_by_its_job
        frontier.count_after_push
        pool.strict_lends_anyway
        graph.id_stays
        pool.refusal_keeps_what_was_captured
        pool.own_run_is_queued
        stream.second_producer
        stream.one_item_too_many
        pool.first_in_time
        stream.zeros
        loop.close_cuts_off
        frontier.no_second_look
        ${by_model})
    set_tests_properties(mutants.smoke PROPERTIES PROCESSORS 2)
endif()
