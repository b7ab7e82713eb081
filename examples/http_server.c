// SPDX-License-Identifier: MIT
// A small HTTP/1.1 server on libuv that hashes and compresses request bodies on
// a weir pool, while its loop goes on with everybody else.
//
//   http_server [--port N] [--pool weir|adaptive|uv] [OPTION VALUE]...
//
//   POST /hash   FNV-1a and CRC-32 of the body
//   POST /gzip   the body, compressed
//   GET /        a line, from the loop itself
//   GET /counts  what has happened so far, which is also printed at the end
//
// With --pool uv the same work runs on libuv's own threads; http_work.c is all
// that differs. --pool adaptive lets each site decide where it runs.
//
// Every request that came in whole is answered, or its client has left: the
// counts say so, and the program ends with 1 if they do not add up.
//   SIGINT, SIGTERM: nobody new; who has begun a request gets its answer.
//                    Once more: who is still there is dropped.
//   SIGUSR1:         the pool is stopped: work gets 503 from here on.
#include "http_work.h"

#include <http_parser.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

enum { INPUT_SIZE = 16384, LINGER_MS = 1000, SPARE_FDS = 16 };

static struct {
    unsigned port;        // 0: any; it is printed
    unsigned threads;     // 0: as many as the pool takes
    unsigned header_max;  // bytes, with the request line
    unsigned body_max;    // bytes
    unsigned timeout_ms;  // for a request to come in, an answer to go out
    unsigned connections; // at once, others wait; 0: what the fd limit allows
    unsigned work_max;    // requests on the pool at once; others get 503
} set = {0, 0, 8192, 8 << 20, 10000, 0, 4096};

static struct {
    uint64_t accepted; // connections
    uint64_t closed;
    uint64_t accept_failed;
    uint64_t requests; // that are due an answer
    uint64_t answered; // the answer was written
    uint64_t gone;     // the client had left before
    uint64_t partial;  // a request that never came in whole
    uint64_t work;     // given to the pool
    uint64_t ended;    // came back
    uint64_t refused;  // answered 503
} counts;

typedef enum client_state {
    READING,   // waits for a request, or for the rest of one
    WORKING,   // the pool has it
    WRITING,   // the answer goes out
    LINGERING, // the last answer is out: until the client hangs up, too
    CLOSING,   // handles are being closed, or the pool still has the work
} client_state;

typedef enum route { NOWHERE, ROOT, COUNTS, HASH, GZIP } route;

typedef struct client {
    uv_tcp_t tcp;
    uv_timer_t timer;
    struct client *next, **link;
    client_state state;
    unsigned handles; // open
    bool reading;
    bool eof;   // it sends no more
    bool begun; // some of a request is here
    bool due;   // a request that has had no answer
    bool keep;  // the connection, after the answer

    http_parser parser;
    int error; // status that a callback of the parser chose, or 0
    bool whole;
    unsigned hosts;
    bool expects_continue, in_value;
    route route;
    char path[64], field[24], value[24]; // as much as is looked at
    size_t path_length, field_length, value_length;
    size_t body_room;
    char input[INPUT_SIZE]; // what the parser has not taken yet
    size_t input_used;

    http_work work; // with the body and the result
    bool out;       // the pool has it

    uv_write_t write;
    uv_shutdown_t shutdown;
    char head[256];
    char text[400];
} client;

static uv_loop_t *loop;
static uv_tcp_t listener;
static uv_signal_t signals[3];
static client *clients;
static unsigned open_clients;
static bool somebody_waits; // to be accepted
static bool stopping;
static http_pool_kind pool_kind;

static void close_client(client *c);
static void parse(client *c);

_Noreturn static void fail(const char *what, int error) {
    fprintf(stderr, "http_server: %s: %s\n", what, uv_strerror(error));
    exit(1);
}

// ---- answers ---------------------------------------------------------------

// Prints the counts into the text, as one line; gives its length.
static size_t counts_text(char *text, size_t size) {
    return (size_t)snprintf(
        text, size,
        "accepted %" PRIu64 " closed %" PRIu64 " accept_failed %" PRIu64
        " requests %" PRIu64 " answered %" PRIu64 " gone %" PRIu64
        " partial %" PRIu64 " work %" PRIu64 " ended %" PRIu64
        " refused %" PRIu64 "\n",
        counts.accepted, counts.closed, counts.accept_failed, counts.requests,
        counts.answered, counts.gone, counts.partial, counts.work, counts.ended,
        counts.refused);
}

