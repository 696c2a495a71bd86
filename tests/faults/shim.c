/* prinex: LD_PRELOAD: the n-th system call on the store fails, or what was not flushed can be taken back
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

/*
 * Works in the broker process only, on files below PX_SHIM_FOLDER.
 *
 * PX_SHIM_FAULT=CALL:N:HOW[:on]   the N-th CALL (pwrite, writev, write, fdatasync, fsync, msync, open,
 * ftruncate, mmap, malloc) fails; HOW: EIO, ENOSPC, EINTR, ENOMEM, short (a write that stops half-way),
 *                                 kill (SIGKILL before it is done), or drop (a write that says it was done;
 *                                 the wrong variant).
 *                                 malloc: blocks of a page and more, in the store's writer thread. `on`: and
 * all later ones. PX_SHIM_FLAG=FILE               made when it fires ("PID NANOSECONDS", monotonic); while it
 * is there nothing fires, except in the process that it names and with `on`
 *
 * PX_SHIM_UNDO=FILE               a power cut: what is written is noted there with what it replaced, and
 * forgotten when it is flushed; whoever cuts the power takes back what the file says PX_SHIM_LIE=1 the wrong
 * variant: flushing does nothing
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

static struct {
	bool active, undoing, lying;
	const char *folder, *flag;
	char call[16];
	unsigned long n, count;
	int error; /* 0: short */
	bool on, fired, drop, kill;
	int undo;
} shim = {.undo = -1};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int error_of(const char *name)
{
	static const struct {
		const char *name;
		int error;
	} all[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"ENOMEM", ENOMEM},
		   {"short", 0}, {"drop", 0},        {"kill", 0}};
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].name, name) == 0)
			return all[i].error;
	}
	fprintf(stderr, "shim: no such fault: %s\n", name);
	_exit(99);
}

static bool is_broker(void)
{
	char text[256] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len > 0 && memmem(text, (size_t)len, "--role\0broker", 13) != NULL;
}

static void parse_fault(const char *spec)
{
	char how[16] = "", on[4] = "";
	if (sscanf(spec, "%15[a-z]:%lu:%15[a-zA-Z]:%3s", shim.call, &shim.n, how, on) < 3) {
		fprintf(stderr, "shim: cannot read %s\n", spec);
		_exit(99);
	}
	shim.error = error_of(how);
	shim.on = strcmp(on, "on") == 0;
	shim.drop = strcmp(how, "drop") == 0;
	shim.kill = strcmp(how, "kill") == 0;
}

