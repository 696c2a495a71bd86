/* prinex: tests of conf: files, certificates and keys that a configuration points at
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "conf/conf.h"

/* A PKI of BY and UA with wrong certificates, made once by certs/make-pki. */
static char dir[] = "/tmp/prinex-check-XXXXXX";

static void run(const char *fmt, ...) PX_PRINTF(1, 2);
static void run(const char *fmt, ...)
{
	struct px_buf cmd = {0};
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&cmd, fmt, ap);
	va_end(ap);
	if (system(px_buf_str(&cmd)) != 0)
		fail_msg("%s", px_buf_str(&cmd));
	px_buf_free(&cmd);
}

/* Lines of the configuration that tests replace: what does not stand here has its default from below. */
struct setup {
	const char *tls, *tls_key, *sign, *sign_key; /* names without the folder of the PKI */
	const char *pinned, *anchors, *crls, *tls_anchors, *more;
};

static const char *either(const char *a, const char *b)
{
	return a != NULL ? a : b;
}

/* Check a configuration. @return what is said, the PKI's folder taken out. Line numbers are those of below.
 */
static char *check(const struct setup *s, int result)
{
	struct px_buf text = {0}, said = {0}, out = {0};
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	px_buf_addf(
	    &text,
	    "node {\n authority = BY\n name = node-by\n tls-certificate = \"%s\"\n tls-key = \"%s\"\n" /* 1-5
													*/
	    " sign-certificate = \"%s\"\n sign-key = \"%s\"\n pinned = %s\n}\n"    /* 6-9 */
	    "authority BY {\n node {\n  anchors = \"%s\"\n  crls = \"%s\"\n } }\n" /* 10-14 */
	    "partner yahodyn { authority = BY role = node\n anchors = \"%s\"\n crls = BY/tls-ca.crl }\n"
	    "store { path = store }\nlisten { addresses = \"127.0.0.1:0\" }\n%s\n", /* 18, 19, 20 */
	    either(s->tls, "BY/node/tls.pem"), either(s->tls_key, "BY/node/tls.key"),
	    either(s->sign, "BY/node/sign.pem"), either(s->sign_key, "BY/node/sign.key"),
	    either(s->pinned, "no"), either(s->anchors, "BY/anchors.pem"), either(s->crls, "BY/sign-crl.pem"),
	    either(s->tls_anchors, "BY/tls-ca.pem"), either(s->more, ""));
	char path[128];
	snprintf(path, sizeof(path), "%s/c", dir);
	px_conf_load_text(path, px_buf_str(&text), text.len, &conf, &problems);
	px_problems_print(&problems, &said);
	if (conf == NULL)
		fail_msg("%s", px_buf_str(&said));
	assert_int_equal(px_conf_check(conf, &problems), result);
	px_buf_clear(&said);
	px_problems_print(&problems, &said);
	for (const char *p = px_buf_str(&said); *p != '\0';) {
		if (px_str_starts(p, dir))
			p += strlen(dir) + 1;
		else
			px_buf_addc(&out, *p++);
	}
	px_problems_free(&problems);
	px_conf_free(&conf);
	px_buf_free(&text);
	px_buf_free(&said);
	return out.len == 0 ? px_xstrdup("") : (char *)px_buf_detach(&out, NULL);
}

static void refused(const struct setup *s, const char *wanted)
{
	char *said = check(s, PX_ECONF);
	assert_string_equal(said, wanted);
	free(said);
}

static void test_good(void **state)
{
	(void)state;
	const struct setup s = {0};
	char *said = check(&s, PX_OK);
	assert_string_equal(said, "");
	free(said);
}

static void test_missing_files(void **state)
{
	(void)state;
	const struct setup s = {
	    .tls = "none.pem", .tls_key = "none.key", .anchors = "none.ca", .crls = "none.crl"};
	char *said = check(&s, PX_ECONF);
	assert_non_null(strstr(said, "c:4: node: cannot open none.pem: No such file or directory\n"));
	assert_non_null(strstr(said, "c:4: node: cannot open none.key: No such file or directory\n"));
	assert_non_null(
	    strstr(said, "c:12: authority \"BY\" node: cannot open none.ca: No such file or directory\n"));
	assert_non_null(
	    strstr(said, "c:13: authority \"BY\" node: cannot open none.crl: No such file or directory\n"));
	free(said);
}

