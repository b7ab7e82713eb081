// SPDX-License-Identifier: MIT
//
// Contexts: made, found, ended; the steps of their timelines begun and ended.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>

// ---- steps -----------------------------------------------------------------

int wr_operation_room(wr_context *context, wr_nn_why *why) {
    wr_service *service = context->service;
    int error = wr_service_refusal(service, why);
    if (error != 0)
        return error;
    if (context->timeline.count >= service->options.operations)
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "%d operations of the context are pending already",
                            context->timeline.count);
    return 0;
}

void wr_operation_add(wr_operation *operation, wr_context *context,
                      const wr_step_kind *kind, wr_touch *touch, int touches) {
    operation->home = context;
    operation->kind = kind;
    operation->step.touch = touch;
    operation->step.touches = touches;
    wr_timeline_add(&context->timeline, &operation->step);
    wr_context_pump(context);
}

static wr_operation *operation_of(wr_step *step) {
    return wr_container_of(step, wr_operation, step);
}

static void operation_end(wr_operation *operation) {
    wr_timeline_end(&operation->home->timeline, &operation->step);
    operation->kind->finish(operation);
}

void wr_context_pump(wr_context *context) {
    for (wr_step *step; (step = wr_timeline_next(&context->timeline)) != NULL;)
        if (operation_of(step)->kind->begin(operation_of(step)))
            operation_end(operation_of(step));
}

void wr_operation_over(wr_operation *operation) {
    wr_context *context = operation->home;
    operation_end(operation);
    wr_context_pump(context);
}

// ---- contexts --------------------------------------------------------------

int wr_context_create(wr_service *service, wr_context **out, uint64_t *id,
                      wr_nn_why *why) {
    int error = wr_service_refusal(service, why);
    if (error != 0)
        return error;
    if (service->contexts.count >= service->options.contexts)
        return wr_nn_refuse(why, -EAGAIN, NULL, "all %d contexts are in use",
                            service->contexts.count);
    wr_context *context = wr_calloc(1, sizeof(*context));
    if (context != NULL)
        context->id = wr_ids_add(&service->contexts, context);
    if (context == NULL || context->id == 0) {
        wr_free(context);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    context->service = service;
    wr_timeline_init(&context->timeline);
    *out = context;
    *id = context->id;
    return 0;
}

wr_context *wr_context_find(wr_service *service, uint64_t id) {
    return wr_ids_find(&service->contexts, id);
}

void wr_context_back(wr_context *context) {
    wr_assert(context->away > 0);
    if (--context->away > 0 || !context->dead)
        return;
    wr_list_remove(&context->link);
    wr_free(context);
}

void wr_context_end(wr_context *context, int status) {
    wr_service *service = context->service;
    wr_ids_remove(&service->contexts, context->id);
    context->dead = true;
    wr_list_push_back(&service->dead, &context->link);
    context->away++; // this function's own
    // In their order. What drop answers and frees touches no other step.
    for (wr_link *l = context->timeline.steps.next, *next;
         l != &context->timeline.steps; l = next) {
        next = l->next;
        wr_operation *operation =
            operation_of(wr_container_of(l, wr_step, link));
        operation->kind->drop(operation, status);
    }
    for (int i = 0; i < context->graphs.count; i++)
        wr_graph_go(context->graphs.slot[i].item, status);
    for (int i = 0; i < context->tensors.count; i++)
        wr_tensor_free(context->tensors.slot[i].item);
    wr_ids_free(&context->graphs);
    wr_ids_free(&context->tensors);
    wr_context_back(context);
}

void wr_context_destroy(wr_context *context) {
    wr_service *service = context->service;
    wr_context_end(context, -ECANCELED);
    wr_work_pump(service);
}
