// SPDX-License-Identifier: MIT
// An HTTP client for bench/ and tools/demo.sh, so that they need no other.
//
//   bench_client METHOD URL [--type TYPE] [--body FILE]
//       one request; the answer's body to standard output. Ends with 0 for a
//       status of 2xx; otherwise the status goes to standard error
//   bench_client load --clients N (--requests M | --seconds S) [--type TYPE]
//                [--every MS] [--method METHOD]
//                URL BODY-FILE [URL BODY-FILE]...
//       N connections that each send one POST (or METHOD) after the other,
//       those to different URLs in turn; M requests in all. --every: each sends
//       one every so many milliseconds (those that are late, at once). Prints,
//       for each URL, a line of name value pairs
//   bench_client frames FILE NAME:SHAPE [NAME:SHAPE]...
//       writes a body for the infer route (see docs/serve.md), pseudo-random
//       numbers from -1 to 1: frames x.bin x:1x3x48x320
#include "weir/base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 4096, TARGETS_MAX = 8, HEAD_MAX = 65536 };

static _Noreturn void die(const char *what, const char *detail) {
    fprintf(stderr, "bench_client: %s%s%s\n", what, detail != NULL ? ": " : "",
            detail != NULL ? detail : "");
    exit(2);
}

// ---- bytes -----------------------------------------------------------------

typedef struct bytes {
    char *data;
    size_t size, room;
} bytes;

static void append(bytes *to, const void *data, size_t size) {
    if (to->size + size > to->room) {
        to->room = (to->size + size) * 2;
        to->data = realloc(to->data, to->room);
        if (to->data == NULL)
            die("out of memory", NULL);
    }
    if (size > 0)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

static bytes read_file(const char *path) {
    bytes all = {NULL, 0, 0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path, strerror(errno));
    char part[65536];
    size_t got;
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        append(&all, part, got);
    fclose(file);
    return all;
}

// ---- URLs ------------------------------------------------------------------

typedef struct url {
    char host[64];
    char path[512];
    struct sockaddr_in address;
} url;

static url parse_url(const char *text) {
    url out;
    int port = 0;
    memset(&out, 0, sizeof(out));
    if (sscanf(text, "http://%63[0-9.]:%d%511s", out.host, &port, out.path) < 2)
        die("not http://ADDRESS:PORT/PATH", text);
    if (out.path[0] == 0)
        strcpy(out.path, "/");
    out.address.sin_family = AF_INET;
    out.address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, out.host, &out.address.sin_addr) != 1)
        die("not an address", out.host);
    return out;
}

static int connect_to(const url *to) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to->address,
                          sizeof(to->address)) != 0)
        die("connect", strerror(errno));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static bytes request_of(const char *method, const url *to, const char *type,
                        const bytes *body) {
    char head[1024];
    int size = snprintf(head, sizeof(head),
                        "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n"
                        "%s%s%s\r\n",
                        method, to->path, to->host, body->size,
                        type != NULL ? "Content-Type: " : "",
                        type != NULL ? type : "", type != NULL ? "\r\n" : "");
    bytes all = {NULL, 0, 0};
    append(&all, head, (size_t)size);
    append(&all, body->data, body->size);
    return all;
}

// ---- answers ---------------------------------------------------------------

typedef struct answer {
    bytes text;
    size_t head;   // bytes of the head, 0: not whole yet
    size_t length; // of the body
    int status;
} answer;

// Looks at what has come. True when the answer is whole.
static bool whole(answer *a) {
    if (a->head == 0) {
        append(&a->text, "", 1);
        a->text.size--;
        char *end = strstr(a->text.data, "\r\n\r\n");
        if (end == NULL) {
            if (a->text.size > HEAD_MAX)
                die("the answer's head does not end", NULL);
            return false;
        }
        a->head = (size_t)(end - a->text.data) + 4;
        if (sscanf(a->text.data, "HTTP/1.1 %d", &a->status) != 1)
            die("not an HTTP answer", NULL);
        const char *at = strcasestr(a->text.data, "\r\nContent-Length:");
        a->length = at != NULL && at < end ? strtoull(at + 17, NULL, 10) : 0;
    }
    return a->text.size >= a->head + a->length;
}

// ---- one request -----------------------------------------------------------

static void send_all(int fd, const bytes *what) {
    for (size_t at = 0; at < what->size;) {
        ssize_t sent = send(fd, what->data + at, what->size - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            break; // the answer, if there is one, says why
        at += sent > 0 ? (size_t)sent : 0;
    }
}

static int one_request(int argc, char **argv) {
    const char *type = NULL;
    bytes body = {NULL, 0, 0};
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--type") == 0)
            type = argv[i + 1];
        else if (strcmp(argv[i], "--body") == 0)
            body = read_file(argv[i + 1]);
        else
            die("unknown option", argv[i]);
    }
    url to = parse_url(argv[2]);
    bytes request = request_of(argv[1], &to, type, &body);
    int fd = connect_to(&to);
    send_all(fd, &request);
    answer a = {{NULL, 0, 0}, 0, 0, 0};
    while (!whole(&a)) {
        char part[65536];
        ssize_t got = recv(fd, part, sizeof(part), 0);
        if (got <= 0)
            die("the connection ended before the answer", argv[2]);
        append(&a.text, part, (size_t)got);
    }
    close(fd);
    fwrite(a.text.data + a.head, 1, a.length, stdout);
    fflush(stdout);
    if (a.status / 100 != 2)
        fprintf(stderr, "bench_client: status %d\n", a.status);
    return a.status / 100 == 2 ? 0 : 1;
}

