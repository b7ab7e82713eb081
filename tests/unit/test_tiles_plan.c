// SPDX-License-Identifier: MIT
// Plans, kernels and the way back after a task was cut off, without a graph: a
// scheduler of a few lines takes the tasks in any order that what they touch
// allows.
#include "support/tiles.h"

#include "base/random.h"
#include "graph/endpoint.h"
#include "weir/graph.h"

#include <errno.h>

enum { TASKS_MAX = 1200 };

// ---- one task --------------------------------------------------------------

static void *address_of(const problem *p, const wr_tiles_touch *touch) {
    const wr_tiles_matrix *m = touch->place == WR_TILES_IN_A   ? &p->data.a
                               : touch->place == WR_TILES_IN_B ? &p->data.b
                                                               : &p->data.c;
    if (touch->place == WR_TILES_IN_PIVOTS)
        return p->data.pivots + touch->row;
    return (char *)m->data +
           (touch->column * m->lead + touch->row) * wr_tiles_real_size(m->real);
}

static int run_op(const problem *p, const wr_tiles_op *op, char *reason) {
    wr_tiles_touch touches[WR_TILES_TOUCHES_MAX];
    void *data[WR_TILES_TOUCHES_MAX];
    wr_tiles_arguments arguments;
    size_t count = wr_tiles_plan_touches(&p->plan, op, touches);
    for (size_t i = 0; i < count; i++)
        data[i] = address_of(p, &touches[i]);
    wr_tiles_plan_arguments(&p->plan, op, &arguments);
    wr_call call = {
        .call =
            {
                .arguments = &arguments,
                .arguments_size = sizeof(arguments),
                .data = data,
                .data_count = (uint32_t)count,
                .members = 1,
            },
    };
    int status = wr_call_run(&call, wr_tiles_kernels[op->kernel].run);
    if (reason != NULL)
        strcpy(reason, call.reason);
    return status;
}

static int run_all(const problem *p, char *reason) {
    for (size_t i = 0; i < p->plan.count; i++) {
        int status = run_op(p, &p->plan.ops[i], reason);
        if (status != 0)
            return status;
    }
    return 0;
}

// What a task that is cut off may leave: anything, where it writes.
static void spoil(const problem *p, const wr_tiles_op *op) {
    wr_tiles_touch touches[WR_TILES_TOUCHES_MAX];
    size_t count = wr_tiles_plan_touches(&p->plan, op, touches);
    for (size_t t = 0; t < count; t++) {
        const wr_tiles_touch *touch = &touches[t];
        bool pivots = touch->place == WR_TILES_IN_PIVOTS;
        size_t size =
            pivots ? sizeof(int32_t) : wr_tiles_real_size(p->plan.real);
        if (touch->mode == WEIR_READ)
            continue;
        for (size_t j = 0; j < touch->width; j++)
            memset((char *)address_of(p, touch) + j * p->plan.lead * size, 0xff,
                   touch->height * size);
    }
}

// ---- orders ----------------------------------------------------------------

static bool meet(const wr_tiles_touch *a, const wr_tiles_touch *b) {
    if (a->place != b->place || (a->mode == WEIR_READ && b->mode == WEIR_READ))
        return false;
    return a->row < b->row + b->height && b->row < a->row + a->height &&
           a->column < b->column + b->width && b->column < a->column + a->width;
}

static bool depends(const problem *p, size_t from, size_t to) {
    wr_tiles_touch a[WR_TILES_TOUCHES_MAX], b[WR_TILES_TOUCHES_MAX];
    size_t as = wr_tiles_plan_touches(&p->plan, &p->plan.ops[from], a);
    size_t bs = wr_tiles_plan_touches(&p->plan, &p->plan.ops[to], b);
    for (size_t i = 0; i < as; i++)
        for (size_t j = 0; j < bs; j++)
            if (meet(&a[i], &b[j]))
                return true;
    return p->plan.ops[from].phase < p->plan.ops[to].phase;
}

static bool before[TASKS_MAX][TASKS_MAX]; // [to][from]

static void order_tasks(const problem *p) {
    CHECK(p->plan.count <= TASKS_MAX);
    for (size_t to = 0; to < p->plan.count; to++)
        for (size_t from = 0; from < to; from++)
            before[to][from] = depends(p, from, to);
}

static bool is_ready(const bool *done, size_t task) {
    for (size_t from = 0; from < task; from++)
        if (before[task][from] && !done[from])
            return false;
    return true;
}

// A task that may run now, any of them.
static size_t pick(const problem *p, const bool *done, const bool *given_up,
                   uint64_t *state) {
    size_t found = SIZE_MAX, seen = 0;
    for (size_t i = 0; i < p->plan.count; i++)
        if (!done[i] && !given_up[i] && is_ready(done, i) &&
            wr_random_next(state) % ++seen == 0)
            found = i;
    return found;
}

