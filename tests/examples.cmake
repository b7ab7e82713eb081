# SPDX-License-Identifier: MIT
# The examples that are built here and whose comment says what they print. All
# of examples/*.c are also built, and run, from an installed copy: install.sh.
find_package(PkgConfig QUIET)

# weir_example(name package...): examples/<name>.c with these pkg-config
# packages; left out where one is not there. weir-uv is our own.
function(weir_example name)
    set(libraries weir_static weir_settings Threads::Threads)
    foreach(package ${ARGN})
        if(package STREQUAL weir-uv)
            set(target weir_uv_static)
        else()
            set(target PkgConfig::EXAMPLE_${package})
            if(PkgConfig_FOUND)
                pkg_check_modules(EXAMPLE_${package} QUIET IMPORTED_TARGET
                    ${package})
            endif()
        endif()
        if(NOT TARGET ${target})
            message(STATUS "no ${package}: no example ${name}")
            return()
        endif()
        list(APPEND libraries ${target})
    endforeach()
    add_executable(example_${name} ${PROJECT_SOURCE_DIR}/examples/${name}.c)
    target_link_libraries(example_${name} PRIVATE ${libraries})
    weir_script(example.${name} example.sh
        ${PROJECT_SOURCE_DIR}/examples/${name}.c
        $<TARGET_FILE:example_${name}>)
endfunction()

weir_example(cache_loop)
weir_example(frontier_include)
weir_example(frontier_loop)
weir_example(graph_bands)
weir_example(graph_failure)
weir_example(graph_heap)
weir_example(graph_picture)
weir_example(graph_procs)
weir_example(loop_epoll)
weir_example(loop_glib glib-2.0)
weir_example(loop_libevent libevent)
weir_example(loop_metrics)
weir_example(loop_scopes)
weir_example(loop_stream)
weir_example(loop_uv weir-uv)
weir_example(parallel)
weir_example(sort)