// ---- load ------------------------------------------------------------------

typedef struct target {
    const char *name;
    url to;
    bytes request;
    double *ms; // of each answer that was good
    size_t count, room;
    size_t refused, failed; // 503; anything else but 2xx
} target;

typedef struct client {
    target *at;
    int fd;
    size_t sent; // of the request; all of it: waits for the answer
    bool idle;
    int64_t began_ns, next_ns;
    answer got;
} client;

typedef struct load {
    target target[TARGETS_MAX];
    int targets;
    client client[CLIENTS_MAX];
    int clients;
    long requests; // to be begun; -1: until end_ns
    int64_t end_ns;
    int64_t every_ns;
} load;

static load l;

static bool may_begin(int64_t now_ns) {
    if (l.requests < 0)
        return now_ns < l.end_ns;
    if (l.requests == 0)
        return false;
    l.requests--;
    return true;
}

static void begin(client *c, int64_t now_ns) {
    c->idle = !may_begin(now_ns);
    if (c->idle)
        return;
    c->sent = 0;
    // From when it was due: who is late makes others wait (no coordinated
    // omission).
    c->began_ns = l.every_ns > 0 ? c->next_ns : now_ns;
    c->next_ns += l.every_ns;
    c->got.text.size = c->got.head = 0;
}

static void finished(client *c, int64_t now_ns) {
    target *t = c->at;
    if (c->got.status == 503) {
        t->refused++;
    } else if (c->got.status / 100 != 2) {
        if (t->failed++ == 0)
            fprintf(stderr, "bench_client: status %d: %.*s\n", c->got.status,
                    (int)c->got.length, c->got.text.data + c->got.head);
    } else {
        if (t->count == t->room) {
            t->room = t->room * 2 + 1024;
            t->ms = realloc(t->ms, t->room * sizeof(*t->ms));
            if (t->ms == NULL)
                die("out of memory", NULL);
        }
        t->ms[t->count++] = (double)(now_ns - c->began_ns) / 1e6;
    }
    begin(c, now_ns);
}

