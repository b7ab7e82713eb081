// SPDX-License-Identifier: MIT
// Plans carried out by the graph, on threads and on processes, some of which
// are killed.
#include "support/tiles_run.h"

#include <errno.h>
#include <unistd.h>

enum { ROUNDS = 10 };

static const way one_thread = {.workers = 1, .kill_worker = -1};
static const way threads = {.workers = 3, .kill_worker = -1};
static const way processes = {
    .processes = true, .workers = 3, .kill_worker = -1};

static void check_shapes(const way *w) {
    static const size_t shapes[][2] = {{1, 1},   {1, 64},  {10, 1},  {33, 8},
                                       {64, 64}, {70, 64}, {100, 7}, {130, 32}};
    for (int a = 0; a < 3; a++)
        for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
            problem p;
            result r;
            wr_tiles_real real = s % 2 != 0 ? WR_TILES_SINGLE : WR_TILES_DOUBLE;
            tiles_make(&p, tiles_algorithms[a], real, shapes[s][0],
                       shapes[s][1]);
            well(&p, w, &r);
            tiles_check(&p);
            CHECK_EQ(r.busy, p.plan.count);
            CHECK_EQ(r.ran.lost, 0);
            tiles_free(&p);
        }
}

static void threads_compute_what_plain_code_does(void) {
    tiles_blas();
    check_shapes(&one_thread);
    check_shapes(&threads);
}

static void processes_compute_what_plain_code_does(void) {
    tiles_blas();
    check_shapes(&processes);
}

// What one thread makes of it: the reference.
static void make_reference(problem *p, int algorithm, size_t order,
                           size_t tile) {
    result r;
    tiles_make(p, tiles_algorithms[algorithm], WR_TILES_DOUBLE, order, tile);
    well(p, &one_thread, &r);
    tiles_check(p);
}

static void the_bytes_do_not_depend_on_who_works(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++) {
        problem reference, p;
        result r;
        make_reference(&reference, a, 230, 32);
        for (unsigned workers = 1; workers <= 4; workers++)
            for (int kind = 0; kind < 2; kind++) {
                way w = {.processes = kind != 0,
                         .workers = workers,
                         .kill_worker = -1};
                tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 230, 32);
                well(&p, &w, &r);
                same_bytes(&p, &reference);
                tiles_free(&p);
            }
        tiles_free(&reference);
    }
}

static void a_killed_worker_changes_nothing(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++) {
        problem reference, p;
        result r;
        make_reference(&reference, a, 230, 32);
        for (int worker = 0; worker < 2; worker++) {
            way w = {.processes = true, .workers = 2, .kill_worker = worker};
            tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 230, 32);
            well(&p, &w, &r);
            CHECK_EQ(r.ran.killed, 1);
            CHECK(r.ran.lost <= 1);
            same_bytes(&p, &reference);
            tiles_free(&p);
        }
        tiles_free(&reference);
    }
}

// How many of them had a task in hand is chance; test_tiles_death.c leaves
// none.
static void many_killed_workers_change_nothing(void) {
    tiles_blas();
    uint64_t lost = 0, again = 0;
    for (int a = 0; a < 3; a++) {
        problem reference, p;
        result r;
        make_reference(&reference, a, 300, 50);
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            way w = {.processes = true,
                     .workers = 3,
                     .kill_worker = -1,
                     .kills = 8,
                     .seed = seed};
            tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 300, 50);
            well(&p, &w, &r);
            same_bytes(&p, &reference);
            lost += r.ran.lost;
            again += r.ran.again;
            tiles_free(&p);
        }
        tiles_free(&reference);
    }
    printf("%llu tasks were lost, %llu others done again\n",
           (unsigned long long)lost, (unsigned long long)again);
}

