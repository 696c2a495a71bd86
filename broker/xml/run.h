/* prinex: one examination on its way through the stages
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_RUN_H
#define PX_XML_RUN_H

#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <openssl/evp.h>

#include "xml/examine.h"
#include "xml/locate.h"
#include "xml/rows.h"

/*
 * Private to broker/xml. examine.c makes a px_run for each document and calls the stages in order; a stage
 * that finds something wrong appends to the verdict's errors, and examine.c stops after it. The tree belongs
 * to the run.
 */

#define PX_NS_EXCHANGE "urn:prinex:exchange:1"
#define PX_NS_DSIG     "http://www.w3.org/2000/09/xmldsig#"

struct px_examiner;
struct px_type;
struct px_variant;
struct px_leaf;
struct px_rule_hit;

/** Algorithms of a signature, as its shape named them; filled by px_stage_shape. */
struct px_sig_alg {
	const char *uri;
	bool ecdsa;
	unsigned bits; /* of the digest */
};

struct px_shape {
	const struct px_sig_alg *signature;
	unsigned digest_bits;
	const xmlNode *signed_info;
	struct px_buf digest, value; /* DigestValue and SignatureValue, decoded; end with the run */
	bool odd; /* its values are written in a way of which only xmldsig-profile-1.xsd says whether it is
		     right */
	unsigned n_certs;
	const xmlChar *certs[8]; /* base64 as it stands in the tree */
};

struct px_run {
	struct px_examiner *ex;
	const struct px_exam *exam;
	const uint8_t *data;
	size_t len;
	struct px_verdict *v;
	struct px_span payload_span; /* where in the octets the payload's root stands */
	xmlDoc *doc;
	size_t heap_mark;    /* its memory, see heap.h; 0: none of its own */
	struct px_rows rows; /* its elements, from px_stage_parse; px_rows_free */
	xmlNode *root;
	xmlNode *payload;   /* the business document's root element */
	xmlNode *signature; /* the only Signature, at its place once the shape stage has passed */
	/* What the parse stage found in the whole tree. */
	bool must_survey; /* a namespace that may be wrong, or xsi:type */
	unsigned n_signatures;
	xmlNode *first_signature;
	unsigned n_xsi_types;
	const xmlAttr *xsi_types[PX_ERRORS_MAX];
	const struct px_type *type;
	const struct px_variant *variant;
	int64_t signed_at;                    /* CreatedAt, or At of a confirmation */
	char authority[PX_AUTHORITY_MAX + 1]; /* that must have signed: Sender, Issuer */
	struct px_shape shape;
	const struct px_leaf *leaf; /* the signer's verified certificate */
	struct px_leaf *fresh;      /* the same, owned, as long as it is not in the cache */
	struct { /* where the payload stood (px_payload_detach); parent NULL: it still does */
		xmlNode *parent, *prev, *next, *doc_children, *doc_last;
		xmlNs *tail, *parent_tail; /* last declarations of payload and parent */
		bool was_empty, parent_was_empty;
	} home;
	unsigned depth; /* 1: Evidence inside another document */
};

/* --- run.c: findings and names --- */

/** Append an error about @node (NULL: none). @value is raw text, escaped and cut here; NULL: none. */
void px_run_error(struct px_run *run, enum px_code code, const xmlNode *node, const char *value,
		  const char *fmt, ...) PX_PRINTF(5, 6);
void px_run_warn(struct px_run *run, enum px_code code, const xmlNode *node, const char *value,
		 const char *fmt, ...) PX_PRINTF(5, 6);
/** A rule of the type is broken: an error, or a warning. */
void px_run_rule(struct px_run *run, const struct px_rule_hit *hit, bool refuses);
/** Append the pointer of @node: from the payload's root if it lies in there, else from the document's. */
void px_run_pointer(const struct px_run *run, const xmlNode *node, struct px_buf *out);
/** An element of this name and namespace? */
bool px_node_is(const xmlNode *node, const char *ns, const char *name);
/** First element among @node and its following siblings, or NULL. */
xmlNode *px_next_element(xmlNode *node);
bool px_is_blank(const xmlChar *text);
/** The text of an element without child elements; *@tofree gets what must be freed, if anything. */
const char *px_node_text(const xmlNode *node, xmlChar **tofree);

/* --- the stages --- */

/** parse.c: octets to tree; relative namespace names, xsi:type, Signatures. */
void px_stage_parse(struct px_run *run);
/** envelope.c: structure and header; what of the catalogue it names. */
void px_stage_envelope(struct px_run *run);
/** envelope.c: the same for a payload without envelope. */
void px_stage_bare(struct px_run *run, const char *type, const char *version);
/** shape.c: the signature is at its place and is profile 1 and nothing else; no cryptography. */
void px_stage_shape(struct px_run *run);
/** cert.c: whose certificate it is, and whether it may sign. */
void px_stage_certificate(struct px_run *run);
/** verify.c: digest and value. */
void px_stage_signature(struct px_run *run);
/** validate.c: the payload (a confirmation: the whole) against its schema. */
void px_stage_schema(struct px_run *run);
/** rules.c: what the rules of the type say, business keys, confirmations. */
void px_stage_rules(struct px_run *run);
/** confirmation.c: a confirmation that answers an exchange; the entries of a Confirmations payload. */
void px_check_answer(struct px_run *run);
void px_check_entries(struct px_run *run);

/** px_examine for a document inside another one. */
struct px_verdict *px_examine_at(struct px_examiner *ex, const struct px_exam *exam, const uint8_t *data,
				 size_t len, unsigned depth);

/** Let the payload stand as the root of the document, and put it back (needed before the tree is freed). */
void px_payload_detach(struct px_run *run);
void px_payload_attach(struct px_run *run);

#endif
