// SPDX-License-Identifier: MIT
//
// The wire's forms: requests from bytes, answers to bytes. Pure functions,
// which run on the pool where the bytes are many.
//
//   threads    any; an object, one at a time.
//   blocking   nothing waits; decoding and writing allocate.
//   ownership  what a decoder fills in is freed with its _free, also if it has
//              failed. A decoder of frames points into the bytes.
//   errors     -EINVAL or -E2BIG with one line, -ENOMEM.
#ifndef WEIR_PROGRAMS_SERVE_JSON_H
#define WEIR_PROGRAMS_SERVE_JSON_H

#include "programs/serve/service.h"

#include <stdbool.h>

enum {
    WR_TENSORS_MAX = 64,    // of one request
    WR_WIRE_NAME_MAX = 256, // bytes of a name in a body
    WR_FRAME_ALIGN = 64,    // of everything in a body of frames
};

// ---- json_text.c -----------------------------------------------------------

// Text that grows. failed: memory ran out, the text is not whole.
typedef struct wr_string {
    char *data; // malloc'ed
    size_t size, room;
    bool failed;
} wr_string;

// wr_utf8_length is how many bytes the character at `at` has, or 0 if it is no
// UTF-8. It reads up to the first byte that does not belong to it. Source: RFC
// 3629.
size_t wr_utf8_length(const unsigned char *at);

void wr_string_put(wr_string *text, const char *bytes, size_t size);
void wr_string_print(wr_string *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// A string in quotes, whatever is in it.
void wr_string_quote(wr_string *text, const char *string);
// {"error": "line"}
// wr_string_room: there is memory for so many more bytes.
bool wr_string_room(wr_string *text, size_t more);
void wr_string_error(wr_string *text, const char *line);
// [2,3]
void wr_string_dims(wr_string *text, const wr_nn_shape *shape);

// ---- shapes, json_shape.c --------------------------------------------------

// wr_wire_type is the type of a name, or WR_NN_NONE: of those that a request
// may have (float32, int32, int64, bool).
wr_nn_type wr_wire_type(const char *name, size_t length);
// wr_wire_shape reads "float32[1,3,48]", "float32[]"; no spaces. The elements
// are at least 1 and their bytes at most tensor_bytes. Errors: -EINVAL, -E2BIG.
int wr_wire_shape(wr_nn_shape *shape, const char *text, size_t tensor_bytes,
                  wr_nn_why *why);
// wr_wire_check looks at the sizes of a shape of any origin.
int wr_wire_check(const wr_nn_shape *shape, size_t tensor_bytes,
                  const char *what, wr_nn_why *why);

// ---- requests --------------------------------------------------------------

typedef struct wr_tensors {
    wr_infer_tensor *tensor;
    int count;
    char *names;                // of all of them, one block
    void *data[WR_TENSORS_MAX]; // aligned to WR_NN_ALIGN; NULL: lent
} wr_tensors;

void wr_tensors_free(wr_tensors *tensors);

// {"inputs": [{"name": "x", "shape": [1,2], "type": "float32", "data": [..]}]}
// name and type may be left out; data is flat, in row-major order.
int wr_json_infer(wr_tensors *out, const void *bytes, size_t size,
                  size_t tensor_bytes, wr_nn_why *why);

// {"model": "m", "inputs": [{"name": "x", "shape": [1,2]}], "key": "mine"}
typedef struct wr_graph_request {
    char *model;
    char *key; // or NULL
    wr_tensors inputs;
} wr_graph_request;
int wr_json_graph(wr_graph_request *out, const void *bytes, size_t size,
                  size_t tensor_bytes, wr_nn_why *why);
void wr_graph_request_free(wr_graph_request *request);

// {"type": "float32", "shape": [1,2]}
int wr_json_tensor(wr_nn_shape *out, const void *bytes, size_t size,
                   size_t tensor_bytes, wr_nn_why *why);

// {"graph": 1, "inputs": {"x": 1}, "outputs": {"y": 2}}
typedef struct wr_dispatch_request {
    uint64_t graph;
    wr_bind *inputs, *outputs;
    int inputs_count, outputs_count;
    char *names;
} wr_dispatch_request;
int wr_json_dispatch(wr_dispatch_request *out, const void *bytes, size_t size,
                     wr_nn_why *why);
void wr_dispatch_request_free(wr_dispatch_request *request);

// ---- binary.c --------------------------------------------------------------

// Frames: several tensors in one body. All numbers little-endian, everything
// at a multiple of 64 bytes, zeros between.
//   0   "WEIRTNS1"
//   8   u32 how many tensors, u32 0
//   64  for each: u32 type (1 float32, 6 int32, 7 int64, 9 bool), u32 rank,
//       u32 length of the name, u32 0, u64 bytes of the data,
//       i64 dimension[rank], the name; at the next 64: the data
// The body ends after the last data, with its zeros.
//
// wr_frames_read points into bytes, which are aligned to WR_NN_ALIGN.
int wr_frames_read(wr_tensors *out, const void *bytes, size_t size,
                   size_t tensor_bytes, wr_nn_why *why);

// wr_frames_head writes what comes before the data of tensor `index`: the
// whole's head too for the first, and the zeros after the data of the one
// before. Returns its size; into NULL: how much it would be.
size_t wr_frames_head(void *out, int index, int count,
                      const wr_infer_result *results);
// Zeros after the last.
size_t wr_frames_tail(int count, const wr_infer_result *results);

// ---- json_out.c ------------------------------------------------------------

typedef struct wr_timing {
    int64_t queue_ns, compile_ns, run_ns;
    int batch;
} wr_timing;

// {"outputs": [{"name":, "type":, "shape":, "data":}], "timing": {..}}
// What is not a finite number becomes null.
// Errors: -E2BIG (more than `most` bytes), -ENOMEM.
int wr_json_results(wr_string *out, const wr_infer_result *results, int count,
                    const wr_timing *timing, size_t most);

// A model as /v1/models shows it.
void wr_json_model(wr_string *out, const wr_model_info *info);

#endif
