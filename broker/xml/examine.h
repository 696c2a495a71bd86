/* prinex: examine one document: all stages from octets to verdict
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_EXAMINE_H
#define PX_XML_EXAMINE_H

#include "base/exchange.h"
#include "conf/catalogue.h"

/*
 * What an inspector does with each message, and what `prinex check` and `prinex verify` do offline with the
 * same code. Calling sequence:
 *
 *	px_xml_init();                               once a process, before threads and forks
 *	px_examiner_new(conf, catalogue, &ex, &why); compiles schemas and expressions, loads anchors and CRLs
 *	px_examiner_warm(ex, &why);                  one message per algorithm: nothing is loaded lazily later
 *	... fork: children share the compiled parts by copy-on-write ...
 *	verdict = px_examine(ex, &exam, data, len);  any number of times
 *	px_examiner_free(&ex);
 *
 * Stages run in the order of enum px_stage; all errors of the first stage that fails are collected (up to
 * PX_LIMIT_ERRORS, then counted) and the later stages are not run. After px_examiner_warm no file is opened
 * and nothing is fetched. Never in the broker process. Thread: one at a time per examiner.
 *
 * A confirmation goes the same way: its Issuer must have signed it; its schema (exchange-1.xsd) is judged in
 * stage SCHEMA, and in stage RULES whether it is one that was expected. Of Evidence the verdict says whether
 * it verifies (entries[].evidence_ok; else a warning PX-CONF-EVIDENCE): validity at its own At, revocation at
 * now, RefDigest, RefSender and RefMessageId as in the confirmation around it. Evidence within Evidence is
 * left alone. Not checked here: times, recipients, ids that exist already, the peer (flow/accept).
 */

/** What the examination is for; strings are borrowed. */
struct px_exam {
	enum px_doc_kind kind;
	int64_t now;       /* wall ms */
	bool first_broker; /* the peer is a system: the signer's certificate is judged at now; otherwise
			    * validity at CreatedAt, revocation at now */
	/* PX_DOC_CONFIRMATION: the exchange it must be about. */
	const uint8_t *expected_digest;            /* PX_DIGEST_LEN octets, or NULL: not checked */
	const char *expected_sender, *expected_id; /* "" not checked */
	/* Signing roles that may have signed: a bit per role, 1 << PX_ROLE_SYSTEM | ...; 0: as the document
	 * demands (exchange: the catalogue's origin decides; confirmation: system or node). */
	unsigned roles;
	const char *partner; /* who handed it over: its rule levels count; NULL or "": the standard ones */
	bool unsigned_ok; /* offline `check` of an exchange that is not signed yet: the signature stages are
			   * skipped when there is no Signature; never set by the broker */
};

struct px_examiner;

void px_xml_init(void);

/**
 * Compile everything the catalogue names and load the signing trust of the configuration. @conf and @cat are
 * borrowed for the examiner's life. @conf NULL: no trust (payload checks only). exchange-1.xsd is found
 * through the catalogue's type `Confirmations`, which must be there. Blocks (files).
 * @return PX_OK, PX_ECONF with @why naming file and reason.
 */
int px_examiner_new(const struct px_conf *conf, const struct px_catalogue *cat, struct px_examiner **out,
		    struct px_buf *why);
int px_examiner_warm(struct px_examiner *ex, struct px_buf *why);
void px_examiner_free(struct px_examiner **ex);

/**
 * Run all stages over @data. Never fails: what is wrong is in the verdict. @return the verdict, to be freed
 * with px_verdict_free. For type `Confirmations` the entries are filled, their Evidence verified and located.
 */
struct px_verdict *px_examine(struct px_examiner *ex, const struct px_exam *exam, const uint8_t *data,
			      size_t len);

/** Validate a bare payload document (no envelope) of @type and @version ("" default): schema and later rules
 * only. */
struct px_verdict *px_examine_payload(struct px_examiner *ex, const char *type, const char *version,
				      const uint8_t *data, size_t len);

/** The type whose root element this document has, "" when none or several; for `prinex wrap`. @out >=
 * PX_TYPE_MAX + 1. */
void px_examiner_guess_type(struct px_examiner *ex, const uint8_t *data, size_t len, char *out, size_t size);

#endif
