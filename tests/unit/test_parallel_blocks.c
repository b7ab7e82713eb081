// SPDX-License-Identifier: MIT
// Chunks and tiles: each block once, of the size asked for, the first error in
// order, cancelled.
#include "support/parallel.h"

enum { N = 3000, ROWS = 70, COLUMNS = 90 };

static wr_atomic_u32 visits[N];

// ---- chunks ----------------------------------------------------------------

typedef struct chunks {
    size_t from, to, chunk;
    size_t fails[2]; // indices that fail
} chunks;

static int visit_chunk(weir_worker *self, void *context, size_t from,
                       size_t to) {
    chunks *c = context;
    (void)self;
    CHECK(c->from <= from && from < to && to <= c->to);
    CHECK_EQ((from - c->from) % c->chunk, 0);
    CHECK(to - from == c->chunk || to == c->to);
    CHECK(to - from <= c->chunk);
    for (size_t i = from; i < to; i++) {
        count(&visits[i], 1);
        for (int k = 0; k < 2; k++)
            if (i == c->fails[k])
                return k == 0 ? -ENOENT : -ENOMEM;
    }
    return 0;
}

static int visit_chunks(weir_worker *self, chunks c) {
    memset(visits, 0, sizeof(visits));
    return weir_parallel_chunks(self, c.from, c.to, c.chunk, visit_chunk, &c);
}

static int run_chunks(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 7;
    for (int round = 0; round < 25; round++) {
        chunks c = {.fails = {SIZE_MAX, SIZE_MAX}};
        c.from = wr_random_below(&random, N);
        c.to = c.from + wr_random_below(&random, (uint32_t)(N - c.from + 1));
        c.chunk = round % 10 == 0 ? 1 + wr_random_below(&random, 2 * N)
                                  : 1 + wr_random_below(&random, 70);
        CHECK_EQ(visit_chunks(self, c), 0);
        for (size_t i = 0; i < N; i++)
            CHECK_EQ(counted(&visits[i]), i >= c.from && i < c.to);
    }
    chunks huge = {5, 9, SIZE_MAX, {SIZE_MAX, SIZE_MAX}};
    CHECK_EQ(visit_chunks(self, huge), 0);
    chunks none = {9, 9, 3, {SIZE_MAX, SIZE_MAX}};
    CHECK_EQ(visit_chunks(self, none), 0);
    none.to = 4;
    return visit_chunks(self, none);
}

static void each_index_is_in_one_chunk_of_the_size_asked_for(void) {
    on_every_pool(run_chunks, NULL, 0);
}

static int run_failing_chunks(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 8;
    for (int round = 0; round < 20; round++) {
        chunks c = {.to = N, .chunk = 1 + wr_random_below(&random, 40)};
        c.fails[0] = wr_random_below(&random, N);
        c.fails[1] = wr_random_below(&random, N);
        int first = c.fails[0] <= c.fails[1] ? -ENOENT : -ENOMEM;
        size_t at = c.fails[first == -ENOMEM];
        CHECK_EQ(visit_chunks(self, c), first);
        for (size_t i = 0; i <= at; i++)
            CHECK_EQ(counted(&visits[i]), 1);
    }
    return 0;
}

static void the_error_of_the_lowest_chunk_is_returned(void) {
    on_every_pool(run_failing_chunks, NULL, 0);
}

// On one worker nothing after an error runs: not even in the same piece.
static int run_one_failing(weir_worker *self, void *argument) {
    (void)argument;
    chunks c = {.to = N, .chunk = 1, .fails = {1234, 1235}};
    int status = visit_chunks(self, c);
    for (size_t i = 0; i < N; i++)
        CHECK_EQ(counted(&visits[i]), i <= 1234);
    return status;
}

static void chunks_after_an_error_do_not_run(void) {
    on_pool(1, 0, run_one_failing, NULL, -ENOENT);
}

static int run_no_chunk(weir_worker *self, void *argument) {
    (void)argument;
    chunks c = {.to = N};
    return visit_chunks(self, c);
}

static void a_chunk_of_no_indices_is_refused(void) {
    on_every_pool_of(1, run_no_chunk, NULL, -EINVAL);
}

static int cancel_chunk(weir_worker *self, void *context, size_t from,
                        size_t to) {
    (void)from;
    (void)to;
    cancel_all(self, context);
    return 0;
}

static int chunks_job(weir_worker *self, weir_job *job) {
    return weir_parallel_chunks(self, 0, N, 1, cancel_chunk, job);
}

static int run_cancelled_chunks(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, chunks_job, N);
}

static void cancelled_chunks_say_so_and_stop_early(void) {
    on_every_pool(run_cancelled_chunks, NULL, -ECANCELED);
}

// ---- tiles -----------------------------------------------------------------

static wr_atomic_u32 cells[ROWS * COLUMNS];

typedef struct tiles {
    weir_tile area;
    size_t rows, columns; // of a tile; 0: any
    size_t fails[2];      // cells that fail
} tiles;

