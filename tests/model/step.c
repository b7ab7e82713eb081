// SPDX-License-Identifier: MIT
// The doors: what the sources that are checked, and models, call. Each makes a
// step of it and lets explore.c decide when and how it takes place.
#include "base/check.h"
#include "model/graph.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

unsigned mc_self(void) { return mg->self; }

const uint16_t *mc_clock(unsigned thread) { return mg->thread[thread].clock; }

static mg_op *want(mg_op op) {
    mg_thread *self = &mg->thread[mg->self];
    self->op = op;
    mx_want(mg->self);
    return &self->op;
}

// ---- atomics ---------------------------------------------------------------

static mg_op *at_site(const mc_site *site, const void *object, unsigned width,
                      uint64_t operand, uint64_t expected) {
    mg_op op = {.does = site->does,
                .order = (uint8_t)mc_site_order(site),
                .site = site,
                .location = mg_locate(object, MG_ATOMIC, width),
                .width = width,
                .operand = operand,
                .expected = expected};
    mg_op *done = want(op);
    ma_atomic_touch(object, width, done->does != MC_LOAD);
    return done;
}

uint64_t mc_atomic_load(const mc_site *site, const void *object,
                        unsigned width) {
    if (mg->self == MC_NO_THREAD) // a dump of the checker's
        return width == 4 ? *(const uint32_t *)object
                          : *(const uint64_t *)object;
    return at_site(site, object, width, 0, 0)->found;
}

void mc_atomic_store(const mc_site *site, void *object, unsigned width,
                     uint64_t value) {
    at_site(site, object, width, value, 0);
}

uint64_t mc_atomic_change(const mc_site *site, void *object, unsigned width,
                          uint64_t operand) {
    return at_site(site, object, width, operand, 0)->found;
}

// One of two ways, if this thread may still take the second.
static bool takes(unsigned *used, unsigned limit, bool *bounded,
                  const char *what) {
    if (*used >= limit) {
        *bounded = true;
        return false;
    }
    if (mc_choose(what, 2) == 0)
        return false;
    (*used)++;
    return true;
}

bool mc_atomic_cas(const mc_site *site, void *object, unsigned width,
                   uint64_t *expected, uint64_t desired) {
    mg_thread *self = &mg->thread[mg->self];
    if (site->does == MC_CAS_WEAK &&
        takes(&self->spurious, mg->what->spurious, &mg->totals.bounded_spurious,
              "fails for no reason")) {
        mg_op op = {.does = MC_LOAD,
                    .order = mg_order_of_failure(site, site->order),
                    .site = site,
                    .location = mg_locate(object, MG_ATOMIC, width),
                    .width = width};
        *expected = want(op)->found;
        return false;
    }
    mg_op *done = at_site(site, object, width, desired, *expected);
    *expected = done->found;
    return done->stored;
}

void mc_atomic_fence(const mc_site *site) {
    mg_op op = {
        .does = MC_FENCE, .order = (uint8_t)mc_site_order(site), .site = site};
    mx_at_once(mg->self, &op);
}

// ---- locks -----------------------------------------------------------------

static mg_op *on_lock(void *word, mc_do does, mc_order order) {
    mg_op op = {.does = (uint8_t)does,
                .order = (uint8_t)order,
                .location = mg_locate(word, MG_LOCK, 4),
                .width = 4};
    ma_atomic_touch(word, 4, true);
    return want(op);
}

void mc_word_lock(void *word) { on_lock(word, MC_LOCK, MC_ACQUIRE); }

bool mc_word_trylock(void *word) {
    return on_lock(word, MC_TRYLOCK, MC_ACQUIRE)->stored;
}

void mc_word_unlock(void *word) { on_lock(word, MC_UNLOCK, MC_RELEASE); }

void mc_word_end(void *word) {
    const mg_location *location = &mg->location[mg_locate(word, MG_LOCK, 4)];
    if (mg_value_of(location, location->order[location->count - 1]) != 0)
        mc_report(MC_ABORT, "a lock is destroyed that is held");
}

void mc_lock(mc_mutex *mutex) { mc_word_lock(&mutex->word); }
bool mc_trylock(mc_mutex *mutex) { return mc_word_trylock(&mutex->word); }
void mc_unlock(mc_mutex *mutex) { mc_word_unlock(&mutex->word); }

// ---- futexes ---------------------------------------------------------------

static mg_op on_futex(void *word, mc_do does) {
    return (mg_op){.does = (uint8_t)does,
                   .order = MC_RELAXED,
                   .location = mg_locate(word, MG_FUTEX, 8),
                   .width = 8};
}

static bool sleeps(uint64_t queue, unsigned thread) {
    for (; queue != 0; queue >>= 4)
        if ((queue & 15) == thread + 1)
            return true;
    return false;
}

// Leaves the sleepers. Who was woken already hands that on: the kernel never
// wakes one whose word has changed.
static int leave(void *word, bool hands_on, int status) {
    unsigned self = mg->self;
    uint64_t queue = want(on_futex(word, MC_SLEEP_LEAVE))->found;
    if (hands_on && !sleeps(queue, self))
        mc_futex_wake(word, 1);
    return status;
}

