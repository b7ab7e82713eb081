// SPDX-License-Identifier: MIT
#include "programs/serve/routes_figures.h"

#include <inttypes.h>

void wr_figures_take(wr_figures *figures, wr_server *server) {
    wr_service_count(server->service, &figures->service);
    figures->cache.size = sizeof(figures->cache);
    (void)weir_cache_count(wr_service_cache(server->service), &figures->cache);
    figures->http = server->http.counts;
    figures->connections = server->http.connections;
    figures->exchanges = server->http.exchanges;
    figures->bodies = server->http.bodies;
    figures->open = server->state == WR_SERVER_OPEN;
}

static void head(FILE *out, const char *name, const char *type,
                 const char *help) {
    fprintf(out, "# HELP weir_serve_%s %s\n# TYPE weir_serve_%s %s\n", name,
            help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help,
                  uint64_t value) {
    head(out, name, "gauge", help);
    fprintf(out, "weir_serve_%s %" PRIu64 "\n", name, value);
}

static void counter(FILE *out, const char *name, const char *help,
                    uint64_t value) {
    head(out, name, "counter", help);
    fprintf(out, "weir_serve_%s %" PRIu64 "\n", name, value);
}

typedef struct labelled {
    const char *label;
    uint64_t value;
} labelled;

static void counters(FILE *out, const char *name, const char *help,
                     const char *key, const labelled *values, size_t count) {
    head(out, name, "counter", help);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "weir_serve_%s{%s=\"%s\"} %" PRIu64 "\n", name, key,
                values[i].label, values[i].value);
}
#define COUNTERS(out, name, help, key, values)                                 \
    counters(out, name, help, key, values, sizeof(values) / sizeof(values[0]))

// Buckets at powers of two, from a microsecond to a minute.
static void histogram(FILE *out, const char *name, const char *help,
                      const weir_histogram *h) {
    head(out, name, "histogram", help);
    uint64_t sum = 0;
    uint64_t next = 1000;
    for (unsigned i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++) {
        uint64_t bound = weir_histogram_bound(i);
        sum += h->bucket[i];
        if (bound < next || bound > UINT64_C(120000000000))
            continue;
        fprintf(out, "weir_serve_%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name,
                (double)bound / 1e9, sum);
        next = 2 * bound;
    }
    fprintf(out,
            "weir_serve_%s_bucket{le=\"+Inf\"} %" PRIu64
            "\nweir_serve_%s_sum %.9f\nweir_serve_%s_count %" PRIu64 "\n",
            name, h->count, name, (double)h->sum_ns / 1e9, name, h->count);
}

static void write_http(const wr_figures *f, FILE *out) {
    const wr_http_counts *h = &f->http;
    const labelled answers[] = {{"2xx", h->answered[2]},
                                {"4xx", h->answered[4]},
                                {"5xx", h->answered[5]},
                                {"gone", h->gone}};
    const labelled slow[] = {{"idle", h->slow_idle},
                             {"receive", h->slow_receive},
                             {"send", h->slow_send}};
    gauge(out, "up", "1 while it is open, 0 while it stops", f->open);
    counter(out, "connections_total", "accepted", h->accepted);
    counter(out, "connections_refused_total", "over a limit", h->refused);
    gauge(out, "connections", "now", (uint64_t)f->connections);
    COUNTERS(out, "slow_total", "connections cut for being slow", "while",
             slow);
    counter(out, "http_requests_total", "with whole headers", h->requests);
    COUNTERS(out, "http_answers_total", "by status; gone: not taken", "code",
             answers);
    gauge(out, "http_requests", "now", (uint64_t)f->exchanges);
    gauge(out, "bodies_bytes", "of request bodies held now", f->bodies);
}

static void write_service(const wr_figures *f, FILE *out) {
    const wr_service_counts *s = &f->service;
    const labelled ends[] = {{"succeeded", s->succeeded},
                             {"failed", s->failed},
                             {"cancelled", s->cancelled},
                             {"timed_out", s->timed_out},
                             {"shut_down", s->shut_down}};
    counter(out, "inferences_total", "accepted", s->requests);
    COUNTERS(out, "inferences_ended_total", "by outcome", "outcome", ends);
    counter(out, "inferences_refused_total", "full", s->refused);
    gauge(out, "inferences", "queued or running now", s->pending);
    gauge(out, "plans_running", "now", s->running);
    counter(out, "batches_total", "plans run for several", s->batches);
    counter(out, "batched_total", "inferences in them", s->batched);
    counter(out, "loads_total", "models read", s->loads);
    counter(out, "loads_failed_total", "models refused", s->loads_failed);
    counter(out, "dispatches_total", "in contexts", s->dispatches);
    counter(out, "dispatches_failed_total", "in contexts",
            s->dispatches_failed);
    counter(out, "tensor_reads_total", "in contexts", s->reads);
    counter(out, "tensor_writes_total", "in contexts", s->writes);
    gauge(out, "contexts", "now", s->contexts);
    gauge(out, "tensors", "now", s->tensors);
    gauge(out, "tensor_bytes", "now", s->tensor_bytes);
    gauge(out, "graphs", "now", s->graphs);
    gauge(out, "graph_bytes", "of the plans that graphs keep now",
          s->graph_bytes);
    gauge(out, "operations", "queued in contexts now", s->operations);
    gauge(out, "models", "names now", s->models);
    gauge(out, "models_bytes", "now", s->models_bytes);
    gauge(out, "arenas_bytes", "of running plans now", s->arenas_bytes);
    histogram(out, "latency_seconds", "inferences, from accepted to answered",
              &s->latency);
    histogram(out, "queue_seconds", "inferences, until their plan starts",
              &s->queue);
    histogram(out, "run_seconds", "plans", &s->run);
    histogram(out, "compile_seconds", "compiles", &s->compile);
}

static void write_cache(const wr_figures *f, FILE *out) {
    const weir_cache_counts *c = &f->cache;
    const labelled gets[] = {{"hit", c->hits},
                             {"miss", c->misses},
                             {"coalesced", c->coalesced},
                             {"failed_hit", c->failed_hits}};
    const labelled flights[] = {{"loaded", c->loaded},
                                {"failed", c->failed},
                                {"abandoned", c->abandoned}};
    COUNTERS(out, "cache_gets_total", "of compiled plans", "found", gets);
    COUNTERS(out, "cache_flights_total", "compiles that have ended", "outcome",
             flights);
    gauge(out, "cache_entries", "plans kept now", c->entries);
    gauge(out, "cache_bytes", "of plans kept now", c->bytes);
    gauge(out, "cache_loading", "compiles now", c->loading);
    gauge(out, "cache_waiting", "who wait for a compile now", c->waiting);
    gauge(out, "cache_capacity_bytes", "limits.cache_bytes", c->capacity);
}

void wr_figures_write(const wr_figures *figures, FILE *out) {
    write_http(figures, out);
    write_service(figures, out);
    write_cache(figures, out);
}
