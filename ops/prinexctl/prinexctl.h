/* prinex: prinexctl: its parts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_PRINEXCTL_H
#define PX_PRINEXCTL_H

#include <jansson.h>

#include "base/buf.h"
#include "ctl/command.h"
#include "ctl/help.h"

struct px_ctl_line;

/* --- offices.c --- */

/** Needs no daemon. */
enum px_ctl_exit run_offices_import(const struct px_ctl_line *line);

/* --- rpc.c: the connection --- */

struct rpc {
	int fd;
	unsigned calls;
	struct px_buf in;
	size_t line;  /* length of the line at the beginning of `in` */
	size_t taken; /* octets of `in` that have been dealt with */
};

/** Connect, or explain on stderr. @return PX_CTL_EXIT_OK, UNREACHABLE or NOT_PERMITTED. */
enum px_ctl_exit rpc_open(struct rpc *rpc, const char *path);
/** Ask and wait for the answer; @params is borrowed. A failure is explained on stderr. What the daemon says
 * of its progress meanwhile is shown there, too. */
enum px_ctl_exit rpc_call(struct rpc *rpc, const char *method, const json_t *params, json_t **result);
void rpc_close(struct rpc *rpc);

/* --- body.c: octets of messages --- */

/** The octets of a message, their digest checked. @params of the method `body`; changed. */
enum px_ctl_exit fetch_body(struct rpc *rpc, json_t *params, struct px_buf *data);
/** To a file that must not exist yet; @path NULL: to standard output. */
enum px_ctl_exit write_out(const char *path, const struct px_buf *data);
enum px_ctl_exit run_body(struct rpc *rpc, const struct px_ctl_line *line);

/* --- letter.c --- */

enum px_ctl_exit run_letter(struct rpc *rpc, const struct px_ctl_line *line);

/* --- route.c --- */

/** Read the exchange in file @path (-: standard input) into @doc and send it piece by piece for
 * route.explain.
 * @params of the method; changed. @result is the answer to the last piece. */
enum px_ctl_exit explain_file(struct rpc *rpc, const char *path, json_t *params, struct px_buf *doc,
			      json_t **result);
enum px_ctl_exit run_route_explain(struct rpc *rpc, const struct px_ctl_line *line, json_t **result);
/** A table of what was found. */
void show_findings(const json_t *result, const char *name, const char *heading);

/* --- screen.c: what may be written to a terminal --- */

enum colour { PLAIN, BOLD, DIM, GREEN, YELLOW, RED };

/** Look at stdout, NO_COLOR and TERM; once. */
void screen_init(void);
/** Columns of the terminal; 0 when stdout is none. */
unsigned screen_width(void);
/** Append @s without anything that acts on a terminal: control characters, and characters that reorder text,
 * become \x.. */
void screen_clean(struct px_buf *out, const char *s);
/** Columns that UTF-8 text takes. */
unsigned screen_columns(const char *s);
/** Print clean text in a colour, if there are colours. */
void screen_put(const char *s, enum colour colour);
/** The colour of a word such as a state: trouble is red, waiting yellow, well green. */
enum colour screen_colour(const char *word);

/* --- table.c --- */

struct table;
/** @heads: titles separated by '|'; one that begins with '>' is of a column of numbers. */
struct table *table_new(const char *heads);
/** Add the next cell; a row ends by itself. NULL is shown as -. */
void table_add(struct table *t, const char *text, enum colour colour);
void table_addf(struct table *t, enum colour colour, const char *fmt, ...) PX_PRINTF(3, 4);
/** Print and free. The last column is wrapped on a terminal. */
void table_print(struct table **t);

/* --- values.c: members of results as text --- */

/** Views into the result; "" when absent or null. */
const char *text_of(const json_t *object, const char *name);
int64_t int_of(const json_t *object, const char *name);
bool bool_of(const json_t *object, const char *name);
bool has(const json_t *object, const char *name);
/** Cells: a text (null is -), a number, a time with how long ago, octets as MB, a list joined by ", ". */
void cell_text(struct table *t, const json_t *object, const char *name);
void cell_state(struct table *t, const json_t *object, const char *name);
void cell_int(struct table *t, const json_t *object, const char *name);
void cell_time(struct table *t, const json_t *object, const char *name);
void cell_octets(struct table *t, const json_t *object, const char *name);
void cell_list(struct table *t, const json_t *object, const char *name);
/**
 * A table with a row for each of @list. @members: what the columns show, separated by '|'; `=` before one: a
 * state, `@`: a time, `#`: a number; else a text.
 */
void put_rows(const char *heads, const char *members, const json_t *list);
/** Where to go on, when a page was not all. */
void put_more(const json_t *result);
/** A list of texts joined by ", ". */
void add_list(struct px_buf *out, const json_t *list);
/** The same as text. Static memory: good until the fourth call after it. */
const char *time_text(const char *time);
const char *octets_text(int64_t octets);
/** `Label:   value` lines; the label column is as wide as it must be for all of prinexctl. */
void line(const char *label, enum colour colour, const char *fmt, ...) PX_PRINTF(3, 4);
void line_text(const char *label, const json_t *object, const char *name);
void line_list(const char *label, const json_t *object, const char *name);
void line_time(const char *label, const json_t *object, const char *name);
/** A blank line and a title. */
void title(const char *text);

/* --- show_*.c: results for people, by subject --- */

typedef void show_fn(const json_t *result);
show_fn show_status, show_alarms, show_partners, show_partner;                /* show_node.c */
show_fn show_certificates, show_catalogue, show_check, show_reload, show_log; /* show_conf.c */
show_fn show_diff, show_backup, show_drain, show_stop, show_text;             /* show_conf.c */
show_fn show_told, show_quarantine;                                           /* show_deliveries.c */
show_fn show_messages, show_message, show_queue, show_trace;                  /* show_messages.c */
show_fn show_route;                                                           /* route.c */
show_fn show_journal, show_journal_verify, show_verify;                       /* show_journal.c */

/** top.c: look again and again until interrupted. */
enum px_ctl_exit run_top(const char *socket, const json_t *options);

#endif
