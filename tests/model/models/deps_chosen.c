// SPDX-License-Identifier: MIT
// A version of a package that several items choose at once is parsed perhaps
// twice and shared once (CHOSEN_1), and goes with the last who has it. What a
// document says is not the matter here: it is a number.
#include "model/model.h"

// share_version is what is checked; it knows nobody outside its file.
#include "programs/deps/resolve_item.c"

static int parsed; // manifests that are there
static mc_mutex lock;

void wr_doc_version_at(const wr_doc *doc, size_t index, wr_doc_version *out) {
    (void)doc;
    (void)index;
    memset(out, 0, sizeof(*out));
    out->text = (wr_text){"1.0.0", 5};
}

int wr_manifest_parse(wr_manifest *out, const char *json, size_t size, bool top,
                      bool legacy_peers, wr_why *why) {
    (void)json;
    (void)size;
    (void)top;
    (void)legacy_peers;
    (void)why;
    memset(out, 0, sizeof(*out));
    out->edges = 7; // what the others must see
    mc_lock(&lock);
    parsed++;
    mc_unlock(&lock);
    return 0;
}

void wr_manifest_free(wr_manifest *manifest) {
    MC_CHECK(manifest->edges == 7);
    mc_lock(&lock);
    parsed--;
    mc_unlock(&lock);
}

int64_t wr_resolve_spent(wr_resolve *resolve, wr_phase phase,
                         int64_t begin_ns) {
    (void)resolve;
    (void)phase;
    return begin_ns;
}

static wr_settings settings;
static wr_resolve resolve = {.settings = &settings};

static void *choose_it(void *memory) {
    wr_package *package = memory;
    wr_why why;
    wr_chosen *chosen = NULL;
    MC_CHECK(share_version(&resolve, package, 0, &chosen, &why) == 0);
    MC_CHECK(chosen->manifest.edges == 7);
    wr_chosen_drop(chosen);
    wr_resolve_release(NULL, package);
    return NULL;
}

// Each has the package; the last to give it back frees it.
static void a_version_is_shared(void) {
    wr_package *package =
        wr_calloc(1, sizeof(*package) + sizeof(wr_atomic_ptr));
    MC_CHECK(package != NULL);
    package->versions = 1;
    wr_refs_init(&package->refs, 2);
    unsigned other = mc_spawn(choose_it, package);
    (void)choose_it(package);
    (void)mc_join(other);
    MC_CHECK(parsed == 0);
}

const mc_case mc_cases[] = {
    {.name = "a_version_is_shared",
     .body = a_version_is_shared,
     .mode = MC_EXHAUSTIVE},
    {.name = NULL},
};
