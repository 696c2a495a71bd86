/* prinex: tests of the control socket: a node around it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TESTS_UNIT_CTL_RIG_H
#define TESTS_UNIT_CTL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/ctl.h"
#include "net/tls.h"
#include "store/sim.h"

/*
 * A control socket in a temporary folder, with the simulated store and flow behind it; what flow would reach
 * outside is nobody. Time is simulated and begins now, so that prinexctl's "3 min ago" is right. Everything
 * runs in the test's own thread: rig_step() lets the loop, the store and the timers do what is due.
 */
struct rig {
	char folder[64];
	char socket[96];
	char conf_file[96];
	struct px_clock *clock;
	struct event_base *base;
	struct px_timers *timers;
	struct px_store *store;
	struct px_metrics *metrics;
	struct px_alarms *alarms;
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_generation *gen;
	struct px_flow *flow;
	struct px_ctl *ctl;
	/* the host */
	unsigned reloads, stops, levels;
	bool reload_busy;
	int reload_rc;
	const char *reload_why;
	px_ctl_reloaded *reloaded;
	void *reloaded_arg;
	bool hold_reload;
	unsigned checks;
	struct px_tls_certificate certificates[4];
	unsigned n_certificates;
};

#define RIG_MINUTE INT64_C(60000)
#define RIG_HOUR   (60 * RIG_MINUTE)
#define RIG_DAY    (24 * RIG_HOUR)

/** cmocka's set-up and tear-down: *state is a started rig. */
int rig_setup(void **state);
int rig_teardown(void **state);
/** Everything that can happen now. */
void rig_step(struct rig *r);
/** Let time pass. */
void rig_advance(struct rig *r, int64_t ms);
/** Put other text into the configuration file (what is in force stays). */
void rig_write_conf(struct rig *r, const char *more);

/** A message and its deliveries, accepted now. Each delivery is "RECIPIENT:PARTNER". */
struct rig_message {
	const char *id;
	const char *type;    /* default "Note" */
	const char *partner; /* default "system-by" */
	const char *mrn, *lrn, *vehicle, *declarant;
	const char *to[4];
	const char *body; /* default "<x/>" */
	size_t body_len;  /* 0: strlen */
	bool ends;
	int64_t deadline; /* from now; default 72 h */
};
/** @return its number; @delivery_ids (may be NULL) gets those of its deliveries. */
uint64_t rig_accept(struct rig *r, const struct rig_message *m, uint64_t *delivery_ids);
void rig_settle(struct rig *r, const struct px_settle *settle);
/** Lease for a partner; returned is the token of the first. */
struct px_token rig_lease(struct rig *r, const char *partner, unsigned max);

/** A connected client; -1 when it cannot connect. */
int rig_connect(struct rig *r);
void rig_send(int fd, const char *text);
/** The next line within two seconds of real time, parsed; NULL when the connection ended or nothing came. To
 * be json_decref'ed. */
json_t *rig_read(struct rig *r, int fd);
/** Whether the other side closes within two seconds. */
bool rig_is_closed(struct rig *r, int fd);
/** Connect, ask @method with @params (JSON text, "" none), close. The whole answer. */
json_t *rig_ask(struct rig *r, const char *method, const char *params);
/** The same, expecting a result, which is returned (to be json_decref'ed). */
json_t *rig_result(struct rig *r, const char *method, const char *params);
/** The same, expecting an error with this code; its message is returned in static memory. */
const char *rig_error(struct rig *r, const char *method, const char *params, int code);

/** The latest journal entry: "kind actor code sender/id detail". Static memory. */
const char *rig_journal(struct rig *r);

#endif
