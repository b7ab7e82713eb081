// SPDX-License-Identifier: MIT
// A worker process: takes tasks out of its mailbox, one after the other. It has
// one thread, a copy of the program's memory as the zygote had it, and nobody
// who would clean up after it: whatever goes wrong ends it.
#include "graph/endpoint.h"
#include "graph/mailbox.h"
#include "graph/zygote.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SPIN_NS = 50000, // looks so long for the next task before it sleeps
    SPIN_STEPS = 32, // between looks at the clock
    YIELD_NS = 5000, // between letting others have the CPU
};

typedef struct worker {
    weir_zygote *zygote;
    wr_mailbox *mail;
    wr_mail_group *group;
    uint64_t position; // of the next task: its frame is position % depth
    uint64_t stride;
    size_t payload;
    uint32_t depth;
    uint32_t index;
    bool spins; // a CPU may be to spare for it
    wr_forkmark mark;
    wr_call call;
    int (*loaded[WR_LOADED_MAX])(const weir_kernel_call *call);
} worker;

// ---- outcomes --------------------------------------------------------------

// The keeper takes back rung before it looks: whoever finds it set is seen.
// Without the bell, which a kernel has closed, nobody would come: the end of
// the process is seen.
static void ring(worker *self) {
    static const uint64_t one = 1;
    if (wr_exchange(&self->group->rung, 1, seq_cst, MAIL_4,
                    "after the outcome; the keeper clears, then looks") == 0 &&
        write(self->zygote->bell.write_fd, &one, sizeof(one)) < 0 &&
        errno == EBADF)
        _exit(125);
}

static void finish(worker *self, wr_mail_frame *frame, uint64_t word,
                   int status, bool unrun) {
    size_t size = strnlen(self->call.reason, WEIR_REASON_MAX - 1);
    if (size > 0)
        memcpy(wr_frame_reason(frame, self->payload), self->call.reason, size);
    frame->reason_size = (uint32_t)size;
    frame->status = status;
    frame->unrun = unrun;
    frame->number_back = self->call.call.number;
    frame->word_back = word;
    frame->end_ns = wr_now_ns();
    uint64_t done = word - WR_FRAME_PUBLISHED + WR_FRAME_DONE;
    wr_store(&frame->word, done, seq_cst, MAIL_2, "the outcome is written");
    if (wr_load(&self->group->spinners, seq_cst, MAIL_3,
                "after the store of DONE: see linger") == 0)
        ring(self);
}

// ---- kernels ---------------------------------------------------------------

