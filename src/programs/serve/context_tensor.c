// SPDX-License-Identifier: MIT
//
// Tensors: their bytes, and the steps that write, read and destroy them.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- bytes -----------------------------------------------------------------

static wr_buffer *buffer_of(void *data, size_t size) {
    wr_buffer *buffer = data == NULL ? NULL : wr_calloc(1, sizeof(*buffer));
    if (buffer == NULL) {
        free(data);
        return NULL;
    }
    *buffer = (wr_buffer){.refs = 1, .size = size, .data = data};
    return buffer;
}

wr_buffer *wr_buffer_create(size_t size) {
    return buffer_of(wr_room_alloc(size), size);
}

wr_buffer *wr_buffer_keep(wr_buffer *buffer) {
    buffer->refs++;
    return buffer;
}

void wr_buffer_release(wr_buffer *buffer) {
    if (buffer == NULL || --buffer->refs > 0)
        return;
    free(buffer->data);
    wr_free(buffer);
}

wr_buffer *wr_tensor_bytes(wr_tensor *tensor) {
    if (tensor->content == NULL)
        tensor->content = buffer_of(wr_calloc(1, tensor->bytes), tensor->bytes);
    return tensor->content;
}

void wr_tensor_put(wr_tensor *tensor, wr_buffer *content) {
    wr_buffer_release(tensor->content);
    tensor->content = content;
    tensor->failed = 0;
}

void wr_tensor_flag(wr_tensor *tensor, int status, const wr_nn_why *why) {
    wr_tensor_put(tensor, NULL);
    tensor->failed = status;
    tensor->why = *why;
}

void wr_tensor_free(wr_tensor *tensor) {
    wr_buffer_release(tensor->content);
    wr_free(tensor);
}

// ---- create ----------------------------------------------------------------

wr_tensor *wr_tensor_find(wr_context *context, uint64_t id, wr_nn_why *why) {
    wr_tensor *tensor = wr_ids_find(&context->tensors, id);
    if (tensor == NULL)
        wr_nn_refuse(why, -ENOENT, NULL, "no tensor %llu",
                     (unsigned long long)id);
    return tensor;
}

static int room_for(const wr_context *context, size_t bytes, wr_nn_why *why) {
    size_t limit = context->service->options.context_bytes;
    if (bytes > limit)
        return wr_nn_refuse(why, -E2BIG, NULL,
                            "%zu bytes; a context has %zu at most", bytes,
                            limit);
    size_t held = context->bytes + context->graph_bytes;
    if (held > limit - bytes)
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "%zu bytes; the context has %zu of %zu already",
                            bytes, held, limit);
    return 0;
}

static int create_check(const wr_context *context, const wr_nn_shape *shape,
                        wr_nn_why *why) {
    const wr_service *service = context->service;
    int error = wr_service_refusal(service, why);
    if (error == 0)
        error = wr_shape_check(shape, service->options.tensor_bytes,
                               "the tensor", why);
    if (error != 0)
        return error;
    if (context->tensors.count >= service->options.tensors)
        return wr_nn_refuse(why, -EAGAIN, NULL,
                            "the context has %d tensors already",
                            context->tensors.count);
    return room_for(context, wr_nn_bytes(shape), why);
}

