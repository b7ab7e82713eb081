// SPDX-License-Identifier: MIT
// What os.c plays is what os/os.h promises, as far as models lean on it.
#include "base/fault.h"
#include "model/model.h"
#include "model/os.h"
#include "weir/base.h"

#include <errno.h>
#include <string.h>

static wr_wakefd fd;
static wr_atomic_u32 word;
static wr_mutex lock;
static int data;

static void *signals(void *unused) {
    data++;
    wr_wakefd_signal(&fd);
    return unused;
}

static void start(wr_thread *out, void *(*main)(void *)) {
    wr_thread_options options = {.cpu = -1};
    MC_CHECK(wr_thread_start(out, &options, main, NULL) == 0);
}

static void what_a_signal_is_about_is_seen(void) {
    wr_thread thread;
    MC_CHECK(wr_wakefd_open(&fd) == 0);
    start(&thread, signals);
    MC_CHECK(mo_wakefd_wait(&fd));
    wr_wakefd_clear(&fd);
    MC_CHECK(data == 1);
    wr_thread_join(&thread);
    wr_wakefd_close(&fd);
    MC_CHECK(!mo_wakefd_wait(&fd));
}

static void poll_alone_shows_nothing(void) {
    wr_thread thread;
    MC_CHECK(wr_wakefd_open(&fd) == 0);
    start(&thread, signals);
    MC_CHECK(mo_wakefd_wait(&fd));
    data++;
    wr_thread_join(&thread);
    wr_wakefd_close(&fd);
}

static void who_clears_too_early_waits_for_ever(void) {
    wr_thread thread;
    MC_CHECK(wr_wakefd_open(&fd) == 0);
    start(&thread, signals);
    wr_wakefd_clear(&fd);
    (void)mo_wakefd_wait(&fd);
    wr_thread_join(&thread);
    wr_wakefd_close(&fd);
}

static void *adds(void *unused) {
    wr_mutex_lock(&lock);
    data++;
    wr_mutex_unlock(&lock);
    return unused;
}

static void a_lock_excludes(void) {
    wr_thread thread;
    wr_mutex_init(&lock);
    start(&thread, adds);
    adds(NULL);
    wr_thread_join(&thread);
    MC_CHECK(data == 2);
    wr_mutex_fini(&lock);
}

static void a_lock_that_is_held_is_not_destroyed(void) {
    wr_mutex_init(&lock);
    wr_mutex_lock(&lock);
    wr_mutex_fini(&lock);
}

static void time_passes_to_the_deadline(void) {
    int64_t until = wr_now_ns() + 3600 * INT64_C(1000000000);
    wr_atomic_init(&word, 0);
    MC_CHECK(wr_futex_wait(&word, 1, until) == -EAGAIN);
    MC_CHECK(wr_now_ns() < until);
    MC_CHECK(wr_futex_wait(&word, 0, until) == -ETIMEDOUT);
    MC_CHECK(wr_now_ns() >= until);
}

static void *wakes(void *unused) {
    wr_store(&word, 1, release, SEAM_1, "a change comes before its wake-up");
    wr_futex_wake(&word, 1);
    return unused;
}

static void *sleeps(void *unused) {
    int status = 0;
    while (wr_load(&word, acquire, SEAM_1, "woken or not, it looks") == 0)
        status = wr_futex_wait(&word, 0, WEIR_FOREVER);
    MC_CHECK(status == 0 || status == -EAGAIN);
    return unused;
}

static void no_wake_up_is_lost(void) {
    wr_thread thread;
    wr_atomic_init(&word, 0);
    start(&thread, wakes);
    sleeps(NULL);
    wr_thread_join(&thread);
}

static void memory_is_zeroed_and_counted(void) {
    char zero[64] = {0};
    char *memory = wr_aligned_alloc(64, sizeof(zero));
    MC_CHECK((uintptr_t)memory % 64 == 0);
    MC_CHECK(memcmp(memory, zero, sizeof(zero)) == 0);
    wr_free(memory);
    char *pages = wr_pages_alloc(5000);
    MC_CHECK((uintptr_t)pages % wr_page_size() == 0 && pages[4999] == 0);
    wr_pages_free(pages, 5000);
}

static void pages_that_are_kept_are_a_leak(void) {
    MC_CHECK(wr_pages_alloc(1) != NULL);
}

static void *nothing(void *unused) { return unused; }

static void threads_run_out(void) {
    wr_thread_options options = {.cpu = -1};
    wr_thread threads[MC_THREADS_MAX];
    int count = 0;
    while (wr_thread_start(&threads[count], &options, nothing, NULL) == 0)
        count++;
    MC_CHECK(count == MC_THREADS_MAX - 1);
    for (int i = 0; i < count; i++)
        wr_thread_join(&threads[i]);
}

static void statics_are_as_new(void) {
    MC_CHECK(data == 0);
    data = (int)mc_choose("again", 3) + 1;
    mc_outcome((uint64_t)data);
}

static const uint64_t one_to_three[] = {1, 2, 3, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {"what_a_signal_is_about_is_seen", what_a_signal_is_about_is_seen},
    {"poll_alone_shows_nothing", poll_alone_shows_nothing, .finds = MC_RACE},
    {"who_clears_too_early_waits_for_ever", who_clears_too_early_waits_for_ever,
     .finds = MC_DEADLOCK},
    {"a_lock_excludes", a_lock_excludes},
    {"a_lock_that_is_held_is_not_destroyed",
     a_lock_that_is_held_is_not_destroyed, .finds = MC_ABORT},
    {"time_passes_to_the_deadline", time_passes_to_the_deadline},
    {"no_wake_up_is_lost", no_wake_up_is_lost, .spurious = 1},
    {"memory_is_zeroed_and_counted", memory_is_zeroed_and_counted},
    {"pages_that_are_kept_are_a_leak", pages_that_are_kept_are_a_leak,
     .finds = MC_LEAK},
    {"threads_run_out", threads_run_out},
    {"statics_are_as_new", statics_are_as_new, .outcomes = one_to_three},
    {.name = NULL},
};
