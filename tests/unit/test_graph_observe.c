// SPDX-License-Identifier: MIT
// The observer's picture, the counts, and a graph that begins anew.
#include "support/graph.h"

// ---- what an observer is told ----------------------------------------------

enum { TOLD_MAX = 20000 };

typedef struct told {
    uint64_t from, to;
    int data;
} told;

// Everything is under the graph's lock: plain.
typedef struct picture {
    uint64_t submitted, ended;
    size_t edges_count;
    told edges[TOLD_MAX];
    int status[2000];
    unsigned worker[2000];
    int64_t begin_ns[2000], end_ns[2000];
    char kernel[2000][16];
} picture;

static void see_submitted(void *context, uint64_t number, const char *kernel) {
    picture *p = context;
    CHECK_EQ(number, p->submitted + 1); // in order, none left out
    CHECK(number < 2000);
    p->submitted = number;
    p->status[number] = 1;
    snprintf(p->kernel[number], sizeof(p->kernel[number]), "%s", kernel);
}

static void see_edge(void *context, uint64_t from, uint64_t to, int data) {
    picture *p = context;
    CHECK(from < to && to <= p->submitted && from != 0);
    CHECK_EQ(p->status[to], 1); // it has not ended
    CHECK(data == 0 || data == 1);
    CHECK(p->edges_count < TOLD_MAX);
    for (size_t i = p->edges_count; i-- > 0 && p->edges[i].to == to;)
        CHECK(p->edges[i].from != from); // each pair once
    p->edges[p->edges_count++] = (told){from, to, data};
}

static void see_ended(void *context, uint64_t number, int status,
                      unsigned worker, int64_t begin_ns, int64_t end_ns) {
    picture *p = context;
    CHECK(number <= p->submitted);
    CHECK_EQ(p->status[number], 1); // once
    CHECK(status <= 0);
    p->ended++;
    p->status[number] = status;
    p->worker[number] = worker;
    p->begin_ns[number] = begin_ns;
    p->end_ns[number] = end_ns;
}

static weir_graph *graph_seen(weir_pool *pool, picture *p) {
    memset(p, 0, sizeof(*p));
    weir_graph_observer observer = {.size = sizeof(observer),
                                    .context = p,
                                    .submitted = see_submitted,
                                    .edge = see_edge,
                                    .ended = see_ended};
    weir_graph_options options = graph_options(pool);
    options.observer = &observer; // copied
    return graph_open(&options);
}

static int has_edge(const picture *p, uint64_t from, uint64_t to, int data) {
    for (size_t i = 0; i < p->edges_count; i++)
        if (p->edges[i].from == from && p->edges[i].to == to)
            return p->edges[i].data == data;
    return 0;
}

static void edges_are_told_also_from_what_has_ended(void) {
    static picture p;
    static unsigned char memory[64];
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_seen(pool, &p);
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    static const weir_access_mode modes[] = {WEIR_WRITE,     WEIR_READ,
                                             WEIR_READ,      WEIR_WRITE,
                                             WEIR_READWRITE, WEIR_UNORDERED};
    weir_task last = {0};
    for (size_t i = 0; i < TEST_COUNT(modes); i++) {
        weir_task task =
            task_of(flow, &empty, NULL, ACCESSES(ALL_OF(modes[i], buffer)));
        CHECK_EQ(outcome_of(graph, task).status, 0); // one has ended already
        last = task;
    }
    weir_task by_edge = task_after(flow, NULL, NULL, &last, 1);
    CHECK_EQ(task_end(graph, by_edge), 0);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(p.submitted, 7);
    CHECK_EQ(p.ended, 7);
    CHECK(has_edge(&p, 1, 2, 1) && has_edge(&p, 1, 3, 1));   // read after write
    CHECK(has_edge(&p, 2, 4, 0) && has_edge(&p, 3, 4, 0));   // write after read
    CHECK(!has_edge(&p, 1, 5, 0) && !has_edge(&p, 1, 5, 1)); // covered
    CHECK(has_edge(&p, 4, 5, 1));                            // READWRITE reads
    CHECK(has_edge(&p, 6, 7, 1));
    for (size_t i = 0; i < p.edges_count; i++)
        CHECK(p.edges[i].to != 6); // UNORDERED
    CHECK_STR(p.kernel[1], "empty");
    CHECK_EQ(graph_counts(graph).edges, 0);
    graph_close(graph);
    pool_close(pool);
}

