/* prinex: brokers and actors of a case: what their makers share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_CAST_H
#define PX_HARNESS_CAST_H

#include "play.h"

/** Sets uri, tls_* and sign_* of an actor whose authority, role and broker are known; makes what is missing.
 */
int px_actor_certificates(struct px_play *p, struct px_actor *a, const char *folder, const char *tls,
			  const char *sign);
/** A file beside the scenario or among the examples. */
int px_read_file(struct px_play *p, const char *name, struct px_buf *out);
/** The root element of what make or provoke ask for. */
int px_make_payload(struct px_play *p, const struct px_call *call, struct px_buf *out);
/** A time, or one from @now: -31d, +2h. */
int px_when(struct px_play *p, const char *text, int64_t now, int64_t *out);
/** Files of a signed= word. */
void px_sign_pair(struct px_play *p, const struct px_actor *a, const char *spec, char **cert, char **key);

/** What an answer word and its keys mean. */
int px_step_of(struct px_play *p, const struct px_call *call, const char *word, struct px_peer_step *s);

/** A broker's whole configuration. */
void px_broker_conf(struct px_play *p, const struct px_broker *b, struct px_buf *out);
/** The partner section of a broker (as a node) at another. */
void px_broker_link(struct px_play *p, struct px_broker *at, const struct px_broker *other,
		    const char *lines);
struct px_broker *px_broker_add(struct px_play *p, const char *name);
struct px_actor *px_actor_add(struct px_play *p, const char *name);
int px_actor_peer(struct px_play *p, struct px_actor *a, unsigned port);
void px_cast_free(struct px_play *p);
/** target, tester, counterpart of a case that certifies. */
int px_cast_target(struct px_play *p);
/** Such a case has ended: what is still on its way is not the next one's. */
void px_cast_target_end(struct px_play *p);
/** Whom a certification addresses. */
const char *px_venue_to(const struct px_venue *venue);
/** Send one document as @a; what `send` does. */
int px_send_one(struct px_play *p, struct px_actor *a, struct px_doc *d);

#endif
