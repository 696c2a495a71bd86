/* prinex: what inspecting a message costs, against the barest library calls for the same message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/strings.h"
#include "xml/examine.h"
#include "xml/heap.h"
#include "xml/load.h"
#include "xml/prescan.h"
#include "xml/sign.h"

/*
 * usage: bench CONF TYPE PAYLOAD SYSTEM-FOLDER [ROUNDS]
 *
 * Wraps PAYLOAD into an exchange of the configuration's own authority, signs it with
 * SYSTEM-FOLDER/sign.{key,pem} (RSA-2048) and measures CPU time of this thread per message, several times in
 * turn: (a) px_examine, as an inspector runs it; (b) bare: parse, exclusive C14N straight into SHA-256, RSA
 * verify with the key at hand, schema. Prints the medians as `key=value` lines.
 */
#define SETS 7

struct bench {
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_examiner *ex;
	struct px_buf doc;
	xmlSchemaPtr schema;
	EVP_PKEY *key;
	EVP_MD *sha256;
	struct px_buf signature;
	unsigned rounds;
};

static double cpu_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static void load(struct bench *b, const char *conf_file, const char *type)
{
	struct px_problems problems = {0};
	struct px_buf why = PX_BUF_INIT;
	if (px_conf_load(conf_file, &b->conf, &problems) != PX_OK ||
	    px_catalogue_load(b->conf, &b->cat, &problems) != PX_OK) {
		px_problems_print(&problems, &why);
		die("configuration", px_buf_str(&why));
	}
	px_problems_free(&problems);
	px_xml_init();
	px_heap_open();
	double start = cpu_us();
	if (px_examiner_new(b->conf, b->cat, &b->ex, &why) != PX_OK)
		die("examiner", px_buf_str(&why));
	double compiled = cpu_us();
	if (px_examiner_warm(b->ex, &why) != PX_OK)
		die("warm", px_buf_str(&why));
	printf("compile_ms=%.1f\nwarm_ms=%.1f\n", (compiled - start) / 1e3, (cpu_us() - compiled) / 1e3);
	const struct px_cat_type *t = px_catalogue_type(b->cat, type);
	if (t == NULL || px_load_set(px_catalogue_set(b->cat, t->sets.items[0]), &b->schema, &why) != PX_OK)
		die(type, px_buf_str(&why));
	b->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	px_buf_free(&why);
}

static STACK_OF(X509) * read_chain(const char *path)
{
	FILE *f = fopen(path, "r");
	if (f == NULL)
		die(path, "cannot be read");
	STACK_OF(X509) *chain = sk_X509_new_null();
	for (X509 *x; (x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL;)
		sk_X509_push(chain, x);
	fclose(f);
	return chain;
}

static void compose(struct bench *b, const char *type, const char *payload_file, const char *folder)
{
	struct px_buf payload = PX_BUF_INIT, plain = PX_BUF_INIT, why = PX_BUF_INIT;
	char path[512], now[32];
	if (px_buf_read_file(&payload, payload_file, 16 << 20, &why) != PX_OK)
		die(payload_file, px_buf_str(&why));
	const char *root = px_buf_str(&payload);
	if (strncmp(root, "<?xml", 5) == 0)
		root = strstr(root, "?>") + 2;
	root += strspn(root, "\r\n\t ");
	px_time_format(px_clock_wall(px_clock_real()) / 1000 * 1000, now, sizeof(now));
	px_buf_addf(
	    &plain,
	    "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header><px:MessageId>BENCH1</px:MessageId>"
	    "<px:Environment>%s</px:Environment><px:Sender>%s</px:Sender><px:Recipient>ZZ</px:Recipient>"
	    "<px:MessageType>%s</px:MessageType><px:CreatedAt>%s</px:CreatedAt></px:Header><px:Payload>%s</"
	    "px:Payload>"
	    "</px:Exchange>",
	    b->conf->node.environment, b->conf->node.authority, type, now, root);
	snprintf(path, sizeof(path), "%s/sign.key", folder);
	FILE *f = fopen(path, "r");
	b->key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (b->key == NULL)
		die(path, "not a private key");
	fclose(f);
	snprintf(path, sizeof(path), "%s/sign.pem", folder);
	STACK_OF(X509) *chain = read_chain(path);
	if (px_xml_sign(plain.data, plain.len, b->key, chain, PX_SIGN_SHA256, &b->doc, &why) != PX_OK)
		die("sign", px_buf_str(&why));
	sk_X509_pop_free(chain, X509_free);
	px_buf_free(&payload);
	px_buf_free(&plain);
	px_buf_free(&why);
}

/* --- (b) the barest calls
 * ------------------------------------------------------------------------------------ */

static int into_digest(void *ctx, const char *data, int len)
{
	EVP_DigestUpdate(ctx, data, (size_t)len);
	return len;
}

static int no_close(void *ctx)
{
	(void)ctx;
	return 0;
}

static xmlNodePtr child(xmlNodePtr parent, const char *name)
{
	for (xmlNodePtr n = parent->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
			return n;
	}
	die(name, "missing");
	return NULL;
}

static void c14n_digest(struct bench *b, xmlDocPtr doc, uint8_t out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_DigestInit_ex2(md, b->sha256, NULL);
	xmlOutputBufferPtr buf = xmlOutputBufferCreateIO(into_digest, no_close, md, NULL);
	if (xmlC14NExecute(doc, NULL, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, buf) < 0)
		die("C14N", "failed");
	xmlOutputBufferClose(buf);
	EVP_DigestFinal_ex(md, out, NULL);
	EVP_MD_CTX_free(md);
}

/* SignedInfo as a document of its own: the cheapest way to its canonical octets. */
static void verify_value(struct bench *b, xmlNodePtr signature)
{
	xmlDocPtr doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNodePtr info = xmlDocCopyNode(child(signature, "SignedInfo"), doc, 1);
	xmlDocSetRootElement(doc, info);
	uint8_t digest[32];
	c14n_digest(b, doc, digest);
	xmlFreeDoc(doc);
	xmlChar *text = xmlNodeGetContent(child(signature, "SignatureValue"));
	px_buf_clear(&b->signature);
	px_unbase64(&b->signature, (const char *)text, strlen((const char *)text));
	xmlFree(text);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, b->key, NULL);
	EVP_PKEY_verify_init(ctx);
	EVP_PKEY_CTX_set_signature_md(ctx, b->sha256);
	if (EVP_PKEY_verify(ctx, b->signature.data, b->signature.len, digest, sizeof(digest)) != 1)
		die("bare", "the signature does not verify");
	EVP_PKEY_CTX_free(ctx);
}

