// SPDX-License-Identifier: MIT
// Feeds damaged models and tensors to the ONNX reader, compiles what it reads,
// and runs that. What is looked for is a crash, a hang, a sanitizer's
// complaint, a refusal without its line, a graph that was read but is not what
// types.h promises, values that share bytes, or a result that depends on what
// was in memory before.
//
// How to run it: engine.h.
//
// Where ONNX's test data are installed, its models are damaged too.
#include "engine.h"

#include "programs/nn/graph.h"
#include "programs/nn/onnx.h"
#include "programs/nn/plan.h"
#include "programs/nn/run.h"
#include "support/onnx.h"
#include "weir/base.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { INPUT_MAX = 1 << 16, SEEDS_MAX = 2048 };

static const wr_nn_limits limits = {1 << 20, 500, 2000, 1 << 20};

static uint64_t sink; // what is read must be read

static void broken(const char *what) {
    fprintf(stdout, "fuzz_onnx: seed %" PRIu64 ": %s\n", fuzz_seed, what);
    fflush(stdout);
    abort();
}

static void check_refusal(int status, const wr_nn_why *why) {
    if (status != -EINVAL && status != -ENOTSUP && status != -E2BIG)
        broken("a status that is not documented");
    if (why->text[0] == '\0')
        broken("a refusal without its line");
    for (const char *at = why->text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            broken("a refusal that is not one line of text");
}

// ---------------------------------------------------------------------------
// What was read

static void touch(const wr_nn_shape *shape, const void *data) {
    size_t bytes = wr_nn_bytes(shape);
    if (bytes > limits.tensor_max)
        broken("a constant over the limit");
    if ((uintptr_t)data % wr_nn_type_size(shape->type) != 0)
        broken("a constant that is not aligned");
    for (size_t i = 0; i < bytes; i++)
        sink += ((const uint8_t *)data)[i];
}

static void check_values(const wr_nn_graph *graph) {
    for (int i = 0; i < graph->values; i++) {
        const wr_nn_value *value = &graph->value[i];
        sink += strlen(value->name);
        if (value->shape.rank < -1 || value->shape.rank > WR_NN_RANK_MAX)
            broken("a shape of no rank");
        if (value->data != NULL)
            touch(&value->shape, value->data);
    }
}

static void check_attrs(const wr_nn_node *node) {
    for (size_t i = 0; i < node->attrs; i++) {
        const wr_nn_attr *attr = &node->attr[i];
        const char *bytes =
            attr->kind == WR_NN_STRING   ? attr->string
            : attr->kind == WR_NN_INTS   ? (const char *)attr->ints
            : attr->kind == WR_NN_FLOATS ? (const char *)attr->floats
                                         : NULL;
        size_t size = attr->kind == WR_NN_INTS     ? 8
                      : attr->kind == WR_NN_FLOATS ? 4
                                                   : 1;
        for (size_t j = 0; bytes != NULL && j < attr->count * size; j++)
            sink += (unsigned char)bytes[j];
        if (attr->kind == WR_NN_STRING && bytes[attr->count] != '\0')
            broken("a string without its end");
        if (attr->kind == WR_NN_TENSOR)
            touch(&attr->tensor->shape, attr->tensor->data);
    }
}

// Everything is made before it is needed, and once.
static void check_order(const wr_nn_graph *graph) {
    bool *made = calloc((size_t)graph->values + 1, sizeof *made);
    for (int i = 0; i < graph->values; i++)
        made[i] = graph->value[i].data != NULL;
    for (int i = 0; i < graph->inputs; i++)
        made[graph->input[i]] = true;
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        for (int j = 0; j < node->inputs; j++)
            if (node->input[j] >= 0 && !made[node->input[j]])
                broken("a node that is too early");
        for (int j = 0; j < node->outputs; j++) {
            if (node->output[j] < 0)
                continue;
            if (made[node->output[j]])
                broken("a value that is made twice");
            made[node->output[j]] = true;
        }
        check_attrs(node);
    }
    for (int i = 0; i < graph->outputs; i++)
        if (!made[graph->output[i]])
            broken("an output that nothing makes");
    free(made);
}

