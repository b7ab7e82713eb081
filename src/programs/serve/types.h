// SPDX-License-Identifier: MIT
//
// What the service keeps. Everything here belongs to the loop's thread, except
// what says `any thread`, which `lock` guards, and what a job was given until
// its call comes back. See README.md.
#ifndef WR_SERVE_TYPES_H
#define WR_SERVE_TYPES_H

#include "base/heap.h"
#include "base/list.h"
#include "os/os.h"
#include "programs/nn/run.h"
#include "programs/serve/service.h"
#include "programs/serve/timeline.h"

typedef struct wr_model wr_model;
typedef struct wr_compiled wr_compiled;
typedef struct wr_flight wr_flight;
typedef struct wr_ask wr_ask;
typedef struct wr_work wr_work;

enum {
    WR_NAME_MAX = 64,
    WR_BATCH_MAX = 64,
    WR_BATCH_STEPS = 6,        // 2, 4, ... 64
    WR_INTEGERS_MAX = 65536,   // bytes of integer inputs: they are compiled in
    WR_ARENAS_IDLE = 32 << 20, // bytes of idle arenas that one plan keeps
};

// ---- answers ---------------------------------------------------------------

// Something that ended and whose done is to be called, by wr_service_flush.
typedef struct wr_ending wr_ending;
struct wr_ending {
    wr_link link;
    void (*deliver)(wr_ending *ending);
};

// ---- content ---------------------------------------------------------------

// One content, whatever it is called. Plans hold it, so it may go on any
// thread.
struct wr_model {
    wr_link link;  // in service->contents: any thread
    uint32_t refs; // any thread
    wr_service *service;
    wr_nn_graph *graph; // never changed
    size_t bytes;

    wr_link lines; // of plans with work queued, whose turn it is first
    wr_link turn;  // in service->turns while lines is not empty
};

// Reading a model: a job, and what came of it. Of several that look the same
// one is read; the others follow it, without a job.
typedef struct wr_reading wr_reading;
struct wr_reading {
    weir_call call; // completed when it is known
    weir_job job;
    wr_service *service;
    void *bytes;
    size_t size;
    void (*done)(wr_reading *reading); // on the loop's thread
    wr_link link;      // in service->readers, or in followers: any thread
    wr_link followers; // the same
    // Filled in by the job.
    int status;
    wr_model *model; // a reference, whoever is done takes it
    wr_nn_why why;
};

// ---- names -----------------------------------------------------------------

typedef struct wr_name {
    char text[WR_NAME_MAX + 1];
    wr_model *model; // a reference; NULL: its first load has not ended
    wr_link loads;   // in the order of the calls
    wr_link waiting; // wr_model_wait, while there is no model
    uint64_t requests;
} wr_name;

// Somebody who needs the model of a name that is being loaded.
typedef struct wr_model_wait wr_model_wait;
struct wr_model_wait {
    wr_link link;
    // model is NULL if the load failed; status and why say so.
    void (*known)(wr_model_wait *wait, wr_name *name, wr_model *model,
                  int status, const wr_nn_why *why);
};

// ---- inputs ----------------------------------------------------------------

// A model's inputs as somebody wants them bound, in the model's order, with a
// copy of the integers. One block of memory.
typedef struct wr_bound {
    int count;
    bool integers;     // some of it is compiled in
    const void **data; // the floats, lent
    wr_nn_binding *bind;
} wr_bound;

// ---- compiled plans --------------------------------------------------------

// What is known about plans for more items than one.
typedef struct wr_bigger {
    enum { WR_BIGGER_NEW, WR_BIGGER_ASKED, WR_BIGGER_NEVER } state;
    uint8_t key[32];
} wr_bigger;

// The cache's value: a plan, or why there is none.
struct wr_compiled {
    wr_service *service;
    int status;
    wr_nn_why why;
    wr_model *model; // a reference
    wr_nn_plan *plan;
    wr_nn_cell *cell;
    wr_link link; // in service->compiled: any thread

    // The loop's thread, while works hold it.
    wr_link line;  // in model->lines while works is not empty
    wr_link works; // queued, first in first out
    int count;
    int due; // so many of the first wait for company no more
    wr_bigger bigger[WR_BATCH_STEPS];
};

// What a load is given: the cache's `argument`.
struct wr_flight {
    wr_service *service;
    wr_model *model; // a reference
    wr_bound *bound;
    weir_flight *flight;
    weir_job job; // when it had to wait for its turn, and what came of it
    weir_result result;
    wr_link link; // in service->compiles: any thread
};

