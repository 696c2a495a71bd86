/* prinex: fuzzing verification: whole signed documents, our way against xmlsec1
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <xmlsec/openssl/evp.h>

#include "base/strings.h"
#include "canonical.h"
#include "xml/examiner.h"
#include "xml/prescan.h"
#include "xml/verify.h"

/*
 * The input is read as a series of choices, from which a document with one Signature of profile 1 is written:
 * prefixes declared, declared again and taken back, attributes, values with every kind of escape, CDATA,
 * comments, processing instructions, white space where profile 1 lets it stand. Digest and signature are then
 * put in, right or in one of many ways wrong, and both ways of verifying must come to the same result; what
 * was signed right must verify. Canonical octets are compared with libxml2's in passing.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- choices and text --- */

struct gen {
	const uint8_t *p, *end;
	struct px_buf out;
	unsigned depth;
	unsigned in_scope[4]; /* by prefix: how often it is declared */
};

static unsigned pick(struct gen *g, unsigned n)
{
	return g->p < g->end ? *g->p++ % n : 0;
}

#define ONE_OF(g, list) ((list)[pick(g, PX_ARRAY_LEN(list))])

static void add(struct gen *g, const char *s)
{
	px_buf_adds(&g->out, s);
}

static const char *const uris[] = {"urn:x:1",
				   "urn:x:2",
				   "urn:prinex:exchange:1",
				   "http://www.w3.org/2000/09/xmldsig#",
				   "http://a.example/b?c=1#d",
				   "urn:X:1",
				   "urn:x:10"};
static const char *const prefixes[] = {"a", "b", "px", "Z"};
static const char *const names[] = {"a", "b", "aa", "B", "\xc3\xa9", "\xf0\x90\x8d\x88", "a.b", "a-b", "_"};
static const char *const spaces[] = {"", "", "\n", " ", "\r\n", "\t ", "\n  "};
static const char *const values[] = {"",          "x",      " ",         "&#9;",     "&#10;",
				     "&#13;",     "&#xD;",  "&#xA;",     "&amp;",    "&lt;",
				     "&gt;",      "&quot;", "&apos;",    ">",        "\t",
				     "\n",        "\r\n",   "\r",        "\xc3\xa9", "\xf0\x90\x8d\x88",
				     "&#x10348;", "&#233;", "&#38;#38;", "]]"};
static const char *const texts[] = {
    "\"",         "'",         "<![CDATA[<&>]]>", "<![CDATA[]]>", "<![CDATA[a\r\nb\r]]>", "]]&gt;",
    "<!-- c -->", "<!--\r-->", "<?t?>",           "<?t  d ?>",    "<?t a\rb&#13;<>?>",    "<?xml-s x?>"};

static void add_raw(struct gen *g)
{
	for (unsigned n = pick(g, 16); n > 0; n--) {
		unsigned c = 0x20 + pick(g, 0x5f);
		if (c != '<' && c != '&' && c != '"' && c != '>' && c != '\'')
			px_buf_addc(&g->out, (char)c);
	}
}

static void add_value(struct gen *g)
{
	for (unsigned n = pick(g, 4); n > 0; n--) {
		unsigned which = pick(g, PX_ARRAY_LEN(values) + 1);
		if (which < PX_ARRAY_LEN(values))
			add(g, values[which]);
		else
			add_raw(g);
	}
}

static void add_text(struct gen *g)
{
	for (unsigned n = pick(g, 4); n > 0; n--) {
		if (pick(g, 2) == 0)
			add(g, ONE_OF(g, texts));
		else
			add_value(g);
	}
}

/* --- elements --- */

/* 4: none. */
static unsigned pick_prefix(struct gen *g)
{
	return pick(g, 5);
}

static void add_name(struct gen *g, unsigned prefix, const char *name)
{
	if (prefix < 4)
		px_buf_addf(&g->out, "%s:", prefixes[prefix]);
	add(g, name);
}

/* @used: prefixes that must be declared by now; @return those declared here. */
static unsigned add_declarations(struct gen *g, unsigned used)
{
	unsigned declared = pick(g, 3) == 0 ? pick(g, 16) : 0;
	for (unsigned i = 0; i < 4; i++) {
		if ((used & 1u << i) != 0 && g->in_scope[i] == 0)
			declared |= 1u << i;
		if ((declared & 1u << i) != 0) {
			px_buf_addf(&g->out, "%s xmlns:%s='%s'", ONE_OF(g, spaces), prefixes[i],
				    ONE_OF(g, uris));
			g->in_scope[i]++;
		}
	}
	if (pick(g, 4) == 1)
		px_buf_addf(&g->out, " xmlns=\"%s\"", pick(g, 2) == 0 ? "" : ONE_OF(g, uris));
	return declared;
}

