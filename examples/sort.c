// SPDX-License-Identifier: MIT
// Sorting in three ways: an order that is called, an order that is compiled
// in, and keys that are numbers.
// Prints:
//   calls by length: 3 s (c), 5 s (a), 5 s (d), 8 s (b)
//   calls by caller: a b c d
//   1000000 calls by time: in order
#include "weir/sort_inline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
    uint64_t time;
    unsigned seconds;
    char caller[4];
};

static int compare_caller(const void *a, const void *b, void *context) {
    const struct call *x = a, *y = b;
    (void)context;
    return strcmp(x->caller, y->caller);
}

// Without a branch, and compiled into the loops of by_length.
static inline int shorter(const void *a, const void *b, void *context) {
    const struct call *x = a, *y = b;
    (void)context;
    return x->seconds < y->seconds;
}
WEIR_SORT_KIND(by_length, struct call, shorter);

static int sort_few(weir_worker *self, void *argument) {
    struct call *calls = argument;
    // Calls of the same length stay in the order that they had.
    int status = weir_sort_stable_of(self, calls, 4, &by_length, NULL, NULL);
    if (status != 0)
        return status;
    printf("calls by length:");
    for (int i = 0; i < 4; i++)
        printf("%s %u s (%s)", i == 0 ? "" : ",", calls[i].seconds,
               calls[i].caller);

    status = weir_sort(self, calls, 4, sizeof(*calls), compare_caller, NULL);
    if (status != 0)
        return status;
    printf("\ncalls by caller:");
    for (int i = 0; i < 4; i++)
        printf(" %s", calls[i].caller);
    printf("\n");
    return 0;
}

enum { MANY = 1000000 };

static int sort_many(weir_worker *self, void *argument) {
    struct call *calls = argument;
    return weir_sort_radix(self, calls, MANY, sizeof(*calls),
                           offsetof(struct call, time), WEIR_KEY_U64, NULL);
}

int main(void) {
    struct call few[] = {{7, 5, "a"}, {2, 8, "b"}, {9, 3, "c"}, {4, 5, "d"}};
    struct call *many = calloc(MANY, sizeof(*many));
    weir_pool *pool;
    int status = 0;
    if (many == NULL || weir_pool_create(&pool, NULL) != 0)
        return 1;
    if (weir_run(pool, sort_few, few, &status) != 0 || status != 0)
        return 1;

    uint64_t random = 1;
    for (int i = 0; i < MANY; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        many[i].time = random >> 20;
    }
    if (weir_run(pool, sort_many, many, &status) != 0 || status != 0)
        return 1;
    int wrong = 0;
    for (int i = 1; i < MANY; i++)
        wrong += many[i - 1].time > many[i].time;
    printf("%d calls by time: %s\n", MANY, wrong == 0 ? "in order" : "wrong");
    weir_pool_destroy(pool);
    free(many);
    return wrong != 0;
}
