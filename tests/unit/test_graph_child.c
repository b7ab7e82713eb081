// SPDX-License-Identifier: MIT
// Flows that belong to a task: their tasks are the task, to all others.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    weir_buffer buffer;
    uint64_t memory[64];
} bench;

static void bench_on(bench *b, weir_pool *pool) {
    memset(b, 0, sizeof(*b));
    b->pool = pool;
    b->graph = graph_of(pool);
    b->flow = flow_of(b->graph);
    b->buffer = buffer_of(b->graph, b->memory, sizeof(b->memory));
}

static int bench_off(bench *b) {
    int status = flow_end(b->flow);
    graph_close(b->graph);
    return status;
}

static int bench_close(bench *b) {
    int status = bench_off(b);
    pool_close(b->pool);
    return status;
}

// A task whose kernel calls `inside` with a flow that belongs to it, then
// releases that and returns.
typedef struct parent {
    bench *bench;
    int (*inside)(struct parent *p, weir_flow *flow);
    weir_kernel_call const *call;
    gate *gate; // that tasks inside wait at
    probe probe[4];
    weir_task task[4];
    tally ran;
    weir_task other;
} parent;

static int parent_run(const weir_kernel_call *call) {
    parent *p = argument_of(call);
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow = NULL;
    CHECK_EQ(weir_flow_begin(call->graph, &options, &flow), 0);
    p->call = call;
    int status = p->inside(p, flow);
    weir_flow_release(flow);
    return status;
}

static const weir_kernel parents = {"parent", parent_run};

static weir_access words(bench *b, uint32_t mode, size_t first, size_t count) {
    return (weir_access)WEIR_ACCESS(mode, b->buffer, first * 8, count * 8);
}

static weir_task parent_go(parent *p, bench *b, weir_access access) {
    p->bench = b;
    tally_init(&p->ran);
    return task_of(b->flow, &parents, p, &access, 1);
}

// ---- order -----------------------------------------------------------------

static int add_run(const weir_kernel_call *call) {
    uint64_t *sum = call->data[0];
    uint64_t seen = *sum;
    breathe(call);
    *sum = seen + 1;
    return 0;
}

static const weir_kernel add = {"add", add_run};

static int adds_inside(parent *p, weir_flow *flow) {
    for (size_t i = 0; i < 40; i++) {
        weir_access access = words(p->bench, WEIR_READWRITE, i % 4, 1);
        task_go(flow, &add, NULL, &access, 1);
    }
    return 0;
}

static int check_forty_run(const weir_kernel_call *call) {
    uint64_t *sum = call->data[0];
    for (int i = 0; i < 4; i++)
        CHECK_EQ(sum[i] % 10, 0);
    sum[0] += 0;
    return 0;
}

static const weir_kernel check_forty = {"check", check_forty_run};

static void children_come_before_what_follows(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    static parent p[5];
    memset(p, 0, sizeof(p));
    for (size_t i = 0; i < 5; i++) {
        p[i].inside = adds_inside;
        parent_go(&p[i], &b, words(&b, WEIR_READWRITE, 0, 4));
        weir_access all = words(&b, i % 2 ? WEIR_READ : WEIR_READWRITE, 0, 4);
        task_go(b.flow, &check_forty, NULL, &all, 1);
    }
    CHECK_EQ(bench_off(&b), 0);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(b.memory[i], 50);
}

static void a_tasks_flows_end_before_what_follows_it(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, children_come_before_what_follows, SEEDS / 2);
}

static int gate_inside(parent *p, weir_flow *flow) {
    p->probe[0] = (probe){.gate = p->gate};
    weir_access access = words(p->bench, WEIR_WRITE, 0, 1);
    task_go(flow, &probing, &p->probe[0], &access, 1);
    return 0;
}

static void a_task_has_not_ended_before_its_flow(void) {
    bench b;
    bench_on(&b, pool_of(2));
    gate g;
    gate_init(&g);
    parent p = {.inside = gate_inside, .gate = &g};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    weir_access access = words(&b, WEIR_READ, 3, 1);
    weir_task reads = task_of(b.flow, &empty, NULL, &access, 1);
    gate_await(&g, 1);
    settle(b.graph, b.flow);
    CHECK(!has_ended(b.graph, task));
    CHECK(!has_ended(b.graph, reads));
    CHECK_EQ(weir_buffer_close(b.graph, b.buffer), -EBUSY);
    gate_open(&g);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(task_end(b.graph, reads), 0);
    gate_fini(&g);
    CHECK_EQ(bench_close(&b), 0);
}

