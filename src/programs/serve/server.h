// SPDX-License-Identifier: MIT
//
// A server: a loop (epoll), the wire on it, a pool beside it, the service
// between them.
//
//   threads    the one that calls wr_server_run, which is the loop's.
//   errors     0 or a negative errno with one line in *why.
#ifndef WEIR_PROGRAMS_SERVE_SERVER_H
#define WEIR_PROGRAMS_SERVE_SERVER_H

#include "programs/serve/http.h"

#include "weir/observe.h"

typedef enum wr_server_state {
    WR_SERVER_LOADING, // the models of the command line
    WR_SERVER_OPEN,
    WR_SERVER_DRAINING,
    WR_SERVER_HARD, // whatever is left ends now
} wr_server_state;

typedef struct wr_server_model {
    const char *name;
    const char *path;
} wr_server_model;

struct wr_server {
    const wr_config *config;
    wr_server_state state;
    int epoll, timer, signals; // descriptors
    wr_watch timer_watch, signal_watch, loop_watch;
    int64_t timer_ns; // what the timer is set to
    weir_pool *pool;
    weir_loop *loop;
    weir_trace *trace; // or NULL
    weir_metrics *metrics;
    size_t reading;   // bytes of JSON that is read on the pool
    wr_link readings; // who waits to be
    bool observing;   // a call has metrics or the trace
    wr_service *service;
    bool service_stopping, service_stopped;
    int connections_max; // as descriptors allow
    wr_book *books;      // dictionaries, see routes_text.c
    int pictures;        // that are being read
    wr_http http;
    int64_t stop_ns; // when draining gets hard, and hard gets over
    bool cut;        // connections were ended after it got hard
    int failed;      // why it stops: a model of the command line
    FILE *log;       // progress lines
};

// wr_server_run does everything, from opening to the counts at the end. Returns
// the exit status: 0: all that was accepted was answered.
int wr_server_run(const wr_config *config, const wr_server_model *models,
                  int count, FILE *log);

int wr_server_watch(wr_server *server, int fd, uint32_t events,
                    wr_watch *watch);
void wr_server_unwatch(wr_server *server, int fd);

// wr_server_log writes a line: "weir serve: ...".
__attribute__((format(printf, 2, 3))) void
wr_server_log(wr_server *server, const char *format, ...);

#endif
