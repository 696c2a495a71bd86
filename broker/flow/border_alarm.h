/* prinex: the border post: this node's own Alarm messages
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FLOW_BORDER_ALARM_H
#define PX_FLOW_BORDER_ALARM_H

#include "flow/flow.h"

/*
 * An exchange of type Alarm, made, sealed and accepted here like any other. Its MessageId is made from what
 * it is about, so that the same alarm is never sent twice: a second one finds its id taken. Thread: loop.
 */
struct px_border_alarm {
	bool arrived;       /* unannounced (UNA); false: not arrived (NAR) */
	const char *sender; /* whose declaration, or whose arrival notice */
	const struct px_keys *keys;
	const char *office;
	int64_t expected;        /* NAR: at that office */
	int64_t day;             /* UNA: of the arrival */
	const char *correlation; /* MessageId of what it is about */
	uint64_t movement;       /* 0 none */
	unsigned n;
	struct px_new_delivery deliveries[PX_RECIPIENTS_MAX]; /* recipient and partner */
};

/** Add a delivery, unless there is one to @recipient, the partner does not take alarms or is gone. */
void px_border_alarm_to(struct px_border_alarm *alarm, const struct px_conf *conf, const char *recipient,
			const char *partner, int64_t now);

/**
 * @alarm is copied. @done, at any time, once: PX_OK durable, now or before (or there is nobody to tell, or
 * the catalogue has no type Alarm); else it was not sent: try again.
 */
void px_border_alarm_send(struct px_flow *flow, struct px_generation *gen,
			  const struct px_border_alarm *alarm, void (*done)(void *arg, int rc), void *arg);

#endif
