// SPDX-License-Identifier: MIT
// Reading text in a picture, stage by stage:
//
//   prepare (pool) -> direction (infer, each line) -> scale (pool)
//       -> recognise (infer, each line) -> decode (pool) -> done
//
// Between stages it is on the loop's thread; `pending` counts what has to come
// back before the next stage begins. The first failure is the outcome, once
// everything has come back.
#include "programs/serve/reading.h"

#include "programs/nn/graph.h"

#include "weir/parallel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct line {
    wr_infer infer;
    wr_infer_tensor tensor;
    float *input;
    bool waits; // the service has the request
    bool asked; // the service has results that must be given back
} line;

typedef struct job {
    weir_call call; // prepare, scale, decode: one after the other
    wr_ocr *text;
    wr_picture picture;
    wr_box box[WR_TEXT_LINES_MAX];
    int count;
    line line[WR_TEXT_LINES_MAX];
    void (*next)(struct job *job); // when pending is 0
    int pending;
    bool on_pool; // the call is
    bool cancelled;
    int status;
    int64_t began_ns;
} job;

static const weir_site prepare_site = WEIR_SITE_INIT("text: prepare");
static const weir_site scale_site = WEIR_SITE_INIT("text: scale");
static const weir_site decode_site = WEIR_SITE_INIT("text: decode");

static void fail(job *j, int status, const wr_nn_why *why) {
    if (j->status != 0)
        return;
    j->status = status;
    j->text->why = *why;
}

// A request that a model did not take, or failed with. There are two models,
// and what they say does not always name them.
static void fail_asking(job *j, const char *model, int status,
                        const wr_nn_why *why) {
    if (status != -EINVAL && status != -ENOTSUP) {
        fail(j, status, why);
        return;
    }
    wr_nn_why named;
    fail(j,
         wr_nn_refuse(&named, status, NULL, "model '%.64s': %s", model,
                      why->text),
         &named);
}

// ---- from stage to stage, on the loop's thread -----------------------------

static void give_back(job *j) {
    for (int i = 0; i < j->count; i++) {
        if (j->line[i].asked)
            wr_service_infer_end(j->text->service, &j->line[i].infer);
        j->line[i].asked = false;
        free(j->line[i].input);
        j->line[i].input = NULL;
    }
}

static void end(job *j) {
    wr_ocr *text = j->text;
    int status = j->status;
    give_back(j);
    free(j->picture.pixel);
    free(j);
    text->private_ = NULL;
    if (status != 0)
        wr_ocr_end(text);
    text->done(text, status);
}

static void go_on(job *j) {
    if (j->pending > 0)
        return;
    if (j->status == 0 && j->cancelled) {
        wr_nn_why why;
        fail(j, wr_nn_refuse(&why, -ECANCELED, NULL, "the client left"), &why);
    }
    if (j->status != 0)
        end(j);
    else
        j->next(j);
}

static void call_done(weir_call *call, int status) {
    job *j = (job *)(void *)call;
    j->on_pool = false;
    j->pending--;
    if (status < 0 && j->status == 0) {
        wr_nn_why why = j->text->why;
        if (weir_call_outcome(call) != WEIR_OUTCOME_FAILED)
            (void)wr_nn_refuse(&why, status, NULL, "%s", weir_strerror(status));
        fail(j, status, &why);
    }
    go_on(j);
}

// Has `run` run on the pool, then `next` on the loop's thread.
static void compute(job *j, int (*run)(weir_worker *self, weir_call *call),
                    const weir_site *site, void (*next)(job *j)) {
    j->call = (weir_call)WEIR_CALL_INIT(run, call_done);
    j->call.site = site;
    j->next = next;
    j->pending = 1;
    j->on_pool = true;
    int error = weir_call_submit(j->text->loop, j->text->pool, &j->call);
    if (error == 0)
        return;
    wr_nn_why why;
    j->on_pool = false;
    j->pending = 0;
    fail(j, wr_nn_refuse(&why, error, NULL, "%s", weir_strerror(error)), &why);
    end(j);
}

