// SPDX-License-Identifier: MIT
// The execution graph and the rules of RC11 (Lahav, Vafeiadis, Kang, Hur,
// Dreyer: "Repairing sequential consistency in C/C++11", PLDI 2017): what
// happens before what, which writes a read may see, where in the modification
// order a write may go. A release sequence is continued by read-modify-writes
// only, as in C++20; that allows more than C11 does, so what holds here holds
// there. seqcst.c has the axioms of seq_cst.
#include "model/graph.h"

#include <stdlib.h>

mg_state *mg;

// Where addresses are: open addressing. For each execution, which words hold
// atomic objects.
enum { TABLE = 4096, WORDS = 8192 };

typedef struct tables {
    uint16_t number[TABLE];
    struct {
        uintptr_t word;
        uint64_t execution;
    } words[WORDS];
    uint64_t execution;
    unsigned touched_count;
    uint16_t touched[MC_LOCATIONS_MAX];
} tables;

static tables *table;

void mg_memory_setup(void) {
    mg = mr_own(sizeof(*mg));
    table = mr_own(sizeof(*table));
    mg->self = MC_NO_THREAD;
}

void mg_memory_forget(void) {
    for (unsigned i = 0; i < TABLE; i++)
        table->number[i] = 0;
    mg->locations = 0;
    table->touched_count = 0;
    mg->children_count = 0;
}

void mg_memory_begin(void) {
    table->execution++;
    for (unsigned i = 0; i < table->touched_count; i++)
        mg->location[table->touched[i]].live = false;
    table->touched_count = 0;
    mg->seq_cst = 0;
    mg->fences = false;
    mg_seqcst_begin();
    mg->steps = 0;
    mg->notes = 0;
    mg->has_outcome = false;
}

// ---- locations -------------------------------------------------------------

