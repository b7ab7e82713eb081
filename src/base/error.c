// SPDX-License-Identifier: MIT
#include "weir/base.h"

#include <errno.h>

#define TEXT(x) #x
#define VERSION_TEXT(major, minor, patch)                                      \
    TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *weir_strerror(int error) {
    switch (error) {
    case 0: return "ok";
    case -E2BIG: return "too big, or options newer than this library";
    case -EACCES: return "not allowed to this caller";
    case -EAGAIN: return "not now; try again";
    case -EALREADY: return "too late: it has ended or was taken";
    case -EBUSY: return "it runs, or is in use";
    case -ECANCELED: return "cancelled";
    case -ECHILD: return "belongs to the parent process";
    case -EDEADLK: return "would wait for itself";
    case -EEXIST: return "is there already";
    case -EINPROGRESS: return "has not ended yet";
    case -EINVAL: return "bad argument";
    case -EIO: return "a file would not take what was written";
    case -EMFILE: return "this process has too many files open";
    case -ENFILE: return "the system has too many files open";
    case -ENOBUFS: return "there is nothing to allocate from";
    case -ENOENT: return "not found";
    case -ENOMEM: return "out of memory";
    case -ENOSPC: return "no place is left for more";
    case -ENOSYS: return "this system cannot do it";
    case -EOWNERDEAD: return "the process that did it has died";
    case -EPIPE: return "the other side is gone";
    case -ESHUTDOWN: return "is being stopped";
    case -ESTALE: return "what the handle named is gone";
    case -ETIMEDOUT: return "the deadline passed";
    default: return "unknown error";
    }
}

const char *weir_version(void) {
    return VERSION_TEXT(WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR,
                        WEIR_VERSION_PATCH);
}
