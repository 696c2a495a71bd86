/* prinex: prinexctl: the pre-arrival letter as a page of HTML
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <qrencode.h>

#include "base/strings.h"
#include "letter.h"

/* A page for A4 that loads nothing: no script, no picture, no font from elsewhere. */
static const char style[] =
    "@page{size:A4;margin:18mm 16mm}"
    "body{font:10.5pt/1.35 \"Liberation Sans\",Arial,sans-serif;color:#000;max-width:178mm;margin:0 "
    "auto;padding:4mm}"
    "h1{font-size:16pt;margin:0 0 3mm}h2{font-size:11.5pt;margin:5mm 0 1mm;border-bottom:.3mm solid #000;"
    "break-after:avoid}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.6mm 2mm "
    ".6mm 0}"
    "tr{break-inside:avoid}th{font-weight:600}.rows th{width:52mm;font-weight:400;color:#333}"
    ".goods th{border-bottom:.2mm solid #000}.goods td{border-bottom:.1mm solid #999}"
    ".goods .n{text-align:right;white-space:nowrap}.mono{font-family:\"Liberation Mono\",monospace;"
    "overflow-wrap:anywhere}"
    ".verify{break-inside:avoid}.code{float:right;width:38mm;height:38mm;margin:0 0 2mm 5mm}"
    "ol{margin:1mm 0;padding-left:6mm}.note{font-size:9pt;color:#333;margin-top:3mm}"
    "@media print{body{padding:0;max-width:none}}";

/* U+202A to U+202E and U+2066 to U+2069 turn round what is shown behind them: a name must not change how the
 * number beside it reads. */
