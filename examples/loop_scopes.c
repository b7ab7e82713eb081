// SPDX-License-Identifier: MIT
// One pool, and at the same time on it: a plain call, a call that opens a
// scope, a call with a parallel loop and a call that forks and joins. The loop
// waits for none of them; it hears of each once, on its own thread.
//
//   cc loop_scopes.c $(pkg-config --cflags --libs weir)
//
// Inside run a call is a job like any other: `self` is the worker, and all that
// weir/pool.h and weir/parallel.h offer to a job works there. Its children and
// forks run on the same pool, wherever a core is free.
//
// Prints:
//   4 calls pending, the loop is free
//   plain: 9592 primes below 100000
//   scope: 78498 primes below 1000000
//   loop: 333328333350000 is the sum of the squares below 100000
//   fork: 832040 is the 30th of Fibonacci's numbers
//   the loop went on
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <weir/loop.h>
#include <weir/parallel.h>

enum { PLAIN, SCOPE, LOOP, FORK, TASKS };

struct task {
    weir_call call; // first, so that a pointer to it points to the task too
    uint64_t result;
};

static int tasks_left = TASKS, failed;

// ---- plain: runs, and that is all ------------------------------------------

static uint64_t primes_in(uint32_t from, uint32_t to) {
    uint64_t primes = 0;
    for (uint32_t d, n = from; n < to; n++) {
        for (d = 2; d * d <= n && n % d != 0;)
            d++;
        primes += n > 1 && d * d > n;
    }
    return primes;
}

static int plain(weir_worker *self, weir_call *call) {
    (void)self;
    ((struct task *)call)->result = primes_in(0, 100000);
    return 0;
}

// ---- scope: children that borrow from this stack ---------------------------

enum { PARTS = 64, STEP = 15625 }; // 64 * 15625 = 1,000,000

struct part {
    weir_job job;
    uint32_t from;
    uint64_t primes;
};

static int part_run(weir_worker *self, weir_job *job) {
    struct part *part = (struct part *)job;
    part->primes = primes_in(part->from, part->from + STEP);
    return weir_cancelled(self); // 0, or why nobody wants the answer
}

static int scope(weir_worker *self, weir_call *call) {
    struct part parts[PARTS];
    weir_scope children;
    weir_scope_begin(self, &children, NULL);
    for (uint32_t i = 0; i < PARTS; i++) {
        parts[i] = (struct part){WEIR_JOB_INIT(part_run, NULL), i * STEP, 0};
        weir_scope_spawn(self, &children, &parts[i].job);
    }
    int error = weir_scope_wait(self, &children);
    for (int i = 0; i < PARTS; i++)
        ((struct task *)call)->result += parts[i].primes;
    return error;
}

// ---- loop: a range that is split where somebody is free --------------------

enum { VALUES = 100000 };

static int square(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    uint64_t *values = context;
    for (size_t i = from; i < to; i++)
        values[i] = (uint64_t)i * i;
    return 0;
}

static int loop_over(weir_worker *self, weir_call *call) {
    static uint64_t values[VALUES];
    int error = weir_parallel_for(self, 0, VALUES, square, values);
    for (size_t i = 0; i < VALUES; i++)
        ((struct task *)call)->result += values[i];
    return error;
}

// ---- fork: two ways, joined ------------------------------------------------

struct fibonacci {
    weir_fork fork; // first
    unsigned n;
    uint64_t result;
};

static void fibonacci(weir_worker *self, weir_fork *fork) {
    struct fibonacci *f = (struct fibonacci *)fork;
    if (f->n < 2) {
        f->result = f->n;
        return;
    }
    struct fibonacci left = {.n = f->n - 1}, right = {.n = f->n - 2};
    if (f->n < 16) { // too little for another worker
        fibonacci(self, &left.fork);
        fibonacci(self, &right.fork);
    } else {
        weir_fork_begin(self, &right.fork, fibonacci);
        fibonacci(self, &left.fork);
        weir_fork_join(self, &right.fork, fibonacci);
    }
    f->result = left.result + right.result;
}

static int fork_join(weir_worker *self, weir_call *call) {
    struct fibonacci f = {.n = 30};
    fibonacci(self, &f.fork);
    ((struct task *)call)->result = f.result;
    return 0;
}

// ---- the loop --------------------------------------------------------------

static void done(weir_call *call, int status) {
    (void)call;
    failed |= status != 0;
    tasks_left--;
}

static int run(weir_loop *loop, weir_pool *pool) {
    static int (*const runs[TASKS])(weir_worker *, weir_call *) = {
        plain, scope, loop_over, fork_join};
    static struct task tasks[TASKS]; // lent until done is called
    for (int i = 0; i < TASKS; i++) {
        tasks[i].call = (weir_call)WEIR_CALL_INIT(runs[i], done);
        if (weir_call_submit(loop, pool, &tasks[i].call) != 0)
            return 1;
    }
    printf("%zu calls pending, the loop is free\n", weir_loop_pending(loop));

    int beats = 0;
    struct pollfd mail = {.fd = weir_loop_fd(loop), .events = POLLIN};
    for (; tasks_left > 0 && weir_loop_drain_spin(loop) >= 0; beats++)
        poll(&mail, 1, tasks_left > 0 ? 1 : 0); // ms; here: everything else

    printf("plain: %" PRIu64 " primes below 100000\n", tasks[PLAIN].result);
    printf("scope: %" PRIu64 " primes below 1000000\n", tasks[SCOPE].result);
    printf("loop: %" PRIu64 " is the sum of the squares below 100000\n",
           tasks[LOOP].result);
    printf("fork: %" PRIu64 " is the 30th of Fibonacci's numbers\n",
           tasks[FORK].result);
    printf("the loop %s\n", beats > 1 ? "went on" : "stood still");
    return failed;
}

int main(void) {
    weir_pool *pool = NULL;
    weir_loop *loop = NULL;
    int error = weir_pool_create(&pool, NULL);
    if (error == 0)
        error = weir_loop_create(&loop, NULL);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    int status = run(loop, pool);
    while (weir_loop_pending(loop) > 0 &&
           weir_loop_wait(loop, WEIR_FOREVER) == 0)
        weir_loop_drain(loop);
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    return status;
}
