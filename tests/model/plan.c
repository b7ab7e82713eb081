// SPDX-License-Identifier: MIT
// MC_EXHAUSTIVE: each execution graph once. The algorithm is TruSt
// (Kokologiannakis, Marmanis, Gladstein, Vafeiadis: "Truly stateless, optimal
// dynamic partial order reduction", POPL 2022):
//
//   1. The next event of the first thread that can go on is added.
//   2. A read may see each write that is there; one way is taken at once, the
//      others are kept as plans: graphs to begin with, later.
//   3. A write may go to each place of the modification order, likewise. And
//      each read of the object that came before and does not lead to the write
//      might have seen it: a plan without all that came after the read, except
//      what led to the write. It is kept only if what it leaves out had been
//      added in the plainest way, so that only one of many graphs makes it.
//   4. At the end the last plan that was kept is the next to begin with. It is
//      run again from the start, in an order in which each read comes after
//      what it sees.
//
// An event has two parts, read and write, each with the moment (stamp) when it
// came into the graph; a plan may have the read part of an event alone.
#include "model/graph.h"

#include <stdlib.h>
#include <string.h>

enum { STORE_BYTES = 1 << 30 };

typedef struct entry {
    uint64_t value; // MC_CHOOSE: what
    uint32_t stamp, write_stamp;
    uint16_t from;
    uint16_t rank; // of its write in the order; UINT16_MAX: it is to be added
    uint16_t location;
    uint8_t does;
} entry;

// A plan in the store: the entries of each thread, one after another, then its
// own size, so that the last can be found.
typedef struct kept {
    uint16_t count[MC_THREADS_MAX];
    uint32_t stamp;
} kept;

typedef struct plans {
    char *store;
    size_t used;
    bool begun;
    bool checked;  // seq_cst, when all of the plan was there
    unsigned left; // events of the plan that are not there yet
    uint32_t stamp;
    uint16_t count[MC_THREADS_MAX];
    entry entry[MC_THREADS_MAX][MC_STEPS_MAX + 1];
    // For a graph that is being thought of: what of it stays.
    uint16_t order[MG_WRITES_MAX];
} plans;

static plans *ml;

void ml_setup(void) {
    ml = mr_own(sizeof(*ml));
    ml->store = mr_own(STORE_BYTES);
}

void ml_reset(void) {
    ml->used = 0;
    ml->begun = false;
}

// ---- keeping plans ---------------------------------------------------------

// A graph like the one that is there, with a change.
typedef struct change {
    const mg_node *read;   // this one ...
    uint16_t from;         // ... reads from that, and has no write part
    const mg_node *write;  // this one goes ...
    uint16_t after;        // ... right after that write (a name)
    const mg_node *cut;    // the read that is visited again; NULL: all stays
    const mg_node *choice; // this one ...
    uint64_t value;        // ... takes that way
    unsigned expires;      // the sleep of that thread - 1 times out; 0: none
} change;

static bool leads_to(const mg_node *event, const mg_node *to) {
    return to->porf[event->e.thread] >= event->e.index;
}

// Does the read part of an event stay when `cut` is visited again by `write`?
static bool stays(const mg_node *node, const change *c) {
    return c->cut == NULL || node->stamp <= c->cut->stamp ||
           leads_to(node, c->write);
}

static bool write_stays(const mg_node *node, const change *c) {
    if (!node->e.writes || node == c->read)
        return false;
    return c->cut == NULL || node->write_stamp <= c->cut->stamp ||
           (leads_to(node, c->write) && node != c->write);
}

// The order of an object as it will be, into ml->order from 1 on. Without
// c->write, which goes in later.
static unsigned order_after(const mg_location *location, const change *c) {
    unsigned count = 1;
    ml->order[0] = 0;
    for (unsigned i = 1; i < location->count; i++)
        if (write_stays(mg_node_of(location->order[i]), c))
            ml->order[count++] = location->order[i];
    return count;
}

static uint16_t rank_of(const mg_node *node, const change *c) {
    // Gaps of two, so that the new one fits between.
    if (node == c->write)
        return (uint16_t)(2 * mg_place_of(c->after) + 1);
    return write_stays(node, c) ? (uint16_t)(2 * node->place) : UINT16_MAX;
}

static void *take_room(size_t bytes) {
    if (ml->used + bytes + 64 > STORE_BYTES) {
        fputs("model: too many plans are kept\n", stderr);
        exit(2);
    }
    void *room = ml->store + ml->used;
    ml->used += (bytes + 7) & ~(size_t)7;
    return room;
}

