/* prinex: the floor: pre-scan, parse, canonicalize, verify, validate
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/strings.h"
#include "floor.h"
#include "xml/c14n.h"
#include "xml/heap.h"
#include "xml/prescan.h"

#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT)

static EVP_MD *sha256(void)
{
	static EVP_MD *md;
	if (md == NULL)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

double px_floor_digest(struct px_floor *f, unsigned rounds)
{
	uint8_t digest[PX_DIGEST_LEN];
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		px_sha256(f->doc->data, f->doc->len, digest);
	return (px_floor_cpu() - start) / rounds;
}

double px_floor_prescan(struct px_floor *f, unsigned rounds)
{
	struct px_findings errors = {0};
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		if (px_prescan(f->doc->data, f->doc->len, &errors) != PX_OK)
			px_bench_die("pre-scan", "refuses the message");
	}
	return (px_floor_cpu() - start) / rounds;
}

static xmlDocPtr parse(const struct px_buf *doc)
{
	xmlDocPtr tree = xmlReadMemory((const char *)doc->data, (int)doc->len, NULL, NULL, PARSE_OPTIONS);
	if (tree == NULL)
		px_bench_die("parse", "not well-formed");
	return tree;
}

/* With the broker's own memory for trees: the cheapest there is. One tree at a time. */
static size_t mark;

static xmlDocPtr parse_quickly(const struct px_buf *doc)
{
	px_heap_open();
	mark = px_heap_begin();
	xmlDocPtr tree = parse(doc);
	px_heap_end();
	return tree;
}

static void forget(xmlDocPtr tree)
{
	if (!px_heap_is_whole(mark))
		xmlFreeDoc(tree);
	px_heap_release(mark);
}

double px_floor_parse(struct px_floor *f, unsigned rounds)
{
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		forget(parse_quickly(f->doc));
	return (px_floor_cpu() - start) / rounds;
}

static xmlNodePtr child(xmlNodePtr parent, const char *name)
{
	for (xmlNodePtr n = parent->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && (name == NULL || strcmp((const char *)n->name, name) == 0))
			return n;
	}
	px_bench_die(name != NULL ? name : "element", "missing");
}

static void into_digest(void *md, const void *data, size_t len)
{
	EVP_DigestUpdate(md, data, len);
}

/* With the broker's own canonicalization: the cheapest there is. */
static void c14n_digest(const xmlNode *apex, const xmlNode *leave_out, uint8_t out[PX_DIGEST_LEN])
{
	static EVP_MD_CTX *md;
	if (md == NULL)
		md = EVP_MD_CTX_new();
	EVP_DigestInit_ex2(md, sha256(), NULL);
	if (px_c14n(apex, leave_out, into_digest, md) != PX_OK)
		px_bench_die("C14N", "failed");
	EVP_DigestFinal_ex(md, out, NULL);
}

double px_floor_c14n(struct px_floor *f, unsigned rounds)
{
	uint8_t digest[PX_DIGEST_LEN];
	xmlDocPtr doc = parse(f->doc);
	xmlNodePtr root = xmlDocGetRootElement(doc), signature = child(root, "Signature");
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		c14n_digest(root, signature, digest);
	double took = (px_floor_cpu() - start) / rounds;
	xmlFreeDoc(doc);
	return took;
}

static void digest_signed_info(xmlNodePtr signature, uint8_t digest[PX_DIGEST_LEN])
{
	c14n_digest(child(signature, "SignedInfo"), NULL, digest);
}

double px_floor_signed_info(struct px_floor *f, unsigned rounds)
{
	uint8_t digest[PX_DIGEST_LEN];
	xmlDocPtr doc = parse(f->doc);
	xmlNodePtr signature = child(xmlDocGetRootElement(doc), "Signature");
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		digest_signed_info(signature, digest);
	double took = (px_floor_cpu() - start) / rounds;
	xmlFreeDoc(doc);
	return took;
}

/* SignatureValue as EVP wants it: ECDSA in DER. */
static void signature_value(xmlNodePtr signature, EVP_PKEY *key, struct px_buf *out)
{
	struct px_buf raw = PX_BUF_INIT;
	xmlChar *text = xmlNodeGetContent(child(signature, "SignatureValue"));
	px_unbase64(&raw, (const char *)text, strlen((const char *)text));
	xmlFree(text);
	px_buf_clear(out);
	if (EVP_PKEY_is_a(key, "EC")) {
		ECDSA_SIG *sig = ECDSA_SIG_new();
		int half = (int)raw.len / 2;
		ECDSA_SIG_set0(sig, BN_bin2bn(raw.data, half, NULL), BN_bin2bn(raw.data + half, half, NULL));
		uint8_t *to = px_buf_reserve(out, 160);
		px_buf_grown(out, (size_t)i2d_ECDSA_SIG(sig, &to));
		ECDSA_SIG_free(sig);
	} else {
		px_buf_add(out, raw.data, raw.len);
	}
	px_buf_free(&raw);
}

