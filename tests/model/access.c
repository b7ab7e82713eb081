// SPDX-License-Identifier: MIT
// Plain accesses: who touched which byte last, and whether that is ordered
// before who touches it now.
//
// A cell of shadow stands for eight bytes of the area of runtime.h or of the
// program's statics. It says which execution it is about, so a new execution
// clears nothing. Bytes of a word that are used apart get lanes of their own,
// split off when an access covers a part of a lane. A lane holds the last write
// and what each thread read since. One write is enough: an access ordered after
// it is ordered after all that it was ordered after.
//
// Frames: what lies below a thread's innermost frame was left. Only where
// another thread, or an atomic access, touched a stack is there anything to do
// when a frame ends, so that range is kept per stack.
#include "model/runtime.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    NOBODY = 255,
    LANES_MAX = UINT16_MAX,
    FRAMES_MAX = 16384,
    ACCESSES_MAX = 20000000, // of one execution: it hangs
    STACKS_BYTES = MC_THREADS_MAX * MR_STACK_STRIDE
};

enum { GONE = 1, ATOMIC = 2 }; // flags of a lane

typedef enum kind { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE, END } kind;

typedef struct lane {
    uint32_t execution; // of the first lane of a word
    uint8_t bytes;      // a bit per byte
    uint8_t readers;    // a bit per thread
    uint8_t writer;
    uint8_t flags;
    uint16_t next; // in the pool; 0: none
    uint16_t write_at;
    uint32_t write_by;
} lane;
_Static_assert(sizeof(lane) == 16, "four lanes are a cache line");

// Of the lane with the same number; those that are no readers are not set.
typedef struct reads {
    uint16_t at[MC_THREADS_MAX];
    uint32_t by[MC_THREADS_MAX];
} reads;

typedef struct frame {
    const char *low;
    uint16_t since; // the thread's segment when it began
    uint32_t place; // in its function
} frame;

typedef struct stack {
    frame *frames; // frames[0] is the empty stack
    unsigned depth;
    const char *low; // where others touched it
    const char *high;
} stack;

typedef struct shadow {
    uint32_t execution;
    uint32_t accesses;
    unsigned lanes_used;
    size_t lanes; // all
    lane *area;   // then statics, then the pool
    reads *reads;
    lane *statics;
    uintptr_t statics_start;
    size_t statics_bytes;
    lane *pool;
    stack stacks[MC_THREADS_MAX];
} shadow;

// An access that is checked.
typedef struct visit {
    kind kind;
    uint8_t thread;
    uint8_t bit;
    uint16_t now; // the thread's segment
    uint32_t place;
    const uint16_t *clock;
    const char *memory; // first byte of all
    size_t bytes;
    bool heap;
    bool atomics; // some of it is atomic
} visit;

static shadow *sh;

void ma_setup(const void *statics, size_t bytes) {
    sh = mr_own(sizeof *sh);
    sh->statics_start = (uintptr_t)statics;
    sh->statics_bytes = bytes;
    sh->lanes = MR_AREA_BYTES / 8 + bytes / 8 + 1 + LANES_MAX + 1;
    sh->area = mr_map(sh->lanes * sizeof(lane));
    sh->reads = mr_map(sh->lanes * sizeof(reads));
    sh->statics = sh->area + MR_AREA_BYTES / 8;
    sh->pool = sh->statics + bytes / 8 + 1;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        sh->stacks[i].frames = mr_map(FRAMES_MAX * sizeof(frame));
}

void ma_begin(void) {
    if (++sh->execution == 0) { // after four thousand million
        madvise(sh->area, sh->lanes * sizeof(lane), MADV_DONTNEED);
        sh->execution = 1;
    }
    sh->lanes_used = 0;
    sh->accesses = 0;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        ma_stack_begins(i, (char *)(MR_AREA + (i + 1) * MR_STACK_STRIDE));
}

// ---- what is wrong ---------------------------------------------------------

static const char *verb(kind what) {
    static const char *const verbs[] = {
        [READ] = "reads",
        [WRITE] = "writes",
        [ATOMIC_READ] = "reads (atomic)",
        [ATOMIC_WRITE] = "writes (atomic)",
        [END] = "ends",
    };
    return verbs[what];
}

