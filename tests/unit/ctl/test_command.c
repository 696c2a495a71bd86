/* prinex: tests: the table of commands, arguments, command lines, and what is printed from the table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strings.h"
#include "ctl/argv.h"
#include "ctl/help.h"

/* Every row can be used: names are unique, an order on the command line exists, and there is help. */
static void test_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		assert_ptr_equal(px_ctl_by_name(c->name), c);
		assert_ptr_equal(px_ctl_by_method(c->method), c->privilege == PX_CTL_LOCAL ? NULL : c);
		assert_null(strchr(c->method, ' '));
		assert_int_equal(c->help[strlen(c->help) - 1], '.');
		for (unsigned k = 0; k < c->n_args; k++) {
			assert_int_equal(c->args[k].command, c->id);
			assert_ptr_equal(px_ctl_find_arg(c, c->args[k].name), &c->args[k]);
			assert_int_equal(c->args[k].help[strlen(c->args[k].help) - 1], '.');
			/* A switch has no position; a number of pages no privilege of its own. */
			if (c->args[k].kind == PX_CTL_KIND_FLAG)
				assert_true(c->args[k].place >= PX_CTL_OPTION);
		}
	}
	assert_string_equal(px_ctl_by_name("journal tail")->method, "journal.tail");
	assert_null(px_ctl_by_method("completion"));
	assert_null(px_ctl_by_method("nothing"));
}

static void test_journalled(void **state)
{
	static const char *const yes[] = {
	    "messages", "message",     "trace",  "body",  "reload", "log",        "stop",
	    "pause",    "resume",      "probe",  "retry", "cancel", "quarantine", "quarantine release",
	    "verify",   "acknowledge", "backup", "drain"};
	unsigned n = 0;
	(void)state;
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++)
		n += px_ctl_is_journalled(px_ctl_command((enum px_ctl_id)i));
	assert_int_equal(n, PX_ARRAY_LEN(yes));
	for (size_t i = 0; i < PX_ARRAY_LEN(yes); i++)
		assert_true(px_ctl_is_journalled(px_ctl_by_name(yes[i])));
}

/* --- parameters
 * ----------------------------------------------------------------------------------------------- */

static void expect_params(const char *command, const char *params, const char *why)
{
	struct px_buf said = PX_BUF_INIT;
	json_t *json = json_loads(params, 0, NULL);
	assert_non_null(json);
	int rc = px_ctl_check(px_ctl_by_name(command), json, &said);
	if (why == NULL && rc != PX_OK)
		fail_msg("%s %s: %s", command, params, px_buf_str(&said));
	if (why != NULL && (rc != PX_EINVAL || strstr(px_buf_str(&said), why) == NULL))
		fail_msg("%s %s: \"%s\" does not have \"%s\"", command, params, px_buf_str(&said), why);
	px_buf_free(&said);
	json_decref(json);
}

static void test_params(void **state)
{
	(void)state;
	expect_params("messages", "{}", NULL);
	expect_params(
	    "messages",
	    "{\"sender\":\"UA.SFS\",\"type\":\"CD001C\",\"open\":true,\"limit\":500,\"since\":\"2h\"}", NULL);
	expect_params("message", "{\"message\":\"BY/BY1\"}", NULL);
	expect_params("message", "{\"message\":\"17\"}", NULL);
	expect_params("log", "{\"level\":\"debug\"}", NULL);
	expect_params("trace", "{\"value\":\"AB 1234-5\"}", NULL);
}

