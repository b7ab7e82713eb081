// SPDX-License-Identifier: MIT
#include "programs/serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

unsigned wr_http_status(int error) {
    switch (error) {
    case 0: return 200;
    case -EINVAL: return 400;
    case -ENOENT: return 404;
    case -EEXIST:
    case -ECANCELED: return 409;
    case -ENOTSUP: return 422;
    case -E2BIG: return 413;
    case -EAGAIN:
    case -ENOMEM:
    case -ESHUTDOWN: return 503;
    case -ETIMEDOUT: return 504;
    default: return 500;
    }
}

const char *wr_http_reason(unsigned status) {
    return MHD_get_reason_phrase_for(status);
}

// ---- the exchange ----------------------------------------------------------

void wr_http_keep(wr_http_exchange *exchange) { exchange->refs++; }

static void drop_body(wr_http_exchange *exchange) {
    exchange->http->bodies -= exchange->charged;
    exchange->charged = 0;
    exchange->body = NULL;
}

void *wr_http_body(wr_http_exchange *exchange) {
    void *body = exchange->body;
    drop_body(exchange);
    return body;
}

void wr_http_release(wr_http_exchange *exchange) {
    if (--exchange->refs > 0)
        return;
    if (exchange->forget != NULL)
        exchange->forget(exchange);
    free(exchange->body);
    drop_body(exchange);
    exchange->http->exchanges--;
    free(exchange);
}

// ---- answers ---------------------------------------------------------------

void wr_http_header(struct MHD_Response *response, const char *name,
                    const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    // A name of a model's may have anything in it.
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
    if (response != NULL)
        (void)MHD_add_response_header(response, name, text);
}

void wr_http_answer(wr_http_exchange *exchange, unsigned status,
                    struct MHD_Response *response) {
    exchange->answered = true;
    exchange->response = response;
    exchange->status = response != NULL ? status : 503;
    if (response != NULL && status == 503)
        wr_http_header(response, "Retry-After", "%" PRId64,
                       (exchange->server->config->retry_ns + 999999999) /
                           1000000000);
    if (response != NULL && exchange->http->draining)
        wr_http_header(response, "Connection", "close");
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    exchange->http->runnable = true;
    MHD_resume_connection(exchange->connection);
}

void wr_http_answer_text(wr_http_exchange *exchange, unsigned status,
                         const char *type, wr_string *text) {
    struct MHD_Response *response = NULL;
    if (text->data != NULL && !text->failed)
        response = MHD_create_response_from_buffer(text->size, text->data,
                                                   MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(text->data);
    wr_http_header(response, "Content-Type", "%s",
                   type != NULL ? type : "application/json");
    memset(text, 0, sizeof(*text));
    wr_http_answer(exchange, status, response);
}

void wr_http_answer_empty(wr_http_exchange *exchange, unsigned status) {
    static char nothing[1];
    wr_http_answer(
        exchange, status,
        MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT));
}

static void answer_error(wr_http_exchange *exchange, unsigned status,
                         const char *line) {
    wr_string text = {0};
    wr_string_error(&text, line);
    struct MHD_Response *response = NULL;
    if (!text.failed)
        response = MHD_create_response_from_buffer(text.size, text.data,
                                                   MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(text.data);
    wr_http_header(response, "Content-Type", "application/json");
    if (exchange->allow[0] != '\0')
        wr_http_header(response, "Allow", "%s", exchange->allow);
    wr_http_answer(exchange, status, response);
}

void wr_http_answer_line(wr_http_exchange *exchange, unsigned status,
                         const char *format, ...) {
    char line[WR_NN_WHY_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    answer_error(exchange, status, line);
}

void wr_http_answer_error(wr_http_exchange *exchange, int error,
                          const wr_nn_why *why) {
    const char *line =
        why != NULL && why->text[0] != '\0' ? why->text : weir_strerror(error);
    answer_error(exchange, wr_http_status(error), line);
}

void wr_http_refuse(wr_http_exchange *exchange, unsigned status,
                    const char *format, ...) {
    if (exchange->refused != 0)
        return; // the first reason counts
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(exchange->line, sizeof(exchange->line), format, arguments);
    va_end(arguments);
    exchange->refused = status;
}

// ---- headers ---------------------------------------------------------------

const char *wr_http_get(const wr_http_exchange *exchange, const char *header) {
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                       header);
}

const char *wr_http_query(const wr_http_exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->connection,
                                       MHD_GET_ARGUMENT_KIND, name);
}

// The type at the start of a text, up to parameters or the next type.
static wr_media media_of(const char *type) {
    static const struct {
        const char *name;
        wr_media media;
    } known[] = {{"application/json", WR_MEDIA_JSON},
                 {"application/octet-stream", WR_MEDIA_RAW},
                 {"application/x-onnx", WR_MEDIA_RAW},
                 {WR_FRAMES_TYPE, WR_MEDIA_FRAMES},
                 {"application/*", WR_MEDIA_NONE},
                 {"*/*", WR_MEDIA_NONE}};
    size_t length = strcspn(type, "; \t,");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == length &&
            strncasecmp(known[i].name, type, length) == 0)
            return known[i].media;
    return WR_MEDIA_OTHER;
}

wr_media wr_http_media(const char *type) {
    if (type == NULL)
        return WR_MEDIA_NONE;
    wr_media media = media_of(type);
    return media == WR_MEDIA_NONE ? WR_MEDIA_OTHER : media;
}

wr_media wr_http_accepts(const wr_http_exchange *exchange) {
    const char *at = wr_http_get(exchange, "Accept");
    if (at == NULL)
        return WR_MEDIA_NONE;
    while (*at != '\0') {
        wr_media media = media_of(at);
        if (media != WR_MEDIA_OTHER)
            return media;
        at += strcspn(at, ",");
        at += strspn(at, ", \t");
    }
    return WR_MEDIA_OTHER;
}
