/* prinex: what the parts of the rules share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_RULES_PARTS_H
#define PX_XML_RULES_PARTS_H

#include <libxml/xpath.h>

#include "base/buf.h"
#include "xml/rules.h"

/* Private to rules*.c. rules_file.c and rules_read.c make it, rules_xpath.c checks and compiles expressions,
 * rules_ways.c makes what they name cheap, rules_paths.c finds contexts, rules_run.c evaluates,
 * rules_checks.c has the named checks. */

#define PX_NS_RULES "urn:prinex:rules:1"
#define PX_NS_SCH   "http://purl.oclc.org/dsdl/schematron"

enum { PX_RULES_LETS_MAX = 64, PX_RULES_STATES_MAX = 32 };

/** A let; values are those of the scope in work. */
struct px_let {
	char *name;
	xmlXPathCompExprPtr expr;
	xmlXPathObjectPtr value;
	bool asks_offices; /* calls px:office, itself or by a let */
};

/** Lets of a scope stand together in px_rules.lets. */
struct px_lets {
	unsigned first, n;
};

/** A piece of a sentence: text, or a value-of. */
struct px_piece {
	char *text;
	xmlXPathCompExprPtr select;
};

/** An assert or report. */
struct px_check {
	struct px_rule view; /* its strings are owned by this struct */
	unsigned rule;       /* index */
	xmlXPathCompExprPtr test, subject;
	bool asks_offices; /* its test does: not judged without a list */
	unsigned n_pieces;
	struct px_piece *pieces;
};

/** A rule element. */
struct px_context {
	char *source;
	unsigned pattern;
	struct px_lets lets;
	unsigned first_check, n_checks;
	uint64_t matched;
};

struct px_pattern {
	char *title;
	struct px_lets lets;
	bool ready; /* its lets have their values for this document */
};

/** One step of the contexts, joined where they begin alike. */
struct px_rule_step {
	char *name;     /* NULL: any */
	const char *ns; /* "" none; not looked at where name is NULL */
	unsigned n_found;
	unsigned *found; /* rules whose context ends here, ascending */
	unsigned n_steps;
	struct px_rule_step *steps;
};

/** A way down from the context node: names of children of children, in no namespace. */
struct px_way {
	unsigned n;
	char **names;
};

/** A namespace declaration of the file. */
struct px_rule_ns {
	char *prefix, *uri;
};

struct px_diagnostic {
	char *id, *lang, *text;
};

struct px_rules {
	char *file, *title;
	unsigned n_namespaces, n_lets, n_patterns, n_contexts, n_checks, n_diagnostics, n_ways;
	struct px_rule_ns *namespaces;
	struct px_let *lets;
	struct px_pattern *patterns;
	struct px_context *contexts;
	struct px_check *checks;
	struct px_diagnostic *diagnostics;
	struct px_way *ways;
	struct px_lets schema_lets;
	bool schema_ready;
	struct px_rule_step root;
	xmlXPathContextPtr xpath;
	/* While running. */
	const struct px_offices *offices;
	px_rule_hit_fn *hit;
	void *arg;
};

/** @return the URI, or NULL. */
const char *px_rules_prefix(const struct px_rules *r, const char *prefix, size_t len);

/* --- rules_read.c --- */

/** Fill @r from the schema element @root. @return PX_OK, or PX_ECONF with @why. */
int px_rules_read(struct px_rules *r, const xmlNode *root, struct px_buf *why);

/* --- rules_xpath.c --- */

/** Make the context: namespaces, functions, variables. */
void px_rules_xpath_new(struct px_rules *r);
/** Compile an expression which may see the lets declared so far in @scopes (the schema's, pattern's, rule's).
 * *@asks_offices: whether it calls px:office, itself or by a let. @return NULL with @why (without file and
 * line). */
xmlXPathCompExprPtr px_rules_compile(struct px_rules *r, const char *expr, const struct px_lets *scopes,
				     unsigned n_scopes, bool *asks_offices, struct px_buf *why);

/* --- rules_ways.c --- */

/** Append @expr, whose words were found good, with its plain ways down as calls. */
void px_rules_shorten(struct px_rules *r, const char *expr, struct px_buf *out);
void px_rules_ways_register(xmlXPathContextPtr xpath);
void px_rules_ways_free(struct px_rules *r);

/* --- rules_checks.c --- */

/** Is there a named check of this name? */
bool px_rules_has_function(const char *name, size_t len);
void px_rules_register(xmlXPathContextPtr xpath);

/* --- rules_paths.c --- */

/** Add the context of rule @index: paths with | between them. @return PX_OK or PX_ECONF with @why. */
int px_rules_add_context(struct px_rules *r, const char *source, unsigned index, struct px_buf *why);
void px_rule_step_free(struct px_rule_step *step);
/** Call px_rules_fire for each node that a context selects, in the order of the document. */
void px_rules_walk(struct px_rules *r, xmlDoc *doc);

/* --- rules_run.c --- */
void px_rules_fire(struct px_rules *r, unsigned rule, xmlNode *node);

#endif
