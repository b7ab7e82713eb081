// SPDX-License-Identifier: MIT
// Worlds in which processes are killed at random for a bounded time, and every
// result is checked:
//
//   soak_graph_procs [SECONDS [SEED]]     default: 3 seconds, seed 1
//
// A world has a group of processes of random shape, a pool, and somebody who
// kills, stops and continues processes from outside. Rounds of random tasks go
// through it: on threads and in processes, on cells of shared memory, alone and
// in groups, some of which crash, fail, overrun or are cancelled. Afterwards
// each task has had its effect once and succeeded, or has failed for a reason
// that can be, and the cells are what the same program would have made of them
// in one thread. Now and then the zygote is killed. Nothing is left of a world.
#include "support/graph_procs.h"

#include "base/random.h"

#include <inttypes.h>

enum { TASKS = 300, CELLS = 12, CHILDREN_MAX = 4, ROUNDS = 12 };

static uint64_t seed;
static uint64_t state; // of the plan

static uint32_t below(uint32_t bound) { return wr_random_below(&state, bound); }

static bool chance(uint32_t one_in) { return below(one_in) == 0; }

// ---- what tasks do ---------------------------------------------------------

typedef enum kind {
    ADD,      // to the cell, which must be good
    SET,      // the cell, which is good then
    FREE,     // no cell
    FAIL,     // returns an error
    CRASH,    // before it has done anything
    OVERRUN,  // takes longer than it may
    TOGETHER, // in several processes, that wait for each other
    KINDS
} kind;

typedef struct order {
    uint32_t index;
    kind kind;
    int64_t give_up_ns; // TOGETHER
} order;

// On the board: begun at BEGUN + index, done at DONE + index.
enum { BEGUN = 0, DONE = TASKS };

static int act(const weir_kernel_call *call, const order *o) {
    board *b = board_of(call);
    uint64_t value = o->index;
    switch (o->kind) {
    case ADD:
        memcpy(&value, call->data[1], sizeof(value));
        value = value * 3 + o->index;
        memcpy(call->data[1], &value, sizeof(value));
        return 0;
    case SET: memcpy(call->data[1], &value, sizeof(value)); return 0;
    case FREE: return 0;
    case FAIL: return weir_kernel_fail(call, -EIO, "task %u", o->index);
    case CRASH: abort();
    case OVERRUN:
        while (weir_now_ns() < o->give_up_ns)
            tally_add(&b->turn);
        return -ETIME;
    case TOGETHER:
        while (tally_get(&b->count[BEGUN + o->index]) < call->members)
            if (weir_now_ns() > o->give_up_ns)
                return -ETIME; // another member is dead
        return 0;
    case KINDS: break;
    }
    return -EPROTO;
}

static int act_run(const weir_kernel_call *call) {
    order o;
    memcpy(&o, call->arguments, sizeof(o));
    board *b = board_of(call);
    tally_add(&b->count[BEGUN + o.index]);
    int status = act(call, &o);
    tally_add(&b->count[DONE + o.index]);
    return status;
}

static const weir_kernel kernels[] = {{"act", act_run}};

// ---- who kills -------------------------------------------------------------

typedef struct killer {
    const world *world;
    uint64_t random;
    int zygote;
    tally stop;
    uint64_t kills;
} killer;