static void check_copy(const wr_nn_graph *graph) {
    wr_nn_graph *copy = wr_nn_graph_copy(graph);
    wr_nn_why why;
    if (wr_nn_graph_check(copy, &why) != 0)
        broken("a copy of a graph that is none");
    memset(copy->digest, 0, sizeof copy->digest);
    if (wr_nn_graph_digest(copy) != 0 ||
        memcmp(copy->digest, graph->digest, sizeof copy->digest) != 0)
        broken("a copy with another digest");
    wr_nn_graph_destroy(copy);
}

// ---------------------------------------------------------------------------
// What it is compiled to

enum { INPUT_BYTES_MAX = 1 << 16, ENDS_MAX = 16 };

static const uint64_t ones[INPUT_BYTES_MAX / 8] = {1, 1, 1, 1};
static float input_data[INPUT_BYTES_MAX / 4];

// What is open becomes small; the plan wants integers with their data.
static bool bind(wr_nn_binding *bound, const wr_nn_graph *graph) {
    for (int i = 0; i < graph->inputs; i++) {
        wr_nn_shape *shape = &bound[i].shape;
        *shape = graph->value[graph->input[i]].shape;
        if (shape->rank < 0)
            *shape = (wr_nn_shape){shape->type, 2, {2, 3}};
        for (int j = 0; j < shape->rank; j++)
            if (shape->dim[j] < 0)
                shape->dim[j] = 1 + j;
        if (wr_nn_bytes(shape) > INPUT_BYTES_MAX)
            return false;
        bound[i].data = shape->type == WR_NN_F32 ? NULL : ones;
    }
    return true;
}

static void run_serial(const wr_nn_plan *plan, void *const *output,
                       bool poison) {
    const void *input[ENDS_MAX];
    for (int i = 0; i < plan->inputs; i++)
        input[i] = plan->input[i].type == WR_NN_F32 ? (const void *)input_data
                                                    : (const void *)ones;
    if (wr_nn_run_serial(plan, input, output, poison) != 0)
        broken("a plan that cannot be run");
}

typedef struct results {
    void *of[ENDS_MAX];
} results;

static results results_of(const wr_nn_plan *plan, bool poison) {
    results made;
    for (int i = 0; i < plan->outputs; i++) {
        size_t bytes = wr_nn_bytes(&plan->output[i]);
        if (bytes > limits.tensor_max)
            broken("an output over the limit");
        made.of[i] = calloc(1, bytes + 1);
    }
    run_serial(plan, made.of, poison);
    return made;
}

static void free_results(const wr_nn_plan *plan, results *of) {
    for (int i = 0; i < plan->outputs; i++)
        free(of->of[i]);
}

static void check_memory(const wr_nn_plan *plan, const results *plain) {
    results poisoned = results_of(plan, true);
    for (int i = 0; i < plan->outputs; i++)
        if (memcmp(plain->of[i], poisoned.of[i],
                   wr_nn_bytes(&plan->output[i])) != 0)
            broken("a result that depends on what was in memory");
    free_results(plan, &poisoned);
}

// Rounding may differ, and grow; what is not finite may come earlier.
static bool alike(const float *a, const float *b, size_t count) {
    float most = 1;
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(a[i]) < 1e6F) || !(fabsf(b[i]) < 1e6F))
            return true;
        most = fmaxf(most, fabsf(a[i]));
    }
    for (size_t i = 0; i < count; i++)
        if (fabsf(a[i] - b[i]) > 1e-3F * most)
            return false;
    return true;
}

// The same without what the compiler makes better.
static void check_passes(const wr_nn_plan *better, const results *plain,
                         const wr_nn_graph *graph, const wr_nn_binding *bound) {
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.without = WR_NN_WITHOUT_FOLDING | WR_NN_WITHOUT_FUSION |
                      WR_NN_WITHOUT_LAYOUT | WR_NN_WITHOUT_SHARING;
    wr_nn_plan *plan;
    wr_nn_why why;
    if (wr_nn_compile(&plan, graph, bound, graph->inputs, &options, NULL,
                      &why) != 0)
        broken(why.text);
    results other = results_of(plan, false);
    for (int i = 0; i < plan->outputs; i++) {
        if (!wr_nn_same_shape(&plan->output[i], &better->output[i]))
            broken("a shape that depends on the passes");
        if (plan->output[i].type == WR_NN_F32 &&
            !alike(plain->of[i], other.of[i], wr_nn_elements(&plan->output[i])))
            broken("a result that depends on the passes");
    }
    free_results(plan, &other);
    wr_nn_plan_destroy(plan);
}

