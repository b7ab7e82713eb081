// SPDX-License-Identifier: MIT
// Sends odd bytes to `weir serve`, over connections of their own: request
// lines, URLs, headers, bodies, several requests in one. What is looked for is
// a server that ends or hangs, an answer that is none, a refusal without its
// line, and counts at the end that do not add up. How to run it: engine.h.
#include "engine.h"

// What the client refuses ends the round, with its seed.
#define _Exit(status) abort()
#include "serve/client.h"

enum { INPUT_MAX = 4096, ANSWER_MAX = 1 << 20, ALIVE_EVERY = 64 };

static server the_server;

static void broken(const char *what, const char *more) {
    printf("fuzz_http: %s: %.400s\n", what, more);
    fflush(stdout);
    abort();
}

static void prepare(void) {
    if (the_server.pid != 0)
        return;
    the_server = server_start("--set limits.receive=20s");
    load_model(&the_server, "small", model_small());
}

// The whole answer to these bytes, of ANSWER_MAX the rest is left out.
static size_t ask(char *answer, const uint8_t *data, size_t size) {
    peer p = peer_dial(&the_server);
    static char rest[4096];
    size_t used = 0;
    ssize_t got;
    peer_send(&p, data, size);
    shutdown(p.fd, SHUT_WR);
    for (;;) {
        bool room = used < ANSWER_MAX;
        got = recv(p.fd, room ? answer + used : rest,
                   room ? ANSWER_MAX - used : sizeof(rest), 0);
        if (got < 0 && errno != ECONNRESET)
            broken("no end of an answer", strerror(errno));
        if (got <= 0)
            break;
        used += room ? (size_t)got : 0;
    }
    answer[used] = '\0';
    peer_close(&p);
    return used;
}

static const char *value_of(const char *head, const char *end,
                            const char *name) {
    size_t length = strlen(name);
    for (const char *at = head; at != NULL && at < end; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncasecmp(at, name, length) == 0 && at[length] == ':')
            return at + length + 1;
    }
    return NULL;
}

// One answer; returns what is behind it, or NULL: that cannot be known.
static const char *check_answer(const char *at, const char *end, bool heads) {
    int status = 0;
    if (sscanf(at, "HTTP/1.1 %3d ", &status) != 1 || status < 100 ||
        status > 599)
        broken("not an answer", at);
    const char *head_end = strstr(at, "\r\n\r\n");
    if (head_end == NULL)
        broken("an answer without an end", at);
    const char *length = value_of(at, head_end, "Content-Length");
    const char *body = head_end + 4;
    if (heads || length == NULL)
        return status == 100 ? body : NULL;
    size_t size = (size_t)strtoull(length, NULL, 10);
    if (size > (size_t)(end - body))
        return NULL; // cut: it was too long, or the connection was
    // What libmicrohttpd cannot read it refuses itself, with a page, before
    // which 0.9.75 says the headers twice if the length is wrong.
    if (status >= 400 && strstr(body, "<html>") != NULL)
        return NULL;
    // /healthz has a line of its own.
    if (status >= 400 && status != 503 &&
        strncmp(body, "{\"error\": \"", 11) != 0)
        broken("a refusal without its line", at);
    return body + size;
}

static void check_alive(void) {
    static const char question[] =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static char answer[ANSWER_MAX + 1];
    (void)ask(answer, (const uint8_t *)question, sizeof(question) - 1);
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        broken("the server is not well", answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char answer[ANSWER_MAX + 1];
    static unsigned count;
    prepare();
    size_t used = ask(answer, data, size);
    bool heads = memmem(data, size, "HEAD", 4) != NULL;
    const char *end = answer + used;
    for (const char *at = answer; at != NULL && at < end;)
        at = check_answer(at, end, heads);
    if (++count % ALIVE_EVERY == 0)
        check_alive();
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: requests that might be right, damaged a little

static size_t put_request(char *out) {
    static const char *const paths[] = {"/",
                                        "/healthz",
                                        "/metrics",
                                        "/v1/models",
                                        "/v1/models/small",
                                        "/v1/models/small/infer",
                                        "/v1/models/none/infer",
                                        "/v1/letters/a",
                                        "/v1/text",
                                        "/v1/contexts",
                                        "/v1/contexts/1",
                                        "/v1/contexts/1/tensors",
                                        "/v1/contexts/1/tensors/2",
                                        "/v1/contexts/1/graphs",
                                        "/v1/contexts/1/dispatch",
                                        "/v1/models/%73mall",
                                        "/?a=b&c",
                                        "/v1/contexts/99999999999999999999",
                                        "//v1/models",
                                        "/v1/../x"};
    static const char *const methods[] = {"GET",    "POST", "PUT",
                                          "DELETE", "HEAD", "PATCH"};
    static const char *const headers[] = {
        JSON,
        RAW,
        FRAMES,
        "Weir-Shape: float32[1,3]\r\n",
        "Weir-Inputs: x=float32[1,3]\r\n",
        "Host: y\r\n",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "Content-Type: text/plain; charset=x\r\n",
        "A:\r\n",
        "Weir-Priority: -1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\n"};
    static const char *const bodies[] = {
        "{\"inputs\": [{\"shape\": [1,3], \"data\": [1,2,3]}]}",
        "{\"type\": \"float32\", \"shape\": [1,3]}",
        "{\"model\": \"small\", \"inputs\": [{\"shape\": [1,3]}]}",
        "{\"graph\": 3, \"inputs\": {\"x\": 1}, \"outputs\": {\"y\": 2}}",
        "3\r\nabc\r\n0\r\n\r\n",
        "",
        "0123456789ab",
        "a\nb\n"};
    const char *body = bodies[below(8)];
    bool with_body = below(2);
    int size =
        snprintf(out, INPUT_MAX, "%s %s HTTP/1.%d\r\n%s",
                 methods[below(with_body ? 4 : 6)], paths[below(20)],
                 below(8) ? 1 : (int)below(3), below(8) ? "Host: x\r\n" : "");
    for (size_t i = below(3); i > 0; i--)
        size += snprintf(out + size, INPUT_MAX - (size_t)size, "%s",
                         headers[below(below(4) ? 5 : 13)]);
    if (with_body)
        size += snprintf(out + size, INPUT_MAX - (size_t)size,
                         "Content-Length: %zu\r\n", strlen(body));
    size += snprintf(out + size, INPUT_MAX - (size_t)size, "\r\n%s",
                     with_body ? body : "");
    return (size_t)size;
}

static void one_round(void) {
    static const char odd[] = "\0\r\n\t :/?%&=.;0x-\x7f\xff";
    static uint8_t data[4 * INPUT_MAX];
    size_t size = 0;
    for (size_t i = 1 + below(3); i > 0; i--)
        size += put_request((char *)data + size);
    if (below(3) > 0)
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 80);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    int status = fuzz_main(argc, argv, "fuzz_http", one_round);
    if (the_server.pid != 0) {
        check_alive();
        server_stop(&the_server); // all counts add up
    }
    return status;
}
