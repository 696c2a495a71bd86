/* prinex: projections: what is said about elements of the source: must not leave, or why it stays
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/project_words.h"

#include "base/strings.h"

bool px_words_is(const xmlNode *node, const char *name)
{
	return node->ns != NULL && strcmp((const char *)node->ns->href, PX_PROJECT_NS) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static char *property(const xmlNode *node, const char *name)
{
	char *text = (char *)xmlGetNoNsProp(node, BAD_CAST name);
	char *copy = px_xstrdup(text != NULL ? text : "");
	xmlFree(text);
	return copy;
}

unsigned px_words_read(struct px_words *words, const xmlDoc *doc)
{
	unsigned n = 0;
	for (xmlNode *node = xmlFirstElementChild(xmlDocGetRootElement(doc)); node != NULL;
	     node = xmlNextElementSibling(node)) {
		const bool withheld = px_words_is(node, "withhold");
		if (!withheld && !px_words_is(node, "leave"))
			continue;
		words->items = px_xrealloc_array(words->items, words->n + 1, sizeof(words->items[0]));
		words->items[words->n++] =
		    (struct px_word){property(node, "match"), property(node, "why"), withheld};
		n += withheld;
	}
	return n;
}

/* `Parent/Child`, the end of the path of @node. */
static bool ends_in(const xmlNode *node, const char *match)
{
	size_t len = strlen(match);
	while (len > 0 && node != NULL && node->type == XML_ELEMENT_NODE) {
		size_t n = strlen((const char *)node->name);
		if (n > len || strncmp(match + len - n, (const char *)node->name, n) != 0)
			return false;
		if (n == len)
			return true;
		if (match[len - n - 1] != '/')
			return false;
		len -= n + 1;
		node = node->parent;
	}
	return false;
}

const struct px_word *px_words_about(const struct px_words *words, const xmlNode *node)
{
	const struct px_word *found = NULL;
	for (unsigned i = 0; i < words->n; i++) {
		const struct px_word *w = &words->items[i];
		if ((found == NULL || w->withheld) && ends_in(node, w->match)) {
			found = w;
			if (w->withheld)
				break;
		}
	}
	return found;
}

bool px_words_below(const struct px_words *words, xmlNode *node, bool withheld)
{
	for (xmlNode *n = xmlFirstElementChild(node); n != NULL; n = xmlNextElementSibling(n)) {
		const struct px_word *said = px_words_about(words, n);
		if ((said != NULL && (said->withheld || !withheld)) || px_words_below(words, n, withheld))
			return true;
	}
	return false;
}

static void withhold(const struct px_words *words, xmlNode *parent)
{
	for (xmlNode *n = xmlFirstElementChild(parent), *next; n != NULL; n = next) {
		const struct px_word *said = px_words_about(words, n);
		next = xmlNextElementSibling(n);
		if (said != NULL && said->withheld) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		} else {
			withhold(words, n);
		}
	}
}

void px_words_withhold(const struct px_words *words, xmlDoc *doc)
{
	withhold(words, xmlDocGetRootElement(doc));
}

void px_words_free(struct px_words *words)
{
	for (unsigned i = 0; i < words->n; i++) {
		free(words->items[i].match);
		free(words->items[i].why);
	}
	free(words->items);
	*words = (struct px_words){0};
}
