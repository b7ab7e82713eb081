// SPDX-License-Identifier: MIT
// One `weir deps fetch`: this thread is the network's, the pool does the rest.
// What other threads want of it comes through one descriptor.
#include "programs/deps/command_parts.h"
#include "programs/deps/progress.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { STEPS = 256, TICK_MS = 100, TRACE_EVENTS = 1 << 18, CONNECTIONS = 64 };

typedef struct run {
    const wr_deps_options *options;
    wr_npmrc *config;
    wr_project project;
    wr_depot *store;
    weir_trace *trace;
    weir_pool *pool;
    wr_web *web;
    wr_resolve *resolve;
    wr_deps_progress progress;
    wr_deps_times times;
    wr_wakefd wake;
    int signals, timer; // -1: none
    int signal;         // that came, or 0
    bool over;          // nothing more to wait for
    int status;         // of the resolve
    wr_why why;
    // lock
    wr_mutex lock;
    bool web_wanted, done, kicked;
    int done_status;
} run;

// ---- called on other threads -----------------------------------------------

static void on_done(void *context, wr_resolve *resolve, int status) {
    run *r = context;
    (void)resolve;
    wr_mutex_lock(&r->lock);
    r->done = true;
    r->done_status = status;
    // Under the lock: this thread's last touch of what may go after it.
    wr_wakefd_signal(&r->wake);
    wr_mutex_unlock(&r->lock);
}

static void on_web_needed(void *context) {
    run *r = context;
    wr_mutex_lock(&r->lock);
    r->web_wanted = true;
    wr_wakefd_signal(&r->wake);
    wr_mutex_unlock(&r->lock);
}

static void on_kicked(void *context) {
    run *r = context;
    wr_mutex_lock(&r->lock);
    if (!r->kicked)
        wr_wakefd_signal(&r->wake);
    r->kicked = true;
    wr_mutex_unlock(&r->lock);
}

// ---- events ----------------------------------------------------------------

static void on_event(void *context, int fd);

static int watch(run *r) {
    const int fds[] = {r->wake.read_fd, r->signals, r->timer};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        int error = fds[i] >= 0 ? wr_web_watch(r->web, fds[i], on_event, r) : 0;
        if (error != 0)
            return error;
    }
    return 0;
}

static unsigned connections(const run *r) {
    unsigned set = wr_npmrc_settings(r->config)->maxsockets;
    if (r->options->connections != 0)
        return r->options->connections;
    return set != 0 ? set : CONNECTIONS;
}

static void make_web(run *r) {
    wr_web_options options = {
        .config = r->config,
        .connections_max = connections(r),
        .trace = r->trace,
    };
    wr_why why = {"", ""};
    wr_web *web = NULL;
    int error = wr_web_create(&web, &options, &why);
    if (error == 0) {
        r->web = web;
        error = watch(r);
        if (error != 0) {
            wr_refuse(&why, error, "ENETWORK", "cannot start the network: %s",
                      weir_strerror(error));
            // It would not tell of anything: this thread goes on without it.
            wr_web_destroy(web);
            r->web = NULL;
        }
    }
    if (why.code[0] == '\0' && error != 0)
        wr_refuse(&why, error, "ENETWORK", "cannot start the network");
    // Without a web whatever needs one fails, and the resolve ends.
    wr_resolve_web(r->resolve, error == 0 ? web : NULL, &why);
}

// A deterministic pool has no threads: this one does its work, in between.
static void step(run *r) {
    int left = STEPS;
    while (left > 0 && weir_pool_step(r->pool) == 1)
        left--;
    if (left == 0)
        on_kicked(r);
}

static void on_wake(run *r) {
    wr_wakefd_clear(&r->wake);
    wr_mutex_lock(&r->lock);
    bool web = r->web_wanted, done = r->done;
    bool kicked = r->kicked;
    r->web_wanted = r->kicked = false;
    r->status = r->done_status;
    wr_mutex_unlock(&r->lock);
    if (web)
        make_web(r);
    if (r->options->threads == 0 && (kicked || web))
        step(r);
    if (!done)
        return;
    r->over = true;
    if (r->web != NULL)
        wr_web_stop(r->web);
}