static void wrong(mc_finding what, const visit *v, const char *address,
                  const char *other) {
    char here[160];
    char name[240];
    bool atomic = v->kind == ATOMIC_READ || v->kind == ATOMIC_WRITE;
    ma_name(address, name, sizeof name);
    if (!atomic) // of an atomic access the last step shows the place
        ma_place(ma_uncode(v->place), here, sizeof here);
    mc_report(what, "thread %u %s %s (%zu bytes)%s%s; %s", v->thread,
              verb(v->kind), name, v->bytes, atomic ? "" : " at ",
              atomic ? "" : here, other);
}

static void race(const visit *v, const char *address, unsigned thread,
                 const char *did, uint32_t place) {
    char there[160];
    char text[300];
    snprintf(text, sizeof text,
             "not ordered after thread %u, which %s it at %s", thread, did,
             ma_place(ma_uncode(place), there, sizeof there));
    wrong(MC_RACE, v, address, text);
}

static void gone(const visit *v, const char *address, const lane *at) {
    char there[160];
    char text[300];
    snprintf(text, sizeof text, "thread %u freed it at %s", at->writer,
             ma_place(ma_uncode(at->write_by), there, sizeof there));
    wrong(MC_USE_AFTER_FREE, v, address, text);
}

// ---- lanes -----------------------------------------------------------------

static inline bool ordered(const visit *v, unsigned thread, uint16_t at) {
    return thread == v->thread || v->clock[thread] > at;
}

static inline reads *reads_of(const lane *at) {
    return &sh->reads[at - sh->area];
}

static void check_readers(const visit *v, const lane *at, const char *address) {
    const reads *of = reads_of(at);
    unsigned others = at->readers & ~(unsigned)v->bit;
    for (; others != 0; others &= others - 1) {
        unsigned thread = (unsigned)__builtin_ctz(others);
        if (v->clock[thread] <= of->at[thread])
            race(v, address, thread, "reads", of->by[thread]);
    }
}

// All bytes of the lane are accessed.
static inline void visit_lane(visit *v, lane *at, const char *address) {
    if (at->flags != 0) {
        if ((at->flags & GONE) != 0)
            gone(v, address, at);
        v->atomics |= (at->flags & ATOMIC) != 0;
    }
    if (at->writer != NOBODY && !ordered(v, at->writer, at->write_at))
        race(v, address, at->writer, "writes", at->write_by);
    if (v->kind == READ) {
        at->readers |= v->bit;
        reads_of(at)->at[v->thread] = v->now;
        reads_of(at)->by[v->thread] = v->place;
        return;
    }
    if (v->kind == ATOMIC_READ) {
        at->flags |= ATOMIC;
        return;
    }
    if ((at->readers & ~(unsigned)v->bit) != 0)
        check_readers(v, at, address);
    if (v->kind == ATOMIC_WRITE) {
        at->flags |= ATOMIC;
        return;
    }
    if (v->kind == END)
        at->flags |= GONE;
    at->readers = 0;
    at->writer = v->thread;
    at->write_at = v->now;
    at->write_by = v->place;
}

static lane *new_lane(lane *before) {
    if (sh->lanes_used == LANES_MAX)
        mc_report(MC_ENDLESS, "one execution uses too many parts of words");
    lane *made = &sh->pool[++sh->lanes_used];
    made->next = before->next;
    before->next = (uint16_t)sh->lanes_used;
    return made;
}

static void untouched(lane *at, unsigned bytes) {
    at->bytes = (uint8_t)bytes;
    at->readers = 0;
    at->writer = NOBODY;
    at->flags = 0;
}

static void outside(const visit *v, const char *address) {
    wrong(MC_USE_AFTER_FREE, v, address, "no allocation holds these bytes");
}

