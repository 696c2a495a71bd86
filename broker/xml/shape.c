/* prinex: stage shape: the signature is profile 1 and nothing else, before any cryptography
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "xml/run.h"

/*
 * Most attacks on XML signatures are about what a library does with a Signature it should have refused. So
 * the tree is compared with the one shape that profile 1 has, element by element; what is not named here is
 * refused. https://www.w3.org/TR/xmldsig-bestpractices/
 */

#define C14N_EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED      PX_NS_DSIG "enveloped-signature"

static const struct px_sig_alg signature_algs[] = {
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", false, 256},
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", false, 384},
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", false, 512},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", true, 256},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", true, 384},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", true, 512},
};

static const struct {
	const char *uri;
	unsigned bits;
} digest_algs[] = {
    {"http://www.w3.org/2001/04/xmlenc#sha256", 256},
    {"http://www.w3.org/2001/04/xmldsig-more#sha384", 384},
    {"http://www.w3.org/2001/04/xmlenc#sha512", 512},
};

/* --- place --- */

static bool check_place(struct px_run *run)
{
	if (run->n_signatures == 0) {
		px_run_error(run, PX_CODE_SIG_MISSING, run->root, NULL, "there is no Signature");
		return false;
	}
	if (run->n_signatures > 1) {
		px_run_error(run, PX_CODE_SIG_COUNT, run->first_signature, NULL, "there are %u Signatures",
			     run->n_signatures);
		return false;
	}
	xmlNode *s = run->first_signature;
	if (s->parent != run->root || px_next_element(s->next) != NULL) {
		px_run_error(run, PX_CODE_SIG_PLACE, s, NULL, "Signature is not the last child of the root");
		return false;
	}
	run->signature = s;
	return true;
}

/* --- helpers --- */

/* Elements, with white space between them, and nothing else. */
static void check_elements_only(struct px_run *run, const xmlNode *node, enum px_code code)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE || (n->type == XML_TEXT_NODE && px_is_blank(n->content)))
			continue;
		px_run_error(run, code, n->type == XML_TEXT_NODE ? node : n,
			     n->type == XML_TEXT_NODE ? (const char *)n->content : NULL,
			     "%s holds something that is not an element", node->name);
	}
}

/* The only attribute allowed is @name (NULL: none at all). @return its value or NULL. */
static const char *check_attributes(struct px_run *run, const xmlNode *node, const char *name,
				    enum px_code code)
{
	const char *value = NULL;
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (name != NULL && a->ns == NULL && strcmp((const char *)a->name, name) == 0) {
			value = a->children != NULL ? (const char *)a->children->content : "";
			/* An attribute is one text node unless it holds entity references, which the pre-scan
			 * leaves no way to declare. */
			if (a->children != NULL &&
			    (a->children->next != NULL || a->children->type != XML_TEXT_NODE))
				value = NULL;
		} else {
			px_run_error(run, code, (const xmlNode *)a, NULL,
				     "profile 1 has no such attribute here");
		}
	}
	if (name != NULL && value == NULL)
		px_run_error(run, code, node, NULL, "%s has no attribute %s", node->name, name);
	return value;
}

#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* Without white space, and its last digit has no bits that mean nothing: the one way to write @min to @max
 * octets, which every schema takes. */
static bool is_plain_base64(const char *s, size_t n_digits, size_t min, size_t max)
{
	size_t pad = (4 - n_digits % 4) % 4, octets = n_digits / 4 * 3 + (pad == 0 ? 0 : 3 - pad);
	if (octets < min || octets > max || strcmp(s + n_digits, pad == 2 ? "==" : pad == 1 ? "=" : "") != 0)
		return false;
	char last = s[n_digits - 1];
	return pad == 0 || (pad == 1 && strchr("AEIMQUYcgkosw048", last) != NULL) ||
	       (pad == 2 && strchr("AQgw", last) != NULL);
}

/* A leaf of base64: exactly one text node. @min, @max: octets that the schema takes. */
static const xmlChar *check_leaf(struct px_run *run, const xmlNode *node, enum px_code code, size_t min,
				 size_t max)
{
	check_attributes(run, node, NULL, code);
	const xmlNode *text = node->children;
	if (text == NULL || text->next != NULL || text->type != XML_TEXT_NODE || px_is_blank(text->content)) {
		px_run_error(run, code, node, NULL, "%s does not hold exactly one piece of text", node->name);
		return NULL;
	}
	const char *s = (const char *)text->content;
	size_t n_digits = strspn(s, BASE64);
	if (is_plain_base64(s, n_digits, min, max))
		return text->content;
	run->shape.odd = true;
	if (s[n_digits + strspn(s + n_digits, BASE64 "= \t\r\n")] == '\0')
		return text->content;
	px_run_error(run, code, node, s, "%s is not base64", node->name);
	return NULL;
}