static void on_timer(uv_timer_t *timer);

static void give_time(client *c, unsigned ms) {
    uv_timer_start(&c->timer, on_timer, ms, 0);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
    client *c = handle->data;
    (void)size;
    *buffer = uv_buf_init(c->input + c->input_used,
                          (unsigned)(INPUT_SIZE - c->input_used));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

static void read_more(client *c) {
    if (c->reading || c->eof || c->input_used == INPUT_SIZE)
        return;
    c->reading = true;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        close_client(c);
}

static void read_no_more(client *c) {
    c->reading = false;
    uv_read_stop((uv_stream_t *)&c->tcp);
}

static void forget_request(client *c) {
    free(c->work.body);
    free(c->work.result);
    c->work.body = c->work.result = NULL;
    c->work.body_size = c->body_room = c->work.result_size = 0;
    c->path_length = c->field_length = c->value_length = 0;
    c->path[0] = c->field[0] = c->value[0] = 0; // a trailer may be left there
    c->hosts = 0;
    c->expects_continue = c->in_value = c->whole = false;
    c->error = 0;
}

static void next_request(client *c) {
    forget_request(c);
    c->state = READING;
    c->begun = c->input_used > 0;
    give_time(c, set.timeout_ms);
    parse(c);
    if (c->state == READING && stopping && !c->begun)
        close_client(c);
}

// The client must be able to read the answer although it goes on sending: who
// closes with input unread sends a reset after it.
static void linger(client *c) {
    c->state = LINGERING;
    c->input_used = 0;
    forget_request(c);
    if (c->eof || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, NULL)) {
        close_client(c);
        return;
    }
    give_time(c, LINGER_MS);
    read_more(c);
}

static void on_written(uv_write_t *write, int status) {
    client *c = write->data;
    if (c->state == CLOSING)
        return;
    if (status != 0) {
        close_client(c);
        return;
    }
    c->due = false;
    counts.answered++;
    if (c->keep)
        next_request(c);
    else
        linger(c);
}

static void answer(client *c, unsigned status, const char *type,
                   const void *body, size_t size) {
    const char *allow = status != 405     ? ""
                        : c->route < HASH ? "Allow: GET, HEAD\r\n"
                                          : "Allow: POST\r\n";
    c->keep = c->keep && !stopping && !(c->eof && c->input_used == 0);
    int length = snprintf(c->head, sizeof(c->head),
                          "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n"
                          "Content-Length: %zu\r\n%sConnection: %s\r\n\r\n",
                          status, http_status_str((enum http_status)status),
                          type, size, allow, c->keep ? "keep-alive" : "close");
    uv_buf_t buffers[2] = {
        uv_buf_init(c->head, (unsigned)length),
        uv_buf_init((char *)(uintptr_t)body, (unsigned)size)};
    bool with_body = size > 0 && c->parser.method != HTTP_HEAD;
    counts.refused += status == 503;
    c->state = WRITING;
    c->write.data = c;
    give_time(c, set.timeout_ms);
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, buffers, with_body ? 2 : 1,
                 on_written) != 0)
        close_client(c);
}

static void answer_text(client *c, unsigned status) {
    size_t size = (size_t)snprintf(c->text, sizeof(c->text), "%s\n",
                                   http_status_str((enum http_status)status));
    answer(c, status, "text/plain", c->text, size);
}

// A request that nothing can follow on this connection.
static void reject(client *c, unsigned status) {
    counts.requests++;
    c->due = true;
    c->keep = false;
    answer_text(c, status);
}

// ---- requests --------------------------------------------------------------

static void maybe_free(client *c);

static void after_work(http_work *work, int status) {
    client *c = (client *)(void *)((char *)work - offsetof(client, work));
    counts.ended++;
    c->out = false;
    if (c->state == CLOSING)
        maybe_free(c);
    else if (status != 0)
        answer_text(c, 503); // only a stopped pool ends what nobody cancelled
    else if (work->failed != 0)
        answer_text(c, 500);
    else
        answer(c, 200, c->route == HASH ? "text/plain" : "application/gzip",
               work->result, work->result_size);
}

