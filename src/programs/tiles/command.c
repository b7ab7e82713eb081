// SPDX-License-Identifier: MIT
#include "programs/tiles/command.h"

#include "programs/tiles/crew.h"
#include "programs/tiles/job.h"

#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 256, SHOWN_MAX = 200 };

static void help(FILE *out) {
    fputs(
        "Usage: weir tiles cholesky|lu|gemm [OPTIONS]\n"
        "       weir tiles --help\n"
        "\n"
        "Cuts a square matrix into tiles, and has a task graph work on them.\n"
        "\n"
        "  cholesky  A = L Lt, of a symmetric positive definite matrix\n"
        "  lu        P A = L U, with partial pivoting\n"
        "  gemm      C = A B\n"
        "\n"
        "  --size N               the order of a matrix that is made up\n"
        "  --seed N               which one (default 1)\n"
        "  --input FILE           a matrix from there: Matrix Market, or raw; "
        "of gemm\n"
        "                         twice: A, then B; once: A times A\n"
        "  --type double|single   of the elements (default double)\n"
        "  --tile N               rows and columns of a tile (default 256)\n"
        "  --workers threads:N    threads of this program (default: one for "
        "each core)\n"
        "  --workers procs:N      processes beside it\n"
        "  --kill-worker N        kills process N, of 0 and up, in mid-run\n"
        "  --output FILE          writes the result: FILE.mtx, or raw\n"
        "  --pivots FILE          of lu: the row that each was swapped with\n"
        "  --timeline FILE        what ran when, FILE.svg\n"
        "  --dot FILE             the task graph, FILE.dot for Graphviz\n"
        "  --report FILE          the figures, FILE.json\n"
        "  --quiet                say nothing if all is well\n"
        "  --help                 show this\n"
        "\n"
        "It ends with 0; with 1 if it failed or the result is wrong; with 2 "
        "if the\n"
        "command line is wrong; with 3 if an input file cannot be used; with 4 "
        "if the\n"
        "matrix is singular, or not positive definite.\n"
        "\n"
        "Examples:\n"
        "  weir tiles cholesky --size 4096 --tile 256 --workers procs:2\n"
        "  weir tiles cholesky --size 2048 --workers procs:2 --kill-worker 1\n"
        "  weir tiles lu --input a.mtx --output factors.mtx --pivots rows\n"
        "  weir tiles gemm --size 3000 --type single --timeline gemm.svg\n",
        out);
}

static int wrong(const char *what, const char *argument) {
    fprintf(stderr,
            "weir tiles: %s%s%.*s (weir tiles --help lists the options)\n",
            what, argument != NULL ? " " : "", SHOWN_MAX,
            argument != NULL ? argument : "");
    return WR_TILES_USAGE;
}

static int set_number(const char *option, const char *value, uint64_t least,
                      uint64_t most, uint64_t *out) {
    char *end;
    errno = 0;
    uint64_t number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 ||
        number < least || number > most) {
        fprintf(stderr,
                "weir tiles: %s takes a number from %llu to %llu, not "
                "'%.*s'\n",
                option, (unsigned long long)least, (unsigned long long)most,
                SHOWN_MAX, value);
        return WR_TILES_USAGE;
    }
    *out = number;
    return 0;
}

static int set_algorithm(wr_tiles_options *o, const char *name) {
    static const char *const names[] = {"cholesky", "lu", "gemm"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            o->algorithm = (wr_tiles_algorithm)i;
            return 0;
        }
    return wrong("it is cholesky, lu or gemm, not", name);
}

static int set_type(wr_tiles_options *o, const char *value) {
    if (strcmp(value, "double") == 0)
        o->real = WR_TILES_DOUBLE;
    else if (strcmp(value, "single") == 0)
        o->real = WR_TILES_SINGLE;
    else
        return wrong("--type is double or single, not", value);
    return 0;
}

static int set_workers(wr_tiles_options *o, const char *value) {
    uint64_t number = 0;
    const char *count = strchr(value, ':');
    o->processes = strncmp(value, "procs:", 6) == 0;
    if (!o->processes && strncmp(value, "threads:", 8) != 0)
        return wrong("--workers is threads:N or procs:N, not", value);
    int status =
        set_number("--workers", count + 1, 1, WR_TILES_WORKERS_MAX, &number);
    o->workers = (unsigned)number;
    return status;
}

