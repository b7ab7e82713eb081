// SPDX-License-Identifier: MIT
// Closing a loop: what ends now, and the notice that all has.
#include "loop/internal.h"

// Ends what has not started. Nothing is accepted or delivered meanwhile (the
// loop's thread is here), so the ring of calls stays as it is even where
// wr_call_end lets the lock go. _locked.
static void end_all(weir_loop *loop, bool tell) {
    for (uint64_t i = loop->counts.pending; i > 0; i--) {
        wr_link *link = wr_list_pop_front(&loop->calls);
        wr_list_push_back(&loop->calls, link);
        (void)wr_call_end(wr_container_of(link, wr_call, all), -ESHUTDOWN,
                          tell);
    }
}

int weir_loop_close(weir_loop *loop, weir_stop_mode mode,
                    void (*closed)(weir_loop *loop, void *context),
                    void *context) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_loop_check_thread(loop);
    if (mode < WEIR_STOP_DRAIN || mode > WEIR_STOP_ABORT)
        return -EINVAL;
    if (loop->close_over)
        return -EALREADY;
    wr_mutex_lock(&loop->lock);
    if (!loop->closing) {
        loop->closed = closed;
        loop->closed_context = context;
    }
    if (!loop->closing || mode > loop->mode)
        loop->mode = mode;
    loop->closing = true;
    if (loop->mode != WEIR_STOP_DRAIN)
        end_all(loop, false);
    // Told only when nothing is queued any more: one that gives up makes room.
    if (loop->mode == WEIR_STOP_ABORT)
        end_all(loop, true);
    // A drain must come and say that it is closed.
    if (loop->counts.pending == 0)
        wr_loop_wake(loop);
    wr_mutex_unlock(&loop->lock);
    wr_loop_hold(loop, true);
    wr_determ_point();
    return 0;
}