static void try_compile(const wr_nn_graph *graph) {
    if (graph->inputs > ENDS_MAX || graph->outputs > ENDS_MAX)
        return;
    wr_nn_binding bound[ENDS_MAX] = {0};
    if (!bind(bound, graph))
        return;
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.arena_max = 4 << 20;
    options.part_ns = 100; // many parts
    wr_nn_plan *plan = NULL;
    wr_nn_why why = {""};
    int status = wr_nn_compile(&plan, graph, bound, graph->inputs, &options,
                               &limits, &why);
    if ((status == 0) != (plan != NULL))
        broken("a plan that was refused, or none that was made");
    if (status != 0) {
        check_refusal(status, &why);
        return;
    }
    if (wr_nn_plan_check(plan, &why) != 0)
        broken(why.text);
    if (plan->cost_ns < 2e7) {
        results plain = results_of(plan, false);
        check_memory(plan, &plain);
        check_passes(plan, &plain, graph, bound);
        free_results(plan, &plain);
    }
    wr_nn_plan_destroy(plan);
}

static void try_model(const uint8_t *data, size_t size) {
    wr_nn_graph *graph = NULL;
    wr_nn_why why = {""};
    int status = wr_nn_onnx_read(&graph, data, size, &limits, &why);
    if ((status == 0) != (graph != NULL))
        broken("a graph that was refused, or none that was read");
    if (status != 0) {
        check_refusal(status, &why);
        return;
    }
    if (graph->nodes > limits.nodes_max || graph->values > limits.values_max)
        broken("a graph over the limits");
    check_values(graph);
    check_order(graph);
    check_copy(graph);
    try_compile(graph);
    wr_nn_graph_destroy(graph);
}

static void try_tensor(const uint8_t *data, size_t size) {
    wr_nn_shape shape;
    void *numbers = NULL;
    wr_nn_why why = {""};
    int status = wr_nn_onnx_tensor(&shape, &numbers, data, size, &why);
    if ((status == 0) != (numbers != NULL))
        broken("a tensor that was refused, or none that was read");
    if (status != 0)
        check_refusal(status, &why);
    else if (wr_nn_bytes(&shape) <= limits.tensor_max)
        touch(&shape, numbers);
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    if (data[0] % 8 == 0)
        try_tensor(data + 1, size - 1);
    else
        try_model(data + 1, size - 1);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: models that are right or nearly so, damaged a little

static float numbers[2048];

static onnx_bytes seed_tensor(const char *name) {
    static const int types[] = {ONNX_FLOAT, ONNX_INT64, ONNX_INT32, ONNX_BOOL,
                                ONNX_DOUBLE};
    int type = types[below(sizeof types / sizeof types[0])];
    int64_t dims[] = {(int64_t)below(20), (int64_t)(1 + below(30)), 1};
    int rank = (int)below(4);
    if (below(2) == 0)
        return onnx_tensor(name, type, rank, dims, numbers);
    onnx_bytes tensor = onnx_tensor_head(name, type, rank, dims);
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    if (type == ONNX_FLOAT || type == ONNX_DOUBLE)
        onnx_put_bytes(&tensor, type == ONNX_FLOAT ? 4 : 10, numbers,
                       count * onnx_type_size(type));
    else
        onnx_put_bytes(&tensor, type == ONNX_INT64 ? 7 : 5, numbers, count);
    return tensor;
}

static void seed_attr(onnx_model *m) {
    static const char *const names[] = {"axis", "pads",  "alpha", "mode",
                                        "t",    "perm2", "axes",  "k"};
    const char *name = names[below(sizeof names / sizeof names[0])];
    switch (below(6)) {
    case 0: onnx_attr_int(m, name, (int64_t)wr_random_next(&fuzz_state)); break;
    case 1: onnx_attr_float(m, name, 0.5F); break;
    case 2: onnx_attr_string(m, name, "text"); break;
    case 3: onnx_attr_ints(m, name, ONNX_DIMS(1, -1, 0, 1)); break;
    case 4: onnx_attr_floats(m, name, 3, numbers); break;
    default: {
        onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_TENSOR);
        onnx_bytes tensor = seed_tensor("");
        onnx_put_message(&attr, 5, &tensor);
        onnx_put_message(&m->node, 5, &attr);
    }
    }
}

