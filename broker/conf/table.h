/* prinex: tables of sections and options, and the machinery that reads files by them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_TABLE_H
#define PX_CONF_TABLE_H

#include "conf/conf.h"

/*
 * Private to conf. Two tables exist: options.def (the configuration) and the one in catalogue.c. Each row
 *says where in which struct a value belongs, so one piece of code parses, checks, fills, prints and frees for
 *all.
 *
 *	text --scan--> text without comments --libconfuse--> tree of items --fill--> struct, positions
 */

/** How a value is kept in its struct. */
enum px_as {
	PX_AS_TEXT, /* char *, never NULL */
	PX_AS_LIST, /* struct px_strings */
	PX_AS_UINT, /* unsigned */
	PX_AS_U64,  /* uint64_t */
	PX_AS_I64,  /* int64_t, milliseconds */
	PX_AS_BOOL, /* bool; words[0] is false, words[1] true */
	PX_AS_WORD  /* an enum whose values number the words */
};

/** Types of values; the table is types.def. */
enum px_opt_type_id {
#define PX_OPT_TYPE(id, as, words, check, text) PX_T_##id,
#include "conf/types.def"
#undef PX_OPT_TYPE
	PX_T_COUNT
};

struct px_opt_type {
	enum px_as as;
	const char *const *words; /* ends with NULL; "" is a value that files cannot say */
	/* Texts and items of lists: PX_OK, @out filled with what is kept; else @why completes "VALUE: ...".
	 */
	int (*check)(const char *in, const char *folder, struct px_buf *out, struct px_buf *why);
	const char *text; /* for the reference */
};
const struct px_opt_type *px_opt_type(enum px_opt_type_id id);

#define PX_OPT_RESTART 1u /* a change needs a restart */
#define PX_OPT_FILLED  2u /* may be left out, but not be empty */

struct px_opt {
	unsigned section;
	const char *name;
	enum px_opt_type_id type;
	size_t offset;     /* in the section's struct */
	const char *value; /* default, as a file would say it; "" in a list: empty; NULL: must be given */
	int64_t min, max;  /* numbers */
	unsigned flags;
	const char *help;
};

enum px_section_kind {
	PX_SECTION_ROOT,  /* the file itself; always the first row */
	PX_SECTION_ONE,   /* once at most, always there with its defaults */
	PX_SECTION_MAYBE, /* once at most; a bool says whether it was given */
	PX_SECTION_MANY   /* with a title, as often as wanted: an array */
};

struct px_section {
	const char *name;
	enum px_section_kind kind;
	unsigned parent;
	size_t offset;      /* of its struct (MANY: of the pointer to its array) in the parent's struct */
	size_t given;       /* MAYBE: of the bool in its struct */
	size_t count;       /* MANY: of the number in the parent's struct */
	size_t size;        /* MANY: of an element */
	size_t title, line; /* MANY: in the element */
	size_t file;        /* MANY: in the element, a char *; PX_NOWHERE: not kept */
	enum px_opt_type_id title_type; /* MANY */
	const char *help;
};
#define PX_NOWHERE SIZE_MAX

struct px_table {
	unsigned n_sections;
	const struct px_section *sections;
	unsigned n_opts;
	const struct px_opt *opts;
};

/** The table of the configuration. */
const struct px_table *px_conf_table(void);

/** An option or section in a file. */
struct px_item {
	const struct px_section *section; /* NULL: an option */
	const struct px_opt *opt;         /* NULL: a section */
	char *title;
	const char *file; /* view of the tree's */
	unsigned line;
	struct px_strings values;
	struct px_item *children, *last_child, *next;
	struct px_item *parent;
};

struct px_tree {
	struct px_item root;
	struct px_strings files; /* in the order in which they were first seen */
};

/**
 * Parse @path, or @text (@len octets, @path names it) when that is not NULL. Includes are followed. Problems
 * are added. @return PX_OK when the tree is complete (there may be problems nevertheless: options that are
 * not known are left out), else PX_ECONF. Called again with the same tree it appends.
 */
