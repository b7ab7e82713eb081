// SPDX-License-Identifier: MIT
// What os.h promises of every backend. ctest runs this program twice: with the
// backend of the build, and as os_posix with the portable one.
#include "base/fault.h"
#include "os/os.h"
#include "support/check.h"
#include "weir/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000 };

static const wr_thread_options plain = {.name = "weir-test", .cpu = -1};

static wr_thread start(void *(*main)(void *), void *arg) {
    wr_thread thread;
    CHECK_EQ(wr_thread_start(&thread, &plain, main, arg), 0);
    return thread;
}

static void disarm(wr_fault_kind kind) { CHECK(wr_fault_arm(kind, 0, 0)); }

// Runs body in a child process and returns its wait status.
static int in_child(void (*body)(void)) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _Exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

// ---- clock -----------------------------------------------------------------

static void clock_never_goes_back(void) {
    int64_t last = weir_now_ns();
    CHECK(last > 0);
    for (int i = 0; i < 100000; i++) {
        int64_t now = i % 2 == 0 ? wr_now_ns() : weir_now_ns();
        CHECK(now >= last);
        last = now;
    }
}

// ---- lock ------------------------------------------------------------------

enum { LOCKERS = 4, LOCK_ROUNDS = 50000 };

typedef struct guarded {
    wr_mutex mutex;
    long count;
} guarded;

static void *count_under_lock(void *arg) {
    guarded *g = arg;
    for (int i = 0; i < LOCK_ROUNDS; i++) {
        if (i % 16 != 0)
            wr_mutex_lock(&g->mutex);
        else
            while (!wr_mutex_trylock(&g->mutex))
                wr_spin_pause();
        g->count++;
        wr_mutex_unlock(&g->mutex);
    }
    return NULL;
}

static void mutex_excludes(void) {
    guarded g = {.count = 0};
    wr_thread threads[LOCKERS];
    wr_mutex_init(&g.mutex);
    for (int i = 0; i < LOCKERS; i++)
        threads[i] = start(count_under_lock, &g);
    for (int i = 0; i < LOCKERS; i++)
        wr_thread_join(&threads[i]);
    CHECK_EQ(g.count, (long)LOCKERS * LOCK_ROUNDS);
    wr_mutex_fini(&g.mutex);
}

static void *try_lock(void *arg) {
    guarded *g = arg;
    g->count = wr_mutex_trylock(&g->mutex);
    if (g->count)
        wr_mutex_unlock(&g->mutex);
    return NULL;
}

static void trylock_says_when_it_is_taken(void) {
    guarded g = {.count = -1};
    wr_mutex_init(&g.mutex);
    wr_mutex_lock(&g.mutex);
    wr_thread thread = start(try_lock, &g);
    wr_thread_join(&thread);
    CHECK_EQ(g.count, 0);
    wr_mutex_unlock(&g.mutex);
    thread = start(try_lock, &g);
    wr_thread_join(&thread);
    CHECK_EQ(g.count, 1);
    wr_mutex_fini(&g.mutex);
}

// Whoever brings the count to zero frees the lock, while the other may still
// be inside unlock. Address and thread sanitizer would see it touch the memory.
static void *drop_reference(void *arg) {
    guarded *g = arg;
    wr_mutex_lock(&g->mutex);
    bool last = --g->count == 0;
    wr_mutex_unlock(&g->mutex);
    if (last) {
        wr_mutex_fini(&g->mutex);
        memset(g, 0xff, sizeof(*g));
        free(g);
    }
    return NULL;
}

static void *lock_and_count(void *arg) {
    guarded *g = arg;
    wr_mutex_lock(&g->mutex);
    g->count++;
    wr_mutex_unlock(&g->mutex);
    return NULL;
}

// 2: somebody sleeps, or is about to.
static void mutex_wakes_all_who_sleep_on_it(void) {
    enum { SLEEPERS = 6 };
    for (int round = 0; round < 50; round++) {
        guarded g = {.count = 0};
        wr_mutex_init(&g.mutex);
        wr_mutex_lock(&g.mutex);
        wr_thread threads[SLEEPERS];
        for (int i = 0; i < SLEEPERS; i++)
            threads[i] = start(lock_and_count, &g);
        while (wr_load(&g.mutex.word, relaxed, ALONE, "only a look") != 2)
            wr_thread_yield();
        wr_mutex_unlock(&g.mutex);
        for (int i = 0; i < SLEEPERS; i++)
            wr_thread_join(&threads[i]);
        CHECK_EQ(g.count, SLEEPERS);
        wr_mutex_fini(&g.mutex);
    }
}