static void the_end_is_told_with_its_times(void) {
    static picture p;
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_seen(pool, &p);
    weir_flow *flow = flow_of(graph);
    int64_t before = weir_now_ns();
    probe q = {.result = -EIO};
    weir_task bad = task_of(flow, &probing, &q, NO_ACCESS);
    weir_task poisoned = task_after(flow, &empty, NULL, AFTER(bad));
    CHECK_EQ(task_end(graph, poisoned), -EIO);
    CHECK_EQ(flow_end(flow), -EIO);
    CHECK_EQ(p.status[1], -EIO);
    CHECK_EQ(p.worker[1], q.worker);
    CHECK(p.begin_ns[1] >= before && p.end_ns[1] >= p.begin_ns[1]);
    CHECK(p.end_ns[1] <= weir_now_ns());
    CHECK_EQ(p.status[2], -EIO);
    CHECK_EQ(p.begin_ns[2], 0);
    CHECK_EQ(p.end_ns[2], 0);
    graph_close(graph);
    pool_close(pool);
}

// ---- the picture does not depend on timing ---------------------------------

enum { DRAWN = 150 };

static weir_access drawn_access(weir_buffer buffer, uint64_t *state) {
    weir_access a = {.buffer = buffer, .mode = 1 + draw_below(state, 3)};
    a.offset = draw_below(state, 40);
    a.bytes = 1 + draw_below(state, 20);
    if (draw_below(state, 3) == 0) {
        a.bytes = 1 + draw_below(state, 4);
        a.rows = 2 + draw_below(state, 3);
        a.stride = 5 + draw_below(state, 3);
    }
    return a;
}

static void draw_picture(weir_pool *pool, picture *p, uint64_t seed,
                         int waits) {
    static unsigned char memory[80];
    weir_graph *graph = graph_seen(pool, p);
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    uint64_t state = mix(seed) << 20;
    weir_task old = {0};
    for (size_t i = 0; i < DRAWN; i++) {
        weir_access a = drawn_access(buffer, &state);
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        weir_task task;
        spec.kernel = draw_below(&state, 20) == 0 ? &failing : &empty;
        spec.accesses = &a;
        spec.accesses_count = 1;
        spec.after = &old; // {0} at first: skipped
        spec.after_count = draw_below(&state, 4) == 0;
        CHECK_EQ(weir_flow_submit(flow, &spec, &task), 0);
        if (waits)
            (void)outcome_of(graph, task);
        if (draw_below(&state, 5) == 0)
            old = task;
    }
    (void)flow_end(flow);
    CHECK_EQ(p->ended, DRAWN);
    graph_close(graph);
}

static void check_same(const picture *one, const picture *two) {
    CHECK_EQ(one->edges_count, two->edges_count);
    for (size_t i = 0; i < one->edges_count; i++) {
        // Those of one task may come in any order.
        const told *e = &one->edges[i];
        CHECK(has_edge(two, e->from, e->to, e->data));
    }
    for (size_t i = 1; i <= DRAWN; i++)
        CHECK_EQ(one->status[i], two->status[i]);
}

static void the_picture_does_not_depend_on_timing(void) {
    static picture first, next;
    for (uint64_t seed = 0; seed < SEEDS / 20; seed++) {
        weir_pool *pool = pool_of(1);
        draw_picture(pool, &first, seed, 1); // each has ended before the next
        pool_close(pool);
        CHECK(first.edges_count > DRAWN / 2);
        pool = pool_of(2);
        draw_picture(pool, &next, seed, 0);
        check_same(&first, &next);
        pool_close(pool);
        pool = pool_seeded(seed, 3);
        draw_picture(pool, &next, seed, 0); // none has, before all are there
        check_same(&first, &next);
        pool_close(pool);
    }
}

