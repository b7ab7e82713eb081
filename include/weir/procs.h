// SPDX-License-Identifier: MIT
// weir/procs.h: worker processes that may crash.
//
// Code that may crash, leak, run for ever or call exit (a codec, a plug-in, an
// old solver) runs as kernels of a task graph (weir/graph.h) in processes of
// its own. A crash, an exit or a kill fails the task that ran there and nothing
// else: the process is replaced, and what waited behind goes to another.
//
// A zygote is a process with one thread that is made early and makes all
// others, at any time, whatever threads the program has by then. It comes with
// memory that every process sees at one address. A group of processes is made
// from it.
//
//   int main(void)
//   {
//       static const weir_kernel kernels[] = {{"decode", decode}};
//       weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
//       options.kernels = kernels;
//       options.kernels_count = 1;
//       weir_zygote *zygote;
//       int error = weir_zygote_create(&zygote, &options); // before threads
//       ...
//       weir_procs_options group = WEIR_PROCS_OPTIONS_INIT;
//       group.children = 4;
//       weir_procs *procs;
//       error = weir_procs_create(&procs, zygote, &group); // whenever
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    any thread.
//   blocking   create and destroy wait for processes to start and to end.
//   ownership  names, libraries and symbols are copied. The zygote outlives its
//              groups, a group the graphs that were given it.
//   errors     0 or a negative errno; a call that fails has changed nothing and
//              leaves no process, descriptor or memory behind.
//   fork(2)    in a child process every function that returns a status returns
//              -ECHILD, the others do nothing.
//   hidden     a zygote has one thread in the program ("weir-keeper"). It
//              carries outcomes back when no caller waits for them, notices
//              dead processes, and kills those that overrun. It sleeps when
//              nothing happens. Of descriptors it has a few and one for each
//              process.
//   processes  have the program's memory as it was when the zygote was made,
//              the descriptors 0, 1 and 2 and one of weir's own, every signal's
//              default action but for SIGINT, SIGQUIT, SIGHUP and SIGPIPE,
//              which they ignore, and one thread. When the program ends, in
//              whatever way, kill -9 too, they are killed. They are children of
//              the zygote: of all this the program sees one child, the zygote,
//              and at its end SIGCHLD, if it has a handler. Do not wait for it.
//   idle       processes and keeper that have nothing to do use no CPU time.
#ifndef WEIR_PROCS_H
#define WEIR_PROCS_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_zygote weir_zygote;
typedef struct weir_procs weir_procs;
typedef struct weir_graph weir_graph;

// ---- kernels ---------------------------------------------------------------

// What a kernel is called with. Valid until it returns.
typedef struct weir_kernel_call {
    const void *arguments; // a copy of the task's, aligned to 16
    size_t arguments_size;
    void *const *data;   // where each access of the task begins, in order
    uint32_t data_count; //
    uint32_t member;     // of a task for several workers: which one this is,
    uint32_t members;    // of how many; else 0 of 1
    uint32_t worker;     // index of the pool's worker, or of the process
    uint64_t number;     // the task's
    weir_worker *self;   // NULL in another process
    weir_graph *graph;   // NULL in another process
    void *weir_private;
} weir_kernel_call;

// A kernel does the work of a task. Returns 0, or a negative errno: the task
// has failed with it (what is positive counts as -EINVAL). It may be called by
// several threads and processes at once, and must return on the thread it was
// called on.
typedef struct weir_kernel {
    const char *name; // for reports; in a process it is found by this
    int (*run)(const weir_kernel_call *call); // or NULL: processes only
} weir_kernel;

enum { WEIR_REASON_MAX = 512 }; // bytes of a reason with its end

