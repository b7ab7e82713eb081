// SPDX-License-Identifier: MIT
// The promises of a zygote in weir/procs.h: what it takes, what it gives back,
// and every way to fail. Groups of processes: test_procs_seam.c.
#include "base/fault.h"
#include "graph/zygote.h"
#include "support/procs.h"

#include <sys/mman.h>

static int nothing(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static const weir_kernel kernels[] = {{"nothing", nothing}};

static weir_zygote_options small(void) {
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = kernels;
    options.kernels_count = TEST_COUNT(kernels);
    options.shared_bytes = (size_t)1 << 20;
    return options;
}

static weir_zygote *made(void) {
    weir_zygote_options options = small();
    weir_zygote *zygote = NULL;
    CHECK_EQ(weir_zygote_create(&zygote, &options), 0);
    return zygote;
}

static int create_error(const weir_zygote_options *options) {
    weir_zygote *zygote = NULL;
    int error = weir_zygote_create(&zygote, options);
    CHECK(error == 0 || zygote == NULL);
    weir_zygote_destroy(zygote);
    return error;
}

// ---- begin and end ---------------------------------------------------------

static void nothing_is_left(void) {
    int before = descriptors_open();
    for (int i = 0; i < 3; i++) {
        weir_zygote *zygote = made();
        CHECK(has_children());
        weir_zygote_destroy(zygote);
        CHECK_EQ(descriptors_open(), before);
        CHECK(!has_children());
    }
    weir_zygote_destroy(NULL);
}

static void a_second_is_refused_while_the_first_lives(void) {
    weir_zygote_options options = small();
    weir_zygote *first = made();
    weir_zygote *second = NULL;
    // The first one's keeper is a thread of the program.
    CHECK_EQ(weir_zygote_create(&second, &options), -EBUSY);
    weir_zygote_destroy(first);
    CHECK_EQ(create_error(&options), 0);
}

static void options_are_checked(void) {
    weir_zygote_options options = small();
    CHECK_EQ(create_error(NULL), -EINVAL);
    options.size = 3;
    CHECK_EQ(create_error(&options), -EINVAL);
    options = small();
    options.shared_bytes = 0;
    CHECK_EQ(create_error(&options), -EINVAL);
    options.shared_bytes = SIZE_MAX;
    CHECK_EQ(create_error(&options), -ENOMEM);
    options.shared_bytes = SIZE_MAX / 2;
    CHECK_EQ(create_error(&options), -ENOMEM);
    options = small();
    options.kernels = NULL;
    CHECK_EQ(create_error(&options), -EINVAL);
    options.kernels_count = 0;
    CHECK_EQ(create_error(&options), 0);
}

static void names_are_checked(void) {
    char longest[65];
    memset(longest, 'x', sizeof(longest));
    longest[63] = '\0';
    weir_kernel table[2] = {{"a", nothing}, {"a", nothing}};
    weir_zygote_options options = small();
    options.kernels = table;
    options.kernels_count = 2;
    CHECK_EQ(create_error(&options), -EEXIST);
    table[1].name = longest;
    CHECK_EQ(create_error(&options), 0);
    longest[63] = 'x';
    longest[64] = '\0';
    CHECK_EQ(create_error(&options), -EINVAL);
    table[1].name = "";
    CHECK_EQ(create_error(&options), -EINVAL);
    table[1].name = NULL;
    CHECK_EQ(create_error(&options), -EINVAL);
    table[1] = (weir_kernel){"b", NULL};
    CHECK_EQ(create_error(&options), -EINVAL);
}

static void *wait_at_gate(void *argument) {
    gate *g = argument;
    gate_pass(g);
    return NULL;
}

static void a_program_with_threads_is_refused(void) {
    weir_zygote_options options = small();
    gate g;
    gate_init(&g);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, wait_at_gate, &g), 0);
    int before = descriptors_open();
    CHECK_EQ(create_error(&options), -EBUSY);
    CHECK_EQ(descriptors_open(), before);
    gate_open(&g);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(create_error(&options), 0);
}

// ---- memory ----------------------------------------------------------------

static int all_zero(const char *memory, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (memory[i] != 0)
            return 0;
    return 1;
}

