// SPDX-License-Identifier: MIT
// Every path of `weir serve`, and everything that it answers with, over real
// connections to a real process.
#include "serve/client.h"

// ---- what is there ---------------------------------------------------------

static void pages_health_and_figures_are_served(void) {
    server s = server_start("");
    peer p = peer_dial(&s);
    reply r = peer_expect(&p, 200, "GET", "/", "", NULL, 0);
    CHECK(strstr(r.body, "/v1/models/NAME/infer") != NULL);
    free(r.body);
    r = peer_expect(&p, 200, "HEAD", "/", "", NULL, 0);
    CHECK(atoi(reply_header(&r, "Content-Length")) > 0);
    free(r.body);
    r = peer_expect(&p, 200, "GET", "/healthz", "", NULL, 0);
    CHECK_STR(r.body, "ok\n");
    free(r.body);
    r = peer_expect(&p, 200, "GET", "/metrics", "", NULL, 0);
    static const char *const names[] = {
        "weir_serve_http_requests_total 4\n",
        "weir_serve_connections 1\n",
        "weir_serve_cache_capacity_bytes 536870912\n",
        "weir_serve_latency_seconds_bucket{le=\"+Inf\"} 0\n",
        "weir_serve_up 1\n",
        "# TYPE weir_pool_",
        "# TYPE weir_loop_"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strstr(r.body, names[i]) == NULL)
            CHECK_FAIL("no %s in /metrics", names[i]);
    free(r.body);
    r = peer_expect(&p, 200, "GET", "/trace", "", NULL, 0);
    CHECK_STR(reply_header(&r, "Content-Type"), "image/svg+xml");
    CHECK(strncmp(r.body, "<svg ", 5) == 0);
    free(r.body);
    r = peer_expect(&p, 200, "GET", "/trace?format=json", "", NULL, 0);
    CHECK(r.body[0] == '{');
    free(r.body);
    peer_wants(&p, 400, "GET", "/trace?format=gif", "", NULL);
    peer_close(&p);
    server_stop(&s);
    s = server_start("--set server.trace=off");
    p = peer_dial(&s);
    peer_wants(&p, 404, "GET", "/trace", "", NULL);
    peer_close(&p);
    server_stop(&s);
}

static void models_are_loaded_listed_and_forgotten(void) {
    server s = server_start("");
    peer p = peer_dial(&s);
    onnx_bytes small = model_small(), pair = model_pair();
    static const char path[] = "/v1/models/a.model-1_x";
    peer_wants(&p, 404, "GET", path, "", NULL);
    reply r = peer_expect(&p, 201, "POST", path, "", small.data, small.size);
    CHECK(strstr(r.body, "\"fresh\": true") != NULL);
    free(r.body);
    r = peer_expect(&p, 200, "POST", path, RAW, small.data, small.size);
    CHECK(strstr(r.body, "\"fresh\": false") != NULL);
    free(r.body);
    r = peer_expect(&p, 409, "POST", path, RAW, pair.data, pair.size);
    CHECK(strstr(r.body, "{\"error\": \"") == r.body);
    free(r.body);
    r = peer_expect(&p, 200, "GET", "/v1/models", "", NULL, 0);
    CHECK(strstr(r.body, "{\"models\": [{\"name\": \"a.model-1_x\", ") ==
          r.body);
    CHECK(strstr(r.body, "\"inputs\": [{\"name\": \"x\", \"type\": "
                         "\"float32\", \"shape\": [-1,3]}]") != NULL);
    free(r.body);
    free(peer_expect(&p, 201, "POST", "/v1/models/a.model-1_x?replace=1", RAW,
                     pair.data, pair.size)
             .body);
    r = peer_expect(&p, 200, "GET", path, "", NULL, 0);
    CHECK(strstr(r.body, "\"name\": \"p\"") != NULL);
    free(r.body);
    peer_wants(&p, 204, "DELETE", path, "", NULL);
    peer_wants(&p, 404, "DELETE", path, "", NULL);
    peer_wants(&p, 400, "POST", path, RAW, "not a model");
    peer_wants(&p, 400, "POST", path, RAW, "");
    free(small.data);
    free(pair.data);
    peer_close(&p);
    server_stop(&s);
}

// ---- inference -------------------------------------------------------------

#define SMALL "/v1/models/small/infer"

