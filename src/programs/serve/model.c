// SPDX-License-Identifier: MIT
//
// Models: content that is held once, and names for it.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const weir_site read_site = WEIR_SITE_INIT("read a model");

// ---- content ---------------------------------------------------------------

wr_model *wr_model_keep(wr_model *model) {
    wr_mutex_lock(&model->service->lock);
    model->refs++;
    wr_mutex_unlock(&model->service->lock);
    return model;
}

void wr_model_release(wr_model *model) {
    if (model == NULL)
        return;
    wr_service *service = model->service;
    wr_mutex_lock(&service->lock);
    bool last = --model->refs == 0;
    if (last) {
        wr_list_remove(&model->link);
        service->contents_bytes -= model->bytes;
    }
    wr_mutex_unlock(&service->lock);
    if (!last)
        return;
    wr_nn_graph_destroy(model->graph);
    wr_free(model);
}

// Called with the lock held.
static wr_model *content_find(wr_service *service, const uint8_t digest[32]) {
    for (wr_link *l = service->contents.next; l != &service->contents;
         l = l->next) {
        wr_model *model = wr_container_of(l, wr_model, link);
        if (memcmp(model->graph->digest, digest, 32) == 0)
            return model;
    }
    return NULL;
}

static int too_many_bytes(wr_service *service, const wr_model *fresh,
                          wr_nn_why *why) {
    size_t limit = service->options.models_bytes;
    bool never = fresh->bytes > limit;
    return wr_nn_refuse(
        why, never ? -E2BIG : -EAGAIN, NULL,
        "the model takes %zu bytes; %s %zu bytes for models", fresh->bytes,
        never ? "there are" : "not that much is left of", limit);
}

// The one model with the content of `graph`, which goes if there was one.
static int content_enter(wr_service *service, wr_nn_graph *graph,
                         wr_model **out, wr_nn_why *why) {
    wr_model *fresh = wr_calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        wr_nn_graph_destroy(graph);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    *fresh = (wr_model){.refs = 1,
                        .service = service,
                        .graph = graph,
                        .bytes = wr_nn_graph_bytes(graph)};
    wr_list_init(&fresh->lines);
    wr_mutex_lock(&service->lock);
    wr_model *model = content_find(service, graph->digest);
    bool room = model != NULL ||
                (service->contents_bytes <= service->options.models_bytes &&
                 fresh->bytes <=
                     service->options.models_bytes - service->contents_bytes);
    if (model != NULL) {
        model->refs++;
    } else if (room) {
        model = fresh;
        wr_list_push_back(&service->contents, &model->link);
        service->contents_bytes += model->bytes;
    }
    wr_mutex_unlock(&service->lock);
    *out = model;
    if (model == fresh)
        return 0;
    int error = room ? 0 : too_many_bytes(service, fresh, why);
    wr_nn_graph_destroy(graph);
    wr_free(fresh);
    return error;
}

// ---- reading ---------------------------------------------------------------

static int read_graph(wr_reading *reading, wr_nn_graph **graph) {
    wr_service *service = reading->service;
    wr_mutex_lock(&service->lock);
    bool aborting = service->aborting;
    wr_mutex_unlock(&service->lock);
    if (aborting)
        return -ESHUTDOWN;
    wr_nn_limits limits = WR_NN_LIMITS_INIT;
    limits.bytes_max = service->options.model_bytes;
    limits.tensor_max = service->options.tensor_bytes;
    return wr_nn_onnx_read(graph, reading->bytes, reading->size, &limits,
                           &reading->why);
}

static int reading_run(weir_worker *self, weir_job *job) {
    (void)self;
    wr_reading *reading = wr_container_of(job, wr_reading, job);
    wr_nn_graph *graph = NULL;
    int status = read_graph(reading, &graph);
    return status != 0 ? status
                       : content_enter(reading->service, graph, &reading->model,
                                       &reading->why);
}

static void reading_known(wr_reading *reading, int status) {
    reading->status = status;
    free(reading->bytes);
    reading->bytes = NULL;
    weir_call_complete(&reading->call, 0);
}

static void reading_share(wr_reading *reading, int status);

static void reading_ended(weir_job *job, int status) {
    wr_reading *reading = wr_container_of(job, wr_reading, job);
    reading_share(reading, status);
    reading_known(reading, status);
}

static void reading_submit(wr_reading *reading) {
    reading->job = (weir_job)WEIR_JOB_INIT(reading_run, reading_ended);
    reading->job.name = "read a model";
    int error = weir_submit(reading->service->options.pool, &reading->job);
    if (error != 0)
        reading_ended(&reading->job, error);
}

// Whether two files look the same: some of their bytes do.
static bool alike(const wr_reading *a, const wr_reading *b) {
    enum { SAMPLES = 32, SAMPLE = 64 };
    if (a->size != b->size)
        return false;
    size_t size = a->size < SAMPLE ? a->size : SAMPLE;
    size_t step = (a->size - size) / (SAMPLES - 1);
    for (size_t i = 0; i < SAMPLES; i++)
        if (memcmp((const char *)a->bytes + i * step,
                   (const char *)b->bytes + i * step, size) != 0)
            return false;
    return true;
}

