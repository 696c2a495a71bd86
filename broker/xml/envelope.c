/* prinex: stage envelope: structure, header, and what of the catalogue it names
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/run.h"

#define NS_XSI         "http://www.w3.org/2001/XMLSchema-instance"
#define NS_ANY_VERSION "urn:prinex:exchange:"

/* --- values, as exchange-1.xsd defines them --- */

static bool is_word(const char *s, size_t max, const char *first, const char *more)
{
	size_t n = strlen(s);
	return n >= 1 && n <= max && strchr(first, s[0]) != NULL && strspn(s, more) == n;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool set_message_id(struct px_header *h, const char *s)
{
	return px_is_message_id(s) && px_strlcpy(h->message_id, s, sizeof(h->message_id));
}

static bool set_environment(struct px_header *h, const char *s)
{
	return is_word(s, PX_NAME_MAX, LOWER, LOWER DIGITS "-") &&
	       px_strlcpy(h->environment, s, sizeof(h->environment));
}

static bool set_sender(struct px_header *h, const char *s)
{
	return px_is_authority(s) && px_strlcpy(h->sender, s, sizeof(h->sender));
}

static bool set_recipient(struct px_header *h, const char *s)
{
	return px_is_authority(s) && h->n_recipients < PX_RECIPIENTS_MAX &&
	       px_strlcpy(h->recipients[h->n_recipients++], s, sizeof(h->recipients[0]));
}

/* The schema allows longer names than a catalogue: such a type is merely not known. */
static bool set_type(struct px_header *h, const char *s)
{
	px_strlcpy(h->type, s, sizeof(h->type));
	return is_word(s, 64, LOWER UPPER, LOWER UPPER DIGITS "._-");
}

static bool set_type_version(struct px_header *h, const char *s)
{
	return is_word(s, 32, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-") &&
	       px_strlcpy(h->type_version, s, sizeof(h->type_version));
}

/* xs:dateTime: white space around it is not part of it. */
static bool read_time(const char *s, int64_t *ms)
{
	char text[40];
	s += strspn(s, " \t\r\n");
	size_t n = strcspn(s, " \t\r\n");
	if (!px_is_blank((const xmlChar *)s + n) || n >= sizeof(text))
		return false;
	px_strlcpy_n(text, s, n, sizeof(text));
	return px_time_parse(text, ms) == PX_OK && *ms > 0;
}

static bool set_created_at(struct px_header *h, const char *s)
{
	return read_time(s, &h->created_at);
}

static bool set_expires_at(struct px_header *h, const char *s)
{
	return read_time(s, &h->expires_at);
}

static bool set_correlation_id(struct px_header *h, const char *s)
{
	return px_is_message_id(s) && px_strlcpy(h->correlation_id, s, sizeof(h->correlation_id));
}

/** The header's elements in their order. */
static const struct field {
	const char *name;
	unsigned min, max;
	bool (*set)(struct px_header *h, const char *s);
} fields[] = {
    {"MessageId", 1, 1, set_message_id},
    {"Environment", 1, 1, set_environment},
    {"Sender", 1, 1, set_sender},
    {"Recipient", 0, PX_RECIPIENTS_MAX, set_recipient},
    {"MessageType", 1, 1, set_type},
    {"TypeVersion", 0, 1, set_type_version},
    {"CreatedAt", 1, 1, set_created_at},
    {"ExpiresAt", 0, 1, set_expires_at},
    {"CorrelationId", 0, 1, set_correlation_id},
};
#define N_FIELDS PX_ARRAY_LEN(fields)

/* --- what holds of every element of the envelope --- */

/* XML Schema lets hints about schemas stand anywhere; they are never followed. */
static bool is_hint(const xmlAttr *a)
{
	return a->ns != NULL && strcmp((const char *)a->ns->href, NS_XSI) == 0 &&
	       (strcmp((const char *)a->name, "schemaLocation") == 0 ||
		strcmp((const char *)a->name, "noNamespaceSchemaLocation") == 0 ||
		strcmp((const char *)a->name, "type") == 0 /* reported by itself */);
}

static void check_attributes(struct px_run *run, const xmlNode *node)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (!is_hint(a))
			px_run_error(run, PX_CODE_ENV_SCHEMA, (const xmlNode *)a, NULL,
				     "the envelope has no such attribute");
	}
}

