# SPDX-License-Identifier: MIT
# examples/http_server.c, where its libraries are: libuv (through weir_uv), the
# parser and zlib. bench/http.sh runs it too.
find_path(WEIR_HTTP_PARSER_INCLUDE http_parser.h)
find_library(WEIR_HTTP_PARSER http_parser)
find_package(ZLIB QUIET)
if(NOT TARGET weir_uv_static OR NOT WEIR_HTTP_PARSER OR
    NOT WEIR_HTTP_PARSER_INCLUDE OR NOT ZLIB_FOUND)
    message(STATUS "no libuv, http_parser or zlib: no examples/http_server.c")
    return()
endif()

add_executable(http_server ${PROJECT_SOURCE_DIR}/examples/http_server.c
    ${PROJECT_SOURCE_DIR}/examples/http_work.c)
target_include_directories(http_server
    SYSTEM PRIVATE ${WEIR_HTTP_PARSER_INCLUDE})
target_link_libraries(http_server PRIVATE weir_uv_static weir_settings
    ZLIB::ZLIB ${WEIR_HTTP_PARSER} Threads::Threads)
add_dependencies(bench http_server)

weir_test(http
    answers_are_right
    requests_come_one_after_the_other
    half_a_connection_gets_its_answers
    bad_and_oversized_input_is_refused
    slow_clients_are_timed_out
    a_stop_answers_what_was_accepted
    a_second_stop_waits_for_nobody
    clients_that_vanish_lose_nothing
    a_stopped_pool_is_a_503
    too_much_work_is_a_503
    connections_over_the_limit_wait
    a_full_descriptor_table_is_survived
    any_input_is_survived)
target_compile_definitions(test_http
    PRIVATE HTTP_SERVER="$<TARGET_FILE:http_server>")
target_link_libraries(test_http PRIVATE ZLIB::ZLIB)
add_dependencies(test_http http_server)