static void keep(const change *c) {
    size_t before = ml->used;
    kept *head = take_room(sizeof(*head));
    head->stamp = mg->stamp;
    for (unsigned t = 0; t < MC_THREADS_MAX; t++) {
        unsigned count = mg->thread[t].count;
        head->count[t] = 0;
        for (unsigned i = 1; i <= count; i++) {
            const mg_node *node = &mg->node[t][i];
            if (!stays(node, c))
                break;
            entry *to = take_room(sizeof(*to));
            *to = (entry){.value = node == c->choice ? c->value : node->e.value,
                          .from = node == c->read ? c->from : node->e.from,
                          .stamp = node->stamp,
                          .write_stamp = node->write_stamp,
                          .rank = rank_of(node, c),
                          .location = node->e.location,
                          .does = node->e.does};
            head->count[t]++;
        }
        if (c->expires == t + 1) {
            entry *to = take_room(sizeof(*to));
            *to = (entry){.stamp = ++head->stamp,
                          .rank = UINT16_MAX,
                          .location = (uint16_t)mg->thread[t].op.location,
                          .does = MC_SLEEP_END};
            head->count[t]++;
        }
    }
    size_t bytes = ml->used - before;
    *(size_t *)take_room(sizeof(bytes)) = bytes + sizeof(bytes);
}

static bool take_last(void) {
    memset(ml->count, 0, sizeof(ml->count));
    ml->stamp = 0;
    ml->left = 0;
    if (!ml->begun) {
        ml->begun = true;
        return true;
    }
    if (ml->used == 0)
        return false;
    size_t bytes = *(size_t *)(void *)(ml->store + ml->used - sizeof(size_t));
    ml->used -= bytes;
    const kept *head = (const kept *)(const void *)(ml->store + ml->used);
    const entry *from =
        (const entry *)(const void *)((const char *)head +
                                      ((sizeof(*head) + 7) & ~(size_t)7));
    ml->stamp = head->stamp;
    for (unsigned t = 0; t < MC_THREADS_MAX; t++) {
        ml->count[t] = head->count[t];
        ml->left += head->count[t];
        memcpy(&ml->entry[t][1], from, head->count[t] * sizeof(*from));
        from += head->count[t];
    }
    return true;
}

// ---- following a plan ------------------------------------------------------

static const entry *planned(unsigned thread) {
    unsigned next = mg->thread[thread].count + 1;
    return next <= ml->count[thread] ? &ml->entry[thread][next] : NULL;
}

static void check_fits(const mg_node *node, const entry *plan) {
    if (plan->does == node->e.does && plan->location == node->e.location)
        return;
    fputs("model: the program is not deterministic: a thread does something "
          "else after the same past\n",
          stderr);
    exit(2);
}

void ml_stamp(mg_node *node) {
    unsigned index = node->e.index;
    if (index <= ml->count[node->e.thread]) {
        const entry *plan = &ml->entry[node->e.thread][index];
        check_fits(node, plan);
        node->stamp = plan->stamp;
        node->write_stamp = plan->write_stamp;
        node->rank = plan->rank;
        ml->left--;
        return;
    }
    node->stamp = node->write_stamp = ++mg->stamp;
}

static bool is_there(uint16_t name) {
    return name == 0 ||
           mg->thread[mg_thread_of(name)].count >= mg_index_of(name);
}

// Can the next event of a thread be run again now?
static bool ready(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    const entry *plan = planned(thread);
    if (plan == NULL || !t->wants || t->half || !is_there(plan->from))
        return false;
    if (t->op.does == MC_AWAIT)
        return true;
    if (t->op.does == MC_JOIN)
        return mx_awaited(thread) != 0;
    return plan->from == 0 || !mg_op_reads(&t->op) ||
           mg_node_of(plan->from)->e.writes;
}

static unsigned place_for(const mg_location *location, uint16_t rank) {
    unsigned place = 1;
    while (place < location->count &&
           mg_node_of(location->order[place])->rank < rank)
        place++;
    return place;
}

// ---- going back to reads ---------------------------------------------------

// Is `node`, of those that may be left out, added in the plainest way?
static bool seen_before(const mg_node *write, uint32_t stamp,
                        const mg_node *by) {
    return write->write_stamp <= stamp || (write != by && leads_to(write, by));
}

// No write that was there at `stamp`, or leads to `by`, is newer than `place`.
static bool is_newest(const mg_location *location, unsigned place,
                      uint32_t stamp, const mg_node *by, const mg_node *own) {
    for (unsigned i = place + 1; i < location->count; i++) {
        const mg_node *write = mg_node_of(location->order[i]);
        if (write != own && seen_before(write, stamp, by))
            return false;
    }
    return true;
}