/* Anything but elements and white space is wrong here. @return whether @node is an element. */
static bool check_structure(struct px_run *run, const xmlNode *node)
{
	switch (node->type) {
	case XML_ELEMENT_NODE: return true;
	case XML_TEXT_NODE:
		if (!px_is_blank(node->content))
			px_run_error(run, PX_CODE_ENV_SCHEMA, node, (const char *)node->content,
				     "text between elements of the envelope");
		return false;
	case XML_COMMENT_NODE:
	case XML_PI_NODE:
		px_run_error(run, PX_CODE_ENV_COMMENT, node, NULL,
			     "a comment or processing instruction outside the payload");
		return false;
	default:
		px_run_error(run, PX_CODE_ENV_SCHEMA, node, NULL, "the envelope holds elements only");
		return false;
	}
}

/* Only text may stand in a leaf of the envelope. */
static bool check_leaf(struct px_run *run, const xmlNode *leaf)
{
	unsigned before = run->v->errors.total;
	check_attributes(run, leaf);
	for (const xmlNode *n = leaf->children; n != NULL; n = n->next) {
		if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
			continue;
		if (check_structure(run, n))
			px_run_error(run, PX_CODE_ENV_SCHEMA, n, NULL, "%s holds text only", leaf->name);
	}
	return run->v->errors.total == before;
}

static void report_xsi_types(struct px_run *run)
{
	for (unsigned i = 0; i < run->n_xsi_types; i++) {
		const xmlAttr *a = i < PX_ARRAY_LEN(run->xsi_types) ? run->xsi_types[i] : NULL;
		px_run_error(run, PX_CODE_ENV_XSI_TYPE, (const xmlNode *)a,
			     a != NULL && a->children != NULL ? (const char *)a->children->content : NULL,
			     "xsi:type is not allowed");
	}
}

static void check_prolog(struct px_run *run)
{
	for (const xmlNode *n = run->doc->children; n != NULL; n = n->next)
		check_structure(run, n);
	report_xsi_types(run);
}

static bool check_root(struct px_run *run, const char *name)
{
	const xmlNode *root = run->root;
	const char *ns = root->ns != NULL ? (const char *)root->ns->href : "";
	if (px_node_is(root, PX_NS_EXCHANGE, name)) {
		check_attributes(run, root);
		return true;
	}
	const char *version = ns + strlen(NS_ANY_VERSION);
	if (strcmp((const char *)root->name, name) == 0 && px_str_starts(ns, NS_ANY_VERSION) &&
	    strspn(version, DIGITS) == strlen(version) && *version != '\0')
		px_run_error(run, PX_CODE_ENV_VERSION, root, ns, "this broker serves %s", PX_NS_EXCHANGE);
	else
		px_run_error(run, PX_CODE_ENV_ROOT, root, (const char *)root->name,
			     "the root element is not %s in namespace %s", name, PX_NS_EXCHANGE);
	return false;
}

/* --- header --- */

static void read_field(struct px_run *run, const struct field *f, const xmlNode *node)
{
	if (!check_leaf(run, node))
		return;
	xmlChar *tofree;
	const char *text = px_node_text(node, &tofree);
	if (!f->set(&run->v->header, text))
		px_run_error(run, PX_CODE_ENV_SCHEMA, node, text, "this is not a value of %s", f->name);
	xmlFree(tofree);
}

