# SPDX-License-Identifier: MIT
# The task graph and processes: each part registers its own.
file(GLOB graph_parts CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/graph_*.cmake)
foreach(part ${graph_parts})
    include(${part})
endforeach()
