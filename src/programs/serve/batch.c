// SPDX-License-Identifier: MIT
//
// Requests of one line, run together: as many items as the first dimension has.
// Their inputs are put one behind the other by a job; their results are rows of
// the outputs, which they share. Sizes are powers of two, so that a line needs
// few plans; until the plan for a size is compiled its requests run singly.
#include "base/check.h"
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const weir_site gather_site = WEIR_SITE_INIT("gather a batch");

static wr_request *request_of(wr_work *work) {
    return wr_container_of(work, wr_request, work);
}

int wr_batch_wanted(const wr_compiled *line) {
    int limit = line->service->options.batch;
    int count = 0;
    for (wr_link *l = line->works.next; l != &line->works && count < limit;
         l = l->next) {
        if (!wr_container_of(l, wr_work, link)->batches)
            break;
        count++;
    }
    return count;
}

// ---- bigger plans ----------------------------------------------------------

static bool rows(const wr_nn_shape *one, const wr_nn_shape *many, int count) {
    wr_nn_shape wanted = *one;
    if (one->rank < 1 || one->dim[0] != 1)
        return false;
    wanted.dim[0] = count;
    return wr_nn_same_shape(&wanted, many);
}

// A model may have outputs in which there is no first dimension to share out.
static bool fits(const wr_nn_plan *one, const wr_nn_plan *many, int count) {
    for (int i = 0; i < one->inputs; i++)
        if (!rows(&one->input[i], &many->input[i], count))
            return false;
    for (int i = 0; i < one->outputs; i++)
        if (!rows(&one->output[i], &many->output[i], count))
            return false;
    return true;
}

// The entry of the line's plan for so many items, if it is compiled and fits.
// Otherwise it is compiled, once, beside what goes on.
static weir_entry *bigger_find(wr_compiled *line, wr_bigger *bigger,
                               int count) {
    if (bigger->state == WR_BIGGER_NEVER)
        return NULL;
    wr_service *service = line->service;
    wr_work *first = wr_container_of(line->works.next, wr_work, link);
    wr_bound *bound = wr_bound_copy(request_of(first)->bound, count);
    if (bound == NULL)
        return NULL;
    if (bigger->state == WR_BIGGER_NEW)
        wr_plan_key(service, bigger->key, line->model, bound);
    int status = 0;
    weir_entry *entry = NULL;
    int found =
        weir_cache_find(service->cache, bigger->key, 32, &status, &entry);
    if (found == -ENOENT && bigger->state == WR_BIGGER_NEW &&
        service->stopping == 0) {
        wr_plan_prefetch(service, line->model, bound, bigger->key);
        bigger->state = WR_BIGGER_ASKED;
    } else if (found == -ENOENT) {
        bigger->state = WR_BIGGER_NEVER; // it failed, or is not kept
    } else if (found == 0) {
        wr_compiled *compiled = entry == NULL ? NULL : weir_entry_value(entry);
        bool good = status == 0 && fits(line->plan, compiled->plan, count);
        bigger->state = good ? WR_BIGGER_NEW : WR_BIGGER_NEVER;
        if (!good) {
            weir_entry_release(entry);
            entry = NULL;
        }
    }
    wr_bound_free(bound);
    return entry;
}

// ---- memory ----------------------------------------------------------------

void wr_batch_give_back(wr_batch *batch) {
    if (--batch->users > 0)
        return;
    free(batch->memory);
    wr_free(batch);
}

// All the memory that the batch will need.
static wr_batch *batch_create(wr_compiled *line, const wr_nn_plan *plan,
                              int count) {
    size_t inputs = (size_t)plan->inputs, outputs = (size_t)plan->outputs;
    size_t tables = inputs * (sizeof(void *) + sizeof(size_t)) +
                    outputs * (sizeof(void *) + sizeof(size_t));
    wr_batch *batch = wr_calloc(1, sizeof(*batch) + tables);
    if (batch == NULL)
        return NULL;
    batch->input = (const void **)(void *)(batch + 1);
    batch->output = (void **)(void *)(batch->input + inputs);
    batch->input_row = (size_t *)(void *)(batch->output + outputs);
    batch->output_row = batch->input_row + inputs;
    size_t total = 0;
    for (size_t i = 0; i < inputs; i++) {
        batch->input_row[i] = wr_nn_bytes(&line->plan->input[i]);
        total += wr_room_round(batch->input_row[i] * (size_t)count);
    }
    for (size_t i = 0; i < outputs; i++) {
        batch->output_row[i] = wr_nn_bytes(&line->plan->output[i]);
        total += wr_room_round(batch->output_row[i] * (size_t)count);
    }
    batch->memory = wr_room_alloc(total);
    if (batch->memory == NULL) {
        wr_free(batch);
        return NULL;
    }
    unsigned char *at = batch->memory;
    for (size_t i = 0; i < inputs; i++) {
        batch->input[i] = at;
        at += wr_room_round(batch->input_row[i] * (size_t)count);
    }
    for (size_t i = 0; i < outputs; i++) {
        batch->output[i] = at;
        at += wr_room_round(batch->output_row[i] * (size_t)count);
    }
    batch->inputs = plan->inputs;
    batch->outputs = plan->outputs;
    batch->count = count;
    batch->left = count;
    batch->users = 1;
    return batch;
}

