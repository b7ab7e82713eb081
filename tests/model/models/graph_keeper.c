// SPDX-License-Identifier: MIT
// The life of a group of processes under the real keeper (procs.md, "Death",
// "Birth", "The end of a group"): create returns when it is up, a process that
// dies or overruns loses the task that it was at and no other, and what was
// destroyed is nobody's any more. The zygote answers at once, on the keeper's
// thread; a process is a thread, and its descriptor a flag.
#include "model/models/graph_process.h"

static int process_support(void) { return 0; }

static bool process_alone(void) { return true; }

static int make_sockets(int domain, int type, int protocol, int ends[2]) {
    (void)domain, (void)type, (void)protocol;
    ends[0] = 50;
    ends[1] = 51;
    return 0;
}

static weir_zygote *the_zygote;
static void *keeper_main(void *own);

// Kernels are looked up by nobody, and none is loaded: neither the table nor
// the board is there, which are large.
static int know(weir_zygote *own, const weir_kernel *kernel) {
    static wr_known_kernel known;
    known.run = kernel->run;
    own->known = &known;
    own->known_count = 1;
    return 0;
}

static wr_zygote_board *no_board(void) {
    static char place;
    return (wr_zygote_board *)(void *)&place;
}

#define wr_process_support process_support
#define wr_process_alone process_alone
#define wr_keeper_main keeper_main
#define wr_zygote_kernels_init(own, kernels, count) know(own, kernels)
#define wr_zygote_kernels_fini(own) ((void)0)
#define wr_shared_alloc(bytes) no_board()
#define wr_shared_free(memory, bytes) ((void)0)
#define socketpair make_sockets
#define getpid() 1 // whatever number the program itself has
#include "graph/zygote.c"
#undef wr_keeper_main
#undef socketpair

static void *keeper_main(void *own) {
    the_zygote = own;
    return wr_keeper_main(own);
}

// ---- processes -------------------------------------------------------------

enum { ZYGOTE_PID = 100, ZYGOTE_WATCH = 60, PROCESSES = 2 };

// One after the other: the next is made when the one before is known to be
// dead. Its descriptor is its number from 1, and its pid one more.
typedef struct process {
    unsigned thread;
    wr_mailbox *mail;
    int exit_status; // once it is dead
    rooms_flag dead;
    rooms_flag killed;
} process;

static process processes[PROCESSES];
static unsigned made;
static weir_zygote copy; // what a process may know of it
static bool zygote_killed;
static bool answered; // a reply is there
static wr_zygote_reply reply;

static void ring_the_bell(void) { wr_wakefd_signal(&copy.bell); }

static void *process_main(void *own) {
    process *self = own;
    if (setjmp(ways_out[mc_self()]) == 0)
        wr_child_main(&copy, self->mail, ZYGOTE_PID);
    self->exit_status = exits[mc_self()];
    rooms_raise(&self->dead);
    ring_the_bell(); // poll would see the descriptor
    return NULL;
}

static void answer(const wr_zygote_request *request) {
    reply = (wr_zygote_reply){
        .serial = request->serial, .pid = -1, .exit_status = -1};
    if (request->order == WR_ZYGOTE_SPAWN) {
        MC_CHECK(made < PROCESSES);
        process *next = &processes[made++];
        next->mail = request->mail;
        next->thread = mc_spawn(process_main, next);
        reply.pid = (int32_t)made + 1;
    } else if (request->order == WR_ZYGOTE_REAP) {
        process *dead = &processes[request->pid - 2];
        MC_CHECK(rooms_raised(&dead->dead));
        (void)mc_join(dead->thread);
        reply.exit_status = dead->exit_status;
    } else {
        MC_CHECK(request->order == WR_ZYGOTE_HELLO);
    }
    answered = true;
}

// ---- what the keeper calls of the system -----------------------------------

pid_t model_fork(void) {
    copy.bell = the_zygote->bell;
    copy.known = the_zygote->known;
    copy.known_count = the_zygote->known_count;
    copy.cpus = 1;
    return ZYGOTE_PID;
}

int model_close(int fd) {
    wr_wakefd bell = {.read_fd = fd, .write_fd = fd};
    if (fd == copy.bell.read_fd)
        wr_wakefd_close(&bell);
    return 0;
}

ssize_t model_send(int fd, const void *bytes, size_t count, int flags) {
    (void)flags;
    wr_zygote_request request;
    MC_CHECK(fd == 50 && count == sizeof(request) && !answered);
    memcpy(&request, bytes, sizeof(request));
    answer(&request);
    return (ssize_t)count;
}

ssize_t model_recv(int fd, void *bytes, size_t count, int flags) {
    (void)flags;
    MC_CHECK(fd == 50 && count == sizeof(reply) && answered);
    memcpy(bytes, &reply, sizeof(reply));
    answered = false;
    return (ssize_t)count;
}

static bool is_readable(int fd) {
    if (fd == 50)
        return answered;
    if (fd == ZYGOTE_WATCH)
        return zygote_killed;
    return fd >= 1 && fd <= PROCESSES && rooms_raised(&processes[fd - 1].dead);
}

static int look(struct pollfd *polled, nfds_t count) {
    int found = 0;
    for (nfds_t i = 0; i < count; i++) {
        polled[i].revents = is_readable(polled[i].fd) ? POLLIN : 0;
        found += polled[i].revents != 0;
    }
    return found;
}

