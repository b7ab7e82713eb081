# SPDX-License-Identifier: MIT
# Registry documents, manifests, projects.
find_package(PkgConfig REQUIRED)
pkg_check_modules(WEIR_TEST_DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(WEIR_TEST_JSON REQUIRED IMPORTED_TARGET jansson)
weir_test(deps_doc
    a_document_is_cut_into_its_versions
    versions_are_highest_first
    keys_that_are_no_versions_come_last
    a_version_is_found_by_its_key
    tags_are_found
    deprecated_is_what_javascript_calls_true
    engines_are_found_however_they_are_written
    what_no_resolve_needs_is_gone
    what_is_kept_is_as_it_was_written
    of_a_key_that_is_there_twice_the_last_holds
    escapes_mean_what_they_say
    a_document_without_versions_has_none
    what_is_no_document_is_refused
    what_is_no_json_is_refused_with_its_place
    a_document_cut_anywhere_is_refused
    nesting_has_a_limit
    size_has_a_limit
    an_image_may_lie_anywhere
    an_image_that_was_changed_is_refused_or_harmless
    running_out_of_memory_is_told_and_leaves_nothing
    gzip_is_inflated
    gzip_of_several_members_is_one_text
    damaged_gzip_is_refused
    what_inflates_to_too_much_is_refused
    a_lie_about_the_size_costs_little)
weir_test(deps_manifest
    a_package_needs_what_npm_says
    a_later_kind_of_edge_replaces_an_earlier
    only_a_top_has_dev_dependencies
    peers_may_be_left_out
    a_peer_may_be_optional
    bundled_packages_are_no_edges
    bundled_packages_may_be_written_in_many_ways
    integrity_is_made_of_a_shasum
    a_shrinkwrap_is_noticed
    a_byte_order_mark_is_skipped
    of_a_key_that_is_there_twice_the_last_holds
    what_json_parse_takes_is_taken
    what_is_no_json_is_refused_with_its_place
    fields_of_the_wrong_type_are_refused_where_npm_fails
    fields_of_the_wrong_type_are_nothing_where_npm_goes_on
    overrides_of_one_level_are_read
    a_reference_is_a_direct_dependency
    other_shapes_of_overrides_are_named
    a_direct_dependency_cannot_be_overridden
    an_override_is_for_the_ranges_it_meets
    workspaces_are_patterns
    texts_outlive_the_json
    running_out_of_memory_is_told_and_leaves_nothing)
target_link_libraries(test_deps_manifest PRIVATE PkgConfig::WEIR_TEST_JSON)
weir_test(deps_project
    a_project_is_its_package_json
    workspaces_are_found
    patterns_name_folders
    a_workspace_may_be_elsewhere
    folders_that_begin_with_a_dot_are_left_out
    node_modules_is_never_entered
    negated_patterns_leave_out
    a_later_pattern_wins
    many_two_stars_look_into_a_folder_once
    links_are_followed_by_two_stars_once
    a_folder_without_package_json_is_no_workspace
    a_workspace_is_an_edge_of_the_root
    a_workspace_without_a_name_is_called_by_its_folder
    two_workspaces_of_one_name_are_refused
    an_override_of_a_workspace_is_refused
    a_workspaces_own_overrides_do_not_count
    what_is_wrong_names_its_file
    what_is_no_file_is_not_waited_for
    patterns_that_are_not_read_are_named
    running_out_of_memory_is_told_and_leaves_nothing)
target_link_libraries(test_deps_doc PRIVATE PkgConfig::WEIR_TEST_DEFLATE)
foreach(program test_deps_doc test_deps_manifest test_deps_project)
    target_link_libraries(${program} PRIVATE weir_deps)
endforeach()

# The same seed each time; `make fuzz` takes fresh ones.
foreach(part doc manifest)
    add_executable(fuzz_${part} fuzz/fuzz_${part}.c)
    target_include_directories(fuzz_${part}
        PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(fuzz_${part} PRIVATE
        weir_deps weir_static weir_settings Threads::Threads)
    add_test(NAME deps.fuzz.${part} COMMAND fuzz_${part} 1)
    set_tests_properties(deps.fuzz.${part} PROPERTIES TIMEOUT 120)
endforeach()

# What JSON.parse, arborist and npm's globs make of the same bytes.
add_executable(deps_told deps/told.c)
target_include_directories(deps_told PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(deps_told PRIVATE
    weir_deps weir_static weir_settings Threads::Threads)
foreach(part json_against_node manifest_against_npm globs_against_npm)
    weir_script(deps.${part} deps/${part}.sh $<TARGET_FILE:deps_told> 1)
endforeach()