static void numbers_come_and_go_as_json(void) {
    server s = server_start("");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    static const char body[] =
        "{\"inputs\": [{\"name\": \"x\", \"shape\": [2,3], \"data\": "
        "[1,2,3,-4,0.5,1e3]}]}";
    reply r = peer_expect(&p, 200, "POST", SMALL, JSON, body, strlen(body));
    CHECK(strstr(r.body,
                 "{\"outputs\": [{\"name\": \"y\", \"type\": \"float32\", "
                 "\"shape\": [2,3], \"data\": [2,3,4,-3,1.5,1001]}], "
                 "\"timing\": {\"queue_ms\": ") == r.body);
    CHECK(strstr(r.body, "\"batch\": 1}") != NULL);
    free(r.body);
    // More than is read or written on the loop's thread: the pool does it.
    enum { ROWS = 2000 };
    char *large = malloc(ROWS * 3 * 8 + 200);
    CHECK(large != NULL);
    size_t size = (size_t)sprintf(
        large, "{\"inputs\": [{\"shape\": [%d,3], \"data\": [", ROWS);
    for (int i = 0; i < 3 * ROWS; i++)
        size += (size_t)sprintf(large + size, "%s%d", i == 0 ? "" : ",", i);
    size += (size_t)sprintf(large + size, "]}]}");
    r = peer_expect(&p, 200, "POST", SMALL, JSON, large, size);
    const char *at = strstr(r.body, "\"data\": [");
    CHECK(at != NULL);
    at += 9;
    for (int i = 0; i < 3 * ROWS; i++) {
        char *end;
        CHECK_EQ(strtol(at, &end, 10), i + 1);
        at = end + 1;
    }
    free(r.body);
    large[size - 3] = 'x';
    r = peer_expect(&p, 400, "POST", SMALL, JSON, large, size);
    CHECK(strstr(r.body, "the body is not JSON: line 1, column") != NULL);
    free(r.body);
    free(large);
    peer_close(&p);
    server_stop(&s);
}

static void numbers_come_and_go_as_bytes(void) {
    server s = server_start("");
    load_model(&s, "small", model_small());
    load_model(&s, "pair", model_pair());
    peer p = peer_dial(&s);
    static const float x[] = {1, 2, 3, 4, 5, 6};
    reply r = peer_expect(&p, 200, "POST", SMALL,
                          RAW "Weir-Shape: float32[2,3]\r\n", x, sizeof(x));
    CHECK_EQ(r.size, sizeof(x));
    for (int i = 0; i < 6; i++)
        CHECK(((const float *)(const void *)r.body)[i] == x[i] + 1);
    CHECK_STR(reply_header(&r, "Weir-Shape"), "float32[2,3]");
    CHECK_STR(reply_header(&r, "Weir-Output"), "y");
    CHECK(strstr(reply_header(&r, "Server-Timing"), "run;dur=") != NULL);
    free(r.body);
    // Asked in one form, answered in another.
    r = peer_expect(&p, 200, "POST", SMALL,
                    RAW "Accept: text/html, application/json;q=0.9\r\n"
                        "Weir-Shape: float32[1,3]\r\nWeir-Input: x\r\n"
                        "Weir-Priority: high\r\n",
                    x, 12);
    CHECK(strstr(r.body, "\"data\": [2,3,4]") != NULL);
    free(r.body);
    // One output of several.
    static const char both[] =
        "{\"inputs\": [{\"name\": \"b\", \"shape\": [1,2], \"data\": [3,4]}, "
        "{\"name\": \"a\", \"shape\": [1,2], \"data\": [5,6]}]}";
    r = peer_expect(&p, 200, "POST", "/v1/models/pair/infer?output=p",
                    JSON "Accept: application/octet-stream\r\n", both,
                    strlen(both));
    CHECK(((const float *)(const void *)r.body)[1] == 24.0f);
    free(r.body);
    peer_wants(&p, 406, "POST", "/v1/models/pair/infer",
               JSON "Accept: application/octet-stream\r\n", both);
    peer_wants(&p, 404, "POST", "/v1/models/pair/infer?output=q",
               JSON "Accept: application/octet-stream\r\n", both);
    peer_wants(&p, 406, "POST", "/v1/models/pair/infer",
               JSON "Accept: image/png\r\n", both);
    // Bytes that their shape does not fit.
    peer_wants(&p, 400, "POST", SMALL, RAW "Weir-Shape: float32[1,4]\r\n",
               "12 bytes....");
    peer_wants(&p, 400, "POST", SMALL, RAW, "12 bytes....");
    peer_wants(&p, 400, "POST", SMALL, RAW "Weir-Shape: f[3]\r\n",
               "12 bytes....");
    peer_close(&p);
    server_stop(&s);
}

