// SPDX-License-Identifier: MIT
//
// Products of a few rows by a small constant matrix, as squeeze-and-excite
// blocks have them: a call of oneDNN costs 1.5 to 4 us, they less.
#include "programs/nn/dnn.h"

#include "base/fault.h"

#include <errno.h>

// Sixteen sums stay in registers while the rows of a panel pass by.
enum { PANEL = 16 };

typedef float vector __attribute__((vector_size(16)));

int wr_nn_gemv_pack(wr_nn_dnn *dnn, size_t rows, size_t k, size_t n,
                    const float *b, size_t step_k, size_t step_n, float scale) {
    size_t panels = (n + PANEL - 1) / PANEL;
    size_t bytes = panels * PANEL * k * sizeof(float);
    float *to = wr_aligned_alloc(WR_NN_ALIGN, bytes);
    if (to == NULL)
        return -ENOMEM;
    dnn->gemv = (wr_nn_gemv){rows, k, n, to};
    dnn->bytes += bytes;
    for (size_t j = 0; j < panels * PANEL; j += PANEL)
        for (size_t i = 0; i < k; i++)
            for (size_t c = j; c < j + PANEL; c++)
                *to++ = c < n ? scale * b[i * step_k + c * step_n] : 0;
    wr_nn_flush(dnn->gemv.packed, bytes / sizeof(float));
    return 0;
}

static void panel(size_t k, const float *a, const vector *b, float *sums) {
    vector s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t i = 0; i < k; i++, b += 4) {
        s0 += a[i] * b[0];
        s1 += a[i] * b[1];
        s2 += a[i] * b[2];
        s3 += a[i] * b[3];
    }
    vector *to = (vector *)(void *)sums;
    to[0] = s0;
    to[1] = s1;
    to[2] = s2;
    to[3] = s3;
}

void wr_nn_gemv_run(const wr_nn_gemv *gemv, const float *a, const float *bias,
                    float *y) {
    _Alignas(WR_NN_ALIGN) float sums[PANEL];
    for (size_t row = 0; row < gemv->rows; row++, a += gemv->k, y += gemv->n) {
        const float *b = gemv->packed;
        for (size_t j = 0; j < gemv->n; j += PANEL, b += PANEL * gemv->k) {
            panel(gemv->k, a, (const vector *)(const void *)b, sums);
            size_t end = gemv->n - j < PANEL ? gemv->n - j : PANEL;
            for (size_t i = 0; i < end; i++)
                y[j + i] = sums[i] + (bias == NULL ? 0 : bias[j + i]);
        }
    }
}
