// SPDX-License-Identifier: MIT
#include "programs/tiles/blas.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What CMake found, then whatever the system's loader knows by that name.
static const char *const libraries[] = {WEIR_TILES_BLAS, "libopenblas.so.0"};

static wr_tiles_blas table[2]; // by wr_tiles_real
static char name[128];
static int parallel; // 0: built without threads, and without their locks

static const struct {
    const char *symbol; // without its first letter
    size_t at;
} routines[] = {
    {"potrf_", offsetof(wr_tiles_blas, potrf)},
    {"trsm_", offsetof(wr_tiles_blas, trsm)},
    {"syrk_", offsetof(wr_tiles_blas, syrk)},
    {"gemm_", offsetof(wr_tiles_blas, gemm)},
    {"getrf_", offsetof(wr_tiles_blas, getrf)},
    {"laswp_", offsetof(wr_tiles_blas, laswp)},
};

int wr_tiles_refuse(wr_tiles_why *why, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    return status;
}

// How many threads this process has; 0: nobody says.
static int threads_now(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

// ISO C knows no conversion from what dlsym returns to a function.
static int find(void *handle, const char *symbol, void *function,
                wr_tiles_why *why) {
    void *found = dlsym(handle, symbol);
    if (found == NULL)
        return wr_tiles_refuse(why, -ENOENT, "no OpenBLAS: it has no %s",
                               symbol);
    memcpy(function, &found, sizeof(found));
    return 0;
}

static int find_routines(void *handle, wr_tiles_why *why) {
    for (int real = 0; real < 2; real++)
        for (size_t i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
            char symbol[16];
            snprintf(symbol, sizeof(symbol), "%c%s",
                     real == WR_TILES_DOUBLE ? 'd' : 's', routines[i].symbol);
            int error = find(handle, symbol,
                             (char *)&table[real] + routines[i].at, why);
            if (error != 0)
                return error;
        }
    return 0;
}

static int look_at(void *handle, int threads_before, wr_tiles_why *why) {
    int (*get_parallel)(void) = NULL, (*get_threads)(void) = NULL;
    char *(*get_config)(void) = NULL;
    int error =
        find(handle, "openblas_get_parallel", (void *)&get_parallel, why);
    if (error == 0)
        error =
            find(handle, "openblas_get_num_threads", (void *)&get_threads, why);
    if (error == 0)
        error = find(handle, "openblas_get_config", (void *)&get_config, why);
    if (error == 0)
        error = find_routines(handle, why);
    if (error != 0)
        return error;
    if (get_threads() != 1 || threads_now() > threads_before)
        return wr_tiles_refuse(
            why, -ENOENT, "this OpenBLAS has threads of its own all the same");
    parallel = get_parallel();
    snprintf(name, sizeof(name), "%s", get_config());
    return 0;
}

static int load(wr_tiles_why *why) {
    // Looked at when it is loaded; it starts no threads then, nor later.
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0)
        return wr_tiles_refuse(why, -ENOMEM, "out of memory");
    int threads = threads_now();
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        void *handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        if (handle != NULL)
            return look_at(handle, threads, why);
        if (i == 0)
            wr_tiles_refuse(why, 0, "%s", dlerror());
    }
    return -ENOENT;
}

int wr_tiles_blas_load(int sharing, wr_tiles_why *why) {
    int error = name[0] == '\0' ? load(why) : 0;
    if (error == 0 && sharing != 0 && parallel == 0)
        error = wr_tiles_refuse(
            why, -ENOENT,
            "this OpenBLAS was built without threads, and several may not "
            "call it at once (take procs:N, or install libopenblas0-pthread)");
    return error;
}

const wr_tiles_blas *wr_tiles_blas_of(wr_tiles_real real) {
    return &table[real];
}

const char *wr_tiles_blas_name(void) { return name; }
