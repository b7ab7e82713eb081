// SPDX-License-Identifier: MIT
#include "programs/deps/web_curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { VERSION_LEAST = 0x075700 }; // 7.87

static const char library[] = "libcurl.so.4";

#define CALL(name)                                                             \
    { "curl_" #name, offsetof(wr_web_curl_calls, name) }
static const struct {
    const char *name;
    size_t at; // in wr_web_curl_of
} calls[] = {
    CALL(easy_cleanup),        CALL(easy_getinfo),    CALL(easy_init),
    CALL(easy_setopt),         CALL(easy_strerror),   CALL(getdate),
    CALL(global_cleanup),      CALL(global_init),     CALL(multi_add_handle),
    CALL(multi_cleanup),       CALL(multi_info_read), CALL(multi_init),
    CALL(multi_remove_handle), CALL(multi_setopt),    CALL(multi_socket_action),
    CALL(version_info),
};

wr_web_curl_calls wr_web_curl_of;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded; // under the lock

static int refuse(wr_why *why, const char *what) {
    return wr_refuse(why, -ENOENT, "EWEB", "no HTTP client: %s: %s", library,
                     what);
}

// It is never closed: what it loads leaves work for the end of the process.
static int load(wr_why *why) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return refuse(why, dlerror());
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        void *symbol = dlsym(handle, calls[i].name);
        if (symbol == NULL)
            return refuse(why, dlerror());
        // ISO C knows no conversion.
        memcpy((char *)&wr_web_curl_of + calls[i].at, &symbol, sizeof(symbol));
    }
    if (curl_version_info(CURLVERSION_NOW)->version_num < VERSION_LEAST)
        return refuse(why, "older than 7.87");
    loaded = true;
    return 0;
}

int wr_web_curl(wr_why *why) {
    pthread_mutex_lock(&lock);
    int error = loaded ? 0 : load(why);
    pthread_mutex_unlock(&lock);
    return error;
}
