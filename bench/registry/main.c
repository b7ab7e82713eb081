// SPDX-License-Identifier: MIT
// A package registry on the loopback: see README.md.
#include "registry.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
    "usage: deps_registry [OPTION]...\n"
    "Serves generated packages at 127.0.0.1; prints `port N` when it is "
    "ready.\n"
    "  --graph NAME          large (4,060 packages), medium (1,424), ui (some\n"
    "                        4,571 items), small (40), none\n"
    "  --packages N  --seed N  --extra PERCENT  --choices N  --size N\n"
    "                        other graphs: further needs per package, ranges\n"
    "                        per package, versions (about N / 3 each)\n"
    "  --docs DIR            also the documents DIR/NAME.json (/ as %2f)\n"
    "  --write-project DIR   writes the package.json that reaches everything\n"
    "  --port N  --second    the port (0: any); a second one: `second N`\n"
    "  --ready-fd FD         the lines go there too\n"
    "  --latency-ms MS       each answer waits so long\n"
    "  --max-age S           of Cache-Control, default 300; -1: no such "
    "header\n"
    "  --no-etag  --no-gzip  --only-full\n"
    "  --token T  --second-token T   demanded, as Bearer\n"
    "  --scope @S            is on the second port, and alone there\n"
    "  --tarballs URL        begins the tarballs' URLs; default: this server\n"
    "  --fault NAME=KIND[:N] of a package (* any), at the first N requests\n"
    "  --chaos PER_MILLE     of first and second requests fail, passingly\n"
    "  --retry-after S       of 429; default 1; -1: not said\n"
    "  --drip-ms MS          between two bytes of the fault drip; default 20\n"
    "  --stats               what was made, to standard error\n"
    "Ends at SIGTERM, SIGINT, and when standard input, a pipe, is closed.\n";

typedef struct arguments {
    model packages;
    server_options server;
    const char *project, *docs, *tarballs;
    int ready_fd;
    bool stats;
} arguments;

enum {
    OPT_GRAPH = 1,
    OPT_PACKAGES,
    OPT_SEED,
    OPT_EXTRA,
    OPT_CHOICES,
    OPT_SIZE,
    OPT_DOCS,
    OPT_PROJECT,
    OPT_PORT,
    OPT_SECOND,
    OPT_READY,
    OPT_LATENCY,
    OPT_AGE,
    OPT_ETAG,
    OPT_GZIP,
    OPT_FULL,
    OPT_TOKEN,
    OPT_SECOND_TOKEN,
    OPT_SCOPE,
    OPT_TARBALLS,
    OPT_FAULT,
    OPT_CHAOS,
    OPT_RETRY,
    OPT_DRIP,
    OPT_STATS,
    OPT_HELP,
};

static const struct option names[] = {
    {"graph", 1, NULL, OPT_GRAPH},
    {"packages", 1, NULL, OPT_PACKAGES},
    {"seed", 1, NULL, OPT_SEED},
    {"extra", 1, NULL, OPT_EXTRA},
    {"choices", 1, NULL, OPT_CHOICES},
    {"size", 1, NULL, OPT_SIZE},
    {"docs", 1, NULL, OPT_DOCS},
    {"write-project", 1, NULL, OPT_PROJECT},
    {"port", 1, NULL, OPT_PORT},
    {"second", 0, NULL, OPT_SECOND},
    {"ready-fd", 1, NULL, OPT_READY},
    {"latency-ms", 1, NULL, OPT_LATENCY},
    {"max-age", 1, NULL, OPT_AGE},
    {"no-etag", 0, NULL, OPT_ETAG},
    {"no-gzip", 0, NULL, OPT_GZIP},
    {"only-full", 0, NULL, OPT_FULL},
    {"token", 1, NULL, OPT_TOKEN},
    {"second-token", 1, NULL, OPT_SECOND_TOKEN},
    {"scope", 1, NULL, OPT_SCOPE},
    {"tarballs", 1, NULL, OPT_TARBALLS},
    {"fault", 1, NULL, OPT_FAULT},
    {"chaos", 1, NULL, OPT_CHAOS},
    {"retry-after", 1, NULL, OPT_RETRY},
    {"drip-ms", 1, NULL, OPT_DRIP},
    {"stats", 0, NULL, OPT_STATS},
    {"help", 0, NULL, OPT_HELP},
    {NULL, 0, NULL, 0}};

