// SPDX-License-Identifier: MIT
// A resolve from start to end: made, cancelled, counted, freed.
#include "programs/deps/resolve_parts.h"

#include <time.h>

static const size_t documents_default = (size_t)64 << 20;

void wr_resolve_add(wr_resolve *resolve, wr_tally tally, uint64_t count) {
    wr_fetch_add(&resolve->tally[tally], count, relaxed, ALONE, "a figure");
}

int64_t wr_resolve_spent(wr_resolve *resolve, wr_phase phase,
                         int64_t begin_ns) {
    int64_t now = weir_now_ns();
    wr_fetch_add(&resolve->phase_ns[phase], (uint64_t)(now - begin_ns), relaxed,
                 ALONE, "a figure");
    return now;
}

int wr_text_order(wr_text a, wr_text b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size != 0 ? memcmp(a.at, b.at, size) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

static void split(const char *key, size_t size, uint8_t *kind, wr_text *name,
                  wr_text *spec) {
    *kind = (uint8_t)key[0];
    const char *nul = memchr(key + 1, 0, size - 1);
    size_t length = nul != NULL ? (size_t)(nul - key) - 1 : size - 1;
    *name = (wr_text){key + 1, length};
    *spec = (wr_text){key + 1, 0};
    if (nul != NULL)
        *spec = (wr_text){nul + 1, size - 2 - length};
}

void wr_resolve_key(const weir_item *item, uint8_t *kind, wr_text *name,
                    wr_text *spec) {
    size_t size;
    const char *key = weir_item_key(item, &size);
    split(key, size, kind, name, spec);
}

// ---- the frontier's callbacks ----------------------------------------------

static int visit_item(wr_resolve *resolve, weir_visit *visit, uint8_t kind,
                      wr_text name, wr_text spec) {
    wr_why why;
    if (kind == WR_KIND_OTHER)
        return 0;
    if (kind == WR_KIND_ITEM)
        return wr_resolve_item(resolve, visit, name, spec);
    int error =
        wr_refuse(&why, -EINVAL, "EINVALIDPACKAGENAME",
                  "\"%.*s\" is no name of a package", (int)name.size, name.at);
    return wr_resolve_fail(visit, error, &why);
}

static int visit(void *context, weir_worker *self, weir_visit *visit) {
    wr_resolve *resolve = context;
    wr_text name, spec;
    uint8_t kind;
    size_t size;
    const char *key = weir_visit_key(visit, &size);
    (void)self;
    if (key[0] == WR_KIND_FETCH)
        return wr_resolve_fetch(resolve, visit);
    split(key, size, &kind, &name, &spec);
    int status = visit_item(resolve, visit, kind, name, spec);
    if (status != WEIR_VISIT_LATER)
        wr_resolve_add(resolve, WR_TALLY_ITEMS_DONE, 1);
    return status;
}

static int transient(void *context, weir_visit *visit, int status) {
    (void)context;
    (void)visit;
    return status == -EAGAIN;
}

static void cancelled(void *context, weir_visit *visit, int why) {
    wr_resolve_lost(context, visit, why);
}

static void release(void *context, void *value) {
    (void)context;
    wr_found_free(value);
}

static void done(void *context, int status) {
    wr_resolve *resolve = context;
    if (resolve->refused)
        return;
    if (status == -ECANCELED || status == -ESHUTDOWN) {
        resolve->options.done(resolve->options.context, resolve, status);
        return;
    }
    status = wr_resolve_judge(resolve);
    if (status == 0 && resolve->fatal != 0)
        status = -ENOENT;
    resolve->options.done(resolve->options.context, resolve, status);
}

// ---- making ----------------------------------------------------------------

static int make_frontier(wr_resolve *resolve) {
    const wr_settings *settings = resolve->settings;
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = resolve->options.pool;
    options.context = resolve;
    options.name = "deps";
    options.visit = visit;
    options.done = done;
    options.release = release;
    options.transient = transient;
    options.cancelled = cancelled;
    options.caps[WR_CLASS_NET] = resolve->options.requests_max;
    options.attempts_max = resolve->attempts_max;
    options.backoff_ns = settings->fetch_retry_mintimeout_ms * 1000000;
    options.backoff_max_ns = settings->fetch_retry_maxtimeout_ms * 1000000;
    options.engine = resolve->options.engine;
    wr_entropy(&options.seed, sizeof(options.seed));
    return weir_frontier_create(&resolve->frontier, &options);
}

static int no_load(void *context, weir_worker *self, weir_flight *flight,
                   weir_result *result) {
    (void)context;
    (void)self;
    (void)flight;
    (void)result;
    return -ENOENT; // it is only put and found
}

static int make_caches(wr_resolve *resolve) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = resolve->options.pool;
    options.name = "forgotten";
    options.load = no_load;
    int error = weir_cache_create(&resolve->forgotten, &options);
    if (error != 0)
        return error;
    options.context = resolve;
    options.name = "documents";
    options.load = wr_resolve_load;
    options.release = wr_resolve_release;
    options.capacity = resolve->options.documents_max;
    options.removed = wr_resolve_removed;
    options.failure_ttl_ns = INT64_MAX / 4; // as long as the resolve
    return weir_cache_create(&resolve->cache, &options);
}

