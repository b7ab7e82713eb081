# SPDX-License-Identifier: MIT
# The registry that the other tests of `weir deps` stand on.
if(NOT TARGET deps_registry)
    return()
endif()
weir_script(deps.registry deps/registry.sh $<TARGET_FILE:deps_registry>)
