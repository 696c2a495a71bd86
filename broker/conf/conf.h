/* prinex: the configuration as a snapshot
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_CONF_H
#define PX_CONF_CONF_H

#include "base/buf.h"
#include "base/exchange.h"

/*
 * A configuration is loaded whole, checked whole and never changed afterwards: everybody is handed a
 * `const struct px_conf *`. There is no global. Loading is pure: reload means to load a second one beside the
 * first (design: generation) and to swap a pointer.
 *
 *	struct px_problems problems = {0};
 *	struct px_conf *conf = NULL;
 *	if (px_conf_load(path, &conf, &problems) == PX_OK) ...
 *	px_conf_free(&conf);
 *
 * Every option stands once, in options.def: name, section, type, default, bounds, restart, help. The table
 * gives the parser, the checks, `prinexd -T` and docs/configuration.md.
 *
 * Strings are never NULL ("" when not set). Relative file names are relative to the file they stand in and
 *are made absolute here. Durations are milliseconds, sizes octets. Thread: any (immutable once loaded;
 *loading itself takes a lock, because libconfuse's scanner is global).
 */
struct px_where;

/**
 * A problem found: file and line (0: not known) and a text that can be printed as it is. A warning does not
 * stop anything: only px_conf_check makes them.
 */
struct px_problem {
	char *file;
	unsigned line;
	bool warning;
	char *text;
};
struct px_problems {
	unsigned n;
	struct px_problem *items;
};
void px_problems_add(struct px_problems *p, const char *file, unsigned line, const char *fmt, ...)
    PX_PRINTF(4, 5);
void px_problems_warn(struct px_problems *p, const char *file, unsigned line, const char *fmt, ...)
    PX_PRINTF(4, 5);
void px_problems_free(struct px_problems *p);
/** How many are not warnings. */
unsigned px_problems_errors(const struct px_problems *p);
/** `FILE:LINE: text`, or `FILE:LINE: warning: text`, one a line. */
void px_problems_print(const struct px_problems *p, struct px_buf *out);

/** A list of strings, owned by the configuration. */
struct px_strings {
	unsigned n;
	char **items;
};
bool px_strings_has(const struct px_strings *list, const char *s);

/** What a party's certificates are checked against. Pins are lower-case hex SHA-256 of the SPKI. */
struct px_conf_trust {
	bool configured;
	struct px_strings anchors; /* PEM files */
	struct px_strings crls;    /* PEM files */
	struct px_strings pins;    /* replace the SAN URI, never the chain */
	bool crl_required;         /* default true: no fresh CRL for an issuer means refusal */
};

struct px_conf_node {
	char *authority;
	char *name; /* SAN URI is urn:prinex:AUTHORITY:node:NAME */
	char *environment;
	char *tls_certificate, *tls_key;   /* PEM: leaf with chain; key */
	char *sign_certificate, *sign_key; /* P-256 by default */
	bool pinned;                       /* its certificates carry no URI: partners know it by pins */
};

struct px_conf_listen {
	struct px_strings addresses; /* "host:port", "[v6]:port"; port 0 picks one (demo, tests) */
	unsigned max_connections;
};

struct px_conf_store {
	char *path;         /* folder */
	uint64_t map_size;  /* reserved address space */
	uint64_t watermark; /* free octets on the file system below which new work is refused */
	unsigned batch;     /* operations in one transaction at most */
};

/** How signatures are verified; both come to the same results. */
enum px_conf_verify { PX_VERIFY_FAST, PX_VERIFY_XMLSEC };

struct px_conf_inspect {
	unsigned workers; /* 0: one per core */
	uint64_t body_limit;
	char *official;              /* folder of official XSDs; "" none: their types are left out */
	char *offices;               /* compact list of customs offices; "" none */
	struct px_strings catalogue; /* files */
	enum px_conf_verify verify;
};