static void start_work(client *c) {
    c->work.kind = c->route == HASH ? HTTP_WORK_HASH : HTTP_WORK_GZIP;
    c->work.after = after_work;
    int error = UV_EAGAIN;
    if (counts.work - counts.ended < set.work_max)
        error = http_pool_queue(&c->work);
    if (error != 0) {
        answer_text(c, 503);
        return;
    }
    counts.work++;
    c->out = true;
    c->state = WORKING;
    uv_timer_stop(&c->timer);
}

static route route_of(const char *path) {
    static const char *const paths[] = {"", "/", "/counts", "/hash", "/gzip"};
    for (route r = ROOT; r <= GZIP; r++)
        if (strcmp(path, paths[r]) == 0)
            return r;
    return NOWHERE;
}

static void handle(client *c) {
    unsigned method = c->parser.method;
    counts.requests++;
    c->due = true;
    c->keep = http_should_keep_alive(&c->parser) && !c->parser.upgrade;
    c->route = route_of(c->path);
    if (c->route == NOWHERE)
        answer_text(c, 404);
    else if (c->route >= HASH && method == HTTP_POST)
        start_work(c);
    else if (c->route >= HASH || (method != HTTP_GET && method != HTTP_HEAD))
        answer_text(c, 405);
    else if (c->route == ROOT)
        answer(c, 200, "text/plain", "weir\n", 5);
    else
        answer(c, 200, "text/plain", c->text,
               counts_text(c->text, sizeof(c->text)));
}

// ---- the parser's callbacks; one that is not 0 ends the request ------------

static int refuse(client *c, int status) {
    c->error = status;
    return -1;
}

// Appends as much as there is room for, and a 0.
static void append(char *to, size_t size, size_t *length, const char *text,
                   size_t more) {
    if (more > size - 1 - *length)
        more = size - 1 - *length;
    memcpy(to + *length, text, more);
    *length += more;
    to[*length] = 0;
}

static int on_url(http_parser *parser, const char *text, size_t length) {
    client *c = parser->data;
    append(c->path, sizeof(c->path), &c->path_length, text, length);
    return 0;
}

static void header_ends(client *c) {
    if (strcasecmp(c->field, "host") == 0)
        c->hosts++;
    if (strcasecmp(c->field, "expect") == 0 &&
        strcasecmp(c->value, "100-continue") == 0)
        c->expects_continue = true;
    c->field_length = c->value_length = 0;
    c->field[0] = c->value[0] = 0;
    c->in_value = false;
}

static int on_field(http_parser *parser, const char *text, size_t length) {
    client *c = parser->data;
    if (c->in_value)
        header_ends(c);
    append(c->field, sizeof(c->field), &c->field_length, text, length);
    return 0;
}

static int on_value(http_parser *parser, const char *text, size_t length) {
    client *c = parser->data;
    append(c->value, sizeof(c->value), &c->value_length, text, length);
    c->in_value = true;
    return 0;
}

static int on_headers(http_parser *parser) {
    client *c = parser->data;
    header_ends(c);
    c->path[strcspn(c->path, "?")] = 0;
    if (parser->http_major != 1)
        return refuse(c, 505);
    if (c->hosts > 1 || (parser->http_minor > 0 && c->hosts == 0))
        return refuse(c, 400);
    if ((parser->flags & F_CONTENTLENGTH) != 0 &&
        parser->content_length > set.body_max)
        return refuse(c, 413);
    if (c->expects_continue && parser->http_minor > 0) {
        char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        uv_buf_t buffer = uv_buf_init(text, sizeof(text) - 1);
        int size = (int)buffer.len;
        int sent = uv_try_write((uv_stream_t *)&c->tcp, &buffer, 1);
        if (sent > 0 && sent < size) { // half a line: nothing may follow it
            close_client(c);
            return -1;
        }
        if (sent != size)
            return refuse(c, 503);
    }
    return 0;
}

