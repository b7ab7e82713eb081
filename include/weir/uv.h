// SPDX-License-Identifier: MIT
// weir/uv.h: weir beside a libuv event loop. Its own library: libweir-uv.
//
//   weir_uv *weir;
//   int error = weir_uv_attach(&weir, uv_default_loop(), NULL);
//   weir_call_submit(weir_uv_loop(weir), weir_uv_pool(weir), &call);
//   uv_run(uv_default_loop(), UV_RUN_DEFAULT);
//
// Outcomes are delivered inside uv_run. The uv loop stays alive exactly while
// calls are pending (those submitted on its thread, or by a call that is
// pending; a call that some other thread submits counts from the moment the
// loop's thread next looks: keep the loop alive yourself until then).
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    the thread that runs the uv loop: the one that attached, or
//              another that has called weir_loop_own.
//   blocking   nothing blocks, except attach and the end of detach, which start
//              and join the threads of a pool of its own.
//   ownership  work requests are your memory, lent until after_work_cb.
//   errors     0 or a negative errno, which on Unix is a UV_E* of libuv's.
//   fork(2)    in a child process nothing is delivered: queue_work and cancel
//              return UV_ECHILD, detach gives the handles back at once.
#ifndef WEIR_UV_H
#define WEIR_UV_H

#include "weir/loop.h"

#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_uv weir_uv;

// Start from WEIR_UV_OPTIONS_INIT.
typedef struct weir_uv_options {
    size_t size;     // set by the initializer
    weir_pool *pool; // yours; default NULL: one of its own, which leaves the
                     // loop its core (WEIR_THREADS_BESIDE_LOOP) and is drained
                     // and destroyed by detach
    // Of the weir_loop; NULL: defaults. hold and hold_context are not used.
    const weir_loop_options *loop;
} weir_uv_options;

#define WEIR_UV_OPTIONS_INIT                                                   \
    { sizeof(weir_uv_options), NULL, NULL }

// weir_uv_attach makes a weir_loop that this uv loop drains.
// Errors: -EINVAL, -E2BIG, -ENOMEM, -EMFILE, -ENFILE, -EAGAIN (no thread for a
// pool of its own), and what libuv refuses with.
WEIR_API int weir_uv_attach(weir_uv **out, uv_loop_t *uv,
                            const weir_uv_options *options) WEIR_MUST_CHECK;

// weir_uv_loop and weir_uv_pool: any thread. The loop is closed and destroyed
// by detach: do not call weir_loop_close or weir_loop_destroy on it.
WEIR_API weir_loop *weir_uv_loop(weir_uv *weir);
WEIR_API weir_pool *weir_uv_pool(weir_uv *weir);

// weir_uv_detach closes it in the way of `mode`, see weir_loop_close: every
// accepted call is delivered by uv_run, then detached(context) is called, last,
// when the handles are closed and `weir` is freed; NULL is allowed. May be
// called again with a harder mode until then.
// Errors: -EINVAL (mode).
WEIR_API int weir_uv_detach(weir_uv *weir, weir_stop_mode mode,
                            void (*detached)(void *context), void *context);

// ---- uv_queue_work by another name -----------------------------------------

// As uv_work_t: data is yours, loop is the uv loop.
typedef struct weir_uv_work weir_uv_work;
typedef void (*weir_uv_work_cb)(weir_uv_work *work);
typedef void (*weir_uv_after_work_cb)(weir_uv_work *work, int status);
struct weir_uv_work {
    void *data;
    uv_loop_t *loop;
    weir_uv_work_cb work_cb;
    weir_uv_after_work_cb after_work_cb;
    weir_call call; // private
};

// weir_uv_queue_work is uv_queue_work with the adapter in place of the loop:
// work_cb runs on the pool, after_work_cb (may be NULL) on the loop's thread,
// with 0 or, if work_cb did not run, UV_ECANCELED. Unlike there, any thread may
// call it. The request needs no zeroing (so queueing one twice is not caught).
// weir_uv_queue_work_at also measures it at a site; NULL: not.
// Errors: -EINVAL (no work_cb), -ESHUTDOWN (it is detaching, or the pool is
// stopping), -ECHILD.
WEIR_API int weir_uv_queue_work(weir_uv *weir, weir_uv_work *work,
                                weir_uv_work_cb work_cb,
                                weir_uv_after_work_cb after_work_cb);
WEIR_API int weir_uv_queue_work_at(weir_uv *weir, weir_uv_work *work,
                                   const weir_site *site,
                                   weir_uv_work_cb work_cb,
                                   weir_uv_after_work_cb after_work_cb);

// weir_uv_cancel is uv_cancel: 0, then after_work_cb gets UV_ECANCELED, from
// the loop, soon; UV_EBUSY: it runs or has ended.
WEIR_API int weir_uv_cancel(weir_uv_work *work);

#ifdef __cplusplus
}
#endif
#endif // WEIR_UV_H
