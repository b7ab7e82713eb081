// SPDX-License-Identifier: MIT
// Kernels that are loaded from libraries when the processes run already.
#include "support/graph_procs.h"

static const weir_kernel kernels[] = {
    {"count", count_run}, {"die", die_run}, {"hold", hold_run}};
enum { COUNT, DIE, HOLD };

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

static const weir_kernel *load(const world *w, const char *name,
                               const char *library, const char *symbol) {
    const weir_kernel *kernel = NULL;
    CHECK_EQ(weir_zygote_load(w->zygote, name, library, symbol, &kernel), 0);
    CHECK(kernel != NULL);
    CHECK_STR(kernel->name, name);
    return kernel;
}

static weir_task triple(const world *w, const weir_kernel *kernel, int value) {
    weir_access access[] = {
        w->access, WEIR_ACCESS(WEIR_WRITE, w->board_buffer,
                               offsetof(board, bytes) + 64 * (size_t)value, 4)};
    weir_task_spec spec = spec_of(w, kernel, &value, sizeof(value));
    spec.accesses = access;
    spec.accesses_count = 2;
    return put(w, &spec);
}

static void check_triple(const world *w, weir_task task, int value) {
    check_done(w, task);
    int result;
    memcpy(&result, w->board->bytes + 64 * (size_t)value, sizeof(result));
    CHECK_EQ(result, 3 * value);
}

static void a_kernel_may_come_from_a_library_at_any_time(void) {
    world w;
    open_with(&w, 2);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    char name[] = "triple", path[] = TEST_KERNELS, symbol[] = "graph_triple";
    const weir_kernel *kernel = load(&w, name, path, symbol);
    memset(name, 'x', strlen(name)); // copied
    memset(path, 'x', strlen(path));
    memset(symbol, 'x', strlen(symbol));
    weir_task tasks[100];
    for (int i = 0; i < 100; i++)
        tasks[i] = triple(&w, kernel, i);
    for (int i = 0; i < 100; i++)
        check_triple(&w, tasks[i], i);
    weir_kernel named = {"triple", NULL}; // the name counts
    check_triple(&w, triple(&w, &named, 7), 7);
    const weir_kernel *no = load(&w, "no", TEST_KERNELS, "graph_no");
    check_status(&w, give(&w, no, 0), -95);
    CHECK_EQ(procs_counts(w.procs).replaced, 0);
    world_close(&w);
}

static void a_process_that_is_made_later_loads_for_itself(void) {
    world w;
    open_with(&w, 1);
    const weir_kernel *kernel =
        load(&w, "triple", TEST_KERNELS, "graph_triple");
    check_triple(&w, triple(&w, kernel, 1), 1);
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_triple(&w, triple(&w, kernel, 2), 2);
    CHECK_EQ(weir_procs_create(&w.other, w.zygote, &w.procs_options), 0);
    world_use_other(&w);
    check_triple(&w, triple(&w, kernel, 3), 3);
    world_close(&w);
}

static void what_cannot_be_loaded_fails_its_tasks_with_the_loaders_words(void) {
    world w;
    open_with(&w, 1);
    const weir_kernel *lost =
        load(&w, "lost", "/nonexistent/libnothing.so", "graph_triple");
    const weir_kernel *nowhere = load(&w, "nowhere", TEST_KERNELS, "graph_xyz");
    int pid = pid_of(&w, 0);
    for (int i = 0; i < 3; i++) {
        weir_task_outcome o = outcome_of(&w, give(&w, lost, 0));
        CHECK_EQ(o.status, -ENOENT);
        CHECK(strstr(o.reason, "libnothing") != NULL);
        CHECK_EQ(o.signal, 0);
        CHECK_STR(o.kernel, "lost");
        o = outcome_of(&w, give(&w, nowhere, 0));
        CHECK_EQ(o.status, -ENOENT);
        if (strstr(o.reason, "graph_xyz") == NULL)
            CHECK_FAIL("the reason is: %s", o.reason);
        check_done(&w, give(&w, &kernels[COUNT], 0));
    }
    CHECK_EQ(pid_of(&w, 0), pid);
    world_close(&w);
}

