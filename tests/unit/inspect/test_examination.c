/* prinex: real messages through real inspectors: px_inspect_main behind the pool
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/log.h"
#include "base/strings.h"
#include "inspect/pool_parts.h"
#include "pool_fixture.h"
#include "xml/examine.h"
#include "xml/sign.h"

/*
 * What this must show: whatever a message makes libxml2, xmlsec1 and OpenSSL do, they do it within the
 * sandbox. A library that opens a file or asks the kernel for something lazily shows as a lost inspector.
 */

static char dir[] = "/tmp/prinex-inspect-XXXXXX";
static char conf_file[PATH_MAX], official[PATH_MAX];
static bool has_corpus;

static void command(const char *fmt, ...) PX_PRINTF(1, 2);
static void command(const char *fmt, ...)
{
	struct px_buf line = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	assert_int_equal(system(px_buf_str(&line)), 0);
	px_buf_free(&line);
}

static void write_conf(void)
{
	char cwd[PATH_MAX];
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(conf_file, sizeof(conf_file), "%s/prinex.conf", dir);
	FILE *file = fopen(conf_file, "w");
	assert_non_null(file);
	fprintf(file,
		"node { authority = XA name = broker environment = test tls-certificate = t tls-key = t "
		"sign-certificate = s sign-key = s }\n"
		"authority XA {\n"
		"  system { anchors = pki/XA/anchors.pem crls = pki/XA/sign-crl.pem }\n"
		"  node { anchors = pki/XA/anchors.pem crls = pki/XA/sign-crl.pem }\n"
		"}\n"
		"inspect {\n  catalogue = { \"%s/schemas/catalogue/prinex.conf\"",
		cwd);
	if (has_corpus)
		fprintf(file,
			", \"%s/schemas/catalogue/ncts5.conf\", \"%s/schemas/catalogue/ens.conf\" }\n"
			"  official = \"%s\"\n}\n",
			cwd, cwd, official);
	else
		fprintf(file, " }\n}\n");
	fclose(file);
}

static int make_world(void **state PX_UNUSED)
{
	assert_non_null(mkdtemp(dir));
	has_corpus = realpath("../shared/corpus", official) != NULL;
	command("certs/make-pki --quiet %s/pki XA", dir);
	write_conf();
	px_xml_init();
	return 0;
}

static int remove_world(void **state PX_UNUSED)
{
	command("rm -rf %s", dir);
	return 0;
}

/* --- exchanges -------------------------------------------------------------------------------------------
 */