static void memory_is_zeroed_and_aligned(void) {
    weir_zygote *zygote = made();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    CHECK(weir_zygote_alloc(zygote, 0) == NULL);
    CHECK(weir_zygote_alloc(zygote, ((size_t)1 << 20) + 1) == NULL);
    CHECK(weir_zygote_alloc(zygote, SIZE_MAX) == NULL);
    weir_zygote_free(zygote, NULL);
    for (int i = 0; i < 3; i++) {
        char *memory = weir_zygote_alloc(zygote, 3 * page - 1);
        CHECK(memory != NULL);
        CHECK_EQ((uintptr_t)memory % page, 0);
        CHECK(all_zero(memory, 3 * page));
        memset(memory, 0x5a, 3 * page);
        weir_zygote_free(zygote, memory);
    }
    weir_zygote_destroy(zygote);
}

static void memory_comes_back_whole(void) {
    enum { BLOCKS = 256, ROUNDS = 20 };
    weir_zygote *zygote = made();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = ((size_t)1 << 20) / page;
    uint32_t chance = 12345;
    for (int round = 0; round < ROUNDS; round++) {
        char *block[BLOCKS] = {NULL};
        size_t taken = 0;
        for (int i = 0; i < 4 * BLOCKS; i++) {
            chance = chance * 1664525 + 1013904223;
            size_t at = chance >> 24;
            if (block[at] != NULL) {
                weir_zygote_free(zygote, block[at]);
                block[at] = NULL;
                continue;
            }
            block[at] = weir_zygote_alloc(zygote, page * (1 + at % 5));
            if (block[at] == NULL)
                continue;
            taken++;
            CHECK_EQ(*block[at], 0);
            memset(block[at], (int)at | 1, page * (1 + at % 5));
        }
        CHECK(taken > 0);
        for (size_t at = 0; at < BLOCKS; at++) {
            if (block[at] == NULL)
                continue;
            size_t last = page * (1 + at % 5) - 1;
            CHECK_EQ((unsigned char)block[at][0], at | 1);
            CHECK_EQ((unsigned char)block[at][last], at | 1);
            weir_zygote_free(zygote, block[at]);
        }
        void *all = weir_zygote_alloc(zygote, pages * page);
        CHECK(all != NULL);
        CHECK(weir_zygote_alloc(zygote, 1) == NULL);
        weir_zygote_free(zygote, all);
    }
    weir_zygote_destroy(zygote);
}

static void it_knows_its_memory(void) {
    weir_zygote *zygote = made();
    char *all = weir_zygote_alloc(zygote, (size_t)1 << 20);
    CHECK(wr_zygote_shares(zygote, all, (size_t)1 << 20));
    CHECK(wr_zygote_shares(zygote, all + ((size_t)1 << 20) - 1, 1));
    CHECK(!wr_zygote_shares(zygote, all, ((size_t)1 << 20) + 1));
    CHECK(!wr_zygote_shares(zygote, all - 1, 2));
    CHECK(!wr_zygote_shares(zygote, all + 1, SIZE_MAX));
    CHECK(!wr_zygote_shares(zygote, &zygote, 1));
    weir_zygote_free(zygote, all);
    weir_zygote_destroy(zygote);
}

static void free_twice(void *argument) {
    weir_zygote *zygote = argument;
    void *memory = weir_zygote_alloc(zygote, 1);
    weir_zygote_free(zygote, memory);
    weir_zygote_free(zygote, memory);
}

static void free_a_part(void *argument) {
    weir_zygote *zygote = argument;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = weir_zygote_alloc(zygote, 3 * page);
    weir_zygote_free(zygote, memory + page);
}

static void free_anothers(void *argument) {
    weir_zygote_free(argument, &argument);
}

// Without the mark of the fork: as the program itself would do it.
static void aborts(void (*broken)(void *argument)) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_WRONLY);
        dup2(fd, 2);
        broken(made());
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGABRT);
}

static void what_is_given_back_is_looked_at(void) {
    aborts(free_twice);
    aborts(free_a_part);
    aborts(free_anothers);
}

// ---- kernels ---------------------------------------------------------------

static void a_name_is_loaded_once(void) {
    weir_zygote *zygote = made();
    const weir_kernel *first = NULL;
    const weir_kernel *again = NULL;
    CHECK_EQ(weir_zygote_load(zygote, "one", "lib.so", "one", &first), 0);
    CHECK_STR(first->name, "one");
    CHECK_EQ(weir_zygote_load(zygote, "one", "lib.so", "one", &again), 0);
    CHECK(first == again);
    again = NULL;
    CHECK_EQ(weir_zygote_load(zygote, "one", "lib.so", "two", &again), -EEXIST);
    CHECK_EQ(weir_zygote_load(zygote, "one", "bil.so", "one", &again), -EEXIST);
    CHECK_EQ(weir_zygote_load(zygote, "nothing", "a", "b", &again), -EEXIST);
    CHECK(again == NULL);
    weir_zygote_destroy(zygote);
}