static uint32_t look(void *word) {
    mg_op op = {.does = MC_LOAD,
                .order = MC_RELAXED,
                .location = mg_locate(word, MG_ATOMIC, 4),
                .width = 4};
    uint32_t found = (uint32_t)want(op)->found;
    ma_atomic_touch(word, 4, false);
    return found;
}

int mc_futex_wait(void *word, uint32_t expected, bool timed) {
    mg_thread *self = &mg->thread[mg->self];
    want(on_futex(word, MC_SLEEP_BEGIN));
    if (look(word) != expected)
        return leave(word, true, -EAGAIN);
    if (takes(&self->spurious, mg->what->spurious, &mg->totals.bounded_spurious,
              "wakes for no reason"))
        return leave(word, false, 0);
    if (timed && takes(&self->timeouts, mg->what->timeouts,
                       &mg->totals.bounded_timeouts, "its time is over"))
        return leave(word, false, -ETIMEDOUT);
    mg_op op = on_futex(word, MC_SLEEP_END);
    op.timed = timed;
    if (want(op)->found == 0)
        return 0;
    return leave(word, false, -ETIMEDOUT);
}

void mc_futex_wake(void *word, int count) {
    mg_op op = on_futex(word, MC_WAKE);
    op.operand = count < 0 ? 0 : (uint64_t)count;
    want(op);
}

// ---- choices, threads ------------------------------------------------------

unsigned mc_choose(const char *what, unsigned count) {
    mg_op op = {.does = MC_CHOOSE,
                .order = MC_RELAXED,
                .text = what,
                .expected = count};
    return count < 2 ? 0 : (unsigned)want(op)->found;
}

void mc_await(void) {
    mg_op op = {.does = MC_AWAIT};
    want(op);
}

static void thread_main(void *arg) {
    unsigned self = mg->self;
    mg_thread *t = &mg->thread[self];
    mg_op start = {.does = MC_START, .order = MC_RELAXED};
    mg_node *node = mx_at_once(self, &start);
    if (self != 0)
        mg_learn(node, (uint16_t)(uintptr_t)arg);
    t->result = t->main(t->arg);
    mg_op end = {.does = MC_END, .order = MC_RELAXED};
    mx_at_once(self, &end);
    t->ended = true;
}

void mc_thread_ended(void) {
    for (;;)
        mr_pause();
}

static void make(unsigned number, void *(*main)(void *), void *arg,
                 uint16_t spawn) {
    mg_thread *t = &mg->thread[number];
    t->exists = true;
    t->main = main;
    t->arg = arg;
    mr_start(number, thread_main, (void *)(uintptr_t)spawn);
}

// The number of the n-th child of a thread is the same in every execution.
static unsigned child_of(unsigned parent, unsigned nth) {
    for (unsigned i = 0; i < mg->children_count; i++)
        if (mg->children[i][0] == parent && mg->children[i][1] == nth)
            return i + 1;
    if (mg->children_count + 1 == MC_THREADS_MAX)
        return MC_NO_THREAD;
    unsigned i = mg->children_count++;
    mg->children[i][0] = (uint8_t)parent;
    mg->children[i][1] = (uint8_t)nth;
    return i + 1;
}

unsigned mc_spawn(void *(*main)(void *), void *arg) {
    mg_thread *self = &mg->thread[mg->self];
    unsigned child = child_of(mg->self, self->spawned);
    if (child == MC_NO_THREAD)
        return MC_NO_THREAD;
    self->spawned++;
    mg_op op = {.does = MC_SPAWN, .order = MC_RELAXED, .operand = child};
    mg_node *node = mx_at_once(mg->self, &op);
    make(child, main, arg, mg_name(mg->self, node->e.index));
    return child;
}

static void *run_body(void *unused) {
    mg->what->body();
    return unused;
}

void mg_make_first(void) { make(0, run_body, NULL, 0); }

void *mc_join(unsigned thread) {
    mg_op op = {.does = MC_JOIN, .order = MC_RELAXED, .operand = thread};
    if (thread >= MC_THREADS_MAX || !mg->thread[thread].exists)
        mc_report(MC_ABORT, "thread %u to be joined does not exist", thread);
    want(op);
    return mg->thread[thread].result;
}

// ---- words -----------------------------------------------------------------

void mc_outcome(uint64_t value) {
    mg->has_outcome = true;
    mg->outcome = value;
}

void mc_note(const char *text) {
    if (mg->notes == MG_NOTES_MAX)
        return;
    mg->note[mg->notes].at = mg->steps;
    snprintf(mg->note[mg->notes++].text, sizeof(mg->note[0].text), "%s", text);
}

void mc_check_failed(const char *text, const char *file, int line) {
    mc_report(MC_FAILED_CHECK, "%s:%d: %s is not so", file, line, text);
}

// In place of base/check.c.
void wr_check_failed(const char *file, int line, const char *what) {
    mc_report(MC_ABORT, "%s:%d: %s", file, line, what);
    abort(); // outside of any model
}

void mc_report(mc_finding what, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    unsigned self = mg->self;
    mg->self = MC_NO_THREAD;
    // A plan that is being followed may be one that cannot be.
    if (!mg->failed && mg_consistent()) {
        mg->failed = true;
        mg->totals.found = what;
        mp_finding(mg->what, what, text);
    }
    mg->over = true;
    mg->self = self;
    while (self != MC_NO_THREAD)
        mr_pause();
}
