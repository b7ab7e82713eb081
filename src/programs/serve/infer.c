// SPDX-License-Identifier: MIT
//
// Requests for the result of one model: accepted, compiled for, queued, run,
// answered.
#include "base/check.h"
#include "base/fault.h"
#include "base/histogram.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- the end ---------------------------------------------------------------

static void count_outcome(wr_service_counts *counts, int status) {
    switch (status) {
    case 0: counts->succeeded++; break;
    case -ECANCELED: counts->cancelled++; break;
    case -ETIMEDOUT: counts->timed_out++; break;
    case -ESHUTDOWN: counts->shut_down++; break;
    default: counts->failed++; break;
    }
}

static void request_deliver(wr_ending *ending) {
    wr_request *request = wr_container_of(ending, wr_request, ending);
    wr_service *service = request->service;
    wr_list_remove(&request->link);
    service->counts.pending--;
    count_outcome(&service->counts, request->status);
    wr_histogram_add(&service->counts.latency,
                     wr_service_now(service) - request->accepted_ns);
    request->infer->done(request->infer, request->status);
}

static void why_it_left(const wr_request *request, wr_nn_why *why) {
    why->text[0] = 0;
    if (request->leaving == -ECANCELED)
        wr_nn_refuse(why, -ECANCELED, NULL, "the client left");
    else if (request->leaving == -ETIMEDOUT)
        wr_nn_refuse(
            why, -ETIMEDOUT, NULL, "the request took longer than %lld ms",
            (long long)(request->service->options.request_ns / 1000000));
    else
        wr_service_why(request->service, request->leaving, why);
}

void wr_request_end(wr_request *request, int status) {
    wr_service *service = request->service;
    wr_assert(request->state != WR_REQUEST_ENDED);
    // What was told to end says why it was, not how.
    if (status != 0 && request->leaving != 0) {
        status = request->leaving;
        why_it_left(request, &request->infer->why);
    } else if (status != 0) {
        wr_service_why(service, status, &request->infer->why);
    }
    request->state = WR_REQUEST_ENDED;
    request->status = status;
    if (request->timed)
        wr_heap_remove(&service->deadlines, &request->deadline);
    request->timed = false;
    wr_bound_free(request->bound);
    request->bound = NULL;
    wr_service_end(service, &request->ending);
}

void wr_service_infer_end(wr_service *service, wr_infer *infer) {
    (void)service;
    wr_request *request = infer->private_;
    if (request == NULL)
        return;
    infer->private_ = NULL;
    infer->results = NULL;
    infer->results_count = 0;
    if (request->batch != NULL)
        wr_batch_give_back(request->batch);
    free(request->results);
    wr_free(request->list);
    wr_model_release(request->model);
    wr_free(request);
}

// ---- results ---------------------------------------------------------------

void wr_request_succeed(wr_request *request, int batch, int64_t run_ns) {
    const wr_nn_graph *graph = request->model->graph;
    wr_infer *infer = request->infer;
    for (int i = 0; i < graph->outputs; i++) {
        request->list[i].name = graph->value[graph->output[i]].name;
        request->list[i].data = request->outputs[i];
    }
    infer->results = request->list;
    infer->results_count = graph->outputs;
    infer->batch = batch;
    infer->run_ns = run_ns;
    wr_request_end(request, 0);
}

// The outputs' memory, all in one, and where each begins. The shapes are kept
// in the list of results: the plan may go when the run ends.
static int outputs_make(wr_request *request, const wr_nn_plan *plan) {
    size_t total = 0;
    for (int i = 0; i < plan->outputs; i++)
        total += wr_room_round(wr_nn_bytes(&plan->output[i]));
    request->results = wr_room_alloc(total);
    if (request->results == NULL)
        return -ENOMEM;
    unsigned char *at = request->results;
    for (int i = 0; i < plan->outputs; i++) {
        request->outputs[i] = at;
        request->list[i].shape = plan->output[i];
        at += wr_room_round(wr_nn_bytes(&plan->output[i]));
    }
    return 0;
}