static void texts_have_a_length(void) {
    weir_zygote *zygote = made();
    const weir_kernel *out;
    char text[1100];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const char *x64 = text + sizeof(text) - 1 - 64;
    const char *x256 = text + sizeof(text) - 1 - 256;
    const char *x1024 = text + sizeof(text) - 1 - 1024;
    CHECK_EQ(weir_zygote_load(zygote, "", "a", "b", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, "a", "", "b", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, "a", "a", "", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, NULL, "a", "b", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, x64, "a", "b", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, "a", x1024, "b", &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, "a", "a", x256, &out), -EINVAL);
    CHECK_EQ(weir_zygote_load(zygote, x64 + 1, x1024 + 1, x256 + 1, &out), 0);
    weir_zygote_destroy(zygote);
}

static void so_many_can_be_loaded(void) {
    weir_zygote *zygote = made();
    const weir_kernel *out[257];
    char name[16];
    for (int i = 0; i < 257; i++) {
        snprintf(name, sizeof(name), "kernel %d", i);
        int error = weir_zygote_load(zygote, name, "lib", name, &out[i]);
        CHECK_EQ(error, i < 256 ? 0 : -ENOSPC);
    }
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof(name), "kernel %d", i);
        CHECK_STR(out[i]->name, name);
        CHECK_EQ(wr_zygote_kernel(zygote, out[i]), 1 + i);
        weir_kernel alike = {name, NULL};
        CHECK_EQ(wr_zygote_kernel(zygote, &alike), 1 + i);
    }
    weir_zygote_destroy(zygote);
}

static void kernels_are_found_by_name(void) {
    weir_zygote_options options = small();
    char name[8] = "first";
    weir_kernel table[2] = {{name, nothing}, {"second", nothing}};
    options.kernels = table;
    options.kernels_count = 2;
    weir_zygote *zygote;
    CHECK_EQ(weir_zygote_create(&zygote, &options), 0);
    CHECK_EQ(wr_zygote_kernel(zygote, &table[0]), 0);
    CHECK_EQ(wr_zygote_kernel(zygote, &table[1]), 1);
    // The table was copied: what lies there now is what it says.
    table[0].name = "second";
    CHECK_EQ(wr_zygote_kernel(zygote, &table[0]), 1);
    table[0].name = "third";
    CHECK_EQ(wr_zygote_kernel(zygote, &table[0]), -ENOENT);
    table[0].name = NULL;
    CHECK_EQ(wr_zygote_kernel(zygote, &table[0]), -ENOENT);
    snprintf(name, sizeof(name), "other");
    weir_kernel alike = {"first", NULL};
    CHECK_EQ(wr_zygote_kernel(zygote, &alike), 0);
    weir_zygote_destroy(zygote);
}

// ---- failures --------------------------------------------------------------

static void each_failure_leaves_nothing(void) {
    static const int expected[WR_FAULT_KINDS] = {
        [WR_FAULT_ALLOC] = -ENOMEM, [WR_FAULT_THREAD] = -EAGAIN,
        [WR_FAULT_FD] = -EMFILE,    [WR_FAULT_PROCESS] = -EAGAIN,
        [WR_FAULT_SEND] = -EAGAIN,
    };
    static const wr_fault_kind kinds[] = {WR_FAULT_ALLOC, WR_FAULT_THREAD,
                                          WR_FAULT_FD, WR_FAULT_PROCESS,
                                          WR_FAULT_SEND};
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    weir_zygote_options options = small();
    CHECK_EQ(create_error(&options), 0);
    int before = descriptors_open();
    for (size_t k = 0; k < TEST_COUNT(kinds); k++) {
        uint64_t step = 0;
        for (;; step++) {
            wr_fault_arm(kinds[k], step, 1);
            int error = create_error(&options);
            uint64_t seen = wr_fault_seen(kinds[k]);
            wr_fault_arm(kinds[k], 0, 0);
            CHECK_EQ(descriptors_open(), before);
            CHECK(!has_children());
            if (seen <= step) {
                CHECK_EQ(error, 0);
                break;
            }
            // A thread that cannot be described is one too many.
            if (error != -EAGAIN)
                CHECK_EQ(error, expected[kinds[k]]);
        }
        CHECK(step > 0);
    }
}