static int node_of_settings(wr_resolve *resolve, wr_why *why) {
    const char *text = resolve->options.node;
    if (text == NULL)
        text = resolve->settings->node_version;
    if (text == NULL)
        return 0;
    size_t size = strlen(text);
    if (size >= sizeof(resolve->node_text) ||
        wr_semver_parse(&resolve->pick.node, text, size, true) != 0)
        return wr_refuse(why, -EINVAL, "EINVAL", "\"%s\" is no version of node",
                         text);
    memcpy(resolve->node_text, text, size + 1);
    // Once more: a version points into its text.
    (void)wr_semver_parse(&resolve->pick.node, resolve->node_text, size, true);
    resolve->pick.has_node = true;
    resolve->node_state = WR_NODE_KNOWN;
    wr_atomic_init(&resolve->node_known, 1);
    return 0;
}

static void prepare(wr_resolve *resolve, const wr_resolve_options *options) {
    const wr_settings *settings = wr_npmrc_settings(options->config);
    resolve->options = *options;
    resolve->settings = settings;
    if (options->requests_max == 0)
        resolve->options.requests_max = 64;
    if (options->documents_max == 0)
        resolve->options.documents_max = documents_default;
    resolve->offline = options->offline || settings->offline ||
                       (options->web == NULL && options->web_needed == NULL);
    resolve->prefer_offline =
        options->prefer_offline || settings->prefer_offline;
    resolve->prefer_online = options->prefer_online || settings->prefer_online;
    resolve->attempts_max =
        settings->fetch_retries < 100 ? settings->fetch_retries + 1 : 100;
    resolve->started = (int64_t)time(NULL);
    resolve->web = options->web;
    resolve->plain.tag = resolve->pick.tag = wr_text_of(settings->tag);
    wr_atomic_init(&resolve->node_known, 0);
    wr_mutex_init(&resolve->lock);
    wr_list_init(&resolve->fetches);
    wr_list_init(&resolve->parked);
    wr_list_init(&resolve->lined);
    for (int i = 0; i < WR_TALLIES; i++)
        wr_atomic_init(&resolve->tally[i], 0);
    for (int i = 0; i < WR_PHASES; i++)
        wr_atomic_init(&resolve->phase_ns[i], 0);
}

static int begin(wr_resolve *resolve, wr_why *why) {
    int error = node_of_settings(resolve, why);
    if (error != 0)
        return error;
    weir_event_init(&resolve->node_event, resolve->options.pool,
                    resolve->node_state == WR_NODE_KNOWN ? 0 : 1);
    weir_event_init(&resolve->settled, resolve->options.pool, 1);
    resolve->settled_made = true;
    error = wr_resolve_rules(resolve, why);
    if (error != 0)
        return error;
    error = make_caches(resolve);
    if (error == 0)
        error = make_frontier(resolve);
    if (error != 0)
        return wr_refuse(why, error, error == -ENOMEM ? "ENOMEM" : "EINVAL",
                         "cannot start: %s", weir_strerror(error));
    return wr_resolve_seed(resolve, why);
}

