// SPDX-License-Identifier: MIT
// oneTBB: task_group, parallel_for with its static partitioner ("static") and
// as it comes ("auto"), parallel_sort.
extern "C" {
#include "forkjoin.h"
}

#include <cstring>
#include <memory>
#include <oneapi/tbb.h>

namespace {

std::unique_ptr<tbb::global_control> limit;
std::unique_ptr<tbb::task_arena> arenas[2];

void start(unsigned workers, unsigned pools) {
    limit = std::make_unique<tbb::global_control>(
        tbb::global_control::max_allowed_parallelism, workers * pools);
    for (unsigned i = 0; i < pools; i++)
        arenas[i] = std::make_unique<tbb::task_arena>(int(workers));
}

void stop() {}

void inside(unsigned pool, fj_inside_function *function, void *context) {
    arenas[pool]->execute([=] { function(nullptr, context); });
}

uint64_t fib_of(unsigned n) {
    if (n < 2)
        return n;
    uint64_t left;
    tbb::task_group group;
    group.run([&left, n] { left = fib_of(n - 1); });
    uint64_t right = fib_of(n - 2);
    group.wait();
    return left + right;
}

uint64_t fib(void *, unsigned n) { return fib_of(n); }

uint64_t sky_of(uint64_t first, uint64_t size) {
    if (size == 1)
        return fj_number(first);
    uint64_t part[FJ_BRANCHES], sum = 0;
    tbb::task_group group;
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES - 1; i++)
        group.run([&part, i, first, size] {
            part[i] = sky_of(first + i * size, size);
        });
    part[FJ_BRANCHES - 1] = sky_of(first + (FJ_BRANCHES - 1) * size, size);
    group.wait();
    for (uint64_t value : part)
        sum += value;
    return sum;
}

uint64_t skynet(void *, uint64_t first, uint64_t size) {
    return sky_of(first, size);
}

uint64_t queens_of(const fj_board &board, unsigned row, unsigned n) {
    if (row == n)
        return 1;
    uint64_t part[FJ_QUEENS_MAX], sum = 0;
    unsigned count = 0;
    tbb::task_group group;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(&board, row, i))
            continue;
        fj_board next = board;
        next.column[row] = static_cast<unsigned char>(i);
        uint64_t *result = &part[count++];
        group.run(
            [next, row, n, result] { *result = queens_of(next, row + 1, n); });
    }
    group.wait();
    while (count-- > 0)
        sum += part[count];
    return sum;
}

uint64_t nqueens(void *, unsigned n) { return queens_of(fj_board{}, 0, n); }

uint64_t uts_of(const fj_node &node, unsigned depth) {
    uint64_t part[FJ_UTS_CHILDREN], sum = 1;
    unsigned count = fj_uts_count(&node, depth);
    tbb::task_group group;
    for (unsigned i = 0; i < count; i++)
        group.run([&part, &node, i, depth] {
            fj_node child;
            fj_uts_child(&child, &node, i);
            part[i] = uts_of(child, depth + 1);
        });
    group.wait();
    while (count-- > 0)
        sum += part[count];
    return sum;
}

uint64_t uts(void *) {
    fj_node root;
    fj_uts_root(&root);
    return uts_of(root, 0);
}

void matmul_of(float *c, const float *a, const float *b, size_t size,
               size_t n) {
    if (size == FJ_LEAF) {
        fj_leaf(c, a, b, n);
        return;
    }
    size_t half = size / 2;
    for (size_t k = 0; k < size; k += half) {
        tbb::task_group group;
        for (unsigned q = 0; q < 4; q++) {
            size_t i = q / 2 * half, j = q % 2 * half;
            group.run([=] {
                matmul_of(c + i * n + j, a + i * n + k, b + k * n + j, half, n);
            });
        }
        group.wait();
    }
}

void matmul(void *, float *c, const float *a, const float *b, size_t n) {
    matmul_of(c, a, b, n, n);
}

template <typename partitioner> void loop(void *, uint32_t *a, size_t n) {
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, n),
        [a](const tbb::blocked_range<size_t> &r) {
            for (size_t i = r.begin(); i < r.end(); i++)
                a[i] = a[i] * 3 + 1;
        },
        partitioner());
}

void sort(void *, uint32_t *a, size_t n) { tbb::parallel_sort(a, a + n); }

void strings(void *, const char **a, size_t n) {
    tbb::parallel_sort(a, a + n, [](const char *x, const char *y) {
        return std::strcmp(x, y) < 0;
    });
}

} // namespace

extern "C" const fj_form fj_forms[] = {
    {"static", start, stop, inside, fib, skynet, nqueens, uts, matmul,
     loop<tbb::static_partitioner>, sort, strings},
    {"auto", start, stop, inside, nullptr, nullptr, nullptr, nullptr, nullptr,
     loop<tbb::auto_partitioner>, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     nullptr, nullptr, nullptr, nullptr},
};