static void a_library_that_crashes_fails_its_tasks_alone(void) {
    world w;
    open_with(&w, 2);
    const weir_kernel *bad =
        load(&w, "bad", TEST_CRASHING_LIBRARY, "graph_never");
    weir_task tasks[20];
    for (uint32_t i = 0; i < 20; i++)
        tasks[i] = give(&w, i % 10 == 3 ? bad : &kernels[COUNT], i);
    for (uint32_t i = 0; i < 20; i++) {
        if (i % 10 == 3) {
            weir_task_outcome o = outcome_of(&w, tasks[i]);
            CHECK_EQ(o.status, -EOWNERDEAD);
            CHECK_EQ(o.signal, SIGABRT);
        } else {
            check_done(&w, tasks[i]);
            CHECK_EQ(tally_get(&w.board->count[i]), 1);
        }
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.crashes, 2);
    world_close(&w);
}

static void a_library_that_never_loads_is_a_task_that_overruns(void) {
    world w;
    open_with(&w, 1);
    const weir_kernel *bad =
        load(&w, "hanging", TEST_HANGING_LIBRARY, "graph_never");
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, bad, &index, sizeof(index));
    spec.timeout_ns = 50000000;
    weir_task task = put(&w, &spec);
    weir_task next = give(&w, &kernels[COUNT], 1);
    check_status(&w, task, -ETIMEDOUT);
    check_done(&w, next);
    world_close(&w);
}

static void a_name_means_one_thing(void) {
    world w;
    open_with(&w, 1);
    const weir_kernel *kernel =
        load(&w, "triple", TEST_KERNELS, "graph_triple");
    CHECK(load(&w, "triple", TEST_KERNELS, "graph_triple") == kernel);
    const weir_kernel *other = NULL;
    CHECK_EQ(
        weir_zygote_load(w.zygote, "triple", TEST_KERNELS, "graph_no", &other),
        -EEXIST);
    CHECK_EQ(weir_zygote_load(w.zygote, "triple", "other.so", "graph_triple",
                              &other),
             -EEXIST);
    CHECK_EQ(weir_zygote_load(w.zygote, "count", TEST_KERNELS, "graph_triple",
                              &other),
             -EEXIST); // known since the start
    CHECK(other == NULL);
    // Two names may mean one thing.
    CHECK(load(&w, "triple too", TEST_KERNELS, "graph_triple") != kernel);
    check_triple(&w, triple(&w, kernel, 5), 5);
    world_close(&w);
}

static void names_paths_and_symbols_have_a_length(void) {
    static char text[6000];
    world w;
    open_with(&w, 1);
    const weir_kernel *kernel = NULL;
    CHECK_EQ(weir_zygote_load(w.zygote, "", "x.so", "x", &kernel), -EINVAL);
    CHECK_EQ(weir_zygote_load(w.zygote, "x", "", "x", &kernel), -EINVAL);
    CHECK_EQ(weir_zygote_load(w.zygote, "x", "x.so", "", &kernel), -EINVAL);
    CHECK_EQ(weir_zygote_load(w.zygote, NULL, "x.so", "x", &kernel), -EINVAL);
    CHECK_EQ(weir_zygote_load(w.zygote, "x", NULL, "x", &kernel), -EINVAL);
    CHECK_EQ(weir_zygote_load(w.zygote, "x", "x.so", NULL, &kernel), -EINVAL);
    memset(text, 'n', 64);
    CHECK_EQ(weir_zygote_load(w.zygote, text, "x.so", "x", &kernel), -EINVAL);
    text[63] = 0;
    load(&w, text, "x.so", "x");
    memset(text, '/', 1024);
    CHECK_EQ(weir_zygote_load(w.zygote, "p", text, "x", &kernel), -EINVAL);
    text[1023] = 0;
    const weir_kernel *longest = load(&w, "p", text, "x");
    check_status(&w, give(&w, longest, 0), -ENOENT);
    memset(text, 's', sizeof(text) - 1);
    CHECK_EQ(weir_zygote_load(w.zygote, "s", "x.so", text, &kernel), -EINVAL);
    CHECK(kernel == NULL);
    world_close(&w);
}

