// SPDX-License-Identifier: MIT
//
// The inference service without its wire: models, compiled plans in a shared
// single-flight cache, contexts with their timelines, requests, batching,
// limits. http.c puts HTTP in front of it; tests drive it directly.
//
// Rules that hold for every function here:
//   threads    the loop's thread (the one that drains options.loop) alone.
//   blocking   nothing waits, and nothing that takes long runs on the loop's
//              thread: reading a model, hashing, compiling, folding, running,
//              splitting and joining of batches are jobs on the pool.
//   ownership  requests are the caller's memory, lent from a call that returns
//              0 until done is called. What a caller hands over with `take` in
//              the name belongs to the service from a return of 0 on.
//   errors     0 or a negative errno, with one line in *why (never NULL):
//              -EINVAL (the request is wrong: 400), -ENOENT (no such model,
//              context, tensor, graph: 404), -EEXIST (the name has other
//              content: 409), -ENOTSUP (the engine cannot do it: 422), -E2BIG
//              (over a limit for good: 413), -EAGAIN (full now: 503 with
//              Retry-After), -ENOMEM (503), -ESHUTDOWN (stopping: 503),
//              -ECANCELED (the client left, the context was destroyed: 409),
//              -ETIMEDOUT (504).
//   callbacks  done is called on the loop's thread, never inside the call that
//              started the request, exactly once. It may call anything here.
#ifndef WEIR_PROGRAMS_SERVE_SERVICE_H
#define WEIR_PROGRAMS_SERVE_SERVICE_H

#include "programs/nn/plan.h"

#include "weir/cache.h"
#include "weir/loop.h"

typedef struct wr_service wr_service;
typedef struct wr_context wr_context;

// ---- the service -----------------------------------------------------------

typedef struct wr_service_options {
    weir_loop *loop;
    weir_pool *pool;

    // Limits. Each has one test that reaches it.
    size_t model_bytes;   // of one model's file
    int models;           // names
    size_t models_bytes;  // of all models' constants in memory
    size_t cache_bytes;   // of all compiled plans that are kept
    size_t tensor_bytes;  // of one tensor, input or result
    size_t arena_bytes;   // of one running request
    size_t context_bytes; // of all tensors and graphs' plans of one context
    int contexts;
    int tensors;        // of one context
    int graphs;         // of one context
    int operations;     // queued in one context's timeline
    int requests;       // infer requests queued or running, of all
    int running;        // plans running at once; the rest is queued
    int64_t request_ns; // an infer request ends with -ETIMEDOUT after it
    int64_t compile_ns; // a compile fails with -ETIMEDOUT after it
    int64_t failure_ns; // a failed compile is remembered so long; 0: not

    // Batching: requests for one model whose inputs differ in nothing but
    // their values, one item each (first dimension 1), wait up to batch_ns for
    // company and run as one of at most `batch` items. 1: off.
    int batch;
    int64_t batch_ns;

    unsigned parts_max; // see wr_nn_compile_options

    // The clock of request_ns, batch_ns and what is measured, for tests; NULL:
    // weir_now_ns. compile_ns is on the pool's clock, failure_ns on the
    // cache's.
    int64_t (*clock)(void *context);
    void *clock_context;
} wr_service_options;

#define WR_SERVICE_OPTIONS_INIT                                                \
    {                                                                          \
        NULL, NULL, (size_t)256 << 20, 64, (size_t)1 << 30, (size_t)512 << 20, \
            (size_t)256 << 20, (size_t)1 << 30, (size_t)256 << 20, 256, 1024,  \
            64, 1024, 256, 16, INT64_C(30000000000), INT64_C(60000000000), 0,  \
            1, 0, 8, NULL, NULL                                                \
    }

int wr_service_create(wr_service **out, const wr_service_options *options);

// wr_service_stop refuses what is new (-ESHUTDOWN). hard = 0: what was accepted
// goes on; hard = 1: it ends with -ESHUTDOWN as soon as it can. stopped is
// called when nothing is left: then the service may be destroyed. May be called
// again with hard = 1.
void wr_service_stop(wr_service *service, int hard,
                     void (*stopped)(wr_service *service, void *context),
                     void *context);
