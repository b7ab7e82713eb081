# SPDX-License-Identifier: MIT
# Each mutant names text of the sources: is it still there?
if(NOT WEIR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    weir_script(mutants.text mutants/run.sh --text ${PROJECT_SOURCE_DIR}
        ${CMAKE_CURRENT_BINARY_DIR}/mutants_text)
endif()

# The laws broken on purpose, room by room (mutants/README.md). Most of them
# once, where it is quick; where AddressSanitizer is, those that need it or
# failures on demand. With the builder that it knows, and where watch.c does.
set(option)
if(WEIR_SANITIZE MATCHES "address")
    set(option -a)
elseif(NOT WEIR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    set(option -p)
endif()
if(option AND CMAKE_GENERATOR STREQUAL Ninja AND
        CMAKE_SYSTEM_NAME STREQUAL Linux AND
        CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    if(option STREQUAL -p)
        weir_script(mutants.watch mutants/watch_selftest.sh
            ${CMAKE_C_COMPILER} ${CMAKE_CURRENT_BINARY_DIR}/mutants_watch)
    endif()
    foreach(room base os pool parallel stream loop cache frontier graph
            observe)
        weir_script(mutants.laws.${room} mutants/run.sh
            ${option} ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR}
            ${CMAKE_CURRENT_BINARY_DIR}/mutants_${room} ${room})
        set_tests_properties(mutants.laws.${room} PROPERTIES
            PROCESSORS 2 TIMEOUT 1200 ENVIRONMENT MUTANTS_JOBS=2)
    endforeach()
endif()
