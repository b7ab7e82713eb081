// SPDX-License-Identifier: MIT
// Feeds odd Matrix Market files to the reader of `weir tiles`: what is looked
// for is a crash, a sanitizer's complaint, a refusal without a line, or a
// matrix that is not finite, not symmetric where the file says so, or another
// when it is read again. How to run it: engine.h.
#include "engine.h"

#include "programs/tiles/market.h"

#include <math.h>

enum { ORDER_MAX = 64, TEXT_MAX = 4096 };

static void broken(const char *what, const uint8_t *data, size_t size) {
    printf("fuzz_matrix_market: %s: seed %" PRIu64 "\n%.*s\n", what, fuzz_seed,
           (int)size, (const char *)data);
    fflush(stdout);
    abort();
}

static bool read_text(const uint8_t *data, size_t size, wr_tiles_matrix *out,
                      bool *symmetric) {
    wr_tiles_market market;
    wr_tiles_why why = {""};
    int error = wr_tiles_market_open(&market, (const char *)data, size, &why);
    if (error == 0 && market.order > ORDER_MAX)
        return false;
    if (error == 0) {
        out->order = market.order;
        *symmetric = market.symmetric;
        error = wr_tiles_market_read(&market, out, &why);
    }
    if (error != 0 &&
        (strncmp(why.text, "line ", 5) != 0 || strchr(why.text, '\n') != NULL))
        broken(why.text, data, size);
    return error == 0;
}

static void check(const uint8_t *data, size_t size, wr_tiles_real real) {
    static double one[ORDER_MAX * ORDER_MAX], two[ORDER_MAX * ORDER_MAX];
    wr_tiles_matrix m = {one, 0, ORDER_MAX, real};
    wr_tiles_matrix again = {two, 0, ORDER_MAX, real};
    bool symmetric = false;
    memset(one, 0x55, sizeof(one));
    memset(two, 0xaa, sizeof(two));
    if (!read_text(data, size, &m, &symmetric))
        return;
    if (!read_text(data, size, &again, &symmetric) || again.order != m.order)
        broken("read again it is none", data, size);
    for (size_t j = 0; j < m.order; j++)
        for (size_t i = 0; i < m.order; i++) {
            double value = wr_tiles_at(&m, i, j);
            if (!isfinite(value))
                broken("not finite", data, size);
            if (value != wr_tiles_at(&again, i, j))
                broken("read again it is another", data, size);
            if (symmetric && value != wr_tiles_at(&m, j, i))
                broken("not symmetric", data, size);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    // On the heap, and no byte more: a sanitizer sees what is read beyond.
    uint8_t *copy = malloc(size != 0 ? size : 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    check(copy, size, WR_TILES_DOUBLE);
    check(copy, size, WR_TILES_SINGLE);
    free(copy);
    return 0;
}

static void one_round(void) {
    static const char *const fields[] = {"real", "integer", "pattern"};
    static const char odd[] = "%\n\r\t -+.eEdD0123456789 \0x";
    static uint8_t text[TEXT_MAX + 64];
    char *at = (char *)text, *end = (char *)text + TEXT_MAX;
    bool sparse = below(2), symmetric = below(2);
    size_t order = 1 + below(8);
    const char *field = fields[below(sparse ? 3 : 2)];
    size_t entries = sparse      ? below(12)
                     : symmetric ? order * (order + 1) / 2
                                 : order * order;
    at += snprintf(at, (size_t)(end - at), "%%%%MatrixMarket matrix %s %s %s\n",
                   sparse ? "coordinate" : "array", field,
                   symmetric ? "symmetric" : "general");
    at += snprintf(at, (size_t)(end - at), "%zu %zu", order, order);
    if (sparse)
        at += snprintf(at, (size_t)(end - at), " %zu", entries);
    at += snprintf(at, (size_t)(end - at), "\n");
    for (size_t i = 0; i < entries; i++) {
        size_t row = 1 + below(order);
        if (sparse)
            at += snprintf(at, (size_t)(end - at), "%zu %zu ", row,
                           1 + below(symmetric ? row : order));
        if (strcmp(field, "pattern") != 0)
            at += snprintf(at, (size_t)(end - at), "%d%s", (int)below(99) - 50,
                           field[0] == 'r' && below(2) ? ".5e300" : "");
        at += snprintf(at, (size_t)(end - at), "\n");
    }
    size_t size = fuzz_damage(text, (size_t)(at - (char *)text), odd,
                              sizeof(odd) - 1, 6, 64);
    LLVMFuzzerTestOneInput(text, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_matrix_market", one_round);
}
