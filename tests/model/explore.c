// SPDX-License-Identifier: MIT
// What both ways of exploring share: an execution's beginning and end, threads
// and their wishes, what waits need, schedules as text.
#include "model/graph.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// ---- threads ---------------------------------------------------------------

void mx_want(unsigned thread) {
    mg->thread[thread].wants = true;
    mr_pause();
}

void mx_resume(unsigned thread) {
    mg->thread[thread].wants = false;
    mg->self = thread;
    mr_resume(thread);
    mg->self = MC_NO_THREAD;
}

void mx_wake_new(void) {
    for (unsigned i = 0; i < MC_THREADS_MAX && !mg->over; i++)
        if (mg->thread[i].exists && mg->thread[i].count == 0) {
            mx_resume(i);
            if (mg->totals.threads < i + 1)
                mg->totals.threads = i + 1;
        }
}

static void check_steps(void) {
    unsigned most = mg->what->steps != 0 ? mg->what->steps : MG_STEPS_DEFAULT;
    if (mg->steps + 2 >= MC_STEPS_MAX || mg->steps >= most)
        mc_report(MC_ENDLESS, "more than %u steps", mg->steps);
}

mg_node *mx_at_once(unsigned thread, const mg_op *op) {
    check_steps();
    mg_node *node = mg_add(thread, op);
    if (mg->graph)
        ml_stamp(node);
    return node;
}

void mx_begin(void) {
    memset(mg->thread, 0, sizeof(mg->thread));
    mg->over = false;
    mr_begin();
    ma_begin();
    mh_begin();
    mg_memory_begin();
    mg_make_first();
    mx_wake_new();
}

bool mx_ended(void) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (mg->thread[i].exists && !mg->thread[i].ended)
            return false;
    return true;
}

bool mx_allowed(const mg_op *op) {
    check_steps();
    // What is not seq_cst matters only between fences that are.
    return (op->order != MC_SEQ_CST && !mg->fences) || mg_consistent();
}

// ---- waits -----------------------------------------------------------------

uint16_t mx_awaited(unsigned thread) {
    const mg_op *op = &mg->thread[thread].op;
    if (op->does == MC_JOIN) {
        const mg_thread *other = &mg->thread[op->operand];
        return other->ended ? mg_name((unsigned)op->operand, other->count) : 0;
    }
    return mg_woken_by(&mg->location[op->location], thread);
}

bool mx_may_time_out(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    return t->exists && !t->ended && t->op.does == MC_SLEEP_END && t->op.timed;
}

void mx_do_wait(unsigned thread, uint16_t from) {
    mg_thread *t = &mg->thread[thread];
    mg_node *node = mg_add(thread, &t->op);
    t->op.found = from == 0;
    mg->read_option[node->at] = from == 0;
    if (mg->graph)
        ml_stamp(node);
    if (t->op.does == MC_JOIN) {
        mg_learn(node, from);
        return;
    }
    node->e.from = from;
    node->e.found = t->op.found;
    if (from != 0)
        mg_join(t->porf, mg_node_of(from)->porf);
    memcpy(node->porf, t->porf, sizeof(node->porf));
}

// ---- ends ------------------------------------------------------------------

// Did all that a thread looked at since its last mc_await come from the newest
// writes?
static bool looks_in_vain(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    for (unsigned i = t->looked + 1; i <= t->count; i++) {
        const mg_node *node = &mg->node[thread][i];
        if (!node->e.reads)
            continue;
        const mg_location *location = &mg->location[node->e.location];
        unsigned newest = location->count - 1;
        if (node->e.writes ? node->place != newest
                           : mg_place_of(node->e.from) != newest)
            return false;
    }
    return true;
}

bool mx_is_round(unsigned thread) {
    enum { ROUNDS_MAX = 3 }; // a loop may do something else each time
    const mg_thread *t = &mg->thread[thread];
    const mg_node *node = mg->node[thread];
    unsigned length = t->count - t->looked;
    if (t->rounds >= ROUNDS_MAX)
        return true;
    if (t->looked_before == t->looked || t->looked - t->looked_before != length)
        return false;
    for (unsigned i = 1; i <= length; i++) {
        const mc_event *now = &node[t->looked + i].e;
        const mc_event *before = &node[t->looked_before + i].e;
        if (now->does != before->does || now->site != before->site ||
            now->location != before->location)
            return false;
    }
    return true;
}

void mx_next_round(unsigned thread) {
    mg_thread *t = &mg->thread[thread];
    t->rounds = t->stuck ? 0 : t->rounds + 1;
    t->looked_before = t->looked;
    t->looked = t->count;
    t->stuck = false;
}

static bool waits_truly(unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    if (t->op.does == MC_AWAIT)
        return looks_in_vain(thread);
    if (t->op.does == MC_LOCK && t->stuck) {
        const mg_node *node = &mg->node[thread][t->count];
        return mg_place_of(node->e.from) ==
               mg->location[node->e.location].count - 1;
    }
    return true;
}

