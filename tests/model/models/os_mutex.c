// SPDX-License-Identifier: MIT
// The lock itself, its slow way too: it excludes, hands over what was done
// under it, loses no wake-up, and may be freed by the next holder while the
// one before is still inside unlock.
#include "model/model.h"
#include "os/os.h"

#include <stdlib.h>

static wr_mutex mutex;
static int counter; // under it

static void *add_one(void *unused) {
    wr_mutex_lock(&mutex);
    counter++;
    wr_mutex_unlock(&mutex);
    return unused;
}

static void two_threads_exclude_each_other(void) {
    unsigned other = mc_spawn(add_one, NULL);
    (void)add_one(NULL);
    (void)mc_join(other);
    MC_CHECK(counter == 2);
    wr_mutex_fini(&mutex);
}

static void three_threads_lose_no_wake_up(void) {
    unsigned a = mc_spawn(add_one, NULL);
    unsigned b = mc_spawn(add_one, NULL);
    (void)add_one(NULL);
    (void)mc_join(a);
    (void)mc_join(b);
    MC_CHECK(counter == 3);
}

static void *add_two(void *unused) {
    (void)add_one(NULL);
    return add_one(unused);
}

static void who_comes_back_loses_none_either(void) {
    unsigned other = mc_spawn(add_two, NULL);
    (void)add_two(NULL);
    (void)mc_join(other);
    MC_CHECK(counter == 4);
}

static void *try_one(void *unused) {
    if (wr_mutex_trylock(&mutex)) {
        counter++;
        wr_mutex_unlock(&mutex);
        return &counter;
    }
    return unused;
}

static void a_try_takes_it_or_not(void) {
    unsigned other = mc_spawn(try_one, NULL);
    (void)add_one(NULL);
    bool tried = mc_join(other) != NULL;
    MC_CHECK(counter == 1 + tried);
    mc_outcome(tried);
}

// ---- freed by the next holder ----------------------------------------------

typedef struct box {
    wr_mutex mutex;
    int holders; // still to come
} box;

static void *leave(void *memory) {
    box *b = memory;
    wr_mutex_lock(&b->mutex);
    bool last = --b->holders == 0;
    wr_mutex_unlock(&b->mutex);
    if (last)
        free(b);
    return NULL;
}

static void the_last_holder_may_free_it(void) {
    box *b = calloc(1, sizeof(*b));
    MC_CHECK(b != NULL);
    b->holders = 2;
    wr_mutex_init(&b->mutex);
    unsigned other = mc_spawn(leave, b);
    (void)leave(b);
    (void)mc_join(other);
}

#define EXHAUSTIVE(case)                                                       \
    { .name = #case, .body = case, .mode = MC_EXHAUSTIVE, .spurious = 1 }

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    EXHAUSTIVE(two_threads_exclude_each_other),
    {.name = "three_threads_lose_no_wake_up",
     .body = three_threads_lose_no_wake_up,
     .mode = MC_EXHAUSTIVE},
    {.name = "who_comes_back_loses_none_either",
     .body = who_comes_back_loses_none_either,
     .mode = MC_EXHAUSTIVE},
    {.name = "a_try_takes_it_or_not",
     .body = a_try_takes_it_or_not,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    EXHAUSTIVE(the_last_holder_may_free_it),
    {.name = NULL},
};
