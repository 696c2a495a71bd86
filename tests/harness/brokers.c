/* prinex: brokers of a case as processes: start, stop, kill, reload, ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "cast.h"
#include "client/files.h"

#define READY_MS 60000
#define STOP_MS  20000

static int tail(const struct px_broker *b, struct px_buf *out)
{
	struct px_buf log = PX_BUF_INIT;
	int rc = px_buf_read_file(&log, b->log, 64 << 20, NULL);
	const char *text = px_buf_str(&log), *at = text + log.len;
	for (unsigned lines = 0; at > text && lines < 13; at--)
		lines += at[-1] == '\n';
	px_buf_adds(out, at);
	px_buf_free(&log);
	return rc;
}

static int write_conf(struct px_play *p, struct px_broker *b)
{
	struct px_buf conf = PX_BUF_INIT, why = PX_BUF_INIT;
	px_broker_conf(p, b, &conf);
	int rc = px_file_put(b->conf, conf.data, conf.len, &why);
	if (rc != PX_OK)
		rc = px_fail(p, "a configuration file", "%s", px_buf_str(&why));
	px_buf_free(&conf);
	px_buf_free(&why);
	return rc;
}

static bool connects(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
	close(fd);
	return ok;
}

/* It listens before its inspectors have started; only then it is ready for everything. */
static bool is_ready(const struct px_broker *b)
{
	struct px_buf log = PX_BUF_INIT;
	bool ready = access(b->socket, F_OK) == 0 && connects(b->port) &&
		     px_buf_read_file(&log, b->log, 64 << 20, NULL) == PX_OK && log.len > b->log_from &&
		     strstr(px_buf_str(&log) + b->log_from, " ready: node") != NULL;
	px_buf_free(&log);
	return ready;
}

/* What it says from now on is about its next start. */
static void note_log(struct px_broker *b)
{
	struct stat st;
	b->log_from = stat(b->log, &st) == 0 ? (size_t)st.st_size : 0;
}

static int wait_ready(struct px_play *p, struct px_broker *b)
{
	int64_t end = px_now_mono() + (int64_t)READY_MS * p->venue->slow;
	struct px_buf log = PX_BUF_INIT;
	int status = 0;
	bool ended = false;
	while (!ended && px_now_mono() < end) {
		if (is_ready(b))
			return PX_OK;
		ended = waitpid(b->pid, &status, WNOHANG) == b->pid;
		px_sleep_ms(10);
	}
	if (ended)
		b->pid = 0;
	tail(b, &log);
	px_fail(p, "a broker that serves", "%s %s:\n%s", b->name, ended ? "ended" : "does not serve yet",
		px_buf_str(&log));
	px_buf_free(&log);
	return PX_EINVAL;
}

static PX_NORETURN void become(const struct px_play *p, const struct px_broker *b)
{
	int null = open("/dev/null", O_RDONLY);
	int log = open(b->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	struct px_buf program = PX_BUF_INIT;
	px_buf_addf(&program, "%s/prinexd", p->venue->bin);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing outlives the runner */
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	execl(px_buf_str(&program), "prinexd", "-c", b->conf, "--allow-root", (char *)NULL);
	dprintf(2, "%s cannot be started\n", px_buf_str(&program));
	_exit(127);
}

static int start(struct px_play *p, struct px_broker *b)
{
	if (b->pid != 0)
		return px_fail(p, "a broker that is not running", "%s is", b->name);
	if (write_conf(p, b) != PX_OK)
		return PX_EINVAL;
	unlink(b->socket);
	note_log(b);
	b->pid = fork();
	if (b->pid == 0)
		become(p, b);
	px_assert(b->pid > 0);
	setpgid(b->pid, b->pid);
	b->started = true;
	return wait_ready(p, b);
}

int px_broker_stop(struct px_play *p, struct px_broker *b, bool report)
{
	int64_t end = px_now_mono() + (int64_t)STOP_MS * p->venue->slow;
	struct px_buf log = PX_BUF_INIT;
	int status = -1;
	pid_t group = b->pid;
	kill(b->pid, SIGTERM);
	while (waitpid(b->pid, &status, WNOHANG) != b->pid) {
		if (px_now_mono() > end) {
			kill(-group, SIGKILL);
			waitpid(b->pid, &status, 0);
			break;
		}
		px_sleep_ms(5);
	}
	b->pid = 0;
	int rc = PX_OK;
	if (report && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		tail(b, &log);
		rc = px_fail(p, "exit status 0", "%s: %s %d\n%s", b->name,
			     WIFEXITED(status) ? "exit status" : "signal",
			     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), px_buf_str(&log));
		px_buf_free(&log);
	}
	return rc;
}