// Within one parent several flows at once, ordered as they were submitted.
static int two_flows_inside(parent *p, weir_flow *flow) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = p->call;
    weir_flow *second = NULL;
    CHECK_EQ(weir_flow_begin(p->bench->graph, &options, &second), 0);
    for (size_t i = 0; i < 40; i++) {
        weir_access access = words(p->bench, WEIR_READWRITE, 0, 1);
        task_go(i % 2 ? flow : second, &add, NULL, &access, 1);
    }
    weir_flow_close(second);
    weir_flow_release(second);
    return 0;
}

static void flows_of_one_task(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    parent p = {.inside = two_flows_inside};
    parent_go(&p, &b, words(&b, WEIR_READWRITE, 0, 1));
    CHECK_EQ(bench_off(&b), 0);
    CHECK_EQ(b.memory[0], 40);
}

static void flows_of_one_task_are_ordered(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, flows_of_one_task, 50);
}

// ---- deep ------------------------------------------------------------------

typedef struct nest {
    bench *bench;
    unsigned depth;
    size_t at, count;
} nest;

static int nest_run(const weir_kernel_call *call);
static const weir_kernel nesting = {"nest", nest_run};

static void nest_go(weir_flow *flow, nest n) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access access = words(n.bench, WEIR_READWRITE, n.at, n.count);
    spec.kernel = &nesting;
    spec.arguments = &n;
    spec.arguments_size = sizeof(n);
    spec.accesses = &access;
    spec.accesses_count = 1;
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
}

static int nest_run(const weir_kernel_call *call) {
    nest n = *(const nest *)call->arguments;
    uint64_t *word = call->data[0];
    for (size_t i = 0; i < n.count; i++)
        word[i]++;
    if (n.count == 1)
        return 0;
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow;
    CHECK_EQ(weir_flow_begin(call->graph, &options, &flow), 0);
    size_t half = n.count / 2;
    nest_go(flow, (nest){n.bench, n.depth + 1, n.at, half});
    nest_go(flow, (nest){n.bench, n.depth + 1, n.at + half, half});
    weir_flow_release(flow);
    return 0;
}

static void nests(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    for (int i = 0; i < 3; i++)
        nest_go(b.flow, (nest){&b, 0, 0, 64});
    CHECK_EQ(bench_off(&b), 0);
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(b.memory[i], 3 * 7);
}

static void tasks_of_tasks_of_tasks(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, nests, 20);
}

// ---- what they may touch ---------------------------------------------------

static int try_inside(parent *p, weir_flow *flow, uint32_t mode, size_t at,
                      size_t count) {
    weir_access access = words(p->bench, mode, at, count);
    return task_try(flow, &empty, NULL, &access, 1, NULL);
}

static int rights_inside(parent *p, weir_flow *flow) {
    // The parent writes words 4 to 7.
    CHECK_EQ(try_inside(p, flow, WEIR_WRITE, 4, 4), 0);
    CHECK_EQ(try_inside(p, flow, WEIR_READ, 5, 2), 0);
    CHECK_EQ(try_inside(p, flow, WEIR_READWRITE, 7, 1), 0);
    CHECK_EQ(try_inside(p, flow, WEIR_READ, 3, 1), -EACCES);
    CHECK_EQ(try_inside(p, flow, WEIR_WRITE, 7, 2), -EACCES);
    CHECK_EQ(try_inside(p, flow, WEIR_READWRITE, 0, 64), -EACCES);
    return 0;
}

static int read_rights_inside(parent *p, weir_flow *flow) {
    CHECK_EQ(try_inside(p, flow, WEIR_READ, 5, 2), 0);
    CHECK_EQ(try_inside(p, flow, WEIR_WRITE, 4, 1), -EACCES);
    CHECK_EQ(try_inside(p, flow, WEIR_READWRITE, 7, 1), -EACCES);
    CHECK_EQ(try_inside(p, flow, WEIR_READ, 3, 2), -EACCES);
    return 0;
}

