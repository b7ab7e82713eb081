// SPDX-License-Identifier: MIT
#include "programs/deps/web_inside.h"

#include "base/fault.h"
#include "weir/base.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// What an event is about: the upper half of epoll's data.
enum { ABOUT_SOCKET, ABOUT_WAKE, ABOUT_LOOP, ABOUT_WATCHER };
enum { EVENTS = 128, UNTOLD_MS = 10 };

_Static_assert(sizeof(wr_web_inside) <= sizeof(((wr_web_request *)0)->private_),
               "private_ is too small");

static uint64_t tag(unsigned about, int fd) {
    return (uint64_t)about << 32 | (uint32_t)fd;
}

static int poll_add(wr_web *web, unsigned about, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag(about, fd)};
    return epoll_ctl(web->poll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

// ---- create and destroy ----------------------------------------------------

static int open_curl(wr_web *web) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    web->started = true;
    web->multi = wr_fault(WR_FAULT_ALLOC) ? NULL : curl_multi_init();
    if (web->multi == NULL)
        return -ENOMEM;
    long kept = web->connections_max < 128 ? 256 : 2L * web->connections_max;
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, wr_web_on_socket);
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, wr_web_on_timer);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS, kept);
    return 0;
}

static int open_all(wr_web *web, const wr_web_options *options) {
    int error = wr_wakefd_open(&web->wake);
    if (error != 0) {
        web->wake.read_fd = -1;
        return error;
    }
    web->poll = epoll_create1(EPOLL_CLOEXEC);
    if (web->poll < 0)
        return -errno;
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    loop.name = "web";
    loop.trace = options->trace;
    error = weir_loop_create(&web->loop, &loop);
    if (error == 0)
        error = poll_add(web, ABOUT_WAKE, web->wake.read_fd);
    if (error == 0)
        error = poll_add(web, ABOUT_LOOP, weir_loop_fd(web->loop));
    return error == 0 ? open_curl(web) : error;
}

int wr_web_create(wr_web **out, const wr_web_options *options, wr_why *why) {
    wr_web *web = wr_calloc(1, sizeof(*web));
    if (web == NULL)
        return wr_refuse(why, -ENOMEM, "ENOMEM", "out of memory");
    web->config = options->config;
    web->settings = wr_npmrc_settings(options->config);
    web->connections_max = options->connections_max;
    if (web->connections_max == 0)
        web->connections_max = web->settings->maxsockets;
    if (web->connections_max == 0)
        web->connections_max = 64;
    web->bytes_max =
        options->bytes_max == 0 ? (size_t)128 << 20 : options->bytes_max;
    web->patience_ns = web->settings->fetch_timeout_ms <= 0
                           ? WEIR_FOREVER
                           : web->settings->fetch_timeout_ms * 1000000;
    web->poll = -1;
    web->wake.read_fd = -1;
    web->timer_ns = WEIR_FOREVER;
    wr_mutex_init(&web->lock);
    wr_list_init(&web->hosts);
    wr_list_init(&web->idle);
    wr_list_init(&web->deadlines);
    wr_list_init(&web->posted);
    wr_list_init(&web->cancels);

    int error = wr_web_curl(why);
    if (error == 0)
        error = wr_web_check(web, why);
    if (error == 0) {
        error = open_all(web, options);
        if (error != 0)
            wr_refuse(why, error, "EWEB", "no HTTP client: %s",
                      strerror(-error));
    }
    if (error != 0) {
        wr_web_destroy(web);
        return error;
    }
    *out = web;
    return 0;
}

