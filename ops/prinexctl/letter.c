/* prinex: prinexctl: letter: for an authority on the way that is not connected
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "letter.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/strings.h"
#include "ctl/argv.h"
#include "prinexctl.h"

#define FOLDER_DEFAULT PX_DATADIR "/schemas/letters"

static const char *option(const struct px_ctl_line *line, const char *name)
{
	return json_string_value(json_object_get(line->client, name));
}

/* What was accepted here says it by a delivery without a partner, route.explain in a word. */
static bool is_absent(const json_t *o)
{
	const char *outcome = text_of(o, "outcome");
	return *outcome != '\0' ? strcmp(outcome, "absent") == 0 : *text_of(o, "partner") == '\0';
}

/* Whom it is for: who was asked for, else the only recipient that is not connected. NULL with @why. */
static const char *choose_recipient(const json_t *recipients, const char *asked, struct px_buf *why)
{
	const char *found = NULL;
	unsigned n = 0;
	const json_t *o;
	size_t i;
	json_array_foreach(recipients, i, o)
	{
		const char *recipient = text_of(o, "recipient");
		if (asked != NULL ? strcmp(recipient, asked) == 0 : is_absent(o)) {
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

/* @message: as the methods message and route.explain describe it; @recipients of it. */
static bool make(const struct px_ctl_line *line, const json_t *message, const json_t *recipients,
		 const struct px_buf *doc, struct px_buf *out, struct px_buf *why)
{
	const char *folder = option(line, "letters"), *language = option(line, "language");
	const char *recipient = choose_recipient(recipients, option(line, "to"), why);
	struct letter_texts texts = {0};
	char now[32], digest[PX_DIGEST_HEX];
	uint8_t octets[PX_DIGEST_LEN];
	px_time_format((int64_t)time(NULL) * 1000, now, sizeof(now));
	px_sha256(doc->data, doc->len, octets);
	px_hex(octets, sizeof(octets), digest);
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
	    .sha256 = digest,
	};
	struct letter *letter = letter_read(doc, texts.language, why);
	bool good = letter != NULL && letter_page(letter, &texts, &facts, out, why);
	letter_free(&letter);
	letter_texts_free(&texts);
	return good;
}

/* --- from where -------------------------------------------------------------------------------------- */

/* Accepted here: the daemon has the octets. */
static enum px_ctl_exit of_message(struct rpc *rpc, const struct px_ctl_line *line, struct px_buf *page,
				   struct px_buf *why)
{
	struct px_buf doc = PX_BUF_INIT;
	json_t *message = NULL;
	enum px_ctl_exit rc = rpc_call(rpc, "message", line->params, &message);
	if (rc == PX_CTL_EXIT_OK)
		rc = fetch_body(rpc, line->params, &doc);
	if (rc == PX_CTL_EXIT_OK &&
	    !make(line, message, json_object_get(message, "deliveries"), &doc, page, why))
		rc = PX_CTL_EXIT_NO;
	json_decref(message);
	px_buf_free(&doc);
	return rc;
}

/* Nothing but that nobody is left to whom it could go. */
static bool is_good_but_for_its_way(const json_t *result)
{
	const json_t *o;
	size_t i;
	json_array_foreach(json_object_get(result, "errors"), i, o)
	{
		if (strcmp(text_of(o, "code"), "PX-ROUTE") != 0)
			return false;
	}
	json_array_foreach(json_object_get(result, "recipients"), i, o)
	{
		if (strcmp(text_of(o, "outcome"), "refuses") == 0)
			return false;
	}
	return true;
}

/* Refused, because no recipient is connected: the sender has the octets. They are inspected like a message
 * that arrives, so that no letter says what its sender did not sign. */
static enum px_ctl_exit of_file(struct rpc *rpc, const struct px_ctl_line *line, const char *path,
				struct px_buf *page, struct px_buf *why)
{
	struct px_buf doc = PX_BUF_INIT;
	json_t *result = NULL;
	enum px_ctl_exit rc = explain_file(rpc, path, line->params, &doc, &result);
	if (rc == PX_CTL_EXIT_OK && !is_good_but_for_its_way(result)) {
		show_findings(result, "errors", "Errors");
		px_buf_setf(why, "this exchange is not one that only lacks a way to its recipients");
		rc = PX_CTL_EXIT_NO;
	} else if (rc == PX_CTL_EXIT_OK &&
		   !make(line, result, json_object_get(result, "recipients"), &doc, page, why)) {
		rc = PX_CTL_EXIT_NO;
	}
	json_decref(result);
	px_buf_free(&doc);
	return rc;
}

enum px_ctl_exit run_letter(struct rpc *rpc, const struct px_ctl_line *line)
{
	struct px_buf page = PX_BUF_INIT, why = PX_BUF_INIT;
	const char *from = option(line, "from");
	enum px_ctl_exit rc = PX_CTL_EXIT_USAGE;
	if ((from != NULL) == (json_object_get(line->params, "message") != NULL))
		px_buf_setf(&why, "letter needs a message, or --from FILE");
	else if (from != NULL)
		rc = of_file(rpc, line, from, &page, &why);
	else
		rc = of_message(rpc, line, &page, &why);
	if (why.len > 0)
		fprintf(stderr, "prinexctl: %s\n", px_buf_str(&why));
	if (rc == PX_CTL_EXIT_OK)
		rc = write_out(option(line, "out"), &page);
	px_buf_free(&page);
	px_buf_free(&why);
	return rc;
}
