/* prinex: send
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <unistd.h>

#include "base/strings.h"
#include "client/send.h"
#include "client/show.h"
#include "prinex/prinex.h"

/* Of more files than these only what went wrong is printed. */
enum { FEW = 20 };

struct printer {
	bool json, verbose, progress;
};

static void print_json(const struct px_sent_report *r)
{
	json_t *o = json_object();
	json_object_set_new(o, "file", json_string(r->file));
	json_object_set_new(o, "result", json_string(px_sent_name(r->sent)));
	if (r->header->message_id[0] != '\0') {
		json_object_set_new(o, "sender", json_string(r->header->sender));
		json_object_set_new(o, "id", json_string(r->header->message_id));
	}
	if (r->confirmation != NULL) {
		const struct px_confirmation *k = r->confirmation;
		json_t *to = json_array();
		for (unsigned i = 0; i < k->n_recipients; i++)
			json_array_append_new(to, json_string(k->recipients[i]));
		json_object_set_new(o, "confirmation", json_string(k->confirmation_id));
		json_object_set_new(o, "issuer", json_string(k->issuer));
		json_object_set_new(o, "recipients", to);
		if (k->route[0] != '\0')
			json_object_set_new(o, "route", json_string(k->route));
		json_object_set_new(o, "errors",
				    px_json_confirmation(r->answer, r->answer_len, "Error", r->lines));
		json_object_set_new(o, "warnings",
				    px_json_confirmation(r->answer, r->answer_len, "Warning", r->lines));
	}
	if (r->why[0] != '\0')
		json_object_set_new(o, "why", json_string(r->why));
	if (r->remark[0] != '\0')
		json_object_set_new(o, "remark", json_string(r->remark));
	px_json_print(o);
}

static void report(void *arg, const struct px_sent_report *r)
{
	const struct printer *p = arg;
	bool bad = r->sent >= PX_SENT_REFUSED || r->remark[0] != '\0';
	if (p->json) {
		print_json(r);
	} else if (bad || p->verbose || r->total <= FEW) {
		struct px_buf text = PX_BUF_INIT;
		px_sent_describe(&text, r);
		if (p->progress)
			fputs("\r\033[K", stderr);
		fputs(px_buf_str(&text), stdout);
		fflush(stdout);
		px_buf_free(&text);
	}
	if (p->progress)
		fprintf(stderr, "\r%u of %u%s", r->n, r->total, r->n == r->total ? "\r\033[K" : "");
}

/* Also when nobody said -v: waiting without a word looks like hanging. */
static void note(void *arg, const char *file, const char *text)
{
	const struct printer *p = arg;
	fprintf(stderr, "%s%s: %s\n", p->progress ? "\r\033[K" : "", file, text);
}

static int summarize(const struct printer *p, const struct px_send_totals *t, unsigned n_inputs)
{
	unsigned total = 0;
	for (unsigned i = 0; i < PX_SENT_COUNT; i++)
		total += t->by[i];
	unsigned accepted = t->by[PX_SENT_ACCEPTED] + t->by[PX_SENT_DUPLICATE] + t->by[PX_SENT_BEFORE];
	unsigned unsent = total - accepted - t->by[PX_SENT_REFUSED];
	if (!p->json && (total != 1 || n_inputs != 1))
		printf("%u files: %u accepted (%u of them earlier), %u refused, %u not sent\n", total,
		       accepted, t->by[PX_SENT_DUPLICATE] + t->by[PX_SENT_BEFORE], t->by[PX_SENT_REFUSED],
		       unsent);
	if (t->by[PX_SENT_BARRED] > 0)
		return PX_EXIT_BARRED;
	if (t->by[PX_SENT_FAILED] > 0)
		return PX_EXIT_NOT_YET;
	return accepted < total ? PX_EXIT_REFUSED : PX_EXIT_OK;
}

int px_cmd_send(struct px_client *c, char **args, unsigned n)
{
	const struct px_settings *s = px_client_settings(c);
	struct printer p = {.json = s->json, .verbose = s->verbose, .progress = !s->json && isatty(2)};
	struct px_send_totals totals;
	struct px_buf why = PX_BUF_INIT;
	const struct px_send_how how = {.report = report, .note = note, .arg = &p};
	int status = px_send(c, args, n, &how, &totals, &why) == PX_OK
			 ? summarize(&p, &totals, n)
			 : px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
	px_buf_free(&why);
	return status;
}
