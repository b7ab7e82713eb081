// SPDX-License-Identifier: MIT
//
// Cutting products into parts, and what oneDNN needs for each.
//
// A part is a range of the products; or of the rows of each; or of the columns
// of each, where there are few rows and so every part would have to read the
// whole right side. Columns are worked out in scratch and copied: kernels that
// write wider rows are others, and add up in another order.
#include "programs/nn/op_matmul.h"

#include "base/fault.h"

#include <errno.h>

enum {
    COLUMNS_MIN = 16, // of a part: kernels do as many at once
    ROWS_GOOD = 24,   // fewer rows than this do not pay for the right side
};

typedef enum way { WAY_BATCH, WAY_ROWS, WAY_COLUMNS } way;

// A sub-problem: equal ones share a kernel.
typedef struct cut {
    int64_t batch, m, n;
} cut;

typedef struct build {
    const wr_nn_graph *graph;
    const wr_nn_node *node;
    wr_nn_why *why;
    const wr_nn_matmul *matmul;
    wr_nn_dnn *dnn;
    const float *right; // NULL: not constant
    bool bias;
    cut *cuts; // of kernel i
    way way;
} build;

// ---- ways ------------------------------------------------------------------

// Rows of a turned left side are not together. Columns of a right side that
// cannot be packed would take a kernel that adds up in another order.
static int64_t parts_of(const wr_nn_matmul *p, bool packed, way w) {
    switch (w) {
    case WAY_BATCH: return p->batch;
    case WAY_ROWS: return p->turned_a ? 1 : p->m;
    case WAY_COLUMNS: return packed ? p->n / COLUMNS_MIN : 1;
    }
    return 1;
}

static way best_way(const wr_nn_matmul *p, bool packed, int64_t parts) {
    if (p->batch >= parts)
        return WAY_BATCH;
    bool by_rows = parts_of(p, packed, WAY_ROWS) >= parts;
    bool by_columns = parts_of(p, packed, WAY_COLUMNS) >= parts;
    bool few = p->m / parts < ROWS_GOOD && p->n > p->m;
    return by_columns && (few || !by_rows) ? WAY_COLUMNS : WAY_ROWS;
}

static bool is_small(const wr_nn_graph *graph, const wr_nn_node *node) {
    const wr_nn_matmul *p = node->params;
    return p->batch == 1 && p->m <= 4 && !p->turned_a &&
           p->n <= WR_NN_GEMV_MAX && p->m * p->k <= WR_NN_GEMV_MAX / p->n &&
           graph->value[node->input[1]].data != NULL;
}

unsigned wr_nn_matmul_parts_max(const wr_nn_graph *graph,
                                const wr_nn_node *node) {
    if (is_small(graph, node))
        return 1;
    bool packed = graph->value[node->input[1]].data != NULL;
    int64_t most = 1;
    for (way w = WAY_BATCH; w <= WAY_COLUMNS; w++) {
        int64_t parts = parts_of(node->params, packed, w);
        most = parts > most ? parts : most;
    }
    return most > 4096 ? 4096 : (unsigned)most;
}

// ---- kernels ---------------------------------------------------------------

// A matrix, or `batch` of them, that may be part of wider ones: its rows
// (columns if turned) are `step` apart. step 0: in any order.
static void matrix_md(dnnl_memory_desc_t *md, int64_t batch, int64_t rows,
                      int64_t columns, int64_t step, bool turned,
                      int64_t whole) {
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t steps = {turned ? 1 : step, turned ? step : 1};
    int rank = 2;
    if (batch > 1) {
        dims[rank] = dims[1], steps[rank++] = steps[1];
        dims[1] = dims[0], steps[1] = steps[0];
        dims[0] = batch, steps[0] = whole;
    }
    if (step > 0)
        dnnl_memory_desc_init_by_strides(md, rank, dims, dnnl_f32, steps);
    else
        dnnl_memory_desc_init_by_tag(md, rank, dims, dnnl_f32,
                                     dnnl_format_tag_any);
}

