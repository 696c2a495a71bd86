/* prinex: projections: what is said about elements of the source: must not leave, or why it stays
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_PROJECT_WORDS_H
#define PX_CLIENT_PROJECT_WORDS_H

#include <libxml/tree.h>

#include "base/base.h"

/* Of what projections say about themselves, and of the marks. */
#define PX_PROJECT_NS "urn:prinex:project:1"

/** `p:withhold` (must not leave) or `p:leave` (stays, and why), with match, the end of a path, and why. */
struct px_word {
	char *match, *why;
	bool withheld;
};

/*
 * Zero-initialise; px_words_read each document that may say something; ask; px_words_free. What is withheld
 * is taken out of the source before a stylesheet sees it: no way of copying lets it through.
 */
struct px_words {
	unsigned n;
	struct px_word *items;
};

/** Whether @node is p:@name. */
bool px_words_is(const xmlNode *node, const char *name);

/** Add what the children of the root of @doc say. @return how many of them withhold. */
unsigned px_words_read(struct px_words *words, const xmlDoc *doc);

/** What is said about @node: that it is withheld, whoever says so, before anything else. NULL: nothing. */
const struct px_word *px_words_about(const struct px_words *words, const xmlNode *node);

/** Whether anything is said about an element below @node; @withheld: that it must not leave. */
bool px_words_below(const struct px_words *words, xmlNode *node, bool withheld);

/** Take all that is withheld out of @doc. */
void px_words_withhold(const struct px_words *words, xmlDoc *doc);

void px_words_free(struct px_words *words);

#endif
