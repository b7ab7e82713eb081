// SPDX-License-Identifier: MIT
// Feeds odd command lines to `weir run`, `serve`, `deps` and `tiles`; what they
// would do then is not done: see the link options. What is looked for is a
// crash, a sanitizer's complaint, an exit status that is none, a wrong command
// line without a line that says so, one that is refused and has begun, or a
// number that is beyond its bounds. `weir delta`: fuzz_delta.c.
//
// The first byte says which program; the words end with a 0. How to run it:
// engine.h.
#include "engine.h"

#include "programs/deps/command.h"
#include "programs/deps/command_parts.h"
#include "programs/nn/command.h"
#include "programs/serve/command.h"
#include "programs/serve/server.h"
#include "programs/tiles/command.h"
#include "programs/tiles/job.h"

#include <errno.h>
#include <sys/mman.h>

enum { PROGRAMS = 4, WORDS_MAX = 24, WORDS = 32, INPUT_MAX = 2048, USAGE = 2 };

static int out = -1, said = -1, said_error = -1; // stdout; what is said
static int begun;

static void broken(const char *what, const char *more) {
    dprintf(out, "fuzz_command: %s: %s\n", what, more);
    abort();
}

// ---------------------------------------------------------------------------
// What would be done

int __wrap_wr_tiles_job(const wr_tiles_options *options);
int __wrap_wr_deps_fetch(const wr_deps_options *options);
int __wrap_wr_server_run(const wr_config *config, const wr_server_model *models,
                         int count, FILE *log);

int __wrap_wr_tiles_job(const wr_tiles_options *o) {
    begun++;
    if (o->size > WR_TILES_ORDER_MAX || o->tile < 1 ||
        o->tile > WR_TILES_ORDER_MAX || o->workers < 1)
        broken("tiles", "a size or workers that cannot be");
    if ((o->size != 0) == (o->input[0] != NULL))
        broken("tiles", "neither a size nor an input, or both");
    if (o->kill_worker >= 0 &&
        (!o->processes || (unsigned)o->kill_worker >= o->workers))
        broken("tiles", "a worker to be killed that is none");
    return 0;
}

int __wrap_wr_deps_fetch(const wr_deps_options *o) {
    begun++;
    if (o->dir == NULL || (o->offline && o->prefer_online))
        broken("deps", "no folder, or both");
    if (o->threads < WEIR_THREADS_DEFAULT || o->threads > 65536 ||
        o->connections > 65536)
        broken("deps", "a number beyond its bounds");
    return 0;
}

int __wrap_wr_server_run(const wr_config *config, const wr_server_model *models,
                         int count, FILE *log) {
    begun++;
    char *text = NULL;
    size_t size;
    FILE *printed = open_memstream(&text, &size);
    if (printed == NULL || log == NULL)
        abort();
    wr_config_print(config, printed);
    fclose(printed);
    if (size == 0)
        broken("serve", "a configuration of nothing");
    free(text);
    for (int i = 0; i < count; i++)
        if (models[i].name[0] == '\0' || models[i].path[0] == '\0' ||
            strchr(models[i].name, '=') != NULL)
            broken("serve", "a model without a name or a file");
    return 0;
}

// ---------------------------------------------------------------------------
// One input

static void run_options(int argc, char **argv) {
    static wr_nn_options o;
    wr_nn_why why = {""};
    int status = wr_nn_options_parse(&o, argc, argv, &why);
    if (status == 0 && o.help)
        return;
    if (status != 0) {
        if (status != -EINVAL || why.text[0] == '\0')
            broken("run", "no line");
        return;
    }
    if (o.model == NULL || o.repeat < 1 || o.repeat > 1000000 ||
        o.threads < 0 || o.threads > 1024 || o.inputs > WR_NN_GIVEN_MAX ||
        o.outputs > WR_NN_GIVEN_MAX)
        broken("run", "a number beyond its bounds");
    for (int i = 0; i < o.inputs + o.outputs; i++) {
        const wr_nn_given *given =
            i < o.inputs ? &o.input[i] : &o.output[i - o.inputs];
        if (given->left == 0 || given->whole[given->left] != '=' ||
            given->right != given->whole + given->left + 1 ||
            given->right[0] == '\0')
            broken("run", given->whole);
    }
}

static size_t size_of(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
}

