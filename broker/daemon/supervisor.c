/* prinex: the supervisor: starts the broker, watches it, starts it anew
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/lifeline.h"
#include "daemon/systemd.h"

/*
 * Reads no network input and holds no key. A broker that ends by a fault, or whose loop does not turn any
 * more, is started anew, at once the first time, then after a growing pause; one that ran for a while is
 * forgiven. SIGTERM is passed on and the broker gets the time it asks for.
 */
struct supervisor {
	const struct px_options *options;
	const struct px_patience *patience;
	int signals;  /* signalfd */
	int life;     /* read end of the lifeline, or -1 */
	pid_t broker; /* 0: none runs */
	int64_t started;
	int64_t heard; /* mono; the last sign of life, 0 before it is ready */
	int64_t pause;
	int64_t start_at; /* mono; 0: not waiting */
	int64_t kill_at;  /* mono; 0: not stopping */
	int64_t watchdog; /* ms between signs of life of our own; 0: nobody wants them */
	int64_t watchdog_at;
	unsigned starts;
	bool stopping;
	bool was_ready;
	int status;
};

static int64_t now(void)
{
	return px_clock_mono(px_clock_real());
}

static void exec_broker(const struct supervisor *s, int life, pid_t parent)
{
	char fd[16], pid[16];
	snprintf(fd, sizeof(fd), "%d", life);
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
	if (pipe2(fds, O_NONBLOCK) != 0) {
		px_warn("supervisor", "pipe");
		s->start_at = now() + s->patience->pause_most;
		return;
	}
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		exec_broker(s, fds[1], parent);
	close(fds[1]);
	if (pid < 0) {
		px_warn("supervisor", "fork");
		close(fds[0]);
		s->start_at = now() + s->patience->pause_most;
		return;
	}
	s->broker = pid;
	s->life = fds[0];
	s->started = now();
	s->heard = 0;
	s->starts++;
}

static void close_life(struct supervisor *s)
{
	if (s->life >= 0)
		close(s->life);
	s->life = -1;
	s->heard = 0;
}

static void broker_ended(struct supervisor *s, int status)
{
	bool conf = WIFEXITED(status) && WEXITSTATUS(status) == PX_EXIT_CONF;
	bool asked = WIFEXITED(status) && WEXITSTATUS(status) == PX_EXIT_OK; /* prinexctl stop */
	s->broker = 0;
	close_life(s);
	if (s->stopping || asked || (conf && !s->was_ready)) {
		s->stopping = true;
		s->status = WIFEXITED(status) ? WEXITSTATUS(status) : PX_EXIT_FAILED;
		return;
	}
	if (now() - s->started >= s->patience->steady)
		s->pause = 0;
	char how[64];
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
	px_log(PX_LOG_ERR, "supervisor", "the broker %s; it is started anew in %lld ms (start %u)", how,
	       (long long)s->pause, s->starts + 1);
	px_systemd_notify("STATUS=the broker %s and is started anew", how);
	s->start_at = now() + s->pause;
	s->pause = s->pause == 0 ? s->patience->pause_first : PX_MIN(s->pause * 2, s->patience->pause_most);
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
	px_systemd_notify("STOPPING=1\nSTATUS=finishing what is in flight");
	if (s->broker == 0)
		return;
	kill(s->broker, SIGTERM);
	if (s->kill_at == 0)
		s->kill_at = now() + s->patience->stop;
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

static void take_word(struct supervisor *s, const struct px_life_word *word)
{
	switch (word->what) {
	case PX_LIFE_READY:
		s->was_ready = true;
		px_systemd_notify("READY=1\nMAINPID=%d\nSTATUS=serving", (int)getpid());
		break;
	case PX_LIFE_LEVEL:
		if (word->value <= PX_LOG_DEBUG)
			px_log_set_level((enum px_log_level)word->value);
		return;
	case PX_LIFE_STOPPING: /* whoever told it to */
		s->stopping = true;
		s->kill_at = now() + word->value + s->patience->stop;
		px_systemd_notify("STOPPING=1\nSTATUS=finishing what is in flight\nEXTEND_TIMEOUT_USEC=%llu",
				  (unsigned long long)(word->value + (uint64_t)s->patience->stop) * 1000);
		break;
	default: break;
	}
	s->heard = now();
}

static void take_words(struct supervisor *s)
{
	struct px_life_word word;
	bool some = false;
	while (px_life_hear(s->life, &word)) {
		take_word(s, &word);
		some = true;
	}
	if (!some && errno != EAGAIN) /* its end: SIGCHLD says the rest */
		close_life(s);
}

/* --- time */

static int64_t hangs_at(const struct supervisor *s)
{
	return s->broker != 0 && s->heard != 0 && s->kill_at == 0 ? s->heard + s->patience->silence : 0;
}

static int timeout(const struct supervisor *s)
{
	const int64_t moments[] = {s->start_at, s->broker != 0 ? s->kill_at : 0, hangs_at(s), s->watchdog_at};
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < PX_ARRAY_LEN(moments); i++) {
		if (moments[i] != 0)
			first = PX_MIN(first, moments[i]);
	}
	return first == INT64_MAX ? -1 : (int)PX_MIN(PX_MAX(first - now(), 0), 3600000);
}

static void take_time(struct supervisor *s)
{
	if (s->watchdog_at != 0 && now() >= s->watchdog_at) {
		px_systemd_notify("WATCHDOG=1");
		s->watchdog_at = now() + s->watchdog;
	}
	if (!s->stopping && s->broker == 0 && s->start_at != 0 && now() >= s->start_at)
		start_broker(s);
	if (hangs_at(s) != 0 && now() >= hangs_at(s)) {
		px_warnx("supervisor",
			 "the broker has not shown a sign of life for %lld s and is killed; nothing accepted "
			 "is lost",
			 (long long)s->patience->silence / 1000);
		s->heard = 0;
		kill(s->broker, SIGKILL);
	}
	if (s->kill_at != 0 && s->broker != 0 && now() >= s->kill_at) {
		px_warnx("supervisor",
			 "the broker did not end in time and is killed; nothing accepted is lost");
		kill(s->broker, SIGKILL);
		s->kill_at = now() + s->patience->stop;
	}
}

static void keep_running(struct supervisor *s)
{
	while (!s->stopping || s->broker != 0) {
		struct pollfd fds[2] = {{.fd = s->signals, .events = POLLIN},
					{.fd = s->life, .events = POLLIN}};
		int n = poll(fds, 2, timeout(s));
		if (n > 0 && fds[1].revents != 0)
			take_words(s);
		if (n > 0 && fds[0].revents != 0)
			take_signals(s);
		take_time(s);
	}
}

int px_supervise(const struct px_options *options, const struct px_patience *patience)
{
	static const struct px_patience usual = {
	    .pause_first = 100, .pause_most = 5000, .steady = 30000, .silence = 60000, .stop = 20000};
	struct supervisor s = {.options = options,
			       .patience = patience != NULL ? patience : &usual,
			       .life = -1,
			       .status = PX_EXIT_OK,
			       .watchdog = px_systemd_watchdog() / 3};
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
	s.watchdog_at = s.watchdog != 0 ? now() : 0;
	start_broker(&s);
	keep_running(&s);
	close_life(&s);
	close(s.signals);
	return s.status;
}
