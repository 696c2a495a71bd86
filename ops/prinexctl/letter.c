/* prinex: prinexctl: letter: for an authority on the way that is not connected
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "letter.h"

#include "base/clock.h"
#include "base/strings.h"
#include "ctl/argv.h"
#include "prinexctl.h"

#define FOLDER_DEFAULT PX_DATADIR "/schemas/letters"

static const char *option(const struct px_ctl_line *line, const char *name)
{
	return json_string_value(json_object_get(line->client, name));
}

static bool is_absent(const json_t *delivery)
{
	return *text_of(delivery, "partner") == '\0';
}

/* Whom it is for: who was asked for, else the only recipient that is not connected. NULL with @why. */
static const char *choose_recipient(const json_t *message, const char *asked, struct px_buf *why)
{
	const char *found = NULL;
	unsigned n = 0;
	const json_t *d;
	size_t i;
	json_array_foreach(json_object_get(message, "deliveries"), i, d)
	{
		const char *recipient = text_of(d, "recipient");
		if (asked != NULL ? strcmp(recipient, asked) == 0 : is_absent(d)) {
			found = recipient;
			n++;
		}
	}
	if (n == 1)
		return found;
	if (asked != NULL)
		px_buf_setf(why, "%s is not a recipient of this message", asked);
	else
		px_buf_setf(
		    why, n == 0
			     ? "all recipients of this message are connected; --to AUTHORITY prints it anyway"
			     : "several recipients are not connected: say which, --to AUTHORITY");
	return NULL;
}

static bool make(const struct px_ctl_line *line, const json_t *message, const struct px_buf *doc,
		 struct px_buf *out, struct px_buf *why)
{
	const char *folder = option(line, "letters"), *language = option(line, "language");
	const char *recipient = choose_recipient(message, option(line, "to"), why);
	struct letter_texts texts = {0};
	char now[32];
	px_time_format((int64_t)time(NULL) * 1000, now, sizeof(now));
	if (recipient == NULL ||
	    !letter_texts_load(folder != NULL ? folder : FOLDER_DEFAULT, language, recipient, &texts, why)) {
		letter_texts_free(&texts);
		return false;
	}
	const struct letter_facts facts = {
	    .sender = text_of(message, "sender"),
	    .recipient = recipient,
	    .message_id = text_of(message, "message_id"),
	    .type = text_of(message, "type"),
	    .created = text_of(message, "created_at"),
	    .accepted = text_of(message, "accepted"),
	    .printed = now,
	    .sha256 = text_of(message, "sha256"),
	};
	struct letter *letter = letter_read(doc, texts.language, why);
	bool good = letter != NULL && letter_page(letter, &texts, &facts, out, why);
	letter_free(&letter);
	letter_texts_free(&texts);
	return good;
}

enum px_ctl_exit run_letter(struct rpc *rpc, const struct px_ctl_line *line)
{
	struct px_buf doc = PX_BUF_INIT, page = PX_BUF_INIT, why = PX_BUF_INIT;
	json_t *message = NULL;
	enum px_ctl_exit rc = rpc_call(rpc, "message", line->params, &message);
	if (rc == PX_CTL_EXIT_OK)
		rc = fetch_body(rpc, line->params, &doc);
	if (rc == PX_CTL_EXIT_OK && !make(line, message, &doc, &page, &why)) {
		fprintf(stderr, "prinexctl: %s\n", px_buf_str(&why));
		rc = PX_CTL_EXIT_NO;
	}
	if (rc == PX_CTL_EXIT_OK)
		rc = write_out(option(line, "out"), &page);
	json_decref(message);
	px_buf_free(&doc);
	px_buf_free(&page);
	px_buf_free(&why);
	return rc;
}
