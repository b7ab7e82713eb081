// SPDX-License-Identifier: MIT
// One (package, spec) item: its package's document, a version of it, what that
// needs.
#include "programs/deps/resolve_parts.h"

// A visit that waits: for a document, then maybe for node's version.
typedef struct waiter {
    weir_get get;
    weir_job job;
    wr_resolve *resolve;
    weir_visit *visit;
    wr_spec spec;
    weir_entry *entry; // the answer
    int status;
} waiter;

void wr_found_free(wr_found *found) {
    if (found == NULL)
        return;
    free(found->why);
    wr_chosen_drop(found->chosen);
    free(found);
}

void wr_chosen_drop(wr_chosen *chosen) {
    if (chosen == NULL || !wr_refs_drop(&chosen->refs, 1))
        return;
    wr_manifest_free(&chosen->manifest);
    free(chosen);
}

int wr_resolve_fail(weir_visit *visit, int error, const wr_why *why) {
    wr_found *found = wr_calloc(1, sizeof(*found));
    if (found != NULL)
        found->why = wr_malloc(sizeof(*why));
    if (found == NULL || found->why == NULL) {
        free(found);
        return -ENOMEM;
    }
    *found->why = *why;
    weir_visit_set(visit, found);
    return error;
}

static int fail_with(weir_visit *visit, int error) {
    wr_why why;
    if (error == -ENOMEM || error == -ECANCELED || error == -ESHUTDOWN)
        return error;
    wr_refuse(&why, error, "EUNKNOWN", "%s", weir_strerror(error));
    return wr_resolve_fail(visit, error, &why);
}

// ---- choosing --------------------------------------------------------------

static bool names_node(const wr_doc *doc) {
    size_t count = wr_doc_count(doc);
    for (size_t i = 0; i < count; i++) {
        wr_doc_version version;
        wr_doc_version_at(doc, i, &version);
        if (version.node.size != 0)
            return true;
    }
    return false;
}

static int parse_version(wr_resolve *resolve, wr_chosen **out,
                         const wr_doc_version *version, wr_why *why) {
    wr_chosen *chosen = wr_calloc(1, sizeof(*chosen) + version->text.size);
    if (chosen == NULL)
        return -ENOMEM;
    char *text = (char *)(chosen + 1);
    memcpy(text, version->text.at, version->text.size);
    chosen->version = (wr_text){text, version->text.size};
    int64_t begin = weir_now_ns();
    int error = wr_manifest_parse(&chosen->manifest, version->json.at,
                                  version->json.size, false,
                                  resolve->settings->legacy_peer_deps, why);
    wr_resolve_spent(resolve, WR_PHASE_MANIFEST, begin);
    if (error != 0)
        free(chosen);
    else
        *out = chosen;
    return error;
}

// Makes a version, or finds that another item has. The caller has a reference.
static int share_version(wr_resolve *resolve, wr_package *package, size_t index,
                         wr_chosen **out, wr_why *why) {
    wr_atomic_ptr *slot = &package->chosen[index];
    wr_chosen *chosen =
        wr_load(slot, acquire, CHOSEN_1, "then the manifest may be read");
    if (chosen == NULL) {
        wr_doc_version version;
        wr_doc_version_at(package->doc, index, &version);
        int error = parse_version(resolve, &chosen, &version, why);
        if (error != 0)
            return error;
        wr_refs_init(&chosen->refs, 2); // the package's, and the caller's
        void *found = NULL;
        if (wr_compare_exchange(slot, &found, chosen, release, CHOSEN_1,
                                "the manifest is complete")) {
            *out = chosen;
            return 0;
        }
        wr_chosen_drop(chosen);
        wr_chosen_drop(chosen);
        chosen =
            wr_load(slot, acquire, CHOSEN_1, "then the manifest may be read");
    }
    wr_refs_add(&chosen->refs, 1); // the package, which is held, has one
    *out = chosen;
    return 0;
}

