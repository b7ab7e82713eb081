// SPDX-License-Identifier: MIT
// Graphs made by chance from the operators we have: whatever the passes do, a
// plan is sound and gives what the model gives without them. The seed is fixed;
// WEIR_SEED and WEIR_GRAPHS in the environment make it try others.
#include "support/nn_text.h"

#include <stdarg.h>

enum { VALUES_MAX = 64 };

typedef struct maker {
    text_graph t;
    uint64_t seed;
    char name[VALUES_MAX][16];
    wr_nn_shape shape[VALUES_MAX];
    int values, made;
    char lines[16384];
} maker;

static int below(maker *m, int limit) {
    return (int)wr_random_below(&m->seed, (uint32_t)limit);
}

static void say(maker *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(maker *m, const char *format, ...) {
    size_t used = strlen(m->lines);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(m->lines + used, sizeof m->lines - used, format, arguments);
    va_end(arguments);
}

// A new value of that shape; its name.
static const char *fresh(maker *m, wr_nn_shape shape) {
    int i = m->values < VALUES_MAX ? m->values++ : below(m, VALUES_MAX);
    snprintf(m->name[i], sizeof m->name[i], "v%d", m->made++);
    m->shape[i] = shape;
    return m->name[i];
}

// A constant's name.
static const char *constant(maker *m, int rank, const int64_t *dim) {
    static char name[16];
    snprintf(name, sizeof name, "c%d", m->made++);
    say(m, "const %s", name);
    for (int i = 0; i < rank; i++)
        say(m, " %lld", (long long)dim[i]);
    say(m, "\n");
    return name;
}

#define DIMS(...)                                                              \
    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),           \
        (const int64_t[]) {                                                    \
        __VA_ARGS__                                                            \
    }

// Names live in fresh()'s table, which may be reused: take a copy.
typedef struct word {
    char text[16];
} word;

static word copied(const char *text) {
    word w;
    snprintf(w.text, sizeof w.text, "%s", text);
    return w;
}

// ---------------------------------------------------------------------------
// Nodes

static void unary(maker *m, int i) {
    static const char *const ops[] = {
        "Relu",     "Tanh",      "Sigmoid",  "Neg",     "Abs", "HardSigmoid",
        "Softsign", "HardSwish", "Identity", "Dropout", "Erf", "LeakyRelu"};
    word x = copied(m->name[i]);
    const char *op = ops[below(m, (int)(sizeof ops / sizeof ops[0]))];
    say(m, "%s = %s %s\n", fresh(m, m->shape[i]), op, x.text);
}

// With a constant: a number, along the last dimension, by channel, in full.
static void with_constant(maker *m, int i) {
    static const char *const ops[] = {"Add", "Sub", "Mul", "Max", "Min"};
    const wr_nn_shape shape = m->shape[i];
    word x = copied(m->name[i]), c;
    int64_t channel[4] = {1, 1, 1, 1};
    switch (below(m, 4)) {
    case 0: c = copied(constant(m, 0, NULL)); break;
    case 1: c = copied(constant(m, 1, &shape.dim[shape.rank - 1])); break;
    case 2:
        if (shape.rank > 1)
            channel[0] = shape.dim[1];
        c = copied(constant(m, shape.rank > 1 ? shape.rank - 1 : 1, channel));
        break;
    default: c = copied(constant(m, shape.rank, shape.dim)); break;
    }
    const char *op = ops[below(m, 5)], *y = fresh(m, shape);
    if (below(m, 3) == 0)
        say(m, "%s = %s %s %s\n", y, op, c.text, x.text);
    else
        say(m, "%s = %s %s %s\n", y, op, x.text, c.text);
}

static void with_another(maker *m, int i) {
    static const char *const ops[] = {"Add", "Sub", "Mul", "Max"};
    word x = copied(m->name[i]), z = x;
    for (int tries = 0; tries < 12; tries++) {
        int j = below(m, m->values);
        const wr_nn_shape *a = &m->shape[i], *b = &m->shape[j];
        bool image = a->rank == 4 && b->rank == 4 && b->dim[2] == 1 &&
                     b->dim[3] == 1 && a->dim[1] == b->dim[1] &&
                     a->dim[0] == b->dim[0];
        if (wr_nn_same_shape(a, b) || image) {
            z = copied(m->name[j]);
            break;
        }
    }
    // Products of products grow: they are kept within bounds.
    word p = copied(fresh(m, m->shape[i]));
    say(m, "%s = %s %s %s\n", p.text, ops[below(m, 4)], x.text, z.text);
    if (below(m, 2) == 0)
        say(m, "%s = Tanh %s\n", fresh(m, m->shape[i]), p.text);
}

