// SPDX-License-Identifier: MIT
// libcurl, loaded when the first request is wanted: it brings 32 libraries,
// whose loading takes 5 ms that neither a run from the cache nor any other
// program of this executable shall pay. Calls are written as in curl's manual.
//
//   threads    wr_web_curl: any. The calls: after it.
#ifndef WEIR_PROGRAMS_DEPS_WEB_CURL_H
#define WEIR_PROGRAMS_DEPS_WEB_CURL_H

#include "programs/deps/types.h"

#include <curl/curl.h>

#define WR_WEB_CURL_EACH(do)                                                                                                                                \
    do                                                                                                                                                      \
    (easy_cleanup) do(easy_getinfo) do(easy_init) do(easy_setopt) do(easy_strerror) do(getdate) do(global_cleanup) do(global_init) do(multi_add_handle) do( \
        multi_cleanup) do(multi_info_read) do(multi_init) do(multi_remove_handle) do(multi_setopt) do(multi_socket_action) do(version_info)

#define WR_WEB_CURL_FIELD(name) __typeof__(curl_##name) *name;
typedef struct wr_web_curl_calls {
    WR_WEB_CURL_EACH(WR_WEB_CURL_FIELD)
} wr_web_curl_calls;
extern wr_web_curl_calls wr_web_curl_of;

// wr_web_curl loads it once. -ENOENT: it is not there, or lacks something.
int wr_web_curl(wr_why *why);

#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt
#define curl_easy_cleanup wr_web_curl_of.easy_cleanup
#define curl_easy_getinfo wr_web_curl_of.easy_getinfo
#define curl_easy_init wr_web_curl_of.easy_init
#define curl_easy_setopt wr_web_curl_of.easy_setopt
#define curl_easy_strerror wr_web_curl_of.easy_strerror
#define curl_getdate wr_web_curl_of.getdate
#define curl_global_cleanup wr_web_curl_of.global_cleanup
#define curl_global_init wr_web_curl_of.global_init
#define curl_multi_add_handle wr_web_curl_of.multi_add_handle
#define curl_multi_cleanup wr_web_curl_of.multi_cleanup
#define curl_multi_info_read wr_web_curl_of.multi_info_read
#define curl_multi_init wr_web_curl_of.multi_init
#define curl_multi_remove_handle wr_web_curl_of.multi_remove_handle
#define curl_multi_setopt wr_web_curl_of.multi_setopt
#define curl_multi_socket_action wr_web_curl_of.multi_socket_action
#define curl_version_info wr_web_curl_of.version_info

#endif
