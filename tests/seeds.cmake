# SPDX-License-Identifier: MIT
# Each room under many seeds; `make replay CASE=... SEED=...` shows one again.
foreach(room pool parallel stream loop cache frontier graph)
    weir_test(seeds_${room} all)
    set(smaller 1)
    if(WEIR_SANITIZE)
        set(smaller 5)
    endif()
    target_compile_definitions(test_seeds_${room}
        PRIVATE TEST_SMALLER=${smaller})
endforeach()