static int read_version(wr_resolve *resolve, weir_visit *visit,
                        wr_package *package, size_t index) {
    wr_why why;
    wr_found *found = wr_calloc(1, sizeof(*found));
    if (found == NULL)
        return -ENOMEM;
    int error = share_version(resolve, package, index, &found->chosen, &why);
    if (error != 0) {
        free(found);
        return error == -ENOMEM ? error : wr_resolve_fail(visit, error, &why);
    }
    weir_visit_set(visit, found);
    return wr_resolve_edges(resolve, visit, &found->chosen->manifest);
}

static int choose(waiter *w, const wr_pick_options *options) {
    wr_resolve *resolve = w->resolve;
    wr_package *package = weir_entry_value(w->entry);
    weir_visit *visit = w->visit;
    wr_why why;
    size_t index;
    int64_t begin = weir_now_ns();
    int error = wr_pick(&index, package->doc, &w->spec, options, &why);
    wr_resolve_spent(resolve, WR_PHASE_PICK, begin);
    if (error == -ENOMEM)
        return error;
    if (error != 0)
        return wr_resolve_fail(visit, error, &why);
    return read_version(resolve, visit, package, index);
}

// ---- waiting ---------------------------------------------------------------

static void free_waiter(waiter *w) {
    weir_entry_release(w->entry);
    wr_spec_free(&w->spec);
    free(w);
}

// Ends a visit that returned LATER.
static void end_later(waiter *w, int status) {
    weir_visit *visit = w->visit;
    wr_resolve_add(w->resolve, WR_TALLY_ITEMS_DONE, 1);
    free_waiter(w);
    weir_visit_end(visit, status);
}

// The document is there, or is not. Returns the visit's status, or LATER: then
// `w` will go on in its job.
static int answered(waiter *w) {
    wr_resolve *resolve = w->resolve;
    wr_package *package = w->entry != NULL ? weir_entry_value(w->entry) : NULL;
    if (w->status != 0) {
        if (package != NULL && package->why != NULL)
            return wr_resolve_fail(w->visit, w->status, package->why);
        return fail_with(w->visit, w->status);
    }
    int error;
    bool known = wr_load(&resolve->node_known, acquire, NODE_1,
                         "then what find_out wrote may be read") != 0;
    if (!known && !names_node(package->doc))
        return choose(w, &resolve->plain);
    if (wr_resolve_node_known(resolve, &w->job, &error))
        return choose(w, &resolve->pick);
    return error != 0 ? fail_with(w->visit, error) : WEIR_VISIT_LATER;
}

static int node_known(weir_worker *self, weir_job *job) {
    waiter *w = wr_container_of(job, waiter, job);
    (void)self;
    return choose(w, &w->resolve->pick);
}

static void node_done(weir_job *job, int status) {
    end_later(wr_container_of(job, waiter, job), status);
}

static void get_done(weir_get *get, int status) {
    waiter *w = wr_container_of(get, waiter, get);
    w->status = status;
    w->entry = get->entry;
    status = answered(w);
    if (status != WEIR_VISIT_LATER)
        end_later(w, status);
}

int wr_resolve_item(wr_resolve *resolve, weir_visit *visit, wr_text name,
                    wr_text spec) {
    wr_why why;
    waiter *w = wr_calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    int error = wr_spec_parse(&w->spec, name, spec, &why);
    if (error != 0) {
        free(w);
        return error == -ENOMEM ? error : wr_resolve_fail(visit, error, &why);
    }
    w->resolve = resolve;
    w->visit = visit;
    w->job = (weir_job)WEIR_JOB_INIT(node_known, node_done);
    w->job.name = "choose";
    w->get = (weir_get)WEIR_GET_INIT(w->spec.package.at, w->spec.package.size,
                                     get_done);
    w->get.argument = visit; // where a fetch is added, if one must be
    w->get.priority = WEIR_PRIORITY_HIGH;
    int status = weir_cache_get(resolve->cache, &w->get);
    if (status == WEIR_CACHE_PENDING)
        return WEIR_VISIT_LATER;
    if (status < 0) {
        free_waiter(w);
        return fail_with(visit, status);
    }
    w->status = w->get.status;
    w->entry = w->get.entry;
    status = answered(w);
    if (status != WEIR_VISIT_LATER)
        free_waiter(w);
    return status;
}
