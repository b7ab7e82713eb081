// SPDX-License-Identifier: MIT
//
// POST /v1/models/NAME/infer: a body is read, its model run, the outcome
// written. What is long to read or write is a call on the pool:
//
//   body --> WAITING --> READING --> RUNNING (the service's) --> WRITING -->
//   answer
#include "programs/nn/graph.h"
#include "programs/serve/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    READ_HERE = 4096,  // bytes of JSON that are read on the loop's thread
    WRITE_HERE = 1024, // numbers that are written there
};

typedef enum stage {
    STAGE_WAITING, // to be read
    STAGE_READING,
    STAGE_RUNNING,
    STAGE_WRITING,
} stage;

typedef struct infer_work {
    wr_http_exchange *exchange;
    stage stage;
    wr_link link; // in server->readings
    weir_call call;
    wr_infer infer;
    bool begun; // the service has, or had, it
    wr_media answer;
    wr_tensors inputs;
    wr_string text;
    uint8_t *heads; // of frames
    wr_nn_why why;
} infer_work;

static const weir_site read_site = WEIR_SITE_INIT("read a JSON body");
static const weir_site write_site = WEIR_SITE_INIT("write a JSON answer");

static void end_results(infer_work *w) {
    if (w->begun)
        wr_service_infer_end(w->exchange->server->service, &w->infer);
    w->begun = false;
}

static void forget(wr_http_exchange *x) {
    infer_work *w = x->work;
    end_results(w);
    wr_tensors_free(&w->inputs);
    free(w->text.data);
    free(w->heads);
    free(w);
}

static void leave(wr_http_exchange *x) {
    infer_work *w = x->work;
    if (w->stage == STAGE_RUNNING) {
        wr_service_infer_cancel(x->server->service, &w->infer);
    } else if (w->stage == STAGE_WAITING) {
        wr_list_remove(&w->link);
        wr_http_answer_error(x, -ECANCELED, NULL);
    } else {
        (void)weir_call_cancel(&w->call);
    }
}

// ---- the answer ------------------------------------------------------------

static void put_timing(const infer_work *w, struct MHD_Response *response) {
    const wr_infer *i = &w->infer;
    wr_http_header(response, "Server-Timing",
                   "queue;dur=%.3f, compile;dur=%.3f, run;dur=%.3f",
                   (double)i->queue_ns / 1e6, (double)i->compile_ns / 1e6,
                   (double)i->run_ns / 1e6);
    wr_http_header(response, "Weir-Batch", "%d", i->batch);
}

static int write_json(infer_work *w) {
    wr_timing timing = {w->infer.queue_ns, w->infer.compile_ns, w->infer.run_ns,
                        w->infer.batch};
    return wr_json_results(&w->text, w->infer.results, w->infer.results_count,
                           &timing, w->exchange->server->config->json_bytes);
}

static int write_run(weir_worker *self, weir_call *call) {
    (void)self;
    return write_json(wr_container_of(call, infer_work, call));
}

static void answer_json(infer_work *w, int status) {
    end_results(w);
    if (status == -E2BIG)
        wr_http_answer_line(w->exchange, 406,
                            "the answer has more than %zu bytes as JSON: "
                            "accept " WR_FRAMES_TYPE,
                            w->exchange->server->config->json_bytes);
    else if (status != 0)
        wr_http_answer_error(w->exchange, status, NULL);
    else
        wr_http_answer_text(w->exchange, 200, NULL, &w->text);
}

static void write_done(weir_call *call, int status) {
    answer_json(wr_container_of(call, infer_work, call), status);
}

static void results_taken(void *exchange) { wr_http_release(exchange); }

static void answer_raw(infer_work *w) {
    wr_http_exchange *x = w->exchange;
    const char *name = wr_http_query(x, "output");
    const wr_infer_result *results = w->infer.results;
    int at = 0;
    while (name != NULL && at < w->infer.results_count &&
           strcmp(results[at].name, name) != 0)
        at++;
    if (at == w->infer.results_count) {
        wr_http_answer_line(x, 404, "the model has no output '%.100s'",
                            name != NULL ? name : "");
        return;
    }
    if (name == NULL && w->infer.results_count > 1) {
        wr_http_answer_line(x, 406,
                            "the model has %d outputs: choose one with "
                            "?output=, or accept " WR_FRAMES_TYPE,
                            w->infer.results_count);
        return;
    }
    wr_http_keep(x);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(
            wr_nn_bytes(&results[at].shape),
            (void *)(uintptr_t)results[at].data, results_taken, x);
    if (response == NULL)
        wr_http_release(x);
    char shape[WR_NN_SHAPE_TEXT];
    wr_http_header(response, "Content-Type", "application/octet-stream");
    wr_http_header(response, "Weir-Shape", "%s",
                   wr_nn_shape_text(shape, &results[at].shape));
    wr_http_header(response, "Weir-Output", "%s", results[at].name);
    put_timing(w, response);
    wr_http_answer(x, 200, response);
}

