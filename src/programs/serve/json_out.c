// SPDX-License-Identifier: MIT
#include "programs/serve/json.h"

#include "programs/nn/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

// Nine digits read back as the same float, always.
static size_t float_text(char text[32], float value) {
    if (!isfinite(value)) // JSON has no word for it
        return (size_t)snprintf(text, 32, "null");
    return (size_t)snprintf(text, 32, "%.9g", (double)value);
}

static void put_data(wr_string *out, const wr_infer_result *result,
                     size_t most) {
    size_t count = wr_nn_elements(&result->shape);
    char text[32];
    for (size_t i = 0; i < count && !out->failed && out->size <= most; i++) {
        size_t size;
        if (i > 0)
            wr_string_put(out, ",", 1);
        switch (result->shape.type) {
        case WR_NN_F32:
            size = float_text(text, ((const float *)result->data)[i]);
            break;
        case WR_NN_I32:
            size = (size_t)snprintf(text, sizeof(text), "%" PRId32,
                                    ((const int32_t *)result->data)[i]);
            break;
        case WR_NN_I64:
            size = (size_t)snprintf(text, sizeof(text), "%" PRId64,
                                    ((const int64_t *)result->data)[i]);
            break;
        default:
            size = (size_t)snprintf(
                text, sizeof(text), "%s",
                ((const uint8_t *)result->data)[i] != 0 ? "true" : "false");
            break;
        }
        wr_string_put(out, text, size);
    }
}

int wr_json_results(wr_string *out, const wr_infer_result *results, int count,
                    const wr_timing *timing, size_t most) {
    wr_string_print(out, "{\"outputs\": [");
    for (int i = 0; i < count; i++) {
        wr_string_print(out, "%s{\"name\": ", i == 0 ? "" : ", ");
        wr_string_quote(out, results[i].name);
        wr_string_print(out, ", \"type\": \"%s\", \"shape\": ",
                        wr_nn_type_name(results[i].shape.type));
        wr_string_dims(out, &results[i].shape);
        wr_string_print(out, ", \"data\": [");
        put_data(out, &results[i], most);
        wr_string_print(out, "]}");
    }
    wr_string_print(out,
                    "], \"timing\": {\"queue_ms\": %.3f, \"compile_ms\": %.3f, "
                    "\"run_ms\": %.3f, \"batch\": %d}}\n",
                    (double)timing->queue_ns / 1e6,
                    (double)timing->compile_ns / 1e6,
                    (double)timing->run_ns / 1e6, timing->batch);
    if (out->failed)
        return -ENOMEM;
    return out->size > most ? -E2BIG : 0;
}

static void put_values(wr_string *out, const wr_nn_graph *graph,
                       const int *values, int count) {
    for (int i = 0; i < count; i++) {
        const wr_nn_value *value = &graph->value[values[i]];
        wr_string_print(out, "%s{\"name\": ", i == 0 ? "" : ", ");
        wr_string_quote(out, value->name);
        wr_string_print(out, ", \"type\": \"%s\", \"shape\": ",
                        wr_nn_type_name(value->shape.type));
        if (value->shape.rank >= 0)
            wr_string_dims(out, &value->shape); // -1: any
        else
            wr_string_print(out, "null");
        wr_string_print(out, "}");
    }
}

void wr_json_model(wr_string *out, const wr_model_info *info) {
    wr_string_print(out, "{\"name\": ");
    wr_string_quote(out, info->name);
    wr_string_print(out,
                    ", \"digest\": \"%s\", \"bytes\": %zu, \"nodes\": %d, "
                    "\"requests\": %" PRIu64 ", \"inputs\": [",
                    info->digest, info->bytes, info->nodes, info->requests);
    put_values(out, info->graph, info->graph->input, info->graph->inputs);
    wr_string_print(out, "], \"outputs\": [");
    put_values(out, info->graph, info->graph->output, info->graph->outputs);
    wr_string_print(out, "]}");
}
