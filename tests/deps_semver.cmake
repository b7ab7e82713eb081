# SPDX-License-Identifier: MIT
# Versions, ranges, specs, and which version a spec gets.
weir_test(deps_semver
    a_whole_version_is_read
    what_is_no_version_is_refused
    loose_is_what_people_write
    a_version_has_at_most_256_letters
    a_version_points_into_its_text
    precedence_is_that_of_semver
    builds_and_zeros_do_not_count
    numbers_beyond_javascripts_are_rounded_as_there
    writing_is_cut_and_says_its_length
    carets_and_tildes_span
    parts_may_be_missing
    hyphens_are_from_until
    sets_are_joined_and_reduced
    any_is_any
    what_is_no_comparator_is_left_out
    what_is_written_oddly_is_read_as_npm_does
    too_large_a_number_spoils_a_range
    too_long_a_range_is_refused
    many_comparators_are_kept
    a_prerelease_needs_one_of_its_version
    prereleases_lower_the_bounds
    engines_are_not_loose
    a_range_has_sides
    ranges_intersect
    a_range_keeps_its_own_text
    lack_of_memory_is_told)
weir_test(deps_spec
    a_version_is_exactly_that
    a_range_is_parsed
    nothing_is_any
    a_tag_is_what_else_fits_a_url
    an_alias_fetches_another_package
    an_alias_that_is_none_is_refused
    what_begins_like_a_path_is_a_file_or_folder
    repositories_of_known_hosts_are_git
    other_git_urls_are_git
    tarballs_elsewhere_are_remote
    protocols_of_others_are_refused
    what_is_no_url_is_refused
    a_fragment_that_contradicts_itself_is_refused
    types_have_npms_names
    names_that_were_ever_allowed_are
    names_that_could_be_paths_are_not
    a_spec_owns_its_texts
    lack_of_memory_is_told
    a_refusal_is_one_printable_line
    too_long_a_refusal_is_cut)
weir_test(deps_pick
    a_version_is_that_or_none
    a_tag_is_its_version_or_none
    a_range_gets_latest_if_it_has_it
    a_range_gets_its_highest
    another_tag_may_be_the_default
    versions_that_are_none_are_skipped
    deprecated_ones_come_last
    engines_that_accept_come_first
    what_engines_cannot_be_read_does_not_accept
    without_a_node_engines_do_not_count
    a_package_without_versions_says_so
    searching_finds_what_looking_finds
    lack_of_memory_is_told
    choosing_allocates_nothing)

# Not tests of their own: what against_npm.sh asks, and fuzzers.
add_executable(deps_semver_tool deps/semver_tool.c)
add_executable(fuzz_semver fuzz/fuzz_semver.c)
add_executable(fuzz_spec fuzz/fuzz_spec.c)
foreach(program deps_semver_tool fuzz_semver fuzz_spec)
    target_include_directories(${program}
        PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${program}
        PRIVATE weir_static weir_settings Threads::Threads)
endforeach()
foreach(program test_deps_semver test_deps_spec test_deps_pick
        deps_semver_tool fuzz_semver fuzz_spec)
    target_link_libraries(${program} PRIVATE weir_deps)
endforeach()

# The same seed each time. By hand: against_npm.sh TOOL SEED ROUNDS.
weir_script(deps.against_npm deps/against_npm.sh
    $<TARGET_FILE:deps_semver_tool> 1 4)
foreach(what semver spec)
    add_test(NAME deps.fuzz.${what} COMMAND fuzz_${what} 1)
    set_tests_properties(deps.fuzz.${what} PROPERTIES TIMEOUT 120)
endforeach()
