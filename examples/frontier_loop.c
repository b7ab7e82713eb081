// SPDX-License-Identifier: MIT
// A crawler: follows the links of a web site, each page once. Requests are made
// by an event loop on the main thread, pages are read by the workers of a pool,
// and no worker waits for the network.
//
//   cc frontier_loop.c $(pkg-config --cflags --libs weir)
//
// A visit begins on a worker, goes to the loop by way of its mailbox, comes
// back to a worker as a job once the page is there, and ends with that job. The
// site is a thread of this program; it speaks HTTP/1.0.
//
// Prints:
//   crawl from /: not found
//   /: ok, attempts: 1
//   /about: ok, attempts: 1
//   /busy: ok, attempts: 2
//   /gone: not found, attempts: 1, asked for by /news, by /
//   /news: ok, attempts: 1
//   /news/1: ok, attempts: 1
//   6 pages, 7 requests, never more than 2 at once
//   crawl from /stuck: the deadline passed
//   /stuck: the deadline passed, not visited to an end
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/frontier.h>
#include <weir/loop.h>

enum { AT_ONCE = 2, PAGE_MAX = 4096 };

static struct sockaddr_in site = {.sin_family = AF_INET};
static weir_pool *pool;
static weir_loop *loop;
static int epoll = -1, failed;

// ---- a page ----------------------------------------------------------------

// The value of an item: it stays until the frontier is destroyed, so whoever
// still has a pointer to it may look.
struct page {
    weir_call begin, stop; // ways to the loop's thread
    weir_job read;         // and from there to a worker
    weir_visit *visit;
    int fd; // -1: no request is open
    size_t size;
    char text[PAGE_MAX];
};

static void open_request(weir_call *call, int status);
static void give_up(weir_call *call, int status);

static const weir_site beginning = WEIR_SITE_INIT("begin a request");
static const weir_site stopping = WEIR_SITE_INIT("stop a request");

// On a worker. Nothing is asked for here: the loop does that.
static int visit_page(void *context, weir_worker *self, weir_visit *visit) {
    (void)context, (void)self;
    struct page *page = weir_visit_value(visit); // of an earlier attempt
    if (page == NULL) {
        page = calloc(1, sizeof(*page));
        if (page == NULL)
            return -ENOMEM;
        page->fd = -1;
        weir_visit_set(visit, page);
    }
    page->visit = visit;
    page->size = 0;
    weir_visit_set_data(visit, page);
    page->begin = (weir_call)WEIR_CALL_INIT(NULL, open_request);
    page->begin.site = &beginning;
    int error = weir_call_expect(loop, &page->begin);
    if (error != 0)
        return error;
    weir_call_complete(&page->begin, 0); // the visit is the loop's from here on
    return WEIR_VISIT_LATER;
}

// On a worker, or wherever the crawl was cancelled: the request is the loop's.
static void stop_page(void *context, weir_visit *visit, int why) {
    (void)context, (void)why;
    struct page *page = weir_visit_data(visit);
    page->stop = (weir_call)WEIR_CALL_INIT(NULL, give_up);
    page->stop.site = &stopping;
    if (weir_call_expect(loop, &page->stop) == 0)
        weir_call_complete(&page->stop, 0);
}

// Should a page be asked for again that came to this?
static int may_pass(void *context, weir_visit *visit, int status) {
    (void)context;
    if (status == -EAGAIN)
        weir_visit_delay(visit, 2000000); // it said: come back in 2 ms
    return status == -EAGAIN || status == -EIO;
}

// ---- from here to "reading": the loop's thread -----------------------------

static void close_request(struct page *page) {
    close(page->fd); // epoll forgets it
    page->fd = -1;
}

static void open_request(weir_call *call, int status) {
    struct page *page = (struct page *)call;
    int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = page};
    (void)status;
    int why = weir_visit_cancelled(page->visit);
    if (why != 0) { // it will be told too: then there is no request
        weir_visit_end(page->visit, why);
        return;
    }
    page->fd = socket(AF_INET, flags, 0);
    if (page->fd < 0) {
        weir_visit_end(page->visit, -errno);
        return;
    }
    if ((connect(page->fd, (struct sockaddr *)&site, sizeof(site)) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, page->fd, &event) != 0) {
        close_request(page);
        weir_visit_end(page->visit, -EIO);
    }
}

// It may be too late: then the page is being read, or its visit has ended.
static void give_up(weir_call *call, int status) {
    struct page *page = (void *)((char *)call - offsetof(struct page, stop));
    (void)status;
    if (page->fd < 0)
        return;
    close_request(page);
    weir_visit_end(page->visit, weir_visit_cancelled(page->visit));
}

