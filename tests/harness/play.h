/* prinex: a case being played: who takes part, what was made, what came
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_PLAY_H
#define PX_HARNESS_PLAY_H

#include <jansson.h>

#include "base/digest.h"
#include "base/exchange.h"
#include "peer.h"
#include "script.h"

/*
 * One case is played by one thread (send parallel= has helpers of its own), in a folder of its own. Commands
 * are functions of a px_play and a px_call, the step with its variables replaced. They return PX_OK or fail
 * through px_fail, which says what was expected and what came.
 */

/** What the command line said, and where things are. */
struct px_venue {
	char *root;  /* where schemas/ and certs/ are */
	char *bin;   /* where prinexd, prinexctl and prinex are */
	char *cache; /* folder shared by the cases of one run */
	int slow;    /* waits are multiplied by this */
	bool verbose;
	/* a target */
	char *target; /* URL; NULL none */
	unsigned target_port;
	char target_address[64];
	char *certs, *authority, *tester, *counterpart, *send_command;
	enum px_role tester_role;
	unsigned listen;
	unsigned profile;
	char environment[PX_NAME_MAX + 1];
	bool pull;             /* the target has an inbox */
	struct px_buf node;    /* its answer to ping */
	struct px_buf subject; /* of its certificate */
	char uri[256];
	struct px_peer *peer; /* the counterpart; started by the first case, stays */
	struct px_buf
	    peer_id; /* ids of cases before, each followed by a line feed: what is left of them is not ours */
};

struct px_call {
	const struct px_step *step;
	unsigned n;
	struct px_word *words;
	unsigned n_keys;
	struct px_key_word *keys; /* keys borrowed from the step, values owned */
	struct px_word body;
};
/** Word @i, "" when there are fewer. */
const char *px_call_word(const struct px_call *call, unsigned i);
/** NULL when absent. */
const char *px_call_key(const struct px_call *call, const char *key);
bool px_call_yes(const struct px_call *call, const char *key);
int64_t px_call_number(const struct px_call *call, const char *key, int64_t otherwise);
int64_t px_call_time(const struct px_call *call, const char *key, int64_t otherwise);

struct px_doc {
	char *name;
	struct px_buf octets;          /* as sent */
	struct px_buf unsigned_octets; /* of make: what edit changes */
	uint8_t digest[PX_DIGEST_LEN];
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1], type[PX_TYPE_MAX + 1];
	struct px_actor *by;
	char *sign_cert, *sign_key; /* NULL: not signed */
	unsigned digest_kind;       /* enum px_sign_digest */
	char *file;
};

enum px_actor_kind { PX_ACTOR_SYSTEM, PX_ACTOR_IDENTITY, PX_ACTOR_RECIPIENT };

/** An exchange that a system fetched and confirmed. */
struct px_taken {
	struct px_buf body;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1], type[PX_TYPE_MAX + 1];
};

struct px_actor {
	char *name;
	enum px_actor_kind kind;
	struct px_broker *broker;
	char authority[PX_AUTHORITY_MAX + 1];
	enum px_role role;
	char uri[128];
	char *tls_cert, *tls_key, *sign_cert, *sign_key; /* tls_cert NULL: none */
	int tls_version;                                 /* 0: 1.3 */
	bool none;                                       /* mode=none */
	struct px_buf lines;                             /* of its partner section */
	struct px_peer *peer;                            /* RECIPIENT */
	unsigned peer_from;                              /* posts before belong to other cases */
	struct px_buf fetched;                           /* last body, empty: nothing */
	char delivery[64];
	unsigned n_taken;
	struct px_taken *taken;
};

struct px_broker {
	char *name;
	char authority[PX_AUTHORITY_MAX + 1];
	char node[64]; /* its name: node-by */
	char *environment;
	char *dir, *conf, *socket, *log, *url;
	unsigned port, metrics_port;
	int held[2]; /* sockets that keep the ports ours */
	struct px_buf sections;
	struct px_buf links; /* partner sections of other brokers */
	pid_t pid;           /* 0: not running */
	bool is_target;
	void *node_sim; /* virtual: struct node */
	bool started;
	size_t log_from; /* octets of its log before the last start */
};

/** What came back for one request. */
struct px_answer {
	const struct px_doc *doc; /* NULL: a request of another kind */
	int rc;                   /* PX_OK: answered */
	struct px_buf why;
	struct px_wire_reply reply;
};

struct px_play {
	struct px_venue *venue;
	const struct px_script *script;
	char *dir, *pki, *here;
	struct px_buf pki_list; /* authorities, a blank between */
	json_t *vars;           /* name: text */
	unsigned n_brokers, n_actors, n_docs, n_answers;
	struct px_broker **brokers;
	struct px_actor **actors;
	struct px_doc **docs;
	struct px_actor *last; /* who acted last */
	struct px_answer *answers;
	struct px_buf previous;    /* body of the answer before */
	const struct px_buf *seen; /* what `field` looks into: last answer or fetched; NULL none */
	int exit_status;           /* of run, ctl */
	struct px_buf output;      /* likewise */
	void *sim;                 /* virtual: struct world */
	struct px_client *client;  /* verifies; made when needed */
	int64_t virtual_left;
	/* the step in progress */
	struct px_buf expected, came;
	struct px_buf
	    refused; /* the first refusal that no step has expected: the cause of what fails later */
	json_t *notes, *evidence; /* arrays of the step's report */
};

