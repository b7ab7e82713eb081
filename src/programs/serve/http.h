// SPDX-License-Identifier: MIT
//
// The wire: connections, requests as they come in, answers as they go out.
// libmicrohttpd speaks HTTP; here is what it leaves open: who is let in, how
// long anything may take, how much may be held, and who has left meanwhile.
//
//   wr_peer      a connection. Always in one of four lists:
//
//     accept --> IDLE --headers--> RECEIVING --body--> WORKING --> SENDING
//                  ^                                                  |
//                  +---------------- answer taken --------------------+
//
//   wr_http_exchange  a request and its answer. Begins with the headers.
//   Whoever
//                works on it answers exactly once, now or later.
//
//   threads    the loop's thread.
//   blocking   nothing waits.
//   ownership  an exchange is freed when libmicrohttpd is through with the
//              request, the answer's bytes are no longer needed, and no work
//              is out.
#ifndef WEIR_PROGRAMS_SERVE_HTTP_H
#define WEIR_PROGRAMS_SERVE_HTTP_H

#include "base/check.h"
#include "base/list.h"
#include "programs/serve/config.h"
#include "programs/serve/json.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>

typedef struct wr_server wr_server;
typedef struct wr_http_exchange wr_http_exchange;
typedef struct wr_route wr_route;
typedef struct wr_http wr_http;
typedef struct wr_book wr_book;

// Something that epoll tells of.
typedef struct wr_watch wr_watch;
struct wr_watch {
    void (*ready)(wr_watch *watch, uint32_t events);
};

// ---- connections -----------------------------------------------------------

typedef enum wr_peer_state {
    WR_PEER_IDLE, // waits for the headers of a request
    WR_PEER_RECEIVING,
    WR_PEER_WORKING,
    WR_PEER_SENDING,
    WR_PEER_STATES,
} wr_peer_state;

typedef struct wr_address {
    wr_link link;
    unsigned char bytes[16];
    int count; // connections
} wr_address;

typedef struct wr_peer {
    wr_watch watch; // tells when the client has left
    wr_http *http;
    int fd; // libmicrohttpd's
    wr_peer_state state;
    wr_link link; // in http->peers[state], in order of deadlines
    int64_t deadline_ns;
    bool left;       // the client has sent its last byte, or is gone
    bool cut;        // by us
    wr_link leaving; // in http->leaving
    wr_address *address;
    wr_http_exchange *exchange; // the one it is at, or NULL
} wr_peer;

// ---- requests --------------------------------------------------------------

typedef enum wr_method {
    WR_GET,
    WR_HEAD,
    WR_POST,
    WR_PUT,
    WR_DELETE,
    WR_METHOD_OTHER,
} wr_method;

typedef enum wr_media {
    WR_MEDIA_NONE, // nothing said
    WR_MEDIA_JSON, // application/json
    WR_MEDIA_RAW,  // application/octet-stream
    WR_MEDIA_FRAMES,
    WR_MEDIA_OTHER,
} wr_media;
#define WR_FRAMES_TYPE "application/vnd.weir.tensors"

struct wr_http_exchange {
    wr_server *server;
    wr_http *http;
    wr_peer *peer;
    struct MHD_Connection *connection; // NULL: it is through with it
    int refs;

    // The request.
    wr_method method;
    const wr_route *route;
    char name[65];  // in the path
    uint64_t id[2]; // in the path
    wr_media media; // of the body
    bool body_expected, chunked, expects_continue;
    size_t announced; // its size, unless it is chunked

    // The body, aligned to WR_NN_ALIGN; there is always room for one byte.
    uint8_t *body;
    size_t size, room, charged, limit;
    size_t discarded; // of one that is refused

    // A refusal that is told when the body is through: 0 or a status.
    unsigned refused;
    char line[WR_NN_WHY_MAX];
    char allow[40]; // of a 405

    bool begun;     // the route has it
    bool suspended; // and has not answered
    bool left;      // the client will not take an answer
    unsigned raw;   // answered without libmicrohttpd: the status

    // The answer. Answered without a response: there was no memory for it.
    bool answered;
    struct MHD_Response *response;
    unsigned status;

    // The route's: what it works with, how it stops that early (or NULL), and
    // how it is freed.
    void *work;
    void (*leave)(wr_http_exchange *exchange);
    void (*forget)(wr_http_exchange *exchange);
};

typedef struct wr_http_counts {
    uint64_t accepted, closed; // connections
    uint64_t refused;          // connections, over a limit
    uint64_t requests;         // with whole headers; = answered + gone + now
    uint64_t answered[6];      // by the status' first digit
    uint64_t gone;             // the client left, or did not take it
    uint64_t cut;              // the stop left it without an answer
    uint64_t slow_idle;        // connections cut for being slow
    uint64_t slow_receive, slow_send;
} wr_http_counts;

