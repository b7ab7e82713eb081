// SPDX-License-Identifier: MIT
// ONNX's own test models, as Debian packages them (libonnx-testdata): each is
// read, compiled for the shapes of its inputs and run in order, in order on
// poisoned memory, and on a pool; then compiled without any pass and run again.
// Every result must be the recorded one, and the ways that share a plan must
// agree to the bit. Each model has a process of its own, so that one that
// crashes or hangs is one line in the table.
//
//   conformance DATA [--only TEXT] [--at-least N] [--unsupported] [--here]
//
// --here: all in this process, for debuggers and to find leaks.
// Tolerance: 1e-3 of the value plus 1e-5; ONNX's runner has 1e-3 plus 1e-7,
// which its float32 references themselves do not always reach near 0.
#include "programs/nn/graph.h"
#include "programs/nn/onnx.h"
#include "programs/nn/run.h"

#include "weir/pool.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 60, SKIPPED = 77 };

typedef enum outcome { PASSED, UNSUPPORTED, FAILED, OUTCOMES } outcome;

// What a child tells: fits into a pipe at once.
typedef struct verdict {
    outcome outcome;
    char text[400];
} verdict;

// ---- files -----------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static void
path_make(char path[PATH_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PATH_MAX)
        abort();
}

static void *read_file(const char *path, size_t *size) {
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return NULL;
    size_t room = 1 << 16;
    char *bytes = malloc(room);
    *size = 0;
    while (bytes != NULL) {
        size_t n = fread(bytes + *size, 1, room - *size, in);
        if (n == 0)
            break;
        *size += n;
        if (*size == room)
            bytes = realloc(bytes, room *= 2);
    }
    fclose(in);
    return bytes;
}

typedef struct tensor {
    wr_nn_shape shape;
    void *data;
} tensor;

// 0, -ENOENT (no such file), or what wr_nn_onnx_tensor says.
static int read_tensor(tensor *out, const char *folder, const char *kind,
                       int number, wr_nn_why *why) {
    char path[PATH_MAX];
    path_make(path, "%s/%s_%d.pb", folder, kind, number);
    size_t size;
    void *bytes = read_file(path, &size);
    if (bytes == NULL)
        return -ENOENT;
    int status = wr_nn_onnx_tensor(&out->shape, &out->data, bytes, size, why);
    free(bytes);
    return status;
}

// ---- one model -------------------------------------------------------------

static verdict verdict_of(outcome which, const char *what, const char *text) {
    verdict v = {.outcome = which};
    snprintf(v.text, sizeof(v.text), "%.60s: %.330s", what, text);
    return v;
}

static verdict refused(int status, const char *what, const wr_nn_why *why) {
    return verdict_of(status == -ENOTSUP ? UNSUPPORTED : FAILED, what,
                      why->text);
}

static double element(const tensor *t, size_t i) {
    switch (t->shape.type) {
    case WR_NN_F32: return (double)((const float *)t->data)[i];
    case WR_NN_I32: return (double)((const int32_t *)t->data)[i];
    case WR_NN_I64: return (double)((const int64_t *)t->data)[i];
    case WR_NN_BOOL: return (double)((const uint8_t *)t->data)[i];
    case WR_NN_F64: return ((const double *)t->data)[i];
    case WR_NN_NONE: break;
    }
    return NAN;
}

static int is_close(double is, double should) {
    if (isnan(should) || isinf(should))
        return isnan(should) ? isnan(is) : is == should;
    return fabs(is - should) <= 1e-5 + 1e-3 * fabs(should);
}

static verdict compare(const tensor *is, const tensor *should, const char *way,
                       int number) {
    char text[330], a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
    if (!wr_nn_same_shape(&is->shape, &should->shape)) {
        snprintf(text, sizeof(text), "output %d is %s, should be %s", number,
                 wr_nn_shape_text(a, &is->shape),
                 wr_nn_shape_text(b, &should->shape));
        return verdict_of(FAILED, way, text);
    }
    size_t count = wr_nn_elements(&is->shape);
    for (size_t i = 0; i < count; i++)
        if (!is_close(element(is, i), element(should, i))) {
            snprintf(text, sizeof(text),
                     "output %d %s, element %zu is %.9g, should be %.9g",
                     number, wr_nn_shape_text(a, &is->shape), i, element(is, i),
                     element(should, i));
            return verdict_of(FAILED, way, text);
        }
    return (verdict){.outcome = PASSED};
}

