# SPDX-License-Identifier: MIT
# What the pages say is so. Looks at the tree alone, so once is enough.
if(NOT WEIR_SANITIZE)
    weir_script(docs.readme readme.sh ${PROJECT_SOURCE_DIR})
    weir_script(docs.man_code man_code.sh
        ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})
    weir_script(docs.coverage coverage.sh
        ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
    weir_script(docs.selftest docs_selftest.sh
        ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER})
endif()
