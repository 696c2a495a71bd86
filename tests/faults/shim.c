/* prinex: LD_PRELOAD: the n-th system call on the store fails, or what was not flushed can be taken back
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

/*
 * Works in the broker process only (with PX_SHIM_ANY in whatever it is loaded into), on files below
 * PX_SHIM_FOLDER.
 *
 * PX_SHIM_FAULT=CALL:N:HOW[:on]   the N-th CALL (pwrite, writev, write, fdatasync, fsync, msync, open, mkdir,
 *                                 rename, unlink, ftruncate, mmap, malloc) fails; HOW: EIO, ENOSPC, EINTR,
 *                                 ENOMEM, short (a write that stops half-way), kill (SIGKILL before it is
 *                                 done), or drop (a write or flush that is not done and says that it was; the
 *                                 wrong variant).
 *                                 malloc: blocks of a page and more, in the store's writer thread.
 *                                 `on`: and all later ones.
 * PX_SHIM_FLAG=FILE               made when it fires ("PID NANOSECONDS", monotonic); while it is there
 * nothing fires, except in the process that it names and with `on`
 *
 * PX_SHIM_UNDO=FOLDER             a power cut: what would be lost is noted there, and whoever cuts the power
 *                                 takes it back (power.py). w-INODE: what was written to that file and what
 *                                 it replaced, forgotten when the file is flushed. d-INODE: the names that
 * were made, moved or removed in that folder, forgotten when the folder is flushed. k-TIME: a file that a
 * name was taken from. PX_SHIM_LIE=all, folders        the wrong variants: flushing (folders: of folders)
 * does nothing
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
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define PATH  512

static struct {
	bool active, undoing, lying, lying_folders, blind, deaf;
	const char *folder, *flag, *undo;
	char call[16];
	unsigned long n, count;
	int error; /* 0: short */
	bool on, fired, drop, kill;
} shim;
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
	const char *fault = getenv("PX_SHIM_FAULT");
	shim.folder = getenv("PX_SHIM_FOLDER");
	shim.flag = getenv("PX_SHIM_FLAG");
	shim.undo = getenv("PX_SHIM_UNDO");
	shim.blind = getenv("PX_SHIM_BLIND") != NULL;
	shim.deaf = getenv("PX_SHIM_DEAF") != NULL;
	if (shim.folder == NULL || (getenv("PX_SHIM_ANY") == NULL && !is_broker()))
		return;
	if (shim.undo != NULL) {
		const char *lie = getenv("PX_SHIM_LIE");
		shim.undoing = true;
		shim.lying = lie != NULL && strcmp(lie, "all") == 0;
		shim.lying_folders = lie != NULL;
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

/* The path of what is open. */
static void path_of(int fd, char path[PATH])
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, path, PATH - 1);
	path[len > 0 ? len : 0] = '\0';
}

