/* prinex: what the control socket and the metrics need to know of the process
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <unistd.h>

#include "base/log.h"
#include "ctl/metrics_listener.h"
#include "daemon/broker.h"

#define CERTIFICATES_EVERY (3600 * 1000)
#define DAY                ((int64_t)24 * 3600 * 1000)

static void info(void *arg, struct px_ctl_info *out)
{
	struct broker *b = arg;
	*out = (struct px_ctl_info){
	    .version = PX_VERSION,
	    .started = px_clock_wall(px_clock_real()) - (px_clock_mono(px_clock_real()) - b->started),
	    .n_listen = b->n_listen,
	    .listen = (const char *const *)b->listen,
	};
}

/* --- processes
 * ----------------------------------------------------------------------------------------------- */

struct listing {
	struct px_ctl_process *out;
	unsigned n, max;
};

static void add_process(struct listing *l, const char *role, pid_t pid)
{
	if (l->n < l->max)
		l->out[l->n++] = (struct px_ctl_process){role, pid};
}

/* Children of @pid, as the kernel lists them for its main thread (all that fork here). */
static unsigned children(pid_t pid, pid_t *out, unsigned max)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *f = fopen(path, "re");
	unsigned n = 0;
	int child;
	while (f != NULL && n < max && fscanf(f, "%d", &child) == 1)
		out[n++] = child;
	if (f != NULL)
		fclose(f);
	return n;
}

static unsigned processes(void *arg, struct px_ctl_process *out, unsigned max)
{
	struct listing l = {.out = out, .max = max};
	pid_t parents[8], inspectors[64];
	(void)arg;
	add_process(&l, "supervisor", getppid());
	add_process(&l, "broker", getpid());
	unsigned n = children(getpid(), parents, PX_ARRAY_LEN(parents));
	for (unsigned i = 0; i < n; i++) {
		add_process(&l, "inspect", parents[i]);
		unsigned k = children(parents[i], inspectors, PX_ARRAY_LEN(inspectors));
		for (unsigned j = 0; j < k; j++)
			add_process(&l, "inspector", inspectors[j]);
	}
	return l.n;
}

/* --- trust
 * --------------------------------------------------------------------------------------------------- */

static unsigned certificates(void *arg, const struct px_tls_certificate **out)
{
	struct broker *b = arg;
	return px_tls_certificates(b->gen->tls, out);
}

/* Called on the store's thread: the key is a copy of its own, replaced under the lock when a generation is.
 */
static int check_checkpoint(void *arg, uint64_t seq, const uint8_t hash[PX_DIGEST_LEN],
			    const uint8_t *signature, size_t len)
{
	struct broker *b = arg;
	(void)seq;
	pthread_mutex_lock(&b->check_lock);
	int rc = b->check_key != NULL
		     ? px_seal_statement_verify(b->check_key, hash, PX_DIGEST_LEN, signature, len)
		     : PX_ESIGNATURE;
	pthread_mutex_unlock(&b->check_lock);
	return rc;
}

static void renew_check_key(struct broker *b)
{
	struct px_seal_key *key = NULL;
	struct px_buf why = PX_BUF_INIT;
	if (px_seal_key_load(b->gen->conf->node.sign_key, b->gen->conf->node.sign_certificate, &key, &why) !=
	    PX_OK)
		px_warnx("journal", "checkpoints cannot be checked: %s", px_buf_str(&why));
	pthread_mutex_lock(&b->check_lock);
	px_seal_key_free(&b->check_key);
	b->check_key = key;
	pthread_mutex_unlock(&b->check_lock);
	px_buf_free(&why);
}

/* Raising again tells nobody: at the next threshold the alarm is another one. */
static bool has_other_detail(const struct px_alarms *alarms, enum px_alarm alarm, const char *subject,
			     const char *part)
{
	for (unsigned i = 0; i < px_alarms_count(alarms); i++) {
		struct px_alarm_state a = px_alarms_get(alarms, i);
		if (a.alarm == alarm && strcmp(a.subject, subject) == 0)
			return strstr(a.detail, part) == NULL;
	}
	return false;
}

