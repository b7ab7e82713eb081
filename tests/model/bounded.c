// SPDX-License-Identifier: MIT
// MC_BOUNDED: every schedule with at most so many preemptions, every value of
// every load. Decisions are made in order; the last one that has another way
// takes it in the next execution, and all before it are made again.
//
// There is no switch right before a step on what only one thread uses, or
// nobody writes: the same switch after that step leads to the same, and costs
// the bound no more. What is such is learned on the way: when something turns
// out to be shared, all begins anew. MC_ALL_PREEMPTIONS switches everywhere.
#include "model/graph.h"

#include <stdlib.h>
#include <string.h>

enum { PICKS_MAX = 3 * MC_STEPS_MAX };

typedef struct pick {
    uint16_t taken;
    uint16_t count;
} pick;

typedef struct forced {
    uint8_t thread;
    uint16_t read, write;
} forced;

typedef struct bounded {
    unsigned depth; // of picks made in this execution
    unsigned known; // picks of the last one that are made again
    bool begun;
    bool misfit; // a replay that does not fit
    unsigned preemptions, stale;
    unsigned forced_count; // 0: no replay
    unsigned forced_at;
    pick picks[PICKS_MAX];
    forced forced[MC_STEPS_MAX];
    uint16_t places[MG_WRITES_MAX];
} bounded;

static bounded *mb;

void mb_setup(void) { mb = mr_own(sizeof(*mb)); }

void mb_reset(void) {
    mb->known = 0;
    mb->begun = false;
    mb->forced_count = 0;
    mb->misfit = false;
}

static unsigned choose(unsigned count) {
    if (count < 2)
        return 0;
    if (mb->depth == PICKS_MAX) {
        fputs("model: too many decisions\n", stderr);
        exit(2);
    }
    pick *p = &mb->picks[mb->depth++];
    if (mb->depth > mb->known) {
        p->taken = 0;
        p->count = (uint16_t)count;
        mb->known = mb->depth;
    } else if (p->count != count) {
        fputs("model: the program is not deterministic: what it may do next "
              "differs between two runs of the same schedule\n",
              stderr);
        exit(2);
    }
    return p->taken;
}

// The next way. False: there is none.
static bool advance(void) {
    mb->known = mb->depth;
    while (mb->known > 0) {
        pick *last = &mb->picks[mb->known - 1];
        if (++last->taken < last->count)
            return true;
        mb->known--;
    }
    return false;
}

// ---- what can go on --------------------------------------------------------

// Writes so far to all that a thread looked at since its last mc_await.
static uint64_t writes_seen(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    uint64_t sum = 0;
    for (unsigned i = t->looked + 1; i <= t->count; i++) {
        const mg_node *node = &mg->node[thread][i];
        if (node->e.reads)
            sum += mg->location[node->e.location].count;
    }
    return sum;
}

static bool can_go(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    if (!t->exists || t->ended)
        return false;
    const mg_location *location = &mg->location[t->op.location];
    switch (t->op.does) {
    case MC_LOCK:
        return mg_value_of(location, location->order[location->count - 1]) == 0;
    case MC_JOIN:
    case MC_SLEEP_END: return mx_awaited(thread) != 0;
    case MC_AWAIT: return !t->stuck || writes_seen(thread) != t->seen;
    default: return true;
    }
}

// Does a step concern one thread alone?
static bool is_private(const mg_op *op) {
    if (mg->what->preemptions >= MC_ALL_PREEMPTIONS)
        return false;
    return op->location == 0 || !mg->location[op->location].shared;
}

// Is a thread in mc_await that only makes sure that it is in a loop?
static bool goes_round(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    return t->exists && !t->ended && t->op.does == MC_AWAIT && !t->stuck;
}

// Who goes on: `current` first, if it can. MC_NO_THREAD: nobody.
static unsigned next_thread(unsigned current) {
    unsigned list[MC_THREADS_MAX];
    unsigned count = 0;
    bool goes_on = current != MC_NO_THREAD && can_go(current) &&
                   mg->thread[current].op.does != MC_AWAIT;
    if (goes_on && is_private(&mg->thread[current].op))
        return current;
    if (current != MC_NO_THREAD && goes_round(current))
        return current;
    if (goes_on)
        list[count++] = current;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (i != current && can_go(i))
            list[count++] = i;
    if (!goes_on && current != MC_NO_THREAD && can_go(current))
        list[count++] = current;
    if (goes_on && count > 1 && mb->preemptions >= mg->what->preemptions) {
        mg->totals.bounded_preemption = true;
        count = 1;
    }
    if (count == 0)
        for (unsigned i = 0; i < MC_THREADS_MAX; i++)
            if (mx_may_time_out(i))
                list[count++] = i;
    if (count == 0)
        return MC_NO_THREAD;
    unsigned chosen = list[choose(count)];
    if (goes_on && chosen != current)
        mb->preemptions++;
    return chosen;
}

// ---- steps -----------------------------------------------------------------

// Fills `places` with the writes it may read, newest first.
static unsigned readable(unsigned thread, const mg_op *op, uint16_t *places) {
    const mg_location *location = &mg->location[op->location];
    uint16_t clock[MC_THREADS_MAX];
    mg_floor_clock(thread, clock);
    unsigned oldest = mg_oldest(location, clock);
    unsigned count = 0;
    for (unsigned place = location->count; place-- > oldest;) {
        uint64_t value;
        uint64_t found = mg_value_of(location, location->order[place]);
        if (mg_op_writes(op, thread, found, &value) &&
            mg_joined(location, place + 1))
            continue;
        if (op->does == MC_LOCK && found != 0)
            continue;
        places[count++] = (uint16_t)place;
        if (mg->what->stale != 0 && mb->stale >= mg->what->stale) {
            mg->totals.bounded_stale = true;
            break;
        }
    }
    return count;
}