void wr_web_destroy(wr_web *web) {
    if (web == NULL)
        return;
    for (wr_link *link; (link = wr_list_pop_front(&web->idle)) != NULL;)
        wr_web_transfer_free((wr_web_transfer *)(void *)link);
    for (wr_link *link; (link = wr_list_pop_front(&web->hosts)) != NULL;)
        wr_free(link);
    if (web->multi != NULL)
        curl_multi_cleanup(web->multi);
    if (web->started)
        curl_global_cleanup();
    weir_loop_destroy(web->loop);
    if (web->poll >= 0)
        close(web->poll);
    if (web->wake.read_fd >= 0)
        wr_wakefd_close(&web->wake);
    wr_mutex_fini(&web->lock);
    free(web->sockets);
    free(web->watchers);
    wr_free(web);
}

weir_loop *wr_web_loop(wr_web *web) { return web->loop; }

void wr_web_count(wr_web *web, wr_web_counts *out) { *out = web->counts; }

// ---- what other threads post -----------------------------------------------

// One wake-up for all that is posted while the loop sleeps; none while it is
// awake, because it looks again before it sleeps.
static void post_end(wr_web *web) {
    bool wake = web->asleep;
    web->asleep = false;
    wr_mutex_unlock(&web->lock);
    if (wake)
        wr_wakefd_signal(&web->wake);
}

int wr_web_start(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    memset(inside, 0, sizeof(*inside));
    request->why.code[0] = request->why.text[0] = '\0';
    request->answer = 0;
    request->body = NULL;
    request->body_size = 0;
    wr_mutex_lock(&web->lock);
    wr_list_push_back(&web->posted, &inside->link);
    post_end(web);
    return 0;
}

void wr_web_cancel(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    wr_mutex_lock(&web->lock);
    if (!inside->over && !wr_link_linked(&inside->cancel))
        wr_list_push_back(&web->cancels, &inside->cancel);
    post_end(web);
}

void wr_web_stop(wr_web *web) {
    wr_mutex_lock(&web->lock);
    web->stop = true;
    post_end(web);
}

// Whoever was cancelled first; he is posted no more, if he was.
static wr_web_request *next_cancel(wr_web *web) {
    wr_mutex_lock(&web->lock);
    wr_link *link = wr_list_pop_front(&web->cancels);
    wr_web_inside *inside = NULL;
    if (link != NULL) {
        inside = (void *)((char *)link - offsetof(wr_web_inside, cancel));
        if (!inside->begun)
            wr_list_remove(&inside->link);
    }
    wr_mutex_unlock(&web->lock);
    return inside == NULL ? NULL : wr_web_request_of(inside);
}

static void take_posted(wr_web *web) {
    wr_link posted;
    wr_list_init(&posted);
    wr_mutex_lock(&web->lock);
    wr_list_splice_back(&posted, &web->posted);
    bool cancels = !wr_list_empty(&web->cancels);
    wr_mutex_unlock(&web->lock);
    for (wr_link *link; (link = wr_list_pop_front(&posted)) != NULL;)
        wr_web_begin(web, wr_web_request_of((wr_web_inside *)(void *)link));
    for (wr_web_request *request;
         cancels && (request = next_cancel(web)) != NULL;)
        wr_web_drop(web, request);
}

// ---- the loop --------------------------------------------------------------

// wr_web_watch has few users: a list will do.
static wr_web_watcher *watcher_of(wr_web *web, int fd) {
    for (size_t i = 0; i < web->watchers_count; i++)
        if (web->watchers[i].fd == fd)
            return &web->watchers[i];
    return NULL;
}