static void what_has_no_factor_ends_with_its_reason(void) {
    tiles_blas();
    for (int kind = 0; kind < 2; kind++) {
        const way *w = kind != 0 ? &processes : &threads;
        problem p;
        result r;
        tiles_make(&p, WR_TILES_CHOLESKY, WR_TILES_DOUBLE, 50, 10);
        wr_tiles_put(&p.data.a, 36, 36, -1);
        wr_tiles_copy(&p.data.original, &p.data.a);
        CHECK_EQ(solve(&p, w, &r), -EDOM);
        CHECK_STR(r.why.text, "minor 37 is not positive");
        tiles_free(&p);
        tiles_make(&p, WR_TILES_LU, WR_TILES_SINGLE, 50, 10);
        for (size_t i = 0; i < 50; i++)
            wr_tiles_put(&p.data.a, i, 23, 0);
        wr_tiles_copy(&p.data.original, &p.data.a);
        CHECK_EQ(solve(&p, w, &r), -EDOM);
        CHECK_STR(r.why.text, "no pivot is left in column 24");
        tiles_free(&p);
    }
}

// Two by two tiles: potrf, trsm, syrk, potrf. Three by three: three products.
static void the_critical_path_is_that_of_the_algorithm(void) {
    tiles_blas();
    for (int kind = 0; kind < 2; kind++) {
        const way *w = kind != 0 ? &processes : &threads;
        problem p;
        result r;
        tiles_make(&p, WR_TILES_CHOLESKY, WR_TILES_DOUBLE, 20, 10);
        well(&p, w, &r);
        CHECK_EQ(r.path.tasks, 4);
        CHECK_EQ(r.edges, 3);
        CHECK(r.path.ns > 0 && r.path.ns <= r.ran.ns);
        tiles_free(&p);
        tiles_make(&p, WR_TILES_GEMM, WR_TILES_DOUBLE, 30, 10);
        well(&p, w, &r);
        CHECK_EQ(r.path.tasks, 3);
        CHECK_EQ(r.edges, 18);
        tiles_free(&p);
    }
}

static void a_product_may_have_one_matrix_twice(void) {
    tiles_blas();
    for (int kind = 0; kind < 2; kind++) {
        problem p;
        result r;
        wr_tiles_crew crew;
        wr_tiles_shape shape;
        wr_tiles_run_options options = {.kill_worker = -1};
        tiles_make(&p, WR_TILES_GEMM, WR_TILES_DOUBLE, 40, 9);
        CHECK_EQ(
            wr_tiles_crew_open(&crew, kind != 0, 2, 2 * p.bytes + 8192, &r.why),
            0);
        wr_tiles_data data = p.data;
        data.a.data = share(&crew, p.data.a.data, p.bytes);
        data.b.data = data.a.data;
        data.c.data = share(&crew, p.data.c.data, p.bytes);
        CHECK_EQ(wr_tiles_crew_start(&crew, 0, &r.why), 0);
        CHECK_EQ(wr_tiles_shape_init(&shape), 0);
        CHECK_EQ(wr_tiles_run(&p.plan, &data, &crew, &options, &shape, &r.ran,
                              &r.why),
                 0);
        memcpy(p.data.c.data, data.c.data, p.bytes);
        memcpy(p.data.b.data, p.data.a.data, p.bytes);
        tiles_check(&p);
        wr_tiles_shape_fini(&shape);
        wr_tiles_crew_free(&crew, data.a.data, p.bytes);
        wr_tiles_crew_free(&crew, data.c.data, p.bytes);
        wr_tiles_crew_close(&crew);
        tiles_free(&p);
    }
}

static const test_case cases[] = {
    {"threads_compute_what_plain_code_does",
     threads_compute_what_plain_code_does},
    {"processes_compute_what_plain_code_does",
     processes_compute_what_plain_code_does},
    {"the_bytes_do_not_depend_on_who_works",
     the_bytes_do_not_depend_on_who_works},
    {"a_killed_worker_changes_nothing", a_killed_worker_changes_nothing},
    {"many_killed_workers_change_nothing", many_killed_workers_change_nothing},
    {"what_has_no_factor_ends_with_its_reason",
     what_has_no_factor_ends_with_its_reason},
    {"the_critical_path_is_that_of_the_algorithm",
     the_critical_path_is_that_of_the_algorithm},
    {"a_product_may_have_one_matrix_twice",
     a_product_may_have_one_matrix_twice},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