static unsigned add_attributes(struct gen *g)
{
	unsigned used = 0, seen[5] = {0};
	for (unsigned n = pick(g, 6); n > 0; n--) {
		unsigned prefix = pick_prefix(g), name = pick(g, PX_ARRAY_LEN(names));
		if ((seen[prefix] & 1u << name) != 0)
			continue;
		seen[prefix] |= 1u << name;
		used |= prefix < 4 ? 1u << prefix : 0;
		add(g, " ");
		add_name(g, prefix, names[name]);
		add(g, "=\"");
		add_value(g);
		add(g, "\"");
	}
	static const char *const xml[] = {"", "", " xml:lang='en'", " xml:space='preserve'",
					  " xml:b='\t' xml:a=''"};
	add(g, ONE_OF(g, xml));
	return used;
}

static void add_element(struct gen *g)
{
	unsigned prefix = pick_prefix(g);
	const char *name = ONE_OF(g, names);
	px_buf_addc(&g->out, '<');
	add_name(g, prefix, name);
	unsigned used = add_attributes(g) | (prefix < 4 ? 1u << prefix : 0);
	unsigned declared = add_declarations(g, used);
	if (pick(g, 8) == 1) {
		add(g, "/>");
	} else {
		px_buf_addc(&g->out, '>');
		g->depth++;
		for (unsigned n = pick(g, 4); n > 0 && g->depth < 12; n--) {
			add_text(g);
			add_element(g);
		}
		add_text(g);
		g->depth--;
		add(g, "</");
		add_name(g, prefix, name);
		px_buf_addc(&g->out, '>');
	}
	for (unsigned i = 0; i < 4; i++)
		g->in_scope[i] -= (declared & 1u << i) != 0;
}

/* --- Signature --- */

static const char *ds; /* the prefix of the Signature being written, with its colon, or "" */

static void open_ds(struct gen *g, const char *name, const char *more)
{
	px_buf_addf(&g->out, "<%s%s", ds, name);
	if (pick(g, 8) == 1)
		px_buf_addf(&g->out, " xmlns:%s=\"%s\"", ONE_OF(g, prefixes), ONE_OF(g, uris));
	px_buf_addf(&g->out, "%s>%s", more, ONE_OF(g, spaces));
}

static void close_ds(struct gen *g, const char *name)
{
	px_buf_addf(&g->out, "</%s%s>%s", ds, name, ONE_OF(g, spaces));
}

static void add_method(struct gen *g, const char *name, const char *alg)
{
	px_buf_addf(&g->out, "<%s%s", ds, name);
	if (pick(g, 8) == 1)
		px_buf_addf(&g->out, " xmlns:%s=\"%s\"", ONE_OF(g, prefixes), ONE_OF(g, uris));
	px_buf_addf(&g->out, " Algorithm='%s'", alg);
	if (pick(g, 2) == 0)
		px_buf_addf(&g->out, "/>%s", ONE_OF(g, spaces));
	else
		px_buf_addf(&g->out, ">%s</%s%s>%s", ONE_OF(g, spaces), ds, name, ONE_OF(g, spaces));
}

#define C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define ENC  "http://www.w3.org/2001/04/xmlenc#"

static void add_signed_info(struct gen *g, bool ecdsa)
{
	static const char *const rsa[] = {MORE "rsa-sha256", MORE "rsa-sha384", MORE "rsa-sha512"};
	static const char *const ec[] = {MORE "ecdsa-sha256", MORE "ecdsa-sha384", MORE "ecdsa-sha512"};
	static const char *const md[] = {ENC "sha256", MORE "sha384", ENC "sha512"};
	open_ds(g, "SignedInfo", "");
	add_method(g, "CanonicalizationMethod", C14N);
	add_method(g, "SignatureMethod", ecdsa ? ONE_OF(g, ec) : ONE_OF(g, rsa));
	open_ds(g, "Reference", " URI=\"\"");
	open_ds(g, "Transforms", "");
	add_method(g, "Transform", DSIG "enveloped-signature");
	add_method(g, "Transform", C14N);
	close_ds(g, "Transforms");
	add_method(g, "DigestMethod", ONE_OF(g, md));
	px_buf_addf(&g->out, "<%sDigestValue>AAAA</%sDigestValue>%s", ds, ds, ONE_OF(g, spaces));
	close_ds(g, "Reference");
	close_ds(g, "SignedInfo");
}

