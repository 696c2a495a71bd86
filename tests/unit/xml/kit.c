/* prinex: tests of xml: an examiner with two authorities, and exchanges for it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/heap.h"

static struct kit *kit;

static void make_authority(struct authority *a, const char *code)
{
	char name[40], uri[80];
	snprintf(name, sizeof(name), "%s root", code);
	a->root = party_new(NULL, &(struct wish){.name = name, .ca = true});
	snprintf(name, sizeof(name), "%s intermediate", code);
	a->inter = party_new(&a->root, &(struct wish){.name = name, .ca = true});
	snprintf(uri, sizeof(uri), "urn:prinex:%s:system:customs", code);
	a->system = party_new(&a->inter, &(struct wish){.name = "system", .san = uri, .key = KEY_RSA2048});
	a->system_ec = party_new(&a->inter, &(struct wish){.name = "system ec", .san = uri});
	a->revoked = party_new(&a->inter, &(struct wish){.name = "revoked", .san = uri, .serial = 7});
	snprintf(uri, sizeof(uri), "urn:prinex:%s:node:broker", code);
	a->node = party_new(&a->inter, &(struct wish){.name = "node", .san = uri});
	a->node384 = party_new(&a->inter, &(struct wish){.name = "node", .san = uri, .key = KEY_P384});
}

static void write_authority(const struct authority *a, const char *code)
{
	static const long none[] = {0}, seven[] = {7, 0};
	char path[120];
	snprintf(path, sizeof(path), "%s/%s.pem", kit->dir, code);
	pem_certs(path, a->root.cert, NULL);
	X509_CRL *root = crl_new(&a->root, none, NOW + 30 * DAY),
		 *inter = crl_new(&a->inter, seven, NOW + 30 * DAY);
	snprintf(path, sizeof(path), "%s/%s.crl", kit->dir, code);
	pem_crls(path, root, inter);
	X509_CRL_free(root);
	X509_CRL_free(inter);
}

static void make_conf(void)
{
	char path[120];
	struct px_buf text = PX_BUF_INIT, said = PX_BUF_INIT;
	struct px_problems problems = {0};
	char *cwd = getcwd(NULL, 0);
	px_buf_addf(
	    &text,
	    "node { authority = \"UA\" name = broker environment = test tls-certificate = t tls-key = t "
	    "sign-certificate = s sign-key = s }\n"
	    "authority \"BY\" { system { anchors = \"BY.pem\" crls = \"BY.crl\" } "
	    "node { anchors = \"BY.pem\" crls = \"BY.crl\" } }\n"
	    "authority \"UA\" { system { anchors = \"UA.pem\" crls = \"UA.crl\" } "
	    "node { anchors = \"UA.pem\" crls = \"UA.crl\" } }\n"
	    "inspect { catalogue = { \"%s/schemas/catalogue/prinex.conf\"",
	    cwd);
	if (access(corpus(), R_OK) == 0)
		px_buf_addf(&text,
			    ", \"%s/schemas/catalogue/ncts5.conf\", \"%s/schemas/catalogue/ens.conf\" } "
			    "official = \"%s\"",
			    cwd, cwd, corpus());
	else
		px_buf_adds(&text, " }");
	px_buf_adds(&text, " }\n");
	snprintf(path, sizeof(path), "%s/prinex.conf", kit->dir);
	pem_text(path, px_buf_str(&text));
	if (px_conf_load(path, &kit->conf, &problems) != PX_OK ||
	    px_catalogue_load(kit->conf, &kit->cat, &problems) != PX_OK) {
		px_problems_print(&problems, &said);
		print_error("%s", px_buf_str(&said));
		fail();
	}
	px_problems_free(&problems);
	px_buf_free(&text);
	free(cwd);
}

struct kit *kit_get(void)
{
	if (kit != NULL)
		return kit;
	struct px_buf why = PX_BUF_INIT;
	px_xml_init();
	px_heap_open(); /* as inspectors do */
	kit = px_xcalloc(1, sizeof(*kit));
	snprintf(kit->dir, sizeof(kit->dir), "/tmp/prinex-xml-XXXXXX");
	px_assert(mkdtemp(kit->dir) != NULL);
	make_authority(&kit->by, "BY");
	make_authority(&kit->ua, "UA");
	write_authority(&kit->by, "BY");
	write_authority(&kit->ua, "UA");
	make_conf();
	if (px_examiner_new(kit->conf, kit->cat, &kit->ex, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	px_buf_free(&why);
	return kit;
}

static void free_authority(struct authority *a)
{
	struct party *all[] = {&a->root, &a->inter,   &a->system, &a->system_ec,
			       &a->node, &a->node384, &a->revoked};
	for (size_t i = 0; i < PX_ARRAY_LEN(all); i++)
		party_free(all[i]);
}

void kit_free(void)
{
	if (kit == NULL)
		return;
	static const char *const files[] = {"BY.pem", "BY.crl", "UA.pem", "UA.crl", "prinex.conf"};
	for (size_t i = 0; i < PX_ARRAY_LEN(files); i++) {
		char path[120];
		snprintf(path, sizeof(path), "%s/%s", kit->dir, files[i]);
		unlink(path);
	}
	rmdir(kit->dir);
	px_examiner_free(&kit->ex);
	px_catalogue_free(&kit->cat);
	px_conf_free(&kit->conf);
	free_authority(&kit->by);
	free_authority(&kit->ua);
	PX_FREE(kit);
}

static void same_findings(const struct px_findings *a, const struct px_findings *b)
{
	assert_int_equal(a->total, b->total);
	assert_int_equal(a->n, b->n);
	for (unsigned i = 0; i < a->n; i++) {
		assert_int_equal(a->items[i].code, b->items[i].code);
		assert_int_equal(a->items[i].line, b->items[i].line);
		assert_string_equal(a->items[i].text, b->items[i].text);
	}
}

struct px_verdict *kit_examine_as(const struct px_exam *exam, const char *data, size_t len)
{
	struct px_examiner *ex = kit_get()->ex;
	ex->verify = PX_VERIFY_FAST;
	struct px_verdict *v = px_examine(ex, exam, (const uint8_t *)data, len);
	ex->verify = PX_VERIFY_XMLSEC;
	struct px_verdict *other = px_examine(ex, exam, (const uint8_t *)data, len);
	assert_int_equal(v->stage, other->stage);
	assert_int_equal(v->profile, other->profile);
	same_findings(&v->errors, &other->errors);
	same_findings(&v->warnings, &other->warnings);
	px_verdict_free(&other);
	return v;
}

struct px_verdict *kit_examine(const char *data, size_t len)
{
	struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = NOW, .first_broker = true};
	return kit_examine_as(&exam, data, len);
}

