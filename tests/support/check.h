// SPDX-License-Identifier: MIT
// A test program is a table of cases, each named by the promise it checks. A
// failed CHECK prints where and ends the program with status 1; SKIP ends it
// with 77, which ctest shows as skipped.
//
//   test_x                 runs all cases
//   test_x NAME            runs one (ctest does this)
//   test_x --list          prints the names
//   test_x --expect NAME.. fails unless these are exactly its cases
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

// Fails here, now. Safe on any thread: the whole program ends.
#define CHECK_FAIL(...)                                                        \
    do {                                                                       \
        fflush(stdout);                                                        \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                        \
        fprintf(stderr, __VA_ARGS__);                                          \
        fputc('\n', stderr);                                                   \
        _Exit(1);                                                              \
    } while (0)

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            CHECK_FAIL("%s is false", #condition);                             \
    } while (0)

#define CHECK_EQ(actual, expected)                                             \
    do {                                                                       \
        long long actual_ = (long long)(actual);                               \
        long long expected_ = (long long)(expected);                           \
        if (actual_ != expected_)                                              \
            CHECK_FAIL("%s is %lld, expected %lld", #actual, actual_,          \
                       expected_);                                             \
    } while (0)

#define CHECK_STR(actual, expected)                                            \
    do {                                                                       \
        const char *actual_ = (actual);                                        \
        const char *expected_ = (expected);                                    \
        if (actual_ == NULL || strcmp(actual_, expected_) != 0)                \
            CHECK_FAIL("%s is \"%s\", expected \"%s\"", #actual,               \
                       actual_ == NULL ? "(null)" : actual_, expected_);       \
    } while (0)

// Where the machine lacks what the case needs. Say what.
#define SKIP(reason)                                                           \
    do {                                                                       \
        printf("skipped: %s\n", (reason));                                     \
        fflush(stdout);                                                        \
        _Exit(77);                                                             \
    } while (0)

static inline const test_case *test_find(const char *name,
                                         const test_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, cases[i].name) == 0)
            return &cases[i];
    return NULL;
}

// A case that is written but not registered would never run.
static inline int test_expect(int count_expected, char **expected,
                              const test_case *cases, size_t count) {
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        int found = 0;
        for (int j = 0; j < count_expected; j++)
            found += strcmp(expected[j], cases[i].name) == 0;
        if (found != 1 || test_find(cases[i].name, cases, i) != NULL) {
            printf("%s: in ctest %d times, not once\n", cases[i].name, found);
            status = 1;
        }
    }
    for (int j = 0; j < count_expected; j++)
        if (test_find(expected[j], cases, count) == NULL) {
            printf("%s: in ctest, but no such case\n", expected[j]);
            status = 1;
        }
    return status;
}

static inline int test_main(int argc, char **argv, const test_case *cases,
                            size_t count) {
    if (argc > 1 && strcmp(argv[1], "--expect") == 0)
        return test_expect(argc - 2, argv + 2, cases, count);

    const char *only = NULL;
    int list = argc > 1 && strcmp(argv[1], "--list") == 0;
    if (argc > 1 && !list) {
        only = argv[1];
        if (test_find(only, cases, count) == NULL) {
            fprintf(stderr, "%s: no such case; see --list\n", only);
            return 2;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (only != NULL && strcmp(only, cases[i].name) != 0)
            continue;
        printf("%s\n", cases[i].name);
        fflush(stdout);
        if (!list)
            cases[i].run();
    }
    return 0;
}

#endif // TEST_CHECK_H