static void run_main(int (*program)(int argc, char **argv), const char *name,
                     int argc, char **argv) {
    char line[32] = "", expected[32];
    if (ftruncate(said, 0) != 0 || ftruncate(said_error, 0) != 0 ||
        lseek(said, 0, SEEK_SET) != 0 || lseek(said_error, 0, SEEK_SET) != 0)
        broken(name, "no file");
    fflush(stdout);
    begun = 0;
    dup2(said, STDOUT_FILENO);
    dup2(said_error, STDERR_FILENO);
    int status = program(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    size_t size = size_of(said_error);
    if (status != 0 && status != USAGE)
        broken(name, "an odd status");
    if (begun > 1 || (begun == 1 && status != 0))
        broken(name, "refused and begun");
    if (status == 0 && begun == 0 && size_of(said) == 0)
        broken(name, "all is well, and nothing was done");
    if (status == 0 && size != 0)
        broken(name, "all is well, and it complains");
    if (status == 0)
        return;
    if (pread(said_error, line, sizeof(line) - 1, 0) < 1)
        broken(name, "refused without a line");
    snprintf(expected, sizeof(expected), "weir %s: ", name);
    if (argc > 1 && strncmp(line, expected, strlen(expected)) != 0)
        broken(name, line);
    char last = '\0';
    if (pread(said_error, &last, 1, (off_t)size - 1) != 1 || last != '\n')
        broken(name, "a line without an end");
}

static void prepare(void) {
    if (out >= 0)
        return;
    out = dup(STDOUT_FILENO);
    said = memfd_create("out", MFD_CLOEXEC);
    said_error = memfd_create("err", MFD_CLOEXEC);
    if (out < 0 || said < 0 || said_error < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    prepare();
    if (size < 1)
        return 0;
    char *text = malloc(size);
    char *words[WORDS_MAX + 1] = {"weir"};
    int count = 1;
    if (text == NULL)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    for (size_t at = 0; at < size - 1 && count < WORDS_MAX;
         at += strlen(text + at) + 1)
        words[count++] = text + at;
    switch (data[0] % PROGRAMS) {
    case 0: run_options(count, words); break;
    case 1: run_main(wr_serve_main, "serve", count, words); break;
    case 2: run_main(wr_deps_main, "deps", count, words); break;
    default: run_main(wr_tiles_main, "tiles", count, words); break;
    }
    free(text);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: lines that might be right, damaged a little

static const char *const words_of[PROGRAMS][WORDS] = {
    {"m.onnx",
     "-i",
     "x=random:1x3",
     "--input=x:2x2=file",
     "-o",
     "y=out.npy",
     "--threads=2",
     "-t",
     "1025",
     "-r",
     "50",
     "--repeat=0",
     "--seed",
     "18446744073709551615",
     "--seed=-1",
     "--without=fusion",
     "--without",
     "sharing",
     "--trace=t.svg",
     "--trace",
     "t.png",
     "-np",
     "--check",
     "-h",
     "--",
     "--output=",
     "--see=3",
     "-x",
     "x=",
     "=y"},
    {"a=m.onnx",
     "--set",
     "limits.requests=64",
     "--set=server.profile=mixed",
     "--listen",
     "127.0.0.1:0",
     "--listen=[::1]:8080",
     "--listen=:1",
     "--print-config",
     "--help",
     "--config",
     "none.conf",
     "--",
     "b=",
     "=c",
     "--set=limits.bodies=64KiB",
     "--set=limits.bodies=99999999999999999999G",
     "--set=a.b",
     "--listen",
     "[]:1",
     "-h",
     "--set=limits.body-time=250ms",
     "--set",
     "server.threads=beside-loop",
     "-",
     "--no",
     "a=b=c",
     "--set=",
     "--listen=1.2.3.4:99999",
     ""},
    {"fetch",
     ".",
     "-o",
     "deps.json",
     "--registry",
     "http://127.0.0.1:4873/",
     "--cache=/tmp/c",
     "--node=20.1.0",
     "--node",
     "20",
     "--threads=2",
     "--threads=0",
     "--connections",
     "64",
     "--connections=0",
     "--offline",
     "--prefer-online",
     "--prefer-offline",
     "--json",
     "--verbose",
     "--progress",
     "--no-progress",
     "--engine=owner",
     "--engine",
     "workers",
     "--parse-threads=all",
     "--parse-threads=2",
     "--trace=t.svg",
     "--help",
     "--threads=99999999999999999999"},
    {"cholesky",
     "lu",
     "gemm",
     "--size",
     "4096",
     "--size=0",
     "--tile=256",
     "--workers",
     "procs:2",
     "--workers=threads:1",
     "--workers=procs:",
     "--workers=threads:99999999999999999999",
     "--kill-worker",
     "1",
     "--kill-worker=-1",
     "--input",
     "a.mtx",
     "--input=b",
     "--output=c",
     "--pivots",
     "p",
     "--type=single",
     "--type=half",
     "--seed",
     "18446744073709551615",
     "--seed=18446744073709551614",
     "--dot=d",
     "--timeline=t",
     "--report=r",
     "--quiet",
     "--help"},
};

static size_t seed_line(uint8_t *at, unsigned program) {
    size_t size = 0;
    const char *first = program == 2   ? "fetch"
                        : program == 3 ? words_of[3][below(3)]
                                       : words_of[program][0];
    for (size_t i = 0, words = 1 + below(8); i < words; i++) {
        const char *word =
            i == 0 && below(8) ? first : words_of[program][below(WORDS)];
        word = word != NULL ? word : "";
        memcpy(at + size, word, strlen(word) + 1);
        size += strlen(word) + 1;
    }
    return size;
}

static void one_round(void) {
    static const char odd[] = "\0=-:.,[]+ x0123456789\n\xff";
    static uint8_t data[INPUT_MAX];
    data[0] = (uint8_t)below(PROGRAMS);
    size_t size = seed_line(data + 1, data[0]);
    if (below(3) > 0)
        size = fuzz_damage(data + 1, size, odd, sizeof(odd) - 1, 6, 0);
    LLVMFuzzerTestOneInput(data, 1 + size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_command", one_round);
}
