// SPDX-License-Identifier: MIT
#include "forkjoin_weir.h"

enum { POOLS_MAX = 2 };

static weir_pool *pool[POOLS_MAX];

void fj_weir_start(unsigned workers, unsigned pools) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)workers;
    for (unsigned i = 0; i < pools; i++) {
        int error = weir_pool_create(&pool[i], &options);
        if (error != 0 || weir_pool_width(pool[i]) != workers)
            fj_fail("weir_pool_create", error);
    }
}

void fj_weir_stop(void) {
    for (unsigned i = 0; i < POOLS_MAX; i++)
        weir_pool_destroy(pool[i]);
}

typedef struct call {
    fj_inside_function *function;
    void *context;
} call;

static int inside(weir_worker *self, void *argument) {
    const call *c = argument;
    c->function(self, c->context);
    return 0;
}

void fj_weir_inside(unsigned index, fj_inside_function *function,
                    void *context) {
    call c = {function, context};
    int error = weir_run(pool[index], inside, &c, NULL);
    if (error != 0)
        fj_fail("weir_run", error);
}