static unsigned writable(const mg_node *node, const mg_op *op,
                         uint16_t *places) {
    const mg_location *location = &mg->location[op->location];
    if (node->e.reads) {
        places[0] = (uint16_t)(mg_place_of(node->e.from) + 1);
        return 1;
    }
    unsigned oldest = mg_oldest(location, node->e.clock);
    unsigned count = 0;
    for (unsigned place = location->count; place > oldest; place--)
        if (!mg_joined(location, place))
            places[count++] = (uint16_t)place;
    return count;
}

// Which of the ways a replay says.
static unsigned forced_way(const uint16_t *places, unsigned count,
                           unsigned wanted) {
    for (unsigned i = 0; i < count; i++)
        if (places[i] == wanted)
            return i;
    mb->misfit = mg->over = true;
    return 0;
}

// The step that a replay says; NULL: no replay.
static const forced *forced_now(void) {
    return mb->forced_count != 0 ? &mb->forced[mb->forced_at] : NULL;
}

static void do_access(unsigned thread) {
    uint16_t *places = mb->places;
    mg_op *op = &mg->thread[thread].op;
    const mg_location *location = &mg->location[op->location];
    const forced *f = forced_now();
    unsigned count = 0;
    if (mg_op_reads(op))
        count = readable(thread, op, places);
    mg_node *node = mg_add(thread, op);
    if (count != 0) {
        unsigned way = f != NULL ? forced_way(places, count,
                                              location->count - 1u - f->read)
                                 : choose(count);
        mb->stale += way != 0;
        mg_add_read(node, op, location->order[places[way]]);
    }
    uint64_t value;
    op->stored = mg_op_writes(op, thread, op->found, &value);
    if (op->stored) {
        count = writable(node, op, places);
        unsigned way =
            f != NULL ? forced_way(places, count, location->count - f->write)
                      : choose(count);
        mg_add_write(node, op, places[way]);
    }
}

static void step(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    const forced *f = forced_now();
    switch (t->op.does) {
    case MC_AWAIT: mx_next_round(thread); break;
    case MC_JOIN:
    case MC_SLEEP_END:
        mx_do_wait(thread, f != NULL && f->read != 0 ? 0 : mx_awaited(thread));
        break;
    case MC_CHOOSE:
        t->op.found = t->op.operand =
            f != NULL ? f->read : choose((unsigned)t->op.expected);
        (void)mg_add(thread, &t->op);
        break;
    default: do_access(thread);
    }
    if (!mg->over && !mx_allowed(&t->op))
        mg->over = true;
}

// A thread comes to mc_await: it goes on when something changes.
static void begin_wait(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    if (!t->ended && t->wants && t->op.does == MC_AWAIT && !t->stuck &&
        mx_is_round(thread)) {
        t->stuck = true;
        t->seen = writes_seen(thread);
    }
}

static void run_on(unsigned thread) {
    step(thread);
    if (mg->over)
        return;
    mx_resume(thread);
    mx_wake_new();
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        begin_wait(i);
}

bool mb_run(void) {
    if (mg->newly_shared) {
        mg->newly_shared = mb->begun = false;
        mb->known = 0;
        mg->totals.executions = mg->totals.pruned = 0;
    } else if (mb->begun && !advance()) {
        return false;
    }
    mb->begun = true;
    mb->depth = 0;
    mb->preemptions = mb->stale = 0;
    mx_begin();
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        begin_wait(i);
    unsigned current = MC_NO_THREAD;
    while (!mg->over && !mx_ended()) {
        // The kernel's look at a futex's word follows at once.
        if (current == MC_NO_THREAD || !mg->thread[current].beside)
            current = next_thread(current);
        if (current == MC_NO_THREAD)
            break;
        run_on(current);
    }
    mx_finish();
    return true;
}

// ---- replay ----------------------------------------------------------------

static bool parse(const char *text) {
    unsigned count = 0;
    while (*text != '\0' && count < MC_STEPS_MAX) {
        forced *f = &mb->forced[count++];
        memset(f, 0, sizeof(*f));
        if (*text < '0' || *text >= '0' + MC_THREADS_MAX)
            return false;
        f->thread = (uint8_t)(*text++ - '0');
        for (; *text == 'r' || *text == 'w'; text++) {
            char *end;
            uint16_t *to = *text == 'r' ? &f->read : &f->write;
            *to = (uint16_t)strtoul(text + 1, &end, 10);
            if (*end != '.')
                return false;
            text = end;
        }
    }
    mb->forced_count = count;
    return count != 0;
}

bool mb_replay(const char *schedule) {
    mb->begun = true;
    mb->depth = mb->known = 0;
    if (!parse(schedule))
        return false;
    mx_begin();
    for (mb->forced_at = 0; !mg->over && mb->forced_at < mb->forced_count;) {
        unsigned thread = mb->forced[mb->forced_at].thread;
        const mg_thread *t = &mg->thread[thread];
        if (!t->exists || t->ended)
            return false;
        bool looks = t->op.does == MC_AWAIT;
        run_on(thread);
        mb->forced_at += !looks;
    }
    if (!mb->misfit)
        mx_finish();
    return !mb->misfit;
}
