/* prinex: the clean parent: forks inspectors when the broker asks, reaps them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/parent.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "inspect/sandbox.h"
#include "inspect/wire.h"

struct parent {
	int control;
	int signals; /* signalfd for SIGCHLD */
	struct px_inspector_setup setup;
	pid_t *children;
	unsigned n_children;
};

void px_parent_begin(int control)
{
	px_assert(control > STDERR_FILENO);
	if (control > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)control - 1, 0);
	close_range((unsigned)control + 1, ~0u, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "px-inspect"); /* for ps and top */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	const struct rlimit none = {1, 1}; /* why 1: sandbox.c */
	setrlimit(RLIMIT_CORE, &none);
	/* A stop reaches the whole process group; the broker still has messages to finish. It ends us by
	 * closing the control socket. */
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
	for (size_t i = 0; i < PX_ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static int reply(const struct parent *p, enum px_wire_op op, uint64_t serial, const char *text)
{
	struct px_wire_control msg = {.magic = PX_WIRE_MAGIC, .op = op, .serial = serial};
	px_strlcpy(msg.text, text, sizeof(msg.text));
	return px_wire_send(p->control, &msg, sizeof(msg), NULL, 0, 0);
}

int px_parent_fail(int control, const char *why)
{
	const struct parent p = {.control = control};
	reply(&p, PX_WIRE_FAILED, 0, why);
	return 1;
}

static void child_main(struct parent *p, int sock, int arena)
{
	struct px_inspector_setup setup = p->setup;
	setup.sock = sock;
	setup.arena = arena;
	sigset_t none;
	prctl(PR_SET_NAME, "px-inspector");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	px_inspector_run(&setup);
}

/* @return the pid with *@pidfd, or -1 with errno. */
static pid_t fork_child(struct parent *p, const int pair[2], int arena, int *pidfd)
{
	pid_t pid = fork();
	if (pid == 0)
		child_main(p, pair[1], arena);
	if (pid < 0)
		return -1;
	/* Not reaped before we do it, so the pid cannot be another's. */
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd < 0) {
		int err = errno;
		kill(pid, SIGKILL);
		errno = err;
		return -1;
	}
	return pid;
}

static int fork_inspector(struct parent *p, uint64_t serial, int arena)
{
	int pair[2], pidfd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return reply(p, PX_WIRE_FORK_FAILED, serial, strerror(errno));
	pid_t pid = fork_child(p, pair, arena, &pidfd);
	int err = errno;
	close(pair[1]);
	int rc;
	if (pid < 0) {
		rc = reply(p, PX_WIRE_FORK_FAILED, serial, strerror(err));
	} else {
		p->children = px_xrealloc_array(p->children, p->n_children + 1, sizeof(p->children[0]));
		p->children[p->n_children++] = pid;
		const struct px_wire_control msg = {
		    .magic = PX_WIRE_MAGIC, .op = PX_WIRE_FORKED, .serial = serial, .pid = pid};
		rc = px_wire_send(p->control, &msg, sizeof(msg), (const int[]){pidfd, pair[0]}, 2, 0);
		close(pidfd);
	}
	close(pair[0]);
	return rc;
}

/* @return PX_OK, or anything else: the broker has gone. */
static int on_control(struct parent *p)
{
	struct px_wire_control msg;
	int arena = -1;
	unsigned n_fds = 1;
	int rc = px_wire_recv(p->control, &msg, sizeof(msg), &arena, &n_fds, 0);
	if (rc != PX_OK)
		return rc;
	if (msg.op == PX_WIRE_LEVEL && n_fds == 0 && msg.serial <= PX_LOG_DEBUG)
		px_log_set_level((enum px_log_level)msg.serial);
	else if (msg.op != PX_WIRE_FORK || n_fds != 1)
		rc = PX_EPARSE;
	else
		rc = fork_inspector(p, msg.serial, arena);
	if (n_fds == 1)
		close(arena);
	return rc;
}

static void log_end(pid_t pid, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (sig == SIGSYS)
		px_warnx("inspect",
			 "pid=%d an inspector was killed: it made a system call that its sandbox "
			 "forbids",
			 (int)pid);
	else if (sig != 0 && sig != SIGKILL) /* the broker's own means, and it says why */
		px_warnx("inspect", "pid=%d an inspector died: %s", (int)pid, strsignal(sig));
	else if (sig == 0 && WEXITSTATUS(status) != 0)
		px_warnx("inspect", "pid=%d an inspector gave up with status %d", (int)pid,
			 WEXITSTATUS(status));
}

static void reap(struct parent *p, int flags)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, flags)) > 0) {
		log_end(pid, status);
		for (unsigned i = 0; i < p->n_children; i++) {
			if (p->children[i] == pid) {
				p->children[i] = p->children[--p->n_children];
				break;
			}
		}
	}
}

static int on_signal(struct parent *p)
{
	struct signalfd_siginfo info;
	while (read(p->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	reap(p, WNOHANG);
	return PX_OK;
}

static void loop(struct parent *p)
{
	struct pollfd fds[2] = {{.fd = p->control, .events = POLLIN}, {.fd = p->signals, .events = POLLIN}};
	int rc = reply(p, PX_WIRE_READY, 0, "");
	while (rc == PX_OK) {
		if (poll(fds, 2, -1) < 0) {
			rc = errno == EINTR ? PX_OK : PX_ESYS;
			continue;
		}
		if (fds[1].revents != 0)
			rc = on_signal(p);
		if (rc == PX_OK && fds[0].revents != 0)
			rc = on_control(p);
	}
}

int px_parent_serve(int control, uint64_t body_limit, px_examine_fn *examine, void *arg)
{
	struct parent p = {
	    .control = control,
	    .setup = {.body_limit = body_limit, .parent = getpid(), .examine = examine, .arg = arg}};
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	p.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p.signals < 0)
		return px_parent_fail(control, "the inspectors' parent cannot watch its children (signalfd)");
	px_sandbox_prepare();
	/* What compiling left free is shared by all children if it goes now, and copied by each if not. */
	malloc_trim(0);
	loop(&p);
	for (unsigned i = 0; i < p.n_children; i++)
		kill(p.children[i], SIGKILL);
	reap(&p, 0);
	free(p.children);
	close(p.signals);
	return 0;
}