// wr_service_destroy: it has stopped, or has nothing to do. Results have been
// given back; the loop and the pool are still there.
void wr_service_destroy(wr_service *service);

// wr_service_next_deadline is when wr_service_tick is to be called even if
// nothing else happens (on the service's clock; WEIR_FOREVER: never), and may
// be after anything here was called or the loop was drained. tick ends requests
// whose time is over and runs batches that have waited long enough; called too
// early it does no harm. The event loop calls it.
int64_t wr_service_next_deadline(const wr_service *service);
void wr_service_tick(wr_service *service);

typedef struct wr_service_counts {
    uint64_t loads, loads_failed;
    uint64_t requests; // infer requests accepted; = answered + now pending
    uint64_t succeeded, failed, cancelled, timed_out, shut_down;
    uint64_t refused;          // -EAGAIN: not accepted
    uint64_t batches, batched; // plans run for batches, requests in them
    uint64_t dispatches, dispatches_failed;
    uint64_t reads, writes;
    uint64_t pending; // infer requests now
    uint64_t running; // plans now
    uint64_t contexts, tensors, tensor_bytes, graphs, operations; // now
    uint64_t graph_bytes;          // of the plans that graphs keep, now
    uint64_t models, models_bytes; // now
    uint64_t arenas_bytes;         // now
    weir_histogram latency; // of infer requests, from accepted to answered
    weir_histogram queue;   // from accepted until its plan starts
    weir_histogram run;     // of plans
    weir_histogram compile;
} wr_service_counts;

void wr_service_count(wr_service *service, wr_service_counts *counts);
weir_cache *wr_service_cache(wr_service *service); // for /metrics and tests

// ---- models ----------------------------------------------------------------

typedef struct wr_upload wr_upload;
struct wr_upload {
    void (*done)(wr_upload *load, int status);
    void *context;
    // Filled in before done.
    wr_nn_why why;
    char digest[65]; // hexadecimal
    int fresh;       // 0: the name had this content already
    // The service's.
    void *private_;
};

// wr_service_load_take reads a model under a name ([A-Za-z0-9._-]{1,64}).
// Content is known by its digest: the same under two names is held once; other
// content under a used name is -EEXIST, unless replace is 1. `bytes` is
// malloc'ed. Nothing is compiled yet. The name is good at once: who asks for it
// waits until it is read, and gets -ENOENT if it cannot be. Loads of one name
// take effect in the order of the calls; while a replacement is read the name
// means what it did.
int wr_service_load_take(wr_service *service, wr_upload *load, const char *name,
                         void *bytes, size_t size, int replace, wr_nn_why *why);

// wr_service_unload forgets a name. What uses the model now goes on. -EAGAIN
// while it is being loaded.
int wr_service_unload(wr_service *service, const char *name, wr_nn_why *why);

typedef struct wr_model_info {
    const char *name;
    char digest[65];
    size_t bytes;
    int nodes;
    const wr_nn_graph *graph; // valid during the visit
    uint64_t requests;
} wr_model_info;
// In order of names. visit returns 0 to go on.
void wr_service_models(wr_service *service,
                       int (*visit)(void *context, const wr_model_info *info),
                       void *context);

// ---- the simple door -------------------------------------------------------

typedef struct wr_infer_tensor {
    const char *name; // of the model's input; NULL: by position
    wr_nn_shape shape;
    const void *data; // lent until done
} wr_infer_tensor;

typedef struct wr_infer_result {
    const char *name;
    wr_nn_shape shape;
    const void *data; // valid until wr_service_infer_end
} wr_infer_result;

typedef struct wr_infer wr_infer;
struct wr_infer {
    const char *model;
    const wr_infer_tensor *inputs;
    int count;
    int32_t priority;
    void (*done)(wr_infer *infer, int status);
    void *context;
    // Filled in before done.
    wr_nn_why why;
    wr_infer_result *results; // all outputs, if the status is 0
    int results_count;
    int batch; // how many ran together
    int64_t queue_ns, compile_ns, run_ns;
    // The service's.
    void *private_;
};

