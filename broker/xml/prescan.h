/* prinex: byte-level scan of hostile XML before any parser sees it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_PRESCAN_H
#define PX_XML_PRESCAN_H

#include "base/exchange.h"
#include "xml/locate.h"

/*
 * libxml2 takes quadratic time over attributes and namespace declarations before any callback runs, so limits
 * are enforced on the octets: UTF-8 only (one BOM at octet 0), no markup declarations but comments and CDATA,
 * at most PX_LIMIT_XML_* attributes, prefixes, depth, elements, name and value sizes. It does not decide
 * well-formedness; what passes may still be refused by the parser, but costs it linear time. One pass, no
 * allocation except findings.
 */

/** Append what is wrong to @errors. @return PX_OK, or PX_EPARSE with at least one error. Thread: any. */
int px_prescan(const uint8_t *data, size_t len, struct px_findings *errors);

/**
 * The same; *@payload gets where the first child of the second child of the root stands (len 0: nowhere),
 * which in an exchange that its later stages accept is the payload's root. It says what px_locate says, at no
 * cost.
 */
int px_prescan_payload(const uint8_t *data, size_t len, struct px_span *payload, struct px_findings *errors);

#endif