static int on_body(http_parser *parser, const char *text, size_t length) {
    client *c = parser->data;
    if (length > set.body_max - c->work.body_size)
        return refuse(c, 413);
    if (length > c->body_room - c->work.body_size) {
        // Room for what came, not for what was announced.
        size_t room = c->body_room + c->body_room / 2 + length;
        unsigned char *larger = realloc(c->work.body, room);
        if (larger == NULL)
            return refuse(c, 503);
        c->work.body = larger;
        c->body_room = room;
    }
    memcpy(c->work.body + c->work.body_size, text, length);
    c->work.body_size += length;
    return 0;
}

static int on_whole(http_parser *parser) {
    client *c = parser->data;
    c->whole = true;
    http_parser_pause(parser, 1); // what follows is for later
    return 0;
}

static const http_parser_settings callbacks = {.on_url = on_url,
                                               .on_header_field = on_field,
                                               .on_header_value = on_value,
                                               .on_headers_complete =
                                                   on_headers,
                                               .on_body = on_body,
                                               .on_message_complete = on_whole};

// ---- connections -----------------------------------------------------------

static void parse(client *c) {
    if (c->input_used > 0) {
        size_t taken = http_parser_execute(&c->parser, &callbacks, c->input,
                                           c->input_used);
        memmove(c->input, c->input + taken, c->input_used - taken);
        c->input_used -= taken;
    }
    enum http_errno error = HTTP_PARSER_ERRNO(&c->parser);
    if (c->whole && c->error == 0) {
        http_parser_pause(&c->parser, 0);
        handle(c);
    } else if (error != HPE_OK) {
        reject(c, c->error != 0                  ? (unsigned)c->error
                  : error == HPE_HEADER_OVERFLOW ? 431
                  : error == HPE_INVALID_VERSION ? 505
                                                 : 400);
    }
    if (c->state == CLOSING)
        return;
    if (c->state == READING && c->eof) {
        counts.partial += c->begun;
        close_client(c);
        return;
    }
    read_more(c);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
    client *c = stream->data;
    (void)buffer;
    if (got == 0)
        return;
    if (got < 0) {
        read_no_more(c);
        c->eof = true;
        if (got != UV_EOF || c->state == LINGERING) {
            counts.partial += c->state == READING && c->begun;
            close_client(c);
        } else if (c->state == READING) {
            parse(c);
        }
        return;
    }
    if (c->state == LINGERING)
        return; // nobody looks at it
    c->input_used += (size_t)got;
    if (c->input_used == INPUT_SIZE)
        read_no_more(c);
    if (c->state != READING)
        return; // pipelined
    if (!c->begun)
        give_time(c, set.timeout_ms);
    c->begun = true;
    parse(c);
}

static void on_timer(uv_timer_t *timer) {
    client *c = timer->data;
    if (c->state == READING && c->begun)
        reject(c, 408);
    else
        close_client(c);
}

static void accept_one(void);
static void maybe_end(void);

// Frees a client that neither libuv nor the pool knows any more.
static void maybe_free(client *c) {
    if (c->handles > 0 || c->out)
        return;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    forget_request(c);
    free(c);
    open_clients--;
    counts.closed++;
    if (somebody_waits && !stopping)
        accept_one();
    maybe_end();
}

static void on_closed(uv_handle_t *handle) {
    client *c = handle->data;
    c->handles--;
    maybe_free(c);
}