static size_t find_field(const xmlNode *node)
{
	size_t i = 0;
	while (i < N_FIELDS && !px_node_is(node, PX_NS_EXCHANGE, fields[i].name))
		i++;
	return i;
}

static void read_header(struct px_run *run, const xmlNode *header)
{
	unsigned seen[N_FIELDS] = {0};
	size_t at = 0;
	check_attributes(run, header);
	for (const xmlNode *n = header->children; n != NULL; n = n->next) {
		if (!check_structure(run, n))
			continue;
		size_t i = find_field(n);
		if (i == N_FIELDS) {
			px_run_error(run, PX_CODE_ENV_HEADER, n, NULL, "a header has no such element");
			continue;
		}
		if (++seen[i] > fields[i].max) {
			px_run_error(run, PX_CODE_ENV_HEADER, n, NULL, "%s occurs too often", fields[i].name);
			continue;
		}
		if (i < at)
			px_run_error(run, PX_CODE_ENV_HEADER, n, NULL, "%s is out of order", fields[i].name);
		at = PX_MAX(at, i);
		read_field(run, &fields[i], n);
	}
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (seen[i] < fields[i].min)
			px_run_error(run, PX_CODE_ENV_HEADER, header, NULL, "%s is missing", fields[i].name);
	}
	struct px_header *h = &run->v->header;
	run->v->has_header = h->sender[0] != '\0' && h->message_id[0] != '\0';
	run->signed_at = h->created_at;
	px_strlcpy(run->authority, h->sender, sizeof(run->authority));
}

/* --- payload --- */

static void read_payload(struct px_run *run, xmlNode *payload)
{
	unsigned n_elements = 0;
	check_attributes(run, payload);
	for (xmlNode *n = payload->children; n != NULL; n = n->next) {
		if (n->type == XML_COMMENT_NODE || n->type == XML_PI_NODE)
			continue;
		if (n->type == XML_ELEMENT_NODE) {
			if (n_elements++ == 0)
				run->payload = n;
		} else if (n->type != XML_TEXT_NODE || !px_is_blank(n->content)) {
			px_run_error(run, PX_CODE_ENV_PAYLOAD, n, (const char *)n->content,
				     "text beside the payload's root element");
		}
	}
	if (n_elements != 1)
		px_run_error(run, PX_CODE_ENV_PAYLOAD, payload, NULL, "Payload holds %u elements, not one",
			     n_elements);
}

static const xmlNs *default_ns(const xmlNode *node)
{
	for (const xmlNs *ns = node->nsDef; ns != NULL; ns = ns->next) {
		if (ns->prefix == NULL)
			return ns;
	}
	return NULL;
}

/* Children of official roots are unqualified: an inherited default namespace would claim them. */
static void check_default_ns(struct px_run *run, const xmlNode *payload)
{
	const xmlNs *ns = default_ns(payload);
	if (ns == NULL)
		ns = default_ns(run->root);
	if (ns != NULL && ns->href != NULL && ns->href[0] != '\0')
		px_run_error(run, PX_CODE_ENV_DEFAULT_NS, payload, (const char *)ns->href,
			     "a default namespace is in scope at the payload");
}

static void read_exchange(struct px_run *run)
{
	xmlNode *header = NULL, *payload = NULL;
	for (xmlNode *n = run->root->children; n != NULL; n = n->next) {
		if (!check_structure(run, n) || px_node_is(n, PX_NS_DSIG, "Signature"))
			continue;
		if (px_node_is(n, PX_NS_EXCHANGE, "Header") && header == NULL && payload == NULL)
			header = n;
		else if (px_node_is(n, PX_NS_EXCHANGE, "Payload") && payload == NULL)
			payload = n;
		else
			px_run_error(
			    run, PX_CODE_ENV_SCHEMA, n, NULL,
			    "an Exchange holds one Header, one Payload and one Signature, in this order");
	}
	if (header != NULL)
		read_header(run, header);
	else
		px_run_error(run, PX_CODE_ENV_SCHEMA, run->root, NULL, "Header is missing");
	if (payload != NULL) {
		read_payload(run, payload);
		check_default_ns(run, payload);
	} else {
		px_run_error(run, PX_CODE_ENV_SCHEMA, run->root, NULL, "Payload is missing");
	}
}