enum { TENSORS_MAX = 64 };

typedef struct data_set {
    tensor input[TENSORS_MAX], should[TENSORS_MAX], is[TENSORS_MAX];
    wr_nn_binding binding[TENSORS_MAX];
    const void *in[TENSORS_MAX];
    void *out[TENSORS_MAX];
} data_set;

static verdict read_set(data_set *set, const wr_nn_graph *model,
                        const char *folder) {
    wr_nn_why why;
    if (model->inputs > TENSORS_MAX || model->outputs > TENSORS_MAX)
        return verdict_of(FAILED, "test", "more tensors than expected");
    for (int i = 0; i < model->inputs; i++) {
        tensor *t = &set->input[i];
        int status = read_tensor(t, folder, "input", i, &why);
        if (status == -ENOENT)
            return verdict_of(FAILED, "test", "an input has no file");
        if (status != 0)
            return refused(status, "input", &why);
        set->binding[i].shape = t->shape;
        if (t->shape.type != WR_NN_F32)
            set->binding[i].data = t->data;
        set->in[i] = t->data;
    }
    for (int i = 0; i < model->outputs; i++) {
        int status = read_tensor(&set->should[i], folder, "output", i, &why);
        if (status == -ENOENT)
            return verdict_of(FAILED, "test", "an output has no file");
        if (status != 0)
            return refused(status, "output", &why);
    }
    return (verdict){.outcome = PASSED};
}

static void wipe(data_set *set, int outputs) {
    for (int i = 0; i < outputs; i++)
        memset(set->out[i], 0x55, wr_nn_bytes(&set->is[i].shape));
}

static verdict compare_all(const data_set *set, int outputs, const char *way) {
    verdict v = {.outcome = PASSED};
    for (int i = 0; i < outputs && v.outcome == PASSED; i++)
        v = compare(&set->is[i], &set->should[i], way, i);
    return v;
}

typedef struct ended {
    wr_nn_run run; // first
    int status;
} ended;

static void run_done(wr_nn_run *run, int status) {
    ((ended *)run)->status = status;
}

static int run_on_pool(const wr_nn_plan *plan, data_set *set) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    weir_pool *pool;
    wr_nn_cell *cell;
    if (weir_pool_create(&pool, &options) != 0 ||
        wr_nn_cell_create(&cell, plan, 1) != 0)
        return -ENOMEM;
    ended e = {.run = {.input = set->in, .output = set->out, .done = run_done},
               .status = -EAGAIN};
    int status = wr_nn_run_start(cell, pool, &e.run);
    if (status == 0)
        status = weir_pool_wait_idle(pool, WEIR_FOREVER);
    wr_nn_cell_destroy(cell);
    weir_pool_destroy(pool);
    return status != 0 ? status : e.status;
}

// The first way gives the bits that the others must give too.
static verdict run_ways(const wr_nn_plan *plan, data_set *set,
                        const char *with) {
    char way[64];
    void *first[TENSORS_MAX] = {NULL};
    verdict v = {.outcome = PASSED};
    for (int w = 0; w < 3 && v.outcome == PASSED; w++) {
        static const char *const ways[] = {"in order", "poisoned", "on a pool"};
        snprintf(way, sizeof(way), "%s, %s", with, ways[w]);
        wipe(set, plan->outputs);
        int status = w == 2 ? run_on_pool(plan, set)
                            : wr_nn_run_serial(plan, set->in, set->out, w == 1);
        if (status != 0)
            v = verdict_of(FAILED, way, strerror(-status));
        else
            v = compare_all(set, plan->outputs, way);
        for (int i = 0; i < plan->outputs && v.outcome == PASSED; i++) {
            size_t bytes = wr_nn_bytes(&set->is[i].shape);
            if (w == 0) {
                first[i] = malloc(bytes + 1);
                memcpy(first[i], set->out[i], bytes);
            } else if (memcmp(first[i], set->out[i], bytes) != 0) {
                v = verdict_of(FAILED, way, "other bits than in order");
            }
        }
    }
    for (int i = 0; i < plan->outputs; i++)
        free(first[i]);
    return v;
}

