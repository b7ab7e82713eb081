// SPDX-License-Identifier: MIT
// A package's document, up to the request: the load of the cache looks into the
// store, and adds a fetch key to the frontier where that does not do; its visit
// is one request.
#include "programs/deps/resolve_parts.h"

static const char accept[] =
    "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
static const char asked_for[] = "abbreviated "; // of a key in the store

enum { FEW_BYTES = 512 };

// ---- values ----------------------------------------------------------------

void wr_resolve_release(void *context, void *value) {
    wr_package *package = value;
    (void)context;
    if (!wr_refs_drop(&package->refs, 1))
        return;
    for (size_t i = 0; i < package->versions; i++)
        wr_chosen_drop(wr_load(&package->chosen[i], acquire, CHOSEN_1,
                               "then it may be freed"));
    free(package->owned);
    free(package->why);
    free(package);
}

int wr_fetch_keep(wr_resolve *resolve, weir_result *result, const void *image,
                  size_t size, void *owned, wr_package **out) {
    size_t versions = wr_doc_count(image);
    size_t slots = versions * sizeof(wr_atomic_ptr);
    wr_package *package = wr_calloc(1, sizeof(*package) + slots);
    if (package == NULL)
        return -ENOMEM;
    package->versions = versions;
    wr_refs_init(&package->refs, out != NULL ? 2 : 1);
    package->doc = image;
    package->owned = owned;
    result->value = package;
    // What the store has mapped can be given back to the system by the system.
    result->weight = sizeof(*package) + slots + (owned != NULL ? size : 0);
    wr_resolve_add(resolve, WR_TALLY_PACKAGES, 1);
    if (out != NULL)
        *out = package;
    return 0;
}

int wr_fetch_fail(weir_result *result, int error, const wr_why *why) {
    wr_package *package = wr_calloc(1, sizeof(*package));
    if (package != NULL)
        package->why = wr_malloc(sizeof(*why));
    if (package == NULL || package->why == NULL) {
        free(package);
        return -ENOMEM;
    }
    wr_refs_init(&package->refs, 1);
    *package->why = *why;
    result->value = package;
    result->weight = sizeof(*package) + sizeof(*why);
    return error;
}

// ---- a fetch's life --------------------------------------------------------

void wr_fetch_unref(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    wr_mutex_lock(&resolve->lock);
    bool last = --fetch->refs == 0;
    if (last && wr_link_linked(&fetch->link))
        wr_list_remove(&fetch->link);
    wr_mutex_unlock(&resolve->lock);
    if (!last)
        return;
    free(fetch->etag);
    free(fetch->modified);
    free(fetch);
}

void wr_fetch_land(wr_fetch *fetch, int status, const weir_result *result) {
    wr_resolve *resolve = fetch->resolve;
    wr_mutex_lock(&resolve->lock);
    fetch->state = WR_FETCH_OVER;
    bool held = fetch->adding;
    if (held) {
        fetch->held = true;
        fetch->held_status = status;
        fetch->held_result =
            result != NULL ? *result : (weir_result){NULL, 0, 0};
    }
    wr_mutex_unlock(&resolve->lock);
    if (held)
        return;
    weir_flight_end(fetch->flight, status, result);
    wr_fetch_unref(fetch);
}

// The key is added. Returns why it is lost, or 0.
static int entered(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    int lost = weir_visit_cancelled(fetch->leader);
    if (lost != -ENOMEM && lost != -EINVAL)
        lost = 0;
    wr_mutex_lock(&resolve->lock);
    fetch->adding = false;
    bool held = fetch->held;
    fetch->held = false;
    // A canceller leaves what is being added to this thread.
    bool waits = fetch->state == WR_FETCH_ADDING;
    int error = lost != 0 ? lost : resolve->cancelled ? -ECANCELED : 0;
    if (waits)
        fetch->state = error != 0 ? WR_FETCH_OVER : WR_FETCH_QUEUED;
    wr_mutex_unlock(&resolve->lock);
    if (held)
        wr_fetch_land(fetch, fetch->held_status, &fetch->held_result);
    return waits ? error : 0;
}