static void check_one(struct broker *b, const struct px_tls_certificate *c, int64_t now)
{
	enum px_alarm alarm = c->is_crl ? PX_ALARM_CRL : PX_ALARM_CERTIFICATE;
	int64_t left = c->not_after - now;
	char subject[512], until[32], rest[32];
	/* A file may hold several: one that is fine must not clear another's alarm. */
	snprintf(subject, sizeof(subject), "%s: %s (%s)", c->what, c->file, c->subject);
	px_metric_set(b->metrics, PX_M_CERTIFICATE_SECONDS, (double)left / 1000.0, subject, NULL, NULL);
	if (c->not_after == 0 || left > (c->is_crl ? 0 : 60 * DAY)) {
		px_alarm_clear(b->alarms, alarm, subject);
		return;
	}
	px_time_format(c->not_after, until, sizeof(until));
	px_duration_format(left, rest, sizeof(rest));
	/* The four warnings of 60, 30, 7 and 1 days: raised anew each time a threshold is passed. */
	static const int days[] = {1, 7, 30, 60};
	int passed = 0;
	for (size_t i = 0; i < PX_ARRAY_LEN(days) && passed == 0; i++)
		passed = left <= days[i] * DAY ? days[i] : 0;
	char mark[32] = "ended";
	if (left > 0)
		snprintf(mark, sizeof(mark), "(%d days warning)", passed);
	if (has_other_detail(b->alarms, alarm, subject, mark))
		px_alarm_clear(b->alarms, alarm, subject);
	if (left > 0)
		px_alarm_raise(b->alarms, alarm, subject, "ends %s, in %s %s", until, rest, mark);
	else
		px_alarm_raise(b->alarms, alarm, subject, "ended %s", until);
}

static void certificates_due(void *arg)
{
	px_broker_check_certificates(arg);
}

void px_broker_check_certificates(struct broker *b)
{
	const struct px_tls_certificate *list = NULL;
	unsigned n = px_tls_certificates(b->gen->tls, &list);
	px_metric_clear(b->metrics, PX_M_CERTIFICATE_SECONDS);
	for (unsigned i = 0; i < n; i++)
		check_one(b, &list[i], px_clock_wall(px_clock_real()));
	renew_check_key(b);
	px_timer_set(px_loop_timers(b->loop), &b->certificates, CERTIFICATES_EVERY, certificates_due, b);
}

/* --- acting
 * -------------------------------------------------------------------------------------------------- */

static int reload(void *arg, px_ctl_reloaded *done, void *done_arg)
{
	return px_broker_reload(arg, done, done_arg);
}

static void stop(void *arg)
{
	px_broker_stop(arg);
}

static void log_level(void *arg, enum px_log_level level)
{
	px_broker_set_log_level(arg, level);
}

static const struct px_ctl_host host = {
    .info = info,
    .processes = processes,
    .certificates = certificates,
    .reload = reload,
    .stop = stop,
    .log_level = log_level,
    .check = check_checkpoint,
};

static void note_addresses(struct broker *b)
{
	const struct px_strings *wanted = &b->gen->conf->listen.addresses;
	for (unsigned i = 0; px_server_port(b->server, i) != 0 && b->n_listen < PX_ARRAY_LEN(b->listen);
	     i++) {
		struct px_buf text = PX_BUF_INIT;
		const char *address = i < wanted->n ? wanted->items[i] : "handed over";
		const char *colon = strrchr(address, ':');
		px_buf_add(&text, address, colon != NULL ? (size_t)(colon - address) : strlen(address));
		px_buf_addf(&text, ":%u", px_server_port(b->server, i));
		b->listen[b->n_listen++] = (char *)px_buf_detach(&text, NULL);
	}
}

int px_broker_start_control(struct broker *b, struct px_buf *why)
{
	note_addresses(b);
	struct px_ctl_setup setup = {
	    .base = px_loop_base(b->loop),
	    .timers = px_loop_timers(b->loop),
	    .store = b->store,
	    .flow = b->flow,
	    .metrics = b->metrics,
	    .alarms = b->alarms,
	    .socket_path = b->gen->conf->control_socket,
	    .host = &host,
	    .host_arg = b,
	};
	int rc = px_ctl_new(&setup, &b->ctl, why);
	if (rc == PX_OK && b->gen->conf->metrics_listen[0] != '\0')
		rc = px_metrics_listener_new(b->ctl, b->gen->conf->metrics_listen, &b->metrics_listener, why);
	return rc;
}

void px_broker_stop_control(struct broker *b)
{
	px_metrics_listener_free(&b->metrics_listener);
	px_ctl_free(&b->ctl);
	for (unsigned i = 0; i < b->n_listen; i++)
		free(b->listen[i]);
	b->n_listen = 0;
	px_seal_key_free(&b->check_key);
}
