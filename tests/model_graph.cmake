# SPDX-License-Identifier: MIT
# Models of the task graph.
weir_model(graph_tasks ROOMS graph pool CASES
    a_task_sees_what_the_one_before_did
    two_workers_keep_the_order
    who_waits_for_a_task_sees_what_it_did
    a_cancel_ends_each_task_once
    a_slot_may_be_used_again
    a_failure_reaches_who_comes_after
    a_continuation_comes_after_its_task)

weir_model(graph_mail ROOMS graph pool CASES
    a_task_is_run_once_and_its_outcome_comes
    a_frame_is_used_again
    two_tasks_in_a_mailbox_are_run_once_each
    who_has_nothing_to_do_stops)
