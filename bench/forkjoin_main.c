// SPDX-License-Identifier: MIT
// Runs one case of one contestant, checks what it computed, and prints lines
// "name.figure value unit": best (the lowest of the runs), wall and cpu (of all
// threads; medians), peak (memory, MB).
//
//   bench_forkjoin_* CASE [--form NAME] [--workers N] [--ms N] [--size N]
//                    [--shape random|sorted|few]
//
//   fib       --size; ns a fork                 skynet  --size leaves; ns a
//   leaf nqueens   --size; ms                        uts     tree T1; ms matmul
//   --size; ms                        loop    --size elements; us sort --size,
//   --shape; ms               strings --size; ms pools     two pools of N
//   workers at once, each nqueens (--size) again and
//             again, and as many by one of them alone; ms
//
// After one run that does not count (unless it took as long) it runs until --ms
// are over. Loops are called so often in a run that the clock does not show.
#include "forkjoin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MAX = 2000, POOLS = 2, POOL_RUNS = 12 };

static struct {
    const char *name, *shape, *form;
    unsigned long workers, ms, size;
} set = {"", "random", NULL, 2, 200, 0};
static const fj_form *form;

// ---- figures ---------------------------------------------------------------

static double clock_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

typedef struct meter {
    double wall[RUNS_MAX], cpu[RUNS_MAX];
    double wall_begun, cpu_begun, until;
    unsigned runs;
    int warm;
} meter;

static void begin(meter *m) {
    m->cpu_begun = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    m->wall_begun = now_ns();
}

// The first run does not count, unless it alone took all the time there is.
static void end(meter *m, double units) {
    double wall = now_ns() - m->wall_begun;
    double cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - m->cpu_begun;
    if (!m->warm) {
        m->warm = 1;
        m->until = now_ns() + (double)set.ms * 1e6;
        if (wall < (double)set.ms * 1e6)
            return;
        m->until = 0;
    }
    m->wall[m->runs] = wall / units;
    m->cpu[m->runs++] = cpu / units;
}

static int more(const meter *m) {
    return !m->warm || m->runs == 0 ||
           (m->runs < RUNS_MAX && now_ns() < m->until);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count) {
    qsort(values, count, sizeof(values[0]), compare);
    return values[(count - 1) / 2];
}

// What the kernel says the process had at most.
static double peak(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (file != NULL)
        fclose(file);
    return kib * 1024 / 1e6;
}

static void figure(const char *name, const char *what, double value,
                   const char *unit) {
    printf("%s.%s %.5g %s\n", name, what, value, unit);
}

static void print(meter *m, const char *unit) {
    double middle = median(m->wall, m->runs);
    figure(set.name, "best", m->wall[0], unit);
    figure(set.name, "wall", middle, unit);
    figure(set.name, "cpu", median(m->cpu, m->runs), unit);
    figure(set.name, "peak", peak(), "MB");
}

static void same(uint64_t got, uint64_t wanted) {
    if (got != wanted)
        fj_fail("wrong result", (long long)got);
}

static void able(int there) {
    if (!there)
        fj_fail("this form has no such case", 0);
}

// ---- trees -----------------------------------------------------------------

static void fib(void *self, void *context) {
    meter m = {.warm = 0};
    uint64_t last = 0, next = 1; // of fib(0), fib(1)
    (void)context;
    able(form->fib != NULL);
    for (unsigned long i = 0; i < set.size; i++) {
        uint64_t sum = last + next;
        last = next;
        next = sum;
    }
    while (more(&m)) {
        begin(&m);
        uint64_t got = form->fib(self, (unsigned)set.size);
        end(&m, (double)(next - 1));
        same(got, last);
    }
    print(&m, "ns/fork");
}

static void skynet(void *self, void *context) {
    meter m = {.warm = 0};
    (void)context;
    able(form->skynet != NULL);
    while (more(&m)) {
        begin(&m);
        uint64_t got = form->skynet(self, 0, set.size);
        end(&m, (double)set.size);
        same(got, (uint64_t)set.size * (set.size - 1) / 2);
    }
    print(&m, "ns/leaf");
}

static uint64_t solutions(void) {
    static const uint64_t known[] = {
        1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596};
    if (set.size >= sizeof(known) / sizeof(known[0]))
        fj_fail("--size of nqueens is too large", (long long)set.size);
    return known[set.size];
}

static void nqueens(void *self, void *context) {
    meter m = {.warm = 0};
    uint64_t wanted = solutions();
    (void)context;
    able(form->nqueens != NULL);
    while (more(&m)) {
        begin(&m);
        uint64_t got = form->nqueens(self, (unsigned)set.size);
        end(&m, 1e6);
        same(got, wanted);
    }
    print(&m, "ms");
}

static void uts(void *self, void *context) {
    meter m = {.warm = 0};
    (void)context;
    able(form->uts != NULL);
    while (more(&m)) {
        begin(&m);
        uint64_t got = form->uts(self);
        end(&m, 1e6);
        same(got, 4130071);
    }
    print(&m, "ms");
}

// ---- matmul ----------------------------------------------------------------