__attribute__((constructor)) static void start(void)
{
	const char *fault = getenv("PX_SHIM_FAULT"), *undo = getenv("PX_SHIM_UNDO");
	shim.folder = getenv("PX_SHIM_FOLDER");
	shim.flag = getenv("PX_SHIM_FLAG");
	if (shim.folder == NULL || !is_broker())
		return;
	if (undo != NULL) {
		shim.undo = open(undo, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		shim.undoing = shim.undo >= 0;
		shim.lying = getenv("PX_SHIM_LIE") != NULL;
	}
	if (fault != NULL && shim.flag != NULL && access(shim.flag, F_OK) != 0)
		parse_fault(fault);
	shim.active = true;
}

/* --- does it strike?
 * --------------------------------------------------------------------------------------------- */

static bool is_below(const char *path)
{
	return strncmp(path, shim.folder, strlen(shim.folder)) == 0;
}

static bool is_ours(int fd)
{
	char name[64], path[512];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return is_below(path);
}

static void raise_flag(void)
{
	struct timespec now;
	char text[64];
	clock_gettime(CLOCK_MONOTONIC, &now);
	int len = snprintf(text, sizeof(text), "%d %lld\n", (int)getpid(),
			   (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	long fd = syscall(SYS_openat, AT_FDCWD, shim.flag, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	syscall(SYS_write, fd, text, len);
	syscall(SYS_close, fd);
}

/* Counts one @call; errno is set when it strikes. */
static bool strikes(const char *call)
{
	if (!shim.active || strcmp(call, shim.call) != 0)
		return false;
	pthread_mutex_lock(&lock);
	shim.count++;
	bool now = shim.fired ? shim.on : shim.count == shim.n;
	if (now && !shim.fired) {
		shim.fired = true;
		raise_flag();
	}
	pthread_mutex_unlock(&lock);
	if (now && shim.kill)
		kill(getpid(), SIGKILL);
	if (now)
		errno = shim.error;
	return now;
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (real == NULL)              \
	real = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

/* --- what could be lost
 * ------------------------------------------------------------------------------------------ */

/* One record: path length, path, offset, length of the old content, of the new, size of the file before; old
 * content. */
struct record {
	uint32_t path_len, old_len, new_len, reserved;
	uint64_t offset, size;
};

static void note(int fd, size_t len, off_t offset)
{
	char name[64], path[512];
	struct stat st;
	if (!shim.undoing || (!shim.lying && (fcntl(fd, F_GETFL) & O_DSYNC) != 0))
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t path_len = readlink(name, path, sizeof(path));
	if (path_len <= 0 || fstat(fd, &st) != 0)
		return;
	/* The descriptor may be for writing only. */
	int in = open(name, O_RDONLY | O_CLOEXEC);
	char *old = malloc(len + 1);
	ssize_t old_len = in >= 0 ? pread(in, old, len, offset) : 0;
	if (in >= 0)
		close(in);
	struct record r = {.path_len = (uint32_t)path_len,
			   .old_len = (uint32_t)(old_len > 0 ? old_len : 0),
			   .new_len = (uint32_t)len,
			   .offset = (uint64_t)offset,
			   .size = (uint64_t)st.st_size};
	struct iovec iov[3] = {{&r, sizeof(r)}, {path, (size_t)path_len}, {old, r.old_len}};
	syscall(SYS_writev, shim.undo, iov, 3);
	free(old);
}

static void flushed(void)
{
	if (shim.undoing && !shim.lying)
		syscall(SYS_ftruncate, shim.undo, (off_t)0);
}

/* --- the calls
 * ---------------------------------------------------------------------------------------------------- */

/* A short write writes half, really. */
static size_t cut(size_t len)
{
	return len > 1 ? len / 2 : len;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	REAL(pwrite);
	if (!shim.active || !is_ours(fd))
		return real(fd, data, len, offset);
	bool now = strikes("pwrite");
	if (now && shim.error != 0)
		return -1;
	if (now && shim.drop)
		return (ssize_t)len;
	note(fd, len, offset);
	return real(fd, data, now ? cut(len) : len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return pwrite(fd, data, len, offset);
}

static size_t sum(const struct iovec *iov, int n)
{
	size_t len = 0;
	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	REAL(writev);
	if (!shim.active || !is_ours(fd))
		return real(fd, iov, n);
	bool now = strikes("writev");
	if (now && shim.error != 0)
		return -1;
	if (now && shim.drop)
		return (ssize_t)sum(iov, n);
	note(fd, sum(iov, n), lseek(fd, 0, SEEK_CUR));
	return real(fd, iov, now && n > 1 ? n / 2 : n);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	REAL(pwritev);
	if (!shim.active || !is_ours(fd))
		return real(fd, iov, n, offset);
	bool now = strikes("writev");
	if (now && shim.error != 0)
		return -1;
	note(fd, sum(iov, n), offset);
	return real(fd, iov, now && n > 1 ? n / 2 : n, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
	REAL(write);
	if (!shim.active || !is_ours(fd))
		return real(fd, data, len);
	bool now = strikes("write");
	if (now && shim.error != 0)
		return -1;
	note(fd, len, lseek(fd, 0, SEEK_CUR));
	return real(fd, data, now ? cut(len) : len);
}

static int flush(int fd, const char *call, int (*real)(int fd))
{
	if (!shim.active || !is_ours(fd))
		return real(fd);
	if (strikes(call) && shim.error != 0)
		return -1;
	if (shim.lying)
		return 0;
	int rc = real(fd);
	if (rc == 0)
		flushed();
	return rc;
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	return flush(fd, "fdatasync", real);
}

int fsync(int fd)
{
	REAL(fsync);
	return flush(fd, "fsync", real);
}

int msync(void *at, size_t len, int flags)
{
	REAL(msync);
	if (strikes("msync") && shim.error != 0)
		return -1;
	return real(at, len, flags);
}

int ftruncate(int fd, off_t len)
{
	REAL(ftruncate);
	if (shim.active && is_ours(fd) && strikes("ftruncate") && shim.error != 0)
		return -1;
	return real(fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

int open(const char *path, int flags, ...)
{
	REAL(open);
	va_list ap;
	va_start(ap, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (shim.active && is_below(path) && strikes("open") && shim.error != 0)
		return -1;
	return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return open(path, flags, mode);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	REAL(mmap);
	if (shim.active && fd >= 0 && is_ours(fd) && strikes("mmap") && shim.error != 0)
		return MAP_FAILED;
	return real(at, len, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return mmap(at, len, prot, flags, fd, offset);
}

static bool is_writer(void)
{
	char name[17] = "";
	prctl(PR_GET_NAME, name);
	return strcmp(name, "store-writer") == 0;
}

void *__libc_malloc(size_t len);

void *malloc(size_t len)
{
	if (len >= BLOCK && shim.active && shim.call[0] == 'm' && is_writer() && strikes("malloc"))
		return NULL;
	return __libc_malloc(len);
}
