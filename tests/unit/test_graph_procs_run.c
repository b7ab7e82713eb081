// SPDX-License-Identifier: MIT
// Kernels in processes: what they are given, what they see, what comes back.
#include "support/graph_procs.h"

#include <stddef.h>
#include <sys/syscall.h>

// ---- memory and results ----------------------------------------------------

// A process's own memory, as it was when the zygote was made.
static int before_zygote = 1;
static int started;

// Squares what is in the second datum into the third.
static int square_run(const weir_kernel_call *call) {
    CHECK_EQ(call->data_count, 3);
    const int *in = call->data[1];
    int *out = call->data[2];
    uint32_t n = index_of(call);
    for (uint32_t i = 0; i < n; i++)
        out[i] = in[i] * in[i];
    return 0;
}

static int status_run(const weir_kernel_call *call) {
    int status;
    memcpy(&status, call->arguments, sizeof(status));
    return status;
}

// Fails with the reason that is its argument, the second time.
static int reason_run(const weir_kernel_call *call) {
    int ignored = weir_kernel_fail(call, -EIO, "not this one: %d", 7);
    CHECK_EQ(ignored, -EIO);
    return weir_kernel_fail(call, -EPROTO, "%s", (const char *)call->arguments);
}

static int reason_then_success_run(const weir_kernel_call *call) {
    weir_kernel_fail(call, -EIO, "all was well after all");
    return 0;
}

static int globals_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_set(&b->count[0], (uint64_t)before_zygote);
    tally_set(&b->count[1], (uint64_t)started);
    before_zygote = 99; // its own
    return 0;
}

// As a library may that gives up.
static int leave_run(const weir_kernel_call *call) {
    (void)call;
    exit(0);
}

static const weir_kernel kernels[] = {
    {"leave", leave_run},
    {"square", square_run},
    {"status", status_run},
    {"reason", reason_run},
    {"reason then success", reason_then_success_run},
    {"globals", globals_run},
};
enum { LEAVE, SQUARE, STATUS, REASON, THEN_SUCCESS, GLOBALS };

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

static void kernels_are_found_by_name_and_see_shared_memory(void) {
    enum { N = 100 };
    world w;
    open_with(&w, 2);
    int *memory = weir_zygote_alloc(w.zygote, 2 * N * sizeof(int));
    CHECK(memory != NULL);
    for (int i = 0; i < 2 * N; i++)
        CHECK_EQ(memory[i], 0); // zeroed
    for (int i = 0; i < N; i++)
        memory[i] = i;
    weir_buffer in = buffer_of(w.graph, memory, N * sizeof(int));
    weir_buffer out = buffer_of(w.graph, memory + N, N * sizeof(int));
    weir_access access[] = {w.access, WEIR_ACCESS(WEIR_READ, in, 0, WEIR_WHOLE),
                            WEIR_ACCESS(WEIR_WRITE, out, 0, WEIR_WHOLE)};
    // The name counts: the struct may be another one.
    weir_kernel named = {"square", NULL};
    uint32_t n = N;
    weir_task_spec spec = spec_of(&w, &named, &n, sizeof(n));
    spec.accesses = access;
    spec.accesses_count = TEST_COUNT(access);
    check_done(&w, put(&w, &spec));
    for (int i = 0; i < N; i++)
        CHECK_EQ(memory[N + i], i * i);
    CHECK_EQ(weir_buffer_close(w.graph, in), 0);
    CHECK_EQ(weir_buffer_close(w.graph, out), 0);
    weir_zygote_free(w.zygote, memory);
    world_close(&w);
}

static void what_a_kernel_returns_is_the_tasks_status(void) {
    static const int returned[] = {0, -1, -EIO, -ECANCELED, -4095, 1, 77};
    world w;
    open_with(&w, 1);
    for (size_t i = 0; i < TEST_COUNT(returned); i++) {
        weir_task_spec spec = spec_of(&w, &kernels[STATUS], &returned[i], 4);
        weir_task_outcome o = outcome_of(&w, put(&w, &spec));
        CHECK_EQ(o.status, returned[i] > 0 ? -EINVAL : returned[i]);
        CHECK_EQ(o.ran, 1);
        CHECK_EQ(o.signal, 0);
        CHECK_EQ(o.exit_status, -1);
        CHECK_EQ(o.root, o.status == 0 ? 0 : o.number);
        CHECK_STR(o.kernel, o.status == 0 ? "" : "status");
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.tasks, TEST_COUNT(returned));
    CHECK_EQ(c.crashes, 0);
    world_close(&w);
}

