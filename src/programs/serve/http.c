// SPDX-License-Identifier: MIT
#include "programs/serve/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATH_MAX_BYTES = 512,    // longer ones are 414
    DISCARD_MAX = 64 * 1024, // of a refused body; with more the connection goes
    MEMORY_STEP = 4096,      // by which libmicrohttpd's buffers grow
};

// ---- the body --------------------------------------------------------------

static size_t round_up(size_t size) {
    return (size + WR_NN_ALIGN) / WR_NN_ALIGN * WR_NN_ALIGN;
}

// Room for `size` bytes in all, counted against all bodies together.
static bool make_room(wr_http_exchange *x, size_t size) {
    wr_http *http = x->http;
    size_t room = round_up(size);
    size_t more = room - x->charged;
    if (more > x->server->config->bodies_bytes - http->bodies) {
        wr_http_refuse(x, 503, "all bodies together have %zu bytes already",
                       http->bodies);
        return false;
    }
    uint8_t *body = aligned_alloc(WR_NN_ALIGN, room);
    if (body == NULL) {
        wr_http_refuse(x, 503, "no memory");
        return false;
    }
    if (x->size > 0)
        memcpy(body, x->body, x->size);
    free(x->body);
    x->body = body;
    x->room = room - 1;
    x->charged += more;
    http->bodies += more;
    return true;
}

static bool append(wr_http_exchange *x, const char *data, size_t size) {
    if (size > x->limit - x->size) {
        wr_http_refuse(x, 413, "a body of more than %zu bytes", x->limit);
        return false;
    }
    if (size > x->room - x->size) {
        size_t wanted = 2 * (x->size + size);
        if (!make_room(x, wanted < x->limit ? wanted : x->limit))
            return false;
    }
    memcpy(x->body + x->size, data, size);
    x->size += size;
    return true;
}

// ---- the headers -----------------------------------------------------------

static wr_method method_of(const char *method) {
    static const char *const methods[] = {
        [WR_GET] = "GET", [WR_HEAD] = "HEAD",     [WR_POST] = "POST",
        [WR_PUT] = "PUT", [WR_DELETE] = "DELETE",
    };
    int i = 0;
    while (i < WR_METHOD_OTHER && strcmp(methods[i], method) != 0)
        i++;
    return (wr_method)i;
}

typedef struct framing {
    int lengths, encodings, hosts, types;
    bool strange; // a transfer coding that is not "chunked" alone
    wr_http_exchange *exchange;
} framing;

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind,
                                 const char *name, const char *value) {
    framing *f = context;
    (void)kind;
    if (strcasecmp(name, "Content-Length") == 0) {
        f->lengths++;
        f->exchange->announced = (size_t)strtoull(value, NULL, 10);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        f->encodings++;
        f->strange = f->strange || strcasecmp(value, "chunked") != 0;
    } else if (strcasecmp(name, "Host") == 0) {
        f->hosts++;
    } else if (strcasecmp(name, "Content-Type") == 0) {
        f->types++;
    } else if (strcasecmp(name, "Expect") == 0) {
        f->exchange->expects_continue = true;
    }
    return MHD_YES;
}

// Where a body ends must not be a matter of opinion: what is behind it is taken
// for a request.
static bool check_framing(wr_http_exchange *x, const char *version) {
    framing f = {.exchange = x};
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, on_header,
                                    &f);
    x->chunked = f.encodings > 0;
    x->body_expected = f.encodings > 0 || (f.lengths > 0 && x->announced > 0);
    if (f.strange)
        wr_http_refuse(x, 501, "the only transfer coding is chunked");
    else if (f.lengths + f.encodings > 1)
        wr_http_refuse(x, 400, "the body's length is said more than once");
    else if (f.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0)
        wr_http_refuse(x, 400, "the header Host is missing");
    else if (f.hosts > 1 || f.types > 1)
        wr_http_refuse(x, 400, "a header that may be there once is repeated");
    x->media = wr_http_media(wr_http_get(x, "Content-Type"));
    return f.lengths + f.encodings <= 1 && !f.strange;
}

static size_t header_bytes(wr_http_exchange *x) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info != NULL ? info->header_size : 0;
}

