/* prinex: what the client has been told: configuration file and command line
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_SETTINGS_H
#define PX_CLIENT_SETTINGS_H

#include "conf/conf.h"

/*
 * Every option stands once, in options.def, and can be given on the command line; those that make sense for
 * every call also in a file:
 *
 *	client { url = "https://broker.example:8443"  cert = "tls.pem"  ... }
 *	authority "UA" { node { anchors = { "ua-sign.pem" } } }
 *
 * in the syntax of the broker's configuration, `authority` sections included. The command line wins, option
 * by option. Thread: immutable once made.
 */

/** Commands as bits, for the table's column. */
enum px_commands {
	PX_CMD_WRAP = 1,
	PX_CMD_SIGN = 2,
	PX_CMD_VERIFY = 4,
	PX_CMD_CHECK = 8,
	PX_CMD_SEND = 16,
	PX_CMD_FETCH = 32,
	PX_CMD_STATUS = 64,
	PX_CMD_PING = 128,
	PX_CMD_SPOOL = 512, /* prinex-spool */
	PX_CMD_PREPARE = 1024,
	PX_CMD_LOOKUP = 2048,
	PX_CMD_FILE = 256 /* not a command: the option may stand in a file */
};

struct px_settings {
	char *file; /* that they were read from; NULL: none */
	char *url, *cert, *key, *server_uri, *proxy;
	struct px_strings anchors, crls, pins;
	bool tls12;
	int64_t timeout;
	char *sign_cert, *sign_key;
	struct px_strings trust, trust_crl;
	char *environment, *sender;
	struct px_strings recipients;
	char *type, *type_version, *id, *expires, *correlation, *from_encoding;
	char *official;
	struct px_strings catalogue;
	char *keep;
	unsigned parallel;
	int64_t retry_for;
	bool again, anew;
	int64_t wait;
	bool forever;
	unsigned max;
	char *to;
	struct px_strings set; /* PATH=VALUE */
	char *values;
	char *out;
	bool confirm, verify;
	struct px_strings refuse; /* code, text */
	char *user;
	char *fetch; /* folder */
	bool json, verbose;
	char *spool_folder, *spool_marker;
	bool spool_sign;
	unsigned spool_room;
	unsigned n_authorities;
	struct px_conf_authority *authorities;
};

/** What stands before the name of an option where a problem is told: "--". A program that takes no options
 * but those of its file (prinex-spool) makes it "", before anything else. */
extern const char *px_setting_mark;

/** A row of the table, for the parser of the command line and for help. */
struct px_setting {
	const char *name;
	const char *argument; /* NULL: a flag */
	const char *value;    /* default, as a file would say it */
	unsigned commands;
	const char *help;
	bool repeats; /* a list */
	bool time;    /* a duration: on the command line bare digits are seconds */
};
/** All rows in their order; *@n of them. */
const struct px_setting *px_settings_table(unsigned *n);

/** One option of the command line; strings are borrowed. A flag has the value "true". */
struct px_given {
	const char *name;
	const char *value;
};

/**
 * Read @file (NULL: none), lay the options of the command line over it, check each value. Relative file
 * names are relative to the file they stand in. @return PX_OK, or PX_ECONF with problems.
 */
int px_settings_new(const char *file, const struct px_given *given, unsigned n, struct px_settings **out,
		    struct px_problems *problems);
void px_settings_free(struct px_settings **settings);

#endif