static void a_reason_comes_back_whole(void) {
    world w;
    open_with(&w, 1);
    char text[WEIR_REASON_MAX + 100];
    for (size_t length = 1; length < sizeof(text); length += 37) {
        memset(text, 'x', length);
        text[length] = 0;
        weir_task_spec spec = spec_of(&w, &kernels[REASON], text, length + 1);
        weir_task_outcome o = outcome_of(&w, put(&w, &spec));
        CHECK_EQ(o.status, -EPROTO);
        CHECK_EQ(strlen(o.reason), length < WEIR_REASON_MAX
                                       ? length
                                       : (size_t)WEIR_REASON_MAX - 1);
        CHECK(strncmp(o.reason, text, strlen(o.reason)) == 0);
    }
    world_close(&w);
}

static void a_reason_is_cut_between_characters(void) {
    world w;
    open_with(&w, 1);
    // Two bytes a character, from an odd place on: one does not fit.
    char text[WEIR_REASON_MAX + 100] = "";
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\303\251", 3);
    weir_task_spec spec = spec_of(&w, &kernels[REASON], text, sizeof(text));
    weir_task_outcome o = outcome_of(&w, put(&w, &spec));
    CHECK_EQ(strlen(o.reason), WEIR_REASON_MAX - 2);
    CHECK(strncmp(o.reason, text, strlen(o.reason)) == 0);
    world_close(&w);
}

static void a_success_has_no_reason(void) {
    world w;
    open_with(&w, 1);
    check_done(&w, give(&w, &kernels[THEN_SUCCESS], 0));
    // Nor does it get that of the one before.
    weir_task_spec spec = spec_of(&w, &kernels[REASON], "gone", 5);
    CHECK_STR(outcome_of(&w, put(&w, &spec)).reason, "gone");
    int status = -EIO;
    spec = spec_of(&w, &kernels[STATUS], &status, sizeof(status));
    CHECK_STR(outcome_of(&w, put(&w, &spec)).reason, "");
    check_done(&w, give(&w, &kernels[THEN_SUCCESS], 0));
    world_close(&w);
}

// ---- what a kernel is given ------------------------------------------------

typedef struct seen {
    uint64_t arguments, arguments_size, number;
    uint32_t data_count, member, members, worker;
    int pid, parent, has_self, has_graph, cancelled;
    uint64_t data[8];
} seen;

static int look_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    seen s = {.arguments = (uint64_t)(uintptr_t)call->arguments,
              .arguments_size = call->arguments_size,
              .number = call->number,
              .data_count = call->data_count,
              .member = call->member,
              .members = call->members,
              .worker = call->worker,
              .pid = getpid(),
              .parent = getppid(),
              .has_self = call->self != NULL,
              .has_graph = call->graph != NULL,
              .cancelled = weir_kernel_cancelled(call)};
    for (uint32_t i = 0; i < call->data_count && i < 8; i++)
        s.data[i] = (uint64_t)(uintptr_t)call->data[i];
    memcpy(b->bytes, &s, sizeof(s));
    return 0;
}

static const weir_kernel look[] = {{"look", look_run}};

