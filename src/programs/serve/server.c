// SPDX-License-Identifier: MIT
#include "programs/serve/server.h"

#include "programs/serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "programs/serve/server_load.h"

enum { EVENTS = 128, SPARE_DESCRIPTORS = 64 };
static const int64_t hard_ns = INT64_C(2000000000); // for the last answers

void wr_server_log(wr_server *server, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("weir serve: ", server->log);
    vfprintf(server->log, format, arguments);
    fputc('\n', server->log);
    va_end(arguments);
    fflush(server->log);
}

// ---- epoll -----------------------------------------------------------------

int wr_server_watch(wr_server *server, int fd, uint32_t events,
                    wr_watch *watch) {
    struct epoll_event event = {.events = events, .data = {.ptr = watch}};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0
                                                                    : -errno;
}

void wr_server_unwatch(wr_server *server, int fd) {
    (void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, fd, NULL);
}

// ---- stopping --------------------------------------------------------------

static void on_stopped(wr_service *service, void *context) {
    wr_server *server = context;
    (void)service;
    server->service_stopped = true;
}

static void stop_service(wr_server *server, int hard) {
    server->service_stopping = true;
    wr_service_stop(server->service, hard, on_stopped, server);
}

static void begin_stop(wr_server *server, const char *why) {
    server->state = WR_SERVER_DRAINING;
    server->stop_ns = weir_now_ns() + server->config->shutdown_ns;
    wr_server_log(server, "%s: no new connections; %d requests are here", why,
                  server->http.exchanges);
    wr_http_drain(&server->http);
}

static int report(wr_server *server);

static void begin_hard(wr_server *server, const char *why) {
    if (server->state == WR_SERVER_HARD)
        return;
    wr_server_log(server, "%s: what is left (%d requests) ends now", why,
                  server->http.exchanges);
    if (server->state < WR_SERVER_DRAINING)
        wr_http_drain(&server->http);
    server->state = WR_SERVER_HARD;
    server->stop_ns = weir_now_ns() + hard_ns;
    if (!server->service_stopped)
        stop_service(server, 1);
}

static void on_signal(wr_watch *watch, uint32_t events) {
    wr_server *server = wr_container_of(watch, wr_server, signal_watch);
    struct signalfd_siginfo info;
    (void)events;
    while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
        const char *name = info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
        if (server->state < WR_SERVER_DRAINING)
            begin_stop(server, name);
        else
            begin_hard(server, name);
    }
}

// What a stop waits for, one after the other: requests to be whole, the work to
// end, the answers to be taken.
static bool stopped(wr_server *server) {
    if (server->state < WR_SERVER_DRAINING)
        return false;
    if (!server->service_stopping && server->http.receiving == 0)
        stop_service(server, 0);
    return server->service_stopped && server->http.exchanges == 0 &&
           weir_loop_pending(server->loop) == 0;
}

static void tick_stop(wr_server *server) {
    if (server->state < WR_SERVER_DRAINING || weir_now_ns() < server->stop_ns)
        return;
    if (server->state == WR_SERVER_DRAINING) {
        begin_hard(server, "the time to shut down is over");
        return;
    }
    // Answers that nobody takes, requests that do not come.
    wr_http_cut(&server->http);
    if (!server->cut) {
        server->cut = true;
        server->stop_ns = weir_now_ns() + hard_ns;
        return;
    }
    // An operator looks up between its parts alone; nobody waits for years.
    wr_server_log(server, "what runs does not end: given up");
    (void)report(server);
    fflush(server->log);
    _exit(1);
}

// ---- the loop --------------------------------------------------------------

static void on_timer(wr_watch *watch, uint32_t events) {
    wr_server *server = wr_container_of(watch, wr_server, timer_watch);
    uint64_t times;
    (void)events;
    (void)!read(server->timer, &times, sizeof(times));
    server->timer_ns = WEIR_FOREVER;
}

