// SPDX-License-Identifier: MIT
// Random programs of tasks against the same tasks one after the other: bytes,
// failures and their roots. See support/graph_model.h.
#include "support/graph_model.h"

enum { PROGRAMS = 60 / TEST_SMALLER + 10, SUBMITTERS = 3 };

// What a round of a test does besides the submissions.
typedef struct plan {
    uint32_t failures; // one task in so many; 0: none
    int cancels;       // one flow is cancelled along the way
    unsigned stutters; // of a deterministic pool: steps between submissions
} plan;

static plan now;

static void one_program(weir_pool *pool, uint64_t seed) {
    static model m;
    weir_graph *graph = graph_of(pool);
    int statuses[MODEL_FLOWS];
    model_make(&m, graph, seed, now.failures);
    model_open(&m);
    uint64_t state = mix(seed + 77);
    size_t at = draw_below(&state, (uint32_t)m.tasks_count);
    size_t victim = draw_below(&state, MODEL_FLOWS);
    for (size_t i = 0; i < m.tasks_count; i++) {
        model_submit(&m, i, m.flows[m.tasks[i].flow]);
        for (unsigned s = 0; s < draw_below(&state, now.stutters + 1); s++)
            (void)weir_pool_step(pool); // -EINVAL: it has threads
        if (now.cancels && i == at) {
            m.cancelled[victim] = 1;
            weir_flow_cancel(m.flows[victim]);
        }
    }
    model_close(&m, statuses);
    model_check(&m, statuses);
    while (graph_counts(graph).slots_used > 0) // who ended them leaves soon
        if (weir_pool_step(pool) != 1)
            sched_yield();
    graph_close(graph);
}

static void programs_on(weir_pool *pool) {
    int is_deterministic = weir_pool_step(pool) != -EINVAL;
    static uint64_t turn;
    uint64_t programs = is_deterministic ? 2 : PROGRAMS;
    for (uint64_t i = 0; i < programs; i++) {
        now.stutters = is_deterministic ? (unsigned)(turn % 5) : 0;
        one_program(pool, turn++);
    }
}

static void everywhere(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, programs_on, SEEDS);
}

static void random_programs_do_as_one_after_the_other(void) {
    now = (plan){0};
    everywhere();
}

static void random_failures_take_what_depends_on_them(void) {
    now = (plan){.failures = 8};
    everywhere();
}

static void random_programs_may_be_cancelled(void) {
    now = (plan){.cancels = 1};
    everywhere();
}

static void random_failures_and_cancels(void) {
    now = (plan){.failures = 12, .cancels = 1};
    everywhere();
}

// ---- several threads submit ------------------------------------------------

typedef struct submitter {
    model *m;
    size_t which;
    pthread_t thread;
} submitter;

static void *submitter_main(void *argument) {
    submitter *s = argument;
    for (size_t i = s->which; i < s->m->tasks_count; i += SUBMITTERS)
        model_submit(s->m, i, s->m->flows[s->m->tasks[i].flow]);
    return NULL;
}

// A submitter knows its own tasks alone.
static void keep_own_edges(model *m) {
    for (size_t i = 0; i < m->tasks_count; i++) {
        model_task *t = &m->tasks[i];
        size_t kept = 0;
        for (size_t j = 0; j < t->after_count; j++)
            if (t->after[j] % SUBMITTERS == i % SUBMITTERS)
                t->after[kept++] = t->after[j];
        t->after_count = kept;
    }
}

static void threads_submit(weir_pool *pool) {
    static model m;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        weir_graph *graph = graph_of(pool);
        int statuses[MODEL_FLOWS];
        model_make(&m, graph, seed + 5000, seed % 2 ? 8 : 0);
        keep_own_edges(&m);
        model_open(&m);
        submitter all[SUBMITTERS];
        for (size_t i = 0; i < SUBMITTERS; i++) {
            all[i] = (submitter){.m = &m, .which = i};
            all[i].thread = thread_start(submitter_main, &all[i]);
        }
        if (seed % 3 == 0) {
            m.cancelled[seed % MODEL_FLOWS] = 1;
            while (graph_counts(graph).submitted < seed % 20)
                sched_yield();
            weir_flow_cancel(m.flows[seed % MODEL_FLOWS]);
        }
        for (size_t i = 0; i < SUBMITTERS; i++)
            thread_join(all[i].thread);
        model_close(&m, statuses);
        model_check(&m, statuses);
        graph_close(graph);
    }
}

static void random_programs_from_several_threads(void) {
    static const int widths[] = {1, 2, 4};
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        weir_pool *pool = pool_of(widths[i]);
        threads_submit(pool);
        pool_close(pool);
    }
}

// ---- one graph for many programs -------------------------------------------

static void a_graph_is_used_again_and_again(void) {
    static model m;
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        int statuses[MODEL_FLOWS];
        model_make(&m, graph, seed + 9000, 10);
        model_open(&m);
        for (size_t i = 0; i < m.tasks_count; i++)
            model_submit(&m, i, m.flows[m.tasks[i].flow]);
        model_close(&m, statuses);
        model_check(&m, statuses);
        if (seed % 4 == 0)
            CHECK_EQ(weir_graph_reset(graph), 0);
    }
    graph_close(graph);
    pool_close(pool);
}

static const test_case cases[] = {
    CASE(random_programs_do_as_one_after_the_other),
    CASE(random_failures_take_what_depends_on_them),
    CASE(random_programs_may_be_cancelled),
    CASE(random_failures_and_cancels),
    CASE(random_programs_from_several_threads),
    CASE(a_graph_is_used_again_and_again),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
