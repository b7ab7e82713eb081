# SPDX-License-Identifier: MIT
# Sets WEIR_DELTA_KERNELS: the sources of the hash kernels for this processor.
set(WEIR_DELTA_KERNELS
    ${CMAKE_CURRENT_LIST_DIR}/blake2b.c
    ${CMAKE_CURRENT_LIST_DIR}/filter.c
    ${CMAKE_CURRENT_LIST_DIR}/hash.c
    ${CMAKE_CURRENT_LIST_DIR}/md4.c
    ${CMAKE_CURRENT_LIST_DIR}/rolling.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND WEIR_DELTA_KERNELS
        ${CMAKE_CURRENT_LIST_DIR}/hash_avx2.c
        ${CMAKE_CURRENT_LIST_DIR}/hash_avx512.c
        ${CMAKE_CURRENT_LIST_DIR}/hash_x86.c
        ${CMAKE_CURRENT_LIST_DIR}/scan_avx2.c)
else()
    list(APPEND WEIR_DELTA_KERNELS ${CMAKE_CURRENT_LIST_DIR}/hash_noisa.c)
endif()