// Whoever adds the key holds a reference: the visit may be over before the call
// that added it returns. The flight does not land before that, for with it ends
// the visit that leads.
int wr_fetch_enter(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    char key[WR_FETCH_KEY] = {WR_KIND_FETCH};
    wr_mutex_lock(&resolve->lock);
    bool cancelled = resolve->cancelled;
    fetch->state = cancelled ? WR_FETCH_OVER : WR_FETCH_ADDING;
    fetch->adding = !cancelled;
    fetch->number = resolve->numbers++;
    fetch->refs += !cancelled;
    if (!cancelled && !wr_link_linked(&fetch->link))
        wr_list_push_back(&resolve->fetches, &fetch->link);
    wr_mutex_unlock(&resolve->lock);
    if (cancelled)
        return -ECANCELED;
    memcpy(key + 1, &fetch->number, 8);
    memcpy(key + 9, &fetch, sizeof(void *));
    weir_key item = WEIR_KEY_INIT(key, sizeof(key));
    item.visit_class = WR_CLASS_NET;
    weir_visit_add(fetch->leader, &item);
    int error = entered(fetch);
    wr_fetch_unref(fetch);
    return error;
}

// The owner tells later that it had no memory for a key.
void wr_resolve_lost(wr_resolve *resolve, weir_visit *leader, int why) {
    wr_fetch *found = NULL;
    if (why != -ENOMEM && why != -EINVAL)
        return;
    wr_mutex_lock(&resolve->lock);
    for (wr_link *link = resolve->fetches.next; link != &resolve->fetches;
         link = link->next) {
        wr_fetch *fetch = wr_container_of(link, wr_fetch, link);
        if (fetch->leader == leader && fetch->state == WR_FETCH_QUEUED)
            found = fetch;
    }
    if (found != NULL)
        found->state = WR_FETCH_OVER;
    wr_mutex_unlock(&resolve->lock);
    if (found != NULL)
        wr_fetch_land(found, why, NULL);
}

// ---- the load --------------------------------------------------------------

static bool as_it_is(unsigned char byte) {
    switch (byte) {
    case '-':
    case '_':
    case '.':
    case '!':
    case '~':
    case '*':
    case '\'':
    case '(':
    case ')':
    case '@': return true;
    default:
        return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
               (byte >= 'A' && byte <= 'Z');
    }
}

static size_t room_of_url(const char *registry, wr_text name) {
    return strlen(registry) + 3 * name.size + 1;
}