static void mutex_may_be_freed_right_after_the_last_unlock(void) {
    for (int i = 0; i < 2000; i++) {
        guarded *g = malloc(sizeof(*g));
        CHECK(g != NULL);
        g->count = 2;
        wr_mutex_init(&g->mutex);
        wr_thread thread = start(drop_reference, g);
        drop_reference(g);
        wr_thread_join(&thread);
    }
}

// ---- futex -----------------------------------------------------------------

typedef struct futex {
    wr_atomic_u32 word;
    wr_atomic_u32 woken;
    int64_t deadline;
} futex;

static void *sleep_until_one(void *arg) {
    futex *f = arg;
    while (wr_load(&f->word, acquire, TEST_1, "until told") != 1) {
        int result = wr_futex_wait(&f->word, 0, f->deadline);
        CHECK(result == 0 || result == -EAGAIN);
    }
    wr_fetch_add(&f->woken, 1, release, TEST_2, "counts those who left");
    return NULL;
}

static void wake_all_of(int sleepers, int64_t deadline) {
    futex f = {.deadline = deadline};
    wr_thread threads[8];
    for (int i = 0; i < sleepers; i++)
        threads[i] = start(sleep_until_one, &f);
    // Nobody leaves before the word changes, even when woken.
    for (int i = 0; i < 100; i++) {
        wr_futex_wake(&f.word, INT_MAX);
        wr_thread_yield();
    }
    CHECK_EQ(wr_load(&f.woken, acquire, TEST_2, "none has left yet"), 0);
    wr_store(&f.word, 1, release, TEST_1, "now they may leave");
    wr_futex_wake(&f.word, INT_MAX);
    for (int i = 0; i < sleepers; i++)
        wr_thread_join(&threads[i]);
    CHECK_EQ(wr_load(&f.woken, acquire, TEST_2, "all have left"), sleepers);
}

static void wake_ends_a_sleep(void) { wake_all_of(1, WEIR_FOREVER); }

static void wake_ends_a_sleep_long_before_its_deadline(void) {
    wake_all_of(1, wr_now_ns() + INT64_C(3600) * 1000 * MS);
    wake_all_of(1, WEIR_FOREVER - 1);
}

static void wake_reaches_all_sleepers(void) { wake_all_of(8, WEIR_FOREVER); }

static void a_changed_word_is_not_waited_for(void) {
    wr_atomic_u32 word;
    wr_atomic_init(&word, 5);
    CHECK_EQ(wr_futex_wait(&word, 4, WEIR_FOREVER), -EAGAIN);
    CHECK_EQ(wr_futex_wait(&word, 4, wr_now_ns() + 1000 * MS), -EAGAIN);
    wr_atomic_init(&word, UINT32_MAX);
    CHECK_EQ(wr_futex_wait(&word, 0, WEIR_FOREVER), -EAGAIN);
}

static void a_deadline_is_kept_and_never_early(void) {
    wr_atomic_u32 word;
    wr_atomic_init(&word, 0);
    for (int i = 1; i <= 20; i++) {
        int64_t deadline = wr_now_ns() + i * MS / 4;
        int result;
        while ((result = wr_futex_wait(&word, 0, deadline)) == 0)
            continue; // woken without a reason
        CHECK_EQ(result, -ETIMEDOUT);
        CHECK(wr_now_ns() >= deadline);
    }
}

static void a_deadline_in_the_past_does_not_sleep(void) {
    wr_atomic_u32 word;
    wr_atomic_init(&word, 0);
    static const int64_t past[] = {0, 1, -1, INT64_MIN};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_futex_wait(&word, 0, past[i]), -ETIMEDOUT);
    CHECK_EQ(wr_futex_wait(&word, 0, wr_now_ns() - 1), -ETIMEDOUT);
}

enum { PING_PONGS = 100000 };