static void test_wrong_pem(void **state)
{
	(void)state;
	const struct setup s = {.tls = "BY/tls-ca.crl",
				.tls_key = "BY/node/tls.pem",
				.anchors = "BY/node/sign.key",
				.crls = "BY/anchors.pem",
				.tls_anchors = "BY/node/tls.pem"};
	char *said = check(&s, PX_ECONF);
	assert_non_null(strstr(said, "c:4: node: BY/tls-ca.crl: no certificate in PEM\n"));
	assert_non_null(strstr(said, "c:4: node: BY/node/tls.pem: no private key in PEM\n"));
	assert_non_null(
	    strstr(said, "c:12: authority \"BY\" node: BY/node/sign.key: no certificate in PEM\n"));
	assert_non_null(
	    strstr(said, "c:13: authority \"BY\" node: BY/anchors.pem: no revocation list in PEM\n"));
	assert_non_null(
	    strstr(said, "c:16: partner \"yahodyn\": BY/node/tls.pem: /C=BY/O=BY customs authority/OU=prinex "
			 "test/CN=node-by is not the certificate of a CA\n"));
	free(said);
}

static void test_key_of_another(void **state)
{
	(void)state;
	const struct setup s = {.sign_key = "BY/node/tls.key"};
	refused(&s, "c:6: node: BY/node/tls.key: is not the key of BY/node/sign.pem\n");
}

/* TLS and signing certificates exchanged. */
static void test_wrong_use(void **state)
{
	(void)state;
	const struct setup s = {.tls = "BY/node/sign.pem", .tls_key = "BY/node/sign.key"};
	refused(&s, "c:4: node: BY/node/sign.pem: not a certificate for TLS: its extended key usage must be "
		    "clientAuth and "
		    "serverAuth, without document signing\n");
	const struct setup t = {.sign = "BY/node/tls.pem",
				.sign_key = "BY/node/tls.key",
				.anchors = "BY/tls-ca.pem",
				.crls = "BY/tls-ca.crl"};
	refused(&t, "c:6: node: BY/node/tls.pem: not a certificate for signing: its extended key usage must "
		    "be document "
		    "signing (1.3.6.1.5.5.7.3.36), without TLS\n");
}

static void test_identity(void **state)
{
	(void)state;
	const struct setup s = {.tls = "BY/system/tls.pem", .tls_key = "BY/system/tls.key"};
	refused(&s, "c:4: node: BY/system/tls.pem: does not carry the URI urn:prinex:BY:node:node-by; it has "
		    "urn:prinex:BY:system:system-by\n");
	const struct setup none = {.tls = "wrong/BY/tls-no-san.pem", .tls_key = "wrong/BY/tls-no-san.key"};
	refused(&none, "c:4: node: wrong/BY/tls-no-san.pem: does not carry the URI "
		       "urn:prinex:BY:node:node-by; it has no "
		       "URI\n");
	const struct setup pinned = {.tls = none.tls, .tls_key = none.tls_key, .pinned = "yes"};
	char *said = check(&pinned, PX_OK);
	assert_string_equal(said, "");
	free(said);
}