int wr_tensor_create(wr_context *context, const wr_nn_shape *shape,
                     uint64_t *id, wr_nn_why *why) {
    int error = create_check(context, shape, why);
    if (error != 0)
        return error;
    wr_tensor *tensor = wr_calloc(1, sizeof(*tensor));
    if (tensor != NULL)
        tensor->id = wr_ids_add(&context->tensors, tensor);
    if (tensor == NULL || tensor->id == 0) {
        wr_free(tensor);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    tensor->shape = *shape;
    tensor->bytes = wr_nn_bytes(shape);
    wr_thing_init(&tensor->thing);
    context->bytes += tensor->bytes;
    *id = tensor->id;
    return 0;
}

// ---- write -----------------------------------------------------------------

typedef struct write_step {
    wr_operation operation;
    wr_touch touch;
    wr_tensor *tensor;
    wr_buffer *content;
} write_step;

static write_step *write_of(wr_operation *operation) {
    return wr_container_of(operation, write_step, operation);
}

static bool write_begin(wr_operation *operation) {
    write_step *write = write_of(operation);
    operation->home->bytes -= write->tensor->bytes;
    wr_tensor_put(write->tensor, write->content);
    return true;
}

static void write_finish(wr_operation *operation) {
    wr_free(write_of(operation));
}

static void write_drop(wr_operation *operation, int status) {
    (void)status;
    wr_buffer_release(write_of(operation)->content);
    wr_free(write_of(operation));
}

static const wr_step_kind write_kind = {write_begin, write_finish, write_drop};

static int write_check(wr_context *context, uint64_t id, const void *bytes,
                       size_t size, wr_tensor **tensor, wr_nn_why *why) {
    int error = wr_operation_room(context, why);
    if (error != 0)
        return error;
    *tensor = wr_tensor_find(context, id, why);
    if (*tensor == NULL)
        return -ENOENT;
    if (bytes == NULL || size != (*tensor)->bytes)
        return wr_nn_refuse(
            why, -EINVAL, NULL, "%zu bytes for tensor %llu, which has %zu",
            bytes == NULL ? 0 : size, (unsigned long long)id, (*tensor)->bytes);
    // One that waits for its turn takes room beside what it will replace.
    if (!wr_thing_idle(&(*tensor)->thing))
        return room_for(context, size, why);
    return 0;
}

static void write_add(wr_context *context, wr_tensor *tensor, write_step *write,
                      wr_buffer *content) {
    write->tensor = tensor;
    write->content = content;
    write->touch = (wr_touch){.thing = &tensor->thing, .writes = true};
    context->bytes += tensor->bytes;
    context->service->counts.writes++;
    wr_operation_add(&write->operation, context, &write_kind, &write->touch, 1);
}

int wr_tensor_write(wr_context *context, uint64_t id, const void *bytes,
                    size_t size, wr_nn_why *why) {
    wr_tensor *tensor = NULL;
    int error = write_check(context, id, bytes, size, &tensor, why);
    if (error != 0)
        return error;
    write_step *write = wr_calloc(1, sizeof(*write));
    wr_buffer *content = write == NULL ? NULL : wr_buffer_create(size);
    if (content == NULL) {
        wr_free(write);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    memcpy(content->data, bytes, size);
    write_add(context, tensor, write, content);
    return 0;
}

int wr_tensor_write_take(wr_context *context, uint64_t id, void *bytes,
                         size_t size, wr_nn_why *why) {
    wr_tensor *tensor = NULL;
    int error = write_check(context, id, bytes, size, &tensor, why);
    if (error != 0)
        return error;
    write_step *write = wr_calloc(1, sizeof(*write));
    wr_buffer *content = wr_calloc(1, sizeof(*content));
    if (content == NULL || write == NULL) {
        wr_free(content);
        wr_free(write);
        *why = wr_no_memory;
        return -ENOMEM;
    }
    *content = (wr_buffer){.refs = 1, .size = size, .data = bytes};
    write_add(context, tensor, write, content);
    return 0;
}

// ---- read ------------------------------------------------------------------

typedef struct read_step {
    wr_operation operation; // home is NULL once it has ended
    wr_touch touch;
    wr_tensor *tensor;
    wr_read *read;
    wr_service *service;
    wr_ending ending;
    int status;
    wr_buffer *content;
} read_step;

static read_step *read_of(wr_operation *operation) {
    return wr_container_of(operation, read_step, operation);
}

static void read_deliver(wr_ending *ending) {
    read_step *step = wr_container_of(ending, read_step, ending);
    step->service->counts.reads++;
    step->read->done(step->read, step->status);
}

static void read_answer(read_step *step, int status) {
    step->status = status;
    step->operation.home = NULL;
    if (status != 0)
        wr_service_why(step->service, status, &step->read->why);
    wr_service_end(step->service, &step->ending);
}

static bool read_begin(wr_operation *operation) {
    read_step *step = read_of(operation);
    wr_tensor *tensor = step->tensor;
    wr_read *read = step->read;
    read->shape = tensor->shape;
    if (tensor->failed != 0) {
        read->why = tensor->why;
        step->status = tensor->failed;
        return true;
    }
    wr_buffer *content = wr_tensor_bytes(tensor);
    if (content == NULL) {
        step->status = -ENOMEM;
        return true;
    }
    step->content = wr_buffer_keep(content);
    read->data = content->data;
    read->size = content->size;
    step->status = 0;
    return true;
}

static void read_finish(wr_operation *operation) {
    read_answer(read_of(operation), read_of(operation)->status);
}

static void read_drop(wr_operation *operation, int status) {
    if (status == -ECANCELED)
        wr_nn_refuse(&read_of(operation)->read->why, status, NULL,
                     "the context was destroyed");
    read_answer(read_of(operation), status);
}

static const wr_step_kind read_kind = {read_begin, read_finish, read_drop};

int wr_tensor_read(wr_context *context, uint64_t id, wr_read *read,
                   wr_nn_why *why) {
    read->private_ = NULL;
    int error = wr_operation_room(context, why);
    if (error != 0)
        return error;
    wr_tensor *tensor = wr_tensor_find(context, id, why);
    if (tensor == NULL)
        return -ENOENT;
    read_step *step = wr_calloc(1, sizeof(*step));
    if (step == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    step->tensor = tensor;
    step->read = read;
    step->service = context->service;
    step->ending.deliver = read_deliver;
    step->touch = (wr_touch){.thing = &tensor->thing};
    read->why.text[0] = 0;
    read->data = NULL;
    read->size = 0;
    read->private_ = step;
    wr_operation_add(&step->operation, context, &read_kind, &step->touch, 1);
    return 0;
}

void wr_read_cancel(wr_read *read) {
    read_step *step = read->private_;
    if (step == NULL || step->operation.home == NULL)
        return;
    wr_context *context = step->operation.home;
    wr_nn_refuse(&read->why, -ECANCELED, NULL, "the client left");
    wr_timeline_end(&context->timeline, &step->operation.step);
    read_answer(step, -ECANCELED);
    wr_context_pump(context);
    wr_work_pump(context->service);
}

void wr_read_end(wr_read *read) {
    read_step *step = read->private_;
    if (step == NULL)
        return;
    wr_buffer_release(step->content);
    wr_free(step);
    read->private_ = NULL;
    read->data = NULL;
    read->size = 0;
}

// ---- destroy ---------------------------------------------------------------

typedef struct destroy_step {
    wr_operation operation;
    wr_touch touch;
    wr_tensor *tensor;
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
    operation->home->bytes -= step->tensor->bytes;
    wr_tensor_free(step->tensor);
    wr_free(step);
}

static void destroy_drop(wr_operation *operation, int status) {
    (void)status;
    wr_tensor_free(destroy_of(operation)->tensor);
    wr_free(destroy_of(operation));
}

static const wr_step_kind destroy_kind = {destroy_begin, destroy_finish,
                                          destroy_drop};

int wr_tensor_destroy(wr_context *context, uint64_t id, wr_nn_why *why) {
    int error = wr_operation_room(context, why);
    if (error != 0)
        return error;
    wr_tensor *tensor = wr_tensor_find(context, id, why);
    if (tensor == NULL)
        return -ENOENT;
    destroy_step *step = wr_calloc(1, sizeof(*step));
    if (step == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    step->tensor = tensor;
    step->touch = (wr_touch){.thing = &tensor->thing, .writes = true};
    wr_ids_remove(&context->tensors, id);
    wr_operation_add(&step->operation, context, &destroy_kind, &step->touch, 1);
    return 0;
}
