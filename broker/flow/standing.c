/* prinex: what must outlive a restart besides messages: pauses, and alarms that people clear
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>
#include <stdarg.h>

/*
 * Marks in the store, by name:
 *	pause/PARTNER           an administrator paused it: who, when, why
 *	alarm/ALARM/SUBJECT     an alarm that only a person clears; text is its detail
 *	seen/ALARM/SUBJECT      number: so many of what an alarm counts were acknowledged; of those that come
 *				and go (deliveries) so many as there ever were, for nobody can tell by how
 *				many there are whether one that is gone was among the acknowledged
 *	stopped/clean           sent.c
 * Until they are read after a start nothing is sent: it might be paused.
 */
#define READ_AGAIN 1000

struct seen {
	UT_hash_handle hh;
	char name[PX_MARK_NAME_MAX - 7]; /* "ALARM/SUBJECT" */
	uint64_t number;
};

static void name_of(char out[PX_MARK_NAME_MAX + 1], const char *kind, enum px_alarm alarm,
		    const char *subject)
{
	snprintf(out, PX_MARK_NAME_MAX + 1, "%s%s/%s", kind, px_alarm_name(alarm), subject);
}

/* --- at start
 * ------------------------------------------------------------------------------------------------ */

static struct seen *obtain_seen(struct px_flow *flow, const char *name)
{
	struct seen *seen = NULL;
	HASH_FIND_STR(flow->seen, name, seen);
	if (seen == NULL) {
		seen = px_xcalloc(1, sizeof(*seen));
		px_strlcpy(seen->name, name, sizeof(seen->name));
		HASH_ADD_STR(flow->seen, name, seen);
	}
	return seen;
}

static void take_pause(struct px_flow *flow, const char *partner, const struct px_mark *mark)
{
	struct link *link = px_flow_obtain_link(flow, partner);
	link->paused = true;
	link->paused_since = mark->at;
	px_strlcpy(link->paused_by, mark->actor, sizeof(link->paused_by));
	px_strlcpy(link->paused_why, mark->text, sizeof(link->paused_why));
	px_alarm_raise(flow->alarms, PX_ALARM_PARTNER_PAUSED, partner, "by %s%s%s", mark->actor,
		       mark->text[0] != '\0' ? ": " : "", mark->text);
}

static void take_alarm(struct px_flow *flow, const char *name, const struct px_mark *mark)
{
	const char *slash = strchr(name, '/');
	for (int a = 0; slash != NULL && a < PX_ALARM_COUNT; a++) {
		const char *wire = px_alarm_name((enum px_alarm)a);
		if (strlen(wire) == (size_t)(slash - name) && strncmp(wire, name, strlen(wire)) == 0)
			px_alarm_raise(flow->alarms, (enum px_alarm)a, slash + 1, "%s", mark->text);
	}
}

static void read_marks(void *arg);

static void marks_read(void *arg, int rc, unsigned n, const struct px_mark *marks)
{
	struct px_flow *flow = arg;
	if (rc == PX_EFATAL)
		px_flow_store_failed(flow, "marks");
	for (unsigned i = 0; i < n; i++) {
		const char *name = marks[i].name;
		if (px_str_starts(name, "pause/"))
			take_pause(flow, name + strlen("pause/"), &marks[i]);
		else if (px_str_starts(name, "alarm/"))
			take_alarm(flow, name + strlen("alarm/"), &marks[i]);
		else if (px_str_starts(name, "seen/"))
			obtain_seen(flow, name + strlen("seen/"))->number = marks[i].number;
	}
	if (rc == PX_OK) {
		px_watch_start(flow, marks, n);
		px_sent_start(flow, marks, n); /* then the first deliveries go */
	} else if (rc != PX_ECANCELLED) {
		px_timer_set(flow->timers, &flow->marks_again, READ_AGAIN, read_marks, flow);
	}
	px_flow_end(flow);
}

static void read_marks(void *arg)
{
	struct px_flow *flow = arg;
	px_flow_begin(flow);
	px_store_marks(flow->store, marks_read, flow);
}

void px_standing_start(struct px_flow *flow)
{
	read_marks(flow);
}

