/* prinex: what must be done with a configuration text before libconfuse may see it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_SCAN_H
#define PX_CONF_SCAN_H

#include "conf/table.h"

/*
 * libconfuse 3.3 counts the line of every comment twice, reads on after a forgotten quote, skips characters
 * that it does not know, and leaks an open file and one of ten slots whenever an included file is wrong. So
 * texts are scanned first: comments become spaces, what cannot be right is reported with its line, and
 * include("file") is taken out and followed by us. What remains has lines that libconfuse counts correctly.
 */

struct px_include {
	char *path; /* as written */
	unsigned line;
};

struct px_scan {
	char *text; /* NUL-terminated; comments and includes are blank */
	size_t len;
	unsigned n_includes;
	struct px_include *includes;
};

/** Scan @len octets at @text. @return PX_OK, or PX_ECONF with problems. Free @out in any case. */
int px_scan(const char *file, const char *text, size_t len, struct px_scan *out,
	    struct px_problems *problems);
void px_scan_free(struct px_scan *scan);
/**
 * Blank the option or section named @name that begins on @line, with all that belongs to it, so that what
 * follows can be read. @return false when it cannot be found.
 */
bool px_scan_blank(struct px_scan *scan, unsigned line, const char *name);

#endif
