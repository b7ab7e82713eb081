// SPDX-License-Identifier: MIT
#include "programs/serve/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct listing {
    wr_string text;
    int count;
    const char *only; // this name, or NULL
} listing;

static int add(void *context, const wr_model_info *info) {
    listing *l = context;
    if (l->only != NULL && strcmp(l->only, info->name) != 0)
        return 0;
    if (l->count++ > 0)
        wr_string_print(&l->text, ", ");
    wr_json_model(&l->text, info);
    return 0;
}

void wr_route_model_list(wr_http_exchange *x) {
    listing l = {.only = NULL};
    wr_string_print(&l.text, "{\"models\": [");
    wr_service_models(x->server->service, add, &l);
    wr_string_print(&l.text, "]}\n");
    wr_http_answer_text(x, 200, NULL, &l.text);
}

void wr_route_model_show(wr_http_exchange *x) {
    listing l = {.only = x->name};
    wr_service_models(x->server->service, add, &l);
    if (l.count == 0) {
        wr_http_answer_line(x, 404, "no model is called %s", x->name);
        return;
    }
    wr_string_print(&l.text, "\n");
    wr_http_answer_text(x, 200, NULL, &l.text);
}

// ---- loading ---------------------------------------------------------------

static void forget(wr_http_exchange *x) { free(x->work); }

static void on_loaded(wr_upload *load, int status) {
    wr_http_exchange *x = load->context;
    if (status != 0) {
        wr_http_answer_error(x, status, &load->why);
        return;
    }
    wr_string text = {0};
    wr_string_print(&text, "{\"name\": ");
    wr_string_quote(&text, x->name);
    wr_string_print(&text, ", \"digest\": \"%s\", \"fresh\": %s}\n",
                    load->digest, load->fresh ? "true" : "false");
    wr_http_answer_text(x, load->fresh ? 201 : 200, NULL, &text);
}

void wr_route_model_load(wr_http_exchange *x) {
    const char *replace = wr_http_query(x, "replace");
    wr_upload *load = calloc(1, sizeof(*load));
    wr_nn_why why = {""};
    if (load == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    x->work = load;
    x->forget = forget;
    load->done = on_loaded;
    load->context = x;
    int error = wr_service_load_take(
        x->server->service, load, x->name, x->body, x->size,
        replace != NULL && strcmp(replace, "1") == 0, &why);
    if (error != 0)
        wr_http_answer_error(x, error, &why);
    else
        (void)wr_http_body(x); // the service's
}

void wr_route_model_unload(wr_http_exchange *x) {
    wr_nn_why why = {""};
    int error = wr_service_unload(x->server->service, x->name, &why);
    if (error != 0)
        wr_http_answer_error(x, error, &why);
    else
        wr_http_answer_empty(x, 204);
}
