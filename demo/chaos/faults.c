/* A disk, a clock and a medium that fail on demand, between a process and the kernel (LD_PRELOAD).
 *
 * FAULTS_CONTROL names a small file that all processes of one machine map and that the suite writes; FAULTS_ROOT is the folder whose files are watched.
 * What a watched write replaces is kept in <control>.undo/<inode> until the file is synced. No sync reaches the real disk: after the processes were
 * killed, the suite undoes what was never synced, wholly or sector by sector, which is what a power cut does.
 *
 * Watched are databases (.sqlite3 in the name) and pictures being written (.part). Not modelled: files removed or renamed in a folder never synced; mapped memory (SQLite maps only its -shm file, which it makes anew after a start).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { FULL_HITS, READ_ONLY_HITS, MEDIUM_HITS, WRITES, SYNCS, CLOCK_READS, HITS };

struct control { /* layer.py packs the same */
  int64_t clock_ns, disk_full, read_only, lies, die_in, bad_inode, bad_from, bad_bytes;
  int64_t hits[HITS];
};
struct record { int64_t offset, kept, written, size; }; /* then `kept` bytes that were there before */

enum { NO_FILE, DURABLE, SCRATCH };
struct watched { int kind, log; int64_t inode; };

#define MOST_FILES 4096
static struct watched files[MOST_FILES];
static struct control *control;
static char root[512], undo[600];
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define HIT(which) __atomic_add_fetch(&control->hits[which], 1, __ATOMIC_RELAXED)

static int raw_open(const char *path, int flags, mode_t mode) {
  static int (*real)(const char *, int, ...);
  if (!real) real = dlsym(RTLD_NEXT, "open64");
  return real(path, flags, mode);
}