// Each turn is one change of the word and one wake. A single lost one hangs.
static void take_turns(wr_atomic_u32 *word, uint32_t mine) {
    for (int i = 0; i < PING_PONGS / 2; i++) {
        uint32_t now;
        while ((now = wr_load(word, acquire, TEST_3, "turn is mine")) != mine)
            wr_futex_wait(word, now, WEIR_FOREVER);
        wr_store(word, 1 - mine, release, TEST_3, "turn is theirs");
        wr_futex_wake(word, 1);
    }
}

static void *second_player(void *arg) {
    take_turns(arg, 1);
    return NULL;
}

static void no_wakeup_is_lost(void) {
    wr_atomic_u32 word;
    wr_atomic_init(&word, 0);
    wr_thread thread = start(second_player, &word);
    take_turns(&word, 0);
    wr_thread_join(&thread);
    CHECK_EQ(wr_load(&word, relaxed, ALONE, "joined"), 0);
}

static void waking_nobody_is_harmless(void) {
    void *page = wr_pages_alloc(4096);
    CHECK(page != NULL);
    wr_atomic_u32 *word = page;
    wr_futex_wake(word, 1);
    wr_pages_free(page, 4096);
    wr_futex_wake(word, INT_MAX); // the address only
}

// ---- threads ---------------------------------------------------------------

static void *return_argument_plus_one(void *arg) {
    *(int *)arg += 1;
    return NULL;
}

static void a_thread_runs_once_and_is_joined(void) {
    int value = 41;
    wr_thread thread = start(return_argument_plus_one, &value);
    wr_thread_join(&thread);
    CHECK_EQ(value, 42);
}

static void a_name_may_be_absent_or_too_long(void) {
    static const char *const names[] = {NULL, "", "x", "exactly-15-byte",
                                        "much longer than anybody shows"};
    for (int i = 0; i < 5; i++) {
        int value = i;
        wr_thread_options options = {.name = names[i], .cpu = -1};
        wr_thread thread;
        CHECK_EQ(wr_thread_start(&thread, &options, return_argument_plus_one,
                                 &value),
                 0);
        wr_thread_join(&thread);
        CHECK_EQ(value, i + 1);
    }
}

static void *read_mask(void *arg) {
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, arg), 0);
    return NULL;
}

static void new_threads_block_signals_but_not_faults(void) {
    static const int blocked[] = {SIGINT,  SIGTERM, SIGHUP,  SIGUSR1,
                                  SIGUSR2, SIGALRM, SIGCHLD, SIGPIPE,
                                  SIGQUIT, SIGPROF, SIGWINCH};
    static const int open[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                               SIGTRAP, SIGABRT, SIGSYS};
    sigset_t mine;
    sigset_t before;
    sigset_t after;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    sigaddset(&mine, SIGSEGV);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &mine, &before), 0);

    sigset_t mask;
    sigemptyset(&mask);
    wr_thread thread = start(read_mask, &mask);
    wr_thread_join(&thread);
    for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
        CHECK_EQ(sigismember(&mask, blocked[i]), 1);
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        CHECK_EQ(sigismember(&mask, open[i]), 0);

    // The starter's own mask is as it was.
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    CHECK_EQ(sigismember(&after, SIGUSR2), 1);
    CHECK_EQ(sigismember(&after, SIGINT), 0);
    CHECK_EQ(sigismember(&after, SIGSEGV), 1);
}

static void a_stack_too_small_is_raised(void) {
    static const size_t sizes[] = {1, 5000, 100000, 1000001};
    for (int i = 0; i < 4; i++) {
        int value = 0;
        wr_thread_options options = {.stack_size = sizes[i], .cpu = -1};
        wr_thread thread;
        CHECK_EQ(wr_thread_start(&thread, &options, return_argument_plus_one,
                                 &value),
                 0);
        wr_thread_join(&thread);
        CHECK_EQ(value, 1);
    }
}

static void a_stack_beyond_memory_is_refused(void) {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2};
    for (int i = 0; i < 3; i++) {
        int value = 0;
        wr_thread_options options = {.stack_size = sizes[i], .cpu = -1};
        wr_thread thread;
        CHECK_EQ(wr_thread_start(&thread, &options, return_argument_plus_one,
                                 &value),
                 -EAGAIN);
        CHECK_EQ(value, 0);
    }
}

