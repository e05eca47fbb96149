/* Counts the operations of a process that change or read files below one folder, and stops or fails one of them.
 *
 * Loaded by LD_PRELOAD it stands between every library of the process and the C library. It does nothing until it is
 * armed: by `faults_arm`, or at the start by the environment variables that `faults_from_environment` reads.
 *
 * Every operation becomes a line of the trace: number, name, path, detail, mark, with tabs between. The detail is the
 * size of a file that is flushed to the disk, or the new name of what is renamed; the mark is * where it was stopped.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define KILL (-1)

static char folder[PATH_MAX];
static int trace = -1, fault, stays; /* fault: KILL or an errno; stays: all later operations fail, too */
static int of_reads;                 /* whether a read is stopped, not a change; each kind is counted by itself */
static long at;                      /* the operation that is stopped, counted from 1; 0: none is */
static atomic_long counts[2];

/* The function of the C library that one of the same name below replaces. */
#define REAL(result, name, ...)                                              \
    static result (*real)(__VA_ARGS__);                                      \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static ssize_t plain_write(int handle, const void *bytes, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    return real(handle, bytes, size);
}

void faults_arm(const char *below, const char *trace_path, long number, int what, int for_good, int reads) {
    REAL(int, open, const char *, int, ...);
    snprintf(folder, sizeof folder, "%s/", below);
    at = number, fault = what, stays = for_good, of_reads = reads, counts[0] = counts[1] = 0;
    trace = real(trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int setting(const char *name, int without) { return getenv(name) ? atoi(getenv(name)) : without; }

__attribute__((constructor)) static void faults_from_environment(void) {
    const char *below = getenv("FAULTS_FOLDER"), *trace_path = getenv("FAULTS_TRACE");
    if (below && trace_path)
        faults_arm(below, trace_path, setting("FAULTS_AT", 0), setting("FAULTS_ERRNO", KILL), setting("FAULTS_STAYS", 0),
                   setting("FAULTS_READS", 0));
}

/* The absolute path of a name as system calls take it, or of an open file where the name is NULL. */
static void locate(int handle, const char *name, char *path) {
    char link[64];
    ssize_t length = 0;
    *path = 0;
    if (!name || name[0] != '/') {
        if (name && handle == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        length = readlink(link, path, PATH_MAX - 1);
        if (length < 0) length = 0;
        path[length] = 0;
    }
    if (name) snprintf(path + length, PATH_MAX - length, "%s%s", length ? "/" : "", name);
}

/* Counts one operation. Returns 0 where it goes on, KILL or the errno that it fails with where it is stopped. */
static int stop(const char *name, const char *path, const char *detail, int needs_no_space) {
    if (trace < 0 || strncmp(path, folder, strlen(folder))) return 0;
    int is_read = !strncmp(name, "read", 4);
    long number = atomic_fetch_add(&counts[is_read], 1) + 1;
    int hit = at && is_read == of_reads && (number == at || (stays && number > at));
    if (needs_no_space && (fault == ENOSPC || fault == EDQUOT)) hit = 0;
    char line[2 * PATH_MAX + 64];
    const char *below = strncmp(detail, folder, strlen(folder)) ? detail : detail + strlen(folder);
    int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\t%s\n", number, name, path + strlen(folder), below,
                          hit ? "*" : "");
    plain_write(trace, line, length);
    return hit ? fault : 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

static int is_there(const char *path) {
    struct stat status;
    int saved = errno, found = !lstat(path, &status);
    errno = saved;
    return found;
}

/* Whether an operation other than a write fails; errno then says why. A kill does not return. What changes nothing, such
 * as making a folder that is there already, is not counted: the system would refuse it by itself. */
static int fails(const char *name, int handle, const char *file, const char *detail, int needs_no_space) {
    char path[PATH_MAX];
    if (trace < 0) return 0;
    locate(handle, file, path);
    int there = !file || is_there(path), makes_file = !strcmp(name, "create"), makes_folder = !strcmp(name, "mkdir");
    if (makes_folder ? there : !there && !makes_file) return 0;
    if (makes_file && there) name = "open", needs_no_space = 1;
    int why = stop(name, path, detail, needs_no_space);
    if (why == KILL) die();
    if (why) errno = why;
    return why != 0;
}

static int is_written(int handle) {
    struct stat status;
    int saved = errno, flags = trace < 0 || handle == trace ? -1 : fcntl(handle, F_GETFL);
    int written = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && !fstat(handle, &status) && S_ISREG(status.st_mode);
    errno = saved;
    return written;
}

/* How much of a write is done: all of it, or half where the process is killed or the disk becomes full meanwhile, or
 * nothing (-1, and errno says why). */
static ssize_t allowed(const char *name, int handle, size_t size, int *why) {
    char path[PATH_MAX];
    *why = 0;
    if (!is_written(handle)) return size;
    locate(handle, NULL, path);
    *why = stop(name, path, "", 0);
    if (!*why) return size;
    int is_first = at == counts[0];
    if (*why == KILL || ((*why == ENOSPC || *why == EDQUOT) && is_first && size > 1)) return size / 2;
    errno = *why;
    return -1;
}

/* ---- opening and closing */

#define OPEN_MODE(flags)                                                     \
    va_list rest;                                                            \
    va_start(rest, flags);                                                   \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;  \
    va_end(rest)
#define OPENED(flags) ((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT ? "create" : "read-open")

#define OPEN(name)                                                           \
    int name(const char *path, int flags, ...) {                             \
        REAL(int, name, const char *, int, ...);                             \
        OPEN_MODE(flags);                                                    \
        return fails(OPENED(flags), AT_FDCWD, path, "", 0) ? -1 : real(path, flags, mode); \
    }
#define OPENAT(name)                                                         \
    int name(int at_folder, const char *path, int flags, ...) {              \
        REAL(int, name, int, const char *, int, ...);                        \
        OPEN_MODE(flags);                                                    \
        return fails(OPENED(flags), at_folder, path, "", 0) ? -1 : real(at_folder, path, flags, mode); \
    }
#define FOPEN(name)                                                          \
    FILE *name(const char *path, const char *mode) {                         \
        REAL(FILE *, name, const char *, const char *);                      \
        const char *word = strpbrk(mode, "wa+") ? "create" : "read-open";    \
        return fails(word, AT_FDCWD, path, "", 0) ? NULL : real(path, mode); \
    }
OPEN(open) OPEN(open64) OPEN(__open_2) OPEN(__open64_2) OPENAT(openat) OPENAT(openat64) FOPEN(fopen) FOPEN(fopen64)

int creat(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

/* What cannot be closed without an error is closed all the same, as the system does it. */
int close(int handle) {
    REAL(int, close, int);
    int failed = is_written(handle) && fails("close", handle, NULL, "", 0), why = errno, result = real(handle);
    return failed ? (errno = why, -1) : result;
}

int fclose(FILE *stream) {
    REAL(int, fclose, FILE *);
    int handle = fileno(stream), failed = is_written(handle) && fails("close", handle, NULL, "", 0), why = errno;
    int result = real(stream);
    return failed ? (errno = why, EOF) : result;
}

/* ---- writing */

#define WRITE(name, word, parameters, call, ...)                             \
    ssize_t name parameters {                                                \
        REAL(ssize_t, name, __VA_ARGS__);                                    \
        int why;                                                             \
        ssize_t part = allowed(word, handle, size, &why), done = part < 0 ? -1 : real call; \
        if (why == KILL) die();                                              \
        return done;                                                         \
    }
WRITE(write, "write", (int handle, const void *bytes, size_t size), (handle, bytes, part), int, const void *, size_t)
WRITE(pwrite, "write", (int handle, const void *bytes, size_t size, off_t place), (handle, bytes, part, place), int, const void *, size_t, off_t)
WRITE(pwrite64, "write", (int handle, const void *bytes, size_t size, off64_t place), (handle, bytes, part, place), int, const void *, size_t, off64_t)
WRITE(sendfile, "write", (int handle, int from, off_t *place, size_t size), (handle, from, place, part), int, int, off_t *, size_t)
WRITE(sendfile64, "write", (int handle, int from, off64_t *place, size_t size), (handle, from, place, part), int, int, off64_t *, size_t)

/* Of several parts, half of the first is written. */
ssize_t writev(int handle, const struct iovec *parts, int number) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    int why;
    size_t first = number ? parts[0].iov_len : 0;
    ssize_t part = allowed("write", handle, first, &why), done = why ? part : real(handle, parts, number);
    if (why && part > 0) done = plain_write(handle, parts[0].iov_base, part);
    if (why == KILL) die();
    return done;
}

#undef fwrite_unlocked /* With optimization it is a macro. */
#define FWRITE(name)                                                         \
    size_t name(const void *bytes, size_t size, size_t number, FILE *stream) { \
        REAL(size_t, name, const void *, size_t, size_t, FILE *);            \
        int why;                                                             \
        ssize_t part = allowed("write", fileno(stream), number, &why);       \
        size_t done = part < 0 ? 0 : real(bytes, size, part, stream);        \
        if (why == KILL) fflush_unlocked(stream), die();                     \
        if (why) errno = why;                                                \
        return done;                                                         \
    }
FWRITE(fwrite) FWRITE(fwrite_unlocked)

int fflush(FILE *stream) {
    REAL(int, fflush, FILE *);
    if (stream && is_written(fileno(stream)) && fails("flush", fileno(stream), NULL, "", 0)) return EOF;
    return real(stream);
}

#define SYNC(name)                                                           \
    int name(int handle) {                                                   \
        REAL(int, name, int);                                                \
        struct stat status = {0};                                            \
        char size[32];                                                       \
        fstat(handle, &status);                                              \
        snprintf(size, sizeof size, "%lld", (long long)status.st_size);      \
        return fails("fsync", handle, NULL, size, 0) ? -1 : real(handle);    \
    }
SYNC(fsync) SYNC(fdatasync)

/* ---- reading, but through a memory map */

#define READ(name, parameters, call, ...)                                    \
    ssize_t name parameters {                                                \
        REAL(ssize_t, name, __VA_ARGS__);                                    \
        return fails("read", handle, NULL, "", 0) ? -1 : real call;          \
    }
READ(read, (int handle, void *bytes, size_t size), (handle, bytes, size), int, void *, size_t)
READ(pread, (int handle, void *bytes, size_t size, off_t place), (handle, bytes, size, place), int, void *, size_t, off_t)
READ(pread64, (int handle, void *bytes, size_t size, off64_t place), (handle, bytes, size, place), int, void *, size_t, off64_t)

size_t fread(void *bytes, size_t size, size_t number, FILE *stream) {
    REAL(size_t, fread, void *, size_t, size_t, FILE *);
    return fails("read", fileno(stream), NULL, "", 0) ? 0 : real(bytes, size, number, stream);
}

/* ---- names */

#define BY_HANDLE(name, word, kind)                                          \
    int name(int handle, kind value) {                                       \
        REAL(int, name, int, kind);                                          \
        return fails(word, handle, NULL, "", 0) ? -1 : real(handle, value);  \
    }
#define BY_NAME(name, word, needs_no_space)                                     \
    int name(const char *path) {                                             \
        REAL(int, name, const char *);                                       \
        return fails(word, AT_FDCWD, path, "", needs_no_space) ? -1 : real(path); \
    }
BY_HANDLE(ftruncate, "truncate", off_t) BY_HANDLE(ftruncate64, "truncate", off64_t)
BY_NAME(unlink, "unlink", 1) BY_NAME(remove, "unlink", 1) BY_NAME(rmdir, "rmdir", 1)

int unlinkat(int at_folder, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    const char *word = flags & AT_REMOVEDIR ? "rmdir" : "unlink";
    return fails(word, at_folder, path, "", 1) ? -1 : real(at_folder, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    return fails("mkdir", AT_FDCWD, path, "", 0) ? -1 : real(path, mode);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    char path[PATH_MAX];
    locate(AT_FDCWD, to, path);
    return fails("rename", AT_FDCWD, from, path, 0) ? -1 : real(from, to);
}
