/* prinex: an answer in a line or two: what it is, and why something was refused
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "play.h"

#define ERRORS_SHOWN 5
#define TEXT_SHOWN   300

/* `CODE: text`, a line each. */
static void add_errors(const struct px_buf *body, struct px_buf *out)
{
	struct px_buf path = PX_BUF_INIT, code = PX_BUF_INIT, text = PX_BUF_INIT;
	for (unsigned i = 1; i <= ERRORS_SHOWN + 1; i++) {
		px_buf_clear(&code);
		px_buf_clear(&text);
		px_buf_setf(&path, "(//px:Error)[%u]/@code", i);
		if (px_xpath(body, px_buf_str(&path), &code) != PX_OK)
			break;
		if (i > ERRORS_SHOWN) {
			px_buf_adds(out, "\nand more");
			break;
		}
		px_buf_setf(&path, "(//px:Error)[%u]", i);
		(void)px_xpath(body, px_buf_str(&path), &text);
		px_buf_addf(out, "%s%s: %.*s", i == 1 ? " " : "\n", px_buf_str(&code), TEXT_SHOWN,
			    px_buf_str(&text));
	}
	px_buf_free(&path);
	px_buf_free(&code);
	px_buf_free(&text);
}

void px_body_line(const struct px_buf *body, struct px_buf *out)
{
	struct px_buf kind = PX_BUF_INIT;
	const char *text = px_buf_str(body);
	if (px_str_starts(text, "<px:Confirmation ") && px_xpath(body, "Kind", &kind) == PX_OK) {
		px_buf_addf(out, " %s", px_buf_str(&kind));
		add_errors(body, out);
	} else if (text[0] == '<') {
		px_buf_addf(out, " %.*s>, %zu octets", (int)strcspn(text, " \n>"), text, body->len);
	} else if (body->len > 0) {
		px_buf_addf(out, ": %.*s", TEXT_SHOWN, text);
	}
	px_buf_free(&kind);
}

void px_answer_line(const struct px_answer *a, struct px_buf *out)
{
	if (a->doc != NULL && a->doc->name != NULL)
		px_buf_addf(out, "%s: ", a->doc->name);
	if (a->rc != PX_OK) {
		px_buf_addf(out, "no answer: %s", px_buf_str(&a->why));
		return;
	}
	px_buf_addf(out, "%d", a->reply.status);
	px_body_line(&a->reply.body, out);
}

void px_refusal_note(struct px_play *p, const struct px_answer *a)
{
	if (p->refused.len == 0 && a->rc == PX_OK && a->reply.status >= 400)
		px_answer_line(a, &p->refused);
}

void px_refusal_expected(struct px_play *p)
{
	px_buf_clear(&p->refused);
}

void px_refusal_tell(struct px_play *p)
{
	if (p->refused.len > 0 && strstr(px_buf_str(&p->came), px_buf_str(&p->refused)) == NULL)
		px_buf_addf(&p->came, "%srefused before, which nobody expected: %s",
			    px_str_ends(px_buf_str(&p->came), "\n") || p->came.len == 0 ? "" : "\n",
			    px_buf_str(&p->refused));
}