static void test_dates_and_size(void **state)
{
	(void)state;
	static const char *const names[][2] = {
	    {"expired", "has expired"},
	    {"not-yet", "is not yet valid"},
	    {"small-key", "its key must be RSA of 2048 bits or more, P-256 or P-384"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++) {
		char pem[64], key[64];
		snprintf(pem, sizeof(pem), "wrong/BY/tls-%s.pem", names[i][0]);
		snprintf(key, sizeof(key), "wrong/BY/tls-%s.key", names[i][0]);
		const struct setup s = {.tls = pem, .tls_key = key, .pinned = "yes"};
		char *said = check(&s, PX_ECONF);
		assert_non_null(strstr(said, names[i][1]));
		assert_int_equal(said[strlen(said) - 1], '\n');
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* that, and nothing else */
		free(said);
	}
}

static void test_chain(void **state)
{
	(void)state;
	run("cat %s/BY/node/sign.pem > %s/unordered.pem && cat %s/UA/sign-int.pem >> %s/unordered.pem", dir,
	    dir, dir, dir);
	const struct setup s = {.sign = "unordered.pem"};
	refused(
	    &s,
	    "c:6: node: unordered.pem: certificate 3 in it did not issue the one before, /C=BY/O=BY customs "
	    "authority/OU=prinex test/CN=BY test signing CA\n");
	const struct setup t = {.anchors = "UA/anchors.pem", .crls = "UA/sign-crl.pem"};
	char *said = check(&t, PX_ECONF);
	assert_non_null(
	    strstr(said, "c:6: node: BY/node/sign.pem: does not chain to the anchors of this node's own "
			 "authority: "));
	free(said);
}

static void test_damaged(void **state)
{
	(void)state;
	run("cat %s/BY/anchors.pem > %s/damaged.pem && sed '5s/./!/' %s/UA/anchors.pem >> %s/damaged.pem",
	    dir, dir, dir, dir);
	const struct setup s = {.anchors = "damaged.pem"};
	refused(&s, "c:12: authority \"BY\" node: damaged.pem: certificate 2 in it cannot be decoded\n");
}

static void test_key_file(void **state)
{
	(void)state;
	run("cp %s/BY/node/sign.key %s/open.key && chmod 644 %s/open.key", dir, dir, dir);
	const struct setup s = {.sign_key = "open.key"};
	refused(&s, "c:6: node: open.key: everybody may use this key file; chmod o= it\n");
	run("openssl pkcs8 -topk8 -in %s/BY/node/sign.key -passout pass:x -out %s/locked.key && chmod 600 "
	    "%s/locked.key",
	    dir, dir, dir);
	const struct setup t = {.sign_key = "locked.key"};
	refused(&t,
		"c:6: node: locked.key: the key is encrypted; there is nobody to ask for the passphrase\n");
}

/* What is out of date or not there yet is a warning: the broker must be able to start and say so. */
static void test_warnings(void **state)
{
	(void)state;
	const struct setup s = {.crls = "BY/tls-ca.crl"};
	char *said = check(&s, PX_OK);
	assert_string_equal(
	    said, "c:13: warning: authority \"BY\" node: there is no revocation list of /C=BY/O=BY customs "
		  "authority/OU=prinex test/CN=BY test signing root: what it issued is refused\n");
	free(said);
	run("cd %s && touch index && printf '[ca]\\ndefault_ca = c\\n[c]\\ndatabase = index\\ndefault_md = "
	    "sha256\\n' > c.cnf && "
	    "openssl ca -config c.cnf -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate "
	    "20200102000000Z "
	    "-cert BY/sign-ca.pem -keyfile BY/sign-ca.key -out BY/old.crl 2>/dev/null",
	    dir);
	const struct setup old = {.crls = "BY/old.crl"};
	said = check(&old, PX_OK);
	assert_string_equal(
	    said, "c:13: warning: authority \"BY\" node: BY/old.crl: the revocation list of /C=BY/O=BY "
		  "customs authority/OU=prinex test/CN=BY test signing root is out of date\n");
	free(said);
}

static void test_folders_and_addresses(void **state)
{
	(void)state;
	run("touch %s/file", dir);
	const struct setup s = {.more = "inspect { official = nowhere }\ncontrol { admin = no-such-group }"};
	refused(&s, "c:20: inspect: official: there is no folder nowhere\n"
		    "c:21: control: admin: there is no group \"no-such-group\"\n");
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	struct px_buf said = {0};
	const char text[] = "node { authority = BY name = n tls-certificate = t tls-key = k sign-certificate "
			    "= s sign-key = k }\n"
			    "store { path = file }\nlisten { addresses = { \"203.0.113.9:1\" } }\n";
	char path[128];
	snprintf(path, sizeof(path), "%s/c", dir);
	assert_int_equal(px_conf_load_text(path, text, strlen(text), &conf, &problems), PX_OK);
	assert_int_equal(px_conf_check(conf, &problems), PX_ECONF);
	px_problems_print(&problems, &said);
	assert_non_null(strstr(px_buf_str(&said), "c:2: store: "));
	assert_non_null(strstr(px_buf_str(&said), "/file is not a folder\n"));
	assert_non_null(strstr(px_buf_str(&said),
			       "c:3: listen: addresses: 203.0.113.9:1 is not an address of this machine\n"));
	px_problems_free(&problems);
	px_conf_free(&conf);
	px_buf_free(&said);
}

/* What is kept shorter than movements live is said, but let pass. */
static void test_short_retention(void **state)
{
	(void)state;
	const struct setup shorter = {.more = "retention days { type = A keep = 149d }\n"
					      "retention held { type = B keep = 1d hold = true }\n"
					      "retention rest { keep = 150d }"};
	char *said = check(&shorter, PX_OK);
	assert_string_equal(said, "c:20: warning: retention \"days\": keep 149d is shorter than limits "
				  "movement-life 150d: amendments of what is gone, and answers to it, will "
				  "find no movement\n");
	free(said);
	const struct setup longer = {.more = "limits { movement-life = 181d }"};
	said = check(&longer, PX_OK);
	assert_string_equal(said, "c:20: warning: retention: where no section fits, 180d is shorter than "
				  "limits movement-life 181d: amendments of what is gone, and answers to it, "
				  "will find no movement\n");
	free(said);
	const struct setup covered = {
	    .more = "limits { movement-life = 181d }\nretention all { keep = 200d }"};
	said = check(&covered, PX_OK);
	assert_string_equal(said, "");
	free(said);
}

static int make_pki(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	run("certs/make-pki --quiet --wrong %s BY UA", dir);
	return 0;
}

static int remove_pki(void **state)
{
	(void)state;
	run("rm -rf %s", dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_missing_files),
	    cmocka_unit_test(test_wrong_pem),
	    cmocka_unit_test(test_key_of_another),
	    cmocka_unit_test(test_wrong_use),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_dates_and_size),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_key_file),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_folders_and_addresses),
	    cmocka_unit_test(test_short_retention),
	};
	return cmocka_run_group_tests_name("check", tests, make_pki, remove_pki);
}
