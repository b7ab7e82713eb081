// SPDX-License-Identifier: MIT
//
// Dispatches: a graph run on tensors, at its place in the timeline. What its
// tensors hold is looked at when its turn comes, not when it is asked for.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <string.h>

typedef struct bound_tensor {
    const char *name;
    wr_tensor *tensor;
    wr_buffer *content; // while it runs
} bound_tensor;

typedef struct dispatch_step {
    wr_operation operation;
    wr_context *home;
    wr_graph *graph;
    wr_work work;
    int inputs, outputs;
    bound_tensor *in, *out;
    wr_touch *touch;
    const void **input; // in the plan's order
    void **output;
    int *output_of; // which of `out` it is
} dispatch_step;

static dispatch_step *dispatch_of(wr_operation *operation) {
    return wr_container_of(operation, dispatch_step, operation);
}

static dispatch_step *dispatch_of_work(wr_work *work) {
    return wr_container_of(work, dispatch_step, work);
}

// ---- names and shapes ------------------------------------------------------

static int place_of(const bound_tensor *tensors, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(tensors[i].name, name) == 0)
            return i;
    return -1;
}

static int shape_fits(const wr_nn_shape *wanted, const bound_tensor *bound,
                      wr_nn_why *why) {
    if (wr_nn_same_shape(wanted, &bound->tensor->shape))
        return 0;
    char want[WR_NN_SHAPE_TEXT], have[WR_NN_SHAPE_TEXT];
    return wr_nn_refuse(why, -EINVAL, NULL, "'%.64s' is %s, tensor %llu is %s",
                        bound->name, wr_nn_shape_text(want, wanted),
                        (unsigned long long)bound->tensor->id,
                        wr_nn_shape_text(have, &bound->tensor->shape));
}

// match_side: each value of the graph has one of `tensors`, and none is left
// over. shapes NULL: they are not known yet. Integers are a part of the graph.
static int match_side(const wr_graph *graph, bool inputs,
                      const bound_tensor *tensors, int count, bool shapes,
                      wr_nn_why *why) {
    const wr_nn_graph *model = graph->model->graph;
    const char *what = inputs ? "input" : "output";
    int values = inputs ? model->inputs : model->outputs;
    int found = 0;
    for (int i = 0; i < values; i++) {
        const char *name =
            model->value[inputs ? model->input[i] : model->output[i]].name;
        int place = place_of(tensors, count, name);
        bool part = inputs && graph->bound->bind[i].data != NULL;
        if (part && place >= 0)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "input '%.64s' is a part of the graph", name);
        if (part)
            continue;
        if (place < 0)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "the graph's %s '%.64s' is not given", what,
                                name);
        found++;
        int error = 0;
        if (inputs)
            error =
                shape_fits(&graph->bound->bind[i].shape, &tensors[place], why);
        else if (shapes)
            error = shape_fits(&graph->compiled->plan->output[i],
                               &tensors[place], why);
        if (error != 0)
            return error;
    }
    if (found < count)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%d %ss are given, the graph has %d", count, what,
                            found);
    return 0;
}

static int match(const dispatch_step *dispatch, wr_nn_why *why) {
    const wr_graph *graph = dispatch->graph;
    bool ready = graph->state == WR_GRAPH_READY;
    int error =
        match_side(graph, true, dispatch->in, dispatch->inputs, ready, why);
    if (error == 0)
        error = match_side(graph, false, dispatch->out, dispatch->outputs,
                           ready, why);
    return error;
}

// ---- the end ---------------------------------------------------------------

static void dispatch_finish(wr_operation *operation) {
    wr_free(dispatch_of(operation));
}

static void buffers_release(dispatch_step *dispatch) {
    for (int i = 0; i < dispatch->inputs; i++)
        wr_buffer_release(dispatch->in[i].content);
    for (int i = 0; i < dispatch->outputs; i++)
        wr_buffer_release(dispatch->out[i].content);
}

// Its outputs become zeros that say so.
static void dispatch_fail(dispatch_step *dispatch, int status,
                          const wr_nn_why *why) {
    dispatch->home->service->counts.dispatches_failed++;
    for (int i = 0; i < dispatch->outputs; i++)
        wr_tensor_flag(dispatch->out[i].tensor, status, why);
}

static void dispatch_ran(wr_work *work, int status) {
    dispatch_step *dispatch = dispatch_of_work(work);
    wr_context *home = dispatch->home;
    if (home->dead) {
        buffers_release(dispatch);
        wr_free(dispatch);
        wr_context_back(home);
        return;
    }
    if (status == 0) {
        for (int i = 0; i < dispatch->outputs; i++) {
            wr_tensor_put(dispatch->out[i].tensor, dispatch->out[i].content);
            dispatch->out[i].content = NULL;
        }
    } else {
        wr_nn_why why = {{0}};
        wr_service_why(home->service, status, &why);
        dispatch_fail(dispatch, status, &why);
    }
    buffers_release(dispatch);
    wr_operation_over(&dispatch->operation);
    wr_context_back(home);
}

