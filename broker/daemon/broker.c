/* prinex: the broker process: everything put together on one loop
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <openssl/rand.h>

#include "base/log.h"
#include "base/sched.h"
#include "daemon/broker.h"
#include "daemon/daemon.h"
#include "daemon/lifeline.h"
#include "daemon/systemd.h"

/* Pauses before inspectors are started anew; the first time there is none. */
#define REVIVE_FIRST 1000
#define REVIVE_MOST  30000

static void end(struct broker *b, int status)
{
	if (b->ending)
		return;
	b->ending = true;
	b->status = status;
	px_loop_stop(b->loop);
}

/* --- start
 * --------------------------------------------------------------------------------------------------- */

/* A call of RAND_bytes costs 3 us however little it is asked for, and a message needs three numbers. */
static uint64_t random64(void *arg)
{
	struct broker *b = arg;
	if (b->n_random == 0) {
		px_assert(RAND_bytes((unsigned char *)b->random, sizeof(b->random)) == 1);
		b->n_random = PX_ARRAY_LEN(b->random);
	}
	return b->random[--b->n_random];
}

static void store_failed(void *arg, const char *why)
{
	struct broker *b = arg;
	px_log(PX_LOG_ERR, "broker", "the store failed (%s): this process ends at once and is started anew",
	       why);
	b->store_failed = true;
	px_alarm_raise(b->alarms, PX_ALARM_STORE, "", "%s", why);
	end(b, PX_EXIT_FAILED);
}

/* Of any subject: the metric has none. */
static bool is_raised(const struct px_alarms *alarms, enum px_alarm alarm)
{
	for (unsigned i = 0; i < px_alarms_count(alarms); i++) {
		if (px_alarms_get(alarms, i).alarm == alarm)
			return true;
	}
	return false;
}

static void alarm_changed(void *arg, const struct px_alarm_state *state, bool raised)
{
	struct broker *b = arg;
	px_metric_set(b->metrics, PX_M_ALARM, is_raised(b->alarms, state->alarm) ? 1 : 0,
		      px_alarm_name(state->alarm), NULL, NULL);
	px_log(raised ? PX_LOG_WARN : PX_LOG_NOTICE, "alarm", "%s %s%s%s: %s", raised ? "raised" : "cleared",
	       px_alarm_name(state->alarm), state->subject[0] != '\0' ? " " : "", state->subject,
	       state->detail);
	if (b->store == NULL || b->store_failed)
		return;
	struct px_journal_entry entry = {
	    .kind = raised ? PX_J_ALARM_RAISED : PX_J_ALARM_CLEARED,
	    .partner = state->subject,
	    .code = px_alarm_name(state->alarm),
	    .detail = state->detail,
	};
	px_store_journal(b->store, &entry, NULL, NULL);
}

static void store_ready(evutil_socket_t fd, short what, void *arg)
{
	struct broker *b = arg;
	(void)fd;
	(void)what;
	px_store_dispatch(b->store);
}

static int open_store(struct broker *b, struct px_buf *why)
{
	const struct px_conf *conf = b->gen->conf;
	struct px_store_lmdb_setup setup = {
	    .path = conf->store.path,
	    .map_size = conf->store.map_size,
	    .watermark = conf->store.watermark,
	    .batch = conf->store.batch,
	    .clock = px_timers_clock(px_loop_timers(b->loop)),
	    .failed = store_failed,
	    .failed_arg = b,
	};
	int rc = px_store_lmdb_open(&setup, &b->store, why);
	if (rc != PX_OK)
		return rc;
	b->store_event =
	    event_new(px_loop_base(b->loop), px_store_fd(b->store), EV_READ | EV_PERSIST, store_ready, b);
	event_add(b->store_event, NULL);
	return PX_OK;
}

static int listen_for_partners(struct broker *b, struct px_buf *why)
{
	int fds[16];
	unsigned n = px_systemd_sockets(fds, PX_ARRAY_LEN(fds));
	struct px_server_setup setup = {
	    .base = px_loop_base(b->loop),
	    .timers = px_loop_timers(b->loop),
	    .metrics = b->metrics,
	    .tls = b->gen->tls,
	    .handler = px_endpoint_handler(),
	    .arg = b->endpoint,
	    .fds = fds,
	    .n_fds = n,
	};
	return px_server_new(&setup, &b->server, why);
}