// A question to the cache, answered on the loop's thread.
struct wr_ask {
    weir_get get;
    weir_call call;
    wr_service *service;
    int32_t priority; // filled in by the asker
    int64_t asked_ns;
    // get.entry is the asker's; NULL if nothing came.
    void (*answered)(wr_ask *ask, int status);
};

// ---- work ------------------------------------------------------------------

typedef enum wr_work_state {
    WR_WORK_IDLE,
    WR_WORK_QUEUED,
    WR_WORK_RUNNING,
} wr_work_state;

// A plan that is to be run once: queued in its plan's line, then running.
struct wr_work {
    wr_nn_run run; // input and output: filled in by prepare
    weir_call call;
    wr_link link; // in compiled->works
    wr_service *service;
    wr_work_state state;
    weir_entry *entry; // given back by the thread that ends the run
    wr_compiled *compiled;
    bool batches; // may run with others of its line
    int64_t queued_ns;
    int64_t begun_ns;
    // Makes the outputs' memory. 0 or a negative errno.
    int (*prepare)(wr_work *work);
    // On the loop's thread; entry and compiled are gone.
    void (*ended)(wr_work *work, int status);
};

// ---- requests --------------------------------------------------------------

typedef struct wr_batch wr_batch;

typedef enum wr_request_state {
    WR_REQUEST_WAITING,   // for the model
    WR_REQUEST_COMPILING, // for its plan
    WR_REQUEST_QUEUED,
    WR_REQUEST_RUNNING,
    WR_REQUEST_JOINED, // in a batch
    WR_REQUEST_ENDED,
} wr_request_state;

typedef struct wr_request {
    wr_work work;
    wr_infer *infer;
    wr_service *service;
    wr_request_state state;
    int leaving; // 0, or why it is to end
    int status;
    wr_link link; // in service->requests until its done is called
    wr_ending ending;
    wr_heap_node deadline;
    bool timed; // it is in service->deadlines
    wr_model_wait wait;
    wr_model *model; // a reference, kept for the names of results
    wr_bound *bound;
    wr_ask ask;
    int64_t accepted_ns;
    wr_batch *batch;
    int place;     // in its batch
    void *results; // outputs' memory, if it ran alone
    wr_infer_result *list;
    void **outputs;
} wr_request;

// Several requests as one run. Its outputs' memory is shared by their results.
struct wr_batch {
    wr_work work;
    weir_call gather;
    int count;
    int users; // the run, and results that have not been given back
    int left;  // members that still want their result
    bool gathered;
    int inputs, outputs;
    unsigned char *memory; // of all inputs and outputs
    const void **input;
    void **output;
    size_t *input_row; // bytes of one item
    size_t *output_row;
    wr_request *member[WR_BATCH_MAX]; // NULL: it has ended
    weir_entry *base[WR_BATCH_MAX];   // of members, while they join
};

// ---- contexts --------------------------------------------------------------

// Ids are given in ascending order, so a sorted array is enough.
typedef struct wr_ids {
    uint64_t last;
    int count, room;
    struct wr_id {
        uint64_t id;
        void *item;
    } * slot;
} wr_ids;

// The bytes of a tensor at one time. Not changed once it is a tensor's: who
// writes makes another, who reads keeps this one.
typedef struct wr_buffer {
    int refs;
    size_t size;
    void *data; // freed by free
} wr_buffer;

typedef struct wr_tensor {
    uint64_t id;
    wr_nn_shape shape;
    size_t bytes;
    wr_thing thing;
    wr_buffer *content; // NULL: zeros
    int failed;         // 0, or what became of the dispatch that should have
    wr_nn_why why;      // written it
} wr_tensor;

typedef struct wr_step_kind wr_step_kind;

// What a context does: one step of its timeline.
typedef struct wr_operation {
    wr_step step;
    wr_context *home;
    const wr_step_kind *kind;
} wr_operation;

struct wr_step_kind {
    // The step's turn has come. True: its effects are there. False: it goes on,
    // and wr_operation_over will be called.
    bool (*begin)(wr_operation *operation);
    // It has ended, and nothing of the timeline points to it any more.
    void (*finish)(wr_operation *operation);
    // The context ends, whether the step has begun or not: whoever waits for it
    // is answered, its memory goes now or when what is away comes back.
    void (*drop)(wr_operation *operation, int status);
};

typedef enum wr_graph_state {
    WR_GRAPH_MAKING, // its model is not known or not compiled yet
    WR_GRAPH_READY,
    WR_GRAPH_FAILED,
} wr_graph_state;