// reading_follows: it looks like one that has not ended, and waits for that.
// Otherwise others may follow it.
static bool reading_follows(wr_reading *reading) {
    wr_service *service = reading->service;
    wr_reading *leader = NULL;
    wr_mutex_lock(&service->lock);
    for (wr_link *l = service->readers.next; l != &service->readers;
         l = l->next)
        if (alike(wr_container_of(l, wr_reading, link), reading))
            leader = wr_container_of(l, wr_reading, link);
    wr_list_push_back(leader != NULL ? &leader->followers : &service->readers,
                      &reading->link);
    wr_mutex_unlock(&service->lock);
    return leader != NULL;
}

// Followers get what their leader has got if they really are the same;
// otherwise each is read for itself, and followed by nobody.
static void reading_share(wr_reading *reading, int status) {
    wr_link followers;
    wr_list_init(&followers);
    wr_mutex_lock(&reading->service->lock);
    if (wr_link_linked(&reading->link))
        wr_list_remove(&reading->link);
    wr_list_splice_back(&followers, &reading->followers);
    wr_mutex_unlock(&reading->service->lock);
    for (wr_link *l; (l = wr_list_pop_front(&followers)) != NULL;) {
        wr_reading *follower = wr_container_of(l, wr_reading, link);
        if (memcmp(follower->bytes, reading->bytes, reading->size) != 0) {
            reading_submit(follower);
            continue;
        }
        follower->why = reading->why;
        if (reading->model != NULL)
            follower->model = wr_model_keep(reading->model);
        reading_known(follower, status);
    }
}

static void reading_done(weir_call *call, int status) {
    wr_reading *reading = wr_container_of(call, wr_reading, call);
    wr_service *service = reading->service;
    (void)status; // it is the reading's
    service->readings--;
    if (reading->status != 0)
        wr_service_why(service, reading->status, &reading->why);
    reading->done(reading);
    wr_work_pump(service);
    wr_service_flush(service);
}

int wr_reading_start(wr_service *service, wr_reading *reading, void *bytes,
                     size_t size, wr_nn_why *why) {
    if (bytes == NULL || size == 0)
        return wr_nn_refuse(why, -EINVAL, NULL, "the model is empty");
    if (size > service->options.model_bytes)
        return wr_nn_refuse(why, -E2BIG, NULL,
                            "the model has %zu bytes, more than %zu", size,
                            service->options.model_bytes);
    if (service->readings >= service->options.requests)
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "%d models are being read already",
                            service->readings);
    reading->call = (weir_call)WEIR_CALL_INIT(NULL, reading_done);
    reading->call.site = &read_site;
    wr_list_init(&reading->followers);
    reading->service = service;
    reading->bytes = bytes;
    reading->size = size;
    int error = weir_call_expect(service->options.loop, &reading->call);
    if (error != 0)
        return wr_nn_refuse(why, error, NULL, "the service is stopping");
    if (!reading_follows(reading))
        reading_submit(reading);
    service->readings++;
    return 0;
}

// ---- names -----------------------------------------------------------------

