// SPDX-License-Identifier: MIT
// What the items of bench/stream.c cost without any runtime, on one thread:
// the work in a plain loop, where the processor does several items at once,
// and the same through a function pointer, as every runtime must call it that
// does not know the work when it is compiled. Prints lines "name value unit",
// each the best of --rounds runs.
//
//   bench_floor [--rounds N]
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITEMS = 100000 };

static uint64_t input[ITEMS], output[ITEMS];

// As in bench/stream.c.
static uint64_t ten_ns(uint64_t x) {
    for (int i = 0; i < 20; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

static int work(const uint64_t *item, uint64_t *result) {
    *result = ten_ns(*item) | 1;
    return 0;
}

// Volatile, so that the compiler cannot know what it points to.
static int (*volatile unknown)(const uint64_t *, uint64_t *) = work;

static void in_line(void) {
    for (size_t i = 0; i < ITEMS; i++)
        work(&input[i], &output[i]);
}

static void by_pointer(void) {
    int (*pointer)(const uint64_t *, uint64_t *) = unknown;
    for (size_t i = 0; i < ITEMS; i++)
        pointer(&input[i], &output[i]);
}

static double clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(const char *name, void (*once)(void), int rounds) {
    double lowest = 1e18;
    for (int i = 0; i < rounds; i++) {
        double start = clock_ns();
        once();
        double took = clock_ns() - start;
        lowest = took < lowest ? took : lowest;
    }
    printf("%s %.2f ns/item\n", name, lowest / ITEMS);
}

int main(int argc, char **argv) {
    int rounds =
        argc == 3 && strcmp(argv[1], "--rounds") == 0 ? atoi(argv[2]) : 9;
    for (size_t i = 0; i < ITEMS; i++)
        input[i] = i;
    measure("in_line", in_line, rounds);
    measure("by_pointer", by_pointer, rounds);
    return (int)(output[ITEMS - 1] & 1) ^ 1;
}
