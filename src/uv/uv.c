// SPDX-License-Identifier: MIT
// README.md beside this file tells why each handle is there.
#include "base/options.h"
#include "uv/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- looking ---------------------------------------------------------------

// In a forked child the descriptor is the parent's and would be readable for
// ever: this uv loop goes on without it.
static void stop_handles(weir_uv *weir) {
    uv_poll_stop(&weir->poll);
    uv_prepare_stop(&weir->prepare);
    uv_idle_stop(&weir->idle);
    uv_timer_stop(&weir->timer);
}

// on_idle does nothing: what counts is that uv does not sleep meanwhile.
static void on_idle(uv_idle_t *handle) { (void)handle; }

static void on_poll(uv_poll_t *handle, int status, int events) {
    weir_uv *weir = handle->data;
    (void)status, (void)events; // whatever it is, a drain is the answer
    // One drain in a round of the loop: if prepare delivered in this one, it
    // will look again in the next, after everybody else.
    if (!uv_is_active((uv_handle_t *)&weir->idle))
        (void)weir_loop_drain(weir->loop);
}

static void on_timer(uv_timer_t *handle) {
    weir_uv *weir = handle->data;
    weir->due_ns = WEIR_FOREVER;
    (void)weir_loop_drain(weir->loop);
}

static void arm_timer(weir_uv *weir) {
    int64_t due_ns = weir_loop_next_deadline(weir->loop);
    if (due_ns == weir->due_ns)
        return;
    weir->due_ns = due_ns;
    if (due_ns == WEIR_FOREVER) {
        uv_timer_stop(&weir->timer);
        return;
    }

    // uv counts whole milliseconds from a time that it read a while ago. Round
    // up, so that the deadline has passed when the timer fires.
    enum { MS = 1000000 };
    int64_t left_ns = due_ns - weir_now_ns();
    uint64_t at_ns = uv_hrtime() + (left_ns > 0 ? (uint64_t)left_ns : 0);
    uint64_t at_ms = at_ns / MS + (at_ns % MS != 0);
    uint64_t now_ms = uv_now(weir->uv);
    uint64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    uv_timer_start(&weir->timer, on_timer, wait_ms, 0);
}

static void on_prepare(uv_prepare_t *handle) {
    weir_uv *weir = handle->data;
    int delivered = weir_loop_drain_spin(weir->loop);
    if (weir->state == WR_UV_CLOSED)
        return;
    if (delivered == -ECHILD) {
        stop_handles(weir);
        return;
    }
    // uv must not sleep now: there may be more than one drain delivers, calls
    // come in runs, and who turns uv_run(UV_RUN_ONCE) until an outcome is there
    // would sleep on it.
    if (delivered > 0)
        uv_idle_start(&weir->idle, on_idle);
    else
        uv_idle_stop(&weir->idle);
    arm_timer(weir);
}

static void on_hold(void *context, int pending) {
    weir_uv *weir = context;
    if (weir->state == WR_UV_CLOSED)
        return; // handles that are being closed hold the uv loop themselves
    if (pending)
        uv_ref((uv_handle_t *)&weir->poll);
    else
        uv_unref((uv_handle_t *)&weir->poll);
}

// ---- attach and detach -----------------------------------------------------

static void free_all(weir_uv *weir) {
    weir_loop_destroy(weir->loop);
    if (weir->own_pool)
        weir_pool_destroy(weir->pool);
    free(weir);
}

static void on_handle_closed(uv_handle_t *handle) {
    weir_uv *weir = handle->data;
    if (--weir->open > 0)
        return;
    void (*detached)(void *context) = weir->detached;
    void *context = weir->context;
    free_all(weir);
    if (detached != NULL)
        detached(context);
}

static void close_handles(weir_uv *weir) {
    uv_handle_t *handles[WR_UV_HANDLES] = {
        (uv_handle_t *)&weir->poll, (uv_handle_t *)&weir->prepare,
        (uv_handle_t *)&weir->idle, (uv_handle_t *)&weir->timer};
    weir->state = WR_UV_CLOSED;
    weir->open = WR_UV_HANDLES;
    for (size_t i = 0; i < WR_UV_HANDLES; i++)
        uv_close(handles[i], on_handle_closed);
}

static void on_closed(weir_loop *loop, void *context) {
    (void)loop;
    close_handles(context);
}

static int open_pool(weir_uv *weir, weir_pool *given) {
    weir->pool = given;
    if (given != NULL)
        return 0;
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = WEIR_THREADS_BESIDE_LOOP;
    int error = weir_pool_create(&weir->pool, &options);
    weir->own_pool = error == 0;
    return error;
}

