// SPDX-License-Identifier: MIT
// Memory of a model. Each thread takes from a heap of its own, upwards, so an
// address depends on nothing but what that thread asked for before; nothing is
// used twice in an execution. Between two objects lie bytes of none.
#include "model/heap.h"

#include "model/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    OBJECTS_MAX = 65536, // of a thread in an execution
    GAP = 16,            // before an object; its last four bytes number it
    ALIGNMENT = 16,
    FILLED = 0xa5 // what new memory holds
};

typedef struct object {
    uint32_t start; // in the heap
    uint32_t bytes;
    uint32_t made_by;
    uint32_t freed_by; // 0: it was not
} object;

typedef struct arena {
    char *start;
    uint32_t used;
    uint32_t count;
    object *objects;
} arena;

static arena *arenas;

void mh_setup(void) {
    arenas = mr_own(MC_THREADS_MAX * sizeof *arenas);
    for (unsigned i = 0; i < MC_THREADS_MAX; i++) {
        arenas[i].start = (char *)(MR_HEAPS + i * MR_HEAP_BYTES);
        arenas[i].objects = mr_map(OBJECTS_MAX * sizeof(object));
    }
}

void mh_begin(void) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++) {
        arenas[i].used = 0;
        arenas[i].count = 0;
    }
}

// ---- allocation ------------------------------------------------------------

static void *take(size_t alignment, size_t bytes, int fill, const void *place) {
    unsigned thread = mc_self();
    if (thread == MC_NO_THREAD)
        return mr_own(bytes + alignment);
    arena *from = &arenas[thread];
    size_t size = bytes > 0 ? bytes : 1;
    if (alignment < ALIGNMENT)
        alignment = ALIGNMENT;
    if (size > MR_HEAP_BYTES || alignment > MR_HEAP_BYTES)
        return NULL;
    size_t start = (from->used + GAP + alignment - 1) & ~(alignment - 1);
    if (start + size > MR_HEAP_BYTES || from->count == OBJECTS_MAX)
        mc_report(MC_ENDLESS,
                  "thread %u takes more than 16 MiB, or memory 65536 times",
                  thread);
    uint32_t number = from->count++;
    from->objects[number] =
        (object){(uint32_t)start, (uint32_t)size, ma_code(place), 0};
    char *memory = from->start + start;
    __real_memcpy(memory - sizeof number, &number, sizeof number);
    __real_memset(memory, fill, size);
    from->used = (uint32_t)((start + size + 7) & ~(size_t)7);
    ma_fresh_at(memory, size, place);
    return memory;
}

// The object that begins at `memory`, or NULL.
static object *find(const void *memory) {
    uintptr_t offset = (uintptr_t)memory - MR_HEAPS;
    if (offset >= MC_THREADS_MAX * MR_HEAP_BYTES)
        return NULL;
    const arena *in = &arenas[offset / MR_HEAP_BYTES];
    uint32_t start = (uint32_t)(offset % MR_HEAP_BYTES);
    if (start % ALIGNMENT != 0 || start < GAP || start >= in->used)
        return NULL;
    uint32_t number;
    __real_memcpy(&number, (const char *)memory - sizeof number, sizeof number);
    if (number >= in->count || in->objects[number].start != start)
        return NULL;
    return &in->objects[number];
}

static void give_back(void *memory, const void *place) {
    if (memory == NULL || mc_self() == MC_NO_THREAD)
        return;
    char name[240];
    char here[160];
    object *of = find(memory);
    if (of == NULL) {
        mc_report(MC_USE_AFTER_FREE,
                  "thread %u frees %s at %s, which malloc did not give",
                  mc_self(), ma_name(memory, name, sizeof name),
                  ma_place(place, here, sizeof here));
        return;
    }
    if (of->freed_by != 0) {
        char there[160];
        mc_report(MC_USE_AFTER_FREE,
                  "thread %u frees %s at %s, which was freed at %s", mc_self(),
                  ma_name(memory, name, sizeof name),
                  ma_place(place, here, sizeof here),
                  ma_place(ma_uncode(of->freed_by), there, sizeof there));
        return;
    }
    ma_gone_at(memory, of->bytes, place);
    of->freed_by = ma_code(place);
}

