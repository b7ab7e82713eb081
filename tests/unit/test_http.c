// SPDX-License-Identifier: MIT
// The server of examples/, as a process of its own, beside clients that behave
// and clients that do not. Each case runs on each of its pools.
#include "support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

// ---- the server ------------------------------------------------------------

typedef struct server {
    pid_t pid;
    FILE *output;
    int port;
    char counts[512]; // its last line
} server;

static const char *pool; // of the cases that run now

// Starts it with more options (name, value, ..., NULL) and at most this many
// descriptors, 0: as many as there are.
static server start(unsigned descriptors, const char *const *more) {
    const char *arguments[16] = {HTTP_SERVER, "--pool", pool};
    for (size_t i = 0; more != NULL && more[i] != NULL; i++)
        arguments[3 + i] = more[i];
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(stdout);
    server s = {.pid = fork()};
    CHECK(s.pid >= 0);
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // it never outlives a failed case
        struct rlimit limit = {descriptors, descriptors};
        if (descriptors > 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0)
            _exit(3);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execv(HTTP_SERVER, (char **)(uintptr_t)arguments);
        _exit(4);
    }
    close(ends[1]);
    s.output = fdopen(ends[0], "r");
    CHECK(s.output != NULL);
    CHECK(fgets(s.counts, sizeof(s.counts), s.output) != NULL);
    CHECK_EQ(sscanf(s.counts, "listening on 127.0.0.1:%d", &s.port), 1);
    return s;
}

// A number of a line of counts.
static long long count_in(const char *line, const char *name) {
    char pattern[32];
    snprintf(pattern, sizeof(pattern), " %s ", name);
    const char *at = strstr(line, pattern);
    CHECK(at != NULL);
    return atoll(at + strlen(pattern));
}

static long long counted(const server *s, const char *name) {
    return count_in(s->counts, name);
}

// Waits until it ends on its own: in good order, and its counts add up.
static void ended(server *s) {
    s->counts[0] = ' ';
    CHECK(fgets(s->counts + 1, sizeof(s->counts) - 1, s->output) != NULL);
    fclose(s->output);
    int status;
    CHECK_EQ(waitpid(s->pid, &status, 0), s->pid);
    CHECK_EQ(status, 0);
    CHECK_EQ(counted(s, "requests"),
             counted(s, "answered") + counted(s, "gone"));
    CHECK_EQ(counted(s, "accepted"), counted(s, "closed"));
    CHECK_EQ(counted(s, "work"), counted(s, "ended"));
}

static void stop(server *s) {
    CHECK_EQ(kill(s->pid, SIGTERM), 0);
    ended(s);
}

// ---- a client --------------------------------------------------------------

typedef struct peer {
    int fd;
    size_t used;
    char buffer[8192]; // came with the last answer, belongs to the next
} peer;

typedef struct reply {
    int status; // 0: the connection ended before one
    bool close;
    size_t size;
    unsigned char *body;
    char head[1024];
} reply;