// ---- the run ---------------------------------------------------------------

// New memory for the outputs: others may read what the tensors hold now.
static int dispatch_prepare(wr_work *work) {
    dispatch_step *dispatch = dispatch_of_work(work);
    for (int i = 0; i < dispatch->outputs; i++) {
        bound_tensor *out = &dispatch->out[dispatch->output_of[i]];
        out->content = wr_buffer_create(out->tensor->bytes);
        if (out->content == NULL)
            return -ENOMEM;
        dispatch->output[i] = out->content->data;
    }
    work->run.input = dispatch->input;
    work->run.output = dispatch->output;
    return 0;
}

// An input that should have been written and was not makes its readers fail
// with the same reason.
static int inputs_take(dispatch_step *dispatch, wr_nn_why *why) {
    const wr_nn_graph *model = dispatch->graph->model->graph;
    for (int i = 0; i < dispatch->inputs; i++) {
        bound_tensor *in = &dispatch->in[i];
        if (in->tensor->failed != 0)
            return wr_nn_refuse(why, in->tensor->failed, NULL,
                                "tensor %llu was not written: %.240s",
                                (unsigned long long)in->tensor->id,
                                in->tensor->why.text);
        wr_buffer *content = wr_tensor_bytes(in->tensor);
        if (content == NULL) {
            *why = wr_no_memory;
            return -ENOMEM;
        }
        in->content = wr_buffer_keep(content);
    }
    for (int i = 0; i < model->inputs; i++) {
        int place = place_of(dispatch->in, dispatch->inputs,
                             model->value[model->input[i]].name);
        dispatch->input[i] =
            place < 0 ? NULL : dispatch->in[place].content->data;
    }
    for (int i = 0; i < model->outputs; i++)
        dispatch->output_of[i] = place_of(dispatch->out, dispatch->outputs,
                                          model->value[model->output[i]].name);
    return 0;
}

static bool dispatch_begin(wr_operation *operation) {
    dispatch_step *dispatch = dispatch_of(operation);
    wr_graph *graph = dispatch->graph;
    wr_nn_why why = {{0}};
    int error = 0;
    if (graph->state == WR_GRAPH_FAILED) {
        error = graph->status;
        why = graph->why;
    }
    if (error == 0)
        error = match(dispatch, &why);
    if (error == 0)
        error = inputs_take(dispatch, &why);
    if (error != 0) {
        dispatch_fail(dispatch, error, &why);
        buffers_release(dispatch);
        return true;
    }
    wr_work *work = &dispatch->work;
    work->service = dispatch->home->service;
    work->entry = weir_entry_keep(graph->entry);
    work->compiled = graph->compiled;
    work->prepare = dispatch_prepare;
    work->ended = dispatch_ran;
    dispatch->home->away++;
    wr_work_queue(work);
    return false;
}

static void dispatch_drop(wr_operation *operation, int status) {
    (void)status;
    dispatch_step *dispatch = dispatch_of(operation);
    wr_context *home = dispatch->home;
    switch (dispatch->work.state) {
    case WR_WORK_RUNNING: wr_nn_run_cancel(&dispatch->work.run); return;
    case WR_WORK_QUEUED:
        wr_work_leave(&dispatch->work);
        home->away--; // wr_context_end holds it
        break;
    case WR_WORK_IDLE: break;
    }
    buffers_release(dispatch);
    wr_free(dispatch);
}

static const wr_step_kind dispatch_kind = {dispatch_begin, dispatch_finish,
                                           dispatch_drop};

// ---- asking for it ---------------------------------------------------------

static int binds_check(const wr_bind *binds, int count, const char *what,
                       wr_nn_why *why) {
    if (count < 0 || count > WR_NN_ARGS_MAX || (binds == NULL && count > 0))
        return wr_nn_refuse(why, -EINVAL, NULL, "%d %ss; 0 to %d can be", count,
                            what, WR_NN_ARGS_MAX);
    for (int i = 0; i < count; i++) {
        if (binds[i].name == NULL)
            return wr_nn_refuse(why, -EINVAL, NULL, "%s %d has no name", what,
                                i);
        for (int j = 0; j < i; j++)
            if (strcmp(binds[i].name, binds[j].name) == 0)
                return wr_nn_refuse(why, -EINVAL, NULL,
                                    "%s '%.64s' is given twice", what,
                                    binds[i].name);
    }
    return 0;
}

