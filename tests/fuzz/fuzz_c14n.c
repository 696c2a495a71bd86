/* prinex: fuzzing canonicalization: any document, ours against libxml2's
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include "canonical.h"
#include "xml/prescan.h"
#include "xml/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last element of the document, and the one its parent begins with: parts to write alone, or leave out.
 */
static const xmlNode *last_element(const xmlNode *node)
{
	const xmlNode *last = node;
	while (node != NULL) {
		if (node->type == XML_ELEMENT_NODE)
			last = node;
		node = node->type == XML_ELEMENT_NODE && node->last != NULL ? node->last : node->prev;
	}
	return last;
}

static void compare(struct px_run *run)
{
	const xmlNode *part = last_element(run->root);
	struct px_buf out = PX_BUF_INIT;
	canonical_both(run->doc, run->root, NULL, &out);
	px_buf_clear(&out);
	if (part != run->root) {
		canonical_both(run->doc, part, NULL, &out);
		px_buf_clear(&out);
		canonical_both(run->doc, run->root, part, &out);
	}
	px_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	struct px_run run = {.data = data, .len = size, .v = v};
	px_xml_init();
	if (px_prescan(data, size, &v->errors) == PX_OK)
		px_stage_parse(&run);
	if (v->errors.total == 0)
		compare(&run);
	px_rows_free(&run.rows);
	if (run.doc != NULL)
		xmlFreeDoc(run.doc);
	px_verdict_free(&v);
	return 0;
}
