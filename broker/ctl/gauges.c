/* prinex: figures that are measured when somebody asks
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"
#include "net/tls.h"

struct refresh {
	struct px_ctl *ctl;
	void (*done)(void *arg);
	void *arg;
};

static void finish(struct refresh *r)
{
	r->done(r->arg);
	px_ctl_unref(r->ctl);
	free(r);
}

static void show_alarms(const struct px_ctl *ctl)
{
	unsigned raised[PX_ALARM_COUNT] = {0};
	for (unsigned i = 0; i < px_alarms_count(ctl->setup.alarms); i++)
		raised[px_alarms_get(ctl->setup.alarms, i).alarm] = 1;
	for (unsigned i = 0; i < PX_ALARM_COUNT; i++)
		px_metric_set(ctl->setup.metrics, PX_M_ALARM, raised[i], px_alarm_name((enum px_alarm)i),
			      NULL, NULL);
}

static void show_certificates(const struct px_ctl *ctl)
{
	const struct px_tls_certificate *list = NULL;
	unsigned n = ctl->setup.host->certificates(ctl->setup.host_arg, &list);
	int64_t now = px_clock_wall(ctl->clock);
	px_metric_clear(ctl->setup.metrics, PX_M_CERTIFICATE_SECONDS);
	for (unsigned i = 0; i < n; i++) {
		char name[512]; /* as in alarms */
		snprintf(name, sizeof(name), "%s: %s (%s)", list[i].what, list[i].file, list[i].subject);
		if (list[i].not_after != 0)
			px_metric_set(ctl->setup.metrics, PX_M_CERTIFICATE_SECONDS,
				      (double)(list[i].not_after - now) / 1000.0, name, NULL, NULL);
	}
}

static void show_store(const struct px_ctl *ctl, const struct px_store_stats *s)
{
	struct px_metrics *m = ctl->setup.metrics;
	px_metric_set(m, PX_M_STORE_BYTES, (double)s->bytes_used, NULL, NULL, NULL);
	px_metric_set(m, PX_M_STORE_OLDEST_READER, (double)s->oldest_reader, NULL, NULL, NULL);
	px_metric_set(m, PX_M_STORE_MESSAGES, (double)s->messages, NULL, NULL, NULL);
	px_metric_set(m, PX_M_JOURNAL_ENTRIES, (double)s->journal_entries, NULL, NULL, NULL);
}

static void processes_read(void *arg, unsigned n, const struct px_ctl_pss *list)
{
	struct refresh *r = arg;
	if (!r->ctl->closed) {
		px_metric_clear(r->ctl->setup.metrics, PX_M_MEMORY_PSS);
		for (unsigned i = 0; i < n; i++) {
			if (list[i].octets >= 0)
				px_metric_add(r->ctl->setup.metrics, PX_M_MEMORY_PSS, (double)list[i].octets,
					      list[i].role, NULL, NULL);
		}
	}
	finish(r);
}

static void stats_read(void *arg, int rc, const struct px_store_stats *stats)
{
	struct refresh *r = arg;
	if (r->ctl->closed) {
		finish(r);
		return;
	}
	if (rc == PX_OK)
		show_store(r->ctl, stats);
	show_alarms(r->ctl);
	show_certificates(r->ctl);
	px_ctl_processes(r->ctl, processes_read, r);
}

void px_ctl_refresh(struct px_ctl *ctl, void (*done)(void *arg), void *arg)
{
	struct refresh *r = px_xcalloc(1, sizeof(*r));
	r->ctl = px_ctl_ref(ctl);
	r->done = done;
	r->arg = arg;
	px_store_stats(ctl->setup.store, stats_read, r);
}
