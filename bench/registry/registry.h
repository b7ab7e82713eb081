// SPDX-License-Identifier: MIT
// A package registry on this machine's loopback, with generated packages, for
// tests, benches and the demo. It shares no code with what it tests.
#ifndef BENCH_REGISTRY_H
#define BENCH_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Noreturn void registry_die(const char *what, const char *detail);
void *registry_alloc(size_t size); // zeroed, or it dies

// ---- text.c: bytes that grow -----------------------------------------------

typedef struct text {
    char *at; // ended by a 0
    size_t size, room;
} text;

void text_add(text *to, const char *bytes, size_t size);
void text_put(text *to, const char *string);
void text_format(text *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_gzip(text *to, const char *bytes, size_t size);

// Chance, as a function of what it is asked about.
uint64_t registry_mix(uint64_t a, uint64_t b);

// ---- model.c: what packages there are --------------------------------------

typedef struct version {
    unsigned major, minor, patch;
    uint8_t pre; // 0: none; 1, 2, 3: alpha, beta, rc
    uint8_t pre_number;
    bool deprecated;
    size_t at, size; // its object in the abbreviated document
} version;

typedef enum need_kind { NEED_PROD, NEED_OPTIONAL, NEED_PEER } need_kind;

typedef struct need {
    size_t target; // a package's index
    need_kind kind;
    bool alias;      // under another name, by npm:
    bool optional;   // a peer that may be absent
    unsigned since;  // the version from which on it is there
    unsigned choice; // which of the target's ranges
} need;

typedef struct body {
    text raw, gzip;
    char etag[24];
} body;

typedef struct package {
    char *name;
    size_t index;
    unsigned level; // 0: the project asks for it
    bool platform;  // for one system only; always optional
    bool handmade;  // its document was given
    version *versions;
    unsigned count, latest;
    need *needs;
    unsigned needs_count;
    body brief, full; // full is made when it is first asked for
    unsigned requests;
} package;

typedef struct model {
    uint64_t seed;
    size_t count;                          // generated ones
    unsigned extra_percent, choices, size; // of needs, of ranges, of versions
    package **packages;                    // the generated ones
    package **table;                       // all, by name
    size_t table_size, table_used;
    char *tarballs; // what their URLs begin with
} model;

void model_make(model *m); // from seed, count, extra_percent, choices, size
package *model_find(const model *m, const char *name, size_t size);
package *model_add(model *m, const char *name); // without versions
void model_range(const model *m, const need *n, unsigned major, char *out,
                 size_t size);
void version_write(const version *v, char *out, size_t size);

// ---- render.c: documents ---------------------------------------------------

void render_brief(const model *m, package *p);
void render_full(const model *m, package *p);
void render_body(body *b); // what follows from raw
void render_project(const model *m, text *to);
// One version's object, or size 0; by its number or a dist-tag.
text render_version(const package *p, const char *version);
void render_giant(const model *m, package *p, unsigned versions);
text render_bomb(const char *name); // gzip of a gigabyte

// ---- fault.c: what goes wrong ----------------------------------------------

typedef enum fault {
    FAULT_NONE,
    FAULT_STALL,      // no answer, ever
    FAULT_STALL_BODY, // none after half of the body
    FAULT_LONGER,     // content-length says more than is sent; then closed
    FAULT_SHORTER,    // says less
    FAULT_RESET,      // RST after half of the body
    FAULT_CLOSE,      // FIN
    FAULT_HANGUP,     // FIN in place of an answer
    FAULT_401,
    FAULT_403,
    FAULT_404,
    FAULT_429, // with Retry-After
    FAULT_500,
    FAULT_502,
    FAULT_503,
    FAULT_REDIRECT,       // once, relative
    FAULT_REDIRECT_OTHER, // to the second port, or another name of this host
    FAULT_REDIRECT_LOOP,
    FAULT_GARBAGE,   // no JSON
    FAULT_CUT,       // JSON cut short, of the right length
    FAULT_CUT_GZIP,  // gzip cut short, of the right length
    FAULT_BAD_GZIP,  // no gzip
    FAULT_BOMB,      // a gigabyte in a small gzip
    FAULT_GIANT,     // 50,000 versions: large, and right
    FAULT_HUGE,      // content-length of 4 GiB, and it means it
    FAULT_DEEP,      // nested 100,000 times
    FAULT_WRONG,     // another package's document
    FAULT_HTML,      // with 200
    FAULT_EMPTY,     // a body of 0 bytes
    FAULT_DRIP,      // a byte at a time
    FAULT_HEADERS,   // 4 MiB of them
    FAULT_CHUNKED,   // no fault: another encoding of the transfer
    FAULT_NO_LENGTH, // none either: the body ends with the connection
    FAULT_NO_GZIP,   // none either
    FAULT_304,       // to one who has nothing
    FAULT_COUNT,
} fault;

const char *fault_name(fault kind);
fault fault_of_name(const char *name, size_t size); // FAULT_NONE: no such
void fault_rule(const char *rule);                  // NAME=KIND[:N]
void fault_chaos(const char *per_mille);
// Which fault this request for a package has; counts it. A package whose name
// is fault-KIND[-N] has that.
fault fault_next(package *p);
// Makes the package that a name fault-... asks for; NULL: another name.
package *fault_package(model *m, const char *name);
void fault_counts(text *to); // "kind": n, ...

// ---- server.c --------------------------------------------------------------

typedef struct server_options {
    int listener, second; // -1: none
    int port, second_port;
    const char *token, *second_token; // demanded, or NULL
    const char *scope;                // served on the second port alone
    int64_t latency_ns, drip_ns;
    int max_age, retry_after; // seconds; -1: not said
    bool etag, gzip, only_full;
} server_options;

// Serves until SIGTERM, SIGINT, or the end of a pipe that is standard input.
void server_run(model *m, const server_options *options);

// ---- answer.c: what is said to a request -----------------------------------

typedef struct request {
    char method[8];
    char path[1024]; // decoded
    bool abbreviated, gzip, close;
    bool second; // came to the second port
    char if_none_match[64], if_modified_since[64], authorization[256];
} request;

typedef enum ending { END_KEEP, END_CLOSE, END_RESET, END_STALL } ending;

typedef struct answer {
    text head;
    const char *body; // somebody else's, but for `own`
    char *own;
    size_t body_size;  // of it; sent in circles up to
    size_t total;      // so many bytes of body
    ending ending;     // once all that is sent
    bool drip;         // slowly
    bool counted;      // not one of /-/
    bool not_modified; // for the counters
} answer;

typedef struct counters {
    uint64_t requests, answers, connections, bytes_in, bytes_out;
    uint64_t not_modified, not_found, gzip, brief, full, authorized,
        unauthorized, second, repeated;
    unsigned open, open_max, in_flight, in_flight_max;
} counters;
extern counters registry_counters;

bool request_read(request *out, const char *head, size_t size);
void answer_make(answer *out, model *m, const server_options *options,
                 const request *asked);
void answer_free(answer *a);

#endif // BENCH_REGISTRY_H
