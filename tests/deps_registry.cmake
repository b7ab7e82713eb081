# SPDX-License-Identifier: MIT
# The registry that the other tests of `weir deps` stand on.
if(NOT TARGET deps_registry)
    return()
endif()
weir_script(deps.registry deps/registry.sh $<TARGET_FILE:deps_registry>)
if(TARGET weir_program)
    set(graph ui)
    if(WEIR_SANITIZE)
        set(graph small)
    endif()
    weir_script(deps.graph deps/graph.sh $<TARGET_FILE:weir_program>
        $<TARGET_FILE:deps_registry>
        ${PROJECT_SOURCE_DIR}/bench/registry/walk.mjs ${graph})
endif()
