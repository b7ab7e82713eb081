# SPDX-License-Identifier: MIT
# `weir deps`, where it is built.
if(NOT TARGET weir_deps)
    return()
endif()
file(GLOB parts CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
    deps_*.cmake)
foreach(part ${parts})
    include(${part})
endforeach()
