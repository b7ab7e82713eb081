# SPDX-License-Identifier: MIT
# npm's settings.
weir_test(deps_npmrc
    without_settings_npms_defaults_hold
    the_first_source_wins
    the_command_line_wins_over_all
    files_may_lie_elsewhere
    a_file_that_cannot_be_read_is_told
    names_of_variables_are_npms
    the_dialect_is_npms
    variables_are_put_in
    lists_are_put_together
    bad_values_are_told_with_their_line
    numbers_are_javascripts
    paths_are_npms
    too_much_is_refused
    scopes_have_registries
    the_longest_prefix_gives_the_token
    nobody_else_gets_a_token
    http_gets_no_token_that_was_not_meant_for_it
    passwords_are_base64
    running_out_of_memory_is_told_and_leaves_nothing)
target_link_libraries(test_deps_npmrc PRIVATE weir_deps)

# The same seed each time; `make fuzz` takes fresh ones.
add_executable(fuzz_npmrc fuzz/fuzz_npmrc.c)
target_include_directories(fuzz_npmrc
    PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(fuzz_npmrc
    PRIVATE weir_deps weir_static weir_settings Threads::Threads)
add_test(NAME deps.fuzz.npmrc COMMAND fuzz_npmrc 1)
set_tests_properties(deps.fuzz.npmrc PROPERTIES TIMEOUT 120)

# The same made-up homes and projects, read by the installed npm.
add_executable(npmrc_show deps/npmrc_show.c)
target_include_directories(npmrc_show PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(npmrc_show
    PRIVATE weir_deps weir_static weir_settings Threads::Threads)
weir_script(deps.npmrc_npm deps/npmrc_npm.sh $<TARGET_FILE:npmrc_show> 1 100)
