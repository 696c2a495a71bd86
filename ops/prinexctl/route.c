/* prinex: prinexctl: route explain
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>

#include "base/limits.h"
#include "base/strings.h"
#include "ctl/argv.h"
#include "prinexctl.h"

#define PIECE (PX_CTL_OCTETS_MAX / 4 * 3)

/* --- asking
 * ---------------------------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct px_buf *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	char piece[65536];
	size_t n;
	while (f != NULL && out->len <= (size_t)PX_LIMIT_BODY_MAX &&
	       (n = fread(piece, 1, sizeof(piece), f)) > 0)
		px_buf_add(out, piece, n);
	bool good = f != NULL && ferror(f) == 0;
	if (!good)
		fprintf(stderr, "prinexctl: cannot read %s: %s\n", path, strerror(errno));
	if (f != NULL && f != stdin)
		fclose(f);
	return good;
}

enum px_ctl_exit explain_file(struct rpc *rpc, const char *path, json_t *params, struct px_buf *doc,
			      json_t **result)
{
	struct px_buf text = PX_BUF_INIT;
	enum px_ctl_exit rc = read_file(path, doc) ? PX_CTL_EXIT_OK : PX_CTL_EXIT_NO;
	size_t at = 0;
	bool more = true;
	*result = NULL;
	while (rc == PX_CTL_EXIT_OK && more) {
		size_t n = PX_MIN(doc->len - at, (size_t)PIECE);
		json_decref(*result);
		*result = NULL;
		px_buf_clear(&text);
		px_base64(&text, doc->data != NULL ? doc->data + at : (const uint8_t *)"", n);
		more = at + n < doc->len;
		json_object_set_new(params, "octets", json_string(px_buf_str(&text)));
		json_object_set_new(params, "offset", json_integer((json_int_t)at));
		json_object_set_new(params, "more", json_boolean(more));
		rc = rpc_call(rpc, "route.explain", params, result);
		at += n;
	}
	px_buf_free(&text);
	return rc;
}

enum px_ctl_exit run_route_explain(struct rpc *rpc, const struct px_ctl_line *line, json_t **result)
{
	struct px_buf doc = PX_BUF_INIT;
	enum px_ctl_exit rc = explain_file(rpc, json_string_value(json_object_get(line->client, "file")),
					   line->params, &doc, result);
	px_buf_free(&doc);
	return rc;
}

/* --- showing
 * --------------------------------------------------------------------------------------------------- */

void show_findings(const json_t *result, const char *name, const char *heading)
{
	const json_t *list = json_object_get(result, name), *f;
	size_t i;
	if (json_array_size(list) == 0)
		return;
	title(heading);
	struct table *t = table_new("code|what|line|value");
	json_array_foreach(list, i, f)
	{
		cell_text(t, f, "code");
		cell_text(t, f, "text");
		cell_text(t, f, "line");
		cell_text(t, f, "value");
	}
	table_print(&t);
}

static void cell_outcome(struct table *t, const json_t *o)
{
	const char *word = text_of(o, "outcome");
	bool good = strcmp(word, "matches") == 0 || strcmp(word, "delivers") == 0 ||
		    strcmp(word, "ends-here") == 0;
	bool bad = strcmp(word, "absent") == 0 || strcmp(word, "refuses") == 0;
	table_add(t, word, good ? GREEN : bad ? RED : DIM);
}

static void show_list(const json_t *list, const char *name, const char *partner, const char *heads)
{
	const json_t *o;
	size_t i;
	struct table *t = table_new(heads);
	json_array_foreach(list, i, o)
	{
		cell_text(t, o, name);
		cell_outcome(t, o);
		cell_text(t, o, partner);
		cell_text(t, o, "why");
	}
	table_print(&t);
}

/* What one who has a declaration at hand tries first. */
static bool is_document_alone(const json_t *result)
{
	const json_t *first = json_array_get(json_object_get(result, "errors"), 0);
	return strcmp(text_of(first, "code"), "PX-ENV-ROOT") == 0;
}

void show_route(const json_t *result)
{
	const json_t *routes = json_object_get(result, "routes");
	const json_t *recipients = json_object_get(result, "recipients");
	if (text_of(result, "sender")[0] != '\0' && text_of(result, "message_id")[0] != '\0')
		line("Message", PLAIN, "%s/%s", text_of(result, "sender"), text_of(result, "message_id"));
	if (text_of(result, "type")[0] != '\0')
		line("Type", PLAIN, "%s %s", text_of(result, "type"), text_of(result, "version"));
	line_text("From", result, "partner");
	if (bool_of(result, "ok"))
		line("Verdict", GREEN, "it would be accepted, as far as routes decide");
	else
		line("Verdict", RED, "it would be refused (%s)", text_of(result, "stage"));
	show_findings(result, "errors", "Errors");
	if (is_document_alone(result))
		puts("\nThis is a document without its exchange: what is explained is what would arrive, as "
		     "`prinex sign` "
		     "makes it, and as `prinex send` keeps it beside the file (FILE.px).");
	show_findings(result, "warnings", "Warnings");
	if (json_array_size(recipients) > 0) {
		title("Recipients");
		show_list(recipients, "recipient", "partner", "recipient|outcome|partner|why");
	}
	if (json_array_size(routes) > 0) {
		title("Routes, in the order of the file");
		show_list(routes, "route", "via", "route|outcome|via|why");
	}
}
