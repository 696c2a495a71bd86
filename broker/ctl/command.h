/* prinex: the table of commands, and what their arguments may be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_COMMAND_H
#define PX_CTL_COMMAND_H

#include <jansson.h>

#include "base/buf.h"
#include "base/exchange.h"

/*
 * command.def declares every command once. The daemon dispatches by it, prinexctl parses its command line by
 * it, and help, completion and documents are printed from it (help.h). Both sides check arguments with
 * px_ctl_check: the client to say what is wrong at once, the daemon because a client may be anybody's.
 * Pure; any thread.
 */
enum px_ctl_privilege { PX_CTL_LOOK, PX_CTL_ACT, PX_CTL_LOCAL };

enum px_ctl_id {
#define PX_CTL_COMMAND(id, name, privilege, business, help, more) PX_CTL_##id,
#define PX_CTL_ARG(command, name, kind, place, help)
#include "ctl/command.def"
#undef PX_CTL_COMMAND
#undef PX_CTL_ARG
	PX_CTL_COMMANDS
};

enum px_ctl_kind {
	PX_CTL_KIND_NAME,      /* of a partner */
	PX_CTL_KIND_AUTHORITY, /* authority code */
	PX_CTL_KIND_TYPE,      /* message type */
	PX_CTL_KIND_MESSAGE,   /* SENDER/MESSAGE-ID, or the number of the message here */
	PX_CTL_KIND_KEY,       /* kind of business key */
	PX_CTL_KIND_VALUE,     /* value of a business key */
	PX_CTL_KIND_LEVEL,     /* of the log */
	PX_CTL_KIND_COMMAND,   /* name of a command */
	PX_CTL_KIND_TIME,      /* a UTC time, or how long ago: 30min, 2h, 3d */
	PX_CTL_KIND_COUNT,     /* 1..PX_CTL_COUNT_MAX; integer in JSON */
	PX_CTL_KIND_CURSOR,    /* 0.. ; integer in JSON */
	PX_CTL_KIND_FLAG,      /* no value on the command line; boolean in JSON */
	PX_CTL_KIND_PATH,      /* full name of a folder at the daemon */
	PX_CTL_KIND_TEXT,      /* for people */
	PX_CTL_KIND_TARGET,    /* a partner's name, or as MESSAGE */
	PX_CTL_KIND_ALARM,     /* name of an alarm */
	PX_CTL_KIND_RECORD,    /* TABLE/NUMBER */
	PX_CTL_KIND_OCTETS,    /* base64, at most PX_CTL_OCTETS_MAX characters of it */
	PX_CTL_KIND_FILE       /* prinexctl's own: never sent */
};

enum px_ctl_place { PX_CTL_REQUIRED, PX_CTL_OPTIONAL, PX_CTL_OPTION, PX_CTL_CLIENT, PX_CTL_HIDDEN };

#define PX_CTL_COUNT_MAX  500
#define PX_CTL_TEXT_MAX   256 /* octets of any argument but these: */
#define PX_CTL_OCTETS_MAX 48000

struct px_ctl_arg {
	enum px_ctl_id command;
	const char *name;
	enum px_ctl_kind kind;
	enum px_ctl_place place;
	const char *help;
};

/** What of a look is journalled; in the table also false and true. */
enum px_ctl_look { PX_CTL_UNNOTED, PX_CTL_BUSINESS, PX_CTL_NOTED };

struct px_ctl_command {
	enum px_ctl_id id;
	const char *name;   /* as typed: "journal tail" */
	const char *method; /* in the protocol: "journal.tail" */
	enum px_ctl_privilege privilege;
	enum px_ctl_look look;
	const char *help, *more; /* more: "" none */
	unsigned n_args;
	const struct px_ctl_arg *args; /* in the order of the command line */
};

const struct px_ctl_command *px_ctl_command(enum px_ctl_id id);
/** By method; NULL when the daemon has none of that name. */
const struct px_ctl_command *px_ctl_by_method(const char *method);
/** By the name as typed; NULL when there is none. */
const struct px_ctl_command *px_ctl_by_name(const char *name);
const struct px_ctl_arg *px_ctl_find_arg(const struct px_ctl_command *command, const char *name);
/** Whether the daemon journals it with the user's name. */
bool px_ctl_is_journalled(const struct px_ctl_command *command);
/** Whether as an administrator's action, which is carried out even while the journal cannot be written. */
bool px_ctl_is_action(const struct px_ctl_command *command);

/** What an argument of @kind looks like, for people: "UTC time, or how long ago: 30min, 2h, 3d". */
const char *px_ctl_kind_text(enum px_ctl_kind kind);
/** In synopses: "TIME". */
const char *px_ctl_kind_word(enum px_ctl_kind kind);
/** The words a value may be (NULL-terminated), or NULL when it is not one of a list. */
const char *const *px_ctl_kind_words(enum px_ctl_kind kind);

/** Check one value. @return PX_OK, or PX_EINVAL with @why complete. */
int px_ctl_check_value(const struct px_ctl_arg *arg, const json_t *value, struct px_buf *why);
/**
 * Check @params (an object, or NULL for none) against the table: all required there, none unknown, none of
 * prinexctl's own, each of its kind. @return PX_OK, or PX_EINVAL with @why naming argument and fault.
 */
int px_ctl_check(const struct px_ctl_command *command, const json_t *params, struct px_buf *why);

/** A time argument as wall ms; @now for those that say how long ago. @return PX_OK or PX_EPARSE. */
int px_ctl_parse_time(const char *text, int64_t now, int64_t *out);
/** A record argument. @return PX_OK or PX_EPARSE. */
int px_ctl_parse_record(const char *text, char *table, size_t size, uint64_t *record);
/** A message argument: @seq is 0 when it is SENDER/MESSAGE-ID. @return PX_OK or PX_EPARSE. */
int px_ctl_parse_message(const char *text, uint64_t *seq, char sender[PX_AUTHORITY_MAX + 1],
			 char message_id[PX_MESSAGE_ID_MAX + 1]);

#endif