static bool read_is_plain(const mg_node *node, const mg_node *by) {
    const mg_location *location = &mg->location[node->e.location];
    uint16_t from = node->e.from;
    if (from != 0 && !seen_before(mg_node_of(from), node->stamp, by))
        return false;
    return is_newest(location, mg_place_of(from), node->stamp, by, node);
}

static bool write_is_plain(const mg_node *node, const mg_node *by) {
    const mg_location *location = &mg->location[node->e.location];
    uint16_t name = mg_name(node->e.thread, node->e.index);
    for (unsigned i = 0; i < location->reads; i++) {
        const mg_node *read = mg_node_of(location->readers[i]);
        if (read->e.from == name && read->stamp < node->write_stamp)
            return false;
    }
    return is_newest(location, node->place, node->write_stamp, by, node);
}

static bool is_plain(const mg_node *node, const mg_node *by) {
    if (node->e.does == MC_CHOOSE)
        return node->e.value == 0;
    return !node->e.reads || read_is_plain(node, by);
}

// May `c->cut` be visited again: was all that goes added in the plainest way?
static bool may_visit(const change *c) {
    if (!read_is_plain(c->cut, c->write))
        return false;
    for (unsigned i = 0; i < mg->steps; i++) {
        const mg_node *node = mg_node_of(mg->trace[i]);
        if (node == c->write)
            continue;
        if (!stays(node, c) && !is_plain(node, c->write))
            return false;
        if (node->e.writes && !write_stays(node, c) &&
            !write_is_plain(node, c->write))
            return false;
    }
    return true;
}

// The oldest place in ml->order that is ordered before `clock`, as mg_oldest.
static unsigned oldest_after(const mg_location *location, unsigned count,
                             const uint16_t *clock) {
    unsigned oldest = count - 1;
    while (oldest > 0 && !mg_ordered(ml->order[oldest], clock))
        oldest--;
    for (unsigned i = 0; i < location->reads; i++) {
        if (!mg_ordered(location->readers[i], clock))
            continue;
        uint16_t from = mg_node_of(location->readers[i])->e.from;
        for (unsigned k = oldest + 1; k < count; k++)
            if (ml->order[k] == from)
                oldest = k;
    }
    return oldest;
}

static bool joined_after(unsigned count, unsigned place) {
    if (place >= count || place == 0)
        return false;
    const mg_node *node = mg_node_of(ml->order[place]);
    return node->e.reads && node->e.from == ml->order[place - 1];
}

// A write of `op` comes to `node`: each read of before that could see it.
static void visit_again(mg_node *write, mg_node *read) {
    const mg_location *location = &mg->location[write->e.location];
    change c = {.read = read,
                .from = mg_name(write->e.thread, write->e.index),
                .write = write,
                .cut = read};
    if (!may_visit(&c))
        return;
    unsigned count = order_after(location, &c);
    unsigned lowest = oldest_after(location, count, read->floor);
    unsigned oldest = oldest_after(location, count, write->e.clock);
    for (unsigned place = oldest + 1; place <= count; place++) {
        if (joined_after(count, place) || place <= lowest)
            continue;
        c.after = ml->order[place - 1];
        if (!write->e.reads || c.after == write->e.from)
            keep(&c);
    }
}

static void visit_all_again(mg_node *write) {
    const mg_location *location = &mg->location[write->e.location];
    for (unsigned i = 0; i < location->reads; i++) {
        mg_node *read = mg_node_of(location->readers[i]);
        if (read != write && !leads_to(read, write))
            visit_again(write, read);
    }
}

// ---- new events ------------------------------------------------------------

// Where a new read sees its value; the other ways are kept.
static uint16_t new_read(const mg_node *node, const mg_op *op) {
    const mg_location *location = &mg->location[op->location];
    unsigned newest = location->count - 1;
    for (unsigned place = mg_oldest(location, node->floor); place < newest;
         place++) {
        // A lock that is seen held is waited for: only the newest matters.
        if (op->does == MC_LOCK &&
            mg_value_of(location, location->order[place]) != 0)
            continue;
        change c = {.read = node, .from = location->order[place]};
        keep(&c);
    }
    return location->order[newest];
}

// Where a new write goes; the other ways are kept. 0: nowhere.
static unsigned new_write(mg_node *node) {
    const mg_location *location = &mg->location[node->e.location];
    visit_all_again(node);
    if (node->e.reads) {
        unsigned place = mg_place_of(node->e.from) + 1;
        return mg_joined(location, place) ? 0 : place;
    }
    unsigned oldest = mg_oldest(location, node->e.clock);
    for (unsigned place = oldest + 1; place < location->count; place++) {
        if (mg_joined(location, place))
            continue;
        change c = {.write = node, .after = location->order[place - 1]};
        keep(&c);
    }
    return location->count;
}