static int set_input(wr_tiles_options *o, const char *value) {
    if (o->input[1] != NULL)
        return wrong("--input is given twice at most, not also", value);
    o->input[o->input[0] != NULL] = value;
    return 0;
}

static int set_file(const char **out, const char *value) {
    *out = value;
    return 0;
}

static int set_value(wr_tiles_options *o, const char *option,
                     const char *value) {
    uint64_t number = 0;
    int status;
    if (strcmp(option, "--type") == 0)
        return set_type(o, value);
    if (strcmp(option, "--workers") == 0)
        return set_workers(o, value);
    if (strcmp(option, "--input") == 0)
        return set_input(o, value);
    if (strcmp(option, "--output") == 0)
        return set_file(&o->output, value);
    if (strcmp(option, "--pivots") == 0)
        return set_file(&o->pivots, value);
    if (strcmp(option, "--timeline") == 0)
        return set_file(&o->timeline, value);
    if (strcmp(option, "--dot") == 0)
        return set_file(&o->dot, value);
    if (strcmp(option, "--report") == 0)
        return set_file(&o->report, value);
    if (strcmp(option, "--seed") == 0)
        return set_number(option, value, 0, UINT64_MAX - 1, &o->seed);
    if (strcmp(option, "--kill-worker") == 0) {
        status =
            set_number(option, value, 0, WR_TILES_WORKERS_MAX - 1, &number);
        o->kill_worker = (int)number;
        return status;
    }
    status = set_number(option, value, 1, WR_TILES_ORDER_MAX, &number);
    *(strcmp(option, "--size") == 0 ? &o->size : &o->tile) = (size_t)number;
    return status;
}

// Takes one option, and its value if that is the next argument.
static int set_option(wr_tiles_options *o, int argc, char **argv, int *next) {
    static const char *const options[] = {
        "--size",   "--seed",    "--input",       "--type",
        "--tile",   "--workers", "--kill-worker", "--output",
        "--pivots", "--dot",     "--timeline",    "--report",
    };
    const char *argument = argv[*next];
    if (strcmp(argument, "--quiet") == 0) {
        o->quiet = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t length = strlen(options[i]);
        const char *value = NULL;
        if (strncmp(argument, options[i], length) != 0)
            continue;
        if (argument[length] == '=')
            value = argument + length + 1;
        else if (argument[length] != '\0')
            continue;
        else if (*next + 1 < argc)
            value = argv[++*next];
        if (value == NULL || *value == '\0')
            return wrong("a value is missing after", options[i]);
        return set_value(o, options[i], value);
    }
    return wrong("no option", argument);
}

// What only shows when all is known.
static int complete(wr_tiles_options *o) {
    if (o->size == 0 && o->input[0] == NULL)
        return wrong("say --size, or --input", NULL);
    if (o->size != 0 && o->input[0] != NULL)
        return wrong("--size and --input exclude each other", NULL);
    if (o->input[1] != NULL && o->algorithm != WR_TILES_GEMM)
        return wrong("only gemm has a second --input", NULL);
    if (o->pivots != NULL && o->algorithm != WR_TILES_LU)
        return wrong("only lu has --pivots", NULL);
    if (o->kill_worker >= 0 && !o->processes)
        return wrong("--kill-worker needs --workers procs:N", NULL);
    if (o->kill_worker >= 0 && (unsigned)o->kill_worker >= o->workers)
        return wrong("--kill-worker names none of the processes", NULL);
    if (o->workers == 0) {
        wr_cpu_limits limits;
        wr_cpu_limits_read(&limits);
        o->workers = limits.usable > 0 ? (unsigned)limits.usable : 1;
    }
    return 0;
}

int wr_tiles_main(int argc, char **argv) {
    wr_tiles_options options = {.tile = TILE, .seed = 1, .kill_worker = -1};
    int status = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help(stdout);
            return fflush(stdout) == 0 ? 0 : WR_TILES_FAILED;
        }
    if (argc < 2) {
        help(stderr);
        return WR_TILES_USAGE;
    }
    status = set_algorithm(&options, argv[1]);
    for (int i = 2; status == 0 && i < argc; i++)
        status = argv[i][0] == '-'
                     ? set_option(&options, argc, argv, &i)
                     : wrong("one algorithm alone, not also", argv[i]);
    if (status == 0)
        status = complete(&options);
    return status == 0 ? wr_tiles_job(&options) : status;
}