static void right_md(dnnl_memory_desc_t *md, const wr_nn_matmul *p,
                     const cut *c) {
    matrix_md(md, c->batch, p->k, c->n, p->turned_b ? p->k : p->n, p->turned_b,
              p->k * p->n);
}

static int describe(const build *b, const cut *c, dnnl_matmul_desc_t *out) {
    const wr_nn_matmul *p = b->matmul;
    dnnl_memory_desc_t src, right, dst, bias;
    matrix_md(&src, c->batch, c->m, p->k, p->turned_a ? p->m : p->k,
              p->turned_a, p->m * p->k);
    matrix_md(&dst, c->batch, c->m, c->n, c->n, false, c->m * c->n);
    right_md(&right, p, c);
    if (b->right != NULL)
        matrix_md(&right, c->batch, p->k, c->n, 0, false, 0);
    matrix_md(&bias, 1, 1, c->n, c->n, false, 0);
    dnnl_status_t status =
        dnnl_matmul_desc_init(out, &src, &right, b->bias ? &bias : NULL, &dst);
    return status == dnnl_success
               ? 0
               : wr_nn_dnn_refuse(b->why, b->node, status, "no such kernel");
}

// A first step that adds a constant row is a bias, if nothing else is and if
// the kernel does the other steps too.
static bool take_row(build *b) {
    size_t count;
    const wr_nn_step *step = wr_nn_steps_get(b->node, &count);
    if (count == 0 || step->kind != WR_NN_STEP_ADD || b->matmul->alpha != 1 ||
        b->matmul->batch > 1)
        return false;
    const wr_nn_value *value = &b->graph->value[b->node->input[step->operand]];
    size_t n = (size_t)b->matmul->n;
    int rank = value->shape.rank;
    if (value->data == NULL || rank < 1 || wr_nn_elements(&value->shape) != n ||
        value->shape.dim[rank - 1] != b->matmul->n)
        return false;
    b->dnn->row = wr_calloc(n, sizeof(float));
    if (b->dnn->row == NULL)
        return false; // it is added as a step then
    memcpy(b->dnn->row, value->data, n * sizeof(float));
    b->dnn->bytes += n * sizeof(float);
    return true;
}

// The first kernel decides about the steps.
static int fuse(build *b, const cut *c, dnnl_matmul_desc_t *desc) {
    // What comes after the product comes before the steps.
    if (b->dnn->addend.input >= 0)
        return 0;
    if (b->bias || !take_row(b))
        return wr_nn_dnn_fuse(b->dnn, desc, 0, b->node, b->why);
    b->bias = true;
    int status = describe(b, c, desc);
    if (status == 0)
        status = wr_nn_dnn_fuse(b->dnn, desc, 1, b->node, b->why);
    if (status != 0 || b->dnn->fused)
        return status;
    b->bias = false;
    wr_free(b->dnn->row);
    b->dnn->row = NULL;
    return describe(b, c, desc);
}

static int kernel_for(build *b, const cut *c) {
    for (unsigned i = 0; i < b->dnn->kernels; i++)
        if (memcmp(&b->cuts[i], c, sizeof(*c)) == 0)
            return (int)i;
    dnnl_matmul_desc_t desc;
    int status = describe(b, c, &desc);
    if (status == 0 && b->dnn->kernels == 0)
        status = fuse(b, c, &desc);
    int index =
        status != 0 ? status : wr_nn_dnn_kernel(b->dnn, &desc, b->node, b->why);
    if (index >= 0)
        b->cuts[index] = *c;
    return index;
}

// ---- pieces ----------------------------------------------------------------

