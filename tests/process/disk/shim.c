/* A preloaded shim that lets the disk fail under one folder.

   It counts write, pwrite, writev, fsync and fdatasync on files below SHIM_BELOW.  What SHIM_FAULT says:
     full@N   from the N-th call on, writes fail with ENOSPC, until a file named "reserve" there is removed: that makes room
              for SHIM_ROOM more of them (default 200)
     sync@N   the first fsync or fdatasync from the N-th call on fails with EIO, once
     write@N  the first write from the N-th call on fails with EIO, once
   A fork reads its environment anew, and begins to count at one.  SHIM_TOLD names a file (not below the folder) that gets the path
   of each call that was made to fail. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, FULL, SYNC, WRITE };

static pid_t owner;
static const char *below;
static enum kind fault;
static long first, calls, room;
static int teller = -1, spent;
static char path[4096];

static void read_environment(void) {
  const char *text = getenv("SHIM_FAULT"), *told = getenv("SHIM_TOLD");
  owner = getpid();
  below = getenv("SHIM_BELOW");
  fault = NONE;
  first = calls = room = 0;
  spent = 0;
  teller = told ? open(told, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) : -1;
  if (text && sscanf(text, "full@%ld", &first) == 1) fault = FULL;
  else if (text && sscanf(text, "sync@%ld", &first) == 1) fault = SYNC;
  else if (text && sscanf(text, "write@%ld", &first) == 1) fault = WRITE;
}

static int is_below(int fd) {
  char link[64];
  ssize_t length;
  if (owner != getpid()) read_environment();
  if (!below) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, below, strlen(below)) == 0;
}

static int failing(int error) {
  static ssize_t (*honest)(int, const void *, size_t);
  if (!honest) honest = dlsym(RTLD_NEXT, "write");
  if (teller >= 0 && (honest(teller, path, strlen(path)) < 1 || honest(teller, "\n", 1) != 1)) abort();
  return error;
}

/* The errno a call must fail with, or 0. */
static int verdict(int fd, int is_sync) {
  if (!is_below(fd)) return 0;
  calls++;
  if (fault == NONE || calls < first) return 0;
  if (fault == FULL) {
    if (is_sync) return 0;
    if (room > 0) return room--, 0;
    return failing(ENOSPC);
  }
  if (spent || (fault == SYNC) != is_sync) return 0;
  spent = 1;
  return failing(EIO);
}

static void removed(const char *path) {
  const char *name = strrchr(path, '/'), *more = getenv("SHIM_ROOM");
  if (owner == getpid() && fault == FULL && strcmp(name ? name + 1 : path, "reserve") == 0) room = more ? atol(more) : 200;
}

#define FAIL_OR(call, fd, is_sync) \
  do { int error_ = verdict(fd, is_sync); if (error_) { errno = error_; return -1; } return call; } while (0)

ssize_t write(int fd, const void *data, size_t size) {
  static ssize_t (*honest)(int, const void *, size_t);
  if (!honest) honest = dlsym(RTLD_NEXT, "write");
  FAIL_OR(honest(fd, data, size), fd, 0);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  static ssize_t (*honest)(int, const void *, size_t, off_t);
  if (!honest) honest = dlsym(RTLD_NEXT, "pwrite");
  FAIL_OR(honest(fd, data, size, at), fd, 0);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  static ssize_t (*honest)(int, const void *, size_t, off64_t);
  if (!honest) honest = dlsym(RTLD_NEXT, "pwrite64");
  FAIL_OR(honest(fd, data, size, at), fd, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  static ssize_t (*honest)(int, const struct iovec *, int);
  if (!honest) honest = dlsym(RTLD_NEXT, "writev");
  FAIL_OR(honest(fd, parts, count), fd, 0);
}

int fsync(int fd) {
  static int (*honest)(int);
  if (!honest) honest = dlsym(RTLD_NEXT, "fsync");
  FAIL_OR(honest(fd), fd, 1);
}

int fdatasync(int fd) {
  static int (*honest)(int);
  if (!honest) honest = dlsym(RTLD_NEXT, "fdatasync");
  FAIL_OR(honest(fd), fd, 1);
}

int unlink(const char *path) {
  static int (*honest)(const char *);
  int result;
  if (!honest) honest = dlsym(RTLD_NEXT, "unlink");
  result = honest(path);
  if (result == 0) removed(path);
  return result;
}
