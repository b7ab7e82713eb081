// SPDX-License-Identifier: MIT
// What is asked for, and what is said to it.
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char modified[] = "Sun, 01 Jun 2025 12:00:00 GMT";
counters registry_counters;

// ---- the request -----------------------------------------------------------

static int hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(char *out, size_t room, const char *path, size_t size) {
    size_t made = 0;
    for (size_t i = 0; i < size && path[i] != '?' && made + 1 < room; i++) {
        if (path[i] == '%' && i + 2 < size && hex(path[i + 1]) >= 0 &&
            hex(path[i + 2]) >= 0) {
            out[made++] = (char)(hex(path[i + 1]) * 16 + hex(path[i + 2]));
            i += 2;
        } else {
            out[made++] = path[i];
        }
    }
    out[made] = 0;
}

// Takes the value if the line is the header NAME.
static bool take(const char *line, size_t size, const char *name, char *out,
                 size_t room) {
    size_t length = strlen(name);
    if (size <= length || line[length] != ':' ||
        strncasecmp(line, name, length) != 0)
        return false;
    line += length + 1;
    size -= length + 1;
    while (size > 0 && *line == ' ') {
        line++;
        size--;
    }
    if (size >= room)
        size = room - 1;
    memcpy(out, line, size);
    out[size] = 0;
    return true;
}

static void read_header(request *out, const char *line, size_t size) {
    char value[1024];
    if (take(line, size, "accept", value, sizeof(value)))
        out->abbreviated = strstr(value, "install-v1+json") != NULL;
    else if (take(line, size, "accept-encoding", value, sizeof(value)))
        out->gzip = strstr(value, "gzip") != NULL;
    else if (take(line, size, "connection", value, sizeof(value)))
        out->close = strcasecmp(value, "close") == 0;
    else if (take(line, size, "if-none-match", out->if_none_match,
                  sizeof(out->if_none_match)))
        return;
    else if (take(line, size, "if-modified-since", out->if_modified_since,
                  sizeof(out->if_modified_since)))
        return;
    else
        (void)take(line, size, "authorization", out->authorization,
                   sizeof(out->authorization));
}

// request_read reads what stands before the empty line; false: no HTTP.
bool request_read(request *out, const char *head, size_t size) {
    memset(out, 0, sizeof(*out));
    const char *end = head + size;
    const char *line_end = memchr(head, '\r', size);
    if (line_end == NULL)
        return false;
    const char *space = memchr(head, ' ', (size_t)(line_end - head));
    if (space == NULL || (size_t)(space - head) >= sizeof(out->method))
        return false;
    memcpy(out->method, head, (size_t)(space - head));
    const char *path = space + 1;
    space = memchr(path, ' ', (size_t)(line_end - path));
    if (space == NULL)
        return false;
    decode(out->path, sizeof(out->path), path, (size_t)(space - path));
    while (line_end + 2 < end) {
        const char *line = line_end + 2;
        line_end = memchr(line, '\r', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        read_header(out, line, (size_t)(line_end - line));
    }
    return true;
}

// ---- answers ---------------------------------------------------------------

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    default: return "Service Unavailable";
    }
}

static void begin(answer *out, int status, const char *type) {
    text_format(&out->head, "HTTP/1.1 %d %s\r\n", status, reason(status));
    if (type != NULL)
        text_format(&out->head, "Content-Type: %s\r\n", type);
}

static void length(answer *out, size_t size) {
    text_format(&out->head, "Content-Length: %zu\r\n", size);
}

static void lend(answer *out, const char *bytes, size_t size) {
    out->body = bytes;
    out->body_size = out->total = size;
}

// A small body of its own, with its length.
static void say(answer *out, int status, const char *type, const char *format,
                const char *detail) {
    text made = {NULL, 0, 0};
    text_format(&made, format, detail);
    begin(out, status, type);
    length(out, made.size);
    out->own = made.at;
    lend(out, made.at, made.size);
}

static void fail(answer *out, int status, const char *what) {
    say(out, status, "application/json", "{\"error\":\"%s\"}\n", what);
}

static void put_validity(answer *out, const server_options *options,
                         const body *b) {
    if (options->etag) {
        text_format(&out->head, "ETag: %s\r\n", b->etag);
        text_format(&out->head, "Last-Modified: %s\r\n", modified);
    }
    if (options->max_age >= 0)
        text_format(&out->head, "Cache-Control: public, max-age=%d\r\n",
                    options->max_age);
}

static const char type_brief[] = "application/vnd.npm.install-v1+json";

