// SPDX-License-Identifier: MIT
// The rows of bench/graph.sh in oneTBB's flow graph. It knows edges, no data:
// who submits says what comes after what. A round makes its nodes and edges,
// starts them, waits, and frees them. The thread that waits is one of the
// workers.
//
//   peer_graph_tbb CASE [--option N]...
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

extern "C" {
#include "graph_tiles.h"
}

namespace tbb = oneapi::tbb;
using message = tbb::flow::continue_msg;
using node = tbb::flow::continue_node<message>;

static std::vector<std::uint64_t> sums(SLICES *SLICE / 8);

static void nothing(const message &) {}

static void sum_is(std::uint64_t wanted) {
    std::uint64_t sum = 0;
    for (std::uint64_t value : sums)
        sum += value;
    bench_same("sum of the slices", sum, wanted);
}

static void empty() {
    bench_meter m{};
    while (bench_more(&m)) {
        bench_begin(&m);
        {
            tbb::flow::graph graph;
            std::deque<node> nodes;
            for (unsigned i = 0; i < bench_set.count; i++) {
                nodes.emplace_back(graph, nothing);
                nodes.back().try_put(message());
            }
            graph.wait_for_all();
        }
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "empty", "ns");
}

static void chain() {
    bench_meter m{};
    std::uint64_t links = 0;
    unsigned repeat = bench_set.count / CHAIN + 1;
    while (bench_more(&m)) {
        links = 0;
        bench_begin(&m);
        for (unsigned r = 0; r < repeat; r++) {
            tbb::flow::graph graph;
            std::deque<node> nodes;
            for (unsigned i = 0; i < CHAIN; i++) {
                nodes.emplace_back(graph, [&](const message &) { links++; });
                if (i > 0)
                    make_edge(nodes[i - 1], nodes[i]);
            }
            nodes.front().try_put(message());
            graph.wait_for_all();
        }
        bench_end(&m, static_cast<double>(repeat) * CHAIN);
        bench_same("links", links, std::uint64_t{repeat} * CHAIN);
    }
    bench_meter_print(&m, "chain", "ns");
}

static void add_all(tbb::flow::graph &graph, std::deque<node> &nodes,
                    node *gate) {
    for (unsigned i = 0; i < SLICES; i++) {
        std::uint64_t *sum = &sums[i * SLICE / 8];
        nodes.emplace_back(graph, [sum](const message &) { ++*sum; });
        if (gate != nullptr)
            make_edge(*gate, nodes.back());
        else
            make_edge(nodes[i], nodes.back());
    }
}

static void alive() {
    bench_meter first{}, again{};
    while (bench_more(&first)) {
        tbb::flow::graph graph;
        std::deque<node> nodes;
        node gate(graph, nothing);
        bench_begin(&first);
        add_all(graph, nodes, &gate);
        bench_end(&first, SLICES);
        bench_begin(&again);
        add_all(graph, nodes, nullptr);
        bench_end(&again, SLICES);
        gate.try_put(message());
        graph.wait_for_all();
    }
    sum_is(std::uint64_t{first.rounds} * 2 * SLICES);
    bench_meter_print(&first, "fill", "ns");
    bench_meter_print(&again, "alive", "ns");
}

static void loose() {
    bench_meter m{};
    while (bench_more(&m)) {
        bench_begin(&m);
        {
            tbb::flow::graph graph;
            std::deque<node> nodes;
            node gate(graph, nothing);
            add_all(graph, nodes, &gate);
            add_all(graph, nodes, nullptr);
            gate.try_put(message());
            graph.wait_for_all();
        }
        bench_end(&m, 2 * SLICES);
    }
    sum_is(std::uint64_t{m.rounds} * 2 * SLICES);
    bench_meter_print(&m, "loose", "ns");
}

