/* prinex: reads a scenario
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "script.h"

#include <ctype.h>
#include <libgen.h>

#include "base/strings.h"

#define FILE_MAX_OCTETS (4 << 20)
#define INCLUDE_DEPTH   8
#define PROBLEMS_MAX    30

/* --- tables --- */

static const struct px_row commands[] = {
#define PX_GROUP(title)
#define PX_COMMAND(id, word, where, usage, body, help) {word, where, usage, help, body},
#include "commands.def"
};
static const struct px_row subjects[] = {
#define PX_SUBJECT(id, word, where, usage, help) {word, where, usage, help, 0},
#include "subjects.def"
};
static const struct {
	const char *word, *help;
} operators[] = {
#define PX_OPERATOR(id, word, help) {word, help},
#include "operators.def"
};

const struct px_row *px_command_row(enum px_command_id id)
{
	return &commands[id];
}

const struct px_row *px_subject_row(enum px_subject_id id)
{
	return &subjects[id];
}

const char *px_operator_word(enum px_operator op)
{
	return operators[op].word;
}

const char *px_operator_help(enum px_operator op)
{
	return operators[op].help;
}

enum px_operator px_operator_parse(const char *word)
{
	enum px_operator op = 0;
	while (op < PX_OPERATORS && strcmp(operators[op].word, word) != 0)
		op++;
	return op;
}

unsigned px_profile_parse(const char *word)
{
	return strcmp(word, "sender") == 0      ? PX_PROFILE_SENDER
	       : strcmp(word, "recipient") == 0 ? PX_PROFILE_RECIPIENT
	       : strcmp(word, "both") == 0      ? PX_PROFILE_BOTH
						: 0;
}

/* --- one file --- */

struct parser {
	struct px_script *script;
	struct px_buf *why;
	unsigned problems;
	unsigned depth; /* of include */
	bool body;      /* a command that is not of the head has been seen */
};

struct source {
	const char *name; /* owned by the script */
	const char *at, *end;
	unsigned line;
};

