# SPDX-License-Identifier: MIT
# Programs under the model checker (tests/model/model.h). It stands in for the
# instructions and the libraries that a sanitizer would need, so it is built
# where no sanitizer is on; and once, because what it finds does not depend on
# how the rest is compiled.
if(WEIR_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL Debug)
    set(no_models "models run once: in the release preset")
elseif(NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR
        NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" OR
        NOT CMAKE_C_COMPILER_ID MATCHES "^(GNU|Clang)$")
    set(no_models "models need gcc or clang on x86-64 Linux")
endif()
if(no_models)
    add_test(NAME model.skipped
        COMMAND sh -c "echo 'skipped: ${no_models}'; exit 77")
    set_tests_properties(model.skipped PROPERTIES SKIP_RETURN_CODE 77)
    return()
endif()

set(model_folder ${CMAKE_CURRENT_SOURCE_DIR}/model)

# The checker itself. Not instrumented.
file(GLOB checker_sources CONFIGURE_DEPENDS ${model_folder}/*.c)
list(FILTER checker_sources EXCLUDE REGEX "/(os|everything)\\.c$")
add_library(model_checker STATIC ${checker_sources})
target_compile_options(model_checker PRIVATE
    -O2 -g -UNDEBUG -fno-pie -fno-strict-aliasing
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_include_directories(model_checker PRIVATE
    ${model_folder}/shim ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(model_checker PRIVATE weir_settings)

# What is checked: every plain access calls the checker, which stands where
# the sanitizer's library would; base/atomic.h is the checker's.
add_library(model_flags INTERFACE)
target_compile_definitions(model_flags INTERFACE WR_MODEL)
target_compile_options(model_flags INTERFACE
    -O1 -fsanitize=thread -fno-builtin -fno-strict-aliasing
    -fno-omit-frame-pointer -fno-pie -g -UNDEBUG
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
    "SHELL:-include model/rename.h")
target_include_directories(model_flags INTERFACE
    ${model_folder}/shim ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
# After the warnings that they take back. The value of a wr_fetch_add is a cast
# there, used or not; a case of a model names what it needs.
add_library(model_quiet INTERFACE)
target_compile_options(model_quiet INTERFACE
    -Wno-unused-value -Wno-missing-field-initializers)
target_link_libraries(model_flags INTERFACE weir_settings model_quiet)

add_library(model_os STATIC model/os.c
    ${PROJECT_SOURCE_DIR}/src/os/fiber_none.c
    ${PROJECT_SOURCE_DIR}/src/os/process_none.c)
target_link_libraries(model_os PRIVATE model_flags)

# model_<room> for each room: as CMake builds it, but without failures on
# demand, and without check.c, in whose place the checker has a report.
set(model_rooms)
get_target_property(model_sources weir_objects SOURCES)
foreach(room base pool parallel stream loop cache frontier graph observe)
    set(sources ${model_sources})
    list(FILTER sources INCLUDE REGEX "^${PROJECT_SOURCE_DIR}/src/${room}/")
    list(TRANSFORM sources REPLACE "/fault_on\\.c$" "/fault_off.c")
    list(FILTER sources EXCLUDE REGEX "/src/base/check\\.c$")
    if(sources)
        add_library(model_${room} STATIC ${sources})
        target_link_libraries(model_${room} PRIVATE model_flags)
        list(APPEND model_rooms ${room})
    endif()
endforeach()

# weir_model(name [ROOMS room...] [SOURCES file...] [DEFINES word...]
#     CASES case...): the program model/models/<name>.c or
# model/litmus/<name>.c over those rooms (base is always there) and other
# sources of the tree, each case its own ctest entry. One more entry fails when
# the program has a case not listed. DEFINES are for the program's own file and
# SOURCES, not for rooms.
function(weir_model name)
    cmake_parse_arguments(arg "" "" "ROOMS;SOURCES;DEFINES;CASES" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_CASES)
        message(FATAL_ERROR "weir_model(${name}): CASES are missing, or not "
            "known: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    set(source ${model_folder}/models/${name}.c)
    if(NOT EXISTS ${source})
        set(source ${model_folder}/litmus/${name}.c)
    endif()
    list(TRANSFORM arg_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
    add_executable(model_${name} ${source} ${arg_SOURCES})
    target_compile_definitions(model_${name} PRIVATE ${arg_DEFINES})
    set(libraries ${arg_ROOMS})
    list(APPEND libraries base os checker)
    list(REMOVE_DUPLICATES libraries)
    list(TRANSFORM libraries PREPEND model_)
    weir_model_link(model_${name} ${libraries})
    foreach(case ${arg_CASES})
        add_test(NAME model.${name}.${case} COMMAND model_${name} ${case})
        set_tests_properties(model.${name}.${case} PROPERTIES
            TIMEOUT 300 LABELS model)
    endforeach()
    add_test(NAME model.cases.${name}
        COMMAND model_${name} --expect ${arg_CASES})
    set_property(GLOBAL APPEND PROPERTY WEIR_MODELS model_${name})
endfunction()

# The rooms call each other and the checker in circles, so that they are one
# group. No sanitizer's library: the checker is that. It restores the program's
# statics, so that no call may be bound late; and some compilers copy structs by
# calling memcpy.
function(weir_model_link target)
    target_include_directories(${target} BEFORE PRIVATE ${model_folder}/shim)
    target_link_libraries(${target} PRIVATE model_flags)
    target_link_options(${target} PRIVATE -no-pie -Wl,-z,now
        -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset)
    target_link_libraries(${target} PRIVATE
        -Wl,--start-group ${ARGN} -Wl,--end-group Threads::Threads)
endfunction()

# Every atomic operation of the rooms and programs, whether or not a model
# reaches it. It runs nothing, and what it would need to do so is left out.
set(everything ${model_rooms})
list(TRANSFORM everything PREPEND model_)
add_executable(model_everything
    model/everything.c ${PROJECT_SOURCE_DIR}/src/os/mutex.c)
foreach(part nn deps)
    if(TARGET weir_${part})
        file(GLOB sources CONFIGURE_DEPENDS
            ${PROJECT_SOURCE_DIR}/src/programs/${part}/*.c)
        foreach(source ${sources})
            file(STRINGS ${source} atomics
                REGEX "wr_(load|store|exchange|fetch_|compare_)")
            if(atomics)
                target_sources(model_everything PRIVATE ${source})
            endif()
        endforeach()
        target_include_directories(model_everything
            PRIVATE $<TARGET_PROPERTY:weir_${part},INCLUDE_DIRECTORIES>)
    endif()
endforeach()
target_compile_definitions(model_everything PRIVATE WR_MODEL_REAL_LOCK)
target_link_options(model_everything PRIVATE
    -Wl,--unresolved-symbols=ignore-all)
weir_model_link(model_everything
    -Wl,--whole-archive ${everything} -Wl,--no-whole-archive
    model_os model_checker)

weir_model(os_seam CASES
    what_a_signal_is_about_is_seen
    poll_alone_shows_nothing
    who_clears_too_early_waits_for_ever
    a_lock_excludes
    a_lock_that_is_held_is_not_destroyed
    time_passes_to_the_deadline
    no_wake_up_is_lost
    memory_is_zeroed_and_counted
    pages_that_are_kept_are_a_leak
    threads_run_out
    statics_are_as_new)

# model_<what>.cmake: the programs, and the tests of the checker.
file(GLOB model_lists CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/model_*.cmake)
foreach(list ${model_lists})
    include(${list})
endforeach()

# Every memory order that a model executes, weakened: what notices?
# `make mutants` tries those too that model/survivors.txt explains.
get_property(model_programs GLOBAL PROPERTY WEIR_MODELS)
list(TRANSFORM model_programs REPLACE "(.+)" "$<TARGET_FILE:\\1>"
    OUTPUT_VARIABLE model_files)
set(model_visits MODEL_VISITS=${CMAKE_CURRENT_BINARY_DIR}/model_visits)
add_custom_target(model_mutants COMMAND ${CMAKE_COMMAND} -E env ${model_visits}
    ${model_folder}/mutants.sh
    ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR}/model_mutants
    $<TARGET_FILE:model_everything> ${model_files}
    USES_TERMINAL VERBATIM)
add_dependencies(model_mutants model_everything ${model_programs})

# The same in pieces, as tests. The first finds out which case visits what.
function(weir_model_orders piece)
    add_test(NAME model.orders.${piece} COMMAND ${model_folder}/mutants.sh
        ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR}/model_orders_${piece}
        $<TARGET_FILE:model_everything> ${model_files})
    set_tests_properties(model.orders.${piece} PROPERTIES
        TIMEOUT 900 LABELS model PROCESSORS 2
        ENVIRONMENT "${model_visits};${ARGN}")
    set_tests_properties(model.orders.${piece} PROPERTIES
        FIXTURES_REQUIRED model_visits)
endfunction()
weir_model_orders(visits MODEL_STEP=visits)
set_tests_properties(model.orders.visits PROPERTIES
    FIXTURES_SETUP model_visits FIXTURES_REQUIRED "")
weir_model_orders(graph MODEL_ONLY=^src/graph/)
weir_model_orders(pool MODEL_ONLY=^src/pool/)
weir_model_orders(rest "MODEL_ONLY=^src/([^gp]|p[^o])")
