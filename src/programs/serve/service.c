// SPDX-License-Identifier: MIT
//
// The service as a whole: made, stopped, counted; the answers it gives and the
// times it keeps.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <string.h>

int64_t wr_service_now(const wr_service *service) {
    return service->options.clock == NULL
               ? weir_now_ns()
               : service->options.clock(service->options.clock_context);
}

int wr_service_refusal(const wr_service *service, wr_nn_why *why) {
    if (service->stopping == 0)
        return 0;
    return wr_nn_refuse(why, -ESHUTDOWN, NULL, "the service is stopping");
}

void wr_service_why(const wr_service *service, int status, wr_nn_why *why) {
    if (why->text[0] != 0)
        return;
    const char *text = weir_strerror(status);
    if (status == -ESHUTDOWN)
        text = service->stopping > 0 ? "the service is stopping"
                                     : "the pool was stopped";
    wr_nn_refuse(why, status, NULL, "%s", text);
}

// ---- answers ---------------------------------------------------------------

static void bell_heard(weir_call *call, int status) {
    wr_service *service = wr_container_of(call, wr_service, bell);
    (void)status;
    service->rung = false;
    wr_work_pump(service);
    wr_service_flush(service);
}

static void bell_ring(wr_service *service) {
    if (service->rung)
        return;
    service->bell = (weir_call)WEIR_CALL_INIT(NULL, bell_heard);
    if (weir_call_expect(service->options.loop, &service->bell) != 0) {
        service->lost = true; // the loop closes before us; tick will do
        return;
    }
    service->rung = true;
    weir_call_complete(&service->bell, 0);
}

void wr_service_end(wr_service *service, wr_ending *ending) {
    wr_list_push_back(&service->endings, &ending->link);
    bell_ring(service);
}

// ---- stopping --------------------------------------------------------------

static bool contexts_quiet(const wr_service *service) {
    if (!wr_list_empty(&service->dead))
        return false;
    for (int i = 0; i < service->contexts.count; i++) {
        const wr_context *context = service->contexts.slot[i].item;
        if (context->away > 0 || context->timeline.count > 0)
            return false;
    }
    return true;
}

static void quiet_heard(weir_call *call, int status) {
    wr_service *service = wr_container_of(call, wr_service, quiet);
    (void)status;
    service->quiet_pending = false;
    service->landed = true;
    wr_service_flush(service);
}

static bool no_flights(wr_service *service, bool tell) {
    wr_mutex_lock(&service->lock);
    bool none = service->flights == 0;
    service->quiet_wanted = tell && !none;
    wr_mutex_unlock(&service->lock);
    return none;
}

// Flights that nobody waits for any more may still be in the air: the last to
// land completes `quiet`. New ones do not come: everything else has ended.
static bool flights_landed(wr_service *service) {
    if (service->landed || service->quiet_pending)
        return service->landed;
    service->landed = no_flights(service, false);
    if (service->landed)
        return true;
    service->quiet = (weir_call)WEIR_CALL_INIT(NULL, quiet_heard);
    if (weir_call_expect(service->options.loop, &service->quiet) != 0) {
        service->lost = true;
        return false;
    }
    service->quiet_pending = true;
    if (no_flights(service, true))
        weir_call_complete(&service->quiet, 0);
    return false;
}

// Nothing is under way but flights.
static bool idle(const wr_service *service) {
    return service->readings == 0 && service->asks == 0 &&
           service->running == 0 && service->queued == 0 &&
           service->counts.pending == 0 && service->giving == 0 &&
           !service->rung && wr_list_empty(&service->endings) &&
           contexts_quiet(service);
}

static void stop_look(wr_service *service) {
    if (service->stopping == 0 || service->stopped || !idle(service) ||
        !flights_landed(service))
        return;
    service->stopped = true;
    if (service->on_stopped != NULL)
        service->on_stopped(service, service->on_stopped_context);
}

void wr_service_flush(wr_service *service) {
    wr_link now;
    wr_list_init(&now);
    wr_list_splice_back(&now, &service->endings);
    service->giving++; // a done may run the event loop, and come here again
    for (wr_link *l; (l = wr_list_pop_front(&now)) != NULL;) {
        wr_ending *ending = wr_container_of(l, wr_ending, link);
        ending->deliver(ending);
    }
    service->giving--;
    if (!wr_list_empty(&service->endings))
        bell_ring(service);
    stop_look(service); // the service may be gone after it
}

static void end_all(wr_service *service) {
    wr_mutex_lock(&service->lock);
    service->aborting = true;
    wr_mutex_unlock(&service->lock);
    for (wr_link *l = service->requests.next, *next; l != &service->requests;
         l = next) {
        next = l->next;
        wr_request_leave(wr_container_of(l, wr_request, link), -ESHUTDOWN);
    }
    while (service->contexts.count > 0)
        wr_context_end(service->contexts.slot[0].item, -ESHUTDOWN);
    // Tells every load, also those nobody waits for. It does not wait.
    (void)weir_cache_stop(service->cache, WEIR_STOP_ABORT, 0, NULL);
}

