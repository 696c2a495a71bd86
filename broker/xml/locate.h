/* prinex: where elements stand in the octets of a well-formed document
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_LOCATE_H
#define PX_XML_LOCATE_H

#include "base/base.h"

/*
 * libxml2's tree does not say at which octet an element begins. This walks the tags of a document that
 * px_prescan and the parser have both accepted, and may therefore be simple; on anything else it stops early,
 * and never reads outside. The path is followed as the tree was: by the ordinal of each child element.
 */
struct px_span {
	size_t offset, len;
};

/** A position between tags; zero-initialise but for data and len. */
struct px_tags {
	const uint8_t *data;
	size_t len;
	size_t at;
};

enum px_tag { PX_TAG_END_OF_DATA, PX_TAG_OPEN, PX_TAG_CLOSE, PX_TAG_EMPTY };
/** The next tag; comments, PIs and CDATA are passed over. @span gets its octets. */
enum px_tag px_tags_next(struct px_tags *tags, struct px_span *span);

/**
 * The element that begins next, with all it holds; the position is behind it then. @inner (may be NULL) gets
 * what stands between its tags. @return false when an end tag or the end of data comes first.
 */
bool px_tags_element(struct px_tags *tags, struct px_span *outer, struct px_span *inner);

/**
 * The element reached from the root by taking, at each level, child element number path[i] (from 0); @depth 0
 * is the root itself. @return whether it was found.
 */
bool px_locate(const uint8_t *data, size_t len, const unsigned *path, unsigned depth, struct px_span *outer,
	       struct px_span *inner);

#endif
