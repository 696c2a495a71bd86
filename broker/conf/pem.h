/* prinex: what certificates, keys and revocation lists named in a configuration must be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_PEM_H
#define PX_CONF_PEM_H

#include "conf/conf.h"

/*
 * The only part of conf that knows OpenSSL. What is found is text that can be printed as it is and names the
 * file. Requirements are those of docs/certificates.md. Blocks (files).
 */
struct px_pem_findings {
	struct px_strings errors;
	struct px_strings warnings;
};
void px_pem_findings_free(struct px_pem_findings *found);

enum px_pem_use { PX_PEM_TLS, PX_PEM_SIGN };

struct px_pem_pair {
	const char *certificate, *key;
	enum px_pem_use use;
	const char *uri;                  /* that the certificate must carry; NULL: none is needed */
	const struct px_strings *anchors; /* files; NULL: not known, the chain must only be whole */
};

/** Check a certificate with its chain, and its key. */
void px_pem_check_pair(const struct px_pem_pair *pair, struct px_pem_findings *found);
/** Check files of anchors and revocation lists. */
void px_pem_check_trust(const struct px_conf_trust *trust, struct px_pem_findings *anchors,
			struct px_pem_findings *crls);

#endif