void *mh_malloc(size_t bytes) {
    return take(ALIGNMENT, bytes, FILLED, __builtin_return_address(0));
}

void *mh_calloc(size_t count, size_t bytes) {
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return NULL;
    return take(ALIGNMENT, all, 0, __builtin_return_address(0));
}

void *mh_realloc(void *memory, size_t bytes) {
    const void *place = __builtin_return_address(0);
    void *moved = take(ALIGNMENT, bytes, FILLED, place);
    const object *of = memory == NULL ? NULL : find(memory);
    if (moved == NULL)
        return NULL;
    if (of != NULL) {
        size_t kept = of->bytes < bytes ? of->bytes : bytes;
        ma_access(memory, kept, false, place);
        __real_memcpy(moved, memory, kept);
    }
    give_back(memory, place);
    return moved;
}

void *mh_aligned_alloc(size_t alignment, size_t bytes) {
    return take(alignment, bytes, FILLED, __builtin_return_address(0));
}

int mh_posix_memalign(void **out, size_t alignment, size_t bytes) {
    const void *place = __builtin_return_address(0);
    void *memory = take(alignment, bytes, FILLED, place);
    if (memory == NULL)
        return ENOMEM;
    ma_access(out, sizeof *out, true, place);
    *out = memory;
    return 0;
}

void mh_free(void *memory) { give_back(memory, __builtin_return_address(0)); }

static char *copy(const char *text, size_t length, const void *place) {
    char *made = take(ALIGNMENT, length + 1, FILLED, place);
    if (made == NULL)
        return NULL;
    ma_access(text, length, false, place);
    __real_memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

char *mh_strdup(const char *text) {
    return copy(text, strlen(text), __builtin_return_address(0));
}

char *mh_strndup(const char *text, size_t bytes) {
    return copy(text, strnlen(text, bytes), __builtin_return_address(0));
}

// ---- the end of an execution -----------------------------------------------

void mh_end(void) {
    char text[400];
    size_t length = 0;
    unsigned count = 0;
    for (unsigned thread = 0; thread < MC_THREADS_MAX; thread++) {
        const arena *of = &arenas[thread];
        for (uint32_t i = 0; i < of->count; i++) {
            if (of->objects[i].freed_by != 0 || ++count > 3)
                continue;
            char place[100];
            length += (size_t)snprintf(
                text + length, sizeof text - length,
                "%s%u bytes of thread %u from %s", count > 1 ? ", " : "",
                of->objects[i].bytes, thread,
                ma_place(ma_uncode(of->objects[i].made_by), place,
                         sizeof place));
        }
    }
    if (count > 0)
        mc_report(MC_LEAK, "nobody freed %s%s", text,
                  count > 3 ? ", and more" : "");
}

static bool holds(const object *of, uint32_t offset) {
    return offset >= of->start && offset - of->start < of->bytes;
}

bool mh_name(const void *address, char *out, size_t room) {
    uintptr_t offset = (uintptr_t)address - MR_HEAPS;
    if (offset >= MC_THREADS_MAX * MR_HEAP_BYTES)
        return false;
    unsigned thread = (unsigned)(offset / MR_HEAP_BYTES);
    const arena *in = &arenas[thread];
    uint32_t at = (uint32_t)(offset % MR_HEAP_BYTES);
    for (uint32_t i = 0; i < in->count; i++) {
        if (!holds(&in->objects[i], at))
            continue;
        char place[100];
        snprintf(
            out, room, "heap of thread %u (%u bytes from %s)+%u", thread,
            in->objects[i].bytes,
            ma_place(ma_uncode(in->objects[i].made_by), place, sizeof place),
            at - in->objects[i].start);
        return true;
    }
    snprintf(out, room, "heap of thread %u, outside of what was allocated",
             thread);
    return true;
}