// Offsets are of the piece's first numbers; `column` is its first column.
static int piece(build *b, const cut *c, int64_t src, int64_t right,
                 int64_t dst, int64_t column) {
    const wr_nn_matmul *p = b->matmul;
    int kernel = kernel_for(b, c);
    if (kernel < 0)
        return kernel;
    bool whole = c->n == p->n && b->dnn->addend.input < 0;
    wr_nn_work work = {.kernel = (unsigned)kernel,
                       .pack = -1,
                       .src = (size_t)src,
                       .weights = (size_t)right,
                       .bias = (size_t)column,
                       .dst = (size_t)dst,
                       .rows = whole ? 1 : (size_t)(c->batch * c->m),
                       .stride = (size_t)p->n,
                       .staged = c->n < p->n && c->m > 1};
    work.count = (size_t)(whole ? c->batch * c->m * c->n : c->n);
    if (b->right != NULL) {
        dnnl_memory_desc_t plain;
        right_md(&plain, p, c);
        work.pack =
            wr_nn_dnn_pack(b->dnn, (unsigned)kernel, b->right + work.weights,
                           &plain, b->node, b->why);
        if (work.pack < 0)
            return work.pack;
    }
    if (wr_nn_dnn_work(b->dnn, &work) != 0)
        return wr_nn_refuse(b->why, -ENOMEM, b->node, "no memory");
    return 0;
}

// Where the matrices of product `index` are.
static void find(const wr_nn_matmul *p, int64_t index, int64_t *src,
                 int64_t *right) {
    int64_t a = 0, b = 0;
    if (p->regular) {
        a = p->many_a ? index : 0;
        b = p->many_b ? index : 0;
    } else
        for (int d = p->dims - 1; d >= 0; d--) {
            a += index % p->dim[d] * p->step_a[d];
            b += index % p->dim[d] * p->step_b[d];
            index /= p->dim[d];
        }
    *src = a * p->m * p->k;
    *right = b * p->k * p->n;
}

// Products [from, to): one call if both sides go on alike, else one by one.
static int products(build *b, int64_t from, int64_t to) {
    const wr_nn_matmul *p = b->matmul;
    bool together = p->regular && p->many_a && p->many_b;
    int64_t each = together ? to - from : 1;
    int status = 0;
    for (int64_t i = from; i < to && status == 0; i += each) {
        cut c = {each, p->m, p->n};
        int64_t src, right;
        find(p, i, &src, &right);
        status = piece(b, &c, src, right, i * p->m * p->n, 0);
    }
    return status;
}

static int some_rows(build *b, int64_t product, int64_t from, int64_t to) {
    const wr_nn_matmul *p = b->matmul;
    cut c = {1, to - from, p->n};
    int64_t src, right;
    find(p, product, &src, &right);
    return piece(b, &c, src + from * p->k, right,
                 (product * p->m + from) * p->n, 0);
}

static int some_columns(build *b, int64_t product, int64_t from, int64_t to) {
    const wr_nn_matmul *p = b->matmul;
    cut c = {1, p->m, to - from};
    int64_t src, right;
    find(p, product, &src, &right);
    return piece(b, &c, src, right + from * (p->turned_b ? p->k : 1),
                 product * p->m * p->n + from, from);
}

// Where part `part` of `parts` begins; in columns, as kernels like them.
static int64_t begin_of(const build *b, unsigned part, unsigned parts) {
    const wr_nn_matmul *p = b->matmul;
    int64_t total = b->way == WAY_BATCH  ? p->batch
                    : b->way == WAY_ROWS ? p->m
                                         : p->n / COLUMNS_MIN;
    if (b->way == WAY_COLUMNS && part == parts)
        return p->n;
    int64_t begin = total / parts * part + total % parts * part / parts;
    return b->way == WAY_COLUMNS ? begin * COLUMNS_MIN : begin;
}