static int visit_tile(weir_worker *self, void *context, const weir_tile *tile) {
    const tiles *t = context;
    const weir_tile *area = &t->area;
    (void)self;
    size_t rows = tile->row_to - tile->row_from;
    size_t columns = tile->column_to - tile->column_from;
    CHECK(tile->row_from < tile->row_to && tile->row_to <= area->row_to);
    CHECK(tile->column_from < tile->column_to &&
          tile->column_to <= area->column_to);
    CHECK(tile->row_from >= area->row_from &&
          tile->column_from >= area->column_from);
    if (t->rows != 0)
        CHECK(rows == t->rows ||
              (rows < t->rows && tile->row_to == area->row_to));
    if (t->columns != 0)
        CHECK(columns == t->columns ||
              (columns < t->columns && tile->column_to == area->column_to));
    int error = 0;
    for (size_t i = tile->row_from; i < tile->row_to; i++)
        for (size_t j = tile->column_from; j < tile->column_to; j++) {
            count(&cells[i * COLUMNS + j], 1);
            for (int k = 0; k < 2; k++)
                if (error == 0 && i * COLUMNS + j == t->fails[k])
                    error = k == 0 ? -ENOENT : -ENOMEM;
        }
    return error;
}

static int visit_tiles(weir_worker *self, tiles t) {
    memset(cells, 0, sizeof(cells));
    return weir_parallel_tiles(self, &t.area, t.rows, t.columns, visit_tile,
                               &t);
}

static int run_tiles(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 9;
    for (int round = 0; round < 15; round++) {
        tiles t = {.fails = {SIZE_MAX, SIZE_MAX}};
        weir_tile *area = &t.area;
        area->row_from = wr_random_below(&random, ROWS);
        area->row_to = wr_random_below(&random, ROWS + 1);
        area->column_from = wr_random_below(&random, COLUMNS);
        area->column_to = wr_random_below(&random, COLUMNS + 1);
        t.rows = wr_random_below(&random, 20);
        t.columns = wr_random_below(&random, 20);
        CHECK_EQ(visit_tiles(self, t), 0);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < COLUMNS; j++)
                CHECK_EQ(counted(&cells[i * COLUMNS + j]),
                         i >= area->row_from && i < area->row_to &&
                             j >= area->column_from && j < area->column_to);
    }
    return 0;
}

static void each_cell_is_in_one_tile(void) {
    on_every_pool(run_tiles, NULL, 0);
}

// Tiles of one cell are in the order of the cells.
static int run_failing_tiles(weir_worker *self, void *argument) {
    (void)argument;
    tiles t = {{0, ROWS, 0, COLUMNS}, 1, 1, {17 * COLUMNS + 80, 18 * COLUMNS}};
    CHECK_EQ(visit_tiles(self, t), -ENOENT);
    for (size_t i = 0; i <= t.fails[0]; i++)
        CHECK_EQ(counted(&cells[i]), 1);
    // Of whole rows of tiles the first counts, in it the first tile.
    t = (tiles){
        {0, ROWS, 0, COLUMNS}, 20, 10, {0 * COLUMNS + 45, 19 * COLUMNS}};
    return visit_tiles(self, t);
}

static void the_error_of_the_first_tile_is_returned(void) {
    on_every_pool(run_failing_tiles, NULL, -ENOMEM);
}

static int run_too_many(weir_worker *self, void *argument) {
    (void)argument;
    tiles t = {.area = {0, SIZE_MAX, 0, SIZE_MAX}, .rows = 1, .columns = 1};
    return visit_tiles(self, t);
}

static void more_tiles_than_can_be_counted_are_refused(void) {
    on_every_pool_of(1, run_too_many, NULL, -E2BIG);
}

static int cancel_tile(weir_worker *self, void *context,
                       const weir_tile *tile) {
    (void)tile;
    cancel_all(self, context);
    return 0;
}

static int tiles_job(weir_worker *self, weir_job *job) {
    static const weir_tile area = {0, 1000, 0, 1000};
    return weir_parallel_tiles(self, &area, 1, 1, cancel_tile, job);
}

static int run_cancelled_tiles(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, tiles_job, 200000);
}

static void cancelled_tiles_say_so_and_stop_early(void) {
    on_every_pool(run_cancelled_tiles, NULL, -ECANCELED);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"each_index_is_in_one_chunk_of_the_size_asked_for",
         each_index_is_in_one_chunk_of_the_size_asked_for},
        {"the_error_of_the_lowest_chunk_is_returned",
         the_error_of_the_lowest_chunk_is_returned},
        {"chunks_after_an_error_do_not_run", chunks_after_an_error_do_not_run},
        {"a_chunk_of_no_indices_is_refused", a_chunk_of_no_indices_is_refused},
        {"cancelled_chunks_say_so_and_stop_early",
         cancelled_chunks_say_so_and_stop_early},
        {"each_cell_is_in_one_tile", each_cell_is_in_one_tile},
        {"the_error_of_the_first_tile_is_returned",
         the_error_of_the_first_tile_is_returned},
        {"more_tiles_than_can_be_counted_are_refused",
         more_tiles_than_can_be_counted_are_refused},
        {"cancelled_tiles_say_so_and_stop_early",
         cancelled_tiles_say_so_and_stop_early},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
