// SPDX-License-Identifier: MIT
// weir's sorts: by a comparison that is compiled here ("sort", "stable"), by
// one that is called through a pointer ("pointer"), and by digits ("radix").
#include "forkjoin_weir.h"

#include "weir/sort.h"
#include "weir/sort_inline.h"

#include <string.h>

static inline int smaller(const void *a, const void *b, void *context) {
    (void)context;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

static inline int before(const void *a, const void *b, void *context) {
    (void)context;
    return strcmp(*(const char *const *)a, *(const char *const *)b) < 0;
}

WEIR_SORT_KIND(by_value, uint32_t, smaller);
WEIR_SORT_KIND(by_text, const char *, before);

static int value_order(const void *a, const void *b, void *context) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    (void)context;
    return (x > y) - (x < y);
}

static int text_order(const void *a, const void *b, void *context) {
    (void)context;
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sorted(int status) {
    if (status != 0)
        fj_fail("sort", status);
}

static void unstable(void *self, uint32_t *a, size_t n) {
    sorted(weir_sort_of(self, a, n, &by_value, NULL));
}

static void unstable_text(void *self, const char **a, size_t n) {
    sorted(weir_sort_of(self, a, n, &by_text, NULL));
}

static void stable(void *self, uint32_t *a, size_t n) {
    sorted(weir_sort_stable_of(self, a, n, &by_value, NULL, NULL));
}

static void stable_text(void *self, const char **a, size_t n) {
    sorted(weir_sort_stable_of(self, a, n, &by_text, NULL, NULL));
}

static void pointer(void *self, uint32_t *a, size_t n) {
    sorted(weir_sort(self, a, n, sizeof(a[0]), value_order, NULL));
}

static void pointer_text(void *self, const char **a, size_t n) {
    sorted(weir_sort(self, a, n, sizeof(a[0]), text_order, NULL));
}

static void radix(void *self, uint32_t *a, size_t n) {
    sorted(weir_sort_radix(self, a, n, sizeof(a[0]), 0, WEIR_KEY_U32, NULL));
}

const fj_form fj_forms[] = {
    {.name = "sort", FJ_WEIR_BASE, .sort = unstable, .strings = unstable_text},
    {.name = "stable", FJ_WEIR_BASE, .sort = stable, .strings = stable_text},
    {.name = "pointer", FJ_WEIR_BASE, .sort = pointer, .strings = pointer_text},
    {.name = "radix", FJ_WEIR_BASE, .sort = radix},
    {.name = NULL},
};