// Who follows whom, over all edges, is what shared bytes say.
static void the_picture_is_complete(void) {
    static picture p;
    static unsigned char before[DRAWN + 1][DRAWN + 1];
    static weir_access a[DRAWN + 1];
    for (uint64_t seed = 100; seed < 110; seed++) {
        weir_pool *pool = pool_of(1);
        draw_picture(pool, &p, seed, 0);
        pool_close(pool);
        uint64_t state = mix(seed) << 20;
        for (size_t i = 1; i <= DRAWN; i++) { // as draw_picture drew
            a[i] = drawn_access((weir_buffer){0}, &state);
            (void)draw_below(&state, 20);
            (void)draw_below(&state, 4);
            (void)draw_below(&state, 5);
        }
        memset(before, 0, sizeof(before));
        for (size_t to = 1, e = 0; to <= DRAWN; to++)
            for (; e < p.edges_count && p.edges[e].to == to; e++) {
                size_t from = (size_t)p.edges[e].from;
                before[to][from] = 1;
                for (size_t k = 1; k < from; k++)
                    before[to][k] |= before[from][k];
            }
        for (size_t i = 1; i <= DRAWN; i++)
            for (size_t j = 1; j < i; j++) {
                if (a[i].mode == WEIR_READ && a[j].mode == WEIR_READ)
                    continue;
                for (uint32_t r = 0; r == 0 || r < a[i].rows; r++)
                    for (uint32_t q = 0; q == 0 || q < a[j].rows; q++) {
                        size_t x = a[i].offset + r * a[i].stride;
                        size_t y = a[j].offset + q * a[j].stride;
                        if (x < y + a[j].bytes && y < x + a[i].bytes)
                            CHECK_EQ(before[i][j], 1);
                    }
            }
    }
}