static void test_params_refused(void **state)
{
	(void)state;
	expect_params("messages", "{\"sendr\":\"BY\"}",
		      "unknown argument \"sendr\"; messages takes partner, sender, recipient, type, open");
	expect_params("status", "{\"x\":1}", "status takes none");
	expect_params("message", "{}", "argument message is missing");
	expect_params("message", "{\"message\":17}", "argument message: 17 is not right: SENDER/MESSAGE-ID");
	expect_params("message", "{\"message\":\"BY/\"}", "argument message");
	expect_params("message", "{\"message\":\"0\"}", "argument message");
	expect_params("messages", "{\"limit\":0}", "argument limit: 0 is not right: number from 1 to 500");
	expect_params("messages", "{\"limit\":501}", "argument limit");
	expect_params("messages", "{\"limit\":\"5\"}", "argument limit");
	expect_params("messages", "{\"open\":\"true\"}",
		      "argument open: \"true\" is not right: true or false");
	expect_params("messages", "{\"since\":\"yesterday\"}", "argument since");
	expect_params("messages", "{\"sender\":\"by\"}", "argument sender");
	expect_params("messages", "{\"from\":-1}", "argument from");
	expect_params("messages", "{\"all\":true}", "unknown argument \"all\""); /* prinexctl's own */
	expect_params("log", "{\"level\":\"loud\"}", "one of err, warn, notice, info, debug");
	expect_params("trace", "{\"value\":\"\"}", "argument value");
	expect_params("trace", "{\"value\":\"x\",\"key\":\"MRN\"}",
		      "argument key: \"MRN\" is not right: one of lrn, mrn");
	expect_params("partner", "{\"name\":null}", "argument name: null is not right");
	expect_params("body", "{\"message\":\"1\",\"out\":\"/etc/passwd\"}", "unknown argument \"out\"");
	expect_params(
	    "trace",
	    "{\"value\":\"12345678901234567890123456789012345678901234567890123456789012345678901\"}",
	    "argument value");
}

static void test_params_kind(void **state)
{
	struct px_buf why = PX_BUF_INIT;
	json_t *array = json_array();
	(void)state;
	assert_int_equal(px_ctl_check(px_ctl_by_name("status"), array, &why), PX_EINVAL);
	assert_string_equal(px_buf_str(&why), "params must be an object with named arguments");
	assert_int_equal(px_ctl_check(px_ctl_by_name("status"), NULL, &why), PX_OK);
	assert_int_equal(px_ctl_check(px_ctl_by_name("partner"), NULL, &why), PX_EINVAL);
	json_decref(array);
	px_buf_free(&why);
}