static void put_number(uint8_t *at, size_t size, uint64_t number) {
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static void several_tensors_come_and_go_in_frames(void) {
    server s = server_start("");
    load_model(&s, "pair", model_pair());
    peer p = peer_dial(&s);
    // As docs/serve.md has it, by hand: a = [1,2], b = [10,20].
    static uint8_t frames[64 * 5];
    static const float data[2][2] = {{1, 2}, {10, 20}};
    memcpy(frames, "WEIRTNS1", 8);
    put_number(frames + 8, 4, 2);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *at = frames + 64 + i * 128;
        put_number(at, 4, 1);      // float32
        put_number(at + 4, 4, 2);  // dimensions
        put_number(at + 8, 4, 1);  // bytes of the name
        put_number(at + 16, 8, 8); // and of the data
        put_number(at + 24, 8, 1);
        put_number(at + 32, 8, 2);
        at[40] = (uint8_t)("ab"[i]);
        memcpy(at + 64, data[i], 8);
    }
    reply r = peer_expect(&p, 200, "POST", "/v1/models/pair/infer", FRAMES,
                          frames, sizeof(frames));
    CHECK_STR(reply_header(&r, "Content-Type"), "application/vnd.weir.tensors");
    CHECK_EQ(r.size, sizeof(frames)); // the same shapes
    CHECK(memcmp(r.body, frames, 64 + 40) == 0);
    CHECK(r.body[64 + 40] == 's' && r.body[192 + 40] == 'p');
    const float *sum = (const float *)(const void *)(r.body + 128);
    const float *product = (const float *)(const void *)(r.body + 256);
    CHECK(sum[0] == 11 && sum[1] == 22 && product[0] == 10 && product[1] == 40);
    free(r.body);
    frames[64] = 2; // no type of ours
    r = peer_expect(&p, 400, "POST", "/v1/models/pair/infer", FRAMES, frames,
                    sizeof(frames));
    CHECK(strstr(r.body, "tensor 0: type 2") != NULL);
    free(r.body);
    peer_close(&p);
    server_stop(&s);
}

static void a_wrong_inference_is_refused_with_a_line(void) {
    server s = server_start("--set limits.tensor_bytes=4KiB");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    peer_wants(&p, 404, "POST", "/v1/models/none/infer", JSON,
               "{\"inputs\": []}");
    peer_wants(&p, 400, "POST", SMALL, JSON, "{\"inputs\": []}");
    peer_wants(&p, 400, "POST", SMALL, JSON,
               "{\"inputs\": [{\"name\": \"z\", \"shape\": [1,3], \"data\": "
               "[1,2,3]}]}");
    peer_wants(&p, 400, "POST", SMALL, JSON,
               "{\"inputs\": [{\"shape\": [1,4], \"data\": [1,2,3,4]}]}");
    peer_wants(&p, 413, "POST", SMALL, JSON,
               "{\"inputs\": [{\"shape\": [9999,3], \"data\": []}]}");
    // A model whose operator nobody has.
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_node(&m, "Einsum", "odd", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_bytes odd = onnx_end(&m);
    reply r =
        peer_expect(&p, 422, "POST", "/v1/models/odd", RAW, odd.data, odd.size);
    CHECK(strstr(r.body, "odd") != NULL); // the node
    free(r.body);
    free(odd.data);
    peer_close(&p);
    server_stop(&s);
}

static void much_json_is_read_in_turns_and_not_written(void) {
    server s = server_start("--set limits.json_bytes=64KiB "
                            "--set batching.items=1");
    load_model(&s, "small", model_small());
    enum { CLIENTS = 12, NUMBERS = 9000 };
    static char body[65000];
    int used = sprintf(body, "{\"inputs\": [{\"shape\": [%d,3], \"data\": [0",
                       NUMBERS / 3);
    for (int i = 1; i < NUMBERS; i++)
        used += sprintf(body + used, ",%d", i % 1000);
    used += sprintf(body + used, "]}]}");
    peer clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = peer_dial(&s);
        peer_ask(&clients[i], "POST", SMALL,
                 i % 4 == 3 ? JSON
                            : JSON "Accept: application/octet-stream\r\n",
                 body, (size_t)used);
        if (i % 4 == 1) // in its turn, or before
            peer_close(&clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 4 == 1)
            continue;
        reply r = peer_reply(&clients[i], false);
        CHECK_EQ(r.status, 200);
        CHECK(r.size > 3 * NUMBERS);
        free(r.body);
        peer_close(&clients[i]);
    }
    // An answer that is longer than that.
    static float numbers[3 * 10000];
    peer p = peer_dial(&s);
    for (size_t i = 0; i < 30000; i++)
        numbers[i] = 0.123456789f;
    reply r = peer_expect(&p, 406, "POST", SMALL,
                          RAW "Weir-Shape: float32[10000,3]\r\n"
                              "Accept: application/json\r\n",
                          numbers, sizeof(numbers));
    CHECK(strstr(r.body, "accept application/vnd.weir.tensors") != NULL);
    free(r.body);
    peer_close(&p);
    server_stop(&s);
}