static void journal(struct broker *b, enum px_journal_kind kind, const char *detail)
{
	struct px_journal_entry entry = {.kind = kind, .detail = detail};
	px_store_journal(b->store, &entry, NULL, NULL);
}

static int start_rooms(struct broker *b, struct px_buf *why)
{
	int rc = open_store(b, why);
	if (rc != PX_OK)
		return rc;
	px_store_stats(b->store, px_broker_say_found, b);
	journal(b, PX_J_STARTED, PX_VERSION);
	struct px_flow_setup flow = {
	    .store = b->store,
	    .timers = px_loop_timers(b->loop),
	    .metrics = b->metrics,
	    .alarms = b->alarms,
	    .generation = &b->gen->pub,
	    .random = random64,
	    .random_arg = b,
	    .fatal = store_failed,
	    .fatal_arg = b,
	};
	b->flow = px_flow_new(&flow);
	b->endpoint = px_endpoint_new(b->flow);
	rc = listen_for_partners(b, why);
	return rc == PX_OK ? px_broker_start_control(b, why) : rc;
}

void px_broker_set_log_level(struct broker *b, enum px_log_level level)
{
	px_log_set_level(level);
	px_life_say(b->life, PX_LIFE_LEVEL, level);
	if (b->gen != NULL && b->gen->pool != NULL)
		px_pool_log_level(b->gen->pool, level);
}

static void take_log_level(struct broker *b)
{
	int level = px_log_level_parse(b->gen->conf->log_level);
	if (level >= 0)
		px_broker_set_log_level(b, (enum px_log_level)level);
}

/* Configuration and trust are in force, inspectors are on their way: partners connect meanwhile, and what was
 * accepted before goes on. */
static void first_begun(void *arg, struct px_daemon_generation *gen)
{
	struct broker *b = arg;
	struct px_buf why = PX_BUF_INIT;
	b->gen = gen;
	take_log_level(b);
	if (start_rooms(b, &why) != PX_OK) {
		px_log(PX_LOG_ERR, "broker", "cannot start: %s", px_buf_str(&why));
		end(b, PX_EXIT_CONF);
	} else {
		px_broker_check_certificates(b);
		px_broker_say_listening(b);
	}
	px_buf_free(&why);
}

static void first_made(void *arg, struct px_daemon_generation *gen, int rc, const char *why)
{
	struct broker *b = arg;
	(void)gen;
	if (b->ending || b->stopping)
		return;
	if (rc != PX_OK) {
		fprintf(stderr, "%s%s", why, px_str_ends(why, "\n") ? "" : "\n");
		px_log(PX_LOG_ERR, "broker",
		       "cannot start: the configuration or what it points at is wrong (above)");
		end(b, PX_EXIT_CONF);
		return;
	}
	b->ready = true;
	px_broker_say_ready(b);
}

/* --- reload
 * -------------------------------------------------------------------------------------------------- */

static struct px_generation_setup generation_setup(struct broker *b)
{
	return (struct px_generation_setup){
	    .loop = b->loop,
	    .metrics = b->metrics,
	    .conf_file = b->options->conf_file,
	    .running = b->gen != NULL ? b->gen->conf : NULL,
	    .exe = "/proc/self/exe",
	    .id = ++b->generations,
	    .made = first_made,
	    .lost = px_broker_pool_lost,
	    .arg = b,
	};
}

/* Problems come one a line; an alarm and a journal entry are one. */
static char *on_one_line(const char *why)
{
	struct px_buf out = PX_BUF_INIT;
	while (*why != '\0') {
		size_t len = strcspn(why, "\n");
		if (len > 0) {
			px_buf_adds(&out, out.len > 0 ? "; " : "");
			px_buf_add(&out, why, len);
		}
		why += len + (why[len] == '\n');
	}
	return (char *)px_buf_detach(&out, NULL);
}

static void reload_ended(struct broker *b, int rc, const char *why)
{
	void (*done)(void *arg, int rc, const char *why) = b->reload_done;
	b->reloading = false;
	b->reload_done = NULL;
	if (rc != PX_OK) {
		char *line = on_one_line(why), first[PX_REASON_MAX];
		px_str_shorten(first, line, sizeof(first));
		px_log(PX_LOG_ERR, "reload", "refused, the old configuration stays in force: %s", line);
		px_alarm_raise(b->alarms, PX_ALARM_RELOAD, "", "%s", line);
		journal(b, PX_J_RELOAD_FAILED, first);
		free(line);
	}
	if (done != NULL)
		done(b->reload_arg, rc, why);
}