static void activation(maker *m, int i) {
    word x = copied(m->name[i]);
    int at = m->made++;
    if (below(m, 2) == 0)
        say(m,
            "numbers k%d : 3\nnumbers z%d : 0\nnumbers s%d : 6\n"
            "a%d = Add %s k%d\nb%d = Clip a%d z%d s%d\nd%d = Mul %s b%d\n",
            at, at, at, at, x.text, at, at, at, at, at, at, x.text, at);
    else
        say(m,
            "numbers s%d : 1.5\na%d = Mul %s s%d\nb%d = Sigmoid a%d\n"
            "d%d = Mul %s b%d\n",
            at, at, x.text, at, at, at, at, x.text, at);
    say(m, "%s = Div d%d s%d\n", fresh(m, m->shape[i]), at, at);
}

static void convolution(maker *m, int i) {
    const wr_nn_shape in = m->shape[i];
    int64_t channels = in.dim[1], out = 1 + below(m, 6);
    int size = below(m, 2) == 0 || in.dim[2] < 3 || in.dim[3] < 3 ? 1 : 3;
    int stride = 1 + below(m, 2), pad = size == 3 ? below(m, 2) : 0;
    bool depth = below(m, 4) == 0;
    if (depth)
        out = channels;
    word x = copied(m->name[i]);
    word w = copied(constant(m, DIMS(out, depth ? 1 : channels, size, size)));
    word b = copied(below(m, 2) == 0 ? "." : constant(m, DIMS(out)));
    wr_nn_shape shape = in;
    shape.dim[1] = out;
    for (int d = 2; d < 4; d++)
        shape.dim[d] = (in.dim[d] + 2 * pad - size) / stride + 1;
    word y = copied(fresh(m, shape));
    say(m, "%s = Conv %s %s %s | group=%lld strides=%d,%d pads=%d,%d,%d,%d\n",
        y.text, x.text, w.text, b.text, depth ? (long long)channels : 1LL,
        stride, stride, pad, pad, pad, pad);
    if (below(m, 2) != 0)
        return;
    word s = copied(constant(m, DIMS(out)));
    word t = copied(constant(m, DIMS(out)));
    word mean = copied(constant(m, DIMS(out)));
    int at = m->made++;
    say(m, "numbers var%d %lld :", at, (long long)out);
    for (int64_t k = 0; k < out; k++)
        say(m, " %d.5", below(m, 3));
    say(m, "\n%s = BatchNormalization %s %s %s %s var%d\n", fresh(m, shape),
        y.text, s.text, t.text, mean.text, at);
}

static void image(maker *m, int i) {
    wr_nn_shape shape = m->shape[i];
    word x = copied(m->name[i]);
    const char *op = below(m, 2) == 0 ? "MaxPool" : "AveragePool";
    switch (below(m, 5)) {
    case 0:
        if (shape.dim[2] < 2 || shape.dim[3] < 2)
            return;
        shape.dim[2] /= 2;
        shape.dim[3] /= 2;
        say(m, "%s = %s %s | kernel_shape=2,2 strides=2,2\n", fresh(m, shape),
            op, x.text);
        return;
    case 1:
        shape.dim[2] = shape.dim[3] = 1;
        say(m, "%s = GlobalAveragePool %s\n", fresh(m, shape), x.text);
        return;
    case 2:
        shape.dim[1] = 1;
        say(m, "%s = ReduceMean %s | axes=1,\n", fresh(m, shape), x.text);
        return;
    case 3:
        shape.dim[1] *= 2;
        say(m, "%s = Concat %s %s | axis=1\n", fresh(m, shape), x.text, x.text);
        return;
    default:
        say(m, "%s = Softmax %s | axis=%d\n", fresh(m, shape), x.text,
            below(m, 4));
    }
}

