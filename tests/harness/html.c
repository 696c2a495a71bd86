/* prinex: the report of a run as one page: for reading, printing and filing
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "report.h"

static const char style[] =
    ":root{color-scheme:light "
    "dark;--ink:#1b1f24;--dim:#5b6470;--paper:#fff;--card:#f5f7f9;--line:#d5dae0;--good:#0b6e3a;--bad:#"
    "b3261e;"
    "--skip:#7a5b00}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--dim:#9aa4b0;--paper:#14171b;--card:#1d2126;--"
    "line:#343b44;--good:#57c98a;"
    "--bad:#ff8a80;--skip:#e0bd5a}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:62rem;padding:2rem "
    "1.25rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:0}.sum{font-size:1.15rem;margin:.5rem "
    "0 1rem}\n"
    ".good{color:var(--good)}.bad{color:var(--bad)}.skip{color:var(--skip)}.dim{color:var(--dim)}b.v{text-"
    "transform:uppercase;"
    "font-size:.8rem;letter-spacing:.04em}\n"
    "dl.about{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0}dl.about "
    "dt{color:var(--dim)}dd{margin:0}\n"
    "table{border-collapse:collapse;width:100%;margin:1rem 0 "
    "2rem;font-size:.93rem}th,td{text-align:left;padding:.3rem .6rem .3rem 0;"
    "border-bottom:1px solid var(--line);vertical-align:top}a{color:inherit}\n"
    "article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem "
    "1.2rem;margin:1rem 0}\n"
    "article header{display:flex;gap:1rem;justify-content:space-between;align-items:baseline}article "
    "p{margin:.35rem 0}\n"
    "ol{margin:.5rem 0;padding-left:0;list-style:none}li{padding:.15rem 0}code,pre{font:13px/1.45 "
    "ui-monospace,monospace}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0 .3rem 1.6rem;padding:.5rem "
    ".7rem;border-left:3px solid var(--line);"
    "background:var(--paper)}pre.bad{border-color:var(--bad)}\n"
    "li code{overflow-wrap:anywhere}li "
    ".no{display:inline-block;width:2.4rem;color:var(--dim)}details{margin:.2rem 0 .2rem 1.6rem}"
    "summary{cursor:pointer}\n"
    "@media "
    "print{:root{--ink:#000;--dim:#444;--paper:#fff;--card:#fff;--line:#999;--good:#000;--bad:#000;--skip:#"
    "000}"
    "body{max-width:none;padding:0;font-size:10.5pt}article{break-inside:auto;border-radius:0}article "
    "header,li{break-inside:avoid}}\n";

/* Evidence is folded on a screen and open on paper. */
static const char script[] =
    "addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>d.open=true))";

static const char *class_of(const char *verdict)
{
	return strcmp(verdict, "passed") == 0 ? "good" : strcmp(verdict, "skipped") == 0 ? "skip" : "bad";
}

static void element(struct px_buf *out, const char *before, const char *text, const char *after)
{
	px_buf_adds(out, before);
	px_report_escape(out, text);
	px_buf_adds(out, after);
}

static void paragraph(struct px_buf *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	px_buf_addf(out, "<p><span class=\"dim\">%s</span> ", label);
	px_report_escape(out, text);
	px_buf_adds(out, "</p>\n");
}

static void evidence(struct px_buf *out, const json_t *list)
{
	const json_t *e;
	for (size_t i = 0; (e = json_array_get(list, i)) != NULL; i++) {
		const char *verdict = px_report_text(e, "verdict");
		bool good = strncmp(verdict, "verifies", 8) == 0;
		px_buf_adds(out, "<details><summary>");
		px_report_escape(out, px_report_text(e, "what"));
		px_buf_addf(out, " <span class=\"%s\">", good ? "good" : "dim");
		px_report_escape(out, verdict);
		element(out, "</span></summary><pre>", px_report_text(e, "octets"), "</pre></details>\n");
	}
}

static void step(struct px_buf *out, const json_t *s)
{
	bool good = json_is_true(json_object_get(s, "ok"));
	const json_t *notes = json_object_get(s, "notes"), *note;
	px_buf_addf(out, "<li><span class=\"no\">%lld</span><span class=\"%s\">%s</span> <code>",
		    (long long)json_integer_value(json_object_get(s, "line")), good ? "good" : "bad",
		    good ? "\xe2\x9c\x93" : "\xe2\x9c\x97");
	px_report_escape(out, px_report_text(s, "text"));
	px_buf_adds(out, "</code>\n");
	for (size_t i = 0; (note = json_array_get(notes, i)) != NULL; i++)
		element(out, "<pre>", json_string_value(note), "</pre>");
	if (!good) {
		element(out, "<pre class=\"bad\">expected: ", px_report_text(s, "expected"), "\n");
		element(out, "came: ", px_report_text(s, "came"), "</pre>\n");
	}
	evidence(out, json_object_get(s, "evidence"));
	px_buf_adds(out, "</li>\n");
}

