/* prinex: alarms: what an administrator must know now
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_ALARM_H
#define PX_BASE_ALARM_H

#include "base/clock.h"

/*
 * An alarm is raised with a subject (a partner's name, a certificate, "" for the node) and stays until
 * cleared. Raising again only updates the detail. Every change is told to one listener (which journals and
 * logs it). Thread: the loop.
 */
enum px_alarm {
#define PX_ALARM(name, wire, severity, text, raised, cleared) PX_ALARM_##name,
#include "base/alarm.def"
#undef PX_ALARM
	PX_ALARM_COUNT
};

enum px_severity { PX_SEVERITY_WARNING, PX_SEVERITY_MAJOR, PX_SEVERITY_CRITICAL };

const char *px_alarm_name(enum px_alarm alarm); /* "partner-down" */
const char *px_alarm_text(enum px_alarm alarm);
enum px_severity px_alarm_severity(enum px_alarm alarm);
const char *px_severity_name(enum px_severity severity);

struct px_alarms;

/** One alarm that is up. View: dies with the next call. */
struct px_alarm_state {
	enum px_alarm alarm;
	const char *subject;
	const char *detail;
	int64_t since; /* wall ms */
};

typedef void px_alarm_listener(void *arg, const struct px_alarm_state *state, bool raised);

struct px_alarms *px_alarms_new(struct px_clock *clock);
void px_alarms_free(struct px_alarms **alarms);
void px_alarms_listen(struct px_alarms *alarms, px_alarm_listener *fn, void *arg);
void px_alarm_raise(struct px_alarms *alarms, enum px_alarm alarm, const char *subject,
		    const char *detail_fmt, ...) PX_PRINTF(4, 5);
void px_alarm_clear(struct px_alarms *alarms, enum px_alarm alarm, const char *subject);
bool px_alarm_is_raised(const struct px_alarms *alarms, enum px_alarm alarm, const char *subject);
/** Number raised; *@out gets the @i-th. */
unsigned px_alarms_count(const struct px_alarms *alarms);
struct px_alarm_state px_alarms_get(const struct px_alarms *alarms, unsigned i);

#endif
