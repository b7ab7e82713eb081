// SPDX-License-Identifier: MIT
//
// Graphs of a context: built from a model that is loaded, or from bytes, and
// compiled through the cache. A build is a step that begins at once, whatever
// else the timeline waits for; what uses its graph waits for it, nothing else
// does.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// One build that a client asked for. The first of a graph makes it; others are
// those of the same key, which must want the same. It is freed when it has been
// answered and its model is known.
typedef struct build_task {
    wr_build *build; // NULL: nobody asks
    wr_context *home;
    wr_service *service;
    wr_graph *graph; // NULL: it has nothing more to do with it
    wr_link link;    // in graph->builds, while there is a graph
    bool first;
    bool pending; // its model is to come
    bool answered;
    bool agreed;     // it wants what the graph is
    int holds;       // pending, and until its answer is given
    wr_model *model; // a reference, while the graph's own is to come
    wr_ending ending;
    int status;
    // Where its model comes from.
    wr_reading reading;
    wr_model_wait wait; // in a name's list
    wr_infer_tensor *inputs;
    int count;
} build_task;

// ---- answers ---------------------------------------------------------------

static void task_drop(build_task *task) {
    if (--task->holds > 0)
        return;
    wr_model_release(task->model);
    wr_free(task->inputs);
    wr_free(task);
}

static void task_part(build_task *task) {
    wr_list_remove(&task->link);
    task->graph = NULL;
}

static void task_deliver(wr_ending *ending) {
    build_task *task = wr_container_of(ending, build_task, ending);
    wr_build *build = task->build;
    int status = task->status;
    task_drop(task);
    build->private_ = NULL;
    build->done(build, status);
}

// It stays with its graph only if that waits for its model.
static void task_answer(build_task *task, int status, const wr_nn_why *why) {
    if (task->answered)
        return;
    int64_t compile_ns = task->graph->compile_ns;
    task->answered = true;
    if (!task->first || !task->pending)
        task_part(task);
    if (task->build == NULL) {
        task_drop(task);
        return;
    }
    task->status = status;
    task->build->compile_ns = status == 0 ? compile_ns : 0;
    if (status != 0 && why != NULL)
        task->build->why = *why;
    if (status != 0)
        wr_service_why(task->service, status, &task->build->why);
    wr_service_end(task->service, &task->ending);
}

// A build whose own model is still to come waits on, unless the graph failed.
static void graph_tell(wr_graph *graph, int status, const wr_nn_why *why) {
    for (wr_link *l = graph->builds.next, *next; l != &graph->builds;
         l = next) {
        next = l->next;
        build_task *task = wr_container_of(l, build_task, link);
        if (task->agreed || status != 0)
            task_answer(task, status, why);
    }
}

// ---- the end of a graph ----------------------------------------------------

static void graph_free(wr_graph *graph) {
    weir_entry_release(graph->entry);
    graph->home->graph_bytes -= graph->charged;
    wr_model_release(graph->model);
    wr_bound_free(graph->bound);
    free(graph->key);
    wr_free(graph);
}

void wr_graph_go(wr_graph *graph, int status) {
    wr_nn_why why = {{0}};
    if (status == -ECANCELED)
        wr_nn_refuse(&why, status, NULL, "the %s was destroyed",
                     graph->home->dead ? "context" : "graph");
    graph_tell(graph, status, &why);
    while (!wr_list_empty(&graph->builds))
        task_part(wr_container_of(graph->builds.next, build_task, link));
    graph->gone = true;
    if (graph->asking)
        wr_ask_leave(&graph->ask);
    else
        graph_free(graph);
}

static void graph_made(wr_graph *graph) {
    graph->state = WR_GRAPH_READY;
    graph_tell(graph, 0, NULL);
    wr_operation_over(&graph->build);
}

// The key is free again: who builds it anew compiles anew.
static void graph_fail(wr_graph *graph, int status) {
    wr_service_why(graph->home->service, status, &graph->why);
    graph->state = WR_GRAPH_FAILED;
    graph->status = status;
    free(graph->key);
    graph->key = NULL;
    graph_tell(graph, status, &graph->why);
    wr_operation_over(&graph->build);
}

// ---- compiling -------------------------------------------------------------

// A graph keeps its plan in memory, whatever the cache does, so it pays for it.
static int graph_charge(wr_graph *graph) {
    wr_context *home = graph->home;
    size_t limit = home->service->options.context_bytes;
    size_t bytes = weir_entry_weight(graph->entry);
    size_t held = home->bytes + home->graph_bytes;
    if (bytes > limit || held > limit - bytes)
        return wr_nn_refuse(&graph->why, -EAGAIN, NULL,
                            "a plan of %zu bytes beside the context's %zu is "
                            "over the limit of %zu",
                            bytes, held, limit);
    graph->charged = bytes;
    home->graph_bytes += bytes;
    return 0;
}