static void undo(const problem *p, bool *done, size_t task) {
    wr_tiles_region region, other;
    wr_tiles_plan_region(&p->plan, &p->plan.ops[task], &region);
    size_t size = wr_tiles_real_size(p->plan.real);
    for (size_t j = region.column;
         p->data.original.data != NULL && j < region.column + region.width; j++)
        memcpy((char *)p->data.a.data + (j * p->plan.lead + region.row) * size,
               (char *)p->data.original.data +
                   (j * p->plan.lead + region.row) * size,
               region.height * size);
    for (size_t i = 0; i < p->plan.count; i++) {
        wr_tiles_plan_region(&p->plan, &p->plan.ops[i], &other);
        if (other.number == region.number)
            done[i] = false;
    }
}

// Runs all tasks in an order of chance; of `one_of` one is cut off, if that is
// not 0: then what depends on it waits for the next round, as it does when the
// graph has failed it.
static void run_in_any_order(const problem *p, uint64_t seed, uint64_t one_of) {
    bool done[TASKS_MAX] = {false}, lost[TASKS_MAX];
    uint64_t state = seed;
    for (bool again = true; again;) {
        again = false;
        memset(lost, 0, sizeof(lost));
        for (size_t i; (i = pick(p, done, lost, &state)) != SIZE_MAX;) {
            const wr_tiles_op *op = &p->plan.ops[i];
            if (one_of != 0 && op->phase == 0 &&
                wr_random_next(&state) % one_of == 0) {
                spoil(p, op);
                lost[i] = again = true;
                continue;
            }
            CHECK_EQ(run_op(p, op, NULL), 0);
            done[i] = true;
        }
        for (size_t i = 0; i < p->plan.count; i++)
            if (lost[i])
                undo(p, done, i);
    }
    for (size_t i = 0; i < p->plan.count; i++)
        CHECK(done[i]);
}

// ---- cases -----------------------------------------------------------------

static const struct {
    size_t order, tile;
} shapes[] = {{1, 1},   {1, 256}, {2, 1},   {3, 2},    {7, 7},
              {8, 7},   {9, 1},   {16, 4},  {17, 4},   {31, 8},
              {33, 32}, {64, 64}, {65, 64}, {100, 33}, {97, 10},
              {128, 1}, {5, 100}, {40, 39}, {150, 70}, {257, 256}};

static void plans_compute_what_plain_code_does(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++)
        for (int real = 0; real < 2; real++)
            for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
                problem p;
                if (shapes[s].order / shapes[s].tile > 100)
                    continue; // too many tasks for all three
                tiles_make(&p, tiles_algorithms[a], (wr_tiles_real)real,
                           shapes[s].order, shapes[s].tile);
                CHECK_EQ(run_all(&p, NULL), 0);
                tiles_check(&p);
                tiles_free(&p);
            }
}

static void tiles_of_one_element_work(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++) {
        problem p;
        tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 30, 1);
        CHECK_EQ(run_all(&p, NULL), 0);
        tiles_check(&p);
        tiles_free(&p);
    }
}

static void tasks_are_counted_before_they_are_made(void) {
    for (int a = 0; a < 3; a++)
        for (size_t order = 1; order < 20; order++)
            for (size_t tile = 1; tile < 22; tile++) {
                wr_tiles_plan plan;
                CHECK_EQ(wr_tiles_plan_make(&plan, tiles_algorithms[a],
                                            WR_TILES_DOUBLE, order, tile),
                         0);
                CHECK_EQ(plan.count,
                         wr_tiles_plan_size(tiles_algorithms[a], order, tile));
                wr_tiles_plan_free(&plan);
            }
    wr_tiles_plan plan;
    CHECK_EQ(wr_tiles_plan_make(&plan, WR_TILES_GEMM, WR_TILES_DOUBLE, 162, 1),
             -E2BIG);
}

// A task stays within its matrix, and within one region.
static void what_a_task_changes_is_in_its_region(void) {
    for (int a = 0; a < 3; a++) {
        wr_tiles_plan plan;
        CHECK_EQ(wr_tiles_plan_make(&plan, tiles_algorithms[a], WR_TILES_SINGLE,
                                    45, 10),
                 0);
        for (size_t i = 0; i < plan.count; i++) {
            const wr_tiles_op *op = &plan.ops[i];
            wr_tiles_touch touches[WR_TILES_TOUCHES_MAX];
            wr_tiles_region r;
            wr_tiles_plan_region(&plan, op, &r);
            CHECK(r.number < (size_t)plan.side * plan.side);
            size_t count = wr_tiles_plan_touches(&plan, op, touches);
            for (size_t t = 0; t < count; t++) {
                const wr_tiles_touch *touch = &touches[t];
                CHECK(touch->height > 0 && touch->width > 0);
                CHECK(touch->row + touch->height <= 45);
                CHECK(touch->column + touch->width <= 45);
                if (touch->mode == WEIR_READ ||
                    touch->place == WR_TILES_IN_PIVOTS)
                    continue;
                CHECK(touch->row >= r.row && touch->column >= r.column);
                CHECK(touch->row + touch->height <= r.row + r.height);
                CHECK(touch->column + touch->width <= r.column + r.width);
            }
        }
        wr_tiles_plan_free(&plan);
    }
}

