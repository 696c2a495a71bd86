/* prinex: the fixture of pool tests
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pool_fixture.h"

#include "base/log.h"
#include "base/strings.h"

static void on_timer(evutil_socket_t fd PX_UNUSED, short what PX_UNUSED, void *arg)
{
	struct fixture *f = arg;
	px_timers_run(f->timers);
}

void fixture_open(struct fixture *f)
{
	*f = (struct fixture){0};
	px_log_init("test", 2, PX_LOG_ERR);
	f->base = event_base_new();
	f->timers = px_timers_new(px_clock_real());
	f->metrics = px_metrics_new();
	f->pump = event_new(f->base, -1, 0, on_timer, f);
	f->setup = (struct px_pool_setup){.exe = "/proc/self/exe",
					  .conf_file = "good",
					  .workers = 2,
					  .generation = 1,
					  .body_limit = 4 * 1024 * 1024,
					  .base = f->base,
					  .timers = f->timers,
					  .metrics = f->metrics};
}

void fixture_close(struct fixture *f)
{
	px_pool_free(&f->pool);
	int64_t at;
	assert_false(px_timers_next(f->timers, &at)); /* nothing of the pool is left behind */
	event_free(f->pump);
	px_timers_free(&f->timers);
	event_base_free(f->base);
	px_metrics_free(&f->metrics);
}

void fixture_step(struct fixture *f)
{
	int64_t at, now = px_clock_mono(px_clock_real()), ms = 20;
	if (px_timers_next(f->timers, &at))
		ms = PX_MAX(PX_MIN(at - now, ms), 0);
	const struct timeval tv = {.tv_usec = ms * 1000};
	event_add(f->pump, &tv);
	event_base_loop(f->base, EVLOOP_ONCE);
}

static void on_ready(void *arg, int rc, const char *why)
{
	struct fixture *f = arg;
	f->ready++;
	f->ready_rc = rc;
	px_strlcpy(f->why, why, sizeof(f->why));
}

static void on_lost(void *arg)
{
	((struct fixture *)arg)->lost++;
}

static void on_gone(void *arg)
{
	((struct fixture *)arg)->gone++;
}

void fixture_new(struct fixture *f, const char *conf)
{
	struct px_buf why = PX_BUF_INIT;
	f->ready = 0;
	f->setup.conf_file = conf;
	f->setup.gone = on_gone;
	assert_int_equal(px_pool_new(&f->setup, on_ready, on_lost, f, &f->pool, &why), PX_OK);
	px_buf_free(&why);
}

void fixture_start(struct fixture *f, const char *conf)
{
	fixture_new(f, conf);
	fixture_until(f, f->ready > 0, 20000);
}

/* An outcome in flight also knows its fixture; the pool's argument is this. */
struct ticket {
	struct fixture *fixture;
	struct outcome *outcome;
};

static void on_done(void *arg, int rc, struct px_verdict *verdict)
{
	struct ticket *t = arg;
	assert_false(t->outcome->done);
	*t->outcome =
	    (struct outcome){.done = true, .rc = rc, .verdict = verdict, .rank = ++t->fixture->done};
	free(t);
}

void fixture_submit(struct fixture *f, const char *text, size_t len, struct outcome *o)
{
	size_t n = PX_MAX(len, strlen(text) + 1);
	uint8_t *data = px_xcalloc(1, n);
	px_strlcpy((char *)data, text, n);
	struct px_pool_request r = {
	    .kind = PX_DOC_EXCHANGE, .body = px_body_new(&data, n, NULL), .now = 1000, .first_broker = true};
	struct ticket *t = px_xcalloc(1, sizeof(*t));
	*t = (struct ticket){f, o};
	*o = (struct outcome){0};
	assert_int_equal(px_pool_submit(f->pool, &r, on_done, t), PX_OK);
	px_body_unref(&r.body);
	assert_false(o->done); /* never from within submit */
}

void fixture_run(struct fixture *f, const char *text, struct outcome *o)
{
	fixture_submit(f, text, 0, o);
	fixture_until(f, o->done, 20000);
}

void outcome_free(struct outcome *o)
{
	px_verdict_free(&o->verdict);
}

unsigned restarts(const struct fixture *f, const char *reason)
{
	return (unsigned)px_metric_get(f->metrics, PX_M_INSPECTOR_RESTARTS, reason, NULL, NULL);
}

bool is_dead(pid_t pid)
{
	char path[64], line[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return true;
	const char *state = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	fclose(file);
	return state == NULL || state[2] == 'Z' || state[2] == 'X';
}
