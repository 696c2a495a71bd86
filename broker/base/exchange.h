/* prinex: the words of the exchange as plain data
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_EXCHANGE_H
#define PX_BASE_EXCHANGE_H

#include "base/base.h"
#include "base/codes.h"
#include "base/digest.h"

/*
 * What travels between rooms once XML is behind us: header, business keys, confirmations, verdict. Plain
 * data without library types, so that every layer may hold it. Fixed fields are NUL-terminated.
 */

#define PX_AUTHORITY_MAX  15 /* [A-Z]{2}([.-][A-Z0-9]{1,12})? */
#define PX_MESSAGE_ID_MAX 35 /* as messageIdentification in NCTS */
#define PX_NAME_MAX       32 /* partner, route and environment names */
#define PX_TYPE_MAX       35
#define PX_RECIPIENTS_MAX 16
#define PX_KEY_VALUE_MAX  70 /* longest: an MRN-less LRN with its declarant */
#define PX_KEYS_MAX       1024
#define PX_ENTRIES_MAX    100 /* confirmations in one Confirmations payload */
#define PX_RULE_ID_MAX    35  /* it stands where a code stands */

enum px_role { PX_ROLE_NONE, PX_ROLE_SYSTEM, PX_ROLE_NODE, PX_ROLE_OFFICER };
const char *px_role_name(enum px_role role);
/** "system", "node", "officer"; PX_ROLE_NONE for anything else. */
enum px_role px_role_parse(const char *s);

/** Priority of a message type: A urgent, B filings, C notices. Lower is served first. */
enum px_prio { PX_PRIO_A, PX_PRIO_B, PX_PRIO_C, PX_PRIO_COUNT };

/** px:Header. Times are milliseconds since 1970; 0 means absent. Empty strings mean absent. */
struct px_header {
	char message_id[PX_MESSAGE_ID_MAX + 1];
	char environment[PX_NAME_MAX + 1];
	char sender[PX_AUTHORITY_MAX + 1];
	unsigned n_recipients;
	char recipients[PX_RECIPIENTS_MAX][PX_AUTHORITY_MAX + 1];
	char type[PX_TYPE_MAX + 1];
	char type_version[PX_TYPE_MAX + 1];
	int64_t created_at;
	int64_t expires_at;
	char correlation_id[PX_MESSAGE_ID_MAX + 1];
};

/** Business keys, in the order of `keys` options in the catalogue. */
enum px_key_kind {
#define PX_KEY(name, option, text) PX_KEY_##name,
#include "base/keys.def"
#undef PX_KEY
	PX_KEY_COUNT
};
/** The option's name, which is also what operators type and see: "lrn", "office-departure", ... */
const char *px_key_name(enum px_key_kind kind);
/** @return the kind or PX_KEY_COUNT. */
enum px_key_kind px_key_parse(const char *name);

struct px_key {
	enum px_key_kind kind;
	char value[PX_KEY_VALUE_MAX + 1]; /* white space collapsed; cut at a character */
};

struct px_keys {
	unsigned n;
	struct px_key *items;
	bool ends_movement; /* the catalogue's ends-movement expression was true */
};
/** First value of @kind, or NULL. View. */
const char *px_keys_first(const struct px_keys *keys, enum px_key_kind kind);

enum px_conf_kind { PX_COA, PX_COD, PX_COE, PX_CONF_KINDS };
const char *px_conf_kind_name(enum px_conf_kind kind); /* "CoA", "CoD", "CoE" */

/** One px:Error or px:Warning. Strings are owned by whoever owns the array; NULL means absent. */
struct px_finding {
	enum px_code code;
	char *rule; /* id of the rule that is broken: it stands on the wire in place of the code; else NULL */
	unsigned line; /* in the exchange as sent; 0: not known */
	char *pointer; /* XPath; starts at the payload's root, or at /px:Exchange for envelope errors */
	char *value;   /* the offending value, cut at PX_VALUE_MAX octets at a character */
	char *text;    /* one sentence of English */
};

struct px_findings {
	unsigned n;     /* kept, at most PX_ERRORS_MAX */
	unsigned total; /* found, kept or not */
	struct px_finding *items;
};
/** Append; the strings are copied (NULL allowed), @value is cut. Counts on when the limit is reached. */
void px_findings_add(struct px_findings *f, enum px_code code, unsigned line, const char *pointer,
		     const char *value, const char *text_fmt, ...) PX_PRINTF(6, 7);
