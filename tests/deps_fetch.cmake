# SPDX-License-Identifier: MIT
# `weir deps fetch` from end to end, on the loopback registry.
if(NOT TARGET deps_registry OR NOT TARGET weir_deps)
    return()
endif()
foreach(case identical faults_that_pass faults_that_stay chains semantics
        workspaces tokens count killed at_once interrupted command_line)
    weir_script(deps.fetch.${case} deps/fetch.sh ${case}
        "$<TARGET_FILE:weir_program> deps" $<TARGET_FILE:deps_registry>
        ${PROJECT_SOURCE_DIR}/bench/registry/walk.mjs)
endforeach()