int wr_resolve_start(wr_resolve **out, const wr_resolve_options *options,
                     wr_why *why) {
    wr_resolve *resolve = wr_calloc(1, sizeof(*resolve));
    if (resolve == NULL)
        return wr_refuse(why, -ENOMEM, "ENOMEM", "out of memory");
    prepare(resolve, options);
    int error = begin(resolve, why);
    if (error != 0) {
        resolve->refused = true;
        wr_resolve_free(resolve);
        return error;
    }
    *out = resolve;
    weir_frontier_close(resolve->frontier);
    return 0;
}

void wr_resolve_settle(wr_resolve *resolve) {
    if (resolve->frontier != NULL)
        (void)!weir_frontier_wait(resolve->frontier, WEIR_FOREVER, NULL);
    if (!resolve->settled_made)
        return;
    resolve->settled_made = false;
    (void)weir_event_fire(&resolve->settled, 0);
    (void)!weir_event_wait(&resolve->settled, WEIR_FOREVER, NULL);
}

void wr_resolve_free(wr_resolve *resolve) {
    if (resolve == NULL)
        return;
    if (resolve->refused)
        wr_resolve_cancel(resolve);
    wr_resolve_settle(resolve);
    if (resolve->cache != NULL)
        weir_cache_destroy(resolve->cache);
    if (resolve->forgotten != NULL)
        weir_cache_destroy(resolve->forgotten);
    weir_frontier_destroy(resolve->frontier);
    free(resolve->workspace);
    free(resolve->seed);
    free(resolve->verdict);
    wr_mutex_fini(&resolve->lock);
    free(resolve);
}

// ---- figures ---------------------------------------------------------------

static uint64_t tally(wr_resolve *resolve, wr_tally which) {
    return wr_load(&resolve->tally[which], relaxed, ALONE, "a figure");
}

static int64_t phase(wr_resolve *resolve, wr_phase which) {
    return (int64_t)wr_load(&resolve->phase_ns[which], relaxed, ALONE,
                            "a figure");
}

void wr_resolve_count(wr_resolve *resolve, wr_resolve_counts *out) {
    weir_frontier_counts counts = {.size = sizeof(counts)};
    wr_mutex_lock(&resolve->lock);
    uint64_t fetches = resolve->numbers;
    wr_mutex_unlock(&resolve->lock);
    if (weir_frontier_count(resolve->frontier, &counts) != 0)
        counts.items = fetches;
    *out = (wr_resolve_counts){
        .items = counts.items > fetches ? counts.items - fetches : 0,
        .items_done = tally(resolve, WR_TALLY_ITEMS_DONE),
        .packages = tally(resolve, WR_TALLY_PACKAGES),
        .fetched = tally(resolve, WR_TALLY_FETCHED),
        .not_modified = tally(resolve, WR_TALLY_NOT_MODIFIED),
        .from_cache = tally(resolve, WR_TALLY_FROM_CACHE),
        .bytes = tally(resolve, WR_TALLY_BYTES),
        .retries = counts.retries,
        .in_flight = counts.in_flight[WR_CLASS_NET],
        .store_ns = phase(resolve, WR_PHASE_STORE),
        .inflate_ns = phase(resolve, WR_PHASE_INFLATE),
        .parse_ns = phase(resolve, WR_PHASE_PARSE),
        .pick_ns = phase(resolve, WR_PHASE_PICK),
        .manifest_ns = phase(resolve, WR_PHASE_MANIFEST),
        .write_ns = phase(resolve, WR_PHASE_WRITE),
        .failed = tally(resolve, WR_TALLY_FATAL),
        .optional_failed = tally(resolve, WR_TALLY_OPTIONAL_FAILED),
    };
}

const char *wr_resolve_node(const wr_resolve *resolve) {
    return resolve->pick.has_node ? resolve->node_text : NULL;
}