// ---- contexts --------------------------------------------------------------

static int id_of(reply r) {
    int id = 0;
    CHECK_EQ(sscanf(r.body, "{\"id\": %d", &id), 1);
    free(r.body);
    return id;
}

static int make(peer *p, int status, const char *path, const char *body) {
    return id_of(peer_expect(p, status, "POST", path, body != NULL ? JSON : "",
                             body != NULL ? body : "",
                             body != NULL ? strlen(body) : 0));
}

static void a_context_is_a_timeline(void) {
    server s = server_start("");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    CHECK_EQ(make(&p, 201, "/v1/contexts", NULL), 1);
    static const char tensor[] = "{\"type\": \"float32\", \"shape\": [1,3]}";
    CHECK_EQ(make(&p, 201, "/v1/contexts/1/tensors", tensor), 1);
    CHECK_EQ(make(&p, 201, "/v1/contexts/1/tensors", tensor), 2);
    static const float x[] = {1, 2, 3};
    free(peer_expect(&p, 204, "PUT", "/v1/contexts/1/tensors/1", RAW, x,
                     sizeof(x))
             .body);
    // The id is good at once, built or not; the read is the fence.
    static const char graph[] =
        "{\"model\": \"small\", \"inputs\": [{\"name\": "
        "\"x\", \"shape\": [1,3]}], \"key\": \"g\"}";
    CHECK_EQ(make(&p, 202, "/v1/contexts/1/graphs", graph), 1);
    static const char there[] =
        "{\"graph\": 1, \"inputs\": {\"x\": 1}, \"outputs\": {\"y\": 2}}";
    static const char back[] =
        "{\"graph\": 1, \"inputs\": {\"x\": 2}, \"outputs\": {\"y\": 1}}";
    for (int i = 0; i < 5; i++)
        peer_wants(&p, 202, "POST", "/v1/contexts/1/dispatch", JSON,
                   i % 2 == 0 ? there : back);
    reply r =
        peer_expect(&p, 200, "GET", "/v1/contexts/1/tensors/2", "", NULL, 0);
    CHECK_EQ(r.size, sizeof(x));
    CHECK(((const float *)(const void *)r.body)[0] == 6.0f);
    CHECK_STR(reply_header(&r, "Weir-Shape"), "float32[1,3]");
    free(r.body);
    // The same key with the same content is the same graph; with other, not.
    r = peer_expect(&p, 201, "POST", "/v1/contexts/1/graphs?wait=1", JSON,
                    graph, strlen(graph));
    CHECK(strstr(r.body, "{\"id\": 1, \"compile_ms\": ") == r.body);
    free(r.body);
    peer_wants(&p, 409, "POST", "/v1/contexts/1/graphs", JSON,
               "{\"model\": \"small\", \"inputs\": [{\"name\": \"x\", "
               "\"shape\": [2,3]}], \"key\": \"g\"}");
    // A model of its own.
    onnx_bytes pair = model_pair();
    CHECK_EQ(id_of(peer_expect(&p, 201, "POST", "/v1/contexts/1/graphs?wait=1",
                               RAW "Weir-Inputs: a=float32[1,2]; "
                                   "b=float32[1,2]\r\nWeir-Key: mine\r\n",
                               pair.data, pair.size)),
             2);
    free(pair.data);
    peer_wants(&p, 204, "DELETE", "/v1/contexts/1/graphs/1", "", NULL);
    peer_wants(&p, 404, "DELETE", "/v1/contexts/1/graphs/1", "", NULL);
    peer_wants(&p, 204, "DELETE", "/v1/contexts/1/tensors/1", "", NULL);
    peer_wants(&p, 404, "GET", "/v1/contexts/1/tensors/1", "", NULL);
    peer_wants(&p, 204, "DELETE", "/v1/contexts/1", "", NULL);
    peer_wants(&p, 404, "DELETE", "/v1/contexts/1", "", NULL);
    peer_close(&p);
    server_stop(&s);
}

