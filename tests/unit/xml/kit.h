/* prinex: tests of xml: an examiner with two authorities, and exchanges for it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TEST_XML_KIT_H
#define TEST_XML_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "pki.h"
#include "xml/examine.h"
#include "xml/sign.h"

/** Authorities BY (one of the signing CAs is RSA-free) and UA, environment "test", our catalogue. */
struct kit {
	char dir[64];
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_examiner *ex;
	struct authority {
		struct party root, inter;
		struct party system;    /* RSA-2048, urn:prinex:XX:system:customs */
		struct party system_ec; /* P-256 */
		struct party node;      /* P-256, urn:prinex:XX:node:broker */
		struct party node384;   /* P-384 */
		struct party revoked;   /* P-256, as system_ec, in the CRL */
	} by, ua;
};

/** The kit all tests of a program share; made at the first call. @more: further lines of configuration. */
struct kit *kit_get(void);
void kit_free(void);

/** A verdict, the same whether prinex itself verifies or xmlsec1 (asserted). */
struct px_verdict *kit_examine_as(const struct px_exam *exam, const char *data, size_t len);
/** A verdict on @data as an exchange at the first broker. */
struct px_verdict *kit_examine(const char *data, size_t len);

/** CPU time of this thread. */
double kit_cpu_us(void);

/** Parts of an exchange; NULL: the ordinary thing. */
struct letter {
	const char *id, *environment, *sender, *recipients, *type, *version, *created, *expires, *correlation;
	const char *payload;
	const char *header; /* all header elements instead of the above */
	const char *open;   /* root's start tag */
	const char *after;  /* between Payload and the end tag */
};
/** Unsigned. @return text to be freed. */
char *letter_text(const struct letter *l);
/** Sign @text with @who and its authority's intermediate. Frees @text. @return text to be freed. */
char *letter_sign(char *text, const struct party *who, const struct authority *of);
char *sign_with(const char *text, const struct party *who, X509 *second, enum px_sign_digest digest);

/** Replace the first @from by @to (asserts that it is there); frees @text. */
char *swap(char *text, const char *from, const char *to);

/** Assert that @text is refused at @stage, with @code as its first error. */
void expect_refused(const char *text, enum px_stage stage, enum px_code code);
void expect_accepted(const char *text);
/** Like printf into fresh memory. */
char *text_of(const char *fmt, ...) PX_PRINTF(1, 2);
char *file_text(const char *path, size_t *len);
/** Tests that need it skip then. */
bool corpus_missing(void);
const char *corpus(void);

#define PING                                        \
	"<n:Ping xmlns:n=\"urn:prinex:customs:1\">" \
	"<preparationDateAndTime>2026-11-21T08:15:00Z</preparationDateAndTime></n:Ping>"

#endif
