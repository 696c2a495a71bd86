/* prinex: one run of the client: settings and what is made from them when needed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_CLIENT_H
#define PX_CLIENT_CLIENT_H

#include "client/settings.h"
#include "conf/catalogue.h"
#include "flow/seal.h"
#include "net/tls.h"
#include "xml/examine.h"

/*
 * What commands share. Catalogue, schemas, keys and TLS are loaded when they are first asked for, so that
 * `wrap` needs no TLS certificate and `ping` no schema; load before threads are started. The broker's own
 * code does the work (xml, net, flow/seal), under a configuration that is made here from the settings: no
 * prinex.conf of a broker is needed.
 */
struct px_client;

/** Takes @settings. @return PX_OK, or PX_ECONF with @why. */
int px_client_new(struct px_settings **settings, struct px_client **out, struct px_buf *why);
void px_client_free(struct px_client **client);

const struct px_settings *px_client_settings(const struct px_client *c);
/** The authority of the broker at the other end, from --server-uri; "" when not known. */
const char *px_client_server_authority(const struct px_client *c);

/** Whether signatures of the broker can be verified; PX_ECONF with @why when nothing says whose to believe.
 */
int px_client_need_trust(const struct px_client *c, struct px_buf *why);
/** The role in --server-uri; a node unless it says otherwise. */
enum px_role px_client_server_role(const struct px_client *c);

/* Load now; PX_OK at once when it is there already. PX_ECONF with @why. Blocks (files). */
int px_client_load_examiner(struct px_client *c, struct px_buf *why);
int px_client_load_key(struct px_client *c, struct px_buf *why);
int px_client_load_tls(struct px_client *c, struct px_buf *why);

/** What was loaded; asserts that it was. */
const struct px_catalogue *px_client_catalogue(const struct px_client *c);
const struct px_seal_key *px_client_key(const struct px_client *c);
const struct px_tls *px_client_tls(const struct px_client *c, const struct px_conf_partner **server);

/** Our authority: --sender, else what the signing certificate's URI says. @return PX_OK, PX_ECONF with @why.
 */
int px_client_sender(struct px_client *c, const char **out, struct px_buf *why);

/* The examiner serves one thread at a time; these take turns. Thread: any. */
struct px_verdict *px_client_examine(struct px_client *c, const struct px_exam *exam, const uint8_t *data,
				     size_t len);
struct px_verdict *px_client_examine_payload(struct px_client *c, const char *type, const char *version,
					     const uint8_t *data, size_t len);
/** The only type with this root element, "" none or several. @out >= PX_TYPE_MAX + 1. */
void px_client_guess_type(struct px_client *c, const uint8_t *data, size_t len, char *out, size_t size);
/** The type of a document: --type, else the only one with its root element. @out >= PX_TYPE_MAX + 1.
 * @return PX_OK, PX_ECONF with @why. */
int px_client_choose_type(struct px_client *c, const uint8_t *root, size_t len, char *out,
			  struct px_buf *why);
/** Append to @out the signed document. */
int px_client_sign(struct px_client *c, const uint8_t *data, size_t len, struct px_buf *out,
		   struct px_buf *why);

/** `urn:prinex:AUTHORITY:ROLE:NAME`: the authority into @out (PX_AUTHORITY_MAX + 1), and the role.
 * @return false when it is another URI. */
bool px_client_parse_uri(const char *uri, size_t len, char *out, enum px_role *role);

/** Set by a signal handler: whatever waits gives up soon. */
extern volatile int px_client_stop;

#endif