// A word whose lanes are not just the bytes that are accessed.
static __attribute__((noinline)) void
visit_lanes(visit *v, lane *head, unsigned bytes, const char *word) {
    unsigned left = bytes;
    if (head->execution == sh->execution) {
        lane *at = head;
        for (;;) {
            unsigned hit = at->bytes & left;
            if (hit != 0 && hit != at->bytes) {
                lane *rest = new_lane(at);
                uint16_t next = rest->next;
                *rest = *at;
                *reads_of(rest) = *reads_of(at);
                rest->next = next;
                rest->bytes = (uint8_t)(at->bytes & ~hit);
                at->bytes = (uint8_t)hit;
            }
            if (hit != 0)
                visit_lane(v, at, word + __builtin_ctz(hit));
            left &= ~hit;
            if (left == 0)
                return;
            if (at->next == 0)
                break;
            at = &sh->pool[at->next];
        }
    }
    if (v->heap) {
        outside(v, word + __builtin_ctz(left));
        return;
    }
    lane *made = head;
    if (head->execution == sh->execution) {
        made = new_lane(head);
    } else {
        head->execution = sh->execution;
        head->next = 0;
    }
    untouched(made, left);
    visit_lane(v, made, word + __builtin_ctz(left));
}

// What the thread alone has used since: most of what is cleared or freed.
static inline bool visit_mine(const visit *v, lane *at) {
    bool mine = at->writer == v->thread &&
                (at->readers & ~(unsigned)v->bit) == 0 && at->flags == 0 &&
                (v->kind == WRITE || v->kind == END);
    if (!mine)
        return false;
    at->readers = 0;
    at->flags = v->kind == END ? GONE : 0;
    at->write_at = v->now;
    at->write_by = v->place;
    return true;
}

static inline void visit_word(visit *v, lane *head, unsigned bytes,
                              const char *word) {
    if (head->execution != sh->execution || head->bytes != bytes)
        visit_lanes(v, head, bytes, word);
    else if (!visit_mine(v, head))
        visit_lane(v, head, word + __builtin_ctz(bytes));
}

// ---- accesses --------------------------------------------------------------

// The frame that holds an address of the part of the stack that is in use; the
// empty stack's if there is none.
static const frame *frame_of(const stack *of, const char *address) {
    unsigned depth = of->depth;
    while (depth > 1 && address >= of->frames[depth - 1].low)
        depth--;
    return &of->frames[depth];
}

bool ma_frame_name(const void *address, char *out, size_t room) {
    unsigned thread;
    if (!mr_is_stack(address, &thread))
        return false;
    const stack *of = &sh->stacks[thread];
    char name[120];
    const frame *in = frame_of(of, address);
    bool left = (const char *)address < of->frames[of->depth].low;
    if (!left && in != of->frames &&
        ma_symbol(ma_uncode(in->place), name, sizeof name)) {
        name[strcspn(name, "+")] = '\0';
        snprintf(out, room, "stack of thread %u, in %s", thread, name);
    } else {
        snprintf(out, room, "stack of thread %u", thread);
    }
    return true;
}

// Another thread's stack: the frame must be there, and have begun before.
static __attribute__((noinline)) void visit_stack(const visit *v,
                                                  unsigned owner) {
    stack *of = &sh->stacks[owner];
    const char *start = v->memory;
    const char *end = start + v->bytes;
    if (owner != v->thread) {
        if (start < of->frames[of->depth].low)
            wrong(MC_USE_AFTER_FREE, v, start, "its function has returned");
        const frame *in = frame_of(of, start);
        if (in != of->frames && v->clock[owner] <= in->since)
            wrong(MC_RACE, v, start,
                  "not ordered after the beginning of its function");
    }
    if (start < of->low)
        of->low = start;
    if (end > of->high)
        of->high = end;
}

// The shadow of `memory`; NULL if it has none.
static inline lane *find(visit *v) {
    uintptr_t at = (uintptr_t)v->memory;
    uintptr_t offset = at - MR_AREA;
    if (offset < MR_AREA_BYTES) {
        v->heap = offset >= STACKS_BYTES;
        if (!v->heap) {
            unsigned owner = (unsigned)(offset / MR_STACK_STRIDE);
            if (owner != v->thread || (v->kind != READ && v->kind != WRITE))
                visit_stack(v, owner);
        }
        return &sh->area[offset / 8];
    }
    offset = at - sh->statics_start;
    return offset < sh->statics_bytes ? &sh->statics[offset / 8] : NULL;
}

static inline void visit_all(visit *v) {
    lane *head = find(v);
    if (head == NULL)
        return;
    unsigned first = (unsigned)((uintptr_t)v->memory & 7);
    const char *word = v->memory - first;
    size_t left = first + v->bytes;
    unsigned mask = 0xff & (0xffu << first);
    for (; left > 8; left -= 8, head++, word += 8) {
        visit_word(v, head, mask, word);
        mask = 0xff;
    }
    visit_word(v, head, mask & (0xffu >> (8 - left)), word);
}

