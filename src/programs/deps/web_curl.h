// SPDX-License-Identifier: MIT
// libcurl, loaded when the first request is wanted: it brings 32 libraries,
// which take 5 ms to load that neither a run from the cache nor any other
// program of this executable shall pay. Calls are written as in curl's manual.
//
//   threads    wr_web_curl: any. The calls: after it.
#ifndef WEIR_PROGRAMS_DEPS_WEB_CURL_H
#define WEIR_PROGRAMS_DEPS_WEB_CURL_H

#include "programs/deps/types.h"

#include <curl/curl.h>

typedef struct wr_web_curl_calls {
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_getdate) *getdate;
    __typeof__(curl_global_cleanup) *global_cleanup;
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_socket_action) *multi_socket_action;
    __typeof__(curl_version_info) *version_info;
} wr_web_curl_calls;
extern wr_web_curl_calls wr_web_curl_of;

// wr_web_curl loads it once. -ENOENT: it is not there, or too old.
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
