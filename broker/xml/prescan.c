/* prinex: byte-level scan of hostile XML before any parser sees it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/prescan.h"

#include <strings.h>

#include "base/strings.h"

struct scan {
	const uint8_t *start, *p, *end;
	struct px_findings *errors;
	/* Lines are counted only when something is wrong, onwards from the last place asked for. */
	const uint8_t *counted;
	unsigned line;
	unsigned depth, prefixes;
	unsigned long elements;
	bool has_references; /* there is a '&' at all */
	bool told_depth, told_prefixes, told_elements;
	struct px_span payload; /* len 0: not seen, or not its end */
	unsigned children;      /* of the root */
	bool in_payload;
	uint8_t declared[64 + 1]; /* namespace declarations of each open element; at most
				     PX_LIMIT_XML_ATTRIBUTES count */
};

static unsigned line_of(struct scan *s, const uint8_t *at)
{
	if (at < s->counted) {
		s->counted = s->start;
		s->line = 1;
	}
	const uint8_t *p = s->counted;
	while (p < at && (p = memchr(p, '\n', (size_t)(at - p))) != NULL) {
		s->line++;
		p++;
	}
	s->counted = at;
	return s->line;
}

/* The octets a message shows of a place in markup, at most. */
#define SHOWN 32

/* @at: text that has passed check_characters, or @len 0; cut where the document ends. White space is shown
 * as blanks. */
static void report(struct scan *s, enum px_code code, const uint8_t *at, size_t len, const char *text)
{
	char shown[65] = "";
	len = PX_MIN(len, (size_t)(s->end - at));
	len = px_utf8_cut((const char *)at, len, sizeof(shown) - 1);
	for (size_t i = 0; i < len; i++)
		shown[i] = at[i] < 0x20 || at[i] == 0x7f ? ' ' : (char)at[i];
	shown[len] = '\0';
	unsigned line = s->errors->n < PX_ERRORS_MAX ? line_of(s, at) : 0;
	px_findings_add(s->errors, code, line, NULL, len > 0 ? shown : NULL, "%s", text);
}

/* --- characters --- */

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* 0x80 for each octet of @w (all below 0x80) that is @c. Exact: nothing is carried from octet to octet. */
static uint64_t equal(uint64_t w, uint64_t c)
{
	return ~((w ^ ONES * c) + ONES * 0x7f) & HIGHS;
}

/* Eight octets of ASCII that XML allows: none above 0x7f, none below 0x20 but white space. */
static bool is_plain(uint64_t w)
{
	if ((w & HIGHS) != 0)
		return false;
	uint64_t control = ~(w + ONES * 0x60) & HIGHS;
	return control == 0 || (control & ~(equal(w, '\n') | equal(w, '\t') | equal(w, '\r'))) == 0;
}

static void report_octet(struct scan *s, const uint8_t *p)
{
	bool xml_cannot = s->end - p >= 3 &&
			  ((p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe));
	char text[80];
	if (*p < 0x20)
		snprintf(text, sizeof(text), "the control character U+%04X is not allowed in XML",
			 (unsigned)*p);
	else if (xml_cannot)
		snprintf(text, sizeof(text), "a surrogate or noncharacter is not allowed in XML");
	else
		snprintf(text, sizeof(text), "octet 0x%02X is not UTF-8 here", (unsigned)*p);
	report(s, *p < 0x20 || xml_cannot ? PX_CODE_SCAN_CHARACTER : PX_CODE_SCAN_ENCODING, p, 0, text);
}

/* One wrong octet is mostly followed by many: the first of each line is reported. */
static void check_characters(struct scan *s)
{
	const uint8_t *p = s->p, *quiet_to = p;
	while (p < s->end) {
		uint64_t w;
		if ((size_t)(s->end - p) >= sizeof(w)) {
			memcpy(&w, p, sizeof(w));
			if (is_plain(w)) {
				p += sizeof(w);
				continue;
			}
		}
		if ((*p >= 0x20 && *p < 0x80) || *p == '\n' || *p == '\r' || *p == '\t') {
			p++;
			continue;
		}
		size_t n = px_utf8_length((const char *)p, (size_t)(s->end - p));
		if (n <= 1 && p >= quiet_to) {
			report_octet(s, p);
			const uint8_t *eol = memchr(p, '\n', (size_t)(s->end - p));
			quiet_to = eol != NULL ? eol : s->end;
		}
		p += n == 0 ? 1 : n;
	}
}