static inline bool set_out(visit *v, kind what, const void *memory,
                           size_t bytes, const void *place) {
    unsigned thread = mc_self();
    if (thread == MC_NO_THREAD || bytes == 0)
        return false;
    const uint16_t *clock = mc_clock(thread);
    *v = (visit){.kind = what,
                 .thread = (uint8_t)thread,
                 .bit = (uint8_t)(1u << thread),
                 .now = clock[thread],
                 .place = ma_code(place),
                 .clock = clock,
                 .memory = memory,
                 .bytes = bytes};
    return true;
}

static __attribute__((noinline)) void
access_slow(const void *memory, size_t bytes, bool writes, const void *place) {
    visit v;
    if (!set_out(&v, writes ? WRITE : READ, memory, bytes, place))
        return;
    visit_all(&v);
    if (!v.atomics || !mc_is_atomic(memory, bytes))
        return;
    if (writes)
        mc_plain_write((void *)(uintptr_t)memory, bytes);
    else
        mc_plain_read(memory, bytes);
}

// The lane of an access within one word that is all of the lane, in memory that
// is the thread's own stack, a heap, or static; NULL: it is not as simple.
static inline lane *find_simple(unsigned thread, uintptr_t at, size_t bytes) {
    uintptr_t offset = at - MR_AREA;
    lane *of;
    if (offset < MR_AREA_BYTES) {
        if (offset < STACKS_BYTES && offset / MR_STACK_STRIDE != thread)
            return NULL;
        of = &sh->area[offset / 8];
    } else {
        offset = at - sh->statics_start;
        if (offset >= sh->statics_bytes)
            return NULL;
        of = &sh->statics[offset / 8];
    }
    if (of->execution != sh->execution)
        return NULL;
    unsigned mask = ((1u << bytes) - 1) << (at & 7);
    while (of->bytes != mask) {
        if (of->next == 0)
            return NULL;
        of = &sh->pool[of->next];
    }
    return of->flags == 0 ? of : NULL;
}

static __attribute__((noinline)) void endless(const void *place) {
    char here[160];
    mc_report(MC_ENDLESS, "thread %u goes round without a step at %s",
              mc_self(), ma_place(place, here, sizeof here));
}

void ma_access(const void *memory, size_t bytes, bool writes,
               const void *place) {
    if (sh == NULL) // a memset that main begins with
        return;
    unsigned thread = mc_self();
    if (thread == MC_NO_THREAD)
        return;
    if (++sh->accesses == ACCESSES_MAX)
        endless(place);
    lane *at =
        bytes <= 8 ? find_simple(thread, (uintptr_t)memory, bytes) : NULL;
    const uint16_t *clock = mc_clock(thread);
    unsigned bit = 1u << thread;
    if (at == NULL ||
        (at->writer != NOBODY && at->writer != thread &&
         clock[at->writer] <= at->write_at) ||
        (writes && (at->readers & ~bit) != 0)) {
        access_slow(memory, bytes, writes, place);
    } else if (writes) {
        at->readers = 0;
        at->writer = (uint8_t)thread;
        at->write_at = clock[thread];
        at->write_by = ma_code(place);
    } else {
        at->readers = (uint8_t)(at->readers | bit);
        reads_of(at)->at[thread] = clock[thread];
        reads_of(at)->by[thread] = ma_code(place);
    }
}

// Its own frame that was left: a function's locals are read after its return.
// (Writes below the frame are arguments of calls.)
static __attribute__((noinline)) void left_own(const void *memory, size_t bytes,
                                               const void *place) {
    visit v;
    if (set_out(&v, READ, memory, bytes, place))
        wrong(MC_USE_AFTER_FREE, &v, memory, "its function has returned");
}

void ma_read(const void *memory, size_t bytes, const void *place) {
    unsigned thread = mc_self();
    uintptr_t offset = (uintptr_t)memory - MR_AREA - thread * MR_STACK_STRIDE;
    if (thread != MC_NO_THREAD && offset < MR_STACK_STRIDE) {
        const stack *of = &sh->stacks[thread];
        if (of->depth > 0 && (const char *)memory < of->frames[of->depth].low)
            left_own(memory, bytes, place);
    }
    ma_access(memory, bytes, false, place);
}