static void problem(struct parser *p, const char *file, unsigned line, const char *fmt, ...) PX_PRINTF(4, 5);
static void problem(struct parser *p, const char *file, unsigned line, const char *fmt, ...)
{
	if (p->problems++ >= PROBLEMS_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	px_buf_addf(p->why, "%s:%u: ", file, line);
	px_buf_vaddf(p->why, fmt, ap);
	px_buf_addc(p->why, '\n');
	va_end(ap);
}

static const char *keep_name(struct px_script *s, const char *path)
{
	s->files = px_xrealloc_array(s->files, s->n_files + 1, sizeof(s->files[0]));
	return s->files[s->n_files++] = px_xstrdup(path);
}

static bool next_line(struct source *src, const char **text, size_t *len)
{
	if (src->at >= src->end)
		return false;
	const char *nl = memchr(src->at, '\n', (size_t)(src->end - src->at));
	const char *stop = nl != NULL ? nl : src->end;
	*text = src->at;
	*len = (size_t)(stop - src->at);
	if (*len > 0 && (*text)[*len - 1] == '\r')
		--*len;
	src->at = stop + (nl != NULL);
	src->line++;
	return true;
}

static char *trimmed(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return px_xstrndup(text, len);
}

/* The here-document's lines, without the last line break. */
static bool read_body(struct source *src, const char *until, struct px_word *out)
{
	struct px_buf body = PX_BUF_INIT;
	const char *text;
	size_t len;
	px_buf_addc(&body, ' ');
	px_buf_clear(&body);
	while (next_line(src, &text, &len)) {
		char *line = trimmed(text, len);
		bool last = strcmp(line, until) == 0;
		free(line);
		if (last) {
			if (body.len > 0)
				body.data[--body.len] = '\0';
			out->n = body.len;
			out->s = px_xmemdup(body.data, body.len + 1);
			out->s[out->n] = '\0';
			px_buf_free(&body);
			return true;
		}
		px_buf_add(&body, text, len);
		px_buf_addc(&body, '\n');
	}
	px_buf_free(&body);
	return false;
}

static enum px_command_id command_named(const char *word)
{
	enum px_command_id id = 0;
	while (id < PX_COMMANDS && strcmp(commands[id].word, word) != 0)
		id++;
	return id;
}

static enum px_subject_id subject_named(const char *word)
{
	enum px_subject_id id = 0;
	while (id < PX_SUBJECTS && strcmp(subjects[id].word, word) != 0)
		id++;
	return id;
}

static void free_steps(struct px_steps *steps)
{
	for (unsigned i = 0; i < steps->n; i++) {
		struct px_step *s = &steps->items[i];
		for (unsigned k = 0; k < s->n; k++)
			free(s->words[k].s);
		for (unsigned k = 0; k < s->n_keys; k++) {
			free(s->keys[k].key);
			free(s->keys[k].value.s);
		}
		free(s->words);
		free(s->keys);
		free(s->body.s);
		free(s->text);
		free_steps(&s->block);
	}
	PX_FREE(steps->items);
	steps->n = 0;
}

/* `expect SUBJECT ...` from word @first on. */
static int parse_expect(struct px_line *line, unsigned first, struct px_step *step, struct px_buf *why)
{
	if (first >= line->n) {
		px_buf_setf(why, "expect what? `prinex-conform help expect` lists the subjects");
		return PX_EPARSE;
	}
	step->command = PX_DO_EXPECT;
	step->subject = subject_named(line->words[first].s);
	if (step->subject == PX_SUBJECTS) {
		px_buf_setf(why, "%s: there is no such subject; `prinex-conform help expect` lists them",
			    line->words[first].s);
		return PX_EPARSE;
	}
	return px_usage_match(subjects[step->subject].usage, line, first + 1, step, why);
}

static int parse_within(struct px_line *line, struct px_step *step, struct px_buf *why)
{
	if (line->n < 3 || px_time_word(line->words[1].s, &step->within) != PX_OK ||
	    strcmp(line->words[2].s, "expect") != 0) {
		px_buf_setf(why, "expected: within TIME expect ...");
		return PX_EPARSE;
	}
	return parse_expect(line, 3, step, why);
}

static int parse_words(enum px_command_id id, struct px_line *line, struct px_step *step, struct px_buf *why)
{
	step->command = id;
	if (id == PX_DO_EXPECT)
		return parse_expect(line, 1, step, why);
	if (id == PX_DO_WITHIN)
		return parse_within(line, step, why);
	return px_usage_match(commands[id].usage, line, 1, step, why);
}

/* --- head --- */

static void join(struct px_buf *to, const char *s)
{
	if (to->len > 0)
		px_buf_addc(to, ' ');
	px_buf_adds(to, s);
}

static void take_head(struct parser *p, struct px_step *s)
{
	struct px_script *script = p->script;
	if (p->body)
		problem(p, s->file, s->line, "%s belongs to the head, before all other commands",
			commands[s->command].word);
	for (unsigned i = 0; i < s->n; i++) {
		switch (s->command) {
		case PX_DO_PURPOSE: join(&script->purpose, s->words[i].s); break;
		case PX_DO_PRECONDITION: join(&script->precondition, s->words[i].s); break;
		case PX_DO_CLAUSE: join(&script->clauses, s->words[i].s); break;
		case PX_DO_PROFILE: script->profiles |= px_profile_parse(s->words[i].s); break;
		case PX_DO_NEEDS:
			script->needs = px_xrealloc_array(script->needs, script->n_needs + 1, sizeof(char *));
			script->needs[script->n_needs++] = px_xstrdup(s->words[i].s);
			break;
		default: break;
		}
	}
	if (s->command == PX_DO_VIRTUAL)
		script->is_virtual = true;
	if (s->command == PX_DO_CASE && script->id != NULL) {
		problem(p, s->file, s->line, "a file holds one case, and this one has begun `%s` before",
			script->id);
	} else if (s->command == PX_DO_CASE) {
		script->id = px_xstrdup(s->words[0].s);
		script->title = px_xstrdup(s->words[1].s);
	}
}

/* --- steps --- */

static void parse_file(struct parser *p, const char *path, struct px_steps *to, const char *from,
		       unsigned from_line);

static void include(struct parser *p, const struct px_step *s, struct px_steps *to)
{
	char *copy = px_xstrdup(s->file);
	struct px_buf path = PX_BUF_INIT;
	if (s->words[0].s[0] == '/')
		px_buf_adds(&path, s->words[0].s);
	else
		px_buf_addf(&path, "%s/%s", dirname(copy), s->words[0].s);
	parse_file(p, px_buf_str(&path), to, s->file, s->line);
	px_buf_free(&path);
	free(copy);
}

static char stage_of(const struct px_script *s)
{
	return s->is_virtual ? 'V' : s->profiles != 0 ? 'T' : 'R';
}

static void check_stage(struct parser *p, const struct px_step *s)
{
	const struct px_row *row = s->command == PX_DO_EXPECT ? &subjects[s->subject] : &commands[s->command];
	if (strchr(row->where, stage_of(p->script)) != NULL)
		return;
	problem(p, s->file, s->line, "%s%s: not %s", s->command == PX_DO_EXPECT ? "expect " : "", row->word,
		p->script->is_virtual      ? "on a virtual clock"
		: p->script->profiles != 0 ? "with a target (this file has a profile)"
					   : "with brokers of our own");
}

static void parse_block(struct parser *p, struct source *src, struct px_steps *to, bool nested,
			unsigned opened);

static void body_of(struct parser *p, struct source *src, const struct px_line *line, struct px_step *s)
{
	unsigned want = s->command == PX_DO_EXPECT ? 0 : commands[s->command].body;
	unsigned at = s->line;
	if (line->here[0] == '\0') {
		if (want == 2)
			problem(p, s->file, at, "%s: a here-document is missing (<<END)",
				commands[s->command].word);
		return;
	}
	if (!read_body(src, line->here, &s->body))
		problem(p, s->file, at, "<<%s: no line holds nothing but %s", line->here, line->here);
	else if (want == 0 || want == 3)
		problem(p, s->file, at, "%s takes no here-document", commands[s->command].word);
}

static void parse_line(struct parser *p, struct source *src, struct px_line *line, char *text,
		       struct px_steps *to)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_step s = {.file = src->name, .line = src->line, .text = text, .within = -1};
	enum px_command_id id = command_named(line->words[0].s);
	s.command = id;
	if (id == PX_COMMANDS) {
		problem(p, s.file, s.line, "%s: there is no such command; `prinex-conform help` lists them",
			line->words[0].s);
	} else if (parse_words(id, line, &s, &why) != PX_OK) {
		problem(p, s.file, s.line, "%s: %s", commands[id].word, px_buf_str(&why));
	} else if (strcmp(commands[id].where, "H") == 0) {
		take_head(p, &s);
	} else {
		p->body = true;
		check_stage(p, &s);
	}
	if (id < PX_COMMANDS)
		body_of(p, src, line, &s);
	px_buf_free(&why);
	if (id == PX_DO_REPEAT)
		parse_block(p, src, &s.block, true, s.line);
	if (id == PX_DO_INCLUDE && s.n == 1)
		include(p, &s, to);
	bool drop = id == PX_COMMANDS || id == PX_DO_INCLUDE || strcmp(commands[id].where, "H") == 0;
	if (drop) {
		struct px_steps one = {1, px_xmemdup(&s, sizeof(s))};
		free_steps(&one);
		return;
	}
	to->items = px_xrealloc_array(to->items, to->n + 1, sizeof(to->items[0]));
	to->items[to->n++] = s;
}

