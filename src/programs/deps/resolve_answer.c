// SPDX-License-Identifier: MIT
// What came of a request: tried again, failed, not modified, or a body, which
// becomes a document in a job of the pool.
#include "programs/deps/resolve_parts.h"

#include <stdio.h>
#include <time.h>

static const int64_t ms = 1000000;

// ---- failures --------------------------------------------------------------

// Why an answer is none. -EAGAIN: it may be better the next time.
static int refused(wr_fetch *fetch, int status) {
    const wr_web_request *request = &fetch->request;
    int answer = request->answer;
    char code[16];
    if (status != 0) {
        fetch->why = request->why;
        if (fetch->why.code[0] == '\0')
            wr_refuse(&fetch->why, status, "ENETWORK", "GET %s: %s", fetch->url,
                      weir_strerror(status));
        return status;
    }
    snprintf(code, sizeof(code), "E%d", answer);
    const char *what = "";
    if (answer == 404)
        what = ": the registry has no such package";
    else if (answer == 401 || answer == 403)
        what = ": the registry wants other credentials";
    wr_refuse(&fetch->why, -ENOENT, code, "GET %s: answered %d%s", fetch->url,
              answer, what);
    return answer == 408 || answer == 429 || answer >= 500 ? -EAGAIN : -ENOENT;
}

// The frontier's back-off doubles; npm's factor and what the server asks for
// come on top, and are bounded by fetch-retry-maxtimeout.
static void delay(wr_fetch *fetch) {
    const wr_settings *settings = fetch->resolve->settings;
    unsigned attempt = weir_visit_attempt(fetch->visit);
    int64_t most = settings->fetch_retry_maxtimeout_ms;
    int64_t asked = fetch->request.retry_after_ms;
    double wanted = (double)settings->fetch_retry_mintimeout_ms;
    for (unsigned i = 1; i < attempt && wanted < (double)most; i++)
        wanted *= settings->fetch_retry_factor;
    if (wanted > (double)most)
        wanted = (double)most;
    if (attempt > 1) {
        uint32_t chance;
        wr_entropy(&chance, sizeof(chance));
        wanted -= wanted / 2 * ((double)chance / (double)UINT32_MAX);
        weir_visit_delay(fetch->visit, (int64_t)(wanted * (double)ms));
    }
    if (asked > 0)
        weir_visit_delay(fetch->visit, (asked < most ? asked : most) * ms);
}

static void failed(wr_fetch *fetch, int error) {
    wr_resolve *resolve = fetch->resolve;
    weir_visit *visit = fetch->visit;
    weir_result result = {NULL, 0, 0};
    bool again = false;
    if (error == -EAGAIN && weir_visit_attempt(visit) < resolve->attempts_max) {
        delay(fetch);
        wr_mutex_lock(&resolve->lock);
        again = !resolve->cancelled;
        if (again)
            fetch->state = WR_FETCH_QUEUED;
        wr_mutex_unlock(&resolve->lock);
    }
    if (again) {
        weir_visit_end(visit, -EAGAIN);
        return;
    }
    // -EAGAIN would have the item that waits tried again.
    if (error == -EAGAIN)
        error = -EIO;
    int status = error == -ECANCELED
                     ? error
                     : wr_fetch_fail(&result, error, &fetch->why);
    weir_visit_end(visit, error);
    wr_fetch_land(fetch, status, &result);
}

// ---- documents -------------------------------------------------------------

static wr_record record_of(const wr_fetch *fetch) {
    const wr_web_request *request = &fetch->request;
    int64_t now = (int64_t)time(NULL);
    int64_t age = request->max_age_s > 0 ? request->max_age_s : 0;
    if (age > INT64_C(1) << 40)
        age = INT64_C(1) << 40;
    return (wr_record){
        .etag = wr_text_of(request->new_etag),
        .last_modified = wr_text_of(request->new_last_modified),
        .fresh_until = now + age,
        .fetched = now,
    };
}

static void not_modified(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    weir_visit *visit = fetch->visit;
    weir_result result = {NULL, 0, 0};
    wr_record renewed = record_of(fetch);
    int64_t begin = weir_now_ns();
    (void)wr_store_renew(resolve->options.store, wr_text_of(fetch->key),
                         renewed.fresh_until, renewed.fetched);
    wr_resolve_spent(resolve, WR_PHASE_STORE, begin);
    wr_resolve_add(resolve, WR_TALLY_NOT_MODIFIED, 1);
    int status = wr_fetch_keep(resolve, &result, fetch->record.image,
                               fetch->record.image_size, NULL, NULL);
    weir_visit_end(visit, 0);
    wr_fetch_land(fetch, status, &result);
}

// Bytes to a document. Takes the body.
static int read_body(wr_fetch *fetch, wr_doc **doc, size_t *size) {
    wr_resolve *resolve = fetch->resolve;
    wr_web_request *request = &fetch->request;
    uint8_t *owned = request->body;
    const uint8_t *json = owned;
    size_t json_size = request->body_size;
    int error = 0;
    int64_t begin = weir_now_ns();
    request->body = NULL;
    if (request->gzip) {
        uint8_t *made = NULL;
        if (!wr_doc_inflate_lent(&json, &json_size, owned, request->body_size))
            error = wr_doc_inflate(&made, &json_size, owned, request->body_size,
                                   WR_DOC_BYTES_MAX, &fetch->why);
        free(owned);
        owned = made;
        json = made != NULL ? made : json;
        begin = wr_resolve_spent(resolve, WR_PHASE_INFLATE, begin);
    }
    if (error == 0)
        error =
            wr_doc_parse(doc, size, (const char *)json, json_size, &fetch->why);
    free(owned);
    wr_resolve_spent(resolve, WR_PHASE_PARSE, begin);
    return error;
}

