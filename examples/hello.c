// SPDX-License-Identifier: MIT
// Counts the primes below a million on all cores.
#include <stdio.h>
#include <weir.h>

enum { PARTS = 64, STEP = 15625 }; // 64 * 15625 = 1,000,000

struct part {
    weir_job job; // first, so that a pointer to it points to the part too
    int from, primes;
};

static int count(weir_worker *self, weir_job *job) {
    struct part *part = (struct part *)job;
    for (int d, n = part->from; n < part->from + STEP; n++) {
        for (d = 2; d * d <= n && n % d != 0;)
            d++;
        part->primes += n > 1 && d * d > n;
    }
    return weir_cancelled(self); // 0, or why nobody wants the answer
}

static int count_all(weir_worker *self, void *total) {
    struct part parts[PARTS]; // lent to the pool until the wait returns
    weir_scope scope;
    weir_scope_begin(self, &scope, NULL);
    for (int i = 0; i < PARTS; i++) {
        parts[i] = (struct part){WEIR_JOB_INIT(count, NULL), i * STEP, 0};
        weir_scope_spawn(self, &scope, &parts[i].job);
    }
    int error = weir_scope_wait(self, &scope); // the first part's error
    for (int i = 0; i < PARTS; i++)
        *(int *)total += parts[i].primes;
    return error;
}

int main(void) {
    weir_pool *pool;
    int total = 0, status = 0, error = weir_pool_create(&pool, NULL);
    if (error == 0) {
        error = weir_run(pool, count_all, &total, &status);
        printf("%d primes, with %s\n", total, weir_pool_reason(pool));
        weir_pool_destroy(pool); // joins its threads
    }
    return error != 0 || status != 0;
}
