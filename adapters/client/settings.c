/* prinex: what the client has been told: configuration file and command line
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/settings.h"

#include <ctype.h>

#include "base/strings.h"
#include "conf/table.h"

/* Named in problems where the broker's configuration names a file. */
#define COMMAND_LINE "command line"

const char *px_setting_mark = "--";

/* --- the tables --- */

enum { IN_FILE, IN_CLIENT, IN_AUTHORITY, IN_SYSTEM, IN_NODE, SECTION_COUNT };

#define TRUST(text, role)                                                                                    \
	{                                                                                                    \
		.name = (text), .kind = PX_SECTION_MAYBE, .parent = IN_AUTHORITY,                            \
		.offset = offsetof(struct px_conf_authority, trust) + (role) * sizeof(struct px_conf_trust), \
		.given = offsetof(struct px_conf_trust, configured), .file = PX_NOWHERE,                     \
	}

static const struct px_section sections[SECTION_COUNT] = {
    [IN_FILE] = {.name = "", .kind = PX_SECTION_ROOT},
    [IN_CLIENT] = {.name = "client", .kind = PX_SECTION_ONE},
    [IN_AUTHORITY] = {.name = "authority",
		      .kind = PX_SECTION_MANY,
		      .offset = offsetof(struct px_settings, authorities),
		      .count = offsetof(struct px_settings, n_authorities),
		      .size = sizeof(struct px_conf_authority),
		      .title = offsetof(struct px_conf_authority, code),
		      .line = offsetof(struct px_conf_authority, line),
		      .file = PX_NOWHERE,
		      .title_type = PX_T_AUTHORITY},
    [IN_SYSTEM] = TRUST("system", PX_ROLE_SYSTEM),
    [IN_NODE] = TRUST("node", PX_ROLE_NODE),
};

#define ROW(in, text, kind, of, field, standard, low, high)                                          \
	{                                                                                            \
		.section = (in), .name = (text), .type = PX_T_##kind, .offset = offsetof(of, field), \
		.value = (standard), .min = (low), .max = (high)                                     \
	}
#define TRUST_ROWS(in)                                                        \
	ROW(in, "anchors", FILES, struct px_conf_trust, anchors, NULL, 0, 0), \
	    ROW(in, "crls", FILES, struct px_conf_trust, crls, "", 0, 0),     \
	    ROW(in, "pins", PINS, struct px_conf_trust, pins, "", 0, 0),      \
	    ROW(in, "crl-required", BOOL, struct px_conf_trust, crl_required, "true", 0, 0)

static const struct px_opt options[] = {
#define PX_SETTING(field, name, type, value, min, max, commands, argument, help) \
	ROW(IN_CLIENT, name, type, struct px_settings, field, value, min, max),
#include "client/options.def"
#undef PX_SETTING
    ROW(IN_AUTHORITY, "title", TEXT, struct px_conf_authority, title, "", 0, 0),
    TRUST_ROWS(IN_SYSTEM),
    TRUST_ROWS(IN_NODE),
};

static const struct px_table table = {SECTION_COUNT, sections, PX_ARRAY_LEN(options), options};

enum {
	CONF = PX_CMD_FILE,
	WRAP = PX_CMD_WRAP,
	SIGN = PX_CMD_SIGN,
	VERIFY = PX_CMD_VERIFY,
	CHECK = PX_CMD_CHECK,
	SEND = PX_CMD_SEND,
	FETCH = PX_CMD_FETCH,
	STATUS = PX_CMD_STATUS,
	PING = PX_CMD_PING,
	SPOOL = PX_CMD_SPOOL,
	PREPARE = PX_CMD_PREPARE,
	LOOKUP = PX_CMD_LOOKUP
};

