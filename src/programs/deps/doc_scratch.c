// SPDX-License-Identifier: MIT
#include "programs/deps/doc_scratch.h"

#include "base/fault.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void drop(void *memory) {
    wr_doc_scratch *scratch = memory;
    if (scratch->engine != NULL)
        libdeflate_free_decompressor(scratch->engine);
    for (int i = 0; i < WR_DOC_SCRATCH_USES; i++)
        wr_free(scratch->bytes[i]);
    wr_free(scratch);
}

static void make_key(void) { has_key = pthread_key_create(&key, drop) == 0; }

wr_doc_scratch *wr_doc_scratch_get(void) {
    if (pthread_once(&once, make_key) != 0 || !has_key)
        return NULL;
    wr_doc_scratch *scratch = pthread_getspecific(key);
    if (scratch != NULL)
        return scratch;
    scratch = wr_calloc(1, sizeof(*scratch));
    if (scratch != NULL && pthread_setspecific(key, scratch) != 0) {
        wr_free(scratch);
        return NULL;
    }
    return scratch;
}

char *wr_doc_scratch_room(wr_doc_scratch_use use, size_t size) {
    wr_doc_scratch *scratch = wr_doc_scratch_get();
    if (scratch == NULL || size > WR_DOC_SCRATCH_MAX)
        return NULL;
    if (size <= scratch->room[use])
        return scratch->bytes[use];
    size_t room = 4 << 10;
    while (room < size)
        room *= 2;
    char *larger = wr_malloc(room);
    if (larger == NULL)
        return NULL;
    wr_free(scratch->bytes[use]);
    scratch->bytes[use] = larger;
    scratch->room[use] = room;
    return larger;
}