static void on_signal(run *r) {
    struct signalfd_siginfo info;
    while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
        if (r->signal != 0)
            _exit(128 + (int)info.ssi_signo); // once more: at once
        r->signal = (int)info.ssi_signo;
        wr_resolve_cancel(r->resolve);
    }
}

static void on_timer(run *r) {
    uint64_t times;
    wr_resolve_counts counts;
    (void)!read(r->timer, &times, sizeof(times));
    wr_resolve_count(r->resolve, &counts);
    wr_deps_progress_show(&r->progress, &counts);
}

static void on_event(void *context, int fd) {
    run *r = context;
    if (r->over)
        return;
    if (fd == r->signals)
        on_signal(r);
    else if (fd == r->timer)
        on_timer(r);
    else
        on_wake(r);
}

// Until there is a web nothing but these wakes this thread; where everything is
// in the cache there never is one.
static void wait_for_events(run *r) {
    while (!r->over && r->web == NULL) {
        struct pollfd fds[] = {
            {.fd = r->wake.read_fd, .events = POLLIN},
            {.fd = r->signals, .events = POLLIN},
            {.fd = r->timer, .events = POLLIN}, // below 0: left out
        };
        (void)poll(fds, 3, -1);
        for (int i = 0; i < 3; i++)
            if (fds[i].revents != 0 && !r->over)
                on_event(r, fds[i].fd);
    }
    if (!r->over)
        (void)wr_web_run(r->web);
}

// ---- making ----------------------------------------------------------------

static int start_timer(run *r) {
    const wr_deps_options *options = r->options;
    struct itimerspec when = {.it_value = {.tv_nsec = TICK_MS * 1000000},
                              .it_interval = {.tv_nsec = TICK_MS * 1000000}};
    r->progress.on =
        options->progress == WR_SHOW_ALWAYS ||
        (options->progress == WR_SHOW_TERMINAL && isatty(STDERR_FILENO));
    if (!r->progress.on)
        return 0;
    r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (r->timer < 0 || timerfd_settime(r->timer, 0, &when, NULL) != 0)
        return -errno;
    return 0;
}

static int make_pool(run *r) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    int error = 0;
    if (r->options->trace != NULL) {
        weir_trace_options trace = WEIR_TRACE_OPTIONS_INIT;
        trace.events_max = TRACE_EVENTS;
        error = weir_trace_create(&r->trace, &trace);
        if (error == 0)
            weir_trace_start(r->trace);
    }
    options.threads = r->options->threads;
    options.name = "deps";
    options.trace = r->trace;
    if (error == 0)
        error = weir_pool_create(&r->pool, &options);
    if (error == 0)
        error = wr_wakefd_open(&r->wake);
    if (error == 0)
        error = start_timer(r);
    if (error != 0)
        wr_refuse(&r->why, error, "EAGAIN", "cannot start: %s",
                  weir_strerror(error));
    return error;
}

// There is a registry for whatever the project asks for itself.
static int check_registries(run *r, const wr_manifest *manifest) {
    for (size_t i = 0; i < manifest->edges; i++) {
        const wr_edge *edge = &manifest->edge[i];
        if (edge->type == WR_EDGE_WORKSPACE ||
            wr_npmrc_registry_of(r->config, edge->name) != NULL)
            continue;
        return wr_refuse(&r->why, -EINVAL, "ENOREGISTRY",
                         "no registry is configured: set registry=URL in "
                         ".npmrc or npm_config_registry=URL in the "
                         "environment, or give --registry URL");
    }
    return 0;
}

