// SPDX-License-Identifier: MIT
//
// Calls of oneDNN: no threads of its own, seats, one part of a node.
#include "programs/nn/dnn.h"

#include "base/check.h"
#include "base/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

// ---- no threads of its own -------------------------------------------------

// libgomp's, which comes with Debian's oneDNN. They are looked up because
// linking them would take a flag of the compiler's.
static struct {
    pthread_once_t once;
    int status;
    int (*threads)(void);
    void (*set_threads)(int count);
    dnnl_engine_t engine; // for the life of the process
} library = {.once = PTHREAD_ONCE_INIT};

static void find(void) {
    *(void **)&library.threads = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    *(void **)&library.set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    unsigned runtime = dnnl_version()->cpu_runtime;
    if (runtime == DNNL_RUNTIME_SEQ)
        library.threads = NULL;
    else if (runtime != DNNL_RUNTIME_OMP || library.threads == NULL ||
             library.set_threads == NULL)
        library.status = -ENOTSUP;
    // What a plan gives up is given back, not kept for the next: plans are
    // kept whole, in a cache that knows how big they are.
    dnnl_set_primitive_cache_capacity(0);
    if (library.status == 0 &&
        dnnl_engine_create(&library.engine, dnnl_cpu, 0) != dnnl_success)
        library.status = -ENOMEM;
}

// OpenMP keeps the count for each thread. Only the thread itself can set it,
// and it costs a load to see that it has.
static void hold_back(void) {
    if (library.threads != NULL && library.threads() != 1)
        library.set_threads(1);
}

int wr_nn_dnn_enter(void) {
    wr_assert(pthread_once(&library.once, find) == 0);
    if (library.status == 0)
        hold_back();
    return library.status;
}

dnnl_engine_t wr_nn_dnn_engine(void) { return library.engine; }

// ---- seats -----------------------------------------------------------------

enum { SRC, WEIGHTS, BIAS, DST, SCRATCH, ARGS };

static const int arg_of[ARGS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                                 DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};

struct wr_nn_seat {
    wr_nn_seat *next;
    dnnl_stream_t stream;
    dnnl_memory_t memory[ARGS]; // NULL: the kernel has no such argument
};

static void seat_destroy(wr_nn_seat *seat) {
    for (int i = 0; i < ARGS; i++)
        if (seat->memory[i] != NULL)
            dnnl_memory_destroy(seat->memory[i]);
    if (seat->stream != NULL)
        dnnl_stream_destroy(seat->stream);
    wr_free(seat);
}

static bool seat_fill(wr_nn_seat *seat, const_dnnl_primitive_desc_t pd) {
    if (dnnl_stream_create(&seat->stream, library.engine,
                           dnnl_stream_default_flags) != dnnl_success)
        return false;
    for (int i = 0; i < ARGS; i++) {
        const dnnl_memory_desc_t *md =
            dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg_of[i]);
        if (md == NULL || dnnl_memory_desc_get_size(md) == 0)
            continue;
        if (dnnl_memory_create(&seat->memory[i], md, library.engine,
                               DNNL_MEMORY_NONE) != dnnl_success)
            return false;
    }
    return true;
}

static wr_nn_seat *seat_create(const wr_nn_kernel *kernel) {
    const_dnnl_primitive_desc_t pd;
    if (dnnl_primitive_get_primitive_desc(kernel->primitive, &pd) !=
        dnnl_success)
        return NULL;
    wr_nn_seat *seat = wr_calloc(1, sizeof(*seat));
    if (seat != NULL && !seat_fill(seat, pd)) {
        seat_destroy(seat);
        seat = NULL;
    }
    return seat;
}

static wr_nn_seat *seat_idle(wr_nn_kernel *kernel) {
    wr_mutex_lock(&kernel->lock);
    wr_nn_seat *seat = kernel->idle;
    if (seat != NULL)
        kernel->idle = seat->next;
    wr_mutex_unlock(&kernel->lock);
    return seat;
}

static void seat_leave(wr_nn_kernel *kernel, wr_nn_seat *seat) {
    wr_mutex_lock(&kernel->lock);
    seat->next = kernel->idle;
    kernel->idle = seat;
    wr_mutex_unlock(&kernel->lock);
}

// There are as many seats as there were calls at the same time. Building makes
// the first: without memory for one more, somebody else's will be free soon.
static wr_nn_seat *seat_take(wr_nn_kernel *kernel) {
    for (;;) {
        wr_nn_seat *seat = seat_idle(kernel);
        if (seat == NULL)
            seat = seat_create(kernel);
        if (seat != NULL)
            return seat;
        wr_thread_yield();
    }
}

