/* prinex: rules of a message type: Schematron files, compiled once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_RULES_H
#define PX_XML_RULES_H

#include <libxml/tree.h>

#include "base/codes.h"
#include "xml/rows.h"

/*
 * Rules are ISO Schematron in a subset that schemas/rules/README.md describes. libxml2's own Schematron
 *cannot be used (no let, no ids, no values), so a file is read here, its expressions are compiled to
 *libxml2's XPath, and its contexts, which are plain paths, become one tree that is walked along the document
 *once. Calling sequence:
 *
 *	px_rules_load("prinex.sch", &rules, &why);      before forks
 *	px_rules_run(rules, doc, offices, hit, arg);    any number of times; or px_rules_run_rows
 *	px_rules_free(&rules);
 *
 * Thread: one at a time per px_rules: it holds an XPath context.
 */
struct px_rules;
struct px_offices;

/** What one assert or report says; a view of its px_rules. */
struct px_rule {
	const char *id;
	bool warning;            /* role="warning": never refuses */
	enum px_code code;       /* px:code, else PX-RULE */
	const char *title;       /* of its pattern, "" none */
	const char *context;     /* as written */
	const char *test;        /* as written */
	bool is_report;          /* fires when the test is true */
	const char *text;        /* English, as written; value-of as {EXPRESSION} */
	unsigned n_translations; /* its diagnostics */
	const struct px_rule_translation {
		const char *lang, *text;
	} * translations;
	unsigned line; /* in its file */
};

/** A rule that a document breaks; dies when the callback returns. */
struct px_rule_hit {
	const struct px_rule *rule;
	const xmlNode *node; /* what is wrong: the first node of `subject`, else the context node */
	const char *value;   /* its text; NULL when it holds elements */
	const char *text;    /* the sentence, values filled in */
};
typedef void px_rule_hit_fn(void *arg, const struct px_rule_hit *hit);

/** Read and compile @file. Blocks. @return PX_OK, or PX_ECONF with @why "FILE:LINE: what is wrong". */
int px_rules_load(const char *file, struct px_rules **out, struct px_buf *why);
void px_rules_free(struct px_rules **rules);
const char *px_rules_file(const struct px_rules *rules);

/**
 * Judge @doc, whose root element is the payload. @offices: borrowed, NULL when there is no list. @hit is
 * called in the order of the document. A rule that cannot be evaluated is a hit that says so.
 */
void px_rules_run(struct px_rules *rules, xmlDoc *doc, const struct px_offices *offices, px_rule_hit_fn *hit,
		  void *arg);

/** The same; @root: the row of its root element, from px_rows_find. */
void px_rules_run_rows(struct px_rules *rules, xmlDoc *doc, const struct px_row *root,
		       const struct px_offices *offices, px_rule_hit_fn *hit, void *arg);

/** Asserts and reports in the order of the file; @index < px_rules_count. */
unsigned px_rules_count(const struct px_rules *rules);
const struct px_rule *px_rules_get(const struct px_rules *rules, unsigned index);
/** How often the context of this rule was there in what px_rules_run has seen. */
uint64_t px_rules_matched(const struct px_rules *rules, unsigned index);

/** The page docs/rules.md for these files. @return PX_OK, or PX_ECONF with @why. Blocks. */
int px_rules_reference(const char *const *files, unsigned n, struct px_buf *out, struct px_buf *why);

#endif