static size_t mix(uintptr_t key) {
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

static uint64_t memory_value(const void *address, unsigned width) {
    if (width == 4)
        return *(const uint32_t *)address;
    return *(const uint64_t *)address;
}

static void note_word(const void *address) {
    uintptr_t word = (uintptr_t)address >> 3;
    size_t at = mix(word) % WORDS;
    while (table->words[at].execution == table->execution) {
        if (table->words[at].word == word)
            return;
        at = (at + 1) % WORDS;
    }
    table->words[at].execution = table->execution;
    table->words[at].word = word;
}

static bool has_word(uintptr_t word) {
    size_t at = mix(word) % WORDS;
    while (table->words[at].execution == table->execution) {
        if (table->words[at].word == word)
            return true;
        at = (at + 1) % WORDS;
    }
    return false;
}

bool mc_is_atomic(const void *memory, size_t bytes) {
    if (bytes == 0 || table->touched_count == 0)
        return false;
    uintptr_t first = (uintptr_t)memory >> 3;
    uintptr_t last = ((uintptr_t)memory + bytes - 1) >> 3;
    for (uintptr_t word = first; word <= last; word++)
        if (has_word(word))
            return true;
    return false;
}

static void come_alive(unsigned number) {
    mg_location *location = &mg->location[number];
    location->live = true;
    location->open = false;
    location->written = false;
    location->user = MG_NOBODY;
    location->count = 1;
    location->reads = 0;
    location->last_plain = 0;
    location->order[0] = 0;
    location->initial = location->space == MG_ATOMIC
                            ? memory_value(location->address, location->width)
                            : 0;
    table->touched[table->touched_count++] = (uint16_t)number;
    if (location->space == MG_ATOMIC)
        note_word(location->address);
}

// 0: never seen.
static unsigned find(const void *address, mg_space space, size_t *at) {
    *at = mix((uintptr_t)address ^ ((uintptr_t)space << 60)) % TABLE;
    for (; table->number[*at] != 0; *at = (*at + 1) % TABLE) {
        const mg_location *location = &mg->location[table->number[*at]];
        if (location->address == address && location->space == space)
            return table->number[*at];
    }
    return 0;
}

// The value of a plain write is known when the next one looks.
static void settle(mg_location *location) {
    if (!location->open)
        return;
    location->open = false;
    mg_node_of(location->last_plain)->e.value =
        memory_value(location->address, location->width);
}

unsigned mg_locate(const void *address, mg_space space, unsigned width) {
    size_t at;
    unsigned number = find(address, space, &at);
    if (number == 0) {
        number = ++mg->locations;
        if (number >= MC_LOCATIONS_MAX) {
            fputs("model: too many atomic objects\n", stderr);
            exit(2);
        }
        table->number[at] = (uint16_t)number;
        mg->location[number].address = address;
        mg->location[number].space = space;
        mg->location[number].width = (uint8_t)width;
        mg->location[number].live = false;
        mg->location[number].shared = false;
    }
    mg_location *location = &mg->location[number];
    if (!location->live)
        come_alive(number);
    settle(location);
    return number;
}

const void *mc_location_address(unsigned location) {
    return location == 0 ? NULL : mg->location[location].address;
}

uint64_t mg_value_of(const mg_location *location, uint16_t write) {
    return write == 0 ? location->initial : mg_node_of(write)->e.value;
}

unsigned mg_place_of(uint16_t write) {
    return write == 0 ? 0 : mg_node_of(write)->place;
}

// ---- operations ------------------------------------------------------------

bool mg_op_reads(const mg_op *op) {
    switch (op->does) {
    case MC_STORE:
    case MC_INIT:
    case MC_UNLOCK:
    case MC_FENCE:
    case MC_CHOOSE:
    case MC_SPAWN:
    case MC_START:
    case MC_END:
    case MC_JOIN:
    case MC_AWAIT:
    case MC_SLEEP_END: return false;
    default: return true;
    }
}

// Sleepers are a queue of threads, four bits each, first come lowest.
static uint64_t without(uint64_t sleepers, unsigned thread) {
    for (unsigned i = 0; i < 64; i += 4)
        if ((sleepers >> i & 15) == thread + 1) {
            uint64_t below = sleepers & ((UINT64_C(1) << i) - 1);
            uint64_t above = i == 60 ? 0 : sleepers >> (i + 4) << i;
            return below | above;
        }
    return sleepers;
}

static uint64_t with(uint64_t sleepers, unsigned thread) {
    unsigned i = 0;
    while ((sleepers >> i & 15) != 0)
        i += 4;
    return sleepers | (uint64_t)(thread + 1) << i;
}

static uint64_t less(uint64_t sleepers, uint64_t count) {
    return count >= MC_THREADS_MAX ? 0 : sleepers >> (4 * count);
}

bool mg_op_writes(const mg_op *op, unsigned thread, uint64_t found,
                  uint64_t *value) {
    switch (op->does) {
    case MC_STORE:
    case MC_INIT:
    case MC_EXCHANGE: *value = op->operand; break;
    case MC_ADD: *value = found + op->operand; break;
    case MC_SUB: *value = found - op->operand; break;
    case MC_OR: *value = found | op->operand; break;
    case MC_AND: *value = found & op->operand; break;
    case MC_CAS:
    case MC_CAS_WEAK: *value = op->operand; return found == op->expected;
    case MC_LOCK:
    case MC_TRYLOCK: *value = 1; return found == 0;
    case MC_UNLOCK: *value = 0; break;
    case MC_SLEEP_BEGIN: *value = with(found, thread); break;
    case MC_SLEEP_LEAVE: *value = without(found, thread); break;
    case MC_WAKE: *value = less(found, op->operand); break;
    default: return false;
    }
    if (op->width == 4)
        *value &= UINT32_MAX;
    return true;
}

uint16_t mg_woken_by(const mg_location *location, unsigned thread) {
    unsigned at = location->count;
    unsigned began = 0;
    while (--at > 0 && began == 0) {
        const mg_node *node = mg_node_of(location->order[at]);
        if (node->e.thread == thread && node->e.does == MC_SLEEP_BEGIN)
            began = at;
    }
    for (at = began + 1; began != 0 && at < location->count; at++) {
        const mg_node *node = mg_node_of(location->order[at]);
        if (node->e.does == MC_WAKE &&
            without(node->e.value, thread) == node->e.value)
            return location->order[at];
    }
    return 0;
}

// ---- adding ----------------------------------------------------------------

static bool acquires(unsigned order) {
    return order == MC_ACQUIRE || order == MC_ACQ_REL || order == MC_SEQ_CST;
}

static bool releases(unsigned order) {
    return order == MC_RELEASE || order == MC_ACQ_REL || order == MC_SEQ_CST;
}

static void copy_clock(uint16_t *to, const uint16_t *from) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        to[i] = from[i];
}

static void clear_clock(uint16_t *clock) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        clock[i] = 0;
}

static bool is_kernel(unsigned does) {
    return does == MC_SLEEP_BEGIN || does == MC_SLEEP_LEAVE || does == MC_WAKE;
}

void mg_floor_clock(unsigned thread, uint16_t *out) {
    mg_thread *t = &mg->thread[thread];
    copy_clock(out, t->clock);
    // The kernel orders what was written before a wake call against its own
    // look at the word; it promises a program nothing about other memory.
    if (t->beside)
        mg_join(out, t->kernel);
}

static void note_user(mg_location *location, unsigned thread, bool writes) {
    if (location->user == MG_NOBODY)
        location->user = (uint8_t)thread;
    else if (location->user != thread)
        location->user = MG_SEVERAL;
    location->written |= writes;
    if (location->user == MG_SEVERAL && location->written && !location->shared)
        location->shared = mg->newly_shared = true;
}