static void add_signature(struct gen *g, bool ecdsa)
{
	static const char *const opens[] = {
	    "<ds:Signature xmlns:ds=\"" DSIG "\"", "<Signature xmlns=\"" DSIG "\"",
	    "<a:Signature xmlns:a='" DSIG "'", "<Z:Signature xmlns:Z='" DSIG "'"};
	static const char *const all[] = {"ds:", "", "a:", "Z:"};
	unsigned which = pick(g, 4);
	ds = all[which];
	add(g, opens[which]);
	/* A second declaration of the same prefix would be refused: only others. */
	if (pick(g, 4) == 1)
		px_buf_addf(&g->out, " xmlns:px=\"%s\" xmlns:u=\"urn:u\"", ONE_OF(g, uris));
	add(g, ">");
	add(g, ONE_OF(g, spaces));
	add_signed_info(g, ecdsa);
	px_buf_addf(&g->out, "<%sSignatureValue>AAAA</%sSignatureValue>%s", ds, ds, ONE_OF(g, spaces));
	px_buf_addf(
	    &g->out,
	    "<%sKeyInfo><%sX509Data><%sX509Certificate>AAAA</%sX509Certificate></%sX509Data></%sKeyInfo>", ds,
	    ds, ds, ds, ds, ds);
	px_buf_addf(&g->out, "%s</%sSignature>", ONE_OF(g, spaces), ds);
}

static void add_document(struct gen *g, bool ecdsa)
{
	px_buf_addf(&g->out, "<px:Exchange xmlns:px='urn:prinex:exchange:1'");
	g->in_scope[2] = 1;
	unsigned declared = pick(g, 4) == 1 ? 1u << 0 | 1u << 1 : 0;
	for (unsigned i = 0; i < 2; i++) {
		if ((declared & 1u << i) != 0)
			px_buf_addf(&g->out, " xmlns:%s='%s'", prefixes[i], ONE_OF(g, uris));
		g->in_scope[i] = (declared & 1u << i) != 0;
	}
	if (pick(g, 4) == 1)
		px_buf_addf(&g->out, " xmlns='%s'", ONE_OF(g, uris));
	add(g, ">");
	for (unsigned n = pick(g, 4); n > 0; n--) {
		add_text(g);
		add_element(g);
	}
	add_text(g);
	add_signature(g, ecdsa);
	add(g, ONE_OF(g, spaces));
	add(g, "</px:Exchange>");
}

/* --- keys --- */

static struct px_examiner ex; /* only what verification uses */
static struct px_leaf rsa_leaf, ec_leaf;
static EVP_PKEY *rsa_key, *ec_key;

static void set_leaf(struct px_leaf *leaf, EVP_PKEY *key, bool ecdsa)
{
	EVP_PKEY_up_ref(key);
	xmlSecKeyDataPtr data = xmlSecOpenSSLEvpKeyAdopt(key);
	leaf->key = xmlSecKeyCreate();
	px_assert(data != NULL && leaf->key != NULL && xmlSecKeySetValue(leaf->key, data) == 0);
	leaf->verifier = px_verifier_new(key);
	leaf->ecdsa = ecdsa;
}

/* Signing with 1024 bits is eight times cheaper than with 2048; the length of a key is judged elsewhere. */
static void make_keys(void)
{
	if (rsa_key != NULL)
		return;
	px_xml_init();
	px_digester_init(&ex.digester);
	rsa_key = EVP_RSA_gen(1024);
	ec_key = EVP_EC_gen("P-256");
	px_assert(rsa_key != NULL && ec_key != NULL);
	set_leaf(&rsa_leaf, rsa_key, false);
	set_leaf(&ec_leaf, ec_key, true);
}

static void raw_ecdsa(uint8_t *value, size_t *n)
{
	const unsigned char *p = value;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)*n);
	px_assert(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), value, 32) == 32 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), value + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	*n = 64;
}

static size_t sign(const struct px_sig_alg *alg, const struct px_buf *octets, uint8_t *value, size_t size)
{
	const EVP_MD *md = alg->bits == 256 ? EVP_sha256() : alg->bits == 384 ? EVP_sha384() : EVP_sha512();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	px_assert(EVP_DigestSignInit(ctx, NULL, md, NULL, alg->ecdsa ? ec_key : rsa_key) == 1 &&
		  EVP_DigestSign(ctx, value, &size, octets->data, octets->len) == 1);
	EVP_MD_CTX_free(ctx);
	if (alg->ecdsa)
		raw_ecdsa(value, &size);
	return size;
}

/* --- putting the values in --- */

static xmlNode *find(xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
			return n;
	}
	px_assert(!"the signature has that element");
	return NULL;
}

