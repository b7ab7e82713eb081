// SPDX-License-Identifier: MIT
// Reading an answer as curl hands it over: the headers that count, the body.
#include "programs/deps/web_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

// ---- words -----------------------------------------------------------------

static wr_text trimmed(const char *at, size_t size) {
    while (size > 0 && (*at == ' ' || *at == '\t'))
        at++, size--;
    while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t' ||
                        at[size - 1] == '\r' || at[size - 1] == '\n'))
        size--;
    return (wr_text){at, size};
}

static bool is(wr_text text, const char *word) {
    return strlen(word) == text.size &&
           strncasecmp(text.at, word, text.size) == 0;
}

static const int64_t century_s = INT64_C(100) * 366 * 24 * 3600;

static int64_t at_most(int64_t value, int64_t most) {
    return value < most ? value : most;
}

// A number of digits alone; what is larger than a century is one. -1: none.
static int64_t number(wr_text text) {
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        value = at_most(value * 10 + (text.at[i] - '0'), century_s);
    }
    return text.size == 0 ? -1 : value;
}

// What is no text is none: it could not be sent back as a header.
static void keep(char *out, size_t room, wr_text text) {
    if (text.size >= room) // cut, it would be another one
        return;
    for (size_t i = 0; i < text.size; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') ||
            text.at[i] == 0x7f)
            return;
    memcpy(out, text.at, text.size);
    out[text.size] = '\0';
}

// ---- headers ---------------------------------------------------------------

static int garbled(wr_web_transfer *transfer, const char *what) {
    wr_web_request *request = transfer->request;
    char shown[256];
    transfer->failed = wr_refuse(
        &request->why, -EPROTO, "EPROTO", "%s: %s",
        wr_web_shown(wr_web_url(request), shown, sizeof(shown)), what);
    return -1;
}

static int too_large(wr_web_transfer *transfer) {
    wr_web_request *request = transfer->request;
    char shown[256];
    transfer->failed =
        wr_refuse(&request->why, -E2BIG, "E2BIG", "%s: more than %zu bytes",
                  wr_web_shown(wr_web_url(request), shown, sizeof(shown)),
                  transfer->web->bytes_max);
    return -1;
}

// Cache-Control may come in several lines; the strictest holds.
static void cache_control(wr_web_request *request, wr_text value) {
    const char *end = value.at + value.size;
    for (const char *at = value.at; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        wr_text word = trimmed(at, (size_t)(stop - at));
        at = stop + 1;
        int64_t age = -1;
        if (is(word, "no-cache") || is(word, "no-store") ||
            (word.size > 9 && strncasecmp(word.at, "no-cache=", 9) == 0)) {
            age = 0;
        } else if (word.size > 8 && strncasecmp(word.at, "max-age=", 8) == 0) {
            wr_text digits = {word.at + 8, word.size - 8};
            if (digits.size >= 2 && digits.at[0] == '"' &&
                digits.at[digits.size - 1] == '"')
                digits = (wr_text){digits.at + 1, digits.size - 2};
            age = number(digits);
            age = age < 0 ? 0 : age; // unreadable: stale
        }
        if (age >= 0 && (request->max_age_s < 0 || age < request->max_age_s))
            request->max_age_s = age;
    }
}

static void retry_after(wr_web_request *request, wr_text value) {
    int64_t seconds = number(value);
    char date[64];
    if (seconds < 0 && value.size < sizeof(date)) {
        memcpy(date, value.at, value.size);
        date[value.size] = '\0';
        time_t then = curl_getdate(date, NULL);
        time_t now = time(NULL);
        if (then != -1)
            seconds = then > now ? at_most(then - now, century_s) : 0;
    }
    if (seconds >= 0)
        request->retry_after_ms = seconds * 1000;
}

static int field(wr_web_transfer *transfer, wr_text name, wr_text value) {
    wr_web_request *request = transfer->request;
    switch (name.size) {
    case 3:
        if (is(name, "age"))
            transfer->age_s = number(value);
        break;
    case 4:
        if (is(name, "etag"))
            keep(request->new_etag, sizeof(request->new_etag), value);
        break;
    case 11:
        if (is(name, "retry-after"))
            retry_after(request, value);
        break;
    case 13:
        if (is(name, "cache-control"))
            cache_control(request, value);
        else if (is(name, "last-modified"))
            keep(request->new_last_modified, sizeof(request->new_last_modified),
                 value);
        break;
    case 14:
        if (is(name, "content-length")) {
            int64_t length = number(value);
            if (length < 0 ||
                (transfer->length >= 0 && transfer->length != length))
                return garbled(transfer, "no length that can be believed");
            transfer->length = length;
        }
        break;
    case 16:
        if (is(name, "content-encoding")) {
            request->gzip = is(value, "gzip") || is(value, "x-gzip");
            transfer->foreign =
                !request->gzip && !is(value, "identity") && value.size > 0;
        }
        break;
    case 17:
        if (is(name, "transfer-encoding"))
            transfer->chunked = true;
        break;
    default: break;
    }
    return 0;
}