/* A leaf that is decoded here: libraries are not alike in what else they take for base64. */
static void check_value(struct px_run *run, const xmlNode *node, size_t min, size_t max, struct px_buf *out)
{
	const xmlChar *text = check_leaf(run, node, PX_CODE_SIG_SHAPE, min, max);
	if (text != NULL && px_unbase64(out, (const char *)text, strlen((const char *)text)) != PX_OK)
		px_run_error(run, PX_CODE_SIG_SHAPE, node, (const char *)text, "%s is not base64",
			     node->name);
}

/* An element without content whose Algorithm is to be looked at. @return it or NULL. */
static const char *check_method(struct px_run *run, const xmlNode *node, enum px_code code)
{
	const xmlNode *in = node->children;
	if (in != NULL && (in->next != NULL || in->type != XML_TEXT_NODE || !px_is_blank(in->content)))
		px_run_error(run, code, node, NULL, "%s has content", node->name);
	if (in != NULL)
		run->shape.odd = true;
	return check_attributes(run, node, "Algorithm", code);
}

/*
 * Take the next child element, which must be @name. When it is not, the error is reported once and NULL
 * returned; the parts behind it are then not judged.
 */
static xmlNode *expect(struct px_run *run, const xmlNode *parent, xmlNode **next, const char *name,
		       enum px_code code)
{
	xmlNode *n = px_next_element(*next);
	if (!px_node_is(n, PX_NS_DSIG, name)) {
		px_run_error(run, code, n != NULL ? n : parent, NULL, "%s must be here", name);
		return NULL;
	}
	*next = n->next;
	return n;
}

static void expect_end(struct px_run *run, xmlNode *next, enum px_code code)
{
	xmlNode *n = px_next_element(next);
	if (n != NULL)
		px_run_error(run, code, n, NULL, "profile 1 has no such element here");
}

/* --- Reference --- */

static void check_transforms(struct px_run *run, const xmlNode *transforms)
{
	static const char *const expected[] = {ENVELOPED, C14N_EXCLUSIVE};
	unsigned n = 0;
	check_attributes(run, transforms, NULL, PX_CODE_SIG_TRANSFORM);
	check_elements_only(run, transforms, PX_CODE_SIG_TRANSFORM);
	for (const xmlNode *t = px_next_element(transforms->children); t != NULL;
	     t = px_next_element(t->next), n++) {
		if (!px_node_is(t, PX_NS_DSIG, "Transform")) {
			px_run_error(run, PX_CODE_SIG_TRANSFORM, t, NULL, "this is not a Transform");
			continue;
		}
		const char *alg = check_method(run, t, PX_CODE_SIG_TRANSFORM);
		if (n < PX_ARRAY_LEN(expected) && alg != NULL && strcmp(alg, expected[n]) != 0)
			px_run_error(run, PX_CODE_SIG_TRANSFORM, t, alg, "transform %u must be %s", n + 1,
				     expected[n]);
	}
	if (n != PX_ARRAY_LEN(expected))
		px_run_error(run, PX_CODE_SIG_TRANSFORM, transforms, NULL, "there are %u transforms, not two",
			     n);
}

static void check_digest_method(struct px_run *run, const xmlNode *method)
{
	const char *alg = check_method(run, method, PX_CODE_SIG_ALGORITHM);
	for (size_t i = 0; alg != NULL && i < PX_ARRAY_LEN(digest_algs); i++) {
		if (strcmp(alg, digest_algs[i].uri) == 0)
			run->shape.digest_bits = digest_algs[i].bits;
	}
	if (alg != NULL && run->shape.digest_bits == 0)
		px_run_error(run, PX_CODE_SIG_ALGORITHM, method, alg, "profile 1 has no such digest");
}

