/* prinex: prinexctl: certificates, catalogue, configuration, actions
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>

void show_certificates(const json_t *result)
{
	put_rows("state|ends|what|subject|file", "=state|@until|what|subject|file",
		 json_object_get(result, "certificates"));
}

void show_catalogue(const json_t *result)
{
	struct table *t = table_new("type|class|domain|signed by|versions|served|title");
	const json_t *type;
	size_t i;
	json_array_foreach(json_object_get(result, "types"), i, type)
	{
		bool available = bool_of(type, "available");
		cell_text(t, type, "type");
		cell_text(t, type, "class");
		cell_text(t, type, "domain");
		cell_text(t, type, "origin");
		cell_list(t, type, "versions");
		table_add(t, available ? "yes" : "no", available ? PLAIN : DIM);
		cell_text(t, type, "title");
	}
	table_print(&t);
}

/* FILE:LINE: text, as compilers say it. @return whether it is more than a warning. */
static bool put_problem(const json_t *p)
{
	struct px_buf text = PX_BUF_INIT;
	bool warning = bool_of(p, "warning");
	screen_clean(&text, text_of(p, "file"));
	if (has(p, "line"))
		px_buf_addf(&text, ":%" PRId64, int_of(p, "line"));
	px_buf_adds(&text, warning ? ": warning: " : ": ");
	screen_clean(&text, text_of(p, "text"));
	printf("%s\n", px_buf_str(&text));
	px_buf_free(&text);
	return !warning;
}

static void put_restart(const json_t *result)
{
	if (has(result, "needs_restart"))
		printf("a restart is needed for: %s\n", text_of(result, "needs_restart"));
}

void show_check(const json_t *result)
{
	const json_t *problems = json_object_get(result, "problems"), *p;
	size_t i;
	unsigned n = 0;
	json_array_foreach(problems, i, p) n += put_problem(p);
	if (!bool_of(result, "ok")) {
		printf("%u problem%s\n", n, n == 1 ? "" : "s");
		return;
	}
	printf("%s is all right (%" PRId64 " message types)\n", text_of(result, "file"),
	       int_of(result, "types"));
	put_restart(result);
}

void show_diff(const json_t *result)
{
	const json_t *problems = json_object_get(result, "problems"), *p;
	size_t i;
	json_array_foreach(problems, i, p) put_problem(p);
	if (!bool_of(result, "ok"))
		return;
	const json_t *list = json_object_get(result, "differences");
	if (json_array_size(list) == 0) {
		printf("what is in force is what the file says\n");
		return;
	}
	put_rows("section|option|in force|in the file", "section|option|in_force|in_file", list);
	put_restart(result);
}

void show_reload(const json_t *result)
{
	struct px_buf why = PX_BUF_INIT;
	if (bool_of(result, "ok")) {
		printf("generation %" PRId64 " is in force\n", int_of(result, "generation"));
		put_restart(result);
		return;
	}
	/* Lines are the daemon's own. */
	for (const char *s = text_of(result, "why"); *s != '\0';) {
		char *part = px_xstrndup(s, strcspn(s, "\n"));
		screen_clean(&why, part);
		px_buf_addc(&why, '\n');
		s += strlen(part) + (s[strlen(part)] == '\n' ? 1 : 0);
		free(part);
	}
	printf("%srefused; generation %" PRId64 " stays in force\n", px_buf_str(&why),
	       int_of(result, "generation"));
	px_buf_free(&why);
}

void show_log(const json_t *result)
{
	printf("log level is %s (was %s)\n", text_of(result, "level"), text_of(result, "before"));
}

void show_backup(const json_t *result)
{
	printf("%s: messages up to %" PRId64 ", journal up to %" PRId64 ", %s in %" PRId64 " ms\n",
	       text_of(result, "path"), int_of(result, "message"), int_of(result, "journal"),
	       octets_text(int_of(result, "octets")), int_of(result, "ms"));
	if (int_of(result, "removed") > 0)
		printf("%" PRId64 " older copies were removed\n", int_of(result, "removed"));
}

void show_drain(const json_t *result)
{
	printf("%s\n", bool_of(result, "draining") ? "new messages are not taken any more; deliveries go on"
						   : "new messages are taken again");
}

void show_stop(const json_t *result)
{
	(void)result;
	printf("prinexd stops\n");
}

void show_text(const json_t *result)
{
	fputs(text_of(result, "text"), stdout);
}
