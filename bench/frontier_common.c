// SPDX-License-Identifier: MIT
#include "frontier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

// ---- settings --------------------------------------------------------------

static void usage(void) {
    fprintf(stderr, "usage: bench_frontier... FORM [--nodes N] [--threads N] "
                    "[--text]\n    [--one-by-one] [--edges] [--owner] "
                    "[--as-class] [--flight N] [--us N]\n");
    exit(2);
}

static unsigned number(const char *text) {
    char *end;
    unsigned long value = text != NULL ? strtoul(text, &end, 10) : 0;
    if (value == 0 || *end != '\0' || value > 50000000)
        usage();
    return (unsigned)value;
}

settings bench_settings(int argc, char **argv) {
    settings s = {.nodes = 1000000,
                  .threads = 2,
                  .flight = 256,
                  .us = 5000,
                  .key_size = KEY_ID};
    const struct {
        const char *name;
        unsigned *value;
    } values[] = {{"--nodes", &s.nodes},
                  {"--threads", &s.threads},
                  {"--flight", &s.flight},
                  {"--us", &s.us}};
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--one-by-one", &s.one_by_one},
                 {"--edges", &s.edges},
                 {"--owner", &s.owner},
                 {"--as-class", &s.as_class}};
    if (argc < 2)
        usage();
    for (int i = 2; i < argc; i++) {
        int known = i;
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
            if (strcmp(argv[known], values[k].name) == 0)
                *values[k].value = number(argv[++i]), known = 0;
        for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
            if (strcmp(argv[known], flags[k].name) == 0)
                *flags[k].flag = true, known = 0;
        if (strcmp(argv[known], "--text") == 0)
            s.key_size = KEY_TEXT, known = 0;
        if (known != 0)
            usage();
    }
    while ((UINT32_C(1) << s.bits) < s.nodes)
        s.bits++;
    s.mask = (UINT32_C(1) << s.bits) - 1;
    return s;
}

void bench_fail(const char *what, int error) {
    fprintf(stderr, "bench_frontier: %s: %s\n", what, strerror(abs(error)));
    exit(1);
}

// ---- figures ---------------------------------------------------------------

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t bench_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

int64_t bench_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

void bench_print(const char *name, double value, const char *unit) {
    printf("%s %.4f %s\n", name, value, unit);
}

void bench_print_checks(const settings *s, int64_t wall_ns, int64_t cpu_ns) {
    double checks = (double)s->nodes * DEGREE;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    bench_print("wall", (double)wall_ns / checks, "ns/check");
    bench_print("cpu", (double)cpu_ns / checks, "ns/check");
    bench_print("peak", (double)used.ru_maxrss * 1024 / 1e6, "MB");
}

void bench_print_later(const settings *s, int64_t wall_ns, int64_t cpu_ns,
                       double late) {
    double answer = s->us * 1e3, nodes = s->nodes;
    bench_print("wall", (double)wall_ns / 1e6, "ms");
    bench_print("cpu", (double)cpu_ns / nodes / 1e3, "us/visit");
    bench_print("late", late / 1e3, "us");
    bench_print("ideal", nodes / s->flight * answer / 1e6, "ms");
    bench_print("rounds", graph_rounds(s) * answer / 1e6, "ms");
}

// ---- the graph -------------------------------------------------------------

uint32_t graph_rounds(const settings *s) {
    uint32_t *queue = calloc(s->nodes, sizeof(queue[0]));
    bool *known = calloc(s->nodes, 1);
    if (queue == NULL || known == NULL)
        bench_fail("graph_rounds", 12);
    uint32_t rounds = 0, first = 0, end = 1;
    known[0] = true;
    while (first < end) {
        uint32_t last = end - first > s->flight ? first + s->flight : end;
        for (; first < last; first++)
            for (unsigned e = 0; e < DEGREE; e++) {
                uint32_t next = graph_next(s, queue[first], e);
                if (!known[next])
                    queue[end++] = next;
                known[next] = true;
            }
        rounds++;
    }
    free(queue);
    free(known);
    if (end != s->nodes)
        bench_fail("the graph is not connected", 22);
    return rounds;
}

// ---- the wheel -------------------------------------------------------------

// All wait equally long, so a ring in the order of arrival is all it takes.
typedef struct slot {
    int64_t due_ns;
    void *thing;
} slot;

struct wheel {
    void (*answer)(void *thing);
    int64_t delay_ns;
    uint32_t mask;
    slot *slots;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t first, end; // under lock
    bool stop;           // under lock
    int64_t late_ns;
    uint64_t answers;
};

// Gives the next thing when its time has come; false: stop.
static bool wheel_next(wheel *w, slot *next) {
    pthread_mutex_lock(&w->lock);
    while (w->first == w->end && !w->stop)
        pthread_cond_wait(&w->changed, &w->lock);
    bool some = w->first != w->end;
    if (some)
        *next = w->slots[w->first++ & w->mask];
    pthread_mutex_unlock(&w->lock);
    return some;
}

static void *wheel_turn(void *argument) {
    wheel *w = argument;
    slot next;
    prctl(PR_SET_TIMERSLACK, 1UL); // or each sleep is 50 us too long
    while (wheel_next(w, &next)) {
        int64_t now = bench_now_ns();
        if (now < next.due_ns) {
            struct timespec due = {.tv_sec = next.due_ns / 1000000000,
                                   .tv_nsec = next.due_ns % 1000000000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
            now = bench_now_ns();
        }
        w->late_ns += now - next.due_ns;
        w->answers++;
        w->answer(next.thing);
    }
    return NULL;
}

wheel *wheel_start(const settings *s, void (*answer)(void *thing)) {
    wheel *w = calloc(1, sizeof(*w));
    uint32_t size = 64;
    while (size < 2 * s->flight)
        size *= 2;
    if (w != NULL)
        w->slots = calloc(size, sizeof(w->slots[0]));
    if (w == NULL || w->slots == NULL)
        bench_fail("wheel_start", 12);
    w->answer = answer;
    w->delay_ns = s->us * INT64_C(1000);
    w->mask = size - 1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    int error = pthread_create(&w->thread, NULL, wheel_turn, w);
    if (error != 0)
        bench_fail("pthread_create", error);
    return w;
}

void wheel_add(wheel *w, void *thing) {
    pthread_mutex_lock(&w->lock);
    if (w->end - w->first > w->mask)
        bench_fail("more in flight than allowed", 75);
    // Inside, so that the ring is in order of time.
    w->slots[w->end & w->mask] = (slot){bench_now_ns() + w->delay_ns, thing};
    bool first = w->end++ == w->first;
    pthread_mutex_unlock(&w->lock);
    if (first)
        pthread_cond_signal(&w->changed);
}

double wheel_stop(wheel *w) {
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    double late = w->answers > 0 ? (double)w->late_ns / (double)w->answers : 0;
    free(w->slots);
    free(w);
    return late;
}
