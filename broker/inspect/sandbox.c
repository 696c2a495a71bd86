/* prinex: limits and system call filter of an inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef PX_SANITIZE
#include <sanitizer/common_interface_defs.h>
#endif

#include "base/limits.h"

/* System calls that are harmless with any arguments once there is nothing to apply them to. */
static const int allowed[] = {
    SCMP_SYS(futex),          SCMP_SYS(munmap),          SCMP_SYS(mremap),       SCMP_SYS(brk),
    SCMP_SYS(madvise),        SCMP_SYS(clock_gettime),   SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
    SCMP_SYS(time),           SCMP_SYS(getrandom),       SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),      SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(poll),         SCMP_SYS(ppoll),
#ifdef PX_SANITIZE
    SCMP_SYS(sigaltstack),    SCMP_SYS(sched_yield),
#endif
};

static int compare_bytes(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

void px_sandbox_prepare(void)
{
	/* The first gmtime_r(3) reads the time zone's file; the first large qsort(3) asks how much memory
	 * there is. */
	tzset();
	unsigned char *big = px_xcalloc(1, 4096);
	qsort(big, 4096, 1, compare_bytes);
	free(big);
#ifdef PX_SANITIZE
	__sanitizer_sandbox_arguments args = {0};
	__sanitizer_sandbox_on_notify(&args);
#endif
}

static int failed(struct px_buf *why, const char *what, int err)
{
	px_buf_setf(why, "an inspector cannot enter its sandbox: %s: %s", what, strerror(err));
	return PX_ESYS;
}

static int limit(int resource, rlim_t value)
{
	const struct rlimit rl = {value, value};
	return setrlimit((__rlimit_resource_t)resource, &rl);
}

static int set_limits(int sock, struct px_buf *why)
{
	/* 1 rather than 0: a core pattern that is a pipe ignores 0 and is stopped by 1 only (core(5)); a
	 * file of one octet is never written. */
	if (limit(RLIMIT_CORE, 1) != 0 || limit(RLIMIT_NOFILE, (rlim_t)sock + 1) != 0)
		return failed(why, "setrlimit", errno);
#ifndef PX_SANITIZE
	if (limit(RLIMIT_FSIZE, 0) != 0 || limit(RLIMIT_AS, (rlim_t)PX_LIMIT_INSPECT_MEMORY) != 0)
		return failed(why, "setrlimit", errno);
#endif
	return PX_OK;
}

static int close_others(int sock, struct px_buf *why)
{
	const unsigned last = (unsigned)sock - 1;
	px_assert(sock > STDERR_FILENO);
#ifdef PX_SANITIZE
	int rc = close_range(0, STDERR_FILENO - 1, 0);
	if (rc == 0 && last > STDERR_FILENO)
		rc = close_range(STDERR_FILENO + 1, last, 0);
#else
	int rc = close_range(0, last, 0);
#endif
	if (rc != 0 || close_range((unsigned)sock + 1, ~0u, 0) != 0)
		return failed(why, "close_range", errno);
	return PX_OK;
}

/* A log line must not look like an attack: standard error is closed, and says so. A sanitizer may report
 * there, and wants to know whether it is a terminal. */
static int add_stderr(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp on_stderr = SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0);
#ifdef PX_SANITIZE
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1, on_stderr);
	return rc != 0 ? rc : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, on_stderr);
#else
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EBADF), SCMP_SYS(write), 1, on_stderr);
#endif
}

/* Messages on @sock only. */
static int add_messages(scmp_filter_ctx ctx, int sock)
{
	static const int calls[] = {SCMP_SYS(read),    SCMP_SYS(write),    SCMP_SYS(recvmsg),
				    SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto)};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < PX_ARRAY_LEN(calls); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)sock, 0));
	if (rc == 0)
		rc = add_stderr(ctx);
	return rc;
}

/* Memory, never executable; a signal only to oneself, so that abort(3) ends as what it is. */
static int add_memory_and_signals(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return rc;
}

static int load_filter(int sock, struct px_buf *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return failed(why, "seccomp_init", ENOMEM);
	int rc = add_messages(ctx, sock);
	if (rc == 0)
		rc = add_memory_and_signals(ctx);
	for (size_t i = 0; rc == 0 && i < PX_ARRAY_LEN(allowed); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = seccomp_load(ctx); /* sets no_new_privs first */
	/* Released after loading: the filter lives in the kernel now, and free(3) is allowed. */
	seccomp_release(ctx);
	return rc == 0 ? PX_OK : failed(why, "seccomp", -rc);
}

/* If the machine runs out of memory a message is lost rather than the broker. Failing costs only that. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	PX_UNUSED ssize_t n = write(fd, "500", 3);
	close(fd);
}

int px_sandbox_enter(int sock, pid_t parent, struct px_buf *why)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return failed(why, "prctl", errno);
	/* The parent may have died before the line above took effect. */
	if (getppid() != parent)
		_exit(0);
	offer_to_oom_killer();
	if (close_others(sock, why) != PX_OK || set_limits(sock, why) != PX_OK)
		return PX_ESYS;
	return load_filter(sock, why);
}
