// SPDX-License-Identifier: MIT
// What a C++ user would take instead of weir's pipeline: parallel_pipeline of
// oneTBB, in the rows of bench/stream.c by the same names. It moves one token
// at a time, so here a batch is made by hand: a token holds so many items.
//
//   peer_tbb [--rounds N] [--only PREFIX]
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>

namespace tbb = oneapi::tbb;

static constexpr std::uint64_t items = 500000;

static std::uint64_t ten_ns(std::uint64_t x) {
    for (int i = 0; i < 20; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

static double wall_ns() {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::nano>(now).count();
}

static double cpu_ns() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 +
           static_cast<double>(now.tv_nsec);
}

template <std::size_t batch> struct token {
    std::size_t count = 0;
    std::array<std::uint64_t, batch> data;
};

template <std::size_t batch> static std::uint64_t run() {
    using held = token<batch>;
    constexpr std::size_t live = 16;
    // Tokens come back in order and at most `live` are out: a ring is enough.
    std::vector<held> ring(live);
    std::uint64_t next = 0, sum = 0;
    std::size_t slot = 0;
    auto source = [&](tbb::flow_control &control) -> held * {
        held *t = &ring[slot++ % live];
        for (t->count = 0; t->count < batch && next < items; next++)
            t->data[t->count++] = next;
        if (t->count == 0)
            control.stop();
        return t;
    };
    auto work = [](held *t) {
        for (std::size_t i = 0; i < t->count; i++)
            t->data[i] = ten_ns(t->data[i]);
        return t;
    };
    auto sink = [&](held *t) {
        for (std::size_t i = 0; i < t->count; i++)
            sum = sum * 31 + t->data[i];
    };
    tbb::parallel_pipeline(
        live,
        tbb::make_filter<void, held *>(tbb::filter_mode::serial_in_order,
                                       source) &
            tbb::make_filter<held *, held *>(tbb::filter_mode::parallel,
                                             work) &
            tbb::make_filter<held *, void>(tbb::filter_mode::serial_in_order,
                                           sink));
    return sum;
}

template <std::size_t batch>
static void measure(int rounds, const std::string &only, std::uint64_t sum) {
    std::string name = "pipeline.batch" + std::to_string(batch);
    if (name.compare(0, only.size(), only) != 0)
        return;
    double lowest = std::numeric_limits<double>::max(), lowest_cpu = lowest;
    for (int i = 0; i < rounds; i++) {
        double cpu = cpu_ns(), start = wall_ns();
        std::uint64_t got = run<batch>();
        lowest = std::min(lowest, wall_ns() - start);
        lowest_cpu = std::min(lowest_cpu, cpu_ns() - cpu);
        if (got != sum) {
            std::fprintf(stderr, "peer_tbb: wrong sum\n");
            std::exit(1);
        }
    }
    std::printf("%s %.2f ns/item\n", name.c_str(), lowest / items);
    std::printf("%s.cpu %.2f ns/item\n", name.c_str(), lowest_cpu / items);
    std::printf("%s.rate %.2f million/s\n", name.c_str(),
                1e3 * items / lowest);
}

int main(int argc, char **argv) {
    int rounds = 9;
    std::string only;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string(argv[i]) == "--rounds")
            rounds = std::atoi(argv[i + 1]);
        else if (std::string(argv[i]) == "--only")
            only = argv[i + 1];
    }
    tbb::global_control width(tbb::global_control::max_allowed_parallelism, 2);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < items; i++)
        sum = sum * 31 + ten_ns(i);
    measure<1>(rounds, only, sum);
    measure<16>(rounds, only, sum);
    measure<256>(rounds, only, sum);
}