__attribute__((constructor)) static void begin(void) {
  const char *where = getenv("FAULTS_CONTROL"), *watch = getenv("FAULTS_ROOT");
  if (!where || !watch) return;
  int fd = raw_open(where, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return;
  snprintf(root, sizeof root, "%s/", watch);
  snprintf(undo, sizeof undo, "%s.undo", where);
  control = at;
}

static int ends(const char *text, const char *with) {
  size_t a = strlen(text), b = strlen(with);
  return a >= b && !strcmp(text + a - b, with);
}

static int kind_of(const char *path) {
  if (!control || strncmp(path, root, strlen(root))) return NO_FILE;
  if (ends(path, "-shm")) return SCRATCH;
  return strstr(path + strlen(root), ".sqlite3") || ends(path, ".part") ? DURABLE : NO_FILE;
}

static void log_of(int64_t inode, char log[700]) { snprintf(log, 700, "%s/%lld", undo, (long long)inode); }

static int64_t size_of(int fd) {
  struct stat about;
  return fstat(fd, &about) ? 0 : about.st_size;
}

static void lock(struct watched *file) { pthread_mutex_lock(&one); flock(file->log, LOCK_EX); }
static void unlock(struct watched *file) { flock(file->log, LOCK_UN); pthread_mutex_unlock(&one); }

static struct watched *watched(int fd) {
  return control && fd >= 0 && fd < MOST_FILES && files[fd].kind != NO_FILE ? &files[fd] : NULL;
}

static int opened(const char *path, int fd) {
  if (!control || fd < 0 || fd >= MOST_FILES) return fd;
  files[fd].kind = NO_FILE;
  struct stat about;
  if (strncmp(path, root, strlen(root) - 1) || fstat(fd, &about)) return fd;
  int kind = S_ISDIR(about.st_mode) ? SCRATCH : kind_of(path);
  files[fd].inode = about.st_ino;
  if (kind == DURABLE) {
    char log[700];
    log_of(about.st_ino, log);
    files[fd].log = raw_open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (files[fd].log < 0) abort();
  }
  files[fd].kind = kind;
  return fd;
}

static int open_any(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (control && control->read_only && kind_of(path) != NO_FILE && (flags & (O_WRONLY | O_RDWR | O_CREAT))) {
    HIT(READ_ONLY_HITS);
    errno = EROFS;
    return -1;
  }
  return opened(path, real(path, flags, mode));
}

#define OPEN(function) \
  int function(const char *path, int flags, ...) { \
    static int (*real)(const char *, int, ...); \
    if (!real) real = dlsym(RTLD_NEXT, #function); \
    va_list more; va_start(more, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    return open_any(real, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(close);
  struct watched *file = watched(fd);
  if (file) {
    int log = file->log, kind = file->kind;
    file->kind = NO_FILE;
    if (kind == DURABLE) real(log);
  }
  return real(fd);
}

/* Whether this write fails; sets errno. */
static int fails(struct watched *file, int64_t end, int64_t size) {
  if (control->read_only) { HIT(READ_ONLY_HITS); errno = EROFS; return 1; }
  /* 1: only what makes a file longer needs room; 2: a log-structured file system needs it for every write. */
  if (control->disk_full == 2 || (control->disk_full && end > size)) { HIT(FULL_HITS); errno = ENOSPC; return 1; }
  return 0;
}

/* The power goes at the nth step from now: after a write or a cut, before a sync: the process ends here, the suite does the rest. */
static void step(void) {
  if (control->die_in && __atomic_sub_fetch(&control->die_in, 1, __ATOMIC_RELAXED) == 0) kill(getpid(), SIGKILL);
}

/* Keep what [offset, offset + written) holds now; a size that shrinks is written = -1. Locked. */
static void keep(struct watched *file, int fd, int64_t offset, int64_t written, int64_t size) {
  int64_t end = written < 0 || offset + written > size ? size : offset + written;
  int64_t kept = end > offset ? end - offset : 0;
  char *record = malloc(sizeof(struct record) + kept);
  *(struct record *)record = (struct record){offset, kept, written, size};
  static ssize_t (*read_at)(int, void *, size_t, off64_t);
  static ssize_t (*put)(int, const void *, size_t);
  if (!read_at) read_at = dlsym(RTLD_NEXT, "pread64");
  if (!put) put = dlsym(RTLD_NEXT, "write");
  if (kept && read_at(fd, record + sizeof(struct record), kept, offset) != kept) abort();
  if (put(file->log, record, sizeof(struct record) + kept) != (ssize_t)(sizeof(struct record) + kept)) abort();
  free(record);
  HIT(WRITES);
}

/* A card gives a page that is written a new place. */
static void heal(struct watched *file, int64_t offset, int64_t count) {
  if (control->bad_bytes && file->inode == control->bad_inode && offset <= control->bad_from &&
      offset + count >= control->bad_from + control->bad_bytes)
    control->bad_bytes = 0;
}

#define PWRITE(function) \
  ssize_t function(int fd, const void *from, size_t count, off64_t offset) { \
    REAL(function); \
    struct watched *file = watched(fd); \
    if (!file) return real(fd, from, count, offset); \
    int64_t size = size_of(fd); \
    if (fails(file, offset + count, size)) return -1; \
    if (file->kind != DURABLE) return real(fd, from, count, offset); \
    lock(file); \
    keep(file, fd, offset, count, size_of(fd)); \
    ssize_t done = real(fd, from, count, offset); \
    heal(file, offset, count); \
    step(); \
    unlock(file); \
    return done; \
  }
PWRITE(pwrite64)
PWRITE(pwrite)

ssize_t write(int fd, const void *from, size_t count) {
  REAL(write);
  if (!watched(fd)) return real(fd, from, count);
  ssize_t done = pwrite64(fd, from, count, lseek(fd, 0, SEEK_CUR));
  if (done > 0) lseek(fd, done, SEEK_CUR);
  return done;
}

#define TRUNCATE(function) \
  int function(int fd, off64_t length) { \
    REAL(function); \
    struct watched *file = watched(fd); \
    if (!file) return real(fd, length); \
    if (fails(file, length, size_of(fd))) return -1; \
    if (file->kind != DURABLE) return real(fd, length); \
    lock(file); \
    keep(file, fd, length, -1, size_of(fd)); \
    int done = real(fd, length); \
    step(); \
    unlock(file); \
    return done; \
  }
TRUNCATE(ftruncate64)
TRUNCATE(ftruncate)

/* Whether a read meets the bad place; sets errno. */
static int is_bad(struct watched *file, int64_t offset, size_t count) {
  if (!control->bad_bytes || file->inode != control->bad_inode) return 0;
  if (offset >= control->bad_from + control->bad_bytes || control->bad_from >= offset + (int64_t)count) return 0;
  HIT(MEDIUM_HITS);
  errno = EIO;
  return 1;
}

#define PREAD(function) \
  ssize_t function(int fd, void *into, size_t count, off64_t offset) { \
    REAL(function); \
    struct watched *file = watched(fd); \
    return file && is_bad(file, offset, count) ? -1 : real(fd, into, count, offset); \
  }
PREAD(pread64)
PREAD(pread)

ssize_t read(int fd, void *into, size_t count) {
  REAL(read);
  struct watched *file = watched(fd);
  return file && is_bad(file, lseek(fd, 0, SEEK_CUR), count) ? -1 : real(fd, into, count);
}

#define SYNC(function) \
  int function(int fd) { \
    REAL(function); \
    struct watched *file = watched(fd); \
    if (!file) return real(fd); \
    if (file->kind != DURABLE) return 0; \
    if (control->read_only) { HIT(READ_ONLY_HITS); errno = EROFS; return -1; } \
    HIT(SYNCS); \
    step(); \
    if (control->lies) return 0; \
    lock(file); \
    int done = ftruncate_log(file->log); \
    unlock(file); \
    return done; \
  }
static int ftruncate_log(int log) {
  static int (*real)(int, off64_t);
  if (!real) real = dlsym(RTLD_NEXT, "ftruncate64");
  return real(log, 0);
}
SYNC(fsync)
SYNC(fdatasync)

/* A file that is gone, or replaced by a rename, leaves its inode's number to another. */
static void forget(const char *path) {
  struct stat about;
  char log[700];
  if (kind_of(path) != DURABLE && !(control && ends(path, ".jpg"))) return;
  if (stat(path, &about)) return;
  static int (*remove_it)(const char *);
  if (!remove_it) remove_it = dlsym(RTLD_NEXT, "unlink");
  log_of(about.st_ino, log);
  remove_it(log);
}

/* A picture that was whole before it got its name needs no log any more; there are as many as sightings. */
static void drop_if_synced(const char *path) {
  struct stat about, kept;
  char log[700];
  if (stat(path, &about)) return;
  log_of(about.st_ino, log);
  if (!stat(log, &kept) && kept.st_size == 0) forget(path);
}

static int refused(const char *path) {
  if (kind_of(path) == NO_FILE || !control->read_only) return 0;
  HIT(READ_ONLY_HITS);
  errno = EROFS;
  return 1;
}

int unlink(const char *path) {
  REAL(unlink);
  if (refused(path)) return -1;
  forget(path);
  return real(path);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  if (refused(from)) return -1;
  forget(to);
  int done = real(from, to);
  if (!done && ends(from, ".part")) drop_if_synced(to);
  return done;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  REAL(clock_gettime);
  int done = real(which, now);
  if (!done && control && control->clock_ns && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
    HIT(CLOCK_READS);
    int64_t ns = now->tv_sec * 1000000000LL + now->tv_nsec + control->clock_ns;
    now->tv_sec = ns / 1000000000LL;
    now->tv_nsec = ns % 1000000000LL;
  }
  return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (where) *where = precise.tv_sec;
  return precise.tv_sec;
}