// It is all right until it is compiled: three numbers and four do not add up.
static onnx_bytes model_bad(void) {
    static const float four[4];
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3));
    onnx_initializer(&m, "four", ONNX_FLOAT, ONNX_DIMS(4), four);
    onnx_node(&m, "Add", "plus", "x four", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 3));
    return onnx_end(&m);
}

// It is all right too, and this engine cannot do it: sums of cubes.
static onnx_bytes model_odd(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1, 1, 3));
    onnx_node(&m, "LpPool", "cubes", "x", "y");
    onnx_attr_ints(&m, "kernel_shape", ONNX_DIMS(1));
    onnx_attr_int(&m, "p", 3);
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1, 1, 3));
    return onnx_end(&m);
}

static void a_failed_dispatch_flags_what_it_should_have_written(void) {
    server s = server_start("");
    load_model(&s, "bad", model_bad());
    peer p = peer_dial(&s);
    make(&p, 201, "/v1/contexts", NULL);
    static const char tensor[] = "{\"shape\": [1,3]}";
    make(&p, 201, "/v1/contexts/1/tensors", tensor);
    make(&p, 201, "/v1/contexts/1/tensors", tensor);
    static const char graph[] = "{\"model\": \"bad\", \"inputs\": [{\"name\": "
                                "\"x\", \"shape\": [1,3]}]}";
    CHECK_EQ(make(&p, 202, "/v1/contexts/1/graphs", graph), 1);
    reply r = peer_expect(&p, 202, "POST", "/v1/contexts/1/dispatch", JSON,
                          "{\"graph\":1,\"inputs\":{\"x\":1},\"outputs\":"
                          "{\"y\":2}}",
                          46);
    free(r.body);
    r = peer_expect(&p, 422, "GET", "/v1/contexts/1/tensors/2", "", NULL, 0);
    CHECK(strncmp(r.body, "{\"error\": \"", 11) == 0 && r.size > 20);
    free(r.body);
    peer_wants(&p, 400, "POST", "/v1/contexts/1/graphs?wait=1", JSON, graph);
    // A write makes it good again.
    peer_wants(&p, 204, "PUT", "/v1/contexts/1/tensors/2", RAW, "12 bytes....");
    r = peer_expect(&p, 200, "GET", "/v1/contexts/1/tensors/2", "", NULL, 0);
    CHECK_STR(r.body, "12 bytes....");
    free(r.body);
    peer_close(&p);
    server_stop(&s);
}

