// SPDX-License-Identifier: MIT
#include "programs/serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "programs/serve/routes_figures.h"

void wr_route_page(wr_http_exchange *x) {
    wr_string text = {0};
    wr_string_print(
        &text,
        "weir serve %s\n\n"
        "GET    /healthz                         200, or 503 while it stops\n"
        "GET    /metrics                         for Prometheus\n"
        "GET    /trace                           timeline, SVG\n"
        "GET    /trace?format=json               timeline, for Perfetto\n"
        "GET    /v1/models\n"
        "GET    /v1/models/NAME\n"
        "POST   /v1/models/NAME[?replace=1]      body: ONNX\n"
        "DELETE /v1/models/NAME\n"
        "POST   /v1/models/NAME/infer\n"
        "POST   /v1/contexts\n"
        "DELETE /v1/contexts/C\n"
        "POST   /v1/contexts/C/tensors           {type, shape}\n"
        "PUT    /v1/contexts/C/tensors/T         bytes\n"
        "GET    /v1/contexts/C/tensors/T\n"
        "DELETE /v1/contexts/C/tensors/T\n"
        "POST   /v1/contexts/C/graphs[?wait=1]   {model, inputs, key}\n"
        "DELETE /v1/contexts/C/graphs/G\n"
        "POST   /v1/contexts/C/dispatch          {graph, inputs, outputs}\n"
        "PUT    /v1/letters/NAME                 body: a letter a line\n"
        "POST   /v1/text?recogniser=M&letters=N[&direction=M]   body: PNG\n",
        weir_version());
    wr_http_answer_text(x, 200, "text/plain; charset=utf-8", &text);
}

void wr_route_health(wr_http_exchange *x) {
    wr_string text = {0};
    bool open = x->server->state == WR_SERVER_OPEN;
    wr_string_print(&text, "%s\n", open ? "ok" : "draining");
    wr_http_answer_text(x, open ? 200 : 503, "text/plain; charset=utf-8",
                        &text);
}

// ---- metrics and the timeline ----------------------------------------------

// Both are long texts: written on the pool, one at a time.
typedef struct observe_work {
    wr_http_exchange *exchange;
    weir_call call;
    wr_figures figures;
    const char *type;
    int (*write)(struct observe_work *work, FILE *out);
    char *text;
    size_t size;
} observe_work;

static const weir_site write_site = WEIR_SITE_INIT("write figures");

static void forget(wr_http_exchange *x) {
    observe_work *w = x->work;
    free(w->text);
    free(w);
}

static int write_run(weir_worker *self, weir_call *call) {
    observe_work *w = wr_container_of(call, observe_work, call);
    FILE *out = open_memstream(&w->text, &w->size);
    (void)self;
    if (out == NULL)
        return -ENOMEM;
    int error = w->write(w, out);
    if (fclose(out) != 0 && error == 0)
        error = -ENOMEM;
    return error;
}

static void write_done(weir_call *call, int status) {
    observe_work *w = wr_container_of(call, observe_work, call);
    wr_http_exchange *x = w->exchange;
    x->server->observing = false;
    if (status != 0) {
        wr_http_answer_error(x, status, NULL);
        return;
    }
    wr_string text = {.data = w->text, .size = w->size};
    w->text = NULL;
    wr_http_answer_text(x, 200, w->type, &text);
}

static int write_metrics(observe_work *w, FILE *out) {
    int error = weir_metrics_prometheus(w->exchange->server->metrics, out);
    if (error == 0)
        wr_figures_write(&w->figures, out);
    return error == 0 && ferror(out) ? -ENOMEM : error;
}

static int write_svg(observe_work *w, FILE *out) {
    return weir_trace_svg(w->exchange->server->trace, out, 0);
}

static int write_perfetto(observe_work *w, FILE *out) {
    return weir_trace_json(w->exchange->server->trace, out);
}

static void begin(wr_http_exchange *x, const char *type,
                  int (*write)(observe_work *work, FILE *out)) {
    wr_server *server = x->server;
    if (server->observing) {
        wr_http_answer_line(x, 503, "somebody is being given figures already");
        return;
    }
    observe_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    w->exchange = x;
    w->type = type;
    w->write = write;
    x->work = w;
    x->forget = forget;
    wr_figures_take(&w->figures, server);
    w->call = (weir_call)WEIR_CALL_INIT(write_run, write_done);
    w->call.site = &write_site;
    w->call.priority = WEIR_PRIORITY_HIGH; // what is told is old soon
    int error = weir_call_submit(server->loop, server->pool, &w->call);
    if (error != 0)
        wr_http_answer_error(x, error, NULL);
    else
        server->observing = true;
}

void wr_route_metrics(wr_http_exchange *x) {
    begin(x, "text/plain; version=0.0.4; charset=utf-8", write_metrics);
}

void wr_route_trace(wr_http_exchange *x) {
    const char *format = wr_http_query(x, "format");
    if (x->server->trace == NULL)
        wr_http_answer_line(x, 404, "server.trace is off");
    else if (format == NULL || strcmp(format, "svg") == 0)
        begin(x, "image/svg+xml", write_svg);
    else if (strcmp(format, "json") == 0)
        begin(x, "application/json", write_perfetto);
    else
        wr_http_answer_line(x, 400, "format is svg or json");
}