static int open_loop(weir_uv *weir, const weir_loop_options *given) {
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    int error = wr_options_copy(&options, sizeof(options), given);
    if (error != 0)
        return error;
    options.size = sizeof(options);
    options.hold = on_hold;
    options.hold_context = weir;
    return weir_loop_create(&weir->loop, &options);
}

// open_handles: only the first step can fail, before there is a handle.
static int open_handles(weir_uv *weir) {
    int error = uv_poll_init(weir->uv, &weir->poll, weir_loop_fd(weir->loop));
    if (error != 0)
        return error;
    uv_prepare_init(weir->uv, &weir->prepare);
    uv_idle_init(weir->uv, &weir->idle);
    uv_timer_init(weir->uv, &weir->timer);
    weir->poll.data = weir->prepare.data = weir;
    weir->idle.data = weir->timer.data = weir;
    uv_unref((uv_handle_t *)&weir->poll);
    uv_unref((uv_handle_t *)&weir->prepare);
    uv_unref((uv_handle_t *)&weir->idle);
    uv_unref((uv_handle_t *)&weir->timer);
    weir->due_ns = WEIR_FOREVER;
    uv_poll_start(&weir->poll, UV_READABLE, on_poll);
    uv_prepare_start(&weir->prepare, on_prepare);
    return 0;
}

int weir_uv_attach(weir_uv **out, uv_loop_t *uv, const weir_uv_options *given) {
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    if (out == NULL || uv == NULL)
        return -EINVAL;
    int error = wr_options_copy(&options, sizeof(options), given);
    if (error != 0)
        return error;
    weir_uv *weir = calloc(1, sizeof(*weir));
    if (weir == NULL)
        return -ENOMEM;
    weir->uv = uv;
    error = open_loop(weir, options.loop);
    if (error == 0)
        error = open_pool(weir, options.pool);
    if (error == 0)
        error = open_handles(weir);
    if (error != 0) {
        free_all(weir);
        return error;
    }
    *out = weir;
    return 0;
}

weir_loop *weir_uv_loop(weir_uv *weir) { return weir->loop; }

weir_pool *weir_uv_pool(weir_uv *weir) { return weir->pool; }

int weir_uv_detach(weir_uv *weir, weir_stop_mode mode,
                   void (*detached)(void *context), void *context) {
    int error = weir_loop_close(weir->loop, mode, on_closed, weir);
    if (error == -EALREADY)
        return 0; // nothing is pending any more, there is nothing to harden
    if (error != 0 && error != -ECHILD)
        return error;
    if (weir->state == WR_UV_ATTACHED) {
        weir->state = WR_UV_CLOSING;
        weir->detached = detached;
        weir->context = context;
    }
    // In a forked child nothing will ever be delivered.
    if (error == -ECHILD && weir->state == WR_UV_CLOSING)
        close_handles(weir);
    return 0;
}

// ---- queue_work ------------------------------------------------------------

static weir_uv_work *work_of(weir_call *call) {
    return (weir_uv_work *)((char *)call - offsetof(weir_uv_work, call));
}

static int work_run(weir_worker *self, weir_call *call) {
    (void)self;
    weir_uv_work *work = work_of(call);
    work->work_cb(work);
    return 0;
}

static void work_done(weir_call *call, int status) {
    weir_uv_work *work = work_of(call);
    if (work->after_work_cb != NULL)
        work->after_work_cb(work, status == 0 ? 0 : UV_ECANCELED);
}

int weir_uv_queue_work_at(weir_uv *weir, weir_uv_work *work,
                          const weir_site *site, weir_uv_work_cb work_cb,
                          weir_uv_after_work_cb after_work_cb) {
    if (work_cb == NULL)
        return -EINVAL;
    work->loop = weir->uv;
    work->work_cb = work_cb;
    work->after_work_cb = after_work_cb;
    work->call = (weir_call)WEIR_CALL_INIT(work_run, work_done);
    work->call.site = site;
    return weir_call_submit(weir->loop, weir->pool, &work->call);
}

int weir_uv_queue_work(weir_uv *weir, weir_uv_work *work,
                       weir_uv_work_cb work_cb,
                       weir_uv_after_work_cb after_work_cb) {
    return weir_uv_queue_work_at(weir, work, NULL, work_cb, after_work_cb);
}

int weir_uv_cancel(weir_uv_work *work) {
    int error = weir_call_cancel(&work->call);
    return error == -EALREADY ? UV_EBUSY : error;
}
