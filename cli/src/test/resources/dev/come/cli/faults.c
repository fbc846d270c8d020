/*
 * Kills a process, or fills the disk for it, at a chosen call that changes something below some folders. FaultTests compiles it
 * to a library and names that in LD_PRELOAD.
 *
 *   FAULTS_BELOW    folders with ':' between, as real paths; calls for anything else are passed on
 *   FAULTS_COUNTER  a file of 8 bytes, which counts the calls of all processes
 *   FAULTS_AT       the number of the call, from 1
 *   FAULTS_KIND     "kill": the process dies at that call, and of what it writes half is written;
 *                   "full": from that call on nothing that needs room on the disk works
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum action { PASS, HALF, FAIL };

static const char *below;
static long at;
static int full;
static long *counter;
static void *(*real_dlsym)(void *, const char *);

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULTS_COUNTER");
    const char *number = getenv("FAULTS_AT");
    const char *kind = getenv("FAULTS_KIND");
    below = getenv("FAULTS_BELOW");
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (below && fd >= 0) {
        void *mapped = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        counter = mapped == MAP_FAILED ? NULL : mapped;
        close(fd);
    }
    at = number ? atol(number) : 0;
    full = kind && !strcmp(kind, "full");
}

static void *real(const char *name) {
    static const char *versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
    for (size_t i = 0; !real_dlsym && i < sizeof versions / sizeof *versions; i++) {
        *(void **) &real_dlsym = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    }
    return real_dlsym(RTLD_NEXT, name);
}

static int is_below(const char *path) {
    for (const char *start = below; counter && *start;) {
        size_t length = strcspn(start, ":");
        if (!strncmp(path, start, length) && (path[length] == '/' || !path[length])) {
            return 1;
        }
        start += length + (start[length] == ':');
    }
    return 0;
}

static int is_fd_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = counter ? readlink(link, path, sizeof path - 1) : -1;
    path[length < 0 ? 0 : length] = 0;
    return length > 0 && is_below(path);
}

static int is_name_below(int folder, const char *name) {
    char path[PATH_MAX];
    if (!counter || !name) {
        return 0;
    }
    if (name[0] == '/') {
        return is_below(name);
    }
    return folder == AT_FDCWD ? getcwd(path, sizeof path) && is_below(path) : is_fd_below(folder);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    while (1) {
        pause();
    }
}

/* A library that unpacks itself does so in thousands of calls; they are not numbered, and fail once the disk is full. */
static int is_library(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 3 && !strncmp(path + length - 3, ".so", 3);
}

/* Counts a call. The first that finds no room writes half, as a disk that becomes full does. */
static enum action count(int needs_room, int can_be_half) {
    long number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (full) {
        return !at || number < at || !needs_room ? PASS : can_be_half && number == at ? HALF : FAIL;
    }
    if (number != at) {
        return PASS;
    }
    if (!can_be_half) {
        die();
    }
    return HALF;
}

static enum action count_write(int fd, size_t length) {
    if (!is_fd_below(fd)) {
        return PASS;
    }
    if (is_library(fd)) {
        return full && at && __atomic_load_n(counter, __ATOMIC_SEQ_CST) >= at ? FAIL : PASS;
    }
    return count(1, length > 1);
}

static int no_room(void) {
    errno = ENOSPC;
    return -1;
}