static int read_page(weir_worker *self, weir_job *job);
static void page_read(weir_job *job, int status);

// The socket is ready: the request goes out, or some of the answer comes in.
static void go_on(struct page *page, uint32_t events) {
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = page};
    if ((events & EPOLLOUT) != 0) {
        char line[256];
        size_t size;
        const char *path = weir_visit_key(page->visit, &size);
        int length = snprintf(line, sizeof(line), "GET %.*s HTTP/1.0\r\n\r\n",
                              (int)size, path);
        if (send(page->fd, line, (size_t)length, MSG_NOSIGNAL) == length &&
            epoll_ctl(epoll, EPOLL_CTL_MOD, page->fd, &in) == 0)
            return;
    } else if (page->size < PAGE_MAX - 1) {
        ssize_t got =
            read(page->fd, page->text + page->size, PAGE_MAX - 1 - page->size);
        if (got > 0) {
            page->size += (size_t)got;
            return;
        }
        if (got == 0) { // all is here
            close_request(page);
            page->text[page->size] = '\0';
            page->read = (weir_job)WEIR_JOB_INIT(read_page, page_read);
            int error = weir_submit(pool, &page->read);
            if (error != 0)
                weir_visit_end(page->visit, error);
            return;
        }
    }
    close_request(page);
    weir_visit_end(page->visit, -EIO);
}

// ---- reading: workers again ------------------------------------------------

// A page has links: href="/path".
static int read_page(weir_worker *self, weir_job *job) {
    struct page *page = (void *)((char *)job - offsetof(struct page, read));
    (void)self;
    if (strncmp(page->text, "HTTP/1.0 404", 12) == 0)
        return -ENOENT;
    if (strncmp(page->text, "HTTP/1.0 503", 12) == 0)
        return -EAGAIN;
    if (strncmp(page->text, "HTTP/1.0 200", 12) != 0)
        return -EIO;
    for (const char *at = page->text; (at = strstr(at, "href=\"")) != NULL;) {
        at += 6;
        weir_key link = WEIR_KEY_INIT(at, strcspn(at, "\"#"));
        if (*at == '/') // of this site; its visit may begin at once
            weir_visit_add(page->visit, &link);
    }
    return 0;
}

static void page_read(weir_job *job, int status) {
    struct page *page = (void *)((char *)job - offsetof(struct page, read));
    weir_visit_end(page->visit, status); // the last touch of the visit
}

// ---- a crawl ---------------------------------------------------------------

struct crawl {
    weir_call over; // first, so that a pointer to it points to all of it
    int is_over, status;
};

static const weir_site crawling = WEIR_SITE_INIT("crawl");

static void crawl_ended(void *context, int status) {
    struct crawl *crawl = context;
    weir_call_complete(&crawl->over, status); // on a worker: tell the loop
}

static void crawl_over(weir_call *call, int status) {
    struct crawl *crawl = (struct crawl *)call;
    crawl->is_over = 1;
    crawl->status = status;
}

static void free_page(void *context, void *value) {
    (void)context;
    free(value);
}

// Until the crawl is over and no call is on its way: calls are in the pages.
static void run_loop(const struct crawl *crawl) {
    while (!crawl->is_over || weir_loop_pending(loop) > 0) {
        struct epoll_event event;
        int ready = epoll_wait(epoll, &event, 1, -1);
        if (ready == 1 && event.data.ptr != NULL)
            go_on(event.data.ptr, event.events);
        failed |= weir_loop_drain(loop) < 0;
    }
}

static void print_item(weir_frontier *frontier, const weir_item *item) {
    size_t size;
    const char *path = weir_item_key(item, &size);
    printf("%.*s: %s", (int)size, path, weir_strerror(weir_item_status(item)));
    if (weir_item_outcome(item) == WEIR_ITEM_CANCELLED) {
        printf(", not visited to an end\n");
        return;
    }
    printf(", attempts: %u", weir_item_attempts(item));
    if (weir_item_outcome(item) == WEIR_ITEM_FAILED) {
        weir_requirer chain[8];
        int64_t length = weir_item_chain(frontier, item, chain, 8);
        for (int64_t i = 1; i < length && i < 8; i++) {
            path = weir_item_key(chain[i].item, &size);
            printf(", %sby %.*s", i == 1 ? "asked for " : "", (int)size, path);
        }
    }
    printf("\n");
}

static void print_items(weir_frontier *frontier) {
    weir_item *const *items;
    size_t count;
    failed |= weir_frontier_items(frontier, &items, &count) != 0;
    for (size_t i = 0; i < count && !failed; i++)
        print_item(frontier, items[i]);
}