static int read_settings(run *r) {
    const wr_deps_options *options = r->options;
    extern char **environ;
    wr_npmrc_options from = {
        .dir = options->dir,
        .environment = environ,
        .registry = options->registry,
        .cache = options->cache,
    };
    int error = wr_npmrc_read(&r->config, &from, &r->why);
    if (error != 0)
        return error;
    const wr_settings *settings = wr_npmrc_settings(r->config);
    if (settings->before != NULL)
        return wr_refuse(&r->why, -EINVAL, "EUNSUPPORTED",
                         "the setting `before` or `min-release-age` is on "
                         "(%s): not supported yet",
                         settings->before);
    error = wr_project_read(&r->project, options->dir,
                            settings->legacy_peer_deps, &r->why);
    if (error == 0)
        error = check_registries(r, &r->project.root);
    for (size_t i = 0; error == 0 && i < r->project.workspaces; i++)
        error = check_registries(r, &r->project.workspace[i].manifest);
    return error;
}

static void open_store(run *r) {
    const wr_settings *settings = wr_npmrc_settings(r->config);
    wr_why why = {"", ""};
    if (settings->cache == NULL ||
        wr_store_open(&r->store, settings->cache, &why) == 0)
        return;
    r->store = NULL;
    fprintf(stderr, "weir deps: goes on without a cache: %s\n", why.text);
}

static int start(run *r) {
    const wr_deps_options *options = r->options;
    const wr_settings *settings = wr_npmrc_settings(r->config);
    wr_resolve_options resolve = {
        .pool = r->pool,
        .store = r->store,
        .config = r->config,
        .project = &r->project,
        .engine = options->engine,
        .requests_max = connections(r),
        .parse_serially = options->parse_serially,
        .done = on_done,
        .context = r,
        .offline = options->offline,
        .prefer_offline = options->prefer_offline,
        .prefer_online = options->prefer_online,
        .node = options->node,
        .path = getenv("PATH"),
        .memo = r->store != NULL ? settings->cache : NULL,
        .web_needed = on_web_needed,
        .kicked = options->threads == 0 ? on_kicked : NULL,
    };
    return wr_resolve_start(&r->resolve, &resolve, &r->why);
}

// ---- ends ------------------------------------------------------------------

static bool interrupted(run *r) {
    struct signalfd_siginfo info;
    if (r->signal == 0 && read(r->signals, &info, sizeof(info)) == sizeof(info))
        r->signal = (int)info.ssi_signo;
    return r->signal != 0;
}

static int save_trace(run *r) {
    const char *path = r->options->trace;
    char *text = NULL;
    size_t size = 0;
    if (path == NULL)
        return 0;
    weir_trace_stop(r->trace);
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return wr_refuse(&r->why, -ENOMEM, "ENOMEM", "out of memory");
    size_t length = strlen(path);
    bool svg = length > 4 && strcmp(path + length - 4, ".svg") == 0;
    int error =
        svg ? weir_trace_svg(r->trace, out, 0) : weir_trace_json(r->trace, out);
    if (fclose(out) != 0 && error == 0)
        error = -ENOMEM;
    if (error == 0)
        error = wr_deps_save(path, text, size, &r->why);
    else
        wr_refuse(&r->why, error, "EIO", "no timeline: %s",
                  weir_strerror(error));
    free(text);
    return error;
}

static int save_document(run *r) {
    char *text = NULL;
    size_t size = 0;
    int error = wr_resolve_write(r->resolve, &text, &size);
    if (error != 0)
        return wr_refuse(&r->why, error, "ENOMEM", "no document: %s",
                         weir_strerror(error));
    if (!interrupted(r))
        error = wr_deps_save(r->options->output, text, size, &r->why);
    free(text);
    return error;
}

static void say_optional(run *r, const wr_resolve_counts *counts) {
    if (counts->optional_failed != 0 && r->options->verbose)
        fprintf(stderr,
                "weir deps: %llu optional dependencies failed; the document "
                "lists them\n",
                (unsigned long long)counts->optional_failed);
}