static void a_kernel_is_told_all_about_its_call(void) {
    world w;
    world_init(&w, look, 1, 1);
    world_open(&w);
    for (size_t size = 0; size <= 100; size += 25) {
        weir_access access[] = {
            w.access,
            WEIR_ACCESS(WEIR_READ, w.board_buffer, 64, 8),
            WEIR_TILE(WEIR_READ, w.board_buffer, 128, 8, 4, 64),
            WEIR_ACCESS(WEIR_WRITE, w.board_buffer, 1024, 100),
        };
        char arguments[100] = "";
        weir_task_spec spec = spec_of(&w, look, arguments, size);
        spec.accesses = access;
        spec.accesses_count = TEST_COUNT(access);
        weir_task_outcome o = outcome_of(&w, put(&w, &spec));
        CHECK_EQ(o.status, 0);
        seen s;
        memcpy(&s, w.board->bytes, sizeof(s));
        CHECK_EQ(s.arguments % 16, 0);
        CHECK_EQ(s.arguments_size, size);
        CHECK_EQ(s.number, o.number);
        CHECK_EQ(s.data_count, 4);
        CHECK_EQ(s.member, 0);
        CHECK_EQ(s.members, 1);
        CHECK_EQ(s.worker, 0);
        CHECK_EQ(s.pid, pid_of(&w, 0));
        CHECK_EQ(s.parent, zygote_pid(&w));
        CHECK_EQ(s.has_self, 0);
        CHECK_EQ(s.has_graph, 0);
        CHECK_EQ(s.cancelled, 0);
        uint64_t at = (uint64_t)(uintptr_t)w.board;
        CHECK_EQ(s.data[0], at);
        CHECK_EQ(s.data[1], at + 64);
        CHECK_EQ(s.data[2], at + 128);
        CHECK_EQ(s.data[3], at + 1024);
    }
    world_close(&w);
}

static int sum_run(const weir_kernel_call *call) {
    const unsigned char *bytes = call->arguments;
    uint64_t sum = call->arguments_size;
    for (size_t i = 0; i < call->arguments_size; i++)
        sum = sum * 31 + bytes[i];
    for (uint32_t i = 0; i < call->data_count; i++)
        sum = sum * 31 + (uintptr_t)call->data[i];
    tally_set(&board_of(call)->count[0], sum);
    return 0;
}

static const weir_kernel sum[] = {{"sum", sum_run}};

// Arguments and addresses of one task, as many as given.
static int try_payload(const world *w, size_t size, size_t accesses) {
    static unsigned char arguments[(1 << 20) + 16];
    static weir_access access[WEIR_ACCESSES_MAX + 1];
    uint64_t expected = size;
    for (size_t i = 0; i < size; i++) {
        arguments[i] = (unsigned char)(i * 7 + size);
        expected = expected * 31 + arguments[i];
    }
    for (size_t i = 0; i < accesses; i++) {
        access[i] = (weir_access)WEIR_ACCESS(WEIR_READ, w->board_buffer, i, 1);
        expected = expected * 31 + (uintptr_t)w->board + i;
    }
    weir_task_spec spec = spec_of(w, sum, arguments, size);
    spec.accesses = access;
    spec.accesses_count = accesses;
    weir_task task = {0};
    int error = weir_flow_submit(w->flow, &spec, &task);
    if (error != 0)
        return error;
    check_done(w, task);
    CHECK_EQ(tally_get(&w->board->count[0]), expected);
    return 0;
}

static void arguments_and_addresses_fit_up_to_the_payload(void) {
    static const size_t payloads[] = {64, 4096, 100000, 1 << 20};
    for (size_t i = 0; i < TEST_COUNT(payloads); i++) {
        size_t payload = payloads[i];
        world w;
        world_init(&w, sum, 1, 1);
        w.procs_options.payload = payload;
        world_open(&w);
        CHECK_EQ(try_payload(&w, 0, 1), 0);
        CHECK_EQ(try_payload(&w, payload - 16, 1), 0);
        CHECK_EQ(try_payload(&w, payload - 8, 1), 0);
        CHECK_EQ(try_payload(&w, payload - 7, 1), -E2BIG);
        CHECK_EQ(try_payload(&w, payload - 16, 2), 0);
        CHECK_EQ(try_payload(&w, payload - 15, 2), -E2BIG);
        CHECK_EQ(try_payload(&w, 1, 1), 0); // and it goes on
        if (payload == 64) {
            CHECK_EQ(try_payload(&w, 0, 8), 0);
            CHECK_EQ(try_payload(&w, 0, 9), -E2BIG);
        }
        world_close(&w);
    }
}

