// SPDX-License-Identifier: MIT
#include "programs/serve/config_keys.h"

#include <limits.h>
#include <stddef.h>

static const char *const profiles[] = {"mixed", "many-requests", "batch", NULL};
static const char *const off_on[] = {"off", "on", NULL};

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)
#define MS ((uint64_t)1000000)
#define DAY ((uint64_t)86400 * 1000 * MS)
#define AT(field) offsetof(wr_config, field)
#define SERVICE(field) (AT(service) + offsetof(wr_service_options, field))

// The profiles:
//   mixed          as many workers as cores; requests that queue up together
//                  run together, but none waits for company
//   many-requests  a core for the loop, a long queue, one request at a time in
//                  a plan: the shortest way for each
//   batch          all cores; requests wait a little for company, and long
const wr_config_key wr_config_keys[] = {
    // [server]
    {"server", "profile", WR_CONFIG_CHOICE, AT(profile), "mixed", NULL, NULL, 0,
     0, profiles, "what the defaults of all other keys are"},
    {"server", "address", WR_CONFIG_ADDRESS, AT(address), "127.0.0.1", NULL,
     NULL, 0, 0, NULL, "to listen at; there is no access control"},
    {"server", "port", WR_CONFIG_COUNT, AT(port), "8080", NULL, NULL, 0, 65535,
     NULL, "0: any that is free; it is printed"},
    {"server", "trace", WR_CONFIG_CHOICE, AT(trace), "on", NULL, NULL, 0, 0,
     off_on, "whether a timeline is recorded, for /trace"},
    {"server", "trace_events", WR_CONFIG_COUNT, AT(trace_events), "16384", NULL,
     NULL, 16, 1 << 24, NULL, "kept of each worker"},
    {"server", "shutdown", WR_CONFIG_TIME, AT(shutdown_ns), "10s", NULL, "60s",
     0, DAY, NULL, "for what is running to end, after SIGTERM"},
    {"server", "retry_after", WR_CONFIG_TIME, AT(retry_ns), "1s", NULL, "5s",
     1000 * MS, DAY, NULL, "what a 503 tells the client to wait"},
    // [limits]
    {"limits", "connections", WR_CONFIG_COUNT, AT(connections), "1024", "4096",
     "256", 1, 1000000, NULL, "at once; more get 503"},
    {"limits", "connections_per_address", WR_CONFIG_COUNT,
     AT(connections_address), "1024", "4096", "256", 1, 1000000, NULL,
     "at once; more get 429"},
    {"limits", "header_bytes", WR_CONFIG_SIZE, AT(header_bytes), "8KiB", NULL,
     NULL, KIB, MIB, NULL, "of a request's line and headers"},
    {"limits", "control_bytes", WR_CONFIG_SIZE, AT(control_bytes), "64KiB",
     NULL, NULL, KIB, 16 * MIB, NULL, "of a JSON body without numbers"},
    {"limits", "json_bytes", WR_CONFIG_SIZE, AT(json_bytes), "8MiB", NULL,
     "32MiB", KIB, 1024 * MIB, NULL, "of a JSON body with numbers"},
    {"limits", "input_bytes", WR_CONFIG_SIZE, AT(input_bytes), "64MiB", NULL,
     "256MiB", KIB, TIB, NULL, "of a binary body with numbers"},
    {"limits", "bodies_bytes", WR_CONFIG_SIZE, AT(bodies_bytes), "512MiB", NULL,
     "1GiB", KIB, TIB, NULL, "of all bodies that are held"},
    {"limits", "idle", WR_CONFIG_TIME, AT(idle_ns), "60s", "15s", NULL, MS, DAY,
     NULL, "for the next request's headers to come in"},
    {"limits", "receive", WR_CONFIG_TIME, AT(receive_ns), "30s", "10s", "300s",
     MS, DAY, NULL, "for a body to come in"},
    {"limits", "send", WR_CONFIG_TIME, AT(send_ns), "30s", "10s", "300s", MS,
     DAY, NULL, "for an answer to be taken"},
    {"limits", "requests", WR_CONFIG_COUNT, SERVICE(requests), "256", "1024",
     "4096", 1, 1000000, NULL, "inferences queued or running; more get 503"},
    {"limits", "running", WR_CONFIG_COUNT, SERVICE(running), "16", NULL, "4", 1,
     65536, NULL, "plans that run at once"},
    {"limits", "request", WR_CONFIG_TIME, SERVICE(request_ns), "30s", "5s",
     "300s", MS, DAY, NULL, "for an inference, queueing included"},
    {"limits", "compile", WR_CONFIG_TIME, SERVICE(compile_ns), "60s", NULL,
     "300s", MS, DAY, NULL, "for compiling a model"},
    {"limits", "failure", WR_CONFIG_TIME, SERVICE(failure_ns), "0ns", NULL,
     NULL, 0, DAY, NULL, "that a failed compile is remembered"},
    {"limits", "models", WR_CONFIG_COUNT, SERVICE(models), "64", NULL, NULL, 1,
     65536, NULL, "names"},
    {"limits", "model_bytes", WR_CONFIG_SIZE, SERVICE(model_bytes), "256MiB",
     NULL, "1GiB", KIB, TIB, NULL, "of one model's file"},
    {"limits", "models_bytes", WR_CONFIG_SIZE, SERVICE(models_bytes), "1GiB",
     NULL, "4GiB", KIB, TIB, NULL, "of all models' constants"},
    {"limits", "cache_bytes", WR_CONFIG_SIZE, SERVICE(cache_bytes), "512MiB",
     NULL, "1GiB", 0, TIB, NULL, "of all compiled plans that are kept"},
    {"limits", "tensor_bytes", WR_CONFIG_SIZE, SERVICE(tensor_bytes), "256MiB",
     NULL, NULL, KIB, TIB, NULL, "of one tensor"},
    {"limits", "arena_bytes", WR_CONFIG_SIZE, SERVICE(arena_bytes), "1GiB",
     NULL, "4GiB", KIB, TIB, NULL, "of one running request"},
    {"limits", "contexts", WR_CONFIG_COUNT, SERVICE(contexts), "256", NULL,
     NULL, 0, 1000000, NULL, "at once"},
    {"limits", "context_bytes", WR_CONFIG_SIZE, SERVICE(context_bytes),
     "256MiB", NULL, "1GiB", KIB, TIB, NULL,
     "of the tensors and graphs of one context"},
    {"limits", "tensors", WR_CONFIG_COUNT, SERVICE(tensors), "1024", NULL, NULL,
     1, 1000000, NULL, "of one context"},
    {"limits", "graphs", WR_CONFIG_COUNT, SERVICE(graphs), "64", NULL, NULL, 1,
     1000000, NULL, "of one context"},
    {"limits", "operations", WR_CONFIG_COUNT, SERVICE(operations), "1024", NULL,
     NULL, 1, 1000000, NULL, "queued in one context"},
    // [batching]
    {"batching", "items", WR_CONFIG_COUNT, SERVICE(batch), "8", "1", "32", 1,
     4096, NULL, "requests that run as one at most; 1: off"},
    {"batching", "wait", WR_CONFIG_TIME, SERVICE(batch_ns), "0ns", NULL, "5ms",
     0, DAY, NULL, "that a request waits for company"},
    // [pool]
    {"pool", "threads", WR_CONFIG_THREADS, AT(threads), "all", "beside-loop",
     NULL, 1, 1024, NULL,
     "workers: all, beside-loop (a core less), or how many"},
    {"pool", "parts", WR_CONFIG_COUNT, SERVICE(parts_max), "8", NULL, NULL, 1,
     1024, NULL, "that one operator is cut into"},
};
const int wr_config_keys_count =
    sizeof(wr_config_keys) / sizeof(wr_config_keys[0]);

_Static_assert(sizeof(wr_config_keys) / sizeof(wr_config_keys[0]) <=
                   WR_CONFIG_KEYS_MAX,
               "config.h has room for all keys");
_Static_assert(sizeof(((wr_service_options *)0)->parts_max) == sizeof(int),
               "a count is an int's size");
