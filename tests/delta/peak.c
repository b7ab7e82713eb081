// SPDX-License-Identifier: MIT
// Runs a command and fails when it took more memory than it may.
// usage: peak KIB COMMAND...
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: peak KIB COMMAND...\n", stderr);
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("peak");
        return 2;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 1;
    fprintf(stderr, "%ld KiB: %s %s\n", usage.ru_maxrss, argv[2], argv[3]);
    return usage.ru_maxrss > strtol(argv[1], NULL, 10);
}
