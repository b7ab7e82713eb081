// SPDX-License-Identifier: MIT
// Node's version is found out once; who sees that it is known may use it
// (NODE_1).
#include "model/model.h"

// Its functions are called as the pool would call them.
#include "programs/deps/resolve_node.c"

static wr_resolve resolve;
static weir_job *submitted;
static bool fired;

int weir_submit(weir_pool *pool, weir_job *job) {
    (void)pool;
    submitted = job;
    return 0;
}

int weir_event_fire(weir_event *event, int status) {
    (void)event;
    fired = status == 0;
    return 0;
}

// Those who come too early wait here; who does so is told under the pool's
// lock, which is not the matter.
int weir_event_attach(weir_event *event, weir_pool *pool, weir_job *job) {
    (void)event;
    (void)pool;
    (void)job;
    return 0;
}

// find_out asks a process: that is not played here.
int weir_blocking_begin(weir_worker *self) {
    (void)self;
    return -EAGAIN;
}

void weir_blocking_end(weir_worker *self) { (void)self; }

int wr_semver_parse(wr_semver *out, const char *text, size_t size, bool loose) {
    (void)out;
    (void)text;
    (void)size;
    (void)loose;
    return -EINVAL;
}

static void *find_and_tell(void *unused) {
    // As find_out does.
    strcpy(resolve.node_text, "v20");
    resolve.pick.has_node = true;
    found_out(&resolve.node_job, 0);
    MC_CHECK(fired);
    return unused;
}

static void who_sees_it_known_may_use_it(void) {
    weir_job waits = {0};
    int error = 0;
    unsigned other = mc_spawn(find_and_tell, NULL);
    bool known = wr_resolve_node_known(&resolve, &waits, &error);
    MC_CHECK(error == 0);
    if (known)
        MC_CHECK(resolve.pick.has_node && resolve.node_text[0] == 'v');
    (void)mc_join(other);
    MC_CHECK(known == (submitted == NULL));
    mc_outcome(known);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "who_sees_it_known_may_use_it",
     .body = who_sees_it_known_may_use_it,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    {.name = NULL},
};