static void send_document(answer *out, const server_options *options,
                          const request *asked, const body *b, bool brief) {
    bool same = asked->if_none_match[0] != 0
                    ? strstr(asked->if_none_match, b->etag) != NULL
                    : strcmp(asked->if_modified_since, modified) == 0;
    if (same && options->etag) {
        begin(out, 304, NULL);
        put_validity(out, options, b);
        registry_counters.not_modified++;
        return;
    }
    begin(out, 200, brief ? type_brief : "application/json");
    put_validity(out, options, b);
    text_put(&out->head, "Vary: Accept, Accept-Encoding\r\n");
    bool gzip = asked->gzip && options->gzip && b->gzip.size > 0;
    if (gzip)
        text_put(&out->head, "Content-Encoding: gzip\r\n");
    const text *its = gzip ? &b->gzip : &b->raw;
    length(out, its->size);
    lend(out, its->at, its->size);
    registry_counters.gzip += gzip;
    *(brief ? &registry_counters.brief : &registry_counters.full) += 1;
}

// ---- faults ----------------------------------------------------------------

static void send_bytes(answer *out, const char *bytes, size_t size, bool gzip) {
    begin(out, 200, type_brief);
    if (gzip)
        text_put(&out->head, "Content-Encoding: gzip\r\n");
    length(out, size);
    lend(out, bytes, size);
}

static void redirect(answer *out, const server_options *options,
                     const request *asked, fault kind, const package *p) {
    char name[256], at[400];
    const char *slash = strchr(p->name, '/');
    if (slash != NULL)
        snprintf(name, sizeof(name), "%.*s%%2f%s", (int)(slash - p->name),
                 p->name, slash + 1);
    else
        snprintf(name, sizeof(name), "%s", p->name);
    int port = asked->second ? options->second_port : options->port;
    if (kind == FAULT_REDIRECT)
        snprintf(at, sizeof(at), "/-/moved/%s", name);
    else if (kind == FAULT_REDIRECT_LOOP)
        snprintf(at, sizeof(at), "http://127.0.0.1:%d/%s", port, name);
    else if (options->second >= 0 && !asked->second)
        snprintf(at, sizeof(at), "http://127.0.0.1:%d/-/moved/%s",
                 options->second_port, name);
    else
        snprintf(at, sizeof(at), "http://localhost:%d/-/moved/%s", port, name);
    begin(out, 302, NULL);
    text_format(&out->head, "Location: %s\r\n", at);
    length(out, 0);
}

// Bodies that are not what they should be. True: it was one of these.
static bool send_wrong_body(answer *out, const model *m, package *p,
                            fault kind) {
    static text bomb, deep;
    static const char filler[1 << 16] = {' '};
    if (kind == FAULT_GARBAGE) {
        send_bytes(out, "\"versions\" of nothing }{", 24, false);
    } else if (kind == FAULT_CUT) {
        send_bytes(out, p->brief.raw.at, p->brief.raw.size / 2, false);
    } else if (kind == FAULT_CUT_GZIP) {
        send_bytes(out, p->brief.gzip.at, p->brief.gzip.size / 2, true);
    } else if (kind == FAULT_BAD_GZIP) {
        send_bytes(out, p->brief.raw.at, p->brief.raw.size, true);
    } else if (kind == FAULT_EMPTY) {
        send_bytes(out, "", 0, false);
    } else if (kind == FAULT_HTML) {
        say(out, 200, "text/html", "<html><body>%s</body></html>\n",
            "Please log in to this network.");
    } else if (kind == FAULT_WRONG) {
        say(out, 200, type_brief,
            "{\"name\":\"not-%s\",\"dist-tags\":{\"latest\":\"1.0.0\"},"
            "\"versions\":{\"1.0.0\":{\"name\":\"other\",\"version\":\"1.0.0\""
            ",\"dist\":{}}}}",
            p->name);
    } else if (kind == FAULT_BOMB) {
        if (bomb.size == 0)
            bomb = render_bomb(p->name);
        send_bytes(out, bomb.at, bomb.size, true);
    } else if (kind == FAULT_DEEP) {
        for (unsigned i = 0; deep.size < 100000; i++)
            text_put(&deep, "[[[[[[[[[[");
        send_bytes(out, deep.at, deep.size, false);
    } else if (kind == FAULT_GIANT) {
        if (p->brief.raw.size < 1 << 20)
            render_giant(m, p, 50000);
        send_bytes(out, p->brief.gzip.at, p->brief.gzip.size, true);
    } else if (kind == FAULT_HUGE) {
        send_bytes(out, filler, sizeof(filler), false);
        out->head.size = 0;
        begin(out, 200, type_brief);
        length(out, (size_t)1 << 32);
        out->total = (size_t)1 << 32;
    } else {
        return false;
    }
    return true;
}

