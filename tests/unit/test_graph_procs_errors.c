// SPDX-License-Identifier: MIT
// What the functions of weir/procs.h refuse, and that they leave nothing.
#include "support/graph_procs.h"

#include "base/random.h"

static const weir_kernel kernels[] = {
    {"count", count_run}, {"hold", hold_run}, {"hang", hang_run}};
enum { COUNT, HOLD, HANG };

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

// ---- zygotes ---------------------------------------------------------------

static void check_zygote(const weir_zygote_options *options, int error) {
    leftovers before = leftovers_now();
    weir_zygote *zygote = NULL;
    CHECK_EQ(weir_zygote_create(&zygote, options), error);
    CHECK(zygote == NULL);
    leftovers_none(&before);
}

static weir_zygote_options good(void) {
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = kernels;
    options.kernels_count = TEST_COUNT(kernels);
    options.shared_bytes = (size_t)16 << 20;
    return options;
}

static void a_zygote_wants_good_options(void) {
    weir_zygote_options o = good();
    o.size = 0;
    check_zygote(&o, -EINVAL);
    o = good();
    o.kernels = NULL;
    check_zygote(&o, -EINVAL);

    weir_kernel table[2] = {{"one", count_run}, {"two", count_run}};
    o = good();
    o.kernels = table;
    o.kernels_count = 2;
    table[1].name = "";
    check_zygote(&o, -EINVAL);
    table[1].name = NULL;
    check_zygote(&o, -EINVAL);
    char name[65] = "";
    memset(name, 'n', 64);
    table[1].name = name;
    check_zygote(&o, -EINVAL);
    table[1] = (weir_kernel){"two", NULL};
    check_zygote(&o, -EINVAL);
    table[1] = (weir_kernel){"one", hold_run};
    check_zygote(&o, -EEXIST);
    o = good();
    o.shared_bytes = (size_t)1 << 60;
    check_zygote(&o, -ENOMEM);
    o.shared_bytes = SIZE_MAX;
    check_zygote(&o, -ENOMEM);
}

static void the_table_and_its_names_are_copied(void) {
    world w;
    weir_kernel table[1];
    char name[64];
    memset(name, 'n', 63);
    name[63] = 0;
    table[0] = (weir_kernel){name, count_run};
    world_init(&w, table, 1, 1);
    world_open(&w);
    char again[64];
    memcpy(again, name, sizeof(again));
    memset(name, 'x', 63);
    memset(table, 0, sizeof(table));
    weir_kernel kernel = {again, NULL};
    check_done(&w, give(&w, &kernel, 0));
    world_close(&w);
}

static void a_zygote_without_kernels_is_a_zygote(void) {
    weir_zygote_options o = WEIR_ZYGOTE_OPTIONS_INIT;
    leftovers before = leftovers_now();
    weir_zygote *zygote = NULL;
    CHECK_EQ(weir_zygote_create(&zygote, &o), 0);
    weir_procs *procs;
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), 0);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
    weir_zygote_destroy(NULL);
    weir_procs_destroy(NULL);
    weir_zygote_free(NULL, NULL);
    leftovers_none(&before);
}

static void *wait_for_gate(void *arg) {
    gate_pass(arg);
    return NULL;
}

static void a_program_with_threads_is_refused(void) {
    static gate held_back;
    gate_init(&held_back);
    pthread_t thread = thread_start(wait_for_gate, &held_back);
    gate_await(&held_back, 1);
    weir_zygote_options o = good();
    check_zygote(&o, -EBUSY);
    gate_open(&held_back);
    thread_join(thread);
    gate_fini(&held_back);
    // And when they are gone it is not.
    world w;
    open_with(&w, 1);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
}

static void zygotes_come_and_go(void) {
    for (int i = 0; i < 20; i++) {
        world w;
        open_with(&w, 1 + (unsigned)i % 3);
        check_done(&w, give(&w, &kernels[COUNT], 0));
        world_close(&w);
    }
}

// ---- shared memory ---------------------------------------------------------

enum { PIECES = 64, PAGE = 4096 };

