// SPDX-License-Identifier: MIT
// Waits that nobody ends, or that end too early, each beside the right one.
#include "base/atomic.h"
#include "model/model.h"
#include "os/os.h"
#include "weir/base.h"

static bool right; // set before threads start

static void two_threads(bool is_right, void *(*one)(void *),
                        void *(*other)(void *)) {
    right = is_right;
    unsigned first = mc_spawn(one, NULL);
    unsigned second = mc_spawn(other, NULL);
    mc_join(first);
    mc_join(second);
}

static void sleep_on(wr_atomic_u32 *word, uint32_t expected) {
    (void)wr_futex_wait(word, expected, WEIR_FOREVER);
}

// ---- a wake-up that comes between the look and the sleep
// ---------------------

static wr_atomic_u32 ready, bell;

static void *ring(void *unused) {
    wr_store(&ready, 1, release, BELL, "before the bell");
    (void)wr_fetch_add(&bell, 1, release, BELL, "it is ready");
    wr_futex_wake(&bell, 1);
    return unused;
}
static void *wait_for_bell(void *unused) {
    for (;;) {
        uint32_t seen = 0;
        if (right) // what it sleeps on is from before the look
            seen = wr_load(&bell, acquire, BELL, "ready is as old or newer");
        if (wr_load(&ready, acquire, BELL, "") == 1)
            return unused;
        if (!right)
            seen = wr_load(&bell, acquire, BELL, "");
        sleep_on(&bell, seen);
    }
}
static void wake_up_before_the_sleep_is_lost(void) {
    two_threads(false, ring, wait_for_bell);
}
static void sleep_on_what_was_seen_before(void) {
    two_threads(true, ring, wait_for_bell);
}

// ---- a sleeper that registers after its look
// ---------------------------------

static wr_atomic_u32 sleepers, signal_word;

static void *wake_sleepers(void *unused) {
    wr_store(&ready, 1, seq_cst, SLEEPERS, "before the look at sleepers");
    if (wr_load(&sleepers, seq_cst, SLEEPERS, "after ready") != 0) {
        wr_store(&signal_word, 1, release, SLEEPERS, "");
        wr_futex_wake(&signal_word, 1);
    }
    return unused;
}
static void *register_and_sleep(void *unused) {
    if (wr_load(&ready, seq_cst, SLEEPERS, "") == 1)
        return unused;
    wr_store(&sleepers, 1, seq_cst, SLEEPERS, "before the look at ready");
    if (right && wr_load(&ready, seq_cst, SLEEPERS, "after registering") == 1)
        return unused;
    while (wr_load(&signal_word, acquire, SLEEPERS, "") == 0)
        sleep_on(&signal_word, 0);
    return unused;
}
static void registered_after_the_look(void) {
    two_threads(false, wake_sleepers, register_and_sleep);
}
static void registered_before_the_look(void) {
    two_threads(true, wake_sleepers, register_and_sleep);
}

// ---- `if` in place of `while`
// ------------------------------------------------

static void *make_ready(void *unused) {
    wr_store(&ready, 1, release, IF_WHILE, "");
    wr_futex_wake(&ready, 1);
    return unused;
}
static void *sleep_until_ready(void *unused) {
    if (right) {
        while (wr_load(&ready, acquire, IF_WHILE, "") == 0)
            sleep_on(&ready, 0);
    } else if (wr_load(&ready, acquire, IF_WHILE, "") == 0) {
        sleep_on(&ready, 0);
    }
    MC_CHECK(wr_load(&ready, acquire, IF_WHILE, "") == 1);
    return unused;
}
static void woken_for_no_reason_goes_on(void) {
    two_threads(false, make_ready, sleep_until_ready);
}
static void woken_for_no_reason_looks_again(void) {
    two_threads(true, make_ready, sleep_until_ready);
}

// ---- a condition whose token another one took
// --------------------------------

static mc_mutex lock;
static wr_atomic_u32 changes; // of tokens
static uint32_t tokens;

static void *give_token(void *unused) {
    mc_lock(&lock);
    tokens++;
    mc_unlock(&lock);
    (void)wr_fetch_add(&changes, 1, release, TOKENS, "a token is there");
    wr_futex_wake(&changes, 2);
    return unused;
}

static void wait_for_change(void) {
    uint32_t seen = wr_load(&changes, relaxed, TOKENS, "under the lock");
    mc_unlock(&lock);
    sleep_on(&changes, seen);
    mc_lock(&lock);
}

static void *take_token(void *unused) {
    mc_lock(&lock);
    if (right)
        while (tokens == 0)
            wait_for_change();
    else if (tokens == 0)
        wait_for_change();
    MC_CHECK(tokens > 0);
    tokens--;
    mc_unlock(&lock);
    return unused;
}

