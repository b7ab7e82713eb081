// SPDX-License-Identifier: MIT
#include "programs/nn/graph.h"
#include "programs/serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

wr_context *wr_route_context(wr_http_exchange *x) {
    wr_context *context = wr_context_find(x->server->service, x->id[0]);
    if (context == NULL)
        wr_http_answer_line(x, 404, "there is no context %" PRIu64, x->id[0]);
    return context;
}

void wr_route_answer_id(wr_http_exchange *x, unsigned status, wr_string *text,
                        uint64_t id) {
    wr_string_print(text, "{\"id\": %" PRIu64 "}\n", id);
    wr_http_answer_text(x, status, NULL, text);
}

bool wr_route_room(wr_http_exchange *x, wr_string *text) {
    if (wr_string_room(text, WR_ROUTE_SHORT))
        return true;
    wr_http_answer_error(x, -ENOMEM, NULL);
    return false;
}

static void answer_done(wr_http_exchange *x, int error, const wr_nn_why *why) {
    if (error != 0)
        wr_http_answer_error(x, error, why);
    else
        wr_http_answer_empty(x, 204);
}

void wr_route_context_create(wr_http_exchange *x) {
    wr_nn_why why = {""};
    wr_string text = {0};
    wr_context *context;
    uint64_t id;
    if (!wr_route_room(x, &text))
        return;
    int error = wr_context_create(x->server->service, &context, &id, &why);
    if (error == 0) {
        wr_route_answer_id(x, 201, &text, id);
        return;
    }
    free(text.data);
    wr_http_answer_error(x, error, &why);
}

void wr_route_context_destroy(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    if (context == NULL)
        return;
    wr_context_destroy(context);
    wr_http_answer_empty(x, 204);
}

// ---- tensors ---------------------------------------------------------------

void wr_route_tensor_create(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_nn_why why = {""};
    wr_string text = {0};
    wr_nn_shape shape;
    uint64_t id;
    if (context == NULL || !wr_route_room(x, &text))
        return;
    int error = wr_json_tensor(&shape, x->body, x->size,
                               x->server->config->service.tensor_bytes, &why);
    if (error == 0)
        error = wr_tensor_create(context, &shape, &id, &why);
    if (error == 0) {
        wr_route_answer_id(x, 201, &text, id);
        return;
    }
    free(text.data);
    wr_http_answer_error(x, error, &why);
}

void wr_route_tensor_write(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_nn_why why = {""};
    if (context == NULL)
        return;
    int error = wr_tensor_write_take(context, x->id[1], x->body, x->size, &why);
    if (error == 0)
        (void)wr_http_body(x); // the service's
    answer_done(x, error, &why);
}

void wr_route_tensor_destroy(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_nn_why why = {""};
    if (context == NULL)
        return;
    answer_done(x, wr_tensor_destroy(context, x->id[1], &why), &why);
}

// ---- reading ---------------------------------------------------------------

typedef struct read_work {
    wr_http_exchange *exchange;
    wr_read read;
    bool begun;
} read_work;

static void forget(wr_http_exchange *x) {
    read_work *w = x->work;
    if (w->begun)
        wr_read_end(&w->read);
    free(w);
}

static void leave(wr_http_exchange *x) {
    read_work *w = x->work;
    wr_read_cancel(&w->read);
}

static void data_taken(void *exchange) { wr_http_release(exchange); }

// What a dispatch failed with that should have written the tensor. The request
// to read it is all right, so it is not a 400.
static unsigned flag_status(int status) {
    switch (status) {
    case -EINVAL:
    case -ENOTSUP:
    case -E2BIG: return 422;
    case -ENOMEM:
    case -EAGAIN:
    case -ESHUTDOWN: return 503;
    default: return 409;
    }
}

static void on_read(wr_read *read, int status) {
    read_work *w = read->context;
    wr_http_exchange *x = w->exchange;
    if (status != 0) {
        wr_http_answer_line(x, flag_status(status), "%s",
                            read->why.text[0] != '\0' ? read->why.text
                                                      : weir_strerror(status));
        return;
    }
    wr_http_keep(x);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(
            read->size, (void *)(uintptr_t)read->data, data_taken, x);
    if (response == NULL)
        wr_http_release(x);
    char shape[WR_NN_SHAPE_TEXT];
    wr_http_header(response, "Content-Type", "application/octet-stream");
    wr_http_header(response, "Weir-Shape", "%s",
                   wr_nn_shape_text(shape, &read->shape));
    wr_http_answer(x, 200, response);
}

void wr_route_tensor_read(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_nn_why why = {""};
    if (context == NULL)
        return;
    read_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    w->exchange = x;
    w->read.done = on_read;
    w->read.context = w;
    x->work = w;
    x->forget = forget;
    int error = wr_tensor_read(context, x->id[1], &w->read, &why);
    w->begun = error == 0;
    if (error != 0)
        wr_http_answer_error(x, error, &why);
    else
        x->leave = leave;
}