static int refuse(worker *self, const char *why) {
    snprintf(self->call.reason, sizeof(self->call.reason), "%s", why);
    for (char *at = self->call.reason; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    return -ENOENT;
}

static int load(worker *self, uint32_t index) {
    const wr_zygote_board *board = self->zygote->board;
    if (index >= wr_load(&board->loaded_count, acquire, LOADED_1,
                         "then the entry may be read"))
        return refuse(self, "the process knows no such kernel");
    const wr_loaded_kernel *entry = &board->loaded[index];
    void *library = dlopen(entry->library, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library == NULL ? NULL : dlsym(library, entry->symbol);
    if (symbol == NULL) {
        const char *why = dlerror();
        int status = refuse(self, why == NULL ? "the symbol is null" : why);
        if (library != NULL)
            dlclose(library);
        return status;
    }
    // A function and an object have pointers of one size here: dlsym(3).
    memcpy(&self->loaded[index], &symbol, sizeof(symbol));
    return 0;
}

static int run(worker *self, uint32_t kernel) {
    if (kernel < self->zygote->known_count)
        return wr_call_run(&self->call, self->zygote->known[kernel].run);
    uint32_t index = kernel - self->zygote->known_count;
    if (index >= WR_LOADED_MAX)
        return refuse(self, "the process knows no such kernel");
    if (self->loaded[index] == NULL) {
        int error = load(self, index);
        if (error != 0)
            return error;
    }
    return wr_call_run(&self->call, self->loaded[index]);
}

static void work(worker *self, wr_mail_frame *frame, uint64_t word) {
    self->call.call = (weir_kernel_call){
        .arguments = wr_frame_arguments(frame),
        .arguments_size = frame->arguments_size,
        .data = wr_frame_data(frame, frame->arguments_size),
        .data_count = frame->data_count,
        .member = frame->member,
        .members = frame->members,
        .worker = self->index,
        .number = frame->number,
    };
    self->call.told = &frame->told;
    self->call.reason[0] = '\0';
    // What was cancelled while it lay here does not begin; but a member of a
    // group does, for the others may wait for it.
    bool unrun = frame->members == 1 &&
                 wr_load(&frame->told, relaxed, ALONE,
                         "a hint: it may begin as it is cancelled") != 0;
    int status = unrun ? -ECANCELED : run(self, frame->kernel);
    // A kernel that forks comes back twice. The copy is nobody's.
    if (wr_forkmark_forked(&self->mark))
        _exit(0);
    finish(self, frame, word, status, unrun);
}

// ---- looking for work ------------------------------------------------------

static bool stopped(worker *self) {
    return wr_load(&self->mail->stop, seq_cst, MAIL_6,
                   "between asleep and the sleep, as the frame") != 0;
}

static void leave(void) {
    fflush(NULL);
    _exit(0);
}

static bool published(uint64_t word) {
    return word % WR_FRAME_STATES == WR_FRAME_PUBLISHED;
}

// Does a thread of the program wait on this very CPU? Then it can only go on,
// and give more work, when this process lets it.
static bool in_the_way(worker *self, uint32_t cpu) {
    return wr_load(&self->group->spinners, relaxed, ALONE, "a hint to yield") !=
               0 &&
           wr_load(&self->group->cpu, relaxed, ALONE, "a hint to yield") == cpu;
}

// Looks for a while, and returns the word, of a state other than published if
// there was nothing.
static uint64_t spin(worker *self, wr_mail_frame *frame) {
    int64_t end_ns = 0;
    int64_t yield_ns = 0;
    uint32_t cpu = (uint32_t)(wr_cpu_current() + 1);
    wr_store(&self->mail->cpu, cpu, relaxed, ALONE, "a hint to yield");
    for (unsigned steps = 0;; steps++) {
        uint64_t word =
            wr_load(&frame->word, acquire, MAIL_1, "then the task may be read");
        if (published(word) || !self->spins)
            return word;
        if (stopped(self))
            return word;
        if (steps % SPIN_STEPS == 1) {
            int64_t now_ns = wr_now_ns();
            if (end_ns == 0) {
                end_ns = now_ns + SPIN_NS;
                yield_ns = now_ns + YIELD_NS;
            } else if (now_ns >= end_ns) {
                return word;
            } else if (now_ns >= yield_ns || in_the_way(self, cpu)) {
                // The thread that will publish may be one of them.
                wr_thread_yield();
                yield_ns = wr_now_ns() + YIELD_NS;
            }
        }
        wr_spin_pause();
    }
}

// Sleeps until there may be something.
static void sleep_once(worker *self, wr_mail_frame *frame) {
    wr_mailbox *mail = self->mail;
    wr_store(&mail->asleep, 1, seq_cst, MAIL_5,
             "before the last look: the program publishes, then looks here");
    uint64_t word = wr_load(&frame->word, seq_cst, MAIL_5,
                            "after asleep was set; MAIL_1 for the task");
    if (!published(word) && !stopped(self)) {
        wr_fetch_add(&mail->sleeps, 1, relaxed, ALONE, "a count");
        wr_shared_wait(&mail->asleep, 1);
    }
    wr_store(&mail->asleep, 0, relaxed, ALONE, "awake: a wake more is no harm");
}

// The word of a published frame.
static uint64_t await(worker *self, wr_mail_frame *frame) {
    for (;;) {
        uint64_t word = spin(self, frame);
        if (published(word))
            return word;
        if (stopped(self))
            leave();
        sleep_once(self, frame);
    }
}

static _Noreturn void serve(worker *self) {
    for (;;) {
        wr_mail_frame *frame = wr_mail_frame_at(self->mail, self->stride,
                                                self->position % self->depth);
        uint64_t word = await(self, frame);
        // Before it is taken, so that the keeper finds it there.
        frame->begin_ns = wr_now_ns();
        uint64_t expected = word;
        uint64_t started = word - WR_FRAME_PUBLISHED + WR_FRAME_STARTED;
        if (!wr_compare_exchange(&frame->word, &expected, started, acq_rel,
                                 MAIL_1, "whoever changes it has the task"))
            continue; // taken back
        work(self, frame, word);
        self->position++;
    }
}

static void say(worker *self, uint32_t state) {
    wr_store(&self->mail->state, state, seq_cst, MAIL_7,
             "the process is as it says; before rung, as DONE");
    ring(self);
}

_Noreturn void wr_child_main(weir_zygote *zygote, wr_mailbox *mail,
                             int parent) {
    static worker self; // large, and there is one in a process
    if (wr_process_follow(parent) != 0)
        _exit(127);
    wr_process_close_but(&zygote->bell.write_fd, 1);
    wr_process_name(mail->name);
    self = (worker){.zygote = zygote,
                    .mail = mail,
                    .group = mail->group,
                    .stride = mail->stride,
                    .payload = (size_t)mail->payload,
                    .depth = mail->depth,
                    .index = mail->index,
                    .spins = zygote->cpus > 1 && mail->index < zygote->cpus};
    if (wr_forkmark_init(&self.mark) != 0 ||
        (zygote->start != NULL && zygote->start(zygote->context) != 0)) {
        say(&self, WR_MAIL_FAILED);
        _exit(1);
    }
    // Who changes its user in start is not followed any more.
    if (wr_process_follow(parent) != 0)
        _exit(127);
    say(&self, WR_MAIL_READY);
    serve(&self);
}
