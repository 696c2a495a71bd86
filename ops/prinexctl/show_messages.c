/* prinex: prinexctl: messages, queue, trace
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>

static void put_messages(const json_t *list)
{
	struct table *t = table_new(">seq|accepted|sender/message|type|from|to|state");
	const json_t *m;
	size_t i;
	json_array_foreach(list, i, m)
	{
		cell_int(t, m, "seq");
		cell_time(t, m, "accepted");
		table_addf(t, PLAIN, "%s/%s", text_of(m, "sender"), text_of(m, "message_id"));
		cell_text(t, m, "type");
		table_add(t, has(m, "partner") ? text_of(m, "partner") : "(this node)", PLAIN);
		cell_list(t, m, "recipients");
		cell_state(t, m, "state");
	}
	table_print(&t);
}

void show_messages(const json_t *result)
{
	const json_t *list = json_object_get(result, "messages");
	if (json_array_size(list) == 0)
		printf("no messages\n");
	else
		put_messages(list);
	put_more(result);
}

/* --- one
 * ----------------------------------------------------------------------------------------------------- */

static void put_deliveries(const json_t *list)
{
	struct table *t = table_new(">delivery|to|partner|state|>attempts|next attempt|ended|error");
	const json_t *d;
	size_t i;
	json_array_foreach(list, i, d)
	{
		cell_int(t, d, "id");
		cell_text(t, d, "recipient");
		cell_text(t, d, "partner");
		if (bool_of(d, "leased"))
			table_add(t, "in-flight", YELLOW);
		else
			cell_state(t, d, "state");
		cell_int(t, d, "attempts");
		cell_time(t, d, "due");
		cell_time(t, d, "ended");
		cell_text(t, d, "error");
	}
	title("deliveries");
	table_print(&t);
}

void show_message(const json_t *m)
{
	const json_t *keys = json_object_get(m, "keys"), *key;
	size_t i;
	line("message", BOLD, "%s/%s", text_of(m, "sender"), text_of(m, "message_id"));
	line("number here", PLAIN, "%" PRId64, int_of(m, "seq"));
	line("type", PLAIN, "%s %s", text_of(m, "type"), text_of(m, "type_version"));
	line("from partner", PLAIN, "%s", has(m, "partner") ? text_of(m, "partner") : "(this node)");
	line("environment", PLAIN, "%s", text_of(m, "environment"));
	line_time("created", m, "created_at");
	line_time("accepted", m, "accepted");
	line_time("expires", m, "expires_at");
	line_text("correlation", m, "correlation_id");
	line("octets", PLAIN, "%" PRId64, int_of(m, "octets"));
	line_text("SHA-256", m, "sha256");
	if (has(m, "movement"))
		line("movement", PLAIN, "%" PRId64 "%s", int_of(m, "movement"),
		     bool_of(m, "ends_movement") ? ", ended by this message" : "");
	line("class", PLAIN, "%s", text_of(m, "class"));
	json_array_foreach(keys, i, key) line(text_of(key, "key"), PLAIN, "%s", text_of(key, "value"));
	if (json_array_size(json_object_get(m, "deliveries")) > 0)
		put_deliveries(json_object_get(m, "deliveries"));
}

/* --- queue
 * --------------------------------------------------------------------------------------------------- */

void show_queue(const json_t *result)
{
	const json_t *list = json_object_get(result, "deliveries");
	if (json_array_size(list) == 0 && !has(result, "next")) {
		screen_put("nothing waits\n", GREEN);
		return;
	}
	put_rows(">delivery|>message|to|partner|class|since|reason|why",
		 "#id|#message|recipient|partner|class|@created|=reason|why", list);
	put_more(result);
}

/* --- trace
 * --------------------------------------------------------------------------------------------------- */

/* What a person at a border reads: a sentence per event. */
static void put_event(struct table *t, const json_t *e)
{
	const char *what = text_of(e, "event"), *to = text_of(e, "recipient"), *by = text_of(e, "partner");
	bool detail = has(e, "detail");
	struct px_buf s = PX_BUF_INIT;
	if (strcmp(what, "accepted") == 0)
		px_buf_addf(&s, "accepted from %s%s", *by != '\0' ? by : "this node",
			    bool_of(e, "confirmed") ? ", confirmed (CoA)" : "");
	else if (strcmp(what, "delivered") == 0)
		px_buf_addf(&s, "delivered to %s, confirmed by %s", to, by);
	else if (strcmp(what, "refused") == 0)
		px_buf_addf(&s, "refused by %s (%s)", to, by);
	else if (strcmp(what, "handed-over") == 0)
		px_buf_addf(&s, "for %s: handed over to %s, confirmation of delivery awaited", to, by);
	else if (strcmp(what, "unknown") == 0)
		px_buf_addf(&s, "for %s: sent to %s but never confirmed; it may have arrived", to, by);
	else if (strcmp(what, "expired") == 0)
		px_buf_addf(&s, "for %s: not delivered in time", to);
	else if (strcmp(what, "in-flight") == 0)
		px_buf_addf(&s, "for %s: in flight to %s", to, by);
	else
		px_buf_addf(&s, "for %s: %s at %s, %" PRId64 " attempts so far", to, what, by,
			    int_of(e, "attempts"));
	if (detail)
		px_buf_addf(&s, ": %s", text_of(e, "detail"));
	table_add(t, px_buf_str(&s), screen_colour(what));
	px_buf_free(&s);
}

static void put_movement(const json_t *m)
{
	const char *name;
	const json_t *values, *e;
	size_t i;
	printf("\n");
	line("movement", BOLD, "%" PRId64 "%s", int_of(m, "movement"), bool_of(m, "ended") ? ", ended" : "");
	json_object_foreach((json_t *)json_object_get(m, "keys"), name, values)
	{
		struct px_buf text = PX_BUF_INIT;
		add_list(&text, values);
		line(name, PLAIN, "%s", px_buf_str(&text));
		px_buf_free(&text);
	}
	struct table *t = table_new("when|message|type|what happened");
	json_array_foreach(json_object_get(m, "events"), i, e)
	{
		table_add(t, has(e, "at") ? time_text(text_of(e, "at")) : "now", PLAIN);
		table_addf(t, PLAIN, "%s/%s", text_of(e, "sender"), text_of(e, "message_id"));
		cell_text(t, e, "type");
		put_event(t, e);
	}
	printf("\n");
	table_print(&t);
}

void show_trace(const json_t *result)
{
	const json_t *list = json_object_get(result, "movements"), *m;
	struct px_buf kinds = PX_BUF_INIT, value = PX_BUF_INIT;
	size_t i;
	screen_clean(&value, text_of(result, "value"));
	add_list(&kinds, json_object_get(result, "found_as"));
	if (json_array_size(list) == 0)
		printf("nothing known about %s\n", px_buf_str(&value));
	else
		printf("%s (%s): %zu movement%s\n", px_buf_str(&value), px_buf_str(&kinds),
		       json_array_size(list), json_array_size(list) == 1 ? "" : "s");
	json_array_foreach(list, i, m) put_movement(m);
	if (bool_of(result, "more"))
		printf("\nthere is more than is shown; name a more specific key\n");
	px_buf_free(&kinds);
	px_buf_free(&value);
}