static void a_cpu_that_cannot_be_is_refused(void) {
    static const int cpus[] = {-2, INT_MIN, WR_CPUS_MAX, INT_MAX};
    for (int i = 0; i < 4; i++) {
        int value = 0;
        wr_thread_options options = {.cpu = cpus[i]};
        wr_thread thread;
        CHECK_EQ(wr_thread_start(&thread, &options, return_argument_plus_one,
                                 &value),
                 -EINVAL);
        CHECK_EQ(value, 0);
    }
}

static void a_thread_refused_by_the_system_leaves_nothing(void) {
    static const wr_fault_kind kinds[] = {WR_FAULT_THREAD, WR_FAULT_ALLOC};
    for (int i = 0; i < 2; i++) {
        if (!wr_fault_arm(kinds[i], 0, 1))
            SKIP("built without WEIR_FAULTS");
        sigset_t before;
        sigset_t after;
        CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
        int value = 0;
        wr_thread thread;
        CHECK_EQ(
            wr_thread_start(&thread, &plain, return_argument_plus_one, &value),
            -EAGAIN);
        CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
        CHECK_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
        CHECK_EQ(value, 0);
        thread = start(return_argument_plus_one, &value);
        wr_thread_join(&thread);
        CHECK_EQ(value, 1);
        disarm(kinds[i]);
    }
}

// ---- CPUs ------------------------------------------------------------------

static void usable_cpus_are_the_fewest_of_the_limits(void) {
    wr_cpu_limits limits;
    wr_cpu_limits_read(&limits);
    CHECK(limits.online >= 1 && limits.affinity >= 1 && limits.usable >= 1);
    CHECK(limits.usable <= limits.online);
    CHECK(limits.usable <= limits.affinity);
    CHECK(limits.quota == 0 || limits.usable <= limits.quota);
    CHECK_EQ(atoi(limits.reason), limits.usable);
    CHECK(strstr(limits.reason, "CPU") != NULL);
    CHECK(strchr(limits.reason, ':') != NULL);
    printf("%s\n", limits.reason);
}

static void cpu_list_names_each_cpu_once(void) {
    static bool seen[WR_CPUS_MAX];
    static int cpus[WR_CPUS_MAX];
    for (int order = WR_CPU_COMPACT; order <= WR_CPU_SPREAD; order++) {
        memset(seen, 0, sizeof(seen));
        int count = wr_cpu_list((wr_cpu_order)order, cpus, WR_CPUS_MAX);
        CHECK(count >= 0);
        for (int i = 0; i < count; i++) {
            CHECK(cpus[i] >= 0 && cpus[i] < WR_CPUS_MAX && !seen[cpus[i]]);
            seen[cpus[i]] = true;
        }
        int first = -1;
        CHECK_EQ(wr_cpu_list((wr_cpu_order)order, &first, 1), count > 0);
        CHECK(count == 0 || first == cpus[0]);
        CHECK_EQ(wr_cpu_list((wr_cpu_order)order, NULL, 0), 0);
    }
}

// ---- wake-up through a file descriptor -------------------------------------

static int readable(const wr_wakefd *fd, int timeout_ms) {
    struct pollfd poll_fd = {.fd = fd->read_fd, .events = POLLIN};
    int count = poll(&poll_fd, 1, timeout_ms);
    CHECK(count >= 0);
    CHECK(count == 0 || poll_fd.revents == POLLIN);
    return count;
}

static void wakefd_is_readable_exactly_while_signalled(void) {
    wr_wakefd fd;
    CHECK_EQ(wr_wakefd_open(&fd), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(readable(&fd, 0), 0);
        wr_wakefd_signal(&fd);
        CHECK_EQ(readable(&fd, 0), 1);
        CHECK_EQ(readable(&fd, 0), 1);
        wr_wakefd_clear(&fd);
        CHECK_EQ(readable(&fd, 0), 0);
        wr_wakefd_clear(&fd); // nothing there: does not block
    }
    wr_wakefd_close(&fd);
    CHECK_EQ(fd.read_fd, -1);
}

