// SPDX-License-Identifier: MIT
#include "programs/deps/web_curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static const char library[] = "libcurl.so.4";

typedef struct call {
    const char *name;
    size_t at; // in wr_web_curl_of
} call;

#define CALL(name) {"curl_" #name, offsetof(wr_web_curl_calls, name)},
static const call calls[] = {WR_WEB_CURL_EACH(CALL)};

wr_web_curl_calls wr_web_curl_of;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded; // under the lock

// It is never closed: what it has loaded registers ends of its own with exit.
static int load(wr_why *why) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return wr_refuse(why, -ENOENT, "EWEB", "no HTTP client: %s", dlerror());
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        void *symbol = dlsym(handle, calls[i].name);
        if (symbol == NULL) {
            dlclose(handle);
            return wr_refuse(why, -ENOENT, "EWEB",
                             "no HTTP client: %s has no %s", library,
                             calls[i].name);
        }
        memcpy((char *)&wr_web_curl_of + calls[i].at, &symbol, sizeof(symbol));
    }
    loaded = true;
    return 0;
}

int wr_web_curl(wr_why *why) {
    pthread_mutex_lock(&lock);
    int error = loaded ? 0 : load(why);
    pthread_mutex_unlock(&lock);
    return error;
}
