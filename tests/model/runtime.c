// SPDX-License-Identifier: MIT
// Threads of a model: stacks at fixed addresses, a switch between them and the
// checker, thread-locals of their own; and statics that are as new in each
// execution. x86-64 with glibc.
//
// Addresses of stacks and heaps are the same in each execution and in each run
// of the program, so that a schedule brings back the same execution.
#include "model/runtime.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    OWN_CHUNK = 1 << 20,
    RANGES_MAX = 8,
    STACK_CLEARED = 4096, // of a new thread's stack; deeper is as left
    CONTROL = 4096,       // of libc's, above the thread pointer
    HWCAP2_FSGSBASE = 2,
    SET_FS = 0x1002
};

typedef struct range {
    char *start;
    char *copy;
    size_t bytes;
} range;

typedef struct fiber {
    void *sp;
    char *thread_pointer;
} fiber;

typedef struct runtime {
    fiber fibers[MC_THREADS_MAX];
    void *checker_sp;
    unsigned running;
    bool may_set_fs;
    char *thread_pointer; // the checker's
    size_t tls_below;     // from the program's thread-locals to there
    size_t tls_bytes;     // of the program
    char *tls_image;
    unsigned ranges;
    range range[RANGES_MAX];
    char *statics;
    size_t statics_bytes;
} runtime;

typedef struct own {
    char *next;
    size_t left;
} own;

// Set in mr_setup, and the same from then on: restoring them changes nothing.
static runtime *rt;
static own *owned;

// mr_switch saves what a function must keep and the stack pointer into *from,
// and goes on with `to`. mr_enter begins a thread: r12(r13).
__asm__(".text\n"
        ".globl mr_switch\n"
        ".type mr_switch, @function\n"
        "mr_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    subq $8, %rsp\n"
        "    movq $0, (%rsp)\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq (%rsp), %rax\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    cmpq (%rsp), %rax\n"
        "    je 1f\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "1:  addq $8, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size mr_switch, .-mr_switch\n"
        ".type mr_enter, @function\n"
        "mr_enter:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    movq %r13, %rdi\n"
        "    callq *%r12\n"
        "    callq mc_thread_ended\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size mr_enter, .-mr_enter\n");
void mr_switch(void **from, void *to);
void mr_enter(void);

// What mr_switch pops.
typedef struct saved {
    uint32_t mxcsr;
    uint16_t fpu;
    uint16_t unused;
    uint64_t r15, r14;
    void *r13; // the argument
    void (*r12)(void *);
    uint64_t rbx, rbp;
    void (*back)(void);
    uint64_t end[2]; // the stack is aligned above `back`
} saved;

void mr_die(const char *what) {
    fprintf(stderr, "model: %s\n", what);
    exit(2);
}

void *mr_map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        mr_die("no address space for the checker");
    return memory;
}

void *mr_own(size_t bytes) {
    if (owned == NULL) {
        owned = mr_map(OWN_CHUNK);
        owned->next = (char *)owned + 64;
        owned->left = OWN_CHUNK - 64;
    }
    bytes = (bytes + 63) & ~(size_t)63;
    if (bytes >= OWN_CHUNK)
        return mr_map(bytes);
    if (bytes > owned->left) {
        owned->next = mr_map(OWN_CHUNK);
        owned->left = OWN_CHUNK;
    }
    void *memory = owned->next;
    owned->next += bytes;
    owned->left -= bytes;
    return memory;
}

// ---- setting up ------------------------------------------------------------

static void reserve_area(void) {
    void *at = (void *)MR_AREA;
    void *area =
        mmap(at, MR_AREA_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);
    if (area != at)
        mr_die("the addresses of the model's stacks are taken");
    for (unsigned thread = 0; thread < MC_THREADS_MAX; thread++) {
        void *guard = (void *)(MR_AREA + thread * MR_STACK_STRIDE);
        if (mprotect(guard, MR_STACK_STRIDE - MR_STACK_BYTES, PROT_NONE) != 0)
            mr_die("no guard pages for the model's stacks");
    }
}

static void add_range(uintptr_t start, uintptr_t end) {
    if (start >= end)
        return;
    if (rt->ranges == RANGES_MAX)
        mr_die("the program has too many writable segments");
    rt->range[rt->ranges++] =
        (range){(char *)start, NULL, (size_t)(end - start)};
}

// A lazily bound call changes the global offset table, which is restored.
static void check_binding(const ElfW(Dyn) * dynamic) {
    bool now = false;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        now |= dynamic->d_tag == DT_BIND_NOW;
        now |= dynamic->d_tag == DT_FLAGS &&
               (dynamic->d_un.d_val & DF_BIND_NOW) != 0;
        now |= dynamic->d_tag == DT_FLAGS_1 &&
               (dynamic->d_un.d_val & DF_1_NOW) != 0;
    }
    if (!now)
        mr_die("link the model with -Wl,-z,now");
}

// The first object is the program.
static int find_statics(struct dl_phdr_info *object, size_t size,
                        void *unused) {
    (void)size;
    (void)unused;
    uintptr_t base = object->dlpi_addr;
    uintptr_t fixed = 0;
    uintptr_t fixed_end = 0;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t start = base + part->p_vaddr;
        if (part->p_type == PT_GNU_RELRO) {
            fixed = start;
            fixed_end = start + part->p_memsz;
        } else if (part->p_type == PT_DYNAMIC) {
            check_binding((const ElfW(Dyn) *)start);
        } else if (part->p_type == PT_TLS && part->p_memsz > 0) {
            rt->tls_bytes = part->p_memsz;
            rt->tls_image = object->dlpi_tls_data;
        }
    }
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t start = base + part->p_vaddr;
        uintptr_t end = start + part->p_memsz;
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) == 0)
            continue;
        if (fixed >= start && fixed_end <= end) {
            add_range(start, fixed);
            add_range(fixed_end, end);
        } else {
            add_range(start, end);
        }
    }
    return 1;
}

