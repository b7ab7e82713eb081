// SPDX-License-Identifier: MIT
// `weir serve` as a process of its own, and clients that speak to it through
// bare sockets.
#ifndef TEST_SERVE_CLIENT_H
#define TEST_SERVE_CLIENT_H

#include "support/check.h"
#include "support/onnx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- the server ------------------------------------------------------------

typedef struct server {
    pid_t pid;
    FILE *log;
    int port;
    char lines[8192]; // what it has said
} server;

// Reads lines until one has `text` in it, or, NULL, to the end. false: the end
// came first.
static inline bool server_says(server *s, const char *text) {
    char line[1024];
    while (fgets(line, sizeof(line), s->log) != NULL) {
        size_t used = strlen(s->lines);
        if (used + strlen(line) < sizeof(s->lines))
            memcpy(s->lines + used, line, strlen(line) + 1);
        if (text != NULL && strstr(line, text) != NULL)
            return true;
    }
    return false;
}

enum { SERVER_ARGUMENTS = 64 };

// `more` are arguments, divided by spaces. Starts without waiting for anything.
static inline server server_fork(const char *more) {
    char text[4096];
    char *words[SERVER_ARGUMENTS] = {(char *)(uintptr_t)WEIR_PROGRAM,
                                     (char *)(uintptr_t) "serve"};
    int count = 2;
    snprintf(text, sizeof(text), "--listen 127.0.0.1:0 %s", more);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest);
         word != NULL && count < SERVER_ARGUMENTS - 1;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(stdout);
    server s = {.pid = fork()};
    CHECK(s.pid >= 0);
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // it never outlives a failed case
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execv(WEIR_PROGRAM, words);
        _exit(127);
    }
    close(ends[1]);
    s.log = fdopen(ends[0], "r");
    CHECK(s.log != NULL);
    return s;
}

static inline server server_start(const char *more) {
    server s = server_fork(more);
    if (!server_says(&s, "listening at"))
        CHECK_FAIL("it did not start: %s", s.lines);
    const char *at = strstr(s.lines, "listening at");
    CHECK_EQ(sscanf(at, "listening at http://127.0.0.1:%d", &s.port), 1);
    return s;
}

// Waits for its end; the exit status.
static inline int server_ended(server *s) {
    int status;
    (void)server_says(s, NULL);
    fclose(s->log);
    CHECK_EQ(waitpid(s->pid, &status, 0), s->pid);
    if (!WIFEXITED(status))
        CHECK_FAIL("it ended with signal %d: %s", WTERMSIG(status), s->lines);
    return WEXITSTATUS(status);
}

// A number of the counts at the end: the first "NAME number" after `line`.
static inline long long server_count(const server *s, const char *line,
                                     const char *name) {
    char pattern[64];
    snprintf(pattern, sizeof(pattern), "serve: %s ", line);
    const char *at = strstr(s->lines, pattern);
    if (at == NULL)
        CHECK_FAIL("no counts: %s", s->lines);
    at += 7;
    snprintf(pattern, sizeof(pattern), "%s ", name);
    while ((at = strstr(at, pattern)) != NULL) {
        char before = at[-1];
        at += strlen(pattern);
        if (before == ' ' || before == '(')
            return atoll(at);
    }
    CHECK_FAIL("no %s among the counts: %s", name, s->lines);
}

// The counts add up, whatever happened.
static inline void server_adds_up(const server *s) {
    CHECK_EQ(server_count(s, "connections", "connections"),
             server_count(s, "connections", "closed"));
    CHECK_EQ(server_count(s, "requests", "requests"),
             server_count(s, "requests", "answered") +
                 server_count(s, "requests", "gone"));
    CHECK_EQ(server_count(s, "inferences", "inferences"),
             server_count(s, "inferences", "succeeded") +
                 server_count(s, "inferences", "failed") +
                 server_count(s, "inferences", "cancelled") +
                 server_count(s, "inferences", "timed_out") +
                 server_count(s, "inferences", "shut_down"));
}