static void what_the_engine_cannot_do_is_a_422_for_all_who_ask(void) {
    server s = server_start("");
    load_model(&s, "odd", model_odd());
    peer p = peer_dial(&s);
    make(&p, 201, "/v1/contexts", NULL);
    static const char tensor[] = "{\"shape\": [1,1,3]}";
    make(&p, 201, "/v1/contexts/1/tensors", tensor);
    make(&p, 201, "/v1/contexts/1/tensors", tensor);
    static const char graph[] = "{\"model\": \"odd\", \"inputs\": [{\"name\": "
                                "\"x\", \"shape\": [1,1,3]}]}";
    static const char dispatch[] =
        "{\"graph\": 1, \"inputs\": {\"x\": 1}, \"outputs\": {\"y\": 2}}";
    CHECK_EQ(make(&p, 202, "/v1/contexts/1/graphs", graph), 1);
    peer_wants(&p, 202, "POST", "/v1/contexts/1/dispatch", JSON, dispatch);
    // Who builds, who reads what it should have written, who asks plainly.
    static const char line[] = "p = 3: not supported";
    reply r =
        peer_expect(&p, 422, "GET", "/v1/contexts/1/tensors/2", "", NULL, 0);
    CHECK(strstr(r.body, line) != NULL);
    free(r.body);
    r = peer_expect(&p, 422, "POST", "/v1/contexts/1/graphs?wait=1", JSON,
                    graph, strlen(graph));
    CHECK(strstr(r.body, line) != NULL);
    free(r.body);
    static const char numbers[] =
        "{\"inputs\": [{\"shape\": [1,1,3], \"data\": [1,2,3]}]}";
    r = peer_expect(&p, 422, "POST", "/v1/models/odd/infer", JSON, numbers,
                    strlen(numbers));
    CHECK(strstr(r.body, line) != NULL);
    free(r.body);
    peer_close(&p);
    server_stop(&s);
}

static void wrong_things_of_contexts_are_refused(void) {
    server s = server_start("--set limits.contexts=1 --set limits.tensors=2 "
                            "--set limits.context_bytes=1KiB");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    make(&p, 201, "/v1/contexts", NULL);
    reply r = peer_expect(&p, 503, "POST", "/v1/contexts", "", "", 0);
    CHECK(reply_header(&r, "Retry-After") != NULL);
    free(r.body);
    static const char tensors[] = "/v1/contexts/1/tensors";
    make(&p, 201, tensors, "{\"shape\": [4]}");
    peer_wants(&p, 400, "POST", tensors, JSON, "{\"shape\": [0]}");
    peer_wants(&p, 413, "POST", tensors, JSON, "{\"shape\": [999999999]}");
    peer_wants(&p, 400, "PUT", "/v1/contexts/1/tensors/1", RAW, "short");
    peer_wants(&p, 404, "PUT", "/v1/contexts/1/tensors/9", RAW, "short");
    peer_wants(&p, 404, "PUT", "/v1/contexts/2/tensors/1", RAW, "short");
    make(&p, 201, tensors, "{\"shape\": [4]}");
    peer_wants(&p, 503, "POST", tensors, JSON, "{\"shape\": [4]}");
    peer_wants(&p, 404, "POST", "/v1/contexts/1/graphs", JSON,
               "{\"model\": \"none\", \"inputs\": []}");
    peer_wants(&p, 404, "POST", "/v1/contexts/1/dispatch", JSON,
               "{\"graph\": 7, \"inputs\": {}, \"outputs\": {}}");
    peer_wants(&p, 400, "POST", "/v1/contexts/1/dispatch", JSON, "{}");
    peer_wants(&p, 400, "POST", "/v1/contexts/1/graphs", RAW, "no header");
    peer_close(&p);
    server_stop(&s);
}

// ---- HTTP ------------------------------------------------------------------

static void wrong_paths_methods_and_types_are_refused(void) {
    server s = server_start("");
    peer p = peer_dial(&s);
    static const char *const nowhere[] = {"/x",
                                          "/v1",
                                          "/v1/models/",
                                          "/v1/models/a/b",
                                          "/v1/models/%20",
                                          "/%00",
                                          "/v1/models/a%00",
                                          "/v1/contexts/x",
                                          "/v1/contexts/-1",
                                          "/v1/contexts/99999999999999999999"};
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
        peer_wants(&p, 404, "DELETE", nowhere[i], "", NULL);
    reply r = peer_expect(&p, 405, "PUT", "/v1/models/a", "", "x", 1);
    CHECK_STR(reply_header(&r, "Allow"), "GET, HEAD, POST, DELETE");
    free(r.body);
    r = peer_expect(&p, 405, "POST", "/healthz", "", "x", 1);
    CHECK_STR(reply_header(&r, "Allow"), "GET, HEAD");
    free(r.body);
    peer_wants(&p, 405, "OPTIONS", "/", "", NULL);
    peer_wants(&p, 405, "get", "/", "", NULL);
    peer_wants(&p, 400, "GET", "/", "Host: y\r\n", NULL);
    peer_say(&p, "GET / HTTP/1.1\r\n\r\n");
    r = peer_reply(&p, false);
    CHECK_STR(r.body, "{\"error\": \"the header Host is missing\"}\n");
    free(r.body);
    peer_wants(&p, 415, "POST", SMALL, "", "x");
    peer_wants(&p, 415, "POST", SMALL, "Content-Type: text/plain\r\n", "x");
    peer_wants(&p, 415, "POST", "/v1/contexts/1/dispatch", RAW, "x");
    peer_wants(&p, 411, "POST", SMALL, JSON, NULL);
    peer_wants(&p, 200, "GET", "/healthz", "", "a body that nobody wants");
    // All of that on one connection, which is as good as new.
    peer_wants(&p, 200, "GET", "/healthz", "", NULL);
    peer_close(&p);
    server_stop(&s);
}