// Heads and data one after the other, as they lie: no copy.
static void answer_frames(infer_work *w) {
    static const uint8_t zeros[WR_FRAME_ALIGN];
    wr_http_exchange *x = w->exchange;
    const wr_infer_result *results = w->infer.results;
    int count = w->infer.results_count;
    size_t bytes = 0;
    for (int i = 0; i < count || i == 0; i++)
        bytes += wr_frames_head(NULL, i, count, results);
    w->heads = calloc(1, bytes);
    struct MHD_IoVec *part = calloc(2 * (size_t)count + 2, sizeof(*part));
    if (w->heads == NULL || part == NULL) {
        free(part);
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    unsigned parts = 0;
    uint8_t *head = w->heads;
    for (int i = 0; i < count || i == 0; i++) {
        size_t size = wr_frames_head(head, i, count, results);
        part[parts++] = (struct MHD_IoVec){head, size};
        head += size;
        if (i < count)
            part[parts++] = (struct MHD_IoVec){results[i].data,
                                               wr_nn_bytes(&results[i].shape)};
    }
    if (wr_frames_tail(count, results) > 0)
        part[parts++] =
            (struct MHD_IoVec){zeros, wr_frames_tail(count, results)};
    wr_http_keep(x);
    struct MHD_Response *response =
        MHD_create_response_from_iovec(part, parts, results_taken, x);
    if (response == NULL)
        wr_http_release(x);
    free(part);
    wr_http_header(response, "Content-Type", WR_FRAMES_TYPE);
    put_timing(w, response);
    wr_http_answer(x, 200, response);
}

static void on_results(wr_infer *infer, int status) {
    infer_work *w = infer->context;
    wr_http_exchange *x = w->exchange;
    wr_tensors_free(&w->inputs);
    free(wr_http_body(x));
    if (status != 0) {
        wr_http_answer_error(x, status, &infer->why);
        return;
    }
    if (w->answer == WR_MEDIA_RAW) {
        answer_raw(w);
        return;
    }
    if (w->answer == WR_MEDIA_FRAMES) {
        answer_frames(w);
        return;
    }
    size_t numbers = 0;
    for (int i = 0; i < infer->results_count; i++)
        numbers += wr_nn_elements(&infer->results[i].shape);
    if (numbers <= WRITE_HERE) {
        answer_json(w, write_json(w));
        return;
    }
    w->stage = STAGE_WRITING;
    w->call = (weir_call)WEIR_CALL_INIT(write_run, write_done);
    w->call.site = &write_site;
    int error = weir_call_submit(x->server->loop, x->server->pool, &w->call);
    if (error != 0)
        wr_http_answer_error(x, error, NULL);
}

// ---- the request -----------------------------------------------------------

static int32_t priority_of(const wr_http_exchange *x) {
    const char *text = wr_http_get(x, "Weir-Priority");
    if (text != NULL && strcasecmp(text, "high") == 0)
        return WEIR_PRIORITY_HIGH;
    if (text != NULL && strcasecmp(text, "low") == 0)
        return WEIR_PRIORITY_LOW;
    return WEIR_PRIORITY_NORMAL;
}

static void run(infer_work *w) {
    wr_http_exchange *x = w->exchange;
    wr_nn_why why = {""};
    w->stage = STAGE_RUNNING;
    w->infer.model = x->name;
    w->infer.inputs = w->inputs.tensor;
    w->infer.count = w->inputs.count;
    w->infer.priority = priority_of(x);
    w->infer.done = on_results;
    w->infer.context = w;
    int error = wr_service_infer(x->server->service, &w->infer, &why);
    w->begun = error == 0;
    if (error != 0)
        wr_http_answer_error(x, error, &why);
}

static int read_json(infer_work *w) {
    const wr_http_exchange *x = w->exchange;
    return wr_json_infer(&w->inputs, x->body, x->size,
                         x->server->config->service.tensor_bytes, &w->why);
}

static int read_run(weir_worker *self, weir_call *call) {
    (void)self;
    return read_json(wr_container_of(call, infer_work, call));
}

static void read_done(weir_call *call, int status);

// Starts to read what waits, as far as there is room; one goes always. What
// jansson makes of the bytes is up to twenty times as large: each number is an
// object of its own.
static void read_waiting(wr_server *server) {
    while (!wr_list_empty(&server->readings)) {
        infer_work *w =
            wr_container_of(server->readings.next, infer_work, link);
        size_t size = w->exchange->size;
        if (server->reading > 0 &&
            server->reading + size > 2 * server->config->json_bytes)
            return;
        wr_list_remove(&w->link);
        w->stage = STAGE_READING;
        w->call = (weir_call)WEIR_CALL_INIT(read_run, read_done);
        w->call.site = &read_site;
        int error = weir_call_submit(server->loop, server->pool, &w->call);
        if (error != 0)
            wr_http_answer_error(w->exchange, error, NULL);
        else
            server->reading += size;
    }
}

static void read_done(weir_call *call, int status) {
    infer_work *w = wr_container_of(call, infer_work, call);
    wr_server *server = w->exchange->server;
    server->reading -= w->exchange->size;
    if (status != 0)
        wr_http_answer_error(w->exchange, status, &w->why);
    else if (w->exchange->left)
        wr_http_answer_error(w->exchange, -ECANCELED, NULL);
    else
        run(w);
    read_waiting(server);
}

static int read_raw(infer_work *w) {
    wr_http_exchange *x = w->exchange;
    const char *shape = wr_http_get(x, "Weir-Shape");
    if (shape == NULL)
        return wr_nn_refuse(&w->why, -EINVAL, NULL,
                            "a raw body needs the header Weir-Shape: "
                            "float32[1,3,48]");
    wr_infer_tensor *tensor = calloc(1, sizeof(*tensor));
    if (tensor == NULL)
        return wr_nn_refuse(&w->why, -ENOMEM, NULL, "no memory");
    w->inputs.tensor = tensor;
    w->inputs.count = 1;
    int error = wr_wire_shape(&tensor->shape, shape,
                              x->server->config->service.tensor_bytes, &w->why);
    if (error != 0)
        return error;
    if (wr_nn_bytes(&tensor->shape) != x->size)
        return wr_nn_refuse(&w->why, -EINVAL, NULL,
                            "a body of %zu bytes; its Weir-Shape has %zu",
                            x->size, wr_nn_bytes(&tensor->shape));
    const char *name = wr_http_get(x, "Weir-Input");
    if (name != NULL) {
        w->inputs.names = strdup(name);
        if (w->inputs.names == NULL)
            return wr_nn_refuse(&w->why, -ENOMEM, NULL, "no memory");
    }
    tensor->name = w->inputs.names;
    tensor->data = x->body;
    return 0;
}

void wr_route_infer(wr_http_exchange *x) {
    wr_media answer = wr_http_accepts(x);
    if (answer == WR_MEDIA_OTHER) {
        wr_http_answer_line(x, 406,
                            "answers are application/json, "
                            "application/octet-stream, " WR_FRAMES_TYPE);
        return;
    }
    infer_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    w->exchange = x;
    w->answer = answer == WR_MEDIA_NONE ? x->media : answer;
    x->work = w;
    x->forget = forget;
    x->leave = leave;
    int error;
    if (x->media == WR_MEDIA_JSON && x->size > READ_HERE) {
        w->stage = STAGE_WAITING;
        wr_list_push_back(&x->server->readings, &w->link);
        read_waiting(x->server);
        return;
    }
    if (x->media == WR_MEDIA_JSON)
        error = read_json(w);
    else if (x->media == WR_MEDIA_RAW)
        error = read_raw(w);
    else
        error =
            wr_frames_read(&w->inputs, x->body, x->size,
                           x->server->config->service.tensor_bytes, &w->why);
    if (error != 0)
        wr_http_answer_error(x, error, &w->why);
    else
        run(w);
}
