// SPDX-License-Identifier: MIT
// The result that waits behind somebody else's job.
//
//   relay naive   two hops: a relay thread takes a job, hands it to the pool
//                 and waits for its end to carry the result back
//   relay weir    one hop: the pool's worker hands the result to the loop
//
// A thread pool that is reached through another pool is a common way to give an
// event loop some cores: the relay's threads know how to wake the loop, the
// compute pool's do not. While a relay thread waits it must do something
// useful, so it takes the next job, on the same stack. Then what it waits for
// below can have ended long ago: nobody looks before the job above ends. Here
// that job is held for as long as the test likes, and the short one, which has
// ended, is not delivered. In weir there is no relay: whoever ran a call
// queues its outcome on the loop.
#include <weir/loop.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void set(int *flag) {
    pthread_mutex_lock(&lock);
    *flag = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await(const int *flag) {
    pthread_mutex_lock(&lock);
    while (!*flag)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int get(const int *flag) {
    pthread_mutex_lock(&lock);
    int value = *flag;
    pthread_mutex_unlock(&lock);
    return value;
}

// The long job ends when this is set, the short one at once.
static int long_may_end;

// ---- naive -----------------------------------------------------------------

// A job's way: relayed -> begun -> ended (on the pool) -> delivered.
typedef struct job {
    int is_long;
    int begun, ended, delivered;
} job;

enum { RELAYS = 1, WORKERS = 2, JOBS = 2 };

static job jobs[JOBS];
static int submitted, relayed; // jobs given to the relay, taken by it
static job *tasks[JOBS];       // the compute pool's queue
static int tasks_end, tasks_taken;

static void *compute(void *unused) {
    pthread_mutex_lock(&lock);
    for (;;) {
        while (tasks_taken == tasks_end && tasks_taken < JOBS)
            pthread_cond_wait(&changed, &lock);
        if (tasks_taken == JOBS)
            break;
        job *mine = tasks[tasks_taken++];
        mine->begun = 1;
        pthread_cond_broadcast(&changed);
        while (mine->is_long && !long_may_end)
            pthread_cond_wait(&changed, &lock);
        mine->ended = 1;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

// Takes the next job, hands it over, waits for it. With the lock held.
static void relay_next(void) {
    job *mine = &jobs[relayed++];
    tasks[tasks_end++] = mine;
    pthread_cond_broadcast(&changed);
    while (!mine->ended) {
        if (relayed < submitted) {
            relay_next(); // something useful meanwhile, on this stack
            continue;
        }
        pthread_cond_wait(&changed, &lock);
    }
    mine->delivered = 1;
    pthread_cond_broadcast(&changed);
}

static void *relay(void *unused) {
    pthread_mutex_lock(&lock);
    while (relayed < JOBS) {
        while (relayed == submitted)
            pthread_cond_wait(&changed, &lock);
        relay_next();
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static void submit(int is_long) {
    pthread_mutex_lock(&lock);
    jobs[submitted++].is_long = is_long;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

// Whether the short job was delivered while the long one still ran.
static int naive(void) {
    pthread_t threads[RELAYS + WORKERS];
    // The relay finds both jobs: it waits for the short one below the long one.
    submit(0);
    submit(1);
    for (int i = 0; i < RELAYS + WORKERS; i++)
        if (pthread_create(&threads[i], NULL, i < RELAYS ? relay : compute,
                           NULL) != 0)
            return -1;
    await(&jobs[0].ended); // on the pool: there is a result
    await(&jobs[1].begun); // so the relay has taken it, above the other
    int delivered = get(&jobs[0].delivered);
    set(&long_may_end);
    await(&jobs[0].delivered);
    for (int i = 0; i < RELAYS + WORKERS; i++)
        pthread_join(threads[i], NULL);
    return delivered;
}

// ---- weir ------------------------------------------------------------------

typedef struct request {
    weir_call call; // first
    int is_long;
    int begun;
    int delivered;
} request;

static int request_run(weir_worker *self, weir_call *call) {
    (void)self;
    request *r = (request *)call;
    set(&r->begun);
    if (r->is_long)
        await(&long_may_end);
    return 0;
}

static void request_done(weir_call *call, int status) {
    ((request *)call)->delivered = status == 0;
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "relay: %s\n", weir_strerror(error));
    exit(2);
}

static int with_weir(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = WORKERS;
    weir_pool *pool;
    weir_loop *loop;
    check(weir_pool_create(&pool, &options));
    check(weir_loop_create(&loop, NULL));
    request requests[JOBS];
    for (int i = 0; i < JOBS; i++) {
        requests[i] =
            (request){.call = WEIR_CALL_INIT(request_run, request_done),
                      .is_long = i == 1};
        check(weir_call_submit(loop, pool, &requests[i].call));
    }
    await(&requests[1].begun);
    while (!requests[0].delivered) { // it comes while the long one runs
        check(weir_loop_wait(loop, WEIR_FOREVER));
        check(weir_loop_drain(loop));
    }
    int delivered = !requests[1].delivered;
    set(&long_may_end);
    while (weir_loop_pending(loop) > 0) {
        check(weir_loop_wait(loop, WEIR_FOREVER));
        check(weir_loop_drain(loop));
    }
    weir_loop_destroy(loop);
    weir_pool_destroy(pool);
    return delivered;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: relay naive|weir\n");
        return 2;
    }
    int delivered = is_naive ? naive() : with_weir();
    if (delivered < 0) {
        fprintf(stderr, "relay: no thread\n");
        return 2;
    }
    printf("%s: the short job has ended and the long one runs; the short "
           "one's result is %s\n",
           argv[1], delivered ? "delivered" : "not delivered");
    return delivered ? 0 : 1;
}
