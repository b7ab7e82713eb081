// SPDX-License-Identifier: MIT
// weir/fork.h: fork and join. Part of weir/pool.h.
//
// A fork is work that another worker may take while this one goes on. Embed it
// first in a record on the stack, with the arguments and the result:
//
//   struct sum { weir_fork fork; const int *from, *to; long result; };
//   static void sum_run(weir_worker *self, weir_fork *fork);
//   ...
//   struct sum right = {.from = middle, .to = to};
//   weir_fork_begin(self, &right.fork, sum_run);
//   long left = sum(self, from, middle);
//   weir_fork_join(self, &right.fork, sum_run);
//   return left + right.result;
//
// Rules that hold for every function here:
//   threads    the worker itself, inside a job.
//   blocking   only weir_fork_join waits. Nothing allocates.
//   ownership  the record is yours, lent from begin until join returns.
//   errors     none. Forks are joined in reverse order, each by the worker and
//              in the run (or the fork function) that began it; anything else
//              aborts with a line that says so. (A fork function that joins,
//              or leaves open, what the one around it should have: only when
//              another worker has taken it.) They cannot be cancelled singly;
//              weir_cancelled tells them of scopes and deadlines around them.
//
// A fork is cheap: while others have enough to take (a few forks of each
// worker always lie open to them, the oldest ones), begin and join only touch
// memory of this worker's own, inline. Older forks are opened to others when
// the worker next begins or joins a fork, waits, yields, or asks
// weir_cancelled: a fork function that works for long should do one of these
// now and then, if forks wait behind it.
#ifndef WEIR_FORK_H
#define WEIR_FORK_H

#include "weir/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_worker weir_worker; // valid inside a job, on its thread
typedef struct weir_fork weir_fork;
typedef void weir_fork_function(weir_worker *self, weir_fork *fork);

struct weir_fork { // no need to zero it
    weir_fork_function *weir_function;
    uint64_t weir_private[5];
};

// weir_fork_begin offers the fork to other workers. At fork_depth open forks
// (see weir_pool_options) it runs it at once.
static inline void weir_fork_begin(weir_worker *self, weir_fork *fork,
                                   weir_fork_function *function);

// weir_fork_join returns when the fork has run: here and now if nobody took
// it. `function` is the one given to begin, named again so that it can be
// called directly. Waits; meanwhile it helps only descendants of this fork.
static inline void weir_fork_join(weir_worker *self, weir_fork *fork,
                                  weir_fork_function *function);

// weir_fork_wanted says whether one more fork could be of use to anybody: 0
// while a few forks of this worker (two more than there are other workers, 8
// at most) wait to be taken, or when nobody else could take one. A recursion
// may go on without forks then, at the speed of a plain one, as long as it
// comes to ask again. Fastest is to ask after the test for a leaf, with the
// forks in a function of their own:
//
//   if (n < 2)
//       return n;
//   if (weir_fork_wanted(self))
//       return fib_with_a_fork(self, n); // not inline
//   return fib(self, n - 1) + fib(self, n - 2);
//
// What was not forked is not offered later: so do not ask it before a row of
// forks that do not ask themselves.
static inline int weir_fork_wanted(const weir_worker *self);

// ---- how: not for use by name ----------------------------------------------

// What begin and join see of a worker: the array of its forks, oldest first.
// Part of the binary interface: when it changes, so do the names of the two
// functions below, and no program is linked with a library that sees it
// otherwise. They do all of begin and join, without the short way: for
// callers in other languages.
typedef struct weir_fork_ends {
    weir_fork **head; // the next free entry; only the worker itself looks
    // Written by others, too:
    weir_fork **limit;  // begin may not push by itself at or above it
    weir_fork **low;    // join may not pop by itself at or below it
    weir_fork **enough; // at or above it there are enough
} weir_fork_ends;

WEIR_API void weir_fork_begin_v1(weir_worker *self, weir_fork *fork,
                                 weir_fork_function *function);
// weir_fork_pop_v1: 1: the caller is to run it, now; 0: it has run.
WEIR_API int weir_fork_pop_v1(weir_worker *self, weir_fork *fork,
                              weir_fork_function *function);

// One of the words that others write. No order is needed: what they say is
// looked at again under a lock. (A model puts its own memory here.)
#ifndef WEIR_FORK_LOAD
#define WEIR_FORK_LOAD(word) __atomic_load_n((word), __ATOMIC_RELAXED)
#endif

static inline void weir_fork_begin(weir_worker *self, weir_fork *fork,
                                   weir_fork_function *function) {
    weir_fork_ends *ends = (weir_fork_ends *)(void *)self;
    weir_fork **head = ends->head;
    if (__builtin_expect(head < WEIR_FORK_LOAD(&ends->limit), 1)) {
        fork->weir_function = function;
        *head = fork;
        ends->head = head + 1;
    } else {
        weir_fork_begin_v1(self, fork, function);
    }
}

static inline void weir_fork_join(weir_worker *self, weir_fork *fork,
                                  weir_fork_function *function) {
    weir_fork_ends *ends = (weir_fork_ends *)(void *)self;
    weir_fork **head = ends->head;
    if (__builtin_expect(head > WEIR_FORK_LOAD(&ends->low) &&
                             head[-1] == fork &&
                             fork->weir_function == function,
                         1))
        ends->head = head - 1;
    else if (!weir_fork_pop_v1(self, fork, function))
        return;
    function(self, fork);
}

static inline int weir_fork_wanted(const weir_worker *self) {
    const weir_fork_ends *ends = (const weir_fork_ends *)(const void *)self;
    return ends->head < WEIR_FORK_LOAD(&ends->enough);
}

#ifdef __cplusplus
}
#endif
#endif // WEIR_FORK_H
