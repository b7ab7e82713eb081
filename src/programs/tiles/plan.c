// SPDX-License-Identifier: MIT
#include "programs/tiles/plan.h"

#include "programs/tiles/matrix.h"

#include "weir/graph.h"

#include <errno.h>
#include <stdlib.h>

// Without `ops`: only counts.
static void add(wr_tiles_plan *p, wr_tiles_kernel kernel, uint32_t i,
                uint32_t j, uint32_t k, bool urgent) {
    if (p->ops != NULL)
        p->ops[p->count] = (wr_tiles_op){
            .i = i,
            .j = j,
            .k = k,
            .kernel = (uint8_t)kernel,
            .priority = urgent ? WEIR_PRIORITY_HIGH : WEIR_PRIORITY_NORMAL,
            .phase = kernel == WR_TILES_LEFT,
        };
    p->count++;
}

// Urgent is what the next step begins with: the factor of a diagonal tile, and
// all that leads there.
static void cholesky(wr_tiles_plan *p) {
    for (uint32_t k = 0; k < p->side; k++) {
        add(p, WR_TILES_POTRF, k, k, k, true);
        for (uint32_t i = k + 1; i < p->side; i++)
            add(p, WR_TILES_TRSM, i, k, k, true);
        for (uint32_t j = k + 1; j < p->side; j++) {
            add(p, WR_TILES_SYRK, j, j, k, j == k + 1);
            for (uint32_t i = j + 1; i < p->side; i++)
                add(p, WR_TILES_MINUS, i, j, k, j == k + 1);
        }
    }
}

static void lu(wr_tiles_plan *p) {
    for (uint32_t k = 0; k < p->side; k++) {
        add(p, WR_TILES_GETRF, k, k, k, true);
        for (uint32_t j = k + 1; j < p->side; j++) {
            add(p, WR_TILES_SWAP, k, j, k, j == k + 1);
            for (uint32_t i = k + 1; i < p->side; i++)
                add(p, WR_TILES_MINUS, i, j, k, j == k + 1);
        }
    }
    for (uint32_t j = 0; j + 1 < p->side; j++)
        add(p, WR_TILES_LEFT, j, j, j, false);
}

static void product(wr_tiles_plan *p) {
    for (uint32_t j = 0; j < p->side; j++)
        for (uint32_t i = 0; i < p->side; i++)
            for (uint32_t k = 0; k < p->side; k++)
                add(p, WR_TILES_PLUS, i, j, k, false);
}

static void list(wr_tiles_plan *p) {
    p->count = 0;
    switch (p->algorithm) {
    case WR_TILES_CHOLESKY: cholesky(p); break;
    case WR_TILES_LU: lu(p); break;
    case WR_TILES_GEMM: product(p); break;
    }
}

uint64_t wr_tiles_plan_size(wr_tiles_algorithm algorithm, size_t order,
                            size_t tile) {
    uint64_t t = (order + tile - 1) / tile; // at most 2^20
    switch (algorithm) {
    case WR_TILES_CHOLESKY: return t * (t + 1) * (t + 2) / 6;
    case WR_TILES_LU:
        return t + t * (t - 1) / 2 + t * (t - 1) * (2 * t - 1) / 6 + t - 1;
    case WR_TILES_GEMM: break;
    }
    return t * t * t;
}

int wr_tiles_plan_make(wr_tiles_plan *out, wr_tiles_algorithm algorithm,
                       wr_tiles_real real, size_t order, size_t tile) {
    uint64_t size = wr_tiles_plan_size(algorithm, order, tile);
    if (size > WR_TILES_TASKS_MAX)
        return -E2BIG;
    *out = (wr_tiles_plan){
        .algorithm = algorithm,
        .real = real,
        .order = order,
        .tile = tile,
        .side = (uint32_t)((order + tile - 1) / tile),
        .lead = wr_tiles_lead(order, real),
        .phases = algorithm == WR_TILES_LU ? 2 : 1,
    };
    out->ops = calloc(size, sizeof(*out->ops));
    if (out->ops == NULL)
        return -ENOMEM;
    list(out);
    return 0;
}

void wr_tiles_plan_free(wr_tiles_plan *plan) {
    free(plan->ops);
    plan->ops = NULL;
    plan->count = 0;
}

// ---- what a task touches ---------------------------------------------------

static size_t begin_of(const wr_tiles_plan *p, uint32_t tile) {
    return (size_t)tile * p->tile;
}

static size_t size_of(const wr_tiles_plan *p, uint32_t tile) {
    size_t left = p->order - begin_of(p, tile);
    return left < p->tile ? left : p->tile;
}

static wr_tiles_touch tile_of(const wr_tiles_plan *p, wr_tiles_place place,
                              uint32_t mode, uint32_t i, uint32_t j) {
    return (wr_tiles_touch){
        place,          mode,          begin_of(p, i),
        begin_of(p, j), size_of(p, i), size_of(p, j),
    };
}