static void do_read(unsigned thread, const entry *plan) {
    mg_thread *t = &mg->thread[thread];
    mg_op *op = &t->op;
    mg_node *node = mg_add(thread, op);
    ml_stamp(node);
    if (mg_op_reads(op))
        mg_add_read(node, op, plan != NULL ? plan->from : new_read(node, op));
    uint64_t value;
    op->stored = mg_op_writes(op, thread, op->found, &value);
    t->stuck = op->does == MC_LOCK && !op->stored;
    t->half = op->stored;
    if (op->stored && plan != NULL && plan->rank != UINT16_MAX) {
        mg_location *location = &mg->location[op->location];
        mg_add_write(node, op, place_for(location, plan->rank));
        t->half = false;
    }
}

// The write part of an event whose read part is there.
static void do_write(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    mg_node *node = &mg->node[thread][t->count];
    t->half = false;
    node->write_stamp = ++mg->stamp;
    unsigned place = new_write(node);
    if (place == 0)
        mg->over = true;
    else
        mg_add_write(node, &t->op, place);
}

static void do_choice(unsigned thread, const entry *plan) {
    mg_op *op = &mg->thread[thread].op;
    mg_node *node = mg_add(thread, op);
    ml_stamp(node);
    for (unsigned way = 1; plan == NULL && way < op->expected; way++) {
        change c = {.choice = node, .value = way};
        keep(&c);
    }
    op->found = node->e.value = plan != NULL ? plan->value : 0;
}

// seq_cst is checked as the plan is followed, and once as a whole.
static bool allowed(const mg_op *op) {
    if (ml->checked)
        return mx_allowed(op);
    ml->checked = ml->left == 0;
    return mg_consistent();
}

// Round again, to be sure that it is a loop; then for ever: if what it looks at
// changes, that is another graph.
static void do_await(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    t->stuck = mx_is_round(thread);
    if (!t->stuck)
        mx_next_round(thread);
}

// False: there is no such graph.
static bool do_one(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    const entry *plan = planned(thread);
    if (t->half) {
        do_write(thread);
    } else if (t->op.does == MC_AWAIT) {
        do_await(thread);
        return true;
    } else if (t->op.does == MC_JOIN || t->op.does == MC_SLEEP_END) {
        mx_do_wait(thread, plan != NULL ? plan->from : mx_awaited(thread));
    } else if (t->op.does == MC_CHOOSE) {
        do_choice(thread, plan);
    } else {
        do_read(thread, plan);
        // Of a plan, all that is there comes first.
        if (t->half && plan == NULL)
            do_write(thread);
    }
    return !mg->over &&
           (ml->left > 0 && t->op.order != MC_SEQ_CST ? true : allowed(&t->op));
}

static void step(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    if (!do_one(thread))
        mg->over = true;
    if (mg->over || t->stuck || t->half)
        return;
    mx_resume(thread);
    mx_wake_new();
}

// ---- an execution ----------------------------------------------------------

static bool can_go(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    if (!t->wants || t->stuck)
        return false;
    if (t->op.does == MC_JOIN || t->op.does == MC_SLEEP_END)
        return mx_awaited(thread) != 0;
    return true;
}

// The first thread for which `test` is so.
static unsigned first(bool (*test)(unsigned thread)) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (mg->thread[i].exists && !mg->thread[i].ended && test(i))
            return i;
    return MC_NO_THREAD;
}

static bool is_half(unsigned thread) { return mg->thread[thread].half; }

// Nobody can go on but by the end of a time: the first one's here, another's in
// plans.
static unsigned times_out(void) {
    unsigned thread = first(mx_may_time_out);
    for (unsigned i = thread + 1; i < MC_THREADS_MAX; i++) {
        change c = {.expires = i + 1};
        if (mx_may_time_out(i))
            keep(&c);
    }
    return thread;
}

static unsigned next_thread(void) {
    unsigned thread = first(ready);
    if (thread != MC_NO_THREAD)
        return thread;
    if (ml->left > 0) {
        fputs("model: a plan cannot be followed\n", stderr);
        exit(2);
    }
    thread = first(is_half);
    if (thread == MC_NO_THREAD)
        thread = first(can_go);
    return thread != MC_NO_THREAD ? thread : times_out();
}

bool ml_run(void) {
    if (!take_last())
        return false;
    mg->stamp = ml->stamp;
    ml->checked = false;
    mx_begin();
    while (!mg->over) {
        unsigned thread = next_thread();
        if (thread == MC_NO_THREAD)
            break;
        step(thread);
    }
    mx_finish();
    return true;
}