static void graph_planned(wr_graph *graph, int status) {
    status = wr_answer(&graph->ask, status, &graph->compiled, &graph->why);
    graph->entry = graph->ask.get.entry;
    if (status == 0 && !graph->gone)
        status = graph_charge(graph);
    if (graph->gone) {
        graph_free(graph);
    } else if (status != 0) {
        graph_fail(graph, status);
    } else {
        graph->compile_ns = graph->compiled->plan->compile_ns;
        graph_made(graph);
    }
}

static void graph_answered(wr_ask *ask, int status) {
    wr_graph *graph = wr_container_of(ask, wr_graph, ask);
    wr_context *home = graph->home;
    graph->asking = false;
    graph_planned(graph, status);
    wr_context_back(home);
}

// graph_compile: its model and inputs are known.
static void graph_compile(wr_graph *graph) {
    graph->ask.answered = graph_answered;
    int status = wr_ask_start(graph->home->service, &graph->ask, graph->model,
                              graph->bound, graph->plan_key);
    if (status < 0) {
        graph_fail(graph, status);
    } else if (status == 0) {
        graph_planned(graph, graph->ask.get.status);
    } else {
        graph->asking = true;
        graph->home->away++;
    }
}

// ---- a model that is known -------------------------------------------------

static int graph_bind(wr_graph *graph, wr_model *model,
                      const wr_infer_tensor *inputs, int count,
                      wr_nn_why *why) {
    int error = wr_bound_make(&graph->bound, model, inputs, count, why);
    if (error != 0)
        return error;
    graph->model = wr_model_keep(model);
    wr_plan_key(graph->home->service, graph->plan_key, model, graph->bound);
    return 0;
}

// Whether the graph is what a further build of its key wants.
static int graph_compare(const wr_graph *graph, const wr_model *model,
                         const wr_infer_tensor *inputs, int count,
                         wr_nn_why *why) {
    wr_bound *bound = NULL;
    int error = wr_bound_make(&bound, model, inputs, count, why);
    if (error != 0)
        return error;
    uint8_t key[32];
    wr_plan_key(graph->home->service, key, model, bound);
    wr_bound_free(bound);
    if (memcmp(key, graph->plan_key, sizeof(key)) == 0)
        return 0;
    return wr_nn_refuse(why, -EEXIST, NULL, "the key '%.64s' has other content",
                        graph->key);
}

// A later build of the key.
static void task_further(build_task *task, wr_model *model) {
    wr_graph *graph = task->graph;
    if (graph->model == NULL) {
        task->model = wr_model_keep(model);
        return;
    }
    wr_nn_why why = {{0}};
    int error = graph_compare(graph, model, task->inputs, task->count, &why);
    task->agreed = error == 0;
    if (error != 0)
        task_answer(task, error, &why);
    else if (graph->state == WR_GRAPH_READY)
        task_answer(task, 0, NULL);
}

static void task_first(wr_graph *graph, const build_task *task,
                       wr_model *model) {
    int error =
        graph_bind(graph, model, task->inputs, task->count, &graph->why);
    if (error != 0) {
        graph_fail(graph, error);
        return;
    }
    for (wr_link *l = graph->builds.next, *next; l != &graph->builds;
         l = next) {
        next = l->next;
        build_task *other = wr_container_of(l, build_task, link);
        if (other->model != NULL)
            task_further(other, other->model);
    }
    graph_compile(graph);
}

// Takes the reference on model.
static void task_known(build_task *task, wr_model *model, int status,
                       const wr_nn_why *why) {
    wr_context *home = task->home;
    wr_graph *graph = task->graph;
    task->pending = false;
    task->agreed = task->first;
    if (graph != NULL && task->answered)
        task_part(task);
    if (graph != NULL && task->first && status == 0) {
        task_first(graph, task, model);
    } else if (graph != NULL && task->first) {
        graph->why = *why;
        graph_fail(graph, status);
    } else if (graph != NULL && status == 0) {
        task_further(task, model);
    } else if (graph != NULL) {
        task_answer(task, status, why);
    }
    wr_model_release(model);
    task_drop(task);
    wr_context_back(home);
}

static void task_read(wr_reading *reading) {
    build_task *task = wr_container_of(reading, build_task, reading);
    task_known(task, reading->model, reading->status, &reading->why);
}