static void wakefd_signals_coalesce_and_never_block(void) {
    wr_wakefd fd;
    CHECK_EQ(wr_wakefd_open(&fd), 0);
    // More than a pipe holds.
    for (int i = 0; i < 200000; i++)
        wr_wakefd_signal(&fd);
    CHECK_EQ(readable(&fd, 0), 1);
    wr_wakefd_clear(&fd);
    CHECK_EQ(readable(&fd, 0), 0);
    wr_wakefd_close(&fd);
}

static void *signal_it(void *arg) {
    wr_wakefd_signal(arg);
    return NULL;
}

static void wakefd_wakes_another_threads_poll(void) {
    wr_wakefd fd;
    CHECK_EQ(wr_wakefd_open(&fd), 0);
    for (int i = 0; i < 100; i++) {
        wr_thread thread = start(signal_it, &fd);
        CHECK_EQ(readable(&fd, -1), 1);
        wr_thread_join(&thread);
        wr_wakefd_clear(&fd);
    }
    wr_wakefd_close(&fd);
}

static void wakefd_is_not_inherited_by_programs(void) {
    wr_wakefd fd;
    CHECK_EQ(wr_wakefd_open(&fd), 0);
    CHECK((fcntl(fd.read_fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd.write_fd, F_GETFD) & FD_CLOEXEC) != 0);
    wr_wakefd_close(&fd);
}

// With no descriptor to spare, really.
static void open_without_descriptors(void) {
    int lowest = dup(STDERR_FILENO);
    struct rlimit limit = {.rlim_cur = (rlim_t)lowest,
                           .rlim_max = (rlim_t)lowest};
    close(lowest);
    wr_wakefd fd;
    bool good =
        setrlimit(RLIMIT_NOFILE, &limit) == 0 && wr_wakefd_open(&fd) == -EMFILE;
    _Exit(good ? 0 : 1);
}

static void wakefd_without_descriptors_is_emfile(void) {
    int status = in_child(open_without_descriptors);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void wakefd_fails_on_demand(void) {
    if (!wr_fault_arm(WR_FAULT_FD, 0, 1))
        SKIP("built without WEIR_FAULTS");
    wr_wakefd fd;
    CHECK_EQ(wr_wakefd_open(&fd), -EMFILE);
    CHECK_EQ(wr_wakefd_open(&fd), 0);
    wr_wakefd_close(&fd);
}

// ---- memory ----------------------------------------------------------------

static void check_zero_then_fill(unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(bytes[i], 0);
    memset(bytes, 0xff, count);
}

static void pages_are_zeroed_and_aligned(void) {
    static const size_t sizes[] = {1, 4096, 4097, 100000, 2 << 20, 5000001};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 6; i++) {
            unsigned char *pages = wr_pages_alloc(sizes[i]);
            unsigned char *huge = wr_pages_alloc_huge(sizes[i]);
            CHECK(pages != NULL && huge != NULL);
            CHECK_EQ((uintptr_t)pages % page, 0);
            CHECK_EQ((uintptr_t)huge % page, 0);
            check_zero_then_fill(pages, sizes[i]);
            check_zero_then_fill(huge, sizes[i]);
            wr_pages_free(pages, sizes[i]);
            wr_pages_free(huge, sizes[i]);
        }
    wr_pages_free(NULL, 4096);
}

static void aligned_memory_is_zeroed_and_aligned(void) {
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (size_t bytes = 1; bytes < 1000; bytes = bytes * 3 + 1) {
            unsigned char *memory = wr_aligned_alloc(alignment, bytes);
            CHECK(memory != NULL);
            CHECK_EQ((uintptr_t)memory % alignment, 0);
            check_zero_then_fill(memory, bytes);
            wr_free(memory);
        }
}

static void memory_fails_on_demand(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 4))
        SKIP("built without WEIR_FAULTS");
    wr_forkmark mark;
    CHECK(wr_pages_alloc(4096) == NULL);
    CHECK(wr_pages_alloc_huge(4 << 20) == NULL);
    CHECK(wr_aligned_alloc(64, 64) == NULL);
    CHECK_EQ(wr_forkmark_init(&mark), -ENOMEM);
    void *pages = wr_pages_alloc_huge(4 << 20);
    CHECK(pages != NULL);
    wr_pages_free(pages, 4 << 20);
}

