// SPDX-License-Identifier: MIT
// The frontier room, on the graph of frontier.h: figures of one walk, as lines
// "name value unit". bench/frontier.sh has the walks take turns with others'.
//
//   graph    visits do nothing but add what they find
//   later    an answer comes --us later, --flight at a time, and what it says
//            is added on the thread where it came
//   parse    the same, but an answer is looked at for 50 us on the pool: by a
//            job that then ends the visit, or with --as-class by a visit of
//            another class
//
//   bench_frontier FORM [--nodes N] [--threads N] [--text] [--one-by-one]
//       [--edges] [--owner] [--as-class] [--flight N] [--us N]
#include "frontier.h"

#include "weir/frontier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARSE_US = 50, ANSWERS = 0, PARSING = 1 };

// One answer that is being looked at.
typedef struct parsing {
    weir_job job; // first
    weir_visit *visit;
} parsing;

static const settings *s;
static weir_pool *pool;
static weir_frontier *frontier;
static wheel *answers;
static parsing *jobs; // of each node
static unsigned steps;

static void check(int error, const char *what) {
    if (error < 0)
        bench_fail(what, error);
}

static uint32_t node_of(const weir_visit *visit) {
    size_t size;
    return graph_node(s, weir_visit_key(visit, &size));
}

// ---- visits ----------------------------------------------------------------

static void add_links(weir_visit *visit, uint32_t node) {
    uint64_t bytes[DEGREE][KEY_TEXT / 8];
    weir_key keys[DEGREE];
    for (unsigned e = 0; e < DEGREE; e++) {
        graph_key(s, graph_next(s, node, e), (char *)bytes[e]);
        keys[e] = (weir_key)WEIR_KEY_INIT(bytes[e], s->key_size);
        keys[e].tag = e;
    }
    if (!s->one_by_one) {
        weir_visit_add_batch(visit, keys, DEGREE);
        return;
    }
    for (int e = 0; e < DEGREE; e++)
        weir_visit_add(visit, &keys[e]);
}

static int visit_at_once(void *context, weir_worker *self, weir_visit *visit) {
    (void)context, (void)self;
    add_links(visit, node_of(visit));
    return 0;
}

static int visit_later(void *context, weir_worker *self, weir_visit *visit) {
    (void)context, (void)self;
    wheel_add(answers, visit);
    return WEIR_VISIT_LATER;
}

static void answer_ends(void *thing) {
    weir_visit *visit = thing;
    add_links(visit, node_of(visit));
    weir_visit_end(visit, 0);
}

// ---- parsing ---------------------------------------------------------------

static uint64_t arithmetic(uint64_t x, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

// So that the compiler does it.
static void look_at_it(unsigned count) {
    volatile uint64_t sink = arithmetic(1, count);
    (void)sink;
}

static void calibrate(void) {
    int64_t lowest = INT64_MAX;
    for (int i = 0; i < 50; i++) {
        int64_t begin = bench_now_ns();
        look_at_it(100000);
        int64_t took = bench_now_ns() - begin;
        lowest = took < lowest ? took : lowest;
    }
    steps = (unsigned)(100000 * INT64_C(1000) * PARSE_US / lowest);
}

static int parse(weir_worker *self, weir_job *job) {
    (void)self;
    weir_visit *visit = ((parsing *)(void *)job)->visit;
    look_at_it(steps);
    add_links(visit, node_of(visit));
    return 0;
}

static void parsed(weir_job *job, int status) {
    weir_visit_end(((parsing *)(void *)job)->visit, status);
}

static void answer_is_a_job(void *thing) {
    parsing *p = &jobs[node_of(thing)];
    *p = (parsing){WEIR_JOB_INIT(parse, parsed), thing};
    check(weir_submit(pool, &p->job), "submit");
}

// Its key is that of the node with another first byte; the last for an id.
static void answer_is_a_visit(void *thing) {
    size_t size;
    uint64_t bytes[KEY_TEXT / 8];
    memcpy(bytes, weir_visit_key(thing, &size), s->key_size);
    ((char *)bytes)[s->key_size == KEY_ID ? KEY_ID - 1 : 0] = 'P';
    weir_key key = WEIR_KEY_INIT(bytes, s->key_size);
    key.visit_class = PARSING;
    weir_visit_add(thing, &key);
    weir_visit_end(thing, 0);
}

static int visit_or_parse(void *context, weir_worker *self, weir_visit *visit) {
    size_t size;
    const char *key = weir_visit_key(visit, &size);
    if (key[size == KEY_ID ? KEY_ID - 1 : 0] != 'P')
        return visit_later(context, self, visit);
    look_at_it(steps);
    add_links(visit, node_of(visit));
    return 0;
}

// ---- walks -----------------------------------------------------------------

typedef struct form {
    const char *name;
    bool as_class;
    int (*visit)(void *context, weir_worker *self, weir_visit *visit);
    void (*answer)(void *thing); // or NULL: at once
} form;

static const form forms[] = {
    {"graph", false, visit_at_once, NULL},
    {"later", false, visit_later, answer_ends},
    {"parse", false, visit_later, answer_is_a_job},
    {"parse", true, visit_or_parse, answer_is_a_visit},
};

static void make_pool(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)s->threads;
    check(weir_pool_create(&pool, &options), "pool");
}