void wr_service_stop(wr_service *service, int hard,
                     void (*stopped)(wr_service *service, void *context),
                     void *context) {
    int before = service->stopping;
    if (service->stopped)
        return;
    if (stopped != NULL) {
        service->on_stopped = stopped;
        service->on_stopped_context = context;
    }
    if (before < (hard ? 2 : 1))
        service->stopping = hard ? 2 : 1;
    if (hard && before < 2)
        end_all(service);
    wr_work_pump(service); // nothing waits for company any more
    bell_ring(service);
}

// ---- times -----------------------------------------------------------------

int64_t wr_service_next_deadline(const wr_service *service) {
    if (service->lost)
        return 0;
    const wr_heap_node *first = wr_heap_first(&service->deadlines);
    int64_t next_ns = service->hold_ns;
    if (first != NULL && first->key < next_ns)
        next_ns = first->key;
    return next_ns;
}

void wr_service_tick(wr_service *service) {
    int64_t now_ns = wr_service_now(service);
    for (wr_heap_node *first;
         (first = wr_heap_first(&service->deadlines)) != NULL &&
         first->key <= now_ns;) {
        wr_request *request = wr_container_of(first, wr_request, deadline);
        wr_heap_remove(&service->deadlines, first);
        request->timed = false;
        wr_request_leave(request, -ETIMEDOUT);
    }
    wr_work_pump(service);
    bool lost = service->lost;
    service->lost = false;
    if (lost)
        wr_service_flush(service);
}

// ---- made and counted ------------------------------------------------------

static bool options_good(const wr_service_options *options) {
    return options != NULL && options->loop != NULL && options->pool != NULL &&
           options->models >= 0 && options->contexts >= 0 &&
           options->tensors >= 0 && options->graphs >= 0 &&
           options->operations >= 1 && options->requests >= 1 &&
           options->running >= 1 && options->request_ns >= 0 &&
           options->compile_ns >= 0 && options->failure_ns >= 0 &&
           options->batch >= 1 && options->batch <= WR_BATCH_MAX &&
           options->batch_ns >= 0;
}

int wr_service_create(wr_service **out, const wr_service_options *options) {
    if (!options_good(options))
        return -EINVAL;
    wr_service *service = wr_calloc(1, sizeof(*service));
    if (service == NULL)
        return -ENOMEM;
    service->options = *options;
    service->hold_ns = WEIR_FOREVER;
    wr_mutex_init(&service->lock);
    wr_link *const lists[] = {&service->endings,  &service->turns,
                              &service->requests, &service->dead,
                              &service->contents, &service->compiled,
                              &service->compiles, &service->readers};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        wr_list_init(lists[i]);
    int error = wr_plans_create(service);
    if (error != 0) {
        wr_mutex_fini(&service->lock);
        wr_free(service);
        return error;
    }
    *out = service;
    return 0;
}

void wr_service_destroy(wr_service *service) {
    if (service == NULL)
        return;
    wr_check(service->stopped || idle(service),
             "a service is destroyed when it has stopped");
    while (service->contexts.count > 0)
        wr_context_end(service->contexts.slot[0].item, -ESHUTDOWN);
    wr_ids_free(&service->contexts);
    weir_cache_destroy(service->cache);
    wr_names_destroy(service);
    wr_assert(wr_list_empty(&service->contents));
    wr_mutex_fini(&service->lock);
    wr_free(service);
}

weir_cache *wr_service_cache(wr_service *service) { return service->cache; }

static void count_contexts(const wr_service *service,
                           wr_service_counts *counts) {
    counts->contexts = (uint64_t)service->contexts.count;
    for (int i = 0; i < service->contexts.count; i++) {
        const wr_context *context = service->contexts.slot[i].item;
        counts->tensors += (uint64_t)context->tensors.count;
        counts->tensor_bytes += context->bytes;
        counts->graph_bytes += context->graph_bytes;
        counts->graphs += (uint64_t)context->graphs.count;
        counts->operations += (uint64_t)context->timeline.count;
    }
}

void wr_service_count(wr_service *service, wr_service_counts *counts) {
    *counts = service->counts;
    counts->running = (uint64_t)service->running;
    for (int i = 0; i < service->names; i++)
        counts->models += service->name[i]->model != NULL;
    count_contexts(service, counts);
    wr_mutex_lock(&service->lock);
    counts->models_bytes = service->contents_bytes;
    counts->compile = service->compile;
    for (wr_link *l = service->compiled.next; l != &service->compiled;
         l = l->next)
        counts->arenas_bytes +=
            wr_nn_cell_bytes(wr_container_of(l, wr_compiled, link)->cell);
    wr_mutex_unlock(&service->lock);
}