// What makes an image larger, or cuts it.
static void resize(maker *m, int i) {
    wr_nn_shape shape = m->shape[i];
    word x = copied(m->name[i]);
    int at = m->made++;
    if (shape.dim[2] + shape.dim[3] > 20 || below(m, 3) == 0) {
        int axis = below(m, 4);
        int from = below(m, (int)shape.dim[axis]);
        shape.dim[axis] -= from;
        say(m,
            "ints f%d %d\nints t%d 999\nints x%d %d\n"
            "%s = Slice %s f%d t%d x%d\n",
            at, from, at, at, axis, fresh(m, shape), x.text, at, at, at);
    } else if (below(m, 2) == 0) {
        shape.dim[2] *= 2;
        shape.dim[3] *= 3;
        say(m, "numbers r%d 4 : 1 1 2 3\n%s = Resize %s . r%d\n", at,
            fresh(m, shape), x.text, at);
    } else {
        int64_t out = 1 + below(m, 5);
        word w = copied(constant(m, DIMS(shape.dim[1], out, 2, 2)));
        shape.dim[1] = out;
        shape.dim[2] *= 2;
        shape.dim[3] *= 2;
        say(m, "%s = ConvTranspose %s %s | strides=2,2\n", fresh(m, shape),
            x.text, w.text);
    }
}

static void view(maker *m, int i) {
    wr_nn_shape in = m->shape[i], out = in;
    word x = copied(m->name[i]);
    if (below(m, 2) == 0 && in.rank > 1) {
        int perm[4] = {0, 1, 2, 3};
        for (int d = in.rank - 1; d > 0; d--) {
            int e = below(m, d + 1), swap = perm[d];
            perm[d] = perm[e];
            perm[e] = swap;
        }
        for (int d = 0; d < in.rank; d++)
            out.dim[d] = in.dim[perm[d]];
        say(m, "%s = Transpose %s | perm=", fresh(m, out), x.text);
        for (int d = 0; d < in.rank; d++)
            say(m, "%d,", perm[d]);
        say(m, "\n");
        return;
    }
    // Two neighbours become one, or the first is put in front.
    int at = m->made++;
    if (in.rank > 1 && below(m, 3) > 0) {
        int d = below(m, in.rank - 1);
        out.dim[d] *= out.dim[d + 1];
        for (int e = d + 1; e + 1 < out.rank; e++)
            out.dim[e] = out.dim[e + 1];
        out.rank--;
    } else if (in.rank < 4) {
        for (int e = out.rank; e > 0; e--)
            out.dim[e] = out.dim[e - 1];
        out.dim[0] = 1;
        out.rank++;
    }
    say(m, "ints sh%d", at);
    for (int d = 0; d < out.rank; d++)
        say(m, " %lld", (long long)out.dim[d]);
    say(m, "\n%s = Reshape %s sh%d\n", fresh(m, out), x.text, at);
}

static void dense(maker *m, int i) {
    wr_nn_shape shape = m->shape[i];
    int64_t in = shape.dim[shape.rank - 1], out = 1 + below(m, 8);
    if (shape.rank < 2 || in > 64)
        return;
    word x = copied(m->name[i]);
    word w = copied(constant(m, DIMS(in, out)));
    shape.dim[shape.rank - 1] = out;
    if (shape.rank == 2 && below(m, 2) == 0) {
        word b = copied(constant(m, DIMS(out)));
        say(m, "%s = Gemm %s %s %s\n", fresh(m, shape), x.text, w.text, b.text);
    } else {
        say(m, "%s = MatMul %s %s\n", fresh(m, shape), x.text, w.text);
    }
}