/** The same for the rule @rule; @code is the group it belongs to. */
void px_findings_add_rule(struct px_findings *f, const char *rule, enum px_code code, unsigned line,
			  const char *pointer, const char *value, const char *text);
/** What stands as `code` in px:Error and px:Warning: the rule's id, else the code. View. */
const char *px_finding_wire(const struct px_finding *f);
void px_findings_free(struct px_findings *f);

/** px:Confirmation as read. Strings are NUL-terminated; empty means absent. */
struct px_confirmation {
	enum px_conf_kind kind;
	bool permanent; /* CoE: Class */
	char confirmation_id[PX_MESSAGE_ID_MAX + 1];
	char issuer[PX_AUTHORITY_MAX + 1];
	char ref_sender[PX_AUTHORITY_MAX + 1];
	char ref_message_id[PX_MESSAGE_ID_MAX + 1];
	uint8_t ref_digest[PX_DIGEST_LEN];
	int64_t at;
	unsigned n_recipients;
	char recipients[PX_RECIPIENTS_MAX][PX_AUTHORITY_MAX + 1];
	char route[PX_NAME_MAX + 1];
	bool cod_follows;
	char supersedes[PX_MESSAGE_ID_MAX + 1];
	bool has_checkpoint;
	uint8_t checkpoint[PX_DIGEST_LEN];
	/* Evidence: octets of a signed Confirmation; offset and length of its base64 in the exchange, and
	 * what the inspector found when it verified it. */
	uint32_t evidence_offset, evidence_len; /* len 0: none */
	bool evidence_ok;                       /* signature, chain and RefDigest verified */
	enum px_conf_kind evidence_kind;
	char evidence_issuer[PX_AUTHORITY_MAX + 1]; /* authority that signed the evidence */
	enum px_role evidence_role;
	/* Its first error, for people; the whole is in the octets. */
	char error_code[PX_TYPE_MAX + 1];
	char error_text[PX_VALUE_MAX + 1];
	uint32_t offset, len; /* the element's octets in the document */
};

/** Who signed, as proved by the certificate. */
struct px_signer {
	char authority[PX_AUTHORITY_MAX + 1];
	enum px_role role;
	char name[PX_NAME_MAX + 1]; /* from the SAN URI; empty when known by a pin */
	uint8_t cert_sha256[PX_DIGEST_LEN];
	int64_t not_after; /* earliest of the chain, ms */
};

/** Which stage an examination stopped at; OK means that all passed. In this order. */
enum px_stage {
	PX_STAGE_PRESCAN,
	PX_STAGE_PARSE,
	PX_STAGE_ENVELOPE,
	PX_STAGE_SHAPE,
	PX_STAGE_CERTIFICATE,
	PX_STAGE_SIGNATURE,
	PX_STAGE_SCHEMA,
	PX_STAGE_RULES,
	PX_STAGE_OK
};
const char *px_stage_name(enum px_stage stage);

/** What is being examined. */
enum px_doc_kind {
	PX_DOC_EXCHANGE,
	PX_DOC_CONFIRMATION,
	PX_DOC_NODE /* a node's answer to ping; examined by clients only */
};

/**
 * The result of an examination. `header` and `signer` are to be believed only when stage is beyond
 * SIGNATURE (px_verdict_is_signed); before that they are what the sender claims, for logs and for a CoE's
 * RefSender and RefMessageId.
 */
struct px_verdict {
	enum px_doc_kind kind;
	enum px_stage stage;       /* the stage that failed, or PX_STAGE_OK */
	struct px_findings errors; /* not empty unless stage is OK */
	struct px_findings warnings;
	bool has_header; /* at least sender and message_id could be read */
	struct px_header header;
	char version[PX_TYPE_MAX + 1]; /* of the type, by which it was judged: TypeVersion, else what the
					  payload says, else the default's name; "" none has a name */
	struct px_signer signer;
	unsigned profile; /* of the signature (profiles.def); 0: its shape is that of none */
	struct px_keys keys;
	uint32_t payload_offset, payload_len; /* octets of the payload's root element in the document */
	unsigned n_entries;                   /* DOC_CONFIRMATION: 1; type Confirmations: 1..100; else 0 */
	struct px_confirmation *entries;
};
bool px_verdict_is_signed(const struct px_verdict *v);
/** Frees what it owns and the struct; NULL is fine. */
void px_verdict_free(struct px_verdict **v);

#endif