static bool is_direction(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	return u[0] == 0xe2 && ((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
				(u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

/* Text for HTML: markup escaped, control characters left out, line ends as breaks. */
static void add_html(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		while (is_direction(s))
			s += 3;
		switch (*s) {
		case '\0': return;
		case '&': px_buf_adds(out, "&amp;"); break;
		case '<': px_buf_adds(out, "&lt;"); break;
		case '>': px_buf_adds(out, "&gt;"); break;
		case '"': px_buf_adds(out, "&quot;"); break;
		case '\n': px_buf_adds(out, "<br>"); break;
		default:
			if ((unsigned char)*s >= ' ' && *s != 0x7f)
				px_buf_add(out, s, 1);
		}
	}
}

/** What the parts of the page share. */
struct page {
	struct px_buf *out;
	const struct letter_texts *texts;
	const struct letter_facts *facts;
	bool open; /* a table of rows */
};

static const char *text(const struct page *p, enum letter_text id)
{
	return p->texts->text[id];
}

/* A text with its places filled in. */
static void add_filled(const struct page *p, enum letter_text id)
{
	const struct {
		const char *place, *value;
	} fills[] = {{"{sender}", p->facts->sender},
		     {"{recipient}", p->facts->recipient},
		     {"{message}", p->facts->message_id}};
	struct px_buf filled = PX_BUF_INIT;
	for (const char *s = text(p, id); *s != '\0';) {
		size_t used = 0;
		for (size_t i = 0; i < PX_ARRAY_LEN(fills) && used == 0; i++) {
			if (px_str_starts(s, fills[i].place)) {
				px_buf_adds(&filled, fills[i].value);
				used = strlen(fills[i].place);
			}
		}
		if (used == 0)
			px_buf_add(&filled, s, 1);
		s += used == 0 ? 1 : used;
	}
	add_html(p->out, px_buf_str(&filled));
	px_buf_free(&filled);
}

/* --- rows
 * ------------------------------------------------------------------------------------------------------- */

static void end_rows(struct page *p)
{
	if (p->open)
		px_buf_adds(p->out, "</table>\n");
	p->open = false;
}

static void heading(struct page *p, enum letter_text id)
{
	end_rows(p);
	px_buf_adds(p->out, "<h2>");
	add_html(p->out, text(p, id));
	px_buf_adds(p->out, "</h2>\n");
}

static void put_row(struct page *p, enum letter_text label, const char *value)
{
	if (!p->open)
		px_buf_adds(p->out, "<table class=\"rows\">\n");
	p->open = true;
	px_buf_adds(p->out, "<tr><th scope=\"row\">");
	add_html(p->out, text(p, label));
	px_buf_adds(p->out, "</th><td>");
	add_html(p->out, value);
	px_buf_adds(p->out, "</td></tr>\n");
}

static void on_row(void *arg, enum letter_text label, const char *value)
{
	if (value == NULL)
		heading(arg, label);
	else
		put_row(arg, label, value);
}

/* --- goods
 * ------------------------------------------------------------------------------------------------------ */

static void put_cells(struct page *p, const char *element, const char *const cells[LETTER_CELLS])
{
	px_buf_adds(p->out, "<tr>");
	for (unsigned i = 0; i < LETTER_CELLS; i++) {
		px_buf_addf(p->out, "<%s%s>", element, i == 0 || i > 3 ? " class=\"n\"" : "");
		add_html(p->out, cells[i]);
		px_buf_addf(p->out, "</%s>", element);
	}
	px_buf_adds(p->out, "</tr>\n");
}

static void on_item(void *arg, bool total, const char *const cells[LETTER_CELLS])
{
	struct page *p = arg;
	const char *row[LETTER_CELLS];
	if (!p->open) {
		const char *const heads[LETTER_CELLS] = {text(p, TEXT_NUMBER),   text(p, TEXT_DESCRIPTION),
							 text(p, TEXT_CODE),     text(p, TEXT_ORIGIN),
							 text(p, TEXT_PACKAGES), text(p, TEXT_GROSS),
							 text(p, TEXT_NET)};
		heading(p, TEXT_GOODS);
		px_buf_adds(p->out, "<table class=\"goods\">\n<thead>");
		put_cells(p, "th", heads);
		px_buf_adds(p->out, "</thead>\n");
		p->open = true;
	}
	memcpy(row, cells, sizeof(row));
	if (total)
		row[1] = text(p, TEXT_TOTAL);
	put_cells(p, total ? "th" : "td", row);
}

/* --- proof
 * ------------------------------------------------------------------------------------------------------ */

/* The modules as one path: a square of side 1 for each dark one; four light ones around, as the standard
 * asks. */
static void put_code(struct page *p, const QRcode *code)
{
	px_buf_addf(p->out,
		    "<svg class=\"code\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-4 -4 %d %d\" "
		    "shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"QR\"><path d=\"",
		    code->width + 8, code->width + 8);
	for (int y = 0; y < code->width; y++) {
		for (int x = 0; x < code->width; x++) {
			if ((code->data[y * code->width + x] & 1) != 0)
				px_buf_addf(p->out, "M%d %dh1v1h-1z", x, y);
		}
	}
	px_buf_adds(p->out, "\"/></svg>\n");
}

static bool put_proof(struct page *p, struct letter *letter, struct px_buf *why)
{
	static const enum letter_text steps[] = {TEXT_VERIFY_COMPARE, TEXT_VERIFY_ASK, TEXT_VERIFY_OCTETS,
						 TEXT_VERIFY_SIGNATURE};
	struct px_buf content = PX_BUF_INIT;
	px_buf_addf(&content, "PRINEX %s/%s\nMRN ", p->facts->sender, p->facts->message_id);
	letter_mrn(letter, &content);
	px_buf_addf(&content, "\nSHA-256 %s", p->facts->sha256);
	QRcode *code = QRcode_encodeString8bit(px_buf_str(&content), 0, QR_ECLEVEL_M);
	if (code == NULL)
		px_buf_setf(why, "cannot make the QR code: %s", strerror(errno));
	px_buf_free(&content);
	px_buf_adds(p->out, "<section class=\"verify\">");
	heading(p, TEXT_VERIFY);
	if (code != NULL)
		put_code(p, code);
	QRcode_free(code);
	px_buf_adds(p->out, "<p>");
	add_html(p->out, text(p, TEXT_DIGEST));
	px_buf_adds(p->out, ":<br><span class=\"mono\">");
	for (unsigned i = 0; i < strlen(p->facts->sha256); i += 8)
		px_buf_addf(p->out, "%s%.8s", i > 0 ? " " : "", p->facts->sha256 + i);
	px_buf_adds(p->out, "</span></p>\n<p>");
	add_html(p->out, text(p, TEXT_QR));
	px_buf_adds(p->out, "</p>\n<ol>\n");
	for (size_t i = 0; i < PX_ARRAY_LEN(steps); i++) {
		px_buf_adds(p->out, "<li>");
		add_filled(p, steps[i]);
		px_buf_adds(p->out, "</li>\n");
	}
	px_buf_adds(p->out, "</ol>\n</section>\n");
	return why->len == 0;
}

/* --- the page
 * --------------------------------------------------------------------------------------------------- */

static void put_head(struct page *p)
{
	px_buf_addf(p->out,
		    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		    "'unsafe-inline'\">\n<title>",
		    p->texts->language);
	add_html(p->out, text(p, TEXT_TITLE));
	px_buf_addf(p->out, " %s/%s</title>\n<style>%s</style>\n</head>\n<body>\n<h1>", p->facts->sender,
		    p->facts->message_id, style);
	add_html(p->out, text(p, TEXT_TITLE));
	px_buf_adds(p->out, "</h1>\n<p>");
	add_filled(p, TEXT_INTRO);
	px_buf_adds(p->out, "</p>\n");
}

bool letter_page(struct letter *letter, const struct letter_texts *texts, const struct letter_facts *facts,
		 struct px_buf *out, struct px_buf *why)
{
	struct page page = {.out = out, .texts = texts, .facts = facts}, *p = &page;
	put_head(p);
	put_row(p, TEXT_FROM, facts->sender);
	put_row(p, TEXT_TO, facts->recipient);
	put_row(p, TEXT_MESSAGE, facts->message_id);
	put_row(p, TEXT_KIND, facts->type);
	put_row(p, TEXT_MADE, facts->created);
	if (facts->accepted[0] != '\0')
		put_row(p, TEXT_ACCEPTED, facts->accepted);
	put_row(p, TEXT_PRINTED, facts->printed);
	letter_rows(letter, texts, on_row, p);
	end_rows(p);
	letter_items(letter, on_item, p);
	end_rows(p);
	bool good = put_proof(p, letter, why);
	px_buf_adds(out, "<p class=\"note\">");
	add_filled(p, TEXT_NOTE);
	px_buf_adds(out, "</p>\n</body>\n</html>\n");
	return good;
}