static void infer_done(wr_infer *infer, int status) {
    line *l = (line *)(void *)infer;
    job *j = infer->context;
    l->waits = false;
    l->asked = true;
    j->pending--;
    if (status != 0)
        fail_asking(j, infer->model, status, &infer->why);
    go_on(j);
}

// Asks the service about each line, then `next`.
static void ask(job *j, const char *model, void (*next)(job *j)) {
    j->next = next;
    j->pending = 1; // this function
    for (int i = 0; i < j->count && j->status == 0; i++) {
        line *l = &j->line[i];
        l->infer = (wr_infer){.model = model,
                              .inputs = &l->tensor,
                              .count = 1,
                              .done = infer_done,
                              .context = j};
        l->tensor.data = l->input;
        wr_nn_why why;
        int error = wr_service_infer(j->text->service, &l->infer, &why);
        if (error != 0) {
            fail_asking(j, model, error, &why);
            break;
        }
        l->waits = true;
        j->pending++;
    }
    j->pending--;
    go_on(j);
}

// ---- the stages on the pool ------------------------------------------------

typedef struct scaling {
    job *j;
    int width; // of all lines, or 0: each its own
} scaling;

static int scale_lines(weir_worker *self, void *context, size_t from,
                       size_t to) {
    (void)self;
    const scaling *work = context;
    job *j = work->j;
    for (size_t i = from; i < to; i++) {
        line *l = &j->line[i];
        int used = wr_picture_width(
            &j->box[i], work->width != 0 ? work->width : WR_TEXT_WIDTH_MAX);
        int width = work->width;
        if (width == 0) {
            width = (used + WR_TEXT_STEP - 1) / WR_TEXT_STEP * WR_TEXT_STEP;
            width = width < 2 * WR_TEXT_STEP ? 2 * WR_TEXT_STEP : width;
        }
        size_t floats = (size_t)3 * WR_TEXT_HEIGHT * (size_t)width;
        l->input = malloc(floats * sizeof(float));
        if (l->input == NULL)
            return -ENOMEM;
        bool turned = j->text->lines[i].turned;
        wr_picture_scale(l->input, width, used, &j->picture, &j->box[i],
                         turned);
        l->tensor.shape =
            (wr_nn_shape){WR_NN_F32, 4, {1, 3, WR_TEXT_HEIGHT, width}};
    }
    return 0;
}

static int scale(weir_worker *self, job *j, int width) {
    scaling work = {j, width};
    int error =
        weir_parallel_for(self, 0, (size_t)j->count, scale_lines, &work);
    return error == -ENOMEM ? wr_nn_refuse(&j->text->why, error, NULL,
                                           "no memory for a line")
                            : error;
}

static int prepare_run(weir_worker *self, weir_call *call) {
    job *j = (job *)(void *)call;
    wr_ocr *text = j->text;
    int error =
        wr_picture_read(&j->picture, self, text->bytes, text->size, &text->why);
    if (error != 0)
        return error;
    int count = wr_picture_lines(&j->picture, self, j->box);
    if (count >= 0) {
        j->count = count;
        text->lines = calloc((size_t)count + 1, sizeof(*text->lines));
    }
    if (text->lines == NULL) {
        j->count = 0;
        return wr_nn_refuse(&text->why, -ENOMEM, NULL, "no memory for lines");
    }
    text->count = j->count;
    for (int i = 0; i < j->count; i++)
        text->lines[i].box = j->box[i];
    return scale(self, j,
                 text->direction != NULL ? WR_TEXT_DIRECTION_WIDTH : 0);
}

static int scale_run(weir_worker *self, weir_call *call) {
    return scale(self, (job *)(void *)call, 0);
}

static int decode_lines(weir_worker *self, void *context, size_t from,
                        size_t to) {
    (void)self;
    job *j = context;
    for (size_t i = from; i < to; i++) {
        const wr_infer_result *result = &j->line[i].infer.results[0];
        wr_ocr_line *out = &j->text->lines[i];
        int error = wr_letters_decode(&out->text, &out->sure, j->text->letters,
                                      result->data, (int)result->shape.dim[1],
                                      (int)result->shape.dim[2]);
        if (error != 0)
            return error;
    }
    return 0;
}

