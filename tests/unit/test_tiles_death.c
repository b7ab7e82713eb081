// SPDX-License-Identifier: MIT
// Processes that die with a task half done, not by chance: here kernels kill
// themselves, by the number of their task, when they have changed their tile
// and spoiled a part of it. What comes of it has the bytes of a run without
// deaths.
#include "support/tiles_run.h"

#include "base/random.h"

#include <errno.h>
#include <signal.h>

// The program's own kernels, under another name than the program looks for.
#define wr_tiles_kernels real_kernels
#include "programs/tiles/kernel.c"
#undef wr_tiles_kernels

static uint64_t seed, one_of; // inherited by each process; one_of 0: none dies

static int mortal(const weir_kernel_call *call) {
    const wr_tiles_arguments *a = call->arguments;
    uint64_t state = seed * 1000003 + call->number;
    int status = real_kernels[a->kernel].run(call);
    if (call->self != NULL || one_of == 0 ||
        wr_random_next(&state) % one_of != 0)
        return status;
    size_t last = a->kernel == WR_TILES_GETRF ? 0 : call->data_count - 1;
    memset(call->data[last], 0xff,
           (size_t)a->m * wr_tiles_real_size((wr_tiles_real)a->real));
    raise(SIGKILL);
    return -EIO;
}

const weir_kernel wr_tiles_kernels[WR_TILES_KERNELS] = {
    [WR_TILES_POTRF] = {"potrf", mortal}, [WR_TILES_TRSM] = {"trsm", mortal},
    [WR_TILES_SYRK] = {"syrk", mortal},   [WR_TILES_MINUS] = {"gemm", mortal},
    [WR_TILES_PLUS] = {"plus", mortal},   [WR_TILES_GETRF] = {"getrf", mortal},
    [WR_TILES_SWAP] = {"swap", mortal},   [WR_TILES_LEFT] = {"left", mortal},
};

static void check_deaths(int algorithm, size_t order, size_t tile,
                         unsigned rounds) {
    const way alone = {.workers = 1, .kill_worker = -1};
    problem reference, p;
    result r;
    uint64_t lost = 0, again = 0;
    tiles_make(&reference, tiles_algorithms[algorithm], WR_TILES_DOUBLE, order,
               tile);
    one_of = 0;
    well(&reference, &alone, &r);
    tiles_check(&reference);
    one_of = 24;
    for (seed = 1; seed <= rounds; seed++) {
        way w = {.processes = true,
                 .workers = 1 + (unsigned)seed % 3,
                 .kill_worker = -1};
        tiles_make(&p, tiles_algorithms[algorithm], WR_TILES_DOUBLE, order,
                   tile);
        well(&p, &w, &r);
        same_bytes(&p, &reference);
        CHECK_EQ(r.ran.lost, r.crashes);
        lost += r.ran.lost;
        again += r.ran.again;
        tiles_free(&p);
    }
    tiles_free(&reference);
    printf("%llu tasks were lost, %llu others done again\n",
           (unsigned long long)lost, (unsigned long long)again);
    CHECK(lost > 0 && again > 0);
}

static void a_cholesky_factor_survives_deaths(void) {
    tiles_blas();
    check_deaths(0, 120, 20, 12);
}

static void an_lu_factor_survives_deaths(void) {
    tiles_blas();
    check_deaths(1, 100, 20, 12);
}

static void a_product_survives_deaths(void) {
    tiles_blas();
    check_deaths(2, 100, 25, 12);
}

static void who_only_dies_is_given_up(void) {
    tiles_blas();
    problem p;
    result r;
    const way w = {.processes = true, .workers = 2, .kill_worker = -1};
    tiles_make(&p, WR_TILES_CHOLESKY, WR_TILES_DOUBLE, 20, 20);
    one_of = 1;
    CHECK_EQ(solve(&p, &w, &r), -EOWNERDEAD);
    CHECK_STR(r.why.text, "the processes die as often as they work");
    tiles_free(&p);
}

static const test_case cases[] = {
    {"a_cholesky_factor_survives_deaths", a_cholesky_factor_survives_deaths},
    {"an_lu_factor_survives_deaths", an_lu_factor_survives_deaths},
    {"a_product_survives_deaths", a_product_survives_deaths},
    {"who_only_dies_is_given_up", who_only_dies_is_given_up},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