int wr_service_infer(wr_service *service, wr_infer *infer, wr_nn_why *why);
// The client left: queued work is not started, a flight is left (the compile
// goes on if others want it); done comes with -ECANCELED unless it ended first.
void wr_service_infer_cancel(wr_service *service, wr_infer *infer);
// Frees the results; to be called once after done, with any status.
void wr_service_infer_end(wr_service *service, wr_infer *infer);

// ---- contexts --------------------------------------------------------------

// A context is a timeline: its operations take effect in the order of the
// calls, by identity: each waits for the earlier ones that touch what it
// touches (its tensors, its graph), and for nothing else. Ids are numbers from
// 1 on, of the context alone, never used again.

int wr_context_create(wr_service *service, wr_context **out, uint64_t *id,
                      wr_nn_why *why);
wr_context *wr_context_find(wr_service *service, uint64_t id); // or NULL
// wr_context_destroy ends the context now: pending reads and builds end with
// -ECANCELED, queued dispatches do not start. The pointer is invalid at once.
void wr_context_destroy(wr_context *context);

// A tensor of zeros. Errors: -EINVAL, -E2BIG, -EAGAIN (context_bytes, tensors).
int wr_tensor_create(wr_context *context, const wr_nn_shape *shape,
                     uint64_t *id, wr_nn_why *why);
// The bytes are copied now, and take effect in order. size must be the
// tensor's.
int wr_tensor_write(wr_context *context, uint64_t id, const void *bytes,
                    size_t size, wr_nn_why *why);
// The same without a copy: malloc'ed bytes, handed over.
int wr_tensor_write_take(wr_context *context, uint64_t id, void *bytes,
                         size_t size, wr_nn_why *why);
// Takes effect after the operations before it.
int wr_tensor_destroy(wr_context *context, uint64_t id, wr_nn_why *why);

typedef struct wr_read wr_read;
struct wr_read {
    void (*done)(wr_read *read, int status);
    void *context;
    // Filled in before done. A tensor that a failed dispatch should have
    // written is flagged: status is that dispatch's error, why its line, and
    // there are no bytes (its content is zeros); a write or a later dispatch
    // that succeeds lifts the flag.
    wr_nn_why why;
    wr_nn_shape shape;
    const void *data; // a copy, freed by wr_read_end; NULL on failure
    size_t size;
    void *private_;
};
int wr_tensor_read(wr_context *context, uint64_t id, wr_read *read,
                   wr_nn_why *why);
void wr_read_cancel(wr_read *read);
void wr_read_end(wr_read *read); // once, after done

typedef struct wr_build wr_build;
struct wr_build {
    void (*done)(wr_build *build, int status);
    void *context;
    wr_nn_why why;
    int64_t compile_ns;
    void *private_;
};

// wr_graph_build makes a graph of the context from a model that is loaded (by
// name) or from bytes (`take`), for the given input shapes. The id is good at
// once: a dispatch may follow before the build has ended, and waits for it.
// Compiles are shared with everyone through the cache. build may be NULL.
// key: the client's own name for the graph, or NULL: the same key with the same
// content gives the same id again; with other content -EEXIST. As long as
// either content is still to be read, the id comes first, and build->done says
// -EEXIST; the graph is that of the first. If a graph fails its key is free.
int wr_graph_build(wr_context *context, const char *model,
                   const wr_infer_tensor *inputs, int count, const char *key,
                   wr_build *build, uint64_t *id, wr_nn_why *why);
int wr_graph_build_take(wr_context *context, void *bytes, size_t size,
                        const wr_infer_tensor *inputs, int count,
                        const char *key, wr_build *build, uint64_t *id,
                        wr_nn_why *why);
void wr_build_cancel(wr_build *build); // done comes; the graph stays
int wr_graph_destroy(wr_context *context, uint64_t id, wr_nn_why *why);

typedef struct wr_bind {
    const char *name; // of the model's input or output
    uint64_t tensor;
} wr_bind;

// wr_context_dispatch checks names, and (once the graph is built, otherwise
// then) shapes and types; no tensor may be both input and output, or output
// twice. It gives no completion: a read is the fence. If it fails, its outputs
// become zeros and are flagged.
int wr_context_dispatch(wr_context *context, uint64_t graph,
                        const wr_bind *inputs, int inputs_count,
                        const wr_bind *outputs, int outputs_count,
                        wr_nn_why *why);

#endif
