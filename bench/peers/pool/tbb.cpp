// SPDX-License-Identifier: MIT
// oneTBB's task_arena as a form of bench/pool.c.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

extern "C" {
#include "../../pool.h"
extern const form bench_form;
}

namespace tbb = oneapi::tbb;

namespace {

// The control lets it have threads beside the one that opened it; the handle
// ends them.
struct own {
    tbb::global_control control;
    tbb::task_scheduler_handle handle;
    tbb::task_arena arena;

    explicit own(unsigned workers)
        : control(tbb::global_control::max_allowed_parallelism, workers + 1),
          handle(tbb::attach()), arena(static_cast<int>(workers), 0) {
        arena.initialize();
    }
};

void *open_pool(unsigned workers) { return new own(workers); }

void submit(void *pool, task *t) {
    static_cast<own *>(pool)->arena.enqueue([t] {
        t->run(t);
        if (t->done != nullptr)
            t->done(t);
    });
}

void both(task *here, task *there) {
    tbb::task_group group;
    group.run([there] { there->run(there); });
    here->run(here);
    group.wait();
}

void close_pool(void *pool) {
    own *o = static_cast<own *>(pool);
    o->arena.terminate();
    if (!tbb::finalize(o->handle, std::nothrow))
        bench_fail("finalize", 0);
    delete o;
}

form make() {
    form f{};
    f.name = "tbb";
    f.task_size = sizeof(task);
    f.outside = 1;
    f.stops = 1;
    f.open = open_pool;
    f.submit = submit;
    f.both = both;
    f.close = close_pool;
    return f;
}

} // namespace

const form bench_form = make();
