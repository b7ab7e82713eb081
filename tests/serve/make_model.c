// SPDX-License-Identifier: MIT
// Writes what the examples in docs/serve.md need to standard output: a model, a
// model that reads, or a page for it.
//
//   serve_model small|bars|page
#define WEIR_PROGRAM ""
#include "serve/client.h"
#include "serve/pages.h"

int main(int argc, char **argv) {
    static const char *const lines[] = {"aab", "abaa"};
    const char *what = argc == 2 ? argv[1] : "";
    onnx_bytes out;
    if (strcmp(what, "small") == 0) {
        out = model_small();
    } else if (strcmp(what, "bars") == 0) {
        out = model_bars(0);
    } else if (strcmp(what, "page") == 0) {
        out = png_lines(lines, 2);
    } else {
        fprintf(stderr, "usage: serve_model small|bars|page\n");
        return 2;
    }
    size_t written = fwrite(out.data, 1, out.size, stdout);
    bool good = written == out.size && fflush(stdout) == 0;
    free(out.data);
    return good ? 0 : 1;
}