static void remade(void *arg, struct px_daemon_generation *gen, int rc, const char *why)
{
	struct broker *b = arg;
	if (rc != PX_OK) {
		reload_ended(b, rc, why);
		return;
	}
	const char *needs_restart = px_buf_str(&gen->needs_restart);
	if (needs_restart[0] != '\0')
		px_log(PX_LOG_WARN, "reload", "these changes need a restart and are not in force: %s",
		       needs_restart);
	struct px_generation *old = &b->gen->pub;
	b->gen = gen;
	px_flow_set_generation(b->flow, &gen->pub);
	px_server_set_tls(b->server, gen->tls);
	px_generation_unref(&old);
	take_log_level(b);
	px_alarm_clear(b->alarms, PX_ALARM_RELOAD, "");
	px_alarm_clear(b->alarms, PX_ALARM_INSPECT, "");
	px_broker_check_certificates(b);
	char detail[64];
	snprintf(detail, sizeof(detail), "generation %" PRIu64, gen->pub.id);
	journal(b, PX_J_RELOADED, detail);
	px_log(PX_LOG_NOTICE, "reload", "%s is in force, %u partners", detail, gen->conf->n_partners);
	reload_ended(b, PX_OK, needs_restart);
}

int px_broker_reload(struct broker *b, void (*done)(void *arg, int rc, const char *why), void *arg)
{
	if (b->reloading || !b->ready || b->stopping)
		return PX_EBUSY;
	b->reloading = true;
	b->reload_done = done;
	b->reload_arg = arg;
	struct px_generation_setup setup = generation_setup(b);
	setup.made = remade;
	px_generation_make(&setup);
	return PX_OK;
}

/* --- inspectors' parent lost
 * --------------------------------------------------------------------------------- */

static void revive(void *arg);

static void revive_later(struct broker *b)
{
	px_timer_set(px_loop_timers(b->loop), &b->revive, b->revive_pause, revive, b);
	b->revive_pause = b->revive_pause == 0 ? REVIVE_FIRST : PX_MIN(b->revive_pause * 2, REVIVE_MOST);
}

static void revived(void *arg, struct px_daemon_generation *gen, int rc, const char *why)
{
	struct broker *b = arg;
	(void)gen;
	if (rc == PX_OK) {
		px_alarm_clear(b->alarms, PX_ALARM_INSPECT, "");
		px_log(PX_LOG_NOTICE, "inspect", "inspectors work again");
		px_pool_log_level(b->gen->pool, px_log_get_level());
		b->revived_at = px_clock_mono(px_clock_real());
		return;
	}
	px_log(PX_LOG_ERR, "inspect", "the inspectors' parent does not start: %s", why);
	revive_later(b);
}

static void revive(void *arg)
{
	struct broker *b = arg;
	struct px_buf why = PX_BUF_INIT;
	struct px_generation_setup setup = generation_setup(b);
	setup.made = revived;
	if (px_generation_revive(b->gen, &setup, &why) != PX_OK)
		revived(b, NULL, PX_ESYS, px_buf_str(&why));
	px_buf_free(&why);
}

void px_broker_pool_lost(void *arg, struct px_daemon_generation *gen)
{
	struct broker *b = arg;
	if (gen != b->gen || b->stopping)
		return;
	px_alarm_raise(b->alarms, PX_ALARM_INSPECT, "",
		       "the inspectors' parent process ended; a new one is started");
	/* One that dies again and again must not keep the machine busy with its start. */
	if (px_clock_mono(px_clock_real()) - b->revived_at > REVIVE_MOST)
		b->revive_pause = 0;
	revive_later(b);
}

/* --- stop
 * ---------------------------------------------------------------------------------------------------- */

static void drained(void *arg)
{
	struct broker *b = arg;
	px_log(PX_LOG_NOTICE, "broker", "drained: nothing is in flight");
	end(b, PX_EXIT_OK);
}

static void drain_over(void *arg)
{
	struct broker *b = arg;
	b->cut_short = true;
	px_log(PX_LOG_NOTICE, "broker",
	       "still busy after %" PRId64 " s: what is in flight is continued after the next start",
	       b->gen->conf->limits.drain / 1000);
	end(b, PX_EXIT_OK);
}

