// SPDX-License-Identifier: MIT
// Memory that is given back too early, twice or never, each beside the right
// way.
#include "base/atomic.h"
#include "model/model.h"

#include <stdlib.h>

static bool right; // set before threads start

static void two_threads(bool is_right, void *(*one)(void *),
                        void *(*other)(void *)) {
    right = is_right;
    unsigned first = mc_spawn(one, NULL);
    unsigned second = mc_spawn(other, NULL);
    mc_join(first);
    mc_join(second);
}

// ---- law 4: reset while the completer is inside
// ------------------------------
//
// A scope's children count down; who waits for it frees it. The last child is
// still in its completion routine when the counter has reached zero.

typedef struct scope {
    wr_atomic_u32 left, closed;
    uint32_t results;
} scope;

static void complete(scope *s) {
    s->results = 1;
    if (wr_fetch_sub(&s->left, 1, acq_rel, SCOPE, "the result is written") == 1)
        wr_store(&s->closed, 1, release, SCOPE, "the last touch");
}
static void *child(void *memory) {
    complete(memory);
    return NULL;
}
static void scope_case(bool is_right) {
    right = is_right;
    scope *s = calloc(1, sizeof(*s));
    wr_atomic_init(&s->left, 1);
    unsigned thread = mc_spawn(child, s);
    if (right)
        while (wr_load(&s->closed, acquire, SCOPE, "nobody is inside") == 0)
            mc_await();
    else
        while (wr_load(&s->left, acquire, SCOPE, "") != 0)
            mc_await();
    MC_CHECK(s->results == 1);
    free(s);
    mc_join(thread);
}
static void freed_while_the_completer_is_inside(void) { scope_case(false); }
static void freed_after_the_completer_left(void) { scope_case(true); }

// The same scope is used again at once: the late store closes the new round.
static void reuse_case(bool is_right) {
    right = is_right;
    scope s;
    wr_atomic_init(&s.left, 1);
    wr_atomic_init(&s.closed, 0);
    unsigned thread = mc_spawn(child, &s);
    if (right)
        while (wr_load(&s.closed, acquire, SCOPE, "nobody is inside") == 0)
            mc_await();
    else
        while (wr_load(&s.left, acquire, SCOPE, "") != 0)
            mc_await();
    wr_atomic_init(&s.closed, 0);
    wr_atomic_init(&s.left, 1);
    MC_CHECK(wr_load(&s.closed, relaxed, SCOPE, "a new round") == 0);
    mc_join(thread);
}
static void reset_while_the_completer_is_inside(void) { reuse_case(false); }
static void reset_after_the_completer_left(void) { reuse_case(true); }

// ---- a counted reference
// -----------------------------------------------------

typedef struct shared {
    wr_atomic_u32 references;
    uint32_t data[2];
} shared;

static shared *object;

static void drop(void) {
    uint32_t before =
        right ? wr_fetch_sub(&object->references, 1, acq_rel, DROP, "")
              : wr_fetch_sub(&object->references, 1, relaxed, DROP, "");
    if (before == 1)
        free(object);
}
static void *use_first(void *unused) {
    object->data[0] = 1;
    drop();
    return unused;
}
static void *use_second(void *unused) {
    object->data[1] = 1;
    drop();
    return unused;
}
static void references(bool is_right) {
    object = calloc(1, sizeof(*object));
    wr_atomic_init(&object->references, 2);
    two_threads(is_right, use_first, use_second);
}
static void reference_dropped_relaxed(void) { references(false); }
static void reference_dropped(void) { references(true); }

// ---- taken twice, freed twice
// -------------------------------------------------

static wr_atomic_ptr slot;

static void *take_and_free(void *unused) {
    void *memory = wr_load(&slot, acquire, SLOT, "");
    if (right)
        memory = wr_exchange(&slot, NULL, acquire, SLOT, "one gets it");
    else
        wr_store(&slot, NULL, relaxed, SLOT, "");
    free(memory);
    return unused;
}
static void slot_case(bool is_right) {
    wr_store(&slot, malloc(8), release, SLOT, "");
    two_threads(is_right, take_and_free, take_and_free);
}
static void freed_twice(void) { slot_case(false); }
static void freed_once(void) { slot_case(true); }

