/* prinex: the supervisor: starts the broker, watches it, starts it anew
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"

/*
 * Reads no network input and holds no key. A broker that ends by a fault is started anew, at once the first
 * time, then after a growing pause; one that ran for STEADY_MS is forgiven. SIGTERM is passed on and the
 * broker gets STOP_MS to finish.
 */
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS  5000
#define STEADY_MS      30000
#define STOP_MS        30000

struct supervisor {
	const struct px_options *options;
	int signals;  /* signalfd */
	int ready;    /* read end: the broker says READY */
	pid_t broker; /* 0: none runs */
	int64_t started;
	int64_t pause;
	int64_t start_at; /* mono; 0: not waiting */
	int64_t kill_at;  /* mono; 0: not stopping */
	bool stopping;
	bool was_ready;
	int status;
};

static int64_t now(void)
{
	return px_clock_mono(px_clock_real());
}

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static void exec_broker(const struct supervisor *s, int ready, pid_t parent)
{
	char fd[16], pid[16];
	snprintf(fd, sizeof(fd), "%d", ready);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (getenv("LISTEN_FDS") != NULL) /* sockets handed over by systemd are for the broker */
		setenv("LISTEN_PID", pid, 1);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(PX_EXIT_FAILED);
	const char *argv[] = {s->options->program,
			      "--role",
			      "broker",
			      "--conf",
			      s->options->conf_file,
			      "--fd",
			      fd,
			      s->options->allow_root ? "--allow-root" : NULL,
			      NULL};
	execv("/proc/self/exe", (char *const *)argv);
	px_warn("supervisor", "cannot execute the broker");
	_exit(PX_EXIT_FAILED);
}

static void start_broker(struct supervisor *s)
{
	int fds[2];
	s->start_at = 0;
	if (pipe(fds) != 0) {
		px_warn("supervisor", "pipe");
		s->start_at = now() + PAUSE_MOST_MS;
		return;
	}
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		exec_broker(s, fds[1], parent);
	}
	close(fds[1]);
	if (pid < 0) {
		px_warn("supervisor", "fork");
		close(fds[0]);
		s->start_at = now() + PAUSE_MOST_MS;
		return;
	}
	s->broker = pid;
	s->ready = fds[0];
	s->started = now();
}

static void close_ready(struct supervisor *s)
{
	if (s->ready >= 0)
		close(s->ready);
	s->ready = -1;
}

static void broker_ended(struct supervisor *s, int status)
{
	bool conf = WIFEXITED(status) && WEXITSTATUS(status) == PX_EXIT_CONF;
	bool asked = WIFEXITED(status) && WEXITSTATUS(status) == PX_EXIT_OK; /* prinexctl stop */
	s->broker = 0;
	close_ready(s);
	if (s->stopping || asked || (conf && !s->was_ready)) {
		s->stopping = true;
		s->status = WIFEXITED(status) ? WEXITSTATUS(status) : PX_EXIT_FAILED;
		return;
	}
	if (now() - s->started >= STEADY_MS)
		s->pause = 0;
	if (WIFSIGNALED(status))
		px_log(PX_LOG_ERR, "supervisor",
		       "the broker was ended by signal %d; it is started anew in %lld ms", WTERMSIG(status),
		       (long long)s->pause);
	else
		px_log(PX_LOG_ERR, "supervisor",
		       "the broker ended with status %d; it is started anew in %lld ms", WEXITSTATUS(status),
		       (long long)s->pause);
	s->start_at = now() + s->pause;
	s->pause = s->pause == 0 ? PAUSE_FIRST_MS : PX_MIN(s->pause * 2, PAUSE_MOST_MS);
}

static void reap(struct supervisor *s)
{
	int status;
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return;
		if (pid == s->broker)
			broker_ended(s, status);
	}
}

static void stop(struct supervisor *s)
{
	s->stopping = true;
	s->start_at = 0;
	notify("STOPPING=1");
	if (s->broker == 0)
		return;
	kill(s->broker, SIGTERM);
	if (s->kill_at == 0)
		s->kill_at = now() + STOP_MS;
}

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (info.ssi_signo == SIGHUP && s->broker != 0)
			kill(s->broker, SIGHUP);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop(s);
	}
}

static void take_ready(struct supervisor *s)
{
	char text[8];
	ssize_t n = read(s->ready, text, sizeof(text));
	if (n > 0) {
		s->was_ready = true;
		notify("READY=1");
		return;
	}
	close_ready(s);
}

static int timeout(const struct supervisor *s)
{
	int64_t at = s->start_at != 0 ? s->start_at : s->kill_at;
	if (at == 0)
		return -1;
	return (int)PX_MAX(at - now(), 0);
}

static void keep_running(struct supervisor *s)
{
	while (!s->stopping || s->broker != 0) {
		struct pollfd fds[2] = {{.fd = s->signals, .events = POLLIN},
					{.fd = s->ready, .events = POLLIN}};
		int n = poll(fds, 2, timeout(s));
		if (n > 0 && fds[1].revents != 0)
			take_ready(s);
		if (n > 0 && fds[0].revents != 0)
			take_signals(s);
		if (!s->stopping && s->broker == 0 && s->start_at != 0 && now() >= s->start_at)
			start_broker(s);
		if (s->kill_at != 0 && s->broker != 0 && now() >= s->kill_at) {
			px_warnx("supervisor",
				 "the broker did not end within %d s and is killed; nothing accepted is lost",
				 STOP_MS / 1000);
			kill(s->broker, SIGKILL);
			s->kill_at = now() + STOP_MS;
		}
	}
}

int px_supervise(const struct px_options *options)
{
	struct supervisor s = {.options = options, .ready = -1, .status = PX_EXIT_OK};
	px_log_init("supervisor", STDERR_FILENO, PX_LOG_INFO);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0) {
		px_warn("supervisor", "signalfd");
		return PX_EXIT_FAILED;
	}
	start_broker(&s);
	keep_running(&s);
	close_ready(&s);
	close(s.signals);
	return s.status;
}