// The right body, sent wrongly, or in another way than usual.
static void send_wrongly(answer *out, const server_options *options,
                         const package *p, fault kind) {
    const text *raw = &p->brief.raw;
    begin(out, 200, type_brief);
    lend(out, raw->at, raw->size);
    if (kind == FAULT_LONGER || kind == FAULT_SHORTER) {
        length(out, kind == FAULT_LONGER ? raw->size + 100 : raw->size / 2);
        out->ending = END_CLOSE;
    } else if (kind == FAULT_CHUNKED) {
        text made = {NULL, 0, 0};
        for (size_t at = 0, part; at < raw->size; at += part) {
            part = raw->size - at < 4000 ? raw->size - at : 4000;
            text_format(&made, "%zx\r\n", part);
            text_add(&made, raw->at + at, part);
            text_put(&made, "\r\n");
        }
        text_put(&made, "0\r\n\r\n");
        text_put(&out->head, "Transfer-Encoding: chunked\r\n");
        out->own = made.at;
        lend(out, made.at, made.size);
    } else if (kind == FAULT_NO_LENGTH) {
        text_put(&out->head, "Connection: close\r\n");
        out->ending = END_CLOSE;
    } else if (kind == FAULT_HEADERS) {
        for (unsigned i = 0; out->head.size < 4 << 20; i++)
            text_format(&out->head, "X-Flood-%u: %0800u\r\n", i, i);
        length(out, raw->size);
    } else if (kind == FAULT_NO_GZIP) {
        put_validity(out, options, &p->brief);
        length(out, raw->size);
    } else {
        length(out, raw->size);
        out->drip = kind == FAULT_DRIP;
        if (!out->drip)
            out->total = raw->size / 2;
        if (kind == FAULT_STALL_BODY)
            out->ending = END_STALL;
        else if (kind == FAULT_RESET)
            out->ending = END_RESET;
        else if (kind == FAULT_CLOSE)
            out->ending = END_CLOSE;
    }
}

static void send_fault(answer *out, const model *m,
                       const server_options *options, const request *asked,
                       package *p, fault kind) {
    static const int status[FAULT_COUNT] = {
        [FAULT_401] = 401, [FAULT_403] = 403, [FAULT_404] = 404,
        [FAULT_429] = 429, [FAULT_500] = 500, [FAULT_502] = 502,
        [FAULT_503] = 503, [FAULT_304] = 304};
    if (kind == FAULT_STALL) {
        out->ending = END_STALL;
    } else if (kind == FAULT_HANGUP) {
        out->ending = END_CLOSE;
    } else if (kind == FAULT_304) {
        begin(out, 304, NULL);
    } else if (status[kind] != 0) {
        fail(out, status[kind], fault_name(kind));
        if (options->retry_after >= 0 && kind == FAULT_429)
            text_format(&out->head, "Retry-After: %d\r\n",
                        options->retry_after);
    } else if (kind == FAULT_REDIRECT || kind == FAULT_REDIRECT_OTHER ||
               kind == FAULT_REDIRECT_LOOP) {
        redirect(out, options, asked, kind, p);
    } else if (!send_wrong_body(out, m, p, kind)) {
        send_wrongly(out, options, p, kind);
    }
}

// ---- routes ----------------------------------------------------------------

static void send_counts(answer *out, model *m, const char *name) {
    const counters *c = &registry_counters;
    text made = {NULL, 0, 0};
    if (*name == '/') {
        const package *p = model_find(m, name + 1, strlen(name + 1));
        text_format(&made, "{\"requests\": %u}\n", p ? p->requests : 0);
    } else {
        typedef unsigned long long number;
        text_format(&made,
                    "{\"requests\": %llu, \"answers\": %llu, \"in_flight\": "
                    "%u, \"in_flight_max\": %u, \"connections\": %llu, "
                    "\"open\": %u, \"open_max\": %u, \"bytes_in\": %llu, "
                    "\"bytes_out\": %llu, \"not_modified\": %llu, "
                    "\"not_found\": %llu, \"repeated\": %llu, ",
                    (number)c->requests, (number)c->answers, c->in_flight,
                    c->in_flight_max, (number)c->connections, c->open,
                    c->open_max, (number)c->bytes_in, (number)c->bytes_out,
                    (number)c->not_modified, (number)c->not_found,
                    (number)c->repeated);
        text_format(&made,
                    "\"gzip\": %llu, \"abbreviated\": %llu, \"full\": %llu, "
                    "\"authorized\": %llu, \"unauthorized\": %llu, "
                    "\"second\": %llu, \"faults\": {",
                    (number)c->gzip, (number)c->brief, (number)c->full,
                    (number)c->authorized, (number)c->unauthorized,
                    (number)c->second);
        fault_counts(&made);
        text_put(&made, "}}\n");
    }
    begin(out, 200, "application/json");
    length(out, made.size);
    out->own = made.at;
    lend(out, made.at, made.size);
}