// out = matrix * vector.
static void apply(double *out, const float *matrix, const double *vector,
                  size_t n) {
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t j = 0; j < n; j++)
            out[i] += (double)matrix[i * n + j] * vector[j];
    }
}

// Small whole numbers: all sums are exact in any order.
static void matmul(void *self, void *context) {
    meter m = {.warm = 0};
    size_t n = set.size;
    float *a = fj_memory(n * n * sizeof(a[0]));
    float *b = fj_memory(n * n * sizeof(b[0]));
    float *c = fj_memory(n * n * sizeof(c[0]));
    double *vector = fj_memory(4 * n * sizeof(vector[0]));
    double *turned = vector + n, *wanted = turned + n, *got = wanted + n;
    (void)context;
    able(form->matmul != NULL);
    for (size_t i = 0; i < n * n; i++) {
        a[i] = (float)(i * 7 % 11 % 4);
        b[i] = (float)(i * 5 % 13 % 4);
    }
    for (size_t i = 0; i < n; i++)
        vector[i] = (double)(i * 3 % 17);
    apply(turned, b, vector, n);
    apply(wanted, a, turned, n);
    while (more(&m)) {
        memset(c, 0, n * n * sizeof(c[0]));
        begin(&m);
        form->matmul(self, c, a, b, n);
        end(&m, 1e6);
        apply(got, c, vector, n);
        same(memcmp(got, wanted, n * sizeof(got[0])) != 0, 0);
    }
    print(&m, "ms");
}

// ---- loops -----------------------------------------------------------------

// What `calls` loops made of x is times * x + plus.
static void loop(void *self, void *context) {
    meter m = {.warm = 0};
    size_t n = set.size;
    uint32_t *a = fj_memory(n * sizeof(a[0])), times = 1, plus = 0;
    unsigned calls = n >= 100000 ? 1 : 100;
    (void)context;
    able(form->loop != NULL);
    for (size_t i = 0; i < n; i++)
        a[i] = (uint32_t)i;
    while (more(&m)) {
        begin(&m);
        for (unsigned i = 0; i < calls; i++)
            form->loop(self, a, n);
        end(&m, calls * 1e3);
        for (unsigned i = 0; i < calls; i++) {
            times *= 3;
            plus = plus * 3 + 1;
        }
    }
    for (size_t i = 0; i < n; i++)
        same(a[i], times * (uint32_t)i + plus);
    print(&m, "us");
}

// ---- sorts -----------------------------------------------------------------

// A generator that is the same everywhere: xorshift64*.
static uint64_t draw(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static void fill(uint32_t *a, size_t n) {
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        uint32_t value = (uint32_t)(draw(&state) >> 32);
        a[i] = strcmp(set.shape, "sorted") == 0 ? (uint32_t)(i * 3)
               : strcmp(set.shape, "few") == 0  ? value % 16 * 268435399u
                                                : value;
    }
}

// Sums that say whether it is still the same numbers.
static void sums(const uint32_t *a, size_t n, uint64_t out[2]) {
    out[0] = out[1] = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = a[i];
        out[0] += x;
        out[1] += x * x * x + (x ^ 0x5bd1e995) * 0x9e3779b97f4a7c15u;
    }
}

static void sort(void *self, void *context) {
    meter m = {.warm = 0};
    size_t n = set.size;
    uint32_t *from = fj_memory(n * sizeof(from[0]));
    uint32_t *a = fj_memory(n * sizeof(a[0]));
    uint64_t wanted[2], got[2];
    (void)context;
    able(form->sort != NULL);
    fill(from, n);
    sums(from, n, wanted);
    while (more(&m)) {
        memcpy(a, from, n * sizeof(a[0]));
        begin(&m);
        form->sort(self, a, n);
        end(&m, 1e6);
        for (size_t i = 1; i < n; i++)
            same(a[i - 1] > a[i], 0);
        sums(a, n, got);
        same(memcmp(got, wanted, sizeof(got)) != 0, 0);
    }
    print(&m, "ms");
}

enum { TEXT = 24 };

// Words of 8 to 23 letters of which the first four are often the same.
static void strings(void *self, void *context) {
    meter m = {.warm = 0};
    size_t n = set.size;
    char *text = fj_memory(n * TEXT);
    const char **from = fj_memory(n * sizeof(from[0]));
    const char **a = fj_memory(n * sizeof(a[0]));
    uint64_t state = 88172645463325252u;
    (void)context;
    able(form->strings != NULL);
    for (size_t i = 0; i < n; i++) {
        char *word = text + i * TEXT;
        uint64_t length = 8 + draw(&state) % 16;
        for (uint64_t k = 0; k < length; k++)
            word[k] = (char)('a' + (draw(&state) >> 40) % (k < 4 ? 3 : 26));
        from[i] = word;
    }
    while (more(&m)) {
        memcpy(a, from, n * sizeof(a[0]));
        begin(&m);
        form->strings(self, a, n);
        end(&m, 1e6);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            same(i > 0 && strcmp(a[i - 1], a[i]) > 0, 0);
            sum += (uint64_t)(a[i] - text) / TEXT;
        }
        same(sum, (uint64_t)n * (n - 1) / 2);
    }
    print(&m, "ms");
}

