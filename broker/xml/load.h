/* prinex: a schema set, compiled once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_LOAD_H
#define PX_XML_LOAD_H

#include <libxml/xmlschemas.h>

#include "conf/catalogue.h"

/*
 * A set is a folder of XSDs. A driver schema made in memory imports each of their namespaces and, within one,
 * includes all its files, so that thirty messages share what they have in common and compile once.
 *
 * libxml2 opens whatever a schema or document points at through one global hook. px_load_deny_all makes that
 * hook refuse everything; px_load_set lets it serve files of the set's own folder while it compiles, and only
 * to the thread that compiles.
 */

/** Once a process, before the first document is parsed. */
void px_load_deny_all(void);

/**
 * Compile @set. Blocks (files). @return PX_OK and a schema to be freed with xmlSchemaFree; PX_ECONF with @why
 * naming set, file, line and reason.
 */
int px_load_set(const struct px_cat_set *set, xmlSchemaPtr *out, struct px_buf *why);

#endif
