/* Makes fsync and fdatasync of a process slow, or fail: as the file FAULT_CONTROL says, read at each
   call: microseconds to wait, and an errno (0: none). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int told(void) {
    const char *path = getenv("FAULT_CONTROL");
    FILE *file = path ? fopen(path, "r") : NULL;
    unsigned wait = 0;
    int failure = 0;
    if (file) {
        if (fscanf(file, "%u %d", &wait, &failure) < 1) wait = 0;
        fclose(file);
    }
    if (wait) usleep(wait);
    return failure;
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int failure = told();
    if (failure) { errno = failure; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int failure = told();
    if (failure) { errno = failure; return -1; }
    return real(fd);
}