bool wr_nn_seat_first(wr_nn_kernel *kernel) {
    kernel->idle = seat_create(kernel);
    return kernel->idle != NULL;
}

void wr_nn_seats_destroy(wr_nn_kernel *kernel) {
    wr_nn_seat *seat;
    while ((seat = seat_idle(kernel)) != NULL)
        seat_destroy(seat);
}

// ---- calls -----------------------------------------------------------------

void wr_nn_dnn_call(const wr_nn_dnn *dnn, const wr_nn_work *work,
                    const wr_nn_data *data) {
    wr_nn_kernel *kernel = &dnn->kernel[work->kernel];
    wr_nn_seat *seat = seat_take(kernel);
    float *dst = data->dst + work->dst;
    const float *stage = data->scratch;
    const void *address[ARGS] = {data->src + work->src, NULL, NULL,
                                 work->staged ? stage : dst,
                                 (unsigned char *)data->scratch + dnn->stage};
    if (seat->memory[BIAS] != NULL)
        address[BIAS] = data->bias + work->bias;
    if (work->pack < 0)
        address[WEIGHTS] = data->weights + work->weights;
    dnnl_exec_arg_t args[ARGS];
    int count = 0;
    for (int i = 0; i < ARGS; i++) {
        dnnl_memory_t memory = seat->memory[i];
        if (memory == NULL)
            continue;
        // A pack is everybody's: setting its address would also clear what
        // fills it up, while others read it.
        if (i == WEIGHTS && work->pack >= 0)
            memory = dnn->pack[work->pack].memory;
        else
            wr_assert(dnnl_memory_set_data_handle(
                          memory, (void *)(uintptr_t)address[i]) ==
                      dnnl_success);
        args[count++] = (dnnl_exec_arg_t){arg_of[i], memory};
    }
    hold_back();
    wr_check(dnnl_primitive_execute(kernel->primitive, seat->stream, count,
                                    args) == dnnl_success,
             "oneDNN refused a kernel that it had made");
    seat_leave(kernel, seat);
    for (size_t i = 0; work->staged && i < work->rows; i++)
        memcpy(dst + i * work->stride, stage + i * work->count,
               work->count * sizeof(*dst));
}

// Gemm's C, for the run of results that begins at element `at`.
static void add(const wr_nn_addend *addend, const float *c, float *y, size_t at,
                size_t count) {
    size_t row = at / addend->columns, column = at % addend->columns;
    c += row * addend->step_row + column * addend->step_column;
    for (size_t i = 0; i < count; i++)
        y[at + i] += addend->beta * c[i * addend->step_column];
}

void wr_nn_dnn_run(const wr_nn_graph *graph, const wr_nn_node *node,
                   const void *const *in, void *const *out, void *scratch,
                   unsigned part) {
    const wr_nn_dnn *dnn = node->state;
    const wr_nn_shape *shape = &graph->value[node->output[0]].shape;
    const float *bias = dnn->bias >= 0 ? in[dnn->bias] : dnn->row;
    wr_nn_data data = {in[0], in[1], bias, out[0], scratch};
    size_t steps = 0;
    if (!dnn->fused)
        wr_nn_steps_get(node, &steps);
    for (unsigned i = dnn->first[part]; i < dnn->first[part + 1]; i++) {
        const wr_nn_work *work = &dnn->work[i];
        if (dnn->gemv.packed != NULL)
            wr_nn_gemv_run(&dnn->gemv, data.src, data.bias, data.dst);
        else
            wr_nn_dnn_call(dnn, work, &data);
        for (size_t row = 0; row < work->rows; row++) {
            size_t at = work->dst + row * work->stride;
            if (dnn->addend.input >= 0)
                add(&dnn->addend, in[dnn->addend.input], data.dst, at,
                    work->count);
            if (steps > 0)
                wr_nn_steps_apply(graph, node, shape, data.dst, at, work->count,
                                  in);
        }
    }
}

size_t wr_nn_dnn_scratch(const wr_nn_graph *graph, const wr_nn_node *node) {
    (void)graph;
    const wr_nn_dnn *dnn = node->state;
    return dnn->stage + dnn->scratch;
}

void wr_nn_dnn_forget(wr_nn_node *node) {
    wr_nn_dnn_destroy(node->state);
    node->state = NULL;
}