// Where the name is, or belongs.
static int name_place(const wr_service *service, const char *text) {
    int low = 0;
    for (int high = service->names; low < high;) {
        int middle = low + (high - low) / 2;
        if (strcmp(service->name[middle]->text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

wr_name *wr_name_find(const wr_service *service, const char *text) {
    int place = name_place(service, text);
    if (place == service->names ||
        strcmp(service->name[place]->text, text) != 0)
        return NULL;
    return service->name[place];
}

static int name_check(const char *text, wr_nn_why *why) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || length > WR_NAME_MAX || strspn(text, allowed) != length)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "a model's name is 1 to %d of A-Z a-z 0-9 . _ -",
                            WR_NAME_MAX);
    return 0;
}

static int name_room(wr_service *service) {
    if (service->names < service->names_room)
        return 0;
    int room = service->names_room == 0 ? 16 : service->names_room * 2;
    wr_name **more = realloc(service->name, (size_t)room * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    service->name = more;
    service->names_room = room;
    return 0;
}

static int name_enter(wr_service *service, const char *text, wr_name **out,
                      wr_nn_why *why) {
    if (service->names >= service->options.models)
        return wr_nn_refuse(why, -EAGAIN, NULL, "all %d names are in use",
                            service->options.models);
    wr_name *name = wr_calloc(1, sizeof(*name));
    if (name == NULL || name_room(service) != 0) {
        wr_free(name);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    strcpy(name->text, text);
    wr_list_init(&name->loads);
    wr_list_init(&name->waiting);
    int place = name_place(service, text);
    memmove(&service->name[place + 1], &service->name[place],
            (size_t)(service->names - place) * sizeof(service->name[0]));
    service->name[place] = name;
    service->names++;
    *out = name;
    return 0;
}

static void name_remove(wr_service *service, wr_name *name) {
    int place = name_place(service, name->text);
    service->names--;
    memmove(&service->name[place], &service->name[place + 1],
            (size_t)(service->names - place) * sizeof(service->name[0]));
    wr_model_release(name->model);
    wr_free(name);
}

void wr_names_destroy(wr_service *service) {
    while (service->names > 0)
        name_remove(service, service->name[0]);
    free(service->name);
}

// Those who wait for the name's first model learn what has become of it.
static void name_tell(wr_name *name, int status, const wr_nn_why *why) {
    for (wr_link *l; (l = wr_list_pop_front(&name->waiting)) != NULL;) {
        wr_model_wait *wait = wr_container_of(l, wr_model_wait, link);
        wait->known(wait, name, name->model, status, why);
    }
}

// ---- loads -----------------------------------------------------------------

typedef struct load_task {
    wr_reading reading;
    wr_ending ending;
    wr_link link; // in name->loads
    wr_name *name;
    wr_upload *load;
    bool replace;
    bool read;
} load_task;

static void load_deliver(wr_ending *ending) {
    load_task *task = wr_container_of(ending, load_task, ending);
    wr_service *service = task->reading.service;
    wr_upload *load = task->load;
    int status = task->reading.status;
    load->why = task->reading.why;
    load->private_ = NULL;
    service->counts.loads++;
    service->counts.loads_failed += status != 0;
    wr_model_release(task->reading.model);
    wr_free(task);
    load->done(load, status);
}

static void digest_text(char text[65], const uint8_t digest[32]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[64] = 0;
}

// load_settle gives the name its content, or not.
static void load_settle(load_task *task) {
    wr_name *name = task->name;
    wr_model *model = task->reading.model;
    if (task->reading.status != 0)
        return;
    digest_text(task->load->digest, model->graph->digest);
    task->load->fresh = name->model != model;
    if (name->model != NULL && name->model != model && !task->replace) {
        char digest[65];
        digest_text(digest, name->model->graph->digest);
        task->reading.status = wr_nn_refuse(
            &task->reading.why, -EEXIST, NULL,
            "the name '%s' has other content: %.16s..., not %.16s...",
            name->text, digest, task->load->digest);
        return;
    }
    if (name->model == model)
        return;
    wr_model *before = name->model;
    name->model = wr_model_keep(model);
    wr_model_release(before);
}

// Loads of one name take effect in the order of the calls, whichever is read
// first: which of two contents wins does not depend on timing.
static void load_read(wr_reading *reading) {
    load_task *task = wr_container_of(reading, load_task, reading);
    wr_service *service = reading->service;
    wr_name *name = task->name;
    task->read = true;
    while (!wr_list_empty(&name->loads)) {
        task = wr_container_of(name->loads.next, load_task, link);
        if (!task->read)
            return;
        wr_list_remove(&task->link);
        load_settle(task);
        if (name->model != NULL)
            name_tell(name, 0, NULL);
        else if (wr_list_empty(&name->loads))
            name_tell(name, task->reading.status, &task->reading.why);
        wr_service_end(service, &task->ending);
    }
    if (name->model == NULL)
        name_remove(service, name);
}

int wr_service_load_take(wr_service *service, wr_upload *load, const char *name,
                         void *bytes, size_t size, int replace,
                         wr_nn_why *why) {
    int error = wr_service_refusal(service, why);
    if (error == 0)
        error = name_check(name, why);
    if (error != 0)
        return error;
    load_task *task = wr_calloc(1, sizeof(*task));
    if (task == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    task->name = wr_name_find(service, name);
    bool known = task->name != NULL;
    if (!known)
        error = name_enter(service, name, &task->name, why);
    task->load = load;
    task->replace = replace != 0;
    task->ending.deliver = load_deliver;
    task->reading.done = load_read;
    if (error == 0) {
        error = wr_reading_start(service, &task->reading, bytes, size, why);
        if (error != 0 && !known)
            name_remove(service, task->name);
    }
    if (error != 0) {
        wr_free(task);
        return error;
    }
    wr_list_push_back(&task->name->loads, &task->link);
    load->private_ = task;
    return 0;
}

int wr_service_unload(wr_service *service, const char *text, wr_nn_why *why) {
    wr_name *name = text == NULL ? NULL : wr_name_find(service, text);
    if (name == NULL)
        return wr_nn_refuse(why, -ENOENT, NULL, "no model '%.*s'", WR_NAME_MAX,
                            text == NULL ? "" : text);
    if (!wr_list_empty(&name->loads))
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "the model '%s' is still being loaded", text);
    name_remove(service, name);
    return 0;
}

void wr_service_models(wr_service *service,
                       int (*visit)(void *context, const wr_model_info *info),
                       void *context) {
    for (int i = 0; i < service->names; i++) {
        wr_name *name = service->name[i];
        if (name->model == NULL)
            continue;
        wr_model_info info = {.name = name->text,
                              .bytes = name->model->bytes,
                              .nodes = name->model->graph->nodes,
                              .graph = name->model->graph,
                              .requests = name->requests};
        digest_text(info.digest, info.graph->digest);
        if (visit(context, &info) != 0)
            return;
    }
}
