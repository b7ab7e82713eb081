// SPDX-License-Identifier: MIT
// The slow way into a lock. A file of its own, because it is model-checked.
#include "os/os.h"

#include "base/check.h"
#include "weir/base.h"

void wr_mutex_fini(wr_mutex *mutex) {
    wr_assert(
        wr_load(&mutex->word, relaxed, ALONE, "nobody uses it any more") == 0);
}

#ifdef WR_MODEL
enum { MUTEX_SPINS = 1 }; // each is tried in every way
#else
enum { MUTEX_SPINS = 100 }; // some microseconds
#endif

void wr_mutex_lock_slow(wr_mutex *mutex) {
    for (int i = 0; i < MUTEX_SPINS; i++) {
        if (wr_load(&mutex->word, relaxed, ALONE, "a hint: trying decides") ==
                0 &&
            wr_mutex_trylock(mutex))
            return;
        wr_spin_pause();
    }
    // From here on it is 2 whenever this thread may sleep, and while it holds
    // the lock: it cannot know whether others sleep too.
    while (wr_exchange(&mutex->word, 2, acquire, MUTEX_1,
                       "what the last holder did is seen") != 0)
        (void)wr_futex_wait(&mutex->word, 2, WEIR_FOREVER);
}