void ma_atomic_touch(const void *object, unsigned width, bool writes) {
    visit v;
    if (set_out(&v, writes ? ATOMIC_WRITE : ATOMIC_READ, object, width,
                __builtin_return_address(0)))
        visit_all(&v);
}

// ---- memory comes and goes -------------------------------------------------

void ma_fresh_at(const void *memory, size_t bytes, const void *place) {
    visit v;
    if (!set_out(&v, WRITE, memory, bytes, place))
        return;
    uintptr_t offset = (uintptr_t)memory - MR_AREA;
    if (offset >= MR_AREA_BYTES)
        return;
    lane *at = &sh->area[offset / 8];
    for (size_t left = bytes; left > 0; at++) {
        size_t count = left < 8 ? left : 8;
        at->execution = sh->execution;
        at->bytes = (uint8_t)(0xffu >> (8 - count));
        at->readers = 0;
        at->writer = v.thread;
        at->flags = 0;
        at->next = 0;
        at->write_at = v.now;
        at->write_by = v.place;
        left -= count;
    }
}

void ma_fresh(const void *memory, size_t bytes) {
    ma_fresh_at(memory, bytes, __builtin_return_address(0));
}

void ma_gone_at(const void *memory, size_t bytes, const void *place) {
    visit v;
    if (!set_out(&v, END, memory, bytes, place))
        return;
    visit_all(&v);
    if (v.atomics || mc_is_atomic(memory, bytes))
        mc_memory_ends(memory, bytes);
}

void ma_gone(const void *memory, size_t bytes, const char *how) {
    (void)how; // its place says it
    ma_gone_at(memory, bytes, __builtin_return_address(0));
}

// ---- frames ----------------------------------------------------------------

void ma_stack_begins(unsigned thread, const void *top) {
    stack *of = &sh->stacks[thread];
    of->depth = 0;
    of->frames[0] = (frame){top, 0, 0};
    of->low = top;
    of->high = (const char *)top - MR_STACK_STRIDE;
}

void ma_frame_begins(const void *low, const void *place) {
    unsigned thread = mc_self();
    if (thread == MC_NO_THREAD)
        return;
    stack *of = &sh->stacks[thread];
    while (of->depth > 0 && of->frames[of->depth].low <= (const char *)low)
        of->depth--; // it was left another way
    if (of->depth == FRAMES_MAX - 1)
        mc_report(MC_ABORT, "thread %u calls too deep", thread);
    of->frames[++of->depth] =
        (frame){low, mc_clock(thread)[thread], ma_code(place)};
}

// Others touched some of it: they must be ordered before. Then it is as new.
static __attribute__((noinline)) void
end_touched(stack *of, const char *low, const char *high, const void *place) {
    const char *start = of->low > low ? of->low : low;
    const char *end = of->high < high ? of->high : high;
    start -= (uintptr_t)start & 7;
    end += -(uintptr_t)end & 7;
    visit v;
    if (start < end && set_out(&v, END, start, (size_t)(end - start), place)) {
        lane *at = &sh->area[((uintptr_t)start - MR_AREA) / 8];
        for (const char *word = start; word < end; word += 8, at++) {
            if (at->execution != sh->execution)
                continue;
            for (lane *part = at;; part = &sh->pool[part->next]) {
                visit_lane(&v, part, word + __builtin_ctz(part->bytes));
                if (part->next == 0)
                    break;
            }
            at->execution = 0;
        }
        if (v.atomics)
            mc_memory_ends(v.memory, v.bytes);
    }
    of->low = high;
    if (of->high < high)
        of->high = high;
}

void ma_frame_ends(const void *low, const void *place) {
    unsigned thread = mc_self();
    if (thread == MC_NO_THREAD)
        return;
    stack *of = &sh->stacks[thread];
    while (of->depth > 0 && of->frames[of->depth].low < (const char *)low)
        of->depth--;
    if (of->depth == 0)
        return;
    const char *high = of->frames[--of->depth].low;
    if (of->low < high)
        end_touched(of, low, high, place);
}