// ---- two pools at once -----------------------------------------------------

// Phases of some ms, so that whoever has nothing to do shows it.
static void again(void *self, void *context) {
    unsigned runs = *(unsigned *)context;
    for (unsigned i = 0; i < runs; i++)
        same(form->nqueens(self, (unsigned)set.size), solutions());
}

static pthread_barrier_t line_up;

static void *busy(void *argument) {
    unsigned runs = POOL_RUNS;
    pthread_barrier_wait(&line_up);
    form->inside(*(unsigned *)argument, again, &runs);
    pthread_barrier_wait(&line_up);
    return NULL;
}

static void both(meter *m) {
    pthread_t thread[POOLS];
    unsigned index[POOLS];
    pthread_barrier_init(&line_up, NULL, POOLS + 1);
    for (unsigned i = 0; i < POOLS; i++) {
        index[i] = i;
        if (pthread_create(&thread[i], NULL, busy, &index[i]) != 0)
            fj_fail("pthread_create", 0);
    }
    begin(m);
    pthread_barrier_wait(&line_up);
    pthread_barrier_wait(&line_up);
    end(m, POOLS * POOL_RUNS * 1e6);
    for (unsigned i = 0; i < POOLS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&line_up);
}

static void pools(void) {
    meter m = {.warm = 0}, alone = {.warm = 0};
    unsigned runs = POOLS * POOL_RUNS;
    able(form->nqueens != NULL);
    while (more(&m) || more(&alone)) {
        begin(&alone);
        form->inside(0, again, &runs);
        end(&alone, runs * 1e6);
        both(&m);
    }
    print(&m, "ms");
    median(alone.wall, alone.runs);
    figure("alone", "best", alone.wall[0], "ms");
    figure("alone", "wall", median(alone.wall, alone.runs), "ms");
}

// ---- options ---------------------------------------------------------------

static const struct {
    const char *name;
    fj_inside_function *run;
    unsigned long size;
} cases[] = {
    {"fib", fib, 35},         {"skynet", skynet, 10000000},
    {"nqueens", nqueens, 12}, {"uts", uts, 1},
    {"matmul", matmul, 1024}, {"loop", loop, 1000000},
    {"sort", sort, 10000000}, {"strings", strings, 1000000},
    {"pools", NULL, 10},
};

static void usage(void) {
    fprintf(stderr,
            "usage: CASE [--form NAME] [--workers N] [--ms N] [--size N]"
            " [--shape random|sorted|few]; the forms are");
    for (const fj_form *f = fj_forms; f->name != NULL; f++)
        fprintf(stderr, " %s", f->name);
    fprintf(stderr, ", the cases");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fprintf(stderr, " %s", cases[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static unsigned long number(const char *text, unsigned long most) {
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);
    if (*text < '0' || *text > '9' || *rest != '\0' || value == 0 ||
        value > most)
        usage();
    return value;
}

static void option(const char *name, const char *text) {
    if (text == NULL)
        usage();
    else if (strcmp(name, "--form") == 0)
        set.form = text;
    else if (strcmp(name, "--shape") == 0)
        set.shape = text;
    else if (strcmp(name, "--workers") == 0)
        set.workers = number(text, 64);
    else if (strcmp(name, "--ms") == 0)
        set.ms = number(text, 100000);
    else if (strcmp(name, "--size") == 0)
        set.size = number(text, 100000000);
    else
        usage();
}

static int is(const char *name) { return strcmp(set.name, name) == 0; }

// matmul halves its side down to a leaf, skynet its size by ten to one.
static int fits(void) {
    size_t size = set.size;
    if (is("fib"))
        return size > 1 && size <= 50;
    if (is("nqueens") || is("pools"))
        return size < FJ_QUEENS_MAX - 1;
    while (is("matmul") && size > FJ_LEAF && size % 2 == 0)
        size /= 2;
    if (is("matmul"))
        return size == FJ_LEAF;
    while (is("skynet") && size % FJ_BRANCHES == 0)
        size /= FJ_BRANCHES;
    return !is("skynet") || size == 1;
}

int main(int argc, char **argv) {
    size_t chosen = 0, count = sizeof(cases) / sizeof(cases[0]);
    while (chosen < count &&
           (argc < 2 || strcmp(argv[1], cases[chosen].name) != 0))
        chosen++;
    if (chosen == count)
        usage();
    set.size = cases[chosen].size;
    set.name = cases[chosen].name;
    for (int i = 2; i < argc; i += 2)
        option(argv[i], argv[i + 1]);
    for (form = fj_forms; form->name != NULL; form++)
        if (set.form == NULL || strcmp(form->name, set.form) == 0)
            break;
    if (form->name == NULL || !fits())
        usage();
    form->start((unsigned)set.workers, cases[chosen].run != NULL ? 1 : POOLS);
    if (cases[chosen].run != NULL)
        form->inside(0, cases[chosen].run, NULL);
    else
        pools();
    form->stop();
    return 0;
}
