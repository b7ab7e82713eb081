// SPDX-License-Identifier: MIT
//
// The command line of `weir run`.
#include "programs/nn/command.h"

#include "programs/nn/graph.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024, REPEAT_MAX = 1000000 };

static const char help_text[] =
    "Usage: weir run [OPTIONS] MODEL.onnx\n"
    "\n"
    "Compiles a model for the shapes of its inputs, runs it and prints nodes,\n"
    "time, memory and outputs.\n"
    "\n"
    "Inputs, one option for each:\n"
    "  -i, --input=NAME=FILE         .npy (numpy) or .pb (ONNX tensor)\n"
    "  -i, --input=NAME:SHAPE=FILE   raw bytes of that shape, 1x3x48x320\n"
    "  -i, --input=NAME=random       -1 to 1, the same each time; or zeros,\n"
    "                                or ones\n"
    "  -i, --input=NAME=random:SHAPE where the model leaves the shape open\n"
    "\n"
    "  -o, --output=NAME=FILE        Write an output as .npy\n"
    "  -t, --threads=N               Threads to use, 0 (default) for all "
    "there\n"
    "                                are\n"
    "  -r, --repeat=N                Run N times; shows the least and the\n"
    "                                median\n"
    "  -n, --nodes                   List the nodes of the plan\n"
    "  -p, --profile                 Show where the time went\n"
    "      --trace=FILE              Draw a timeline: .svg, or .json for\n"
    "                                Perfetto\n"
    "      --check                   Also run in order on one thread, with\n"
    "                                unused memory poisoned, and compare\n"
    "      --seed=N                  Other random inputs\n"
    "      --without=PASS            Leave out folding, fusion, layout or\n"
    "                                sharing (of memory); may be repeated\n"
    "  -h, --help                    Show this help message\n"
    "\n"
    "Exit status: 0 done, 1 it failed, 2 the command line is wrong.\n"
    "\n"
    "Examples:\n"
    "  weir run --input x=random:1x3x48x320 rec.onnx\n"
    "  weir run -i x=line.npy -o y=result.npy rec.onnx\n"
    "  weir run -i x=random:1x3x48x320 -r 50 --profile rec.onnx\n"
    "  weir run -i x=zeros:1x3x48x320 --trace=run.svg rec.onnx\n";

const char *wr_nn_options_help(void) { return help_text; }

static int number(uint64_t *out, const char *option, const char *text,
                  uint64_t most, wr_nn_why *why) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
        value > most)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s takes a number from 0 to %llu, not '%s'",
                            option, (unsigned long long)most, text);
    *out = value;
    return 0;
}

static int number_int(int *out, const char *option, const char *text, int most,
                      wr_nn_why *why) {
    uint64_t value = 0;
    int status = number(&value, option, text, (uint64_t)most, why);
    if (status == 0)
        *out = (int)value;
    return status;
}

static int given(wr_nn_given *list, int *count, const char *option,
                 const char *text, wr_nn_why *why) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0')
        return wr_nn_refuse(why, -EINVAL, NULL, "%s takes NAME=..., not '%s'",
                            option, text);
    if (*count == WR_NN_GIVEN_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL, "%s: more than %d of them",
                            option, WR_NN_GIVEN_MAX);
    list[(*count)++] = (wr_nn_given){text, (size_t)(equals - text), equals + 1};
    return 0;
}

static int without(unsigned *out, const char *text, wr_nn_why *why) {
    static const struct {
        const char *name;
        unsigned flag;
    } passes[] = {{"folding", WR_NN_WITHOUT_FOLDING},
                  {"fusion", WR_NN_WITHOUT_FUSION},
                  {"layout", WR_NN_WITHOUT_LAYOUT},
                  {"sharing", WR_NN_WITHOUT_SHARING}};
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
        if (strcmp(passes[i].name, text) == 0) {
            *out |= passes[i].flag;
            return 0;
        }
    return wr_nn_refuse(why, -EINVAL, NULL,
                        "--without takes folding, fusion, layout or sharing, "
                        "not '%s'",
                        text);
}

static int trace(const char **out, const char *text, wr_nn_why *why) {
    const char *dot = strrchr(text, '.');
    if (dot == NULL || (strcmp(dot, ".svg") != 0 && strcmp(dot, ".json") != 0))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "--trace takes FILE.svg or FILE.json, not '%s'",
                            text);
    *out = text;
    return 0;
}

enum { SEED = 256, WITHOUT, TRACE, CHECK };

static const struct option longs[] = {
    {"input", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"threads", required_argument, NULL, 't'},
    {"repeat", required_argument, NULL, 'r'},
    {"nodes", no_argument, NULL, 'n'},
    {"profile", no_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {"seed", required_argument, NULL, SEED},
    {"without", required_argument, NULL, WITHOUT},
    {"trace", required_argument, NULL, TRACE},
    {"check", no_argument, NULL, CHECK},
    {NULL, 0, NULL, 0},
};

static int take(wr_nn_options *o, int letter, char **argv, wr_nn_why *why) {
    switch (letter) {
    case 'i': return given(o->input, &o->inputs, "--input", optarg, why);
    case 'o': return given(o->output, &o->outputs, "--output", optarg, why);
    case 't':
        return number_int(&o->threads, "--threads", optarg, THREADS_MAX, why);
    case 'r':
        return number_int(&o->repeat, "--repeat", optarg, REPEAT_MAX, why);
    case SEED: return number(&o->seed, "--seed", optarg, UINT64_MAX, why);
    case WITHOUT: return without(&o->without, optarg, why);
    case TRACE: return trace(&o->trace, optarg, why);
    case 'n': o->nodes = true; return 0;
    case 'p': o->profile = true; return 0;
    case 'h': o->help = true; return 0;
    case CHECK: o->check = true; return 0;
    case ':':
        return wr_nn_refuse(why, -EINVAL, NULL, "%s needs a value",
                            argv[optind - 1]);
    default:
        return wr_nn_refuse(why, -EINVAL, NULL, "no such option: %s",
                            argv[optind - 1]);
    }
}

int wr_nn_options_parse(wr_nn_options *options, int argc, char **argv,
                        wr_nn_why *why) {
    *options = (wr_nn_options){.repeat = 1};
    opterr = 0;
    optind = 0; // from the start, whoever parsed before
    for (;;) {
        int letter = getopt_long(argc, argv, ":i:o:t:r:nph", longs, NULL);
        if (letter == -1)
            break;
        int status = take(options, letter, argv, why);
        if (status != 0)
            return status;
        if (options->help)
            return 0;
    }
    if (optind + 1 != argc)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            optind == argc ? "no model given"
                                           : "more than one model given");
    options->model = argv[optind];
    if (options->repeat == 0)
        options->repeat = 1;
    return 0;
}