/* A sanitizer's report in a log fails the case, whatever else was seen. */
static int log_is_clean(struct px_play *p, const struct px_broker *b)
{
	struct px_buf log = PX_BUF_INIT;
	(void)px_buf_read_file(&log, b->log, 64 << 20, NULL);
	const char *at = strstr(px_buf_str(&log), "Sanitizer");
	if (at == NULL)
		at = strstr(px_buf_str(&log), "runtime error:");
	int rc = at == NULL ? PX_OK
			    : px_fail(p, "a log without a sanitizer's report", "%s: %.2000s", b->name, at);
	px_buf_free(&log);
	return rc;
}

int px_brokers_end(struct px_play *p)
{
	int rc = PX_OK;
	for (unsigned i = 0; i < p->n_brokers; i++) {
		struct px_broker *b = p->brokers[i];
		if (b->pid != 0 && px_broker_stop(p, b, rc == PX_OK) != PX_OK)
			rc = PX_EINVAL;
		if (rc == PX_OK && b->started && p->sim == NULL)
			rc = log_is_clean(p, b);
	}
	return rc;
}

/* --- the process that works --- */

static bool is_worker(const char *pid)
{
	char path[64], line[512];
	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line)) : 0;
	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(line, (size_t)n, "--role\0broker", 13) != NULL;
}

static pid_t worker_of(const struct px_broker *b)
{
	char path[64], list[512], *rest = list, *pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)b->pid, (int)b->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, list, sizeof(list) - 1) : 0;
	if (fd >= 0)
		close(fd);
	list[n > 0 ? n : 0] = '\0';
	while ((pid = strsep(&rest, " ")) != NULL) {
		if (pid[0] != '\0' && is_worker(pid))
			return (pid_t)strtol(pid, NULL, 10);
	}
	return 0;
}

static int kill_worker(struct px_play *p, struct px_broker *b)
{
	int64_t end = px_now_mono() + (int64_t)READY_MS * p->venue->slow;
	pid_t old = worker_of(b), now = old;
	if (old <= 0)
		return px_fail(p, "a broker that runs", "%s does not", b->name);
	note_log(b);
	kill(old, SIGKILL);
	while ((now == old || now == 0) && px_now_mono() < end) {
		px_sleep_ms(10);
		now = worker_of(b);
	}
	return wait_ready(p, b);
}

/* --- commands --- */

static int each(struct px_play *p, const struct px_call *call,
		int (*fn)(struct px_play *p, struct px_broker *b))
{
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < call->n; i++) {
		struct px_broker *b = px_find_broker(p, px_call_word(call, i));
		rc = b != NULL ? fn(p, b) : PX_EINVAL;
	}
	return rc;
}

static int stop_one(struct px_play *p, struct px_broker *b)
{
	if (b->pid == 0)
		return px_fail(p, "a broker that runs", "%s does not", b->name);
	return px_broker_stop(p, b, true);
}

static int restart_one(struct px_play *p, struct px_broker *b)
{
	int rc = stop_one(p, b);
	return rc == PX_OK ? start(p, b) : rc;
}