void px_broker_stop(struct broker *b)
{
	if (b->stopping)
		return;
	b->stopping = true;
	if (b->flow == NULL) {
		end(b, PX_EXIT_OK);
		return;
	}
	px_log(PX_LOG_NOTICE, "broker", "stopping: finishing what is in flight");
	journal(b, PX_J_STOPPED, "");
	px_server_drain(b->server);
	px_life_say(b->life, PX_LIFE_STOPPING, (uint32_t)b->gen->conf->limits.drain);
	px_timer_set(px_loop_timers(b->loop), &b->drain, b->gen->conf->limits.drain, drain_over, b);
	px_flow_drain(b->flow, drained, b);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	px_broker_stop(arg);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	if (px_broker_reload(arg, NULL, NULL) != PX_OK)
		px_log(PX_LOG_NOTICE, "reload",
		       "not now: a reload is under way, or the broker is starting or stopping");
}

/* --- life
 * ---------------------------------------------------------------------------------------------------- */

/* The broker alone holds keys: no core files, no tracing by others, room for its connections. */
static void protect(void)
{
	/* 1 rather than 0: a core pattern that is a pipe ignores 0 (core(5)). */
	struct rlimit core = {1, 1}, files;
	setrlimit(RLIMIT_CORE, &core);
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		px_warn("broker", "cannot make the process undumpable");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
}

static struct event *watch_signal(struct broker *b, int sig, event_callback_fn fn)
{
	struct event *ev = evsignal_new(px_loop_base(b->loop), sig, fn, b);
	event_add(ev, NULL);
	return ev;
}

static void free_rooms(struct broker *b)
{
	px_broker_stop_control(b);
	px_server_free(&b->server);
	if (b->store_event != NULL)
		event_free(b->store_event);
	if (b->store != NULL && !b->store_failed)
		px_store_close(&b->store); /* callbacks run: flow must still be there */
	px_flow_free(&b->flow);
	px_endpoint_free(&b->endpoint);
	if (b->gen != NULL) {
		struct px_generation *pub = &b->gen->pub;
		b->gen->at_once = true;
		px_generation_unref(&pub);
	}
	event_base_loop(px_loop_base(b->loop), EVLOOP_NONBLOCK); /* frees the generations */
}

int px_broker_run(const struct px_options *options)
{
	struct broker b = {.options = options, .life = options->fd, .status = PX_EXIT_FAILED};
	pthread_mutex_init(&b.check_lock, NULL);
	b.started = px_clock_mono(px_clock_real());
	px_log_init("broker", STDERR_FILENO, PX_LOG_INFO);
	if (b.life >= 0)
		fcntl(b.life, F_SETFD, FD_CLOEXEC);
	protect();
	px_sched_short_turns(true); /* loop, signer and store: each message waits for them some six times */
	b.loop = px_loop_new();
	b.metrics = px_metrics_new();
	b.alarms = px_alarms_new(px_clock_real());
	px_alarms_listen(b.alarms, alarm_changed, &b);
	struct event *term = watch_signal(&b, SIGTERM, on_term),
		     *interrupt = watch_signal(&b, SIGINT, on_term);
	struct event *hup = watch_signal(&b, SIGHUP, on_hup);
	struct px_generation_setup setup = generation_setup(&b);
	setup.begun = first_begun;
	px_generation_make(&setup);
	if (!b.ending)
		px_loop_run(b.loop);
	int status = b.status;
	if (b.store_failed || status == PX_EXIT_OK)
		px_log(PX_LOG_NOTICE, "broker", "ended");
	if (b.cut_short) {
		/* Rooms still hold work of each other. Nothing accepted needs them: as after a kill, it is in
		 * the store. */
		px_broker_stop_control(&b);
		_exit(status);
	}
	if (b.store_failed)
		_exit(status); /* nothing may be written any more */
	px_timer_stop(px_loop_timers(b.loop), &b.drain);
	px_timer_stop(px_loop_timers(b.loop), &b.revive);
	px_timer_stop(px_loop_timers(b.loop), &b.certificates);
	px_timer_stop(px_loop_timers(b.loop), &b.alive);
	free_rooms(&b);
	event_free(term);
	event_free(interrupt);
	event_free(hup);
	px_alarms_free(&b.alarms);
	px_metrics_free(&b.metrics);
	px_loop_free(&b.loop);
	return status;
}