// Says it on a connection of its own, which the answer ends.
static void ends_with(const server *s, int status, const char *text) {
    peer p = peer_dial(s);
    peer_send(&p, text, strlen(text));
    reply r = peer_reply(&p, false);
    if (r.status != status)
        CHECK_FAIL("%d in place of %d for %.60s", r.status, status, text);
    // libmicrohttpd 0.9.75 writes the head of some such answers twice.
    while (peer_read(&p))
        p.used = 0;
    free(r.body);
    peer_close(&p);
}

static void bad_requests_end_their_connection(void) {
    server s = server_start("");
    ends_with(&s, 400,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde");
    ends_with(&s, 400,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
              "\r\n0\r\n\r\n");
    ends_with(&s, 501,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n"
              "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    ends_with(&s, 400,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: -1\r\n\r\n");
    ends_with(&s, 400,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 1x\r\n\r\n");
    ends_with(&s, 413,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
              "Content-Length: 99999999999\r\n\r\n");
    // The connection goes, and so does what stands behind: nobody knows where
    // the body would have ended.
    ends_with(&s, 413,
              "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
              "Expect: 100-continue\r\n"
              "Content-Length: 99999999999\r\n\r\n");
    peer p = peer_dial(&s); // all of it harmed nobody
    peer_wants(&p, 200, "GET", "/healthz", "", NULL);
    peer_close(&p);
    server_stop(&s);
}

static void chunks_and_continue_are_understood(void) {
    server s = server_start("--set limits.json_bytes=64KiB");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    static const char body[] =
        "{\"inputs\": [{\"shape\": [1,3], \"data\": [1,2,3]}]}";
    for (size_t step = 1; step < sizeof(body); step += 5) {
        peer_say(&p, "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
                     "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < sizeof(body) - 1; at += step) {
            size_t size = sizeof(body) - 1 - at;
            size = size < step ? size : step;
            peer_say(&p, "%zx\r\n%.*s\r\n", size, (int)size, body + at);
        }
        peer_say(&p, "0\r\n\r\n");
        reply r = peer_reply(&p, false);
        CHECK_EQ(r.status, 200);
        CHECK(strstr(r.body, "[2,3,4]") != NULL);
        free(r.body);
    }
    // The body comes when it is asked for.
    peer_say(&p,
             "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
             "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
             sizeof(body) - 1);
    while (memmem(p.buffer, p.used, "\r\n\r\n", 4) == NULL)
        CHECK(peer_read(&p));
    CHECK(strncmp(p.buffer, "HTTP/1.1 100 ", 13) == 0);
    peer_send(&p, body, sizeof(body) - 1);
    reply r = peer_reply(&p, false);
    CHECK_EQ(r.status, 200);
    free(r.body);
    // Chunks that add up to too much: cut as soon as that is known.
    peer_say(&p, "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
                 "Transfer-Encoding: chunked\r\n\r\n");
    static char kilobyte[1025];
    memset(kilobyte, ' ', 1024);
    for (int i = 0; i < 200; i++)
        peer_say(&p, "400\r\n%s\r\n", kilobyte);
    r = peer_reply(&p, false);
    CHECK_EQ(r.status, 413);
    free(r.body);
    CHECK(peer_ended(&p));
    peer_close(&p);
    server_stop(&s);
}

static void requests_may_come_one_behind_the_other(void) {
    server s = server_start("");
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    static const char body[] =
        "{\"inputs\": [{\"shape\": [1,3], \"data\": [%3d,2,3]}]}";
    char text[100];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), body, i);
        peer_ask(&p, "POST", SMALL, JSON, text, strlen(text));
        peer_ask(&p, "GET", "/nowhere", "", NULL, 0);
        peer_ask(&p, "POST", "/nowhere", "", text, strlen(text));
        if (i % 10 != 9)
            continue;
        for (int j = i - 9; j <= i; j++) { // in their order
            reply r = peer_reply(&p, false);
            CHECK_EQ(r.status, 200);
            snprintf(text, sizeof(text), "\"data\": [%d,3,4]", j + 1);
            CHECK(strstr(r.body, text) != NULL);
            free(r.body);
            for (int k = 0; k < 2; k++) {
                r = peer_reply(&p, false);
                CHECK_EQ(r.status, 404);
                free(r.body);
            }
        }
    }
    peer_close(&p);
    server_stop(&s);
}