static void crawl_from(const char *path, int64_t limit_ns,
                       weir_frontier_counts *counts) {
    struct crawl crawl = {.over = WEIR_CALL_INIT(NULL, crawl_over)};
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.context = &crawl;
    options.visit = visit_page;
    options.cancelled = stop_page;
    options.transient = may_pass;
    options.release = free_page;
    options.done = crawl_ended;
    options.caps[0] = AT_ONCE; // requests of class 0, from begin to end
    options.attempts_max = 4;
    options.backoff_ns = 1000000;
    options.deadline_ns = weir_now_ns() + limit_ns;

    crawl.over.site = &crawling;
    int error = weir_call_expect(loop, &crawl.over); // before anything can end
    weir_frontier *frontier = NULL;
    if (error == 0) {
        error = weir_frontier_create(&frontier, &options);
        if (error != 0)
            weir_call_complete(&crawl.over, error);
        else {
            weir_key start = WEIR_KEY_INIT(path, strlen(path));
            error = weir_frontier_seed(frontier, &start);
            weir_frontier_close(frontier); // no more seeds: now it can end
        }
        run_loop(&crawl);
    }
    failed |= error != 0;
    printf("crawl from %s: %s\n", path, weir_strerror(crawl.status));
    if (frontier != NULL) {
        print_items(frontier);
        failed |= weir_frontier_count(frontier, counts) != 0;
    }
    weir_frontier_destroy(frontier); // frees the pages
}

// ---- the site --------------------------------------------------------------

static const struct {
    const char *path, *answer;
} pages[] = {
    {"/", "200 OK\r\n\r\n<a href=\"/about\"> <a href=\"/news\">"},
    {"/about", "200 OK\r\n\r\n<a href=\"/\"> <a href=\"/busy\">"},
    {"/news", "200 OK\r\n\r\n<a href=\"/news/1\"> <a href=\"/gone\">"},
    {"/news/1", "200 OK\r\n\r\n<a href=\"/news\"> <a href=\"/busy#2\">"},
    {"/busy", "200 OK\r\n\r\nhere you are"},
};

// Answers one request and returns -1; or the descriptor, if it never will.
static int answer(int fd, int *busy) {
    char line[256] = "", path[256] = "", text[512];
    size_t have = 0;
    ssize_t got;
    while (strstr(line, "\r\n\r\n") == NULL && have < sizeof(line) - 1 &&
           (got = read(fd, line + have, sizeof(line) - 1 - have)) > 0)
        have += (size_t)got;
    sscanf(line, "GET %255s", path);
    if (strcmp(path, "/stuck") == 0)
        return fd; // never answered
    const char *found = "404 Not Found\r\n\r\n";
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (strcmp(path, pages[i].path) == 0)
            found = pages[i].answer;
    if (strcmp(path, "/busy") == 0 && (*busy)++ == 0)
        found = "503 Service Unavailable\r\n\r\n";
    int length = snprintf(text, sizeof(text), "HTTP/1.0 %s", found);
    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) != length)
        perror("send");
    close(fd);
    return -1;
}

static void *serve(void *argument) {
    int listener = *(int *)argument, stuck = -1, busy = 0, fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        fd = answer(fd, &busy);
        if (fd >= 0)
            stuck = fd;
    }
    if (stuck >= 0)
        close(stuck);
    return NULL;
}

// ---- all of it -------------------------------------------------------------

static int set_up(int *listener, pthread_t *server) {
    socklen_t size = sizeof(site);
    site.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (*listener < 0 || epoll < 0 ||
        bind(*listener, (struct sockaddr *)&site, size) != 0 ||
        listen(*listener, 16) != 0 ||
        getsockname(*listener, (struct sockaddr *)&site, &size) != 0)
        return -errno;
    int error = weir_pool_create(&pool, NULL);
    if (error == 0)
        error = weir_loop_create(&loop, NULL);
    if (error != 0)
        return error;
    struct epoll_event mail = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, weir_loop_fd(loop), &mail) != 0)
        return -errno;
    return -pthread_create(server, NULL, serve, listener);
}

int main(void) {
    pthread_t server;
    int listener, error = set_up(&listener, &server);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    weir_frontier_counts counts = {.size = sizeof(counts)};
    crawl_from("/", 30000000000, &counts);
    failed |= counts.in_flight_max[0] > AT_ONCE;
    printf("%d pages, %d requests, never more than %d at once\n",
           (int)counts.items, (int)counts.attempts, AT_ONCE);
    crawl_from("/stuck", 50000000, &counts); // 50 ms for all of it

    shutdown(listener, SHUT_RDWR); // wakes accept
    pthread_join(server, NULL);
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    close(listener);
    close(epoll);
    return failed;
}