#define REAL(name, type, ...)                     \
    static type (*real_##name)(__VA_ARGS__);      \
    if (!real_##name) {                           \
        *(void **) &real_##name = real(#name);    \
    }

#define WRITING(type, name, parameters, types, half, whole)                              \
    type name parameters {                                                               \
        REAL(name, type, types)                                                          \
        enum action action = count_write(fd, length);                                    \
        if (action == HALF) {                                                            \
            type done = real_##name half;                                                \
            if (!full) {                                                                 \
                die();                                                                   \
            }                                                                            \
            return done;                                                                 \
        }                                                                                \
        return action == FAIL ? no_room() : real_##name whole;                           \
    }

#define COMMA ,
WRITING(ssize_t, write, (int fd, const void *bytes, size_t length), int COMMA const void * COMMA size_t,
        (fd, bytes, length / 2), (fd, bytes, length))
WRITING(ssize_t, pwrite, (int fd, const void *bytes, size_t length, off_t from),
        int COMMA const void * COMMA size_t COMMA off_t, (fd, bytes, length / 2, from), (fd, bytes, length, from))
WRITING(ssize_t, pwrite64, (int fd, const void *bytes, size_t length, off64_t from),
        int COMMA const void * COMMA size_t COMMA off64_t, (fd, bytes, length / 2, from), (fd, bytes, length, from))
WRITING(ssize_t, sendfile, (int fd, int source, off_t *from, size_t length), int COMMA int COMMA off_t * COMMA size_t,
        (fd, source, from, length / 2), (fd, source, from, length))
WRITING(ssize_t, sendfile64, (int fd, int source, off64_t *from, size_t length),
        int COMMA int COMMA off64_t * COMMA size_t, (fd, source, from, length / 2), (fd, source, from, length))

ssize_t writev(int fd, const struct iovec *parts, int length) {
    REAL(writev, ssize_t, int, const struct iovec *, int)
    enum action action = is_fd_below(fd) ? count(1, 0) : PASS;
    return action == FAIL ? no_room() : real_writev(fd, parts, length);
}

ssize_t copy_file_range(int source, off64_t *from, int fd, off64_t *to, size_t length, unsigned flags) {
    REAL(copy_file_range, ssize_t, int, off64_t *, int, off64_t *, size_t, unsigned)
    enum action action = is_fd_below(fd) ? count(1, 0) : PASS;
    return action == FAIL ? no_room() : real_copy_file_range(source, from, fd, to, length, flags);
}

/* A call by file or by name that writes nothing: counted, and refused where it needs room. */
#define OTHER(name, parameters, types, concerned, needs_room, arguments)                 \
    int name parameters {                                                                \
        REAL(name, int, types)                                                           \
        enum action action = (concerned) ? count(needs_room, 0) : PASS;                  \
        return action == FAIL ? no_room() : real_##name arguments;                       \
    }

OTHER(fsync, (int fd), int, is_fd_below(fd), 0, (fd))
OTHER(fdatasync, (int fd), int, is_fd_below(fd), 0, (fd))
OTHER(ftruncate, (int fd, off_t length), int COMMA off_t, is_fd_below(fd), 0, (fd, length))
OTHER(ftruncate64, (int fd, off64_t length), int COMMA off64_t, is_fd_below(fd), 0, (fd, length))
OTHER(mkdir, (const char *name, mode_t mode), const char * COMMA mode_t, is_name_below(AT_FDCWD, name), 1, (name, mode))
OTHER(mkdirat, (int folder, const char *name, mode_t mode), int COMMA const char * COMMA mode_t,
      is_name_below(folder, name), 1, (folder, name, mode))
OTHER(rmdir, (const char *name), const char *, is_name_below(AT_FDCWD, name), 0, (name))
OTHER(unlink, (const char *name), const char *, is_name_below(AT_FDCWD, name), 0, (name))
OTHER(unlinkat, (int folder, const char *name, int flags), int COMMA const char * COMMA int,
      is_name_below(folder, name), 0, (folder, name, flags))
OTHER(rename, (const char *name, const char *other), const char * COMMA const char *,
      is_name_below(AT_FDCWD, name), 0, (name, other))
OTHER(renameat, (int folder, const char *name, int there, const char *other),
      int COMMA const char * COMMA int COMMA const char *, is_name_below(folder, name), 0, (folder, name, there, other))
OTHER(renameat2, (int folder, const char *name, int there, const char *other, unsigned flags),
      int COMMA const char * COMMA int COMMA const char * COMMA unsigned, is_name_below(folder, name), 0,
      (folder, name, there, other, flags))
OTHER(symlink, (const char *target, const char *name), const char * COMMA const char *,
      is_name_below(AT_FDCWD, name), 1, (target, name))
OTHER(link, (const char *name, const char *other), const char * COMMA const char *,
      is_name_below(AT_FDCWD, other), 1, (name, other))

/* Only an open that makes a file is counted. */
#define OPENING(name, parameters, types, folder, arguments)                              \
    int name parameters {                                                                \
        REAL(name, int, types)                                                           \
        mode_t mode = 0;                                                                 \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                           \
            va_list more;                                                                \
            va_start(more, flags);                                                       \
            mode = va_arg(more, mode_t);                                                 \
            va_end(more);                                                                \
        }                                                                                \
        if (flags & O_CREAT && is_name_below(folder, path) && faccessat(folder, path, F_OK, 0)  \
            && count(1, 0) == FAIL) {                                                    \
            return no_room();                                                            \
        }                                                                                \
        return real_##name arguments;                                                    \
    }

OPENING(open, (const char *path, int flags, ...), const char * COMMA int COMMA ..., AT_FDCWD, (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), const char * COMMA int COMMA ..., AT_FDCWD, (path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), int COMMA const char * COMMA int COMMA ..., folder,
        (folder, path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), int COMMA const char * COMMA int COMMA ..., folder,
        (folder, path, flags, mode))

/* Java looks some of these calls up by name, in libc itself. */
void *dlsym(void *handle, const char *name) {
    static const struct {
        const char *name;
        void *function;
    } own[] = {{"open", open}, {"openat", openat}, {"openat64", openat64}, {"renameat2", renameat2},
               {"renameat", renameat}, {"unlinkat", unlinkat}, {"copy_file_range", copy_file_range},
               {"mkdirat", mkdirat}};
    void *found = real_dlsym ? real_dlsym(handle, name) : (real("dlsym"), real_dlsym(handle, name));
    for (size_t i = 0; found && i < sizeof own / sizeof *own; i++) {
        if (!strcmp(own[i].name, name)) {
            return own[i].function;
        }
    }
    return found;
}