typedef struct wr_graph {
    uint64_t id;
    wr_context *home;
    wr_operation build; // has begun from the start
    wr_touch touch;
    wr_thing thing;
    wr_graph_state state;
    int status; // once it has FAILED
    wr_nn_why why;
    wr_model *model; // a reference, once it is known
    wr_bound *bound;
    uint8_t plan_key[32];
    weir_entry *entry;
    size_t charged; // to home->graph_bytes: its plan, which it keeps
    wr_compiled *compiled;
    wr_ask ask;
    bool asking;
    int64_t compile_ns;
    char *key;      // the client's name for it, or NULL
    wr_link builds; // that wait for it: see context_graph.c
    bool gone;      // freed when the answer comes
} wr_graph;

struct wr_context {
    wr_service *service;
    uint64_t id;
    wr_link link; // in service->dead, once it is destroyed
    bool dead;
    int away;     // what will come back: jobs, runs, answers, waits for names
    size_t bytes; // of tensors, and of writes that wait
    size_t graph_bytes; // of graphs' plans
    wr_timeline timeline;
    wr_ids tensors;
    wr_ids graphs;
};

// ---- the service -----------------------------------------------------------

struct wr_service {
    wr_service_options options;
    weir_cache *cache;
    int stopping; // 1: what was accepted goes on; 2: it ends
    bool stopped;
    void (*on_stopped)(wr_service *service, void *context);
    void *on_stopped_context;

    // Answers to be given.
    wr_link endings;
    weir_call bell; // rung when there are some
    bool rung;
    int giving; // wr_service_flush, how deep
    bool lost;  // it could not be rung: wr_service_tick does it

    // Names, in order.
    wr_name **name;
    int names, names_room;
    int readings; // under way
    int asks;

    // Work.
    wr_link turns; // models with work queued, whose turn it is first
    int running;
    int queued;
    int64_t hold_ns; // when work that waits for company stops doing so

    // Requests.
    wr_link requests;
    wr_heap deadlines;

    wr_ids contexts;
    wr_link dead; // contexts that something is still away for

    wr_service_counts counts;

    // Any thread.
    wr_mutex lock;
    bool aborting;   // models that are still to be read are not
    wr_link readers; // readings that may be followed
    wr_link contents;
    size_t contents_bytes;
    wr_link compiled;
    wr_link compiles;   // flights that wait for a turn to compile
    unsigned compiling; // now
    unsigned compiling_max;
    uint32_t flights; // arguments that the cache has
    bool quiet_wanted;
    weir_call quiet;    // completed when flights is 0 and quiet_wanted
    bool quiet_pending; // the loop's thread
    bool landed;        // the same: no flight is left, none will come
    weir_histogram compile;
};

// ---- service.c -------------------------------------------------------------

int64_t wr_service_now(const wr_service *service);
// wr_service_refusal is -ESHUTDOWN with its line, or 0.
int wr_service_refusal(const wr_service *service, wr_nn_why *why);
void wr_service_end(wr_service *service, wr_ending *ending);
// wr_service_flush gives the answers there are. At the end of whatever the
// loop calls, never inside a call of a user's.
void wr_service_flush(wr_service *service);
// wr_service_why fills in a line where nobody has.
void wr_service_why(const wr_service *service, int status, wr_nn_why *why);

// ---- service_ids.c ---------------------------------------------------------

// The new item's id, or 0 for lack of memory.
uint64_t wr_ids_add(wr_ids *ids, void *item);
void *wr_ids_find(const wr_ids *ids, uint64_t id);
void wr_ids_remove(wr_ids *ids, uint64_t id);
void wr_ids_free(wr_ids *ids);
// Memory for tensors, aligned to WR_NN_ALIGN, not zeroed, freed by free.
size_t wr_room_round(size_t bytes);
void *wr_room_alloc(size_t bytes);

// ---- service_plan.c --------------------------------------------------------

extern const wr_nn_why wr_no_memory;

int wr_plans_create(wr_service *service);
// wr_plan_key is the cache's key for a model bound like this.
void wr_plan_key(const wr_service *service, uint8_t key[32],
                 const wr_model *model, const wr_bound *bound);
// wr_ask_start asks for a plan. 0: ask->get.entry and .status are the answer;
// 1: answered will be called. Keeps nothing of bound.
// Errors: -ENOMEM, -ESHUTDOWN.
int wr_ask_start(wr_service *service, wr_ask *ask, wr_model *model,
                 const wr_bound *bound, const uint8_t key[32]);
void wr_ask_leave(wr_ask *ask);
// wr_plan_prefetch compiles for nobody in particular.
void wr_plan_prefetch(wr_service *service, wr_model *model,
                      const wr_bound *bound, const uint8_t key[32]);