typedef struct wr_linger wr_linger;
enum { WR_ADDRESS_LISTS = 64, WR_LINGER_MAX = 256 };

struct wr_http {
    wr_server *server;
    struct MHD_Daemon *daemon;
    wr_watch daemon_watch;
    wr_watch listener_watch;
    int listener, spare; // descriptors, or -1
    uint16_t port;       // that it listens at
    wr_link peers[WR_PEER_STATES];
    wr_link addresses[WR_ADDRESS_LISTS];
    wr_link leaving; // who has left, which libmicrohttpd may have missed
    wr_link lingers; // in order of deadlines
    int lingering;
    int connections, connections_max;
    int exchanges; // not freed
    int receiving; // of those: whose request is not whole
    size_t bodies; // bytes held
    bool draining; // connections end with the answer
    bool runnable; // libmicrohttpd has something to do
    wr_http_counts counts;
};

// wr_http_open listens. On failure *why says so, with the address.
int wr_http_open(wr_http *http, wr_server *server, wr_nn_why *why);
// wr_http_accept begins to take connections.
int wr_http_accept(wr_http *http);
// wr_http_run does what libmicrohttpd has to do.
void wr_http_run(wr_http *http);
// wr_http_tick cuts who is too slow; wr_http_deadline is when to call it.
void wr_http_tick(wr_http *http);
int64_t wr_http_deadline(const wr_http *http);
// wr_http_drain takes no new connections, ends idle ones, and the others with
// their answers. wr_http_cut ends all that are not at work.
void wr_http_drain(wr_http *http);
void wr_http_cut(wr_http *http);
// wr_http_close frees everything. No exchange may be at work.
void wr_http_close(wr_http *http);

// ---- http_peer.c, for http.c -----------------------------------------------

void wr_peer_move(wr_peer *peer, wr_peer_state state);
void wr_peer_notify(void *http, struct MHD_Connection *connection,
                    void **context, enum MHD_ConnectionNotificationCode what);
// wr_peer_leaving has libmicrohttpd look at the end of the client's bytes.
void wr_peer_leaving(wr_peer *peer);
void wr_peer_nudge(wr_http *http);
wr_peer *wr_peer_of(struct MHD_Connection *connection);
// wr_peer_refuse writes a whole answer on its own and has the connection linger
// until the client has read it.
void wr_peer_refuse(wr_peer *peer, unsigned status, const char *line,
                    bool with_body);
int wr_peer_listen(wr_http *http, wr_nn_why *why);

// ---- answers, http_answer.c ------------------------------------------------

// wr_http_answer gives the answer, which it takes; NULL is a lack of memory.
void wr_http_answer(wr_http_exchange *exchange, unsigned status,
                    struct MHD_Response *response);
// Takes the text; type NULL: JSON.
void wr_http_answer_text(wr_http_exchange *exchange, unsigned status,
                         const char *type, wr_string *text);
void wr_http_answer_empty(wr_http_exchange *exchange, unsigned status);
__attribute__((format(printf, 3, 4))) void
wr_http_answer_line(wr_http_exchange *exchange, unsigned status,
                    const char *format, ...);
// What a function of the service's failed with.
void wr_http_answer_error(wr_http_exchange *exchange, int error,
                          const wr_nn_why *why);
unsigned wr_http_status(int error);
const char *wr_http_reason(unsigned status);

void wr_http_header(struct MHD_Response *response, const char *name,
                    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// wr_http_keep holds an exchange while something else needs it.
void wr_http_keep(wr_http_exchange *exchange);
void wr_http_release(wr_http_exchange *exchange);
// wr_http_body hands the body over: malloc'ed, the caller's from now on.
void *wr_http_body(wr_http_exchange *exchange);

// wr_http_refuse has the request refused once its body is through.
__attribute__((format(printf, 3, 4))) void
wr_http_refuse(wr_http_exchange *exchange, unsigned status, const char *format,
               ...);

// A header's value, or a query's, or NULL.
const char *wr_http_get(const wr_http_exchange *exchange, const char *header);
const char *wr_http_query(const wr_http_exchange *exchange, const char *name);
wr_media wr_http_media(const char *type);
// wr_http_accepts is what the answer is to be: the first that Accept has of
// JSON, RAW and FRAMES; NONE if it says nothing or */*; OTHER: none of them.
wr_media wr_http_accepts(const wr_http_exchange *exchange);

#endif