static void memory() {
    std::int64_t begun = bench_now_ns();
    unsigned done = 0;
    while (done < bench_set.count) {
        if (done <= bench_set.count / 10 &&
            done + 2 * SLICES > bench_set.count / 10)
            bench_print("memory", "early", bench_resident(), "MB");
        tbb::flow::graph graph;
        std::deque<node> nodes;
        node gate(graph, nothing);
        add_all(graph, nodes, &gate);
        add_all(graph, nodes, nullptr);
        gate.try_put(message());
        graph.wait_for_all();
        done += 2 * SLICES;
    }
    std::int64_t wall = bench_now_ns() - begun;
    bench_print("memory", "late", bench_resident(), "MB");
    sum_is(done);
    bench_print("memory", "wall", static_cast<double>(wall) / done, "ns");
    bench_print("memory", "peak", bench_peak(), "MB");
}

static void idle() {
    tbb::flow::graph graph;
    std::deque<node> nodes;
    for (unsigned i = 0; i < 1000; i++) {
        nodes.emplace_back(graph, nothing);
        nodes.back().try_put(message());
    }
    graph.wait_for_all();
    std::int64_t begun = bench_cpu_ns();
    std::this_thread::sleep_for(std::chrono::milliseconds(bench_set.ms));
    double used = static_cast<double>(bench_cpu_ns() - begun);
    bench_print("idle", "share", used / 1e4 / bench_set.ms, "%");
}

// ---- Cholesky --------------------------------------------------------------

struct factoring {
    tiles &t;
    tbb::flow::graph graph;
    std::deque<node> nodes;
    std::vector<node *> last; // that wrote the tile
    node *first = nullptr;

    explicit factoring(tiles &of) : t(of), last(of.side * of.side) {}

    node *&writer(unsigned i, unsigned j) { return last[i * t.side + j]; }

    template <typename body>
    void add(unsigned i, unsigned j, unsigned priority, body run) {
        nodes.emplace_back(graph, run, tbb::flow::node_priority_t(priority));
        if (writer(i, j) != nullptr)
            make_edge(*writer(i, j), nodes.back());
        else if (first == nullptr)
            first = &nodes.back();
        writer(i, j) = &nodes.back();
    }

    void reads(unsigned i, unsigned j) {
        make_edge(*writer(i, j), nodes.back());
    }

    void build() {
        tiles *p = &t;
        for (unsigned k = 0; k < t.side; k++) {
            double *kk = tiles_at(p, k, k);
            add(k, k, 4, [=](const message &) { tile_potrf(p, kk); });
            for (unsigned i = k + 1; i < t.side; i++) {
                double *ik = tiles_at(p, i, k);
                add(i, k, 3, [=](const message &) { tile_trsm(p, kk, ik); });
                reads(k, k);
            }
            for (unsigned i = k + 1; i < t.side; i++)
                update(k, i);
        }
    }

    void update(unsigned k, unsigned i) {
        tiles *p = &t;
        double *ik = tiles_at(p, i, k), *ii = tiles_at(p, i, i);
        for (unsigned j = k + 1; j < i; j++) {
            double *jk = tiles_at(p, j, k), *ij = tiles_at(p, i, j);
            add(i, j, 1, [=](const message &) { tile_gemm(p, ik, jk, ij); });
            reads(i, k);
            reads(j, k);
        }
        add(i, i, 2, [=](const message &) { tile_syrk(p, ik, ii); });
        reads(i, k);
    }
};

static void cholesky() {
    static tiles t;
    tiles_meter m{};
    tiles_make(&t, bench_memory(tiles_bytes()));
    while (bench_more(&m.meter)) {
        tiles_begin(&t, &m);
        {
            factoring f(t);
            f.build();
            f.first->try_put(message());
            f.graph.wait_for_all();
        }
        tiles_end(&t, &m);
    }
    tiles_print(&m, "cholesky");
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {
        {"empty", empty},       {"chain", chain},   {"alive", alive},
        {"loose", loose},       {"memory", memory}, {"idle", idle},
        {"cholesky", cholesky}, {nullptr, nullptr}};
    tbb::global_control width(tbb::global_control::max_allowed_parallelism, 2);
    return bench_main(argc, argv, cases);
}