// ---- running ---------------------------------------------------------------

static wr_request *request_of(wr_work *work) {
    return wr_container_of(work, wr_request, work);
}

void wr_request_begun(wr_request *request, int64_t now_ns) {
    request->infer->queue_ns = now_ns - request->accepted_ns;
    wr_histogram_add(&request->service->counts.queue, request->infer->queue_ns);
}

static int request_prepare(wr_work *work) {
    wr_request *request = request_of(work);
    int error = outputs_make(request, work->compiled->plan);
    if (error != 0)
        return error;
    request->state = WR_REQUEST_RUNNING;
    wr_request_begun(request, work->begun_ns);
    work->run.input = request->bound->data;
    work->run.output = request->outputs;
    work->run.priority = request->infer->priority;
    return 0;
}

static void request_run_ended(wr_work *work, int status) {
    wr_request *request = request_of(work);
    if (status == 0)
        wr_request_succeed(request, 1, work->run.run_ns);
    else
        wr_request_end(request, status);
}

// ---- compiling -------------------------------------------------------------

// Whether the plan's items are rows of everything that goes in and comes out.
static bool batches(const wr_request *request, const wr_nn_plan *plan) {
    const wr_nn_graph *graph = request->model->graph;
    if (request->service->options.batch < 2 || request->bound->integers ||
        graph->inputs == 0)
        return false;
    for (int i = 0; i < graph->inputs; i++) {
        const wr_nn_shape *model = &graph->value[graph->input[i]].shape;
        const wr_nn_shape *bound = &request->bound->bind[i].shape;
        if (bound->rank < 1 || bound->dim[0] != 1 ||
            (model->rank > 0 && model->dim[0] != -1))
            return false;
    }
    for (int i = 0; i < plan->outputs; i++)
        if (plan->output[i].rank < 1 || plan->output[i].dim[0] != 1)
            return false;
    return true;
}

static void request_planned(wr_request *request, int status) {
    wr_compiled *compiled = NULL;
    status = wr_answer(&request->ask, status, &compiled, &request->infer->why);
    if (status == 0 && request->leaving != 0) {
        weir_entry_release(request->ask.get.entry);
        status = request->leaving;
    }
    if (status != 0) {
        wr_request_end(request, status);
        return;
    }
    request->work.entry = request->ask.get.entry;
    request->work.compiled = compiled;
    request->work.batches = batches(request, compiled->plan);
    request->state = WR_REQUEST_QUEUED;
    wr_work_queue(&request->work);
}

static void request_answered(wr_ask *ask, int status) {
    wr_request *request = wr_container_of(ask, wr_request, ask);
    request->infer->compile_ns = wr_service_now(ask->service) - ask->asked_ns;
    request_planned(request, status);
}

static void request_ask(wr_request *request) {
    uint8_t key[32];
    wr_plan_key(request->service, key, request->model, request->bound);
    request->state = WR_REQUEST_COMPILING;
    request->ask.answered = request_answered;
    request->ask.priority = request->infer->priority;
    int status = wr_ask_start(request->service, &request->ask, request->model,
                              request->bound, key);
    if (status < 0)
        wr_request_end(request, status);
    else if (status == 0)
        request_planned(request, request->ask.get.status);
}

// ---- the beginning ---------------------------------------------------------

