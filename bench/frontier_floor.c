// SPDX-License-Identifier: MIT
// What people write instead of a frontier, and what the machine can do: the
// walks of bench/frontier.c without weir. A set, a queue; nothing is kept of
// who asked for what, nothing can fail, be cancelled or be tried again.
//
//   serial   one thread. Its time divided by the processors is a limit
//   mutex    --threads threads with one lock around the set and the queue
//   later    answers come --us later, --flight at a time; all on one thread
//
//   bench_frontier_floor FORM [--nodes N] [--threads N] [--text] [--flight N]
//       [--us N]
#include "frontier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 8 }; // nodes at once

// ---- a set -----------------------------------------------------------------

// Open addressing, no secret, at most half full; keys of 8 bytes lie in the
// table, longer ones are pointed to from it.
typedef struct set {
    size_t key_size, capacity, count;
    uint64_t *ids;      // number + 1; 0: free
    const char **texts; // NULL: free
    char *room;         // for texts
    size_t room_left;
} set;

static void *must(void *memory) {
    if (memory == NULL)
        bench_fail("memory", 12);
    return memory;
}

static uint64_t mix(uint64_t x) {
    x *= UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 32);
}

static uint64_t hash(const set *t, const char *key) {
    uint64_t a, b;
    memcpy(&a, key, 8);
    if (t->key_size == KEY_ID)
        return mix(a);
    memcpy(&b, key + 8, 8);
    return mix(mix(a) + b);
}

static void set_place(set *t, const char *key) {
    size_t i = hash(t, key) & (t->capacity - 1);
    if (t->key_size == KEY_ID) {
        while (t->ids[i] != 0)
            i = (i + 1) & (t->capacity - 1);
        memcpy(&t->ids[i], key, KEY_ID);
        t->ids[i]++;
    } else {
        while (t->texts[i] != NULL)
            i = (i + 1) & (t->capacity - 1);
        t->texts[i] = key;
    }
}

static void set_grow(set *t) {
    set old = *t;
    t->capacity = old.capacity > 0 ? 2 * old.capacity : 1024;
    if (t->key_size == KEY_ID)
        t->ids = must(calloc(t->capacity, sizeof(t->ids[0])));
    else
        t->texts = must(calloc(t->capacity, sizeof(t->texts[0])));
    for (size_t i = 0; i < old.capacity; i++) {
        uint64_t id;
        if (t->key_size == KEY_TEXT && old.texts[i] != NULL)
            set_place(t, old.texts[i]);
        else if (t->key_size == KEY_ID && (id = old.ids[i]) != 0)
            id--, set_place(t, (const char *)&id);
    }
    free(old.ids);
    free(old.texts);
}

static bool set_has(const set *t, const char *key) {
    size_t i = hash(t, key) & (t->capacity - 1);
    if (t->key_size == KEY_ID) {
        uint64_t id;
        memcpy(&id, key, KEY_ID);
        while (t->ids[i] != 0 && t->ids[i] != id + 1)
            i = (i + 1) & (t->capacity - 1);
        return t->ids[i] != 0;
    }
    while (t->texts[i] != NULL && memcmp(t->texts[i], key, KEY_TEXT) != 0)
        i = (i + 1) & (t->capacity - 1);
    return t->texts[i] != NULL;
}

// Adds a key; whether it is new.
static bool set_add(set *t, const char *key) {
    if (t->count * 2 >= t->capacity)
        set_grow(t);
    if (set_has(t, key))
        return false;
    if (t->key_size == KEY_TEXT) {
        if (t->room_left < KEY_TEXT) {
            t->room = must(malloc(1 << 16));
            t->room_left = 1 << 16;
        }
        key = memcpy(t->room, key, KEY_TEXT);
        t->room += KEY_TEXT;
        t->room_left -= KEY_TEXT;
    }
    set_place(t, key);
    t->count++;
    return true;
}

// ---- the walks -------------------------------------------------------------

// What is known and what is to be visited; as the key has it.
typedef struct walk {
    const settings *s;
    set known;
    uint32_t *queue; // each node comes once
    uint32_t first, end;
    uint32_t outstanding; // in the queue and in visits
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over; // under lock
    wheel *wheel;
} walk;

static walk w;

static void walk_add(const char *key) {
    if (!set_add(&w.known, key))
        return;
    if (w.end == w.s->nodes)
        bench_fail("too many nodes", 75);
    w.queue[w.end++] = graph_node(w.s, key);
    w.outstanding++;
}