/* --- catalogue --- */

static void check_root_type(struct px_run *run)
{
	const struct px_cat_type *t = run->type->cat;
	const char *ns = run->payload->ns != NULL ? (const char *)run->payload->ns->href : "";
	if (strcmp((const char *)run->payload->name, t->root_name) != 0 ||
	    strcmp(ns, run->variant->root_ns) != 0)
		px_run_error(run, PX_CODE_ENV_ROOT_TYPE, run->payload, (const char *)run->payload->name,
			     "the root element of %s is %s in namespace \"%s\"", t->name, t->root_name,
			     run->variant->root_ns);
}

static const xmlNode *header_element(const struct px_run *run, const char *name)
{
	xmlNode *n = px_next_element(run->root->children);
	for (n = n != NULL ? px_next_element(n->children) : NULL; n != NULL; n = px_next_element(n->next)) {
		if (px_node_is(n, PX_NS_EXCHANGE, name))
			return n;
	}
	return NULL;
}

/* --- the version of the type --- */

/* What the payload says of itself, in the attribute that one of the type's sets names. */
static xmlChar *own_version(const struct px_run *run, const char **attribute)
{
	for (unsigned i = 0; i < run->type->n_variants; i++) {
		const struct px_cat_set *set = run->ex->sets[run->type->variants[i].set].cat;
		xmlChar *own = set->version_attribute[0] != '\0'
				   ? xmlGetNoNsProp(run->payload, BAD_CAST set->version_attribute)
				   : NULL;
		*attribute = set->version_attribute;
		if (own != NULL)
			return own;
	}
	return NULL;
}

/* Where nothing names the version, its namespace does; else it is the default. */
static const struct px_variant *variant_by_namespace(const struct px_run *run)
{
	const char *ns = run->payload->ns != NULL ? (const char *)run->payload->ns->href : "";
	for (unsigned i = 0; i < run->type->n_variants; i++) {
		if (strcmp(run->type->variants[i].root_ns, ns) == 0)
			return &run->type->variants[i];
	}
	return px_examiner_variant(run->ex, run->type, "");
}

/* By @version, which stands at @where ("": nothing is said there), or by what the payload says. */
static void find_variant(struct px_run *run, const char *version, const xmlNode *where)
{
	const char *type = run->type->cat->name, *attribute = "";
	xmlChar *own = own_version(run, &attribute);
	const char *named = version[0] != '\0' || own == NULL ? version : (const char *)own;
	if (version[0] != '\0' && own != NULL && strcmp(version, (const char *)own) != 0)
		px_run_error(run, PX_CODE_ENV_TYPE_VERSION, where, version,
			     "%s of the payload says %s: the version must be the same", attribute,
			     (const char *)own);
	run->variant = named[0] != '\0' ? px_examiner_variant(run->ex, run->type, named)
					: variant_by_namespace(run);
	if (run->variant == NULL) {
		px_run_error(run, PX_CODE_ENV_TYPE_VERSION, version[0] != '\0' ? where : run->payload, named,
			     "the catalogue has no such version of %s", type);
	} else {
		const struct px_strings *names = &run->ex->sets[run->variant->set].cat->versions;
		px_strlcpy(run->v->version, named[0] != '\0' || names->n == 0 ? named : names->items[0],
			   sizeof(run->v->version));
		check_root_type(run);
	}
	xmlFree(own);
}