static void check_body(wr_http_exchange *x) {
    wr_route_body(x);
    if (x->refused != 0 || x->route->body == WR_BODY_NONE)
        return;
    if (!x->chunked && wr_http_get(x, "Content-Length") == NULL)
        wr_http_refuse(x, 411, "a body is needed, with its Content-Length");
    else if (!x->chunked && x->announced > x->limit)
        wr_http_refuse(x, 413, "a body of more than %zu bytes", x->limit);
    else
        (void)make_room(x, x->chunked ? 0 : x->announced);
}

// Refuses on the spot. What the client has not sent yet is not waited for.
static enum MHD_Result refuse_now(wr_http_exchange *x) {
    x->raw = x->refused;
    wr_peer_refuse(x->peer, x->refused, x->line, x->method != WR_HEAD);
    return MHD_NO;
}

static enum MHD_Result begin(wr_http_exchange *x, const char *url,
                             const char *method, const char *version) {
    const wr_config *config = x->server->config;
    x->method = method_of(method);
    bool clear = check_framing(x, version);
    if (header_bytes(x) > config->header_bytes)
        wr_http_refuse(x, 431, "headers of more than %zu bytes",
                       config->header_bytes);
    if (strlen(url) > PATH_MAX_BYTES)
        wr_http_refuse(x, 414, "a path of more than %d bytes", PATH_MAX_BYTES);
    if (x->refused == 0)
        wr_route_find(x, url);
    if (x->refused == 0 && x->http->draining && !x->route->while_draining)
        wr_http_refuse(x, 503, "the server is stopping");
    if (x->refused == 0)
        check_body(x);
    bool much = x->chunked ? x->expects_continue
                           : x->announced > DISCARD_MAX ||
                                 (x->expects_continue && x->announced > 0);
    if (x->refused != 0 && (!clear || (x->body_expected && much)))
        return refuse_now(x);
    wr_peer_move(x->peer, WR_PEER_RECEIVING);
    return MHD_YES;
}

// ---- libmicrohttpd's callbacks ---------------------------------------------

static wr_http_exchange *create(wr_http *http,
                                struct MHD_Connection *connection) {
    wr_peer *peer = wr_peer_of(connection);
    wr_http_exchange *x = calloc(1, sizeof(*x));
    if (peer == NULL || x == NULL) {
        free(x);
        return NULL;
    }
    x->server = http->server;
    x->http = http;
    x->peer = peer;
    x->connection = connection;
    x->refs = 1;
    peer->exchange = x;
    http->exchanges++;
    http->receiving++;
    http->counts.requests++;
    return x;
}

// A request that there is no memory for is told so all the same. What
// libmicrohttpd knows of the connection is all there is.
static enum MHD_Result no_memory(wr_http *http,
                                 struct MHD_Connection *connection,
                                 const char *method) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    wr_peer peer = {.http = http, .fd = info != NULL ? info->connect_fd : -1};
    http->counts.requests++;
    http->counts.answered[5]++;
    wr_peer_refuse(&peer, 503, "no memory", strcmp(method, "HEAD") != 0);
    return MHD_NO;
}