static void children_touch_what_their_parent_does(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p[3] = {{.inside = rights_inside},
                   {.inside = rights_inside},
                   {.inside = read_rights_inside}};
    parent_go(&p[0], &b, words(&b, WEIR_WRITE, 4, 4));
    parent_go(&p[1], &b, words(&b, WEIR_READWRITE, 4, 4));
    parent_go(&p[2], &b, words(&b, WEIR_READ, 4, 4));
    CHECK_EQ(bench_close(&b), 0);
}

static int after_inside(parent *p, weir_flow *flow) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &empty;
    spec.after = &p->other;
    spec.after_count = 1;
    gate_pass(p->gate);
    int refused = weir_flow_submit(flow, &spec, NULL);
    CHECK_EQ(refused, -EACCES); // it waits for this task: nothing would go on
    p->task[0] = task_of(flow, &empty, NULL, NO_ACCESS);
    spec.after = &p->task[0];
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
    return 0;
}

static void a_child_waits_for_nothing_outside(void) {
    bench b;
    bench_on(&b, pool_of(2));
    gate g;
    gate_init(&g);
    parent p = {.inside = after_inside, .gate = &g};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    p.other = task_after(b.flow, &empty, NULL, &task, 1);
    gate_open(&g);
    CHECK_EQ(task_end(b.graph, p.other), 0);
    CHECK_EQ(task_end(b.graph, task), 0);
    gate_fini(&g);
    CHECK_EQ(bench_close(&b), 0);
}

// ---- heap ------------------------------------------------------------------

static int heap_inside(parent *p, weir_flow *flow) {
    weir_buffer buffer = {0};
    weir_access out = {.bytes = 64, .mode = WEIR_WRITE, .allocate = &buffer};
    task_go(flow, &empty, NULL, &out, 1);
    void *memory = weir_buffer_memory(p->bench->graph, buffer, NULL);
    CHECK(memory != NULL);
    task_go(flow, &add, NULL, ACCESSES(ALL_OF(WEIR_READWRITE, buffer)));
    weir_flow *other = flow_of(p->bench->graph); // of nobody
    CHECK_EQ(task_try(other, &empty, NULL, ACCESSES(ALL_OF(WEIR_READ, buffer)),
                      NULL),
             -EACCES);
    weir_flow_release(other);
    return 0;
}

static void children_allocate_for_themselves(void) {
    bench b;
    bench_on(&b, pool_of(2));
    static parent p[50];
    for (size_t i = 0; i < 50; i++) {
        p[i].inside = heap_inside;
        parent_go(&p[i], &b, words(&b, WEIR_READ, 0, 1));
    }
    CHECK_EQ(bench_close(&b), 0);
}

// What a flow within allocated, a task of it hands on to flows of its own.
static int deeper_run(const weir_kernel_call *call) {
    weir_buffer buffer = *(const weir_buffer *)call->arguments;
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow = NULL;
    CHECK_EQ(weir_flow_begin(call->graph, &options, &flow), 0);
    int error =
        task_try(flow, &add, NULL,
                 ACCESSES(WEIR_ACCESS(WEIR_READWRITE, buffer, 0, 8)), NULL);
    int beyond =
        task_try(flow, &add, NULL,
                 ACCESSES(WEIR_ACCESS(WEIR_READWRITE, buffer, 8, 8)), NULL);
    weir_flow_release(flow);
    CHECK_EQ(beyond, -EACCES); // the task itself has the first word alone
    return error;
}

static const weir_kernel deeper = {"deeper", deeper_run};

static int hand_on_inside(parent *p, weir_flow *flow) {
    weir_buffer buffer = {0};
    weir_access out = {.bytes = 16, .mode = WEIR_WRITE, .allocate = &buffer};
    task_go(flow, NULL, NULL, &out, 1);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access access = WEIR_ACCESS(WEIR_READWRITE, buffer, 0, 8);
    spec.kernel = &deeper;
    spec.arguments = &buffer;
    spec.arguments_size = sizeof(buffer);
    spec.accesses = &access;
    spec.accesses_count = 1;
    weir_task task;
    CHECK_EQ(weir_flow_submit(flow, &spec, &task), 0);
    return task_end(p->bench->graph, task); // before the buffer's scope ends
}

