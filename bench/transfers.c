// SPDX-License-Identifier: MIT
// What the HTTP transfers of a resolve cost alone: asks the loopback registry
// for all its packages, so many at a time, each connection one after the other,
// and throws away what comes. Nothing is inflated, nothing is found out.
//
//   bench_transfers PORT CONNECTIONS
//
// Prints lines "name value unit".
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, HEAD_MAX = 4096, PART = 1 << 17 };

typedef struct connection {
    int fd;
    size_t head_size; // 0 once it is read
    size_t left;      // of the body
    char head[HEAD_MAX];
} connection;

static connection all[CONNECTIONS_MAX];
static char *names, *next_name; // lines
static size_t answers, bytes;

static _Noreturn void die(const char *what) {
    fprintf(stderr, "bench_transfers: %s: %s\n", what, strerror(errno));
    exit(2);
}

static double clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int connect_to(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void ask(connection *c, const char *name, size_t size) {
    static const char format[] =
        "GET /%.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n"
        "Accept: application/vnd.npm.install-v1+json\r\n\r\n";
    char request[HEAD_MAX];
    int made = snprintf(request, sizeof(request), format, (int)size, name);
    if (write(c->fd, request, (size_t)made) != made)
        die("write");
    c->head_size = c->left = 0;
}

// False: there are no more.
static int ask_next(connection *c) {
    char *end = strchr(next_name, '\n');
    if (end == NULL)
        return 0;
    ask(c, next_name, (size_t)(end - next_name));
    next_name = end + 1;
    return 1;
}

// Takes what came. True: the answer is complete.
static int take(connection *c, const char *part, size_t size) {
    bytes += size;
    if (c->left > 0) {
        c->left -= size;
        return c->left == 0;
    }
    size_t room = HEAD_MAX - 1 - c->head_size;
    size_t taken = size < room ? size : room;
    memcpy(c->head + c->head_size, part, taken);
    c->head[c->head_size + taken] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        c->head_size += taken;
        return 0;
    }
    char *length = strstr(c->head, "Content-Length: ");
    if (length == NULL || strncmp(c->head, "HTTP/1.1 200", 12) != 0)
        die("not the answer that is wanted");
    size_t head = (size_t)(end + 4 - c->head) - c->head_size;
    c->left = strtoul(length + 16, NULL, 10) - (size - head);
    return c->left == 0;
}

static void read_names(int port) {
    connection *c = &all[0];
    size_t size = 0, room = 1 << 22;
    names = calloc(1, room);
    if (names == NULL)
        die("memory");
    c->fd = connect_to(port);
    ask(c, "-/names", 7);
    for (int done = 0; !done;) {
        ssize_t got = read(c->fd, names + size, room - 1 - size);
        if (got <= 0)
            die("read");
        done = take(c, names + size, (size_t)got);
        size += (size_t)got;
    }
    close(c->fd);
    next_name = strstr(names, "\r\n\r\n") + 4;
    bytes = 0;
}

int main(int argc, char **argv) {
    static char part[PART];
    int port = argc == 3 ? atoi(argv[1]) : 0;
    int count = argc == 3 ? atoi(argv[2]) : 0;
    if (port <= 0 || count <= 0 || count > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: bench_transfers PORT CONNECTIONS\n");
        return 2;
    }
    read_names(port);
    double begun = clock_ms();
    int epoll = epoll_create1(EPOLL_CLOEXEC), under_way = 0;
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = connect_to(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
            die("epoll_ctl");
        under_way += ask_next(&all[i]);
    }
    while (under_way > 0) {
        struct epoll_event event[64];
        int ready = epoll_wait(epoll, event, 64, -1);
        for (int i = 0; i < ready; i++) {
            connection *c = event[i].data.ptr;
            ssize_t got = read(c->fd, part, sizeof(part));
            if (got <= 0)
                die("read");
            if (take(c, part, (size_t)got)) {
                answers++;
                under_way -= !ask_next(c);
            }
        }
    }
    printf("wall %.2f ms\nanswers %zu 1\nreceived %zu bytes\n",
           clock_ms() - begun, answers, bytes);
    return 0;
}