static const struct graph {
    const char *name;
    unsigned packages, extra, choices, size;
} graphs[] = {
    {"large", 4060, 220, 3, 66}, {"medium", 1424, 220, 3, 64},
    {"ui", 2730, 173, 3, 64},    {"small", 40, 150, 3, 20},
    {"none", 0, 0, 1, 10},
};

static void choose_graph(model *m, const char *name) {
    for (size_t i = 0; i < sizeof(graphs) / sizeof(graphs[0]); i++)
        if (strcmp(graphs[i].name, name) == 0) {
            m->count = graphs[i].packages;
            m->extra_percent = graphs[i].extra;
            m->choices = graphs[i].choices;
            m->size = graphs[i].size;
            return;
        }
    registry_die("no such graph", name);
}

static long number(const char *digits, long least, long most) {
    char *end;
    errno = 0;
    long value = strtol(digits, &end, 10);
    if (errno != 0 || *end != 0 || end == digits || value < least ||
        value > most)
        registry_die("not a number that fits here", digits);
    return value;
}

static void read_model_option(model *m, int option, const char *value) {
    switch (option) {
    case OPT_GRAPH: choose_graph(m, value); break;
    case OPT_PACKAGES: m->count = (size_t)number(value, 0, 200000); break;
    case OPT_SEED: m->seed = (uint64_t)number(value, 0, 1L << 50); break;
    case OPT_EXTRA: m->extra_percent = (unsigned)number(value, 0, 2000); break;
    case OPT_CHOICES: m->choices = (unsigned)number(value, 1, 100); break;
    case OPT_SIZE: m->size = (unsigned)number(value, 0, 1000); break;
    default: registry_die("an option is not read", NULL);
    }
}

static void read_option(arguments *a, int option, const char *value) {
    server_options *s = &a->server;
    switch (option) {
    case OPT_DOCS: a->docs = value; break;
    case OPT_PROJECT: a->project = value; break;
    case OPT_PORT: s->port = (int)number(value, 0, 65535); break;
    case OPT_SECOND: s->second = 0; break;
    case OPT_READY: a->ready_fd = (int)number(value, 0, 65535); break;
    case OPT_LATENCY: s->latency_ns = number(value, 0, 600000) * 1000000; break;
    case OPT_AGE: s->max_age = (int)number(value, -1, 1 << 30); break;
    case OPT_ETAG: s->etag = false; break;
    case OPT_GZIP: s->gzip = false; break;
    case OPT_FULL: s->only_full = true; break;
    case OPT_TOKEN: s->token = value; break;
    case OPT_SECOND_TOKEN: s->second_token = value; break;
    case OPT_SCOPE: s->scope = value; break;
    case OPT_TARBALLS: a->tarballs = value; break;
    case OPT_FAULT: fault_rule(value); break;
    case OPT_CHAOS: fault_chaos(value); break;
    case OPT_RETRY: s->retry_after = (int)number(value, -1, 1 << 30); break;
    case OPT_DRIP: s->drip_ns = number(value, 0, 600000) * 1000000; break;
    case OPT_STATS: a->stats = true; break;
    case OPT_HELP: fputs(usage, stdout); exit(0);
    case '?': exit(2);
    default: read_model_option(&a->packages, option, value);
    }
}

static int listen_at(int *port) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)*port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        registry_die("cannot listen", strerror(errno));
    *port = ntohs(at.sin_port);
    return fd;
}

