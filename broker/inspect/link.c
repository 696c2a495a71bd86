/* prinex: the broker's link to the clean parent
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/pool_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* The descriptor on which the parent finds its end of the control socket. */
#define CHILD_FD    3
#define END_WAIT_MS 2000

extern char **environ;

static void kill_parent(struct px_pool *pool)
{
	if (pool->parent_pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pool->parent_pidfd, SIGKILL, NULL, 0);
}

/* posix_spawn shares no memory that a key could lie in, and is safe with threads, unlike a plain fork. */
static int spawn(struct px_pool *pool, int fd, struct px_buf *why)
{
	char fd_text[16], limit_text[32];
	snprintf(fd_text, sizeof(fd_text), "%d", CHILD_FD);
	snprintf(limit_text, sizeof(limit_text), "%llu", (unsigned long long)pool->setup.body_limit);
	const char *const argv[] = {"prinexd", "--role", "inspect",      "--conf",   pool->setup.conf_file,
				    "--fd",    fd_text,  "--body-limit", limit_text, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, fd, CHILD_FD); /* clears close-on-exec, equal numbers too */
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	int err = posix_spawn(&pool->parent, pool->setup.exe, &files, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (err != 0) {
		px_buf_setf(why, "cannot start the inspectors' parent (%s): %s", pool->setup.exe,
			    strerror(err));
		return PX_ESYS;
	}
	pool->parent_pidfd = (int)syscall(SYS_pidfd_open, pool->parent, 0);
	if (pool->parent_pidfd < 0) {
		px_buf_setf(why, "pidfd_open: %s", strerror(errno));
		kill(pool->parent, SIGKILL);
		waitpid(pool->parent, NULL, 0);
		return PX_ESYS;
	}
	return PX_OK;
}

/* --- what the parent says --------------------------------------------------------------------------------
 */

static void on_forked(struct px_pool *pool, const struct px_wire_control *msg, int fds[2], unsigned n_fds)
{
	for (unsigned i = 0; i < pool->n_workers; i++) {
		struct px_worker *w = &pool->workers[i];
		if (w->state != PX_WORKER_ASKED || w->serial != msg->serial)
			continue;
		if (msg->op == PX_WIRE_FORKED && n_fds == 2) {
			px_worker_born(w, (pid_t)msg->pid, fds[0], fds[1]);
			return;
		}
		px_worker_not_born(w, msg->op == PX_WIRE_FORKED ? "no descriptors are left" : msg->text);
		break;
	}
	/* Nobody waits for it, or half of it was lost; without its socket it ends. */
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void on_message(struct px_pool *pool, struct px_wire_control *msg, int fds[2], unsigned n_fds)
{
	msg->text[sizeof(msg->text) - 1] = '\0';
	switch (msg->op) {
	case PX_WIRE_READY:
		for (unsigned i = 0; i < pool->n_workers && pool->state == PX_POOL_STARTING; i++) {
			if (pool->workers[i].state == PX_WORKER_DOWN)
				px_worker_ask(&pool->workers[i]);
		}
		break;
	case PX_WIRE_FAILED: px_pool_fail(pool, PX_ECONF, msg->text); break;
	default: on_forked(pool, msg, fds, n_fds); break;
	}
}

/* @return false: nothing more will come. */
static bool read_control(struct px_pool *pool)
{
	while (pool->control >= 0) {
		struct px_wire_control msg;
		int fds[2];
		unsigned n_fds = 2;
		int rc = px_wire_recv(pool->control, &msg, sizeof(msg), fds, &n_fds, MSG_DONTWAIT);
		if (rc == PX_EAGAIN)
			return true;
		if (rc != PX_OK)
			return false;
		on_message(pool, &msg, fds, n_fds);
	}
	return false;
}

static void close_control(struct px_pool *pool)
{
	if (pool->control_readable != NULL)
		event_free(pool->control_readable);
	pool->control_readable = NULL;
	if (pool->control >= 0)
		close(pool->control);
	pool->control = -1;
}

static void on_control(evutil_socket_t fd PX_UNUSED, short what PX_UNUSED, void *arg)
{
	struct px_pool *pool = PX_CAST(arg, struct px_pool, PX_POOL_MAGIC);
	if (read_control(pool))
		return;
	/* It has closed its end: whatever it is doing now, it forks for us no more. That it ends is told by
	 * its pidfd. */
	close_control(pool);
	kill_parent(pool);
}

/* --- its end ---------------------------------------------------------------------------------------------
 */

static void reap(struct px_pool *pool, struct px_buf *how)
{
	int status = 0;
	pid_t pid = waitpid(pool->parent, &status, 0);
	if (how != NULL && pid == pool->parent && WIFSIGNALED(status))
		px_buf_setf(how, "the inspectors' parent (pid %d) was ended by a signal: %s", (int)pid,
			    strsignal(WTERMSIG(status)));
	else if (how != NULL)
		px_buf_setf(how, "the inspectors' parent (pid %d) ended with status %d", (int)pool->parent,
			    WEXITSTATUS(status));
	if (pool->parent_ended != NULL)
		event_free(pool->parent_ended);
	pool->parent_ended = NULL;
	close(pool->parent_pidfd);
	pool->parent_pidfd = -1;
	pool->parent = -1;
	px_timer_stop(pool->setup.timers, &pool->kill_parent);
}

static void on_ended(evutil_socket_t fd PX_UNUSED, short what PX_UNUSED, void *arg)
{
	struct px_pool *pool = PX_CAST(arg, struct px_pool, PX_POOL_MAGIC);
	struct px_buf how = PX_BUF_INIT;
	read_control(pool); /* its last words */
	close_control(pool);
	reap(pool, &how);
	if (pool->state == PX_POOL_CLOSING) {
		px_pool_closed(pool);
	} else if (pool->state != PX_POOL_FAILED) {
		px_warnx("inspect", "generation=%llu %s", (unsigned long long)pool->setup.generation,
			 px_buf_str(&how));
		px_pool_fail(pool, PX_ESYS, px_buf_str(&how));
	}
	px_buf_free(&how);
}

int px_link_start(struct px_pool *pool, struct px_buf *why)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		px_buf_setf(why, "socketpair: %s", strerror(errno));
		return PX_ESYS;
	}
	int rc = spawn(pool, pair[1], why);
	close(pair[1]);
	if (rc != PX_OK) {
		close(pair[0]);
		return rc;
	}
	pool->control = pair[0];
	struct event_base *base = pool->setup.base;
	pool->control_readable = event_new(base, pool->control, EV_READ | EV_PERSIST, on_control, pool);
	pool->parent_ended = event_new(base, pool->parent_pidfd, EV_READ | EV_PERSIST, on_ended, pool);
	px_assert(pool->control_readable != NULL && event_add(pool->control_readable, NULL) == 0);
	px_assert(pool->parent_ended != NULL && event_add(pool->parent_ended, NULL) == 0);
	return PX_OK;
}

