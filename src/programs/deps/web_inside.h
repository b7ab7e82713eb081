// SPDX-License-Identifier: MIT
// The parts of web.h's client among themselves: a request, the transfer that
// carries it for one hop, the host that it waits for.
//
//   posted (any thread) ---> a host's queue ---> a transfer ---> done
//                                ^                    |
//                                +---- a redirect ----+
//
// Everything but the fields under `lock` is the loop's thread's.
#ifndef WEIR_PROGRAMS_DEPS_WEB_INSIDE_H
#define WEIR_PROGRAMS_DEPS_WEB_INSIDE_H

#include "base/list.h"
#include "os/os.h"
#include "programs/deps/web.h"
#include "programs/deps/web_curl.h"

enum {
    WR_WEB_HOPS_MAX = 20,                  // redirects of one request, as npm's
    WR_WEB_HEADERS_MAX = 256 * 1024,       // bytes of all headers of a transfer
    WR_WEB_REFUSAL_MAX = 1024 * 1024,      // of a body that nobody wants
    WR_WEB_TRUSTED_MAX = 16 * 1024 * 1024, // of a content-length's word
    WR_WEB_CONNECT_MS = 10 * 1000,
    WR_WEB_URL_MAX = 8 * 1024,
};

// Where connections lead to: "https://example.com:8443".
typedef struct wr_web_host {
    wr_link link;    // web->hosts
    wr_link waiting; // requests
    unsigned active; // transfers
    bool known;      // its name was looked up once, whatever came of it
    size_t size;
    char name[];
} wr_web_host;

typedef struct wr_web_transfer wr_web_transfer;

// What a request's private_ holds.
typedef struct wr_web_inside {
    wr_link link;   // web->posted, or host->waiting
    wr_link cancel; // web->cancels; under the lock
    bool over;      // too
    bool begun;
    bool again;       // on a connection of its own
    bool secure_once; // a hop was https
    unsigned hops;
    wr_web_transfer *transfer;
    wr_web_host *host;
    char *moved; // the URL that a redirect gave, or NULL
} wr_web_inside;

// An easy handle and all it needs; used again and again.
struct wr_web_transfer {
    wr_link link; // web->idle or web->deadlines
    wr_web *web;
    CURL *easy;
    wr_web_request *request;
    int64_t deadline_ns;
    const char *proxy;            // that curl was told
    struct curl_slist headers[5]; // what is sent, linked; their texts:
    char *text;
    size_t text_size;
    // What is read.
    bool over;   // the last header of the answer
    bool enough; // ended here, with an answer
    bool chunked, foreign;
    int failed;     // ended here: the request's status
    int64_t length; // content-length or -1
    int64_t age_s;  // of the header Age
    size_t headers_seen, body_seen, room;
    char error[CURL_ERROR_SIZE];
};

// A descriptor as epoll knows it.
typedef struct wr_web_socket {
    uint8_t known;  // what epoll watches for: EPOLLIN, EPOLLOUT
    uint8_t wanted; // what curl wants
    bool ours;      // its closing is told
} wr_web_socket;

typedef struct wr_web_watcher {
    int fd;
    void (*ready)(void *context, int fd);
    void *context;
} wr_web_watcher;

struct wr_web {
    const wr_npmrc *config;
    const wr_settings *settings;
    unsigned connections_max;
    size_t bytes_max;
    int64_t patience_ns; // for the headers, and again for the body
    CURLM *multi;
    int poll; // epoll
    weir_loop *loop;
    int64_t timer_ns; // when curl wants to be called; WEIR_FOREVER
    int64_t now_ns;   // of this turn
    wr_link hosts, idle, deadlines;
    wr_web_socket *sockets; // by descriptor
    size_t sockets_size;
    wr_web_watcher *watchers;
    size_t watchers_count, watchers_size;
    const char *proxy[2]; // for http, for https; "": none
    const char *noproxy;
    const char *authorities; // a file, or NULL
    wr_web_counts counts;
    bool started;   // curl's globals
    bool looked_up; // a host got known: who waits for it may go on
    bool untold;    // epoll did not take a socket

    wr_mutex lock;
    wr_wakefd wake;
    wr_link posted, cancels;
    bool asleep, stop;
};

static inline wr_web_inside *wr_web_inside_of(wr_web_request *request) {
    return (wr_web_inside *)(void *)request->private_;
}
wr_web_request *wr_web_request_of(wr_web_inside *inside);

// web_hosts.c: queues.
int wr_web_host_of(const char *url, wr_text *host, bool *secure);
void wr_web_begin(wr_web *web, wr_web_request *request);
void wr_web_pump(wr_web *web, wr_web_host *host);
void wr_web_drop(wr_web *web, wr_web_request *request); // cancelled
void wr_web_finish(wr_web *web, wr_web_request *request, int status);

// web_transfer.c: launch starts a hop; over ends it as curl says, expire
// because its time is up.
int wr_web_launch(wr_web *web, wr_web_request *request);
void wr_web_over(wr_web_transfer *transfer, CURLcode code);
void wr_web_expire(wr_web *web);
void wr_web_headers_over(wr_web_transfer *transfer); // time for the body
void wr_web_release(wr_web_transfer *transfer);      // to web->idle
void wr_web_transfer_free(wr_web_transfer *transfer);

// web_setup.c: all that holds for every transfer.
int wr_web_check(wr_web *web, wr_why *why);
int wr_web_transfer_make(wr_web *web, wr_web_transfer **out);

// web_answer.c: curl's callbacks.
size_t wr_web_header(char *line, size_t size, size_t count, void *transfer);
size_t wr_web_body(char *bytes, size_t size, size_t count, void *transfer);

// web_refuse.c: why a transfer failed. shown gives a URL for people, without
// what may be secret in it.
int wr_web_explain(wr_web_transfer *transfer, CURLcode code);
const char *wr_web_shown(const char *url, char *out, size_t size);
const char *wr_web_url(wr_web_request *request);

// web_socket.c: what curl asks of epoll.
int wr_web_on_socket(CURL *easy, curl_socket_t fd, int what, void *web,
                     void *unused);
int wr_web_on_timer(CURLM *multi, long ms, void *web);
curl_socket_t wr_web_on_open(void *web, curlsocktype kind,
                             struct curl_sockaddr *address);
int wr_web_on_close(void *web, curl_socket_t fd);
void wr_web_ready(wr_web *web, int fd, uint32_t events);
// wr_web_tell_again: epoll had no memory for some; sets web->untold anew.
void wr_web_tell_again(wr_web *web);

#endif
