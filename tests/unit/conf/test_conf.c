/* prinex: tests of conf: values, defaults, positions, what needs a restart, the reference
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"
#include "conf/table.h"

#define HOUR INT64_C(3600000)

static const char node[] =
    "node {\n authority = \"BY\" name = brest\n tls-certificate = \"t.pem\"\n tls-key = \"t.key\"\n"
    " sign-certificate = \"s.pem\" sign-key = \"s.key\" }\n";

/* Load @node with @more behind it. */
static struct px_conf *load(const char *more)
{
	struct px_buf text = {0}, said = {0};
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	px_buf_addf(&text, "%s%s", node, more);
	px_conf_load_text("/etc/prinex/prinex.conf", px_buf_str(&text), text.len, &conf, &problems);
	px_problems_print(&problems, &said);
	if (conf == NULL)
		print_error("%s", px_buf_str(&said));
	assert_non_null(conf);
	assert_int_equal(problems.n, 0);
	px_problems_free(&problems);
	px_buf_free(&text);
	px_buf_free(&said);
	return conf;
}

/* The problems of @node with @more behind it. */
static char *complaints(const char *more)
{
	struct px_buf text = {0}, said = {0};
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	px_buf_addf(&text, "%s%s", node, more);
	assert_int_equal(px_conf_load_text("x", px_buf_str(&text), text.len, &conf, &problems), PX_ECONF);
	assert_null(conf);
	px_problems_print(&problems, &said);
	px_problems_free(&problems);
	px_buf_free(&text);
	return (char *)px_buf_detach(&said, NULL);
}

static void test_defaults(void **state)
{
	(void)state;
	struct px_conf *c = load("");
	assert_string_equal(c->node.authority, "BY");
	assert_string_equal(c->node.environment, "production");
	assert_string_equal(c->node.tls_certificate, "/etc/prinex/t.pem");
	assert_int_equal(c->listen.addresses.n, 1);
	assert_string_equal(c->listen.addresses.items[0], "0.0.0.0:8443");
	assert_string_equal(c->store.path, "/var/lib/prinex");
	assert_int_equal(c->store.map_size, UINT64_C(64) << 30);
	assert_int_equal(c->inspect.body_limit, 4 << 20);
	assert_string_equal(c->inspect.official, "");
	assert_string_equal(c->inspect.catalogue.items[0], PX_DATADIR "/schemas/catalogue/*.conf");
	assert_int_equal(c->limits.horizon, 30 * 24 * HOUR);
	assert_int_equal(c->limits.future, 300000);
	assert_int_equal(c->limits.movement_life, 150 * 24 * HOUR);
	assert_int_equal(c->limits.lease, 120000);
	assert_string_equal(c->metrics_listen, "127.0.0.1:9464");
	assert_string_equal(c->log_level, "info");
	px_conf_free(&c);
	assert_null(c);
}

static void test_partner(void **state)
{
	(void)state;
	struct px_conf *c =
	    load("authority UA { node { anchors = \"../ca.pem\" crl-required = off } }\n"
		 "partner yahodyn { authority = UA role = node mode = push url = \"https://u.example\"\n"
		 " anchors = { \"a.pem\", \"/b.pem\" } crls = c.crl tls = 1.2 maximum-age = 36h\n"
		 " pins = \"AA0b931412bbd9de4b9bbfe56cba794a0545ae8bdb91994f235c492f0ac292ff\" }\n"
		 "partner lane { authority = UA role = officer anchors = a.pem crls = c.crl }\n");
	const struct px_conf_partner *p = px_conf_partner(c, "yahodyn");
	assert_non_null(p);
	assert_int_equal(p->role, PX_ROLE_NODE);
	assert_int_equal(p->mode, PX_MODE_PUSH);
	assert_string_equal(p->san_uri, "urn:prinex:UA:node:yahodyn");
	assert_string_equal(p->tls.anchors.items[0], "/etc/prinex/a.pem");
	assert_string_equal(p->tls.anchors.items[1], "/b.pem");
	assert_true(p->tls.crl_required);
	assert_true(p->tls.configured);
	assert_string_equal(p->tls.pins.items[0],
			    "aa0b931412bbd9de4b9bbfe56cba794a0545ae8bdb91994f235c492f0ac292ff");
	assert_true(p->tls12);
	assert_int_equal(p->maximum_age, 36 * HOUR);
	assert_int_equal(p->cod_wait, 73 * HOUR);
	assert_int_equal(p->confirmation, PX_CONFIRM_SIGNED);
	assert_int_equal(px_conf_partner(c, "lane")->mode, PX_MODE_NONE);
	assert_null(px_conf_partner(c, "nobody"));
	px_conf_free(&c);
}