// ---- fork detection --------------------------------------------------------

static wr_forkmark mark_of_parent;

static void check_mark_in_grandchild(void) {
    CHECK(wr_forkmark_forked(&mark_of_parent));
}

static void check_marks_in_child(void) {
    CHECK(wr_forkmark_forked(&mark_of_parent));
    wr_forkmark own;
    CHECK_EQ(wr_forkmark_init(&own), 0);
    CHECK(!wr_forkmark_forked(&own));
    int status = in_child(check_mark_in_grandchild);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!wr_forkmark_forked(&own));
    wr_forkmark_fini(&own);
    wr_forkmark_fini(&mark_of_parent);
}

static void forkmark_tells_children_from_their_maker(void) {
    CHECK_EQ(wr_forkmark_init(&mark_of_parent), 0);
    CHECK(!wr_forkmark_forked(&mark_of_parent));
    int status = in_child(check_marks_in_child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!wr_forkmark_forked(&mark_of_parent));
    wr_forkmark_fini(&mark_of_parent);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"clock_never_goes_back", clock_never_goes_back},
        {"mutex_excludes", mutex_excludes},
        {"trylock_says_when_it_is_taken", trylock_says_when_it_is_taken},
        {"mutex_wakes_all_who_sleep_on_it", mutex_wakes_all_who_sleep_on_it},
        {"mutex_may_be_freed_right_after_the_last_unlock",
         mutex_may_be_freed_right_after_the_last_unlock},
        {"wake_ends_a_sleep", wake_ends_a_sleep},
        {"wake_ends_a_sleep_long_before_its_deadline",
         wake_ends_a_sleep_long_before_its_deadline},
        {"wake_reaches_all_sleepers", wake_reaches_all_sleepers},
        {"a_changed_word_is_not_waited_for", a_changed_word_is_not_waited_for},
        {"a_deadline_is_kept_and_never_early",
         a_deadline_is_kept_and_never_early},
        {"a_deadline_in_the_past_does_not_sleep",
         a_deadline_in_the_past_does_not_sleep},
        {"no_wakeup_is_lost", no_wakeup_is_lost},
        {"waking_nobody_is_harmless", waking_nobody_is_harmless},
        {"a_thread_runs_once_and_is_joined", a_thread_runs_once_and_is_joined},
        {"a_name_may_be_absent_or_too_long", a_name_may_be_absent_or_too_long},
        {"new_threads_block_signals_but_not_faults",
         new_threads_block_signals_but_not_faults},
        {"a_stack_too_small_is_raised", a_stack_too_small_is_raised},
        {"a_stack_beyond_memory_is_refused", a_stack_beyond_memory_is_refused},
        {"a_cpu_that_cannot_be_is_refused", a_cpu_that_cannot_be_is_refused},
        {"a_thread_refused_by_the_system_leaves_nothing",
         a_thread_refused_by_the_system_leaves_nothing},
        {"usable_cpus_are_the_fewest_of_the_limits",
         usable_cpus_are_the_fewest_of_the_limits},
        {"cpu_list_names_each_cpu_once", cpu_list_names_each_cpu_once},
        {"wakefd_is_readable_exactly_while_signalled",
         wakefd_is_readable_exactly_while_signalled},
        {"wakefd_signals_coalesce_and_never_block",
         wakefd_signals_coalesce_and_never_block},
        {"wakefd_wakes_another_threads_poll",
         wakefd_wakes_another_threads_poll},
        {"wakefd_is_not_inherited_by_programs",
         wakefd_is_not_inherited_by_programs},
        {"wakefd_without_descriptors_is_emfile",
         wakefd_without_descriptors_is_emfile},
        {"wakefd_fails_on_demand", wakefd_fails_on_demand},
        {"pages_are_zeroed_and_aligned", pages_are_zeroed_and_aligned},
        {"aligned_memory_is_zeroed_and_aligned",
         aligned_memory_is_zeroed_and_aligned},
        {"memory_fails_on_demand", memory_fails_on_demand},
        {"forkmark_tells_children_from_their_maker",
         forkmark_tells_children_from_their_maker},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