static inline void server_stop(server *s) {
    CHECK_EQ(kill(s->pid, SIGTERM), 0);
    int status = server_ended(s);
    if (status != 0)
        CHECK_FAIL("it ended with %d: %s", status, s->lines);
    server_adds_up(s);
}

// Kilobytes in memory, of the process.
static inline long server_memory(const server *s) {
    char path[64], line[256];
    long kilobytes = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (kilobytes < 0 && fgets(line, sizeof(line), file) != NULL)
        (void)sscanf(line, "VmRSS: %ld", &kilobytes);
    fclose(file);
    CHECK(kilobytes > 0);
    return kilobytes;
}

// ---- a client --------------------------------------------------------------

enum { PEER_BUFFER = 16384, REPLY_HEAD = 4096 };

typedef struct peer {
    int fd;
    size_t used;
    char buffer[PEER_BUFFER]; // came with the last answer, is of the next
} peer;

typedef struct reply {
    int status; // 0: the connection ended before one
    size_t size;
    char *body; // ends with a 0 as well
    char head[REPLY_HEAD];
} reply;

static inline peer peer_dial(const server *s) {
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

static inline void peer_close(peer *p) { close(p->fd); }

// As much as the other side takes: it may have hung up.
static inline void peer_send(const peer *p, const void *data, size_t size) {
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

__attribute__((format(printf, 2, 3))) static inline void
peer_say(const peer *p, const char *format, ...) {
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < sizeof(text));
    peer_send(p, text, (size_t)length);
}

// A whole request; header: more lines, each with its \r\n.
static inline void peer_ask(const peer *p, const char *method, const char *path,
                            const char *header, const void *body, size_t size) {
    if (body == NULL)
        peer_say(p, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path,
                 header);
    else
        peer_say(p,
                 "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n",
                 method, path, size, header);
    peer_send(p, body, body == NULL ? 0 : size);
}

// More of an answer. false: the connection has ended.
static inline bool peer_read(peer *p) {
    CHECK(p->used < sizeof(p->buffer));
    ssize_t got =
        recv(p->fd, p->buffer + p->used, sizeof(p->buffer) - p->used, 0);
    if (got < 0 && errno != ECONNRESET)
        CHECK_FAIL("no answer in time: %s", strerror(errno));
    if (got <= 0)
        return false;
    p->used += (size_t)got;
    return true;
}

static inline void peer_take(peer *p, void *out, size_t size) {
    memcpy(out, p->buffer, size);
    memmove(p->buffer, p->buffer + size, p->used - size);
    p->used -= size;
}

// The value of a header, or NULL. Static: good until the next call.
static inline const char *reply_header(const reply *r, const char *name) {
    static char value[512];
    size_t length = strlen(name);
    for (const char *line = strstr(r->head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *at = line + length + 1;
        while (*at == ' ')
            at++;
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
        return value;
    }
    return NULL;
}

// The next answer. head: to a HEAD, which has no body.
static inline reply peer_reply(peer *p, bool head) {
    reply r = {.status = 0};
    char *end;
    while ((end = memmem(p->buffer, p->used, "\r\n\r\n", 4)) == NULL)
        if (!peer_read(p)) {
            CHECK_EQ(p->used, 0); // nothing, rather than a part
            return r;
        }
    size_t size = (size_t)(end - p->buffer) + 4;
    CHECK(size < sizeof(r.head));
    peer_take(p, r.head, size);
    CHECK_EQ(sscanf(r.head, "HTTP/1.1 %d", &r.status), 1);
    const char *length = reply_header(&r, "Content-Length");
    r.size = length != NULL && !head ? (size_t)atoll(length) : 0;
    r.body = malloc(r.size + 1);
    CHECK(r.body != NULL);
    for (size_t have = 0; have < r.size;) {
        size_t some = p->used < r.size - have ? p->used : r.size - have;
        peer_take(p, r.body + have, some);
        have += some;
        if (have < r.size && !peer_read(p))
            CHECK_FAIL("an answer ended after %zu bytes of %zu", have, r.size);
    }
    r.body[r.size] = '\0';
    if (r.status == 100) { // the answer itself is to come
        free(r.body);
        return peer_reply(p, head);
    }
    return r;
}

static inline bool peer_ended(peer *p) { return p->used == 0 && !peer_read(p); }

// A request with its answer, which must have this status. free(r.body).
static inline reply peer_expect(peer *p, int status, const char *method,
                                const char *path, const char *header,
                                const void *body, size_t size) {
    peer_ask(p, method, path, header, body, size);
    reply r = peer_reply(p, strcmp(method, "HEAD") == 0);
    if (r.status != status)
        CHECK_FAIL("%s %s: %d in place of %d: %s", method, path, r.status,
                   status, r.body != NULL ? r.body : "(the connection ended)");
    return r;
}

#define JSON "Content-Type: application/json\r\n"
#define RAW "Content-Type: application/octet-stream\r\n"
#define FRAMES "Content-Type: application/vnd.weir.tensors\r\n"

// The same with text, and with nothing kept of the answer.
static inline void peer_wants(peer *p, int status, const char *method,
                              const char *path, const char *header,
                              const char *body) {
    reply r = peer_expect(p, status, method, path, header, body,
                          body != NULL ? strlen(body) : 0);
    if (status >= 400 && strcmp(method, "HEAD") != 0 &&
        strncmp(path, "/healthz", 8) != 0)
        CHECK(strncmp(r.body, "{\"error\": \"", 11) == 0);
    free(r.body);
}

// ---- models ----------------------------------------------------------------

// y = x + 1, of any shape with three numbers a row.
static inline onnx_bytes model_small(void) {
    static const float one[] = {1, 1, 1};
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3));
    onnx_initializer(&m, "one", ONNX_FLOAT, ONNX_DIMS(3), one);
    onnx_node(&m, "Add", "plus", "x one", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 3));
    return onnx_end(&m);
}