static void go_on(client *c) {
    const bytes *request = &c->at->request;
    if (c->sent < request->size) {
        ssize_t sent =
            send(c->fd, request->data + c->sent, request->size - c->sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            die("send", strerror(errno));
        c->sent += sent > 0 ? (size_t)sent : 0;
        return;
    }
    char part[65536];
    ssize_t got = recv(c->fd, part, sizeof(part), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        die("the connection ended before the answer", c->at->name);
    if (got > 0)
        append(&c->got.text, part, (size_t)got);
    if (got > 0 && whole(&c->got))
        finished(c, weir_now_ns());
}

static void run_load(void) {
    static struct pollfd fds[CLIENTS_MAX];
    for (int i = 0; i < l.clients; i++)
        l.client[i].fd = connect_to(&l.client[i].at->to);
    int64_t start_ns = weir_now_ns();
    l.end_ns += start_ns;
    for (int i = 0; i < l.clients; i++) {
        l.client[i].next_ns = start_ns + l.every_ns * i / l.clients;
        begin(&l.client[i], start_ns);
    }
    for (;;) {
        int64_t now_ns = weir_now_ns(), soonest_ns = INT64_MAX;
        int busy = 0;
        for (int i = 0; i < l.clients; i++) {
            client *c = &l.client[i];
            fds[i] = (struct pollfd){c->idle ? -1 : c->fd, 0, 0};
            busy += !c->idle;
            if (c->idle || (c->sent == 0 && c->began_ns > now_ns)) {
                if (!c->idle && c->began_ns < soonest_ns)
                    soonest_ns = c->began_ns;
                continue; // not due yet
            }
            fds[i].events = c->sent < c->at->request.size ? POLLOUT : POLLIN;
        }
        if (busy == 0)
            return;
        int wait_ms = soonest_ns == INT64_MAX
                          ? -1
                          : (int)((soonest_ns - now_ns) / 1000000) + 1;
        if (poll(fds, (nfds_t)l.clients, wait_ms) < 0 && errno != EINTR)
            die("poll", strerror(errno));
        for (int i = 0; i < l.clients; i++)
            if (fds[i].fd >= 0 && fds[i].revents != 0 && fds[i].events != 0)
                go_on(&l.client[i]);
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const target *t, double q) {
    if (t->count == 0)
        return 0;
    size_t at = (size_t)(q * (double)(t->count - 1) + 0.5);
    return t->ms[at];
}

static int load_main(int argc, char **argv) {
    const char *type = "application/vnd.weir.tensors", *method = "POST";
    l.requests = -1;
    int i = 2;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        double number = atof(argv[i + 1]);
        if (strcmp(argv[i], "--clients") == 0)
            l.clients = (int)number;
        else if (strcmp(argv[i], "--requests") == 0)
            l.requests = (long)number;
        else if (strcmp(argv[i], "--seconds") == 0)
            l.end_ns = (int64_t)(number * 1e9);
        else if (strcmp(argv[i], "--every") == 0)
            l.every_ns = (int64_t)(number * 1e6);
        else if (strcmp(argv[i], "--type") == 0)
            type = argv[i + 1];
        else if (strcmp(argv[i], "--method") == 0)
            method = argv[i + 1];
        else
            die("unknown option", argv[i]);
    }
    for (; i + 1 < argc && l.targets < TARGETS_MAX; i += 2) {
        target *t = &l.target[l.targets++];
        bytes body = read_file(argv[i + 1]);
        t->name = argv[i];
        t->to = parse_url(argv[i]);
        t->request = request_of(method, &t->to, type, &body);
    }
    if (i != argc || l.targets == 0 || l.clients < 1 ||
        l.clients > CLIENTS_MAX || (l.requests < 0 && l.end_ns == 0))
        die("load needs --clients, --requests or --seconds, and URL BODY-FILE",
            NULL);
    for (int c = 0; c < l.clients; c++)
        l.client[c].at = &l.target[c % l.targets];
    int64_t begin_ns = weir_now_ns();
    run_load();
    double seconds = (double)(weir_now_ns() - begin_ns) / 1e9;
    int bad = 0;
    for (int t = 0; t < l.targets; t++) {
        target *one = &l.target[t];
        qsort(one->ms, one->count, sizeof(*one->ms), ascending);
        printf("url %s requests %zu seconds %.3f rate %.1f p50_ms %.3f p90_ms "
               "%.3f p99_ms %.3f max_ms %.3f refused %zu failed %zu\n",
               one->name, one->count, seconds, (double)one->count / seconds,
               quantile(one, 0.5), quantile(one, 0.9), quantile(one, 0.99),
               quantile(one, 1), one->refused, one->failed);
        bad += one->failed > 0;
    }
    return bad > 0;
}

// ---- frames ----------------------------------------------------------------

static void put_number(bytes *to, uint64_t number, int size) {
    unsigned char out[8];
    for (int i = 0; i < size; i++)
        out[i] = (unsigned char)(number >> 8 * i);
    append(to, out, (size_t)size);
}

static void pad(bytes *to) {
    while (to->size % 64 != 0)
        append(to, "", 1);
}

static void put_tensor(bytes *to, const char *text) {
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        die("not NAME:SHAPE", text);
    uint64_t dim[8], elements = 1;
    uint32_t rank = 0;
    const char *at = colon + 1;
    while (*at != 0 && rank < 8) {
        char *end;
        dim[rank] = strtoull(at, &end, 10);
        if (end == at || dim[rank] == 0 || (*end != 'x' && *end != 0))
            die("not NAME:SHAPE", text);
        elements *= dim[rank++];
        at = *end == 'x' ? end + 1 : end;
    }
    put_number(to, 1, 4);
    put_number(to, rank, 4);
    put_number(to, (uint64_t)(colon - text), 4);
    put_number(to, 0, 4);
    put_number(to, elements * 4, 8);
    for (uint32_t i = 0; i < rank; i++)
        put_number(to, dim[i], 8);
    append(to, text, (size_t)(colon - text));
    pad(to);
    uint64_t state = 1;
    for (uint64_t i = 0; i < elements; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        union {
            float number;
            uint32_t bits;
        } value = {(float)(int32_t)(state >> 32) / 2147483648.0f};
        put_number(to, value.bits, 4);
    }
    pad(to);
}

static int frames_main(int argc, char **argv) {
    bytes all = {NULL, 0, 0};
    append(&all, "WEIRTNS1", 8);
    put_number(&all, (uint64_t)(argc - 3), 4);
    pad(&all);
    for (int i = 3; i < argc; i++)
        put_tensor(&all, argv[i]);
    FILE *file = fopen(argv[2], "wb");
    if (file == NULL || fwrite(all.data, 1, all.size, file) != all.size ||
        fclose(file) != 0)
        die(argv[2], strerror(errno));
    return 0;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "frames") == 0)
        return frames_main(argc, argv);
    if (argc >= 4 && strcmp(argv[1], "load") == 0)
        return load_main(argc, argv);
    if (argc >= 3 && argc % 2 == 1)
        return one_request(argc, argv);
    die("see the top of bench/client.c", NULL);
}