static void norm(maker *m, int i) {
    const wr_nn_shape shape = m->shape[i];
    int64_t last = shape.dim[shape.rank - 1];
    word x = copied(m->name[i]), w = copied(constant(m, DIMS(last)));
    word b = copied(constant(m, DIMS(last)));
    int at = m->made++;
    // A large epsilon: what differs by rounding must not be made large.
    say(m,
        "numbers n%d : 0.5\nnumbers t%d : 2\nm%d = ReduceMean %s | axes=-1,\n"
        "d%d = Sub %s m%d\nq%d = Pow d%d t%d\nr%d = ReduceMean q%d | "
        "axes=-1,\ne%d = Add r%d n%d\nu%d = Sqrt e%d\nw%d = Div d%d u%d\n"
        "z%d = Mul w%d %s\n%s = Add z%d %s\n",
        at, at, at, x.text, at, x.text, at, at, at, at, at, at, at, at, at, at,
        at, at, at, at, at, at, w.text, fresh(m, shape), at, b.text);
}

static void add_node(maker *m) {
    // Rather of what is new
    int i = below(m, m->values);
    if (below(m, 2) == 0)
        i = m->values - 1 - below(m, m->values < 4 ? m->values : 4);
    bool is_image = m->shape[i].rank == 4;
    switch (below(m, 13)) {
    case 0: unary(m, i); break;
    case 1:
    case 2: with_constant(m, i); break;
    case 3:
    case 4: with_another(m, i); break;
    case 5: activation(m, i); break;
    case 6: view(m, i); break;
    case 7: dense(m, i); break;
    case 8: norm(m, i); break;
    case 9: is_image ? image(m, i) : view(m, i); break;
    case 10: is_image ? resize(m, i) : norm(m, i); break;
    default: is_image ? convolution(m, i) : unary(m, i); break;
    }
}

static wr_nn_graph *make(maker *m, uint64_t seed) {
    *m = (maker){.seed = seed};
    m->t = text_begin();
    int inputs = 1 + below(m, 2), nodes = 3 + below(m, 30);
    for (int i = 0; i < inputs; i++) {
        wr_nn_shape shape = {WR_NN_F32,
                             4,
                             {1 + below(m, 2), 1 + below(m, 6), 1 + below(m, 9),
                              1 + below(m, 9)}};
        const char *name = fresh(m, shape);
        say(m, "input %s %d %d %d %d\n", name, (int)shape.dim[0],
            (int)shape.dim[1], (int)shape.dim[2], (int)shape.dim[3]);
    }
    for (int i = 0; i < nodes; i++)
        add_node(m);
    int outputs = 1 + below(m, 4);
    if (outputs > m->values)
        outputs = m->values;
    for (int i = 0; i < outputs; i++)
        say(m, "output %s\n", m->name[m->values - 1 - i]);
    text_add(&m->t, m->lines);
    wr_nn_why why;
    if (wr_nn_graph_check(m->t.graph, &why) != 0)
        CHECK_FAIL("%s\n%s", why.text, m->lines);
    return m->t.graph;
}

// ---------------------------------------------------------------------------
// Cases

static uint64_t number_of(const char *name, uint64_t usual) {
    const char *text = getenv(name);
    return text == NULL ? usual : strtoull(text, NULL, 10);
}

static void try_graphs(unsigned with, double tolerance, uint64_t graphs) {
    static maker m;
    uint64_t first = number_of("WEIR_SEED", 1);
    graphs = number_of("WEIR_GRAPHS", graphs);
    for (uint64_t seed = first; seed < first + graphs; seed++) {
        wr_nn_graph *graph = make(&m, seed);
        printf("seed %llu\n", (unsigned long long)seed);
        fflush(stdout);
        wr_nn_plan *plan = text_compile(graph, with);
        wr_nn_plan *plain = text_compile(graph, 15);
        text_compare(plan, plain, tolerance);
        wr_nn_plan *apart = text_compile(graph, with | WR_NN_WITHOUT_SHARING);
        CHECK(plan->arena_bytes <= apart->arena_bytes);
        CHECK(plan->arena_bytes >= plan->serial_bytes);
        wr_nn_plan_destroy(apart);
        wr_nn_plan_destroy(plan);
        wr_nn_plan_destroy(plain);
        wr_nn_graph_destroy(graph);
    }
}

static void all_passes_give_the_plain_result(void) { try_graphs(0, 1e-4, 400); }

static void sharing_memory_changes_no_bit(void) {
    try_graphs(15 & ~(unsigned)WR_NN_WITHOUT_SHARING, 0, 200);
}