static void walk(const form *f) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = f->visit;
    options.no_edges = !s->edges;
    options.engine = s->owner ? WEIR_FRONTIER_OWNER : WEIR_FRONTIER_WORKERS;
    if (f->answer != NULL)
        options.caps[ANSWERS] = s->flight;
    check(weir_frontier_create(&frontier, &options), "frontier");
    uint64_t bytes[KEY_TEXT / 8] = {0};
    graph_key(s, 0, (char *)bytes);
    weir_key start = WEIR_KEY_INIT(bytes, s->key_size);
    check(weir_frontier_seed(frontier, &start), "seed");
    weir_frontier_close(frontier);
    int status;
    check(weir_frontier_wait(frontier, WEIR_FOREVER, &status), "wait");
    check(status, "a visit");
}

// The whole graph, or the time is not worth a line.
static void check_counts(const form *f) {
    weir_frontier_counts counts = {.size = sizeof(counts)};
    check(weir_frontier_count(frontier, &counts), "count");
    uint64_t more = f->as_class ? s->nodes : 0;
    if (counts.done != s->nodes + more || counts.items != counts.done ||
        counts.adds != s->nodes * (uint64_t)DEGREE + 1 + more)
        bench_fail("not all of the graph was visited", 22);
}

int main(int argc, char **argv) {
    const settings given = bench_settings(argc, argv);
    const form *f = NULL;
    s = &given;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(argv[1], forms[i].name) == 0 &&
            given.as_class == forms[i].as_class)
            f = &forms[i];
    if (f == NULL) {
        fprintf(stderr, "bench_frontier: no form %s\n", argv[1]);
        return 2;
    }
    calibrate();
    make_pool();
    if (f->answer == answer_is_a_job) {
        jobs = calloc(given.nodes, sizeof(jobs[0]));
        if (jobs == NULL)
            bench_fail("jobs", 12);
    }
    if (f->answer != NULL)
        answers = wheel_start(s, f->answer);
    int64_t cpu = bench_cpu_ns(), begin = bench_now_ns();
    walk(f);
    int64_t wall = bench_now_ns() - begin;
    cpu = bench_cpu_ns() - cpu;
    check_counts(f);
    if (answers == NULL)
        bench_print_checks(s, wall, cpu);
    else
        bench_print_later(s, wall, cpu, wheel_stop(answers));
    begin = bench_now_ns();
    weir_frontier_destroy(frontier);
    bench_print("destroy", (double)(bench_now_ns() - begin) / given.nodes,
                "ns/item");
    weir_pool_destroy(pool);
    free(jobs);
    return 0;
}
