// SPDX-License-Identifier: MIT
// Feeds odd answers and URLs to the HTTP client of `weir deps`, behind curl:
// its headers line by line, its body in pieces. What is looked for is a crash,
// a sanitizer's complaint, an end without its line, a body that is not what was
// sent, a header that could not be sent back, or a name and password that are
// shown.
//
// The first byte says which: bit 0 a URL or an answer; the rest how long the
// pieces of a body are. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/web_inside.h"

#include <errno.h>
#include <strings.h>

enum { INPUT_MAX = 4096, BODY_MAX = 1024 };

static void broken(const char *what, const char *more) {
    printf("fuzz_web: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static bool is_text(const char *text) {
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

// ---------------------------------------------------------------------------
// An answer, as curl hands it over

typedef struct answer {
    wr_web web;
    wr_web_transfer transfer;
    wr_web_request request;
} answer;

static time_t no_date(const char *text, const time_t *unused) {
    (void)text, (void)unused;
    return -1;
}

static void begin(answer *a) {
    wr_why why;
    static bool known;
    if (!known && wr_web_curl(&why) != 0)
        wr_web_curl_of.getdate = no_date;
    known = true;
    memset(a, 0, sizeof(*a));
    a->web.bytes_max = BODY_MAX;
    a->web.patience_ns = WEIR_FOREVER;
    a->request.url = "http://u:p@127.0.0.1/x?y";
    wr_list_init(&a->web.deadlines);
    wr_list_push_back(&a->web.deadlines, &a->transfer.link);
    a->transfer.web = &a->web;
    a->transfer.request = &a->request;
    a->transfer.length = -1;
}

static bool give(answer *a, bool body, const uint8_t *data, size_t size) {
    char *copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    size_t taken = body ? wr_web_body(copy, 1, size, &a->transfer)
                        : wr_web_header(copy, 1, size, &a->transfer);
    free(copy);
    if (taken != size &&
        (taken != 0 || (a->transfer.failed == 0 && !a->transfer.enough)))
        broken("an end without a reason", "");
    return taken == size;
}

static void check_answer(const answer *a, const uint8_t *body, size_t size) {
    const wr_web_request *r = &a->request;
    const int64_t century_s = INT64_C(100) * 366 * 24 * 3600;
    int failed = a->transfer.failed;
    if (failed != 0 &&
        ((failed != -EPROTO && failed != -E2BIG) || !is_text(r->why.text) ||
         r->why.text[0] == '\0' || strstr(r->why.text, "u:p") != NULL))
        broken("not one line", r->why.text);
    if (r->answer < -1 || r->answer > 999)
        broken("an odd status", "");
    if (strlen(r->new_etag) >= sizeof(r->new_etag) || !is_text(r->new_etag) ||
        !is_text(r->new_last_modified))
        broken("a header that cannot be sent back", r->new_etag);
    if (r->max_age_s < -1 || r->max_age_s > century_s ||
        r->retry_after_ms < -1 || r->retry_after_ms > 1000 * century_s)
        broken("an odd time", "");
    if (r->body_size > BODY_MAX || r->body_size > size ||
        (r->body_size > 0 && r->answer != 200) ||
        memcmp(r->body != NULL ? r->body : body, body, r->body_size) != 0)
        broken("a body that was not sent", "");
    if (failed == 0 && r->answer == 200 && a->transfer.over &&
        (r->body == NULL || r->body_size != size))
        broken("a body that is not whole", "");
}

// Returns what was read; the caller frees request.body.
static void read_answer(answer *a, const uint8_t *data, size_t size,
                        size_t piece) {
    bool on = true;
    size_t at = 0;
    begin(a);
    while (on && at < size && !a->transfer.over) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - data) + 1 - at;
        on = give(a, false, data + at, length);
        at += length;
    }
    const uint8_t *body = data + at;
    size_t body_size = on ? size - at : 0;
    while (on && at < size) {
        size_t length = piece < size - at ? piece : size - at;
        on = give(a, true, data + at, length);
        at += length;
    }
    check_answer(a, body, body_size);
}