static void check_reference(struct px_run *run, const xmlNode *ref)
{
	xmlNode *next = ref->children, *part;
	const char *uri = check_attributes(run, ref, "URI", PX_CODE_SIG_REFERENCE);
	if (uri != NULL && uri[0] != '\0')
		px_run_error(run, PX_CODE_SIG_REFERENCE, ref, uri, "URI must be there and empty");
	check_elements_only(run, ref, PX_CODE_SIG_SHAPE);
	if ((part = expect(run, ref, &next, "Transforms", PX_CODE_SIG_TRANSFORM)) == NULL)
		return;
	check_transforms(run, part);
	if ((part = expect(run, ref, &next, "DigestMethod", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	check_digest_method(run, part);
	if ((part = expect(run, ref, &next, "DigestValue", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	check_value(run, part, 32, 64, &run->shape.digest);
	expect_end(run, next, PX_CODE_SIG_SHAPE);
}

/* --- SignedInfo, KeyInfo --- */

static void check_signature_method(struct px_run *run, const xmlNode *method)
{
	const char *alg = check_method(run, method, PX_CODE_SIG_ALGORITHM);
	for (size_t i = 0; alg != NULL && i < PX_ARRAY_LEN(signature_algs); i++) {
		if (strcmp(alg, signature_algs[i].uri) == 0)
			run->shape.signature = &signature_algs[i];
	}
	if (alg != NULL && run->shape.signature == NULL)
		px_run_error(run, PX_CODE_SIG_ALGORITHM, method, alg,
			     "profile 1 has no such signature algorithm");
}

static void check_signed_info(struct px_run *run, const xmlNode *info)
{
	xmlNode *next = info->children, *part;
	check_attributes(run, info, NULL, PX_CODE_SIG_SHAPE);
	check_elements_only(run, info, PX_CODE_SIG_SHAPE);
	if ((part = expect(run, info, &next, "CanonicalizationMethod", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	const char *alg = check_method(run, part, PX_CODE_SIG_C14N);
	if (alg != NULL && strcmp(alg, C14N_EXCLUSIVE) != 0)
		px_run_error(run, PX_CODE_SIG_C14N, part, alg, "canonicalization must be %s", C14N_EXCLUSIVE);
	if ((part = expect(run, info, &next, "SignatureMethod", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	check_signature_method(run, part);
	if ((part = expect(run, info, &next, "Reference", PX_CODE_SIG_REFERENCE)) == NULL)
		return;
	check_reference(run, part);
	expect_end(run, next, PX_CODE_SIG_REFERENCE);
}

static void check_key_info(struct px_run *run, const xmlNode *info)
{
	xmlNode *next = info->children;
	check_attributes(run, info, NULL, PX_CODE_SIG_KEYINFO);
	check_elements_only(run, info, PX_CODE_SIG_KEYINFO);
	xmlNode *data = expect(run, info, &next, "X509Data", PX_CODE_SIG_KEYINFO);
	if (data == NULL)
		return;
	expect_end(run, next, PX_CODE_SIG_KEYINFO);
	check_attributes(run, data, NULL, PX_CODE_SIG_KEYINFO);
	check_elements_only(run, data, PX_CODE_SIG_KEYINFO);
	unsigned n = 0;
	for (xmlNode *c = px_next_element(data->children); c != NULL; c = px_next_element(c->next), n++) {
		if (!px_node_is(c, PX_NS_DSIG, "X509Certificate")) {
			px_run_error(run, PX_CODE_SIG_KEYINFO, c, NULL,
				     "only X509Certificate may stand here");
			continue;
		}
		const xmlChar *text = check_leaf(run, c, PX_CODE_SIG_KEYINFO, 128, 16384);
		if (text != NULL && run->shape.n_certs < PX_ARRAY_LEN(run->shape.certs))
			run->shape.certs[run->shape.n_certs++] = text;
	}
	if (n == 0 || n > PX_ARRAY_LEN(run->shape.certs))
		px_run_error(run, PX_CODE_SIG_KEYINFO, data, NULL,
			     "X509Data holds %u certificates, not 1 to %zu", n,
			     PX_ARRAY_LEN(run->shape.certs));
}

void px_stage_shape(struct px_run *run)
{
	if (!check_place(run))
		return;
	const xmlNode *s = run->signature;
	xmlNode *next = s->children, *part;
	check_attributes(run, s, NULL, PX_CODE_SIG_SHAPE);
	check_elements_only(run, s, PX_CODE_SIG_SHAPE);
	if ((part = expect(run, s, &next, "SignedInfo", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	run->shape.signed_info = part;
	check_signed_info(run, part);
	if ((part = expect(run, s, &next, "SignatureValue", PX_CODE_SIG_SHAPE)) == NULL)
		return;
	check_value(run, part, 64, 1024, &run->shape.value);
	if ((part = expect(run, s, &next, "KeyInfo", PX_CODE_SIG_KEYINFO)) == NULL)
		return;
	check_key_info(run, part);
	expect_end(run, next, PX_CODE_SIG_SHAPE);
	if (run->v->errors.total == 0)
		run->v->profile =
		    1; /* whether it is agreed with the partner is judged later: it stays verifiable */
}