static void task_named(wr_model_wait *wait, wr_name *name, wr_model *model,
                       int status, const wr_nn_why *why) {
    build_task *task = wr_container_of(wait, build_task, wait);
    wr_nn_why line = {{0}};
    if (model == NULL)
        status =
            wr_nn_refuse(&line, status == -ESHUTDOWN ? status : -ENOENT, NULL,
                         "no model '%s': %.200s", name->text, why->text);
    task_known(task, model == NULL ? NULL : wr_model_keep(model), status,
               &line);
}

// ---- building --------------------------------------------------------------

static bool build_begin(wr_operation *operation) {
    (void)operation;
    return false;
}

static void build_finish(wr_operation *operation) { (void)operation; }

// wr_context_end lets all graphs go.
static void build_drop(wr_operation *operation, int status) {
    (void)operation;
    (void)status;
}

static const wr_step_kind build_kind = {build_begin, build_finish, build_drop};

static wr_graph *key_find(const wr_context *context, const char *key) {
    for (int i = 0; key != NULL && i < context->graphs.count; i++) {
        wr_graph *graph = context->graphs.slot[i].item;
        if (graph->key != NULL && strcmp(graph->key, key) == 0)
            return graph;
    }
    return NULL;
}

static wr_graph *graph_create(wr_context *context, const char *key,
                              wr_nn_why *why) {
    wr_graph *graph = wr_calloc(1, sizeof(*graph));
    char *copy = graph == NULL || key == NULL ? NULL : strdup(key);
    if (graph != NULL && (key == NULL || copy != NULL))
        graph->id = wr_ids_add(&context->graphs, graph);
    if (graph == NULL || graph->id == 0) {
        free(copy);
        wr_free(graph);
        *why = wr_no_memory;
        return NULL;
    }
    graph->home = context;
    graph->key = copy;
    wr_list_init(&graph->builds);
    wr_thing_init(&graph->thing);
    graph->touch = (wr_touch){.thing = &graph->thing, .writes = true};
    return graph;
}

static void graph_forget(wr_graph *graph) {
    wr_ids_remove(&graph->home->graphs, graph->id);
    graph_free(graph);
}

static int build_check(wr_context *context, const wr_infer_tensor *inputs,
                       int count, const char *key, wr_graph **known,
                       wr_nn_why *why) {
    int error = wr_operation_room(context, why);
    if (error == 0)
        error = wr_bound_check(context->service, inputs, count, false, why);
    if (error != 0)
        return error;
    if (key != NULL && (key[0] == 0 || strlen(key) > 256))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "a key has 1 to 256 characters");
    *known = key_find(context, key);
    if (*known == NULL &&
        context->graphs.count >= context->service->options.graphs)
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "the context has %d graphs already",
                            context->graphs.count);
    return 0;
}

static build_task *task_create(wr_context *context, wr_build *build,
                               const wr_infer_tensor *inputs, int count,
                               wr_nn_why *why) {
    build_task *task = wr_calloc(1, sizeof(*task));
    if (task != NULL)
        task->inputs = wr_inputs_copy(inputs, count);
    if (task == NULL || task->inputs == NULL) {
        wr_free(task);
        *why = wr_no_memory;
        return NULL;
    }
    task->count = count;
    task->build = build;
    task->home = context;
    task->service = context->service;
    task->holds = 2;
    task->ending.deliver = task_deliver;
    task->reading.done = task_read;
    task->wait.known = task_named;
    return task;
}

// From here on nothing fails: the graph's step begins, the build waits for it.
static void build_enter(build_task *task, wr_graph *graph, bool first) {
    task->graph = graph;
    task->first = first;
    wr_list_push_back(&graph->builds, &task->link);
    if (task->build != NULL) {
        task->build->why.text[0] = 0;
        task->build->compile_ns = 0;
        task->build->private_ = task;
    }
    if (first)
        wr_operation_add(&graph->build, task->home, &build_kind, &graph->touch,
                         1);
}

// Where a build's model comes from: known now, a name that is being loaded, or
// bytes.
typedef struct build_from {
    wr_model *model;
    wr_name *name;
    void *bytes;
    size_t size;
} build_from;

// What can be refused now, is.
static int build_settle(wr_graph *graph, bool first, const build_from *from,
                        const wr_infer_tensor *inputs, int count,
                        wr_nn_why *why) {
    if (from->model == NULL)
        return 0;
    if (first)
        return graph_bind(graph, from->model, inputs, count, why);
    if (graph->model == NULL)
        return 0;
    return graph_compare(graph, from->model, inputs, count, why);
}