static void an_observer_may_lack_functions(void) {
    weir_pool *pool = pool_of(1);
    weir_graph_observer observer = {.size = sizeof(observer)};
    weir_graph_options options = graph_options(pool);
    options.observer = &observer;
    weir_graph *graph = graph_open(&options);
    weir_flow *flow = flow_of(graph);
    task_go(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

// ---- counts ----------------------------------------------------------------

static void the_counts_are_true(void) {
    static unsigned char memory[64];
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    weir_graph_counts c = graph_counts(graph);
    CHECK(c.submitted == 0 && c.live == 0 && c.buffers == 0 && c.flows == 0);
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    holder h;
    holder_hold(&h, flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    task_go(flow, &empty, NULL, ACCESSES(WEIR_ACCESS(WEIR_READ, buffer, 0, 8)));
    task_go(flow, &empty, NULL,
            ACCESSES(WEIR_ACCESS(WEIR_WRITE, buffer, 0, 4)));
    c = graph_counts(graph);
    CHECK_EQ(c.submitted, 3);
    CHECK_EQ(c.live, 3);
    CHECK_EQ(c.ready, 1);
    CHECK(c.edges >= 2 && c.edges <= 3);
    CHECK_EQ(c.slots_used, 3);
    CHECK_EQ(c.regions, 3);
    CHECK_EQ(c.buffers, 1);
    CHECK_EQ(c.flows, 1);
    holder_open(&h);
    CHECK_EQ(flow_end(flow), 0);
    c = graph_counts(graph);
    CHECK_EQ(c.succeeded, 3);
    CHECK_EQ(c.live, 0);
    CHECK_EQ(c.flows, 0);
    CHECK_EQ(c.slots_used, 1); // of which there is a handle
    CHECK_EQ(holder_end(&h, graph), 0);
    CHECK_EQ(graph_counts(graph).slots_used, 0);
    CHECK_EQ(weir_buffer_close(graph, buffer), 0);
    c = graph_counts(graph);
    CHECK_EQ(c.buffers, 0);
    CHECK_EQ(c.regions, 0);
    graph_close(graph);
    pool_close(pool);
}

// ---- anew ------------------------------------------------------------------

static void nothing_is_reset_while_anything_lives(void) {
    static unsigned char memory[64];
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    CHECK_EQ(weir_graph_reset(graph), 0);
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    CHECK_EQ(weir_graph_reset(graph), -EBUSY); // a buffer
    CHECK_EQ(weir_buffer_close(graph, buffer), 0);
    weir_flow *flow = flow_of(graph);
    CHECK_EQ(weir_graph_reset(graph), -EBUSY); // a flow
    weir_task task = task_of(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(outcome_of(graph, task).number, 1);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(weir_graph_reset(graph), -EBUSY); // a handle
    CHECK_EQ(outcome_of(graph, task).number, 1);
    CHECK_EQ(weir_task_release(graph, task), 0);
    CHECK_EQ(weir_graph_reset(graph), 0);
    flow = flow_of(graph);
    weir_task next = task_of(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(number_of(graph, next), 1);
    CHECK_EQ(weir_task_poll(graph, task, NULL), -ESTALE); // of before
    CHECK_EQ(weir_buffer_close(graph, buffer), -ESTALE);
    CHECK_EQ(task_end(graph, next), 0);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

// One task that has not ended is enough; it goes on unharmed.
static void a_reset_meets_what_runs(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    holder h;
    holder_hold(&h, flow, 0, NO_ACCESS);
    CHECK_EQ(weir_task_release(graph, h.task), 0);
    weir_flow_release(flow);
    CHECK_EQ(weir_graph_reset(graph), -EBUSY);
    holder_open(&h);
    int error;
    while ((error = weir_graph_reset(graph)) == -EBUSY) // its worker is at it
        sched_yield();
    CHECK_EQ(error, 0);
    CHECK_EQ(graph_counts(graph).submitted, 0);
    gate_fini(&h.gate);
    graph_close(graph);
    pool_close(pool);
}

static weir_graph_counts one_run(weir_graph *graph) {
    static unsigned char memory[4096];
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    holder h;
    holder_hold(&h, flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    for (size_t i = 0; i < 2000 / TEST_SMALLER + 500; i++) {
        CHECK_EQ(weir_flow_scope_begin(flow), 0);
        task_go(flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READWRITE, buffer, i % 4000, 64)));
        CHECK_EQ(weir_flow_scope_end(flow), 0);
    }
    weir_buffer heap;
    void *at;
    CHECK_EQ(weir_buffer_alloc(flow, RING, 0, &heap, &at), 0);
    weir_graph_counts peak = graph_counts(graph);
    holder_open(&h);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(holder_end(&h, graph), 0);
    CHECK_EQ(weir_buffer_close(graph, buffer), 0);
    return peak;
}

static void a_second_run_needs_what_the_first_did(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    weir_graph_counts first = one_run(graph);
    CHECK_EQ(weir_graph_reset(graph), 0);
    weir_graph_counts zero = graph_counts(graph);
    CHECK_EQ(zero.submitted, 0);
    CHECK_EQ(zero.succeeded, 0);
    CHECK_EQ(zero.slots, 0);
    CHECK_EQ(zero.heap_highest[0], 0);
    weir_graph_counts second = one_run(graph);
    CHECK_EQ(second.submitted, first.submitted);
    CHECK_EQ(second.slots, first.slots);
    CHECK_EQ(second.slots_used, first.slots_used);
    CHECK_EQ(second.regions, first.regions);
    CHECK_EQ(second.heap_highest[0], first.heap_highest[0]);
    graph_close(graph);
    pool_close(pool);
}

// A worker that has just told the last end may still be on its way out.
static void a_reset_never_meets_a_completion(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    for (int round = 0; round < 300; round++) {
        weir_flow *flow = flow_of(graph);
        for (int i = 0; i < 20; i++)
            task_go(flow, i % 5 == 0 ? &failing : &empty, NULL, NO_ACCESS);
        CHECK_EQ(flow_end(flow), -EIO);
        CHECK_EQ(weir_graph_reset(graph), 0);
    }
    graph_close(graph);
    pool_close(pool);
}

static const test_case cases[] = {
    CASE(edges_are_told_also_from_what_has_ended),
    CASE(the_end_is_told_with_its_times),
    CASE(the_picture_does_not_depend_on_timing),
    CASE(the_picture_is_complete),
    CASE(an_observer_may_lack_functions),
    CASE(the_counts_are_true),
    CASE(nothing_is_reset_while_anything_lives),
    CASE(a_reset_meets_what_runs),
    CASE(a_second_run_needs_what_the_first_did),
    CASE(a_reset_never_meets_a_completion),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
