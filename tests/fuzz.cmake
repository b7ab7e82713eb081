# SPDX-License-Identifier: MIT
# Fuzzers that no room's own list has, and what all of them have in common: the
# inputs in fuzz/corpus, and libFuzzer where it was asked for (tools/fuzz.sh).
# After all rooms: it looks at what is there.
option(WEIR_LIBFUZZER "Link fuzzers with libFuzzer (clang)" OFF)

# weir_fuzz(name room library...): the program fuzz/fuzz_<name>.c, run with the
# same seed each time; `make fuzz` takes fresh ones. What reads bytes on one
# thread tells ThreadSanitizer nothing.
function(weir_fuzz name room)
    add_executable(fuzz_${name} fuzz/fuzz_${name}.c)
    target_include_directories(fuzz_${name}
        PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(fuzz_${name} PRIVATE ${ARGN}
        weir_static weir_settings Threads::Threads)
    if(WEIR_SANITIZE MATCHES thread)
        return()
    endif()
    add_test(NAME ${room}.fuzz.${name} COMMAND fuzz_${name} 1 2)
    set_tests_properties(${room}.fuzz.${name} PROPERTIES TIMEOUT 120)
endfunction()

if(WEIR_OS STREQUAL "linux")
    weir_fuzz(cgroup os)
    weir_fuzz(mailbox graph)
    weir_fuzz(zygote graph)
    # Its processes are pretended.
    foreach(name fork kill waitpid wr_process_alone wr_process_watch
            wr_process_kill wr_process_reap wr_shared_wake wr_shared_free
            wr_keeper_main)
        target_link_options(fuzz_zygote PRIVATE -Wl,--wrap=${name})
    endforeach()
endif()
weir_fuzz(timeline observe)
if(TARGET weir_nn)
    weir_fuzz(npy nn weir_programs)
endif()

if(TARGET weir_nn AND TARGET weir_serve AND TARGET weir_deps
        AND TARGET weir_tiles)
    weir_fuzz(command programs weir_programs)
    # What a command line asks for is not done.
    target_link_options(fuzz_command PRIVATE -Wl,--wrap=wr_tiles_job
        -Wl,--wrap=wr_deps_fetch -Wl,--wrap=wr_server_run)
endif()
if(TARGET weir_serve)
    weir_fuzz(http serve)
    target_compile_definitions(fuzz_http
        PRIVATE WEIR_PROGRAM="$<TARGET_FILE:weir_program>")
    add_dependencies(fuzz_http weir_program)
endif()
if(TARGET weir_serve AND TARGET weir_deps)
    weir_fuzz(quote programs weir_serve weir_deps)
endif()
if(TARGET weir_tiles)
    weir_fuzz(tiles_file tiles weir_tiles)
endif()
if(TARGET weir_deps)
    weir_fuzz(inflate deps weir_deps PkgConfig::WEIR_TEST_DEFLATE)
    weir_fuzz(store deps weir_deps)
    weir_fuzz(glob deps weir_deps)
    weir_fuzz(web deps weir_deps)
    # Its headers alone, as there.
    target_include_directories(fuzz_web SYSTEM PRIVATE
        $<TARGET_PROPERTY:PkgConfig::WEIR_CURL,INTERFACE_INCLUDE_DIRECTORIES>)
endif()

get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER targets INCLUDE REGEX "^fuzz_")
get_property(tests DIRECTORY PROPERTY TESTS)
list(FILTER tests INCLUDE REGEX "fuzz")
foreach(test ${tests})
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
        WEIR_FUZZ_CORPUS=${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus)
endforeach()
# Its own main comes instead of ours.
foreach(target ${targets})
    if(WEIR_LIBFUZZER)
        target_compile_definitions(${target} PRIVATE main=fuzz_main_of_its_own)
        target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endif()
endforeach()
