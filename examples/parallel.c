// SPDX-License-Identifier: MIT
// What a picture is made of: loops over its pixels on all cores, with the same
// answer on any number of them.
// Prints:
//   2000000 pixels, mean 127.50, brightest 255 at 72
//   first white: 72, all below 200: no
//   most frequent: 37, 7816 times
//   kept 999996 of 2000000, and the first of them is 181
//   the last sum is 254999737
//   2000000 pixels turned in tiles
#include <stdio.h>
#include <stdlib.h>
#include <weir/parallel.h>

enum { ROWS = 1000, COLUMNS = 2000, PIXELS = ROWS * COLUMNS };

struct picture {
    unsigned char pixels[PIXELS], bright[PIXELS], turned[PIXELS];
    uint64_t sums[PIXELS];
};

// ---- a loop ----------------------------------------------------------------

static int draw(weir_worker *self, void *context, size_t from, size_t to) {
    struct picture *picture = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        picture->pixels[i] = (unsigned char)((uint32_t)i * 2654435761U >> 23);
    return 0;
}

// ---- one value -------------------------------------------------------------

static int sum(weir_worker *self, void *context, size_t from, size_t to,
               void *value) {
    const struct picture *picture = context;
    (void)self;
    uint64_t total = 0;
    for (size_t i = from; i < to; i++)
        total += picture->pixels[i];
    *(uint64_t *)value = total;
    return 0;
}

static void add(void *context, void *left, const void *right) {
    (void)context;
    *(uint64_t *)left += *(const uint64_t *)right;
}

// ---- the best --------------------------------------------------------------

static int brightest(weir_worker *self, void *context, size_t from, size_t to,
                     size_t *index) {
    const struct picture *picture = context;
    (void)self;
    size_t best = from;
    for (size_t i = from; i < to; i++)
        if (picture->pixels[i] > picture->pixels[best])
            best = i;
    *index = best;
    return 0;
}

static int brighter(void *context, size_t index, size_t than) {
    const struct picture *picture = context;
    return picture->pixels[index] > picture->pixels[than];
}

// ---- finding ---------------------------------------------------------------

static int find_white(weir_worker *self, void *context, size_t from, size_t to,
                      size_t *found) {
    const struct picture *picture = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        if (picture->pixels[i] == 255) {
            *found = i;
            break;
        }
    return 0;
}

static int is_dark(weir_worker *self, void *context, size_t from, size_t to) {
    const struct picture *picture = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        if (picture->pixels[i] >= 200)
            return 0;
    return 1;
}

// ---- how many of each ------------------------------------------------------

static int count_each(weir_worker *self, void *context, size_t from, size_t to,
                      uint64_t *counts) {
    const struct picture *picture = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        counts[picture->pixels[i]]++;
    return 0;
}

// ---- some of them ----------------------------------------------------------

static int count_bright(weir_worker *self, void *context, size_t from,
                        size_t to, size_t *kept) {
    const struct picture *picture = context;
    (void)self;
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        count += picture->pixels[i] >= 128;
    *kept = count;
    return 0;
}

static int keep_bright(weir_worker *self, void *context, size_t from, size_t to,
                       size_t at, size_t rest) {
    struct picture *picture = context;
    (void)self;
    (void)rest; // where the others go, in a partition
    for (size_t i = from; i < to; i++)
        if (picture->pixels[i] >= 128)
            picture->bright[at++] = picture->pixels[i];
    return 0;
}

// ---- sums of all before ----------------------------------------------------

static int sums_up_to(weir_worker *self, void *context, size_t from, size_t to,
                      void *value) {
    struct picture *picture = context;
    (void)self;
    uint64_t total = *(uint64_t *)value;
    for (size_t i = from; i < to; i++) {
        total += picture->pixels[i];
        picture->sums[i] = total;
    }
    return 0;
}

// ---- tiles -----------------------------------------------------------------

static int turn(weir_worker *self, void *context, const weir_tile *tile) {
    struct picture *picture = context;
    (void)self;
    for (size_t i = tile->row_from; i < tile->row_to; i++)
        for (size_t j = tile->column_from; j < tile->column_to; j++)
            picture->turned[j * ROWS + i] = picture->pixels[i * COLUMNS + j];
    return 0;
}

// ---- all of it -------------------------------------------------------------

static int look(weir_worker *self, void *context) {
    struct picture *picture = context;
    int error = weir_parallel_for(self, 0, PIXELS, draw, picture);

    uint64_t total = 0;
    weir_reduction how = {sizeof(total), sum, add, picture, NULL};
    if (error == 0)
        error = weir_parallel_reduce(self, 0, PIXELS, &how, &total);

    size_t best = 0;
    weir_choice choice = {brightest, brighter, picture};
    if (error == 0)
        error = weir_parallel_best(self, 0, PIXELS, &choice, &best);
    if (error != 0)
        return error;
    printf("%d pixels, mean %.2f, brightest %d at %zu\n", PIXELS,
           (double)total / PIXELS, picture->pixels[best], best);
    return 0;
}

static int look_for(weir_worker *self, void *context) {
    struct picture *picture = context;
    size_t white = 0;
    int error =
        weir_parallel_find(self, 0, PIXELS, find_white, picture, &white);
    int all = weir_parallel_all(self, 0, PIXELS, is_dark, picture);
    if (error != 0 || all < 0)
        return error != 0 ? error : all;
    printf("first white: %zu, all below 200: %s\n", white, all ? "yes" : "no");

    uint64_t counts[256] = {0};
    error = weir_parallel_histogram(self, 0, PIXELS, count_each, picture, 256,
                                    counts);
    if (error != 0)
        return error;
    int most = 0;
    for (int i = 0; i < 256; i++)
        if (counts[i] > counts[most])
            most = i;
    printf("most frequent: %d, %llu times\n", most,
           (unsigned long long)counts[most]);

    return 0;
}

static int rearrange(weir_worker *self, void *context) {
    struct picture *picture = context;
    size_t kept = 0;
    weir_packing packing = {count_bright, keep_bright, picture};
    int error = weir_parallel_pack(self, 0, PIXELS, &packing, &kept);
    if (error != 0)
        return error;
    printf("kept %zu of %d, and the first of them is %d\n", kept, PIXELS,
           picture->bright[0]);

    uint64_t before = 0; // the value of nothing
    weir_reduction how = {sizeof(before), sum, add, picture, NULL};
    error = weir_parallel_scan(self, 0, PIXELS, &how, sums_up_to, &before);
    if (error != 0)
        return error;
    printf("the last sum is %llu\n",
           (unsigned long long)picture->sums[PIXELS - 1]);

    weir_tile area = {0, ROWS, 0, COLUMNS};
    error = weir_parallel_tiles(self, &area, 0, 0, turn, picture);
    if (error == 0)
        printf("%d pixels turned in tiles\n", PIXELS);
    return error;
}

static int do_all(weir_worker *self, void *picture) {
    int error = look(self, picture);
    if (error == 0)
        error = look_for(self, picture);
    return error != 0 ? error : rearrange(self, picture);
}

int main(void) {
    struct picture *picture = malloc(sizeof(*picture));
    weir_pool *pool;
    int status = 0;
    if (picture == NULL || weir_pool_create(&pool, NULL) != 0)
        return 1;
    int error = weir_run(pool, do_all, picture, &status);
    weir_pool_destroy(pool);
    free(picture);
    return error != 0 || status != 0;
}
