# SPDX-License-Identifier: MIT
# The HTTP client, against a server that plays scripts.
add_library(test_scripted STATIC deps/scripted.c)
target_include_directories(test_scripted
    PUBLIC ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(test_scripted PRIVATE weir_settings Threads::Threads)
weir_test(deps_web
    a_request_says_what_was_asked_for
    a_value_that_would_be_two_headers_is_refused
    an_answer_comes_whole
    a_validator_that_is_no_text_is_none
    bytes_may_come_one_by_one
    a_body_may_come_in_chunks
    a_body_may_end_with_the_connection
    a_body_may_be_empty
    interim_answers_are_passed_over
    other_answers_are_answers
    cache_control_is_read
    retry_after_is_read
    marks_too_long_to_keep_are_none
    large_bodies_arrive
    what_is_allowed_exactly_is_allowed
    connections_are_kept
    connections_to_a_host_are_bounded
    a_connection_closed_meanwhile_is_replaced
    a_request_that_a_kept_connection_loses_is_sent_again
    a_proxy_is_asked_where_one_is_set
    the_environments_proxies_come_after_npms
    a_handle_changes_its_proxy_with_the_scheme)
weir_test(deps_web_faults
    a_truncated_body_is_transient
    a_truncation_is_told_in_bytes
    a_reset_is_transient
    headers_cut_off_are_no_answer
    a_refused_connection_is_transient
    a_name_that_does_not_exist_is_told
    an_answer_that_does_not_come_times_out
    a_body_that_stalls_times_out
    a_body_that_never_ends_times_out
    what_timed_out_gives_its_place_up
    what_is_no_http_is_refused
    headers_without_an_end_are_refused
    surplus_bytes_are_not_the_next_answer
    a_gigantic_body_is_refused_by_its_word
    a_gigantic_body_is_refused_by_its_bytes
    what_nobody_wants_is_not_read_to_its_end
    urls_that_cannot_be_fetched_are_refused
    secrets_of_a_url_are_not_told
    redirects_are_followed
    a_redirect_loop_ends
    a_token_goes_to_its_own_place_alone
    a_proxys_refusal_is_told_as_its_own)
weir_test(deps_web_use
    requests_come_from_any_thread
    cancels_race_to_one_outcome
    what_is_under_way_is_cancelled
    what_waits_is_cancelled
    a_cancel_right_behind_the_start_counts
    a_cancel_of_what_is_over_changes_nothing
    done_may_start_it_again
    done_may_start_and_cancel
    an_idle_loop_sleeps_for_good
    a_burst_wakes_the_loop_once
    a_stop_before_the_run_counts
    calls_of_its_loop_are_delivered
    descriptors_are_watched
    a_cafile_that_cannot_be_read_is_told_at_once
    lack_of_memory_at_any_place_is_told
    lack_of_descriptors_is_told)
weir_test(deps_web_names
    a_name_is_looked_up_once
    a_name_that_does_not_exist_fails_each
    a_look_up_is_cancelled_without_waiting
    a_look_up_that_never_ends_times_out)
target_link_libraries(test_deps_web_names PRIVATE ${CMAKE_DL_LIBS})
set(programs deps_web deps_web_faults deps_web_use deps_web_names)
pkg_check_modules(TEST_TLS QUIET IMPORTED_TARGET libssl libcrypto)
if(TEST_TLS_FOUND)
    weir_test(deps_web_tls
        a_good_certificate_is_trusted
        the_files_word_counts_more_than_the_text
        an_unknown_authority_is_refused
        an_expired_certificate_is_refused
        a_self_signed_certificate_is_refused
        another_hosts_certificate_is_refused
        without_strict_ssl_all_of_them_will_do
        what_speaks_no_tls_is_told
        a_handshake_cut_off_is_transient
        a_body_cut_off_under_tls_is_no_end
        a_token_never_goes_in_the_clear_once_it_was_not
        connections_are_kept_under_tls
        a_peer_that_is_gone_kills_nobody)
    target_sources(test_deps_web_tls PRIVATE deps/scripted_tls.c)
    target_link_libraries(test_deps_web_tls PRIVATE PkgConfig::TEST_TLS)
    list(APPEND programs deps_web_tls)
else()
    message(STATUS "deps_web_tls left out: no libssl")
endif()
foreach(program ${programs})
    target_link_libraries(test_${program} PRIVATE weir_deps test_scripted)
    # Settings by hand: see deps/fetching.h.
    target_link_options(test_${program} PRIVATE
        -Wl,--wrap=wr_npmrc_settings -Wl,--wrap=wr_npmrc_authorization)
endforeach()
target_link_options(test_deps_web_use PRIVATE
    -Wl,--wrap=epoll_wait -Wl,--wrap=wr_wakefd_signal)
