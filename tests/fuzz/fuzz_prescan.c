/* prinex: fuzzing the pre-scan, and the search for elements against the parser's tree
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include <libxml/parser.h>

#include "xml/examine.h"
#include "xml/locate.h"
#include "xml/prescan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_elements(const xmlNode *node)
{
	unsigned n = 1;
	for (const xmlNode *c = node->children; c != NULL; c = c->next)
		n += c->type == XML_ELEMENT_NODE ? count_elements(c) : 0;
	return n;
}

/* Where pre-scan and parser both agree, every element has one start tag and nearly all an end. */
static void check_tags(const uint8_t *data, size_t size, const xmlNode *root, const struct px_span *payload)
{
	struct px_tags tags = {.data = data, .len = size};
	struct px_span span;
	unsigned opened = 0, closed = 0;
	for (;;) {
		enum px_tag kind = px_tags_next(&tags, &span);
		if (kind == PX_TAG_END_OF_DATA)
			break;
		px_assert(span.offset + span.len <= size && data[span.offset] == '<');
		opened += kind != PX_TAG_CLOSE;
		closed += kind != PX_TAG_OPEN;
	}
	px_assert(opened == count_elements(root) && closed == opened);
	static const unsigned path[] = {1, 0};
	bool found = px_locate(data, size, path, 2, &span, NULL);
	px_assert(found == (payload->len > 0));
	px_assert(!found || (span.offset == payload->offset && span.len == payload->len));
	px_assert(px_locate(data, size, NULL, 0, &span, NULL));
	px_assert(span.offset + span.len <= size && data[span.offset + span.len - 1] == '>');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_findings errors = {0};
	px_xml_init();
	struct px_span payload;
	int rc = px_prescan_payload(data, size, &payload, &errors);
	px_assert((rc == PX_OK) == (errors.total == 0));
	for (unsigned i = 0; i < errors.n; i++)
		px_assert(errors.items[i].line >= 1 && errors.items[i].text[0] != '\0');
	px_findings_free(&errors);
	struct px_span span;
	static const unsigned path[] = {1, 0};
	if (px_locate(data, size, path, 2, &span, NULL))
		px_assert(span.offset + span.len <= size);
	if (rc != PX_OK)
		return 0;
	xmlDocPtr doc = xmlReadMemory((const char *)data, (int)size, NULL, NULL,
				      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc != NULL && xmlDocGetRootElement(doc) != NULL)
		check_tags(data, size, xmlDocGetRootElement(doc), &payload);
	xmlFreeDoc(doc);
	return 0;
}