static void bare(struct bench *b)
{
	xmlDocPtr doc = xmlReadMemory((const char *)b->doc.data, (int)b->doc.len, NULL, NULL,
				      XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT);
	if (doc == NULL)
		die("bare", "parse");
	xmlNodePtr root = xmlDocGetRootElement(doc), signature = child(root, "Signature");
	xmlUnlinkNode(signature);
	uint8_t digest[32];
	c14n_digest(b, doc, digest);
	verify_value(b, signature);
	xmlFreeNode(signature);
	xmlNodePtr payload = child(root, "Payload");
	for (payload = payload->children; payload->type != XML_ELEMENT_NODE;)
		payload = payload->next;
	xmlUnlinkNode(payload);
	xmlDocPtr alone = xmlNewDoc(BAD_CAST "1.0");
	xmlDictPtr dict = doc->dict;
	alone->dict = dict;
	xmlDictReference(dict);
	xmlDocSetRootElement(alone, payload);
	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(b->schema);
	if (xmlSchemaValidateDoc(valid, alone) != 0)
		die("bare", "the payload is not valid");
	xmlSchemaFreeValidCtxt(valid);
	xmlFreeDoc(alone);
	xmlFreeDoc(doc);
}

/* --- (a)
 * ------------------------------------------------------------------------------------------------------ */

static void inspect(struct bench *b)
{
	struct px_exam exam = {
	    .kind = PX_DOC_EXCHANGE, .now = px_clock_wall(px_clock_real()), .first_broker = true};
	struct px_verdict *v = px_examine(b->ex, &exam, b->doc.data, b->doc.len);
	if (v->stage != PX_STAGE_OK)
		die(px_code_wire(v->errors.items[0].code), v->errors.items[0].text);
	px_verdict_free(&v);
}

static void prescan(struct bench *b)
{
	struct px_findings errors = {0};
	if (px_prescan(b->doc.data, b->doc.len, &errors) != PX_OK)
		die("pre-scan", "refuses the message");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, SETS, sizeof(*v), compare);
	return v[SETS / 2];
}

static double wall_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double measure(struct bench *b, void (*fn)(struct bench *b))
{
	double start = cpu_us();
	for (unsigned i = 0; i < b->rounds; i++)
		fn(b);
	return (cpu_us() - start) / b->rounds;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: bench CONF TYPE PAYLOAD SYSTEM-FOLDER [ROUNDS]\n");
		return 2;
	}
	struct bench b = {.rounds = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 500};
	load(&b, argv[1], argv[2]);
	compose(&b, argv[2], argv[3], argv[4]);
	double inspected[SETS], barest[SETS], scanned[SETS], ratio[SETS], wall[SETS];
	inspect(&b); /* fills the caches */
	bare(&b);
	for (int i = 0; i < SETS; i++) { /* in turn, so that a machine that drifts does it to both */
		wall[i] = wall_us();
		inspected[i] = measure(&b, inspect);
		wall[i] = (wall_us() - wall[i]) / b.rounds;
		barest[i] = measure(&b, bare);
		scanned[i] = measure(&b, prescan);
		ratio[i] = inspected[i] / barest[i];
	}
	printf("octets=%zu\ninspect_us=%.1f\nbare_us=%.1f\nprescan_us=%.1f\nratio=%.2f\nwall_us=%.1f\n",
	       b.doc.len, median(inspected), median(barest), median(scanned), median(ratio), median(wall));
	px_examiner_free(&b.ex);
	xmlSchemaFree(b.schema);
	EVP_PKEY_free(b.key);
	EVP_MD_free(b.sha256);
	px_buf_free(&b.doc);
	px_buf_free(&b.signature);
	px_catalogue_free(&b.cat);
	px_conf_free(&b.conf);
	return 0;
}
