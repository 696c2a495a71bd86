/* prinex: tests of the client's settings: file, command line, what wins, what is refused
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/strings.h"

static char dir[64], file[96];

static int setup(void **state PX_UNUSED)
{
	px_strlcpy(dir, "/tmp/prinex-test.XXXXXX", sizeof(dir));
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/prinex.conf", dir);
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	unlink(file);
	rmdir(dir);
	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct px_settings *load(const char *text, const struct px_given *given, unsigned n)
{
	struct px_problems problems = {0};
	struct px_settings *s = NULL;
	if (text != NULL)
		put(text);
	if (px_settings_new(text != NULL ? file : NULL, given, n, &s, &problems) != PX_OK)
		fail_msg("%s", problems.n > 0 ? problems.items[0].text : "?");
	px_problems_free(&problems);
	return s;
}

static void refused(const char *text, const struct px_given *given, unsigned n, unsigned line,
		    const char *expected)
{
	struct px_problems problems = {0};
	struct px_settings *s = NULL;
	if (text != NULL)
		put(text);
	assert_int_equal(px_settings_new(text != NULL ? file : NULL, given, n, &s, &problems), PX_ECONF);
	assert_null(s);
	assert_true(problems.n > 0);
	if (strstr(problems.items[0].text, expected) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", problems.items[0].text, expected);
	assert_int_equal(problems.items[0].line, line);
	px_problems_free(&problems);
}

static void defaults(void **state PX_UNUSED)
{
	struct px_settings *s = load(NULL, NULL, 0);
	assert_string_equal(s->url, "");
	assert_int_equal(s->timeout, 60000);
	assert_int_equal(s->retry_for, 60000);
	assert_int_equal(s->parallel, 4);
	assert_false(s->json || s->confirm || s->forever || s->tls12);
	assert_int_equal(s->recipients.n, 0);
	px_settings_free(&s);
	assert_null(s);
}

static void the_command_line_wins_option_by_option(void **state PX_UNUSED)
{
	const struct px_given given[] = {
	    {"timeout", "5"}, {"recipient", "UA"}, {"recipient", "RO"}, {"json", "true"}, {"cert", "my.pem"}};
	char cwd[4096], expected[4200];
	struct px_settings *s = load(
	    "client { url = \"https://b.example:8443\"  timeout = 20s  cert = \"c.pem\"  key = \"k.pem\"\n"
	    " recipient = { \"PL\" } }\n"
	    "authority \"UA\" { node { anchors = { \"ua.pem\" } crl-required = false } }\n",
	    given, PX_ARRAY_LEN(given));
	assert_string_equal(s->url, "https://b.example:8443");
	assert_int_equal(s->timeout, 5000);
	assert_true(s->json);
	assert_int_equal(s->recipients.n, 2);
	assert_string_equal(s->recipients.items[0], "UA");
	assert_string_equal(s->recipients.items[1], "RO");
	/* names are relative to where they stand */
	snprintf(expected, sizeof(expected), "%s/k.pem", dir);
	assert_string_equal(s->key, expected);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(expected, sizeof(expected), "%s/my.pem", cwd);
	assert_string_equal(s->cert, expected);
	assert_int_equal(s->n_authorities, 1);
	assert_true(s->authorities[0].trust[PX_ROLE_NODE].configured);
	assert_false(s->authorities[0].trust[PX_ROLE_SYSTEM].configured);
	px_settings_free(&s);
}

static void what_is_wrong_names_its_place(void **state PX_UNUSED)
{
	const struct px_given bad_timeout = {"timeout", "soon"}, bad_url = {"url", "http://b.example"},
			      bad_recipient = {"recipient", "ukraine"};
	refused(NULL, &bad_timeout, 1, 0, "--timeout \"soon\": expected a duration");
	refused(NULL, &bad_url, 1, 0, "--url \"http://b.example\"");
	refused(NULL, &bad_recipient, 1, 0, "--recipient \"ukraine\"");
	refused("client {\n  timeout = soon\n}\n", NULL, 0, 2, "timeout");
	refused("client {\n\n  timeuot = 3s\n}\n", NULL, 0, 3, "timeuot");
	refused("client {\n  id = \"X1\"\n}\n", NULL, 0, 2, "id is for prinex's command line only");
	refused("authority \"UA\" {\n node {\n anchors = { \"ua.pem\" }\n}\n}\n", NULL, 0, 2,
		"crls are missing");
	refused("authority \"UA\" {\n system {\n crl-required = false\n}\n}\n", NULL, 0, 2, "anchors");
}

static void odd_characters_survive(void **state PX_UNUSED)
{
	const struct px_given given[] = {
	    {"keep", "/a b/${HOME}\"\\'#x"}, {"refuse", "PX-ROUTE"}, {"refuse", "no, \"why\""}};
	struct px_settings *s = load(NULL, given, 3);
	assert_string_equal(s->keep, "/a b/${HOME}\"\\'#x");
	assert_string_equal(s->refuse.items[1], "no, \"why\"");
	px_settings_free(&s);
}

/* Every row is complete, so that help and manual have no holes. */
static void the_table_is_complete(void **state PX_UNUSED)
{
	unsigned n;
	const struct px_setting *t = px_settings_table(&n);
	for (unsigned i = 0; i < n; i++) {
		assert_true(strlen(t[i].help) > 10);
		assert_true((t[i].commands & ~(unsigned)PX_CMD_FILE) != 0);
		assert_true(t[i].argument != NULL || strcmp(t[i].value, "false") == 0);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(t[i].name, t[k].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(the_command_line_wins_option_by_option),
	    cmocka_unit_test(what_is_wrong_names_its_place),
	    cmocka_unit_test(odd_characters_survive),
	    cmocka_unit_test(the_table_is_complete),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
