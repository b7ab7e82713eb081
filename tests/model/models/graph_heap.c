// SPDX-License-Identifier: MIT
// The graph's heap: a ring of one page, that each allocation fills. What two
// threads take is never theirs at the same time, and nobody sleeps when it has
// come back; who waits for what never comes back is told so in time.
#include "model/models/graph_world.h"

enum { PAGE = 4096 };

static weir_flow *flows[2];

static void open_heap(int64_t timeout_ns) {
    pool = rooms_pool(1, 0);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.ring_bytes = PAGE;
    options.heap_timeout_ns = timeout_ns;
    MC_CHECK(weir_graph_create(&graph, &options) == 0);
    for (unsigned i = 0; i < 2; i++)
        MC_CHECK(weir_flow_begin(graph, NULL, &flows[i]) == 0);
}

static void close_heap(void) {
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
}

// Whoever has it writes to it: two at once would race.
static void *take_and_close(void *own) {
    weir_flow *mine = *(weir_flow **)own;
    weir_buffer whole;
    void *memory = NULL;
    MC_CHECK(weir_buffer_alloc(mine, PAGE, WEIR_FOREVER, &whole, &memory) == 0);
    ++*(uint64_t *)memory;
    MC_CHECK(weir_buffer_close(graph, whole) == 0);
    return NULL;
}

static void two_threads_take_turns(void) {
    open_heap(WEIR_FOREVER);
    unsigned other = mc_spawn(take_and_close, &flows[1]);
    (void)take_and_close(&flows[0]);
    (void)mc_join(other);
    weir_flow_release(flows[0]);
    weir_flow_release(flows[1]);
    close_heap();
}

// What a flow still has comes back when it is closed.
static void *close_flow(void *own) {
    weir_flow_release(*(weir_flow **)own);
    return NULL;
}

static void a_flow_that_ends_gives_all_back(void) {
    open_heap(WEIR_FOREVER);
    weir_buffer first, second;
    MC_CHECK(weir_buffer_alloc(flows[0], PAGE, WEIR_FOREVER, &first, NULL) ==
             0);
    unsigned other = mc_spawn(close_flow, &flows[0]);
    MC_CHECK(weir_buffer_alloc(flows[1], PAGE, WEIR_FOREVER, &second, NULL) ==
             0);
    (void)mc_join(other);
    weir_flow_release(flows[1]);
    close_heap();
}

enum { GOT_IT = 1, TOO_LATE };

// Beside somebody who gives it back in time, or too late.
static void who_waits_too_long_is_told(void) {
    open_heap(1);
    weir_buffer first, second;
    MC_CHECK(weir_buffer_alloc(flows[0], PAGE, WEIR_FOREVER, &first, NULL) ==
             0);
    unsigned other = mc_spawn(close_flow, &flows[0]);
    int error = weir_buffer_alloc(flows[1], PAGE, WEIR_FOREVER, &second, NULL);
    MC_CHECK(error == 0 || error == -ETIMEDOUT);
    mc_outcome(error == 0 ? GOT_IT : TOO_LATE);
    (void)mc_join(other);
    weir_flow_release(flows[1]);
    close_heap();
}

// A cancelled flow gets nothing, and does not sleep.
static void *cancel_flow(void *own) {
    weir_flow_cancel(*(weir_flow **)own);
    return NULL;
}

static void a_cancel_ends_the_wait(void) {
    open_heap(WEIR_FOREVER);
    weir_buffer first, second;
    MC_CHECK(weir_buffer_alloc(flows[0], PAGE, WEIR_FOREVER, &first, NULL) ==
             0);
    unsigned other = mc_spawn(cancel_flow, &flows[1]);
    int error = weir_buffer_alloc(flows[1], PAGE, WEIR_FOREVER, &second, NULL);
    MC_CHECK(error == -ESHUTDOWN);
    (void)mc_join(other);
    weir_flow_release(flows[0]);
    weir_flow_release(flows[1]);
    close_heap();
}

#define BOUNDED(case)                                                          \
    .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = 1,         \
    .stale = 1

const mc_case mc_cases[] = {
    {BOUNDED(two_threads_take_turns)},
    {BOUNDED(a_flow_that_ends_gives_all_back)},
    {BOUNDED(who_waits_too_long_is_told), .timeouts = 1,
     .outcomes = (const uint64_t[]){GOT_IT, TOO_LATE, MC_OUTCOMES_END}},
    {BOUNDED(a_cancel_ends_the_wait)},
    {.name = NULL},
};