static int tensors_find(dispatch_step *dispatch, wr_context *context,
                        const wr_bind *inputs, const wr_bind *outputs,
                        wr_nn_why *why) {
    for (int i = 0; i < dispatch->inputs; i++) {
        dispatch->in[i].tensor = wr_tensor_find(context, inputs[i].tensor, why);
        if (dispatch->in[i].tensor == NULL)
            return -ENOENT;
    }
    for (int i = 0; i < dispatch->outputs; i++) {
        wr_tensor *tensor = wr_tensor_find(context, outputs[i].tensor, why);
        dispatch->out[i].tensor = tensor;
        if (tensor == NULL)
            return -ENOENT;
        for (int j = 0; j < i; j++)
            if (dispatch->out[j].tensor == tensor)
                return wr_nn_refuse(why, -EINVAL, NULL,
                                    "tensor %llu is two outputs",
                                    (unsigned long long)tensor->id);
        for (int j = 0; j < dispatch->inputs; j++)
            if (dispatch->in[j].tensor == tensor)
                return wr_nn_refuse(why, -EINVAL, NULL,
                                    "tensor %llu is input and output",
                                    (unsigned long long)tensor->id);
    }
    return 0;
}

// The graph, what is read and what is written, each once.
static int touches_fill(dispatch_step *dispatch) {
    wr_touch *touch = dispatch->touch;
    int count = 0;
    touch[count++] = (wr_touch){.thing = &dispatch->graph->thing};
    for (int i = 0; i < dispatch->inputs; i++) {
        wr_thing *thing = &dispatch->in[i].tensor->thing;
        bool there = false;
        for (int j = 1; j < count; j++)
            there = there || touch[j].thing == thing;
        if (!there)
            touch[count++] = (wr_touch){.thing = thing};
    }
    for (int i = 0; i < dispatch->outputs; i++)
        touch[count++] = (wr_touch){.thing = &dispatch->out[i].tensor->thing,
                                    .writes = true};
    return count;
}

static char *names_copy(bound_tensor *to, const wr_bind *from, int count,
                        char *at) {
    for (int i = 0; i < count; i++) {
        to[i].name = strcpy(at, from[i].name);
        at += strlen(at) + 1;
    }
    return at;
}

// One block: the step, its tables, the names.
static dispatch_step *dispatch_create(const wr_bind *inputs, int inputs_count,
                                      const wr_bind *outputs,
                                      int outputs_count) {
    size_t in = (size_t)inputs_count, out = (size_t)outputs_count, names = 0;
    for (size_t i = 0; i < in; i++)
        names += strlen(inputs[i].name) + 1;
    for (size_t i = 0; i < out; i++)
        names += strlen(outputs[i].name) + 1;
    dispatch_step *dispatch =
        wr_calloc(1, sizeof(*dispatch) + (in + out) * sizeof(bound_tensor) +
                         (in + out + 1) * sizeof(wr_touch) +
                         2 * WR_NN_ARGS_MAX * sizeof(void *) +
                         WR_NN_ARGS_MAX * sizeof(int) + names);
    if (dispatch == NULL)
        return NULL;
    dispatch->inputs = inputs_count;
    dispatch->outputs = outputs_count;
    dispatch->in = (bound_tensor *)(void *)(dispatch + 1);
    dispatch->out = dispatch->in + in;
    dispatch->touch = (wr_touch *)(void *)(dispatch->out + out);
    dispatch->input = (const void **)(void *)(dispatch->touch + in + out + 1);
    dispatch->output = (void **)(void *)(dispatch->input + WR_NN_ARGS_MAX);
    dispatch->output_of = (int *)(void *)(dispatch->output + WR_NN_ARGS_MAX);
    char *at = (char *)(dispatch->output_of + WR_NN_ARGS_MAX);
    at = names_copy(dispatch->in, inputs, inputs_count, at);
    names_copy(dispatch->out, outputs, outputs_count, at);
    return dispatch;
}

int wr_context_dispatch(wr_context *context, uint64_t graph,
                        const wr_bind *inputs, int inputs_count,
                        const wr_bind *outputs, int outputs_count,
                        wr_nn_why *why) {
    int error = wr_operation_room(context, why);
    if (error == 0)
        error = binds_check(inputs, inputs_count, "input", why);
    if (error == 0)
        error = binds_check(outputs, outputs_count, "output", why);
    if (error != 0)
        return error;
    wr_graph *found = wr_graph_find(context, graph, why);
    if (found == NULL)
        return -ENOENT;
    dispatch_step *dispatch =
        dispatch_create(inputs, inputs_count, outputs, outputs_count);
    if (dispatch == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    dispatch->home = context;
    dispatch->graph = found;
    error = tensors_find(dispatch, context, inputs, outputs, why);
    if (error == 0 && found->model != NULL && found->state != WR_GRAPH_FAILED)
        error = match(dispatch, why);
    if (error != 0) {
        wr_free(dispatch);
        return error;
    }
    context->service->counts.dispatches++;
    wr_operation_add(&dispatch->operation, context, &dispatch_kind,
                     dispatch->touch, touches_fill(dispatch));
    wr_work_pump(context->service);
    return 0;
}