int wr_web_watch(wr_web *web, int fd, void (*ready)(void *context, int fd),
                 void *context) {
    wr_web_watcher *watcher = watcher_of(web, fd);
    if (ready == NULL) {
        if (watcher == NULL)
            return -ENOENT;
        *watcher = web->watchers[--web->watchers_count];
        epoll_ctl(web->poll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (watcher == NULL) {
        if (web->watchers_count == web->watchers_size) {
            size_t size = web->watchers_size * 2 + 4;
            void *larger =
                wr_fault(WR_FAULT_ALLOC)
                    ? NULL
                    : realloc(web->watchers, size * sizeof(*watcher));
            if (larger == NULL)
                return -ENOMEM;
            web->watchers = larger;
            web->watchers_size = size;
        }
        int error = poll_add(web, ABOUT_WATCHER, fd);
        if (error != 0)
            return error;
        watcher = &web->watchers[web->watchers_count++];
    }
    *watcher = (wr_web_watcher){fd, ready, context};
    return 0;
}

static void take_event(wr_web *web, const struct epoll_event *event) {
    int fd = (int)(uint32_t)event->data.u64;
    switch (event->data.u64 >> 32) {
    case ABOUT_SOCKET: wr_web_ready(web, fd, event->events); break;
    case ABOUT_WAKE: wr_wakefd_clear(&web->wake); break;
    case ABOUT_LOOP: weir_loop_drain(web->loop); break;
    default: {
        wr_web_watcher *watcher = watcher_of(web, fd);
        if (watcher != NULL)
            watcher->ready(watcher->context, fd);
    }
    }
}

static void take_finished(wr_web *web) {
    int left;
    for (CURLMsg *message;
         (message = curl_multi_info_read(web->multi, &left)) != NULL;) {
        void *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        wr_web_over(transfer, code);
    }
}

static void pump_known(wr_web *web) {
    web->looked_up = false;
    for (wr_link *link = web->hosts.next; link != &web->hosts;
         link = link->next)
        wr_web_pump(web, (wr_web_host *)(void *)link);
}

// Until nothing is left that could be done now, but not forever.
static void work(wr_web *web) {
    enum { ROUNDS = 16 };
    take_posted(web);
    if (web->untold)
        wr_web_tell_again(web);
    for (int i = 0; i < ROUNDS; i++) {
        if (web->timer_ns <= web->now_ns) {
            web->timer_ns = WEIR_FOREVER;
            int running;
            curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0,
                                     &running);
        }
        take_finished(web);
        if (web->looked_up)
            pump_known(web);
        if (web->timer_ns > web->now_ns)
            break;
    }
    wr_web_expire(web);
}

static int64_t next_ns(wr_web *web) {
    int64_t next = web->timer_ns;
    if (!wr_list_empty(&web->deadlines)) {
        wr_web_transfer *first = (void *)web->deadlines.next;
        next = first->deadline_ns < next ? first->deadline_ns : next;
    }
    int64_t calls = weir_loop_next_deadline(web->loop);
    return calls < next ? calls : next;
}

// How long epoll may sleep, rounded up; 0 if there is something to do.
static int patience(wr_web *web) {
    int64_t next = next_ns(web);
    wr_mutex_lock(&web->lock);
    web->asleep = wr_list_empty(&web->posted) && wr_list_empty(&web->cancels) &&
                  !web->stop && next > web->now_ns;
    bool asleep = web->asleep;
    wr_mutex_unlock(&web->lock);
    if (!asleep)
        return 0;
    if (web->untold)
        return UNTOLD_MS;
    if (next == WEIR_FOREVER)
        return -1;
    int64_t ms = (next - web->now_ns + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static bool woken(wr_web *web) {
    wr_mutex_lock(&web->lock);
    web->asleep = false;
    bool stop = web->stop;
    web->stop = false;
    wr_mutex_unlock(&web->lock);
    return stop;
}

int wr_web_run(wr_web *web) {
    struct epoll_event events[EVENTS];
    int error = 0;
    web->now_ns = weir_now_ns();
    do {
        work(web);
        int count = epoll_wait(web->poll, events, EVENTS, patience(web));
        if (count < 0 && errno != EINTR)
            error = -errno;
        web->now_ns = weir_now_ns();
        for (int i = 0; i < count; i++)
            take_event(web, &events[i]);
        if (weir_loop_next_deadline(web->loop) <= web->now_ns)
            weir_loop_drain(web->loop);
    } while (!woken(web) && error == 0);
    return error;
}