// ---------------------------------------------------------------------------
// A URL

static void try_url(const char *url) {
    wr_text host = {NULL, 0};
    bool secure = false;
    char shown[256];
    int error = wr_web_host_of(url, &host, &secure);
    wr_web_shown(url, shown, sizeof(shown));
    if (error != 0 && error != -EINVAL && error != -EPROTONOSUPPORT)
        broken("an odd error", url);
    if (error != 0)
        return;
    size_t scheme = secure ? 8 : 7;
    if (host.at != url || host.size <= scheme || host.size > strlen(url) ||
        strncasecmp(url, "https://", secure ? 8 : 4) != 0 ||
        strcspn(url + scheme, "/?#") != host.size - scheme)
        broken("not the host", url);
    for (const char *at = url; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\')
            broken("what can be read in two ways", url);
    const char *rest = shown + scheme;
    if (strpbrk(rest, "?#") != NULL ||
        (strlen(shown) > scheme &&
         memchr(rest, '@', strcspn(rest, "/")) != NULL))
        broken("what is secret is shown", shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    if (data[0] & 1) {
        char *text = calloc(1, size);
        if (text == NULL)
            abort();
        memcpy(text, data + 1, size - 1);
        try_url(text);
        free(text);
        return 0;
    }
    static answer a;
    read_answer(&a, data + 1, size - 1, (size_t)(data[0] >> 1) + 1);
    free(a.request.body);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: answers and URLs that might be right, damaged a little

static size_t seed_answer(char *out) {
    static const char *const lines[] = {
        "ETag: \"abc\"",
        "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT",
        "Cache-Control: public, max-age=300",
        "cache-control: max-age=\"60\", no-cache=\"x\"",
        "Cache-Control: no-store",
        "Age: 20",
        "Retry-After: 120",
        "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT",
        "Retry-After: Fri, 31 Dec 2147483647 23:59:59 GMT",
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "Transfer-Encoding: chunked",
        "Content-Length: 5",
        "Content-Length: 99999999999999999999",
        "X: y",
        ": z",
    };
    static const char *const first[] = {
        "HTTP/1.1 200 OK",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 404 Not",
        "HTTP/1.0 503",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
        "HTTP/1.1 101 Up",
        "HTTP/1.1 2",
    };
    size_t size = (size_t)snprintf(out, INPUT_MAX, "%s\r\n",
                                   first[below(3) ? 0 : below(7)]);
    for (size_t i = below(7); i > 0; i--)
        size += (size_t)snprintf(out + size, INPUT_MAX - size, "%s\r\n",
                                 lines[below(16)]);
    size += (size_t)snprintf(out + size, INPUT_MAX - size, "\r\n");
    size_t body = below(8) == 0 ? BODY_MAX - 3 + below(7) : below(200);
    memset(out + size, (int)below(256), body);
    return size + body;
}

static size_t seed_url(char *out) {
    static const char *const scheme[] = {"http://", "https://", "HTTP://",
                                         "ftp://"};
    static const char *const user[] = {"", "", "u:p@", "u@p@"};
    static const char *const host[] = {"127.0.0.1:4873", "[::1]", "h.example",
                                       ""};
    static const char *const path[] = {"",     "/",  "/a/../b", "/@one%2fx",
                                       "?q=@", "#f", "/x?t=s#@"};
    return (size_t)snprintf(out, INPUT_MAX, "%s%s%s%s", scheme[below(4)],
                            user[below(4)], host[below(4)], path[below(7)]);
}

static void one_round(void) {
    static const char odd[] = "\0\n\r\t :,;=@/?#\\\"019-\x7f\xff";
    static uint8_t data[2 * INPUT_MAX];
    data[0] = (uint8_t)below(256);
    char *text = (char *)data + 1;
    size_t size = data[0] & 1 ? seed_url(text) : seed_answer(text);
    if (below(4) > 0)
        size = fuzz_damage(data + 1, size, odd, sizeof(odd) - 1, 6, 120);
    LLVMFuzzerTestOneInput(data, 1 + size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_web", one_round);
}
