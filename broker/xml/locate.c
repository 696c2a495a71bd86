/* prinex: where elements stand in the octets of a well-formed document
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/locate.h"

static bool starts(const struct px_tags *t, const char *mark)
{
	size_t n = strlen(mark);
	return t->len - t->at >= n && memcmp(t->data + t->at, mark, n) == 0;
}

/* Past the opening mark (whose octets are no part of the closing one: `<!-->` ends no comment), then behind
 * the next
 * @mark; the end when there is none. */
static void skip_to(struct px_tags *t, size_t opening, const char *mark)
{
	t->at = PX_MIN(t->at + opening, t->len);
	const uint8_t *p = memmem(t->data + t->at, t->len - t->at, mark, strlen(mark));
	t->at = p != NULL ? (size_t)(p - t->data) + strlen(mark) : t->len;
}

/* Comments, CDATA and PIs. @return whether there was one at this place. */
static bool skip_other(struct px_tags *t)
{
	if (t->len - t->at < 2 || (t->data[t->at + 1] != '!' && t->data[t->at + 1] != '?'))
		return false;
	if (starts(t, "<!--"))
		skip_to(t, 4, "-->");
	else if (starts(t, "<![CDATA["))
		skip_to(t, 9, "]]>");
	else if (starts(t, "<?"))
		skip_to(t, 2, "?>");
	else
		return false;
	return true;
}

/* From '<' to behind '>'; values may hold '>'. */
static bool skip_tag(struct px_tags *t)
{
	const uint8_t *from = t->data + t->at, *close = memchr(from, '>', t->len - t->at);
	if (close != NULL && memchr(from, '=', (size_t)(close - from)) == NULL) { /* no attributes */
		t->at = (size_t)(close - t->data) + 1;
		return true;
	}
	for (; t->at < t->len; t->at++) {
		uint8_t c = t->data[t->at];
		if (c == '>') {
			t->at++;
			return true;
		}
		if (c == '"' || c == '\'') {
			const uint8_t *p = memchr(t->data + t->at + 1, c, t->len - t->at - 1);
			if (p == NULL)
				break;
			t->at = (size_t)(p - t->data);
		}
	}
	t->at = t->len;
	return false;
}

enum px_tag px_tags_next(struct px_tags *tags, struct px_span *span)
{
	do {
		const uint8_t *p = memchr(tags->data + tags->at, '<', tags->len - tags->at);
		if (p == NULL)
			return PX_TAG_END_OF_DATA;
		tags->at = (size_t)(p - tags->data);
	} while (skip_other(tags));
	span->offset = tags->at;
	if (!skip_tag(tags))
		return PX_TAG_END_OF_DATA;
	span->len = tags->at - span->offset;
	if (tags->data[span->offset + 1] == '/')
		return PX_TAG_CLOSE;
	return tags->data[tags->at - 2] == '/' ? PX_TAG_EMPTY : PX_TAG_OPEN;
}

bool px_tags_element(struct px_tags *tags, struct px_span *outer, struct px_span *inner)
{
	struct px_span first, tag;
	enum px_tag kind = px_tags_next(tags, &first);
	if (kind == PX_TAG_EMPTY) {
		*outer = first;
		if (inner != NULL)
			*inner = (struct px_span){first.offset + first.len, 0};
		return true;
	}
	if (kind != PX_TAG_OPEN)
		return false;
	for (unsigned depth = 1; depth > 0;) {
		switch (px_tags_next(tags, &tag)) {
		case PX_TAG_OPEN: depth++; break;
		case PX_TAG_CLOSE: depth--; break;
		case PX_TAG_EMPTY: break;
		case PX_TAG_END_OF_DATA: return false;
		}
	}
	*outer = (struct px_span){first.offset, tags->at - first.offset};
	if (inner != NULL)
		*inner = (struct px_span){first.offset + first.len, tag.offset - first.offset - first.len};
	return true;
}

bool px_locate(const uint8_t *data, size_t len, const unsigned *path, unsigned depth, struct px_span *outer,
	       struct px_span *inner)
{
	struct px_tags t = {.data = data, .len = len};
	struct px_span tag;
	for (unsigned level = 0; level < depth; level++) {
		if (px_tags_next(&t, &tag) != PX_TAG_OPEN)
			return false;
		for (unsigned k = 0; k < path[level]; k++) {
			if (!px_tags_element(&t, outer, NULL))
				return false;
		}
	}
	return px_tags_element(&t, outer, inner);
}
