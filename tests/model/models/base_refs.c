// SPDX-License-Identifier: MIT
// Reference counts: the last to give one back frees what all have used, and
// nobody else does.
#include "base/refs.h"
#include "model/model.h"

#include <stdlib.h>

typedef struct thing {
    wr_refs refs;
    int used[3]; // each by one thread
} thing;

static thing *new_thing(uint64_t refs) {
    thing *t = calloc(1, sizeof(*t));
    MC_CHECK(t != NULL);
    wr_refs_init(&t->refs, refs);
    return t;
}

static bool give_back(thing *t, uint64_t count) {
    bool last = wr_refs_drop(&t->refs, count);
    if (last)
        free(t);
    return last;
}

static void *use_first(void *memory) {
    thing *t = memory;
    t->used[0] = 1;
    return give_back(t, 1) ? memory : NULL;
}

static void *use_second(void *memory) {
    thing *t = memory;
    t->used[1] = 1;
    return give_back(t, 1) ? memory : NULL;
}

static void one_of_three_is_the_last(void) {
    thing *t = new_thing(3);
    unsigned a = mc_spawn(use_first, t);
    unsigned b = mc_spawn(use_second, t);
    t->used[2] = 1;
    int last = give_back(t, 1);
    last += mc_join(a) != NULL;
    last += mc_join(b) != NULL;
    MC_CHECK(last == 1);
}

// Who has one may make one for another thread.
static void *use_and_pass_on(void *memory) {
    thing *t = memory;
    wr_refs_add(&t->refs, 1);
    unsigned other = mc_spawn(use_first, t);
    t->used[1] = 1;
    int last = give_back(t, 1);
    last += mc_join(other) != NULL;
    MC_CHECK(last <= 1);
    return last != 0 ? memory : NULL;
}

static void a_reference_may_be_passed_on(void) {
    thing *t = new_thing(2);
    unsigned other = mc_spawn(use_and_pass_on, t);
    t->used[2] = 1;
    int last = give_back(t, 1);
    last += mc_join(other) != NULL;
    MC_CHECK(last == 1);
}

// As the cache does: it holds many while it lends, and settles in one step.
static const uint64_t KEPT = UINT64_C(1) << 62;

static void many_may_be_given_back_at_once(void) {
    thing *t = new_thing(KEPT);
    uint64_t lent = 2; // two threads have one each
    unsigned a = mc_spawn(use_first, t);
    unsigned b = mc_spawn(use_second, t);
    t->used[2] = 1;
    int last = give_back(t, KEPT - lent);
    last += mc_join(a) != NULL;
    last += mc_join(b) != NULL;
    MC_CHECK(last == 1);
}

#define EXHAUSTIVE(case)                                                       \
    { .name = #case, .body = case, .mode = MC_EXHAUSTIVE }

const mc_case mc_cases[] = {
    EXHAUSTIVE(one_of_three_is_the_last),
    EXHAUSTIVE(a_reference_may_be_passed_on),
    EXHAUSTIVE(many_may_be_given_back_at_once),
    {.name = NULL},
};