static int kill_one(struct px_play *p, struct px_broker *b)
{
	if (p->sim == NULL)
		return kill_worker(p, b);
	px_sim_kill(p, b);
	return PX_OK;
}

int px_cmd_start(struct px_play *p, const struct px_call *call)
{
	return p->script->is_virtual ? px_sim_start(p) : each(p, call, start);
}

int px_cmd_stop(struct px_play *p, const struct px_call *call)
{
	return each(p, call, stop_one);
}

int px_cmd_restart(struct px_play *p, const struct px_call *call)
{
	return each(p, call, restart_one);
}

int px_cmd_kill(struct px_play *p, const struct px_call *call)
{
	return each(p, call, kill_one);
}

static char *program(const struct px_play *p, const char *name)
{
	static const char *const ours[] = {"prinex", "prinexctl", "prinexd", "prinex-conform"};
	struct px_buf path = PX_BUF_INIT;
	for (unsigned i = 0; i < PX_ARRAY_LEN(ours); i++) {
		if (strcmp(ours[i], name) == 0)
			px_buf_addf(&path, "%s/%s", p->venue->bin, name);
	}
	if (strcmp(name, "make-pki") == 0 || strcmp(name, "check-cert") == 0 || strcmp(name, "make-csr") == 0)
		px_buf_addf(&path, "%s/certs/%s", p->venue->root, name);
	if (path.len == 0)
		px_buf_adds(&path, name);
	return (char *)px_buf_detach(&path, &(size_t){0});
}

static int run_words(struct px_play *p, const char *name, const char *const *words, unsigned n,
		     const struct px_word *input)
{
	char **argv = px_xcalloc(n + 2, sizeof(char *));
	argv[0] = program(p, name);
	for (unsigned i = 0; i < n; i++)
		argv[i + 1] = (char *)words[i];
	px_buf_clear(&p->output);
	p->exit_status = px_run(p, argv, input, 60000, &p->output);
	px_note(p, "exit status %d; %.1000s", p->exit_status, px_buf_str(&p->output));
	free(argv[0]);
	free(argv);
	return p->exit_status == -1 ? px_fail(p, "a program that ends within a minute", "%s", name) : PX_OK;
}

int px_ctl(struct px_play *p, struct px_broker *b, const char *const *words, unsigned n)
{
	const char **all = px_xcalloc(n + 3, sizeof(char *));
	all[0] = "--socket";
	all[1] = b->socket;
	all[2] = "--json";
	for (unsigned i = 0; i < n; i++)
		all[i + 3] = words[i];
	int rc = run_words(p, "prinexctl", all, n + 3, NULL);
	free(all);
	return rc;
}

int px_cmd_ctl(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	const char *words[32];
	unsigned n = 0;
	for (; n + 1 < call->n && n < PX_ARRAY_LEN(words); n++)
		words[n] = px_call_word(call, n + 1);
	return b != NULL ? px_ctl(p, b, words, n) : PX_EINVAL;
}

int px_cmd_run(struct px_play *p, const struct px_call *call)
{
	const char *words[64];
	unsigned n = 0;
	for (; n + 1 < call->n && n < PX_ARRAY_LEN(words); n++)
		words[n] = px_call_word(call, n + 1);
	return run_words(p, px_call_word(call, 0), words, n, &call->body);
}

int px_cmd_reconfigure(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	const char *by = px_call_key(call, "by");
	if (b == NULL)
		return PX_EINVAL;
	px_buf_setf(&b->sections, "%s\n", call->body.s);
	int rc = write_conf(p, b);
	if (rc != PX_OK || (by != NULL && strcmp(by, "nobody") == 0))
		return rc;
	if (by != NULL && strcmp(by, "signal") == 0) {
		kill(b->pid, SIGHUP);
		return PX_OK;
	}
	const char *words[] = {"--socket", b->socket, "reload"};
	return run_words(p, "prinexctl", words, PX_ARRAY_LEN(words), NULL);
}