// ---- overwritten, never freed
// ---------------------------------------------------

static void *put_mine(void *unused) {
    void *mine = malloc(8);
    void *old = NULL;
    if (right) {
        old = wr_exchange(&slot, mine, acq_rel, SLOT, "what was there is ours");
    } else {
        old = wr_load(&slot, acquire, SLOT, "");
        wr_store(&slot, mine, release, SLOT, "");
    }
    free(old);
    return unused;
}
static void put_case(bool is_right) {
    right = is_right;
    unsigned thread = mc_spawn(put_mine, NULL);
    void *mine = malloc(8);
    void *old = wr_exchange(&slot, mine, acq_rel, SLOT, "");
    free(old);
    mc_join(thread);
    free(wr_load(&slot, relaxed, SLOT, "after the join"));
}
// Both ways of going wrong are there: what a thread frees another one has too.
static void overwritten_and_lost(void) { put_case(false); }
static void exchanged(void) { put_case(true); }

// Nothing goes wrong but that nobody frees.
static void *allocate(void *unused) {
    wr_store(&slot, malloc(24), release, SLOT, "");
    return unused;
}
static void leak_case(bool is_right) {
    unsigned thread = mc_spawn(allocate, NULL);
    mc_join(thread);
    if (is_right)
        free(wr_load(&slot, acquire, SLOT, ""));
}
static void never_freed(void) { leak_case(false); }
static void freed_at_the_end(void) { leak_case(true); }

// ---- a frame that was left
// ------------------------------------------------------

static wr_atomic_u32 written;

static __attribute__((noinline)) void lend_a_frame(void) {
    uint32_t room = 0;
    wr_store(&slot, &room, release, FRAME, "the room is there");
    if (right)
        while (wr_load(&written, acquire, FRAME, "it is written") == 0)
            mc_await();
    wr_store(&slot, NULL, relaxed, FRAME, "");
}
static void *borrower(void *unused) {
    uint32_t *room = wr_load(&slot, acquire, FRAME, "");
    if (room != NULL)
        *room = 7;
    wr_store(&written, 1, release, FRAME, "no more of it");
    return unused;
}
static void frame_case(bool is_right) {
    right = is_right;
    unsigned thread = mc_spawn(borrower, NULL);
    lend_a_frame();
    mc_join(thread);
}
static void frame_left_while_lent(void) { frame_case(false); }
static void frame_left_when_returned(void) { frame_case(true); }

// ---- the table -------------------------------------------------------------

const mc_case mc_cases[] = {
    {.name = "freed_while_the_completer_is_inside",
     .body = freed_while_the_completer_is_inside,
     .finds = MC_USE_AFTER_FREE},
    {.name = "freed_after_the_completer_left",
     .body = freed_after_the_completer_left},
    {.name = "reset_while_the_completer_is_inside",
     .body = reset_while_the_completer_is_inside,
     .finds = MC_RACE},
    {.name = "reset_after_the_completer_left",
     .body = reset_after_the_completer_left},
    {.name = "reference_dropped_relaxed",
     .body = reference_dropped_relaxed,
     .finds = MC_RACE},
    {.name = "reference_dropped", .body = reference_dropped},
    {.name = "freed_twice", .body = freed_twice, .finds = MC_USE_AFTER_FREE},
    {.name = "freed_once", .body = freed_once},
    {.name = "overwritten_and_lost",
     .body = overwritten_and_lost,
     .finds = MC_LEAK},
    {.name = "exchanged", .body = exchanged},
    {.name = "never_freed", .body = never_freed, .finds = MC_LEAK},
    {.name = "freed_at_the_end", .body = freed_at_the_end},
    {.name = "frame_left_while_lent",
     .body = frame_left_while_lent,
     .finds = MC_USE_AFTER_FREE},
    {.name = "frame_left_when_returned", .body = frame_left_when_returned},
    {.name = NULL},
};
