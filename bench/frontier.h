// SPDX-License-Identifier: MIT
// What bench/frontier.c, frontier_floor.c and peers/frontier/main.rs agree on:
// the graph, its keys, how a simulated answer comes, and what is printed.
//
// The graph has `nodes` nodes with five edges out and, because each edge number
// is a permutation of the nodes, exactly five in; all are reached from node 0
// in about eleven steps. Neighbours are computed, so the graph has no memory.
#ifndef BENCH_FRONTIER_H
#define BENCH_FRONTIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DEGREE = 5,
    KEY_ID = 8,    // bytes: the number as it lies in memory
    KEY_TEXT = 16, // "package-00012345"
};

typedef struct settings {
    uint32_t nodes;
    uint32_t mask; // 2^bits - 1, the least that holds all nodes
    unsigned bits;
    unsigned threads;
    unsigned flight; // visits at once, of simulated answers
    unsigned us;     // until an answer comes
    size_t key_size;
    bool one_by_one, edges, owner, as_class;
} settings;

// bench_settings reads the options, or ends the program with a usage line.
settings bench_settings(int argc, char **argv);

// bench_fail ends the program with a line.
void bench_fail(const char *what, int error);

int64_t bench_now_ns(void);
int64_t bench_cpu_ns(void); // of all threads

// bench_print prints lines "name value unit" of a graph that was walked.
void bench_print_checks(const settings *s, int64_t wall_ns, int64_t cpu_ns);

// bench_print_later: the same of one whose answers came later, `late` of
// wheel_stop.
void bench_print_later(const settings *s, int64_t wall_ns, int64_t cpu_ns,
                       double late);
void bench_print(const char *name, double value, const char *unit);

// graph_next is where edge number `edge` of a node leads.
static inline uint32_t graph_next(const settings *s, uint32_t node,
                                  unsigned edge) {
    uint32_t x = node, half = s->bits / 2 + 1;
    do {
        x = (x + (edge + 1) * UINT32_C(0x9e3779b9)) & s->mask;
        x = (x * UINT32_C(0x85ebca6b)) & s->mask;
        x ^= x >> half;
        x = (x * UINT32_C(0xc2b2ae35)) & s->mask;
        x ^= x >> half;
    } while (x >= s->nodes);
    return x;
}

// graph_key writes the key of a node, key_size bytes.
static inline void graph_key(const settings *s, uint32_t node, char *key) {
    if (s->key_size == KEY_ID) {
        *(uint64_t *)(void *)key = node;
        return;
    }
    for (int i = 0; i < 8; i++)
        key[i] = "package-"[i];
    for (int i = KEY_TEXT - 1; i >= 8; i--, node /= 10)
        key[i] = (char)('0' + node % 10);
}

// graph_node is the node of a key.
static inline uint32_t graph_node(const settings *s, const char *key) {
    if (s->key_size == KEY_ID)
        return (uint32_t) * (const uint64_t *)(const void *)key;
    uint32_t node = 0;
    for (int i = 8; i < KEY_TEXT; i++)
        node = node * 10 + (uint32_t)(key[i] - '0');
    return node;
}

// graph_rounds: if all visits took the same time and `flight` of them could be
// under way, and nothing else took any: how many such times. More than
// nodes / flight, for at first there are not so many nodes known.
uint32_t graph_rounds(const settings *s);

// ---- answers that come later -----------------------------------------------

// One thread calls `answer` for each thing that was put on the wheel,
// settings.us after that.
typedef struct wheel wheel;

wheel *wheel_start(const settings *s, void (*answer)(void *thing));
void wheel_add(wheel *w, void *thing); // any thread, also in answer

// wheel_stop wants all answers to have come. It returns how late they were on
// average: part of what is measured that weir cannot help.
double wheel_stop(wheel *w);

#endif
