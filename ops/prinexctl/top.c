/* prinex: prinexctl: top: what goes on, looked at again and again
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define EVERY_S 2

/* One look; the one before gives the rates. */
struct look {
	json_t *status, *partners;
	double at;
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void look_free(struct look *l)
{
	json_decref(l->status);
	json_decref(l->partners);
	*l = (struct look){0};
}

static enum px_ctl_exit look(struct rpc *rpc, struct look *out)
{
	json_t *none = json_object();
	*out = (struct look){.at = seconds()};
	enum px_ctl_exit rc = rpc_call(rpc, "status", none, &out->status);
	if (rc == PX_CTL_EXIT_OK)
		rc = rpc_call(rpc, "partners", none, &out->partners);
	json_decref(none);
	return rc;
}

static const json_t *partner_of(const struct look *l, const char *name)
{
	const json_t *p;
	size_t i;
	json_array_foreach(json_object_get(l->partners, "partners"), i, p)
	{
		if (strcmp(text_of(p, "name"), name) == 0)
			return p;
	}
	return NULL;
}

static double rate(int64_t now, int64_t before, double dt)
{
	return dt > 0 && now >= before ? (double)(now - before) / dt : 0;
}

static void put_head(const struct look *now, const struct look *before)
{
	const json_t *node = json_object_get(now->status, "node"),
		     *b = json_object_get(now->status, "backlog");
	const json_t *s = json_object_get(now->status, "store"),
		     *was = json_object_get(before->status, "store");
	const json_t *alarms = json_object_get(now->status, "alarms"), *a;
	double dt = now->at - before->at;
	size_t i;
	line("node", BOLD, "%s %s (%s)%s", text_of(node, "authority"), text_of(node, "name"),
	     text_of(node, "environment"), bool_of(node, "draining") ? ", takes nothing new" : "");
	line("accepted", PLAIN, "%.1f/s, %" PRId64 " messages kept",
	     rate(int_of(s, "messages"), int_of(was, "messages"), dt), int_of(s, "messages"));
	line("store", PLAIN, "%.1f operations/s in %.1f commits/s, %s used, %s free",
	     rate(int_of(s, "operations"), int_of(was, "operations"), dt),
	     rate(int_of(s, "commits"), int_of(was, "commits"), dt), octets_text(int_of(s, "bytes_used")),
	     octets_text(int_of(s, "bytes_free")));
	line("backlog", PLAIN, "%" PRId64 " queued, %" PRId64 " handed over, %" PRId64 " confirmations owed",
	     int_of(b, "queued"), int_of(b, "handed_over"), int_of(s, "confirmations_owed"));
	line_time("oldest queued", b, "oldest");
	json_array_foreach(alarms, i, a)
	{
		line(i == 0 ? "alarms" : "", RED, "%s %s: %s", text_of(a, "name"), text_of(a, "subject"),
		     text_of(a, "detail"));
	}
	printf("\n");
}

static void put_partners(const struct look *now, const struct look *before)
{
	struct table *t =
	    table_new("partner|link|>in flight|>queued|>delivered/s|>delivered|>handed over|oldest queued");
	const json_t *p;
	size_t i;
	json_array_foreach(json_object_get(now->partners, "partners"), i, p)
	{
		const json_t *link = json_object_get(p, "link"), *d = json_object_get(p, "deliveries");
		const json_t *was = json_object_get(partner_of(before, text_of(p, "name")), "deliveries");
		cell_text(t, p, "name");
		cell_state(t, link, "state");
		cell_int(t, link, "in_flight");
		cell_int(t, d, "queued");
		table_addf(t, PLAIN, "%.1f",
			   was != NULL
			       ? rate(int_of(d, "delivered"), int_of(was, "delivered"), now->at - before->at)
			       : 0.0);
		cell_int(t, d, "delivered");
		cell_int(t, d, "handed_over");
		cell_time(t, d, "oldest");
	}
	table_print(&t);
}

enum px_ctl_exit run_top(const char *socket, const json_t *options)
{
	struct rpc rpc;
	struct look before = {0}, now = {0};
	int64_t every = has(options, "every") ? int_of(options, "every") : EVERY_S;
	int64_t left = has(options, "times") ? int_of(options, "times") : INT64_MAX;
	enum px_ctl_exit rc = rpc_open(&rpc, socket);
	if (rc == PX_CTL_EXIT_OK)
		rc = look(&rpc, &before);
	while (rc == PX_CTL_EXIT_OK && left-- > 0) {
		sleep((unsigned)every); /* rates need two looks */
		rc = look(&rpc, &now);
		if (rc != PX_CTL_EXIT_OK)
			break;
		if (screen_width() > 0)
			printf("\033[H\033[2J");
		put_head(&now, &before);
		put_partners(&now, &before);
		if (screen_width() == 0 && left > 0)
			printf("\n");
		if (fflush(stdout) != 0)
			break;
		look_free(&before);
		before = now;
		now = (struct look){0};
	}
	look_free(&before);
	look_free(&now);
	rpc_close(&rpc);
	return rc;
}