double kit_cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- exchanges --- */

static void add(struct px_buf *out, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		px_buf_addf(out, "    <px:%s>%s</px:%s>\n", name, value, name);
}

static const char * or (const char *value, const char *otherwise)
{
	return value != NULL ? value : otherwise;
}

char *letter_text(const struct letter *l)
{
	struct px_buf out = PX_BUF_INIT;
	px_buf_addf(&out, "%s\n  <px:Header>\n",
		    or (l->open, "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\">"));
	if (l->header != NULL) {
		px_buf_adds(&out, l->header);
	} else {
		add(&out, "MessageId", or (l->id, "BY20261121000000123"));
		add(&out, "Environment", or (l->environment, "test"));
		add(&out, "Sender", or (l->sender, "BY"));
		add(&out, "Recipient", or (l->recipients, "UA"));
		add(&out, "MessageType", or (l->type, "Ping"));
		add(&out, "TypeVersion", l->version);
		add(&out, "CreatedAt", or (l->created, "2026-11-21T08:15:00Z"));
		add(&out, "ExpiresAt", l->expires);
		add(&out, "CorrelationId", l->correlation);
	}
	px_buf_addf(&out, "  </px:Header>\n  <px:Payload>%s</px:Payload>%s\n</px:Exchange>\n",
		    or (l->payload, PING), or (l->after, ""));
	return (char *)px_buf_detach(&out, NULL);
}

char *sign_with(const char *text, const struct party *who, X509 *second, enum px_sign_digest digest)
{
	struct px_buf out = PX_BUF_INIT, why = PX_BUF_INIT;
	STACK_OF(X509) *chain = sk_X509_new_null();
	sk_X509_push(chain, who->cert);
	if (second != NULL)
		sk_X509_push(chain, second);
	if (px_xml_sign((const uint8_t *)text, strlen(text), who->key, chain, digest, &out, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	sk_X509_free(chain);
	px_buf_free(&why);
	return (char *)px_buf_detach(&out, NULL);
}

char *letter_sign(char *text, const struct party *who, const struct authority *of)
{
	char *done = sign_with(text, who, of->inter.cert, PX_SIGN_SHA256);
	free(text);
	return done;
}

char *swap(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);
	if (at == NULL)
		fail_msg("\"%s\" is not in the text", from);
	char *done = text_of("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	free(text);
	return done;
}

char *text_of(const char *fmt, ...)
{
	struct px_buf out = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&out, fmt, ap);
	va_end(ap);
	return (char *)px_buf_detach(&out, NULL);
}

char *file_text(const char *path, size_t *len)
{
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	if (px_buf_read_file(&text, path, 64 << 20, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	return (char *)px_buf_detach(&text, len);
}

/* --- expectations --- */

static void show(const struct px_verdict *v)
{
	for (unsigned i = 0; i < v->errors.n; i++) {
		const struct px_finding *f = &v->errors.items[i];
		print_error("%s: %s line %u %s [%s] %s\n", px_stage_name(v->stage), px_code_wire(f->code),
			    f->line, f->pointer != NULL ? f->pointer : "-", f->value != NULL ? f->value : "",
			    f->text);
	}
}

void expect_refused(const char *text, enum px_stage stage, enum px_code code)
{
	struct px_verdict *v = kit_examine(text, strlen(text));
	bool as_expected = v->stage == stage && v->errors.n > 0 && v->errors.items[0].code == code;
	if (!as_expected) {
		show(v);
		fail_msg("expected %s at stage %s, got stage %s", px_code_wire(code), px_stage_name(stage),
			 px_stage_name(v->stage));
	}
	px_verdict_free(&v);
}

void expect_accepted(const char *text)
{
	struct px_verdict *v = kit_examine(text, strlen(text));
	if (v->stage != PX_STAGE_OK) {
		show(v);
		fail_msg("refused at stage %s", px_stage_name(v->stage));
	}
	px_verdict_free(&v);
}

const char *corpus(void)
{
	static char path[4096];
	if (path[0] == '\0' && realpath("../shared/corpus", path) == NULL)
		px_strlcpy(path, "/nonexistent", sizeof(path));
	return path;
}

bool corpus_missing(void)
{
	return access(corpus(), R_OK) != 0;
}