/* --- markup --- */

/* Octets that end a name; the ones of white space among them have bit 1. */
static const uint8_t ends_name[256] = {
    [' '] = 3, ['\t'] = 3, ['\n'] = 3, ['\r'] = 3, ['>'] = 1, ['/'] = 1,
    ['='] = 1, ['<'] = 1,  ['"'] = 1,  ['\''] = 1, ['&'] = 1, ['?'] = 1,
};

static bool is_space(uint8_t c)
{
	return (ends_name[c] & 2) != 0;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && is_space(*s->p))
		s->p++;
}

static size_t take_name(struct scan *s)
{
	const uint8_t *from = s->p;
	/* Letters and all that is not ASCII have one of the two high bits; what ends a name has none. */
	for (uint64_t w; (size_t)(s->end - s->p) >= sizeof(w); s->p += sizeof(w)) {
		memcpy(&w, s->p, sizeof(w));
		if (((w | w >> 1) & ONES * 0x40) != ONES * 0x40)
			break;
	}
	while (s->p < s->end && !ends_name[*s->p])
		s->p++;
	size_t n = (size_t)(s->p - from);
	if (n > (size_t)PX_LIMIT_XML_NAME)
		report(s, PX_CODE_SCAN_NAME, from, n, "a name is too long");
	return n;
}

/* Ends the scan: what follows broken markup cannot be judged. */
static bool broken(struct scan *s, const uint8_t *at, const char *text)
{
	report(s, PX_CODE_SCAN_SYNTAX, at, SHOWN, text);
	return false;
}

/* Go behind @mark. */
static bool skip_to(struct scan *s, const uint8_t *from, const char *mark, const char *text)
{
	const uint8_t *found = memmem(s->p, (size_t)(s->end - s->p), mark, strlen(mark));
	if (found == NULL)
		return broken(s, from, text);
	s->p = found + strlen(mark);
	return true;
}

/* An entity's name is a name; the parser collects it whole before it finds that no such entity exists. */
static void check_references(struct scan *s, const uint8_t *from, size_t len)
{
	const uint8_t *p = from, *end = from + len;
	if (!s->has_references)
		return;
	while (p < end && (p = memchr(p, '&', (size_t)(end - p))) != NULL) {
		size_t room = PX_MIN((size_t)(end - p), (size_t)PX_LIMIT_XML_NAME + 2);
		if (memchr(p, ';', room) == NULL && room == (size_t)PX_LIMIT_XML_NAME + 2)
			report(s, PX_CODE_SCAN_TOKEN, p, room, "a reference is too long");
		p++;
	}
}

static bool take_attribute(struct scan *s, unsigned *declared)
{
	const uint8_t *name = s->p;
	size_t n = take_name(s);
	if (n == 0)
		return broken(s, name, "a tag holds something that is not an attribute");
	if (n >= 5 && memcmp(name, "xmlns", 5) == 0 && (n == 5 || name[5] == ':'))
		++*declared;
	skip_space(s);
	if (s->p == s->end || *s->p != '=')
		return broken(s, name, "an attribute without a value");
	s->p++;
	skip_space(s);
	if (s->p == s->end || (*s->p != '"' && *s->p != '\''))
		return broken(s, name, "an attribute value is not quoted");
	const uint8_t *value = s->p + 1;
	const uint8_t *close = memchr(value, *s->p, (size_t)(s->end - value));
	if (close == NULL)
		return broken(s, name, "an attribute value does not end");
	size_t len = (size_t)(close - value);
	if (memchr(value, '<', len) != NULL)
		return broken(s, name, "an attribute value holds '<'");
	if (len > (size_t)PX_LIMIT_XML_TOKEN)
		report(s, PX_CODE_SCAN_TOKEN, name, n, "an attribute value is too long");
	check_references(s, value, len);
	s->p = close + 1;
	return true;
}

