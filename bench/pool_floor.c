// SPDX-License-Identifier: MIT
// A pool of thirty lines as a form of bench/pool.c: one list, one mutex, one
// condition variable.
#include "pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct floor_task {
    task head;
    struct floor_task *next;
} floor_task;

enum { WORKERS_MAX = 64 };

typedef struct own {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    floor_task *first, **last;
    unsigned idle, workers;
    bool over;
    pthread_t threads[WORKERS_MAX];
} own;

static void *work(void *argument) {
    own *o = argument;
    pthread_mutex_lock(&o->lock);
    while (!o->over || o->first != NULL) {
        floor_task *t = o->first;
        if (t == NULL) {
            o->idle++;
            pthread_cond_wait(&o->wake, &o->lock);
            o->idle--;
            continue;
        }
        o->first = t->next;
        if (t->next == NULL)
            o->last = &o->first;
        pthread_mutex_unlock(&o->lock);
        t->head.run(&t->head);
        if (t->head.done != NULL)
            t->head.done(&t->head);
        pthread_mutex_lock(&o->lock);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

static void *open_pool(unsigned workers) {
    own *o = calloc(1, sizeof(*o));
    if (o == NULL || workers > WORKERS_MAX)
        bench_fail("no room for workers", workers);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wake, NULL);
    o->last = &o->first;
    o->workers = workers;
    for (unsigned i = 0; i < workers; i++)
        if (pthread_create(&o->threads[i], NULL, work, o) != 0)
            bench_fail("pthread_create", i);
    return o;
}

// `t` ends the list that starts with `first`.
static void append(own *o, floor_task *first, floor_task *t, size_t count) {
    t->next = NULL;
    pthread_mutex_lock(&o->lock);
    *o->last = first;
    o->last = &t->next;
    if (o->idle > 0 && count == 1)
        pthread_cond_signal(&o->wake);
    else if (o->idle > 0)
        pthread_cond_broadcast(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

static void submit(void *pool, task *t) {
    floor_task *own_task = (floor_task *)(void *)t;
    append(pool, own_task, own_task, 1);
}

static void submit_all(void *pool, task *first, size_t count) {
    floor_task *tasks = (floor_task *)(void *)first;
    for (size_t i = 0; i + 1 < count; i++)
        tasks[i].next = &tasks[i + 1];
    append(pool, tasks, &tasks[count - 1], count);
}

static void close_pool(void *pool) {
    own *o = pool;
    pthread_mutex_lock(&o->lock);
    o->over = true;
    pthread_cond_broadcast(&o->wake);
    pthread_mutex_unlock(&o->lock);
    for (unsigned i = 0; i < o->workers; i++)
        pthread_join(o->threads[i], NULL);
    pthread_cond_destroy(&o->wake);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

const form bench_form = {.name = "floor",
                         .task_size = sizeof(floor_task),
                         .outside = 1,
                         .stops = 1,
                         .open = open_pool,
                         .submit = submit,
                         .submit_all = submit_all,
                         .close = close_pool};