// Numbers that broadcast to what the inputs have, more often than not.
static onnx_bytes seed_constant(const char *name) {
    static const struct {
        int rank;
        int64_t dims[4];
    } shapes[] = {{0, {0}},       {1, {1}},          {1, {8}},
                  {2, {2, 8}},    {3, {1, 1, 1}},    {3, {1, 2, 8}},
                  {3, {2, 2, 3}}, {4, {2, 1, 3, 3}}, {2, {8, 8}}};
    size_t at = below(sizeof shapes / sizeof shapes[0] + 1);
    if (at == sizeof shapes / sizeof shapes[0])
        return seed_tensor(name);
    return onnx_tensor(name, ONNX_FLOAT, shapes[at].rank, shapes[at].dims,
                       numbers);
}

static const struct {
    const char *name;
    size_t least, most; // inputs
} ops[] = {
    {"Relu", 1, 1},        {"Sigmoid", 1, 1}, {"Add", 2, 2},
    {"Mul", 2, 2},         {"Sub", 2, 2},     {"Div", 2, 2},
    {"Max", 1, 4},         {"Sum", 1, 4},     {"Clip", 1, 3},
    {"Conv", 2, 3},        {"Concat", 1, 4},  {"Softmax", 1, 1},
    {"Transpose", 1, 1},   {"MatMul", 2, 2},  {"ReduceMean", 1, 1},
    {"HardSwish", 1, 1},   {"Greater", 2, 2}, {"Where", 3, 3},
    {"Identity", 1, 1},    {"Flatten", 1, 1}, {"Shape", 1, 1},
    {"Reshape", 2, 2},     {"Gemm", 2, 3},    {"MaxPool", 1, 1},
    {"HardSigmoid", 1, 1},
};

// Nodes read values of any number, mostly of those before.
static void seed_node(onnx_model *m, size_t at) {
    size_t op = below(sizeof ops / sizeof ops[0]);
    char inputs[100] = "", output[24];
    size_t count = ops[op].least + below(ops[op].most - ops[op].least + 1);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(inputs);
        size_t from = below(50) == 0 ? at + below(3) : below(at);
        snprintf(inputs + used, sizeof inputs - used, i > 0 ? " v%zu" : "v%zu",
                 from);
    }
    snprintf(output, sizeof output, "v%zu", at);
    if (below(5) == 0) {
        onnx_node(m, "Constant", "", "", output);
        onnx_bytes attr = onnx_attr_head("value", ONNX_ATTR_TENSOR);
        onnx_bytes tensor = seed_constant("");
        onnx_put_message(&attr, 5, &tensor);
        onnx_put_message(&m->node, 5, &attr);
        return;
    }
    onnx_node(m, ops[op].name, below(2) ? "" : output, inputs, output);
    if (strcmp(ops[op].name, "Concat") == 0)
        onnx_attr_int(m, "axis", (int64_t)below(3) - 1);
    if (strcmp(ops[op].name, "MaxPool") == 0)
        onnx_attr_ints(m, "kernel_shape", ONNX_DIMS(2));
    if (below(10) == 0)
        seed_attr(m);
}

static onnx_bytes seed_model(void) {
    onnx_model m = onnx_begin((int)(7 + below(15)));
    size_t at = 0, nodes = 1 + below(20);
    for (size_t i = 1 + below(3); i > 0; i--) {
        char name[24];
        snprintf(name, sizeof name, "v%zu", at++);
        if (at == 1 || below(2) == 0) {
            onnx_input(&m, name, ONNX_FLOAT, ONNX_DIMS(1, -1, 8));
            continue;
        }
        onnx_bytes tensor = seed_constant(name);
        onnx_put_message(&m.graph, 5, &tensor);
    }
    for (size_t i = 0; i < nodes; i++)
        seed_node(&m, at++);
    char name[24];
    snprintf(name, sizeof name, "v%zu", at - 1);
    onnx_output(&m, name, ONNX_FLOAT, ONNX_NO_SHAPE);
    return onnx_end(&m);
}

