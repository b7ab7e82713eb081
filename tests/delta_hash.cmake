# SPDX-License-Identifier: MIT
# The hash and scan kernels of `weir delta`, compiled into their test.
include(${PROJECT_SOURCE_DIR}/src/programs/delta/kernels.cmake)
weir_test(delta_hash
    kernels_are_found_by_name
    md4_has_the_sums_of_the_rfc
    md4_pads_as_others_do
    blake2b_has_the_known_sums
    strong_sums_equal_the_portable_ones
    weak_sums_equal_the_definition
    weak_sums_equal_those_of_librsync
    rolling_equals_summing_anew
    filter_knows_exactly_what_was_added
    scan_finds_every_known_sum_and_no_other
    scan_works_at_every_alignment
    scan_of_a_tail_finds_every_known_sum
    scan_finds_sums_among_many)
target_sources(test_delta_hash PRIVATE ${WEIR_DELTA_KERNELS})