// wr_answer is what an answered ask says: 0 with *compiled, or a failure with
// its line. On failure the entry is given back.
int wr_answer(wr_ask *ask, int status, wr_compiled **compiled, wr_nn_why *why);

// ---- service_work.c --------------------------------------------------------

void wr_work_queue(wr_work *work);
// wr_work_leave takes queued work out, with its entry: ended is not called.
void wr_work_leave(wr_work *work);
// wr_work_begin starts the run of work that prepare has prepared. It counts as
// running from wr_work_claim on.
void wr_work_claim(wr_work *work);
void wr_work_begin(wr_work *work);
void wr_work_over(wr_work *work, int status); // ended, without a run
void wr_work_pump(wr_service *service);
// wr_work_take takes the first of a line off it.
wr_work *wr_work_take(wr_compiled *line);

// ---- model*.c --------------------------------------------------------------

wr_model *wr_model_keep(wr_model *model);
void wr_model_release(wr_model *model); // any thread; NULL is allowed
// wr_reading_start takes bytes from a return of 0 on.
int wr_reading_start(wr_service *service, wr_reading *reading, void *bytes,
                     size_t size, wr_nn_why *why);
wr_name *wr_name_find(const wr_service *service, const char *text);
void wr_names_destroy(wr_service *service);

// wr_shape_check: a known shape of at most so many bytes. `what` begins a line.
int wr_shape_check(const wr_nn_shape *shape, size_t limit, const char *what,
                   wr_nn_why *why);
// wr_bound_check looks at what can be looked at without a model.
int wr_bound_check(const wr_service *service, const wr_infer_tensor *inputs,
                   int count, bool values, wr_nn_why *why);
// wr_bound_make puts inputs into the model's order. values: the floats' too.
int wr_bound_make(wr_bound **out, const wr_model *model,
                  const wr_infer_tensor *inputs, int count, wr_nn_why *why);
// wr_bound_copy: for so many items.
wr_bound *wr_bound_copy(const wr_bound *bound, int64_t items);
void wr_bound_free(wr_bound *bound);
// wr_inputs_copy keeps inputs until a model is known, in one block: names,
// shapes, integers.
wr_infer_tensor *wr_inputs_copy(const wr_infer_tensor *inputs, int count);

// ---- infer.c, batch.c ------------------------------------------------------

void wr_request_leave(wr_request *request, int status);
void wr_request_end(wr_request *request, int status);
// It is out of the queue: a run of its own, or of a batch, begins.
void wr_request_begun(wr_request *request, int64_t now_ns);
// wr_request_succeed: outputs and their shapes are in the list.
void wr_request_succeed(wr_request *request, int batch, int64_t run_ns);
// wr_batch_try makes a batch of a line's first works and begins it.
bool wr_batch_try(wr_compiled *line);
int wr_batch_wanted(const wr_compiled *line); // most that could go together
void wr_batch_leave(wr_request *request);
void wr_batch_give_back(wr_batch *batch);

// ---- context*.c ------------------------------------------------------------

// wr_context_end is its end, whoever wants it: what is pending ends with
// status.
void wr_context_end(wr_context *context, int status);
// wr_context_pump begins what may begin.
void wr_context_pump(wr_context *context);
// wr_context_back: one that was away for the context has come back. It may be
// gone after it.
void wr_context_back(wr_context *context);
// wr_operation_room: 0, or -ESHUTDOWN or -EAGAIN with the line.
int wr_operation_room(wr_context *context, wr_nn_why *why);
void wr_operation_add(wr_operation *operation, wr_context *context,
                      const wr_step_kind *kind, wr_touch *touch, int touches);
// wr_operation_over ends a step that has begun and whose begin said false.
void wr_operation_over(wr_operation *operation);

wr_tensor *wr_tensor_find(wr_context *context, uint64_t id, wr_nn_why *why);
wr_graph *wr_graph_find(wr_context *context, uint64_t id, wr_nn_why *why);
void wr_tensor_put(wr_tensor *tensor, wr_buffer *content); // takes it
void wr_tensor_flag(wr_tensor *tensor, int status, const wr_nn_why *why);
void wr_tensor_free(wr_tensor *tensor);
wr_buffer *wr_buffer_create(size_t size); // not zeroed
wr_buffer *wr_buffer_keep(wr_buffer *buffer);
void wr_buffer_release(wr_buffer *buffer); // NULL is allowed
// wr_tensor_bytes is the tensor's content, made of zeros if there is none yet.
wr_buffer *wr_tensor_bytes(wr_tensor *tensor);

// wr_graph_go: the graph is needed no more. Builds end with status.
void wr_graph_go(wr_graph *graph, int status);

#endif
