// SPDX-License-Identifier: MIT
// Kernels loaded from libraries: a process that finds one on the board finds
// all of its entry (LOADED_1). Both sides run here as threads; there is one
// library, with one function.
#include "base/fault.h"
#include "model/model.h"

#include <dlfcn.h>

void *model_dlopen(const char *path, int flags);
void *model_dlsym(void *library, const char *symbol);

// The worker process's side; its load is called as its run would.
#define dlopen model_dlopen
#define dlsym model_dlsym
#include "graph/child.c"

static int kernel(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static int library;

void *model_dlopen(const char *path, int flags) {
    (void)flags;
    MC_CHECK(strcmp(path, "lib") == 0);
    return &library;
}

void *model_dlsym(void *from, const char *symbol) {
    MC_CHECK(from == &library && strcmp(symbol, "f") == 0);
    int (*function)(const weir_kernel_call *) = kernel;
    void *out;
    memcpy(&out, &function, sizeof(out));
    return out;
}

static weir_zygote *zygote;
static worker process;

static void *load_one(void *unused) {
    const weir_kernel *out = NULL;
    MC_CHECK(weir_zygote_load(zygote, "k", "lib", "f", &out) == 0);
    MC_CHECK(strcmp(out->name, "k") == 0);
    return unused;
}

static void who_finds_a_kernel_finds_all_of_it(void) {
    zygote = wr_calloc(1, sizeof(*zygote));
    MC_CHECK(zygote != NULL && wr_forkmark_init(&zygote->mark) == 0);
    zygote->board = wr_shared_alloc(sizeof(*zygote->board));
    MC_CHECK(zygote->board != NULL);
    MC_CHECK(wr_zygote_kernels_init(zygote, NULL, 0) == 0);
    process.zygote = zygote;
    unsigned other = mc_spawn(load_one, NULL);
    int error = load(&process, 0);
    MC_CHECK(error == 0 ? process.loaded[0] == kernel : error == -ENOENT);
    (void)mc_join(other);
    wr_zygote_kernels_fini(zygote);
    wr_shared_free(zygote->board, sizeof(*zygote->board));
    wr_free(zygote);
    mc_outcome(error == 0);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "who_finds_a_kernel_finds_all_of_it",
     .body = who_finds_a_kernel_finds_all_of_it,
     .mode = MC_EXHAUSTIVE,
     .outcomes = either},
    {.name = NULL},
};