static void shared_memory_is_zeroed_and_comes_back(void) {
    world w;
    open_with(&w, 1);
    CHECK(weir_zygote_alloc(w.zygote, 0) == NULL);
    CHECK(weir_zygote_alloc(w.zygote, SIZE_MAX) == NULL);
    CHECK(weir_zygote_alloc(w.zygote, SIZE_MAX - 4000) == NULL);
    CHECK(weir_zygote_alloc(w.zygote, (size_t)1 << 40) == NULL);
    size_t most = (size_t)256 << 20; // the largest piece that there is
    void *all;
    while ((all = weir_zygote_alloc(w.zygote, most)) == NULL)
        most -= PAGE;
    CHECK(weir_zygote_alloc(w.zygote, most) == NULL);
    weir_zygote_free(w.zygote, all);
    weir_zygote_free(w.zygote, NULL);

    uint64_t random = 1;
    char *pieces[PIECES] = {0};
    size_t sizes[PIECES];
    for (int i = 0; i < 2000; i++) {
        size_t at = wr_random_below(&random, PIECES);
        if (pieces[at] != NULL) {
            for (size_t j = 0; j < sizes[at]; j += 512)
                CHECK_EQ(pieces[at][j], (char)at);
            weir_zygote_free(w.zygote, pieces[at]);
            pieces[at] = NULL;
            continue;
        }
        size_t size = 1 + wr_random_below(&random, 20 * PAGE);
        pieces[at] = weir_zygote_alloc(w.zygote, size);
        CHECK(pieces[at] != NULL);
        CHECK_EQ((uintptr_t)pieces[at] % PAGE, 0);
        sizes[at] = size;
        for (size_t j = 0; j < size; j++)
            CHECK_EQ(pieces[at][j], 0);
        memset(pieces[at], (int)at, size);
    }
    for (size_t i = 0; i < PIECES; i++)
        weir_zygote_free(w.zygote, pieces[i]);
    all = weir_zygote_alloc(w.zygote, most); // in one piece again
    CHECK(all != NULL);
    weir_zygote_free(w.zygote, all);
    world_close(&w);
}

typedef struct taker {
    weir_zygote *zygote;
    uint64_t seed;
} taker;

static void *take_main(void *arg) {
    taker *t = arg;
    uint64_t random = t->seed;
    for (int i = 0; i < 500; i++) {
        size_t size = 1 + wr_random_below(&random, 8 * PAGE);
        char *piece = weir_zygote_alloc(t->zygote, size);
        CHECK(piece != NULL);
        CHECK_EQ(piece[size - 1], 0);
        memset(piece, (int)t->seed, size);
        sched_yield();
        CHECK_EQ(piece[size / 2], (char)t->seed);
        weir_zygote_free(t->zygote, piece);
    }
    return NULL;
}

static void threads_may_take_shared_memory_at_once(void) {
    world w;
    open_with(&w, 1);
    taker takers[4];
    pthread_t threads[4];
    for (uint64_t i = 0; i < 4; i++) {
        takers[i] = (taker){w.zygote, i + 1};
        threads[i] = thread_start(take_main, &takers[i]);
    }
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    world_close(&w);
}

// ---- groups ----------------------------------------------------------------

static void check_procs(const world *w, const weir_procs_options *options,
                        int error) {
    leftovers before = leftovers_now();
    weir_procs *procs = NULL;
    CHECK_EQ(weir_procs_create(&procs, w->zygote, options), error);
    CHECK(procs == NULL);
    leftovers now = leftovers_now();
    CHECK_EQ(now.descriptors, before.descriptors);
    CHECK_EQ(now.shared, before.shared);
}

static void a_group_wants_good_options(void) {
    world w;
    open_with(&w, 1);
    weir_procs_options o = w.procs_options;
    o.size = 0;
    check_procs(&w, &o, -EINVAL);
    o = w.procs_options;
    o.children = 0;
    check_procs(&w, &o, -EINVAL);
    o.children = 1025;
    check_procs(&w, &o, -EINVAL);
    o = w.procs_options;
    o.depth = 0;
    check_procs(&w, &o, -EINVAL);
    o.depth = 65;
    check_procs(&w, &o, -EINVAL);
    o = w.procs_options;
    o.payload = ((size_t)1 << 20) + 1;
    check_procs(&w, &o, -EINVAL);
    o.payload = SIZE_MAX;
    check_procs(&w, &o, -EINVAL);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
}

