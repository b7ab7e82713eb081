// SPDX-License-Identifier: MIT
// One thread, one epoll. A connection serves one request after the other; what
// is pipelined waits in its buffer.
#include "registry.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 1 << 16, AT_ONCE = 64, PIECES = 16 };

typedef struct connection {
    int fd;
    bool second, busy, writing, dead;
    struct connection *before, *after; // of those that wait for a time
    int64_t due;                       // 0: it does not
    size_t in_size;
    size_t sent; // of the answer
    answer answer;
    char in[IN_MAX];
} connection;

static struct {
    model *packages;
    const server_options *options;
    int epoll, timer, signals, listeners[2];
    connection *first, *last; // by their times
    int64_t armed;
    bool stop;
} here;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void watch(int fd, void *what, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(here.epoll, how, fd, &event) != 0)
        registry_die("epoll_ctl", strerror(errno));
}

// ---- times -----------------------------------------------------------------

static void arm(void) {
    int64_t due = here.first != NULL ? here.first->due : 0;
    if (due == here.armed)
        return;
    here.armed = due;
    struct itimerspec at = {
        .it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
    (void)timerfd_settime(here.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

// Most wait for the same span, so that the place is at the end.
static void wait_until(connection *c, int64_t due) {
    connection *before = here.last;
    while (before != NULL && before->due > due)
        before = before->before;
    c->due = due;
    c->before = before;
    c->after = before != NULL ? before->after : here.first;
    *(before != NULL ? &before->after : &here.first) = c;
    *(c->after != NULL ? &c->after->before : &here.last) = c;
}

static void wait_no_more(connection *c) {
    if (c->due == 0)
        return;
    *(c->before != NULL ? &c->before->after : &here.first) = c->after;
    *(c->after != NULL ? &c->after->before : &here.last) = c->before;
    c->due = 0;
}

// ---- one connection --------------------------------------------------------

static void drop(connection *c, bool reset) {
    if (reset) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof(at_once));
    }
    wait_no_more(c);
    if (c->busy && c->answer.counted)
        registry_counters.in_flight--;
    answer_free(&c->answer);
    registry_counters.open--;
    close(c->fd);
    free(c);
}

static void set_events(connection *c) {
    bool full = c->in_size == IN_MAX;
    watch(c->fd, c,
          (full ? 0 : (uint32_t)EPOLLIN) | EPOLLRDHUP |
              (c->writing ? (uint32_t)EPOLLOUT : 0),
          EPOLL_CTL_MOD);
}

static size_t size_of(const answer *a) { return a->head.size + a->total; }

static ssize_t send_some(connection *c) {
    const answer *a = &c->answer;
    struct iovec piece[PIECES];
    size_t count = 0, at = c->sent;
    size_t end = a->drip && c->sent >= a->head.size ? c->sent + 1 : size_of(a);
    if (at < a->head.size) {
        piece[count++] = (struct iovec){a->head.at + at, a->head.size - at};
        at = a->head.size;
    }
    while (at < end && count < PIECES && !(a->drip && c->sent < at)) {
        size_t from = (at - a->head.size) % a->body_size;
        size_t size = a->body_size - from;
        if (size > end - at)
            size = end - at;
        piece[count++] =
            (struct iovec){(void *)(uintptr_t)(a->body + from), size};
        at += size;
    }
    struct msghdr message = {.msg_iov = piece, .msg_iovlen = count};
    return sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// send_answer goes on until all is sent, no more can be, or a time is waited
// for. False: the connection is gone.
static bool send_answer(connection *c) {
    const answer *a = &c->answer;
    bool writing = false;
    while (c->sent < size_of(a)) {
        ssize_t got = send_some(c);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN) {
            writing = true;
            break;
        }
        if (got < 0) {
            drop(c, false);
            return false;
        }
        c->sent += (size_t)got;
        if (a->counted)
            registry_counters.bytes_out += (size_t)got;
        if (a->drip && c->sent < size_of(a)) {
            wait_until(c, now_ns() + here.options->drip_ns);
            return true;
        }
    }
    if (writing != c->writing) {
        c->writing = writing;
        set_events(c);
    }
    if (writing || a->ending == END_STALL)
        return true;
    if (a->ending != END_KEEP) {
        drop(c, a->ending == END_RESET);
        return false;
    }
    if (a->counted) {
        registry_counters.answers++;
        registry_counters.in_flight--;
    }
    answer_free(&c->answer);
    c->busy = false;
    return true;
}

// begin_answer takes a request, if a whole one is there.
static bool begin_answer(connection *c) {
    const char *end = memmem(c->in, c->in_size, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    size_t size = (size_t)(end - c->in) + 4;
    static request asked;
    bool good = request_read(&asked, c->in, size - 2);
    if (!good) {
        drop(c, false);
        return false;
    }
    asked.second = c->second;
    answer_make(&c->answer, here.packages, here.options, &asked);
    bool was_full = c->in_size == IN_MAX;
    c->in_size -= size;
    memmove(c->in, c->in + size, c->in_size);
    if (was_full)
        set_events(c);
    c->busy = true;
    c->sent = 0;
    if (c->answer.counted) {
        counters *n = &registry_counters;
        n->requests++;
        n->bytes_in += size;
        if (++n->in_flight > n->in_flight_max)
            n->in_flight_max = n->in_flight;
    }
    return true;
}

static void serve(connection *c) {
    while (!c->busy && begin_answer(c)) {
        if (here.options->latency_ns > 0 && c->answer.counted)
            wait_until(c, now_ns() + here.options->latency_ns);
        else if (!send_answer(c))
            return;
    }
}

static void receive(connection *c) {
    while (c->in_size < IN_MAX) {
        ssize_t got = read(c->fd, c->in + c->in_size, IN_MAX - c->in_size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            break;
        if (got <= 0) {
            drop(c, false);
            return;
        }
        c->in_size += (size_t)got;
        if (c->in_size < IN_MAX)
            break; // most often there is no more
    }
    if (c->in_size == IN_MAX && !c->busy &&
        memmem(c->in, c->in_size, "\r\n\r\n", 4) == NULL) {
        drop(c, false);
        return;
    }
    if (c->in_size == IN_MAX)
        set_events(c);
    serve(c);
}

static void on_event(connection *c, uint32_t events) {
    if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        drop(c, false);
        return;
    }
    if (events & EPOLLOUT) {
        if (!send_answer(c))
            return;
        if (!c->busy)
            serve(c);
        return; // what can be read, is told again
    }
    if (events & EPOLLIN)
        receive(c);
}

// ---- all of them -----------------------------------------------------------

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection *c = malloc(sizeof(*c));
        if (c == NULL)
            registry_die("out of memory", NULL);
        memset(c, 0, offsetof(connection, in)); // the rest is written first
        c->fd = fd;
        c->second = listener == here.options->second;
        watch(fd, c, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
        registry_counters.connections++;
        if (++registry_counters.open > registry_counters.open_max)
            registry_counters.open_max = registry_counters.open;
    }
}

static void on_time(void) {
    uint64_t times;
    (void)!read(here.timer, &times, sizeof(times));
    here.armed = 0;
    int64_t now = now_ns();
    while (here.first != NULL && here.first->due <= now) {
        connection *c = here.first;
        wait_no_more(c);
        if (send_answer(c) && !c->busy)
            serve(c);
    }
}

static void set_up(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    here.epoll = epoll_create1(EPOLL_CLOEXEC);
    here.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    here.signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (here.epoll < 0 || here.timer < 0 || here.signals < 0)
        registry_die("cannot begin", strerror(errno));
    watch(here.timer, &here.timer, EPOLLIN, EPOLL_CTL_ADD);
    watch(here.signals, &here.stop, EPOLLIN, EPOLL_CTL_ADD);
    for (unsigned i = 0; i < 2; i++)
        if (here.listeners[i] >= 0)
            watch(here.listeners[i], &here.listeners[i], EPOLLIN,
                  EPOLL_CTL_ADD);
    struct stat input;
    if (fstat(0, &input) == 0 && S_ISFIFO(input.st_mode))
        watch(0, &here.stop, 0, EPOLL_CTL_ADD); // its end alone
}

void server_run(model *m, const server_options *options) {
    here.packages = m;
    here.options = options;
    here.listeners[0] = options->listener;
    here.listeners[1] = options->second;
    set_up();
    struct epoll_event events[AT_ONCE];
    while (!here.stop) {
        arm();
        int count = epoll_wait(here.epoll, events, AT_ONCE, -1);
        bool time = false;
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (what == &here.stop)
                here.stop = true;
            else if (what == &here.timer)
                time = true;
            else if (what == &here.listeners[0] || what == &here.listeners[1])
                accept_all(*(int *)what);
            else
                on_event(what, events[i].events);
        }
        if (time) // last: it may drop connections, also of this batch
            on_time();
    }
}