static void a_forked_child_is_refused(void) {
    weir_zygote *zygote = made();
    void *memory = weir_zygote_alloc(zygote, 1);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
        weir_procs *procs;
        const weir_kernel *kernel;
        int ok = weir_zygote_load(zygote, "a", "b", "c", &kernel) == -ECHILD;
        ok &= weir_procs_create(&procs, zygote, &options) == -ECHILD;
        ok &= weir_zygote_alloc(zygote, 1) == NULL;
        weir_zygote_free(zygote, memory);
        weir_zygote_destroy(zygote);
        _exit(ok ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    weir_zygote_free(zygote, memory); // still there
    CHECK_EQ(wr_zygote_broken(zygote), 0);
    weir_zygote_destroy(zygote);
}

// ---- processes live and die with others ------------------------------------

static void a_group_without_a_zygote_is_refused(void) {
    weir_zygote *zygote = made();
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.payload = 64;
    weir_procs *procs = NULL;
    kill(zygote->pid, SIGKILL);
    // It is killed when kill returns, or a little later.
    int error;
    while ((error = weir_procs_create(&procs, zygote, &options)) == 0)
        weir_procs_destroy(procs);
    CHECK(error == -EOWNERDEAD || error == -EIO);
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), -EOWNERDEAD);
    weir_zygote_destroy(zygote);
    CHECK(!has_children());
}

// In a process of its own, since it is to be killed.
static void make_all_and_wait(int out) {
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = 2;
    options.payload = 64;
    weir_zygote *zygote = made();
    weir_procs *procs;
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), 0);
    int pid[3] = {zygote->pid, weir_procs_pid(procs, 0),
                  weir_procs_pid(procs, 1)};
    CHECK_EQ(write(out, pid, sizeof(pid)), sizeof(pid));
    for (;;)
        pause();
}

static void the_programs_end_is_the_processes_end(void) {
    int ends[2];
    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
    pid_t program = fork();
    CHECK(program >= 0);
    if (program == 0)
        make_all_and_wait(ends[1]);
    int pid[3];
    CHECK_EQ(read(ends[0], pid, sizeof(pid)), sizeof(pid));
    for (int i = 0; i < 3; i++)
        CHECK(process_exists(pid[i]));
    kill(program, SIGKILL);
    CHECK_EQ(waitpid(program, NULL, 0), program);
    // Who takes their remains is not this test; it is enough that they end.
    for (int i = 0; i < 3; i++)
        process_await_end(pid[i]);
    close(ends[0]);
    close(ends[1]);
}

// A parent that ended before its end was to be noticed is noticed by its pid.
static void who_has_another_parent_is_not_followed(void) {
    int parent = (int)getpid();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int ok = wr_process_follow(parent) == 0;
        ok &= wr_process_follow(parent + 1) == -ESRCH;
        _exit(ok ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"nothing_is_left", nothing_is_left},
        {"a_second_is_refused_while_the_first_lives",
         a_second_is_refused_while_the_first_lives},
        {"options_are_checked", options_are_checked},
        {"names_are_checked", names_are_checked},
        {"a_program_with_threads_is_refused",
         a_program_with_threads_is_refused},
        {"memory_is_zeroed_and_aligned", memory_is_zeroed_and_aligned},
        {"memory_comes_back_whole", memory_comes_back_whole},
        {"it_knows_its_memory", it_knows_its_memory},
        {"what_is_given_back_is_looked_at", what_is_given_back_is_looked_at},
        {"a_name_is_loaded_once", a_name_is_loaded_once},
        {"texts_have_a_length", texts_have_a_length},
        {"so_many_can_be_loaded", so_many_can_be_loaded},
        {"kernels_are_found_by_name", kernels_are_found_by_name},
        {"each_failure_leaves_nothing", each_failure_leaves_nothing},
        {"a_forked_child_is_refused", a_forked_child_is_refused},
        {"a_group_without_a_zygote_is_refused",
         a_group_without_a_zygote_is_refused},
        {"the_programs_end_is_the_processes_end",
         the_programs_end_is_the_processes_end},
        {"who_has_another_parent_is_not_followed",
         who_has_another_parent_is_not_followed},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