static void a_group_without_shared_memory_is_refused(void) {
    world w;
    open_with(&w, 1);
    size_t most = (size_t)256 << 20;
    void *all;
    while ((all = weir_zygote_alloc(w.zygote, most)) == NULL)
        most -= PAGE;
    void *rest[1000];
    size_t count = 0;
    while ((rest[count] = weir_zygote_alloc(w.zygote, PAGE)) != NULL)
        CHECK(++count < TEST_COUNT(rest));
    weir_procs_options o = w.procs_options;
    o.children = 4;
    check_procs(&w, &o, -ENOMEM);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = w.pool;
    options.zygote = w.zygote;
    weir_graph *graph = NULL;
    CHECK_EQ(weir_graph_create(&graph, &options), -ENOMEM);
    // What is there is not disturbed.
    check_done(&w, give(&w, &kernels[COUNT], 0));
    while (count > 0)
        weir_zygote_free(w.zygote, rest[--count]);
    weir_zygote_free(w.zygote, all);
    weir_procs *procs;
    CHECK_EQ(weir_procs_create(&procs, w.zygote, &o), 0);
    weir_procs_destroy(procs);
    world_close(&w);
}

// What start does, in memory that all processes see.
static board *plan;

static int start_hang(void *context) {
    (void)context;
    tally_add(&plan->begun);
    while (tally_get(&plan->go) == 0)
        sched_yield();
    return 0;
}

// Says no in the process that comes as number plan->turn.
static int start_no(void *context) {
    (void)context;
    return tally_add(&plan->begun) == tally_get(&plan->turn);
}

static int start_die(void *context) {
    if (start_no(context))
        raise(SIGKILL);
    return 0;
}

static void plan_make(void) {
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(plan != MAP_FAILED);
}

static void a_start_with(int (*start)(void *), uint64_t turn, int64_t start_ns,
                         int error) {
    plan_make();
    leftovers before = leftovers_now();
    weir_zygote_options o = good();
    o.start = start;
    weir_zygote *zygote;
    CHECK_EQ(weir_zygote_create(&zygote, &o), 0);
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = 3;
    options.start_ns = start_ns;
    tally_set(&plan->turn, turn);
    leftovers inner = leftovers_now();
    weir_procs *procs = NULL;
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), error);
    CHECK(procs == NULL);
    leftovers now = leftovers_now();
    CHECK_EQ(now.descriptors, inner.descriptors);
    // Once start agrees there is a group.
    tally_set(&plan->turn, 0);
    tally_set(&plan->go, 1);
    options.start_ns = (int64_t)60 * 1000000000;
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), 0);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
    leftovers_none(&before);
    munmap(plan, sizeof(*plan));
}

static void a_process_that_does_not_want_to_start_is_an_error(void) {
    for (uint64_t turn = 1; turn <= 3; turn++)
        a_start_with(start_no, turn, (int64_t)60 * 1000000000, -EIO);
}

static void a_process_that_dies_before_it_is_ready_is_an_error(void) {
    for (uint64_t turn = 1; turn <= 3; turn++)
        a_start_with(start_die, turn, (int64_t)60 * 1000000000, -EIO);
}

static void processes_that_are_not_ready_in_time_are_an_error(void) {
    a_start_with(start_hang, 0, 20000000, -ETIMEDOUT);
    a_start_with(start_hang, 0, 0, -ETIMEDOUT);
}

// ---- tasks -----------------------------------------------------------------

static void what_can_never_run_in_a_process_is_refused(void) {
    world w;
    open_with(&w, 2);
    uint32_t index = 0;
    weir_kernel unknown = {"unknown", count_run};
    weir_task_spec spec = spec_of(&w, &unknown, &index, sizeof(index));
    weir_task task = {0};
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -ENOENT);
    spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    spec.members = 3;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -E2BIG);
    spec.members = UINT32_MAX;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -E2BIG);
    spec.members = 0;

    char own[64]; // the processes do not see it
    weir_buffer buffer = buffer_of(w.graph, own, sizeof(own));
    weir_access access[2] = {w.access,
                             WEIR_ACCESS(WEIR_READ, buffer, 0, WEIR_WHOLE)};
    spec.accesses = access;
    spec.accesses_count = 2;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -EINVAL);
    access[1].mode = WEIR_UNORDERED;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -EINVAL);
    CHECK_EQ(task.id, 0);
    CHECK_EQ(tally_get(&w.board->ended), 0);
    CHECK_EQ(weir_buffer_close(w.graph, buffer), 0); // nobody names it
    check_done(&w, give(&w, &kernels[COUNT], 0));
    weir_graph_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_graph_count(w.graph, &counts), 0);
    CHECK_EQ(counts.submitted, 1);
    world_close(&w);
}