static void keep(const problem *p, problem *reference) {
    tiles_make(reference, p->plan.algorithm, p->plan.real, p->plan.order,
               p->plan.tile);
    CHECK_EQ(run_all(reference, NULL), 0);
}

static void same_bytes(problem *a, problem *b) {
    CHECK(memcmp(tiles_result(a)->data, tiles_result(b)->data, a->bytes) == 0);
    CHECK(memcmp(a->data.pivots, b->data.pivots,
                 a->plan.order * sizeof(int32_t)) == 0);
}

static void any_order_that_is_allowed_gives_the_same_bytes(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++) {
        problem p, reference;
        tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 75, 11);
        keep(&p, &reference);
        order_tasks(&p);
        for (uint64_t seed = 1; seed <= 12; seed++) {
            tiles_fill(&p, 75 * 1000 + 11);
            run_in_any_order(&p, seed, 0);
            same_bytes(&p, &reference);
        }
        tiles_free(&p);
        tiles_free(&reference);
    }
}

static void what_was_cut_off_is_done_again_to_the_same_bytes(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++) {
        problem p, reference;
        tiles_make(&p, tiles_algorithms[a], WR_TILES_DOUBLE, 75, 11);
        keep(&p, &reference);
        order_tasks(&p);
        for (uint64_t seed = 1; seed <= 20; seed++) {
            tiles_fill(&p, 75 * 1000 + 11);
            run_in_any_order(&p, seed, 20);
            same_bytes(&p, &reference);
        }
        tiles_free(&p);
        tiles_free(&reference);
    }
}

static void what_has_no_factor_is_named(void) {
    tiles_blas();
    problem p;
    char reason[WEIR_REASON_MAX];
    tiles_make(&p, WR_TILES_CHOLESKY, WR_TILES_DOUBLE, 50, 10);
    wr_tiles_put(&p.data.a, 36, 36, -1);
    CHECK_EQ(run_all(&p, reason), -EDOM);
    CHECK_STR(reason, "minor 37 is not positive");
    tiles_free(&p);
    tiles_make(&p, WR_TILES_LU, WR_TILES_SINGLE, 50, 10);
    for (size_t i = 0; i < 50; i++)
        wr_tiles_put(&p.data.a, i, 23, 0);
    CHECK_EQ(run_all(&p, reason), -EDOM);
    CHECK_STR(reason, "no pivot is left in column 24");
    tiles_free(&p);
}

static void a_wrong_element_shows_in_the_residual(void) {
    tiles_blas();
    for (int a = 0; a < 3; a++)
        for (int real = 0; real < 2; real++) {
            problem p;
            tiles_make(&p, tiles_algorithms[a], (wr_tiles_real)real, 90, 20);
            CHECK_EQ(run_all(&p, NULL), 0);
            CHECK(tiles_residual(&p) < 1);
            double was = wr_tiles_at(tiles_result(&p), 70, 40);
            wr_tiles_put(tiles_result(&p), 70, 40, was + 0.5);
            CHECK(tiles_residual(&p) > WR_TILES_RESIDUAL_MAX);
            wr_tiles_put(tiles_result(&p), 70, 40, NAN);
            CHECK(!(tiles_residual(&p) <= WR_TILES_RESIDUAL_MAX));
            tiles_free(&p);
        }
}

static void columns_do_not_fall_on_the_same_cache_lines(void) {
    for (int real = 0; real < 2; real++)
        for (size_t order = 1; order < 5000; order++) {
            size_t size = wr_tiles_real_size((wr_tiles_real)real);
            size_t bytes = wr_tiles_lead(order, (wr_tiles_real)real) * size;
            CHECK(bytes >= order * size && bytes < order * size + 128);
            CHECK(bytes % 64 == 0 && bytes % 4096 != 0);
        }
}

static const test_case cases[] = {
    {"plans_compute_what_plain_code_does", plans_compute_what_plain_code_does},
    {"tiles_of_one_element_work", tiles_of_one_element_work},
    {"tasks_are_counted_before_they_are_made",
     tasks_are_counted_before_they_are_made},
    {"what_a_task_changes_is_in_its_region",
     what_a_task_changes_is_in_its_region},
    {"any_order_that_is_allowed_gives_the_same_bytes",
     any_order_that_is_allowed_gives_the_same_bytes},
    {"what_was_cut_off_is_done_again_to_the_same_bytes",
     what_was_cut_off_is_done_again_to_the_same_bytes},
    {"what_has_no_factor_is_named", what_has_no_factor_is_named},
    {"a_wrong_element_shows_in_the_residual",
     a_wrong_element_shows_in_the_residual},
    {"columns_do_not_fall_on_the_same_cache_lines",
     columns_do_not_fall_on_the_same_cache_lines},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
