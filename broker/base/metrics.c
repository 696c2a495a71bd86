/* prinex: counters, gauges and histograms, as Prometheus reads them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/metrics.h"

#include <inttypes.h>

#include "base/strings.h"

#define BUCKETS 14

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct entry {
	enum kind kind;
	const char *wire, *labels, *help;
};

static const struct entry table[] = {
#define PX_METRIC(name, kind, wire, labels, help) {kind, wire, labels, help},
#include "base/metrics.def"
#undef PX_METRIC
};

/* Seconds. */
static const double bounds[BUCKETS] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
				       0.1,    0.25,  0.5,   1,     5,    30,   300};

struct series {
	struct series *next;
	char *labels[PX_METRIC_LABELS_MAX];
	double value; /* histogram: sum */
	uint64_t count;
	uint64_t bucket[BUCKETS];
};

struct px_metrics {
	struct series *series[PX_METRIC_COUNT];
};

struct px_metrics *px_metrics_new(void)
{
	return px_xcalloc(1, sizeof(struct px_metrics));
}

void px_metric_clear(struct px_metrics *m, enum px_metric id)
{
	struct series *s = m->series[id];
	while (s != NULL) {
		struct series *next = s->next;
		for (size_t i = 0; i < PX_METRIC_LABELS_MAX; i++)
			free(s->labels[i]);
		free(s);
		s = next;
	}
	m->series[id] = NULL;
}

void px_metrics_free(struct px_metrics **m)
{
	if (*m == NULL)
		return;
	for (int i = 0; i < PX_METRIC_COUNT; i++)
		px_metric_clear(*m, (enum px_metric)i);
	PX_FREE(*m);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct series *find(const struct px_metrics *m, enum px_metric id, const char *const labels[])
{
	px_assert((size_t)id < PX_METRIC_COUNT);
	for (struct series *s = m->series[id]; s != NULL; s = s->next) {
		if (same(s->labels[0], labels[0]) && same(s->labels[1], labels[1]) &&
		    same(s->labels[2], labels[2]))
			return s;
	}
	return NULL;
}

static struct series *obtain(struct px_metrics *m, enum px_metric id, const char *const labels[])
{
	struct series *s = find(m, id, labels);
	if (s != NULL)
		return s;
	s = px_xcalloc(1, sizeof(*s));
	for (size_t i = 0; i < PX_METRIC_LABELS_MAX; i++)
		s->labels[i] = labels[i] != NULL ? px_xstrdup(labels[i]) : NULL;
	s->next = m->series[id];
	m->series[id] = s;
	return s;
}

void px_metric_add(struct px_metrics *m, enum px_metric id, double by, const char *l1, const char *l2,
		   const char *l3)
{
	obtain(m, id, (const char *[]){l1, l2, l3})->value += by;
}

void px_metric_set(struct px_metrics *m, enum px_metric id, double value, const char *l1, const char *l2,
		   const char *l3)
{
	obtain(m, id, (const char *[]){l1, l2, l3})->value = value;
}

void px_metric_observe(struct px_metrics *m, enum px_metric id, double seconds, const char *l1,
		       const char *l2, const char *l3)
{
	struct series *s = obtain(m, id, (const char *[]){l1, l2, l3});
	s->value += seconds;
	s->count++;
	for (size_t i = 0; i < BUCKETS; i++) {
		if (seconds <= bounds[i]) {
			s->bucket[i]++;
			break;
		}
	}
}

double px_metric_get(const struct px_metrics *m, enum px_metric id, const char *l1, const char *l2,
		     const char *l3)
{
	const struct series *s = find(m, id, (const char *[]){l1, l2, l3});
	if (s == NULL)
		return 0;
	return table[id].kind == HISTOGRAM ? (double)s->count : s->value;
}

static void add_escaped(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			px_buf_addc(out, '\\');
		if (*s == '\n')
			px_buf_adds(out, "\\n");
		else
			px_buf_addc(out, *s);
	}
}

/* {partner="x",type="y",le="z"} or nothing */
static void add_labels(struct px_buf *out, const struct entry *e, const struct series *s, const char *le)
{
	const char *name = e->labels;
	bool open = false;
	for (size_t i = 0; i < PX_METRIC_LABELS_MAX && *name != '\0'; i++) {
		size_t len = strcspn(name, ",");
		if (s->labels[i] != NULL) {
			px_buf_addf(out, "%s%.*s=\"", open ? "," : "{", (int)len, name);
			add_escaped(out, s->labels[i]);
			px_buf_addc(out, '"');
			open = true;
		}
		name += name[len] == ',' ? len + 1 : len;
	}
	if (le != NULL) {
		px_buf_addf(out, "%sle=\"%s\"", open ? "," : "{", le);
		open = true;
	}
	if (open)
		px_buf_addc(out, '}');
}

static void render_histogram(struct px_buf *out, const struct entry *e, const struct series *s)
{
	uint64_t below = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		char le[32];
		snprintf(le, sizeof(le), "%g", bounds[i]);
		below += s->bucket[i];
		px_buf_addf(out, "%s_bucket", e->wire);
		add_labels(out, e, s, le);
		px_buf_addf(out, " %" PRIu64 "\n", below);
	}
	px_buf_addf(out, "%s_bucket", e->wire);
	add_labels(out, e, s, "+Inf");
	px_buf_addf(out, " %" PRIu64 "\n%s_sum", s->count, e->wire);
	add_labels(out, e, s, NULL);
	px_buf_addf(out, " %.9g\n%s_count", s->value, e->wire);
	add_labels(out, e, s, NULL);
	px_buf_addf(out, " %" PRIu64 "\n", s->count);
}

void px_metrics_render(const struct px_metrics *m, struct px_buf *out)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	for (int i = 0; i < PX_METRIC_COUNT; i++) {
		const struct entry *e = &table[i];
		px_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", e->wire, e->help, e->wire, kinds[e->kind]);
		for (const struct series *s = m->series[i]; s != NULL; s = s->next) {
			if (e->kind == HISTOGRAM) {
				render_histogram(out, e, s);
				continue;
			}
			px_buf_adds(out, e->wire);
			add_labels(out, e, s, NULL);
			px_buf_addf(out, " %.15g\n", s->value);
		}
	}
}