static verdict run_with(const wr_nn_graph *model, data_set *set,
                        const wr_nn_limits *limits, unsigned without) {
    const char *with = without == 0 ? "compiled" : "without passes";
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.without = without;
    options.part_ns = 1; // the models are small: cut them up all the same
    wr_nn_plan *plan;
    wr_nn_why why;
    int status = wr_nn_compile(&plan, model, set->binding, model->inputs,
                               &options, limits, &why);
    if (status != 0)
        return refused(status, with, &why);
    verdict v = {.outcome = PASSED};
    if (wr_nn_plan_check(plan, &why) != 0)
        v = verdict_of(FAILED, with, why.text);
    if (plan->outputs != model->outputs)
        v = verdict_of(FAILED, with, "another number of outputs");
    for (int i = 0; i < model->outputs && v.outcome == PASSED; i++) {
        set->is[i].shape = plan->output[i];
        free(set->is[i].data);
        set->is[i].data = set->out[i] =
            malloc(wr_nn_bytes(&plan->output[i]) + 1);
    }
    if (v.outcome == PASSED)
        v = run_ways(plan, set, with);
    wr_nn_plan_destroy(plan);
    return v;
}

static verdict run_set(const wr_nn_graph *model, const char *folder,
                       const wr_nn_limits *limits) {
    data_set *set = calloc(1, sizeof(*set));
    verdict v = read_set(set, model, folder);
    if (v.outcome == PASSED)
        v = run_with(model, set, limits, 0);
    if (v.outcome == PASSED)
        v = run_with(model, set, limits,
                     WR_NN_WITHOUT_FOLDING | WR_NN_WITHOUT_FUSION |
                         WR_NN_WITHOUT_LAYOUT | WR_NN_WITHOUT_SHARING);
    for (int i = 0; i < TENSORS_MAX; i++) {
        free(set->input[i].data);
        free(set->should[i].data);
        free(set->is[i].data);
    }
    free(set);
    return v;
}

static verdict try_model(const char *folder) {
    char path[PATH_MAX];
    path_make(path, "%s/model.onnx", folder);
    size_t size;
    void *bytes = read_file(path, &size);
    if (bytes == NULL)
        return verdict_of(FAILED, "test", "no model.onnx");
    wr_nn_limits limits = WR_NN_LIMITS_INIT;
    wr_nn_graph *model;
    wr_nn_why why;
    int status = wr_nn_onnx_read(&model, bytes, size, &limits, &why);
    free(bytes);
    if (status != 0)
        return refused(status, "read", &why);
    verdict v = {.outcome = PASSED};
    int sets = 0;
    for (; v.outcome == PASSED; sets++) {
        path_make(path, "%s/test_data_set_%d", folder, sets);
        if (access(path, F_OK) != 0)
            break;
        v = run_set(model, path, &limits);
    }
    if (sets == 0)
        v = verdict_of(FAILED, "test", "no data set");
    wr_nn_graph_destroy(model);
    return v;
}

// ---- all models ------------------------------------------------------------

static bool here;

static verdict try_apart(const char *folder) {
    int ends[2];
    if (pipe(ends) != 0)
        return verdict_of(FAILED, "test", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS_MAX);
        close(ends[0]);
        verdict v = try_model(folder);
        _exit(write(ends[1], &v, sizeof(v)) == sizeof(v) ? 0 : 1);
    }
    close(ends[1]);
    verdict v;
    ssize_t got = read(ends[0], &v, sizeof(v));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (got == sizeof(v) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return v;
    char text[64];
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof(text), "ended with status %#x", (unsigned)status);
    return verdict_of(FAILED, "crash", text);
}

// A reason and how many models have it.
typedef struct reason {
    char text[200];
    char model[80]; // the first of them
    int count;
} reason;

typedef struct tally {
    int count[OUTCOMES];
    reason *reasons;
    size_t reasons_count;
    char *failures;
    size_t failures_size;
    FILE *failures_out;
} tally;