static void close_client(client *c) {
    if (c->state == CLOSING)
        return;
    c->state = CLOSING;
    counts.gone += c->due;
    if (c->out)
        http_pool_cancel(&c->work); // or its result is thrown away
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void accept_one(void) {
    client *c = calloc(1, sizeof(*c));
    somebody_waits = c == NULL;
    if (c == NULL) {
        counts.accept_failed++; // again when the next one leaves, or comes
        return;
    }
    uv_timer_init(loop, &c->timer);
    uv_tcp_init(loop, &c->tcp);
    c->timer.data = c->tcp.data = c;
    c->handles = 2;
    c->next = clients;
    c->link = &clients;
    if (clients != NULL)
        clients->link = &c->next;
    clients = c;
    open_clients++;
    counts.accepted++;
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = c;
    int error = uv_accept((uv_stream_t *)&listener, (uv_stream_t *)&c->tcp);
    if (error != 0) {
        counts.accept_failed++;
        close_client(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    give_time(c, set.timeout_ms);
    read_more(c);
}

// Who comes when there is no room waits in the kernel's queue: libuv does not
// look at the listener before uv_accept is called. An error (no descriptors)
// comes after libuv has dropped who waited, and is only counted.
static void on_connection(uv_stream_t *stream, int status) {
    (void)stream;
    if (status != 0)
        counts.accept_failed++;
    else if (open_clients >= set.connections)
        somebody_waits = true;
    else
        accept_one();
}

// ---- start and end ---------------------------------------------------------

static void maybe_end(void) {
    if (!stopping || clients != NULL || uv_is_closing((uv_handle_t *)signals))
        return;
    int error = http_pool_close();
    if (error != 0)
        fail("detach", error);
    for (int i = 0; i < 3; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
}

static void stop_pool(void) {
    int error = http_pool_stop();
    if (error != 0)
        fail("stop the pool", error);
    for (client *c = clients; c != NULL; c = c->next)
        if (c->out)
            http_pool_cancel(&c->work);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)handle;
    if (number == SIGUSR1) {
        stop_pool();
        return;
    }
    bool again = stopping;
    stopping = true;
    if (!again)
        uv_close((uv_handle_t *)&listener, NULL);
    for (client *c = clients; c != NULL; c = c->next)
        if (again || (c->state == READING && !c->begun))
            close_client(c);
    maybe_end();
}

static void listen_on(unsigned port) {
    struct sockaddr_in address;
    int error = uv_ip4_addr("127.0.0.1", (int)port, &address);
    uv_tcp_init(loop, &listener);
    if (error == 0)
        error = uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&listener, 511, on_connection);
    int size = sizeof(address);
    if (error == 0)
        error =
            uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size);
    if (error != 0)
        fail("listen", error);
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void read_options(int argc, char **argv) {
    static const struct {
        const char *name;
        unsigned *value;
    } numbers[] = {{"--port", &set.port},
                   {"--threads", &set.threads},
                   {"--header-max", &set.header_max},
                   {"--body-max", &set.body_max},
                   {"--timeout-ms", &set.timeout_ms},
                   {"--connections", &set.connections},
                   {"--work-max", &set.work_max}};
    static const char *const kinds[] = {"weir", "adaptive", "uv"};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool known = false;
        for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
            if (strcmp(argv[i], numbers[k].name) == 0) {
                char *end;
                unsigned long number = strtoul(value, &end, 10);
                known = end != value && *end == 0 && number < 1U << 31;
                *numbers[k].value = (unsigned)number;
            }
        for (int k = 0; k < 3 && strcmp(argv[i], "--pool") == 0; k++)
            if (strcmp(value, kinds[k]) == 0) {
                pool_kind = (http_pool_kind)k;
                known = true;
            }
        if (!known || set.port > 65535) {
            fprintf(stderr, "http_server: bad option: %s %s\n", argv[i], value);
            exit(2);
        }
    }
}

int main(int argc, char **argv) {
    static const int numbers[3] = {SIGINT, SIGTERM, SIGUSR1};
    read_options(argc, argv);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        files.rlim_cur = 2 * SPARE_FDS;
    if (files.rlim_cur > INT_MAX) // RLIM_INFINITY, too
        files.rlim_cur = INT_MAX;
    if (set.connections == 0)
        set.connections = files.rlim_cur > 2 * SPARE_FDS
                              ? (unsigned)files.rlim_cur - SPARE_FDS
                              : SPARE_FDS;
    http_parser_set_max_header_size(set.header_max);
    signal(SIGPIPE, SIG_IGN);
    loop = uv_default_loop();
    int error = http_pool_open(loop, pool_kind, set.threads);
    if (error != 0)
        fail("pool", error);
    for (int i = 0; i < 3; i++) {
        uv_signal_init(loop, &signals[i]);
        error = uv_signal_start(&signals[i], on_signal, numbers[i]);
        if (error != 0)
            fail("signal", error);
    }
    listen_on(set.port);
    uv_run(loop, UV_RUN_DEFAULT);
    http_pool_free();
    int open = uv_loop_close(loop);

    char text[400];
    counts_text(text, sizeof(text));
    fputs(text, stdout);
    bool right = counts.requests == counts.answered + counts.gone &&
                 counts.accepted == counts.closed &&
                 counts.work == counts.ended && open == 0;
    if (!right)
        fputs("http_server: the counts do not add up\n", stderr);
    return right ? 0 : 1;
}