/* As text of @node, with line breaks now and then. */
static void set_value(struct gen *g, xmlNode *node, const uint8_t *value, size_t n)
{
	struct px_buf text = PX_BUF_INIT, broken = PX_BUF_INIT;
	px_base64(&text, value, n);
	const char *at = px_buf_str(&text), *space = ONE_OF(g, spaces);
	size_t width = pick(g, 4) == 1 ? 1 + pick(g, 80) : 4096;
	for (size_t left = text.len; left > 0;) {
		size_t take = PX_MIN(left, width);
		px_buf_adds(&broken, space);
		px_buf_add(&broken, at, take);
		at += take;
		left -= take;
	}
	xmlNodeSetContent(node, (const xmlChar *)px_buf_str(&broken));
	px_buf_free(&text);
	px_buf_free(&broken);
}

/* Change @value somehow. @return whether it is still what it was. */
static bool spoil(struct gen *g, uint8_t *value, size_t *n, size_t size)
{
	switch (pick(g, 8)) {
	case 1: value[pick(g, (unsigned)*n)] ^= (uint8_t)(1u << pick(g, 8)); return false;
	case 2: *n -= PX_MIN((size_t)1 + pick(g, 4), *n - 1); return false;
	case 3:
		for (unsigned more = 1 + pick(g, 4); more > 0 && *n < size; more--)
			value[(*n)++] = 0;
		return false;
	case 4: memset(value, 0, *n); return false;
	case 5: memset(value, 0xff, *n / 2); return false;
	case 6: memmove(value + 1, value, *n - 1); return false;
	default: return true;
	}
}

static bool put_digest(struct gen *g, struct px_run *run)
{
	uint8_t value[EVP_MAX_MD_SIZE + 8];
	unsigned n = 0, bits = run->shape.digest_bits;
	struct px_buf octets = PX_BUF_INIT;
	canonical_both(run->doc, run->root, run->signature, &octets);
	const EVP_MD *md = bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
	px_assert(EVP_Digest(octets.data, octets.len, value, &n, md, NULL) == 1);
	size_t len = n;
	bool right = spoil(g, value, &len, sizeof(value));
	xmlNode *info = find(run->signature, "SignedInfo");
	set_value(g, find(find(info, "Reference"), "DigestValue"), value, len);
	px_buf_free(&octets);
	return right;
}

/* Most runs are about canonical octets: only some pay for a signature. */
static bool put_value(struct gen *g, struct px_run *run, bool genuine)
{
	uint8_t value[160] = {0};
	size_t n = run->shape.signature->ecdsa ? 64 : 128;
	xmlNode *info = find(run->signature, "SignedInfo");
	struct px_buf octets = PX_BUF_INIT;
	canonical_both(run->doc, info, NULL, &octets);
	if (genuine)
		n = sign(run->shape.signature, &octets, value, sizeof(value));
	else
		value[n - 1] = value[n / 2 - 1] = 1;
	bool right = spoil(g, value, &n, sizeof(value)) && genuine;
	set_value(g, find(run->signature, "SignatureValue"), value, n);
	px_buf_free(&octets);
	return right;
}

static void free_shape(struct px_run *run)
{
	px_buf_free(&run->shape.digest);
	px_buf_free(&run->shape.value);
	run->shape = (struct px_shape){.signature = NULL};
}

static void judge(struct gen *g, struct px_run *run, bool genuine)
{
	bool digest_right = put_digest(g, run);
	bool value_right = put_value(g, run, genuine);
	free_shape(run);
	px_stage_shape(run);
	px_assert(run->v->errors.total == 0);
	enum px_verified ours = px_verify_fast(run), theirs = px_verify_xmlsec(run);
	if (ours != theirs)
		fprintf(stderr, "fast %d, xmlsec1 %d: %s\n", ours, theirs, px_buf_str(&g->out));
	px_assert(ours == theirs);
	px_assert((ours == PX_VERIFIED_DIGEST_WRONG) == !digest_right);
	px_assert(!digest_right || !value_right || ours == PX_VERIFIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gen g = {.p = data, .end = data + size};
	make_keys();
	unsigned mode = pick(&g, 64);
	bool ecdsa = mode % 16 == 5, genuine = mode % 8 == 1 || mode == 5;
	add_document(&g, ecdsa);
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	struct px_run run = {.ex = &ex, .data = g.out.data, .len = g.out.len, .v = v};
	run.leaf = ecdsa ? &ec_leaf : &rsa_leaf;
	if (px_prescan(run.data, run.len, &v->errors) == PX_OK)
		px_stage_parse(&run);
	/* A second Signature, or an attribute given twice under two prefixes, ends it here. */
	if (v->errors.total == 0)
		px_stage_shape(&run);
	if (v->errors.total == 0)
		judge(&g, &run, genuine);
	free_shape(&run);
	px_rows_free(&run.rows);
	if (run.doc != NULL)
		xmlFreeDoc(run.doc);
	px_verdict_free(&v);
	px_buf_free(&g.out);
	return 0;
}
