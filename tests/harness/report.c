/* prinex: TAP and JUnit XML of a run
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "report.h"

#include "base/base.h"

const char *px_report_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	return s != NULL ? s : "";
}

void px_report_escape(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '&')
			px_buf_adds(out, "&amp;");
		else if (c == '<')
			px_buf_adds(out, "&lt;");
		else if (c == '>')
			px_buf_adds(out, "&gt;");
		else if (c == '"')
			px_buf_adds(out, "&quot;");
		else if (c < 0x20 && c != '\n' && c != '\t')
			px_buf_adds(out, "\xef\xbf\xbd");
		else
			px_buf_addc(out, (char)c);
	}
}

/* Each line as a TAP comment. */
static void comment(const char *label, const char *text, unsigned lines)
{
	printf("#   %-9s", label);
	for (; *text != '\0'; text++) {
		putchar(*text);
		if (*text == '\n' && --lines == 0) {
			printf("#   (more in the folder)");
			break;
		}
		if (*text == '\n')
			printf("#             ");
	}
	putchar('\n');
}

static const json_t *failed_step(const json_t *report)
{
	const json_t *steps = json_object_get(report, "steps"), *s;
	for (size_t i = 0; (s = json_array_get(steps, i)) != NULL; i++) {
		if (!json_is_true(json_object_get(s, "ok")))
			return s;
	}
	return NULL;
}

/* @octets: also the documents themselves. */
static void dialogue(const json_t *report, bool octets)
{
	const json_t *steps = json_object_get(report, "steps"), *s, *note;
	for (size_t i = 0; (s = json_array_get(steps, i)) != NULL; i++) {
		printf("# %4lld %s (%lld ms)\n", (long long)json_integer_value(json_object_get(s, "line")),
		       px_report_text(s, "text"), (long long)json_integer_value(json_object_get(s, "ms")));
		const json_t *notes = json_object_get(s, "notes"), *evidence = json_object_get(s, "evidence");
		for (size_t k = 0; (note = json_array_get(notes, k)) != NULL; k++)
			comment("", json_string_value(note), 8);
		for (size_t k = 0; (note = json_array_get(evidence, k)) != NULL; k++)
			comment("", px_report_text(note, "verdict"), 3);
		for (size_t k = 0; octets && (note = json_array_get(evidence, k)) != NULL; k++)
			comment("", px_report_text(note, "octets"), 60);
	}
}

void px_report_tap(const json_t *report, unsigned number, bool verbose)
{
	const char *verdict = px_report_text(report, "verdict");
	bool failed = strcmp(verdict, "failed") == 0, skipped = strcmp(verdict, "skipped") == 0;
	if (verbose)
		dialogue(report, failed);
	printf("%sok %u - %s %s%s%s\n", failed ? "not " : "", number, px_report_text(report, "id"),
	       px_report_text(report, "title"), skipped ? " # SKIP " : "",
	       skipped ? px_report_text(report, "why") : "");
	const json_t *s = failed ? failed_step(report) : NULL;
	if (s != NULL) {
		printf("# %s:%lld: %s\n", px_report_text(s, "file"),
		       (long long)json_integer_value(json_object_get(s, "line")), px_report_text(s, "text"));
		comment("expected", px_report_text(s, "expected"), 10);
		comment("came", px_report_text(s, "came"), 25);
		comment("kept", px_report_text(report, "dir"), 2);
	} else if (failed) {
		comment("why", px_report_text(report, "why"), 40);
	}
	fflush(stdout);
}

static void count(const json_t *reports, const char *verdict, unsigned *n)
{
	const json_t *r;
	*n = 0;
	for (size_t i = 0; (r = json_array_get(reports, i)) != NULL; i++)
		*n += strcmp(px_report_text(r, "verdict"), verdict) == 0;
}

static void junit_case(const json_t *r, struct px_buf *out)
{
	const char *verdict = px_report_text(r, "verdict");
	const json_t *s = failed_step(r);
	px_buf_adds(out, "  <testcase classname=\"prinex-conform\" name=\"");
	px_report_escape(out, px_report_text(r, "id"));
	px_buf_addc(out, ' ');
	px_report_escape(out, px_report_text(r, "title"));
	px_buf_addf(out, "\" time=\"%.3f\">", (double)json_integer_value(json_object_get(r, "ms")) / 1000);
	if (strcmp(verdict, "skipped") == 0) {
		px_buf_adds(out, "<skipped message=\"");
		px_report_escape(out, px_report_text(r, "why"));
		px_buf_adds(out, "\"/>");
	} else if (strcmp(verdict, "failed") == 0) {
		px_buf_adds(out, "<failure message=\"");
		px_report_escape(out, s != NULL ? px_report_text(s, "text") : px_report_text(r, "why"));
		px_buf_adds(out, "\">");
		if (s != NULL) {
			px_buf_addf(out, "%s:%lld\nexpected: ", px_report_text(s, "file"),
				    (long long)json_integer_value(json_object_get(s, "line")));
			px_report_escape(out, px_report_text(s, "expected"));
			px_buf_adds(out, "\ncame: ");
			px_report_escape(out, px_report_text(s, "came"));
		}
		px_buf_adds(out, "</failure>");
	}
	px_buf_adds(out, "</testcase>\n");
}

void px_report_junit(const json_t *reports, struct px_buf *out)
{
	unsigned failed, skipped;
	const json_t *r;
	count(reports, "failed", &failed);
	count(reports, "skipped", &skipped);
	px_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"prinex-conform\" "
		    "tests=\"%zu\" failures=\"%u\" "
		    "skipped=\"%u\">\n",
		    json_array_size(reports), failed, skipped);
	for (size_t i = 0; (r = json_array_get(reports, i)) != NULL; i++)
		junit_case(r, out);
	px_buf_adds(out, "</testsuite>\n");
}