// REGISTRY/@scope%2fname, whatever else escaped. Returns the size, with its 0.
static size_t write_url(char *text, const char *registry, wr_text name) {
    static const char digits[] = "0123456789abcdef";
    char *at = stpcpy(text, registry);
    for (size_t i = 0; i < name.size; i++) {
        unsigned char byte = (unsigned char)name.at[i];
        if (as_it_is(byte)) {
            *at++ = (char)byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    *at++ = '\0';
    return (size_t)(at - text);
}

static wr_fetch *make_fetch(wr_resolve *resolve, weir_flight *flight,
                            const char *key, size_t size) {
    wr_fetch *fetch = wr_calloc(1, sizeof(*fetch) + size);
    if (fetch == NULL)
        return NULL;
    fetch->resolve = resolve;
    fetch->flight = flight;
    fetch->leader = weir_flight_argument(flight);
    fetch->refs = 2; // the flight's, and this thread's
    fetch->key = memcpy(fetch->text, key, size);
    fetch->url = fetch->key + sizeof(asked_for) - 1;
    return fetch;
}

// A document that there was no room for: what this run has fetched is not
// fetched again, whatever its age may be.
void wr_resolve_removed(void *context, weir_entry *entry, weir_removal why) {
    wr_resolve *resolve = context;
    weir_result nothing = {NULL, 0, 0};
    size_t size;
    const void *key = weir_entry_key(entry, &size);
    if (why == WEIR_REMOVED_SIZE)
        (void)!weir_cache_put(resolve->forgotten, key, size, &nothing, NULL);
}

static bool was_here(wr_resolve *resolve, weir_flight *flight) {
    int status;
    weir_entry *entry;
    size_t size;
    const void *key = weir_flight_key(flight, &size);
    if (weir_cache_find(resolve->forgotten, key, size, &status, &entry) != 0)
        return false;
    weir_entry_release(entry);
    return true;
}

// Looks into the store. True: its record will do as it is.
static bool stored(wr_resolve *resolve, weir_flight *flight, const char *key,
                   wr_record *record, bool *has_record) {
    if (resolve->options.store == NULL)
        return false;
    int64_t begin = weir_now_ns();
    *has_record =
        wr_store_get(resolve->options.store, wr_text_of(key), record) == 0;
    wr_resolve_spent(resolve, WR_PHASE_STORE, begin);
    if (!*has_record)
        return false;
    return resolve->offline || resolve->prefer_offline ||
           (!resolve->prefer_online &&
            record->fresh_until > resolve->started) ||
           (record->fetched >= resolve->started && was_here(resolve, flight));
}

static int refuse_load(weir_result *result, const char *code,
                       const char *format, const char *what) {
    wr_why why;
    wr_refuse(&why, -ENOENT, code, format, what);
    return wr_fetch_fail(result, -ENOENT, &why);
}

static char *copied(wr_text text) {
    return text.size != 0 ? strndup(text.at, text.size) : NULL;
}

// `size`: with the key's 0.
static int load_key(wr_resolve *resolve, weir_flight *flight, const char *key,
                    size_t size, weir_result *result) {
    wr_record record;
    bool has_record = false;
    if (stored(resolve, flight, key, &record, &has_record)) {
        wr_resolve_add(resolve, WR_TALLY_FROM_CACHE, 1);
        return wr_fetch_keep(resolve, result, record.image, record.image_size,
                             NULL, NULL);
    }
    if (resolve->offline)
        return refuse_load(result, "ENOTCACHED",
                           "%s is not in the cache, and this is offline",
                           key + sizeof(asked_for) - 1);
    wr_fetch *fetch = make_fetch(resolve, flight, key, size);
    if (fetch == NULL)
        return -ENOMEM;
    fetch->has_record = has_record;
    if (has_record) {
        fetch->record = record;
        fetch->etag = copied(record.etag);
        fetch->modified = copied(record.last_modified);
    }
    int error = wr_fetch_enter(fetch);
    if (error != 0)
        wr_fetch_unref(fetch); // there is no visit to do so
    wr_fetch_unref(fetch);
    return error != 0 ? error : WEIR_LOAD_LATER;
}

int wr_resolve_load(void *context, weir_worker *self, weir_flight *flight,
                    weir_result *result) {
    wr_resolve *resolve = context;
    char few[FEW_BYTES];
    wr_text name;
    (void)self;
    name.at = weir_flight_key(flight, &name.size);
    const char *registry = wr_npmrc_registry_of(resolve->options.config, name);
    if (registry == NULL)
        return refuse_load(result, "ENOREGISTRY", "%s",
                           "no registry is configured for it");
    size_t head = sizeof(asked_for) - 1;
    size_t room = head + room_of_url(registry, name);
    char *key = room <= sizeof(few) ? few : wr_malloc(room);
    if (key == NULL)
        return -ENOMEM;
    memcpy(key, asked_for, head);
    size_t size = head + write_url(key + head, registry, name);
    int status = load_key(resolve, flight, key, size, result);
    if (key != few)
        wr_free(key);
    return status;
}

// ---- the visit -------------------------------------------------------------

static wr_fetch *fetch_of(weir_visit *visit) {
    size_t size;
    wr_fetch *fetch;
    const char *key = weir_visit_key(visit, &size);
    memcpy(&fetch, key + 9, sizeof(fetch));
    return fetch;
}

static void request_of(wr_fetch *fetch) {
    fetch->request = (wr_web_request){
        .url = fetch->url,
        .accept = accept,
        .etag = fetch->etag,
        .last_modified = fetch->modified,
        .done = wr_fetch_answered,
        .context = fetch,
    };
}

// Into the web. done may be called before this returns.
static void start(wr_fetch *fetch, wr_web *web) {
    wr_resolve *resolve = fetch->resolve;
    request_of(fetch);
    int error = wr_web_start(web, &fetch->request);
    if (error != 0) {
        wr_refuse(&fetch->request.why, error, "ENETWORK", "%s: %s", fetch->url,
                  weir_strerror(error));
        wr_fetch_answered(&fetch->request, error);
    } else {
        wr_mutex_lock(&resolve->lock);
        bool running = fetch->state == WR_FETCH_STARTING;
        if (running)
            fetch->state = WR_FETCH_RUNNING;
        bool stop = running && resolve->cancelled;
        wr_mutex_unlock(&resolve->lock);
        if (stop)
            wr_web_cancel(web, &fetch->request);
    }
    wr_fetch_unref(fetch);
}

static void without_web(wr_fetch *fetch) {
    request_of(fetch);
    fetch->request.why = fetch->resolve->web_why;
    wr_fetch_answered(&fetch->request, -EIO);
    wr_fetch_unref(fetch);
}

int wr_resolve_fetch(wr_resolve *resolve, weir_visit *visit) {
    wr_mutex_lock(&resolve->lock);
    // Once cancelled the fetch may be gone: its memory is not looked at.
    if (resolve->cancelled) {
        wr_mutex_unlock(&resolve->lock);
        return -ECANCELED;
    }
    wr_fetch *fetch = fetch_of(visit);
    wr_web *web = resolve->web;
    bool ask = web == NULL && !resolve->needed && !resolve->no_web;
    bool start_now = web != NULL || resolve->no_web;
    resolve->needed |= ask;
    fetch->visit = visit;
    fetch->refs += start_now;
    fetch->state = start_now ? WR_FETCH_STARTING : WR_FETCH_PARKED;
    if (!start_now)
        wr_list_push_back(&resolve->parked, &fetch->parked);
    wr_mutex_unlock(&resolve->lock);
    if (ask)
        resolve->options.web_needed(resolve->options.context);
    if (web != NULL) {
        start(fetch, web);
    } else if (start_now) {
        without_web(fetch);
    }
    return WEIR_VISIT_LATER;
}

void wr_resolve_web(wr_resolve *resolve, wr_web *web, const wr_why *why) {
    wr_mutex_lock(&resolve->lock);
    resolve->web = web;
    resolve->no_web = web == NULL;
    if (why != NULL)
        resolve->web_why = *why;
    wr_link *link;
    while ((link = wr_list_pop_front(&resolve->parked)) != NULL) {
        wr_fetch *fetch = wr_container_of(link, wr_fetch, parked);
        fetch->state = WR_FETCH_STARTING;
        fetch->refs++;
        wr_mutex_unlock(&resolve->lock);
        if (web != NULL) {
            start(fetch, web);
        } else {
            without_web(fetch);
        }
        wr_mutex_lock(&resolve->lock);
    }
    wr_mutex_unlock(&resolve->lock);
    if (resolve->options.kicked != NULL)
        resolve->options.kicked(resolve->options.context);
}

// ---- cancelling ------------------------------------------------------------

static void end_one(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    weir_visit *visit = fetch->visit;
    if (fetch->was == WR_FETCH_RUNNING) {
        wr_web_cancel(resolve->web, &fetch->request);
    } else if (fetch->was == WR_FETCH_QUEUED) {
        wr_fetch_land(fetch, -ECANCELED, NULL);
    } else if (fetch->was == WR_FETCH_PARKED) {
        wr_fetch_land(fetch, -ECANCELED, NULL);
        weir_visit_end(visit, -ECANCELED);
    }
    wr_fetch_unref(fetch);
}

void wr_resolve_cancel(wr_resolve *resolve) {
    wr_link doomed;
    wr_list_init(&doomed);
    if (resolve->frontier == NULL)
        return;
    wr_mutex_lock(&resolve->lock);
    bool again = resolve->cancelled;
    resolve->cancelled = true;
    for (wr_link *link = resolve->fetches.next;
         !again && link != &resolve->fetches; link = link->next) {
        wr_fetch *fetch = wr_container_of(link, wr_fetch, link);
        fetch->was = fetch->state;
        if (fetch->state == WR_FETCH_PARKED)
            wr_list_remove(&fetch->parked);
        else if (fetch->state != WR_FETCH_QUEUED &&
                 fetch->state != WR_FETCH_RUNNING)
            continue; // whoever has it will look
        if (fetch->state != WR_FETCH_RUNNING)
            fetch->state = WR_FETCH_OVER;
        fetch->refs++;
        wr_list_push_back(&doomed, &fetch->parked);
    }
    wr_mutex_unlock(&resolve->lock);
    weir_frontier_cancel(resolve->frontier);
    wr_link *link;
    while ((link = wr_list_pop_front(&doomed)) != NULL)
        end_one(wr_container_of(link, wr_fetch, parked));
    if (resolve->options.kicked != NULL)
        resolve->options.kicked(resolve->options.context);
}