static int cut_up(build *b, unsigned parts) {
    int status = 0;
    b->way = best_way(b->matmul, b->right != NULL, parts);
    for (unsigned part = 0; part < parts && status == 0; part++) {
        int64_t from = begin_of(b, part, parts);
        int64_t to = begin_of(b, part + 1, parts);
        if (b->way == WAY_BATCH)
            status = products(b, from, to);
        else
            for (int64_t i = 0; i < b->matmul->batch && status == 0; i++)
                status = b->way == WAY_ROWS ? some_rows(b, i, from, to)
                                            : some_columns(b, i, from, to);
        wr_nn_dnn_part_ends(b->dnn, part);
    }
    return status;
}

static int small(build *b) {
    const wr_nn_matmul *p = b->matmul;
    size_t k = (size_t)p->k, n = (size_t)p->n, m = (size_t)p->m;
    wr_nn_work work = {.pack = -1, .rows = m, .count = n, .stride = n};
    if (wr_nn_gemv_pack(b->dnn, m, k, n, b->right, p->turned_b ? 1 : n,
                        p->turned_b ? k : 1, p->alpha) != 0 ||
        wr_nn_dnn_work(b->dnn, &work) != 0)
        return wr_nn_refuse(b->why, -ENOMEM, b->node, "no memory");
    wr_nn_dnn_part_ends(b->dnn, 0);
    return 0;
}

// ---- Gemm's C --------------------------------------------------------------

// C is a bias if it is one row and comes before nothing else; a constant one
// is worked out now. Everything else is added in a pass of its own.
static int take_c(build *b) {
    const wr_nn_matmul *p = b->matmul;
    int value = wr_nn_matmul_c(b->node);
    if (value < 0 || p->beta == 0)
        return 0;
    const wr_nn_shape *shape = &b->graph->value[value].shape;
    const float *c = b->graph->value[value].data;
    int64_t columns = shape->rank < 1 ? 1 : shape->dim[shape->rank - 1];
    bool one_row = shape->rank < 2 || shape->dim[0] == 1;
    size_t n = (size_t)p->n;
    size_t step = columns == p->n ? 1 : 0;
    bool scaled_after = p->alpha != 1 && !is_small(b->graph, b->node);
    if (one_row && c != NULL && !scaled_after) {
        b->dnn->row = wr_calloc(n, sizeof(float));
        if (b->dnn->row == NULL)
            return wr_nn_refuse(b->why, -ENOMEM, b->node, "no memory");
        for (size_t i = 0; i < n; i++)
            b->dnn->row[i] = p->beta * c[i * step];
        b->dnn->bytes += n * sizeof(float);
    } else if (one_row && step == 1 && p->beta == 1 && !scaled_after)
        b->dnn->bias = 2;
    else
        b->dnn->addend =
            (wr_nn_addend){2, n, one_row ? 0 : (size_t)columns, step, p->beta};
    b->bias = b->dnn->row != NULL || b->dnn->bias >= 0;
    return 0;
}

int wr_nn_matmul_prepare(const wr_nn_graph *graph, wr_nn_node *node,
                         size_t *bytes, wr_nn_why *why) {
    unsigned parts = node->parts == 0 ? 1 : node->parts;
    build b = {
        .graph = graph, .node = node, .why = why, .matmul = node->params};
    b.right = graph->value[node->input[1]].data;
    bool is_gemv = is_small(graph, node);
    int status = wr_nn_dnn_create(&b.dnn, parts, is_gemv ? 1 : b.matmul->alpha,
                                  node, why);
    if (status != 0)
        return status;
    // Products are cut alike: no more kernels than parts.
    b.cuts = wr_calloc(parts, sizeof(*b.cuts));
    status = b.cuts != NULL ? take_c(&b)
                            : wr_nn_refuse(why, -ENOMEM, node, "no memory");
    if (status == 0)
        status = is_gemv ? small(&b) : cut_up(&b, parts);
    wr_free(b.cuts);
    if (status != 0) {
        wr_nn_dnn_destroy(b.dnn);
        return status;
    }
    node->state = b.dnn;
    *bytes += b.dnn->bytes;
    return 0;
}