static enum MHD_Result receive(wr_http_exchange *x, const char *data,
                               size_t *size) {
    bool kept = x->refused == 0 && x->route->body != WR_BODY_NONE &&
                append(x, data, *size);
    if (!kept) {
        x->discarded += *size;
        if (x->discarded > DISCARD_MAX) {
            wr_http_refuse(x, 413, "no body of that size is expected here");
            return refuse_now(x);
        }
    }
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result send_answer(wr_http_exchange *x) {
    wr_peer_move(x->peer, WR_PEER_SENDING);
    if (x->left)
        return MHD_NO;
    if (x->response == NULL) {
        wr_http_refuse(x, 503, "no memory");
        return refuse_now(x);
    }
    struct MHD_Response *response = x->response;
    x->response = NULL;
    enum MHD_Result result =
        MHD_queue_response(x->connection, x->status, response);
    MHD_destroy_response(response);
    return result;
}

static void leave(wr_http_exchange *x) {
    x->left = true;
    if (x->leave != NULL)
        x->leave(x);
}

// The whole request is here.
static enum MHD_Result work(wr_http_exchange *x) {
    x->begun = true;
    x->http->receiving--;
    wr_peer_move(x->peer, WR_PEER_WORKING);
    if (x->refused != 0)
        wr_http_answer_line(x, x->refused, "%s", x->line);
    else
        x->route->begin(x);
    if (x->answered)
        return send_answer(x);
    x->suspended = true;
    MHD_suspend_connection(x->connection);
    if (x->peer->left)
        leave(x);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context,
                                  struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *size, void **request) {
    wr_http_exchange *x = *request;
    if (x == NULL) {
        x = create(context, connection);
        if (x == NULL)
            return no_memory(context, connection, method);
        *request = x;
        return begin(x, url, method, version);
    }
    if (*size > 0)
        return receive(x, data, size);
    if (!x->begun)
        return work(x);
    return x->answered ? send_answer(x) : MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection,
                         void **request, enum MHD_RequestTerminationCode code) {
    (void)connection;
    wr_http *http = context;
    wr_http_exchange *x = *request;
    if (x == NULL)
        return;
    *request = NULL;
    unsigned status = x->raw != 0                                   ? x->raw
                      : code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? x->status
                                                                    : 0;
    if (status >= 100 && status < 600)
        http->counts.answered[status / 100]++;
    else
        http->counts.gone++;
    if (status == 0 && http->server->state == WR_SERVER_HARD && !x->left)
        http->counts.cut++;
    if (!x->begun)
        http->receiving--;
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    x->response = NULL;
    x->connection = NULL;
    x->peer->exchange = NULL;
    if (x->peer->left)
        wr_peer_leaving(x->peer);
    wr_peer_move(x->peer, WR_PEER_IDLE);
    wr_http_release(x);
}

// A text that would end early if it were unescaped stays as it is: no path and
// no name has a % in it.
static size_t on_unescape(void *context, struct MHD_Connection *connection,
                          char *text) {
    (void)context;
    (void)connection;
    return strstr(text, "%00") != NULL ? strlen(text) : MHD_http_unescape(text);
}

static void on_daemon(wr_watch *watch, uint32_t events) {
    wr_http *http = wr_container_of(watch, wr_http, daemon_watch);
    (void)events;
    http->runnable = true;
}

// ---- the wire as a whole ---------------------------------------------------

static struct MHD_Daemon *start_daemon(wr_http *http) {
    const wr_config *config = http->server->config;
    // A request's line and headers, parsed, and what is read ahead.
    size_t memory = 2 * config->header_bytes + 16384;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
        NULL, NULL, on_request, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        http, MHD_OPTION_NOTIFY_CONNECTION, wr_peer_notify, http,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)http->connections_max + 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)MEMORY_STEP,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

int wr_http_open(wr_http *http, wr_server *server, wr_nn_why *why) {
    *http = (wr_http){.server = server, .listener = -1, .spare = -1};
    for (int i = 0; i < WR_PEER_STATES; i++)
        wr_list_init(&http->peers[i]);
    for (int i = 0; i < WR_ADDRESS_LISTS; i++)
        wr_list_init(&http->addresses[i]);
    wr_list_init(&http->leaving);
    wr_list_init(&http->lingers);
    http->connections_max = server->connections_max;
    int error = wr_peer_listen(http, why);
    if (error != 0)
        return error;
    http->daemon = start_daemon(http);
    const union MHD_DaemonInfo *info =
        http->daemon != NULL
            ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)
            : NULL;
    http->daemon_watch.ready = on_daemon;
    if (info != NULL)
        error = wr_server_watch(server, info->epoll_fd, EPOLLIN,
                                &http->daemon_watch);
    if (info == NULL || error != 0) {
        snprintf(why->text, sizeof(why->text), "cannot start libmicrohttpd");
        return error != 0 ? error : -ENOMEM;
    }
    return 0;
}

void wr_http_run(wr_http *http) {
    // A run may make more to do: the next request of a pipeline.
    for (int rounds = 0; http->runnable && rounds < 8; rounds++) {
        http->runnable = false;
        (void)MHD_run(http->daemon);
        MHD_UNSIGNED_LONG_LONG wait;
        if (MHD_get_timeout(http->daemon, &wait) == MHD_YES && wait == 0)
            http->runnable = true;
    }
    wr_peer_nudge(http);
}