// Two inputs, two outputs: s = a + b, p = a * b.
static inline onnx_bytes model_pair(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "a", ONNX_FLOAT, ONNX_DIMS(-1, 2));
    onnx_input(&m, "b", ONNX_FLOAT, ONNX_DIMS(-1, 2));
    onnx_node(&m, "Add", "sum", "a b", "s");
    onnx_node(&m, "Mul", "product", "a b", "p");
    onnx_output(&m, "s", ONNX_FLOAT, ONNX_DIMS(-1, 2));
    onnx_output(&m, "p", ONNX_FLOAT, ONNX_DIMS(-1, 2));
    return onnx_end(&m);
}

// y = x times the unit matrix, again and again: the more rows, the longer.
enum { SLOW_WIDTH = 256 };
static inline onnx_bytes model_slow(int times) {
    static float unit[SLOW_WIDTH * SLOW_WIDTH];
    char from[16] = "x", to[16];
    for (int i = 0; i < SLOW_WIDTH; i++)
        unit[i * SLOW_WIDTH + i] = 1;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, SLOW_WIDTH));
    onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(SLOW_WIDTH, SLOW_WIDTH),
                     unit);
    for (int i = 0; i < times; i++) {
        char inputs[32];
        snprintf(inputs, sizeof(inputs), "%s w", from);
        snprintf(to, sizeof(to), i + 1 < times ? "v%d" : "y", i);
        onnx_node(&m, "MatMul", to, inputs, to);
        memcpy(from, to, sizeof(to));
    }
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, SLOW_WIDTH));
    return onnx_end(&m);
}

static inline void load_model(const server *s, const char *name,
                              onnx_bytes model) {
    char path[128];
    peer p = peer_dial(s);
    snprintf(path, sizeof(path), "/v1/models/%s", name);
    free(peer_expect(&p, 201, "POST", path, RAW, model.data, model.size).body);
    free(model.data);
    peer_close(&p);
}

#endif