int px_link_ask(struct px_pool *pool, uint64_t serial, int arena)
{
	if (pool->control < 0)
		return PX_ECLOSED;
	const struct px_wire_control msg = {.magic = PX_WIRE_MAGIC, .op = PX_WIRE_FORK, .serial = serial};
	return px_wire_send(pool->control, &msg, sizeof(msg), &arena, 1, MSG_DONTWAIT);
}

void px_pool_log_level(struct px_pool *pool, enum px_log_level level)
{
	if (pool->control < 0)
		return;
	const struct px_wire_control msg = {.magic = PX_WIRE_MAGIC, .op = PX_WIRE_LEVEL, .serial = level};
	/* When its socket is full it has worse to do. */
	px_wire_send(pool->control, &msg, sizeof(msg), NULL, 0, MSG_DONTWAIT);
}

bool px_link_is_dead(const struct px_pool *pool)
{
	struct pollfd ended = {.fd = pool->parent_pidfd, .events = POLLIN};
	return pool->parent_pidfd < 0 || poll(&ended, 1, 0) == 1;
}

static void lost_patience(void *arg)
{
	kill_parent(PX_CAST(arg, struct px_pool, PX_POOL_MAGIC));
}

void px_link_close(struct px_pool *pool)
{
	close_control(pool);
	if (pool->parent_pidfd >= 0)
		px_timer_set(pool->setup.timers, &pool->kill_parent, END_WAIT_MS, lost_patience, pool);
}

void px_link_end(struct px_pool *pool)
{
	close_control(pool);
	if (pool->parent_pidfd < 0)
		return;
	struct pollfd ended = {.fd = pool->parent_pidfd, .events = POLLIN};
	if (poll(&ended, 1, END_WAIT_MS) != 1)
		kill_parent(pool);
	reap(pool, NULL);
}
