// SPDX-License-Identifier: MIT
#include "programs/serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_AT_ONCE = 64,
    LINGER_BYTES = 1 << 20, // that are read from a connection that lingers
    BACKLOG = 1024,
};
static const int64_t linger_ns = INT64_C(2000000000);

// ---- connections that linger -----------------------------------------------

// Who closes a connection with input unread sends a reset, which may overtake
// the answer. So one that was refused in the middle of something goes on being
// read for a while, through a descriptor of our own.
struct wr_linger {
    wr_watch watch;
    wr_link link;
    wr_http *http;
    int fd;
    size_t bytes;
    int64_t deadline_ns;
};

static void linger_end(wr_linger *linger) {
    wr_server_unwatch(linger->http->server, linger->fd);
    close(linger->fd);
    wr_list_remove(&linger->link);
    linger->http->lingering--;
    free(linger);
}

static void on_linger(wr_watch *watch, uint32_t events) {
    wr_linger *linger = wr_container_of(watch, wr_linger, watch);
    char bytes[4096];
    (void)events;
    for (int i = 0; i < 16; i++) {
        ssize_t got = recv(linger->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            break;
        linger->bytes += (size_t)got;
        if (linger->bytes > LINGER_BYTES)
            break;
        if (i == 15)
            return; // others have something to do, too
    }
    // Not freed here: this round of events may still name it.
    linger->deadline_ns = 0;
    wr_server_unwatch(linger->http->server, linger->fd);
    wr_list_remove(&linger->link);
    wr_list_push_front(&linger->http->lingers, &linger->link);
}

// Takes fd.
static void linger_begin(wr_http *http, int fd) {
    wr_linger *linger = NULL;
    if (http->lingering < WR_LINGER_MAX)
        linger = calloc(1, sizeof(*linger));
    if (linger == NULL) {
        close(fd);
        return;
    }
    linger->watch.ready = on_linger;
    linger->http = http;
    linger->fd = fd;
    linger->deadline_ns = weir_now_ns() + linger_ns;
    wr_list_push_back(&http->lingers, &linger->link);
    http->lingering++;
    if (wr_server_watch(http->server, fd, EPOLLIN, &linger->watch) != 0)
        linger_end(linger);
}

// ---- answers without libmicrohttpd -----------------------------------------

// Where there is no memory even for that.
#define NO_MEMORY "{\"error\": \"no memory\"}\n"
enum { NO_MEMORY_BODY = sizeof(NO_MEMORY) - 1 };
static const char without_memory[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                     "Content-Type: application/json\r\n"
                                     "Content-Length: 23\r\n"
                                     "Connection: close\r\n"
                                     "Retry-After: 1\r\n\r\n" NO_MEMORY;
_Static_assert(NO_MEMORY_BODY == 23, "as Content-Length says");

static void send_raw(wr_http *http, int fd, unsigned status, const char *line,
                     bool with_body) {
    wr_string body = {0}, text = {0};
    wr_string_error(&body, line);
    wr_string_print(&text,
                    "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %zu\r\nConnection: close\r\n",
                    status, wr_http_reason(status), body.size);
    if (status == 503 || status == 429)
        wr_string_print(
            &text, "Retry-After: %lld\r\n",
            (long long)((http->server->config->retry_ns + 999999999) /
                        1000000000));
    wr_string_print(&text, "\r\n");
    if (with_body && body.data != NULL)
        wr_string_put(&text, body.data, body.size);
    bool whole = !text.failed && !body.failed;
    const char *data = whole ? text.data : without_memory;
    size_t size = whole       ? text.size
                  : with_body ? sizeof(without_memory) - 1
                              : sizeof(without_memory) - 1 - NO_MEMORY_BODY;
    // The buffer of a connection has room for it, or the client is not reading.
    (void)send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    free(body.data);
    free(text.data);
}

void wr_peer_refuse(wr_peer *peer, unsigned status, const char *line,
                    bool with_body) {
    send_raw(peer->http, peer->fd, status, line, with_body);
    (void)shutdown(peer->fd, SHUT_WR);
    int fd = fcntl(peer->fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        linger_begin(peer->http, fd);
}

// ---- addresses -------------------------------------------------------------

static void address_bytes(unsigned char bytes[16],
                          const struct sockaddr *address) {
    memset(bytes, 0, 16);
    if (address->sa_family == AF_INET)
        memcpy(bytes + 12,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr,
               4);
    else if (address->sa_family == AF_INET6)
        memcpy(bytes,
               &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               16);
}

// The address' record, with one connection more. NULL: no memory.
static wr_address *address_enter(wr_http *http,
                                 const struct sockaddr *socket_address) {
    unsigned char bytes[16];
    unsigned sum = 0;
    address_bytes(bytes, socket_address);
    for (int i = 0; i < 16; i++)
        sum = sum * 31 + bytes[i];
    wr_link *list = &http->addresses[sum % WR_ADDRESS_LISTS];
    for (wr_link *at = list->next; at != list; at = at->next) {
        wr_address *address = wr_container_of(at, wr_address, link);
        if (memcmp(address->bytes, bytes, 16) == 0) {
            address->count++;
            return address;
        }
    }
    wr_address *address = calloc(1, sizeof(*address));
    if (address == NULL)
        return NULL;
    memcpy(address->bytes, bytes, 16);
    address->count = 1;
    wr_list_push_back(list, &address->link);
    return address;
}

static void address_leave(wr_address *address) {
    if (--address->count > 0)
        return;
    wr_list_remove(&address->link);
    free(address);
}

// ---- connections -----------------------------------------------------------

void wr_peer_move(wr_peer *peer, wr_peer_state state) {
    const wr_config *config = peer->http->server->config;
    const int64_t time[] = {
        [WR_PEER_IDLE] = config->idle_ns,
        [WR_PEER_RECEIVING] = config->receive_ns,
        [WR_PEER_WORKING] = 0,
        [WR_PEER_SENDING] = config->send_ns,
    };
    peer->state = state;
    peer->deadline_ns =
        state == WR_PEER_WORKING ? WEIR_FOREVER : weir_now_ns() + time[state];
    wr_list_remove(&peer->link);
    wr_list_push_back(&peer->http->peers[state], &peer->link);
}

wr_peer *wr_peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

// libmicrohttpd takes a short read for the end of what is there for now, and is
// not told again of an end of the stream that had come by then. So it is told
// once it has read.
void wr_peer_leaving(wr_peer *peer) {
    if (!wr_link_linked(&peer->leaving))
        wr_list_push_back(&peer->http->leaving, &peer->leaving);
}

void wr_peer_nudge(wr_http *http) {
    wr_link *link;
    while ((link = wr_list_pop_front(&http->leaving)) != NULL) {
        wr_peer *peer = wr_container_of(link, wr_peer, leaving);
        if (peer->exchange == NULL || !peer->exchange->begun)
            (void)shutdown(peer->fd, SHUT_RD);
    }
}

// The client has closed its side, or all of it.
static void on_left(wr_watch *watch, uint32_t events) {
    wr_peer *peer = wr_container_of(watch, wr_peer, watch);
    (void)events;
    if (!peer->left)
        wr_peer_leaving(peer);
    peer->left = true;
    wr_http_exchange *x = peer->exchange;
    if (x == NULL || !x->suspended || x->left)
        return;
    x->left = true;
    if (x->leave != NULL)
        x->leave(x);
}

static void peer_begin(wr_http *http, struct MHD_Connection *connection,
                       void **context) {
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int socket_fd = fd != NULL ? fd->connect_fd : -1;
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    wr_peer *peer = calloc(1, sizeof(*peer));
    *context = peer;
    if (peer == NULL)
        return; // its first request will be told so
    peer->watch.ready = on_left;
    peer->http = http;
    peer->fd = socket_fd;
    if (from != NULL)
        peer->address = address_enter(http, from->client_addr);
    wr_list_push_back(&http->peers[WR_PEER_IDLE], &peer->link);
    wr_peer_move(peer, WR_PEER_IDLE);
    // Level-triggered it would be told of again and again.
    (void)wr_server_watch(http->server, socket_fd, EPOLLET | EPOLLRDHUP,
                          &peer->watch);
}

static void peer_end(wr_http *http, void **context) {
    wr_peer *peer = *context;
    *context = NULL;
    http->connections--;
    http->counts.closed++;
    if (peer == NULL)
        return;
    wr_server_unwatch(http->server, peer->fd);
    wr_list_remove(&peer->link);
    if (wr_link_linked(&peer->leaving))
        wr_list_remove(&peer->leaving);
    if (peer->address != NULL)
        address_leave(peer->address);
    free(peer);
}

void wr_peer_notify(void *http, struct MHD_Connection *connection,
                    void **context, enum MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        peer_begin(http, connection, context);
    else
        peer_end(http, context);
}

// ---- accepting -------------------------------------------------------------

// How many connections the address has.
static int address_count(wr_http *http, const struct sockaddr *address) {
    wr_address *entry = address_enter(http, address);
    int count = entry != NULL ? entry->count - 1 : 0;
    if (entry != NULL)
        address_leave(entry);
    return count;
}

static void refuse_connection(wr_http *http, int fd, unsigned status,
                              const char *line) {
    http->counts.refused++;
    send_raw(http, fd, status, line, true);
    (void)shutdown(fd, SHUT_WR);
    linger_begin(http, fd);
}

static void take(wr_http *http, int fd, const struct sockaddr *address,
                 socklen_t size) {
    const wr_config *config = http->server->config;
    if (http->connections >= http->connections_max) {
        refuse_connection(http, fd, 503, "no more connections");
        return;
    }
    if (address_count(http, address) >= config->connections_address) {
        refuse_connection(http, fd, 429, "no more connections of this address");
        return;
    }
    http->connections++;
    http->counts.accepted++;
    http->runnable = true;
    uint64_t closed = http->counts.closed;
    if (MHD_add_connection(http->daemon, fd, address, size) != MHD_YES &&
        closed == http->counts.closed) { // it has closed fd, untold
        http->counts.closed++;
        http->connections--;
    }
}

// Out of descriptors: the spare one makes room to refuse a client properly.
static bool refuse_one(wr_http *http) {
    if (http->spare < 0)
        return false;
    close(http->spare);
    int fd = accept4(http->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        http->counts.refused++;
        send_raw(http, fd, 503, "no more descriptors", true);
        close(fd);
    }
    http->spare = fcntl(http->listener, F_DUPFD_CLOEXEC, 3);
    return fd >= 0;
}

static void on_listener(wr_watch *watch, uint32_t events) {
    wr_http *http = wr_container_of(watch, wr_http, listener_watch);
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE && http->listener >= 0; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        int fd = accept4(http->listener, (struct sockaddr *)&from, &size,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            take(http, fd, (struct sockaddr *)&from, size);
        else if (errno == EMFILE || errno == ENFILE) {
            if (!refuse_one(http))
                return;
        } else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static socklen_t parse_address(const wr_config *config,
                               struct sockaddr_storage *out) {
    memset(out, 0, sizeof(*out));
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, config->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)config->port);
        return sizeof(*v4);
    }
    (void)inet_pton(AF_INET6, config->address, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)config->port);
    return sizeof(*v6);
}

int wr_peer_listen(wr_http *http, wr_nn_why *why) {
    const wr_config *config = http->server->config;
    struct sockaddr_storage address;
    socklen_t size = parse_address(config, &address);
    int on = 1;
    int fd = socket(address.ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0;
    if (good) // after a restart the port may be in use by what is over
        good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    good = good && bind(fd, (struct sockaddr *)&address, size) == 0 &&
           listen(fd, BACKLOG) == 0 &&
           getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    if (!good) {
        int error = errno;
        snprintf(why->text, sizeof(why->text),
                 "cannot listen at %s port %d: %s", config->address,
                 config->port, strerror(error));
        if (fd >= 0)
            close(fd);
        return -error;
    }
    http->listener = fd;
    http->port = ntohs(address.ss_family == AF_INET
                           ? ((struct sockaddr_in *)&address)->sin_port
                           : ((struct sockaddr_in6 *)&address)->sin6_port);
    http->listener_watch.ready = on_listener;
    return 0;
}

int wr_http_accept(wr_http *http) {
    http->spare = fcntl(http->listener, F_DUPFD_CLOEXEC, 3);
    return wr_server_watch(http->server, http->listener, EPOLLIN,
                           &http->listener_watch);
}

static void stop_listening(wr_http *http) {
    if (http->listener < 0)
        return;
    wr_server_unwatch(http->server, http->listener);
    close(http->listener);
    if (http->spare >= 0)
        close(http->spare);
    http->listener = http->spare = -1;
}

// ---- time ------------------------------------------------------------------

// libmicrohttpd sees the end of the connection and does the rest.
static void cut(wr_peer *peer, const char *line) {
    if (peer->cut)
        return;
    peer->cut = true;
    peer->http->runnable = true;
    if (line != NULL) {
        if (peer->exchange != NULL)
            peer->exchange->raw = 408;
        send_raw(peer->http, peer->fd, 408, line, true);
    }
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static void cut_slow(wr_peer *peer) {
    wr_http_counts *counts = &peer->http->counts;
    switch (peer->state) {
    case WR_PEER_IDLE:
        counts->slow_idle++;
        cut(peer, "no request came in time");
        break;
    case WR_PEER_RECEIVING:
        counts->slow_receive++;
        cut(peer, "the body did not come in time");
        break;
    default:
        counts->slow_send++;
        cut(peer, NULL);
        break;
    }
    // Once; it goes when libmicrohttpd has seen it.
    peer->deadline_ns = WEIR_FOREVER;
    wr_list_remove(&peer->link);
    wr_list_push_back(&peer->http->peers[WR_PEER_WORKING], &peer->link);
}

int64_t wr_http_deadline(const wr_http *http) {
    int64_t first = WEIR_FOREVER;
    for (int i = 0; i < WR_PEER_STATES; i++) {
        if (i == WR_PEER_WORKING || wr_list_empty(&http->peers[i]))
            continue;
        int64_t at =
            wr_container_of(http->peers[i].next, wr_peer, link)->deadline_ns;
        first = at < first ? at : first;
    }
    if (!wr_list_empty(&http->lingers)) {
        int64_t at =
            wr_container_of(http->lingers.next, wr_linger, link)->deadline_ns;
        first = at < first ? at : first;
    }
    return first;
}

void wr_http_tick(wr_http *http) {
    int64_t now = weir_now_ns();
    for (int i = 0; i < WR_PEER_STATES; i++) {
        while (i != WR_PEER_WORKING && !wr_list_empty(&http->peers[i])) {
            wr_peer *peer = wr_container_of(http->peers[i].next, wr_peer, link);
            if (peer->deadline_ns > now)
                break;
            cut_slow(peer);
        }
    }
    while (!wr_list_empty(&http->lingers)) {
        wr_linger *linger =
            wr_container_of(http->lingers.next, wr_linger, link);
        if (linger->deadline_ns > now)
            break;
        linger_end(linger);
    }
}

// ---- the end ---------------------------------------------------------------

static void cut_all(wr_http *http, wr_peer_state state) {
    wr_link *list = &http->peers[state];
    for (wr_link *at = list->next; at != list; at = at->next)
        cut(wr_container_of(at, wr_peer, link), NULL);
}

void wr_http_drain(wr_http *http) {
    stop_listening(http);
    http->draining = true;
    cut_all(http, WR_PEER_IDLE);
}

void wr_http_cut(wr_http *http) {
    cut_all(http, WR_PEER_IDLE);
    cut_all(http, WR_PEER_RECEIVING);
    cut_all(http, WR_PEER_SENDING);
}

void wr_http_close(wr_http *http) {
    stop_listening(http);
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
    while (!wr_list_empty(&http->lingers))
        linger_end(wr_container_of(http->lingers.next, wr_linger, link));
}
