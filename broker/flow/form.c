/* prinex: one answer as XML or as JSON
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/form.h"

#include "base/strings.h"

void px_form_start(struct px_form *f, bool json, struct px_buf *out)
{
	*f = (struct px_form){.out = out, .json = json, .first = true};
}

/* RFC 8259: quotation mark, backslash and control characters are escaped. */
static void add_json_text(struct px_buf *out, const char *s)
{
	px_buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			px_buf_addc(out, '\\');
		if ((unsigned char)*s < 0x20)
			px_buf_addf(out, "\\u%04x", (unsigned)*s);
		else
			px_buf_addc(out, *s);
	}
	px_buf_addc(out, '"');
}

/* MessageId: message_id; LRN: lrn. */
static void add_member(struct px_form *f, const char *name)
{
	if (!f->first)
		px_buf_addc(f->out, ',');
	f->first = false;
	if (f->level == 0 || (f->lists >> (f->level - 1) & 1) != 0)
		return;
	px_buf_addc(f->out, '"');
	for (const char *p = name; *p != '\0'; p++) {
		bool capital = *p >= 'A' && *p <= 'Z';
		if (capital && p != name && p[-1] >= 'a')
			px_buf_addc(f->out, '_');
		px_buf_addc(f->out, capital ? (char)(*p - 'A' + 'a') : *p);
	}
	px_buf_adds(f->out, "\":");
}

static void enter(struct px_form *f, bool list)
{
	px_assert(f->level < 32);
	f->lists = (f->lists & ~(UINT32_C(1) << f->level)) | (uint32_t)list << f->level;
	f->level++;
	f->first = true;
}

static void leave(struct px_form *f)
{
	px_assert(f->level > 0);
	f->level--;
	f->first = false;
}

void px_form_open(struct px_form *f, const char *name)
{
	if (f->json) {
		add_member(f, name);
		px_buf_addc(f->out, '{');
	} else {
		px_buf_addf(f->out, "<px:%s%s>", name,
			    f->level == 0 ? " xmlns:px=\"urn:prinex:exchange:1\"" : "");
	}
	enter(f, false);
}

void px_form_close(struct px_form *f, const char *name)
{
	if (f->json)
		px_buf_addc(f->out, '}');
	else
		px_buf_addf(f->out, "</px:%s>", name);
	leave(f);
}

void px_form_list(struct px_form *f, const char *name)
{
	if (f->json) {
		add_member(f, name);
		px_buf_addc(f->out, '[');
	}
	enter(f, true);
}

void px_form_list_end(struct px_form *f)
{
	if (f->json)
		px_buf_addc(f->out, ']');
	leave(f);
}

void px_form_text(struct px_form *f, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	if (f->json) {
		add_member(f, name);
		add_json_text(f->out, value);
		return;
	}
	px_buf_addf(f->out, "<px:%s>", name);
	px_buf_add_xml_text(f->out, value, strlen(value));
	px_buf_addf(f->out, "</px:%s>", name);
}

void px_form_time(struct px_form *f, const char *name, int64_t ms)
{
	char text[32] = "";
	if (ms != 0)
		px_time_format(ms, text, sizeof(text));
	px_form_text(f, name, text);
}
