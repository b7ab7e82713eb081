// SPDX-License-Identifier: MIT
#include "programs/nn/graph.h"
#include "programs/serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct build_work {
    wr_http_exchange *exchange;
    wr_graph_request request;
    wr_build build;
    wr_string text; // of the answer
    uint64_t id;
} build_work;

static void forget(wr_http_exchange *x) {
    build_work *w = x->work;
    wr_graph_request_free(&w->request);
    free(w->text.data);
    free(w);
}

static void leave(wr_http_exchange *x) {
    build_work *w = x->work;
    wr_build_cancel(&w->build);
}

static void on_built(wr_build *build, int status) {
    build_work *w = build->context;
    if (status != 0) {
        wr_http_answer_error(w->exchange, status, &build->why);
        return;
    }
    wr_string_print(&w->text, "{\"id\": %" PRIu64 ", \"compile_ms\": %.3f}\n",
                    w->id, (double)build->compile_ns / 1e6);
    wr_http_answer_text(w->exchange, 201, NULL, &w->text);
}

// "x=float32[1,3]; y=int64[2]", for a model that is the body itself.
static int read_header(build_work *w) {
    wr_http_exchange *x = w->exchange;
    const char *at = wr_http_get(x, "Weir-Inputs");
    wr_nn_why *why = &w->build.why;
    wr_tensors *inputs = &w->request.inputs;
    if (at == NULL)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "a model as the body needs the header "
                            "Weir-Inputs: x=float32[1,3]; y=float32[2]");
    inputs->tensor = calloc(WR_TENSORS_MAX, sizeof(*inputs->tensor));
    inputs->names = strdup(at);
    if (inputs->tensor == NULL || inputs->names == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    char *rest = NULL;
    for (char *word = strtok_r(inputs->names, "; \t", &rest); word != NULL;
         word = strtok_r(NULL, "; \t", &rest)) {
        char *equals = strchr(word, '=');
        if (equals == NULL || equals == word || inputs->count == WR_TENSORS_MAX)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "Weir-Inputs: '%.80s' is not "
                                "NAME=TYPE[DIMENSIONS]",
                                word);
        *equals = '\0';
        wr_infer_tensor *tensor = &inputs->tensor[inputs->count++];
        tensor->name = word;
        int error = wr_wire_shape(&tensor->shape, equals + 1,
                                  x->server->config->service.tensor_bytes, why);
        if (error != 0)
            return error;
    }
    return 0;
}

static int read_request(build_work *w) {
    wr_http_exchange *x = w->exchange;
    if (x->media == WR_MEDIA_JSON)
        return wr_json_graph(&w->request, x->body, x->size,
                             x->server->config->service.tensor_bytes,
                             &w->build.why);
    const char *key = wr_http_get(x, "Weir-Key");
    if (key != NULL) {
        w->request.key = strdup(key);
        if (w->request.key == NULL)
            return -ENOMEM;
    }
    return read_header(w);
}

static int build(build_work *w, wr_context *context, wr_build *wait) {
    wr_http_exchange *x = w->exchange;
    const wr_tensors *inputs = &w->request.inputs;
    if (x->media == WR_MEDIA_JSON)
        return wr_graph_build(context, w->request.model, inputs->tensor,
                              inputs->count, w->request.key, wait, &w->id,
                              &w->build.why);
    int error = wr_graph_build_take(context, x->body, x->size, inputs->tensor,
                                    inputs->count, w->request.key, wait, &w->id,
                                    &w->build.why);
    if (error == 0)
        (void)wr_http_body(x); // the service's
    return error;
}

void wr_route_graph_build(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    if (context == NULL)
        return;
    build_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    const char *wait = wr_http_query(x, "wait");
    bool waits = wait != NULL && strcmp(wait, "1") == 0;
    w->exchange = x;
    w->build.done = on_built;
    w->build.context = w;
    x->work = w;
    x->forget = forget;
    if (!wr_route_room(x, &w->text))
        return;
    int error = read_request(w);
    if (error == 0)
        error = build(w, context, waits ? &w->build : NULL);
    if (error != 0) {
        wr_http_answer_error(x, error, &w->build.why);
    } else if (waits) {
        x->leave = leave;
    } else {
        wr_route_answer_id(x, 202, &w->text, w->id);
    }
}

void wr_route_graph_destroy(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_nn_why why = {""};
    if (context == NULL)
        return;
    int error = wr_graph_destroy(context, x->id[1], &why);
    if (error != 0)
        wr_http_answer_error(x, error, &why);
    else
        wr_http_answer_empty(x, 204);
}

void wr_route_dispatch(wr_http_exchange *x) {
    wr_context *context = wr_route_context(x);
    wr_dispatch_request request;
    wr_nn_why why = {""};
    wr_string text = {0};
    if (context == NULL || !wr_route_room(x, &text))
        return;
    int error = wr_json_dispatch(&request, x->body, x->size, &why);
    if (error == 0)
        error = wr_context_dispatch(context, request.graph, request.inputs,
                                    request.inputs_count, request.outputs,
                                    request.outputs_count, &why);
    wr_dispatch_request_free(&request);
    if (error != 0) {
        free(text.data);
        wr_http_answer_error(x, error, &why);
        return;
    }
    wr_string_print(&text, "{}\n");
    wr_http_answer_text(x, 202, NULL, &text);
}