static void each_pass_alone_gives_the_plain_result(void) {
    try_graphs(15 & ~(unsigned)WR_NN_WITHOUT_FOLDING, 1e-4, 100);
    try_graphs(15 & ~(unsigned)WR_NN_WITHOUT_FUSION, 1e-4, 100);
    try_graphs(15 & ~(unsigned)WR_NN_WITHOUT_LAYOUT, 1e-4, 100);
}

// Runs the tasks one by one in an order made by chance that their edges allow,
// over memory that was full of something else.
static void run_in_some_order(const wr_nn_plan *plan, uint64_t seed,
                              const void *const *input, void *const *output) {
    int nodes = plan->graph->nodes, ready = 0, done = 0;
    int *list = malloc(((size_t)nodes + 1) * sizeof *list);
    int *needs = malloc(((size_t)nodes + 1) * sizeof *needs);
    size_t arena = plan->arena_bytes + WR_NN_ALIGN;
    size_t scratch_bytes = wr_nn_scratch(plan) + WR_NN_ALIGN;
    wr_nn_desk desk = {aligned_alloc(WR_NN_ALIGN, arena), input, output};
    void *scratch = aligned_alloc(WR_NN_ALIGN, scratch_bytes);
    memset(desk.arena, 0xff, arena);
    for (int i = 0; i < nodes; i++) {
        needs[i] = plan->task[i].needs;
        if (needs[i] == 0)
            list[ready++] = i;
    }
    for (; ready > 0; done++) {
        int pick = (int)wr_random_below(&seed, (uint32_t)ready);
        int task = list[pick];
        list[pick] = list[--ready];
        for (unsigned part = plan->task[task].parts; part-- > 0;)
            wr_nn_call(plan, &desk, scratch, task, part);
        for (int e = 0; e < plan->task[task].unblocks_count; e++)
            if (--needs[plan->task[task].unblocks[e]] == 0)
                list[ready++] = plan->task[task].unblocks[e];
    }
    CHECK_EQ(done, nodes);
    wr_nn_deliver(plan, &desk);
    free(list);
    free(needs);
    free(desk.arena);
    free(scratch);
}

static void any_order_of_the_tasks_gives_the_same_bits(void) {
    static maker m;
    uint64_t first = number_of("WEIR_SEED", 1);
    uint64_t graphs = number_of("WEIR_GRAPHS", 150);
    for (uint64_t seed = first; seed < first + graphs; seed++) {
        wr_nn_graph *graph = make(&m, seed);
        printf("seed %llu\n", (unsigned long long)seed);
        fflush(stdout);
        // Without fusing there are more tasks that could do wrong.
        wr_nn_plan *plan = text_compile(
            graph, seed % 2 == 0 ? 0 : (unsigned)WR_NN_WITHOUT_FUSION);
        void *expected[32], *output[32], *input[16];
        text_run(plan, expected, false);
        for (int i = 0; i < plan->inputs; i++) {
            input[i] = malloc(wr_nn_bytes(&plan->input[i]));
            text_fill(input[i], wr_nn_elements(&plan->input[i]),
                      (uint64_t)i + 77);
        }
        for (int i = 0; i < plan->outputs; i++)
            output[i] = malloc(wr_nn_bytes(&plan->output[i]));
        for (uint64_t order = 1; order <= 8; order++) {
            run_in_some_order(plan, order, (const void *const *)input, output);
            for (int i = 0; i < plan->outputs; i++)
                CHECK(memcmp(output[i], expected[i],
                             wr_nn_bytes(&plan->output[i])) == 0);
        }
        for (int i = 0; i < plan->inputs; i++)
            free(input[i]);
        for (int i = 0; i < plan->outputs; i++) {
            free(output[i]);
            free(expected[i]);
        }
        wr_nn_plan_destroy(plan);
        wr_nn_graph_destroy(graph);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"all_passes_give_the_plain_result", all_passes_give_the_plain_result},
        {"sharing_memory_changes_no_bit", sharing_memory_changes_no_bit},
        {"each_pass_alone_gives_the_plain_result",
         each_pass_alone_gives_the_plain_result},
        {"any_order_of_the_tasks_gives_the_same_bits",
         any_order_of_the_tasks_gives_the_same_bits},
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
