/* prinex: signing trust of each (authority, role): anchors, CRLs, pins, and the path check
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_TRUST_H
#define PX_XML_TRUST_H

#include <openssl/x509.h>

#include "conf/conf.h"

/*
 * Every (authority, role) has an X509_STORE of its own without any default path: what the machine trusts
 * otherwise means nothing here. Loaded once with the configuration; read-only afterwards.
 */
struct px_trust {
	char authority[PX_AUTHORITY_MAX + 1];
	enum px_role role;
	X509_STORE *store; /* anchors and CRLs */
	STACK_OF(X509_CRL) * crls;
	const struct px_strings *pins; /* borrowed from the configuration; NULL none */
	bool crl_required;
};

struct px_trusts {
	unsigned n;
	struct px_trust **items;
};

/** Load what @conf (NULL: nothing) says of all authorities. Blocks (files). @return PX_OK, or PX_ECONF with
 * @why. */
int px_trusts_new(const struct px_conf *conf, struct px_trusts **out, struct px_buf *why);
void px_trusts_free(struct px_trusts **trusts);

/** The trust of (authority, role), or NULL. */
const struct px_trust *px_trusts_find(const struct px_trusts *trusts, const char *authority,
				      enum px_role role);

/** One more for px_examiner_warm: @anchor (borrowed) alone, without CRLs; px_trusts_pop takes it away again.
 */
void px_trusts_push(struct px_trusts *trusts, const char *authority, enum px_role role, X509 *anchor);
void px_trusts_pop(struct px_trusts *trusts);

/** What a path was found to be good for; milliseconds since 1970. */
struct px_path {
	int64_t not_before, not_after; /* valid for not_before <= t < not_after */
	int64_t crl_until;             /* earliest nextUpdate of the lists used; INT64_MAX: none needed */
};

/** Called for each fault of a path; @subject is the certificate's or "". */
typedef void px_path_fault(void *arg, enum px_code code, const char *subject, const char *text);

/**
 * Check the path of @leaf over @others to an anchor: validity at @at, revocation at @now (ms). No purpose is
 * checked: the profile of the leaf is the caller's. @return PX_OK and *@path, or PX_ECERT after @fault was
 * called at least once.
 */
int px_trust_check(const struct px_trust *trust, X509 *leaf, STACK_OF(X509) * others, int64_t at, int64_t now,
		   struct px_path *path, px_path_fault *fault, void *arg);

#endif