static void sign(struct px_buf *unsigned_text, const char *key, enum px_sign_digest digest,
		 struct px_buf *out)
{
	char path[PATH_MAX];
	struct px_buf why = PX_BUF_INIT;
	STACK_OF(X509) *chain = sk_X509_new_null();
	snprintf(path, sizeof(path), "%s/pki/XA/system/%s.pem", dir, key);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	for (X509 *cert; (cert = PEM_read_X509(file, NULL, NULL, NULL)) != NULL;)
		sk_X509_push(chain, cert);
	fclose(file);
	snprintf(path, sizeof(path), "%s/pki/XA/system/%s.key", dir, key);
	file = fopen(path, "r");
	EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (px_xml_sign(unsigned_text->data, unsigned_text->len, pkey, chain, digest, out, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	EVP_PKEY_free(pkey);
	sk_X509_pop_free(chain, X509_free);
	px_buf_free(&why);
}

/* An exchange of @type around the root element in @payload. */
static void wrap(const char *type, const struct px_buf *payload, struct px_buf *out)
{
	static unsigned id;
	char created[32];
	const char *text = px_buf_str(payload);
	const char *end = text + payload->len;
	if (px_str_starts(text, "\xef\xbb\xbf"))
		text += 3;
	for (const char *at; (at = strstr(text, "?>")) != NULL && px_str_starts(text, "<?xml");)
		text = at + 2;
	px_time_format(px_clock_wall(px_clock_real()), created, sizeof(created));
	px_buf_addf(out,
		    "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header>"
		    "<px:MessageId>XA%06u</px:MessageId><px:Environment>test</px:Environment>"
		    "<px:Sender>XA</px:Sender><px:Recipient>XB</px:Recipient>"
		    "<px:MessageType>%s</px:MessageType><px:CreatedAt>%s</px:CreatedAt></px:Header>"
		    "<px:Payload>",
		    ++id, type, created);
	px_buf_add(out, text, (size_t)(end - text));
	px_buf_adds(out, "</px:Payload></px:Exchange>");
}

static void signed_exchange(const char *type, const char *file, const char *key, enum px_sign_digest digest,
			    struct px_buf *out)
{
	struct px_buf payload = PX_BUF_INIT, text = PX_BUF_INIT, why = PX_BUF_INIT;
	if (px_buf_read_file(&payload, file, 4 << 20, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	wrap(type, &payload, &text);
	sign(&text, key, digest, out);
	px_buf_free(&payload);
	px_buf_free(&text);
}

static void on_done(void *arg, int rc, struct px_verdict *verdict)
{
	*(struct outcome *)arg = (struct outcome){.done = true, .rc = rc, .verdict = verdict};
}

static void start(struct fixture *f, const void *data, size_t len, struct outcome *o)
{
	struct px_pool_request r = {.kind = PX_DOC_EXCHANGE,
				    .body = px_body_copy(data, len),
				    .now = px_clock_wall(px_clock_real()),
				    .first_broker = true};
	*o = (struct outcome){0};
	assert_int_equal(px_pool_submit(f->pool, &r, on_done, o), PX_OK);
	px_body_unref(&r.body);
}

static void inspect(struct fixture *f, const void *data, size_t len, struct outcome *o)
{
	start(f, data, len, o);
	fixture_until(f, o->done, 60000);
}

static void open_real(struct fixture *f)
{
	fixture_open(f);
	fixture_start(f, conf_file);
	if (f->ready_rc != PX_OK)
		fail_msg("not ready: %s", f->why);
}

static void assert_nobody_died(const struct fixture *f)
{
	assert_int_equal(restarts(f, "crash"), 0);
	assert_int_equal(restarts(f, "garbage"), 0);
	assert_int_equal(restarts(f, "cpu"), 0);
}

static void expect_stage(struct fixture *f, const struct px_buf *text, enum px_stage stage, const char *what)
{
	struct outcome o;
	inspect(f, text->data, text->len, &o);
	if (o.rc != PX_OK)
		fail_msg("%s: %s", what, px_err_name(o.rc));
	if (o.verdict->stage != stage)
		fail_msg("%s: stage %s, %s", what, px_stage_name(o.verdict->stage),
			 o.verdict->errors.n > 0 ? o.verdict->errors.items[0].text : "no error");
	outcome_free(&o);
}

/* --- tests -----------------------------------------------------------------------------------------------
 */

static void examples_pass(void **state PX_UNUSED)
{
	struct fixture f;
	unsigned n = 0;
	open_real(&f);
	DIR *folder = opendir("schemas/examples");
	assert_non_null(folder);
	for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
		char path[PATH_MAX], type[64];
		struct px_buf text = PX_BUF_INIT;
		/* Alarms are made by nodes; our signer is a system. */
		if (!px_str_ends(e->d_name, ".xml") || px_str_starts(e->d_name, "Alarm"))
			continue;
		snprintf(path, sizeof(path), "schemas/examples/%s", e->d_name);
		px_strlcpy_n(type, e->d_name, strcspn(e->d_name, "-"), sizeof(type));
		signed_exchange(type, path, n % 2 ? "sign" : "sign-ec", (enum px_sign_digest)(n % 3), &text);
		expect_stage(&f, &text, PX_STAGE_OK, e->d_name);
		px_buf_free(&text);
		n++;
	}
	closedir(folder);
	assert_true(n >= 20);
	assert_nobody_died(&f);
	fixture_close(&f);
}

static void a_verdict_says_what_was_sent(void **state PX_UNUSED)
{
	struct fixture f;
	struct outcome o;
	struct px_buf text = PX_BUF_INIT;
	open_real(&f);
	signed_exchange("ExportDeclaration", "schemas/examples/ExportDeclaration-small.xml", "sign",
			PX_SIGN_SHA256, &text);
	inspect(&f, text.data, text.len, &o);
	assert_int_equal(o.rc, PX_OK);
	const struct px_verdict *v = o.verdict;
	assert_string_equal(v->header.sender, "XA");
	assert_string_equal(v->header.type, "ExportDeclaration");
	assert_string_equal(v->header.recipients[0], "XB");
	assert_string_equal(v->signer.authority, "XA");
	assert_int_equal(v->signer.role, PX_ROLE_SYSTEM);
	assert_non_null(px_keys_first(&v->keys, PX_KEY_LRN));
	const char *root = (const char *)text.data + v->payload_offset, *end = root + v->payload_len;
	assert_memory_equal(end - 1, ">", 1);
	assert_memory_equal(end + strspn(end, "\n"), "</px:Payload>", 13);
	assert_memory_equal(root, "<", 1);
	outcome_free(&o);
	px_buf_free(&text);
	fixture_close(&f);
}

/* One document for each stage that can fail. */
static void refusals_come_from_within_the_sandbox(void **state PX_UNUSED)
{
	static const struct {
		const char *text;
		enum px_stage stage;
	} cases[] = {{"", PX_STAGE_PRESCAN},
		     {"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>", PX_STAGE_PRESCAN},
		     {"\xff\xfe<\0x\0/\0>", PX_STAGE_PRESCAN},
		     {"<a><b></a>", PX_STAGE_PARSE},
		     {"<a>&undeclared;</a>", PX_STAGE_PARSE},
		     {"<a/>", PX_STAGE_ENVELOPE},
		     {"<x xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd'/></x>",
		      PX_STAGE_ENVELOPE}};
	struct fixture f;
	struct px_buf text = PX_BUF_INIT;
	open_real(&f);
	for (size_t i = 0; i < PX_ARRAY_LEN(cases); i++) {
		px_buf_clear(&text);
		px_buf_adds(&text, cases[i].text);
		expect_stage(&f, &text, cases[i].stage, cases[i].text);
	}
	px_buf_clear(&text);
	signed_exchange("Ping", "schemas/examples/Ping-small.xml", "sign", PX_SIGN_SHA256, &text);
	uint8_t *at = memmem(text.data, text.len, "SignatureValue>", 15);
	assert_non_null(at);
	at[20] = at[20] == 'A' ? 'B' : 'A';
	expect_stage(&f, &text, PX_STAGE_SIGNATURE, "a changed signature");
	px_buf_clear(&text);
	signed_exchange("ExportDeclaration", "schemas/examples/Ping-small.xml", "sign", PX_SIGN_SHA256,
			&text);
	expect_stage(&f, &text, PX_STAGE_ENVELOPE, "another root than the type's");
	px_buf_free(&text);
	assert_nobody_died(&f);
	fixture_close(&f);
}

/* The type of a customs message is the name of its root. */
static bool root_name(const struct px_buf *text, char *out, size_t size)
{
	const char *p = px_buf_str(text);
	while ((p = strstr(p, "<")) != NULL && (p[1] == '?' || p[1] == '!'))
		p++;
	if (p == NULL)
		return false;
	const char *name = p + 1, *colon = strchr(name, ':');
	size_t len = strcspn(name, " \t\r\n/>");
	if (colon != NULL && colon < name + len) {
		len -= (size_t)(colon + 1 - name);
		name = colon + 1;
	}
	return px_strlcpy_n(out, name, len, size);
}

/* @return whether it was a message at all; *@passed counts the good ones. */
static bool inspect_file(struct fixture *f, const char *path, unsigned *passed)
{
	char type[64];
	struct px_buf payload = PX_BUF_INIT, text = PX_BUF_INIT, whole = PX_BUF_INIT;
	struct outcome o = {0};
	bool is_one = px_str_ends(path, ".xml") && px_buf_read_file(&payload, path, 4 << 20, NULL) == PX_OK &&
		      root_name(&payload, type, sizeof(type));
	if (is_one) {
		wrap(type, &payload, &text);
		sign(&text, "sign", PX_SIGN_SHA256, &whole);
		inspect(f, whole.data, whole.len, &o);
		if (o.rc != PX_OK)
			fail_msg("%s: %s", path, px_err_name(o.rc));
		*passed += o.verdict->stage == PX_STAGE_OK;
	}
	outcome_free(&o);
	px_buf_free(&payload);
	px_buf_free(&text);
	px_buf_free(&whole);
	return is_one;
}

static unsigned inspect_folder(struct fixture *f, const char *name, unsigned *passed)
{
	char path[2 * PATH_MAX];
	unsigned n = 0;
	snprintf(path, sizeof(path), "%s/%s", official, name);
	DIR *folder = opendir(path);
	for (const struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s/%s", official, name, e->d_name);
		n += inspect_file(f, path, passed);
	}
	if (folder != NULL)
		closedir(folder);
	return n;
}

static void messages_of_customs_pass_through_the_sandbox(void **state PX_UNUSED)
{
	static const char *const folders[] = {
	    "ncts5/messages/valid", "ncts5/messages/large", "ens/valid", "ens/large",
	    "ens/invalid",          "ens/schema-cases"};
	struct fixture f;
	unsigned n = 0, passed = 0;
	if (!has_corpus) {
		skip();
		return;
	}
	open_real(&f);
	for (size_t i = 0; i < PX_ARRAY_LEN(folders); i++)
		n += inspect_folder(&f, folders[i], &passed);
	print_message("# %u messages, %u accepted\n", n, passed);
	assert_true(n > 100 && passed > 50);
	assert_nobody_died(&f);
	fixture_close(&f);
}

static void a_wrong_configuration_is_told(void **state PX_UNUSED)
{
	struct fixture f;
	fixture_open(&f);
	fixture_start(&f, "/nonexistent/prinex.conf");
	assert_int_equal(f.ready_rc, PX_ECONF);
	assert_non_null(strstr(f.why, "/nonexistent/prinex.conf"));
	fixture_close(&f);
}

static long pss_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (px_str_starts(line, "Pss:"))
			kb = strtol(line + 4, NULL, 10);
	}
	fclose(file);
	return kb;
}

/* Inspect one exchange @n times in each of two inspectors. */
static void inspect_often(struct fixture *f, const char *type, const char *file, unsigned n)
{
	struct outcome o[2];
	struct px_buf text = PX_BUF_INIT;
	signed_exchange(type, file, "sign", PX_SIGN_SHA256, &text);
	for (unsigned i = 0; i < n; i++) {
		start(f, text.data, text.len, &o[0]);
		start(f, text.data, text.len, &o[1]);
		fixture_until(f, o[0].done && o[1].done, 60000);
		assert_int_equal(o[0].verdict->stage, PX_STAGE_OK);
		assert_int_equal(o[1].verdict->stage, PX_STAGE_OK);
		outcome_free(&o[0]);
		outcome_free(&o[1]);
	}
	px_buf_free(&text);
}

static long pss_of_all(const struct fixture *f)
{
	long kb = pss_kb(f->pool->parent);
	for (unsigned i = 0; i < f->pool->n_workers; i++)
		kb += pss_kb(f->pool->workers[i].pid);
	return kb;
}

/* All processes together may have 64 MB when idle, also after large messages; the broker needs its part. */
static void idle_inspectors_are_small(void **state PX_UNUSED)
{
	struct fixture f;
	char large[PATH_MAX];
	command("schemas/examples/make-large %s/large", dir);
	snprintf(large, sizeof(large), "%s/large/ExportDeclaration-999.xml", dir);
	open_real(&f);
	long fresh = pss_of_all(&f);
	inspect_often(&f, "ExportDeclaration", "schemas/examples/ExportDeclaration-small.xml", 20);
	long used = pss_of_all(&f);
	inspect_often(&f, "ExportDeclaration", large, 3);
	long after_large = pss_of_all(&f);
	/* Memory is given back after the answer. */
	for (unsigned i = 0; i < 50 && after_large >= used + 8 * 1024; i++) {
		usleep(100000);
		after_large = pss_of_all(&f);
	}
	print_message("# PSS of clean parent and two inspectors: %ld KB, after small messages %ld KB, "
		      "after large ones %ld KB\n",
		      fresh, used, after_large);
#ifndef PX_SANITIZE /* it keeps what was freed */
	assert_true(used < 44 * 1024);
	assert_true(after_large < used + 8 * 1024);
#endif
	fixture_close(&f);
}

int main(int argc, char **argv)
{
	if (orders_wanted(argc, argv)) {
		uint64_t limit = 0;
		if (argc != 9 || px_parse_u64(argv[8], 1, 1u << 30, &limit) != PX_OK)
			return 2;
		return px_inspect_main(argv[4], (int)strtol(argv[6], NULL, 10), limit);
	}
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples_pass),
	    cmocka_unit_test(a_verdict_says_what_was_sent),
	    cmocka_unit_test(refusals_come_from_within_the_sandbox),
	    cmocka_unit_test(messages_of_customs_pass_through_the_sandbox),
	    cmocka_unit_test(a_wrong_configuration_is_told),
	    cmocka_unit_test(idle_inspectors_are_small),
	};
	return cmocka_run_group_tests(tests, make_world, remove_world);
}
