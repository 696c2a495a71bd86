/* prinex: fetch
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "client/fetch.h"
#include "client/show.h"
#include "prinex/prinex.h"

static const char *const names[] = {"new", "known", "conflict", "bad", "unwritten"};

static void report(void *arg, const struct px_fetched_report *r)
{
	const struct px_settings *s = arg;
	px_assert((size_t)r->fetched < PX_ARRAY_LEN(names));
	if (s->json) {
		json_t *o = json_object();
		json_object_set_new(o, "file", json_string(r->file));
		json_object_set_new(o, "result", json_string(names[r->fetched]));
		json_object_set_new(o, "confirmed", json_boolean(r->confirmed));
		json_object_set_new(o, "sender", json_string(r->header->sender));
		json_object_set_new(o, "id", json_string(r->header->message_id));
		json_object_set_new(o, "type", json_string(r->header->type));
		if (r->why[0] != '\0')
			json_object_set_new(o, "why", json_string(r->why));
		px_json_print(o);
		return;
	}
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "%s: %s", r->file, names[r->fetched]);
	if (r->header->type[0] != '\0') {
		px_buf_addc(&text, ' ');
		px_show_safe(&text, r->header->type);
	}
	if (r->confirmed)
		px_buf_adds(&text, s->refuse.n > 0 ? ", refused as asked" : ", confirmed");
	if (r->why[0] != '\0')
		px_buf_addf(&text, ", %s", r->why);
	puts(px_buf_str(&text));
	fflush(stdout);
	px_buf_free(&text);
}

static void note(void *arg, const char *text)
{
	const struct px_settings *s = arg;
	if (!s->json || s->verbose)
		fprintf(stderr, "prinex: %s\n", text);
}

static int summarize(const struct px_settings *s, const struct px_fetch_totals *t)
{
	unsigned bad = t->by[PX_FETCHED_CONFLICT] + t->by[PX_FETCHED_BAD];
	unsigned good = t->by[PX_FETCHED_NEW] + t->by[PX_FETCHED_KNOWN];
	if (!s->json)
		printf("%u fetched (%u known already), %u confirmed, %u set aside\n", good + bad,
		       t->by[PX_FETCHED_KNOWN], t->confirmed, bad);
	if (t->barred > 0)
		return PX_EXIT_BARRED;
	if (t->by[PX_FETCHED_UNWRITTEN] > 0 || t->unconfirmed > bad)
		return PX_EXIT_NOT_YET;
	return bad > 0 ? PX_EXIT_REFUSED : PX_EXIT_OK;
}

int px_cmd_fetch(struct px_client *c, char **args, unsigned n)
{
	const struct px_settings *s = px_client_settings(c);
	struct px_fetch_totals totals;
	struct px_buf why = PX_BUF_INIT;
	(void)args, (void)n;
	const struct px_fetch_how how = {.report = report, .note = note, .arg = (void *)s};
	int rc = px_fetch(c, &how, &totals, &why);
	int status = rc == PX_ECONF ? PX_EXIT_USAGE : summarize(s, &totals);
	if (rc != PX_OK)
		status = px_complain(rc == PX_ECONF     ? PX_EXIT_USAGE
				     : rc == PX_EACCESS ? PX_EXIT_BARRED
							: PX_EXIT_NOT_YET,
				     "%s", px_buf_str(&why));
	px_buf_free(&why);
	return status;
}
