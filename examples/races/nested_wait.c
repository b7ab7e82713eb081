// SPDX-License-Identifier: MIT
// The job that waits for a job of its own pool.
//
//   nested_wait naive   two workers, two jobs that each submit another and wait
//                       for it: nobody is left to run those
//   nested_wait weir    the same, with the call that waits (weir_run) and the
//                       call that does not (weir_call_continue)
//
// It works in every test with a spare worker and stops for ever under load,
// when each worker has such a job. The naive pool here counts the workers that
// wait: if all do and the queue is not empty, nothing can ever happen again. It
// says so and ends, where a real one would hang. In weir a worker that runs
// something on its own pool runs it itself, and what has a second part need
// not wait at all.
#include <weir/loop.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, OUTER = 2 };

// ---- naive -----------------------------------------------------------------

typedef struct job {
    struct job *next;
    struct job *inner; // submitted by this one, which waits for it
    int ended;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job *queue;
static int begun;         // outer jobs
static int waiting;       // workers that wait for a job
static int left;          // jobs
static int is_deadlocked; // all wait, and there is something to do

static void push(job *j) {
    j->next = queue;
    queue = j;
    pthread_cond_broadcast(&changed);
}

// Waits for a job, on a worker. With the lock held.
static void wait_for(const job *j) {
    waiting++;
    while (!j->ended && !is_deadlocked) {
        if (waiting == WORKERS && queue != NULL) {
            is_deadlocked = 1;
            pthread_cond_broadcast(&changed);
            break;
        }
        pthread_cond_wait(&changed, &lock);
    }
    waiting--;
}

static void *work(void *unused) {
    pthread_mutex_lock(&lock);
    while (left > 0 && !is_deadlocked) {
        if (queue == NULL) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        job *mine = queue;
        queue = mine->next;
        if (mine->inner != NULL) {
            // Load: each worker has such a job.
            begun++;
            pthread_cond_broadcast(&changed);
            while (begun < OUTER)
                pthread_cond_wait(&changed, &lock);
            push(mine->inner);
            wait_for(mine->inner);
        }
        mine->ended = 1;
        left--;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static int naive(void) {
    static job outer[OUTER], inner[OUTER];
    for (int i = 0; i < OUTER; i++) {
        outer[i].inner = &inner[i];
        push(&outer[i]);
    }
    left = 2 * OUTER;
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return -1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    if (is_deadlocked)
        printf("naive: all %d workers wait, and what they wait for is queued\n",
               WORKERS);
    return is_deadlocked;
}

// ---- weir ------------------------------------------------------------------

typedef struct request {
    weir_call call; // first
    weir_pool *pool;
    int inner_ran;
    int status; // what done got
} request;

// The same load: nobody goes on before each worker has an outer one.
static void meet(void) {
    pthread_mutex_lock(&lock);
    begun++;
    pthread_cond_broadcast(&changed);
    while (begun < OUTER)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int inner_body(weir_worker *self, void *argument) {
    (void)self;
    ((request *)argument)->inner_ran++;
    return 1;
}

static int waiting_run(weir_worker *self, weir_call *call) {
    (void)self;
    request *r = (request *)call;
    int status = 0;
    meet();
    int error = weir_run(r->pool, inner_body, r, &status);
    return error != 0 ? error : status;
}

static int second_run(weir_worker *self, weir_call *call) {
    return inner_body(self, call);
}

static int continuing_run(weir_worker *self, weir_call *call) {
    (void)self;
    meet();
    weir_call_continue(call, ((request *)call)->pool, NULL, second_run);
    return 0;
}

static void request_done(weir_call *call, int status) {
    ((request *)call)->status = status;
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "nested_wait: %s\n", weir_strerror(error));
    exit(2);
}

static int all_with(weir_loop *loop, weir_pool *pool,
                    int (*run)(weir_worker *self, weir_call *call)) {
    request requests[OUTER];
    begun = 0;
    for (int i = 0; i < OUTER; i++) {
        requests[i] =
            (request){.call = WEIR_CALL_INIT(run, request_done), .pool = pool};
        check(weir_call_submit(loop, pool, &requests[i].call));
    }
    while (weir_loop_pending(loop) > 0) {
        check(weir_loop_wait(loop, WEIR_FOREVER));
        check(weir_loop_drain(loop));
    }
    int ended = 0;
    for (int i = 0; i < OUTER; i++)
        ended += requests[i].status == 1 && requests[i].inner_ran == 1;
    return ended;
}

static int with_weir(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = WORKERS;
    weir_pool *pool;
    weir_loop *loop;
    check(weir_pool_create(&pool, &options));
    check(weir_loop_create(&loop, NULL));
    int ended = all_with(loop, pool, waiting_run);
    int continued = all_with(loop, pool, continuing_run);
    printf("weir: %d of %d that wait ended, %d of %d that go on\n", ended,
           OUTER, continued, OUTER);
    weir_loop_destroy(loop);
    weir_pool_destroy(pool);
    return ended == OUTER && continued == OUTER ? 0 : -1;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: nested_wait naive|weir\n");
        return 2;
    }
    int deadlocked = is_naive ? naive() : with_weir();
    return deadlocked < 0 ? 2 : deadlocked;
}