void px_standing_free(struct px_flow *flow)
{
	struct seen *seen = flow->seen;
	px_timer_stop(flow->timers, &flow->marks_again);
	HASH_CLEAR(hh, flow->seen); /* frees the table; the items stay chained */
	while (seen != NULL) {
		struct seen *next = seen->hh.next;
		free(seen);
		seen = next;
	}
}

/* --- alarms
 * -------------------------------------------------------------------------------------------------- */

void px_standing_mark(struct px_mark *out, enum px_alarm alarm, const char *subject, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	*out = (struct px_mark){.number = 0};
	name_of(out->name, "alarm/", alarm, subject);
	px_str_shorten(out->text, px_buf_str(&text), sizeof(out->text));
	px_buf_free(&text);
}

static void alarms_read(void *arg, int rc, unsigned n, const struct px_mark *marks)
{
	struct px_flow *flow = arg;
	for (unsigned i = 0; rc == PX_OK && i < n; i++) {
		if (px_str_starts(marks[i].name, "alarm/"))
			take_alarm(flow, marks[i].name + strlen("alarm/"), &marks[i]);
	}
	px_flow_end(flow);
}

void px_standing_look(struct px_flow *flow)
{
	px_flow_begin(flow);
	px_store_marks(flow->store, alarms_read, flow);
}

void px_standing_raise(struct px_flow *flow, enum px_alarm alarm, const char *subject, const char *fmt, ...)
{
	struct px_mark mark = {.number = 0};
	va_list ap;
	va_start(ap, fmt);
	struct px_buf text = PX_BUF_INIT;
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	bool fresh = !px_alarm_is_raised(flow->alarms, alarm, subject);
	px_alarm_raise(flow->alarms, alarm, subject, "%s", px_buf_str(&text));
	if (fresh) { /* what a peer can cause costs the store one write until somebody looks */
		name_of(mark.name, "alarm/", alarm, subject);
		px_str_shorten(mark.text, px_buf_str(&text), sizeof(mark.text));
		px_store_mark(flow->store, &mark, NULL, NULL);
	}
	px_buf_free(&text);
}

static void keep_seen(struct px_flow *flow, const struct seen *seen, const char *actor, px_write_done *done,
		      void *arg)
{
	struct px_mark mark = {.number = seen->number};
	snprintf(mark.name, sizeof(mark.name), "seen/%s", seen->name);
	px_strlcpy(mark.actor, actor, sizeof(mark.actor));
	px_store_mark(flow->store, &mark, done, arg);
}

void px_standing_count(struct px_flow *flow, enum px_alarm alarm, const char *subject, uint64_t count,
		       uint64_t ever, const char *what)
{
	char name[PX_MARK_NAME_MAX + 1];
	struct seen *seen = NULL;
	name_of(name, "", alarm, subject);
	HASH_FIND_STR(flow->seen, name, seen);
	if (seen != NULL && ever < seen->number) { /* some are gone: the next one counts again */
		seen->number = ever;
		keep_seen(flow, seen, "", NULL, NULL);
	}
	if (count > 0 && ever > (seen != NULL ? seen->number : 0))
		px_alarm_raise(flow->alarms, alarm, subject, "%" PRIu64 " %s", count, what);
	else
		px_alarm_clear(flow->alarms, alarm, subject);
}

/* --- acknowledging
 * ------------------------------------------------------------------------------------------- */

struct looking {
	struct px_flow *flow;
	enum px_alarm alarm;
	char subject[PX_NAME_MAX + 1];
	char actor[PX_MARK_ACTOR_MAX + 1];
	unsigned pending, cleared;
	int rc;
	px_flow_told *told;
	void *arg;
};

static void looked(void *arg, int rc)
{
	struct looking *l = arg;
	struct px_flow *flow = l->flow;
	char text[128];
	if (rc != PX_OK && rc != PX_ENOTFOUND && l->rc == PX_OK)
		l->rc = rc;
	if (--l->pending > 0)
		return;
	if (l->rc != PX_OK)
		snprintf(text, sizeof(text), "the store could not be written: %s", px_err_text(l->rc));
	else if (l->cleared == 0)
		snprintf(text, sizeof(text), "no such alarm is raised");
	else
		snprintf(text, sizeof(text), "%u alarm%s acknowledged", l->cleared,
			 l->cleared == 1 ? "" : "s");
	l->told(l->arg, l->rc == PX_OK && l->cleared == 0 ? PX_ENOTFOUND : l->rc, text);
	free(l);
	px_flow_end(flow);
}