static bool is_ours(int fd)
{
	char path[PATH];
	path_of(fd, path);
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

/* One record, followed by a path, another one, and the content before. `kind`: W written, C a name made, R
 * renamed (to the other path), U a file's name removed (the other path: where it is kept), D a folder
 * removed. */
struct record {
	uint32_t kind, path_len, other_len, old_len, new_len, reserved;
	uint64_t when, inode, offset, size;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void append(char list, ino_t inode, struct record *r, const char *path, const char *other, void *old)
{
	char name[PATH];
	r->when = now_ns();
	r->path_len = (uint32_t)strlen(path);
	r->other_len = (uint32_t)strlen(other);
	snprintf(name, sizeof(name), "%s/%c-%llu", shim.undo, list, (unsigned long long)inode);
	struct iovec iov[4] = {
	    {r, sizeof(*r)}, {(char *)path, r->path_len}, {(char *)other, r->other_len}, {old, r->old_len}};
	long fd = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	syscall(SYS_writev, fd, iov, 4);
	syscall(SYS_close, fd);
}

static void note(int fd, size_t len, off_t offset)
{
	char name[64], path[PATH];
	struct stat st;
	if (!shim.undoing || (!shim.lying && (fcntl(fd, F_GETFL) & O_DSYNC) != 0) || fstat(fd, &st) != 0)
		return;
	path_of(fd, path);
	/* The descriptor may be for writing only. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	int in = open(name, O_RDONLY | O_CLOEXEC);
	char *old = malloc(len + 1);
	ssize_t old_len = in >= 0 ? pread(in, old, len, offset) : 0;
	if (in >= 0)
		close(in);
	struct record r = {.kind = 'W',
			   .old_len = (uint32_t)(old_len > 0 ? old_len : 0),
			   .new_len = (uint32_t)len,
			   .inode = st.st_ino,
			   .offset = (uint64_t)offset,
			   .size = (uint64_t)st.st_size};
	append('w', st.st_ino, &r, path, "", old);
	free(old);
}

/* A name in the folder of @path changed. */
static void note_name(char kind, const char *path, const char *other)
{
	char folder[PATH];
	struct stat st;
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	struct record r = {.kind = (unsigned char)kind};
	if (stat(folder, &st) == 0)
		append('d', st.st_ino, &r, path, other, NULL);
}

/* A second name for what is at @path, which is about to lose its own. @return whether there is such a file.
 */
static bool keep(const char *path, char kept[PATH])
{
	snprintf(kept, PATH, "%s/k-%llu", shim.undo, (unsigned long long)now_ns());
	return syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0) == 0;
}

static void flushed(int fd)
{
	char name[PATH];
	struct stat st;
	if (fstat(fd, &st) != 0)
		return;
	snprintf(name, sizeof(name), "%s/%c-%llu", shim.undo, S_ISDIR(st.st_mode) ? 'd' : 'w',
		 (unsigned long long)st.st_ino);
	syscall(SYS_truncate, name, (off_t)0);
}

static bool lies_about(int fd)
{
	struct stat st;
	return shim.lying || (shim.lying_folders && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
}

/* --- the calls
 * ---------------------------------------------------------------------------------------------------- */

/* A short write writes half, really. */
static size_t cut(size_t len, bool now)
{
	return now && len > 1 ? len / 2 : len;
}

/* What is told of a write of @len. */
static ssize_t told(ssize_t done, size_t len)
{
	return shim.deaf ? (ssize_t)len : done;
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
	return told(real(fd, data, cut(len, now), offset), len);
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
	return told(real(fd, iov, (int)cut((size_t)n, now)), sum(iov, n));
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	REAL(pwritev);
	if (!shim.active || !is_ours(fd))
		return real(fd, iov, n, offset);
	bool now = strikes("writev");
	if (now && shim.error != 0)
		return -1;
	if (now && shim.drop)
		return (ssize_t)sum(iov, n);
	note(fd, sum(iov, n), offset);
	return told(real(fd, iov, (int)cut((size_t)n, now), offset), sum(iov, n));
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
	return told(real(fd, data, cut(len, now)), len);
}

static int flush(int fd, const char *call, int (*real)(int fd))
{
	/* Folders above ours are flushed, too. */
	if (!shim.active || (!shim.undoing && !is_ours(fd)))
		return real(fd);
	bool now = is_ours(fd) && strikes(call);
	if (now && shim.error != 0)
		return -1;
	if ((now && shim.drop) || lies_about(fd))
		return 0;
	int rc = real(fd);
	if (rc == 0 && shim.undoing)
		flushed(fd);
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
	if (!shim.active || !is_below(path))
		return real(path, flags, mode);
	if (strikes("open") && shim.error != 0)
		return -1;
	bool makes = shim.undoing && (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
	int fd = real(path, flags, mode);
	if (fd >= 0 && makes)
		note_name('C', path, "");
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return open(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	if (!shim.active || !is_below(path))
		return real(path, mode);
	if (strikes("mkdir") && shim.error != 0)
		return -1;
	int rc = real(path, mode);
	if (rc == 0 && shim.undoing)
		note_name('C', path, "");
	return rc;
}

int rename(const char *from, const char *to)
{
	char kept[PATH] = "";
	REAL(rename);
	if (!shim.active || !is_below(to))
		return real(from, to);
	if (strikes("rename") && shim.error != 0)
		return -1;
	bool replaces = shim.undoing && keep(to, kept);
	int rc = real(from, to);
	if (rc == 0 && replaces)
		note_name('U', to, kept);
	if (rc == 0 && shim.undoing)
		note_name('R', to, from);
	return rc;
}

int link(const char *from, const char *to)
{
	REAL(link);
	int rc = real(from, to);
	if (rc == 0 && shim.active && shim.undoing && is_below(to))
		note_name('C', to, "");
	return rc;
}

int unlinkat(int folder, const char *name, int flags)
{
	char path[2 * PATH] = "", kept[PATH] = "";
	REAL(unlinkat);
	if (!shim.active || folder < 0 || !is_ours(folder))
		return real(folder, name, flags);
	if (strikes("unlink") && shim.error != 0)
		return -1;
	path_of(folder, path);
	size_t len = strlen(path);
	snprintf(path + len, sizeof(path) - len, "/%s", name);
	bool noting = shim.undoing && keep(path, kept);
	int rc = real(folder, name, flags);
	if (rc == 0 && noting)
		note_name('U', path, kept);
	return rc;
}

int rmdir(const char *path)
{
	REAL(rmdir);
	int rc = real(path);
	if (rc == 0 && shim.active && shim.undoing && is_below(path))
		note_name('D', path, "");
	return rc;
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

int statvfs(const char *path, struct statvfs *out)
{
	REAL(statvfs);
	int rc = real(path, out);
	if (rc == 0 && shim.active && shim.blind)
		out->f_bavail = out->f_bfree = out->f_blocks = (fsblkcnt_t)1 << 40;
	return rc;
}

int statvfs64(const char *path, struct statvfs64 *out)
{
	return statvfs(path, (struct statvfs *)out);
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
