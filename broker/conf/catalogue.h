/* prinex: the catalogue: which message types this broker knows
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_CATALOGUE_H
#define PX_CONF_CATALOGUE_H

#include "conf/conf.h"

/*
 * Types, sets and keys stand in blocks:
 *
 *	keys "NAME" { KIND = { "XPATH", ... } ... }          kinds: base/keys.def
 *	set "NAME" {
 *		folder = "FOLDER"    beside the file; below inspect { official } with official = true
 *		official = true      left out: false
 *		versions = { "V" }   names of the version, as TypeVersion has them
 *		version-attribute = "A"    of the payload's root: it names the version too
 *		files = { "F" }      left out: every *.xsd of the folder
 *		prefix "P" { uri = "URI" }
 *	}
 *	type "NAME" {
 *		title = "TEXT"  root = "P:ELEMENT"  sets = { "SET", ... }
 *		domain = common|external  class = A|B|C  origin = system|node|any
 *		movement = any|begins|amends|closes|answers  left out: any
 *		keys = "NAME"  ends-movement = "XPATH"       both may be left out; what is any ends nothing
 *	}
 *
 * Loaded from the .conf files of schemas/catalogue: names, files and expressions, nothing compiled. The
 * broker uses title, domain, class and origin; the inspectors compile schemas and expressions from it
 * (xml/load.h). Immutable after loading.
 */

enum px_domain { PX_DOMAIN_COMMON, PX_DOMAIN_EXTERNAL };
enum px_origin { PX_ORIGIN_SYSTEM, PX_ORIGIN_NODE, PX_ORIGIN_ANY };

/**
 * What a message of a type is to its movement, and so what it needs it to be: nothing (it tells of it); a
 * declaration (this type and LRN does not stand in a live one); a change or the withdrawal of a declaration
 * of the same Sender; the same Sender's word that it is over; the word of one to whom it was declared. Who
 * may end a movement follows from it: store/declared.h.
 */
enum px_stand { PX_STAND_ANY, PX_STAND_BEGINS, PX_STAND_AMENDS, PX_STAND_CLOSES, PX_STAND_ANSWERS };

/** A namespace prefix that expressions and root names of a set use. */
struct px_cat_prefix {
	char *prefix;
	char *uri;
	unsigned line;
};

struct px_cat_set {
	char *name;
	char *folder; /* absolute; "" when the set is official and no official folder is configured */
	bool official;
	struct px_strings versions;
	char *version_attribute; /* of the payload's root, in no namespace; "" none */
	struct px_strings files; /* within folder; empty: every *.xsd */
	struct px_strings rules; /* absolute: what its documents must keep beyond the schema (xml/rules.h) */
	unsigned n_prefixes;
	struct px_cat_prefix *prefixes;
	unsigned line;
	char *file; /* the catalogue file it stands in */
};

/** Where business keys are: XPath expressions per kind. */
struct px_cat_keys {
	char *name;
	struct px_strings xpath[PX_KEY_COUNT];
	unsigned line;
	char *file;
};

struct px_cat_type {
	char *name;
	char *title;
	char *root;                    /* as written: "n:ExportDeclaration" */
	char *root_prefix, *root_name; /* "n", "ExportDeclaration"; the prefix is "" when there is none */
	struct px_strings sets;        /* first is the default */
	enum px_domain domain;
	enum px_prio prio;
	enum px_origin origin;
	enum px_stand stand;
	char *keys_name;                /* "" none */
	const struct px_cat_keys *keys; /* or NULL */
	char *ends_movement;            /* XPath, "" none */
	bool available;                 /* false: its set is official and no official folder is configured */
	unsigned line;
	char *file;
};

struct px_catalogue {
	unsigned n_sets;
	struct px_cat_set *sets;
	unsigned n_keys;
	struct px_cat_keys *keys;
	unsigned n_types;
	struct px_cat_type *types;
};

/**
 * Load all files of inspect { catalogue } and check them: names, references, prefixes, versions, folders; and
 * that the message types which the configuration names exist. A type whose sets are official while no folder
 * of them is configured is kept, marked as not available. @out is set only on PX_OK. Blocks (files).
 * @return PX_OK, or PX_ECONF with at least one problem.
 */
int px_catalogue_load(const struct px_conf *conf, struct px_catalogue **out, struct px_problems *problems);
void px_catalogue_free(struct px_catalogue **cat);

/** By name; NULL when unknown. */
const struct px_cat_type *px_catalogue_type(const struct px_catalogue *cat, const char *name);
const struct px_cat_set *px_catalogue_set(const struct px_catalogue *cat, const char *name);
/** Whether @version of @type follows schemas that are not ours. */
bool px_catalogue_is_official(const struct px_catalogue *cat, const struct px_cat_type *type,
			      const char *version);
/** The set that @version of @type means: "" is the default; NULL: the type has no such version. */
const struct px_cat_set *px_catalogue_version(const struct px_catalogue *cat, const struct px_cat_type *type,
					      const char *version);

#endif