// ONNX's own, small ones, kept in memory: models, and tensors.
typedef struct shelf {
    onnx_bytes file[SEEDS_MAX];
    size_t count;
} shelf;

static shelf models, tensors;

static void load_seed(shelf *to, const char *folder, const char *name,
                      const char *file_name) {
    static uint8_t data[INPUT_MAX / 2];
    char path[600];
    snprintf(path, sizeof path, "%.200s/%.255s/%s", folder, name, file_name);
    FILE *file = to->count == SEEDS_MAX ? NULL : fopen(path, "rb");
    if (file == NULL)
        return;
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    if (size < sizeof data)
        onnx_put(&to->file[to->count++], data, size);
}

static void load_seeds(const char *folder) {
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        load_seed(&models, folder, entry->d_name, "model.onnx");
        load_seed(&tensors, folder, entry->d_name,
                  "test_data_set_0/input_0.pb");
    }
    closedir(directory);
}

static void free_seeds(shelf *from) {
    while (from->count > 0)
        free(from->file[--from->count].data);
}

// What stays in place keeps lengths right: the model is still read, more often
// than not, and something in it is wrong.
static void damage_in_place(uint8_t *data, size_t size) {
    for (size_t i = 1 + below(3); i > 0 && size > 0; i--) {
        uint8_t *at = &data[below(size)];
        switch (below(3)) {
        case 0: *at ^= (uint8_t)(1 << below(8)); break;
        case 1: *at = (uint8_t)below(16); break;
        default: *at = (uint8_t)(*at + 1 - 2 * below(2));
        }
    }
}

static size_t damage(uint8_t *data, size_t size) {
    static const uint8_t odd[] = {0,    1,    2,    7,    8,    0x0a,
                                  0x12, 0x3a, 0x7f, 0x80, 0xfe, 0xff};
    for (size_t i = below(6); i > 0 && size > 0; i--) {
        size_t at = below(size), other = below(size);
        size_t length = 1 + below(size - at < 20 ? size - at : 20);
        switch (below(7)) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = odd[below(sizeof odd)]; break;
        case 2: size = below(4) == 0 ? at : size; break;
        case 3: // some bytes go
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        case 4: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)below(256);
            size++;
            break;
        case 5: // some bytes are others'
            if (other + length <= size)
                memmove(data + at, data + other, length);
            break;
        default: // a large number
            memset(data + at, 0xff, length < 9 ? length : 9);
        }
    }
    return size;
}

static size_t next_input(uint8_t *data) {
    onnx_bytes made = {0};
    data[0] = (uint8_t)below(8);
    const shelf *from = data[0] == 0 ? &tensors : &models;
    bool kept = from->count > 0 && below(4) > 0;
    if (kept)
        made = from->file[below(from->count)];
    else
        made = data[0] == 0 ? seed_tensor("k") : seed_model();
    size_t size = made.size < INPUT_MAX - 64 ? made.size : INPUT_MAX - 64;
    memcpy(data + 1, made.data, size);
    if (!kept)
        free(made.data);
    if (below(3) == 0)
        return 1 + damage(data + 1, size);
    damage_in_place(data + 1, size);
    return 1 + size;
}

// Exactly as large as it is, so that a sanitizer sees what is beyond.
static void one_round(void) {
    static uint8_t data[INPUT_MAX];
    size_t size = next_input(data);
    uint8_t *exact = malloc(size);
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv) {
    for (size_t i = 0; i < INPUT_BYTES_MAX / 4; i++)
        input_data[i] = (float)(i % 17) / 8 - 1;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        numbers[i] = (float)(i % 13) / 4 - 1;
    load_seeds(ONNX_TESTDATA "/node");
    load_seeds(ONNX_TESTDATA "/simple");
    printf("fuzz_onnx: %zu files\n", models.count + tensors.count);
    int status = fuzz_main(argc, argv, "fuzz_onnx", one_round);
    free_seeds(&models);
    free_seeds(&tensors);
    return status;
}