/** Signing trust of one authority: by role (index: enum px_role; only SYSTEM and NODE are used). */
struct px_conf_authority {
	char *code;
	char *title;
	struct px_conf_trust trust[4];
	unsigned line;
};

/** An officer always has PX_MODE_NONE. */
enum px_mode { PX_MODE_PULL, PX_MODE_PUSH, PX_MODE_NONE };
/** What it means that a message breaks a rule of its type. */
enum px_rule_level { PX_RULES_OFF, PX_RULES_WARN, PX_RULES_REFUSE };
enum px_conf_confirmation { PX_CONFIRM_SIGNED, PX_CONFIRM_HTTP };

struct px_conf_partner {
	char *name;
	char *authority;
	enum px_role role;
	enum px_mode mode;
	char *url; /* https://host:port, push only; "/v1/exchanges" is added */
	char *proxy;
	char *san_uri;            /* expected; default urn:prinex:AUTHORITY:ROLE:NAME */
	struct px_conf_trust tls; /* anchors, CRLs and pins for its TLS certificate, both directions */
	bool tls12;
	struct px_strings relays_for; /* authorities it may send for; "*" is not allowed */
	struct px_strings relay_to;   /* authorities we forward to when it asks */
	int64_t maximum_age;          /* default 72 h */
	int64_t cod_wait;             /* default 73 h */
	int64_t timeout;              /* one attempt */
	unsigned in_flight;           /* deliveries to it at a time */
	unsigned rate;                /* messages a minute taken from it; 0 any number */
	enum px_conf_confirmation confirmation;
	struct px_strings signature_profiles; /* "1 until 2031-12-31": px_conf_profile_allows */
	struct px_strings rules;              /* "CC015C warn", "off": px_conf_rule_level */
	struct px_strings types;              /* types it takes; empty: all */
	struct px_strings versions;           /* "CD001C NCTS5.0": px_conf_takes_version */
	unsigned line;
};

/** A route matches when all its lists that are not empty match. A message without recipients goes to the
 * recipients of all matching routes; for one recipient the first match that speaks of it (or of everybody)
 * gives via and allow_external. */
struct px_conf_route {
	char *name;
	struct px_strings senders;
	struct px_strings types;
	struct px_strings destinations; /* countries of destination */
	struct px_strings offices;      /* office codes or prefixes ending in '*' */
	struct px_strings countries;    /* any country of routing */
	struct px_strings recipients;   /* authorities added when the header names none */
	char *via;                      /* partner for deliveries to these recipients; "" none */
	bool allow_external;
	unsigned line;
};

/** The first that fits a message counts, in file order; none: PX_RETENTION_DEFAULT. */
struct px_conf_retention {
	char *name;
	char *type;      /* "" any */
	char *recipient; /* "" any */
	int64_t keep;    /* bodies and records after the last delivery ended; default 180 d */
	bool hold;       /* legal hold: never purged */
	unsigned line;
};
#define PX_RETENTION_DEFAULT (180 * INT64_C(86400000))

struct px_conf_limits {
	int64_t horizon;       /* default 30 d */
	int64_t future;        /* default 5 min */
	int64_t movement_life; /* default 150 d */
	int64_t arrival_wait;  /* default 6 h; 0: no Alarm is sent */
	int64_t lease;         /* default 2 min; how long what was fetched waits for its confirmation */
	int64_t drain;         /* default 10 s; how long a stop waits for what is in flight */
};

struct px_conf {
	char *file;
	struct px_conf_node node;
	struct px_conf_listen listen;
	struct px_conf_store store;
	struct px_conf_inspect inspect;
	struct px_conf_limits limits;
	unsigned n_authorities;
	struct px_conf_authority *authorities;
	unsigned n_partners;
	struct px_conf_partner *partners;
	unsigned n_routes;
	struct px_conf_route *routes;
	unsigned n_retention;
	struct px_conf_retention *retention;
	char *metrics_listen; /* "127.0.0.1:9464", "unix:/path"; "" off */
	char *control_socket;
	char *control_admin;    /* group that may act */
	char *control_observer; /* group that may look */
	char *log_level;
	struct px_where *where; /* positions of all values: px_conf_where */
};