#define IS_LIST(type)                                                                          \
	(PX_T_##type == PX_T_FILES || PX_T_##type == PX_T_TEXTS || PX_T_##type == PX_T_PINS || \
	 PX_T_##type == PX_T_AUTHORITIES || PX_T_##type == PX_T_PATTERNS)

static const struct px_setting settings_table[] = {
#define PX_SETTING(field, text, type, standard, min, max, which, takes, about) \
	{.name = (text),                                                       \
	 .argument = (takes),                                                  \
	 .value = (standard),                                                  \
	 .commands = (which),                                                  \
	 .help = (about),                                                      \
	 .repeats = IS_LIST(type),                                             \
	 .time = PX_T_##type == PX_T_DURATION},
#include "client/options.def"
#undef PX_SETTING
};

const struct px_setting *px_settings_table(unsigned *n)
{
	*n = PX_ARRAY_LEN(settings_table);
	return settings_table;
}

/* --- reading --- */

struct source {
	struct px_settings *settings;
	struct px_where *where;
};

static void source_free(struct source *s)
{
	if (s->settings != NULL)
		px_settings_free(&s->settings);
	px_where_free(&s->where);
}

/* @text NULL: read @path. */
static void source_read(struct source *s, const char *path, const char *text, size_t len,
			struct px_problems *problems)
{
	struct px_tree tree = {0};
	s->settings = px_xcalloc(1, sizeof(*s->settings));
	s->where = px_where_new();
	px_tree_parse(&table, path, text, len, &tree, problems);
	px_table_fill(&table, s->settings, &tree, s->where, problems);
	px_problems_sort(problems, &tree.files);
	px_tree_free(&tree);
}

static void add_quoted(struct px_buf *out, const char *s)
{
	px_buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\' || *s == '$')
			px_buf_addc(out, '\\');
		px_buf_addc(out, *s);
	}
	px_buf_addc(out, '"');
}

static bool only_digits(const char *s)
{
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* The command line as a file would say it, so that one piece of code checks both. */
static void command_line(const struct px_given *given, unsigned n, struct px_buf *out)
{
	px_buf_adds(out, "client {\n");
	for (unsigned i = 0; i < PX_ARRAY_LEN(settings_table); i++) {
		const struct px_setting *row = &settings_table[i];
		unsigned found = 0;
		struct px_buf values = PX_BUF_INIT;
		for (unsigned k = 0; k < n; k++) {
			if (strcmp(given[k].name, row->name) != 0)
				continue;
			if (!row->repeats)
				px_buf_clear(&values); /* the last one counts */
			px_buf_adds(&values, row->repeats && found > 0 ? ", " : "");
			struct px_buf v = PX_BUF_INIT;
			px_buf_addf(&v, "%s%s", given[k].value,
				    row->time && only_digits(given[k].value) ? "s" : "");
			add_quoted(&values, px_buf_str(&v));
			px_buf_free(&v);
			found++;
		}
		if (found > 0)
			px_buf_addf(out, row->repeats ? "%s = { %s }\n" : "%s = %s\n", row->name,
				    px_buf_str(&values));
		px_buf_free(&values);
	}
	px_buf_adds(out, "}\n");
}

static size_t field_size(const struct px_opt *opt)
{
	switch (px_opt_type(opt->type)->as) {
	case PX_AS_TEXT: return sizeof(char *);
	case PX_AS_LIST: return sizeof(struct px_strings);
	case PX_AS_UINT:
	case PX_AS_WORD: return sizeof(unsigned);
	case PX_AS_U64:
	case PX_AS_I64: return sizeof(int64_t);
	case PX_AS_BOOL: return sizeof(bool);
	}
	px_assert_failed("type", __FILE__, __LINE__, __func__);
}

/* Swap, so that each side still owns what it frees. */
static void take_field(const struct px_opt *opt, struct px_settings *to, struct px_settings *from)
{
	uint8_t tmp[sizeof(struct px_strings)];
	size_t size = field_size(opt);
	uint8_t *a = (uint8_t *)to + opt->offset, *b = (uint8_t *)from + opt->offset;
	px_assert(size <= sizeof(tmp));
	memcpy(tmp, a, size);
	memcpy(a, b, size);
	memcpy(b, tmp, size);
}

static void lay_over(struct source *base, struct source *over)
{
	for (unsigned i = 0; i < PX_ARRAY_LEN(settings_table); i++) {
		const uint8_t *field = (const uint8_t *)over->settings + options[i].offset;
		if (px_where_given(over->where, field))
			take_field(&options[i], base->settings, over->settings);
	}
}

/* --- checks --- */

static void check_file(const struct source *s, struct px_problems *problems)
{
	for (unsigned i = 0; i < PX_ARRAY_LEN(settings_table); i++) {
		const uint8_t *field = (const uint8_t *)s->settings + options[i].offset;
		unsigned line;
		const char *file = px_where_find(s->where, field, &line);
		if (px_where_given(s->where, field) && !(settings_table[i].commands & PX_CMD_FILE))
			px_problems_add(problems, file, line, "client: %s is for prinex's command line only",
					settings_table[i].name);
	}
	for (unsigned i = 0; i < s->settings->n_authorities; i++) {
		const struct px_conf_authority *a = &s->settings->authorities[i];
		for (int role = PX_ROLE_SYSTEM; role <= PX_ROLE_NODE; role++) {
			const struct px_conf_trust *t = &a->trust[role];
			unsigned line;
			const char *file = px_where_find(s->where, &t->crls, &line);
			if (t->configured && t->crl_required && t->crls.n == 0)
				px_problems_add(problems, file, line,
						"authority \"%s\" %s: crls are missing, so every certificate "
						"would be refused; name them, or say crl-required = false",
						a->code, px_role_name((enum px_role)role));
		}
	}
}

/* `client: id = "x": why` as the user typed it: `--id "x": why`. */
static void rename_problems(struct px_problems *from, struct px_problems *to)
{
	static const char prefix[] = "client: ";
	for (unsigned i = 0; i < from->n; i++) {
		const char *text = from->items[i].text;
		const char *eq = strstr(text, " = ");
		if (px_str_starts(text, prefix) && eq != NULL) {
			text += strlen(prefix);
			px_problems_add(to, "", 0, "--%.*s %s", (int)(eq - text), text, eq + 3);
		} else {
			px_problems_add(to, "", 0, "%s", text);
		}
	}
}

int px_settings_new(const char *file, const struct px_given *given, unsigned n, struct px_settings **out,
		    struct px_problems *problems)
{
	struct source base = {0}, over = {0};
	struct px_problems found = {0};
	struct px_buf text = PX_BUF_INIT;
	unsigned before = problems->n;
	source_read(&base, file != NULL ? file : COMMAND_LINE, file != NULL ? NULL : "", 0, problems);
	if (file != NULL)
		check_file(&base, problems);
	command_line(given, n, &text);
	source_read(&over, COMMAND_LINE, px_buf_str(&text), text.len, &found);
	rename_problems(&found, problems);
	px_problems_free(&found);
	px_buf_free(&text);
	lay_over(&base, &over);
	source_free(&over);
	bool good = problems->n == before;
	if (good) {
		base.settings->file = file != NULL ? px_xstrdup(file) : NULL;
		*out = base.settings;
		base.settings = NULL;
	}
	source_free(&base);
	return good ? PX_OK : PX_ECONF;
}

void px_settings_free(struct px_settings **settings)
{
	if (*settings == NULL)
		return;
	px_table_free(&table, *settings);
	free((*settings)->file);
	PX_FREE(*settings);
}