static int decode_run(weir_worker *self, weir_call *call) {
    job *j = (job *)(void *)call;
    int error = weir_parallel_for(self, 0, (size_t)j->count, decode_lines, j);
    return error == -ENOMEM ? wr_nn_refuse(&j->text->why, error, NULL,
                                           "no memory for a text")
                            : error;
}

// ---- the stages on the loop's thread ---------------------------------------

// Does a result look like what the stage needs?
static bool expect(job *j, int rank, const char *model) {
    for (int i = 0; i < j->count; i++) {
        const wr_infer *infer = &j->line[i].infer;
        const wr_nn_shape *shape =
            infer->results_count == 1 ? &infer->results[0].shape : NULL;
        if (shape != NULL && shape->type == WR_NN_F32 && shape->rank == rank &&
            shape->dim[0] == 1 && shape->dim[rank - 1] >= 2)
            continue;
        wr_nn_why why;
        fail(j,
             wr_nn_refuse(&why, -EINVAL, NULL,
                          "model '%s' is not what reading text needs: its "
                          "result has another shape",
                          model),
             &why);
        return false;
    }
    return true;
}

static void all_decoded(job *j) {
    j->text->decode_ns = weir_now_ns() - j->began_ns;
    end(j);
}

static void all_recognised(job *j) {
    int64_t now_ns = weir_now_ns();
    j->text->infer_ns += now_ns - j->began_ns;
    j->began_ns = now_ns;
    if (!expect(j, 3, j->text->recogniser))
        end(j);
    else
        compute(j, decode_run, &decode_site, all_decoded);
}

static void all_scaled(job *j) { ask(j, j->text->recogniser, all_recognised); }

static void all_directed(job *j) {
    if (!expect(j, 2, j->text->direction)) {
        end(j);
        return;
    }
    for (int i = 0; i < j->count; i++) {
        const float *likely = j->line[i].infer.results[0].data;
        j->text->lines[i].turned = likely[1] > 0.9f;
    }
    j->text->infer_ns = weir_now_ns() - j->began_ns;
    j->began_ns = weir_now_ns();
    give_back(j);
    compute(j, scale_run, &scale_site, all_scaled);
}

static void prepared(job *j) {
    int64_t now_ns = weir_now_ns();
    j->text->prepare_ns = now_ns - j->began_ns;
    j->began_ns = now_ns;
    if (j->count == 0)
        end(j);
    else if (j->text->direction != NULL)
        ask(j, j->text->direction, all_directed);
    else
        all_scaled(j);
}

// ---- the interface ---------------------------------------------------------

int wr_ocr_start(wr_ocr *text, wr_nn_why *why) {
    job *j = calloc(1, sizeof(*j));
    if (j == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory for a picture");
    text->lines = NULL;
    text->count = 0;
    text->prepare_ns = text->infer_ns = text->decode_ns = 0;
    j->text = text;
    j->began_ns = weir_now_ns();
    j->call = (weir_call)WEIR_CALL_INIT(prepare_run, call_done);
    j->call.site = &prepare_site;
    j->next = prepared;
    j->pending = 1;
    j->on_pool = true;
    int error = weir_call_submit(text->loop, text->pool, &j->call);
    if (error != 0) {
        free(j);
        return wr_nn_refuse(why, error, NULL, "%s", weir_strerror(error));
    }
    text->private_ = j;
    return 0;
}

void wr_ocr_cancel(wr_ocr *text) {
    job *j = text->private_;
    if (j == NULL || j->cancelled)
        return;
    j->cancelled = true;
    if (j->on_pool) {
        (void)weir_call_cancel(&j->call);
        return;
    }
    for (int i = 0; i < j->count; i++)
        if (j->line[i].waits)
            wr_service_infer_cancel(text->service, &j->line[i].infer);
}

void wr_ocr_end(wr_ocr *text) {
    for (int i = 0; i < text->count; i++)
        free(text->lines[i].text);
    free(text->lines);
    text->lines = NULL;
    text->count = 0;
}