static void counts_have_a_size(void) {
    world w;
    open_with(&w, 1);
    weir_procs_counts counts = {.size = 0};
    CHECK_EQ(weir_procs_count(w.procs, &counts), -EINVAL);
    counts.size = sizeof(counts);
    CHECK_EQ(weir_procs_count(w.procs, &counts), 0);
    CHECK_EQ(counts.children, 1);
    world_close(&w);
}

// ---- fork ------------------------------------------------------------------

static void in_the_child(const world *w) {
    weir_procs *procs = NULL;
    const weir_kernel *kernel;
    weir_procs_counts counts = {.size = sizeof(counts)};
    uint32_t index = 0;
    weir_task_spec spec = spec_of(w, &kernels[COUNT], &index, sizeof(index));
    CHECK_EQ(weir_procs_create(&procs, w->zygote, &w->procs_options), -ECHILD);
    CHECK_EQ(weir_zygote_load(w->zygote, "x", "x", "x", &kernel), -ECHILD);
    CHECK_EQ(weir_procs_count(w->procs, &counts), -ECHILD);
    CHECK_EQ(weir_flow_submit(w->flow, &spec, NULL), -ECHILD);
    CHECK(weir_zygote_alloc(w->zygote, 1) == NULL);
    weir_zygote_free(w->zygote, w->board);
    weir_procs_destroy(w->procs);
    weir_zygote_destroy(w->zygote);
    _exit(0);
}

static void a_forked_child_is_refused_and_disturbs_nothing(void) {
    world w;
    open_with(&w, 2);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            in_the_child(&w);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status));
        CHECK_EQ(WEXITSTATUS(status), 0);
        check_done(&w, give(&w, &kernels[COUNT], 0));
    }
    CHECK_EQ(tally_get(&w.board->count[0]), 3);
    CHECK_EQ(procs_counts(w.procs).replaced, 0);
    world_close(&w);
}

// A kernel is in another process too.
static int kernel_asks_run(const weir_kernel_call *call) {
    (void)call;
    weir_zygote_options o = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_zygote *inner = NULL;
    int error = weir_zygote_create(&inner, &o);
    if (error != 0)
        return error;
    weir_zygote_destroy(inner);
    return 0;
}

static void a_kernel_may_have_a_zygote_of_its_own(void) {
    static const weir_kernel asks[] = {{"asks", kernel_asks_run}};
    if (TEST_UNDER_TSAN)
        SKIP("thread sanitizer: no threads after a fork");
    world w;
    world_init(&w, asks, 1, 1);
    world_open(&w);
    check_done(&w, give(&w, asks, 0));
    world_close(&w);
}

static const test_case cases[] = {
    {"a_zygote_wants_good_options", a_zygote_wants_good_options},
    {"the_table_and_its_names_are_copied", the_table_and_its_names_are_copied},
    {"a_zygote_without_kernels_is_a_zygote",
     a_zygote_without_kernels_is_a_zygote},
    {"a_program_with_threads_is_refused", a_program_with_threads_is_refused},
    {"zygotes_come_and_go", zygotes_come_and_go},
    {"shared_memory_is_zeroed_and_comes_back",
     shared_memory_is_zeroed_and_comes_back},
    {"threads_may_take_shared_memory_at_once",
     threads_may_take_shared_memory_at_once},
    {"a_group_wants_good_options", a_group_wants_good_options},
    {"a_group_without_shared_memory_is_refused",
     a_group_without_shared_memory_is_refused},
    {"a_process_that_does_not_want_to_start_is_an_error",
     a_process_that_does_not_want_to_start_is_an_error},
    {"a_process_that_dies_before_it_is_ready_is_an_error",
     a_process_that_dies_before_it_is_ready_is_an_error},
    {"processes_that_are_not_ready_in_time_are_an_error",
     processes_that_are_not_ready_in_time_are_an_error},
    {"what_can_never_run_in_a_process_is_refused",
     what_can_never_run_in_a_process_is_refused},
    {"counts_have_a_size", counts_have_a_size},
    {"a_forked_child_is_refused_and_disturbs_nothing",
     a_forked_child_is_refused_and_disturbs_nothing},
    {"a_kernel_may_have_a_zygote_of_its_own",
     a_kernel_may_have_a_zygote_of_its_own},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
