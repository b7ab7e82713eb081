// SPDX-License-Identifier: MIT
//
// Compiled plans: the cache of them, what its loads do, and how its answers
// come to the loop's thread.
#include "base/check.h"
#include "base/fault.h"
#include "base/histogram.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>

const wr_nn_why wr_no_memory = {"out of memory"};

static const weir_site plan_site = WEIR_SITE_INIT("wait for a plan");

static wr_nn_compile_options compile_options(const wr_service *service) {
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.arena_max = service->options.arena_bytes;
    options.parts_max = service->options.parts_max;
    // On all workers together it could not be done in time, even if the
    // estimate is four times too high.
    options.cost_max_ns = 4.0 * (double)service->options.request_ns *
                          weir_pool_width(service->options.pool);
    return options;
}

void wr_plan_key(const wr_service *service, uint8_t key[32],
                 const wr_model *model, const wr_bound *bound) {
    wr_nn_compile_options options = compile_options(service);
    wr_nn_plan_key(key, model->graph, bound->bind, bound->count, &options);
}

// ---- values ----------------------------------------------------------------

static void compiled_release(void *context, void *value) {
    wr_service *service = context;
    wr_compiled *compiled = value;
    if (compiled == NULL)
        return;
    wr_mutex_lock(&service->lock);
    if (wr_link_linked(&compiled->link))
        wr_list_remove(&compiled->link);
    wr_mutex_unlock(&service->lock);
    wr_nn_cell_destroy(compiled->cell);
    wr_nn_plan_destroy(compiled->plan);
    wr_model_release(compiled->model);
    wr_free(compiled);
}

static int outputs_check(const wr_service *service, const wr_nn_plan *plan,
                         wr_nn_why *why) {
    for (int i = 0; i < plan->outputs; i++)
        if (wr_nn_bytes(&plan->output[i]) > service->options.tensor_bytes) {
            char text[WR_NN_SHAPE_TEXT];
            return wr_nn_refuse(why, -E2BIG, NULL,
                                "output '%.64s', %s, takes more than %zu bytes",
                                plan->output_name[i],
                                wr_nn_shape_text(text, &plan->output[i]),
                                service->options.tensor_bytes);
        }
    return 0;
}

static int flight_told(void *context) {
    const weir_flight *flight = context;
    return weir_flight_cancelled(flight);
}

// Idle arenas that a plan keeps, and that it weighs: small ones for what may
// run at the same time, none of the very large.
static unsigned arenas_kept(const wr_service *service, const wr_nn_plan *plan) {
    size_t one = plan->arena_bytes + plan->scratch_bytes + 1;
    size_t many = WR_ARENAS_IDLE / one;
    size_t most = 2 * (size_t)weir_pool_width(service->options.pool);
    return (unsigned)(many < most ? many : most);
}

static size_t compiled_weight(const wr_service *service,
                              const wr_nn_plan *plan) {
    return wr_nn_plan_bytes(plan) +
           arenas_kept(service, plan) *
               (plan->arena_bytes + plan->scratch_bytes);
}

static int compile_into(wr_compiled *compiled, const wr_flight *flight) {
    wr_service *service = flight->service;
    wr_nn_compile_options options = compile_options(service);
    options.cancelled = flight_told;
    options.context = flight->flight;
    wr_nn_limits limits = WR_NN_LIMITS_INIT;
    int error = weir_flight_cancelled(flight->flight);
    if (error == 0)
        error = wr_nn_compile(&compiled->plan, flight->model->graph,
                              flight->bound->bind, flight->bound->count,
                              &options, &limits, &compiled->why);
    if (error == 0)
        error = outputs_check(service, compiled->plan, &compiled->why);
    if (error == 0)
        error = wr_nn_cell_create(&compiled->cell, compiled->plan,
                                  arenas_kept(service, compiled->plan));
    return error;
}

static void compiled_measure(wr_service *service, wr_compiled *compiled) {
    wr_mutex_lock(&service->lock);
    wr_list_push_back(&service->compiled, &compiled->link);
    wr_histogram_add(&service->compile, compiled->plan->compile_ns);
    wr_mutex_unlock(&service->lock);
}

// A failure that may be gone the next moment is never remembered.
static bool transient(int status) {
    return status == -ENOMEM || status == -EAGAIN || status == -ECANCELED ||
           status == -ETIMEDOUT || status == -ESHUTDOWN;
}