// ---- members ---------------------------------------------------------------

static void member_end(wr_batch *batch, int place, int status) {
    wr_request *request = batch->member[place];
    batch->member[place] = NULL;
    batch->left--;
    request->batch = NULL;
    wr_request_end(request, status);
}

void wr_batch_leave(wr_request *request) {
    wr_batch *batch = request->batch;
    // Its input is being read: gather_done lets it go.
    if (!batch->gathered)
        return;
    member_end(batch, request->place, request->leaving);
    if (batch->left == 0)
        wr_nn_run_cancel(&batch->work.run);
}

static void member_succeed(wr_batch *batch, int place) {
    wr_request *request = batch->member[place];
    for (int i = 0; i < batch->outputs; i++)
        request->outputs[i] = (unsigned char *)batch->output[i] +
                              (size_t)place * batch->output_row[i];
    batch->users++; // given back by wr_service_infer_end
    wr_request_succeed(request, batch->count, batch->work.run.run_ns);
}

static void batch_ended(wr_work *work, int status) {
    wr_batch *batch = wr_container_of(work, wr_batch, work);
    for (int i = 0; i < batch->count; i++) {
        if (batch->member[i] == NULL)
            continue;
        if (status == 0)
            member_succeed(batch, i);
        else
            member_end(batch, i, status);
    }
    wr_batch_give_back(batch);
}

// ---- gathering -------------------------------------------------------------

static int gather_run(weir_worker *self, weir_call *call) {
    (void)self;
    wr_batch *batch = wr_container_of(call, wr_batch, gather);
    for (int place = 0; place < batch->count; place++) {
        wr_request *request = batch->member[place];
        for (int i = 0; i < batch->inputs; i++) {
            size_t row = batch->input_row[i];
            unsigned char *to = (unsigned char *)(uintptr_t)batch->input[i];
            memcpy(to + (size_t)place * row, request->bound->data[i], row);
        }
    }
    return 0;
}

static void gather_done(weir_call *call, int status) {
    wr_batch *batch = wr_container_of(call, wr_batch, gather);
    wr_service *service = batch->work.service;
    batch->gathered = true;
    for (int i = 0; i < batch->count; i++)
        if (batch->member[i]->leaving != 0)
            member_end(batch, i, batch->member[i]->leaving);
    if (batch->left == 0)
        status = -ECANCELED;
    if (status != 0) {
        wr_work_over(&batch->work, status);
    } else {
        service->counts.batches++;
        service->counts.batched += (uint64_t)batch->left;
        wr_work_begin(&batch->work);
    }
    wr_work_pump(service);
    wr_service_flush(service);
}

static void join(wr_batch *batch, wr_compiled *line, int place) {
    wr_work *work = wr_work_take(line);
    wr_request *request = request_of(work);
    for (int i = 0; i < batch->outputs; i++)
        request->list[i].shape = line->plan->output[i];
    // The last one's keeps the line until all have joined.
    batch->base[place] = work->entry;
    work->entry = NULL;
    work->compiled = NULL;
    work->state = WR_WORK_IDLE;
    request->state = WR_REQUEST_JOINED;
    request->batch = batch;
    request->place = place;
    wr_request_begun(request, batch->work.begun_ns);
    batch->member[place] = request;
    if (request->infer->priority > batch->work.run.priority)
        batch->work.run.priority = request->infer->priority;
}

static bool batch_begin(wr_compiled *line, weir_entry *entry, int count) {
    wr_service *service = line->service;
    wr_compiled *compiled = weir_entry_value(entry);
    wr_batch *batch = batch_create(line, compiled->plan, count);
    if (batch == NULL) {
        weir_entry_release(entry);
        return false;
    }
    batch->work.service = service;
    batch->work.entry = entry;
    batch->work.compiled = compiled;
    batch->work.ended = batch_ended;
    batch->work.run.input = batch->input;
    batch->work.run.output = batch->output;
    batch->work.run.priority = WEIR_PRIORITY_LOW;
    wr_work_claim(&batch->work);
    for (int i = 0; i < count; i++)
        join(batch, line, i);
    for (int i = 0; i < count; i++)
        weir_entry_release(batch->base[i]);
    batch->gather = (weir_call)WEIR_CALL_INIT(gather_run, gather_done);
    batch->gather.site = &gather_site;
    batch->gather.priority = batch->work.run.priority;
    int error = weir_call_submit(service->options.loop, service->options.pool,
                                 &batch->gather);
    if (error != 0) {
        batch->gathered = true;
        wr_work_over(&batch->work, error);
    }
    return true;
}

bool wr_batch_try(wr_compiled *line) {
    int wanted = wr_batch_wanted(line);
    for (int step = WR_BATCH_STEPS; step > 0; step--) {
        int count = 1 << step;
        if (count > wanted)
            continue;
        weir_entry *entry = bigger_find(line, &line->bigger[step - 1], count);
        if (entry != NULL)
            return batch_begin(line, entry, count);
    }
    return false;
}