// Without "node 'NAME' ", which differs from model to model.
static void add_reason(tally *t, const char *model, const char *text) {
    const char *node = strstr(text, "node '");
    const char *close = node == NULL ? NULL : strstr(node, "' (");
    if (close != NULL)
        text = close + 2;
    char cut[sizeof(t->reasons->text)];
    snprintf(cut, sizeof(cut), "%.199s", text);
    for (size_t i = 0; i < t->reasons_count; i++)
        if (strcmp(t->reasons[i].text, cut) == 0) {
            t->reasons[i].count++;
            return;
        }
    reason *more = realloc(t->reasons, (t->reasons_count + 1) * sizeof(*more));
    if (more == NULL)
        abort();
    t->reasons = more;
    reason *r = &t->reasons[t->reasons_count++];
    *r = (reason){.count = 1};
    snprintf(r->text, sizeof(r->text), "%s", cut);
    snprintf(r->model, sizeof(r->model), "%.79s", model);
}

static int reason_order(const void *a, const void *b) {
    const reason *x = a, *y = b;
    return x->count != y->count ? y->count - x->count
                                : strcmp(x->text, y->text);
}

static int no_dots(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void try_group(tally *all, const char *data, const char *group,
                      const char *only) {
    char folder[PATH_MAX], name[512];
    path_make(folder, "%s/%s", data, group);
    struct dirent **entries;
    int count = scandir(folder, &entries, no_dots, alphasort);
    int in_group[OUTCOMES] = {0};
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s/%s", group, entries[i]->d_name);
        path_make(folder, "%s/%s", data, name);
        free(entries[i]);
        if (only != NULL && strstr(name, only) == NULL)
            continue;
        verdict v = here ? try_model(folder) : try_apart(folder);
        in_group[v.outcome]++;
        all->count[v.outcome]++;
        if (v.outcome == UNSUPPORTED)
            add_reason(all, name, v.text);
        if (v.outcome == FAILED)
            fprintf(all->failures_out, "%s: %s\n", name, v.text);
    }
    if (count >= 0)
        free(entries);
    printf("%-22s %6d %8d %12d %7d\n", group,
           in_group[PASSED] + in_group[UNSUPPORTED] + in_group[FAILED],
           in_group[PASSED], in_group[UNSUPPORTED], in_group[FAILED]);
    fflush(stdout);
}

static void report(tally *all, int every_reason) {
    enum { REASONS = 30 };
    qsort(all->reasons, all->reasons_count, sizeof(*all->reasons),
          reason_order);
    size_t shown = all->reasons_count;
    if (!every_reason && shown > REASONS)
        shown = REASONS;
    printf("\nunsupported because (an example)\n");
    for (size_t i = 0; i < shown; i++)
        printf("%5d  %s  (%s)\n", all->reasons[i].count, all->reasons[i].text,
               all->reasons[i].model);
    if (shown < all->reasons_count)
        printf("       and %zu reasons more\n", all->reasons_count - shown);
    fclose(all->failures_out);
    printf("\nfailed\n%s", all->count[FAILED] == 0 ? "none\n" : all->failures);
}

int main(int argc, char **argv) {
    static const char *const groups[] = {"node", "simple", "pytorch-operator",
                                         "pytorch-converted"};
    const char *only = NULL;
    int at_least = 1, every_reason = 0;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--at-least") == 0 && i + 1 < argc)
            at_least = atoi(argv[++i]);
        else if (strcmp(argv[i], "--unsupported") == 0)
            every_reason = 1;
        else if (strcmp(argv[i], "--here") == 0)
            here = true;
        else
            return 2;
    }
    if (argc < 2 || access(argv[1], F_OK) != 0) {
        printf("skipped: no ONNX test data (package libonnx-testdata)\n");
        return SKIPPED;
    }
    tally all = {.reasons = NULL};
    all.failures_out = open_memstream(&all.failures, &all.failures_size);
    if (all.failures_out == NULL)
        return 1;
    printf("%-22s %6s %8s %12s %7s\n", "group", "models", "passed",
           "unsupported", "failed");
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        try_group(&all, argv[1], groups[i], only);
    printf("%-22s %6d %8d %12d %7d\n", "all",
           all.count[PASSED] + all.count[UNSUPPORTED] + all.count[FAILED],
           all.count[PASSED], all.count[UNSUPPORTED], all.count[FAILED]);
    report(&all, every_reason);
    free(all.reasons);
    free(all.failures);
    if (all.count[PASSED] < at_least)
        printf("\nonly %d passed, not %d\n", all.count[PASSED], at_least);
    return all.count[FAILED] > 0 || all.count[PASSED] < at_least;
}