static void build_go(build_task *task, const build_from *from) {
    wr_graph *graph = task->graph;
    if (from->model == NULL) {
        task->pending = true;
        task->home->away++;
        if (from->name != NULL)
            wr_list_push_back(&from->name->waiting, &task->wait.link);
        return; // or it is being read already
    }
    task->agreed = task->first;
    if (task->first)
        graph_compile(graph);
    else
        task_further(task, from->model);
    task_drop(task); // its model is known
    wr_work_pump(graph->home->service);
}

static int build_start(wr_context *context, const build_from *from,
                       const wr_infer_tensor *inputs, int count,
                       const char *key, wr_build *build, uint64_t *id,
                       wr_nn_why *why) {
    wr_graph *graph = NULL;
    int error = build_check(context, inputs, count, key, &graph, why);
    if (error != 0)
        return error;
    bool first = graph == NULL;
    if (first)
        graph = graph_create(context, key, why);
    build_task *task =
        graph == NULL ? NULL : task_create(context, build, inputs, count, why);
    if (task == NULL)
        error = -ENOMEM;
    else
        error = build_settle(graph, first, from, inputs, count, why);
    if (error == 0 && from->bytes != NULL)
        error = wr_reading_start(context->service, &task->reading, from->bytes,
                                 from->size, why);
    if (error != 0) {
        if (task != NULL) {
            task->holds = 1;
            task_drop(task);
        }
        if (first && graph != NULL)
            graph_forget(graph);
        return error;
    }
    *id = graph->id;
    build_enter(task, graph, first);
    build_go(task, from);
    return 0;
}

int wr_graph_build(wr_context *context, const char *model,
                   const wr_infer_tensor *inputs, int count, const char *key,
                   wr_build *build, uint64_t *id, wr_nn_why *why) {
    if (build != NULL)
        build->private_ = NULL;
    build_from from = {
        .name = model == NULL ? NULL : wr_name_find(context->service, model)};
    if (from.name == NULL)
        return wr_nn_refuse(why, -ENOENT, NULL, "no model '%.*s'", WR_NAME_MAX,
                            model == NULL ? "" : model);
    from.model = from.name->model;
    return build_start(context, &from, inputs, count, key, build, id, why);
}

int wr_graph_build_take(wr_context *context, void *bytes, size_t size,
                        const wr_infer_tensor *inputs, int count,
                        const char *key, wr_build *build, uint64_t *id,
                        wr_nn_why *why) {
    if (build != NULL)
        build->private_ = NULL;
    if (bytes == NULL)
        return wr_nn_refuse(why, -EINVAL, NULL, "the model is empty");
    build_from from = {.bytes = bytes, .size = size};
    return build_start(context, &from, inputs, count, key, build, id, why);
}

void wr_build_cancel(wr_build *build) {
    build_task *task = build->private_;
    if (task == NULL || task->answered)
        return;
    wr_nn_why why;
    wr_nn_refuse(&why, -ECANCELED, NULL, "the client left");
    task_answer(task, -ECANCELED, &why);
}

// ---- destroying ------------------------------------------------------------

wr_graph *wr_graph_find(wr_context *context, uint64_t id, wr_nn_why *why) {
    wr_graph *graph = wr_ids_find(&context->graphs, id);
    if (graph == NULL)
        wr_nn_refuse(why, -ENOENT, NULL, "no graph %llu",
                     (unsigned long long)id);
    return graph;
}

typedef struct destroy_step {
    wr_operation operation;
    wr_touch touch;
    wr_graph *graph;
} destroy_step;

static destroy_step *destroy_of(wr_operation *operation) {
    return wr_container_of(operation, destroy_step, operation);
}

static bool destroy_begin(wr_operation *operation) {
    (void)operation;
    return true;
}

static void destroy_finish(wr_operation *operation) {
    destroy_step *step = destroy_of(operation);
    wr_graph_go(step->graph, -ECANCELED);
    wr_free(step);
}

static void destroy_drop(wr_operation *operation, int status) {
    destroy_step *step = destroy_of(operation);
    wr_graph_go(step->graph, status);
    wr_free(step);
}

static const wr_step_kind destroy_kind = {destroy_begin, destroy_finish,
                                          destroy_drop};

int wr_graph_destroy(wr_context *context, uint64_t id, wr_nn_why *why) {
    int error = wr_operation_room(context, why);
    if (error != 0)
        return error;
    wr_graph *graph = wr_graph_find(context, id, why);
    if (graph == NULL)
        return -ENOENT;
    destroy_step *step = wr_calloc(1, sizeof(*step));
    if (step == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    step->graph = graph;
    step->touch = (wr_touch){.thing = &graph->thing, .writes = true};
    wr_ids_remove(&context->graphs, id);
    wr_operation_add(&step->operation, context, &destroy_kind, &step->touch, 1);
    return 0;
}