int px_tree_parse(const struct px_table *table, const char *path, const char *text, size_t len,
		  struct px_tree *tree, struct px_problems *problems);
void px_tree_free(struct px_tree *tree);

/** Positions of values: by the address of the field that holds them. */
struct px_where;
struct px_where *px_where_new(void);
void px_where_free(struct px_where **where);
/** @given: the file says it, right or wrong; else it has its default, and the position is its section's. */
void px_where_add(struct px_where *where, const void *field, const char *file, unsigned line, bool given);
bool px_where_given(const struct px_where *where, const void *field);
/** File and line of a field, "" and 0 when it is not known. View. */
const char *px_where_find(const struct px_where *where, const void *field, unsigned *line);

/** Append the names of all files that positions name, first one first. */
void px_where_files(const struct px_where *where, struct px_strings *files);

/** Fill @root, which is zeroed, from @tree: every field gets a value. Problems are added. */
void px_table_fill(const struct px_table *table, void *root, const struct px_tree *tree,
		   struct px_where *where, struct px_problems *problems);
/** Free everything that px_table_fill made within @root, not @root itself. */
void px_table_free(const struct px_table *table, void *root);
/** Print @root in the syntax of files. */
void px_table_dump(const struct px_table *table, const void *root, struct px_buf *out);
/** Append the value of one option as a file would say it. */
void px_opt_format(const struct px_opt *opt, const void *base, struct px_buf *out);

struct px_conf;
/**
 * A problem with what the field @field says: where it stands by @also (NULL: nothing), else in the
 * configuration; else it is one of the file as a whole.
 */
void px_conf_problem(struct px_problems *problems, const struct px_conf *conf, const struct px_where *also,
		     const void *field, const char *fmt, ...) PX_PRINTF(5, 6);
/** Put problems into the order of files and lines. */
void px_problems_sort(struct px_problems *p, const struct px_strings *files);

void px_strings_add(struct px_strings *list, const char *s);
void px_strings_free(struct px_strings *list);

/** "72h", "64M": numbers with a unit. @return PX_OK or PX_EPARSE. */
int px_parse_duration(const char *s, int64_t *ms);
int px_parse_size(const char *s, uint64_t *octets);
/** The shortest exact form. */
void px_format_duration(struct px_buf *out, int64_t ms);
void px_format_size(struct px_buf *out, uint64_t octets);

#define PX_PROFILES_MAX 1000
#define PX_TAKES_MAX    8 /* versions of one type: two are live at once, a third for a while */
/** "1 from 2026-01-01 until 2030-12-31": a signature profile and when it may be used. */
struct px_profile_rule {
	unsigned number;
	int64_t from, until; /* wall ms; @until is the first moment that is too late; INT64_MAX without end */
};
/** @return PX_OK, or PX_EPARSE with @why (may be NULL). */
int px_parse_profile(const char *s, struct px_profile_rule *out, struct px_buf *why);

/** "CC015C warn": what broken rules of a type mean; "warn": of all others. */
struct px_rule_level_for {
	char type[PX_TYPE_MAX + 1]; /* "" all */
	enum px_rule_level level;
};
/** @return PX_OK, or PX_EPARSE with @why (may be NULL). */
int px_parse_rule_level(const char *s, struct px_rule_level_for *out, struct px_buf *why);

/** "CD001C NCTS5.0 NCTS5.1": a message type and versions of it. */
struct px_takes {
	char type[PX_TYPE_MAX + 1];
	unsigned n;
	char versions[PX_TAKES_MAX][PX_TYPE_MAX + 1];
};
/** @return PX_OK, or PX_EPARSE with @why (may be NULL). */
int px_parse_takes(const char *s, struct px_takes *out, struct px_buf *why);

/** @path as seen from the folder of @file. Returned. */
char *px_path_join(const char *file, const char *path);
/** The same, made absolute. Returned. */
char *px_path_beside(const char *file, const char *path);
/** The best guess at what @word was meant to be, or NULL. */
const char *px_nearest(const char *word, const char *const *words, unsigned n);

#endif
