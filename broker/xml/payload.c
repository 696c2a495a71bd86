/* prinex: the payload as root of a document of its own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/run.h"

static xmlNs *ns_tail(xmlNode *node)
{
	xmlNs *ns = node->nsDef;
	while (ns != NULL && ns->next != NULL)
		ns = ns->next;
	return ns;
}

/* Hang @list behind the declarations of @node, so that they stay in scope. @return what ends with it now. */
static xmlNs *borrow_ns(xmlNode *node, xmlNs *list, bool *was_empty)
{
	xmlNs *tail = ns_tail(node);
	*was_empty = tail == NULL;
	if (tail != NULL)
		tail->next = list;
	else
		node->nsDef = list;
	return tail;
}

/*
 * Only links are changed: no node is copied, lines and names stay, and what the envelope declares stays in
 * scope (inner declarations stand first and win).
 */
void px_payload_detach(struct px_run *run)
{
	xmlNode *payload = run->payload, *parent = payload->parent;
	px_assert(run->home.parent == NULL && parent != NULL && parent->parent == run->root);
	run->home.parent = parent;
	run->home.prev = payload->prev;
	run->home.next = payload->next;
	run->home.doc_children = run->doc->children;
	run->home.doc_last = run->doc->last;
	run->home.parent_tail = borrow_ns(parent, run->root->nsDef, &run->home.parent_was_empty);
	run->home.tail = borrow_ns(payload, parent->nsDef, &run->home.was_empty);
	payload->parent = (xmlNode *)run->doc;
	payload->prev = payload->next = NULL;
	run->doc->children = run->doc->last = payload;
}

static void return_ns(xmlNode *node, xmlNs *tail, bool was_empty)
{
	if (was_empty)
		node->nsDef = NULL;
	else
		tail->next = NULL;
}

void px_payload_attach(struct px_run *run)
{
	if (run->home.parent == NULL)
		return;
	xmlNode *payload = run->payload;
	return_ns(payload, run->home.tail, run->home.was_empty);
	return_ns(run->home.parent, run->home.parent_tail, run->home.parent_was_empty);
	payload->parent = run->home.parent;
	payload->prev = run->home.prev;
	payload->next = run->home.next;
	run->doc->children = run->home.doc_children;
	run->doc->last = run->home.doc_last;
	run->home.parent = NULL;
}