static void what_children_allocate_is_handed_on(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = hand_on_inside};
    parent_go(&p, &b, words(&b, WEIR_READ, 0, 1));
    CHECK_EQ(bench_close(&b), 0);
}

// Its scope has ended meanwhile: the task has it still, and so have its flows.
static void what_a_task_has_its_flows_have_too(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_buffer buffer;
    void *memory;
    CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
    CHECK_EQ(weir_buffer_alloc(b.flow, 16, 0, &buffer, &memory), 0);
    holder h;
    holder_hold(&h, b.flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access access = WEIR_ACCESS(WEIR_READWRITE, buffer, 0, 8);
    spec.kernel = &deeper;
    spec.arguments = &buffer;
    spec.arguments_size = sizeof(buffer);
    spec.accesses = &access;
    spec.accesses_count = 1;
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    weir_flow_close(b.flow);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(bench_close(&b), 0);
}

static int full_inside(parent *p, weir_flow *flow) {
    // The one ring that is left is held by the task that this flow is of.
    weir_buffer buffer;
    void *memory;
    (void)p;
    CHECK_EQ(weir_buffer_alloc(flow, RING, WEIR_FOREVER, &buffer, &memory),
             -EDEADLK);
    return 0;
}

static void a_child_does_not_wait_for_what_its_parent_holds(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = full_inside, .bench = &b};
    for (int i = 0; i < 5; i++) // deeper ones are all of ring 3
        CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
    weir_buffer out = {0};
    weir_access access = {.bytes = 64, .mode = WEIR_WRITE, .allocate = &out};
    weir_task task = task_of(b.flow, &parents, &p, &access, 1);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(bench_close(&b), 0);
}

// ---- failures --------------------------------------------------------------

static int fails_inside(parent *p, weir_flow *flow) {
    weir_access access = words(p->bench, WEIR_WRITE, 0, 1);
    task_go(flow, &empty, NULL, NO_ACCESS);
    task_go(flow, &failing, NULL, &access, 1);
    task_go(flow, &counting, &p->ran, &access, 1);
    return 0;
}

static void a_task_fails_with_its_flow(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = fails_inside};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    weir_access access = words(&b, WEIR_READ, 3, 1);
    weir_task reads = task_of(b.flow, &empty, NULL, &access, 1);
    weir_task_outcome o = outcome_of(b.graph, task);
    CHECK_EQ(o.status, -EIO);
    CHECK_EQ(o.ran, 1);
    CHECK(o.root != o.number && o.root != 0);
    CHECK_STR(o.kernel, "fail");
    weir_task_outcome after = outcome_of(b.graph, reads);
    CHECK_EQ(after.status, -EIO);
    CHECK_EQ(after.ran, 0);
    CHECK_EQ(after.root, o.root);
    CHECK_EQ(tally_get(&p.ran), 1); // WRITE: it was not poisoned
    access = words(&b, WEIR_WRITE, 0, 4);
    task_go(b.flow, &empty, NULL, &access, 1);
    access.mode = WEIR_READ;
    weir_task good = task_of(b.flow, &empty, NULL, &access, 1);
    CHECK_EQ(task_end(b.graph, good), 0);
    CHECK_EQ(bench_close(&b), -EIO);
}

static int both_inside(parent *p, weir_flow *flow) {
    fails_inside(p, flow);
    return -ENOSPC;
}

static void its_own_failure_goes_first(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = both_inside};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    weir_task_outcome o = outcome_of(b.graph, task);
    CHECK_EQ(o.status, -ENOSPC);
    CHECK_EQ(o.root, o.number);
    CHECK_EQ(bench_close(&b), -ENOSPC);
}

// ---- cancel ----------------------------------------------------------------

static int endless_inside(parent *p, weir_flow *flow) {
    p->probe[0] = (probe){.clock = &p->ran};
    task_go(flow, &until_cancelled, &p->probe[0], NO_ACCESS);
    return 0;
}

