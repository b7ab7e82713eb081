// SPDX-License-Identifier: MIT
// Bytes as what a zygote answers: right, damaged, twice, too short, too long,
// unasked, or never, for it dies; and as what its processes write into the
// first words of their mailboxes and of their group's page. The program's side
// (zygote.c, procs.c, procs_keeper.c, procs_death.c) is the real one with its
// thread; a thread here plays the zygote and its processes, so that no process
// is made and none is killed. What is looked for is a crash, a sanitizer's
// complaint, a hang, an error that is not documented, a process that is watched
// for ever, and the program watching, that is killing, what is not of the
// zygote's. How to run it: engine.h.
#include "engine.h"

#include "graph/procs_types.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum {
    PROGRAM_MAX = 200,
    PROCESSES = 64,
    FDS = 256,
    LATER = 8,
    FIRST_PID = 0x3f000000, // more than a system gives
    START_NS = 5000000,     // given to a group
};

// The wrapped functions: tests/fuzz.cmake.
pid_t __wrap_fork(void);
int __wrap_kill(pid_t pid, int number);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
bool __wrap_wr_process_alone(void);
int __wrap_wr_process_watch(int pid);
void __wrap_wr_process_kill(int watch);
bool __wrap_wr_process_reap(int watch, int *number, int *exit_status);
void __wrap_wr_shared_wake(wr_atomic_u32 *word);
void __wrap_wr_shared_free(void *memory, size_t bytes);
void __real_wr_shared_free(void *memory, size_t bytes);
void *__wrap_wr_keeper_main(void *zygote);
void *__real_wr_keeper_main(void *zygote);
pid_t __real_fork(void);
int __real_kill(pid_t pid, int number);

// The first is the zygote.
typedef struct process {
    int life; // an eventfd: not 0 when it has ended
    wr_mailbox *mail;
    wr_mail_group *group;
} process;