// ---- the command line ------------------------------------------------------

static void expect_refusal(const char *arguments, const char *line) {
    server s = server_fork(arguments);
    int status = server_ended(&s);
    if (strstr(s.lines, line) == NULL)
        CHECK_FAIL("%s in place of %s", s.lines, line);
    CHECK(status == 1 || status == 2);
}

static void models_of_the_command_line_are_there_at_once(void) {
    char path[] = "serve_model_XXXXXX", text[64];
    int fd = mkstemp(path);
    onnx_bytes small = model_small();
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, small.data, small.size), (ssize_t)small.size);
    close(fd);
    free(small.data);
    snprintf(text, sizeof(text), "a=%s b=%s", path, path);
    server s = server_start(text);
    peer p = peer_dial(&s);
    peer_wants(&p, 200, "GET", "/v1/models/a", "", NULL);
    peer_wants(&p, 200, "GET", "/v1/models/b", "", NULL);
    peer_close(&p);
    server_stop(&s);
    CHECK_EQ(truncate(path, 100), 0);
    expect_refusal(text, "weir serve: a=");
    unlink(path);
    expect_refusal(text, "No such file or directory");
}

static void a_wrong_command_line_is_refused(void) {
    expect_refusal("--nonsense", "no option --nonsense");
    expect_refusal("model.onnx", "a model is NAME=FILE, not model.onnx");
    expect_refusal("--set limits.x=1", "[limits] has no key x");
    expect_refusal("--config no/such/file", "no/such/file: No such file");
    expect_refusal("--set server.port=70000", "from 0 to 65535");
    expect_refusal("--listen 8080", "--listen takes ADDRESS:PORT, not 8080");
    server s = server_start(""); // its port is in use
    char text[64];
    snprintf(text, sizeof(text), "--listen 127.0.0.1:%d", s.port);
    expect_refusal(text, "Address already in use");
    server_stop(&s);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"pages_health_and_figures_are_served",
         pages_health_and_figures_are_served},
        {"models_are_loaded_listed_and_forgotten",
         models_are_loaded_listed_and_forgotten},
        {"numbers_come_and_go_as_json", numbers_come_and_go_as_json},
        {"numbers_come_and_go_as_bytes", numbers_come_and_go_as_bytes},
        {"several_tensors_come_and_go_in_frames",
         several_tensors_come_and_go_in_frames},
        {"a_wrong_inference_is_refused_with_a_line",
         a_wrong_inference_is_refused_with_a_line},
        {"much_json_is_read_in_turns_and_not_written",
         much_json_is_read_in_turns_and_not_written},
        {"a_context_is_a_timeline", a_context_is_a_timeline},
        {"a_failed_dispatch_flags_what_it_should_have_written",
         a_failed_dispatch_flags_what_it_should_have_written},
        {"what_the_engine_cannot_do_is_a_422_for_all_who_ask",
         what_the_engine_cannot_do_is_a_422_for_all_who_ask},
        {"wrong_things_of_contexts_are_refused",
         wrong_things_of_contexts_are_refused},
        {"wrong_paths_methods_and_types_are_refused",
         wrong_paths_methods_and_types_are_refused},
        {"bad_requests_end_their_connection",
         bad_requests_end_their_connection},
        {"chunks_and_continue_are_understood",
         chunks_and_continue_are_understood},
        {"requests_may_come_one_behind_the_other",
         requests_may_come_one_behind_the_other},
        {"models_of_the_command_line_are_there_at_once",
         models_of_the_command_line_are_there_at_once},
        {"a_wrong_command_line_is_refused", a_wrong_command_line_is_refused},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