static void one_case(struct px_buf *out, const json_t *r)
{
	const char *verdict = px_report_text(r, "verdict");
	const json_t *steps = json_object_get(r, "steps"), *s;
	element(out, "<article id=\"", px_report_text(r, "id"), "\"><header><h2>");
	px_report_escape(out, px_report_text(r, "id"));
	px_buf_adds(out, " ");
	px_report_escape(out, px_report_text(r, "title"));
	px_buf_addf(out, "</h2><b class=\"v %s\">%s</b></header>\n", class_of(verdict), verdict);
	paragraph(out, "Purpose:", px_report_text(r, "purpose"));
	paragraph(out, "Clauses of the wire protocol:", px_report_text(r, "clauses"));
	paragraph(out, "Precondition:", px_report_text(r, "precondition"));
	paragraph(out, strcmp(verdict, "skipped") == 0 ? "Skipped:" : "Why:", px_report_text(r, "why"));
	if (json_array_size(steps) > 0)
		px_buf_adds(out, "<ol>\n");
	for (size_t i = 0; (s = json_array_get(steps, i)) != NULL; i++)
		step(out, s);
	if (json_array_size(steps) > 0)
		px_buf_adds(out, "</ol>\n");
	px_buf_adds(out, "</article>\n");
}

/* @certifies: of a target, so that there is a verdict about it. */
static void summary(struct px_buf *out, const json_t *reports, bool certifies)
{
	unsigned n[3] = {0};
	static const char *const names[] = {"passed", "failed", "skipped"};
	const json_t *r;
	for (size_t i = 0; (r = json_array_get(reports, i)) != NULL; i++) {
		for (unsigned k = 0; k < 3; k++)
			n[k] += strcmp(px_report_text(r, "verdict"), names[k]) == 0;
	}
	px_buf_adds(out, "<p class=\"sum\">");
	if (certifies) {
		bool good = n[0] > 0 && n[1] == 0;
		px_buf_addf(out, "<b class=\"%s\">%s</b>: ", good ? "good" : "bad",
			    good ? "Conforms" : "Does not conform");
	}
	for (unsigned k = 0; k < 3; k++) {
		if (n[k] > 0 || k < 2)
			px_buf_addf(out, "%s<b class=\"%s\">%u %s</b>", k > 0 ? ", " : "",
				    n[k] > 0 ? class_of(names[k]) : "dim", n[k], names[k]);
	}
	px_buf_adds(out, "</p>\n");
}

/* What failed comes first, then what was not played. Owned. */
static json_t *by_verdict(const json_t *reports)
{
	static const char *const order[] = {"failed", "skipped", "passed"};
	json_t *sorted = json_array(), *r;
	size_t i;
	for (unsigned k = 0; k < 3; k++) {
		json_array_foreach((json_t *)reports, i, r)
		{
			if (strcmp(px_report_text(r, "verdict"), order[k]) == 0)
				json_array_append(sorted, r);
		}
	}
	return sorted;
}

static void index_of(struct px_buf *out, const json_t *reports)
{
	const json_t *r;
	px_buf_adds(out, "<table><thead><tr><th>Case</th><th>Title</th><th>Clauses</th><th>Took</th>"
			 "<th>Verdict</th></tr></thead><tbody>\n");
	for (size_t i = 0; (r = json_array_get(reports, i)) != NULL; i++) {
		const char *verdict = px_report_text(r, "verdict");
		element(out, "<tr><td><a href=\"#", px_report_text(r, "id"), "\">");
		element(out, "", px_report_text(r, "id"), "</a></td><td>");
		element(out, "", px_report_text(r, "title"), "</td><td>");
		element(out, "", px_report_text(r, "clauses"), "</td>");
		px_buf_addf(out, "<td>%.1f s</td><td class=\"%s\">%s</td></tr>\n",
			    (double)json_integer_value(json_object_get(r, "ms")) / 1000, class_of(verdict),
			    verdict);
	}
	px_buf_adds(out, "</tbody></table>\n");
}

void px_report_html(const json_t *reports, const json_t *about, struct px_buf *out)
{
	const char *name;
	json_t *value;
	const json_t *r;
	px_buf_adds(
	    out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		 "content=\"width=device-width\"><title>Conformance report</title>\n<style>\n");
	px_buf_adds(out, style);
	px_buf_addf(out, "</style><script>%s</script></head><body>\n<h1>Conformance report</h1>\n", script);
	summary(out, reports, json_object_get(about, "Target") != NULL);
	px_buf_adds(out, "<dl class=\"about\">");
	json_object_foreach((json_t *)about, name, value)
	{
		element(out, "<dt>", name, "</dt>");
		element(out, "<dd>", json_string_value(value), "</dd>\n");
	}
	px_buf_adds(out, "</dl>\n");
	json_t *sorted = by_verdict(reports);
	index_of(out, sorted);
	for (size_t i = 0; (r = json_array_get(sorted, i)) != NULL; i++)
		one_case(out, r);
	json_decref(sorted);
	px_buf_adds(out, "</body></html>\n");
}