static int finish(run *r) {
    wr_resolve_counts counts;
    wr_deps_progress_end(&r->progress);
    r->times.resolved_ns = weir_now_ns();
    int exit_status = 0;
    if (r->signal == 0 && r->status != 0)
        exit_status = wr_deps_report(r->options, r->resolve, r->status);
    else if (r->signal == 0 && save_document(r) != 0)
        exit_status = wr_deps_refuse(r->options, &r->why);
    r->times.written_ns = weir_now_ns();
    if (save_trace(r) != 0 && exit_status == 0)
        exit_status = wr_deps_refuse(r->options, &r->why);
    wr_resolve_count(r->resolve, &counts);
    say_optional(r, &counts);
    if (r->options->verbose)
        wr_deps_figures(&counts, wr_resolve_node(r->resolve), &r->times);
    if (r->signal != 0) {
        fprintf(stderr, "weir deps: %s: ended, nothing was written\n",
                r->signal == SIGINT ? "SIGINT" : "SIGTERM");
        exit_status = 128 + r->signal;
    }
    return exit_status;
}

static int with_signals(run *r) {
    int error = make_pool(r);
    if (error == 0) {
        open_store(r);
        r->times.ready_ns = weir_now_ns();
        error = start(r);
    }
    if (error != 0)
        return wr_deps_refuse(r->options, &r->why);
    if (r->options->threads == 0)
        on_kicked(r);
    wait_for_events(r);
    return finish(r);
}

// What others see is closed: connections, the store, descriptors. The rest is
// memory, a great many pieces of it, which the system takes back faster.
static void close_all(run *r) {
    if (r->resolve != NULL)
        wr_resolve_settle(r->resolve);
    wr_web_destroy(r->web);
    wr_store_close(r->store);
    if (r->pool != NULL)
        weir_pool_destroy(r->pool);
    if (r->wake.read_fd >= 0)
        wr_wakefd_close(&r->wake);
    if (r->timer >= 0)
        close(r->timer);
    if (r->signals >= 0)
        close(r->signals);
}

static run *last; // keeps that memory in sight of whoever looks for leaks

// What is opened later shall not be taken for standard output: that would be
// written into the cache's files. A write into one that was closed still fails.
static void hold_standard(void) {
    int file;
    do
        file = open("/dev/null", O_RDONLY);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0)
        close(file);
}

// While nobody looks at the signals' descriptor: at the beginning, when there
// is nothing to tidy up yet, and while standard output or a pipe takes its
// time.
static void leave(int which) {
    static const char line[] = "weir deps: ended by a signal (SIGTERM)\n";
    static const char other[] = "weir deps: ended by a signal (SIGINT)\n";
    (void)!(which == SIGINT ? write(STDERR_FILENO, other, sizeof(other) - 1)
                            : write(STDERR_FILENO, line, sizeof(line) - 1));
    _exit(128 + which);
}

// What is ignored stays so.
static void leave_on(int which) {
    struct sigaction now, then = {.sa_handler = leave};
    sigfillset(&then.sa_mask);
    if (sigaction(which, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)sigaction(which, &then, NULL);
}

int wr_deps_fetch(const wr_deps_options *options) {
    sigset_t signals;
    run *r = calloc(1, sizeof(*r));
    hold_standard();
    leave_on(SIGINT);
    leave_on(SIGTERM);
    if (r == NULL) {
        fputs("weir deps: ENOMEM out of memory\n", stderr);
        return 1;
    }
    last = r;
    r->options = options;
    r->wake.read_fd = r->wake.write_fd = r->signals = r->timer = -1;
    wr_mutex_init(&r->lock);
    signal(SIGPIPE, SIG_IGN);
    r->times.begin_ns = weir_now_ns();
    if (read_settings(r) != 0)
        return wr_deps_refuse(options, &r->why);
    // Blocked before there are threads: they inherit it. And for good: once all
    // is written a signal changes nothing.
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    r->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    int status = with_signals(r);
    close_all(r);
    return status;
}