/**
 * Parse and check everything that can be told from the file itself: syntax, names, references between
 * sections, bounds, horizon against maximum ages, ambiguous recipients, two partners with one identity. All
 * problems are collected, in file order. @return PX_OK, or PX_ECONF with at least one problem; *@out is set
 * only on PX_OK.
 */
int px_conf_load(const char *path, struct px_conf **out, struct px_problems *problems);
/** The same from memory; @path names the text in problems and is what relative file names relate to. */
int px_conf_load_text(const char *path, const char *text, size_t len, struct px_conf **out,
		      struct px_problems *problems);

/**
 * Check what the file points at: files readable, certificates parse, keys match their certificates, chains
 * are whole, node certificates fit their use and name this node, anchors are CAs, revocation lists parse (a
 * warning when out of date), addresses are of this machine, groups exist, folders are there or can be made;
 * no retention is shorter than the life of a movement (a warning).
 * Blocks (files, names of listen addresses). Catalogue and schemas are checked by their own loaders.
 * @return PX_OK (there may be warnings), or PX_ECONF with at least one problem that is none.
 */
int px_conf_check(const struct px_conf *conf, struct px_problems *problems);

/** Print what is in force, defaults included, in the file's own syntax: it can be loaded again. */
void px_conf_dump(const struct px_conf *conf, struct px_buf *out);

/**
 * A difference: @option of the section @place ("partner \"ua\""), or the section itself (@option NULL); or
 * the order of sections of that name (@option "order"). @old and @fresh as a file says them; NULL: not there.
 */
typedef void px_conf_difference(void *arg, const char *place, const char *option, const char *old,
				const char *fresh);
/** Call @fn for each value that is not the same. What files hold that both name is not looked at. */
void px_conf_diff(const struct px_conf *old, const struct px_conf *fresh, px_conf_difference *fn, void *arg);

/** Append the reference (Markdown) of all sections and options. */
void px_conf_reference(struct px_buf *out);

/** Names of options that differ and need a restart ("store.path"), comma-separated; "" when reload suffices.
 */
void px_conf_needs_restart(const struct px_conf *old, const struct px_conf *fresh, struct px_buf *out);
/** The same, and @fresh gets the values of @running for them: what is in force until the restart. */
void px_conf_keep_running(struct px_conf *fresh, const struct px_conf *running, struct px_buf *out);

void px_conf_free(struct px_conf **conf);

const struct px_conf_partner *px_conf_partner(const struct px_conf *conf, const char *name);
const struct px_conf_authority *px_conf_authority(const struct px_conf *conf, const char *code);
/** Whether an exchange that @partner hands over may be signed by @profile at @at (wall ms). */
bool px_conf_profile_allows(const struct px_conf_partner *partner, unsigned profile, int64_t at);
/** Whether @partner takes messages of @type in @version; if not, @taken (NULL: nobody asks) gets those it
 * takes. */
bool px_conf_takes_version(const struct px_conf_partner *partner, const char *type, const char *version,
			   struct px_buf *taken);
/** What @partner (NULL: nobody in particular) is told for broken rules of @type; @standard: where the
 * configuration says nothing. */
enum px_rule_level px_conf_rule_level(const struct px_conf_partner *partner, const char *type,
				      enum px_rule_level standard);
/**
 * Where the value of a field stands: @field is its address within @conf (`&partner->url`); the address of a
 * name, code or title field gives its section. @return the file (view), "" when not known.
 */
const char *px_conf_where(const struct px_conf *conf, const void *field, unsigned *line);
/** Trust for signatures of (authority, role), or NULL. */
const struct px_conf_trust *px_conf_signing_trust(const struct px_conf *conf, const char *authority,
						  enum px_role role);

#endif