// The thread-locals of all libraries lie below the thread pointer; the lowest
// is where a copy begins.
static int find_lowest(struct dl_phdr_info *object, size_t size, void *lowest) {
    (void)size;
    char **low = lowest;
    char *data = object->dlpi_tls_data;
    if (data != NULL && data < *low && *low - data < (1 << 20))
        *low = data;
    return 0;
}

static char *thread_pointer(void) {
    char *pointer;
    __asm__ volatile("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

// Each thread gets a copy of everything around the thread pointer, with only
// the pointer to itself changed: libc takes all of them for the same thread,
// and the program's thread-locals are at different addresses.
static void copy_thread_locals(void) {
    rt->thread_pointer = thread_pointer();
    rt->may_set_fs = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
    char *lowest = rt->thread_pointer;
    dl_iterate_phdr(find_lowest, &lowest);
    size_t below = (size_t)(rt->thread_pointer - lowest);
    size_t room = (below + 63) & ~(size_t)63;
    size_t above = CONTROL;
    if (rt->tls_bytes > 0)
        rt->tls_below = (size_t)(rt->thread_pointer - rt->tls_image);
    char *image = mr_own(rt->tls_bytes + 1);
    if (rt->tls_bytes > 0)
        __real_memcpy(image, rt->tls_image, rt->tls_bytes);
    rt->tls_image = image;
    // What follows libc's control block on its page need not be ours to read,
    // but is there to be read.
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t to_end = page - ((uintptr_t)rt->thread_pointer & (page - 1));
    if (above > to_end && to_end >= MR_CONTROL_LEAST)
        above = to_end;
    for (unsigned thread = 0; thread < MC_THREADS_MAX; thread++) {
        char *block = mr_own(room + CONTROL + page);
        char *pointer = block + room;
        __real_memcpy(pointer - below, rt->thread_pointer - below,
                      below + above);
        *(char **)(void *)pointer = pointer;
        rt->fibers[thread].thread_pointer = pointer;
    }
}

void mr_setup(void) {
    rt = mr_own(sizeof *rt);
    rt->running = MC_NO_THREAD;
    reserve_area();
    dl_iterate_phdr(find_statics, NULL);
    copy_thread_locals();
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;
    for (unsigned i = 0; i < rt->ranges; i++) {
        range *part = &rt->range[i];
        uintptr_t start = (uintptr_t)part->start;
        low = start < low ? start : low;
        high = start + part->bytes > high ? start + part->bytes : high;
        part->copy = mr_own(part->bytes);
    }
    rt->statics = (char *)(low & ~(uintptr_t)7);
    rt->statics_bytes = (high - (uintptr_t)rt->statics + 7) & ~(size_t)7;
    ma_setup(rt->statics, rt->statics_bytes);
    mh_setup();
    mr_catch_crashes();
    for (unsigned i = 0; i < rt->ranges; i++)
        __real_memcpy(rt->range[i].copy, rt->range[i].start,
                      rt->range[i].bytes);
}

// ---- executions ------------------------------------------------------------

void mr_begin(void) {
    for (unsigned i = 0; i < rt->ranges; i++) {
        const range *part = &rt->range[i];
        __real_memcpy(part->start, part->copy, part->bytes);
    }
    rt->running = MC_NO_THREAD;
}

void mr_start(unsigned thread, void (*main)(void *), void *arg) {
    fiber *self = &rt->fibers[thread];
    char *top = (char *)(MR_AREA + (thread + 1) * MR_STACK_STRIDE);
    __real_memset(top - STACK_CLEARED, 0, STACK_CLEARED);
    saved *first = (saved *)(void *)(top - sizeof(saved));
    *first = (saved){.mxcsr = 0x1f80,
                     .fpu = 0x37f,
                     .r13 = arg,
                     .r12 = main,
                     .back = mr_enter};
    self->sp = first;
    if (rt->tls_bytes > 0)
        __real_memcpy(self->thread_pointer - rt->tls_below, rt->tls_image,
                      rt->tls_bytes);
    ma_stack_begins(thread, top);
}

static void set_thread_pointer(char *pointer) {
    if (rt->may_set_fs)
        __asm__ volatile("wrfsbase %0" ::"r"(pointer) : "memory");
    else if (syscall(SYS_arch_prctl, SET_FS, pointer) != 0)
        abort();
}

void mr_resume(unsigned thread) {
    fiber *self = &rt->fibers[thread];
    rt->running = thread;
    set_thread_pointer(self->thread_pointer);
    mr_switch(&rt->checker_sp, self->sp);
    set_thread_pointer(rt->thread_pointer);
    rt->running = MC_NO_THREAD;
}

void mr_pause(void) { mr_switch(&rt->fibers[rt->running].sp, rt->checker_sp); }

bool mr_is_thread_local(const void *address) {
    const char *at = address;
    for (unsigned thread = 0; thread < MC_THREADS_MAX; thread++) {
        const char *start = rt->fibers[thread].thread_pointer - rt->tls_below;
        if (at >= start && at < start + rt->tls_bytes)
            return true;
    }
    return false;
}

bool mr_is_stack(const void *address, unsigned *thread) {
    uintptr_t offset = (uintptr_t)address - MR_AREA;
    if (offset >= MC_THREADS_MAX * MR_STACK_STRIDE)
        return false;
    *thread = (unsigned)(offset / MR_STACK_STRIDE);
    return true;
}
