/* prinex: processes and ports of a case
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "play.h"

#define OUTPUT_MAX (8 << 20)

int64_t px_now_mono(void)
{
	return px_clock_mono(px_clock_real());
}

void px_sleep_ms(int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

unsigned px_reserve_port(int *fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int one = 1;
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Whoever is meant to listen there binds with SO_REUSEADDR as well; nobody else is given the port. */
	px_assert(*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
	px_assert(bind(*fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	px_assert(getsockname(*fd, (struct sockaddr *)&a, &len) == 0);
	return ntohs(a.sin_port);
}

static PX_NORETURN void child(char *const *argv, int in, int out)
{
	setpgid(0, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Write the input, read the output, until it is at its end. */
static bool converse(int to, int from, const struct px_word *input, int64_t deadline, struct px_buf *output)
{
	size_t written = 0, want = input != NULL && input->s != NULL ? input->n : 0;
	for (;;) {
		struct pollfd fds[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
		int64_t left = deadline - px_now_mono();
		if (left <= 0)
			return false;
		if (written == want && to >= 0) {
			close(to);
			fds[1].fd = to = -1;
		}
		if (poll(fds, 2, (int)PX_MIN(left, 10000)) < 0 && errno != EINTR)
			return false;
		if (to >= 0 && fds[1].revents != 0) {
			ssize_t n = write(to, input->s + written, want - written);
			written = n > 0 ? written + (size_t)n : want;
		}
		if (fds[0].revents != 0) {
			ssize_t n = read(from, px_buf_reserve(output, 65536), 65536);
			if (n <= 0 || output->len > OUTPUT_MAX) {
				if (to >= 0)
					close(to);
				return true;
			}
			px_buf_grown(output, (size_t)n);
		}
	}
}

static int reap(pid_t pid, int64_t deadline)
{
	int status;
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (got < 0 || px_now_mono() >= deadline)
			break;
		px_sleep_ms(5);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

int px_run(struct px_play *p, char *const *argv, const struct px_word *input, int64_t timeout_ms,
	   struct px_buf *output)
{
	int in[2], out[2];
	int64_t deadline = px_now_mono() + timeout_ms * p->venue->slow;
	px_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0)
		child(argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	px_assert(pid > 0);
	setpgid(pid, pid);
	bool ended = converse(in[1], out[0], input, deadline, output);
	int status = reap(pid, ended ? deadline : 0);
	close(out[0]);
	return status;
}
