/* prinex: prinexctl: status, alarms, partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>

/* --- alarms
 * -------------------------------------------------------------------------------------------------- */

static void put_alarms(const json_t *list)
{
	struct table *t = table_new("alarm|severity|subject|since|text");
	const json_t *a;
	size_t i;
	json_array_foreach(list, i, a)
	{
		cell_text(t, a, "name");
		cell_state(t, a, "severity");
		cell_text(t, a, "subject");
		cell_time(t, a, "since");
		table_addf(t, PLAIN, "%s%s%s", text_of(a, "text"), has(a, "detail") ? ": " : "",
			   text_of(a, "detail"));
	}
	table_print(&t);
}

void show_alarms(const json_t *result)
{
	const json_t *list = json_object_get(result, "alarms");
	if (json_array_size(list) == 0)
		screen_put("no alarms\n", GREEN);
	else
		put_alarms(list);
}

/* --- status
 * -------------------------------------------------------------------------------------------------- */

static void put_node(const json_t *node)
{
	line("node", BOLD, "%s %s (%s)", text_of(node, "authority"), text_of(node, "name"),
	     text_of(node, "environment"));
	line("state", bool_of(node, "draining") ? YELLOW : GREEN, "%s",
	     bool_of(node, "draining") ? "draining: takes nothing new" : "running");
	line_text("version", node, "version");
	line_time("started", node, "started");
	line_list("listens on", node, "listen");
	line("configuration", PLAIN, "%s, generation %" PRId64, text_of(node, "configuration"),
	     int_of(node, "generation"));
	line_text("log level", node, "log_level");
}

static void put_work(const json_t *result)
{
	const json_t *partners = json_object_get(result, "partners"), *b = json_object_get(result, "backlog");
	const json_t *s = json_object_get(result, "store");
	int64_t down = int_of(partners, "down");
	line("partners", down > 0 ? RED : PLAIN, "%" PRId64 ", %" PRId64 " down",
	     int_of(partners, "configured"), down);
	line("backlog", PLAIN, "%" PRId64 " queued, %" PRId64 " handed over", int_of(b, "queued"),
	     int_of(b, "handed_over"));
	line_time("oldest queued", b, "oldest");
	line("store", PLAIN, "%" PRId64 " messages, %" PRId64 " movements, %s used, %s free",
	     int_of(s, "messages"), int_of(s, "movements"), octets_text(int_of(s, "bytes_used")),
	     octets_text(int_of(s, "bytes_free")));
	if (int_of(s, "quarantined") > 0)
		line("quarantine", RED, "%" PRId64 " records set aside", int_of(s, "quarantined"));
	line("journal", PLAIN, "%" PRId64 " entries, signed up to %" PRId64, int_of(s, "journal_entries"),
	     int_of(s, "checkpoint"));
	if (int_of(s, "confirmations_owed") > 0)
		line("confirmations owed", PLAIN, "%" PRId64, int_of(s, "confirmations_owed"));
}

static void put_processes(const json_t *list)
{
	struct table *t = table_new("process|>pid|>memory");
	const json_t *p;
	size_t i;
	int64_t sum = 0;
	json_array_foreach(list, i, p)
	{
		cell_text(t, p, "role");
		cell_int(t, p, "pid");
		cell_octets(t, p, "pss");
		sum += int_of(p, "pss");
	}
	table_add(t, "all", DIM);
	table_add(t, NULL, DIM);
	table_add(t, octets_text(sum), DIM);
	printf("\n");
	table_print(&t);
}

void show_status(const json_t *result)
{
	put_node(json_object_get(result, "node"));
	put_work(result);
	const json_t *alarms = json_object_get(result, "alarms");
	line("alarms", json_array_size(alarms) > 0 ? RED : GREEN, "%zu", json_array_size(alarms));
	put_processes(json_object_get(result, "processes"));
	if (json_array_size(alarms) > 0) {
		printf("\n");
		put_alarms(alarms);
	}
}

/* --- partners
 * ------------------------------------------------------------------------------------------------ */

void show_partners(const json_t *result)
{
	struct table *t = table_new(
	    "partner|authority|role|mode|link|>queued|>handed over|oldest queued|last success|last error");
	const json_t *p;
	size_t i;
	json_array_foreach(json_object_get(result, "partners"), i, p)
	{
		const json_t *link = json_object_get(p, "link"), *d = json_object_get(p, "deliveries");
		cell_text(t, p, "name");
		cell_text(t, p, "authority");
		cell_text(t, p, "role");
		cell_text(t, p, "mode");
		cell_state(t, link, "state");
		cell_int(t, d, "queued");
		cell_int(t, d, "handed_over");
		cell_time(t, d, "oldest");
		cell_time(t, link, "last_success");
		cell_text(t, link, "last_error");
	}
	table_print(&t);
}

static void put_link(const json_t *link)
{
	line("link", screen_colour(text_of(link, "state")), "%s", text_of(link, "state"));
	const json_t *paused = json_object_get(link, "paused");
	if (json_is_object(paused)) {
		line_time("paused since", paused, "since");
		line_text("paused by", paused, "by");
		line_text("paused because", paused, "reason");
	}
	line_time("last success", link, "last_success");
	line_time("last failure", link, "last_failure");
	line_text("last error", link, "last_error");
	if (int_of(link, "failures") > 0)
		line("failures in a row", RED, "%" PRId64, int_of(link, "failures"));
	line("in flight", PLAIN,
	     "%" PRId64 " posted, %" PRId64 " fetched and not yet confirmed, %" PRId64 " polls waiting",
	     int_of(link, "in_flight"), int_of(link, "leases"), int_of(link, "polls_waiting"));
}

static void put_settings(const json_t *p)
{
	line_text("url", p, "url");
	line_text("proxy", p, "proxy");
	line("identity", PLAIN, "%s%s", text_of(p, "uri"),
	     bool_of(p, "pinned") ? " (known by its pinned key)" : "");
	line("TLS", PLAIN, "%s or newer", text_of(p, "tls"));
	line_list("relays for", p, "relays_for");
	line_list("relay to", p, "relay_to");
	line_list("types", p, "types");
	line_list("versions", p, "versions");
	line("maximum age", PLAIN, "%" PRId64 " h", int_of(p, "maximum_age_s") / 3600);
	line("confirmation", PLAIN, "%s", text_of(p, "confirmation"));
}

void show_partner(const json_t *p)
{
	const json_t *d = json_object_get(p, "deliveries");
	line("partner", BOLD, "%s", text_of(p, "name"));
	if (bool_of(p, "configured"))
		line("authority", PLAIN, "%s, %s, %s", text_of(p, "authority"), text_of(p, "role"),
		     text_of(p, "mode"));
	else
		line("configured", RED, "no longer");
	put_link(json_object_get(p, "link"));
	if (bool_of(p, "configured"))
		put_settings(p);
	line("waiting", PLAIN, "%" PRId64 " queued, %" PRId64 " handed over", int_of(d, "queued"),
	     int_of(d, "handed_over"));
	line_time("oldest queued", d, "oldest");
	line("ended", PLAIN,
	     "%" PRId64 " delivered, %" PRId64 " refused, %" PRId64 " expired, %" PRId64 " unknown, %" PRId64
	     " cancelled",
	     int_of(d, "delivered"), int_of(d, "refused"), int_of(d, "expired"), int_of(d, "unknown"),
	     int_of(d, "cancelled"));
}