/** A step's failure. @expected and what came; returns PX_EINVAL. */
int px_fail(struct px_play *p, const char *expected, const char *came_fmt, ...) PX_PRINTF(3, 4);
/** A line of dialogue, for -v and the report. */
void px_note(struct px_play *p, const char *fmt, ...) PX_PRINTF(2, 3);
/** A signed document that came, with what verifying it said; for the report. */
void px_evidence(struct px_play *p, const char *what, const struct px_buf *doc, const char *verdict);

/** Plays all steps; fills @report: an array of steps. @return PX_OK, or the first failure. */
int px_play_steps(struct px_play *p, const struct px_steps *steps, json_t *report);

/** Replace variables. @return PX_OK, or fails the step. Appends to @out. */
int px_expand(struct px_play *p, const char *s, size_t n, struct px_buf *out);
void px_let(struct px_play *p, const char *name, const char *value);

/* --- names --- */

/** NULL with a failure. */
struct px_broker *px_find_broker(struct px_play *p, const char *name);
struct px_actor *px_find_actor(struct px_play *p, const char *name);
struct px_doc *px_find_doc(struct px_play *p, const char *name);
/** as=; else who acted last, else the first actor. NULL with a failure. */
struct px_actor *px_acting(struct px_play *p, const struct px_call *call, const char *key);
/** All documents meant by a word: NAME, or NAME.* after count=. Appends; fails for none. */
struct px_docs {
	unsigned n;
	struct px_doc **items;
};
int px_find_docs(struct px_play *p, const char *word, struct px_docs *out);
struct px_doc *px_doc_of_octets(struct px_play *p, const void *data, size_t len);
struct px_doc *px_doc_add(struct px_play *p, const char *name);
/** Digest, sender and id from the octets. */
void px_doc_read(struct px_doc *doc);
void px_doc_free(struct px_doc *doc);
/** What to call an exchange in messages: the document's name, else SENDER/ID. */
void px_doc_label(struct px_play *p, const char *sender, const char *id, struct px_buf *out);

/* --- processes (process.c) --- */

/** Run to its end. @argv NULL-terminated, argv[0] a path or in PATH. @return exit status; 128 + signal; -1
 * could not be started or took longer than @timeout_ms. */
int px_run(struct px_play *p, char *const *argv, const struct px_word *input, int64_t timeout_ms,
	   struct px_buf *output);
/** Reserve a loopback port: *@fd stays bound, not listening. */
unsigned px_reserve_port(int *fd);
int64_t px_now_mono(void);
void px_sleep_ms(int64_t ms);

/* --- brokers (brokers.c) --- */

int px_broker_stop(struct px_play *p, struct px_broker *b, bool report);
/** Those that run, at the end of a case; whatever remains of them is killed. */
int px_brokers_end(struct px_play *p);
int px_ctl(struct px_play *p, struct px_broker *b, const char *const *words, unsigned n);
/** Make or find the folder of (authority, role) or @folder, below $pki. */
char *px_pki_path(struct px_play *p, const char *fmt, ...) PX_PRINTF(2, 3);

/* --- talking (talk.c) --- */

int px_dial(struct px_play *p, const struct px_actor *a, struct px_wire **out, struct px_buf *why);
void px_answers_clear(struct px_play *p);
struct px_answer *px_answer_add(struct px_play *p);
/** The only answer, or the first. NULL with a failure. */
struct px_answer *px_answer_last(struct px_play *p);

/* meet.c */
/** Ask the target of --target who it is. @return PX_OK, or PX_EINVAL with @why: not reached, or one never to
 * be played against. */
int px_target_meet(struct px_venue *s, struct px_buf *why);

/* answer.c: answers in a line or two. All append. */

/** Status; of a confirmation its kind and errors, of other XML only what it is. */
void px_answer_line(const struct px_answer *a, struct px_buf *out);
/** The same about a body alone. */
void px_body_line(const struct px_buf *body, struct px_buf *out);
/** Remember a refusal, until a step has expected it; a step that fails tells it. */
void px_refusal_note(struct px_play *p, const struct px_answer *a);
void px_refusal_expected(struct px_play *p);
void px_refusal_tell(struct px_play *p);

#define PX_REQUEST_MS 30000
/** What goes with a request; NULL and 0: nothing. */
struct px_request_with {
	const char *user; /* Prinex-User */
	const struct px_doc *body;
	const char *type; /* of the body */
	int64_t timeout;  /* ms; 0: PX_REQUEST_MS, longer on a slow venue */
};
/** One request on a new connection. */
int px_request(struct px_play *p, struct px_actor *actor, const char *method, const char *path,
	       const struct px_request_with *with);
