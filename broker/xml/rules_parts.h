/* prinex: what the parts of the rules share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_RULES_PARTS_H
#define PX_XML_RULES_PARTS_H

#include <libxml/xpath.h>

#include "base/buf.h"
#include "xml/rules.h"

/* Private to rules*.c. rules_file.c and rules_read.c make it, rules_xpath.c checks and compiles expressions,
 * rules_ways.c, rules_tallies.c and rules_plain.c make what they ask cheap, rules_paths.c finds contexts,
 * rules_run.c evaluates, rules_checks.c has the named checks. */

#define PX_NS_RULES "urn:prinex:rules:1"
#define PX_NS_SCH   "http://purl.oclc.org/dsdl/schematron"

enum { PX_RULES_STATES_MAX = 32, PX_RULES_STEPS_MAX = 16 };
/** Instead of the index of a rule element. */
#define PX_RULES_NONE UINT_MAX

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

/** A test that only compares a let with a text: $office != 'unknown'. */
struct px_plain {
	char *text; /* NULL: the test is none */
	unsigned let;
	bool differs; /* != */
};

/** An assert or report. */
struct px_check {
	struct px_rule view; /* its strings are owned by this struct */
	unsigned rule;       /* index */
	xmlXPathCompExprPtr test, subject;
	struct px_plain plain;
	bool asks_offices; /* its test does: not judged without a list */
	unsigned n_pieces;
	struct px_piece *pieces;
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

/** A rule element. */
struct px_context {
	char *source;
	unsigned pattern;
	struct px_lets lets;
	unsigned first_check, n_checks;
	uint64_t matched;
	struct px_rule_step tallied; /* ways down from its node; `found` are tallies */
	bool ready;                  /* they have been counted for the node in work */
};

/** A way down from the context node: names of children of children, in no namespace. */
struct px_way {
	unsigned n;
	char **names;
};

/** What is asked of all nodes at the end of a way. */
struct px_tally {
	enum px_tally_kind { PX_TALLY_COUNT, PX_TALLY_SUM, PX_TALLY_NUMBERED, PX_TALLY_EXCEEDS } kind;
	unsigned rule;
	char *sibling; /* of px:exceeds */
	/* While running. */
	unsigned n;
	double sum;
	bool hit; /* of numbered: one is not; of exceeds: one does */
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
	unsigned n_namespaces, n_lets, n_patterns, n_contexts, n_checks, n_diagnostics, n_ways, n_tallies;
	struct px_rule_ns *namespaces;
	struct px_let *lets;
	struct px_pattern *patterns;
	struct px_context *contexts;
	struct px_check *checks;
	struct px_diagnostic *diagnostics;
	struct px_way *ways;
	struct px_tally *tallies;
	struct px_lets schema_lets;
	bool schema_ready;
	struct px_rule_step root;
	xmlXPathContextPtr xpath;
	/* While running. */
	const struct px_offices *offices;
	px_rule_hit_fn *hit;
	void *arg;
	const struct px_context *context; /* the rule in work */
	const struct px_row *row;         /* of its node */
};

/** @return the URI, or NULL. */
const char *px_rules_prefix(const struct px_rules *r, const char *prefix, size_t len);

/* --- rules_read.c --- */

/** Fill @r from the schema element @root. @return PX_OK, or PX_ECONF with @why. */
int px_rules_read(struct px_rules *r, const xmlNode *root, struct px_buf *why);

/* --- rules_xpath.c --- */

/** Make the context: namespaces, functions, variables. */
void px_rules_xpath_new(struct px_rules *r);
/** Lets that an expression may see: those declared so far of the schema, the pattern, the rule. */
struct px_rule_scopes {
	struct px_lets of[3];
	unsigned n;
};
/** The let of this name. @return its index, or PX_RULES_NONE. */
unsigned px_rules_let(const struct px_rules *r, const struct px_rule_scopes *scopes, const char *name,
		      size_t len);
/** Compile an expression. @rule: whose node it is evaluated at, for every such node; PX_RULES_NONE otherwise.
 * *@asks_offices: whether it calls px:office, itself or by a let. @return NULL with @why (without file and
 * line). */
xmlXPathCompExprPtr px_rules_compile(struct px_rules *r, const char *expr,
				     const struct px_rule_scopes *scopes, unsigned rule, bool *asks_offices,
				     struct px_buf *why);
/** @return @s behind its blanks. */
static inline const char *px_rules_skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}
/** Octets of the name at @s, 0 none. */
size_t px_rules_name_length(const char *s);

/* --- rules_ways.c --- */

/** Append @expr, whose words were found good, with its plain ways down as calls; @rule as above. */
void px_rules_shorten(struct px_rules *r, const char *expr, unsigned rule, struct px_buf *out);
void px_rules_ways_register(xmlXPathContextPtr xpath);
void px_rules_ways_free(struct px_rules *r);
/** Octets of the names with / between them that begin at @s; *@names: how many. */
size_t px_rules_way_length(const char *s, unsigned *names);

/* --- rules_tallies.c --- */

/** Octets of the call at @s of count, sum, px:numbered or px:exceeds whose nodes are a plain way; 0 none.
 * Then a call that stands for it is appended to @out. */
size_t px_rules_tally(struct px_rules *r, const char *s, unsigned rule, struct px_buf *out);
void px_rules_tallies_register(xmlXPathContextPtr xpath);
void px_rules_tallies_free(struct px_rules *r);

/* --- rules_plain.c --- */

/** Is @test one? Then @out is filled in, and owns its text. */
void px_rules_plain(const struct px_rules *r, const char *test, const struct px_rule_scopes *scopes,
		    struct px_plain *out);
/** @return 1 true, 0 false, -1 ask XPath. */
int px_rules_plain_judge(const struct px_rules *r, const struct px_plain *plain);

/* --- rules_checks.c --- */

/** Is there a named check of this name? */
bool px_rules_has_function(const char *name, size_t len);
void px_rules_register(xmlXPathContextPtr xpath);
/** As XPath casts a node, without making a copy of its text. */
double px_rules_number(const xmlNode *node);
/** Has @node a sibling of this name, in its own namespace, that is less? */
bool px_rules_exceeds(const xmlNode *node, const char *sibling);

/* --- rules_paths.c --- */

/** Does the element have the name of this step? */
static inline bool px_rule_step_matches(const struct px_rule_step *step, const struct px_row *row)
{
	if (step->name == NULL)
		return true;
	/* Most names differ in their first letter: a call costs more than that. */
	if (step->name[0] != (char)row->name[0] || strcmp(step->name, (const char *)row->name) != 0)
		return false;
	return strcmp(step->ns, row->has_ns ? (const char *)row->node->ns->href : "") == 0;
}
/** The step below @parent that is like *@step, whose name it takes. */
struct px_rule_step *px_rule_step_join(struct px_rule_step *parent, struct px_rule_step *step);
/** @index is found at @at; to be called with ascending ones. */
void px_rule_step_add(struct px_rule_step *at, unsigned index);

/** Add the context of rule @index: paths with | between them. @return PX_OK or PX_ECONF with @why. */
int px_rules_add_context(struct px_rules *r, const char *source, unsigned index, struct px_buf *why);
void px_rule_step_free(struct px_rule_step *step);
/** Call px_rules_fire for each element that a context selects, in the order of the document. */
void px_rules_walk(struct px_rules *r, const struct px_row *root);

/* --- rules_run.c --- */
void px_rules_fire(struct px_rules *r, unsigned rule, const struct px_row *row);

#endif
