// SPDX-License-Identifier: MIT
//
// What a node of oneDNN's holds: kernels, packed weights, pieces of work.
#include "programs/nn/dnn.h"

#include "base/fault.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

int wr_nn_dnn_refuse(wr_nn_why *why, const wr_nn_node *node,
                     dnnl_status_t status, const char *what) {
    int error = status == dnnl_out_of_memory ? -ENOMEM : -ENOTSUP;
    if (why == NULL)
        return error;
    return wr_nn_refuse(why, error, node, "%s: oneDNN's status is %d", what,
                        (int)status);
}

static int no_memory(wr_nn_why *why, const wr_nn_node *node) {
    if (why == NULL)
        return -ENOMEM;
    return wr_nn_refuse(why, -ENOMEM, node, "no memory for kernels");
}

// Makes room for one more of `size` bytes.
static int grow(void *array, unsigned count, unsigned *room, size_t size) {
    if (count < *room)
        return 0;
    unsigned wider = *room == 0 ? 4 : *room * 2;
    void *old, *fresh = wr_calloc(wider, size);
    if (fresh == NULL)
        return -ENOMEM;
    memcpy(&old, array, sizeof(old));
    if (count > 0)
        memcpy(fresh, old, count * size);
    wr_free(old);
    memcpy(array, &fresh, sizeof(fresh));
    *room = wider;
    return 0;
}

