/* prinex: fuzzing: canonical octets from px_c14n and from libxml2, side by side
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_FUZZ_CANONICAL_H
#define PX_FUZZ_CANONICAL_H

#include <libxml/c14n.h>

#include "base/buf.h"
#include "xml/c14n.h"

/** What is to be written: @apex and all below, but @leave_out. */
struct part {
	const xmlNode *apex, *leave_out;
};

static int part_has(void *arg, xmlNodePtr node, xmlNodePtr parent)
{
	const struct part *part = arg;
	/* A namespace declaration is no node of the tree: its element counts. */
	const xmlNode *n = node->type == XML_NAMESPACE_DECL ? parent : node;
	for (; n != NULL && n != (const xmlNode *)n->doc; n = n->parent) {
		if (n == part->leave_out)
			return 0;
		if (n == part->apex)
			return 1;
	}
	return 0;
}

static int keep(void *arg, const char *data, int len)
{
	px_buf_add(arg, data, (size_t)len);
	return len;
}

static int no_close(void *arg)
{
	(void)arg;
	return 0;
}

/** @return whether libxml2 takes the tree at all. */
static bool canonical_libxml2(xmlDoc *doc, const xmlNode *apex, const xmlNode *leave_out, struct px_buf *out)
{
	struct part part = {apex, leave_out};
	xmlOutputBufferPtr to = xmlOutputBufferCreateIO(keep, no_close, out, NULL);
	px_assert(to != NULL);
	int rc = xmlC14NExecute(doc, part_has, &part, XML_C14N_EXCLUSIVE_1_0, NULL, 0, to);
	return xmlOutputBufferClose(to) >= 0 && rc >= 0;
}

static void keep_ours(void *arg, const void *data, size_t len)
{
	px_buf_add(arg, data, len);
}

/** Both ways come to the same octets, which are left in @out. */
static void canonical_both(xmlDoc *doc, const xmlNode *apex, const xmlNode *leave_out, struct px_buf *out)
{
	struct px_buf theirs = PX_BUF_INIT;
	px_assert(px_c14n(apex, leave_out, keep_ours, out) == PX_OK);
	px_assert(canonical_libxml2(doc, apex, leave_out, &theirs));
	if (out->len != theirs.len || memcmp(out->data, theirs.data, out->len) != 0) {
		fprintf(stderr, "px_c14n: %s\nlibxml2: %s\n", px_buf_str(out), px_buf_str(&theirs));
		px_assert(!"the canonical octets are not the same");
	}
	px_buf_free(&theirs);
}

#endif