static void test_signing_trust(void **state)
{
	(void)state;
	struct px_conf *c = load("authority UA { node { anchors = \"../ca.pem\" crl-required = off } }\n");
	const struct px_conf_trust *t = px_conf_signing_trust(c, "UA", PX_ROLE_NODE);
	assert_non_null(t);
	assert_string_equal(t->anchors.items[0], "/etc/prinex/../ca.pem");
	assert_false(t->crl_required);
	assert_null(px_conf_signing_trust(c, "UA", PX_ROLE_SYSTEM));
	assert_null(px_conf_signing_trust(c, "UA", PX_ROLE_OFFICER));
	assert_null(px_conf_signing_trust(c, "BY", PX_ROLE_NODE));
	px_conf_free(&c);
}

static void test_environment_variable(void **state)
{
	(void)state;
	setenv("PX_TEST_FOLDER", "/srv/x", 1);
	struct px_conf *c = load("store { path = \"${PX_TEST_FOLDER}/store\" }\n");
	assert_string_equal(c->store.path, "/srv/x/store");
	px_conf_free(&c);
	unsetenv("PX_TEST_FOLDER");
}

static void test_durations_and_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int64_t ms;
		const char *out;
	} good[] = {{"90000ms", 90000, "90s"},  {"120s", 120000, "2min"}, {"36h", 36 * HOUR, "36h"},
		    {"1500ms", 1500, "1500ms"}, {"0", 0, "0s"},           {"48h", 48 * HOUR, "2d"}};
	for (size_t i = 0; i < PX_ARRAY_LEN(good); i++) {
		struct px_buf out = {0};
		int64_t ms = -1;
		assert_int_equal(px_parse_duration(good[i].in, &ms), PX_OK);
		assert_int_equal(ms, good[i].ms);
		px_format_duration(&out, ms);
		assert_string_equal(px_buf_str(&out), good[i].out);
		px_buf_free(&out);
	}
	static const char *const wrong[] = {"",     "h",   "5",  "5 h",           "-5h",
					    "1.5h", "5m",  "5H", "999999999999d", "18446744073709551616s",
					    "5hh",  "0x5h"};
	for (size_t i = 0; i < PX_ARRAY_LEN(wrong); i++) {
		int64_t ms;
		assert_int_equal(px_parse_duration(wrong[i], &ms), PX_EPARSE);
	}
	uint64_t size;
	assert_int_equal(px_parse_size("64M", &size), PX_OK);
	assert_int_equal(size, 64 << 20);
	assert_int_equal(px_parse_size("1048577", &size), PX_OK);
	assert_int_equal(size, 1048577);
	assert_int_equal(px_parse_size("8388608T", &size), PX_EPARSE); /* 2^63 */
	assert_int_equal(px_parse_size("1MB", &size), PX_EPARSE);
}

static void test_positions(void **state)
{
	(void)state;
	unsigned line;
	struct px_conf *c = load(
	    "# six\n\n/* eight\n*/ authority UA {\n node {\n anchors = a.pem\n\n crl-required = no\n } }\n"
	    "log { level = err }\n");
	const struct px_conf_trust *t = px_conf_signing_trust(c, "UA", PX_ROLE_NODE);
	assert_string_equal(px_conf_where(c, &c->node.authority, &line), "/etc/prinex/prinex.conf");
	assert_int_equal(line, 2);
	px_conf_where(c, &c->authorities[0].code, &line);
	assert_int_equal(line, 9);
	assert_int_equal(c->authorities[0].line, 9);
	px_conf_where(c, &t->anchors, &line);
	assert_int_equal(line, 11);
	px_conf_where(c, &t->crl_required, &line);
	assert_int_equal(line, 13);
	px_conf_where(c, &t->pins, &line); /* not given: its section */
	assert_int_equal(line, 10);
	px_conf_where(c, &c->log_level, &line);
	assert_int_equal(line, 15);
	assert_string_equal(px_conf_where(c, &c->store.path, &line), "");
	assert_int_equal(line, 0);
	px_conf_free(&c);
}

/* Two hundred unknown names must not hide what comes after, nor take for ever. */
static void test_many_unknown(void **state)
{
	(void)state;
	struct px_buf text = {0};
	for (int i = 0; i < 200; i++)
		px_buf_addf(&text, "foo%d { a = { 1, 2 } b \"t\" { c = } }\n", i);
	char *said = complaints(px_buf_str(&text));
	assert_non_null(strstr(said, "x:6: unknown section \"foo0\"\n"));
	assert_non_null(strstr(said, "x:25: unknown section \"foo19\"\n"));
	free(said);
	px_buf_free(&text);
}

static void test_names_with_bars(void **state)
{
	(void)state;
	static const char *const texts[] = {"node|name = other\n", "log { level = info } log|level = err\n",
					    "authority=UA|title = x\n", "'log|level' = err\n", "\"\" = x\n"};
	for (size_t i = 0; i < PX_ARRAY_LEN(texts); i++)
		free(complaints(texts[i]));
}