static void a_task_may_have_all_the_accesses_there_are(void) {
    world w;
    world_init(&w, sum, 1, 1);
    w.procs_options.payload = 8 * WEIR_ACCESSES_MAX + 100;
    world_open(&w);
    CHECK_EQ(try_payload(&w, 100, WEIR_ACCESSES_MAX), 0);
    CHECK_EQ(try_payload(&w, 100, WEIR_ACCESSES_MAX + 1), -E2BIG);
    world_close(&w);
}

static void arguments_are_copied(void) {
    world w;
    world_init(&w, sum, 1, 1);
    world_open(&w);
    char *arguments = malloc(10);
    CHECK(arguments != NULL);
    memset(arguments, 1, 10);
    weir_task_spec spec = spec_of(&w, sum, arguments, 10);
    weir_task task = put(&w, &spec);
    memset(arguments, 2, 10);
    free(arguments);
    check_done(&w, task);
    uint64_t expected = 10;
    for (int i = 0; i < 10; i++)
        expected = expected * 31 + 1;
    expected = expected * 31 + (uintptr_t)w.board;
    CHECK_EQ(tally_get(&w.board->count[0]), expected);
    world_close(&w);
}

// ---- what a process is -----------------------------------------------------

static void processes_have_the_memory_of_the_zygotes_birth(void) {
    world w;
    before_zygote = 2;
    open_with(&w, 1);
    before_zygote = 3; // too late for them
    check_done(&w, give(&w, &kernels[GLOBALS], 0));
    CHECK_EQ(tally_get(&w.board->count[0]), 2);
    CHECK_EQ(before_zygote, 3); // and theirs is not ours
    world_close(&w);
}

static int start_ok(void *context) {
    started += *(int *)context;
    return 0;
}

static void start_is_called_once_in_each_new_process(void) {
    static int context = 5;
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), 1);
    w.zygote_options.start = start_ok;
    w.zygote_options.context = &context;
    world_open(&w);
    CHECK_EQ(started, 0);
    for (int i = 0; i < 3; i++) {
        check_done(&w, give(&w, &kernels[GLOBALS], 0));
        CHECK_EQ(tally_get(&w.board->count[1]), 5);
        int old = pid_of(&w, 0), fd = pidfd_of(old);
        signal_to(fd, SIGKILL);
        await_death(fd);
        close(fd);
        pid_await(&w, 0, old);
    }
    world_close(&w);
}

enum { SIGNALS = 32 };

static int looks_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) != 0)
            continue;
        int is_default =
            !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
        int is_ignored =
            !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN;
        tally_set(&b->count[i], is_default ? 1 : is_ignored ? 2 : 3);
    }
    uint64_t standard = 0, others = 0;
    for (int fd = 0; fd < 4096; fd++) {
        standard += fcntl(fd, F_GETFD) >= 0 && fd < 3;
        others += fcntl(fd, F_GETFD) >= 0 && fd >= 3;
    }
    tally_set(&b->count[SIGNALS], standard);
    tally_set(&b->count[SIGNALS + 2], others);
    tally_set(&b->count[SIGNALS + 1], threads_alive());
    return 0;
}

static void on_signal(int number) { (void)number; }

static void processes_have_one_thread_and_nothing_of_the_programs(void) {
    static const weir_kernel looks[] = {{"looks", looks_run}};
    world w;
    int file = open("/dev/null", O_RDONLY); // not close-on-exec
    CHECK(file > 2);
    signal(SIGUSR1, on_signal);
    signal(SIGTERM, SIG_IGN);
    world_init(&w, looks, 1, 2);
    world_open(&w);
    check_done(&w, give(&w, looks, 0));
    for (int i = 1; i < SIGNALS; i++) {
        if (i == SIGKILL || i == SIGSTOP)
            continue;
        int ignored =
            i == SIGINT || i == SIGQUIT || i == SIGHUP || i == SIGPIPE;
        if (tally_get(&w.board->count[i]) != (ignored ? 2 : 1))
            CHECK_FAIL("signal %d: %d", i, (int)tally_get(&w.board->count[i]));
    }
    CHECK_EQ(tally_get(&w.board->count[SIGNALS]), 3);
    CHECK(tally_get(&w.board->count[SIGNALS + 2]) <= 1); // weir's own
    CHECK_EQ(tally_get(&w.board->count[SIGNALS + 1]), 1);
    world_close(&w);
    close(file);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

// A reader learns of the end when the last writer has closed it: a process that
// had inherited the other end would keep it waiting.
static void a_pipe_of_the_program_ends_when_the_program_closes_it(void) {
    int early[2], late[2];
    CHECK_EQ(pipe(early), 0);
    world w;
    open_with(&w, 3);
    CHECK_EQ(pipe(late), 0);
    weir_procs *more; // these are made later
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), 0);
    close(early[1]);
    close(late[1]);
    char c;
    CHECK_EQ(read(early[0], &c, 1), 0);
    CHECK_EQ(read(late[0], &c, 1), 0);
    close(early[0]);
    close(late[0]);
    weir_procs_destroy(more);
    w.before.descriptors -= 2; // early
    world_close(&w);
}