static int say(char *out, size_t room, unsigned thread) {
    const mg_thread *t = &mg->thread[thread];
    char name[160] = "";
    const void *address = mc_location_address(t->op.location);
    if (address != NULL)
        ma_name(address, name, sizeof(name));
    static const char *const what[MC_DOS] = {
        [MC_LOCK] = "waits for the lock",
        [MC_SLEEP_END] = "sleeps at",
        [MC_JOIN] = "waits for the end of thread",
        [MC_AWAIT] = "looks again and again at what does not change",
    };
    const char *does = what[t->op.does];
    if (t->op.does == MC_JOIN)
        snprintf(name, sizeof(name), "%u", (unsigned)t->op.operand);
    return snprintf(out, room, "%sthread %u %s %s", thread == 0 ? "" : "; ",
                    thread, does != NULL ? does : "wants", name);
}

static void deadlock(void) {
    char text[800] = "";
    size_t used = 0;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++) {
        const mg_thread *t = &mg->thread[i];
        if (t->exists && !t->ended && used + 200 < sizeof(text))
            used += (size_t)say(text + used, sizeof(text) - used, i);
    }
    mc_report(MC_DEADLOCK, "nobody can go on: %s", text);
}

static void note_outcome(void) {
    if (!mg->has_outcome)
        return;
    size_t at = 0;
    while (at < mg->outcomes && mg->outcome_list[at] < mg->outcome)
        at++;
    if (at < mg->outcomes && mg->outcome_list[at] == mg->outcome)
        return;
    if (mg->outcomes == MG_OUTCOMES_MAX) {
        fputs("model: too many outcomes\n", stderr);
        exit(2);
    }
    memmove(mg->outcome_list + at + 1, mg->outcome_list + at,
            (mg->outcomes - at) * sizeof(mg->outcome));
    mg->outcome_list[at] = mg->outcome;
    mg->outcomes++;
}

size_t mc_outcomes(const uint64_t **out) {
    *out = mg->outcome_list;
    return mg->outcomes;
}

void mx_finish(void) {
    mg->totals.steps += mg->steps;
    if (mg->failed)
        return;
    if (mg->totals.longest < mg->steps)
        mg->totals.longest = mg->steps;
    bool pruned = mg->over;
    for (unsigned i = 0; !pruned && i < MC_THREADS_MAX; i++) {
        const mg_thread *t = &mg->thread[i];
        pruned = t->exists && !t->ended && !waits_truly(i);
    }
    if (pruned) {
        mg->totals.pruned++;
        return;
    }
    mg->totals.executions++;
    if (!mx_ended()) {
        deadlock();
        return;
    }
    mh_end();
    note_outcome();
}

// ---- what others ask -------------------------------------------------------

unsigned mc_trace_count(void) { return mg->steps; }

const mc_event *mc_trace_event(unsigned at) {
    return &mg_node_of(mg->trace[at])->e;
}

unsigned mc_trace_at(uint16_t name) { return mg_node_of(name)->at; }

const char *mc_trace_note(unsigned at) {
    for (unsigned i = 0; i < mg->notes; i++)
        if (mg->note[i].at == at)
            return mg->note[i].text;
    return NULL;
}

// Events that are added at once follow from the others.
static bool is_decided(const mc_event *event) {
    switch (event->does) {
    case MC_LOCK: return event->writes; // one that finds it held waits
    case MC_INIT:
    case MC_FENCE:
    case MC_SPAWN:
    case MC_START:
    case MC_END: return false;
    default: return true;
    }
}

const char *mc_schedule(char *out, size_t room) {
    size_t used = 0;
    for (unsigned i = 0; i < mg->steps && used + 24 < room; i++) {
        const mc_event *event = mc_trace_event(i);
        if (!is_decided(event))
            continue;
        used += (size_t)snprintf(out + used, room - used, "%u", event->thread);
        unsigned read = event->does == MC_CHOOSE ? (unsigned)event->value
                                                 : mg->read_option[i];
        if (read != 0)
            used += (size_t)snprintf(out + used, room - used, "r%u.", read);
        if (mg->write_option[i] != 0)
            used += (size_t)snprintf(out + used, room - used, "w%u.",
                                     mg->write_option[i]);
    }
    out[used] = '\0';
    return out;
}

// ---- cases -----------------------------------------------------------------

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void mc_setup(void) {
    mg_memory_setup();
    mg_seqcst_setup();
    mb_setup();
    ml_setup();
    mr_setup();
}

static void start_case(const mc_case *what) {
    mg_memory_forget();
    memset(&mg->totals, 0, sizeof(mg->totals));
    mg->what = what;
    mg->graph = what->mode == MC_EXHAUSTIVE;
    mg->failed = mg->newly_shared = false;
    mg->outcomes = 0;
    mb_reset();
    ml_reset();
}

void mc_explore(const mc_case *what, double seconds, mc_totals *totals) {
    start_case(what);
    double start = seconds_now();
    for (uint64_t ran = 1; mg->graph ? ml_run() : mb_run(); ran++) {
        if (mg->failed)
            break;
        bool late =
            seconds > 0 && ran % 256 == 0 && seconds_now() - start > seconds;
        bool enough = what->executions_max != 0 &&
                      mg->totals.executions >= what->executions_max;
        if (late || enough) {
            mg->totals.cut = true;
            break;
        }
    }
    *totals = mg->totals;
}

void mc_replay(const mc_case *what, const char *schedule, mc_totals *totals) {
    start_case(what);
    mg->graph = false;
    if (!mb_replay(schedule))
        fputs("model: that schedule does not fit this program\n", stderr);
    *totals = mg->totals;
}