// Where there is one worker only, it lends its place meanwhile: runs of plans
// that are there go on beside the compile.
static int compile_beside(weir_worker *self, wr_compiled *compiled,
                          const wr_flight *flight) {
    bool beside = weir_pool_width(flight->service->options.pool) == 1 &&
                  weir_blocking_begin(self) == 0;
    int status = compile_into(compiled, flight);
    if (beside)
        weir_blocking_end(self);
    return status;
}

static int compile(weir_worker *self, wr_flight *flight, weir_result *result) {
    wr_service *service = flight->service;
    wr_compiled *compiled = wr_calloc(1, sizeof(*compiled));
    if (compiled == NULL) {
        result->ttl_ns = -1;
        return -ENOMEM;
    }
    compiled->service = service;
    compiled->model = wr_model_keep(flight->model);
    wr_list_init(&compiled->works);
    compiled->status = compile_beside(self, compiled, flight);
    result->value = compiled;
    if (compiled->status == 0) {
        result->weight = compiled_weight(service, compiled->plan);
        compiled_measure(service, compiled);
        return 0;
    }
    wr_service_why(service, compiled->status, &compiled->why);
    if (transient(compiled->status))
        result->ttl_ns = -1;
    return compiled->status;
}

// ---- turns -----------------------------------------------------------------

// On a pool of several workers compiles leave one of them to the runs of plans
// that are there already: a flight that comes when enough compile waits here,
// holding no worker, until one of those has ended.

static void turn_next(wr_service *service);

static int turn_run(weir_worker *self, weir_job *job) {
    wr_flight *flight = wr_container_of(job, wr_flight, job);
    return compile(self, flight, &flight->result);
}

static void turn_done(weir_job *job, int status) {
    wr_flight *flight = wr_container_of(job, wr_flight, job);
    turn_next(flight->service);
    weir_flight_end(flight->flight, status, &flight->result);
}

// turn_next hands the turn that has ended to whoever waits for one.
static void turn_next(wr_service *service) {
    for (;;) {
        wr_mutex_lock(&service->lock);
        wr_link *first = wr_list_pop_front(&service->compiles);
        if (first == NULL)
            service->compiling--;
        wr_mutex_unlock(&service->lock);
        if (first == NULL)
            return;
        wr_flight *next = wr_container_of(first, wr_flight, link);
        next->job = (weir_job)WEIR_JOB_INIT(turn_run, turn_done);
        next->job.name = "compile";
        int error = weir_submit(service->options.pool, &next->job);
        if (error == 0)
            return;
        weir_flight_end(next->flight, error, NULL);
    }
}

// A flight that waits for its turn has nobody to look whether it is still
// wanted: it is told, and leaves.
static void plan_cancelled(void *context, weir_flight *cached, int why) {
    wr_service *service = context;
    wr_flight *found = NULL;
    wr_mutex_lock(&service->lock);
    for (wr_link *l = service->compiles.next; l != &service->compiles;
         l = l->next)
        if (wr_container_of(l, wr_flight, link)->flight == cached)
            found = wr_container_of(l, wr_flight, link);
    if (found != NULL)
        wr_list_remove(&found->link);
    wr_mutex_unlock(&service->lock);
    if (found != NULL)
        weir_flight_end(cached, why, NULL);
}

static int plan_load(void *context, weir_worker *self, weir_flight *cached,
                     weir_result *result) {
    wr_service *service = context;
    wr_flight *flight = weir_flight_argument(cached);
    flight->flight = cached;
    wr_mutex_lock(&service->lock);
    bool waits = service->compiling >= service->compiling_max;
    if (waits)
        wr_list_push_back(&service->compiles, &flight->link);
    else
        service->compiling++;
    wr_mutex_unlock(&service->lock);
    if (waits)
        return WEIR_LOAD_LATER;
    int status = compile(self, flight, result);
    turn_next(service);
    return status;
}

// ---- flights ---------------------------------------------------------------

static void flight_free(wr_flight *flight) {
    wr_model_release(flight->model);
    wr_bound_free(flight->bound);
    wr_free(flight);
}

static wr_flight *flight_create(wr_service *service, wr_model *model,
                                const wr_bound *bound) {
    wr_flight *flight = wr_calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    flight->service = service;
    flight->bound = wr_bound_copy(bound, 1);
    if (flight->bound == NULL) {
        wr_free(flight);
        return NULL;
    }
    flight->model = wr_model_keep(model);
    wr_mutex_lock(&service->lock);
    service->flights++;
    wr_mutex_unlock(&service->lock);
    return flight;
}