/** Note an answer, and keep what is signed in it. */
void px_told(struct px_play *p, const struct px_answer *a, const char *what);
/** One inbox request of @a; the body goes to a->fetched. @return PX_OK with the answer added. */
int px_fetch_once(struct px_play *p, struct px_actor *a, int64_t wait_ms);
/** Answer what @a fetched last. */
int px_confirm_once(struct px_play *p, struct px_actor *a, const struct px_peer_step *step);
/** Fetch and confirm once, keep it among a->taken. *@got: something came. */
int px_take_once(struct px_play *p, struct px_actor *a, int64_t wait_ms, bool *got);
/** An exchange that @a has in hand goes to a->taken. */
void px_taken_add(struct px_actor *a);

/* --- verifying (verify.c) --- */

/** @kind of document; NULL for what cannot be examined at all. Free with px_verdict_free. */
struct px_verdict *px_verify(struct px_play *p, enum px_doc_kind kind, const struct px_buf *doc,
			     const uint8_t *digest, struct px_buf *why);
/** First error of a verdict, as a line. */
void px_verdict_line(const struct px_verdict *v, struct px_buf *out);
/** Notes the confirmation in @doc as evidence. */
void px_keep_evidence(struct px_play *p, const char *from, const struct px_buf *doc, const uint8_t *digest);
void px_verify_end(struct px_play *p);

/* --- text (text.c) --- */

/** Compare as an operator says. NULL @have: absent. */
bool px_compare(const char *have, enum px_operator op, const char *want);
/** XPath (a bare name: //px:NAME) in a document. @return PX_OK with the text in @out; PX_ENOTFOUND;
 * PX_EPARSE. */
int px_xpath(const struct px_buf *doc, const char *path, struct px_buf *out);
/** All codes of px:Error, in order, a blank between. */
void px_codes(const struct px_buf *doc, struct px_buf *out);
/** Values of a path such as alarms[0].name, alarms[*].name, alarms#: calls @fn for each. */
typedef bool px_json_fn(void *arg, const char *value);
bool px_json_path(json_t *root, const char *path, px_json_fn *fn, void *arg);

/* --- the virtual stage (sim.c) --- */

int px_sim_start(struct px_play *p);
void px_sim_end(struct px_play *p);
/** The octets of a `make`. */
int px_sim_compose(struct px_play *p, const struct px_call *call, struct px_doc *doc, const char *id);
void px_sim_post(struct px_play *p, struct px_actor *a, const struct px_doc *doc, struct px_answer *answer);
int px_sim_fetch(struct px_play *p, struct px_actor *a, int64_t wait_ms, struct px_answer *answer);
void px_sim_confirm(struct px_play *p, struct px_actor *a, const struct px_peer_step *step,
		    struct px_answer *answer);
void px_sim_kill(struct px_play *p, struct px_broker *b);
void px_sim_down(struct px_play *p, struct px_broker *b, bool down);
const char *px_sim_state(struct px_play *p, struct px_broker *b, const char *sender, const char *id,
			 const char *recipient);
bool px_sim_alarm(struct px_play *p, struct px_broker *b, const char *name, const char *about,
		  struct px_buf *all);
unsigned px_sim_posts(struct px_play *p, struct px_broker *b);
void px_sim_run(struct px_play *p, int64_t ms);

/* --- commands and subjects: a function for each row of the tables --- */

typedef int px_command_fn(struct px_play *p, const struct px_call *call);
/** What played the step, for its words; NULL: the parser deals with it. */
extern px_command_fn *const px_command_fns[PX_COMMANDS];
extern px_command_fn *const px_subject_fns[PX_SUBJECTS];

px_command_fn px_cmd_pki, px_cmd_broker, px_cmd_system, px_cmd_identity, px_cmd_recipient, px_cmd_connect,
    px_cmd_link, px_cmd_start, px_cmd_stop, px_cmd_kill, px_cmd_restart, px_cmd_reconfigure, px_cmd_ctl,
    px_cmd_run, px_cmd_make, px_cmd_bytes, px_cmd_copy, px_cmd_edit, px_cmd_mutate, px_cmd_send,
    px_cmd_request, px_cmd_raw, px_cmd_ping, px_cmd_fetch, px_cmd_confirm, px_cmd_take, px_cmd_provoke,
    px_cmd_offer, px_cmd_answer, px_cmd_down, px_cmd_up, px_cmd_fault, px_cmd_sleep, px_cmd_advance,
    px_cmd_let, px_cmd_note;
px_command_fn px_expect_status, px_expect_coa, px_expect_coe, px_expect_signed, px_expect_field,
    px_expect_header, px_expect_body, px_expect_same, px_expect_no_answer, px_expect_fetched,
    px_expect_arrived, px_expect_attempts, px_expect_interval, px_expect_outcome, px_expect_state,
    px_expect_ctl, px_expect_metric, px_expect_alarm, px_expect_log, px_expect_refused_tls, px_expect_exit,
    px_expect_output, px_expect_json, px_expect_lookup, px_expect_value;

#endif
