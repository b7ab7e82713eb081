# SPDX-License-Identifier: MIT
# The checker for users: tools/model.sh, what it makes of <stdatomic.h>, and the
# example. Where the models are, and once for the same reasons (model.cmake).
if(WEIR_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL Debug OR
        NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR
        NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    return()
endif()

set(scratch ${CMAKE_CURRENT_BINARY_DIR}/model_user)
weir_script(model.user model/user/selftest.sh
    ${PROJECT_SOURCE_DIR} ${scratch} ${CMAKE_C_COMPILER})
weir_script(example.model.spsc_ring ../tools/model.sh
    ${PROJECT_SOURCE_DIR}/examples/model/spsc_ring.c)
# The checker that the first has built.
set_tests_properties(example.model.spsc_ring PROPERTIES DEPENDS model.user
    ENVIRONMENT "WEIR_MODEL_OUT=${scratch}/out;CC=${CMAKE_C_COMPILER}")
set_tests_properties(model.user example.model.spsc_ring PROPERTIES LABELS model)