/* @ctx: kept from one to the next. */
static void verify(EVP_PKEY_CTX *ctx, const struct px_buf *value, const uint8_t digest[PX_DIGEST_LEN])
{
	if (EVP_PKEY_verify(ctx, value->data, value->len, digest, PX_DIGEST_LEN) != 1)
		px_bench_die("verify", "the signature does not fit");
}

static EVP_PKEY_CTX *verifier(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, sha256()) != 1)
		px_bench_die("verify", "OpenSSL cannot verify with this key");
	return ctx;
}

double px_floor_verify(struct px_floor *f, unsigned rounds)
{
	uint8_t digest[PX_DIGEST_LEN];
	struct px_buf value = PX_BUF_INIT;
	xmlDocPtr doc = parse(f->doc);
	xmlNodePtr signature = child(xmlDocGetRootElement(doc), "Signature");
	digest_signed_info(signature, digest);
	signature_value(signature, f->signer, &value);
	EVP_PKEY_CTX *ctx = verifier(f->signer);
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		verify(ctx, &value, digest);
	double took = (px_floor_cpu() - start) / rounds;
	EVP_PKEY_CTX_free(ctx);
	px_buf_free(&value);
	xmlFreeDoc(doc);
	return took;
}

double px_floor_schema(struct px_floor *f, unsigned rounds)
{
	xmlDocPtr doc = parse(f->doc), alone = xmlNewDoc(BAD_CAST "1.0");
	xmlNodePtr payload = child(child(xmlDocGetRootElement(doc), "Payload"), NULL);
	xmlUnlinkNode(payload);
	alone->dict = doc->dict;
	xmlDictReference(doc->dict);
	xmlDocSetRootElement(alone, payload);
	px_heap_open();
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++) {
		size_t before = px_heap_begin();
		xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(f->schema);
		if (xmlSchemaValidateDoc(valid, alone) != 0)
			px_bench_die("schema", "the payload is not valid");
		xmlSchemaFreeValidCtxt(valid);
		px_heap_end();
		px_heap_release(before);
	}
	double took = (px_floor_cpu() - start) / rounds;
	xmlFreeDoc(alone);
	xmlFreeDoc(doc);
	return took;
}

/* --- all of it
 * ---------------------------------------------------------------------------------------------- */

struct px_floor_reader {
	struct px_floor *f;
	EVP_PKEY_CTX *sender, *answerer;
	struct px_buf value;
};

struct px_floor_reader *px_floor_reader_open(struct px_floor *f)
{
	struct px_floor_reader *r = px_xcalloc(1, sizeof(*r));
	r->f = f;
	r->sender = verifier(f->signer);
	r->answerer = verifier(f->answerer);
	return r;
}

void px_floor_reader_close(struct px_floor_reader **reader)
{
	struct px_floor_reader *r = *reader;
	EVP_PKEY_CTX_free(r->sender);
	EVP_PKEY_CTX_free(r->answerer);
	px_buf_free(&r->value);
	free(r);
	*reader = NULL;
}

static void verify_tree(struct px_floor_reader *r, xmlNodePtr root, EVP_PKEY *key, EVP_PKEY_CTX *ctx)
{
	uint8_t digest[PX_DIGEST_LEN];
	xmlNodePtr signature = child(root, "Signature");
	c14n_digest(root, signature, digest);
	digest_signed_info(signature, digest);
	signature_value(signature, key, &r->value);
	verify(ctx, &r->value, digest);
}

static void validate(const struct px_floor *f, xmlNodePtr payload)
{
	(void)px_heap_begin(); /* goes with the tree's memory */
	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(f->schema);
	if (xmlSchemaValidateOneElement(valid, payload) != 0)
		px_bench_die("schema", "the payload is not valid");
	xmlSchemaFreeValidCtxt(valid);
	px_heap_end();
}

void px_floor_reader_message(struct px_floor_reader *r, const struct px_buf *doc)
{
	struct px_findings errors = {0};
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(doc->data, doc->len, digest);
	if (px_prescan(doc->data, doc->len, &errors) != PX_OK)
		px_bench_die("pre-scan", "refuses the message");
	xmlDocPtr tree = parse_quickly(doc);
	xmlNodePtr root = xmlDocGetRootElement(tree);
	verify_tree(r, root, r->f->signer, r->sender);
	validate(r->f, child(child(root, "Payload"), NULL));
	forget(tree);
}

/* A partner's confirmation: parse, digest, verify. */
void px_floor_reader_answer(struct px_floor_reader *r, const struct px_buf *answer)
{
	xmlDocPtr tree = parse_quickly(answer);
	verify_tree(r, xmlDocGetRootElement(tree), r->f->answerer, r->answerer);
	forget(tree);
}

double px_floor_answer(struct px_floor *f, unsigned rounds)
{
	struct px_floor_reader *r = px_floor_reader_open(f);
	double start = px_floor_cpu();
	for (unsigned i = 0; i < rounds; i++)
		px_floor_reader_answer(r, f->answer);
	double took = (px_floor_cpu() - start) / rounds;
	px_floor_reader_close(&r);
	return took;
}
