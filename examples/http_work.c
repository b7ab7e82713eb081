// SPDX-License-Identifier: MIT
// The work of examples/http_server.c, and the pool it runs on.
#include "http_work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

// ---- what runs on a worker -------------------------------------------------

static int hash(http_work *work) {
    enum { ROOM = 32 };
    uint64_t value = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < work->body_size; i++)
        value = (value ^ work->body[i]) * UINT64_C(1099511628211);
    unsigned long crc = crc32_z(0, work->body, work->body_size);
    work->result = malloc(ROOM);
    if (work->result == NULL)
        return UV_ENOMEM;
    work->result_size = (size_t)snprintf((char *)work->result, ROOM,
                                         "%016" PRIx64 " %08lx\n", value, crc);
    return 0;
}

static int compress_with(z_stream *z, http_work *work) {
    uLong room = deflateBound(z, (uLong)work->body_size);
    work->result = malloc(room);
    if (work->result == NULL)
        return UV_ENOMEM;
    z->next_in = work->body;
    z->avail_in = (uInt)work->body_size;
    z->next_out = work->result;
    z->avail_out = (uInt)room;
    int status = deflate(z, Z_FINISH);
    work->result_size = z->total_out;
    return status == Z_STREAM_END ? 0 : UV_EIO;
}

static int gzip(http_work *work) {
    enum { GZIP_FORMAT = 15 + 16, MEMORY = 8 };
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return UV_ENOMEM;
    int error = compress_with(&z, work);
    deflateEnd(&z);
    return error;
}

static void run(http_work *work) {
    work->failed = work->kind == HTTP_WORK_HASH ? hash(work) : gzip(work);
}

// ---- on whose threads ------------------------------------------------------

static uv_loop_t *loop;
static http_pool_kind pool_kind;
static bool stopped;
static weir_pool *pool;
static weir_uv *weir;

// By pool, then by work.
static const weir_site sites[2][2] = {
    {WEIR_SITE_INIT("hash a body"), WEIR_SITE_INIT("compress a body")},
    {WEIR_SITE_INIT_MODE("hash a body", WEIR_SITE_ADAPTIVE),
     WEIR_SITE_INIT_MODE("compress a body", WEIR_SITE_ADAPTIVE)}};

static void uv_run_work(uv_work_t *on) { run(on->data); }

static void uv_after(uv_work_t *on, int status) {
    http_work *work = on->data;
    work->after(work, status);
}

static void weir_run_work(weir_uv_work *on) { run(on->data); }

static void weir_after(weir_uv_work *on, int status) {
    http_work *work = on->data;
    work->after(work, status);
}

int http_pool_open(uv_loop_t *uv, http_pool_kind kind, unsigned threads) {
    loop = uv;
    pool_kind = kind;
    if (kind == HTTP_POOL_UV) {
        char number[16];
        snprintf(number, sizeof(number), "%u", threads);
        return threads > 0 && setenv("UV_THREADPOOL_SIZE", number, 1) != 0
                   ? UV_ENOMEM
                   : 0;
    }
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads > 0 ? (int)threads : WEIR_THREADS_BESIDE_LOOP;
    int error = weir_pool_create(&pool, &options);
    if (error != 0)
        return error;
    weir_uv_options how = WEIR_UV_OPTIONS_INIT;
    how.pool = pool;
    return weir_uv_attach(&weir, uv, &how);
}

int http_pool_queue(http_work *work) {
    if (stopped)
        return UV_ESHUTDOWN;
    if (pool_kind == HTTP_POOL_UV) {
        work->on.uv.data = work;
        return uv_queue_work(loop, &work->on.uv, uv_run_work, uv_after);
    }
    work->on.weir.data = work;
    return weir_uv_queue_work_at(
        weir, &work->on.weir,
        &sites[pool_kind == HTTP_POOL_ADAPTIVE][work->kind], weir_run_work,
        weir_after);
}

int http_pool_cancel(http_work *work) {
    return pool_kind == HTTP_POOL_UV ? uv_cancel((uv_req_t *)&work->on.uv)
                                     : weir_uv_cancel(&work->on.weir);
}

int http_pool_stop(void) {
    stopped = true;
    if (pool_kind == HTTP_POOL_UV)
        return 0;
    // A deadline that has passed: this is the loop's thread, which does not
    // wait for what runs.
    int error = weir_pool_stop(pool, WEIR_STOP_CANCEL, weir_now_ns(), NULL);
    return error == -ETIMEDOUT ? 0 : error;
}

int http_pool_close(void) {
    weir_uv *last = weir;
    weir = NULL;
    return last == NULL ? 0 : weir_uv_detach(last, WEIR_STOP_DRAIN, NULL, NULL);
}

void http_pool_free(void) { weir_pool_destroy(pool); }
