// SPDX-License-Identifier: MIT
#include "programs/serve/routes.h"

#include <stdlib.h>
#include <string.h>

// HEAD is GET.
static const wr_route routes[] = {
    {WR_GET, "/", WR_BODY_NONE, true, wr_route_page},
    {WR_GET, "/healthz", WR_BODY_NONE, true, wr_route_health},
    {WR_GET, "/metrics", WR_BODY_NONE, true, wr_route_metrics},
    {WR_GET, "/trace", WR_BODY_NONE, true, wr_route_trace},
    {WR_GET, "/v1/models", WR_BODY_NONE, true, wr_route_model_list},
    {WR_GET, "/v1/models/:name", WR_BODY_NONE, true, wr_route_model_show},
    {WR_POST, "/v1/models/:name", WR_BODY_MODEL, false, wr_route_model_load},
    {WR_DELETE, "/v1/models/:name", WR_BODY_NONE, false, wr_route_model_unload},
    {WR_POST, "/v1/models/:name/infer", WR_BODY_NUMBERS, false, wr_route_infer},
    {WR_PUT, "/v1/letters/:name", WR_BODY_LETTERS, false, wr_route_letters},
    {WR_POST, "/v1/text", WR_BODY_PICTURE, false, wr_route_text},
    {WR_POST, "/v1/contexts", WR_BODY_NONE, false, wr_route_context_create},
    {WR_DELETE, "/v1/contexts/:id", WR_BODY_NONE, false,
     wr_route_context_destroy},
    {WR_POST, "/v1/contexts/:id/tensors", WR_BODY_JSON, false,
     wr_route_tensor_create},
    {WR_PUT, "/v1/contexts/:id/tensors/:id", WR_BODY_TENSOR, false,
     wr_route_tensor_write},
    {WR_GET, "/v1/contexts/:id/tensors/:id", WR_BODY_NONE, false,
     wr_route_tensor_read},
    {WR_DELETE, "/v1/contexts/:id/tensors/:id", WR_BODY_NONE, false,
     wr_route_tensor_destroy},
    {WR_POST, "/v1/contexts/:id/graphs", WR_BODY_GRAPH, false,
     wr_route_graph_build},
    {WR_DELETE, "/v1/contexts/:id/graphs/:id", WR_BODY_NONE, false,
     wr_route_graph_destroy},
    {WR_POST, "/v1/contexts/:id/dispatch", WR_BODY_JSON, false,
     wr_route_dispatch},
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static bool take_name(wr_http_exchange *x, const char *text, size_t length) {
    if (length == 0 || length >= sizeof(x->name))
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!good)
            return false;
    }
    memcpy(x->name, text, length);
    x->name[length] = '\0';
    return true;
}

static bool take_id(uint64_t *out, const char *text, size_t length) {
    uint64_t id = 0;
    if (length == 0 || length > 19) // a sum of 19 digits fits
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        id = id * 10 + (uint64_t)(text[i] - '0');
    }
    *out = id;
    return true;
}

// Whether the path is like the pattern; then what is in it is filled in.
static bool match(wr_http_exchange *x, const char *pattern, const char *path) {
    int ids = 0;
    while (*pattern != '\0') {
        if (*pattern != ':') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t word = strcspn(pattern, "/");
        size_t length = strcspn(path, "/");
        bool taken = word == 3 ? take_id(&x->id[ids++], path, length)
                               : take_name(x, path, length);
        if (!taken)
            return false;
        pattern += word;
        path += length;
    }
    return *path == '\0';
}

void wr_route_find(wr_http_exchange *x, const char *path) {
    static const char *const names[] = {
        [WR_GET] = "GET, HEAD",
        [WR_POST] = "POST",
        [WR_PUT] = "PUT",
        [WR_DELETE] = "DELETE",
    };
    wr_method method = x->method == WR_HEAD ? WR_GET : x->method;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!match(x, routes[i].path, path))
            continue;
        if (routes[i].method == method) {
            x->route = &routes[i];
            x->allow[0] = '\0';
            return;
        }
        if (x->allow[0] != '\0')
            strcat(x->allow, ", ");
        strcat(x->allow, names[routes[i].method]); // all four fit
    }
    if (x->allow[0] != '\0')
        wr_http_refuse(x, 405, "this path has %s", x->allow);
    else
        wr_http_refuse(x, 404, "no such path (GET / lists them)");
}

void wr_route_body(wr_http_exchange *x) {
    const wr_config *config = x->server->config;
    bool known = true;
    switch (x->route->body) {
    case WR_BODY_NONE: return;
    case WR_BODY_JSON:
        known = x->media == WR_MEDIA_JSON;
        x->limit = config->control_bytes;
        break;
    case WR_BODY_MODEL:
        // Whatever the client calls it: there is one thing it can be.
        x->limit = config->service.model_bytes;
        break;
    case WR_BODY_NUMBERS:
        known = x->media == WR_MEDIA_JSON || x->media == WR_MEDIA_RAW ||
                x->media == WR_MEDIA_FRAMES;
        x->limit = x->media == WR_MEDIA_JSON ? config->json_bytes
                                             : config->input_bytes;
        break;
    case WR_BODY_TENSOR: x->limit = config->service.tensor_bytes; break;
    case WR_BODY_LETTERS: x->limit = (size_t)1 << 20; break;
    case WR_BODY_PICTURE: x->limit = config->input_bytes; break;
    case WR_BODY_GRAPH:
        known = x->media == WR_MEDIA_JSON || x->media == WR_MEDIA_RAW;
        x->limit = x->media == WR_MEDIA_JSON ? config->control_bytes
                                             : config->service.model_bytes;
        break;
    }
    if (!known)
        wr_http_refuse(x, 415, "the body is not of a type this path takes: %s",
                       x->route->body == WR_BODY_JSON ? "application/json"
                       : x->route->body == WR_BODY_GRAPH
                           ? "application/json, application/octet-stream"
                           : "application/json, application/octet-stream, "
                             "" WR_FRAMES_TYPE);
}
