# SPDX-License-Identifier: MIT
# The cache on disk.
weir_test(deps_store
    what_was_put_is_found
    times_and_texts_come_back
    images_may_be_empty_and_large
    texts_have_a_limit
    the_newest_of_a_key_is_found
    flush_makes_it_there_for_others
    who_only_reads_leaves_no_trace
    renewing_changes_times_alone
    a_renewal_is_of_the_image_it_was_for
    what_comes_from_the_future_is_old
    an_image_of_another_build_is_not_there
    any_thread_may_put_and_get
    small_segments_are_put_together
    what_is_superseded_is_given_back
    the_cap_holds_and_the_newest_stay
    a_segment_under_way_is_left_alone
    what_was_got_outlives_the_tidying
    what_a_killed_tidying_left_is_removed)
weir_test(deps_store_harm
    no_flipped_byte_of_an_index_misleads
    no_flipped_byte_of_the_images_misleads
    an_index_may_be_cut_anywhere
    images_may_be_cut_anywhere
    holes_are_no_records
    garbage_is_no_cache
    files_of_other_kinds_are_left_out
    killed_at_any_moment_it_holds_whole_records
    a_full_disk_ends_the_writing_alone
    a_read_only_folder_is_read
    running_out_of_memory_costs_records_alone
    the_folder_is_made_and_private
    a_folder_that_others_write_to_is_refused)
foreach(program deps_store deps_store_harm)
    target_link_libraries(test_${program} PRIVATE weir_deps)
    # Any bytes are an image there: see support/deps_store.h.
    target_link_options(test_${program} PRIVATE -Wl,--wrap=wr_doc_check)
endforeach()
