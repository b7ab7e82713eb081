// SPDX-License-Identifier: MIT
//
// What can be asked for. Rules: see http.h.
#ifndef WEIR_PROGRAMS_SERVE_ROUTES_H
#define WEIR_PROGRAMS_SERVE_ROUTES_H

#include "programs/serve/server.h"

typedef enum wr_body_kind {
    WR_BODY_NONE,    // one that comes all the same is thrown away
    WR_BODY_JSON,    // limits.control_bytes
    WR_BODY_MODEL,   // limits.model_bytes
    WR_BODY_NUMBERS, // limits.json_bytes or input_bytes, by the type
    WR_BODY_TENSOR,  // limits.tensor_bytes
    WR_BODY_GRAPH,   // limits.control_bytes or model_bytes, by the type
    WR_BODY_LETTERS, // 1 MiB
    WR_BODY_PICTURE, // limits.input_bytes
} wr_body_kind;

struct wr_route {
    wr_method method;
    const char *path; // with :name and :id for what is filled in
    wr_body_kind body;
    bool while_draining;
    // Has the whole request. Answers, now or later.
    void (*begin)(wr_http_exchange *exchange);
};

// wr_route_find looks at the path and the method, refuses the exchange or fills
// in its route, name and ids.
void wr_route_find(wr_http_exchange *exchange, const char *path);

// wr_route_body looks at the type of the body, and refuses or sets the limit.
void wr_route_body(wr_http_exchange *exchange);

// routes_models.c
void wr_route_model_list(wr_http_exchange *exchange);
void wr_route_model_show(wr_http_exchange *exchange);
void wr_route_model_load(wr_http_exchange *exchange);
void wr_route_model_unload(wr_http_exchange *exchange);
// routes_infer.c
void wr_route_infer(wr_http_exchange *exchange);
// routes_context.c
void wr_route_context_create(wr_http_exchange *exchange);
void wr_route_context_destroy(wr_http_exchange *exchange);
void wr_route_tensor_create(wr_http_exchange *exchange);
void wr_route_tensor_write(wr_http_exchange *exchange);
void wr_route_tensor_read(wr_http_exchange *exchange);
void wr_route_tensor_destroy(wr_http_exchange *exchange);
// routes_graph.c
void wr_route_graph_build(wr_http_exchange *exchange);
void wr_route_graph_destroy(wr_http_exchange *exchange);
void wr_route_dispatch(wr_http_exchange *exchange);
// routes_text.c
void wr_route_letters(wr_http_exchange *exchange);
void wr_route_text(wr_http_exchange *exchange);
void wr_books_free(wr_server *server);
// routes_observe.c
void wr_route_page(wr_http_exchange *exchange);
void wr_route_health(wr_http_exchange *exchange);
void wr_route_metrics(wr_http_exchange *exchange);
void wr_route_trace(wr_http_exchange *exchange);

// The context of the path, or NULL: it is answered with 404.
wr_context *wr_route_context(wr_http_exchange *exchange);

// wr_route_room makes room for a short answer before what it tells is done: who
// is told that there was no memory asks again, and would have it twice. false:
// it is answered.
enum { WR_ROUTE_SHORT = 160 };
bool wr_route_room(wr_http_exchange *exchange, wr_string *text);
// Takes the text.
void wr_route_answer_id(wr_http_exchange *exchange, unsigned status,
                        wr_string *text, uint64_t id);

#endif