int model_poll(struct pollfd *polled, nfds_t count, int timeout_ms) {
    (void)timeout_ms;
    return look(polled, count);
}

static bool time_passes; // else no deadline of the keeper's ever does

// The bell is the first. All that becomes readable rings it, too.
int model_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *end,
                const sigset_t *mask) {
    (void)mask;
    int found = look(polled, count);
    if (found > 0)
        return found;
    if (end != NULL && time_passes) {
        // When nobody else can go on: so a ring is heard late.
        static wr_atomic_u32 never;
        int64_t end_ns = wr_now_ns() + end->tv_sec * 1000000000 + end->tv_nsec;
        MC_CHECK(wr_futex_wait(&never, 0, end_ns) == -ETIMEDOUT);
        return look(polled, count);
    }
    MC_CHECK(mo_wakefd_wait(&copy.bell));
    found = look(polled, count);
    polled[0].revents = POLLIN;
    return found + 1;
}

int model_watch(int pid) { return pid == ZYGOTE_PID ? ZYGOTE_WATCH : pid - 1; }

void model_kill(int watch) {
    if (watch == ZYGOTE_WATCH)
        zygote_killed = true;
    else
        rooms_raise(&processes[watch - 1].killed);
}

bool model_reap(int watch, int *number, int *exit_status) {
    MC_CHECK(watch == ZYGOTE_WATCH && zygote_killed);
    *number = 9;
    *exit_status = -1;
    return true;
}

// ---- a world ---------------------------------------------------------------

static weir_procs *group;

static void world_open(int (*kernel)(const weir_kernel_call *call),
                       unsigned depth) {
    weir_kernel known = {.name = "k", .run = kernel};
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = &known;
    options.kernels_count = 1;
    options.shared_bytes = 8192;
    weir_zygote *out = NULL;
    MC_CHECK(weir_zygote_create(&out, &options) == 0 && out == the_zygote);
    weir_procs_options group_options = WEIR_PROCS_OPTIONS_INIT;
    group_options.depth = depth;
    group_options.payload = 64;
    MC_CHECK(weir_procs_create(&group, the_zygote, &group_options) == 0);
}

static void world_close(void) {
    weir_procs_destroy(group);
    weir_zygote_destroy(the_zygote);
}

static void submit_task(unsigned number, int64_t timeout_ns) {
    wr_endpoint *endpoint = wr_procs_endpoint(group);
    make_task(number, timeout_ns);
    MC_CHECK(endpoint->ops->submit(endpoint, &tasks[number].ticket, 1) == 0);
}

// ---- cases -----------------------------------------------------------------

static void a_group_comes_up_and_is_gone(void) {
    world_open(begin, 1);
    world_close();
    MC_CHECK(made == 1 && processes[0].exit_status == 0);
}

static void the_keeper_brings_an_outcome(void) {
    world_open(begin, 1);
    submit_task(0, 0);
    rooms_await(&tasks[0].over);
    MC_CHECK(tasks[0].ending.status == 0);
    world_close();
}

static uint64_t deadly; // number of the task that its process dies of

static int die(const weir_kernel_call *call) {
    (void)begin(call);
    if (call->number == deadly)
        process_exit(3);
    return 0;
}

static void a_dead_process_loses_what_it_was_at_and_no_more(void) {
    world_open(die, 2);
    submit_task(0, 0);
    submit_task(1, 0);
    rooms_await(&tasks[0].over);
    rooms_await(&tasks[1].over);
    MC_CHECK(tasks[0].ending.status == -EOWNERDEAD);
    MC_CHECK(tasks[0].ending.exit_status == 3);
    MC_CHECK(tasks[1].ending.status == 0 && tasks[1].begun == 1);
    MC_CHECK(made == 2);
    world_close();
}

// Though it was collected after the death.
static void what_was_done_before_a_death_counts(void) {
    deadly = 1;
    world_open(die, 2);
    submit_task(0, 0);
    submit_task(1, 0);
    rooms_await(&tasks[0].over);
    rooms_await(&tasks[1].over);
    MC_CHECK(tasks[0].ending.status == 0);
    MC_CHECK(tasks[1].ending.status == -EOWNERDEAD);
    world_close();
}

// The first overruns its time and is killed.
static int hang(const weir_kernel_call *call) {
    (void)begin(call);
    if (call->number > 0)
        return 0;
    rooms_await(&processes[0].killed);
    process_exit(9);
}

static void what_overruns_is_killed_and_no_other(void) {
    time_passes = true;
    world_open(hang, 2);
    submit_task(0, 1);
    submit_task(1, 0);
    rooms_await(&tasks[0].over);
    rooms_await(&tasks[1].over);
    MC_CHECK(tasks[0].ending.status == -ETIMEDOUT);
    MC_CHECK(tasks[1].ending.status == 0 && tasks[1].begun == 1);
    world_close();
}

#define BOUNDED(case, most, old)                                               \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = old                                                           \
    }

const mc_case mc_cases[] = {
    BOUNDED(a_group_comes_up_and_is_gone, 1, 1),
    BOUNDED(the_keeper_brings_an_outcome, 1, 1),
    BOUNDED(a_dead_process_loses_what_it_was_at_and_no_more, 0, 1),
    BOUNDED(what_was_done_before_a_death_counts, 0, 1),
    BOUNDED(what_overruns_is_killed_and_no_other, 0, 1),
    {.name = NULL},
};
