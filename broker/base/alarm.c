/* prinex: alarms: what an administrator must know now
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/alarm.h"

#include <stdarg.h>

#include "base/buf.h"

struct entry {
	const char *name, *text;
	enum px_severity severity;
};

static const struct entry table[] = {
#define PX_ALARM(name, wire, severity, text, raised, cleared) {wire, text, PX_SEVERITY_##severity},
#include "base/alarm.def"
#undef PX_ALARM
};

struct item {
	enum px_alarm alarm;
	char *subject;
	char *detail;
	int64_t since;
};

struct px_alarms {
	struct px_clock *clock;
	struct item *items;
	unsigned n;
	px_alarm_listener *listener;
	void *listener_arg;
};

const char *px_alarm_name(enum px_alarm alarm)
{
	px_assert((size_t)alarm < PX_ARRAY_LEN(table));
	return table[alarm].name;
}

const char *px_alarm_text(enum px_alarm alarm)
{
	px_assert((size_t)alarm < PX_ARRAY_LEN(table));
	return table[alarm].text;
}

enum px_severity px_alarm_severity(enum px_alarm alarm)
{
	px_assert((size_t)alarm < PX_ARRAY_LEN(table));
	return table[alarm].severity;
}

const char *px_severity_name(enum px_severity severity)
{
	static const char *const names[] = {"warning", "major", "critical"};
	px_assert((size_t)severity < PX_ARRAY_LEN(names));
	return names[severity];
}

struct px_alarms *px_alarms_new(struct px_clock *clock)
{
	struct px_alarms *a = px_xcalloc(1, sizeof(*a));
	a->clock = clock;
	return a;
}

void px_alarms_free(struct px_alarms **alarms)
{
	if (*alarms == NULL)
		return;
	for (unsigned i = 0; i < (*alarms)->n; i++) {
		free((*alarms)->items[i].subject);
		free((*alarms)->items[i].detail);
	}
	free((*alarms)->items);
	PX_FREE(*alarms);
}

void px_alarms_listen(struct px_alarms *alarms, px_alarm_listener *fn, void *arg)
{
	alarms->listener = fn;
	alarms->listener_arg = arg;
}

static struct item *find(const struct px_alarms *a, enum px_alarm alarm, const char *subject)
{
	for (unsigned i = 0; i < a->n; i++) {
		if (a->items[i].alarm == alarm && strcmp(a->items[i].subject, subject) == 0)
			return &a->items[i];
	}
	return NULL;
}

static void tell(const struct px_alarms *a, const struct item *item, bool raised)
{
	if (a->listener == NULL)
		return;
	struct px_alarm_state state = {item->alarm, item->subject, item->detail, item->since};
	a->listener(a->listener_arg, &state, raised);
}

void px_alarm_raise(struct px_alarms *alarms, enum px_alarm alarm, const char *subject,
		    const char *detail_fmt, ...)
{
	struct px_buf detail = PX_BUF_INIT;
	va_list ap;
	va_start(ap, detail_fmt);
	px_buf_vaddf(&detail, detail_fmt, ap);
	va_end(ap);
	struct item *item = find(alarms, alarm, subject);
	bool fresh = item == NULL;
	if (fresh) {
		alarms->items = px_xrealloc_array(alarms->items, alarms->n + 1, sizeof(*alarms->items));
		item = &alarms->items[alarms->n++];
		*item = (struct item){alarm, px_xstrdup(subject), NULL, px_clock_wall(alarms->clock)};
	}
	free(item->detail);
	item->detail = (char *)px_buf_detach(&detail, NULL);
	if (fresh)
		tell(alarms, item, true);
}

void px_alarm_clear(struct px_alarms *alarms, enum px_alarm alarm, const char *subject)
{
	struct item *item = find(alarms, alarm, subject);
	if (item == NULL)
		return;
	struct item gone = *item;
	*item = alarms->items[--alarms->n];
	tell(alarms, &gone, false);
	free(gone.subject);
	free(gone.detail);
}

bool px_alarm_is_raised(const struct px_alarms *alarms, enum px_alarm alarm, const char *subject)
{
	return find(alarms, alarm, subject) != NULL;
}

unsigned px_alarms_count(const struct px_alarms *alarms)
{
	return alarms->n;
}

struct px_alarm_state px_alarms_get(const struct px_alarms *alarms, unsigned i)
{
	px_assert(i < alarms->n);
	const struct item *item = &alarms->items[i];
	return (struct px_alarm_state){item->alarm, item->subject, item->detail, item->since};
}
