// SPDX-License-Identifier: MIT
//
// Which plan runs next. Work waits in its plan's line, lines in their model's
// list, models in `turns`; each gets one turn, then the next model's next line
// has its own. So a burst for one model delays another by one run, not by all
// of them, and within a line the first is the first.
#include "base/check.h"
#include "base/histogram.h"
#include "programs/serve/types.h"

#include <errno.h>

static const weir_site run_site = WEIR_SITE_INIT("run a plan");

// ---- lines -----------------------------------------------------------------

void wr_work_queue(wr_work *work) {
    wr_service *service = work->service;
    wr_compiled *line = work->compiled;
    wr_model *model = line->model;
    work->state = WR_WORK_QUEUED;
    work->queued_ns = wr_service_now(service);
    wr_list_push_back(&line->works, &work->link);
    service->queued++;
    if (line->count++ > 0)
        return;
    if (wr_list_empty(&model->lines))
        wr_list_push_back(&service->turns, &model->turn);
    wr_list_push_back(&model->lines, &line->line);
}

static void line_shrink(wr_service *service, wr_compiled *line) {
    service->queued--;
    line->count--;
    if (line->due > 0)
        line->due--;
    if (line->count > 0)
        return;
    wr_list_remove(&line->line);
    if (wr_list_empty(&line->model->lines))
        wr_list_remove(&line->model->turn);
}

wr_work *wr_work_take(wr_compiled *line) {
    wr_link *first = wr_list_pop_front(&line->works);
    wr_assert(first != NULL);
    line_shrink(line->service, line);
    return wr_container_of(first, wr_work, link);
}

static void entry_give_back(wr_work *work) {
    weir_entry *entry = work->entry;
    work->entry = NULL;
    work->compiled = NULL;
    weir_entry_release(entry);
}

void wr_work_leave(wr_work *work) {
    wr_list_remove(&work->link);
    line_shrink(work->service, work->compiled);
    work->state = WR_WORK_IDLE;
    entry_give_back(work);
}

// ---- running ---------------------------------------------------------------

void wr_work_claim(wr_work *work) {
    work->state = WR_WORK_RUNNING;
    work->begun_ns = wr_service_now(work->service);
    work->service->running++;
}

static void work_back(wr_work *work, int status) {
    work->state = WR_WORK_IDLE;
    work->service->running--;
    work->ended(work, status);
}

void wr_work_over(wr_work *work, int status) {
    entry_give_back(work);
    work_back(work, status);
}

static void run_over(weir_call *call, int status) {
    wr_work *work = wr_container_of(call, wr_work, call);
    wr_service *service = work->service;
    if (status == 0)
        wr_histogram_add(&service->counts.run, work->run.run_ns);
    work_back(work, status);
    wr_work_pump(service);
    wr_service_flush(service);
}

// On a worker, where freeing a plan that nobody else holds delays no one.
static void run_done(wr_nn_run *run, int status) {
    wr_work *work = wr_container_of(run, wr_work, run);
    entry_give_back(work);
    weir_call_complete(&work->call, status);
}

void wr_work_begin(wr_work *work) {
    wr_service *service = work->service;
    work->call = (weir_call)WEIR_CALL_INIT(NULL, run_over);
    work->call.site = &run_site;
    int error = weir_call_expect(service->options.loop, &work->call);
    if (error != 0) {
        wr_work_over(work, error);
        return;
    }
    work->run.done = run_done;
    error = wr_nn_run_start(work->compiled->cell, service->options.pool,
                            &work->run);
    if (error != 0)
        run_done(&work->run, error);
}

// ---- turns -----------------------------------------------------------------

// Work that could have company waits for it a while, unless there is enough.
// When the wait is over, it is for all that are there: also if they cannot run
// as one.
static bool holds(wr_service *service, wr_compiled *line, int64_t now_ns) {
    wr_work *first = wr_container_of(line->works.next, wr_work, link);
    if (!first->batches || service->stopping > 0 || line->due > 0)
        return false;
    int wanted = wr_batch_wanted(line);
    int64_t until_ns = first->queued_ns + service->options.batch_ns;
    if (now_ns >= until_ns || wanted >= service->options.batch) {
        line->due = wanted;
        return false;
    }
    if (until_ns < service->hold_ns)
        service->hold_ns = until_ns;
    return true;
}

static wr_compiled *next_line(wr_service *service) {
    if (wr_list_empty(&service->turns))
        return NULL;
    int64_t now_ns = wr_service_now(service);
    wr_link *turns = &service->turns;
    for (wr_link *m = turns->next; m != turns; m = m->next) {
        wr_link *lines = &wr_container_of(m, wr_model, turn)->lines;
        for (wr_link *l = lines->next; l != lines; l = l->next) {
            wr_compiled *line = wr_container_of(l, wr_compiled, line);
            if (!holds(service, line, now_ns))
                return line;
        }
    }
    return NULL;
}

static void turn_end(wr_service *service, wr_compiled *line) {
    wr_model *model = line->model;
    wr_list_remove(&line->line);
    wr_list_push_back(&model->lines, &line->line);
    wr_list_remove(&model->turn);
    wr_list_push_back(&service->turns, &model->turn);
}

static void begin_alone(wr_work *work) {
    wr_work_claim(work);
    int error = work->prepare(work);
    if (error != 0)
        wr_work_over(work, error);
    else
        wr_work_begin(work);
}

void wr_work_pump(wr_service *service) {
    service->hold_ns = WEIR_FOREVER;
    while (service->running < service->options.running) {
        wr_compiled *line = next_line(service);
        if (line == NULL)
            return;
        turn_end(service, line);
        if (!wr_batch_try(line))
            begin_alone(wr_work_take(line));
    }
}
