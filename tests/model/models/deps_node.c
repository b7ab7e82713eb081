// SPDX-License-Identifier: MIT
// Node's version is found out once; who sees that it is known may use it
// (NODE_1).
#include "model/model.h"

// Their functions are called as the pool would call them.
#include "programs/deps/resolve_item.c"
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

// ---- of an item, which needs it --------------------------------------------

static wr_settings settings;
static wr_package package;

void *weir_entry_value(const weir_entry *entry) {
    return entry != NULL ? &package : NULL;
}

size_t wr_doc_count(const wr_doc *doc) {
    (void)doc;
    return 1;
}

void wr_doc_version_at(const wr_doc *doc, size_t index, wr_doc_version *out) {
    (void)doc;
    (void)index;
    memset(out, 0, sizeof(*out));
    out->node = (wr_text){">=18", 4}; // so node's version matters
}

int64_t wr_resolve_spent(wr_resolve *own, wr_phase phase, int64_t begin_ns) {
    (void)own;
    (void)phase;
    return begin_ns;
}

static bool picked;

// Looks at node's version, and ends the item there.
int wr_pick(size_t *out, const wr_doc *doc, const wr_spec *spec,
            const wr_pick_options *options, wr_why *why) {
    (void)out;
    (void)doc;
    (void)spec;
    (void)why;
    MC_CHECK(options == &resolve.pick && options->has_node);
    MC_CHECK(resolve.node_text[0] == 'v');
    picked = true;
    return -ENOMEM;
}

// Reached by what wr_pick would allow, so never.
int wr_manifest_parse(wr_manifest *out, const char *json, size_t size, bool top,
                      bool legacy_peers, wr_why *why) {
    (void)out;
    (void)json;
    (void)size;
    (void)top;
    (void)legacy_peers;
    (void)why;
    return -EINVAL;
}

void wr_manifest_free(wr_manifest *manifest) { (void)manifest; }

void weir_visit_set(weir_visit *visit, void *value) {
    (void)visit;
    (void)value;
}

int wr_resolve_edges(wr_resolve *own, weir_visit *visit,
                     const wr_manifest *manifest) {
    (void)own;
    (void)visit;
    (void)manifest;
    return -EINVAL;
}

int wr_refuse(wr_why *why, int error, const char *code, const char *format,
              ...) {
    (void)why;
    (void)code;
    (void)format;
    return error;
}

// ---- the other side --------------------------------------------------------

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

static void an_item_uses_it_or_waits(void) {
    static char entry;
    resolve.settings = &settings;
    waiter w = {.resolve = &resolve, .entry = (weir_entry *)(void *)&entry};
    unsigned other = mc_spawn(find_and_tell, NULL);
    int status = answered(&w);
    MC_CHECK(status == (picked ? -ENOMEM : WEIR_VISIT_LATER));
    (void)mc_join(other);
    mc_outcome(picked);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "who_sees_it_known_may_use_it",
     .body = who_sees_it_known_may_use_it,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    {.name = "an_item_uses_it_or_waits",
     .body = an_item_uses_it_or_waits,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    {.name = NULL},
};
