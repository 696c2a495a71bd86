/* prinex: a scenario as read: head and steps, every word checked against the tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_SCRIPT_H
#define PX_HARNESS_SCRIPT_H

#include "base/buf.h"

/*
 * Reading knows the tables (commands.def, subjects.def, operators.def) and nothing of playing. What can be
 * told from the text alone is told here, for all lines at once, as FILE:LINE: what was expected. Variables
 * are replaced later, so a word with a `$` is not judged yet. Pure, but for reading files.
 */

enum px_command_id {
#define PX_GROUP(title)
#define PX_COMMAND(id, word, where, usage, body, help) PX_DO_##id,
#include "commands.def"
	PX_COMMANDS
};
enum px_subject_id {
#define PX_SUBJECT(id, word, where, usage, help) PX_SUBJECT_##id,
#include "subjects.def"
	PX_SUBJECTS
};
enum px_operator {
#define PX_OPERATOR(id, word, help) PX_OP_##id,
#include "operators.def"
	PX_OPERATORS
};

/** A row of commands.def or subjects.def. */
struct px_row {
	const char *word, *where, *usage, *help;
	unsigned body;
};
const struct px_row *px_command_row(enum px_command_id id);
const struct px_row *px_subject_row(enum px_subject_id id);
const char *px_operator_word(enum px_operator op);
const char *px_operator_help(enum px_operator op);
/** @return PX_OPERATORS for another word. */
enum px_operator px_operator_parse(const char *word);

/** Octets; always followed by a NUL. `$$` is a dollar sign until variables are replaced. */
struct px_word {
	char *s;
	size_t n;
	bool quoted; /* its first character was a quotation mark */
};

struct px_key_word {
	char *key;
	struct px_word value;
};

struct px_steps {
	unsigned n;
	struct px_step *items;
};

struct px_step {
	enum px_command_id command;
	enum px_subject_id subject; /* of expect, and of within */
	const char *file;           /* of the script */
	unsigned line;
	char *text;     /* the line as it stands, without indentation */
	int64_t within; /* ms; -1: not within */
	unsigned n;     /* positional words, command (subject) left out */
	struct px_word *words;
	unsigned n_keys;
	struct px_key_word *keys;
	struct px_word body; /* s NULL: none */
	struct px_steps block;
};

enum px_profile { PX_PROFILE_SENDER = 1, PX_PROFILE_RECIPIENT = 2, PX_PROFILE_BOTH = 4 };
/** @return 0 for another word. */
unsigned px_profile_parse(const char *word);

struct px_script {
	char *file;
	char *id, *title;
	struct px_buf purpose, precondition;
	struct px_buf clauses; /* separated by blanks */
	unsigned profiles;     /* 0: brokers of our own, or virtual */
	bool is_virtual;
	unsigned n_needs;
	char **needs;
	struct px_steps steps;
	unsigned n_files; /* names that steps refer to */
	char **files;
};

/**
 * Read a file. @return PX_OK; PX_EPARSE with every problem in @why, a line each. *@out is NULL then.
 */
int px_script_load(const char *path, struct px_script **out, struct px_buf *why);
void px_script_free(struct px_script **script);

/* --- pieces --- */

/** Words of one line. @here: "" or the word that ends a here-document. @return PX_OK or PX_EPARSE with @why.
 */
struct px_line {
	unsigned n;
	struct px_word *words;
	char here[64];
};
int px_line_split(const char *text, size_t len, struct px_line *out, struct px_buf *why);
void px_line_free(struct px_line *line);

/** Do these words (borrowed; from @first on) fit @usage? Moves them into the step. @return PX_OK, PX_EPARSE
 * with @why. */
int px_usage_match(const char *usage, struct px_line *line, unsigned first, struct px_step *step,
		   struct px_buf *why);

/** `10s`, `1500ms`, `3d`. @return PX_OK or PX_EPARSE. */
int px_time_word(const char *s, int64_t *ms);
/** Letters, digits, `-`, `_`; begins with a letter. */
bool px_is_handle(const char *s);

#endif