static void test_needs_restart(void **state)
{
	(void)state;
	struct px_buf out = {0};
	struct px_conf *a = load("");
	struct px_conf *b =
	    load("store { path = \"/x\" watermark = 1G }\nlog { level = debug }\nlisten { addresses = { "
		 "\"0.0.0.0:8443\" } }\ncontrol { socket = \"/y\" }\n");
	px_conf_needs_restart(a, b, &out);
	assert_string_equal(px_buf_str(&out), "store.path, control.socket");
	/* Kept, they are still named at the next reload of the same file, and nothing else is kept. */
	struct px_conf *c =
	    load("store { path = \"/x\" watermark = 1G }\nlisten { addresses = { \"0.0.0.0:1\", "
		 "\"0.0.0.0:2\" } }\n");
	px_conf_keep_running(c, a, &out);
	assert_string_equal(px_buf_str(&out), "listen.addresses, store.path");
	px_conf_needs_restart(a, c, &out);
	assert_string_equal(px_buf_str(&out), "");
	assert_string_equal(c->store.path, a->store.path);
	assert_true(c->store.watermark == 1LL << 30);
	px_conf_free(&c);
	px_conf_needs_restart(a, a, &out);
	assert_string_equal(px_buf_str(&out), "");
	px_buf_free(&out);
	px_conf_free(&a);
	px_conf_free(&b);
}

static void test_unreadable(void **state)
{
	(void)state;
	static const char *const paths[] = {"/nonexistent/prinex.conf", "/", "/dev/null"};
	for (size_t i = 0; i < PX_ARRAY_LEN(paths); i++) {
		struct px_problems problems = {0};
		struct px_conf *conf = NULL;
		assert_int_equal(px_conf_load(paths[i], &conf, &problems), PX_ECONF);
		assert_int_equal(problems.n, 1);
		struct px_buf said = PX_BUF_INIT; /* the file is named once */
		px_problems_print(&problems, &said);
		const char *first = strstr(px_buf_str(&said), paths[i]);
		assert_non_null(first);
		assert_true(strlen(paths[i]) == 1 || strstr(first + 1, paths[i]) == NULL);
		px_buf_free(&said);
		px_problems_free(&problems);
	}
}

/* A file that fails inside an include must not harm the next load. */
static void test_after_failures(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		struct px_problems problems = {0};
		struct px_conf *conf = NULL;
		px_conf_load("tests/conf/bad/include-with-problems/prinex.conf", &conf, &problems);
		assert_null(conf);
		px_problems_free(&problems);
		assert_int_equal(px_conf_load("tests/conf/ok/include/prinex.conf", &conf, &problems), PX_OK);
		assert_int_equal(conf->n_partners, 2);
		assert_string_equal(conf->routes[0].name, "first");
		assert_string_equal(conf->routes[1].name, "second");
		assert_true(px_str_ends(conf->partners[1].tls.anchors.items[0],
					"/ok/include/partners/beside-all.pem"));
		px_conf_free(&conf);
	}
}

/* The page in docs is the table's; `make docs` writes it anew. */
static void test_reference(void **state)
{
	(void)state;
	struct px_buf page = {0}, reference = {0}, why = {0}, example = {0};
	px_conf_reference(&reference);
	assert_int_equal(px_buf_read_file(&page, "docs/configuration.md", 1 << 20, &why), PX_OK);
	if (strcmp(px_buf_str(&page), px_buf_str(&reference)) != 0)
		fail_msg("docs/configuration.md is not what the option table says: run `make docs`");
	/* The whole file shown in it is one that is tested. */
	assert_int_equal(px_buf_read_file(&example, "tests/conf/ok/minimal/prinex.conf", 1 << 20, &why),
			 PX_OK);
	assert_non_null(strstr(px_buf_str(&reference), px_buf_str(&example)));
	px_buf_free(&page);
	px_buf_free(&reference);
	px_buf_free(&example);
}

static const struct px_opt *option(const char *name)
{
	const struct px_table *t = px_conf_table();
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (strcmp(t->opts[i].name, name) == 0)
			return &t->opts[i];
	}
	fail_msg("no option %s", name);
	return NULL;
}

/* The table's bounds are numbers in a text; those that limits.def knows too must agree. */
static void test_bounds(void **state)
{
	(void)state;
	struct px_conf *c = load("");
	assert_int_equal(option("body-limit")->max, PX_LIMIT_BODY_MAX);
	assert_int_equal(c->inspect.body_limit, PX_LIMIT_BODY_DEFAULT);
	assert_int_equal(option("max-connections")->max, PX_LIMIT_CONNECTIONS);
	assert_int_equal(option("in-flight")->max, PX_LIMIT_REQUESTS_PARTNER);
	px_conf_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_partner),
	    cmocka_unit_test(test_signing_trust),
	    cmocka_unit_test(test_environment_variable),
	    cmocka_unit_test(test_durations_and_sizes),
	    cmocka_unit_test(test_positions),
	    cmocka_unit_test(test_many_unknown),
	    cmocka_unit_test(test_names_with_bars),
	    cmocka_unit_test(test_needs_restart),
	    cmocka_unit_test(test_unreadable),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_after_failures),
	    cmocka_unit_test(test_reference),
	};
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