/* How many there were up to now of what the alarm counts. */
static uint64_t count_of(const struct px_store_stats *stats, enum px_alarm alarm, const char *subject)
{
	if (alarm == PX_ALARM_QUARANTINE && strcmp(subject, "store") == 0)
		return stats->quarantined;
	for (unsigned i = 0; alarm == PX_ALARM_DELIVERY_UNKNOWN && i < stats->n_partners; i++) {
		if (strcmp(stats->partners[i].partner, subject) == 0)
			return stats->partners[i].ever_unknown;
	}
	return 0;
}

static void acknowledge(struct looking *l, const char *subject, const struct px_store_stats *stats)
{
	char name[PX_MARK_NAME_MAX + 1];
	uint64_t count = count_of(stats, l->alarm, subject);
	l->cleared++;
	l->pending++;
	if (count > 0) {
		name_of(name, "", l->alarm, subject);
		struct seen *seen = obtain_seen(l->flow, name);
		seen->number = count;
		keep_seen(l->flow, seen, l->actor, looked, l);
	} else {
		name_of(name, "alarm/", l->alarm, subject);
		px_store_unmark(l->flow->store, name, looked, l);
	}
	px_alarm_clear(l->flow->alarms, l->alarm, subject);
}

static void counted(void *arg, int rc, const struct px_store_stats *stats)
{
	struct looking *l = arg;
	struct px_alarms *alarms = l->flow->alarms;
	for (unsigned i = px_alarms_count(alarms); rc == PX_OK && i-- > 0;) {
		struct px_alarm_state a = px_alarms_get(alarms, i);
		char subject[sizeof(l->subject)];
		if (a.alarm != l->alarm || (l->subject[0] != '\0' && strcmp(a.subject, l->subject) != 0))
			continue;
		px_strlcpy(subject, a.subject, sizeof(subject)); /* dies with the next change */
		acknowledge(l, subject, stats);
	}
	looked(l, rc);
}

static bool is_for_people(enum px_alarm alarm)
{
	return alarm == PX_ALARM_DELIVERY_FAILED || alarm == PX_ALARM_DELIVERY_UNKNOWN ||
	       alarm == PX_ALARM_QUARANTINE || alarm == PX_ALARM_KEY_OWNER;
}

/* Somebody looked at the clock: it is right as it is. Nothing is to be kept: a start judges anew. */
static void clock_is_right(struct px_flow *flow, const char *actor, px_flow_told *told, void *arg)
{
	if (!px_alarm_is_raised(flow->alarms, PX_ALARM_CLOCK, "")) {
		told(arg, PX_ENOTFOUND, "no such alarm is raised");
		return;
	}
	px_steady_believe(flow);
	px_log(PX_LOG_NOTICE, "flow", "the clock of this machine is believed as it is: %s says it is right",
	       actor);
	told(arg, PX_OK, "1 alarm acknowledged: the clock is believed as it is");
}

void px_flow_acknowledge(struct px_flow *flow, enum px_alarm alarm, const char *subject, const char *actor,
			 px_flow_told *told, void *arg)
{
	if (alarm == PX_ALARM_CLOCK) {
		clock_is_right(flow, actor, told, arg);
		return;
	}
	if (!is_for_people(alarm)) {
		told(arg, PX_EPRECONDITION, "this alarm clears by itself when its cause is gone");
		return;
	}
	struct looking *l = px_xcalloc(1, sizeof(*l));
	l->flow = flow;
	l->alarm = alarm;
	l->told = told;
	l->arg = arg;
	l->pending = 1;
	px_strlcpy(l->subject, subject, sizeof(l->subject));
	px_strlcpy(l->actor, actor, sizeof(l->actor));
	px_flow_begin(flow);
	px_store_stats(flow->store, counted, l);
}
