// SPDX-License-Identifier: MIT
// Fetching by HTTP(S): libcurl's multi interface under one event loop, which
// this file runs. Requests come from any thread and are over on the loop's.
//
//   threads    wr_web_start, _cancel: any. run and what it calls: one thread,
//              the one that created it.
//   blocking   wr_web_run alone.
//   ownership  a request is the caller's memory, lent until done is called;
//              texts it points to as well. The body is malloc'ed and the
//              caller's in done.
//   errors     a request's status, with why; E404 and other answers that are
//              not 200 or 304 are no failure of the transport: see `answer`.
#ifndef WEIR_PROGRAMS_DEPS_WEB_H
#define WEIR_PROGRAMS_DEPS_WEB_H

#include "programs/deps/npmrc.h"
#include "weir/loop.h"

typedef struct wr_web wr_web;
typedef struct wr_web_request wr_web_request;

typedef struct wr_web_options {
    const wr_npmrc *config;   // TLS, proxies, timeouts, tokens (also of the
                              // places that redirects lead to)
    unsigned connections_max; // to one host; default: maxsockets, or 64
    size_t bytes_max;         // of one body as it is sent; default 128 MiB
    weir_trace *trace;        // or NULL
} wr_web_options;

int wr_web_create(wr_web **out, const wr_web_options *options, wr_why *why);
void wr_web_destroy(wr_web *web); // no request is under way

// The loop that its thread drains: for whatever else shall happen there.
weir_loop *wr_web_loop(wr_web *web);

// wr_web_run serves until wr_web_stop. wr_web_watch calls `ready` on the
// loop's thread while `fd` is readable (signalfd, timerfd); ready NULL: no
// more.
int wr_web_run(wr_web *web);
void wr_web_stop(wr_web *web); // any thread
int wr_web_watch(wr_web *web, int fd, void (*ready)(void *context, int fd),
                 void *context);

struct wr_web_request {
    const char *url;
    const char *accept;
    const char *etag, *last_modified; // to ask "if changed", or NULL
    // Called once, on the loop's thread. 0: there is an answer, whole. Or:
    // -EAGAIN (transient: it may be tried again: reset, truncated, timed out,
    // could not connect), -EPROTO (garbage, a redirect loop), -EACCES (TLS),
    // -E2BIG, -ENOMEM, -ECANCELED.
    void (*done)(wr_web_request *request, int status);
    void *context;
    // The answer.
    wr_why why;
    int answer;    // HTTP status: 200, 304, 404, 429, 503...
    uint8_t *body; // of a 200, never NULL then; as it was sent: see gzip
    size_t body_size;
    bool gzip; // body is gzip
    char new_etag[128];
    char new_last_modified[64];
    int64_t max_age_s;      // of Cache-Control; -1: not said, 0: no-cache too
    int64_t retry_after_ms; // -1: not said
    uint64_t private_[24];
};

int wr_web_start(wr_web *web, wr_web_request *request);
// wr_web_cancel ends it soon with -ECANCELED, unless it is over.
void wr_web_cancel(wr_web *web, wr_web_request *request);

typedef struct wr_web_counts {
    uint64_t requests, connections, redirects, bytes_received, bytes_sent;
    unsigned in_flight, in_flight_max;
} wr_web_counts;
void wr_web_count(wr_web *web, wr_web_counts *out); // the loop's thread

#endif