static void as_many_can_be_loaded_as_it_says(void) {
    enum { MOST = 256 };
    static const weir_kernel *loaded[MOST];
    world w;
    open_with(&w, 2);
    char name[32];
    for (int i = 0; i < MOST; i++) {
        snprintf(name, sizeof(name), "kernel %d", i);
        loaded[i] = load(&w, name, TEST_KERNELS,
                         i % 2 == 0 ? "graph_triple" : "graph_no");
    }
    const weir_kernel *more = NULL;
    CHECK_EQ(
        weir_zygote_load(w.zygote, "more", TEST_KERNELS, "graph_no", &more),
        -ENOSPC);
    CHECK(load(&w, "kernel 0", TEST_KERNELS, "graph_triple") == loaded[0]);
    static weir_task tasks[MOST];
    for (int i = 0; i < MOST; i++)
        tasks[i] = triple(&w, loaded[i], i);
    for (int i = 0; i < MOST; i++) {
        if (i % 2 == 0)
            check_triple(&w, tasks[i], i);
        else
            check_status(&w, tasks[i], -95);
    }
    world_close(&w);
}

// ---- threads load while others run -----------------------------------------

enum { LOADERS = 4, NAMES = 32 };

typedef struct loader {
    const world *world;
    const weir_kernel *found[NAMES];
    int value;
} loader;

static void *load_main(void *arg) {
    loader *l = arg;
    const world *w = l->world;
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "kernel %d", i);
        l->found[i] = load(w, name, TEST_KERNELS, "graph_triple");
        check_triple(w, triple(w, l->found[i], l->value), l->value);
    }
    return NULL;
}

static void threads_may_load_at_once(void) {
    static loader loaders[LOADERS];
    pthread_t threads[LOADERS];
    world w;
    open_with(&w, 2);
    for (int i = 0; i < LOADERS; i++) {
        loaders[i] = (loader){.world = &w, .value = i};
        threads[i] = thread_start(load_main, &loaders[i]);
    }
    for (int i = 0; i < LOADERS; i++)
        thread_join(threads[i]);
    for (int i = 1; i < LOADERS; i++)
        for (int j = 0; j < NAMES; j++)
            CHECK(loaders[i].found[j] == loaders[0].found[j]);
    world_close(&w);
}

// A process that is stuck keeps nobody from loading or running elsewhere.
static void loading_waits_for_no_process(void) {
    world w;
    open_with(&w, 2);
    weir_task stuck = give(&w, &kernels[HOLD], 0);
    tally_await(&w.board->begun, 1);
    const weir_kernel *kernel =
        load(&w, "triple", TEST_KERNELS, "graph_triple");
    for (int i = 0; i < 50; i++)
        check_triple(&w, triple(&w, kernel, i), i);
    tally_add(&w.board->go);
    check_done(&w, stuck);
    world_close(&w);
}

static const test_case cases[] = {
    {"a_kernel_may_come_from_a_library_at_any_time",
     a_kernel_may_come_from_a_library_at_any_time},
    {"a_process_that_is_made_later_loads_for_itself",
     a_process_that_is_made_later_loads_for_itself},
    {"what_cannot_be_loaded_fails_its_tasks_with_the_loaders_words",
     what_cannot_be_loaded_fails_its_tasks_with_the_loaders_words},
    {"a_library_that_crashes_fails_its_tasks_alone",
     a_library_that_crashes_fails_its_tasks_alone},
    {"a_library_that_never_loads_is_a_task_that_overruns",
     a_library_that_never_loads_is_a_task_that_overruns},
    {"a_name_means_one_thing", a_name_means_one_thing},
    {"names_paths_and_symbols_have_a_length",
     names_paths_and_symbols_have_a_length},
    {"as_many_can_be_loaded_as_it_says", as_many_can_be_loaded_as_it_says},
    {"threads_may_load_at_once", threads_may_load_at_once},
    {"loading_waits_for_no_process", loading_waits_for_no_process},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