static void parse_block(struct parser *p, struct source *src, struct px_steps *to, bool nested,
			unsigned opened)
{
	const char *text;
	size_t len;
	while (next_line(src, &text, &len)) {
		struct px_line line;
		struct px_buf why = PX_BUF_INIT;
		if (px_line_split(text, len, &line, &why) != PX_OK) {
			problem(p, src->name, src->line, "%s", px_buf_str(&why));
			px_buf_free(&why);
			continue;
		}
		bool end = line.n == 1 && strcmp(line.words[0].s, "end") == 0;
		if (end && !nested)
			problem(p, src->name, src->line, "end: nothing was begun");
		else if (line.n > 0 && !end)
			parse_line(p, src, &line, trimmed(text, len), to);
		px_line_free(&line);
		if (end && nested)
			return;
	}
	if (nested)
		problem(p, src->name, opened, "repeat: its `end` is missing");
}

static void parse_file(struct parser *p, const char *path, struct px_steps *to, const char *from,
		       unsigned from_line)
{
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	if (p->depth >= INCLUDE_DEPTH) {
		problem(p, from, from_line, "include: more than %u files deep", INCLUDE_DEPTH);
	} else if (px_buf_read_file(&text, path, FILE_MAX_OCTETS, &why) != PX_OK) {
		problem(p, from != NULL ? from : path, from_line, "%s", px_buf_str(&why));
	} else {
		struct source src = {.name = keep_name(p->script, path)};
		src.at = px_buf_str(&text);
		src.end = src.at + text.len;
		p->depth++;
		parse_block(p, &src, to, false, 0);
		p->depth--;
	}
	px_buf_free(&text);
	px_buf_free(&why);
}

int px_script_load(const char *path, struct px_script **out, struct px_buf *why)
{
	struct px_script *s = px_xcalloc(1, sizeof(*s));
	struct parser p = {.script = s, .why = why};
	*out = NULL;
	s->file = px_xstrdup(path);
	parse_file(&p, path, &s->steps, NULL, 0);
	if (s->id == NULL && p.problems == 0)
		problem(&p, path, 1, "expected: case ID \"title\"");
	if (s->is_virtual && s->profiles != 0)
		problem(&p, path, 1, "virtual and profile exclude each other");
	if (p.problems > PROBLEMS_MAX)
		px_buf_addf(why, "%s: %u more\n", path, p.problems - PROBLEMS_MAX);
	if (p.problems > 0)
		px_script_free(&s);
	*out = s;
	return p.problems > 0 ? PX_EPARSE : PX_OK;
}

void px_script_free(struct px_script **script)
{
	struct px_script *s = *script;
	if (s == NULL)
		return;
	free_steps(&s->steps);
	free(s->file);
	free(s->id);
	free(s->title);
	px_buf_free(&s->purpose);
	px_buf_free(&s->precondition);
	px_buf_free(&s->clauses);
	for (unsigned i = 0; i < s->n_needs; i++)
		free(s->needs[i]);
	free(s->needs);
	for (unsigned i = 0; i < s->n_files; i++)
		free(s->files[i]);
	free(s->files);
	PX_FREE(*script);
}
