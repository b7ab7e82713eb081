# SPDX-License-Identifier: MIT
weir_test(graph_memory
    c2_a_task_stays_where_it_is
    memory_is_used_again
    ids_are_never_mistaken
    a_reset_makes_no_handle_good_again)