mg_node *mg_add(unsigned thread, const mg_op *op) {
    mg_thread *t = &mg->thread[thread];
    if (op->location != 0)
        note_user(&mg->location[op->location], thread, false);
    unsigned index = ++t->count;
    mg_node *node = &mg->node[thread][index];
    mg_floor_clock(thread, node->floor);
    t->beside = op->does == MC_SLEEP_BEGIN;
    t->clock[thread] = (uint16_t)index;
    t->porf[thread] = (uint16_t)index;
    node->e = (mc_event){.does = op->does,
                         .order = op->order,
                         .thread = (uint8_t)thread,
                         .index = (uint16_t)index,
                         .location = (uint16_t)op->location,
                         .value = op->operand,
                         .site = op->site};
    node->at = (uint16_t)mg->steps;
    node->place = 0;
    node->rank = UINT16_MAX;
    mg->read_option[mg->steps] = mg->write_option[mg->steps] = 0;
    mg->trace[mg->steps++] = mg_name(thread, index);
    copy_clock(node->porf, t->porf);
    copy_clock(node->e.clock, t->clock);
    clear_clock(node->e.given);
    if (op->order == MC_SEQ_CST) {
        mg->seq_cst++;
        mg_seqcst_note(node);
    }
    if (op->does == MC_FENCE) {
        mg->fences |= op->order == MC_SEQ_CST;
        if (acquires(op->order))
            mg_join(t->clock, t->acquire);
        copy_clock(node->e.clock, t->clock);
        if (releases(op->order))
            copy_clock(t->release, t->clock);
    }
    return node;
}

void mg_learn(mg_node *node, uint16_t from) {
    mg_thread *t = &mg->thread[node->e.thread];
    const mg_node *other = mg_node_of(from);
    node->e.from = from;
    mg_join(t->clock, other->e.clock);
    mg_join(t->porf, other->porf);
    copy_clock(node->e.clock, t->clock);
    copy_clock(node->porf, t->porf);
}

void mg_add_read(mg_node *node, mg_op *op, uint16_t from) {
    mg_location *location = &mg->location[op->location];
    mg_thread *t = &mg->thread[node->e.thread];
    node->e.reads = true;
    node->e.from = from;
    node->e.found = op->found = mg_value_of(location, from);
    node->e.newer = (uint16_t)(location->count - 1 - mg_place_of(from));
    mg->read_option[node->at] = node->e.newer;
    if (location->reads >= MG_WRITES_MAX) {
        mc_report(MC_ENDLESS, "too many reads of one object");
        return;
    }
    location->readers[location->reads++] =
        mg_name(node->e.thread, node->e.index);
    // A compare-exchange that fails is a load with an order of its own.
    uint64_t value;
    bool failed = (op->does == MC_CAS || op->does == MC_CAS_WEAK ||
                   op->does == MC_TRYLOCK) &&
                  !mg_op_writes(op, node->e.thread, op->found, &value);
    if (failed)
        node->e.order = mg_order_of_failure(op->site, op->order);
    if (from == 0)
        return;
    const mg_node *write = mg_node_of(from);
    mg_join(t->porf, write->porf);
    copy_clock(node->porf, t->porf);
    if (is_kernel(op->does))
        mg_join(t->kernel, write->e.given);
    else if (acquires(node->e.order))
        mg_join(t->clock, write->e.given);
    else
        mg_join(t->acquire, write->e.given);
    copy_clock(node->e.clock, t->clock);
}

void mg_add_write(mg_node *node, const mg_op *op, unsigned place) {
    mg_location *location = &mg->location[op->location];
    mg_thread *t = &mg->thread[node->e.thread];
    uint16_t name = mg_name(node->e.thread, node->e.index);
    (void)mg_op_writes(op, node->e.thread, node->e.found, &node->e.value);
    node->e.writes = true;
    note_user(location, node->e.thread, true);
    if (location->count >= MG_WRITES_MAX) {
        mc_report(MC_ENDLESS, "too many writes to one object");
        return;
    }
    mg->write_option[node->at] = (uint16_t)(location->count - place);
    for (unsigned i = location->count; i > place; i--) {
        location->order[i] = location->order[i - 1];
        mg_node_of(location->order[i])->place = (uint16_t)i;
    }
    location->order[place] = name;
    location->count++;
    node->place = (uint16_t)place;
    if (is_kernel(op->does)) {
        copy_clock(node->e.given, t->clock);
        mg_join(node->e.given, t->kernel);
    } else if (op->order != MC_PLAIN) {
        copy_clock(node->e.given, releases(op->order) ? t->clock : t->release);
    }
    if (node->e.reads && node->e.from != 0)
        mg_join(node->e.given, mg_node_of(node->e.from)->e.given);
    if (location->space == MG_ATOMIC && place == location->count - 1 &&
        op->order != MC_PLAIN) {
        if (location->width == 4)
            *(uint32_t *)(uintptr_t)location->address = (uint32_t)node->e.value;
        else
            *(uint64_t *)(uintptr_t)location->address = node->e.value;
    }
}