// Two take and two are given.
static void semaphore(bool is_right) {
    right = is_right;
    unsigned one = mc_spawn(take_token, NULL);
    unsigned other = mc_spawn(take_token, NULL);
    give_token(NULL);
    give_token(NULL);
    mc_join(one);
    mc_join(other);
}
static void semaphore_with_if(void) { semaphore(false); }
static void semaphore_with_while(void) { semaphore(true); }

// ---- law 2: a counter of outstanding work that ends early
// --------------------
//
// The first item runs, and finds a second. Whoever brings the counter to zero
// says that all is done.

static wr_atomic_u32 outstanding, queued, finished;

static void finish_item(void) {
    (void)wr_fetch_add(&finished, 1, relaxed, COUNT, "");
    if (wr_fetch_sub(&outstanding, 1, acq_rel, COUNT, "all before it") == 1)
        MC_CHECK(wr_load(&finished, relaxed, COUNT, "") == 2);
}
static void *first_item(void *unused) {
    if (right)
        (void)wr_fetch_add(&outstanding, 1, relaxed, COUNT, "");
    wr_store(&queued, 1, release, COUNT, "it may be popped");
    if (!right)
        (void)wr_fetch_add(&outstanding, 1, relaxed, COUNT, "");
    finish_item();
    return unused;
}
static void *pop_item(void *unused) {
    while (wr_load(&queued, acquire, COUNT, "") == 0)
        mc_await();
    finish_item();
    return unused;
}
static void counted(bool is_right) {
    wr_store(&outstanding, 1, relaxed, COUNT, "the first item");
    two_threads(is_right, first_item, pop_item);
}
static void counted_after_the_push(void) { counted(false); }
static void counted_before_the_push(void) { counted(true); }

// ---- locks in two orders
// -----------------------------------------------------

static mc_mutex one_lock, other_lock;

static void take_both(mc_mutex *first, mc_mutex *second) {
    mc_lock(first);
    mc_lock(second);
    mc_unlock(second);
    mc_unlock(first);
}
static void *take_one_first(void *unused) {
    take_both(&one_lock, &other_lock);
    return unused;
}
static void *take_other_first(void *unused) {
    if (right)
        take_both(&one_lock, &other_lock);
    else
        take_both(&other_lock, &one_lock);
    return unused;
}
static void locks_in_two_orders(void) {
    two_threads(false, take_one_first, take_other_first);
}
static void locks_in_one_order(void) {
    two_threads(true, take_one_first, take_other_first);
}

// ---- a spin that does not end
// ------------------------------------------------

static void *set_or_forget(void *unused) {
    if (right)
        wr_store(&ready, 1, release, FOREVER, "");
    return unused;
}
static void *spin_with_await(void *unused) {
    while (wr_load(&ready, acquire, FOREVER, "") == 0)
        mc_await();
    return unused;
}
static void *spin_blindly(void *unused) {
    while (wr_load(&ready, acquire, FOREVER, "") == 0)
        ;
    return unused;
}
static void spin_that_waits_for_nobody(void) {
    two_threads(false, set_or_forget, spin_with_await);
}
static void spin_that_ends(void) {
    two_threads(true, set_or_forget, spin_with_await);
}
static void spin_without_await(void) {
    two_threads(false, set_or_forget, spin_blindly);
}

// ---- the table -------------------------------------------------------------

const mc_case mc_cases[] = {
    {.name = "wake_up_before_the_sleep_is_lost",
     .body = wake_up_before_the_sleep_is_lost,
     .finds = MC_DEADLOCK},
    {.name = "sleep_on_what_was_seen_before",
     .body = sleep_on_what_was_seen_before},
    {.name = "registered_after_the_look",
     .body = registered_after_the_look,
     .finds = MC_DEADLOCK},
    {.name = "registered_before_the_look", .body = registered_before_the_look},
    {.name = "woken_for_no_reason_goes_on",
     .body = woken_for_no_reason_goes_on,
     .spurious = 1,
     .finds = MC_FAILED_CHECK},
    {.name = "woken_for_no_reason_looks_again",
     .body = woken_for_no_reason_looks_again,
     .spurious = 2},
    {.name = "semaphore_with_if",
     .body = semaphore_with_if,
     .finds = MC_FAILED_CHECK},
    {.name = "semaphore_with_while", .body = semaphore_with_while},
    {.name = "counted_after_the_push",
     .body = counted_after_the_push,
     .finds = MC_FAILED_CHECK},
    {.name = "counted_before_the_push", .body = counted_before_the_push},
    {.name = "locks_in_two_orders",
     .body = locks_in_two_orders,
     .finds = MC_DEADLOCK},
    {.name = "locks_in_one_order", .body = locks_in_one_order},
    {.name = "spin_that_waits_for_nobody",
     .body = spin_that_waits_for_nobody,
     .finds = MC_DEADLOCK},
    {.name = "spin_that_ends", .body = spin_that_ends},
    {.name = "spin_without_await",
     .body = spin_without_await,
     .steps = 200,
     .finds = MC_ENDLESS},
    {.name = NULL},
};
