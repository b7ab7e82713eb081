// SPDX-License-Identifier: MIT
// A thread of a model that touches what is not there, divides by zero, or calls
// too deep: a finding, not the end of the checker.
#include "model/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum { HANDLER_STACK = 64 << 10, RED_ZONE = 128 };

typedef struct crash {
    int signal;
    const void *address;
    const void *code;
} crash;

static crash *last;

// Where the thread goes on: nothing of it runs any more after the report.
static noreturn void crashed(void) {
    char place[160];
    char name[200];
    const char *why = strsignal(last->signal);
    // A place is that of the instruction before an address.
    ma_place((const char *)last->code + 1, place, sizeof place);
    unsigned thread;
    if (mr_is_stack(last->address, &thread))
        mc_report(MC_ABORT, "thread %u calls too deep at %s: stacks are %u KiB",
                  thread, place, (unsigned)(MR_STACK_BYTES >> 10));
    else
        mc_report(MC_ABORT, "thread %u at %s: %s, %s", mc_self(), place, why,
                  ma_name(last->address, name, sizeof name));
    mr_die("a crash outside of a thread");
}

static void handle(int number, siginfo_t *about, void *context) {
    if (mc_self() == MC_NO_THREAD) {
        signal(number, SIG_DFL); // happens again, and ends the program
        return;
    }
    ucontext_t *at = context;
    greg_t *registers = at->uc_mcontext.gregs;
    *last = (crash){number, about->si_addr, (const void *)registers[REG_RIP]};
    uintptr_t sp = (uintptr_t)registers[REG_RSP];
    unsigned thread;
    if (mr_is_stack(last->address, &thread))
        sp = MR_AREA + (mc_self() + 1) * MR_STACK_STRIDE;
    sp = ((sp - RED_ZONE) & ~(uintptr_t)15) - sizeof(void *);
    registers[REG_RSP] = (greg_t)sp;
    registers[REG_RIP] = (greg_t)(uintptr_t)crashed;
}

void mr_catch_crashes(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    last = mr_own(sizeof *last);
    stack_t aside = {.ss_sp = mr_own(HANDLER_STACK), .ss_size = HANDLER_STACK};
    struct sigaction action = {.sa_sigaction = handle,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    bool well = sigaltstack(&aside, NULL) == 0;
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        well &= sigaction(signals[i], &action, NULL) == 0;
    if (!well)
        mr_die("crashes cannot be caught");
}