static void cancel_reaches_flows_within(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = endless_inside};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    tally_await(&p.ran, 1);
    weir_flow_cancel(b.flow);
    weir_task_outcome o = outcome_of(b.graph, task);
    CHECK_EQ(o.ran, 1);
    CHECK_EQ(p.probe[0].ran, 1);
    (void)bench_close(&b);
}

static int cancels_itself_inside(parent *p, weir_flow *flow) {
    for (int i = 0; i < 10; i++) {
        weir_access access = words(p->bench, WEIR_READWRITE, 0, 1);
        task_go(flow, &add, NULL, &access, 1);
    }
    weir_flow_cancel(flow);
    return 0;
}

static void cancel_of_a_flow_within_fails_its_task(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    parent p = {.inside = cancels_itself_inside};
    weir_task task = parent_go(&p, &b, words(&b, WEIR_WRITE, 0, 4));
    int status = task_end(b.graph, task);
    CHECK(status == -ECANCELED || (status == 0 && b.memory[0] == 10));
    CHECK_EQ(bench_off(&b), status);
}

static void a_child_flow_may_be_cancelled(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, cancel_of_a_flow_within_fails_its_task, 50);
}

// ---- waits -----------------------------------------------------------------

static int waits_inside(parent *p, weir_flow *flow) {
    adds_inside(p, flow);
    weir_flow_close(flow);
    int status = -1;
    CHECK_EQ(weir_flow_wait(flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(p->bench->memory[0], 10);
    return 0;
}

static void a_kernel_waits_for_its_flow(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    parent p = {.inside = waits_inside};
    parent_go(&p, &b, words(&b, WEIR_READWRITE, 0, 4));
    CHECK_EQ(bench_off(&b), 0);
}

static void a_kernel_may_wait_for_its_flow(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, a_kernel_waits_for_its_flow, 50);
}

static int ask_run(const weir_kernel_call *call) {
    parent *p = argument_of(call);
    CHECK_EQ(weir_flow_wait(p->bench->flow, WEIR_FOREVER, NULL), -EDEADLK);
    return 0;
}

static const weir_kernel asks = {"asks", ask_run};

static int ask_inside(parent *p, weir_flow *flow) {
    task_go(flow, &asks, p, NO_ACCESS);
    return 0;
}

static void a_grandchild_cannot_wait_for_all(void) {
    bench b;
    bench_on(&b, pool_of(2));
    parent p = {.inside = ask_inside};
    parent_go(&p, &b, words(&b, WEIR_READWRITE, 0, 4));
    CHECK_EQ(bench_close(&b), 0);
}

static int foreign_run(const weir_kernel_call *call) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow = NULL;
    CHECK_EQ(weir_flow_begin(argument_of(call), &options, &flow), -EINVAL);
    CHECK(flow == NULL);
    return 0;
}

static const weir_kernel foreign = {"foreign", foreign_run};

static void a_parent_is_a_call_of_this_graph(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_graph *other = graph_of(b.pool);
    task_go(b.flow, &foreign, other, NO_ACCESS);
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(other);
    b.flow = flow_of(b.graph);
    CHECK_EQ(bench_close(&b), 0);
}

static const test_case cases[] = {
    CASE(a_tasks_flows_end_before_what_follows_it),
    CASE(a_task_has_not_ended_before_its_flow),
    CASE(flows_of_one_task_are_ordered),
    CASE(tasks_of_tasks_of_tasks),
    CASE(children_touch_what_their_parent_does),
    CASE(a_child_waits_for_nothing_outside),
    CASE(children_allocate_for_themselves),
    CASE(what_children_allocate_is_handed_on),
    CASE(what_a_task_has_its_flows_have_too),
    CASE(a_child_does_not_wait_for_what_its_parent_holds),
    CASE(a_task_fails_with_its_flow),
    CASE(its_own_failure_goes_first),
    CASE(cancel_reaches_flows_within),
    CASE(a_child_flow_may_be_cancelled),
    CASE(a_kernel_may_wait_for_its_flow),
    CASE(a_grandchild_cannot_wait_for_all),
    CASE(a_parent_is_a_call_of_this_graph),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