/* In front of an element that stands no deeper than the payload does. The position is behind its tag. */
static void note_payload(struct scan *s, const uint8_t *at, bool empty)
{
	s->children += s->depth == 1;
	if (s->depth != 2 || s->children != 2 || s->payload.offset != 0)
		return;
	s->payload.offset = (size_t)(at - s->start);
	s->in_payload = !empty;
	if (empty)
		s->payload.len = (size_t)(s->p - at);
}

static void open_element(struct scan *s, const uint8_t *at, unsigned attributes, unsigned declared,
			 bool empty)
{
	if (attributes > (unsigned)PX_LIMIT_XML_ATTRIBUTES)
		report(s, PX_CODE_SCAN_ATTRIBUTES, at, SHOWN, "an element has too many attributes");
	if (++s->elements > (unsigned long)PX_LIMIT_XML_ELEMENTS && !s->told_elements) {
		report(s, PX_CODE_SCAN_ELEMENTS, at, 0, "too many elements");
		s->told_elements = true;
	}
	declared = PX_MIN(declared, 255u);
	if (s->prefixes + declared > (unsigned)PX_LIMIT_XML_PREFIXES && !s->told_prefixes) {
		report(s, PX_CODE_SCAN_PREFIXES, at, SHOWN, "too many namespace declarations in scope");
		s->told_prefixes = true;
	}
	if (s->depth + 1 > (unsigned)PX_LIMIT_XML_DEPTH && !s->told_depth) {
		report(s, PX_CODE_SCAN_DEPTH, at, SHOWN, "elements are nested too deeply");
		s->told_depth = true;
	}
	if (s->depth <= 2)
		note_payload(s, at, empty);
	if (empty)
		return;
	s->depth++;
	if (s->depth < PX_ARRAY_LEN(s->declared)) {
		s->declared[s->depth] = (uint8_t)declared;
		s->prefixes += declared;
	}
}

static bool scan_start(struct scan *s)
{
	const uint8_t *from = s->p++;
	unsigned attributes = 0, declared = 0;
	if (take_name(s) == 0)
		return broken(s, from, "'<' begins no tag");
	for (;;) {
		skip_space(s);
		if (s->p == s->end)
			return broken(s, from, "a tag does not end");
		if (*s->p == '>') {
			s->p++;
			open_element(s, from, attributes, declared, false);
			return true;
		}
		if (*s->p == '/' && s->end - s->p > 1 && s->p[1] == '>') {
			s->p += 2;
			open_element(s, from, attributes, declared, true);
			return true;
		}
		if (!take_attribute(s, &declared))
			return false;
		attributes++;
	}
}

static bool scan_end(struct scan *s)
{
	const uint8_t *from = s->p, *close = memchr(s->p, '>', (size_t)(s->end - s->p));
	if (close == NULL)
		return broken(s, from, "an end tag does not end");
	if (close - from > PX_LIMIT_XML_NAME + 2) { /* else the name is short enough, whatever it is */
		s->p += 2;
		take_name(s);
	}
	s->p = close;
	if (s->depth == 0)
		return broken(s, from, "an end tag without its element");
	if (s->depth < PX_ARRAY_LEN(s->declared))
		s->prefixes -= s->declared[s->depth];
	s->depth--;
	s->p++;
	if (s->in_payload && s->depth == 2) {
		s->payload.len = (size_t)(s->p - s->start) - s->payload.offset;
		s->in_payload = false;
	}
	return true;
}

static bool starts(const struct scan *s, const char *mark)
{
	size_t n = strlen(mark);
	return (size_t)(s->end - s->p) >= n && memcmp(s->p, mark, n) == 0;
}

static bool scan_pi(struct scan *s)
{
	const uint8_t *from = s->p;
	s->p += 2;
	if (take_name(s) == 0)
		return broken(s, from, "a processing instruction without a target");
	return skip_to(s, from, "?>", "a processing instruction does not end");
}

static bool scan_markup(struct scan *s)
{
	const uint8_t *from = s->p;
	if (s->end - s->p < 2)
		return broken(s, from, "the document ends inside a tag");
	if (s->p[1] == '/')
		return scan_end(s);
	if (s->p[1] == '?')
		return scan_pi(s);
	if (s->p[1] != '!')
		return scan_start(s);
	if (starts(s, "<!--")) {
		s->p += 4;
		return skip_to(s, from, "-->", "a comment does not end");
	}
	if (starts(s, "<![CDATA[")) {
		s->p += 9;
		return skip_to(s, from, "]]>", "a CDATA section does not end");
	}
	report(s, PX_CODE_SCAN_DOCTYPE, from, SHOWN,
	       "a markup declaration; only comments and CDATA sections are allowed");
	return false;
}