// What is in a buffer of the program when the zygote is made is written by the
// program, once, and by no process, however that ends.
static void write_and_have_processes(int file) {
    CHECK_EQ(dup2(file, 1), 1);
    setvbuf(stdout, NULL, _IOFBF, 4096);
    printf("once");
    world w;
    open_with(&w, 3);
    int status = 0;
    weir_task_spec spec = spec_of(&w, &kernels[STATUS], &status, 4);
    check_done(&w, put(&w, &spec));
    check_lost(&w, give(&w, &kernels[LEAVE], 0), 0, 0);
    world_close(&w);
    exit(0);
}

static void what_the_program_has_printed_is_printed_once(void) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        write_and_have_processes(ends[1]);
    }
    close(ends[1]);
    char text[100];
    size_t length = 0;
    for (ssize_t n; length < sizeof(text) - 1; length += (size_t)n) {
        n = read(ends[0], text + length, sizeof(text) - 1 - length);
        if (n <= 0)
            break;
    }
    text[length] = 0;
    close(ends[0]);
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_STR(text, "once");
    CHECK_EQ(status, 0);
}

static void pids_are_those_of_living_processes(void) {
    enum { N = 5 };
    world w;
    open_with(&w, N);
    int zygote = zygote_pid(&w);
    CHECK_EQ(parent_of(zygote), getpid());
    for (unsigned i = 0; i < N; i++) {
        CHECK_EQ(parent_of(pid_of(&w, i)), zygote);
        for (unsigned j = 0; j < i; j++)
            CHECK(pid_of(&w, i) != pid_of(&w, j));
    }
    CHECK_EQ(weir_procs_pid(w.procs, N), -1);
    CHECK_EQ(weir_procs_pid(w.procs, UINT32_MAX), -1);
    CHECK_EQ(procs_counts(w.procs).children, N);
    // Nothing of them is a child of the program.
    CHECK_EQ(waitpid(pid_of(&w, 0), NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
    world_close(&w);
}

// ---- many ------------------------------------------------------------------

static const weir_kernel counting[] = {{"count", count_run},
                                       {"hold", hold_run}};

static void every_task_runs_once(void) {
    enum { N = 5000 };
    static const struct {
        unsigned children, depth;
    } shapes[] = {{1, 1}, {1, 8}, {1, 64}, {3, 1}, {3, 8}, {8, 2}};
    static weir_task tasks[N];
    for (size_t s = 0; s < TEST_COUNT(shapes); s++) {
        world w;
        world_init(&w, counting, 2, shapes[s].children);
        w.procs_options.depth = shapes[s].depth;
        world_open(&w);
        for (uint32_t i = 0; i < N; i++)
            tasks[i] = give(&w, &counting[0], i);
        for (uint32_t i = 0; i < N; i++)
            check_done(&w, tasks[i]);
        for (uint32_t i = 0; i < N; i++)
            CHECK_EQ(tally_get(&w.board->count[i]), 1);
        weir_procs_counts c = procs_counts(w.procs);
        CHECK_EQ(c.tasks, N);
        CHECK_EQ(c.crashes + c.timeouts + c.replaced, 0);
        CHECK_EQ(c.queued + c.in_flight, 0);
        world_close(&w);
    }
}

static void one_process_serves_a_round_trip_after_the_other(void) {
    world w;
    world_init(&w, counting, 2, 1);
    world_open(&w);
    for (uint32_t i = 0; i < 2000; i++)
        check_done(&w, give(&w, &counting[0], i));
    CHECK_EQ(tally_get(&w.board->ended), 2000);
    world_close(&w);
}

static void all_processes_are_used(void) {
    enum { N = 4 };
    world w;
    world_init(&w, counting, 2, N);
    world_open(&w);
    weir_task tasks[N];
    for (uint32_t i = 0; i < N; i++)
        tasks[i] = give(&w, &counting[1], i);
    tally_await(&w.board->begun, N); // at once, or this never ends
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.children, N);
    CHECK_EQ(c.in_flight, N);
    CHECK_EQ(c.queued, 0);
    tally_add(&w.board->go);
    for (uint32_t i = 0; i < N; i++)
        check_done(&w, tasks[i]);
    world_close(&w);
}

// Behind one that takes long there is no waiting while another is idle.
static void what_waits_behind_a_long_task_goes_to_an_idle_process(void) {
    enum { N = 64 };
    world w;
    world_init(&w, counting, 2, 2);
    world_open(&w);
    weir_task both[2] = {give(&w, &counting[1], 0), give(&w, &counting[1], 1)};
    tally_await(&w.board->begun, 2);
    weir_task tasks[N]; // wait behind both
    for (uint32_t i = 0; i < N; i++)
        tasks[i] = give(&w, &counting[0], 2 + i);
    // One of the two ends: it is killed. The other holds on.
    int fd = pidfd_of(pid_of(&w, 0));
    signal_to(fd, SIGKILL);
    close(fd);
    for (uint32_t i = 0; i < N; i++)
        check_done(&w, tasks[i]);
    CHECK_EQ(tally_get(&w.board->ended), N);
    tally_add(&w.board->go);
    int lost = 0;
    for (int i = 0; i < 2; i++)
        lost += outcome_of(&w, both[i]).status != 0;
    CHECK_EQ(lost, 1);
    for (uint32_t i = 0; i < N; i++)
        CHECK_EQ(tally_get(&w.board->count[2 + i]), 1);
    world_close(&w);
}

static const test_case cases[] = {
    {"kernels_are_found_by_name_and_see_shared_memory",
     kernels_are_found_by_name_and_see_shared_memory},
    {"what_a_kernel_returns_is_the_tasks_status",
     what_a_kernel_returns_is_the_tasks_status},
    {"a_reason_comes_back_whole", a_reason_comes_back_whole},
    {"a_reason_is_cut_between_characters", a_reason_is_cut_between_characters},
    {"a_success_has_no_reason", a_success_has_no_reason},
    {"a_kernel_is_told_all_about_its_call",
     a_kernel_is_told_all_about_its_call},
    {"arguments_and_addresses_fit_up_to_the_payload",
     arguments_and_addresses_fit_up_to_the_payload},
    {"a_task_may_have_all_the_accesses_there_are",
     a_task_may_have_all_the_accesses_there_are},
    {"arguments_are_copied", arguments_are_copied},
    {"processes_have_the_memory_of_the_zygotes_birth",
     processes_have_the_memory_of_the_zygotes_birth},
    {"start_is_called_once_in_each_new_process",
     start_is_called_once_in_each_new_process},
    {"processes_have_one_thread_and_nothing_of_the_programs",
     processes_have_one_thread_and_nothing_of_the_programs},
    {"a_pipe_of_the_program_ends_when_the_program_closes_it",
     a_pipe_of_the_program_ends_when_the_program_closes_it},
    {"what_the_program_has_printed_is_printed_once",
     what_the_program_has_printed_is_printed_once},
    {"pids_are_those_of_living_processes", pids_are_those_of_living_processes},
    {"every_task_runs_once", every_task_runs_once},
    {"one_process_serves_a_round_trip_after_the_other",
     one_process_serves_a_round_trip_after_the_other},
    {"all_processes_are_used", all_processes_are_used},
    {"what_waits_behind_a_long_task_goes_to_an_idle_process",
     what_waits_behind_a_long_task_goes_to_an_idle_process},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