// The generated packages, each in a line, as they stand in a URL.
static void send_names(answer *out, const model *m) {
    text made = {NULL, 0, 0};
    for (size_t i = 0; i < m->count; i++) {
        const char *name = m->packages[i]->name, *slash = strchr(name, '/');
        if (slash != NULL)
            text_format(&made, "%.*s%%2f%s\n", (int)(slash - name), name,
                        slash + 1);
        else
            text_format(&made, "%s\n", name);
    }
    begin(out, 200, "text/plain");
    length(out, made.size);
    out->own = made.at;
    lend(out, made.at, made.size);
}

static void send_internal(answer *out, model *m, const char *what) {
    if (strncmp(what, "counts", 6) == 0) {
        send_counts(out, m, what + 6);
    } else if (strcmp(what, "reset") == 0) {
        counters was = registry_counters;
        registry_counters = (counters){.open = was.open,
                                       .open_max = was.open,
                                       .in_flight = was.in_flight,
                                       .in_flight_max = was.in_flight};
        fail(out, 200, "none");
    } else if (strcmp(what, "names") == 0) {
        send_names(out, m);
    } else if (strcmp(what, "ping") == 0) {
        fail(out, 200, "none");
    } else {
        fail(out, 404, "Not found");
    }
}

static bool may(const server_options *options, const request *asked) {
    const char *token = asked->second ? options->second_token : options->token;
    char expected[256];
    if (asked->authorization[0] != 0)
        registry_counters.authorized++;
    if (token == NULL)
        return true;
    snprintf(expected, sizeof(expected), "Bearer %s", token);
    return strcmp(asked->authorization, expected) == 0;
}

static bool is_here(const server_options *options, const request *asked,
                    const char *name) {
    if (options->scope == NULL)
        return true;
    size_t size = strlen(options->scope);
    bool scoped = strncmp(name, options->scope, size) == 0 && name[size] == '/';
    return scoped == asked->second;
}

// NAME, @SCOPE/NAME, NAME/VERSION.
static void send_package(answer *out, model *m, const server_options *options,
                         const request *asked, const char *name, bool moved) {
    const char *slash = strchr(name, '/');
    if (name[0] == '@' && slash != NULL)
        slash = strchr(slash + 1, '/');
    size_t size = slash != NULL ? (size_t)(slash - name) : strlen(name);
    package *p = moved || is_here(options, asked, name)
                     ? model_find(m, name, size)
                     : NULL;
    if (p == NULL && slash == NULL)
        p = fault_package(m, name);
    if (p == NULL) {
        registry_counters.not_found++;
        fail(out, 404, "Not found");
        return;
    }
    if (slash != NULL) {
        text its = render_version(p, slash + 1);
        if (its.size == 0) {
            registry_counters.not_found++;
            fail(out, 404, "Not found");
            return;
        }
        send_bytes(out, its.at, its.size, false);
        out->own = its.at;
        return;
    }
    registry_counters.repeated += p->requests > 0 && !moved;
    fault kind = moved ? FAULT_NONE : fault_next(p);
    if (kind != FAULT_NONE) {
        send_fault(out, m, options, asked, p, kind);
        return;
    }
    bool brief = p->handmade || (asked->abbreviated && !options->only_full);
    if (!brief && p->full.raw.size == 0)
        render_full(m, p);
    send_document(out, options, asked, brief ? &p->brief : &p->full, brief);
}

void answer_make(answer *out, model *m, const server_options *options,
                 const request *asked) {
    memset(out, 0, sizeof(*out));
    static const char moved[] = "/-/moved/";
    bool is_moved = strncmp(asked->path, moved, sizeof(moved) - 1) == 0;
    bool head = strcmp(asked->method, "HEAD") == 0;
    out->counted = is_moved || strncmp(asked->path, "/-/", 3) != 0;
    if (!out->counted) {
        send_internal(out, m, asked->path + 3);
    } else if (strcmp(asked->method, "GET") != 0 && !head) {
        fail(out, 404, "Not found");
        out->ending = END_CLOSE;
    } else if (!may(options, asked)) {
        registry_counters.unauthorized++;
        fail(out, 401, "A token is needed");
    } else {
        send_package(out, m, options, asked,
                     asked->path + (is_moved ? sizeof(moved) - 1 : 1),
                     is_moved);
    }
    registry_counters.second += asked->second && out->counted;
    if (asked->close && out->ending == END_KEEP) {
        text_put(&out->head, "Connection: close\r\n");
        out->ending = END_CLOSE;
    }
    if (out->head.size > 0)
        text_put(&out->head, "\r\n");
    if (head)
        out->total = 0;
}

void answer_free(answer *a) {
    free(a->head.at);
    free(a->own);
    memset(a, 0, sizeof(*a));
}