/* --- the beginning --- */

/* Value of pseudo-attribute @name in the XML declaration [@p, @end); NULL when it is not there. */
static const uint8_t *pseudo(const uint8_t *p, const uint8_t *end, const char *name, size_t *len)
{
	size_t n = strlen(name);
	const uint8_t *at = memmem(p, (size_t)(end - p), name, n);
	if (at == NULL)
		return NULL;
	for (at += n; at < end && (is_space(*at) || *at == '='); at++)
		;
	if (at == end || (*at != '"' && *at != '\''))
		return NULL;
	const uint8_t *close = memchr(at + 1, *at, (size_t)(end - at - 1));
	if (close == NULL)
		return NULL;
	*len = (size_t)(close - at - 1);
	return at + 1;
}

static bool scan_declaration(struct scan *s)
{
	if (!starts(s, "<?xml") || s->end - s->p < 6 || !is_space(s->p[5]))
		return true;
	const uint8_t *from = s->p, *value;
	size_t n;
	if (!skip_to(s, from, "?>", "the XML declaration does not end"))
		return false;
	if ((value = pseudo(from, s->p, "version", &n)) != NULL && (n != 3 || memcmp(value, "1.0", 3) != 0))
		return broken(s, value, "only XML 1.0 is read");
	if ((value = pseudo(from, s->p, "encoding", &n)) != NULL &&
	    (n != 5 || strncasecmp((const char *)value, "utf-8", 5) != 0)) {
		report(s, PX_CODE_SCAN_ENCODING, value, n,
		       "the XML declaration names another encoding than UTF-8");
		return false;
	}
	return true;
}

static bool looks_utf16(const uint8_t *d, size_t len)
{
	return len >= 2 && ((d[0] == 0xff && d[1] == 0xfe) || (d[0] == 0xfe && d[1] == 0xff) || (d[0] == 0) ||
			    (d[0] == '<' && d[1] == 0));
}

static bool scan_beginning(struct scan *s)
{
	if (looks_utf16(s->p, (size_t)(s->end - s->p))) {
		report(s, PX_CODE_SCAN_ENCODING, s->p, 0, "the document is in UTF-16 or UTF-32, not UTF-8");
		return false;
	}
	if (starts(s, "\xef\xbb\xbf"))
		s->p += 3;
	const uint8_t *p = s->p;
	while (p < s->end && is_space(*p))
		p++;
	if (p == s->end) {
		report(s, PX_CODE_SCAN_EMPTY, s->start, 0, "the document is empty");
		return false;
	}
	return scan_declaration(s);
}

static void scan_content(struct scan *s)
{
	s->has_references = memchr(s->p, '&', (size_t)(s->end - s->p)) != NULL;
	for (;;) {
		const uint8_t *text = s->p;
		const uint8_t *lt = memchr(text, '<', (size_t)(s->end - text));
		s->p = lt != NULL ? lt : s->end;
		check_references(s, text, (size_t)(s->p - text));
		if (lt == NULL || !scan_markup(s))
			return;
	}
}

int px_prescan_payload(const uint8_t *data, size_t len, struct px_span *payload, struct px_findings *errors)
{
	static const uint8_t nothing[1];
	if (len == 0)
		data = nothing;
	unsigned before = errors->total;
	struct scan s = {
	    .start = data, .p = data, .end = data + len, .errors = errors, .counted = data, .line = 1};
	if (scan_beginning(&s)) {
		check_characters(&s);
		/* Markup of a document in another encoding can't be told from its text. */
		if (errors->total == before)
			scan_content(&s);
	}
	*payload = s.payload;
	return errors->total == before ? PX_OK : PX_EPARSE;
}

int px_prescan(const uint8_t *data, size_t len, struct px_findings *errors)
{
	struct px_span payload;
	return px_prescan_payload(data, len, &payload, errors);
}