// A new answer begins; one that said "100" or the like may have come before.
static void answer_begins(wr_web_transfer *transfer, wr_text line) {
    wr_web_request *request = transfer->request;
    const char *space = memchr(line.at, ' ', line.size);
    size_t left = space == NULL ? 0 : line.size - (size_t)(space + 1 - line.at);
    request->answer = left >= 3 ? (int)number((wr_text){space + 1, 3}) : 0;
    request->gzip = false;
    request->new_etag[0] = request->new_last_modified[0] = '\0';
    request->max_age_s = -1;
    request->retry_after_ms = -1;
    transfer->chunked = transfer->foreign = false;
    transfer->length = transfer->age_s = -1;
}

static int make_room(wr_web_transfer *transfer, size_t room) {
    wr_web_request *request = transfer->request;
    uint8_t *larger =
        wr_fault(WR_FAULT_ALLOC) ? NULL : realloc(request->body, room);
    if (larger == NULL) {
        transfer->failed =
            wr_refuse(&request->why, -ENOMEM, "ENOMEM", "out of memory");
        return -1;
    }
    request->body = larger;
    transfer->room = room;
    return 0;
}

static int answer_headers_over(wr_web_transfer *transfer) {
    wr_web_request *request = transfer->request;
    if (request->answer < 200) // an interim answer
        return 0;
    transfer->over = true;
    wr_web_headers_over(transfer);
    if (request->max_age_s > 0 && transfer->age_s > 0)
        request->max_age_s -= transfer->age_s < request->max_age_s
                                  ? transfer->age_s
                                  : request->max_age_s;
    if (request->answer != 200)
        return 0;
    if (transfer->foreign)
        return garbled(transfer, "an encoding that was not asked for");
    int64_t length =
        transfer->chunked || transfer->length < 1 ? 1 : transfer->length;
    if ((uint64_t)length > transfer->web->bytes_max)
        return too_large(transfer);
    // Enough for all of it, unless that is a word too big to be believed
    // before the bytes come.
    return make_room(transfer, length < WR_WEB_TRUSTED_MAX
                                   ? (size_t)length
                                   : WR_WEB_TRUSTED_MAX);
}

size_t wr_web_header(char *line, size_t size, size_t count, void *context) {
    wr_web_transfer *transfer = context;
    size *= count;
    transfer->headers_seen += size;
    if (transfer->headers_seen > WR_WEB_HEADERS_MAX) {
        garbled(transfer, "headers without an end");
        return 0;
    }
    if (transfer->over) // a trailer
        return size;
    int error = 0;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) {
        answer_begins(transfer, (wr_text){line, size});
        if (transfer->request->answer == 101)
            error = garbled(transfer, "another protocol that nobody wanted");
    } else if (line[0] == '\r' || line[0] == '\n') {
        error = answer_headers_over(transfer);
    } else {
        char *colon = memchr(line, ':', size);
        if (colon != NULL)
            error =
                field(transfer, (wr_text){line, (size_t)(colon - line)},
                      trimmed(colon + 1, size - (size_t)(colon + 1 - line)));
    }
    return error == 0 ? size : 0;
}

// ---- body ------------------------------------------------------------------

size_t wr_web_body(char *bytes, size_t size, size_t count, void *context) {
    wr_web_transfer *transfer = context;
    wr_web_request *request = transfer->request;
    size *= count;
    transfer->body_seen += size;
    if (request->answer != 200) { // nobody wants it
        transfer->enough = transfer->body_seen > WR_WEB_REFUSAL_MAX;
        return transfer->enough ? 0 : size;
    }
    size_t most = transfer->web->bytes_max;
    if (size > most - request->body_size) {
        too_large(transfer);
        return 0;
    }
    size_t needed = request->body_size + size;
    if (needed > transfer->room) {
        size_t room = transfer->room < 8192 ? 16384 : transfer->room * 2;
        room = room > most ? most : room;
        if (make_room(transfer, room < needed ? needed : room) != 0)
            return 0;
    }
    memcpy(request->body + request->body_size, bytes, size);
    request->body_size = needed;
    return size;
}
