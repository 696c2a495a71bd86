/* prinex: a node at the border, and what happens there
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "post.h"

struct node *make_post(struct world *w, const char *more, const char *officer)
{
	static const char *const trusted[] = {"BY", "UA", "MD", NULL};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "UA", trusted);
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	conf_partner(&text, "node-by", "BY", "node", NULL, "relay-to = \"MD\"");
	conf_partner(&text, "node-md", "MD", "node", NULL, "relays-for = \"BY\"");
	conf_partner(&text, "officer-ua", "UA", "officer", NULL, officer);
	conf_partner(&text, "officer-md", "MD", "officer", NULL, "");
	px_buf_adds(&text, more);
	struct node *n = world_node(w, "UA", px_buf_str(&text));
	px_buf_free(&text);
	world_start(w);
	world_run(w, SECOND);
	return n;
}

/* --- alarms ------------------------------------------------------------------------------------------ */

struct alarm_list {
	unsigned n;
	struct one {
		uint64_t seq;
		char about[256]; /* CorrelationId and recipients */
	} items[64];
	bool done;
};

static void found_alarms(void *arg, int rc, unsigned n, const struct px_message *messages, uint64_t next)
{
	struct alarm_list *l = arg;
	px_assert(rc == PX_OK && next == 0 && n <= PX_ARRAY_LEN(l->items));
	for (l->n = 0; l->n < n; l->n++) {
		const struct px_message *m = &messages[l->n];
		struct px_buf about = PX_BUF_INIT;
		px_buf_addf(&about, "%s>", m->header.correlation_id);
		for (unsigned i = 0; i < m->n_deliveries; i++)
			px_buf_addf(&about, "%s%s", i > 0 ? "," : "", m->deliveries[i].recipient);
		l->items[l->n].seq = m->seq;
		px_strlcpy(l->items[l->n].about, px_buf_str(&about), sizeof(l->items[0].about));
		px_buf_free(&about);
	}
	l->done = true;
}

struct alarm_code {
	const char *code;
	bool done;
};

static void body_read(void *arg, int rc, struct px_body *body)
{
	struct alarm_code *c = arg;
	px_assert(rc == PX_OK);
	c->code = memmem(body->data, body->len, ">NAR<", 5) != NULL ? "NAR" : "UNA";
	c->done = true;
}

static void dispatch_until(struct node *n, const bool *done)
{
	for (unsigned i = 0; i < 100 && !*done; i++)
		px_store_dispatch(n->store);
	px_assert(*done);
}

const char *alarms(struct node *n)
{
	static char text[8192];
	struct alarm_list l = {.n = 0};
	size_t at = 0;
	px_store_scan(n->store, &(struct px_scan){.type = "Alarm", .ascending = true, .limit = 64},
		      found_alarms, &l);
	dispatch_until(n, &l.done);
	text[0] = '\0';
	for (unsigned i = 0; i < l.n; i++) {
		struct alarm_code c = {.done = false};
		px_store_body(n->store, l.items[i].seq, body_read, &c);
		dispatch_until(n, &c.done);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s ", c.code, l.items[i].about);
	}
	return text;
}

/* --- questions --------------------------------------------------------------------------------------- */

struct reply ask_by(struct node *n, const char *officer, enum px_key_kind kind, const char *value,
		    uint64_t after)
{
	struct px_border_query query = {.kind = kind, .json = true, .after.message = after};
	px_strlcpy(query.value, value, sizeof(query.value));
	px_strlcpy(query.user, "o.kovalenko", sizeof(query.user));
	return world_ask(n, officer, &query);
}

const char *member(const struct reply *r, const char *name)
{
	static char value[4][128];
	static unsigned turn;
	char *out = value[turn++ % 4], open[64];
	snprintf(open, sizeof(open), "\"%s\":\"", name);
	const char *at = strstr(px_buf_str(&r->body), open);
	out[0] = '\0';
	if (at != NULL)
		px_strlcpy_n(out, at + strlen(open), strcspn(at + strlen(open), "\""), 128);
	return out;
}

unsigned count_of(const struct reply *r, const char *text)
{
	unsigned n = 0;
	for (const char *at = px_buf_str(&r->body); (at = strstr(at, text)) != NULL; at += strlen(text))
		n++;
	return n;
}