static struct {
    pthread_mutex_t lock;
    const uint8_t *at;
    size_t left;
    weir_zygote *zygote; // NULL: the fork is not of the keeper's
    int end;             // of the socket
    pthread_t player;
    process process[PROCESSES];
    int count;
    int last_pid;
    struct {
        void *memory;
        size_t bytes;
    } later[LATER]; // to be freed
    int later_count;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void broken(const char *what, long number) {
    printf("fuzz_zygote: %s (%ld)\n", what, number);
    fflush(stdout);
    abort();
}

static uint32_t next(void) {
    pthread_mutex_lock(&world.lock);
    uint32_t byte = 0;
    if (world.left > 0) {
        world.left--;
        byte = *world.at++;
    }
    pthread_mutex_unlock(&world.lock);
    return byte;
}

// ---------------------------------------------------------------------------
// Processes

static void end_process(int index) {
    const uint64_t one = 1;
    if (write(world.process[index].life, &one, sizeof(one)) < 0)
        abort();
}

static bool has_ended(const process *it) {
    struct pollfd polled = {.fd = it->life, .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

// All of them end with the zygote.
static void end_zygote(void) {
    for (int i = 0; i < world.count; i++)
        end_process(i);
    (void)shutdown(world.end, SHUT_RDWR);
}

static int new_process(wr_mailbox *mail) {
    pthread_mutex_lock(&world.lock);
    int index = world.count;
    if (index < PROCESSES) {
        int life = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (life < 0)
            abort();
        world.process[index] =
            (process){life, mail, mail != NULL ? mail->group : NULL};
        world.count++;
    }
    pthread_mutex_unlock(&world.lock);
    return index < PROCESSES ? FIRST_PID + index : -1;
}

int __wrap_wr_process_watch(int pid) {
    if (pid == (int)getpid() || pid == (int)getppid() || pid < 2)
        broken("it watches what is not of the zygote's", pid);
    int index = pid - FIRST_PID;
    if (index < 0 || index >= world.count)
        return -ESRCH;
    if (index == 0 && world.last_pid != 0)
        broken("it takes the zygote for a process of it", pid);
    world.last_pid = pid;
    int fd = fcntl(world.process[index].life, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -EMFILE : fd;
}

void __wrap_wr_process_kill(int watch) {
    const uint64_t one = 1;
    // As the system does it: whoever is dead stays so.
    if (write(watch, &one, sizeof(one)) < 0)
        broken("it kills what it does not watch", watch);
    if (world.zygote != NULL && watch == world.zygote->watch)
        end_zygote();
}

bool __wrap_wr_process_reap(int watch, int *number, int *exit_status) {
    struct pollfd polled = {.fd = watch, .events = POLLIN};
    if (poll(&polled, 1, 0) != 1)
        return false;
    *number = SIGKILL;
    *exit_status = -1;
    return true;
}

bool __wrap_wr_process_alone(void) { return true; }

// A process has the memory as long as it lives, whoever else has given it up.
void __wrap_wr_shared_free(void *memory, size_t bytes) {
    if (memory == NULL)
        return;
    if (world.later_count == LATER)
        broken("more memory than it can have", world.later_count);
    world.later[world.later_count].memory = memory;
    world.later[world.later_count++].bytes = bytes;
}

// A process that sleeps is woken: to end, there is nothing else to do.
void __wrap_wr_shared_wake(wr_atomic_u32 *word) {
    for (int i = 1; i < world.count; i++)
        if (&world.process[i].mail->asleep == word &&
            wr_load(&world.process[i].mail->stop, relaxed, ALONE,
                    "it was woken") != 0)
            end_process(i);
}

int __wrap_kill(pid_t pid, int number) {
    if (pid < FIRST_PID)
        return __real_kill(pid, number);
    if (pid == FIRST_PID)
        end_zygote();
    return 0;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options) {
    (void)options;
    if (status != NULL)
        *status = SIGKILL;
    return pid;
}

// ---------------------------------------------------------------------------
// The zygote

static void say(const void *bytes, size_t size) {
    (void)send(world.end, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Words that a process shares with others.
static void spoil_words(const process *it) {
    uint32_t how = next(), value = next();
    if (has_ended(it) || it->group == NULL) // or its group has
        return;
    wr_atomic_u32 *const words[] = {
        &it->mail->state, &it->mail->stop, &it->mail->asleep,   &it->mail->cpu,
        &it->group->rung, &it->group->cpu, &it->group->spinners};
    wr_store(words[how % 7], value % 2 == 0 ? value / 2 : 0u - value, relaxed,
             ALONE, "anything");
}

// A process comes up, or does not.
static void begin_process(const process *it) {
    wr_mailbox *mail = it->mail;
    uint32_t how = next();
    wr_store(&mail->asleep, 1, seq_cst, ALONE, "it has nothing to do");
    if (how % 8 != 7)
        wr_store(&mail->state, how % 16 == 6 ? WR_MAIL_FAILED : WR_MAIL_READY,
                 seq_cst, ALONE, "it is there");
    if (how % 16 == 5)
        spoil_words(it);
}

// Something happens to a process, or it writes.
static void live(void) {
    uint32_t how = next();
    if (how % 8 < 5 || world.count < 2)
        return;
    int index = 1 + (int)(how / 8) % (world.count - 1);
    if (how % 8 == 5)
        end_process(index);
    else if (how % 8 == 6)
        spoil_words(&world.process[index]);
}

static void spoil_reply(wr_zygote_reply *reply) {
    uint32_t how = next(), value = next();
    static const int32_t pids[] = {0, 1, -1, FIRST_PID, FIRST_PID + 1, 7};
    switch (how % 6) {
    case 0: reply->serial += value % 4 - 1; break;
    case 1: reply->error = (int32_t)(value % 64) - 48; break;
    case 2: reply->pid = pids[value % 6]; break;
    case 3: reply->pid = value % 2 == 0 ? (int32_t)getpid() : INT32_MIN; break;
    case 4: reply->signal = (int32_t)(value << 24 | value); break;
    default: reply->exit_status = (int32_t)(value << 24 | value);
    }
}

static void right_reply(const wr_zygote_request *request,
                        wr_zygote_reply *reply) {
    *reply = (wr_zygote_reply){
        .serial = request->serial, .pid = -1, .exit_status = -1};
    if (request->order == WR_ZYGOTE_SPAWN) {
        reply->pid = new_process(request->mail);
        reply->error = reply->pid < 0 ? -EAGAIN : 0;
        if (reply->error == 0)
            begin_process(&world.process[reply->pid - FIRST_PID]);
    } else if (request->order != WR_ZYGOTE_HELLO) {
        int index = request->pid - FIRST_PID;
        if (index <= 0 || index >= world.count)
            reply->error = -ECHILD;
        else
            end_process(index);
        reply->pid = request->pid;
        reply->signal = SIGKILL;
    }
}

// false: it has ended.
static bool answer(const wr_zygote_request *request) {
    union {
        wr_zygote_reply reply;
        uint8_t bytes[2 * sizeof(wr_zygote_reply)];
    } out;
    memset(&out, 0, sizeof(out));
    uint32_t how = next();
    right_reply(request, &out.reply);
    live();
    switch (how % 16) {
    case 9: spoil_reply(&out.reply); break;
    case 10: // again
        say(&out.reply, sizeof(out.reply));
        if (how / 16 % 2 == 0)
            spoil_reply(&out.reply);
        break;
    case 11: say(out.bytes, next() % sizeof(out.bytes)); return true;
    case 12: // all of it from the input
        for (size_t i = 0; i < sizeof(out.reply); i++)
            out.bytes[i] = (uint8_t)next();
        break;
    case 13: end_zygote(); return false;
    case 14: say(out.bytes, 0); break;
    case 15: (void)shutdown(world.end, SHUT_RDWR); return false;
    default: break;
    }
    say(out.bytes, sizeof(out.reply));
    return true;
}

static void *play(void *unused) {
    (void)unused;
    wr_zygote_request request;
    for (bool more = true; more;) {
        ssize_t got = recv(world.end, &request, sizeof(request), 0);
        more = got == (ssize_t)sizeof(request) && answer(&request);
    }
    return NULL;
}

void *__wrap_wr_keeper_main(void *zygote) {
    world.zygote = zygote;
    return __real_wr_keeper_main(zygote);
}

pid_t __wrap_fork(void) {
    if (world.zygote == NULL)
        return __real_fork();
    int pid = new_process(NULL);
    world.end = fcntl(world.zygote->ends[1], F_DUPFD_CLOEXEC, 3);
    if (world.end < 0 || pthread_create(&world.player, NULL, play, NULL) != 0)
        abort();
    return pid;
}

// ---------------------------------------------------------------------------
// The program

static void check_error(int error) {
    static const int known[] = {0,       -ENOMEM,     -EAGAIN,
                                -EMFILE, -ENFILE,     -ETIMEDOUT,
                                -EIO,    -EOWNERDEAD, -ENOSYS};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i] == error)
            return;
    broken("an error that is not documented", error);
}

static void use_group(weir_zygote *zygote, uint32_t how) {
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    weir_procs *procs = NULL;
    options.children = 1 + how % 3;
    options.depth = 2;
    options.payload = 64;
    options.start_ns = START_NS;
    int error = weir_procs_create(&procs, zygote, &options);
    check_error(error);
    if (error != 0)
        return;
    weir_procs_counts counts = {.size = sizeof(counts)};
    if (weir_procs_count(procs, &counts) != 0 || counts.children > 3)
        broken("counts that cannot be", (long)counts.children);
    for (unsigned i = 0; i < options.children; i++)
        if (weir_procs_pid(procs, i) < -1)
            broken("a pid that is none", (long)i);
    weir_procs_destroy(procs);
}

static int open_fds(void) {
    int count = 0;
    for (int fd = 0; fd < FDS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int before = open_fds();
    world.at = data;
    world.left = size;
    world.count = world.last_pid = 0;
    world.end = -1;
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_zygote *zygote = NULL;
    options.shared_bytes = (size_t)1 << 18;
    uint32_t how = next();
    int error = weir_zygote_create(&zygote, &options);
    check_error(error);
    if (error == 0) {
        use_group(zygote, how);
        use_group(zygote, how / 4);
        weir_zygote_destroy(zygote);
    }
    if (world.end >= 0) {
        pthread_join(world.player, NULL);
        close(world.end);
    }
    while (world.later_count > 0) {
        world.later_count--;
        __real_wr_shared_free(world.later[world.later_count].memory,
                              world.later[world.later_count].bytes);
    }
    world.zygote = NULL;
    for (int i = 0; i < world.count; i++)
        close(world.process[i].life);
    if (open_fds() != before)
        broken("a process is watched still", open_fds() - before);
    return 0;
}

static void one_round(void) {
    static uint8_t data[PROGRAM_MAX];
    size_t size = 1 + below(PROGRAM_MAX);
    bool tame = below(2);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(tame && below(8) ? 0 : below(256));
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_zygote", one_round);
}
