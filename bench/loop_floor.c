// SPDX-License-Identifier: MIT
// What the machine takes for the trip: one thread, two lists under a mutex, a
// condition variable there and an eventfd back, written once for a burst. No
// runtime, no cancel, no deadline: a form of loop.c to measure the others by.
#include "loop.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct floor_task {
    task head;
    struct floor_task *next;
} floor_task;

typedef struct list {
    floor_task *first, **last;
} list;

enum { THREADS_MAX = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static list todo, ended;
static unsigned idle;
static bool over;
static pthread_t workers[THREADS_MAX];
static unsigned width;
static int epoll, event;
static bool stopped;
static void (*watched_readable)(void);

static void append(list *to, floor_task *t) {
    t->next = NULL;
    *to->last = t;
    to->last = &t->next;
}

static list empty(list *l) {
    list all = *l;
    l->first = NULL;
    l->last = &l->first;
    return all;
}

static void *work(void *argument) {
    (void)argument;
    pthread_mutex_lock(&lock);
    while (!over || todo.first != NULL) {
        floor_task *t = todo.first;
        if (t == NULL) {
            idle++;
            pthread_cond_wait(&wake, &lock);
            idle--;
            continue;
        }
        todo.first = t->next;
        if (t->next == NULL)
            todo.last = &todo.first;
        pthread_mutex_unlock(&lock);
        t->head.run(&t->head);
        pthread_mutex_lock(&lock);
        bool first = ended.first == NULL;
        append(&ended, t);
        if (first)
            bench_ok("eventfd_write", eventfd_write(event, 1));
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void add(int fd) {
    struct epoll_event ready = {.events = EPOLLIN, .data = {.fd = fd}};
    bench_ok("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ready));
}

static void open_loop(unsigned threads) {
    (void)empty(&todo);
    (void)empty(&ended);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll < 0 || event < 0)
        bench_fail("descriptors", -1);
    add(event);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    width = threads > 0 ? threads : cpus > 1 ? (unsigned)cpus - 1 : 1;
    width = width < THREADS_MAX ? width : THREADS_MAX;
    for (unsigned i = 0; i < width; i++)
        bench_ok("pthread_create",
                 pthread_create(&workers[i], NULL, work, NULL));
}

static void submit(task *t) {
    pthread_mutex_lock(&lock);
    append(&todo, (floor_task *)(void *)t);
    if (idle > 0)
        pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

static void watch(int fd, void (*readable)(void)) {
    watched_readable = readable;
    add(fd);
}

static void deliver(void) {
    eventfd_t count;
    (void)eventfd_read(event, &count);
    pthread_mutex_lock(&lock);
    list all = empty(&ended);
    pthread_mutex_unlock(&lock);
    for (floor_task *t = all.first, *next; t != NULL; t = next) {
        next = t->next; // done may submit it again
        t->head.done(&t->head);
    }
}

static void run(void) {
    struct epoll_event events[4];
    for (stopped = false; !stopped;) {
        int count = epoll_wait(epoll, events, 4, -1);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == event)
                deliver();
            else
                watched_readable();
    }
}

static void stop(void) { stopped = true; }

static void close_loop(void) {
    pthread_mutex_lock(&lock);
    over = true;
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < width; i++)
        pthread_join(workers[i], NULL);
    close(event);
    close(epoll);
}

const form bench_form_floor = {.name = "floor",
                               .task_size = sizeof(floor_task),
                               .open = open_loop,
                               .submit = submit,
                               .watch = watch,
                               .run = run,
                               .stop = stop,
                               .close = close_loop};
