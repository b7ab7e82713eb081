// SPDX-License-Identifier: MIT
// Loops over blocks: chunks of a range, tiles of an area.
#include "parallel/types.h"

#include <errno.h>

// ---- chunks ----------------------------------------------------------------

typedef struct chunked {
    wr_blocks blocks;
    weir_range_body *body;
    void *context;
} chunked;

static int chunk_piece(weir_worker *self, const wr_for *loop, size_t from,
                       size_t to, size_t *at) {
    const chunked *what = loop->what;
    for (size_t i = from; i < to; i++) {
        int error =
            what->body(self, what->context, wr_block_from(&what->blocks, i),
                       wr_block_to(&what->blocks, i));
        if (error != 0) {
            *at = i;
            return error;
        }
    }
    return 0;
}

int weir_parallel_chunks(weir_worker *self, size_t from, size_t to,
                         size_t chunk, weir_range_body *body, void *context) {
    if (chunk == 0)
        return -EINVAL;
    if (from >= to)
        return 0;
    chunked what = {{from, to, chunk}, body, context};
    wr_for loop = {.piece = chunk_piece, .what = &what};
    return wr_for_run(self, &loop, 0, wr_blocks_count(&what.blocks));
}

// ---- tiles -----------------------------------------------------------------

typedef struct tiled {
    wr_blocks rows, columns;
    size_t across; // tiles in a row of tiles
    weir_tile_body *body;
    void *context;
} tiled;

static int tile_piece(weir_worker *self, const wr_for *loop, size_t from,
                      size_t to, size_t *at) {
    const tiled *what = loop->what;
    size_t row = from / what->across, column = from % what->across;
    for (size_t i = from; i < to; i++) {
        weir_tile tile = {.row_from = wr_block_from(&what->rows, row),
                          .row_to = wr_block_to(&what->rows, row),
                          .column_from = wr_block_from(&what->columns, column),
                          .column_to = wr_block_to(&what->columns, column)};
        int error = what->body(self, what->context, &tile);
        if (error != 0) {
            *at = i;
            return error;
        }
        if (++column == what->across) {
            column = 0;
            row++;
        }
    }
    return 0;
}

// A side that somebody chose, or one that gives enough tiles.
static size_t side(size_t chosen, size_t length) {
    enum { SIDE_MAX = 64, TILES = 16 };
    if (chosen != 0)
        return chosen;
    size_t some = (length - 1) / TILES + 1;
    return some < SIDE_MAX ? some : SIDE_MAX;
}

int weir_parallel_tiles(weir_worker *self, const weir_tile *area, size_t rows,
                        size_t columns, weir_tile_body *body, void *context) {
    if (area->row_from >= area->row_to || area->column_from >= area->column_to)
        return 0;
    tiled what = {.rows = {area->row_from, area->row_to, 0},
                  .columns = {area->column_from, area->column_to, 0},
                  .body = body,
                  .context = context};
    what.rows.size = side(rows, area->row_to - area->row_from);
    what.columns.size = side(columns, area->column_to - area->column_from);
    what.across = wr_blocks_count(&what.columns);
    size_t down = wr_blocks_count(&what.rows);
    if (down > SIZE_MAX / what.across)
        return -E2BIG;
    wr_for loop = {.piece = tile_piece, .what = &what};
    return wr_for_run(self, &loop, 0, down * what.across);
}
