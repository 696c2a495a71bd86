/* prinex: what an examiner holds: compiled schemas, expressions, trust
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_EXAMINER_H
#define PX_XML_EXAMINER_H

#include <libxml/xmlschemas.h>

#include "xml/examine.h"
#include "xml/keys.h"
#include "xml/leaf.h"
#include "xml/offices.h"
#include "xml/rules.h"
#include "xml/trust.h"
#include "xml/verify.h"

/* Private to broker/xml: made by examine.c, read by the stages. Only the caches change after
 * px_examiner_warm. */

/** A schema set of the catalogue; not compiled (NULL) when no type that is available uses it. */
struct px_set {
	const struct px_cat_set *cat;
	xmlSchemaPtr schema;
	unsigned n_rules;
	struct px_rules **rules; /* one a file */
};

/** A type in one schema set: prefixes mean what that set says. */
struct px_variant {
	unsigned set;           /* index */
	const char *root_ns;    /* namespace of the root element, "" none */
	struct px_paths *paths; /* where business keys are */
};

/** A type of the catalogue that is available here. */
struct px_type {
	const struct px_cat_type *cat;
	unsigned n_variants; /* as cat->sets: the first is the default */
	struct px_variant *variants;
	bool is_confirmations;
};

struct px_examiner {
	const struct px_conf *conf; /* or NULL */
	const struct px_catalogue *cat;
	unsigned n_sets;
	struct px_set *sets;
	unsigned n_types;
	struct px_type *types;
	const struct px_type *confirmations; /* its set holds exchange-1.xsd */
	struct px_trusts *trusts;
	struct px_leaves *leaves;
	struct px_offices *offices; /* NULL: no list is configured */
	enum px_conf_verify verify;
	struct px_digester digester;
};

/** By name; NULL: not known, or not available here. */
const struct px_type *px_examiner_type(const struct px_examiner *ex, const char *name);
/** What @version of @type means ("": its default), or NULL. */
const struct px_variant *px_examiner_variant(const struct px_examiner *ex, const struct px_type *type,
					     const char *version);

#endif