// A descriptor pins the process, so that its parent says whether it is one of
// ours still.
static int pin(const killer *k, unsigned index) {
    int pid = weir_procs_pid(k->world->procs, index);
    if (pid <= 0)
        return -1;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && parent_of(pid) == k->zygote)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void send(int fd, int number) {
    (void)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

static void *kill_main(void *arg) {
    static const int numbers[] = {SIGKILL, SIGKILL, SIGSEGV, SIGTERM};
    killer *k = arg;
    while (tally_get(&k->stop) == 0) {
        int64_t until_ns =
            weir_now_ns() + 50000 + wr_random_below(&k->random, 2000000);
        while (weir_now_ns() < until_ns && tally_get(&k->stop) == 0)
            sched_yield();
        unsigned children = k->world->procs_options.children;
        int fd = pin(k, wr_random_below(&k->random, children));
        if (fd < 0)
            continue;
        if (wr_random_below(&k->random, 4) == 0) {
            send(fd, SIGSTOP);
            for (int i = 0; i < 100; i++)
                sched_yield();
            send(fd, SIGCONT);
        }
        if (wr_random_below(&k->random, 3) > 0) {
            send(fd, numbers[wr_random_below(&k->random, 4)]);
            k->kills++;
        }
        close(fd);
    }
    return NULL;
}

// ---- the plan of a round ---------------------------------------------------

typedef struct plan {
    order order;
    uint32_t cell;
    uint32_t members;
    bool in_process;
    weir_task task;
    weir_task_outcome outcome;
} plan;

static plan plans[TASKS];

static void plan_one(const world *w, uint32_t index) {
    plan *p = &plans[index];
    *p = (plan){.order = {.index = index}, .members = 1};
    p->cell = below(CELLS);
    if (index < CELLS) { // a good beginning
        p->cell = index;
        p->order.kind = SET;
        return;
    }
    uint32_t by = below(1000);
    p->order.kind = by < 500   ? ADD
                    : by < 750 ? SET
                    : by < 940 ? FREE
                    : by < 960 ? FAIL
                    : by < 975 ? CRASH
                    : by < 980 ? OVERRUN
                               : TOGETHER;
    p->in_process = p->order.kind >= CRASH || !chance(4);
    if (p->order.kind == OVERRUN)
        p->order.give_up_ns = INT64_MAX;
    if (p->order.kind == TOGETHER) {
        p->members = 1 + below(w->procs_options.children);
        p->order.give_up_ns = in_ms(30);
    }
}

static int submit_one(world *w, const weir_buffer *cells, plan *p) {
    kind how = p->order.kind;
    weir_access access[2] = {
        w->access, WEIR_ACCESS(how == SET ? WEIR_WRITE : WEIR_READWRITE,
                               cells[p->cell], 0, WEIR_WHOLE)};
    weir_task_spec spec = spec_of(w, &kernels[0], &p->order, sizeof(p->order));
    spec.accesses = access;
    spec.accesses_count = how == FREE || how == TOGETHER ? 1 : 2;
    spec.members = p->members;
    spec.priority = (int32_t)below(3) - 1;
    spec.timeout_ns = how == OVERRUN ? 1000000 : 0;
    if (!p->in_process)
        spec.procs = NULL;
    return weir_flow_submit(w->flow, &spec, &p->task);
}

// ---- what came of it -------------------------------------------------------

static void wrong(const plan *p, const char *what) {
    const weir_task_outcome *o = &p->outcome;
    CHECK_FAIL("seed %" PRIu64 ", task %u, kind %d, %u members, in process "
               "%d: status %d, ran %d, signal %d, exit status %d, root %" PRIu64
               ", number %" PRIu64 ", reason \"%s\": %s",
               seed, p->order.index, (int)p->order.kind, p->members,
               p->in_process, o->status, o->ran, o->signal, o->exit_status,
               o->root, o->number, o->reason, what);
}

// A status that a task of this kind may have by itself.
static bool may_be(const plan *p, bool cancelled) {
    const weir_task_outcome *o = &p->outcome;
    bool killed = p->in_process && o->status == -EOWNERDEAD &&
                  o->exit_status == -1 && o->signal != 0;
    if (cancelled && o->status == -ECANCELED && !o->ran)
        return true;
    switch (p->order.kind) {
    case ADD:
    case SET:
    case FREE: return o->status == 0 || killed;
    case FAIL: return o->status == -EIO || killed;
    case CRASH: return killed;
    case OVERRUN: return o->status == -ETIMEDOUT || killed;
    case TOGETHER: return o->status == 0 || o->status == -ETIME || killed;
    case KINDS: break;
    }
    return false;
}

static void check_effect(const world *w, const plan *p) {
    const weir_task_outcome *o = &p->outcome;
    uint64_t begun = tally_get(&w->board->count[BEGUN + p->order.index]);
    uint64_t done = tally_get(&w->board->count[DONE + p->order.index]);
    if (begun > p->members)
        wrong(p, "it ran twice");
    if (o->status == 0 && (begun != p->members || done != p->members))
        wrong(p, "a success without its effect");
    if (!o->ran && begun != 0)
        wrong(p, "it ran, and says that it did not");
    if (p->order.kind == CRASH && done != 0)
        wrong(p, "it came back from the dead");
}

// The same program in one thread: of a cell, is it good, and what is in it?
typedef struct model {
    bool good;
    uint64_t value;
    uint64_t root; // if it is not
    int status;
} model;

static void step_model(model *cell, const plan *p, bool cancelled) {
    const weir_task_outcome *o = &p->outcome;
    kind how = p->order.kind;
    if (how != SET && !cell->good && !(cancelled && o->status == -ECANCELED)) {
        if (o->ran || o->status != cell->status || o->root != cell->root)
            wrong(p, "it read what is not there");
        return;
    }
    if (!may_be(p, cancelled))
        wrong(p, "no such end can be");
    if (o->status == 0) {
        cell->value =
            how == SET ? p->order.index : cell->value * 3 + p->order.index;
        cell->good = true;
        return;
    }
    if (cell->good || how == SET)
        *cell = (model){.root = o->root, .status = o->status};
}

static void check_round(const world *w, uint32_t count, bool cancelled,
                        const uint64_t *memory, bool zygote_killed) {
    model cells[CELLS] = {{0}};
    for (uint32_t i = 0; i < count; i++) {
        const plan *p = &plans[i];
        check_effect(w, p);
        if (zygote_killed && p->in_process && p->outcome.status == -EOWNERDEAD)
            continue; // with or without a process
        // A group that was cancelled when no process was left for a member that
        // had not begun: others may have.
        if (zygote_killed && cancelled && p->order.kind == TOGETHER &&
            p->outcome.status == -ECANCELED)
            continue;
        if (p->order.kind == FREE || p->order.kind == TOGETHER) {
            if (!may_be(p, cancelled))
                wrong(p, "no such end can be");
        } else if (!zygote_killed) {
            step_model(&cells[p->cell], p, cancelled);
        }
    }
    for (int i = 0; i < CELLS && !zygote_killed; i++)
        if (cells[i].good && memory[i] != cells[i].value)
            CHECK_FAIL("seed %" PRIu64 ": cell %d is %" PRIu64 ", not %" PRIu64,
                       seed, i, memory[i], cells[i].value);
}

// ---- rounds and worlds -----------------------------------------------------

static uint64_t tasks_in_all, failed_in_all;

static void round_of(world *w, const weir_buffer *cells, const uint64_t *memory,
                     killer *k, bool kill_zygote) {
    for (size_t i = 0; i < 2 * TASKS; i++)
        tally_set(&w->board->count[i], 0);
    w->flow = flow_of(w->graph);
    uint32_t cancel_at = chance(5) ? below(TASKS) : TASKS;
    uint32_t kill_at = kill_zygote ? below(TASKS) : TASKS;
    uint32_t count = 0;
    for (; count < TASKS && count < cancel_at; count++) {
        plan_one(w, count);
        if (submit_one(w, cells, &plans[count]) != 0) {
            CHECK(count > kill_at); // the zygote is dead
            break;
        }
        if (count == kill_at)
            CHECK_EQ(kill(k->zygote, SIGKILL), 0); // our child: nobody else's
    }
    bool cancelled = cancel_at < TASKS && count == cancel_at;
    if (cancelled)
        weir_flow_cancel(w->flow);
    for (uint32_t i = 0; i < count; i++) {
        plans[i].outcome = outcome_of(w, plans[i].task);
        tasks_in_all++;
        failed_in_all += plans[i].outcome.status != 0;
    }
    weir_flow_release(w->flow);
    w->flow = NULL;
    check_round(w, count, cancelled, memory, kill_at < count);
}

static uint64_t kills_in_all, crashes_in_all, back_in_all, timeouts_in_all;

static void world_of(int64_t end_ns) {
    world w;
    world_init(&w, kernels, 1, 1 + below(CHILDREN_MAX));
    w.procs_options.depth = 1u << below(6);
    world_open(&w);
    weir_flow_release(w.flow);
    uint64_t *memory = weir_zygote_alloc(w.zygote, CELLS * sizeof(*memory));
    CHECK(memory != NULL);
    weir_buffer cells[CELLS];
    for (int i = 0; i < CELLS; i++)
        cells[i] = buffer_of(w.graph, &memory[i], sizeof(*memory));
    killer k = {.world = &w, .random = wr_random_next(&state)};
    k.zygote = zygote_pid(&w);
    pthread_t thread = thread_start(kill_main, &k);
    bool zygote_dies = chance(4);
    for (int i = 0; i < ROUNDS && weir_now_ns() < end_ns; i++) {
        bool last = zygote_dies && i == ROUNDS / 2;
        round_of(&w, cells, memory, &k, last);
        if (last)
            break;
    }
    tally_add(&k.stop);
    thread_join(thread);
    // What was cancelled leaves the queue when its turn comes.
    weir_procs_counts c = procs_counts(w.procs);
    for (int64_t limit = in_ms(30000); c.queued + c.in_flight > 0;) {
        CHECK(weir_now_ns() < limit);
        sched_yield();
        c = procs_counts(w.procs);
    }
    kills_in_all += k.kills;
    crashes_in_all += c.crashes;
    timeouts_in_all += c.timeouts;
    back_in_all += c.given_back;
    weir_zygote_free(w.zygote, memory);
    world_close(&w);
}

int main(int argc, char **argv) {
    long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (argc > 3 || seconds <= 0) {
        fprintf(stderr, "usage: soak_graph_procs [SECONDS [SEED]]\n");
        return 2;
    }
    state = seed;
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int64_t end_ns = in_ms(seconds * 1000);
    unsigned worlds = 0;
    for (; weir_now_ns() < end_ns; worlds++)
        world_of(end_ns);
    printf("seed %" PRIu64 ": %u worlds, %" PRIu64 " tasks, %" PRIu64
           " failed, %" PRIu64 " signals, %" PRIu64
           " tasks lost with their process (%" PRIu64 " overran), %" PRIu64
           " taken back\n",
           seed, worlds, tasks_in_all, failed_in_all, kills_in_all,
           crashes_in_all, timeouts_in_all, back_in_all);
    return 0;
}