size_t wr_nn_rounded(size_t bytes) {
    return (bytes + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
}

// ---- the whole -------------------------------------------------------------

int wr_nn_dnn_create(wr_nn_dnn **out, unsigned parts, float scale,
                     const wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_dnn_enter();
    if (status == -ENOTSUP)
        return wr_nn_refuse(why, status, node,
                            "this oneDNN would start threads of its own");
    wr_nn_dnn *dnn = status != 0 ? NULL : wr_calloc(1, sizeof(*dnn));
    if (dnn == NULL)
        return no_memory(why, node);
    dnn->bias = dnn->addend.input = -1;
    dnn->first = wr_calloc(parts + 1, sizeof(*dnn->first));
    dnn->bytes = sizeof(*dnn) + (parts + 1) * sizeof(*dnn->first);
    if (dnn->first == NULL ||
        dnnl_primitive_attr_create(&dnn->attr) != dnnl_success ||
        dnnl_primitive_attr_set_scratchpad_mode(
            dnn->attr, dnnl_scratchpad_mode_user) != dnnl_success ||
        (scale != 1 && dnnl_primitive_attr_set_output_scales(
                           dnn->attr, 1, 0, &scale) != dnnl_success)) {
        wr_nn_dnn_destroy(dnn);
        return no_memory(why, node);
    }
    *out = dnn;
    return 0;
}

void wr_nn_dnn_destroy(wr_nn_dnn *dnn) {
    if (dnn == NULL)
        return;
    for (unsigned i = 0; i < dnn->packs; i++) {
        if (dnn->pack[i].memory != NULL)
            dnnl_memory_destroy(dnn->pack[i].memory);
        wr_free(dnn->pack[i].data);
    }
    for (unsigned i = 0; i < dnn->kernels; i++) {
        wr_nn_seats_destroy(&dnn->kernel[i]);
        wr_mutex_fini(&dnn->kernel[i].lock);
        dnnl_primitive_destroy(dnn->kernel[i].primitive);
    }
    if (dnn->attr != NULL)
        dnnl_primitive_attr_destroy(dnn->attr);
    wr_free(dnn->kernel);
    wr_free(dnn->pack);
    wr_free(dnn->work);
    wr_free(dnn->first);
    wr_free(dnn->gemv.packed);
    wr_free(dnn->row);
    wr_free(dnn);
}

// ---- steps -----------------------------------------------------------------

// False: oneDNN has no such function.
static bool append(dnnl_post_ops_t ops, const wr_nn_step *step) {
    static const struct {
        dnnl_alg_kind_t kind;
        bool known;
    } of[] = {
        [WR_NN_STEP_RELU] = {dnnl_eltwise_relu, true},
        [WR_NN_STEP_CLIP] = {dnnl_eltwise_clip, true},
        [WR_NN_STEP_LINEAR] = {dnnl_eltwise_linear, true},
        [WR_NN_STEP_SIGMOID] = {dnnl_eltwise_logistic, true},
        [WR_NN_STEP_TANH] = {dnnl_eltwise_tanh, true},
        [WR_NN_STEP_HARDSWISH] = {dnnl_eltwise_hardswish, true},
        [WR_NN_STEP_SWISH] = {dnnl_eltwise_swish, true},
        [WR_NN_STEP_GELU] = {dnnl_eltwise_gelu_erf, true},
    };
    size_t kind = (size_t)step->kind;
    if (kind >= sizeof(of) / sizeof(*of) || !of[kind].known)
        return false;
    // oneDNN's has these two numbers built in.
    if (step->kind == WR_NN_STEP_HARDSWISH &&
        (step->a != 1.0f / 6 || step->b != 0.5f))
        return false;
    float a = step->kind == WR_NN_STEP_RELU ? 0 : step->a;
    return dnnl_post_ops_append_eltwise(ops, 1, of[kind].kind, a, step->b) ==
           dnnl_success;
}

static bool append_all(dnnl_post_ops_t ops, size_t done,
                       const wr_nn_node *node) {
    size_t count;
    const wr_nn_step *step = wr_nn_steps_get(node, &count);
    for (size_t i = done; i < count; i++) {
        // Of two with the same algorithm but other numbers, oneDNN 2.6 computes
        // one wrongly, and says nothing.
        for (size_t j = done; j < i; j++)
            if (step[j].kind == step[i].kind)
                return false;
        if (!append(ops, &step[i]))
            return false;
    }
    return count > 0;
}

static const char *name_of(const_dnnl_primitive_desc_t pd) {
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return name;
}

// True if `with` has the kernel that `without` would take for desc.
static bool same_kernel(const void *desc, const_dnnl_primitive_attr_t with,
                        const_dnnl_primitive_attr_t without) {
    dnnl_primitive_desc_t a = NULL, b = NULL;
    dnnl_engine_t engine = wr_nn_dnn_engine();
    bool same = dnnl_primitive_desc_create(&a, desc, with, engine, NULL) ==
                    dnnl_success &&
                dnnl_primitive_desc_create(&b, desc, without, engine, NULL) ==
                    dnnl_success &&
                strcmp(name_of(a), name_of(b)) == 0;
    if (a != NULL)
        dnnl_primitive_desc_destroy(a);
    if (b != NULL)
        dnnl_primitive_desc_destroy(b);
    return same;
}

int wr_nn_dnn_fuse(wr_nn_dnn *dnn, const void *desc, size_t done,
                   const wr_nn_node *node, wr_nn_why *why) {
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_attr_t with = NULL;
    if (dnnl_post_ops_create(&ops) != dnnl_success)
        return no_memory(why, node);
    int status = 0;
    if (append_all(ops, done, node)) {
        if (dnnl_primitive_attr_clone(&with, dnn->attr) != dnnl_success ||
            dnnl_primitive_attr_set_post_ops(with, ops) != dnnl_success)
            status = no_memory(why, node);
        else if (same_kernel(desc, with, dnn->attr)) {
            dnnl_primitive_attr_destroy(dnn->attr);
            dnn->attr = with;
            with = NULL;
            dnn->fused = true;
        }
    }
    if (with != NULL)
        dnnl_primitive_attr_destroy(with);
    dnnl_post_ops_destroy(ops);
    return status;
}

// ---- kernels ---------------------------------------------------------------

static const_dnnl_primitive_desc_t desc_of(const wr_nn_dnn *dnn,
                                           unsigned kernel) {
    const_dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_get_primitive_desc(dnn->kernel[kernel].primitive, &pd);
    return pd;
}

const dnnl_memory_desc_t *wr_nn_dnn_wants(const wr_nn_dnn *dnn, unsigned kernel,
                                          int arg) {
    return dnnl_primitive_desc_query_md(desc_of(dnn, kernel),
                                        dnnl_query_exec_arg_md, arg);
}

const char *wr_nn_dnn_name(const wr_nn_dnn *dnn, unsigned kernel) {
    return name_of(desc_of(dnn, kernel));
}

// What a primitive takes beside what can be counted, mostly generated code:
// measured, as memory grown by a hundred kernels of small convnets.
static size_t bytes_of_code(const char *name) {
    static const struct {
        const char *prefix;
        size_t bytes;
    } known[] = {
        {"brgconv:", 512 * 1024},
        {"brgconv_1x1:", 80 * 1024},
        {"", 40 * 1024},
    };
    size_t i = 0;
    while (strncmp(name, known[i].prefix, strlen(known[i].prefix)) != 0)
        i++;
    return known[i].bytes;
}

int wr_nn_dnn_kernel(wr_nn_dnn *dnn, const void *desc, const wr_nn_node *node,
                     wr_nn_why *why) {
    if (grow(&dnn->kernel, dnn->kernels, &dnn->kernels_room,
             sizeof(*dnn->kernel)) != 0)
        return no_memory(why, node);
    wr_nn_kernel *kernel = &dnn->kernel[dnn->kernels];
    *kernel = (wr_nn_kernel){.primitive = NULL};
    dnnl_primitive_desc_t pd;
    dnnl_status_t status = dnnl_primitive_desc_create(&pd, desc, dnn->attr,
                                                      wr_nn_dnn_engine(), NULL);
    if (status == dnnl_success) {
        status = dnnl_primitive_create(&kernel->primitive, pd);
        dnnl_primitive_desc_destroy(pd);
    }
    if (status != dnnl_success)
        return wr_nn_dnn_refuse(why, node, status, "no kernel");
    wr_mutex_init(&kernel->lock);
    if (!wr_nn_seat_first(kernel)) {
        wr_mutex_fini(&kernel->lock);
        dnnl_primitive_destroy(kernel->primitive);
        return no_memory(why, node);
    }
    unsigned index = dnn->kernels++;
    size_t scratch = dnnl_memory_desc_get_size(
        wr_nn_dnn_wants(dnn, index, DNNL_ARG_SCRATCHPAD));
    scratch = wr_nn_rounded(scratch);
    dnn->scratch = scratch > dnn->scratch ? scratch : dnn->scratch;
    dnn->bytes += bytes_of_code(wr_nn_dnn_name(dnn, index));
    return (int)index;
}

// ---- weights ---------------------------------------------------------------

static dnnl_status_t reorder(dnnl_memory_t to, const dnnl_memory_desc_t *to_md,
                             dnnl_memory_t from,
                             const dnnl_memory_desc_t *from_md) {
    dnnl_engine_t engine = wr_nn_dnn_engine();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(
        &pd, from_md, engine, to_md, engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, pd);
    if (status == dnnl_success)
        status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(primitive, stream, 2, args);
    if (stream != NULL)
        dnnl_stream_destroy(stream);
    if (primitive != NULL)
        dnnl_primitive_destroy(primitive);
    if (pd != NULL)
        dnnl_primitive_desc_destroy(pd);
    return status;
}

// Fills in what `pack` has as plain and, unless it is NULL, data.
static dnnl_status_t pack_fill(wr_nn_pack *pack, const dnnl_memory_desc_t *to,
                               const dnnl_memory_desc_t *from) {
    dnnl_engine_t engine = wr_nn_dnn_engine();
    void *plain = (void *)(uintptr_t)pack->plain;
    if (pack->data == NULL)
        return dnnl_memory_create(&pack->memory, to, engine, plain);
    dnnl_memory_t source;
    dnnl_status_t status = dnnl_memory_create(&source, from, engine, plain);
    if (status != dnnl_success)
        return status;
    status = dnnl_memory_create(&pack->memory, to, engine, pack->data);
    if (status == dnnl_success)
        status = reorder(pack->memory, to, source, from);
    wr_nn_flush(pack->data, dnnl_memory_desc_get_size(to) / sizeof(float));
    dnnl_memory_destroy(source);
    return status;
}

void wr_nn_flush(float *data, size_t count) {
    for (size_t i = 0; i < count; i++)
        data[i] = fabsf(data[i]) < FLT_MIN ? 0 : data[i];
}

static bool has_small(const float *data, size_t count) {
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= data[i] != 0 && fabsf(data[i]) < FLT_MIN;
    return found;
}

static int pack_find(const wr_nn_dnn *dnn, const float *plain,
                     const dnnl_memory_desc_t *md) {
    for (unsigned i = 0; i < dnn->packs; i++) {
        const dnnl_memory_desc_t *has;
        if (dnn->pack[i].plain == plain &&
            dnnl_memory_get_memory_desc(dnn->pack[i].memory, &has) ==
                dnnl_success &&
            dnnl_memory_desc_equal(has, md))
            return (int)i;
    }
    return -1;
}

int wr_nn_dnn_pack(wr_nn_dnn *dnn, unsigned kernel, const float *plain,
                   const dnnl_memory_desc_t *md, const wr_nn_node *node,
                   wr_nn_why *why) {
    const dnnl_memory_desc_t *wanted =
        wr_nn_dnn_wants(dnn, kernel, DNNL_ARG_WEIGHTS);
    int found = pack_find(dnn, plain, wanted);
    if (found >= 0)
        return found;
    if (grow(&dnn->pack, dnn->packs, &dnn->packs_room, sizeof(*dnn->pack)) != 0)
        return no_memory(why, node);
    wr_nn_pack *pack = &dnn->pack[dnn->packs];
    *pack = (wr_nn_pack){.plain = plain};
    size_t bytes = dnnl_memory_desc_get_size(wanted);
    if (!dnnl_memory_desc_equal(wanted, md) ||
        (uintptr_t)plain % WR_NN_ALIGN != 0 ||
        has_small(plain, bytes / sizeof(float))) {
        pack->data = wr_aligned_alloc(WR_NN_ALIGN, bytes);
        if (pack->data == NULL)
            return no_memory(why, node);
        dnn->bytes += bytes;
    }
    unsigned index = dnn->packs++; // from here on destroy knows of it
    dnnl_status_t status = pack_fill(pack, wanted, md);
    if (status != dnnl_success)
        return wr_nn_dnn_refuse(why, node, status, "weights");
    return (int)index;
}

// ---- work ------------------------------------------------------------------

int wr_nn_dnn_work(wr_nn_dnn *dnn, const wr_nn_work *work) {
    unsigned room = dnn->works_room;
    if (grow(&dnn->work, dnn->works, &dnn->works_room, sizeof(*work)) != 0)
        return -ENOMEM;
    dnn->bytes += (dnn->works_room - room) * sizeof(*work);
    dnn->work[dnn->works++] = *work;
    size_t stage = work->staged ? work->rows * work->count * sizeof(float) : 0;
    stage = wr_nn_rounded(stage);
    dnn->stage = stage > dnn->stage ? stage : dnn->stage;
    return 0;
}

void wr_nn_dnn_part_ends(wr_nn_dnn *dnn, unsigned part) {
    dnn->first[part + 1] = dnn->works;
}

// ---- estimates -------------------------------------------------------------

double wr_nn_dnn_ns(const wr_nn_graph *graph, const wr_nn_node *node,
                    double operations, bool depthwise) {
    double each = 0.05; // of a multiplication and an addition: SSE4.1
    if (wr_nn_dnn_enter() == 0) {
        unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
        if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
            each = 0.012;
        else if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2)
            each = 0.02;
    }
    size_t steps;
    wr_nn_steps_get(node, &steps);
    double results =
        (double)wr_nn_elements(&graph->value[node->output[0]].shape);
    return 1500 + operations * each * (depthwise ? 2 : 1) +
           0.25 * results * (double)steps;
}
