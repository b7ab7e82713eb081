// SPDX-License-Identifier: MIT
// Writes the model of the examples in docs/serve.md to standard output.
#define WEIR_PROGRAM ""
#include "serve/client.h"

int main(void) {
    onnx_bytes model = model_small();
    size_t written = fwrite(model.data, 1, model.size, stdout);
    bool good = written == model.size && fflush(stdout) == 0;
    free(model.data);
    return good ? 0 : 1;
}