static void on_loop(wr_watch *watch, uint32_t events) {
    (void)watch; // the round drains it
    (void)events;
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

// Sets the timer to the next thing to do: epoll's own is too coarse for
// batches. It is left alone where it rings early enough.
static void set_timer(wr_server *server) {
    int64_t at = wr_http_deadline(&server->http);
    at = earlier(at, wr_service_next_deadline(server->service));
    at = earlier(at, weir_loop_next_deadline(server->loop));
    if (server->state >= WR_SERVER_DRAINING)
        at = earlier(at, server->stop_ns);
    if (at >= server->timer_ns)
        return;
    server->timer_ns = at;
    if (at < 1)
        at = 1; // 0 would switch it off
    struct itimerspec when = {
        .it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};
    (void)timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void round_of(wr_server *server) {
    struct epoll_event events[EVENTS];
    set_timer(server);
    int count = epoll_wait(server->epoll, events, EVENTS,
                           server->http.runnable ? 0 : -1);
    for (int i = 0; i < count; i++) {
        wr_watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
    // Connections are freed from here on, after the events that name them.
    wr_http_tick(&server->http);
    tick_stop(server);
    wr_http_run(&server->http);
    (void)weir_loop_drain_spin(server->loop);
    wr_service_tick(server->service);
    wr_http_run(&server->http); // answers that have become known
}

// ---- opening and closing ---------------------------------------------------

static int fail(wr_nn_why *why, int error, const char *what) {
    snprintf(why->text, sizeof(why->text), "%s: %s", what,
             weir_strerror(error));
    return error;
}

// As many descriptors as connections need, or fewer connections.
static void raise_descriptors(wr_server *server) {
    struct rlimit limit;
    rlim_t wanted =
        (rlim_t)server->config->connections + WR_LINGER_MAX + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return;
    rlim_t other = WR_LINGER_MAX + SPARE_DESCRIPTORS;
    rlim_t rest = limit.rlim_cur > other + 16 ? limit.rlim_cur - other : 16;
    if (rest >= (rlim_t)server->config->connections)
        return;
    server->connections_max = (int)rest;
    wr_server_log(server,
                  "only %d connections: the limit of descriptors is %" PRIu64,
                  server->connections_max, (uint64_t)limit.rlim_cur);
}

static int open_epoll(wr_server *server, const sigset_t *signals,
                      wr_nn_why *why) {
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    server->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->epoll < 0 || server->timer < 0 || server->signals < 0)
        return fail(why, -errno, "cannot start the event loop");
    server->timer_ns = WEIR_FOREVER;
    server->timer_watch.ready = on_timer;
    server->signal_watch.ready = on_signal;
    server->loop_watch.ready = on_loop;
    int error =
        wr_server_watch(server, server->timer, EPOLLIN, &server->timer_watch);
    if (error == 0)
        error = wr_server_watch(server, server->signals, EPOLLIN,
                                &server->signal_watch);
    return error == 0 ? 0 : fail(why, error, "cannot start the event loop");
}

static int open_pool(wr_server *server, wr_nn_why *why) {
    const wr_config *config = server->config;
    weir_pool_options pool = WEIR_POOL_OPTIONS_INIT;
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    weir_trace_options trace = WEIR_TRACE_OPTIONS_INIT;
    int error = 0;
    if (config->trace) {
        trace.events_max = (unsigned)config->trace_events;
        error = weir_trace_create(&server->trace, &trace);
        if (error == 0)
            weir_trace_start(server->trace);
    }
    pool.threads = config->threads;
    pool.name = "serve";
    pool.measure = 1;
    pool.trace = server->trace;
    if (error == 0)
        error = weir_pool_create(&server->pool, &pool);
    if (error != 0)
        return fail(why, error, "cannot start the pool");
    loop.name = "serve";
    loop.trace = server->trace;
    error = weir_loop_create(&server->loop, &loop);
    if (error == 0)
        error = wr_server_watch(server, weir_loop_fd(server->loop), EPOLLIN,
                                &server->loop_watch);
    if (error == 0)
        error = weir_metrics_create(&server->metrics);
    if (error == 0)
        error = weir_metrics_add_pool(server->metrics, server->pool, "serve");
    if (error == 0)
        error = weir_metrics_add_loop(server->metrics, server->loop, "serve");
    return error == 0 ? 0 : fail(why, error, "cannot start the loop");
}

static int open_service(wr_server *server, wr_nn_why *why) {
    wr_service_options options = server->config->service;
    options.loop = server->loop;
    options.pool = server->pool;
    int error = wr_service_create(&server->service, &options);
    return error == 0 ? 0 : fail(why, error, "cannot start the service");
}

static void close_fd(int fd) {
    if (fd >= 0)
        close(fd);
}

static void close_all(wr_server *server) {
    wr_http_close(&server->http);
    if (server->service != NULL)
        wr_service_destroy(server->service);
    weir_metrics_destroy(server->metrics);
    if (server->loop != NULL)
        weir_loop_destroy(server->loop);
    if (server->pool != NULL)
        weir_pool_destroy(server->pool);
    weir_trace_destroy(server->trace);
    wr_books_free(server);
    close_fd(server->signals);
    close_fd(server->timer);
    close_fd(server->epoll);
}

// The counts. 0: whoever asked was answered, or had left.
static int report(wr_server *server) {
    const wr_http_counts *c = &server->http.counts;
    wr_service_counts s;
    wr_service_count(server->service, &s);
    uint64_t answered = 0;
    for (int i = 0; i < 6; i++)
        answered += c->answered[i];
    wr_server_log(server,
                  "connections %" PRIu64 " closed %" PRIu64 " refused %" PRIu64
                  " slow %" PRIu64,
                  c->accepted, c->closed, c->refused,
                  c->slow_idle + c->slow_receive + c->slow_send);
    wr_server_log(server,
                  "requests %" PRIu64 " answered %" PRIu64 " (2xx %" PRIu64
                  " 4xx %" PRIu64 " 5xx %" PRIu64 ") gone %" PRIu64
                  " cut %" PRIu64,
                  c->requests, answered, c->answered[2], c->answered[4],
                  c->answered[5], c->gone, c->cut);
    wr_server_log(server,
                  "inferences %" PRIu64 " succeeded %" PRIu64 " failed %" PRIu64
                  " cancelled %" PRIu64 " timed_out %" PRIu64
                  " shut_down %" PRIu64 " refused %" PRIu64,
                  s.requests, s.succeeded, s.failed, s.cancelled, s.timed_out,
                  s.shut_down, s.refused);
    bool good = c->requests == answered + c->gone && c->cut == 0 &&
                s.shut_down == 0 && s.pending == 0 &&
                s.requests == s.succeeded + s.failed + s.cancelled +
                                  s.timed_out + s.shut_down;
    return good ? 0 : 1;
}

static void run(wr_server *server) {
    while (!stopped(server))
        round_of(server);
    wr_http_cut(&server->http); // connections that have no request
    wr_http_close(&server->http);
}

int wr_server_run(const wr_config *config, const wr_server_model *models,
                  int count, FILE *log) {
    wr_server *server = calloc(1, sizeof(*server));
    wr_nn_why why = {""};
    sigset_t signals, before;
    if (server == NULL) {
        fputs("weir serve: no memory\n", log);
        return 1;
    }
    server->config = config;
    server->log = log;
    server->connections_max = config->connections;
    server->epoll = server->timer = server->signals = -1;
    server->http.listener = server->http.spare = -1;
    wr_list_init(&server->readings);
    wr_list_init(&server->http.lingers);
    // Blocked before there are threads: they inherit it.
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    signal(SIGPIPE, SIG_IGN);
    int status = 1;
    raise_descriptors(server);
    int error = open_epoll(server, &signals, &why);
    if (error == 0)
        error = wr_http_open(&server->http, server, &why);
    if (error == 0)
        error = open_pool(server, &why);
    if (error == 0)
        error = open_service(server, &why);
    if (error == 0) {
        wr_server_load(server, models, count);
        run(server);
        status = report(server);
        if (server->failed != 0)
            status = 1;
    } else {
        wr_server_log(server, "%s", why.text);
    }
    close_all(server);
    free(server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