static void test_times(void **state)
{
	int64_t ms, now = INT64_C(1795248900000);
	(void)state;
	assert_int_equal(px_ctl_parse_time("2h", now, &ms), PX_OK);
	assert_int_equal(ms, now - 7200000);
	assert_int_equal(px_ctl_parse_time("30min", now, &ms), PX_OK);
	assert_int_equal(ms, now - 1800000);
	assert_int_equal(px_ctl_parse_time("3d", now, &ms), PX_OK);
	assert_int_equal(ms, now - 3 * 86400000);
	assert_int_equal(px_ctl_parse_time("2026-11-21", now, &ms), PX_OK);
	assert_int_equal(ms, INT64_C(1795219200000));
	assert_int_equal(px_ctl_parse_time("2026-11-21T08:15:00Z", now, &ms), PX_OK);
	assert_int_equal(ms, INT64_C(1795248900000));
	/* More than has passed since 1970 is "ever": never 0, which means no filter, and never negative. */
	assert_int_equal(px_ctl_parse_time("999999d", now, &ms), PX_OK);
	assert_int_equal(ms, 1);
	assert_int_equal(px_ctl_parse_time("0h", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("h", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("2", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("-2h", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("99999999999h", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("2026-11-31", now, &ms), PX_EPARSE);
	assert_int_equal(px_ctl_parse_time("2026-11-21T08:15:00", now, &ms), PX_EPARSE);
}

/* --- command lines
 * -------------------------------------------------------------------------------------------- */

/* Words in @words are separated by '|'. */
static int parse(const char *words, struct px_ctl_line *line, struct px_buf *why)
{
	char copy[512];
	const char *argv[32];
	unsigned argc = 0;
	px_strlcpy(copy, words, sizeof(copy));
	for (char *p = copy; *words != '\0' && p != NULL; argc++) {
		argv[argc] = p;
		p = strchr(p, '|');
		if (p != NULL)
			*p++ = '\0';
	}
	return px_ctl_line_parse(argc, argv, line, why);
}

static void expect_line(const char *words, const char *method, const char *params, const char *client)
{
	struct px_ctl_line line;
	struct px_buf why = PX_BUF_INIT;
	if (parse(words, &line, &why) != PX_OK)
		fail_msg("%s: %s", words, px_buf_str(&why));
	char *sent = json_dumps(line.params, JSON_COMPACT | JSON_SORT_KEYS);
	char *own = json_dumps(line.client, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(line.command->method, method);
	assert_string_equal(sent, params);
	assert_string_equal(own, client);
	free(sent);
	free(own);
	px_ctl_line_free(&line);
	px_buf_free(&why);
}

static void test_lines(void **state)
{
	(void)state;
	expect_line("status", "status", "{}", "{}");
	expect_line("journal|tail|--limit|5", "journal.tail", "{\"limit\":5}", "{}");
	expect_line("journal|tail|--follow", "journal.tail", "{}", "{\"follow\":true}");
	expect_line("messages|--sender=BY|--open|--limit=7", "messages",
		    "{\"limit\":7,\"open\":true,\"sender\":\"BY\"}", "{}");
	/* An optional word in front is there only when more words are given than are needed. */
	expect_line("trace|26BYAB12CD34EF56J7", "trace", "{\"value\":\"26BYAB12CD34EF56J7\"}", "{}");
	expect_line("trace|MRN|26BYAB12CD34EF56J7", "trace",
		    "{\"key\":\"mrn\",\"value\":\"26BYAB12CD34EF56J7\"}", "{}");
	expect_line("trace|--|--odd--", "trace", "{\"value\":\"--odd--\"}", "{}");
	expect_line("queue", "queue", "{}", "{}");
	expect_line("queue|node-ua|--all", "queue", "{\"partner\":\"node-ua\"}", "{\"all\":true}");
	expect_line("body|BY/X1|--out|f.xml", "body", "{\"message\":\"BY/X1\"}", "{\"out\":\"f.xml\"}");
	expect_line("help|journal|tail", "help", "{\"command\":\"journal tail\"}", "{}");
	expect_line("help|status", "help", "{\"command\":\"status\"}", "{}");
}

static void expect_bad_line(const char *words, const char *expected)
{
	struct px_ctl_line line;
	struct px_buf why = PX_BUF_INIT;
	if (parse(words, &line, &why) != PX_EINVAL || strstr(px_buf_str(&why), expected) == NULL)
		fail_msg("%s: \"%s\" does not have \"%s\"", words, px_buf_str(&why), expected);
	px_ctl_line_free(&line);
	px_buf_free(&why);
}

static void test_bad_lines(void **state)
{
	(void)state;
	expect_bad_line("", "no command");
	expect_bad_line("statsu", "there is no command statsu");
	expect_bad_line("journal", "journal needs one of: tail, verify");
	expect_bad_line("config|chekc", "config needs one of: check, diff, dump");
	expect_bad_line("status|now", "status does not take \"now\" here");
	expect_bad_line("partner", "partner needs more");
	expect_bad_line("partner|UPPER", "argument name: \"UPPER\" is not right");
	expect_bad_line("messages|--sender", "--sender needs a value: authority code");
	expect_bad_line("messages|--open=yes", "--open takes no value");
	expect_bad_line("messages|--colour|red", "messages has no option --colour");
	expect_bad_line("messages|--limit|many",
			"argument limit: \"many\" is not right: number from 1 to 500");
	expect_bad_line("messages|--limit|5|--limit|6", "limit is given twice");
	expect_bad_line("body|BY/X|--offset|3", "body has no option --offset");
	expect_bad_line("trace|plate|AB1|more", "trace does not take \"more\"");
	expect_bad_line("trace|plate|AB1", "argument key: \"plate\" is not right: one of lrn, mrn");
	expect_bad_line("trace|\xff\xfe", "argument value is not UTF-8");
}

/* --- what is printed
 * ------------------------------------------------------------------------------------------ */

static void test_document(void **state)
{
	struct px_buf made = PX_BUF_INIT, kept = PX_BUF_INIT, why = PX_BUF_INIT;
	(void)state;
	px_help_markdown(&made);
	if (px_buf_read_file(&kept, "docs/prinexctl.md", 1 << 20, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	if (strcmp(px_buf_str(&made), px_buf_str(&kept)) != 0)
		fail_msg("docs/prinexctl.md is not what `prinexctl help --markdown` prints");
	px_buf_free(&made);
	px_buf_free(&kept);
}

/* A method that nobody describes is one that nobody can use. */
static void test_protocol_document(void **state)
{
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	(void)state;
	if (px_buf_read_file(&text, "docs/control-protocol.md", 1 << 20, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		char alone[64], first[64], second[64];
		snprintf(alone, sizeof(alone), "\n### %s\n", c->method);
		snprintf(first, sizeof(first), "\n### %s, ", c->method);
		snprintf(second, sizeof(second), ", %s\n", c->method);
		bool there = strstr(px_buf_str(&text), alone) != NULL ||
			     strstr(px_buf_str(&text), first) != NULL ||
			     strstr(px_buf_str(&text), second) != NULL;
		if (!there && c->privilege != PX_CTL_LOCAL)
			fail_msg("docs/control-protocol.md does not describe %s", c->method);
	}
	px_buf_free(&text);
}

/* Whatever can be typed is documented everywhere. */
static void test_help_is_whole(void **state)
{
	struct px_buf all = PX_BUF_INIT, man = PX_BUF_INIT, bash = PX_BUF_INIT, one = PX_BUF_INIT;
	(void)state;
	px_help_overview(&all);
	px_help_man(&man);
	px_help_completion(&bash);
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const struct px_ctl_command *c = px_ctl_command((enum px_ctl_id)i);
		assert_non_null(strstr(px_buf_str(&all), c->help));
		assert_non_null(strstr(px_buf_str(&man), c->name));
		px_buf_clear(&one);
		px_help_command(c, &one);
		for (unsigned k = 0; k < c->n_args; k++) {
			bool hidden = c->args[k].place == PX_CTL_HIDDEN;
			assert_int_equal(strstr(px_buf_str(&one), c->args[k].help) == NULL, hidden);
		}
	}
	assert_non_null(strstr(px_buf_str(&man), ".SS \"trace [KEY] VALUE\""));
	assert_non_null(strstr(px_buf_str(&bash), "--since"));
	px_buf_free(&all);
	px_buf_free(&man);
	px_buf_free(&bash);
	px_buf_free(&one);
}

/* What bash would offer after @line, whose last word is being typed. */
static void expect_completion(const char *script, const char *words, const char *expected)
{
	char command[512], got[512] = "";
	snprintf(command, sizeof(command),
		 "source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _prinexctl; echo "
		 "\"${COMPREPLY[*]}\"",
		 script, words);
	char shell[640];
	snprintf(shell, sizeof(shell), "bash -c '%s'", command);
	FILE *p = popen(shell, "r");
	assert_non_null(p);
	size_t n = fread(got, 1, sizeof(got) - 1, p);
	got[n] = '\0';
	assert_int_equal(pclose(p), 0);
	got[strcspn(got, "\n")] = '\0';
	assert_string_equal(got, expected);
}

static void test_completion(void **state)
{
	struct px_buf text = PX_BUF_INIT;
	char path[] = "/tmp/prinex-completion-XXXXXX";
	(void)state;
	px_help_completion(&text);
	FILE *f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	fputs(px_buf_str(&text), f);
	fclose(f);
	px_buf_free(&text);
	expect_completion(path, "prinexctl st", "status stop");
	expect_completion(path, "prinexctl jo", "journal");
	expect_completion(path, "prinexctl journal \"\"", "tail verify");
	expect_completion(path, "prinexctl journal tail --f", "--from --follow");
	expect_completion(path, "prinexctl --socket /x log de", "debug");
	expect_completion(path, "prinexctl messages --se", "--sender");
	expect_completion(path, "prinexctl trace mr", "mrn");
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),         cmocka_unit_test(test_journalled),
	    cmocka_unit_test(test_params),        cmocka_unit_test(test_params_refused),
	    cmocka_unit_test(test_params_kind),   cmocka_unit_test(test_times),
	    cmocka_unit_test(test_lines),         cmocka_unit_test(test_bad_lines),
	    cmocka_unit_test(test_document),      cmocka_unit_test(test_protocol_document),
	    cmocka_unit_test(test_help_is_whole), cmocka_unit_test(test_completion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