// All at once: their cache misses need not wait for each other.
static void walk_add_all(uint64_t keys[][KEY_TEXT / 8], int count) {
    const set *t = &w.known;
    for (int i = 0; i < count; i++) {
        size_t slot = hash(t, (char *)keys[i]) & (t->capacity - 1);
        if (t->key_size == KEY_ID)
            __builtin_prefetch(&t->ids[slot]);
        else
            __builtin_prefetch(&t->texts[slot]);
    }
    for (int i = 0; i < count; i++)
        walk_add((char *)keys[i]);
}

static void walk_init(const settings *s) {
    w.s = s;
    w.known.key_size = s->key_size;
    w.queue = must(malloc(s->nodes * sizeof(w.queue[0])));
    uint64_t key[KEY_TEXT / 8] = {0};
    graph_key(s, 0, (char *)key);
    walk_add((char *)key);
}

static void links_of(uint32_t node, uint64_t keys[DEGREE][KEY_TEXT / 8]) {
    for (unsigned e = 0; e < DEGREE; e++)
        graph_key(w.s, graph_next(w.s, node, e), (char *)keys[e]);
}

static void serial(void) {
    uint64_t keys[GROUP * DEGREE][KEY_TEXT / 8];
    while (w.first < w.end) {
        int count = 0;
        for (; count < GROUP * DEGREE && w.first < w.end; count += DEGREE)
            links_of(w.queue[w.first++], &keys[count]);
        walk_add_all(keys, count);
    }
}

static void *worker(void *unused) {
    uint64_t keys[DEGREE][KEY_TEXT / 8];
    pthread_mutex_lock(&w.lock);
    while (w.outstanding > 0) {
        if (w.first == w.end) {
            pthread_cond_wait(&w.changed, &w.lock);
            continue;
        }
        uint32_t node = w.queue[w.first++];
        pthread_mutex_unlock(&w.lock);
        links_of(node, keys);
        pthread_mutex_lock(&w.lock);
        bool was_empty = w.first == w.end;
        walk_add_all(keys, DEGREE);
        if (--w.outstanding == 0 || (was_empty && w.first < w.end))
            pthread_cond_broadcast(&w.changed);
    }
    pthread_mutex_unlock(&w.lock);
    return unused;
}

static void mutex(void) {
    pthread_t threads[64];
    unsigned count = w.s->threads < 64 ? w.s->threads : 64;
    for (unsigned i = 0; i < count; i++) {
        int error = pthread_create(&threads[i], NULL, worker, NULL);
        if (error != 0)
            bench_fail("pthread_create", error);
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void start_more(void) {
    while (w.first < w.end && w.first - (w.end - w.outstanding) < w.s->flight)
        wheel_add(w.wheel, &w.queue[w.first++]);
}

static void answered(void *thing) {
    uint64_t keys[DEGREE][KEY_TEXT / 8];
    links_of(*(uint32_t *)thing, keys);
    walk_add_all(keys, DEGREE);
    w.outstanding--;
    start_more();
    if (w.outstanding > 0)
        return;
    pthread_mutex_lock(&w.lock);
    w.over = true;
    pthread_cond_broadcast(&w.changed);
    pthread_mutex_unlock(&w.lock);
}

static void later(void) {
    w.wheel = wheel_start(w.s, answered);
    wheel_add(w.wheel, &w.queue[w.first++]);
    pthread_mutex_lock(&w.lock);
    while (!w.over)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
}

int main(int argc, char **argv) {
    const settings s = bench_settings(argc, argv);
    const struct {
        const char *name;
        void (*run)(void);
    } forms[] = {{"serial", serial}, {"mutex", mutex}, {"later", later}};
    void (*run)(void) = NULL;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(argv[1], forms[i].name) == 0)
            run = forms[i].run;
    if (run == NULL) {
        fprintf(stderr, "bench_frontier_floor: no form %s\n", argv[1]);
        return 2;
    }
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    int64_t cpu = bench_cpu_ns(), begin = bench_now_ns();
    walk_init(&s);
    run();
    int64_t wall = bench_now_ns() - begin;
    cpu = bench_cpu_ns() - cpu;
    if (w.known.count != s.nodes)
        bench_fail("not all nodes were visited", 22);
    if (w.wheel == NULL)
        bench_print_checks(&s, wall, cpu);
    else
        bench_print_later(&s, wall, cpu, wheel_stop(w.wheel));
    return 0;
}