// The request gets its model and its place for results.
static int request_bind(wr_request *request, wr_model *model, wr_nn_why *why) {
    const wr_infer *infer = request->infer;
    size_t outputs = (size_t)model->graph->outputs;
    request->list =
        wr_calloc(outputs + 1, sizeof(request->list[0]) + sizeof(void *));
    if (request->list == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    request->outputs = (void **)(void *)(request->list + outputs + 1);
    int error =
        wr_bound_make(&request->bound, model, infer->inputs, infer->count, why);
    if (error == 0)
        request->model = wr_model_keep(model);
    return error;
}

static void request_model_known(wr_model_wait *wait, wr_name *name,
                                wr_model *model, int status,
                                const wr_nn_why *why) {
    wr_request *request = wr_container_of(wait, wr_request, wait);
    wr_nn_why *line = &request->infer->why;
    if (model == NULL) {
        status =
            wr_nn_refuse(line, status == -ESHUTDOWN ? status : -ENOENT, NULL,
                         "no model '%s': %.200s", name->text, why->text);
        wr_request_end(request, status);
        return;
    }
    status = request_bind(request, model, line);
    if (status != 0)
        wr_request_end(request, status);
    else
        request_ask(request);
}

static void request_accept(wr_request *request, wr_name *name) {
    wr_service *service = request->service;
    wr_infer *infer = request->infer;
    infer->why.text[0] = 0;
    infer->results = NULL;
    infer->results_count = 0;
    infer->batch = 0;
    infer->queue_ns = 0;
    infer->compile_ns = 0;
    infer->run_ns = 0;
    infer->private_ = request;
    request->accepted_ns = wr_service_now(service);
    wr_list_push_back(&service->requests, &request->link);
    if (service->options.request_ns > 0) {
        wr_heap_insert(&service->deadlines, &request->deadline,
                       request->accepted_ns + service->options.request_ns);
        request->timed = true;
    }
    name->requests++;
    service->counts.requests++;
    service->counts.pending++;
}

static int infer_check(wr_service *service, const wr_infer *infer,
                       wr_name **name, wr_nn_why *why) {
    int error = wr_service_refusal(service, why);
    if (error != 0)
        return error;
    *name = infer->model == NULL ? NULL : wr_name_find(service, infer->model);
    if (*name == NULL)
        return wr_nn_refuse(why, -ENOENT, NULL, "no model '%.*s'", WR_NAME_MAX,
                            infer->model == NULL ? "" : infer->model);
    error = wr_bound_check(service, infer->inputs, infer->count, true, why);
    if (error != 0)
        return error;
    if (service->counts.pending < (uint64_t)service->options.requests)
        return 0;
    service->counts.refused++;
    return wr_nn_refuse(why, -EAGAIN, NULL, "%d requests are pending already",
                        service->options.requests);
}

int wr_service_infer(wr_service *service, wr_infer *infer, wr_nn_why *why) {
    wr_name *name = NULL;
    infer->private_ = NULL;
    int error = infer_check(service, infer, &name, why);
    if (error != 0)
        return error;
    wr_request *request = wr_calloc(1, sizeof(*request));
    if (request == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    request->infer = infer;
    request->service = service;
    request->ending.deliver = request_deliver;
    request->work.service = service;
    request->work.prepare = request_prepare;
    request->work.ended = request_run_ended;
    if (name->model != NULL)
        error = request_bind(request, name->model, why);
    if (error != 0) {
        wr_free(request->list);
        wr_free(request);
        return error;
    }
    request_accept(request, name);
    if (request->model != NULL) {
        request_ask(request);
        wr_work_pump(service);
    } else {
        request->wait.known = request_model_known;
        wr_list_push_back(&name->waiting, &request->wait.link);
    }
    return 0;
}

// ---- leaving ---------------------------------------------------------------

void wr_request_leave(wr_request *request, int status) {
    if (request->leaving != 0 || request->state == WR_REQUEST_ENDED)
        return;
    request->leaving = status;
    switch (request->state) {
    case WR_REQUEST_WAITING:
        wr_list_remove(&request->wait.link);
        wr_request_end(request, status);
        break;
    case WR_REQUEST_COMPILING: wr_ask_leave(&request->ask); break;
    case WR_REQUEST_QUEUED:
        wr_work_leave(&request->work);
        wr_request_end(request, status);
        break;
    case WR_REQUEST_RUNNING: wr_nn_run_cancel(&request->work.run); break;
    case WR_REQUEST_JOINED: wr_batch_leave(request); break;
    case WR_REQUEST_ENDED: break;
    }
}

void wr_service_infer_cancel(wr_service *service, wr_infer *infer) {
    (void)service;
    if (infer->private_ != NULL)
        wr_request_leave(infer->private_, -ECANCELED);
}