// From tile (i,j) down to the last row.
static wr_tiles_touch column_of(const wr_tiles_plan *p, uint32_t mode,
                                uint32_t i, uint32_t j) {
    wr_tiles_touch touch = tile_of(p, WR_TILES_IN_A, mode, i, j);
    touch.height = p->order - touch.row;
    return touch;
}

static wr_tiles_touch pivots_of(const wr_tiles_plan *p, uint32_t mode,
                                uint32_t k) {
    return (wr_tiles_touch){
        WR_TILES_IN_PIVOTS, mode, begin_of(p, k), 0, size_of(p, k), 1,
    };
}

static size_t touches_of_lu(const wr_tiles_plan *p, const wr_tiles_op *op,
                            wr_tiles_touch *out) {
    uint32_t k = op->k;
    if (op->kernel == WR_TILES_GETRF) {
        out[0] = column_of(p, WEIR_READWRITE, k, k);
        out[1] = pivots_of(p, WEIR_WRITE, k);
        return 2;
    }
    if (op->kernel == WR_TILES_LEFT) {
        out[0] = pivots_of(p, WEIR_READ, k + 1);
        out[0].height = p->order - out[0].row;
        out[1] = column_of(p, WEIR_READWRITE, k + 1, op->j);
        return 2;
    }
    out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READ, k, k);
    out[1] = pivots_of(p, WEIR_READ, k);
    out[2] = column_of(p, WEIR_READWRITE, k, op->j);
    return 3;
}

static size_t touches_of_minus(const wr_tiles_plan *p, const wr_tiles_op *op,
                               wr_tiles_touch *out) {
    out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READ, op->i, op->k);
    out[1] = p->algorithm == WR_TILES_CHOLESKY
                 ? tile_of(p, WR_TILES_IN_A, WEIR_READ, op->j, op->k)
                 : tile_of(p, WR_TILES_IN_A, WEIR_READ, op->k, op->j);
    out[2] = tile_of(p, WR_TILES_IN_A, WEIR_READWRITE, op->i, op->j);
    return 3;
}

size_t wr_tiles_plan_touches(const wr_tiles_plan *p, const wr_tiles_op *op,
                             wr_tiles_touch out[WR_TILES_TOUCHES_MAX]) {
    uint32_t k = op->k;
    switch ((wr_tiles_kernel)op->kernel) {
    case WR_TILES_POTRF:
        out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READWRITE, k, k);
        return 1;
    case WR_TILES_TRSM:
        out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READ, k, k);
        out[1] = tile_of(p, WR_TILES_IN_A, WEIR_READWRITE, op->i, k);
        return 2;
    case WR_TILES_SYRK:
        out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READ, op->j, k);
        out[1] = tile_of(p, WR_TILES_IN_A, WEIR_READWRITE, op->j, op->j);
        return 2;
    case WR_TILES_MINUS: return touches_of_minus(p, op, out);
    case WR_TILES_PLUS:
        out[0] = tile_of(p, WR_TILES_IN_A, WEIR_READ, op->i, k);
        out[1] = tile_of(p, WR_TILES_IN_B, WEIR_READ, k, op->j);
        out[2] = tile_of(p, WR_TILES_IN_C, k == 0 ? WEIR_WRITE : WEIR_READWRITE,
                         op->i, op->j);
        return 3;
    default: return touches_of_lu(p, op, out);
    }
}

void wr_tiles_plan_arguments(const wr_tiles_plan *p, const wr_tiles_op *op,
                             wr_tiles_arguments *out) {
    *out = (wr_tiles_arguments){
        .kernel = op->kernel,
        .real = (uint8_t)p->real,
        .transpose = p->algorithm == WR_TILES_CHOLESKY,
        .first = op->k == 0,
        .m = (int32_t)size_of(p, op->i),
        .n = (int32_t)size_of(p, op->j),
        .k = (int32_t)size_of(p, op->k),
        .lead = (int32_t)p->lead,
        .row = (int32_t)begin_of(p, op->i),
    };
    if (op->kernel == WR_TILES_GETRF)
        out->m = (int32_t)(p->order - begin_of(p, op->k));
    if (op->kernel == WR_TILES_LEFT)
        out->m = (int32_t)(p->order - begin_of(p, op->k + 1));
}

void wr_tiles_plan_region(const wr_tiles_plan *p, const wr_tiles_op *op,
                          wr_tiles_region *out) {
    bool column = p->algorithm == WR_TILES_LU;
    *out = (wr_tiles_region){
        .number = column ? op->j : (size_t)op->j * p->side + op->i,
        .row = column ? 0 : begin_of(p, op->i),
        .column = begin_of(p, op->j),
        .height = column ? p->order : size_of(p, op->i),
        .width = size_of(p, op->j),
    };
}

double wr_tiles_plan_flops(const wr_tiles_plan *p) {
    double n = (double)p->order;
    switch (p->algorithm) {
    case WR_TILES_CHOLESKY: return n * n * n / 3;
    case WR_TILES_LU: return n * n * n * 2 / 3;
    case WR_TILES_GEMM: break;
    }
    return 2 * n * n * n;
}
