// SPDX-License-Identifier: MIT
//
// The `weir` executable: finds the subcommand and hands over to it.
#include "programs/delta/command.h"
#include "programs/deps/command.h"
#include "programs/nn/command.h"
#include "programs/serve/command.h"
#include "programs/tiles/command.h"

#include "weir/base.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_USAGE = 2 };

typedef struct subcommand {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); // argv[0] is the subcommand's name
} subcommand;

static const subcommand subcommands[] = {
    {"delta", "make and apply binary differences, as rdiff does",
     wr_delta_main},
    {"deps", "find what an npm project depends on", wr_deps_main},
    {"run", "run an ONNX model once, and say where the time goes", wr_nn_main},
    {"serve", "an inference service for ONNX models", wr_serve_main},
    {"tiles", "factor or multiply a large matrix, tile by tile", wr_tiles_main},
};
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static void help(FILE *out) {
    fputs("Usage: weir COMMAND [ARGUMENTS]\n"
          "       weir COMMAND --help\n"
          "\n"
          "Programs built on the weir concurrency runtime.\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-8s  %s\n", subcommands[i].name,
                subcommands[i].summary);
    fputs("\n"
          "  --help     show this\n"
          "  --version  show the version\n"
          "\n"
          "Called by the name rdiff (through a link), it is `weir delta'.\n",
          out);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int main(int argc, char **argv) {
    if (argc > 0 && strcmp(base_name(argv[0]), "rdiff") == 0)
        return wr_delta_main(argc, argv);
    if (argc < 2) {
        help(stderr);
        return STATUS_USAGE;
    }
    const char *name = argv[1];
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(name, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("weir %s\n", weir_version());
        return 0;
    }
    fprintf(stderr, "weir: no command '%s' (--help lists them)\n", name);
    return STATUS_USAGE;
}
