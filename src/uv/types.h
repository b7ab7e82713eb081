// SPDX-License-Identifier: MIT
// The data of the adapter: one struct, used by the uv loop's thread alone.
#ifndef WR_UV_TYPES_H
#define WR_UV_TYPES_H

#include "weir/uv.h"

#include <stdbool.h>

// ATTACHED --detach--> CLOSING --the drain that finds nothing--> CLOSED, freed
typedef enum wr_uv_state {
    WR_UV_ATTACHED,
    WR_UV_CLOSING, // the weir_loop is closing, calls may be pending
    WR_UV_CLOSED,  // nothing is pending, the handles are being closed
} wr_uv_state;

enum { WR_UV_HANDLES = 4 };

struct weir_uv {
    uv_loop_t *uv;
    weir_loop *loop;
    weir_pool *pool;
    bool own_pool; // made by attach, destroyed with this

    wr_uv_state state;
    void (*detached)(void *context);
    void *context;

    // Only `poll` is ever referenced, and so keeps uv_run going: while calls
    // are pending, and from detach until it is closed.
    uv_poll_t poll;       // the loop's descriptor: calls have ended
    uv_prepare_t prepare; // looks, just before uv would sleep
    uv_idle_t idle;       // active: uv does not sleep, prepare looks again
    uv_timer_t timer;     // the next deadline
    int64_t due_ns;       // what the timer was last set for; WEIR_FOREVER: none
    unsigned open;        // handles not closed yet
};

#endif // WR_UV_TYPES_H