static void read_document(model *m, const char *dir, const char *entry) {
    char path[4096], name[256];
    size_t made = 0, size = strlen(entry) - 5;
    for (size_t i = 0; i < size && made + 1 < sizeof(name); i++) {
        bool slash = strncmp(entry + i, "%2f", 3) == 0;
        name[made++] = slash ? '/' : entry[i];
        i += slash ? 2 : 0;
    }
    name[made] = 0;
    snprintf(path, sizeof(path), "%s/%s", dir, entry);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        registry_die(path, strerror(errno));
    package *p = model_find(m, name, made);
    if (p == NULL)
        p = model_add(m, name);
    p->handmade = true;
    p->brief.raw.size = 0;
    char part[1 << 16];
    size_t got;
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        text_add(&p->brief.raw, part, got);
    fclose(file);
    p->count = 0;
    render_body(&p->brief);
}

static void read_documents(model *m, const char *dir) {
    DIR *folder = opendir(dir);
    if (folder == NULL)
        registry_die(dir, strerror(errno));
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        size_t size = strlen(e->d_name);
        if (size > 5 && strcmp(e->d_name + size - 5, ".json") == 0)
            read_document(m, dir, e->d_name);
    }
    closedir(folder);
}

static void write_project(const model *m, const char *dir) {
    char path[4096];
    text made = {NULL, 0, 0};
    render_project(m, &made);
    snprintf(path, sizeof(path), "%s/package.json", dir);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(made.at, 1, made.size, file) != made.size ||
        fclose(file) != 0)
        registry_die(path, strerror(errno));
    free(made.at);
}

static void say_stats(const model *m) {
    size_t raw = 0, gzip = 0, versions = 0, needs = 0;
    for (size_t i = 0; i < m->count; i++) {
        raw += m->packages[i]->brief.raw.size;
        gzip += m->packages[i]->brief.gzip.size;
        versions += m->packages[i]->count;
        needs += m->packages[i]->needs_count;
    }
    fprintf(stderr,
            "packages %zu versions %zu needs %zu raw %.1f MiB gzip %.1f MiB\n",
            m->count, versions, needs, (double)raw / 1048576,
            (double)gzip / 1048576);
}

static void say_ready(const arguments *a) {
    char line[128];
    int size = snprintf(line, sizeof(line), "port %d\n", a->server.port);
    if (a->server.second >= 0)
        size += snprintf(line + size, sizeof(line) - (size_t)size,
                         "second %d\n", a->server.second_port);
    fputs(line, stdout);
    fflush(stdout);
    if (a->ready_fd >= 0 && write(a->ready_fd, line, (size_t)size) != size)
        registry_die("--ready-fd", strerror(errno));
}

int main(int argc, char **argv) {
    arguments a = {.packages = {.seed = 1},
                   .server = {.second = -1,
                              .max_age = 300,
                              .retry_after = 1,
                              .drip_ns = 20000000,
                              .etag = true,
                              .gzip = true},
                   .ready_fd = -1};
    choose_graph(&a.packages, "small");
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        read_option(&a, option, optarg);
    if (optind < argc)
        registry_die("what is this?", argv[optind]);
    a.server.listener = listen_at(&a.server.port);
    if (a.server.second == 0)
        a.server.second = listen_at(&a.server.second_port);
    char base[64];
    snprintf(base, sizeof(base), "http://127.0.0.1:%d/", a.server.port);
    model *m = &a.packages;
    m->tarballs = strdup(a.tarballs != NULL ? a.tarballs : base);
    model_make(m);
    for (size_t i = 0; i < m->count; i++)
        render_brief(m, m->packages[i]);
    if (a.docs != NULL)
        read_documents(m, a.docs);
    if (a.project != NULL)
        write_project(m, a.project);
    if (a.stats)
        say_stats(m);
    say_ready(&a);
    server_run(m, &a.server);
    _exit(0); // connections that are still open go with the process
}