// Called once for each flight, with or without a load: the last of a service
// that stops says so. After that nothing here touches the service.
static void flight_drop(void *context, void *argument) {
    wr_service *service = context;
    flight_free(argument);
    wr_mutex_lock(&service->lock);
    bool tell = --service->flights == 0 && service->quiet_wanted;
    if (tell)
        service->quiet_wanted = false;
    wr_mutex_unlock(&service->lock);
    if (tell)
        weir_call_complete(&service->quiet, 0);
}

int wr_plans_create(wr_service *service) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = service->options.pool;
    options.context = service;
    options.name = "plans";
    options.load = plan_load;
    options.release = compiled_release;
    options.drop = flight_drop;
    options.cancelled = plan_cancelled;
    options.capacity = service->options.cache_bytes;
    options.failure_ttl_ns = service->options.failure_ns;
    options.load_ns = service->options.compile_ns;
    options.cancel_unwanted = 1;
    unsigned width = weir_pool_width(service->options.pool);
    service->compiling_max = width > 1 ? width - 1 : 1;
    return weir_cache_create(&service->cache, &options);
}

// ---- asking ----------------------------------------------------------------

static void ask_over(weir_call *call, int status) {
    wr_ask *ask = wr_container_of(call, wr_ask, call);
    wr_service *service = ask->service;
    service->asks--;
    ask->answered(ask, status);
    wr_work_pump(service);
    wr_service_flush(service);
}

static void ask_known(weir_get *get, int status) {
    wr_ask *ask = wr_container_of(get, wr_ask, get);
    weir_call_complete(&ask->call, status);
}

// A hit needs no call: most are.
static bool known_already(wr_service *service, wr_ask *ask) {
    weir_get *get = &ask->get;
    return weir_cache_find(service->cache, get->key, get->key_size,
                           &get->status, &get->entry) == 0;
}

int wr_ask_start(wr_service *service, wr_ask *ask, wr_model *model,
                 const wr_bound *bound, const uint8_t key[32]) {
    ask->service = service;
    ask->asked_ns = wr_service_now(service);
    ask->get = (weir_get)WEIR_GET_INIT(key, 32, ask_known);
    ask->get.priority = ask->priority;
    if (known_already(service, ask))
        return 0;
    wr_flight *flight = flight_create(service, model, bound);
    if (flight == NULL)
        return -ENOMEM;
    ask->get.argument = flight;
    ask->call = (weir_call)WEIR_CALL_INIT(NULL, ask_over);
    ask->call.site = &plan_site;
    int status = weir_call_expect(service->options.loop, &ask->call);
    if (status != 0) {
        flight_drop(service, flight);
        return status;
    }
    service->asks++;
    status = weir_cache_get(service->cache, &ask->get);
    if (!ask->get.leads)
        flight_drop(service, flight);
    // Known meanwhile, or refused: that answer too comes through the loop.
    if (status <= 0)
        weir_call_complete(&ask->call, status == 0 ? ask->get.status : status);
    return 1;
}

void wr_ask_leave(wr_ask *ask) {
    // Whatever it says: the answer comes once, by ask_known.
    (void)weir_get_cancel(ask->service->cache, &ask->get);
}

void wr_plan_prefetch(wr_service *service, wr_model *model,
                      const wr_bound *bound, const uint8_t key[32]) {
    wr_flight *flight = flight_create(service, model, bound);
    if (flight == NULL)
        return;
    weir_get get = WEIR_GET_INIT(key, 32, NULL);
    get.argument = flight;
    get.priority = WEIR_PRIORITY_LOW;
    if (weir_cache_prefetch(service->cache, &get) != 0 || !get.leads)
        flight_drop(service, flight);
}

int wr_answer(wr_ask *ask, int status, wr_compiled **compiled, wr_nn_why *why) {
    weir_entry *entry = ask->get.entry;
    if (entry != NULL)
        *compiled = weir_entry_value(entry);
    if (status == 0)
        return 0;
    if (entry != NULL && *compiled != NULL) {
        *why = (*compiled)->why;
    } else if (status == -ETIMEDOUT) {
        wr_nn_refuse(why, status, NULL, "compiling took longer than %lld ms",
                     (long long)(ask->service->options.compile_ns / 1000000));
    } else {
        wr_service_why(ask->service, status, why);
    }
    *compiled = NULL;
    weir_entry_release(entry);
    ask->get.entry = NULL;
    return status;
}