static void store_away(wr_fetch *fetch, wr_package *package, size_t size) {
    wr_resolve *resolve = fetch->resolve;
    if (resolve->options.store == NULL)
        return;
    int64_t begin = weir_now_ns();
    wr_record record = record_of(fetch);
    record.image = package->doc;
    record.image_size = size;
    // A cache that takes nothing is no failure.
    (void)wr_store_put(resolve->options.store, wr_text_of(fetch->key), &record);
    wr_resolve_spent(resolve, WR_PHASE_WRITE, begin);
}

// Whoever waits goes on before the store is written to.
static int parse_run(weir_worker *self, weir_job *job) {
    wr_fetch *fetch = wr_container_of(job, wr_fetch, job);
    wr_resolve *resolve = fetch->resolve;
    weir_result result = {NULL, 0, 0};
    wr_package *package = NULL;
    wr_doc *doc = NULL;
    size_t size = 0;
    (void)self;
    fetch->why.code[0] = '\0';
    int error = read_body(fetch, &doc, &size);
    if (error == -EINVAL && strcmp(fetch->why.code, "EZLIB") == 0 &&
        ++fetch->damaged < resolve->attempts_max) {
        fetch->again = true;
        return 0;
    }
    if (error == 0)
        error = wr_fetch_keep(resolve, &result, doc, size, doc, &package);
    if (error != 0 && package == NULL)
        free(doc);
    if (error != 0 && error != -ENOMEM)
        error = wr_fetch_fail(&result, error, &fetch->why);
    wr_fetch_land(fetch, error, &result);
    if (package != NULL) {
        store_away(fetch, package, size);
        wr_resolve_release(resolve, package);
    }
    return 0;
}

static void submit_parse(wr_fetch *fetch);

static void parse_done(weir_job *job, int status) {
    wr_fetch *fetch = wr_container_of(job, wr_fetch, job);
    wr_resolve *resolve = fetch->resolve;
    wr_fetch *next = NULL;
    if (!weir_job_ran(job)) {
        free(fetch->request.body);
        wr_fetch_land(fetch, status, NULL);
    } else if (fetch->again) {
        fetch->again = false;
        int error = wr_fetch_enter(fetch);
        if (error != 0)
            wr_fetch_land(fetch, error, NULL);
    }
    wr_fetch_unref(fetch);
    wr_mutex_lock(&resolve->lock);
    if (resolve->options.parse_serially) {
        wr_link *link = wr_list_pop_front(&resolve->lined);
        resolve->parsing = link != NULL;
        if (link != NULL)
            next = wr_container_of(link, wr_fetch, parked);
    }
    wr_mutex_unlock(&resolve->lock);
    if (next != NULL)
        submit_parse(next);
    (void)weir_event_fire(&resolve->settled, 0);
}

static void submit_parse(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    fetch->job = (weir_job)WEIR_JOB_INIT(parse_run, parse_done);
    fetch->job.name = "parse";
    (void)!weir_event_add(&resolve->settled, 1);
    int error = weir_submit(resolve->options.pool, &fetch->job);
    if (error == 0)
        return;
    free(fetch->request.body);
    wr_fetch_land(fetch, error, NULL);
    wr_fetch_unref(fetch);
    (void)weir_event_fire(&resolve->settled, 0);
}

static void take_body(wr_fetch *fetch) {
    wr_resolve *resolve = fetch->resolve;
    weir_visit *visit = fetch->visit;
    wr_resolve_add(resolve, WR_TALLY_FETCHED, 1);
    wr_resolve_add(resolve, WR_TALLY_BYTES, fetch->request.body_size);
    bool wait = false;
    wr_mutex_lock(&resolve->lock);
    fetch->refs++; // the job's
    if (resolve->options.parse_serially) {
        wait = resolve->parsing;
        resolve->parsing = true;
        if (wait)
            wr_list_push_back(&resolve->lined, &fetch->parked);
    }
    wr_mutex_unlock(&resolve->lock);
    if (!wait)
        submit_parse(fetch);
    // The next request may begin; the document has its own way.
    weir_visit_end(visit, 0);
}

void wr_fetch_answered(wr_web_request *request, int status) {
    wr_fetch *fetch = request->context;
    wr_resolve *resolve = fetch->resolve;
    wr_mutex_lock(&resolve->lock);
    fetch->state = WR_FETCH_ANSWERED;
    bool cancelled = resolve->cancelled;
    wr_mutex_unlock(&resolve->lock);
    if (cancelled) {
        free(request->body);
        request->body = NULL;
        failed(fetch, -ECANCELED);
    } else if (status == 0 && request->answer == 200) {
        take_body(fetch);
    } else if (status == 0 && request->answer == 304 && fetch->has_record) {
        not_modified(fetch);
    } else {
        failed(fetch, refused(fetch, status));
    }
    if (resolve->options.kicked != NULL)
        resolve->options.kicked(resolve->options.context);
}