// weir_kernel_fail keeps why the task fails, printf-like, cut between
// characters, and returns status, to be returned. The last call counts. From
// the kernel's thread.
WEIR_API int weir_kernel_fail(const weir_kernel_call *call, int status,
                              const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// weir_kernel_cancelled: 1 once nobody wants the task any more. From the
// kernel's thread; costs a load.
WEIR_API int weir_kernel_cancelled(const weir_kernel_call *call);

// ---- zygotes ---------------------------------------------------------------

typedef struct weir_zygote_options {
    size_t size; // set by the initializer

    // Kernels that the processes find by name. The table and its names are
    // copied. Names differ, and have 1 to 63 bytes.
    const weir_kernel *kernels;
    size_t kernels_count;

    // Memory that all processes share at one address: for buffers, heaps of
    // graphs, and mailboxes. Address space only, until it is touched. Rounded
    // up to pages. Default 2 GiB.
    size_t shared_bytes;

    // Called in each new process before its first task, or NULL: to set up
    // what cannot be inherited. Something else than 0 ends the process: its
    // creation fails with -EIO.
    int (*start)(void *context);
    void *context;
} weir_zygote_options;

#define WEIR_ZYGOTE_OPTIONS_INIT                                               \
    { sizeof(weir_zygote_options), NULL, 0, (size_t)2 << 30, NULL, NULL }

// weir_zygote_create makes the process. Call it before the program starts
// threads: a fork of a program with threads may find locks held for ever.
// Errors: -EINVAL (options), -EEXIST (a name twice), -EBUSY (the program has
// other threads already), -ENOMEM, -EAGAIN (no more threads or processes),
// -EMFILE, -ENFILE, -ENOSYS (this system lacks what it takes).
WEIR_API int
weir_zygote_create(weir_zygote **out,
                   const weir_zygote_options *options) WEIR_MUST_CHECK;

// weir_zygote_destroy ends the zygote, frees the shared memory, joins the
// keeper. Its groups were destroyed before. NULL is ignored.
WEIR_API void weir_zygote_destroy(weir_zygote *zygote);

// weir_zygote_alloc: shared memory, zeroed, aligned to a page. NULL: none is
// left in one piece (or bytes is 0). weir_zygote_free: NULL is ignored.
WEIR_API void *weir_zygote_alloc(weir_zygote *zygote, size_t bytes);
WEIR_API void weir_zygote_free(weir_zygote *zygote, void *memory);

// weir_zygote_load adds a kernel that processes find in a library: the path as
// for dlopen(3), the symbol a function as weir_kernel.run. Each process loads
// it when its first task comes: one that cannot be loaded fails its tasks with
// -ENOENT and the loader's words as the reason. On 0 *out is the kernel to be
// named in tasks, valid as long as the zygote.
// Errors: -EEXIST (the name is known with something else; the same again is
// fine), -EINVAL (an empty or too long name, path or symbol; a path has at
// most 1023 bytes), -ENOSPC (256 were loaded), -ENOMEM.
WEIR_API int weir_zygote_load(weir_zygote *zygote, const char *name,
                              const char *library, const char *symbol,
                              const weir_kernel **out) WEIR_MUST_CHECK;

// ---- groups of processes ---------------------------------------------------

typedef struct weir_procs_options {
    size_t size;       // set by the initializer
    unsigned children; // processes, 1 to 1024; default 1
    // Tasks given to a process at once, 1 to 64: the one that runs and those
    // that wait behind it, which another process takes if it has nothing to do,
    // or if this one dies. Default 8.
    unsigned depth;
    size_t payload;    // bytes for arguments and addresses of one task (8 bytes
                       // for each access); default 4096, at most 1 MiB
    int64_t start_ns;  // all processes are ready within this; default 60 s
    const char *name;  // for reports, copied, cut; default "procs"
    weir_trace *trace; // what tasks do is recorded there, or NULL; outlives
                       // the group
} weir_procs_options;

#define WEIR_PROCS_OPTIONS_INIT                                                \
    {                                                                          \
        sizeof(weir_procs_options), 1, 8, 4096, (int64_t)60 * 1000000000,      \
            NULL, NULL                                                         \
    }

// weir_procs_create returns when every process is ready.
// Errors: -EINVAL (options), -ENOMEM (shared memory too), -EAGAIN (no more
// processes), -EMFILE, -ENFILE, -ETIMEDOUT (not ready in time), -EIO (options
// start said no, or one died before it was ready), -EOWNERDEAD (the zygote was
// killed).
WEIR_API int
weir_procs_create(weir_procs **out, weir_zygote *zygote,
                  const weir_procs_options *options) WEIR_MUST_CHECK;

// weir_procs_destroy ends the processes. No graph uses them any more. NULL is
// ignored.
WEIR_API void weir_procs_destroy(weir_procs *procs);

typedef struct weir_procs_counts {
    size_t size;
    uint64_t children;   // alive now
    uint64_t tasks;      // kernels that returned
    uint64_t crashes;    // tasks that ended with their process
    uint64_t timeouts;   // of those, killed because they overran
    uint64_t replaced;   // processes made in place of dead ones
    uint64_t given_back; // tasks taken back from a process before they began,
                         // for another
    uint64_t queued;     // tasks that wait for a process, now
    uint64_t in_flight;  // tasks that a process has, now
    uint64_t sleeps;     // a process went to sleep
    uint64_t wakes;      // one was woken
} weir_procs_counts;

// Consistent. Errors: -EINVAL (counts->size).
WEIR_API int weir_procs_count(weir_procs *procs, weir_procs_counts *counts);

// weir_procs_pid: of process `index` now, or -1 (it is being replaced, or there
// is none such).
WEIR_API int weir_procs_pid(weir_procs *procs, unsigned index);

#ifdef __cplusplus
}
#endif
#endif // WEIR_PROCS_H