static void check_catalogue(struct px_run *run)
{
	const struct px_header *h = &run->v->header;
	run->type = px_examiner_type(run->ex, h->type);
	if (run->type == NULL) {
		const struct px_cat_type *known = px_catalogue_type(run->ex->cat, h->type);
		px_run_error(run, PX_CODE_ENV_TYPE, header_element(run, "MessageType"), h->type,
			     known != NULL
				 ? "the official schemas of this message type are not installed here"
				 : "the catalogue has no such message type");
		return;
	}
	if (px_str_starts(h->message_id, "PX-") && run->type->cat->origin == PX_ORIGIN_SYSTEM)
		px_run_error(run, PX_CODE_ENV_MESSAGE_ID, header_element(run, "MessageId"), h->message_id,
			     "ids that begin with PX- are made by nodes");
	find_variant(run, h->type_version, header_element(run, "TypeVersion"));
}

static void check_environment(struct px_run *run)
{
	const struct px_header *h = &run->v->header;
	const char *ours = run->ex->conf != NULL ? run->ex->conf->node.environment : "";
	if (ours[0] != '\0' && h->environment[0] != '\0' && strcmp(ours, h->environment) != 0)
		px_run_error(run, PX_CODE_ENV_ENVIRONMENT, header_element(run, "Environment"), h->environment,
			     "this node is of environment \"%s\"", ours);
}

static void exchange(struct px_run *run)
{
	check_prolog(run);
	if (!check_root(run, "Exchange"))
		return;
	read_exchange(run);
	check_environment(run);
	if (run->v->header.type[0] != '\0' && run->payload != NULL)
		check_catalogue(run);
}

/* --- a confirmation, or a node about itself, as document --- */

/* All of it but the Signature is envelope: no comments anywhere. */
static void check_comments(struct px_run *run, const xmlNode *node)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_COMMENT_NODE || n->type == XML_PI_NODE)
			check_structure(run, n);
		else if (n->type == XML_ELEMENT_NODE && !px_node_is(n, PX_NS_DSIG, "Signature"))
			check_comments(run, n);
	}
}

/* What is needed to know whose signature to expect; the schema stage judges the rest. */
static void answer(struct px_run *run, const char *root, const char *signer)
{
	check_prolog(run);
	if (!check_root(run, root))
		return;
	check_comments(run, run->root);
	const xmlNode *issuer = NULL, *at = NULL;
	for (const xmlNode *n = run->root->children; n != NULL; n = n->next) {
		if (px_node_is(n, PX_NS_EXCHANGE, signer) && issuer == NULL)
			issuer = n;
		if (px_node_is(n, PX_NS_EXCHANGE, "At") && at == NULL)
			at = n;
	}
	xmlChar *free1 = NULL, *free2 = NULL;
	const char *name = issuer != NULL ? px_node_text(issuer, &free1) : "";
	const char *time = at != NULL ? px_node_text(at, &free2) : "";
	if (!px_is_authority(name) || !px_strlcpy(run->authority, name, sizeof(run->authority)))
		px_run_error(run, PX_CODE_ENV_SCHEMA, issuer != NULL ? issuer : run->root, name,
			     "%s is not the code of an authority", signer);
	if (!read_time(time, &run->signed_at))
		px_run_error(run, PX_CODE_ENV_SCHEMA, at != NULL ? at : run->root, time,
			     "At is not a UTC time");
	xmlFree(free1);
	xmlFree(free2);
}

void px_stage_envelope(struct px_run *run)
{
	if (run->v->kind == PX_DOC_EXCHANGE)
		exchange(run);
	else if (run->v->kind == PX_DOC_CONFIRMATION)
		answer(run, "Confirmation", "Issuer");
	else
		answer(run, "Node", "Authority");
}

void px_stage_bare(struct px_run *run, const char *type, const char *version)
{
	report_xsi_types(run);
	run->type = px_examiner_type(run->ex, type);
	if (run->type == NULL)
		px_run_error(run, PX_CODE_ENV_TYPE, NULL, type, "the catalogue has no such message type");
	else
		find_variant(run, version, NULL);
}
