// SPDX-License-Identifier: MIT
#include "deps/scripted.h"

#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t take(scripted_peer *peer, void *bytes, size_t size) {
    return peer->server->take != NULL ? peer->server->take(peer, bytes, size)
                                      : recv(peer->fd, bytes, size, 0);
}

bool scripted_send(scripted_peer *peer, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = peer->server->give != NULL
                           ? peer->server->give(peer, at, size)
                           : send(peer->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool scripted_say(scripted_peer *peer, const char *format, ...) {
    char text[8192];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    CHECK(size >= 0 && (size_t)size < sizeof(text));
    return scripted_send(peer, text, (size_t)size);
}

bool scripted_pieces(scripted_peer *peer, const char *text) {
    for (; *text != '\0'; text++)
        if (!scripted_send(peer, text, 1))
            return false;
    return true;
}

bool scripted_reset(scripted_peer *peer) {
    struct linger now = {1, 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return false;
}

void scripted_hold(scripted_peer *peer) {
    scripted *server = peer->server;
    pthread_mutex_lock(&server->lock);
    while (!server->released)
        pthread_cond_wait(&server->news, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void scripted_release(scripted *server) {
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
}

void scripted_await(scripted *server, unsigned requests) {
    pthread_mutex_lock(&server->lock);
    while (server->requests < requests)
        pthread_cond_wait(&server->news, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

const char *scripted_header(const char *request, const char *name, char *out,
                            size_t size) {
    out[0] = '\0';
    size_t length = strlen(name);
    for (const char *line = request; line != NULL;
         line = strstr(line, "\r\n")) {
        line += line == request ? 0 : 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            value += strspn(value, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
            return out;
        }
    }
    return out;
}

static void count_in(scripted *server) {
    pthread_mutex_lock(&server->lock);
    server->requests++;
    if (++server->inside > server->inside_max)
        server->inside_max = server->inside;
    pthread_cond_broadcast(&server->news);
    pthread_mutex_unlock(&server->lock);
}

static void count_out(scripted *server) {
    pthread_mutex_lock(&server->lock);
    server->inside--;
    pthread_mutex_unlock(&server->lock);
}

// One request, ended by an empty line, alone in the buffer: this client does
// not send the next one before it has an answer.
static bool read_request(scripted_peer *peer) {
    size_t size = 0;
    while (size + 1 < sizeof(peer->request)) {
        ssize_t more =
            take(peer, peer->request + size, sizeof(peer->request) - 1 - size);
        if (more <= 0)
            return false;
        size += (size_t)more;
        peer->request[size] = '\0';
        if (strstr(peer->request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void *serve(void *context) {
    scripted_peer *peer = context;
    scripted *server = peer->server;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    bool kept = server->greet == NULL || server->greet(peer);
    while (kept && read_request(peer)) {
        count_in(server);
        kept = server->play(peer, peer->request);
        count_out(server);
        peer->served++;
    }
    if (server->part != NULL)
        server->part(peer);
    pthread_mutex_lock(&server->lock);
    close(peer->fd);
    peer->gone = true;
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void *listen_all(void *context) {
    scripted *server = context;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        pthread_mutex_lock(&server->lock);
        if (server->stopping) {
            close(fd);
        } else {
            CHECK(server->accepted < SCRIPTED_PEERS);
            scripted_peer *peer = calloc(1, sizeof(*peer));
            CHECK(peer != NULL);
            peer->server = server;
            peer->fd = fd;
            server->peers[server->accepted++] = peer;
            CHECK(pthread_create(&peer->thread, NULL, serve, peer) == 0);
        }
        pthread_mutex_unlock(&server->lock);
    }
}

void scripted_start(scripted *server) {
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->news, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(server->listener >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(bind(server->listener, (void *)&address, size) == 0);
    CHECK(listen(server->listener, 512) == 0);
    CHECK(getsockname(server->listener, (void *)&address, &size) == 0);
    server->port = ntohs(address.sin_port);
    CHECK(pthread_create(&server->thread, NULL, listen_all, server) == 0);
}

void scripted_stop(scripted *server) {
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    scripted_release(server);
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->accepted; i++)
        if (!server->peers[i]->gone)
            shutdown(server->peers[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < server->accepted; i++) {
        pthread_join(server->peers[i]->thread, NULL);
        free(server->peers[i]);
    }
    pthread_cond_destroy(&server->news);
    pthread_mutex_destroy(&server->lock);
}
