// SPDX-License-Identifier: MIT
// What examples/http_server.c has done off its loop, and the one place that
// knows on whose threads: weir's, or libuv's own.
#ifndef HTTP_WORK_H
#define HTTP_WORK_H

#include <weir/uv.h>

typedef enum http_work_kind {
    HTTP_WORK_HASH, // FNV-1a and CRC-32, as text
    HTTP_WORK_GZIP,
} http_work_kind;

typedef struct http_work {
    http_work_kind kind;
    unsigned char *body; // in; malloc'ed, as is the result
    size_t body_size;
    unsigned char *result; // out, if not failed
    size_t result_size;
    int failed; // 0 or a UV_E*
    // On the loop; status is UV_ECANCELED if the work was not done.
    void (*after)(struct http_work *work, int status);
    union {
        uv_work_t uv;
        weir_uv_work weir;
    } on;
} http_work;

typedef enum http_pool_kind {
    HTTP_POOL_WEIR,
    HTTP_POOL_ADAPTIVE, // weir, and its sites decide what runs on the loop
    HTTP_POOL_UV,
} http_pool_kind;

// All return 0 or a UV_E*. threads 0: as many as the pool takes.
int http_pool_open(uv_loop_t *loop, http_pool_kind kind, unsigned threads);
int http_pool_queue(http_work *work);

// What has not started ends with UV_ECANCELED, soon.
int http_pool_cancel(http_work *work);

// The pool takes nothing more, and what has not started is cancelled. Of
// libuv's that cannot be asked: cancel each work as well.
int http_pool_stop(void);

// Lets the loop end; nothing may be out. Then free it.
int http_pool_close(void);
void http_pool_free(void);

#endif // HTTP_WORK_H