// ---- what may be seen ------------------------------------------------------

unsigned mg_oldest(const mg_location *location, const uint16_t *clock) {
    unsigned oldest = location->count - 1;
    while (oldest > 0 && !mg_ordered(location->order[oldest], clock))
        oldest--;
    for (unsigned i = 0; i < location->reads; i++) {
        if (!mg_ordered(location->readers[i], clock))
            continue;
        unsigned place = mg_place_of(mg_node_of(location->readers[i])->e.from);
        if (place > oldest)
            oldest = place;
    }
    return oldest;
}

bool mg_joined(const mg_location *location, unsigned place) {
    if (place >= location->count || place == 0)
        return false;
    const mg_node *node = mg_node_of(location->order[place]);
    return node->e.reads && node->e.from == location->order[place - 1];
}

// ---- plain accesses to atomic objects --------------------------------------

static void want_ordered(const mg_location *location, uint16_t name,
                         const uint16_t *clock, const char *what) {
    char text[160];
    if (mg_ordered(name, clock))
        return;
    mc_report(MC_RACE,
              "%s of the atomic object %s is not ordered after step %u of "
              "thread %u",
              what, ma_name(location->address, text, sizeof(text)),
              mg_node_of(name)->at, mg_thread_of(name));
}

static void want_alone(const mg_location *location, const char *what) {
    const uint16_t *clock = mg->thread[mg->self].clock;
    for (unsigned i = 1; i < location->count; i++)
        want_ordered(location, location->order[i], clock, what);
    for (unsigned i = 0; i < location->reads; i++)
        want_ordered(location, location->readers[i], clock, what);
}

// mg_plain: the object starts anew. Nothing before may be concurrent.
static void plain_write(unsigned number, const char *what) {
    mg_location *location = &mg->location[number];
    want_alone(location, what);
    uint16_t last = location->order[location->count - 1];
    bool unseen = last != 0 && last == location->last_plain &&
                  mg_thread_of(last) == mg->self;
    for (unsigned i = 0; unseen && i < location->reads; i++)
        unseen = mg_node_of(location->readers[i])->e.from != last;
    if (!unseen) {
        mg_op op = {.does = MC_INIT,
                    .order = MC_PLAIN,
                    .location = number,
                    .width = location->width};
        mg_node *node = mx_at_once(mg->self, &op);
        mg_add_write(node, &op, location->count);
        location->last_plain = mg_name(mg->self, node->e.index);
    }
    location->open = true;
}

static unsigned live_at(const void *address) {
    size_t at;
    unsigned number = find(address, MG_ATOMIC, &at);
    return number != 0 && mg->location[number].live ? number : 0;
}

// Memory of a stack may have been another atomic object, in a function that has
// returned: what that was is not seen any more.
void mc_atomic_init(void *object, unsigned width, uint64_t value) {
    if (mg->self != MC_NO_THREAD) {
        ma_access(object, width, true, __builtin_return_address(0));
        mc_plain_write(object, width);
    }
    if (width == 4)
        *(uint32_t *)object = (uint32_t)value;
    else
        *(uint64_t *)object = value;
}

typedef void each_object(unsigned number, const char *what);

static void each(const void *memory, size_t bytes, each_object *visit,
                 const char *what) {
    uintptr_t at = (uintptr_t)memory & ~(uintptr_t)3;
    uintptr_t end = (uintptr_t)memory + bytes;
    for (; at < end; at += 4) {
        if (!has_word(at >> 3)) {
            at |= 4;
            continue;
        }
        unsigned number = live_at((const void *)at);
        if (number != 0)
            visit(number, what);
    }
}

static void read_alone(unsigned number, const char *what) {
    const mg_location *location = &mg->location[number];
    const uint16_t *clock = mg->thread[mg->self].clock;
    for (unsigned i = 1; i < location->count; i++)
        want_ordered(location, location->order[i], clock, what);
}

static void ends_alone(unsigned number, const char *what) {
    want_alone(&mg->location[number], what);
}

void mc_plain_write(void *memory, size_t bytes) {
    each(memory, bytes, plain_write, "a plain write");
}

void mc_plain_read(const void *memory, size_t bytes) {
    each(memory, bytes, read_alone, "a plain read");
}

void mc_memory_ends(const void *memory, size_t bytes) {
    each(memory, bytes, ends_alone, "the end");
}