static peer dial(const server *s) {
    peer p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK(p.fd >= 0);
    struct timeval limit = {.tv_sec = 50};
    setsockopt(p.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(p.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    int at_once = 1;
    setsockopt(p.fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CHECK_EQ(connect(p.fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return p;
}

// Sends as much as the other side takes: it may have hung up.
static void send_some(const peer *p, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(p->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            CHECK(errno == EPIPE || errno == ECONNRESET);
            return;
        }
        at += sent;
        size -= (size_t)sent;
    }
}

static void say(const peer *p, const char *text) {
    send_some(p, text, strlen(text));
}

// Ends with a reset: the other side learns at once.
static void vanish(const peer *p) {
    struct linger now = {.l_onoff = 1};
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(p->fd);
}

// More bytes into the buffer; how many, 0 at the end.
static size_t receive(peer *p) {
    CHECK(p->used < sizeof(p->buffer) - 1);
    ssize_t got =
        recv(p->fd, p->buffer + p->used, sizeof(p->buffer) - 1 - p->used, 0);
    CHECK(got >= 0 || errno == ECONNRESET);
    if (got <= 0)
        return 0;
    p->used += (size_t)got;
    p->buffer[p->used] = 0;
    return (size_t)got;
}

static void take(peer *p, void *to, size_t size) {
    memcpy(to, p->buffer, size);
    memmove(p->buffer, p->buffer + size, p->used - size + 1);
    p->used -= size;
}

static reply hear(peer *p, bool with_body) {
    reply r = {0};
    char *end;
    p->buffer[p->used] = 0;
    while ((end = strstr(p->buffer, "\r\n\r\n")) == NULL)
        if (receive(p) == 0) {
            CHECK_EQ(p->used, 0); // half an answer would be a bug
            return r;
        }
    size_t size = (size_t)(end - p->buffer) + 4;
    CHECK(size < sizeof(r.head));
    take(p, r.head, size);
    CHECK_EQ(sscanf(r.head, "HTTP/1.1 %d ", &r.status), 1);
    r.close = strstr(r.head, "Connection: close\r\n") != NULL;
    const char *length = strstr(r.head, "Content-Length: ");
    CHECK(length != NULL || r.status == 100);
    r.size = length != NULL ? (size_t)atoll(length + 16) : 0;
    if (!with_body)
        return r;
    r.body = calloc(1, r.size + 1);
    CHECK(r.body != NULL);
    for (size_t got = 0; got < r.size;) {
        CHECK(p->used > 0 || receive(p) > 0);
        size_t part = p->used < r.size - got ? p->used : r.size - got;
        take(p, r.body + got, part);
        got += part;
    }
    return r;
}

// Hears an answer and looks at its status only.
static int status_of(peer *p) {
    reply r = hear(p, true);
    free(r.body);
    return r.status;
}

// The connection has been ended by the server.
static void is_over(peer *p) {
    CHECK_EQ(receive(p), 0);
    close(p->fd);
}

static void post(const peer *p, const char *path, const void *body,
                 size_t size) {
    char head[128];
    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path,
             size);
    say(p, head);
    send_some(p, body, size);
}

static int get(peer *p, const char *path) {
    char head[128];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    say(p, head);
    return status_of(p);
}

static long long count_now(const server *s, const char *name) {
    peer p = dial(s);
    say(&p, "GET /counts HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = hear(&p, true);
    CHECK_EQ(r.status, 200);
    close(p.fd);
    char line[512];
    snprintf(line, sizeof(line), " %s", (char *)r.body);
    free(r.body);
    return count_in(line, name);
}

// Asks until the count is there: what it counts has been sent before.
static void until(const server *s, const char *name, long long value) {
    while (count_now(s, name) < value)
        continue;
}

// Bytes that do not compress, the same each time.
static unsigned char *noise(size_t size) {
    unsigned char *bytes = malloc(size);
    CHECK(bytes != NULL);
    uint64_t x = size;
    for (size_t i = 0; i < size; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        bytes[i] = (unsigned char)(x >> 56);
    }
    return bytes;
}

static void on_each_pool(void (*promise)(void)) {
    static const char *const pools[] = {"weir", "adaptive", "uv"};
    for (size_t i = 0; i < 3; i++) {
        pool = pools[i];
        promise();
    }
}

// ---- what it answers -------------------------------------------------------

static void is_gzip_of(const reply *r, const unsigned char *body, size_t size) {
    unsigned char *back = malloc(size + 1);
    CHECK(back != NULL);
    z_stream z = {.next_in = r->body,
                  .avail_in = (uInt)r->size,
                  .next_out = back,
                  .avail_out = (uInt)size + 1};
    CHECK_EQ(inflateInit2(&z, 15 + 16), Z_OK);
    CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
    CHECK_EQ(z.total_out, size);
    CHECK_EQ(memcmp(back, body, size), 0);
    inflateEnd(&z);
    free(back);
}

static void answers(void) {
    enum { SIZE = 100000 };
    server s = start(0, NULL);
    peer p = dial(&s);
    post(&p, "/hash?x=1", "a", 1);
    reply r = hear(&p, true);
    CHECK_EQ(r.status, 200);
    CHECK_STR((char *)r.body, "af63dc4c8601ec8c e8b7be43\n");
    CHECK(!r.close);
    free(r.body);

    unsigned char *body = noise(SIZE);
    post(&p, "/gzip", body, SIZE);
    r = hear(&p, true);
    CHECK_EQ(r.status, 200);
    is_gzip_of(&r, body, SIZE);
    free(r.body);
    post(&p, "/gzip", NULL, 0);
    r = hear(&p, true);
    is_gzip_of(&r, body, 0);
    free(r.body);
    free(body);

    say(&p, "POST /hash HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n"
            "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\n\r\n");
    r = hear(&p, true);
    CHECK_STR((char *)r.body, "af63dc4c8601ec8c e8b7be43\n");
    free(r.body);
    CHECK_EQ(get(&p, "/"), 200);
    CHECK_EQ(get(&p, "/nowhere"), 404);
    CHECK_EQ(get(&p, "/hash"), 405);
    say(&p, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    r = hear(&p, false);
    CHECK_EQ(r.status, 200);
    CHECK_EQ(r.size, 5);
    say(&p, "DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    r = hear(&p, true);
    CHECK_EQ(r.status, 405);
    CHECK(r.close);
    CHECK(strstr(r.head, "Allow: GET, HEAD\r\n") != NULL);
    free(r.body);
    is_over(&p);

    p = dial(&s);
    say(&p, "GET / HTTP/1.0\r\n\r\n");
    CHECK_EQ(status_of(&p), 200);
    is_over(&p);
    stop(&s);
    CHECK_EQ(counted(&s, "requests"), 10);
    CHECK_EQ(counted(&s, "answered"), 10);
}

static void answers_are_right(void) { on_each_pool(answers); }

static void pipelined(void) {
    enum { COUNT = 400 };
    server s = start(0, NULL);
    peer p = dial(&s);
    // More than the server keeps, so that it must stop reading meanwhile.
    for (int i = 0; i < COUNT; i++) {
        char body[64];
        snprintf(body, sizeof(body), "%060d", i);
        post(&p, i % 2 ? "/hash" : "/gzip", body, 60);
    }
    for (int i = 0; i < COUNT; i++) {
        char body[64];
        snprintf(body, sizeof(body), "%060d", i);
        reply r = hear(&p, true);
        CHECK_EQ(r.status, 200);
        if (i % 2 == 0)
            is_gzip_of(&r, (unsigned char *)body, 60);
        else
            CHECK_EQ(r.size, 26);
        free(r.body);
    }
    close(p.fd);
    stop(&s);
    CHECK_EQ(counted(&s, "answered"), COUNT);
}

static void requests_come_one_after_the_other(void) { on_each_pool(pipelined); }

static void half(void) {
    server s = start(0, NULL);
    peer p = dial(&s);
    for (int i = 0; i < 3; i++)
        post(&p, "/hash", "a", 1);
    say(&p, "POST /hash HT");
    shutdown(p.fd, SHUT_WR);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(status_of(&p), 200);
    is_over(&p);
    stop(&s);
    CHECK_EQ(counted(&s, "answered"), 3);
    CHECK_EQ(counted(&s, "partial"), 1);
}

static void half_a_connection_gets_its_answers(void) { on_each_pool(half); }

// ---- what it refuses -------------------------------------------------------

static void refused_with(const server *s, int status, const char *text) {
    peer p = dial(s);
    say(&p, text);
    reply r = hear(&p, true);
    CHECK_EQ(r.status, status);
    CHECK(r.close);
    free(r.body);
    shutdown(p.fd, SHUT_WR);
    is_over(&p);
}

#define START " HTTP/1.1\r\nHost: x\r\n"
static void refusals(void) {
    static const char *const small[] = {"--header-max", "1000", "--body-max",
                                        "1000", NULL};
    static const char *const bad[] = {
        "rubbish\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", // no host
        "GET /" START "Host: y\r\n\r\n",
        "GET /" START "bad header\r\n\r\n",
        "PUT /" START "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT /" START "Content-Length: -1\r\n\r\n"};
    server s = start(0, small);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refused_with(&s, 400, bad[i]);
    refused_with(&s, 505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n");
    refused_with(&s, 413, "PUT /" START "Content-Length: 1001\r\n\r\n");
    char text[4096];
    snprintf(text, sizeof(text), "GET /" START "Long: %01500d", 0);
    refused_with(&s, 431, text);
    snprintf(text, sizeof(text),
             "PUT /" START "Transfer-Encoding: chunked\r\n\r\n320\r\n%0800d"
             "\r\n320\r\n%0800d\r\n0\r\n\r\n",
             0, 0);
    refused_with(&s, 413, text);
    peer p = dial(&s); // a trailer is no header of the next request
    say(&p, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0"
            "\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    CHECK_EQ(status_of(&p), 405);
    CHECK_EQ(status_of(&p), 400);
    p = dial(&s);
    say(&p, "POST /hash HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            "Expect: 100-continue\r\n\r\n");
    CHECK_EQ(status_of(&p), 100);
    snprintf(text, sizeof(text), "%01000d", 0);
    say(&p, text);
    CHECK_EQ(status_of(&p), 200);
    close(p.fd);
    stop(&s);
    CHECK_EQ(counted(&s, "answered"), 13);
}

static void bad_and_oversized_input_is_refused(void) { on_each_pool(refusals); }

static void slow(void) {
    static const char *const soon[] = {"--timeout-ms", "40", NULL};
    server s = start(0, soon);
    peer p = dial(&s);
    is_over(&p); // nothing said: nothing to answer
    int status = 0;
    for (int tries = 0; status == 0 && tries < 100; tries++) {
        p = dial(&s); // on a busy machine the first word may be too late, too
        say(&p, "POST /hash HTTP/1.1\r\nHost: x\r\nContent-Le");
        status = status_of(&p);
        shutdown(p.fd, SHUT_WR);
        is_over(&p);
    }
    CHECK_EQ(status, 408);
    stop(&s);
    CHECK_EQ(counted(&s, "requests"), 1);
}

static void slow_clients_are_timed_out(void) { on_each_pool(slow); }

// ---- nothing is lost -------------------------------------------------------

enum { CROWD = 40, LARGE = 256 << 10 };

// Everybody wants something compressed that takes its time; it has begun, or
// waits for a thread.
static void all_want_work(const server *s, peer *peers, size_t count) {
    long long before = count_now(s, "work");
    unsigned char *body = noise(LARGE);
    for (size_t i = 0; i < count; i++) {
        peers[i] = dial(s);
        post(&peers[i], "/gzip", body, LARGE);
    }
    free(body);
    until(s, "work", before + (long long)count);
}

// One thread, and nobody is too slow for it.
static const char *const narrow[] = {"--threads", "1", "--timeout-ms", "50000",
                                     NULL};

static void stopped(void) {
    static peer peers[CROWD];
    server s = start(0, narrow);
    all_want_work(&s, peers, CROWD);
    peer lazy = dial(&s); // says nothing, and must not keep the server
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    for (size_t i = 0; i < CROWD; i++) {
        CHECK_EQ(status_of(&peers[i]), 200);
        shutdown(peers[i].fd, SHUT_WR);
        is_over(&peers[i]);
    }
    is_over(&lazy);
    ended(&s);
    CHECK_EQ(counted(&s, "work"), CROWD);
    CHECK_EQ(counted(&s, "gone"), 0);
}

static void a_stop_answers_what_was_accepted(void) { on_each_pool(stopped); }

static void stopped_twice(void) {
    static peer peers[CROWD];
    server s = start(0, narrow);
    peer slow_one = dial(&s);
    say(&slow_one, "GET / HT");
    all_want_work(&s, peers, CROWD);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(kill(s.pid, SIGINT), 0);
    is_over(&slow_one); // it would have had a minute
    ended(&s);
    for (size_t i = 0; i < CROWD; i++)
        close(peers[i].fd);
    CHECK_EQ(counted(&s, "work"), CROWD);
}

static void a_second_stop_waits_for_nobody(void) {
    on_each_pool(stopped_twice);
}

static void leave_somehow(const server *s, unsigned how,
                          const unsigned char *body) {
    peer p = dial(s);
    if (how == 1)
        say(&p, "POST /gzip HTTP/1.1\r\nHo");
    if (how == 2)
        say(&p, "POST /gzip HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx");
    for (unsigned i = 3; i <= how && how < 6; i++)
        post(&p, "/gzip", body, 65536);
    if (how == 6)
        post(&p, "/gzip", body, 65536);
    if (how % 2 == 0)
        close(p.fd);
    else
        vanish(&p);
}

static void vanishing(void) {
    static peer peers[CROWD];
    server s = start(0, narrow);
    // The last ones still wait for a thread, unless we were very slow.
    for (int rounds = 1; rounds == 1 || count_now(&s, "gone") == 0; rounds++) {
        CHECK(rounds < 50);
        all_want_work(&s, peers, CROWD);
        for (size_t i = CROWD; i-- > 0;)
            vanish(&peers[i]);
        until(&s, "closed", rounds * CROWD);
    }
    unsigned char *body = noise(65536);
    for (unsigned i = 0; i < 140; i++)
        leave_somehow(&s, i % 7, body);
    peer p = dial(&s);
    post(&p, "/gzip", body, 65536);
    CHECK_EQ(status_of(&p), 200);
    free(body);
    close(p.fd);
    stop(&s);
    CHECK(counted(&s, "gone") > 0);
    CHECK(counted(&s, "partial") > 0);
}

static void clients_that_vanish_lose_nothing(void) { on_each_pool(vanishing); }

// Gives how many of those who had work there were refused.
static int pool_stopped_once(void) {
    static peer peers[CROWD];
    server s = start(0, narrow);
    all_want_work(&s, peers, CROWD);
    CHECK_EQ(kill(s.pid, SIGUSR1), 0);
    int refused = 0;
    for (size_t i = 0; i < CROWD; i++) {
        int status = status_of(&peers[i]);
        CHECK(status == 200 || status == 503);
        refused += status == 503;
    }
    int later = 0;
    for (size_t i = 0; i < CROWD; i++) {
        CHECK_EQ(get(&peers[i], "/"), 200); // the loop goes on
        post(&peers[i], "/gzip", "x", 1);
        later += status_of(&peers[i]) == 503;
        close(peers[i].fd);
    }
    CHECK(later > 0);
    stop(&s);
    CHECK_EQ(counted(&s, "refused"), refused + later);
    CHECK_EQ(counted(&s, "gone"), 0);
    return refused;
}

static void pool_stopped(void) {
    int tries = 0;
    while (pool_stopped_once() == 0) // all had ended when the signal came
        CHECK(++tries < 20);
}

static void a_stopped_pool_is_a_503(void) { on_each_pool(pool_stopped); }

static void too_much(void) {
    static const char *const one[] = {"--work-max", "1", "--threads", "1",
                                      NULL};
    server s = start(0, one);
    peer first;
    all_want_work(&s, &first, 1);
    // It may have ended, but then the next one is the one that has begun.
    peer others[20];
    unsigned char *body = noise(LARGE);
    int answered[504] = {0};
    for (int i = 0; i < 20; i++) {
        others[i] = dial(&s);
        post(&others[i], "/gzip", body, LARGE);
    }
    free(body);
    for (int i = 0; i < 20; i++) {
        int status = status_of(&others[i]);
        CHECK(status == 200 || status == 503);
        answered[status]++;
        close(others[i].fd);
    }
    CHECK_EQ(status_of(&first), 200);
    close(first.fd);
    stop(&s);
    CHECK_EQ(counted(&s, "refused"), answered[503]);
    CHECK_EQ(counted(&s, "work"), answered[200] + 1);
}

static void too_much_work_is_a_503(void) { on_each_pool(too_much); }

// ---- descriptors -----------------------------------------------------------

enum { MANY = 60 };

static void over_the_limit(void) {
    static peer peers[MANY];
    server s = start(48, NULL);
    for (int i = 0; i < MANY; i++) {
        peers[i] = dial(&s);
        post(&peers[i], "/hash", "a", 1);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(status_of(&peers[i]), 200);
        close(peers[i].fd);
    }
    stop(&s);
    CHECK_EQ(counted(&s, "answered"), MANY);
    CHECK_EQ(counted(&s, "accept_failed"), 0);
}

static void connections_over_the_limit_wait(void) {
    on_each_pool(over_the_limit);
}

static void table_full(void) {
    static const char *const no_limit[] = {"--connections", "1000000", NULL};
    static peer peers[MANY];
    server s = start(40, no_limit);
    int dropped = 0;
    for (int i = 0; i < MANY; i++) {
        peers[i] = dial(&s);
        post(&peers[i], "/hash", "a", 1);
    }
    for (int i = 0; i < MANY; i++) {
        int status = status_of(&peers[i]);
        CHECK(status == 200 || status == 0);
        if (status == 0) {
            dropped++;
            close(peers[i].fd);
            peers[i].fd = -1;
        }
    }
    CHECK(dropped > 0 && dropped < MANY);
    for (int i = 0; i < MANY; i++)
        if (peers[i].fd >= 0) {
            post(&peers[i], "/hash", "a", 1); // it neither spins nor stalls
            CHECK_EQ(status_of(&peers[i]), 200);
            close(peers[i].fd);
        }
    // It has heard of some of those ends when somebody new gets through.
    int status = 0;
    for (int tries = 0; status == 0 && tries < 100000; tries++) {
        peer p = dial(&s);
        post(&p, "/hash", "a", 1);
        status = status_of(&p);
        close(p.fd);
    }
    CHECK_EQ(status, 200);
    stop(&s);
}

static void a_full_descriptor_table_is_survived(void) {
    on_each_pool(table_full);
}

// ---- any input -------------------------------------------------------------

enum { FUZZ = 2500 };

static uint64_t random_state;

static size_t below(size_t limit) {
    random_state =
        random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)((random_state >> 33) % limit);
}

static size_t mutate(char *text, size_t size, size_t room) {
    static const char *const words[] = {"\r\n",
                                        "\r\n\r\n",
                                        ":",
                                        " ",
                                        "Content-Length: 5\r\n",
                                        "chunked",
                                        "Transfer-Encoding: chunked\r\n",
                                        "HTTP/1.1",
                                        "HTTP/9.9",
                                        "5\r\n",
                                        "FFFFFFFFFFFFFFFF\r\n",
                                        "Upgrade: x\r\nConnection: upgrade\r\n",
                                        "CONNECT",
                                        "Expect: 100-continue\r\n",
                                        "POST /gzip",
                                        "\0\377"};
    for (size_t changes = below(4); changes > 0 && size > 1; changes--) {
        size_t at = below(size);
        const char *word = words[below(sizeof(words) / sizeof(*words))];
        size_t length = strlen(word);
        switch (below(4)) {
        case 0: text[at] = (char)below(256); break;
        case 1: size = at + 1; break;
        case 2:
            memmove(text + at, text + at + 1, size - at - 1);
            size--;
            break;
        default:
            if (size + length < room) {
                memmove(text + at + length, text + at, size - at);
                memcpy(text + at, word, length);
                size += length;
            }
        }
    }
    return size;
}

static void fuzz(void) {
    static const char *const seeds[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /hash HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        ("POST /gzip HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n3;a=b\r\nxyz\r\n0\r\nTrailer: t\r\n\r\n"),
        "HEAD /counts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};
    server s = start(0, NULL);
    random_state = 1;
    for (int i = 0; i < FUZZ; i++) {
        char text[2048];
        size_t size = 0;
        for (size_t requests = 1 + below(3); requests > 0; requests--) {
            const char *seed = seeds[below(4)];
            memcpy(text + size, seed, strlen(seed));
            size += strlen(seed);
        }
        size = mutate(text, size, sizeof(text));
        peer p = dial(&s);
        for (size_t sent = 0; sent < size;) { // in pieces of any size
            size_t part = 1 + below(size - sent);
            send_some(&p, text + sent, part);
            sent += part;
        }
        shutdown(p.fd, SHUT_WR);
        while (receive(&p) > 0) {
            CHECK(p.used < 9 || memcmp(p.buffer, "HTTP/1.1 ", 9) == 0);
            p.used = p.used > 4096 ? 0 : p.used;
        }
        close(p.fd);
    }
    peer p = dial(&s);
    CHECK_EQ(get(&p, "/"), 200);
    close(p.fd);
    stop(&s);
    CHECK_EQ(counted(&s, "accepted"), FUZZ + 1);
}

static void any_input_is_survived(void) { on_each_pool(fuzz); }

static const test_case cases[] = {
    {"answers_are_right", answers_are_right},
    {"requests_come_one_after_the_other", requests_come_one_after_the_other},
    {"half_a_connection_gets_its_answers", half_a_connection_gets_its_answers},
    {"bad_and_oversized_input_is_refused", bad_and_oversized_input_is_refused},
    {"slow_clients_are_timed_out", slow_clients_are_timed_out},
    {"a_stop_answers_what_was_accepted", a_stop_answers_what_was_accepted},
    {"a_second_stop_waits_for_nobody", a_second_stop_waits_for_nobody},
    {"clients_that_vanish_lose_nothing", clients_that_vanish_lose_nothing},
    {"a_stopped_pool_is_a_503", a_stopped_pool_is_a_503},
    {"too_much_work_is_a_503", too_much_work_is_a_503},
    {"connections_over_the_limit_wait", connections_over_the_limit_wait},
    {"a_full_descriptor_table_is_survived",
     a_full_descriptor_table_is_survived},
    {"any_input_is_survived", any_input_is_survived},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
